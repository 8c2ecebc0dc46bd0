/**
 * Evolve: generations of candidates, each trained a little by the workers, until the search's share of the budget is
 * used; then the best few trained longer, and one of them chosen.
 *
 * Invariant: which candidates are asked for and when it ends depends on the request and the data alone, not on the number
 * of workers; a generation is stored before the next is asked for.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { CallContext } from "../../../../kernel/context.ts";
import { Workers } from "../../../../kernel/workers.ts";
import { attempting as attempted, classesOf, type Scores } from "../../../neural/library.ts";
import { attempting } from "../../attempting.ts";
import type { Candidate } from "../../contract.ts";
import { cannotCreate } from "../../failures.ts";
import { judged } from "../../population/members.ts";
import { fromPortable, type PortableData } from "../../search/portable_data.ts";
import type { NotTrained, Trained, TrainingTask } from "../../search/training_job.ts";
import { type LineageRow, lineageRow } from "../../state/record.ts";
import {
  aboutFlops,
  epochsOf,
  type Fidelity,
  FINAL,
  FINALISTS,
  hasRoom,
  MOST_GENERATIONS,
  POPULATION,
  SHARES,
  TRIAL,
} from "../budget.ts";
import { sent } from "../data.ts";
import type { Finalist } from "../memory.ts";
import { type Recipe, trainingOf } from "../recipe.ts";
import { judgedOf, plannedTraining, recipeOf, remember, stepping, tell, usedMs, type Work } from "../work.ts";

const MODULE = new URL("../../search/training_job.ts", import.meta.url).href;

/** How far a candidate is from answering everything right: share of wrong answers, or of variance not explained. */
export const errorOf = (scores: Scores): number | undefined => {
  const { accuracy, r2 } = scores;
  const right = accuracy ?? r2;
  // Twelve digits, so that 1 − 0.98 is 0.02.
  return right === undefined ? undefined : Number((1 - right).toPrecision(12));
};

/** Trains one recipe in a worker. What breaks the worker is the candidate's failure, not the run's. */
const tryOne = (work: Work, recipe: Recipe, data: PortableData, fidelity: Fidelity) =>
  Effect.gen(function* () {
    const { seed, numerics } = work.request;
    const epochs = epochsOf(fidelity, work.learned.dataset.splits.train.length);
    const input: TrainingTask = {
      program: judgedOf(work, recipe).text,
      training: { ...trainingOf(recipe), epochs, seed },
      numerics,
      data,
    };
    const workers = yield* Workers;
    const found = yield* Effect.match(workers.run({ module: MODULE, name: "trainCandidate", input }), {
      onSuccess: (value) => value as Trained | NotTrained,
      onFailure: (failure): NotTrained => ({ failed: failure.message, flops: 0 }),
    });
    if ("failed" in found) return found;
    const error = errorOf(found.scores);
    return error === undefined ? { failed: "its answers have no score", flops: found.flops } : { ...found, error };
  });

type Outcome = Effect.Success<ReturnType<typeof tryOne>>;

/** About how many operations trying a recipe takes. */
const predicted = (work: Work, recipe: Recipe): number => {
  const train = work.learned.dataset.splits.train.length;
  return aboutFlops(judgedOf(work, recipe).flops, Math.min(train, TRIAL.samples), epochsOf(TRIAL, train));
};

/** Tries candidates, so many at once, telling of each as it ends. */
const tryAll = (work: Work, asked: ReadonlyArray<Candidate<Recipe>>, data: PortableData) =>
  Effect.forEach(
    asked,
    ({ id, genome }) =>
      Effect.tap(tryOne(work, genome, data, TRIAL), (outcome) => {
        const { text } = judgedOf(work, genome);
        return tell({
          type: "candidate",
          id,
          program: text,
          ...("failed" in outcome ? { failed: outcome.failed } : { error: outcome.error }),
        });
      }),
    { concurrency: work.workers },
  );

