/**
 * Embedder: what turns a text into the vector it is found by, and how that vector is kept.
 *
 * Invariant: vectors of two embedders never meet in one index; likeness is computed from the kept whole numbers alone, so
 * that it is the same before and after an index was written and read.
 *
 * @module
 */
import { VECTOR_SIZE, vectorOf } from "../text.ts";

/** Makes vectors of texts. */
export interface Embedder {
  /** Names the embedder and its version: an index made with another id is made anew. */
  readonly id: string;
  /** Numbers in a vector. */
  readonly size: number;
  /** The vector of a text; its length does not matter, zeros are like nothing. */
  readonly embed: (text: string) => Float32Array;
  /** What it sees beside spelling; absent where spelling is all. */
  readonly meaning?: Meaning;
}

/** What words stand for, as far as their company tells. */
export interface Meaning {
  /** Numbers at the end of a vector that are of meaning; those before are of spelling, and compared by themselves. */
  readonly size: number;
  /** Likeness of two words, -1..1; 0 where one is not known. */
  readonly likeness: (a: string, b: string) => number;
}

/** Hashed words and character 3-grams: spelling, not meaning. In use where no artifact gives a better one. */
export const HASHED: Embedder = { id: "hashed-ngrams-1", size: VECTOR_SIZE, embed: vectorOf };

const GREATEST = 127;

/** A vector as whole numbers from -127 to 127, the greatest of them at an end; zeros stay zeros. */
export const quantised = (vector: Float32Array): Int8Array => {
  const most = vector.reduce((greatest, value) => Math.max(greatest, Math.abs(value)), 0);
  return Int8Array.from(vector, (value) => most === 0 ? 0 : Math.round(GREATEST * value / most));
};
