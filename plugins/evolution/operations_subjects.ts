/**
 * Operations on registered programs, modules and settings: judge a candidate, register one with its suite, change it, try a
 * version, list them.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { Digest, JsonValue, operation, role } from "../../kernel/mod.ts";
import { MAX_SOURCE_CHARS } from "../../kernel/sandbox_limits.ts";
import { ArtifactName } from "../../registry/artifact.ts";
import { ProgramSource, rmilFailures, toRead } from "../rmil/library.ts";
import { SuiteGiven } from "./evaluators/suite.ts";
import { GATED_FAILURES } from "./operations_failures.ts";
import { admitted, declare } from "./operations_self.ts";
import { BodyEdit } from "./self/body.ts";
import { Claims, PROTECTED, Rules, Version } from "./self/subject.ts";

const declaring = { ...declare, failures: [...GATED_FAILURES, ...rmilFailures] };

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0));
const Tally = Schema.Struct({ passed: Count, total: Count });

const Verdict = Schema.Struct({
  score: Schema.Finite.annotate({ description: "share of held-back cases passed; 0 where it failed" }),
  trivial: Schema.Finite.annotate({ description: "what the best single answer to everything scores" }),
  seen: Tally,
  held: Tally,
  missed: Schema.Array(Schema.String).annotate({ description: "seen cases that it did not pass" }),
  flags: Schema.Array(Schema.Literals(["CONSTANT", "MEMORISED", "TRIVIAL", "NOT_FINITE", "SILENT"])),
  failed: Schema.optionalKey(Schema.Struct({ code: Schema.String, detail: Schema.String })),
});

const Trial = Schema.Struct({
  ok: Schema.Boolean,
  reasons: Schema.Array(Schema.String).annotate({ description: "codes of what speaks against it" }),
  after: Verdict,
  before: Schema.optionalKey(Verdict),
  bytes: Schema.Struct({ before: Schema.optionalKey(Count), after: Count }),
});

const Modified = Schema.Struct({ ...admitted, version: Schema.Int, body: Digest, trial: Trial });

const ModuleText = Schema.String.check(Schema.isMaxLength(MAX_SOURCE_CHARS)).annotate({
  description: "TypeScript or JavaScript without imports, whose default export is a function of one input",
});

const SettingsGiven = Schema.Struct({
  values: Schema.Record(Schema.String, JsonValue),
  space: Schema.Array(JsonValue).annotate({
    description: "what each may be: {kind: float or int, name, low, high} or {kind: choice, name, options}",
  }),
  reader: ModuleText.annotate({ description: "module whose function is given {settings, input} and answers the case" }),
});

const candidate = {
  program: Schema.optionalKey(ProgramSource),
  module: Schema.optionalKey(ModuleText),
  settings: Schema.optionalKey(SettingsGiven),
};

const trying = { compute: "every case, twice for a module", reserve: { fuel: 10_000_000_000, wallMs: 120_000 } };

const number = (value: number) => ({ type: "f32", values: [value] });
const cases = (inputs: ReadonlyArray<number>) =>
  inputs.map((x) => ({ input: { x: number(x) }, wants: number(3 * x + 1) }));

/** A suite that the examples use: 3 x + 1. */
const AFFINE = {
  name: "affine",
  kind: "program",
  seen: cases([0, 1]),
  held: JSON.stringify(cases([2, 3, -4])),
} as const;

/** Right for 0 only, until it is changed. */
const REGISTER = { name: "affine", program: "mul(3.0) >> max(1.0)", suite: AFFINE };
const REGISTERED = { operation: "evolution.registerProgram", input: REGISTER };

/** Judges a candidate. */
export const JudgeCandidate = operation("evolution.judge", {
  ...declaring,
  summary: "Judge a program, a module or settings by cases, some held back: scored from its answers, cheats flagged.",
  input: { ...candidate, suite: SuiteGiven },
  refine: ({ program }) => toRead(program),
  output: Verdict,
  effects: ["readLocal"],
  cost: trying,
  examples: [
    {
      input: { program: "mul(3.0) >> add(1.0)", suite: AFFINE },
      output: { score: 1, held: { passed: 3, total: 3 }, flags: [] },
    },
    {
      title: "one answer to everything",
      input: { program: "mul(0.0) >> add(7.0)", suite: AFFINE },
      output: { flags: ["CONSTANT", "TRIVIAL"] },
    },
    {
      title: "a module that does not end",
      input: {
        module: "export default () => { for (;;); }",
        suite: {
          name: "odd",
          kind: "module",
          seen: [{ input: 1, wants: 1 }],
          held: '[{"input": 2, "wants": 0}, {"input": 3, "wants": 1}]',
        },
      },
      output: { score: 0, failed: { code: "TIMEOUT" } },
    },
    {
      title: "zero cases",
      input: { program: "identity", suite: { ...AFFINE, held: "[]" } },
      failure: "EVOLUTION_SUITE",
    },
  ],
});

