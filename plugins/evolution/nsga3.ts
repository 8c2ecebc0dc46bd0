/**
 * NSGA-III: each reference direction keeps its best.
 *
 * Sources: Deb, Jain 2014, with the hyperplane's failures met as Blank, Deb, Roy 2019 say: where the extreme points give
 * no plane, or one beyond what was ever seen, the worst of the first front takes its place. Four things are done better
 * than there: within a direction the front decides, then boundary intersection instead of the distance alone; a
 * direction's best stays even where another direction dominates it, so that a part of the front that is hard to reach is
 * not lost (Yuan, Xu, Wang, Yao 2016); of two parents of one direction the better is taken (Seada, Deb 2015); and every
 * other pair is of neighbours (Zhang, Li 2007). `survival: "fronts"` with `neighbourly: 0` is nearest to the paper.
 * Invariant: the ideal point never rises, and the extreme points are kept from one generation to the next.
 *
 * @module
 */
import { type Random, random } from "../../kernel/random.ts";
import type { Candidate, Member, Search, SearchState, Variation } from "./contract.ts";
import { badSetting } from "./failures.ts";
import { checkedSize } from "./nsga2.ts";
import { neighbourhoods } from "./objectives/directions.ts";
import { fronts, ranks } from "./objectives/dominance.ts";
import type { Points } from "./objectives/points.ts";
import { checkedRate } from "./operators/bits.ts";
import { bred, brood, children, drawn } from "./population/breeding.ts";
import { beginning, judgedAll, named, pointsOfMembers, violationsOf } from "./population/members.ts";
import { type Selection, tournament } from "./population/selection.ts";

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
  /**
   * Who stays: each direction's best whatever front it is of (`directions`, where absent), or whole fronts first as in
   * the paper (`fronts`), which is better where many directions never meet the front.
   */
  readonly survival?: Nsga3Survival;
  /** Chance that the second parent comes from the first one's neighbourhood; ½ where absent, 0 as in the paper. */
  readonly neighbourly?: number;
}

/** The name of a way to choose who stays. */
export type Nsga3Survival = "directions" | "fronts";

type Memory = { readonly [name: string]: ReadonlyArray<number> };

/** Weight of an axis other than the wanted one when the extreme point of an axis is looked for. */
const OFF_AXIS = 1e6;

/** Distances to the ideal below this count as none when extreme points are looked for. */
const NEAR_IDEAL = 1e-3;

/** Least intercept of a usable plane. */
const LEAST_INTERCEPT = 1e-6;

/** What a step along a direction counts beside one away from it. */
const ALONG_WEIGHT = 0.5;

/** Directions of a neighbourhood, its own among them. */
const NEIGHBOURS = 10;

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
): Places => {
  const { width } = points;
  const niche = new Int32Array(points.count);
  const distance = new Float64Array(points.count);
  const alongs = new Float64Array(points.count);
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
    alongs[row] = longest;
    distance[row] = Math.sqrt(Math.max(0, square - longest * longest));
  }
  return { niche, distance, along: alongs };
};

/** What survival and mating know of rows: the direction each belongs to, and how good it is there. */
interface Places {
  readonly niche: Int32Array;
  readonly distance: Float64Array;
  readonly along: Float64Array;
}

/** The rows of each direction that has any. */
const byNiche = (rows: ReadonlyArray<number>, { niche }: Places): Map<number, number[]> =>
  Map.groupBy(rows, (row) => niche[row]);

/** Less is better within a direction: half the way along it, and the distance from it. */
const boundaryOf = ({ along, distance }: Places, row: number): number => ALONG_WEIGHT * along[row] + distance[row];

type Survive = (
  order: ReadonlyArray<ReadonlyArray<number>>,
  size: number,
  places: Places,
  directions: number,
  chance: Random,
) => ReadonlyArray<number>;

/** Each direction's best, then each direction's second best, and so on: by front, then by boundary intersection. */
const directionsFirst: Survive = (order, size, places, _directions, chance) => {
  const front = new Int32Array(places.niche.length);
  order.forEach((rows, at) => rows.forEach((row) => front[row] = at));
  const rounds: number[][] = [];
  for (const rows of byNiche(chance.shuffle(order.flat()), places).values()) {
    rows.sort((i, j) => front[i] - front[j] || boundaryOf(places, i) - boundaryOf(places, j));
    rows.forEach((row, k) => (rounds[k] ??= []).push(row));
  }
  return rounds.flatMap((round) => round.sort((i, j) => front[i] - front[j])).slice(0, size);
};

/** Whole fronts, then of the front that does not fit the rows of the least filled directions. */
const frontsFirst: Survive = (order, size, places, directions, chance) => {
  const cut = frontsUpTo(order, size);
  const kept = order.slice(0, cut).flat();
  const filled = new Int32Array(directions);
  for (const row of kept) filled[places.niche[row]]++;
  const waiting = byNiche(chance.shuffle(order[cut] ?? []), places);
  while (kept.length < size && waiting.size > 0) {
    let least = Infinity;
    for (const d of waiting.keys()) least = Math.min(least, filled[d]);
    const open = [...waiting.keys()].filter((d) => filled[d] === least);
    for (const d of chance.shuffle(open).slice(0, size - kept.length)) {
      const rows = waiting.get(d)!;
      const nearer = (best: number, row: number, k: number) =>
        places.distance[row] < places.distance[rows[best]] ? k : best;
      kept.push(...rows.splice(filled[d] > 0 ? 0 : rows.reduce(nearer, 0), 1));
      filled[d]++;
      if (rows.length === 0) waiting.delete(d);
    }
  }
  return kept;
};

