/**
 * Vector math against judges of more precision: binary64 Math for binary32, 256-bit series for binary64; every exponent,
 * every special value, in both roundings.
 */
import assert from "node:assert/strict";
import { FLOAT_FORMATS } from "../../../../plugins/backends/cpu/wasm/lanes.ts";
import { MATH, type MathFunction } from "../../../../plugins/backends/cpu/wasm/vector_math.ts";
import { coefficientsFile } from "./fits.ts";
import { seeded } from "./kernels.ts";
import * as precise from "./precise.ts";
import { BATCH, exponentOf, float64, JUDGES, NAMES, pairs, patterns, SPECIAL, sweepOf, worst32 } from "./sweeps.ts";

/** Far enough apart for the test tier, and odd, so that all low bits occur. */
const STEP_32 = 20_011;

for (const fused of [false, true]) {
  for (const name of NAMES) {
    const { operands, ulps }: MathFunction = MATH[name];
    const rounding = fused ? "fused" : "strict";
    Deno.test(`${name} of binary32, ${rounding}: within ${ulps.f32x4} ulp over all exponents and special values`, () => {
      const found = worst32(name, fused, operands === 2 ? pairs(20_000) : patterns(STEP_32));
      assert(found.error <= ulps.f32x4, JSON.stringify({ ...found, x: String(found.x), got: String(found.got) }));
    });
  }
}

const FORMAT = { mantissa: FLOAT_FORMATS.f64x2.mantissa, minimum: -1022 };
const clamp = (x: number, low: number, high: number): number => Math.max(low, Math.min(high, x));
/** Truths by series, and the arguments each is asked for, from two random numbers. */
const SERIES: {
  readonly [name: string]: {
    readonly of: (x: bigint, y: bigint) => bigint;
    readonly at: (u: number, s: number) => readonly [number, number];
  };
} = {
  exp: { of: precise.exp, at: (u, s) => [(s < 0.5 ? 1 : 100) * (2 * u - 1), 0] },
  expm1: {
    of: (x) => precise.exp(x) - precise.ONE,
    at: (u, s) => [clamp((u - 0.5) * 2 ** (s * 46 - 40), -40, 40), 0],
  },
  log: { of: precise.log, at: (u, s) => [s < 0.4 ? 0.5 + u * 1.5 : 2 ** (u * 200 - 100), 0] },
  log1p: {
    of: (x) => precise.log(precise.ONE + x),
    at: (u, s) => [Math.max(-0.95, (u - 0.5) * (s < 0.5 ? 2 : 2 ** (s * 80 - 60))), 0],
  },
  tanh: {
    of: (x) => {
      const e = precise.exp(2n * x);
      return precise.over(e - precise.ONE, e + precise.ONE);
    },
    at: (u, s) => [(u - 0.5) * 2 ** (s * 40 - 34), 0],
  },
  logistic: {
    of: (x) => precise.over(precise.ONE, precise.ONE + precise.exp(-x)),
    at: (u, s) => [(2 * u - 1) * 80 * s, 0],
  },
  erf: { of: precise.erf, at: (u, s) => [(2 * u - 1) * (s < 0.3 ? 2 ** (-60 * s) : 6), 0] },
  sin: { of: (x) => precise.sincos(x)[0], at: (u, s) => [(u - 0.5) * 2 ** (s * 70 - 20), 0] },
  cos: { of: (x) => precise.sincos(x)[1], at: (u, s) => [(u - 0.5) * 2 ** (s * 70 - 20), 0] },
  pow: {
    of: (x, y) => precise.exp(precise.times(y, precise.log(x))),
    at: (u, s) => {
      const x = s < 0.5 ? 1 + (u - 0.5) * 2 ** (-40 * s) : 2 ** (u * 60 - 30);
      return [x, (s * 2 - 1) * Math.min(1e6, 100 / Math.abs(Math.log(x)))];
    },
  },
  rsqrt: {
    of: (x) => precise.exp(-precise.log(x) / 2n),
    at: (u) => [2 ** (u * 100 - 50), 0],
  },
};

/** Arguments judged by 256-bit series: each takes tens of microseconds. */
const JUDGED_64 = 1500;

