/**
 * Keep: the trained network as a model in the artifact store, and its sibling in 8-bit integers with what that costs.
 *
 * Invariant: the model's bytes depend on the request, the data and the numeric profile alone: no time, no machine, no
 * number of workers is in them.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type { Digest } from "../../../../kernel/digest.ts";
import { digestBytes } from "../../../../kernel/digest.ts";
import { Workers } from "../../../../kernel/workers.ts";
import { Artifacts } from "../../../../registry/contract.ts";
import type { ArtifactInfo } from "../../../../registry/artifact.ts";
import { elementCount } from "../../../ir/library.ts";
import {
  argMax,
  attempting,
  decodeModel,
  encodeModel,
  gather,
  type InputScale,
  judge as judgePart,
  makeAnswerer,
  type MemoryDataset,
  type Model,
  MODEL_MEDIA,
  presented,
  TestGuard,
} from "../../../neural/library.ts";
import { encodeProgram, print, programDigest } from "../../../rmil/library.ts";
import type { LineageRow } from "../../state/record.ts";
import type { NotQuantised, Quantised, QuantiseTask } from "../quantise_job.ts";
import type { CreateResult } from "../result.ts";
import { judgedOf, recipeOf, stepping, type Work } from "../work.ts";
import { engineOf } from "./engine.ts";
import { type Judgement, shownScore } from "./judge.ts";
import type { TrainedModel } from "./train.ts";

/** Samples that ranges of activations are taken from. */
export const CALIBRATED_ON = 32;

const MODULE = new URL("../quantise_job.ts", import.meta.url).href;

/** Shift and scale of each input, as whoever asks the model with raw samples needs them. */
const scalesOf = ({ inputs }: MemoryDataset): ReadonlyArray<InputScale | null> =>
  inputs.map(({ affine }) => affine === undefined ? null : { scale: [...affine.scale], offset: [...affine.offset] });

const named = (part: string, scores: { readonly [name: string]: number }) =>
  Object.fromEntries(Object.entries(scores).map(([name, value]) => [`${part}.${name}`, value]));

const modelOf = (work: Work, { fitted, result }: TrainedModel, { validation, test, temperature }: Judgement): Model => {
  const { learned: { dataset }, request: { seed } } = work;
  return {
    program: fitted.program,
    network: fitted.network,
    values: result.values,
    schema: dataset.schema,
    scales: scalesOf(dataset),
    ...(dataset.table === undefined ? {} : { table: dataset.table }),
    ...(temperature === undefined ? {} : { temperature }),
    metrics: { ...named("validation", validation.judged.scores), ...named("test", test.judged.scores) },
    lineage: {
      made: "create",
      data: dataset.name,
      seed,
      steps: result.checkpoint.progress.step,
      flops: result.flops,
    },
  };
};

/** A stored model. */
export interface KeptModel {
  /** What the store knows of it. */
  readonly info: ArtifactInfo;
  /** It as the result shows it. */
  readonly shown: CreateResult["model"];
}

const put = (
  work: Work,
  bytes: Uint8Array,
  model: Model,
  facts: { name: string; says: string; from: ReadonlyArray<Digest> },
) =>
  Effect.gen(function* () {
    const store = yield* Artifacts;
    return yield* store.put(bytes, {
      kind: "model",
      media: MODEL_MEDIA,
      description: facts.says,
      references: [work.run.run, ...facts.from],
      tags: ["evolution", "create"],
      metrics: model.metrics,
    }, facts.name);
  });

/** The name under which a run's model is kept. */
export const modelNameOf = (work: Work): string => `${work.run.name}.model`;

