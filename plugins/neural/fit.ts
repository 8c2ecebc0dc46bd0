/**
 * Fit: the loop of a training, as a stream of typed events.
 *
 * Not the step (step.ts), the rate (schedules.ts) or the data (feed.ts).
 * Invariant: what happens after a step depends on the checkpoint after that step and on nothing else, so a run that
 * stopped anywhere and resumed ends with the same bytes as one that never stopped.
 *
 * @module
 */
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Queue from "effect/Queue";
import type * as Scope from "effect/Scope";
import * as Stream from "effect/Stream";
import { monotonicMs } from "../../kernel/platform/clock.ts";
import { SLICE_MS, turn } from "../../kernel/slices.ts";
import type { BackendsFailure, CompileOptions } from "../backends/library.ts";
import { costOf, elementCount, scalar } from "../ir/library.ts";
import { exhausted, type FitBudget, joulesOf } from "./budget.ts";
import { diagnose } from "./diagnose.ts";
import type { FitEvent, Scores, StopCause } from "./events.ts";
import { attempting, type BuildingFailure } from "./attempting.ts";
import { cannotTrain } from "./failures.ts";
import type { Feed } from "./feed.ts";
import { initialValues } from "./layers/initialise.ts";
import { type Listened, listened, NOTHING_HEARD, rateAt, type Schedule, scheduleOf } from "./schedules.ts";
import { firstScale, sizesOfStep, type StepOptions, type TrainingStep, trainingStep, usualRate } from "./step.ts";
import { compileStep, type Engine, firstCounters, type Stepper, type Values } from "./stepper.ts";

/** What a run remembers besides tensors; plain JSON. */
export interface Progress {
  /** Steps taken. */
  readonly step: number;
  /** The epoch in progress. */
  readonly epoch: number;
  /** Batches of it that were taken. */
  readonly index: number;
  /** Sum of the losses of these. */
  readonly lossSum: number;
  /** Sums of the measures of these. */
  readonly measureSums: Scores;
  /** What a listening schedule knows. */
  readonly heard: Listened;
  /** The best value that was watched, smaller being better, and the epochs since. */
  readonly best: { readonly value: number | null; readonly waited: number };
  /** Milliseconds used. */
  readonly wallMs: number;
  /** Epochs that ended. */
  readonly history: ReadonlyArray<EpochRecord>;
}

/** An epoch that ended. */
export interface EpochRecord {
  /** Its number, from 1. */
  readonly epoch: number;
  /** Steps taken until its end. */
  readonly step: number;
  /** Mean loss of its batches. */
  readonly loss: number;
  /** The rate of its last step. */
  readonly rate: number;
  /** Means of its measures. */
  readonly measures: Scores;
  /** What the validation part said, where it was judged. */
  readonly scores?: Scores;
}

/** Everything a run needs to go on. */
export interface Checkpoint {
  /** What is remembered besides tensors. */
  readonly progress: Progress;
  /** All tensors of the device. */
  readonly values: Values;
  /** Parameters and state of the best epoch, where the best is kept. */
  readonly best?: Values;
}

/** Looks at a network while it is trained. */
export interface Watch {
  /** Judges parameters and state. */
  readonly scores: (values: Values) => Effect.Effect<Scores, BackendsFailure | BuildingFailure>;
  /** Which score decides; `loss` where absent. */
  readonly name?: string;
  /** Whether larger is better. Default false. */
  readonly larger?: boolean;
  /** Epochs without improvement after which the run ends; none where absent. */
  readonly patience?: number;
  /** Whether the run ends with the tensors of the best epoch. Default true. */
  readonly keepBest?: boolean;
}

/** A training. */
export interface FitPlan<E = never, R = never> extends StepOptions {
  /** Batches. */
  readonly feed: Feed;
  /** Passes over them. */
  readonly epochs: number;
  /** Where parameters, orders and draws start. */
  readonly seed: number;
  /** The rate; the optimiser's usual one where absent. */
  readonly rate?: number;
  /** How the rate goes; constant where absent. */
  readonly schedule?: Schedule;
  /** Looks at it after every epoch. */
  readonly watch?: Watch;
  /** What it may use. */
  readonly budget?: FitBudget;
  /** Saves everything after every so many steps. */
  readonly checkpoint?: {
    readonly every: number;
    readonly save: (checkpoint: Checkpoint) => Effect.Effect<void, E, R>;
  };
  /** Goes on from here. */
  readonly from?: Checkpoint;
  /** First values by path, instead of drawn ones: of a network that is trained on. */
  readonly start?: Values;
  /** Tells every so many steps; each where absent. */
  readonly every?: number;
  /** How programs are compiled. */
  readonly compile?: Pick<CompileOptions, "numerics" | "threads" | "device">;
}

