/**
 * Improvement: by how much a setting is expected to be better than the best known, and scores as a surrogate takes them.
 *
 * Source: Mockus, Tiesis, Zilinskas 1978; Jones, Schonlau, Welch 1998 (expected improvement); Eriksson, Poloczek 2021
 * (the logarithm on the bad side).
 * Invariant: the unit and the zero of the scores change no merit.
 *
 * @module
 */
import { erf } from "../../ir/library.ts";
import type { Member } from "../contract.ts";
import { byScore } from "../population/members.ts";

const ROOT_2PI = Math.sqrt(2 * Math.PI);

/** Below this many deviations the difference of the two terms loses digits; a continued fraction takes over. */
const FAR = -2;

/** Terms of the fraction: enough for all digits from there on. */
const TERMS = 80;

/** Improvement over the density, `x` deviations below the best: 1 − x·R with Mills' ratio R (Laplace's fraction). */
const farImprovement = (x: number): number => {
  let rest = 0;
  for (let term = TERMS; term >= 2; term--) rest = term / (x + rest);
  const first = 1 / (x + rest);
  return first / (x + first);
};

/** Logarithm of the expected improvement of a normal deviate over `best`, larger being better. */
export const logImprovement = (mean: number, deviation: number, best: number): number => {
  if (!(deviation > 0)) return mean > best ? Math.log(mean - best) : -Infinity;
  const z = (mean - best) / deviation;
  if (z < FAR) return Math.log(deviation * farImprovement(-z) / ROOT_2PI) - z * z / 2;
  return Math.log(deviation) + Math.log(Math.exp(-z * z / 2) / ROOT_2PI + z * 0.5 * (1 + erf(z * Math.SQRT1_2)));
};

/** Scores as a surrogate takes them: mean 0, deviation 1, larger being better. */
const standardised = (values: Float64Array): Float64Array => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  const deviation = variance > 0 ? Math.sqrt(variance) : 1;
  return values.map((value) => (value - mean) / deviation);
};

/** Places in order, equal ones sharing their mean: for scores that tell nothing but the order. */
const byPlace = (members: ReadonlyArray<Member<unknown>>): Float64Array => {
  const order = members.map((_, at) => at).sort((a, b) => byScore(members[a], members[b]));
  const places = new Float64Array(members.length);
  for (let from = 0; from < order.length;) {
    let to = from + 1;
    while (to < order.length && byScore(members[order[from]], members[order[to]]) === 0) to++;
    const place = -(from + to - 1) / 2;
    for (; from < to; from++) places[order[from]] = place;
  }
  return places;
};

/**
 * How good members are, for a surrogate: 0 for the middle score, 1 for the best, and below the middle the logarithm, so
 * that a few very bad scores do not hide what tells the good ones apart. What failed or is infeasible is as bad as the
 * worst. Where half of all share the best score, the order decides.
 */
export const merits = (members: ReadonlyArray<Member<unknown>>): Float64Array => {
  const isScored = ({ failed, violation }: Member<unknown>) => failed === undefined && violation === 0;
  const scores = members.filter(isScored).map(({ objectives: [score] }) => score).sort((a, b) => a - b);
  const [best, middle, worst] = [scores[0], scores[scores.length >> 1], scores[scores.length - 1]];
  if (scores.length < 2 || !(middle - best > 0) || !Number.isFinite(worst - best)) {
    return standardised(byPlace(members));
  }
  return standardised(Float64Array.from(members, (member) => {
    const merit = (middle - (isScored(member) ? member.objectives[0] : worst)) / (middle - best);
    return merit < 0 ? -Math.log1p(-merit) : merit;
  }));
};
