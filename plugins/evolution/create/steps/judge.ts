/**
 * Judge: how good the trained network is: a temperature from the part it was chosen by, then the test part, read once.
 *
 * Invariant: everything that is said of the test part comes from that one reading; nothing is chosen by it.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type { Tensor } from "../../../ir/contract.ts";
import { toFloats } from "../../../ir/library.ts";
import {
  argMax,
  BINS,
  ClassTally,
  gather,
  inOwnUnit,
  judge as judgePart,
  type Judged,
  makeAnswerer,
  temperatureFor,
  TestGuard,
} from "../../../neural/library.ts";
import type { Learnable } from "../data.ts";
import type { CreateResult, Misread, ReliabilityBin } from "../result.ts";
import { stepping, type Work } from "../work.ts";
import { engineOf } from "./engine.ts";
import type { TrainedModel } from "./train.ts";

/** Answers to a part, in the order of its samples. */
export interface Answers {
  /** What was measured. */
  readonly judged: Judged;
  /** What the network gave, sample after sample. */
  readonly outputs: Float64Array;
  /** What is right. */
  readonly targets: Float64Array;
}

/** What the judging found. */
export interface Judgement {
  /** On the part it was chosen by. */
  readonly validation: Answers;
  /** On the test part. */
  readonly test: Answers;
  /** What logits are divided by. */
  readonly temperature?: number;
}

/** Wrong answers that are shown. */
const SHOWN_MISREAD = 24;

/** Answers of a regression that are shown. */
const SHOWN_ANSWERS = 400;

const asked = (work: Work, model: TrainedModel) =>
  Effect.scoped(Effect.gen(function* () {
    const { learned: { dataset } } = work;
    const { fitted: { network }, result: { values } } = model;
    const answerer = yield* makeAnswerer(yield* engineOf(work), network);
    yield* answerer.write(values);
    const part = (split: "validation" | "test", guard?: TestGuard) =>
      Effect.gen(function* () {
        const outputs: number[] = [];
        const targets: number[] = [];
        const judged = yield* judgePart(answerer, network, dataset, {
          split,
          ...(guard === undefined ? {} : { guard }),
          each: (given, right) => {
            for (let i = 0; i < given.length; i++) outputs.push(given[i]);
            for (let i = 0; i < right.length; i++) targets.push(right[i]);
          },
        });
        return { judged, outputs: Float64Array.from(outputs), targets: Float64Array.from(targets) } satisfies Answers;
      });
    const validation = yield* part("validation");
    return { validation, test: yield* part("test", new TestGuard()) };
  }));

/** Confidences of answers: the largest share of the softmax, and that of the right class. */
const sharesOf = ({ outputs, targets }: Answers, classes: number, temperature: number) =>
  Array.from(targets, (target, row) => {
    const at = row * classes;
    const answer = argMax(outputs, at, classes);
    let all = 0;
    for (let i = 0; i < classes; i++) all += Math.exp((outputs[at + i] - outputs[at + answer]) / temperature);
    const truth = Math.exp((outputs[at + target] - outputs[at + answer]) / temperature) / all;
    return { answer, target, probability: 1 / all, truthProbability: truth };
  });

const binsOf = (shares: ReturnType<typeof sharesOf>): ReadonlyArray<ReliabilityBin> =>
  Array.from({ length: BINS }, (_, bin) => {
    const within = shares.filter(({ probability }) => Math.min(BINS - 1, Math.floor(probability * BINS)) === bin);
    const mean = (value: (one: typeof within[number]) => number): number =>
      within.reduce((sum, one) => sum + value(one), 0) / within.length;
    return {
      confidence: mean(({ probability }) => probability),
      accuracy: mean(({ answer, target }) => Number(answer === target)),
      count: within.length,
    };
  }).filter(({ count }) => count > 0);

const errorsAt = ({ outputs, targets }: Answers, classes: number, temperature: number) => {
  const tally = new ClassTally(classes, temperature);
  tally.add(outputs, targets);
  const { calibrationError, logLoss } = tally.metrics()!;
  return { calibrationError, logLoss };
};

