/**
 * Integers: numbers as small integers with a scale, and for asymmetric ranges a zero point.
 *
 * value ≈ (q − zero) · scale. Symmetric: zero is 0 and −q stands wherever q does. Asymmetric: the range reaches from the
 * least to the greatest value and always holds 0, which is exact.
 * Invariant: scales are positive and finite, and q lies within its target's bounds.
 *
 * @module
 */

/** Integer targets and their bounds. The least integer is left out of symmetric ranges. */
export const INTEGER_TARGETS = {
  i4: { bits: 4, least: -8, most: 7 },
  i8: { bits: 8, least: -128, most: 127 },
  i16: { bits: 16, least: -32768, most: 32767 },
} as const;

/** An integer target. */
export type IntegerTarget = keyof typeof INTEGER_TARGETS;

/** How a range is mapped. */
export interface Calibration {
  /** Whether zero lies in the middle. */
  readonly symmetric: boolean;
  /** Share of values, in percent, that the range covers at least; the rest is clamped. 100 covers all. */
  readonly percentile: number;
  /** Whether scales are f32 (else f64). */
  readonly single: boolean;
}

/** A mapping of numbers to integers. */
export interface Mapping {
  /** What one step is worth. */
  readonly scale: number;
  /** The integer that stands for 0. */
  readonly zero: number;
}

/** Rounds to an integer, halves away from zero; exact also just below a half and beyond 2^52. */
export const roundHalfAway = (value: number): number => {
  const whole = Math.trunc(value);
  return Math.abs(value - whole) >= 0.5 ? whole + Math.sign(value) : whole;
};

/** The value at a share of a sorted list, by nearest rank. */
const ranked = (sorted: Float64Array, percent: number): number =>
  sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1))];

/** The range that values are mapped over; for symmetric ones from zero to the largest magnitude. */
export const rangeOf = (values: Float64Array, { symmetric, percentile }: Calibration): readonly [number, number] => {
  const sized = symmetric ? values.map(Math.abs) : values.slice();
  if (percentile >= 100) {
    let [least, most] = [0, 0];
    for (const value of sized) {
      if (value < least) least = value;
      if (value > most) most = value;
    }
    return [least, most];
  }
  sized.sort();
  if (symmetric) return [0, ranked(sized, percentile)];
  // What is left out is left out at both ends, by nearest rank from either side.
  const cut = sized.length - Math.max(1, Math.ceil((percentile / 100) * sized.length));
  return [Math.min(0, sized[cut]), Math.max(0, ranked(sized, percentile))];
};

const LEAST_SINGLE = 2 ** -149;

/** The smallest positive step where a range is so narrow that its share underflows. */
const positive = (scale: number, single: boolean): number => {
  const rounded = single ? Math.fround(scale) : scale;
  return rounded > 0 ? rounded : single ? LEAST_SINGLE : Number.MIN_VALUE;
};

/** The mapping for a range that holds zero; of the empty range, the one with scale 1. */
export const mappingFor = (
  [low, high]: readonly [number, number],
  target: IntegerTarget,
  { symmetric, single }: Pick<Calibration, "symmetric" | "single">,
): Mapping => {
  const { least, most } = INTEGER_TARGETS[target];
  if (low === 0 && high === 0) return { scale: 1, zero: 0 };
  if (symmetric) return { scale: positive(Math.max(high, -low) / most, single), zero: 0 };
  const steps = most - least;
  // Halves first, so that the widest range does not overflow.
  const scale = positive((high / steps) - (low / steps), single);
  return { scale, zero: Math.max(least, Math.min(most, roundHalfAway(least - low / scale))) };
};

/** The mapping for finite values; of none, or of zeros alone, the one with scale 1. */
export const mappingOf = (values: Float64Array, target: IntegerTarget, calibration: Calibration): Mapping =>
  values.length === 0 ? { scale: 1, zero: 0 } : mappingFor(rangeOf(values, calibration), target, calibration);

/** The integer for a number. */
export const quantizeOne = (
  value: number,
  { scale, zero }: Mapping,
  target: IntegerTarget,
  calibration: Pick<Calibration, "symmetric" | "single">,
): number => {
  const { least, most } = INTEGER_TARGETS[target];
  const quotient = value / scale;
  const q = roundHalfAway(calibration.single ? Math.fround(quotient) : quotient) + zero;
  return Math.max(calibration.symmetric ? -most : least, Math.min(most, q)) + 0;
};

/** The number that an integer stands for. */
export const dequantizeOne = (q: number, { scale, zero }: Mapping, single: boolean): number => {
  const value = (q - zero) * scale;
  return single ? Math.fround(value) : value;
};

/** Packs 4-bit integers two to a byte, the first in the lower half; an odd last half is 0. */
export const packNibbles = (values: Int16Array): Uint8Array => {
  const bytes = new Uint8Array((values.length + 1) >> 1);
  values.forEach((value, i) => bytes[i >> 1] |= (value & 15) << ((i & 1) * 4));
  return bytes;
};

/** The first `count` 4-bit integers of packed bytes. */
export const unpackNibbles = (bytes: Uint8Array, count: number): Int16Array =>
  Int16Array.from({ length: count }, (_, i) => ((bytes[i >> 1] >> ((i & 1) * 4)) << 28) >> 28);
