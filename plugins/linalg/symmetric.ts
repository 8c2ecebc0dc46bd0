/**
 * Symmetric: eigenvalues and vectors of a symmetric matrix, by a tridiagonal form and implicit QL steps with shifts.
 *
 * Invariant: values are real and fall; vectors are orthogonal to working precision, also for repeated values.
 *
 * @module
 */
import { noConvergence } from "./failures.ts";
import { columnFrom, reflectColumns, reflectionOf } from "./householder.ts";
import {
  addRow,
  copyOf,
  EPSILON,
  identity,
  innerProduct,
  type Matrix,
  rotateRows,
  scaledToOne,
  type Steps,
  transposed,
  zeroMatrix,
} from "./matrix.ts";

/** Eigenvalues and vectors of a symmetric matrix. */
export interface SymmetricEigen {
  /** Eigenvalues, largest first. */
  readonly values: Float64Array;
  /** Vectors of length one, one a column. */
  readonly vectors: Matrix;
}

/** Most QL steps for one eigenvalue. */
export const MAX_STEPS = 60;

type Tridiagonal = { readonly diagonal: Float64Array; readonly beside: Float64Array; readonly vectors: Matrix };

/** A = Q·T·Qᵀ with T tridiagonal; Q's columns come back as rows. */
function* tridiagonalise(a: Matrix): Steps<Tridiagonal> {
  const side = a.rows;
  const t = copyOf(a);
  const q = identity(side);
  const beside = new Float64Array(side);
  for (let k = 0; k < side - 1; k++) {
    const reflection = reflectionOf(columnFrom(t, k, k + 1));
    const { v, beta, alpha } = reflection;
    beside[k] = alpha;
    if (beta !== 0) {
      const inner = v.length;
      const p = Float64Array.from(
        { length: inner },
        (_, i) => beta * innerProduct(t.data, (k + 1 + i) * side + k + 1, v, 0, inner),
      );
      const half = beta * innerProduct(p, 0, v, 0, inner) / 2;
      for (let i = 0; i < inner; i++) p[i] -= half * v[i];
      for (let i = 0; i < inner; i++) {
        const at = (k + 1 + i) * side + k + 1;
        addRow(t.data, at, p, 0, inner, -v[i]);
        addRow(t.data, at, v, 0, inner, -p[i]);
      }
      reflectColumns(q, reflection, k + 1, side);
    }
    yield;
  }
  const diagonal = Float64Array.from({ length: side }, (_, i) => t.data[i * side + i]);
  return { diagonal, beside, vectors: transposed(q) };
}

/** The first place from `from` on where the matrix falls into two. */
const splitAt = (d: Float64Array, e: Float64Array, from: number): number => {
  let m = from;
  while (m < d.length - 1) {
    const size = Math.abs(d[m]) + Math.abs(d[m + 1]);
    if (Math.abs(e[m]) <= EPSILON * size || Math.abs(e[m]) < Number.MIN_VALUE / EPSILON) break;
    m++;
  }
  return m;
};

/** One implicit QL step on rows `from` … `to`, with the shift of the corner (Wilkinson). */
const qlStep = ({ diagonal: d, beside: e, vectors }: Tridiagonal, from: number, to: number): void => {
  const side = d.length;
  const half = (d[from + 1] - d[from]) / (2 * e[from]);
  const root = Math.hypot(half, 1);
  let g = d[to] - d[from] + e[from] / (half + (half >= 0 ? root : -root));
  let [s, c, p] = [1, 1, 0];
  for (let i = to - 1; i >= from; i--) {
    const [f, b] = [s * e[i], c * e[i]];
    const r = Math.hypot(f, g);
    e[i + 1] = r;
    if (r === 0) {
      d[i + 1] -= p;
      e[to] = 0;
      return;
    }
    [s, c] = [f / r, g / r];
    g = d[i + 1] - p;
    const turned = (d[i] - g) * s + 2 * c * b;
    p = s * turned;
    d[i + 1] = g + p;
    g = c * turned - b;
    rotateRows(vectors.data, i * side, (i + 1) * side, side, c, s);
  }
  d[from] -= p;
  e[from] = g;
  e[to] = 0;
};

/** Eigenvalues and vectors of a symmetric matrix in steps. */
export function* symmetricSteps(a: Matrix, rounds: number = MAX_STEPS): Steps<SymmetricEigen> {
  const side = a.rows;
  const { scaled, scale } = scaledToOne(a);
  const form = yield* tridiagonalise(scaled);
  const { diagonal, beside, vectors } = form;
  for (let from = 0; from < side; from++) {
    for (let step = 0;; step++) {
      const to = splitAt(diagonal, beside, from);
      if (to === from) break;
      if (step >= rounds) throw noConvergence({ operation: "eigen", rounds });
      qlStep(form, from, to);
    }
    yield;
  }
  const order = Array.from({ length: side }, (_, i) => i).sort((x, y) => diagonal[y] - diagonal[x] || x - y);
  const sorted = zeroMatrix(side, side);
  order.forEach((row, to) => sorted.data.set(vectors.data.subarray(row * side, (row + 1) * side), to * side));
  return { values: Float64Array.from(order, (i) => diagonal[i] * scale), vectors: transposed(sorted) };
}
