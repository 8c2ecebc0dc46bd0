/**
 * Bayesian: asks for the settings whose improvement over the best known is expected to be largest.
 *
 * Sources: Jones, Schonlau, Welch 1998 (expected improvement); Snoek, Larochelle, Adams 2012 (Matérn 5/2, one length a
 * dimension); Ginsbourger, Le Riche, Carraro 2010 (several at once: what was asked is believed until it is told).
 * Invariant: the unit and the zero of the objective change nothing that is asked.
 *
 * @module
 */
import { type Random, random } from "../../../kernel/random.ts";
import type { Member, Search, SearchState } from "../contract.ts";
import { badSetting, overLimit } from "../failures.ts";
import { type Born, brood, DRAWN } from "../population/breeding.ts";
import { beginning, byScore, judgedAll, named } from "../population/members.ts";
import { fitTraits, type GaussianProcess, gaussianProcess, type Traits, usualTraits } from "./gaussian_process.ts";
import { logImprovement, merits } from "./improvement.ts";
import { sobol } from "./sobol.ts";
import {
  drawSetting,
  gridOf,
  type Layout,
  layoutOf,
  mutateSetting,
  type Setting,
  settingAt,
  settingKey,
  settingVariation,
  type Space,
  spaceSize,
} from "./space.ts";

/** Settings of a Bayesian search. */
export interface BayesianSettings {
  /** What may be set. */
  readonly space: Space;
  /** The seed. */
  readonly seed: string | number;
  /** Settings asked before anything is known; two a dimension, 8 … 32, where absent. */
  readonly initial?: number;
  /** Settings asked at once afterwards; 1 where absent. */
  readonly batch?: number;
  /** What is known of a setting before it is tried: as many numbers for each, in about 0 … 1; nothing where absent. */
  readonly features?: (setting: Setting) => ReadonlyArray<number>;
}

/** Most settings that a state remembers: what is asked costs the square of them. */
export const MAX_OBSERVATIONS = 2_048;

/** Observations that the belief rests on: past it, the better half of this number and the newest. */
const BELIEVED = 512;

/** Observations that lengths are fitted to: the better half of this number, and as many spread over the others. */
const FITTED = 128;

/** Lengths are fitted again when there are this many times as many observations. */
const REFIT = 1.2;

/** How the largest expected improvement is looked for. */
const LOOK = { drawn: 256, parents: 8, children: 32, climbers: 4, rounds: 10, steps: 16 } as const;

const checkedCount = (setting: string, found: number, most: number): number => {
  if (Number.isSafeInteger(found) && found >= 1 && found <= most) return found;
  throw badSetting({ setting, wanted: `a whole number in 1 … ${most}`, found: String(found), path: `/${setting}` });
};

/** At most `count` of the members: the better half, then those that `rest` takes of the others, which lie by score. */
const chosen = <G>(
  members: ReadonlyArray<Member<G>>,
  count: number,
  rest: (others: ReadonlyArray<number>, count: number) => ReadonlyArray<number>,
): ReadonlyArray<number> => {
  const order = members.map((_, at) => at).sort((a, b) => byScore(members[a], members[b]) || a - b);
  if (order.length <= count) return order;
  const half = count >> 1;
  return [...order.slice(0, half), ...rest(order.slice(half), count - half)];
};

const newest = (others: ReadonlyArray<number>, count: number): ReadonlyArray<number> =>
  [...others].sort((a, b) => b - a).slice(0, count);

const spread = (others: ReadonlyArray<number>, count: number): ReadonlyArray<number> =>
  Array.from({ length: count }, (_, k) => others[Math.floor(k * others.length / count)]);

type Memory = SearchState<Setting>["memory"];

const toMemory = ({ relevance, noise }: Traits, fitted: number): Memory => ({
  relevance,
  scalars: [noise, fitted],
});

const fromMemory = ({ relevance, scalars: [noise, fitted] }: Memory): Traits & { readonly fitted: number } => ({
  relevance,
  noise,
  fitted,
});

/** What is asked where a process is believed. */
interface Looking {
  readonly space: Space;
  readonly process: GaussianProcess;
  readonly coordinates: (setting: Setting) => Float64Array;
  /** Known settings, best first. */
  readonly best: ReadonlyArray<Member<Setting>>;
  /** Keys of what was tried or is asked already. */
  readonly known: ReadonlySet<string>;
  readonly chance: Random;
}

interface Found {
  readonly setting: Setting;
  readonly worth: number;
  /** The member that it was varied from; none where it was drawn. */
  readonly parent?: string;
}

/** The setting of the largest expected improvement that a search by draws, variations and climbing finds. */
const bestToAsk = ({ space, process, coordinates, best, known, chance }: Looking, target: number): Found => {
  const worths = new Map<string, number>();
  const worthOf = (setting: Setting): number => {
    const key = settingKey(setting);
    const seen = worths.get(key);
    if (seen !== undefined) return seen;
    let worth = -Infinity;
    if (!known.has(key)) {
      const { mean, deviation } = process.at(coordinates(setting));
      worth = logImprovement(mean, deviation, target);
    }
    worths.set(key, worth);
    return worth;
  };
  const found = (setting: Setting, parent?: string): Found => ({
    setting,
    worth: worthOf(setting),
    ...(parent === undefined ? {} : { parent }),
  });
  const pool = Array.from({ length: LOOK.drawn }, () => found(drawSetting(space, chance)));
  for (const { id, genome } of best.slice(0, LOOK.parents)) {
    for (let child = 0; child < LOOK.children; child++) pool.push(found(mutateSetting(space, genome, chance), id));
  }
  const climbers = pool.sort((a, b) => b.worth - a.worth).slice(0, LOOK.climbers);
  const climbed = climbers.map((climber) => {
    let top = climber;
    for (let round = 0; round < LOOK.rounds; round++) {
      const before = top;
      for (let step = 0; step < LOOK.steps; step++) {
        const next = found(mutateSetting(space, before.setting, chance), before.parent);
        if (next.worth > top.worth) top = next;
      }
    }
    return top;
  });
  return climbed.reduce((a, b) => b.worth > a.worth ? b : a);
};

