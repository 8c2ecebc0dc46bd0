/**
 * Exponentials and logarithms of vectors, and what is made of them: expm1, log1p, tanh, logistic, erf.
 *
 * After Cody and Waite (reduction by ln 2 in two parts) and the logarithm of fdlibm (W. Kahan's form with s = f/(2+f)),
 * with our own polynomials (coefficients.ts).
 * Invariant: special values are those of IEEE 754 and of JavaScript's Math; the greatest errors are in `MATH`.
 *
 * @module
 */
import * as C from "./coefficients.ts";
import type { FloatLanes, Lanes, Value } from "./lanes.ts";

interface Constants {
  readonly exp: ReadonlyArray<number>;
  readonly ln2: ReadonlyArray<number>;
  readonly log: ReadonlyArray<number>;
  readonly erf: ReadonlyArray<number>;
  readonly erfcx: ReadonlyArray<number>;
  /** Below this e to the x is 0. */
  readonly expLow: number;
  /** Above this e to the x is ∞. */
  readonly expHigh: number;
  /** Below this e to the x less one is −1. */
  readonly expm1Low: number;
  /** Below this magnitude expm1 and log1p are their argument. */
  readonly tiny: number;
  /** Above this tanh is 1. */
  readonly tanhHigh: number;
  /** Above this erf is 1. */
  readonly erfHigh: number;
  /** The significand's bits of √½. */
  readonly rootHalf: number | bigint;
  /** Power of two that makes a subnormal normal. */
  readonly scale: number;
}

const CONSTANTS: { readonly [F in FloatLanes]: Constants } = {
  f32x4: {
    exp: C.EXP_F32,
    ln2: C.LN2_F32,
    log: C.LOG_F32,
    erf: C.ERF_F32,
    erfcx: C.ERFCX_4,
    expLow: -104,
    expHigh: 89,
    expm1Low: -25,
    tiny: 2 ** -25,
    tanhHigh: 10,
    erfHigh: 4,
    rootHalf: 0x3f3504f3,
    scale: 25,
  },
  f64x2: {
    exp: C.EXP_F64,
    ln2: C.LN2_F64,
    log: C.LOG_F64,
    erf: C.ERF_F64,
    erfcx: C.ERFCX_6,
    expLow: -746,
    expHigh: 710,
    expm1Low: -45,
    tiny: 2 ** -54,
    tanhHigh: 22,
    erfHigh: 6,
    rootHalf: 0x3fe6a09e667f3bcdn,
    scale: 54,
  },
};

/** x = n·ln 2 + r: the rounded n still with the magic number in it, and eʳ − 1. `low` is added to x. */
const reduced = (v: Lanes, x: Value, low?: Value): { readonly rounded: Value; readonly rest: Value } => {
  const { exp, ln2 } = CONSTANTS[v.kind];
  const magic = v.constant(v.format.magic);
  // Multiply and add apart: fused, the sum would be the same but for ties.
  const rounded = v.keep(v.add(v.mul(x, v.constant(Math.LOG2E)), magic));
  const n = v.keep(v.sub(rounded, magic));
  const high = v.multiplySubtract(n, v.constant(ln2[0]), x);
  const r = v.keep(v.multiplySubtract(n, v.constant(ln2[1]), low === undefined ? high : v.add(high, low)));
  const square = v.mul(r, r);
  return { rounded, rest: v.keep(v.multiplyAdd(square, v.polynomial(exp, r), r)) };
};

/** e to the x + low, for |low| far below the last place of x. */
export const expOfSum = (v: Lanes, argument: Value, low?: Value): Value => {
  const { expLow, expHigh } = CONSTANTS[v.kind];
  const x = v.keep(v.atLeast(v.atMost(argument, v.constant(expHigh)), v.constant(expLow)));
  const { rounded, rest } = reduced(v, x, low);
  // In two steps, as 2ⁿ alone may be past the largest or below the smallest normal number: the halves of n + 2·bias are
  // the exponents of two powers as they stand in a float.
  const { mantissa, doubledZero } = v.format;
  const biased = v.keep(v.integer("sub", rounded, v.bits(doubledZero)));
  const half = v.keep(v.shift("shr_s", biased, 1));
  const power = v.keep(v.add(v.constant(1), rest));
  const first = v.mul(power, v.shift("shl", half, mantissa));
  return v.keep(v.mul(first, v.shift("shl", v.integer("sub", biased, half), mantissa)));
};

/** e to the x. */
export const exp = (v: Lanes, x: Value): Value => expOfSum(v, x);

/** expm1 for arguments that are neither tiny nor below its last step. */
const expm1Core = (v: Lanes, x: Value): Value => {
  const { rounded, rest } = reduced(v, x);
  const n = v.integer("sub", rounded, v.constant(v.format.magic));
  // 2ⁿ⁻¹, as 2ⁿ may be past the largest number where the result is not.
  const half = v.keep(v.powerOfTwo(v.integer("sub", n, v.bits(v.kind === "f32x4" ? 1 : 1n))));
  const sum = v.keep(v.multiplyAdd(half, rest, v.sub(half, v.constant(0.5))));
  return v.keep(v.add(sum, sum));
};

