/**
 * Approvals: requests that policy asked for, and the consents that answer them. Stored as ledger events, read as a fold.
 *
 * Not the policy (which decides that something asks) and not a session: a consent is for one call, once.
 * Invariant: a consent is bound to declaration, arguments, actor, expiry and a nonce; of several uses of it, in any
 * number of processes, the first in the order of the chain counts and every other call is refused.
 *
 * @module
 */
import * as Clock from "effect/Clock";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { bytesToHex } from "@noble/hashes/utils.js";
import {
  type Actor,
  approvalNeeded,
  type Call,
  canonicalJson,
  denied,
  type Digest,
  digestJson,
  Entropy,
  type FailureOf,
  isPerson,
  type Json,
  type JsonObject,
  nearest,
  unknownEntry,
} from "../kernel/mod.ts";
import {
  approvalFold,
  type ApprovalRequest,
  type ApprovalState,
  type AutomaticQuery,
  automaticRule,
  type RequestState,
  sameCall,
  stateAt,
} from "./approval_state.ts";
import { badSignature, notApprover, requestClosed, type StateFailure } from "./failures.ts";
import { Ledger, type LedgerShape } from "./ledger.ts";
import { verifySignature } from "./platform/signature.ts";
import { Policy, type PolicyShape } from "./policy.ts";
import { approvalLifetimeMs, automaticRules } from "./policy_file.ts";

/** Most open requests of one actor; an actor that asks without end is refused, not recorded. */
export const MAX_OPEN_REQUESTS = 256;

/** Longest input that a request keeps for the person who decides, in characters of canonical JSON. */
export const MAX_SHOWN_INPUT = 8_192;

/** The input as a request shows it: whole where it is short, else its size; its identity is in the request anyway. */
const shownInput = (input: Json): Json => {
  const { length } = canonicalJson(input);
  return length <= MAX_SHOWN_INPUT ? input : { omitted: `${length} characters` };
};

/** A signature by a key of the policy. */
export interface Signature {
  /** The key's id in the policy. */
  readonly key: string;
  /** The signature, base64. */
  readonly value: string;
}

/** The text a key holder signs to approve what `binding` names. */
export const signedText = (binding: Digest): string => `rmi approval ${binding}`;

/** What an approval is bound to. */
export const bindingOf = (request: ApprovalRequest): Digest =>
  digestJson({
    format: 1,
    request: request.request,
    operation: request.operation,
    declaration: request.declaration,
    arguments: request.arguments,
    actor: request.actor,
    authorities: request.authorities,
    expiresAt: request.expiresAt,
  });

/** What is to be approved, for {@link approverOf}. */
export interface Consent {
  /** What it is, for messages. */
  readonly what: string;
  /** Who proposed or asked. */
  readonly proposer: string;
  /** Identity of exactly what is approved. */
  readonly binding: Digest;
  /** The command with which a person approves it. */
  readonly command: string;
}

/**
 * Who approves: the person at the terminal, or the holder of a policy key by signature. The proposer never does, save
 * the person at the terminal, who was asked.
 */
export const approverOf = (
  policy: PolicyShape,
  actor: Actor,
  consent: Consent,
  signature: Signature | undefined,
): Effect.Effect<string, FailureOf<"EFFECTS_NOT_APPROVER"> | FailureOf<"EFFECTS_SIGNATURE">> =>
  Effect.gen(function* () {
    const refused = notApprover({ what: consent.what, actor, command: consent.command });
    if (signature === undefined) return isPerson(actor) ? actor : yield* Effect.fail(refused);
    const key = policy.file.keys?.find((key) => key.id === signature.key);
    if (key === undefined) {
      const known = (policy.file.keys ?? []).map((key) => key.id);
      return yield* Effect.fail(
        badSignature({ key: signature.key, reason: "the policy names no such key", suggestions: known }),
      );
    }
    if (key.actor === consent.proposer) return yield* Effect.fail(refused);
    const text = signedText(consent.binding);
    const good = yield* Effect.promise(() => verifySignature(key.publicKey, text, signature.value));
    if (good) return `key:${key.id}`;
    return yield* Effect.fail(badSignature({ key: key.id, reason: "it does not verify", expected: text }));
  });

