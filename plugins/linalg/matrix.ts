/**
 * Matrix: dense, row-major, binary64; the few functions that every factorisation is made of.
 *
 * Not tensors (the IR has those) and not fast products (backends have those).
 * Invariant: `data` has rows × columns elements, all finite once `finite` has seen it.
 *
 * @module
 */
import { notFinite, tooLarge, wrongSizes } from "./failures.ts";

/** A dense matrix. */
export interface Matrix {
  /** Rows. */
  readonly rows: number;
  /** Columns. */
  readonly columns: number;
  /** Elements, row after row. */
  readonly data: Float64Array;
}

/** Work in steps, between which whoever runs it may stop. */
export type Steps<A> = Generator<void, A, void>;

/** Distance between 1 and the next number. */
export const EPSILON: number = 2 ** -52;

/** Most rows and most columns. */
export const MAX_SIDE = 4096;

/** Runs steps to their end. */
export const finish = <A>(steps: Steps<A>): A => {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
};

/**
 * A matrix from rows of numbers.
 *
 * @example
 * ```ts
 * import { matrix, toRows } from "@rmi/rmi/linalg";
 * import assert from "node:assert/strict";
 * assert.deepEqual(toRows(matrix([[1, 2], [3, 4]])), [[1, 2], [3, 4]]);
 * ```
 */
export const matrix = (rows: ReadonlyArray<ReadonlyArray<number>>): Matrix => {
  const columns = rows[0]?.length ?? 0;
  const uneven = rows.findIndex((row) => row.length !== columns);
  if (uneven >= 0) {
    throw wrongSizes({
      operation: "matrix",
      reason: `row ${uneven} has ${rows[uneven].length} elements and row 0 has ${columns}`,
    });
  }
  return { rows: rows.length, columns, data: Float64Array.from(rows.flat()) };
};

/** The rows of a matrix. */
export const toRows = ({ rows, columns, data }: Matrix): ReadonlyArray<ReadonlyArray<number>> =>
  Array.from({ length: rows }, (_, row) => [...data.subarray(row * columns, (row + 1) * columns)]);

/** Zeros. */
export const zeroMatrix = (rows: number, columns: number): Matrix => ({
  rows,
  columns,
  data: new Float64Array(rows * columns),
});

/** Ones on the diagonal. */
export const identity = (side: number): Matrix => {
  const made = zeroMatrix(side, side);
  for (let i = 0; i < side; i++) made.data[i * side + i] = 1;
  return made;
};

/** A copy to work on. */
export const copyOf = ({ rows, columns, data }: Matrix): Matrix => ({ rows, columns, data: data.slice() });

/** Rows as columns. */
export const transposed = ({ rows, columns, data }: Matrix): Matrix => {
  const made = zeroMatrix(columns, rows);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) made.data[j * rows + i] = data[i * columns + j];
  }
  return made;
};

/** The product of two matrices. */
export const multiply = (a: Matrix, b: Matrix): Matrix => {
  if (a.columns !== b.rows) {
    throw wrongSizes({ operation: "multiply", reason: `${a.columns} columns do not meet ${b.rows} rows` });
  }
  const made = zeroMatrix(a.rows, b.columns);
  for (let i = 0; i < a.rows; i++) {
    for (let k = 0; k < a.columns; k++) {
      const factor = a.data[i * a.columns + k];
      if (factor !== 0) addRow(made.data, i * b.columns, b.data, k * b.columns, b.columns, factor);
    }
  }
  return made;
};

/** The first columns. */
export const firstColumns = ({ rows, columns, data }: Matrix, count: number): Matrix => {
  const made = zeroMatrix(rows, count);
  for (let i = 0; i < rows; i++) made.data.set(data.subarray(i * columns, i * columns + count), i * count);
  return made;
};

/** Adds a multiple of one stretch of numbers to another. */
export const addRow = (
  to: Float64Array,
  at: number,
  from: Float64Array,
  start: number,
  count: number,
  factor: number,
): void => {
  for (let j = 0; j < count; j++) to[at + j] += factor * from[start + j];
};

/** The inner product of two stretches of numbers. */
export const innerProduct = (a: Float64Array, at: number, b: Float64Array, start: number, count: number): number => {
  let sum = 0;
  for (let j = 0; j < count; j++) sum += a[at + j] * b[start + j];
  return sum;
};

/** Turns two stretches of numbers by a rotation: (x, y) becomes (c·x − s·y, s·x + c·y). */
export const rotateRows = (
  data: Float64Array,
  first: number,
  second: number,
  count: number,
  c: number,
  s: number,
): void => {
  for (let j = 0; j < count; j++) {
    const [x, y] = [data[first + j], data[second + j]];
    data[first + j] = c * x - s * y;
    data[second + j] = s * x + c * y;
  }
};

/** The largest magnitude; 0 of nothing. */
export const largestOf = ({ data }: Matrix): number => {
  let largest = 0;
  for (let i = 0; i < data.length; i++) largest = Math.max(largest, Math.abs(data[i]));
  return largest;
};

/** A power of two near a magnitude, and 1 for 0: multiplying by it loses nothing. */
export const powerNear = (magnitude: number): number => {
  if (magnitude === 0) return 1;
  return 2 ** Math.max(-1022, Math.min(1023, Math.floor(Math.log2(magnitude))));
};

/** A matrix of elements near one, and the power of two it was divided by. */
export const scaledToOne = (a: Matrix): { readonly scaled: Matrix; readonly scale: number } => {
  const scale = powerNear(largestOf(a));
  return { scaled: { ...a, data: a.data.map((value) => value / scale) }, scale };
};

/** Refuses NaN, infinities and sides past the limit. */
export const finite = (a: Matrix): Matrix => {
  for (const [what, found] of [["a matrix's rows", a.rows], ["a matrix's columns", a.columns]] as const) {
    if (found > MAX_SIDE) throw tooLarge({ what, limit: MAX_SIDE, found });
  }
  const at = a.data.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return a;
  throw notFinite({ row: Math.floor(at / a.columns), column: at % a.columns, value: String(a.data[at]) });
};

/** Refuses a matrix that is not square. */
export const square = (operation: string, a: Matrix): Matrix => {
  if (a.rows !== a.columns) {
    throw wrongSizes({ operation, reason: `it takes a square matrix, not ${a.rows} by ${a.columns}` });
  }
  return finite(a);
};

/** The first pair of elements that differ from each other across the diagonal; undefined for a symmetric matrix. */
export const asymmetry = ({ rows, data }: Matrix): readonly [row: number, column: number] | undefined => {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < i; j++) if (data[i * rows + j] !== data[j * rows + i]) return [i, j];
  }
  return undefined;
};
