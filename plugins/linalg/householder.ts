/**
 * Householder: reflections I − β·v·vᵀ, the orthogonal steps of QR, tridiagonal and Hessenberg forms.
 *
 * Invariant: v[0] is 1 and the reflection takes x to ∓‖x‖·e₀ without cancellation; x in multiples of e₀ gives β = 0.
 *
 * @module
 */
import type { Matrix } from "./matrix.ts";

/** A reflection. */
export interface Reflection {
  /** The vector; its first element is 1. */
  readonly v: Float64Array;
  /** The factor; 0 where nothing is reflected. */
  readonly beta: number;
  /** What the first element becomes. */
  readonly alpha: number;
}

/** The reflection that takes a vector to a multiple of the first unit vector. */
export const reflectionOf = (x: Float64Array): Reflection => {
  const v = x.slice();
  if (v.length > 0) v[0] = 1;
  let largest = 0;
  for (let i = 1; i < x.length; i++) largest = Math.max(largest, Math.abs(x[i]));
  if (largest === 0) return { v, beta: 0, alpha: x[0] ?? 0 };
  // Elements near one neither overflow nor vanish when they are squared.
  const scale = Math.max(largest, Math.abs(x[0]));
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += (x[i] / scale) ** 2;
  const norm = scale * Math.sqrt(sum);
  const alpha = x[0] > 0 ? -norm : norm;
  const first = x[0] - alpha;
  for (let i = 1; i < x.length; i++) v[i] = x[i] / first;
  return { v, beta: -first / alpha, alpha };
};

/** Applies a reflection from the left to rows from `top` on, columns from `left` on. */
export const reflectRows = (
  { rows: _, columns, data }: Matrix,
  { v, beta }: Reflection,
  top: number,
  left: number,
): void => {
  if (beta === 0) return;
  const width = columns - left;
  const sums = new Float64Array(width);
  for (let i = 0; i < v.length; i++) {
    const at = (top + i) * columns + left;
    for (let j = 0; j < width; j++) sums[j] += v[i] * data[at + j];
  }
  for (let i = 0; i < v.length; i++) {
    const at = (top + i) * columns + left;
    const factor = beta * v[i];
    for (let j = 0; j < width; j++) data[at + j] -= factor * sums[j];
  }
};

/** Applies a reflection from the right to columns from `left` on, in rows up to before `bottom`. */
export const reflectColumns = (
  { columns, data }: Matrix,
  { v, beta }: Reflection,
  left: number,
  bottom: number,
): void => {
  if (beta === 0) return;
  for (let i = 0; i < bottom; i++) {
    const at = i * columns + left;
    let sum = 0;
    for (let j = 0; j < v.length; j++) sum += data[at + j] * v[j];
    const factor = beta * sum;
    for (let j = 0; j < v.length; j++) data[at + j] -= factor * v[j];
  }
};

/** Part of a column, from a row down. */
export const columnFrom = ({ rows, columns, data }: Matrix, column: number, top: number): Float64Array => {
  const made = new Float64Array(rows - top);
  for (let i = top; i < rows; i++) made[i - top] = data[i * columns + column];
  return made;
};

/** Puts a reflected column in place: its first element, zeros below. */
export const setColumn = ({ rows, columns, data }: Matrix, column: number, top: number, alpha: number): void => {
  data[top * columns + column] = alpha;
  for (let i = top + 1; i < rows; i++) data[i * columns + column] = 0;
};
