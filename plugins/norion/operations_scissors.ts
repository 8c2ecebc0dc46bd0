/**
 * Declarations of genes and their edits: `norion.genome`, `norion.propose`, `norion.preview`, `norion.apply`,
 * `norion.rollback`, `norion.trial`. Approving is the kernel's: `proposals.attest`, `proposals.validate`,
 * `proposals.decide`.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { gateHolds, malformedProposal, notApprover, staleChange, wrongAdmission } from "../../effects/mod.ts";
import { Digest, digestJson, Edit as PatchEdit, JsonValue, operation, role, unknownEntry } from "../../kernel/mod.ts";
import { declare, failures, Milli, ProfileName } from "./declaration.ts";
import { DRILLS } from "./drills.ts";
import { GENE_KINDS, GENE_STATUSES } from "./genome.ts";
import { EffectSchema } from "./scissors/document.ts";
import { type MeasureName, MEASURES } from "./scissors/measures.ts";
import { STRATEGY_NAMES } from "./scissors/strategies.ts";

const Text = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(400));
const Words = Schema.Array(Text).check(Schema.isMaxLength(16));
const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0));
const Code = Schema.String.check(Schema.isPattern(/^[A-Z][A-Z0-9_]{1,63}$/u, { expected: "a code in capitals" }));
const GeneId = Schema.String.annotate({ description: "id of a gene, as norion.genome lists them" });

const label = role("freeText", "A short name", Text);
const purpose = role("freeText", "What it is for, in one sentence", Text);
const links = {
  requires: Schema.optionalKey(Words),
  conflicts: Schema.optionalKey(Words),
  replaces: Schema.optionalKey(Words),
};

const Brought = Schema.Struct({
  id: GeneId,
  kind: Schema.Literals(GENE_KINDS),
  label,
  purpose,
  tags: Words,
  effects: Schema.Array(EffectSchema),
  ...links,
});

const Repair = Schema.Struct({
  label: Schema.optionalKey(label),
  purpose: Schema.optionalKey(purpose),
  tags: Schema.optionalKey(Words),
  effects: Schema.optionalKey(Schema.Array(EffectSchema)),
  ...links,
});

const GenomeEdit = Schema.Union([
  Schema.Struct({ kind: Schema.Literal("relabel"), gene: GeneId, label, purpose, tags: Words }),
  Schema.Struct({ kind: Schema.Literals(["quarantine", "cut", "regenerate"]), gene: GeneId }),
  Schema.Struct({ kind: Schema.Literal("splice"), gene: Brought, displaces: Schema.optionalKey(GeneId) }),
  Schema.Struct({
    kind: Schema.Literal("splice"),
    strategy: Schema.Literals(STRATEGY_NAMES).annotate({ description: "a ready-made strategy" }),
    take: Text.annotate({ description: "which of its genes: the last part of its id" }),
    displaces: Schema.optionalKey(GeneId),
  }),
  Schema.Struct({ kind: Schema.Literal("repair"), gene: GeneId, set: Repair }),
  Schema.Struct({ kind: Schema.Literal("crossover"), parents: Schema.Tuple([GeneId, GeneId]), name: Text }),
  Schema.Struct({ kind: Schema.Literal("rollback"), proposal: Digest }),
]);

const Expected = Schema.Struct({
  metric: Schema.Literals(Object.keys(MEASURES) as unknown as readonly [MeasureName, ...MeasureName[]]),
  direction: Schema.Literals(["up", "down"]),
  bound: Schema.Finite,
});

const Measures = Schema.Record(Schema.String, Schema.Finite).annotate({
  description: Object.entries(MEASURES).map(([name, { doc }]) => `${name}: ${doc}`).join("; "),
});

const Knobs = Schema.Record(Schema.String, JsonValue);

const moving = [...failures, unknownEntry, wrongAdmission] as const;
const one = { proposal: Digest };
const absent = { proposal: digestJson("no such proposal") };

const Edited = Schema.Struct({
  proposal: Digest,
  state: Schema.String,
  reasons: Schema.Array(Schema.String).annotate({ description: "codes of the checks that do not pass" }),
  changedIds: Schema.Array(Schema.String),
  widensAuthority: Schema.Boolean,
  patch: Schema.Array(PatchEdit),
});

/** `norion.genome`. */
export const GenomeOf = operation("norion.genome", {
  ...declare,
  summary: "Show the genes of a profile: what they do, how they stand by outside evidence, and what that calls for.",
  input: {
    profile: Schema.optionalKey(ProfileName),
    measure: Schema.optionalKey(
      Schema.Boolean.annotate({ description: "measure the genome on its tasks, with each gene and without it" }),
    ),
  },
  output: Schema.Struct({
    profile: Schema.String,
    generation: Count,
    digest: Digest,
    fault: Schema.optionalKey(Schema.String),
    calm: Schema.String,
    branches: Count,
    genes: Schema.Array(Schema.Struct({
      id: Schema.String,
      kind: Schema.Literals(GENE_KINDS),
      label: Schema.String,
      purpose: Schema.String,
      version: Count,
      effects: Schema.Array(EffectSchema),
      status: Schema.Literals(GENE_STATUSES),
      residency: Schema.String,
      speaks: Schema.Boolean,
      silent: Schema.optionalKey(Schema.String),
      fitness: Milli,
      trust: Milli,
      drift: Milli,
      decay: Milli,
      uses: Count,
      lifecycle: Schema.String.annotate({ description: "the edit that its health calls for" }),
      probation: Schema.optionalKey(Schema.String),
    })),
    knobs: Knobs,
    insistent: Schema.Array(Schema.String).annotate({
      description: "kinds of genes that several of the latest requests speak against",
    }),
    strategies: Schema.Array(Schema.String).annotate({ description: "genes that could be spliced" }),
    measured: Schema.optionalKey(Schema.Struct({
      whole: Measures,
      bare: Measures,
      genes: Schema.Array(
        Schema.Struct({ gene: Schema.String, worth: Measures, solves: Schema.Array(Schema.String) }),
      ),
    })),
  }),
  effects: ["readLocal"],
  idempotent: true,
  cost: { compute: "linear in events since the last snapshot; measuring plans some forty requests a gene" },
  examples: [
    { input: { profile: "coding" }, output: { profile: "coding", generation: 0, calm: "normal" } },
    { title: "what each gene is worth", input: { profile: "writing", measure: true }, output: { profile: "writing" } },
    { title: "no such profile", input: { profile: "codding" }, failure: "NORION_PROFILE" },
  ],
});

