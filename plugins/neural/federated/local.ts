/**
 * Local: what a client computes: epochs of stochastic gradient descent on its own samples, as one compiled step.
 *
 * The step descends the loss plus (μ/2)·‖w − w_round‖² (FedProx, Li et al. 2020; μ = 0 is FedAvg, McMahan et al. 2017).
 * The weights and the round's weights stay on the device; only a batch goes in and only the loss comes back.
 * Invariant: what is learned depends on the weights, the samples and the plan, seed included, and on nothing else.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import * as Semaphore from "effect/Semaphore";
import { random } from "../../../kernel/random.ts";
import { turn } from "../../../kernel/slices.ts";
import { monotonicMs } from "../../../kernel/platform/clock.ts";
import type { BackendsFailure, Executable } from "../../backends/library.ts";
import type { Tensor } from "../../ir/contract.ts";
import { scalar } from "../../ir/library.ts";
import { attempting, type BuildingFailure } from "../attempting.ts";
import { BATCH, type Network } from "../contract.ts";
import { notFederated } from "../failures.ts";
import type { Engine } from "../stepper.ts";
import { countsHits, evaluationProgram, type Objective, stepProgram } from "./local_programs.ts";
import type { Samples } from "./samples.ts";
import { flatten, type Layout, layoutOf, unflatten } from "./weights.ts";

/** What a client is asked to do in a round. */
export interface LocalPlan {
  /** Passes over its samples. */
  readonly epochs: number;
  /** Samples a step. */
  readonly batch: number;
  /** Step size. */
  readonly rate: number;
  /** Pull towards the round's weights: μ of FedProx. */
  readonly proximal: number;
  /** Orders samples and drives random draws. */
  readonly seed: string;
}

/** What a client learned. */
export interface Trained {
  /** Its weights. */
  readonly weights: Float32Array<ArrayBuffer>;
  /** Mean loss over the last epoch's batches, as they were met. */
  readonly loss: number;
  /** Steps taken. */
  readonly steps: number;
}

/** How a model does on samples. */
export interface Score {
  /** Mean loss. */
  readonly loss: number;
  /** Share that is right; absent where the objective has no such thing. */
  readonly accuracy?: number;
}

/** What training and scoring may be refused with. */
export type TrainerFailure = BuildingFailure | BackendsFailure;

/** Trains and scores one kind of network. */
export interface LocalTrainer {
  /** What the elements of its vectors are. */
  readonly layout: Layout;
  /** First weights for a seed. */
  readonly initial: (seed: number) => Float32Array<ArrayBuffer>;
  /** Epochs of descent from some weights. */
  readonly train: (
    weights: Float32Array,
    samples: Samples,
    plan: LocalPlan,
  ) => Effect.Effect<Trained, TrainerFailure>;
  /** Loss and accuracy of some weights. */
  readonly score: (weights: Float32Array, samples: Samples) => Effect.Effect<Score, TrainerFailure>;
}

/** Samples that are scored at once. */
const SCORE_BATCH = 500;

/** How long steps may follow each other before others have a turn. */
const SLICE_MS = 15;

const bits63 = (draw: { readonly uint32: () => number }): bigint =>
  BigInt.asIntN(64, (BigInt(draw.uint32()) << 32n) | BigInt(draw.uint32()));

/** The rows of a batch and how much each counts, one over `of`; what is missing is filled up with a row that does not. */
const filled = (order: ReadonlyArray<number>, from: number, batch: number, of: number) => {
  const rows = order.slice(from, from + batch);
  const data = new Float32Array(batch).fill(1 / of, 0, rows.length);
  while (rows.length < batch) rows.push(order[0]);
  return { rows, counts: { dtype: "f32", shape: [batch], data } as Tensor };
};

const SEEDLESS = scalar("i64", 0n);

/** Writes a network's tensors: those of the vector where it has them, the frozen ones as they are. */
const place = (
  network: Network,
  layout: Layout,
  executable: Executable,
  frozen: ReadonlyArray<Tensor>,
  weights: Float32Array,
): Effect.Effect<ReadonlyArray<Tensor>, TrainerFailure> => {
  if (weights.length !== layout.size) {
    return Effect.fail(notFederated({
      reason: `${weights.length} weights are given for a network of ${layout.size}`,
      path: "/weights",
      expected: layout.size,
      actual: weights.length,
    }));
  }
  const given = unflatten(layout, weights);
  let next = 0;
  const tensors = [...network.parameters, ...network.state].map((spec, i) =>
    "trained" in spec && !spec.trained ? frozen[i] : given[next++]
  );
  return Effect.as(Effect.forEach(tensors, (tensor, i) => executable.write(i, tensor), { discard: true }), given);
};

/** Gives the event loop a turn where others have waited long enough. */
const breathing = (): Effect.Effect<void> => {
  let since = monotonicMs();
  return Effect.suspend(() => {
    if (monotonicMs() - since < SLICE_MS) return Effect.void;
    return Effect.map(turn, () => void (since = monotonicMs()));
  });
};

/** How a trainer works. */
export interface TrainerOptions {
  /** Samples a step. */
  readonly batch: number;
  /** First values of the network's parameters and then of its state, for a seed. */
  readonly initial: (seed: number) => ReadonlyArray<Tensor>;
}

