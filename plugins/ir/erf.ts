/**
 * Erf: the error function to the last digits of binary64, because the reference judges others by it.
 *
 * Not fast: its series is summed in pairs of numbers, the second holding what the first lost.
 * Invariant: within two units in the last place everywhere; odd, and ±1 from where it rounds to that.
 *
 * @module
 */

/** Below it the series, above it the continued fraction of the rest. */
const SERIES_END = 2;

const FRACTION_DEPTH = 100;

/** 2/√π, and what the nearest number leaves of it. */
const TWO_OVER_ROOT_PI = 1.1283791670955126;
const TWO_OVER_ROOT_PI_REST = 1.533545961316588e-17;

/** Cuts a number into halves whose products are exact (Dekker). */
const SPLITTER = 134_217_729;

/** What the product of two numbers loses by rounding. */
const lostBy = (product: number, a: number, b: number): number => {
  const [ta, tb] = [SPLITTER * a, SPLITTER * b];
  const [ah, bh] = [ta - (ta - a), tb - (tb - b)];
  const [al, bl] = [a - ah, b - bh];
  return ((ah * bh - product) + ah * bl + al * bh) + al * bl;
};

/** The series 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (2n+1)!!, whose terms are all of one sign. */
const series = (x: number): number => {
  const square = x * x;
  const squareRest = lostBy(square, x, x);
  let [term, termRest, sum, sumRest] = [x, 0, x, 0];
  for (let n = 1; Math.abs(term) > Math.abs(sum) * 1e-20; n++) {
    const odd = 2 * n + 1;
    const product = term * square;
    const rest = lostBy(product, term, square) + term * squareRest + termRest * square;
    term = 2 * product / odd;
    // What the quotient loses: 2·product − term·odd, taken exactly.
    const whole = term * odd;
    termRest = ((2 * product - whole) - lostBy(whole, term, odd) + 2 * rest) / odd;
    const after = sum + term;
    sumRest += (sum - after) + term + termRest;
    sum = after;
  }
  const scaled = sum * TWO_OVER_ROOT_PI;
  const scaledRest = lostBy(scaled, sum, TWO_OVER_ROOT_PI) + sum * TWO_OVER_ROOT_PI_REST + sumRest * TWO_OVER_ROOT_PI;
  const power = Math.exp(-square);
  return power * scaled + power * (scaledRest - scaled * squareRest);
};

/** erfc for x ≥ 2 by Laplace's continued fraction e^(−x²)/√π · 1/(x + ½/(x + 1/(x + 3⁄2/(x + …)))). */
const restByFraction = (x: number): number => {
  let tail = x;
  for (let k = FRACTION_DEPTH; k >= 1; k--) tail = x + k / 2 / tail;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * tail);
};

/** So small that the series' first term is all, and its parts would be lost. */
const TINY = 1e-150;

/** The error function. */
export const erf = (x: number): number => {
  if (Number.isNaN(x)) return NaN;
  const magnitude = Math.abs(x);
  if (magnitude < TINY) return x * TWO_OVER_ROOT_PI;
  return magnitude < SERIES_END ? series(x) : Math.sign(x) * (1 - restByFraction(magnitude));
};
