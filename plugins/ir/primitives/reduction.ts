/**
 * Primitives that combine elements along axes: reductions, arg-reductions, running reductions and sorting.
 *
 * Invariant: every result is rounded once, and the sum of `reduce` is compensated (Neumaier) in binary64; an empty
 * reduction gives the identity of its operation; max and min give NaN as soon as one element is NaN.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import type { Value } from "../builder.ts";
import { type Dimension, multiplyDimensions } from "../dimension.ts";
import { wrongDtype } from "../failures.ts";
import {
  type Applied,
  Axes,
  Axis,
  type Costed,
  type Differentiated,
  needShape,
  noFlops,
  type Primitive,
  primitive,
  type PrimitiveCost,
} from "../primitive.ts";
import { aroundAxis, checkAxes, countOf, forEachOffset, stridesOf, withoutAxes } from "../shape.ts";
import { type Dtype, isFloat, printType, type TensorType, tensorType } from "../types.ts";
import {
  fromFloats,
  fromIntegers,
  integerBuffer,
  integerRange,
  type Tensor,
  toFloats,
  toIntegers,
  zeros,
} from "../value.ts";
import { comparable } from "./binary.ts";

/** Name of a reduction. */
export type ReduceKind = "sum" | "prod" | "max" | "min" | "any" | "all";

/** A way to combine elements. */
export interface Fold {
  /** Identity and step for floats. */
  readonly float: readonly [number, (sofar: number, x: number) => number];
  /** Identity and step for integers and bools. */
  readonly integer: readonly [(dtype: Dtype) => bigint, (sofar: bigint, x: bigint) => bigint];
  /** Flops a step costs. */
  readonly flops: number;
}

/** The ways to combine elements. */
export const FOLDS: { readonly [K in ReduceKind]: Fold } = {
  sum: { float: [0, (a, x) => a + x], integer: [() => 0n, (a, x) => a + x], flops: 1 },
  prod: { float: [1, (a, x) => a * x], integer: [() => 1n, (a, x) => BigInt.asIntN(64, a * x)], flops: 1 },
  max: {
    float: [-Infinity, Math.max],
    integer: [(dtype) => integerRange(dtype)[0], (a, x) => a > x ? a : x],
    flops: 0,
  },
  min: {
    float: [Infinity, Math.min],
    integer: [(dtype) => integerRange(dtype)[1], (a, x) => a < x ? a : x],
    flops: 0,
  },
  any: { float: [NaN, Math.max], integer: [() => 0n, (a, x) => a | x], flops: 0 },
  all: { float: [NaN, Math.min], integer: [() => 1n, (a, x) => a & x], flops: 0 },
};

/** Names of the reductions. */
export const REDUCTIONS: ReadonlyArray<ReduceKind> = Object.keys(FOLDS) as ReadonlyArray<ReduceKind>;

const Kind: Schema.Codec<ReduceKind> = Schema.Literals(REDUCTIONS) as unknown as Schema.Codec<ReduceKind>;

type NumericKind = "sum" | "prod" | "max" | "min";

const NumericKind: Schema.Codec<NumericKind> = Schema.Literals([
  "sum",
  "prod",
  "max",
  "min",
]) as unknown as Schema.Codec<
  NumericKind
>;

type ArgKind = "max" | "min";

const ArgKind: Schema.Codec<ArgKind> = Schema.Literals(["max", "min"]) as unknown as Schema.Codec<ArgKind>;

const needKind = (node: { readonly op: string }, kind: ReduceKind, x: TensorType): void => {
  const logical = kind === "any" || kind === "all";
  if (logical === (x.dtype === "bool")) return;
  throw wrongDtype({
    op: node.op,
    operand: printType(x),
    reason: logical ? `${kind} takes bool` : `${kind} takes numbers`,
  });
};

/** Sums with a running compensation; infinities and NaN take the plain sum, which the compensation would spoil. */
class CompensatedSums {
  private readonly plain: Float64Array<ArrayBuffer>;
  private readonly lost: Float64Array<ArrayBuffer>;
  constructor(count: number) {
    this.plain = new Float64Array(count);
    this.lost = new Float64Array(count);
  }
  add(place: number, x: number): void {
    const before = this.plain[place];
    const after = before + x;
    this.lost[place] += Math.abs(before) >= Math.abs(x) ? before - after + x : x - after + before;
    this.plain[place] = after;
  }
  totals(): Float64Array<ArrayBuffer> {
    return this.plain.map((sum, i) => Number.isFinite(sum) ? sum + this.lost[i] : sum);
  }
}

