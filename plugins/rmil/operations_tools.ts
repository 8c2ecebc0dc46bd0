/**
 * Operations of the tools: differences and patches, modules, the debugger, the language server.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { Digest, type FailureDefinition, type FailureOf, JsonValue, operation, role } from "../../kernel/mod.ts";
import { ArtifactName, Tags } from "../../registry/artifact.ts";
import { EXPRESSION_TAGS } from "./expression.ts";
import { rmilFailures } from "./failures.ts";
import { runFailures } from "./interpreter/failures.ts";
import { hostFailures } from "./hosts/failures.ts";
import { HOST_LIMITS, hostAuthorities, LookingHosts } from "./hosts/operations.ts";
import { Allowed, kindsOf, ProgramSource, toRead } from "./program_source.ts";
import { toolFailures } from "./tools/failures.ts";

const Patch = JsonValue.annotate({
  description: "from and to: digests by names; symbols; edits: replace, relabel or splice, by paths of the old program",
});

/** Any failure of the tools. */
export type ToolFailure = FailureOf<`RMIL_${string}`>;

const declare = {
  failures: [...rmilFailures, ...runFailures, ...hostFailures, ...toolFailures] as unknown as ReadonlyArray<
    FailureDefinition<`RMIL_${string}`>
  >,
  effects: ["readLocal" as const],
  idempotent: true,
  reversible: true,
  stability: "unstable" as const,
};

/** What changed between two programs. */
export const Diff = operation("rmil.diff", {
  ...declare,
  summary: "Find what changed between two programs, as a patch of edits by path.",
  input: { from: ProgramSource, to: ProgramSource },
  refine: ({ from, to }) => toRead(from, to),
  output: Schema.Struct({
    same: Schema.Boolean,
    alphaSame: Schema.Boolean.annotate({ description: "whether they differ in names of bound variables at most" }),
    size: Schema.Int.annotate({ description: "nodes and edits that the patch brings" }),
    patch: Patch,
  }),
  cost: { compute: "linear in nodes where little changed, quadratic in the length of lists that share nothing" },
  examples: [{
    input: { from: "linear(64) >> linear(8)", to: "linear(64) >> relu >> linear(8)" },
    output: { same: false, size: 2, patch: { edits: [{ edit: "splice", path: "", at: 1, remove: 0 }] } },
  }, {
    title: "another name for the same thing",
    input: { from: "let x = 1 in $x", to: "let y = 1 in $y" },
    output: { same: false, alphaSame: true },
  }],
});

/** A patch that no program fits: no text has this digest. */
const FOREIGN_PATCH = {
  from: `sha256:${"0".repeat(64)}`,
  to: `sha256:${"0".repeat(64)}`,
  symbols: [],
  edits: [],
};

/** Applying a patch. */
export const ApplyPatch = operation("rmil.patch", {
  ...declare,
  summary: "Apply a patch that rmil.diff made to the program it was made from.",
  input: { program: ProgramSource, patch: Patch },
  refine: ({ program }) => toRead(program),
  output: Schema.Struct({ source: Schema.String, digest: Digest }),
  cost: { compute: "linear in nodes" },
  examples: [{
    title: "a patch for another program",
    input: { program: "relu", patch: FOREIGN_PATCH },
    failure: "RMIL_PATCH",
  }],
});

const MAX_GIVEN = 1000;

const ModuleGiven = Schema.Struct({
  name: Schema.String,
  version: Schema.String,
  source: ProgramSource,
  description: Schema.optionalKey(Schema.String),
  tags: Schema.optionalKey(Schema.Array(Schema.String)),
  dependencies: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
});

const Needs = Schema.Record(Schema.String, Schema.String).annotate({ description: "ranges by module name" });

const LockJson = JsonValue.annotate({ description: "format 1; modules by name: version and digest" });

/** Choosing versions and linking. */
export const Modules = operation("rmil.modules", {
  ...declare,
  summary: "Choose one version of every module a program needs, lock them, and link all into one program.",
  input: {
    modules: Schema.Array(ModuleGiven).check(Schema.isMaxLength(MAX_GIVEN)),
    needs: Needs,
    lock: Schema.optionalKey(LockJson),
    program: Schema.optionalKey(ProgramSource),
  },
  refine: ({ modules, program }) => toRead(...modules.map(({ source }) => source), program),
  output: Schema.Struct({
    order: Schema.Array(Schema.String),
    lock: LockJson,
    linked: Schema.optionalKey(Schema.String),
  }),
  cost: { compute: "linear in modules where ranges agree; a bounded search where they do not" },
  examples: [{
    title: "two modules that need a third",
    input: {
      modules: [
        { name: "base", version: "1.0.0", source: "2" },
        { name: "base", version: "1.1.0", source: "3" },
        { name: "left", version: "1.0.0", source: "add($base, 1)", dependencies: { base: "^1.0.0" } },
        { name: "right", version: "1.0.0", source: "mul($base, 2)", dependencies: { base: "~1.0.0" } },
      ],
      needs: { left: "*", right: "*" },
      program: "add($left, $right)",
    },
    output: {
      order: ["base@1.0.0", "left@1.0.0", "right@1.0.0"],
      linked: "let base = 2 in let left = add($base, 1) in let right = mul($base, 2) in add($left, $right)",
    },
  }, {
    title: "a circle",
    input: {
      modules: [
        { name: "a", version: "1.0.0", source: "$b", dependencies: { b: "*" } },
        { name: "b", version: "1.0.0", source: "$a", dependencies: { a: "*" } },
      ],
      needs: { a: "*" },
    },
    failure: "RMIL_MODULE_CYCLE",
  }],
});

