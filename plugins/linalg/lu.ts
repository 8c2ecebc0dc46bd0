/**
 * LU: A with rows exchanged = L·U, and what follows from it: solutions, inverse, determinant, condition.
 *
 * Invariant: |L| ≤ 1; a pivot counts as zero only when it is zero, so that scale is no reason to refuse.
 *
 * @module
 */
import { singular, wrongSizes } from "./failures.ts";
import { addRow, copyOf, finish, finite, identity, type Matrix, square, type Steps } from "./matrix.ts";

/** Factors of a square or rectangular matrix. */
export interface Lu {
  /** L below the diagonal (its ones are left out) and U from the diagonal up. */
  readonly factors: Matrix;
  /** Row i of L·U is row `permutation[i]` of A. */
  readonly permutation: ReadonlyArray<number>;
  /** 1 or −1: whether rows were exchanged an even number of times. */
  readonly sign: number;
}

const largestRow = ({ rows, columns, data }: Matrix, k: number): number => {
  let best = k;
  for (let i = k + 1; i < rows; i++) {
    if (Math.abs(data[i * columns + k]) > Math.abs(data[best * columns + k])) best = i;
  }
  return best;
};

const swapRows = ({ columns, data }: Matrix, a: number, b: number): void => {
  const row = data.slice(a * columns, (a + 1) * columns);
  data.copyWithin(a * columns, b * columns, (b + 1) * columns);
  data.set(row, b * columns);
};

/** Factors in steps. */
export function* luSteps(a: Matrix): Steps<Lu> {
  const factors = copyOf(finite(a));
  const { rows, columns, data } = factors;
  const permutation = Array.from({ length: rows }, (_, i) => i);
  let sign = 1;
  for (let k = 0; k < Math.min(rows, columns); k++) {
    const best = largestRow(factors, k);
    if (best !== k) {
      swapRows(factors, k, best);
      [permutation[k], permutation[best]] = [permutation[best], permutation[k]];
      sign = -sign;
    }
    const pivot = data[k * columns + k];
    if (pivot === 0) continue;
    for (let i = k + 1; i < rows; i++) {
      const factor = data[i * columns + k] / pivot;
      data[i * columns + k] = factor;
      if (factor !== 0) addRow(data, i * columns + k + 1, data, k * columns + k + 1, columns - k - 1, -factor);
    }
    yield;
  }
  return { factors, permutation, sign };
}

/** Factors a matrix. */
export const lu = (a: Matrix): Lu => finish(luSteps(a));

/** L, with its ones. */
export const lowerOf = ({ factors: { rows, columns, data } }: Lu): Matrix => {
  const side = Math.min(rows, columns);
  const made = new Float64Array(rows * side);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < Math.min(i, side); j++) made[i * side + j] = data[i * columns + j];
    if (i < side) made[i * side + i] = 1;
  }
  return { rows, columns: side, data: made };
};

/** U. */
export const upperOf = ({ factors: { rows, columns, data } }: Lu): Matrix => {
  const side = Math.min(rows, columns);
  const made = new Float64Array(side * columns);
  for (let i = 0; i < side; i++) made.set(data.subarray(i * columns + i, (i + 1) * columns), i * columns + i);
  return { rows: side, columns, data: made };
};

const zeroPivot = ({ factors: { rows, data } }: Lu): number => {
  for (let i = 0; i < rows; i++) if (data[i * rows + i] === 0) return i;
  return -1;
};

/** Refuses factors with a zero on the diagonal. */
const regular = (operation: string, factored: Lu): Lu => {
  const pivot = zeroPivot(factored);
  if (pivot >= 0) throw singular({ operation, pivot });
  return factored;
};

