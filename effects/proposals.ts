/**
 * Proposals: the one type for every durable change of behaviour, and the one road from proposed to applied and back.
 *
 * Not the change itself: a proposal is inert data until it is applied, and then the change is an event.
 * Invariant: a domain's document is a pure fold over the ledger; preview is the same fold on a fork; rolling a change
 * back restores the digest it was applied on; evidence by the proposer never satisfies a check.
 *
 * @module
 */
import * as Clock from "effect/Clock";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import {
  type Actor,
  type Digest,
  digestJson,
  type FailureOf,
  isPerson,
  type Json,
  type JsonObject,
  nearest,
  NotCanonical,
  unknownEntry,
} from "../kernel/mod.ts";
import { Approvals, type ApprovalsShape, approverOf, type Signature } from "./approvals.ts";
import {
  gateHolds,
  malformedProposal,
  notApprover,
  staleChange,
  type StateFailure,
  wrongAdmission,
} from "./failures.ts";
import { type EventDraft, Ledger, type LedgerShape } from "./ledger.ts";
import { glob } from "./patterns.ts";
import { type Candidate, type Check, CHECKS, type Report, runPipeline } from "./pipeline.ts";
import { Policy, type PolicyShape } from "./policy.ts";
import { approvalLifetimeMs, domainRule, ownerOf } from "./policy_file.ts";
import type { Evidence, Preview, Proposal, ProposalDraft, ProposalRecord } from "./proposal.ts";
import {
  type Admission,
  descendantsOf,
  domainOf,
  moves,
  proposalFold,
  type ProposalState,
  recordOf,
  rolledBackIn,
} from "./proposal_state.ts";

type SubmitFailure = StateFailure | FailureOf<"EFFECTS_PROPOSAL">;
type MoveFailure = StateFailure | FailureOf<"EFFECTS_ADMISSION">;
type DecideFailure = MoveFailure | FailureOf<"EFFECTS_NOT_APPROVER"> | FailureOf<"EFFECTS_SIGNATURE">;
type ApplyFailure = MoveFailure | FailureOf<"EFFECTS_GATE"> | FailureOf<"EFFECTS_STALE">;
type RollbackFailure = MoveFailure | FailureOf<"EFFECTS_STALE"> | FailureOf<"EFFECTS_NOT_APPROVER">;

/** What a decision says. */
export type ProposalVerdict = "approve" | "reject" | "confirm";

/** Proposals and the documents they change. */
export interface ProposalsShape {
  /** Records a change and judges it; the same content again is the same proposal. */
  readonly submit: (draft: ProposalDraft, actor: Actor) => Effect.Effect<ProposalRecord, SubmitFailure>;
  /** Adds evidence and judges again. */
  readonly attest: (id: string, evidence: Evidence, actor: Actor) => Effect.Effect<ProposalRecord, MoveFailure>;
  /** Records whether a validation command passed, and judges again; only for whoever ran it in this ledger. */
  readonly validated: (id: string, index: number, passed: boolean) => Effect.Effect<ProposalRecord, MoveFailure>;
  /** Runs the checks now, without recording anything. */
  readonly judge: (id: string) => Effect.Effect<Report, StateFailure>;
  /** What the change would do: the fold on a fork. */
  readonly preview: (id: string) => Effect.Effect<Preview, StateFailure>;
  /** Approves, rejects or confirms. */
  readonly decide: (
    id: string,
    verdict: ProposalVerdict,
    actor: Actor,
    signature?: Signature,
  ) => Effect.Effect<ProposalRecord, DecideFailure>;
  /** Applies an approved change, once, if every check passes now. */
  readonly apply: (id: string, actor: Actor) => Effect.Effect<ProposalRecord, ApplyFailure>;
  /**
   * Undoes an applied change on which no other stands, or with `descendants` those that do as well, in one append:
   * anybody during probation, a person once one of them is confirmed.
   */
  readonly rollback: (
    id: string,
    actor: Actor,
    options?: { readonly descendants?: boolean },
  ) => Effect.Effect<ProposalRecord, RollbackFailure>;
  /** One proposal. */
  readonly get: (id: string) => Effect.Effect<ProposalRecord, StateFailure>;
  /** All proposals, oldest first. */
  readonly list: Effect.Effect<ReadonlyArray<ProposalRecord>, StateFailure>;
  /** A domain's document and its identity. */
  readonly domain: (name: string) => Effect.Effect<{ readonly document: Json; readonly digest: Digest }, StateFailure>;
  /** Adds checks for the domains a pattern names, while this kernel is open. */
  readonly register: (domain: string, checks: ReadonlyArray<Check>) => Effect.Effect<void>;
}

