import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { type Random, random } from "../../../kernel/mod.ts";
import { type Part, type PartReader, type Reading, readParts } from "../../../plugins/norion/reader.ts";
import { schedule, type ScheduleOptions } from "../../../plugins/norion/recursion.ts";
import { estimateTokens } from "../../../plugins/norion/text.ts";

const OPTIONS: ScheduleOptions = { window: 1024, overlap: 1 / 64, partial: 32, parallel: 4, maxCalls: 100_000 };

/** A text of about so many tokens: filler with facts strewn in, and what is true of it. */
const strewn = (draw: Random, tokens: number, facts: ReadonlyArray<string>): string => {
  const filler = ["the", "river", "runs", "slowly", "under", "old", "stone", "bridges", "today", "again."];
  const words = Array.from({ length: tokens }, () => draw.pick(filler));
  for (const fact of facts) words[draw.below(words.length)] += ` ${fact}`;
  return words.join(" ");
};

/** Marks that begin in the part's own stretch. */
const marks = (part: Part, pattern: RegExp): ReadonlyArray<RegExpMatchArray> =>
  [...part.text.matchAll(pattern)].filter(({ index }) => part.chunk.from + index! < part.ownTo);

const needle: PartReader<ReadonlyArray<string>, string> = {
  read: (part) => Effect.succeed(marks(part, /\[code (\d+)\]/gu).map(([, code]) => code)),
  merge: (partials) => Effect.succeed(partials.flat()),
};

const counting: PartReader<number, string> = {
  read: (part) => Effect.succeed(marks(part, /\[item\]/gu).length),
  merge: (partials) => Effect.succeed(partials.reduce((sum, count) => sum + count, 0)),
};

type Joined = { readonly left: ReadonlyMap<string, string>; readonly right: ReadonlyMap<string, string> };

/** Who owns a key stands in one place, what the key opens in another: partial answers carry both until they meet. */
const joining: PartReader<Joined, string> = {
  read: (part) =>
    Effect.succeed({
      left: new Map(marks(part, /\[key (\d+) of (\w+)\]/gu).map(([, key, owner]) => [key, owner])),
      right: new Map(marks(part, /\[key (\d+) opens (\w+)\]/gu).map(([, key, door]) => [key, door])),
    }),
  merge: (partials) =>
    Effect.succeed({
      left: new Map(partials.flatMap(({ left }) => [...left])),
      right: new Map(partials.flatMap(({ right }) => [...right])),
    }),
};

const read = <A>(text: string, reader: PartReader<A, string>, retries = 0): Promise<Reading<A>> =>
  Effect.runPromise(readParts(text, schedule(text, OPTIONS), reader, { retries }));

for (const power of [13, 15, 17, 20]) {
  Deno.test(`a needle, a count and a join over 2^${power} tokens are found, for the predicted calls`, async () => {
    const draw = random(power);
    const items = 1 + draw.below(200);
    const pairs = Array.from(
      { length: 12 },
      (_, i) => [`${1000 + i}`, `p${draw.below(99)}`, `d${draw.below(99)}`] as const,
    );
    const text = strewn(draw, 2 ** power, [
      "[code 4711]",
      ...Array.from({ length: items }, () => "[item]"),
      ...pairs.flatMap(([key, owner, door]) => [`[key ${key} of ${owner}]`, `[key ${key} opens ${door}]`]),
    ]);
    const planned = schedule(text, OPTIONS);
    const found = await read(text, needle);
    assert.deepEqual(found.answer, ["4711"]);
    assert.deepEqual([found.calls, found.readTokens, found.unread], [planned.calls, planned.readTokens, []]);
    assert.ok(found.calls <= Math.ceil(1.1 * Math.ceil(estimateTokens(text) / OPTIONS.window)), `${found.calls}`);
    assert.equal((await read(text, counting)).answer, items);
    const joined = (await read(text, joining)).answer!;
    for (const [key, owner, door] of pairs) {
      assert.deepEqual([joined.left.get(key), joined.right.get(key)], [owner, door]);
    }
  });
}

/** A reader some of whose calls fail, by seed. */
const flaky = <A>(reader: PartReader<A, string>, share: number, draw: Random): PartReader<A, string> => ({
  read: (part) => Effect.suspend(() => draw.float() < share ? Effect.fail("lost") : reader.read(part)),
  merge: (partials) => Effect.suspend(() => draw.float() < share ? Effect.fail("lost") : reader.merge(partials)),
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
