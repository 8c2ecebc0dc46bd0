/**
 * State spaces against the recurrences written out, central differences, and in pieces.
 */
import assert from "node:assert/strict";
import { type Tensor, tensor, toFloats } from "../../../../plugins/ir/library.ts";
import { mamba, s4 } from "../../../../plugins/neural/library.ts";
import { inPieces } from "./pieces.ts";
import { agrees, differentiates, distance, failureOf, normals, numbers, resultTypes, runLayer } from "./support.ts";

const [BATCH, STEPS, FEATURES] = [2, 7, 4];
const x = normals("states", [BATCH, STEPS, FEATURES]);

type Tensors = { readonly [path: string]: Tensor };
type Complex = readonly [re: number, im: number];

const times = ([a, b]: Complex, [c, d]: Complex): Complex => [a * c - b * d, a * d + b * c];
const over = (a: Complex, [c, d]: Complex): Complex => {
  const [re, im] = times(a, [c, -d]);
  return [re / (c * c + d * d), im / (c * c + d * d)];
};

const LOG_STEP = (Math.log(1e-3) + Math.log(1e-1)) / 2;

/** The convolution that a diagonal state space is: the response to one is 2·Re(Σ C·B̄·Āᵏ), and D at once. */
const response = (tensors: Tensors, feature: number, states: number, k: number): number => {
  const at = (name: string, n: number) => numbers(tensors[name])[feature * states + n];
  const length = Math.exp(numbers(tensors.log_step)[feature] + LOG_STEP);
  let sum = 0;
  for (let n = 0; n < states; n++) {
    const a: Complex = [-0.5 * Math.exp(at("log_rate", n)), Math.PI * n + at("frequency", n)];
    const size = Math.exp(a[0] * length);
    const move: Complex = [size * Math.cos(a[1] * length), size * Math.sin(a[1] * length)];
    const input = over([move[0] - 1, move[1]], a);
    let power: Complex = [1, 0];
    for (let turn = 0; turn < k; turn++) power = times(power, move);
    sum += 2 * times(times([at("output_real", n), at("output_imaginary", n)], input), power)[0];
  }
  return sum;
};

Deno.test("s4 is the convolution with its closed-form response, held inputs and all", () => {
  const states = 3;
  const tensors = {
    frequency: normals("frequency", [FEATURES, states]),
    log_rate: normals("rate", [FEATURES, states]),
  };
  const { outputs: [ours], tensors: own } = runLayer(s4({ states }), { x }, { tensors });
  const data = toFloats(x);
  const through = numbers(own.through);
  const theirs = data.map((value, i) => {
    const [feature, step] = [i % FEATURES, Math.floor(i / FEATURES) % STEPS];
    let sum = through[feature] * value;
    for (let k = 0; k <= step; k++) sum += response(own, feature, states, k) * data[i - k * FEATURES];
    return sum;
  });
  agrees(ours, tensor("f32", x.shape, theirs), 2e-5);
});

const sigmoid = (v: number): number => 1 / (1 + Math.exp(-v));
const silu = (v: number): number => v * sigmoid(v);

/** A row times a matrix. */
const row = (of: ReadonlyArray<number>, matrix: Tensor): number[] => {
  const data = numbers(matrix);
  const [n, m] = matrix.shape;
  return Array.from(
    { length: m },
    (_, j) => Array.from({ length: n }, (_, i) => of[i] * data[i * m + j]).reduce((a, b) => a + b),
  );
};

