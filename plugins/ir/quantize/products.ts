/**
 * Products: dot products and convolutions, as integer ones.
 *
 * Σ (qx − zx)·sx · qw·sw = sx·sw · (Σ qx·qw − zx·Σ qw): the second sum is known beforehand, so the zero point of an
 * activation costs one subtraction.
 * Invariant: sums are exact: they are taken in i32, or in i64 where so many terms could pass its range.
 *
 * @module
 */
import type { FunctionBuilder, Value } from "../builder.ts";
import type { Dimension } from "../dimension.ts";
import type { Attributes } from "../graph.ts";
import type { DotAxes } from "../primitives/contraction.ts";
import type { ConvWindow } from "../primitives/convolution.ts";
import { type Dtype, type Shape, tensorType } from "../types.ts";
import { fromFloats, type Tensor, tensor, toFloats } from "../value.ts";
import { INTEGER_TARGETS, type IntegerTarget, type Mapping } from "./integers.ts";
import { type QuantizedWeights, quantizeWeights } from "./weights.ts";

/** Terms of a sum of products that surely fit i32, the zero point taken away: each at most 255 steps times 128. */
export const I32_TERMS: number = Math.floor((2 ** 31 - 1) / (255 * 128));

const accumulator = (terms: Dimension): Dtype => typeof terms === "number" && terms <= I32_TERMS ? "i32" : "i64";

/** The dtype that scales are applied in. */
const computing = (dtype: Dtype): "f32" | "f64" => dtype === "f64" ? "f64" : "f32";

/** An activation as integers. */
export const quantized = (g: FunctionBuilder, x: Value, { scale, zero }: Mapping, symmetric: boolean): Value => {
  const { least, most } = INTEGER_TARGETS.i8;
  const steps = g.round(g.div(g.cast(x, computing(x.type.dtype)), scale));
  const moved = zero === 0 ? steps : g.add(steps, zero);
  return g.cast(g.clamp(moved, symmetric ? -most : least, most), "i8");
};

/** Numbers, one for each set of weights, spread over a result whose axes they are. */
const spread = (
  g: FunctionBuilder,
  values: Float64Array,
  sizes: ReadonlyArray<number>,
  dtype: Dtype,
  shape: Shape,
  axes: ReadonlyArray<number>,
): Value => {
  const made = dtype === "i32" || dtype === "i64" ? tensor(dtype, sizes, [...values]) : fromFloats(
    dtype,
    sizes,
    Float64Array.from(values),
  );
  return g.broadcast(g.constant(made), shape, axes);
};

/** An integer sum scaled back. */
const scaledBack = (
  g: FunctionBuilder,
  sum: Value,
  to: Dtype,
  { zero, scale }: Mapping,
  weights: {
    readonly of: QuantizedWeights;
    readonly sizes: ReadonlyArray<number>;
    readonly axes: ReadonlyArray<number>;
  },
): Value => {
  const { of, sizes, axes } = weights;
  const { shape } = sum.type;
  const corrected = zero === 0
    ? sum
    : g.sub(sum, spread(g, of.sums.map((total) => total * zero), sizes, sum.type.dtype, shape, axes));
  const wide = computing(to);
  const scales = of.scales.map((each) => each * scale);
  return g.cast(g.mul(g.cast(corrected, wide), spread(g, scales, sizes, wide, shape, axes)), to);
};

const freeAxes = (rank: number, taken: ReadonlyArray<number>): ReadonlyArray<number> =>
  Array.from({ length: rank }, (_, axis) => axis).filter((axis) => !taken.includes(axis));

/** A product whose weights are known: the node's attributes, and which operand they are. */
export interface WeightedDot {
  /** Axes of the product. */
  readonly axes: DotAxes;
  /** Which operand is the weights. */
  readonly side: 0 | 1;
  /** The weights. */
  readonly weights: Tensor;
  /** Integers of the weights. */
  readonly target: IntegerTarget;
  /** Whether each channel has a scale of its own. */
  readonly perChannel: boolean;
}

const sideOf = ({ axes, side }: Pick<WeightedDot, "axes" | "side">) =>
  side === 0 ? { batch: axes.x_batch, contract: axes.x_contract } : { batch: axes.y_batch, contract: axes.y_contract };

/** Axes of weights that their scales go along: all that are not summed. */
export const scaleAxes = (dot: WeightedDot): ReadonlyArray<number> => {
  if (!dot.perChannel) return [];
  const { batch, contract } = sideOf(dot);
  return [...batch, ...freeAxes(dot.weights.shape.length, [...batch, ...contract])];
};

