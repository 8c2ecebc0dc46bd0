/**
 * Declarations of the namespaces `ledger`, `policy` and `approvals`, and all declarations of the room.
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
  EFFECTS,
  JsonValue,
  KINDS,
  operation,
  role,
  subcallFailed,
  unknownEntry,
} from "../kernel/mod.ts";
import { Count, Id, Limit, Line, linear, pure, reading, Signed, Text, writing } from "./declaring.ts";
import { badSignature, ledgerFailures, notApprover, requestClosed } from "./failures.ts";
import { FAULT_KINDS } from "./ledger/chain.ts";
import { PolicyFile } from "./policy_file.ts";
import { proposalOperations } from "./proposal_operations.ts";

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

/** `ledger.settle`: ends the report of calls that never finished. */
export const LedgerSettle = operation("ledger.settle", {
  ...writing,
  summary:
    "Settle calls of earlier runs that never finished: later starts no longer report them; the chain keeps them.",
  input: {},
  output: Schema.Struct({
    settled: Schema.Array(Schema.Struct({ call: Text, operation: Text, actor: Text, at: Text })),
  }),
  failures: ledgerFailures,
  cost: linear,
  idempotent: true,
  examples: [{ input: {}, output: { settled: [] } }],
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

/** Every declaration of the effects room. */
export const operations: ReadonlyArray<AnyOperation> = [
  LedgerVerify,
  LedgerHead,
  LedgerEvents,
  LedgerMark,
  LedgerRollback,
  LedgerSettle,
  PolicyShow,
  PolicyCheck,
  ApprovalsList,
  ApprovalsApprove,
  ApprovalsRevoke,
  ApprovalsGrants,
  ApprovalsEndGrant,
  ...proposalOperations,
];
