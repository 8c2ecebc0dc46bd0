/**
 * Tampering: whatever is changed from outside is found, and found where it was done.
 */
import assert from "node:assert/strict";
import * as Effect from "effect/Effect";
import { random } from "../../kernel/mod.ts";
import { failureOf, inFolder, LEDGER_FILES, numbered, openHere, withDatabase, withLedger } from "./ledger_fixtures.ts";
import { independentHash, located, makeVictim, tamperOnce, TAMPERS } from "./ledger_tampering.ts";

const ROUNDS = 15;

Deno.test("the stored hash is the published definition, computed by another SHA-256", async () => {
  await inFolder(async (folder) => {
    await makeVictim(folder);
    let previous: Uint8Array = new Uint8Array(32);
    const rows = withDatabase(folder, (database) => database.prepare("SELECT * FROM event ORDER BY seq").all());
    assert.equal(rows.length, 40);
    for (const row of rows) {
      const hash = independentHash(previous, row as never);
      assert.deepEqual(Buffer.from(row.hash as Uint8Array), Buffer.from(hash));
      previous = hash;
    }
  });
});

Deno.test("an untouched ledger has no faults", async () => {
  await inFolder(async (folder) => {
    await makeVictim(folder);
    const found = await withLedger(folder, (ledger) => ledger.verify);
    assert.deepEqual([found.ok, found.events, found.faults], [true, 40, []]);
    assert.deepEqual(found.acknowledged, found.head);
  });
});

Deno.test(`each of ${Object.keys(TAMPERS).length} kinds of tampering is located, ${ROUNDS} seeds each`, async () => {
  await inFolder(async (folder) => {
    await makeVictim(`${folder}/victim`);
    const total = Object.keys(TAMPERS).length * ROUNDS;
    assert.ok(total >= 400);
    for (let seed = 0; seed < total; seed++) {
      const result = await tamperOnce(`${folder}/victim`, `${folder}/copy`, seed);
      assert.ok(located(result), JSON.stringify({ seed, ...result.done, faults: result.found.faults.slice(0, 3) }));
    }
  });
});

Deno.test("a tampered ledger refuses appends and still verifies", async () => {
  for (const name of ["end cut off", "end rewritten with right hashes", "trigger added", "row added at the end"]) {
    await inFolder(async (folder) => {
      await makeVictim(folder);
      TAMPERS[name](folder, random(1));
      const { ledger, close } = await openHere(folder);
      const failure = await failureOf(ledger.append([numbered(1)]));
      assert.equal(failure.code, "EFFECTS_LEDGER_TAMPERED", name);
      assert.ok(failure.fix !== undefined);
      assert.equal((await Effect.runPromise(ledger.verify)).ok, false);
      await close();
    });
  }
});

Deno.test("reading and folding stop at an altered event instead of believing it", async () => {
  await inFolder(async (folder) => {
    await makeVictim(folder);
    withDatabase(folder, (database) => database.exec(`UPDATE event SET actor = 'user@ttx' WHERE seq = 20`));
    const { ledger, close } = await openHere(folder);
    assert.equal((await failureOf(ledger.read())).code, "EFFECTS_LEDGER_TAMPERED");
    const count = { name: "count", version: 1, initial: 0, step: (n: number) => n + 1 };
    assert.equal((await failureOf(ledger.state(count))).code, "EFFECTS_LEDGER_TAMPERED");
    assert.equal((await Effect.runPromise(ledger.read({ to: 19 }))).length, 19);
    await close();
  });
});

Deno.test("a flipped bit anywhere in the database file is found, or no stored event changed", async () => {
  await inFolder(async (folder) => {
    await makeVictim(`${folder}/victim`);
    const chance = random("bit flips");
    const whole = Deno.readFileSync(`${folder}/victim/ledger.sqlite`);
    const contents = (path: string): string =>
      withDatabase(path, (database) =>
        JSON.stringify(
          database.prepare(
            "SELECT seq, at, hex(type), hex(actor), hex(call), hex(hash), hex(data), typeof(data) FROM event",
          ).all(),
        ));
    const before = contents(`${folder}/victim`);
    let harmless = 0;
    for (let round = 0; round < 150; round++) {
      const copy = `${folder}/copy`;
      Deno.mkdirSync(copy);
      for (const name of LEDGER_FILES.slice(2)) Deno.copyFileSync(`${folder}/victim/${name}`, `${copy}/${name}`);
      const flipped = whole.slice();
      flipped[chance.below(flipped.length)] ^= 1 << chance.below(8);
      Deno.writeFileSync(`${copy}/ledger.sqlite`, flipped);
      let found = true;
      try {
        found = !(await withLedger(copy, (ledger) => ledger.verify)).ok;
      } catch (cause) {
        // A header that claims a newer format is refused at opening.
        assert.match((cause as { code: string }).code, /^KERNEL_NEWER_FORMAT$/u);
      }
      if (!found) {
        harmless++;
        assert.equal(contents(copy), before, `round ${round}`);
      }
      Deno.removeSync(copy, { recursive: true });
    }
    // Free space and unused header fields exist, but most of the file is events.
    assert.ok(harmless < 110, `${harmless} of 150 flips were called harmless`);
  });
});

Deno.test("a head file that is gone or unreadable is a fault, and nothing is appended", async () => {
  const damages: ReadonlyArray<[string, (path: string) => void]> = [
    ["missing", (path) => Deno.removeSync(path)],
    ["unreadable", (path) => Deno.writeTextFileSync(path, "nonsense")],
    ["unreadable", (path) => Deno.writeFileSync(path, new Uint8Array(0))],
    ["unreadable", (path) => {
      const bytes = Deno.readFileSync(path);
      bytes[20] ^= 1;
      bytes[532] ^= 1;
      Deno.writeFileSync(path, bytes);
    }],
  ];
  for (const [word, damage] of damages) {
    await inFolder(async (folder) => {
      await makeVictim(folder);
      damage(`${folder}/ledger.head`);
      const { ledger, close } = await openHere(folder);
      const found = await Effect.runPromise(ledger.verify);
      assert.deepEqual(found.faults.map(({ kind }) => kind), ["head"]);
      assert.match(found.faults[0].detail, new RegExp(word, "u"));
      assert.equal((await failureOf(ledger.append([numbered(1)]))).code, "EFFECTS_LEDGER_TAMPERED");
      await close();
    });
  }
});

Deno.test("a file that is no database is a fault, not a crash", async () => {
  await inFolder(async (folder) => {
    await makeVictim(folder);
    Deno.writeTextFileSync(`${folder}/ledger.sqlite`, "this is not a database ".repeat(1000));
    const { ledger, close } = await openHere(folder);
    const found = await Effect.runPromise(ledger.verify);
    assert.deepEqual([found.ok, found.faults[0].kind], [false, "unreadable"]);
    assert.match((await failureOf(ledger.append([numbered(1)]))).code, /^EFFECTS_LEDGER_/u);
    await close();
  });
});

Deno.test("a database that was removed is found against the acknowledged head", async () => {
  await inFolder(async (folder) => {
    await makeVictim(folder);
    Deno.removeSync(`${folder}/ledger.sqlite`);
    const { ledger, close } = await openHere(folder);
    const found = await Effect.runPromise(ledger.verify);
    assert.deepEqual([found.faults[0].kind, found.faults[0].seq], ["truncated", 1]);
    assert.equal((await failureOf(ledger.append([numbered(1)]))).code, "EFFECTS_LEDGER_TAMPERED");
    await close();
  });
});
