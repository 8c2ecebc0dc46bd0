/**
 * Attention without maps: onnxruntime's products and softmax, blocks against the whole, sums by hand.
 */
import assert from "node:assert/strict";
import { costOf, type Tensor, tensor } from "../../../../plugins/ir/library.ts";
import {
  flashAttention,
  linearAttention,
  networkOfLayers,
  scaledDotProduct,
} from "../../../../plugins/neural/library.ts";
import { agrees, differentiates, failureOf, normals, numbers, onnx, runLayer, typesOf } from "./support.ts";

const given = (dtype: "f32" | "f64" = "f32", steps = 7, keys = steps) => ({
  q: normals("q", [2, 3, steps, 4], dtype),
  k: normals("k", [2, 3, keys, 4], dtype),
  v: normals("v", [2, 3, keys, 5], dtype),
});

const inOnnx = async (inputs: { readonly [name: string]: Tensor }, bias?: Tensor): Promise<Tensor> => {
  const [made] = await onnx(
    [
      ["Transpose", ["k"], { perm: [0, 1, 3, 2] }],
      ["MatMul", ["q", "0"]],
      ["Mul", ["1", "scale"]],
      ["Add", ["2", "bias"]],
      ["Softmax", ["3"], { axis: -1 }],
      ["MatMul", ["4", "v"]],
    ],
    inputs,
    { scale: tensor("f32", [], [0.5]), bias: bias ?? tensor("f32", [], [0]) },
  );
  return made;
};

const past = (steps: number): Tensor =>
  tensor(
    "f32",
    [steps, steps],
    Array.from({ length: steps ** 2 }, (_, i) => i % steps > Math.floor(i / steps) ? -1e9 : 0),
  );

Deno.test("scaled dot-product attention is onnxruntime's, over any number of keys", async () => {
  for (const keys of [1, 4, 7]) {
    const inputs = given("f32", 7, keys);
    agrees(runLayer(scaledDotProduct(), inputs).outputs[0], await inOnnx(inputs));
  }
});

Deno.test("a causal one sees itself and earlier positions; masks of booleans and of numbers join it", async () => {
  const inputs = given();
  agrees(runLayer(scaledDotProduct({ causal: true }), inputs).outputs[0], await inOnnx(inputs, past(7)));
  const added = normals("mask", [2, 1, 7, 7]);
  agrees(runLayer(scaledDotProduct(), { ...inputs, added }).outputs[0], await inOnnx(inputs, added));
  const seen = tensor("bool", [2, 1, 1, 7], Array.from({ length: 14 }, (_, i) => i % 7 !== 2));
  const hidden = tensor("f32", [2, 1, 1, 7], Array.from({ length: 14 }, (_, i) => i % 7 !== 2 ? 0 : -1e9));
  agrees(runLayer(scaledDotProduct(), { ...inputs, seen }).outputs[0], await inOnnx(inputs, hidden));
});

Deno.test("attention by blocks is attention, whatever the block and whether it divides the keys", () => {
  for (const causal of [false, true]) {
    for (const block of [1, 2, 3, 7, 64]) {
      const [whole] = runLayer(scaledDotProduct({ causal }), given()).outputs;
      agrees(runLayer(flashAttention({ causal, block }), given()).outputs[0], whole);
    }
  }
});

Deno.test("attention by blocks stays finite where scores are large", () => {
  const inputs = given();
  const large = { ...inputs, q: tensor("f32", inputs.q.shape, numbers(inputs.q).map((value) => value * 1e4)) };
  const [whole] = runLayer(scaledDotProduct(), large).outputs;
  const [made] = runLayer(flashAttention({ block: 2 }), large).outputs;
  assert.ok(numbers(made).every(Number.isFinite));
  agrees(made, whole, 1e-4);
});

Deno.test("attention by blocks holds fewer bytes at once than all scores take", () => {
  const types = { q: "f32[B,512,8]", k: "f32[B,512,8]", v: "f32[B,512,8]" };
  const [whole, blocks] = [scaledDotProduct(), flashAttention({ block: 16 })]
    .map((layer) => costOf(networkOfLayers(layer, types).evaluation, { B: 1 }).peakBytes!);
  assert.ok(blocks < whole / 4, `${blocks} of ${whole}`);
});

const linearByHand = (inputs: { readonly [name: string]: Tensor }, causal: boolean): ReadonlyArray<number> => {
  const feature = (x: number): number => x > 0 ? x + 1 : Math.exp(x);
  const [q, k, v] = [numbers(inputs.q).map(feature), numbers(inputs.k).map(feature), numbers(inputs.v)];
  const made: number[] = [];
  for (let n = 0; n < 6; n++) {
    for (let s = 0; s < 7; s++) {
      const weights = Array.from({ length: 7 }, (_, t) => {
        if (causal && t > s) return 0;
        let sum = 0;
        for (let d = 0; d < 4; d++) sum += q[(n * 7 + s) * 4 + d] * k[(n * 7 + t) * 4 + d];
        return sum;
      });
      const all = weights.reduce((sum, weight) => sum + weight, 0);
      for (let e = 0; e < 5; e++) {
        made.push(weights.reduce((sum, weight, t) => sum + weight * v[(n * 7 + t) * 5 + e], 0) / all);
      }
    }
  }
  return made;
};

Deno.test("linear attention is the weighted mean by φ(q)·φ(k), by hand, causal or not", () => {
  for (const causal of [false, true]) {
    const [y] = runLayer(linearAttention({ causal }), given()).outputs;
    agrees(y, tensor("f32", [2, 3, 7, 5], linearByHand(given(), causal)));
  }
});

Deno.test("gradients of all three forms are those of central differences", () => {
  for (const causal of [false, true]) {
    for (
      const layer of [scaledDotProduct({ causal }), flashAttention({ causal, block: 2 }), linearAttention({ causal })]
    ) {
      differentiates(layer, given("f64", 3));
    }
  }
});

Deno.test("what does not fit is refused: ranks, open keys in blocks, causal with other keys", () => {
  const on = (layer: Parameters<typeof networkOfLayers>[0], types: { readonly [name: string]: string }) =>
    failureOf(() => networkOfLayers(layer, types));
  const q = "f32[B,4,8]";
  assert.equal(on(scaledDotProduct(), { q, k: "f32[B,2,4,8]", v: q }).code, "NEURAL_INPUT");
  assert.equal(on(scaledDotProduct(), { q: "f32[B]", k: q, v: q }).code, "NEURAL_INPUT");
  assert.equal(on(flashAttention(), { q, k: "f32[B,S,8]", v: "f32[B,S,8]" }).code, "NEURAL_SIZE");
  assert.equal(on(linearAttention({ causal: true }), { q, k: "f32[B,5,8]", v: "f32[B,5,8]" }).code, "NEURAL_INPUT");
  assert.equal(on(scaledDotProduct(), typesOf({ q: normals("q", [1, 2, 3]) }) as never).code, "NEURAL_COUNT");
});
