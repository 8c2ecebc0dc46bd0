/**
 * Movement and indexing primitives against index arithmetic written out here.
 */
import assert from "node:assert/strict";
import {
  buildProgram,
  DTYPE_NAMES,
  elements,
  evaluate,
  type FunctionBuilder,
  type Tensor,
  tensor,
  toNested,
  type Value,
} from "../../../plugins/ir/library.ts";
import { codeOf, compute, f64, run, vector } from "./support.ts";

/** Numbers from 0 in a shape. */
const counting = (shape: ReadonlyArray<number>): Tensor => {
  const count = shape.reduce((product, size) => product * size, 1);
  return f64(shape, Array.from({ length: count }, (_, i) => i));
};

const one = (x: Tensor, body: (g: FunctionBuilder, x: Value) => Value): unknown => compute([x], (g, [v]) => body(g, v));

Deno.test("broadcast puts operand axis i at result axis axes[i] and repeats along the others", () => {
  const made = one(f64([2], [10, 20]), (g, x) => g.broadcast(x, [3, 2, 2], [1])) as number[][][];
  for (const plane of made) assert.deepEqual(plane, [[10, 10], [20, 20]]);
  assert.equal(made.length, 3);
});

Deno.test("broadcast to no elements and of no elements", () => {
  assert.deepEqual(one(f64([1], [5]), (g, x) => g.broadcastTo(x, [0])), []);
  assert.deepEqual(one(f64([0], []), (g, x) => g.broadcastTo(x, [2, 0])), [[], []]);
});

Deno.test("transpose moves element (i, j, k) to (k, i, j)", () => {
  const made = one(counting([2, 3, 4]), (g, x) => g.transpose(x, [2, 0, 1])) as number[][][];
  for (let i = 0; i < 2; i++) {
    for (let j = 0; j < 3; j++) for (let k = 0; k < 4; k++) assert.equal(made[k][i][j], i * 12 + j * 4 + k);
  }
});

Deno.test("reverse turns the named axes only", () => {
  assert.deepEqual(one(counting([2, 3]), (g, x) => g.reverse(x, [1])), [[2, 1, 0], [5, 4, 3]]);
  assert.deepEqual(one(counting([2, 3]), (g, x) => g.reverse(x, [0, -1])), [[5, 4, 3], [2, 1, 0]]);
});

Deno.test("slice takes from start to before limit by stride, also nothing", () => {
  const part = (start: number[], limit: number[], stride: number[]) =>
    one(counting([5, 6]), (g, x) => g.slice(x, { start, limit, stride }));
  assert.deepEqual(part([1, 0], [4, 6], [2, 4]), [[6, 10], [18, 22]]);
  assert.deepEqual(part([2, 3], [2, 4], [1, 1]), []);
});

Deno.test("slice outside the operand, pad below nothing and reshape to another count are refused", () => {
  const build = (body: (g: FunctionBuilder, x: Value) => Value) => () =>
    buildProgram({ x: "f32[4]" }, (g, { x }) => body(g, x));
  assert.equal(codeOf(build((g, x) => g.slice(x, { start: [0], limit: [5] }))), "IR_SHAPE");
  assert.equal(codeOf(build((g, x) => g.slice(x, { start: [3], limit: [2] }))), "IR_SHAPE");
  assert.equal(codeOf(build((g, x) => g.slice(x, { start: [0], limit: [4] }))), "no failure");
  assert.equal(codeOf(build((g, x) => g.pad(x, 0, { low: [-3], high: [-2] }))), "IR_SHAPE");
  assert.equal(codeOf(build((g, x) => g.pad(x, 0, { low: [-2], high: [-2] }))), "no failure");
  assert.equal(codeOf(build((g, x) => g.reshape(x, [3]))), "IR_SHAPE");
  assert.equal(codeOf(build((g, x) => g.transpose(x, [1]))), "IR_ATTRIBUTE");
  assert.equal(codeOf(build((g, x) => g.concat([x, x], 1))), "IR_ATTRIBUTE");
});

Deno.test("pad puts the value around and between, and takes away where negative", () => {
  const pad = (low: number, high: number, interior: number) =>
    one(f64([3], [1, 2, 3]), (g, x) => g.pad(x, 9, { low: [low], high: [high], interior: [interior] }));
  assert.deepEqual(pad(1, 2, 0), [9, 1, 2, 3, 9, 9]);
  assert.deepEqual(pad(0, 0, 2), [1, 9, 9, 2, 9, 9, 3]);
  assert.deepEqual(pad(-1, 1, 1), [9, 2, 9, 3, 9]);
  assert.deepEqual(one(f64([0], []), (g, x) => g.pad(x, 9, { low: [1], high: [1], interior: [3] })), [9, 9]);
});

Deno.test("concat joins along the axis, operands without elements too, and a negative axis counts from the end", () => {
  const inputs = [counting([2, 2]), f64([2, 0], []), f64([2, 1], [7, 8])];
  assert.deepEqual(compute(inputs, (g, xs) => g.concat(xs, -1)), [[0, 1, 7], [2, 3, 8]]);
  assert.deepEqual(
    compute([counting([1, 2]), counting([2, 2])], (g, xs) => g.concat(xs, 0)),
    [[0, 1], [0, 1], [2, 3]],
  );
});

