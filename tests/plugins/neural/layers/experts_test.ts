/**
 * Mixtures of experts: routing by hand, both ways to compute them, the load balance.
 */
import assert from "node:assert/strict";
import { type Tensor, tensor, toFloats } from "../../../../plugins/ir/library.ts";
import { experts, type ExpertsSettings, networkOfLayers } from "../../../../plugins/neural/library.ts";
import { agrees, differentiates, distance, failureOf, normals, numbers, runLayer } from "./support.ts";

const x = normals("tokens", [2, 5, 4]);

const rowsOf = (of: Tensor, width: number): ReadonlyArray<ReadonlyArray<number>> => {
  const all = numbers(of);
  return Array.from({ length: all.length / width }, (_, i) => all.slice(i * width, (i + 1) * width));
};

/** The mixture in plain arithmetic: relu experts, the best `top` gates. */
const byHand = (given: Tensor, tensors: { readonly [path: string]: Tensor }, count: number, top: number) => {
  const [router, up, down] = ["router", "up", "down"].map((name) => toFloats(tensors[name]));
  const [n, h] = [4, 3];
  return rowsOf(given, n).flatMap((row) => {
    const scores = Array.from(
      { length: count },
      (_, e) => row.reduce((sum, v, i) => sum + v * router[i * count + e], 0),
    );
    const all = scores.reduce((sum, score) => sum + Math.exp(score), 0);
    const shares = scores.map((score) => Math.exp(score) / all);
    const chosen = shares.map((share, e) => [share, e] as const).sort(([a], [b]) => b - a).slice(0, top);
    const whole = top === 1 ? 1 : chosen.reduce((sum, [share]) => sum + share, 0);
    const y = Array<number>(n).fill(0);
    for (const [share, e] of chosen) {
      for (let k = 0; k < h; k++) {
        const raised = Math.max(0, row.reduce((sum, v, i) => sum + v * up[(e * n + i) * h + k], 0));
        for (let j = 0; j < n; j++) y[j] += (share / whole) * raised * down[(e * h + k) * n + j];
      }
    }
    return y;
  });
};

const settings: ExpertsSettings = { experts: 3, inner: 3, activation: "relu", bias: false };

Deno.test("a mixture is the gated sum of its chosen experts, computed by hand", () => {
  for (const top of [1, 2, 3]) {
    const { outputs: [y], tensors } = runLayer(experts({ ...settings, top }), { x });
    agrees(y, tensor("f32", y.shape, byHand(x, tensors, 3, top)));
  }
});

Deno.test("experts that take only their rows give the same wherever all find a place", () => {
  for (const top of [1, 2]) {
    const all = runLayer(experts({ ...settings, top }), { x }).outputs[0];
    const own = runLayer(experts({ ...settings, top, capacity: 3 }), { x }).outputs[0];
    assert.ok(distance(own, all) < 1e-6);
  }
});

Deno.test("an expert over its capacity passes the last rows as zeros, and takes the first", () => {
  // The router sends every row to expert 1: of four rows, an even share of two at capacity 1 finds a place.
  const tensors = { router: tensor("f32", [4, 2], [-9, 9, -9, 9, -9, 9, -9, 9]) };
  const given = tensor("f32", [4, 4], Array.from({ length: 16 }, (_, i) => 1 + i / 16));
  const own = { ...settings, experts: 2, top: 1 };
  const all = rowsOf(runLayer(experts(own), { x: given }, { tensors }).outputs[0], 4);
  const some = rowsOf(runLayer(experts({ ...own, capacity: 1 }), { x: given }, { tensors }).outputs[0], 4);
  assert.ok(some.slice(0, 2).every((row, i) => row.every((value, k) => Math.abs(value - all[i][k]) < 1e-6)));
  assert.deepEqual(some.slice(2).flat(), Array(8).fill(0));
});

Deno.test("the load balance is 1 for an even router and the number of experts for one that sends all to one", () => {
  const of = (router: Tensor, rows: Tensor): number => {
    const { state } = runLayer(experts({ ...settings, experts: 2, top: 1, balance: 1 }), { x: rows }, {
      training: true,
      tensors: { router },
    });
    return numbers(state.balance)[0];
  };
  const rows = tensor("f32", [2, 4], [1, 0, 0, 0, -1, 0, 0, 0]);
  const even = of(tensor("f32", [4, 2], [20, -20, 0, 0, 0, 0, 0, 0]), rows);
  assert.ok(Math.abs(even - 1) < 1e-6);
  const same = tensor("f32", [2, 4], [1, 0, 0, 0, 1, 0, 0, 0]);
  const one = of(tensor("f32", [4, 2], [20, -20, 0, 0, 0, 0, 0, 0]), same);
  assert.ok(Math.abs(one - 2) < 1e-6);
});

Deno.test("the load balance is a state that training adds to the loss, and stays outside training", () => {
  const network = networkOfLayers(experts(settings), { x: "f32[B,4]" });
  assert.deepEqual(network.state.map(({ path, auxiliary }) => [path, auxiliary]), [["balance", true]]);
  assert.deepEqual(numbers(runLayer(experts(settings), { x }).state.balance), [0]);
  const without = networkOfLayers(experts({ ...settings, balance: 0 }), { x: "f32[B,4]" });
  assert.deepEqual(without.state, []);
});

Deno.test("gradients of mixtures are those of central differences: experts, gates and router", () => {
  const wide = { x: normals("wide", [2, 3, 4], "f64") };
  const smooth = { experts: 3, inner: 3 };
  differentiates(experts(smooth), wide);
  differentiates(experts({ ...smooth, top: 1 }), wide);
  differentiates(experts({ ...smooth, capacity: 0.7 }), wide);
});

Deno.test("experts do not begin alike", () => {
  const { tensors } = runLayer(experts(settings), { x });
  const [first, second] = rowsOf(tensors.up, 12);
  assert.ok(first.every((value, i) => value !== second[i]));
});

Deno.test("more choices than experts are refused", () => {
  const { code, message } = failureOf(() => networkOfLayers(experts({ experts: 2, top: 3 }), { x: "f32[B,4]" }));
  assert.equal(code, "NEURAL_INPUT");
  assert.match(message, /3 of 2 experts/u);
});
