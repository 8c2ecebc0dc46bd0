/**
 * Preparation: how the columns of a table are made fit to be learned from, as data that a model keeps, so that rows
 * that come later are encoded as those it learned from.
 *
 * Not the encoding (table_rows.ts) and not what a table holds (table.ts).
 * Invariant: everything here is told by the part to learn from alone; a preparation that was kept gives the same
 * numbers for a row as the day it was made.
 *
 * - numbers are brought to mean 0 and deviation 1, dates as days;
 * - constants, identifiers and free texts are left out, with the reason;
 * - a number that is absent (or no number, where most are) is the median, and a place of its own says so;
 * - a text has a place where it is frequent, all others share one; a gap has its own, or is the most frequent text;
 * - a text that was never seen belongs to the others, or to none.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { nearest } from "../../../kernel/nearest.ts";
import { badColumn, badData } from "../failures.ts";
import type { Target } from "./dataset.ts";
import {
  columnAt,
  type ColumnProfile,
  GAP_CATEGORY,
  MAX_CATEGORIES,
  type Placed,
  REST_CATEGORY,
  type TableOptions,
  type TablePlan,
  UNUSABLE,
} from "./table.ts";

/** Most texts of a column that have places of their own. */
export const MAX_PLACES = 20;

/** A text that is rarer than this shares the place of the others. */
export const LEAST_OCCURRENCES = 2;

/** Share of the cells of a column from which on it holds numbers, and the rest of them are gaps. */
export const MOSTLY_NUMBERS = 0.95;

/** Rows from which on a column can be told to be an identifier. */
export const LEAST_IDENTIFIED = 20;

/** One column of a preparation. */
export interface PreparedColumn {
  /** Its name. */
  readonly name: string;
  /** What it holds. */
  readonly kind: "number" | "date" | "boolean" | "category";
  /** What stands for a gap: a number, or a text. */
  readonly fill: number | string;
  /** Whether a place says where a number was absent. */
  readonly marks?: boolean;
  /** What is taken from a number before it is multiplied by the scale. */
  readonly shift?: number;
  /** What a number is multiplied by. */
  readonly scale?: number;
  /** Its texts with places of their own. */
  readonly vocabulary?: ReadonlyArray<string>;
}

/** How rows become samples. */
export interface TablePreparation {
  /** The columns that are given, in the order of their places. */
  readonly columns: ReadonlyArray<PreparedColumn>;
}

/** Schema of {@link TablePreparation}. */
export const TablePreparation: Schema.Codec<TablePreparation> = Schema.Struct({
  columns: Schema.Array(Schema.Struct({
    name: Schema.String,
    kind: Schema.Literals(["number", "date", "boolean", "category"]),
    fill: Schema.Union([Schema.Finite, Schema.String]),
    marks: Schema.optionalKey(Schema.Boolean),
    shift: Schema.optionalKey(Schema.Finite),
    scale: Schema.optionalKey(Schema.Finite),
    vocabulary: Schema.optionalKey(Schema.Array(Schema.String).check(Schema.isMaxLength(MAX_CATEGORIES))),
  })),
}) as unknown as Schema.Codec<TablePreparation>;

/** Whether a column holds dates. */
export const isDates = ({ kind, dated }: ColumnProfile): boolean => kind !== "empty" && dated >= MOSTLY_NUMBERS;

const isNumbers = ({ kind, numeric }: ColumnProfile): boolean =>
  kind === "number" || kind === "date" || ((kind === "category" || kind === "text") && numeric >= MOSTLY_NUMBERS);

const NAMED_SO =
  /^(?:id|idx|index|key|uuid|guid|row(?:[ _-]?(?:id|number|names?))?|.*[ _-](?:id|uuid|key)|unnamed.*)$/iu;

/** Why a column says which row it is rather than what the row is like. */
const identifies = (profile: ColumnProfile, rows: number): string | undefined => {
  if (rows < LEAST_IDENTIFIED || isDates(profile)) return undefined;
  if (profile.counting) return "an identifier: it counts the rows";
  const isEachOther = profile.values === undefined || profile.values.length === rows - profile.missing;
  if (!isEachOther) return undefined;
  if (profile.kind === "category") return "an identifier: no two rows have the same text";
  return profile.kind === "number" && profile.whole && NAMED_SO.test(profile.name)
    ? "an identifier, by its name and as no two rows have the same number"
    : undefined;
};

const isConstant = (profile: ColumnProfile): boolean => profile.missing === 0 && profile.counts?.size === 1;

/** Why a column tells nothing; `learned` is it in the part to learn from. */
const useless = (profile: ColumnProfile, learned: ColumnProfile, rows: number): string | undefined => {
  if (learned.kind === "empty") return profile.kind === "empty" ? UNUSABLE.empty : "no values to learn from";
  return identifies(profile, rows) ?? (isConstant(learned) ? "a constant" : undefined) ??
    (isNumbers(learned) ? undefined : UNUSABLE[learned.kind]);
};

const frequent = ({ counts = new Map() }: ColumnProfile): ReadonlyArray<readonly [text: string, count: number]> =>
  [...counts].sort(([a, times], [b, others]) => others - times || (a < b ? -1 : 1));

const placedText = (profile: ColumnProfile): Pick<Placed, "size" | "vocabulary" | "fill"> => {
  const texts = frequent(profile);
  const own = texts.filter(([, count]) => count >= LEAST_OCCURRENCES).slice(0, MAX_PLACES).map(([text]) => text);
  const vocabulary = [
    ...own.sort(),
    ...(own.length < texts.length ? [REST_CATEGORY] : []),
    ...(profile.missing > 0 ? [GAP_CATEGORY] : []),
  ];
  return { size: vocabulary.length, vocabulary, fill: texts[0][0] };
};

