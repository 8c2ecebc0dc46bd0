/**
 * Connection: an open database of the ledger, its statements, and its rows as values.
 *
 * Not a transaction and not a lock. Platform code: `node:sqlite`.
 * Invariant: for audits, texts are read as bytes and integers whole, so that nothing is mended on the way.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { GENESIS, type RawHead, type RawRow } from "./chain.ts";
import { schemaVersion } from "./format.ts";
import type { Row } from "./store.ts";

/** An open database with its statements. */
export interface Connection {
  /** The handle. */
  readonly database: DatabaseSync;
  /** The schema version the statements were prepared for. */
  readonly schema: number;
  /** Reads the last row. */
  readonly end: StatementSync;
  /** Reads the hash at a position. */
  readonly hashAt: StatementSync;
  /** Adds a row. */
  readonly insert: StatementSync;
  /** Reads rows of a span. */
  readonly page: StatementSync;
  /** Reads rows of a span and type. */
  readonly pageOfType: StatementSync;
  /** Reads rows as they are. */
  readonly raw: StatementSync;
}

const PAGE = "SELECT e.seq, e.at, e.type, e.actor, e.call, e.data, e.hash, p.hash AS previous FROM event e " +
  "LEFT JOIN event p ON p.seq = e.seq - 1 WHERE e.seq BETWEEN ? AND ?";

const RAW_FIELDS = [["type", "text"], ["actor", "text"], ["call", "text"], ["data", "text"], ["hash", "blob"]] as const;

const RAW = `SELECT seq, CAST(at AS INTEGER) AS at, typeof(at) AS at_class, ${
  RAW_FIELDS.map(([name]) => `CAST(${name} AS BLOB) AS ${name}, typeof(${name}) AS ${name}_class`).join(", ")
} FROM event WHERE seq >= ? ORDER BY seq LIMIT ?`;

/** Prepares the statements of a database that holds the table. */
export const connected = (database: DatabaseSync): Connection => {
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

/** The chain's end as it is stored. */
export const endOf = (connection: Connection): RawHead => {
  const row = connection.end.get();
  return row === undefined ? { count: 0, hash: GENESIS } : { count: Number(row.seq), hash: row.hash as Uint8Array };
};

/** A row of a page. */
export const rowOf = (found: Record<string, unknown>): Row => ({
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

/** A row as it is, with what does not fit the format. */
export const rawRowOf = (found: Record<string, unknown>): RawRow => {
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
