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
  epochsOf,
  type Fidelity,
  FINAL,
  FINALISTS,
  hasRoom,
  MOST_GENERATIONS,
  POPULATION,
  scaled,
  SHARES,
  TRIAL,
} from "../budget.ts";
import { sent } from "../data.ts";
import type { Finalist } from "../memory.ts";
import { partOfFidelity, predictedFlops } from "../prediction.ts";
import { type Recipe, trainingOf } from "../recipe.ts";
import { judgedOf, partOf, plannedTraining, recipeOf, remember, stepping, tell, usedMs, type Work } from "../work.ts";

const MODULE = new URL("../../search/training_job.ts", import.meta.url).href;

/** How far a candidate is from answering everything right: share of wrong answers, or of variance not explained. */
export const errorOf = (scores: Scores): number | undefined => {
  const { accuracy, r2 } = scores;
  const right = accuracy ?? r2;
  // Twelve digits, so that 1 − 0.98 is 0.02.
  return right === undefined ? undefined : Number((1 - right).toPrecision(12));
};

/** Trains one recipe in a worker. What breaks the worker is the candidate's failure, not the run's. */
const tryOne = (work: Work, recipe: Recipe, data: PortableData, epochs: number) =>
  Effect.gen(function* () {
    const { seed, numerics } = work.request;
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

/** What a generation is tried with. */
interface Trying {
  readonly fidelity: Fidelity;
  readonly data: PortableData;
  readonly epochs: number;
}

/** Tries candidates, so many at once; one that is better than all before is told of as it ends. */
const tryAll = (work: Work, asked: ReadonlyArray<Candidate<Recipe>>, { data, epochs }: Trying) =>
  Effect.gen(function* () {
    const call = yield* CallContext;
    let [least, ended] = [best(work.rows), 0];
    const heard = ({ id, genome }: Candidate<Recipe>, outcome: Outcome) =>
      Effect.gen(function* () {
        ended++;
        yield* call.progress({ label: "evolving", ...progressOf(work, ended / asked.length) });
        if ("failed" in outcome || outcome.error >= least) return;
        least = outcome.error;
        yield* tell({ type: "candidate", id, error: outcome.error, program: judgedOf(work, genome).text });
      });
    return yield* Effect.forEach(
      asked,
      (candidate) => Effect.tap(tryOne(work, candidate.genome, data, epochs), (outcome) => heard(candidate, outcome)),
      { concurrency: work.workers },
    );
  });

const WHOLE = 100;

/** How far the search is: by the share of its budget or by its generations, whichever ends it first. */
const progressOf = ({ state, memory, request: { budget } }: Work, ofGeneration: number) => {
  const used = budget.kind === "flops" ? memory.flops : memory.wallMs;
  const each = state.generation === 0 ? 0 : used / state.generation;
  const byBudget = (used + ofGeneration * each) / (budget.value * SHARES.search);
  const byGenerations = (state.generation + ofGeneration) / MOST_GENERATIONS;
  return { done: Math.round(WHOLE * Math.min(1, Math.max(byBudget, byGenerations))), total: WHOLE, unit: "%" };
};

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
const generation = (work: Work, asked: ReadonlyArray<Candidate<Recipe>>, trying: Trying) =>
  Effect.gen(function* () {
    const { search } = work;
    const outcomes = yield* tryAll(work, asked, trying);
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

/** What is told as the best while every candidate failed. */
const WORST = 1e6;

const best = (rows: ReadonlyArray<LineageRow>): number =>
  rows.reduce((least, { objectives }) => Math.min(least, objectives?.[0] ?? Infinity), Infinity);

/** Whether another generation begins. */
const goesOn = (work: Work, asked: ReadonlyArray<Candidate<Recipe>>, { fidelity }: Trying) =>
  Effect.gen(function* () {
    const { state, memory, request: { budget } } = work;
    if (state.generation >= MOST_GENERATIONS) return false;
    // A search without a single generation has nothing to choose from, however small the budget.
    if (state.generation === 0) return true;
    const wallMs = yield* usedMs(work);
    const flops = predictedFlops(work, asked, fidelity);
    return hasRoom(budget, SHARES.search, { flops: memory.flops, wallMs }, flops);
  });

const evolved = (work: Work) =>
  Effect.gen(function* () {
    const before = work.memory.flops;
    const trying = yield* attempted((): Trying => {
      const fidelity = scaled(TRIAL, partOfFidelity(work, work.mayUse));
      const data = sent(work.learned, fidelity.samples, work.request.seed);
      return { fidelity, data, epochs: epochsOf(fidelity, work.learned.dataset.splits.train.length) };
    });
    while (work.memory.phase === "evolving") {
      const asked = yield* attempting(() => work.search.ask(work.state));
      if (!(yield* goesOn(work, asked, trying))) {
        yield* remember(work, { phase: "choosing" });
        break;
      }
      yield* generation(work, asked, trying);
      const { state: { generation: told }, rows } = work;
      yield* tell({ type: "generation", generation: told, best: Math.min(best(rows), WORST), front: frontOf(rows) });
    }
    return { flops: work.memory.flops - before };
  });

const dominates = (a: ReadonlyArray<number>, b: ReadonlyArray<number>): boolean =>
  a.every((value, i) => value <= b[i]) && a.some((value, i) => value < b[i]);

const frontOf = (rows: ReadonlyArray<LineageRow>): number => {
  const scored = rows.flatMap(({ objectives }) => objectives === undefined ? [] : [objectives]);
  return scored.filter((one) => !scored.some((other) => dominates(other, one))).length;
};

/** Rows in the order in which they are preferred: fewer errors, then fewer operations. */
const preferred = (rows: ReadonlyArray<LineageRow>): ReadonlyArray<LineageRow> =>
  rows.filter(({ objectives }) => objectives !== undefined)
    .toSorted((a, b) => a.objectives![0] - b.objectives![0] || a.objectives![2] - b.objectives![2]);

/** The finals: the best few, trained longer; as many as the budget has room for. */
const finals = (work: Work) =>
  Effect.gen(function* () {
    const before = work.memory.flops;
    if (work.memory.phase !== "choosing") return { flops: 0 };
    const wallMs = yield* usedMs(work);
    const fidelity = scaled(FINAL, partOfFidelity(work, work.mayUse));
    const data = sent(work.learned, fidelity.samples, work.request.seed);
    const dataset = fromPortable(data);
    const epochs = epochsOf(fidelity, dataset.splits.train.length);
    const best = preferred(work.rows).slice(0, FINALISTS);
    if (best.length === 0) {
      const reason = work.rows.find(({ failed }) => failed !== undefined)?.failed ?? "none was tried";
      return yield* cannotCreate({ reason: `no candidate could be trained: ${reason}`, path: "/data" });
    }
    let [planned, dearest] = [work.memory.flops, 0];
    const chosen = yield* attempted(() =>
      best.filter((row) => {
        const flops = plannedTraining(work, recipeOf(work, row), dataset, epochs).flopsPerEpoch * epochs;
        planned += flops;
        dearest = Math.max(dearest, flops);
        // Whoever wins is trained once more, at least as long.
        const { budget } = work.request;
        const used = { flops: planned, wallMs };
        return hasRoom(budget, SHARES.finals, used, 0) && hasRoom(budget, 1, used, dearest);
      })
    );
    const finalists = yield* Effect.forEach(
      chosen,
      (row) =>
        Effect.map(tryOne(work, recipeOf(work, row), data, epochs), (outcome): Finalist => ({
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

/** Samples that the winner had seen when it won, repetitions counted. */
export const seenByWinner = (work: Work): number => {
  const { train } = work.learned.dataset.splits;
  const { finalists } = work.memory;
  const fidelity = scaled(finalists.length > 0 ? FINAL : TRIAL, partOfFidelity(work, work.mayUse));
  return Math.min(train.length, fidelity.samples) * epochsOf(fidelity, train.length);
};

/** The candidate that won the finals; without finals, the one that would have come first into them. */
export const winnerOf = (work: Work): LineageRow => {
  const [first] = work.memory.finalists.filter(({ error }) => error !== undefined)
    .toSorted((a, b) => a.error! - b.error!);
  const [usual] = preferred(work.rows);
  return work.rows.find(({ id }) => id === first?.id) ?? usual;
};

/** An error, for people. */
const shownError = ({ learned: { target } }: Work, error: number): string =>
  target.kind === "classification" ? `errs on ${(100 * error).toFixed(1)} %` : `reaches r² ${(1 - error).toFixed(4)}`;

/** Evolves, then chooses. */
export const evolve = (work: Work) =>
  Effect.gen(function* () {
    yield* stepping(
      work.steps,
      {
        name: "evolve",
        does: `evolve architectures and how they are trained, ${POPULATION} a generation, ${work.workers} at once`,
        predicted: partOf(work, SHARES.search),
      },
      Effect.map(evolved(work), ({ flops }) => ({
        value: undefined,
        did: `${work.rows.length} candidates, generations: ${work.state.generation}; ${
          Number.isFinite(best(work.rows)) ? `the best ${shownError(work, best(work.rows))}` : "none could be trained"
        }`,
        flops,
      })),
    );
    return yield* stepping(
      work.steps,
      {
        name: "choose",
        does: "train the best few longer and choose one",
        predicted: partOf(work, SHARES.finals - SHARES.search),
      },
      Effect.map(finals(work), ({ flops }) => {
        const row = winnerOf(work);
        const { finalists } = work.memory;
        const error = finalists.find(({ id }) => id === row.id)?.error ?? row.objectives![0];
        const { text } = judgedOf(work, recipeOf(work, row));
        return {
          value: row,
          did: `${row.id}${finalists.length === 0 ? "" : `, the best of ${finalists.length}`}, which ${
            shownError(work, error)
          }: ${text}`,
          flops,
        };
      }),
    );
  });
