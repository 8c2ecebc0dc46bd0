/**
 * NSGA-II: fronts first, then room within the front.
 *
 * Source: Deb, Pratap, Agarwal, Meyarivan 2002. Two things are done better than there: a genome enters once, and the front
 * that does not fit is thinned one by one (Kukkonen, Deb 2006), by area where there are two objectives (Beume, Naujoks,
 * Emmerich 2007); `thinning: "crowding"` is the paper's own.
 * Invariant: with (μ+λ) survival no member of the first front is lost while a member of a later one stays.
 *
 * @module
 */
import { random } from "../../kernel/random.ts";
import type { Member, Search, SearchState, Variation } from "./contract.ts";
import { badSetting } from "./failures.ts";
import { crowding, thin, type Thinning } from "./objectives/crowding.ts";
import { fronts } from "./objectives/dominance.ts";
import { bred, drawn } from "./population/breeding.ts";
import { beginning, judgedAll, pointsOfMembers, violationsOf } from "./population/members.ts";
import { tournament } from "./population/selection.ts";

/** Settings of NSGA-II. */
export interface Nsga2Settings<G> {
  /** The genomes and their variation. */
  readonly variation: Variation<G>;
  /** Number of objectives. */
  readonly objectives: number;
  /** The seed. */
  readonly seed: string | number;
  /** Members of the population; 100 where absent. */
  readonly size?: number;
  /** Children a generation; as many as members where absent. Fewer learn from one another sooner, and so need fewer. */
  readonly children?: number;
  /** How the front that does not fit is thinned; `area` where absent. */
  readonly thinning?: Thinning;
}

/** Most members of a population. */
export const MAX_POPULATION = 10_000;

/** A population's size within the limits; throws EVOLUTION_SETTING. */
export const checkedSize = (size: number, least: number = 2): number => {
  if (!(Number.isSafeInteger(size) && size >= least && size <= MAX_POPULATION)) {
    throw badSetting({
      setting: "size",
      wanted: `a whole number in ${least} … ${MAX_POPULATION}`,
      found: String(size),
      path: "/size",
    });
  }
  return size;
};

/** Members in fronts, best first: failed ones last, infeasible ones before them. */
export const frontsOf = (
  members: ReadonlyArray<Member<unknown>>,
  objectives: number,
): ReadonlyArray<ReadonlyArray<number>> => fronts(pointsOfMembers(members, objectives), violationsOf(members));

const survivors = <G>(
  members: ReadonlyArray<Member<G>>,
  objectives: number,
  size: number,
  thinning: Thinning,
): ReadonlyArray<Member<G>> => {
  const points = pointsOfMembers(members, objectives);
  const kept: Array<Member<G>> = [];
  for (const front of fronts(points, violationsOf(members))) {
    for (const row of thin(points, front, size - kept.length, thinning)) kept.push(members[row]);
    if (kept.length === size) break;
  }
  return kept;
};

/** A tournament of two by front, then by room. */
const crowdedTournament = (members: ReadonlyArray<Member<unknown>>, objectives: number) => {
  const points = pointsOfMembers(members, objectives);
  const rank = new Int32Array(members.length);
  const room = new Float64Array(members.length);
  fronts(points, violationsOf(members)).forEach((front, at) => {
    const distances = crowding(points, front);
    front.forEach((row, k) => {
      rank[row] = at;
      room[row] = distances[k];
    });
  });
  return tournament(
    members.length,
    2,
    (i, j) => rank[i] - rank[j] || (room[i] === room[j] ? 0 : room[j] > room[i] ? 1 : -1),
  );
};

/** NSGA-II over any genome. */
export const nsga2 = <G>(settings: Nsga2Settings<G>): Search<G> => {
  const { variation, objectives, seed, thinning = "area" } = settings;
  const size = checkedSize(settings.size ?? 100);
  const children = settings.children ?? size;
  if (!(Number.isSafeInteger(children) && children >= 1 && children <= size)) {
    const wanted = `a whole number in 1 … ${size}`;
    throw badSetting({ setting: "children", wanted, found: String(children), path: "/children" });
  }
  const root = random(`${seed}/nsga2`);
  return {
    name: `nsga2(${size}+${children}, ${thinning}, ${objectives}, ${seed}) ${variation.name}`,
    objectives,
    variation,
    fewest: size,
    start: beginning(),
    ask: ({ generation, members }: SearchState<G>) => {
      const chance = root.split(generation);
      return generation === 0
        ? drawn(variation, size, chance)
        : bred(variation, members, generation, children, crowdedTournament(members, objectives), chance);
    },
    tell: (state, asked, scores) => ({
      generation: state.generation + 1,
      evaluations: state.evaluations + asked.length,
      members: survivors([...state.members, ...judgedAll(asked, scores, objectives)], objectives, size, thinning),
      memory: {},
    }),
  };
};
