/** Models of the next byte from ONNX files that this test writes itself, run by the CPU backend. */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { random } from "../../../kernel/mod.ts";
import { makeBackends } from "../../../plugins/backends/library.ts";
import { buildProgram, exportOnnx, type FunctionBuilder, tensorOf, type Value } from "../../../plugins/ir/library.ts";
import type { ModelAnswer, ModelRequest, ModelTrouble } from "../../../plugins/norion/contract.ts";
import { heuristicModel } from "../../../plugins/norion/models/heuristic.ts";
import { onnxModel, readOnnxModel } from "../../../plugins/norion/models/onnx.ts";

const BYTES = 256;

/** Scores that make each byte of a text be followed by the next one; the last one goes to the mark `after`. */
const tableOf = (text: string, columns: number, after: number) => {
  const data = new Float32Array(BYTES * columns);
  const bytes = new TextEncoder().encode(text);
  bytes.forEach((byte, at) => data[byte * columns + (bytes[at + 1] ?? after)] = 3);
  return tensorOf("f32", [BYTES, columns], data);
};

type Shape = ReadonlyArray<number | string>;

/** An ONNX model with a table of scores by byte as its only weight. */
const modelBytes = (
  shape: Shape,
  columns: number,
  table: ReturnType<typeof tableOf>,
  scores: (g: FunctionBuilder, tokens: Value, table: Value) => Value,
  dtype: "i64" | "f32" = "i64",
): Uint8Array =>
  exportOnnx(
    buildProgram(
      { tokens: { dtype, shape }, table: { dtype: "f32", shape: [BYTES, columns] } },
      (g, { tokens, table }) => [scores(g, tokens, table)],
    ),
    { weights: { table }, outputs: ["scores"] },
  );

const bigram = (g: FunctionBuilder, tokens: Value, table: Value): Value => g.gather(table, tokens, 0);

const answer = (
  bytes: Uint8Array,
  more: Partial<ModelRequest> = {},
  end?: number,
): Promise<ModelAnswer | ModelTrouble> =>
  Effect.runPromise(Effect.catch(
    onnxModel({
      description: { ...heuristicModel.describe(), id: "onnx:test", kind: "onnx", window: 1000 },
      model: readOnnxModel(bytes, 16),
      backends: makeBackends(),
      ...(end === undefined ? {} : { end }),
    }).generate({ prompt: "q", maxTokens: 40, seed: 1, temperature: 0, ...more }),
    (failed): Effect.Effect<ModelAnswer | ModelTrouble> => Effect.succeed(failed),
  ));

Deno.test("an ONNX model of the next byte says what its table says, for a batch axis and for none", async () => {
  const table = tableOf("qrstu", 257, 256);
  for (const shape of [["T"], ["N", "T"], [1, "T"]] as ReadonlyArray<Shape>) {
    const made = await answer(modelBytes(shape, 257, table, bigram), {}, 256);
    assert.deepEqual(made, {
      text: "rstu",
      model: "onnx:test",
      kind: "onnx",
      finish: "stop",
      usage: { input: 1, output: 5, counted: true },
    });
  }
});

Deno.test("a model of fixed size keeps its window, and an answer that reaches it ends there", async () => {
  const table = tableOf("qrsqrs", 256, "q".charCodeAt(0));
  const made = await answer(modelBytes([1, 8], 256, table, bigram)) as ModelAnswer;
  assert.deepEqual([made.text, made.finish], ["rsqrsqrs", "length"]);
  const beyond = await answer(modelBytes([1, 8], 256, table, bigram), { prompt: "12345678" }) as ModelTrouble;
  assert.equal(beyond.fault, "too-long");
});

Deno.test("a model whose scores hang on what comes after them is refused before it answers", async () => {
  const draw = random(3);
  const table = tensorOf("f32", [BYTES, 256], Float32Array.from({ length: BYTES * 256 }, () => draw.float()));
  const ahead = modelBytes(["T"], 256, table, (g, tokens, weights) => {
    const scores = g.gather(weights, tokens, 0);
    return g.add(scores, g.reduce("sum", scores, [0]));
  });
  const made = await answer(ahead) as ModelTrouble;
  assert.deepEqual([made.fault, made.reason], [
    "unavailable",
    "the model looks ahead: it is no model of the next byte",
  ]);
});

Deno.test("a model of another shape, vocabulary or format is refused with what was expected", () => {
  const fault = (bytes: Uint8Array) => {
    try {
      readOnnxModel(bytes, 16);
      return "read";
    } catch (cause) {
      const { code, message } = cause as { code: string; message: string };
      return `${code}: ${message}`;
    }
  };
  const narrow = exportOnnx(
    buildProgram(
      { tokens: { dtype: "i64", shape: ["T"] }, table: { dtype: "f32", shape: [BYTES, 100] } },
      (g, { tokens, table }) => [g.gather(table, tokens, 0)],
    ),
    { weights: { table: tensorOf("f32", [BYTES, 100], new Float32Array(BYTES * 100)) } },
  );
  assert.match(fault(narrow), /^NORION_MODELS: .*outputs are others/u);
  const table = tableOf("qrs", 256, 0);
  assert.match(fault(modelBytes([2, 8], 256, table, bigram)), /several texts at once/u);
  const last = modelBytes(
    ["T"],
    256,
    table,
    (g, tokens, weights) => g.reduce("sum", g.gather(weights, tokens, 0), [0]),
  );
  assert.match(fault(last), /outputs are others/u);
  const floats = exportOnnx(
    buildProgram({ x: { dtype: "f32", shape: ["T", 256] } }, (_, { x }) => [x]),
  );
  assert.match(fault(floats), /inputs are others/u);
  assert.match(fault(new TextEncoder().encode("no model")), /^NORION_MODELS/u);
});
