/**
 * Rows: sparse matrices row by row (CSR), the form to compute in.
 *
 * Invariant: `starts` has one more entry than there are rows and never falls; within a row columns rise strictly, so each
 * place stands once. Sums are made in f64, in the order of columns, and rounded once to the matrix's dtype.
 *
 * @module
 */
import { badSparse } from "../failures.ts";
import {
  canonical,
  checkExtent,
  type Coordinates,
  dtypeOfValues,
  type SparseValues,
  zeroValues,
} from "./coordinates.ts";

/** A sparse matrix in row form. */
export interface Rows {
  /** Number of rows. */
  readonly rows: number;
  /** Number of columns. */
  readonly columns: number;
  /** Where each row's entries start, and the number of all entries at the end. */
  readonly starts: Uint32Array;
  /** Column of each entry. */
  readonly columnIndices: Uint32Array;
  /** Value of each entry. */
  readonly values: SparseValues;
}

/** Most rows: each takes memory even where it is empty. */
export const MAX_ROWS: number = 2 ** 26;

/** The row form of a matrix; entries of one place are added up. */
export const toRows = (matrix: Coordinates): Rows => {
  if (matrix.rows > MAX_ROWS) {
    throw badSparse({ what: "matrix", reason: `${matrix.rows} rows are more than ${MAX_ROWS}`, expected: MAX_ROWS });
  }
  const { rows, columns, rowIndices, columnIndices, values } = canonical(matrix);
  const starts = new Uint32Array(rows + 1);
  for (const row of rowIndices) starts[row + 1]++;
  for (let row = 0; row < rows; row++) starts[row + 1] += starts[row];
  return { rows, columns, starts, columnIndices, values };
};

/** The coordinate form of a matrix. */
export const toCoordinates = ({ rows, columns, starts, columnIndices, values }: Rows): Coordinates => {
  const rowIndices = new Uint32Array(values.length);
  for (let row = 0; row < rows; row++) rowIndices.fill(row, starts[row], starts[row + 1]);
  return { rows, columns, rowIndices, columnIndices, values };
};

/** Rows from their parts, as they come from outside; throws `RMIL_SPARSE` where they are no matrix. */
export const rowsOf = (matrix: Rows): Rows => {
  const { rows, columns, starts, columnIndices, values } = matrix;
  checkExtent("rows", rows);
  checkExtent("columns", columns);
  const refuse = (reason: string) => badSparse({ what: "rows", reason });
  if (starts.length !== rows + 1) throw refuse(`${starts.length} starts do not delimit ${rows} rows`);
  if (columnIndices.length !== values.length) {
    throw refuse(`${columnIndices.length} columns are given for ${values.length} values`);
  }
  if (starts[0] !== 0 || starts[rows] !== values.length) throw refuse("the starts do not span all values");
  for (let row = 0; row < rows; row++) {
    if (starts[row + 1] < starts[row]) throw refuse(`row ${row} ends before it starts`);
    for (let at = starts[row]; at < starts[row + 1]; at++) {
      if (columnIndices[at] >= columns) throw refuse(`entry ${at} is in column ${columnIndices[at]} of ${columns}`);
      if (at > starts[row] && columnIndices[at] <= columnIndices[at - 1]) {
        throw refuse(`the columns of row ${row} do not rise`);
      }
    }
  }
  return matrix;
};

/** Entries of one row: columns and values. */
export const rowEntries = (matrix: Rows, row: number): ReadonlyArray<readonly [number, number]> => {
  if (!Number.isInteger(row) || row < 0 || row >= matrix.rows) {
    throw badSparse({
      what: "row",
      reason: `there is no row ${row} of ${matrix.rows}`,
      expected: `below ${matrix.rows}`,
    });
  }
  const entries: Array<readonly [number, number]> = [];
  for (let at = matrix.starts[row]; at < matrix.starts[row + 1]; at++) {
    entries.push([matrix.columnIndices[at], matrix.values[at]]);
  }
  return entries;
};

/** Bytes that a matrix takes. */
export const bytesOf = ({ starts, columnIndices, values }: Rows): number =>
  starts.byteLength + columnIndices.byteLength + values.byteLength;

const fits = (what: string, found: number, wanted: number): void => {
  if (found === wanted) return;
  throw badSparse({
    what: "product",
    reason: `${what} are ${found}, and ${wanted} fit`,
    expected: wanted,
    actual: found,
  });
};

/** Matrix times vector. */
export const timesVector = (matrix: Rows, vector: SparseValues): SparseValues => {
  fits("elements of the vector", vector.length, matrix.columns);
  const { rows, starts, columnIndices, values } = matrix;
  const result = zeroValues(dtypeOfValues(values), rows);
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let at = starts[row]; at < starts[row + 1]; at++) sum += values[at] * vector[columnIndices[at]];
    result[row] = sum;
  }
  return result;
};