/** Where in the result those axes are. */
const placesOf = (dot: WeightedDot, otherRank: number): ReadonlyArray<number> => {
  const { batch, contract } = sideOf(dot);
  const otherFree = otherRank - batch.length - contract.length;
  const start = batch.length + (dot.side === 0 ? 0 : otherFree);
  const free = freeAxes(dot.weights.shape.length, [...batch, ...contract]);
  return [...batch.map((_, i) => i), ...free.map((_, i) => start + i)];
};

/** Integers and sums by every index that is not summed, whatever the scales go along. */
const quantizedFully = (dot: WeightedDot): QuantizedWeights => {
  if (dot.perChannel) return quantizeWeights(dot.weights, dot.target, scaleAxes(dot));
  const whole = quantizeWeights(dot.weights, dot.target, []);
  // One scale for all; sums are needed for each index all the same.
  const channels = quantizeWeights(dot.weights, dot.target, scaleAxes({ ...dot, perChannel: true }));
  const sums = new Float64Array(channels.sums.length);
  toIntegers(whole.integers).forEach((q, i) => sums[channels.setOf(i)] += q);
  return { ...whole, sums, scales: sums.map(() => whole.scales[0]) };
};

const toIntegers = (of: Tensor): Float64Array => Float64Array.from(of.data as Int8Array);

/** A dot product of an activation's integers with those of weights. */
export const integerDot = (g: FunctionBuilder, x: Value, mapping: Mapping, symmetric: boolean, dot: WeightedDot) => {
  const of = quantizedFully(dot);
  const integers = quantized(g, x, mapping, symmetric);
  const stored = g.cast(g.constant(of.integers), "i8");
  const { contract } = sideOf(dot);
  const terms = contract.reduce((count, axis) => count * dot.weights.shape[axis], 1);
  const operands = dot.side === 0 ? [stored, integers] as const : [integers, stored] as const;
  const sum = g.dot(...operands, dot.axes, accumulator(terms));
  const axes = placesOf(dot, x.type.shape.length);
  const sizes = scaleAxes({ ...dot, perChannel: true }).map((axis) => dot.weights.shape[axis]);
  return { value: scaledBack(g, sum, x.type.dtype, mapping, { of, sizes, axes }), of };
};

/** A dot product of two activations' integers, both with zero in the middle. */
export const integerDotOfBoth = (
  g: FunctionBuilder,
  [x, y]: readonly [Value, Value],
  [a, b]: readonly [Mapping, Mapping],
  axes: DotAxes,
): Value => {
  const terms = axes.x_contract.map((axis) => x.type.shape[axis]).reduce<Dimension>(
    (count, size) => typeof count === "number" && typeof size === "number" ? count * size : "unknown",
    1,
  );
  const sum = g.dot(quantized(g, x, a, true), quantized(g, y, b, true), axes, accumulator(terms));
  return g.cast(g.mul(g.cast(sum, computing(x.type.dtype)), a.scale * b.scale), x.type.dtype);
};

/** Weights restored from integers, as a value. */
export const restoredWeights = (g: FunctionBuilder, dot: WeightedDot) => {
  const of = quantizeWeights(dot.weights, dot.target, scaleAxes(dot));
  return { value: restore(g, of, dot.weights, scaleAxes(dot)), of };
};

/** Integers times scales. */
export const restore = (g: FunctionBuilder, of: QuantizedWeights, like: Tensor, axes: ReadonlyArray<number>): Value => {
  const wide = computing(like.dtype);
  const sorted = [...axes].sort((a, b) => a - b);
  const sizes = axes.map((axis) => like.shape[axis]);
  const scales = g.constant(fromFloats(wide, sizes, Float64Array.from(of.scales)));
  const ordered = g.transpose(scales, sorted.map((axis) => axes.indexOf(axis)));
  const floats = g.cast(g.constant(of.integers), wide);
  return g.cast(g.mul(floats, g.broadcast(ordered, like.shape, sorted)), like.dtype);
};

/** Weights of one summed axis in groups along it: groups × elements × others, the last group filled up with zeros. */
const grouped = (dot: WeightedDot, size: number) => {
  const { contract: [axis] } = sideOf(dot);
  const { shape } = dot.weights;
  const length = shape[axis];
  const groups = Math.max(1, Math.ceil(length / size));
  const width = shape.reduce((count, each, i) => i === axis ? count : count * each, 1);
  const inner = shape.slice(axis + 1).reduce((count, each) => count * each, 1);
  const made = new Float64Array(groups * size * width);
  toFloats(dot.weights).forEach((value, i) => {
    const k = Math.floor(i / inner) % length;
    const column = Math.floor(i / (inner * length)) * inner + i % inner;
    made[k * width + column] = value;
  });
  return { axis, length, groups, width, floats: fromFloats(dot.weights.dtype, [groups, size, width], made) };
};

