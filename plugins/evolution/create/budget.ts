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

/**
 * Passes of the training of the chosen one: as many as are left for, but never fewer than `least`, with which it was
 * chosen.
 */
export const epochsLeft = (
  { kind, value }: CreateBudget,
  used: Used,
  flopsPerEpoch: number,
  { train, least, workers }: { readonly train: number; readonly least: number; readonly workers: number },
): number => {
  // With time as the budget, the speed is what this run has seen so far; one trains where several searched.
  const speed = used.flops / Math.max(1, used.wallMs * workers);
  const left = kind === "flops" ? value - used.flops : (value - used.wallMs) * speed;
  return Math.max(least, Math.min(epochsOf(TRAINING, train), Math.floor(left / flopsPerEpoch)));
};