const placedNumber = (profile: ColumnProfile): Omit<Placed, "source" | "at"> => {
  const isTruth = profile.kind === "boolean";
  const marks = profile.missing > 0 || (!isTruth && profile.numeric < 1);
  const { mean, deviation } = profile;
  return {
    size: marks ? 2 : 1,
    profile: { ...profile, kind: isTruth ? "boolean" : profile.kind === "date" ? "date" : "number" },
    ...(marks ? { marks } : {}),
    ...(isTruth ? {} : { shift: mean, scale: deviation > 0 && Number.isFinite(deviation) ? 1 / deviation : 1 }),
  };
};

/**
 * Plans a table carefully, without what stands for absent numbers; `all` are its columns, `learned` the same in the
 * part to learn from, `path` is where the options stand in the input.
 */
export const preparedPlan = (
  all: ReadonlyArray<ColumnProfile>,
  learned: ReadonlyArray<ColumnProfile>,
  rows: number,
  target: TablePlan["target"],
  { inputs }: TableOptions,
  path: string,
): TablePlan => {
  const asked = inputs?.map((input, i) => columnAt(all, input, `${path}/inputs/${i}`));
  const unused: Array<{ readonly column: string; readonly reason: string }> = [];
  const features: Array<Placed> = [];
  let width = 0;
  for (const source of asked ?? all.keys()) {
    if (source === target?.source) continue;
    const profile = learned[source];
    const reason = useless(all[source], profile, rows);
    const isOut = reason !== undefined && (asked === undefined || Object.values(UNUSABLE).includes(reason));
    if (isOut) {
      unused.push({ column: profile.name, reason });
      continue;
    }
    const isText = !isNumbers(profile) && profile.kind !== "boolean";
    const placed = { source, profile, at: width, ...(isText ? placedText(profile) : placedNumber(profile)) };
    features.push(placed);
    width += placed.size;
  }
  if (features.length === 0) {
    const [first] = unused;
    const because = first === undefined ? "" : ` ("${first.column}" is ${first.reason})`;
    throw badData({ what: "the table", reason: `no column is left to learn from${because}` });
  }
  return {
    features,
    width,
    indexed: [],
    inputs: [{ name: "features", type: { dtype: "f32", shape: [width] } }],
    unused,
    missing: "impute",
    ...(target === undefined ? {} : { target }),
  };
};

/** What of a plan is kept; its numbers have what stands for them when they are absent. */
export const preparationOf = ({ features }: TablePlan): TablePreparation => ({
  columns: features.map(({ profile, fill, marks, shift, scale, vocabulary }) => ({
    name: profile.name,
    kind: profile.kind as PreparedColumn["kind"],
    fill: fill ?? 0,
    ...(marks ? { marks } : {}),
    ...(shift === undefined ? {} : { shift }),
    ...(scale === undefined ? {} : { scale }),
    ...(vocabulary === undefined ? {} : { vocabulary }),
  })),
});

const PROFILE: Omit<ColumnProfile, "name" | "kind"> = {
  missing: 0,
  mean: 0,
  deviation: 0,
  minimum: 0,
  maximum: 0,
  whole: false,
  numeric: 0,
  dated: 0,
  counting: false,
};

/** Most columns that a refusal names. */
const MAX_NAMED = 40;

const sizeOf = ({ vocabulary, marks }: PreparedColumn): number => vocabulary?.length ?? (marks ? 2 : 1);

const isSpelledNumber = (text: string): boolean => text !== "" && String(Number(text)) === text;

const placedAnswer = (target: Target, names: ReadonlyArray<string>): TablePlan["target"] => {
  const source = names.indexOf(target.name);
  if (source < 0) return undefined;
  const labels = target.kind === "classification" ? target.labels ?? [] : undefined;
  const kind = labels === undefined || labels.every(isSpelledNumber) ? "number" : "category";
  return {
    source,
    profile: { ...PROFILE, name: target.name, kind },
    at: 0,
    size: 1,
    feature: target,
    ...(labels === undefined ? {} : { vocabulary: labels }),
  };
};

/**
 * The plan of a kept preparation for a table with these columns; throws `NEURAL_DATA_VALUES` where one is absent. The
 * target may be.
 */
export const planOf = (
  { columns }: TablePreparation,
  names: ReadonlyArray<string>,
  target: Target | undefined,
  path = "/data",
): TablePlan => {
  let width = 0;
  const features = columns.map((column): Placed => {
    const source = names.indexOf(column.name);
    if (source < 0) {
      throw badColumn({
        column: column.name,
        reason: "the model learned from it, and the rows have none of that name",
        path,
        suggestions: nearest(column.name, names, 3),
        expected: columns.map(({ name }) => name),
        actual: names.slice(0, MAX_NAMED),
      });
    }
    const at = width;
    width += sizeOf(column);
    const { name, kind, ...settled } = column;
    return { source, profile: { ...PROFILE, name, kind }, at, size: sizeOf(column), ...settled };
  });
  const answer = target === undefined ? undefined : placedAnswer(target, names);
  return {
    features,
    width,
    indexed: [],
    inputs: [{ name: "features", type: { dtype: "f32", shape: [width] } }],
    unused: [],
    missing: "impute",
    ...(answer === undefined ? {} : { target: answer }),
  };
};
