/**
 * Hypervolume: the exact volume that points dominate below a reference point.
 *
 * Source: While, Bradstreet, Barone 2012 (WFG: the sum of exclusive volumes), with points taken worst first in the last
 * objective, so that every exclusive volume is a slice one dimension lower; two dimensions are a sweep.
 * Not an estimate: no sampling. Its time grows with the dimension, so more than {@link MAX_HYPERVOLUME_WIDTH}
 * objectives are refused.
 * Invariant: points that do not dominate the reference add nothing.
 *
 * @module
 */
import { badPoints, overLimit } from "../failures.ts";
import { ordered, type Points } from "./points.ts";

/** Most objectives. */
export const MAX_HYPERVOLUME_WIDTH = 5;

/** Most points. */
export const MAX_HYPERVOLUME_POINTS = 20_000;

type Row = Float64Array;

/** The area below the reference of points in two dimensions, by a sweep along the first. */
const areaOf = (rows: ReadonlyArray<Row>, reference: ArrayLike<number>): number => {
  const sorted = [...rows].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let area = 0;
  let height = reference[1];
  for (const row of sorted) {
    if (row[1] >= height) continue;
    area += (reference[0] - row[0]) * (height - row[1]);
    height = row[1];
  }
  return area;
};

const dominatesOrEquals = (a: Row, b: Row, width: number): boolean => {
  for (let m = 0; m < width; m++) if (a[m] > b[m]) return false;
  return true;
};

/** The part of each later point that lies inside point `k`'s box, without those that another covers. */
const limited = (rows: ReadonlyArray<Row>, k: number, width: number): ReadonlyArray<Row> => {
  const kept: Row[] = [];
  for (let j = k + 1; j < rows.length; j++) {
    const row = new Float64Array(width);
    for (let m = 0; m < width; m++) row[m] = Math.max(rows[k][m], rows[j][m]);
    if (kept.some((other) => dominatesOrEquals(other, row, width))) continue;
    let left = 0;
    for (const other of kept) if (!dominatesOrEquals(row, other, width)) kept[left++] = other;
    kept.length = left;
    kept.push(row);
  }
  return kept;
};

const volumeOf = (rows: ReadonlyArray<Row>, reference: ArrayLike<number>, width: number): number => {
  if (rows.length === 0) return 0;
  if (width === 1) return reference[0] - rows.reduce((least, row) => Math.min(least, row[0]), Infinity);
  if (width === 2) return areaOf(rows, reference);
  const last = width - 1;
  const sorted = [...rows].sort((a, b) => b[last] - a[last]);
  let volume = 0;
  for (let k = 0; k < sorted.length; k++) {
    let box = 1;
    for (let m = 0; m < last; m++) box *= reference[m] - sorted[k][m];
    volume += (reference[last] - sorted[k][last]) * (box - volumeOf(limited(sorted, k, last), reference, last));
  }
  return volume;
};

/**
 * The exact volume dominated by points below a reference point.
 *
 * Throws EVOLUTION_POINTS where sizes differ or a value is NaN or −∞, EVOLUTION_LIMIT past 5 objectives or 20,000 points.
 */
export const hypervolume = (points: Points, reference: ReadonlyArray<number>): number => {
  if (points.count === 0) return 0;
  const { width, count, data } = ordered("hypervolume", points);
  if (reference.length !== width || !reference.every(Number.isFinite)) {
    throw badPoints({
      measure: "hypervolume",
      reason: `the reference [${reference.join(", ")}] is not one of ${width} finite numbers`,
      path: "/reference",
    });
  }
  if (width > MAX_HYPERVOLUME_WIDTH) {
    throw overLimit({ what: "objectives", limit: MAX_HYPERVOLUME_WIDTH, found: width });
  }
  if (count > MAX_HYPERVOLUME_POINTS) throw overLimit({ what: "points", limit: MAX_HYPERVOLUME_POINTS, found: count });
  if (data.includes(-Infinity)) {
    throw badPoints({ measure: "hypervolume", reason: "a point at −∞ dominates an infinite volume" });
  }
  const inside: Row[] = [];
  for (let i = 0; i < count; i++) {
    const row = data.subarray(i * width, (i + 1) * width);
    if (row.every((value, m) => value < reference[m])) inside.push(row);
  }
  return volumeOf(inside, reference, width);
};
