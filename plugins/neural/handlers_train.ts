/**
 * Handler of training: data opened, program fitted, run, judged once on the test part, kept.
 *
 * Invariant: a checkpoint is in the store before the run goes on; the same call after any interruption goes on from the
 * newest, and its model has the same digest as if it had never stopped.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { CallContext } from "../../kernel/context.ts";
import { Disk } from "../../kernel/disk.ts";
import type { Digest } from "../../kernel/digest.ts";
import { Budget } from "../../kernel/meter.ts";
import { resolvePath } from "../../kernel/paths.ts";
import { costOf, elementCount } from "../ir/library.ts";
import { print, type Program, programFrom } from "../rmil/library.ts";
import { attempting } from "./attempting.ts";
import { joulesOf } from "./budget.ts";
import { temperatureFor } from "./calibration.ts";
import { CHECKPOINT_MEDIA, decodeCheckpoint, encodeCheckpoint } from "./checkpoint.ts";
import type { Network } from "./contract.ts";
import { type MemoryDataset, TestGuard } from "./data/dataset.ts";
import { openSource } from "./data/opening.ts";
import { type DataSource, nameOf } from "./data/source.ts";
import { eventJson, type FitEvent, type Scores } from "./events.ts";
import { cannotTrain } from "./failures.ts";
import { type Checkpoint, type EpochRecord, type FitPlan, type FitResult, train, type Watch } from "./fit.ts";
import { fitProgram } from "./fitted.ts";
import { artifacts, keepModel, modelFrom, storeFailure, withEngine } from "./handlers_store.ts";
import { judge, type Judged, makeAnswerer } from "./judge.ts";
import type { InputScale, Model } from "./model.ts";
import type { Train } from "./operations_train.ts";
import { confusionChart } from "./plots/confusion_chart.ts";
import { type Line, lineChart, type Point } from "./plots/line_chart.ts";
import { sizesOfStep, trainingStep } from "./step.ts";
import type { Engine, Values } from "./stepper.ts";
import { type PlannedTraining, planTraining } from "./training.ts";

type Input = (typeof Train)["input"]["Type"];

/** Points of the curve of the loss in an answer. */
const CURVE_POINTS = 100;

/** Samples held in memory; what passes by cannot be asked for again in another order. */
export const memoryData = (source: DataSource) =>
  Effect.flatMap(
    openSource(source),
    ({ dataset }) =>
      dataset.kind === "memory" ? Effect.succeed(dataset) : Effect.fail(cannotTrain({
        reason: "data that are read as they pass cannot be taken in a new order",
        path: "/data/stream",
        fix: { summary: "Hold the data", patch: [{ op: "remove", path: "/data/stream" }] },
      })),
  );

/** What is trained: a program, or a stored model that is trained on. */
interface Trained {
  readonly network: Network;
  readonly program?: Program;
  readonly start?: Values;
  readonly parent?: Digest;
}

const trainedOf = (input: Input, dataset: MemoryDataset) =>
  Effect.gen(function* () {
    const { program, digest } = input;
    if ((program === undefined) === (digest === undefined)) {
      return yield* cannotTrain({
        reason: program === undefined ? "neither a program nor a digest is given" : "a program and a digest are given",
        path: program === undefined ? "/program" : "/digest",
        expected: "exactly one of program and digest",
      });
    }
    if (program !== undefined) {
      const given = yield* programFrom(program);
      const fitted = yield* attempting(() => fitProgram(given, dataset.schema));
      return { network: fitted.network, program: fitted.program } satisfies Trained as Trained;
    }
    const { model: found, info } = yield* modelFrom(digest!);
    return {
      network: found.network,
      ...(found.program === undefined ? {} : { program: found.program }),
      start: found.values,
      parent: info.digest,
    } satisfies Trained as Trained;
  });

/** Shift and scale of each input, as the model's users need them. */
export const scalesOf = ({ inputs }: MemoryDataset): ReadonlyArray<InputScale | null> =>
  inputs.map(({ affine }) => affine === undefined ? null : { scale: [...affine.scale], offset: [...affine.offset] });

/** Judges the validation part after every epoch. */
const watching = (engine: Engine, network: Network, dataset: MemoryDataset, patience: number | undefined) =>
  Effect.map(makeAnswerer(engine, network), (answerer): Watch => ({
    ...(patience === undefined ? {} : { patience }),
    scores: (values) =>
      Effect.gen(function* () {
        yield* answerer.write(values);
        const { scores } = yield* judge(answerer, network, dataset, { split: "validation" });
        return scores;
      }),
  }));

