/**
 * Arithmetic: equations in a text, checked exactly.
 *
 * Not a solver: an equation whose names are not known is not judged.
 * Invariant: an equation is called wrong only where both sides are known exactly and differ; a decimal that is the
 * other side rounded to its own digits counts as equal.
 *
 * @module
 */
import { ARITHMETIC, parseDecimal, type Rational, rational, sameNumber } from "./rational.ts";

/** What is known of names. */
export type Known = ReadonlyMap<string, Rational>;

/** An equation as it was judged. */
export interface Equation {
  /** Its text. */
  readonly text: string;
  /** Whether it holds; undefined where that is not known. */
  readonly holds: boolean | undefined;
  /** The name it gives a number to, where one side is a name alone. */
  readonly name?: string;
  /** The number that it states for that name. */
  readonly stated?: Rational;
}

const TOKEN = /\s*(?:(\d[\d,]*(?:\.\d+)?|\.\d+)|([\p{L}_][\p{L}\p{N}_]*)|([-+*/^()]))/uy;

type Token = { readonly kind: "number" | "name" | "sign"; readonly text: string };

const SIGNS: { readonly [written: string]: string } = { "×": "*", "·": "*", "÷": "/", "−": "-", "–": "-" };

const tokensOf = (text: string): ReadonlyArray<Token> | undefined => {
  const source = text.replaceAll(/[×·÷−–]/gu, (sign) => SIGNS[sign]).replaceAll("$", "").trim();
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < source.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(source);
    if (match === null || match.index !== at) return undefined;
    const [, number, name, sign] = match;
    tokens.push(
      number !== undefined
        ? { kind: "number", text: number }
        : name !== undefined
        ? { kind: "name", text: name }
        : { kind: "sign", text: sign },
    );
  }
  return tokens.length === 0 ? undefined : tokens;
};

const STRENGTH: { readonly [sign: string]: number } = { "+": 1, "-": 1, "*": 2, "/": 2, "^": 4 };
const NEGATION = 3;
const MAX_DEPTH = 64;

/** Precedence climbing; undefined for what is no expression, or has a name or a number that is not known. */
class Reader {
  private at = 0;
  constructor(private readonly tokens: ReadonlyArray<Token>, private readonly known: Known) {}

  whole(): Rational | undefined {
    const value = this.expression(0, 0);
    return this.at === this.tokens.length ? value : undefined;
  }

  private expression(least: number, depth: number): Rational | undefined {
    if (depth > MAX_DEPTH) return undefined;
    let left = this.operand(depth);
    while (left !== undefined) {
      const token = this.tokens[this.at];
      const strength = token?.kind === "sign" ? STRENGTH[token.text] : undefined;
      if (strength === undefined || strength < least) return left;
      this.at++;
      const right = this.expression(token.text === "^" ? strength : strength + 1, depth + 1);
      left = right === undefined ? undefined : ARITHMETIC[token.text](left, right);
    }
    return undefined;
  }

  private operand(depth: number): Rational | undefined {
    const token = this.tokens[this.at++];
    if (token === undefined) return undefined;
    if (token.kind === "number") return parseDecimal(token.text.startsWith(".") ? `0${token.text}` : token.text);
    if (token.kind === "name") return this.known.get(token.text);
    if (token.text === "-") {
      const value = this.expression(NEGATION, depth + 1);
      return value && rational(-value.n, value.d);
    }
    if (token.text !== "(") return undefined;
    const value = this.expression(0, depth + 1);
    return this.tokens[this.at++]?.text === ")" ? value : undefined;
  }
}

/** The number an expression stands for; undefined where that is not known. */
export const valueOf = (text: string, known: Known = new Map()): Rational | undefined => {
  const tokens = tokensOf(text);
  return tokens === undefined ? undefined : new Reader(tokens, known).whole();
};

const DECIMAL = /^\s*[-−]?\s*\$?\d[\d,]*\.(\d+)\s*$/u;

