/**
 * Acceptance figures of the main job on digits: accuracy over seeds, size of the program, time, equal digests whatever the
 * workers and whatever interrupts it, a budget in time.
 *
 * Judges: neural.evaluate on the stored model; the same run undisturbed; the clock and the process's own count of work.
 */
import process from "node:process";
import type { JsonObject } from "../../kernel/mod.ts";
import { inWorkspace } from "../plugins/evolution/create/workspace.ts";
import { type Figure, median, rounded } from "./figure.ts";

const SEEDS = [1, 2, 3, 4, 5, 6];
const LEAST_DEFAULT = 0.965;
const LEAST_MEDIAN = 0.97;
const MOST_BYTES = 200;
const MOST_SECONDS = 120;
const KILLS = 12;
const SMALL = { data: "moons", budget: { flops: 600_000_000 } } as const;
const SECONDS_GIVEN = 40;
/** What is written, exported and registered besides what the budget is for. */
const SECONDS_BESIDE = 15;

/** A run in a fresh folder. */
interface Run {
  readonly answer: JsonObject;
  readonly accuracy: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
}

const create = (input: JsonObject): Promise<Run> =>
  inWorkspace(async (system) => {
    const [began, cpu] = [performance.now(), process.cpuUsage()];
    const answer = await system.call("evolution.create", input) as JsonObject;
    const seconds = (performance.now() - began) / 1_000;
    const { user, system: kernel } = process.cpuUsage(cpu);
    const data = String(input.data);
    const { scores } = await system.call("neural.evaluate", { digest: answer.model, data }) as {
      scores: { accuracy: number };
    };
    return { answer, accuracy: scores.accuracy, seconds, cpuSeconds: (user + kernel) / 1_000_000 };
  });

const made = new Map<number, Promise<Run>>();

/** The default budget with a seed, once. */
const ofSeed = (seed: number): Promise<Run> => {
  const known = made.get(seed) ?? create({ data: "digits", seed });
  made.set(seed, known);
  return known;
};

const accuracy: Figure = {
  name: `held-out accuracy of digits with the default budget: median of seeds ${SEEDS[0]} to ${SEEDS.at(-1)}`,
  unit: "share",
  goal: `median at least ${LEAST_MEDIAN}, the default seed at least ${LEAST_DEFAULT}`,
  measure: async ({ progress }) => {
    const runs: Array<Run> = [];
    for (const seed of SEEDS) {
      progress(runs.length, SEEDS.length);
      runs.push(await ofSeed(seed));
    }
    const value = median(runs.map((run) => run.accuracy));
    return {
      value,
      ok: value >= LEAST_MEDIAN && runs[0].accuracy >= LEAST_DEFAULT,
      detail: runs.map((run, i) => ({
        seed: SEEDS[i],
        accuracy: run.accuracy,
        program: run.answer.program,
        bytes: run.answer.programBytes,
        parameters: run.answer.parameters,
        candidates: run.answer.candidates,
        int8: (run.answer.int8 as JsonObject | undefined)?.test ?? null,
        seconds: rounded(run.seconds),
        cpuSeconds: rounded(run.cpuSeconds),
      })),
    };
  },
};

const bytes: Figure = {
  name: "largest program that won, without weights",
  unit: "bytes",
  goal: `at most ${MOST_BYTES}`,
  measure: async () => {
    const sizes: number[] = [];
    for (const seed of SEEDS) sizes.push(Number((await ofSeed(seed)).answer.programBytes));
    const value = Math.max(...sizes);
    return { value, ok: value <= MOST_BYTES, detail: sizes };
  },
};

const time: Figure = {
  name: "the whole job on digits, default budget and seed",
  unit: "seconds",
  goal: `at most ${MOST_SECONDS} on two cores`,
  measure: async () => {
    const { seconds, cpuSeconds, answer } = await ofSeed(SEEDS[0]);
    return {
      value: rounded(seconds),
      ok: seconds <= MOST_SECONDS,
      detail: { cpuSeconds: rounded(cpuSeconds), spent: answer.spent, predicted: answer.predicted },
    };
  },
};

const workers: Figure = {
  name: "digests of digits' model that differ by workers, fast and strict",
  unit: "of 2",
  goal: "0",
  measure: async ({ progress }) => {
    const budget = { flops: 120_000_000_000 };
    let [value, done] = [0, 0];
    const detail: JsonObject[] = [];
    for (const numerics of ["fast", "strict"]) {
      const models: unknown[] = [];
      for (const count of [1, 2]) {
        progress(done++, 4);
        const { answer } = await create({ data: "digits", budget, numerics, workers: count });
        models.push(answer.model);
        if (count === 1) detail.push({ numerics, model: answer.model, profile: answer.profile });
      }
      if (models[0] !== models[1]) value++;
    }
    return { value, ok: value === 0, detail };
  },
};

/** Starts a run in a process of its own and kills it after some milliseconds, unless it ended before. */
const killedAfter = async (folder: string, milliseconds: number): Promise<void> => {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-check", new URL("../plugins/evolution/create/child.ts", import.meta.url).href],
      folder,
      JSON.stringify(SMALL),
    ],
    stdout: "null",
    stderr: "null",
  }).spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), milliseconds);
  await child.status;
  clearTimeout(timer);
};

const kills: Figure = {
  name: `runs killed at moments of their own and gone on with, that end with another model (${KILLS} runs)`,
  unit: "runs",
  goal: "0",
  measure: async ({ progress }) => {
    const began = performance.now();
    const { answer: { model } } = await create(SMALL);
    const whole = performance.now() - began;
    let value = 0;
    for (let run = 0; run < KILLS; run++) {
      progress(run, KILLS);
      const ended = await inWorkspace(async (system, folder) => {
        await killedAfter(folder, 800 + whole * ((run + 0.5) / KILLS));
        return await system.call("evolution.create", SMALL) as JsonObject;
      });
      if (ended.model !== model) value++;
    }
    return { value, ok: value === 0, detail: { model } };
  },
};

const given: Figure = {
  name: `a budget of ${SECONDS_GIVEN} s: how long the job takes`,
  unit: "seconds",
  goal: `at most ${SECONDS_GIVEN + SECONDS_BESIDE}, said to be not reproducible`,
  measure: async () => {
    const { seconds, answer, accuracy: reached } = await create({
      data: "digits",
      budget: { wallMs: SECONDS_GIVEN * 1_000 },
    });
    return {
      value: rounded(seconds),
      ok: seconds <= SECONDS_GIVEN + SECONDS_BESIDE && answer.reproducible === false,
      detail: { accuracy: reached, candidates: answer.candidates },
    };
  },
};

/** The figures. */
export const figures: ReadonlyArray<Figure> = [accuracy, bytes, time, workers, kills, given];
