/**
 * Crashes and company: no acknowledged event is lost, and processes that share a folder make one chain.
 */
import assert from "node:assert/strict";
import * as Effect from "effect/Effect";
import { random } from "../../kernel/mod.ts";
import { checkSurvivor, everything, killedWriter, powerCuts, spawnWriter } from "./ledger_crashing.ts";
import { failureOf, inFolder, numbered, openHere, withDatabase, withLedger } from "./ledger_fixtures.ts";
import { fileLock } from "../../effects/ledger/file_lock.ts";
import { independentHash } from "./ledger_tampering.ts";

Deno.test("four processes that append 1,000 events each make one valid chain of 4,000", async () => {
  await inFolder(async (folder) => {
    const names = ["a", "b", "c", "d"];
    const ended = await Promise.all(names.map((name) => spawnWriter(folder, name, 1000).output()));
    assert.deepEqual(ended.map(({ code }) => code), [0, 0, 0, 0]);
    await withLedger(folder, (ledger) =>
      Effect.gen(function* () {
        const verified = yield* ledger.verify;
        assert.deepEqual([verified.ok, verified.events, verified.acknowledged?.count], [true, 4000, 4000]);
        const events = yield* everything(ledger);
        for (const name of names) {
          const own = events.filter(({ actor }) => actor === `agent:${name}`).map(({ data }) =>
            (data as { n: number }).n
          );
          assert.deepEqual(own, Array.from({ length: 1000 }, (_, index) => index + 1));
        }
      }));
  });
});

Deno.test("a writer killed at seeded moments, again and again, loses nothing it acknowledged", async () => {
  await inFolder(async (folder) => {
    const chance = random("kills");
    const acknowledged: Array<{ name: string; n: number; seq: number }> = [];
    for (let round = 0; round < 8; round++) {
      const name = `w${round}`;
      const lines = await killedWriter(folder, name, 1 + chance.below(60), chance.below(5));
      acknowledged.push(...lines.map(([n, seq]) => ({ name, n, seq })));
      assert.equal((await checkSurvivor(folder, acknowledged)).lost, 0);
    }
    assert.ok(acknowledged.length >= 8);
  });
});

Deno.test("a power cut between two acknowledgements keeps every acknowledged event", async () => {
  assert.equal(await powerCuts(1, 12, 6), 11 * 6);
});

/** Adds a row that continues the chain, as a writer does that dies before the acknowledgement. */
const cutOff = (folder: string): void =>
  withDatabase(folder, (database) => {
    const last = database.prepare("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1").get()!;
    const row = { seq: Number(last.seq) + 1, at: 5, type: "test.cut-off", actor: "agent:x", call: null, data: "{}" };
    database.prepare("INSERT INTO event (seq, at, type, actor, data, hash) VALUES (?,?,?,?,?,?)")
      .run(row.seq, row.at, row.type, row.actor, row.data, independentHash(last.hash as Uint8Array, row));
  });

Deno.test("rows whose writer died before the acknowledgement are reported, then adopted with a trace", async () => {
  await inFolder(async (folder) => {
    await withLedger(folder, (ledger) => ledger.append([numbered(1), numbered(2)]));
    cutOff(folder);
    await withLedger(folder, (ledger) =>
      Effect.gen(function* () {
        const before = yield* ledger.verify;
        assert.deepEqual(before.faults.map(({ kind, seq }) => [kind, seq]), [["unacknowledged", 3]]);
        const { first } = yield* ledger.append([numbered(3)]);
        assert.equal(first, 5);
        const [trace] = yield* ledger.read({ from: 4, to: 4 });
        assert.deepEqual([trace.type, trace.data], ["ledger.recovered", { from: 3, to: 3 }]);
        assert.equal((yield* ledger.verify).ok, true);
      }));
  });
});

Deno.test("the head is written after the commit: where it cannot be written, the event is there and unacknowledged", async () => {
  await inFolder(async (folder) => {
    await withLedger(folder, (ledger) => ledger.append([numbered(1)]));
    const { code } = await spawnWriter(folder, "x", 1, 1, [`--deny-write=${folder}/ledger.head`]).output();
    assert.notEqual(code, 0);
    const found = await withLedger(folder, (ledger) => ledger.verify);
    assert.deepEqual([found.events, found.acknowledged?.count], [2, 1]);
    assert.deepEqual(found.faults.map(({ kind, seq }) => [kind, seq]), [["unacknowledged", 2]]);
    await withLedger(folder, (ledger) => ledger.append([numbered(2)]));
    assert.equal((await withLedger(folder, (ledger) => ledger.verify)).ok, true);
  });
});

