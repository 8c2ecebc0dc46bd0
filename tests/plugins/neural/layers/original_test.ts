/**
 * What the original's layers got wrong (its behaviour specification, §13, §14, §20.2, §29, §30), each as what is right.
 * Values that other tests of layers judge in full are not judged here again.
 */
import assert from "node:assert/strict";
import { evaluate, filled, grad, scalar, type Tensor, tensor } from "../../../../plugins/ir/library.ts";
import {
  attention,
  batchNorm,
  conv2d,
  describeLayer,
  describeNetwork,
  dropout,
  embedding,
  feedForward,
  gru,
  initialValues,
  type InputTypes,
  type Layer,
  LAYERS,
  linear,
  lstm,
  networkOfLayers,
  residual,
  residualBlock,
  rmsNorm,
  sequential,
} from "../../../../plugins/neural/library.ts";
import { failureOf, normals, numbers, resultTypes, runLayer, tensorsOf } from "./support.ts";

const parametersOf = (layer: Layer, types: InputTypes): number =>
  describeNetwork(networkOfLayers(layer, types)).parameters.elements;

Deno.test("parameter counts are 55 and 50 of a linear map, 448 of a convolution, 128 of a norm over 64 features", () => {
  assert.equal(parametersOf(linear({ width: 5 }), { x: "f32[B,10]" }), 55);
  assert.equal(parametersOf(linear({ width: 4, bias: false }), { x: "f32[B,8]" }), 32);
  assert.equal(parametersOf(conv2d({ width: 16, kernel: 3 }), { x: "f32[B,3,32,32]" }), 448);
  assert.equal(parametersOf(batchNorm(), { x: "f32[B,64]" }), 128);
});

Deno.test("attention over a sequence of 3 by 2 heads gives [1,3,8], and its gradient reaches all four maps", () => {
  const x = normals("sequence", [1, 3, 8]);
  const { outputs: [y] } = runLayer(attention({ heads: 2 }), { x });
  assert.deepEqual(y.shape, [1, 3, 8]);
  const network = networkOfLayers(attention({ heads: 2 }), { x: "f32[B,3,8]" });
  const { results } = evaluate(
    grad(network.training, { wrt: network.parameters.map(({ path }) => path), cotangent: true }),
    [...Object.values(tensorsOf(network)), scalar("i64", 0n), x, normals("cotangent", [1, 3, 8])],
  );
  assert.equal(results.length, 4);
  assert.ok(results.every((slope) => numbers(slope).some((value) => value !== 0)));
});

Deno.test("queries, keys and values begin differently", () => {
  const network = networkOfLayers(attention({ heads: 2 }), { x: "f32[B,3,8]" });
  const spelled = initialValues(network, 42).parameters.map((value) => numbers(value).join());
  assert.equal(new Set(spelled).size, 4);
});

Deno.test("the second input of an attention is what it attends to", () => {
  const x = normals("x", [1, 3, 8]);
  const [a, b] = ["one", "two"].map((seed) =>
    numbers(runLayer(attention({ heads: 2 }), { x, context: normals(seed, [1, 5, 8]) }).outputs[0])
  );
  assert.ok(a.some((value, i) => Math.abs(value - b[i]) > 1e-3));
});

Deno.test("a share of attention that is dropped is dropped, in training only", () => {
  const x = normals("x", [1, 6, 8]);
  const of = (training: boolean, drop: number) =>
    numbers(runLayer(attention({ heads: 2, drop }), { x }, { training }).outputs[0]);
  assert.deepEqual(of(false, 0.5), of(false, 0));
  assert.notDeepEqual(of(true, 0.5), of(true, 0));
});

Deno.test("leading axes of any number are a batch", () => {
  for (const layer of [linear({ width: 3 }), feedForward({ width: 3 })]) {
    assert.deepEqual(resultTypes(layer, { x: "f32[B,2,5,4]" }), ["f32[B,2,5,3]"]);
  }
});

Deno.test("running statistics are used outside training: a batch norm that has seen data is not the identity", () => {
  const x = tensor("f32", [4, 1], [10, 12, 14, 16]);
  const { state } = runLayer(batchNorm(), { x }, { training: true });
  assert.ok(Math.abs(numbers(state.mean)[0] - 1.3) < 1e-5, "a tenth of the batch's mean, 13");
  const fresh = numbers(runLayer(batchNorm(), { x }).outputs[0]);
  const seen = numbers(runLayer(batchNorm(), { x }, { tensors: state }).outputs[0]);
  assert.ok(fresh.every((value, i) => Math.abs(value - seen[i]) > 1e-3));
});

