/**
 * Fits: the polynomials of the vector math, from their definitions.
 *
 * `deno run -A tests/plugins/backends/cpu/fits.ts` writes plugins/backends/cpu/wasm/coefficients.ts; a test compares.
 */
import {
  chebyshevFit,
  erf,
  exp,
  fixed,
  LN2,
  log,
  ONE,
  over,
  PI,
  piOver,
  sincos,
  sqrt,
  times,
  toNumber,
} from "./precise.ts";

/** A place at or near 0 where quotients whose numerator and denominator vanish are taken instead. */
const TINY = 1n << 190n;
const awayFromZero = (x: bigint): bigint => (x < 0n ? -x : x) < TINY ? TINY : x;
const tiny = ONE / 10n ** 8n;
const TWO_THIRDS = 2n * ONE / 3n;

const logTerm = (z: bigint): bigint => {
  const s = sqrt(z);
  return over(log(over(ONE + s, ONE - s)) - 2n * s, times(z, s));
};
/** √2's s = (√2 − 1)/(√2 + 1), squared, is 0.02943…. */
const LOG_END = fixed(0.02944);
/** (π/4)² is 0.6168…. */
const QUARTER_SQUARED = fixed(0.62);

/** One polynomial: what it approximates, where, and its degree for each precision that uses it. */
interface Fit {
  readonly doc: string;
  readonly of: (x: bigint) => bigint;
  readonly on: readonly [bigint, bigint];
  readonly degree: { readonly f32?: number; readonly f64?: number };
}

const erfcx = (u: bigint): bigint => {
  const x = over(2n * ONE + 2n * u, ONE - u);
  return times(exp(times(x, x)), ONE - erf(x));
};

/** Every polynomial. */
export const FITS: { readonly [name: string]: Fit } = {
  EXP: {
    doc: "(eʳ − 1 − r) / r² for |r| ≤ ½·ln 2",
    of: (x) => {
      const r = awayFromZero(x);
      return over(exp(r) - ONE - r, times(r, r));
    },
    on: [-LN2 / 2n - ONE / 1000n, LN2 / 2n + ONE / 1000n],
    degree: { f32: 5, f64: 10 },
  },
  LOG: {
    doc: "(ln((1+s)/(1−s)) − 2s) / s³ in z = s², for s up to (√2−1)/(√2+1)",
    of: logTerm,
    on: [tiny, LOG_END],
    degree: { f32: 2, f64: 6 },
  },
  LOG_REST: {
    doc: "The same less ⅔, over z: for the logarithm of twice the precision",
    of: (z) => over(logTerm(z) - TWO_THIRDS, z),
    on: [tiny, LOG_END],
    degree: { f64: 8 },
  },
  SIN: {
    doc: "(sin r − r) / r³ in z = r², for |r| ≤ π/4",
    of: (z) => {
      const r = sqrt(z);
      return over(sincos(r)[0] - r, times(z, r));
    },
    on: [tiny, QUARTER_SQUARED],
    degree: { f64: 5 },
  },
  COS: {
    doc: "(cos r − 1 + z/2) / z² in z = r², for |r| ≤ π/4",
    of: (z) => over(sincos(sqrt(z))[1] - ONE + z / 2n, times(z, z)),
    on: [tiny, QUARTER_SQUARED],
    degree: { f64: 5 },
  },
  ERF: {
    doc: "erf(x)/x − 1 in z = x², for |x| ≤ 1",
    of: (z) => {
      const x = sqrt(z);
      return over(erf(x), x) - ONE;
    },
    on: [tiny, ONE],
    degree: { f32: 6, f64: 11 },
  },
  ERFCX_4: {
    doc: "e^(x²)·(1 − erf x) in u = (x−2)/(x+2), for 1 ≤ x ≤ 4",
    of: erfcx,
    on: [-ONE / 3n, ONE / 3n],
    degree: { f32: 6 },
  },
  ERFCX_6: {
    doc: "The same for 1 ≤ x ≤ 6",
    of: erfcx,
    on: [-ONE / 3n, ONE / 2n],
    degree: { f64: 15 },
  },
};

