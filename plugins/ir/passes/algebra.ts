/**
 * Algebra: the directed laws, applied wherever a node and those before it match one.
 *
 * Not the laws (laws.ts) and not search among equal programs (equality.ts).
 * Invariant: a law is used only where its dtypes and what it needs to be known are given.
 *
 * @module
 */
import { dtypeInfo, type TensorType } from "../types.ts";
import type { Element } from "../value.ts";
import type { Emitter } from "./emitter.ts";
import { knowledgeOf } from "./knowledge.ts";
import { LAWS } from "./laws.ts";
import { CLASSES, CONSTANT_LETTERS, KNOWN, type Law, type Literal, type Pattern, spellings } from "./pattern.ts";
import type { Rule, Site } from "./rewriter.ts";
import { elementIs, splatOf } from "./splat.ts";

type NodePattern = Extract<Pattern, { readonly k: "node" }>;

/** The element that a literal is in a dtype; undefined where the dtype has none. */
export const literalElement = (literal: Literal, { dtype }: TensorType): Element | undefined => {
  const { kind, bits, signed } = dtypeInfo(dtype);
  if (kind === "bool") {
    return literal === "true" || literal === "ones" ? true : literal === "false" || literal === 0 ? false : undefined;
  }
  if (literal === "true" || literal === "false") return undefined;
  if (kind === "float") return literal === "ones" ? undefined : literal;
  if (literal === "ones") return signed ? -1n : (1n << BigInt(bits)) - 1n;
  return Number.isInteger(literal) && !Object.is(literal, -0) && (signed || literal >= 0) ? BigInt(literal) : undefined;
};

const isLiteral = (e: Emitter, value: number, literal: Literal): boolean => {
  const wanted = literalElement(literal, e.types[value]);
  if (wanted === undefined) return false;
  if (typeof wanted === "boolean") return splatOf(e, value) === wanted;
  if (typeof wanted === "number") return elementIs(e, value, wanted);
  const element = splatOf(e, value);
  return element !== undefined && typeof element !== "boolean" && BigInt(element as number) === wanted;
};

/** What is known of a value of a function under construction. */
export const knownOf = (e: Emitter, value: number): number => {
  const bits = e.known;
  for (let at = bits.length; at <= value; at++) {
    const definition = e.definition(at);
    const [node, result] = definition === undefined ? [undefined, 0] : [definition.node, definition.result];
    bits.push(knowledgeOf(result === 0 && node !== undefined ? node.op : "", {
      known: node?.operands.map((operand) => bits[operand]) ?? [],
      types: node?.operands.map((operand) => e.types[operand]) ?? [],
      result: e.types[at],
      attributes: node?.attributes ?? {},
      same: node !== undefined && node.operands[0] === node.operands[1],
    }));
  }
  return bits[value];
};

/** Binds letters so that a pattern is a value; false where it is not. */
const match = (e: Emitter, pattern: Pattern, value: number, bound: Map<string, number>): boolean => {
  if (pattern.k === "literal") return isLiteral(e, value, pattern.literal);
  if (pattern.k === "node") {
    const node = e.madeBy(value, pattern.op);
    return node !== undefined && (pattern.direction === undefined || node.attributes.direction === pattern.direction) &&
      pattern.parts.every((part, i) => match(e, part, node.operands[i], bound));
  }
  const before = bound.get(pattern.name);
  if (before !== undefined) return before === value || isSameSplat(e, before, value);
  if (CONSTANT_LETTERS.has(pattern.name) && splatOf(e, value) === undefined) return false;
  bound.set(pattern.name, value);
  return true;
};

const isSameSplat = (e: Emitter, a: number, b: number): boolean => {
  const element = splatOf(e, a);
  return element !== undefined && Object.is(element, splatOf(e, b)) && e.types[a].dtype === e.types[b].dtype &&
    e.solver.equalShapes(e.types[a].shape, e.types[b].shape);
};

/** The first letter of a pattern. */
export const firstLetter = (pattern: Pattern): string | undefined =>
  pattern.k === "value"
    ? pattern.name
    : pattern.k === "node"
    ? pattern.parts.map(firstLetter).find((name) => name !== undefined)
    : undefined;

const build = (site: Site, pattern: Pattern, bound: ReadonlyMap<string, number>): number | undefined => {
  if (pattern.k === "value") return bound.get(pattern.name);
  if (pattern.k === "literal") {
    const element = literalElement(pattern.literal, site.results[0]);
    return element === undefined ? undefined : site.e.full(site.results[0], element);
  }
  const parts = pattern.parts.map((part) => build(site, part, bound));
  if (!parts.every((part) => part !== undefined)) return undefined;
  return site.e.make(pattern.op, parts, pattern.direction === undefined ? {} : { direction: pattern.direction });
};

const isGiven = (e: Emitter, law: Law, bound: ReadonlyMap<string, number>): boolean => {
  const letter = firstLetter(law.left);
  if (letter !== undefined && !CLASSES[law.of](e.types[bound.get(letter)!].dtype)) return false;
  return Object.entries(law.needs).every(([name, needs]) => {
    const wanted = needs.reduce((bits, need) => bits | KNOWN[need], 0);
    return (knownOf(e, bound.get(name)!) & wanted) === wanted;
  });
};

const ruleOf = (law: Law): Rule => {
  const lefts = spellings(law.left) as ReadonlyArray<NodePattern>;
  return {
    name: law.name,
    ops: [lefts[0].op],
    apply: (site, { fastMath }) => {
      if (law.fast && !fastMath) return undefined;
      for (const left of lefts) {
        if (left.direction !== undefined && left.direction !== site.attributes.direction) continue;
        const bound = new Map<string, number>();
        if (!left.parts.every((part, i) => match(site.e, part, site.operands[i], bound))) continue;
        if (isGiven(site.e, law, bound)) return build(site, law.right, bound);
      }
      return undefined;
    },
  };
};

/** The directed laws as rules. */
export const ALGEBRA: ReadonlyArray<Rule> = LAWS.filter((law) => law.directed).map(ruleOf);
