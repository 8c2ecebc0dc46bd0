/**
 * Check: what every gate is made of: something that was looked at, and whether it holds.
 *
 * Invariant: a gate says what it looked at and what it did not; it is open only when every check holds.
 *
 * @module
 */

/** One check. */
export interface Check {
  /** What was checked. */
  readonly name: string;
  /** Whether it holds; `hold` where a person should look first. */
  readonly state: "holds" | "fails" | "hold";
  /** What was found. */
  readonly detail: string;
}

/** What a gate found. */
export interface GateReport {
  /** Every check, in order. */
  readonly checks: ReadonlyArray<Check>;
  /** What was not checked. */
  readonly unchecked: ReadonlyArray<string>;
}

/** A check that holds or fails. */
export const check = (name: string, holds: boolean, detail: string): Check => ({
  name,
  state: holds ? "holds" : "fails",
  detail,
});

/** Why a gate is closed; nothing for an open one. */
export const closing = ({ checks }: GateReport): ReadonlyArray<string> =>
  checks.filter(({ state }) => state !== "holds").map(({ name, detail }) => `${name}: ${detail}`);
