/**
 * Chain: what the hash of an event covers, and the audit that locates where a stored chain stops holding.
 *
 * Not storage (effects/ledger/sqlite.ts, effects/ledger/memory.ts) and not a signature: whoever can rewrite every row and the
 * head file together leaves no trace here.
 * Invariant: hash(n) = SHA-256(tag ‖ hash(n−1) ‖ seq ‖ at ‖ framed bytes of every other stored field), so a change of
 * any stored bit, of order or of presence breaks the chain at the first row it touches.
 *
 * @module
 */
import { hashBytes } from "../../kernel/mod.ts";

/** Bytes in a hash of the chain. */
export const HASH_BYTES = 32;

/** What the first event's hash stands on. */
export const GENESIS: Uint8Array = new Uint8Array(HASH_BYTES);

/** Most faults an audit lists; it goes on counting. */
export const MAX_FAULTS = 100;

/** One row as the hash sees it: texts are bytes, so that malformed UTF-8 cannot hide. */
export interface RawRow {
  /** Position, from 1. */
  readonly seq: bigint;
  /** Milliseconds since 1970. */
  readonly at: bigint;
  /** Event type. */
  readonly type: Uint8Array;
  /** Who caused it. */
  readonly actor: Uint8Array;
  /** The call it belongs to, if any. */
  readonly call: Uint8Array | undefined;
  /** Canonical JSON. */
  readonly data: Uint8Array;
  /** The stored hash. */
  readonly hash: Uint8Array;
  /** Storage classes that are not those of the format, as `field is class`; empty for a sound row. */
  readonly misfits: ReadonlyArray<string>;
}

const TAG = new TextEncoder().encode("rmi-ledger/1\n");
const ABSENT = 0xffffffff;
const FIXED_BYTES = TAG.length + HASH_BYTES + 16 + 4 * 4;

/** The hash of one event, given the hash before it. */
export const chainHash = (
  previous: Uint8Array,
  row: Pick<RawRow, "seq" | "at" | "type" | "actor" | "call" | "data">,
): Uint8Array => {
  const fields = [row.type, row.actor, row.call, row.data];
  const frame = new Uint8Array(fields.reduce((sum, field) => sum + (field?.length ?? 0), FIXED_BYTES));
  const view = new DataView(frame.buffer);
  frame.set(TAG, 0);
  frame.set(previous, TAG.length);
  let offset = TAG.length + HASH_BYTES;
  view.setBigInt64(offset, row.seq);
  view.setBigInt64(offset + 8, row.at);
  offset += 16;
  for (const field of fields) {
    view.setUint32(offset, field === undefined ? ABSENT : field.length);
    offset += 4;
    if (field !== undefined) {
      frame.set(field, offset);
      offset += field.length;
    }
  }
  return hashBytes(frame);
};

/** Whether two hashes are the same bytes. */
export const sameHash = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index]);

/** Where the chain stood: how many events, and the hash of the last. */
export interface RawHead {
  /** Events in the chain. */
  readonly count: number;
  /** Hash of the last event, {@link GENESIS} for none. */
  readonly hash: Uint8Array;
}

/** What an audit can find. */
export const FAULT_KINDS = [
  "altered",
  "missing",
  "unexpected",
  "truncated",
  "rewritten",
  "unacknowledged",
  "head",
  "schema",
  "unreadable",
] as const;

/** One kind of fault. */
export type FaultKind = typeof FAULT_KINDS[number];

/** One fault, located. */
export interface Fault {
  /** What is wrong. */
  readonly kind: FaultKind;
  /** The first position concerned; 0 where the fault lies outside the rows. */
  readonly seq: number;
  /** In words. */
  readonly detail: string;
}

/** Checks rows in order of position and collects where the chain does not hold. */
export interface Audit {
  /** Takes the next row. */
  readonly take: (row: RawRow) => void;
  /** Adds a fault found elsewhere. */
  readonly report: (fault: Fault) => void;
  /** Compares the end with the acknowledged head and answers. */
  readonly finish: () => AuditResult;
}

