/**
 * Affine layers and tables, against onnxruntime, central differences and hand derivations.
 */
import assert from "node:assert/strict";
import { evaluate, grad, scalar, tensor, toFloats } from "../../../../plugins/ir/library.ts";
import {
  bilinear,
  embedding,
  feedForward,
  linear,
  matmul,
  networkOfLayers,
  sequential,
  shared,
  unembedding,
} from "../../../../plugins/neural/library.ts";
import {
  agrees,
  differentiates,
  failureOf,
  normals,
  numbers,
  onnx,
  resultTypes,
  runLayer,
  tensorsOf,
} from "./support.ts";

const x = normals("affine", [3, 5, 4]);

Deno.test("linear is onnxruntime's product and sum, whatever stands before the features", async () => {
  const { outputs: [y], tensors } = runLayer(linear({ width: 6 }), { x }, {
    tensors: { bias: normals("bias", [6]) },
  });
  const [theirs] = await onnx([["MatMul", ["x", "w"]], ["Add", ["0", "b"]]], { x }, {
    w: tensors.weight,
    b: tensors.bias,
  });
  agrees(y, theirs);
});

Deno.test("a linear layer has in·out + out parameters, and without bias in·out", () => {
  const count = (bias: boolean) =>
    networkOfLayers(linear({ width: 5, bias }), { x: "f32[B,10]" }).parameters
      .reduce((sum, { type }) => sum + type.shape.reduce((a, b) => a * b, 1), 0);
  assert.deepEqual([count(true), count(false)], [55, 50]);
});

Deno.test("a linear layer without a width keeps the width, and its batch stays open", () => {
  assert.deepEqual(resultTypes(linear(), { x: "f32[B,S,4]" }), ["f32[B,S,4]"]);
});

Deno.test("a width that is a symbol is refused by name, for a weight needs a number", () => {
  const { code, message, path } = failureOf(() => networkOfLayers(linear({ width: 3 }), { x: "f32[B,N]" }));
  assert.equal(code, "NEURAL_SIZE");
  assert.match(message, /its weight.*N/u);
  assert.equal(path, "/");
});

Deno.test("the bilinear form is onnxruntime's einsum", async () => {
  const [a, z] = [normals("a", [3, 2, 4]), normals("z", [3, 2, 5])];
  const { outputs: [y], tensors } = runLayer(bilinear({ width: 6 }), { a, z }, {
    tensors: { bias: normals("bias", [6]) },
  });
  const [theirs] = await onnx(
    [["Einsum", ["a", "w", "z"], { equation: "bsn,nmk,bsm->bsk" }], ["Add", ["0", "b"]]],
    { a, z },
    { w: tensors.weight, b: tensors.bias },
  );
  agrees(y, theirs);
});

Deno.test("the product of two inputs is onnxruntime's", async () => {
  const y = normals("y", [3, 4, 2]);
  const [theirs] = await onnx([["MatMul", ["x", "y"]]], { x, y });
  agrees(runLayer(matmul(), { x, y }).outputs[0], theirs);
});

Deno.test("affine gradients are those of central differences", () => {
  const wide = { x: normals("wide", [3, 5, 4], "f64") };
  differentiates(linear({ width: 6 }), wide);
  differentiates(bilinear({ width: 3 }), { ...wide, z: normals("z", [3, 5, 2], "f64") });
  differentiates(feedForward({ inner: 5 }), wide);
  differentiates(feedForward({ inner: 5, gated: true, activation: "silu", bias: false, drop: 0.3 }), wide);
});

Deno.test("the gradient of a linear layer is Xᵀ·G, as derived by hand", () => {
  const network = networkOfLayers(linear({ width: 2 }), { x: "f64[B,2]" });
  const cotangent = tensor("f64", [2, 2], [1, 10, 100, 1000]);
  const { results: [weight, bias] } = evaluate(
    grad(network.training, { wrt: ["weight", "bias"], cotangent: true }),
    [
      ...Object.values(tensorsOf(network)),
      scalar("i64", 0n),
      tensor("f64", [2, 2], [1, 2, 3, 4]),
      cotangent,
    ],
  );
  assert.deepEqual(numbers(weight), [301, 3010, 402, 4020]);
  assert.deepEqual(numbers(bias), [101, 1010]);
});

