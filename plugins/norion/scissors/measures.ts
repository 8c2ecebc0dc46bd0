/**
 * Measures: what a genome is measured by, and whether a change of it is worth its risk.
 *
 * Not the measuring (scissors/suite.ts).
 * Invariant: a gain is measured or it is none; a fall of any tracked share beyond the bound, or an answer that is
 * broken, outweighs every gain.
 *
 * @module
 */
import type { ExpectedEffect } from "../../../effects/mod.ts";
import type { Policy } from "../policy.ts";

/** What each measure says, and which way is better. */
export const MEASURES = {
  solved: { better: "up", doc: "tasks solved, thousandths" },
  recalled: { better: "up", doc: "facts asked for that came along, thousandths" },
  caught: { better: "up", doc: "faulty drafts that were seen to be faulty, thousandths" },
  safe: { better: "up", doc: "dangers held and tools kept to what was meant, thousandths" },
  tokens: { better: "down", doc: "tokens read and planned for answers, a task" },
  calls: { better: "down", doc: "calls of a model, a task" },
  latencyMs: { better: "down", doc: "time by the scripted backend's own rates, ms a task" },
} as const;

/** Name of a measure. */
export type MeasureName = keyof typeof MEASURES;

/** A genome, measured. */
export interface Measured {
  /** Values by measure. */
  readonly values: { readonly [M in MeasureName]: number };
  /** Tasks by whether they were solved, in order. */
  readonly tasks: ReadonlyArray<{ readonly id: string; readonly solved: boolean }>;
  /** Tasks whose plan or answer was no plan or answer. */
  readonly broken: ReadonlyArray<string>;
}

/** Measures in which a fall counts, whatever else is gained. */
const TRACKED: ReadonlyArray<MeasureName> = ["solved", "recalled", "caught", "safe"];

/** What a comparison comes to. */
export interface Benefit {
  /** Whether the change is worth it. */
  readonly ok: boolean;
  /** Why not, as codes. */
  readonly reasons: ReadonlyArray<string>;
  /** Difference of each measure, after less before. */
  readonly difference: { readonly [M in MeasureName]: number };
}

const reached = ({ metric, direction, bound }: ExpectedEffect, { values }: Measured): boolean => {
  if (!Object.hasOwn(MEASURES, metric)) return false;
  const value = values[metric as MeasureName];
  return direction === "up" ? value >= bound : value <= bound;
};

/** Compares measurements on the same tasks: what regressed, broke, took too long, gained nothing, or missed its aim. */
export const judgeBenefit = (
  before: Measured,
  after: Measured,
  policy: Policy,
  expected?: ExpectedEffect,
): Benefit => {
  const names = Object.keys(MEASURES) as ReadonlyArray<MeasureName>;
  const difference = Object.fromEntries(
    names.map((name) => [name, after.values[name] - before.values[name]]),
  ) as Benefit["difference"];
  const slower = difference.latencyMs;
  const bearable = Math.max(policy["benefit.latencyMs"], policy["benefit.latencyShare"] * before.values.latencyMs);
  const gains = names.some((name) => MEASURES[name].better === "up" ? difference[name] > 0 : difference[name] < 0);
  const reasons = [
    ...TRACKED.filter((name) => difference[name] < -1000 * policy["benefit.regression"])
      .map((name) => `REGRESSION_${name.toUpperCase()}`),
    ...(slower > bearable ? ["LATENCY"] : []),
    ...(after.broken.length > before.broken.length ? ["INTEGRITY"] : []),
    ...(gains ? [] : ["NO_GAIN"]),
    ...(expected === undefined || reached(expected, after) ? [] : ["EXPECTED_MISSED"]),
  ];
  return { ok: reasons.length === 0, reasons, difference };
};
