/**
 * The operation of search over settings: hyper-parameters of a program and of its training.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { Digest } from "../../kernel/digest.ts";
import { JsonValue } from "../../kernel/failure.ts";
import { operation } from "../../kernel/operation.ts";
import { ArtifactName } from "../../registry/artifact.ts";
import { DataSource } from "../neural/library.ts";
import { KEPT_FAILURES, TRAINED_FAILURES } from "./operations_failures.ts";
import { MAX_WORKERS } from "./operations_runs.ts";
import { TRAINING_NAMES } from "./search/candidate.ts";
import { METHOD_DOCS, METHOD_NAMES, USUAL_TRIALS } from "./search/methods.ts";
import { MAX_DIMENSIONS } from "./search/space.ts";
import { USUAL_AT_ONCE, USUAL_EPOCHS } from "./search/tuning.ts";
import { END_REASONS } from "./state/durable.ts";

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0));
const Positive = Schema.Finite.check(Schema.isGreaterThan(0));
const Values = Schema.Record(Schema.String, Schema.Finite);
const Value = Schema.Union([Schema.Finite, Schema.Boolean, Schema.String]);
const SettingJson = Schema.Record(Schema.String, Value);

const when = Schema.optionalKey(
  Schema.Struct({ name: Schema.String, in: Schema.Array(Value) }).annotate({
    description: "there only where an earlier choice has one of these values",
  }),
);

const range = { name: Schema.String, low: Schema.Finite, high: Schema.Finite, log: Schema.optionalKey(Schema.Boolean) };

const DimensionGiven = Schema.Union([
  Schema.Struct({ kind: Schema.Literal("float"), ...range, when }),
  Schema.Struct({ kind: Schema.Literal("int"), ...range, when }),
  Schema.Struct({ kind: Schema.Literal("choice"), name: Schema.String, options: Schema.Array(Value), when }),
]);

const Method = Schema.Literals(METHOD_NAMES);

const MethodGiven = Schema.Union([
  Method,
  Schema.Struct({
    kind: Method,
    settings: Schema.optionalKey(
      Schema.Struct({
        levels: Schema.optionalKey(Schema.Int),
        initial: Schema.optionalKey(Schema.Int),
        count: Schema.optionalKey(Schema.Int),
        factor: Schema.optionalKey(Schema.Finite),
        parts: Schema.optionalKey(Schema.Int),
      }),
    ),
  }),
]);

/** What a search over settings may be refused for. */
const TUNE_FAILURES = [...KEPT_FAILURES, ...TRAINED_FAILURES] as const;