/** Solves L·X = B or U·X = B in place; `unit` where the diagonal is ones. */
export const solveTriangular = (
  { columns: side, data }: Matrix,
  b: Matrix,
  { upper, unit = false }: { readonly upper: boolean; readonly unit?: boolean },
): void => {
  for (let turn = 0; turn < side; turn++) {
    const i = upper ? side - 1 - turn : turn;
    const at = i * b.columns;
    const [from, to] = upper ? [i + 1, side] : [0, i];
    for (let k = from; k < to; k++) {
      const factor = data[i * side + k];
      if (factor !== 0) addRow(b.data, at, b.data, k * b.columns, b.columns, -factor);
    }
    if (unit) continue;
    for (let j = 0; j < b.columns; j++) b.data[at + j] /= data[i * side + i];
  }
};

/** X of A·X = B, by A's factors. */
export const solveWith = (factored: Lu, b: Matrix): Matrix => {
  const x: Matrix = { ...b, data: new Float64Array(b.data.length) };
  factored.permutation.forEach((from, i) =>
    x.data.set(b.data.subarray(from * b.columns, (from + 1) * b.columns), i * b.columns)
  );
  solveTriangular(factored.factors, x, { upper: false, unit: true });
  solveTriangular(factored.factors, x, { upper: true });
  return x;
};

/** X of A·X = B in steps. */
export function* solveSteps(a: Matrix, b: Matrix): Steps<Matrix> {
  if (a.rows !== b.rows) {
    throw wrongSizes({ operation: "solve", reason: `the matrix has ${a.rows} rows and the right side ${b.rows}` });
  }
  return solveWith(regular("solve", yield* luSteps(square("solve", a))), finite(b));
}

/** X of A·X = B; throws `LINALG_SINGULAR` where a pivot is zero. */
export const solve = (a: Matrix, b: Matrix): Matrix => finish(solveSteps(a, b));

/** The inverse in steps. */
export function* inverseSteps(a: Matrix): Steps<Matrix> {
  return solveWith(regular("inverse", yield* luSteps(square("inverse", a))), identity(a.rows));
}

/** The inverse; throws `LINALG_SINGULAR` where a pivot is zero. */
export const inverse = (a: Matrix): Matrix => finish(inverseSteps(a));

/** A determinant: its value, and its sign and logarithm, which neither overflow nor vanish. */
export interface Determinant {
  /** The value; ±∞ or 0 where it leaves the range of numbers. */
  readonly value: number;
  /** 1, −1, or 0. */
  readonly sign: number;
  /** Natural logarithm of the magnitude; −∞ of 0. */
  readonly logarithm: number;
}

/** The determinant in steps. */
export function* determinantSteps(a: Matrix): Steps<Determinant> {
  const { factors: { rows, data }, sign: exchanged } = yield* luSteps(square("determinant", a));
  let [mantissa, exponent, sign, logarithm] = [1, 0, exchanged, 0];
  for (let i = 0; i < rows; i++) {
    const pivot = data[i * rows + i];
    if (pivot === 0) return { value: 0, sign: 0, logarithm: -Infinity };
    sign *= Math.sign(pivot);
    logarithm += Math.log(Math.abs(pivot));
    // Products of mantissas stay near one; exponents are whole numbers and add up exactly.
    const shift = Math.floor(Math.log2(Math.abs(pivot)));
    mantissa *= scaleBy(Math.abs(pivot), -shift);
    const carry = Math.floor(Math.log2(mantissa));
    mantissa /= 2 ** carry;
    exponent += shift + carry;
  }
  return { value: sign * scaleBy(mantissa, exponent), sign, logarithm };
}

/** x · 2^shift, in steps that do not overflow on the way. */
const scaleBy = (x: number, shift: number): number => {
  let made = x;
  let left = shift;
  while (left !== 0 && made !== 0 && Number.isFinite(made)) {
    const step = Math.max(-1000, Math.min(1000, left));
    made *= 2 ** step;
    left -= step;
  }
  return made;
};

/** The determinant. */
export const determinant = (a: Matrix): Determinant => finish(determinantSteps(a));