const Hits = Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))).annotate({
  description: "stop at this hit alone, counted from 1",
});
const Least1 = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1));

const BreakpointGiven = Schema.Union([
  Schema.Struct({ on: Schema.Literal("op"), op: Schema.String, nth: Hits }),
  Schema.Struct({ on: Schema.Literal("path"), path: Schema.String, nth: Hits }),
  Schema.Struct({ on: Schema.Literal("depth"), depth: Least1, nth: Hits }),
  Schema.Struct({ on: Schema.Literal("symbol"), symbol: Schema.String, nth: Hits }),
  Schema.Struct({ on: Schema.Literal("every"), count: Least1, nth: Hits }),
  Schema.Struct({ on: Schema.Literal("kind"), kind: Schema.Literals(EXPRESSION_TAGS), nth: Hits }),
]);

const Texts = Schema.Record(Schema.String, Schema.String);

const Stop = Schema.Struct({
  command: Schema.String,
  status: Schema.Literals(["paused", "finished", "failed"]),
  at: Schema.optionalKey(Schema.Literals(["enter", "leave"])),
  path: Schema.optionalKey(Schema.String),
  depth: Schema.optionalKey(Schema.Int),
  label: Schema.optionalKey(Schema.String),
  breakpoint: Schema.optionalKey(Schema.Int),
  value: Schema.optionalKey(Schema.String),
  failure: Schema.optionalKey(Schema.Struct({ code: Schema.String, path: Schema.String, message: Schema.String })),
  scope: Texts,
  watches: Texts,
});

const MAX_COMMANDS = 200;
const MAX_WATCHES = 20;

/** Stepping through a run. */
export const Debug = operation("rmil.debug", {
  ...declare,
  summary: "Run a program step by step: stop at breakpoints, look at names and watches, step forward and back.",
  input: {
    program: ProgramSource,
    commands: Schema.Array(Schema.Literals(["continue", "in", "over", "out", "back"])).check(
      Schema.isMaxLength(MAX_COMMANDS),
    ),
    breakpoints: Schema.optionalKey(Schema.Array(BreakpointGiven).check(Schema.isMaxLength(MAX_COMMANDS))),
    watches: Schema.optionalKey(Schema.Array(Schema.String).check(Schema.isMaxLength(MAX_WATCHES))),
    inputs: Schema.optionalKey(Texts).annotate({ description: "values as source text, by name" }),
    seed: Schema.optionalKey(Schema.Union([Schema.String, Schema.Int])),
    fuel: Schema.optionalKey(Least1).annotate({ description: "most steps of the run" }),
    hosts: LookingHosts,
    allow: Allowed,
  },
  ...HOST_LIMITS.looking,
  refine: ({ program, hosts, allow }) => {
    const { effects, kinds } = hostAuthorities(hosts);
    return { effects: [...toRead(program).effects, ...effects], kinds: [...kindsOf(program, allow), ...kinds] };
  },
  output: Schema.Struct({ stops: Schema.Array(Stop), steps: Schema.Int }),
  cost: { compute: "as the run; each step back runs the program again up to there" },
  examples: [{
    input: {
      program: "let x = 2 in add(mul($x, 3), 4)",
      breakpoints: [{ on: "op", op: "mul" }],
      commands: ["continue", "over", "back", "continue"],
      watches: ["add($x, 40)"],
    },
    output: {
      stops: [
        { command: "continue", status: "paused", at: "enter", path: "/body/args/0", watches: { "add($x, 40)": "42" } },
        { command: "over", status: "paused", at: "leave", label: "mul(2)", value: "6", scope: { x: "2" } },
        { command: "back", status: "paused", at: "enter", label: "3" },
        { command: "continue", status: "finished", value: "10" },
      ],
    },
  }],
});

/** Storing. */
export const Store = operation("rmil.store", {
  ...declare,
  summary: "Keep a program in the store of artifacts; its digest stands for it wherever a program is taken.",
  input: {
    program: ProgramSource,
    name: Schema.optionalKey(ArtifactName),
    description: Schema.optionalKey(role("freeText", "One line about it")),
    tags: Schema.optionalKey(Tags),
  },
  output: Schema.Struct({
    digest: Digest.annotate({ description: "the program's identity: of its version 2 bytes" }),
    bytes: Schema.Int,
    names: Schema.Array(Schema.String),
  }),
  effects: ["readLocal", "writeLocal"],
  cost: { compute: "linear in the program's bytes" },
  examples: [{
    input: { program: "linear(64) >> relu", name: "head" },
    output: { bytes: 16, names: ["head@1"] },
  }],
});

/** A day more than three weeks: the longest time that every platform's timers can wait. */
const LONGEST_WAIT_MS = 2_000_000_000;

/** The language server. */
export const Lsp = operation("rmil.lsp", {
  ...declare,
  summary: "Serve the language server protocol on standard input and output, until the editor leaves.",
  input: {
    capabilities: Schema.optionalKey(Schema.Boolean).annotate({ description: "say what the server can do, and leave" }),
  },
  effects: [],
  output: Schema.NullOr(Schema.Struct({ capabilities: JsonValue })),
  cost: { compute: "until the editor leaves; linear in the text at each change", reserve: { wallMs: LONGEST_WAIT_MS } },
  examples: [{
    input: { capabilities: true },
    output: { capabilities: { hoverProvider: true, definitionProvider: true, documentFormattingProvider: true } },
  }],
});

/** Declarations of the tools. */
export const toolOperations = [Diff, ApplyPatch, Modules, Debug, Store, Lsp] as const;
