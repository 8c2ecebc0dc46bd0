/**
 * Shape: arithmetic on shapes that several primitives share: axes, broadcasting, strides, element counts.
 *
 * Not tensor data, except for the one strided copy that all data movement is made of.
 * Invariant: layouts are row-major and dense; an axis given as negative counts from the end.
 *
 * @module
 */
import { type Dimension, multiplyDimensions } from "./dimension.ts";
import { badAttribute, wrongShape } from "./failures.ts";
import type { DimensionSolver } from "./solver.ts";
import { printType, type Shape, type TensorType } from "./types.ts";
import { elementCount, type Tensor, zeros } from "./value.ts";

/** Number of elements of a shape. */
export const countOf = (type: { readonly shape: Shape }): Dimension => multiplyDimensions(...type.shape);

/** Text of a shape: `[B,4]`. */
export const printShape = (shape: Shape): string => `[${shape.join(",")}]`;

/** An axis counted from the front; throws `IR_ATTRIBUTE` when the rank has none such. */
export const axisOf = (op: string, axis: number, rank: number): number => {
  const front = axis < 0 ? axis + rank : axis;
  if (Number.isInteger(front) && front >= 0 && front < rank) return front;
  throw badAttribute({
    op,
    reason: `axis ${axis} is outside a tensor of ${rank} axes`,
    expected: `${-rank} … ${rank - 1}`,
    actual: axis,
  });
};

/** Distinct axes; throws `IR_ATTRIBUTE` for one out of range, repeated, or (where `sorted`) out of order. */
export const checkAxes = (op: string, axes: ReadonlyArray<number>, rank: number, sorted = false): void => {
  axes.forEach((axis, index) => {
    if (axis < 0 || axis >= rank) axisOf(op, axis < 0 ? rank : axis, rank);
    if (axes.indexOf(axis) !== index) throw badAttribute({ op, reason: `axis ${axis} is named twice` });
    if (sorted && index > 0 && axes[index - 1] > axis) throw badAttribute({ op, reason: "axes are not in order" });
  });
};

/** A shape with one axis replaced; without a size, removed. */
export const withAxis = (shape: Shape, axis: number, ...sizes: ReadonlyArray<Dimension>): Shape => [
  ...shape.slice(0, axis),
  ...sizes,
  ...shape.slice(axis + 1),
];

/** A shape without some axes. */
export const withoutAxes = (shape: Shape, axes: ReadonlyArray<number>): Shape =>
  shape.filter((_, axis) => !axes.includes(axis));

/** The shape two shapes broadcast to by NumPy's rule; throws `IR_SHAPE` naming the axis that does not fit. */
export const broadcastShapes = (op: string, a: TensorType, b: TensorType, solver: DimensionSolver): Shape => {
  const rank = Math.max(a.shape.length, b.shape.length);
  return Array.from({ length: rank }, (_, axis) => {
    const left = a.shape[axis - rank + a.shape.length] ?? 1;
    const right = b.shape[axis - rank + b.shape.length] ?? 1;
    if (left === 1 || solver.equal(left, right)) return right;
    if (right === 1) return left;
    throw wrongShape({
      op,
      reason: `${printType(a)} and ${printType(b)} do not broadcast: axis ${axis} is ${left} and ${right}`,
      expected: left,
      actual: right,
    });
  });
};

/** Steps in the data for one step along each axis. */
export const stridesOf = (shape: ReadonlyArray<number>): ReadonlyArray<number> => {
  const strides: number[] = new Array(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= shape[axis];
  }
  return strides;
};

/** Calls `visit` with the offset that each index of a shape has under the given strides, in row-major order. */
export const forEachOffset = (
  shape: ReadonlyArray<number>,
  strides: ReadonlyArray<number>,
  start: number,
  visit: (offset: number, position: number) => void,
): void => {
  const count = elementCount(shape);
  const index = new Array<number>(shape.length).fill(0);
  let offset = start;
  for (let position = 0; position < count; position++) {
    visit(offset, position);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      offset += strides[axis];
      if (++index[axis] < shape[axis]) break;
      offset -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
};

/** A tensor read from another one's data by strides: broadcast, transpose, slice and reverse are this. */
export const readStrided = (
  source: Tensor,
  shape: ReadonlyArray<number>,
  strides: ReadonlyArray<number>,
  start = 0,
): Tensor => {
  const made = zeros(source.dtype, shape);
  // Elements are only moved, so any element type may stand for all.
  const from = source.data as Float64Array;
  const to = made.data as Float64Array;
  forEachOffset(shape, strides, start, (offset, position) => {
    to[position] = from[offset];
  });
  return made;
};

/** Splits sizes around an axis: how many rows before it, its length, and how many elements after it. */
export const aroundAxis = (shape: ReadonlyArray<number>, axis: number): readonly [number, number, number] => [
  elementCount(shape.slice(0, axis)),
  shape[axis],
  elementCount(shape.slice(axis + 1)),
];
