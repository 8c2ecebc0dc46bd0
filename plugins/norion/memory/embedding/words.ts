/**
 * Words: an embedder of word vectors: a text's hashed n-grams, and after them the mean of its known words, weighted by how
 * telling they are.
 *
 * Invariant: the n-grams are those of an embedder without any artifact, so that what is found by spelling stays found.
 *
 * @module
 */
import type { Digest } from "../../../../kernel/mod.ts";
import { termsOf, VECTOR_SIZE, vectorOf } from "../../text.ts";
import type { Embedder } from "../embedder.ts";
import type { WordVectors } from "./learn.ts";

/** Raised whenever the same artifact gives other vectors. */
const VERSION = 1;

/** The embedder of an artifact. */
export const wordEmbedder = ({ size, words, weights, vectors }: WordVectors, digest: Digest): Embedder => {
  const number = new Map(words.map((word, at) => [word, at]));
  const lengths = Float64Array.from(words, (_, at) => {
    let squares = 0;
    for (let k = 0; k < size; k++) squares += vectors[at * size + k] ** 2;
    return Math.sqrt(squares);
  });
  return {
    id: `word-vectors-${VERSION} ${digest}`,
    size: VECTOR_SIZE + size,
    embed: (text) => {
      const whole = new Float32Array(VECTOR_SIZE + size);
      whole.set(vectorOf(text));
      const sum = new Float64Array(size);
      for (const term of termsOf(text)) {
        const at = number.get(term);
        if (at === undefined || lengths[at] === 0) continue;
        for (let k = 0; k < size; k++) sum[k] += weights[at] * vectors[at * size + k] / lengths[at];
      }
      const length = Math.sqrt(sum.reduce((squares, value) => squares + value * value, 0));
      if (length > 0) { for (let k = 0; k < size; k++) whole[VECTOR_SIZE + k] = sum[k] / length; }
      return whole;
    },
    meaning: {
      size,
      likeness: (a, b) => {
        const [one, other] = [number.get(a), number.get(b)];
        if (one === undefined || other === undefined || lengths[one] === 0 || lengths[other] === 0) return 0;
        let product = 0;
        for (let k = 0; k < size; k++) product += vectors[one * size + k] * vectors[other * size + k];
        return product / (lengths[one] * lengths[other]);
      },
    },
  };
};
