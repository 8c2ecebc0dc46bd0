/**
 * Batch: samples that are computed on together, and the making of one from rows.
 *
 * Not the order of samples (batches.ts, batch_stream.ts).
 * Invariant: what is made depends on the rows, the seed and the epoch, never on what was made before.
 *
 * @module
 */
import { type ConcreteType, elementCount, isFloat, type Tensor, zeros } from "../../ir/library.ts";
import { badBatches, testSplitRead } from "../failures.ts";
import { type Augmentation, changesOf, checkAugmentations, type Mixing, type SampleChanges } from "./augment.ts";
import {
  type Affine,
  applyAffine,
  type DataSchema,
  type Dataset,
  type Feature,
  type SplitName,
  type TestGuard,
} from "./dataset.ts";

/** Samples that are computed on together. */
export interface Batch {
  /** Its number in the epoch. */
  readonly index: number;
  /** The epoch. */
  readonly epoch: number;
  /** How many samples. */
  readonly size: number;
  /** Their numbers in the data set. */
  readonly samples: ReadonlyArray<number>;
  /** Inputs in the order of the schema, `[size, …]`. */
  readonly inputs: ReadonlyArray<Tensor>;
  /** What is to be learned, `[size, …]`. */
  readonly target?: Tensor;
}

/** How batches are made. */
export interface BatchOptions {
  /** The part of the data. */
  readonly split: SplitName;
  /** Samples in a batch. */
  readonly batch: number;
  /** What fixes the order and the changes. Default 0. */
  readonly seed?: number | string;
  /** The epoch. Default 0. */
  readonly epoch?: number;
  /** Whether samples come in a new order in each epoch. Default: for `train`. */
  readonly shuffle?: boolean;
  /** Whether a last batch of fewer samples is left out. Default false. */
  readonly drop?: boolean;
  /** The first batch that is wanted. Default 0. */
  readonly from?: number;
  /** Changes of the samples. Default none. */
  readonly augment?: ReadonlyArray<Augmentation>;
  /** Whether classes are given as shares, `f32[classes]`; always with mixup. Default false. */
  readonly oneHot?: boolean;
  /** What sees to it that a run reads the test split once; needed for that split. */
  readonly guard?: TestGuard;
}

/** What batches consist of: the schema, with classes as shares where that was asked for. */
export interface Delivered {
  /** Inputs. */
  readonly inputs: ReadonlyArray<Feature>;
  /** What is to be learned. */
  readonly target?: Feature;
}

/** Most samples of a batch. */
export const MAX_BATCH = 1_048_576;

/** Options with what they leave open. */
export interface Settled extends Required<Omit<BatchOptions, "guard">> {
  /** What sees to it that a run reads the test split once. */
  readonly guard?: TestGuard;
}

/** Refuses what is no whole number within bounds. */
export const wholeNumber = (option: string, value: number, minimum: number, maximum: number): void => {
  if (Number.isSafeInteger(value) && value >= minimum && value <= maximum) return;
  throw badBatches({
    option: `${option} ${value}`,
    reason: `it is a whole number from ${minimum} to ${maximum}`,
    path: `/${option}`,
    actual: Number.isFinite(value) ? value : String(value),
  });
};

/** Fills in what options leave open, and refuses what does not suit the data. */
export const settle = (dataset: Dataset<unknown>, options: BatchOptions): Settled => {
  const { split, augment = [] } = options;
  wholeNumber("batch", options.batch, 1, MAX_BATCH);
  wholeNumber("epoch", options.epoch ?? 0, 0, Number.MAX_SAFE_INTEGER);
  wholeNumber("from", options.from ?? 0, 0, Number.MAX_SAFE_INTEGER);
  checkAugmentations(dataset.schema, augment);
  if (options.oneHot === true && dataset.schema.target?.kind !== "classification") {
    throw badBatches({ option: "oneHot", reason: `the samples of "${dataset.name}" have no class`, path: "/oneHot" });
  }
  return {
    split,
    batch: options.batch,
    seed: options.seed ?? 0,
    epoch: options.epoch ?? 0,
    shuffle: options.shuffle ?? split === "train",
    drop: options.drop ?? false,
    from: options.from ?? 0,
    augment,
    oneHot: dataset.schema.target?.kind === "classification" &&
      (options.oneHot === true || augment.some(({ kind }) => kind === "mixup")),
    ...(options.guard === undefined ? {} : { guard: options.guard }),
  };
};

