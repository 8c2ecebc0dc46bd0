/**
 * Assess: whether a model is what it is said to be: measured here, on the data that it is said to be judged by, beside
 * the one in place and beside knowing nothing.
 *
 * Not a claim by whoever made the model: the scores are computed from its answers by `neural.evaluate`.
 * Invariant: a value that is not finite, no samples, or a model no better than a constant answer never passes.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { CallContext } from "../../../kernel/context.ts";
import type { KernelFailure } from "../../../kernel/failure.ts";
import type { Json, JsonObject } from "../../../kernel/json.ts";

/** Where better lies. */
export type Direction = "up" | "down";

/** Measures by which models are compared, and where better lies. */
export const MODEL_METRICS = {
  accuracy: "up",
  macroF1: "up",
  loss: "down",
  mse: "down",
  mae: "down",
  r2: "up",
} as const satisfies { readonly [metric: string]: Direction };

/** The name of such a measure. */
export type ModelMetric = keyof typeof MODEL_METRICS;

/** Their names. */
export const MODEL_METRIC_NAMES: ReadonlyArray<ModelMetric> = Object.keys(MODEL_METRICS) as ReadonlyArray<ModelMetric>;

/** By how much a value may be off when it is measured again: the arithmetic of one machine, summed in another order. */
export const TOLERANCE = 1e-6;

/** What is asked. */
export interface Assessment {
  /** The model: digest or name. */
  readonly model: string;
  /** The data, as a source. */
  readonly data: Json;
  /** Which part of them; test where absent. */
  readonly split?: string | undefined;
  /** By what; accuracy of classes and r2 of numbers where absent. */
  readonly metric?: ModelMetric | undefined;
  /** What it is said to reach. */
  readonly bound?: number | undefined;
  /** The model in place. */
  readonly against?: string | undefined;
}

/** What was found. */
export interface Assessed {
  /** Whether it passes. */
  readonly ok: boolean;
  /** Codes of what does not. */
  readonly reasons: ReadonlyArray<string>;
  /** The measure. */
  readonly metric: ModelMetric;
  /** Where better lies. */
  readonly direction: Direction;
  /** Its value; absent where it is not finite. */
  readonly value?: number;
  /** The value of the model in place, on the same samples. */
  readonly against?: number;
  /** What answering the same to everything reaches, and by which measure that was compared. */
  readonly trivial: { readonly metric: "accuracy" | "r2"; readonly value: number };
  /** How many samples there were. */
  readonly samples: number;
  /** Everything that was measured. */
  readonly scores: { readonly [name: string]: number };
}

interface Evaluated {
  readonly samples: number;
  readonly scores: { readonly [name: string]: number };
  readonly confusion?: ReadonlyArray<ReadonlyArray<number>>;
}

/** What always giving the most frequent class, or the mean, reaches. */
const trivialOf = ({ confusion }: Evaluated): Assessed["trivial"] => {
  if (confusion === undefined) return { metric: "r2", value: 0 };
  const counts = confusion.map((row) => row.reduce((sum, count) => sum + count, 0));
  const all = counts.reduce((sum, count) => sum + count, 0);
  return { metric: "accuracy", value: all === 0 ? 1 : Math.max(...counts) / all };
};

/** Whether a value is no worse than another. */
const reaches = (direction: Direction, value: number, bound: number): boolean =>
  direction === "up" ? value >= bound - TOLERANCE : value <= bound + TOLERANCE;

/** Judges what was measured. */
export const judgeAssessment = (
  asked: Pick<Assessment, "metric" | "bound">,
  found: Evaluated,
  inPlace?: Evaluated,
): Assessed => {
  const metric = asked.metric ?? (found.scores.accuracy === undefined ? "r2" : "accuracy");
  const direction = MODEL_METRICS[metric];
  const value = found.scores[metric];
  const against = inPlace?.scores[metric];
  const trivial = trivialOf(found);
  const known = found.scores[trivial.metric];
  const finite = value !== undefined && Number.isFinite(value);
  const faults: ReadonlyArray<readonly [code: string, holds: boolean]> = [
    ["NO_SAMPLES", found.samples < 1],
    ["NOT_FINITE", !finite],
    ["NOT_BETTER_THAN_TRIVIAL", !(known !== undefined && known > trivial.value)],
    ["BELOW_BOUND", finite && asked.bound !== undefined && !reaches(direction, value, asked.bound)],
    // A model in place that has no such value is no reason to keep it.
    ["WORSE_THAN_IN_PLACE", finite && against !== undefined && !reaches(direction, value, against)],
  ];
  const reasons = faults.filter(([, holds]) => holds).map(([code]) => code);
  return {
    ok: reasons.length === 0,
    reasons,
    metric,
    direction,
    ...(finite ? { value } : {}),
    ...(against === undefined ? {} : { against }),
    trivial,
    samples: found.samples,
    scores: found.scores,
  };
};

/** Measures a model, and the one in place, with the same samples. */
export const assess = (asked: Assessment): Effect.Effect<Assessed, KernelFailure, CallContext> =>
  Effect.gen(function* () {
    const { invoke } = yield* CallContext;
    const measured = (digest: string) =>
      Effect.map(
        invoke(
          "neural.evaluate",
          {
            digest,
            data: asked.data,
            ...(asked.split === undefined ? {} : { split: asked.split }),
          } satisfies JsonObject,
        ),
        (answer) => answer as unknown as Evaluated,
      );
    const found = yield* measured(asked.model);
    return judgeAssessment(asked, found, asked.against === undefined ? undefined : yield* measured(asked.against));
  });
