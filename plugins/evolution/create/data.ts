/**
 * Data: what a run learns from, opened and measured: what a sample looks like, and a part of it that can be sent to
 * workers.
 *
 * Invariant: nothing here reads the test part; what is sent to workers holds none of it.
 *
 * @module
 */
import { type Digest, digestBytes, digestJson } from "../../../kernel/digest.ts";
import type { Json } from "../../../kernel/json.ts";
import { random } from "../../../kernel/random.ts";
import { resolvePath } from "../../../kernel/paths.ts";
import { elementCount, printType, toBytes } from "../../ir/library.ts";
import {
  classesOf,
  DATASETS,
  type DataSource,
  type DetailedSource,
  type MemoryDataset,
  type OpenedData,
  SPLITS,
  type Target,
  withSplits,
} from "../../neural/library.ts";
import { cannotCreate } from "../failures.ts";
import { columnsOf } from "../tables/columns.ts";
import { tableSource } from "../tables/source.ts";
import { portable, type PortableData } from "../search/portable_data.ts";
import type { LearnedData } from "./result.ts";

/** What a caller names: data, and what is to be learned of them. */
export interface Named {
  /** The name of a set, a path, or how a path is to be read. */
  readonly data: DataSource;
  /** The column that is learned. */
  readonly target?: string;
  /** Whether it is a class or a number, where the data do not say. */
  readonly task?: "classification" | "regression";
}

/** The source that a caller means: a built-in set by its name, else a file by its path; columns of tables are made fit. */
export const sourceOf = ({ data, target, task }: Named): DetailedSource => {
  const isSet = typeof data === "string" && DATASETS.some(({ name }) => name === data);
  const isPath = typeof data === "string" && !isSet && /[./\\]/u.test(data);
  const details: DetailedSource = typeof data !== "string" ? data : isPath ? { path: data } : { name: data };
  return tableSource(details, {
    ...(target === undefined ? {} : { target }),
    ...(task === undefined ? {} : { task }),
  });
};

/** A source with its path made absolute. */
export const located = (source: DetailedSource, workspace: string): DetailedSource =>
  source.path === undefined ? source : { ...source, path: resolvePath(workspace, source.path) };

/** Data that a run can learn from. */
export interface Learnable {
  /** The samples. */
  readonly dataset: MemoryDataset;
  /** What is learned. */
  readonly target: Exclude<Target, { readonly kind: "tokens" }>;
  /** Shape of one sample. */
  readonly shape: ReadonlyArray<number>;
  /** Numbers of one answer. */
  readonly outputs: number;
  /** What opening the source found besides. */
  readonly opened: OpenedData<unknown>;
}

/** What is open in data that cannot be learned from this way. */
const faultOf = ({ dataset }: OpenedData<unknown>): string | undefined => {
  if (dataset.kind !== "memory") return "data that are read as they pass cannot be taken in a new order";
  const { inputs, target } = dataset.schema;
  if (target === undefined) return "no column is named that is to be learned";
  if (target.kind === "tokens") return "texts are learned by neural.trainLanguage";
  if (inputs.length !== 1) return `a sample has ${inputs.length} inputs, and one is taken`;
  if (inputs[0].type.dtype !== "f32") return `a sample is ${printType(inputs[0].type)}, and f32 is taken`;
  const empty = SPLITS.find((name) => dataset.splits[name].length === 0);
  return empty === undefined ? undefined : `the ${empty} part is empty`;
};

/** A member of the request that the data contradict would otherwise be passed over in silence. */
const honoured = (name: string, learned: Learnable["target"], asked: DetailedSource): void => {
  const pairs = [["target", asked.target, learned.name], ["task", asked.task, learned.kind]] as const;
  for (const [member, wanted, found] of pairs) {
    if (wanted === undefined || wanted === found) continue;
    throw cannotCreate({
      reason: `of ${name} the ${member} is ${found}, and ${wanted} is asked for`,
      path: `/${member}`,
      fix: { summary: `Leave ${member} out`, patch: [{ op: "remove", path: `/${member}` }] },
    });
  }
};

