/**
 * Matrices that are hard, and judges of factors: residuals in the units LAPACK's own tests use, and exact arithmetic.
 */
import { random } from "../../../kernel/random.ts";
import {
  EPSILON,
  frobeniusNorm,
  identity,
  isLinalgFailure,
  type Matrix,
  matrix,
  multiply,
  oneNorm,
  transposed,
} from "../../../plugins/linalg/library.ts";

/** Elements of a normal distribution. */
export const normal = (rows: number, columns: number, seed: string): Matrix => {
  const chance = random(`linalg/${seed}`);
  return { rows, columns, data: Float64Array.from({ length: rows * columns }, () => chance.normal()) };
};

/** A matrix by a formula. */
export const by = (rows: number, columns: number, at: (i: number, j: number) => number): Matrix => ({
  rows,
  columns,
  data: Float64Array.from({ length: rows * columns }, (_, k) => at(Math.floor(k / columns), k % columns)),
});

/** a − b. */
export const difference = (a: Matrix, b: Matrix): Matrix => ({
  ...a,
  data: a.data.map((value, i) => value - b.data[i]),
});

/** a · factor. */
export const scaled = (a: Matrix, factor: number): Matrix => ({ ...a, data: a.data.map((value) => value * factor) });

/** A diagonal. */
export const diagonal = (values: ArrayLike<number>): Matrix =>
  by(values.length, values.length, (i, j) => i === j ? values[i] : 0);

/** ‖a − b‖ / (‖a‖ · n · ε): what LAPACK's tests hold below 30. */
export const residual = (a: Matrix, b: Matrix): number => {
  const norm = oneNorm(a);
  const apart = oneNorm(difference(a, b));
  return apart === 0 ? 0 : apart / (norm * Math.max(1, a.rows, a.columns) * EPSILON);
};

/** ‖qᵀq − I‖ / (n · ε). */
export const orthogonality = (q: Matrix): number =>
  oneNorm(difference(multiply(transposed(q), q), identity(q.columns))) / (Math.max(1, q.rows) * EPSILON);

/** LAPACK's own threshold. */
export const THRESHOLD = 30;

const hilbert = (side: number): Matrix => by(side, side, (i, j) => 1 / (i + j + 1));

const wilkinson = (side: number): Matrix =>
  by(side, side, (i, j) => i === j ? Math.abs(i - (side - 1) / 2) : Math.abs(i - j) === 1 ? 1 : 0);

/** Gauss elimination's worst growth. */
const growing = (side: number): Matrix => by(side, side, (i, j) => j === side - 1 || i === j ? 1 : i > j ? -1 : 0);

const lowRank = (rows: number, columns: number, rank: number): Matrix =>
  multiply(normal(rows, rank, "left"), normal(rank, columns, "right"));

const jordan = (side: number, value: number): Matrix => by(side, side, (i, j) => i === j ? value : j === i + 1 ? 1 : 0);

/** Square matrices, by what makes them hard. */
export const SQUARE: ReadonlyArray<readonly [name: string, a: Matrix]> = [
  ["no rows", by(0, 0, () => 0)],
  ["one element", matrix([[-3]])],
  ["one zero", matrix([[0]])],
  ["ordinary 2", normal(2, 2, "2")],
  ["ordinary 7", normal(7, 7, "7")],
  ["ordinary 40", normal(40, 40, "40")],
  ["identity", identity(6)],
  ["zeros", by(5, 5, () => 0)],
  ["ones (rank one)", by(6, 6, () => 1)],
  ["rank 3 of 12", lowRank(12, 12, 3)],
  ["Hilbert 12", hilbert(12)],
  ["Wilkinson 21", wilkinson(21)],
  ["growing 30", growing(30)],
  ["graded by rows", by(10, 10, (i, j) => normal(10, 10, "graded").data[i * 10 + j] * 10 ** (-2 * i))],
  ["graded by columns", by(10, 10, (i, j) => normal(10, 10, "graded").data[i * 10 + j] * 10 ** (-2 * j))],
  ["tiny", scaled(normal(8, 8, "tiny"), 1e-300)],
  ["huge", scaled(normal(8, 8, "huge"), 1e300)],
  ["defective (Jordan block of 8)", jordan(8, 2)],
  ["nilpotent", jordan(6, 0)],
  ["rotation", matrix([[0, -1], [1, 0]])],
  ["exchange", matrix([[0, 1], [1, 0]])],
  ["permutation in a circle", by(9, 9, (i, j) => j === (i + 1) % 9 ? 1 : 0)],
  [
    "companion of (x−1)…(x−6)",
    matrix([
      [21, -175, 735, -1624, 1764, -720],
      [1, 0, 0, 0, 0, 0],
      [0, 1, 0, 0, 0, 0],
      [0, 0, 1, 0, 0, 0],
      [0, 0, 0, 1, 0, 0],
      [0, 0, 0, 0, 1, 0],
    ]),
  ],
  ["skew", by(7, 7, (i, j) => i === j ? 0 : (i < j ? 1 : -1) * (i + j + 1))],
  ["badly balanced", by(6, 6, (i, j) => normal(6, 6, "balance").data[i * 6 + j] * 10 ** (3 * (i - j)))],
  ["upper triangular", by(8, 8, (i, j) => i <= j ? i + j + 1 : 0)],
  ["two equal blocks", by(8, 8, (i, j) => i % 4 === j % 4 || (i >> 2) === (j >> 2) ? (i % 4) - (j % 4) + 1 : 0)],
];

