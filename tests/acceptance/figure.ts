/**
 * Figure: one measured claim. An area of `deno task acceptance` is a module here that exports `figures`.
 *
 * Not a test: a figure is measured on this machine now and kept with date, commit and machine; tests judge correctness.
 */
import type { Json } from "../../kernel/mod.ts";

/** One measured claim. */
export interface Figure {
  /** What is measured, unique within its area. */
  readonly name: string;
  /** Unit of the value. */
  readonly unit: string;
  /** What is to be reached, in words. */
  readonly goal: string;
  /** Measures; long ones report progress. */
  readonly measure: (options: { readonly progress: (done: number, total: number) => void }) => Promise<Measured>;
}

/** A measurement. */
export interface Measured {
  /** The value. */
  readonly value: number;
  /** Whether the goal is reached. */
  readonly ok: boolean;
  /** What stands behind the value. */
  readonly detail?: Json;
}

/** The middle value (mean of the two middle ones). */
export const median = (values: ReadonlyArray<number>): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};

/** A value rounded to `digits` significant digits, so that results files stay readable. */
export const rounded = (value: number, digits = 4): number => Number(value.toPrecision(digits));