/** Registers a subject. */
export const RegisterProgram = operation("evolution.registerProgram", {
  ...declaring,
  summary: "Register a program, a module or settings with the cases that judge every change of it; a person approves.",
  input: {
    name: ArtifactName.check(Schema.isMaxLength(70)).annotate({
      description: "its domain is programs.<name>, or settings.<name>",
    }),
    ...candidate,
    suite: SuiteGiven,
  },
  output: Modified,
  effects: ["readLocal", "writeLocal"],
  cost: trying,
  examples: [
    { input: REGISTER, output: { domain: "programs.affine", state: "ready", version: 1, trial: { ok: true } } },
    {
      title: "a program that passes no case",
      input: { ...REGISTER, program: "mul(3.0) >> add(2.0)" },
      output: { state: "held", trial: { reasons: ["NOTHING_PASSED"] } },
    },
    {
      title: "two things at once",
      input: { ...REGISTER, module: "export default (n) => n" },
      failure: "EVOLUTION_CHANGE",
    },
  ],
});

/** Changes a subject. */
export const Modify = operation("evolution.modify", {
  ...declaring,
  summary:
    "Change a registered program, module or settings by a typed edit: tried in the sandbox, proposed with evidence.",
  input: {
    target: Schema.String.annotate({
      description: `programs.<name>, settings.<name>, or the digest of its body; never what judges: ${
        PROTECTED.map(([pattern]) => pattern).join(", ")
      }`,
    }),
    edit: BodyEdit,
    reason: role("freeText", "Why, in one line", Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(160))),
  },
  output: Modified,
  effects: ["readLocal", "writeLocal"],
  cost: trying,
  examples: [
    {
      title: "the gate is not a subject",
      input: { target: "effects.gate", edit: { kind: "text", text: "identity" }, reason: "let everything pass" },
      failure: "EVOLUTION_PROTECTED",
    },
    {
      title: "nothing is registered by this name",
      input: { target: "programs.none", edit: { kind: "delete", path: "/b" }, reason: "shorter" },
      failure: "KERNEL_UNKNOWN_ENTRY",
    },
  ],
});

/** Tries a version. */
export const TryVersion = operation("evolution.trial", {
  ...declaring,
  summary: "Try a stored version of a subject beside the one in place, by the subject's own cases.",
  input: {
    target: Schema.String,
    body: Digest,
    rules: Schema.optionalKey(Rules.annotate({ description: "of a subject that is not registered yet" })),
    claims: Schema.optionalKey(
      Claims.annotate({ description: "what the version says of itself: not good where something else is found" }),
    ),
  },
  output: Trial,
  effects: ["readLocal"],
  cost: trying,
  examples: [{
    title: "a subject that is not registered, without rules",
    input: { target: "programs.none", body: `sha256:${"0".repeat(64)}` },
    failure: "EVOLUTION_CHANGE",
  }],
});

/** Lists subjects. */
export const Registered = operation("evolution.registered", {
  ...declaring,
  summary: "List registered programs, modules and settings: what each is now, its score, and every change proposed.",
  input: {},
  output: Schema.Struct({
    subjects: Schema.Array(Schema.Struct({
      target: Schema.String,
      digest: Digest,
      kind: Schema.optionalKey(Schema.String),
      current: Schema.optionalKey(Version),
      changes: Schema.Array(Schema.Struct({ proposal: Digest, state: Schema.String, summary: Schema.String })),
    })),
  }),
  effects: ["readLocal"],
  cost: { compute: "linear in events since the last snapshot" },
  examples: [
    { input: {}, output: { subjects: [] } },
    {
      given: [REGISTERED],
      input: {},
      output: { subjects: [{ target: "programs.affine", changes: [{ state: "ready" }] }] },
    },
  ],
});

/** The operations on subjects. */
export const subjectOperations = [JudgeCandidate, RegisterProgram, Modify, TryVersion, Registered] as const;
