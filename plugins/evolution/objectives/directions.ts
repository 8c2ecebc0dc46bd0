/**
 * Reference directions: points spread evenly over the simplex whose coordinates sum to one.
 *
 * Source: Das, Dennis 1998 (all points with coordinates k/p); Deb, Jain 2014 (an inner layer for many objectives).
 * Invariant: every direction is non-negative and sums to one.
 *
 * @module
 */
import { badSetting, overLimit } from "../failures.ts";
import { type Points, pointsOf, rowsOf } from "./points.ts";

/** Most directions. */
export const MAX_DIRECTIONS = 100_000;

/** Most coordinates of a direction. */
export const MAX_DIRECTION_WIDTH = 64;

/** The number of directions with `partitions` steps a side: (width + partitions − 1) over partitions. */
export const directionCount = (width: number, partitions: number): number => {
  let count = 1;
  for (let k = 1; k < width; k++) count = count * (partitions + k) / k;
  return Math.round(count);
};

const counted = (setting: string, value: number, least: number): void => {
  if (!(Number.isSafeInteger(value) && value >= least)) {
    throw badSetting({ setting, wanted: `a whole number from ${least} on`, found: String(value), path: `/${setting}` });
  }
};

/** All directions of `width` coordinates that are multiples of 1 / `partitions`. */
export const dasDennis = (width: number, partitions: number): Points => {
  counted("width", width, 1);
  counted("partitions", partitions, 1);
  if (width > MAX_DIRECTION_WIDTH) throw overLimit({ what: "objectives", limit: MAX_DIRECTION_WIDTH, found: width });
  const count = directionCount(width, partitions);
  if (!(count <= MAX_DIRECTIONS)) throw overLimit({ what: "directions", limit: MAX_DIRECTIONS, found: count });
  const rows: number[][] = [];
  const place = (taken: ReadonlyArray<number>, left: number): void => {
    if (taken.length === width - 1) rows.push([...taken, left].map((steps) => steps / partitions));
    else for (let steps = 0; steps <= left; steps++) place([...taken, steps], left - steps);
  };
  place([], partitions);
  return pointsOf(rows);
};

/** Two layers: the outer of `outer` partitions, and one of `inner` partitions drawn halfway towards the centre. */
export const twoLayers = (width: number, outer: number, inner: number): Points => {
  const [far, near] = [dasDennis(width, outer), dasDennis(width, inner)];
  const data = new Float64Array((far.count + near.count) * width);
  data.set(far.data);
  data.set(near.data.map((value) => value / 2 + 1 / (2 * width)), far.data.length);
  return { count: far.count + near.count, width, data };
};

/** The nearest directions of each, nearest first: itself, then the others; equal distances by place. */
export const neighbourhoods = (directions: Points, count: number): ReadonlyArray<ReadonlyArray<number>> => {
  const rows = rowsOf(directions);
  return rows.map((row) => {
    const far = rows.map((other) => row.reduce((sum, value, m) => sum + (value - other[m]) ** 2, 0));
    return rows.map((_, i) => i).sort((i, j) => far[i] - far[j] || i - j).slice(0, count);
  });
};
