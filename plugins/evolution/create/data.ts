/**
 * Data: what a run learns from, opened and measured: what a sample looks like, and a part of it that can be sent to
 * workers.
 *
 * Invariant: nothing here reads the test part; what is sent to workers holds none of it.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { CallContext } from "../../../kernel/context.ts";
import { type Digest, digestBytes, digestJson } from "../../../kernel/digest.ts";
import type { Json } from "../../../kernel/json.ts";
import { resolvePath } from "../../../kernel/paths.ts";
import { elementCount, printType, toBytes } from "../../ir/library.ts";
import {
  classesOf,
  DATASETS,
  type DataSource,
  type DetailedSource,
  gather,
  type MemoryDataset,
  memoryDataset,
  type OpenedData,
  SPLITS,
  type Target,
  tensorColumn,
} from "../../neural/library.ts";
import type { Tensor } from "../../ir/contract.ts";
import { badSetting, cannotCreate } from "../failures.ts";
import type { LearnedData } from "./result.ts";

/** The source that a caller means: a built-in set by its name, else a table by its path, standardised. */
export const sourceOf = (
  data: DataSource,
  target: string | undefined,
  workspace: string,
): DataSource => {
  const isSet = typeof data === "string" && DATASETS.some(({ name }) => name === data);
  const isPath = typeof data === "string" && !isSet && /[./\\]/u.test(data);
  if (typeof data === "string" && !isPath) {
    if (target === undefined) return data;
    return { name: data, target };
  }
  const details: DetailedSource = typeof data === "string" ? { path: resolvePath(workspace, data) } : data;
  if (details.path === undefined) return details;
  return { scale: "standardise", ...details, ...(target === undefined ? {} : { target }) };
};

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

/** Opened data, where they can be learned from. Throws EVOLUTION_CREATE. */
export const learnable = (opened: OpenedData<unknown>): Learnable => {
  const reason = faultOf(opened);
  if (reason !== undefined) throw cannotCreate({ reason, path: "/data" });
  const dataset = opened.dataset as MemoryDataset;
  const { inputs: [{ type }], target } = dataset.schema;
  const learned = target as Learnable["target"];
  const shape = type.shape.length === 3 || type.shape.length === 1 ? type.shape : [elementCount(type.shape)];
  const outputs = learned.kind === "classification" ? learned.classes : elementCount(learned.type.shape);
  return { dataset, target: learned, shape, outputs, opened };
};

/** Samples that can be sent: their tensors, learned from first, then those that are chosen by. */
export interface Parcel {
  /** Name of the set. */
  readonly name: string;
  /** The one input. */
  readonly input: { readonly name: string; readonly tensor: Tensor };
  /** What is learned. */
  readonly target: { readonly feature: Target; readonly tensor: Tensor };
  /** How many are learned from. */
  readonly train: number;
}

/** The first so many samples to learn from, and all to choose by, as a parcel. */
export const parcelOf = ({ dataset }: Learnable, most: number): Parcel => {
  const train = dataset.splits.train.subarray(0, most);
  const samples = Uint32Array.of(...train, ...dataset.splits.validation);
  const { inputs: [input], target } = dataset;
  return {
    name: dataset.name,
    input: { name: input.feature.name, tensor: gather(input, samples) },
    target: { feature: dataset.schema.target!, tensor: gather(target!, samples) },
    train: train.length,
  };
};

/** A parcel as data again; its test part is empty. */
export const unpacked = ({ name, input, target, train }: Parcel): MemoryDataset => {
  const length = input.tensor.shape[0];
  return memoryDataset({
    name,
    length,
    inputs: [tensorColumn(input.name, input.tensor)],
    target: { ...tensorColumn(target.feature.name, target.tensor), feature: target.feature },
    splits: {
      train: Uint32Array.from({ length: train }, (_, i) => i),
      validation: Uint32Array.from({ length: length - train }, (_, i) => train + i),
      test: new Uint32Array(),
    },
  });
};

/** Identity of what a run learns from and chooses by. */
export const digestOfData = (learned: Learnable): Digest => {
  const { input, target } = parcelOf(learned, learned.dataset.splits.train.length);
  const { dataset: { name, schema, splits } } = learned;
  return digestJson({
    name,
    schema: schema as unknown as Json,
    splits: SPLITS.map((part) => splits[part].length),
    content: [input.tensor, target.tensor].map((tensor) => digestBytes(toBytes(tensor))),
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
export const describedData = (learned: Learnable, source: DataSource, shown: (path: string) => string): LearnedData => {
  const { dataset, target } = learned;
  const counts = countsOf(learned);
  const labels = target.kind === "classification"
    ? target.labels ?? Array.from({ length: target.classes }, (_, i) => String(i))
    : undefined;
  const told: Json = typeof source === "string"
    ? source
    : { ...source, ...(source.path === undefined ? {} : { path: shown(source.path) }) } as unknown as Json;
  return {
    name: dataset.name,
    source: told,
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
  };
};

/** A path below the workspace as a relative one. */
export const relativePath: Effect.Effect<(path: string) => string, never, CallContext> = Effect.map(
  CallContext,
  ({ workspace }) => (path: string) => path.startsWith(`${workspace}/`) ? path.slice(workspace.length + 1) : path,
);

/** A whole number of at least one; throws EVOLUTION_SETTING. */
export const checkedWorkers = (workers: number, most: number): number => {
  if (workers <= most) return workers;
  throw badSetting({ setting: "workers", wanted: `at most ${most}`, found: String(workers), path: "/workers" });
};