/** The error of answering everything alike: the share of the other classes, or all of the variance. */
const trivialError = ({ dataset, target }: Work["learned"]): number => {
  if (target.kind !== "classification") return 1;
  const counts = new Float64Array(target.classes);
  for (const answer of classesOf(dataset, dataset.splits.validation)) counts[answer]++;
  return 1 - counts.reduce((most, count) => Math.max(most, count), 0) / dataset.splits.validation.length;
};

/** A candidate whose error exceeds its share of the trivial one is none that anybody wants, however small it is. */
const USEFUL = 0.3;

const scoreOf = (work: Work, recipe: Recipe, outcome: Outcome, worst: number) => {
  if ("failed" in outcome) return { failed: outcome.failed };
  const { parameters, flops } = judgedOf(work, recipe);
  return { objectives: [outcome.error, parameters, flops], violation: Math.max(0, outcome.error - worst) };
};

const sum = (values: ReadonlyArray<number>): number => values.reduce((all, value) => all + value, 0);

/** One generation: tried, told, stored. */
const generation = (work: Work, asked: ReadonlyArray<Candidate<Recipe>>, data: PortableData) =>
  Effect.gen(function* () {
    const { search } = work;
    const outcomes = yield* tryAll(work, asked, data);
    const worst = USEFUL * (yield* attempted(() => trivialError(work.learned)));
    const scores = asked.map(({ genome }, i) => scoreOf(work, genome, outcomes[i], worst));
    work.state = yield* attempting(() => search.tell(work.state, asked, scores));
    const rows = asked.map((candidate, i) =>
      lineageRow(search.variation, work.state.generation, judged(candidate, scores[i], search.objectives), {
        flops: outcomes[i].flops,
      })
    );
    work.rows = [...work.rows, ...rows];
    yield* remember(work, { flops: work.memory.flops + sum(outcomes.map(({ flops }) => flops)) }, rows);
  });

const best = (rows: ReadonlyArray<LineageRow>): number =>
  rows.reduce((least, { objectives }) => Math.min(least, objectives?.[0] ?? Infinity), Infinity);

/** Whether another generation begins. */
const goesOn = (work: Work, asked: ReadonlyArray<Candidate<Recipe>>) =>
  Effect.gen(function* () {
    const { state, memory, request: { budget } } = work;
    if (state.generation >= MOST_GENERATIONS) return false;
    // A search without a single generation has nothing to choose from, however small the budget.
    if (state.generation === 0) return true;
    const wallMs = yield* usedMs(work);
    const flops = sum(asked.map(({ genome }) => predicted(work, genome)));
    return hasRoom(budget, SHARES.search, { flops: memory.flops, wallMs }, flops);
  });

const evolved = (work: Work) =>
  Effect.gen(function* () {
    const call = yield* CallContext;
    const data = sent(work.learned, TRIAL.samples, work.request.seed);
    const before = work.memory.flops;
    while (work.memory.phase === "evolving") {
      const asked = yield* attempting(() => work.search.ask(work.state));
      if (!(yield* goesOn(work, asked))) {
        yield* remember(work, { phase: "choosing" });
        break;
      }
      yield* generation(work, asked, data);
      const { state, memory, rows, request: { budget } } = work;
      const share = budget.kind === "flops" ? memory.flops / budget.value : memory.wallMs / budget.value;
      yield* call.progress({
        label: "evolving",
        done: Math.min(100, Math.round(100 * Math.max(share / SHARES.search, state.generation / MOST_GENERATIONS))),
        total: 100,
        unit: "%",
      });
      const front = candidateFront(rows);
      yield* tell({ type: "generation", generation: state.generation, best: best(rows), front });
    }
    return { flops: work.memory.flops - before };
  });

const dominates = (a: ReadonlyArray<number>, b: ReadonlyArray<number>): boolean =>
  a.every((value, i) => value <= b[i]) && a.some((value, i) => value < b[i]);

