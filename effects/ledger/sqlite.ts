/**
 * SQLite store: the ledger's rows in one table of one database, shared by any number of processes.
 *
 * Not the ledger (effects/ledger.ts). Platform code: `node:sqlite` and `node:fs`, synchronous.
 * Invariant: commit and acknowledgement happen under one lock, so whoever holds it and finds rows beyond the
 * acknowledged head knows that their writer died in between.
 *
 * @module
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { isFailure } from "../../kernel/mod.ts";
import { ledgerClosed, ledgerStore } from "../failures.ts";
import { GENESIS } from "./chain.ts";
import { commit, faultsOutside } from "./commit.ts";
import { connected, type Connection, endOf, rawRowOf, rowOf } from "./connection.ts";
import { type FileLock, fileLock, isLocked } from "./file_lock.ts";
import { configure, create, FORMAT, type Format, inspect, migrate } from "./format.ts";
import { readHead, syncFolder } from "./head_file.ts";
import { type Anchor, type EventStore, type Span, StoreBusy } from "./store.ts";

/** The database. */
export const LEDGER_FILE = "ledger.sqlite";

/** The acknowledged head. */
export const HEAD_FILE = "ledger.head";

/** The lock. */
export const LOCK_FILE = "ledger.lock";

/** A store that must be brought into shape before use. */
export interface FileStore extends EventStore {
  /** Migrates what is there; true when done, false when another process holds the lock. */
  readonly prepare: () => Promise<boolean>;
}

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
      if (state !== "empty") configure(database);
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
    configure(database);
    create(database, format);
    syncFolder(folder);
    return open = connected(database);
  };
  const anchor = (): Anchor => {
    const here = connection();
    const state = readHead(headFile);
    const count = here === undefined ? 0 : endOf(here).count;
    const faults = faultsOutside(here, format, state, count);
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
    } finally {
      gate.release();
    }
  };

  return {
    prepare: async () => {
      if (!fs.existsSync(file)) return true;
      let database: DatabaseSync | undefined;
      try {
        const attached = attach();
        database = attached.database;
        if (attached.state === "older" && !(await migrated(database))) return false;
        if (attached.state !== "empty") open = connected(database);
        return true;
      } catch (cause) {
        if (!isFailure(cause) && isLocked(cause)) return false;
        throw cause;
      } finally {
        if (open === undefined) database?.close();
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
      return held(() => commit(created(), { headFile, format }, groups, now));
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
