/**
 * Walk: computations of check that nest without the engine's stack.
 *
 * Invariant: nesting and steps are bounded, so that a program that doubles at every call is refused, not followed.
 *
 * @module
 */
import { isFailure } from "../../../kernel/mod.ts";
import { isIrFailure } from "../../ir/library.ts";
import { located, outOfMemory, wrongShape } from "../interpreter/failures.ts";
import type { Known } from "./known.ts";

/** Most evaluations of one check. */
export const MAX_CHECK_STEPS = 1_000_000;

/** Most evaluations that wait for one another. */
export const MAX_CHECK_NESTING = 50_000;

/** The steps of a walk; what it yields is walked first and answers. */
export type Walk<A = Known> = Generator<Entered, A, Known>;

/** A walk with the path of its expression. */
export interface Entered {
  /** Its steps. */
  readonly steps: Walk;
  /** Path of the expression. */
  readonly path: string;
}

/** Walks to the end; throws the failure it ends in, with the path of the expression it arose in. */
export const drive = (first: Entered): Known => {
  const stack: Entered[] = [first];
  let answer: Known | undefined;
  for (let steps = 0;; steps++) {
    const top = stack[stack.length - 1];
    try {
      if (steps > MAX_CHECK_STEPS) throw outOfMemory({ what: "steps of the check", limit: MAX_CHECK_STEPS });
      if (stack.length > MAX_CHECK_NESTING) throw outOfMemory({ what: "nested expressions", limit: MAX_CHECK_NESTING });
      const turn = top.steps.next(answer as Known);
      answer = undefined;
      if (turn.done) {
        stack.pop();
        if (stack.length === 0) return turn.value;
        answer = turn.value;
      } else stack.push(turn.value);
    } catch (thrown) {
      const meant = isIrFailure(thrown) ? wrongShape({ op: "the program", reason: thrown.message }) : thrown;
      throw isFailure(meant) ? located(meant, top.path) : meant;
    }
  }
};
