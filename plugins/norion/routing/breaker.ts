/**
 * Breaker: whether a model that failed may be asked again, as a pure state machine over steps.
 *
 * Not a timer: a step is whatever the caller counts, so the same history gives the same answers.
 * Invariant: closed lets calls pass; open lets none pass until its rest is over; half-open lets exactly one pass.
 * Source: Nygard, "Release It!", 2007.
 *
 * @module
 */
import type { Policy } from "../policy.ts";

/** How a model stands. */
export type Breaker =
  | { readonly state: "closed"; readonly failures: number }
  | { readonly state: "open"; readonly until: number; readonly trips: number }
  | { readonly state: "half-open"; readonly trips: number };

/** A model that has not failed. */
export const CLOSED: Breaker = { state: "closed", failures: 0 };

/** Rests double with each trip, up to this many times. */
const MOST_DOUBLINGS = 6;

/** Whether a call may pass at a step, and how the model stands after it was let pass. */
export const admit = (breaker: Breaker, step: number): { readonly pass: boolean; readonly breaker: Breaker } => {
  if (breaker.state === "closed") return { pass: true, breaker };
  if (breaker.state === "half-open") return { pass: false, breaker };
  return step < breaker.until
    ? { pass: false, breaker }
    : { pass: true, breaker: { state: "half-open", trips: breaker.trips } };
};

/** What a call says of the model that was called; a call that was broken off says nothing. */
export type Health = "well" | "ill" | "unknown";

/** How a model stands after a call at a step. */
export const settled = (breaker: Breaker, health: Health, step: number, policy: Policy): Breaker => {
  if (health === "well") return CLOSED;
  // The one call that was let pass has told nothing: another one may.
  if (health === "unknown") return breaker.state === "half-open" ? { ...breaker, state: "open", until: step } : breaker;
  const open = (trips: number): Breaker => ({
    state: "open",
    until: step + policy["breaker.rest"] * 2 ** Math.min(trips, MOST_DOUBLINGS),
    trips: trips + 1,
  });
  if (breaker.state !== "closed") return open(breaker.trips);
  const failures = breaker.failures + 1;
  return failures >= policy["breaker.failures"] ? open(0) : { state: "closed", failures };
};
