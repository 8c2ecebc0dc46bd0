/**
 * Drift: whether the quality of requests has fallen below what it used to be, and what may still be written then.
 *
 * Invariant: one bad request blocks its own writes; only a sustained fall rolls learned state back. Quality that nobody
 * from outside measured is no measurement: it can block, and never moves the sum. The alarm is a cumulative sum, so its
 * rate of false alarms is that of the chart with these parameters (measured by acceptance).
 * Source: Page, "Continuous inspection schemes", 1954.
 *
 * @module
 */
import { type Policy, unit } from "../policy.ts";
import type { Issue } from "./checks.ts";
import type { Weighed } from "./evidence.ts";

/** What is remembered of earlier requests: how far quality lies below its reference, summed up. */
export interface DriftState {
  /** The sum; 0 while nothing is wrong. */
  readonly sum: number;
  /** Requests since it was last 0. */
  readonly run: number;
}

/** Nothing is wrong. */
export const STEADY: DriftState = { sum: 0, run: 0 };

/** How things stand. */
export type DriftVerdict = "stable" | "watch" | "block" | "rollback";

/** What a verdict allows. */
export interface Permissions {
  /** Whether the request may add to memory. */
  readonly memory: boolean;
  /** Whether a backend's caches may be kept. */
  readonly cache: boolean;
  /** Whether learned state may move by this request. */
  readonly learning: boolean;
  /** Whether learned state goes back to its last mark. */
  readonly restore: boolean;
}

/** What each verdict allows. */
export const PERMISSIONS: { readonly [V in DriftVerdict]: Permissions } = {
  stable: { memory: true, cache: true, learning: true, restore: false },
  watch: { memory: true, cache: false, learning: true, restore: false },
  block: { memory: false, cache: false, learning: false, restore: false },
  rollback: { memory: false, cache: false, learning: false, restore: true },
};

/** The sum after one more request: it grows by what quality lacks of reference less slack, and never falls below 0. */
export const accumulate = (state: DriftState, quality: number, policy: Policy): DriftState => {
  const sum = Math.max(0, state.sum + policy["drift.reference"] - policy["drift.slack"] - unit(quality));
  return sum === 0 ? STEADY : { sum, run: state.run + 1 };
};

/** The verdict on a request, and how things stand after it. An alarm starts the sum anew. */
export const judgeDrift = (
  state: DriftState,
  { quality, proven }: Weighed,
  issues: ReadonlyArray<Issue>,
  policy: Policy,
): { readonly verdict: DriftVerdict; readonly state: DriftState } => {
  const next = proven ? accumulate(state, quality, policy) : state;
  if (next.sum >= policy["drift.alarm"]) return { verdict: "rollback", state: STEADY };
  const critical = issues.some(({ severity }) => severity === "critical");
  if (critical || quality < policy["drift.block"]) return { verdict: "block", state: next };
  return { verdict: quality < policy["drift.watch"] ? "watch" : "stable", state: next };
};
