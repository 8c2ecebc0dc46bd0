/**
 * Calibrate: how fast a device is, measured on three small programs: one that is all overhead, one that is all memory,
 * one that is all arithmetic.
 *
 * Not a benchmark: it tells devices apart that differ by much, in little time.
 * Invariant: speeds are finite and positive; the best of several runs counts, so that a busy machine changes little.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { monotonicMs } from "../../kernel/platform/clock.ts";
import type { Program } from "../ir/contract.ts";
import { buildProgram, costOf, filled, functionOf } from "../ir/library.ts";
import type { Backend, Device } from "./contract.ts";
import type { BackendsFailure } from "./failures.ts";

/** How fast a device is. */
export interface Speed {
  /** Milliseconds a step takes before it computes anything. */
  readonly overheadMs: number;
  /** Operations of a product a millisecond. */
  readonly flopsPerMs: number;
  /** Bytes that elementwise work reads and writes a millisecond. */
  readonly bytesPerMs: number;
}

/** Time given to each of the three programs, milliseconds, once it has run twice. */
export const CALIBRATION_MS = 10;

const MOST_RUNS = 50;
const SMALL = 32;
const LARGE = 256;
const FEW = 2 ** 10;
const MANY = 2 ** 18;

const product = (side: number): Program =>
  buildProgram({ x: `f32[${side},${side}]`, y: `f32[${side},${side}]` }, (g, { x, y }) => g.matmul(x, y));

const sum = (count: number): Program =>
  buildProgram({ x: `f32[${count}]`, y: `f32[${count}]` }, (g, { x, y }) => g.add(x, y));

/** The shortest of several steps. */
const bestMs = (backend: Backend, device: Device, program: Program): Effect.Effect<number, BackendsFailure> =>
  Effect.scoped(Effect.gen(function* () {
    const executable = yield* backend.compile(program, { device: device.id, threads: 1 });
    const inputs = functionOf(program).parameters.map(({ type }) =>
      filled(type.dtype, type.shape as ReadonlyArray<number>, 1)
    );
    const began = monotonicMs();
    let best = Infinity;
    for (let run = 0; run < MOST_RUNS; run++) {
      const before = monotonicMs();
      yield* executable.step(inputs);
      const after = monotonicMs();
      best = Math.min(best, after - before);
      if (run > 0 && after - began > CALIBRATION_MS) break;
    }
    return best;
  }));

/** No clock tells shorter times apart. */
const SHORTEST_MS = 1e-4;

const rate = (work: number, ms: number, overheadMs: number): number => work / Math.max(ms - overheadMs, SHORTEST_MS);

/** Measures a device. */
export const calibrate = (backend: Backend, device: Device): Effect.Effect<Speed, BackendsFailure> =>
  Effect.gen(function* () {
    const overheadMs = Math.max(SHORTEST_MS, yield* bestMs(backend, device, sum(1)));
    const measured = (small: Program, large: Program, workOf: (program: Program) => number) =>
      Effect.gen(function* () {
        const first = yield* bestMs(backend, device, small);
        // A slow device has said enough with little work.
        if (first > CALIBRATION_MS / 2) return rate(workOf(small), first, overheadMs);
        return rate(workOf(large), yield* bestMs(backend, device, large), overheadMs);
      });
    const flopsPerMs = yield* measured(product(SMALL), product(LARGE), (program) => Number(costOf(program).flops));
    const bytesPerMs = yield* measured(sum(FEW), sum(MANY), (program) => Number(costOf(program).bytes));
    return { overheadMs, flopsPerMs, bytesPerMs };
  });
