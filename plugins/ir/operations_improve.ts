/**
 * Operations that judge programs, make them cheaper, and write them as bytes.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { Digest } from "../../kernel/digest.ts";
import { Fix, JsonValue } from "../../kernel/failure.ts";
import { operation } from "../../kernel/operation.ts";
import { declare, ProgramText, SQUARE } from "./declaration.ts";
import { LEVELS } from "./optimise.ts";

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0));

const MISTYPED = SQUARE.replace("%1: f32[] =", "%1: f32[2] =");

const DOUBTFUL = `program @main
func @main(%0 x: f32[]) {
  %1: f32[2] = neg(%0)
  %2: f32[] = mull(%0, %9)
  return %2
}
`;

const SLOW = `program @main

func @main(%0 x: f32[2,3]) {
  %1: f32[3,2] = transpose(%0) {permutation = [1, 0]}
  %2: f32[3,2] = exp(%1)
  %3: f32[2,3] = transpose(%2) {permutation = [1, 0]}
  return %3
}
`;

const FAST = `program @main

func @main(%0 x: f32[2,3]) {
  %1: f32[2,3] = exp(%0)
  return %1
}
`;

const SQUARE_BYTES = "524d4952010100046d61696e000100017800000366333200000100036d756c0200000000010100010100";

const Diagnostic = Schema.Struct({
  severity: Schema.Literals(["note", "warning", "error"]),
  code: Schema.String,
  path: Schema.String,
  message: Schema.String,
  expected: Schema.optionalKey(JsonValue),
  actual: Schema.optionalKey(JsonValue),
  fix: Schema.optionalKey(Fix),
});

/** Reports on a program. */
export const Verify = operation("ir.verify", {
  ...declare,
  summary: "Report everything that is wrong or odd about a tensor program, with fixes where they are known.",
  input: {
    program: ProgramText,
    sizes: Schema.optionalKey(
      Schema.Record(Schema.String, Count).annotate({ description: "sizes by name, for the bound on memory" }),
    ),
    maxBytes: Schema.optionalKey(Count.annotate({ description: "most bytes of live tensors; more is an error" })),
    from: Schema.optionalKey(
      Schema.Literals(["note", "warning", "error"]).annotate({ description: "least severity that is reported; note" }),
    ),
  },
  output: Schema.Struct({
    ok: Schema.Boolean,
    errors: Count,
    warnings: Count,
    notes: Count,
    diagnostics: Schema.Array(Diagnostic),
  }),
  cost: { compute: "linear in the program's length" },
  examples: [
    { input: { program: SQUARE }, output: { ok: true, errors: 0, warnings: 0, notes: 0, diagnostics: [] } },
    {
      title: "several faults at once",
      input: { program: DOUBTFUL },
      output: {
        ok: false,
        errors: 3,
        diagnostics: [
          { code: "IR_RESULT", path: "/functions/main/nodes/0", expected: "(f32[])", actual: "(f32[2])" },
          { code: "IR_REFERENCE", path: "/functions/main/nodes/1", actual: "%9" },
        ],
      },
    },
    {
      title: "a fix that can be applied as it is",
      input: { program: MISTYPED },
      output: { diagnostics: [{ code: "IR_RESULT", fix: { patch: [{ op: "replace", path: "/program" }] } }] },
    },
    { title: "text that is no program", input: { program: "program" }, failure: "IR_SYNTAX" },
  ],
});

const Counted = Schema.Struct({ flops: JsonValue, bytes: JsonValue, nodes: Count })
  .annotate({ description: "absent where the numbers are beyond counting" });

/** Makes a program cheaper. */
export const Optimize = operation("ir.optimize", {
  ...declare,
  summary: "Make a tensor program cheaper without changing a bit of what it computes.",
  input: {
    program: ProgramText,
    level: Schema.optionalKey(
      Schema.Literals(LEVELS).annotate({ description: "0 nothing … 3 everything; 2 where absent" }),
    ),
    fastMath: Schema.optionalKey(
      Schema.Boolean.annotate({
        description: "also use laws that hold for real numbers but not for NaN, infinities, -0 and the last bits",
      }),
    ),
  },
  output: Schema.Struct({
    program: ProgramText,
    digest: Digest,
    stats: Schema.Struct({
      nodesBefore: Count,
      nodesAfter: Count,
      rounds: Count,
      costBefore: Schema.optionalKey(Counted),
      costAfter: Schema.optionalKey(Counted),
      passes: Schema.Array(
        Schema.Struct({
          pass: Schema.String,
          rounds: Count,
          changes: Count,
          rules: Schema.Record(Schema.String, Count),
        }),
      ),
    }),
  }),
  cost: { compute: "a few rounds over the nodes; at level 3 a bounded search for each function" },
  examples: [
    { input: { program: SLOW }, output: { program: FAST, stats: { nodesBefore: 3, nodesAfter: 1 } } },
    { title: "nothing is done", input: { program: SLOW, level: 0 }, output: { stats: { nodesAfter: 3, rounds: 0 } } },
  ],
});

const ProgramBytes = Schema.String.annotate({ description: "the program's bytes in hexadecimal" });

/** Writes a program as bytes. */
export const Encode = operation("ir.encode", {
  ...declare,
  summary: "Write a tensor program as bytes: small, with one spelling for each program.",
  input: { program: ProgramText },
  output: Schema.Struct({ bytes: ProgramBytes, digest: Digest }),
  cost: { compute: "linear in the program's length" },
  examples: [{ input: { program: SQUARE }, output: { bytes: SQUARE_BYTES } }],
});

/** Reads a program from bytes. */
export const Decode = operation("ir.decode", {
  ...declare,
  summary: "Read and check a tensor program from its bytes.",
  input: { bytes: ProgramBytes },
  output: Schema.Struct({ program: ProgramText, digest: Digest }),
  cost: { compute: "linear in the number of bytes" },
  examples: [
    { input: { bytes: SQUARE_BYTES }, output: { program: SQUARE.replace("\n", "\n\n") } },
    { title: "bytes that are no program", input: { bytes: "00ff" }, failure: "IR_BINARY" },
  ],
});

/** Operations that judge and improve programs. */
export const IMPROVING = [Verify, Optimize, Encode, Decode] as const;
