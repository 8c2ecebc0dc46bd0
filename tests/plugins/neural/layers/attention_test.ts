/**
 * Attention against onnxruntime, central differences, and laws: who sees whom, and what is kept from run to run.
 */
import assert from "node:assert/strict";
import { type Tensor, tensor, toFloats } from "../../../../plugins/ir/library.ts";
import { attention, decoding, initialValues, networkOfLayers } from "../../../../plugins/neural/library.ts";
import { inPieces, stepsOf } from "./pieces.ts";
import {
  agrees,
  differentiates,
  distance,
  failureOf,
  normals,
  numbers,
  onnx,
  type OnnxNode,
  resultTypes,
  runLayer,
} from "./support.ts";

const [BATCH, STEPS, FEATURES, HEADS] = [2, 5, 8, 4];
const x = normals("attended", [BATCH, STEPS, FEATURES]);
const HIDDEN = -1e30;

/** Attention from its parts: maps, heads, scores, what is added to them, weights, and the map back. */
const written = (
  { tensors, added, context = "x", groups = 1 }: {
    readonly tensors: { readonly [path: string]: Tensor };
    readonly added?: Tensor;
    readonly context?: string;
    readonly groups?: number;
  },
  inputs: { readonly [name: string]: Tensor },
) => {
  const width = tensors.query.shape[1];
  const each = width / HEADS;
  const shapeOf = (heads: number, from: string) => tensor("i64", [4], [BATCH, inputs[from].shape[1], heads, each]);
  const shared = HEADS / groups;
  const nodes: OnnxNode[] = [
    ["MatMul", ["x", "query"], {}, ["q0"]],
    ["MatMul", [context, "key"], {}, ["k0"]],
    ["MatMul", [context, "value"], {}, ["v0"]],
    ["Reshape", ["q0", "to_heads"], {}, ["q1"]],
    ["Reshape", ["k0", "to_shared"], {}, ["k1"]],
    ["Reshape", ["v0", "to_shared"], {}, ["v1"]],
    ["Transpose", ["q1"], { perm: [0, 2, 1, 3] }, ["q"]],
    // Each shared head serves the next `groups` heads of queries.
    ["Gather", ["k1", "serves"], { axis: 2 }, ["k2"]],
    ["Gather", ["v1", "serves"], { axis: 2 }, ["v2"]],
    ["Transpose", ["k2"], { perm: [0, 2, 3, 1] }, ["k"]],
    ["Transpose", ["v2"], { perm: [0, 2, 1, 3] }, ["v"]],
    ["MatMul", ["q", "k"], {}, ["s0"]],
    ["Mul", ["s0", "scale"], {}, ["s1"]],
    ["Add", ["s1", "added"], {}, ["s"]],
    ["Softmax", ["s"], { axis: -1 }, ["w"]],
    ["MatMul", ["w", "v"], {}, ["y0"]],
    ["Transpose", ["y0"], { perm: [0, 2, 1, 3] }, ["y1"]],
    ["Reshape", ["y1", "joined"], {}, ["y2"]],
    ["MatMul", ["y2", "output"], {}, ["y"]],
  ];
  return onnx(nodes, inputs, {
    query: tensors.query,
    key: tensors.key,
    value: tensors.value,
    output: tensors.output,
    to_heads: shapeOf(HEADS, "x"),
    to_shared: shapeOf(shared, context),
    serves: tensor("i64", [HEADS], Array.from({ length: HEADS }, (_, head) => Math.floor(head / groups))),
    joined: tensor("i64", [3], [BATCH, STEPS, width]),
    scale: tensor("f32", [], [1 / Math.sqrt(each)]),
    added: added ?? tensor("f32", [], [0]),
  }, ["y"]);
};

/** What is added to scores by query, key and head. */
const scoresBy = (value: (query: number, key: number, head: number) => number, keys = STEPS): Tensor =>
  tensor(
    "f32",
    [1, HEADS, STEPS, keys],
    Array.from({ length: HEADS }, (_, head) =>
      Array.from({ length: STEPS }, (_, query) =>
        Array.from({ length: keys }, (_, key) => value(query, key, head)))).flat(2),
  );

Deno.test("several heads over a whole sequence are what onnxruntime makes of their parts", async () => {
  const { outputs: [ours], tensors } = runLayer(attention({ heads: HEADS }), { x });
  const [theirs] = await written({ tensors }, { x });
  agrees(ours, theirs);
});

