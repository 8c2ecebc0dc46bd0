/**
 * Memory index: the file that memory is found by: rows, words and vectors of every scope, in SQLite.
 *
 * Not a store of record: it is derived from the ledger, and whoever deletes it loses nothing. Platform code: `node:sqlite`
 * and `node:fs`, synchronous.
 * Invariant: what was taken out is overwritten, in the file and in its log, before the transaction that took it out is
 * answered; a file of another format is thrown away.
 *
 * @module
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";

/** Raised whenever tables or what stands in them change. */
const FORMAT = 1;

/** How long one waits for another process, milliseconds; whoever tries again waits again. */
const BUSY_MS = 250;

const TABLES = `
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE scope (
  number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
  slots INTEGER NOT NULL DEFAULT 0, size INTEGER NOT NULL DEFAULT 0, words INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE item (
  id TEXT PRIMARY KEY, scope INTEGER NOT NULL, slot INTEGER, item TEXT NOT NULL, digest TEXT NOT NULL, subject TEXT,
  text TEXT
);
CREATE UNIQUE INDEX item_slot ON item (scope, slot) WHERE slot IS NOT NULL;
CREATE INDEX item_subject ON item (scope, subject) WHERE subject IS NOT NULL;
CREATE INDEX item_digest ON item (digest);
CREATE TABLE posting (
  scope INTEGER NOT NULL, term TEXT NOT NULL, part INTEGER NOT NULL, entries BLOB NOT NULL,
  PRIMARY KEY (scope, term, part)
) WITHOUT ROWID;
CREATE TABLE part (scope INTEGER NOT NULL, part INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (scope, part));
PRAGMA user_version = ${FORMAT};
`;

/** Tables and indexes of a whole file. */
const MADE = TABLES.split("CREATE ").length - 1;

/** A row of an item. */
export interface ItemRow {
  /** Its id. */
  readonly id: string;
  /** Its place in the lexicon of its scope; absent for what is not to be found. */
  readonly slot?: number;
  /** The item as JSON. */
  readonly item: string;
  /** Digest of its text. */
  readonly digest: string;
  /** What it can be looked up by as the statement of a subject. */
  readonly subject?: string;
  /** Its text; absent for what is not to be found. */
  readonly text?: string;
}

/** Numbers of a scope. */
export interface Totals {
  /** Slots ever given. */
  readonly slots: number;
  /** Texts. */
  readonly size: number;
  /** Words of all texts. */
  readonly words: number;
}

/** The rows, words and vectors of one scope. */
export interface ScopeRows {
  /** Its numbers. */
  readonly totals: () => Totals;
  /** Changes its numbers. */
  readonly setTotals: (totals: Totals) => void;
  /** The item of an id, of this scope only. */
  readonly item: (id: string) => ItemRow | undefined;
  /** The item of a slot. */
  readonly at: (slot: number) => ItemRow | undefined;
  /** Every item that has a slot, in their order. */
  readonly all: () => ReadonlyArray<ItemRow>;
  /** Items with a slot by what they are looked up by, in the order of slots. */
  readonly about: (subject: string) => ReadonlyArray<ItemRow>;
  /** Writes an item. */
  readonly putItem: (row: ItemRow) => void;
  /** Removes an item. */
  readonly dropItem: (id: string) => void;
  /** Where a word stands, part by part. */
  readonly postings: (term: string) => ReadonlyArray<readonly [part: number, entries: Uint8Array]>;
  /** Writes where a word stands in a part; removes it where there is nothing. */
  readonly setPosting: (term: string, part: number, entries: Uint8Array | undefined) => void;
  /** Vectors and lengths, part by part. */
  readonly parts: () => ReadonlyArray<readonly [part: number, bytes: Uint8Array]>;
  /** Writes a part. */
  readonly setPart: (part: number, bytes: Uint8Array) => void;
}

