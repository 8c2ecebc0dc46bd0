/**
 * Format: numbers as people read them.
 *
 * Invariant: what is not finite is a dash; the same number is always the same text, wherever the reader lives.
 *
 * @module
 */

const NONE = "–";

/** A number with so many significant digits, without an exponent where that is short. */
export const number = (value: number | undefined, digits = 4): string => {
  if (value === undefined || !Number.isFinite(value)) return NONE;
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e7 || size < 1e-4) return value.toExponential(Math.max(0, digits - 2)).replace("e+", "e");
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  return grouped(Number(value.toFixed(Math.min(decimals, 8))));
};

const grouped = (value: number): string => {
  const [whole, rest] = String(value).split(".");
  const parts = whole.replace(/\B(?=(?:\d{3})+$)/gu, "\u202f");
  return rest === undefined ? parts : `${parts}.${rest}`;
};

/** A whole number with its thousands apart. */
export const count = (value: number | undefined): string =>
  value === undefined || !Number.isFinite(value) ? NONE : grouped(Math.round(value));

/** A share as percent. */
export const percent = (share: number | undefined, decimals = 2): string =>
  share === undefined || !Number.isFinite(share) ? NONE : `${(share * 100).toFixed(decimals)}\u202f%`;

const THOUSANDS: ReadonlyArray<string> = ["", "k", "M", "G", "T", "P", "E"];

/** An amount by thousands: 12.3 M. */
export const amount = (value: number | undefined, unit = ""): string => {
  if (value === undefined || !Number.isFinite(value)) return NONE;
  const size = Math.abs(value);
  const step = size < 1_000 ? 0 : Math.min(THOUSANDS.length - 1, Math.floor(Math.log10(size) / 3));
  const text = step === 0 ? number(value, 3) : String(Number((value / 1_000 ** step).toPrecision(3)));
  const prefix = `${THOUSANDS[step]}${unit}`;
  return prefix === "" ? text : `${text}\u202f${prefix}`;
};

/** Operations, by count. */
export const flops = (value: number | undefined): string => amount(value, "FLOP");

/** A size of bytes. */
export const bytes = (value: number | undefined): string =>
  value === undefined || !Number.isFinite(value)
    ? NONE
    : value < 10_000
    ? `${count(value)}\u202fbytes`
    : amount(value, "B");

/** A time. */
export const duration = (ms: number | undefined): string => {
  if (ms === undefined || !Number.isFinite(ms)) return NONE;
  if (ms < 1_000) return `${number(ms, 3)}\u202fms`;
  if (ms < 120_000) return `${number(ms / 1_000, 3)}\u202fs`;
  return `${Math.floor(ms / 60_000)}\u202fmin ${Math.round((ms % 60_000) / 1_000)}\u202fs`;
};

const DIGEST = /sha256:([0-9a-f]{12})[0-9a-f]{52}/gu;

/** A text with its digests short enough to read. */
export const brief = (text: string): string => text.replace(DIGEST, "$1…");

/** A digest, short enough to compare by eye. */
export const shortDigest = (digest: string): string => digest.replace(/^sha256:/u, "").slice(0, 12);
