/**
 * Random: seeded, splittable randomness; the only source of chance in anything that must be repeatable.
 *
 * Not for secrets (nonces and keys come from `Entropy`, kernel/entropy.ts).
 * Invariant: a stream depends on its seed and its labels alone, so splitting never disturbs a sibling.
 * Generator: sfc32 (Chris Doty-Humphrey, PractRand), seeded by SHA-256 of the seed's label path.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";

/** A stream of random numbers. Drawing advances it; `split` does not. */
export interface Random {
  /** The label path that identifies this stream. */
  readonly label: string;
  /** A 32-bit unsigned integer. */
  readonly uint32: () => number;
  /** A number in [0, 1) with 53 random bits. */
  readonly float: () => number;
  /** An integer in [0, below), without bias; `below` is a positive safe integer up to 2^32. */
  readonly below: (below: number) => number;
  /** A normal deviate (mean 0, variance 1), Box–Muller. */
  readonly normal: () => number;
  /** One item of a non-empty list. */
  readonly pick: <A>(items: ReadonlyArray<A>) => A;
  /** A new array in random order (Fisher–Yates). */
  readonly shuffle: <A>(items: ReadonlyArray<A>) => Array<A>;
  /** An independent stream named by a label; the same label gives the same stream. */
  readonly split: (label: string | number) => Random;
  /** The four words of state and the count of draws, to resume exactly here. */
  readonly save: () => RandomState;
}

/** A stream's position, as JSON. */
export interface RandomState {
  /** The stream's label path. */
  readonly label: string;
  /** sfc32 state words a, b, c and counter. */
  readonly words: readonly [number, number, number, number];
}

const WARM_UP_ROUNDS = 12;

const stream = (label: string, words: Int32Array): Random => {
  const next = (): number => {
    const result = (words[0] + words[1] + words[3]) | 0;
    words[3] = (words[3] + 1) | 0;
    words[0] = words[1] ^ (words[1] >>> 9);
    words[1] = (words[2] + (words[2] << 3)) | 0;
    words[2] = (((words[2] << 21) | (words[2] >>> 11)) + result) | 0;
    return result >>> 0;
  };
  const float = () => ((next() >>> 5) * 67108864 + (next() >>> 6)) / 9007199254740992;
  const below = (limit: number): number => {
    if (!(Number.isSafeInteger(limit) && limit > 0 && limit <= 4294967296)) {
      throw new RangeError(`Cannot draw below ${limit}: the limit is an integer in 1 … 2^32`);
    }
    // Rejection keeps every value equally likely.
    const zone = 4294967296 - (4294967296 % limit);
    for (;;) {
      const word = next();
      if (word < zone) return word % limit;
    }
  };
  return {
    label,
    uint32: next,
    float,
    below,
    normal: () => Math.sqrt(-2 * Math.log(1 - float())) * Math.cos(2 * Math.PI * float()),
    pick: (items) => items[below(items.length)],
    shuffle: (items) => {
      const copy = [...items];
      for (let i = copy.length - 1; i > 0; i--) {
        const j = below(i + 1);
        [copy[i], copy[j]] = [copy[j], copy[i]];
      }
      return copy;
    },
    split: (child) => random(`${label}/${child}`),
    save: () => ({ label, words: [words[0], words[1], words[2], words[3]] }),
  };
};

/**
 * A random stream for a seed.
 *
 * @example
 * ```ts
 * import { random } from "@rmi/rmi/kernel";
 * import assert from "node:assert/strict";
 * assert.equal(random(1).split("a").uint32(), random(1).split("a").uint32());
 * assert.notEqual(random(1).uint32(), random(2).uint32());
 * ```
 */
export const random = (seed: string | number): Random => {
  const label = String(seed);
  const bytes = sha256(utf8ToBytes(`rmi-random/1\n${label}`));
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const made = stream(label, Int32Array.of(view.getInt32(0), view.getInt32(4), view.getInt32(8), 1));
  for (let round = 0; round < WARM_UP_ROUNDS; round++) made.uint32();
  return made;
};

/** Resumes a stream exactly where `save` was called. */
export const resumeRandom = (state: RandomState): Random => stream(state.label, Int32Array.from(state.words));
