/**
 * Primitives over sliding windows: pooling, and the scatter that is the gradient of max pooling.
 *
 * Invariant: padding never takes part: a window sees only the elements of the operand that it covers, and one that
 * covers none gives the identity of its operation.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { addDimensions, type Dimension, multiplyDimensions, subtractDimensions } from "../dimension.ts";
import {
  type Applied,
  type Costed,
  type Differentiated,
  needShape,
  Positives,
  type Primitive,
  primitive,
  type PrimitiveCost,
  sameDtype,
  Sizes,
} from "../primitive.ts";
import type { Value } from "../builder.ts";
import { countOf, printShape, stridesOf } from "../shape.ts";
import { isFloat, printType, type Shape, type TensorType, tensorType } from "../types.ts";
import { elementCount, fromFloats, fromIntegers, integerBuffer, type Tensor, toFloats, toIntegers } from "../value.ts";
import { dilated, windowCount, windowsFit } from "./convolution.ts";
import { needPerAxis } from "./movement.ts";
import { FOLDS } from "./reduction.ts";
import { comparable } from "./binary.ts";

/** How a window moves over an operand. Lists have one entry an axis. */
export interface Sliding {
  /** Sizes of the window. */
  readonly window: ReadonlyArray<number>;
  /** Steps between windows. */
  readonly strides: ReadonlyArray<number>;
  /** Places before the operand. */
  readonly low: ReadonlyArray<Dimension>;
  /** Places after the operand. */
  readonly high: ReadonlyArray<Dimension>;
  /** Steps between elements of a window. */
  readonly dilation: ReadonlyArray<number>;
}

/** The sums and extrema that windows know. */
export type WindowKind = "sum" | "max" | "min";

const SLIDING = { window: Positives, strides: Positives, low: Sizes, high: Sizes, dilation: Positives };

const windowShape = (node: Applied<Sliding>): Shape => {
  const [x] = node.types;
  const { window, strides, low, high, dilation } = node.attributes;
  needPerAxis(node, x.shape.length, { window, strides, low, high, dilation });
  return x.shape.map((size, axis) => {
    const padded = addDimensions(size, low[axis], high[axis]);
    const extent = dilated(window[axis], dilation[axis]);
    needShape(
      node,
      windowsFit(padded, extent),
      () => `window ${printShape(window)} does not fit axis ${axis} of ${printType(x)}, ${padded} with padding`,
    );
    return windowCount(padded, extent, strides[axis]);
  });
};

/** Calls `visit` with (window, operand position) for every operand element that a window covers, in order. */
const eachCovered = (
  shape: ReadonlyArray<number>,
  windows: ReadonlyArray<number>,
  { window, strides, low, dilation }: Sliding,
  visit: (window: number, position: number) => void,
): void => {
  const steps = stridesOf(shape);
  const [windowSteps, tapSteps] = [stridesOf(windows), stridesOf(window)];
  const [count, taps] = [elementCount(windows), elementCount(window)];
  for (let at = 0; at < count; at++) {
    for (let tap = 0; tap < taps; tap++) {
      let position = 0;
      for (let axis = 0; axis < shape.length && position >= 0; axis++) {
        const start = (Math.floor(at / windowSteps[axis]) % windows[axis]) * strides[axis] - (low[axis] as number);
        const place = start + (Math.floor(tap / tapSteps[axis]) % window[axis]) * dilation[axis];
        position = place >= 0 && place < shape[axis] ? position + place * steps[axis] : -1;
      }
      if (position >= 0) visit(at, position);
    }
  }
};

const reduceWindows = (x: Tensor, shape: ReadonlyArray<number>, attributes: Sliding & { op: WindowKind }): Tensor => {
  const fold = FOLDS[attributes.op];
  if (isFloat(x.dtype)) {
    const [values, out] = [toFloats(x), new Float64Array(elementCount(shape)).fill(fold.float[0])];
    eachCovered(x.shape, shape, attributes, (at, i) => out[at] = fold.float[1](out[at], values[i]));
    return fromFloats(x.dtype, shape, out);
  }
  const [values, out] = [toIntegers(x), integerBuffer(x.dtype, elementCount(shape)).fill(fold.integer[0](x.dtype))];
  eachCovered(x.shape, shape, attributes, (at, i) => out[at] = fold.integer[1](out[at], values[i]));
  return fromIntegers(x.dtype, shape, out);
};

