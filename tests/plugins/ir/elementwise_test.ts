/**
 * Elementwise primitives: every dtype, the special cases that their documentation lines promise, and laws.
 */
import assert from "node:assert/strict";
import { random } from "../../../kernel/random.ts";
import {
  buildProgram,
  type Dtype,
  DTYPE_NAMES,
  dtypeInfo,
  elements,
  erf,
  isFloat,
  tensor,
  toFloats,
} from "../../../plugins/ir/library.ts";
import { assertClose, codeOf, compute, f64, run, vector } from "./support.ts";

const binary = (
  dtype: Dtype,
  op: "add" | "sub" | "mul" | "div" | "rem" | "pow" | "max" | "min" | "and" | "or" | "xor" | "shiftLeft" | "shiftRight",
  x: ReadonlyArray<number | bigint>,
  y: ReadonlyArray<number | bigint>,
): unknown => compute([vector(dtype, x), vector(dtype, y)], (g, [a, b]) => g[op](a, b));

/** Two's complement wrapping by its definition: the congruent number in range. */
const wrapped = (value: bigint, dtype: Dtype): bigint => {
  const { bits, signed } = dtypeInfo(dtype);
  const modulus = 2n ** BigInt(bits);
  const low = signed ? -(modulus / 2n) : 0n;
  return ((value - low) % modulus + modulus) % modulus + low;
};

const INTEGERS = DTYPE_NAMES.filter((dtype) => dtypeInfo(dtype).kind === "int");

for (const dtype of INTEGERS) {
  Deno.test(`${dtype} arithmetic wraps as the congruent number in range`, () => {
    const { bits, signed } = dtypeInfo(dtype);
    const low = signed ? -(2n ** BigInt(bits - 1)) : 0n;
    const high = low + 2n ** BigInt(bits) - 1n;
    const samples = [low, low + 1n, high, high - 1n, 0n, 1n, 3n, high / 2n];
    const pairs = samples.flatMap((x) => samples.map((y) => [x, y] as const));
    const [xs, ys] = [pairs.map(([x]) => x), pairs.map(([, y]) => y)];
    const rules = {
      add: (x: bigint, y: bigint) => x + y,
      sub: (x: bigint, y: bigint) => x - y,
      mul: (x: bigint, y: bigint) => x * y,
    };
    for (const [op, rule] of Object.entries(rules)) {
      const made = run(
        buildProgram(
          { x: { dtype, shape: [xs.length] }, y: { dtype, shape: [xs.length] } },
          (g, { x, y }) => g[op as "add"](x, y),
        ),
        [vector(dtype, xs), vector(dtype, ys)],
      );
      assert.deepEqual(
        elements(made).map((e) => BigInt(e as number)),
        pairs.map(([x, y]) => wrapped(rule(x, y), dtype)),
        op,
      );
    }
  });
}

Deno.test("integer division truncates, by zero gives 0, and the smallest by -1 wraps", () => {
  assert.deepEqual(binary("i32", "div", [7, -7, 7, 5, -2147483648], [2, 2, -2, 0, -1]), [3, -3, -3, 0, -2147483648]);
  assert.deepEqual(binary("i64", "div", [-(2n ** 63n), 9n], [-1n, 0n]), [-(2n ** 63n), 0n]);
  assert.deepEqual(binary("u8", "div", [255, 7], [2, 0]), [127, 0]);
});

Deno.test("integer remainder has the sign of the dividend, and by zero is the dividend", () => {
  assert.deepEqual(binary("i32", "rem", [7, -7, 7, 5, -2147483648], [3, 3, -3, 0, -1]), [1, -1, 1, 5, 0]);
});

Deno.test("x equals (x div y) y + (x rem y) for all i4 pairs", () => {
  const all = Array.from({ length: 16 }, (_, i) => i - 8);
  const xs = all.flatMap((x) => all.map(() => x));
  const ys = all.flatMap(() => all);
  const made = compute([vector("i4", xs), vector("i4", ys)], (g, [x, y]) => g.add(g.mul(g.div(x, y), y), g.rem(x, y)));
  assert.deepEqual(made, xs);
});

Deno.test("integer powers wrap, and negative exponents truncate", () => {
  assert.deepEqual(binary("i32", "pow", [2, 3, 2, -1, 0, 7], [31, 21, -1, -3, -1, 0]), [
    -2147483648,
    Number(BigInt.asIntN(32, 3n ** 21n)),
    0,
    -1,
    0,
    1,
  ]);
});

