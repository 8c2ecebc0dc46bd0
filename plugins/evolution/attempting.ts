/**
 * Attempting: from functions that throw failures of this room to effects that carry them.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { Failure, fieldsOf } from "../../kernel/failure.ts";
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

/** Runs a function; a failure that it throws stands at another place of the input. */
export const placed = <A>(place: (path: string) => string, run: () => A): A => {
  try {
    return run();
  } catch (thrown) {
    if (!isEvolutionFailure(thrown)) throw thrown;
    throw new Failure({ ...fieldsOf(thrown), path: place(thrown.path) } as never);
  }
};