const splice = {
  profile: "coding",
  edit: { kind: "splice", strategy: "code", take: "recall-more" },
  reason: "FACTS_MISSED",
  evidence: [{ summary: "Answers of last week missed facts that were remembered" }],
  expected: { metric: "recalled", direction: "up", bound: 750 },
  validation: [{ operation: "norion.trial" }],
} as const;

/** `norion.propose`. */
export const Propose = operation("norion.propose", {
  ...declare,
  summary: "Propose an edit of a genome; every check answers at once, and a part that is missing is named.",
  input: {
    profile: Schema.optionalKey(ProfileName),
    edit: GenomeEdit,
    reason: Schema.optionalKey(Code),
    evidence: Schema.optionalKey(
      Schema.Array(Schema.Struct({
        request: Schema.optionalKey(Text.annotate({ description: "a request somebody from outside judged" })),
        summary: Schema.optionalKey(role("privateText", "What was seen, in one line", Text)),
      })).check(Schema.isMaxLength(16)),
    ),
    expected: Schema.optionalKey(Expected),
    validation: Schema.optionalKey(
      Schema.Array(Schema.Struct({
        operation: role("operationId", "An operation that validates the edit; norion.trial alone tries this edit"),
        input: Schema.optionalKey(JsonValue),
        expect: Schema.optionalKey(JsonValue),
      })).check(Schema.isMaxLength(8)),
    ),
  },
  output: Edited,
  failures: [...moving, malformedProposal],
  effects: ["readLocal", "writeLocal"],
  idempotent: true,
  cost: { compute: "linear in events since the last snapshot" },
  examples: [
    {
      input: splice,
      output: { state: "held", reasons: ["EVIDENCE_MISSING", "VALIDATION_PENDING", "QUORUM"], widensAuthority: false },
    },
    {
      title: "a part is missing",
      input: { profile: "coding", edit: splice.edit, expected: splice.expected, validation: splice.validation },
      failure: "NORION_EDIT",
    },
    {
      title: "an effect beyond its bound",
      input: {
        ...splice,
        edit: {
          kind: "repair",
          gene: "gene:coding:retrieval",
          set: { effects: [{ knob: "retrieval.topK", value: 9 }] },
        },
      },
      output: { state: "rejected" },
    },
  ],
});