/** What a training made. */
export interface FitResult {
  /** Parameters and state by path: of the best epoch where that is kept, averages where those are kept. */
  readonly values: Values;
  /** Everything needed to go on. */
  readonly checkpoint: Checkpoint;
  /** Why it stopped before its last epoch. */
  readonly stopped?: StopCause;
  /** Operations, by count. */
  readonly flops: number;
}

const MASK = (1n << 64n) - 1n;

/** A well-mixed 64-bit number for each step of a seed (splitmix64, Steele et al. 2014). */
export const stepSeed = (seed: number, step: number): bigint => {
  let z =
    (BigInt.asUintN(64, BigInt(Math.trunc(seed))) * 0x9e3779b97f4a7c15n + BigInt(step + 1) * 0xbf58476d1ce4e5b9n) &
    MASK;
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK;
  return BigInt.asIntN(64, z ^ (z >> 31n));
};

/** Overflows in a row after which mixed precision is given up. */
export const MAX_SKIPPED = 50;

const FIRST_PROGRESS: Progress = {
  step: 0,
  epoch: 0,
  index: 0,
  lossSum: 0,
  measureSums: {},
  heard: NOTHING_HEARD,
  best: { value: null, waited: 0 },
  wallMs: 0,
  history: [],
};

type Expected = BackendsFailure | BuildingFailure;
type Emit = (event: FitEvent) => Effect.Effect<void>;

/** One run. */
class Run<E, R> {
  private progress: Progress;
  private best: Values | undefined;
  private skipped = 0;
  private startedMs = 0;
  private readonly steps: number;
  private readonly epochSteps: number;
  private readonly flopsPerStep: number;
  private readonly schedule: Schedule;
  private readonly base: number;

  constructor(
    private readonly engine: Engine,
    private readonly plan: FitPlan<E, R>,
    private readonly step: TrainingStep,
    private readonly stepper: Stepper,
    private readonly emit: Emit,
  ) {
    const { feed, epochs, from, schedule = { kind: "constant" }, optimiser, rate } = plan;
    this.progress = from?.progress ?? FIRST_PROGRESS;
    this.best = from?.best;
    this.epochSteps = feed.length;
    this.steps = epochs * this.epochSteps;
    this.schedule = schedule;
    this.base = rate ?? usualRate(optimiser);
    this.flopsPerStep = Number(costOf(step.program, sizesOfStep(step, feed.batch)).flops);
  }

  /** Parameters and state as an answerer takes them: averages stand in for parameters where those are kept. */
  private get answers(): Effect.Effect<Values, BackendsFailure> {
    const { average } = this.plan;
    if (average === undefined) return this.stepper.read(["parameter", "state"]);
    return Effect.map(this.stepper.read(["parameter", "state", "average"]), (read) => {
      const averaged = this.step.slots.filter(({ role }) => role === "average");
      const kept = new Map(read);
      for (const { name, path } of averaged) {
        kept.set(path, read.get(name)!);
        kept.delete(name);
      }
      return kept;
    });
  }

  private get checkpoint(): Effect.Effect<Checkpoint, BackendsFailure> {
    return Effect.gen({ self: this }, function* () {
      const values = yield* this.stepper.read();
      const wallMs = yield* this.wallMs;
      const progress = { ...this.progress, wallMs };
      return { progress, values, ...(this.best === undefined ? {} : { best: this.best }) };
    });
  }

  private get wallMs(): Effect.Effect<number> {
    return Effect.map(
      Clock.currentTimeMillis,
      (now) => (this.plan.from?.progress.wallMs ?? 0) + Math.max(0, now - this.startedMs),
    );
  }

  private rate(): number {
    const { step, heard } = this.progress;
    return rateAt(this.schedule, this.base, { step, steps: this.steps, epochSteps: this.epochSteps }, heard);
  }

  run(): Effect.Effect<FitResult, Expected | E, R> {
    return Effect.gen({ self: this }, function* () {
      const { plan, step } = this;
      this.startedMs = yield* Clock.currentTimeMillis;
      yield* this.stepper.write(plan.from?.values ?? (yield* attempting(() => firstValues(plan, step))));
      yield* this.emit({
        type: "start",
        step: this.progress.step,
        steps: this.steps,
        epochs: plan.epochs,
        parameters: plan.network.parameters.reduce((sum, { type }) => sum + elementCount(type.shape), 0),
        flopsPerStep: this.flopsPerStep,
        resumed: plan.from !== undefined,
      });
      const stopped = yield* this.epochs();
      if (stopped !== undefined) yield* this.emit({ type: "stopped", step: this.progress.step, cause: stopped });
      const flops = this.progress.step * this.flopsPerStep;
      const checkpoint = yield* this.checkpoint;
      const values = this.best !== undefined && plan.watch?.keepBest !== false ? this.best : yield* this.answers;
      yield* this.emit({
        type: "end",
        step: this.progress.step,
        epochs: this.progress.epoch,
        flops,
        wallMs: checkpoint.progress.wallMs,
        joules: joulesOf(flops, plan.budget),
      });
      return { values, checkpoint, flops, ...(stopped === undefined ? {} : { stopped }) };
    });
  }

