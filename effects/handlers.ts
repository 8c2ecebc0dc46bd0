/**
 * Handlers of the effects room's operations: thin views over its services.
 *
 * Not the services themselves; nothing here holds state.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Result from "effect/Result";
import {
  at,
  CallContext,
  type EffectName,
  type Implementation,
  implementation,
  isJsonObject,
  isPerson,
  Journal,
  type Json,
  type Kind,
  resolvePath,
  unknownEntry,
} from "../kernel/mod.ts";
import type { ApprovalRequest } from "./approval_state.ts";
import { Approvals, approveCommand, bindingOf } from "./approvals.ts";
import { notApprover } from "./failures.ts";
import { Grants } from "./grants.ts";
import { settleDangling } from "./journal.ts";
import { Ledger } from "./ledger.ts";
import * as declared from "./operations.ts";
import * as proposing from "./proposal_operations.ts";
import { Policy } from "./policy.ts";
import { DEFAULT_RULES, POLICY_FILE, type Subject } from "./policy_file.ts";
import type { ProposalDraft, ProposalRecord } from "./proposal.ts";
import { consentBinding, Proposals } from "./proposals.ts";

/** Events of a page where the caller names no limit. */
const DEFAULT_PAGE = 100;

const shownRequest = (request: ApprovalRequest) => ({
  ...request,
  binding: bindingOf(request),
  command: approveCommand(request.request),
});

const STRICTNESS: ReadonlyArray<string> = ["allow", "ask", "deny"];

/** Whether a value has every member of a pattern, deeply; what the pattern does not name may be anything. */
export const covers = (value: Json | undefined, pattern: Json): boolean => {
  if (Array.isArray(pattern)) {
    return Array.isArray(value) && value.length === pattern.length &&
      pattern.every((item, index) => covers(value[index], item));
  }
  if (!isJsonObject(pattern)) return value === pattern;
  return isJsonObject(value) &&
    Object.entries(pattern).every(([key, item]) => Object.hasOwn(value, key) && covers(value[key], item));
};

/** What `policy.check` asks the policy: the authorities given, else those of the operation's declaration. */
const authoritiesAsked = (input: {
  readonly operation: string;
  readonly effects?: ReadonlyArray<EffectName>;
  readonly kinds?: ReadonlyArray<Kind>;
}) =>
  Effect.gen(function* () {
    const { effects, kinds } = input;
    if (effects !== undefined || kinds !== undefined) {
      return [...effects ?? [], ...kinds ?? []] as ReadonlyArray<Subject>;
    }
    const context = yield* CallContext;
    const described = yield* context.invoke("kernel.describe", { id: input.operation });
    return [at(described, "/effects"), at(described, "/kinds")].flatMap((list) => list as ReadonlyArray<Subject>);
  });

/** Runs one validation command inside this call; a failure of any kind is a failed validation, not a failed call. */
const commandPasses = ({ operation, input, expect }: ProposalRecord["proposal"]["validation"][number]) =>
  Effect.gen(function* () {
    const context = yield* CallContext;
    const answer = yield* Effect.result(context.invoke(operation, input));
    return Result.isSuccess(answer) && (expect === undefined || covers(answer.success, expect));
  });

const pageOf = <A>(items: ReadonlyArray<A>, limit: number | undefined): ReadonlyArray<A> =>
  items.slice(0, limit ?? DEFAULT_PAGE);

