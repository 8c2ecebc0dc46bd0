/**
 * Products: the factors and axes of the primitives that multiply and sum: `dot` and `conv`.
 *
 * Not tiling: a device decides that.
 * Invariant: the axes of the result fall into batch, rows and columns without rest; the left factor does not depend on
 * the columns and the right one not on the rows.
 *
 * @module
 */
import type { Dtype } from "../../ir/library.ts";
import {
  addIndices,
  type Affine,
  type Axis,
  axisIndex,
  divideIndex,
  literal,
  remainderIndex,
  scaleIndex,
} from "./affine.ts";
import { accumulatorOf } from "./expression.ts";
import type { Expression, Window } from "./loops.ts";
import type { ConcreteNode } from "./specialise.ts";
import type { Values } from "./values.ts";

/** Which part of a product an axis of its result belongs to. */
export type Part = "batch" | "rows" | "columns";

/** What is summed. */
export interface Product {
  /** Left factor. */
  readonly left: Expression;
  /** Right factor. */
  readonly right: Expression;
  /** Axes of the sum. */
  readonly sum: ReadonlyArray<Axis>;
  /** Dtype of the sum. */
  readonly dtype: Dtype;
  /** The window of a convolution. */
  readonly window?: Window;
}

type DotAttributes = { readonly [K in "x_batch" | "y_batch" | "x_contract" | "y_contract"]: ReadonlyArray<number> };

type ConvAttributes =
  & { readonly [K in "strides" | "low" | "high" | "dilation" | "input_dilation"]: ReadonlyArray<number> }
  & { readonly groups: number };

const freeAxes = (rank: number, taken: ReadonlyArray<number>): ReadonlyArray<number> =>
  Array.from({ length: rank }, (_, axis) => axis).filter((axis) => !taken.includes(axis));

/** Shape of the result in which every axis belongs to one part, and the parts. */
export const productParts = (
  node: ConcreteNode,
  values: Values,
): { readonly shape: ReadonlyArray<number>; readonly parts: ReadonlyArray<Part> } => {
  const [{ shape }] = node.results;
  if (node.op === "conv") {
    const { groups } = node.attributes as unknown as ConvAttributes;
    const [batch, outputs, ...spatial] = shape;
    return {
      shape: [batch, groups, outputs / groups, ...spatial],
      parts: ["batch", "batch", "rows", ...spatial.map((): Part => "columns")],
    };
  }
  const { x_batch, x_contract } = node.attributes as unknown as DotAttributes;
  const rows = values.region.types[node.operands[0]].shape.length - x_batch.length - x_contract.length;
  return {
    shape,
    parts: shape.map((_, axis) => axis < x_batch.length ? "batch" : axis < x_batch.length + rows ? "rows" : "columns"),
  };
};

const dot = (values: Values, node: ConcreteNode, index: ReadonlyArray<Affine>, wide: Dtype): Product => {
  const { pool, region } = values;
  const { x_batch, y_batch, x_contract, y_contract } = node.attributes as unknown as DotAttributes;
  const [x, y] = node.operands;
  const [xShape, yShape] = [region.types[x].shape, region.types[y].shape];
  // Summed axes follow the order in which the left operand stores them, so that neighbours can be joined.
  const order = x_contract.map((_, i) => i).sort((a, b) => x_contract[a] - x_contract[b]);
  const sum = order.map((i) => pool.axis(xShape[x_contract[i]]));
  const xIndex = new Array<Affine>(xShape.length);
  const yIndex = new Array<Affine>(yShape.length);
  let next = 0;
  x_batch.forEach((axis, i) => {
    xIndex[axis] = index[next];
    yIndex[y_batch[i]] = index[next++];
  });
  order.forEach((i, at) => {
    xIndex[x_contract[i]] = axisIndex(sum[at]);
    yIndex[y_contract[i]] = axisIndex(sum[at]);
  });
  for (const axis of freeAxes(xShape.length, [...x_batch, ...x_contract])) xIndex[axis] = index[next++];
  for (const axis of freeAxes(yShape.length, [...y_batch, ...y_contract])) yIndex[axis] = index[next++];
  return {
    left: pool.apply("cast", wide, values.at(x, xIndex)),
    right: pool.apply("cast", wide, values.at(y, yIndex)),
    sum,
    dtype: wide,
  };
};

const conv = (values: Values, node: ConcreteNode, index: ReadonlyArray<Affine>, wide: Dtype): Product => {
  const { pool, region } = values;
  const { strides, low, high, dilation, input_dilation, groups } = node.attributes as unknown as ConvAttributes;
  const [x, w] = node.operands;
  const [xShape, wShape] = [region.types[x].shape, region.types[w].shape];
  const [outputs, perGroup] = wShape;
  const sum = wShape.slice(1).map((size) => pool.axis(size));
  const [channel, ...taps] = sum.map(axisIndex);
  const group = divideIndex(index[1], outputs / groups);
  let inside = pool.always;
  const spatial = xShape.slice(2).map((size, i) => {
    const start = addIndices(scaleIndex(index[i + 2], strides[i]), literal(-low[i]));
    const place = addIndices(start, scaleIndex(taps[i], dilation[i]));
    const step = input_dilation[i];
    inside = pool.both(inside, pool.within(place, 0, size === 0 ? 0 : (size - 1) * step + 1));
    if (step > 1) inside = pool.both(inside, pool.within(remainderIndex(place, step), 0, 1));
    return divideIndex(place, step);
  });
  const never = inside.kind === "constant" && !inside.value;
  const zero = pool.zero(wide);
  const from = [index[0], addIndices(scaleIndex(group, perGroup), channel), ...spatial];
  const axes = xShape.map((size) => pool.axis(size));
  const window: Window = {
    axes,
    input: pool.apply("cast", wide, values.at(x, axes.map(axisIndex))),
    groups,
    kernel: wShape.slice(2),
    strides,
    low,
    high,
    dilation,
    inputDilation: input_dilation,
  };
  return {
    left: pool.apply("cast", wide, values.at(w, [index[1], channel, ...taps])),
    right: never ? zero : pool.guard(inside, pool.apply("cast", wide, values.at(x, from)), zero),
    sum,
    dtype: wide,
    window,
  };
};

/** The factors of a product at an index of its result. */
export const productOf = (values: Values, node: ConcreteNode, index: ReadonlyArray<Affine>): Product => {
  const wide = accumulatorOf(node.results[0].dtype);
  return node.op === "conv" ? conv(values, node, index, wide) : dot(values, node, index, wide);
};

/** Whether a node is a product. */
export const isProduct = (op: string): boolean => op === "dot" || op === "conv";
