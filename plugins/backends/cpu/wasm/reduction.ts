/**
 * Reduction: the remainder of a large number by π/2, after Payne and Hanek, on one number at a time.
 *
 * Not for numbers below 2^20 in magnitude, of which three parts of π/2 are enough (trigonometric.ts).
 * Invariant: the remainder is right to the last place for every finite number, however large: x · 2/π is taken to 128
 * bits after the point, and no double comes nearer to a multiple of π/2 than 2^-62 of its quotient.
 *
 * @module
 */
import type { ModuleBuilder } from "./assembler.ts";
import type { Code, Func, Label, Local } from "./code.ts";
import { HALF_PI_PAIR, TWO_OVER_PI } from "./coefficients.ts";

/** Limbs of the shifted significand, and words of 2/π that meet them. */
const LIMBS = 3;
const WORDS = 8;
/** Limbs of the product that are kept: one before the point, the rest after it. */
const KEPT = 6;

/** A function that returns a word of 2/π by its number; 0 before the first and past the last. */
const wordFunction = (module: ModuleBuilder): Func =>
  module.shared("word of 2/π", () =>
    module.function("word of 2/π", ["i32"], ["i64"], (code, index) => {
      const open = (labels: ReadonlyArray<Label>): void => {
        if (labels.length <= TWO_OVER_PI.length) {
          code.block((label) => open([...labels, label]));
          // Falling out of the block of a number leads to its word; the last label opened is the innermost.
          const at = labels.length - 1;
          if (at >= 0) code.i64(BigInt(TWO_OVER_PI[TWO_OVER_PI.length - 1 - at])).op("return");
          return;
        }
        // Outermost is "past the end"; then the words from the last to the first.
        code.get(index).branchTable([...labels.slice(1)].reverse(), labels[0]);
      };
      open([]);
      code.i64(0n);
    }));

const u32 = (code: Code, value: Local): Code => code.get(value).i64(0xffff_ffffn).op("i64.and");

/** Adds every product of a limb and a word to the limb of its weight. */
const multiply = (code: Code, limbs: ReadonlyArray<Local>, words: ReadonlyArray<Local>): ReadonlyArray<Local> => {
  const sums = Array.from({ length: KEPT + 1 }, () => {
    code.i64(0n);
    return code.keep("i64");
  });
  const product = code.local("i64");
  limbs.forEach((limb, a) =>
    words.forEach((word, b) => {
      // Limb a weighs 2^(32a), word b 2^(−32b): the product's low half belongs to place b − a, its high half above.
      const place = b - a;
      if (place < 0 || place > KEPT) return;
      code.get(limb).get(word).op("i64.mul").set(product);
      code.get(sums[place]);
      u32(code, product).op("i64.add").set(sums[place]);
      if (place > 0) code.get(sums[place - 1]).get(product).i64(32n).op("i64.shr_u").op("i64.add").set(sums[place - 1]);
    })
  );
  for (let place = KEPT; place > 0; place--) {
    code.get(sums[place - 1]).get(sums[place]).i64(32n).op("i64.shr_u").op("i64.add").set(sums[place - 1]);
    u32(code, sums[place]).set(sums[place]);
  }
  code.release(product);
  return sums;
};

/** Joins two 32-bit places. */
const join = (code: Code, high: Local, low: Local): Local => {
  code.get(high).i64(32n).op("i64.shl").get(low).op("i64.or");
  return code.keep("i64");
};