/** Tunes. */
export const Tune = operation("evolution.tune", {
  summary: "Search for the best settings of a program and its training on data; keep the run so that it can go on.",
  input: {
    program: Schema.String.annotate({
      description: "program or pattern; ?name stands where a setting of that name goes, such as linear(?width)",
    }),
    data: DataSource,
    space: Schema.optionalKey(
      Schema.Array(DimensionGiven).check(Schema.isMaxLength(MAX_DIMENSIONS)).annotate({
        description: `what may be set: places of the program, settings of the optimiser, ${
          TRAINING_NAMES.map(([name, doc]) => `${name} (${doc})`).join(", ")
        }; rate, batch and optimizer where absent, and every place`,
      }),
    ),
    method: Schema.optionalKey(
      MethodGiven.annotate({ description: `${METHOD_DOCS.join("; ")}; bayesian where absent` }),
    ),
    measure: Schema.optionalKey(
      Schema.String.annotate({
        description:
          "score of the validation part that decides: loss, accuracy, macroF1, mse, mae, r2 …; loss where absent",
      }),
    ),
    epochs: Schema.optionalKey(
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100_000 })).annotate({
        description: `of a whole training; ${USUAL_EPOCHS} where absent`,
      }),
    ),
    budget: Schema.optionalKey(
      Schema.Struct({
        trials: Schema.optionalKey(
          Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100_000 })).annotate({
            description: `${USUAL_TRIALS} where absent; a grid is gone through, a halving and hyperband once`,
          }),
        ),
        flops: Schema.optionalKey(Positive.annotate({ description: "operations after which no trial begins" })),
        wallMs: Schema.optionalKey(
          Positive.annotate({ description: "milliseconds after which none begins; such a run is not reproducible" }),
        ),
      }),
    ),
    seed: Schema.optionalKey(Schema.Int.annotate({ description: "0 where absent; the same seed, the same trials" })),
    atOnce: Schema.optionalKey(
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 256 })).annotate({
        description: `settings asked before any of them is told; ${USUAL_AT_ONCE} where absent`,
      }),
    ),
    numerics: Schema.optionalKey(Schema.Literals(["fast", "strict"])),
    warm: Schema.optionalKey(
      Schema.Boolean.annotate({
        description:
          "begin with settings that earlier runs over the same space found on tasks like this; false where absent",
      }),
    ),
    workers: Schema.optionalKey(
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: MAX_WORKERS })).annotate({
        description: "trials do not depend on it",
      }),
    ),
    name: Schema.optionalKey(
      ArtifactName.annotate({
        description: "name of the run, which the same call goes on with; by its settings where absent",
      }),
    ),
  },
  output: Schema.Struct({
    run: Schema.String.annotate({ description: "name of the run: for status and lineage" }),
    state: Digest,
    method: Method,
    trials: Count,
    failures: Count,
    reason: Schema.Literals(END_REASONS),
    resumed: Schema.Boolean,
    reproducible: Schema.Boolean,
    flops: Schema.Finite.annotate({ description: "operations of all trials, by count" }),
    warm: Count.annotate({ description: "settings that were known of earlier runs when it began" }),
    best: Schema.Struct({
      id: Schema.String,
      setting: SettingJson,
      program: Schema.String,
      share: Schema.Finite.annotate({ description: "of a whole training: 1 unless nothing came so far" }),
      value: Schema.Finite.annotate({ description: "of the measure" }),
      validation: Values,
      test: Schema.optionalKey(
        Values.annotate({ description: "of the part that was held back, judged once after the search" }),
      ),
      parameters: Schema.optionalKey(Count),
    }),
    train: JsonValue.annotate({ description: "input of neural.train that makes this model" }),
  }),
  event: Schema.Struct({
    trial: Count,
    id: Schema.String,
    setting: SettingJson,
    share: Schema.Finite,
    scores: Schema.optionalKey(Values),
    failed: Schema.optionalKey(Schema.String),
    best: Schema.optionalKey(Schema.Finite.annotate({ description: "value of the measure so far" })),
  }),
  failures: TUNE_FAILURES,
  effects: ["readLocal", "writeLocal"],
  kinds: ["evolve"],
  cost: {
    compute: "a training for each trial, taken from the fuel as it goes",
    reserve: { fuel: 100_000_000_000_000, wallMs: 3_600_000, bytes: 1_073_741_824 },
  },
  idempotent: true,
  reversible: true,
  stability: "unstable",
  examples: [
    {
      title: "width, rate and batch of a small network on two half moons",
      input: {
        program: "linear(?width) >> relu >> linear(2)",
        data: "moons",
        epochs: 2,
        budget: { trials: 6 },
        name: "moons-tuned",
      },
      output: { run: "moons-tuned", method: "bayesian", trials: 6, failures: 0, reason: "evaluations", resumed: false },
    },
    {
      title: "by Hyperband, over what is said",
      input: {
        program: "linear(16) >> relu >> linear(2)",
        data: "moons",
        space: [
          { kind: "choice", name: "optimizer", options: ["adam", "sgd"] },
          { kind: "float", name: "rate", low: 0.001, high: 0.5, log: true },
          { kind: "float", name: "momentum", low: 0, high: 0.95, when: { name: "optimizer", in: ["sgd"] } },
        ],
        method: { kind: "hyperband", settings: { parts: 9 } },
        measure: "accuracy",
        epochs: 3,
      },
      output: { method: "hyperband", failures: 0 },
    },
    {
      title: "a setting that nothing reads",
      input: {
        program: "linear(8) >> linear(2)",
        data: "moons",
        space: [{ kind: "int", name: "width", low: 4, high: 64 }],
      },
      failure: "EVOLUTION_SETTING",
    },
  ],
});

/** The operations of search over settings. */
export const searchOperations = [Tune] as const;
