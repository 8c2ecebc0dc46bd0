/**
 * Canonical: one numbering of symbols for one program, and an identity that does not see the names of bound variables.
 *
 * Not an optimiser: no node is changed beyond its symbol numbers.
 * Invariant: symbols are numbered by first occurrence in source order and unused names are gone, so that a program
 * read again from its own text has the same table. Two programs have one alpha digest exactly where they differ in
 * nothing but the names of bound variables.
 *
 * @module
 */
import { type Digest, digestText } from "../../../kernel/mod.ts";
import type { Program } from "../codec/v1.ts";
import { type Attribute, Expression, type Parameter, Tag } from "../expression.ts";
import { unknownSymbol } from "../failures.ts";
import { Symbols } from "../symbols.ts";
import { symbolValue, tupleValue, type Value } from "../value.ts";
import { attributesKey, boundedCount, headKey, type Spelling, spellingOf, valueKey } from "./key.ts";
import { walkScoped } from "./scope.ts";

const symbolsOfValue = (value: Value, meet: (symbol: number) => void): void => {
  if (value.k === "Sym") meet(value.sym);
  else if (value.k === "Tuple") { for (const item of value.items) symbolsOfValue(item, meet); }
};

/** Meets every symbol of a tree in source order: a `let` names its variable after its body, as the parser does. */
const symbolsInOrder = (root: Expression, meet: (symbol: number) => void): void => {
  const seen = new Set<Expression>();
  const visit = (node: Expression): void => {
    // A shared part has nothing to meet for the first time when it is met again.
    if (seen.has(node)) return;
    seen.add(node);
    if (node.tag === Tag.Ref) meet(node.code);
    for (const { sym } of node.parameters) meet(sym);
    symbolsOfValue(node.value, meet);
    for (const child of node.children) visit(child);
    for (const { value } of node.attributes) symbolsOfValue(value, meet);
    if (node.tag === Tag.Let) meet(node.code);
  };
  visit(root);
};

type Renumber = (symbol: number) => number;

const renumberValue = (value: Value, to: Renumber): Value => {
  if (value.k === "Sym") return symbolValue(to(value.sym));
  return value.k === "Tuple" ? tupleValue(value.items.map((item) => renumberValue(item, to))) : value;
};

/** The same tree with other symbol numbers; shared parts stay shared. */
export const renumbered = (root: Expression, to: Renumber): Expression => {
  const done = new Map<Expression, Expression>();
  const visit = (node: Expression): Expression => {
    const known = done.get(node);
    if (known !== undefined) return known;
    const made = new Expression(
      node.tag,
      node.tag === Tag.Ref || node.tag === Tag.Let ? to(node.code) : node.code,
      renumberValue(node.value, to),
      node.children.map(visit),
      node.parameters.map(({ sym, type }): Parameter => ({ sym: to(sym), type })),
      node.attributes.map(({ name, value }): Attribute => ({ name, value: renumberValue(value, to) })),
    );
    done.set(node, made);
    return made;
  };
  return visit(root);
};

const nameIn = (symbols: Symbols, symbol: number): string => {
  const name = symbols.nameOf(symbol);
  if (name === undefined) throw unknownSymbol({ index: symbol, count: symbols.size });
  return name;
};

/** The program's tree over another table, which gets the names that it lacks. Throws `RMIL_SYMBOL`. */
export const movedInto = (symbols: Symbols, program: Program): Expression =>
  renumbered(program.root, (symbol) => symbols.intern(nameIn(program.symbols, symbol)));

/**
 * The program with its symbols numbered by first occurrence and without unused names. Throws `RMIL_SYMBOL`.
 */
export const canonical = (program: Program): Program => {
  const symbols = new Symbols();
  symbolsInOrder(program.root, (symbol) => void symbols.intern(nameIn(program.symbols, symbol)));
  return { symbols, root: movedInto(symbols, program) };
};

const alphaKey = (node: Expression, depth: number, binder: number | undefined, spell: Spelling): string => {
  switch (node.tag) {
    case Tag.Ref:
      return binder === undefined ? `F${spell(node.code)}` : `B${depth - binder};`;
    case Tag.Let:
      return "6";
    case Tag.Lam:
      // Names of parameters are not seen, their types are.
      return headKey(node, () => "_");
    case Tag.Lit:
      return `0${valueKey(node.value, spell)}`;
    case Tag.App:
      return `2:${node.code};${node.attributes.length};${attributesKey(node, spell)}`;
    default:
      return `${node.tag}`;
  }
};

/** Digest that does not depend on symbol numbers, unused names or the names of bound variables. */
export const alphaDigest = ({ symbols, root }: Program): Digest => {
  boundedCount(root, "program");
  const spell = spellingOf(symbols);
  const parts: Array<string> = [];
  // A reference counts binders outwards from itself: the number of binders around it is what its scope adds up to.
  walkScoped(root, (node, scope, _, level) => {
    const binder = node.tag === Tag.Ref ? scope.get(node.code)?.level : undefined;
    parts.push(alphaKey(node, level, binder, spell), `(${node.children.length};`);
  });
  return digestText(parts.join(""));
};

/** Whether two programs differ in nothing but symbol numbers, unused names and the names of bound variables. */
export const alphaEqual = (a: Program, b: Program): boolean => alphaDigest(a) === alphaDigest(b);
