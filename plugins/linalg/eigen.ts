/**
 * Eigen: eigenvalues and vectors. Symmetric matrices have real ones (symmetric.ts); of others, complex ones are reported
 * as such, in conjugate pairs.
 *
 * Invariant: real eigenvalues have an imaginary part of exactly zero; values are ordered by real part and then by
 * imaginary part, largest first. A defective matrix gives vectors that are nearly parallel, never a failure.
 *
 * @module
 */
import { notSymmetric } from "./failures.ts";
import {
  asymmetry,
  copyOf,
  EPSILON,
  finish,
  largestOf,
  type Matrix,
  scaledToOne,
  square,
  type Steps,
  zeroMatrix,
} from "./matrix.ts";
import { schurSteps } from "./schur.ts";
import { type SymmetricEigen, symmetricSteps } from "./symmetric.ts";

export type { SymmetricEigen } from "./symmetric.ts";

/** Eigenvalues and right vectors of a general matrix. */
export interface Eigen {
  /** Real parts of the eigenvalues. */
  readonly real: Float64Array;
  /** Imaginary parts. */
  readonly imaginary: Float64Array;
  /** Vectors of length one, one a column: their real parts. */
  readonly vectors: Matrix;
  /** Their imaginary parts. */
  readonly vectorsImaginary: Matrix;
}

/** A complex number. */
type Complex = readonly [real: number, imaginary: number];

const times = (a: Complex, b: Complex): Complex => [a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]];
const minus = (a: Complex, b: Complex): Complex => [a[0] - b[0], a[1] - b[1]];
const magnitude = (a: Complex): number => Math.hypot(a[0], a[1]);

/** a / b by Smith's method, which does not square. */
const over = (a: Complex, b: Complex): Complex => {
  if (Math.abs(b[0]) >= Math.abs(b[1])) {
    const ratio = b[1] / b[0];
    const size = b[0] + b[1] * ratio;
    return [(a[0] + a[1] * ratio) / size, (a[1] - a[0] * ratio) / size];
  }
  const ratio = b[0] / b[1];
  const size = b[0] * ratio + b[1];
  return [(a[0] * ratio + a[1]) / size, (a[1] * ratio - a[0]) / size];
};

/** A divisor that is not as good as zero. */
const atLeast = (a: Complex, smallest: number): Complex => magnitude(a) < smallest ? [smallest, 0] : a;

const RADIX = 2;
const WORTH_SCALING = 0.95;

/** Makes rows and columns alike in size by powers of two; answers the factors of the rows. */
const balance = ({ rows: side, data }: Matrix): Float64Array => {
  const factors = new Float64Array(side).fill(1);
  for (let changed = true; changed;) {
    changed = false;
    for (let i = 0; i < side; i++) {
      let [column, row] = [0, 0];
      for (let j = 0; j < side; j++) {
        if (j === i) continue;
        column += Math.abs(data[j * side + i]);
        row += Math.abs(data[i * side + j]);
      }
      if (column === 0 || row === 0) continue;
      const before = column + row;
      let factor = 1;
      for (; column < row / RADIX; column *= RADIX ** 2) factor *= RADIX;
      for (; column >= row * RADIX; column /= RADIX ** 2) factor /= RADIX;
      if ((column + row) / factor >= WORTH_SCALING * before) continue;
      changed = true;
      factors[i] *= factor;
      for (let j = 0; j < side; j++) data[i * side + j] /= factor;
      for (let j = 0; j < side; j++) data[j * side + i] *= factor;
    }
  }
  return factors;
};

/** An eigenvalue, and the last row of its block in the Schur form. */
type Place = { readonly value: Complex; readonly row: number };

const placesOf = ({ rows: side, data }: Matrix): ReadonlyArray<Place> => {
  const places: Place[] = [];
  for (let i = 0; i < side; i++) {
    const paired = i + 1 < side && data[(i + 1) * side + i] !== 0;
    if (!paired) {
      places.push({ value: [data[i * side + i], 0], row: i });
      continue;
    }
    const [a, d] = [data[i * side + i], data[(i + 1) * side + i + 1]];
    const half = (a - d) / 2;
    const root = Math.sqrt(Math.max(0, -(half * half + data[i * side + i + 1] * data[(i + 1) * side + i])));
    places.push({ value: [d + half, root], row: i + 1 }, { value: [d + half, -root], row: i + 1 });
    i++;
  }
  return places;
};

/** Solves the two equations of a block, the larger pivot first. */
const solveBlock = (
  rows: readonly [readonly [Complex, Complex], readonly [Complex, Complex]],
  right: readonly [Complex, Complex],
  smallest: number,
): readonly [Complex, Complex] => {
  const swap = magnitude(rows[1][0]) > magnitude(rows[0][0]);
  const [[a, b], [c, d]] = swap ? [rows[1], rows[0]] : rows;
  const [r, s] = swap ? [right[1], right[0]] : right;
  const factor = over(c, atLeast(a, smallest));
  const y = over(minus(s, times(factor, r)), atLeast(minus(d, times(factor, b)), smallest));
  return [over(minus(r, times(b, y)), atLeast(a, smallest)), y];
};