const ProposalsBase: Context.ServiceClass<Proposals, "rmi/Proposals", ProposalsShape> = Context.Service<
  Proposals,
  ProposalsShape
>()("rmi/Proposals");

/** The service of proposals. */
export class Proposals extends ProposalsBase {}

/** What a decision on a proposal is bound to, and so what a key holder signs. */
export const consentBinding = (record: ProposalRecord): Digest =>
  digestJson({ format: 1, proposal: record.proposal.id, base: record.proposal.base });

const contentOf = ({ id: _id, proposer: _proposer, ...content }: Proposal): ProposalDraft => content;

const contentId = (content: ProposalDraft): Effect.Effect<Digest, FailureOf<"EFFECTS_PROPOSAL">> =>
  Effect.try({
    try: () => digestJson(content),
    catch: (cause) =>
      malformedProposal({
        problem: cause instanceof Error ? cause.message : String(cause),
        path: cause instanceof NotCanonical ? cause.path : "",
      }),
  });

/** What the service is built over. */
export interface ProposalPorts {
  /** The ledger. */
  readonly ledger: Pick<LedgerShape, "append" | "state" | "fork">;
  /** The policy in force. */
  readonly policy: PolicyShape;
  /** Approvals by policy rules. */
  readonly approvals: Pick<ApprovalsShape, "automatic">;
}

/** The events that undo changes of one domain in this order, each bound to the state that the one before leaves. */
const rollbackEvents = (
  state: ProposalState,
  undone: ReadonlyArray<ProposalRecord>,
  actor: Actor,
): ReadonlyArray<EventDraft> => {
  let now = state;
  return undone.map(({ proposal: { domain, id } }) => {
    const data = { proposal: id, before: domainOf(now, domain).digest };
    now = rolledBackIn(now, data);
    return { type: "proposal.rolledBack", actor, data };
  });
};

const DECISIONS: {
  readonly [V in ProposalVerdict]: { readonly type: string; readonly to: Admission; readonly needed: string };
} = {
  approve: { type: "proposal.approved", to: "approved", needed: "ready" },
  reject: { type: "proposal.rejected", to: "rejected", needed: "not yet applied" },
  confirm: { type: "proposal.confirmed", to: "confirmed", needed: "applied" },
};