Deno.test("shifts past the width and negative shifts give 0, or -1 for a negative shifted right", () => {
  assert.deepEqual(binary("i8", "shiftLeft", [1, 1, 1, 3, 64], [7, 8, -1, 2, 1]), [-128, 0, 0, 12, -128]);
  assert.deepEqual(binary("i8", "shiftRight", [-128, -1, 127, -5, 5], [7, 8, 8, 1, -1]), [-1, -1, 0, -3, 0]);
  assert.deepEqual(binary("u8", "shiftRight", [255, 255], [7, 8]), [1, 0]);
});

Deno.test("bits combine bit by bit, and not complements within the width", () => {
  assert.deepEqual(binary("u8", "and", [0b1100], [0b1010]), [0b1000]);
  assert.deepEqual(binary("u8", "or", [0b1100], [0b1010]), [0b1110]);
  assert.deepEqual(binary("u8", "xor", [0b1100], [0b1010]), [0b0110]);
  assert.deepEqual(compute([vector("u8", [0, 255, 1])], (g, [x]) => g.not(x)), [255, 0, 254]);
  assert.deepEqual(compute([vector("i4", [0, -8])], (g, [x]) => g.not(x)), [-1, 7]);
  assert.deepEqual(compute([vector("bool", [true, false])], (g, [x]) => g.not(x)), [false, true]);
});

Deno.test("max and min give NaN when either is, and order the zeros", () => {
  assert.deepEqual(binary("f64", "max", [NaN, 1, -0, 0], [1, NaN, 0, -0]), [NaN, NaN, 0, 0]);
  assert.deepEqual(binary("f64", "min", [NaN, 1, -0, 0], [1, NaN, 0, -0]), [NaN, NaN, -0, -0]);
});

Deno.test("pow follows IEEE 754 where JavaScript does not", () => {
  const [x, y] = [[1, 1, -1, -1, NaN, 0, 2, -8], [NaN, Infinity, Infinity, -Infinity, 0, -1, 0.5, 1 / 3]];
  assert.deepEqual(binary("f64", "pow", x, y), [1, 1, 1, 1, 1, Infinity, Math.SQRT2, NaN]);
});

Deno.test("division and remainder of floats follow IEEE 754", () => {
  assert.deepEqual(binary("f32", "div", [1, -1, 0], [0, 0, 0]), [Infinity, -Infinity, NaN]);
  assert.deepEqual(binary("f64", "rem", [5.5, -5.5, 1, Infinity], [2, 2, 0, 1]), [1.5, -1.5, NaN, NaN]);
});

Deno.test("comparisons with NaN are false but ne, and -0 equals 0", () => {
  const x = vector("f64", [NaN, 1, -0]);
  const y = vector("f64", [NaN, NaN, 0]);
  const said = (["eq", "ne", "lt", "le", "gt", "ge"] as const).map((direction) =>
    compute([x, y], (g, [a, b]) => g.compare(direction, a, b))
  );
  assert.deepEqual(said, [
    [false, false, true],
    [true, true, false],
    [false, false, false],
    [false, false, true],
    [false, false, false],
    [false, false, true],
  ]);
});

Deno.test("comparison of i64 is exact where doubles are not, and false is below true", () => {
  assert.deepEqual(
    compute([vector("i64", [2n ** 53n]), vector("i64", [2n ** 53n + 1n])], (g, [x, y]) => g.compare("lt", x, y)),
    [true],
  );
  assert.deepEqual(
    compute([vector("bool", [false]), vector("bool", [true])], (g, [x, y]) => g.compare("lt", x, y)),
    [true],
  );
});

