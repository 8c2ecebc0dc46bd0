/**
 * Approval state: the pure fold from approval events to requests, to who approved, and to what policy rules may still do.
 *
 * Not the service that writes those events (effects/approvals.ts).
 * Invariant: an event that does not fit the request it meets changes nothing, so of two uses of one consent the first in
 * the chain counts, in whatever process they were written; rolling state back revives nothing.
 *
 * @module
 */
import { type Actor, type Call, canonicalJson, type Digest, type Json, type JsonObject } from "../kernel/mod.ts";
import type { Fold, LedgerEvent } from "./ledger.ts";
import { glob } from "./patterns.ts";
import type { AutomaticRule } from "./policy_file.ts";

/** How many closed requests the fold remembers; older ones stay in the chain. */
export const MAX_CLOSED_REQUESTS = 1_000;

/** Where a request stands. */
export type RequestState = "open" | "approved" | "used" | "revoked" | "expired";

/** A request for an approval. */
export interface ApprovalRequest {
  /** Its id, also the nonce. */
  readonly request: string;
  /** The operation asked for. */
  readonly operation: string;
  /** Identity of its declaration. */
  readonly declaration: Digest;
  /** Identity of the canonical input. */
  readonly arguments: Digest;
  /** The input, redacted, for the person who decides. */
  readonly input: Json;
  /** Who asked. */
  readonly actor: Actor;
  /** What needs the approval: authorities, with paths where they are known. */
  readonly authorities: ReadonlyArray<string>;
  /** The rule that asks. */
  readonly rule: string;
  /** When request and approval end, milliseconds since 1970. */
  readonly expiresAt: number;
  /** Where it stands, as far as events say; expiry is the reader's matter. */
  readonly state: RequestState;
  /** Who approved or revoked. */
  readonly by?: string;
  /** The call that used the approval. */
  readonly call?: string;
  /** Names the one use that counted. */
  readonly use?: string;
}

/** The state of approvals: a pure fold over the ledger. */
export interface ApprovalState {
  /** Requests, oldest first. */
  readonly requests: ReadonlyArray<ApprovalRequest>;
  /** Approvals so far, by kind of approver. */
  readonly counts: { readonly person: number; readonly key: number; readonly policy: number };
  /** Times of the latest approvals by each policy rule, milliseconds since 1970. */
  readonly automatic: { readonly [rule: string]: ReadonlyArray<number> };
}

const HOUR_MS = 3_600_000;

const isClosed = (request: ApprovalRequest, nowMs: number): boolean =>
  request.state === "used" || request.state === "revoked" || nowMs >= request.expiresAt;

const isOpen = (request: ApprovalRequest, nowMs: number): boolean =>
  request.state === "open" && nowMs < request.expiresAt;

/** What tells one call from another for an approval. */
export interface Asked extends Pick<Call, "operation" | "declaration" | "arguments" | "actor"> {
  /** What needs the approval, with the real paths: a link that leads elsewhere meanwhile is another question. */
  readonly authorities: ReadonlyArray<string>;
}

/** Whether a request is for this call: its operation, declaration, arguments, caller, and what it needs. */
export const sameCall = (request: Asked, call: Asked): boolean =>
  request.operation === call.operation && request.declaration === call.declaration &&
  request.arguments === call.arguments && request.actor === call.actor &&
  request.authorities.length === call.authorities.length &&
  request.authorities.every((authority) => call.authorities.includes(authority));

const prune = (requests: ReadonlyArray<ApprovalRequest>, nowMs: number): ReadonlyArray<ApprovalRequest> => {
  const closed = requests.filter((request) => isClosed(request, nowMs)).length;
  let surplus = closed - MAX_CLOSED_REQUESTS;
  return surplus <= 0 ? requests : requests.filter((request) => !(isClosed(request, nowMs) && surplus-- > 0));
};

type Step = (state: ApprovalState, data: JsonObject, nowMs: number) => ApprovalState;

