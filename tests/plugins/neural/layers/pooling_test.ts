/**
 * Pools, against onnxruntime, a hand derivation and central differences.
 */
import assert from "node:assert/strict";
import { tensor } from "../../../../plugins/ir/library.ts";
import {
  adaptivePool,
  adaptivePool1d,
  avgPool,
  avgPool1d,
  globalMaxPool,
  globalPool,
  maxPool,
  maxPool1d,
  networkOfLayers,
} from "../../../../plugins/neural/library.ts";
import { agrees, differentiates, failureOf, normals, numbers, onnx, resultTypes, runLayer } from "./support.ts";

const [line, image] = [normals("line", [2, 3, 11]), normals("image", [2, 3, 9, 8])];

Deno.test("maxima and means of windows are onnxruntime's, with every border", async () => {
  for (const [window, stride, padding] of [[2, 2, 0], [3, 2, 1], [3, 1, 1], [4, 3, 2]]) {
    const settings = { window, stride, padding };
    const attributes = {
      kernel_shape: [window, window],
      strides: [stride, stride],
      pads: [padding, padding, padding, padding],
    };
    const along = { kernel_shape: [window], strides: [stride], pads: [padding, padding] };
    const [most] = await onnx([["MaxPool", ["x"], attributes]], { x: image });
    agrees(runLayer(maxPool(settings), { x: image }).outputs[0], most);
    const [most1] = await onnx([["MaxPool", ["x"], along]], { x: line });
    agrees(runLayer(maxPool1d(settings), { x: line }).outputs[0], most1);
    for (const countPadding of [false, true]) {
      const count = { count_include_pad: countPadding ? 1 : 0 };
      const [mean] = await onnx([["AveragePool", ["x"], { ...attributes, ...count }]], { x: image });
      agrees(runLayer(avgPool({ ...settings, countPadding }), { x: image }).outputs[0], mean);
      const [mean1] = await onnx([["AveragePool", ["x"], { ...along, ...count }]], { x: line });
      agrees(runLayer(avgPool1d({ ...settings, countPadding }), { x: line }).outputs[0], mean1);
    }
  }
});

Deno.test("a pool without a stride moves by its window", () => {
  assert.deepEqual(resultTypes(maxPool({ window: [2, 3] }), { x: "f32[B,3,8,9]" }), ["f32[B,3,4,3]"]);
  assert.deepEqual(resultTypes(avgPool1d(), { x: "f32[B,3,8]" }), ["f32[B,3,4]"]);
});

Deno.test("pools over all positions are onnxruntime's", async () => {
  const shape = tensor("i64", [2], [2n, 3n]);
  for (const [layer, op] of [[globalPool(), "GlobalAveragePool"], [globalMaxPool(), "GlobalMaxPool"]] as const) {
    const [theirs] = await onnx([[op, ["x"]], ["Reshape", ["0", "s"]]], { x: image }, { s: shape });
    agrees(runLayer(layer, { x: image }).outputs[0], theirs);
  }
});

Deno.test("a pool to a size covers floor(i·n/m) to ceil((i+1)·n/m), counted by hand", () => {
  const x = tensor("f32", [1, 1, 5], [1, 2, 4, 8, 16]);
  // Five to three: [0,2), [1,4), [3,5).
  assert.deepEqual(numbers(runLayer(adaptivePool1d({ size: 3 }), { x }).outputs[0]), [1.5, Math.fround(14 / 3), 12]);
  assert.deepEqual(numbers(runLayer(adaptivePool1d({ size: 3, kind: "max" }), { x }).outputs[0]), [2, 8, 16]);
  const grid = tensor("f32", [1, 1, 2, 3], [1, 2, 3, 4, 5, 6]);
  // Rows whole; three columns to two: [0,2), [1,3).
  assert.deepEqual(numbers(runLayer(adaptivePool({ size: [1, 2] }), { x: grid }).outputs[0]), [3, 4]);
});

Deno.test("gradients of pools are those of central differences", () => {
  const [l, i] = [{ x: normals("line", [2, 3, 11], "f64") }, { x: normals("image", [2, 3, 9, 8], "f64") }];
  for (const layer of [maxPool({ window: 3, stride: 2, padding: 1 }), avgPool({ window: 3, stride: 2, padding: 1 })]) {
    differentiates(layer, i);
  }
  for (const layer of [maxPool1d(), avgPool1d({ window: 3 }), adaptivePool1d({ size: 4 })]) differentiates(layer, l);
  for (const layer of [globalPool(), globalMaxPool(), adaptivePool({ size: [2, 3], kind: "max" })]) {
    differentiates(layer, i);
  }
});

Deno.test("a pool of sequences refuses images by name", () => {
  const { code, message } = failureOf(() => networkOfLayers(maxPool1d(), { x: "f32[B,3,8,8]" }));
  assert.equal(code, "NEURAL_INPUT");
  assert.match(message, /max_pool1d.*batch, channels, steps/u);
});
