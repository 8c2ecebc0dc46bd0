/**
 * Budget: what a training may use, and when it has used it.
 *
 * Not the kernel's account of a call, which a training runs within. Energy is an estimate: operations times a stated
 * number of joules, since no portable meter exists.
 * Invariant: a limit is looked at before a step, so at most one step's worth passes it.
 *
 * @module
 */
import type { StopCause } from "./events.ts";

/** What a training may use; what is absent is not bounded. */
export interface FitBudget {
  /** Steps of the whole run, those before a resume included. */
  readonly steps?: number;
  /** Milliseconds, those before a resume included. */
  readonly wallMs?: number;
  /** Floating-point operations by count. */
  readonly flops?: number;
  /** Joules by estimate. */
  readonly joules?: number;
  /** Joules that one operation is said to take; {@link JOULES_PER_FLOP} where absent. */
  readonly joulesPerFlop?: number;
}

/** Joules of one operation where nothing is said: a desktop core at 30 W and 30 GFLOP/s. */
export const JOULES_PER_FLOP = 1e-9;

/** What was used. */
export interface Used {
  /** Steps. */
  readonly steps: number;
  /** Milliseconds. */
  readonly wallMs: number;
  /** Operations. */
  readonly flops: number;
}

/** Joules of some operations, by estimate. */
export const joulesOf = (flops: number, { joulesPerFlop = JOULES_PER_FLOP }: FitBudget = {}): number =>
  flops * joulesPerFlop;

/** Why no further step may be taken; `undefined` while one may. */
export const exhausted = (budget: FitBudget, used: Used): StopCause | undefined => {
  const axes = [
    ["steps", used.steps],
    ["wallMs", used.wallMs],
    ["flops", used.flops],
    ["joules", joulesOf(used.flops, budget)],
  ] as const;
  for (const [axis, amount] of axes) {
    const limit = budget[axis];
    if (limit !== undefined && amount >= limit) return { kind: "budget", axis, limit };
  }
  return undefined;
};
