/**
 * Metrics: how good answers are, from outputs and targets as numbers.
 *
 * Not losses, which are differentiated (losses.ts).
 * Invariant: a metric of nothing is absent, not zero; counts are exact; what is given as classes is checked against them.
 *
 * @module
 */
import { badBatches } from "./failures.ts";

/** Counts by right class (rows) and by answer (columns). */
export interface Confusion {
  /** Classes. */
  readonly classes: number;
  /** Counts, row after row. */
  readonly counts: Float64Array;
}

/** What is said of answers that are classes. */
export interface ClassMetrics {
  /** Share of right answers. */
  readonly accuracy: number;
  /** F1 over all samples together: the accuracy, where each sample has one class. */
  readonly microF1: number;
  /** Mean of the F1 of the classes; of a class that is neither asked for nor answered, none. */
  readonly macroF1: number;
  /** Expected calibration error: the mean distance of confidence and accuracy, over {@link BINS} bins of confidence. */
  readonly calibrationError: number;
  /** Mean negative log likelihood of the right class. */
  readonly logLoss: number;
}

/** What is said of answers that are numbers. */
export interface NumberMetrics {
  /** Mean squared error. */
  readonly mse: number;
  /** Mean absolute error. */
  readonly mae: number;
  /** Coefficient of determination: 1 is perfect, 0 is as good as the mean. Absent where the targets do not vary. */
  readonly r2?: number;
}

/** Bins of confidence. */
export const BINS = 15;

/** Index of the largest of some elements; the first of equal ones. */
export const argMax = (row: ArrayLike<number>, from: number, count: number): number => {
  let best = 0;
  for (let i = 1; i < count; i++) if (row[from + i] > row[from + best]) best = i;
  return best;
};

/** Natural logarithm of the sum of the exponentials of some elements, each over a temperature. */
const logSumExp = (row: ArrayLike<number>, from: number, count: number, temperature: number): number => {
  let most = -Infinity;
  for (let i = 0; i < count; i++) most = Math.max(most, row[from + i] / temperature);
  let sum = 0;
  for (let i = 0; i < count; i++) sum += Math.exp(row[from + i] / temperature - most);
  return most + Math.log(sum);
};

/** Counts answers as they come, batch after batch. */
export class ClassTally {
  private readonly counts: Float64Array;
  private readonly binCounts = new Float64Array(BINS);
  private readonly binRight = new Float64Array(BINS);
  private readonly binConfidence = new Float64Array(BINS);
  private logLoss = 0;
  private samples = 0;

  /** Made for a number of classes, and the temperature that logits are divided by. */
  constructor(readonly classes: number, private readonly temperature = 1) {
    this.counts = new Float64Array(classes * classes);
  }

  /** Takes logits, `[rows, classes]`, and the right classes. */
  add(logits: ArrayLike<number>, targets: ArrayLike<number>): void {
    const { classes, temperature } = this;
    for (let row = 0; row < targets.length; row++) {
      const target = targets[row];
      if (!(target >= 0 && target < classes)) {
        throw badBatches({ option: "a target", reason: `class ${target} is none of ${classes}` });
      }
      const at = row * classes;
      const answer = argMax(logits, at, classes);
      const all = logSumExp(logits, at, classes, temperature);
      const confidence = Math.exp(logits[at + answer] / temperature - all);
      const bin = Math.min(BINS - 1, Math.floor(confidence * BINS));
      this.binCounts[bin]++;
      this.binConfidence[bin] += confidence;
      if (answer === target) this.binRight[bin]++;
      this.counts[target * classes + answer]++;
      this.logLoss += all - logits[at + target] / temperature;
      this.samples++;
    }
  }

  /** Counts by right class and answer. */
  get confusion(): Confusion {
    return { classes: this.classes, counts: this.counts };
  }

  /** What is known of the answers so far; absent where there are none. */
  metrics(): ClassMetrics | undefined {
    if (this.samples === 0) return undefined;
    const { accuracy, macroF1 } = confusionMetrics(this.confusion);
    let calibrationError = 0;
    for (let bin = 0; bin < BINS; bin++) {
      calibrationError += Math.abs(this.binRight[bin] - this.binConfidence[bin]) / this.samples;
    }
    return { accuracy, microF1: accuracy, macroF1, calibrationError, logLoss: this.logLoss / this.samples };
  }
}

/** Accuracy and macro F1 of counts. */
export const confusionMetrics = (
  { classes, counts }: Confusion,
): { readonly accuracy: number; readonly macroF1: number } => {
  let [right, all, f1, present] = [0, 0, 0, 0];
  for (let k = 0; k < classes; k++) {
    let [asked, answered] = [0, 0];
    for (let other = 0; other < classes; other++) {
      asked += counts[k * classes + other];
      answered += counts[other * classes + k];
    }
    const hits = counts[k * classes + k];
    right += hits;
    all += asked;
    if (asked + answered > 0) {
      f1 += 2 * hits / (asked + answered);
      present++;
    }
  }
  return { accuracy: right / all, macroF1: f1 / present };
};

/** Sums distances of answers as they come, by Welford's recurrence, so that large means lose no digits. */
export class NumberTally {
  private count = 0;
  private squares = 0;
  private absolute = 0;
  private mean = 0;
  private spread = 0;

  /** Takes answers and targets. */
  add(answers: ArrayLike<number>, targets: ArrayLike<number>): void {
    if (answers.length !== targets.length) {
      throw badBatches({ option: "targets", reason: `${targets.length} do not fit ${answers.length} answers` });
    }
    for (let i = 0; i < targets.length; i++) {
      const distance = answers[i] - targets[i];
      this.count++;
      this.squares += distance * distance;
      this.absolute += Math.abs(distance);
      const step = targets[i] - this.mean;
      this.mean += step / this.count;
      this.spread += step * (targets[i] - this.mean);
    }
  }

  /** What is known of the answers so far; absent where there are none. */
  metrics(): NumberMetrics | undefined {
    const { count, squares, absolute, spread } = this;
    if (count === 0) return undefined;
    return { mse: squares / count, mae: absolute / count, ...(spread > 0 ? { r2: 1 - squares / spread } : {}) };
  }
}

/** Perplexity of a mean negative log likelihood in nats. */
export const perplexity = (logLoss: number): number => Math.exp(logLoss);
