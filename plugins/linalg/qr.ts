/**
 * QR: A = Q·R by Householder reflections, and A·P = Q·R with the largest remaining column first.
 *
 * Invariant: Q is orthogonal to working precision whatever A is; R is upper triangular with zeros below.
 *
 * @module
 */
import { columnFrom, type Reflection, reflectionOf, reflectRows, setColumn } from "./householder.ts";
import { copyOf, finish, finite, firstColumns, identity, type Matrix, type Steps } from "./matrix.ts";

/** Factors of A·P. */
export interface Qr {
  /** Orthogonal columns: as many as A's smaller side, or as rows where all were asked for. */
  readonly q: Matrix;
  /** Upper triangular. */
  readonly r: Matrix;
  /** Column j of A·P is column `permutation[j]` of A. */
  readonly permutation: ReadonlyArray<number>;
}

/** What is wanted. */
export interface QrOptions {
  /** Whether columns are exchanged, so that the diagonal of R falls. Default false. */
  readonly pivoted?: boolean;
  /** Whether Q is square. Default false. */
  readonly full?: boolean;
}

const swapColumns = ({ rows, columns, data }: Matrix, a: number, b: number): void => {
  for (let i = 0; i < rows; i++) {
    const at = i * columns;
    [data[at + a], data[at + b]] = [data[at + b], data[at + a]];
  }
};

/** The column of largest norm below a row. Norms are taken anew: what is kept up to date loses its digits. */
const largestColumn = ({ rows, columns, data }: Matrix, from: number): number => {
  const sums = new Float64Array(columns - from);
  for (let i = from; i < rows; i++) {
    const at = i * columns + from;
    for (let j = 0; j < sums.length; j++) sums[j] += data[at + j] ** 2;
  }
  return from + sums.reduce((best, sum, j) => sum > sums[best] ? j : best, 0);
};

/** Factors in steps. */
export function* qrSteps(a: Matrix, { pivoted = false, full = false }: QrOptions = {}): Steps<Qr> {
  const r = copyOf(finite(a));
  const permutation = Array.from({ length: a.columns }, (_, j) => j);
  const inner = Math.min(a.rows, a.columns);
  const reflections: Reflection[] = [];
  for (let k = 0; k < inner; k++) {
    if (pivoted) {
      const best = largestColumn(r, k);
      swapColumns(r, k, best);
      [permutation[k], permutation[best]] = [permutation[best], permutation[k]];
    }
    const reflection = reflectionOf(columnFrom(r, k, k));
    reflectRows(r, reflection, k, k + 1);
    setColumn(r, k, k, reflection.alpha);
    reflections.push(reflection);
    yield;
  }
  const side = full ? a.rows : inner;
  const q = firstColumns(identity(a.rows), side);
  for (let k = inner - 1; k >= 0; k--) {
    reflectRows(q, reflections[k], k, k);
    yield;
  }
  const kept = { rows: side, columns: a.columns, data: r.data.slice(0, side * a.columns) };
  return { q, r: kept, permutation };
}

/**
 * Factors a matrix.
 *
 * @example
 * ```ts
 * import { matrix, multiply, qr, toRows } from "@rmi/rmi/linalg";
 * import assert from "node:assert/strict";
 * const { q, r } = qr(matrix([[3, 1], [4, 2]]));
 * assert.ok(Math.abs(toRows(multiply(q, r))[1][0] - 4) < 1e-14);
 * ```
 */
export const qr = (a: Matrix, options?: QrOptions): Qr => finish(qrSteps(a, options));
