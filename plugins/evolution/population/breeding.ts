/**
 * Breeding: the children of a generation, each genome once, each with the way it came about.
 *
 * Invariant: no child equals a member or another child, unless the space of genomes is so small that
 * {@link MAX_TRIES} draws in a row bring nothing new.
 *
 * @module
 */
import type { Random } from "../../../kernel/random.ts";
import type { Candidate, Made, Member, Variation } from "../contract.ts";
import { named } from "./members.ts";

/** Draws in a row that may repeat a known genome before a repetition is taken. */
export const MAX_TRIES = 100;

/** The edit of a genome without parents. */
export const DRAWN = "drawn";

/** The edit of a genome that equals its parent: crossed with nothing exchanged, mutated with nothing changed. */
export const COPIED = "copied";

/** A genome that is born, before it has a name. */
export type Born<G> = Omit<Candidate<G>, "id">;

/** Takes genomes, refusing known ones until too many in a row were known. */
export interface Brood<G> {
  /** What was taken. */
  readonly born: ReadonlyArray<Born<G>>;
  /** Takes a genome or refuses it. */
  readonly offer: (child: Born<G>) => void;
}

/** A brood of at most `wanted`, in which `known` genomes have no place. */
export const brood = <G>(variation: Variation<G>, known: ReadonlyArray<Member<G>>, wanted: number): Brood<G> => {
  const keys = new Set(known.map(({ genome }) => variation.key(genome)));
  const born: Array<Born<G>> = [];
  let refused = 0;
  return {
    born,
    offer: (child) => {
      if (born.length >= wanted) return;
      const key = variation.key(child.genome);
      if (keys.has(key) && refused++ < MAX_TRIES) return;
      refused = 0;
      keys.add(key);
      born.push(child);
    },
  };
};

/** The first generation: genomes drawn without parents. */
export const drawn = <G>(variation: Variation<G>, count: number, chance: Random): ReadonlyArray<Candidate<G>> => {
  const { born, offer } = brood<G>(variation, [], count);
  for (const genome of variation.sample?.(count, chance) ?? []) offer({ genome, parents: [], edit: DRAWN });
  while (born.length < count) offer({ genome: variation.random(chance), parents: [], edit: DRAWN });
  return named(0, born);
};

const mutatedBy = <G>(variation: Variation<G>, parent: G, chance: Random): Made<G> =>
  variation.mutateBy?.(parent, chance) ??
    { genome: variation.mutate(parent, chance), by: variation.operators?.mutate ?? "" };

const crossedBy = <G>(variation: Variation<G>, first: G, second: G, chance: Random): ReadonlyArray<Made<G>> =>
  variation.crossBy?.(first, second, chance) ??
    variation.cross(first, second, chance).map((genome) => ({ genome, by: variation.operators?.cross ?? "" }));

const withName = (verb: string, by: string): string => by === "" ? verb : `${verb} by ${by}`;

/** A mutated copy of a member. */
export const mutant = <G>(variation: Variation<G>, parent: Member<G>, chance: Random): Born<G> => {
  const { genome, by } = mutatedBy(variation, parent.genome, chance);
  const isNew = variation.key(genome) !== variation.key(parent.genome);
  return { genome, parents: [parent.id], edit: isNew ? withName("mutated", by) : COPIED };
};

/** The two children of two members, crossed and mutated. */
export const children = <G>(
  variation: Variation<G>,
  first: Member<G>,
  second: Member<G>,
  chance: Random,
): ReadonlyArray<Born<G>> => {
  const parents = first.id === second.id ? [first.id] : [first.id, second.id];
  const { key } = variation;
  const known = [key(first.genome), key(second.genome)];
  return crossedBy(variation, first.genome, second.genome, chance).map((crossed) => {
    const mutated = mutatedBy(variation, crossed.genome, chance);
    const between = key(crossed.genome);
    const { genome } = mutated;
    const edits = [
      ...(known.includes(between) ? [] : [withName("crossed", crossed.by)]),
      ...(key(genome) === between ? [] : [withName("mutated", mutated.by)]),
    ];
    return { genome, parents, edit: edits.length === 0 ? COPIED : edits.join(", ") };
  });
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
  const { born, offer } = brood(variation, members, count);
  while (born.length < count) {
    const [first, second] = [members[pick(chance)], members[pick(chance)]];
    for (const child of children(variation, first, second, chance)) offer(child);
  }
  return named(generation, born);
};
