/**
 * Recursion: how an input that is longer than a window is read in parts and the answers are put together.
 *
 * Not the calls themselves (reader.ts): here is the whole schedule, with its cost, before anything runs.
 * Invariant: chunks cover the input in order without a gap, no chunk or merge is larger than the window, and the calls
 * that are predicted are the calls that are made.
 *
 * @module
 */
import { badRequest } from "./failures.ts";
import type { Policy } from "./policy.ts";
import { estimateTokens, tokenCounter } from "./text.ts";

/** A stretch of the input. */
export interface Chunk {
  /** Its number. */
  readonly index: number;
  /** First character. */
  readonly from: number;
  /** One past the last character. */
  readonly to: number;
  /** Tokens it counts as. */
  readonly tokens: number;
}

/** A merge of neighbouring partial answers. */
export interface Merge {
  /** Which round it belongs to, from 0. */
  readonly round: number;
  /** Numbers of what it reads: chunks in round 0, merges of the round before later on. */
  readonly inputs: ReadonlyArray<number>;
}

/** How an input is read. */
export interface Schedule {
  /** Whether one call is enough. */
  readonly single: boolean;
  /** The parts. */
  readonly chunks: ReadonlyArray<Chunk>;
  /** The parts that run side by side, wave by wave. */
  readonly waves: ReadonlyArray<ReadonlyArray<number>>;
  /** How partial answers are put together, round by round. */
  readonly rounds: ReadonlyArray<ReadonlyArray<Merge>>;
  /** Calls of the model in all. */
  readonly calls: number;
  /** Tokens read by all calls for the parts. */
  readonly readTokens: number;
}

/** What a schedule is made for. */
export interface ScheduleOptions {
  /** Tokens of one call's input. */
  readonly window: number;
  /** Tokens of a call that are no part of the text: what is told with every part, and with every merge; 0 where absent. */
  readonly beside?: number;
  /** Share of a chunk that repeats the end of the one before. */
  readonly overlap: number;
  /** Tokens of a partial answer: a merge reads as many as fit the window, two at least. */
  readonly partial: number;
  /** Calls side by side. */
  readonly parallel: number;
  /** Most calls. */
  readonly maxCalls: number;
}

/** The options that a policy gives. */
export const scheduleOptions = (policy: Policy, window: number, parallel: number): ScheduleOptions => ({
  window,
  overlap: policy["recursion.overlap"],
  partial: policy["recursion.partial"],
  parallel,
  maxCalls: policy["recursion.calls"],
});

/** Ends of lines and sentences, in both scripts. */
const BOUNDARY = /\n+|[.!?;\u3002\uff01\uff1f\uff1b]\s?/gu;

/** A cut looks back this share of a chunk for a place between sentences; every token given up here is read again. */
const LOOK_BACK = 1 / 64;

/** A place, or the one before it where it lies between the halves of a surrogate pair. */
const whole = (text: string, at: number): number => {
  const before = text.charCodeAt(at - 1);
  return before >= 0xd800 && before <= 0xdbff && at < text.length ? at - 1 : at;
};

/** Where the longest stretch of a text from a place on ends that counts as at most so many tokens; one character at least. */
const fit = (text: string, from: number, tokens: number): number => {
  const counter = tokenCounter();
  let at = from;
  while (at < text.length) {
    const point = text.codePointAt(at)!;
    if (counter(point) > tokens && at > from) return at;
    at += point > 0xffff ? 2 : 1;
  }
  return at;
};

const boundaryBefore = (text: string, from: number, to: number): number => {
  const least = to - Math.floor((to - from) * LOOK_BACK);
  let found = to;
  for (const match of text.slice(least, to).matchAll(BOUNDARY)) found = least + match.index + match[0].length;
  return found;
};

const chunksOf = (text: string, tokens: number, overlap: number): ReadonlyArray<Chunk> => {
  const chunks: Chunk[] = [];
  let from = 0;
  while (from < text.length) {
    const most = fit(text, from, tokens);
    const to = most >= text.length ? text.length : boundaryBefore(text, from, most);
    chunks.push({ index: chunks.length, from, to, tokens: estimateTokens(text.slice(from, to)) });
    if (to >= text.length) break;
    const next = whole(text, to - Math.floor((to - from) * overlap));
    from = next > from ? next : to;
  }
  return chunks;
};

const roundsOf = (count: number, fanIn: number): ReadonlyArray<ReadonlyArray<Merge>> => {
  const rounds: Array<ReadonlyArray<Merge>> = [];
  for (let left = count; left > 1;) {
    const groups = Math.ceil(left / fanIn);
    const width = left;
    rounds.push(Array.from({ length: groups }, (_, group) => ({
      round: rounds.length,
      inputs: Array.from({ length: Math.min(fanIn, width - group * fanIn) }, (_, i) => group * fanIn + i),
    })));
    left = groups;
  }
  return rounds;
};

const inGroups = <A>(items: ReadonlyArray<A>, size: number): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));

/** Plans how a text is read; throws `NORION_REQUEST` where it would take too many calls. */
export const schedule = (text: string, options: ScheduleOptions): Schedule => {
  const tokens = estimateTokens(text);
  if (tokens <= options.window) {
    const chunk: Chunk = { index: 0, from: 0, to: text.length, tokens };
    return { single: true, chunks: [chunk], waves: [[0]], rounds: [], calls: 1, readTokens: tokens };
  }
  // A window that is all instructions reads nothing: half of it is always the text's.
  const room = Math.max(Math.ceil(options.window / 2), options.window - (options.beside ?? 0));
  const chunks = chunksOf(text, room, options.overlap);
  const rounds = roundsOf(chunks.length, Math.max(2, Math.floor(room / options.partial)));
  const calls = chunks.length + rounds.reduce((sum, round) => sum + round.length, 0);
  if (calls > options.maxCalls) {
    throw badRequest({
      reason: `it would take ${calls} calls to read ${tokens} tokens through a window of ${options.window}`,
      expected: `at most ${options.maxCalls} calls`,
      actual: `${calls} calls`,
    });
  }
  return {
    single: false,
    chunks,
    waves: inGroups(chunks.map((chunk) => chunk.index), options.parallel),
    rounds,
    calls,
    readTokens: chunks.reduce((sum, chunk) => sum + chunk.tokens, 0),
  };
};
