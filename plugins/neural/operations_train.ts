/**
 * Operations that make models: train a program on data.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { BACKENDS, BACKENDS_FAILURES } from "../backends/library.ts";
import { IR_FAILURES } from "../ir/library.ts";
import { type GivenProgram, ProgramSource, rmilFailures } from "../rmil/library.ts";
import { Digest } from "../../kernel/digest.ts";
import { type Authorities, operation, role } from "../../kernel/operation.ts";
import { ArtifactName } from "../../registry/artifact.ts";
import { JOULES_PER_FLOP } from "./budget.ts";
import { Augmentation } from "./data/augment.ts";
import { DataSource } from "./data/source.ts";
import { FitEventJson } from "./events.ts";
import { NEURAL_FAILURES } from "./failures.ts";
import { LOSS_NAMES, REDUCTIONS } from "./losses.ts";
import { OPTIMISER_NAMES } from "./optimisers.ts";
import { SCHEDULE_NAMES } from "./schedules.ts";

/** Failures of everything that a network is made of and runs on. */
export const MODEL_FAILURES = [...NEURAL_FAILURES, ...rmilFailures, ...IR_FAILURES, ...BACKENDS_FAILURES] as const;

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1));
const Positive = Schema.Finite.check(Schema.isGreaterThan(0));
const Share = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }));

/** Which backend runs it. */
export const Runs = {
  backend: Schema.optionalKey(
    Schema.String.annotate({ description: `one of ${BACKENDS.map(({ id }) => id).join(", ")}; cpu where absent` }),
  ),
  threads: Schema.optionalKey(Count.annotate({ description: "results do not depend on it" })),
};

/** Kinds that a backend needs. */
export const kindsOfBackend = (backend: string | undefined): ReadonlyArray<"ffi"> =>
  BACKENDS.some((row) => row.id === backend && row.native) ? ["ffi"] : [];

const Settings = Schema.Record(Schema.String, Schema.Union([Schema.Finite, Schema.Boolean]));

const OptimizerGiven = Schema.Union([
  Schema.Literals(OPTIMISER_NAMES),
  Schema.Struct({ kind: Schema.Literals(OPTIMISER_NAMES), settings: Schema.optionalKey(Settings) }),
]);

const ScheduleGiven = Schema.Union([
  Schema.Literals(SCHEDULE_NAMES),
  Schema.Struct({
    kind: Schema.Literals(SCHEDULE_NAMES),
    settings: Schema.optionalKey(Schema.Record(Schema.String, Schema.Finite)),
  }),
]);

const LossGiven = Schema.Union([
  Schema.Literals(LOSS_NAMES),
  Schema.Struct({
    kind: Schema.Literals(LOSS_NAMES),
    settings: Schema.optionalKey(Schema.Struct({
      reduction: Schema.optionalKey(Schema.Literals(REDUCTIONS)),
      beta: Schema.optionalKey(Schema.Finite),
      delta: Schema.optionalKey(Schema.Finite),
      smoothing: Schema.optionalKey(Schema.Finite),
      weights: Schema.optionalKey(Schema.Array(Schema.Finite)),
      ignoreIndex: Schema.optionalKey(Schema.Int),
      logTarget: Schema.optionalKey(Schema.Boolean),
      gamma: Schema.optionalKey(Schema.Finite),
      margin: Schema.optionalKey(Schema.Finite),
    })),
  }),
]);

const BudgetGiven = Schema.Struct({
  steps: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))),
  wallMs: Schema.optionalKey(Positive),
  flops: Schema.optionalKey(Positive),
  joules: Schema.optionalKey(Positive.annotate({ description: "by estimate: operations times joulesPerFlop" })),
  joulesPerFlop: Schema.optionalKey(Positive.annotate({ description: `${JOULES_PER_FLOP} where absent` })),
});

/** Values by name. */
export const ScoresJson = Schema.Record(Schema.String, Schema.Finite);

/** An epoch in an answer. */
const EpochJson = Schema.Struct({
  epoch: Schema.Int,
  step: Schema.Int,
  loss: Schema.Finite,
  rate: Schema.Finite,
  measures: ScoresJson,
  scores: Schema.optionalKey(ScoresJson),
});

