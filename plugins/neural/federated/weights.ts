/**
 * Weights: what a network learns as one flat vector, which is what clients send and servers combine.
 *
 * Not a file format. Invariant: a layout lists trained parameters first and running state after them, so that a server
 * optimiser can move what is learned and leave statistics to the average.
 *
 * @module
 */
import type { Tensor } from "../../ir/contract.ts";
import { elementCount, tensorOf } from "../../ir/library.ts";
import type { Network } from "../contract.ts";
import { notFederated } from "../failures.ts";

/** A tensor's place in the vector. */
export interface Slot {
  /** Its path in the network. */
  readonly path: string;
  /** Its sizes. */
  readonly shape: ReadonlyArray<number>;
  /** Where it begins. */
  readonly offset: number;
  /** Its number of elements. */
  readonly count: number;
}

/** What the elements of a vector are. */
export interface Layout {
  /** Tensors in order: trained parameters, then running state. */
  readonly slots: ReadonlyArray<Slot>;
  /** Elements that are learned; the rest is state. */
  readonly learned: number;
  /** All elements. */
  readonly size: number;
}

/** The layout of a network; throws `NEURAL_FEDERATED` where a trained tensor is not f32. */
export const layoutOf = ({ parameters, state }: Network): Layout => {
  const trained = parameters.filter((parameter) => parameter.trained);
  let size = 0;
  const slots = [...trained, ...state].map(({ path, type }): Slot => {
    if (type.dtype !== "f32") {
      throw notFederated({ reason: `${path} is ${type.dtype}, and clients exchange f32`, expected: "f32" });
    }
    const count = elementCount(type.shape);
    const slot = { path, shape: type.shape, offset: size, count };
    size += count;
    return slot;
  });
  return { slots, learned: trained.reduce((sum, { type }) => sum + elementCount(type.shape), 0), size };
};

/** A vector from tensors in a layout's order. */
export const flatten = (layout: Layout, tensors: ReadonlyArray<Tensor>): Float32Array<ArrayBuffer> => {
  const flat = new Float32Array(layout.size);
  layout.slots.forEach(({ offset }, i) => flat.set(tensors[i].data as Float32Array, offset));
  return flat;
};

/** The tensors of a vector, in the layout's order. */
export const unflatten = (layout: Layout, flat: Float32Array): ReadonlyArray<Tensor> =>
  layout.slots.map(({ shape, offset, count }) => tensorOf("f32", shape, flat.slice(offset, offset + count)));

/** The Euclidean length of a vector. */
export const lengthOf = (vector: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += vector[i] * vector[i];
  return Math.sqrt(sum);
};

/** x − y. */
export const difference = (x: Float32Array, y: Float32Array): Float32Array<ArrayBuffer> => {
  const made = new Float32Array(x.length);
  for (let i = 0; i < made.length; i++) made[i] = x[i] - y[i];
  return made;
};
