/**
 * Tolerance: how far a backend's result may be from the reference's, for each primitive and element type.
 *
 * Not a judge's mood: the table is the promise that every backend makes.
 * Invariant: what IEEE 754 or integer arithmetic determines is exact; functions are counted in units in the last place;
 * sums are bounded by the rounding of their terms, in whatever order they are added.
 *
 * @module
 */
import type { Dtype, Tensor } from "../../ir/contract.ts";
import type { Deviation } from "../contract.ts";
import { dtypeInfo, elementAt, isFloat } from "../../ir/library.ts";

/**
 * How results are compared. `ulps`: units in the last place of the result's dtype; 0 is exact, signs of zero included.
 * `terms`: a sum of so many terms, bounded by the sum of their magnitudes. `relative`: of the largest element.
 */
export type Tolerance =
  | { readonly ulps: number }
  | { readonly terms: number }
  | { readonly relative: number };

/** Exact. */
export const EXACT: Tolerance = { ulps: 0 };

/** Units in the last place by primitive; those that are not here are exact. */
export const ULPS: { readonly [op: string]: number } = {
  exp: 3,
  expm1: 4,
  log: 3,
  log1p: 4,
  sin: 3,
  cos: 3,
  tanh: 4,
  logistic: 4,
  erf: 4,
  pow: 8,
};

/** A function computed in a wider format and rounded is at most one more unit off. */
const NARROW_EXTRA = 1;

/** The tolerance of an elementwise primitive. */
export const elementwiseTolerance = (op: string, dtype: Dtype): Tolerance => {
  if (!isFloat(dtype) || !Object.hasOwn(ULPS, op)) return EXACT;
  return { ulps: dtypeInfo(dtype).bits >= 32 ? ULPS[op] : NARROW_EXTRA };
};

/** The tolerance of a sum of products or of terms. */
export const sumTolerance = (dtype: Dtype, terms: number): Tolerance => isFloat(dtype) ? { terms } : EXACT;

const unitOf = (dtype: Dtype): number => 2 ** -((dtypeInfo(dtype).mantissa ?? 0) + 1);

/** Two-byte floats are computed in binary32. */
const computedIn = (dtype: Dtype): Dtype => dtypeInfo(dtype).bits < 32 ? "f32" : dtype;

const LARGEST: { readonly [dtype: string]: number } = {
  f64: Number.MAX_VALUE,
  f32: 3.4028234663852886e38,
  f16: 65504,
  bf16: 3.3895313892515355e38,
};

const MOST_ULPS_KEPT = 1e9;

/** Units in the last place between two numbers of a float dtype; an infinity is one past the largest number. */
export const ulpsBetween = (a: number, b: number, dtype: Dtype): number => {
  if (a === b) return 0;
  const { mantissa = 0, minExponent = 0 } = dtypeInfo(dtype);
  const clamp = (x: number): number => Math.abs(x) === Infinity ? Math.sign(x) * LARGEST[dtype] : x;
  const beyond = (Math.abs(a) === Infinity ? 1 : 0) + (Math.abs(b) === Infinity ? 1 : 0);
  const [x, y] = [clamp(a), clamp(b)];
  const larger = Math.max(Math.abs(x), Math.abs(y));
  const exponent = Math.max(minExponent, larger === 0 ? minExponent : exponentOf(larger));
  // One step is the spacing at the larger of the two: near a power of two the smaller's is half of it.
  const step = 2 ** Math.max(exponent - mantissa, -1074);
  return Math.min(MOST_ULPS_KEPT, Math.abs(x / step - y / step) + beyond);
};

const exponentOf = (magnitude: number): number => {
  const guess = Math.floor(Math.log2(magnitude));
  if (2 ** guess > magnitude) return guess - 1;
  return 2 ** (guess + 1) <= magnitude ? guess + 1 : guess;
};

/** The first element that differs by more than is allowed. */
export interface Difference {
  /** Its place among the elements. */
  readonly index: number;
  /** What the reference has there. */
  readonly expected: number | string | boolean;
  /** What the backend has there. */
  readonly actual: number | string | boolean;
}

