/**
 * Nests: loops of the primitives that are neither elementwise, nor reductions, nor products: joining, running
 * reductions, windows, writing by index, sorting.
 *
 * Not fused with what uses them; what they read may be computed on the way where each element is read once.
 * Invariant: one entry a primitive; each gives kernels that run in order and fill the results' places.
 *
 * @module
 */
import { type Dtype, isFloat } from "../../ir/library.ts";
import { addIndices, axisIndex, literal, scaleIndex, ZERO } from "./affine.ts";
import { accumulatorOf, type Expressions } from "./expression.ts";
import type { Expression, FoldKind, Operation, Statement } from "./loops.ts";
import {
  axesOf,
  beats,
  identityOf,
  indices,
  nested,
  type NestRule,
  replaced,
  shapeOf,
  storeAt,
  windowPlace,
} from "./nest.ts";
import { putAlong, scatter, selectAndScatter } from "./scattering.ts";
import { sort } from "./sorting.ts";

const concat: NestRule = ({ values, node, places: [place] }) => {
  const axis = node.attributes.axis as number;
  let start = 0;
  return [node.operands.flatMap((operand) => {
    const { shape } = values.region.types[operand];
    const axes = axesOf(values.pool, shape);
    const index = indices(axes);
    const into = replaced(index, axis, addIndices(index[axis], literal(start)));
    start += shape[axis];
    if (shape.includes(0)) return [];
    return nested(axes, "parallel", [storeAt(place, into, values.at(operand, index))]);
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

const cumulative: NestRule = (nest) => {
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
    storeAt(place, index, pool.apply("cast", dtype, pool.get(exclusive ? sofar : next))),
    { kind: "assign", local: sofar, value: pool.get(next) },
  ];
  const loop: Statement = { kind: "for", axis: axes[axis], loop: "serial", body };
  return [nested(replaced(axes, axis), "parallel", [
    { kind: "let", local: sofar, value: identityOf(pool, op, wide) },
    loop,
  ])];
};

const argReduce: NestRule = (nest) => {
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
    storeAt(place, replaced(index, axis), pool.get(at)),
  ])];
};

const reduceWindow: NestRule = (nest) => {
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
    storeAt(place, indices(windows), pool.apply("cast", dtype, pool.get(sofar))),
  ])];
};

/** Loops by primitive. */
export const NESTS: { readonly [op: string]: NestRule } = {
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
