/**
 * Operations that exchange programs with the rest of the world: ONNX in, ONNX and source code out.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { Digest } from "../../kernel/digest.ts";
import { operation, role } from "../../kernel/operation.ts";
import { declare, DENSE, ProgramText, SQUARE } from "./declaration.ts";
import { TensorJson } from "./interchange.ts";

/** What a program can be emitted as. */
export const EMIT_TARGETS = ["onnx", "mlir", "c", "rust", "cuda"] as const;

const Sizes = Schema.optionalKey(
  Schema.Record(Schema.String, Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))).annotate({
    description: "numbers for named sizes",
  }),
);

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0));

/** y = x · x as an ONNX model. */
const SQUARE_MODEL =
  "CAgSA3JtaTpWChIKAXgKAXgSBW11bF8wIgNNdWwKGgoFbXVsXzASB3Jlc3VsdDAiCElkZW50aXR5EgRtYWluWgsKAXgSBgoE" +
  "CAESAGIRCgdyZXN1bHQwEgYKBAgBEgBCBAoAEBI=";

/** Reads a model. */
export const Import = operation("ir.import", {
  ...declare,
  effects: ["readLocal"] as const,
  refine: ({ file }) => ({ effects: file === undefined ? [] : ["readLocal"] }),
  summary: "Read an ONNX model (opset up to 21) as a tensor program, from a file or base64.",
  input: {
    file: Schema.optionalKey(role("readPath", "the model")),
    base64: Schema.optionalKey(Schema.String.check(Schema.isBase64()).annotate({ description: "the model's bytes" })),
    known: Schema.optionalKey(
      Schema.Record(Schema.String, TensorJson).annotate({
        description: "inputs fixed to a value: no parameters any more, and shapes may depend on them",
      }),
    ),
    sizes: Sizes,
    weights: Schema.optionalKey(
      Schema.Literals(["constants", "parameters"]).annotate({
        description: "whether float literals become parameters after the inputs, to be trained; constants where absent",
      }),
    ),
  },
  output: Schema.Struct({
    program: Schema.String,
    digest: Digest,
    inputs: Schema.Array(Schema.String),
    outputs: Schema.Array(Schema.String),
    weights: Schema.Array(Schema.Struct({ name: Schema.String, type: Schema.String })),
    opset: Schema.Int,
  }),
  cost: { compute: "linear in the model's bytes and nodes" },
  examples: [
    { input: { base64: SQUARE_MODEL }, output: { inputs: ["x"], outputs: ["result0"], weights: [], opset: 18 } },
    { title: "bytes that are no model", input: { base64: "AAAA" }, failure: "IR_ONNX_FORMAT" },
  ],
});

/** Writes a program for another system. */
export const Emit = operation("ir.emit", {
  ...declare,
  effects: ["writeLocal"] as const,
  refine: ({ file }) => ({ effects: file === undefined ? [] : ["writeLocal"] }),
  summary: "Write a tensor program as an ONNX model, MLIR, C, Rust or CUDA C, as an answer or into a file.",
  input: {
    program: ProgramText,
    to: Schema.Literals(EMIT_TARGETS),
    sizes: Sizes,
    opset: Schema.optionalKey(Schema.Int.annotate({ description: "of ONNX: 17 to 21; 18 where absent" })),
    weights: Schema.optionalKey(
      Schema.Record(Schema.String, TensorJson).annotate({
        description: "of ONNX: parameters by name that become literals of the model",
      }),
    ),
    inputs: Schema.optionalKey(
      Schema.Array(TensorJson).annotate({
        description: "of the others: add a main that runs the program on these and prints every element of the results",
      }),
    ),
    file: Schema.optionalKey(role("writePath", "where it goes")),
  },
  output: Schema.Struct({
    to: Schema.Literals(EMIT_TARGETS),
    bytes: Count,
    text: Schema.optionalKey(Schema.String),
    base64: Schema.optionalKey(Schema.String),
    file: Schema.optionalKey(Schema.String),
  }),
  cost: { compute: "linear in nodes" },
  examples: [
    { input: { program: SQUARE, to: "onnx" }, output: { to: "onnx", bytes: 101, base64: SQUARE_MODEL } },
    { title: "source code", input: { program: DENSE, to: "c", sizes: { B: 2 } }, output: { to: "c" } },
    { title: "into a file", input: { program: SQUARE, to: "mlir", file: "out/square.mlir" }, output: { to: "mlir" } },
    {
      title: "an element type that C does not have",
      input: { program: SQUARE.replaceAll("f32", "bf16"), to: "c" },
      failure: "IR_EMIT_UNSUPPORTED",
    },
  ],
});

/** All operations of this file. */
export const EXCHANGING = [Import, Emit] as const;
