/**
 * Attempting with data: like attempting.ts, where functions of the neural room throw failures too.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { isNeuralFailure, type NeuralFailure } from "../neural/library.ts";
import { type EvolutionFailure, isEvolutionFailure } from "./failures.ts";

/** Runs a function; what it throws as a failure of either room is the effect's failure, anything else stays a defect. */
export const attemptingWithData = <A>(run: () => A): Effect.Effect<A, EvolutionFailure | NeuralFailure> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(run());
    } catch (thrown) {
      if (isEvolutionFailure(thrown) || isNeuralFailure(thrown)) return Effect.fail(thrown);
      throw thrown;
    }
  });
