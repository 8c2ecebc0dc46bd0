/**
 * Coordinates: sparse matrices as lists of rows, columns and values (COO), the form to build them in.
 *
 * Not the form to multiply in (rows.ts).
 * Invariant: the three lists have one length and every index lies within the matrix. Entries may repeat a place, where
 * they mean their sum; `canonical` adds them up, whatever their order.
 *
 * @module
 */
import { badSparse } from "../failures.ts";
import { type TensorValue, tensorValue } from "../value.ts";

/** Largest number of rows or columns. */
export const MAX_EXTENT: number = 2 ** 32 - 1;

/** Most elements of a dense matrix that is made of a sparse one. */
export const MAX_DENSE: number = 2 ** 26;

/** What values are. */
export type SparseDtype = "f32" | "f64";

/** Values of a matrix. */
export type SparseValues = Float32Array | Float64Array;

/** A sparse matrix in coordinate form. */
export interface Coordinates {
  /** Number of rows. */
  readonly rows: number;
  /** Number of columns. */
  readonly columns: number;
  /** Row of each entry. */
  readonly rowIndices: Uint32Array;
  /** Column of each entry. */
  readonly columnIndices: Uint32Array;
  /** Value of each entry; its type is the matrix's. */
  readonly values: SparseValues;
}

/** An entry: row, column, value. */
export type Entry = readonly [number, number, number];

/** Dtype of values. */
export const dtypeOfValues = (values: SparseValues): SparseDtype => values instanceof Float32Array ? "f32" : "f64";

/** Zeros of a dtype. */
export const zeroValues = (dtype: SparseDtype, count: number): SparseValues =>
  dtype === "f32" ? new Float32Array(count) : new Float64Array(count);

/** Refuses what is no number of rows or columns. */
export const checkExtent = (what: string, extent: number): void => {
  if (Number.isInteger(extent) && extent >= 0 && extent <= MAX_EXTENT) return;
  throw badSparse({
    what: "matrix",
    reason: `${extent} is no number of ${what}`,
    expected: `a whole number up to ${MAX_EXTENT}`,
  });
};

const checkIndex = (what: string, index: number, extent: number, entry: number): void => {
  if (Number.isInteger(index) && index >= 0 && index < extent) return;
  throw badSparse({
    what: "matrix",
    reason: `entry ${entry} is in ${what} ${index} of ${extent}`,
    path: `/${entry}`,
    expected: `below ${extent}`,
  });
};

/** A matrix of entries; throws `RMIL_SPARSE` for an index outside it. */
export const coordinates = (
  rows: number,
  columns: number,
  entries: ReadonlyArray<Entry>,
  dtype: SparseDtype = "f32",
): Coordinates => {
  checkExtent("rows", rows);
  checkExtent("columns", columns);
  const values = zeroValues(dtype, entries.length);
  const rowIndices = new Uint32Array(entries.length);
  const columnIndices = new Uint32Array(entries.length);
  entries.forEach(([row, column, value], i) => {
    checkIndex("row", row, rows, i);
    checkIndex("column", column, columns, i);
    rowIndices[i] = row;
    columnIndices[i] = column;
    values[i] = value;
  });
  return { rows, columns, rowIndices, columnIndices, values };
};

/** The unit matrix. */
export const identityMatrix = (size: number, dtype: SparseDtype = "f32"): Coordinates =>
  coordinates(size, size, Array.from({ length: size }, (_, i) => [i, i, 1] as const), dtype);

/** A square matrix with values on its diagonal; zeros are left out. */
export const diagonalMatrix = (values: ReadonlyArray<number>, dtype: SparseDtype = "f32"): Coordinates =>
  coordinates(values.length, values.length, values.flatMap((value, i) => value === 0 ? [] : [[i, i, value]]), dtype);

