/**
 * Archives: searches that keep many kinds of solutions, told apart by the descriptor that an evaluation gives.
 *
 * Sources: Mouret, Clune 2015 (MAP-Elites: the best of each cell of a grid); Lehman, Stanley 2011 (novelty search: what
 * lies far from its nearest, whatever it is worth).
 * Invariant: a cell's elite is the best that was ever told of that cell; what failed, is infeasible or has no descriptor
 * of the right length enters no archive.
 *
 * @module
 */
import { random } from "../../kernel/random.ts";
import type { Member, Search, Variation } from "./contract.ts";
import { badSetting, overLimit } from "./failures.ts";
import { checkedSize } from "./nsga2.ts";
import { bred, drawn } from "./population/breeding.ts";
import { beginning, byScore, judgedAll } from "./population/members.ts";
import { tournamentByFitness } from "./population/selection.ts";

/** One axis of a grid of behaviours. */
export interface Axis {
  /** The lower edge of the first cell; what lies below belongs to it. */
  readonly least: number;
  /** The upper edge of the last cell; what lies above belongs to it. */
  readonly most: number;
  /** Number of cells. */
  readonly cells: number;
}

/** What MAP-Elites over any genome needs. */
export interface MapElitesSettings<G> {
  /** The genomes and their variation. */
  readonly variation: Variation<G>;
  /** The seed. */
  readonly seed: string | number;
  /** The axes of the grid, one for each number of the descriptor. */
  readonly axes: ReadonlyArray<Axis>;
  /** Candidates a generation; 100 where absent. */
  readonly batch?: number;
}

/** Most cells of a grid. */
export const MAX_CELLS = 100_000;

const checkedAxes = (axes: ReadonlyArray<Axis>): void => {
  axes.forEach(({ least, most, cells }, at) => {
    if (!(least < most && Number.isFinite(most - least) && Number.isSafeInteger(cells) && cells >= 1)) {
      const found = JSON.stringify(axes[at]);
      throw badSetting({
        setting: "axes",
        wanted: "finite edges that ascend, and a cell or more",
        found,
        path: `/axes/${at}`,
      });
    }
  });
  const cells = axes.reduce((product, axis) => product * axis.cells, 1);
  if (axes.length === 0) throw badSetting({ setting: "axes", wanted: "one or more", found: "none", path: "/axes" });
  if (cells > MAX_CELLS) throw overLimit({ what: "cells", limit: MAX_CELLS, found: cells });
};

/** The cell of a descriptor, counted through the grid with the last axis fastest. */
export const cellOf = (axes: ReadonlyArray<Axis>, descriptor: ReadonlyArray<number>): number =>
  axes.reduce((cell, { least, most, cells }, m) => {
    const along = Math.floor((descriptor[m] - least) / (most - least) * cells);
    return cell * cells + Math.min(cells - 1, Math.max(0, along));
  }, 0);

const describes = <G>({ failed, violation, descriptor }: Member<G>, width: number): boolean =>
  failed === undefined && violation === 0 && descriptor?.length === width;

/** MAP-Elites for one objective; the members of its states are the elites in the order of their cells. */
export const mapElites = <G>(settings: MapElitesSettings<G>): Search<G> => {
  const { variation, seed, axes } = settings;
  checkedAxes(axes);
  const batch = checkedSize(settings.batch ?? 100, 1);
  const root = random(`${seed}/map-elites`);
  return {
    name: `map-elites(${batch}, ${JSON.stringify(axes)}, ${seed}) ${variation.name}`,
    objectives: 1,
    variation,
    fewest: 0,
    start: beginning(),
    ask: ({ generation, members }) => {
      const chance = root.split(generation);
      return members.length === 0
        ? drawn(variation, batch, chance).map((candidate, place) => ({ ...candidate, id: `${generation}.${place}` }))
        : bred(variation, members, generation, batch, (dice) => dice.below(members.length), chance);
    },
    tell: (state, asked, scores) => {
      const elites = new Map<number, Member<G>>();
      for (const member of [...state.members, ...judgedAll(asked, scores, 1)]) {
        if (!describes(member, axes.length)) continue;
        const cell = cellOf(axes, member.descriptor!);
        const holder = elites.get(cell);
        if (holder === undefined || byScore(member, holder) < 0) elites.set(cell, member);
      }
      return {
        generation: state.generation + 1,
        evaluations: state.evaluations + asked.length,
        members: [...elites].sort(([a], [b]) => a - b).map(([, member]) => member),
        memory: {},
      };
    },
  };
};