/** The newest checkpoint under a name, and the names of it and of older ones. */
const savedUnder = (name: string) =>
  Effect.map(
    Effect.flatMap(artifacts, (store) => store.state),
    ({ names }) =>
      Object.keys(names).filter((named) => named.startsWith(`${name}@`) && names[named] !== null)
        .sort((a, b) => Number(b.split("@")[1]) - Number(a.split("@")[1]))
        .map((named) => ({ named, digest: names[named] as Digest })),
  );

/** Older checkpoints than this many lose their name, so that collecting takes them. */
const KEPT_CHECKPOINTS = 2;

const saving = (name: string, run: string) => (checkpoint: Checkpoint) =>
  Effect.gen(function* () {
    const store = yield* artifacts;
    const refused = Effect.mapError(storeFailure("checkpoint", "/checkpoint"));
    const bytes = yield* attempting(() => encodeCheckpoint(checkpoint, run));
    const { step } = checkpoint.progress;
    yield* refused(store.put(bytes, {
      kind: "weights",
      media: CHECKPOINT_MEDIA,
      description: `checkpoint after step ${step}`,
      references: [],
      tags: ["checkpoint"],
      metrics: { step },
    }, name));
    const old = (yield* refused(savedUnder(name))).slice(KEPT_CHECKPOINTS);
    yield* Effect.forEach(old, ({ named }) => refused(store.unname(named)), { discard: true });
  });

/** The checkpoint that a call goes on from. */
const resuming = (name: string | undefined, run: string) =>
  Effect.gen(function* () {
    if (name === undefined) return undefined;
    const refused = Effect.mapError(storeFailure("checkpoint", "/checkpoint"));
    const [newest] = yield* refused(savedUnder(name));
    if (newest === undefined) return undefined;
    const store = yield* artifacts;
    const bytes = yield* refused(store.read(newest.digest));
    return yield* attempting(() => decodeCheckpoint(bytes, run));
  });

/** What is kept of the events, for curves. */
class Curves {
  private readonly steps: Point[] = [];

  take(event: FitEvent): void {
    if (event.type === "step") this.steps.push([event.step, event.loss]);
  }

  /** Means of the loss over equal stretches of steps. */
  loss(): ReadonlyArray<Point> {
    const each = Math.max(1, Math.ceil(this.steps.length / CURVE_POINTS));
    return Array.from({ length: Math.ceil(this.steps.length / each) }, (_, i): Point => {
      const part = this.steps.slice(i * each, (i + 1) * each);
      return [part.at(-1)![0], part.reduce((sum, [, loss]) => sum + loss, 0) / part.length];
    });
  }
}

const scoreLines = (history: ReadonlyArray<EpochRecord>): ReadonlyArray<Line> => {
  const names = [...new Set(history.flatMap(({ scores = {} }) => Object.keys(scores)))].filter((name) =>
    name !== "loss"
  );
  return names.map((name) => ({
    name,
    points: history.map(({ epoch, scores }): Point => [epoch, scores?.[name] ?? NaN]),
  }));
};

const charts = (
  history: ReadonlyArray<EpochRecord>,
  loss: ReadonlyArray<Point>,
  test: Judged | undefined,
  labels: ReadonlyArray<string>,
): ReadonlyArray<readonly [file: string, svg: string]> => [
  [
    "loss.svg",
    lineChart({
      title: "Loss",
      x: "step",
      y: "loss",
      lines: [
        { name: "training", points: loss },
        {
          name: "validation",
          points: history.map(({ step, scores }): Point => [step, scores?.loss ?? NaN]),
        },
      ],
    }),
  ],
  ["scores.svg", lineChart({ title: "Validation", x: "epoch", y: "score", lines: scoreLines(history) })],
  ...(test?.confusion === undefined
    ? []
    : [["confusion.svg", confusionChart("Confusion on the test part", test.confusion, labels)] as const]),
];

/** Judges the final model: a temperature from the validation part, then the test part, once. */
const finalJudgement = (engine: Engine, network: Network, dataset: MemoryDataset, values: Values, test: boolean) =>
  Effect.scoped(Effect.gen(function* () {
    const answerer = yield* makeAnswerer(engine, network);
    yield* answerer.write(values);
    const hasValidation = dataset.splits.validation.length > 0;
    const { target } = dataset.schema;
    const logits: number[] = [];
    const classes: number[] = [];
    const validation = hasValidation
      ? yield* judge(answerer, network, dataset, {
        split: "validation",
        each: (outputs, targets) => {
          if (target?.kind !== "classification") return;
          for (let i = 0; i < outputs.length; i++) logits.push(outputs[i]);
          for (let i = 0; i < targets.length; i++) classes.push(targets[i]);
        },
      })
      : undefined;
    const temperature = target?.kind === "classification" && classes.length > 0
      ? temperatureFor(logits, classes, target.classes)
      : undefined;
    const judged = test && dataset.splits.test.length > 0
      ? yield* judge(answerer, network, dataset, { split: "test", guard: new TestGuard() })
      : undefined;
    return { validation, temperature, judged };
  }));

