/**
 * Nests: loops of the primitives that are neither elementwise, nor reductions, nor products: joining, running
 * reductions, windows, writing by index, sorting.
 *
 * Not fused with what uses them; what they read may be computed on the way where each element is read once.
 * Invariant: one entry a primitive; each gives kernels that run in order and fill the results' places.
 *
 * @module
 */
import { type Dtype, dtypeInfo, isFloat } from "../../ir/library.ts";
import { addIndices, type Affine, type Axis, axisIndex, flatIndex, literal, scaleIndex, ZERO } from "./affine.ts";
import { accumulatorOf, type Expressions } from "./expression.ts";
import type { Buffer, Expression, FoldKind, LoopKind, Operation, Statement } from "./loops.ts";
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

type Rule = (nest: Nest) => ReadonlyArray<ReadonlyArray<Statement>>;

type Lists = { readonly [name: string]: ReadonlyArray<number> };

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

const axesOf = (pool: Expressions, shape: ReadonlyArray<number>): ReadonlyArray<Axis> =>
  shape.map((size) => pool.axis(size));

const indices = (axes: ReadonlyArray<Axis>): ReadonlyArray<Affine> => axes.map(axisIndex);

const replaced = <A>(items: ReadonlyArray<A>, at: number, ...by: ReadonlyArray<A>): ReadonlyArray<A> => [
  ...items.slice(0, at),
  ...by,
  ...items.slice(at + 1),
];

const store = (place: Place, index: ReadonlyArray<Affine>, value: Expression): Statement => ({
  kind: "store",
  buffer: place.buffer,
  index: placeIndex(place, index),
  value,
});

const shapeOf = ({ values, node }: Nest, operand: number): ReadonlyArray<number> =>
  values.region.types[node.operands[operand]].shape;

const concat: Rule = ({ values, node, places: [place] }) => {
  const axis = node.attributes.axis as number;
  let start = 0;
  return [node.operands.flatMap((operand) => {
    const { shape } = values.region.types[operand];
    const axes = axesOf(values.pool, shape);
    const index = indices(axes);
    const into = replaced(index, axis, addIndices(index[axis], literal(start)));
    start += shape[axis];
    if (shape.includes(0)) return [];
    return nested(axes, "parallel", [store(place, into, values.at(operand, index))]);
  })];
};

const fold = (pool: Expressions, kind: FoldKind, a: Expression, b: Expression): Expression => {
  const op: Operation = kind === "sum"
    ? "add"
    : kind === "prod"
    ? "mul"
    : kind === "any"
    ? "or"
    : kind === "all"
    ? "and"
    : kind;
  return pool.apply(op, a.dtype, a, b);
};

/** Running reductions of f32 and narrower are carried in f64, as one rounding after another would add up. */
const runningDtype = (dtype: Dtype): Dtype => isFloat(dtype) ? "f64" : dtype;

const cumulative: Rule = (nest) => {
  const { values, node, places: [place] } = nest;
  const { pool } = values;
  const [{ dtype, shape }] = node.results;
  if (shape.includes(0)) return [];
  const { op, axis, reverse, exclusive } = node.attributes as {
    op: FoldKind;
    axis: number;
    reverse: boolean;
    exclusive: boolean;
  };
  const axes = axesOf(pool, shape);
  const along = axisIndex(axes[axis]);
  const index = replaced(
    indices(axes),
    axis,
    reverse ? addIndices(literal(shape[axis] - 1), scaleIndex(along, -1)) : along,
  );
  const wide = runningDtype(dtype);
  const sofar = pool.local(wide);
  const next = pool.local(wide);
  const value = fold(pool, op, pool.get(sofar), pool.apply("cast", wide, values.at(node.operands[0], index)));
  const body: Statement[] = [
    { kind: "let", local: next, value },
    store(place, index, pool.apply("cast", dtype, pool.get(exclusive ? sofar : next))),
    { kind: "assign", local: sofar, value: pool.get(next) },
  ];
  const loop: Statement = { kind: "for", axis: axes[axis], loop: "serial", body };
  return [nested(replaced(axes, axis), "parallel", [
    { kind: "let", local: sofar, value: identityOf(pool, op, wide) },
    loop,
  ])];
};

/** Whether a stands before b among extrema: it is better, or the first NaN. */
const beats = (pool: Expressions, op: "max" | "min", a: Expression, b: Expression): Expression => {
  const better = pool.apply(op === "max" ? "gt" : "lt", "bool", a, b);
  if (!isFloat(a.dtype)) return better;
  const first = pool.both(pool.apply("ne", "bool", a, a), pool.apply("eq", "bool", b, b));
  return pool.apply("or", "bool", better, first);
};

