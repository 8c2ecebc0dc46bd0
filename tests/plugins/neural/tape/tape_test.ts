/**
 * Variables and their derivatives. Judges: central differences in f64, another engine (TensorFlow.js), closed forms, and
 * what derivatives must satisfy.
 */
import * as tf from "@tensorflow/tfjs";
import assert from "node:assert/strict";
import { fromIntegers, type Tensor, tensor, toFloats, toNested } from "../../../../plugins/ir/library.ts";
import { checkGradient } from "../../../../plugins/neural/tape/check_gradient.ts";
import { OP_NAMES, type OpName } from "../../../../plugins/neural/tape/operations.ts";
import { backward, gradients, tangent, Tape } from "../../../../plugins/neural/tape/tape.ts";
import type { Variable } from "../../../../plugins/neural/tape/variable.ts";
import { refused } from "../refused.ts";

const f64 = (shape: ReadonlyArray<number>, values: ReadonlyArray<number>): Tensor => tensor("f64", shape, values);

/** Numbers that are neither alike nor near a kink: a fixed irrational walk within ±range. */
const spread = (shape: ReadonlyArray<number>, from: number, to: number, shift = 0): Tensor => {
  const count = shape.reduce((product, size) => product * size, 1);
  return f64(
    shape,
    Array.from({ length: count }, (_, i) => from + (to - from) * (((i + shift + 1) * 0.6180339887) % 1)),
  );
};

const near = (found: Tensor, wanted: ReadonlyArray<number>, tolerance = 1e-12): void => {
  const floats = toFloats(found);
  assert.equal(floats.length, wanted.length);
  floats.forEach((value, i) => assert.ok(Math.abs(value - wanted[i]) <= tolerance, `${i}: ${value} for ${wanted[i]}`));
};

type Compute = (inputs: ReadonlyArray<Variable>) => Variable;
type Trial = readonly [inputs: ReadonlyArray<Tensor>, compute: Compute];

/** Weights that differ, so that a gradient that is spread instead of passed shows. */
const weigh = (x: Variable): Variable => x.mul(x.tape.constant(spread(x.shape, 0.5, 2, 3)));

const x23 = spread([2, 3], -1, 1);
const positive = spread([2, 3], 0.5, 2);

const TRIALS: { readonly [N in OpName]: ReadonlyArray<Trial> } = {
  add: [[[x23, spread([3], -1, 1, 7)], ([x, y]) => weigh(x.add(y))], [[x23], ([x]) => weigh(x.add(2))]],
  sub: [[[x23, spread([2, 1], -1, 1, 7)], ([x, y]) => weigh(x.sub(y))]],
  mul: [[[x23, spread([1, 3], -1, 1, 7)], ([x, y]) => weigh(x.mul(y))], [[x23], ([x]) => weigh(x.mul(x))]],
  div: [[[x23, spread([], 0.5, 2, 7)], ([x, y]) => weigh(x.div(y))], [
    [positive, positive],
    ([x, y]) => weigh(x.div(y)),
  ]],
  matmul: [
    [[x23, spread([3, 2], -1, 1, 7)], ([x, y]) => weigh(x.matmul(y))],
    [[spread([2, 2, 3], -1, 1), spread([3, 2], -1, 1, 5)], ([x, y]) => weigh(x.matmul(y))],
    [[spread([3], -1, 1), spread([3, 2], -1, 1, 5)], ([x, y]) => weigh(x.matmul(y))],
  ],
  neg: [[[x23], ([x]) => weigh(x.neg())]],
  exp: [[[x23], ([x]) => weigh(x.exp())]],
  log: [[[positive], ([x]) => weigh(x.log())]],
  sqrt: [[[positive], ([x]) => weigh(x.sqrt())]],
  abs: [[[x23], ([x]) => weigh(x.abs())]],
  relu: [[[x23], ([x]) => weigh(x.relu())]],
  sigmoid: [[[x23], ([x]) => weigh(x.sigmoid())]],
  tanh: [[[x23], ([x]) => weigh(x.tanh())]],
  gelu: [[[x23], ([x]) => weigh(x.gelu())]],
  softmax: [[[x23], ([x]) => weigh(x.softmax())], [[x23], ([x]) => weigh(x.softmax(0))]],
  sum: [[[x23], ([x]) => weigh(x.sum(1))], [[x23], ([x]) => weigh(x.sum(-2, true))], [[x23], ([x]) => x.sum()]],
  mean: [[[x23], ([x]) => weigh(x.mean(0))], [[x23], ([x]) => weigh(x.mean([0, 1], true))], [[x23], ([x]) => x.mean()]],
  max: [[[x23], ([x]) => weigh(x.max(1))], [[x23], ([x]) => x.max()], [[x23], ([x]) => weigh(x.max(0, true))]],
  reshape: [[[x23], ([x]) => weigh(x.reshape([3, 2]))]],
  transpose: [[[x23], ([x]) => weigh(x.transpose())], [
    [spread([2, 3, 2], -1, 1)],
    ([x]) => weigh(x.transpose([2, 0, 1])),
  ]],
  squeeze: [[[spread([2, 1, 3], -1, 1)], ([x]) => weigh(x.squeeze(1))], [
    [spread([1, 3, 1], -1, 1)],
    ([x]) => weigh(x.squeeze()),
  ]],
  unsqueeze: [[[x23], ([x]) => weigh(x.unsqueeze(-1))], [[x23], ([x]) => weigh(x.unsqueeze(0))]],
  clone: [[[x23], ([x]) => weigh(x.clone())]],
  pow: [[[positive], ([x]) => weigh(x.pow(2.5))], [[x23], ([x]) => weigh(x.pow(3))]],
  linear: [[[x23, spread([3, 4], -1, 1, 3), spread([4], -1, 1, 9)], ([x, w, b]) => weigh(x.linear(w, b))]],
  conv2d: [[
    [spread([1, 2, 5, 4], -1, 1), spread([3, 2, 3, 2], -1, 1, 5), spread([3], -1, 1, 9)],
    ([x, kernel, bias]) => weigh(x.conv2d(kernel, { bias, stride: [2, 1], padding: 1 })),
  ]],
  batchNorm: [[
    [spread([4, 3, 2], -1, 1), spread([3], 0.5, 2, 5), spread([3], -1, 1, 9)],
    ([x, scale, shift]) => weigh(x.batchNorm({ scale, shift }).output),
  ]],
  layerNorm: [[
    [x23, spread([3], 0.5, 2, 5), spread([3], -1, 1, 9)],
    ([x, scale, shift]) => weigh(x.layerNorm({ scale, shift })),
  ]],
  dropout: [[[x23], ([x]) => weigh(x.dropout(0.5, 3))]],
};