/** The position of each window's extremum: the first NaN, or else the first of the best; −1 for an empty window. */
const chosenPositions = (
  x: Tensor,
  windows: ReadonlyArray<number>,
  attributes: Sliding & { op: "max" | "min" },
): Int32Array => {
  const values = comparable(x);
  const chosen = new Int32Array(elementCount(windows)).fill(-1);
  const better = attributes.op === "max" ? (a: number, b: number) => a > b : (a: number, b: number) => a < b;
  eachCovered(x.shape, windows, attributes, (at, i) => {
    const best = chosen[at] < 0 ? undefined : values[chosen[at]];
    if (best === undefined || (!Number.isNaN(best) && (Number.isNaN(values[i]) || better(values[i], best)))) {
      chosen[at] = i;
    }
  });
  return chosen;
};

const selectAndScatter = (x: Tensor, source: Tensor, attributes: Sliding & { op: "max" | "min" }): Tensor => {
  const chosen = chosenPositions(x, source.shape, attributes);
  if (isFloat(x.dtype)) {
    const [from, out] = [toFloats(source), new Float64Array(x.data.length)];
    chosen.forEach((to, at) => {
      if (to >= 0) out[to] += from[at];
    });
    return fromFloats(x.dtype, x.shape, out);
  }
  const [from, out] = [toIntegers(source), integerBuffer(x.dtype, x.data.length)];
  chosen.forEach((to, at) => {
    if (to >= 0) out[to] += from[at];
  });
  return fromIntegers(x.dtype, x.shape, out);
};

/** Spreads the cotangent of each window's sum over the window: the cotangent, dilated by the strides, summed again. */
const sumGradient = ({ g, cotangent, operands: [x], attributes }: Differentiated<Sliding>): Value => {
  const { window, strides, low, dilation } = attributes;
  const ones = window.map(() => 1);
  const extent = window.map((size, axis) => (size - 1) * dilation[axis]);
  const newLow = extent.map((size, axis) => subtractDimensions(size, low[axis]));
  const newHigh = extent.map((size, axis) =>
    subtractDimensions(
      addDimensions(x.type.shape[axis], size),
      addDimensions(dilated(cotangent.type.shape[axis], strides[axis]), newLow[axis]),
    )
  );
  const spread = g.pad(cotangent, 0, { low: newLow, high: newHigh, interior: strides.map((step) => step - 1) });
  const zero = window.map(() => 0);
  const summed = g.reduceWindow("sum", spread, { window, strides: ones, low: zero, high: zero, dilation });
  return g.reshape(summed, x.type.shape);
};

/** Flat positions of what each window covers, windows × taps; −1 outside the operand. */
const coveredPositions = (
  g: Differentiated<unknown>["g"],
  x: TensorType,
  windows: Shape,
  { window, strides, low, dilation }: Sliding,
): Value => {
  const rank = x.shape.length;
  const table = [...windows, ...window];
  const size = (of: Dimension): Value | number => typeof of === "number" ? of : g.dimension(of, "i64");
  let flat = g.full({ dtype: "i64", shape: table }, 0);
  let inside = g.full({ dtype: "bool", shape: table }, 1);
  for (let axis = 0; axis < rank; axis++) {
    const start = g.sub(g.mul(g.iota("i64", table, axis), strides[axis]), size(low[axis]));
    const place = g.add(start, g.mul(g.iota("i64", table, rank + axis), dilation[axis]));
    inside = g.and(inside, g.and(g.compare("ge", place, 0), g.compare("lt", place, size(x.shape[axis]))));
    flat = g.add(g.mul(flat, size(x.shape[axis])), place);
  }
  const taps = window.reduce((count, length) => count * length, 1);
  return g.reshape(g.select(inside, flat, -1), [...windows, taps]);
};

