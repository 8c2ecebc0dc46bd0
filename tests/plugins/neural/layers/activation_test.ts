/**
 * Activations, against onnxruntime and central differences, and the properties that the table states.
 */
import assert from "node:assert/strict";
import { filled, type Tensor, tensor } from "../../../../plugins/ir/library.ts";
import {
  elu,
  gelu,
  type Layer,
  leakyRelu,
  logSoftmax,
  mish,
  prelu,
  relu,
  sigmoid,
  silu,
  softmax,
  softplus,
  tanh,
} from "../../../../plugins/neural/library.ts";
import { agrees, differentiates, normals, numbers, onnx, type OnnxNode, runLayer } from "./support.ts";

const x = tensor("f32", [2, 9], [-30, -8, -2, -0.7, -0.1, 0, 0.1, 0.7, 2, 8, 30, -1, 1, -4, 4, 0.3, -0.3, 90]);

const SAME: ReadonlyArray<readonly [Layer, ReadonlyArray<OnnxNode>]> = [
  [relu(), [["Relu", ["x"]]]],
  [gelu(), [["Gelu", ["x"]]]],
  [gelu({ approximate: true }), [["Gelu", ["x"], { approximate: "tanh" }]]],
  [silu(), [["Sigmoid", ["x"]], ["Mul", ["x", "0"]]]],
  [sigmoid(), [["Sigmoid", ["x"]]]],
  [tanh(), [["Tanh", ["x"]]]],
  [softplus(), [["Softplus", ["x"]]]],
  [mish(), [["Mish", ["x"]]]],
  [leakyRelu({ slope: 0.25 }), [["LeakyRelu", ["x"], { alpha: 0.25 }]]],
  [elu({ scale: 1.5 }), [["Elu", ["x"], { alpha: 1.5 }]]],
  [prelu(), [["PRelu", ["x", "s"]]]],
  [softmax(), [["Softmax", ["x"], { axis: -1 }]]],
  [softmax({ axis: 0 }), [["Softmax", ["x"], { axis: 0 }]]],
  [logSoftmax(), [["LogSoftmax", ["x"], { axis: -1 }]]],
];

Deno.test("every activation is onnxruntime's, far from zero too", async () => {
  for (const [layer, nodes] of SAME) {
    const [theirs] = await onnx(nodes, { x }, { s: filled("f32", [1], 0.25) });
    agrees(runLayer(layer, { x }).outputs[0], theirs);
  }
});

Deno.test("gradients of activations are those of central differences", () => {
  const near = { x: normals("near", [4, 5], "f64") };
  for (const [layer] of SAME) differentiates(layer, near);
});

Deno.test("no activation gives NaN or infinity at numbers of any size", () => {
  const wide = tensor("f32", [1, 6], [-3e38, -1e10, -88, 88, 1e10, 3e38]);
  for (const [layer] of SAME) {
    const y = numbers(runLayer(layer, { x: wide }).outputs[0]);
    assert.ok(y.every((value) => !Number.isNaN(value)), `${layer.kind}: ${y}`);
    if (layer.kind !== "log_softmax") assert.ok(y.every(Number.isFinite), `${layer.kind}: ${y}`);
  }
});

Deno.test("the softmax of equal scores shares evenly, of one far above gives it all", () => {
  const given = (values: ReadonlyArray<number>): Tensor => tensor("f32", [1, 4], values);
  assert.deepEqual(numbers(runLayer(softmax(), { x: given([7, 7, 7, 7]) }).outputs[0]), Array(4).fill(0.25));
  assert.deepEqual(numbers(runLayer(softmax(), { x: given([0, 500, 0, 0]) }).outputs[0]), [0, 1, 0, 0]);
});
