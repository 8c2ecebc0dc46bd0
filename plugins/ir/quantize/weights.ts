/**
 * Weights: constant operands of products as integers with scales, and back.
 *
 * Invariant: a scale belongs to a set of elements that are summed together in no product but by themselves (a channel, or
 * a group within one), so it factors out of every sum; symmetric, so zero is exact.
 *
 * @module
 */
import { notQuantized } from "../failures.ts";
import { stridesOf } from "../shape.ts";
import { isFloat } from "../types.ts";
import { elementCount, fromFloats, type Tensor, tensor, toFloats } from "../value.ts";
import { dequantizeOne, type IntegerTarget, type Mapping, mappingOf, quantizeOne } from "./integers.ts";

/** Integers with scales. */
export interface QuantizedWeights {
  /** The integers, in the shape they were given in. */
  readonly integers: Tensor;
  /** Scale of each set, in the order of `axes`. */
  readonly scales: Float64Array;
  /** How many scales differ by right: one where all sets share it. */
  readonly scaleCount: number;
  /** Sum of the integers of each set. */
  readonly sums: Float64Array;
  /** Which set each element belongs to. */
  readonly setOf: (index: number) => number;
  /** What was quantised. */
  readonly floats: Float64Array;
  /** What the integers stand for. */
  readonly restored: Tensor;
}

/** Which combination of indices along some axes an element has. */
const setsAlong = (shape: ReadonlyArray<number>, axes: ReadonlyArray<number>) => {
  const strides = stridesOf(shape);
  const sizes = axes.map((axis) => shape[axis]);
  const steps = stridesOf(sizes);
  const of = (index: number): number =>
    axes.reduce((sum, axis, i) => sum + (Math.floor(index / strides[axis]) % shape[axis]) * steps[i], 0);
  return { count: elementCount(sizes), of };
};

const CALIBRATION = { symmetric: true, percentile: 100, single: true };

/** Quantises a float tensor with one scale for each combination of indices along `axes` (none: one for all). */
export const quantizeWeights = (
  weights: Tensor,
  target: IntegerTarget,
  axes: ReadonlyArray<number>,
): QuantizedWeights => {
  if (!isFloat(weights.dtype)) throw notQuantized({ reason: `weights of ${weights.dtype} are no floats` });
  const floats = toFloats(weights);
  const bad = floats.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw notQuantized({ reason: `element ${bad} of its weights is ${floats[bad]}` });
  const { count, of } = setsAlong(weights.shape, axes);
  const members = Array.from({ length: count }, (): number[] => []);
  floats.forEach((value, i) => members[of(i)].push(value));
  const mappings: ReadonlyArray<Mapping> = members.map((own) => mappingOf(Float64Array.from(own), target, CALIBRATION));
  const integers = floats.map((value, i) => quantizeOne(value, mappings[of(i)], target, CALIBRATION));
  const sums = new Float64Array(count);
  integers.forEach((q, i) => sums[of(i)] += q);
  const restored = integers.map((q, i) => dequantizeOne(q, mappings[of(i)], true));
  return {
    integers: tensor(target, weights.shape, [...integers]),
    scales: Float64Array.from(mappings, ({ scale }) => scale),
    scaleCount: count,
    sums,
    setOf: of,
    floats,
    restored: fromFloats(weights.dtype, weights.shape, restored),
  };
};
