/**
 * Learn: vectors of words from texts: words that stand among like words get like vectors.
 *
 * Counts of words within a window, as positive pointwise mutual information with smoothed contexts, factored by a
 * truncated singular value decomposition; a word's vector is the sum of its own and of its context's, so that words which
 * stand together are alike, too (Levy, Goldberg, Dagan: "Improving Distributional Similarity with Lessons Learned from
 * Word Embeddings", TACL 3, 2015). The range of the factors is found by random projections with power steps (Halko,
 * Martinsson, Tropp: "Finding Structure with Randomness", SIAM Review 53, 2011).
 *
 * Not a measure of truth, and no understanding: what stands in like places is alike, opposites too.
 * Invariant: the same texts and options give the same numbers.
 *
 * @module
 */
import { random } from "../../../../kernel/mod.ts";
import { type Matrix, MAX_SIDE, multiply, qrSteps, svdSteps, transposed, zeroMatrix } from "../../../linalg/library.ts";
import { badRequest } from "../../failures.ts";
import { isEmptyWord, termsOf } from "../../text.ts";
import { quantised } from "../embedder.ts";

/** Words of a vocabulary: the most frequent ones; what linear algebra factors at once. */
export const MAX_VOCABULARY: number = MAX_SIDE;

/** Characters of all texts together. */
export const MAX_CHARACTERS = 16 * 1024 * 1024;

/** Times a word must stand in the texts to get a vector. */
export const LEAST_COUNT = 2;

/** Words that texts must have vectors for. */
export const LEAST_VOCABULARY = 8;

/** Numbers of a vector where nobody says how many. */
export const USUAL_SIZE = 64;

/** Most numbers of a vector. */
export const MAX_SIZE = 256;

/** Neighbours that a word is counted beside on each side; those farther off weigh less. */
const WINDOW = 5;

/** Exponent that smooths counts of contexts: rare ones would look too telling (Levy et al., 3.2). */
const SMOOTHING = 0.75;

/** Columns of a random projection beyond those that are kept (Halko et al., 4.2). */
const SPARE_COLUMNS = 8;

/** Power steps: they set the greatest directions apart where singular values fall slowly (Halko et al., 4.5). */
const POWER_STEPS = 2;

/** Words, or rows, that one step of a long computation looks at. */
const AT_ONCE = 256;

/** Vectors of words. */
export interface WordVectors {
  /** Numbers in a vector. */
  readonly size: number;
  /** The words, in order of their code units, each once. */
  readonly words: ReadonlyArray<string>;
  /** How telling each word is: those that stand everywhere tell least. */
  readonly weights: Float32Array;
  /** Their vectors one after another, each with a greatest number of 127; only directions count. */
  readonly vectors: Int8Array;
}

/** How vectors are learned. */
export interface LearnOptions {
  /** Numbers in a vector; {@link USUAL_SIZE} where absent, fewer where there are fewer words. */
  readonly size?: number;
  /** Start of the projections. */
  readonly seed?: number;
}

const SENTENCE_END = /[.!?。！？\n]+/u;
const LETTER = /\p{L}/u;

/** The telling words of each sentence, in order. */
function* sentencesOf(texts: ReadonlyArray<string>): Generator<void, ReadonlyArray<ReadonlyArray<string>>> {
  const sentences: Array<ReadonlyArray<string>> = [];
  for (const text of texts) {
    for (const sentence of text.split(SENTENCE_END)) {
      const terms = termsOf(sentence).filter((term) => !isEmptyWord(term) && LETTER.test(term));
      if (terms.length > 0) sentences.push(terms);
      if (sentences.length % AT_ONCE === 0) yield;
    }
  }
  return sentences;
}

interface Vocabulary {
  readonly words: ReadonlyArray<string>;
  readonly number: ReadonlyMap<string, number>;
  readonly weights: Float32Array;
}

const vocabularyOf = (sentences: ReadonlyArray<ReadonlyArray<string>>): Vocabulary => {
  const counts = new Map<string, number>();
  const spread = new Map<string, number>();
  for (const terms of sentences) {
    for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1);
    for (const term of new Set(terms)) spread.set(term, (spread.get(term) ?? 0) + 1);
  }
  const kept = [...counts].filter(([, count]) => count >= LEAST_COUNT)
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).slice(0, MAX_VOCABULARY);
  if (kept.length < LEAST_VOCABULARY) {
    throw badRequest({
      reason: `the texts have ${kept.length} words that stand in them ${LEAST_COUNT} times`,
      path: "/texts",
      expected: `texts with ${LEAST_VOCABULARY} such words`,
      actual: kept.length,
    });
  }
  const words = kept.map(([word]) => word).sort((a, b) => a < b ? -1 : 1);
  return {
    words,
    number: new Map(words.map((word, at) => [word, at])),
    weights: Float32Array.from(words, (word) => Math.log(1 + sentences.length / spread.get(word)!)),
  };
};

/** A square matrix of few numbers: row by row the columns that are not zero. */
interface Sparse {
  readonly starts: Int32Array;
  readonly columns: Int32Array;
  readonly values: Float64Array;
}