/** Keeps the model. */
export const keep = (work: Work, row: LineageRow, trained: TrainedModel, judgement: Judgement) =>
  stepping(
    work.steps,
    { name: "keep", does: "keep the model in the store of artifacts" },
    Effect.gen(function* () {
      const model = modelOf(work, trained, judgement);
      const bytes = yield* attempting(() => encodeModel(model));
      const info = yield* put(work, bytes, model, {
        name: modelNameOf(work),
        says: `created from ${work.learned.dataset.name} by ${work.run.name}`,
        from: [],
      });
      const { program, network } = trained.fitted;
      const own = encodeProgram(program);
      const shown: CreateResult["model"] = {
        digest: info.digest,
        names: info.names,
        parameters: network.parameters.reduce((sum, { type }) => sum + elementCount(type.shape), 0),
        flops: judgedOf(work, recipeOf(work, row)).flops,
        bytes: info.size,
        program: {
          text: print(program.root, program.symbols),
          base64: own.toBase64(),
          digest: programDigest(program),
        },
      };
      return {
        value: { info, bytes, shown },
        did: `${info.digest}, ${info.size} bytes; its program has ${own.length} bytes`,
      };
    }),
  );

/** So many of some numbers, evenly spread. */
const spread = (numbers: Uint32Array, count: number): Uint32Array =>
  Uint32Array.from(
    { length: Math.min(count, numbers.length) },
    (_, i) => numbers[Math.floor((i * numbers.length) / Math.min(count, numbers.length))],
  );

/** Judges the model in integers on the test part, which it was not made by. */
const judgedInIntegers = (work: Work, { network, values }: Model, test: Judgement["test"]) =>
  Effect.scoped(Effect.gen(function* () {
    const { dataset, target } = work.learned;
    const answerer = yield* makeAnswerer(yield* engineOf(work), network);
    yield* answerer.write(values);
    const outputs: number[] = [];
    const { scores } = yield* judgePart(answerer, network, dataset, {
      split: "test",
      guard: new TestGuard(),
      each: (given) => {
        for (let i = 0; i < given.length; i++) outputs.push(given[i]);
      },
    });
    if (target.kind !== "classification") return { scores, otherAnswers: 0 };
    const rows = Array.from(test.targets, (_, row) => row * target.classes);
    const others = rows.filter((at) =>
      argMax(outputs, at, target.classes) !== argMax(test.outputs, at, target.classes)
    );
    return { scores, otherAnswers: others.length };
  }));

/** Turns the model into one of integers, keeps it, and measures what that costs. */
export const quantise = (
  work: Work,
  trained: TrainedModel,
  kept: KeptModel & { readonly bytes: Uint8Array },
  judgement: Judgement,
) =>
  stepping(
    work.steps,
    { name: "quantise", does: "turn the model into 8-bit integers and measure what that costs" },
    Effect.gen(function* () {
      const { dataset } = work.learned;
      const input: QuantiseTask = {
        model: kept.bytes,
        samples: presented(
          gather(dataset.inputs[0], spread(dataset.splits.train, CALIBRATED_ON)),
          trained.fitted.network.inputs[0],
        ),
      };
      const workers = yield* Workers;
      const made = (yield* workers.run({ module: MODULE, name: "quantise", input })) as Quantised | NotQuantised;
      if ("failed" in made) return { value: undefined, did: `not possible: ${made.failed}` };
      const model = yield* attempting(() => decodeModel(made.model));
      const { scores, otherAnswers } = yield* judgedInIntegers(work, model, judgement.test);
      const metrics = named("test", scores);
      const bytes = yield* attempting(() => encodeModel({ ...model, metrics }));
      const info = yield* put(work, bytes, { ...model, metrics }, {
        name: `${modelNameOf(work)}.int8`,
        says: `${modelNameOf(work)} in 8-bit integers`,
        from: [kept.info.digest],
      });
      const value: NonNullable<CreateResult["quantised"]> = {
        digest: digestBytes(bytes),
        bytes: info.size,
        weights: made.weights,
        test: scores,
        otherAnswers,
      };
      return {
        value,
        did: `${shownScore(scores)} instead of ${
          shownScore(judgement.test.judged.scores)
        }; weights ${made.weights.before} → ${made.weights.after} bytes`,
      };
    }),
  );
