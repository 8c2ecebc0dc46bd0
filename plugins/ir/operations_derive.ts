/**
 * Operations that derive programs from programs: derivatives, quantised programs, mutants and crosses.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { Digest } from "../../kernel/digest.ts";
import { operation } from "../../kernel/operation.ts";
import { declare, DENSE, ProgramText, SQUARE } from "./declaration.ts";
import { TensorJson } from "./interchange.ts";
import { CALIBRATION_METHODS } from "./quantize/calibrate.ts";
import { QUANTIZED_FORMS } from "./quantize/scheme.ts";
import { CROSSOVER_NAMES } from "./variation/cross.ts";
import { MUTATION_NAMES } from "./variation/mutate.ts";

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0));

const Positive = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1));

const Made = Schema.Struct({ program: Schema.String, digest: Digest });

const LOOP = `program @main
func @main.while0(%0 while0: f64[]) {
  %1: f64[] = constant() {value = f64[] (10)}
  %2: bool[] = compare(%0, %1) {direction = "lt"}
  return %2
}
func @main.do1(%0 do0: f64[]) {
  %1: f64[] = mul(%0, %0)
  return %1
}
func @main(%0 x: f64[]) {
  %1: f64[] = while(%0) @main.while0 @main.do1 {carry = 1, sizes = []}
  return %1
}
`;

/** Differentiates a program. */
export const Grad = operation("ir.grad", {
  ...declare,
  summary: "Make the program that computes a tensor program's gradient, or in forward mode its tangents.",
  input: {
    program: ProgramText,
    mode: Schema.optionalKey(
      Schema.Literals(["reverse", "forward"]).annotate({
        description:
          "reverse (default): gradients of one result; forward: a tangent of each result, given those of parameters",
      }),
    ),
    wrt: Schema.optionalKey(
      Schema.Array(Schema.String).annotate({ description: "parameter names; all float ones where absent" }),
    ),
    result: Schema.optionalKey(
      Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)).annotate({ description: "which result, 0 where absent" }),
    ),
    value: Schema.optionalKey(Schema.Boolean.annotate({ description: "return the results too, first" })),
    cotangent: Schema.optionalKey(
      Schema.Boolean.annotate({ description: "take the result's cotangent as last parameter" }),
    ),
    bound: Schema.optionalKey(
      Count.annotate({ description: "most turns of loops that promise no bound of their own" }),
    ),
    checkpoint: Schema.optionalKey(
      Schema.Struct({
        functions: Schema.optionalKey(
          Schema.Array(Schema.String).annotate({ description: "functions that run again on the way back" }),
        ),
        scan: Schema.optionalKey(
          Schema.Union([Positive, Schema.Literal("sqrt")]).annotate({
            description: "turns of a scan between two kept states; sqrt: the root of its length",
          }),
        ),
      }).annotate({ description: "what is computed again instead of being kept: less memory, more work" }),
    ),
  },
  output: Made,
  cost: { compute: "linear in nodes" },
  examples: [
    { input: { program: SQUARE, wrt: ["x"] } },
    { title: "tangents", input: { program: SQUARE, mode: "forward" } },
    { title: "a loop that promises no end", input: { program: LOOP }, failure: "IR_NO_GRADIENT" },
    { title: "a loop with a bound", input: { program: LOOP, bound: 4 } },
    { title: "not a scalar", input: { program: DENSE }, failure: "IR_GRADIENT_TARGET" },
  ],
});

/** Two operations, one after the other. */
const chain = (first: string, second: string): string =>
  `program @main
func @main(%0 x: f32[3]) {
  %1: f32[3] = ${first}(%0)
  %2: f32[3] = ${second}(%1, %0)
  return %2
}
`;

const Deviation = Schema.Struct({
  max: Schema.Union([Schema.Finite, Schema.Literal("inf")]),
  mean: Schema.Union([Schema.Finite, Schema.Literal("inf")]),
  sqnrDb: Schema.optionalKey(Schema.Finite.annotate({ description: "signal to noise; absent where nothing is lost" })),
});

