/**
 * Train: a language model from texts.
 *
 * Not the loop (../fit.ts). Invariant: the same texts, shape, settings and seed give the same model, bit for bit.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type { BackendsFailure } from "../../backends/library.ts";
import type { FitEvent, Scores } from "../events.ts";
import { attempting, type BuildingFailure } from "../attempting.ts";
import { type FitPlan, train } from "../fit.ts";
import type { Engine } from "../stepper.ts";
import type { ContextTable } from "./contexts.ts";
import type { LanguageModel } from "./model.ts";
import { alphabetOf, languageNetwork, type LanguageShape } from "./shape.ts";
import { textFeed } from "./text_feed.ts";

/** Texts to learn from. */
export interface Texts {
  /** Their name. */
  readonly name: string;
  /** The texts: contexts begin anew with each. */
  readonly texts: ReadonlyArray<Uint8Array>;
}

/** How a model learns. */
export interface LanguageTraining {
  /** Windows of a batch; 8 where absent. */
  readonly batch?: number;
  /** Bytes of a window; 256 where absent. */
  readonly length?: number;
  /** Passes over the texts; 1 where absent. */
  readonly epochs?: number;
  /** Rate of everything but the tables; 0.004 where absent. */
  readonly rate?: number;
  /** Rate of the tables in multiples of the others'; 10 where absent. */
  readonly tablesRate?: number;
  /** Where first values, orders and draws start; 1 where absent. */
  readonly seed?: number;
}

/** Share of the run in which the rate rises. */
const WARM_UP = 0.02;

/** Everything that a training of a language model needs besides its events. */
export const planLanguage = (shape: LanguageShape, { texts }: Texts, training: LanguageTraining): FitPlan => {
  const { batch = 8, length = 256, epochs = 1, rate = 0.004, tablesRate = 10, seed = 1 } = training;
  return {
    network: languageNetwork(shape, length),
    loss: { kind: "crossEntropy" },
    optimiser: { kind: "adam", settings: { beta2: 0.99 } },
    groups: [{ match: "contexts/*", rate: tablesRate }],
    feed: textFeed(shape, texts, { batch, length, seed }),
    epochs,
    seed,
    rate,
    schedule: { kind: "warmup", settings: { share: WARM_UP } },
  };
};

/** Trains a language model, telling events on the way. */
export const trainLanguage = (
  engine: Engine,
  shape: LanguageShape,
  texts: Texts,
  training: LanguageTraining = {},
  emit: (event: FitEvent) => Effect.Effect<void> = () => Effect.void,
): Effect.Effect<LanguageModel, BackendsFailure | BuildingFailure> =>
  Effect.gen(function* () {
    const plan = yield* attempting(() => planLanguage(shape, texts, training));
    const { values, flops, checkpoint: { progress } } = yield* train(engine, plan, emit);
    const last = progress.history.at(-1);
    const metrics: Scores = last === undefined ? {} : { trainingBits: last.loss / Math.LN2 };
    return {
      shape,
      values,
      metrics,
      lineage: { data: texts.name, seed: plan.seed, steps: progress.step, flops },
    };
  });

const bytes = (span: number, rows: number, width: number): ContextTable => ({ of: "bytes", span, rows, width });
const words = (span: number, rows: number, width: number): ContextTable => ({ of: "words", span, rows, width });

/** A model of about a million parameters for some texts. */
export const largeShape = (texts: ReadonlyArray<Uint8Array>): LanguageShape => ({
  alphabet: alphabetOf(texts),
  contexts: [
    bytes(1, 256, 8),
    bytes(2, 1024, 16),
    bytes(3, 8192, 8),
    bytes(4, 24_576, 8),
    bytes(5, 24_576, 8),
    bytes(6, 32_768, 8),
    words(0, 16_384, 8),
    words(1, 24_576, 8),
  ],
  heads: 4,
  width: 64,
  window: 256,
  hidden: 512,
  drop: 0.1,
});

/** A model of at most 50,000 parameters for some texts. */
export const smallShape = (texts: ReadonlyArray<Uint8Array>): LanguageShape => ({
  alphabet: alphabetOf(texts),
  contexts: [
    bytes(1, 256, 8),
    bytes(2, 512, 8),
    bytes(3, 1024, 8),
    bytes(4, 1024, 8),
    words(0, 1024, 8),
  ],
  heads: 2,
  width: 16,
  window: 64,
  hidden: 80,
  drop: 0.2,
});

/** A usual model, and how it learns. */
export interface LanguageSize {
  /** What it is. */
  readonly doc: string;
  /** Its shape for some texts. */
  readonly shape: (texts: ReadonlyArray<Uint8Array>) => LanguageShape;
  /** How it learns where nothing else is said. */
  readonly training: LanguageTraining;
}

/** Usual models by name. */
export const LANGUAGE_SIZES: { readonly [size in "small" | "large"]: LanguageSize } = {
  small: {
    doc: "at most 50,000 parameters, for texts of some ten kilobytes",
    shape: smallShape,
    training: { batch: 2, length: 64, epochs: 5 },
  },
  large: {
    doc: "about a million parameters, for texts of some megabytes",
    shape: largeShape,
    training: { batch: 8, length: 256, epochs: 3 },
  },
};
