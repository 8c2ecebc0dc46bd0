/**
 * Sine and cosine of vectors, in binary64 throughout; binary32 takes them two lanes at a time.
 *
 * After Cody and Waite (three parts of π/2) for usual arguments and Payne and Hanek (reduction.ts) for large ones, with
 * the kernels' compensated forms of fdlibm and our own polynomials.
 * Invariant: of an infinity or NaN the result is NaN; of ±0 the sine is ±0.
 *
 * @module
 */
import type { ModuleBuilder } from "./assembler.ts";
import type { Local } from "./code.ts";
import { COS, HALF_PI, SIN } from "./coefficients.ts";
import type { Lanes, Value } from "./lanes.ts";
import { reduceByHalfPi } from "./reduction.ts";

/** Below this magnitude multiples of the parts of π/2 are exact. */
const LARGE = 2 ** 20;

interface Remainder {
  /** Quotient, in the low bits of each 64-bit lane. */
  readonly quotient: Local;
  readonly high: Local;
  readonly low: Local;
}

const usual = (v: Lanes, x: Value): Remainder => {
  const { code } = v;
  const magic = v.constant(v.format.magic);
  const rounded = v.keep(v.add(v.mul(x, v.constant(2 / Math.PI)), magic));
  const n = v.keep(v.sub(rounded, magic));
  // The first two products are exact, and so is what subtracting them rounds off.
  const first = v.keep(v.sub(x, v.mul(n, v.constant(HALF_PI[0]))));
  const step = (from: Value, part: number) => {
    const product = v.keep(v.mul(n, v.constant(part)));
    const rest = v.keep(v.sub(from, product));
    return { rest, lost: v.keep(v.sub(v.sub(from, rest), product)) };
  };
  const second = step(first, HALF_PI[1]);
  const third = step(second.rest, HALF_PI[2]);
  const lost = v.keep(v.sub(v.add(second.lost, third.lost), v.mul(n, v.constant(HALF_PI[3]))));
  const high = v.keep(v.add(third.rest, lost));
  const low = v.add(v.sub(third.rest, high), lost);
  const made = { quotient: code.local("v128"), high: code.local("v128"), low: code.local("v128") };
  v.integer("sub", rounded, magic)();
  code.set(made.quotient);
  high();
  code.set(made.high);
  low();
  code.set(made.low);
  return made;
};

/** Replaces the lanes of a remainder whose arguments are large. */
const exceptional = (module: ModuleBuilder, v: Lanes, x: Local, remainder: Remainder): void => {
  const { code } = v;
  const reduce = reduceByHalfPi(module);
  for (let lane = 0; lane < 2; lane++) {
    const size = code.get(x).lane("f64x2.extract_lane", lane).op("f64.abs").keep("f64");
    code.get(size).f64(LARGE).op("f64.ge").get(size).f64(Infinity).op("f64.lt").op("i32.and").when(() => {
      const [quotient, high, low] = [code.local("i32"), code.local("f64"), code.local("f64")];
      code.get(x).lane("f64x2.extract_lane", lane).call(reduce).set(low).set(high).set(quotient);
      code.get(remainder.quotient).get(quotient).op("i64.extend_i32_s").lane("i64x2.replace_lane", lane);
      code.set(remainder.quotient);
      code.get(remainder.high).get(high).lane("f64x2.replace_lane", lane).set(remainder.high);
      code.get(remainder.low).get(low).lane("f64x2.replace_lane", lane).set(remainder.low);
      code.release(quotient, high, low);
    });
    code.release(size);
  }
};

/** Sine (or cosine) of two binary64 lanes. */
export const sineOf = (module: ModuleBuilder, v: Lanes, argument: Value, cosine: boolean): Value => {
  const { code } = v;
  argument();
  const x = code.keep("v128");
  const read = (local: Local): Value => () => void code.get(local);
  const given = read(x);
  const remainder = usual(v, given);
  // NaN counts as large here, and is left as it is there.
  v.compare("lt", v.unary("abs", given), v.constant(LARGE))();
  code.op("i64x2.all_true").op("i32.eqz").when(() => exceptional(module, v, x, remainder));
  const [high, low] = [read(remainder.high), read(remainder.low)];
  const quotient = cosine ? v.keep(v.integer("add", read(remainder.quotient), v.bits(1n))) : read(remainder.quotient);
  const z = v.keep(v.mul(high, high));
  const half = v.keep(v.mul(z, v.constant(0.5)));
  // sin = r + (r³·S + low·(1 − z/2)), cos = 1 − (z/2 − (z²·C − r·low)).
  const sine = v.add(
    high,
    v.multiplyAdd(v.mul(z, high), v.polynomial(SIN, z), v.mul(low, v.sub(v.constant(1), half))),
  );
  const whole = v.keep(v.sub(v.constant(1), half));
  const lost = v.sub(v.sub(v.constant(1), whole), half);
  const correction = v.sub(v.mul(v.mul(z, z), v.polynomial(COS, z)), v.mul(high, low));
  const cosineValue = v.add(whole, v.add(lost, correction));
  const odd = v.shift("shr_s", v.shift("shl", quotient, 63), 63);
  const value = v.keep(v.choose(odd, cosineValue, sine));
  const sign = v.bitwise("and", v.shift("shl", quotient, 62), v.signMask);
  const signed = v.keep(v.bitwise("xor", value, sign));
  // Reduction of −0 gives 0.
  const result = cosine ? signed : v.keep(v.choose(v.compare("eq", given, v.constant(0)), given, signed));
  code.release(x, remainder.quotient, remainder.high, remainder.low);
  return result;
};