/** e to the x, less one. */
export const expm1 = (v: Lanes, x: Value): Value => {
  const { expHigh, expm1Low, tiny } = CONSTANTS[v.kind];
  const within = v.keep(v.atLeast(v.atMost(x, v.constant(expHigh)), v.constant(expm1Low)));
  const value = expm1Core(v, within);
  return v.keep(v.choose(v.compare("lt", v.unary("abs", x), v.constant(tiny)), x, value));
};

/** ln u + correction, for u in the positive normal or subnormal numbers. */
const logCore = (v: Lanes, u: Value, correction?: Value): Value => {
  const { log, ln2, rootHalf, scale } = CONSTANTS[v.kind];
  const { mantissa, smallest } = v.format;
  const small = v.keep(v.compare("lt", u, v.constant(smallest)));
  const normal = v.choose(small, v.mul(u, v.constant(2 ** scale)), u);
  const above = v.keep(v.integer("sub", normal, v.bits(rootHalf)));
  const exponent = v.fromInteger(v.shift("shr_s", above, mantissa));
  const k = v.keep(v.sub(exponent, v.bitwise("and", small, v.constant(scale))));
  const fraction = v.kind === "f32x4" ? v.bits(0x7f_ffff) : v.bits((1n << 52n) - 1n);
  const m = v.integer("add", v.bitwise("and", above, fraction), v.bits(rootHalf));
  const f = v.keep(v.sub(m, v.constant(1)));
  const s = v.keep(v.div(f, v.add(f, v.constant(2))));
  const z = v.keep(v.mul(s, s));
  const halfSquare = v.keep(v.mul(v.mul(f, v.constant(0.5)), f));
  const rest = v.mul(z, v.polynomial(log, z));
  const low = v.mul(k, v.constant(ln2[1]));
  const corrected = correction === undefined ? low : v.add(low, correction);
  const tail = v.multiplyAdd(s, v.add(halfSquare, rest), corrected);
  return v.keep(v.multiplyAdd(k, v.constant(ln2[0]), v.sub(f, v.sub(halfSquare, tail))));
};

/** A logarithm with what it is of 0, of ∞, and of what has none. */
const logSpecial = (v: Lanes, u: Value, value: Value): Value => {
  const [zero, infinity] = [v.constant(0), v.constant(Infinity)];
  const usual = v.bitwise("and", v.compare("gt", u, zero), v.compare("lt", u, infinity));
  const atZero = v.choose(v.compare("eq", u, zero), v.constant(-Infinity), v.constant(NaN));
  return v.keep(v.choose(usual, value, v.choose(v.compare("eq", u, infinity), infinity, atZero)));
};

/** Natural logarithm. */
export const log = (v: Lanes, x: Value): Value => logSpecial(v, x, logCore(v, x));

/** Natural logarithm of one plus x. */
export const log1p = (v: Lanes, x: Value): Value => {
  const one = v.constant(1);
  const u = v.keep(v.add(one, x));
  // What rounding 1 + x lost, exactly (Knuth's sum of two).
  const given = v.keep(v.sub(u, one));
  const lost = v.add(v.sub(one, v.sub(u, given)), v.sub(x, given));
  const value = logSpecial(v, u, logCore(v, u, v.keep(v.div(lost, u))));
  return v.keep(v.choose(v.compare("lt", v.unary("abs", x), v.constant(CONSTANTS[v.kind].tiny)), x, value));
};

/** Hyperbolic tangent. */
export const tanh = (v: Lanes, x: Value): Value => {
  const a = v.keep(v.atMost(v.unary("abs", x), v.constant(CONSTANTS[v.kind].tanhHigh)));
  const e = expm1Core(v, v.keep(v.add(a, a)));
  return v.keep(v.copySign(v.div(e, v.add(e, v.constant(2))), x));
};

/** 1 / (1 + e⁻ˣ), without overflow on either side. */
export const logistic = (v: Lanes, x: Value): Value => {
  const z = exp(v, v.keep(v.unary("neg", v.unary("abs", x))));
  const top = v.choose(v.compare("lt", x, v.constant(0)), z, v.constant(1));
  return v.keep(v.div(top, v.add(z, v.constant(1))));
};

/** The error function. */
export const erf = (v: Lanes, x: Value): Value => {
  const constants = CONSTANTS[v.kind];
  const square = v.keep(v.mul(x, x));
  const small = v.keep(v.multiplyAdd(v.polynomial(constants.erf, square), x, x));
  const a = v.keep(v.atMost(v.unary("abs", x), v.constant(constants.erfHigh)));
  const two = v.constant(2);
  const u = v.keep(v.div(v.sub(a, two), v.add(a, two)));
  const decay = exp(v, v.keep(v.unary("neg", v.mul(a, a))));
  const tail = v.mul(decay, v.polynomial(constants.erfcx, u));
  const large = v.copySign(v.sub(v.constant(1), tail), x);
  return v.keep(v.choose(v.compare("lt", a, v.constant(1)), small, large));
};
