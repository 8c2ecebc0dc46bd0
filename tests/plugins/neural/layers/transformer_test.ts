/**
 * Transformer blocks against onnxruntime's parts, central differences, and in pieces.
 */
import assert from "node:assert/strict";
import { tensor } from "../../../../plugins/ir/library.ts";
import { decoderBlock, encoderBlock, networkOfLayers, transformer } from "../../../../plugins/neural/library.ts";
import { inPieces } from "./pieces.ts";
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

const [BATCH, STEPS, FEATURES, HEADS] = [2, 5, 8, 2];
const x = normals("block", [BATCH, STEPS, FEATURES]);
const context = normals("block context", [BATCH, 3, FEATURES]);

const EPSILON = 1e-5;

const norm = (from: string, name: string, to: string): OnnxNode => [
  "LayerNormalization",
  [from, `${name}_norm/scale`, `${name}_norm/shift`],
  { axis: -1, epsilon: EPSILON },
  [to],
];

const attentionOf = (
  name: string,
  from: string,
  other: string,
  to: string,
  causal: boolean,
): ReadonlyArray<OnnxNode> => [
  ["MatMul", [from, `${name}/query`], {}, [`${to}q`]],
  ["MatMul", [other, `${name}/key`], {}, [`${to}k`]],
  ["MatMul", [other, `${name}/value`], {}, [`${to}v`]],
  [
    "Attention",
    [`${to}q`, `${to}k`, `${to}v`],
    { q_num_heads: HEADS, kv_num_heads: HEADS, is_causal: causal ? 1 : 0 },
    [`${to}y`],
  ],
  ["MatMul", [`${to}y`, `${name}/output`], {}, [to]],
];

const feedForwardOf = (from: string, to: string): ReadonlyArray<OnnxNode> => [
  ["MatMul", [from, "feed_forward/up/weight"], {}, ["up0"]],
  ["Add", ["up0", "feed_forward/up/bias"], {}, ["up1"]],
  ["Gelu", ["up1"], {}, ["up2"]],
  ["MatMul", ["up2", "feed_forward/down/weight"], {}, ["down0"]],
  ["Add", ["down0", "feed_forward/down/bias"], {}, [to]],
];

Deno.test("an encoder block with norms before is x + attention(norm x), then y + feed-forward(norm y)", async () => {
  const { outputs: [ours], tensors } = runLayer(encoderBlock({ heads: HEADS, causal: true }), { x });
  const [theirs] = await onnx(
    [
      norm("x", "attention", "n1"),
      ...attentionOf("attention", "n1", "n1", "a", true),
      ["Add", ["x", "a"], {}, ["h"]],
      norm("h", "feed_forward", "n2"),
      ...feedForwardOf("n2", "f"),
      ["Add", ["h", "f"], {}, ["y"]],
    ],
    { x },
    tensors,
    ["y"],
    23,
  );
  agrees(ours, theirs, 4e-6);
});

Deno.test("an encoder block with norms after is norm(x + attention x), then norm(y + feed-forward y)", async () => {
  const { outputs: [ours], tensors } = runLayer(encoderBlock({ heads: HEADS, order: "post" }), { x });
  const [theirs] = await onnx(
    [
      ...attentionOf("attention", "x", "x", "a", false),
      ["Add", ["x", "a"], {}, ["h0"]],
      norm("h0", "attention", "h"),
      ...feedForwardOf("h", "f"),
      ["Add", ["h", "f"], {}, ["y0"]],
      norm("y0", "feed_forward", "y"),
    ],
    { x },
    tensors,
    ["y"],
    23,
  );
  agrees(ours, theirs, 4e-6);
});

Deno.test("a decoder block looks at itself causally, then at its context, then feeds forward", async () => {
  const { outputs: [ours], tensors } = runLayer(decoderBlock({ heads: HEADS }), { x, context });
  const [theirs] = await onnx(
    [
      norm("x", "attention", "n1"),
      ...attentionOf("attention", "n1", "n1", "a", true),
      ["Add", ["x", "a"], {}, ["h1"]],
      norm("h1", "cross_attention", "n2"),
      ...attentionOf("cross_attention", "n2", "context", "c", false),
      ["Add", ["h1", "c"], {}, ["h2"]],
      norm("h2", "feed_forward", "n3"),
      ...feedForwardOf("n3", "f"),
      ["Add", ["h2", "f"], {}, ["y"]],
    ],
    { x, context },
    tensors,
    ["y"],
    23,
  );
  agrees(ours, theirs, 4e-6);
});

Deno.test("a mask of the second input hides padding from every block that takes one", () => {
  const there = tensor("bool", [BATCH, 1, 3], [true, true, false, true, true, true]);
  const other = { ...context, data: context.data.slice() };
  // The hidden step of the first sample.
  other.data.fill(9 as never, 2 * FEATURES, 3 * FEATURES);
  const [one, two] = [context, other].map((given) =>
    runLayer(decoderBlock({ heads: HEADS }), { x, context: given, mask: there }).outputs[0]
  );
  assert.deepEqual(numbers(one), numbers(two));
  const own = tensor("bool", [BATCH, 1, STEPS], Array.from({ length: BATCH * STEPS }, (_, i) => i % STEPS < 4));
  const masked = runLayer(encoderBlock({ heads: HEADS }), { x, mask: own }).outputs[0];
  assert.notDeepEqual(numbers(masked), numbers(runLayer(encoderBlock({ heads: HEADS }), { x }).outputs[0]));
});

Deno.test("gradients of blocks are what central differences measure", () => {
  const given = { x: normals("f64 block", [2, 3, 4], "f64") };
  const other = { ...given, context: normals("f64 block context", [2, 2, 4], "f64") };
  differentiates(
    encoderBlock({ heads: 2, causal: true, rope: true, norm: "rms_norm", activation: "silu", gated: true }),
    given,
  );
  differentiates(encoderBlock({ heads: 2, kvHeads: 1, order: "post", alibi: true, causal: true }), given);
  differentiates(decoderBlock({ heads: 2, inner: 6, bias: true }), other);
});

Deno.test("a stack of causal blocks in pieces gives what it gives as a whole", () => {
  const layer = transformer(2, { heads: HEADS, causal: true, rope: true, kvHeads: 1 });
  const [whole, pieces] = inPieces(layer, x, [2, 1, 1, 1]);
  assert.ok(distance(pieces, whole) < 2e-6);
});

Deno.test("blocks keep shapes, name their parts, and drop while training only", () => {
  assert.deepEqual(resultTypes(transformer(3, { heads: 2 }), { x: "f32[B,S,8]" }), ["f32[B,S,8]"]);
  const paths = networkOfLayers(encoderBlock({ heads: 2 }), { x: "f32[B,S,8]" }).parameters.map(({ path }) => path);
  assert.deepEqual(paths.slice(0, 6), [
    "attention_norm/scale",
    "attention_norm/shift",
    "attention/query",
    "attention/key",
    "attention/value",
    "attention/output",
  ]);
  const layer = encoderBlock({ heads: 2, drop: 0.3, dropPath: 0.3 });
  const run = (training: boolean, seed: number) => numbers(runLayer(layer, { x }, { training, seed }).outputs[0]);
  assert.deepEqual(run(false, 1), run(false, 2));
  assert.notDeepEqual(run(true, 1), run(true, 2));
  assert.equal(failureOf(() => resultTypes(decoderBlock(), { x: "f32[B,S,8]" })).code, "NEURAL_COUNT");
});
