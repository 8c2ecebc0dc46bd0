/**
 * Declarations of the namespace `proposals`.
 *
 * Not the code that answers (effects/handlers.ts).
 *
 * @module
 */
import * as Schema from "effect/Schema";
import {
  type AnyOperation,
  Digest,
  digestJson,
  Edit,
  type Json,
  JsonValue,
  operation,
  role,
  unknownEntry,
} from "../kernel/mod.ts";
import { Id, Limit, Line, linear, reading, Signed, Text, writing } from "./declaring.ts";
import {
  badSignature,
  gateHolds,
  ledgerFailures,
  malformedProposal,
  notApprover,
  staleChange,
  wrongAdmission,
} from "./failures.ts";

const Domain = Text.check(Schema.isPattern(/^[a-z][A-Za-z0-9._-]{0,79}$/u, { expected: "a lower-case name" }));

const Evidence = Schema.Struct({
  source: Schema.Literals(["validator", "user", "benchmark", "verifier", "self"]),
  result: Schema.Literals(["pass", "fail", "measure"]),
  digest: Digest,
  summary: role("freeText", "What was found, in one line", Line),
  metric: Schema.optionalKey(Text),
  value: Schema.optionalKey(Schema.Finite),
});

const Command = Schema.Struct({
  operation: role("operationId", "An operation that validates the change"),
  input: JsonValue,
  expect: Schema.optionalKey(JsonValue),
});

const draft = {
  domain: Domain,
  summary: role("freeText", "What the change is, in one sentence", Line),
  changedIds: Schema.Array(Id).check(Schema.isMinLength(1), Schema.isMaxLength(64)),
  patch: Schema.Array(Edit).check(Schema.isMinLength(1)),
  base: Schema.optionalKey(Digest),
  expected: Schema.Struct({ metric: Line, direction: Schema.Literals(["up", "down"]), bound: Schema.Finite }),
  validation: Schema.Array(Command).check(Schema.isMaxLength(32)),
  rollbackTarget: Schema.optionalKey(Digest),
  reversible: Schema.Boolean,
  widensAuthority: Schema.Boolean,
  standsOn: Schema.optionalKey(Schema.Array(Id).check(Schema.isMaxLength(64))),
};

const Admissions = Schema.Literals([
  "proposed",
  "held",
  "rejected",
  "previewOnly",
  "ready",
  "approved",
  "applied",
  "confirmed",
  "rolledBack",
]);

const Record = Schema.Struct({
  proposal: Schema.Struct({ ...draft, id: Digest, proposer: Text, base: Digest, rollbackTarget: Digest }),
  state: Admissions,
  evidence: Schema.Array(Schema.Struct({ ...Evidence.fields, by: Text, counts: Text })),
  validated: Schema.Record(Text, Schema.Boolean),
  reasons: Schema.Array(Text),
  by: Schema.optionalKey(Text),
  expiresAt: Schema.optionalKey(Schema.Int),
  after: Schema.optionalKey(Digest),
});

const Report = Schema.Struct({
  outcome: Schema.Literals(["ready", "previewOnly", "held", "rejected"]),
  findings: Schema.Array(Schema.Struct({
    check: Text,
    outcome: Schema.Literals(["pass", "hold", "reject"]),
    code: Text,
    detail: Text,
  })),
});

const moving = [...ledgerFailures, unknownEntry, wrongAdmission] as const;
const oneProposal = { proposal: Digest };

/** A change that the examples of this namespace use. */
const exampleDraft = {
  domain: "demo",
  summary: "Greet more warmly",
  changedIds: ["greeting"],
  patch: [{ op: "add", path: "/greeting", value: "Good morning" }],
  expected: { metric: "answers", direction: "up", bound: 1 },
  validation: [{ operation: "ledger.verify", input: {}, expect: { ok: true } }],
  reversible: true,
  widensAuthority: false,
} as const;

const exampleId = digestJson({ ...exampleDraft, base: digestJson({}), rollbackTarget: digestJson({}) });
const submitted = [{ operation: "proposals.submit", input: exampleDraft as unknown as Json }];
const validated = [...submitted, { operation: "proposals.validate", input: { proposal: exampleId } }];

/** `proposals.submit`: a durable change of behaviour, as inert data. */
export const ProposalsSubmit = operation("proposals.submit", {
  ...writing,
  idempotent: true,
  summary: "Propose a durable change of behaviour; every check of the gate answers at once with its reason code.",
  input: draft,
  output: Record,
  failures: [...moving, malformedProposal],
  cost: linear,
  examples: [{
    input: exampleDraft as unknown as Json,
    output: { state: "held", reasons: ["EVIDENCE_MISSING", "VALIDATION_PENDING", "QUORUM"] },
  }],
});

