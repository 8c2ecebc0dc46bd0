/**
 * Dataset: samples with a declared schema and fixed splits, held in memory or read as they pass.
 *
 * Not batches (batches.ts) and not where the samples come from (open.ts).
 * Invariant: a sample is asked for by its number and is always the same; the splits of a set never share a sample.
 *
 * @module
 */
import type * as Stream from "effect/Stream";
import type { KernelFailure } from "../../../kernel/failure.ts";
import {
  type ConcreteType,
  type Dtype,
  elementCount,
  fromFloats,
  type Tensor,
  toFloats,
  zeros,
} from "../../ir/library.ts";
import { badBatches, type NeuralFailure } from "../failures.ts";
import type { TablePreparation } from "./preparation.ts";

/** One named column, as one sample of it is given out. */
export interface Feature {
  /** Its name. */
  readonly name: string;
  /** The type of one sample; a batch has one axis more, in front. */
  readonly type: ConcreteType;
}

/** The unit of numbers that were brought to one scale: value × scale + offset is the target's own. */
export interface Unit {
  /** Factor. */
  readonly scale: number;
  /** Summand. */
  readonly offset: number;
}

/** What is to be learned, and how an answer is meant. */
export type Target =
  /** A class by its number, `i32[]`. */
  | (Feature & { readonly kind: "classification"; readonly classes: number; readonly labels?: ReadonlyArray<string> })
  /** Numbers. */
  | (Feature & { readonly kind: "regression"; readonly unit?: Unit })
  /** The tokens that follow those of the input. */
  | (Feature & { readonly kind: "tokens"; readonly vocabulary: number });

/** What a sample consists of. */
export interface DataSchema {
  /** What is given. */
  readonly inputs: ReadonlyArray<Feature>;
  /** What is asked for; absent where data are only to be answered. */
  readonly target?: Target;
}

/** The parts of a data set. */
export const SPLITS = ["train", "validation", "test"] as const;

/** The name of a part. */
export type SplitName = typeof SPLITS[number];

/** The numbers of the samples of each part. */
export type Splits = { readonly [S in SplitName]: Uint32Array };

/** Shift and scale of what is given out: stored value × scale + offset, one for all elements or one for each. */
export interface Affine {
  /** Factors. */
  readonly scale: Float64Array;
  /** Summands. */
  readonly offset: Float64Array;
}

/** A column whose samples can be asked for in any order. */
export interface Column {
  /** What it gives out. */
  readonly feature: Feature;
  /** Writes the stored elements of one sample, without shift and scale, from position `at` of `into`. */
  readonly read: (sample: number, into: Tensor["data"], at: number) => void;
  /** What is done to every element on its way out. */
  readonly affine?: Affine;
}

/** Samples that can be asked for in any order. */
export interface MemoryDataset {
  /** How its samples are reached. */
  readonly kind: "memory";
  /** Its name. */
  readonly name: string;
  /** What a sample consists of. */
  readonly schema: DataSchema;
  /** How many samples there are. */
  readonly length: number;
  /** Its inputs, in the order of the schema. */
  readonly inputs: ReadonlyArray<Column>;
  /** What is to be learned. */
  readonly target?: Column;
  /** Its parts. */
  readonly splits: Splits;
  /** How rows of a table became its samples, where that can be done again to others. */
  readonly table?: TablePreparation;
}

/** Samples in the order in which they passed. */
export interface Chunk {
  /** The numbers of its samples in the whole. */
  readonly samples: ArrayLike<number>;
  /** Inputs, `[samples, …]`. */
  readonly inputs: ReadonlyArray<Tensor>;
  /** Target, `[samples, …]`. */
  readonly target?: Tensor;
}

/** Samples that are read in their order, as often as they are wanted, without ever being held together. */
export interface StreamDataset<R = never> {
  /** How its samples are reached. */
  readonly kind: "stream";
  /** Its name. */
  readonly name: string;
  /** What a sample consists of. */
  readonly schema: DataSchema;
  /** How many samples there are, where it is known. */
  readonly length?: number;
  /** Reads them from the first. */
  readonly chunks: Stream.Stream<Chunk, NeuralFailure | KernelFailure, R>;
  /** The part to which a sample belongs. */
  readonly splitOf: (sample: number) => SplitName;
}

/** A data set. */
export type Dataset<R = never> = MemoryDataset | StreamDataset<R>;

/** Elements of two-byte floats as f32: columns are scaled and changed in plain numbers. */
const inPlainFloats = (stored: Tensor): Tensor =>
  stored.dtype === "f16" || stored.dtype === "bf16"
    ? fromFloats("f32", stored.shape, new Float64Array(toFloats(stored)))
    : stored;

