/**
 * SQLite store: the ledger's rows in one table of one database, shared by any number of processes.
 *
 * Not the ledger (effects/ledger.ts). Platform code: `node:sqlite` and `node:fs`, synchronous.
 * Invariant: commit and acknowledgement happen under one lock, so whoever holds it and finds rows beyond the
 * acknowledged head knows that their writer died in between. Such rows are adopted, and an event says so.
 *
 * @module
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { canonicalJson, isFailure } from "../../kernel/mod.ts";
import { ledgerClosed, ledgerStore, ledgerTampered } from "../failures.ts";
import { audit, type Fault, GENESIS, type RawHead, type RawRow, sameHash } from "./chain.ts";
import { type FileLock, fileLock, isLocked } from "./file_lock.ts";
import { configure, create, FORMAT, type Format, hasSchema, inspect, migrate, schemaVersion } from "./format.ts";
import { type HeadState, readHead, syncFolder, writeHead } from "./head_file.ts";
import {
  type Anchor,
  type EventStore,
  hashOf,
  type Prepared,
  type Row,
  type Span,
  StoreBusy,
  type Stored,
} from "./store.ts";

/** The database. */
export const LEDGER_FILE = "ledger.sqlite";

/** The acknowledged head. */
export const HEAD_FILE = "ledger.head";

/** The lock. */
export const LOCK_FILE = "ledger.lock";

/** The event that adopts rows whose writer died before acknowledging them. */
export const RECOVERED = "ledger.recovered";

/** Who adopts them. */
export const RECOVERY_ACTOR = "policy:ledger";

/** A store that must be brought into shape before use. */
export interface FileStore extends EventStore {
  /** Migrates what is there; true when done, false when another process holds the lock. */
  readonly prepare: () => Promise<boolean>;
}

/** Most rows that one writer can have left unacknowledged: one transaction's. */
export const MAX_LAG = 8192;

interface Connection {
  readonly database: DatabaseSync;
  readonly schema: number;
  readonly end: StatementSync;
  readonly hashAt: StatementSync;
  readonly insert: StatementSync;
  readonly page: StatementSync;
  readonly pageOfType: StatementSync;
  readonly raw: StatementSync;
}

const PAGE = "SELECT e.seq, e.at, e.type, e.actor, e.call, e.data, e.hash, p.hash AS previous FROM event e " +
  "LEFT JOIN event p ON p.seq = e.seq - 1 WHERE e.seq BETWEEN ? AND ?";

const RAW_FIELDS = [["type", "text"], ["actor", "text"], ["call", "text"], ["data", "text"], ["hash", "blob"]] as const;

const RAW = `SELECT seq, CAST(at AS INTEGER) AS at, typeof(at) AS at_class, ${
  RAW_FIELDS.map(([name]) => `CAST(${name} AS BLOB) AS ${name}, typeof(${name}) AS ${name}_class`).join(", ")
} FROM event WHERE seq >= ? ORDER BY seq LIMIT ?`;

const connected = (database: DatabaseSync): Connection => {
  const raw = database.prepare(RAW);
  const end = database.prepare("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1");
  // A row added by hand may stand at a position that no number holds.
  raw.setReadBigInts(true);
  end.setReadBigInts(true);
  return {
    database,
    schema: schemaVersion(database),
    end,
    hashAt: database.prepare("SELECT hash FROM event WHERE seq = ?"),
    insert: database.prepare("INSERT INTO event (seq, at, type, actor, call, data, hash) VALUES (?, ?, ?, ?, ?, ?, ?)"),
    page: database.prepare(`${PAGE} ORDER BY e.seq LIMIT ?`),
    pageOfType: database.prepare(`${PAGE} AND e.type = ? ORDER BY e.seq LIMIT ?`),
    raw,
  };
};

const endOf = (connection: Connection): RawHead => {
  const row = connection.end.get();
  return row === undefined ? { count: 0, hash: GENESIS } : { count: Number(row.seq), hash: row.hash as Uint8Array };
};

const rowOf = (found: Record<string, unknown>): Row => ({
  seq: Number(found.seq),
  at: Number(found.at),
  type: String(found.type),
  actor: String(found.actor),
  call: found.call === null ? undefined : String(found.call),
  data: String(found.data),
  hash: found.hash as Uint8Array,
  previous: (found.previous ?? GENESIS) as Uint8Array,
});

const EMPTY = new Uint8Array(0);

const rawRowOf = (found: Record<string, unknown>): RawRow => {
  const wrong = [["at", "integer"] as const, ...RAW_FIELDS]
    .filter(([name, kind]) => found[`${name}_class`] !== kind && !(name === "call" && found.call === null))
    .map(([name]) => `field "${name}" is stored as ${found[`${name}_class`]}`);
  return {
    seq: found.seq as bigint,
    at: (found.at ?? 0n) as bigint,
    type: (found.type ?? EMPTY) as Uint8Array,
    actor: (found.actor ?? EMPTY) as Uint8Array,
    call: (found.call ?? undefined) as Uint8Array | undefined,
    data: (found.data ?? EMPTY) as Uint8Array,
    hash: (found.hash ?? EMPTY) as Uint8Array,
    misfits: wrong,
  };
};

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

