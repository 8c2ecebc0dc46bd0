/**
 * Breeding: the children of a generation, each genome once.
 *
 * Invariant: no child equals a member or another child, unless the space of genomes is so small that
 * {@link MAX_TRIES} draws in a row bring nothing new.
 *
 * @module
 */
import type { Random } from "../../../kernel/random.ts";
import type { Candidate, Member, Variation } from "../contract.ts";
import { named } from "./members.ts";

/** Draws in a row that may repeat a known genome before a repetition is taken. */
export const MAX_TRIES = 100;

/** Takes genomes, refusing known ones until too many in a row were known. */
const collector = <G>(variation: Variation<G>, known: Iterable<G>, wanted: number) => {
  const keys = new Set<string>();
  for (const genome of known) keys.add(variation.key(genome));
  const born: Array<{ readonly genome: G; readonly parents: ReadonlyArray<string> }> = [];
  let refused = 0;
  return {
    born,
    offer: (genome: G, parents: ReadonlyArray<string>): void => {
      if (born.length >= wanted) return;
      const key = variation.key(genome);
      if (keys.has(key) && refused++ < MAX_TRIES) return;
      refused = 0;
      keys.add(key);
      born.push({ genome, parents });
    },
  };
};

/** The first generation: genomes drawn without parents. */
export const drawn = <G>(variation: Variation<G>, count: number, chance: Random): ReadonlyArray<Candidate<G>> => {
  const { born, offer } = collector<G>(variation, [], count);
  for (const genome of variation.sample?.(count, chance) ?? []) offer(genome, []);
  while (born.length < count) offer(variation.random(chance), []);
  return named(0, born);
};

/** A later generation: pairs of parents crossed, their children mutated. `pick` names the place of a parent. */
export const bred = <G>(
  variation: Variation<G>,
  members: ReadonlyArray<Member<G>>,
  generation: number,
  count: number,
  pick: (chance: Random) => number,
  chance: Random,
): ReadonlyArray<Candidate<G>> => {
  const { born, offer } = collector(variation, members.map(({ genome }) => genome), count);
  while (born.length < count) {
    const [first, second] = [members[pick(chance)], members[pick(chance)]];
    const parents = first.id === second.id ? [first.id] : [first.id, second.id];
    for (const child of variation.cross(first.genome, second.genome, chance)) {
      offer(variation.mutate(child, chance), parents);
    }
  }
  return named(generation, born);
};
