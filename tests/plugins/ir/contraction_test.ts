/**
 * Dot products and convolutions against loops over the definition, and the laws that connect them.
 */
import assert from "node:assert/strict";
import {
  buildProgram,
  type ConvWindow,
  elements,
  evaluate,
  functionOf,
  printType,
  returnTypes,
  type Tensor,
  tensor,
  toFloats,
  toNested,
} from "../../../plugins/ir/library.ts";
import { assertClose, codeOf, compute, f64, normals, run, vector } from "./support.ts";

Deno.test("matrix product of 1 2 3 4 and 5 6 7 8 is 19 22 43 50", () => {
  assert.deepEqual(
    compute([f64([2, 2], [1, 2, 3, 4]), f64([2, 2], [5, 6, 7, 8])], (g, [x, y]) => g.matmul(x, y)),
    [[19, 22], [43, 50]],
  );
});

Deno.test("matmul follows NumPy's rule for vectors, matrices and stacks", () => {
  const type = (x: string, y: string) =>
    printType(returnTypes(functionOf(buildProgram({ x, y }, (g, { x, y }) => g.matmul(x, y))))[0]);
  assert.equal(type("f32[3]", "f32[3]"), "f32[]");
  assert.equal(type("f32[2,3]", "f32[3]"), "f32[2]");
  assert.equal(type("f32[3]", "f32[3,4]"), "f32[4]");
  assert.equal(type("f32[3]", "f32[5,3,4]"), "f32[5,4]");
  assert.equal(type("f32[7,2,3]", "f32[3,4]"), "f32[7,2,4]");
  assert.equal(type("f32[7,1,2,3]", "f32[5,3,4]"), "f32[7,5,2,4]");
  assert.equal(type("f32[B,S,3]", "f32[B,3,T]"), "f32[B,S,T]");
  const refused = (x: string, y: string) => codeOf(() => type(x, y));
  assert.equal(refused("f32[32,784]", "f32[100,10]"), "IR_SHAPE");
  assert.equal(refused("f32[4,2,3]", "f32[5,3,4]"), "IR_SHAPE");
  assert.equal(refused("f32[]", "f32[3]"), "IR_SHAPE");
  assert.equal(refused("f32[2,3]", "f64[3,2]"), "IR_DTYPE");
});

Deno.test("matmul with the second operand transposed is a dot over the last axes", () => {
  const [a, b] = [normals("a", [4, 8]), normals("b", [16, 8])];
  const made = run(
    buildProgram(
      { a: "f64[4,8]", b: "f64[16,8]" },
      (g, { a, b }) => g.dot(a, b, { x_batch: [], y_batch: [], x_contract: [1], y_contract: [1] }),
    ),
    [a, b],
  );
  assert.deepEqual(made.shape, [4, 16]);
  const [x, y] = [toFloats(a), toFloats(b)];
  const expected = Array.from({ length: 64 }, (_, at) => {
    let sum = 0;
    for (let k = 0; k < 8; k++) sum += x[Math.floor(at / 16) * 8 + k] * y[(at % 16) * 8 + k];
    return sum;
  });
  assertClose(toFloats(made), expected, 1e-14);
});

Deno.test("a dot with batch and contracted axes out of order agrees with a loop over the definition", () => {
  const [x, y] = [normals("x", [3, 2, 4, 5]), normals("y", [5, 4, 3, 2, 2])];
  const made = run(
    buildProgram(
      { x: "f64[3,2,4,5]", y: "f64[5,4,3,2,2]" },
      (g, { x, y }) => g.dot(x, y, { x_batch: [1, 0], y_batch: [4, 2], x_contract: [3, 2], y_contract: [0, 1] }),
    ),
    [x, y],
  );
  assert.deepEqual(made.shape, [2, 3, 2]);
  const [a, b] = [toFloats(x), toFloats(y)];
  let at = 0;
  for (let p = 0; p < 2; p++) {
    for (let q = 0; q < 3; q++) {
      for (let f = 0; f < 2; f++) {
        let sum = 0;
        for (let i = 0; i < 5; i++) {
          for (let j = 0; j < 4; j++) {
            sum += a[((q * 2 + p) * 4 + j) * 5 + i] * b[(((i * 4 + j) * 3 + q) * 2 + f) * 2 + p];
          }
        }
        assertClose([toFloats(made)[at++]], [sum], 1e-13);
      }
    }
  }
});

Deno.test("a dot over nothing is zero, and one with an empty side is empty", () => {
  assert.deepEqual(compute([f64([2, 0], []), f64([0, 3], [])], (g, [x, y]) => g.matmul(x, y)), [[0, 0, 0], [0, 0, 0]]);
  assert.deepEqual(compute([f64([0, 2], []), f64([2, 3], [1, 2, 3, 4, 5, 6])], (g, [x, y]) => g.matmul(x, y)), []);
});