/** The command that approves a request. */
export const approveCommand = (request: string): string => `rmi approve ${request}`;

/** What the gate says about a call when it asks for an approval. */
export interface Asking {
  /** What needs it. */
  readonly authorities: ReadonlyArray<string>;
  /** The rule that asks. */
  readonly rule: string;
}

type RequestFailure =
  | StateFailure
  | FailureOf<"EFFECTS_NOT_APPROVER">
  | FailureOf<"EFFECTS_SIGNATURE">
  | FailureOf<"EFFECTS_REQUEST_CLOSED">;

/** Requests and consents. */
export interface ApprovalsShape {
  /** Uses up an approval of exactly this call; `undefined` where there is none left. */
  readonly consume: (call: Call, asking: Asking) => Effect.Effect<ApprovalRequest | undefined, StateFailure>;
  /** Lets a policy rule approve by itself, within its bounds; `undefined` where none does. */
  readonly automatic: (query: AutomaticQuery, call?: string) => Effect.Effect<string | undefined, StateFailure>;
  /** Records the request, or finds the open one of the same call, and fails with the command that answers it. */
  readonly ask: (call: Call, asking: Asking) => Effect.Effect<never, StateFailure>;
  /** Approves a request. */
  readonly approve: (
    request: string,
    actor: Actor,
    signature?: Signature,
  ) => Effect.Effect<ApprovalRequest, RequestFailure>;
  /** Takes back a request or an unused approval: its asker, or whoever may approve it. */
  readonly revoke: (request: string, actor: Actor) => Effect.Effect<ApprovalRequest, RequestFailure>;
  /** The state now; requests past their end show as expired. */
  readonly state: Effect.Effect<ApprovalState, StateFailure>;
}

const ApprovalsBase: Context.ServiceClass<Approvals, "rmi/Approvals", ApprovalsShape> = Context.Service<
  Approvals,
  ApprovalsShape
>()("rmi/Approvals");

/** The service of requests and consents. */
export class Approvals extends ApprovalsBase {}