/** Coefficients of a fit, from the constant on, rounded to a precision. */
export const coefficients = ({ of, on, degree }: Fit, precision: "f32" | "f64"): ReadonlyArray<number> =>
  chebyshevFit(of, on, degree[precision]!).map((c) => precision === "f32" ? Math.fround(toNumber(c)) : toNumber(c));

/** The first bits of 2/π, as words of 32. */
export const twoOverPi = (words: number): ReadonlyArray<number> => {
  // π from 256-bit fixed point is not enough here.
  const one = 1n << BigInt(words * 32 + 64);
  const pi = piOver(one);
  const value = (2n * one << BigInt(words * 32)) / pi;
  return Array.from(
    { length: words },
    (_, i) => Number((value >> BigInt((words - 1 - i) * 32)) & 0xffff_ffffn),
  );
};

/** Parts of a constant of so many bits each, the last rounded to a double. */
export const parts = (x: bigint, bits: number, count: number): ReadonlyArray<number> => {
  const made: number[] = [];
  let rest = x;
  for (let i = 0; i < count; i++) {
    const top = rest.toString(2).length;
    const cut = BigInt(Math.max(0, top - bits));
    const part = i + 1 < count ? (rest >> cut) << cut : rest;
    made.push(toNumber(part));
    rest -= part;
  }
  return made;
};

/** Words of 2/π that the largest double needs: 1024 bits of exponent, the significand and what it is known to. */
const WORDS = 40;

const render = (): string => {
  let text = `/**
 * Coefficients: the polynomials and constants of the vector math.
 *
 * Not typed in: computed to 256 bits from their definitions (tests/plugins/backends/cpu/fits.ts), as the polynomials that
 * meet the function at the Chebyshev nodes; a test computes them again.
 * Invariant: coefficients run from the constant term on.
 *
 * @module
 */
`;
  for (const [name, fit] of Object.entries(FITS)) {
    for (const precision of ["f32", "f64"] as const) {
      if (fit.degree[precision] === undefined) continue;
      const both = fit.degree.f32 !== undefined && fit.degree.f64 !== undefined;
      text += `\n/** ${fit.doc}. */\nexport const ${name}${
        both ? `_${precision.toUpperCase()}` : ""
      }: ReadonlyArray<number> = [\n`;
      for (const c of coefficients(fit, precision)) text += `  ${c},\n`;
      text += "];\n";
    }
  }
  text += `\n/** π/2 in parts of 33 bits, so that multiples up to 2²⁰ are exact, and the rest. */
export const HALF_PI: ReadonlyArray<number> = [\n${parts(PI / 2n, 33, 4).map((x) => `  ${x},\n`).join("")}];\n`;
  text += `\n/** π/2 as a double and the rest. */
export const HALF_PI_PAIR: ReadonlyArray<number> = [\n${parts(PI / 2n, 53, 2).map((x) => `  ${x},\n`).join("")}];\n`;
  text += `\n/** ln 2 in a part of 32 bits, so that multiples up to 2²¹ are exact, and the rest. */
export const LN2_F64: ReadonlyArray<number> = [\n${parts(LN2, 32, 2).map((x) => `  ${x},\n`).join("")}];\n`;
  const low = LN2 - fixed(0.693359375);
  text += `\n/** ln 2 as 355/512, of which multiples up to 2¹⁵ are exact in f32, and the rest. */
export const LN2_F32: ReadonlyArray<number> = [\n  0.693359375,\n  ${Math.fround(toNumber(low))},\n];\n`;
  text += `\n/** The first bits of 2/π, in words of 32. */
export const TWO_OVER_PI: ReadonlyArray<number> = [\n${
    twoOverPi(WORDS).map((x) => `  0x${x.toString(16).padStart(8, "0")},\n`).join("")
  }];\n`;
  return text;
};

/** The text of the file of coefficients. */
export const coefficientsFile = (): string => render();

if (import.meta.main) {
  Deno.writeTextFileSync(
    new URL("../../../../plugins/backends/cpu/wasm/coefficients.ts", import.meta.url),
    coefficientsFile(),
  );
}