Deno.test("narrow operands accumulate in a wider dtype when asked, and wrap or round once otherwise", () => {
  const [x, y] = [vector("i8", [100, 100, 100]), vector("i8", [100, 100, 100])];
  const axes = { x_batch: [], y_batch: [], x_contract: [0], y_contract: [0] };
  assert.equal(compute([x, y], (g, [a, b]) => g.dot(a, b, axes, "i32")), 30000);
  assert.equal(compute([x, y], (g, [a, b]) => g.dot(a, b, axes)), Number(BigInt.asIntN(8, 30000n)));
  // 2048 + 1 + 1 in f16 steps would stay 2048.
  const [p, q] = [vector("f16", [2048, 1, 1]), vector("f16", [1, 1, 1])];
  assert.equal(compute([p, q], (g, [a, b]) => g.dot(a, b, axes)), 2050);
  const build = (accumulate: "i4" | "f32" | "u8" | "i16") => () =>
    buildProgram({ x: "i8[2]", y: "i8[2]" }, (g, { x, y }) => g.dot(x, y, axes, accumulate));
  assert.equal(codeOf(build("i4")), "IR_DTYPE");
  assert.equal(codeOf(build("u8")), "IR_DTYPE");
  assert.equal(codeOf(build("f32")), "IR_DTYPE");
  assert.equal(codeOf(build("i16")), "no failure");
});

Deno.test("i64 products are exact past 2^53", () => {
  const axes = { x_batch: [], y_batch: [], x_contract: [0], y_contract: [0] };
  const [x, y] = [vector("i64", [2n ** 31n + 1n, 7n]), vector("i64", [2n ** 31n + 3n, -5n])];
  assert.equal(compute([x, y], (g, [a, b]) => g.dot(a, b, axes)), (2n ** 31n + 1n) * (2n ** 31n + 3n) - 35n);
});

/** Convolution by its definition: for each result, over every kernel element, where it falls on the input. */
const naiveConv = (x: Tensor, w: Tensor, how: ConvWindow): number[] => {
  const [n, c, h, v] = x.shape;
  const [o, perGroup, kh, kw] = w.shape;
  const { strides, dilation, input_dilation, groups } = how;
  const [low, high] = [how.low as number[], how.high as number[]];
  const size = (i: number, length: number, kernel: number) =>
    Math.floor(
      ((length - 1) * input_dilation[i] + 1 + low[i] + high[i] - ((kernel - 1) * dilation[i] + 1)) / strides[i],
    ) + 1;
  const [oh, ow] = [size(0, h, kh), size(1, v, kw)];
  const [data, kernel] = [toFloats(x), toFloats(w)];
  const out: number[] = [];
  for (let b = 0; b < n; b++) {
    for (let f = 0; f < o; f++) {
      for (let i = 0; i < oh; i++) {
        for (let j = 0; j < ow; j++) {
          let sum = 0;
          for (let d = 0; d < perGroup; d++) {
            const channel = Math.floor(f / (o / groups)) * perGroup + d;
            for (let p = 0; p < kh; p++) {
              for (let q = 0; q < kw; q++) {
                const r = i * strides[0] + p * dilation[0] - low[0];
                const s = j * strides[1] + q * dilation[1] - low[1];
                if (r < 0 || s < 0 || r % input_dilation[0] !== 0 || s % input_dilation[1] !== 0) continue;
                const [row, column] = [r / input_dilation[0], s / input_dilation[1]];
                if (row >= h || column >= v) continue;
                sum += data[((b * c + channel) * h + row) * v + column] *
                  kernel[((f * perGroup + d) * kh + p) * kw + q];
              }
            }
          }
          out.push(sum);
        }
      }
    }
  }
  return out;
};

const PLAIN: ConvWindow = {
  strides: [1, 1],
  low: [0, 0],
  high: [0, 0],
  dilation: [1, 1],
  input_dilation: [1, 1],
  groups: 1,
};

const CONVOLUTIONS: ReadonlyArray<readonly [string, ReadonlyArray<number>, Partial<ConvWindow>]> = [
  ["plain", [3, 4, 3, 2], {}],
  ["with strides and uneven padding", [3, 4, 3, 2], { strides: [2, 3], low: [1, 2], high: [2, 0] }],
  ["with a dilated kernel", [3, 4, 2, 3], { dilation: [3, 2] }],
  ["transposed", [3, 4, 3, 2], { input_dilation: [2, 3], low: [2, 1], high: [2, 1] }],
  ["in two groups", [6, 2, 3, 2], { groups: 2 }],
  ["depthwise", [8, 1, 2, 2], { groups: 4, strides: [2, 2] }],
  ["cropping", [3, 4, 2, 2], { low: [-1, 0], high: [0, -2] }],
  ["everything at once", [4, 2, 2, 3], {
    strides: [2, 1],
    low: [2, 1],
    high: [1, 3],
    dilation: [2, 1],
    input_dilation: [1, 2],
    groups: 2,
  }],
];