Deno.test("grouped heads share keys and values, by onnxruntime's own grouped attention too", async () => {
  const layer = attention({ heads: HEADS, kvHeads: 2, causal: true });
  const { outputs: [ours], tensors } = runLayer(layer, { x });
  assert.deepEqual([tensors.query, tensors.key, tensors.value].map(({ shape }) => shape), [[8, 8], [8, 4], [8, 4]]);
  const [theirs] = await written({ tensors, groups: 2, added: scoresBy((q, k) => k > q ? HIDDEN : 0) }, { x });
  agrees(ours, theirs);
  const [fused] = await onnx(
    [
      ["MatMul", ["x", "query"], {}, ["q"]],
      ["MatMul", ["x", "key"], {}, ["k"]],
      ["MatMul", ["x", "value"], {}, ["v"]],
      ["Attention", ["q", "k", "v"], { q_num_heads: HEADS, kv_num_heads: 2, is_causal: 1 }, ["y"]],
      ["MatMul", ["y", "output"], {}, ["out"]],
    ],
    { x },
    tensors,
    ["out"],
    23,
  );
  agrees(ours, fused);
});

Deno.test("a causal position sees itself and earlier ones, within a window where there is one", async () => {
  for (
    const [settings, hides] of [
      [{ causal: true }, (q: number, k: number) => k > q],
      [{ causal: true, window: 2 }, (q: number, k: number) => k > q || k <= q - 2],
    ] as const
  ) {
    const { outputs: [ours], tensors } = runLayer(attention({ heads: HEADS, ...settings }), { x });
    const [theirs] = await written({ tensors, added: scoresBy((q, k) => hides(q, k) ? HIDDEN : 0) }, { x });
    agrees(ours, theirs);
  }
});

Deno.test("nothing of the future reaches a causal position", () => {
  const changed = tensor(
    "f32",
    x.shape,
    toFloats(x).map((value, i) => Math.floor(i / FEATURES) % STEPS < 3 ? value : -value),
  );
  for (const settings of [{}, { rope: true }, { alibi: true }, { kvHeads: 2 }, { window: 3 }, { recall: true }]) {
    const layer = attention({ heads: HEADS, causal: true, ...settings });
    const [one, two] = [x, changed].map((given) => stepsOf(runLayer(layer, { x: given }).outputs[0], 0, 3));
    assert.deepEqual(numbers(one), numbers(two), JSON.stringify(settings));
  }
});

Deno.test("a mask of bools hides padding, and one of numbers is added to the scores", async () => {
  const there = [4, 5];
  const bools = tensor("bool", [BATCH, 1, STEPS], there.flatMap((n) => Array.from({ length: STEPS }, (_, k) => k < n)));
  const added = tensor(
    "f32",
    [BATCH, 1, 1, STEPS],
    there.flatMap((n) => Array.from({ length: STEPS }, (_, k) => k < n ? 0 : HIDDEN)),
  );
  const { outputs: [plain], tensors } = runLayer(attention({ heads: HEADS }), { x, mask: bools });
  const [theirs] = await written({ tensors, added }, { x });
  agrees(plain, theirs);
  agrees(runLayer(attention({ heads: HEADS, kvHeads: HEADS }), { x, mask: bools }).outputs[0], theirs);
  const numbersMask = normals("mask", [BATCH, STEPS, STEPS]);
  const shifted = runLayer(attention({ heads: HEADS }), { x, context: x, mask: numbersMask });
  const wide = tensor("f32", [BATCH, 1, STEPS, STEPS], toFloats(numbersMask));
  const [moved] = await written({ tensors: shifted.tensors, added: wide }, { x });
  agrees(shifted.outputs[0], moved);
});

Deno.test("a query that may see nothing gives finite numbers", () => {
  const mask = tensor("bool", [BATCH, 1, STEPS], Array.from({ length: BATCH * STEPS }, () => false));
  for (const settings of [{}, { kvHeads: 2 }]) {
    assert.ok(
      numbers(runLayer(attention({ heads: HEADS, ...settings }), { x, mask }).outputs[0]).every(Number.isFinite),
    );
  }
});