/** Opens the store of a state folder. Nothing is created before the first append. */
export const sqliteStore = (folder: string, format: Format = FORMAT): FileStore => {
  const file = path.join(folder, LEDGER_FILE);
  const headFile = path.join(folder, HEAD_FILE);
  let lock: FileLock | undefined;
  let open: Connection | undefined;
  let closed = false;

  const usable = (): void => {
    if (closed) throw ledgerClosed({ action: "use" });
  };
  const lockFile = (): FileLock => lock ??= fileLock(path.join(folder, LOCK_FILE));
  const held = <A>(body: () => A): A => {
    usable();
    const gate = lockFile();
    if (!gate.tryHold()) throw new StoreBusy();
    try {
      return body();
    } catch (cause) {
      throw isLocked(cause) && !isFailure(cause) ? new StoreBusy() : cause;
    } finally {
      gate.release();
    }
  };
  // Looks before it configures: the database of another program is left as it is.
  const attach = (): { readonly database: DatabaseSync; readonly state: ReturnType<typeof inspect> } => {
    const database = new DatabaseSync(file, { timeout: 0 });
    try {
      const state = inspect(database, format, file);
      configure(database);
      return { database, state };
    } catch (cause) {
      database.close();
      throw cause;
    }
  };
  // A connection to a database that holds the table; undefined where there is none yet.
  const connection = (): Connection | undefined => {
    usable();
    if (open !== undefined || !fs.existsSync(file)) return open;
    const { database, state } = attach();
    if (state === "current") return open = connected(database);
    database.close();
    if (state === "empty") return undefined;
    throw ledgerStore({ action: "read", cause: "it has an older format; open it again to migrate" });
  };
  const created = (): Connection => {
    const existing = connection();
    if (existing !== undefined) return existing;
    const { database } = attach();
    create(database, format);
    syncFolder(folder);
    return open = connected(database);
  };
  const guardSchema = (here: Connection): void => {
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
  const headState = (here: Connection): HeadState => {
    const state = readHead(headFile);
    if (state.kind === "head" || endOf(here).count > 0) return state;
    writeHead(headFile, { count: 0, hash: GENESIS }, state);
    return readHead(headFile);
  };
  const commit = (
    here: Connection,
    groups: ReadonlyArray<ReadonlyArray<Prepared>>,
    now: number,
  ): ReadonlyArray<Stored> => {
    const state = headState(here);
    here.database.exec("BEGIN IMMEDIATE");
    try {
      guardSchema(here);
      const { end, stored } = insertAll(here, groups, state, now);
      here.database.exec("COMMIT");
      if (state.kind !== "head" || state.head.count < end.count) writeHead(headFile, end, state);
      return stored;
    } catch (cause) {
      rollBack(here);
      throw cause;
    }
  };
  const faultsOutside = (here: Connection | undefined, state: HeadState, count: number): ReadonlyArray<Fault> => {
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
  const anchor = (): Anchor => {
    const here = connection();
    const state = readHead(headFile);
    const count = here === undefined ? 0 : endOf(here).count;
    const faults = faultsOutside(here, state, count);
    if (state.kind === "head") return { acknowledged: state.head, count, faults };
    return { acknowledged: count === 0 ? { count: 0, hash: GENESIS } : undefined, count, faults };
  };
  const exists = (): boolean => fs.existsSync(file) || fs.existsSync(headFile);

  const migrated = async (database: DatabaseSync): Promise<boolean> => {
    const gate = lockFile();
    if (!gate.tryHold()) return false;
    try {
      // Another process may have done it since.
      if (inspect(database, format, file) === "older") await migrate(database, format, file, headFile);
      return true;
    } catch (cause) {
      if (!isFailure(cause) && isLocked(cause)) return false;
      throw cause;
    } finally {
      gate.release();
    }
  };

  return {
    prepare: async () => {
      if (!fs.existsSync(file)) return true;
      const { database, state } = attach();
      try {
        if (state === "older" && !(await migrated(database))) return false;
        if (state !== "empty") open = connected(database);
        return true;
      } finally {
        if (open === undefined) database.close();
      }
    },
    head: () => {
      const here = connection();
      return here === undefined ? { count: 0, hash: GENESIS } : endOf(here);
    },
    rows: (span: Span) => {
      const here = connection();
      if (here === undefined) return [];
      const found = span.type === undefined
        ? here.page.all(span.from, span.to, span.limit)
        : here.pageOfType.all(span.from, span.to, span.type, span.limit);
      return found.map(rowOf);
    },
    append: (groups, now) => {
      fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
      return held(() => commit(created(), groups, now));
    },
    anchor: () => exists() ? held(anchor) : anchor(),
    rawRows: (from, limit) => (connection()?.raw.all(from, limit) ?? []).map(rawRowOf),
    checkpoint: () => {
      connection()?.database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    },
    close: () => {
      closed = true;
      open?.database.close();
      open = undefined;
      lock?.close();
      lock = undefined;
    },
  };
};
