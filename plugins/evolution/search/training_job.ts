/**
 * Training job: what a worker does with a candidate: trains a program on what it was sent, and judges it on what
 * candidates are chosen by.
 *
 * Not a choice. Invariant: the answer depends on the task alone, not on the worker: one thread, one backend, its own
 * seed; a training that goes on from a checkpoint ends with the same bytes as one that never stopped.
 *
 * @module
 */
import * as Cause from "effect/Cause";
import * as Effect from "effect/Effect";
import { isFailure } from "../../../kernel/failure.ts";
import { makeBackends, type Numerics } from "../../backends/library.ts";
import { elementCount } from "../../ir/library.ts";
import {
  decodeCheckpoint,
  encodeCheckpoint,
  type Engine,
  fitProgram,
  judge,
  makeAnswerer,
  planTraining,
  type Scores,
  train,
  type TrainingRequest,
} from "../../neural/library.ts";
import { parse } from "../../rmil/library.ts";
import { fromPortable, type PortableData } from "./portable_data.ts";

/** A candidate to train. */
export interface TrainingTask {
  /** Its program, as text. */
  readonly program: string;
  /** What it learns from and is chosen by. */
  readonly data: PortableData;
  /** How it is trained, its seed and its epochs among that. */
  readonly training: TrainingRequest;
  /** How exactly its numbers are computed; `fast` where absent. */
  readonly numerics?: Numerics;
  /** The share of its steps after which it is judged, at least one of them; all where absent. */
  readonly share?: number;
  /** A checkpoint of the same training, to go on from. */
  readonly from?: Uint8Array;
  /** Whether the checkpoint at the end is part of the answer. */
  readonly keep?: boolean;
}

/** What a training came to. */
export interface Trained {
  /** Judgements of the part that candidates are chosen by, by name: `loss`, `accuracy`, `rmse` … */
  readonly scores: Scores;
  /** Steps taken, those of the checkpoint among them. */
  readonly steps: number;
  /** Operations of the steps that this task took, by count. */
  readonly flops: number;
  /** Learned numbers. */
  readonly parameters: number;
  /** Everything needed to go on, where it was asked for. */
  readonly checkpoint?: Uint8Array;
}

/** A training that came to nothing, and why. */
export interface NotTrained {
  /** Why. */
  readonly failed: string;
  /** Operations that it took. */
  readonly flops: number;
}

/** The embedded backend, which is the same on every machine. */
const engine = (): Engine => {
  const backends = makeBackends();
  return {
    compile: (program, options = {}) =>
      Effect.map(backends.compile(program, { ...options, backend: "cpu", threads: 1 }), ({ executable }) => executable),
  };
};

const trained = ({ program, data, training, numerics, share = 1, from, keep }: TrainingTask) =>
  Effect.scoped(Effect.gen(function* () {
    const runs = engine();
    const dataset = fromPortable(data);
    const { network } = fitProgram(parse(program), dataset.schema);
    const { plan, run } = planTraining(network, dataset, training);
    // Its schedule stays that of the whole training, of which this is the beginning.
    const steps = Math.max(1, Math.round(share * plan.epochs * plan.feed.length));
    const budget = share < 1 ? { ...plan.budget, steps: Math.min(steps, plan.budget?.steps ?? Infinity) } : plan.budget;
    const compile = numerics === undefined ? {} : { numerics };
    const checkpoint = from === undefined ? undefined : decodeCheckpoint(from, run);
    const result = yield* train(
      runs,
      // Nobody listens to single steps.
      {
        ...plan,
        compile,
        every: plan.feed.length,
        ...(budget === undefined ? {} : { budget }),
        ...(checkpoint === undefined ? {} : { from: checkpoint }),
      },
      () => Effect.void,
    );
    const taken = result.checkpoint.progress.step;
    // Counts of operations are whole numbers, so nothing is lost by dividing first.
    const flops = taken === 0 ? 0 : result.flops / taken * (taken - (checkpoint?.progress.step ?? 0));
    if (result.stopped?.kind === "notFinite") {
      return { failed: `step ${result.stopped.step} gave numbers that are not finite`, flops } satisfies NotTrained;
    }
    const answerer = yield* makeAnswerer(runs, network, compile);
    yield* answerer.write(result.values);
    const { scores } = yield* judge(answerer, network, dataset, { split: "validation" });
    return {
      scores,
      steps: taken,
      flops,
      parameters: network.parameters.reduce((sum, { type }) => sum + elementCount(type.shape), 0),
      ...(keep === true ? { checkpoint: encodeCheckpoint(result.checkpoint, run) } : {}),
    } satisfies Trained;
  }));

/** Trains a candidate and judges it. What a program or a setting is refused for is an answer; a defect is not. */
export const trainCandidate = (task: TrainingTask): Promise<Trained | NotTrained> =>
  Effect.runPromise(
    Effect.catchCause(
      Effect.suspend(() => trained(task)),
      (cause): Effect.Effect<NotTrained> => {
        const thrown = Cause.squash(cause);
        return isFailure(thrown) ? Effect.succeed({ failed: thrown.message, flops: 0 }) : Effect.die(thrown);
      },
    ),
  );