/** Matrix times a dense row-major matrix of so many columns. */
export const timesDense = (matrix: Rows, dense: SparseValues, width: number): SparseValues => {
  checkExtent("columns", width);
  fits("elements of the dense matrix", dense.length, matrix.columns * width);
  const { rows, starts, columnIndices, values } = matrix;
  const result = zeroValues(dtypeOfValues(values), rows * width);
  const sums = new Float64Array(width);
  for (let row = 0; row < rows; row++) {
    sums.fill(0);
    for (let at = starts[row]; at < starts[row + 1]; at++) {
      const from = columnIndices[at] * width;
      for (let column = 0; column < width; column++) sums[column] += values[at] * dense[from + column];
    }
    result.set(sums, row * width);
  }
  return result;
};

/** Collects rows of a result: what `add` and `timesSparse` have in common. */
class RowBuilder {
  readonly #starts: Uint32Array;
  readonly #columns: Array<number> = [];
  readonly #values: Array<number> = [];
  readonly #like: Rows;
  readonly #width: number;
  #row = 0;

  constructor(like: Rows, width: number) {
    this.#like = like;
    this.#width = width;
    this.#starts = new Uint32Array(like.rows + 1);
  }

  push(column: number, value: number): void {
    this.#columns.push(column);
    this.#values.push(value);
  }

  endRow(): void {
    this.#starts[++this.#row] = this.#columns.length;
  }

  finish(): Rows {
    const values = zeroValues(dtypeOfValues(this.#like.values), this.#values.length);
    values.set(this.#values);
    return {
      rows: this.#like.rows,
      columns: this.#width,
      starts: this.#starts,
      columnIndices: Uint32Array.from(this.#columns),
      values,
    };
  }
}

/** The sum of two matrices of one size; the dtype is the first one's. */
export const add = (a: Rows, b: Rows): Rows => {
  fits("rows of the second matrix", b.rows, a.rows);
  fits("columns of the second matrix", b.columns, a.columns);
  const into = new RowBuilder(a, a.columns);
  for (let row = 0; row < a.rows; row++) {
    let [i, j] = [a.starts[row], b.starts[row]];
    const [endA, endB] = [a.starts[row + 1], b.starts[row + 1]];
    while (i < endA || j < endB) {
      const left = i < endA ? a.columnIndices[i] : Infinity;
      const right = j < endB ? b.columnIndices[j] : Infinity;
      const value = left < right ? a.values[i] : right < left ? b.values[j] : a.values[i] + b.values[j];
      into.push(Math.min(left, right), value);
      if (left <= right) i++;
      if (right <= left) j++;
    }
    into.endRow();
  }
  return into.finish();
};

/** The product of two sparse matrices (Gustavson, row by row); the dtype is the first one's. */
export const timesSparse = (a: Rows, b: Rows): Rows => {
  fits("rows of the second matrix", b.rows, a.columns);
  const into = new RowBuilder(a, b.columns);
  for (let row = 0; row < a.rows; row++) {
    const sums = new Map<number, number>();
    for (let at = a.starts[row]; at < a.starts[row + 1]; at++) {
      const inner = a.columnIndices[at];
      for (let to = b.starts[inner]; to < b.starts[inner + 1]; to++) {
        const column = b.columnIndices[to];
        sums.set(column, (sums.get(column) ?? 0) + a.values[at] * b.values[to]);
      }
    }
    for (const [column, value] of [...sums].sort(([x], [y]) => x - y)) into.push(column, value);
    into.endRow();
  }
  return into.finish();
};

/** Every value times a number. */
export const scaled = (matrix: Rows, factor: number): Rows => ({
  ...matrix,
  values: matrix.values.map((value) => value * factor),
});

/** Rows as columns, in linear time. */
export const transposedRows = ({ rows, columns, starts, columnIndices, values }: Rows): Rows => {
  if (columns > MAX_ROWS) {
    throw badSparse({ what: "matrix", reason: `${columns} rows are more than ${MAX_ROWS}`, expected: MAX_ROWS });
  }
  const into = new Uint32Array(columns + 1);
  for (const column of columnIndices) into[column + 1]++;
  for (let column = 0; column < columns; column++) into[column + 1] += into[column];
  const next = into.slice();
  const found = { indices: new Uint32Array(values.length), values: zeroValues(dtypeOfValues(values), values.length) };
  for (let row = 0; row < rows; row++) {
    for (let at = starts[row]; at < starts[row + 1]; at++) {
      const to = next[columnIndices[at]]++;
      found.indices[to] = row;
      found.values[to] = values[at];
    }
  }
  return { rows: columns, columns: rows, starts: into, columnIndices: found.indices, values: found.values };
};