const LARGE = 1e100;

/** The vector of an eigenvalue in the Schur form, from the bottom up. */
const vectorOf = ({ rows: side, data }: Matrix, { value, row }: Place, smallest: number): Complex[] => {
  const x: Complex[] = Array.from({ length: side }, () => [0, 0]);
  const t = (i: number, j: number): number => data[i * side + j];
  const paired = value[1] !== 0 || (row > 0 && t(row, row - 1) !== 0);
  if (paired) {
    x[row - 1] = [t(row - 1, row), 0];
    x[row] = minus(value, [t(row - 1, row - 1), 0]);
  } else x[row] = [1, 0];
  const behind = (i: number, from: number): Complex => {
    let sum: Complex = [0, 0];
    for (let j = from; j <= row; j++) sum = minus(sum, [t(i, j) * x[j][0], t(i, j) * x[j][1]]);
    return sum;
  };
  for (let i = paired ? row - 2 : row - 1; i >= 0; i--) {
    if (i > 0 && t(i, i - 1) !== 0) {
      const block = [
        [minus([t(i - 1, i - 1), 0], value), [t(i - 1, i), 0]],
        [[t(i, i - 1), 0], minus([t(i, i), 0], value)],
      ] as const;
      [x[i - 1], x[i]] = solveBlock(block, [behind(i - 1, i + 1), behind(i, i + 1)], smallest);
      i--;
    } else x[i] = over(behind(i, i + 1), atLeast(minus([t(i, i), 0], value), smallest));
    const size = magnitude(x[i]);
    // Vectors of defective matrices grow with every row; only their direction counts.
    if (size > LARGE) { for (let j = i; j <= row; j++) x[j] = [x[j][0] / size, x[j][1] / size]; }
  }
  return x;
};

/** Writes Z·x, unscaled and of length one, as a column. */
const writeVector = (
  z: Matrix,
  factors: Float64Array,
  x: ReadonlyArray<Complex>,
  to: { readonly real: Matrix; readonly imaginary: Matrix; readonly column: number },
): void => {
  const side = z.rows;
  const made = Array.from({ length: side }, (_, i): Complex => {
    let [real, imaginary] = [0, 0];
    for (let j = 0; j < side; j++) {
      real += z.data[i * side + j] * x[j][0];
      imaginary += z.data[i * side + j] * x[j][1];
    }
    return [real * factors[i], imaginary * factors[i]];
  });
  const largest = made.reduce((most, each) => Math.max(most, magnitude(each)), 0);
  const length = largest * Math.sqrt(made.reduce((sum, each) => sum + (magnitude(each) / largest) ** 2, 0));
  made.forEach((each, i) => {
    to.real.data[i * side + to.column] = each[0] / length;
    to.imaginary.data[i * side + to.column] = each[1] / length;
  });
};

/** Eigenvalues and vectors of a general matrix in steps. */
export function* eigenSteps(a: Matrix, rounds?: number): Steps<Eigen> {
  const side = square("eigen", a).rows;
  const { scaled, scale } = scaledToOne(a);
  const balanced = copyOf(scaled);
  const factors = balance(balanced);
  const { t, z } = yield* schurSteps(balanced, rounds);
  const smallest = Math.max(EPSILON * largestOf(t), Number.MIN_VALUE / EPSILON);
  const places = placesOf(t).toSorted((p, q) => q.value[0] - p.value[0] || q.value[1] - p.value[1]);
  const [vectors, vectorsImaginary] = [zeroMatrix(side, side), zeroMatrix(side, side)];
  for (const [column, place] of places.entries()) {
    writeVector(z, factors, vectorOf(t, place, smallest), { real: vectors, imaginary: vectorsImaginary, column });
    yield;
  }
  return {
    real: Float64Array.from(places, ({ value }) => value[0] * scale),
    imaginary: Float64Array.from(places, ({ value }) => value[1] * scale),
    vectors,
    vectorsImaginary,
  };
}

/**
 * Eigenvalues and right vectors of a general matrix.
 *
 * @example
 * ```ts
 * import { eigen, matrix } from "@rmi/rmi/linalg";
 * import assert from "node:assert/strict";
 * assert.deepEqual([...eigen(matrix([[0, -1], [1, 0]])).imaginary], [1, -1]);
 * ```
 */
export const eigen = (a: Matrix, rounds?: number): Eigen => finish(eigenSteps(a, rounds));

/** Eigenvalues and vectors of a symmetric matrix in steps; throws `LINALG_NOT_SYMMETRIC`. */
export function* eigenSymmetricSteps(a: Matrix, rounds?: number): Steps<SymmetricEigen> {
  const differs = asymmetry(square("eigen", a));
  if (differs !== undefined) throw notSymmetric({ row: differs[0], column: differs[1] });
  return yield* symmetricSteps(a, rounds);
}

/** Eigenvalues and vectors of a symmetric matrix; throws `LINALG_NOT_SYMMETRIC`. */
export const eigenSymmetric = (a: Matrix, rounds?: number): SymmetricEigen => finish(eigenSymmetricSteps(a, rounds));
