/**
 * Proposal state: the pure fold from proposal events to records and to the documents of the domains they change.
 *
 * Not the service that writes those events (effects/proposals.ts).
 * Invariant: an event that does not fit the state it meets changes nothing, so of two events that contradict each
 * other the first in the chain counts, in whatever process they were written.
 *
 * @module
 */
import * as Patch from "effect/JsonPatch";
import { type Digest, digestJson, type Json, type JsonObject, type JsonPatch } from "../kernel/mod.ts";
import type { Fold, LedgerEvent } from "./ledger.ts";
import { patched } from "./pipeline.ts";
import type { Evidence, Proposal, ProposalRecord } from "./proposal.ts";

/** Where a proposal stands. */
export type Admission =
  | "proposed"
  | "held"
  | "rejected"
  | "previewOnly"
  | "ready"
  | "approved"
  | "applied"
  | "confirmed"
  | "rolledBack";

/** A domain's document, its identity, and the changes that made it. */
export interface DomainState {
  /** The document. */
  readonly document: Json;
  /** Its digest. */
  readonly digest: Digest;
  /** Applied changes that were not rolled back, oldest first, with what undoes each. */
  readonly stack: ReadonlyArray<{ readonly proposal: Digest; readonly inverse: JsonPatch }>;
}

/** A domain before its first change. */
const EMPTY_DOCUMENT: DomainState = { document: {}, digest: digestJson({}), stack: [] };

/** All proposals and the documents of all domains. */
export interface ProposalState {
  /** Records by id, oldest first. */
  readonly records: { readonly [id: string]: ProposalRecord };
  /** Documents by domain. */
  readonly domains: { readonly [domain: string]: DomainState };
}

/** Which events move a proposal, from where, to where; a judgement names its own end. */
const MOVES: { readonly [type: string]: { readonly from: ReadonlyArray<Admission>; readonly to?: Admission } } = {
  "proposal.judged": { from: ["proposed", "held", "previewOnly", "ready", "approved"] },
  "proposal.approved": { from: ["ready"], to: "approved" },
  "proposal.rejected": { from: ["proposed", "held", "previewOnly", "ready", "approved"], to: "rejected" },
  "proposal.applied": { from: ["approved"], to: "applied" },
  "proposal.confirmed": { from: ["applied"], to: "confirmed" },
  "proposal.rolledBack": { from: ["applied", "confirmed"], to: "rolledBack" },
  "proposal.attested": { from: ["proposed", "held", "previewOnly", "ready", "approved", "applied", "confirmed"] },
  "proposal.validated": { from: ["proposed", "held", "previewOnly", "ready", "approved"] },
};

const JUDGED: ReadonlyArray<unknown> = ["held", "rejected", "previewOnly", "ready"] satisfies ReadonlyArray<Admission>;

const inverseOf = (before: Json, after: Json): JsonPatch => Patch.get(after as never, before as never);

/** The state of a domain, also before its first change. */
export const domainOf = (state: ProposalState, domain: string): DomainState =>
  Object.hasOwn(state.domains, domain) ? state.domains[domain] : EMPTY_DOCUMENT;

/** The record of a proposal. */
export const recordOf = (state: ProposalState, id: string): ProposalRecord | undefined =>
  Object.hasOwn(state.records, id) ? state.records[id] : undefined;

/** Whether an event of this type moves a proposal in this state. */
export const moves = (type: string, state: Admission): boolean =>
  Object.hasOwn(MOVES, type) && MOVES[type].from.includes(state);

const put = (state: ProposalState, record: ProposalRecord): ProposalState => ({
  ...state,
  records: { ...state.records, [record.proposal.id]: record },
});

const applied = (state: ProposalState, record: ProposalRecord, before: unknown): ProposalState => {
  const { domain, id, patch } = record.proposal;
  const current = domainOf(state, domain);
  const result = patched(patch, current.document);
  if (current.digest !== before || "problem" in result) return state;
  const inverse = inverseOf(current.document, result.after);
  const back = patched(inverse, result.after);
  // A change that cannot be undone to the identical state is not applied at all.
  if ("problem" in back || digestJson(back.after) !== current.digest) return state;
  const next: DomainState = {
    document: result.after,
    digest: digestJson(result.after),
    stack: [...current.stack, { proposal: id, inverse }],
  };
  return {
    ...put(state, { ...record, state: "applied", after: next.digest }),
    domains: { ...state.domains, [domain]: next },
  };
};

