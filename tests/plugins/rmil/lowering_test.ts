import assert from "node:assert/strict";
import { evaluate, grad, tensor as irTensor, toFloats } from "../../../plugins/ir/library.ts";
import { par } from "../../../plugins/rmil/expression.ts";
import { runNow, type RunOptions } from "../../../plugins/rmil/interpreter.ts";
import { runTuple, type RunValue } from "../../../plugins/rmil/interpreter/run_value.ts";
import { tensorProgram } from "../../../plugins/rmil/lowering/tensor_op.ts";
import { type OpName, OPS } from "../../../plugins/rmil/opcodes.ts";
import { bool, f32, i64, type TensorValue, type Value } from "../../../plugins/rmil/value.ts";
import {
  close,
  failureOf,
  int,
  name,
  num,
  numbers,
  op,
  pipe,
  plain,
  runOn,
  shapeOf,
  symbol,
  symbols,
  tensor,
  wave,
  withAttributes,
} from "./programs.ts";

const at = (shape: ReadonlyArray<number>, phase = 0): TensorValue =>
  tensor("f32", shape, wave(shape.reduce((a, b) => a * b, 1), phase));

const given = (parameters: { readonly [path: string]: TensorValue }, more: RunOptions = {}): RunOptions => ({
  ...more,
  parameters: new Map(Object.entries(parameters)),
});

const { vectors, inputs } = JSON.parse(
  Deno.readTextFileSync(new URL("../../vectors/rmil/tensor_rt.json", import.meta.url)),
);

const bits = (list: ReadonlyArray<string>): ReadonlyArray<number> => {
  const view = new DataView(new ArrayBuffer(4));
  return list.map((hex) => (view.setUint32(0, Number(hex)), view.getFloat32(0)));
};

Deno.test("the original's tensor vectors hold where an op of the language is meant", () => {
  const table: { readonly [word: string]: OpName } = {
    add: "add",
    sub: "sub",
    mul: "mul",
    div: "div",
    neg: "neg",
    abs: "abs",
    exp: "exp",
    log: "log",
    sqrt: "sqrt",
    sin: "sin",
    cos: "cos",
    relu: "relu",
    sigmoid: "sigmoid",
    tanh: "tanh",
    silu: "silu",
    gelu: "gelu",
    matmul: "matmul",
    softmax: "softmax",
  };
  let judged = 0;
  for (const { name: vector, result } of vectors) {
    const [word, ...operands] = vector.split(" ");
    const values = operands.filter((text: string) => inputs[text] !== undefined)
      .map((text: string) => tensor("f32", inputs[text].shape, bits(inputs[text].f32_bits)));
    if (table[word] === undefined || values.length !== operands.length) continue;
    judged++;
    const attributes: { readonly [name: string]: Value } = word === "gelu" ? { approximate: bool(true) } : {};
    const program = withAttributes(table[word], attributes);
    if (result.error !== undefined) {
      assert.match(failureOf(() => runOn(program, runTuple(values))).code, /^RMIL_(SHAPE|LAST_AXIS)$/u, vector);
      continue;
    }
    const made = runOn(program, values.length === 1 ? values[0] : runTuple(values));
    assert.deepEqual(shapeOf(made), result.shape, vector);
    close(numbers(made), bits(result.f32_bits), 1e-6);
  }
  assert.ok(judged >= 15, `${judged} vectors`);
});

Deno.test("linear is x·W + b, by a naive loop", () => {
  const [x, w, b] = [at([3, 4]), at([4, 5], 1), at([5], 2)];
  const [xs, ws, bs] = [x, w, b].map(numbers);
  const wanted = Array.from({ length: 15 }, (_, i) => {
    let sum = bs[i % 5];
    for (let k = 0; k < 4; k++) sum += xs[Math.floor(i / 5) * 4 + k] * ws[k * 5 + i % 5];
    return sum;
  });
  close(numbers(runOn(op("linear", int(5)), x, given({ "/weight": w, "/bias": b }))), wanted);
});