Deno.test("a second input is attended to, whatever its length", async () => {
  const context = normals("context", [BATCH, 7, FEATURES]);
  const { outputs: [ours], tensors } = runLayer(attention({ heads: HEADS }), { x, context });
  const [theirs] = await written({ tensors, context: "context" }, { x, context });
  agrees(ours, theirs);
  const grouped = runLayer(attention({ heads: HEADS, kvHeads: 2 }), { x, context });
  const [shared] = await written({ tensors: grouped.tensors, context: "context", groups: 2 }, { x, context });
  agrees(grouped.outputs[0], shared);
});

Deno.test("distances lower scores by the slopes 2^(−8(h+1)/heads)", async () => {
  const { outputs: [ours], tensors } = runLayer(attention({ heads: HEADS, causal: true, alibi: true }), { x });
  const added = scoresBy((q, k, head) => k > q ? HIDDEN : -(q - k) * 2 ** (-8 * (head + 1) / HEADS));
  const [theirs] = await written({ tensors, added }, { x });
  agrees(ours, theirs);
});

Deno.test("turned queries and keys are onnxruntime's rotary embedding, and only distances count", async () => {
  const { outputs: [ours], tensors } = runLayer(attention({ heads: HEADS, rope: true }), { x });
  const pairs = FEATURES / HEADS / 2;
  const angles = Array.from(
    { length: STEPS },
    (_, p) => Array.from({ length: pairs }, (_, i) => p * 10_000 ** (-i / pairs)),
  ).flat();
  const rotary = { interleaved: 1, num_heads: HEADS };
  const [theirs] = await onnx(
    [
      ["MatMul", ["x", "query"], {}, ["q0"]],
      ["MatMul", ["x", "key"], {}, ["k0"]],
      ["MatMul", ["x", "value"], {}, ["v"]],
      ["RotaryEmbedding", ["q0", "cos", "sin", "places"], rotary, ["q"]],
      ["RotaryEmbedding", ["k0", "cos", "sin", "places"], rotary, ["k"]],
      ["Attention", ["q", "k", "v"], { q_num_heads: HEADS, kv_num_heads: HEADS }, ["y"]],
      ["MatMul", ["y", "output"], {}, ["out"]],
    ],
    { x },
    {
      ...tensors,
      cos: tensor("f32", [STEPS, pairs], angles.map(Math.cos)),
      sin: tensor("f32", [STEPS, pairs], angles.map(Math.sin)),
      places: tensor("i64", [BATCH, STEPS], Array.from({ length: BATCH * STEPS }, (_, i) => i % STEPS)),
    },
    ["out"],
    23,
  );
  agrees(ours, theirs);
});

Deno.test("a key that recalls stands for the step before: the first position can only recall itself", async () => {
  const { outputs: [ours], tensors } = runLayer(attention({ heads: HEADS, causal: true, recall: true }), { x });
  const before = tensor(
    "f32",
    x.shape,
    toFloats(x).map((_, i) => {
      const step = Math.floor(i / FEATURES) % STEPS;
      return step === 0 ? 0 : toFloats(x)[i - FEATURES];
    }),
  );
  // Keys from the steps before, values from the steps themselves.
  const nodes: OnnxNode[] = [
    ["MatMul", ["x", "query"], {}, ["q"]],
    ["MatMul", ["before", "key"], {}, ["k"]],
    ["MatMul", ["x", "value"], {}, ["v"]],
    ["Attention", ["q", "k", "v"], { q_num_heads: HEADS, kv_num_heads: HEADS, is_causal: 1 }, ["y"]],
    ["MatMul", ["y", "output"], {}, ["out"]],
  ];
  const [theirs] = await onnx(nodes, { x, before }, tensors, ["out"], 23);
  agrees(ours, theirs);
});

Deno.test("a sequence of three with two heads keeps its shape, and query, key and value begin unlike", () => {
  const layer = attention({ heads: 2 });
  const given = normals("three", [1, 3, 8]);
  assert.deepEqual(runLayer(layer, { x: given }).outputs[0].shape, [1, 3, 8]);
  const { parameters } = initialValues(networkOfLayers(layer, { x: "f32[B,3,8]" }), 1);
  assert.equal(new Set(parameters.map((value) => numbers(value).join())).size, 4);
});

Deno.test("gradients are what central differences measure: plain, grouped, turned, distant, windowed, recalling, masked", () => {
  const given = { x: normals("f64 attended", [2, 4, 8], "f64") };
  const context = normals("f64 context", [2, 3, 8], "f64");
  for (
    const settings of [
      {},
      { causal: true, bias: true },
      { kvHeads: 2, rope: true, causal: true },
      { kvHeads: 1, alibi: true, causal: true, window: 2, bias: true },
      { recall: true, causal: true, width: 16 },
    ]
  ) differentiates(attention({ heads: 4, ...settings }), given);
  differentiates(attention({ heads: 4, kvHeads: 2 }), { ...given, context });
  differentiates(attention({ heads: 4 }), { ...given, context, mask: normals("f64 mask", [2, 4, 3], "f64") });
});

