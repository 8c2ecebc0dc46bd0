/**
 * Folds, snapshots, forks, marks and rollbacks.
 */
import assert from "node:assert/strict";
import * as Effect from "effect/Effect";
import type { Fold, LedgerEvent, LedgerShape } from "../../effects/ledger.ts";
import { liveStretches } from "../../effects/ledger/history.ts";
import { SNAPSHOT_EVERY, snapshotName } from "../../effects/ledger/fold.ts";
import { type Digest, digestJson, type Json, random } from "../../kernel/mod.ts";
import { failureOf, inFolder, numbered, openHere, withLedger } from "./ledger_fixtures.ts";

/** The numbers seen, in order. */
const numbers = (name = "numbers", version = 1, history?: "live" | "all"): Fold<ReadonlyArray<number>> => ({
  name,
  version,
  initial: [],
  step: (seen, { type, data }) => type === "test.happened" ? [...seen, (data as { n: number }).n] : seen,
  ...(history === undefined ? {} : { history }),
});

/** A fold that says how many events its reducer was given. */
const counted = (): { readonly fold: Fold<number>; readonly steps: () => number } => {
  let steps = 0;
  return { fold: { name: "counted", version: 1, initial: 0, step: (n) => (steps++, n + 1) }, steps: () => steps };
};

const fill = (ledger: LedgerShape, from: number, to: number) =>
  ledger.append(Array.from({ length: to - from + 1 }, (_, index) => numbered(from + index)));

const upTo = (n: number) => Array.from({ length: n }, (_, index) => index + 1);

Deno.test("state is the fold of every event, also when it grows between calls and across reopening", async () => {
  await inFolder(async (folder) => {
    await withLedger(folder, (ledger) =>
      Effect.gen(function* () {
        for (const end of [1, 2, 300, 301, 700]) {
          const { count } = yield* ledger.head;
          yield* fill(ledger, count + 1, end);
          assert.deepEqual(yield* ledger.state(numbers()), upTo(end));
        }
      }));
    assert.deepEqual(await withLedger(folder, (ledger) => ledger.state(numbers())), upTo(700));
  });
});

Deno.test("a stored snapshot saves steps, and deleting, spoiling or forging it changes nothing", async () => {
  await inFolder(async (folder) => {
    const total = SNAPSHOT_EVERY + 50;
    await withLedger(folder, (ledger) => Effect.andThen(fill(ledger, 1, total), ledger.state(counted().fold)));
    const file = `${folder}/snapshots/${snapshotName({ name: "counted" })}`;
    const whole = Deno.readTextFileSync(file);
    const reopened = async (): Promise<readonly [number, number]> => {
      const { fold, steps } = counted();
      return [await withLedger(folder, (ledger) => ledger.state(fold)), steps()];
    };
    assert.deepEqual(await reopened(), [total, 0]);
    const body = JSON.parse(whole).body;
    const forged = (change: object): string => {
      const made = { ...body, ...change };
      return JSON.stringify({ body: made, checksum: digestJson(made) });
    };
    const spoiled: ReadonlyArray<string> = [
      "",
      "not JSON",
      "null",
      "{}",
      whole.replace(/"state":\d+/u, '"state":999'),
      forged({ version: 2, state: 999 }),
      forged({ format: 2, state: 999 }),
      forged({ name: "other", state: 999 }),
      forged({ history: "all", state: 999 }),
      forged({ seq: total + 1, state: 999 }),
      forged({ seq: total - 1, state: 999 }),
      forged({ hash: `sha256:${"1".repeat(64)}`, state: 999 }),
    ];
    for (const text of spoiled) {
      Deno.writeTextFileSync(file, text);
      assert.deepEqual(await reopened(), [total, total], text.slice(0, 80));
    }
    Deno.removeSync(`${folder}/snapshots`, { recursive: true });
    assert.deepEqual(await reopened(), [total, total]);
  });
});

Deno.test("a new version of a fold does not see the old one's state", async () => {
  await inFolder(async (folder) => {
    const { ledger, close } = await openHere(folder);
    await Effect.runPromise(fill(ledger, 1, 3));
    assert.deepEqual(await Effect.runPromise(ledger.state(numbers("n", 1))), [1, 2, 3]);
    const doubled: Fold<ReadonlyArray<number>> = {
      ...numbers("n", 2),
      step: (seen, { data }) => [...seen, 2 * (data as { n: number }).n],
    };
    assert.deepEqual(await Effect.runPromise(ledger.state(doubled)), [2, 4, 6]);
    await close();
  });
});