const argReduce: Rule = (nest) => {
  const { values, node, places: [place] } = nest;
  const { pool } = values;
  const shape = shapeOf(nest, 0);
  if (shape.includes(0)) return [];
  const { op, axis } = node.attributes as { op: "max" | "min"; axis: number };
  const axes = axesOf(pool, shape);
  const index = indices(axes);
  const { dtype } = values.region.types[node.operands[0]];
  const best = pool.local(dtype);
  const at = pool.local("i64");
  const value = values.at(node.operands[0], index);
  const wins = beats(pool, op, value, pool.get(best));
  const loop: Statement = {
    kind: "for",
    axis: axes[axis],
    loop: "serial",
    body: [{
      kind: "when",
      condition: wins,
      body: [
        { kind: "assign", local: best, value },
        { kind: "assign", local: at, value: pool.index("i64", index[axis]) },
      ],
    }],
  };
  return [nested(replaced(axes, axis), "parallel", [
    { kind: "let", local: best, value: values.at(node.operands[0], replaced(index, axis, ZERO)) },
    { kind: "let", local: at, value: pool.constant("i64", 0n) },
    loop,
    store(place, replaced(index, axis), pool.get(at)),
  ])];
};

type Sliding = { readonly [K in "window" | "strides" | "low" | "dilation"]: ReadonlyArray<number> };