Deno.test("an embedding gives the rows of its table", async () => {
  const indices = tensor("i64", [2, 3], [4n, 0n, 2n, 2n, 2n, 1n]);
  const { outputs: [y], tensors } = runLayer(embedding({ vocabulary: 5, width: 3 }), { indices });
  const [theirs] = await onnx([["Gather", ["t", "indices"], { axis: 0 }]], { indices }, { t: tensors.table });
  assert.deepEqual(y.data, theirs.data);
});

Deno.test("the row of the padding index is zeros and its gradient zero; rows met twice get both gradients", () => {
  const network = networkOfLayers(embedding({ vocabulary: 4, width: 2, padding: 1 }), { indices: "i64[B,4]" });
  const tensors = Object.values(tensorsOf(network));
  const indices = tensor("i64", [1, 4], [3n, 1n, 3n, 0n]);
  const { results: [rows] } = evaluate(network.evaluation, [...tensors, scalar("i64", 0n), indices]);
  assert.deepEqual(numbers(rows).slice(2, 4), [0, 0]);
  assert.notEqual(numbers(rows)[0], 0);
  const cotangent = tensor("f32", [1, 4, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
  const { results: [slope] } = evaluate(
    grad(network.training, { wrt: ["table"], cotangent: true }),
    [...tensors, scalar("i64", 0n), indices, cotangent],
  );
  assert.deepEqual(numbers(slope), [7, 8, 0, 0, 0, 0, 6, 8]);
});

Deno.test("an unembedding scores with the very table of the embedding it is tied to, and both gradients reach it", () => {
  const tied = sequential(
    shared("tokens", embedding({ vocabulary: 5, width: 3 })),
    unembedding({ table: "tokens", vocabulary: 5 }),
  );
  const network = networkOfLayers(tied, { indices: "i64[B]" });
  assert.deepEqual(network.parameters.map(({ path }) => path), ["tokens/table"]);
  const indices = tensor("i64", [1], [2n]);
  const { outputs: [scores], tensors } = runLayer(tied, { indices });
  const table = toFloats(tensors["tokens/table"]);
  const row = [...table.subarray(6, 9)];
  const byHand = Array.from({ length: 5 }, (_, i) => row.reduce((sum, value, k) => sum + value * table[3 * i + k], 0));
  numbers(scores).forEach((score, i) => assert.ok(Math.abs(score - byHand[i]) < 1e-6));
  const { results: [slope] } = evaluate(
    grad(network.training, { wrt: ["tokens/table"], cotangent: true }),
    [tensors["tokens/table"], scalar("i64", 0n), indices, tensor("f32", [1, 5], [1, 0, 0, 0, 0])],
  );
  // d(t₂·t₀): t₂ into row 0, t₀ into row 2.
  const expected = [...row, 0, 0, 0, ...table.subarray(0, 3), 0, 0, 0, 0, 0, 0];
  numbers(slope).forEach((value, i) => assert.ok(Math.abs(value - expected[i]) < 1e-6));
});

Deno.test("a feed-forward layer is onnxruntime's two products around the activation, gated or not", async () => {
  const plain = runLayer(feedForward({ inner: 7, activation: "gelu" }), { x });
  const [theirs] = await onnx(
    [
      ["MatMul", ["x", "u"]],
      ["Add", ["0", "ub"]],
      ["Gelu", ["1"]],
      ["MatMul", ["2", "d"]],
      ["Add", ["3", "db"]],
    ],
    { x },
    {
      u: plain.tensors["up/weight"],
      ub: plain.tensors["up/bias"],
      d: plain.tensors["down/weight"],
      db: plain.tensors["down/bias"],
    },
  );
  agrees(plain.outputs[0], theirs);
  const gated = runLayer(feedForward({ inner: 7, activation: "silu", gated: true, bias: false }), { x });
  const [swiglu] = await onnx(
    [
      ["MatMul", ["x", "g"]],
      ["Sigmoid", ["0"]],
      ["Mul", ["0", "1"]],
      ["MatMul", ["x", "u"]],
      ["Mul", ["2", "3"]],
      ["MatMul", ["4", "d"]],
    ],
    { x },
    {
      g: gated.tensors["gate/weight"],
      u: gated.tensors["up/weight"],
      d: gated.tensors["down/weight"],
    },
  );
  agrees(gated.outputs[0], swiglu);
});

Deno.test("a feed-forward layer without an inner width is four times as wide inside", () => {
  const { parameters } = networkOfLayers(feedForward(), { x: "f32[B,S,6]" });
  assert.deepEqual(parameters.map(({ type }) => type.shape), [[6, 24], [24], [24, 6], [6]]);
});