Deno.test("u64 is unsigned in division, order, extrema, sums and conversion to floats", () => {
  const top = 2n ** 64n - 1n;
  const [x, y] = [vector("u64", [top, top, 5n]), vector("u64", [2n, 1n, 7n])];
  assert.deepEqual(compute([x, y], (g, [a, b]) => g.div(a, b)), [top / 2n, top, 0n]);
  assert.deepEqual(compute([x, y], (g, [a, b]) => g.compare("gt", a, b)), [true, true, false]);
  assert.deepEqual(compute([x, y], (g, [a, b]) => g.sub(b, a)), [3n, 2n, 2n]);
  assert.deepEqual(compute([x], (g, [a]) => g.reduce("max", a)), top);
  assert.deepEqual(compute([y], (g, [a]) => g.reduce("min", a)), 1n);
  assert.deepEqual(compute([x], (g, [a]) => g.cumulative("max", a, { axis: 0 })), [top, top, top]);
  assert.deepEqual(compute([x], (g, [a]) => g.sort(a, 0)[0]), [5n, top, top]);
  assert.deepEqual(compute([x], (g, [a]) => g.cast(a, "f32")), [2 ** 64, 2 ** 64, 5]);
  assert.deepEqual(compute([vector("f64", [1e30, -1])], (g, [a]) => g.cast(a, "u64")), [top, 0n]);
  assert.deepEqual(compute([x], (g, [a]) => g.shiftRight(a, 63)), [1n, 1n, 0n]);
  const axes = { x_batch: [], y_batch: [], x_contract: [0], y_contract: [0] };
  assert.deepEqual(compute([x, y], (g, [a, b]) => g.dot(a, b, axes)), BigInt.asUintN(64, top * 3n + 35n));
  const window = { window: [2], strides: [1], low: [0], high: [0], dilation: [1] };
  assert.deepEqual(compute([x], (g, [a]) => g.reduceWindow("min", a, window)), [top, 5n]);
});

Deno.test("select is not influenced by what it does not choose", () => {
  const [p, x, y] = [vector("bool", [true, false]), vector("f64", [1, NaN]), vector("f64", [NaN, 2])];
  assert.deepEqual(compute([p, x, y], (g, [a, b, c]) => g.select(a, b, c)), [1, 2]);
});

Deno.test("float to integer truncates, clamps to the range, and takes NaN to zero", () => {
  const x = vector("f64", [1.9, -1.9, 300, -300, NaN, Infinity, -Infinity]);
  assert.deepEqual(compute([x], (g, [v]) => g.cast(v, "i8")), [1, -1, 127, -128, 0, 127, -128]);
  assert.deepEqual(compute([x], (g, [v]) => g.cast(v, "u8")), [1, 0, 255, 0, 0, 255, 0]);
  assert.deepEqual(compute([x], (g, [v]) => g.cast(v, "i4")), [1, -1, 7, -8, 0, 7, -8]);
  assert.deepEqual(compute([vector("f64", [2 ** 63, -(2 ** 63)])], (g, [v]) => g.cast(v, "i64")), [
    2n ** 63n - 1n,
    -(2n ** 63n),
  ]);
});

Deno.test("integer to integer wraps, to bool asks whether not zero, from bool is 0 or 1", () => {
  assert.deepEqual(compute([vector("i32", [130, -1, 256])], (g, [x]) => g.cast(x, "i8")), [-126, -1, 0]);
  assert.deepEqual(compute([vector("i64", [-1n])], (g, [x]) => g.cast(x, "u8")), [255]);
  assert.deepEqual(compute([vector("f64", [0, -0, NaN, 0.1])], (g, [x]) => g.cast(x, "bool")), [
    false,
    false,
    true,
    true,
  ]);
  assert.deepEqual(compute([vector("bool", [true, false])], (g, [x]) => g.cast(x, "bf16")), [1, 0]);
});

Deno.test("erf agrees with published values to the last digits", () => {
  // Abramowitz and Stegun, table 7.1, and values to 20 digits from the series with exact rationals.
  const known: ReadonlyArray<readonly [number, number]> = [
    [0, 0],
    [0.1, 0.1124629160182848922],
    [0.5, 0.5204998778130465377],
    [1, 0.8427007929497148693],
    [1.5, 0.9661051464753107271],
    [2, 0.9953222650189527342],
    [3, 0.9999779095030014146],
    [4, 0.9999999845827420998],
    [6, 1],
  ];
  for (const [x, expected] of known) {
    assert.ok(Math.abs(erf(x) - expected) <= 2.3e-16, `erf(${x}) = ${erf(x)}`);
    assert.equal(erf(-x), expected === 0 ? -0 : -erf(x));
  }
  assert.ok(Number.isNaN(erf(NaN)));
  assert.equal(erf(Infinity), 1);
});

