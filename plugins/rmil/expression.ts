/**
 * Expressions: the tree of a program. One class for all ten variants, so that every walk sees one shape.
 *
 * Not syntax (spans live beside the tree) and not meaning (check and interpreter).
 * Invariant: nodes are immutable, and no tree is deeper than `MAX_DEPTH` or larger than `MAX_NODES`: the constructor
 * refuses, so every walk may recurse and ends. Source: RMIL §4.2 – 4.4.
 *
 * @module
 */
import { badSize, badText, tooDeep } from "./failures.ts";
import { equalTypes, type Type } from "./types.ts";
import { equalValues, NIL, type Value } from "./value.ts";

/** Variants, in tag order: tag numbers are wire and hash tags. */
export const EXPRESSION_TAGS = ["Lit", "Ref", "App", "Seq", "Par", "Cond", "Let", "Lam", "Call", "Block"] as const;

/** A variant's name. */
export type ExpressionKind = typeof EXPRESSION_TAGS[number];

/** Tag numbers by name. */
export const Tag = { Lit: 0, Ref: 1, App: 2, Seq: 3, Par: 4, Cond: 5, Let: 6, Lam: 7, Call: 8, Block: 9 } as const;

/** A tag number. */
export type Tag = typeof Tag[ExpressionKind];

/** Most nodes of a tree, shared ones counted as often as they stand in it. */
export const MAX_NODES: number = 2 ** 20;

/** Deepest tree. Version 1 of the wire format allows 512; longer pipelines fit version 2. */
export const MAX_DEPTH = 1024;

/** A lambda's parameter. */
export interface Parameter {
  /** Symbol of the name. */
  readonly sym: number;
  /** Annotated type. */
  readonly type: Type;
}

/** A named attribute of an application; version 1 of the wire format has none. */
export interface Attribute {
  /** Name, as in the op's row. */
  readonly name: string;
  /** Value. */
  readonly value: Value;
}

const NO_CHILDREN: ReadonlyArray<Expression> = [];
const NO_PARAMETERS: ReadonlyArray<Parameter> = [];
const NO_ATTRIBUTES: ReadonlyArray<Attribute> = [];

/**
 * A node. What each field means by tag:
 *
 * | tag | code | value | children | parameters | attributes |
 * | --- | --- | --- | --- | --- | --- |
 * | Lit | | the value | | | |
 * | Ref | symbol | | | | |
 * | App | opcode | | operands and positional arguments | | named, sorted by name |
 * | Seq, Par | | | left, right | | |
 * | Cond | | | predicate, then, else | | |
 * | Let | symbol | | bound, body | | |
 * | Lam | | | body | parameters | |
 * | Call | | | function, arguments… | | |
 * | Block | | | expressions | | |
 */
export class Expression {
  /** Variant. */
  readonly tag: Tag;
  /** Symbol or opcode. */
  readonly code: number;
  /** Literal value. */
  readonly value: Value;
  /** Sub-expressions, in wire order. */
  readonly children: ReadonlyArray<Expression>;
  /** Lambda parameters. */
  readonly parameters: ReadonlyArray<Parameter>;
  /** Named attributes. */
  readonly attributes: ReadonlyArray<Attribute>;
  /** 1 for a leaf, else 1 + the deepest child. */
  readonly depth: number;
  /** Nodes of the tree, shared ones counted as often as they stand in it. */
  readonly size: number;

  /** Use the builders below: they know which fields a tag has. Throws `RMIL_DEPTH` or `RMIL_SIZE`. */
  constructor(
    tag: Tag,
    code: number,
    value: Value,
    children: ReadonlyArray<Expression>,
    parameters: ReadonlyArray<Parameter>,
    attributes: ReadonlyArray<Attribute>,
  ) {
    let deepest = 0;
    let size = 1;
    for (let i = 0; i < children.length; i++) {
      const child = children[i];
      size += child.size;
      if (child.depth > deepest) deepest = child.depth;
    }
    if (size > MAX_NODES) {
      throw badSize({ what: "a program of nodes", size, reason: `the limit is ${MAX_NODES}`, expected: MAX_NODES });
    }
    if (deepest >= MAX_DEPTH) throw tooDeep({ limit: MAX_DEPTH, what: "program", expected: MAX_DEPTH });
    this.tag = tag;
    this.code = code;
    this.value = value;
    this.children = children;
    this.parameters = parameters;
    this.attributes = attributes;
    this.depth = deepest + 1;
    this.size = size;
  }
}

/** A literal. */
export const lit = (value: Value): Expression =>
  new Expression(Tag.Lit, 0, value, NO_CHILDREN, NO_PARAMETERS, NO_ATTRIBUTES);

/** A reference to a name. */
export const ref = (sym: number): Expression =>
  new Expression(Tag.Ref, sym, NIL, NO_CHILDREN, NO_PARAMETERS, NO_ATTRIBUTES);

