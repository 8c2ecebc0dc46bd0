/**
 * Features: what a learned router sees of a question before any model has read it.
 *
 * Not meaning: what can be counted in a text, its subject where one is told, and hashed terms.
 * Invariant: pure and cheap (tens of microseconds); the order of `COUNTED` is the order of the numbers.
 *
 * @module
 */
import { hashText, termsOf } from "../text.ts";

/** A question as the router is given it. */
export interface Question {
  /** Its text, where it may be seen. */
  readonly text?: string;
  /** Its length in characters; the text's where absent. */
  readonly length?: number;
  /** What it is about, where that is known. */
  readonly subject?: string;
}

const count = (pattern: RegExp) => (text: string): number => text.match(pattern)?.length ?? 0;

const sentences = count(/[.?!。?!](?:\s|$)/gu);

/** What is counted of a text. */
const COUNTED: ReadonlyArray<(text: string, terms: ReadonlyArray<string>) => number> = [
  count(/\d[\d,.]*/gu),
  (text) => new Set(text.match(/\d[\d,.]*/gu) ?? []).size,
  sentences,
  (_, terms) => terms.length,
  (_, terms) => terms.length === 0 ? 0 : new Set(terms).size / terms.length,
  (text) => text.length / Math.max(1, sentences(text)),
  count(/%|\bpercent|百分/giu),
  count(/\b(?:than|times|half|twice|third|quarter|double)\b|倍|一半/giu),
  count(/\/|\bfraction/giu),
  count(/\b(?:each|every|per)\b|每/giu),
  count(/\bif\b|如果/giu),
  (text) => /\d\.\d/u.test(text) ? 1 : 0,
  count(/[??]/gu),
  count(/\b(?:more|less|fewer)\b|多|少/giu),
  count(/\b(?:hour|minute|day|week|month|year)s?\b|小时|分钟|天|周|月|年/giu),
  count(/\b(?:remain\w*|left|rest)\b|剩/giu),
  count(/```|[{};]/gu),
];

/** How many numbers `measured` gives. */
export const MEASURES: number = 1 + COUNTED.length;

/** The terms of a question; none where its text is not known. */
export const questionTerms = ({ text }: Question): ReadonlyArray<string> => text === undefined ? [] : termsOf(text);

/** Length and counts of a question; zeros for counts where its text is not known. */
export const measured = (question: Question, terms: ReadonlyArray<string> = questionTerms(question)): Float64Array => {
  const { text } = question;
  const numbers = new Float64Array(MEASURES);
  numbers[0] = Math.log(1 + (question.length ?? text?.length ?? 0));
  if (text === undefined) return numbers;
  COUNTED.forEach((counted, i) => numbers[1 + i] = counted(text, terms));
  return numbers;
};

/** Buckets that terms are hashed to. */
export const BUCKETS = 512;

const PAIR_WEIGHT = 0.7;

/** Hashed terms and pairs of neighbours of a question: bucket and weight, no bucket twice. */
export const hashed = (
  question: Question,
  terms: ReadonlyArray<string> = questionTerms(question),
): ReadonlyMap<number, number> => {
  const buckets = new Map<number, number>();
  const add = (feature: string, weight: number): void => {
    const h = hashText(feature);
    const bucket = h % BUCKETS;
    buckets.set(bucket, (buckets.get(bucket) ?? 0) + ((h >>> 31) === 0 ? weight : -weight));
  };
  terms.forEach((term, i) => {
    add(`w ${term}`, 1);
    if (i > 0) add(`p ${terms[i - 1]} ${term}`, PAIR_WEIGHT);
  });
  for (const [bucket, sum] of buckets) buckets.set(bucket, Math.sign(sum) * Math.sqrt(Math.abs(sum)));
  return buckets;
};
