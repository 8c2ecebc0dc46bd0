/**
 * Tokens: TypeScript text cut into code, comments and literals, as far as the repository's rules need it.
 *
 * Not a parser: it knows where strings, templates, regular expressions and comments begin and end, nothing more.
 */

/** A piece of a source text. */
export interface Token {
  /** A word, a sign, a literal, or a comment. */
  readonly kind: "word" | "sign" | "literal" | "comment";
  /** Its text. */
  readonly text: string;
  /** The line it begins on, from 1. */
  readonly line: number;
}

const PIECE =
  /(?<comment>\/\/[^\n]*|\/\*[\s\S]*?\*\/)|(?<string>"(?:[^"\\\n]|\\[\s\S])*"|'(?:[^'\\\n]|\\[\s\S])*')|(?<word>[\p{L}_$#][\p{L}\p{N}_$]*)|(?<number>\d[\w.]*)|(?<space>\s+)|(?<sign>[\s\S])/uy;
const REGEX = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/uy;

/** A slash begins a regular expression unless a value stands before it. */
const VALUE_ENDS = /^(?:[)\]}]|[\p{L}\p{N}_$"'`].*)$/su;
const OPERATOR_WORDS = new Set([
  "return",
  "typeof",
  "case",
  "in",
  "of",
  "void",
  "delete",
  "do",
  "else",
  "yield",
  "await",
]);

const lineCount = (text: string): number => text.split("\n").length - 1;

/** Cuts a source text into tokens; code inside template literals is cut too. */
export const tokensOf = (source: string): ReadonlyArray<Token> => {
  const tokens: Token[] = [];
  /** Depth of braces at which each open template continues. */
  const templates: number[] = [];
  let at = 0;
  let line = 1;
  let depth = 0;
  const push = (kind: Token["kind"], text: string): void => {
    tokens.push({ kind, text, line });
    line += lineCount(text);
    at += text.length;
  };
  const template = (): void => {
    const from = at++;
    for (; at < source.length; at++) {
      if (source[at] === "\\") at++;
      else if (source[at] === "`") break;
      else if (source[at] === "$" && source[at + 1] === "{") {
        templates.push(depth++);
        at++;
        break;
      }
    }
    const text = source.slice(from, at + 1);
    at = from;
    push("literal", text);
  };
  while (at < source.length) {
    if (source[at] === "`") {
      template();
      continue;
    }
    if (source[at] === "}" && templates.at(-1) === depth - 1) {
      templates.pop();
      depth--;
      template();
      continue;
    }
    const last = tokens.findLast((token) => token.kind !== "comment");
    const afterValue = last !== undefined && VALUE_ENDS.test(last.text) && !OPERATOR_WORDS.has(last.text);
    if (source[at] === "/" && !/[/*]/u.test(source[at + 1] ?? "") && !afterValue) {
      REGEX.lastIndex = at;
      const found = REGEX.exec(source);
      if (found !== null) {
        push("literal", found[0]);
        continue;
      }
    }
    PIECE.lastIndex = at;
    const { groups, 0: text } = PIECE.exec(source)!;
    if (groups!.space !== undefined) {
      line += lineCount(text);
      at += text.length;
    } else if (groups!.comment !== undefined) push("comment", text);
    else if (groups!.string !== undefined || groups!.number !== undefined) push("literal", text);
    else if (groups!.word !== undefined) push("word", text);
    else {
      if (text === "{") depth++;
      if (text === "}") depth--;
      push("sign", text);
    }
  }
  return tokens;
};

/** The code of a source text as one line of tokens a line of source, literals emptied and comments gone. */
export const codeOf = (source: string): ReadonlyArray<Token> =>
  tokensOf(source).filter((token) => token.kind !== "comment");