const byName = (a: Attribute, b: Attribute): number => a.name < b.name ? -1 : a.name > b.name ? 1 : 0;

const inOrder = (attributes: ReadonlyArray<Attribute>): ReadonlyArray<Attribute> => {
  const sorted = [...attributes].sort(byName);
  const twice = sorted.find(({ name }, index) => index > 0 && sorted[index - 1].name === name);
  if (twice !== undefined) throw badText({ what: "application", reason: `attribute ${twice.name} stands twice` });
  return sorted;
};

/**
 * An op applied to arguments; missing leading operands are the pipeline's input. Throws `RMIL_TEXT` when two attributes
 * have one name.
 */
export const app = (
  opcode: number,
  args: ReadonlyArray<Expression> = NO_CHILDREN,
  attributes: ReadonlyArray<Attribute> = NO_ATTRIBUTES,
): Expression =>
  new Expression(Tag.App, opcode, NIL, args, NO_PARAMETERS, attributes.length < 2 ? attributes : inOrder(attributes));

const branch = (tag: Tag, code: number, children: ReadonlyArray<Expression>): Expression =>
  new Expression(tag, code, NIL, children, NO_PARAMETERS, NO_ATTRIBUTES);

/** `a >> b`: a's output is b's input. */
export const seq = (a: Expression, b: Expression): Expression => branch(Tag.Seq, 0, [a, b]);

/** `a | b`: both get the same input; the results are paired. */
export const par = (a: Expression, b: Expression): Expression => branch(Tag.Par, 0, [a, b]);

/** A conditional. */
export const cond = (predicate: Expression, yes: Expression, no: Expression): Expression =>
  branch(Tag.Cond, 0, [predicate, yes, no]);

/** `let sym = bound in body`. */
export const letIn = (sym: number, bound: Expression, body: Expression): Expression =>
  branch(Tag.Let, sym, [bound, body]);

/** A function. Throws `RMIL_TEXT` when two parameters have one name. */
export const lam = (parameters: ReadonlyArray<Parameter>, body: Expression): Expression => {
  const names = new Set(parameters.map(({ sym }) => sym));
  if (names.size < parameters.length) {
    const twice = parameters.find(({ sym }, index) => parameters.findIndex((other) => other.sym === sym) < index)!;
    throw badText({ what: "lambda", reason: `parameter ${twice.sym} stands twice` });
  }
  return new Expression(Tag.Lam, 0, NIL, [body], parameters, NO_ATTRIBUTES);
};

/** A function called. */
export const call = (callee: Expression, args: ReadonlyArray<Expression>): Expression =>
  branch(Tag.Call, 0, [callee, ...args]);

/** Expressions in order; the last one is the answer. */
export const block = (expressions: ReadonlyArray<Expression>): Expression => branch(Tag.Block, 0, expressions);

/** The same node over other children. */
export const withChildren = (node: Expression, children: ReadonlyArray<Expression>): Expression =>
  new Expression(node.tag, node.code, node.value, children, node.parameters, node.attributes);

const equalAttributes = (a: ReadonlyArray<Attribute>, b: ReadonlyArray<Attribute>): boolean =>
  a.length === b.length && a.every(({ name, value }, i) => name === b[i].name && equalValues(value, b[i].value));

/** Equality of two nodes' own fields, as many children included, but not what they are. */
export const equalFields = (a: Expression, b: Expression): boolean => {
  if (a.tag !== b.tag || a.code !== b.code || a.depth !== b.depth || a.children.length !== b.children.length) {
    return false;
  }
  if (a.tag === Tag.Lit && !equalValues(a.value, b.value)) return false;
  if (!equalAttributes(a.attributes, b.attributes)) return false;
  if (a.parameters.length !== b.parameters.length) return false;
  for (let i = 0; i < a.parameters.length; i++) {
    if (a.parameters[i].sym !== b.parameters[i].sym) return false;
    if (!equalTypes(a.parameters[i].type, b.parameters[i].type)) return false;
  }
  return true;
};

/** Structural equality: floats by bits, symbols by index. */
export const equalExpressions = (a: Expression, b: Expression): boolean => {
  if (a === b) return true;
  if (!equalFields(a, b)) return false;
  for (let i = 0; i < a.children.length; i++) if (!equalExpressions(a.children[i], b.children[i])) return false;
  return true;
};

/** Number of nodes; values inside literals and types do not count. */
export const nodeCount = (root: Expression): number => root.size;

/** Opcodes applied anywhere in the tree, ascending. */
export const opcodesOf = (root: Expression): ReadonlyArray<number> => {
  const found = new Set<number>();
  const visit = (node: Expression): void => {
    if (node.tag === Tag.App) found.add(node.code);
    for (const child of node.children) visit(child);
  };
  visit(root);
  return [...found].sort((a, b) => a - b);
};
