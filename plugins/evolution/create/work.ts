/**
 * Work: what the steps of a run share: what is asked, the data, the space, where the run stands.
 *
 * Not a step. Invariant: what stands here is what is stored; a step that stores first changes it.
 *
 * @module
 */
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import { CallContext } from "../../../kernel/context.ts";
import type { Json } from "../../../kernel/json.ts";
import { costOf } from "../../ir/library.ts";
import { fitProgram, type MemoryDataset, planTraining, sizesOfStep, trainingStep } from "../../neural/library.ts";
import { isRefused, type Judged } from "../architectures/judge.ts";
import type { ArchitectureSpace } from "../architectures/space.ts";
import type { Search, SearchState } from "../contract.ts";
import { encodeState } from "../run.ts";
import { archived } from "../state/archive.ts";
import type { OpenRun, RunStep } from "../state/keeping.ts";
import type { LineageRow } from "../state/record.ts";
import { cannotCreate } from "../failures.ts";
import type { Learnable } from "./data.ts";
import { type Memory, memoryJson } from "./memory.ts";
import { type Recipe, settingsOf, trainingOf } from "./recipe.ts";
import type { CreateRequest } from "./request.ts";
import type { CandidateRecord, Objective, StepRecord, Work as Spent } from "./result.ts";
import { saidOf } from "./telling.ts";

/** What candidates are compared by, smaller being better. */
export const OBJECTIVES: ReadonlyArray<Objective> = [
  { name: "error" },
  { name: "parameters", logarithmic: true },
  { name: "FLOPs", unit: "for one sample", logarithmic: true },
];

/** Everything that steps share. */
export interface Work {
  /** What is asked. */
  readonly request: CreateRequest;
  /** Workers at once. */
  readonly workers: number;
  /** The data. */
  readonly learned: Learnable;
  /** The space of architectures. */
  readonly space: ArchitectureSpace;
  /** The search. */
  readonly search: Search<Recipe>;
  /** Where it is kept. */
  readonly run: OpenRun;
  /** Where the search stands. */
  state: SearchState<Recipe>;
  /** Every candidate so far. */
  rows: ReadonlyArray<LineageRow>;
  /** What else is remembered. */
  memory: Memory;
  /** Operations that it may use: by the budget, or by what a budget of time has room for; set by the plan. */
  mayUse: number;
  /** What was said beforehand; set by the plan. */
  planned: Spent & { readonly wallMs: number };
  /** What was done. */
  readonly steps: Array<StepRecord>;
  /** When this call began, milliseconds. */
  readonly startedMs: number;
  /** Milliseconds of earlier calls, where time is the budget. */
  readonly earlierMs: number;
}

/** Milliseconds that a run has used, where they count. */
export const usedMs = (work: Work): Effect.Effect<number> =>
  Effect.map(
    Clock.currentTimeMillis,
    (now) => work.request.budget.kind === "time" ? Math.max(0, Math.round(work.earlierMs + now - work.startedMs)) : 0,
  );

/** The judgement of a recipe that passed. */
export const judgedOf = ({ space }: Pick<Work, "space">, { architecture }: Recipe): Judged => {
  const judged = space.judge(architecture);
  if (isRefused(judged)) {
    throw cannotCreate({ reason: `a stored program is refused: ${judged.refused}`, path: "/resume" });
  }
  return judged;
};

/** The recipe of a row of the lineage. */
export const recipeOf = ({ search }: Pick<Work, "search">, { genome }: LineageRow): Recipe =>
  search.variation.decode(genome);

/** A training of a recipe, planned: what it trains, how, and exactly how many operations one pass takes. */
export const plannedTraining = (
  work: Pick<Work, "space" | "request">,
  recipe: Recipe,
  dataset: MemoryDataset,
  epochs: number,
) => {
  const { seed } = work.request;
  const fitted = fitProgram(judgedOf(work, recipe).program, dataset.schema);
  const planned = planTraining(fitted.network, dataset, { ...trainingOf(recipe), epochs, seed });
  const { feed } = planned.plan;
  const step = trainingStep(planned.plan);
  const flopsPerEpoch = Number(costOf(step.program, sizesOfStep(step, feed.batch)).flops) * feed.length;
  return { fitted, ...planned, flopsPerEpoch };
};

