/**
 * Layers that arrange others: order, branches, residuals, sharing, freezing, and the failures of what does not fit.
 */
import assert from "node:assert/strict";
import { evaluate, grad, isConcrete, scalar, tensor } from "../../../../plugins/ir/library.ts";
import {
  added,
  concatenated,
  denseSkip,
  dropout,
  flatten,
  frozen,
  identity,
  type Layer,
  layerOf,
  LAYERS,
  linear,
  multiplied,
  named,
  networkOfLayers,
  parallel,
  patches,
  relu,
  repeated,
  reshape,
  residual,
  residualBlock,
  sequential,
  shared,
  startedWith,
  transposed,
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

const x = normals("structure", [3, 4]);
const paths = (layer: Layer, type = "f32[B,4]") =>
  networkOfLayers(layer, { x: type }).parameters.map(({ path }) => path);

Deno.test("layers one after another are what onnxruntime makes of them one after another", async () => {
  const { outputs: [y], tensors } = runLayer(sequential(linear({ width: 8 }), relu(), linear({ width: 2 })), { x });
  const [theirs] = await onnx(
    [["MatMul", ["x", "a"]], ["Relu", ["0"]], ["MatMul", ["1", "b"]]],
    { x },
    { a: tensors["0/weight"], b: tensors["2/weight"] },
  );
  agrees(y, theirs);
});

Deno.test("names stand in paths, positions where there is no name", () => {
  assert.deepEqual(paths(sequential(named("first", linear({ bias: false })), relu(), linear({ bias: false }))), [
    "first/weight",
    "2/weight",
  ]);
});

Deno.test("branches see the same inputs, and their results are joined, summed or multiplied", () => {
  const branches = parallel(identity(), relu());
  const rectified = numbers(x).map((value) => Math.max(0, value));
  const [joined] = runLayer(sequential(branches, concatenated()), { x }).outputs;
  assert.deepEqual(joined.shape, [3, 8]);
  assert.deepEqual(numbers(joined).slice(4, 8), rectified.slice(0, 4));
  const summed = numbers(runLayer(sequential(branches, added()), { x }).outputs[0]);
  assert.deepEqual(summed, numbers(x).map((value, i) => Math.fround(value + rectified[i])));
  const product = numbers(runLayer(sequential(branches, multiplied()), { x }).outputs[0]);
  assert.deepEqual(product, numbers(x).map((value, i) => Math.fround(value * rectified[i])));
});

Deno.test("a residual adds the input to what the layer makes, a dense skip sets it beside", () => {
  const doubled = startedWith({ weight: { kind: "identity" } }, linear({ bias: false }));
  const sum = numbers(runLayer(residual(doubled), { x }).outputs[0]);
  assert.deepEqual(sum, numbers(x).map((value) => 2 * value));
  assert.deepEqual(resultTypes(denseSkip(linear({ width: 3 })), { x: "f32[B,4]" }), ["f32[B,7]"]);
});

Deno.test("a residual whose layer changes the shape is refused, and the path says where", () => {
  const { code, message, path } = failureOf(() =>
    networkOfLayers(sequential(relu(), residual(linear({ width: 5 }))), { x: "f32[B,4]" })
  );
  assert.equal(code, "NEURAL_INPUT");
  assert.match(message, /f32\[B,5\].*cannot be added/u);
  assert.equal(path, "/1");
});

Deno.test("a residual block normalises before or after, as onnxruntime does", async () => {
  const map = linear({ bias: false });
  const own = { axis: -1, epsilon: 1e-5 };
  const pre = runLayer(residualBlock(map), { x });
  const norm = { s: pre.tensors["norm/scale"], b: pre.tensors["norm/shift"], w: pre.tensors["body/weight"] };
  const [before] = await onnx(
    [["LayerNormalization", ["x", "s", "b"], own], ["MatMul", ["0", "w"]], ["Add", ["x", "1"]]],
    { x },
    norm,
  );
  agrees(pre.outputs[0], before, 1e-5);
  const post = runLayer(residualBlock(map, { order: "post" }), { x });
  const [after] = await onnx(
    [["MatMul", ["x", "w"]], ["Add", ["x", "0"]], ["LayerNormalization", ["1", "s", "b"], own]],
    { x },
    norm,
  );
  agrees(post.outputs[0], after, 1e-5);
  assert.deepEqual(paths(residualBlock(map, { order: "none" })), ["body/weight"]);
});

Deno.test("a residual block that drops a sample's path gives the sample as it is", () => {
  const block = residualBlock(linear(), { dropPath: 0.5 });
  const given = normals("samples", [32, 4]);
  const y = numbers(runLayer(block, { x: given }, { training: true }).outputs[0]);
  const same = Array.from({ length: 32 }, (_, i) => i)
    .filter((i) => numbers(given).slice(4 * i, 4 * i + 4).every((value, k) => value === y[4 * i + k]));
  assert.ok(same.length > 4 && same.length < 28, String(same.length));
});

Deno.test("a layer that is repeated has tensors of its own each time, a shared one the same", () => {
  assert.deepEqual(paths(repeated(3, linear({ bias: false }))), ["0/weight", "1/weight", "2/weight"]);
  assert.deepEqual(paths(repeated(3, shared("all", linear({ bias: false })))), ["all/weight"]);
});

Deno.test("the gradient of a shared tensor is the sum over its places", () => {
  const network = networkOfLayers(
    sequential(shared("w", linear({ bias: false, width: 1 })), shared("w", linear({ bias: false, width: 1 }))),
    { x: "f64[B,1]" },
  );
  const args = [tensor("f64", [1, 1], [3]), scalar("i64", 0n), tensor("f64", [1, 1], [5])];
  const { results: [slope] } = evaluate(grad(network.training, { wrt: ["w/weight"], cotangent: true }), [
    ...args,
    tensor("f64", [1, 1], [1]),
  ]);
  // y = w·(w·x): dy/dw = 2·w·x.
  assert.deepEqual(numbers(slope), [30]);
});

Deno.test("sharing under one path with another shape is refused, both types named", () => {
  const two = sequential(shared("w", linear({ width: 3 })), shared("w", linear({ width: 3 })));
  const { code, message } = failureOf(() => networkOfLayers(two, { x: "f32[B,4]" }));
  assert.equal(code, "NEURAL_SHARED");
  assert.match(message, /f32\[4,3\].*f32\[3,3\]/u);
});

Deno.test("a frozen layer's tensors are there and not trained, those around it are", () => {
  const { parameters } = networkOfLayers(sequential(frozen(sequential(linear(), linear())), linear()), {
    x: "f32[B,4]",
  });
  assert.deepEqual(parameters.map(({ trained }) => trained), [false, false, false, false, true, true]);
});

Deno.test("flatten, reshape, transpose and patches move elements as onnxruntime does", async () => {
  const image = normals("image", [2, 3, 4, 6]);
  const [flat] = await onnx([["Flatten", ["x"], { axis: 1 }]], { x: image });
  assert.deepEqual(runLayer(flatten(), { x: image }).outputs[0], flat);
  assert.deepEqual(resultTypes(flatten({ from: 2 }), { x: "f32[B,3,4,6]" }), ["f32[B,3,24]"]);
  const [shaped] = await onnx([["Reshape", ["x", "s"]]], { x: image }, { s: tensor("i64", [3], [2n, 8n, 9n]) });
  assert.deepEqual(runLayer(reshape([8, 9]), { x: image }).outputs[0], shaped);
  const [moved] = await onnx([["Transpose", ["x"], { perm: [0, 2, 3, 1] }]], { x: image });
  assert.deepEqual(runLayer(transposed([2, 3, 1]), { x: image }).outputs[0], moved);
  const [cut] = await onnx(
    [["Reshape", ["x", "s"]], ["Transpose", ["0"], { perm: [0, 2, 4, 1, 3, 5] }], ["Reshape", ["1", "t"]]],
    { x: image },
    { s: tensor("i64", [6], [2n, 3n, 2n, 2n, 2n, 3n]), t: tensor("i64", [3], [2n, 4n, 18n]) },
  );
  assert.deepEqual(runLayer(patches({ size: [2, 3] }), { x: image }).outputs[0], cut);
});

Deno.test("patches that do not divide an image are refused", () => {
  const { message } = failureOf(() => networkOfLayers(patches({ size: 3 }), { x: "f32[B,1,8,9]" }));
  assert.match(message, /3 does not divide 8/u);
});

Deno.test("gradients through structure are those of central differences", () => {
  const wide = { x: normals("wide", [3, 4], "f64") };
  differentiates(residualBlock(linear(), { drop: 0.2, dropPath: 0.2 }), wide);
  differentiates(sequential(parallel(linear(), linear()), multiplied(), denseSkip(relu())), wide);
  differentiates(sequential(shared("w", linear()), relu(), shared("w", linear()), dropout({ rate: 0.3 })), wide);
});

Deno.test("a layer is plain JSON: it builds the same network after a round trip", () => {
  const layer = sequential(residualBlock(linear(), { drop: 0.1 }), startedWith({ weight: { kind: "ones" } }, linear()));
  assert.deepEqual(
    networkOfLayers(JSON.parse(JSON.stringify(layer)), { x: "f32[B,4]" }),
    networkOfLayers(layer, { x: "f32[B,4]" }),
  );
});

Deno.test("an unknown kind, a misspelled setting and a wrong count are refused with the nearest and the path", () => {
  const on = (layer: Layer) =>
    failureOf(() => networkOfLayers(sequential(layer), { x: "f32[B,4]" })) as never as {
      readonly code: string;
      readonly path: string;
      readonly suggestions: ReadonlyArray<string>;
    };
  const kind = on(layerOf("liner"));
  assert.deepEqual([kind.code, kind.path, kind.suggestions[0]], ["NEURAL_LAYER", "/0", "linear"]);
  const setting = on(layerOf("linear", { wdith: 3 }));
  assert.deepEqual([setting.code, setting.suggestions[0]], ["NEURAL_SETTING", "width"]);
  const choice = on(layerOf("residual_block", { order: "per" }, [linear()]));
  assert.deepEqual([choice.code, choice.suggestions[0]], ["NEURAL_SETTING", "pre"]);
  for (const width of [0, -1, 1.5, "3", null, [3]]) {
    assert.equal(on(layerOf("linear", { width })).code, "NEURAL_SETTING");
  }
  assert.equal(on(layerOf("residual", {}, [])).code, "NEURAL_COUNT");
  assert.equal(on(layerOf("linear", {}, [linear()])).code, "NEURAL_COUNT");
  assert.equal(on(layerOf("bilinear")).code, "NEURAL_COUNT");
});

Deno.test("every kind has a doc line, known settings and a name of its own", () => {
  for (const [kind, row] of LAYERS) {
    assert.equal(row.kind, kind);
    assert.ok(row.doc.length > 10 && row.doc.endsWith("."), kind);
    assert.equal(new Set(row.settings.map(({ name }) => name)).size, row.settings.length, kind);
    assert.ok(row.settings.every(({ doc }) => doc.endsWith(".")), kind);
  }
});

Deno.test("all tensors of a network have known sizes", () => {
  const { parameters } = networkOfLayers(sequential(linear(), residualBlock(linear())), { x: "f32[B,4]" });
  assert.ok(parameters.every(({ type }) => isConcrete(type)));
  assert.equal(Object.keys(tensorsOf(networkOfLayers(linear(), { x: "f32[B,4]" }))).length, 2);
});