/** One sample through a selective state space, loop by loop. */
const selective = (
  steps: ReadonlyArray<ReadonlyArray<number>>,
  tensors: Tensors,
  sizes: { inner: number; states: number; kernel: number; rank: number },
) => {
  const { inner, states, kernel, rank } = sizes;
  const both = steps.map((step) => row(step, tensors.input));
  const weight = numbers(tensors.kernel);
  const bias = numbers(tensors.kernel_bias);
  const rates = numbers(tensors.log_rate);
  const shifts = numbers(tensors.length_bias);
  const through = numbers(tensors.through);
  const state = Array.from({ length: inner * states }, () => 0);
  return both.map((own, t) => {
    const u = Array.from({ length: inner }, (_, d) => {
      let sum = bias[d];
      for (let k = 0; k < kernel; k++) {
        const from = t - (kernel - 1) + k;
        if (from >= 0) sum += weight[d * kernel + k] * both[from][d];
      }
      return silu(sum);
    });
    const made = row(u, tensors.select);
    const lengths = row(made.slice(0, rank), tensors.length).map((v, d) =>
      Math.log1p(Math.exp(v + shifts[d] + LOG_STEP))
    );
    const [into, outOf] = [made.slice(rank, rank + states), made.slice(rank + states)];
    const y = u.map((value, d) => {
      let sum = through[d] * value;
      for (let n = 0; n < states; n++) {
        const i = d * states + n;
        state[i] = Math.exp(-lengths[d] * Math.exp(rates[i]) * (n + 1)) * state[i] + lengths[d] * value * into[n];
        sum += state[i] * outOf[n];
      }
      return sum * silu(own[inner + d]);
    });
    return row(y, tensors.output);
  });
};

Deno.test("mamba is its recurrence written out: convolution, chosen steps, gate", () => {
  const sizes = { inner: 6, states: 3, kernel: 3, rank: 2 };
  const tensors = { log_rate: normals("mamba rate", [6, 3]), kernel_bias: normals("kernel bias", [6]) };
  const { outputs: [ours], tensors: own } = runLayer(mamba(sizes), { x }, { tensors });
  const data = [...toFloats(x)];
  const samples = Array.from(
    { length: BATCH },
    (_, b) =>
      Array.from({ length: STEPS }, (_, t) => data.slice((b * STEPS + t) * FEATURES, (b * STEPS + t + 1) * FEATURES)),
  );
  agrees(ours, tensor("f32", x.shape, samples.flatMap((sample) => selective(sample, own, sizes).flat())), 1e-5);
});

Deno.test("nothing of the future reaches a step, and every state fades", () => {
  const ones = tensor("f32", x.shape, toFloats(x).map((value, i) => Math.floor(i / FEATURES) % STEPS < 4 ? value : 5));
  for (const layer of [s4(), mamba()]) {
    const [one, two] = [x, ones].map((given) => numbers(runLayer(layer, { x: given }).outputs[0]));
    const past = (_: number, i: number) => Math.floor(i / FEATURES) % STEPS < 4;
    assert.deepEqual(one.filter(past), two.filter(past));
  }
  const impulse = tensor("f32", [1, 3000, 1], Array.from({ length: 3000 }, (_, i) => i === 0 ? 1 : 0));
  const grown = { log_rate: tensor("f32", [1, 2], [0, 4]), log_step: tensor("f32", [1], [2]) };
  const echo = numbers(runLayer(s4({ states: 2 }), { x: impulse }, { tensors: grown }).outputs[0]);
  assert.ok(Math.abs(echo[2999]) < 1e-6 && echo.some((value, i) => i > 0 && Math.abs(value) > 1e-6));
});

Deno.test("gradients of state spaces are what central differences measure", () => {
  const given = { x: normals("f64 states", [2, 4, 3], "f64") };
  differentiates(s4({ states: 2 }), given);
  differentiates(mamba({ inner: 4, states: 2, kernel: 2 }), given);
});

Deno.test("a sequence in pieces gives what it gives as a whole", () => {
  for (const layer of [s4({ states: 3 }), mamba({ states: 3 }), mamba({ states: 2, kernel: 1 })]) {
    for (const pieces of [[7], [3, 4], [1, 1, 2, 3]]) {
      const [whole, made] = inPieces(layer, x, pieces);
      assert.ok(distance(made, whole) < 2e-6, layer.kind);
    }
  }
});

Deno.test("sizes of batch and sequence stay open, and what is no sequence is refused", () => {
  for (const layer of [s4(), mamba()]) {
    assert.deepEqual(resultTypes(layer, { x: "f32[B,S,8]" }), ["f32[B,S,8]"]);
    assert.equal(failureOf(() => resultTypes(layer, { x: "f32[B,8]" })).code, "NEURAL_INPUT");
  }
});
