/**
 * Figures of the sandbox and of the worker pool: escapes, memory under bombs, and how soon an interrupt acts.
 */
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as Layer from "effect/Layer";
import * as Result from "effect/Result";
import { DEFAULT_SANDBOX_LIMITS, layerSandbox, Sandbox, type SandboxLimits } from "../../effects/sandbox.ts";
import type { Json } from "../../kernel/mod.ts";
import { layerSupervisorLocal } from "../../kernel/platform/supervisor.ts";
import { layerWorkers } from "../../kernel/platform/workers.ts";
import { Workers } from "../../kernel/workers.ts";
import { HOSTILE } from "../hostile/candidates.ts";
import { type Figure, median, rounded } from "./figure.ts";

const ROUNDS = 3;
const RUNS = 20;
const INTERRUPT_GOAL_MS = 50;
const RUN_GOAL_MS = 500;
const RESIDENT_MB = 256;
/** What a child may hold beyond its limit when it is stopped: the system's bound is on mapped memory, with headroom. */
const RESIDENT_FACTOR = 1.5;

const root = new URL("../../", import.meta.url).href;
const layer = layerSandbox.pipe(Layer.provide(layerSupervisorLocal({ workspace: "/", root, optional: {} })));
const limits: SandboxLimits = { ...DEFAULT_SANDBOX_LIMITS, heapMb: 64, residentMb: RESIDENT_MB, outputBytes: 262_144 };

const inSandbox = <A, E>(effect: Effect.Effect<A, E, Sandbox>): Promise<A> =>
  Effect.runPromise(Effect.provide(effect, layer));

const trial = (source: string, wallMs = limits.wallMs) =>
  Effect.flatMap(Sandbox, (sandbox) => sandbox.run({ source, input: 1, limits: { ...limits, wallMs } }));

/** How one candidate ended, and whether that is one of the ways in which it may end. */
const ended = async ({ source, may, value }: typeof HOSTILE[number]): Promise<{ ending: string; held: boolean }> => {
  const result = await inSandbox(Effect.result(trial(source, may.join() === "TIMEOUT" ? 700 : limits.wallMs)));
  if (Result.isFailure(result)) {
    const ending = result.failure.code.replace("EFFECTS_SANDBOX_", "");
    return { ending, held: may.includes(ending) };
  }
  const same = value === undefined || JSON.stringify(result.success) === JSON.stringify(value);
  return { ending: "value", held: may.includes("value") && same };
};

const escapes: Figure = {
  name: "hostile candidates that got out, were believed, or ended otherwise than they may",
  unit: "runs",
  goal: "0, and an honest candidate answers after them",
  measure: async ({ progress }) => {
    let escaped = 0;
    const detail: Record<string, Json> = {};
    const total = ROUNDS * HOSTILE.length;
    for (let round = 0; round < ROUNDS; round++) {
      for (const [index, candidate] of HOSTILE.entries()) {
        const { ending, held } = await ended(candidate);
        if (!held) detail[candidate.name] = ending;
        escaped += held ? 0 : 1;
        progress(round * HOSTILE.length + index + 1, total);
      }
    }
    const alive = await inSandbox(trial("export default (n) => n + 1")) === 2;
    return { value: escaped, ok: escaped === 0 && alive, detail: { runs: total, alive, ...detail } };
  },
};

/** Resident memory of this process's sandbox children now, MiB. */
const childrenResidentMb = (): number => {
  let most = 0;
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/u.test(name)) continue;
    try {
      const status = Deno.readTextFileSync(`/proc/${name}/status`);
      if (!status.includes(`\nPPid:\t${Deno.pid}\n`)) continue;
      most = Math.max(most, Number(/^VmRSS:\s+(\d+)/mu.exec(status)?.[1] ?? 0) / 1024);
    } catch {
      // It ended while it was looked at.
    }
  }
  return most;
};

