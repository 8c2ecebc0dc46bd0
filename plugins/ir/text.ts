/**
 * Text: programs printed for people, and read back.
 *
 * Not RMIL (the language is plugins/rmil/) and not canonical bytes (hash.ts).
 * Invariant: `parseProgram(printProgram(p))` has the same functions, types, constants (bit for bit, all NaN being one),
 * names and locations as p.
 *
 * @module
 */
import { makeProgram, MAX_NAME } from "./check.ts";
import { badSyntax, overLimit, wrongCount } from "./failures.ts";
import type { Attribute, Attributes, IrFunction, Node, Program } from "./graph.ts";
import { type Dimension, dimension } from "./dimension.ts";
import type { Constraint } from "./solver.ts";
import { isFloat, parseType, printType, type TensorType } from "./types.ts";
import { type Element, elementCount, elements, fromBytes, isTensor, type Tensor, tensor, toBytes } from "./value.ts";

/** Longest text of a program. */
export const MAX_PROGRAM_TEXT: number = 2 ** 26;

/** Constants with more elements are printed as bytes. */
export const MAX_PRINTED_ELEMENTS = 64;

/** Deepest nesting of lists in an attribute. */
export const MAX_ATTRIBUTE_DEPTH = 8;

const NAME = /^[A-Za-z_][A-Za-z0-9_.]*$/u;

const printElement = (element: Element): string => {
  if (typeof element !== "number") return String(element);
  if (Number.isNaN(element)) return "nan";
  if (Math.abs(element) === Infinity) return element > 0 ? "inf" : "-inf";
  return Object.is(element, -0) ? "-0" : String(element);
};

const toHex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

const printTensor = (value: Tensor): string =>
  value.data.length > MAX_PRINTED_ELEMENTS
    ? `${printType(value)} x${toHex(toBytes(value))}`
    : `${printType(value)} (${elements(value).map(printElement).join(", ")})`;

const printAttribute = (value: Attribute): string => {
  if (Array.isArray(value)) return `[${value.map(printAttribute).join(", ")}]`;
  if (isTensor(value)) return printTensor(value as Tensor);
  return typeof value === "string" ? JSON.stringify(value) : String(value);
};

const printAttributes = (attributes: Attributes): string => {
  const names = Object.keys(attributes).sort();
  if (names.length === 0) return "";
  return ` {${names.map((name) => `${name} = ${printAttribute(attributes[name])}`).join(", ")}}`;
};

const numbered = (from: number, types: ReadonlyArray<TensorType>): string =>
  types.map((type, i) => `%${from + i}: ${printType(type)}`).join(", ");

const values = (numbers: ReadonlyArray<number>): string => numbers.map((value) => `%${value}`).join(", ");

const printNode = (node: Node, first: number): string => {
  const functions = node.functions.map((name) => ` @${name}`).join("");
  const location = node.location === undefined ? "" : ` at ${JSON.stringify(node.location)}`;
  const head = node.results.length === 0 ? "" : `${numbered(first, node.results)} = `;
  return `  ${head}${node.op}(${values(node.operands)})${functions}${printAttributes(node.attributes)}${location}`;
};

const printFunction = (fn: IrFunction): string => {
  const parameters = fn.parameters.map(({ name, type }, i) => {
    const spelled = NAME.test(name) ? name : JSON.stringify(name);
    return `%${i} ${spelled}: ${printType(type)}`;
  });
  const sizes = fn.sizes.length === 0 ? "" : `[${fn.sizes.join(", ")}]`;
  const where = fn.constraints.length === 0 ? "" : ` where ${fn.constraints.map(([a, b]) => `${a} = ${b}`).join(", ")}`;
  let next = fn.parameters.length;
  const nodes = fn.nodes.map((node) => {
    const line = printNode(node, next);
    next += node.results.length;
    return line;
  });
  const returned = fn.returns.length === 0 ? "  return" : `  return ${values(fn.returns)}`;
  return [`func @${fn.name}${sizes}(${parameters.join(", ")})${where} {`, ...nodes, returned, "}"].join("\n");
};

/** The text of functions that need not have been checked, as long as they are well formed. */
export const printFunctions = ({ entry, functions }: UncheckedProgram): string =>
  [`program @${entry}`, ...functions.map(printFunction)].join("\n\n") + "\n";

/** The text of a program. */
export const printProgram = (program: Program): string =>
  printFunctions({ entry: program.entry, functions: [...program.functions.values()] });

const BLANK = /[ \t\r\n]*/uy;

// Only repetitions of one character class: a repeated group would take stack for every turn.
const TOKENS = {
  word: /[A-Za-z_][A-Za-z0-9_.]*/uy,
  value: /%[0-9]{1,9}/uy,
  global: /@[A-Za-z_][A-Za-z0-9_.]*/uy,
  number: /-?(?:[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|inf|nan)/uy,
  hex: /x[0-9a-f]*/uy,
  type: /[a-z0-9]+[ ]*\[[^\]\n]*\]/uy,
};

