import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { random } from "../../../kernel/mod.ts";
import { type PartReader, type Reading, readParts } from "../../../plugins/norion/reader.ts";
import { schedule, type ScheduleOptions } from "../../../plugins/norion/recursion.ts";
import { estimateTokens } from "../../../plugins/norion/text.ts";
import { counting, flaky, needle, OPTIONS, readAll, strewn } from "./reading_tasks.ts";

const readBy = <A>(text: string, options: ScheduleOptions, reader: PartReader<A, string>): Promise<Reading<A>> =>
  Effect.runPromise(readParts(text, schedule(text, options), reader, { retries: 0 }));

const read = <A>(text: string, reader: PartReader<A, string>, retries = 0): Promise<Reading<A>> =>
  Effect.runPromise(readParts(text, schedule(text, OPTIONS), reader, { retries }));

for (const power of [13, 15, 17, 20]) {
  Deno.test(`a needle, a count and a join over 2^${power} tokens are found, for the predicted calls`, async () => {
    const { text, outcomes, calls } = await readAll(power, power);
    assert.deepEqual(outcomes, { needle: "right", count: "right", join: "right" });
    assert.ok(calls.spent <= Math.ceil(1.1 * Math.ceil(estimateTokens(text) / OPTIONS.window)), `${calls.spent}`);
    assert.equal(calls.spent, calls.planned);
  });
}

Deno.test("parts overlap and cover the text, waves are as wide as allowed and barriers, merges read a window full, and calls are capped (20.79)", async () => {
  const draw = random(79);
  const text = strewn(draw, 20_000, []);
  for (const [parallel, overlap, partial] of [[1, 0, 512], [3, 1 / 8, 200], [8, 1 / 4, 32]] as const) {
    const options = { ...OPTIONS, parallel, overlap, partial };
    const made = schedule(text, options);
    assert.equal(made.chunks[0].from, 0);
    assert.equal(made.chunks.at(-1)!.to, text.length);
    made.chunks.slice(1).forEach(({ from, to }, i) => {
      const before = made.chunks[i];
      const shared = before.to - from;
      assert.ok(from < to && shared >= 0 && shared <= overlap * (before.to - before.from) + 1, `${shared}`);
      assert.ok(overlap === 0 || shared > 0);
    });
    const fanIn = Math.max(2, Math.floor(options.window / partial));
    let width = made.chunks.length;
    for (const round of made.rounds) {
      assert.equal(round.length, Math.ceil(width / fanIn));
      assert.deepEqual(round.flatMap(({ inputs }) => inputs), Array.from({ length: width }, (_, i) => i));
      width = round.length;
    }
    assert.equal(width, 1);
    assert.equal(made.calls, made.chunks.length + made.rounds.flat().length);
    let [running, most] = [0, 0];
    const order: number[] = [];
    const reading = await readBy(text, options, {
      read: ({ chunk }) =>
        Effect.gen(function* () {
          most = Math.max(most, ++running);
          yield* Effect.sleep(`${1 + chunk.index % 3} millis`);
          running--;
          order.push(chunk.index);
          return 1;
        }),
      merge: (partials) => Effect.succeed(partials.reduce((a, b) => a + b, 0)),
    });
    assert.deepEqual([reading.answer, reading.calls], [made.chunks.length, made.calls]);
    assert.equal(most, Math.min(parallel, made.chunks.length));
    order.forEach((index, at) => assert.equal(Math.floor(index / parallel), Math.floor(at / parallel), "a barrier"));
    assert.equal(schedule(text, { ...options, maxCalls: made.calls }).calls, made.calls);
    assert.throws(() => schedule(text, { ...options, maxCalls: made.calls - 1 }), { code: "NORION_REQUEST" });
  }
});

Deno.test("a reader whose answers are nothing is not a reader that failed", async () => {
  const text = strewn(random(5), 8192, []);
  let merged = 0;
  const reading = await read(text, {
    read: () => Effect.succeed(undefined),
    merge: (partials: ReadonlyArray<undefined>) => Effect.sync(() => void (merged += partials.length)),
  });
  assert.ok("answer" in reading && merged >= schedule(text, OPTIONS).chunks.length);
  assert.deepEqual(reading.unread, []);
});

Deno.test("a reader that fails one call in twenty gives the right answer or says what it did not read", async () => {
  let complete = 0;
  for (let seed = 0; seed < 60; seed++) {
    const draw = random(seed);
    const text = strewn(draw, 2 ** 14, Array.from({ length: 40 }, () => "[item]"));
    const reading = await read(text, flaky(counting, 0.05, draw.split("faults")), seed % 2);
    if (reading.unread.length > 0) {
      assert.ok(reading.unread.every(({ from, to, reason }) => from < to && reason === "lost"));
      continue;
    }
    complete++;
    assert.equal(reading.answer, 40);
  }
  assert.ok(complete >= 30, `${complete} complete`);
});

Deno.test("a reader that always fails gives no answer and names the whole input", async () => {
  const text = strewn(random(1), 4096, []);
  const reading = await read(text, flaky(counting, 1.1, random(2)), 2);
  assert.equal(reading.answer, undefined);
  assert.equal(reading.unread[0].from, 0);
  assert.equal(reading.unread.at(-1)!.to, text.length);
});

Deno.test("partial answers are merged in the order of the text, whatever order they came in", async () => {
  const text = strewn(random(3), 8192, Array.from({ length: 9 }, (_, i) => `[code ${i}]`));
  const slow: PartReader<ReadonlyArray<string>, string> = {
    ...needle,
    read: (part) => Effect.delay(needle.read(part), `${(7 - part.chunk.index % 8) * 3} millis`),
  };
  const expected = [...text.matchAll(/\[code (\d)\]/gu)].map(([, code]) => code);
  assert.deepEqual((await read(text, slow)).answer, expected);
});
