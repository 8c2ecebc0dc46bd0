/**
 * Sweeps: vector functions over many arguments, judged in binary64.
 */
import { erf as referenceErf, logistic } from "../../../../plugins/ir/library.ts";
import { power } from "../../../../plugins/ir/primitives/binary.ts";
import type { FloatLanes } from "../../../../plugins/backends/cpu/wasm/lanes.ts";
import { MATH, mathFunction, type MathName } from "../../../../plugins/backends/cpu/wasm/vector_math.ts";
import { ModuleBuilder } from "../../../../plugins/backends/cpu/wasm/assembler.ts";
import { seeded } from "./kernels.ts";

/** Elements a sweep has in memory at once. */
export const BATCH = 4096;

type Sweep = (x: ArrayLike<number>, y?: ArrayLike<number>) => ArrayLike<number>;

/** A function over arrays of up to `BATCH` numbers. */
export const sweepOf = (name: MathName, lanes: FloatLanes, fused: boolean): Sweep => {
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

export const JUDGES: { readonly [N in MathName]: (x: number, y: number) => number } = {
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
export const NAMES = Object.keys(MATH) as ReadonlyArray<MathName>;

export const SPECIAL = [0, -0, 1, -1, Infinity, -Infinity, NaN, 0.5, -0.5, 2, -2, 3, -3];
export const exponentOf = (x: number): number => x === 0 ? -2000 : Math.floor(Math.log2(Math.abs(x)));
/** Error of a binary32 result in its units, where the truth is known to binary64. */
const error32 = (got: number, truth: number): number => {
  const nearest = Math.fround(truth);
  if (Number.isNaN(got) || Number.isNaN(nearest)) return Number.isNaN(got) && Number.isNaN(nearest) ? 0 : Infinity;
  if (!Number.isFinite(got) || !Number.isFinite(nearest)) {
    if (got === nearest) return 0;
    // The largest number and ∞ are neighbours.
    return got * nearest > 0 && Math.min(Math.abs(got), Math.abs(nearest)) > 3.4e38 ? 1 : Infinity;
  }
  // Zeros have a sign.
  if (got === 0 && nearest === 0) return Object.is(got, nearest) ? 0 : Infinity;
  return Math.abs(got - truth) / 2 ** (Math.max(-126, exponentOf(truth)) - 23);
};

/** A largest error and where it is. */
export interface Worst {
  readonly error: number;
  readonly x: number;
  readonly y: number;
  readonly got: number;
  readonly truth: number;
}

/** Largest error of a function over arguments, and where. */
export const worst32 = (
  name: MathName,
  fused: boolean,
  arguments_: Iterable<readonly [number, number]>,
): Worst => {
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
export const float64 = (high: number, low: number): number => {
  bits.setUint32(0, high);
  bits.setUint32(4, low);
  return bits.getFloat64(0);
};

export function* patterns(step: number): Generator<readonly [number, number]> {
  for (const x of SPECIAL) yield [x, 0];
  for (let pattern = 0; pattern < 2 ** 32; pattern += step) yield [float32(pattern), 0];
}

export function* pairs(count: number): Generator<readonly [number, number]> {
  for (const x of SPECIAL) for (const y of [...SPECIAL, 1e30, -1e30, 1e-30, 2 ** 24, 2 ** 24 - 1]) yield [x, y];
  const next = seeded(11);
  for (let i = 0; i < count; i++) {
    yield [float32(next() * 2 ** 32), float32(next() * 2 ** 32)];
    const x = (next() < 0.2 ? -1 : 1) * 2 ** (next() * 20 - 10);
    yield [x, x < 0 ? Math.round(next() * 40 - 20) : (next() * 2 - 1) * 80 / Math.max(1, Math.abs(Math.log(x)))];
    yield [1 + (next() - 0.5) * 1e-3, (next() - 0.5) * 1e5];
  }
}
