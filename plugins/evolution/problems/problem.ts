/**
 * Problem: a function of real variables within bounds to several objectives, all minimised.
 *
 * @module
 */

/** A problem with real variables. */
export interface Problem {
  /** Its name in the literature. */
  readonly name: string;
  /** Least value of each variable. */
  readonly lower: Float64Array;
  /** Largest value of each variable. */
  readonly upper: Float64Array;
  /** Number of objectives. */
  readonly objectives: number;
  /** The objectives of a point. */
  readonly evaluate: (x: Float64Array) => ReadonlyArray<number>;
  /** The sum of what its constraints lack, 0 where the point is feasible; absent where there are no constraints. */
  readonly violation?: (x: Float64Array) => number;
}

/** Bounds of `count` variables that are all alike. */
export const alike = (count: number, value: number): Float64Array => new Float64Array(count).fill(value);
