/**
 * Ledger: what an append stores, what reading answers, what is refused, and what a folder costs.
 */
import assert from "node:assert/strict";
import * as Effect from "effect/Effect";
import { TestClock } from "effect/testing";
import { type LedgerShape, MAX_READ_EVENTS, memoryLedger, openLedger } from "../../effects/ledger.ts";
import { MAX_APPEND_EVENTS, MAX_EVENT_BYTES } from "../../effects/ledger/event.ts";
import type { Json } from "../../kernel/mod.ts";
import {
  asIs,
  countedEntropy,
  failureOf,
  inFolder,
  numbered,
  openHere,
  platform,
  withLedger,
} from "./ledger_fixtures.ts";
import { spaceFor } from "./ledger_load.ts";

const inMemory = (redact: (value: Json) => Json = asIs): LedgerShape =>
  Effect.runSync(Effect.provide(memoryLedger(redact), countedEntropy(1)));

/** The same statement about a ledger on disk and one in memory. */
const both = (name: string, body: (ledger: LedgerShape) => Promise<void>): void => {
  Deno.test(`${name} (on disk)`, () =>
    inFolder(async (folder) => {
      const { ledger, close } = await openHere(`${folder}/state`);
      await body(ledger);
      await close();
    }));
  Deno.test(`${name} (in memory)`, () => body(inMemory()));
};

both("what was appended is read back, in order, each event standing on the one before", async (ledger) => {
  const data: ReadonlyArray<Json> = [null, 1.5, "日本語 \u{1f600} \u0000 end", [], { b: [true], a: {} }, { "": "" }];
  const drafts = data.map((value, n) => ({
    type: `test.kind-${n}`,
    actor: "user@tty",
    data: value,
    ...(n % 2 === 0 ? { call: `c-${n}` } : {}),
  }));
  const { first, last, head } = await Effect.runPromise(ledger.append(drafts));
  assert.deepEqual([first, last, head.count], [1, 6, 6]);
  const events = await Effect.runPromise(ledger.read());
  assert.deepEqual(
    events.map(({ type, actor, data, call }) => ({ type, actor, data, ...(call ? { call } : {}) })),
    drafts,
  );
  assert.equal(events[0].previous, `sha256:${"0".repeat(64)}`);
  for (let n = 1; n < events.length; n++) assert.equal(events[n].previous, events[n - 1].hash);
  assert.equal(events[5].hash, head.hash);
  assert.deepEqual(await Effect.runPromise(ledger.head), head);
});

both("a range, a type and a limit choose events; the limit has an end", async (ledger) => {
  const types = ["a.x", "b.x", "a.x", "b.x", "a.x"];
  await Effect.runPromise(ledger.append(types.map((type, n) => ({ ...numbered(n), type }))));
  const seqs = async (range: Parameters<LedgerShape["read"]>[0]) =>
    (await Effect.runPromise(ledger.read(range))).map(({ seq }) => seq);
  assert.deepEqual(await seqs({ from: 2, to: 4 }), [2, 3, 4]);
  assert.deepEqual(await seqs({ type: "a.x" }), [1, 3, 5]);
  assert.deepEqual(await seqs({ type: "a.x", from: 2, limit: 1 }), [3]);
  assert.deepEqual(await seqs({ from: 6 }), []);
  assert.deepEqual(await seqs({ limit: MAX_READ_EVENTS }), [1, 2, 3, 4, 5]);
  for (const range of [{ limit: MAX_READ_EVENTS + 1 }, { limit: -1 }, { from: 0.5 }, { to: Number.NaN }]) {
    assert.equal((await failureOf(ledger.read(range))).code, "EFFECTS_LEDGER_LIMIT");
  }
});

