/**
 * Text: measures that hold for Chinese and English alike: script, tokens, terms, hashed vectors.
 *
 * Not a tokeniser of any model, and no measure of meaning: vectors of hashed n-grams see spelling.
 * Invariant: pure and the same on every machine; only exact arithmetic and square roots are used.
 *
 * @module
 */

/** Which script a text is mostly written in. */
export type Script = "zh" | "en" | "mixed" | "none";

/** Numbers in a vector. */
export const VECTOR_SIZE = 256;

const CJK = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/gu;
const LATIN = /\p{Script=Latin}/gu;
const TERM = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]+|[\p{L}\p{N}_]+/gu;
const IS_CJK = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u;

const count = (text: string, pattern: RegExp): number => {
  let found = 0;
  for (const _ of text.matchAll(pattern)) found++;
  return found;
};

/** A letter of an alphabet writes about a third of what a Han character writes. */
const LETTERS_PER_HAN = 3;

/** The lesser script counts when it is at least this share of what is written. */
const MIXED_SHARE = 0.2;

/** The script of a text. */
export const scriptOf = (text: string): Script => {
  const han = count(text, CJK);
  const latin = count(text, LATIN) / LETTERS_PER_HAN;
  const all = han + latin;
  if (all === 0) return "none";
  if (Math.min(han, latin) / all >= MIXED_SHARE) return "mixed";
  return han > latin ? "zh" : "en";
};

/**
 * Tokens a text is counted as: the greater of its words and a quarter of its ASCII characters plus half of the others.
 * The one estimate used everywhere.
 *
 * @example
 * ```ts
 * import { estimateTokens } from "./text.ts";
 * import assert from "node:assert/strict";
 * assert.equal(estimateTokens("a b c d e"), 5);
 * assert.equal(estimateTokens("你好世界"), 2);
 * ```
 */
export const estimateTokens = (text: string): number => {
  const counter = tokenCounter();
  let tokens = 0;
  for (const character of text) tokens = counter(character.codePointAt(0)!);
  return tokens;
};

const SPACE = /\s/u;

const isSpace = (point: number): boolean =>
  point < 128 ? point === 32 || (point >= 9 && point <= 13) : SPACE.test(String.fromCodePoint(point));

/** Counts as `estimateTokens` does, one code point after another: each call answers with the tokens so far. */
export const tokenCounter = (): (point: number) => number => {
  let ascii = 0;
  let other = 0;
  let words = 0;
  let inWord = false;
  return (point) => {
    if (point < 128) ascii++;
    else other++;
    const space = isSpace(point);
    if (!space && !inWord) words++;
    inWord = !space;
    return Math.max(words, Math.ceil(ascii / 4 + other / 2));
  };
};

/** The terms of a text in order: words in lower case, and pairs of neighbouring characters where none are spaced. */
export const termsOf = (text: string): ReadonlyArray<string> => {
  const terms: string[] = [];
  for (const [run] of text.normalize("NFKC").toLowerCase().matchAll(TERM)) {
    if (!IS_CJK.test(run)) {
      terms.push(run);
      continue;
    }
    const characters = [...run];
    if (characters.length === 1) terms.push(run);
    for (let i = 0; i + 1 < characters.length; i++) terms.push(characters[i] + characters[i + 1]);
  }
  return terms;
};

/** The terms of a text that say what it is about: those that do not stand in every text. */
export const contentTerms = (text: string): ReadonlySet<string> =>
  new Set(termsOf(text).filter((term) => !EMPTY_WORDS.has(term)));

/** Share of terms that two texts have in common: their intersection over their union; 0 where both are empty. */
export const jaccard = (a: ReadonlySet<string>, b: ReadonlySet<string>): number => {
  if (a.size === 0 && b.size === 0) return 0;
  let shared = 0;
  for (const term of a) if (b.has(term)) shared++;
  return shared / (a.size + b.size - shared);
};

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** A text as 32 bits: FNV-1a over UTF-16 units, mixed once. */
export const hashText = (text: string): number => {
  let h = FNV_OFFSET;
  for (let i = 0; i < text.length; i++) {
    h ^= text.charCodeAt(i);
    h = Math.imul(h, FNV_PRIME);
  }
  // FNV's low bits alone are poor bucket numbers; one multiplication mixes the high ones in.
  return Math.imul(h ^ (h >>> 15), 0x2c1b3c6d) >>> 0;
};

/** Words that stand in every text and say nothing of what it is about. */
const EMPTY_WORDS: ReadonlySet<string> = new Set(
  ("a an and are as at be by can do for from has have how i if in is it its me my of on or our please that the their " +
    "this to was we what when where which who why will with you your 的 了 是 在 我 你 他 它 吗 呢 请 和 也 就 都")
    .split(" "),
);

/** Whether a term stands in every text and says nothing of what it is about. */
export const isEmptyWord = (term: string): boolean => EMPTY_WORDS.has(term);

const EMPTY_WEIGHT = 0.15;
const WORD_WEIGHT = 2;
const GRAM = 3;
const GRAM_WEIGHT = 0.5;

/** Features of a text with their weights, before they are hashed. */
const featuresOf = (text: string): ReadonlyMap<string, number> => {
  const features = new Map<string, number>();
  const add = (feature: string, weight: number): unknown =>
    features.set(feature, (features.get(feature) ?? 0) + weight);
  for (const term of termsOf(text)) {
    const share = EMPTY_WORDS.has(term) ? EMPTY_WEIGHT : 1;
    add(`w ${term}`, WORD_WEIGHT * share);
    const characters = [...` ${term} `];
    for (let i = 0; i + GRAM <= characters.length; i++) {
      add(characters.slice(i, i + GRAM).join(""), GRAM_WEIGHT * share);
    }
  }
  return features;
};

/**
 * A text as a unit vector of hashed terms and character 3-grams; all zeros for a text without letters or digits.
 * The sign bit of the hash keeps collisions from adding up (Weinberger et al., "Feature hashing", 2009); the square
 * root keeps what is said often from drowning what is said once.
 */
export const vectorOf = (text: string): Float32Array => {
  const vector = new Float64Array(VECTOR_SIZE);
  for (const [feature, weight] of featuresOf(text)) {
    const h = hashText(feature);
    vector[h % VECTOR_SIZE] += (h >>> 31) === 0 ? Math.sqrt(weight) : -Math.sqrt(weight);
  }
  let squares = 0;
  for (const x of vector) squares += x * x;
  const norm = Math.sqrt(squares);
  return Float32Array.from(vector, (x) => norm === 0 ? 0 : x / norm);
};

/** Cosine of two unit vectors; 0 where one is zeros. */
export const cosine = (a: Float32Array, b: Float32Array): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
};