Deno.test("a fork starts as the ledger stands, goes its own way, and writes nothing to disk", async () => {
  await inFolder(async (folder) => {
    const { ledger, close } = await openHere(folder);
    await Effect.runPromise(fill(ledger, 1, 5));
    const digest = await Effect.runPromise(ledger.putBlob(new Uint8Array([1])));
    const listing = (path: string): string =>
      [...Deno.readDirSync(path)].map(({ name, isDirectory }) =>
        isDirectory ? `${name}(${listing(`${path}/${name}`)})` : `${name}:${Deno.statSync(`${path}/${name}`).size}`
      ).sort().join();
    const before = listing(folder);
    const fork = await Effect.runPromise(ledger.fork);
    await Effect.runPromise(fill(fork, 6, 600));
    await Effect.runPromise(ledger.append([numbered(100)]));
    const after = listing(folder);
    assert.deepEqual(await Effect.runPromise(fork.state(numbers())), upTo(600));
    assert.deepEqual(await Effect.runPromise(ledger.state(numbers())), [1, 2, 3, 4, 5, 100]);
    const onlyFork = await Effect.runPromise(fork.putBlob(new Uint8Array([2])));
    await Effect.runPromise(fork.dropBlob(digest));
    assert.equal((await failureOf(fork.getBlob(digest))).code, "EFFECTS_BLOB_ABSENT");
    assert.deepEqual(await Effect.runPromise(ledger.getBlob(digest)), new Uint8Array([1]));
    assert.equal((await failureOf(ledger.getBlob(onlyFork))).code, "EFFECTS_BLOB_ABSENT");
    const verified = await Effect.runPromise(fork.verify);
    assert.deepEqual([verified.ok, verified.events], [true, 600]);
    const again = await Effect.runPromise(fork.fork);
    await Effect.runPromise(again.append([numbered(601)]));
    assert.equal((await Effect.runPromise(fork.head)).count, 600);
    assert.deepEqual((await Effect.runPromise(again.read({ from: 4, to: 6 }))).map(({ seq }) => seq), [4, 5, 6]);
    assert.equal(listing(folder), after);
    assert.notEqual(before, after);
    await close();
  });
});

Deno.test("a fork at an earlier end sees what stood then, marks and rollbacks included, and goes its own way", async () => {
  await inFolder(async (folder) => {
    const { ledger, close } = await openHere(folder);
    const run = <A>(effect: Effect.Effect<A, unknown>) => Effect.runPromise(effect);
    await run(fill(ledger, 1, 3));
    await run(ledger.mark("safe", "user@tty"));
    await run(fill(ledger, 4, 6));
    const heads: Digest[] = [];
    for (let count = 1; count <= 7; count++) heads.push((await run(ledger.read({ from: count, to: count })))[0].hash);
    await run(ledger.rollback("safe", "user@tty"));
    await run(ledger.state(numbers()));
    for (const [count, seen] of [[0, []], [2, [1, 2]], [7, [1, 2, 3, 4, 5, 6]], [8, [1, 2, 3]]] as const) {
      const fork = await run(ledger.forkAt(count));
      assert.deepEqual(await run(fork.state(numbers())), seen);
      const { count: counted, hash } = await run(fork.head);
      assert.equal(counted, count);
      if (count > 0 && count < 8) assert.equal(hash, heads[count - 1]);
      assert.equal((await run(fork.read())).length, count);
      await run(fork.append([numbered(50)]));
      assert.deepEqual(await run(fork.state(numbers())), [...seen, 50]);
      assert.deepEqual([(await run(fork.verify)).ok, (await run(fork.verify)).events], [true, count + 1]);
    }
    assert.equal((await run(ledger.head)).count, 8);
    for (const count of [-1, 9, 0.5]) {
      assert.equal((await failureOf(ledger.forkAt(count))).code, "EFFECTS_LEDGER_LIMIT");
    }
    await close();
  });
});

