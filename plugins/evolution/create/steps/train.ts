/**
 * Train: the chosen recipe on all that is learned from, with the best epoch kept, from a checkpoint where there is one.
 *
 * Invariant: the model depends on the recipe, the data, the seed and the passes alone; a checkpoint is stored before the
 * training goes on.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { CallContext } from "../../../../kernel/context.ts";
import type { Digest } from "../../../../kernel/digest.ts";
import { type ArtifactFacts, Artifacts } from "../../../../registry/mod.ts";
import {
  attempting,
  type Checkpoint,
  CHECKPOINT_MEDIA,
  decodeCheckpoint,
  encodeCheckpoint,
  type FitEvent,
  type FitResult,
  type Fitted,
  judge,
  makeAnswerer,
  train as fitNetwork,
  type Watch,
} from "../../../neural/library.ts";
import { cannotCreate } from "../../failures.ts";
import type { LineageRow } from "../../state/record.ts";
import { SHARES, trainingLeft } from "../budget.ts";
import { withSamples } from "../data.ts";
import type { CreateResult } from "../result.ts";
import { partOf, plannedTraining, recipeOf, remember, stepping, tell, usedMs, type Work } from "../work.ts";
import { engineOf } from "./engine.ts";
import { seenByWinner } from "./evolve.ts";

/** A trained candidate. */
export interface TrainedModel {
  /** The program with every size that was chosen, and it as a network. */
  readonly fitted: Fitted;
  /** What the training made. */
  readonly result: FitResult;
  /** Its curves. */
  readonly curves: CreateResult["training"];
}

/** Points of the curve of the loss. */
const CURVE_POINTS = 120;

/** Passes that are told of while it goes on, about. */
const TOLD_EPOCHS = 20;

/** Checkpoints of a training, at most. */
const CHECKPOINTS = 12;

const nameOf = (work: Work): string => `${work.run.name}.training`;

const FACTS: Pick<ArtifactFacts, "kind" | "media" | "references" | "tags" | "metrics"> = {
  kind: "weights",
  media: CHECKPOINT_MEDIA,
  references: [],
  tags: ["evolution"],
  metrics: {},
};

/** Names of the stored checkpoints, newest first. */
const saved = (work: Work) =>
  Effect.gen(function* () {
    const { names } = yield* (yield* Artifacts).state;
    const start = `${nameOf(work)}@`;
    return Object.keys(names).filter((named) => named.startsWith(start) && names[named] !== null)
      .toSorted((a, b) => Number(b.slice(start.length)) - Number(a.slice(start.length)))
      .map((named) => ({ named, digest: names[named] as Digest }));
  });

/** Gives up the names of stored checkpoints but the newest few, so that collecting takes them. */
const forget = (work: Work, kept: number) =>
  Effect.gen(function* () {
    const store = yield* Artifacts;
    for (const { named } of (yield* saved(work)).slice(kept)) yield* store.unname(named);
  });

const saving = (work: Work, run: Digest) => (checkpoint: Checkpoint) =>
  Effect.gen(function* () {
    const description = `training of ${work.run.name} after step ${checkpoint.progress.step}`;
    yield* (yield* Artifacts).put(encodeCheckpoint(checkpoint, run), { ...FACTS, description }, nameOf(work));
    yield* forget(work, 1);
  });

const resuming = (work: Work, run: Digest) =>
  Effect.gen(function* () {
    const [newest] = yield* saved(work);
    return newest === undefined ? undefined : decodeCheckpoint(yield* (yield* Artifacts).read(newest.digest), run);
  });

/** The curve of the loss as means over equal stretches of steps. */
const curveOf = (steps: ReadonlyArray<readonly [number, number]>): CreateResult["training"]["loss"] => {
  const each = Math.max(1, Math.ceil(steps.length / CURVE_POINTS));
  return Array.from({ length: Math.ceil(steps.length / each) }, (_, i) => {
    const part = steps.slice(i * each, (i + 1) * each);
    return [part.at(-1)![0], part.reduce((sum, [, loss]) => sum + loss, 0) / part.length] as const;
  });
};