const input = {
  program: Schema.optionalKey(ProgramSource).annotate({
    description: "program, or pattern such as mlp(3); sizes that it leaves open are fitted to the data",
  }),
  digest: Schema.optionalKey(
    Schema.String.annotate({ description: "digest or name of a stored model that is trained on instead of a program" }),
  ),
  data: DataSource,
  loss: Schema.optionalKey(LossGiven.annotate({
    description: "crossEntropy for classes and tokens, mse for numbers, where absent",
  })),
  optimizer: Schema.optionalKey(OptimizerGiven.annotate({ description: "adam where absent" })),
  rate: Schema.optionalKey(Positive.annotate({ description: "learning rate; 0.004 for adam, else the usual one" })),
  schedule: Schema.optionalKey(ScheduleGiven.annotate({ description: "oneCycle where absent" })),
  epochs: Schema.optionalKey(
    Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100_000 })).annotate({ description: "5 where absent" }),
  ),
  batch: Schema.optionalKey(Count.annotate({ description: "samples of a step; 32 where absent" })),
  seed: Schema.optionalKey(Schema.Int.annotate({ description: "0 where absent; the same seed gives the same model" })),
  augment: Schema.optionalKey(
    Schema.Array(Augmentation).annotate({ description: "images are shifted by a pixel where absent; [] for none" }),
  ),
  groups: Schema.optionalKey(Schema.Array(Schema.Struct({
    match: Schema.String.annotate({ description: "path of parameters; * within a part, ** over parts" }),
    rate: Schema.optionalKey(Schema.Finite),
    decay: Schema.optionalKey(Schema.Finite),
    trained: Schema.optionalKey(Schema.Boolean),
  }))),
  clip: Schema.optionalKey(
    Schema.Struct({ norm: Schema.optionalKey(Positive), value: Schema.optionalKey(Positive) }),
  ),
  average: Schema.optionalKey(Share.annotate({ description: "share that a running average of the weights keeps" })),
  accumulate: Schema.optionalKey(Count.annotate({ description: "parts a batch is cut into; must divide it" })),
  precision: Schema.optionalKey(
    Schema.Literals(["f16", "bf16"]).annotate({ description: "floats of products; sums and weights stay f32" }),
  ),
  patience: Schema.optionalKey(
    Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)).annotate({
      description: "epochs without a better validation loss after which it ends",
    }),
  ),
  budget: Schema.optionalKey(BudgetGiven.annotate({ description: "what it may use" })),
  checkpoint: Schema.optionalKey(
    Schema.Struct({ name: ArtifactName, every: Count }).annotate({
      description: "save under a name every so many steps; the same call goes on from the newest",
    }),
  ),
  test: Schema.optionalKey(
    Schema.Boolean.annotate({ description: "judge the test part once, at the end; true where absent" }),
  ),
  name: Schema.optionalKey(ArtifactName.annotate({ description: "name of the model in the store" })),
  charts: Schema.optionalKey(role("writePath", "folder for charts of loss, scores and confusion, as SVG")),
  ...Runs,
};

/** What is declared of every operation that trains and keeps a model. */
export const TRAINS = {
  failures: MODEL_FAILURES,
  effects: ["readLocal", "writeLocal"],
  kinds: ["ffi"],
  refine: ({ backend }: { readonly backend?: string }): Authorities => ({
    effects: ["readLocal", "writeLocal"],
    kinds: kindsOfBackend(backend),
  }),
  idempotent: true,
  reversible: true,
  stability: "unstable",
} as const;

/** What is reserved for a training where the caller names no budget. */
export const TRAINING_RESERVE = { fuel: 100_000_000_000_000, wallMs: 3_600_000, bytes: 1_073_741_824 } as const;

/** Trains. */
export const Train = operation("neural.train", {
  summary: "Train a program on data; keep the model in the artifact store.",
  input,
  output: Schema.Struct({
    digest: Digest,
    names: Schema.Array(Schema.String),
    program: Schema.optionalKey(Schema.String.annotate({ description: "with every size that was chosen" })),
    parameters: Schema.Int,
    steps: Schema.Int,
    flops: Schema.Finite,
    joules: Schema.Finite.annotate({ description: "an estimate: operations times joules per operation" }),
    resumed: Schema.Boolean,
    stopped: Schema.optionalKey(Schema.Json.annotate({ description: "why it ended before its last epoch" })),
    metrics: Schema.Struct({
      validation: Schema.optionalKey(ScoresJson),
      test: Schema.optionalKey(ScoresJson),
      temperature: Schema.optionalKey(Schema.Finite),
    }),
    curves: Schema.Struct({
      loss: Schema.Array(Schema.Tuple([Schema.Int, Schema.Finite])).annotate({ description: "[step, mean loss]" }),
      epochs: Schema.Array(EpochJson),
    }),
    charts: Schema.optionalKey(Schema.Array(Schema.String)),
  }),
  event: FitEventJson,
  ...TRAINS,
  cost: {
    compute: "the step's operations times the number of steps, taken from the fuel before it starts",
    reserve: TRAINING_RESERVE,
  },
  examples: [
    {
      title: "a small network on two half moons",
      input: { program: "mlp(2)", data: "moons", epochs: 2, name: "moons" },
      output: {
        names: ["moons@1"],
        program: "linear(width: 32) >> relu >> linear(width: 2)",
        parameters: 162,
        steps: 50,
        resumed: false,
      },
    },
    {
      title: "what it gives does not fit what is to be learned",
      input: { program: "linear(16) >> relu >> linear(3)", data: "moons", epochs: 1 },
      failure: "NEURAL_PROGRAM",
    },
    {
      title: "a setting that does not exist",
      input: { program: "mlp(2)", data: "xor", optimizer: { kind: "adam", settings: { betta1: 0.5 } } },
      failure: "NEURAL_SETTING",
    },
  ],
});

/** What a program is given as. */
export type Given = GivenProgram;
