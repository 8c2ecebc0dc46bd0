/**
 * Low-rank adapters: they begin as the layer, learn beside it, and can be added to it.
 */
import assert from "node:assert/strict";
import { type Tensor, tensor } from "../../../../plugins/ir/library.ts";
import {
  conv2d,
  feedForward,
  frozen,
  type Layer,
  layerNorm,
  linear,
  lora,
  mergedLora,
  networkOfLayers,
  sequential,
} from "../../../../plugins/neural/library.ts";
import { agrees, differentiates, normals, numbers, onnx, runLayer, tensorsOf } from "./support.ts";

const x = normals("adapter", [3, 4]);
const base = sequential(linear({ width: 6 }), layerNorm(), feedForward({ gated: true, activation: "silu" }));

Deno.test("an adapted layer begins as the layer itself, whatever the layer is", () => {
  for (const [layer, given] of [[base, x], [conv2d({ width: 3 }), normals("image", [2, 2, 5, 5])]] as const) {
    const alone = runLayer(layer, { x: given });
    const adapted = runLayer(lora(layer, { rank: 2 }), { x: given });
    assert.deepEqual(numbers(adapted.outputs[0]), numbers(alone.outputs[0]));
  }
});

Deno.test("the layer's own tensors keep their paths and are frozen; two small ones for each matrix learn", () => {
  const { parameters } = networkOfLayers(lora(sequential(linear({ width: 6 }), layerNorm()), { rank: 2 }), {
    x: "f32[B,4]",
  });
  assert.deepEqual(
    parameters.map(({ path, trained, type }) => [path, trained, type.shape.join("×")]),
    [
      ["0/weight", false, "4×6"],
      ["0/weight_lora_a", true, "4×2"],
      ["0/weight_lora_b", true, "2×6"],
      ["0/bias", false, "6"],
      ["1/scale", false, "6"],
      ["1/shift", false, "6"],
    ],
  );
});

const moved = (layer: Layer): { [path: string]: Tensor } => {
  const network = networkOfLayers(layer, { x: "f32[B,4]" });
  const tensors = tensorsOf(network);
  return Object.fromEntries(
    Object.entries(tensors).map(([path, value]) => [path, path.endsWith("_b") ? normals(path, value.shape) : value]),
  );
};

Deno.test("an adapted product is x·W + (alpha/rank)·x·A·B, as onnxruntime computes it", async () => {
  const layer = lora(linear({ width: 6, bias: false }), { rank: 2, alpha: 6 });
  const { outputs: [y], tensors } = runLayer(layer, { x }, { tensors: moved(layer) });
  const [theirs] = await onnx(
    [
      ["MatMul", ["x", "w"]],
      ["MatMul", ["x", "a"]],
      ["MatMul", ["1", "b"]],
      ["Mul", ["2", "s"]],
      ["Add", ["0", "3"]],
    ],
    { x },
    {
      w: tensors.weight,
      a: tensors.weight_lora_a,
      b: tensors.weight_lora_b,
      s: tensor("f32", [], [3]),
    },
  );
  agrees(y, theirs);
});

Deno.test("merged tensors in the layer alone compute what the adapted layer computes", () => {
  const settings = { rank: 3, alpha: 2 };
  const layer = lora(base, settings);
  const adapted = runLayer(layer, { x }, { tensors: moved(layer) });
  const merged = mergedLora(new Map(Object.entries(adapted.tensors)), settings);
  assert.deepEqual(
    [...merged.keys()],
    networkOfLayers(base, { x: "f32[B,4]" }).parameters.map(({ path }) => path),
  );
  const alone = runLayer(base, { x }, { tensors: Object.fromEntries(merged) });
  agrees(alone.outputs[0], adapted.outputs[0], 1e-5);
});

Deno.test("gradients through adapters are those of central differences", () => {
  const wide = { x: normals("wide", [3, 4], "f64") };
  const layer = lora(linear({ width: 5 }), { rank: 2 });
  const tensors = { weight_lora_b: normals("b", [2, 5], "f64") };
  differentiates(layer, wide, { tensors });
  differentiates(lora(base, { rank: 2 }), wide);
});

Deno.test("of adapters in adapters the innermost counts; a frozen layer is adapted all the same", () => {
  const ranks = (layer: Layer) =>
    networkOfLayers(layer, { x: "f32[B,4]" }).parameters.map(({ path, trained, type }) => [path, trained, type.shape]);
  const inner = lora(linear({ bias: false }), { rank: 1 });
  assert.deepEqual(ranks(lora(inner, { rank: 2 })), ranks(inner));
  assert.deepEqual(ranks(lora(frozen(linear({ bias: false })), { rank: 1 })), ranks(inner));
  assert.ok(networkOfLayers(frozen(inner), { x: "f32[B,4]" }).parameters.every(({ trained }) => !trained));
});
