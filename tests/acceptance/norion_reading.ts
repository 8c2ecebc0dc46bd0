/**
 * Figures of reading in parts: needles, counts and joins in long texts, the calls they take, and readers that lose calls.
 */
import { estimateTokens } from "../../plugins/norion/text.ts";
import { OPTIONS, readAll } from "../plugins/norion/reading_tasks.ts";
import { type Figure, rounded } from "./figure.ts";

const POWERS = [13, 14, 15, 16, 17, 18, 19, 20];
const SEEDS = 4;
const CALLS_GOAL = 1.1;
const LOSSY_RUNS = 400;
const LOST = 0.05;
const LOSSY_POWER = 14;

/** The figures of this area. */
export const figures: ReadonlyArray<Figure> = [
  {
    name: "needles, counts and joins right, 2^13 to 2^20 tokens",
    unit: "tasks",
    goal: `all of ${POWERS.length * (SEEDS + 1) * 3}, a fifth of them on a seed never run before`,
    measure: async ({ progress }) => {
      const unseen = crypto.randomUUID();
      let [right, done] = [0, 0];
      const wrong: string[] = [];
      for (const power of POWERS) {
        for (const seed of [...Array.from({ length: SEEDS }, (_, i) => `reading ${i}`), unseen]) {
          const { outcomes } = await readAll(power, `${seed} ${power}`);
          for (const [task, outcome] of Object.entries(outcomes)) {
            if (outcome === "right") right++;
            else wrong.push(`${task} ${seed} 2^${power}: ${outcome}`);
          }
          progress(++done, POWERS.length * (SEEDS + 1));
        }
      }
      return { value: right, ok: wrong.length === 0, detail: { unseen, wrong: wrong.slice(0, 10) } };
    },
  },
  {
    name: "calls beyond 1.1 for each window of text, the worst of 2^13 to 2^20 tokens",
    unit: "calls",
    goal: "none, and as many calls and tokens spent as were predicted",
    measure: async ({ progress }) => {
      let excess = -Infinity;
      let differing = 0;
      const perWindow: Record<string, number> = {};
      for (const [at, power] of POWERS.entries()) {
        const { text, calls, tokens } = await readAll(power, power);
        const windows = Math.ceil(estimateTokens(text) / OPTIONS.window);
        excess = Math.max(excess, calls.spent - Math.ceil(CALLS_GOAL * windows));
        perWindow[`2^${power}`] = rounded(calls.spent / windows, 3);
        if (calls.planned !== calls.spent || tokens.planned !== tokens.spent) differing++;
        progress(at + 1, POWERS.length);
      }
      return { value: Math.max(0, excess), ok: excess <= 0 && differing === 0, detail: { differing, perWindow } };
    },
  },
  {
    name: `wrong answers of a reader that loses ${LOST * 100} % of its calls`,
    unit: "answers",
    goal: `none of ${LOSSY_RUNS * 3}: right, or the stretch that was not read is named`,
    measure: async ({ progress }) => {
      const unseen = crypto.randomUUID();
      const counts = { right: 0, unknown: 0, wrong: 0 };
      for (let run = 0; run < LOSSY_RUNS; run++) {
        const seed = run % 10 === 0 ? `${unseen} ${run}` : `lossy ${run}`;
        const { outcomes } = await readAll(LOSSY_POWER, seed, LOST, run % 3);
        for (const outcome of Object.values(outcomes)) counts[outcome]++;
        progress(run + 1, LOSSY_RUNS);
      }
      return { value: counts.wrong, ok: counts.wrong === 0 && counts.right > 0, detail: { ...counts, unseen } };
    },
  },
];