const trained = (work: Work, row: LineageRow) =>
  Effect.scoped(Effect.gen(function* () {
    const { learned, request: { budget, seed }, memory } = work;
    const call = yield* CallContext;
    const recipe = recipeOf(work, row);
    if (memory.epochs === undefined) {
      const used = { flops: memory.flops, wallMs: yield* usedMs(work) };
      const { flopsPerEpoch } = yield* attempting(() => plannedTraining(work, recipe, learned.dataset, 1));
      // Stored first: where time is the budget, a training that goes on must not be another one.
      const bounds = {
        train: learned.dataset.splits.train.length,
        least: yield* attempting(() => seenByWinner(work)),
        workers: work.workers,
      };
      yield* remember(work, trainingLeft(budget, used, flopsPerEpoch, bounds));
    }
    const epochs = work.memory.epochs!;
    const dataset = withSamples(learned, work.memory.samples ?? Infinity, seed);
    const { fitted, plan, run } = yield* attempting(() => plannedTraining(work, recipe, dataset, epochs));
    const from = yield* resuming(work, run);
    const engine = yield* engineOf(work);
    const answerer = yield* makeAnswerer(engine, fitted.network);
    const watch: Watch = {
      scores: (values) =>
        Effect.gen(function* () {
          yield* answerer.write(values);
          return (yield* judge(answerer, fitted.network, dataset, { split: "validation" })).scores;
        }),
    };
    const steps = epochs * plan.feed.length;
    const toldEach = Math.ceil(epochs / TOLD_EPOCHS);
    const losses: Array<readonly [number, number]> = [];
    const heard = (event: FitEvent) =>
      Effect.gen(function* () {
        if (event.type === "step") {
          losses.push([event.step, event.loss]);
          yield* call.progress({ label: "training", done: event.step, total: steps, unit: "steps" });
        }
        if (event.type !== "metric") return;
        if (event.epoch % toldEach !== 0 && event.epoch !== epochs) return;
        const { loss = 0, accuracy, r2 } = event.scores;
        yield* tell({
          type: "epoch",
          epoch: event.epoch,
          of: epochs,
          loss,
          ...(accuracy === undefined ? {} : { accuracy }),
          ...(r2 === undefined ? {} : { r2 }),
        });
      }).pipe(Effect.provideService(CallContext, call));
    const every = Math.max(plan.feed.length, Math.ceil(steps / CHECKPOINTS));
    const checkpoint = { every, save: saving(work, run) };
    const result = yield* fitNetwork(
      engine,
      { ...plan, watch, checkpoint, ...(from === undefined ? {} : { from }) },
      heard,
    );
    // What diverges late has passes before that, the best of which is kept.
    if (result.stopped !== undefined && result.checkpoint.progress.best.value === null) {
      return yield* cannotCreate({ reason: "the training of the chosen program diverged", path: "/data" });
    }
    return { fitted, result, loss: curveOf(losses) };
  }));

/** Trains what was chosen. */
export const train = (work: Work, row: LineageRow) =>
  stepping(
    work.steps,
    {
      name: "train",
      does: `train ${row.id} on all that is learned from`,
      predicted: partOf(work, 1 - SHARES.finals),
    },
    Effect.gen(function* () {
      const { fitted, result, loss } = yield* trained(work, row);
      const { history } = result.checkpoint.progress;
      const epochs = history.map(({ epoch, step, loss, scores }) => ({
        epoch,
        step,
        loss,
        ...(scores === undefined ? {} : { scores }),
      }));
      const value: TrainedModel = { fitted, result, curves: { loss, epochs } };
      const { best } = result.checkpoint.progress;
      return {
        value,
        did: `passes: ${history.length}, steps: ${result.checkpoint.progress.step}; least validation loss ${
          best.value?.toFixed(4) ?? "unknown"
        }${result.stopped === undefined ? "" : "; it diverged, and the best pass is kept"}`,
        flops: result.flops,
      };
    }),
  );

/** Lets the stored checkpoints go, once the model is stored. */
export const forgetTraining = (work: Work) => forget(work, 0);