Deno.test("a sequence in pieces gives what it gives as a whole, however its positions are told", () => {
  for (
    const settings of [{}, { rope: true, kvHeads: 2 }, { alibi: true, bias: true }, { recall: true }, { window: 3 }]
  ) {
    const layer = attention({ heads: 4, causal: true, ...settings });
    for (const pieces of [[5], [1, 1, 1, 1, 1], [3, 2], [2, 3]]) {
      const [whole, made] = inPieces(layer, x, pieces);
      assert.ok(distance(made, whole) < 1e-6, `${JSON.stringify(settings)} ${pieces}`);
    }
  }
});

Deno.test("what is kept may be far shorter than the sequence where a window says what is seen", () => {
  const long = normals("long", [1, 23, 8]);
  const layer = attention({ heads: 4, causal: true, window: 3, rope: true });
  // A piece of p steps needs window + p − 1 places.
  const [whole, single] = inPieces(layer, long, Array.from({ length: 23 }, () => 1), 3);
  assert.ok(distance(single, whole) < 1e-6);
  const [, triples] = inPieces(layer, long, [3, 3, 3, 3, 3, 3, 3, 2], 5);
  assert.ok(distance(triples, whole) < 1e-6);
});

Deno.test("dropped weights differ by the step's seed, while training only", () => {
  const layer = attention({ heads: HEADS, drop: 0.5 });
  const run = (training: boolean, seed: number) => numbers(runLayer(layer, { x }, { training, seed }).outputs[0]);
  assert.deepEqual(run(false, 1), run(false, 2));
  assert.notDeepEqual(run(true, 1), run(true, 2));
});

Deno.test("heads that do not divide, inputs that are no sequences, and pieces of unknown size are refused", () => {
  const codeOf = (settings: Parameters<typeof attention>[0], types: Parameters<typeof resultTypes>[1]) =>
    failureOf(() => resultTypes(attention(settings), types)).code;
  assert.equal(codeOf({ heads: 3, kvHeads: 3 }, { x: "f32[B,5,8]" }), "NEURAL_INPUT");
  assert.equal(codeOf({ heads: 4, kvHeads: 3 }, { x: "f32[B,5,8]" }), "NEURAL_INPUT");
  assert.equal(codeOf({ heads: 4, rope: true }, { x: "f32[B,5,4]" }), "RMIL_SHAPE");
  assert.equal(codeOf({ heads: 2 }, { x: "f32[B,5,8]", context: "i32[B,5,8]" }), "NEURAL_INPUT");
  const pieces = failureOf(() =>
    networkOfLayers(decoding(attention({ heads: 2, causal: true }), 8), { x: "f32[B,1,8]" })
  );
  assert.equal(pieces.code, "NEURAL_SIZE");
});

Deno.test("sizes of batch and sequence stay open", () => {
  for (const settings of [{}, { kvHeads: 2, rope: true, alibi: true, causal: true, recall: true }]) {
    assert.deepEqual(resultTypes(attention({ heads: 4, ...settings }), { x: "f32[B,S,8]" }), ["f32[B,S,8]"]);
  }
});

Deno.test("a window needs causality, and pieces need it too and no more than is kept", () => {
  const pieces = (settings: object, steps: number, kept: number) => () =>
    networkOfLayers(decoding(attention({ heads: 2, ...settings }), kept), { x: `f32[1,${steps},8]` });
  assert.equal(
    failureOf(() => networkOfLayers(attention({ heads: 2, window: 3 }), { x: "f32[B,5,8]" })).code,
    "NEURAL_INPUT",
  );
  assert.equal(failureOf(pieces({}, 2, 8)).code, "NEURAL_INPUT");
  pieces({ causal: true }, 8, 8)();
  assert.match(failureOf(pieces({ causal: true }, 9, 8)).message, /9 positions .* 8 are kept/u);
  pieces({ causal: true, window: 5 }, 4, 8)();
  assert.match(failureOf(pieces({ causal: true, window: 5 }, 5, 8)).message, /9 positions .* 8 are kept/u);
});
