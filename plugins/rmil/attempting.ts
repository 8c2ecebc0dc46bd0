/**
 * Attempting: from this room's functions, which throw their failures, to effects, which carry them.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { type Failure, type FailureOf, inSlices, isFailure } from "../../kernel/mod.ts";

/** Runs a computation of this room in slices; what it throws as a failure is the effect's failure. */
export const attemptingSteps = <A, E extends Failure = FailureOf<`RMIL_${string}`>>(
  run: () => Generator<void, A>,
): Effect.Effect<A, E> =>
  Effect.flatten(inSlices(function* (): Generator<void, Effect.Effect<A, E>> {
    try {
      return Effect.succeed(yield* run());
    } catch (thrown) {
      if (isFailure(thrown)) return Effect.fail(thrown as E);
      throw thrown;
    }
  }));

/** Runs a function of this room; what it throws as a failure is the effect's failure, anything else stays a defect. */
export const attempting = <A, E extends Failure = FailureOf<`RMIL_${string}`>>(run: () => A): Effect.Effect<A, E> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(run());
    } catch (thrown) {
      if (isFailure(thrown)) return Effect.fail(thrown as E);
      throw thrown;
    }
  });
