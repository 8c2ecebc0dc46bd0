/**
 * Operations on the language itself: bytes, text, patterns and the table of ops.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { Digest } from "../../kernel/digest.ts";
import { operation } from "../../kernel/operation.ts";
import { rmilFailures } from "./failures.ts";
import { ProgramSource, toRead } from "./program_source.ts";

const Hex = Schema.String.annotate({ description: "bytes in hexadecimal" });
const Hash = Schema.String.annotate({ description: "the original's 64-bit content hash, 0x and 16 digits" });
const Version = Schema.optionalKey(Schema.Literals([1, 2]).annotate({ description: "version of the wire format" }));
const FormText = Schema.optionalKey(
  Schema.Literals(["program", "expression"]).annotate({
    description: "with header and names (program, the default), or the tree alone",
  }),
);

const DiagnosticJson = Schema.Struct({
  severity: Schema.Literals(["error", "warning"]),
  code: Schema.String,
  message: Schema.String,
  start: Schema.Int,
  end: Schema.Int,
  fix: Schema.optionalKey(Schema.String),
  edit: Schema.optionalKey(
    Schema.Struct({ start: Schema.Int, end: Schema.Int, text: Schema.String }).annotate({
      description: "the replacement that mends it",
    }),
  ),
});

const declare = {
  failures: rmilFailures,
  effects: [],
  idempotent: true,
  reversible: true,
  stability: "unstable" as const,
};

const linear = { compute: "linear in the program's length" };

const Encode = operation("rmil.encode", {
  ...declare,
  summary: "Encode a program as bytes of the wire format: from its text, other bytes, or its digest.",
  input: { source: ProgramSource, version: Version, form: FormText },
  effects: ["readLocal"],
  refine: ({ source }) => toRead(source),
  output: Schema.Struct({
    hex: Hex,
    bytes: Schema.Int.annotate({ description: "number of bytes" }),
    hash: Schema.optionalKey(Hash),
    digest: Digest.annotate({ description: "the program's identity, whatever the version asked for" }),
  }),
  cost: linear,
  examples: [
    {
      title: "version 1, the tree alone",
      input: { source: "linear >> relu", form: "expression" },
      output: { hex: "0302020000000210000000", bytes: 11 },
    },
    {
      title: "version 2 is shorter",
      input: { source: "linear >> relu", version: 2, form: "expression" },
      output: { hex: "800107", bytes: 3 },
    },
    {
      title: "from one version to the other",
      input: { source: { hex: "524d494c01000000010000000100000000000302020000000210000000" }, version: 2 },
      output: { hex: "524d494c0200000003800107", bytes: 12 },
    },
    {
      title: "what version 1 cannot say",
      input: { source: "linear(width: 64)" },
      failure: "RMIL_NOT_EXPRESSIBLE",
    },
    { title: "a slip", input: { source: "add(3 4)" }, failure: "RMIL_SYNTAX" },
  ],
});

const Decode = operation("rmil.decode", {
  ...declare,
  summary: "Decode bytes of the wire format: source text, tree, names, hash. Everything malformed is refused.",
  input: {
    hex: Hex,
    version: Version,
    form: FormText,
    anyOpcode: Schema.optionalKey(
      Schema.Boolean.annotate({ description: "accept opcodes that the table does not have; false where absent" }),
    ),
  },
  output: Schema.Struct({
    source: Schema.String,
    ast: Schema.optionalKey(
      Schema.Json.annotate({ description: "the tree; absent where it nests more deeply than an answer may" }),
    ),
    symbols: Schema.Array(Schema.String),
    hash: Schema.optionalKey(Hash),
    bytes: Schema.Int,
    version: Schema.Literals([1, 2]),
  }),
  cost: linear,
  examples: [
    {
      input: { hex: "0302020000000210000000", form: "expression" },
      output: {
        source: "linear >> relu",
        ast: {
          k: "Seq",
          a: { k: "App", op: "0x0002", name: "linear", args: [] },
          b: { k: "App", op: "0x0010", name: "relu", args: [] },
        },
        symbols: [""],
        bytes: 11,
        version: 1,
      },
    },
    { title: "bytes that end too early", input: { hex: "0300", form: "expression" }, failure: "RMIL_TRUNCATED" },
  ],
});

const Format = operation("rmil.format", {
  ...declare,
  summary:
    "Set source text in the one layout, keeping comments, and list what is wrong; bytes and digests become text.",
  input: { source: ProgramSource },
  effects: ["readLocal"],
  refine: ({ source }) => toRead(source),
  output: Schema.Struct({ source: Schema.String, diagnostics: Schema.Array(DiagnosticJson) }),
  cost: linear,
  examples: [
    {
      input: { source: "let w=64 in linear( w )>>relu // wide" },
      output: { source: "let w = 64 in linear(w) >> relu // wide\n", diagnostics: [] },
    },
    {
      title: "a misspelled op",
      input: { source: "lineer(64)" },
      output: {
        diagnostics: [{
          severity: "warning",
          code: "RMIL_NAME",
          message: "At 1:1, lineer is no op and bound nowhere",
          start: 0,
          end: 6,
          fix: "Did you mean linear?",
          edit: { start: 0, end: 6, text: "linear" },
        }],
      },
    },
  ],
});

const Patterns = operation("rmil.patterns", {
  ...declare,
  summary: "List the published architectures, or build one.",
  input: {
    name: Schema.optionalKey(Schema.String.annotate({ description: "only this one" })),
    size: Schema.optionalKey(
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 500 })).annotate({
        description: "layers or blocks, where the pattern takes a number of them",
      }),
    ),
  },
  output: Schema.Struct({
    patterns: Schema.Array(Schema.Struct({
      name: Schema.String,
      doc: Schema.String,
      size: Schema.optionalKey(Schema.String),
      source: Schema.String,
      bytes: Schema.Struct({ v1: Schema.Int, v2: Schema.Int }).annotate({ description: "of the tree alone" }),
      hash: Hash,
    })),
  }),
  cost: { compute: "linear in the size" },
  examples: [
    {
      input: { name: "mlp", size: 3 },
      output: {
        patterns: [{
          name: "mlp",
          doc: "Linear layers with relu between them.",
          size: "number of layers",
          source: "linear >> relu >> linear >> relu >> linear",
          bytes: { v1: 29, v2: 6 },
          hash: "0x2990f8b1eeec15f4",
        }],
      },
    },
    { title: "a near miss", input: { name: "transformer" }, failure: "RMIL_UNKNOWN_PATTERN" },
  ],
});

const OperandJson = Schema.Struct({
  name: Schema.String,
  takes: Schema.String,
  shape: Schema.optionalKey(Schema.String),
  optional: Schema.optionalKey(Schema.Boolean),
  repeats: Schema.optionalKey(Schema.Boolean),
});

const AttributeJson = Schema.Struct({
  name: Schema.String,
  takes: Schema.String,
  default: Schema.optionalKey(Schema.Json),
  named: Schema.optionalKey(Schema.Boolean.annotate({ description: "only by name" })),
  doc: Schema.String,
});

const ParameterJson = Schema.Struct({
  name: Schema.String,
  shape: Schema.Array(Schema.String),
  starts: Schema.String,
  when: Schema.optionalKey(Schema.String),
});

const OpJson = Schema.Struct({
  name: Schema.String,
  code: Schema.String,
  family: Schema.String,
  doc: Schema.String,
  operands: Schema.optionalKey(Schema.Array(OperandJson)),
  attributes: Schema.optionalKey(Schema.Array(AttributeJson)),
  parameters: Schema.optionalKey(Schema.Array(ParameterJson)),
  result: Schema.optionalKey(Schema.String),
  differentiable: Schema.optionalKey(Schema.Boolean),
  effect: Schema.optionalKey(Schema.String),
  source: Schema.optionalKey(Schema.String),
});

const Ops = operation("rmil.ops", {
  ...declare,
  summary: "List the 107 ops by family, or describe some: operands, attributes, parameters, result, effect.",
  input: {
    names: Schema.optionalKey(
      Schema.Array(Schema.String).annotate({ description: "ops to describe in full, by name or constant" }),
    ),
    family: Schema.optionalKey(
      Schema.Literals(["Neural", "Symbolic", "Control", "Memory", "Agent", "Meta", "Math"]).annotate({
        description: "only this family",
      }),
    ),
  },
  output: Schema.Struct({ ops: Schema.Array(OpJson) }),
  cost: { compute: "constant" },
  examples: [
    {
      input: { names: ["softmax"] },
      output: {
        ops: [{
          name: "softmax",
          code: "0x0007",
          family: "Neural",
          doc: "Exponentials along an axis, normalised to sum 1.",
          operands: [{ name: "x", takes: "a float, scalar or tensor" }],
          attributes: [{
            name: "axis",
            takes: "an axis; negative counts from the end",
            default: -1,
            doc: "The axis that sums to 1.",
          }],
          parameters: [],
          result: "float",
          differentiable: true,
          effect: "nothing",
          source: "RMI 0x0007",
        }],
      },
    },
    { title: "a near miss", input: { names: ["layernorm"] }, failure: "RMIL_UNKNOWN_OP" },
  ],
});

/** The declarations, in order. */
export const languageOperations = [Encode, Decode, Format, Patterns, Ops] as const;
