/**
 * Operations between the language and the IR: a program made into one tensor program, and a tensor program written in the
 * language.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { Digest } from "../../kernel/digest.ts";
import { operation } from "../../kernel/operation.ts";
import { IR_FAILURES } from "../ir/library.ts";
import { rmilFailures } from "./failures.ts";
import { runFailures } from "./interpreter/failures.ts";
import { loweringFailures } from "./lowering/failures.ts";
import { ProgramSource, toRead } from "./program_source.ts";

const TensorProgram = Schema.String.annotate({
  description: "a tensor program in the IR's text form: program @main, func @main(%0 x: f32[B,4]) { ... return %1 }",
});

const declare = {
  failures: [...rmilFailures, ...runFailures, ...loweringFailures, ...IR_FAILURES],
  idempotent: true,
  reversible: true,
  stability: "unstable" as const,
};

const Lower = operation("rmil.lower", {
  ...declare,
  summary: "Make a program into one tensor program of the IR, its parameters named by path.",
  input: {
    program: ProgramSource,
    inputs: Schema.optionalKey(
      Schema.Record(Schema.String, Schema.String).annotate({
        description: "types by name, such as f32[8,32]; names the program reads are bound, the others are its input",
      }),
    ),
  },
  output: Schema.Struct({
    program: TensorProgram,
    digest: Digest,
    inputs: Schema.Array(Schema.String).annotate({ description: "the IR's parameters that are inputs, in order" }),
    parameters: Schema.Array(
      Schema.Struct({
        path: Schema.String,
        name: Schema.String.annotate({ description: "name of the IR's parameter" }),
        type: Schema.String,
      }),
    ),
    output: Schema.Json.annotate({ description: "tensor, or a list of outputs for a tuple" }),
  }),
  effects: ["readLocal"],
  refine: ({ program }) => toRead(program),
  cost: { compute: "linear in nodes, for functions at every call" },
  examples: [
    {
      input: { program: { source: "linear(64) >> relu" }, inputs: { x: "f32[8,32]" } },
      output: {
        inputs: ["x"],
        parameters: [
          { path: "/a/weight", name: "/a/weight", type: "f32[32,64]" },
          { path: "/a/bias", name: "/a/bias", type: "f32[64]" },
        ],
        output: "tensor",
      },
    },
    {
      title: "no tensor computation",
      input: { program: { source: "unify($x, 1)" }, inputs: { x: "f32[2]" } },
      failure: "RMIL_NOT_LOWERED",
    },
  ],
});

const TANH = `program @main
func @main(%0 x: f32[2,3]) {
  %1: f32[2,3] = tanh(%0)
  return %1
}
`;

const SORTED = `program @main
func @main(%0 x: f32[3]) {
  %1: f32[3], %2: i64[3] = sort(%0) {axis = 0, descending = false}
  return %1
}
`;

const Lift = operation("rmil.lift", {
  ...declare,
  summary: "Write a tensor program of the IR in the language, op by op, where ops of the language compute it.",
  input: { program: TensorProgram },
  output: Schema.Struct({ source: Schema.String, hex: Schema.String, digest: Digest }),
  effects: [],
  cost: { compute: "linear in nodes, times the ops that may stand at each" },
  examples: [
    { input: { program: TANH }, output: { source: "tanh($x)" } },
    { title: "a node that no op computes", input: { program: SORTED }, failure: "RMIL_NOT_LIFTED" },
  ],
});

/** Operations between the language and the IR. */
export const loweringOperations = [Lower, Lift] as const;