/** Whether a written decimal is a number rounded to the digits it is written with. */
const isRounded = (text: string, written: Rational, exact: Rational): boolean => {
  const digits = DECIMAL.exec(text)?.[1].length;
  if (digits === undefined) return false;
  const scale = 10n ** BigInt(digits);
  const difference = ARITHMETIC["-"](written, exact)!;
  const off = (difference.n < 0n ? -difference.n : difference.n) * scale * 2n;
  return off <= difference.d;
};

const holds = (
  sides: ReadonlyArray<{ readonly text: string; readonly value: Rational | undefined }>,
): boolean | undefined => {
  for (let i = 0; i + 1 < sides.length; i++) {
    const [a, b] = [sides[i], sides[i + 1]];
    if (a.value === undefined || b.value === undefined || sameNumber(a.value, b.value)) continue;
    if (!isRounded(a.text, a.value, b.value) && !isRounded(b.text, b.value, a.value)) return false;
  }
  return sides.every(({ value }) => value !== undefined) ? true : undefined;
};

const NAME = /^\s*[\p{L}_][\p{L}\p{N}_]*\s*$/u;

/** A run of what an equation is made of, with an equals sign in it; words around it are left out. */
const EQUATION = /[\p{L}\p{N}_$(.,+*/^×·÷−–\s-][\p{L}\p{N}_$().,+*/^×·÷−–\s-]*(?:=[\p{L}\p{N}_$().,+*/^×·÷−–\s-]+)+/gu;

/** Cuts words off both ends of a side: what stands next to the equals sign and is an expression is the side. */
const trimmed = (side: string, from: "start" | "end"): string => {
  const words = side.trim().replace(/[.,\s]+$/u, "").split(/\s+/u);
  const isPart = (word: string): boolean => /[\d()+*/^×·÷−–$=-]/u.test(word);
  if (words.length === 1) return words[0];
  if (from === "start") {
    let at = words.length - 1;
    while (at > 0 && (isPart(words[at - 1]) || isSign(words[at]))) at--;
    return words.slice(at).join(" ");
  }
  let end = 1;
  while (end < words.length && (isPart(words[end]) || isSign(words[end - 1]))) end++;
  return words.slice(0, end).join(" ");
};

const isSign = (word: string): boolean => /^[-+*/^×·÷−–]$/u.test(word);

/** The sides of the equations in a run: words between two equals signs end one equation and begin another. */
const sidesOf = (run: string): ReadonlyArray<ReadonlyArray<string>> => {
  const parts = run.split("=");
  const equations: string[][] = [[trimmed(parts[0], "start")]];
  for (const [i, part] of parts.slice(1).entries()) {
    const [end, start] = [trimmed(part, "end"), trimmed(part, "start")];
    equations.at(-1)!.push(end);
    if (i + 2 < parts.length && end !== start) equations.push([start]);
  }
  return equations.filter((sides) => sides.length > 1);
};

/** The equations of a text, in order, each judged by what is known and what the ones before it state. */
export const checkEquations = (
  text: string,
  known: Known = new Map(),
): { readonly equations: ReadonlyArray<Equation>; readonly known: Known } => {
  const names = new Map(known);
  const equations: Equation[] = [];
  for (const texts of [...text.matchAll(EQUATION)].flatMap(([run]) => sidesOf(run))) {
    const name = NAME.test(texts[0]) ? texts[0].trim() : undefined;
    // A name that was given a number before is used; one that was not is given the number of the other side.
    const sides = texts.map((side) => ({ text: side, value: valueOf(side, names) }));
    const given = name !== undefined && !names.has(name);
    const stated = sides.at(-1)!.value;
    equations.push({
      text: texts.join(" = "),
      holds: holds(given ? sides.slice(1) : sides),
      ...(given && stated !== undefined ? { name, stated } : {}),
    });
    if (given && stated !== undefined) names.set(name, stated);
  }
  return { equations, known: names };
};