const reduceTensor = (
  x: Tensor,
  kind: ReduceKind,
  axes: ReadonlyArray<number>,
  shape: ReadonlyArray<number>,
): Tensor => {
  const made = zeros(x.dtype, shape);
  const kept = stridesOf(shape);
  let next = 0;
  const strides = x.shape.map((_, axis) => axes.includes(axis) ? 0 : kept[next++]);
  const [floatStart, floatStep] = FOLDS[kind].float;
  const [integerStart, integerStep] = FOLDS[kind].integer;
  if (!isFloat(x.dtype)) {
    const integers = toIntegers(x);
    const folded = integerBuffer(x.dtype, made.data.length).fill(integerStart(x.dtype));
    forEachOffset(x.shape, strides, 0, (place, i) => folded[place] = integerStep(folded[place], integers[i]));
    return fromIntegers(x.dtype, shape, folded);
  }
  const floats = toFloats(x);
  if (kind === "sum") {
    const sums = new CompensatedSums(made.data.length);
    forEachOffset(x.shape, strides, 0, (place, i) => sums.add(place, floats[i]));
    return fromFloats(x.dtype, shape, sums.totals());
  }
  const folded = new Float64Array(made.data.length).fill(floatStart);
  forEachOffset(x.shape, strides, 0, (place, i) => folded[place] = floatStep(folded[place], floats[i]));
  return fromFloats(x.dtype, shape, folded);
};

const reduceGradient = (
  { g, cotangent, operands: [x], results: [y], attributes: { op, axes } }: Differentiated<
    { op: ReduceKind; axes: ReadonlyArray<number> }
  >,
): ReadonlyArray<Value | undefined> => {
  const spread = (value: Value) => g.broadcast(value, x.type.shape, keptAxes(x.type, axes));
  if (op === "sum") return [spread(cotangent)];
  if (op === "prod") return [g.mul(spread(cotangent), othersProduct(g, x, axes))];
  // Ties share the cotangent equally.
  const ties = g.cast(g.compare("eq", x, spread(y)), x.type.dtype);
  return [g.mul(ties, spread(g.div(cotangent, g.reduce("sum", ties, axes))))];
};

const keptAxes = (x: TensorType, axes: ReadonlyArray<number>): ReadonlyArray<number> =>
  x.shape.flatMap((_, axis) => axes.includes(axis) ? [] : [axis]);

/** For each element the product of all others along the axes, without dividing, so that zeros are no trouble. */
const othersProduct = (g: Differentiated<unknown>["g"], x: Value, axes: ReadonlyArray<number>): Value => {
  const order = [...keptAxes(x.type, axes), ...axes];
  const kept = order.slice(0, order.length - axes.length).map((axis) => x.type.shape[axis]);
  const merged: Dimension = multiplyDimensions(...axes.map((axis) => x.type.shape[axis]));
  const flat = g.reshape(g.transpose(x, order), [...kept, merged]);
  const options = { axis: kept.length, exclusive: true };
  const before = g.cumulative("prod", flat, { ...options, reverse: false });
  const after = g.cumulative("prod", flat, { ...options, reverse: true });
  const back = g.reshape(g.mul(before, after), order.map((axis) => x.type.shape[axis]));
  return g.transpose(back, order.map((_, axis) => order.indexOf(axis)));
};

const isNaNAt = (values: ArrayLike<number>, i: number): boolean => Number.isNaN(values[i]);

const argReduce = (x: Tensor, op: ArgKind, axis: number, shape: ReadonlyArray<number>): Tensor => {
  const [outer, size, inner] = aroundAxis(x.shape, axis);
  const values = comparable(x);
  const better = op === "max" ? (a: number, b: number) => a > b : (a: number, b: number) => a < b;
  const found = new BigInt64Array(outer * inner);
  for (let row = 0; row < outer; row++) {
    for (let j = 0; j < inner; j++) {
      const at = (i: number) => (row * size + i) * inner + j;
      let best = 0;
      for (let i = 1; i < size && !isNaNAt(values, at(best)); i++) {
        if (isNaNAt(values, at(i)) || better(values[at(i)], values[at(best)])) best = i;
      }
      found[row * inner + j] = BigInt(best);
    }
  }
  return { dtype: "i64", shape, data: found };
};

