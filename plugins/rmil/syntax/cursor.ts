/**
 * Cursor: where a parser stands in its tokens, how it reports what it did not expect, and how it goes on after that.
 *
 * Not the grammar (parser.ts, type_parser.ts).
 * Invariant: every loop over a cursor ends: each turn takes a token or stands at the end.
 *
 * @module
 */
import { MAX_DEPTH } from "../expression.ts";
import { tooDeep } from "../failures.ts";
import { MAX_SIZE, sizeOf } from "../types.ts";
import { MAX_DIGITS } from "./literals.ts";
import type { Diagnostics, Span, TextEdit } from "./diagnostics.ts";
import type { Token, TokenKind } from "./lexer.ts";

const MAX_SHOWN = 24;

/** Marks and words at which a reader that has lost its way finds back. */
const STOPS: ReadonlySet<string> = new Set([
  ")",
  "}",
  "]",
  ">",
  ",",
  ";",
  ">>",
  "|",
  "then",
  "else",
  "in",
  "=",
  ":",
  "->",
]);

/** Tokens with a place. */
export class Cursor {
  /** Where what is wrong goes. */
  readonly diagnostics: Diagnostics;
  readonly #tokens: Array<Token>;
  #at = 0;
  #nesting = 0;

  constructor(tokens: ReadonlyArray<Token>, diagnostics: Diagnostics) {
    this.#tokens = [...tokens];
    this.diagnostics = diagnostics;
  }

  /** The token that comes next. */
  get token(): Token {
    return this.#tokens[this.#at];
  }

  /** The token after the next one; the last one stays the last. */
  get following(): Token {
    return this.#tokens[Math.min(this.#at + 1, this.#tokens.length - 1)];
  }

  /** Offset after the token taken last. */
  get end(): number {
    return this.#at === 0 ? 0 : this.#tokens[this.#at - 1].end;
  }

  /** Whether all tokens are taken. */
  get done(): boolean {
    return this.token.kind === "end";
  }

  /** Whether the next token is a mark or a word. */
  is(text: string): boolean {
    const { kind, text: found } = this.token;
    return (kind === "mark" || kind === "keyword") && found === text;
  }

  /** Whether the next token is of a kind. */
  isKind(kind: TokenKind): boolean {
    return this.token.kind === kind;
  }

  /** Takes the next token; the end stays. */
  take(): Token {
    const { token } = this;
    if (token.kind !== "end") this.#at++;
    return token;
  }

  /** Takes a mark or a word if it is next. */
  accept(text: string): boolean {
    if (!this.is(text)) return false;
    this.take();
    return true;
  }

  /** Takes `>`; of `>>`, its first half. */
  acceptClose(): boolean {
    if (!this.is(">>")) return this.accept(">");
    const { start, end } = this.token;
    this.#tokens[this.#at] = { kind: "mark", text: ">", start: start + 1, end };
    return true;
  }

  /** Takes a mark or a word, or reports that it is missing. */
  expect(text: string): boolean {
    if (text === ">" ? this.acceptClose() : this.accept(text)) return true;
    const at = this.end;
    const padded = /^[a-z]/u.test(text) ? ` ${text} ` : text;
    this.unexpected(`"${text}"`, `Insert ${text}`, { start: at, end: at, text: padded });
    return false;
  }

  /** How the next token reads in a message. */
  get found(): string {
    const { kind, text } = this.token;
    return kind === "end" ? "the end" : `"${text.slice(0, MAX_SHOWN)}"`;
  }

  /** Reports the next token. */
  unexpected(wanted: string, summary?: string, edit?: TextEdit): void {
    this.diagnostics.unexpected(this.token, wanted, this.found, summary, edit);
  }

  /** Whether something follows that a reader finds back at. */
  get stopped(): boolean {
    const { kind, text } = this.token;
    return kind === "end" || ((kind === "mark" || kind === "keyword") && STOPS.has(text));
  }

  /** Skips to where a reader finds back. */
  skip(): void {
    while (!this.stopped) this.take();
  }

  /** Gives up: what follows is not read, and nothing more is reported. */
  abandon(): void {
    this.diagnostics.open = false;
    this.#at = this.#tokens.length - 1;
  }

  /** Goes one level down; too deep, the text is given up and the answer is false. */
  enter(): boolean {
    if (this.#nesting++ < MAX_DEPTH) return true;
    const failure = tooDeep({ what: "program", limit: MAX_DEPTH, path: "/source", expected: MAX_DEPTH });
    this.diagnostics.add(this.token, failure);
    this.abandon();
    return false;
  }

  /** Comes back one level up. */
  leave(): void {
    this.#nesting--;
  }

  /** The span from an offset to the token taken last. */
  spanFrom(start: number): Span {
    return { start, end: Math.max(start, this.end) };
  }

  /** Items between commas up to a closing mark, which is taken; a comma may stand at the end. */
  list<A>(close: string, read: () => A): { readonly items: ReadonlyArray<A>; readonly comma: boolean } {
    const items: Array<A> = [];
    const list = new List(this, close);
    while (list.next()) items.push(read());
    return { items, comma: list.comma };
  }

  /** An integer from 0 up to a limit that numbers hold exactly. */
  integer(limit: number): number | undefined {
    return this.size(BigInt(limit)) as number | undefined;
  }

  /** A size from 0 up to a limit. */
  size(limit: bigint = MAX_SIZE): number | bigint | undefined {
    const { token } = this;
    if (!this.isKind("integer")) {
      this.unexpected("a size");
      this.skip();
      return undefined;
    }
    this.take();
    // A longer text is not even read: what it says is too large, and reading it takes longer than its length.
    const size = token.text.length <= MAX_DIGITS ? BigInt(token.text) : -1n;
    if (size >= 0n && size <= limit) return sizeOf(size);
    this.diagnostics.literal(token, token.text, `an integer from 0 to ${limit} is expected`);
    return undefined;
  }
}

/**
 * Items between commas up to a closing mark: `next` says whether an item follows, and takes what stands between and
 * after them.
 */
export class List {
  readonly #cursor: Cursor;
  readonly #close: string;
  readonly #strict: boolean;
  #start = -1;
  /** Whether a comma stands after the last item. */
  comma = false;

  /** With `strict`, no comma may stand at the end. */
  constructor(cursor: Cursor, close: string, strict = false) {
    this.#cursor = cursor;
    this.#close = close;
    this.#strict = strict;
  }

  get #closes(): boolean {
    return this.#cursor.is(this.#close) || (this.#close === ">" && this.#cursor.is(">>"));
  }

  /** Whether an item follows; where none does, the closing mark is taken. */
  next(): boolean {
    const follows = this.#start < 0 ? !this.#cursor.done && !this.#closes : this.#after();
    if (!follows) this.#cursor.expect(this.#close);
    else this.#start = this.#cursor.token.start;
    return follows;
  }

  #after(): boolean {
    const cursor = this.#cursor;
    this.comma = cursor.accept(",");
    if (this.comma) return this.#strict || (!cursor.done && !this.#closes);
    if (this.#closes || cursor.done || cursor.stopped) return false;
    const at = cursor.end;
    cursor.unexpected(`"," or "${this.#close}"`, "Insert ,", { start: at, end: at, text: "," });
    // What follows may be the next item; where the last one took nothing, it is skipped.
    if (cursor.token.start === this.#start) cursor.take();
    return !cursor.done;
  }
}