/** Leaves hi and lo of (top:next) · 2^-128 · π/2, given as a magnitude and its sign. */
const scaled = (code: Code, top: Local, next: Local, negative: Local): void => {
  const zeros = code.local("i64");
  code.get(top).op("i64.eqz").when(() => {
    code.get(next).set(top).i64(0n).set(next);
    code.get(top).op("i64.clz").set(zeros);
    code.get(top).get(zeros).op("i64.shl").set(top);
    code.get(zeros).i64(64n).op("i64.add").set(zeros);
  }, () => {
    code.get(top).op("i64.clz").set(zeros);
    // Shifting right in two steps, as by 64 would be by 0.
    code.get(top).get(zeros).op("i64.shl").get(next).i64(1n).op("i64.shr_u").i64(63n).get(zeros).op("i64.sub");
    code.op("i64.shr_u").op("i64.or").set(top);
    code.get(next).get(zeros).op("i64.shl").set(next);
  });
  // high = its first 53 bits, low = the 53 after them; both exact.
  const power = (bits: bigint): Code =>
    code.i64(bits).get(zeros).op("i64.sub").i64(52n).op("i64.shl").op("f64.reinterpret_i64");
  code.get(top).i64(11n).op("i64.shr_u").op("f64.convert_i64_u");
  power(1023n - 53n).op("f64.mul");
  const high = code.keep("f64");
  code.get(top).i64(53n).op("i64.shl").get(next).i64(11n).op("i64.shr_u").op("i64.or").i64(11n).op("i64.shr_u");
  code.op("f64.convert_i64_u");
  power(1023n - 106n).op("f64.mul");
  const low = code.keep("f64");
  for (const part of [high, low]) {
    code.get(part).get(part).op("f64.neg").get(negative).op("i32.eqz").select("f64").set(part);
  }
  // (high + low) · (π/2 as a pair): the product of the highs by Dekker's splitting.
  const [a, a1, p] = [code.local("f64"), code.local("f64"), code.local("f64")];
  code.get(high).f64(134_217_729).op("f64.mul").tee(a).get(a).get(high).op("f64.sub").op("f64.sub").set(a);
  code.get(high).get(a).op("f64.sub").set(a1);
  const [pi, piLow] = HALF_PI_PAIR;
  const piHead = pi * 134_217_729 - (pi * 134_217_729 - pi);
  const piTail = pi - piHead;
  code.get(high).f64(pi).op("f64.mul").set(p);
  code.get(a).f64(piHead).op("f64.mul").get(p).op("f64.sub").get(a).f64(piTail).op("f64.mul").op("f64.add");
  code.get(a1).f64(piHead).op("f64.mul").op("f64.add").get(a1).f64(piTail).op("f64.mul").op("f64.add");
  code.get(high).f64(piLow).op("f64.mul").op("f64.add").get(low).f64(pi).op("f64.mul").op("f64.add").set(a);
  code.get(p).get(a).op("f64.add").set(high);
  code.get(p).get(high).op("f64.sub").get(a).op("f64.add").set(low);
  code.get(high).get(low);
};

/**
 * A function of a finite number of magnitude 2^20 or more: the quotient by π/2, of which the last two bits count, and
 * the remainder in [−π/4, π/4] as a sum of two.
 */
export const reduceByHalfPi = (module: ModuleBuilder): Func =>
  module.shared("remainder by π/2", () => {
    const word = wordFunction(module);
    return module.function("remainder by π/2", ["f64"], ["i32", "f64", "f64"], (code, x) => {
      const bits = code.get(x).op("i64.reinterpret_f64").keep("i64");
      // x = significand · 2^exponent, and exponent = 32 · first + shift.
      code.get(bits).i64(52n).op("i64.shr_u").i64(0x7ffn).op("i64.and").op("i32.wrap_i64").plus(-1075);
      const exponent = code.keep("i32");
      const shift = code.get(exponent).i32(31).op("i32.and").op("i64.extend_i32_u").keep("i64");
      code.get(bits).i64((1n << 52n) - 1n).op("i64.and").i64(1n << 52n).op("i64.or");
      const significand = code.keep("i64");
      const limbs = Array.from({ length: LIMBS }, () => code.local("i64"));
      // The low limb shifted, then what it pushed out under the high one shifted.
      const pushed = u32(code, significand).get(shift).op("i64.shl").keep("i64");
      u32(code, pushed).set(limbs[0]);
      code.get(significand).i64(32n).op("i64.shr_u").get(shift).op("i64.shl");
      code.get(pushed).i64(32n).op("i64.shr_u").op("i64.add").set(pushed);
      u32(code, pushed).set(limbs[1]);
      code.get(pushed).i64(32n).op("i64.shr_u").set(limbs[2]);
      const words = Array.from({ length: WORDS }, (_, i) => {
        code.get(exponent).i32(5).op("i32.shr_s").plus(i - 1).call(word);
        return code.keep("i64");
      });
      const sums = multiply(code, limbs, words);
      const [top, next] = [join(code, sums[1], sums[2]), join(code, sums[3], sums[4])];
      const quotient = code.get(sums[0]).op("i32.wrap_i64").keep("i32");
      const negative = code.local("i32");
      // Past a half: the next multiple is nearer, and the remainder negative.
      code.get(top).i64(0n).op("i64.lt_s").tee(negative).when(() => {
        code.advance(quotient, 1);
        code.i64(0n).get(next).op("i64.sub").set(next);
        code.get(top).i64(-1n).op("i64.xor").get(next).op("i64.eqz").op("i64.extend_i32_u").op("i64.add").set(top);
      });
      const sign = code.get(bits).i64(0n).op("i64.lt_s").keep("i32");
      code.i32(0).get(quotient).op("i32.sub").get(quotient).get(sign).select("i32");
      code.get(negative).get(sign).op("i32.xor").set(negative);
      scaled(code, top, next, negative);
    });
  });
