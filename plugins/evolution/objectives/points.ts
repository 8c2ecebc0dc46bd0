/**
 * Points: rows of objective values in one flat array; every objective is minimised.
 *
 * Not a population: a point knows nothing of the genome that reached it.
 * Invariant: row i lies at `i * width` … `(i + 1) * width`.
 *
 * @module
 */
import { badPoints } from "../failures.ts";

/** Rows of objective values. */
export interface Points {
  /** Number of rows. */
  readonly count: number;
  /** Number of objectives. */
  readonly width: number;
  /** The values, row after row. */
  readonly data: Float64Array;
}

/** Points of rows; throws EVOLUTION_POINTS where a row has another width than the first. */
export const pointsOf = (rows: ReadonlyArray<ArrayLike<number>>): Points => {
  const width = rows.length === 0 ? 0 : rows[0].length;
  const data = new Float64Array(rows.length * width);
  rows.forEach((row, i) => {
    if (row.length !== width) {
      throw badPoints({
        measure: "a set of points",
        reason: `row ${i} has ${row.length} objectives, the first has ${width}`,
        path: `/${i}`,
        expected: width,
        actual: row.length,
      });
    }
    data.set(row, i * width);
  });
  return { count: rows.length, width, data };
};

/** The rows of points, as plain arrays. */
export const rowsOf = ({ count, width, data }: Points): ReadonlyArray<ReadonlyArray<number>> =>
  Array.from({ length: count }, (_, i) => [...data.subarray(i * width, (i + 1) * width)]);

/** The chosen rows, in the order given. */
export const pickPoints = ({ width, data }: Points, indices: ArrayLike<number>): Points => {
  const picked = new Float64Array(indices.length * width);
  for (let k = 0; k < indices.length; k++) {
    picked.set(data.subarray(indices[k] * width, (indices[k] + 1) * width), k * width);
  }
  return { count: indices.length, width, data: picked };
};

/** Throws EVOLUTION_POINTS where a value is NaN, which no order has a place for. */
export const ordered = (measure: string, points: Points): Points => {
  const at = points.data.findIndex(Number.isNaN);
  if (at >= 0) {
    const row = Math.floor(at / points.width);
    throw badPoints({ measure, reason: `objective ${at % points.width} of row ${row} is NaN`, path: `/${row}` });
  }
  return points;
};
