/**
 * Operations on registered models, which are measured before they serve, and applying what was approved.
 *
 * Programs, modules and settings: operations_subjects.ts.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { Digest, operation } from "../../kernel/mod.ts";
import { References } from "../../registry/artifact.ts";
import { DataSource } from "../neural/library.ts";
import { GATED_FAILURES } from "./operations_failures.ts";
import { MODEL_METRIC_NAMES, type ModelMetric } from "./self/assess.ts";
import { Champion, ModelRow, ModelsName } from "./self/model_document.ts";

/** What is declared of all of them. */
export const declare = {
  failures: GATED_FAILURES,
  idempotent: true,
  reversible: true,
  stability: "unstable" as const,
};

const measuring = { compute: "judging each model twice", reserve: { fuel: 1_000_000_000_000, wallMs: 600_000 } };

const Split = Schema.optionalKey(
  Schema.Literals(["train", "validation", "test"]).annotate({ description: "part of the data; test where absent" }),
);
const Metric = Schema.optionalKey(
  Schema.Literals(MODEL_METRIC_NAMES as readonly [ModelMetric, ...ModelMetric[]]).annotate({
    description: "accuracy of classes and r2 of numbers where absent",
  }),
);
const ModelGiven = Schema.String.annotate({ description: "digest or name of a stored model" });
const Name = ModelsName.annotate({
  description: "what the models are for, such as digits: their domain is models.<name>",
});
const Values = Schema.Record(Schema.String, Schema.Finite);

const Assessed = Schema.Struct({
  ok: Schema.Boolean,
  reasons: Schema.Array(Schema.String).annotate({ description: "codes of what does not pass" }),
  metric: Schema.String,
  direction: Schema.Literals(["up", "down"]),
  value: Schema.optionalKey(Schema.Finite),
  against: Schema.optionalKey(Schema.Finite.annotate({ description: "of the model in place" })),
  trivial: Schema.Struct({ metric: Schema.String, value: Schema.Finite }).annotate({
    description: "what one answer to everything reaches",
  }),
  samples: Schema.Int,
  scores: Values,
});

const Evidence = Schema.Struct({
  source: Schema.String,
  result: Schema.String,
  digest: Digest,
  summary: Schema.String,
  metric: Schema.optionalKey(Schema.String),
  value: Schema.optionalKey(Schema.Finite),
  by: Schema.String,
  counts: Schema.String,
});

/** Where a change got to. */
export const admitted = {
  proposal: Digest,
  domain: Schema.String,
  state: Schema.String.annotate({ description: "applied, ready for an approval, or held" }),
  reasons: Schema.Array(Schema.String).annotate({ description: "codes of the checks that do not pass" }),
  by: Schema.optionalKey(Schema.String.annotate({ description: "who approved it: policy:<rule>, a person, a key" })),
  before: Digest,
  after: Digest,
  evidence: Schema.Array(Evidence),
};

const TRAINED = {
  operation: "neural.train",
  input: { program: "mlp(2)", data: "moons", epochs: 2, name: "moons" },
};
const REGISTERED = {
  operation: "evolution.registerModel",
  input: { name: "moons", model: "moons", data: "moons" },
};

/** Measures a model. */
export const Assess = operation("evolution.assess", {
  ...declare,
  summary: "Measure whether a model reaches what is said of it, is no worse than another, and beats a constant answer.",
  input: {
    model: ModelGiven,
    data: DataSource,
    split: Split,
    metric: Metric,
    bound: Schema.optionalKey(Schema.Finite.annotate({ description: "what it is said to reach" })),
    against: Schema.optionalKey(Schema.String.annotate({ description: "digest or name of the model in place" })),
  },
  output: Assessed,
  effects: ["readLocal"],
  cost: measuring,
  examples: [{
    given: [TRAINED],
    input: { model: "moons", data: "moons", bound: 0.5 },
    output: { ok: true, metric: "accuracy", samples: 100, trivial: { metric: "accuracy", value: 0.5 } },
  }],
});

/** Registers a model. */
export const RegisterModel = operation("evolution.registerModel", {
  ...declare,
  summary:
    "Register a model under a name: measured on held-out data, proposed with that evidence, applied if approved.",
  input: {
    name: Name,
    model: ModelGiven,
    data: DataSource,
    split: Split,
    metric: Metric,
    references: Schema.optionalKey(
      References.annotate({ description: "stored things that tell how it came about, kept with the evidence" }),
    ),
  },
  output: Schema.Struct({
    ...admitted,
    row: Schema.String.annotate({ description: "its id in the document" }),
    version: Schema.Int,
    assessed: Assessed,
    assessment: Digest,
  }),
  effects: ["readLocal", "writeLocal"],
  cost: measuring,
  examples: [{
    given: [TRAINED],
    input: REGISTERED.input,
    output: { domain: "models.moons", state: "applied", by: "policy:default.models", version: 1 },
  }],
});

/** Lets a model serve. */
export const PromoteModel = operation("evolution.promoteModel", {
  ...declare,
  summary:
    "Let a registered model serve, if measured again it is no worse than the one in place; proposals.rollback undoes it.",
  input: { name: Name, model: Schema.String.annotate({ description: "digest, name, or id of its row" }) },
  output: Schema.Struct({ ...admitted, row: Schema.String }),
  effects: ["readLocal", "writeLocal"],
  cost: measuring,
  examples: [
    {
      given: [TRAINED, REGISTERED],
      input: { name: "moons", model: "moons" },
      output: { domain: "models.moons", state: "applied", by: "policy:default.models" },
    },
    {
      title: "not before it is registered",
      given: [TRAINED],
      input: { name: "moons", model: "moons" },
      failure: "EVOLUTION_CHANGE",
    },
  ],
});

/** Shows the models of a name. */
export const Models = operation("evolution.models", {
  ...declare,
  summary: "Show the registered models of a name, and which of them serves.",
  input: { name: Name },
  output: Schema.Struct({
    digest: Digest,
    champion: Schema.optionalKey(Champion),
    rows: Schema.Record(Schema.String, ModelRow),
  }),
  effects: ["readLocal"],
  cost: { compute: "linear in events since the last snapshot" },
  examples: [
    { input: { name: "digits" }, output: { rows: {} } },
    { given: [TRAINED, REGISTERED], input: { name: "moons" }, output: { rows: {} } },
  ],
});

/** Applies an approved change. */
export const Apply = operation("evolution.apply", {
  ...declare,
  summary: "Apply an approved change of a model, a program or settings, once, if every check passes now.",
  input: { proposal: Digest },
  output: Schema.Struct(admitted),
  effects: ["readLocal", "writeLocal"],
  cost: { compute: "linear in events since the last snapshot" },
  examples: [{
    title: "no such proposal",
    input: { proposal: "sha256:0000000000000000000000000000000000000000000000000000000000000000" },
    failure: "KERNEL_UNKNOWN_ENTRY",
  }],
});

/** The operations on what is registered. */
export const selfOperations = [Assess, RegisterModel, PromoteModel, Models, Apply] as const;
