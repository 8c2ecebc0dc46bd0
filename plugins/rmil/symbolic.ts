/**
 * Symbolic: the contract of logic over terms, which the symbolic ops run on.
 *
 * Not the engine (symbolic_default.ts holds the small one that is always there; a plugin may bring another).
 * Invariant: substitutions are idempotent and sound: applied to both sides of a unification, they make them equal.
 *
 * @module
 */
import type { Value } from "./value.ts";

/** A term. */
export type Term =
  | { readonly kind: "variable"; readonly name: string }
  | { readonly kind: "value"; readonly value: Value }
  | { readonly kind: "compound"; readonly functor: string; readonly args: ReadonlyArray<Term> };

/** A variable. */
export const variable = (name: string): Term => ({ kind: "variable", name });

/** An atom: a compound without arguments. */
export const atom = (name: string): Term => ({ kind: "compound", functor: name, args: [] });

/** A compound term. */
export const compound = (functor: string, args: ReadonlyArray<Term>): Term => ({ kind: "compound", functor, args });

/** A value as a term. */
export const constant = (value: Value): Term => ({ kind: "value", value });

/** Terms by variable name; no term mentions a variable that is bound. */
export type Substitution = ReadonlyMap<string, Term>;

/** A rule: the head holds where every part of the body does; a fact has no body. */
export interface Clause {
  /** What follows. */
  readonly head: Term;
  /** What it follows from. */
  readonly body: ReadonlyArray<Term>;
}

/** A way to rewrite: a term that matches `from` becomes `to`. */
export interface Rewriting {
  /** Pattern. */
  readonly from: Term;
  /** Replacement. */
  readonly to: Term;
}

/** One application of a rule. */
export interface Rewritten {
  /** Number of the rule, from 0. */
  readonly rule: number;
  /** Where: numbers of arguments from the root down. */
  readonly path: ReadonlyArray<number>;
  /** What stood there. */
  readonly before: Term;
  /** What stands there now. */
  readonly after: Term;
}

/** Bounds of a search. */
export interface Bounds {
  /** Most answers, rounds or rewritings. */
  readonly limit: number;
}

/** Work that gives way at every step, so that fuel is charged and the run stays interruptible. */
export type Search<A> = Generator<void, A, void>;

/** What is known in one run. */
export interface Knowledge {
  /** Facts and rules, in the order in which they were asserted. */
  readonly clauses: () => ReadonlyArray<Clause>;
  /** Adds a clause; one that is there already is not added again. */
  readonly assert: (clause: Clause) => void;
  /** Answers to goals by backward chaining, in order of the clauses, each over the goals' variables. */
  readonly resolve: (goals: ReadonlyArray<Term>, bounds: Bounds) => Search<ReadonlyArray<Substitution>>;
  /** Every fact that follows by forward chaining from the clauses and the given facts, without those given. */
  readonly infer: (facts: ReadonlyArray<Term>, bounds: Bounds) => Search<ReadonlyArray<Term>>;
  /** Answers to a goal among the facts alone. */
  readonly query: (goal: Term, bounds: Bounds) => Search<ReadonlyArray<Substitution>>;
  /** The shortest action sequence to a goal, `undefined` where there is none within the bounds. */
  readonly plan: (goals: ReadonlyArray<Term>, bounds: Bounds) => Search<ReadonlyArray<Term> | undefined>;
}

/** The contract. */
export interface Symbolic {
  /** The most general unifier with occurs check. */
  readonly unify: (a: Term, b: Term) => Substitution | undefined;
  /** The substitution that makes a pattern equal to a subject, whose own variables stay. */
  readonly match: (pattern: Term, subject: Term) => Substitution | undefined;
  /** A term with its bound variables replaced. */
  readonly apply: (substitution: Substitution, term: Term) => Term;
  /**
   * Rewrites innermost parts first, by the first rule that applies, until none does or the limit is reached; `rewrote`
   * hears of every application, in order.
   */
  readonly rewrite: (
    rules: ReadonlyArray<Rewriting>,
    subject: Term,
    bounds: Bounds,
    rewrote?: (step: Rewritten) => void,
  ) => Search<Term>;
  /** Empty knowledge for a run. */
  readonly open: () => Knowledge;
}