/** Functions as they were written, not yet checked. */
export interface UncheckedProgram {
  /** Name of the function that running runs. */
  readonly entry: string;
  /** The functions, in any order. */
  readonly functions: ReadonlyArray<IrFunction>;
}

class ProgramReader {
  private position = 0;
  constructor(private readonly text: string) {}

  private place(): { readonly line: number; readonly column: number } {
    const before = this.text.slice(0, this.position);
    const line = before.split("\n").length;
    return { line, column: this.position - before.lastIndexOf("\n") };
  }

  refuse(expected: string): never {
    const actual = this.position >= this.text.length
      ? "the end"
      : JSON.stringify(this.text.slice(this.position, this.position + 24).split("\n")[0]);
    const { line, column } = this.place();
    throw badSyntax({ line, column, expected, actual, path: "/program" });
  }

  private space(): void {
    for (;;) {
      BLANK.lastIndex = this.position;
      BLANK.exec(this.text);
      this.position = BLANK.lastIndex;
      if (this.text[this.position] !== "#") return;
      const end = this.text.indexOf("\n", this.position);
      this.position = end < 0 ? this.text.length : end;
    }
  }

  private match(kind: keyof typeof TOKENS): string | undefined {
    this.space();
    const pattern = TOKENS[kind];
    pattern.lastIndex = this.position;
    const found = pattern.exec(this.text);
    if (found === null) return undefined;
    this.position = pattern.lastIndex;
    return found[0];
  }

  private need(kind: keyof typeof TOKENS, expected: string): string {
    const found = this.match(kind) ?? this.refuse(expected);
    // One character may be the sigil before the name.
    if ((kind === "word" || kind === "global") && found.length > MAX_NAME + 1) {
      throw overLimit({ what: "a name", limit: MAX_NAME, found: found.length, path: "/program" });
    }
    return found;
  }

  private accept(symbol: string): boolean {
    this.space();
    if (!this.text.startsWith(symbol, this.position)) return false;
    this.position += symbol.length;
    return true;
  }

  private expect(symbol: string): void {
    if (!this.accept(symbol)) this.refuse(`"${symbol}"`);
  }

  /** A word that stands alone, so that `returned` is not `return`. */
  private acceptWord(word: string): boolean {
    this.space();
    const start = this.position;
    if (this.match("word") === word) return true;
    this.position = start;
    return false;
  }

  private expectWord(word: string): void {
    if (!this.acceptWord(word)) this.refuse(`"${word}"`);
  }

  private listUntil<A>(end: string, item: () => A): A[] {
    const items: A[] = [];
    if (this.accept(end)) return items;
    do items.push(item()); while (this.accept(","));
    this.expect(end);
    return items;
  }

  private type(): TensorType {
    return parseType(this.need("type", "a type such as f32[2,3]"));
  }

  private quoted(): string {
    this.space();
    const start = this.position;
    if (this.text[start] !== '"') return this.refuse("a quoted text");
    let end = start + 1;
    while (end < this.text.length && this.text[end] !== '"' && this.text[end] !== "\n") {
      end += this.text[end] === "\\" ? 2 : 1;
    }
    try {
      const found = JSON.parse(this.text.slice(start, end + 1)) as string;
      this.position = end + 1;
      return found;
    } catch {
      return this.refuse("a quoted text with JSON escapes");
    }
  }

  /** A dimension: text up to a comma outside parentheses, an equals sign or a brace. */
  private size(): Dimension {
    this.space();
    let end = this.position;
    for (let depth = 0; end < this.text.length; end++) {
      const symbol = this.text[end];
      if (symbol === "(") depth++;
      else if (symbol === ")") depth--;
      else if (symbol === "=" || symbol === "{" || (symbol === "," && depth === 0)) break;
    }
    const found = dimension(this.text.slice(this.position, end).trim());
    this.position = end;
    return found;
  }

  private element(type: TensorType): Element {
    const word = this.match("number") ?? this.match("word");
    if (word === "true" || word === "false") return word === "true";
    if (word === "nan" || word === "-nan") return NaN;
    if (word === "inf" || word === "-inf") return word === "inf" ? Infinity : -Infinity;
    if (word === undefined || !/^-?[0-9]/u.test(word)) return this.refuse(`an element of ${printType(type)}`);
    if (isFloat(type.dtype)) return Number(word);
    return /^-?[0-9]+$/u.test(word) ? BigInt(word) : this.refuse(`an element of ${printType(type)}`);
  }

