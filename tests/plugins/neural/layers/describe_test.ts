/**
 * Descriptions: counts against formulas written by hand, and the laws that tie a network's counts to its layers'.
 */
import assert from "node:assert/strict";
import { costOf } from "../../../../plugins/ir/library.ts";
import {
  batchNorm,
  conv2d,
  describeNetwork,
  dropout,
  flatten,
  frozen,
  identity,
  linear,
  maxPool,
  networkOfLayers,
  parallel,
  relu,
  residualBlock,
  sequential,
} from "../../../../plugins/neural/library.ts";

const mlp = networkOfLayers(sequential(linear({ width: 128 }), relu(), linear({ width: 10 })), { x: "f32[B,784]" });

Deno.test("a network's parameters, bytes and operations are those counted by hand", () => {
  const { parameters, state, flops, inputs, outputs } = describeNetwork(mlp, { batch: 32 });
  const count = 784 * 128 + 128 + 128 * 10 + 10;
  assert.deepEqual(parameters, { elements: count, trained: count, bytes: 4 * count });
  assert.deepEqual(state, { elements: 0, bytes: 0 });
  // Two products, two shifts; a comparison and a choice cost nothing.
  const forward = 32 * (2 * 784 * 128 + 128 + 2 * 128 * 10 + 10);
  assert.equal(flops.forward, forward);
  assert.deepEqual([inputs, outputs], [[{ name: "x", type: "f32[B,784]" }], [{ name: "output", type: "f32[B,10]" }]]);
});

Deno.test("training adds the products of the gradients: of both weights, and of the hidden layer", () => {
  const { flops } = describeNetwork(mlp, { batch: 32 });
  const products = 32 * 2 * (784 * 128 + 2 * 128 * 10);
  // Besides the products, each shift's gradient sums its rows.
  const sums = 32 * (128 + 10);
  assert.equal(Number(flops.training) - Number(flops.forward), products + sums);
});

Deno.test("without a batch operations are a polynomial that gives the number for every batch", () => {
  const open = describeNetwork(mlp).flops;
  for (const batch of [1, 7]) {
    const known = describeNetwork(mlp, { batch }).flops;
    assert.equal(Number(String(open.forward).replace("*B", "")) * batch, known.forward);
    assert.equal(Number(String(open.training).replace("*B", "")) * batch, known.training);
  }
});

Deno.test("layers' parameters and operations add up to the network's", () => {
  const network = networkOfLayers(
    sequential(
      conv2d({ width: 8, kernel: 5, stride: 2 }),
      batchNorm(),
      relu(),
      maxPool(),
      flatten(),
      residualBlock(frozen(linear()), { drop: 0.1 }),
      linear({ width: 10 }),
    ),
    { x: "f32[B,1,28,28]" },
  );
  const described = describeNetwork(network, { batch: 4 });
  const sum = (of: "parameters" | "trained" | "flops") =>
    described.layers.reduce((total, layer) => total + Number(layer[of]), 0);
  assert.equal(sum("parameters"), described.parameters.elements);
  assert.equal(sum("trained"), described.parameters.trained);
  assert.equal(sum("flops"), described.flops.forward);
  assert.equal(described.state.elements, 16);
  assert.equal(described.parameters.elements - described.parameters.trained, 392 * 392 + 392);
  const paths = described.layers.map(({ path }) => path);
  assert.deepEqual(paths.slice(0, 2), ["0", "1"]);
  assert.ok(paths.includes("5/norm") && paths.includes("5/body"));
});

Deno.test("a convolution costs 2·width·channels·kernel for each position of its result", () => {
  const network = networkOfLayers(conv2d({ width: 16, kernel: 3, padding: 0, bias: false }), { x: "f32[B,3,32,32]" });
  assert.equal(describeNetwork(network, { batch: 2 }).flops.forward, 2 * 2 * 16 * 3 * 9 * 30 * 30);
});

Deno.test("what learns nothing costs the same in training, and several results are counted together", () => {
  const still = networkOfLayers(sequential(frozen(linear()), dropout({ rate: 0 })), { x: "f32[B,4]" });
  const described = describeNetwork(still, { batch: 3 });
  assert.equal(described.flops.training, described.flops.forward);
  const two = networkOfLayers(parallel(linear(), identity()), { x: "f32[B,4]" });
  const [one, both] = [networkOfLayers(linear(), { x: "f32[B,4]" }), two]
    .map((network) => Number(describeNetwork(network, { batch: 3 }).flops.training));
  assert.ok(both >= one);
});

Deno.test("the peak is what the evaluator holds at once", () => {
  const { peakBytes } = describeNetwork(mlp, { batch: 32 });
  assert.equal(peakBytes, costOf(mlp.evaluation, { B: 32 }).peakBytes);
  assert.equal(describeNetwork(mlp).peakBytes, undefined);
});