both("malformed events are refused whole, with the place and nothing stored", async (ledger) => {
  const good = numbered(1);
  const cases: ReadonlyArray<[Parameters<LedgerShape["append"]>[0], string]> = [
    [[good, { ...good, type: "untyped" }], "/1/type"],
    [[{ ...good, type: "a.B c" }], "/0/type"],
    [[{ ...good, type: `a.${"b".repeat(120)}` }], "/0/type"],
    [[{ ...good, type: "ledger.rolled-back-to" }], "/0/type"],
    [[{ ...good, actor: "" }], "/0/actor"],
    [[{ ...good, actor: "x".repeat(121) }], "/0/actor"],
    [[{ ...good, actor: "lone \ud800" }], "/0/actor"],
    [[{ ...good, call: "../up" }], "/0/call"],
    [[good, { ...good, data: { a: [1, Number.NaN] } }], "/1/data/a/1"],
    [[{ ...good, data: { a: -0 } }], "/0/data/a"],
    [[{ ...good, data: "lone \udc00" }], "/0/data"],
    [[{ ...good, data: undefined as never }], "/0/data"],
  ];
  for (const [events, path] of cases) {
    const failure = await failureOf(ledger.append(events));
    assert.deepEqual([failure.code, failure.path], ["EFFECTS_LEDGER_EVENT", path]);
  }
  let deep: Json = 1;
  for (let n = 0; n < 100_000; n++) deep = [deep];
  assert.equal((await failureOf(ledger.append([{ ...good, data: deep }]))).code, "EFFECTS_LEDGER_EVENT");
  assert.equal((await Effect.runPromise(ledger.head)).count, 0);
});

both("an event has a largest size and an append a largest count, each reachable", async (ledger) => {
  const text = "x".repeat(MAX_EVENT_BYTES - 2);
  await Effect.runPromise(ledger.append([{ ...numbered(1), data: text }]));
  assert.equal((await failureOf(ledger.append([{ ...numbered(1), data: `${text}x` }]))).code, "EFFECTS_LEDGER_LIMIT");
  const many = Array.from({ length: MAX_APPEND_EVENTS }, (_, n) => numbered(n));
  assert.equal((await Effect.runPromise(ledger.append(many))).last, MAX_APPEND_EVENTS + 1);
  assert.equal((await failureOf(ledger.append([...many, numbered(0)]))).code, "EFFECTS_LEDGER_LIMIT");
  assert.equal((await Effect.runPromise(ledger.head)).count, MAX_APPEND_EVENTS + 1);
});

both("an append of nothing stores nothing", async (ledger) => {
  const { first, last, head } = await Effect.runPromise(ledger.append([]));
  assert.deepEqual([first, last, head.count], [1, 0, 0]);
});

both("appends of many fibers are all stored, each caller's in its own order", async (ledger) => {
  const caller = (name: string) =>
    Effect.forEach(
      Array.from({ length: 40 }, (_, n) => n),
      (n) => ledger.append([{ ...numbered(n), actor: name }, { ...numbered(n + 0.5), actor: name }]),
    );
  const names = Array.from({ length: 20 }, (_, n) => `agent:${n}`);
  const answers = await Effect.runPromise(Effect.forEach(names, caller, { concurrency: "unbounded" }));
  const events = [
    ...await Effect.runPromise(ledger.read()),
    ...await Effect.runPromise(ledger.read({ from: 1001 })),
  ];
  assert.equal(events.length, 1600);
  names.forEach((name, index) => {
    const own = events.filter(({ actor }) => actor === name);
    assert.deepEqual(own.map(({ data }) => (data as { n: number }).n), Array.from({ length: 80 }, (_, n) => n / 2));
    // What each append was told is where its events lie, and the head behind its last.
    for (const { first, last, head } of answers[index]) {
      assert.equal(last, first + 1);
      assert.equal(events[first - 1].actor, name);
      assert.equal(events[last - 1].hash, head.hash);
    }
  });
  assert.equal((await Effect.runPromise(ledger.verify)).ok, true);
});