/** Matrices of other shapes. */
export const RECTANGULAR: ReadonlyArray<readonly [name: string, a: Matrix]> = [
  ["no columns", by(4, 0, () => 0)],
  ["no rows but columns", by(0, 4, () => 0)],
  ["one row", normal(1, 6, "row")],
  ["one column", normal(6, 1, "column")],
  ["tall", normal(23, 9, "tall")],
  ["wide", normal(9, 23, "wide")],
  ["tall, rank 2", lowRank(15, 6, 2)],
  ["wide, rank 2", lowRank(6, 15, 2)],
  ["tall with a column of zeros", by(9, 4, (i, j) => j === 2 ? 0 : normal(9, 4, "zero").data[i * 4 + j])],
  ["Läuchli", by(5, 4, (i, j) => i === 0 ? 1 : i === j + 1 ? 1e-9 : 0)],
];

/** Symmetric matrices. */
export const SYMMETRIC: ReadonlyArray<readonly [name: string, a: Matrix]> = SQUARE.map(([name, a]) =>
  [name, by(a.rows, a.rows, (i, j) => (a.data[i * a.rows + j] / 2 + a.data[j * a.rows + i] / 2))] as const
);

/** The determinant of a matrix of integers, exactly (Bareiss). */
export const exactDeterminant = (rows: ReadonlyArray<ReadonlyArray<number>>): bigint => {
  const a = rows.map((row) => row.map(BigInt));
  let [sign, before] = [1n, 1n];
  for (let k = 0; k < a.length - 1; k++) {
    const pivot = a.findIndex((row, i) => i >= k && row[k] !== 0n);
    if (pivot < 0) return 0n;
    if (pivot !== k) {
      [a[k], a[pivot]] = [a[pivot], a[k]];
      sign = -sign;
    }
    for (let i = k + 1; i < a.length; i++) {
      for (let j = k + 1; j < a.length; j++) a[i][j] = (a[i][j] * a[k][k] - a[i][k] * a[k][j]) / before;
    }
    before = a[k][k];
  }
  return a.length === 0 ? 1n : sign * a.at(-1)!.at(-1)!;
};

const DIGITS = 2n ** 400n;

/** A number as a multiple of 2^−400, exactly (for magnitudes that have no smaller digits). */
const exact = (x: number): bigint => {
  if (x === 0) return 0n;
  const exponent = Math.max(-1022, Math.floor(Math.log2(Math.abs(x))));
  const shift = BigInt(52 - exponent);
  const digits = BigInt(x * 2 ** (52 - exponent));
  return shift >= 0n ? digits * DIGITS / 2n ** shift : digits * DIGITS * 2n ** -shift;
};

/** The largest element of A·X − B, in exact arithmetic. */
export const exactDistance = (a: Matrix, x: Matrix, b: Matrix): number => {
  let worst = 0n;
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < x.columns; j++) {
      let sum = -exact(b.data[i * x.columns + j]) * DIGITS;
      for (let k = 0; k < a.columns; k++) sum += exact(a.data[i * a.columns + k]) * exact(x.data[k * x.columns + j]);
      worst = sum < 0n ? (-sum > worst ? -sum : worst) : (sum > worst ? sum : worst);
    }
  }
  return Number(worst * 2n ** 80n / (DIGITS * DIGITS)) / 2 ** 80;
};

/** The frobenius norm, under its short name. */
export const norm = frobeniusNorm;

/** The code of the failure that a computation throws; `none` where it does not. */
export const code = (body: () => unknown): string => {
  try {
    body();
  } catch (thrown) {
    if (isLinalgFailure(thrown)) return thrown.code;
    throw thrown;
  }
  return "none";
};
