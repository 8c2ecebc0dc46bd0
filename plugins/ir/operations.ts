/**
 * Operations of the IR: programs as text, tensors as JSON.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { Digest } from "../../kernel/digest.ts";
import { operation } from "../../kernel/operation.ts";
import { declare, DENSE, ProgramText, SQUARE } from "./declaration.ts";
import { TensorJson } from "./interchange.ts";
import { DERIVING } from "./operations_derive.ts";
import { EXCHANGING } from "./operations_exchange.ts";
import { IMPROVING } from "./operations_improve.ts";
import { DTYPE_CLASSES } from "./primitive.ts";

const SizeText = Schema.Union([Schema.Int, Schema.String]).annotate({
  description: "a number, or a polynomial of the sizes that are not known",
});

const SizesGiven = Schema.optionalKey(
  Schema.Record(Schema.String, Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))).annotate({
    description: "sizes by name",
  }),
);

const Signature = Schema.Struct({
  name: Schema.String,
  parameters: Schema.Array(Schema.Struct({ name: Schema.String, type: Schema.String })),
  results: Schema.Array(Schema.String),
  nodes: Schema.Int,
});

/** Reads and checks a program. */
export const Parse = operation("ir.parse", {
  ...declare,
  summary: "Read a tensor program and check its types, references and sizes.",
  input: { program: ProgramText },
  output: Schema.Struct({ entry: Schema.String, functions: Schema.Array(Signature), digest: Digest }),
  cost: { compute: "linear in the program's length" },
  examples: [{
    input: { program: SQUARE },
    output: {
      entry: "main",
      functions: [{ name: "main", parameters: [{ name: "x", type: "f32[]" }], results: ["f32[]"], nodes: 1 }],
    },
  }, {
    title: "a declared type that does not follow",
    input: { program: SQUARE.replace("%1: f32[] =", "%1: f32[2] =") },
    failure: "IR_RESULT",
  }],
});

/** Prints a program in its one spelling. */
export const Print = operation("ir.print", {
  ...declare,
  summary: "Print a tensor program in its one spelling: checked, numbered, comments dropped.",
  input: { program: ProgramText },
  output: Schema.Struct({ program: Schema.String }),
  cost: { compute: "linear in the program's length" },
  examples: [{ input: { program: `# squares\n${SQUARE}` }, output: { program: SQUARE.replace("\n", "\n\n") } }],
});

/** Runs a program by the reference. */
export const Evaluate = operation("ir.evaluate", {
  ...declare,
  summary: "Run a tensor program by the reference evaluator, within fuel and memory bounds.",
  input: {
    program: ProgramText,
    inputs: Schema.Array(TensorJson),
    sizes: SizesGiven,
    fuel: Schema.optionalKey(
      Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)).annotate({ description: "most scalar steps" }),
    ),
    maxBytes: Schema.optionalKey(
      Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)).annotate({ description: "most bytes of live tensors" }),
    ),
  },
  output: Schema.Struct({ results: Schema.Array(TensorJson), fuelUsed: Schema.Int, peakBytes: Schema.Int }),
  cost: { compute: "the program's steps, at most fuel" },
  examples: [{
    input: { program: SQUARE, inputs: [{ type: "f32[]", values: [3] }] },
    output: { results: [{ type: "f32[]", values: [9] }], peakBytes: 8 },
  }, {
    title: "an input of another type",
    input: { program: SQUARE, inputs: [{ type: "f32[1]", values: [3] }] },
    failure: "IR_INPUT",
  }],
});

/** Costs a program. */
export const Cost = operation("ir.cost", {
  ...declare,
  summary: "Count a tensor program's flops, bytes moved and peak memory without running it.",
  input: { program: ProgramText, sizes: SizesGiven },
  output: Schema.Struct({
    flops: SizeText,
    bytes: SizeText,
    peakBytes: Schema.optionalKey(Schema.Int),
    nodes: Schema.Int,
    exact: Schema.Boolean,
  }),
  cost: { compute: "linear in nodes" },
  examples: [
    { input: { program: DENSE }, output: { flops: "16*B", bytes: "24*B+32", nodes: 1, exact: true } },
    { title: "a known size", input: { program: DENSE, sizes: { B: 8 } }, output: { flops: 128, peakBytes: 224 } },
  ],
});

/** Identifies a program. */
export const Hash = operation("ir.hash", {
  ...declare,
  summary: "Give a tensor program's structural digest: names and locations have no part in it.",
  input: { program: ProgramText },
  output: Schema.Struct({ digest: Digest }),
  cost: { compute: "linear in the program's length" },
  examples: [{ input: { program: SQUARE } }],
});

const PrimitiveRow = Schema.Struct({
  name: Schema.String,
  doc: Schema.String,
  operands: Schema.Array(
    Schema.Struct({ name: Schema.String, takes: Schema.Literals(Object.keys(DTYPE_CLASSES)) }),
  ),
  variadic: Schema.Boolean,
  attributes: Schema.Json,
  gradient: Schema.String.annotate({ description: "rule, or why there is none" }),
  loop: Schema.String.annotate({ description: "how loops see it" }),
});

/** Lists the primitives. */
export const Primitives = operation("ir.primitives", {
  ...declare,
  summary: "List what tensor programs are made of: operands, attributes, meaning and gradient of each primitive.",
  input: {
    names: Schema.optionalKey(Schema.Array(Schema.String).annotate({ description: "only these; all where absent" })),
  },
  output: Schema.Struct({
    primitives: Schema.Array(PrimitiveRow),
    control: Schema.Array(Schema.Struct({ name: Schema.String, doc: Schema.String })),
  }),
  cost: { compute: "constant" },
  examples: [
    {
      input: { names: ["exp"] },
      output: {
        primitives: [{
          name: "exp",
          doc: "e to the x.",
          operands: [{ name: "x", takes: "float" }],
          variadic: false,
          gradient: "rule",
          loop: "elementwise",
        }],
      },
    },
    { title: "a near miss", input: { names: ["exmp"] }, failure: "IR_UNKNOWN_PRIMITIVE" },
  ],
});

/** All operations of the plugin. */
export const operations = [
  Parse,
  Print,
  Evaluate,
  Cost,
  Hash,
  Primitives,
  ...DERIVING,
  ...EXCHANGING,
  ...IMPROVING,
] as const;
