/**
 * SVD: A = U·Σ·Vᵀ by a pivoted QR and one-sided Jacobi rotations of R's rows (Drmač & Veselić 2008).
 *
 * Not by way of AᵀA, which loses half of the digits.
 * Invariant: U and V are orthogonal to working precision also where A lacks rank; singular values fall.
 *
 * @module
 */
import { noConvergence } from "./failures.ts";
import {
  addRow,
  EPSILON,
  finish,
  finite,
  identity,
  innerProduct,
  type Matrix,
  multiply,
  rotateRows,
  scaledToOne,
  type Steps,
  transposed,
  zeroMatrix,
} from "./matrix.ts";
import { qrSteps } from "./qr.ts";

/** Factors of a matrix; as many columns and rows as its smaller side. */
export interface Svd {
  /** Left vectors, one a column. */
  readonly u: Matrix;
  /** Singular values, largest first. */
  readonly values: Float64Array;
  /** Right vectors, one a row. */
  readonly vt: Matrix;
}

/** Most sweeps over all pairs of rows. */
export const MAX_SWEEPS = 60;

/** Rows shorter than this, next to a largest element of one, count as zero: their squares would vanish. */
const NEGLIGIBLE = 1e-150;

/** Turns rows until every two are orthogonal; the same turns are applied to `turns`. */
function* orthogonalise(w: Matrix, turns: Matrix, rounds: number): Steps<void> {
  const { rows, columns, data } = w;
  const tolerance = EPSILON * Math.sqrt(Math.max(1, columns));
  for (let sweep = 0; sweep < rounds; sweep++) {
    let turned = false;
    for (let p = 0; p < rows - 1; p++) {
      for (let q = p + 1; q < rows; q++) {
        const [first, second] = [p * columns, q * columns];
        const aa = innerProduct(data, first, data, first, columns);
        const bb = innerProduct(data, second, data, second, columns);
        const ab = innerProduct(data, first, data, second, columns);
        const length = Math.sqrt(aa) * Math.sqrt(bb);
        if (Math.sqrt(Math.min(aa, bb)) < NEGLIGIBLE || Math.abs(ab) <= tolerance * length) continue;
        turned = true;
        const zeta = (bb - aa) / (2 * ab);
        const t = (zeta >= 0 ? 1 : -1) / (Math.abs(zeta) + Math.hypot(1, zeta));
        const c = 1 / Math.hypot(1, t);
        rotateRows(data, first, second, columns, c, c * t);
        rotateRows(turns.data, p * turns.columns, q * turns.columns, turns.columns, c, c * t);
      }
      yield;
    }
    if (!turned) return;
  }
  throw noConvergence({ operation: "svd", rounds });
}

/** A unit row orthogonal to the rows before it: the unit vector that they leave most of, made orthogonal twice. */
const completeRow = (v: Matrix, row: number): void => {
  const { columns, data } = v;
  const covered = new Float64Array(columns);
  for (let i = 0; i < row; i++) for (let j = 0; j < columns; j++) covered[j] += data[i * columns + j] ** 2;
  const best = covered.reduce((least, value, j) => value < covered[least] ? j : least, 0);
  const at = row * columns;
  data.fill(0, at, at + columns);
  data[at + best] = 1;
  for (let pass = 0; pass < 2; pass++) {
    for (let i = 0; i < row; i++) {
      const along = innerProduct(data, at, data, i * columns, columns);
      addRow(data, at, data, i * columns, columns, -along);
    }
  }
  const norm = Math.sqrt(innerProduct(data, at, data, at, columns));
  for (let j = 0; j < columns; j++) data[at + j] /= norm;
};

/** Factors of a matrix that has at least as many rows as columns. */
function* tall(a: Matrix, rounds: number): Steps<Svd> {
  const { scaled, scale } = scaledToOne(a);
  const { q, r, permutation } = yield* qrSteps(scaled, { pivoted: true });
  const side = a.columns;
  const turns = identity(side);
  yield* orthogonalise(r, turns, rounds);
  const lengths = Float64Array.from(
    { length: side },
    (_, i) => Math.sqrt(innerProduct(r.data, i * side, r.data, i * side, side)),
  );
  const order = Array.from({ length: side }, (_, i) => i).sort((x, y) => lengths[y] - lengths[x] || x - y);
  const vt = zeroMatrix(side, side);
  const sorted = zeroMatrix(side, side);
  const values = new Float64Array(side);
  order.forEach((from, to) => {
    sorted.data.set(turns.data.subarray(from * side, (from + 1) * side), to * side);
    if (lengths[from] < NEGLIGIBLE) return completeRow(vt, to);
    values[to] = lengths[from] * scale;
    for (let j = 0; j < side; j++) vt.data[to * side + permutation[j]] = r.data[from * side + j] / lengths[from];
  });
  return { u: multiply(q, transposed(sorted)), values, vt };
}

/** Factors in steps. */
export function* svdSteps(a: Matrix, rounds: number = MAX_SWEEPS): Steps<Svd> {
  if (finite(a).rows >= a.columns) return yield* tall(a, rounds);
  const { u, values, vt } = yield* tall(transposed(a), rounds);
  return { u: transposed(vt), values, vt: transposed(u) };
}

/**
 * Factors a matrix.
 *
 * @example
 * ```ts
 * import { matrix, svd } from "@rmi/rmi/linalg";
 * import assert from "node:assert/strict";
 * assert.deepEqual([...svd(matrix([[0, 2], [1, 0]])).values], [2, 1]);
 * ```
 */
export const svd = (a: Matrix): Svd => finish(svdSteps(a));