const candidateFront = (rows: ReadonlyArray<LineageRow>): number => {
  const scored = rows.flatMap(({ objectives }) => objectives === undefined ? [] : [objectives]);
  return scored.filter((one) => !scored.some((other) => dominates(other, one))).length;
};

/** Rows in the order in which they are preferred: fewer errors, then fewer operations. */
const preferred = (rows: ReadonlyArray<LineageRow>): ReadonlyArray<LineageRow> =>
  rows.filter(({ objectives }) => objectives !== undefined)
    .toSorted((a, b) => a.objectives![0] - b.objectives![0] || a.objectives![2] - b.objectives![2]);

/** The finals: the best few, trained longer; as many as the budget has room for, but one at least. */
const finals = (work: Work) =>
  Effect.gen(function* () {
    const before = work.memory.flops;
    if (work.memory.phase !== "choosing") return { flops: 0 };
    const wallMs = yield* usedMs(work);
    const data = sent(work.learned, FINAL.samples, work.request.seed);
    const dataset = fromPortable(data);
    const epochs = epochsOf(FINAL, dataset.splits.train.length);
    let planned = work.memory.flops;
    const chosen = yield* attempted(() =>
      preferred(work.rows).slice(0, FINALISTS).filter((row, i) => {
        planned += plannedTraining(work, recipeOf(work, row), dataset, epochs).flopsPerEpoch * epochs;
        return i === 0 || hasRoom(work.request.budget, SHARES.finals, { flops: planned, wallMs }, 0);
      })
    );
    if (chosen.length === 0) {
      const reason = work.rows.find(({ failed }) => failed !== undefined)?.failed ?? "none was tried";
      return yield* cannotCreate({ reason: `no candidate could be trained: ${reason}`, path: "/data" });
    }
    const finalists = yield* Effect.forEach(
      chosen,
      (row) =>
        Effect.map(tryOne(work, recipeOf(work, row), data, FINAL), (outcome): Finalist => ({
          id: row.id,
          flops: outcome.flops,
          ...("failed" in outcome ? { failed: outcome.failed } : { error: outcome.error }),
        })),
      { concurrency: work.workers },
    );
    yield* remember(work, {
      phase: "training",
      finalists,
      flops: work.memory.flops + sum(finalists.map(({ flops }) => flops)),
    });
    return { flops: work.memory.flops - before };
  });

/** The candidate that won the finals. */
export const winnerOf = (work: Work): LineageRow => {
  const [first] = work.memory.finalists.filter(({ error }) => error !== undefined)
    .toSorted((a, b) => a.error! - b.error!);
  const id = first?.id ?? work.memory.finalists[0].id;
  return work.rows.find((row) => row.id === id)!;
};

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** Evolves, then chooses. */
export const evolve = (work: Work) =>
  Effect.gen(function* () {
    const share = (part: number) =>
      work.request.budget.kind === "flops"
        ? { predicted: { flops: work.request.budget.value * part } }
        : { predicted: { flops: 0, wallMs: work.request.budget.value * part } };
    yield* stepping(
      work.steps,
      {
        name: "evolve",
        does: `evolve architectures and how they are trained, ${POPULATION} a generation, ${work.workers} at once`,
        ...share(SHARES.search),
      },
      Effect.map(evolved(work), ({ flops }) => ({
        value: undefined,
        did: `${work.rows.length} candidates in ${work.state.generation} generations; the best errs on ${
          percent(best(work.rows))
        }`,
        flops,
      })),
    );
    return yield* stepping(
      work.steps,
      { name: "choose", does: "train the best few longer and choose one", ...share(SHARES.finals - SHARES.search) },
      Effect.map(finals(work), ({ flops }) => {
        const row = winnerOf(work);
        const { error } = work.memory.finalists.find(({ id }) => id === row.id)!;
        const { text } = judgedOf(work, recipeOf(work, row));
        return {
          value: row,
          did: `${row.id} of ${work.memory.finalists.length} finalists, which errs on ${percent(error ?? 1)}: ${text}`,
          flops,
        };
      }),
    );
  });
