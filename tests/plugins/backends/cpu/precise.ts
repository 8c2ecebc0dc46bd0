/**
 * Precise: elementary functions in fixed point with 256 fractional bits, by their series: the judge of vector math, and
 * what its polynomials are fitted to.
 *
 * Not fast. A number here is a bigint that stands for itself over 2^256.
 */

/** Fractional bits. */
const BITS = 256n;
/** One. */
export const ONE: bigint = 1n << BITS;

/** A double, exactly; refuses what is finer than 2^-256. */
export const fixed = (x: number): bigint => {
  if (x === 0) return 0n;
  const exponent = Math.max(-1022, Math.floor(Math.log2(Math.abs(x)))) - 53;
  // Two steps, as 2 to a large exponent is not a double.
  const mantissa = BigInt(x / 2 ** Math.trunc(exponent / 2) / 2 ** (exponent - Math.trunc(exponent / 2)));
  const shift = BITS + BigInt(exponent);
  return shift >= 0n ? mantissa << shift : mantissa >> -shift;
};

/** The nearest double and how far off it is from the number, in the number's own units, as a pair. */
export const toNumber = (x: bigint): number => {
  const negative = x < 0n;
  const size = negative ? -x : x;
  const bits = size.toString(2).length;
  if (bits <= 53) return Number(x) / 2 ** 256;
  // Keeps 64 bits, of which the last says whether anything was cut; the rest is rounded by Number.
  const shift = BigInt(Math.max(0, bits - 64));
  const kept = (size >> shift) | ((size & ((1n << shift) - 1n)) === 0n ? 0n : 1n);
  const value = Number(kept) * 2 ** (Number(shift) - 256);
  return negative ? -value : value;
};

/** Product. */
export const times = (a: bigint, b: bigint): bigint => (a * b) >> BITS;
/** Quotient. */
export const over = (a: bigint, b: bigint): bigint => (a << BITS) / b;

const arctanInverse = (n: bigint, one: bigint): bigint => {
  let [power, sum] = [one / n, one / n];
  for (let k = 1n; power !== 0n; k++) {
    power /= n * n;
    sum += (k % 2n === 0n ? power : -power) / (2n * k + 1n);
  }
  return sum;
};

/** π in units of 1/one, by Machin's formula. */
export const piOver = (one: bigint): bigint => 4n * (4n * arctanInverse(5n, one) - arctanInverse(239n, one));

/** π. */
export const PI: bigint = piOver(ONE);

const artanhSeries = (s: bigint): bigint => {
  const square = times(s, s);
  let [power, sum] = [s, s];
  for (let k = 1n; power !== 0n && power !== -1n; k++) {
    power = times(power, square);
    sum += power / (2n * k + 1n);
  }
  return sum;
};

/** ln 2. */
export const LN2: bigint = 2n * artanhSeries(ONE / 3n);

/** e to the x, for results that fit. */
export const exp = (x: bigint): bigint => {
  const n = x / LN2;
  const r = x - n * LN2;
  let [term, sum] = [ONE, ONE];
  for (let k = 1n; term !== 0n && term !== -1n; k++) {
    term = times(term, r) / k;
    sum += term;
  }
  return n >= 0n ? sum << n : sum >> -n;
};

/** Natural logarithm of a positive number. */
export const log = (x: bigint): bigint => {
  if (x <= 0n) throw new RangeError("only positive numbers have a logarithm");
  const shift = BigInt(x.toString(2).length) - BITS;
  const m = shift >= 0n ? x >> shift : x << -shift;
  return 2n * artanhSeries(over(m - ONE, m + ONE)) + shift * LN2;
};

/** Sine and cosine. */
export const sincos = (x: bigint): readonly [sin: bigint, cos: bigint] => {
  const r = x % (2n * PI);
  const result = [0n, 0n] as [bigint, bigint];
  let term = ONE;
  for (let k = 0n; term !== 0n && term !== -1n; k++) {
    const at = k % 2n === 0n ? 1 : 0;
    result[at] += k % 4n < 2n ? term : -term;
    term = times(term, r) / (k + 1n);
  }
  return result;
};

/** Square root. */
export const sqrt = (x: bigint): bigint => {
  const wanted = x << BITS;
  let root = 1n << BigInt(Math.ceil(wanted.toString(2).length / 2));
  for (;;) {
    const next = (root + wanted / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
};

const TWO_OVER_ROOT_PI: bigint = over(2n * ONE, sqrt(PI));

/** The error function, by the series whose terms are all of one sign. */
export const erf = (x: bigint): bigint => {
  const square = times(x, x);
  let [term, sum] = [x, x];
  for (let k = 1n; term !== 0n && term !== -1n; k++) {
    term = times(term, 2n * square) / (2n * k + 1n);
    sum += term;
  }
  return times(times(TWO_OVER_ROOT_PI, exp(-square)), sum);
};

/** How many units in the last place of a format a value is from the truth. */
export const ulps = (
  got: number,
  truth: bigint,
  format: { readonly mantissa: number; readonly minimum: number },
): number => {
  const near = toNumber(truth);
  const exponent = near === 0 ? format.minimum : Math.max(format.minimum, Math.floor(Math.log2(Math.abs(near))));
  const unit = fixed(2 ** Math.max(-250, exponent - format.mantissa));
  return Math.abs(toNumber(over(fixed(got) - truth, unit)));
};

/**
 * Coefficients, from the constant on, of the polynomial that meets a function at the Chebyshev nodes of an interval:
 * within a small factor of the best one.
 */
export const chebyshevFit = (
  f: (x: bigint) => bigint,
  [low, high]: readonly [bigint, bigint],
  degree: number,
): ReadonlyArray<bigint> => {
  const count = degree + 1;
  const nodes = Array.from({ length: count }, (_, i) => {
    const cosine = sincos(PI * BigInt(2 * i + 1) / BigInt(2 * count))[1];
    return (low + high + times(high - low, cosine)) / 2n;
  });
  // Newton's divided differences, then expanded.
  const differences = nodes.map(f);
  for (let order = 1; order < count; order++) {
    for (let i = count - 1; i >= order; i--) {
      differences[i] = over(differences[i] - differences[i - 1], nodes[i] - nodes[i - order]);
    }
  }
  let coefficients: bigint[] = [];
  for (let i = count - 1; i >= 0; i--) {
    coefficients = [0n, ...coefficients];
    for (let k = 0; k + 1 < coefficients.length; k++) coefficients[k] -= times(nodes[i], coefficients[k + 1]);
    coefficients[0] += differences[i];
  }
  return coefficients;
};