/**
 * Applied changes of a domain that stand on one of them, oldest first: later ones that change or were made from an id
 * that it, or another of them, changes.
 */
export const descendantsOf = (state: ProposalState, { proposal }: ProposalRecord): ReadonlyArray<ProposalRecord> => {
  const { stack } = domainOf(state, proposal.domain);
  const at = stack.findIndex((change) => change.proposal === proposal.id);
  if (at < 0) return [];
  const moved = new Set(proposal.changedIds);
  return stack.slice(at + 1).flatMap((change) => {
    const record = state.records[change.proposal];
    const { changedIds, standsOn = [] } = record.proposal;
    if (![...changedIds, ...standsOn].some((id) => moved.has(id))) return [];
    for (const id of changedIds) moved.add(id);
    return [record];
  });
};

const rolledBack = (state: ProposalState, record: ProposalRecord, before: unknown): ProposalState => {
  const { domain, id } = record.proposal;
  const current = domainOf(state, domain);
  const undone = current.stack.find((change) => change.proposal === id);
  if (undone === undefined || current.digest !== before || descendantsOf(state, record).length > 0) return state;
  // What came later touches other ids of the document, so the inverse still fits.
  const result = patched(undone.inverse, current.document);
  if ("problem" in result) return state;
  const stack = current.stack.filter((change) => change !== undone);
  const next = { document: result.after, digest: digestJson(result.after), stack };
  return { ...put(state, { ...record, state: "rolledBack" }), domains: { ...state.domains, [domain]: next } };
};

const changed = (record: ProposalRecord, event: LedgerEvent, data: JsonObject): ProposalRecord => {
  switch (event.type) {
    case "proposal.judged":
      return JUDGED.includes(data.outcome)
        ? { ...record, state: data.outcome as Admission, reasons: data.reasons as ReadonlyArray<string> }
        : record;
    case "proposal.approved":
      return { ...record, state: "approved", by: String(data.by), expiresAt: Number(data.expiresAt) };
    case "proposal.attested": {
      const evidence = data.evidence as unknown as Evidence;
      const counts = event.actor === record.proposal.proposer ? "self" : evidence.source;
      return { ...record, evidence: [...record.evidence, { ...evidence, by: event.actor, counts }] };
    }
    case "proposal.validated": {
      const index = Number(data.index);
      const command = record.proposal.validation[index];
      if (command === undefined || event.actor !== "policy:validation") return record;
      const passed = data.passed === true;
      const proof = {
        source: "validator" as const,
        result: passed ? "pass" as const : "fail" as const,
        digest: digestJson(command),
        summary: `${command.operation} ${passed ? "passed" : "failed"}`,
        by: event.actor,
        counts: "validator" as const,
      };
      const others = record.evidence.filter(({ by, digest }) => by !== proof.by || digest !== proof.digest);
      return { ...record, validated: { ...record.validated, [index]: passed }, evidence: [...others, proof] };
    }
    default:
      return { ...record, state: MOVES[event.type].to ?? record.state };
  }
};

const submitted = (state: ProposalState, proposal: Proposal): ProposalState =>
  Object.hasOwn(state.records, proposal.id)
    ? state
    : put(state, { proposal, state: "proposed", evidence: [], validated: {}, reasons: [] });

/** The state after a rollback, as an event says it; the same state where that does not fit. */
export const rolledBackIn = (state: ProposalState, data: JsonObject): ProposalState => {
  const record = recordOf(state, String(data.proposal));
  return record === undefined || !moves("proposal.rolledBack", record.state)
    ? state
    : rolledBack(state, record, data.before);
};

/** The fold of proposals. */
export const proposalFold: Fold<ProposalState> = {
  name: "proposals",
  version: 2,
  initial: { records: {}, domains: {} },
  step: (state: ProposalState, event: LedgerEvent): ProposalState => {
    const data = event.data as JsonObject;
    if (event.type === "proposal.submitted") return submitted(state, data.proposal as unknown as Proposal);
    const record = recordOf(state, String(data.proposal));
    if (record === undefined || !moves(event.type, record.state)) return state;
    if (event.type === "proposal.applied") return applied(state, record, data.before);
    if (event.type === "proposal.rolledBack") return rolledBackIn(state, data);
    return put(state, changed(record, event, data));
  },
};