/** The non-zero entries of row-major elements, row by row; NaN is kept. */
export const fromDense = (rows: number, columns: number, elements: SparseValues): Coordinates => {
  checkExtent("rows", rows);
  checkExtent("columns", columns);
  if (elements.length !== rows * columns) {
    throw badSparse({ what: "matrix", reason: `${elements.length} elements are no ${rows} by ${columns}` });
  }
  const entries: Array<Entry> = [];
  elements.forEach((value, i) => {
    if (value !== 0) entries.push([Math.floor(i / columns), i % columns, value]);
  });
  return coordinates(rows, columns, entries, dtypeOfValues(elements));
};

/** All elements, row-major; entries of one place are added up in f64 and rounded once. */
export const toDense = (matrix: Coordinates): SparseValues => {
  const { rows, columns, rowIndices, columnIndices, values } = canonical(matrix);
  if (rows * columns > MAX_DENSE) {
    throw badSparse({
      what: "matrix",
      reason: `${rows} by ${columns} are more than ${MAX_DENSE} elements`,
      expected: MAX_DENSE,
    });
  }
  const dense = zeroValues(dtypeOfValues(values), rows * columns);
  values.forEach((value, i) => dense[rowIndices[i] * columns + columnIndices[i]] = value);
  return dense;
};

const compareNumbers = (a: number, b: number): number =>
  Number.isNaN(a) ? Number.isNaN(b) ? 0 : 1 : a < b ? -1 : a > b ? 1 : 0;

/** Entries by row, then column, each place once. Repeated ones are added smallest first, so that order is no matter. */
export const canonical = (matrix: Coordinates): Coordinates => {
  const { rows, columns, rowIndices, columnIndices, values } = matrix;
  const order = Uint32Array.from(values, (_, i) => i).sort((a, b) =>
    rowIndices[a] - rowIndices[b] || columnIndices[a] - columnIndices[b] || compareNumbers(values[a], values[b])
  );
  const entries: Array<[number, number, number]> = [];
  for (const i of order) {
    const last = entries.at(-1);
    if (last !== undefined && last[0] === rowIndices[i] && last[1] === columnIndices[i]) last[2] += values[i];
    else entries.push([rowIndices[i], columnIndices[i], values[i]]);
  }
  return coordinates(rows, columns, entries, dtypeOfValues(values));
};

/** Rows as columns. */
export const transposed = (matrix: Coordinates): Coordinates => ({
  ...matrix,
  rows: matrix.columns,
  columns: matrix.rows,
  rowIndices: matrix.columnIndices,
  columnIndices: matrix.rowIndices,
});

/** Share of places that have an entry; 0 of a matrix without places. */
export const densityOf = ({ rows, columns, values }: Coordinates): number =>
  rows * columns === 0 ? 0 : values.length / (rows * columns);

/** The matrix of a tensor with two axes of f32 or f64. */
export const fromTensor = ({ dtype, shape, bytes }: TensorValue): Coordinates => {
  const [rows, columns] = shape;
  if (
    (dtype !== "f32" && dtype !== "f64") || shape.length !== 2 || typeof rows !== "number" ||
    typeof columns !== "number"
  ) {
    throw badSparse({
      what: "matrix",
      reason: "it is made of a tensor of f32 or f64 with two known axes",
      actual: dtype,
    });
  }
  const size = dtype === "f32" ? 4 : 8;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const elements = zeroValues(dtype, Math.floor(bytes.length / size));
  for (let i = 0; i < elements.length; i++) {
    elements[i] = dtype === "f32" ? view.getFloat32(i * 4, true) : view.getFloat64(i * 8, true);
  }
  return fromDense(rows, columns, elements);
};

/** The dense tensor of a matrix. */
export const toTensor = (matrix: Coordinates): TensorValue => {
  const dense = toDense(matrix);
  const dtype = dtypeOfValues(dense);
  const bytes = new Uint8Array(dense.byteLength);
  const view = new DataView(bytes.buffer);
  dense.forEach((value, i) =>
    dtype === "f32" ? view.setFloat32(i * 4, value, true) : view.setFloat64(i * 8, value, true)
  );
  return tensorValue(dtype, [matrix.rows, matrix.columns], bytes);
};
