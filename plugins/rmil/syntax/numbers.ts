/**
 * Numbers: floats as text that reads back to the same bits, without exponents.
 *
 * Not the lexer's grammar of numbers (lexer.ts).
 * Invariant: `readFloat(showFloat(x)) = x` for every finite value of either width.
 *
 * @module
 */
import { f32Of, toFloat32, toFloat64, type Value } from "../value.ts";

const MOST_DIGITS_F32 = 9;

/** Digits and decimal exponent moved into positional notation, with at least one digit on both sides of the point. */
const positional = (text: string): string => {
  const [mantissa, exponentText] = text.split("e");
  const exponent = Number(exponentText ?? 0);
  const negative = mantissa.startsWith("-");
  const [whole, fraction = ""] = (negative ? mantissa.slice(1) : mantissa).split(".");
  const digits = whole + fraction;
  const point = whole.length + exponent;
  const padded = point <= 0 ? "0".repeat(1 - point) + digits : digits.padEnd(Math.max(point, digits.length), "0");
  const at = Math.max(point, 1);
  const after = padded.slice(at).replace(/0+$/u, "");
  return `${negative ? "-" : ""}${padded.slice(0, at)}.${after === "" ? "0" : after}`;
};

const shortest32 = (value: number): string => {
  for (let digits = 1; digits < MOST_DIGITS_F32; digits++) {
    const text = value.toExponential(digits - 1);
    if (Object.is(Math.fround(Number(text)), value)) return text;
  }
  return value.toExponential(MOST_DIGITS_F32 - 1);
};

/** A finite number as text: integers with all their digits, others with the fewest that read back. */
const finite = (value: number, shortest: (value: number) => string): string => {
  if (Object.is(value, -0)) return "-0.0";
  return Number.isInteger(value) ? `${BigInt(value)}.0` : positional(shortest(value));
};

/** Bits of the NaN that `nan.f32` and `nan.f64` mean; other NaNs are written by their bits. */
export const NAN_32 = 0x7fc00000;
/** Upper half of the bits of `nan.f64`. */
export const NAN_64_HIGH = 0x7ff80000;

const hex = (bits: number): string => (bits >>> 0).toString(16).padStart(8, "0");

/** An F32 value as source text. */
export const showFloat32 = (value: { readonly bits: number }): string => {
  const number = toFloat32(value);
  if (Number.isFinite(number)) return finite(number, shortest32);
  if (value.bits === NAN_32) return "nan.f32";
  return Number.isNaN(number) ? `0x${hex(value.bits)}.f32` : number > 0 ? "inf.f32" : "-inf.f32";
};

/** An F64 value as source text. */
export const showFloat64 = (value: { readonly lo: number; readonly hi: number }): string => {
  const number = toFloat64(value);
  if (Number.isFinite(number)) return `${finite(number, String)}f64`;
  if (value.hi === NAN_64_HIGH && value.lo === 0) return "nan.f64";
  if (Number.isNaN(number)) return `0x${hex(value.hi)}${hex(value.lo)}.f64`;
  return number > 0 ? "inf.f64" : "-inf.f64";
};

/** A float of given bits, hexadecimal digits of which there are 8 or 16. */
export const floatOfBits = (digits: string): Value =>
  digits.length === 8
    ? f32Of(parseInt(digits, 16))
    : { k: "F64", lo: parseInt(digits.slice(8), 16) | 0, hi: parseInt(digits.slice(0, 8), 16) | 0 };
