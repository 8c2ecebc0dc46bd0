/** Tasks on long texts whose answers are known, and readers that are scripts. */
import * as Effect from "effect/Effect";
import { type Random, random } from "../../../kernel/mod.ts";
import { type Part, type PartReader, readParts } from "../../../plugins/norion/reader.ts";
import { schedule, type ScheduleOptions } from "../../../plugins/norion/recursion.ts";

/** How the texts are read. */
export const OPTIONS: ScheduleOptions = { window: 1024, overlap: 1 / 64, partial: 32, parallel: 4, maxCalls: 100_000 };

/** A text of about so many tokens: filler with facts strewn in, and what is true of it. */
export const strewn = (draw: Random, tokens: number, facts: ReadonlyArray<string>): string => {
  const filler = ["the", "river", "runs", "slowly", "under", "old", "stone", "bridges", "today", "again."];
  const words = Array.from({ length: tokens }, () => draw.pick(filler));
  for (const fact of facts) words[draw.below(words.length)] += ` ${fact}`;
  return words.join(" ");
};

/** Marks that begin in the part's own stretch. */
const marks = (part: Part, pattern: RegExp): ReadonlyArray<RegExpMatchArray> =>
  [...part.text.matchAll(pattern)].filter(({ index }) => part.chunk.from + index! < part.ownTo);

/** Finds codes. */
export const needle: PartReader<ReadonlyArray<string>, string> = {
  read: (part) => Effect.succeed(marks(part, /\[code (\d+)\]/gu).map(([, code]) => code)),
  merge: (partials) => Effect.succeed(partials.flat()),
};

/** Counts items. */
export const counting: PartReader<number, string> = {
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

/** A reader some of whose calls fail, by seed. */
export const flaky = <A>(reader: PartReader<A, string>, share: number, draw: Random): PartReader<A, string> => ({
  read: (part) => Effect.suspend(() => draw.float() < share ? Effect.fail("lost") : reader.read(part)),
  merge: (partials, isLast) =>
    Effect.suspend(() => draw.float() < share ? Effect.fail("lost") : reader.merge(partials, isLast)),
});

/** How an answer compares with the truth: `unknown` where stretches are named that were not read. */
export type Outcome = "right" | "unknown" | "wrong";

/** What reading one text for all three tasks came to. */
export interface Outcomes {
  /** The text. */
  readonly text: string;
  /** By task. */
  readonly outcomes: { readonly needle: Outcome; readonly count: Outcome; readonly join: Outcome };
  /** Calls and tokens of one task. */
  readonly calls: { readonly planned: number; readonly spent: number };
  /** Tokens of one task. */
  readonly tokens: { readonly planned: number; readonly spent: number };
}

const PAIRS = 12;
const MOST_ITEMS = 200;

/** Reads a text of 2^power tokens for a needle, a count and a join, by a reader that loses a share of its calls. */
export const readAll = async (power: number, seed: number | string, lost = 0, retries = 0): Promise<Outcomes> => {
  const draw = random(seed);
  const items = 1 + draw.below(MOST_ITEMS);
  const pairs = Array.from(
    { length: PAIRS },
    (_, i) => [`${1000 + i}`, `p${draw.below(99)}`, `d${draw.below(99)}`] as const,
  );
  const text = strewn(draw, 2 ** power, [
    "[code 4711]",
    ...Array.from({ length: items }, () => "[item]"),
    ...pairs.flatMap(([key, owner, door]) => [`[key ${key} of ${owner}]`, `[key ${key} opens ${door}]`]),
  ]);
  const planned = schedule(text, OPTIONS);
  const faults = draw.split("faults");
  const read = <A>(reader: PartReader<A, string>) =>
    Effect.runPromise(readParts(text, planned, lost > 0 ? flaky(reader, lost, faults) : reader, { retries }));
  const judge = (unread: ReadonlyArray<unknown>, right: boolean): Outcome =>
    unread.length > 0 ? "unknown" : right ? "right" : "wrong";
  const found = await read(needle);
  const counted = await read(counting);
  const joined = await read(joining);
  return {
    text,
    outcomes: {
      needle: judge(found.unread, found.answer?.length === 1 && found.answer[0] === "4711"),
      count: judge(counted.unread, counted.answer === items),
      join: judge(
        joined.unread,
        pairs.every(([key, owner, door]) =>
          joined.answer?.left.get(key) === owner && joined.answer.right.get(key) === door
        ),
      ),
    },
    calls: { planned: planned.calls, spent: found.calls },
    tokens: { planned: planned.readTokens, spent: found.readTokens },
  };
};