Deno.test("convolution with stride, padding, dilation and groups is the naive loop", () => {
  const [n, c, h, w, o, groups, kernel, stride, padding, dilation] = [2, 4, 7, 6, 6, 2, 3, 2, 2, 2];
  const [x, weight, bias] = [at([n, c, h, w]), at([o, c / groups, kernel, kernel], 1), at([o], 2)];
  const [xs, ws, bs] = [x, weight, bias].map(numbers);
  const extent = (size: number): number => Math.floor((size + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
  const [oh, ow] = [extent(h), extent(w)];
  const wanted: number[] = [];
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < o; k++) {
      for (let r = 0; r < oh; r++) {
        for (let q = 0; q < ow; q++) {
          let sum = bs[k];
          for (let j = 0; j < c / groups; j++) {
            const channel = Math.floor(k / (o / groups)) * (c / groups) + j;
            for (let a = 0; a < kernel; a++) {
              for (let b = 0; b < kernel; b++) {
                const [row, column] = [r * stride + a * dilation - padding, q * stride + b * dilation - padding];
                if (row < 0 || row >= h || column < 0 || column >= w) continue;
                sum += xs[((i * c + channel) * h + row) * w + column] *
                  ws[((k * (c / groups) + j) * kernel + a) * kernel + b];
              }
            }
          }
          wanted.push(sum);
        }
      }
    }
  }
  const program = withAttributes(
    "conv2d",
    { dilation: i64(dilation), groups: i64(groups) },
    int(o),
    int(kernel),
    int(stride),
    int(padding),
  );
  const made = runOn(program, x, given({ "/weight": weight, "/bias": bias }));
  assert.deepEqual(shapeOf(made), [n, o, oh, ow]);
  close(numbers(made), wanted);
});

/** Attention by plain loops over one sequence. */
const naiveAttention = (
  x: ReadonlyArray<number>,
  weights: ReadonlyArray<ReadonlyArray<number>>,
  s: number,
  n: number,
  heads: number,
  sees: (i: number, j: number) => boolean,
): ReadonlyArray<number> => {
  const times = (a: ReadonlyArray<number>, b: ReadonlyArray<number>): number[] =>
    Array.from({ length: s * n }, (_, at) => {
      let sum = 0;
      for (let k = 0; k < n; k++) sum += a[Math.floor(at / n) * n + k] * b[k * n + at % n];
      return sum;
    });
  const [q, k, v] = weights.slice(0, 3).map((weight) => times(x, weight));
  const width = n / heads;
  const joined = new Array<number>(s * n).fill(0);
  for (let head = 0; head < heads; head++) {
    for (let i = 0; i < s; i++) {
      const scores = Array.from({ length: s }, (_, j) => {
        if (!sees(i, j)) return 0;
        let dot = 0;
        for (let d = 0; d < width; d++) dot += q[i * n + head * width + d] * k[j * n + head * width + d];
        return Math.exp(dot / Math.sqrt(width));
      });
      const total = scores.reduce((a, b) => a + b, 0);
      for (let j = 0; j < s; j++) {
        for (let d = 0; d < width; d++) {
          joined[i * n + head * width + d] += scores[j] / total * v[j * n + head * width + d];
        }
      }
    }
  }
  return times(joined, weights[3]);
};

Deno.test("attention with heads, causal and with a mask is the naive loop", () => {
  const [s, n, heads] = [4, 6, 3];
  const x = at([s, n]);
  const weights = ["query", "key", "value", "output"].map((text, i) => [text, at([n, n], i + 1)] as const);
  const options = given(Object.fromEntries(weights.map(([text, value]) => [`/${text}`, value])));
  const loops = weights.map(([, value]) => numbers(value));
  const plainAttention = numbers(runOn(op("attn", int(heads)), x, options));
  close(plainAttention, naiveAttention(numbers(x), loops, s, n, heads, () => true));
  const causal = withAttributes("attn", { heads: i64(heads), causal: bool(true) });
  close(numbers(runOn(causal, x, options)), naiveAttention(numbers(x), loops, s, n, heads, (i, j) => j <= i));
  const seen = (i: number, j: number): boolean => (i + j) % 3 !== 0 || i === j;
  const mask = tensor("b1", [s, s], Array.from({ length: s * s }, (_, at) => seen(Math.floor(at / s), at % s)));
  const masked = withAttributes("attn", { heads: i64(heads) }, op("identity"), name("context"), name("mask"));
  const made = runOn(masked, x, { ...options, inputs: { mask, context: x } });
  close(numbers(made), naiveAttention(numbers(x), loops, s, n, heads, seen));
});

