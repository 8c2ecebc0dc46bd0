/**
 * Handlers of the operations on runs.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { PROBLEM_NAMES, problemNamed } from "./problems/named.ts";

const listed = () =>
  Effect.succeed({
    problems: PROBLEM_NAMES.map((name) => {
      const { lower, upper, objectives, violation } = problemNamed(name)!;
      return {
        name,
        variables: lower.length,
        objectives,
        constrained: violation !== undefined,
        lower: [...lower],
        upper: [...upper],
      };
    }),
  });

/** The handlers. */
export const runHandlers = { "evolution.problems": listed } as const;
