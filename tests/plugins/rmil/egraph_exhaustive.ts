/**
 * An exhaustive judge of optimisation over a small signature: every term up to a size, equal ones united by every law at
 * every place, written on texts so that it shares nothing with the code under test.
 *
 * Signature: leaves `identity`, `relu` (stages) and `1.5` (an f64); one operand: `neg`, `abs`; two: `>>`, `add`.
 * Laws: identity on either side, >> associative, relu and abs idempotent, minus minus, abs of minus, add commutative.
 */
import { app, type Expression, lit, seq } from "../../../plugins/rmil/expression.ts";
import { OPS } from "../../../plugins/rmil/opcodes.ts";
import { f64 } from "../../../plugins/rmil/value.ts";

/** A term: a leaf's name, or an operator and its terms. */
export type Term = string | Node;

/** An operator and its terms. */
export interface Node extends ReadonlyArray<Term> {
  readonly 0: string;
}

const LEAVES = ["identity", "relu", "1.5"];
const UNARY = ["neg", "abs"];
const BINARY = [">>", "add"];

/** A term's text. */
export const textOf = (term: Term): string =>
  typeof term === "string" ? term : `(${term.map((part) => textOf(part)).join(" ")})`;

/** Every term of up to so many nodes, by size. */
export const allTerms = (most: number): ReadonlyArray<ReadonlyArray<Term>> => {
  const bySize: Array<Array<Term>> = [[], [...LEAVES]];
  for (let size = 2; size <= most; size++) {
    const terms: Array<Term> = [];
    for (const op of UNARY) for (const x of bySize[size - 1]) terms.push([op, x]);
    for (let left = 1; left < size - 1; left++) {
      for (const op of BINARY) {
        for (const x of bySize[left]) for (const y of bySize[size - 1 - left]) terms.push([op, x, y]);
      }
    }
    bySize.push(terms);
  }
  return bySize;
};

const isNode = (term: Term, op: string): term is Node => typeof term !== "string" && term[0] === op;

/** Whether a term's value is certainly a float. */
const isFloat = (term: Term): boolean =>
  term === "1.5" || (isNode(term, ">>") && isFloat(term[2])) ||
  (typeof term !== "string" && term[0] !== ">>" && term.slice(1).every((part) => isFloat(part)));

/** What a law makes of a term at its root. */
const atRoot = function* (term: Term): Generator<Term> {
  if (term === "identity" || term === "relu" || term === "1.5") return;
  const [op, x, y] = term as unknown as readonly [string, Term, Term];
  if (op === ">>") {
    if (x === "identity") yield y;
    if (y === "identity") yield x;
    if (x === "relu" && y === "relu") yield "relu";
    if (isNode(x, ">>")) yield [">>", x[1], [">>", x[2], y]];
    if (isNode(y, ">>")) yield [">>", [">>", x, y[1]], y[2]];
  }
  if (op === "abs" && isNode(x, "abs")) yield x;
  if (op === "neg" && isNode(x, "neg") && isFloat(x[1])) yield x[1];
  if (op === "abs" && isNode(x, "neg") && isFloat(x[1])) yield ["abs", x[1]];
  if (op === "add") yield ["add", y, x];
};

/** What one use of a law anywhere makes of a term. */
const steps = function* (term: Term): Generator<Term> {
  yield* atRoot(term);
  if (typeof term === "string") return;
  for (let i = 1; i < term.length; i++) {
    for (const part of steps(term[i])) yield term.with(i, part) as unknown as Node;
  }
};

const sizeOf = (term: Term): number =>
  typeof term === "string" ? 1 : term.slice(1).reduce<number>((sum, part) => sum + sizeOf(part), 1);

/** The least size among all terms of at most so many nodes that the laws connect with each. */
export const leastSizes = (most: number): ReadonlyMap<string, { readonly term: Term; readonly least: number }> => {
  const terms = allTerms(most).flat();
  const index = new Map(terms.map((term, i) => [textOf(term), i]));
  const leader = terms.map((_, i) => i);
  const find = (i: number): number => {
    while (leader[i] !== i) i = leader[i] = leader[leader[i]];
    return i;
  };
  terms.forEach((term, i) => {
    for (const next of steps(term)) leader[find(index.get(textOf(next))!)] = find(i);
  });
  const least = new Map<number, number>();
  terms.forEach((term, i) => least.set(find(i), Math.min(least.get(find(i)) ?? Infinity, sizeOf(term))));
  return new Map(terms.map((term, i) => [textOf(term), { term, least: least.get(find(i))! }]));
};

/** The term as an expression. */
export const expressionOf = (term: Term): Expression => {
  if (term === "1.5") return lit(f64(1.5));
  if (typeof term === "string") return app(OPS[term as "relu"].code);
  const parts = term.slice(1).map((part) => expressionOf(part));
  return term[0] === ">>" ? seq(parts[0], parts[1]) : app(OPS[term[0] as "add"].code, parts);
};

/** The laws of the judge, by the names under which the language has them. */
export const JUDGED_LAWS: ReadonlySet<string> = new Set([
  "identity-left",
  "identity-right",
  "relu-idempotent",
  "abs-idempotent-applied",
  "neg-neg",
  "abs-neg",
  "seq-to-right",
  "seq-to-left",
  "add-commutes",
]);
