/**
 * Reader: carries a reading schedule out: parts side by side in waves, then rounds of merging.
 *
 * Not the schedule (recursion.ts) and not a model: both are given.
 * Invariant: what was predicted is what is spent unless calls fail; a part that could not be read is named in the
 * answer and never passed over; partial answers are merged in the order of the text whatever order they came in.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type { Chunk, Schedule } from "./recursion.ts";

/** A part as a reader sees it. */
export interface Part {
  /** Its place in the schedule. */
  readonly chunk: Chunk;
  /** Its text. */
  readonly text: string;
  /** One past the last character that is this part's own; what follows is the next part's too. */
  readonly ownTo: number;
}

/** What reads parts and puts partial answers together. Each call of either is one call of a model. */
export interface PartReader<A, E, R = never> {
  /** Reads one part. */
  readonly read: (part: Part) => Effect.Effect<A, E, R>;
  /** Puts neighbouring partial answers together, in the order of the text; the last merge gives the whole answer. */
  readonly merge: (partials: ReadonlyArray<A>, isLast: boolean) => Effect.Effect<A, E, R>;
}

/** A stretch of the input that could not be read. */
export interface Unread {
  /** First character. */
  readonly from: number;
  /** One past the last. */
  readonly to: number;
  /** Why, by the last failure. */
  readonly reason: string;
}

/** What a reading came to. */
export interface Reading<A> {
  /** The answer; absent where no part could be read or a merge failed. */
  readonly answer?: A;
  /** Stretches the answer does not know of; empty for a complete answer. */
  readonly unread: ReadonlyArray<Unread>;
  /** Calls made, failed ones included. */
  readonly calls: number;
  /** Tokens of parts that were read, failed calls included. */
  readonly readTokens: number;
}

/** How failures are met. */
export interface ReaderOptions {
  /** Times a failed call is made again. */
  readonly retries: number;
  /** Says a failure in words. */
  readonly reasonOf?: (failure: unknown) => string;
}

interface Piece<A> {
  readonly answer?: A;
  readonly unread: ReadonlyArray<Unread>;
}

const partsOf = (text: string, { chunks }: Schedule): ReadonlyArray<Part> =>
  chunks.map((chunk, i) => ({
    chunk,
    text: text.slice(chunk.from, chunk.to),
    ownTo: chunks[i + 1]?.from ?? chunk.to,
  }));

/**
 * Reads a text by a schedule.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect";
 * import { readParts } from "./reader.ts";
 * import { schedule } from "./recursion.ts";
 * import assert from "node:assert/strict";
 *
 * const text = "a needle. ".repeat(50);
 * const made = schedule(text, { window: 20, overlap: 0, partial: 4, parallel: 2, maxCalls: 99 });
 * const reading = await Effect.runPromise(readParts(text, made, {
 *   read: ({ text }) => Effect.succeed(text.split("needle").length - 1),
 *   merge: (counts) => Effect.succeed(counts.reduce((a, b) => a + b, 0)),
 * }, { retries: 0 }));
 * assert.equal(reading.answer, 50);
 * assert.equal(reading.calls, made.calls);
 * ```
 */
export const readParts = <A, E, R>(
  text: string,
  schedule: Schedule,
  reader: PartReader<A, E, R>,
  options: ReaderOptions,
): Effect.Effect<Reading<A>, never, R> =>
  Effect.gen(function* () {
    let calls = 0;
    let readTokens = 0;
    const reasonOf = options.reasonOf ?? String;

    const attempt = (
      tokens: number,
      call: Effect.Effect<A, E, R>,
    ): Effect.Effect<{ readonly answer: A } | { readonly reason: string }, never, R> =>
      Effect.gen(function* () {
        let reason = "";
        for (let tries = 0; tries <= options.retries; tries++) {
          calls++;
          readTokens += tokens;
          const made = yield* call.pipe(
            Effect.map((answer) => ({ answer })),
            Effect.catch((failure) => Effect.succeed({ reason: reasonOf(failure) })),
          );
          if ("answer" in made) return made;
          reason = made.reason;
        }
        return { reason };
      });

    const parts = partsOf(text, schedule);
    let pieces: ReadonlyArray<Piece<A>> = [];
    for (const wave of schedule.waves) {
      const read = yield* Effect.forEach(
        wave,
        (index) =>
          Effect.map(attempt(parts[index].chunk.tokens, reader.read(parts[index])), (made): Piece<A> =>
            "answer" in made ? { answer: made.answer, unread: [] } : {
              unread: [{ from: parts[index].chunk.from, to: parts[index].ownTo, reason: made.reason }],
            }),
        { concurrency: "unbounded" },
      );
      pieces = [...pieces, ...read];
    }

    for (const [at, round] of schedule.rounds.entries()) {
      const isLast = at === schedule.rounds.length - 1;
      const merged: Array<Piece<A>> = [];
      for (const { inputs } of round) {
        const taken = inputs.map((index) =>
          pieces[index]
        );
        const unread = taken.flatMap((piece) => piece.unread);
        const answers = taken.flatMap((piece) => "answer" in piece ? [piece.answer as A] : []);
        if (answers.length === 0) {
          merged.push({ unread });
          continue;
        }
        const made = yield* attempt(0, reader.merge(answers, isLast));
        // A merge that failed loses what it was to put together; the whole stretch is unread then.
        merged.push(
          "answer" in made ? { answer: made.answer, unread } : {
            unread: [{ from: 0, to: text.length, reason: made.reason }],
          },
        );
      }
      pieces = merged;
    }
    const [piece] = pieces;
    return { ...piece, calls, readTokens };
  });