const needElements = (node: Applied<{ axis: number }>): void => {
  const [x] = node.types;
  checkAxes(node.op, [node.attributes.axis], x.shape.length);
  needShape(
    node,
    x.shape[node.attributes.axis] !== 0,
    () => `axis ${node.attributes.axis} of ${printType(x)} is empty`,
  );
};

const sortTensor = (x: Tensor, axis: number, descending: boolean): ReadonlyArray<Tensor> => {
  const [outer, size, inner] = aroundAxis(x.shape, axis);
  const values = comparable(x);
  const sorted = zeros(x.dtype, x.shape);
  const indices = zeros("i64", x.shape);
  const sign = descending ? -1 : 1;
  const order = (a: number, b: number): number => {
    if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
    return a < b ? -1 : a > b ? 1 : 0;
  };
  for (let row = 0; row < outer; row++) {
    for (let j = 0; j < inner; j++) {
      const at = (i: number) => (row * size + i) * inner + j;
      const places = Array.from({ length: size }, (_, i) => i)
        .sort((a, b) => sign * order(values[at(a)], values[at(b)]) || a - b);
      places.forEach((from, to) => {
        sorted.data[at(to)] = x.data[at(from)];
        indices.data[at(to)] = BigInt(from);
      });
    }
  }
  return [sorted, indices];
};

const SORT_STEPS_PER_ELEMENT = 32;

type Running = {
  readonly op: NumericKind;
  readonly axis: number;
  readonly reverse: boolean;
  readonly exclusive: boolean;
};

const runAlong = (x: Tensor, { op, axis, reverse, exclusive }: Running): Tensor => {
  const [outer, size, inner] = aroundAxis(x.shape, axis);
  const float = isFloat(x.dtype);
  const values: ArrayLike<number | bigint> = float ? toFloats(x) : toIntegers(x);
  const start = float ? FOLDS[op].float[0] : FOLDS[op].integer[0](x.dtype);
  const step = (float ? FOLDS[op].float[1] : FOLDS[op].integer[1]) as (a: unknown, b: unknown) => number | bigint;
  const out = float ? new Float64Array(x.data.length) : integerBuffer(x.dtype, x.data.length);
  for (let row = 0; row < outer; row++) {
    for (let j = 0; j < inner; j++) {
      let sofar: number | bigint = start;
      for (let i = 0; i < size; i++) {
        const at = (row * size + (reverse ? size - 1 - i : i)) * inner + j;
        const next = step(sofar, values[at]);
        out[at] = (exclusive ? sofar : next) as never;
        sofar = next;
      }
    }
  }
  return out instanceof Float64Array ? fromFloats(x.dtype, x.shape, out) : fromIntegers(x.dtype, x.shape, out);
};

/** Which element each running maximum or minimum comes from: the latest that attains it; none for an empty prefix. */
const runningOrigin = (
  g: Differentiated<unknown>["g"],
  x: Value,
  { op, axis, reverse, exclusive }: Running,
): Value => {
  const attained = g.compare("eq", x, g.cumulative(op, x, { axis, reverse, exclusive: false }));
  const places = g.iota("i64", x.type.shape, axis);
  const none = g.full({ dtype: "i64", shape: x.type.shape }, reverse ? integerRange("i64")[1] : -1n);
  return g.cumulative(reverse ? "min" : "max", g.select(attained, places, none), { axis, reverse, exclusive });
};

/** Gradient of a running product: for each i, Σₖ cₖ · Π of the others in prefix k, by an n × n table, exact at zeros. */
const runningProductGradient = ({ g, cotangent, operands: [x], attributes }: Differentiated<Running>): Value => {
  const { axis, reverse, exclusive } = attributes;
  const { shape } = x.type;
  const rank = shape.length;
  const n = shape[axis];
  // Axes of the table: the operand's with `axis` moved last, once more for the element left out.
  const order = [...keptAxes(x.type, [axis]), axis];
  const moved = (value: Value) => g.transpose(value, order);
  const outer = order.slice(0, -1).map((a) => shape[a]);
  const table = [...outer, n, n];
  const along = [...outer.map((_, a) => a), rank];
  const leftOut = g.iota("i64", table, rank - 1);
  const place = g.iota("i64", table, rank);
  const others = g.select(
    g.compare("eq", leftOut, place),
    g.full({ dtype: x.type.dtype, shape: table }, 1),
    g.broadcast(moved(x), table, along),
  );
  const products = g.cumulative("prod", others, { axis: rank, reverse, exclusive });
  const direction = reverse ? (exclusive ? "gt" : "ge") : (exclusive ? "lt" : "le");
  const inPrefix = g.compare(direction, leftOut, place);
  const terms = g.mul(g.broadcast(moved(cotangent), table, along), products);
  const sums = g.reduce("sum", g.select(inPrefix, terms, g.zerosLike(terms)), [rank]);
  return g.transpose(sums, order.map((_, a) => order.indexOf(a)));
};