/** A column over a tensor whose first axis counts the samples; numbers may be given out as f32 or f64. */
export const tensorColumn = (name: string, held: Tensor, dtype?: Dtype, affine?: Affine): Column => {
  const stored = inPlainFloats(held);
  const given = dtype ?? stored.dtype;
  const shape = stored.shape.slice(1);
  const size = elementCount(shape);
  const { data } = stored;
  const wide = data instanceof BigInt64Array || data instanceof BigUint64Array;
  if (given !== stored.dtype && (wide || (given !== "f32" && given !== "f64"))) {
    throw badBatches({ option: `column "${name}"`, reason: `${stored.dtype} is not given out as ${given}` });
  }
  return {
    feature: { name, type: { dtype: given, shape } },
    read: (sample, into, at) => {
      into.set(data.subarray(sample * size, (sample + 1) * size) as never, at);
    },
    ...(affine === undefined ? {} : { affine }),
  };
};

/** One factor and one summand for every element. */
export const uniformly = (scale: number, offset = 0): Affine => ({
  scale: Float64Array.of(scale),
  offset: Float64Array.of(offset),
});

/** A set in memory of columns; the splits name samples by number. */
export const memoryDataset = (made: {
  readonly name: string;
  readonly inputs: ReadonlyArray<Column>;
  readonly target?: Column & { readonly feature: Target };
  readonly length: number;
  readonly splits: Splits;
  readonly table?: TablePreparation;
}): MemoryDataset => {
  const seen = new Uint8Array(made.length);
  for (const name of SPLITS) {
    for (const sample of made.splits[name]) {
      if (!(sample < made.length) || seen[sample]++ > 0) {
        throw badBatches({
          option: `the ${name} split of "${made.name}"`,
          reason: sample < made.length ? `sample ${sample} is in two places` : `there is no sample ${sample}`,
        });
      }
    }
  }
  return {
    kind: "memory",
    name: made.name,
    length: made.length,
    inputs: made.inputs,
    ...(made.target === undefined ? {} : { target: made.target }),
    splits: made.splits,
    ...(made.table === undefined ? {} : { table: made.table }),
    schema: {
      inputs: made.inputs.map((column) => column.feature),
      ...(made.target === undefined ? {} : { target: made.target.feature }),
    },
  };
};

/** The same samples in other splits: a part of a set, as a client of federated training has. */
export const withSplits = (dataset: MemoryDataset, splits: Partial<Splits>, name = dataset.name): MemoryDataset =>
  memoryDataset({
    name,
    inputs: dataset.inputs,
    length: dataset.length,
    ...(dataset.table === undefined ? {} : { table: dataset.table }),
    splits: {
      train: splits.train ?? new Uint32Array(),
      validation: splits.validation ?? new Uint32Array(),
      test: splits.test ?? new Uint32Array(),
    },
    ...(dataset.target === undefined
      ? {}
      : { target: { ...dataset.target, feature: dataset.schema.target! } as Column & { readonly feature: Target } }),
  });

/** A column with other shift and scale. */
export const withAffine = ({ feature, read }: Column, affine: Affine): Column => ({ feature, read, affine });

/** Applies a column's shift and scale to elements from a position on. */
export const applyAffine = ({ scale, offset }: Affine, into: Tensor["data"], at: number, size: number): void => {
  const floats = into as Float32Array;
  const [factor] = scale;
  const [summand] = offset;
  if (scale.length === 1) { for (let i = 0; i < size; i++) floats[at + i] = floats[at + i] * factor + summand; }
  else for (let i = 0; i < size; i++) floats[at + i] = floats[at + i] * scale[i] + offset[i];
};

/** Samples of a column as one tensor, as they are given out. */
export const gather = (column: Column, samples: ArrayLike<number>): Tensor => {
  const { type } = column.feature;
  const size = elementCount(type.shape);
  const made = zeros(type.dtype, [samples.length, ...type.shape]);
  for (let i = 0; i < samples.length; i++) {
    column.read(samples[i], made.data, i * size);
    if (column.affine !== undefined) applyAffine(column.affine, made.data, i * size, size);
  }
  return made;
};

/** The classes of samples. */
export const classesOf = (dataset: MemoryDataset, samples: ArrayLike<number>): Int32Array => {
  if (dataset.target === undefined || dataset.schema.target?.kind !== "classification") {
    throw badBatches({ option: `classes of "${dataset.name}"`, reason: "its samples have no class" });
  }
  return gather(dataset.target, samples).data as Int32Array;
};

/** The one reading of a test split that a run may make. */
export class TestGuard {
  readonly #read = new Set<string>();

  /** Whether this run has read the test split of a data set. */
  hasRead(name: string): boolean {
    return this.#read.has(name);
  }

  /** Notes the reading; whether it is the first. */
  enter(name: string): boolean {
    if (this.#read.has(name)) return false;
    this.#read.add(name);
    return true;
  }
}
