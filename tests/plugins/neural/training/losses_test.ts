import assert from "node:assert/strict";
import { buildProgram, evaluate, grad, type Tensor, tensor, toFloats } from "../../../../plugins/ir/library.ts";
import { emitLoss, type Loss, LOSS_NAMES, LOSSES, targetTypeOf } from "../../../../plugins/neural/library.ts";
import { computed, vector } from "./support.ts";

const lossOf = (loss: Loss, x: Tensor, t: Tensor): number =>
  computed({ x, t }, (g, values) => emitLoss(g, loss, values.x, values.t))[0][0];

const gradientOf = (loss: Loss, x: Tensor, t: Tensor): ReadonlyArray<number> => {
  const program = buildProgram({ x, t } as never, (g, values: never) => {
    const { x: from, t: to } = values as { x: never; t: never };
    return emitLoss(g, loss, from, to);
  });
  return [...toFloats(evaluate(grad(program, { wrt: ["x"] }), [x, t]).results[0])];
};

const close = (actual: number, expected: number, within = 1e-12): void =>
  assert.ok(Math.abs(actual - expected) <= within * Math.max(1, Math.abs(expected)), `${actual} is not ${expected}`);

const classes = (...values: ReadonlyArray<number>): Tensor => tensor("i32", [values.length], values);
const logits = (rows: ReadonlyArray<ReadonlyArray<number>>): Tensor =>
  tensor("f64", [rows.length, rows[0].length], rows.flat());

Deno.test("mean squared error of 1,2,3 and 2,2,5 is 5/3, its parts 1,0,4, its sum 5", () => {
  const [x, t] = [vector(1, 2, 3), vector(2, 2, 5)];
  close(lossOf({ kind: "mse" }, x, t), 5 / 3);
  close(lossOf({ kind: "mse", settings: { reduction: "sum" } }, x, t), 5);
  const [each] = computed(
    { x, t },
    (g, v) => emitLoss(g, { kind: "mse", settings: { reduction: "none" } }, v.x, v.t),
  );
  assert.deepEqual(each, [1, 0, 4]);
});

Deno.test("absolute, smooth and Huber losses have their closed forms on both sides of the bend", () => {
  const [x, t] = [vector(0.5, 2), vector(0, 0)];
  close(lossOf({ kind: "l1" }, x, t), 1.25);
  close(lossOf({ kind: "smoothL1" }, x, t), (0.125 + 1.5) / 2);
  close(lossOf({ kind: "smoothL1", settings: { beta: 0.5 } }, x, t), (0.25 + 1.75) / 2);
  close(lossOf({ kind: "huber", settings: { delta: 0.5 } }, x, t), (0.125 + 0.5 * (2 - 0.25)) / 2);
  assert.deepEqual(gradientOf({ kind: "smoothL1", settings: { reduction: "sum" } }, x, t), [0.5, 1]);
});

Deno.test("cross-entropy of logits 200, 0, −200 is 0 for class 0 and 400 for class 2, never NaN", () => {
  const x = logits([[200, 0, -200]]);
  assert.equal(lossOf({ kind: "crossEntropy" }, x, classes(0)), 0);
  assert.equal(lossOf({ kind: "crossEntropy" }, x, classes(2)), 400);
  assert.deepEqual(gradientOf({ kind: "crossEntropy" }, x, classes(2)), [
    1,
    gradientOf({ kind: "crossEntropy" }, x, classes(2))[1],
    -1,
  ]);
});

Deno.test("cross-entropy of classes, of their one-hot rows and by hand agree; its gradient sums to zero", () => {
  const rows = [[1, 2, 0.5], [0, -1, 3]];
  const x = logits(rows);
  const byHand = rows.map((row, i) => Math.log(row.reduce((sum, v) => sum + Math.exp(v), 0)) - row[[1, 2][i]]);
  close(lossOf({ kind: "crossEntropy" }, x, classes(1, 2)), (byHand[0] + byHand[1]) / 2);
  close(lossOf({ kind: "crossEntropy" }, x, logits([[0, 1, 0], [0, 0, 1]])), (byHand[0] + byHand[1]) / 2);
  const slope = gradientOf({ kind: "crossEntropy" }, x, classes(1, 2));
  close(slope.slice(0, 3).reduce((a, b) => a + b), 0, 1e-15);
  assert.ok(slope[1] < 0 && slope[0] > 0 && slope[2] > 0);
});

