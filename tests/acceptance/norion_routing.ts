/**
 * Figures of routing: the area recovered on the RouteLLM tables over many ways to fold them, what shuffled outcomes give,
 * the time of a decision, and whether an asked share of strong calls is met.
 */
import { fitRouter, type Observed, scorer, thresholdFor } from "../../plugins/norion/routing/learned.ts";
import { foldsOf, gsm8k, heldOutArea, mmlu, shuffledOutcomes } from "../plugins/norion/routing_tables.ts";
import { type Figure, rounded } from "./figure.ts";

const SEEDS = 20;
const SHUFFLES = 50;
const CHANCE = 0.5;
const CHANCE_SLACK = 0.01;
const DECISION_GOAL_US = 50;
const SHARES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
const SHARE_SLACK = 0.01;
const DECISION_ROUNDS = 15;

type Progress = (done: number, total: number) => void;

const mean = (values: ReadonlyArray<number>): number => values.reduce((a, b) => a + b, 0) / values.length;

const area = (name: string, table: () => Promise<ReadonlyArray<Observed>>, goal: number, stretch: number): Figure => ({
  name: `area recovered on ${name}, mean of ${SEEDS} fold seeds`,
  unit: "share",
  goal: `at least ${goal} (stretch ${stretch})`,
  measure: async ({ progress }) => {
    const rows = await table();
    const areas: number[] = [];
    for (let seed = 0; seed < SEEDS; seed++) {
      areas.push(heldOutArea(rows, seed));
      progress(seed + 1, SEEDS);
    }
    const value = mean(areas);
    return {
      value: rounded(value),
      ok: value >= goal,
      detail: { rows: rows.length, least: rounded(Math.min(...areas)), most: rounded(Math.max(...areas)) },
    };
  },
});

/** Greatest distance between an asked share and the share of held-out questions that goes to the strong model. */
const shareMissed = async (table: () => Promise<ReadonlyArray<Observed>>, progress: Progress) => {
  const rows = await table();
  const met = SHARES.map(() => 0);
  for (let seed = 0; seed < SEEDS; seed++) {
    for (const { fitted, judged } of foldsOf(rows, seed)) {
      const router = fitRouter(fitted);
      const score = scorer(router);
      const scores = judged.map(({ question }) => score(question));
      SHARES.forEach((share, i) => {
        const threshold = thresholdFor(router, share);
        met[i] += scores.filter((value) => value >= threshold).length / rows.length / SEEDS;
      });
    }
    progress(seed + 1, SEEDS);
  }
  return Math.max(...SHARES.map((share, i) => Math.abs(met[i] - share)));
};

/** The figures of this area. */
export const figures: ReadonlyArray<Figure> = [
  area("RouteLLM's MMLU table", mmlu, 0.676, 0.685),
  area("RouteLLM's GSM8K table", gsm8k, 0.62, 0.64),
  {
    name: `area recovered where outcomes are dealt out anew, mean of ${SHUFFLES}`,
    unit: "share",
    goal: `${CHANCE} ± ${CHANCE_SLACK}`,
    measure: async ({ progress }) => {
      const rows = await mmlu();
      const areas: number[] = [];
      for (let seed = 0; seed < SHUFFLES; seed++) {
        areas.push(heldOutArea(shuffledOutcomes(rows, seed), seed));
        progress(seed + 1, SHUFFLES);
      }
      const value = mean(areas);
      return { value: rounded(value), ok: Math.abs(value - CHANCE) <= CHANCE_SLACK, detail: { rows: rows.length } };
    },
  },
  {
    name: "asked share of strong calls missed by, the worst of nine shares and two tables",
    unit: "share",
    goal: `at most ${SHARE_SLACK}`,
    measure: async ({ progress }) => {
      const missed = {
        mmlu: await shareMissed(mmlu, (done) => progress(done, 2 * SEEDS)),
        gsm8k: await shareMissed(gsm8k, (done) => progress(SEEDS + done, 2 * SEEDS)),
      };
      const value = Math.max(missed.mmlu, missed.gsm8k);
      return {
        value: rounded(value),
        ok: value <= SHARE_SLACK,
        detail: { mmlu: rounded(missed.mmlu), gsm8k: rounded(missed.gsm8k) },
      };
    },
  },
  {
    name: `one routing decision: mean over a table of each question's best of ${DECISION_ROUNDS}`,
    unit: "µs",
    goal: `at most ${DECISION_GOAL_US}`,
    measure: async () => {
      const best: Record<string, number> = {};
      for (const [name, table] of [["mmlu", mmlu], ["gsm8k", gsm8k]] as const) {
        const rows = await table();
        const router = fitRouter(rows.slice(0, 1000));
        const score = scorer(router);
        const threshold = thresholdFor(router, 0.5);
        // The best of rounds for each question: other processes share the machine, and a decision is shorter than a turn.
        const shortest = new Float64Array(rows.length).fill(Infinity);
        let strong = 0;
        for (let round = 0; round < DECISION_ROUNDS; round++) {
          rows.forEach(({ question }, i) => {
            const start = performance.now();
            if (score(question) >= threshold) strong++;
            shortest[i] = Math.min(shortest[i], performance.now() - start);
          });
        }
        if (strong === 0) throw new Error("no question went to the strong model");
        best[name] = rounded(mean([...shortest]) * 1000);
      }
      const value = Math.max(best.mmlu, best.gsm8k);
      return { value, ok: value <= DECISION_GOAL_US, detail: best };
    },
  },
];