/** The index of all scopes. */
export interface MemoryRows {
  /** A noted fact about the index. */
  readonly note: (name: string) => string | undefined;
  /** Notes a fact. */
  readonly setNote: (name: string, value: string) => void;
  /** The scope of a name, made where it is not there. */
  readonly scope: (name: string) => ScopeRows;
  /** The item of an id, whatever its scope. */
  readonly item: (id: string) => ItemRow | undefined;
  /** The items that share a text. */
  readonly sharing: (digest: string) => ReadonlyArray<ItemRow>;
  /** Every text that is there, by its digest. */
  readonly texts: () => ReadonlyMap<string, string>;
  /** Items and slots of all scopes. */
  readonly sizes: () => { readonly size: number; readonly slots: number };
  /** Whether others changed the file since this was last asked. */
  readonly changedByOthers: () => boolean;
  /** Does everything or nothing, with nobody in between. */
  readonly within: <A>(body: () => A) => A;
  /** Takes everything out. */
  readonly empty: () => void;
  /** Leaves nothing of what was taken out in the log. */
  readonly scrub: () => void;
  /** Releases the file. */
  readonly close: () => void;
}

type Cells = Record<string, unknown>;

const rowOf = (cells: Cells | undefined): ItemRow | undefined =>
  cells === undefined ? undefined : {
    id: cells.id as string,
    item: cells.item as string,
    digest: cells.digest as string,
    ...(cells.slot === null ? {} : { slot: cells.slot as number }),
    ...(cells.subject === null ? {} : { subject: cells.subject as string }),
    ...(cells.text === null ? {} : { text: cells.text as string }),
  };

const ITEM = "SELECT id, slot, item, digest, subject, text FROM item";

const scopeRows = (prepare: (sql: string) => StatementSync, number: number): ScopeRows => {
  const one = (sql: string, ...values: ReadonlyArray<string | number>): ItemRow | undefined =>
    rowOf(prepare(sql).get(...values) as Cells | undefined);
  const many = (sql: string, ...values: ReadonlyArray<string | number>): ReadonlyArray<ItemRow> =>
    prepare(sql).all(...values).map((cells) => rowOf(cells)!);
  const bytesOf = (cells: Cells, name: string) => [cells.part as number, cells[name] as Uint8Array] as const;
  return {
    totals: () =>
      ({ ...prepare("SELECT slots, size, words FROM scope WHERE number = ?").get(number) }) as unknown as Totals,
    setTotals: ({ slots, size, words }) =>
      void prepare("UPDATE scope SET slots = ?, size = ?, words = ? WHERE number = ?").run(slots, size, words, number),
    item: (id) => one(`${ITEM} WHERE id = ? AND scope = ?`, id, number),
    at: (slot) => one(`${ITEM} WHERE scope = ? AND slot = ?`, number, slot),
    all: () => many(`${ITEM} WHERE scope = ? AND slot IS NOT NULL ORDER BY slot`, number),
    about: (subject) =>
      many(`${ITEM} WHERE scope = ? AND subject = ? AND slot IS NOT NULL ORDER BY slot`, number, subject),
    putItem: ({ id, slot, item, digest, subject, text }) =>
      void prepare(
        "INSERT INTO item (id, scope, slot, item, digest, subject, text) VALUES (?, ?, ?, ?, ?, ?, ?) " +
          "ON CONFLICT (id) DO UPDATE SET slot = excluded.slot, item = excluded.item, digest = excluded.digest, " +
          "subject = excluded.subject, text = excluded.text",
      ).run(id, number, slot ?? null, item, digest, subject ?? null, text ?? null),
    dropItem: (id) => void prepare("DELETE FROM item WHERE id = ? AND scope = ?").run(id, number),
    postings: (term) =>
      prepare("SELECT part, entries FROM posting WHERE scope = ? AND term = ?").all(number, term)
        .map((cells) => bytesOf(cells, "entries")),
    setPosting: (term, part, entries) =>
      void (entries === undefined
        ? prepare("DELETE FROM posting WHERE scope = ? AND term = ? AND part = ?").run(number, term, part)
        : prepare("INSERT OR REPLACE INTO posting (scope, term, part, entries) VALUES (?, ?, ?, ?)")
          .run(number, term, part, entries)),
    parts: () =>
      prepare("SELECT part, bytes FROM part WHERE scope = ? ORDER BY part").all(number)
        .map((cells) => bytesOf(cells, "bytes")),
    setPart: (part, bytes) =>
      void prepare("INSERT OR REPLACE INTO part (scope, part, bytes) VALUES (?, ?, ?)").run(number, part, bytes),
  };
};

/** Whether others kept a file to themselves for longer than one waits: nothing is wrong with it. */
export const isBusy = (cause: unknown): boolean => cause instanceof Error && /\b(?:locked|busy)\b/u.test(cause.message);