Deno.test("erf on both sides of where its method changes agrees with the integral of its derivative", () => {
  // Simpson's rule with 4,000 intervals has an error below 1e-15 here, and its sum one of a few 1e-15.
  const integral = (from: number, to: number): number => {
    const n = 4000;
    const step = (to - from) / n;
    let sum = 0;
    for (let i = 0; i <= n; i++) {
      const x = from + i * step;
      sum += (i === 0 || i === n ? 1 : i % 2 === 1 ? 4 : 2) * Math.exp(-x * x);
    }
    return sum * step / 3 * 2 / Math.sqrt(Math.PI);
  };
  assert.ok(Math.abs(erf(2.2) - erf(1.8) - integral(1.8, 2.2)) < 4e-15);
  assert.ok(Math.abs(erf(1.2) - integral(0, 1.2)) < 4e-15);
});

Deno.test("logistic does not overflow and is symmetric", () => {
  const made = compute([f64([4], [-1000, 1000, 0, 3])], (g, [x]) => g.logistic(x)) as ReadonlyArray<number>;
  assertClose(made, [0, 1, 0.5, 1 / (1 + Math.exp(-3))], 1e-16);
});

Deno.test("round goes to even, floor and ceil to their sides, sign keeps zeros and NaN", () => {
  const x = f64([5], [2.5, -2.5, 3.5, -0.4, NaN]);
  assert.deepEqual(compute([x], (g, [v]) => g.round(v)), [2, -2, 4, -0, NaN]);
  assert.deepEqual(compute([x], (g, [v]) => g.floor(v)), [2, -3, 3, -1, NaN]);
  assert.deepEqual(compute([x], (g, [v]) => g.ceil(v)), [3, -2, 4, -0, NaN]);
  assert.deepEqual(compute([f64([4], [-3, -0, 0, NaN])], (g, [v]) => g.sign(v)), [-1, -0, 0, NaN]);
});

for (const dtype of DTYPE_NAMES.filter(isFloat)) {
  Deno.test(`${dtype} results are the binary64 result rounded once`, () => {
    const draws = random(`round ${dtype}`);
    const values = Array.from({ length: 200 }, () => draws.normal() * 10);
    const x = tensor(dtype, [values.length], values);
    const exact = toFloats(x);
    const rounded = (of: ReadonlyArray<number>) => toFloats(tensor(dtype, [of.length], of));
    for (const [op, rule] of [["exp", Math.exp], ["tanh", Math.tanh], ["sin", Math.sin]] as const) {
      const made = run(buildProgram({ x: { dtype, shape: [200] } }, (g, { x }) => g[op](x)), [x]);
      assert.deepEqual(toFloats(made), rounded(Array.from(exact, rule)), op);
    }
    const product = run(buildProgram({ x: { dtype, shape: [200] } }, (g, { x }) => g.mul(x, x)), [x]);
    assert.deepEqual(toFloats(product), rounded(Array.from(exact, (value) => value * value)));
  });
}

Deno.test("operands broadcast by NumPy's rule, numbers too", () => {
  const [x, y] = [f64([2, 1], [10, 20]), f64([3], [1, 2, 3])];
  assert.deepEqual(compute([x, y], (g, [a, b]) => g.add(a, b)), [[11, 12, 13], [21, 22, 23]]);
  assert.deepEqual(compute([x, y], (g, [a, b]) => g.sub(b, g.mul(a, 2))), [[-19, -18, -17], [-39, -38, -37]]);
});

Deno.test("shapes that do not broadcast and dtypes that differ are refused", () => {
  const add = (x: string, y: string) => () => buildProgram({ x, y }, (g, { x, y }) => g.add(x, y));
  assert.equal(codeOf(add("f32[2,3]", "f32[2]")), "IR_SHAPE");
  assert.equal(codeOf(add("f32[32,10]", "f32[20,5]")), "IR_SHAPE");
  assert.equal(codeOf(add("f32[32,784]", "f32[784]")), "no failure");
  assert.equal(codeOf(add("f32[B]", "f32[C]")), "IR_SHAPE");
  assert.equal(codeOf(add("f32[B]", "f32[B]")), "no failure");
  assert.equal(codeOf(add("f32[2]", "f64[2]")), "IR_DTYPE");
  assert.equal(codeOf(add("bool[2]", "bool[2]")), "IR_DTYPE");
});

Deno.test("tensors without elements go through every elementwise primitive", () => {
  const empty = f64([0, 3], []);
  assert.deepEqual(compute([empty], (g, [x]) => g.exp(g.add(x, x))), []);
  assert.deepEqual(compute([tensor("i32", [2, 0], [])], (g, [x]) => g.shiftLeft(x, x)), [[], []]);
});
