/**
 * Judging: who may judge the answer to a request, and that each looks at a thing once.
 *
 * Not the judges (validators.ts).
 * Invariant: a program of the host judges only where the genes of the request allow commands; what mends a draft and what
 * judges it are one look at it.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { badRequest, type NorionFailure } from "../failures.ts";
import type { Plan } from "../plan.ts";
import type { Judges, Materials } from "./validators.ts";

/** A program of the host judges only where the genes of the request allow commands. */
export const mayJudge = ({ tools, profile }: Plan, { program }: Materials): Effect.Effect<void, NorionFailure> =>
  program === undefined || tools.includes("command") ? Effect.void : Effect.fail(badRequest({
    reason: `the genes of ${profile} allow no commands, so the program ${program} may not judge its answer`,
    path: "/check/program",
    expected: "a profile whose genes allow commands, as coding",
    actual: profile,
  }));

/** Looks at each module once: a draft that is mended by what it complains of is judged by the same look. */
const onceEach = <A, E>(look: (module: { readonly source: string }) => Effect.Effect<A, E>): typeof look => {
  const ran = new Map<string, Effect.Effect<A, E>>();
  return ({ source }) =>
    Effect.gen(function* () {
      const before = ran.get(source);
      if (before !== undefined) return yield* before;
      const result = yield* Effect.result(look({ source }));
      const now = Result.isSuccess(result) ? Effect.succeed(result.success) : Effect.fail(result.failure);
      ran.set(source, now);
      return yield* now;
    });
};

/** Judges that look at each thing once. */
export const lookingOnce = <R>(judges: Judges<R>): Judges<R> => {
  const { trial, types } = judges;
  return {
    ...judges,
    ...(trial === undefined ? {} : { trial: onceEach(trial) }),
    ...(types === undefined ? {} : { types: onceEach(types) }),
  };
};