const Inputs = Schema.Array(Schema.Array(TensorJson));

/** Quantises a program. */
export const Quantize = operation("ir.quantize", {
  ...declare,
  summary: "Quantise a tensor program's matrix products and convolutions, and report what it costs in accuracy.",
  input: {
    program: ProgramText,
    weights: Schema.optionalKey(
      Schema.Record(Schema.String, TensorJson).annotate({
        description: "values of the parameters that are weights; they become constants (in the form fake they stay)",
      }),
    ),
    calibration: Schema.optionalKey(Inputs.annotate({ description: "lists of the other inputs, to take ranges from" })),
    heldOut: Schema.optionalKey(Inputs.annotate({ description: "lists of inputs to compare results on" })),
    scheme: Schema.optionalKey(Schema.Struct({
      form: Schema.optionalKey(Schema.Literals(Object.keys(QUANTIZED_FORMS) as ["integer", "weights", "fake"])),
      weights: Schema.optionalKey(Schema.Literals(["i8", "i4"])),
      granularity: Schema.optionalKey(Schema.Literals(["tensor", "channel"])),
      symmetric: Schema.optionalKey(Schema.Boolean),
      calibration: Schema.optionalKey(Schema.Literals(CALIBRATION_METHODS)),
      percentile: Schema.optionalKey(Schema.Finite),
      group: Schema.optionalKey(Schema.Finite),
    })),
  },
  output: Schema.Struct({
    program: Schema.String,
    digest: Digest,
    report: Schema.Struct({
      products: Schema.Int,
      tensors: Schema.Array(Schema.Struct({
        location: Schema.String,
        operand: Schema.Int,
        role: Schema.Literals(["weight", "activation"]),
        target: Schema.Literals(["i8", "i4"]),
        scales: Schema.Int,
        zero: Schema.Int,
        error: Deviation,
      })),
      skipped: Schema.Array(Schema.Struct({ location: Schema.String, reason: Schema.String })),
      bytesBefore: Schema.Int,
      bytesAfter: Schema.Int,
      results: Schema.Array(Deviation),
    }),
  }),
  cost: { compute: "the program's steps on each calibration and held-out input, at most fuel" },
  examples: [{
    input: {
      program: DENSE,
      weights: { w: { type: "f32[4,2]", values: [1, 0, 0.5, 0, -1, 0.25, 0, 1] } },
      calibration: [[{ type: "f32[1,4]", values: [0, 0.5, 1, 2] }]],
    },
    output: { report: { products: 1, bytesBefore: 32, bytesAfter: 16 } },
  }, {
    title: "ranges without inputs to take them from",
    input: { program: DENSE, weights: { w: { type: "f32[4,2]", values: [1, 0, 0.5, 0, -1, 0.25, 0, 1] } } },
    failure: "IR_QUANTIZE",
  }],
});

/** Most children of one call. */
export const MAX_OFFSPRING = 256;

const Seed = Schema.Union([Schema.String, Schema.Int]).annotate({
  description: "the same seed gives the same children",
});

const HowMany = Schema.optionalKey(
  Positive.check(Schema.isLessThanOrEqualTo(MAX_OFFSPRING)).annotate({
    description: "how many children, 1 where absent",
  }),
);

const kindsOf = (names: ReadonlyArray<string>) =>
  Schema.optionalKey(Schema.Array(Schema.String).annotate({ description: `of ${names.join(", ")}; all where absent` }));

const MutationRecord = Schema.Struct({
  kind: Schema.String,
  function: Schema.String,
  node: Schema.optionalKey(Schema.Int),
  detail: Schema.String,
  parent: Digest,
  child: Digest,
  before: Schema.String.annotate({ description: "the edited function as it was: what undoing needs" }),
});

