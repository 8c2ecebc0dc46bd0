/**
 * Library: what other plugins import of linear algebra: factorisations of dense matrices in binary64.
 *
 * Functions throw failures of this room's catalogue on bad input; those that end in `Steps` give way as they work.
 *
 * @module
 */
export * from "./contract.ts";
export { cholesky, choleskySteps } from "./cholesky.ts";
export { eigen, eigenSteps, eigenSymmetric, eigenSymmetricSteps } from "./eigen.ts";
export { isLinalgFailure, LINALG_FAILURES } from "./failures.ts";
export { leastSquares, leastSquaresSteps, rankOf } from "./least_squares.ts";
export {
  type Determinant,
  determinant,
  determinantSteps,
  inverse,
  inverseSteps,
  lowerOf,
  lu,
  luSteps,
  solve,
  solveSteps,
  upperOf,
} from "./lu.ts";
export {
  EPSILON,
  finish,
  identity,
  matrix,
  MAX_SIDE,
  multiply,
  type Steps,
  toRows,
  transposed,
  zeroMatrix,
} from "./matrix.ts";
export { frobeniusNorm, infinityNorm, norms, normsSteps, oneNorm, trace } from "./norms.ts";
export { qr, type QrOptions, qrSteps } from "./qr.ts";
export { MAX_SWEEPS, svd, svdSteps } from "./svd.ts";