Deno.test("the gradient of each of the 29 named operations agrees with central differences", () => {
  assert.equal(OP_NAMES.length, 29);
  for (const name of OP_NAMES) {
    TRIALS[name].forEach(([inputs, compute], i) => {
      const { worst, at } = checkGradient(compute, inputs);
      assert.ok(worst < 1e-7, `${name} ${i}: ${worst} at ${JSON.stringify(at)}`);
    });
  }
});

Deno.test("the second derivative of each smooth operation agrees with differences of the first", () => {
  const smooth = OP_NAMES.filter((name) => !["dropout", "max", "abs", "relu"].includes(name));
  for (const name of smooth) {
    const [inputs, compute] = TRIALS[name][0];
    const slope: Compute = (variables) => {
      const output = compute(variables);
      const [first] = gradients(output, variables.slice(0, 1), { createGraph: true });
      // Squared, so that operations that are linear have a second derivative too.
      return first.mul(first).add(variables[0].mul(0));
    };
    const { worst } = checkGradient(slope, inputs);
    assert.ok(worst < 1e-5, `${name}: ${worst}`);
  }
});

Deno.test("forward mode and reverse mode agree for each operation", () => {
  for (const name of OP_NAMES) {
    const [inputs, compute] = TRIALS[name][0];
    const tape = new Tape();
    const variables = inputs.map((input) => tape.variable(input));
    const output = compute(variables);
    const moves = inputs.map((input, i) => spread(input.shape, -1, 1, 11 + i));
    const moved = toFloats(tangent(output, variables.map((variable, i) => [variable, moves[i]] as const)));
    const slopes = gradients(output, variables);
    const dot = (x: ArrayLike<number>, y: ArrayLike<number>) => Array.from(x).reduce((sum, v, i) => sum + v * y[i], 0);
    const backwards = slopes.reduce((sum, slope, i) => sum + dot(toFloats(slope.value), toFloats(moves[i])), 0);
    assert.ok(Math.abs(moved.reduce((a, b) => a + b, 0) - backwards) < 1e-9, name);
  }
});

