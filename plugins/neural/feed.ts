/**
 * Feed: the batches of each epoch, as a step takes them.
 *
 * Not a data set (data/) and not a loop. Invariant: the batches of an epoch depend on its number alone, and any of them
 * can be asked for, so a run resumes in the middle of an epoch.
 *
 * @module
 */
import type { Tensor } from "../ir/contract.ts";
import { elementCount, tensorOf } from "../ir/library.ts";
import type { Port } from "./contract.ts";
import type { Augmentation } from "./data/augment.ts";
import { batches } from "./data/batches.ts";
import type { MemoryDataset, SplitName, TestGuard } from "./data/dataset.ts";
import { cannotTrain } from "./failures.ts";

/** A batch as a step takes it. */
export interface Fed {
  /** Inputs, in the order of the network's. */
  readonly inputs: ReadonlyArray<Tensor>;
  /** Targets, in the order of the step's. */
  readonly targets: ReadonlyArray<Tensor>;
}

/** The batches of an epoch. */
export interface Epoch {
  /** How many. */
  readonly length: number;
  /** One of them. */
  readonly at: (index: number) => Fed;
}

/** Batches for training: all of one size. */
export interface Feed {
  /** Samples of a batch. */
  readonly batch: number;
  /** Batches of every epoch. */
  readonly length: number;
  /** The batches of an epoch. */
  readonly epoch: (epoch: number) => Epoch;
}

/** The same elements as a port takes them: only the shape of a sample may differ. */
export const presented = (tensor: Tensor, { type }: Port): Tensor => {
  const shape = [tensor.shape[0], ...type.shape.slice(1).map(Number)];
  if (elementCount(shape) !== tensor.data.length || tensor.dtype !== type.dtype) {
    throw cannotTrain({
      reason: `a batch is ${tensor.dtype}[${tensor.shape}], and ${type.dtype}[${type.shape}] is taken`,
      path: "/data",
    });
  }
  return tensorOf(tensor.dtype, shape, tensor.data);
};

/** How a data set is fed. */
export interface FeedOptions {
  /** Samples of a batch. */
  readonly batch: number;
  /** What the order of samples comes from. */
  readonly seed: number | string;
  /** What is done to samples, anew in every epoch. */
  readonly augment?: ReadonlyArray<Augmentation>;
  /** What is fed. */
  readonly inputs: ReadonlyArray<Port>;
  /** What it is compared with. */
  readonly targets: ReadonlyArray<Port>;
}

/**
 * Feeds the training part of a data set, in a new order in every epoch. A last batch that is not full is left out: its
 * samples come elsewhere in other epochs. Where the part is smaller than a batch, it is one batch.
 */
export const feedOf = (dataset: MemoryDataset, { inputs, targets, ...options }: FeedOptions): Feed => {
  const samples = dataset.splits.train.length;
  if (samples === 0) throw cannotTrain({ reason: `the training part of ${dataset.name} is empty`, path: "/data" });
  const batch = Math.min(options.batch, samples);
  const made = (epoch: number) => batches(dataset, { ...options, batch, split: "train", epoch, drop: true });
  return {
    batch,
    length: made(0).length,
    epoch: (epoch) => {
      const sequence = made(epoch);
      return {
        length: sequence.length,
        at: (index) => {
          const { inputs: given, target } = sequence.at(index);
          if (target === undefined) throw cannotTrain({ reason: "the data have no target", path: "/data" });
          return {
            inputs: given.map((tensor, i) => presented(tensor, inputs[i])),
            targets: [presented(target, targets[0])],
          };
        },
      };
    },
  };
};

/** A batch of a part that is only looked at, filled up to full size by its first sample. */
export interface Shown {
  /** Inputs, full. */
  readonly inputs: ReadonlyArray<Tensor>;
  /** The target, of the real samples only; absent where the data have none. */
  readonly target?: Tensor;
  /** How many samples are real. */
  readonly size: number;
}

const filledUp = (tensor: Tensor, batch: number): Tensor => {
  const [size, ...rest] = tensor.shape;
  if (size === batch) return tensor;
  const each = elementCount(rest);
  const Data = tensor.data.constructor as new (length: number) => Tensor["data"];
  const data = new Data(batch * each);
  data.set(tensor.data as never);
  for (let row = size; row < batch; row++) data.set(tensor.data.subarray(0, each) as never, row * each);
  return tensorOf(tensor.dtype, [batch, ...rest], data);
};

/** Samples of a part of a data set in their order, in full batches. */
export function* shown(
  dataset: MemoryDataset,
  options: {
    readonly split: SplitName;
    readonly batch: number;
    readonly inputs: ReadonlyArray<Port>;
    readonly guard?: TestGuard;
  },
): Generator<Shown> {
  const { split, batch, inputs, guard } = options;
  const sequence = batches(dataset, { split, batch, shuffle: false, ...(guard === undefined ? {} : { guard }) });
  for (const { inputs: given, target, size } of sequence) {
    yield {
      inputs: given.map((tensor, i) => presented(filledUp(tensor, batch), inputs[i])),
      ...(target === undefined ? {} : { target }),
      size,
    };
  }
}