/** `norion.preview`. */
export const PreviewEdit = operation("norion.preview", {
  ...declare,
  summary: "Show what applying an edit would do to genes and knobs, on a fork of the ledger; nothing is written.",
  input: one,
  output: Schema.Struct({
    before: Digest,
    after: Digest,
    outcome: Schema.String,
    findings: Schema.Array(
      Schema.Struct({ check: Schema.String, outcome: Schema.String, code: Schema.String, detail: Schema.String }),
    ),
    records: Schema.Record(Schema.String, Schema.Struct({ before: JsonValue, after: JsonValue })),
    knobs: Schema.Record(Schema.String, Schema.Struct({ before: JsonValue, after: JsonValue })),
  }),
  failures: moving,
  effects: ["readLocal"],
  idempotent: true,
  cost: { compute: "linear in events since the last snapshot" },
  examples: [{ title: "no such edit", input: absent, failure: "KERNEL_UNKNOWN_ENTRY" }],
});

/** `norion.apply`. */
export const ApplyEdit = operation("norion.apply", {
  ...declare,
  summary: "Apply an approved edit, once, if every check passes now; its genes are on probation after it.",
  input: one,
  output: Schema.Struct({ proposal: Digest, state: Schema.String, digest: Digest, generation: Count }),
  failures: [...moving, gateHolds, staleChange],
  effects: ["readLocal", "writeLocal"],
  idempotent: false,
  cost: { compute: "linear in events since the last snapshot" },
  examples: [{ title: "no such edit", input: absent, failure: "KERNEL_UNKNOWN_ENTRY" }],
});

/** `norion.rollback`. */
export const UndoEdit = operation("norion.rollback", {
  ...declare,
  summary: "Undo an applied edit and the edits that stand on it, and nothing else.",
  input: one,
  output: Schema.Struct({ undone: Schema.Array(Digest), digest: Digest, generation: Count }),
  failures: [...moving, staleChange, notApprover],
  effects: ["readLocal", "writeLocal"],
  idempotent: false,
  cost: { compute: "linear in events since the last snapshot" },
  examples: [{ title: "no such edit", input: absent, failure: "KERNEL_UNKNOWN_ENTRY" }],
});

/** `norion.trial`. */
export const TrialOf = operation("norion.trial", {
  ...declare,
  summary: "Measure a change of a genome on fixed tasks, with it and without it: gains, regressions, and the verdict.",
  input: {
    profile: ProfileName,
    patch: Schema.Array(PatchEdit).check(Schema.isMaxLength(64)),
    expected: Schema.optionalKey(Expected),
  },
  output: Schema.Struct({
    ok: Schema.Boolean,
    reasons: Schema.Array(Schema.String),
    before: Measures,
    after: Measures,
    difference: Measures,
    gained: Schema.Array(Schema.String),
    lost: Schema.Array(Schema.String),
  }),
  effects: ["readLocal"],
  idempotent: true,
  cost: { compute: "plans some eighty requests" },
  examples: [
    {
      title: "no change gains nothing",
      input: { profile: "coding", patch: [] },
      output: { ok: false, reasons: ["NO_GAIN"] },
    },
    {
      title: "a record that is none",
      input: { profile: "coding", patch: [{ op: "add", path: "/gene:coding:x", value: {} }] },
      failure: "NORION_EDIT",
    },
  ],
});

/** `norion.drill`. */
export const Drill = operation("norion.drill", {
  ...declare,
  summary: "Let six kinds of malignant genes loose in a ledger of their own, and see each one found, cut and replaced.",
  input: {
    kinds: Schema.optionalKey(
      Schema.Array(Schema.Literals(DRILLS)).annotate({ description: "only these; then the others are missing" }),
    ),
  },
  output: Schema.Struct({
    ok: Schema.Boolean,
    missing: Schema.Array(Schema.Literals(DRILLS)),
    drills: Schema.Array(Schema.Struct({
      kind: Schema.Literals(DRILLS),
      passed: Schema.Array(Schema.Struct({ step: Schema.String, code: Schema.String })),
      failed: Schema.optionalKey(Schema.Struct({ step: Schema.String, code: Schema.String })),
    })),
  }),
  failures: moving,
  effects: [],
  idempotent: true,
  cost: { compute: "plans some two thousand requests" },
  examples: [{
    title: "a kind that is left out is missing",
    input: { kinds: ["stale-label"] },
    output: {
      ok: false,
      drills: [{ kind: "stale-label", passed: [{ step: "detection", code: "LABEL_STALE" }, { step: "relabel" }] }],
    },
  }],
});

/** Declarations of genes and their edits. */
export const SCISSORS = [GenomeOf, Propose, PreviewEdit, ApplyEdit, UndoEdit, TrialOf, Drill] as const;