const runningGradient = (node: Differentiated<Running>): ReadonlyArray<Value | undefined> => {
  const { g, cotangent, operands: [x], attributes } = node;
  const { op, axis, reverse, exclusive } = attributes;
  if (op === "sum") return [g.cumulative("sum", cotangent, { axis, reverse: !reverse, exclusive })];
  if (op === "prod") return [runningProductGradient(node)];
  return [g.putAlong(g.zerosLike(x), runningOrigin(g, x, attributes), cotangent, axis, "add")];
};

const reduceCost = ({ types: [x], attributes: { op } }: Costed<{ readonly op: ReduceKind }>): PrimitiveCost => ({
  flops: multiplyDimensions(FOLDS[op].flops, countOf(x)),
});

/** The rows. */
export const REDUCTION: ReadonlyArray<Primitive> = [
  primitive("reduce", {
    doc: "Combines all elements along some axes, which disappear. Of nothing: sum 0, prod 1, max −∞ or the smallest " +
      "integer, min ∞ or the largest, any false, all true. NaN anywhere gives NaN. Tied extrema share the gradient.",
    operands: { x: "any" },
    attributes: { op: Kind, axes: Axes },
    result: (node) => {
      const [x] = node.types;
      const { op, axes } = node.attributes;
      needKind(node, op, x);
      checkAxes(node.op, axes, x.shape.length, true);
      return [tensorType(x.dtype, withoutAxes(x.shape, axes))];
    },
    gradient: reduceGradient,
    cost: reduceCost,
    evaluate: ({ inputs: [x], results: [{ shape }], attributes: { op, axes } }) => [reduceTensor(x, op, axes, shape)],
    loop: "reduction",
  }),
  primitive("arg_reduce", {
    doc: "Index (i64) of the first largest or smallest element along an axis, which disappears; the first NaN wins.",
    operands: { x: "any" },
    attributes: { op: ArgKind, axis: Axis },
    result: (node) => {
      needElements(node);
      return [tensorType("i64", withoutAxes(node.types[0].shape, [node.attributes.axis]))];
    },
    gradient: { none: "its result is an index", zero: true },
    cost: noFlops,
    evaluate: ({ inputs: [x], results: [{ shape }], attributes: { op, axis } }) => [argReduce(x, op, axis, shape)],
    loop: "reduction",
  }),
  primitive("sort", {
    doc: "Elements in order along an axis, and the index (i64) each came from. Stable; NaN is above everything.",
    operands: { x: "any" },
    attributes: { axis: Axis, descending: Schema.Boolean },
    result: (node) => {
      const [x] = node.types;
      checkAxes(node.op, [node.attributes.axis], x.shape.length);
      return [x, tensorType("i64", x.shape)];
    },
    gradient: ({ g, cotangent, operands: [x], results: [, indices], attributes: { axis } }) => [
      g.putAlong(g.zerosLike(x), indices, cotangent, axis, "add"),
    ],
    cost: ({ types: [x] }) => ({ flops: 0, steps: multiplyDimensions(SORT_STEPS_PER_ELEMENT, countOf(x)) }),
    evaluate: ({ inputs: [x], attributes: { axis, descending } }) => sortTensor(x, axis, descending),
    loop: "sort",
  }),
  primitive("cumulative", {
    doc: "Running reduction along an axis, from the end where `reverse`, without the element itself where `exclusive`.",
    operands: { x: "number" },
    attributes: { op: NumericKind, axis: Axis, reverse: Schema.Boolean, exclusive: Schema.Boolean },
    result: (node) => {
      checkAxes(node.op, [node.attributes.axis], node.types[0].shape.length);
      return [node.types[0]];
    },
    gradient: runningGradient,
    cost: reduceCost,
    evaluate: ({ inputs: [x], attributes }) => [runAlong(x, attributes)],
    loop: "recurrence",
  }),
];