/** Builds the service. */
export const makeProposals = ({ ledger, policy, approvals }: ProposalPorts): ProposalsShape => {
  const registered: Array<{ readonly matches: (domain: string) => boolean; readonly checks: ReadonlyArray<Check> }> =
    [];
  const state: Effect.Effect<ProposalState, StateFailure> = ledger.state(proposalFold);
  const record = (type: string, actor: string, data: JsonObject) => ledger.append([{ type, actor, data }]);

  const find = (from: ProposalState, id: string): Effect.Effect<ProposalRecord, StateFailure> => {
    const found = recordOf(from, id);
    if (found !== undefined) return Effect.succeed(found);
    const suggestions = nearest(id, Object.keys(from.records), 3);
    return Effect.fail(
      unknownEntry({ kind: "proposal", name: id, listedBy: "proposals.list", path: "/proposal", suggestions }),
    );
  };
  const get = (id: string) => Effect.flatMap(state, (now) => find(now, id));

  const checksOf = (domain: string): ReadonlyArray<Check> =>
    registered.filter(({ matches }) => matches(domain)).flatMap(({ checks }) => checks);

  /** The operation that brings the checks of a domain, where they are wanted and not there. */
  const ownerWanted = (domain: string): string | undefined =>
    checksOf(domain).length === 0 ? ownerOf(domain) : undefined;

  const judgeIn = (from: ProposalState, { proposal, evidence, validated }: ProposalRecord): Effect.Effect<Report> => {
    const { document, digest } = domainOf(from, proposal.domain);
    const candidate: Candidate = {
      proposal,
      evidence,
      validated,
      document,
      current: digest,
      rule: domainRule(policy.file, proposal.domain),
      // Redaction changed what was stored: then the stored content has another digest than its id.
      redacted: digestJson(contentOf(proposal)) !== proposal.id,
    };
    return runPipeline([...CHECKS, ...checksOf(proposal.domain)], candidate);
  };

  /** Judges, records the judgement where it is news, and lets a policy rule approve what is ready and within bounds. */
  const judged = (id: string): Effect.Effect<ProposalRecord, StateFailure> =>
    Effect.gen(function* () {
      const before = yield* state;
      const found = yield* find(before, id);
      const { outcome, findings } = yield* judgeIn(before, found);
      const reasons = findings.filter((finding) => finding.outcome !== "pass").map(({ code }) => code);
      if (found.state === "approved" && outcome === "ready") return found;
      if (found.state !== outcome || reasons.join() !== found.reasons.join()) {
        yield* record("proposal.judged", "policy:pipeline", { proposal: id, outcome, reasons });
      }
      const { proposal } = found;
      if (outcome !== "ready" || !proposal.reversible || proposal.widensAuthority) return yield* get(id);
      // What a domain's owner would check was not looked at, so no rule speaks for it.
      if (ownerWanted(proposal.domain) !== undefined) return yield* get(id);
      const query = { actor: proposal.proposer, domain: proposal.domain, content: proposal.patch as Json };
      const by = yield* approvals.automatic(query);
      if (by !== undefined) yield* approve(found, by, "policy:pipeline");
      return yield* get(id);
    });

  const approve = (found: ProposalRecord, by: string, actor: string, signature?: Signature) =>
    Effect.gen(function* () {
      yield* record("proposal.approved", actor, {
        proposal: found.proposal.id,
        by,
        binding: consentBinding(found),
        expiresAt: (yield* Clock.currentTimeMillis) + approvalLifetimeMs(policy.file),
        ...(signature === undefined ? {} : { signature: signature.value }),
      });
    });

  const reached = (id: string, wanted: Admission, action: string, needed: string) =>
    Effect.flatMap(
      get(id),
      (found) =>
        found.state === wanted
          ? Effect.succeed(found)
          : Effect.fail(wrongAdmission({ proposal: id, state: found.state, action, needed })),
    );

  const submit: ProposalsShape["submit"] = (draft, actor) =>
    Effect.gen(function* () {
      const now = yield* state;
      const base = draft.base ?? domainOf(now, draft.domain).digest;
      const content = { ...draft, base, rollbackTarget: draft.rollbackTarget ?? base };
      const id = yield* contentId(content);
      if (recordOf(now, id) === undefined) {
        yield* record("proposal.submitted", actor, {
          proposal: { ...content, id, proposer: actor } as unknown as Json,
        });
      }
      return yield* judged(id);
    });

  const decide: ProposalsShape["decide"] = (id, verdict, actor, signature) =>
    Effect.gen(function* () {
      const { type, to, needed } = DECISIONS[verdict];
      const found = verdict === "approve" ? yield* judged(id) : yield* get(id);
      if (!moves(type, found.state)) {
        return yield* Effect.fail(wrongAdmission({ proposal: id, state: found.state, action: verdict, needed }));
      }
      const consent = {
        what: `proposal ${id}`,
        proposer: found.proposal.proposer,
        binding: consentBinding(found),
        command: `rmi proposals decide --proposal ${id} --verdict ${verdict}`,
      };
      const by = yield* approverOf(policy, actor, consent, signature);
      if (verdict === "approve") yield* approve(found, by, actor, signature);
      else yield* record(type, actor, { proposal: id, by });
      return yield* reached(id, to, verdict, needed);
    });

  const apply: ProposalsShape["apply"] = (id, actor) =>
    Effect.gen(function* () {
      const before = yield* state;
      const found = yield* find(before, id);
      if (found.state !== "approved") {
        return yield* Effect.fail(
          wrongAdmission({ proposal: id, state: found.state, action: "apply", needed: "approved" }),
        );
      }
      const { domain } = found.proposal;
      const owner = ownerWanted(domain);
      if (owner !== undefined) {
        const fix = { summary: `Apply it by ${owner}, which brings the checks of ${domain}` };
        return yield* Effect.fail(gateHolds({ proposal: id, outcome: "held", reasons: ["CHECKS_ABSENT"], fix }));
      }
      const report = yield* judgeIn(before, found);
      const now = yield* Clock.currentTimeMillis;
      const late = now >= (found.expiresAt ?? 0);
      const reasons = report.findings.filter(({ outcome }) => outcome !== "pass").map(({ code }) => code);
      if (late || report.outcome !== "ready") {
        // Only the consent ran out: then the change is ready for a new one.
        const { outcome } = report;
        yield* record("proposal.judged", "policy:pipeline", { proposal: id, outcome, reasons });
        return yield* Effect.fail(
          gateHolds({
            proposal: id,
            outcome,
            reasons: late ? [...reasons, "APPROVAL_EXPIRED"] : reasons,
            actual: report as unknown as Json,
          }),
        );
      }
      yield* record("proposal.applied", actor, { proposal: id, before: found.proposal.base });
      const after = yield* get(id);
      if (after.state === "applied") return after;
      const { digest } = domainOf(yield* state, found.proposal.domain);
      return yield* Effect.fail(
        staleChange({ domain: found.proposal.domain, base: found.proposal.base, current: digest }),
      );
    });

  const rollback: ProposalsShape["rollback"] = (id, actor, { descendants = false } = {}) =>
    Effect.gen(function* () {
      const before = yield* state;
      const found = yield* find(before, id);
      const { proposal, state: admission, after } = found;
      if (after === undefined || admission !== "applied" && admission !== "confirmed") {
        return yield* Effect.fail(
          wrongAdmission({ proposal: id, state: admission, action: "roll back", needed: "applied or confirmed" }),
        );
      }
      const later = descendantsOf(before, found).toReversed();
      if (later.length > 0 && !descendants) {
        const suggestions = later.map((record) => record.proposal.id);
        const fix = { summary: `Roll back first what stands on it, latest first: ${suggestions.join(", ")}` };
        const current = domainOf(before, proposal.domain).digest;
        const stale = { domain: proposal.domain, base: after, current, path: "/proposal", suggestions, fix };
        return yield* Effect.fail(staleChange(stale));
      }
      const undone = [...later, found];
      if (undone.some((record) => record.state === "confirmed") && !isPerson(actor)) {
        return yield* Effect.fail(
          notApprover({ what: `the rollback of ${id}`, actor, command: `rmi proposals rollback ${id}` }),
        );
      }
      yield* ledger.append(rollbackEvents(before, undone, actor));
      return yield* reached(id, "rolledBack", "roll back", "not changed meanwhile");
    });

  const preview: ProposalsShape["preview"] = (id) =>
    Effect.gen(function* () {
      const now = yield* state;
      const found = yield* find(now, id);
      const { domain, base } = found.proposal;
      const { digest } = domainOf(now, domain);
      const fork = yield* ledger.fork;
      const road: ReadonlyArray<readonly [string, JsonObject]> = [
        ["proposal.judged", { outcome: "ready", reasons: [] }],
        ["proposal.approved", { by: "policy:preview", expiresAt: 0 }],
        ["proposal.applied", { before: base }],
      ];
      yield* fork.append(
        road.map(([type, data]) => ({ type, actor: "policy:preview", data: { ...data, proposal: id } })),
      );
      const then = domainOf(yield* fork.state(proposalFold), domain);
      const report = yield* judgeIn(now, found);
      return { before: digest, after: then.digest, document: then.document, report };
    });

  return {
    submit,
    judge: (id) => Effect.flatMap(state, (now) => Effect.flatMap(find(now, id), (found) => judgeIn(now, found))),
    attest: (id, evidence, actor) =>
      Effect.gen(function* () {
        yield* get(id);
        yield* record("proposal.attested", actor, { proposal: id, evidence: evidence as unknown as Json });
        return yield* judged(id);
      }),
    validated: (id, index, passed) =>
      Effect.gen(function* () {
        yield* get(id);
        yield* record("proposal.validated", "policy:validation", { proposal: id, index, passed });
        return yield* judged(id);
      }),
    preview,
    decide,
    apply,
    rollback,
    get,
    list: Effect.map(state, ({ records }) => Object.values(records)),
    domain: (name) =>
      Effect.map(state, (now) => {
        const { document, digest } = domainOf(now, name);
        return { document, digest };
      }),
    register: (domain, checks) => Effect.sync(() => void registered.push({ matches: glob(domain), checks })),
  };
};

/** Proposals over the ledger, the policy and its automatic rules. */
export const layerProposals: Layer.Layer<Proposals, never, Ledger | Policy | Approvals> = Layer.effect(
  Proposals,
  Effect.gen(function* () {
    return makeProposals({ ledger: yield* Ledger, policy: yield* Policy, approvals: yield* Approvals });
  }),
);