/** Two programs on a device: what stays there belongs to one client at a time. */
class Device implements LocalTrainer {
  readonly layout: Layout;
  private readonly stepping = Semaphore.makeUnsafe(1);
  private readonly scoring = Semaphore.makeUnsafe(1);
  /** Tensors that clients exchange, by their place among all. */
  private readonly kept: ReadonlyArray<number>;
  private readonly tensors: number;

  constructor(
    private readonly network: Network,
    private readonly objective: Objective,
    private readonly options: TrainerOptions,
    private readonly stepper: Executable,
    private readonly scorer: Executable,
    private readonly frozen: ReadonlyArray<Tensor>,
  ) {
    this.layout = layoutOf(network);
    const specs = [...network.parameters, ...network.state];
    this.tensors = specs.length;
    this.kept = specs.flatMap((spec, i) => "trained" in spec && !spec.trained ? [] : [i]);
  }

  initial(seed: number): Float32Array<ArrayBuffer> {
    const values = this.options.initial(seed);
    return flatten(this.layout, this.kept.map((i) => values[i]));
  }

  train(weights: Float32Array, samples: Samples, plan: LocalPlan): Effect.Effect<Trained, TrainerFailure> {
    return Semaphore.withPermits(this.stepping, 1)(this.epochs(weights, samples, plan));
  }

  score(weights: Float32Array, samples: Samples): Effect.Effect<Score, TrainerFailure> {
    return Semaphore.withPermits(this.scoring, 1)(this.judged(weights, samples));
  }

  private epochs(weights: Float32Array, samples: Samples, plan: LocalPlan): Effect.Effect<Trained, TrainerFailure> {
    const { network, layout, stepper, frozen, kept, tensors, options: { batch } } = this;
    return Effect.gen(function* () {
      if (plan.batch !== batch) {
        const reason = `steps of ${plan.batch} samples are asked for, and this trainer is made for ${batch}`;
        return yield* notFederated({ reason, path: "/batch", expected: batch, actual: plan.batch });
      }
      const given = yield* place(network, layout, stepper, frozen, weights);
      const learned = kept.filter((i) => i < network.parameters.length);
      yield* Effect.forEach(learned, (_, i) => stepper.write(tensors + i, given[i]), { discard: true });
      const chance = random(plan.seed);
      const draws = chance.split("draws");
      const rate = scalar("f32", plan.rate);
      const proximal = scalar("f32", plan.proximal);
      const breathe = breathing();
      let [loss, steps] = [0, 0];
      for (let epoch = 0; epoch < plan.epochs; epoch++) {
        const order = chance.split(epoch).shuffle(Array.from({ length: samples.count }, (_, i) => i));
        let sum = 0;
        for (let from = 0; from < order.length; from += batch) {
          const { rows, counts } = filled(order, from, batch, Math.min(batch, order.length - from));
          const { inputs, target } = yield* attempting(() => samples.rows(rows));
          const seed = scalar("i64", bits63(draws));
          const [made] = yield* stepper.step([seed, ...inputs, target, counts, rate, proximal]);
          sum += made.data[0] as number;
          steps++;
          yield* breathe;
        }
        loss = sum / Math.ceil(order.length / batch);
      }
      const after = yield* Effect.forEach(kept, (i) => stepper.read(i));
      return { weights: flatten(layout, after), loss, steps };
    });
  }

  private judged(weights: Float32Array, samples: Samples): Effect.Effect<Score, TrainerFailure> {
    const { network, layout, scorer, frozen, objective } = this;
    return Effect.gen(function* () {
      yield* place(network, layout, scorer, frozen, weights);
      const order = Array.from({ length: samples.count }, (_, i) => i);
      const breathe = breathing();
      let [loss, hits] = [0, 0];
      for (let from = 0; from < order.length; from += SCORE_BATCH) {
        const { rows, counts } = filled(order, from, SCORE_BATCH, 1);
        const { inputs, target } = yield* attempting(() => samples.rows(rows));
        const [l, h] = yield* scorer.step([SEEDLESS, ...inputs, target, counts]);
        loss += l.data[0] as number;
        hits += h.data[0] as number;
        yield* breathe;
      }
      return { loss: loss / samples.count, ...(countsHits(objective) ? { accuracy: hits / samples.count } : {}) };
    });
  }
}

/** A trainer of one network for one objective; batches have one size. Closing the scope frees it. */
export const localTrainer = (
  engine: Engine,
  network: Network,
  objective: Objective,
  options: TrainerOptions,
): Effect.Effect<LocalTrainer, TrainerFailure, Scope.Scope> =>
  Effect.gen(function* () {
    const { step, scoring, frozen } = yield* attempting(() => {
      layoutOf(network);
      const [step, scoring] = [stepProgram(network, objective), evaluationProgram(network, objective)];
      return { step, scoring, frozen: options.initial(0) };
    });
    const stepper = yield* engine.compile(step.program, { state: step.state, sizes: { [BATCH]: options.batch } });
    const scorer = yield* engine.compile(scoring.program, { state: scoring.state, sizes: { [BATCH]: SCORE_BATCH } });
    return new Device(network, objective, options, stepper, scorer, frozen);
  });
