/**
 * Samples: the data of one client, by row.
 *
 * Not a loader: a client's rows are few, so they are held. Invariant: rows asked for come in the order asked.
 *
 * @module
 */
import type { Tensor } from "../../ir/contract.ts";
import { elementCount } from "../../ir/library.ts";
import type { Network } from "../contract.ts";
import { gather, type MemoryDataset } from "../data/dataset.ts";
import { notFederated } from "../failures.ts";
import { presented } from "../feed.ts";
import type { Objective } from "./local_programs.ts";

/** Some rows. */
export interface Rows {
  /** One tensor an input of the network, rows first. */
  readonly inputs: ReadonlyArray<Tensor>;
  /** What is to be predicted, rows first. */
  readonly target: Tensor;
}

/** Data that a client trains on. */
export interface Samples {
  /** How many there are. */
  readonly count: number;
  /** Some of them. */
  readonly rows: (indices: ArrayLike<number>) => Rows;
}

/** Rows of a tensor. */
export const takeRows = (of: Tensor, indices: ArrayLike<number>): Tensor => {
  const shape = of.shape.slice(1);
  const width = elementCount(shape);
  const Data = of.data.constructor as new (count: number) => Float32Array<ArrayBuffer>;
  const data = new Data(indices.length * width);
  const from = of.data as Float32Array;
  for (let i = 0; i < indices.length; i++) {
    data.set(from.subarray(indices[i] * width, (indices[i] + 1) * width), i * width);
  }
  return { dtype: of.dtype, shape: [indices.length, ...shape], data };
};

/** Samples that are held as tensors, all or those whose rows are named. */
export const samplesOf = (all: Rows, only?: ArrayLike<number>): Samples => ({
  count: only?.length ?? all.target.shape[0],
  rows: (indices) => {
    const taken = only === undefined ? indices : Array.from(indices, (index) => only[index]);
    return { inputs: all.inputs.map((input) => takeRows(input, taken)), target: takeRows(all.target, taken) };
  },
});

/**
 * Samples of a data set, by number, as a network takes them and its objective compares them. Throws `NEURAL_FEDERATED`
 * where the set has nothing to learn.
 */
export const samplesOfDataset = (
  dataset: MemoryDataset,
  only: ArrayLike<number>,
  { inputs: ports }: Pick<Network, "inputs">,
  { target: type }: Pick<Objective, "target">,
): Samples => {
  const { inputs, target } = dataset;
  if (target === undefined) throw notFederated({ reason: `the samples of "${dataset.name}" have no target` });
  return {
    count: only.length,
    rows: (indices) => {
      const taken = Array.from(indices, (index) => only[index]);
      return {
        inputs: inputs.map((column, i) => presented(gather(column, taken), ports[i])),
        target: presented(gather(target, taken), { name: target.feature.name, type }),
      };
    },
  };
};
