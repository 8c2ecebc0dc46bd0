/**
 * Parser: source text into an expression, with the place of every node and every fault found on the way.
 *
 * ```ebnf
 * program  = pipeline ;
 * pipeline = parallel { ">>" parallel } ;               parallel = atom { "|" atom } ;
 * atom     = "if" pipeline "then" pipeline "else" pipeline | "let" name "=" pipeline "in" pipeline
 *          | "\" "(" [ name ":" type { "," name ":" type } ] ")" "->" pipeline
 *          | "{" { pipeline [ ";" ] } "}" | primary [ "(" [ argument { "," argument } ] ")" ] ;
 * argument = pipeline | name ":" literal ;              name = NAME | QUOTED | "@" INT ;
 * primary  = OP | "op" "<" INT ">" | name | "$" name | literal | "(" pipeline ")" ;
 * literal  = INT | FLOAT | "true" | "false" | "nil" | "#" name | tensor | "(" [ literal "," { literal [ "," ] } ] ")" ;
 * ```
 *
 * Beyond the original: quoted names and `@` for symbols by index, `op<n>` for opcodes by number, named attributes, all
 * types and literals, and `{ x; }`, a block of one. A call of a bracketed op is a call, not an op with other arguments.
 * Symbols are numbered as in the original: a name when it is met, a let's name after its bound expression and body.
 *
 * Invariant: any text is read to its end, in time linear in its length; nothing is thrown for its content.
 *
 * @module
 */
import { isFailure } from "../../../kernel/failure.ts";
import {
  app,
  type Attribute,
  block,
  call,
  cond,
  type Expression,
  lam,
  letIn,
  lit,
  MAX_NODES,
  par,
  type Parameter,
  ref,
  seq,
  Tag,
} from "../expression.ts";
import { badSize, unknownSymbol } from "../failures.ts";
import { nearestOps, opNamed } from "../opcodes.ts";
import { Symbols } from "../symbols.ts";
import { NIL, symbolValue, tupleValue, type Value } from "../value.ts";
import { Cursor, List } from "./cursor.ts";
import { Diagnostics, type Span } from "./diagnostics.ts";
import { lex, type Token } from "./lexer.ts";
import { KEYWORD_VALUES, readNumber } from "./literals.ts";
import type { NameRole, NameUse, Parsed, ParseOptions } from "./parsed.ts";
import { readTensor, readType } from "./type_parser.ts";

export type { NameRole, NameUse, Parsed, ParseOptions } from "./parsed.ts";

/** Longest source text. */
export const MAX_SOURCE: number = 2 ** 24;

const MAX_U32 = 0xffffffff;
const MAX_U16 = 0xffff;
/** Free names that are compared with the names of ops. */
const MAX_COMPARED = 100;
const SHORTEST_COMPARED = 3;

/** Reads a part; what it yields for is a pipeline within it, which the loop in `run` reads, so that depth costs no stack. */
type Reading<A = Expression> = Generator<void, A, Expression>;

interface Arguments {
  readonly args: ReadonlyArray<Expression>;
  readonly attributes: ReadonlyArray<Attribute & { readonly span: Span }>;
}

class Parser {
  readonly #cursor: Cursor;
  readonly #symbols: Symbols;
  readonly spans = new Map<Expression, Span>();
  readonly names: Array<NameUse> = [];
  /** Symbols by index, to be checked when the table is complete. */
  readonly indices: Array<{ readonly index: number; readonly token: Token }> = [];
  /** How often each name is bound around the place that is read. */
  readonly #bound = new Map<string, number>();
  readonly #compared = new Map<string, ReadonlyArray<string>>();

  constructor(cursor: Cursor, symbols: Symbols) {
    this.#cursor = cursor;
    this.#symbols = symbols;
  }

