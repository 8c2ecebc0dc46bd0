/**
 * Literals: numbers and words of source text as values.
 *
 * Not tensors and tuples (type_parser.ts, parser.ts) and not the grammar of numbers (lexer.ts).
 *
 * @module
 */
import { bool, f32, f64, i64, NIL, type Value } from "../value.ts";
import type { Diagnostics } from "./diagnostics.ts";
import type { Token } from "./lexer.ts";
import { floatOfBits, NAN_32, NAN_64_HIGH } from "./numbers.ts";

/** Words that are values. */
export const KEYWORD_VALUES: { readonly [word: string]: Value } = { true: bool(true), false: bool(false), nil: NIL };

const MIN_I64 = -(2n ** 63n);
const SPECIALS: { readonly [text: string]: Value } = {
  "nan.f32": { k: "F32", bits: NAN_32 },
  "inf.f32": f32(Infinity),
  "-inf.f32": f32(-Infinity),
  "nan.f64": { k: "F64", lo: 0, hi: NAN_64_HIGH },
  "inf.f64": f64(Infinity),
  "-inf.f64": f64(-Infinity),
};

/** Most digits and a sign of an integer that may fit; longer ones are not even read. */
export const MAX_DIGITS = 21;
/** Characters of a refused integer that are shown. */
const MAX_SHOWN = 24;

/** The value of a number; one that does not fit is reported, and 0 stands for it. */
export const readNumber = (token: Token, diagnostics: Diagnostics): Value => {
  const { kind, text } = token;
  if (kind === "bits") return floatOfBits(text);
  if (kind === "float") {
    if (Object.hasOwn(SPECIALS, text)) return SPECIALS[text];
    const digits = text.replace(/f(?:32|64)$/u, "");
    return text.endsWith("f64") ? f64(Number(digits)) : f32(Number(digits));
  }
  const value = text.length <= MAX_DIGITS ? BigInt(text) : undefined;
  if (value !== undefined && value >= MIN_I64 && value < -MIN_I64) return i64(value);
  diagnostics.literal(token, text.slice(0, MAX_SHOWN), "it does not fit 64 bits", `${text}.0`);
  return i64(0);
};
