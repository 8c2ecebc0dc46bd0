/**
 * Reductions, running reductions, sorting and windows against loops written out here and closed forms.
 */
import assert from "node:assert/strict";
import { random } from "../../../kernel/random.ts";
import {
  buildProgram,
  evaluate,
  type FunctionBuilder,
  type Tensor,
  tensor,
  toNested,
  type Value,
} from "../../../plugins/ir/library.ts";
import { assertClose, codeOf, compute, f64, normals, vector } from "./support.ts";

const one = (x: Tensor, body: (g: FunctionBuilder, x: Value) => Value): unknown => compute([x], (g, [v]) => body(g, v));

const matrix = f64([2, 3], [3, -1, 2, 5, 0, -4]);

Deno.test("reductions along an axis and along all", () => {
  assert.deepEqual(one(matrix, (g, x) => g.reduce("sum", x, [1])), [4, 1]);
  assert.deepEqual(one(matrix, (g, x) => g.reduce("max", x, [0])), [5, 0, 2]);
  assert.deepEqual(one(matrix, (g, x) => g.reduce("min", x)), -4);
  assert.deepEqual(one(matrix, (g, x) => g.reduce("prod", x, [-1])), [-6, -0]);
  assert.deepEqual(one(matrix, (g, x) => g.mean(x)), 5 / 6);
});

Deno.test("reductions of nothing give the identity", () => {
  const empty = f64([2, 0], []);
  assert.deepEqual(one(empty, (g, x) => g.reduce("sum", x, [1])), [0, 0]);
  assert.deepEqual(one(empty, (g, x) => g.reduce("prod", x, [1])), [1, 1]);
  assert.deepEqual(one(empty, (g, x) => g.reduce("max", x, [1])), [-Infinity, -Infinity]);
  assert.deepEqual(one(empty, (g, x) => g.reduce("min", x, [1])), [Infinity, Infinity]);
  assert.deepEqual(one(tensor("i8", [0], []), (g, x) => g.reduce("max", x)), -128);
  assert.deepEqual(one(tensor("u8", [0], []), (g, x) => g.reduce("min", x)), 255);
  assert.deepEqual(one(tensor("bool", [0], []), (g, x) => g.reduce("any", x)), false);
  assert.deepEqual(one(tensor("bool", [0], []), (g, x) => g.reduce("all", x)), true);
  assert.deepEqual(one(f64([0, 2], []), (g, x) => g.reduce("sum", x, [1])), []);
});

Deno.test("NaN anywhere gives NaN, infinities sum as they should", () => {
  assert.deepEqual(one(f64([3], [1, NaN, 2]), (g, x) => g.reduce("max", x)), NaN);
  assert.deepEqual(one(f64([3], [1, NaN, 2]), (g, x) => g.reduce("sum", x)), NaN);
  assert.deepEqual(one(f64([2], [Infinity, 1]), (g, x) => g.reduce("sum", x)), Infinity);
  assert.deepEqual(one(f64([2], [Infinity, -Infinity]), (g, x) => g.reduce("sum", x)), NaN);
});

Deno.test("sums are compensated: what cancels leaves what is small", () => {
  assert.equal(one(f64([4], [1e100, 1, -1e100, 1]), (g, x) => g.reduce("sum", x)), 2);
  const tenths = f64([10000], Array.from({ length: 10000 }, () => 0.1));
  assert.equal(one(tenths, (g, x) => g.reduce("sum", x)), 1000);
});

Deno.test("integer sums and products wrap, bools reduce to any and all", () => {
  assert.equal(one(vector("i8", [100, 100]), (g, x) => g.reduce("sum", x)), -56);
  assert.equal(one(vector("i64", [2n ** 62n, 4n]), (g, x) => g.reduce("prod", x)), 0n);
  assert.equal(one(vector("bool", [false, true]), (g, x) => g.reduce("any", x)), true);
  assert.equal(one(vector("bool", [false, true]), (g, x) => g.reduce("all", x)), false);
});