/** What an audit found. */
export interface AuditResult {
  /** Rows seen. */
  readonly events: number;
  /** The last position and its stored hash. */
  readonly head: RawHead;
  /** Faults in all, listed or not. */
  readonly found: number;
  /** The first faults, by position. */
  readonly faults: ReadonlyArray<Fault>;
}

const positionFault = (seq: bigint, last: bigint): Fault | undefined => {
  if (seq < 1n) return { kind: "unexpected", seq: Number(seq), detail: "a row stands before the first position" };
  const gap = seq - last - 1n;
  if (gap === 0n) return undefined;
  return {
    kind: "missing",
    seq: Number(last + 1n),
    detail: gap === 1n ? "an event is missing" : `${gap} events are missing`,
  };
};

const headFaults = (acknowledged: RawHead, count: number, hashThere: Uint8Array | undefined): ReadonlyArray<Fault> => {
  if (count < acknowledged.count) {
    const detail = `the chain ends at ${count}, ${acknowledged.count} events were acknowledged`;
    return [{ kind: "truncated", seq: count + 1, detail }];
  }
  const faults: Fault[] = [];
  if (hashThere !== undefined && !sameHash(hashThere, acknowledged.hash)) {
    const detail = "the chain up to here is not the acknowledged one";
    faults.push({ kind: "rewritten", seq: acknowledged.count, detail });
  }
  if (count > acknowledged.count) {
    const detail = `${
      count - acknowledged.count
    } events were never acknowledged: a writer was cut off, or they were added`;
    faults.push({ kind: "unacknowledged", seq: acknowledged.count + 1, detail });
  }
  return faults;
};

/** Starts an audit behind a head (the beginning, unless given), against the acknowledged head where that can be read. */
export const audit = (acknowledged: RawHead | undefined, start: RawHead = { count: 0, hash: GENESIS }): Audit => {
  const faults: Fault[] = [];
  let found = 0;
  let events = 0;
  let last = BigInt(start.count);
  let lastHash = start.hash;
  let hashThere = acknowledged?.count === start.count ? start.hash : undefined;
  // The hashes the next row may stand on: stored and recomputed. None after a gap, where nothing can be said.
  let grounds: ReadonlyArray<Uint8Array> = [start.hash];
  // A row that does not hash to what it stores waits for the next, which tells a changed hash from changed content.
  let doubtful: number | undefined;

  const report = (fault: Fault): void => {
    found++;
    if (faults.length < MAX_FAULTS) faults.push(fault);
  };
  const settleDoubt = (nextStandsOnComputed: boolean): void => {
    if (doubtful === undefined) return;
    const detail = nextStandsOnComputed
      ? "the stored hash was changed"
      : "a field was changed, or the row was exchanged";
    report({ kind: "altered", seq: doubtful, detail });
    doubtful = undefined;
  };
  const take = (row: RawRow): void => {
    events++;
    const seq = Number(row.seq);
    const misplaced = positionFault(row.seq, last);
    if (misplaced !== undefined) {
      settleDoubt(false);
      report(misplaced);
      if (misplaced.kind === "unexpected") return;
      grounds = [];
    }
    for (const misfit of row.misfits) report({ kind: "altered", seq, detail: misfit });
    const computed = grounds.map((ground) => chainHash(ground, row));
    const index = computed.findIndex((hash) => sameHash(hash, row.hash));
    settleDoubt(index === 1);
    const doubted = grounds.length > 0 && index < 0;
    if (doubted) doubtful = seq;
    grounds = doubted ? [row.hash, computed[0]] : [row.hash];
    last = row.seq;
    lastHash = row.hash;
    if (seq === acknowledged?.count) hashThere = row.hash;
  };
  const finish = (): AuditResult => {
    settleDoubt(false);
    const count = Number(last);
    if (acknowledged !== undefined) headFaults(acknowledged, count, hashThere).forEach(report);
    return { events, head: { count, hash: lastHash }, found, faults: faults.sort((a, b) => a.seq - b.seq) };
  };
  return { take, report, finish };
};
