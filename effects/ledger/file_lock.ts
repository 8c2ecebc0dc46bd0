/**
 * File lock: mutual exclusion among processes that ends with its holder, however that ends.
 *
 * Not for data: the file stays empty. Platform code: SQLite's own locking through `node:sqlite`, the one portable
 * advisory lock that Deno and Node both offer.
 * Invariant: at most one holder of a path at a time, in all processes; a killed holder holds nothing.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";

/** A lock on a path. */
export interface FileLock {
  /** Takes the lock if it is free. */
  readonly tryHold: () => boolean;
  /** Gives it back. */
  readonly release: () => void;
  /** Gives it back and closes the file. */
  readonly close: () => void;
}

/** Whether an error of the database says that another connection holds a lock. */
export const isLocked = (cause: unknown): boolean =>
  cause instanceof Error && /\b(?:locked|busy)\b/u.test(cause.message) && !/authorized/u.test(cause.message);

/** Opens the lock on a path, creating the empty file. */
export const fileLock = (file: string): FileLock => {
  const database = new DatabaseSync(file, { timeout: 0 });
  let held = false;
  let prepared = false;
  const release = (): void => {
    if (held) database.exec("ROLLBACK");
    held = false;
  };
  return {
    tryHold: () => {
      try {
        // A journal in memory leaves no second file behind when the holder is killed.
        if (!prepared) database.exec("PRAGMA journal_mode = MEMORY");
        prepared = true;
        database.exec("BEGIN IMMEDIATE");
        held = true;
        return true;
      } catch (cause) {
        if (isLocked(cause)) return false;
        throw cause;
      }
    },
    release,
    close: () => {
      release();
      database.close();
    },
  };
};