Deno.test("any and all take bools only, sums no bools, arg-reductions no empty axis", () => {
  const build = (type: string, body: (g: FunctionBuilder, x: Value) => Value) => () =>
    buildProgram({ x: type }, (g, { x }) => body(g, x));
  assert.equal(codeOf(build("f32[2]", (g, x) => g.reduce("any", x))), "IR_DTYPE");
  assert.equal(codeOf(build("bool[2]", (g, x) => g.reduce("sum", x))), "IR_DTYPE");
  assert.equal(codeOf(build("f32[0]", (g, x) => g.argReduce("max", x, 0))), "IR_SHAPE");
  assert.equal(codeOf(build("f32[2]", (g, x) => g.reduce("sum", x, [1]))), "IR_ATTRIBUTE");
  assert.equal(codeOf(build("f32[2,2]", (g, x) => g.reduce("sum", x, [0, 0]))), "IR_ATTRIBUTE");
});

Deno.test("arg-reductions find the first, and the first NaN wins", () => {
  assert.deepEqual(one(f64([4], [1, 5, 5, 2]), (g, x) => g.argReduce("max", x, 0)), 1n);
  assert.deepEqual(one(f64([4], [1, NaN, 5, NaN]), (g, x) => g.argReduce("min", x, 0)), 1n);
  assert.deepEqual(one(matrix, (g, x) => g.argReduce("min", x, 0)), [0n, 0n, 1n]);
  const big = vector("i64", [2n ** 60n, 2n ** 60n + 1n]);
  assert.deepEqual(one(big, (g, x) => g.argReduce("max", x, 0)), 1n);
});

Deno.test("sort is stable in both directions and puts NaN above everything", () => {
  const program = buildProgram({ x: "f64[6]" }, (g, { x }) => [...g.sort(x, 0), ...g.sort(x, 0, true)]);
  const made = evaluate(program, [f64([6], [2, NaN, 1, 2, -Infinity, 1])]).results.map(toNested);
  assert.deepEqual(made[0], [-Infinity, 1, 1, 2, 2, NaN]);
  assert.deepEqual(made[1], [4n, 2n, 5n, 0n, 3n, 1n]);
  assert.deepEqual(made[2], [NaN, 2, 2, 1, 1, -Infinity]);
  assert.deepEqual(made[3], [1n, 0n, 3n, 2n, 5n, 4n]);
});

Deno.test("running reductions go either way, with or without the element itself", () => {
  const x = f64([4], [1, 2, 3, 4]);
  const running = (op: "sum" | "prod" | "max" | "min", reverse: boolean, exclusive: boolean) =>
    one(x, (g, v) => g.cumulative(op, v, { axis: 0, reverse, exclusive }));
  assert.deepEqual(running("sum", false, false), [1, 3, 6, 10]);
  assert.deepEqual(running("sum", true, false), [10, 9, 7, 4]);
  assert.deepEqual(running("sum", false, true), [0, 1, 3, 6]);
  assert.deepEqual(running("prod", true, true), [24, 12, 4, 1]);
  assert.deepEqual(running("max", false, true), [-Infinity, 1, 2, 3]);
  assert.deepEqual(running("min", true, false), [1, 2, 3, 4]);
});

Deno.test("running sums along a middle axis agree with a loop", () => {
  const x = normals("running", [2, 3, 2]);
  const made = one(x, (g, v) => g.cumulative("sum", v, { axis: 1 })) as number[][][];
  const data = x.data as Float64Array;
  for (let i = 0; i < 2; i++) {
    for (let k = 0; k < 2; k++) {
      let sum = 0;
      for (let j = 0; j < 3; j++) {
        sum += data[(i * 3 + j) * 2 + k];
        assert.equal(made[i][j][k], sum);
      }
    }
  }
});