Deno.test("label smoothing takes its share from the class and spreads it over all", () => {
  const row = [1, 2, 0.5];
  const all = Math.log(row.reduce((sum, v) => sum + Math.exp(v), 0));
  const expected = 0.9 * (all - 2) + 0.1 * row.reduce((sum, v) => sum + (all - v) / 3, 0);
  close(lossOf({ kind: "crossEntropy", settings: { smoothing: 0.1 } }, logits([row]), classes(1)), expected);
});

Deno.test("class weights weigh the mean, and samples of the ignored class count nothing", () => {
  const rows = [[1, 2], [0, 3], [5, 1]];
  const nll = rows.map((row, i) => Math.log(Math.exp(row[0]) + Math.exp(row[1])) - row[[0, 1, 0][i]]);
  const weighted: Loss = { kind: "crossEntropy", settings: { weights: [2, 5] } };
  close(lossOf(weighted, logits(rows), classes(0, 1, 0)), (2 * nll[0] + 5 * nll[1] + 2 * nll[2]) / 9);
  const ignoring: Loss = { kind: "crossEntropy", settings: { ignoreIndex: -100 } };
  close(lossOf(ignoring, logits(rows), classes(0, -100, 0)), (nll[0] + nll[2]) / 2);
  assert.equal(lossOf(ignoring, logits(rows), classes(-100, -100, -100)), 0);
  assert.deepEqual(gradientOf(ignoring, logits(rows), classes(0, -100, 0)).slice(2, 4), [0, 0]);
});

Deno.test("the mean of negative log likelihoods is over samples, not over classes", () => {
  const x = logits([[Math.log(0.7), Math.log(0.2), Math.log(0.1)]]);
  close(lossOf({ kind: "nll" }, x, classes(0)), -Math.log(0.7));
  assert.deepEqual(gradientOf({ kind: "nll" }, logits([[0, 0], [0, 0]]), classes(0, 1)), [-0.5, 0, 0, -0.5]);
});

Deno.test("binary cross-entropy of a logit 0 is ln 2 with gradient −½ for target 1; logits of ±1000 stay finite", () => {
  close(lossOf({ kind: "bceWithLogits" }, vector(0), vector(1)), Math.LN2);
  close(gradientOf({ kind: "bceWithLogits" }, vector(0), vector(1))[0], -0.5);
  assert.equal(lossOf({ kind: "bceWithLogits" }, vector(-1000), vector(1)), 1000);
  assert.equal(lossOf({ kind: "bceWithLogits" }, vector(1000), vector(1)), 0);
});

Deno.test("binary cross-entropy of the probabilities 0 and 1 is finite, and so is its gradient", () => {
  const [x, t] = [vector(0, 1, 0.25), vector(1, 0, 1)];
  const expected = (-Math.log(1e-7) * 2 - Math.log(0.25)) / 3;
  close(lossOf({ kind: "bce" }, x, t), expected, 1e-8);
  const slope = gradientOf({ kind: "bce", settings: { reduction: "sum" } }, x, t);
  close(slope[2], -4);
  assert.ok(slope.every(Number.isFinite), String(slope));
  assert.ok(slope[0] < -1e6 && slope[1] > 1e6, String(slope));
});

Deno.test("the divergence of a target with zeros is finite, and 0 for equal distributions in both forms", () => {
  const p = [0.5, 0.5, 0];
  const logs = vector(...p.map((v) => v === 0 ? -50 : Math.log(v)));
  close(lossOf({ kind: "klDiv", settings: { reduction: "sum" } }, logs, vector(...p)), 0, 1e-15);
  const q = vector(Math.log(0.25), Math.log(0.75));
  close(lossOf({ kind: "klDiv", settings: { logTarget: true, reduction: "sum" } }, q, q), 0, 1e-15);
  const rows = logits([[Math.log(0.5), Math.log(0.5)], [Math.log(0.9), Math.log(0.1)]]);
  const wanted = logits([[1, 0], [0.5, 0.5]]);
  const sum = Math.LN2 + 0.5 * Math.log(0.5 / 0.9) + 0.5 * Math.log(0.5 / 0.1);
  close(lossOf({ kind: "klDiv", settings: { reduction: "batchMean" } }, rows, wanted), sum / 2);
});

