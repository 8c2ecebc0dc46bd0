/**
 * Bit strings: uniform, one-point and two-point crossover, and bit flips.
 *
 * Source: Holland 1975; Syswerda 1989 (uniform).
 * Invariant: a genome holds zeros and ones only, and keeps its length.
 *
 * @module
 */
import type { Json } from "../../../kernel/json.ts";
import type { Random } from "../../../kernel/random.ts";
import type { Variation } from "../contract.ts";
import { badSetting, badState } from "../failures.ts";

type Pair = readonly [Uint8Array, Uint8Array];

/** Exchanges the places that a mask names. */
const exchanged = (a: Uint8Array, b: Uint8Array, isTaken: (i: number) => boolean): Pair => {
  const [first, second] = [a.slice(), b.slice()];
  for (let i = 0; i < a.length; i++) if (isTaken(i)) [first[i], second[i]] = [b[i], a[i]];
  return [first, second];
};

const CROSSOVERS = {
  uniform: (a: Uint8Array, b: Uint8Array, chance: Random): Pair => exchanged(a, b, () => chance.float() < 0.5),
  onePoint: (a: Uint8Array, b: Uint8Array, chance: Random): Pair => {
    const cut = chance.below(a.length);
    return exchanged(a, b, (i) => i >= cut);
  },
  twoPoint: (a: Uint8Array, b: Uint8Array, chance: Random): Pair => {
    const [from, to] = [chance.below(a.length + 1), chance.below(a.length + 1)].sort((x, y) => x - y);
    return exchanged(a, b, (i) => i >= from && i < to);
  },
} as const;

/** The name of a crossover of bit strings. */
export type BitCrossover = keyof typeof CROSSOVERS;

/** The names of the crossovers. */
export const BIT_CROSSOVERS: ReadonlyArray<BitCrossover> = Object.keys(CROSSOVERS) as ReadonlyArray<BitCrossover>;

/** Settings of the variation of bit strings. */
export interface BitSettings {
  /** How parents are crossed; `uniform` where absent. */
  readonly crossover?: BitCrossover;
  /** Chance that a pair is crossed; 0.9 where absent. */
  readonly crossoverRate?: number;
  /** Chance that a bit flips; one in the length where absent. */
  readonly mutationRate?: number;
}

/** Most elements of a bit string or a permutation. */
export const MAX_LENGTH = 65_536;

/** A length within the limits; throws EVOLUTION_SETTING. */
export const checkedLength = (length: number, least: number): number => {
  if (!(Number.isSafeInteger(length) && length >= least && length <= MAX_LENGTH)) {
    const wanted = `a whole number in ${least} … ${MAX_LENGTH}`;
    throw badSetting({ setting: "length", wanted, found: String(length), path: "/length" });
  }
  return length;
};

/** A chance within 0 … 1; throws EVOLUTION_SETTING. */
export const checkedRate = (setting: string, rate: number): number => {
  if (!(rate >= 0 && rate <= 1)) {
    throw badSetting({ setting, wanted: "in 0 … 1", found: String(rate), path: `/${setting}` });
  }
  return rate;
};

const decoded = (json: Json, length: number): Uint8Array => {
  if (typeof json !== "string" || json.length !== length || !/^[01]*$/u.test(json)) {
    throw badState({ reason: `a genome is not a text of ${length} zeros and ones` });
  }
  return Uint8Array.from(json, Number);
};

/** Variation of bit strings of a length; their JSON is a text of zeros and ones. */
export const bitVariation = (length: number, settings: BitSettings = {}): Variation<Uint8Array> => {
  checkedLength(length, 1);
  const { crossover = "uniform" } = settings;
  const crossoverRate = checkedRate("crossoverRate", settings.crossoverRate ?? 0.9);
  const mutationRate = checkedRate("mutationRate", settings.mutationRate ?? 1 / length);
  return {
    name: `bits/${length} ${crossover}×${crossoverRate} flip×${mutationRate}`,
    operators: { cross: crossover, mutate: "flip" },
    random: (chance) => Uint8Array.from({ length }, () => chance.uint32() >>> 31),
    mutate: (parent, chance) => parent.map((bit) => chance.float() < mutationRate ? 1 - bit : bit),
    cross: (a, b, chance) =>
      chance.float() < crossoverRate ? CROSSOVERS[crossover](a, b, chance) : [a.slice(), b.slice()],
    key: (genome) => genome.join(""),
    encode: (genome) => genome.join(""),
    decode: (json) => decoded(json, length),
  };
};
