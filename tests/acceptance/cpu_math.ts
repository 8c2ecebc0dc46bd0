/**
 * Acceptance figures of the vector math: the largest error of every function of binary32, over patterns spread through
 * all 2^32, fused and strict.
 *
 * The judge is the same function in binary64, so an error is known to about 1e-8 of a unit.
 */
import { MATH, type MathFunction } from "../../plugins/backends/cpu/wasm/vector_math.ts";
import { NAMES, pairs, patterns, worst32 } from "../plugins/backends/cpu/sweeps.ts";
import { type Figure, rounded } from "./figure.ts";

/** Distance of the patterns that are tried: a prime, so that low and high bits all take part. */
const STEP = 257;

/** Pairs that are tried of functions of two arguments, three kinds of each. */
const PAIRS = 1_000_000;

/** The figures. */
export const figures: ReadonlyArray<Figure> = NAMES.map((name, at): Figure => {
  const { operands, ulps }: MathFunction = MATH[name];
  return {
    name: `${name} of binary32: largest error`,
    unit: "units in the last place",
    goal: `at most ${ulps.f32x4}`,
    measure: ({ progress }) => {
      progress(at, NAMES.length);
      const found = [true, false].map((fused) => worst32(name, fused, operands === 2 ? pairs(PAIRS) : patterns(STEP)));
      const worst = found.reduce((a, b) => b.error > a.error ? b : a);
      const cases = 2 * (operands === 2 ? 3 * PAIRS : Math.ceil(2 ** 32 / STEP));
      const { x, y, got } = worst;
      const where = { x: String(x), ...(operands === 2 ? { y: String(y) } : {}), got: String(got) };
      const detail = { cases, fused: rounded(found[0].error), strict: rounded(found[1].error), where };
      return Promise.resolve({ value: rounded(worst.error), ok: worst.error <= ulps.f32x4, detail });
    },
  };
});
