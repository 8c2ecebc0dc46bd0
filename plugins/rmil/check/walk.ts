/**
 * Walk: computations of check that nest without the engine's stack.
 *
 * Invariant: nesting and steps are bounded, so that a program that doubles at every call is refused, not followed.
 *
 * @module
 */
import { type Failure, isFailure, located } from "../../../kernel/mod.ts";
import { isIrFailure } from "../../ir/library.ts";
import { outOfMemory, wrongShape } from "../interpreter/failures.ts";
import type { Known, Scope } from "./known.ts";

/** Most evaluations of one check. */
export const MAX_CHECK_STEPS = 1_000_000;

/** Most evaluations that wait for one another. */
export const MAX_CHECK_NESTING = 50_000;

/** The steps of a walk; what it yields is walked first and answers. */
export type Walk<A = Known> = Generator<Entered, A, Known>;

/** A walk with the expression it judges. */
export interface Entered {
  /** Its steps. */
  readonly steps: Walk;
  /** Path of the expression. */
  readonly path: string;
  /** The expression's input. */
  readonly input: Known | undefined;
  /** Names bound around the expression. */
  readonly scope: Scope | undefined;
}

/** Hears of a failure in an expression; what it answers stands for the expression's value. */
export type Recover = (thrown: Failure, entered: Entered) => Known;

/** One turn: the walk's end, what it waits for, or what stands for it after its failure. */
const advance = (
  top: Entered,
  answer: Known | undefined,
  recover: Recover,
): { readonly done: Known } | { readonly next: Entered } => {
  try {
    const turn = top.steps.next(answer as Known);
    return turn.done ? { done: turn.value } : { next: turn.value };
  } catch (thrown) {
    const meant = isIrFailure(thrown) ? wrongShape({ op: "the program", reason: thrown.message }) : thrown;
    if (!isFailure(meant)) throw meant;
    return { done: recover(meant, top) };
  }
};

/** Turns between two points at which a walk gives way. */
const TURNS_PER_PAUSE = 64;

/** Runs a computation that gives way to its end, without giving way. */
export const atOnce = <A>(steps: Generator<void, A>): A => {
  for (;;) {
    const turn = steps.next();
    if (turn.done) return turn.value;
  }
};

/** Walks to the end, over failures, giving way now and then; throws where the walk itself is too long or too deep. */
export function* drive(first: Entered, recover: Recover): Generator<void, Known> {
  const stack: Entered[] = [first];
  let answer: Known | undefined;
  for (let steps = 0;; steps++) {
    const top = stack[stack.length - 1];
    if (steps > MAX_CHECK_STEPS) {
      throw located(outOfMemory({ what: "steps of the check", limit: MAX_CHECK_STEPS }), top.path);
    }
    if (stack.length > MAX_CHECK_NESTING) {
      throw located(outOfMemory({ what: "nested expressions", limit: MAX_CHECK_NESTING }), top.path);
    }
    if (steps % TURNS_PER_PAUSE === TURNS_PER_PAUSE - 1) yield;
    const turn = advance(top, answer, recover);
    answer = undefined;
    if ("next" in turn) {
      stack.push(turn.next);
      continue;
    }
    stack.pop();
    if (stack.length === 0) return turn.done;
    answer = turn.done;
  }
}
