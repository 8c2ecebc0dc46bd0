/**
 * Least squares: the shortest x among those that bring A·x nearest to b, whatever the rank of A.
 *
 * @module
 */
import { wrongSizes } from "./failures.ts";
import { EPSILON, finish, finite, type Matrix, multiply, type Steps, transposed } from "./matrix.ts";
import { type Svd, svdSteps } from "./svd.ts";

/** A solution, and what is known of it. */
export interface LeastSquares {
  /** The solution, a column for each column of the right side. */
  readonly x: Matrix;
  /** Number of singular values that count. */
  readonly rank: number;
  /** Singular values of the matrix. */
  readonly values: Float64Array;
}

/** The rank that singular values show: those above a share of the largest. */
export const rankOf = (values: Float64Array, share: number): number =>
  values.filter((value) => value > share * (values[0] ?? 0)).length;

/** The share of the largest singular value below which one is rounding error. */
export const defaultShare = ({ rows, columns }: Matrix): number => Math.max(rows, columns) * EPSILON;

const solutionOf = ({ u, values, vt }: Svd, b: Matrix, rank: number): Matrix => {
  const along = multiply(transposed(u), b);
  for (let i = 0; i < along.rows; i++) {
    for (let j = 0; j < b.columns; j++) {
      along.data[i * b.columns + j] = i < rank ? along.data[i * b.columns + j] / values[i] : 0;
    }
  }
  return multiply(transposed(vt), along);
};

/** The solution in steps; `share` of the largest singular value is what counts as zero. */
export function* leastSquaresSteps(a: Matrix, b: Matrix, share: number = defaultShare(a)): Steps<LeastSquares> {
  if (a.rows !== b.rows) {
    throw wrongSizes({
      operation: "leastSquares",
      reason: `the matrix has ${a.rows} rows and the right side ${b.rows}`,
    });
  }
  finite(b);
  const factors = yield* svdSteps(a);
  const rank = rankOf(factors.values, share);
  return { x: solutionOf(factors, b, rank), rank, values: factors.values };
}

/** The solution. */
export const leastSquares = (a: Matrix, b: Matrix, share?: number): LeastSquares =>
  finish(leastSquaresSteps(a, b, share));
