/**
 * The operation of the main job: from data to a verified, explained, reversible model.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { Digest } from "../../kernel/digest.ts";
import { operation, role } from "../../kernel/operation.ts";
import { ArtifactName } from "../../registry/artifact.ts";
import { DataSource } from "../neural/library.ts";
import { DEFAULT_FLOPS, DEFAULT_LIMITS, DEFAULT_SEED } from "./create/request.ts";
import { GATED_FAILURES, TRAINED_FAILURES } from "./operations_failures.ts";
import { MAX_WORKERS } from "./operations_runs.ts";

/** Workers at once where nothing is said. */
export const DEFAULT_WORKERS = 2;

const Positive = Schema.Finite.check(Schema.isGreaterThan(0));
const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1));
const Values = Schema.Record(Schema.String, Schema.Finite);

const CREATE_FAILURES = [...GATED_FAILURES, ...TRAINED_FAILURES] as const;

/** An event as a line for a person. */
const text = Schema.String;

/** What is told while it goes on. */
const CreateEventJson = Schema.Union([
  Schema.Struct({ type: Schema.Literal("begin"), step: Schema.String, does: Schema.String, text }),
  Schema.Struct({ type: Schema.Literal("end"), step: Schema.String, did: Schema.String, wallMs: Schema.Int, text }),
  Schema.Struct({
    type: Schema.Literal("candidate"),
    id: Schema.String,
    program: Schema.String,
    error: Schema.Finite,
    text,
  }),
  Schema.Struct({
    type: Schema.Literal("generation"),
    generation: Schema.Int,
    best: Schema.Finite,
    front: Schema.Int,
    text,
  }),
  Schema.Struct({
    type: Schema.Literal("epoch"),
    epoch: Schema.Int,
    of: Schema.Int,
    loss: Schema.Finite,
    accuracy: Schema.optionalKey(Schema.Finite),
    r2: Schema.optionalKey(Schema.Finite),
    text,
  }),
]);

/** Creates a model. */
export const Create = operation("evolution.create", {
  summary: "Create a model from data: evolve, train, verify, export, register and report, within a budget.",
  input: {
    data: Schema.optionalKey(DataSource).annotate({
      description: "name of a set such as digits, or the path of a table; absent where a run is resumed",
    }),
    target: Schema.optionalKey(Schema.String.annotate({ description: "the column that is learned" })),
    task: Schema.optionalKey(
      Schema.Literals(["classification", "regression"]).annotate({
        description: "what the column holds, where the data do not say",
      }),
    ),
    budget: Schema.optionalKey(
      Schema.Struct({
        flops: Schema.optionalKey(
          Positive.annotate({ description: `operations; ${DEFAULT_FLOPS} where nothing is said` }),
        ),
        wallMs: Schema.optionalKey(
          Positive.annotate({ description: "milliseconds instead; such a run is not reproducible" }),
        ),
      }).annotate({
        description: `{"flops":…}: operations, ${DEFAULT_FLOPS} where absent; or {"wallMs":…}: time, not reproducible`,
      }),
    ),
    seed: Schema.optionalKey(Schema.Int.annotate({ description: `${DEFAULT_SEED} where absent` })),
    numerics: Schema.optionalKey(
      Schema.Literals(["fast", "strict"]).annotate({
        description: "strict: the same digest on every machine; fast where absent",
      }),
    ),
    limits: Schema.optionalKey(
      Schema.Struct({
        parameters: Schema.optionalKey(Count.annotate({ description: `${DEFAULT_LIMITS.parameters} where absent` })),
        flops: Schema.optionalKey(
          Count.annotate({ description: `operations of one answer; ${DEFAULT_LIMITS.flops} where absent` }),
        ),
        bytes: Schema.optionalKey(
          Count.annotate({ description: `bytes of the program without weights; ${DEFAULT_LIMITS.bytes} where absent` }),
        ),
      }).annotate({
        description: "what no candidate may exceed: parameters, flops of one answer, bytes of the program",
      }),
    ),
    workers: Schema.optionalKey(
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: MAX_WORKERS })).annotate({
        description: `${DEFAULT_WORKERS} where absent; results do not depend on it`,
      }),
    ),
    name: Schema.optionalKey(ArtifactName.annotate({ description: "name of the run; by its settings where absent" })),
    resume: Schema.optionalKey(
      Schema.Boolean.annotate({ description: "go on with the run that was left last, or with the one that is named" }),
    ),
    out: Schema.optionalKey(role("writePath", "folder of the report and the files; below out where absent")),
  },
  output: Schema.Struct({
    run: Schema.String,
    model: Digest,
    program: Schema.String,
    programBytes: Schema.Int,
    parameters: Schema.Int,
    flops: Schema.Finite,
    candidates: Schema.Int,
    front: Schema.Int,
    validation: Values,
    test: Values,
    int8: Schema.optionalKey(Schema.Struct({ model: Digest, test: Values, otherAnswers: Schema.Int })),
    registration: Schema.Struct({
      domain: Schema.String,
      state: Schema.String.annotate({ description: "applied, ready for an approval, held, or refused" }),
      by: Schema.String,
      proposal: Schema.optionalKey(Digest),
    }),
    rollback: Schema.Array(Schema.String),
    reproducible: Schema.Boolean,
    profile: Schema.Record(Schema.String, Schema.String),
    spent: Schema.Struct({ flops: Schema.Finite, wallMs: Schema.Int }),
    predicted: Schema.Struct({ flops: Schema.Finite, wallMs: Schema.Int }),
    files: Schema.Array(
      Schema.Struct({ what: Schema.String, file: Schema.String, verified: Schema.optionalKey(Schema.String) }),
    ),
    report: Schema.String,
    result: Digest.annotate({ description: "everything that was found, as an artifact" }),
    before: Schema.Boolean.annotate({ description: "whether the run had ended before: nothing was done again" }),
    command: Schema.String,
    text: Schema.String.annotate({ description: "the same as a short table" }),
  }),
  event: CreateEventJson,
  failures: CREATE_FAILURES,
  effects: ["readLocal", "writeLocal"],
  kinds: [],
  cost: {
    compute: "the budget; what is checked and judged besides is small",
    reserve: { fuel: 200_000_000_000_000, wallMs: 3_600_000, bytes: 4_294_967_296, messages: 100_000 },
  },
  idempotent: true,
  reversible: true,
  stability: "unstable",
  examples: [
    {
      title: "two half moons, on a small budget",
      input: { data: "moons", budget: { flops: 30_000_000 }, name: "moons" },
      output: { run: "moons", registration: { domain: "models.moons", state: "applied" } },
    },
    {
      title: "nothing was left to go on with",
      input: { resume: true },
      failure: "EVOLUTION_CREATE",
    },
  ],
});

/** The operations of the main job. */
export const createOperations = [Create] as const;