/** Lets a run read the test split once. */
export const enterTest = (name: string, { split, guard }: Settled): void => {
  if (split !== "test") return;
  if (guard === undefined) {
    throw badBatches({ option: "the test split", reason: "reading it takes the guard of the run", path: "/guard" });
  }
  if (!guard.enter(name)) throw testSplitRead({ name });
};

/** Samples as batches are made of: rows of a table that need not be held as a whole. */
export interface Rows {
  /** What they consist of. */
  readonly schema: DataSchema;
  /** Shift and scale by column. */
  readonly affines: ReadonlyArray<Affine | undefined>;
  /** Writes a row's stored elements of a column; the target is the column after the inputs. */
  readonly read: (row: number, column: number, into: Tensor["data"], at: number) => void;
  /** The number of a row's sample in the data set. */
  readonly sampleOf: (row: number) => number;
}

/** What batches of a schema consist of. */
export const deliveredBy = ({ inputs, target }: DataSchema, oneHot: boolean): Delivered => {
  if (target === undefined) return { inputs };
  if (!oneHot || target.kind !== "classification") return { inputs, target };
  return { inputs, target: { name: target.name, type: { dtype: "f32", shape: [target.classes] } } };
};

type Floats = Float32Array | Float64Array;

/** Writes the batch's elements of one input. */
const fillInput = (
  rows: Rows,
  column: number,
  type: ConcreteType,
  chosen: ReadonlyArray<number>,
  changes: ReadonlyArray<SampleChanges>,
  mixings: ReadonlyArray<Mixing | undefined>,
  order: ArrayLike<number>,
): Tensor => {
  const size = elementCount(type.shape);
  const made = zeros(type.dtype, [chosen.length, ...type.shape]);
  const changed = changes.length > 0 && isFloat(type.dtype);
  const affine = rows.affines[column];
  const other = mixings.some((mixing) => mixing !== undefined) && isFloat(type.dtype)
    ? zeros(type.dtype, [size])
    : null;
  chosen.forEach((row, i) => {
    const at = i * size;
    rows.read(row, column, made.data, at);
    if (changed) changes[i].stored(type, made.data as Floats, at);
    if (affine !== undefined) applyAffine(affine, made.data, at, size);
    if (changed) changes[i].given(made.data as Floats, at, size);
    const mixing = mixings[i];
    if (mixing === undefined || other === null) return;
    rows.read(order[mixing.other], column, other.data, 0);
    if (affine !== undefined) applyAffine(affine, other.data, 0, size);
    mix(made.data as Floats, at, other.data as Floats, mixing.share, size);
  });
  return made;
};

const mix = (into: Floats, at: number, other: Floats, share: number, size: number): void => {
  for (let k = 0; k < size; k++) into[at + k] = share * into[at + k] + (1 - share) * other[k];
};

const fillTarget = (
  rows: Rows,
  chosen: ReadonlyArray<number>,
  mixings: ReadonlyArray<Mixing | undefined>,
  order: ArrayLike<number>,
  oneHot: boolean,
): Tensor | undefined => {
  const { target, inputs } = rows.schema;
  if (target === undefined) return undefined;
  const column = inputs.length;
  if (!oneHot || target.kind !== "classification") {
    return fillInput(rows, column, target.type, chosen, [], mixings, order);
  }
  const classOf = zeros(target.type.dtype, [1]);
  const made = zeros("f32", [chosen.length, target.classes]);
  const add = (row: number, at: number, share: number): void => {
    rows.read(row, column, classOf.data, 0);
    (made.data as Float32Array)[at * target.classes + Number(classOf.data[0])] += share;
  };
  chosen.forEach((row, i) => {
    const share = mixings[i]?.share ?? 1;
    add(row, i, share);
    if (share < 1) add(order[mixings[i]!.other], i, 1 - share);
  });
  return made;
};

/** The batch of some rows; `order` is what mixup draws partners from. */
export const makeBatch = (
  rows: Rows,
  chosen: ReadonlyArray<number>,
  index: number,
  order: ArrayLike<number>,
  { augment, seed, epoch, oneHot }: Settled,
): Batch => {
  const samples = chosen.map(rows.sampleOf);
  const changes = augment.length === 0 ? [] : samples.map((sample) => changesOf(augment, seed, epoch, sample));
  const mixings = changes.map((change) => change.mixing(order.length));
  const inputs = rows.schema.inputs.map(({ type }, column) =>
    fillInput(rows, column, type, chosen, changes, mixings, order)
  );
  const target = fillTarget(rows, chosen, mixings, order, oneHot);
  return { index, epoch, size: chosen.length, samples, inputs, ...(target === undefined ? {} : { target }) };
};
