/**
 * Judge: how good a network's answers to a part of a data set are.
 *
 * Not training. Invariant: every sample counts once, whatever the size of a batch; the test part is read once in a run,
 * which its guard sees to.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { turn } from "../../kernel/slices.ts";
import type { BackendsFailure, CompileOptions, Executable } from "../backends/library.ts";
import type { Tensor } from "../ir/contract.ts";
import { isFloat, scalar, toFloats, toIntegers } from "../ir/library.ts";
import { BATCH, type Network } from "./contract.ts";
import type { DataSchema, MemoryDataset, SplitName, Target, TestGuard } from "./data/dataset.ts";
import type { Scores } from "./events.ts";
import { attempting, type BuildingFailure } from "./attempting.ts";
import { cannotTrain } from "./failures.ts";
import { shown } from "./feed.ts";
import { ClassTally, type Confusion, NumberTally, perplexity } from "./metrics.ts";
import { resident } from "./network.ts";
import type { Engine, Values } from "./stepper.ts";

/** Samples that are judged at once where nothing is said. */
export const JUDGED_AT_ONCE = 250;

/** More classes than this have no table of confusions. */
export const MAX_CONFUSED = 1024;

/** A network that answers, on a device. */
export interface Answerer {
  /** Samples of a batch. */
  readonly batch: number;
  /** Sets parameters and state. */
  readonly write: (values: Values) => Effect.Effect<void, BackendsFailure>;
  /** Answers a full batch. */
  readonly answer: (inputs: ReadonlyArray<Tensor>) => Effect.Effect<ReadonlyArray<Tensor>, BackendsFailure>;
}

/** A network made ready to answer. Closing the scope frees it. */
export const makeAnswerer = (
  engine: Engine,
  network: Network,
  { batch = JUDGED_AT_ONCE, ...options }: Pick<CompileOptions, "numerics" | "threads"> & { readonly batch?: number } =
    {},
): Effect.Effect<Answerer, BackendsFailure, Scope.Scope> =>
  Effect.gen(function* () {
    const { program, state } = resident(network);
    const executable: Executable = yield* engine.compile(program, { ...options, sizes: { [BATCH]: batch }, state });
    const names = [...network.parameters, ...network.state].map(({ path }) => path);
    const seed = scalar("i64", 0n);
    return {
      batch,
      write: (values) =>
        Effect.forEach(names, (name, i) => {
          const value = values.get(name);
          return value === undefined ? Effect.void : executable.write(i, value);
        }, { discard: true }),
      answer: (inputs) => executable.step([seed, ...inputs]),
    } satisfies Answerer;
  });

/** What is known of a network's answers. */
export interface Judged {
  /** Values by name: `loss` is the negative log likelihood, or the mean squared error. */
  readonly scores: Scores;
  /** Counts by right class and answer, where answers are classes. */
  readonly confusion?: Confusion;
  /** How many samples there were. */
  readonly samples: number;
}

type Numbers = Float64Array | Float32Array | Int32Array | Uint8Array;

const numbers = (tensor: Tensor): Numbers => {
  const { data, dtype } = tensor;
  if (isFloat(dtype)) return data instanceof Float32Array ? data : toFloats(tensor);
  return data instanceof Int32Array || data instanceof Uint8Array
    ? data
    : Float64Array.from(toIntegers(tensor), Number);
};

/** Values that JSON has a form for. */
const finite = (scores: { readonly [name: string]: number }): Scores =>
  Object.fromEntries(Object.entries(scores).filter(([, value]) => Number.isFinite(value)));

/** Numbers as a network gives them, in the target's own unit. */
export const inOwnUnit = (target: Target | undefined, values: ArrayLike<number>): ArrayLike<number> => {
  if (target?.kind !== "regression" || target.unit === undefined) return values;
  const { scale, offset } = target.unit;
  return Float64Array.from(values, (value) => value * scale + offset);
};

/** Adds up answers to a target of a kind. */
const tallyOf = ({ target }: DataSchema, temperature: number) => {
  if (target === undefined) throw cannotTrain({ reason: "the data have no target to judge by", path: "/data" });
  if (target.kind === "regression") {
    const tally = new NumberTally();
    const { scale } = target.unit ?? { scale: 1 };
    return {
      add: (outputs: ArrayLike<number>, targets: ArrayLike<number>): void =>
        tally.add(inOwnUnit(target, outputs), inOwnUnit(target, targets)),
      scores: (): Scores => {
        const found = tally.metrics();
        // The loss is what was trained on; errors are in the target's own unit.
        return found === undefined ? {} : { loss: found.mse / scale ** 2, ...found };
      },
      confusion: (): Confusion | undefined => undefined,
    };
  }
  const classes = target.kind === "classification" ? target.classes : target.vocabulary;
  const tally = new ClassTally(classes, temperature);
  return {
    add: (outputs: ArrayLike<number>, targets: ArrayLike<number>): void => tally.add(outputs, targets),
    scores: (): Scores => {
      const found = tally.metrics();
      if (found === undefined) return {};
      const { logLoss, ...rest } = found;
      return { loss: logLoss, ...rest, ...(target.kind === "tokens" ? { perplexity: perplexity(logLoss) } : {}) };
    },
    confusion: (): Confusion | undefined => classes <= MAX_CONFUSED ? tally.confusion : undefined,
  };
};

/** Judges answers to a part of a data set. */
export const judge = (
  answerer: Answerer,
  network: Network,
  dataset: MemoryDataset,
  { split, guard, temperature = 1, each }: {
    readonly split: SplitName;
    readonly guard?: TestGuard;
    readonly temperature?: number;
    /** Is given the first output and the targets of every batch, real samples only. */
    readonly each?: (outputs: ArrayLike<number>, targets: ArrayLike<number>) => void;
  },
): Effect.Effect<Judged, BackendsFailure | BuildingFailure> =>
  Effect.gen(function* () {
    const tally = yield* attempting(() => tallyOf(dataset.schema, temperature));
    const { batch } = answerer;
    const { inputs } = network;
    const sequence = shown(dataset, { split, batch, inputs, ...(guard === undefined ? {} : { guard }) });
    let samples = 0;
    for (;;) {
      const next = yield* attempting(() => sequence.next());
      if (next.done === true) break;
      const { inputs: given, target, size } = next.value;
      const [output] = yield* answerer.answer(given);
      const every = numbers(output);
      const outputs = every.subarray(0, (every.length / batch) * size);
      const targets = numbers(target!);
      yield* attempting(() => tally.add(outputs, targets));
      each?.(outputs, targets);
      samples += size;
      yield* turn;
    }
    const confusion = tally.confusion();
    return { scores: finite(tally.scores()), samples, ...(confusion === undefined ? {} : { confusion }) };
  });
