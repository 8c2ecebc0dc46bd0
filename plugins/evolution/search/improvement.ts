/**
 * Improvement: by how much a setting is expected to be better than the best known, and scores as normal deviates.
 *
 * Source: Mockus, Tiesis, Zilinskas 1978; Jones, Schonlau, Welch 1998 (expected improvement); Blom 1958 (normal scores).
 *
 * @module
 */
import { erf } from "../../ir/library.ts";

const ROOT_2PI = Math.sqrt(2 * Math.PI);

/** Below this many deviations the difference of the two terms has no digits left; its series takes over. */
const FAR = -5;

/** Logarithm of the expected improvement of a normal deviate over `best`, larger being better. */
export const logImprovement = (mean: number, deviation: number, best: number): number => {
  if (!(deviation > 0)) return mean > best ? Math.log(mean - best) : -Infinity;
  const z = (mean - best) / deviation;
  const density = Math.exp(-z * z / 2) / ROOT_2PI;
  if (z > FAR) return Math.log(deviation) + Math.log(density + z * 0.5 * (1 + erf(z * Math.SQRT1_2)));
  const series = 1 - 3 / (z * z) + 15 / z ** 4;
  return Math.log(deviation) - z * z / 2 - Math.log(ROOT_2PI * z * z) + Math.log(series);
};

/** Coefficients of Acklam's rational approximations of the normal quantile (2003; relative error below 1.2e-9). */
const MIDDLE = {
  above: [
    -39.69683028665376,
    220.9460984245205,
    -275.9285104469687,
    138.357751867269,
    -30.66479806614716,
    2.506628277459239,
  ],
  below: [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1],
} as const;

const TAIL = {
  above: [
    -0.007784894002430293,
    -0.3223964580411365,
    -2.400758277161838,
    -2.549732539343734,
    4.374664141464968,
    2.938163982698783,
  ],
  below: [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1],
} as const;

/** Shares below this, and above one less it, are in a tail. */
const TAIL_SHARE = 0.02425;

const polynomial = (coefficients: ReadonlyArray<number>, x: number): number =>
  coefficients.reduce((sum, coefficient) => sum * x + coefficient, 0);

/** The normal deviate below which a share of all lie. */
export const normalQuantile = (share: number): number => {
  if (share > 0.5) return -normalQuantile(1 - share) + 0;
  if (share < TAIL_SHARE) {
    const q = Math.sqrt(-2 * Math.log(share));
    return polynomial(TAIL.above, q) / polynomial(TAIL.below, q);
  }
  const q = share - 0.5;
  return q * polynomial(MIDDLE.above, q * q) / polynomial(MIDDLE.below, q * q);
};

/** Normal scores by rank, the first of the order having the largest; equal ones have the mean of their ranks. */
export const normalScores = <A>(items: ReadonlyArray<A>, compare: (a: A, b: A) => number): Float64Array => {
  const order = items.map((_, at) => at).sort((a, b) => compare(items[a], items[b]));
  const scores = new Float64Array(items.length);
  for (let from = 0; from < order.length;) {
    let to = from + 1;
    while (to < order.length && compare(items[order[from]], items[order[to]]) === 0) to++;
    const rank = (from + to - 1) / 2;
    const score = -normalQuantile((rank + 0.5) / order.length) + 0;
    for (; from < to; from++) scores[order[from]] = score;
  }
  return scores;
};
