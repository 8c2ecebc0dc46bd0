/**
 * Normalisations, against onnxruntime, hand derivations and central differences.
 */
import assert from "node:assert/strict";
import { filled, type Tensor, tensor, toFloats } from "../../../../plugins/ir/library.ts";
import {
  batchNorm,
  groupNorm,
  instanceNorm,
  layerNorm,
  networkOfLayers,
  rmsNorm,
} from "../../../../plugins/neural/library.ts";
import { agrees, differentiates, normals, numbers, onnx, type RunHow, runLayer } from "./support.ts";

const [rows, image] = [normals("rows", [4, 3, 6]), normals("image", [3, 6, 4, 5])];

const affine = (size: number): { readonly tensors: { [path: string]: Tensor } } => ({
  tensors: { scale: normals("scale", [size]), shift: normals("shift", [size]) },
});

Deno.test("layer norm and RMS norm are onnxruntime's", async () => {
  const layer = runLayer(layerNorm({ epsilon: 1e-3 }), { x: rows }, affine(6));
  const [theirs] = await onnx(
    [["LayerNormalization", ["x", "s", "b"], { axis: -1, epsilon: 1e-3 }]],
    { x: rows },
    { s: layer.tensors.scale, b: layer.tensors.shift },
  );
  agrees(layer.outputs[0], theirs, 1e-5);
  const rms = runLayer(rmsNorm({ epsilon: 1e-3 }), { x: rows }, affine(6));
  const [mean] = await onnx(
    [
      ["Mul", ["x", "x"]],
      ["ReduceMean", ["0", "axes"]],
      ["Add", ["1", "e"]],
      ["Sqrt", ["2"]],
      ["Div", ["x", "3"]],
      ["Mul", ["4", "s"]],
    ],
    { x: rows },
    { axes: tensor("i64", [1], [-1n]), e: tensor("f32", [], [1e-3]), s: rms.tensors.scale },
  );
  agrees(rms.outputs[0], mean, 1e-5);
});

Deno.test("rows of a layer norm have mean 0 and variance 1", () => {
  const y = numbers(runLayer(layerNorm(), { x: rows }).outputs[0]);
  for (let row = 0; row < 12; row++) {
    const own = y.slice(row * 6, row * 6 + 6);
    const mean = own.reduce((sum, value) => sum + value, 0) / 6;
    assert.ok(Math.abs(mean) < 1e-6);
    assert.ok(Math.abs(own.reduce((sum, value) => sum + value ** 2, 0) / 6 - 1) < 1e-4);
  }
});

Deno.test("instance norm and group norm are onnxruntime's", async () => {
  const instance = runLayer(instanceNorm({ epsilon: 1e-3 }), { x: image }, affine(6));
  const { scale: s, shift: b } = instance.tensors;
  const [theirs] = await onnx([["InstanceNormalization", ["x", "s", "b"], { epsilon: 1e-3 }]], { x: image }, { s, b });
  agrees(instance.outputs[0], theirs, 1e-5);
  for (const groups of [1, 2, 3]) {
    const group = runLayer(groupNorm({ groups, epsilon: 1e-3 }), { x: image }, affine(6));
    const [grouped] = await onnx(
      [["GroupNormalization", ["x", "s", "b"], { num_groups: groups, epsilon: 1e-3 }]],
      { x: image },
      { s, b },
      ["0"],
      21,
    );
    agrees(group.outputs[0], grouped, 1e-5);
  }
});

const statistics = (): NonNullable<RunHow["tensors"]> => ({
  ...affine(6).tensors,
  mean: normals("mean", [6]),
  variance: tensor("f32", [6], [0.5, 1, 2, 3, 4, 5]),
});

Deno.test("batch norm outside training is onnxruntime's, by the running statistics", async () => {
  const { outputs: [y], state, tensors } = runLayer(batchNorm({ epsilon: 1e-3 }), { x: image }, {
    tensors: statistics(),
  });
  const [theirs] = await onnx(
    [["BatchNormalization", ["x", "s", "b", "m", "v"], { epsilon: 1e-3 }]],
    { x: image },
    { s: tensors.scale, b: tensors.shift, m: tensors.mean, v: tensors.variance },
  );
  agrees(y, theirs, 1e-5);
  assert.deepEqual(state, { mean: tensors.mean, variance: tensors.variance });
});

