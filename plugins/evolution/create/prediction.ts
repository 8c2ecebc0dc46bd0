/**
 * Prediction: how many operations trying candidates takes, before any of them is tried; and what a run can use at most.
 *
 * Invariant: it depends on the request, the data's shape and the grammar alone, so whatever is decided by it is decided
 * alike on every machine.
 *
 * @module
 */
import type { Candidate } from "../contract.ts";
import {
  aboutFlops,
  epochsOf,
  FEW_GENERATIONS,
  type Fidelity,
  FINAL,
  FINALISTS,
  MOST_GENERATIONS,
  scaled,
  SHARES,
  TRAINING,
  TRIAL,
} from "./budget.ts";
import type { Recipe } from "./recipe.ts";
import { judgedOf, type Work } from "./work.ts";

type Predicted = Pick<Work, "space" | "search" | "learned">;

const sum = (values: ReadonlyArray<number>): number => values.reduce((all, value) => all + value, 0);

/** About how many operations trying candidates takes. */
export const predictedFlops = (
  work: Pick<Work, "space" | "learned">,
  asked: ReadonlyArray<Candidate<Recipe>>,
  fidelity: Fidelity,
): number => {
  const train = work.learned.dataset.splits.train.length;
  const epochs = epochsOf(fidelity, train);
  return sum(
    asked.map(({ genome }) => aboutFlops(judgedOf(work, genome).flops, Math.min(train, fidelity.samples), epochs)),
  );
};

/** Which part of the usual fidelity a budget has room for, so that a few generations fit into the search's share. */
export const partOfFidelity = (work: Predicted, flops: number): number => {
  const each = predictedFlops(work, work.search.ask(work.search.start), TRIAL);
  return (flops * SHARES.search) / Math.max(1, each * FEW_GENERATIONS);
};

/** About how much a run uses at most, however large its budget: operations, and candidates that are tried. */
export const mostUsed = (work: Predicted, budget: number): { readonly flops: number; readonly candidates: number } => {
  const first = work.search.ask(work.search.start);
  const part = partOfFidelity(work, budget);
  const each = predictedFlops(work, first, scaled(TRIAL, part));
  const generations = Math.max(1, Math.min(MOST_GENERATIONS, Math.floor((budget * SHARES.search) / Math.max(1, each))));
  // What wins is seldom among the cheap ones.
  const dearest = (fidelity: Fidelity): number =>
    Math.max(...first.map((candidate) => predictedFlops(work, [candidate], fidelity)));
  const all = each * generations + FINALISTS * dearest(scaled(FINAL, part)) + dearest(TRAINING);
  return { flops: Math.min(budget, Math.round(all)), candidates: first.length * generations + FINALISTS };
};
