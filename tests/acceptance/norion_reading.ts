/**
 * Figures of reading in parts: needles, counts and joins in long texts, the calls they take, and readers that lose calls.
 */
import * as Effect from "effect/Effect";
import * as Scope from "effect/Scope";
import type { BackendsShape } from "../../plugins/backends/contract.ts";
import { cpuBackend } from "../../plugins/backends/cpu/mod.ts";
import { encodeLanguageModel, LANGUAGE_SIZES } from "../../plugins/neural/library.ts";
import type { ModelDescription } from "../../plugins/norion/contract.ts";
import { languageModel } from "../../plugins/norion/models/language.ts";
import { partPrompt } from "../../plugins/norion/prompting.ts";
import { untrained } from "../plugins/neural/language/small_model.ts";
import { estimateTokens } from "../../plugins/norion/text.ts";
import { OPTIONS, readAll } from "../plugins/norion/reading_tasks.ts";
import { type Figure, rounded } from "./figure.ts";

const POWERS = [13, 14, 15, 16, 17, 18, 19, 20];
const SEEDS = 4;
const CALLS_GOAL = 1.1;
const LOSSY_RUNS = 400;
const LOST = 0.05;
const LOSSY_POWER = 14;

const LETTERS = "\n .,:abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const INSTRUCTION = "Which gauges are green, which are red, and which pier has none at all? " +
  "Say so for each pier in the order of the text, one line each, without any word on the weather.";
const OWN: ModelDescription = {
  id: "language:large",
  kind: "language",
  locality: "process",
  quality: 0.1,
  cost: 0,
  window: 8192,
  latencyMs: 1,
  capabilities: { streaming: true, deterministic: true, countsTokens: true, cacheBlocks: true },
  notes: [],
};
const compiling = (...given: Parameters<typeof cpuBackend.compile>) =>
  Effect.map(cpuBackend.compile(...given), (executable) => ({ executable }));
const PARTS = 12;
const ROUNDS = 5;
const MOST_AGAIN = 0.25;

/** Parts of one long request as they are told to a model, with as much of each as they share, or as if they shared none. */
const partsRead = (
  shares: boolean,
): Promise<{ readonly kept: number; readonly beginning: number; readonly ms: number }> =>
  Effect.runPromise(
    Effect.scoped(Effect.gen(function* () {
      const model = languageModel({
        description: OWN,
        artifact: encodeLanguageModel(untrained(LANGUAGE_SIZES.large.shape([new TextEncoder().encode(LETTERS)]))),
        held: 65_536,
        backends: { compile: compiling } as unknown as BackendsShape,
        scope: yield* Scope.Scope,
      });
      let [kept, ms, beginning] = [0, Infinity, 0];
      for (let round = 0; round < ROUNDS; round++) {
        const start = performance.now();
        kept = 0;
        for (let part = 0; part < PARTS; part++) {
          const { prompt, shared } = partPrompt(INSTRUCTION, `The gauge of pier ${part} is green.`, part, PARTS);
          beginning = shared;
          const cache = { characters: shared, bits: 32, prefetch: 64 } as const;
          const { usage } = yield* model.generate({
            prompt,
            maxTokens: 1,
            seed: 0,
            temperature: 0,
            ...(shares ? { shared: cache } : {}),
          });
          kept += usage.kept ?? 0;
        }
        // The first round makes programs ready and reads the beginning once; both are done then.
        if (round > 0) ms = Math.min(ms, performance.now() - start);
      }
      return { kept, beginning, ms };
    })) as Effect.Effect<{ readonly kept: number; readonly beginning: number; readonly ms: number }>,
  );

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
  {
    name: `share of what ${PARTS} parts of a request begin with that our own model reads again for each`,
    unit: "share",
    goal: `at most ${MOST_AGAIN}, and less time than reading all of it`,
    measure: async () => {
      const [shared, plain] = [await partsRead(true), await partsRead(false)];
      const value = rounded(1 - shared.kept / (shared.beginning * PARTS));
      return {
        value,
        ok: value <= MOST_AGAIN && shared.ms < plain.ms,
        detail: { bytes: shared.beginning, msShared: rounded(shared.ms), msPlain: rounded(plain.ms) },
      };
    },
  },
];