Deno.test("there is one batch norm, for rows and for images", () => {
  assert.deepEqual(resultTypes(batchNorm(), { x: "f32[B,6]" }), ["f32[B,6]"]);
  assert.deepEqual(resultTypes(batchNorm(), { x: "f32[B,6,4,4]" }), ["f32[B,6,4,4]"]);
});

Deno.test("a dropout drops other elements at every step: its mask follows the step's seed", () => {
  const x = filled("f32", [1, 100], 1);
  const masks = [1, 2, 3].map((seed) =>
    numbers(runLayer(dropout({ rate: 0.5 }), { x }, { training: true, seed }).outputs[0]).join()
  );
  assert.equal(new Set(masks).size, 3);
  const zeros = numbers(runLayer(dropout({ rate: 0.5 }), { x }, { training: true }).outputs[0])
    .filter((value) => value === 0).length;
  assert.ok(zeros >= 1 && zeros <= 99);
});

Deno.test("an LSTM gives its cell state, and a GRU starts anew from the seed that it is given", () => {
  const x = normals("x", [2, 5, 3]);
  const [shown, last, cell] = runLayer(lstm({ width: 4, states: true }), { x }).outputs;
  assert.deepEqual([shown.shape, last.shape, cell.shape], [[2, 5, 4], [1, 2, 4], [1, 2, 4]]);
  assert.notDeepEqual(numbers(last), numbers(cell));
  const starts = (seed: number) =>
    numbers(initialValues(networkOfLayers(gru(), { x: "f32[B,5,3]" }), seed).parameters[0]);
  assert.deepEqual(starts(123), starts(123));
  assert.notDeepEqual(starts(123), starts(124));
});

Deno.test("an embedding takes integers: floats are refused", () => {
  const { code } = failureOf(() => networkOfLayers(embedding({ vocabulary: 4 }), { x: "f32[B]" }));
  assert.equal(code, "RMIL_OPERAND");
});

Deno.test("a residual adds what its layer makes, not the input once more", () => {
  const x = normals("x", [2, 4]);
  const { outputs: [y], tensors } = runLayer(residual(linear({ bias: false })), { x });
  const weight = numbers(tensors.weight);
  numbers(x).forEach((value, at) => {
    const [row, column] = [Math.floor(at / 4), at % 4];
    const made = [0, 1, 2, 3].reduce((sum, k) => sum + numbers(x)[row * 4 + k] * weight[k * 4 + column], 0);
    assert.ok(Math.abs(numbers(y)[at] - value - made) < 1e-6);
  });
});

Deno.test("what the original's documents name and its code lacks is there", () => {
  for (const kind of ["encoder_block", "decoder_block", "feed_forward", "drop_path", "instance_norm"]) {
    assert.ok(LAYERS.has(kind), kind);
  }
  for (const kind of ["max_pool", "conv1d", "conv3d", "conv_transpose2d", "separable_conv2d"]) {
    assert.ok(LAYERS.has(kind), kind);
  }
});

Deno.test("GeLU is not declared monotonic, and convolution has result, parameters and operations", () => {
  assert.equal(describeLayer("gelu").properties.monotonic, undefined);
  const [conv] = describeLayer("conv2d").catalogue;
  assert.ok([conv.results, conv.parameters, conv.flops].every((formula) => formula !== "0"));
});

Deno.test("memory is counted: a linear layer's bytes are those of its tensors", () => {
  const { parameters, bytes } = describeNetwork(networkOfLayers(linear({ width: 5 }), { x: "f32[B,10]" }), {
    batch: 2,
  });
  assert.equal(parameters.bytes, 4 * 55);
  // Operands and result of the product, and of the sum with its shift.
  assert.equal(bytes, 4 * ((20 + 50 + 10) + (5 + 10) + (10 + 10 + 10)));
});

Deno.test("the same seed gives the same network, and every tensor of it has values of its own", () => {
  const network = networkOfLayers(sequential(residualBlock(feedForward()), rmsNorm(), linear()), { x: "f32[B,4]" });
  const drawn = (seed: number): ReadonlyArray<Tensor> => initialValues(network, seed).parameters;
  assert.deepEqual(drawn(7), drawn(7));
  const matrices = drawn(7).filter(({ shape }) => shape.length === 2).map((value) => numbers(value)[0]);
  assert.equal(new Set(matrices).size, matrices.length);
});