const metricsOf = (part: string, judged: Judged | undefined): Scores =>
  Object.fromEntries(Object.entries(judged?.scores ?? {}).map(([name, value]) => [`${part}.${name}`, value]));

/** Pays for the whole run before it starts. */
const paid = ({ plan }: PlannedTraining) =>
  Effect.gen(function* () {
    const account = yield* Budget;
    const step = yield* attempting(() => trainingStep(plan));
    const flops = Number(costOf(step.program, sizesOfStep(step, plan.feed.batch)).flops);
    const steps = Math.min(plan.budget?.steps ?? Infinity, plan.epochs * plan.feed.length);
    yield* account.spend("fuel", Math.min(Number.MAX_SAFE_INTEGER, Math.ceil(flops * steps)));
  });

const trained = (input: Input, engine: Engine) =>
  Effect.scoped(Effect.gen(function* () {
    const call = yield* CallContext;
    const dataset = yield* memoryData(input.data);
    const { network, program, start, parent } = yield* trainedOf(input, dataset);
    const planned = yield* attempting(() => planTraining(network, dataset, input));
    const { plan, run } = planned;
    yield* paid(planned);
    const from = yield* resuming(input.checkpoint?.name, run);
    const watch = dataset.splits.validation.length === 0
      ? undefined
      : yield* watching(engine, network, dataset, input.patience);
    const { checkpoint } = input;
    const curves = new Curves();
    const steps = plan.epochs * plan.feed.length;
    const whole: FitPlan<
      Effect.Error<ReturnType<ReturnType<typeof saving>>>,
      Effect.Services<ReturnType<ReturnType<typeof saving>>>
    > = {
      ...plan,
      ...(watch === undefined ? {} : { watch }),
      ...(start === undefined ? {} : { start }),
      ...(from === undefined ? {} : { from }),
      ...(checkpoint === undefined
        ? {}
        : { checkpoint: { every: checkpoint.every, save: saving(checkpoint.name, run) } }),
    };
    const result: FitResult = yield* train(engine, whole, (event) => {
      curves.take(event);
      const shown = "step" in event
        ? call.progress({ label: "training", done: event.step, total: steps, unit: "steps" })
        : Effect.void;
      return Effect.andThen(call.emit(eventJson(event)), shown);
    });
    const { values, stopped, flops } = result;
    const { history, step } = result.checkpoint.progress;
    const { validation, temperature, judged } = yield* finalJudgement(
      engine,
      network,
      dataset,
      values,
      input.test ?? true,
    );
    const model: Model = {
      ...(program === undefined ? {} : { program }),
      network,
      values,
      schema: dataset.schema,
      scales: scalesOf(dataset),
      ...(dataset.table === undefined ? {} : { table: dataset.table }),
      ...(temperature === undefined ? {} : { temperature }),
      metrics: { ...metricsOf("validation", validation), ...metricsOf("test", judged) },
      lineage: {
        made: "train",
        data: nameOf(input.data),
        seed: plan.seed,
        steps: step,
        flops,
        ...(parent === undefined ? {} : { parent }),
      },
    };
    const info = yield* keepModel(model, {
      name: input.name,
      description: `trained on ${nameOf(input.data)} for ${step} steps`,
      references: parent === undefined ? [] : [parent],
    });
    const loss = curves.loss();
    const { target } = dataset.schema;
    const labels = target?.kind === "classification" ? target.labels ?? [] : [];
    const files = input.charts === undefined
      ? undefined
      : yield* drawn(input.charts, charts(history, loss, judged, labels));
    return {
      digest: info.digest,
      names: info.names,
      ...(program === undefined ? {} : { program: print(program.root, program.symbols) }),
      parameters: network.parameters.reduce((sum, { type }) => sum + elementCount(type.shape), 0),
      steps: step,
      flops,
      joules: joulesOf(flops, input.budget),
      resumed: from !== undefined,
      ...(stopped === undefined ? {} : { stopped }),
      metrics: {
        ...(validation === undefined ? {} : { validation: validation.scores }),
        ...(judged === undefined ? {} : { test: judged.scores }),
        ...(temperature === undefined ? {} : { temperature }),
      },
      curves: { loss, epochs: history },
      ...(files === undefined ? {} : { charts: files }),
    };
  }));

const drawn = (folder: string, made: ReadonlyArray<readonly [file: string, svg: string]>) =>
  Effect.gen(function* () {
    const disk = yield* Disk;
    return yield* Effect.forEach(made, ([file, svg]) => {
      const path = resolvePath(folder, file);
      return Effect.as(disk.write(path, svg), path);
    });
  });

/** The handler. */
export const trainHandlers = {
  "neural.train": (input: Input) => withEngine(input, (engine) => trained(input, engine)),
} as const;
