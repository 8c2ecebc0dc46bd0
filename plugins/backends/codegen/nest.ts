/**
 * Nest: what the loops of unfused primitives are written with.
 *
 * Not the primitives (nests.ts, scattering.ts, sorting.ts).
 * Invariant: loops of one turn are left out, as their axis is 0 in every index.
 *
 * @module
 */
import { type Dtype, dtypeInfo, isFloat } from "../../ir/library.ts";
import { addIndices, type Affine, type Axis, axisIndex, literal, scaleIndex, ZERO } from "./affine.ts";
import { accumulatorOf, type Expressions } from "./expression.ts";
import type { Buffer, Expression, FoldKind, LoopKind, Statement } from "./loops.ts";
import type { ConcreteNode } from "./specialise.ts";
import { type Place, placeIndex, type Values } from "./values.ts";

/** A node to lower, with the places of its results. */
export interface Nest {
  /** Elements of its operands. */
  readonly values: Values;
  /** The node. */
  readonly node: ConcreteNode;
  /** Where its results go. */
  readonly places: ReadonlyArray<Place>;
}

/** Kernels that run in order and fill the places. */
export type NestRule = (nest: Nest) => ReadonlyArray<ReadonlyArray<Statement>>;

/** Loops over axes around a body; axes of one turn stay out. */
export const nested = (
  axes: ReadonlyArray<Axis>,
  loop: LoopKind,
  body: ReadonlyArray<Statement>,
): ReadonlyArray<Statement> =>
  axes.reduceRight<ReadonlyArray<Statement>>(
    (inner, axis) => axis.extent === 1 ? inner : [{ kind: "for", axis, loop, body: inner }],
    body,
  );

/** What a fold of nothing gives. */
export const identityOf = (pool: Expressions, fold: FoldKind, dtype: Dtype): Expression => {
  const big = dtype === "i64" || dtype === "u64";
  const number = (value: bigint) => pool.constant(dtype, big ? value : Number(value));
  if (fold === "any") return pool.constant(dtype, 0);
  if (fold === "all") return pool.constant(dtype, 1);
  if (fold === "sum" || fold === "prod") return number(fold === "sum" ? 0n : 1n);
  if (isFloat(dtype)) return pool.constant(dtype, fold === "max" ? -Infinity : Infinity);
  const { bits, signed } = dtypeInfo(dtype);
  const low = signed ? -(1n << BigInt(bits - 1)) : 0n;
  const high = (1n << BigInt(signed ? bits - 1 : bits)) - 1n;
  return number(fold === "max" ? low : high);
};

/** An axis for each size. */
export const axesOf = (pool: Expressions, shape: ReadonlyArray<number>): ReadonlyArray<Axis> =>
  shape.map((size) => pool.axis(size));

/** The indices that axes are. */
export const indices = (axes: ReadonlyArray<Axis>): ReadonlyArray<Affine> => axes.map(axisIndex);

/** A list with one item replaced by others. */
export const replaced = <A>(items: ReadonlyArray<A>, at: number, ...by: ReadonlyArray<A>): ReadonlyArray<A> => [
  ...items.slice(0, at),
  ...by,
  ...items.slice(at + 1),
];

/** Stores an element of a place. */
export const storeAt = (place: Place, index: ReadonlyArray<Affine>, value: Expression): Statement => ({
  kind: "store",
  buffer: place.buffer,
  index: placeIndex(place, index),
  value,
});

/** Shape of an operand. */
export const shapeOf = ({ values, node }: Nest, operand: number): ReadonlyArray<number> =>
  values.region.types[node.operands[operand]].shape;

/** Whether a stands before b among extrema: it is better, or the first NaN. */
export const beats = (pool: Expressions, op: "max" | "min", a: Expression, b: Expression): Expression => {
  const better = pool.apply(op === "max" ? "gt" : "lt", "bool", a, b);
  if (!isFloat(a.dtype)) return better;
  const first = pool.both(pool.apply("ne", "bool", a, a), pool.apply("eq", "bool", b, b));
  return pool.apply("or", "bool", better, first);
};

/** How windows move. */
export type Sliding = { readonly [K in "window" | "strides" | "low" | "dilation"]: ReadonlyArray<number> };

/** Where a window's element lies in the operand, and whether it lies inside. */
export const windowPlace = (
  { values, node }: Nest,
  shape: ReadonlyArray<number>,
  windows: ReadonlyArray<Axis>,
  taps: ReadonlyArray<Axis>,
): { readonly index: ReadonlyArray<Affine>; readonly inside: Expression } => {
  const { strides, low, dilation } = node.attributes as unknown as Sliding;
  let inside = values.pool.always;
  const index = shape.map((size, axis) => {
    const start = addIndices(scaleIndex(axisIndex(windows[axis]), strides[axis]), literal(-low[axis]));
    const place = addIndices(start, scaleIndex(axisIndex(taps[axis]), dilation[axis]));
    inside = values.pool.both(inside, values.pool.within(place, 0, size));
    return place;
  });
  return { index, inside };
};

/** Where sums are gathered: the place itself, or a wider buffer for narrow floats; `finish` brings them home. */
export const gatherPlace = (
  { values }: Nest,
  place: Place,
  dtype: Dtype,
  shape: ReadonlyArray<number>,
): { readonly into: Place; readonly finish: ReadonlyArray<ReadonlyArray<Statement>> } => {
  const { pool } = values;
  const wide = accumulatorOf(dtype);
  if (wide === dtype) return { into: place, finish: [] };
  const into = densePlace(pool.buffer(wide, shape.reduce((count, size) => count * size, 1), "temporary"), shape);
  const axes = axesOf(pool, shape);
  const index = indices(axes);
  const value = pool.apply("cast", dtype, pool.load(into.buffer, placeIndex(into, index)));
  return { into, finish: [nested(axes, "parallel", [storeAt(place, index, value)])] };
};

/** A row-major place that fills a buffer. */
export const densePlace = (buffer: Buffer, shape: ReadonlyArray<number>): Place => {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= shape[axis];
  }
  return { buffer, base: ZERO, strides };
};

/** Stores every element of a place. */
export const fill = (
  pool: Expressions,
  into: Place,
  shape: ReadonlyArray<number>,
  value: (index: ReadonlyArray<Affine>) => Expression,
): ReadonlyArray<Statement> => {
  const axes = axesOf(pool, shape);
  const index = indices(axes);
  return nested(axes, "parallel", [storeAt(into, index, value(index))]);
};
