/**
 * Format: the layout of the ledger's database, its version, and the steps that bring an older one up to date.
 *
 * Not the chain (effects/ledger/chain.ts): a step changes how rows are laid out, never what a hash covers, so every
 * hash and the acknowledged head stay as they are.
 * Invariant: a newer format is refused with its number; an older one is backed up, then migrated in one transaction.
 *
 * @module
 */
import * as fs from "node:fs";
import { backup, type DatabaseSync } from "node:sqlite";
import { newerFormat } from "../../kernel/mod.ts";
import { ledgerStore } from "../failures.ts";

/** Marks a database as a ledger: `RMIL` in ASCII. */
export const APPLICATION_ID = 0x524d494c;

/** Format this version writes. */
export const LEDGER_FORMAT = 1;

/** One step from a format to the next. */
export interface Migration {
  /** The format it starts from; it ends at the next number. */
  readonly from: number;
  /** Changes the layout, inside a transaction. */
  readonly run: (database: DatabaseSync) => void;
}

/** A layout with the way to it. */
export interface Format {
  /** Its number. */
  readonly version: number;
  /** The statement that makes the only table. */
  readonly schema: string;
  /** Steps from older formats. */
  readonly migrations: ReadonlyArray<Migration>;
}

/**
 * The present layout. Small columns come first, so that reading them does not read the data. A STRICT table refuses
 * values of another storage class; the hash before a row is not stored twice.
 */
export const FORMAT: Format = {
  version: LEDGER_FORMAT,
  schema: "CREATE TABLE event (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, type TEXT NOT NULL, " +
    "actor TEXT NOT NULL, call TEXT, hash BLOB NOT NULL, data TEXT NOT NULL) STRICT",
  migrations: [],
};

const numberOf = (database: DatabaseSync, pragma: string): number =>
  Number(Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0]);

/** The statements that define the database's objects, in order of name. */
export const schemaOf = (database: DatabaseSync): ReadonlyArray<string> =>
  database.prepare("SELECT sql FROM sqlite_schema ORDER BY name").all().map((row) => String(row.sql));

/** Counts changes of the schema. */
export const schemaVersion = (database: DatabaseSync): number => numberOf(database, "schema_version");

/** Whether the database's objects are those of the format and no others. */
export const hasSchema = (database: DatabaseSync, format: Format): boolean => {
  const found = schemaOf(database);
  return found.length === 1 && found[0] === format.schema;
};

/** Sets what every connection needs, before anything is read. */
export const configure = (database: DatabaseSync): void => {
  database.exec(
    "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; " +
      "PRAGMA checkpoint_fullfsync = ON; PRAGMA trusted_schema = OFF",
  );
};

/** What stands in a database: nothing yet, the format's layout, or an older one; refuses newer ones and strangers. */
export const inspect = (database: DatabaseSync, format: Format, file: string): "empty" | "current" | "older" => {
  const application = numberOf(database, "application_id");
  const version = numberOf(database, "user_version");
  if (application === 0 && version === 0 && schemaOf(database).length === 0) return "empty";
  if (application !== APPLICATION_ID) {
    throw ledgerStore({ action: "open", cause: `"${file}" is the database of another program` });
  }
  if (version > format.version) throw newerFormat({ store: file, found: version, supported: format.version });
  return version === format.version ? "current" : "older";
};

/** Makes the table in an empty database. */
export const create = (database: DatabaseSync, format: Format): void => {
  database.exec(
    `BEGIN IMMEDIATE; ${format.schema}; PRAGMA application_id = ${APPLICATION_ID}; ` +
      `PRAGMA user_version = ${format.version}; COMMIT`,
  );
};

const backUp = async (database: DatabaseSync, file: string, head: string, version: number): Promise<void> => {
  const kept = `${file}.format${version}.backup`;
  await backup(database, `${kept}.part`);
  fs.renameSync(`${kept}.part`, kept);
  if (fs.existsSync(head)) fs.copyFileSync(head, `${head}.format${version}.backup`);
  for (const copy of [kept, `${head}.format${version}.backup`].filter((path) => fs.existsSync(path))) {
    const handle = fs.openSync(copy, "r+");
    fs.fsyncSync(handle);
    fs.closeSync(handle);
  }
};

const endOf = (database: DatabaseSync): string =>
  JSON.stringify(database.prepare("SELECT max(seq) AS seq, count(*) AS rows FROM event").get()) +
  JSON.stringify(database.prepare("SELECT hex(hash) AS hash FROM event ORDER BY seq DESC LIMIT 1").get());

/** Backs an older database up beside itself and brings it to the format. The caller holds the ledger's lock. */
export const migrate = async (database: DatabaseSync, format: Format, file: string, head: string): Promise<void> => {
  const found = numberOf(database, "user_version");
  const steps: Migration[] = [];
  for (let from = found; from < format.version; from++) {
    const step = format.migrations.find((migration) => migration.from === from);
    if (step === undefined) {
      throw ledgerStore({
        action: "migrate",
        cause: `"${file}" has format ${found}, and no step leads on from ${from}`,
      });
    }
    steps.push(step);
  }
  await backUp(database, file, head, found);
  database.exec("BEGIN IMMEDIATE");
  try {
    const before = endOf(database);
    for (const step of steps) step.run(database);
    database.exec(`PRAGMA user_version = ${format.version}`);
    if (endOf(database) !== before) throw new Error("a migration step changed the chain");
    if (!hasSchema(database, format)) throw new Error("the migration steps do not lead to the format's table");
    database.exec("COMMIT");
  } catch (cause) {
    database.exec("ROLLBACK");
    throw cause;
  }
};
