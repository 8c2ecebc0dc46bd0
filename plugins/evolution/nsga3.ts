/**
 * NSGA-III: fronts first, then the reference directions that have the fewest members.
 *
 * Source: Deb, Jain 2014, with the hyperplane's failures met as Blank, Deb, Roy 2019 say: where the extreme points give no
 * plane, or one beyond what was ever seen, the worst of the first front takes its place.
 * Invariant: the ideal point never rises, and the extreme points are kept from one generation to the next.
 *
 * @module
 */
import { type Random, random } from "../../kernel/random.ts";
import type { Member, Search, SearchState, Variation } from "./contract.ts";
import { badSetting } from "./failures.ts";
import { checkedSize } from "./nsga2.ts";
import { fronts } from "./objectives/dominance.ts";
import type { Points } from "./objectives/points.ts";
import { bred, drawn } from "./population/breeding.ts";
import { beginning, judgedAll, pointsOfMembers, violationsOf } from "./population/members.ts";
import { tournament } from "./population/selection.ts";

/** Settings of NSGA-III. */
export interface Nsga3Settings<G> {
  /** The genomes and their variation. */
  readonly variation: Variation<G>;
  /** The reference directions; their width is the number of objectives. */
  readonly directions: Points;
  /** The seed. */
  readonly seed: string | number;
  /** Members of the population; the least multiple of four that holds one for each direction where absent. */
  readonly size?: number;
}

type Memory = { readonly [name: string]: ReadonlyArray<number> };

/** Weight of an axis other than the wanted one when the extreme point of an axis is looked for. */
const OFF_AXIS = 1e6;

/** Distances to the ideal below this count as none when extreme points are looked for. */
const NEAR_IDEAL = 1e-3;

/** Least intercept of a usable plane. */
const LEAST_INTERCEPT = 1e-6;

const rowOf = ({ width, data }: Points, i: number): Float64Array => data.subarray(i * width, (i + 1) * width);

const bestOf = (rows: ReadonlyArray<ArrayLike<number>>, width: number, from: ReadonlyArray<number>, sign: 1 | -1) =>
  Array.from(
    { length: width },
    (_, m) => sign * rows.reduce((least, row) => Math.min(least, sign * row[m]), sign * (from[m] ?? sign * Infinity)),
  );

/** The point that lies nearest to each axis, by the achievement scalarising function. */
const extremesOf = (candidates: ReadonlyArray<ArrayLike<number>>, ideal: ReadonlyArray<number>) =>
  ideal.map((_, axis) => {
    let best = candidates[0];
    let least = Infinity;
    for (const row of candidates) {
      let reach = -Infinity;
      for (let m = 0; m < ideal.length; m++) {
        const lack = row[m] - ideal[m];
        reach = Math.max(reach, (lack < NEAR_IDEAL ? 0 : lack) * (m === axis ? 1 : OFF_AXIS));
      }
      if (reach < least) [best, least] = [row, reach];
    }
    return Array.from(best);
  });

/** Solves rows · x = 1 by elimination with pivots; undefined where the rows are dependent. */
const planeThrough = (rows: ReadonlyArray<ReadonlyArray<number>>): ReadonlyArray<number> | undefined => {
  const a = rows.map((row) => [...row, 1]);
  const side = a.length;
  for (let k = 0; k < side; k++) {
    let pivot = k;
    for (let i = k + 1; i < side; i++) if (Math.abs(a[i][k]) > Math.abs(a[pivot][k])) pivot = i;
    if (!(Math.abs(a[pivot][k]) > Number.EPSILON)) return undefined;
    [a[k], a[pivot]] = [a[pivot], a[k]];
    for (let i = 0; i < side; i++) {
      if (i === k) continue;
      const factor = a[i][k] / a[k][k];
      for (let j = k; j <= side; j++) a[i][j] -= factor * a[k][j];
    }
  }
  return a.map((row, k) => row[side] / row[k]);
};

/** The nadir: where the plane through the extreme points meets the axes, or the worst of the first front. */
export const nadirOf = (
  ideal: ReadonlyArray<number>,
  extremes: ReadonlyArray<ReadonlyArray<number>>,
  worstEver: ReadonlyArray<number>,
  worstOfFront: ReadonlyArray<number>,
  worstOfAll: ReadonlyArray<number>,
): ReadonlyArray<number> => {
  const plane = planeThrough(extremes.map((row) => row.map((value, m) => value - ideal[m])));
  const intercepts = plane?.map((slope) => 1 / slope);
  const usable = intercepts?.every((value) => Number.isFinite(value) && value > LEAST_INTERCEPT);
  const nadir = usable ? intercepts!.map((value, m) => Math.min(ideal[m] + value, worstEver[m])) : worstOfFront;
  return nadir.map((value, m) => value - ideal[m] > LEAST_INTERCEPT ? value : worstOfAll[m]);
};

/** The nearest direction of each row, and the distance from its line. */
const associated = (
  points: Points,
  rows: ReadonlyArray<number>,
  base: ReadonlyArray<number>,
  top: ReadonlyArray<number>,
  directions: Points,
) => {
  const { width } = points;
  const niche = new Int32Array(points.count);
  const distance = new Float64Array(points.count);
  const units = directions.data.slice();
  for (let d = 0; d < directions.count; d++) {
    const unit = units.subarray(d * width, (d + 1) * width);
    const length = Math.hypot(...unit);
    for (let m = 0; m < width; m++) unit[m] /= length;
  }
  const place = new Float64Array(width);
  for (const row of rows) {
    let square = 0;
    for (let m = 0; m < width; m++) {
      // An axis without extent tells directions nothing.
      place[m] = top[m] > base[m] ? (points.data[row * width + m] - base[m]) / (top[m] - base[m]) : 0;
      square += place[m] * place[m];
    }
    // The nearest line is the one with the longest projection.
    let longest = -1;
    for (let d = 0; d < directions.count; d++) {
      let along = 0;
      for (let m = 0; m < width; m++) along += place[m] * units[d * width + m];
      if (along > longest) [longest, niche[row]] = [along, d];
    }
    distance[row] = Math.sqrt(Math.max(0, square - longest * longest));
  }
  return { niche, distance };
};

