/**
 * Pattern: laws of elementwise arithmetic as data, read from text: `mul(x, 1) => x`.
 *
 * Letters stand for values; `c` and `d` only for values whose elements are all one known number. Numbers, `true`, `false`
 * and `ones` (all bits) stand for values consisting of them, in the dtype of the letters around them. `eq`, `ne`, `lt`,
 * `le`, `gt` and `ge` are the directions of `compare`.
 * Invariant: a law is read once, and a malformed one is a defect of the table, not a failure of a user.
 *
 * @module
 */
import { DIRECTIONS } from "../primitives/binary.ts";
import { type Dtype, dtypeInfo, isFloat, isInteger } from "../types.ts";

/** A literal in a law. */
export type Literal = number | "true" | "false" | "ones";

/** A law's side. */
export type Pattern =
  | { readonly k: "value"; readonly name: string }
  | { readonly k: "literal"; readonly literal: Literal }
  | { readonly k: "node"; readonly op: string; readonly direction?: string; readonly parts: ReadonlyArray<Pattern> };

/** What is known of every element of a value. */
export const KNOWN = {
  /** No NaN. */
  notNaN: 1,
  /** No −0. */
  notMinusZero: 2,
  /** Neither NaN nor an infinity. */
  finite: 4,
  /** NaN, or not below zero (−0 counts as zero). */
  notBelowZero: 8,
} as const;

/** Names of what can be known. */
export type KnownName = keyof typeof KNOWN;

/** Classes of dtypes that laws speak of. */
export const CLASSES = {
  any: () => true,
  float: isFloat,
  integer: isInteger,
  signed: (dtype: Dtype) => isInteger(dtype) && dtypeInfo(dtype).signed,
  unsigned: (dtype: Dtype) => isInteger(dtype) && !dtypeInfo(dtype).signed,
  signedNumber: (dtype: Dtype) => dtypeInfo(dtype).kind !== "bool" && dtypeInfo(dtype).signed,
  number: (dtype: Dtype) => dtypeInfo(dtype).kind !== "bool",
  bits: (dtype: Dtype) => !isFloat(dtype),
  bool: (dtype: Dtype) => dtype === "bool",
} as const satisfies { readonly [name: string]: (dtype: Dtype) => boolean };

/** Name of a class of dtypes. */
export type ClassName = keyof typeof CLASSES;

/** A law. */
export interface Law {
  /** Its text, which is its name. */
  readonly name: string;
  /** What is found. */
  readonly left: Pattern;
  /** What is equal to it. */
  readonly right: Pattern;
  /** Dtypes of its first letter. */
  readonly of: ClassName;
  /** What must be known of letters. */
  readonly needs: { readonly [letter: string]: ReadonlyArray<KnownName> };
  /** Whether it holds for real numbers only. */
  readonly fast: boolean;
  /** Whether the right side is simpler; else only the search of equal programs uses it. */
  readonly directed: boolean;
}

/** Letters that stand for known splats. */
export const CONSTANT_LETTERS: ReadonlySet<string> = new Set(["c", "d"]);

const TOKEN = /\s*(?:([a-z_0-9]+)\s*\(|(-?[0-9]+(?:\.[0-9]+)?)|([a-z_]+)|([,)]))/uy;

class LawReader {
  private at = 0;
  constructor(private readonly text: string) {}

  private next(): RegExpExecArray {
    TOKEN.lastIndex = this.at;
    const found = TOKEN.exec(this.text);
    if (found === null) throw new Error(`malformed law "${this.text}" at ${this.at}`);
    this.at = TOKEN.lastIndex;
    return found;
  }

  pattern(): Pattern {
    const [, op, number, word, mark] = this.next();
    if (number !== undefined) return { k: "literal", literal: number === "-0" ? -0 : Number(number) };
    if (word === "true" || word === "false" || word === "ones") return { k: "literal", literal: word };
    if (word !== undefined) return { k: "value", name: word };
    if (op === undefined) throw new Error(`malformed law "${this.text}": ${mark}`);
    const parts = [this.pattern()];
    while (this.next()[4] === ",") parts.push(this.pattern());
    const isDirection = (DIRECTIONS as ReadonlyArray<string>).includes(op);
    return isDirection ? { k: "node", op: "compare", direction: op, parts } : { k: "node", op, parts };
  }

  end(): void {
    if (this.text.slice(this.at).trim() !== "") throw new Error(`malformed law "${this.text}" at ${this.at}`);
  }
}

const side = (text: string): Pattern => {
  const reader = new LawReader(text);
  const pattern = reader.pattern();
  reader.end();
  return pattern;
};

const COMMUTES: ReadonlySet<string> = new Set(["add", "mul", "max", "min", "and", "or", "xor", "eq", "ne"]);

/** All spellings of a pattern that differ in the order of operands that commute. */
export const spellings = (pattern: Pattern): ReadonlyArray<Pattern> => {
  if (pattern.k !== "node") return [pattern];
  let made: ReadonlyArray<ReadonlyArray<Pattern>> = [[]];
  for (const part of pattern.parts) made = made.flatMap((sofar) => spellings(part).map((one) => [...sofar, one]));
  const commutes = COMMUTES.has(pattern.direction ?? pattern.op);
  return made.flatMap((parts) => {
    const same = JSON.stringify(parts[0]) === JSON.stringify(parts[1]);
    return commutes && !same
      ? [{ ...pattern, parts }, { ...pattern, parts: parts.toReversed() }]
      : [{ ...pattern, parts }];
  });
};

/** What a law says besides its text. */
export interface LawOptions {
  /** What must be known of letters. */
  readonly needs?: Law["needs"];
  /** Whether it holds for real numbers only. */
  readonly fast?: boolean;
  /** Whether the right side is simpler; default true. */
  readonly directed?: boolean;
}

/** Reads a law. */
export const law = (of: ClassName, text: string, options: LawOptions = {}): Law => {
  const [left, right] = text.split("=>");
  const { needs = {}, fast = false, directed = true } = options;
  return { name: text, left: side(left), right: side(right), of, needs, fast, directed };
};
