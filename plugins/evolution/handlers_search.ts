/**
 * Handler of the search over settings: data opened, trials run, the best judged on what was held back.
 *
 * Invariant: the held-out part is read after the last trial of a search that ended, and only there.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type { Json } from "../../kernel/json.ts";
import { withWorkers } from "../../kernel/workers.ts";
import { type DataSource, diskFiles, openData, type TrainingRequest } from "../neural/library.ts";
import { badRun, badSetting } from "./failures.ts";
import type { Tune } from "./operations_search.ts";
import { candidateOf } from "./search/candidate.ts";
import {
  type BestTrial,
  judgeHeldOut,
  measureOf,
  planTuning,
  tune,
  type TuneAsked,
  type TuneBudget,
  type Tuned,
} from "./search/tuning.ts";
import { tableSource } from "./tables/source.ts";

type Input = (typeof Tune)["input"]["Type"];

/** Data that can be taken in a new order in every trial. */
const opened = (source: DataSource) =>
  Effect.gen(function* () {
    const { dataset } = yield* openData(typeof source === "string" ? source : tableSource(source), yield* diskFiles);
    if (dataset.kind === "memory") return dataset;
    return yield* badSetting({
      setting: "data",
      wanted: "held in memory, because every trial takes them in its own order",
      found: "a stream",
      path: "/data/stream",
      fix: { summary: "Hold the data", patch: [{ op: "remove", path: "/data/stream" }] },
    });
  });

/** The best of a run; where there is none, its trials say why. */
const bestOf = ({ best, run, failures }: Tuned) =>
  best === null
    ? Effect.fail(badRun({
      run,
      reason: `none of its trials has a score: ${failures} failed, and its lineage says why`,
    }))
    : Effect.succeed(best);

/** Input of a training that makes the model of a setting. */
const trainInput = ({ program, data }: Input, { setting }: BestTrial, training: TrainingRequest): Json => {
  const made = candidateOf(program, setting, training);
  return { program: made.program, data, ...made.training } as unknown as Json;
};

const tuned = (input: Input) =>
  Effect.gen(function* () {
    const { data, budget = {}, name } = input;
    const asked = input as TuneAsked;
    const dataset = yield* opened(data);
    const planned = yield* planTuning(asked, dataset, budget as TuneBudget);
    const ended = yield* tune(asked, planned, { budget: budget as TuneBudget, name });
    const best = yield* bestOf(ended);
    const judged = yield* judgeHeldOut(asked, planned, best, dataset);
    return {
      run: ended.run,
      state: ended.digest,
      method: planned.method,
      trials: ended.state.evaluations,
      failures: ended.failures,
      reason: ended.reason,
      resumed: ended.resumed,
      reproducible: budget.wallMs === undefined,
      flops: ended.flops,
      warm: ended.warm,
      best: {
        id: best.id,
        setting: best.setting,
        program: candidateOf(asked.program, best.setting, planned.training).program,
        share: best.share,
        value: measureOf(best.objective, planned.measure),
        validation: best.scores,
        ...(judged === undefined || "failed" in judged ? {} : { test: judged.scores, parameters: judged.parameters }),
      },
      train: trainInput(input, best, planned.training),
    };
  });

/** The handlers. */
export const searchHandlers = {
  "evolution.tune": (input: Input) =>
    input.workers === undefined ? tuned(input) : withWorkers({ workers: input.workers }, tuned(input)),
} as const;