for (const fused of [false, true]) {
  for (const name of NAMES) {
    const { ulps }: MathFunction = MATH[name];
    Deno.test(`${name} of binary64, ${fused ? "fused" : "strict"}: within ${ulps.f64x2} ulp of the series`, () => {
      const { of, at } = SERIES[name];
      const next = seeded(21);
      const given = Array.from({ length: JUDGED_64 }, () => at(next(), next()));
      const got = sweepOf(name, "f64x2", fused)(given.map(([x]) => x), given.map(([, y]) => y));
      let found = { error: 0, x: 0, y: 0, got: 0 };
      given.forEach(([x, y], i) => {
        const error = precise.ulps(got[i], of(precise.fixed(x), precise.fixed(y)), FORMAT);
        if (!(error <= found.error)) found = { error, x, y, got: got[i] };
      });
      assert(found.error <= ulps.f64x2, JSON.stringify(found));
    });
  }
}

Deno.test("binary64 agrees with Math over all exponents and special values, to a few units", () => {
  for (const name of NAMES) {
    const sweep = sweepOf(name, "f64x2", false);
    const next = seeded(31);
    const some = (): number => float64(next() * 2 ** 32, next() * 2 ** 32);
    const x: number[] = [];
    const y: number[] = [];
    for (const a of SPECIAL) {
      for (const b of [...SPECIAL, 1e300, -1e300, Number.MAX_VALUE, -Number.MAX_VALUE, 5e-324, 2 ** 53, 2 ** 53 + 2]) {
        x.push(a);
        y.push(b);
      }
    }
    while (x.length < BATCH) {
      x.push(some());
      y.push(x.length % 2 === 0 ? some() : Math.round(next() * 20 - 10));
    }
    const got = sweep(x, y);
    for (let i = 0; i < x.length; i++) {
      const truth = JUDGES[name](x[i], y[i]);
      const where = `${name}(${x[i]}, ${y[i]}) is ${got[i]}, not ${truth}`;
      if (!Number.isFinite(truth) || truth === 0) {
        assert(Object.is(got[i], truth) || (truth === 0 && Math.abs(got[i]) <= 5e-324), where);
        continue;
      }
      // Math itself is only within a unit, and the reference erf within a few.
      const unit = 2 ** Math.max(-1074, exponentOf(truth) - 52);
      assert(Math.abs(got[i] - truth) / unit <= 4, where);
    }
  }
});

Deno.test("sine and cosine of huge numbers: the remainder by π/2 is right for every exponent", () => {
  // The judge's own series has 256 fractional bits of π, enough up to 2^100; past it Math's own reduction judges.
  const sweep = { sin: sweepOf("sin", "f64x2", false), cos: sweepOf("cos", "f64x2", false) };
  const next = seeded(41);
  const x = Array.from(
    { length: 2000 },
    (_, i) => (1 + next()) * 2 ** (i / 2000 * 1003 + 20) * (next() < 0.5 ? -1 : 1),
  );
  // The double nearest to a multiple of π/2 (Muller, Elementary Functions, table of worst cases).
  x.push(6381956970095103 * 2 ** 797, -6381956970095103 * 2 ** 797);
  for (const name of ["sin", "cos"] as const) {
    const got = sweep[name](x);
    x.forEach((value, i) => {
      const truth = Math[name](value);
      assert(
        Math.abs(got[i] - truth) <= 2 * 2 ** (exponentOf(truth) - 52),
        `${name}(${value}) is ${got[i]}, not ${truth}`,
      );
    });
  }
});

Deno.test("the coefficients are the fits of their definitions", () => {
  const file = new URL("../../../../plugins/backends/cpu/wasm/coefficients.ts", import.meta.url);
  const numbers = (text: string): ReadonlyArray<string> =>
    text.match(/-?\b(?:0x[0-9a-f]+|\d+(?:\.\d+)?(?:e-?\d+)?)\b/gu) ?? [];
  const [kept, made] = [numbers(Deno.readTextFileSync(file)), numbers(coefficientsFile())];
  assert(made.length > 100);
  assert.deepEqual(kept, made);
});