  /** Keeps the place of a node; one that cannot be made is reported, and what there is stands for it. */
  #make(start: number, make: () => Expression, instead: () => Expression): Expression {
    const span = this.#cursor.spanFrom(start);
    let node: Expression;
    try {
      node = make();
    } catch (failure) {
      if (!isFailure(failure)) throw failure;
      this.#cursor.diagnostics.add(span, failure);
      if (failure.code === "RMIL_DEPTH") this.#cursor.abandon();
      node = instead();
    }
    this.spans.set(node, span);
    if (this.spans.size === MAX_NODES) {
      const failure = badSize({ what: "a program of nodes", size: "too many", reason: `the limit is ${MAX_NODES}` });
      this.#cursor.diagnostics.add(span, failure);
      this.#cursor.abandon();
    }
    return node;
  }

  #node(start: number, node: Expression): Expression {
    return this.#make(start, () => node, () => node);
  }

  #nothing(start: number): Expression {
    return this.#node(start, lit(NIL));
  }

  program(): Expression {
    const root = this.#run();
    const cursor = this.#cursor;
    while (!cursor.done) {
      cursor.unexpected("the end of the program");
      if (cursor.stopped) cursor.take();
      if (!cursor.done) this.#run();
    }
    return root;
  }

  /** Reads a pipeline with all that stands in it. */
  #run(): Expression {
    const stack: Array<Reading> = [];
    let reading = this.#pipeline();
    let inner: Expression | undefined;
    for (;;) {
      const turn = inner === undefined ? reading.next() : reading.next(inner);
      if (!turn.done) {
        stack.push(reading);
        reading = this.#pipeline();
        inner = undefined;
        continue;
      }
      const outer = stack.pop();
      if (outer === undefined) return turn.value;
      reading = outer;
      inner = turn.value;
    }
  }

  *#pipeline(): Reading {
    const cursor = this.#cursor;
    const { start } = cursor.token;
    let left: Expression | undefined;
    if (cursor.enter()) {
      do left = this.#join(start, left, yield* this.#parallel(), seq); while (cursor.accept(">>"));
    }
    cursor.leave();
    return left ?? this.#nothing(start);
  }

  *#parallel(): Reading {
    const { start } = this.#cursor.token;
    let left: Expression | undefined;
    do left = this.#join(start, left, yield* this.#atom(), par); while (this.#cursor.accept("|"));
    return left;
  }

  #join(start: number, left: Expression | undefined, right: Expression, join: typeof seq): Expression {
    return left === undefined ? right : this.#make(start, () => join(left, right), () => left);
  }

  *#atom(): Reading {
    const { start, kind, text } = this.#cursor.token;
    const form = kind === "mark" || kind === "keyword" ? text : "";
    switch (form) {
      case "if":
        return yield* this.#conditional(start);
      case "let":
        return yield* this.#binding(start);
      case "\\":
        return yield* this.#lambda(start);
      case "{":
        return yield* this.#block(start);
      default:
        return yield* this.#call(start);
    }
  }

  *#conditional(start: number): Reading {
    const cursor = this.#cursor;
    cursor.take();
    const predicate = yield;
    if (!cursor.expect("then")) return this.#node(start, cond(predicate, this.#nothing(start), this.#nothing(start)));
    const yes = yield;
    if (!cursor.expect("else")) return this.#node(start, cond(predicate, yes, this.#nothing(start)));
    const no = yield;
    return this.#make(start, () => cond(predicate, yes, no), () => predicate);
  }

  /** A name to be bound; what is none is reported. */
  #binder(role: NameRole): { readonly name: string | undefined; readonly symbol: () => number } {
    const { token } = this.#cursor;
    if (token.kind === "name" || token.kind === "quoted") {
      this.#cursor.take();
      this.names.push({ name: token.text, role, start: token.start, end: token.end });
      return { name: token.text, symbol: () => this.#symbols.intern(token.text) };
    }
    if (token.kind === "index") return { name: undefined, symbol: this.#index() };
    const quoted = token.kind === "keyword" ? `\`${token.text}\`` : undefined;
    const { start, end } = token;
    const edit = quoted === undefined ? undefined : { start, end, text: quoted };
    this.#cursor.unexpected("a name", quoted === undefined ? undefined : `Quote it: ${quoted}`, edit);
    if (!this.#cursor.stopped || (token.kind === "keyword" && this.#cursor.following.text === "=")) this.#cursor.take();
    return { name: undefined, symbol: () => 0 };
  }

  /** A symbol by its index. */
  #index(): () => number {
    const token = this.#cursor.take();
    const index = Number(token.text);
    if (index > MAX_U32) {
      this.#cursor.diagnostics.literal(token, `@${token.text}`, "a symbol's index has 32 bits");
      return () => 0;
    }
    this.indices.push({ index, token });
    return () => index;
  }

  /** Names are bound, or no longer bound, in what follows. */
  #scope(names: ReadonlyArray<string | undefined>, by: 1 | -1): void {
    for (const name of names) if (name !== undefined) this.#bound.set(name, (this.#bound.get(name) ?? 0) + by);
  }

  *#binding(start: number): Reading {
    const cursor = this.#cursor;
    cursor.take();
    const { name, symbol } = this.#binder("let");
    cursor.expect("=");
    this.#scope([name], 1);
    const bound = yield;
    const body = cursor.expect("in") ? yield : this.#nothing(cursor.end);
    this.#scope([name], -1);
    const sym = symbol();
    return this.#make(start, () => letIn(sym, bound, body), () => bound);
  }

  #parameter(names: Array<string | undefined>): Parameter {
    const { name, symbol } = this.#binder("parameter");
    names.push(name);
    const sym = symbol();
    const at = this.#cursor.end;
    if (!this.#cursor.is(":")) {
      const edit = { start: at, end: at, text: ": f32" };
      this.#cursor.unexpected('":" and a type', "Write the parameter's type, such as : f32", edit);
      this.#cursor.skip();
      return { sym, type: { k: "Void" } };
    }
    this.#cursor.take();
    return { sym, type: readType(this.#cursor) };
  }

  *#lambda(start: number): Reading {
    const cursor = this.#cursor;
    cursor.take();
    const names: Array<string | undefined> = [];
    const parameters = cursor.expect("(") ? cursor.list(")", () => this.#parameter(names)).items : [];
    cursor.expect("->");
    this.#scope(names, 1);
    const body = yield;
    this.#scope(names, -1);
    return this.#make(start, () => lam(parameters, body), () => body);
  }

  *#block(start: number): Reading {
    const cursor = this.#cursor;
    cursor.take();
    const items: Array<Expression> = [];
    let semicolon = false;
    while (!cursor.done && !cursor.is("}")) {
      const { start: from } = cursor.token;
      items.push(yield);
      semicolon = cursor.accept(";");
      // A stray mark that no item begins with would stop here for ever.
      if (cursor.token.start === from && !cursor.done) cursor.take();
    }
    cursor.expect("}");
    const [only] = items;
    return items.length === 1 && !semicolon ? only : this.#make(start, () => block(items), () => lit(NIL));
  }

  *#call(start: number): Reading {
    const cursor = this.#cursor;
    const { kind, text } = cursor.token;
    const row = kind === "name" ? opNamed(text) : undefined;
    if (row !== undefined) {
      const { start: from, end } = cursor.take();
      this.names.push({ name: text, role: "op", start: from, end });
      return yield* this.#application(start, row.code);
    }
    if (kind === "name" && text === "op" && cursor.following.text === "<") {
      cursor.take();
      cursor.take();
      const code = cursor.integer(MAX_U16) ?? 0;
      cursor.expect(">");
      return yield* this.#application(start, code);
    }
    const callee = yield* this.#primary();
    if (!cursor.is("(")) return callee;
    const { args, attributes } = yield* this.#arguments();
    const [first] = attributes;
    if (first !== undefined) {
      cursor.diagnostics.unexpected(first.span, "an argument", `"${first.name}:"`, "Only ops have named attributes");
    }
    return this.#make(start, () => call(callee, args), () => callee);
  }

  *#application(start: number, code: number): Reading {
    const { args, attributes } = this.#cursor.is("(") ? yield* this.#arguments() : { args: [], attributes: [] };
    return this.#make(start, () => app(code, args, attributes), () => lit(NIL));
  }

  *#arguments(): Reading<Arguments> {
    const cursor = this.#cursor;
    cursor.take();
    const args: Array<Expression> = [];
    const attributes: Array<Attribute & { readonly span: Span }> = [];
    const list = new List(cursor, ")", true);
    while (list.next()) {
      const named = (cursor.isKind("name") || cursor.isKind("quoted")) && cursor.following.kind === "mark" &&
        cursor.following.text === ":";
      if (!named) {
        args.push(yield);
        continue;
      }
      const { text: name, start, end } = cursor.take();
      cursor.take();
      this.names.push({ name, role: "attribute", start, end });
      const value = this.#literalOf(yield, "an attribute's value is a literal");
      attributes.push({ name, value, span: { start, end } });
    }
    return { args, attributes };
  }

  #literalOf(node: Expression, reason: string): Value {
    if (node.tag === Tag.Lit) return node.value;
    this.#cursor.diagnostics.literal(this.spans.get(node) ?? this.#cursor.token, "the value", reason);
    return NIL;
  }

  *#primary(): Reading {
    const cursor = this.#cursor;
    const { token } = cursor;
    const { start } = token;
    switch (token.kind) {
      case "name":
        if (token.text === "tensor" && cursor.following.text === "<") return this.#tensor(start);
        return this.#name(start, token);
      case "quoted":
      case "index":
        return this.#reference(start);
      case "keyword":
        if (Object.hasOwn(KEYWORD_VALUES, token.text)) {
          cursor.take();
          return this.#node(start, lit(KEYWORD_VALUES[token.text]));
        }
        return this.#missing(start);
      case "integer":
      case "float":
      case "bits":
        cursor.take();
        return this.#node(start, lit(readNumber(token, cursor.diagnostics)));
      case "mark":
        if (token.text === "(") return yield* this.#bracketed(start);
        if (token.text === "$" || token.text === "#") {
          cursor.take();
          return token.text === "$" ? this.#reference(start) : this.#symbol(start);
        }
        return this.#missing(start);
      default:
        return this.#missing(start);
    }
  }

  /** Reports that an expression is missing, skipping what cannot begin one. */
  #missing(start: number): Expression {
    this.#cursor.unexpected("an expression");
    this.#cursor.skip();
    return this.#nothing(start);
  }

  #name(start: number, { text, end }: Token): Expression {
    this.#compare(start, end, text);
    return this.#reference(start);
  }

  /** Warns of a free name that is nearly an op's. */
  #compare(start: number, end: number, name: string): void {
    if ((this.#bound.get(name) ?? 0) > 0 || name.length < SHORTEST_COMPARED) return;
    let near = this.#compared.get(name);
    if (near === undefined) {
      if (this.#compared.size >= MAX_COMPARED) return;
      near = nearestOps(name, 3);
      this.#compared.set(name, near);
    }
    if (near.length > 0) this.#cursor.diagnostics.misspelled({ start, end }, name, near);
  }

  #reference(start: number): Expression {
    const { symbol } = this.#binder("reference");
    const sym = symbol();
    return this.#node(start, ref(sym));
  }

  #symbol(start: number): Expression {
    const { symbol } = this.#binder("symbol");
    const sym = symbol();
    return this.#node(start, lit(symbolValue(sym)));
  }

  #tensor(start: number): Expression {
    this.#cursor.take();
    const value = readTensor(this.#cursor);
    return value === undefined ? this.#nothing(start) : this.#node(start, lit(value));
  }

  *#bracketed(start: number): Reading {
    const cursor = this.#cursor;
    cursor.take();
    if (cursor.accept(")")) return this.#node(start, lit(tupleValue([])));
    const first = yield;
    if (!cursor.is(",")) {
      cursor.expect(")");
      return first;
    }
    cursor.take();
    const items = [first];
    const list = new List(cursor, ")");
    while (list.next()) items.push(yield);
    const reason = "items of a tuple are literals; the results of expressions are paired by |";
    const values = items.map((item) => this.#literalOf(item, reason));
    return this.#node(start, lit(tupleValue(values)));
  }
}