/** Changes one request if it is live and in the state that the change starts from. */
const advance = (
  state: ApprovalState,
  id: unknown,
  nowMs: number,
  from: ReadonlyArray<RequestState>,
  change: Partial<ApprovalRequest>,
): ApprovalState => {
  const index = state.requests.findIndex((request) => request.request === id);
  const found = state.requests[index];
  if (found === undefined || nowMs >= found.expiresAt || !from.includes(found.state)) return state;
  return { ...state, requests: state.requests.with(index, { ...found, ...change }) };
};

const count = (state: ApprovalState, kind: keyof ApprovalState["counts"]): ApprovalState => ({
  ...state,
  counts: { ...state.counts, [kind]: state.counts[kind] + 1 },
});

const STEPS: { readonly [type: string]: Step } = {
  "approval.requested": (state, data, nowMs) => {
    const asked = { ...data, state: "open" } as unknown as ApprovalRequest;
    // Calls that ask at the same time share the first request.
    const waiting = state.requests.some((request) => isOpen(request, nowMs) && sameCall(request, asked));
    return waiting ? state : { ...state, requests: [...prune(state.requests, nowMs), asked] };
  },
  "approval.granted": (state, data, nowMs) => {
    const next = advance(state, data.request, nowMs, ["open"], { state: "approved", by: String(data.by) });
    return next === state ? state : count(next, String(data.by).startsWith("key:") ? "key" : "person");
  },
  "approval.revoked": (state, data, nowMs) =>
    advance(state, data.request, nowMs, ["open", "approved"], { state: "revoked", by: String(data.by) }),
  "approval.used": (state, data, nowMs) =>
    advance(state, data.request, nowMs, ["approved"], {
      state: "used",
      call: String(data.call),
      use: String(data.use),
    }),
  "approval.automatic": (state, data, nowMs) => {
    const rule = String(data.rule);
    const recent = (state.automatic[rule] ?? []).filter((time) => time > nowMs - HOUR_MS);
    return count({ ...state, automatic: { ...state.automatic, [rule]: [...recent, nowMs] } }, "policy");
  },
};

/** The fold of approvals. */
export const approvalFold: Fold<ApprovalState> = {
  name: "approvals",
  // What was used up stays used up: rolling state back never revives a consent.
  history: "all",
  version: 1,
  initial: { requests: [], counts: { person: 0, key: 0, policy: 0 }, automatic: {} },
  step: (state: ApprovalState, event: LedgerEvent): ApprovalState => {
    const step = Object.hasOwn(STEPS, event.type) ? STEPS[event.type] : undefined;
    return step === undefined ? state : step(state, event.data as JsonObject, Date.parse(event.at));
  },
};

/** The state as it is at a moment: requests past their end are expired. */
export const stateAt = (state: ApprovalState, nowMs: number): ApprovalState => ({
  ...state,
  requests: state.requests.map((request) =>
    nowMs >= request.expiresAt && (request.state === "open" || request.state === "approved")
      ? { ...request, state: "expired" }
      : request
  ),
});

/** What a policy rule looks at before it approves by itself. */
export interface AutomaticQuery {
  /** Who asks or proposes. */
  readonly actor: string;
  /** The operation, for a call. */
  readonly operation?: string;
  /** The domain, for a proposal. */
  readonly domain?: string;
  /** The input or the patch. */
  readonly content: Json;
}

/** The first automatic rule that covers a query and has room left in this hour. */
export const automaticRule = (
  rules: ReadonlyArray<AutomaticRule>,
  state: ApprovalState,
  query: AutomaticQuery,
  nowMs: number,
): AutomaticRule | undefined => {
  const names = (pattern: string | undefined, text: string | undefined): boolean =>
    text === undefined ? pattern === undefined : pattern !== undefined && glob(pattern)(text);
  const bytes = new TextEncoder().encode(canonicalJson(query.content)).length;
  return rules.find((rule) =>
    names(rule.operation, query.operation) && names(rule.domain, query.domain) &&
    glob(rule.actor ?? "*")(query.actor) &&
    bytes <= rule.maxBytes &&
    (state.automatic[rule.name] ?? []).filter((time) => time > nowMs - HOUR_MS).length < rule.perHour
  );
};
