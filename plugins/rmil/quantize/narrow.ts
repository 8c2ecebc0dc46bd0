/**
 * Narrow floats: f32 to f16 and bf16 and back, rounded to nearest with ties to even, bits to bits.
 *
 * The rounding of numbers is that of the IR; here NaN keeps its sign and the upper part of its payload, and is quiet.
 * Invariant: widening is exact, and narrowing a widened number gives it back.
 *
 * @module
 */
import { encodeNarrow, type NarrowFloat } from "../../ir/library.ts";

const word = new DataView(new ArrayBuffer(4));

/** How a two-byte format lies within f32: payload bits dropped, the quiet bit, all exponent bits. */
const LAYOUT: {
  readonly [F in NarrowFloat]: { readonly dropped: number; readonly quiet: number; readonly top: number };
} = {
  f16: { dropped: 13, quiet: 0x0200, top: 0x7c00 },
  bf16: { dropped: 16, quiet: 0x0040, top: 0x7f80 },
};

const isNanBits = (bits: number): boolean => (bits & 0x7fffffff) > 0x7f800000;

/** Bits of the narrow number nearest to an f32 given by its bits. */
export const narrowBits = (bits: number, format: NarrowFloat): number => {
  if (isNanBits(bits)) {
    const { dropped, quiet, top } = LAYOUT[format];
    return ((bits >>> 16) & 0x8000) | top | quiet | (((bits & 0x007fffff) >>> dropped) & (quiet - 1));
  }
  word.setUint32(0, bits);
  return encodeNarrow(word.getFloat32(0), format);
};

/** Bits of the f32 that a narrow number is exactly. A signalling NaN becomes quiet. */
export const widenBits = (bits: number, format: NarrowFloat): number => {
  const { dropped, quiet, top } = LAYOUT[format];
  const sign = (bits & 0x8000) << 16;
  const magnitude = bits & 0x7fff;
  if (magnitude > top) return (sign | 0x7fc00000 | ((magnitude & (quiet - 1)) << dropped)) >>> 0;
  if (format === "bf16") return (bits << 16) >>> 0;
  if (magnitude === top) return (sign | 0x7f800000) >>> 0;
  if (magnitude < 0x0400) {
    word.setFloat32(0, magnitude * 2 ** -24);
    return (sign | word.getUint32(0)) >>> 0;
  }
  // The exponent's bias grows from 15 to 127; the mantissa moves up.
  return (sign | ((magnitude << dropped) + ((127 - 15) << 23))) >>> 0;
};
