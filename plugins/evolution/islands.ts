/**
 * Islands: several searches side by side, whose best members wander from each to the next in a ring.
 *
 * Source: Tanese 1989; Whitley, Rana, Heckendorn 1999.
 * Not for searches whose members have places (MOEA/D, CMA-ES, MAP-Elites): a newcomer takes the place of the worst, so the
 * population has to be one whose order means nothing or is restored by the next generation.
 * Invariant: an island's size stays, and all islands have told as many generations.
 *
 * @module
 */
import type { Candidate, Member, Search, SearchState } from "./contract.ts";
import { badSetting, wrongScores } from "./failures.ts";
import { frontsOf } from "./nsga2.ts";

/** What islands need. */
export interface IslandsSettings<G> {
  /** The search of one island, for the name of the island as its seed. */
  readonly make: (island: string) => Search<G>;
  /** Number of islands. */
  readonly count: number;
  /** The seed. */
  readonly seed: string | number;
  /** Generations between two migrations; 10 where absent. */
  readonly interval?: number;
  /** Members that wander from each island; 2 where absent. */
  readonly migrants?: number;
}

/** Most islands. */
export const MAX_ISLANDS = 256;

type Memory = SearchState<unknown>["memory"];

/** Places of members, best first: by fronts, within a front in the search's own order. */
const bestFirst = (members: ReadonlyArray<Member<unknown>>, objectives: number): ReadonlyArray<number> =>
  frontsOf(members, objectives).flat();

/** The states of the islands as one, each row of memory under its island's number. */
const joined = <G>(states: ReadonlyArray<SearchState<G>>): SearchState<G> => {
  const rows = states.flatMap(({ memory }, island) =>
    Object.entries(memory).map(([name, row]) => [`${island}/${name}`, row] as const)
  );
  return {
    generation: states[0].generation,
    evaluations: states.reduce((sum, { evaluations }) => sum + evaluations, 0),
    members: states.flatMap(({ members }) => members),
    memory: {
      ...Object.fromEntries(rows),
      members: states.map(({ members }) => members.length),
      evaluations: states.map(({ evaluations }) => evaluations),
    },
  };
};

/** The state of each island. */
const parted = <G>(state: SearchState<G>, count: number): ReadonlyArray<SearchState<G>> => {
  let from = 0;
  return Array.from({ length: count }, (_, island) => {
    const members = state.members.slice(from, from += state.memory.members[island]);
    const own = Object.entries(state.memory).filter(([name]) => name.startsWith(`${island}/`));
    const memory: Memory = Object.fromEntries(own.map(([name, row]) => [name.slice(`${island}/`.length), row]));
    return { generation: state.generation, evaluations: state.memory.evaluations[island], members, memory };
  });
};

/** Each island's worst make way for copies of the best of the island before it, unless it has them already. */
const migrated = <G>(
  states: ReadonlyArray<SearchState<G>>,
  search: Search<G>,
  migrants: number,
): ReadonlyArray<SearchState<G>> => {
  const { key } = search.variation;
  const orders = states.map(({ members }) => bestFirst(members, search.objectives));
  return states.map((state, island) => {
    const source = (island + states.length - 1) % states.length;
    const known = new Set(state.members.map(({ genome }) => key(genome)));
    const coming = orders[source].slice(0, migrants).map((place) => states[source].members[place])
      .filter(({ genome, failed }) => failed === undefined && !known.has(key(genome)));
    const members = [...state.members];
    coming.forEach((member, k) => members[orders[island][members.length - 1 - k]] = member);
    return { ...state, members };
  });
};

/** Islands of one kind of search; the members of its states are those of the islands, one island after the other. */
export const islands = <G>(settings: IslandsSettings<G>): Search<G> => {
  const { make, count, seed, interval = 10, migrants = 2 } = settings;
  const limits = {
    count: [2, MAX_ISLANDS],
    interval: [1, Number.MAX_SAFE_INTEGER],
    migrants: [1, MAX_ISLANDS],
  } as const;
  for (const [setting, found] of Object.entries({ count, interval, migrants })) {
    const [least, most] = limits[setting as keyof typeof limits];
    if (!(Number.isSafeInteger(found) && found >= least && found <= most)) {
      const wanted = `a whole number in ${least} … ${most}`;
      throw badSetting({ setting, wanted, found: String(found), path: `/${setting}` });
    }
  }
  const searches = Array.from({ length: count }, (_, island) => make(`${seed}/island ${island}`));
  const [first] = searches;
  if (migrants >= first.fewest) {
    const wanted = `below the ${first.fewest} members of an island`;
    throw badSetting({ setting: "migrants", wanted, found: String(migrants), path: "/migrants" });
  }
  const askAll = (states: ReadonlyArray<SearchState<G>>): ReadonlyArray<ReadonlyArray<Candidate<G>>> =>
    searches.map((search, island) =>
      search.ask(states[island]).map((candidate) => ({ ...candidate, id: `${island}:${candidate.id}` }))
    );
  return {
    name: `islands(${count}, ${interval}, ${migrants}, ${seed}) ${first.name}`,
    objectives: first.objectives,
    variation: first.variation,
    fewest: searches.reduce((sum, { fewest }) => sum + fewest, 0),
    start: joined(searches.map(({ start }) => start)),
    ask: (state) => askAll(parted(state, count)).flat(),
    tell: (state, asked, scores) => {
      if (asked.length !== scores.length) throw wrongScores({ asked: asked.length, told: scores.length });
      const before = parted(state, count);
      const after = searches.map((search, island) => {
        const isOwn = ({ id }: Candidate<G>) => id.startsWith(`${island}:`);
        return search.tell(before[island], asked.filter(isOwn), scores.filter((_, at) => isOwn(asked[at])));
      });
      return joined((state.generation + 1) % interval === 0 ? migrated(after, first, migrants) : after);
    },
  };
};
