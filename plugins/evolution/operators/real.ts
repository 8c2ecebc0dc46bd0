/**
 * Real vectors within bounds: crossovers, mutations and their variation.
 *
 * Sources: Deb, Agrawal 1995 and Deb's bounded form of 2000 (simulated binary crossover, polynomial mutation); Eshelman,
 * Schaffer 1993 (BLX-α); Holland 1975 (one and two points).
 * Invariant: children lie within the bounds.
 *
 * @module
 */
import { digestText } from "../../../kernel/digest.ts";
import type { Json } from "../../../kernel/json.ts";
import type { Random } from "../../../kernel/random.ts";
import type { Variation } from "../contract.ts";
import { badSetting, badState } from "../failures.ts";

/** Bounds of each variable. */
export interface Bounds {
  /** Least values. */
  readonly lower: Float64Array;
  /** Largest values. */
  readonly upper: Float64Array;
}

/** Settings of real variation. */
export interface RealSettings {
  /** How parents are crossed; `sbx` where absent. */
  readonly crossover?: RealCrossover;
  /** Chance that a pair is crossed at all; 0.9 where absent. */
  readonly crossoverRate?: number;
  /** Distribution index of SBX, larger for children nearer to their parents (15), or α of BLX (0.5). */
  readonly spread?: number;
  /** How children are mutated; `polynomial` where absent. */
  readonly mutation?: RealMutation;
  /** Chance that a variable is mutated; one in the number of variables where absent. */
  readonly mutationRate?: number;
  /** Distribution index of the polynomial (20), or deviation of the Gaussian as a share of the range (0.1). */
  readonly step?: number;
}

type Pair = readonly [Float64Array, Float64Array];

const within = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value)) + 0;

/** Parents nearer than this are taken as equal: there is nothing to spread. */
const SAME = 1e-14;

const spreadTowards = (room: number, gap: number, index: number, u: number): number => {
  const beta = 1 + 2 * room / gap;
  const alpha = 2 - beta ** -(index + 1);
  return u <= 1 / alpha ? (u * alpha) ** (1 / (index + 1)) : (1 / (2 - u * alpha)) ** (1 / (index + 1));
};

/** Simulated binary crossover within bounds: each variable with chance ½, children exchanged with chance ½. */
export const sbx = (
  a: Float64Array,
  b: Float64Array,
  { lower, upper }: Bounds,
  index: number,
  chance: Random,
): Pair => {
  const [first, second] = [a.slice(), b.slice()];
  for (let i = 0; i < a.length; i++) {
    if (chance.float() >= 0.5 || Math.abs(a[i] - b[i]) <= SAME) continue;
    const [low, high] = a[i] < b[i] ? [a[i], b[i]] : [b[i], a[i]];
    const [gap, middle, u] = [high - low, (low + high) / 2, chance.float()];
    const left = within(middle - spreadTowards(low - lower[i], gap, index, u) * gap / 2, lower[i], upper[i]);
    const right = within(middle + spreadTowards(upper[i] - high, gap, index, u) * gap / 2, lower[i], upper[i]);
    [first[i], second[i]] = chance.float() < 0.5 ? [left, right] : [right, left];
  }
  return [first, second];
};

/** BLX-α: each variable evenly in the parents' interval widened by α of its length on both sides. */
export const blend = (
  a: Float64Array,
  b: Float64Array,
  { lower, upper }: Bounds,
  alpha: number,
  chance: Random,
): Pair => {
  const drawn = () =>
    a.map((value, i) => {
      const t = chance.float() * (1 + 2 * alpha) - alpha;
      return within(value + t * (b[i] - value), lower[i], upper[i]);
    });
  return [drawn(), drawn()];
};

/** Exchanges what lies between the cuts, which ascend. */
const exchanged = (a: Float64Array, b: Float64Array, from: number, to: number): Pair => {
  const [first, second] = [a.slice(), b.slice()];
  first.set(b.subarray(from, to), from);
  second.set(a.subarray(from, to), from);
  return [first, second];
};

type Cross = (a: Float64Array, b: Float64Array, bounds: Bounds, spread: number, chance: Random) => Pair;

/** The name of a crossover of real vectors. */
export type RealCrossover = "sbx" | "blend" | "uniform" | "onePoint" | "twoPoint";

const CROSSOVERS: { readonly [Name in RealCrossover]: { readonly spread: number; readonly cross: Cross } } = {
  sbx: { spread: 15, cross: sbx },
  blend: { spread: 0.5, cross: blend },
  uniform: {
    spread: 0,
    cross: (a, b, _bounds, _spread, chance) => {
      const [first, second] = [a.slice(), b.slice()];
      for (let i = 0; i < a.length; i++) if (chance.float() < 0.5) [first[i], second[i]] = [b[i], a[i]];
      return [first, second];
    },
  },
  onePoint: { spread: 0, cross: (a, b, _bounds, _spread, chance) => exchanged(a, b, chance.below(a.length), a.length) },
  twoPoint: {
    spread: 0,
    cross: (a, b, _bounds, _spread, chance) => {
      const cuts = [chance.below(a.length + 1), chance.below(a.length + 1)].sort((x, y) => x - y);
      return exchanged(a, b, cuts[0], cuts[1]);
    },
  },
};

/** The names of the crossovers. */
export const REAL_CROSSOVERS: ReadonlyArray<RealCrossover> = Object.keys(CROSSOVERS) as ReadonlyArray<RealCrossover>;

