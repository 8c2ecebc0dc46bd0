/**
 * Float: the bits of binary16 and bfloat16, rounded once from binary64, to nearest with ties to even.
 *
 * Not arithmetic: the reference computes in binary64 and comes here once for each result.
 * Invariant: decode(encode(x)) is the number of the format nearest to x; every NaN becomes the one quiet NaN.
 *
 * @module
 */
import { DTYPES } from "./types.ts";

/** The two-byte formats. */
export type NarrowFloat = "f16" | "bf16";

const view = new DataView(new ArrayBuffer(8));

/** Exponent of a finite, non-zero, normal binary64. */
const exponentOf = (value: number): number => {
  view.setFloat64(0, value);
  return ((view.getUint16(0) >> 4) & 0x7ff) - 1023;
};

/** Rounds to an integer, ties to even; exact for magnitudes below 2^52. */
export const roundHalfEven = (value: number): number => {
  if (!(Math.abs(value) < 4503599627370496)) return value;
  // Adding and taking away 2^52 leaves the integer that the format's own rounding chose.
  const rounded = value < 0 || Object.is(value, -0)
    ? -((4503599627370496 - value) - 4503599627370496)
    : (value + 4503599627370496) - 4503599627370496;
  return rounded;
};

/** Bits of the number nearest to `value` in a two-byte format. */
export const encodeNarrow = (value: number, format: NarrowFloat): number => {
  const { mantissa, minExponent } = DTYPES[format];
  const exponentMask = (1 << (15 - mantissa)) - 1;
  const infinity = exponentMask << mantissa;
  if (Number.isNaN(value)) return infinity | (1 << (mantissa - 1));
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude === Infinity) return sign | infinity;
  // Subnormals of the format share the exponent of its smallest normal number.
  const exponent = magnitude < 2 ** minExponent ? minExponent : exponentOf(magnitude);
  const scaled = roundHalfEven(magnitude * 2 ** (mantissa - exponent));
  const bits = (exponent - minExponent) * 2 ** mantissa + scaled;
  return sign | Math.min(bits, infinity);
};

/** The number that two bytes of a format stand for. */
export const decodeNarrow = (bits: number, format: NarrowFloat): number => {
  const { mantissa, minExponent } = DTYPES[format];
  const sign = bits & 0x8000 ? -1 : 1;
  const exponentMask = (1 << (15 - mantissa)) - 1;
  const exponent = (bits >> mantissa) & exponentMask;
  const fraction = bits & ((1 << mantissa) - 1);
  if (exponent === exponentMask) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** (minExponent - mantissa);
  return sign * (fraction + 2 ** mantissa) * 2 ** (exponent - 1 + minExponent - mantissa);
};

/** The binary64 nearest to an integer for further rounding: what is lost is kept as an odd last bit. */
export const toOddFloat = (value: bigint): number => {
  const magnitude = value < 0n ? -value : value;
  if (magnitude < 9007199254740992n) return Number(value);
  const excess = BigInt(magnitude.toString(2).length - 53);
  const kept = magnitude >> excess;
  const exact = kept << excess === magnitude;
  const odd = exact ? kept : kept | 1n;
  return (value < 0n ? -1 : 1) * Number(odd) * 2 ** Number(excess);
};