/** The effects room's code. */
const effects: Implementation = implementation({
  operations: [
    declared.LedgerVerify,
    declared.LedgerHead,
    declared.LedgerEvents,
    declared.LedgerMark,
    declared.LedgerRollback,
    declared.LedgerSettle,
    declared.PolicyShow,
    declared.PolicyCheck,
    declared.ApprovalsList,
    declared.ApprovalsApprove,
    declared.ApprovalsRevoke,
    declared.ApprovalsGrants,
    declared.ApprovalsEndGrant,
    proposing.ProposalsSubmit,
    proposing.ProposalsAttest,
    proposing.ProposalsValidate,
    proposing.ProposalsList,
    proposing.ProposalsShow,
    proposing.ProposalsPreview,
    proposing.ProposalsDecide,
    proposing.ProposalsApply,
    proposing.ProposalsRollback,
  ],
  requires: [Ledger, Journal, Policy, Grants, Approvals, Proposals],
  layer: Layer.empty,
  handlers: {
    "ledger.verify": () => Effect.flatMap(Ledger, (ledger) => ledger.verify),
    "ledger.head": () => Effect.flatMap(Ledger, (ledger) => ledger.head),
    "ledger.events": ({ from, to, type, limit }) =>
      Effect.gen(function* () {
        const ledger = yield* Ledger;
        const size = limit ?? DEFAULT_PAGE;
        const events = yield* ledger.read({
          ...(from === undefined ? {} : { from }),
          ...(to === undefined ? {} : { to }),
          ...(type === undefined ? {} : { type }),
          limit: size,
        });
        const last = events.at(-1)?.seq;
        if (events.length < size || last === undefined) return { events };
        const more = yield* ledger.read({
          from: last + 1,
          ...(to === undefined ? {} : { to }),
          ...(type === undefined ? {} : { type }),
          limit: 1,
        });
        return more.length === 0 ? { events } : { events, next: more[0].seq };
      }),
    "ledger.mark": ({ name }) =>
      Effect.gen(function* () {
        const { actor } = yield* CallContext;
        const ledger = yield* Ledger;
        yield* ledger.mark(name, actor);
        return { name, head: yield* ledger.head };
      }),
    "ledger.rollback": ({ mark }) =>
      Effect.gen(function* () {
        const { actor } = yield* CallContext;
        const ledger = yield* Ledger;
        yield* ledger.rollback(mark, actor);
        return { mark, head: yield* ledger.head };
      }),
    "ledger.settle": () =>
      Effect.gen(function* () {
        const { actor } = yield* CallContext;
        const dangling = yield* (yield* Journal).dangling;
        yield* settleDangling(yield* Ledger, dangling, actor);
        return { settled: dangling };
      }),
    "policy.show": () =>
      Effect.map(Policy, ({ source, file, folders }) => ({
        source,
        file: POLICY_FILE,
        policy: file,
        builtIn: DEFAULT_RULES as unknown as ReadonlyArray<Json>,
        folders,
      })),
    "policy.check": (input) =>
      Effect.gen(function* () {
        const policy = yield* Policy;
        const context = yield* CallContext;
        const subjects = yield* authoritiesAsked(input);
        const details: { readonly [subject: string]: ReadonlyArray<string> | undefined } = {
          readLocal: input.read?.map((path) => resolvePath(context.workspace, path)),
          writeLocal: input.write?.map((path) => resolvePath(context.workspace, path)),
          network: input.hosts,
        };
        const answers = (subjects.length === 0 ? ["pure" as const] : subjects).flatMap((authority) =>
          (details[authority] ?? [undefined]).map((detail) => {
            const about = { authority, ...(detail === undefined ? {} : { detail }) };
            const query = { actor: input.actor ?? context.actor, operation: input.operation, ...about };
            const { decision, rule } = policy.decide(query);
            return { ...about, decision, rule };
          })
        );
        const [worst] = [...answers].sort((a, b) => STRICTNESS.indexOf(b.decision) - STRICTNESS.indexOf(a.decision));
        return { decision: worst.decision, rule: worst.rule, answers };
      }),
    "approvals.list": ({ state, limit }) =>
      Effect.gen(function* () {
        const { requests, counts } = yield* (yield* Approvals).state;
        const wanted = requests.filter((request) => state === undefined || request.state === state);
        const all = counts.person + counts.key + counts.policy;
        return {
          requests: pageOf(wanted, limit).map(shownRequest),
          approved: counts,
          policyShare: all === 0 ? 0 : counts.policy / all,
        };
      }),
    "approvals.approve": ({ request, signature }) =>
      Effect.gen(function* () {
        const { actor } = yield* CallContext;
        return shownRequest(yield* (yield* Approvals).approve(request, actor, signature));
      }),
    "approvals.revoke": ({ request }) =>
      Effect.gen(function* () {
        const { actor } = yield* CallContext;
        return shownRequest(yield* (yield* Approvals).revoke(request, actor));
      }),
    "approvals.grants": () =>
      Effect.gen(function* () {
        return { grants: yield* (yield* Grants).list };
      }),
    "approvals.endGrant": ({ grant }) =>
      Effect.gen(function* () {
        const { actor } = yield* CallContext;
        const grants = yield* Grants;
        const line = (yield* grants.list).find((line) => line.grant === grant);
        if (line === undefined) {
          const listedBy = "approvals.grants";
          return yield* Effect.fail(unknownEntry({ kind: "grant", name: String(grant), listedBy, path: "/grant" }));
        }
        if (line.actor !== actor && !isPerson(actor)) {
          const command = `rmi approvals endGrant ${grant}`;
          return yield* Effect.fail(notApprover({ what: `the end of grant ${grant}`, actor, command }));
        }
        grants.revoke(grant);
        return { grant };
      }),
    "proposals.submit": (draft) =>
      Effect.gen(function* () {
        const { actor } = yield* CallContext;
        return yield* (yield* Proposals).submit(draft as ProposalDraft, actor);
      }),
    "proposals.attest": ({ proposal, ...evidence }) =>
      Effect.gen(function* () {
        const { actor } = yield* CallContext;
        return yield* (yield* Proposals).attest(proposal, evidence, actor);
      }),
    "proposals.validate": ({ proposal }) =>
      Effect.gen(function* () {
        const proposals = yield* Proposals;
        let record = yield* proposals.get(proposal);
        for (const [index, command] of record.proposal.validation.entries()) {
          record = yield* proposals.validated(proposal, index, yield* commandPasses(command));
        }
        return record;
      }),
    "proposals.list": ({ domain, state, limit }) =>
      Effect.gen(function* () {
        const all = yield* (yield* Proposals).list;
        const wanted = all.filter((record) =>
          (domain === undefined || record.proposal.domain === domain) && (state === undefined || record.state === state)
        );
        return { proposals: pageOf(wanted, limit), total: wanted.length };
      }),
    "proposals.show": ({ proposal }) =>
      Effect.gen(function* () {
        const proposals = yield* Proposals;
        const record = yield* proposals.get(proposal);
        return { record, report: yield* proposals.judge(proposal), binding: consentBinding(record) };
      }),
    "proposals.preview": ({ proposal }) => Effect.flatMap(Proposals, (proposals) => proposals.preview(proposal)),
    "proposals.decide": ({ proposal, verdict, signature }) =>
      Effect.gen(function* () {
        const { actor } = yield* CallContext;
        return yield* (yield* Proposals).decide(proposal, verdict, actor, signature);
      }),
    "proposals.apply": ({ proposal }) =>
      Effect.gen(function* () {
        const { actor } = yield* CallContext;
        return yield* (yield* Proposals).apply(proposal, actor);
      }),
    "proposals.rollback": ({ proposal }) =>
      Effect.gen(function* () {
        const { actor } = yield* CallContext;
        return yield* (yield* Proposals).rollback(proposal, actor);
      }),
  },
});

export default effects;
