/**
 * Work: computations that nest without the engine's stack, give way at every step and may ask for an effect.
 *
 * Not a scheduler: one work runs at a time, and the caller decides when it goes on.
 * Invariant: nesting costs heap, bounded by {@link MAX_NESTED_WORK}; a failure carries the path of the work it arose in.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { type Failure, inSlices, isFailure, located } from "../../../kernel/mod.ts";
import { outOfMemory } from "./failures.ts";
import type { RunValue } from "./run_value.ts";

/** Most works that wait for one another. */
export const MAX_NESTED_WORK = 100_000;

/** Turns between two points at which a run gives way. */
const TURNS_PER_PAUSE = 64;

/** What a work yields: another work to run first, an effect to run first, or nothing, to give way. */
export type Request = Nested | Asked | undefined;

/** The steps of a work; `yield` of a request answers with its value. */
export type Steps<A = RunValue> = Generator<Request, A, RunValue>;

/** A work inside another. */
export interface Nested {
  /** Its steps. */
  readonly steps: Steps;
  /** Path of the expression it evaluates. */
  readonly path: string;
}

/** An effect that a work waits for. */
export interface Asked {
  /** The effect. */
  readonly effect: Effect.Effect<RunValue, Failure>;
  readonly path?: undefined;
}

type Outcome =
  | { readonly value: RunValue }
  | { readonly failure: Failure }
  | { readonly effect: Effect.Effect<RunValue, Failure> };

/** Runs a work until it ends, fails or asks. */
function* advance(stack: Nested[], first: RunValue | undefined): Generator<void, Outcome> {
  let answer = first;
  let turns = 0;
  for (;;) {
    const top = stack[stack.length - 1];
    let turn: IteratorResult<Request, RunValue>;
    try {
      if (stack.length > MAX_NESTED_WORK) throw outOfMemory({ what: "nested evaluations", limit: MAX_NESTED_WORK });
      turn = top.steps.next(answer as RunValue);
    } catch (thrown) {
      if (!isFailure(thrown)) throw thrown;
      return { failure: located(thrown, top.path) };
    }
    answer = undefined;
    if (turn.done) {
      stack.pop();
      if (stack.length === 0) return { value: turn.value };
      answer = turn.value;
    } else if (turn.value === undefined) yield;
    else if ("effect" in turn.value) return { effect: turn.value.effect };
    else stack.push(turn.value);
    if (++turns % TURNS_PER_PAUSE === 0) yield;
  }
}

/** Runs a work to its end, in slices. */
export const runWork = (work: Nested): Effect.Effect<RunValue, Failure> =>
  Effect.suspend(() => {
    const stack: Nested[] = [work];
    const proceed = (answer: RunValue | undefined): Effect.Effect<RunValue, Failure> =>
      Effect.flatMap(inSlices(() => advance(stack, answer)), (outcome) => {
        if ("value" in outcome) return Effect.succeed(outcome.value);
        if ("failure" in outcome) return Effect.fail(outcome.failure);
        const { path } = stack[stack.length - 1];
        return Effect.flatMap(Effect.mapError(outcome.effect, (failure) => located(failure, path)), proceed);
      });
    return proceed(undefined);
  });

/** Runs a work that asks for nothing to its end at once; throws its failure, and answers what it asked for instead. */
export const runWorkNow = (work: Nested): RunValue | Asked => {
  const steps = advance([work], undefined);
  for (;;) {
    const turn = steps.next();
    if (!turn.done) continue;
    if ("failure" in turn.value) throw turn.value.failure;
    return "value" in turn.value ? turn.value.value : { effect: turn.value.effect };
  }
};
