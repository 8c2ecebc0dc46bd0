/**
 * Permutations of 0 … n−1: crossovers that keep places or order, and moves.
 *
 * Sources: Goldberg, Lingle 1985 (partially mapped, PMX); Davis 1985 (order, OX); Oliver, Smith, Holland 1987 (cycle, CX).
 * Invariant: every genome holds each number once.
 *
 * @module
 */
import type { Json } from "../../../kernel/json.ts";
import type { Random } from "../../../kernel/random.ts";
import type { Variation } from "../contract.ts";
import { badState } from "../failures.ts";
import { checkedLength, checkedRate } from "./bits.ts";

type Order = Uint32Array;

const segmentOf = (length: number, chance: Random): readonly [number, number] => {
  const [from, to] = [chance.below(length + 1), chance.below(length + 1)].sort((x, y) => x - y);
  return [from, to];
};

/** PMX: the segment of `b` in its places, the rest of `a` in its own, clashes led through the mapping of the segments. */
export const partiallyMapped = (a: Order, b: Order, from: number, to: number): Order => {
  const child = a.slice();
  const placeInSegment = new Int32Array(a.length).fill(-1);
  for (let i = from; i < to; i++) {
    child[i] = b[i];
    placeInSegment[b[i]] = i;
  }
  for (let i = 0; i < a.length; i++) {
    if (i >= from && i < to) continue;
    let value = a[i];
    while (placeInSegment[value] >= 0) value = a[placeInSegment[value]];
    child[i] = value;
  }
  return child;
};

/** OX: the segment of `a` in its places, the rest in the order of `b` from the segment's end on. */
export const orderKept = (a: Order, b: Order, from: number, to: number): Order => {
  const length = a.length;
  const child = a.slice();
  const isIn = new Uint8Array(length);
  for (let i = from; i < to; i++) isIn[a[i]] = 1;
  let at = to;
  for (let step = 0; step < length; step++) {
    const value = b[(to + step) % length];
    if (isIn[value] === 0) child[at++ % length] = value;
  }
  return child;
};

/** CX: the cycle through a place from `a`, all else from `b`. */
export const cycleKept = (a: Order, b: Order, start: number): Order => {
  const child = b.slice();
  const placeInA = new Uint32Array(a.length);
  a.forEach((value, i) => placeInA[value] = i);
  let at = start;
  do {
    child[at] = a[at];
    at = placeInA[b[at]];
  } while (at !== start);
  return child;
};

const both =
  (make: (a: Order, b: Order, from: number, to: number) => Order) => (a: Order, b: Order, chance: Random) => {
    const [from, to] = segmentOf(a.length, chance);
    return [make(a, b, from, to), make(b, a, from, to)] as const;
  };

/** The name of a crossover of permutations. */
export type PermutationCrossover = "pmx" | "ox" | "cx";

const CROSSOVERS: {
  readonly [Name in PermutationCrossover]: (a: Order, b: Order, chance: Random) => readonly [Order, Order];
} = {
  pmx: both(partiallyMapped),
  ox: both(orderKept),
  cx: (a: Order, b: Order, chance: Random) => {
    const start = chance.below(a.length);
    return [cycleKept(a, b, start), cycleKept(b, a, start)];
  },
};

/** The name of a mutation of permutations. */
export type PermutationMove = "swap" | "insert" | "invert";

const MOVES: { readonly [Name in PermutationMove]: (genome: Order, from: number, to: number) => Order } = {
  /** Exchanges two places. */
  swap: (genome: Order, from: number, to: number): Order => {
    const child = genome.slice();
    [child[from], child[to]] = [child[to], child[from]];
    return child;
  },
  /** Takes the last of a segment to its front. */
  insert: (genome: Order, from: number, to: number): Order => {
    const child = genome.slice();
    child.copyWithin(from + 1, from, to);
    child[from] = genome[to];
    return child;
  },
  /** Turns a segment round. */
  invert: (genome: Order, from: number, to: number): Order => {
    const child = genome.slice();
    child.subarray(from, to + 1).reverse();
    return child;
  },
};

/** The names of the crossovers. */
export const PERMUTATION_CROSSOVERS: ReadonlyArray<PermutationCrossover> = Object.keys(CROSSOVERS) as ReadonlyArray<
  PermutationCrossover
>;

/** The names of the mutations. */
export const PERMUTATION_MOVES: ReadonlyArray<PermutationMove> = Object.keys(MOVES) as ReadonlyArray<PermutationMove>;

/** Settings of the variation of permutations. */
export interface PermutationSettings {
  /** How parents are crossed; `ox` where absent. */
  readonly crossover?: PermutationCrossover;
  /** Chance that a pair is crossed; 0.9 where absent. */
  readonly crossoverRate?: number;
  /** How children are mutated; `invert` where absent. */
  readonly mutation?: PermutationMove;
  /** Chance that a child is mutated; 0.3 where absent. */
  readonly mutationRate?: number;
}

const decoded = (json: Json, length: number): Order => {
  const isOne = Array.isArray(json) && json.length === length && new Set(json).size === length &&
    json.every((value) => Number.isSafeInteger(value) && value >= 0 && value < length);
  if (!isOne) throw badState({ reason: `a genome is not a permutation of 0 … ${length - 1}` });
  return Uint32Array.from(json as ReadonlyArray<number>);
};

/** Variation of permutations of a length. */
export const permutationVariation = (length: number, settings: PermutationSettings = {}): Variation<Uint32Array> => {
  checkedLength(length, 2);
  const { crossover = "ox", mutation = "invert" } = settings;
  const crossoverRate = checkedRate("crossoverRate", settings.crossoverRate ?? 0.9);
  const mutationRate = checkedRate("mutationRate", settings.mutationRate ?? 0.3);
  const all = Array.from({ length }, (_, i) => i);
  return {
    name: `permutation/${length} ${crossover}×${crossoverRate} ${mutation}×${mutationRate}`,
    operators: { cross: crossover, mutate: mutation },
    random: (chance) => Uint32Array.from(chance.shuffle(all)),
    mutate: (parent, chance) => {
      if (chance.float() >= mutationRate) return parent.slice();
      const first = chance.below(length);
      const second = (first + 1 + chance.below(length - 1)) % length;
      return MOVES[mutation](parent, Math.min(first, second), Math.max(first, second));
    },
    cross: (a, b, chance) =>
      chance.float() < crossoverRate ? CROSSOVERS[crossover](a, b, chance) : [a.slice(), b.slice()],
    key: (genome) => genome.join(),
    encode: (genome) => Array.from(genome),
    decode: (json) => decoded(json, length),
  };
};