/** What the temperature did, where answers are classes. */
export const calibrationOf = ({ test, temperature }: Judgement, { target }: Learnable): CreateResult["calibration"] => {
  if (target.kind !== "classification" || temperature === undefined) return undefined;
  return {
    temperature,
    before: errorsAt(test, target.classes, 1),
    after: errorsAt(test, target.classes, temperature),
    bins: binsOf(sharesOf(test, target.classes, temperature)),
  };
};

const PIXEL = 255;

/** A sample of one channel as a picture, stretched from its least to its largest element. */
const pictureOf = (sample: Tensor): Misread["image"] => {
  const [, channels, height, width] = sample.shape;
  if (sample.shape.length !== 4 || channels !== 1) return undefined;
  const values = toFloats(sample);
  const least = values.reduce((a, b) => Math.min(a, b), Infinity);
  const span = values.reduce((a, b) => Math.max(a, b), -Infinity) - least || 1;
  const pixels = Uint8Array.from(values, (value) => Math.round(PIXEL * (value - least) / span));
  return { width, height, pixels: pixels.toBase64() };
};

/** Wrong answers on the test part, the surest first. */
export const misreadOf = (
  { test, temperature = 1 }: Judgement,
  { dataset, target }: Learnable,
): CreateResult["misread"] => {
  if (target.kind !== "classification") return undefined;
  const nameOf = (answer: number): string => target.labels?.[answer] ?? String(answer);
  const samples = dataset.splits.test;
  return sharesOf(test, target.classes, temperature)
    .map((one, i) => ({ ...one, sample: samples[i] }))
    .filter((one) => one.answer !== one.target)
    .toSorted((a, b) => b.probability - a.probability)
    .slice(0, SHOWN_MISREAD)
    .map(({ answer, target: right, sample, ...shares }) => {
      const image = pictureOf(gather(dataset.inputs[0], [sample]));
      return {
        sample,
        truth: nameOf(right),
        answer: nameOf(answer),
        ...shares,
        ...(image === undefined ? {} : { image }),
      };
    });
};

/** Counts by right class and answer on the test part. */
export const confusionOf = ({ test: { judged: { confusion } } }: Judgement): CreateResult["confusion"] =>
  confusion &&
  Array.from(
    { length: confusion.classes },
    (_, row) => [...confusion.counts.subarray(row * confusion.classes, (row + 1) * confusion.classes)],
  );

/** Answers of a regression on the test part, in the target's own unit. */
export const answersOf = ({ test }: Judgement, { target }: Learnable): CreateResult["answers"] => {
  if (target.kind !== "regression") return undefined;
  const [right, given] = [inOwnUnit(target, test.targets), inOwnUnit(target, test.outputs)];
  return Array.from({ length: Math.min(SHOWN_ANSWERS, right.length) }, (_, i) => [right[i], given[i]] as const);
};

/** The score by which a model is known, for people. */
export const shownScore = ({ accuracy, r2, loss }: { readonly [name: string]: number }): string =>
  accuracy !== undefined
    ? `${(100 * accuracy).toFixed(1)} % right`
    : r2 !== undefined
    ? `r² ${r2.toFixed(4)}`
    : `loss ${loss?.toFixed(4)}`;

/** Judges what was trained. */
export const judge = (work: Work, model: TrainedModel) =>
  stepping(
    work.steps,
    { name: "calibrate", does: "calibrate on what it was chosen by, then read the test part once" },
    Effect.gen(function* () {
      const { validation, test } = yield* asked(work, model);
      const { target } = work.learned;
      const temperature = target.kind === "classification"
        ? temperatureFor(validation.outputs, validation.targets, target.classes)
        : undefined;
      const value: Judgement = { validation, test, ...(temperature === undefined ? {} : { temperature }) };
      const calibrated = temperature === undefined ? "" : `; temperature ${temperature.toFixed(3)}`;
      return { value, did: `held out: ${shownScore(test.judged.scores)} of ${test.judged.samples}${calibrated}` };
    }),
  );