Deno.test("gradients agree with another engine's", async () => {
  await tf.setBackend("cpu");
  const [x, w, b] = [spread([4, 3], -1, 1), spread([3, 5], -1, 1, 5), spread([5], -1, 1, 9)];
  const theirs = (t: Tensor) => tf.tensor(Array.from(toFloats(t)), [...t.shape]);
  const loss = (x: tf.Tensor, w: tf.Tensor, b: tf.Tensor): tf.Scalar => {
    const h = tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D).add(b).tanh();
    return tf.logSoftmax(h).mul(tf.sigmoid(h)).sum(1).square().mean() as tf.Scalar;
  };
  const wanted = tf.grads(loss as never)([x, w, b].map(theirs));
  const tape = new Tape();
  const [vx, vw, vb] = [x, w, b].map((value) => tape.variable(value));
  const h = vx.linear(vw, vb).tanh();
  const logs = h.softmax().log();
  const squared = logs.mul(h.sigmoid()).sum(1).pow(2);
  backward(squared.mean());
  [vx, vw, vb].forEach((variable, i) => near(variable.gradient!, Array.from(wanted[i].dataSync()), 2e-6));
  const [image, kernel] = [spread([1, 2, 6, 6], -1, 1), spread([3, 2, 3, 3], -1, 1, 5)];
  const convolve = (x: tf.Tensor, k: tf.Tensor): tf.Scalar =>
    tf.conv2d(x.transpose([0, 2, 3, 1]) as tf.Tensor4D, k.transpose([2, 3, 1, 0]) as tf.Tensor4D, 2, [[0, 0], [1, 1], [
      1,
      1,
    ], [0, 0]]).square().sum() as tf.Scalar;
  const slopes = tf.grads(convolve as never)([image, kernel].map(theirs));
  const [vi, vk] = [image, kernel].map((value) => tape.variable(value));
  backward(vi.conv2d(vk, { stride: 2, padding: 1 }).pow(2));
  near(vi.gradient!, Array.from(slopes[0].dataSync()), 2e-5);
  near(vk.gradient!, Array.from(slopes[1].dataSync()), 2e-5);
});

Deno.test("values are those of the closed forms", () => {
  const tape = new Tape();
  const v = (shape: ReadonlyArray<number>, values: ReadonlyArray<number>) => tape.variable(f64(shape, values));
  near(v([2, 2], [1, 2, 3, 4]).matmul(v([2, 2], [4, 5, 9, 8.5])).value, [22, 22, 48, 49]);
  near(v([], [0]).sigmoid().value, [0.5]);
  near(v([4], [1, 2, 3, 4]).mean().value, [2.5]);
  assert.deepEqual(toNested(v([2, 3], [1, 2, 3, 4, 5, 6]).sum(1).value), [6, 15]);
  near(v([1], [Math.E]).log().value, [1]);
  near(v([2], [0, 1]).exp().value, [1, Math.E]);
});

Deno.test("a sum along an axis passes each row its own gradient: 1,1,10,10", () => {
  const tape = new Tape();
  const x = tape.variable(f64([2, 2], [1, 2, 3, 4]));
  backward(x.sum(1).mul(tape.constant(f64([2], [1, 10]))));
  assert.deepEqual(toNested(x.gradient!), [[1, 1], [10, 10]]);
  const y = tape.variable(f64([2, 2], [1, 2, 3, 4]));
  backward(y.mean(1).mul(tape.constant(f64([2], [1, 10]))));
  assert.deepEqual(toNested(y.gradient!), [[0.5, 0.5], [5, 5]]);
});

Deno.test("a second backward over the same history adds the same once more, not what interior results held", () => {
  const tape = new Tape();
  const x = tape.variable(f64([1], [3]));
  const y = x.mul(1).mul(1);
  backward(y);
  backward(y);
  assert.deepEqual(toNested(x.gradient!), [2]);
  assert.equal(y.gradient, undefined);
  x.zeroGradient();
  backward(y);
  assert.deepEqual(toNested(x.gradient!), [1]);
});

Deno.test("a variable used twice gets both gradients; a branch that leads nowhere gives none", () => {
  const tape = new Tape();
  const x = tape.variable(f64([2], [1, 2]));
  const dead = x.exp();
  backward(x.relu().add(x));
  assert.deepEqual(toNested(x.gradient!), [2, 2]);
  assert.equal(dead.gradient, undefined);
  const y = tape.variable(f64([3], [1, 2, 3]));
  backward(y.mul(y).sum());
  assert.deepEqual(toNested(y.gradient!), [2, 4, 6]);
});