/** Where a run stands, as it is stored. */
export const stepOf = (work: Work, rows: ReadonlyArray<LineageRow>): RunStep => {
  const { search, state, memory } = work;
  const archive = archived([], work.rows, search.objectives);
  const best = archive.reduce((least, { objectives }) => Math.min(least, objectives![0]), 1);
  return {
    generation: state.generation,
    evaluations: state.evaluations,
    failures: work.rows.filter(({ failed }) => failed !== undefined).length,
    search: encodeState(search, state),
    archive,
    memory: memoryJson(memory),
    rows,
    metrics: { error: best },
  };
};

/** Changes what is remembered and stores it. */
export const remember = (work: Work, memory: Partial<Memory>, rows: ReadonlyArray<LineageRow> = []) =>
  Effect.gen(function* () {
    work.memory = { ...work.memory, ...memory, wallMs: yield* usedMs(work) };
    return yield* work.run.save(stepOf(work, rows));
  });

/** All candidates as the result shows them. */
export const candidatesOf = (work: Work): ReadonlyArray<CandidateRecord> => {
  const front = new Set(archived([], work.rows, work.search.objectives).map(({ id }) => id));
  return work.rows.map((row) => {
    const recipe = recipeOf(work, row);
    return {
      id: row.id,
      generation: row.generation,
      parents: row.parents,
      edit: row.edit,
      program: judgedOf(work, recipe).text,
      settings: { ...settingsOf(recipe) },
      ...(row.objectives === undefined ? {} : { objectives: row.objectives }),
      ...(row.failed === undefined ? {} : { failed: row.failed }),
      front: front.has(row.id),
    };
  });
};

/** A share of what was said beforehand. */
export const partOf = ({ planned }: Pick<Work, "planned">, share: number): Spent => ({
  flops: Math.round(planned.flops * share),
  wallMs: Math.round(planned.wallMs * share),
});

/** What a step of a run tells while it goes on. */
export type CreateEvent =
  | { readonly type: "begin"; readonly step: string; readonly does: string }
  | { readonly type: "end"; readonly step: string; readonly did: string; readonly wallMs: number }
  | {
    readonly type: "candidate";
    readonly id: string;
    readonly program: string;
    readonly error: number;
  }
  | { readonly type: "generation"; readonly generation: number; readonly best: number; readonly front: number }
  | {
    readonly type: "epoch";
    readonly epoch: number;
    readonly of: number;
    readonly loss: number;
    readonly accuracy?: number;
    readonly r2?: number;
  };

/** Tells the caller. */
export const tell = (event: CreateEvent): Effect.Effect<void, never, CallContext> =>
  Effect.flatMap(CallContext, (call) => call.emit({ ...event, text: saidOf(event) } as unknown as Json));

/** Steps of a run. */
export const STEPS = 13;

/** Shows which of the steps a run is at, for steps that show nothing finer. */
export const atStep = (label: string, done: number): Effect.Effect<void, never, CallContext> =>
  Effect.flatMap(CallContext, (call) => call.progress({ label, done, total: STEPS, unit: "steps" }));

/** Does a step, says so, and notes what it took. */
export const stepping = <A, E, R>(
  steps: Array<StepRecord>,
  step: { readonly name: string; readonly does: string; readonly predicted?: Spent },
  body: Effect.Effect<{ readonly value: A; readonly did: string; readonly flops?: number }, E, R>,
): Effect.Effect<A, E, R | CallContext> =>
  Effect.gen(function* () {
    const { name, does, predicted } = step;
    yield* tell({ type: "begin", step: name, does });
    yield* atStep(name, steps.length);
    const began = yield* Clock.currentTimeMillis;
    const { value, did, flops = 0 } = yield* body;
    const wallMs = Math.max(0, Math.round((yield* Clock.currentTimeMillis) - began));
    steps.push({ name, did, ...(predicted === undefined ? {} : { predicted }), spent: { flops, wallMs } });
    yield* tell({ type: "end", step: name, did, wallMs });
    return value;
  });
