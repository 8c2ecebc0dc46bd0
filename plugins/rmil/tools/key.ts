/**
 * Key: the text that identifies a node apart from its children, and a program by its names instead of symbol numbers.
 *
 * Not the wire format and not the content hash: keys never leave the process except inside a digest.
 * Invariant: keys are self-delimiting, so that equal concatenations come from equal parts.
 *
 * @module
 */
import { type Digest, digestText } from "../../../kernel/mod.ts";
import { typeToAst, valueToAst } from "../ast.ts";
import type { Program } from "../codec/v1.ts";
import { type Expression, Tag } from "../expression.ts";
import { unknownSymbol } from "../failures.ts";
import { tooLarge } from "./failures.ts";
import type { Symbols } from "../symbols.ts";
import type { Value } from "../value.ts";

/** Most nodes, shared ones counted each time, that the tools walk. */
export const MAX_NODES = 200_000;

/** How a symbol is written in a key. */
export type Spelling = (symbol: number) => string;

/** Spells symbols by their names; throws `RMIL_SYMBOL` for one that the table does not have. */
export const spellingOf = (symbols: Symbols): Spelling => (symbol) => {
  const name = symbols.nameOf(symbol);
  if (name === undefined) throw unknownSymbol({ index: symbol, count: symbols.size });
  return JSON.stringify(name);
};

/** The key of a value. */
export const valueKey = (value: Value, spell: Spelling): string => {
  if (value.k === "Sym") return `S${spell(value.sym)}`;
  if (value.k === "Tuple") return `T${value.items.length};${value.items.map((item) => valueKey(item, spell)).join("")}`;
  return JSON.stringify(valueToAst(value));
};

/** The key of a node's attributes. */
export const attributesKey = (node: Expression, spell: Spelling): string =>
  node.attributes.map(({ name, value }) => `${JSON.stringify(name)}${valueKey(value, spell)}`).join("");

/** The key of a node apart from its children: what `relabel` changes. */
export const headKey = (node: Expression, spell: Spelling): string => {
  switch (node.tag) {
    case Tag.Lit:
      return `0${valueKey(node.value, spell)}`;
    case Tag.Ref:
    case Tag.Let:
      return `${node.tag}${spell(node.code)}`;
    case Tag.App:
      return `${node.tag}:${node.code};${node.attributes.length};${attributesKey(node, spell)}`;
    case Tag.Lam:
      return `${node.tag}:${node.parameters.length};${
        node.parameters.map(({ sym, type }) => `${spell(sym)}${JSON.stringify(typeToAst(type))}`).join("")
      }`;
    default:
      return `${node.tag}`;
  }
};

/** Counts nodes, shared ones each time; throws `RMIL_TOO_LARGE` beyond the limit, after that many steps. */
export const boundedCount = (root: Expression, what: string, limit: number = MAX_NODES): number => {
  let count = 0;
  const visit = (node: Expression): void => {
    if (++count > limit) throw tooLarge({ what, limit, expected: limit });
    for (const child of node.children) visit(child);
  };
  visit(root);
  return count;
};

/** Digest of a program by names: the same for every numbering of its symbols. */
export const namedDigest = ({ symbols, root }: Program): Digest => {
  boundedCount(root, "program");
  const spell = spellingOf(symbols);
  const parts: Array<string> = [];
  const visit = (node: Expression): void => {
    parts.push(headKey(node, spell), `(${node.children.length};`);
    for (const child of node.children) visit(child);
  };
  visit(root);
  return digestText(parts.join(""));
};