  private tensor(): Tensor {
    const type = this.type();
    const shape = type.shape.map((size) => typeof size === "number" ? size : this.refuse("known sizes"));
    if (!this.accept("(")) {
      const hex = this.need("hex", '"(" or "x" and bytes').slice(1);
      if (hex.length % 2 === 1) return this.refuse("two digits for every byte");
      const bytes = new Uint8Array(hex.length / 2);
      for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
      return fromBytes(type.dtype, shape, bytes);
    }
    const items = this.listUntil(")", () => this.element(type));
    if (items.length !== elementCount(shape)) {
      throw wrongCount({ op: printType(type), of: "elements", count: elementCount(shape), found: items.length });
    }
    return tensor(type.dtype, shape, items);
  }

  private attribute(depth: number): Attribute {
    if (depth > MAX_ATTRIBUTE_DEPTH) return this.refuse(`lists at most ${MAX_ATTRIBUTE_DEPTH} deep`);
    if (this.accept("[")) return this.listUntil("]", () => this.attribute(depth + 1));
    this.space();
    if (this.text[this.position] === '"') return this.quoted();
    const number = this.match("number");
    if (number !== undefined) return Number(number);
    if (this.acceptWord("true")) return true;
    if (this.acceptWord("false")) return false;
    return this.tensor();
  }

  private attributes(): Attributes {
    if (!this.accept("{")) return {};
    const pairs = this.listUntil("}", () => {
      const name = this.need("word", "an attribute's name");
      this.expect("=");
      return [name, this.attribute(0)] as const;
    });
    const made = Object.fromEntries(pairs);
    if (Object.keys(made).length !== pairs.length) this.refuse("every attribute once");
    return made;
  }

  private value(): number {
    return Number(this.need("value", "a value such as %0").slice(1));
  }

  private global(): string {
    return this.need("global", "a function such as @main").slice(1);
  }

  private numbered(next: number, expected: string): void {
    if (this.value() !== next) this.refuse(`${expected} numbered %${next}`);
  }

  private node(next: number): Node {
    const results: TensorType[] = [];
    this.space();
    if (this.text[this.position] === "%") {
      do {
        this.numbered(next + results.length, "results");
        this.expect(":");
        results.push(this.type());
      } while (this.accept(","));
      this.expect("=");
    }
    const op = this.need("word", "an operation");
    this.expect("(");
    const operands = this.listUntil(")", () => this.value());
    const functions: string[] = [];
    for (this.space(); this.text[this.position] === "@"; this.space()) functions.push(this.global());
    const attributes = this.attributes();
    const location = this.acceptWord("at") ? { location: this.quoted() } : {};
    return { op, operands, attributes, functions, results, ...location };
  }

  private parameterName(): string {
    this.space();
    return this.text[this.position] === '"' ? this.quoted() : this.need("word", "a parameter's name");
  }

  private equality(): Constraint {
    const left = this.size();
    this.expect("=");
    return [left, this.size()];
  }

  private function(): IrFunction {
    this.expectWord("func");
    const name = this.global();
    const sizes = this.accept("[") ? this.listUntil("]", () => this.need("word", "a size's name")) : [];
    this.expect("(");
    let parameterCount = 0;
    const parameters = this.listUntil(")", () => {
      this.numbered(parameterCount++, "a parameter");
      const parameter = this.parameterName();
      this.expect(":");
      return { name: parameter, type: this.type() };
    });
    const constraints: Constraint[] = [];
    if (this.acceptWord("where")) { do constraints.push(this.equality()); while (this.accept(",")); }
    this.expect("{");
    const nodes: Node[] = [];
    let next = parameters.length;
    while (!this.acceptWord("return")) {
      const node = this.node(next);
      next += node.results.length;
      nodes.push(node);
    }
    const returns = this.listUntil("}", () => this.value());
    return { name, sizes, parameters, constraints, nodes, returns };
  }

  program(): UncheckedProgram {
    this.expectWord("program");
    const entry = this.global();
    const functions: IrFunction[] = [];
    for (this.space(); this.position < this.text.length; this.space()) functions.push(this.function());
    return { entry, functions };
  }
}

/** Reads a program's functions without checking what they say; throws `IR_SYNTAX` and what types and literals refuse. */
export const parseFunctions = (text: string): UncheckedProgram => {
  if (text.length > MAX_PROGRAM_TEXT) {
    throw overLimit({ what: "a program's text", limit: MAX_PROGRAM_TEXT, found: text.length });
  }
  return new ProgramReader(text).program();
};

/**
 * Reads a program; throws `IR_SYNTAX` with line and column, or what the checks refuse.
 *
 * @example
 * ```ts
 * import { evaluate, parseProgram, tensor, toNested } from "@rmi/rmi/ir";
 * import assert from "node:assert/strict";
 * const program = parseProgram(`program @main
 * func @main(%0 x: f32[2]) {
 *   %1: f32[2] = add(%0, %0)
 *   return %1
 * }`);
 * assert.deepEqual(toNested(evaluate(program, [tensor("f32", [2], [1, 2])]).results[0]), [2, 4]);
 * ```
 */
export const parseProgram = (text: string): Program => {
  const { entry, functions } = parseFunctions(text);
  return makeProgram(functions, entry);
};
