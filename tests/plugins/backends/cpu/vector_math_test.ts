/**
 * Vector math against judges of more precision: binary64 Math for binary32, 256-bit series for binary64; every exponent,
 * every special value, in both roundings.
 */
import assert from "node:assert/strict";
import { erf as referenceErf, logistic } from "../../../../plugins/ir/primitives/unary.ts";
import { power } from "../../../../plugins/ir/primitives/binary.ts";
import { FLOAT_FORMATS, type FloatLanes } from "../../../../plugins/backends/cpu/wasm/lanes.ts";
import {
  MATH,
  type MathFunction,
  mathFunction,
  type MathName,
} from "../../../../plugins/backends/cpu/wasm/vector_math.ts";
import { ModuleBuilder } from "../../../../plugins/backends/cpu/wasm/assembler.ts";
import { coefficientsFile } from "./fits.ts";
import { seeded } from "./kernels.ts";
import * as precise from "./precise.ts";

/** Elements a sweep has in memory at once. */
const BATCH = 4096;

type Sweep = (x: ArrayLike<number>, y?: ArrayLike<number>) => ArrayLike<number>;

/** A function over arrays of up to `BATCH` numbers. */
const sweepOf = (name: MathName, lanes: FloatLanes, fused: boolean): Sweep => {
  const module = new ModuleBuilder();
  module.importMemory({ module: "env", name: "memory", minimum: 0 });
  const func = mathFunction(module, { name, lanes, fused });
  const width = BATCH * 8;
  module.export(module.function("sweep", [], [], (code) => {
    const at = code.local("i32");
    code.each(at, 0, width, 16, () => {
      code.get(at).get(at).memory("v128.load", 0);
      if (func.parameters.length === 2) code.get(at).memory("v128.load", width);
      code.call(func).memory("v128.store", 2 * width);
    });
  }));
  const memory = new WebAssembly.Memory({ initial: 2 });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.build()), { env: { memory } });
  const Kind = lanes === "f32x4" ? Float32Array : Float64Array;
  const [a, b, c] = [0, 1, 2].map((i) => new Kind(memory.buffer as ArrayBuffer, i * width, BATCH));
  return (x, y) => {
    a.set(x);
    if (y !== undefined) b.set(y);
    (instance.exports.sweep as () => void)();
    return c.subarray(0, x.length);
  };
};

const JUDGES: { readonly [N in MathName]: (x: number, y: number) => number } = {
  exp: Math.exp,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  tanh: Math.tanh,
  logistic,
  erf: referenceErf,
  sin: Math.sin,
  cos: Math.cos,
  pow: power,
  rsqrt: (x) => 1 / Math.sqrt(x),
};
const NAMES = Object.keys(MATH) as ReadonlyArray<MathName>;

const SPECIAL = [0, -0, 1, -1, Infinity, -Infinity, NaN, 0.5, -0.5, 2, -2, 3, -3];
const exponentOf = (x: number): number => x === 0 ? -2000 : Math.floor(Math.log2(Math.abs(x)));
/** Error of a binary32 result in its units, where the truth is known to binary64. */
const error32 = (got: number, truth: number): number => {
  const nearest = Math.fround(truth);
  if (Object.is(got, nearest) || (Number.isNaN(got) && Number.isNaN(nearest))) return 0;
  if (Number.isNaN(got) !== Number.isNaN(nearest)) return Infinity;
  if (!Number.isFinite(got) && Number.isFinite(nearest)) {
    return got * nearest > 0 && Math.abs(nearest) > 3.4e38 ? 1 : Infinity;
  }
  if (!Number.isFinite(nearest)) return Math.abs(got) > 3.4e38 && got * nearest > 0 ? 1 : Infinity;
  if (got === 0 && nearest === 0) return Infinity;
  return Math.abs(got - truth) / 2 ** (Math.max(-126, exponentOf(truth)) - 23);
};

/** Largest error of a function over arguments, and where. */
const worst32 = (name: MathName, fused: boolean, arguments_: Iterable<readonly [number, number]>) => {
  const sweep = sweepOf(name, "f32x4", fused);
  let found = { error: 0, x: 0, y: 0, got: 0, truth: 0 };
  let [xs, ys]: [number[], number[]] = [[], []];
  const flush = (): void => {
    const got = sweep(xs, ys);
    for (let i = 0; i < xs.length; i++) {
      const truth = JUDGES[name](xs[i], ys[i]);
      const error = error32(got[i], truth);
      if (error > found.error) found = { error, x: xs[i], y: ys[i], got: got[i], truth };
    }
    [xs, ys] = [[], []];
  };
  for (const [x, y] of arguments_) {
    xs.push(Math.fround(x));
    ys.push(Math.fround(y));
    if (xs.length === BATCH) flush();
  }
  flush();
  return found;
};

const bits = new DataView(new ArrayBuffer(8));
const float32 = (pattern: number): number => {
  bits.setUint32(0, pattern);
  return bits.getFloat32(0);
};
const float64 = (high: number, low: number): number => {
  bits.setUint32(0, high);
  bits.setUint32(4, low);
  return bits.getFloat64(0);
};

function* patterns(step: number): Generator<readonly [number, number]> {
  for (const x of SPECIAL) yield [x, 0];
  for (let pattern = 0; pattern < 2 ** 32; pattern += step) yield [float32(pattern), 0];
}

function* pairs(count: number): Generator<readonly [number, number]> {
  for (const x of SPECIAL) for (const y of [...SPECIAL, 1e30, -1e30, 1e-30, 2 ** 24, 2 ** 24 - 1]) yield [x, y];
  const next = seeded(11);
  for (let i = 0; i < count; i++) {
    yield [float32(next() * 2 ** 32), float32(next() * 2 ** 32)];
    const x = (next() < 0.2 ? -1 : 1) * 2 ** (next() * 20 - 10);
    yield [x, x < 0 ? Math.round(next() * 40 - 20) : (next() * 2 - 1) * 80 / Math.max(1, Math.abs(Math.log(x)))];
    yield [1 + (next() - 0.5) * 1e-3, (next() - 0.5) * 1e5];
  }
}

/** Far enough apart for the test tier, and odd, so that all low bits occur. */
const STEP_32 = 10_007;

for (const fused of [false, true]) {
  for (const name of NAMES) {
    const { operands, ulps }: MathFunction = MATH[name];
    Deno.test(`${name} of binary32, ${fused ? "fused" : "strict"}: within ${ulps.f32x4} ulp over all exponents and special values`, () => {
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
