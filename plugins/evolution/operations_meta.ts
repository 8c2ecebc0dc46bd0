/**
 * Operations of meta-learning: remember what was found on a task, and ask what to try first on another.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { Digest } from "../../kernel/digest.ts";
import { JsonValue } from "../../kernel/failure.ts";
import { operation } from "../../kernel/operation.ts";
import { ArtifactName } from "../../registry/artifact.ts";
import { NEURAL_FAILURES } from "../neural/library.ts";
import { EVOLUTION_FAILURES } from "./failures.ts";
import { KEPT_SETTINGS } from "./meta/experience.ts";
import { FEATURE_NAMES } from "./meta/features.ts";
import { PointsGiven } from "./operations_discovery.ts";

const Task = {
  data: PointsGiven,
  target: Schema.String.annotate({ description: "the column to be learned" }),
  task: Schema.optionalKey(
    Schema.Literals(["classification", "regression"]).annotate({
      description: "regression for numbers and classification for text where absent",
    }),
  ),
  space: Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(200)).annotate({
    description: "what was searched: settings of another space are never mixed in",
  }),
};

const Features = Schema.Struct(Object.fromEntries(FEATURE_NAMES.map((name) => [name, Schema.Finite])));

const declared = {
  failures: [...EVOLUTION_FAILURES, ...NEURAL_FAILURES],
  cost: { compute: "the square of the rows that are looked at, 300 at most, times the columns, 40 at most" },
  idempotent: true,
  reversible: true,
  stability: "unstable",
} as const;

const LINE = { columns: { x: [1, 2, 3, 4, 5, 6], y: [2, 4, 6, 8, 10, 12] } };

/** Remembers. */
export const Remember = operation("evolution.remember", {
  ...declared,
  summary: "Remember what was found on a task, so that searches on tasks like it begin better.",
  input: {
    ...Task,
    tried: Schema.Array(
      Schema.Struct({
        setting: JsonValue.annotate({ description: "as its space writes it" }),
        score: Schema.Finite.annotate({ description: "smaller is better" }),
      }),
    ).check(Schema.isMinLength(1), Schema.isMaxLength(10_000)),
    name: Schema.optionalKey(ArtifactName),
  },
  output: Schema.Struct({
    digest: Digest,
    names: Schema.Array(Schema.String),
    kept: Schema.Int.annotate({ description: `settings kept: the best ${KEPT_SETTINGS}, each once` }),
    features: Features,
  }),
  effects: ["readLocal", "writeLocal"],
  examples: [{
    input: {
      data: LINE,
      target: "y",
      space: "ridge/1",
      tried: [{ setting: { ridge: 0.1 }, score: 0.4 }, { setting: { ridge: 0.001 }, score: 0.2 }],
    },
    output: { kept: 2 },
  }],
});

/** Suggests. */
export const Suggest = operation("evolution.suggest", {
  ...declared,
  summary: "Say what a task is like, and which settings did best on the tasks nearest to it.",
  input: {
    ...Task,
    count: Schema.optionalKey(
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100 })).annotate({ description: "5 where absent" }),
    ),
    tasks: Schema.optionalKey(
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100 })).annotate({
        description: "most tasks that they come from; 5 where absent",
      }),
    ),
  },
  output: Schema.Struct({
    features: Features,
    known: Schema.Int.annotate({ description: "tasks of this space that are remembered" }),
    suggestions: Schema.Array(
      Schema.Struct({
        setting: JsonValue,
        distance: Schema.Finite.annotate({ description: "of the task it comes from; 0 for one just like it" }),
        rank: Schema.Int.annotate({ description: "its place among that task's settings, from 0" }),
      }),
    ),
  }),
  effects: ["readLocal"],
  examples: [{
    given: [{
      operation: "evolution.remember",
      input: { data: LINE, target: "y", space: "ridge/1", tried: [{ setting: { ridge: 0.001 }, score: 0.2 }] },
    }],
    input: { data: LINE, target: "y", space: "ridge/1" },
    output: { known: 1, suggestions: [{ setting: { ridge: 0.001 }, distance: 0, rank: 0 }] },
  }],
});

/** The operations of meta-learning. */
export const metaOperations = [Remember, Suggest] as const;
