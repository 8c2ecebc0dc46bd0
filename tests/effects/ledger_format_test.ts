/**
 * Format: a newer ledger is refused with its number, an older one is migrated after a backup.
 */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import * as Effect from "effect/Effect";
import { FORMAT, type Format, LEDGER_FORMAT } from "../../effects/ledger/format.ts";
import { HEAD_FORMAT, readHead, slotBytes } from "../../effects/ledger/head_file.ts";
import { sqliteStore } from "../../effects/ledger/sqlite.ts";
import { canonicalJson, digestText } from "../../kernel/mod.ts";
import { inFolder, numbered, openHere, withDatabase, withLedger } from "./ledger_fixtures.ts";

const refusal = async (folder: string): Promise<{ readonly code: string; readonly message: string }> => {
  try {
    await withLedger(folder, (ledger) => ledger.verify);
  } catch (cause) {
    return cause as { code: string; message: string };
  }
  return assert.fail("it opened");
};

const fill = (folder: string): Promise<unknown> =>
  withLedger(folder, (ledger) => ledger.append([numbered(1), numbered(2), { ...numbered(3), call: "c" }]));

/** The next format as it might be: one more column, indexed by nothing, known to no hash. */
const next: Format = {
  version: LEDGER_FORMAT + 1,
  schema: FORMAT.schema.replace(") STRICT", ", note TEXT) STRICT"),
  migrations: [{
    from: LEDGER_FORMAT,
    run: (database) => {
      const table = FORMAT.schema.replace(") STRICT", ", note TEXT) STRICT").replace("TABLE event", "TABLE fresh");
      database.exec(`${table}; INSERT INTO fresh SELECT *, 'old' FROM event; DROP TABLE event`);
      database.exec("ALTER TABLE fresh RENAME TO event");
    },
  }],
};

// SQLite quotes the name when it renames a table.
const renamed: Format = { ...next, schema: next.schema.replace("TABLE event", 'TABLE "event"') };

Deno.test("a database of a newer format is refused, naming its number, and left as it is", async () => {
  await inFolder(async (folder) => {
    await fill(folder);
    withDatabase(folder, (database) => database.exec(`PRAGMA user_version = ${LEDGER_FORMAT + 1}`));
    const before = Deno.readFileSync(`${folder}/ledger.sqlite`);
    const { code, message } = await refusal(folder);
    assert.equal(code, "KERNEL_NEWER_FORMAT");
    assert.match(message, new RegExp(`format ${LEDGER_FORMAT + 1}, this version reads up to ${LEDGER_FORMAT}`, "u"));
    assert.deepEqual(Deno.readFileSync(`${folder}/ledger.sqlite`), before);
  });
});

Deno.test("a head file of a newer format is refused, naming its number", async () => {
  await inFolder(async (folder) => {
    await fill(folder);
    const body = { count: 3, format: HEAD_FORMAT + 1, hash: `sha256:${"0".repeat(64)}`, more: true };
    const text = canonicalJson({ ...body, checksum: digestText(canonicalJson(body)) });
    const bytes = new Uint8Array(1024).fill(0x20);
    bytes.set(new TextEncoder().encode(text));
    Deno.writeFileSync(`${folder}/ledger.head`, bytes);
    assert.equal((await refusal(folder)).code, "KERNEL_NEWER_FORMAT");
  });
});

Deno.test("the database of another program is not taken for a ledger", async () => {
  await inFolder(async (folder) => {
    const other = new DatabaseSync(`${folder}/ledger.sqlite`);
    other.exec("CREATE TABLE notes (text TEXT)");
    other.close();
    const before = Deno.readFileSync(`${folder}/ledger.sqlite`);
    const { ledger, close } = await openHere(folder);
    const failure = await Effect.runPromise(Effect.flip(ledger.append([numbered(1)])));
    assert.equal(failure.code, "EFFECTS_LEDGER_STORE");
    assert.match(failure.message, /another program/u);
    await close();
    assert.deepEqual(Deno.readFileSync(`${folder}/ledger.sqlite`), before);
  });
});

Deno.test("an older ledger is backed up whole, migrated, and its chain goes on", async () => {
  await inFolder(async (folder) => {
    await fill(folder);
    const head = readHead(`${folder}/ledger.head`);
    const store = sqliteStore(folder, renamed);
    assert.equal(await store.prepare(), true);
    assert.equal(store.head().count, 3);
    assert.deepEqual(store.rows({ from: 1, to: 3, limit: 9 }).map(({ data }) => JSON.parse(data).n), [1, 2, 3]);
    store.append([[{ at: 1, type: "test.happened", actor: "a", call: undefined, data: "{}" }]], 1);
    assert.equal(store.head().count, 4);
    store.close();
    withDatabase(folder, (database) => {
      assert.equal(database.prepare("PRAGMA user_version").get()!.user_version, 2);
      assert.equal(database.prepare("SELECT note FROM event WHERE seq = 1").get()!.note, "old");
    });
    // The backup is a ledger of the old format, and opens as one.
    Deno.mkdirSync(`${folder}/backup`);
    Deno.copyFileSync(`${folder}/ledger.sqlite.format1.backup`, `${folder}/backup/ledger.sqlite`);
    Deno.copyFileSync(`${folder}/ledger.head.format1.backup`, `${folder}/backup/ledger.head`);
    const kept = await withLedger(`${folder}/backup`, (ledger) => ledger.verify);
    assert.deepEqual([kept.ok, kept.events], [true, 3]);
    assert.ok(head.kind === "head" && head.head.count === 3);
    assert.equal((await refusal(folder)).code, "KERNEL_NEWER_FORMAT");
  });
});

Deno.test("a migration that fails, or that would change the chain, leaves the old ledger as it was", async () => {
  const broken: ReadonlyArray<Format> = [
    { ...renamed, migrations: [] },
    {
      ...renamed,
      migrations: [{
        from: 1,
        run: () => {
          throw new Error("no room");
        },
      }],
    },
    {
      ...renamed,
      migrations: [{
        from: 1,
        run: (database) => {
          renamed.migrations[0].run(database);
          database.exec("DELETE FROM event WHERE seq = 3");
        },
      }],
    },
    { ...renamed, migrations: [{ from: 1, run: () => {} }] },
    { ...renamed, version: 3 },
  ];
  for (const format of broken) {
    await inFolder(async (folder) => {
      await fill(folder);
      const store = sqliteStore(folder, format);
      await assert.rejects(store.prepare());
      store.close();
      const found = await withLedger(folder, (ledger) => ledger.verify);
      assert.deepEqual([found.ok, found.events], [true, 3]);
    });
  }
});

Deno.test("a slot is one sector of readable text", () => {
  const bytes = slotBytes({ count: 7, hash: new Uint8Array(32) });
  assert.equal(bytes.length, 512);
  const slot = JSON.parse(new TextDecoder().decode(bytes));
  assert.deepEqual([slot.count, slot.format, slot.hash], [7, 1, `sha256:${"0".repeat(64)}`]);
  // The longest head fits too.
  assert.equal(slotBytes({ count: Number.MAX_SAFE_INTEGER, hash: new Uint8Array(32).fill(255) }).length, 512);
});
