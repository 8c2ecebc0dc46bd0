/**
 * Formatter: the same tokens and comments, in the one layout.
 *
 * Not the printer (printer.ts): what a person wrote, brackets and all, stays; only white space changes.
 * Invariant: formatting twice is formatting once, every comment stays, and the text means the same.
 *
 * @module
 */
import { type Diagnostic, Diagnostics } from "./diagnostics.ts";
import { type Break, type Doc, group, layout } from "./layout.ts";
import { type Comment, lex, type Token } from "./lexer.ts";
import { parseSource } from "./parser.ts";

/** Widest line, where it can be broken. */
export const LINE_WIDTH = 100;

const INDENT = 2;
/** Deepest brackets with a group of their own; deeper ones stay in their line. */
const MAX_GROUPS = 200;

const CLOSERS: { readonly [mark: string]: string } = { "(": ")", "{": "}", "[": "]" };
const TIGHT_AFTER: ReadonlySet<string> = new Set(["(", "[", "<", "$", "#", "\\"]);
const TIGHT_BEFORE: ReadonlySet<string> = new Set([")", "]", "<", ">", ",", ";", ":"]);
const LINE_AFTER: ReadonlySet<string> = new Set([",", ";", "in"]);
const VALUE_WORDS: ReadonlySet<string> = new Set(["true", "false", "nil"]);

const soft: Break = { flat: "", extra: 0 };
const spaced: Break = { flat: " ", extra: 0 };
const hanging: Break = { flat: " ", extra: INDENT };

const isMark = ({ kind, text }: Token, ...marks: ReadonlyArray<string>): boolean =>
  (kind === "mark" || kind === "keyword") && marks.includes(text);

const endsValue = (token: Token): boolean =>
  token.kind === "keyword" ? VALUE_WORDS.has(token.text) : token.kind !== "mark" || isMark(token, ")", "]", "}", ">");

class Formatter {
  readonly #source: string;
  readonly #tokens: ReadonlyArray<Token>;
  readonly #comments: ReadonlyArray<Comment>;
  #at = 0;
  #comment = 0;
  /** Open `<`: within them `>>` closes two. */
  #angles = 0;

  constructor(source: string, tokens: ReadonlyArray<Token>, comments: ReadonlyArray<Comment>) {
    this.#source = source;
    this.#tokens = tokens;
    this.#comments = comments;
  }

  /** What stands between two tokens in one line, and whether the line may break there. */
  #between(before: Token, after: Token): Doc {
    if (before.kind === "mark" && TIGHT_AFTER.has(before.text)) return "";
    if (after.kind === "mark" && TIGHT_BEFORE.has(after.text)) return "";
    if (isMark(after, ">>")) return this.#angles > 0 ? "" : hanging;
    if (isMark(after, "then", "else")) return hanging;
    if (isMark(after, "(", "[") && endsValue(before)) return "";
    if (after.kind === "text" && endsValue(before)) return "";
    if (LINE_AFTER.has(before.text) && before.kind !== "name") return spaced;
    // Two items of a block without a semicolon.
    const starts = after.kind !== "mark" || isMark(after, "(", "{", "$", "#", "\\");
    return endsValue(before) && starts && !isMark(after, "in") ? spaced : " ";
  }

  /** The comments before the next token, and the break after them; `usual` where there are none. */
  #gap(usual: Doc, first: boolean): ReadonlyArray<Doc> {
    const { start } = this.#tokens[this.#at];
    const parts: Array<Doc> = [];
    const extra = typeof usual !== "string" && "extra" in usual ? usual.extra : 0;
    while (this.#comment < this.#comments.length && this.#comments[this.#comment].start < start) {
      const { text, ownLine } = this.#comments[this.#comment++];
      if (ownLine) {
        if (parts.length === 0 && !first) parts.push({ extra });
      } else parts.push(" ");
      parts.push(text, { extra });
    }
    return parts.length === 0 ? [usual] : parts;
  }

  #text({ start, end }: Token): string {
    return this.#source.slice(start, end);
  }

  /** Everything up to a closing mark, or to the end. */
  #until(close: string | undefined, depth: number): ReadonlyArray<Doc> {
    const parts: Array<Doc> = [];
    let before: Token | undefined;
    while (this.#tokens[this.#at].kind !== "end") {
      const token = this.#tokens[this.#at];
      if (close !== undefined && isMark(token, close)) break;
      const usual = before === undefined ? "" : this.#between(before, token);
      if (before !== undefined) parts.push(...this.#gap(usual, false));
      this.#at++;
      parts.push(this.#text(token));
      if (isMark(token, "<")) this.#angles++;
      else if (isMark(token, ">", ">>") && this.#angles > 0) this.#angles -= token.text.length;
      before = this.#group(token, parts, depth) ?? token;
    }
    return parts;
  }

  /** The rest of a group that an opening mark begins; gives its closing mark. */
  #group(open: Token, parts: Array<Doc>, depth: number): Token | undefined {
    const close = open.kind === "mark" ? CLOSERS[open.text] : undefined;
    if (close === undefined || depth >= MAX_GROUPS) return undefined;
    const edge = close === "}" ? spaced : soft;
    if (isMark(this.#tokens[this.#at], close) && this.#gapIsEmpty()) return undefined;
    const inner = [...this.#gap(edge, false), ...this.#until(close, depth + 1)];
    const last = this.#tokens[this.#at];
    // What closes a group stands below what opened it.
    const gap = this.#gap({ ...edge, extra: -INDENT }, false);
    parts.push(group([...inner, ...gap, ...(last.kind === "end" ? [] : [this.#text(last)])], INDENT));
    if (last.kind !== "end") this.#at++;
    return last;
  }

  #gapIsEmpty(): boolean {
    const next = this.#comments[this.#comment];
    return next === undefined || next.start > this.#tokens[this.#at].start;
  }

  run(): string {
    // Comments before and after it do not break the program's own lines.
    const before = this.#gap("", true);
    const program = group(this.#until(undefined, 0));
    const after = this.#gap("", program.parts.length === 0 && before.length === 1);
    const text = layout(group([...before, program, ...after]), LINE_WIDTH).trimEnd();
    return text === "" ? "" : `${text}\n`;
  }
}

/** What formatting gives. */
export interface Formatted {
  /** The text in the one layout; as it was where it is no program. */
  readonly source: string;
  /** What is wrong with it. */
  readonly diagnostics: ReadonlyArray<Diagnostic>;
}

/** Sets a text in the one layout; a text that is no program stays as it is. */
export const format = (source: string): Formatted => {
  const { ok, diagnostics } = parseSource(source, { dangling: true });
  if (!ok) return { source, diagnostics };
  const { tokens, comments } = lex(source, new Diagnostics(source));
  return { source: new Formatter(source, tokens, comments).run(), diagnostics };
};