Deno.test("batch norm in training uses the batch and moves the running statistics, as onnxruntime does", async () => {
  const { outputs: [y], state, tensors } = runLayer(batchNorm({ epsilon: 1e-3, momentum: 0.2 }), { x: image }, {
    training: true,
    tensors: statistics(),
  });
  const [theirs, mean, variance] = await onnx(
    [["BatchNormalization", ["x", "s", "b", "m", "v"], { epsilon: 1e-3, momentum: 0.8, training_mode: 1 }, [
      "y",
      "mean",
      "variance",
    ]]],
    { x: image },
    { s: tensors.scale, b: tensors.shift, m: tensors.mean, v: tensors.variance },
    ["y", "mean", "variance"],
  );
  agrees(y, theirs, 1e-5);
  agrees(state.mean, mean, 1e-5);
  agrees(state.variance, variance, 1e-5);
});

Deno.test("batch norm of rows is that of images of one element", () => {
  const flat = normals("flat", [5, 6]);
  const wide = { ...flat, shape: [5, 6, 1, 1] };
  assert.deepEqual(
    runLayer(batchNorm(), { x: flat }, { training: true }).outputs[0].data,
    runLayer(batchNorm(), { x: wide }, { training: true }).outputs[0].data,
  );
});

Deno.test("the variance of a batch far from zero does not cancel", () => {
  const x = tensor("f32", [4, 1], [10_000, 10_001, 10_002, 10_003]);
  const y = numbers(runLayer(batchNorm({ epsilon: 0 }), { x }, { training: true }).outputs[0]);
  const [low, high] = [1.5, 0.5].map((away) => away / Math.sqrt(1.25));
  [-low, -high, high, low].forEach((expected, i) => assert.ok(Math.abs(y[i] - expected) < 1e-5, String(y)));
});

Deno.test("running statistics that are asked for again and again come near to those of the data", () => {
  let state: { readonly [path: string]: Tensor } = {};
  const x = tensor("f32", [4, 1], [1, 3, 5, 7]);
  for (let step = 0; step < 200; step++) {
    ({ state } = runLayer(batchNorm(), { x }, { training: true, tensors: state }));
  }
  assert.ok(Math.abs(toFloats(state.mean)[0] - 4) < 1e-4);
  assert.ok(Math.abs(toFloats(state.variance)[0] - 5) < 1e-4);
});

Deno.test("a norm without affine learns nothing", () => {
  const { parameters } = networkOfLayers(layerNorm({ affine: false }), { x: "f32[B,4]" });
  assert.deepEqual(parameters, []);
});

Deno.test("scales begin at one, shifts at zero, and weight decay reaches neither", () => {
  const { parameters, state } = networkOfLayers(batchNorm(), { x: "f32[B,4]" });
  assert.deepEqual(parameters.map(({ initial, decays }) => [initial.kind, decays]), [["ones", false], [
    "zeros",
    false,
  ]]);
  assert.deepEqual(state.map(({ initial }) => initial.kind), ["zeros", "ones"]);
});

Deno.test("gradients of every norm are those of central differences, through the batch's statistics too", () => {
  const x = normals("norm", [3, 6, 2, 2], "f64");
  const tensors = { scale: normals("scale", [6], "f64"), shift: normals("shift", [6], "f64") };
  for (const layer of [batchNorm(), groupNorm({ groups: 3 }), instanceNorm()]) {
    differentiates(layer, { x }, { tensors });
  }
  const last = { x: normals("norm", [3, 2, 6], "f64") };
  for (const layer of [layerNorm(), rmsNorm()]) differentiates(layer, last, { tensors });
});

Deno.test("a constant row is normalised to zeros, not to something undefined", () => {
  const x = filled("f32", [2, 5], 3);
  assert.deepEqual(numbers(runLayer(layerNorm(), { x }).outputs[0]), Array(10).fill(0));
  const zeros = filled("f32", [2, 5], 0);
  assert.deepEqual(numbers(runLayer(rmsNorm(), { x: zeros }).outputs[0]), Array(10).fill(0));
});
