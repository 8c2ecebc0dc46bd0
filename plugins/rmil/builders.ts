/**
 * Builders: programs written as TypeScript, as functions on trees, as a fluent chain, or as a template of source text.
 *
 * Not a second language: each form desugars exactly as the original's builders do (RMIL §4.3), so bytes agree.
 * Invariant: joining programs joins their symbol tables by name; a program that was given away never changes.
 *
 * @module
 */
import { app, cond as condOf, type Expression, lit, par as parOf, seq } from "./expression.ts";
import type { Program } from "./codec/v1.ts";
import { type OpName, OPS } from "./opcodes.ts";
import type { Symbols } from "./symbols.ts";
import { showName } from "./syntax/lexer.ts";
import { parse } from "./syntax/parser.ts";
import { print } from "./syntax/printer.ts";
import { bool, f32, i64, tupleValue, type Value } from "./value.ts";

/** An op without arguments: a stage. */
export const op = (name: OpName): Expression => app(OPS[name].code);

/** The stage that gives its input. */
export const identity: Expression = op("identity");

/** `first >> second >> …`, leaning left. */
export const andThen = (first: Expression, ...rest: ReadonlyArray<Expression>): Expression => rest.reduce(seq, first);

/** `first | second | …`, leaning left. */
export const par = (first: Expression, ...rest: ReadonlyArray<Expression>): Expression => rest.reduce(parOf, first);

/** `x` where the predicate is true, else the other. */
export const cond = (x: Expression, predicate: Expression, other: Expression): Expression =>
  condOf(predicate, x, other);

/** The input added to what `x` makes of it. */
export const residual = (x: Expression): Expression => app(OPS.res_add.code, [identity, x]);

/** `x` a number of times. */
export const repeat = (x: Expression, times: number): Expression => app(OPS.repeat.code, [x, lit(i64(times))]);

/** `x` on every item of a collection. */
export const mapOver = (x: Expression, collection: Expression): Expression => app(OPS.map.code, [x, collection]);

/** What an attribute is given as: integers and fractions by what they are, text as a symbol, a list as a tuple. */
export type AttributeInput = number | bigint | boolean | string | ReadonlyArray<number>;

/** A literal of a JavaScript value: whole numbers are I64, others F32. */
export const literal = (value: number | bigint | boolean): Value =>
  typeof value === "boolean"
    ? bool(value)
    : typeof value === "bigint" || Number.isSafeInteger(value)
    ? i64(value)
    : f32(Number(value));

const attributeText = (value: AttributeInput): string => {
  if (typeof value === "string") return `#${showName(value)}`;
  return print(lit(typeof value === "object" ? tupleValue(value.map(literal)) : literal(value)));
};

/** What can stand in a template: a program, a tree without names, or a literal. */
export type Part = Program | Expression | number | bigint | boolean;

const isProgram = (part: Program | Expression): part is Program => "root" in part;

const partText = (part: Part): string => {
  if (typeof part !== "object") return print(lit(literal(part)));
  return isProgram(part) ? `(${print(part.root, part.symbols)})` : `(${print(part)})`;
};

/** A program that grows by methods; each gives a new one. */
export class Flow implements Program {
  /** Its names. */
  readonly symbols: Symbols;
  /** Its tree. */
  readonly root: Expression;

  /** Use {@link flow} or {@link rmil}. */
  constructor({ symbols, root }: Program) {
    this.symbols = symbols;
    this.root = root;
  }

  /** This program's output into a stage, which is an op with its arguments, or a program. */
  andThen(stage: OpName | Part, ...args: ReadonlyArray<Part | { readonly [attribute: string]: AttributeInput }>): Flow {
    return rmil`${this} >> ${typeof stage === "string" ? flow(stage, ...args) : stage}`;
  }

  /** This program and another on the same input. */
  par(other: Part): Flow {
    return rmil`${this} | ${other}`;
  }

  /** This program where the predicate is true, else the other. */
  cond(predicate: Part, other: Part): Flow {
    return rmil`if ${predicate} then ${this} else ${other}`;
  }

  /** The input added to what this program makes of it. */
  residual(): Flow {
    return rmil`res_add(identity, ${this})`;
  }

  /** This program a number of times. */
  repeat(times: number): Flow {
    return rmil`repeat(${this}, ${times})`;
  }

  /** This program on every item of a collection. */
  mapOver(collection: Part): Flow {
    return rmil`map(${this}, ${collection})`;
  }

  /** The program as source text. */
  toString(): string {
    return print(this.root, this.symbols);
  }
}

/**
 * A program from source text. Programs and trees that stand in it are bracketed, numbers and booleans become literals.
 * Throws the failure of a text that is no program.
 *
 * @example
 * ```ts
 * import { rmil } from "./library.ts";
 * import assert from "node:assert/strict";
 * const block = rmil`layer_norm >> linear >> gelu`;
 * assert.equal(String(rmil`repeat(${block}, ${4}) >> linear(${10})`), "repeat(layer_norm >> linear >> gelu, 4) >> linear(10)");
 * ```
 */
export const rmil = (texts: TemplateStringsArray, ...parts: ReadonlyArray<Part>): Flow =>
  new Flow(parse(String.raw(texts, ...parts.map(partText)), { dangling: true }));

const isAttributes = (arg: unknown): arg is { readonly [attribute: string]: AttributeInput } =>
  typeof arg === "object" && arg !== null && Object.getPrototypeOf(arg) === Object.prototype && !("root" in arg);

/**
 * A stage as a program: an op with arguments; a plain object among them gives named attributes.
 *
 * @example
 * ```ts
 * import { flow } from "./library.ts";
 * import assert from "node:assert/strict";
 * const block = flow("layer_norm").andThen("attn", { heads: 4, causal: true }).andThen("drop", 0.1).residual();
 * assert.equal(
 *   String(block),
 *   "res_add(identity, layer_norm >> attn(causal: true, heads: 4) >> drop(0.1))",
 * );
 * ```
 */
export const flow = (
  name: OpName,
  ...args: ReadonlyArray<Part | { readonly [attribute: string]: AttributeInput }>
): Flow => {
  const texts = args.flatMap((arg) =>
    isAttributes(arg)
      ? Object.entries(arg).map(([attribute, value]) => `${showName(attribute)}: ${attributeText(value)}`)
      : [partText(arg as Part)]
  );
  return new Flow(parse(`${name}(${texts.join(", ")})`, { dangling: true }));
};