/** `proposals.attest`: evidence by somebody other than the proposer. */
export const ProposalsAttest = operation("proposals.attest", {
  ...writing,
  summary: "Add evidence to a proposal; the proposer's own counts as self and satisfies no check.",
  input: { ...oneProposal, ...Evidence.fields },
  output: Record,
  failures: moving,
  cost: linear,
  examples: [{
    title: "the proposer's own word",
    given: submitted,
    input: {
      proposal: exampleId,
      source: "benchmark",
      result: "pass",
      digest: digestJson("evidence"),
      summary: "It works, I say",
    },
    output: { state: "held", evidence: [{ counts: "self" }] },
  }],
});

/** `proposals.validate`: runs a proposal's validation commands here and records what came out. */
export const ProposalsValidate = operation("proposals.validate", {
  ...writing,
  effects: ["readLocal", "writeLocal"],
  summary: "Run a proposal's validation commands, within this call's authority, and record which passed.",
  input: oneProposal,
  output: Record,
  failures: moving,
  cost: { compute: "that of the commands" },
  examples: [{
    given: submitted,
    input: { proposal: exampleId },
    output: { state: "ready", validated: { "0": true } },
  }],
});

/** `proposals.list`: proposals by domain and state. */
export const ProposalsList = operation("proposals.list", {
  ...reading,
  summary: "List proposals, oldest first.",
  input: {
    domain: Schema.optionalKey(Domain),
    state: Schema.optionalKey(Admissions),
    limit: Schema.optionalKey(Limit),
  },
  output: Schema.Struct({ proposals: Schema.Array(Record), total: Schema.Int }),
  failures: ledgerFailures,
  cost: linear,
  examples: [{ input: { state: "applied" }, output: { proposals: [], total: 0 } }],
});

/** `proposals.show`: one proposal and what the checks say of it now. */
export const ProposalsShow = operation("proposals.show", {
  ...reading,
  summary: "Show one proposal with every check's answer as of now.",
  input: oneProposal,
  output: Schema.Struct({ record: Record, report: Report, binding: Digest }),
  failures: moving,
  cost: linear,
  examples: [{
    given: submitted,
    input: { proposal: exampleId },
    output: { record: { state: "held" }, report: { outcome: "held" } },
  }],
});

/** `proposals.preview`: what a change would do, on a fork. */
export const ProposalsPreview = operation("proposals.preview", {
  ...reading,
  summary: "Show what a change would do: the same fold on a fork; nothing is written.",
  input: oneProposal,
  output: Schema.Struct({ before: Digest, after: Digest, document: JsonValue, report: Report }),
  failures: moving,
  cost: linear,
  examples: [{
    given: submitted,
    input: { proposal: exampleId },
    output: { before: digestJson({}), document: { greeting: "Good morning" } },
  }],
});

/** `proposals.decide`: approve, reject or confirm. */
export const ProposalsDecide = operation("proposals.decide", {
  ...writing,
  summary: "Approve, reject or confirm a proposal: as the person at a terminal, or by a signature of a policy key.",
  input: { ...oneProposal, verdict: Schema.Literals(["approve", "reject", "confirm"]), signature: Signed },
  output: Record,
  failures: [...moving, notApprover, badSignature],
  cost: linear,
  examples: [{
    title: "not before every check passes",
    given: submitted,
    input: { proposal: exampleId, verdict: "approve" },
    failure: "EFFECTS_ADMISSION",
  }],
});

/** `proposals.apply`: an approved change, once. */
export const ProposalsApply = operation("proposals.apply", {
  ...writing,
  summary: "Apply an approved proposal, once, if every check passes now.",
  input: oneProposal,
  output: Record,
  failures: [...moving, gateHolds, staleChange],
  cost: linear,
  examples: [{
    title: "not without an approval",
    given: validated,
    input: { proposal: exampleId },
    failure: "EFFECTS_ADMISSION",
  }],
});

/** `proposals.rollback`: a domain as it was before its latest change. */
export const ProposalsRollback = operation("proposals.rollback", {
  ...writing,
  summary: "Undo the latest applied change of a domain; its state is then identical to the one before.",
  input: oneProposal,
  output: Record,
  failures: [...moving, staleChange, notApprover],
  cost: linear,
  examples: [{
    title: "nothing was applied",
    given: submitted,
    input: { proposal: exampleId },
    failure: "EFFECTS_ADMISSION",
  }],
});

/** Every declaration of the namespace. */
export const proposalOperations: ReadonlyArray<AnyOperation> = [
  ProposalsSubmit,
  ProposalsAttest,
  ProposalsValidate,
  ProposalsList,
  ProposalsShow,
  ProposalsPreview,
  ProposalsDecide,
  ProposalsApply,
  ProposalsRollback,
];
