/**
 * Contract: the types of linear algebra. It has no services: its functions are stateless (library.ts).
 *
 * @module
 */
export type { Eigen, SymmetricEigen } from "./eigen.ts";
export type { LinalgCode, LinalgFailure } from "./failures.ts";
export type { LeastSquares } from "./least_squares.ts";
export type { Lu } from "./lu.ts";
export type { Matrix } from "./matrix.ts";
export type { Norms } from "./norms.ts";
export type { Qr } from "./qr.ts";
export type { Svd } from "./svd.ts";