Deno.test("attention without positions does not mind the order of the steps", () => {
  const [s, n] = [5, 4];
  const x = at([s, n]);
  const order = [3, 0, 4, 1, 2];
  const moved = tensor("f32", [s, n], order.flatMap((i) => numbers(x).slice(i * n, i * n + n)));
  const straight = numbers(runOn(op("attn", int(2)), x));
  close(numbers(runOn(op("attn", int(2)), moved)), order.flatMap((i) => straight.slice(i * n, i * n + n)));
});

Deno.test("softmax sums to one and does not mind a shift; logits beyond the range of exp stay finite", () => {
  const x = at([3, 5]);
  const made = numbers(runOn(op("softmax"), x));
  for (let row = 0; row < 3; row++) close([made.slice(row * 5, row * 5 + 5).reduce((a, b) => a + b)], [1]);
  close(numbers(runOn(pipe(op("add", num(1000)), op("softmax")), x)), made, 1e-3);
});

Deno.test("normalisations have mean 0 and variance 1 over their axes", () => {
  const spread = (values: ReadonlyArray<number>): readonly [number, number] => {
    const mean = values.reduce((a, b) => a + b) / values.length;
    return [mean, values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length];
  };
  const rows = numbers(runOn(op("layer_norm"), at([3, 50])));
  for (let row = 0; row < 3; row++) close(spread(rows.slice(row * 50, row * 50 + 50)), [0, 1], 1e-3);
  const images = numbers(runOn(op("group_norm", int(2)), at([1, 4, 5, 5])));
  for (let group = 0; group < 2; group++) close(spread(images.slice(group * 50, group * 50 + 50)), [0, 1], 1e-3);
  const trained = runNow(op("batch_norm"), symbols, { inputs: { x: at([6, 2, 4]) }, training: true })!;
  const flat = numbers(trained.value);
  close(spread(flat.filter((_, i) => Math.floor(i / 4) % 2 === 0)), [0, 1], 1e-3);
  const source = numbers(at([6, 2, 4])).filter((_, i) => Math.floor(i / 4) % 2 === 0);
  close([numbers(trained.parameters.get("/mean")!)[0]], [0.1 * spread(source)[0]]);
  close([numbers(trained.parameters.get("/variance")!)[0]], [0.9 + 0.1 * spread(source)[1]]);
});

Deno.test("batch_norm in evaluation uses the running statistics", () => {
  const options = given({ "/mean": tensor("f32", [1], [2]), "/variance": tensor("f32", [1], [4 - 1e-5]) });
  close(numbers(runOn(op("batch_norm"), tensor("f32", [2, 1], [2, 6]), options)), [0, 2]);
});

Deno.test("rms_norm divides by the root mean square", () => {
  close(numbers(runOn(op("rms_norm"), tensor("f32", [2], [3, 4]))), [3 / Math.sqrt(12.5), 4 / Math.sqrt(12.5)]);
});

Deno.test("pools: windows, borders that never win, means that count what they cover, sizes that do not divide", () => {
  const x = tensor("f32", [1, 1, 3, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9].map((value) => -value));
  assert.deepEqual(numbers(runOn(op("max_pool", int(2), int(2), int(1)), x)), [-1, -2, -4, -5]);
  close(numbers(runOn(op("avg_pool", int(2), int(2), int(1)), x)), [-1, -2.5, -5.5, -7]);
  const counted = withAttributes("avg_pool", { count_padding: bool(true) }, int(2), int(2), int(1));
  close(numbers(runOn(counted, x)), [-0.25, -1.25, -2.75, -7]);
  close(numbers(runOn(op("adaptive_pool", int(2)), x)), [-3, -4, -6, -7]);
  close(numbers(runOn(op("global_pool"), x)), [-5]);
});