/** Coordinates of settings, with those of their features. */
const described = (space: Space, features: BayesianSettings["features"]): Layout => {
  const layout = layoutOf(space);
  if (features === undefined) return layout;
  const count = features(drawSetting(space, random("features"))).length;
  return {
    isChoice: [...layout.isChoice, ...new Array<boolean>(count).fill(false)],
    coordinates: (setting) => {
      const point = new Float64Array(space.length + count);
      point.set(layout.coordinates(setting));
      point.set(features(setting), space.length);
      return point;
    },
  };
};

/** A Bayesian search; the members of its states are all that was told, in order. */
export const bayesian = (settings: BayesianSettings): Search<Setting> => {
  const { space, seed } = settings;
  const variation = settingVariation(space);
  const dimensions = space.length;
  const initial = checkedCount(
    "initial",
    settings.initial ?? Math.min(32, Math.max(8, 2 * dimensions)),
    MAX_OBSERVATIONS,
  );
  const batch = checkedCount("batch", settings.batch ?? 1, MAX_OBSERVATIONS);
  const root = random(`${seed}/bayesian`);
  // A space of few settings is asked through and then left.
  const size = spaceSize(space, MAX_OBSERVATIONS + 1);
  const begun = Math.min(initial, size);
  const { isChoice, coordinates } = described(space, settings.features);

  const observed = (members: ReadonlyArray<Member<Setting>>, places: ReadonlyArray<number>) => {
    const taken = places.map((place) => members[place]);
    return {
      isChoice,
      points: taken.map(({ genome }) => coordinates(genome)),
      values: merits(taken),
    };
  };

  const first = (chance: Random): ReadonlyArray<Born<Setting>> => {
    const { born, offer } = brood(variation, [], begun);
    const points = sobol(dimensions, chance.split("sobol"));
    for (let k = 0; k < begun; k++) offer({ genome: settingAt(space, points.at(k)), parents: [], edit: DRAWN });
    while (born.length < begun) offer({ genome: drawSetting(space, chance), parents: [], edit: DRAWN });
    return born;
  };

  /** A setting that is not known, where those that were looked at all are. */
  const anyUnknown = (known: ReadonlySet<string>, chance: Random): Setting => {
    if (size <= MAX_OBSERVATIONS) {
      for (const setting of gridOf(space, Infinity)) if (!known.has(settingKey(setting))) return setting;
    }
    return drawSetting(space, chance);
  };

  const later = ({ members, memory }: SearchState<Setting>, chance: Random): ReadonlyArray<Born<Setting>> => {
    const wanted = Math.min(batch, MAX_OBSERVATIONS - members.length);
    if (wanted <= 0) throw overLimit({ what: "observations", limit: MAX_OBSERVATIONS, found: members.length + 1 });
    const places = chosen(members, BELIEVED, newest);
    const observations = observed(members, places);
    let process = gaussianProcess(observations, fromMemory(memory));
    // What noise lifted is not the best: the belief at the settings decides.
    let target = Math.max(...observations.points.map((point) => process.at(point).mean));
    const best = places.map((place) => members[place]);
    const born: Array<Born<Setting>> = [];
    const keys = new Set(members.map(({ genome }) => settingKey(genome)));
    while (born.length < wanted && keys.size < size) {
      const found = bestToAsk({ space, process, coordinates, best, known: keys, chance }, target);
      const isNew = found.worth > -Infinity;
      const genome = isNew ? found.setting : anyUnknown(keys, chance);
      born.push({
        genome,
        parents: isNew && found.parent !== undefined ? [found.parent] : [],
        edit: isNew ? "chosen by expected improvement" : DRAWN,
      });
      keys.add(settingKey(genome));
      const point = coordinates(genome);
      const { mean } = process.at(point);
      if (born.length < wanted) process = process.and(point, mean);
      target = Math.max(target, mean);
    }
    return born;
  };

  return {
    name: `bayesian(${initial}, ${batch}, ${seed}) ${variation.name}`,
    objectives: 1,
    variation,
    fewest: begun,
    start: { ...beginning<Setting>(), memory: toMemory(usualTraits(isChoice.length), 0) },
    ask: (state) => {
      const chance = root.split(state.generation);
      return named(state.generation, state.generation === 0 ? first(chance) : later(state, chance));
    },
    tell: (state, asked, scores) => {
      const members = [...state.members, ...judgedAll(asked, scores, 1)];
      const traits = fromMemory(state.memory);
      const isDue = members.length >= REFIT * traits.fitted;
      return {
        generation: state.generation + 1,
        evaluations: state.evaluations + asked.length,
        members,
        memory: isDue
          ? toMemory(fitTraits(observed(members, chosen(members, FITTED, spread)), traits), members.length)
          : state.memory,
      };
    },
  };
};