/** Reads a text; whatever is wrong with it is in the diagnostics. */
export const parseSource = (source: string, options: ParseOptions = {}): Parsed => {
  const symbols = options.symbols ?? new Symbols();
  const diagnostics = new Diagnostics(source);
  if (source.length > MAX_SOURCE) {
    const reason = `the limit is ${MAX_SOURCE} characters`;
    diagnostics.add(
      { start: MAX_SOURCE, end: source.length },
      badSize({ what: "a text of characters", size: source.length, reason, path: "/source", expected: MAX_SOURCE }),
    );
    const root = lit(NIL);
    return { ok: false, root, symbols, spans: new Map(), names: [], comments: [], diagnostics: diagnostics.found };
  }
  const { tokens, comments } = lex(source, diagnostics);
  const cursor = new Cursor(tokens, diagnostics);
  const parser = new Parser(cursor, symbols);
  const root = parser.program();
  if (options.dangling !== true) {
    for (const { index, token } of parser.indices) {
      if (index < symbols.size) continue;
      diagnostics.add(token, unknownSymbol({ index, count: symbols.size, path: "/source" }));
    }
  }
  const found = diagnostics.found.toSorted((a, b) => a.span.start - b.span.start);
  const { spans, names } = parser;
  return { ok: !diagnostics.failed, root, symbols, spans, names, comments, diagnostics: found };
};

/** A program from source text. Throws the first failure in the text; `parseSource` gives all of them. */
export const parse = (source: string, options: ParseOptions = {}): Parsed => {
  const parsed = parseSource(source, options);
  const first = parsed.diagnostics.find(({ severity }) => severity === "error");
  if (first === undefined) return parsed;
  throw first.failure;
};