Deno.test("losses by their closed forms", () => {
  const [x, t] = [[0.2, 0.7, 0.6], [0, 1, 1]];
  const both = runTuple([tensor("f32", [3], x), tensor("f32", [3], t)]);
  const mean = (each: (x: number, t: number) => number): number =>
    x.reduce((sum, value, i) => sum + each(value, t[i]), 0) / 3;
  const loss = (text: OpName, attributes: { readonly [name: string]: Value } = {}): number =>
    plain(runOn(withAttributes(text, attributes), both)) as number;
  close([loss("mse_loss")], [mean((a, b) => (a - b) ** 2)]);
  close([loss("mse_loss", { reduction: symbol("sum").value })], [3 * mean((a, b) => (a - b) ** 2)]);
  close([loss("bce_loss")], [mean((a, b) => -(b * Math.log(a) + (1 - b) * Math.log(1 - a)))]);
  const logistic = (a: number): number => 1 / (1 + Math.exp(-a));
  close([loss("bce_loss", { logits: bool(true) })], [
    mean((a, b) => -(b * Math.log(logistic(a)) + (1 - b) * Math.log(1 - logistic(a)))),
  ]);
  close([loss("huber_loss", { delta: f32(0.25) })], [
    mean((a, b) => Math.abs(a - b) <= 0.25 ? (a - b) ** 2 / 2 : 0.25 * (Math.abs(a - b) - 0.125)),
  ]);
  close([loss("kl_div")], [mean((a, b) => b === 0 ? 0 : b * (Math.log(b) - a))]);
  const logits = tensor("f32", [2, 3], [1, 2, 0.5, -1, 0, 3]);
  const log = (row: ReadonlyArray<number>, i: number): number =>
    row[i] - Math.log(row.reduce((sum, a) => sum + Math.exp(a), 0));
  const wanted = -(log([1, 2, 0.5], 1) + log([-1, 0, 3], 2)) / 2;
  close([plain(runOn(op("cross_entropy"), runTuple([logits, tensor("i64", [2], [1, 2])]))) as number], [wanted]);
  const hot = tensor("f32", [2, 3], [0, 1, 0, 0, 0, 1]);
  close([plain(runOn(op("cross_entropy"), runTuple([logits, hot]))) as number], [wanted]);
});

Deno.test("an index outside is refused where it points", () => {
  assert.equal(failureOf(() => runOn(op("embed", int(4), int(3)), tensor("i64", [1], [3]))).code, "RMIL_INDEX");
  assert.equal(failureOf(() => runOn(op("gather"), runTuple([at([3]), tensor("i64", [1], [-1])]))).code, "RMIL_INDEX");
  const wrong = runTuple([at([1, 3]), tensor("i64", [1], [3])]);
  assert.equal(failureOf(() => runOn(op("cross_entropy"), wrong)).code, "RMIL_INDEX");
});

Deno.test("optimiser steps by hand", () => {
  const state = (...values: ReadonlyArray<number>): RunValue =>
    runTuple(values.map((value) => tensor("f32", [1], [value])));
  const step = (text: OpName, attributes: { readonly [name: string]: Value } = {}): ReadonlyArray<number> => {
    const made = runOn(withAttributes(text, attributes), state(1, 0.5));
    return (made.k === "Tuple" ? made.items : [made]).map((item) =>
      item.k === "Tensor" ? numbers(item)[0] : Number(plain(item))
    );
  };
  close(step("sgd_step", { rate: f32(0.1) }), [0.95]);
  close(step("sgd_step", { rate: f32(0.1), momentum: f32(0.9), nesterov: bool(true) }), [1 - 0.1 * 0.95, 0.5]);
  close(step("adam_step", { rate: f32(0.1) }), [0.9, 0.05, 0.00025, 1]);
  close(step("adamw_step", { rate: f32(0.1) }), [0.9 - 0.001, 0.05, 0.00025, 1]);
  close(step("rmsprop_step", { rate: f32(0.1) }), [1 - 0.1 * 0.5 / Math.sqrt(0.0025), 0.0025]);
});