/** The element of the cotangent at the place that each window chose: the first NaN, or else the first extremum. */
const atChosen = (node: Differentiated<Sliding & { op: "max" | "min" }>): Value => {
  const { g, cotangent, operands: [x, source], attributes } = node;
  const { op, ...sliding } = attributes;
  const windows = source.type.shape;
  const positions = coveredPositions(g, x.type, windows, sliding);
  const rank = windows.length;
  const count = countOf(x.type);
  const covered = g.gather(g.reshape(x, [count]), positions, 0);
  const best = g.reduceWindow(op, x, sliding);
  const spread = g.broadcast(best, positions.type.shape, windows.map((_, axis) => axis));
  const wins = g.or(g.compare("eq", covered, spread), g.compare("ne", covered, covered));
  const score = g.cast(g.and(wins, g.compare("ge", positions, 0)), "i32");
  const tap = g.reshape(g.argReduce("max", score, rank), [...windows, 1]);
  const chosen = g.reshape(g.takeAlong(positions, tap, rank), windows);
  return g.gather(g.reshape(cotangent, [count]), chosen, 0);
};

const windowSteps = ({ results: [out], attributes, types }: Costed<Sliding & { op: WindowKind }>): PrimitiveCost => {
  // A scatter's windows are counted by its source, a reduction's by its result.
  const windows = types.length > 1 ? types[1] : out;
  const steps = multiplyDimensions(countOf(windows), ...attributes.window);
  return { flops: attributes.op === "sum" ? steps : 0, steps };
};

const needSource = (node: Applied<Sliding>, source: TensorType): void => {
  const shape = windowShape(node);
  needShape(
    node,
    node.solver.equalShapes(source.shape, shape),
    () => `the source is ${printType(source)}, and the windows make ${printShape(shape)}`,
  );
};

const WindowOp: Schema.Codec<WindowKind> = Schema.Literals(["sum", "max", "min"]) as unknown as Schema.Codec<
  WindowKind
>;

const Extremum: Schema.Codec<"max" | "min"> = Schema.Literals(["max", "min"]) as unknown as Schema.Codec<"max" | "min">;

/** The rows. */
export const WINDOW: ReadonlyArray<Primitive> = [
  primitive("reduce_window", {
    doc:
      "Sum, max or min of every window; padding takes no part. NaN in a window gives NaN. Of tied extrema the first " +
      "gets the gradient.",
    operands: { x: "number" },
    attributes: { op: WindowOp, ...SLIDING },
    sizes: ["low", "high"],
    result: (node) => [tensorType(node.types[0].dtype, windowShape(node))],
    gradient: (node) => {
      const { op, ...sliding } = node.attributes;
      if (op === "sum") return [sumGradient(node)];
      return [node.g.selectAndScatter(op, node.operands[0], node.cotangent, sliding)];
    },
    cost: windowSteps,
    evaluate: ({ inputs: [x], results: [{ shape }], attributes }) => [reduceWindows(x, shape, attributes)],
    loop: "window",
  }),
  primitive("select_and_scatter", {
    doc:
      "Zeros of the shape of x, and at each window's first largest or smallest element the sum of the sources whose " +
      "windows chose it: the gradient of window extrema.",
    operands: { x: "number", source: "number" },
    attributes: { op: Extremum, ...SLIDING },
    sizes: ["low", "high"],
    result: (node) => {
      sameDtype(node);
      needSource(node, node.types[1]);
      return [node.types[0]];
    },
    gradient: (node) => [undefined, atChosen(node)],
    cost: (node) => ({ ...windowSteps(node), flops: countOf(node.types[1]) }),
    evaluate: ({ inputs: [x, source], attributes }) => [selectAndScatter(x, source, attributes)],
    loop: "scatter",
  }),
];
