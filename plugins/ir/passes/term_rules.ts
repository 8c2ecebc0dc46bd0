/**
 * Term rules: the laws of arithmetic, and the laws of motion, as rules over the terms of a function.
 *
 * Invariant: a rule asks for the facts that make it true: dtypes, literals, and what must be known.
 *
 * @module
 */
import type { TermPattern, TermRule } from "../egraph/saturate.ts";
import type { Node } from "../graph.ts";
import type { TensorType } from "../types.ts";
import { firstLetter } from "./algebra.ts";
import { type ClassName, CONSTANT_LETTERS, KNOWN, type Law, type Pattern } from "./pattern.ts";
import { CLASS_NAMES, CLASS_SHIFT, LITERAL_SHIFT, LITERALS, MOVES, type Terms } from "./terms.ts";

/** Most distinct ways of moving data that laws of motion are made for. */
const MAX_MOVES = 8;

/** A law's side as a pattern; literals on the left are letters with facts. */
class LawCompiler {
  readonly letters: string[] = [];
  readonly needs: Array<TermRule["needs"][number]> = [];
  constructor(private readonly terms: Terms) {}

  left(pattern: Pattern): TermPattern {
    if (pattern.k === "value") return { variable: this.letter(pattern.name) };
    if (pattern.k === "literal") {
      const variable = this.letters.push(` literal${this.letters.length}`) - 1;
      const bit = LITERALS.findIndex((literal) => Object.is(literal, pattern.literal));
      if (bit < 0) throw new Error(`no fact for the literal ${pattern.literal}`);
      this.needs.push({ variable, facts: 1 << (LITERAL_SHIFT + bit) });
      return { variable };
    }
    return { operator: this.operatorOf(pattern), children: pattern.parts.map((part) => this.left(part)) };
  }

  right(pattern: Pattern, like: number): TermPattern {
    if (pattern.k === "value") return { variable: this.letter(pattern.name) };
    if (pattern.k === "literal") {
      const { literal } = pattern;
      const key = `like ${Object.is(literal, -0) ? "-0" : literal}`;
      return { operator: this.terms.operator(key, () => ({ k: "like", literal })), children: [{ variable: like }] };
    }
    return { operator: this.operatorOf(pattern), children: pattern.parts.map((part) => this.right(part, like)) };
  }

  letter(name: string): number {
    const before = this.letters.indexOf(name);
    return before >= 0 ? before : this.letters.push(name) - 1;
  }

  private operatorOf({ op, direction }: Extract<Pattern, { readonly k: "node" }>): number {
    return this.terms.nodeOperator(op, direction === undefined ? {} : { direction });
  }
}

const mentionsConstant = (pattern: Pattern): boolean =>
  pattern.k === "value"
    ? CONSTANT_LETTERS.has(pattern.name)
    : pattern.k === "node" && pattern.parts.some(mentionsConstant);

/** A law as a rule over the terms; undefined where it speaks of known values, which only the rewriter computes with. */
export const lawRule = (law: Law, terms: Terms): TermRule | undefined => {
  if (mentionsConstant(law.left)) return undefined;
  const compiler = new LawCompiler(terms);
  const left = compiler.left(law.left);
  const name = firstLetter(law.left)!;
  const first = compiler.letter(name);
  const right = compiler.right(law.right, first);
  const needs = [...compiler.needs];
  const place = CLASS_NAMES.indexOf(law.of as Exclude<ClassName, "any">);
  if (place >= 0) needs.push({ variable: first, facts: 1 << (CLASS_SHIFT + place) });
  for (const [letter, known] of Object.entries(law.needs)) {
    needs.push({ variable: compiler.letter(letter), facts: known.reduce((bits, one) => bits | KNOWN[one], 0) });
  }
  return { name: law.name, left, right, variables: compiler.letters.length, needs };
};

const COMMUTING = ["add", "mul", "max", "min", "and", "or", "xor"];

/** That some operations commute. */
export const commutations = (terms: Terms, present: ReadonlySet<string>): ReadonlyArray<TermRule> => {
  const [x, y]: ReadonlyArray<TermPattern> = [{ variable: 0 }, { variable: 1 }];
  return COMMUTING.filter((op) => present.has(op)).map((op) => {
    const operator = terms.nodeOperator(op, {});
    return {
      name: `${op} commutes`,
      left: { operator, children: [x, y] },
      right: { operator, children: [y, x] },
      variables: 2,
      needs: [],
    };
  });
};

/** Laws of motion: arithmetic before or after each way of moving data that occurs. */
export const motions = (
  terms: Terms,
  nodes: ReadonlyArray<Node>,
  types: ReadonlyArray<TensorType>,
): ReadonlyArray<TermRule> => {
  const moves = new Map<number, string>();
  const arithmetic = new Map<number, readonly [string, number]>();
  for (const node of nodes) {
    const operator = terms.nodeOperator(node.op, node.attributes, types[node.operands[0]]);
    if (!MOVES.has(node.op)) arithmetic.set(operator, [node.op, node.operands.length]);
    else if (moves.size < MAX_MOVES) moves.set(operator, node.op);
  }
  return [...moves].flatMap(([move, moveName]) =>
    [...arithmetic].flatMap(([operator, [name, arity]]) => {
      const letters = Array.from({ length: arity }, (_, variable): TermPattern => ({ variable }));
      const before: TermPattern = {
        operator,
        children: letters.map((letter) => ({ operator: move, children: [letter] })),
      };
      const after: TermPattern = { operator: move, children: [{ operator, children: letters }] };
      const said = { variables: arity, needs: [] };
      return [
        { name: `${moveName} after ${name}`, left: before, right: after, ...said },
        { name: `${moveName} before ${name}`, left: after, right: before, ...said },
      ];
    })
  );
};
