/**
 * Lexer: source text into tokens and comments with exact places.
 *
 * Everything the original reads is read alike. Beyond it there are quoted names, `#symbols`, `@indices`, floats by width
 * or bits (`1.5f64`, `nan.f32`, `inf.f64`, `0x7fc00001.f32`), texts of hexadecimal digits, and `[ ] < > ?`.
 *
 * Invariant: tokens and comments cover all of the text but white space and what a diagnostic covers. Places are offsets
 * in UTF-16 code units.
 *
 * @module
 */
import type { Diagnostics, Span } from "./diagnostics.ts";

/** What a token is. */
export type TokenKind =
  | "name"
  | "quoted"
  | "keyword"
  | "integer"
  | "float"
  | "bits"
  | "text"
  | "index"
  | "mark"
  | "end";

/** A token. */
export interface Token extends Span {
  /** What it is. */
  readonly kind: TokenKind;
  /** Its meaning: of names without quotes, of marks the mark, of numbers the digits. */
  readonly text: string;
}

/** A comment, `//` to the end of its line. */
export interface Comment extends Span {
  /** Its text with the slashes, without white space at its end. */
  readonly text: string;
  /** Whether nothing but white space stands before it in its line. */
  readonly ownLine: boolean;
}

/** What the lexer found. */
export interface Lexed {
  /** Tokens, ending with one of kind `end`. */
  readonly tokens: ReadonlyArray<Token>;
  /** Comments in order. */
  readonly comments: ReadonlyArray<Comment>;
}

/** Words that are no names. */
export const KEYWORDS: ReadonlySet<string> = new Set(["true", "false", "nil", "if", "then", "else", "let", "in"]);

const NAME = /[A-Za-z_][A-Za-z0-9_]*/uy;
const SPECIAL = /(?:-?inf|nan)\.f(?:32|64)(?![A-Za-z0-9_])/uy;
const BITS = /0x(?:[0-9a-fA-F]{16}\.f64|[0-9a-fA-F]{8}\.f32)(?![A-Za-z0-9_])/uy;
const FLOAT = /-?[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]*)?(?:f(?:32|64)(?![A-Za-z0-9_]))?/uy;
const INTEGER = /-?[0-9]+/uy;
const INDEX = /@[0-9]+/uy;
const QUOTED = /`(?:[^`\\\n]|\\.)*`/uy;
const TEXT = /"[^"\n]*"/uy;
const MARK = />>|->|[(){},:;=$\\|#<>[\]?]/uy;
const BLANK = /[ \t\n\f\r]+/uy;
const COMMENT = /\/\/[^\n]*/uy;

const ESCAPES: { readonly [escape: string]: string } = { n: "\n", r: "\r", t: "\t", "`": "`", "\\": "\\" };
const ESCAPE = /\\(?:u\{([0-9a-fA-F]{1,6})\}|(.))/gu;
const LAST_CODE_POINT = 0x10ffff;

/** The name that a quoted one spells; `undefined` where an escape is none. */
const unquote = (quoted: string): string | undefined => {
  let valid = true;
  const name = quoted.slice(1, -1).replace(ESCAPE, (_, point: string | undefined, letter: string | undefined) => {
    const code = point === undefined ? undefined : parseInt(point, 16);
    const plain = code === undefined
      ? ESCAPES[letter!]
      : code <= LAST_CODE_POINT
      ? String.fromCodePoint(code)
      : undefined;
    valid &&= plain !== undefined;
    return plain ?? "";
  });
  return valid && name.isWellFormed() ? name : undefined;
};

const PLAIN = /^[A-Za-z_][A-Za-z0-9_]*$/u;
// deno-lint-ignore no-control-regex -- control characters are what has to be escaped
const ESCAPED = /[\\`\u0000-\u001f\u007f-\u009f\u2028\u2029]/gu;

/** A name as source text: as it is where it is plain and no keyword, else quoted. */
export const showName = (name: string): string =>
  PLAIN.test(name) && !KEYWORDS.has(name) ? name : `\`${
    name.replace(
      ESCAPED,
      (letter) => letter === "`" || letter === "\\" ? `\\${letter}` : `\\u{${letter.codePointAt(0)!.toString(16)}}`,
    )
  }\``;

class Lexer {
  readonly #source: string;
  readonly #diagnostics: Diagnostics;
  readonly #tokens: Array<Token> = [];
  readonly #comments: Array<Comment> = [];
  #at = 0;
  #lineIsBlank = true;

