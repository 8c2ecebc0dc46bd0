/**
 * Rational: exact numbers for checking arithmetic.
 *
 * Invariant: in lowest terms, the denominator positive; so equal numbers are equal records.
 *
 * @module
 */

/** An exact number. */
export interface Rational {
  /** Numerator. */
  readonly n: bigint;
  /** Denominator, positive. */
  readonly d: bigint;
}

const gcd = (a: bigint, b: bigint): bigint => {
  let [x, y] = [a < 0n ? -a : a, b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
};

/** n / d in lowest terms; undefined where d is 0. */
export const rational = (n: bigint, d: bigint = 1n): Rational | undefined => {
  if (d === 0n) return undefined;
  const [top, bottom] = d < 0n ? [-n, -d] : [n, d];
  const by = gcd(top, bottom);
  return by === 0n ? { n: 0n, d: 1n } : { n: top / by, d: bottom / by };
};

/** Digits and at most one point, as an exact number. */
export const parseDecimal = (text: string): Rational => {
  const [whole, fraction = ""] = text.replaceAll(",", "").split(".");
  return rational(BigInt(whole + fraction), 10n ** BigInt(fraction.length))!;
};

/** Largest exponent that is worked out. */
export const MAX_EXPONENT = 64n;

/** What each sign does; undefined where there is no such number, or it is not worked out. */
export const ARITHMETIC: { readonly [sign: string]: (a: Rational, b: Rational) => Rational | undefined } = {
  "+": (a, b) => rational(a.n * b.d + b.n * a.d, a.d * b.d),
  "-": (a, b) => rational(a.n * b.d - b.n * a.d, a.d * b.d),
  "*": (a, b) => rational(a.n * b.n, a.d * b.d),
  "/": (a, b) => rational(a.n * b.d, a.d * b.n),
  "^": (a, b) => b.d !== 1n || b.n < 0n || b.n > MAX_EXPONENT ? undefined : rational(a.n ** b.n, a.d ** b.n),
};

/** Whether two numbers are the same. */
export const sameNumber = (a: Rational, b: Rational): boolean => a.n === b.n && a.d === b.d;
