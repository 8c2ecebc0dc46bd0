/**
 * Selection: which members become parents. Members are places 0 … n−1; fitness is larger for better.
 *
 * Sources: Goldberg, Deb 1991 (tournament, proportional, ranking, truncation); Spector 2012, La Cava, Spector, Danai 2016
 * (lexicase and ε-lexicase).
 * Invariant: a member whose fitness is not finite is chosen only where no other is there.
 *
 * @module
 */
import type { Random } from "../../../kernel/random.ts";
import { badSetting } from "../failures.ts";

/** Draws the place of one parent. */
export type Selection = (chance: Random) => number;

const atLeastOne = (setting: string, found: number): void => {
  if (!(Number.isSafeInteger(found) && found >= 1)) {
    throw badSetting({ setting, wanted: "a whole number from 1 on", found: String(found), path: `/${setting}` });
  }
};

/** Places, best first; what is not finite comes last, equal fitness by place. */
const bestFirst = (fitness: ArrayLike<number>): ReadonlyArray<number> => {
  const value = (i: number) => Number.isFinite(fitness[i]) ? fitness[i] : -Infinity;
  return Array.from({ length: fitness.length }, (_, i) => i).sort((i, j) =>
    value(i) === value(j) ? i - j : value(j) > value(i) ? 1 : -1
  );
};

/** The best of `size` places drawn with replacement, by a comparison that is negative where the first is better. */
export const tournament = (count: number, size: number, compare: (i: number, j: number) => number): Selection => {
  atLeastOne("population", count);
  atLeastOne("tournament", size);
  return (chance) => {
    let best = chance.below(count);
    for (let round = 1; round < size; round++) {
      const rival = chance.below(count);
      const order = compare(rival, best);
      // Equals win by the toss of a coin, so that the first drawn has no advantage.
      if (order < 0 || (order === 0 && chance.float() < 0.5)) best = rival;
    }
    return best;
  };
};

/** A tournament by fitness. */
export const tournamentByFitness = (fitness: ArrayLike<number>, size: number): Selection => {
  const place = placesOf(bestFirst(fitness));
  return tournament(fitness.length, size, (i, j) => fitness[i] === fitness[j] ? 0 : place[i] - place[j]);
};

const placesOf = (order: ReadonlyArray<number>): Int32Array => {
  const place = new Int32Array(order.length);
  order.forEach((member, at) => place[member] = at);
  return place;
};

/** Draws in proportion to weights; where all are 0, evenly. */
const weighted = (weights: Float64Array): Selection => {
  const sums = new Float64Array(weights.length);
  let sum = 0;
  weights.forEach((weight, i) => sums[i] = sum += weight);
  return (chance) => {
    if (!(sum > 0)) return chance.below(weights.length);
    const drawn = chance.float() * sum;
    let [low, high] = [0, sums.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle] > drawn) high = middle;
      else low = middle + 1;
    }
    return low;
  };
};

/** In proportion to fitness above the least finite one. */
export const roulette = (fitness: ArrayLike<number>): Selection => {
  atLeastOne("population", fitness.length);
  const finite = Array.from(fitness).filter(Number.isFinite);
  const least = Math.min(...finite);
  const span = Math.max(...finite) - least;
  if (!(span > 0)) return weighted(Float64Array.from(fitness, (value) => Number.isFinite(value) ? 1 : 0));
  return weighted(Float64Array.from(fitness, (value) => Number.isFinite(value) ? value / span - least / span : 0));
};

/** Linear ranking: of n members the best has weight n, the last 1; what is not finite has none. */
export const ranking = (fitness: ArrayLike<number>): Selection => {
  atLeastOne("population", fitness.length);
  const weights = new Float64Array(fitness.length);
  bestFirst(fitness).forEach((member, at) => {
    if (Number.isFinite(fitness[member])) weights[member] = fitness.length - at;
  });
  return weighted(weights);
};

/** Evenly among the best `keep`. */
export const truncation = (fitness: ArrayLike<number>, keep: number): Selection => {
  atLeastOne("population", fitness.length);
  atLeastOne("keep", keep);
  const order = bestFirst(fitness);
  const finite = order.filter((member) => Number.isFinite(fitness[member])).length;
  const best = order.slice(0, Math.min(keep, finite || order.length));
  return (chance) => best[chance.below(best.length)];
};

/** The median absolute deviation from the median: the tolerance of ε-lexicase. */
const deviationOf = (values: ReadonlyArray<number>): number => {
  const middle = (sorted: ReadonlyArray<number>) => sorted[(sorted.length - 1) >> 1];
  const median = middle([...values].sort((a, b) => a - b));
  return middle(values.map((value) => Math.abs(value - median)).sort((a, b) => a - b));
};

/**
 * Lexicase: cases in random order, each keeping only the members best at it; `cases[c][i]` is member i's fitness on case
 * c. With `tolerant`, within the case's median absolute deviation of the best.
 */
export const lexicase = (cases: ReadonlyArray<ArrayLike<number>>, tolerant: boolean = false): Selection => {
  atLeastOne("cases", cases.length);
  atLeastOne("population", cases[0].length);
  const value = (c: number, i: number) => Number.isFinite(cases[c][i]) ? cases[c][i] : -Infinity;
  const slack = cases.map((row) => {
    const finite = Array.from(row).filter(Number.isFinite);
    return tolerant && finite.length > 0 ? deviationOf(finite) : 0;
  });
  const all = Array.from({ length: cases[0].length }, (_, i) => i);
  return (chance) => {
    let left = all;
    for (const c of chance.shuffle(cases.map((_, at) => at))) {
      if (left.length === 1) break;
      const best = left.reduce((most, i) => Math.max(most, value(c, i)), -Infinity);
      left = left.filter((i) => value(c, i) >= best - slack[c]);
    }
    return left[chance.below(left.length)];
  };
};