Deno.test("focal loss without gamma is cross-entropy, with gamma it is (1 − p)^gamma of it", () => {
  const x = logits([[1, 2, 0.5]]);
  const plain = lossOf({ kind: "crossEntropy" }, x, classes(1));
  close(lossOf({ kind: "focal", settings: { gamma: 0 } }, x, classes(1)), plain);
  close(lossOf({ kind: "focal", settings: { gamma: 3 } }, x, classes(1)), (1 - Math.exp(-plain)) ** 3 * plain);
  assert.ok(Number.isFinite(lossOf({ kind: "focal" }, logits([[900, 0]]), classes(0))));
  assert.ok(gradientOf({ kind: "focal" }, logits([[900, 0]]), classes(0)).every(Number.isFinite));
});

Deno.test("hinge and contrastive losses have their closed forms", () => {
  close(lossOf({ kind: "hinge" }, vector(0.5, -2, 3), vector(1, 1, 1)), (0.5 + 3 + 0) / 3);
  close(
    lossOf({ kind: "contrastive", settings: { margin: 2 } }, vector(0.5, 0.5, 3), vector(1, 0, 0)),
    (0.25 + 2.25) / 3,
  );
});

Deno.test("every loss's gradient agrees with central differences in f64", () => {
  const spread = [0.31, 0.72, 0.13, 0.55, 0.24, 0.86];
  for (const kind of LOSS_NAMES) {
    const isClass = LOSSES[kind].target === "class";
    const x = tensor("f64", [2, 3], kind === "klDiv" ? spread.map(Math.log) : spread);
    const t = isClass
      ? classes(2, 0)
      : tensor("f64", [2, 3], kind === "hinge" ? [1, -1, 1, 1, -1, 1] : [0.2, 0.3, 0.5, 0.1, 0.8, 0.1]);
    const slope = gradientOf({ kind }, x, t);
    const step = 1e-6;
    slope.forEach((found, i) => {
      const at = (move: number): number =>
        lossOf({ kind }, tensor("f64", [2, 3], [...x.data as Float64Array].map((v, j) => j === i ? v + move : v)), t);
      const measured = (at(step) - at(-step)) / (2 * step);
      assert.ok(Math.abs(found - measured) < 1e-7, `${kind} ${i}: ${found} and ${measured}`);
    });
  }
});

Deno.test("outputs and targets of other shapes, dtypes or class counts are refused, nothing is broadcast or cut", () => {
  const refused = (loss: Loss, x: Tensor, t: Tensor): void =>
    assert.throws(() => lossOf(loss, x, t), { code: "NEURAL_LOSS", path: "/target" });
  refused({ kind: "mse" }, vector(1, 2, 3), vector(1, 2));
  refused({ kind: "mse" }, tensor("f64", [2, 1], [1, 2]), vector(1, 2));
  refused({ kind: "mse" }, vector(1), tensor("f32", [1], [1]));
  refused({ kind: "crossEntropy" }, logits([[1, 2]]), classes(0, 1));
  refused({ kind: "nll" }, logits([[1, 2]]), vector(0));
  refused({ kind: "crossEntropy", settings: { weights: [1, 2, 3] } }, logits([[1, 2]]), classes(0));
});

Deno.test("a loss or a setting that does not exist is refused by name, with the near one", () => {
  assert.throws(() => targetTypeOf({ kind: "crossentropy" as never }, { dtype: "f32", shape: [2] }), {
    code: "NEURAL_SETTING",
    suggestions: ["crossEntropy"],
  });
  const [x, t] = [vector(1), vector(1)];
  assert.throws(() => lossOf({ kind: "mse", settings: { beta: 1 } }, x, t), { code: "NEURAL_SETTING" });
  assert.throws(() => lossOf({ kind: "huber", settings: { delta: 0 } }, x, t), { code: "NEURAL_SETTING" });
  assert.throws(() => lossOf({ kind: "crossEntropy", settings: { smoothing: 1 } }, logits([[1, 2]]), classes(0)), {
    code: "NEURAL_SETTING",
  });
});
