/**
 * Compile: laws as rules over the e-graph of a program.
 *
 * A pipeline or a spine of more items is its binary tree here; the laws of associativity find the other trees.
 * Invariant: a law that this form cannot say (lists of any length, bound names, alternatives, guards on types) is left
 * out, never weakened.
 *
 * @module
 */
import { app, block, cond, type Expression, lit, par, seq } from "../expression.ts";
import { factBits } from "../rewriting/facts.ts";
import type { Pat, Rule, Tmpl } from "../rewriting/pattern.ts";
import { placeOfArguments } from "../rewriting/places.ts";
import { NIL } from "../value.ts";
import type { TermPattern, TermRule } from "../../ir/library.ts";
import type { Terms } from "./terms.ts";

const HOLE = lit(NIL);
const holes = (count: number): ReadonlyArray<Expression> => Array.from({ length: count }, () => HOLE);

/** A shape over sub-patterns: a node with holes, and what fills them. */
interface Shape {
  readonly node: Expression;
  readonly parts: ReadonlyArray<Pat | Tmpl>;
}

const leftLeaning = (k: "Seq" | "Par", items: ReadonlyArray<Pat | Tmpl>): Shape | undefined => {
  if (items.length < 2) return undefined;
  const last = items.at(-1)!;
  const before = items.length === 2 ? items[0] : { k, items: items.slice(0, -1) } as Pat | Tmpl;
  return { node: k === "Seq" ? seq(HOLE, HOLE) : par(HOLE, HOLE), parts: [before, last] };
};

const shapeOf = (part: Pat | Tmpl): Shape | undefined => {
  switch (part.k) {
    case "Lit":
      return { node: lit(part.val), parts: [] };
    case "App":
      // Where arguments are kept or quoted, equal is not interchangeable, and a class cannot stand for an argument.
      return part.attributes !== undefined || (part.args.length > 0 && placeOfArguments(part.op) !== "free")
        ? undefined
        : { node: app(part.op, holes(part.args.length)), parts: part.args };
    case "Seq":
    case "Par":
      return leftLeaning(part.k, part.items);
    case "Block":
      return { node: block(holes(part.items.length)), parts: part.items };
    case "Cond":
      return { node: cond(HOLE, HOLE, HOLE), parts: [part.pred, part.yes, part.no] };
    default:
      return undefined;
  }
};

const compilePart = (part: Pat | Tmpl, terms: Terms, names: Array<string>): TermPattern | undefined => {
  if (part.k === "Var") {
    if (!names.includes(part.name)) names.push(part.name);
    return { variable: names.indexOf(part.name) };
  }
  const shape = shapeOf(part);
  if (shape === undefined) return undefined;
  const children = shape.parts.map((inner) => compilePart(inner, terms, names));
  return children.every((child) => child !== undefined)
    ? { operator: terms.operatorOf(shape.node), children }
    : undefined;
};

/** A law as a rule; `undefined` where this form cannot say it. */
export const compileRule = (rule: Rule, terms: Terms): TermRule | undefined => {
  const names: Array<string> = [];
  const left = compilePart(rule.left, terms, names);
  const bound = names.length;
  const right = compilePart(rule.right, terms, names);
  if (left === undefined || right === undefined || "variable" in left || names.length > bound) return undefined;
  const needs: Array<TermRule["needs"][number]> = [];
  for (const guard of rule.guards) {
    const variable = names.indexOf(guard.of);
    if (variable < 0 || !("facts" in guard)) return undefined;
    needs.push({ variable, facts: factBits(guard.facts) });
  }
  return { name: rule.name, left, right, variables: bound, needs };
};
