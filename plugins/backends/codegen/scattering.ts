/**
 * Scattering: loops of the primitives that write to places they compute.
 *
 * Invariant: writes to one place come in row-major order of the updates; loops that may meet run upwards.
 *
 * @module
 */
import { addIndices, type Affine, type Axis, flatIndex } from "./affine.ts";
import type { Expression, Statement } from "./loops.ts";
import {
  axesOf,
  beats,
  fill,
  gatherPlace,
  indices,
  type Nest,
  nested,
  type NestRule,
  replaced,
  shapeOf,
  type Sliding,
  windowPlace,
} from "./nest.ts";
import { placeIndex } from "./values.ts";

/** Sums at the extremum of every window. */
export const selectAndScatter: NestRule = (nest) => {
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
  /** First of the axes that follow one another, and how many axes decide where an update goes. */
  { first, deciding, count }: { readonly first: number; readonly count: number; readonly deciding: number },
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
  const loops = (from: number, to: number, body: ReadonlyArray<Statement>): ReadonlyArray<Statement> =>
    axes.slice(from, to).reduceRight<ReadonlyArray<Statement>>((inner, each, i) => {
      const isSerial = from + i >= first && from + i < first + count;
      return each.extent === 1
        ? inner
        : [{ kind: "for", axis: each, loop: isSerial ? "serial" : "parallel", body: inner }];
    }, body);
  // What is inside is asked once for a row of updates, so that the row itself can run by vectors.
  const row = loops(deciding, axes.length, [write]);
  const body: ReadonlyArray<Statement> = inside.kind === "constant"
    ? row
    : [{ kind: "when", condition: inside, body: row }];
  return [start, loops(0, deciding, body), ...finish];
};

/** Rows at indices along an axis. */
export const scatter: NestRule = (nest) => {
  const { values, node } = nest;
  const axis = node.attributes.axis as number;
  const axes = axesOf(values.pool, shapeOf(nest, 2));
  const rank = shapeOf(nest, 1).length;
  const index = indices(axes);
  const picked = values.at(node.operands[1], index.slice(axis, axis + rank));
  const target = (at: Affine) => [...index.slice(0, axis), at, ...index.slice(axis + rank)];
  return written(nest, axes, { first: axis, count: rank, deciding: axis + rank }, picked, target);
};

/** Elements at indices along an axis. */
export const putAlong: NestRule = (nest) => {
  const { values, node } = nest;
  const axis = node.attributes.axis as number;
  const axes = axesOf(values.pool, shapeOf(nest, 2));
  const index = indices(axes);
  const picked = values.at(node.operands[1], index);
  const how = { first: axis, count: 1, deciding: axes.length };
  return written(nest, axes, how, picked, (at) => replaced(index, axis, at));
};
