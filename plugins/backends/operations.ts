/**
 * Operations of the backends: which there are, which runs a program and why, and whether they compute what they should.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { type Authorities, operation } from "../../kernel/operation.ts";
import { IR_FAILURES, TensorJson } from "../ir/library.ts";
import { BACKENDS_FAILURES } from "./failures.ts";
import { BACKENDS } from "./table.ts";

const ProgramText = Schema.String.annotate({
  description: "a program in the IR's text form: program @main, func @main(%0 x: f32[B,4]) { ... return %1 }",
});

const SizesGiven = Schema.optionalKey(
  Schema.Record(Schema.String, Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))).annotate({
    description: "sizes by name",
  }),
);

const BackendName = Schema.String.annotate({ description: `one of ${BACKENDS.map(({ id }) => id).join(", ")}` });

const Native = Schema.optionalKey(
  Schema.Boolean.annotate({ description: "whether native code may be used; needs ffi. Default false" }),
);

const RunOn = {
  backend: Schema.optionalKey(BackendName),
  native: Native,
  numerics: Schema.optionalKey(
    Schema.Literals(["fast", "strict"]).annotate({ description: "strict gives the same bits on every device" }),
  ),
  threads: Schema.optionalKey(
    Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)).annotate({ description: "results do not depend on it" }),
  ),
};

/** Fuel for a few seconds of compiled work, unless the caller says otherwise. */
const USUAL_FUEL = 100_000_000_000;

const DeviceRow = Schema.Struct({
  id: Schema.String,
  name: Schema.String,
  kind: Schema.Literals(["cpu", "gpu", "npu"]),
  features: Schema.Array(Schema.String),
  dtypes: Schema.Array(Schema.String),
  memoryBytes: Schema.Int,
});

const BackendRow = Schema.Struct({
  id: Schema.String,
  doc: Schema.String,
  native: Schema.Boolean,
  devices: Schema.Array(DeviceRow),
  absence: Schema.optionalKey(Schema.Struct({ reason: Schema.String, remedy: Schema.optionalKey(Schema.String) })),
});

const ChoiceRow = Schema.Struct({
  backend: Schema.String,
  device: Schema.String,
  candidates: Schema.Array(Schema.Struct({
    backend: Schema.String,
    device: Schema.optionalKey(Schema.String),
    estimateMs: Schema.optionalKey(Schema.Finite),
    refused: Schema.optionalKey(Schema.String),
  })),
});

const SQUARE = `program @main
func @main(%0 x: f32[N]) {
  %1: f32[N] = mul(%0, %0)
  return %1
}
`;

/** Native code is used where it is allowed or named. */
const authorities = ({ native, backend }: { readonly native?: boolean; readonly backend?: string }): Authorities => ({
  effects: [],
  kinds: native === true || BACKENDS.some((row) => row.id === backend && row.native) ? ["ffi"] : [],
});

const declare = {
  effects: [] as const,
  kinds: ["ffi"] as const,
  refine: authorities,
  idempotent: true,
  reversible: true,
  stability: "unstable" as const,
};

const RUN_FAILURES = [...BACKENDS_FAILURES, ...IR_FAILURES] as const;

/** Lists backends. */
export const List = operation("backend.list", {
  ...declare,
  summary: "List what tensor programs run on: devices found, and what is absent with its remedy.",
  input: { native: Native },
  output: Schema.Struct({ backends: Schema.Array(BackendRow) }),
  failures: [],
  cost: { compute: "one look at each backend" },
  examples: [{
    input: {},
    output: { backends: [{ id: "cpu", native: false, devices: [{ id: "cpu:0", kind: "cpu" }] }] },
  }],
});

/** Explains how a program would run. */
export const Explain = operation("backend.explain", {
  ...declare,
  summary: "Say which device would run a tensor program and why: measured estimates, refusals, kernels, bytes.",
  input: { program: ProgramText, sizes: SizesGiven, ...RunOn },
  output: Schema.Struct({
    choice: ChoiceRow,
    explanation: Schema.Struct({
      backend: Schema.String,
      device: Schema.String,
      kernels: Schema.Array(Schema.Struct({ name: Schema.String, nodes: Schema.Int, flops: Schema.Finite })),
      bytes: Schema.Int,
      codeBytes: Schema.optionalKey(Schema.Int),
    }),
  }),
  failures: RUN_FAILURES,
  cost: { compute: "compiling the program; at the first call, measuring each device for a moment" },
  examples: [
    {
      input: { program: SQUARE, sizes: { N: 4 }, backend: "reference" },
      output: { choice: { backend: "reference" }, explanation: { kernels: [{ nodes: 1, flops: 4 }] } },
    },
    {
      title: "a backend that does not exist",
      input: { program: SQUARE, sizes: { N: 4 }, backend: "referense" },
      failure: "BACKENDS_UNKNOWN",
    },
  ],
});

/** Runs a program. */
export const Run = operation("backend.run", {
  ...declare,
  summary: "Run a tensor program on the device that measurements say is fastest, or on the one named.",
  input: { program: ProgramText, inputs: Schema.Array(TensorJson), sizes: SizesGiven, ...RunOn },
  output: Schema.Struct({ results: Schema.Array(TensorJson), backend: Schema.String, device: Schema.String }),
  failures: RUN_FAILURES,
  cost: {
    compute: "the program's flops and bytes, taken from the fuel before it starts",
    reserve: { fuel: USUAL_FUEL },
  },
  examples: [
    {
      input: { program: SQUARE, inputs: [{ type: "f32[3]", values: [1, -2, "inf"] }] },
      output: { results: [{ type: "f32[3]", values: [1, 4, "inf"] }] },
    },
    {
      title: "a size that contradicts the inputs",
      input: { program: SQUARE, inputs: [{ type: "f32[3]", values: [1, 2, 3] }], sizes: { N: 4 } },
      failure: "BACKENDS_INPUT",
    },
  ],
});

/** Tries a backend. */
export const Conform = operation("backend.conform", {
  ...declare,
  summary: "Try a backend against the reference: every primitive, dtype and shape, edges, control, gradients.",
  input: {
    backend: Schema.optionalKey(BackendName),
    native: Native,
    level: Schema.optionalKey(
      Schema.Literals(["quick", "full"]).annotate({ description: "quick: about two thousand cases; full: all" }),
    ),
    ops: Schema.optionalKey(
      Schema.Array(Schema.String).annotate({ description: "only cases about these primitives or patterns" }),
    ),
    numerics: RunOn.numerics,
    threads: RunOn.threads,
  },
  output: Schema.Struct({
    backend: Schema.String,
    cases: Schema.Int,
    passed: Schema.Int,
    refused: Schema.Record(Schema.String, Schema.Int).annotate({ description: "unsupported cases, by primitive" }),
    deviations: Schema.Array(Schema.Literals(["zeroSigns", "nanOrder", "approximations"])).annotate({
      description: "in what the backend says it differs from the reference",
    }),
    wrong: Schema.Array(Schema.Struct({
      name: Schema.String,
      op: Schema.String,
      reason: Schema.String,
      program: Schema.String,
      inputs: Schema.Array(TensorJson),
    })),
  }),
  failures: BACKENDS_FAILURES,
  cost: { compute: "seconds; with level full, minutes" },
  examples: [
    {
      input: { backend: "reference", ops: ["softmax"] },
      output: { backend: "reference", cases: 15, passed: 15, refused: {}, wrong: [] },
    },
  ],
});

/** All operations of the plugin. */
export const operations = [List, Explain, Run, Conform] as const;