  private epochs(): Effect.Effect<StopCause | undefined, Expected | E, R> {
    return Effect.gen({ self: this }, function* () {
      while (this.progress.epoch < this.plan.epochs) {
        const stopped = yield* this.epoch();
        if (stopped !== undefined) return stopped;
        const early = yield* this.endEpoch();
        if (early !== undefined) return early;
      }
      return undefined;
    });
  }

  /** The rest of the epoch in progress. */
  private epoch(): Effect.Effect<StopCause | undefined, Expected | E, R> {
    return Effect.gen({ self: this }, function* () {
      const { feed, budget = {}, checkpoint } = this.plan;
      const epoch = yield* attempting(() => feed.epoch(this.progress.epoch));
      let until = monotonicMs() + SLICE_MS;
      while (this.progress.index < epoch.length) {
        const { step } = this.progress;
        const wallMs = budget.wallMs === undefined ? 0 : yield* this.wallMs;
        const spent = exhausted(budget, { steps: step, wallMs, flops: step * this.flopsPerStep });
        if (spent !== undefined) return spent;
        const stopped = yield* this.one(epoch.at);
        if (stopped !== undefined) return stopped;
        if (checkpoint !== undefined && this.progress.step % checkpoint.every === 0) {
          yield* checkpoint.save(yield* this.checkpoint);
          yield* this.emit({ type: "checkpoint", step: this.progress.step });
        }
        if (monotonicMs() >= until) {
          yield* turn;
          until = monotonicMs() + SLICE_MS;
        }
      }
      return undefined;
    });
  }

  /** One step. */
  private one(at: ReturnType<Feed["epoch"]>["at"]): Effect.Effect<StopCause | undefined, Expected> {
    return Effect.gen({ self: this }, function* () {
      const { plan, progress } = this;
      const fed = yield* attempting(() => at(progress.index));
      const rate = this.rate();
      const seed = stepSeed(plan.seed, progress.step);
      const { loss, norm, finite, measures } = yield* this.stepper.step(fed.inputs, fed.targets, { seed, rate });
      const next = { step: progress.step + 1, index: progress.index + 1 };
      if (!finite) {
        this.skipped++;
        if (plan.precision?.dtype !== "f16" || this.skipped > MAX_SKIPPED) {
          const values = yield* this.stepper.read(["parameter", "state"]);
          const tensor = yield* diagnose(this.engine, plan, { values, fed, seed });
          return { kind: "notFinite" as const, tensor, step: next.step };
        }
        this.progress = { ...progress, ...next };
        yield* this.emit({ type: "skipped", step: next.step, epoch: progress.epoch + 1 });
        return undefined;
      }
      this.skipped = 0;
      this.progress = {
        ...progress,
        ...next,
        lossSum: progress.lossSum + loss,
        measureSums: Object.fromEntries(
          Object.entries(measures).map(([name, value]) => [name, (progress.measureSums[name] ?? 0) + value]),
        ),
      };
      if (next.step % (plan.every ?? 1) === 0) {
        yield* this.emit({ type: "step", step: next.step, epoch: progress.epoch + 1, loss, norm, rate });
      }
      return undefined;
    });
  }

  /** What is said and decided after an epoch. */
  private endEpoch(): Effect.Effect<StopCause | undefined, Expected> {
    return Effect.gen({ self: this }, function* () {
      const { plan } = this;
      const { epoch, index, step, lossSum, measureSums } = this.progress;
      const mean = (sum: number): number => sum / Math.max(1, index);
      const record: EpochRecord = {
        epoch: epoch + 1,
        step,
        loss: mean(lossSum),
        rate: this.rate(),
        measures: Object.fromEntries(Object.entries(measureSums).map(([name, sum]) => [name, mean(sum)])),
      };
      yield* this.emit({ type: "epoch", ...record });
      const fresh = { epoch: epoch + 1, index: 0, lossSum: 0, measureSums: {} };
      this.progress = { ...this.progress, ...fresh, history: [...this.progress.history, record] };
      if (plan.watch === undefined) {
        this.progress = { ...this.progress, heard: listened(this.schedule, this.progress.heard, record.loss) };
        return undefined;
      }
      return yield* this.look(plan.watch, record);
    });
  }