/** Builds the service over a ledger. */
export const makeApprovals = (
  ledger: Pick<LedgerShape, "append" | "state">,
  policy: PolicyShape,
  fresh: () => string,
): ApprovalsShape => {
  const now = Clock.currentTimeMillis;
  const state = Effect.gen(function* () {
    return stateAt(yield* ledger.state(approvalFold), yield* now);
  });
  const record = (type: string, actor: string, data: JsonObject) => ledger.append([{ type, actor, data }]);
  const find = (id: string) =>
    Effect.flatMap(state, ({ requests }) => {
      const found = requests.find((request) => request.request === id);
      if (found !== undefined) return Effect.succeed(found);
      const open = requests.filter((request) => request.state === "open").map((request) => request.request);
      return Effect.fail(
        unknownEntry({
          kind: "request",
          name: id,
          listedBy: "approvals.list",
          path: "/request",
          suggestions: nearest(id, open, 3),
        }),
      );
    });
  const settled = (id: string, wanted: RequestState, by: string) =>
    Effect.flatMap(
      find(id),
      (request) =>
        request.state === wanted && request.by === by
          ? Effect.succeed(request)
          : Effect.fail(requestClosed({ request: id, state: request.state })),
    );

  return {
    state,
    consume: (call, { authorities }) =>
      Effect.gen(function* () {
        for (;;) {
          const { requests } = yield* state;
          const ready = requests.find((request) =>
            request.state === "approved" && sameCall(request, { ...call, authorities })
          );
          if (ready === undefined) return undefined;
          const use = fresh();
          yield* record("approval.used", call.actor, { request: ready.request, call: call.id, use });
          // Another call may have been first in the chain: then this one looks for another consent.
          const after = yield* state;
          const used = after.requests.find((request) => request.request === ready.request);
          if (used?.state === "used" && used.use === use) return used;
          if (used?.state === "approved") return undefined;
        }
      }),
    automatic: (query, call) =>
      Effect.gen(function* () {
        const rules = automaticRules(policy.file);
        if (rules.length === 0) return undefined;
        const rule = automaticRule(rules, yield* state, query, yield* now);
        if (rule === undefined) return undefined;
        yield* record("approval.automatic", `policy:${rule.name}`, {
          rule: rule.name,
          actor: query.actor,
          ...(query.operation === undefined ? {} : { operation: query.operation }),
          ...(query.domain === undefined ? {} : { domain: query.domain }),
          ...(call === undefined ? {} : { call }),
        });
        return `policy:${rule.name}`;
      }),
    ask: (call, asking) =>
      Effect.gen(function* () {
        const { requests } = yield* state;
        const open = requests.filter((request) => request.state === "open" && request.actor === call.actor);
        const same = { ...call, authorities: asking.authorities };
        const failWith = (request: string) =>
          approvalNeeded({ operation: call.operation, ...asking, command: approveCommand(request) });
        const waiting = open.find((request) => sameCall(request, same));
        if (waiting !== undefined) return yield* Effect.fail(failWith(waiting.request));
        if (open.length >= MAX_OPEN_REQUESTS) {
          return yield* Effect.fail(
            denied({
              operation: call.operation,
              authority: asking.authorities.join(", "),
              detail: `request ${open.length + 1} of ${call.actor}`,
              rule: `at most ${MAX_OPEN_REQUESTS} open requests an actor`,
            }),
          );
        }
        const request = fresh();
        yield* record("approval.requested", call.actor, {
          request,
          operation: call.operation,
          declaration: call.declaration,
          arguments: call.arguments,
          input: shownInput(call.input),
          actor: call.actor,
          authorities: asking.authorities,
          rule: asking.rule,
          expiresAt: (yield* now) + approvalLifetimeMs(policy.file),
        });
        const asked = (yield* state).requests.findLast((other) => sameCall(other, same));
        return yield* Effect.fail(failWith(asked?.request ?? request));
      }),
    approve: (id, actor, signature) =>
      Effect.gen(function* () {
        const request = yield* find(id);
        if (request.state !== "open") return yield* Effect.fail(requestClosed({ request: id, state: request.state }));
        const consent = {
          what: `request ${id}`,
          proposer: request.actor,
          binding: bindingOf(request),
          command: approveCommand(id),
        };
        const by = yield* approverOf(policy, actor, consent, signature);
        yield* record("approval.granted", actor, {
          request: id,
          by,
          binding: consent.binding,
          ...(signature === undefined ? {} : { signature: signature.value }),
        });
        return yield* settled(id, "approved", by);
      }),
    revoke: (id, actor) =>
      Effect.gen(function* () {
        const request = yield* find(id);
        if (request.state !== "open" && request.state !== "approved") {
          return yield* Effect.fail(requestClosed({ request: id, state: request.state }));
        }
        if (!isPerson(actor) && actor !== request.actor) {
          return yield* Effect.fail(
            notApprover({ what: `the end of request ${id}`, actor, command: `rmi approvals revoke ${id}` }),
          );
        }
        yield* record("approval.revoked", actor, { request: id, by: actor });
        return yield* settled(id, "revoked", actor);
      }),
  };
};

/** Requests and consents over the ledger and the policy in force. */
export const layerApprovals: Layer.Layer<Approvals, never, Ledger | Policy | Entropy> = Layer.effect(
  Approvals,
  Effect.gen(function* () {
    const entropy = yield* Entropy;
    return makeApprovals(yield* Ledger, yield* Policy, () => bytesToHex(entropy.bytes(8)));
  }),
);