/** How often words stand beside each other, the nearer the more; symmetric. */
function* countsOf(
  sentences: ReadonlyArray<ReadonlyArray<string>>,
  { number }: Vocabulary,
): Generator<void, Float32Array> {
  const side = number.size;
  const counts = new Float32Array(side * side);
  let seen = 0;
  for (const terms of sentences) {
    const numbers = terms.flatMap((term) => number.get(term) ?? []);
    numbers.forEach((word, at) => {
      for (let step = 1; step <= WINDOW && at + step < numbers.length; step++) {
        const other = numbers[at + step];
        counts[word * side + other] += WINDOW + 1 - step;
        counts[other * side + word] += WINDOW + 1 - step;
      }
    });
    if (++seen % AT_ONCE === 0) yield;
  }
  return counts;
}

/** Positive pointwise mutual information of words (rows) and their contexts (columns). */
function* informationOf(counts: Float32Array, side: number): Generator<void, Sparse> {
  const sums = new Float64Array(side);
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) sums[row] += counts[row * side + column];
    if (row % AT_ONCE === 0) yield;
  }
  const smoothed = sums.map((sum) => sum ** SMOOTHING);
  const all = smoothed.reduce((sum, value) => sum + value, 0);
  const starts = new Int32Array(side + 1);
  const columns: number[] = [];
  const values: number[] = [];
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const count = counts[row * side + column];
      if (count === 0) continue;
      const information = Math.log(count * all / (sums[row] * smoothed[column]));
      if (information <= 0) continue;
      columns.push(column);
      values.push(information);
    }
    starts[row + 1] = columns.length;
    if (row % AT_ONCE === 0) yield;
  }
  return { starts, columns: Int32Array.from(columns), values: Float64Array.from(values) };
}

/** A sparse matrix, or its transpose, times a dense one. */
function* times({ starts, columns, values }: Sparse, dense: Matrix, turned: boolean): Generator<void, Matrix> {
  const width = dense.columns;
  const product = zeroMatrix(dense.rows, width);
  for (let row = 0; row < dense.rows; row++) {
    for (let at = starts[row]; at < starts[row + 1]; at++) {
      const value = values[at];
      const [to, from] = turned ? [columns[at] * width, row * width] : [row * width, columns[at] * width];
      for (let k = 0; k < width; k++) product.data[to + k] += value * dense.data[from + k];
    }
    if (row % AT_ONCE === 0) yield;
  }
  return product;
}

/** The vectors of words and contexts together: the greatest `size` directions, each weighing its value's square root. */
function* factored(matrix: Sparse, side: number, size: number, seed: number): Generator<void, Matrix> {
  const width = Math.min(side, size + SPARE_COLUMNS);
  const draw = random(`word vectors ${seed}`);
  const start: Matrix = { rows: side, columns: width, data: Float64Array.from({ length: side * width }, draw.normal) };
  let { q } = yield* qrSteps(yield* times(matrix, start, false));
  for (let step = 0; step < POWER_STEPS; step++) {
    ({ q } = yield* qrSteps(yield* times(matrix, q, true)));
    ({ q } = yield* qrSteps(yield* times(matrix, q, false)));
  }
  // Qᵀ·A, turned: a tall matrix whose left factors are the contexts'.
  const { u: contexts, values, vt } = yield* svdSteps(yield* times(matrix, q, true));
  const words = multiply(q, transposed(vt));
  const sum = zeroMatrix(side, size);
  for (let row = 0; row < side; row++) {
    for (let k = 0; k < size; k++) {
      sum.data[row * size + k] = Math.sqrt(values[k]) * (words.data[row * width + k] + contexts.data[row * width + k]);
    }
  }
  return sum;
}

/** Learns vectors of the words of texts, in steps; throws `NORION_REQUEST` for too little or too much text. */
export function* learnWordVectors(
  texts: ReadonlyArray<string>,
  { size: wanted = USUAL_SIZE, seed = 1 }: LearnOptions = {},
): Generator<void, WordVectors> {
  const characters = texts.reduce((sum, { length }) => sum + length, 0);
  if (characters > MAX_CHARACTERS) {
    throw badRequest({
      reason: `${characters} characters of text are more than ${MAX_CHARACTERS}`,
      path: "/texts",
      expected: MAX_CHARACTERS,
      actual: characters,
    });
  }
  const sentences = yield* sentencesOf(texts);
  const vocabulary = vocabularyOf(sentences);
  const { words, weights } = vocabulary;
  const counts = yield* countsOf(sentences, vocabulary);
  const matrix = yield* informationOf(counts, words.length);
  const size = Math.min(wanted, words.length);
  const { data } = yield* factored(matrix, words.length, size, seed);
  const vectors = new Int8Array(words.length * size);
  for (let row = 0; row < words.length; row++) {
    vectors.set(quantised(Float32Array.from(data.subarray(row * size, (row + 1) * size))), row * size);
  }
  return { size, words, weights, vectors };
}
