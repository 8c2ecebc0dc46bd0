/**
 * Events: what a training says while it goes on.
 *
 * Not the tensors, which stay on the device. Invariant: events are plain JSON, and a run that stops and resumes says what
 * the run without the stop would have said.
 *
 * @module
 */
import * as Schema from "effect/Schema";

/** Values by name. */
export type Scores = { readonly [name: string]: number };

/** Why a training stopped before its last epoch. */
export type StopCause =
  | { readonly kind: "budget"; readonly axis: "steps" | "wallMs" | "flops" | "joules"; readonly limit: number }
  | { readonly kind: "notFinite"; readonly tensor: string; readonly step: number }
  | { readonly kind: "early"; readonly waited: number; readonly best: number };

/** What a training says. */
export type FitEvent =
  /** It begins, or goes on from a checkpoint. */
  | {
    readonly type: "start";
    readonly step: number;
    readonly steps: number;
    readonly epochs: number;
    readonly parameters: number;
    readonly flopsPerStep: number;
    readonly resumed: boolean;
  }
  /** A step was taken. */
  | {
    readonly type: "step";
    readonly step: number;
    readonly epoch: number;
    readonly loss: number;
    readonly norm: number;
    readonly rate: number;
  }
  /** A step of mixed precision overflowed and changed nothing but the factor of the loss. */
  | { readonly type: "skipped"; readonly step: number; readonly epoch: number }
  /** An epoch ended. */
  | {
    readonly type: "epoch";
    readonly epoch: number;
    readonly step: number;
    readonly loss: number;
    readonly rate: number;
    readonly measures: Scores;
  }
  /** The validation part was judged. */
  | {
    readonly type: "metric";
    readonly epoch: number;
    readonly step: number;
    readonly scores: Scores;
    readonly best: boolean;
  }
  /** Everything was saved. */
  | { readonly type: "checkpoint"; readonly step: number }
  /** It stops before its last epoch. */
  | { readonly type: "stopped"; readonly step: number; readonly cause: StopCause }
  /** It ended. */
  | {
    readonly type: "end";
    readonly step: number;
    readonly epochs: number;
    readonly flops: number;
    readonly wallMs: number;
    readonly joules: number;
  };

/** Numbers that JSON has no form for are text. */
const Numeric = Schema.Union([Schema.Finite, Schema.Literals(["nan", "inf", "-inf"])]);

const ScoresJson = Schema.Record(Schema.String, Schema.Finite);

/** The JSON form of events. */
export const FitEventJson: Schema.Codec<FitEventJson> = Schema.Union([
  Schema.Struct({
    type: Schema.Literal("start"),
    step: Schema.Int,
    steps: Schema.Int,
    epochs: Schema.Int,
    parameters: Schema.Int,
    flopsPerStep: Schema.Finite,
    resumed: Schema.Boolean,
  }),
  Schema.Struct({
    type: Schema.Literal("step"),
    step: Schema.Int,
    epoch: Schema.Int,
    loss: Numeric,
    norm: Numeric,
    rate: Schema.Finite,
  }),
  Schema.Struct({ type: Schema.Literal("skipped"), step: Schema.Int, epoch: Schema.Int }),
  Schema.Struct({
    type: Schema.Literal("epoch"),
    epoch: Schema.Int,
    step: Schema.Int,
    loss: Schema.Finite,
    rate: Schema.Finite,
    measures: ScoresJson,
  }),
  Schema.Struct({
    type: Schema.Literal("metric"),
    epoch: Schema.Int,
    step: Schema.Int,
    scores: ScoresJson,
    best: Schema.Boolean,
  }),
  Schema.Struct({ type: Schema.Literal("checkpoint"), step: Schema.Int }),
  Schema.Struct({
    type: Schema.Literal("stopped"),
    step: Schema.Int,
    cause: Schema.Union([
      Schema.Struct({
        kind: Schema.Literal("budget"),
        axis: Schema.Literals(["steps", "wallMs", "flops", "joules"]),
        limit: Schema.Finite,
      }),
      Schema.Struct({ kind: Schema.Literal("notFinite"), tensor: Schema.String, step: Schema.Int }),
      Schema.Struct({ kind: Schema.Literal("early"), waited: Schema.Int, best: Schema.Finite }),
    ]),
  }),
  Schema.Struct({
    type: Schema.Literal("end"),
    step: Schema.Int,
    epochs: Schema.Int,
    flops: Schema.Finite,
    wallMs: Schema.Finite,
    joules: Schema.Finite,
  }),
]) as unknown as Schema.Codec<FitEventJson>;

/** An event whose numbers are all JSON. */
export type FitEventJson = Exclude<FitEvent, { readonly type: "step" }> | {
  readonly type: "step";
  readonly step: number;
  readonly epoch: number;
  readonly loss: number | "nan" | "inf" | "-inf";
  readonly norm: number | "nan" | "inf" | "-inf";
  readonly rate: number;
};

const numeric = (value: number): number | "nan" | "inf" | "-inf" =>
  Number.isFinite(value) ? value : Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";

/** An event as JSON. */
export const eventJson = (event: FitEvent): FitEventJson =>
  event.type === "step" ? { ...event, loss: numeric(event.loss), norm: numeric(event.norm) } : event;