Deno.test("writing the head leaves the slot that holds the present head alone", async () => {
  await inFolder(async (folder) => {
    const slots = () => {
      const bytes = Deno.readFileSync(`${folder}/ledger.head`);
      return [bytes.slice(0, 512), bytes.slice(512)].map((slot) => ({
        bytes: [...slot],
        count: JSON.parse(new TextDecoder().decode(slot)).count as number,
      }));
    };
    const { ledger, close } = await openHere(folder);
    await Effect.runPromise(ledger.append([numbered(0)]));
    for (let n = 1; n < 6; n++) {
      const before = slots();
      const present = before[0].count > before[1].count ? 0 : 1;
      await Effect.runPromise(ledger.append([numbered(n)]));
      assert.deepEqual(slots()[present], before[present]);
      assert.equal(slots()[1 - present].count, n + 1);
    }
    await close();
  });
});

Deno.test("a torn slot of the head file falls back to the other slot", async () => {
  await inFolder(async (folder) => {
    await withLedger(folder, (ledger) => Effect.andThen(ledger.append([numbered(1)]), ledger.append([numbered(2)])));
    const whole = Deno.readFileSync(`${folder}/ledger.head`);
    const slots = [whole.slice(0, 512), whole.slice(512)].map((slot) =>
      JSON.parse(new TextDecoder().decode(slot)).count
    );
    const newest = slots.indexOf(2);
    assert.ok(newest >= 0);
    for (let torn = 1; torn < 200; torn += 7) {
      const bytes = whole.slice();
      bytes.fill(0, newest * 512, newest * 512 + torn);
      Deno.writeFileSync(`${folder}/ledger.head`, bytes);
      const found = await withLedger(folder, (ledger) => ledger.verify);
      assert.equal(found.acknowledged?.count, slots[1 - newest]);
    }
    await withLedger(folder, (ledger) => ledger.append([numbered(3)]));
    assert.equal((await withLedger(folder, (ledger) => ledger.verify)).ok, true);
  });
});

Deno.test("a database that was created but never filled is used as it is", async () => {
  for (const content of ["nothing", "empty file"]) {
    await inFolder(async (folder) => {
      if (content === "empty file") Deno.writeFileSync(`${folder}/ledger.sqlite`, new Uint8Array(0));
      await withLedger(folder, (ledger) => ledger.append([numbered(1)]));
      assert.equal((await withLedger(folder, (ledger) => ledger.verify)).ok, true);
    });
  }
});

Deno.test("an append waits for a lock held elsewhere, and one given up meanwhile is not stored", async () => {
  await inFolder(async (folder) => {
    const { ledger, close } = await openHere(folder);
    await Effect.runPromise(ledger.append([numbered(1)]));
    const lock = fileLock(`${folder}/ledger.lock`);
    assert.ok(lock.tryHold());
    const given = await Effect.runPromise(Effect.timeoutOption(ledger.append([numbered(2)]), 40));
    assert.equal(given._tag, "None");
    const waiting = Effect.runPromise(ledger.append([numbered(3)]));
    lock.close();
    assert.equal((await waiting).last, 2);
    const events = await Effect.runPromise(ledger.read());
    assert.deepEqual(events.map(({ data }) => (data as { n: number }).n), [1, 3]);
    await close();
  });
});

Deno.test("closing stores what waits, then refuses", async () => {
  await inFolder(async (folder) => {
    const { ledger, close } = await openHere(folder);
    const waiting = Array.from({ length: 50 }, (_, n) => Effect.runPromise(ledger.append([numbered(n)])));
    await new Promise((resolve) => setTimeout(resolve, 0));
    await close();
    const stored = await Promise.allSettled(waiting);
    const kept = stored.filter(({ status }) => status === "fulfilled").length;
    assert.equal((await failureOf(ledger.append([numbered(99)]))).code, "EFFECTS_LEDGER_CLOSED");
    assert.equal((await failureOf(ledger.head)).code, "EFFECTS_LEDGER_CLOSED");
    const head = await withLedger(folder, (reopened) => reopened.head);
    assert.equal(head.count, kept);
    assert.equal(kept, 50);
  });
});

Deno.test("processes that begin a ledger at once begin one ledger", async () => {
  for (let round = 0; round < 3; round++) {
    await inFolder(async (folder) => {
      const writers = ["a", "b", "c"].map((name) => spawnWriter(folder, name, 3).output());
      assert.deepEqual((await Promise.all(writers)).map(({ code }) => code), [0, 0, 0]);
      const { ok, events } = await withLedger(folder, (ledger) => ledger.verify);
      assert.deepEqual([ok, events], [true, 9]);
    });
  }
});