/** Whether weights can be grouped: one summed axis, nothing in step. */
export const isGroupable = (dot: WeightedDot): boolean =>
  dot.side === 1 && dot.axes.x_contract.length === 1 && dot.axes.x_batch.length === 0;

/** Four-bit weights restored, with a scale for each group and column. */
export const restoredGroups = (g: FunctionBuilder, dot: WeightedDot, size: number) => {
  const { axis, length, groups, width, floats } = grouped(dot, size);
  const of = quantizeWeights(floats, "i4", [0, 2]);
  const table = g.reshape(restore(g, of, floats, [0, 2]), [groups * size, width]);
  const cut = g.slice(table, { start: [0, 0], limit: [length, width] });
  const others = freeAxes(dot.weights.shape.length, [axis]);
  const order = [axis, ...others];
  const split = g.reshape(cut, order.map((each) => dot.weights.shape[each]));
  return { value: g.transpose(split, order.map((_, i) => order.indexOf(i))), of };
};

/** A dot product of an activation's integers with four-bit weights: an integer sum for each group, scaled, then added. */
export const integerDotOfGroups = (
  g: FunctionBuilder,
  x: Value,
  mapping: Mapping,
  symmetric: boolean,
  dot: WeightedDot,
  size: number,
) => {
  const { axis, length, groups, width, floats } = grouped(dot, size);
  const of = quantizeWeights(floats, "i4", [0, 2]);
  const rank = x.type.shape.length;
  const { x_contract: [summed] } = dot.axes;
  const last = g.transpose(quantized(g, x, mapping, symmetric), [...freeAxes(rank, [summed]), summed]);
  // What is filled up meets zeros of the weights, so any value does.
  const high = last.type.shape.map((_, i) => i === rank - 1 ? groups * size - length : 0);
  const filled = groups * size === length ? last : g.pad(last, 0, { low: high.map(() => 0), high });
  const lead = filled.type.shape.slice(0, -1);
  const split = g.reshape(filled, [...lead, groups, size]);
  const stored = g.cast(g.constant(of.integers), "i8");
  const axes = { x_batch: [rank - 1], y_batch: [0], x_contract: [rank], y_contract: [1] };
  const sum = g.dot(split, stored, axes, accumulator(size));
  const weights = { of, sizes: [groups, width], axes: [0, rank] };
  const parts = scaledBack(g, sum, computing(x.type.dtype), mapping, weights);
  const others = freeAxes(dot.weights.shape.length, [axis]).map((each) => dot.weights.shape[each]);
  const total = g.reduce("sum", parts, [0]);
  return { value: g.cast(g.reshape(total, [...lead, ...others]), x.type.dtype), of };
};

/** A convolution of an activation's integers with those of a kernel, which has a scale for each output channel. */
export const integerConv = (
  g: FunctionBuilder,
  x: Value,
  mapping: Mapping,
  symmetric: boolean,
  kernel: { readonly weights: Tensor; readonly target: IntegerTarget; readonly perChannel: boolean },
  attributes: Attributes,
) => {
  const { weights, target, perChannel } = kernel;
  const dot: WeightedDot = {
    // As far as scales go, a kernel is a matrix: all but the output channel is summed.
    axes: { x_batch: [], y_batch: [], x_contract: [], y_contract: freeAxes(weights.shape.length, [0]) },
    side: 1,
    weights,
    target,
    perChannel,
  };
  const of = quantizedFully(dot);
  const { low, high, input_dilation, ...rest } = attributes as unknown as ConvWindow;
  const spatial = <A>(values: ReadonlyArray<A>, none: A): ReadonlyArray<A> => [none, none, ...values];
  // Padding stands for zero, so it is the zero point.
  const padded = g.pad(quantized(g, x, mapping, symmetric), g.full(tensorType("i8"), mapping.zero), {
    low: spatial<Dimension>(low, 0),
    high: spatial<Dimension>(high, 0),
    interior: spatial(input_dilation.map((step) => step - 1), 0),
  });
  const none = low.map(() => 0);
  const { strides, dilation, groups } = rest;
  const how = { strides, dilation, groups, low: none, high: none, input_dilation: low.map(() => 1) };
  const terms = weights.shape.slice(1).reduce((count, size) => count * size, 1);
  const sum = g.conv(padded, g.cast(g.constant(of.integers), "i8"), how, accumulator(terms));
  const axes = { of, sizes: [weights.shape[0]], axes: [1] };
  return { value: scaledBack(g, sum, x.type.dtype, mapping, axes), of };
};
