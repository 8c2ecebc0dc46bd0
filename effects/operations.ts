/**
 * Declarations of the namespaces `ledger`, `policy`, `approvals` and `proposals`.
 *
 * Not the code that answers (effects/handlers.ts).
 *
 * @module
 */
import * as Schema from "effect/Schema";
import {
  Actor,
  type AnyOperation,
  AUTHORITIES,
  Digest,
  digestJson,
  Edit,
  EFFECTS,
  type Json,
  JsonValue,
  KINDS,
  operation,
  role,
  subcallFailed,
  unknownEntry,
} from "../kernel/mod.ts";
import {
  badSignature,
  gateHolds,
  ledgerFailures,
  malformedProposal,
  notApprover,
  requestClosed,
  staleChange,
  wrongAdmission,
} from "./failures.ts";
import { FAULT_KINDS } from "./ledger/chain.ts";
import { PolicyFile } from "./policy_file.ts";

const Text = Schema.String;
const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0));
const Limit = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000 }));
const Line = Text.check(Schema.isMinLength(1), Schema.isMaxLength(400));
const Domain = Text.check(Schema.isPattern(/^[a-z][A-Za-z0-9._-]{0,79}$/u, { expected: "a lower-case name" }));
const Id = Text.check(Schema.isMinLength(1), Schema.isMaxLength(120));

const reading = {
  effects: ["readLocal"] as const,
  idempotent: true,
  reversible: true,
  stability: "stable" as const,
};

const writing = {
  effects: ["writeLocal"] as const,
  idempotent: false,
  reversible: true,
  stability: "stable" as const,
};

const pure = { effects: [] as const, idempotent: true, reversible: true, stability: "stable" as const };

const linear = { compute: "linear in events since the last snapshot" };

const Event = Schema.Struct({
  seq: Schema.Int,
  at: Text,
  type: Text,
  actor: Text,
  call: Schema.optionalKey(Text),
  data: JsonValue,
  hash: Digest,
  previous: Digest,
});

const Head = Schema.Struct({ count: Schema.Int, hash: Digest });

const Fault = Schema.Struct({ kind: Schema.Literals(FAULT_KINDS), seq: Schema.Int, detail: Text });

/** `ledger.verify`: the whole chain, recomputed. */
export const LedgerVerify = operation("ledger.verify", {
  ...reading,
  summary: "Recompute the whole chain of events and locate every change, gap or lost tail.",
  input: {},
  output: Schema.Struct({
    ok: Schema.Boolean,
    events: Schema.Int,
    head: Head,
    acknowledged: Schema.optionalKey(Head),
    found: Schema.Int,
    faults: Schema.Array(Fault),
  }),
  failures: ledgerFailures,
  cost: { compute: "linear in events" },
  examples: [{ input: {}, output: { ok: true, faults: [] } }],
});

/** `ledger.head`: where the chain ends. */
export const LedgerHead = operation("ledger.head", {
  ...reading,
  summary: "Show how many events the chain has, and the hash that covers them all.",
  input: {},
  output: Head,
  failures: ledgerFailures,
  cost: { compute: "constant" },
  examples: [{ input: {} }],
});

/** `ledger.events`: a page of events. */
export const LedgerEvents = operation("ledger.events", {
  ...reading,
  summary: "Read a page of events, oldest first.",
  input: {
    from: Schema.optionalKey(Count.annotate({ description: "First position, from 1" })),
    to: Schema.optionalKey(Count.annotate({ description: "Last position" })),
    type: Schema.optionalKey(Text),
    limit: Schema.optionalKey(Limit),
  },
  output: Schema.Struct({ events: Schema.Array(Event), next: Schema.optionalKey(Schema.Int) }),
  failures: ledgerFailures,
  cost: { compute: "linear in the page" },
  examples: [
    {
      given: [{ operation: "ledger.mark", input: { name: "start" } }],
      input: { type: "ledger.mark", limit: 1 },
    },
    { title: "a page that is too large", input: { limit: 5_000 }, failure: "KERNEL_INVALID_INPUT" },
  ],
});