const shown = (value: number | bigint | boolean): number | string | boolean =>
  typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value) && !Object.is(value, -0))
    ? value
    : Object.is(value, -0)
    ? "-0"
    : String(value).replace("Infinity", "inf").replace("NaN", "nan");

/** What an approximated function may be off, in units of the larger of one and the value. */
const APPROXIMATE: { readonly [dtype: string]: number } = { f64: 1e-13, f32: 5e-7, f16: 2e-3, bf16: 2e-2 };

const isApproximately = (want: number, got: number, dtype: Dtype): boolean =>
  Math.abs(want - got) <= APPROXIMATE[dtype] * Math.max(1, Math.abs(want));

/** Whether two floats agree. `scale` is the sum of magnitudes behind the element. */
const floatsAgree = (
  want: number,
  got: number,
  dtype: Dtype,
  { tolerance, scale, allowing }: {
    readonly tolerance: Tolerance;
    readonly scale: number;
    readonly allowing: ReadonlyArray<Deviation>;
  },
): boolean => {
  if (Object.is(want, got)) return true;
  if (want === 0 && got === 0 && allowing.includes("zeroSigns")) return true;
  if ("ulps" in tolerance && tolerance.ulps > 0 && allowing.includes("approximations")) {
    if (isApproximately(want, got, dtype)) return true;
  }
  if ("ulps" in tolerance) {
    if (Number.isNaN(want) || Number.isNaN(got)) return false;
    if (tolerance.ulps === 0) return false;
    if (want === 0 && got === 0) return false;
    return ulpsBetween(want, got, dtype) <= tolerance.ulps;
  }
  // The reference computes in binary64: where it is not a number, a narrower sum of the same terms is none either.
  if (Number.isNaN(want) && computedIn(dtype) !== "f64") return false;
  // A sum whose terms overflow the format may overflow in one order and not in another.
  if ("terms" in tolerance && scale > LARGEST[computedIn(dtype)]) return true;
  if (!Number.isFinite(want) || !Number.isFinite(got)) {
    return "terms" in tolerance && ulpsBetween(want, got, dtype) <= 2;
  }
  if ("relative" in tolerance) return Math.abs(want - got) <= tolerance.relative * scale;
  const bound = 2 * unitOf(dtype) * Math.abs(want) + (tolerance.terms + 1) * unitOf(computedIn(dtype)) * scale +
    smallestOf(dtype);
  return Math.abs(want - got) <= bound;
};

const smallestOf = (dtype: Dtype): number => {
  const { mantissa = 0, minExponent = 0 } = dtypeInfo(dtype);
  return 2 ** Math.max(minExponent - mantissa, -1074);
};

const largestMagnitude = (tensor: Tensor): number => {
  let largest = 0;
  for (let i = 0; i < tensor.data.length; i++) {
    const value = Math.abs(Number(elementAt(tensor, i)));
    if (Number.isFinite(value) && value > largest) largest = value;
  }
  return largest;
};

/**
 * The first element of a result that is not what it should be; undefined when all are. `magnitudes` is the reference's
 * result for the magnitudes of the inputs, which bounds a sum; `allowing` is what the backend says it differs in.
 */
export const differenceOf = (
  expected: Tensor,
  actual: Tensor,
  tolerance: Tolerance,
  magnitudes?: Tensor,
  allowing: ReadonlyArray<Deviation> = [],
): Difference | undefined => {
  const float = isFloat(expected.dtype);
  const largest = "relative" in tolerance ? largestMagnitude(expected) : 0;
  for (let index = 0; index < expected.data.length; index++) {
    const [want, got] = [elementAt(expected, index), elementAt(actual, index)];
    const scale = magnitudes === undefined ? largest : Number(elementAt(magnitudes, index));
    const agree = float
      ? floatsAgree(want as number, got as number, expected.dtype, { tolerance, scale, allowing })
      : want === got;
    if (!agree) return { index, expected: shown(want), actual: shown(got) };
  }
  return undefined;
};