/** Rows of the last front, taken from the least filled directions: the nearest where a direction has none yet. */
const niched = (
  kept: ReadonlyArray<number>,
  last: ReadonlyArray<number>,
  wanted: number,
  { niche, distance }: { readonly niche: Int32Array; readonly distance: Float64Array },
  directions: number,
  chance: Random,
): ReadonlyArray<number> => {
  const filled = new Int32Array(directions);
  for (const row of kept) filled[niche[row]]++;
  const waiting = new Map<number, number[]>();
  for (const row of chance.shuffle(last)) {
    const rows = waiting.get(niche[row]);
    if (rows === undefined) waiting.set(niche[row], [row]);
    else rows.push(row);
  }
  const taken: number[] = [];
  while (taken.length < wanted) {
    let least = Infinity;
    for (const d of waiting.keys()) least = Math.min(least, filled[d]);
    const open = [...waiting.keys()].filter((d) => filled[d] === least);
    for (const d of chance.shuffle(open).slice(0, wanted - taken.length)) {
      const rows = waiting.get(d)!;
      const at = filled[d] > 0 ? 0 : rows.reduce((best, row, k) => distance[row] < distance[rows[best]] ? k : best, 0);
      taken.push(...rows.splice(at, 1));
      filled[d]++;
      if (rows.length === 0) waiting.delete(d);
    }
  }
  return taken;
};

const remembered = (memory: Memory, width: number) => ({
  ideal: memory.ideal ?? [],
  worst: memory.worst ?? [],
  extremes: Array.from(
    { length: (memory.extremes ?? []).length / width },
    (_, k) => memory.extremes.slice(k * width, (k + 1) * width),
  ),
});

/** The members that stay and what is remembered, of all that were told. */
const survive = <G>(
  members: ReadonlyArray<Member<G>>,
  memory: Memory,
  directions: Points,
  size: number,
  chance: Random,
): { readonly members: ReadonlyArray<Member<G>>; readonly memory: Memory } => {
  const { width } = directions;
  const points = pointsOfMembers(members, width);
  const order = fronts(points, violationsOf(members));
  const feasible = members.flatMap((member, i) => member.failed === undefined && member.violation === 0 ? [i] : []);
  const first = feasible.length === 0 ? [] : order[0];
  const cut = frontsUpTo(order, size);
  const [before, last] = [order.slice(0, cut).flat(), order[cut] ?? []];
  if (feasible.length === 0) return { members: [...before, ...last].slice(0, size).map((i) => members[i]), memory };
  const past = remembered(memory, width);
  const seen = feasible.map((i) => rowOf(points, i));
  const front = first.map((i) => rowOf(points, i));
  const ideal = bestOf(seen, width, past.ideal, 1);
  const worst = bestOf(seen, width, past.worst, -1);
  const extremes = extremesOf([...past.extremes, ...front], ideal);
  const next = { ideal, worst, extremes: extremes.flat() };
  const wanted = size - before.length;
  // What is infeasible or failed has no place among the directions: it comes in its own order.
  if (wanted >= last.length || !feasible.includes(last[0])) {
    return { members: [...before, ...last.slice(0, wanted)].map((i) => members[i]), memory: next };
  }
  const top = nadirOf(ideal, extremes, worst, bestOf(front, width, [], -1), bestOf(seen, width, [], -1));
  const places = associated(points, [...before, ...last], ideal, top, directions);
  const kept = [...before, ...niched(before, last, wanted, places, directions.count, chance)];
  return { members: kept.map((i) => members[i]), memory: next };
};

/** The number of whole fronts that fit. */
const frontsUpTo = (order: ReadonlyArray<ReadonlyArray<number>>, size: number): number => {
  let [count, held] = [0, 0];
  while (count < order.length && held + order[count].length <= size) held += order[count++].length;
  return count;
};

/** NSGA-III over any genome. */
export const nsga3 = <G>(settings: Nsga3Settings<G>): Search<G> => {
  const { variation, directions, seed } = settings;
  const objectives = directions.width;
  if (directions.count === 0 || objectives < 2) {
    throw badSetting({ setting: "directions", wanted: "of two coordinates or more", found: `of ${objectives}` });
  }
  const size = checkedSize(settings.size ?? Math.ceil(directions.count / 4) * 4);
  const root = random(`${seed}/nsga3`);
  return {
    name: `nsga3(${size}, ${directions.count}×${objectives}, ${seed}) ${variation.name}`,
    objectives,
    variation,
    fewest: size,
    start: beginning(),
    ask: ({ generation, members }: SearchState<G>) => {
      const chance = root.split(generation);
      if (generation === 0) return drawn(variation, size, chance);
      const worse = violationsOf(members);
      const pick = tournament(members.length, 2, (i, j) => worse[i] === worse[j] ? 0 : worse[i] < worse[j] ? -1 : 1);
      return bred(variation, members, generation, size, pick, chance);
    },
    tell: (state, asked, scores) => ({
      generation: state.generation + 1,
      evaluations: state.evaluations + asked.length,
      ...survive(
        [...state.members, ...judgedAll(asked, scores, objectives)],
        state.memory,
        directions,
        size,
        root.split(`${state.generation}/survival`),
      ),
    }),
  };
};