Deno.test("elements move bit for bit in every dtype", () => {
  for (const dtype of DTYPE_NAMES) {
    const x = tensor(dtype, [2, 2], dtype === "bool" ? [true, false, false, true] : [1, 2, 3, 4]);
    const moved = compute([x], (g, [v]) => g.reverse(g.transpose(g.concat([v, v], 1), [1, 0]), [0]));
    const [a, b, c, d] = elements(x);
    assert.deepEqual(moved, [[b, d], [a, c], [b, d], [a, c]], dtype);
  }
});

Deno.test("gather takes rows by index, the axis replaced by the indices' axes, outside zero", () => {
  const x = counting([3, 2]);
  const indices = tensor("i32", [2, 2], [2, 0, -1, 3]);
  assert.deepEqual(compute([x, indices], (g, [v, i]) => g.gather(v, i, 0)), [[[4, 5], [0, 1]], [[0, 0], [0, 0]]]);
  assert.deepEqual(compute([x, vector("i64", [1n])], (g, [v, i]) => g.gather(v, i, 1)), [[1], [3], [5]]);
});

Deno.test("scatter sets the last of repeated rows, adds all of them, and drops those outside", () => {
  const inputs = [counting([3, 2]), vector("i64", [1n, 1n, 9n]), f64([3, 2], [10, 20, 30, 40, 50, 60])];
  const scatter = (mode: "set" | "add") => compute(inputs, (g, [x, i, u]) => g.scatter(x, i, u, 0, mode));
  assert.deepEqual(scatter("set"), [[0, 1], [30, 40], [4, 5]]);
  assert.deepEqual(scatter("add"), [[0, 1], [42, 63], [4, 5]]);
});

Deno.test("scatter-add of narrow floats sums first and rounds once", () => {
  const inputs = [vector("f16", [2048]), vector("i64", [0n, 0n]), vector("f16", [1, 1])];
  // In f16 alone 2048 + 1 stays 2048, twice.
  assert.deepEqual(compute(inputs, (g, [x, i, u]) => g.scatter(x, i, u, 0, "add")), [2050]);
});

Deno.test("take_along and put_along index element by element", () => {
  const x = counting([2, 3]);
  const indices = tensor("i64", [2, 2], [2n, 0n, 1n, 5n]);
  assert.deepEqual(compute([x, indices], (g, [v, i]) => g.takeAlong(v, i, 1)), [[2, 0], [4, 0]]);
  const updates = f64([2, 2], [10, 20, 30, 40]);
  assert.deepEqual(
    compute([x, indices, updates], (g, [v, i, u]) => g.putAlong(v, i, u, 1, "set")),
    [[20, 1, 10], [3, 30, 5]],
  );
  assert.deepEqual(
    compute([x, indices, updates], (g, [v, i, u]) => g.putAlong(v, i, u, 1, "add")),
    [[20, 1, 12], [3, 34, 5]],
  );
});

Deno.test("gather and scatter-add are transposes of each other for any indices", () => {
  // <gather(x, i), u> = <x, scatter-add(0, i, u)>
  const x = f64([4, 2], [1, -2, 3, 5, 7, -11, 13, 17]);
  const u = f64([5, 2], [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]);
  const i = vector("i64", [3n, 3n, -1n, 0n, 4n]);
  const program = buildProgram({ x: "f64[4,2]", u: "f64[5,2]", i: "i64[5]" }, (g, { x, u, i }) => [
    g.reduce("sum", g.mul(g.gather(x, i, 0), u)),
    g.reduce("sum", g.mul(x, g.scatter(g.zerosLike(x), i, u, 0, "add"))),
  ]);
  const [left, right] = evaluate(program, [x, u, i]).results.map(toNested);
  assert.equal(left, right);
});

Deno.test("iota counts along its axis and wraps in narrow integers", () => {
  const program = buildProgram({}, (g) => [g.iota("i32", [2, 3], 1), g.iota("i4", [10], 0), g.iota("f16", [2, 2], 0)]);
  assert.deepEqual(evaluate(program, []).results.map(toNested), [
    [[0, 1, 2], [0, 1, 2]],
    [0, 1, 2, 3, 4, 5, 6, 7, -8, -7],
    [[0, 0], [1, 1]],
  ]);
});

Deno.test("symbolic pad, slice and concat have the sizes that their polynomials say", () => {
  const program = buildProgram({ x: "f64[N]" }, (g, { x }) => {
    const padded = g.pad(x, 0, { low: [1], high: [2], interior: [1] });
    return g.concat([g.slice(padded, { start: [1], limit: padded.type.shape, stride: [3] }), x], 0);
  });
  for (const n of [1, 2, 3, 4, 9]) {
    const x = counting([n]);
    const padded = [0, ...Array.from({ length: 2 * n - 1 }, (_, i) => i % 2 === 0 ? i / 2 : 0), 0, 0];
    const expected = [...padded.slice(1).filter((_, i) => i % 3 === 0), ...Array.from({ length: n }, (_, i) => i)];
    assert.deepEqual(toNested(run(program, [x])), expected, String(n));
  }
});

Deno.test("a symbolic slice that does not fit the size of a run is refused then, by path", () => {
  const program = buildProgram({ x: "f64[N]" }, (g, { x }) => g.slice(x, { start: [0], limit: [4] }));
  assert.deepEqual(toNested(run(program, [counting([4])])), [0, 1, 2, 3]);
  assert.throws(
    () => run(program, [counting([3])]),
    (thrown: { code: string; path: string }) => thrown.code === "IR_SHAPE" && thrown.path === "/functions/main/nodes/0",
  );
});
