/**
 * Dominance: which points are better than which, and the fronts that follow from it.
 *
 * Sources: Deb, Pratap, Agarwal, Meyarivan 2002 (fronts, constrained domination); Zhang, Tian, Cheng, Jin 2015
 * (efficient non-dominated sort: each point is compared in lexicographic order with the fronts built so far).
 * Invariant: a point's rank is the length of the longest chain of points that dominate one another above it.
 *
 * @module
 */
import { badPoints } from "../failures.ts";
import { ordered, type Points } from "./points.ts";

/** −1 where row `i` dominates row `j`, 1 where `j` dominates `i`, 0 where neither does. */
export const compareDominance = ({ width, data }: Points, i: number, j: number): -1 | 0 | 1 => {
  let better = false;
  let worse = false;
  for (let m = 0, a = i * width, b = j * width; m < width; m++, a++, b++) {
    if (data[a] < data[b]) better = true;
    else if (data[a] > data[b]) worse = true;
    if (better && worse) return 0;
  }
  return better ? -1 : worse ? 1 : 0;
};

const lexicographic = ({ width, data }: Points) => (i: number, j: number): number => {
  for (let m = 0; m < width; m++) {
    const difference = data[i * width + m] - data[j * width + m];
    if (difference < 0) return -1;
    if (difference > 0) return 1;
  }
  return i - j;
};

/** Fronts among rows of equal standing: lexicographic order, so that no row is dominated by a later one. */
const frontsAmong = (points: Points, rows: number[]): number[][] => {
  const fronts: number[][] = [];
  for (const row of rows.sort(lexicographic(points))) {
    const home = fronts.find((front) => {
      // The latest members of a front are the nearest, and so the likeliest to dominate.
      for (let k = front.length - 1; k >= 0; k--) if (compareDominance(points, front[k], row) < 0) return false;
      return true;
    });
    if (home === undefined) fronts.push([row]);
    else home.push(row);
  }
  return fronts;
};

/**
 * The rows in fronts, best first. With violations, feasible rows (violation 0) come first, in fronts by dominance;
 * infeasible ones follow by the size of their violation alone, equal violations in one front.
 */
export const fronts = (points: Points, violations?: ArrayLike<number>): ReadonlyArray<ReadonlyArray<number>> => {
  ordered("fronts", points);
  if (violations !== undefined && violations.length !== points.count) {
    throw badPoints({ measure: "fronts", reason: `${violations.length} violations for ${points.count} points` });
  }
  const all = Array.from({ length: points.count }, (_, i) => i);
  if (violations === undefined) return frontsAmong(points, all).map(inOrder);
  const found = frontsAmong(points, all.filter((i) => violations[i] <= 0)).map(inOrder);
  let last = Number.NaN;
  for (const i of all.filter((i) => !(violations[i] <= 0)).sort((i, j) => byViolation(violations, i, j))) {
    if (violations[i] === last) found[found.length - 1].push(i);
    else found.push([i]);
    last = violations[i];
  }
  return found;
};

const inOrder = (front: number[]): number[] => front.sort((i, j) => i - j);

const byViolation = (violations: ArrayLike<number>, i: number, j: number): number =>
  violations[i] < violations[j] ? -1 : violations[i] > violations[j] ? 1 : i - j;

/** The rank of each row: 0 for the best front. */
export const ranks = (points: Points, violations?: ArrayLike<number>): Int32Array => {
  const found = new Int32Array(points.count);
  fronts(points, violations).forEach((front, rank) => front.forEach((row) => found[row] = rank));
  return found;
};

/** The rows that no other dominates, in ascending order. */
export const nonDominated = (points: Points): ReadonlyArray<number> => points.count === 0 ? [] : fronts(points)[0];