/** Where a window's element lies in the operand, and whether it lies inside. */
const windowPlace = (
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

const reduceWindow: Rule = (nest) => {
  const { values, node, places: [place] } = nest;
  const { pool } = values;
  const [{ dtype, shape }] = node.results;
  if (shape.includes(0)) return [];
  const { op, window } = node.attributes as unknown as { op: FoldKind; window: ReadonlyArray<number> };
  const windows = axesOf(pool, shape);
  const taps = axesOf(pool, window);
  const from = shapeOf(nest, 0);
  const { index, inside } = windowPlace(nest, from, windows, taps);
  const wide = accumulatorOf(dtype);
  const sofar = pool.local(wide);
  const identity = identityOf(pool, op, wide);
  const nothing = from.includes(0) || (inside.kind === "constant" && !inside.value);
  const value = nothing
    ? identity
    : pool.guard(inside, pool.apply("cast", wide, values.at(node.operands[0], index)), identity);
  return [nested(windows, "parallel", [
    { kind: "let", local: sofar, value: identity },
    ...nested(taps, "reduce", [{ kind: "accumulate", local: sofar, fold: op, value }]),
    store(place, indices(windows), pool.apply("cast", dtype, pool.get(sofar))),
  ])];
};

/** Where sums are gathered: the place itself, or a wider buffer for narrow floats; `finish` brings them home. */
const gatherPlace = (
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
  return { into, finish: [nested(axes, "parallel", [store(place, index, value)])] };
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

const fill = (
  pool: Expressions,
  into: Place,
  shape: ReadonlyArray<number>,
  value: (index: ReadonlyArray<Affine>) => Expression,
): ReadonlyArray<Statement> => {
  const axes = axesOf(pool, shape);
  const index = indices(axes);
  return nested(axes, "parallel", [store(into, index, value(index))]);
};

const selectAndScatter: Rule = (nest) => {
  const { values, node, places: [place] } = nest;
  const { pool } = values;
  const [{ dtype, shape }] = node.results;
  if (shape.includes(0)) return [];
  const { op, window, strides, low } = node.attributes as unknown as Sliding & { op: "max" | "min" };
  const { into, finish } = gatherPlace(nest, place, dtype, shape);
  const start = fill(pool, into, shape, () => pool.zero(into.buffer.dtype));
  const counts = shapeOf(nest, 1);
  if (counts.includes(0)) return [start, ...finish];
  const windows = axesOf(pool, counts);
  const taps = axesOf(pool, window);
  const { index, inside } = windowPlace(nest, shape, windows, taps);
  const [best, at] = [pool.local(dtype), pool.local("i32")];
  const none = pool.apply("lt", "bool", pool.get(at), pool.constant("i32", 0));
  const value = values.at(node.operands[0], index);
  const wins = pool.apply("or", "bool", none, beats(pool, op, value, pool.get(best)));
  const choose: Statement = {
    kind: "when",
    condition: inside,
    body: [{
      kind: "when",
      condition: wins,
      body: [
        { kind: "assign", local: best, value },
        { kind: "assign", local: at, value: pool.index("i32", flatIndex(index, shape)) },
      ],
    }],
  };
  const count = shape.reduce((product, size) => product * size, 1);
  const target = addIndices(into.base, pool.asIndex(pool.get(at), count));
  const source = pool.apply("cast", into.buffer.dtype, values.at(node.operands[1], indices(windows)));
  const body: Statement[] = [
    { kind: "let", local: best, value: pool.zero(dtype) },
    { kind: "let", local: at, value: pool.constant("i32", -1) },
    ...nested(taps, "serial", inside.kind === "constant" && inside.value ? choose.body : [choose]),
    {
      kind: "when",
      condition: pool.apply("ge", "bool", pool.get(at), pool.constant("i32", 0)),
      body: [{
        kind: "store",
        buffer: into.buffer,
        index: target,
        value: pool.apply("add", into.buffer.dtype, pool.load(into.buffer, target), source),
      }],
    },
  ];
  // Windows of one element at stride 1 never meet along their axis.
  const apart = windows.map((_, axis) => window[axis] === 1 && strides[axis] === 1 && low[axis] === 0);
  const inner = nested(windows.filter((_, axis) => !apart[axis]), "serial", body);
  return [start, nested(windows.filter((_, axis) => apart[axis]), "parallel", inner), ...finish];
};

/** Copies the operand and writes updates over it; `target` gives the index of the row an update goes to. */
const written = (
  nest: Nest,
  axes: ReadonlyArray<Axis>,
  serial: (axis: number) => boolean,
  picked: Expression,
  target: (at: Affine) => ReadonlyArray<Affine>,
): ReadonlyArray<ReadonlyArray<Statement>> => {
  const { values, node, places: [place] } = nest;
  const { pool } = values;
  const [{ dtype, shape }] = node.results;
  if (shape.includes(0)) return [];
  const { axis, mode } = node.attributes as { axis: number; mode: "set" | "add" };
  const { into, finish } = mode === "add" ? gatherPlace(nest, place, dtype, shape) : { into: place, finish: [] };
  const wide = into.buffer.dtype;
  const start = fill(pool, into, shape, (index) => pool.apply("cast", wide, values.at(node.operands[0], index)));
  const inside = values.inRange(picked, shape[axis]);
  const never = inside.kind === "constant" && !inside.value;
  if (never || axes.some(({ extent }) => extent === 0)) return [start, ...finish];
  const to = placeIndex(into, target(pool.asIndex(picked, shape[axis])));
  const update = pool.apply("cast", wide, values.at(node.operands[2], indices(axes)));
  const value = mode === "add" ? pool.apply("add", wide, pool.load(into.buffer, to), update) : update;
  const write: Statement = { kind: "store", buffer: into.buffer, index: to, value };
  const body: ReadonlyArray<Statement> = inside.kind === "constant"
    ? [write]
    : [{ kind: "when", condition: inside, body: [write] }];
  const loops = axes.reduceRight<ReadonlyArray<Statement>>(
    (inner, each, at) =>
      each.extent === 1 ? inner : [{ kind: "for", axis: each, loop: serial(at) ? "serial" : "parallel", body: inner }],
    body,
  );
  return [start, loops, ...finish];
};

const scatter: Rule = (nest) => {
  const { values, node } = nest;
  const axis = node.attributes.axis as number;
  const axes = axesOf(values.pool, shapeOf(nest, 2));
  const rank = shapeOf(nest, 1).length;
  const index = indices(axes);
  const picked = values.at(node.operands[1], index.slice(axis, axis + rank));
  const target = (at: Affine) => [...index.slice(0, axis), at, ...index.slice(axis + rank)];
  return written(nest, axes, (at) => at >= axis && at < axis + rank, picked, target);
};

const putAlong: Rule = (nest) => {
  const { values, node } = nest;
  const axis = node.attributes.axis as number;
  const axes = axesOf(values.pool, shapeOf(nest, 2));
  const index = indices(axes);
  const picked = values.at(node.operands[1], index);
  return written(nest, axes, (at) => at === axis, picked, (at) => replaced(index, axis, at));
};

/** Whether p strictly precedes q; NaN is above everything. */
const precedes = (pool: Expressions, descending: boolean, p: Expression, q: Expression): Expression => {
  const plain = pool.apply(descending ? "gt" : "lt", "bool", p, q);
  if (!isFloat(p.dtype)) return plain;
  const [last, first] = descending ? [p, q] : [q, p];
  const nan = pool.both(pool.apply("ne", "bool", last, last), pool.apply("eq", "bool", first, first));
  return pool.apply("or", "bool", plain, nan);
};

/** One pass of a merge sort of positions: runs of `width` become runs twice as long. */
const mergePass = (
  nest: Nest,
  width: number,
  from: Place,
  to: Place,
): ReadonlyArray<Statement> => {
  const { values, node } = nest;
  const { pool } = values;
  const [{ shape }] = node.results;
  const { axis, descending } = node.attributes as { axis: number; descending: boolean };
  const size = shape[axis];
  const axes = axesOf(pool, shape);
  const index = indices(axes);
  const block = pool.axis(Math.ceil(size / (2 * width)));
  const turn = pool.axis(Math.min(size, 2 * width));
  const start = scaleIndex(axisIndex(block), 2 * width);
  const [left, right, middle, end] = ["i32", "i32", "i32", "i32"].map((dtype) => pool.local(dtype as Dtype));
  const bounded = (at: number): Expression =>
    pool.apply("min", "i32", pool.index("i32", addIndices(start, literal(at))), pool.constant("i32", size));
  const positionAt = (place: Affine): Expression =>
    pool.load(from.buffer, placeIndex(from, replaced(index, axis, place)));
  const side = (local: typeof left, limit: typeof left) => {
    const open = pool.apply("lt", "bool", pool.get(local), pool.get(limit));
    const position = positionAt(pool.asIndex(pool.get(local), size));
    const element = values.at(node.operands[0], replaced(index, axis, pool.asIndex(position, size)));
    return {
      open,
      position: pool.guard(open, position, pool.constant("i32", 0)),
      element: pool.guard(open, element, pool.zero(element.dtype)),
    };
  };
  const [a, b] = [side(left, middle), side(right, end)];
  const takeRight = pool.local("bool");
  const one = pool.constant("i32", 1);
  const next = (local: typeof left): Expression => pool.apply("add", "i32", pool.get(local), one);
  const chosen = pool.both(
    b.open,
    pool.apply("or", "bool", pool.apply("not", "bool", a.open), precedes(pool, descending, b.element, a.element)),
  );
  const flag = pool.get(takeRight);
  const place = addIndices(start, axisIndex(turn));
  const step: Statement[] = [
    { kind: "let", local: takeRight, value: chosen },
    store(to, replaced(index, axis, place), pool.apply("select", "i32", flag, b.position, a.position)),
    { kind: "assign", local: left, value: pool.apply("select", "i32", flag, pool.get(left), next(left)) },
    { kind: "assign", local: right, value: pool.apply("select", "i32", flag, next(right), pool.get(right)) },
  ];
  const inside = pool.within(place, 0, size);
  const body: ReadonlyArray<Statement> = inside.kind === "constant"
    ? step
    : [{ kind: "when", condition: inside, body: step }];
  return nested([...replaced(axes, axis), block], "parallel", [
    { kind: "let", local: left, value: pool.index("i32", start) },
    { kind: "let", local: right, value: bounded(width) },
    { kind: "let", local: middle, value: bounded(width) },
    { kind: "let", local: end, value: bounded(2 * width) },
    ...nested([turn], "serial", body),
  ]);
};

const sort: Rule = (nest) => {
  const { values, node, places: [sorted, order] } = nest;
  const { pool } = values;
  const [{ shape }] = node.results;
  if (shape.includes(0)) return [];
  const axis = node.attributes.axis as number;
  const count = shape.reduce((product, size) => product * size, 1);
  let [from, to] = [0, 1].map(() => densePlace(pool.buffer("i32", count, "temporary"), shape));
  const kernels = [fill(pool, from, shape, (index) => pool.index("i32", index[axis]))];
  for (let width = 1; width < shape[axis]; width *= 2) {
    kernels.push(mergePass(nest, width, from, to));
    [from, to] = [to, from];
  }
  const axes = axesOf(pool, shape);
  const index = indices(axes);
  const position = pool.load(from.buffer, placeIndex(from, index));
  const element = values.at(node.operands[0], replaced(index, axis, pool.asIndex(position, shape[axis])));
  kernels.push(nested(axes, "parallel", [
    store(sorted, index, element),
    store(order, index, pool.apply("cast", "i64", position)),
  ]));
  return kernels;
};

/** Loops by primitive. */
export const NESTS: { readonly [op: string]: Rule } = {
  concat,
  cumulative,
  arg_reduce: argReduce,
  reduce_window: reduceWindow,
  select_and_scatter: selectAndScatter,
  scatter,
  put_along: putAlong,
  sort,
};

/** Operands that a nest reads once an element at most, so that they may be computed on the way. */
export const READ_ONCE: { readonly [op: string]: ReadonlyArray<number> } = {
  concat: Array.from({ length: 64 }, (_, i) => i),
  cumulative: [0],
  scatter: [0, 2],
  put_along: [0, 2],
  arg_reduce: [0],
};
