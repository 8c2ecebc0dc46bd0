/**
 * Operations on models: judge, ask, describe, and exchange with others.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { TensorJson } from "../ir/library.ts";
import { ProgramSource, toRead } from "../rmil/library.ts";
import { Digest } from "../../kernel/digest.ts";
import { type Authorities, operation, role } from "../../kernel/operation.ts";
import { ArtifactName } from "../../registry/artifact.ts";
import { SPLITS } from "./data/dataset.ts";
import { DataSource } from "./data/source.ts";
import { type ExportFormat, EXPORTS, type ImportFormat, IMPORTS } from "./exchange.ts";
import { kindsOfBackend, MODEL_FAILURES, Runs, ScoresJson } from "./operations_train.ts";

const ModelGiven = Schema.String.annotate({ description: "digest or name of a stored model" });

/** Most rows of a call. */
export const MAX_ROWS = 10_000;

const Split = Schema.optionalKey(
  Schema.Literals(SPLITS).annotate({ description: "which part of the data; test where absent" }),
);

const declare = {
  failures: MODEL_FAILURES,
  idempotent: true,
  reversible: true,
  stability: "unstable" as const,
};

const running = {
  ...declare,
  effects: ["readLocal"] as const,
  kinds: ["ffi"] as const,
  refine: ({ backend }: { readonly backend?: string }): Authorities => ({
    effects: ["readLocal"],
    kinds: kindsOfBackend(backend),
  }),
  cost: { compute: "the network's operations for every sample", reserve: { fuel: 1_000_000_000_000, wallMs: 600_000 } },
};

const TRAINED = {
  operation: "neural.train",
  input: { program: "mlp(2)", data: "moons", epochs: 2, name: "moons" },
};

/** Judges. */
export const Evaluate = operation("neural.evaluate", {
  ...running,
  summary:
    "Judge a model's answers to a part of data: loss, accuracy, F1, calibration, confusion, or errors of numbers.",
  input: { digest: ModelGiven, data: DataSource, split: Split, ...Runs },
  output: Schema.Struct({
    samples: Schema.Int,
    scores: ScoresJson,
    confusion: Schema.optionalKey(
      Schema.Array(Schema.Array(Schema.Int)).annotate({ description: "rows are right classes, columns answers" }),
    ),
  }),
  examples: [{ given: [TRAINED], input: { digest: "moons", data: "moons" }, output: { samples: 100 } }],
});

/** Asks. */
export const Predict = operation("neural.predict", {
  ...running,
  summary: "Let a model answer samples that are given as tensors, as rows of a table, or a part of data.",
  input: {
    digest: ModelGiven,
    inputs: Schema.optionalKey(
      Schema.Record(Schema.String, TensorJson).annotate({
        description: "by name of input; the first axis counts samples",
      }),
    ),
    data: Schema.optionalKey(
      DataSource.annotate({
        description: "data; rows of a table as they are, where the model was prepared for its like",
      }),
    ),
    rows: Schema.optionalKey(
      Schema.Array(
        Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Finite, Schema.Boolean, Schema.Null])),
      )
        .check(Schema.isMaxLength(MAX_ROWS))
        .annotate({ description: "rows of the table that it learned from, by column; null where there is nothing" }),
    ),
    split: Schema.optionalKey(
      Schema.Literals(SPLITS).annotate({
        description: "part of the data; test where absent, of a prepared table all rows",
      }),
    ),
    limit: Schema.optionalKey(
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100_000 })).annotate({
        description: "most samples of the data; 100 where absent",
      }),
    ),
    ...Runs,
  },
  output: Schema.Struct({
    outputs: TensorJson.annotate({ description: "logits of classes, or numbers in the unit of what was learned" }),
    classes: Schema.optionalKey(Schema.Array(Schema.Int)),
    labels: Schema.optionalKey(Schema.Array(Schema.String)),
    confidence: Schema.optionalKey(Schema.Array(Schema.Finite)),
  }),
  examples: [{
    given: [TRAINED],
    input: { digest: "moons", inputs: { point: { type: "f32[1,2]", values: [0, 1] } } },
    output: { outputs: { type: "f32[1,2]" }, classes: [0] },
  }],
});

const PortJson = Schema.Struct({ name: Schema.String, type: Schema.String });
const Size = Schema.Union([Schema.Finite, Schema.String]);
const Holding = { elements: Schema.Int, bytes: Schema.Int };

