/**
 * MOEA/D: one subproblem for each direction, solved with the help of its neighbours.
 *
 * Sources: Zhang, Li 2007 (decomposition, Tchebycheff); Li, Zhang 2009 (parents from the whole population now and then, and
 * a bound on how many neighbours one child replaces). A generation asks for one child a subproblem, all of the same
 * parents, so that its evaluations may run at once; children are told in the order of their subproblems.
 * Invariant: a member is replaced only by a child that is better for its subproblem.
 *
 * @module
 */
import { random } from "../../kernel/random.ts";
import type { Candidate, Member, Search, Variation } from "./contract.ts";
import { badSetting } from "./failures.ts";
import { checkedSize } from "./nsga2.ts";
import { neighbourhoods } from "./objectives/directions.ts";
import { type Points, rowsOf } from "./objectives/points.ts";
import { brood, children, drawn } from "./population/breeding.ts";
import { beginning, judgedAll, named } from "./population/members.ts";

type Row = ReadonlyArray<number>;

/** How objectives become the one value of a subproblem; smaller is better. */
export const DECOMPOSITIONS = {
  /** The largest weighted distance from the ideal. */
  tchebycheff: (values: Row, ideal: Row, weights: Row): number => {
    let largest = -Infinity;
    // An axis of no weight would be ignored altogether, and with it all that is dominated along it.
    for (let m = 0; m < values.length; m++) {
      largest = Math.max(largest, Math.max(weights[m], LEAST_WEIGHT) * (values[m] - ideal[m]));
    }
    return largest;
  },
  /** The distance along the direction, and five times the distance from it. */
  boundary: (values: Row, ideal: Row, weights: Row): number => {
    const length = Math.hypot(...weights);
    const along = values.reduce((sum, value, m) => sum + (value - ideal[m]) * weights[m], 0) / length;
    const beside = Math.hypot(...values.map((value, m) => value - ideal[m] - along * weights[m] / length));
    return along + BOUNDARY_PENALTY * beside;
  },
} as const;

/** Least weight of an axis. */
const LEAST_WEIGHT = 1e-6;

/** The penalty of boundary intersection. */
const BOUNDARY_PENALTY = 5;

/** The name of a decomposition. */
export type Decomposition = keyof typeof DECOMPOSITIONS;

/** Settings of MOEA/D. */
export interface MoeadSettings<G> {
  /** The genomes and their variation. */
  readonly variation: Variation<G>;
  /** The directions, one a subproblem; their width is the number of objectives. */
  readonly directions: Points;
  /** The seed. */
  readonly seed: string | number;
  /** How objectives become one value; `tchebycheff` where absent. */
  readonly decomposition?: Decomposition;
  /** Neighbours of a subproblem, itself among them; 20 where absent. */
  readonly neighbours?: number;
  /** Chance that parents and replaced members come from the neighbours, not from all; 0.9 where absent. */
  readonly neighbourly?: number;
  /** Most members that one child replaces; 2 where absent. */
  readonly replaced?: number;
}

const lowest = (ideal: Row, members: ReadonlyArray<Member<unknown>>): Row =>
  members.reduce<Row>(
    (least, { failed, objectives }) =>
      failed !== undefined ? least : objectives.map((value, m) => Math.min(value, least[m] ?? Infinity)),
    ideal,
  );

const checkedSettings = (
  directions: Points,
  { neighbours, neighbourly, replaced }: Required<
    Pick<MoeadSettings<never>, "neighbours" | "neighbourly" | "replaced">
  >,
): void => {
  const complain = (setting: string, wanted: string, found: unknown) => {
    throw badSetting({ setting, wanted, found: String(found), path: `/${setting}` });
  };
  if (directions.width < 2) complain("directions", "of two coordinates or more", `of ${directions.width}`);
  if (!(Number.isSafeInteger(neighbours) && neighbours >= 2)) {
    complain("neighbours", "a whole number from 2 on", neighbours);
  }
  if (!(neighbourly >= 0 && neighbourly <= 1)) complain("neighbourly", "in 0 … 1", neighbourly);
  if (!(Number.isSafeInteger(replaced) && replaced >= 1)) complain("replaced", "a whole number from 1 on", replaced);
};

/** MOEA/D over any genome; the members of its states lie in the order of the directions. */
export const moead = <G>(settings: MoeadSettings<G>): Search<G> => {
  const { variation, directions, seed, decomposition = "tchebycheff" } = settings;
  const { neighbours = 20, neighbourly = 0.9, replaced = 2 } = settings;
  checkedSettings(directions, { neighbours, neighbourly, replaced });
  const size = checkedSize(directions.count);
  const near = neighbourhoods(directions, Math.min(neighbours, size));
  const everyone = near.map((_, i) => i);
  const weights = rowsOf(directions);
  const root = random(`${seed}/moead`);
  const value = DECOMPOSITIONS[decomposition];

  /** The mates of each subproblem in a generation: the same when its child is asked for and when it is told. */
  const matesIn = (generation: number): ReadonlyArray<ReadonlyArray<number>> => {
    const chance = root.split(`${generation}/mates`);
    return near.map((own) => chance.float() < neighbourly ? own : everyone);
  };

  const isBetter = (child: Member<G>, old: Member<G>, ideal: Row, i: number): boolean => {
    if (child.failed !== undefined) return false;
    if (old.failed !== undefined) return true;
    if (child.violation !== old.violation) return child.violation < old.violation;
    return value(child.objectives, ideal, weights[i]) < value(old.objectives, ideal, weights[i]);
  };

  const bornOf = (members: ReadonlyArray<Member<G>>, generation: number): ReadonlyArray<Candidate<G>> => {
    const chance = root.split(generation);
    const { born, offer } = brood(variation, members, size);
    matesIn(generation).forEach((mates, i) => {
      while (born.length === i) {
        offer(children(variation, members[chance.pick(mates)], members[chance.pick(mates)], chance)[0]);
      }
    });
    return named(generation, born);
  };

  const replacing = (
    members: ReadonlyArray<Member<G>>,
    born: ReadonlyArray<Member<G>>,
    ideal: Row,
    generation: number,
  ) => {
    const kept = [...members];
    const chance = root.split(`${generation}/told`);
    const mates = matesIn(generation);
    born.forEach((child, i) => {
      let left = replaced;
      for (const place of chance.shuffle(mates[i])) {
        if (left === 0) break;
        if (!isBetter(child, kept[place], ideal, place)) continue;
        kept[place] = child;
        left--;
      }
    });
    return kept;
  };

  return {
    name: `moead(${size}×${directions.width}, ${decomposition}, ${neighbours}, ${neighbourly}, ${replaced}, ${seed}) ` +
      variation.name,
    objectives: directions.width,
    variation,
    fewest: size,
    start: beginning(),
    ask: ({ generation, members }) =>
      generation === 0 ? drawn(variation, size, root.split(generation)) : bornOf(members, generation),
    tell: (state, asked, scores) => {
      const born = judgedAll(asked, scores, directions.width);
      const ideal = lowest(state.memory.ideal ?? [], born);
      return {
        generation: state.generation + 1,
        evaluations: state.evaluations + asked.length,
        members: state.generation === 0 ? born : replacing(state.members, born, ideal, state.generation),
        memory: { ideal },
      };
    },
  };
};
