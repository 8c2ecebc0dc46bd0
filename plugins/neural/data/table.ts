/**
 * Table: how named columns of cells become the numbers that are learned from.
 *
 * Not a file format (csv.ts, columnar.ts give the rows) and not what the columns hold (table_profile.ts).
 * Invariant: the plan of a table is made from all its rows before any of them is encoded, so that a later row can hold
 * nothing that the plan does not know; statistics that fill gaps are those of the part to learn from.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { nearest } from "../../../kernel/nearest.ts";
import { badColumn, badData, unknownColumn } from "../failures.ts";
import type { Feature, Target } from "./dataset.ts";
import { type ColumnProfile, MAX_CATEGORIES } from "./table_profile.ts";

export {
  type Cell,
  type ColumnProfile,
  isGap,
  MAX_CATEGORIES,
  MAX_COLUMNS,
  numberOf,
  type Row,
  TableProfile,
  textOfCell,
} from "./table_profile.ts";

/** How a table is meant. */
export interface TableOptions {
  /** The column to be learned; default: the one named target, label, class or y, else the last. */
  readonly target?: string;
  /** The columns that are given; default: all others of numbers, yes and no, or few different texts. */
  readonly inputs?: ReadonlyArray<string>;
  /** What kind of answer is learned; default: by the target's values. */
  readonly task?: "classification" | "regression" | "none";
  /** Whether texts become shares (`one-hot`, in the vector of features) or numbers, an input each. Default one-hot. */
  readonly categories?: "one-hot" | "indices";
  /** What a gap becomes: the mean (a text of its own), nothing (the row is left out), or a failure. Default impute. */
  readonly missing?: "impute" | "drop" | "refuse";
  /**
   * Whether columns are made fit to be learned from by the part to learn from, in a way that is kept with the model
   * (preparation.ts): constants and identifiers left out, gaps marked, rare texts together, numbers of one scale.
   */
  readonly prepare?: boolean;
}

/** Fields of {@link TableOptions}, for inputs of operations. */
export const TABLE_FIELDS = {
  target: Schema.optionalKey(
    Schema.String.annotate({ description: "column to be learned; default target, label, class, y, or the last" }),
  ),
  inputs: Schema.optionalKey(
    Schema.Array(Schema.String).annotate({ description: "columns that are given; default all that can be" }),
  ),
  task: Schema.optionalKey(
    Schema.Literals(["classification", "regression", "none"]).annotate({
      description: "what is learned; default by the target's values",
    }),
  ),
  categories: Schema.optionalKey(
    Schema.Literals(["one-hot", "indices"]).annotate({ description: "what texts become, default one-hot" }),
  ),
  missing: Schema.optionalKey(
    Schema.Literals(["impute", "drop", "refuse"]).annotate({ description: "what gaps become, default impute" }),
  ),
  prepare: Schema.optionalKey(
    Schema.Boolean.annotate({
      description:
        "make columns fit: drop constants and identifiers, mark gaps, scale, join rare texts; kept with a model",
    }),
  ),
} as const;

/** Most different whole numbers of a target that are taken as classes unless `task` says otherwise. */
export const MAX_INFERRED_CLASSES = 20;

/** The category of a gap. */
export const GAP_CATEGORY = "(missing)";

/** The category of all texts that have none of their own. */
export const REST_CATEGORY = "(other)";

const TARGET_NAMES: ReadonlyArray<string> = ["target", "label", "class", "y"];

/** Where a column of a table goes in the vector of features. */
export interface Placed {
  /** Its place among the table's columns. */
  readonly source: number;
  /** What it holds. */
  readonly profile: ColumnProfile;
  /** Its first place in the vector. */
  readonly at: number;
  /** How many places it takes. */
  readonly size: number;
  /** Its texts, where it takes one place for each. */
  readonly vocabulary?: ReadonlyArray<string>;
  /** What stands for a gap where that is settled: a number, or one of its texts. */
  readonly fill?: number | string;
  /** Whether the place after its number says that there was none. */
  readonly marks?: boolean;
  /** What is taken from a number before it is multiplied by the scale. */
  readonly shift?: number;
  /** What a number is multiplied by. */
  readonly scale?: number;
}

/** How the rows of a table become samples. */
export interface TablePlan {
  /** Columns of the vector of features. */
  readonly features: ReadonlyArray<Placed>;
  /** Numbers of a sample's vector. */
  readonly width: number;
  /** Columns that are inputs of their own: texts as numbers. */
  readonly indexed: ReadonlyArray<Placed>;
  /** What is learned. */
  readonly target?: Placed & { readonly feature: Target };
  /** What a sample is given. */
  readonly inputs: ReadonlyArray<Feature>;
  /** Columns that are not used, with the reason. */
  readonly unused: ReadonlyArray<{ readonly column: string; readonly reason: string }>;
  /** What gaps become. */
  readonly missing: NonNullable<TableOptions["missing"]>;
}

