/**
 * Chain: the steps of an answer, each judged and rewarded, and the first wrong one.
 *
 * Not the judges (trace.ts): here the steps are found in a text, and what was found is put together.
 * Invariant: a text with one step is no chain; blame falls on the first wrong step alone; no word of a step is in what is
 * kept of it.
 *
 * @module
 */
import type { Symbolic, Term } from "../../rmil/contract.ts";
import { checkEquations } from "./arithmetic.ts";
import { sentencesOf } from "./grounding.ts";
import { parseProof, parseRule, parseTerm } from "./proof_text.ts";
import { chainRewards } from "./reward.ts";
import { type InferenceRule, judgeArithmetic, judgeProof, type ProofStep, type StepVerdict } from "./trace.ts";

/** What judges a chain. */
export type ChainKind = "arithmetic" | "proof";

/** A chain as it was judged. */
export interface Chain {
  /** What judged it. */
  readonly kind: ChainKind;
  /** A verdict a step. */
  readonly verdicts: ReadonlyArray<StepVerdict>;
  /** A reward a step, 0..1. */
  readonly rewards: ReadonlyArray<number>;
  /** Number of the first wrong step, from 0; absent where none is known to be wrong. */
  readonly blame?: number;
}

/** A chain with the words of its steps, which no event may hold. */
export interface ReadChain extends Chain {
  /** The steps. */
  readonly steps: ReadonlyArray<string>;
}

/** Fewest steps of a chain. */
const LEAST_STEPS = 2;

/** Rules that a proof may always use. */
const BASIC_RULES: ReadonlyArray<string> = [
  "modus ponens: implies(P, Q), P => Q",
  "modus tollens: implies(P, Q), not(Q) => not(P)",
  "chain: implies(P, Q), implies(Q, R) => implies(P, R)",
  "and: P, Q => and(P, Q)",
  "left: and(P, Q) => P",
  "right: and(P, Q) => Q",
  "or: P => or(P, Q)",
];

/** What a proof may start from and use. */
export interface Grounds {
  /** What may be assumed, besides what the prompt gives; each a term. */
  readonly axioms?: ReadonlyArray<string>;
  /** What may be used, besides the rules that are always there. */
  readonly rules?: ReadonlyArray<string>;
}

const chained = (
  kind: ChainKind,
  steps: ReadonlyArray<string>,
  judged: { readonly steps: ReadonlyArray<StepVerdict>; readonly blame?: number },
): ReadChain => ({
  kind,
  steps,
  verdicts: judged.steps,
  rewards: chainRewards(judged),
  ...(judged.blame === undefined ? {} : { blame: judged.blame }),
});

/** Judges the equations of some steps. */
export const arithmeticChain = (steps: ReadonlyArray<string>): ReadChain =>
  chained("arithmetic", steps, judgeArithmetic(steps));

const shown = ({ by }: ProofStep, at: number): string => `step ${at + 1} by ${by}`;

/** Judges a written proof from its axioms; undefined where there is no proof or nothing that it may start from. */
export const proofChain = (
  text: string,
  { axioms = [], rules = [] }: Grounds,
  logic: Symbolic,
  prompt = "",
): ReadChain | undefined => {
  const steps = parseProof(text);
  const given = parseProof(prompt).filter(({ by }) => by === "given").map(({ claim }) => claim);
  const known: ReadonlyArray<Term> = [...given, ...axioms.flatMap((axiom) => parseTerm(axiom) ?? [])];
  if (steps.length === 0 || known.length === 0) return undefined;
  const usable: ReadonlyArray<InferenceRule> = [...BASIC_RULES, ...rules].flatMap((rule) => parseRule(rule) ?? []);
  return chained("proof", steps.map(shown), judgeProof(steps, known, usable, logic));
};

/** The sentences of a text with an equation in them, as steps. */
export const calculationOf = (text: string): ReadChain =>
  arithmeticChain(
    sentencesOf(text).map((sentence) => sentence.trim()).filter((sentence) =>
      sentence.includes("=") && checkEquations(sentence).equations.length > 0
    ),
  );

/** The chain of an answer: its proof where it has one, else its calculation; undefined where it has no steps. */
export const chainOf = (
  prompt: string,
  answer: string,
  grounds: Grounds,
  logic: Symbolic,
): ReadChain | undefined => {
  const proof = proofChain(answer, grounds, logic, prompt);
  if (proof !== undefined) return proof.steps.length < LEAST_STEPS ? undefined : proof;
  const calculation = calculationOf(answer);
  return calculation.steps.length < LEAST_STEPS ? undefined : calculation;
};

/** What is wrong with a chain, in words for whoever mends it; nothing where no step is known to be wrong. */
export const complaintsOn = (chain: ReadChain | undefined): ReadonlyArray<string> =>
  chain?.blame === undefined
    ? []
    : [`step ${chain.blame + 1} of ${chain.steps.length} is wrong, "${chain.steps[chain.blame]}"`];

/** What may be kept of a chain. */
export const keptChain = ({ kind, verdicts, rewards, blame }: Chain): Chain => ({
  kind,
  verdicts,
  rewards,
  ...(blame === undefined ? {} : { blame }),
});