  constructor(source: string, diagnostics: Diagnostics) {
    this.#source = source;
    this.#diagnostics = diagnostics;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#source)?.[0];
  }

  #push(kind: TokenKind, raw: string, text = raw): void {
    this.#tokens.push({ kind, text, start: this.#at, end: this.#at + raw.length });
    this.#at += raw.length;
    this.#lineIsBlank = false;
  }

  #blank(): boolean {
    const blank = this.#match(BLANK);
    if (blank !== undefined) {
      this.#at += blank.length;
      this.#lineIsBlank ||= blank.includes("\n");
      return true;
    }
    const comment = this.#match(COMMENT);
    if (comment === undefined) return false;
    const text = comment.trimEnd();
    this.#comments.push({ text, ownLine: this.#lineIsBlank, start: this.#at, end: this.#at + text.length });
    this.#at += comment.length;
    return true;
  }

  #number(): boolean {
    const special = this.#match(SPECIAL);
    if (special !== undefined) return this.#push("float", special), true;
    const bits = this.#match(BITS);
    if (bits !== undefined) return this.#push("bits", bits, bits.slice(2, -".f32".length).toLowerCase()), true;
    const float = this.#match(FLOAT);
    if (float !== undefined) {
      if (/[eE][+-]?(?:f|$)/u.test(float)) {
        this.#refuse(float, "its exponent has no digits", `${float.replace(/[eE].*$/u, "")}`);
      } else this.#push("float", float);
      return true;
    }
    const integer = this.#match(INTEGER);
    if (integer === undefined) return false;
    if (this.#source[this.#at + integer.length] === ".") {
      this.#refuse(`${integer}.`, "a digit must follow the point", `${integer}.0`);
    } else this.#push("integer", integer);
    return true;
  }

  /** Reports a malformed literal, and goes on as if it were what the fix says. */
  #refuse(raw: string, reason: string, instead: string): void {
    this.#diagnostics.literal({ start: this.#at, end: this.#at + raw.length }, raw, reason, instead);
    this.#push("float", raw, instead);
  }

  #quoted(): boolean {
    const raw = this.#match(QUOTED);
    if (raw === undefined) return false;
    const name = unquote(raw);
    if (name === undefined) {
      this.#diagnostics.literal({ start: this.#at, end: this.#at + raw.length }, raw, "an escape in it is none");
    }
    this.#push("quoted", raw, name ?? "");
    return true;
  }

  #token(): boolean {
    const name = this.#match(SPECIAL) === undefined ? this.#match(NAME) : undefined;
    if (name !== undefined) return this.#push(KEYWORDS.has(name) ? "keyword" : "name", name), true;
    if (this.#number() || this.#quoted()) return true;
    const index = this.#match(INDEX);
    if (index !== undefined) return this.#push("index", index, index.slice(1)), true;
    const text = this.#match(TEXT);
    if (text !== undefined) return this.#push("text", text, text.slice(1, -1)), true;
    const mark = this.#match(MARK);
    if (mark !== undefined) return this.#push("mark", mark), true;
    return false;
  }

  /** Skips what begins no token, up to white space or something that does. */
  #unknown(): void {
    const start = this.#at;
    const before = this.#tokens.length;
    do {
      this.#at += this.#source.codePointAt(this.#at)! > 0xffff ? 2 : 1;
      if (this.#at >= this.#source.length || this.#match(BLANK) !== undefined || this.#match(COMMENT)) break;
    } while (!this.#token());
    const end = this.#tokens[before]?.start ?? this.#at;
    this.#lineIsBlank = false;
    const found = this.#source.slice(start, end);
    this.#diagnostics.unexpected({ start, end }, "a token", `"${found.slice(0, MAX_SHOWN)}"`, advice(found));
  }

  run(): Lexed {
    while (this.#at < this.#source.length) {
      if (!this.#blank() && !this.#token()) this.#unknown();
    }
    this.#push("end", "");
    return { tokens: this.#tokens, comments: this.#comments };
  }
}

const MAX_SHOWN = 20;

/** What may be meant by text that begins no token. */
const advice = (found: string): string | undefined => {
  if (found.startsWith("`")) return "Close the quoted name with `";
  if (found.startsWith('"')) return 'Close the text with "';
  return /^[\p{L}\p{N}_]+$/u.test(found) ? `Quote the name: \`${found}\`` : undefined;
};

/** Reads tokens; what begins none is reported and skipped. */
export const lex = (source: string, diagnostics: Diagnostics): Lexed => new Lexer(source, diagnostics).run();