Deno.test("windows sum, and pick extrema, of what they cover, as loops do", () => {
  const x = normals("windows", [6, 7]);
  const data = x.data as Float64Array;
  const sliding = { window: [3, 2], strides: [2, 3], low: [1, 0], high: [2, 1], dilation: [1, 2] };
  const rules = {
    sum: (covered: ReadonlyArray<number>) => covered.reduce((a, b) => a + b, 0),
    max: (covered: ReadonlyArray<number>) => Math.max(...covered),
    min: (covered: ReadonlyArray<number>) => Math.min(...covered),
  };
  for (const op of ["sum", "max", "min"] as const) {
    const made = one(x, (g, v) => g.reduceWindow(op, v, sliding)) as number[][];
    // floor((6 + 3 − 3) / 2) + 1 and floor((7 + 1 − 3) / 3) + 1
    assert.equal(made.length, 4);
    assert.equal(made[0].length, 2);
    made.forEach((row, i) =>
      row.forEach((found, j) => {
        const covered: number[] = [];
        for (let a = 0; a < 3; a++) {
          for (let b = 0; b < 2; b++) {
            const [r, c] = [i * 2 - 1 + a, j * 3 + b * 2];
            if (r >= 0 && r < 6 && c < 7) covered.push(data[r * 7 + c]);
          }
        }
        assertClose([found], [rules[op](covered)], 1e-15, `${op} ${i} ${j}`);
      })
    );
  }
});

Deno.test("a window over padding alone gives the identity, and NaN in a window gives NaN", () => {
  const sliding = { window: [1], strides: [1], low: [1], high: [1], dilation: [1] };
  assert.deepEqual(one(f64([1], [5]), (g, x) => g.reduceWindow("max", x, sliding)), [-Infinity, 5, -Infinity]);
  assert.deepEqual(one(f64([1], [NaN]), (g, x) => g.reduceWindow("sum", x, sliding)), [0, NaN, 0]);
});

Deno.test("a window larger than the padded operand is refused, one of its size is not", () => {
  const build = (size: number) => () =>
    buildProgram(
      { x: "f32[4]" },
      (g, { x }) => g.reduceWindow("sum", x, { window: [size], strides: [1], low: [0], high: [1], dilation: [1] }),
    );
  assert.equal(codeOf(build(5)), "no failure");
  assert.equal(codeOf(build(6)), "IR_SHAPE");
});

Deno.test("softmax, log-softmax and normalisation agree with their definitions on large inputs", () => {
  const x = f64([2, 3], [1000, 1001, 999, -5, 0, 5]);
  const made = one(x, (g, v) => g.softmax(v, -1)) as number[][];
  [[1000, 1001, 999], [-5, 0, 5]].forEach((row, i) => {
    const raised = row.map((value) => Math.exp(value - Math.max(...row)));
    const sum = raised.reduce((a, b) => a + b, 0);
    assertClose(made[i], raised.map((value) => value / sum), 1e-15);
  });
  const logs = one(f64([1, 3], [200, 0, -200]), (g, v) => g.logSoftmax(v, 1)) as number[][];
  assertClose(logs[0], [0, -200, -400], 1e-14);
  const normal = one(x, (g, v) => g.normalize(v, { axes: [1], epsilon: 0, centered: true })) as number[][];
  normal.forEach((row) => {
    assertClose([row.reduce((a, b) => a + b, 0) / 3], [0], 1e-12);
    assertClose([row.reduce((a, b) => a + b * b, 0) / 3], [1], 1e-12);
  });
});

Deno.test("sorting 2,000 seeded numbers agrees with the platform's sort", () => {
  const draws = random("sort");
  const values = Array.from({ length: 2000 }, () => draws.below(500));
  const made = compute([vector("i32", values)], (g, [x]) => g.sort(x, 0)[0]);
  assert.deepEqual(made, [...values].sort((a, b) => a - b));
});
