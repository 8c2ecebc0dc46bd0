/**
 * Attempting: from functions that throw failures of this room and of those it builds on, to effects that carry them.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { type FailureOf, isFailure } from "../../kernel/failure.ts";
import type { IrFailure } from "../ir/contract.ts";
import type { NeuralFailure } from "./failures.ts";

/** What a network that is built, differentiated or read may be refused with. */
export type BuildingFailure = NeuralFailure | IrFailure | FailureOf<`RMIL_${string}`>;

/** Runs a function; what it throws as a failure is the effect's failure, anything else stays a defect. */
export const attempting = <A>(run: () => A): Effect.Effect<A, BuildingFailure> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(run());
    } catch (thrown) {
      if (isFailure(thrown)) return Effect.fail(thrown as BuildingFailure);
      throw thrown;
    }
  });
