/**
 * Judging: from what a candidate said to what it is worth. The score is computed here, from answers, and from nothing that
 * a candidate reports of itself.
 *
 * Invariant: a candidate that fails, differs from itself, or was judged by no cases has the score 0 and no other; the score
 * is the share of held-back cases passed, never that of the cases its maker could see; a constant answer never scores
 * above the best constant answer.
 *
 * @module
 */
import type { Answer, Said } from "./answers.ts";
import { valueOf } from "./answers.ts";
import { matches } from "./matching.ts";
import { type Case, type Suite, trivialScore } from "./suite.ts";

/** Cases passed. */
export interface Tally {
  /** Passed. */
  readonly passed: number;
  /** In all. */
  readonly total: number;
}

/** What is remarkable about a candidate that was judged. */
export type Flag =
  /** It says the same to everything. */
  | "CONSTANT"
  /** It passes far more of what its maker could see than of what was held back. */
  | "MEMORISED"
  /** It is no better than the best single answer to everything. */
  | "TRIVIAL"
  /** Some of its numbers are not finite. */
  | "NOT_FINITE"
  /** It has no answer to some cases. */
  | "SILENT";

/** What a candidate is worth. */
export interface Verdict {
  /** Share of held-back cases passed; 0 where it failed. */
  readonly score: number;
  /** What the best single answer to everything scores. */
  readonly trivial: number;
  /** Cases that its maker could see. */
  readonly seen: Tally;
  /** Cases that were held back. */
  readonly held: Tally;
  /** Names of seen cases that it did not pass. */
  readonly missed: ReadonlyArray<string>;
  /** What is remarkable. */
  readonly flags: ReadonlyArray<Flag>;
  /** Why it failed as a whole: TIMEOUT, MEMORY, OUTPUT, CRASH, FORGED, THREW, SHAPE, UNSTABLE. */
  readonly failed?: { readonly code: string; readonly detail: string };
}

/** A share of seen cases passed that is by this much above the share of held-back ones is memory, not understanding. */
export const MEMORISED_GAP = 0.25;

const none = (cases: ReadonlyArray<Case>): Tally => ({ passed: 0, total: cases.length });

const nameOf = ({ name }: Case, index: number): string => name ?? `case ${index + 1}`;

/** The verdict on a candidate that failed as a whole. */
export const failedVerdict = (suite: Suite, code: string, detail: string): Verdict => ({
  score: 0,
  trivial: trivialScore(suite),
  seen: none(suite.seen),
  held: none(suite.held),
  missed: suite.seen.map(nameOf),
  flags: [],
  failed: { code, detail: detail.slice(0, MAX_DETAIL) },
});

const MAX_DETAIL = 400;
const NOT_FINITE_TEXT = /\\u0000not finite|"(?:nan|inf|-inf)"/iu;

const hasNotFinite = (answer: Answer): boolean => "text" in answer && NOT_FINITE_TEXT.test(answer.text);

const isConstant = (answers: ReadonlyArray<Answer>): boolean =>
  answers.every((answer) => "text" in answer && answer.text === (answers[0] as { text?: string }).text);

/** Judges answers to the seen cases, then the held-back ones. */
const judgedAnswers = (suite: Suite, answers: ReadonlyArray<Answer>): Verdict => {
  const { seen, held, tolerance = 0 } = suite;
  const passes = [...seen, ...held].map(({ wants }, index) => {
    const value = valueOf(answers[index]);
    return value !== undefined && matches(value, wants, tolerance);
  });
  const tally = (from: number, total: number): Tally => ({
    passed: passes.slice(from, from + total).filter(Boolean).length,
    total,
  });
  const found = { seen: tally(0, seen.length), held: tally(seen.length, held.length) };
  const trivial = trivialScore(suite);
  const share = found.held.passed / held.length;
  const constant = isConstant(answers);
  const score = constant ? Math.min(share, trivial) : share;
  const flags: ReadonlyArray<readonly [Flag, boolean]> = [
    ["CONSTANT", constant],
    ["MEMORISED", found.seen.passed / seen.length - share > MEMORISED_GAP],
    ["TRIVIAL", score <= trivial],
    ["NOT_FINITE", answers.some(hasNotFinite)],
    ["SILENT", answers.some((answer) => "none" in answer)],
  ];
  return {
    score,
    trivial,
    ...found,
    missed: seen.flatMap((one, index) => passes[index] ? [] : [nameOf(one, index)]),
    flags: flags.filter(([, holds]) => holds).map(([flag]) => flag),
  };
};

const textOf = (answer: Answer): string => "text" in answer ? `text ${answer.text}` : `none ${answer.none}`;

/** Judges what a candidate said, and that it said the same when it was asked again; answers are in the suite's order. */
export const judgeSaid = (suite: Suite, said: Said, again?: Said): Verdict => {
  const count = suite.seen.length + suite.held.length;
  for (const one of again === undefined ? [said] : [said, again]) {
    if ("failed" in one) return failedVerdict(suite, one.failed, one.detail);
    if (one.answers.length !== count || count === 0) {
      return failedVerdict(suite, "SHAPE", "not one answer to each case");
    }
  }
  const { answers } = said as { readonly answers: ReadonlyArray<Answer> };
  const others = again === undefined ? answers : (again as { readonly answers: ReadonlyArray<Answer> }).answers;
  const differs = answers.findIndex((answer, index) => textOf(answer) !== textOf(others[index]));
  if (differs >= 0) return failedVerdict(suite, "UNSTABLE", "asked again in another order it answers otherwise");
  return judgedAnswers(suite, answers);
};
