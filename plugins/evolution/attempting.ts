/**
 * Attempting: from functions that throw failures of this room to effects that carry them.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { type EvolutionFailure, isEvolutionFailure } from "./failures.ts";

/** Runs a function; what it throws as a failure is the effect's failure, anything else stays a defect. */
export const attempting = <A>(run: () => A): Effect.Effect<A, EvolutionFailure> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(run());
    } catch (thrown) {
      if (isEvolutionFailure(thrown)) return Effect.fail(thrown);
      throw thrown;
    }
  });