/** Mutates a program. */
export const Mutate = operation("ir.mutate", {
  ...declare,
  summary: "Change one thing in a tensor program: children that pass the checks and differ, with records that undo.",
  input: {
    program: ProgramText,
    seed: Seed,
    kinds: kindsOf(MUTATION_NAMES),
    use: Schema.optionalKey(
      Schema.String.annotate({ description: "what to use where a kind has a choice: an op, an activation, a dtype" }),
    ),
    parameters: Schema.optionalKey(
      Schema.Boolean.annotate({ description: "weights of new layers become parameters; else the signature stays" }),
    ),
    count: HowMany,
  },
  output: Schema.Struct({
    offspring: Schema.Array(Schema.Struct({ program: Schema.String, digest: Digest, record: MutationRecord })),
  }),
  cost: { compute: "linear in nodes, for each child" },
  examples: [
    {
      input: { program: SQUARE, seed: 1, kinds: ["replaceOp"], use: "max" },
      output: { offspring: [{ record: { kind: "replaceOp", function: "main", node: 0, detail: "mul becomes max" } }] },
    },
    {
      title: "a misspelt kind",
      input: { program: SQUARE, seed: 1, kinds: ["replaceOps"] },
      failure: "IR_UNKNOWN_VARIATION",
    },
    {
      title: "a kind that does not apply",
      input: { program: SQUARE, seed: 1, kinds: ["removeLayer"] },
      failure: "IR_NO_VARIATION",
    },
  ],
});

/** Undoes a mutation. */
export const Undo = operation("ir.undo", {
  ...declare,
  summary: "Give back the parent of a mutated tensor program, from the record of the mutation.",
  input: {
    program: ProgramText,
    record: Schema.Struct({ before: Schema.String, parent: Digest, child: Digest }),
  },
  output: Made,
  cost: { compute: "linear in nodes" },
  examples: [{
    title: "a record of another program",
    input: {
      program: SQUARE,
      record: { before: SQUARE, parent: `sha256:${"0".repeat(64)}`, child: `sha256:${"0".repeat(64)}` },
    },
    failure: "IR_NO_VARIATION",
  }],
});

/** Crosses two programs. */
export const Cross = operation("ir.cross", {
  ...declare,
  summary: "Recombine two tensor programs: children with the signature of the first that pass the checks and differ.",
  input: { first: ProgramText, second: ProgramText, seed: Seed, kinds: kindsOf(CROSSOVER_NAMES), count: HowMany },
  output: Schema.Struct({
    offspring: Schema.Array(Schema.Struct({
      program: Schema.String,
      digest: Digest,
      record: Schema.Struct({
        kind: Schema.String,
        detail: Schema.String,
        parents: Schema.Tuple([Digest, Digest]),
        child: Digest,
      }),
    })),
  }),
  cost: { compute: "linear in nodes, for each child" },
  examples: [{
    input: { first: chain("tanh", "mul"), second: chain("sin", "add"), seed: 3, count: 2 },
    output: { offspring: [{}, {}] },
  }],
});

/** Batches a program. */
export const Batch = operation("ir.batch", {
  ...declare,
  summary: "Make the program that does for many inputs at once what a tensor program does for one.",
  input: {
    program: ProgramText,
    size: Schema.Union([Count, Schema.String]).annotate({ description: "size of the batch: a number or a name" }),
    parameters: Schema.optionalKey(
      Schema.Array(Schema.String).annotate({ description: "parameters that differ by row; all where absent" }),
    ),
  },
  output: Made,
  cost: { compute: "linear in nodes" },
  examples: [
    { input: { program: SQUARE, size: "B" } },
    {
      title: "a parameter that is not there",
      input: { program: SQUARE, size: 4, parameters: ["y"] },
      failure: "IR_BATCH",
    },
  ],
});

/** All of them. */
export const DERIVING = [Grad, Batch, Quantize, Mutate, Undo, Cross] as const;
