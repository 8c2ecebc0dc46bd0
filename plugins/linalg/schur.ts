/**
 * Schur: a real A = Z·T·Zᵀ with T upper triangular but for 2 by 2 blocks of conjugate pairs, by Francis' double shifts.
 *
 * Invariant: Z is orthogonal to working precision; every 2 by 2 block of T has complex eigenvalues.
 *
 * @module
 */
import { noConvergence } from "./failures.ts";
import { columnFrom, reflectColumns, reflectionOf, reflectRows, setColumn } from "./householder.ts";
import { copyOf, EPSILON, identity, largestOf, type Matrix, type Steps } from "./matrix.ts";

/** The form and its vectors. */
export interface Schur {
  /** Triangular but for 2 by 2 blocks. */
  readonly t: Matrix;
  /** Orthogonal. */
  readonly z: Matrix;
}

/** Most double steps for one eigenvalue. */
export const MAX_FRANCIS_STEPS = 60;

/** Steps after which an unusual shift breaks a circle. */
const UNUSUAL_EVERY = 10;

/** A = Z·H·Zᵀ with zeros below H's first subdiagonal. */
function* hessenberg(a: Matrix): Steps<Schur> {
  const t = copyOf(a);
  const z = identity(a.rows);
  for (let k = 0; k < a.rows - 2; k++) {
    const reflection = reflectionOf(columnFrom(t, k, k + 1));
    reflectRows(t, reflection, k + 1, k + 1);
    setColumn(t, k, k + 1, reflection.alpha);
    reflectColumns(t, reflection, k + 1, a.rows);
    reflectColumns(z, reflection, k + 1, a.rows);
    yield;
  }
  return { t, z };
}

/** The row where the last unreduced block begins; what is negligible below it becomes zero. */
const blockStart = ({ rows: side, data }: Matrix, last: number, norm: number): number => {
  let first = last;
  while (first > 0) {
    const beside = Math.abs(data[(first - 1) * side + first - 1]) + Math.abs(data[first * side + first]);
    if (Math.abs(data[first * side + first - 1]) <= EPSILON * (beside === 0 ? norm : beside)) {
      data[first * side + first - 1] = 0;
      break;
    }
    first--;
  }
  return first;
};

/** Turns rows and columns p, p + 1 of T and columns of Z by a rotation. */
const turnBlock = ({ t, z }: Schur, p: number, c: number, s: number): void => {
  const side = t.rows;
  for (let j = 0; j < side; j++) {
    const [x, y] = [t.data[p * side + j], t.data[(p + 1) * side + j]];
    t.data[p * side + j] = c * x + s * y;
    t.data[(p + 1) * side + j] = c * y - s * x;
  }
  for (const { data } of [t, z]) {
    for (let i = 0; i < side; i++) {
      const [x, y] = [data[i * side + p], data[i * side + p + 1]];
      data[i * side + p] = c * x + s * y;
      data[i * side + p + 1] = c * y - s * x;
    }
  }
};

/** Makes a 2 by 2 block with real eigenvalues triangular. */
const splitBlock = (form: Schur, p: number): void => {
  const { t: { rows: side, data } } = form;
  const [a, b] = [data[p * side + p], data[p * side + p + 1]];
  const [c, d] = [data[(p + 1) * side + p], data[(p + 1) * side + p + 1]];
  const half = (a - d) / 2;
  const inside = half * half + b * c;
  if (c === 0 || inside < 0) return;
  // (A − λ)·v = 0 for v = (λ − d, c): the root is chosen so that nothing cancels.
  const root = half + (half >= 0 ? 1 : -1) * Math.sqrt(inside);
  const [x, y] = root === 0 ? [0, c] : [root, c];
  const length = Math.hypot(x, y);
  turnBlock(form, p, x / length, y / length);
  data[(p + 1) * side + p] = 0;
};

/** Sum and product of the shifts: the eigenvalues of the last 2 by 2 block, now and then others. */
const shiftsOf = ({ rows: side, data }: Matrix, last: number, step: number): readonly [number, number] => {
  if (step > 0 && step % UNUSUAL_EVERY === 0) {
    const size = Math.abs(data[last * side + last - 1]) + Math.abs(data[(last - 1) * side + last - 2]);
    const middle = 0.75 * size + data[last * side + last];
    return [2 * middle, middle * middle + 0.4375 * size * size];
  }
  const [a, d] = [data[(last - 1) * side + last - 1], data[last * side + last]];
  return [a + d, a * d - data[(last - 1) * side + last] * data[last * side + last - 1]];
};

/** One double step on rows `first` … `last`: a bulge of two chased from top to bottom. */
const francisStep = (form: Schur, first: number, last: number, step: number): void => {
  const { t, z } = form;
  const { rows: side, data } = t;
  const [sum, product] = shiftsOf(t, last, step);
  const h = (i: number, j: number): number => data[(first + i) * side + first + j];
  let column = Float64Array.of(
    h(0, 0) * h(0, 0) + h(0, 1) * h(1, 0) - sum * h(0, 0) + product,
    h(1, 0) * (h(0, 0) + h(1, 1) - sum),
    h(1, 0) * h(2, 1),
  );
  for (let k = first; k < last; k++) {
    const reflection = reflectionOf(column);
    const from = Math.max(first, k - 1);
    reflectRows(t, reflection, k, from);
    if (k > first) { for (let i = 1; i < column.length; i++) data[(k + i) * side + k - 1] = 0; }
    reflectColumns(t, reflection, k, Math.min(k + 4, last + 1));
    reflectColumns(z, reflection, k, side);
    column = Float64Array.from({ length: Math.min(3, last - k) }, (_, i) => data[(k + 1 + i) * side + k]);
  }
};

/** The form in steps. */
export function* schurSteps(a: Matrix, rounds: number = MAX_FRANCIS_STEPS): Steps<Schur> {
  const form = yield* hessenberg(a);
  const norm = largestOf(form.t);
  let last = a.rows - 1;
  let step = 0;
  while (last > 0) {
    const first = blockStart(form.t, last, norm);
    if (first >= last - 1) {
      if (first === last - 1) splitBlock(form, first);
      last = first - 1;
      step = 0;
      continue;
    }
    if (step >= rounds) throw noConvergence({ operation: "eigen", rounds });
    francisStep(form, first, last, step++);
    yield;
  }
  return form;
}
