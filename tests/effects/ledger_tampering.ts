/**
 * Seeded tamperings of a ledger: each changes a copy through SQL, as somebody with a shell would, and says where the
 * audit must find it. The expected place follows from what was done, never from the audit.
 */
import { createHash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import * as Effect from "effect/Effect";
import type { Verification } from "../../effects/ledger.ts";
import { type Random, random } from "../../kernel/mod.ts";
import { copyLedger, withDatabase, withLedger } from "./ledger_fixtures.ts";

/** Events of the ledger that is tampered with. */
export const TAMPER_EVENTS = 40;

interface StoredRow {
  seq: number;
  at: number;
  type: string;
  actor: string;
  call: string | null;
  hash: Uint8Array;
  data: string;
}

/** What was done, and where it must show. */
export interface Tampering {
  /** Which kind of tampering. */
  readonly name: string;
  /** The position of the first fault. */
  readonly seq: number;
  /** Its kind. */
  readonly kind: string;
}

const rowsOf = (database: DatabaseSync): StoredRow[] =>
  database.prepare("SELECT seq, at, type, actor, call, hash, data FROM event ORDER BY seq").all() as never;

/** The chain's hash by its published definition, with another implementation of SHA-256. */
export const independentHash = (previous: Uint8Array, row: Omit<StoredRow, "hash">): Uint8Array => {
  const hash = createHash("sha256");
  hash.update("rmi-ledger/1\n").update(previous);
  const fixed = Buffer.alloc(16);
  fixed.writeBigInt64BE(BigInt(row.seq), 0);
  fixed.writeBigInt64BE(BigInt(row.at), 8);
  hash.update(fixed);
  for (const text of [row.type, row.actor, row.call, row.data]) {
    const bytes = Buffer.from(text ?? "", "utf8");
    const length = Buffer.alloc(4);
    length.writeUInt32BE(text === null ? 0xffffffff : bytes.length, 0);
    hash.update(length).update(bytes);
  }
  return new Uint8Array(hash.digest());
};

const replaceAll = (database: DatabaseSync, rows: ReadonlyArray<StoredRow>): void => {
  database.exec("BEGIN; DELETE FROM event");
  const insert = database.prepare("INSERT INTO event (seq, at, type, actor, call, hash, data) VALUES (?,?,?,?,?,?,?)");
  for (const row of rows) insert.run(row.seq, row.at, row.type, row.actor, row.call, row.hash, row.data);
  database.exec("COMMIT");
};

const rehashed = (rows: ReadonlyArray<StoredRow>, from: number): StoredRow[] => {
  let previous: Uint8Array = new Uint8Array(32);
  return rows.map((row) => {
    const hash = row.seq < from ? row.hash : independentHash(previous, row);
    previous = hash;
    return { ...row, hash };
  });
};

const foreign = (seq: number, chance: Random): StoredRow => ({
  seq,
  at: 1_700_000_000_000 + chance.below(1000),
  type: "test.forged",
  actor: "user@tty",
  call: null,
  hash: Uint8Array.from({ length: 32 }, () => chance.below(256)),
  data: `{"forged":${chance.below(1000)}}`,
});

const flipByte = (bytes: Uint8Array, chance: Random): Uint8Array => {
  const changed = bytes.slice();
  changed[chance.below(changed.length)] ^= 1 << chance.below(8);
  return changed;
};

const middle = (chance: Random): number => 2 + chance.below(TAMPER_EVENTS - 3);

/** Takes STRICT off the table in the file's bytes, changes something, and puts it back: only a storage class differs. */
const unstrict = (folder: string, change: string, seq: number): void => {
  const file = `${folder}/ledger.sqlite`;
  const edit = (find: string, put: string) => {
    const bytes = Deno.readFileSync(file);
    const at = Buffer.from(bytes.buffer).indexOf(find);
    if (at < 0) throw new Error(`"${find}" is not in the file`);
    bytes.set(new TextEncoder().encode(put), at);
    Deno.writeFileSync(file, bytes);
  };
  edit("NOT NULL) STRICT", "NOT NULL)       ");
  withDatabase(folder, (database) => database.prepare(change).run(seq));
  edit("NOT NULL)       ", "NOT NULL) STRICT");
};

type Tamper = (folder: string, chance: Random) => Omit<Tampering, "name">;

const onRows =
  (change: (rows: StoredRow[], chance: Random) => { rows: StoredRow[]; seq: number; kind: string }): Tamper =>
  (folder, chance) =>
    withDatabase(folder, (database) => {
      const { rows, seq, kind } = change(rowsOf(database), chance);
      replaceAll(database, rows);
      return { seq, kind };
    });

const flipIn = (field: "type" | "actor" | "call" | "data"): Tamper => (folder, chance) =>
  withDatabase(folder, (database) => {
    const candidates = rowsOf(database).filter((row) => row[field] !== null);
    const row = chance.pick(candidates);
    const bytes = flipByte(new TextEncoder().encode(row[field]!), chance);
    database.prepare(`UPDATE event SET ${field} = CAST(? AS TEXT) WHERE seq = ?`).run(bytes, row.seq);
    return { seq: row.seq, kind: "altered" };
  });

const shifted = (rows: StoredRow[], from: number, by: number): StoredRow[] =>
  rows.map((row) => row.seq < from ? row : { ...row, seq: row.seq + by });

/** Every kind of tampering. */
export const TAMPERS: { readonly [name: string]: Tamper } = {
  "byte of type": flipIn("type"),
  "byte of actor": flipIn("actor"),
  "byte of call": flipIn("call"),
  "byte of data": flipIn("data"),
  "byte of hash": onRows((rows, chance) => {
    const seq = middle(chance);
    rows[seq - 1].hash = flipByte(rows[seq - 1].hash, chance);
    return { rows, seq, kind: "altered" };
  }),
  "hash cut short": onRows((rows, chance) => {
    const seq = middle(chance);
    rows[seq - 1].hash = rows[seq - 1].hash.slice(0, chance.below(32));
    return { rows, seq, kind: "altered" };
  }),
  "time": onRows((rows, chance) => {
    const seq = middle(chance);
    rows[seq - 1].at += (chance.below(2) === 0 ? 1 : -1) * (1 + chance.below(100_000));
    return { rows, seq, kind: "altered" };
  }),
  "call from nothing to empty": onRows((rows, chance) => {
    const row = chance.pick(rows.filter((one) => one.call === null));
    row.call = "";
    return { rows, seq: row.seq, kind: "altered" };
  }),
  "text stored as bytes": (folder, chance) => {
    const seq = middle(chance);
    const field = chance.pick(["type", "actor", "data"]);
    unstrict(folder, `UPDATE event SET ${field} = CAST(${field} AS BLOB) WHERE seq = ?`, seq);
    return { seq, kind: "altered" };
  },
  "time stored as text": (folder, chance) => {
    const seq = middle(chance);
    // CAST alone would be undone by the column's affinity.
    unstrict(folder, "UPDATE event SET at = CAST(CAST(at AS TEXT) AS BLOB) WHERE seq = ?", seq);
    return { seq, kind: "altered" };
  },
  "two rows exchanged": onRows((rows, chance) => {
    const first = 1 + chance.below(TAMPER_EVENTS - 1);
    const second = first + 1 + chance.below(TAMPER_EVENTS - first);
    const [a, b] = [rows[first - 1], rows[second - 1]];
    rows[first - 1] = { ...b, seq: first };
    rows[second - 1] = { ...a, seq: second };
    return { rows, seq: first, kind: "altered" };
  }),
  "contents of two rows exchanged, hashes left": onRows((rows, chance) => {
    const first = 1 + chance.below(TAMPER_EVENTS - 1);
    const second = first + 1 + chance.below(TAMPER_EVENTS - first);
    const [a, b] = [rows[first - 1], rows[second - 1]];
    rows[first - 1] = { ...b, seq: first, hash: a.hash };
    rows[second - 1] = { ...a, seq: second, hash: b.hash };
    return { rows, seq: first, kind: "altered" };
  }),
  "row moved to the end": onRows((rows, chance) => {
    const seq = middle(chance);
    rows[seq - 1].seq = TAMPER_EVENTS + 1 + chance.below(5);
    return { rows, seq, kind: "missing" };
  }),
  "row moved below the beginning": onRows((rows, chance) => {
    const seq = -chance.below(1000);
    rows[middle(chance) - 1].seq = seq;
    return { rows, seq, kind: "unexpected" };
  }),
  "row inserted below the beginning": onRows((rows, chance) => {
    const seq = -chance.below(1000);
    return { rows: [foreign(seq, chance), ...rows], seq, kind: "unexpected" };
  }),
  "row inserted at the lowest position": (folder, _chance) =>
    withDatabase(folder, (database) => {
      database.exec(
        `INSERT INTO event SELECT -9223372036854775808, at, type, actor, call, hash, data FROM event LIMIT 1`,
      );
      return { seq: -9223372036854775808, kind: "unexpected" };
    }),
  "row inserted at the highest position": (folder, _chance) =>
    withDatabase(folder, (database) => {
      database.exec(
        `INSERT INTO event SELECT 9223372036854775807, at, type, actor, call, hash, data FROM event LIMIT 1`,
      );
      return { seq: TAMPER_EVENTS + 1, kind: "missing" };
    }),
  "rows deleted": onRows((rows, chance) => {
    const seq = middle(chance);
    const many = 1 + chance.below(Math.min(5, TAMPER_EVENTS - seq));
    return { rows: rows.filter((row) => row.seq < seq || row.seq >= seq + many), seq, kind: "missing" };
  }),
  "row deleted, later ones renumbered": onRows((rows, chance) => {
    const seq = middle(chance);
    return { rows: shifted(rows.filter((row) => row.seq !== seq), seq, -1), seq, kind: "altered" };
  }),
  "row inserted, later ones renumbered": onRows((rows, chance) => {
    const seq = middle(chance);
    return { rows: [...shifted(rows, seq, 1), foreign(seq, chance)], seq, kind: "altered" };
  }),
  "row inserted with a right hash, later ones renumbered": onRows((rows, chance) => {
    const seq = middle(chance);
    const forged = foreign(seq, chance);
    forged.hash = independentHash(rows[seq - 2].hash, forged);
    // What was inserted continues the chain; what was pushed aside no longer does.
    return { rows: [...shifted(rows, seq, 1), forged], seq: seq + 1, kind: "altered" };
  }),
  "row added at the end": onRows((rows, chance) => ({
    rows: [...rows, foreign(TAMPER_EVENTS + 1, chance)],
    seq: TAMPER_EVENTS + 1,
    kind: "altered",
  })),
  "row added at the end with a right hash": onRows((rows, chance) => {
    const forged = foreign(TAMPER_EVENTS + 1, chance);
    forged.hash = independentHash(rows[TAMPER_EVENTS - 1].hash, forged);
    return { rows: [...rows, forged], seq: TAMPER_EVENTS + 1, kind: "unacknowledged" };
  }),
  "end cut off": onRows((rows, chance) => {
    const left = chance.below(TAMPER_EVENTS);
    return { rows: rows.slice(0, left), seq: left + 1, kind: "truncated" };
  }),
  "end rewritten with right hashes": onRows((rows, chance) => {
    const seq = 1 + chance.below(TAMPER_EVENTS);
    rows[seq - 1] = { ...foreign(seq, chance) };
    return { rows: rehashed(rows, seq), seq: TAMPER_EVENTS, kind: "rewritten" };
  }),
  "end cut off and grown again with right hashes": onRows((rows, chance) => {
    const left = 1 + chance.below(TAMPER_EVENTS - 1);
    const grown = rows.map((row) => row.seq <= left ? row : foreign(row.seq, chance));
    return { rows: rehashed(grown, left + 1), seq: TAMPER_EVENTS, kind: "rewritten" };
  }),
  "everything shifted by one with right hashes": onRows((rows, chance) => {
    const all = [...shifted(rows, 1, 1), foreign(1, chance)].sort((a, b) => a.seq - b.seq);
    return { rows: rehashed(all, 1), seq: TAMPER_EVENTS, kind: "rewritten" };
  }),
  "trigger added": (folder, _chance) =>
    withDatabase(folder, (database) => {
      database.exec("CREATE TRIGGER quiet AFTER INSERT ON event BEGIN DELETE FROM event WHERE seq = new.seq - 1; END");
      return { seq: 0, kind: "schema" };
    }),
};

/** Makes the ledger that is tampered with, closed and whole in its main file. */
export const makeVictim = (folder: string): Promise<unknown> =>
  withLedger(folder, (ledger) =>
    Effect.gen(function* () {
      for (let n = 1; n <= TAMPER_EVENTS; n++) {
        yield* ledger.append([{
          type: `test.kind-${n % 3}`,
          actor: n % 2 === 0 ? "user@tty" : "agent:tester",
          data: {
            n,
            text: ["plain", "日本語 \u{1f600}", '"quoted"\\', "\ufffd replacement"][n % 4],
            deep: [{ n }, null, true],
          },
          ...(n % 3 === 0 ? { call: `call-${n}` } : {}),
        }]);
      }
      yield* ledger.checkpoint;
    }));

/** One seeded tampering of a copy of the victim: what was done, and what `verify` says. */
export const tamperOnce = async (
  victim: string,
  copy: string,
  seed: number,
): Promise<{ readonly done: Tampering; readonly found: Verification }> => {
  const chance = random(`tampering/${seed}`);
  const names = Object.keys(TAMPERS);
  const name = names[seed % names.length];
  copyLedger(victim, copy);
  try {
    const done = { name, ...TAMPERS[name](copy, chance) };
    return { done, found: await withLedger(copy, (ledger) => ledger.verify) };
  } finally {
    Deno.removeSync(copy, { recursive: true });
  }
};

/** Whether the audit found a tampering where it was done. */
export const located = ({ done, found }: { readonly done: Tampering; readonly found: Verification }): boolean =>
  !found.ok && found.faults[0]?.seq === done.seq && found.faults[0]?.kind === done.kind;
