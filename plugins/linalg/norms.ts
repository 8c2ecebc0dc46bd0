/**
 * Norms: how large a matrix is, in the ways that are in use, with its rank and condition.
 *
 * @module
 */
import { defaultShare, rankOf } from "./least_squares.ts";
import { finish, finite, largestOf, type Matrix, powerNear, type Steps } from "./matrix.ts";
import { svdSteps } from "./svd.ts";

/** Norms, rank and condition of a matrix. */
export interface Norms {
  /** Largest sum of magnitudes in a column. */
  readonly one: number;
  /** Largest sum of magnitudes in a row. */
  readonly infinity: number;
  /** Root of the sum of squares. */
  readonly frobenius: number;
  /** Largest magnitude. */
  readonly largest: number;
  /** Largest singular value. */
  readonly spectral: number;
  /** Sum of the singular values. */
  readonly nuclear: number;
  /** Number of singular values that are not rounding error. */
  readonly rank: number;
  /** Largest over smallest singular value; ∞ where the smallest is zero, 1 of nothing. */
  readonly condition: number;
}

/** Largest sum of magnitudes in a column. */
export const oneNorm = ({ rows, columns, data }: Matrix): number => {
  const sums = new Float64Array(columns);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) sums[j] += Math.abs(data[i * columns + j]);
  return Math.max(0, ...sums);
};

/** Largest sum of magnitudes in a row. */
export const infinityNorm = ({ rows, columns, data }: Matrix): number => {
  let largest = 0;
  for (let i = 0; i < rows; i++) {
    let sum = 0;
    for (let j = 0; j < columns; j++) sum += Math.abs(data[i * columns + j]);
    largest = Math.max(largest, sum);
  }
  return largest;
};

/** Root of the sum of squares, which neither overflow nor vanish. */
export const frobeniusNorm = (a: Matrix): number => {
  const scale = powerNear(largestOf(a));
  return scale * Math.sqrt(a.data.reduce((sum, value) => sum + (value / scale) ** 2, 0));
};

/** Sum of the diagonal. */
export const trace = ({ rows, columns, data }: Matrix): number => {
  let sum = 0;
  for (let i = 0; i < Math.min(rows, columns); i++) sum += data[i * columns + i];
  return sum;
};

/** All of them, in steps. */
export function* normsSteps(a: Matrix): Steps<Norms> {
  const { values } = yield* svdSteps(finite(a));
  const [most = 0, least = 0] = [values[0], values.at(-1)];
  return {
    one: oneNorm(a),
    infinity: infinityNorm(a),
    frobenius: frobeniusNorm(a),
    largest: largestOf(a),
    spectral: most,
    nuclear: values.reduce((sum, value) => sum + value, 0),
    rank: rankOf(values, defaultShare(a)),
    condition: values.length === 0 ? 1 : most / least,
  };
}

/** All of them. */
export const norms = (a: Matrix): Norms => finish(normsSteps(a));
