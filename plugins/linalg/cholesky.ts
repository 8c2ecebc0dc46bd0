/**
 * Cholesky: a symmetric positive definite A = L·Lᵀ.
 *
 * Invariant: a factor exists exactly when every leading minor is positive in the arithmetic used.
 *
 * @module
 */
import { notPositiveDefinite, notSymmetric } from "./failures.ts";
import { asymmetry, finish, innerProduct, type Matrix, square, type Steps, zeroMatrix } from "./matrix.ts";

/** L in steps. */
export function* choleskySteps(a: Matrix): Steps<Matrix> {
  const side = square("cholesky", a).rows;
  const differs = asymmetry(a);
  if (differs !== undefined) throw notSymmetric({ row: differs[0], column: differs[1] });
  const l = zeroMatrix(side, side);
  for (let i = 0; i < side; i++) {
    for (let j = 0; j <= i; j++) {
      const rest = a.data[i * side + j] - innerProduct(l.data, i * side, l.data, j * side, j);
      if (i !== j) {
        l.data[i * side + j] = rest / l.data[j * side + j];
        continue;
      }
      if (!(rest > 0)) throw notPositiveDefinite({ minor: i + 1 });
      l.data[i * side + i] = Math.sqrt(rest);
    }
    yield;
  }
  return l;
}

/** The lower factor; throws `LINALG_NOT_SYMMETRIC` or `LINALG_NOT_POSITIVE_DEFINITE`. */
export const cholesky = (a: Matrix): Matrix => finish(choleskySteps(a));
