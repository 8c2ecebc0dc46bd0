/**
 * Acceptance figures of runs of evolution: killed ones end as those that never stopped, and lineages are whole and true.
 */
import * as Effect from "effect/Effect";
import type { Json, JsonObject } from "../../kernel/mod.ts";
import { lineageFaults } from "../../plugins/evolution/lineage/ancestry.ts";
import { problemNamed } from "../../plugins/evolution/problems/named.ts";
import { inRuns } from "../plugins/evolution/runs/calls.ts";
import { killedRun, type Life, lineageIn } from "../plugins/evolution/runs/killed.ts";
import { type Figure, rounded } from "./figure.ts";

/** Lives that SIGKILL ends, of the kernel in one process, and of the launcher with the kernel as its child. */
const KILLS: { readonly [L in Life]: number } = { kernel: 60, launcher: 20 };

/** Lives of one run before it is left to end. */
const LIVES = 10;

const killed = (life: Life): Figure => ({
  name: `runs whose ${life === "kernel" ? "process" : "launcher and kernel"} SIGKILL ended ${
    KILLS[life]
  } times at random moments, by one worker and two in turns, that ended otherwise than one never stopped`,
  unit: "runs",
  goal: "0: the same state, archive, front and lineage",
  measure: async ({ progress }) => {
    let [kills, runs, wrong] = [0, 0, 0];
    while (kills < KILLS[life]) {
      progress(kills, KILLS[life]);
      let same = false;
      const seed = `acceptance ${life} ${runs}`;
      const ran = await killedRun(seed, Math.min(LIVES, KILLS[life] - kills), async (whole, again) => {
        same = JSON.stringify(await lineageIn(again)) === JSON.stringify(await lineageIn(whole));
      }, life);
      const { answer, expected } = ran;
      const said = (one: typeof answer) => JSON.stringify([one?.state, one?.archive, one?.evaluations, one?.front]);
      if (!same || expected === undefined || said(answer) !== said(expected)) wrong++;
      kills += ran.kills;
      runs++;
      if (runs > KILLS[life]) break;
    }
    return { value: wrong, ok: wrong === 0 && kills >= KILLS[life], detail: { kills, runs } };
  },
});

/** Runs of every algorithm, with what each is asked. */
const RUNS: ReadonlyArray<JsonObject> = [
  { objective: { problem: "ZDT1" }, algorithm: "nsga2", population: 100 },
  { objective: { problem: "ZDT4" }, algorithm: "nsga2", population: 60, islands: { count: 3, interval: 5 } },
  { objective: { problem: "DTLZ2" }, algorithm: "nsga3", population: 92 },
  { objective: { problem: "DTLZ2" }, algorithm: "moead", population: 92 },
  { objective: { problem: "TNK" }, algorithm: "nsga2", population: 60 },
];

const GENERATIONS = 60;

const lineages: Figure = {
  name: "candidates of five runs by three algorithms whose parents are missing, or whose genome scores otherwise again",
  unit: "candidates",
  goal: "0",
  measure: async ({ progress }) => {
    let [rows, wrong] = [0, 0];
    await inRuns(async ({ evolve, lineage }) => {
      for (const [at, input] of RUNS.entries()) {
        progress(at, RUNS.length);
        const name = `run-${at}`;
        const { evaluations } = await evolve({ ...input, generations: GENERATIONS, seed: at, workers: 2, name });
        const all = await lineage(name);
        const problem = problemNamed((input.objective as { readonly problem: string }).problem)!;
        wrong += Math.abs(all.length - evaluations) + lineageFaults(all).length;
        wrong += all.filter(({ genome, objectives, violation = 0 }) => {
          const x = Float64Array.from(genome as ReadonlyArray<number>);
          const same = problem.evaluate(x).every((value, m) => value === objectives![m]);
          return !same || (problem.violation?.(x) ?? 0) !== violation;
        }).length;
        rows += all.length;
      }
    });
    return { value: wrong, ok: wrong === 0 && rows > 0, detail: { rows, runs: RUNS.length } };
  },
};

/** Numbers of workers that must give the same. */
const WORKERS = [1, 2];

/** Seeds of each run. */
const SEEDS = 2;

const workers: Figure = {
  name: `runs of which one worker and two give other archives, of ${SEEDS} seeds of ${RUNS.length} settings`,
  unit: "runs",
  goal: "0",
  measure: async ({ progress }) => {
    let wrong = 0;
    await inRuns(async ({ evolve }) => {
      for (let seed = 0; seed < SEEDS; seed++) {
        progress(seed, SEEDS);
        for (const [at, input] of RUNS.entries()) {
          const digests = new Set<string>();
          for (const count of WORKERS) {
            const name = `run-${at}-${seed}-${count}`;
            const { archive } = await evolve({ ...input, generations: 25, seed, workers: count, name });
            digests.add(archive);
          }
          if (digests.size !== 1) wrong++;
        }
      }
    });
    return { value: wrong, ok: wrong === 0, detail: { runs: SEEDS * RUNS.length } };
  },
};

const cost: Figure = {
  name: "what keeping a run of 25,000 candidates of ZDT1 takes on disk, for each candidate",
  unit: "bytes",
  goal: "≤ 2,000: genome of thirty numbers, parents and scores, and the states between",
  measure: () => {
    let [bytes, evaluations] = [0, 0];
    return inRuns(async ({ evolve, kernel, call }) => {
      const answer = await evolve({
        objective: { problem: "ZDT1" },
        population: 100,
        generations: 250,
        seed: 1,
        name: "zdt1",
      });
      evaluations = answer.evaluations;
      await call("artifacts.gc", {});
      const listed = await Effect.runPromise(
        kernel.invoke({ operation: "registry.artifacts", input: { limit: 1_000 }, actor: "user@tty" }),
      ) as { readonly artifacts: ReadonlyArray<{ readonly size: number }> } & Json;
      bytes = listed.artifacts.reduce((sum, { size }) => sum + size, 0);
    }).then(() => {
      const value = rounded(bytes / evaluations);
      return { value, ok: value <= 2_000, detail: { bytes, evaluations } };
    });
  },
};

/** The figures. */
export const figures: ReadonlyArray<Figure> = [killed("kernel"), killed("launcher"), lineages, workers, cost];