/** Describes. */
export const Describe = operation("neural.describe", {
  ...declare,
  summary:
    "Say what a model, or a program on data or on input types, holds and takes: parameters, FLOPs, bytes, layers.",
  input: {
    digest: Schema.optionalKey(ModelGiven),
    program: Schema.optionalKey(ProgramSource),
    data: Schema.optionalKey(DataSource),
    inputs: Schema.optionalKey(
      Schema.Record(Schema.String, Schema.String).annotate({ description: "types by name, such as f32[B,784]" }),
    ),
    batch: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))),
  },
  effects: ["readLocal"],
  refine: ({ digest, program, data }) => ({
    effects: digest !== undefined || data !== undefined || toRead(program).effects.length > 0 ? ["readLocal"] : [],
  }),
  output: Schema.Struct({
    program: Schema.optionalKey(Schema.String),
    inputs: Schema.Array(PortJson),
    outputs: Schema.Array(PortJson),
    parameters: Schema.Struct({ ...Holding, trained: Schema.Int }),
    state: Schema.Struct(Holding),
    flops: Schema.Struct({ forward: Size, training: Schema.optionalKey(Size) }).annotate({
      description: "of a batch; B is its size where it is not said",
    }),
    bytes: Schema.optionalKey(Size),
    peakBytes: Schema.optionalKey(Schema.Int),
    layers: Schema.Array(
      Schema.Struct({ path: Schema.String, parameters: Schema.Int, trained: Schema.Int, flops: Size }),
    ),
    metrics: Schema.optionalKey(ScoresJson),
    lineage: Schema.optionalKey(Schema.Json),
  }),
  cost: { compute: "linear in the program" },
  examples: [
    {
      title: "a pattern on data",
      input: { program: "mlp(3)", data: "iris" },
      output: {
        program: "linear(width: 32) >> relu >> linear(width: 32) >> relu >> linear(width: 3)",
        parameters: { elements: 1315 },
      },
    },
    {
      title: "a program on a type",
      input: { program: "linear(64) >> relu", inputs: { x: "f32[8,32]" } },
      output: { parameters: { elements: 2112 }, flops: { forward: 33_280 } },
    },
  ],
});

const FORMAT_LINES = (rows: { readonly [format: string]: string }): string =>
  Object.entries(rows).map(([name, line]) => `${name}: ${line}`).join("; ");

/** Exports. */
export const Export = operation("neural.export", {
  ...declare,
  summary: "Write a model in a format: ONNX, safetensors, a program with its weights, or the artifact itself.",
  input: {
    digest: ModelGiven,
    to: Schema.Literals(Object.keys(EXPORTS) as ReadonlyArray<ExportFormat>).annotate({
      description: FORMAT_LINES(EXPORTS),
    }),
    file: Schema.optionalKey(role("writePath", "where it goes")),
  },
  effects: ["readLocal", "writeLocal"],
  refine: ({ file }) => ({ effects: file === undefined ? ["readLocal"] : ["readLocal", "writeLocal"] }),
  output: Schema.Struct({
    to: Schema.String,
    bytes: Schema.Int,
    file: Schema.optionalKey(Schema.String),
    base64: Schema.optionalKey(Schema.String),
  }),
  cost: { compute: "linear in the model's bytes" },
  examples: [
    {
      given: [TRAINED],
      input: { digest: "moons", to: "safetensors", file: "moons.safetensors" },
      output: { to: "safetensors" },
    },
    { title: "as ONNX", given: [TRAINED], input: { digest: "moons", to: "onnx", file: "moons.onnx" } },
  ],
});

/** Imports. */
export const Import = operation("neural.import", {
  ...declare,
  summary:
    "Keep a model from elsewhere in the store: ONNX, safetensors, a program with its weights, or a model of here.",
  input: {
    file: Schema.optionalKey(role("readPath", "where it is")),
    base64: Schema.optionalKey(Schema.String),
    format: Schema.optionalKey(
      Schema.Literals(Object.keys(IMPORTS) as ReadonlyArray<ImportFormat>).annotate({
        description: FORMAT_LINES(IMPORTS),
      }),
    ),
    inputs: Schema.optionalKey(
      Schema.Record(Schema.String, Schema.String).annotate({
        description: "of a program: types by name, such as f32[B,784]",
      }),
    ),
    program: Schema.optionalKey(ProgramSource).annotate({ description: "of safetensors: what their tensors are for" }),
    name: Schema.optionalKey(ArtifactName),
  },
  effects: ["readLocal", "writeLocal"],
  output: Schema.Struct({
    digest: Digest,
    names: Schema.Array(Schema.String),
    inputs: Schema.Array(PortJson),
    outputs: Schema.Array(PortJson),
    parameters: Schema.Int,
  }),
  cost: { compute: "linear in the model's bytes" },
  examples: [
    {
      given: [TRAINED, { operation: "neural.export", input: { digest: "moons", to: "onnx", file: "moons.onnx" } }],
      input: { file: "moons.onnx", name: "imported" },
      output: { names: ["imported@1"], parameters: 162 },
    },
    {
      title: "tensors for a program",
      given: [TRAINED, {
        operation: "neural.export",
        input: { digest: "moons", to: "safetensors", file: "moons.safetensors" },
      }],
      input: {
        file: "moons.safetensors",
        program: "linear(width: 32) >> relu >> linear(width: 2)",
        inputs: { point: "f32[B,2]" },
        name: "loaded",
      },
      output: { names: ["loaded@1"], parameters: 162 },
    },
    { title: "bytes that are no model", input: { base64: "AAAA" }, failure: "IR_ONNX_FORMAT" },
  ],
});

/** The declarations, in order. */
export const modelOperations = [Evaluate, Predict, Describe, Export, Import] as const;
