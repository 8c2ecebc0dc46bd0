/**
 * Power of vectors: x to the y by IEEE 754.
 *
 * Not by exp(y·ln x) in one precision: the logarithm is taken as a sum of two, so that the product's error stays below
 * the last place. Binary32 is computed in binary64.
 * Invariant: pow(x, ±0) and pow(1, y) are 1 for every x and y, NaN included; pow(−1, ±∞) is 1.
 *
 * @module
 */
import { LN2_F64, LOG_REST } from "./coefficients.ts";
import { expOfSum } from "./exponential.ts";
import type { Lanes, Value } from "./lanes.ts";

/** A sum of two numbers, the second far below the first. */
interface Pair {
  readonly high: Value;
  readonly low: Value;
}

/** 2^27 + 1: multiplying by it splits a double into halves (Dekker). */
const SPLITTER = 134_217_729;

/** ⅔ and what its double lacks. */
const TWO_THIRDS = 2 / 3;
const TWO_THIRDS_LOW = 2 ** -54 * 2 / 3;

/** Beyond this exp is 0 or ∞. */
const EXP_END = 800;

const halves = (v: Lanes, a: Value): Pair => {
  const shifted = v.keep(v.mul(a, v.constant(SPLITTER)));
  const high = v.keep(v.sub(shifted, v.sub(shifted, a)));
  return { high, low: v.keep(v.sub(a, high)) };
};

/** a · b exactly. */
const product = (v: Lanes, a: Value, b: Value): Pair => {
  const high = v.keep(v.mul(a, b));
  const [x, y] = [halves(v, a), halves(v, b)];
  const crossed = v.add(v.add(v.sub(v.mul(x.high, y.high), high), v.mul(x.high, y.low)), v.mul(x.low, y.high));
  return { high, low: v.keep(v.add(crossed, v.mul(x.low, y.low))) };
};

/** a + b exactly, for any a and b. */
const sum = (v: Lanes, a: Value, b: Value): Pair => {
  const high = v.keep(v.add(a, b));
  const part = v.keep(v.sub(high, a));
  return { high, low: v.keep(v.add(v.sub(a, v.sub(high, part)), v.sub(b, part))) };
};

/** The logarithm of positive finite numbers, to about 2^-65. */
const logPair = (v: Lanes, x: Value): Pair => {
  const small = v.keep(v.compare("lt", x, v.constant(v.format.smallest)));
  const normal = v.choose(small, v.mul(x, v.constant(2 ** 54)), x);
  const rootHalf = v.bits(0x3fe6a09e667f3bcdn);
  const above = v.keep(v.integer("sub", normal, rootHalf));
  const exponent = v.fromInteger(v.shift("shr_s", above, v.format.mantissa));
  const k = v.keep(v.sub(exponent, v.bitwise("and", small, v.constant(54))));
  const m = v.integer("add", v.bitwise("and", above, v.bits((1n << 52n) - 1n)), rootHalf);
  // s = f / (2 + f), with what the divisor and the quotient lack.
  const f = v.keep(v.sub(m, v.constant(1)));
  const divisor = sum(v, v.constant(2), f);
  const s = v.keep(v.div(f, divisor.high));
  const back = product(v, s, divisor.high);
  const remainder = v.sub(v.sub(v.sub(f, back.high), back.low), v.mul(s, divisor.low));
  const sLow = v.keep(v.div(remainder, divisor.high));
  const z = product(v, s, s);
  const zLow = v.keep(v.add(z.low, v.mul(v.mul(v.constant(2), s), sLow)));
  // ln m = 2s + ⅔s³ + s⁵·(…): the first two as pairs.
  const cube = product(v, s, z.high);
  const cubeLow = v.keep(v.add(cube.low, v.add(v.mul(s, zLow), v.mul(sLow, z.high))));
  const two = product(v, cube.high, v.constant(TWO_THIRDS));
  const twoLow = v.add(
    two.low,
    v.add(v.mul(cube.high, v.constant(TWO_THIRDS_LOW)), v.mul(cubeLow, v.constant(TWO_THIRDS))),
  );
  const rest = v.mul(v.mul(cube.high, z.high), v.polynomial(LOG_REST, z.high));
  const first = sum(v, v.mul(k, v.constant(LN2_F64[0])), v.add(s, s));
  const second = sum(v, first.high, two.high);
  const small1 = v.add(v.mul(k, v.constant(LN2_F64[1])), v.add(sLow, sLow));
  const low = v.keep(v.add(v.add(first.low, second.low), v.add(v.add(small1, twoLow), rest)));
  const high = v.keep(v.add(second.high, low));
  return { high, low: v.keep(v.add(v.sub(second.high, high), low)) };
};

/** Magnitude of |x| to the y. */
const magnitude = (v: Lanes, x: Value, y: Value): Value => {
  const [zero, infinity] = [v.constant(0), v.constant(Infinity)];
  const pair = logPair(v, x);
  const atEnds = v.choose(v.compare("eq", x, zero), v.constant(-Infinity), v.unary("abs", x));
  const usual = v.keep(v.bitwise("and", v.compare("gt", x, zero), v.compare("lt", x, infinity)));
  const logarithm = v.keep(v.choose(usual, pair.high, atEnds));
  const exact = product(v, y, logarithm);
  const lowSum = v.keep(v.add(exact.low, v.mul(y, pair.low)));
  const p = v.keep(v.atLeast(v.atMost(exact.high, v.constant(EXP_END)), v.constant(-EXP_END)));
  // Past the ends of exp the second part is not wanted; there it may not even be a number.
  // Nor is it where splitting a huge exponent overflowed, which leaves the usual range only where the logarithm is 0.
  const known = v.bitwise(
    "and",
    v.compare("lt", v.unary("abs", p), v.constant(EXP_END)),
    v.compare("lt", v.unary("abs", lowSum), v.constant(1)),
  );
  return expOfSum(v, p, v.keep(v.bitwise("and", lowSum, known)));
};

/** x to the y in binary64 lanes. */
export const powerOf = (v: Lanes, base: Value, exponent: Value): Value => {
  const [x, y] = [v.keep(base), v.keep(exponent)];
  const [zero, one, infinity] = [v.constant(0), v.constant(1), v.constant(Infinity)];
  const size = v.keep(v.unary("abs", x));
  const value = magnitude(v, size, y);
  const whole = v.keep(v.compare("eq", v.unary("trunc", y), y));
  const half = v.keep(v.mul(y, v.constant(0.5)));
  const odd = v.bitwise("and", whole, v.compare("ne", v.unary("trunc", half), half));
  const flipped = v.bitwise("xor", value, v.bitwise("and", v.bitwise("and", odd, x), v.signMask));
  const negative = v.bitwise("and", v.compare("lt", x, zero), v.compare("gt", x, v.constant(-Infinity)));
  const undefinedThere = v.bitwise("andnot", negative, whole);
  const real = v.choose(undefinedThere, v.constant(NaN), flipped);
  const ofOne = v.bitwise(
    "or",
    v.compare("eq", x, one),
    v.bitwise("and", v.compare("eq", size, one), v.compare("eq", v.unary("abs", y), infinity)),
  );
  return v.keep(v.choose(v.bitwise("or", v.compare("eq", y, zero), ofOne), one, real));
};
