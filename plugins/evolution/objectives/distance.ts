/**
 * Distance to a known front: how far targets are from the points found.
 *
 * Sources: Coello, Reyes Sierra 2004 (inverted generational distance); Ishibuchi, Masuda, Tanigaki, Nojima 2015 (IGD+,
 * which counts only what a point lacks); Van Veldhuizen, Lamont 1998 (generational distance).
 *
 * @module
 */
import { badPoints } from "../failures.ts";
import { ordered, type Points } from "./points.ts";

const nearestTo = (points: Points, target: Points, at: number, onlyLack: boolean): number => {
  const { width } = points;
  let nearest = Infinity;
  for (let i = 0; i < points.count; i++) {
    let sum = 0;
    for (let m = 0; m < width; m++) {
      const difference = points.data[i * width + m] - target.data[at * width + m];
      if (!onlyLack || difference > 0) sum += difference * difference;
    }
    if (sum < nearest) nearest = sum;
  }
  return Math.sqrt(nearest);
};

const meanNearest = (measure: string, points: Points, targets: Points, onlyLack: boolean): number => {
  ordered(measure, points);
  ordered(measure, targets);
  if (targets.count === 0) throw badPoints({ measure, reason: "there is no target" });
  if (points.count === 0) return Infinity;
  if (points.width !== targets.width) {
    throw badPoints({ measure, reason: `points have ${points.width} objectives, targets ${targets.width}` });
  }
  let sum = 0;
  for (let at = 0; at < targets.count; at++) sum += nearestTo(points, targets, at, onlyLack);
  return sum / targets.count;
};

/** Inverted generational distance: the mean distance from a target to the nearest point. */
export const igd = (points: Points, targets: Points): number => meanNearest("IGD", points, targets, false);

/** IGD+: as IGD, where a point better than its target in an objective lacks nothing there. */
export const igdPlus = (points: Points, targets: Points): number => meanNearest("IGD+", points, targets, true);

/** Generational distance: the mean distance from a point to the nearest target. */
export const generationalDistance = (points: Points, targets: Points): number =>
  meanNearest("generational distance", targets, points, false);