Deno.test("a rollback is an event: live folds return to the mark, folds of everything do not", async () => {
  await inFolder(async (folder) => {
    const { ledger, close } = await openHere(folder);
    const run = <A>(effect: Effect.Effect<A, unknown>) => Effect.runPromise(effect);
    await run(fill(ledger, 1, 3));
    const atMark = await run(ledger.state(numbers()));
    await run(ledger.mark("safe", "user@tty"));
    await run(fill(ledger, 4, 6));
    await run(ledger.mark("later", "user@tty"));
    assert.deepEqual(await run(ledger.state(numbers())), [1, 2, 3, 4, 5, 6]);
    const { last } = await run(ledger.rollback("safe", "user@tty"));
    assert.equal(last, 9);
    assert.equal(digestJson(await run(ledger.state(numbers()))), digestJson(atMark));
    assert.deepEqual(await run(ledger.state(numbers("every", 1, "all"))), [1, 2, 3, 4, 5, 6]);
    const seen: Fold<ReadonlyArray<string>> = {
      name: "types",
      version: 1,
      initial: [],
      step: (all, e) => [...all, e.type],
    };
    assert.equal((await run(ledger.state(seen))).at(-1), "ledger.rolled-back-to");
    // The later mark lies in what was undone.
    assert.deepEqual((await run(ledger.marks)).map(({ name }) => name), ["safe"]);
    const failure = await failureOf(ledger.rollback("later", "user@tty"));
    assert.deepEqual([failure.code, failure.suggestions], ["EFFECTS_LEDGER_MARK", ["safe"]]);
    await run(fill(ledger, 7, 8));
    assert.deepEqual(await run(ledger.state(numbers())), [1, 2, 3, 7, 8]);
    await run(ledger.rollback("safe", "user@tty"));
    assert.deepEqual(await run(ledger.state(numbers())), [1, 2, 3]);
    assert.equal((await run(ledger.verify)).ok, true);
    assert.equal((await run(ledger.head)).count, 12);
    await close();
    assert.deepEqual(await withLedger(folder, (reopened) => reopened.state(numbers("fresh"))), [1, 2, 3]);
  });
});

/** The live history by its definition: replay with an undo stack. */
const replayed = (events: ReadonlyArray<{ readonly seq: number; readonly target?: number }>): ReadonlyArray<number> => {
  let live: number[] = [];
  for (const { seq, target } of events) {
    if (target !== undefined) live = live.filter((one) => one <= target);
    live.push(seq);
  }
  return live;
};

Deno.test("live stretches agree with replaying every history of 300 seeded ones", () => {
  for (let seed = 0; seed < 300; seed++) {
    const chance = random(`history/${seed}`);
    const count = chance.below(30);
    const events = Array.from({ length: count }, (_, index) => ({
      seq: index + 1,
      ...(index > 0 && chance.below(4) === 0 ? { target: chance.below(index + 1) } : {}),
    }));
    const rollbacks = events.flatMap(({ seq, target }) => target === undefined ? [] : [{ seq, target }]);
    const live = liveStretches(rollbacks, count).flatMap(({ from, to }) =>
      Array.from({ length: to - from + 1 }, (_, index) => from + index)
    );
    assert.deepEqual(live, replayed(events), `seed ${seed}`);
  }
});

Deno.test("cached folds agree with fresh ones under random appends, marks and rollbacks", async () => {
  const trace: Fold<ReadonlyArray<number>> = {
    name: "trace",
    version: 1,
    initial: [],
    step: (all, event: LedgerEvent) => [...all, event.seq],
  };
  for (let seed = 0; seed < 6; seed++) {
    await inFolder(async (folder) => {
      const chance = random(`folds/${seed}`);
      const { ledger, close } = await openHere(folder);
      for (let step = 0; step < 40; step++) {
        const marks = await Effect.runPromise(ledger.marks);
        const action = chance.below(4);
        if (action === 0) await Effect.runPromise(ledger.mark(`m${chance.below(4)}`, "user@tty"));
        else if (action === 1 && marks.length > 0) {
          await Effect.runPromise(ledger.rollback(chance.pick(marks).name, "user@tty"));
        } else await Effect.runPromise(fill(ledger, 1, 1 + chance.below(30)));
        const cached = await Effect.runPromise(ledger.state(trace));
        const fresh = await Effect.runPromise(ledger.state({ ...trace, name: `fresh-${step}` }));
        assert.deepEqual(cached, fresh);
      }
      const all = await Effect.runPromise(
        ledger.state<Json>({ name: "n", version: 1, initial: 0, step: (n) => Number(n) + 1, history: "all" }),
      );
      assert.equal(all, (await Effect.runPromise(ledger.head)).count);
      await close();
    });
  }
});
