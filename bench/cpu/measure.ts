/**
 * Measure: engines take turns on one case in one process, so that what disturbs one disturbs all; best and median are kept.
 */
import { type Case, draw, STEPS } from "./cases.ts";
import { cpuMs } from "./clock.ts";
import type { Engine, Prepared } from "./engine.ts";

/** How long to measure. */
export interface Effort {
  /** Samples of each engine. */
  readonly samples: number;
  /** A sample is as many runs as take this long. */
  readonly sampleMs: number;
  /** An engine gives no further samples after this long, once it has three. */
  readonly engineMs: number;
}

/** For figures that are kept. */
export const FULL: Effort = { samples: 40, sampleMs: 4, engineMs: 2500 };

/** For a look. */
export const QUICK: Effort = { samples: 15, sampleMs: 2, engineMs: 500 };

/** What an engine needs for a case. */
export interface Timing {
  /** The engine. */
  readonly engine: string;
  /** Best of all samples, milliseconds a run. */
  readonly bestMs: number;
  /** The middle sample. */
  readonly medianMs: number;
  /** Making it ready and running it for the first time. */
  readonly firstMs: number;
  /** Billions of operations a second at best, where the case counts operations. */
  readonly gflops?: number;
}

/** What one case gave. */
export interface CaseResult {
  /** The case. */
  readonly id: string;
  /** By engine, in the order of the engines. */
  readonly timings: ReadonlyArray<Timing>;
  /** Engines that do not do it or failed at it, and why. */
  readonly without: ReadonlyArray<{ readonly engine: string; readonly reason: string }>;
  /** Largest distance between engines' results, relative to the largest element; for training of the losses of ten steps. */
  readonly disagreement: number;
}

interface Runner {
  readonly engine: string;
  readonly prepared: Prepared;
  readonly firstMs: number;
  readonly result: Float32Array;
  readonly samples: number[];
  repeat: number;
  spent: number;
}

const started = async (engine: Engine, measured: Case): Promise<Runner | undefined> => {
  const began = cpuMs();
  const prepared = await engine.prepare(measured);
  if (prepared === undefined) return undefined;
  const first = await prepared.run();
  const firstMs = cpuMs() - began;
  let result = first.slice();
  if (measured.training) {
    const losses = [result[0]];
    while (losses.length < STEPS) losses.push((await prepared.run())[0]);
    result = Float32Array.from(losses);
  }
  return { engine: engine.name, prepared, firstMs, result, samples: [], repeat: 1, spent: 0 };
};

const sample = async (runner: Runner, effort: Effort): Promise<void> => {
  const { run } = runner.prepared;
  const began = cpuMs();
  for (let i = 0; i < runner.repeat; i++) {
    const result = run();
    if (result instanceof Promise) await result;
  }
  const took = cpuMs() - began;
  runner.spent += took;
  runner.samples.push(took / runner.repeat);
  if (took < effort.sampleMs) {
    runner.repeat = Math.min(1000, Math.ceil(runner.repeat * effort.sampleMs / Math.max(took, effort.sampleMs / 8)));
  }
};

const middle = (values: ReadonlyArray<number>): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
};

/** Largest distance of a result to the first engine's, relative to its largest element. */
const disagreementOf = (runners: ReadonlyArray<Runner>): number => {
  const [first, ...others] = runners.map(({ result }) => result);
  if (first === undefined) return 0;
  const scale = first.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  return Math.max(
    0,
    ...others.map((other) =>
      first.length === other.length
        ? first.reduce((worst, value, i) => Math.max(worst, Math.abs(value - other[i])), 0) / scale
        : Infinity
    ),
  );
};

/** Measures one case on all engines. */
export const measureCase = async (
  measured: Case,
  engines: ReadonlyArray<Engine>,
  effort: Effort,
): Promise<CaseResult> => {
  draw(measured);
  const runners: Runner[] = [];
  const without: Array<{ engine: string; reason: string }> = [];
  for (const engine of engines) {
    try {
      const runner = await started(engine, measured);
      if (runner !== undefined) runners.push(runner);
      else without.push({ engine: engine.name, reason: "it has no such case" });
    } catch (thrown) {
      without.push({ engine: engine.name, reason: thrown instanceof Error ? thrown.message : String(thrown) });
    }
  }
  const disagreement = disagreementOf(runners);
  for (let turn = 0; turn < effort.samples; turn++) {
    for (const runner of runners) {
      if (runner.spent < effort.engineMs || runner.samples.length < 3) await sample(runner, effort);
    }
  }
  for (const { prepared } of runners) await prepared.close?.();
  const timings = runners.map(({ engine, samples, firstMs }) => {
    const bestMs = Math.min(...samples);
    return {
      engine,
      bestMs,
      medianMs: middle(samples),
      firstMs,
      ...(measured.flops === undefined ? {} : { gflops: measured.flops / bestMs / 1e6 }),
    };
  });
  return { id: measured.id, timings, without, disagreement };
};
