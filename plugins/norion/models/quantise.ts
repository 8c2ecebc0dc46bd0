/**
 * Quantise: vectors in four or eight bits a number, each with its own least value and step.
 *
 * Not the quantisation of tensor programs (plugins/ir): here are vectors at rest, of caches and memories.
 * Invariant: no number comes back further from itself than half a step; a constant vector comes back exactly; what is
 * no finite f32 is 0.
 *
 * @module
 */
import { badModel } from "../failures.ts";

/** Bits of a number. */
export type Bits = 4 | 8;

/** A vector in few bits. */
export interface Quantised {
  /** Bits of a number. */
  readonly bits: Bits;
  /** Numbers. */
  readonly length: number;
  /** Least value. */
  readonly min: number;
  /** What one step is worth; 0 where all numbers are the same. */
  readonly scale: number;
  /** Steps of each number: a byte each, or two in a byte, the first in its low half. */
  readonly codes: Uint8Array;
}

/** Longest vector. */
export const MAX_VECTOR = 16_777_216;

const stepsOf = (bits: Bits): number => 2 ** bits - 1;

const bytesOf = (bits: Bits, length: number): number => bits === 8 ? length : Math.ceil(length / 2);

const finite = (value: number): number => Number.isFinite(Math.fround(value)) ? value : 0;

/** A vector in few bits. */
export const quantise = (values: ArrayLike<number>, bits: Bits): Quantised => {
  const { length } = values;
  let [min, max] = length === 0 ? [0, 0] : [Infinity, -Infinity];
  for (let i = 0; i < length; i++) {
    const value = finite(values[i]);
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  const steps = stepsOf(bits);
  const scale = (max - min) / steps;
  const codes = new Uint8Array(bytesOf(bits, length));
  for (let i = 0; i < length && scale > 0; i++) {
    const code = Math.min(steps, Math.round((finite(values[i]) - min) / scale));
    if (bits === 8) codes[i] = code;
    else codes[i >> 1] |= code << (4 * (i & 1));
  }
  return { bits, length, min, scale, codes };
};

/** The numbers of a vector in few bits. */
export const dequantise = ({ bits, length, min, scale, codes }: Quantised): Float64Array =>
  Float64Array.from({ length }, (_, i) => {
    const code = bits === 8 ? codes[i] : (codes[i >> 1] >> (4 * (i & 1))) & 15;
    return min + code * scale;
  });

/** Rounding of the sums above, as a share of the largest value. */
const ROUNDING = 2 ** -48;

/** How far a number that comes back may be from itself. */
export const errorBound = ({ bits, min, scale }: Quantised): number =>
  scale / 2 + ROUNDING * Math.max(Math.abs(min), Math.abs(min + stepsOf(bits) * scale));

const hexOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** A vector in few bits as text: bits, length, least value, step, codes. */
export const writeQuantised = ({ bits, length, min, scale, codes }: Quantised): string =>
  `q${bits}:${length}:${min}:${scale}:${hexOf(codes)}`;

const FORM = /^q(\d+):(\d{1,9}):(-?[\d.e+-]+):([\d.e+-]+):([0-9a-f]*)$/u;

const refused = (reason: string) => badModel({ what: "the quantised vector", reason });

/** Reads a vector in few bits; throws `NORION_MODELS`. */
export const readQuantised = (text: string): Quantised => {
  const found = FORM.exec(text);
  if (found === null) throw refused("it is not of the form q<bits>:<length>:<min>:<scale>:<hex>");
  const [bits, length, min, scale] = found.slice(1, 5).map(Number);
  const hex = found[5];
  if (bits !== 4 && bits !== 8) throw refused(`numbers of ${bits} bits are not known, only of 4 and 8`);
  if (length > MAX_VECTOR) throw refused(`${length} numbers are more than ${MAX_VECTOR}`);
  if (!Number.isFinite(min) || !Number.isFinite(scale) || scale < 0) {
    throw refused("its least value or step is no number");
  }
  if (hex.length !== 2 * bytesOf(bits, length)) {
    throw refused(`${length} numbers take ${bytesOf(bits, length)} bytes, and ${hex.length / 2} are given`);
  }
  if (bits === 4 && length % 2 === 1 && !hex.endsWith("0", hex.length - 1)) {
    throw refused("its unused bits are not zero");
  }
  return {
    bits,
    length,
    min,
    scale,
    codes: Uint8Array.from({ length: hex.length / 2 }, (_, i) => parseInt(hex.slice(2 * i, 2 * i + 2), 16)),
  };
};

/** Bytes of a vector at rest, its least value and step as f32 counted in. */
export const storedBytes = (bits: Bits, length: number): number => 8 + bytesOf(bits, length);