const SURVIVALS: { readonly [Name in Nsga3Survival]: Survive } = { directions: directionsFirst, fronts: frontsFirst };

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
  survival: Nsga3Survival,
  chance: Random,
): { readonly members: ReadonlyArray<Member<G>>; readonly memory: Memory } => {
  const { width } = directions;
  const points = pointsOfMembers(members, width);
  const order = fronts(points, violationsOf(members));
  const isFeasible = (i: number) => members[i].failed === undefined && members[i].violation === 0;
  const feasible = order.filter(([i]) => isFeasible(i));
  if (feasible.length === 0) return { members: order.flat().slice(0, size).map((i) => members[i]), memory };
  const past = remembered(memory, width);
  const seen = feasible.flat().map((i) => rowOf(points, i));
  const front = feasible[0].map((i) => rowOf(points, i));
  const ideal = bestOf(seen, width, past.ideal, 1);
  const worst = bestOf(seen, width, past.worst, -1);
  const extremes = extremesOf([...past.extremes, ...front], ideal);
  const nadir = nadirOf(ideal, extremes, worst, bestOf(front, width, [], -1), bestOf(seen, width, [], -1));
  const places = associated(points, feasible.flat(), ideal, nadir, directions);
  const kept = SURVIVALS[survival](feasible, size, places, directions.count, chance);
  // What is infeasible or failed has no place among the directions: it comes in its own order.
  const rest = order.slice(feasible.length).flat().slice(0, size - kept.length);
  return {
    members: [...kept, ...rest].map((i) => members[i]),
    memory: { ideal, worst, nadir, extremes: extremes.flat() },
  };
};

/** The number of whole fronts that fit. */
const frontsUpTo = (order: ReadonlyArray<ReadonlyArray<number>>, size: number): number => {
  let [count, held] = [0, 0];
  while (count < order.length && held + order[count].length <= size) held += order[count++].length;
  return count;
};

/** Draws one parent anywhere: of two in one direction the better, so that each direction is climbed. */
const climbing = (points: Points, places: Places): Selection => {
  const rank = ranks(points);
  return tournament(
    points.count,
    2,
    (i, j) =>
      places.niche[i] !== places.niche[j] ? 0 : rank[i] - rank[j] || boundaryOf(places, i) - boundaryOf(places, j),
  );
};

/** Children of members that are all feasible. */
const bredByDirection = <G>(
  variation: Variation<G>,
  { generation, members, memory }: SearchState<G>,
  { directions, near, neighbourly, size }: {
    readonly directions: Points;
    readonly near: ReadonlyArray<ReadonlyArray<number>>;
    readonly neighbourly: number;
    readonly size: number;
  },
  chance: Random,
): ReadonlyArray<Candidate<G>> => {
  const points = pointsOfMembers(members, directions.width);
  const all = members.map((_, i) => i);
  const places = associated(points, all, memory.ideal, memory.nadir, directions);
  const homes = byNiche(all, places);
  const pick = climbing(points, places);
  const { born, offer } = brood(variation, members, size);
  while (born.length < size) {
    const first = pick(chance);
    const mates = chance.float() >= neighbourly
      ? []
      : near[places.niche[first]].flatMap((d) => homes.get(d) ?? []).filter((i) => i !== first);
    const second = mates.length > 0 ? chance.pick(mates) : pick(chance);
    for (const child of children(variation, members[first], members[second], chance)) offer(child);
  }
  return named(generation, born);
};

/** NSGA-III over any genome. */
export const nsga3 = <G>(settings: Nsga3Settings<G>): Search<G> => {
  const { variation, directions, seed, survival = "directions", neighbourly = 0.5 } = settings;
  const objectives = directions.width;
  if (directions.count === 0 || objectives < 2) {
    throw badSetting({ setting: "directions", wanted: "of two coordinates or more", found: `of ${objectives}` });
  }
  checkedRate("neighbourly", neighbourly);
  const size = checkedSize(settings.size ?? Math.ceil(directions.count / 4) * 4);
  const near = neighbourhoods(directions, NEIGHBOURS);
  const root = random(`${seed}/nsga3`);
  return {
    name: `nsga3(${size}, ${directions.count}×${objectives}, ${survival}, ${neighbourly}, ${seed}) ${variation.name}`,
    objectives,
    variation,
    fewest: size,
    start: beginning(),
    ask: (state: SearchState<G>) => {
      const { generation, members, memory } = state;
      const chance = root.split(generation);
      if (generation === 0) return drawn(variation, size, chance);
      const worse = violationsOf(members);
      // A stored state may lack the corners between which members have places.
      const isPlaced = [memory.ideal, memory.nadir].every((corner) => corner?.length === objectives);
      if (isPlaced && worse.every((violation) => violation === 0)) {
        return bredByDirection(variation, state, { directions, near, neighbourly, size }, chance);
      }
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
        survival,
        root.split(`${state.generation}/survival`),
      ),
    }),
  };
};
