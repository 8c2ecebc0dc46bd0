/**
 * Calm: whether genes may be edited at all now, by how the latest windows of requests went.
 *
 * Not drift of a single gene (health.ts): a thermostat over all of them.
 * Invariant: pure; a breach must last before anything is paused, quiet must last before it goes on, and an emergency
 * stops at once. It only ever withholds.
 *
 * @module
 */
import type { Policy } from "./policy.ts";

/** What one window of requests showed. Shares are 0..1. */
export interface CalmWindow {
  /** Mean load of the device. */
  readonly pressure: number;
  /** Edits rejected, of those judged. */
  readonly rejection: number;
  /** Edits rolled back, of those applied. */
  readonly rollback: number;
  /** Edits that quarantine, of those applied. */
  readonly quarantine: number;
  /** Edits that wait for a person. */
  readonly approvals: number;
}

/** What is remembered of earlier windows. */
export interface CalmState {
  /** Windows of overload in a row. */
  readonly breaches: number;
  /** Quiet windows in a row. */
  readonly quiet: number;
  /** How things stand. */
  readonly verdict: CalmVerdict;
}

/** How things stand. */
export type CalmVerdict = "normal" | "slower" | "paused" | "review" | "emergency";

/** Nothing happened yet. */
export const CALM: CalmState = { breaches: 0, quiet: 0, verdict: "normal" };

/** What each verdict still allows. */
export const ALLOWS: { readonly [V in CalmVerdict]: { readonly edits: boolean; readonly parallel: boolean } } = {
  normal: { edits: true, parallel: true },
  slower: { edits: true, parallel: false },
  paused: { edits: false, parallel: false },
  review: { edits: false, parallel: true },
  emergency: { edits: false, parallel: false },
};

const overloaded = (window: CalmWindow, policy: Policy): boolean =>
  window.pressure > policy["calm.pressure"] || window.rollback > policy["calm.rollback"] ||
  window.quarantine > policy["calm.quarantine"];

/** How things stand after one more window. */
export const afterWindow = (state: CalmState, window: CalmWindow, policy: Policy): CalmState => {
  const over = overloaded(window, policy);
  const breaches = over ? state.breaches + 1 : 0;
  const quiet = over ? 0 : state.quiet + 1;
  const stopped = !ALLOWS[state.verdict].edits && state.verdict !== "review";
  const verdict: CalmVerdict = Math.max(window.rollback, window.quarantine) >= policy["calm.emergency"]
    ? "emergency"
    : window.approvals > policy["calm.approvals"] || window.rejection > policy["calm.rejection"]
    ? "review"
    : breaches >= policy["calm.breach"]
    ? "paused"
    : stopped && quiet < policy["calm.recovery"]
    ? state.verdict
    : over
    ? "slower"
    : "normal";
  return { breaches, quiet, verdict };
};
