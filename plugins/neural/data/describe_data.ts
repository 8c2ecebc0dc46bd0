/**
 * Describe data: what a data set holds, in numbers and by a sample.
 *
 * Invariant: numbers are those of the part to learn from, and the sample is its first; the test part is only counted.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as Stream from "effect/Stream";
import type { KernelFailure } from "../../../kernel/failure.ts";
import { inSlices } from "../../../kernel/slices.ts";
import { printType, type Tensor, TensorJson, tensorToJson } from "../../ir/library.ts";
import type { NeuralFailure } from "../failures.ts";
import { batches } from "./batches.ts";
import { batchStream } from "./batch_stream.ts";
import { classesOf, type Column, type Dataset, type Feature, type MemoryDataset, SPLITS } from "./dataset.ts";
import type { OpenedData } from "./open.ts";
import { textOf } from "./corpus.ts";
import { statisticsSteps } from "./statistics.ts";
import type { TablePlan } from "./table.ts";

/** Most numbers of a tensor that is shown whole. */
export const MAX_SHOWN = 1_024;

/** Most classes and columns that are listed. */
export const MAX_LISTED = 100;

/** Characters of a text that are shown. */
const SHOWN_TEXT = 200;

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0));
const FeatureJson = Schema.Struct({ name: Schema.String, type: Schema.String });
const BySplit = Schema.Struct({ train: Count, validation: Count, test: Count });

const Numbers = Schema.Struct({
  column: Schema.String,
  mean: Schema.Finite,
  deviation: Schema.Finite,
  minimum: Schema.Finite,
  maximum: Schema.Finite,
});

const TargetJson = Schema.Struct({
  name: Schema.String,
  type: Schema.String,
  kind: Schema.Literals(["classification", "regression", "tokens"]),
  classes: Schema.optionalKey(Count),
  vocabulary: Schema.optionalKey(Count),
});

/** Schema of a description. */
export const DataDescription = Schema.Struct({
  name: Schema.String,
  held: Schema.Boolean.annotate({ description: "whether it is in memory, rather than read as it passes" }),
  samples: Schema.optionalKey(Count.annotate({ description: "absent where only reading would tell" })),
  inputs: Schema.Array(FeatureJson),
  target: Schema.optionalKey(TargetJson),
  splits: Schema.optionalKey(BySplit),
  classes: Schema.optionalKey(
    Schema.Array(Schema.Struct({ label: Schema.String, train: Count, validation: Count, test: Count })),
  ),
  numbers: Schema.optionalKey(
    Schema.Array(Numbers).annotate({ description: "of the part to learn from, as given out" }),
  ),
  columns: Schema.optionalKey(
    Schema.Array(
      Schema.Struct({
        name: Schema.String,
        kind: Schema.String,
        missing: Count,
        at: Count.annotate({ description: "first place in the vector of features" }),
        size: Count,
        values: Schema.optionalKey(Schema.Array(Schema.String)),
      }),
    ),
  ),
  unused: Schema.optionalKey(Schema.Array(Schema.Struct({ column: Schema.String, reason: Schema.String }))),
  text: Schema.optionalKey(
    Schema.Struct({
      documents: Count,
      bytes: BySplit,
      begins: Schema.String.annotate({ description: "the beginning of the part to learn from" }),
    }),
  ),
  sample: Schema.optionalKey(
    Schema.Struct({
      inputs: Schema.Array(Schema.Union([TensorJson, Schema.String])),
      target: Schema.optionalKey(Schema.Union([TensorJson, Schema.String])),
    }).annotate({ description: "the first sample to learn from; large tensors by their type" }),
  ),
});

/** A description. */
export type DataDescription = typeof DataDescription.Type;

const featureJson = ({ name, type }: Feature) => ({ name, type: printType(type) });

const shown = (tensor: Tensor): TensorJson | string =>
  tensor.data.length <= MAX_SHOWN ? tensorToJson(tensor) : printType(tensor);

const bySplit = (count: (split: typeof SPLITS[number]) => number) => ({
  train: count("train"),
  validation: count("validation"),
  test: count("test"),
});