  /** Judges the network after an epoch; why the run ends, where it does. */
  private look(watch: Watch, record: EpochRecord): Effect.Effect<StopCause | undefined, Expected> {
    return Effect.gen({ self: this }, function* () {
      const { name = "loss", larger = false, patience, keepBest = true } = watch;
      const values = yield* this.answers;
      const scores = yield* watch.scores(values);
      const found = scores[name];
      if (found === undefined) {
        return yield* Effect.fail(cannotTrain({
          reason: `the score ${name} that is watched is not among ${Object.keys(scores).join(", ")}`,
          path: "/watch",
        }));
      }
      const value = larger ? -found : found;
      const { best, history } = this.progress;
      const isBest = best.value === null || value < best.value;
      if (isBest && keepBest) this.best = values;
      const kept = isBest ? { value, waited: 0 } : { value: best.value, waited: best.waited + 1 };
      this.progress = {
        ...this.progress,
        best: kept,
        heard: listened(this.schedule, this.progress.heard, value),
        history: [...history.slice(0, -1), { ...record, scores }],
      };
      yield* this.emit({ type: "metric", epoch: record.epoch, step: record.step, scores, best: isBest });
      return patience !== undefined && kept.waited > patience
        ? { kind: "early" as const, waited: kept.waited, best: larger ? -kept.value! : kept.value! }
        : undefined;
    });
  }
}

/** First values of everything on the device. */
const firstValues = ({ network, seed, start, precision }: FitPlan<unknown, unknown>, step: TrainingStep): Values => {
  const drawn = initialValues(network, seed);
  const values = new Map(firstCounters(step, precision === undefined ? 1 : firstScale(precision)));
  network.parameters.forEach(({ path }, i) => values.set(path, start?.get(path) ?? drawn.parameters[i]));
  network.state.forEach(({ path }, i) => values.set(path, start?.get(path) ?? drawn.state[i]));
  if (precision !== undefined) values.set("#scale", scalar("f32", firstScale(precision)));
  return values;
};

const checked = (plan: FitPlan<unknown, unknown>): void => {
  const { epochs, every = 1, schedule, checkpoint, seed, feed, accumulate = 1 } = plan;
  if (feed.batch % accumulate !== 0) {
    throw cannotTrain({
      reason: `a batch of ${feed.batch} cannot be cut into ${accumulate} equal parts`,
      path: "/accumulate",
      expected: `a divisor of ${feed.batch}`,
      actual: accumulate,
    });
  }
  const wholes: ReadonlyArray<readonly [string, number, number]> = [
    ["epochs", epochs, 0],
    ["every", every, 1],
    ["checkpoint", checkpoint?.every ?? 1, 1],
  ];
  for (const [name, value, least] of wholes) {
    if (Number.isSafeInteger(value) && value >= least) continue;
    throw cannotTrain({ reason: `${name} is ${value}, and it is a whole number from ${least}`, path: `/${name}` });
  }
  if (!Number.isSafeInteger(seed)) throw cannotTrain({ reason: `the seed ${seed} is no whole number`, path: "/seed" });
  if (schedule !== undefined) scheduleOf(schedule);
};

/** Trains, saying what happens; the event `end` comes last. Interruption ends it between two steps. */
export const train = <E = never, R = never>(
  engine: Engine,
  plan: FitPlan<E, R>,
  emit: Emit,
): Effect.Effect<FitResult, Expected | E, R> =>
  Effect.scoped(Effect.gen(function* () {
    const step = yield* attempting(() => {
      checked(plan as FitPlan<unknown, unknown>);
      return trainingStep(plan);
    });
    const stepper = yield* compileStep(engine, step, { batch: plan.feed.batch, ...plan.compile });
    return yield* new Run(engine, plan, step, stepper, emit).run();
  })) as Effect.Effect<FitResult, Expected | E, R>;

/** Events that wait for their reader before the training does. */
const WAITING_EVENTS = 64;

/** A training as a stream of events; what it made is given to `done` before the stream ends. */
export const fit = <E = never, R = never>(
  engine: Engine,
  plan: FitPlan<E, R>,
  done: (result: FitResult) => void = () => {},
): Stream.Stream<FitEvent, Expected | E, Exclude<R, Scope.Scope>> =>
  Stream.callback<FitEvent, Expected | E, R>(
    (queue) =>
      Effect.matchCauseEffect(
        train(engine, plan, (event) => Effect.asVoid(Queue.offer(queue, event))),
        {
          onSuccess: (result) => {
            done(result);
            return Queue.end(queue);
          },
          onFailure: (cause) => Queue.failCause(queue, cause),
        },
      ),
    { bufferSize: WAITING_EVENTS, strategy: "suspend" },
  );
