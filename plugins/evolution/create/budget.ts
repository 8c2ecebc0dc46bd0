/**
 * Budget: how what a run may use is shared among search, finals and training, and what each of them will take.
 *
 * Not the account of the call, which all of it is taken from. Invariant: with operations as the budget, what is decided
 * here depends on counts alone, so the same seed gives the same run whatever the machine's speed.
 *
 * @module
 */
import type { CreateBudget } from "./request.ts";

/** Share that the search may use, and share that search and finals may use together; the rest is for the training. */
export const SHARES = { search: 0.45, finals: 0.65 } as const;

/** Candidates of a generation. */
export const POPULATION = 12;

/** Generations after which a search ends, whatever is left. */
export const MOST_GENERATIONS = 10;

/** Generations that a search has room for before its candidates are trained longer: with one, nothing evolves. */
export const FEW_GENERATIONS = 3;

/** Candidates that are trained longer before one is chosen. */
export const FINALISTS = 3;

/** How long something is trained: samples that it sees, and passes over the data. */
export interface Fidelity {
  /** Most samples to learn from. */
  readonly samples: number;
  /** Samples seen in all, repetitions counted. */
  readonly seen: number;
  /** Most passes. */
  readonly epochs: number;
}

/** A candidate of the search. */
export const TRIAL: Fidelity = { samples: 4_000, seen: 4_000, epochs: 40 };

/** A finalist. */
export const FINAL: Fidelity = { samples: 16_000, seen: 16_000, epochs: 80 };

/** The chosen one, at most. */
export const TRAINING: Fidelity = { samples: Infinity, seen: 100_000, epochs: 200 };

/** Fewest samples that a candidate sees, however small the budget. */
export const LEAST_SEEN = 512;

/** A fidelity for a budget that has room for a part of it only. */
export const scaled = (fidelity: Fidelity, part: number): Fidelity => {
  const seen = Math.max(LEAST_SEEN, Math.floor(fidelity.seen * Math.min(1, part)));
  return { ...fidelity, seen, samples: Math.min(fidelity.samples, seen) };
};

/** Passes over data of so many samples. */
export const epochsOf = ({ samples, seen, epochs }: Fidelity, train: number): number =>
  Math.max(1, Math.min(epochs, Math.round(seen / Math.min(train, samples))));

/**
 * A training step is a pass forward, two passes back, and the optimiser: an estimate for what is not yet built as a
 * step, a little above most networks' count.
 */
const PASSES = 3.5;

/** About how many operations a training takes: of a network that takes so many for one answer. */
export const aboutFlops = (flops: number, samples: number, epochs: number): number =>
  Math.round(PASSES * flops * samples * epochs);

/** Operations of training with a sample in those of answering it, at most: 2.1 to 5.2 by measurement. */
export const MOST_PASSES = 6;

const LEAST_GENERATION = (POPULATION * LEAST_SEEN * MOST_PASSES) / SHARES.search;

/** Most operations of one answer with which a generation of such candidates still fits into the search's share. */
export const affordable = ({ kind, value }: CreateBudget): number =>
  kind === "flops" ? Math.floor(value / LEAST_GENERATION) : Infinity;

/** The least budget with which candidates may take so many operations for one answer. */
export const leastBudget = (flops: number): number => Math.ceil(flops * LEAST_GENERATION);

/** What was used. */
export interface Used {
  /** Operations. */
  readonly flops: number;
  /** Milliseconds. */
  readonly wallMs: number;
}

/** Whether a share of the budget has room for some more operations. */
export const hasRoom = ({ kind, value }: CreateBudget, share: number, used: Used, flops: number): boolean =>
  kind === "flops" ? used.flops + flops <= value * share : used.wallMs < value * share;

/** How long the chosen one is trained. */
export interface TrainingLeft {
  /** Samples that it learns from. */
  readonly samples: number;
  /** Passes over them. */
  readonly epochs: number;
}

/**
 * The training of the chosen one: as many passes over everything as are left for, else one pass over a part of it; but
 * never fewer samples seen than `least`, with which it was chosen.
 */
export const trainingLeft = (
  { kind, value }: CreateBudget,
  used: Used,
  flopsPerEpoch: number,
  { train, least, workers }: { readonly train: number; readonly least: number; readonly workers: number },
): TrainingLeft => {
  // With time as the budget, the speed is what this run has seen so far; one trains where several searched.
  const speed = used.flops / Math.max(1, used.wallMs * workers);
  const left = (kind === "flops" ? value - used.flops : (value - used.wallMs) * speed) / flopsPerEpoch;
  if (left < 1 && least < train) return { samples: Math.max(least, Math.floor(left * train)), epochs: 1 };
  return {
    samples: train,
    epochs: Math.max(1, Math.ceil(least / train), Math.min(epochsOf(TRAINING, train), Math.floor(left))),
  };
};