/** The place of a column; throws `NEURAL_DATA_COLUMN` with the nearest names. */
export const columnAt = (profiles: ReadonlyArray<ColumnProfile>, name: string, path: string): number => {
  const names = profiles.map((profile) => profile.name);
  const found = names.indexOf(name);
  if (found >= 0) return found;
  throw unknownColumn({ column: name, path, suggestions: nearest(name, names, 3), expected: names.slice(0, 40) });
};

/** The column to be learned, by name or by custom. */
export const targetOf = (names: ReadonlyArray<string>, { target, task }: TableOptions): string | undefined => {
  if (task === "none") return undefined;
  return target ?? names.find((name) => TARGET_NAMES.includes(name.toLowerCase())) ?? names.at(-1);
};

const vocabularyOf = (profile: ColumnProfile, gaps: boolean): ReadonlyArray<string> => [
  ...profile.values ?? [],
  ...(gaps && profile.missing > 0 ? [GAP_CATEGORY] : []),
];

const taskOf = ({ kind, whole, values, name }: ColumnProfile, asked: TableOptions["task"]) => {
  if (asked !== undefined) return asked;
  if (kind === "category" || kind === "boolean") return "classification";
  if (kind === "text") throw badColumn({ column: name, reason: "it has too many different texts to be classes" });
  return whole && values !== undefined && values.length <= MAX_INFERRED_CLASSES ? "classification" : "regression";
};

/** What is learned of a column; `path` is where the options stand in the input. */
export const placedTarget = (
  profile: ColumnProfile,
  source: number,
  options: TableOptions,
  path: string,
): Placed & { readonly feature: Target } => {
  const { name } = profile;
  if (profile.kind === "empty") throw badColumn({ column: name, reason: "it is empty", path: `${path}/target` });
  if (taskOf(profile, options.task) === "regression") {
    if (profile.kind !== "number" && profile.kind !== "boolean") {
      throw badColumn({ column: name, reason: "regression takes numbers, and it holds texts", path: `${path}/task` });
    }
    const feature: Target = { name, type: { dtype: "f32", shape: [] }, kind: "regression" };
    return { source, profile, at: 0, size: 1, feature };
  }
  const labels = vocabularyOf(profile, false);
  if (labels.length === 0) {
    throw badColumn({
      column: name,
      reason: `it has more than ${MAX_CATEGORIES} different values, too many to be classes`,
      path: `${path}/task`,
    });
  }
  const feature: Target = {
    name,
    type: { dtype: "i32", shape: [] },
    kind: "classification",
    classes: labels.length,
    labels,
  };
  return { source, profile, at: 0, size: 1, vocabulary: labels, feature };
};

/** Kinds of columns that are not learned from, and why. */
export const UNUSABLE: { readonly [kind: string]: string } = {
  text: `more than ${MAX_CATEGORIES} different texts`,
  empty: "no values, or lists and records instead",
};

/** Plans how the rows of a table become samples; `path` is where the options stand in the input. */
export const planTable = (
  profiles: ReadonlyArray<ColumnProfile>,
  options: TableOptions,
  path = "/data",
): TablePlan => {
  const { categories = "one-hot", missing = "impute" } = options;
  const name = targetOf(profiles.map((profile) => profile.name), options);
  const targetAt = name === undefined ? -1 : columnAt(profiles, name, `${path}/target`);
  const asked = options.inputs?.map((input, i) => columnAt(profiles, input, `${path}/inputs/${i}`));
  const unused: Array<{ readonly column: string; readonly reason: string }> = [];
  const features: Array<Placed> = [];
  const indexed: Array<Placed> = [];
  let width = 0;
  for (const source of asked ?? profiles.keys()) {
    const profile = profiles[source];
    if (source === targetAt) {
      if (asked === undefined) continue;
      throw badColumn({ column: profile.name, reason: "it is the one to be learned", path: `${path}/inputs` });
    }
    const reason = UNUSABLE[profile.kind];
    if (reason !== undefined) {
      if (asked !== undefined) throw badColumn({ column: profile.name, reason, path: `${path}/inputs` });
      unused.push({ column: profile.name, reason });
      continue;
    }
    if (profile.kind !== "category") features.push({ source, profile, at: width++, size: 1 });
    else {
      const vocabulary = vocabularyOf(profile, true);
      if (categories === "indices") indexed.push({ source, profile, at: 0, size: 1, vocabulary });
      else {
        features.push({ source, profile, at: width, size: vocabulary.length, vocabulary });
        width += vocabulary.length;
      }
    }
  }
  if (features.length + indexed.length === 0) {
    throw badData({ what: "the table", reason: "no column is left to learn from" });
  }
  return {
    features,
    width,
    indexed,
    inputs: [
      ...(width === 0 ? [] : [{ name: "features", type: { dtype: "f32" as const, shape: [width] } }]),
      ...indexed.map(({ profile }) => ({ name: profile.name, type: { dtype: "i32" as const, shape: [] } })),
    ],
    unused,
    missing,
    ...(targetAt < 0 ? {} : { target: placedTarget(profiles[targetAt], targetAt, options, path) }),
  };
};