const classCounts = (dataset: MemoryDataset): DataDescription["classes"] => {
  const { target } = dataset.schema;
  if (target?.kind !== "classification") return undefined;
  const counts = SPLITS.map((split) => {
    const made = new Uint32Array(target.classes);
    for (const kind of classesOf(dataset, dataset.splits[split])) made[kind]++;
    return made;
  });
  return Array.from({ length: Math.min(target.classes, MAX_LISTED) }, (_, kind) => ({
    label: target.labels?.[kind] ?? String(kind),
    train: counts[0][kind],
    validation: counts[1][kind],
    test: counts[2][kind],
  }));
};

function* numbersSteps(dataset: MemoryDataset): Generator<void, NonNullable<DataDescription["numbers"]>> {
  const columns: ReadonlyArray<Column> = [
    ...dataset.inputs,
    ...(dataset.schema.target?.kind === "regression" ? [dataset.target!] : []),
  ];
  const made: Array<typeof Numbers.Type> = [];
  for (const column of columns.slice(0, MAX_LISTED)) {
    const found = yield* statisticsSteps(column, dataset.splits.train, "column");
    const finite = (value: Float64Array): number => Number.isFinite(value[0]) ? value[0] : 0;
    made.push({
      column: column.feature.name,
      mean: finite(found.mean),
      deviation: finite(found.deviation),
      minimum: finite(found.minimum),
      maximum: finite(found.maximum),
    });
  }
  return made;
}

const planJson = ({ features, indexed, unused }: TablePlan) => ({
  columns: [...features, ...indexed].slice(0, MAX_LISTED).map(({ profile, at, size, vocabulary }) => ({
    name: profile.name,
    kind: profile.kind,
    missing: profile.missing,
    at,
    size,
    ...(vocabulary === undefined ? {} : { values: vocabulary.slice(0, MAX_LISTED) }),
  })),
  unused: unused.slice(0, MAX_LISTED),
});

const schemaJson = ({ schema }: Dataset<unknown>) => {
  const { inputs, target } = schema;
  if (target === undefined) return { inputs: inputs.map(featureJson) };
  const more = target.kind === "classification"
    ? { classes: target.classes }
    : target.kind === "tokens"
    ? { vocabulary: target.vocabulary }
    : {};
  return { inputs: inputs.map(featureJson), target: { ...featureJson(target), kind: target.kind, ...more } };
};

const firstSample = <R>(
  dataset: Dataset<R>,
): Effect.Effect<Pick<DataDescription, "sample">, NeuralFailure | KernelFailure, R> => {
  const sampleOf = (batch: { readonly inputs: ReadonlyArray<Tensor>; readonly target?: Tensor }) => ({
    sample: {
      inputs: batch.inputs.map(shown),
      ...(batch.target === undefined ? {} : { target: shown(batch.target) }),
    },
  });
  const options = { split: "train", batch: 1, shuffle: false } as const;
  if (dataset.kind === "memory") {
    const made = batches(dataset, options);
    return Effect.succeed(made.length === 0 ? {} : sampleOf(made.at(0)));
  }
  return Effect.map(
    Stream.runCollect(Stream.take(batchStream(dataset, { ...options, prefetch: 0 }), 1)),
    ([first]) => first === undefined ? {} : sampleOf(first),
  );
};

/** Describes data that were opened. */
export const describeData = <R>(
  { dataset, plan, corpus }: OpenedData<R>,
): Effect.Effect<DataDescription, NeuralFailure | KernelFailure, R> =>
  Effect.gen(function* () {
    const base = {
      name: dataset.name,
      held: dataset.kind === "memory",
      ...(dataset.length === undefined ? {} : { samples: dataset.length }),
      ...schemaJson(dataset),
      ...(plan === undefined ? {} : planJson(plan)),
      ...(corpus === undefined ? {} : {
        text: {
          documents: corpus.documents.length,
          bytes: bySplit((split) => textOf(corpus, split).length),
          begins: new TextDecoder().decode(textOf(corpus, "train").subarray(0, SHOWN_TEXT)),
        },
      }),
      ...yield* firstSample(dataset),
    };
    if (dataset.kind === "stream") return base;
    const classes = classCounts(dataset);
    return {
      ...base,
      splits: bySplit((split) => dataset.splits[split].length),
      ...(classes === undefined ? {} : { classes }),
      ...(corpus === undefined ? { numbers: yield* inSlices(() => numbersSteps(dataset)) } : {}),
    };
  });
