/**
 * Batches: the samples of a split in an order that a seed and an epoch fix, some at a time.
 *
 * Invariant: the same options give the same bytes, from whichever batch the reading starts; another epoch is another
 * order.
 *
 * @module
 */
import { badBatches } from "../failures.ts";
import {
  type Batch,
  type BatchOptions,
  type Delivered,
  deliveredBy,
  enterTest,
  makeBatch,
  type Rows,
  settle,
} from "./batch.ts";
import type { MemoryDataset } from "./dataset.ts";
import { permutation } from "./splits.ts";

/** The batches of an epoch, in any order. */
export interface BatchSequence extends Iterable<Batch> {
  /** How many batches the epoch has. */
  readonly length: number;
  /** How many samples it has. */
  readonly samples: number;
  /** What a sample of the batches consists of. */
  readonly features: Delivered;
  /** One batch, by its number in the epoch. */
  readonly at: (index: number) => Batch;
}

const rowsOf = ({ schema, inputs, target }: MemoryDataset): Rows => {
  const columns = target === undefined ? inputs : [...inputs, target];
  return {
    schema,
    affines: columns.map(({ affine }) => affine),
    read: (row, column, into, at) => columns[column].read(row, into, at),
    sampleOf: (row) => row,
  };
};

/**
 * The batches of one epoch of a set in memory.
 *
 * @example
 * ```ts
 * import { batches, generatedData } from "@rmi/rmi/neural";
 * import assert from "node:assert/strict";
 * const epoch = batches(generatedData("moons"), { split: "train", batch: 32, seed: 1 });
 * const [first] = epoch;
 * assert.deepEqual(first.inputs[0].shape, [32, 2]);
 * assert.deepEqual(epoch.at(0).samples, first.samples);
 * ```
 */
export const batches = (dataset: MemoryDataset, options: BatchOptions): BatchSequence => {
  const settled = settle(dataset, options);
  enterTest(dataset.name, settled);
  const { split, batch, drop, from, shuffle, seed, epoch } = settled;
  const members = dataset.splits[split];
  const order = shuffle
    ? permutation(members.length, `${seed}/order/${epoch}`).map((place) => members[place])
    : members;
  const length = drop ? Math.floor(members.length / batch) : Math.ceil(members.length / batch);
  const rows = rowsOf(dataset);
  const at = (index: number): Batch => {
    if (!(Number.isInteger(index) && index >= 0 && index < length)) {
      throw badBatches({ option: `batch ${index}`, reason: `the epoch has ${length} batches`, path: "/from" });
    }
    return makeBatch(rows, [...order.subarray(index * batch, (index + 1) * batch)], index, members, settled);
  };
  return {
    length,
    samples: drop ? length * batch : members.length,
    features: deliveredBy(dataset.schema, settled.oneHot),
    at,
    *[Symbol.iterator]() {
      for (let index = from; index < length; index++) yield at(index);
    },
  };
};
