/**
 * Trace: the first wrong step of a chain of reasoning.
 *
 * Not a judge of whether the chain is clever: only of whether each step follows from what was stated before it.
 * Invariant: a step is blamed for itself alone; what follows correctly from an earlier mistake is not wrong. What cannot
 * be decided is unknown and never blamed.
 *
 * @module
 */
import type { Symbolic, Term } from "../../rmil/contract.ts";
import { checkEquations, type Known } from "./arithmetic.ts";

/** What is known of one step. */
export type StepVerdict = "right" | "wrong" | "unknown";

/** A chain as it was judged. */
export interface Judged {
  /** A verdict a step. */
  readonly steps: ReadonlyArray<StepVerdict>;
  /** Number of the first wrong step; absent where none is known to be wrong. */
  readonly blame?: number;
}

const judged = (steps: ReadonlyArray<StepVerdict>): Judged => {
  const blame = steps.indexOf("wrong");
  return { steps, ...(blame < 0 ? {} : { blame }) };
};

/** Judges the equations of each step, with names standing for what earlier steps state. */
export const judgeArithmetic = (steps: ReadonlyArray<string>): Judged => {
  let known: Known = new Map();
  return judged(steps.map((step): StepVerdict => {
    const checked = checkEquations(step, known);
    known = checked.known;
    if (checked.equations.some(({ holds }) => holds === false)) return "wrong";
    return checked.equations.length > 0 && checked.equations.every(({ holds }) => holds) ? "right" : "unknown";
  }));
};

/** A rule of inference: what follows from what. */
export interface InferenceRule {
  /** Its name. */
  readonly name: string;
  /** What it needs, in order. */
  readonly premises: ReadonlyArray<Term>;
  /** What follows. */
  readonly conclusion: Term;
}

/** A step of a proof. */
export interface ProofStep {
  /** What it claims. */
  readonly claim: Term;
  /** `given`, or the name of a rule. */
  readonly by: string;
  /** Numbers of the earlier steps it uses, in the order of the rule's premises. */
  readonly from: ReadonlyArray<number>;
}

/** Variables of rules are put apart from those of claims, which are constants to a rule. */
const frozen = (term: Term): Term =>
  term.kind === "variable"
    ? { kind: "compound", functor: `?${term.name}`, args: [] }
    : term.kind === "compound"
    ? { ...term, args: term.args.map(frozen) }
    : term;

const follows = (
  step: ProofStep,
  steps: ReadonlyArray<ProofStep>,
  at: number,
  rule: InferenceRule,
  logic: Symbolic,
): boolean => {
  if (step.from.length !== rule.premises.length || step.from.some((i) => i < 0 || i >= at)) return false;
  const pattern: Term = { kind: "compound", functor: "", args: [...rule.premises, rule.conclusion] };
  const subject: Term = {
    kind: "compound",
    functor: "",
    args: [...step.from.map((i) => frozen(steps[i].claim)), frozen(step.claim)],
  };
  return logic.match(pattern, subject) !== undefined;
};

/** Judges each step of a proof by the rule it names; a given one is right where it is among the axioms. */
export const judgeProof = (
  steps: ReadonlyArray<ProofStep>,
  axioms: ReadonlyArray<Term>,
  rules: ReadonlyArray<InferenceRule>,
  logic: Symbolic,
): Judged => {
  const byName = new Map(rules.map((rule) => [rule.name, rule]));
  return judged(steps.map((step, at): StepVerdict => {
    if (step.by === "given") {
      return axioms.some((axiom) => logic.match(axiom, frozen(step.claim)) !== undefined) ? "right" : "wrong";
    }
    const rule = byName.get(step.by);
    if (rule === undefined) return "unknown";
    return follows(step, steps, at, rule, logic) ? "right" : "wrong";
  }));
};