Deno.test("recurrent cells are their equations, step by step", () => {
  const [b, s, n, w] = [2, 3, 2, 2];
  const x = at([b, s, n]);
  const xs = numbers(x);
  const logistic = (a: number): number => 1 / (1 + Math.exp(-a));
  const cells: ReadonlyArray<readonly [OpName, number]> = [["rnn", 1], ["lstm", 4], ["gru", 3]];
  for (const [cell, gates] of cells) {
    const [input, hidden, bias, own] = [
      at([n, gates * w], 1),
      at([w, gates * w], 2),
      at([gates * w], 3),
      at([gates * w], 4),
    ];
    const [wi, wh, wb, wo] = [input, hidden, bias, own].map(numbers);
    const wanted: number[] = [];
    for (let row = 0; row < b; row++) {
      let [h, c] = [new Array<number>(w).fill(0), new Array<number>(w).fill(0)];
      for (let t = 0; t < s; t++) {
        const from = (k: number): number =>
          xs.slice((row * s + t) * n, (row * s + t) * n + n).reduce(
            (sum, value, i) => sum + value * wi[i * gates * w + k],
            wb[k],
          );
        const back = (k: number): number => h.reduce((sum, value, i) => sum + value * wh[i * gates * w + k], 0);
        const next = h.map((old, k) => {
          if (cell === "rnn") return Math.tanh(from(k) + back(k));
          if (cell === "lstm") {
            const [i, f, g, o] = [0, 1, 2, 3].map((gate) => from(gate * w + k) + back(gate * w + k));
            c = c.map((value, at) => at === k ? logistic(f) * value + logistic(i) * Math.tanh(g) : value);
            return logistic(o) * Math.tanh(c[k]);
          }
          const hid = (gate: number): number => back(gate * w + k) + wo[gate * w + k];
          const [r, z] = [0, 1].map((gate) => logistic(from(gate * w + k) + hid(gate)));
          return (1 - z) * Math.tanh(from(2 * w + k) + r * hid(2)) + z * old;
        });
        h = next;
        wanted.push(...h);
      }
    }
    const options = given({ "/input": input, "/hidden": hidden, "/bias": bias, "/hidden_bias": own });
    close(numbers(runOn(op(cell, int(w)), x, options)), wanted);
  }
});

Deno.test("position codes by their closed forms", () => {
  const [s, n] = [3, 4];
  const zero = tensor("f32", [s, n], new Array(s * n).fill(0));
  const wanted = Array.from({ length: s * n }, (_, at) => {
    const angle = Math.floor(at / n) / 10000 ** (2 * Math.floor((at % n) / 2) / n);
    return at % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
  });
  close(numbers(runOn(op("sinusoidal_pe"), zero)), wanted);
  const x = at([s, n]);
  const turned = numbers(runOn(op("rope"), x));
  const pair = (values: ReadonlyArray<number>, i: number): number => Math.hypot(values[i], values[i + 1]);
  for (let i = 0; i < s * n; i += 2) close([pair(turned, i)], [pair(numbers(x), i)]);
  close(turned.slice(0, n), numbers(x).slice(0, n));
  const [c, d] = [Math.cos(1), Math.sin(1)];
  const [e, o] = numbers(x).slice(n, n + 2);
  close(turned.slice(n, n + 2), [e * c - o * d, e * d + o * c]);
  const bias = numbers(runOn(op("alibi"), tensor("f32", [2, 2, 2], new Array(8).fill(0))));
  close(bias, [0, -(2 ** -4), -(2 ** -4), 0, 0, -(2 ** -8), -(2 ** -8), 0]);
});

Deno.test("dropout: the identity outside training, seeded and unbiased in it", () => {
  const x = tensor("f32", [10_000], new Array(10_000).fill(1));
  assert.deepEqual(runOn(op("drop", num(0.5)), x), x);
  const drop = (seed: number): ReadonlyArray<number> =>
    numbers(runOn(op("drop", num(0.25)), x, { training: true, seed }));
  assert.deepEqual(drop(1), drop(1));
  assert.notDeepEqual(drop(1), drop(2));
  const kept = drop(1).filter((value) => value !== 0);
  close(kept, kept.map(() => Math.fround(4 / 3)));
  assert.ok(Math.abs(kept.length / 10_000 - 0.75) < 0.02, `${kept.length}`);
});

Deno.test("movement: reshape with an open size, transpose, slices from the end, gather, scatter", () => {
  const x = tensor("f32", [2, 3], [1, 2, 3, 4, 5, 6]);
  const shaped = withAttributes("reshape", { shape: { k: "Tuple", items: [i64(3), i64(-1)] } });
  assert.deepEqual(shapeOf(runOn(shaped, x)), [3, 2]);
  assert.deepEqual(numbers(runOn(op("transpose"), x)), [1, 4, 2, 5, 3, 6]);
  assert.deepEqual(numbers(runOn(op("slice", int(-2), int(3), int(1)), x)), [2, 3, 5, 6]);
  assert.deepEqual(numbers(runOn(op("gather"), runTuple([x, tensor("i64", [2], [1, 0])]))), [4, 5, 6, 1, 2, 3]);
  const updates = runTuple([x, tensor("i64", [2], [0, 0]), tensor("f32", [2, 3], [10, 10, 10, 1, 1, 1])]);
  const added = withAttributes("scatter", { by: symbol("add").value });
  assert.deepEqual(numbers(runOn(added, updates)), [12, 13, 14, 4, 5, 6]);
  assert.deepEqual(numbers(runOn(pipe(par(op("identity"), op("neg")), op("concat")), x)).length, 12);
});

