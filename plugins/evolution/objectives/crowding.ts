/**
 * Crowding: how much room a point has among its front, and which points to leave out so that the rest lie evenly.
 *
 * Sources: Deb, Pratap, Agarwal, Meyarivan 2002 (crowding distance); Kukkonen, Deb 2006 (pruning one by one, so that a
 * point that lost its neighbour counts as less crowded); Beume, Naujoks, Emmerich 2007 (pruning by least hypervolume).
 * Invariant: the extreme points of every objective have an infinite distance and are left out last.
 *
 * @module
 */
import { badSetting } from "../failures.ts";
import { ordered, type Points } from "./points.ts";

/** The rows sorted by one objective; equal values keep the order of their rows. */
const sortedBy = ({ width, data }: Points, rows: ReadonlyArray<number>, m: number): ReadonlyArray<number> =>
  [...rows].sort((i, j) => data[i * width + m] - data[j * width + m] || i - j);

const spanOf = ({ width, data }: Points, sorted: ReadonlyArray<number>, m: number): number =>
  data[sorted[sorted.length - 1] * width + m] - data[sorted[0] * width + m];

/** The crowding distance of each of the rows, in their order. */
export const crowding = (points: Points, rows: ReadonlyArray<number>): Float64Array => {
  const { width, data } = ordered("crowding", points);
  const room = new Float64Array(points.count);
  for (let m = 0; m < width; m++) {
    const sorted = sortedBy(points, rows, m);
    const span = spanOf(points, sorted, m);
    room[sorted[0]] = room[sorted[sorted.length - 1]] = Infinity;
    if (!(span > 0 && span < Infinity)) continue;
    for (let k = 1; k < sorted.length - 1; k++) {
      room[sorted[k]] += (data[sorted[k + 1] * width + m] - data[sorted[k - 1] * width + m]) / span;
    }
  }
  return Float64Array.from(rows, (row) => room[row]);
};

/** A doubly linked list of rows in the order of one objective. */
interface Chain {
  readonly before: Int32Array;
  readonly after: Int32Array;
  readonly span: number;
}

const chainOf = (points: Points, rows: ReadonlyArray<number>, m: number): Chain => {
  const sorted = sortedBy(points, rows, m);
  const before = new Int32Array(points.count).fill(-1);
  const after = new Int32Array(points.count).fill(-1);
  for (let k = 1; k < sorted.length; k++) {
    before[sorted[k]] = sorted[k - 1];
    after[sorted[k - 1]] = sorted[k];
  }
  return { before, after, span: spanOf(points, sorted, m) };
};

/** What a row is worth among those still there: its crowding distance. */
const roomIn = ({ width, data }: Points, chains: ReadonlyArray<Chain>, row: number): number => {
  let room = 0;
  for (let m = 0; m < width; m++) {
    const { before, after, span } = chains[m];
    if (before[row] < 0 || after[row] < 0) return Infinity;
    if (span > 0 && span < Infinity) room += (data[after[row] * width + m] - data[before[row] * width + m]) / span;
  }
  return room;
};

/** What a row of a front of two objectives is worth: the area that it alone dominates. */
const areaIn = ({ width, data }: Points, [{ before, after }]: ReadonlyArray<Chain>, row: number): number =>
  before[row] < 0 || after[row] < 0
    ? Infinity
    : (data[after[row] * width] - data[row * width]) * (data[before[row] * width + 1] - data[row * width + 1]);

const unlink = (chains: ReadonlyArray<Chain>, row: number): ReadonlySet<number> => {
  const touched = new Set<number>();
  for (const { before, after } of chains) {
    const [left, right] = [before[row], after[row]];
    if (left >= 0) {
      after[left] = right;
      touched.add(left);
    }
    if (right >= 0) {
      before[right] = left;
      touched.add(right);
    }
  }
  return touched;
};

type Worth = (points: Points, chains: ReadonlyArray<Chain>, row: number) => number;

/** Leaves out the least worth row, one by one, until `keep` are left. */
const pruneBy = (worth: Worth, points: Points, rows: ReadonlyArray<number>, keep: number): ReadonlyArray<number> => {
  if (rows.length <= keep) return rows;
  const chains = Array.from({ length: points.width }, (_, m) => chainOf(points, rows, m));
  const values = new Float64Array(points.count);
  for (const row of rows) values[row] = worth(points, chains, row);
  const left = new Set(rows);
  while (left.size > keep) {
    let least = -1;
    for (const row of left) if (least < 0 || values[row] < values[least]) least = row;
    left.delete(least);
    for (const row of unlink(chains, least)) values[row] = worth(points, chains, row);
  }
  return [...left];
};

const byDistance = (points: Points, rows: ReadonlyArray<number>, keep: number): ReadonlyArray<number> => {
  const distance = crowding(points, rows);
  const order = rows.map((_, k) => k).sort((a, b) => distance[a] === distance[b] ? a - b : distance[b] - distance[a]);
  return order.slice(0, keep).sort((a, b) => a - b).map((k) => rows[k]);
};

/** Ways to leave out points of a front. */
export const THINNINGS = {
  /** The least crowding distances at once, as the paper of NSGA-II has it. */
  crowding: byDistance,
  /** The least crowding distance one by one. */
  pruning: (points: Points, rows: ReadonlyArray<number>, keep: number): ReadonlyArray<number> =>
    pruneBy(roomIn, points, rows, keep),
  /** The least area one by one where there are two objectives, else as `pruning`. */
  area: (points: Points, rows: ReadonlyArray<number>, keep: number): ReadonlyArray<number> =>
    pruneBy(points.width === 2 ? areaIn : roomIn, points, rows, keep),
} as const;

/** The name of a way to leave out points. */
export type Thinning = keyof typeof THINNINGS;

/** The `keep` rows of a front that cover it best; the rows keep their order. */
export const thin = (
  points: Points,
  rows: ReadonlyArray<number>,
  keep: number,
  how: Thinning = "pruning",
): ReadonlyArray<number> => {
  if (!(Number.isSafeInteger(keep) && keep >= 0)) {
    throw badSetting({ setting: "keep", wanted: "a count", found: String(keep), path: "/keep" });
  }
  return rows.length <= keep ? rows : THINNINGS[how](ordered("thinning", points), rows, keep);
};
