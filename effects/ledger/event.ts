/**
 * Event: what a caller appends, what it reads back, and the one place where free text is redacted before it is stored.
 *
 * Not storage and not a fold.
 * Invariant: nothing reaches a store that was not redacted, canonical and within the limits here.
 *
 * @module
 */
import * as DateTime from "effect/DateTime";
import { canonicalJson, type Digest, digestOfHash, type FailureOf, type Json, NotCanonical } from "../../kernel/mod.ts";
import { ledgerLimit, ledgerTampered, malformedEvent } from "../failures.ts";
import { sameHash } from "./chain.ts";
import { hashOf, type Prepared, type Row } from "./store.ts";

/** Most bytes of one event's canonical data; larger payloads are blobs. */
export const MAX_EVENT_BYTES = 65_536;

/** Most events of one append. */
export const MAX_APPEND_EVENTS = 1_000;

/** Longest name of a type or an actor. */
export const MAX_NAME_LENGTH = 120;

/** Types that begin like this are the ledger's own. */
export const OWN_PREFIX = "ledger.";

/** An event to append. */
export interface EventDraft {
  /** What happened: dotted lower-case words, `policy.changed`. */
  readonly type: string;
  /** Who caused it. */
  readonly actor: string;
  /** What is known of it; stored redacted. */
  readonly data: Json;
  /** The call it belongs to. */
  readonly call?: string;
}

/** A stored event. */
export interface LedgerEvent {
  /** Position, from 1. */
  readonly seq: number;
  /** When it was appended, ISO 8601. */
  readonly at: string;
  /** What happened. */
  readonly type: string;
  /** Who caused it. */
  readonly actor: string;
  /** What is known of it. */
  readonly data: Json;
  /** The call it belongs to. */
  readonly call?: string;
  /** Its hash. */
  readonly hash: Digest;
  /** The hash before it. */
  readonly previous: Digest;
}

/** Removes secrets from a JSON value. */
export type Redact = (value: Json) => Json;

type EventFailure = FailureOf<"EFFECTS_LEDGER_EVENT"> | FailureOf<"EFFECTS_LEDGER_LIMIT">;

const TYPE = /^[a-z][A-Za-z0-9-]*(?:\.[a-z][A-Za-z0-9-]*)+$/u;
const CALL = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,79}$/u;
const encoder = new TextEncoder();

const refuse = (path: string, problem: string, expected: string, actual: Json): EventFailure =>
  malformedEvent({ problem, path, expected, actual: typeof actual === "string" ? actual.slice(0, 200) : actual });

const nameFault = (draft: EventDraft, path: string): EventFailure | undefined => {
  const { type, actor, call } = draft;
  if (typeof type !== "string" || type.length > MAX_NAME_LENGTH || !TYPE.test(type)) {
    return refuse(`${path}/type`, "its type is malformed", "dotted words like policy.changed", String(type));
  }
  if (typeof actor !== "string" || actor.length === 0 || actor.length > MAX_NAME_LENGTH || !actor.isWellFormed()) {
    return refuse(`${path}/actor`, "its actor is malformed", `1 to ${MAX_NAME_LENGTH} characters`, String(actor));
  }
  if (call !== undefined && !CALL.test(call)) {
    return refuse(`${path}/call`, "its call is malformed", "a call's id", String(call));
  }
  return undefined;
};

const canonical = (value: Json, path: string): string | EventFailure => {
  try {
    return canonicalJson(value);
  } catch (cause) {
    if (!(cause instanceof NotCanonical)) throw cause;
    return refuse(`${path}/data${cause.path}`, cause.message, "canonical JSON", null);
  }
};

/** Checks one draft, redacts it and writes it canonically; answers the failure instead of raising it. */
export const prepareEvent = (draft: EventDraft, at: number, redact: Redact, path: string): Prepared | EventFailure => {
  const fault = nameFault(draft, path);
  if (fault !== undefined) return fault;
  // Before redaction too: a redactor walks values as deep as they are, canonical JSON has a depth limit.
  const given = canonical(draft.data, path);
  if (typeof given !== "string") return given;
  const data = canonical(redact(draft.data), path);
  if (typeof data !== "string") return data;
  const bytes = encoder.encode(data).length;
  if (bytes > MAX_EVENT_BYTES) {
    return ledgerLimit({
      what: "an event",
      amount: bytes,
      limit: MAX_EVENT_BYTES,
      unit: "bytes",
      path: `${path}/data`,
    });
  }
  const actor = String(redact(draft.actor)).slice(0, MAX_NAME_LENGTH);
  return { at, type: draft.type, actor, call: draft.call, data };
};

/** Reads a row back, checking that it hashes to what it stores; answers the failure instead of raising it. */
export const readEvent = (row: Row): LedgerEvent | FailureOf<"EFFECTS_LEDGER_TAMPERED"> => {
  const { seq, at, type, actor, call } = row;
  if (!sameHash(hashOf(row.previous, seq, row), row.hash)) {
    return ledgerTampered({ action: "read", problem: `event ${seq} does not continue the chain`, actual: seq });
  }
  return {
    seq,
    at: DateTime.formatIso(DateTime.makeUnsafe(at)),
    type,
    actor,
    data: JSON.parse(row.data) as Json,
    ...(call === undefined ? {} : { call }),
    hash: digestOfHash(row.hash),
    previous: digestOfHash(row.previous),
  };
};