/** `ledger.mark`: names a point to which one can roll back. */
export const LedgerMark = operation("ledger.mark", {
  ...writing,
  summary: "Name this moment, so that state can be rolled back to it.",
  input: { name: Line },
  output: Schema.Struct({ name: Text, head: Head }),
  failures: ledgerFailures,
  cost: { compute: "constant" },
  examples: [{ input: { name: "before the experiment" }, output: { name: "before the experiment" } }],
});

/** `ledger.rollback`: state as it was at a named point; the chain keeps everything. */
export const LedgerRollback = operation("ledger.rollback", {
  ...writing,
  summary: "Return all state to a marked moment by an inverse event; the chain keeps everything.",
  input: { mark: Line },
  output: Schema.Struct({ mark: Text, head: Head }),
  failures: ledgerFailures,
  kinds: ["selfModify"],
  cost: linear,
  examples: [
    {
      title: "it needs an approval",
      given: [{ operation: "ledger.mark", input: { name: "start" } }],
      input: { mark: "start" },
      failure: "KERNEL_APPROVAL_NEEDED",
    },
  ],
});

const Answer = Schema.Literals(["allow", "ask", "deny"]);

/** `policy.show`: the rules in force. */
export const PolicyShow = operation("policy.show", {
  ...pure,
  summary: "Show the rules in force, in the order in which they decide, and where they came from.",
  input: {},
  output: Schema.Struct({
    source: Text,
    file: Text,
    policy: PolicyFile,
    builtIn: Schema.Array(JsonValue),
    folders: Schema.Struct({ workspace: Text, state: Text, output: Text }),
  }),
  failures: [],
  cost: { compute: "linear in rules" },
  examples: [{ input: {}, output: { source: "built-in", file: "rmi.policy.json" } }],
});

const Paths = Schema.optionalKey(Schema.Array(role("readPath", "A path, as the call would name it")));

/** `policy.check`: what the policy would say, without a call. */
export const PolicyCheck = operation("policy.check", {
  ...pure,
  summary: "Say what policy would answer for an operation, and by which rule, without calling it.",
  input: {
    operation: role("operationId", "The operation's id"),
    actor: Schema.optionalKey(Actor),
    effects: Schema.optionalKey(Schema.Array(Schema.Literals(EFFECTS))),
    kinds: Schema.optionalKey(Schema.Array(Schema.Literals(KINDS))),
    read: Paths,
    write: Paths,
    hosts: Schema.optionalKey(Schema.Array(Text)),
  },
  output: Schema.Struct({
    decision: Answer,
    rule: Text,
    answers: Schema.Array(Schema.Struct({
      authority: Schema.Literals(["pure", ...AUTHORITIES]),
      detail: Schema.optionalKey(Text),
      decision: Answer,
      rule: Text,
    })),
  }),
  failures: [subcallFailed],
  cost: { compute: "linear in rules" },
  examples: [
    {
      title: "an operation by its declaration",
      input: { operation: "ledger.rollback" },
      output: { decision: "ask", rule: "default.ask" },
    },
    {
      title: "a host",
      input: { operation: "demo.fetch", effects: ["network"], hosts: ["example.org"] },
      output: { decision: "ask", rule: "default.ask" },
    },
    {
      title: "a file inside the output folder",
      input: { operation: "demo.save", effects: ["writeLocal"], write: ["out/result.json"] },
      output: { decision: "allow", rule: "default.write" },
    },
  ],
});

const RequestStates = Schema.Literals(["open", "approved", "used", "revoked", "expired"]);

