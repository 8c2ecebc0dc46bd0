/**
 * Slices: long synchronous work that stays interruptible. A generator yields where it may be paused; the runner gives
 * the event loop a turn whenever a slice has used its time, so interruption and budgets act within it.
 *
 * Not parallelism (see workers) and not for code we did not write: only a generator that yields can be paused.
 * Invariant: between two turns of the event loop at most `SLICE_MS` and one step of the generator pass.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { monotonicMs, nextTurn } from "./platform/clock.ts";

/** Longest stretch of synchronous work between two turns of the event loop. */
export const SLICE_MS = 15;

/** A turn of the event loop: timers and messages are handled before the work goes on. */
export const turn: Effect.Effect<void> = Effect.callback<void>((resume) => {
  const cancel = nextTurn(() => resume(Effect.void));
  return Effect.sync(cancel);
});

/**
 * Runs a generator to its return value, in slices. Exceptions it throws are defects; interruption closes it, so its
 * `finally` blocks run.
 *
 * @example
 * ```ts
 * import { inSlices } from "@rmi/rmi/kernel";
 * import * as Effect from "effect/Effect";
 * import assert from "node:assert/strict";
 * const sum = function* (n: number): Generator<void, number> {
 *   let total = 0;
 *   for (let i = 1; i <= n; i++) {
 *     total += i;
 *     yield;
 *   }
 *   return total;
 * };
 * assert.equal(await Effect.runPromise(inSlices(() => sum(100))), 5050);
 * ```
 */
export const inSlices = <A>(start: () => Generator<void, A>): Effect.Effect<A> =>
  Effect.suspend(() => {
    const work = start();
    const slice = Effect.sync(() => {
      const until = monotonicMs() + SLICE_MS;
      for (;;) {
        const next = work.next();
        if (next.done) return next;
        if (monotonicMs() >= until) return undefined;
      }
    });
    const run: Effect.Effect<A> = Effect.flatMap(
      slice,
      (done) => done === undefined ? Effect.flatMap(turn, () => run) : Effect.succeed(done.value),
    );
    return Effect.onInterrupt(run, () => Effect.sync(() => void work.return(undefined as never)));
  });
