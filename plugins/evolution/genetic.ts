/**
 * Genetic: one objective, parents by a chosen selection, elites kept; and its ageing form, where the oldest die.
 *
 * Sources: De Jong 1975 (elitism); Real, Aggarwal, Huang, Le 2019 (regularised evolution: ageing).
 * Invariant: with elites the best member is never lost; with ageing every member dies after as many births as there are
 * members, whatever it is worth.
 *
 * @module
 */
import { random } from "../../kernel/random.ts";
import type { Member, Search, Variation } from "./contract.ts";
import { badSetting } from "./failures.ts";
import { checkedSize } from "./nsga2.ts";
import { bred, brood, drawn, mutant } from "./population/breeding.ts";
import { beginning, byScore, judgedAll, named } from "./population/members.ts";
import { ranking, roulette, type Selection, tournamentByFitness, truncation } from "./population/selection.ts";

/** What a genetic search over any genome needs. */
export interface GeneticSettings<G> {
  /** The genomes and their variation. */
  readonly variation: Variation<G>;
  /** The seed. */
  readonly seed: string | number;
  /** Members of the population; 100 where absent. */
  readonly size?: number;
  /** How parents are selected; `tournament` where absent. */
  readonly selection?: GeneticSelection;
  /** Members of a tournament (3), or the best that truncation draws from (a quarter of the population). */
  readonly pressure?: number;
  /** Members that live on unchanged; a twentieth of the population where absent. */
  readonly elites?: number;
}

/** The name of a selection. */
export type GeneticSelection = "tournament" | "roulette" | "ranking" | "truncation";

const SELECTIONS: {
  readonly [Name in GeneticSelection]: {
    readonly pressure: (size: number) => number;
    readonly make: (fitness: Float64Array, pressure: number) => Selection;
  };
} = {
  tournament: { pressure: (size) => Math.min(3, size), make: tournamentByFitness },
  roulette: { pressure: () => 0, make: roulette },
  ranking: { pressure: () => 0, make: ranking },
  truncation: { pressure: (size) => Math.ceil(size / 4), make: truncation },
};

/** The names of the selections. */
export const GENETIC_SELECTIONS: ReadonlyArray<GeneticSelection> = Object.keys(SELECTIONS) as ReadonlyArray<
  GeneticSelection
>;

/** Larger is better: the objective turned round among feasible members; where none is feasible, the violation. */
const fitnessOf = (members: ReadonlyArray<Member<unknown>>): Float64Array => {
  const isFeasible = ({ failed, violation }: Member<unknown>) => failed === undefined && violation === 0;
  const anyFeasible = members.some(isFeasible);
  return Float64Array.from(members, (member) => {
    if (anyFeasible) return isFeasible(member) ? -member.objectives[0] : -Infinity;
    return member.failed === undefined ? -member.violation : -Infinity;
  });
};

const counted = (setting: string, found: number, least: number, most: number): number => {
  if (!(Number.isSafeInteger(found) && found >= least && found <= most)) {
    const wanted = `a whole number in ${least} … ${most}`;
    throw badSetting({ setting, wanted, found: String(found), path: `/${setting}` });
  }
  return found;
};

/** A genetic search for the least of one objective; the members of its states lie best first. */
export const genetic = <G>(settings: GeneticSettings<G>): Search<G> => {
  const { variation, seed, selection = "tournament" } = settings;
  const size = checkedSize(settings.size ?? 100);
  const elites = counted("elites", settings.elites ?? Math.ceil(size / 20), 0, size - 1);
  const { make, pressure: usual } = SELECTIONS[selection];
  const pressure = settings.pressure ?? usual(size);
  if (usual(size) > 0) counted("pressure", pressure, 1, size);
  const root = random(`${seed}/genetic`);
  return {
    name: `genetic(${size}, ${selection} ${pressure}, ${elites}, ${seed}) ${variation.name}`,
    objectives: 1,
    variation,
    fewest: size,
    start: beginning(),
    ask: ({ generation, members }) => {
      const chance = root.split(generation);
      return generation === 0
        ? drawn(variation, size, chance)
        : bred(variation, members, generation, size - elites, make(fitnessOf(members), pressure), chance);
    },
    tell: (state, asked, scores) => ({
      generation: state.generation + 1,
      evaluations: state.evaluations + asked.length,
      // Sorted before as well: islands may have put a newcomer in the last place.
      members: [...[...state.members].sort(byScore).slice(0, elites), ...judgedAll(asked, scores, 1)].sort(byScore),
      memory: {},
    }),
  };
};

/** What regularised evolution over any genome needs. */
export interface AgeingSettings<G> {
  /** The genomes and their variation; only mutation is used. */
  readonly variation: Variation<G>;
  /** The seed. */
  readonly seed: string | number;
  /** Members of the population; 100 where absent. */
  readonly size?: number;
  /** Members drawn, of which the best becomes the parent; 25 where absent, or the population where that is smaller. */
  readonly sample?: number;
  /** Children asked for at once; 1, as in the paper, where absent. */
  readonly batch?: number;
}

/** Regularised evolution; the members of its states lie oldest first. */
export const ageing = <G>(settings: AgeingSettings<G>): Search<G> => {
  const { variation, seed } = settings;
  const size = checkedSize(settings.size ?? 100);
  const sample = counted("sample", settings.sample ?? Math.min(25, size), 1, size);
  const batch = counted("batch", settings.batch ?? 1, 1, size);
  const root = random(`${seed}/ageing`);
  return {
    name: `ageing(${size}, ${sample}, ${batch}, ${seed}) ${variation.name}`,
    objectives: 1,
    variation,
    fewest: size,
    start: beginning(),
    ask: ({ generation, members }) => {
      const chance = root.split(generation);
      if (generation === 0) return drawn(variation, size, chance);
      const { born, offer } = brood(variation, members, batch);
      while (born.length < batch) {
        const [parent] = chance.shuffle(members).slice(0, sample).sort(byScore);
        offer(mutant(variation, parent, chance));
      }
      return named(generation, born);
    },
    tell: (state, asked, scores) => ({
      generation: state.generation + 1,
      evaluations: state.evaluations + asked.length,
      members: [...state.members, ...judgedAll(asked, scores, 1)].slice(-size),
      memory: {},
    }),
  };
};
