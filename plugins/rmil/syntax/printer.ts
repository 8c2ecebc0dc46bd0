/**
 * Printer: every tree as source text that reads back to the same tree.
 *
 * Not the formatter (format.ts), which keeps comments and breaks lines of text that a person wrote.
 * Invariant: `parse(print(x)) = x` for every expression over its symbol table. Where the original's own printing reads
 * back to the same tree, this is the same text.
 *
 * @module
 */
import { type Expression, Tag } from "../expression.ts";
import { nameOf } from "../opcodes.ts";
import type { Symbols } from "../symbols.ts";
import type { Type } from "../types.ts";
import { toBigInt, type Value } from "../value.ts";
import { showName } from "./lexer.ts";
import { showFloat32, showFloat64 } from "./numbers.ts";
import { showSizes, showTensor } from "./tensors.ts";

/** Where an expression stands: what binds looser gets brackets. */
const Level = { top: 0, pipeline: 1, parallel: 2, atom: 3 } as const;
type Level = typeof Level[keyof typeof Level];

const showTypes = (types: ReadonlyArray<Type>): string => types.map(printType).join(", ");

/** A type as source text. */
export const printType = (type: Type): string => {
  switch (type.k) {
    case "Void":
      return "void";
    case "Scalar":
      return type.dtype === "b1" ? "bool" : type.dtype;
    case "Tensor":
      return `${type.dtype === "b1" ? "bool" : type.dtype}${showSizes(type.shape)}`;
    case "Sym":
      return "sym";
    case "Fn":
      return `(${showTypes(type.inputs)}) -> (${showTypes(type.outputs)})`;
    case "Tuple":
      return type.items.length === 1 ? `(${printType(type.items[0])},)` : `(${showTypes(type.items)})`;
    case "Union":
      return `union<${showTypes(type.items)}>`;
    case "Var":
      return `var<${type.id}>`;
    case "Opaque":
      return `opaque<${type.id}>`;
  }
};

const symbolText = (sym: number, symbols: Symbols | undefined): string => {
  const name = symbols?.nameOf(sym);
  return name === undefined ? `@${sym}` : showName(name);
};

/** A value as source text; names come from the table, symbols that it lacks are written by their index. */
export const printValue = (value: Value, symbols?: Symbols): string => {
  switch (value.k) {
    case "Nil":
      return "nil";
    case "Bool":
      return value.v ? "true" : "false";
    case "I64":
      return String(toBigInt(value));
    case "F32":
      return showFloat32(value);
    case "F64":
      return showFloat64(value);
    case "Tensor":
      return showTensor(value);
    case "Sym":
      return `#${symbolText(value.sym, symbols)}`;
    case "Tuple": {
      const items = value.items.map((item) => printValue(item, symbols)).join(", ");
      return value.items.length === 1 ? `(${items},)` : `(${items})`;
    }
  }
};

class Printer {
  readonly #symbols: Symbols | undefined;
  readonly #parts: Array<string> = [];

  constructor(symbols: Symbols | undefined) {
    this.#symbols = symbols;
  }

  get text(): string {
    return this.#parts.join("");
  }

  #symbol(sym: number): string {
    return symbolText(sym, this.#symbols);
  }

  #bracketed(node: Expression): void {
    this.#parts.push("(");
    this.print(node, Level.top, true);
    this.#parts.push(")");
  }

  /** Children between separators; each stands alone, so that greedy forms end with it. */
  #list(nodes: ReadonlyArray<Expression>, separator: string): void {
    nodes.forEach((node, index) => {
      if (index > 0) this.#parts.push(separator);
      this.print(node, Level.top, true);
    });
  }

  #application(node: Expression): void {
    this.#parts.push(nameOf(node.code) ?? `op<${node.code}>`);
    if (node.children.length + node.attributes.length === 0) return;
    this.#parts.push("(");
    this.#list(node.children, ", ");
    node.attributes.forEach(({ name, value }, index) => {
      const separator = index + node.children.length > 0 ? ", " : "";
      this.#parts.push(`${separator}${showName(name)}: ${printValue(value, this.#symbols)}`);
    });
    this.#parts.push(")");
  }

  /** Forms that end with an expression that takes whatever follows. */
  #greedy({ tag, code, parameters, children }: Expression): void {
    const parts = this.#parts;
    if (tag === Tag.Cond) {
      parts.push("if ");
      this.print(children[0], Level.top, true);
      parts.push(" then ");
      this.print(children[1], Level.top, true);
      parts.push(" else ");
    } else if (tag === Tag.Let) {
      parts.push(`let ${this.#symbol(code)} = `);
      this.print(children[0], Level.top, true);
      parts.push(" in ");
    } else {
      const list = parameters.map(({ sym, type }) => `${this.#symbol(sym)}: ${printType(type)}`).join(", ");
      parts.push(`\\(${list}) -> `);
    }
    this.print(children[children.length - 1], Level.top, true);
  }

  #call([callee, ...args]: ReadonlyArray<Expression>): void {
    // A call's own brackets would be taken for the arguments of an op, and calls do not follow calls.
    if (callee.tag === Tag.Lit || callee.tag === Tag.Ref) this.print(callee, Level.atom, false);
    else this.#bracketed(callee);
    this.#parts.push("(");
    this.#list(args, ", ");
    this.#parts.push(")");
  }

  #block(items: ReadonlyArray<Expression>): void {
    this.#parts.push("{ ");
    this.#list(items, "; ");
    this.#parts.push(items.length === 1 ? "; }" : " }");
  }

  /** `last` says that nothing follows within the same brackets, so that a greedy form needs none. */
  print(node: Expression, level: Level, last: boolean): void {
    const { tag, children } = node;
    switch (tag) {
      case Tag.Lit:
        this.#parts.push(printValue(node.value, this.#symbols));
        return;
      case Tag.Ref:
        this.#parts.push(`$${this.#symbol(node.code)}`);
        return;
      case Tag.App:
        return this.#application(node);
      case Tag.Seq:
        if (level > Level.pipeline) return this.#bracketed(node);
        this.print(children[0], Level.pipeline, false);
        this.#parts.push(" >> ");
        return this.print(children[1], Level.parallel, last);
      case Tag.Par:
        if (level > Level.parallel) return this.#bracketed(node);
        this.print(children[0], Level.parallel, false);
        this.#parts.push(" | ");
        return this.print(children[1], Level.atom, last);
      case Tag.Call:
        return this.#call(children);
      case Tag.Block:
        return this.#block(children);
      default:
        return last ? this.#greedy(node) : this.#bracketed(node);
    }
  }
}

/**
 * An expression as source text, in one line.
 *
 * @example
 * ```ts
 * import { parse, print } from "../library.ts";
 * import assert from "node:assert/strict";
 * const { root, symbols } = parse("let w=64 in linear( w )>>relu");
 * assert.equal(print(root, symbols), "let w = 64 in linear($w) >> relu");
 * ```
 */
export const print = (root: Expression, symbols?: Symbols): string => {
  const printer = new Printer(symbols);
  printer.print(root, Level.top, true);
  return printer.text;
};
