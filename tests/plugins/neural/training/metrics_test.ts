import assert from "node:assert/strict";
import {
  argMax,
  BINS,
  ClassTally,
  confusionMetrics,
  HOTTEST,
  logLossAt,
  NumberTally,
  perplexity,
  temperatureFor,
} from "../../../../plugins/neural/library.ts";
import { random } from "../../../../kernel/random.ts";

const near = (actual: number | undefined, expected: number, within = 1e-12): void =>
  assert.ok(actual !== undefined && Math.abs(actual - expected) < within, `${actual} is not ${expected}`);

/** Logits whose largest is the answer. */
const answers = (classes: number, ...given: ReadonlyArray<number>): Float64Array => {
  const made = new Float64Array(classes * given.length);
  given.forEach((answer, row) => made[row * classes + answer] = 1);
  return made;
};

Deno.test("accuracy, confusion and macro F1 of six answers by hand", () => {
  const tally = new ClassTally(3);
  tally.add(answers(3, 0, 0, 1, 1, 2, 0), [0, 0, 0, 1, 1, 2]);
  assert.deepEqual([...tally.confusion.counts], [2, 1, 0, 0, 1, 1, 1, 0, 0]);
  const found = tally.metrics()!;
  near(found.accuracy, 0.5);
  near(found.microF1, 0.5);
  // F1 by class: 2·2/(3 + 3), 2·1/(2 + 2), 0.
  near(found.macroF1, (2 / 3 + 1 / 2 + 0) / 3);
});

Deno.test("a class that is neither asked for nor answered does not lower macro F1", () => {
  const { macroF1 } = confusionMetrics({ classes: 3, counts: Float64Array.of(4, 0, 0, 0, 2, 0, 0, 0, 0) });
  near(macroF1, 1);
});

Deno.test("the log loss of equal logits is ln of the classes, and its exponential is the perplexity", () => {
  const tally = new ClassTally(8);
  tally.add(new Float64Array(16), [3, 7]);
  near(tally.metrics()!.logLoss, Math.log(8));
  near(perplexity(Math.log(8)), 8);
});

Deno.test("the calibration error of answers that are as often right as they say is zero, of certain wrong ones one", () => {
  const honest = new ClassTally(2);
  // Confidence 3/4, right three times in four.
  const logits = Float64Array.from([0, 1, 2, 3].flatMap(() => [Math.log(3), 0]));
  honest.add(logits, [0, 0, 0, 1]);
  near(honest.metrics()!.calibrationError, 0);
  const wrong = new ClassTally(2);
  wrong.add(Float64Array.of(100, 0, 100, 0), [1, 1]);
  near(wrong.metrics()!.calibrationError, 1);
});

Deno.test("the confidence of one falls into the last bin", () => {
  const tally = new ClassTally(2);
  tally.add(Float64Array.of(1000, 0), [0]);
  near(tally.metrics()!.calibrationError, 0);
  assert.ok(BINS > 1);
});

Deno.test("a target that is no class is refused, and nothing has metrics of no answers", () => {
  assert.throws(() => new ClassTally(2).add(Float64Array.of(1, 0), [2]), { code: "NEURAL_DATA_OPTION" });
  assert.throws(() => new ClassTally(2).add(Float64Array.of(1, 0), [-1]), { code: "NEURAL_DATA_OPTION" });
  assert.equal(new ClassTally(2).metrics(), undefined);
  assert.equal(new NumberTally().metrics(), undefined);
});

Deno.test("errors of numbers by hand; R² of the mean is 0, of perfect answers 1, of constant targets absent", () => {
  const tally = new NumberTally();
  tally.add([1, 2], [1, 4]);
  tally.add([5], [7]);
  const found = tally.metrics()!;
  near(found.mse, 8 / 3);
  near(found.mae, 4 / 3);
  near(found.r2, 1 - 8 / 18);
  const mean = new NumberTally();
  mean.add([4, 4, 4], [1, 4, 7]);
  near(mean.metrics()!.r2, 0);
  const constant = new NumberTally();
  constant.add([1, 2], [5, 5]);
  assert.equal(constant.metrics()!.r2, undefined);
});

Deno.test("R² keeps its digits where targets are far from zero", () => {
  const tally = new NumberTally();
  const base = 1e9;
  tally.add([base, base + 2, base + 4], [base, base + 2, base + 5]);
  near(tally.metrics()!.r2, 1 - 1 / (38 / 3), 1e-6);
});

Deno.test("of equal largest elements the first is the answer", () => assert.equal(argMax([0, 5, 5], 0, 3), 1));

Deno.test("the temperature of logits that are three times too sure is three", () => {
  const draws = random("temperature");
  const [logits, targets]: [number[], number[]] = [[], []];
  for (let i = 0; i < 20_000; i++) {
    const x = 2 * draws.normal();
    logits.push(3 * x, 0);
    targets.push(draws.float() < 1 / (1 + Math.exp(-x)) ? 0 : 1);
  }
  near(temperatureFor(logits, targets, 2), 3, 0.2);
});

Deno.test("the temperature never makes the loss larger, and is bounded where every answer is right", () => {
  const [logits, targets] = [[1, 0, 0, 1, 3, 0], [0, 1, 0]];
  const found = temperatureFor(logits, targets, 2);
  assert.ok(logLossAt(logits, targets, 2, found) <= logLossAt(logits, targets, 2, 1));
  assert.ok(found > 0 && found <= HOTTEST);
  assert.equal(temperatureFor([], [], 2), 1);
});
