/**
 * Event store: the synchronous port between the ledger and where its rows lie.
 *
 * Not the ledger: no redaction, no batching, no folds, no retries.
 * Invariant: `append` returns only when its rows are durable and the acknowledged head covers them.
 *
 * @module
 */
import { chainHash, type Fault, type RawHead, type RawRow } from "./chain.ts";

/** An event ready to be stored: validated, redacted, canonical. */
export interface Prepared {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Event type. */
  readonly type: string;
  /** Who caused it. */
  readonly actor: string;
  /** The call it belongs to, if any. */
  readonly call: string | undefined;
  /** Canonical JSON. */
  readonly data: string;
}

/** A stored event with the hash before it. */
export interface Row extends Prepared {
  /** Position, from 1. */
  readonly seq: number;
  /** Its hash. */
  readonly hash: Uint8Array;
  /** The hash before it. */
  readonly previous: Uint8Array;
}

/** Where appended events lie. */
export interface Stored {
  /** Position of the first. */
  readonly first: number;
  /** Position of the last. */
  readonly last: number;
  /** The chain's end behind the last. */
  readonly head: RawHead;
}

/** Which rows to read, inclusive. */
export interface Span {
  /** First position. */
  readonly from: number;
  /** Last position. */
  readonly to: number;
  /** Most rows. */
  readonly limit: number;
  /** Only this type. */
  readonly type?: string;
}

/** What an audit needs besides the rows, read in one moment in which no writer is between commit and acknowledgement. */
export interface Anchor {
  /** The acknowledged head; `undefined` when it cannot be read. */
  readonly acknowledged: RawHead | undefined;
  /** The last position now; later rows are not this audit's. */
  readonly count: number;
  /** Faults outside the rows: head file, table definition. */
  readonly faults: ReadonlyArray<Fault>;
}

/** Where rows lie. Methods throw `Failure`, {@link StoreBusy}, or an error of the platform. */
export interface EventStore {
  /** The chain's end. */
  readonly head: () => RawHead;
  /** Rows in order of position. */
  readonly rows: (span: Span) => ReadonlyArray<Row>;
  /** Appends groups in one transaction, durably, acknowledges, and answers where each group lies. */
  readonly append: (groups: ReadonlyArray<ReadonlyArray<Prepared>>, now: number) => ReadonlyArray<Stored>;
  /** What an audit compares the rows with. */
  readonly anchor: () => Anchor;
  /** Rows as they are, from a position on, in order; for audits. */
  readonly rawRows: (from: bigint, limit: number) => ReadonlyArray<RawRow>;
  /** Moves everything into the main file and empties the write-ahead log. */
  readonly checkpoint: () => void;
  /** Releases every handle. */
  readonly close: () => void;
}

/** Raised when another process holds the lock; the same step may be tried again at once, nothing happened. */
export class StoreBusy extends Error {
  /** Builds the signal. */
  constructor() {
    super("another process holds the ledger's lock");
    this.name = "StoreBusy";
  }
}

/** The lowest position a row could have, for {@link EventStore.rawRows}. */
export const LOWEST: bigint = -(2n ** 63n);

/** The highest position a row could have. */
export const HIGHEST: bigint = 2n ** 63n - 1n;

const encoder = new TextEncoder();

/** An event at a position, as its hash sees it. */
export const fieldsOf = (
  event: Prepared,
  seq: number,
): Pick<RawRow, "seq" | "at" | "type" | "actor" | "call" | "data"> => ({
  seq: BigInt(seq),
  at: BigInt(event.at),
  type: encoder.encode(event.type),
  actor: encoder.encode(event.actor),
  call: event.call === undefined ? undefined : encoder.encode(event.call),
  data: encoder.encode(event.data),
});

/** The hash of an event at a position. */
export const hashOf = (previous: Uint8Array, seq: number, event: Prepared): Uint8Array =>
  chainHash(previous, fieldsOf(event, seq));
