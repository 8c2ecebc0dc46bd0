/**
 * Commit: one append, from the check against the acknowledged head to the new acknowledgement.
 *
 * Not the lock: whoever calls holds it. Platform code: `node:sqlite` and `node:fs`, synchronous.
 * Invariant: nothing is added to a chain that does not contain the acknowledged head; rows beyond that head that
 * continue the chain were left by a writer that died, and are adopted with an event that says so.
 *
 * @module
 */
import { canonicalJson } from "../../kernel/mod.ts";
import { ledgerTampered } from "../failures.ts";
import { audit, type Fault, GENESIS, type RawHead, type RawRow, sameHash } from "./chain.ts";
import { type Connection, endOf, rawRowOf } from "./connection.ts";
import { type Format, hasSchema, schemaVersion } from "./format.ts";
import { type HeadState, readHead, writeHead } from "./head_file.ts";
import { hashOf, type Prepared, type Stored } from "./store.ts";

/** The event that adopts rows whose writer died before acknowledging them. */
export const RECOVERED = "ledger.recovered";

/** Who adopts them. */
export const RECOVERY_ACTOR = "policy:ledger";

/** Most rows that one writer can have left unacknowledged: one transaction's. */
export const MAX_LAG = 8192;

const tampered = (problem: string): Error => ledgerTampered({ action: "append to", problem });

/** Whether rows continue a chain from one head to another. */
const holds = (rows: ReadonlyArray<RawRow>, from: RawHead, to: RawHead): boolean => {
  const check = audit(to, from);
  rows.forEach(check.take);
  return check.finish().found === 0;
};

/** How many rows lie beyond the acknowledged head; throws when the chain does not contain that head. */
const unacknowledged = (connection: Connection, end: RawHead, state: HeadState): number => {
  if (state.kind !== "head") {
    if (end.count === 0) return 0;
    throw tampered(`its head file is ${state.kind === "absent" ? "missing" : "unreadable"}`);
  }
  const { count, hash } = state.head;
  if (end.count < count) throw tampered(`it ends at event ${end.count}, and ${count} were acknowledged`);
  const there = count === 0 ? GENESIS : connection.hashAt.get(count)?.hash as Uint8Array | undefined;
  if (there === undefined || !sameHash(there, hash)) throw tampered(`event ${count} is not the one acknowledged`);
  const lag = end.count - count;
  if (lag > MAX_LAG || !holds(connection.raw.all(count + 1, lag).map(rawRowOf), state.head, end)) {
    throw tampered(`what follows event ${count}, the last one acknowledged, does not continue the chain`);
  }
  return lag;
};

const recovery = (end: RawHead, lag: number, now: number): Prepared => ({
  at: now,
  type: RECOVERED,
  actor: RECOVERY_ACTOR,
  call: undefined,
  data: canonicalJson({ from: end.count - lag + 1, to: end.count }),
});

const guardSchema = (here: Connection, format: Format): void => {
  if (schemaVersion(here.database) === here.schema && hasSchema(here.database, format)) return;
  throw tampered("its table definition was changed");
};

const insert = (here: Connection, end: RawHead, events: ReadonlyArray<Prepared>): Stored => {
  let { count, hash } = end;
  for (const event of events) {
    count++;
    hash = hashOf(hash, count, event);
    here.insert.run(count, event.at, event.type, event.actor, event.call ?? null, event.data, hash);
  }
  return { first: end.count + 1, last: count, head: { count, hash } };
};

const insertAll = (
  here: Connection,
  groups: ReadonlyArray<ReadonlyArray<Prepared>>,
  state: HeadState,
  now: number,
): { readonly end: RawHead; readonly stored: ReadonlyArray<Stored> } => {
  let end = endOf(here);
  const lag = unacknowledged(here, end, state);
  if (lag > 0) end = insert(here, end, [recovery(end, lag, now)]).head;
  const stored = groups.map((events) => {
    const one = insert(here, end, events);
    end = one.head;
    return one;
  });
  return { end, stored };
};

const rollBack = (here: Connection): void => {
  try {
    here.database.exec("ROLLBACK");
  } catch {
    // SQLite rolls back by itself after some errors; what led here is the error to report.
  }
};

// The head file exists before the first row does, so that a chain without one is never innocent.
const headState = (here: Connection, headFile: string): HeadState => {
  const state = readHead(headFile);
  if (state.kind === "head" || endOf(here).count > 0) return state;
  writeHead(headFile, { count: 0, hash: GENESIS }, state);
  return readHead(headFile);
};

/** Appends groups in one transaction and acknowledges them. The caller holds the ledger's lock. */
export const commit = (
  here: Connection,
  place: { readonly headFile: string; readonly format: Format },
  groups: ReadonlyArray<ReadonlyArray<Prepared>>,
  now: number,
): ReadonlyArray<Stored> => {
  const state = headState(here, place.headFile);
  here.database.exec("BEGIN IMMEDIATE");
  try {
    guardSchema(here, place.format);
    const { end, stored } = insertAll(here, groups, state, now);
    here.database.exec("COMMIT");
    if (state.kind !== "head" || state.head.count < end.count) writeHead(place.headFile, end, state);
    return stored;
  } catch (cause) {
    rollBack(here);
    throw cause;
  }
};

/** Faults of the head file and of the table definition. */
export const faultsOutside = (
  here: Connection | undefined,
  format: Format,
  state: HeadState,
  count: number,
): ReadonlyArray<Fault> => {
  const faults: Fault[] = [];
  if (state.kind !== "head" && count > 0) {
    faults.push({
      kind: "head",
      seq: 0,
      detail: `the head file is ${state.kind === "absent" ? "missing" : "unreadable"}`,
    });
  }
  if (here !== undefined && !hasSchema(here.database, format)) {
    faults.push({ kind: "schema", seq: 0, detail: "the table definition is not the format's" });
  }
  return faults;
};
