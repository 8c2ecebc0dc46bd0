/**
 * Pattern text: rules in the language's own syntax, where free names stand for any sub-expression.
 *
 * `max($x, $x)` is a pattern with the name x twice. Names bound by `let` or a lambda inside are symbols of the pattern.
 * Invariant: a pattern and a template made of one text match and make exactly what the text says.
 *
 * @module
 */
import { type Expression, Tag } from "../expression.ts";
import { parse } from "../syntax/parser.ts";
import type { Pat } from "./pattern.ts";

/** How the names of a pattern are read. */
interface Names {
  /** The text of a symbol. */
  readonly textOf: (sym: number) => string;
  /** Whether a free name stands for any expression; one that does not stands for itself. */
  readonly isVariable: (name: string) => boolean;
}

const nameOf = (node: Expression, bound: ReadonlySet<number>, { textOf, isVariable }: Names): Pat => {
  const name = textOf(node.code);
  if (bound.has(node.code)) return { k: "Ref", sym: name };
  return isVariable(name) ? { k: "Var", name } : { k: "Is", node };
};

const patternOf = (node: Expression, bound: ReadonlySet<number>, names: Names): Pat => {
  const { textOf } = names;
  const { children } = node;
  const at = (index: number, scope = bound): Pat => patternOf(children[index], scope, names);
  const all = (from: number): ReadonlyArray<Pat> => children.slice(from).map((_, i) => at(i + from));
  switch (node.tag) {
    case Tag.Lit:
      return { k: "Lit", val: node.value };
    case Tag.Ref:
      return nameOf(node, bound, names);
    case Tag.App: {
      const attributes = node.attributes.length === 0
        ? {}
        : { attributes: { require: node.attributes, set: node.attributes } };
      return { k: "App", op: node.code, args: all(0), ...attributes };
    }
    case Tag.Seq:
      return { k: "Seq", items: all(0) };
    case Tag.Par:
      return { k: "Par", items: all(0) };
    case Tag.Cond:
      return { k: "Cond", pred: at(0), yes: at(1), no: at(2) };
    case Tag.Let:
      return { k: "Let", sym: textOf(node.code), val: at(0), body: at(1, new Set([...bound, node.code])) };
    case Tag.Lam: {
      const scope = new Set([...bound, ...node.parameters.map(({ sym }) => sym)]);
      return { k: "Lam", params: node.parameters.map(({ sym }) => textOf(sym)).join(), body: at(0, scope) };
    }
    case Tag.Call:
      return { k: "Call", func: at(0), args: all(1) };
    default:
      return { k: "Block", items: all(0) };
  }
};

/** The pattern (and, for a text without alternatives, also the template) that a text says. Throws as `parse` does. */
export const patternFromText = (source: string): Pat => {
  const { root, symbols } = parse(source);
  return patternOf(root, new Set(), { textOf: (sym) => symbols.nameOf(sym) ?? `@${sym}`, isVariable: () => true });
};

/** The pattern that a quoted expression is, where only certain free names stand for any expression. */
export const patternOfExpression = (node: Expression, names: Names): Pat => patternOf(node, new Set(), names);
