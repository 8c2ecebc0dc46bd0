/**
 * Sorting: a stable merge sort of positions, one kernel for each doubling of the sorted runs.
 *
 * Invariant: equal elements keep their order; NaN is above everything.
 *
 * @module
 */
import { type Dtype, isFloat } from "../../ir/library.ts";
import { addIndices, type Affine, axisIndex, literal, scaleIndex } from "./affine.ts";
import type { Expressions } from "./expression.ts";
import type { Expression, Local, Statement } from "./loops.ts";
import { axesOf, densePlace, fill, indices, type Nest, nested, type NestRule, replaced, storeAt } from "./nest.ts";
import { type Place, placeIndex } from "./values.ts";

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
  const side = (local: Local, limit: Local) => {
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
  const next = (local: Local): Expression => pool.apply("add", "i32", pool.get(local), one);
  const chosen = pool.both(
    b.open,
    pool.apply("or", "bool", pool.apply("not", "bool", a.open), precedes(pool, descending, b.element, a.element)),
  );
  const flag = pool.get(takeRight);
  const place = addIndices(start, axisIndex(turn));
  const step: Statement[] = [
    { kind: "let", local: takeRight, value: chosen },
    storeAt(to, replaced(index, axis, place), pool.apply("select", "i32", flag, b.position, a.position)),
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

/** Sorted elements and where each came from. */
export const sort: NestRule = (nest) => {
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
    storeAt(sorted, index, element),
    storeAt(order, index, pool.apply("cast", "i64", position)),
  ]));
  return kernels;
};