/** Opened data, where they can be learned from as asked. Throws EVOLUTION_CREATE. */
export const learnable = (opened: OpenedData<unknown>, asked: DetailedSource): Learnable => {
  const reason = faultOf(opened);
  if (reason !== undefined) throw cannotCreate({ reason, path: "/data" });
  const dataset = opened.dataset as MemoryDataset;
  const { inputs: [{ type }], target } = dataset.schema;
  const learned = target as Learnable["target"];
  honoured(dataset.name, learned, asked);
  const shape = type.shape.length === 3 || type.shape.length === 1 ? type.shape : [elementCount(type.shape)];
  const outputs = learned.kind === "classification" ? learned.classes : elementCount(learned.type.shape);
  return { dataset, target: learned, shape, outputs, opened };
};

/** So many samples to learn from, drawn by chance; all of them where there are no more. */
const drawn = ({ splits: { train } }: MemoryDataset, most: number, seed: number): Uint32Array =>
  train.length <= most
    ? train
    // A part is in the order of its numbers, which may be that of its classes, so its beginning says little of it.
    : Uint32Array.from(random(`${seed}/create/sent`).shuffle([...train]).slice(0, most)).sort();

/** So many samples to learn from, and all to choose by, as a worker takes them. */
export const sent = ({ dataset }: Learnable, most: number, seed: number): PortableData =>
  portable(dataset, { train: drawn(dataset, most, seed) });

/** The data with so many samples to learn from. */
export const withSamples = ({ dataset }: Learnable, most: number, seed: number): MemoryDataset =>
  withSplits(dataset, { ...dataset.splits, train: drawn(dataset, most, seed) });

/** Identity of what a run learns from and chooses by. */
export const digestOfData = (learned: Learnable): Digest => {
  const { inputs, target } = portable(learned.dataset);
  const { dataset: { name, schema, splits } } = learned;
  return digestJson({
    name,
    schema: schema as unknown as Json,
    splits: SPLITS.map((part) => splits[part].length),
    content: [...inputs, target!].map(({ stored, affine }) => ({
      stored: digestBytes(toBytes(stored)),
      ...(affine === undefined ? {} : { scale: [...affine.scale], offset: [...affine.offset] }),
    })),
  });
};

/** Classes of each part, where answers are classes. */
const countsOf = ({ dataset, target }: Learnable): LearnedData["target"]["counts"] => {
  if (target.kind !== "classification") return undefined;
  const counts = Array.from({ length: target.classes }, () => ({ train: 0, validation: 0, test: 0 }));
  for (const part of SPLITS) for (const answer of classesOf(dataset, dataset.splits[part])) counts[answer][part]++;
  return counts;
};

/** The data as the result describes them. */
export const describedData = (learned: Learnable, source: DetailedSource): LearnedData => {
  const { dataset, target, opened: { plan } } = learned;
  const counts = countsOf(learned);
  const labels = target.kind === "classification"
    ? target.labels ?? Array.from({ length: target.classes }, (_, i) => String(i))
    : undefined;
  return {
    name: dataset.name,
    source: source as unknown as Json,
    splits: {
      train: dataset.splits.train.length,
      validation: dataset.splits.validation.length,
      test: dataset.splits.test.length,
    },
    inputs: dataset.schema.inputs.map(({ name, type }) => ({ name, type: printType(type) })),
    target: {
      name: target.name,
      kind: target.kind,
      ...(labels === undefined ? {} : { labels }),
      ...(counts === undefined ? {} : { counts }),
    },
    ...(plan === undefined ? {} : { columns: columnsOf(plan) }),
  };
};

/** A source whose path is below a folder, with that path relative: it means the same wherever the folder lies. */
export const relative = (source: DetailedSource, workspace: string): DetailedSource =>
  source.path?.startsWith(`${workspace}/`) ? { ...source, path: source.path.slice(workspace.length + 1) } : source;
