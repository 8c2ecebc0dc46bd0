/**
 * Portable data: the samples that candidates learn from and are chosen by, as plain values that a worker can be sent.
 *
 * Invariant: the test part is not among them; a sample is given out as the set gives it out, bit for bit.
 *
 * @module
 */
import type { Tensor } from "../../ir/contract.ts";
import { elementCount, zeros } from "../../ir/library.ts";
import {
  type Affine,
  batches,
  type Column,
  type MemoryDataset,
  memoryDataset,
  type Target,
  tensorColumn,
  type TestGuard,
  withSplits,
} from "../../neural/library.ts";

/** A column as it is stored, for the samples that are sent. */
interface PortableColumn {
  readonly name: string;
  readonly stored: Tensor;
  readonly affine?: Affine;
}

/** Samples that can be sent to a worker: those that are learned from first, then those that are chosen by. */
export interface PortableData {
  /** The set's name. */
  readonly name: string;
  /** Its inputs. */
  readonly inputs: ReadonlyArray<PortableColumn>;
  /** What is learned. */
  readonly target?: PortableColumn & { readonly feature: Target };
  /** How many samples are learned from. */
  readonly train: number;
  /** How many are chosen by. */
  readonly validation: number;
}

const portableColumn = ({ feature, read, affine }: Column, samples: Uint32Array): PortableColumn => {
  const { dtype, shape } = feature.type;
  const size = elementCount(shape);
  const stored = zeros(dtype, [samples.length, ...shape]);
  for (let i = 0; i < samples.length; i++) read(samples[i], stored.data, i * size);
  return { name: feature.name, stored, ...(affine === undefined ? {} : { affine }) };
};

/**
 * A set's samples to learn from and to choose by, all or those of the given numbers, which belong to those parts: what
 * is of the test part is left behind.
 */
export const portable = (
  dataset: MemoryDataset,
  parts: { readonly train?: Uint32Array; readonly validation?: Uint32Array } = {},
): PortableData => {
  const { train = dataset.splits.train, validation = dataset.splits.validation } = parts;
  const test = new Set(dataset.splits.test);
  const [learned, chosenBy] = [train, validation].map((part) => part.filter((sample) => !test.has(sample)));
  const samples = new Uint32Array(learned.length + chosenBy.length);
  samples.set(learned);
  samples.set(chosenBy, learned.length);
  const { target } = dataset;
  return {
    name: dataset.name,
    inputs: dataset.inputs.map((column) => portableColumn(column, samples)),
    ...(target === undefined
      ? {}
      : { target: { ...portableColumn(target, samples), feature: dataset.schema.target! } }),
    train: learned.length,
    validation: chosenBy.length,
  };
};

/**
 * A set's samples to learn from and those that were held back, which are read here: once, when everything is chosen.
 * They stand where those to choose by stood.
 */
export const heldOut = (dataset: MemoryDataset, guard: TestGuard): PortableData => {
  // Asking for its batches enters the guard, which refuses the second time.
  batches(dataset, { split: "test", batch: 1, shuffle: false, guard });
  const { train, test } = dataset.splits;
  return portable(withSplits(dataset, { train, validation: test }));
};

const columnOf = ({ name, stored, affine }: PortableColumn): Column => tensorColumn(name, stored, undefined, affine);

/** What was sent as a set again; its test part is empty. */
export const fromPortable = ({ name, inputs, target, train, validation }: PortableData): MemoryDataset =>
  memoryDataset({
    name,
    length: train + validation,
    inputs: inputs.map(columnOf),
    ...(target === undefined ? {} : { target: { ...columnOf(target), feature: target.feature } }),
    splits: {
      train: Uint32Array.from({ length: train }, (_, i) => i),
      validation: Uint32Array.from({ length: validation }, (_, i) => train + i),
      test: new Uint32Array(),
    },
  });
