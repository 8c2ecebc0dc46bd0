/**
 * Grounding: which remembered facts an answer agrees with, and which it contradicts.
 *
 * Not whether a fact is true: a fact is what was remembered, and only sentences that speak of it are compared with it.
 * Invariant: a sentence that states another number or another value of what a fact states contradicts it; a sentence
 * that speaks of something else, or gives no value, says nothing about it.
 *
 * @module
 */
import { sameSubject, statedSubject } from "../memory/question.ts";
import type { Policy } from "../policy.ts";
import { contentTerms } from "../text.ts";

/** A fact that came along. */
export interface Fact {
  /** Its id. */
  readonly id: string;
  /** Its words. */
  readonly text: string;
}

/** How an answer stands to a fact. */
export type Stance = "agrees" | "contradicts" | "silent";

const SENTENCE = /[^!?\u3002\uff01\uff1f\n.]+(?:\.(?=\d)[^!?\u3002\uff01\uff1f\n.]+)*/gu;
const NUMBER = /\d[\d,]*(?:\.\d+)?/gu;

/** The sentences of a text; a point between digits ends none. */
export const sentencesOf = (text: string): ReadonlyArray<string> => text.match(SENTENCE) ?? [];

/** The numbers of a text, without marks between thousands. */
export const numbersOf = (text: string): ReadonlySet<string> =>
  new Set((text.match(NUMBER) ?? []).map((number) => String(Number(number.replaceAll(",", "")))));

const wordsOf = (text: string): ReadonlySet<string> =>
  new Set([...contentTerms(text.replace(NUMBER, " "))].filter((term) => !/^\d/u.test(term)));

/** What a statement says of its subject: its words after those of the subject. */
const valueOf = (text: string): ReadonlySet<string> => {
  const subject = statedSubject(text);
  if (subject === undefined) return new Set();
  const said = new Set([...subject.attribute, subject.owner]);
  return new Set([...contentTerms(text)].filter((term) => !said.has(term) && !TIMES.has(term)));
};

/** Words that say when a value holds and are no part of it. */
const TIMES: ReadonlySet<string> = new Set(["now", "currently", "today", "still", "changed", "became", "现在"]);

const stanceOf = (sentence: string, fact: string, policy: Policy): Stance => {
  const [stated, told] = [statedSubject(fact), statedSubject(sentence)];
  if (stated !== undefined && told !== undefined && sameSubject(stated, told)) {
    const [value, other] = [valueOf(fact), valueOf(sentence)];
    if (value.size > 0 && other.size > 0) return value.isDisjointFrom(other) ? "contradicts" : "agrees";
  }
  const words = wordsOf(fact);
  if (words.size === 0) return "silent";
  const shared = words.intersection(wordsOf(sentence)).size / words.size;
  if (shared < policy["review.grounds"]) return "silent";
  const [numbers, others] = [numbersOf(fact), numbersOf(sentence)];
  if (numbers.size === 0 || others.size === 0) return numbers.size === others.size ? "agrees" : "silent";
  return numbers.isDisjointFrom(others) ? "contradicts" : "agrees";
};

/** How an answer stands to a fact: one sentence that contradicts it outweighs any that agree. */
export const stanceOn = (answer: string, { text }: Fact, policy: Policy): Stance => {
  const stances = sentencesOf(answer).map((sentence) => stanceOf(sentence, text, policy));
  return stances.includes("contradicts") ? "contradicts" : stances.includes("agrees") ? "agrees" : "silent";
};
