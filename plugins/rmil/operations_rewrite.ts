/**
 * Operations that change programs: rewriting by laws, and quantisation.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { Digest, JsonValue, operation } from "../../kernel/mod.ts";
import { rmilFailures } from "./failures.ts";
import { type GivenProgram, ProgramSource, toRead } from "./program_source.ts";
import { PROGRAM_TARGETS } from "./quantize/program.ts";

const ProgramOut = {
  source: Schema.optionalKey(
    Schema.String.annotate({ description: "the program as source text; absent where it is too large to show" }),
  ),
  hex: Schema.String.annotate({ description: "the program's bytes, version 2" }),
  digest: Digest,
};

const declare = {
  failures: rmilFailures,
  effects: ["readLocal" as const],
  refine: ({ program }: { readonly program: GivenProgram }) => toRead(program),
  idempotent: true,
  reversible: true,
  stability: "unstable" as const,
};

const RuleGiven = Schema.Struct({
  name: Schema.String,
  left: JsonValue.annotate({ description: "source text whose free names match anything, or a pattern as JSON" }),
  right: JsonValue.annotate({ description: "source text over the same names, or a template as JSON" }),
  guards: Schema.optionalKey(
    JsonValue.annotate({ description: "a list of {of: name, facts: [pure, orderFree, data, number, float …]}" }),
  ),
});

const MAX_RULES = 256;
const MAX_ITERATIONS = 1000;
const MAX_GRAPH_NODES = 1_000_000;

const count = (description: string, most: number) =>
  Schema.optionalKey(
    Schema.Int.check(Schema.isGreaterThanOrEqualTo(1), Schema.isLessThanOrEqualTo(most)).annotate({ description }),
  );

/** Rewriting. */
export const Rewrite = operation("rmil.rewrite", {
  ...declare,
  summary: "Make a program simpler by laws that keep its meaning: by search over all equal programs, or rule by rule.",
  input: {
    program: ProgramSource,
    method: Schema.optionalKey(
      Schema.Literals(["search", "rules"]).annotate({
        description: "search: the cheapest equal program found (the default); rules: one rule after the other",
      }),
    ),
    laws: Schema.optionalKey(
      Schema.Literals(["exact", "real", "none"]).annotate({
        description: "exact: equal bit for bit (the default); real: equal but for rounding and overflow; none",
      }),
    ),
    rules: Schema.optionalKey(
      Schema.Array(RuleGiven).check(Schema.isMaxLength(MAX_RULES)).annotate({
        description: "rules of your own, used beside the laws; that they hold is your claim",
      }),
    ),
    cost: Schema.optionalKey(Schema.Literals(["work", "nodes"]).annotate({ description: "what search makes less" })),
    strategy: Schema.optionalKey(
      Schema.Literals(["innermost", "outermost", "topDown", "bottomUp", "once"]).annotate({
        description: "where rules are tried first",
      }),
    ),
    growing: Schema.optionalKey(
      Schema.Boolean.annotate({ description: "let rules make the program larger; limits end what does not end" }),
    ),
    iterations: count("most rounds of search", MAX_ITERATIONS),
    nodes: count("most nodes of the search's graph", MAX_GRAPH_NODES),
    fuel: count("most steps", Number.MAX_SAFE_INTEGER),
  },
  output: Schema.Struct({
    ...ProgramOut,
    changed: Schema.Boolean,
    moved: Schema.optionalKey(
      Schema.Array(Schema.Struct({ from: Schema.optionalKey(Schema.String), to: Schema.optionalKey(Schema.String) }))
        .annotate({
          description:
            "where each layer's parameters were and are, by its path, [*] being a repeated turn's mark; absent for large programs, and where search is given rules that look for layers",
        }),
    ),
    end: Schema.String.annotate({ description: "done, saturated, or the limit that was met" }),
    costBefore: Schema.Int,
    costAfter: Schema.Int,
    applied: Schema.Array(Schema.Struct({ rule: Schema.String, count: Schema.Int })),
    trace: Schema.optionalKey(
      Schema.Array(
        Schema.Struct({ rule: Schema.String, path: Schema.String, before: Schema.String, after: Schema.String }),
      ),
    ),
    fuelUsed: Schema.Int,
  }),
  cost: { compute: "at most fuel" },
  examples: [
    {
      input: { program: { source: "identity >> relu >> relu" } },
      output: { source: "relu", changed: true, end: "saturated" },
    },
    {
      title: "rule by rule, with a record",
      input: { program: { source: "linear >> identity >> relu >> relu" }, method: "rules" },
      output: { source: "linear >> relu", end: "done", moved: [{ from: "/a/a/a", to: "/a" }] },
    },
    {
      title: "a skip connection stays",
      input: { program: { source: "res_add(identity, linear)" } },
      output: { source: "res_add(identity, linear)", changed: false },
    },
    {
      title: "a rule of your own",
      input: {
        program: { source: "add(mul($a, $b), mul($a, $c))" },
        laws: "none",
        rules: [{ name: "factor", left: "add(mul($x, $y), mul($x, $z))", right: "mul($x, add($y, $z))" }],
      },
      output: { source: "mul($a, add($b, $c))", changed: true },
    },
    {
      title: "a template with a name that its pattern lacks",
      input: { program: { source: "relu" }, rules: [{ name: "wrong", left: "neg($x)", right: "$y" }] },
      failure: "RMIL_PATTERN",
    },
  ],
});

const Report = {
  path: Schema.String,
  count: Schema.Int,
  maxError: Schema.Finite,
  rmsError: Schema.Finite,
  snrDb: Schema.optionalKey(Schema.Finite.annotate({ description: "absent where nothing is lost" })),
  bytesBefore: Schema.Int,
  bytesAfter: Schema.Int,
};

/** Quantisation. */
export const Quantize = operation("rmil.quantize", {
  ...declare,
  summary: "Store a program's literal weights in fewer bytes, scales kept, and report what accuracy that costs.",
  input: {
    program: ProgramSource,
    target: Schema.String.annotate({ description: PROGRAM_TARGETS.join(", ") }),
    symmetric: Schema.optionalKey(
      Schema.Boolean.annotate({ description: "whether 0 lies in the middle of the range; true where absent" }),
    ),
    axis: Schema.optionalKey(Schema.Int.annotate({ description: "the axis with a scale for each index" })),
    percentile: Schema.optionalKey(
      Schema.Finite.annotate({ description: "share of values that the range covers, above 50, 100 where absent" }),
    ),
  },
  output: Schema.Struct({
    ...ProgramOut,
    quantized: Schema.Array(Schema.Struct(Report)),
    skipped: Schema.Array(Schema.Struct({ path: Schema.String, reason: Schema.String })),
    bytesBefore: Schema.Int.annotate({ description: "the program's bytes before, version 2" }),
    bytesAfter: Schema.Int.annotate({ description: "the program's bytes after, version 2" }),
  }),
  cost: { compute: "linear in the program's bytes, times their logarithm with a percentile" },
  examples: [
    {
      input: { program: { hex: "" }, target: "i8" },
      title: "bytes that are no program",
      failure: "RMIL_TRUNCATED",
    },
    {
      title: "a target that programs cannot hold",
      input: { program: { source: "relu" }, target: "i4" },
      failure: "RMIL_QUANTIZE",
    },
    { input: { program: { source: "relu" }, target: "i8" }, output: { source: "relu", quantized: [], skipped: [] } },
  ],
});

/** All operations that change programs. */
export const rewriteOperations = [Rewrite, Quantize] as const;
