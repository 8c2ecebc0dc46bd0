/**
 * Notation: a formula as a reader writes it, and as a program of the language.
 *
 * Invariant: the program computes what the formula does, point by point or on whole columns, and passes `check`.
 *
 * @module
 */
import type { Digest } from "../../../kernel/digest.ts";
import {
  check,
  encodeProgram,
  lit,
  parse,
  print,
  type Program,
  programDigest,
  showName,
  type Type,
  values,
} from "../../rmil/library.ts";
import { type Binary, primitive, type Unary } from "./primitives.ts";
import type { Formula } from "./formula.ts";

/** Digits that are shown of a constant. */
const SHOWN_DIGITS = 6;

const INFIX: { readonly [op: string]: readonly [sign: string, level: number] } = {
  add: [" + ", 1],
  sub: [" - ", 1],
  mul: ["*", 2],
  div: ["/", 2],
};

const POWER_LEVEL = 3;

const bracketed = (text: string, needed: boolean): string => needed ? `(${text})` : text;

const infix = (formula: Formula, names: ReadonlyArray<string>, least: number, afterSign: boolean): string => {
  const { op, value, a, b } = formula;
  if (op === "constant") {
    const text = String(Number(value.toPrecision(SHOWN_DIGITS)));
    return bracketed(text, value < 0 && (afterSign || least === POWER_LEVEL));
  }
  if (op === "variable") return names[value];
  if (op === "square") return bracketed(`${infix(a!, names, POWER_LEVEL, true)}^2`, least === POWER_LEVEL);
  const row = INFIX[op];
  if (row === undefined) return `${op}(${infix(a!, names, 0, false)})`;
  const [sign, level] = row;
  // x − (y + z) and x / (y·z) need brackets that x + (y + z) does not.
  const right = infix(b!, names, op === "sub" || op === "div" ? level + 1 : level, true);
  return bracketed(`${infix(a!, names, level, afterSign)}${sign}${right}`, level < least);
};

/** The formula as a reader writes it, constants to six digits. */
export const formulaText = (formula: Formula, names: ReadonlyArray<string>): string => infix(formula, names, 0, false);

const literalText = (value: number): string => print(lit(values.f64(value)));

const sourceOf = ({ op, value, a, b }: Formula, names: ReadonlyArray<string>): string =>
  op === "constant"
    ? literalText(value)
    : op === "variable"
    ? `$${showName(names[value])}`
    : b === undefined
    ? (primitive(op) as Unary).text(sourceOf(a!, names))
    : (primitive(op) as Binary).text(sourceOf(a!, names), sourceOf(b, names));

/** A formula as a program, and what is known of it before it runs. */
export interface FormulaProgram {
  /** The program. */
  readonly program: Program;
  /** Its source text. */
  readonly source: string;
  /** Its bytes, and their number and digest. */
  readonly bytes: Uint8Array;
  /** Its identity. */
  readonly digest: Digest;
  /** Floating-point operations for one point. */
  readonly flops: number;
}

const POINT: Type = { k: "Scalar", dtype: "f64" };

/** The formula as a program of numbers of f64, by the names of its variables; it is checked before it is given out. */
export const formulaProgram = (formula: Formula, names: ReadonlyArray<string>): FormulaProgram => {
  const source = sourceOf(formula, names);
  const program = parse(source);
  const inputs = Object.fromEntries(names.map((name) => [name, POINT]));
  const { flops } = check(program.root, program.symbols, { inputs });
  const bytes = encodeProgram(program);
  return { program, source, bytes, digest: programDigest(program), flops: Number(flops) };
};