const residentPeak: Figure = {
  name: "largest resident memory of a memory bomb, of its limit",
  unit: "of the limit",
  goal: `at most ${RESIDENT_FACTOR} (Linux)`,
  measure: async ({ progress }) => {
    if (Deno.build.os !== "linux") return { value: 0, ok: false, detail: "measured on Linux only" };
    const bombs = HOSTILE.filter(({ name }) => name.includes("bomb") || name.includes("grows"));
    const peaks: Record<string, number> = {};
    for (const [index, bomb] of bombs.entries()) {
      let peak = 0;
      const timer = setInterval(() => peak = Math.max(peak, childrenResidentMb()), 2);
      await ended(bomb);
      clearInterval(timer);
      peaks[bomb.name] = Math.round(peak);
      progress(index + 1, bombs.length);
    }
    const value = Math.max(...Object.values(peaks)) / RESIDENT_MB;
    return { value: rounded(value, 3), ok: value <= RESIDENT_FACTOR, detail: { limitMb: RESIDENT_MB, peakMb: peaks } };
  },
};

const interruptMs = async (work: Effect.Effect<unknown, unknown>): Promise<number> => {
  const fiber = Effect.runFork(work);
  await new Promise((resolve) => setTimeout(resolve, 250));
  const startedMs = performance.now();
  await Effect.runPromise(Fiber.interrupt(fiber));
  return performance.now() - startedMs;
};

const interrupt = (
  name: string,
  over: (progress: (done: number) => void) => Promise<ReadonlyArray<number>>,
): Figure => ({
  name,
  unit: "ms",
  goal: `at most ${INTERRUPT_GOAL_MS}, the slowest of ${RUNS}`,
  measure: async ({ progress }) => {
    const took = await over((done) => progress(done, RUNS));
    const value = Math.max(...took);
    return { value: rounded(value), ok: value <= INTERRUPT_GOAL_MS, detail: { medianMs: rounded(median(took)) } };
  },
});

const repeated = async (
  work: Effect.Effect<unknown, unknown>,
  progress: (done: number) => void,
): Promise<ReadonlyArray<number>> => {
  const took: Array<number> = [];
  for (let run = 0; run < RUNS; run++) {
    took.push(await interruptMs(work));
    progress(run + 1);
  }
  return took;
};

const workerInterrupt = interrupt("interrupting an endless loop in a worker", (progress) => {
  const module = new URL("../kernel/jobs.ts", import.meta.url).href;
  return Effect.runPromise(Effect.provide(
    Effect.flatMap(
      Workers,
      (workers) => Effect.promise(() => repeated(workers.run({ module, name: "forever", input: null }), progress)),
    ),
    layerWorkers({ workers: 1 }),
  ));
});

const childInterrupt = interrupt(
  "interrupting an endless loop in a sandbox child",
  (progress) =>
    inSandbox(Effect.flatMap(Sandbox, (sandbox) =>
      Effect.promise(() =>
        repeated(
          sandbox.run({ source: "export default () => { for (;;); }", limits: { ...limits, wallMs: 60_000 } }),
          progress,
        )
      ))),
);

const smallRun: Figure = {
  name: "a smallest candidate, from request to value",
  unit: "ms",
  goal: `at most ${RUN_GOAL_MS}, median of ${RUNS}`,
  measure: async ({ progress }) => {
    const took: Array<number> = [];
    for (let run = 0; run < RUNS; run++) {
      const startedMs = performance.now();
      await inSandbox(trial("export default (n) => n + 1"));
      took.push(performance.now() - startedMs);
      progress(run + 1, RUNS);
    }
    const value = median(took);
    return { value: rounded(value), ok: value <= RUN_GOAL_MS, detail: { slowestMs: rounded(Math.max(...took)) } };
  },
};

/** What this area measures. */
export const figures: ReadonlyArray<Figure> = [escapes, residentPeak, workerInterrupt, childInterrupt, smallRun];