/** Polynomial mutation of one value within its bounds. */
const polynomialOf = (x: number, low: number, high: number, index: number, chance: Random): number => {
  const range = high - low;
  if (!(range > 0)) return x;
  const u = chance.float();
  const power = 1 / (index + 1);
  const delta = u < 0.5
    ? (2 * u + (1 - 2 * u) * (1 - (x - low) / range) ** (index + 1)) ** power - 1
    : 1 - (2 * (1 - u) + 2 * (u - 0.5) * (1 - (high - x) / range) ** (index + 1)) ** power;
  return within(x + delta * range, low, high);
};

/** The name of a mutation of real vectors. */
export type RealMutation = "polynomial" | "scales" | "gaussian";

/** The finest of a mutation's scales: so many times the index of the coarsest. */
const FINEST_SCALE = 1000;

const MUTATIONS: {
  readonly [Name in RealMutation]: {
    readonly step: number;
    readonly mutate: (x: number, low: number, high: number, step: number, chance: Random) => number;
  };
} = {
  polynomial: { step: 20, mutate: polynomialOf },
  /** Steps of every size from the polynomial's on down, so that what has converged can still be refined. */
  scales: {
    step: 20,
    mutate: (x, low, high, step, chance) => polynomialOf(x, low, high, step * FINEST_SCALE ** chance.float(), chance),
  },
  gaussian: {
    step: 0.1,
    mutate: (x, low, high, step, chance) => within(x + step * (high - low) * chance.normal(), low, high),
  },
};

/** The names of the mutations. */
export const REAL_MUTATIONS: ReadonlyArray<RealMutation> = Object.keys(MUTATIONS) as ReadonlyArray<RealMutation>;

const checked = (setting: string, value: number, least: number, most: number): number => {
  if (!(value >= least && value <= most)) {
    throw badSetting({ setting, wanted: `in ${least} … ${most}`, found: String(value), path: `/${setting}` });
  }
  return value;
};

/** Largest distribution index or share. */
const MAX_SPREAD = 1000;

const checkedBounds = ({ lower, upper }: Bounds): Bounds => {
  const count = lower.length;
  const wrong = lower.findIndex((low, i) => !(Number.isFinite(low) && Number.isFinite(upper[i]) && low <= upper[i]));
  if (count === 0 || upper.length !== count || wrong >= 0) {
    throw badSetting({
      setting: "bounds",
      wanted: "as many finite lower as upper values, none above its partner, and at least one",
      found: wrong >= 0 ? `[${lower[wrong]}, ${upper[wrong]}]` : `${count} lower and ${upper.length} upper values`,
      path: wrong >= 0 ? `/lower/${wrong}` : "/lower",
    });
  }
  return { lower: lower.slice(), upper: upper.slice() };
};

/** The bits of the vector: an identity that is quick to compare. */
const bitsOf = (genome: Float64Array): string =>
  String.fromCharCode(...new Uint16Array(genome.buffer, genome.byteOffset, genome.length * 4));

const decoded = (json: Json, { lower, upper }: Bounds): Float64Array => {
  if (
    !Array.isArray(json) || json.length !== lower.length ||
    !json.every((value, i) => typeof value === "number" && value >= lower[i] && value <= upper[i])
  ) {
    throw badState({ reason: `a genome is not one of ${lower.length} numbers within their bounds` });
  }
  return Float64Array.from(json as ReadonlyArray<number>);
};

/** A Latin hypercube (McKay, Beckman, Conover 1979): of `count` equal slices of each variable, each holds one vector. */
export const latinHypercube = (
  { lower, upper }: Bounds,
  count: number,
  chance: Random,
): ReadonlyArray<Float64Array> => {
  const rows = Array.from({ length: count }, () => new Float64Array(lower.length));
  const slices = rows.map((_, k) => k);
  for (let i = 0; i < lower.length; i++) {
    const order = chance.shuffle(slices);
    rows.forEach((row, k) =>
      row[i] = within(lower[i] + (order[k] + chance.float()) / count * (upper[i] - lower[i]), lower[i], upper[i])
    );
  }
  return rows;
};

/** Variation of real vectors within bounds; throws EVOLUTION_SETTING for a setting outside its range. */
export const realVariation = (bounds: Bounds, settings: RealSettings = {}): Variation<Float64Array> => {
  const own = checkedBounds(bounds);
  const { lower, upper } = own;
  const { crossover = "sbx", mutation = "polynomial" } = settings;
  const [crossing, mutating] = [CROSSOVERS[crossover], MUTATIONS[mutation]];
  const spread = checked("spread", settings.spread ?? crossing.spread, 0, MAX_SPREAD);
  const step = checked("step", settings.step ?? mutating.step, 0, MAX_SPREAD);
  const crossoverRate = checked("crossoverRate", settings.crossoverRate ?? 0.9, 0, 1);
  const mutationRate = checked("mutationRate", settings.mutationRate ?? 1 / lower.length, 0, 1);
  return {
    name: `real/${lower.length} ${
      digestText(`${lower} ${upper}`).slice(0, 23)
    } ${crossover}(${spread})×${crossoverRate} ${mutation}(${step})×${mutationRate}`,
    operators: { cross: crossover, mutate: mutation },
    random: (chance) => lower.map((low, i) => within(low + chance.float() * (upper[i] - low), low, upper[i])),
    sample: (count, chance) => latinHypercube(own, count, chance),
    mutate: (parent, chance) =>
      parent.map((value, i) =>
        chance.float() < mutationRate ? mutating.mutate(value, lower[i], upper[i], step, chance) : value
      ),
    cross: (a, b, chance) =>
      chance.float() < crossoverRate ? crossing.cross(a, b, own, spread, chance) : [a.slice(), b.slice()],
    key: bitsOf,
    encode: (genome) => Array.from(genome),
    decode: (json) => decoded(json, own),
  };
};