/** Opens a database of this format, sound in its structure; throws for any other. */
const opened = (file: string): DatabaseSync => {
  const database = new DatabaseSync(file, { timeout: BUSY_MS });
  try {
    database.exec("PRAGMA secure_delete = ON; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
    const isEmpty = () => database.prepare("SELECT name FROM sqlite_schema LIMIT 1").get() === undefined;
    if (isEmpty()) {
      database.exec("BEGIN IMMEDIATE");
      // Another process may have made them since.
      if (isEmpty()) database.exec(TABLES);
      database.exec("COMMIT");
    }
    const format = database.prepare("PRAGMA user_version").get()?.user_version;
    const sound = database.prepare("PRAGMA quick_check(1)").get()?.quick_check;
    const tables = database.prepare("SELECT count(*) AS made FROM sqlite_schema WHERE sql IS NOT NULL").get()?.made;
    if (format !== FORMAT || sound !== "ok" || tables !== MADE) throw new Error("this is no index of memory");
    return database;
  } catch (cause) {
    database.close();
    throw cause;
  }
};

const SIDES = ["", "-wal", "-shm", "-journal"];

/** Throws the file of an index away, with what SQLite keeps beside it. */
export const discardMemoryRows = (file: string): void =>
  SIDES.forEach((side) => fs.rmSync(`${file}${side}`, { force: true }));

/** An index in memory alone. */
const MEMORY = ":memory:";

const openedAnew = (file: string): DatabaseSync => {
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    try {
      return opened(file);
    } catch (cause) {
      if (isBusy(cause)) throw cause;
      discardMemoryRows(file);
      return opened(file);
    }
  } catch (cause) {
    if (isBusy(cause)) throw cause;
    // A folder that cannot be written costs time, never a result.
    return opened(MEMORY);
  }
};

/**
 * The index of a file, or of memory alone where none is named. One that is damaged or of another format begins anew; one
 * that cannot be written lives in memory. Throws where others keep the file to themselves.
 */
export const memoryRows = (file?: string): MemoryRows => {
  const database = file === undefined ? opened(MEMORY) : openedAnew(file);
  const statements = new Map<string, StatementSync>();
  const prepare = (sql: string): StatementSync => {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    const statement = database.prepare(sql);
    statements.set(sql, statement);
    return statement;
  };
  const version = (): unknown => prepare("PRAGMA data_version").get()?.data_version;
  let seen = version();
  return {
    note: (name) => prepare("SELECT value FROM meta WHERE name = ?").get(name)?.value as string | undefined,
    setNote: (name, value) => void prepare("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)").run(name, value),
    scope: (name) => {
      const find = () => prepare("SELECT number FROM scope WHERE name = ?").get(name)?.number as number | undefined;
      const number = find() ?? Number(prepare("INSERT INTO scope (name) VALUES (?)").run(name).lastInsertRowid);
      return scopeRows(prepare, number);
    },
    item: (id) => rowOf(prepare(`${ITEM} WHERE id = ?`).get(id)),
    sharing: (digest) => prepare(`${ITEM} WHERE digest = ?`).all(digest).map((cells) => rowOf(cells)!),
    texts: () =>
      new Map(
        prepare("SELECT digest, text FROM item WHERE text IS NOT NULL").all()
          .map(({ digest, text }) => [digest as string, text as string]),
      ),
    sizes: () => {
      const sums = prepare("SELECT coalesce(sum(size), 0) AS size, coalesce(sum(slots), 0) AS slots FROM scope").get();
      return { size: Number(sums?.size), slots: Number(sums?.slots) };
    },
    changedByOthers: () => {
      const before = seen;
      seen = version();
      return seen !== before;
    },
    within: (body) => {
      database.exec("BEGIN IMMEDIATE");
      try {
        const result = body();
        database.exec("COMMIT");
        return result;
      } catch (cause) {
        database.exec("ROLLBACK");
        throw cause;
      }
    },
    empty: () => {
      for (const table of ["meta", "scope", "item", "posting", "part"]) database.exec(`DELETE FROM ${table}`);
    },
    scrub: () => database.exec("PRAGMA wal_checkpoint(TRUNCATE)"),
    close: () => {
      statements.clear();
      database.close();
    },
  };
};