Deno.test("derivatives at kinks are as documented: relu and |x| have 0 at 0, tied maxima share", () => {
  const tape = new Tape();
  const x = tape.variable(f64([4], [-1, 0, 1, 2]));
  backward(x.relu());
  assert.deepEqual(toNested(x.gradient!), [0, 0, 1, 1]);
  const y = tape.variable(f64([3], [-2, 0, 2]));
  backward(y.abs());
  assert.deepEqual(toNested(y.gradient!), [-1, 0, 1]);
  const z = tape.variable(f64([3], [5, 5, 1]));
  backward(z.max());
  assert.deepEqual(toNested(z.gradient!), [0.5, 0.5, 0]);
});

Deno.test("nothing passes what is detached, computed without gradient or while the tape is stopped", () => {
  const tape = new Tape();
  const x = tape.variable(f64([1], [3]));
  backward(x.mul(x.detach()));
  assert.deepEqual(toNested(x.gradient!), [3]);
  assert.equal(tape.noGradient(() => x.exp()).requiresGradient, false);
  assert.equal(tape.isRecording, true);
  assert.throws(() =>
    tape.noGradient(() => {
      throw new Error("inside");
    })
  );
  assert.equal(tape.isRecording, true);
  const before = tape.operations;
  tape.stop();
  const silent = x.exp();
  assert.deepEqual([tape.operations, tape.isRecording, silent.requiresGradient], [before, false, false]);
  tape.start();
  x.exp();
  assert.equal(tape.operations, before + 1);
  assert.match(refused(() => backward(silent)).message, /depends on no variable/u);
});

Deno.test("a cleared tape has no operations, and what it forgot cannot be differentiated", () => {
  const tape = new Tape();
  const x = tape.variable(f64([1], [3]));
  const y = x.mul(x);
  tape.clear();
  assert.equal(tape.operations, 0);
  assert.deepEqual([refused(() => backward(y)).code, x.gradient], ["NEURAL_TAPE", undefined]);
  backward(x.mul(x));
  assert.deepEqual(toNested(x.gradient!), [6]);
});

Deno.test("derivatives of derivatives: x⁴ has 12x² and 24x", () => {
  const tape = new Tape();
  const x = tape.variable(f64([1], [2]));
  const [first] = gradients(x.pow(4), [x], { createGraph: true });
  const [second] = gradients(first, [x], { createGraph: true });
  const [third] = gradients(second, [x]);
  near(first.value, [32]);
  near(second.value, [48]);
  near(third.value, [48]);
  assert.equal(third.requiresGradient, false);
});

Deno.test("a product with the Hessian by differentiating twice is that of the closed form", () => {
  const tape = new Tape();
  const [x, y] = [f64([], [2]), f64([], [3])].map((value) => tape.variable(value));
  const f = x.mul(x).mul(y).add(y.pow(3));
  const slopes = gradients(f, [x, y], { createGraph: true });
  const along = slopes[0].mul(5).add(slopes[1].mul(7));
  near(gradients(along, [x])[0].value, [2 * 3 * 5 + 2 * 2 * 7]);
  near(gradients(along, [y])[0].value, [2 * 2 * 5 + 6 * 3 * 7]);
});

Deno.test("an operation with a gradient of its own uses it, once more when it is differentiated again", () => {
  const tape = new Tape();
  // Straight through: rounds forwards, passes backwards.
  const rounded = (x: Variable): Variable =>
    tape.custom("round", [x], (g, [v]) => g.round(v), (_x, _y, [dy]) => [dy])[0];
  const x = tape.variable(f64([2], [1.4, 2.6]));
  backward(rounded(x).mul(x));
  assert.deepEqual(toNested(x.gradient!), [1 + 1.4, 3 + 2.6]);
  const cube = (x: Variable): Variable =>
    tape.custom("cube", [x], (g, [v]) => g.mul(v, g.mul(v, v)), ([v], _y, [dy]) => [v.mul(v).mul(3).mul(dy)])[0];
  const z = tape.variable(f64([], [2]));
  const [first] = gradients(cube(z), [z], { createGraph: true });
  near(first.value, [12]);
  near(gradients(first, [z])[0].value, [12]);
  const wrong = tape.custom("wrong", [x], (_g, [v]) => v, (_x, _y, [dy]) => [dy.sum()])[0];
  assert.match(refused(() => backward(wrong)).message, /operand 0 is f64\[2\], and its gradient f64\[\]/u);
  assert.match(refused(() => tangent(cube(z), [[z, f64([], [1])]])).message, /no tangent/u);
});

Deno.test("float32 and float16 variables keep their element type, gradients too", () => {
  const tape = new Tape();
  for (const dtype of ["f32", "f16", "bf16"] as const) {
    const x = tape.variable(tensor(dtype, [2], [1, 2]));
    backward(x.mul(x));
    assert.equal(x.gradient!.dtype, dtype);
    assert.deepEqual(toNested(x.gradient!), [2, 4]);
  }
});

