/**
 * Checks: what a draft is looked over for before anything else judges it.
 *
 * Not proof that it is right: a draft that passes is only not visibly wrong.
 * Invariant: every check holds for Chinese and English; the penalty of all is bounded; a check says what it saw in a
 * reason code, never in words of the draft.
 *
 * @module
 */
import type { REFLECTION_CHECKS } from "../genome.ts";
import { type Policy, unit } from "../policy.ts";
import { contentTerms, cosine, estimateTokens, jaccard, scriptOf, termsOf, vectorOf } from "../text.ts";

/** Name of a check: those that genes ask for, and that of the languages which genes have kept. */
export type CheckName = typeof REFLECTION_CHECKS[number] | "language";

/** How bad an issue is. */
export type Severity = "info" | "warning" | "critical";

/** Something a check saw. */
export interface Issue {
  /** Which check. */
  readonly check: CheckName;
  /** How bad it is. */
  readonly severity: Severity;
}

/** What is looked over. */
export interface Draft {
  /** What was asked. */
  readonly prompt: string;
  /** What was answered. */
  readonly answer: string;
  /** What the answer was given to rest on. */
  readonly context: ReadonlyArray<string>;
  /** Scripts that must be kept; any will do where none is named. */
  readonly languages?: ReadonlyArray<string>;
  /** How sure the model was of each step of its reasoning, 0..1, where it says so. */
  readonly steps?: ReadonlyArray<number>;
  /** How the model chose each token, where it says so: entropy in nats, natural logarithm of the probability. */
  readonly tokens?: ReadonlyArray<{ readonly entropy?: number; readonly logprob?: number }>;
}

const SENTENCE = /[^.!?\u3002\uff01\uff1f\n]+/gu;
const CERTAIN = /\b(?:certainly|definitely|always|guaranteed|undoubtedly)\b|一定|肯定|必然|毫无疑问/iu;
const DOUBTFUL = /\b(?:maybe|perhaps|possibly|might|not sure|uncertain)\b|也许|可能|大概|不确定/iu;
const FENCE = /^\s*```/gmu;
const NUMBER = /\d+(?:\.\d+)?/gu;

const sentencesOf = (text: string): ReadonlyArray<string> => text.match(SENTENCE) ?? [];

const repeats = (answer: string, least: number, share: number): boolean => {
  const terms = termsOf(answer);
  return terms.length >= least && 1 - new Set(terms).size / terms.length >= share;
};

/** A sentence with a number in it rests on the context when some part of that says much the same with that number. */
const unsupported = ({ answer, context }: Draft, floor: number): boolean => {
  const grounds = context.flatMap(sentencesOf);
  return sentencesOf(answer).some((sentence) => {
    const numbers = sentence.match(NUMBER) ?? [];
    if (numbers.length === 0) return false;
    const terms = new Set(termsOf(sentence));
    return !grounds.some((said) =>
      numbers.every((number) => said.includes(number)) && jaccard(terms, new Set(termsOf(said))) >= floor
    );
  });
};

/** Nats of entropy, or of surprise, that count as complete doubt. */
const COMPLETE_DOUBT = 4;

/** How much in doubt tokens were, on the whole: the mean of what is known of each; 0 where nothing is. */
const doubtOf = ({ tokens = [] }: Draft): number => {
  const doubts = tokens.flatMap(({ entropy, logprob }) => {
    const known = [entropy, logprob === undefined ? undefined : -logprob].filter((nats) => nats !== undefined);
    return known.map((nats) => unit(nats / COMPLETE_DOUBT));
  });
  return doubts.length === 0 ? 0 : doubts.reduce((sum, doubt) => sum + doubt, 0) / doubts.length;
};

const least = (values: ReadonlyArray<number> = []): number => Math.min(1, ...values.filter(Number.isFinite).map(unit));

/** Whether an answer is in one of the scripts, in both at once, or in none that counts. */
const keeps = (answer: string, languages: ReadonlyArray<string>): boolean => {
  const script = scriptOf(answer);
  return languages.length === 0 || script === "none" || script === "mixed" || languages.includes("mixed") ||
    languages.includes(script);
};

/** Every check: how bad what it sees is, where it sees anything. */
const CHECKS: { readonly [C in CheckName]: (draft: Draft, policy: Policy) => Severity | false } = {
  empty: ({ answer }) => answer.trim() === "" && "critical",
  "too-short": ({ answer }, policy) =>
    answer.trim() !== "" && estimateTokens(answer) < policy["review.shortest"] && "warning",
  contradiction: ({ answer }) =>
    sentencesOf(answer).some((sentence) => CERTAIN.test(sentence) && DOUBTFUL.test(sentence)) && "critical",
  "off-topic": ({ prompt, answer }, policy) =>
    answer.trim() !== "" && contentTerms(prompt).isDisjointFrom(contentTerms(answer)) &&
    cosine(vectorOf(prompt), vectorOf(answer)) < policy["review.topic"] && "warning",
  repetition: ({ answer }, policy) =>
    repeats(answer, policy["review.repetitionLeast"], policy["review.repetition"]) && "warning",
  "unclosed-code": ({ answer }) => (answer.match(FENCE) ?? []).length % 2 === 1 && "critical",
  "unsupported-claim": (draft, policy) =>
    draft.context.length > 0 && unsupported(draft, policy["review.support"]) && "warning",
  "weak-step": ({ steps }, policy) =>
    least(steps) < policy["review.lostStep"] ? "critical" : least(steps) < policy["review.weakStep"] && "warning",
  language: ({ answer, languages = [] }) => !keeps(answer, languages) && "warning",
  uncertain: (draft, policy) => doubtOf(draft) >= policy["review.doubt"] && "warning",
};

const ORDER: ReadonlyArray<Severity> = ["critical", "warning", "info"];

/** What the named checks see in a draft, worst first. */
export const lookOver = (draft: Draft, checks: ReadonlyArray<CheckName>, policy: Policy): ReadonlyArray<Issue> =>
  checks.flatMap((check) => {
    const severity = CHECKS[check](draft, policy);
    return severity === false ? [] : [{ check, severity }];
  }).toSorted((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity));

/** How good a draft looks to itself, 0..1: one, less the penalties of what was seen. A weak prior, never proof. */
export const selfQuality = (issues: ReadonlyArray<Issue>, policy: Policy): number => {
  const penalty = issues.reduce((sum, { severity }) => sum + policy[`review.${severity}`], 0);
  return unit(1 - Math.min(penalty, policy["review.mostPenalty"]));
};