Deno.test("dtypes: every one moves, floats compute in their own width", () => {
  for (const dtype of ["b1", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"] as const) {
    const x = tensor(dtype, [2, 2], dtype === "b1" ? [true, false, true, true] : [1, 0, 1, 1]);
    const made = runOn(op("transpose"), x) as TensorValue;
    assert.deepEqual([made.dtype, numbers(made)], [dtype, [1, 1, 0, 1]]);
  }
  for (const dtype of ["f16", "bf16", "f32", "f64"] as const) {
    const made = runOn(
      pipe(op("linear", int(3)), op("gelu"), op("softmax")),
      tensor(dtype, [2, 4], wave(8)),
    ) as TensorValue;
    assert.equal(made.dtype, dtype);
    close([numbers(made).slice(0, 3).reduce((a, b) => a + b)], [1], 2e-2);
  }
});

Deno.test("parameters start from the seed, each with a stream of its own", () => {
  const weights = (program: Parameters<typeof runNow>[0], seed: number) =>
    runNow(program, symbols, { inputs: { x: at([2, 4]) }, seed })!.parameters;
  const [one, longer] = [weights(op("linear"), 1), weights(pipe(op("linear"), op("linear")), 1)];
  assert.deepEqual(weights(op("linear"), 1), one);
  assert.notDeepEqual(weights(op("linear"), 2).get("/weight"), one.get("/weight"));
  assert.notDeepEqual(longer.get("/a/weight"), longer.get("/b/weight"));
  assert.ok(numbers(one.get("/weight")!).every((value) => Math.abs(value) <= 0.5));
});

Deno.test("gradients of composite ops agree with central differences in f64", () => {
  const cases: ReadonlyArray<readonly [OpName, ReadonlyArray<number>, { readonly [name: string]: number }]> = [
    ["linear", [3, 4], {}],
    ["layer_norm", [3, 4], {}],
    ["rms_norm", [3, 4], {}],
    ["group_norm", [1, 4, 2, 2], { groups: 2 }],
    ["softmax", [2, 3], { axis: -1 }],
    ["attn", [3, 4], { heads: 2 }],
    ["conv2d", [1, 2, 3, 3], {}],
    ["avg_pool", [1, 1, 4, 4], {}],
    ["max_pool", [1, 1, 4, 4], {}],
    ["mish", [5], {}],
    ["gelu", [5], {}],
    ["relu", [5], {}],
    ["rope", [3, 4], {}],
  ];
  for (const [text, shape, attributes] of cases) {
    const { program, parameters } = tensorProgram({
      row: OPS[text],
      operands: OPS[text].operands.map((_, i) => i === 0 ? { dtype: "f64", shape, weak: false } : undefined),
      rest: [],
      given: new Map(),
      attributes,
      training: false,
    });
    const count = shape.reduce((a, b) => a * b, 1);
    const values = wave(count, 0.4);
    const weights = parameters.map((needed, i) => {
      const sizes = needed.shape as ReadonlyArray<number>;
      return irTensor("f64", sizes, wave(sizes.reduce((a, b) => a * b, 1), i + 1));
    });
    const seedShape = evaluate(program, [irTensor("f64", shape, values), ...weights]).results[0].shape;
    const along = irTensor("f64", seedShape, wave(seedShape.reduce((a, b) => a * b, 1), 9));
    const score = (xs: ReadonlyArray<number>): number => {
      const made = toFloats(evaluate(program, [irTensor("f64", shape, xs), ...weights]).results[0]);
      return made.reduce((sum, value, i) => sum + value * toFloats(along)[i], 0);
    };
    const derived = grad(program, { wrt: [OPS[text].operands[0].name], cotangent: true });
    const found = toFloats(evaluate(derived, [irTensor("f64", shape, values), ...weights, along]).results[0]);
    const step = 1e-5;
    const wanted = values.map((value, i) =>
      (score(values.with(i, value + step)) - score(values.with(i, value - step))) / (2 * step)
    );
    close([...found], wanted, 1e-5);
  }
});
