/**
 * Proof text: proofs and rules of inference as a model writes them, one step a line.
 *
 * Not the judge (trace.ts): here text becomes steps, or is no proof.
 * Invariant: what is read prints back to the same steps; a line that is not a step ends no proof and is passed over,
 * because answers have words around their proofs.
 *
 * A step is `3. q(a) [modus ponens 1, 2]`, an axiom `1. p(a) [given]`; names that begin with a capital are variables. A
 * rule is `modus ponens: implies(P, Q), P => Q`.
 *
 * @module
 */
import type { Term } from "../../rmil/contract.ts";
import type { InferenceRule, ProofStep } from "./trace.ts";

/** Deepest nesting of a term. */
export const MAX_TERM_DEPTH = 64;

/** Most steps of a proof. */
export const MAX_PROOF_STEPS = 1_000;

const TOKEN = /\s*([\p{L}\p{N}_]+|[(),])/uy;

/** Reads terms off a text, separated by commas; undefined where it is not terms. */
const termsOf = (text: string): ReadonlyArray<Term> | undefined => {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  const end = text.trimEnd().length;
  while (TOKEN.lastIndex < end) {
    const match = TOKEN.exec(text);
    if (match === null) return undefined;
    tokens.push(match[1]);
  }
  let at = 0;
  const list = (depth: number): ReadonlyArray<Term> | undefined => {
    const terms: Term[] = [];
    do {
      const read = term(depth);
      if (read === undefined) return undefined;
      terms.push(read);
    } while (tokens[at] === "," && ++at > 0);
    return terms;
  };
  const term = (depth: number): Term | undefined => {
    const name = tokens[at++];
    if (depth > MAX_TERM_DEPTH || name === undefined || /^[(),]$/u.test(name)) return undefined;
    if (tokens[at] !== "(") {
      return /^\p{Lu}/u.test(name) ? { kind: "variable", name } : { kind: "compound", functor: name, args: [] };
    }
    at++;
    const args = list(depth + 1);
    return args !== undefined && tokens[at++] === ")" ? { kind: "compound", functor: name, args } : undefined;
  };
  const terms = tokens.length === 0 ? [] : list(0);
  return at === tokens.length ? terms : undefined;
};

/** A term; undefined where the text is none. */
export const parseTerm = (text: string): Term | undefined => {
  const terms = termsOf(text);
  return terms?.length === 1 ? terms[0] : undefined;
};

/** A rule; undefined where the text is none. */
export const parseRule = (text: string): InferenceRule | undefined => {
  const [, name, before, after] = /^\s*([^:]+?)\s*:(.*)=>(.*)$/su.exec(text) ?? [];
  if (name === undefined) return undefined;
  const premises = termsOf(before);
  const conclusion = parseTerm(after);
  return premises === undefined || conclusion === undefined ? undefined : { name, premises, conclusion };
};

const STEP = /^\s*(\d+)[.):]\s*(.+?)\s*\[\s*([^\]\d]+?)\s*((?:\d+\s*,?\s*)*)\]\s*$/u;

/** The steps of a proof in a text, in order; steps refer to others by the numbers that are written before them. */
export const parseProof = (text: string): ReadonlyArray<ProofStep> => {
  const numbers = new Map<number, number>();
  const steps: ProofStep[] = [];
  for (const line of text.split("\n")) {
    const [, number, said, by, refers] = STEP.exec(line) ?? [];
    const claim = said === undefined ? undefined : parseTerm(said);
    if (claim === undefined || steps.length === MAX_PROOF_STEPS) continue;
    // A number that stands before no earlier step refers to nothing, which no rule allows.
    const from = (refers.match(/\d+/gu) ?? []).map((digits) => numbers.get(Number(digits)) ?? steps.length);
    numbers.set(Number(number), steps.length);
    steps.push({ claim, by: by.replace(/[,\s]+$/u, ""), from });
  }
  return steps;
};