for (const [title, kernel, how] of CONVOLUTIONS) {
  Deno.test(`convolution ${title} agrees with a loop over the definition`, () => {
    const [x, w] = [normals("image", [2, 4, 5, 6]), normals("kernel", kernel)];
    const program = buildProgram(
      { x: "f64[2,4,5,6]", w: { dtype: "f64", shape: kernel } },
      (g, { x, w }) => g.conv(x, w, how),
    );
    assertClose(toFloats(run(program, [x, w])), naiveConv(x, w, { ...PLAIN, ...how }), 1e-12);
  });
}

Deno.test("a one by one convolution is a matrix product over channels", () => {
  const [x, w] = [normals("x", [1, 3, 2, 2]), normals("w", [4, 3, 1, 1])];
  const program = buildProgram({ x: "f64[1,3,2,2]", w: "f64[4,3,1,1]" }, (g, { x, w }) => [
    g.conv(x, w),
    g.reshape(g.matmul(g.reshape(w, [4, 3]), g.reshape(x, [3, 4])), [1, 4, 2, 2]),
  ]);
  const [left, right] = evaluate(program, [x, w]).results;
  assertClose(toFloats(left), toFloats(right), 1e-14);
});

Deno.test("integer convolutions are exact and may accumulate wider", () => {
  const x = tensor("i8", [1, 1, 3], [100, 100, 100]);
  const w = tensor("i8", [1, 1, 3], [100, 100, 100]);
  assert.deepEqual(compute([x, w], (g, [a, b]) => g.conv(a, b, {}, "i32")), [[[30000]]]);
});

Deno.test("an empty batch convolves to an empty batch", () => {
  const made = run(
    buildProgram({ x: "f32[B,2,4]", w: "f32[3,2,2]" }, (g, { x, w }) => g.conv(x, w)),
    [tensor("f32", [0, 2, 4], []), normals("w", [3, 2, 2], "f32")],
  );
  assert.deepEqual(made.shape, [0, 3, 3]);
  assert.deepEqual(elements(made), []);
});

Deno.test("convolutions of symbolic sizes have the size of the formula, for every size", () => {
  const program = buildProgram(
    { x: "f64[N,1,L]", w: "f64[1,1,3]" },
    (g, { x, w }) => g.conv(x, w, { strides: [2], low: [1], high: [1], dilation: [2] }),
  );
  assert.equal(printType(returnTypes(functionOf(program))[0]), "f64[N,1,div(L+1,2)-1]");
  for (const length of [3, 4, 5, 8]) {
    const made = run(program, [normals("x", [2, 1, length]), f64([1, 1, 3], [1, 0, 0])]);
    assert.equal(made.shape[2], Math.floor((length + 2 - 5) / 2) + 1);
  }
});

Deno.test("channels, groups, ranks and kernels that do not fit are refused", () => {
  const conv = (x: string, w: string, how: Partial<ConvWindow> = {}) =>
    codeOf(() => buildProgram({ x, w }, (g, { x, w }) => g.conv(x, w, how)));
  assert.equal(conv("f32[1,3,5]", "f32[2,4,3]"), "IR_SHAPE");
  assert.equal(conv("f32[1,4,5]", "f32[3,2,3]", { groups: 2 }), "IR_SHAPE");
  assert.equal(conv("f32[1,4,5]", "f32[4,2,3]", { groups: 2 }), "no failure");
  assert.equal(conv("f32[1,4,5]", "f32[4,4,3,3]"), "IR_SHAPE");
  assert.equal(conv("f32[1,4,5]", "f32[4,4,5]"), "no failure");
  assert.equal(conv("f32[1,4,5]", "f32[4,4,6]"), "IR_SHAPE");
  assert.equal(conv("f32[1,4,5]", "f32[4,4,6]", { low: [1] }), "no failure");
  assert.equal(conv("f32[1,4,5]", "f32[4,4,3]", { strides: [0] }), "IR_ATTRIBUTE");
  assert.equal(conv("f32[1,4,5]", "f32[4,4,3]", { strides: [1, 1] }), "IR_ATTRIBUTE");
});

Deno.test("attention over a sequence of three agrees with its definition", () => {
  const [q, k, v] = [normals("q", [2, 3, 4]), normals("k", [2, 3, 4]), normals("v", [2, 3, 4])];
  const made = compute([q, k, v], (g, [a, b, c]) => g.attention(a, b, c)) as number[][][];
  const [Q, K, V] = [q, k, v].map((t) => toNested(t) as number[][][]);
  for (let head = 0; head < 2; head++) {
    for (let i = 0; i < 3; i++) {
      const scores = K[head].map((key) => Math.exp(key.reduce((sum, value, d) => sum + value * Q[head][i][d], 0) / 2));
      const total = scores.reduce((a, b) => a + b, 0);
      const expected = [0, 1, 2, 3].map((d) => scores.reduce((sum, s, j) => sum + s * V[head][j][d], 0) / total);
      assertClose(made[head][i], expected, 1e-13);
    }
  }
});