/** What novelty search over any genome needs. */
export interface NoveltySettings<G> {
  /** The genomes and their variation. */
  readonly variation: Variation<G>;
  /** The seed. */
  readonly seed: string | number;
  /** Length of the descriptor. */
  readonly descriptor: number;
  /** Members of the population; 100 where absent. */
  readonly size?: number;
  /** Nearest neighbours whose mean distance is the novelty; 15 where absent. */
  readonly nearest?: number;
  /** Descriptors that enter the archive each generation, the most novel first; 6 where absent. */
  readonly entering?: number;
}

/** Most descriptors remembered; the oldest are forgotten first. */
export const MAX_ARCHIVE = 5_000;

type Descriptor = ReadonlyArray<number>;

/** The mean distance of a descriptor to the nearest others, of which one may be itself and is left out. */
export const noveltyOf = (descriptor: Descriptor, others: ReadonlyArray<Descriptor>, nearest: number): number => {
  const far = others.filter((other) => other !== descriptor)
    .map((other) => Math.hypot(...descriptor.map((value, m) => value - other[m]))).sort((a, b) => a - b);
  const counted = Math.min(nearest, far.length);
  return counted === 0 ? 0 : far.slice(0, counted).reduce((sum, distance) => sum + distance, 0) / counted;
};

/** Novelty search; objectives are recorded and never looked at. The members of its states lie most novel first. */
export const novelty = <G>(settings: NoveltySettings<G>): Search<G> => {
  const { variation, seed, descriptor: width, nearest = 15, entering = 6 } = settings;
  const size = checkedSize(settings.size ?? 100);
  for (const [setting, found] of Object.entries({ descriptor: width, nearest, entering })) {
    if (!(Number.isSafeInteger(found) && found >= 1 && found <= MAX_ARCHIVE)) {
      const wanted = `a whole number in 1 … ${MAX_ARCHIVE}`;
      throw badSetting({ setting, wanted, found: String(found), path: `/${setting}` });
    }
  }
  const root = random(`${seed}/novelty`);
  const archiveOf = (flat: Descriptor): ReadonlyArray<Descriptor> =>
    Array.from({ length: flat.length / width }, (_, k) => flat.slice(k * width, (k + 1) * width));
  const valued = (members: ReadonlyArray<Member<G>>, archive: ReadonlyArray<Descriptor>) => {
    const others = [...members.flatMap((member) => describes(member, width) ? [member.descriptor!] : []), ...archive];
    return members.map((member) => ({
      member,
      value: describes(member, width) ? noveltyOf(member.descriptor!, others, nearest) : -Infinity,
    }));
  };
  return {
    name: `novelty(${size}, ${width}, ${nearest}, ${entering}, ${seed}) ${variation.name}`,
    objectives: 1,
    variation,
    fewest: size,
    start: { ...beginning<G>(), memory: { archive: [] } },
    ask: ({ generation, members, memory }) => {
      const chance = root.split(generation);
      if (generation === 0) return drawn(variation, size, chance);
      const fitness = valued(members, archiveOf(memory.archive)).map(({ value }) => value);
      return bred(variation, members, generation, size, tournamentByFitness(fitness, 2), chance);
    },
    tell: (state, asked, scores) => {
      const archive = archiveOf(state.memory.archive);
      const ranked = valued([...state.members, ...judgedAll(asked, scores, 1)], archive)
        .sort((a, b) => a.value === b.value ? 0 : b.value > a.value ? 1 : -1);
      const known = new Set(state.members.map(({ id }) => id));
      const entered = ranked.filter(({ member, value }) => value > -Infinity && !known.has(member.id))
        .slice(0, entering).map(({ member }) => member.descriptor!);
      return {
        generation: state.generation + 1,
        evaluations: state.evaluations + asked.length,
        members: ranked.slice(0, size).map(({ member }) => member),
        memory: { archive: [...archive, ...entered].slice(-MAX_ARCHIVE).flat() },
      };
    },
  };
};