Deno.test("data and actor pass the redactor before they are hashed; nothing else reaches the disk", async () => {
  const hide = (value: Json): Json => JSON.parse(JSON.stringify(value).replaceAll("hunter2", "[redacted:password]"));
  await inFolder(async (folder) => {
    await withLedger(folder, (ledger) =>
      Effect.gen(function* () {
        yield* ledger.append([{ ...numbered(1), actor: "mcp:hunter2", data: { hunter2: ["my hunter2"] } }]);
        yield* ledger.mark("before hunter2", "user@tty");
        yield* ledger.rollback("before hunter2", "user@tty");
        const [event] = yield* ledger.read();
        assert.deepEqual(event.data, { "[redacted:password]": ["my [redacted:password]"] });
        assert.equal(event.actor, "mcp:[redacted:password]");
        assert.equal((yield* ledger.verify).ok, true);
        for (const { name } of Deno.readDirSync(folder)) {
          const bytes = Deno.readFileSync(`${folder}/${name}`);
          assert.equal(Buffer.from(bytes).includes("hunter2"), false, name);
        }
      }), hide);
  });
});

Deno.test("time comes from the clock service", async () => {
  await inFolder((folder) =>
    Effect.runPromise(
      Effect.gen(function* () {
        const ledger = yield* openLedger({ stateFolder: folder, redact: asIs });
        yield* TestClock.setTime(Date.UTC(2031, 1, 3, 4, 5, 6, 7));
        yield* ledger.append([numbered(1)]);
        assert.equal((yield* ledger.read())[0].at, "2031-02-03T04:05:06.007Z");
      }).pipe(Effect.scoped, Effect.provide(platform()), Effect.provide(TestClock.layer())),
    )
  );
});

Deno.test("the same events at the same times make the same bytes of the chain", async () => {
  const run = (folder: string) =>
    Effect.runPromise(
      Effect.gen(function* () {
        const ledger = yield* openLedger({ stateFolder: folder, redact: asIs });
        for (let n = 0; n < 5; n++) yield* ledger.append([numbered(n)]);
        return yield* ledger.head;
      }).pipe(Effect.scoped, Effect.provide(platform()), Effect.provide(TestClock.layer())),
    );
  assert.deepEqual(await inFolder(run), await inFolder(run));
});

Deno.test("reading a folder that has no ledger creates nothing in it", async () => {
  await inFolder(async (folder) => {
    await withLedger(`${folder}/state`, (ledger) =>
      Effect.gen(function* () {
        assert.deepEqual(yield* ledger.read(), []);
        assert.equal((yield* ledger.verify).ok, true);
        assert.equal(yield* ledger.state({ name: "n", version: 1, initial: 7, step: (n: number) => n }), 7);
        yield* (yield* ledger.fork).append([numbered(1)]);
      }));
    assert.deepEqual([...Deno.readDirSync(folder)], []);
  });
});

Deno.test("the state folder is for its owner only", async () => {
  if (Deno.build.os === "windows") return;
  await inFolder(async (folder) => {
    await withLedger(`${folder}/state`, (ledger) => ledger.append([numbered(1)]));
    assert.equal(Deno.statSync(`${folder}/state`).mode! & 0o777, 0o700);
    assert.equal(Deno.statSync(`${folder}/state/ledger.head`).mode! & 0o777, 0o600);
  });
});

Deno.test("at most 1.25 times the payload is stored at 200 and at 10,000 events of 1 KB", async () => {
  for (const count of [200, 10_000]) {
    const { stored, payload } = await spaceFor(count);
    assert.equal(payload, count * 1024);
    assert.ok(stored <= payload * 1.25, `${count} events: ${stored} bytes for ${payload}`);
  }
});

Deno.test("a folder that cannot be written is a typed failure", async () => {
  await inFolder(async (folder) => {
    Deno.writeTextFileSync(`${folder}/state`, "a file where the folder should be");
    const { ledger, close } = await openHere(`${folder}/state`);
    const failure = await failureOf(ledger.append([numbered(1)]));
    assert.equal(failure.code, "EFFECTS_LEDGER_STORE");
    await close();
  });
});