const Request = Schema.Struct({
  request: Text,
  operation: Text,
  declaration: Text,
  arguments: Text,
  input: JsonValue,
  actor: Text,
  authorities: Schema.Array(Text),
  rule: Text,
  expiresAt: Schema.Int,
  state: RequestStates,
  by: Schema.optionalKey(Text),
  call: Schema.optionalKey(Text),
  use: Schema.optionalKey(Text),
  binding: Digest,
  command: Text,
});

/** `approvals.list`: what waits for an answer, and who has been answering. */
export const ApprovalsList = operation("approvals.list", {
  ...reading,
  summary: "List requests for approval, with the command that answers each, and the share policy rules approved.",
  input: { state: Schema.optionalKey(RequestStates), limit: Schema.optionalKey(Limit) },
  output: Schema.Struct({
    requests: Schema.Array(Request),
    approved: Schema.Struct({ person: Schema.Int, key: Schema.Int, policy: Schema.Int }),
    policyShare: Schema.Finite,
  }),
  failures: ledgerFailures,
  cost: linear,
  examples: [
    { input: { state: "used" }, output: { requests: [], approved: { person: 0, key: 0, policy: 0 }, policyShare: 0 } },
  ],
});

const Signed = Schema.optionalKey(Schema.Struct({ key: Text, value: Text }));
const unknownRequest = { request: "00000000000000aa" };

/** `approvals.approve`: consent to one call, once. */
export const ApprovalsApprove = operation("approvals.approve", {
  ...writing,
  summary: "Approve one requested call, once: as the person at a terminal, or by a signature of a policy key.",
  input: { request: Id, signature: Signed },
  output: Request,
  failures: [...ledgerFailures, unknownEntry, notApprover, badSignature, requestClosed],
  cost: linear,
  examples: [{ title: "no such request", input: unknownRequest, failure: "KERNEL_UNKNOWN_ENTRY" }],
});

/** `approvals.revoke`: a request or an unused approval, taken back. */
export const ApprovalsRevoke = operation("approvals.revoke", {
  ...writing,
  summary: "Take back a request for approval, or an approval that was not used yet.",
  input: { request: Id },
  output: Request,
  failures: [...ledgerFailures, unknownEntry, notApprover, badSignature, requestClosed],
  cost: linear,
  examples: [{ title: "no such request", input: unknownRequest, failure: "KERNEL_UNKNOWN_ENTRY" }],
});

const GrantLine = Schema.Struct({
  grant: Schema.Int,
  authority: Text,
  call: Text,
  operation: Text,
  actor: Text,
  rule: Text,
  expiresAt: Schema.optionalKey(Schema.Int),
});

/** `approvals.grants`: what running calls hold. */
export const ApprovalsGrants = operation("approvals.grants", {
  ...pure,
  summary: "List the authorities that running calls hold, and by which rule or approval.",
  input: {},
  output: Schema.Struct({ grants: Schema.Array(GrantLine) }),
  failures: [],
  cost: { compute: "linear in running calls" },
  examples: [{ input: {}, output: { grants: [] } }],
});

/** `approvals.endGrant`: ends what a running call holds. */
export const ApprovalsEndGrant = operation("approvals.endGrant", {
  ...pure,
  idempotent: false,
  summary: "End one authority of a running call; its next use is refused.",
  input: { grant: Count },
  output: Schema.Struct({ grant: Schema.Int }),
  failures: [unknownEntry, notApprover],
  cost: { compute: "constant" },
  examples: [{ title: "no such grant", input: { grant: 0 }, failure: "KERNEL_UNKNOWN_ENTRY" }],
});

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

/** Every declaration of the effects room. */
export const operations: ReadonlyArray<AnyOperation> = [
  LedgerVerify,
  LedgerHead,
  LedgerEvents,
  LedgerMark,
  LedgerRollback,
  PolicyShow,
  PolicyCheck,
  ApprovalsList,
  ApprovalsApprove,
  ApprovalsRevoke,
  ApprovalsGrants,
  ApprovalsEndGrant,
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