Deno.test("dropout zeroes by its seed alone, keeps the mean, and its gradient falls on what was kept", () => {
  const tape = new Tape();
  const x = tape.variable(f64([4000], Array.from({ length: 4000 }, () => 1)));
  const [a, b, c] = [x.dropout(0.25, 1), x.dropout(0.25, 1), x.dropout(0.25, 2)].map((y) => toFloats(y.value));
  assert.deepEqual(a, b);
  assert.notDeepEqual(a, c);
  const kept = a.filter((value) => value !== 0);
  assert.ok(Math.abs(kept.length / 4000 - 0.75) < 4 * Math.sqrt(0.25 * 0.75 / 4000));
  assert.ok(kept.every((value) => Math.abs(value - 4 / 3) < 1e-15));
  backward(x.dropout(0.25, 1));
  assert.deepEqual(toFloats(x.gradient!), a);
});

Deno.test("running statistics move by the momentum and carry no gradient", () => {
  const tape = new Tape();
  const x = tape.variable(f64([4, 1], [1, 2, 3, 6]));
  const [mean, variance] = [f64([1], [10]), f64([1], [1])].map((value) => tape.constant(value));
  const made = x.batchNorm({ mean, variance, momentum: 0.5, epsilon: 0 });
  near(made.mean.value, [6.5]);
  near(made.variance.value, [2.25]);
  near(made.output.value, [-2, -1, 0, 3].map((d) => d / Math.sqrt(3.5)));
  assert.equal(made.mean.requiresGradient, false);
});

Deno.test("what cannot be done is a failure that names the operation", () => {
  const tape = new Tape();
  const x = tape.variable(f64([2, 3], [1, 2, 3, 4, 5, 6]));
  const whole = tape.constant(fromIntegers("i32", [2], [1n, 2n]));
  const cases: ReadonlyArray<readonly [RegExp, () => unknown]> = [
    [/Cannot do matmul/u, () => x.matmul(x)],
    [/Cannot do add/u, () => x.add(tape.constant(f64([2], [1, 2])))],
    [/Cannot do reshape/u, () => x.reshape([4])],
    [/Cannot do squeeze: axis 1 has size 3/u, () => x.squeeze(1)],
    [/Cannot do unsqueeze: there is no place 4 among 2/u, () => x.unsqueeze(4)],
    [/Cannot do dropout: its probability is 1/u, () => x.dropout(1, 0)],
    [/different tapes/u, () => x.add(new Tape().variable(f64([], [1])))],
    [/only floats do/u, () => tape.variable(whole.value, { requiresGradient: true })],
    [/its gradient is given as f64\[\]/u, () => backward(x, { cotangent: f64([], [1]) })],
    [/is no gradient of/u, () => x.accumulate(f64([], [1]))],
    [/cannot move by/u, () => tangent(x.exp(), [[x, f64([], [1])]])],
  ];
  for (const [message, compute] of cases) {
    const failure = refused(compute);
    assert.deepEqual([failure.code, message.test(failure.message)], ["NEURAL_TAPE", true], failure.message);
  }
});

Deno.test("gradients by interior variables and by strangers are given; nothing is accumulated", () => {
  const tape = new Tape();
  const [x, stranger] = [f64([2], [1, 2]), f64([2], [0, 0])].map((value) => tape.variable(value));
  const inner = x.mul(3);
  const [byInner, byStranger] = gradients(inner.mul(inner), [inner, stranger]);
  near(byInner.value, [6, 12]);
  near(byStranger.value, [0, 0]);
  assert.equal(x.gradient, undefined);
});

Deno.test("learning by hand: a line through points is found to the closed form", () => {
  const tape = new Tape();
  const [xs, ys] = [f64([4, 1], [0, 1, 2, 3]), f64([4, 1], [1, 3, 5, 7.4])].map((value) => tape.constant(value));
  let [w, b] = [f64([1, 1], [0]), f64([1], [0])].map((value) => tape.variable(value));
  for (let step = 0; step < 400; step++) {
    const distance = xs.linear(w, b).sub(ys);
    backward(distance.mul(distance).mean());
    [w, b] = [w, b].map((v) => tape.variable(v.detach().sub(tape.constant(v.gradient!).mul(0.15)).value));
  }
  near(w.value, [2.12], 1e-6);
  near(b.value, [0.92], 1e-6);
});
