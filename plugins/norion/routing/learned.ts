/**
 * Learned: a router that was fitted to outcomes of two models: how much better the stronger one answers a question.
 *
 * Not a model of language: ridge regression of the gain (strong right minus weak right) on the features.
 * Invariant: the fit is a closed form of its data, so the same data gives the same weights; the share of calls that is
 * asked of the strong model is met on data like that it was fitted to. Ridge: Hoerl and Kennard, 1970.
 *
 * @module
 */
import { badRequest } from "../failures.ts";
import { BUCKETS, hashed, measured, MEASURES, type Question, questionTerms } from "./features.ts";

/** A question with what became of it. */
export interface Observed {
  /** The question. */
  readonly question: Question;
  /** Whether the weak model was right, 0 or 1, or a share. */
  readonly weak: number;
  /** Whether the strong model was right. */
  readonly strong: number;
}

/** A fitted router. */
export interface LearnedRouter {
  /** Means of the measures, to centre them. */
  readonly means: ReadonlyArray<number>;
  /** Spreads of the measures, to scale them. */
  readonly spreads: ReadonlyArray<number>;
  /** Weights: intercept, measures, powers of length, buckets, subjects. */
  readonly weights: ReadonlyArray<number>;
  /** Subjects, in the order of their weights. */
  readonly subjects: ReadonlyArray<string>;
  /** Scores of the data it was fitted to, descending: where a threshold for a share is read off. */
  readonly scores: ReadonlyArray<number>;
}

/** Penalties of each family of features: the more of them there are, the harder each is held. */
const PENALTY = { measures: 1000, powers: 1, buckets: 3000, subjects: 30 } as const;

/** Square and cube of the centred length come with it: difficulty does not grow evenly. */
const POWERS = 2;

/** Fewest observations a router is fitted to. */
export const LEAST_OBSERVED = 50;

type Scaling = Pick<LearnedRouter, "means" | "spreads">;

const scalingOf = (rows: ReadonlyArray<Float64Array>): Scaling => {
  const means = Array.from({ length: MEASURES }, (_, j) => rows.reduce((sum, row) => sum + row[j], 0) / rows.length);
  const spreads = means.map((mean, j) =>
    Math.sqrt(rows.reduce((sum, row) => sum + (row[j] - mean) ** 2, 0) / rows.length)
  );
  return { means, spreads };
};

/** Features by position, only those that are not zero. */
type Sparse = ReadonlyArray<readonly [position: number, value: number]>;

const FIRST_POWER = 1 + MEASURES;
const FIRST_BUCKET = FIRST_POWER + POWERS;
const FIRST_SUBJECT = FIRST_BUCKET + BUCKETS;

/** How many weights a router has besides those of its subjects. */
export const PLAIN_WEIGHTS: number = FIRST_SUBJECT;

const featuresOf = (
  question: Question,
  numbers: Float64Array,
  scaling: Scaling,
  subjects: ReadonlyMap<string, number>,
  terms?: ReadonlyArray<string>,
): Sparse => {
  const features: Array<readonly [number, number]> = [[0, 1]];
  const scaled = scaling.means.map((mean, j) =>
    scaling.spreads[j] === 0 ? 0 : (numbers[j] - mean) / scaling.spreads[j]
  );
  scaled.forEach((value, j) => value !== 0 && features.push([1 + j, value]));
  for (let power = 0; power < POWERS; power++) features.push([FIRST_POWER + power, scaled[0] ** (2 + power)]);
  for (const [bucket, value] of hashed(question, terms)) if (value !== 0) features.push([FIRST_BUCKET + bucket, value]);
  const subject = question.subject === undefined ? undefined : subjects.get(question.subject);
  if (subject !== undefined) features.push([FIRST_SUBJECT + subject, 1]);
  return features;
};

/** Solves the normal equations by a Cholesky factor in place; the penalties keep it positive definite. */
const solve = (gram: ReadonlyArray<Float64Array>, right: Float64Array): ReadonlyArray<number> => {
  const size = right.length;
  for (let p = 0; p < size; p++) {
    const row = gram[p];
    for (let q = 0; q <= p; q++) {
      const other = gram[q];
      let sum = row[q];
      for (let k = 0; k < q; k++) sum -= row[k] * other[k];
      row[q] = p === q ? Math.sqrt(sum) : sum / other[q];
    }
  }
  for (let p = 0; p < size; p++) {
    for (let k = 0; k < p; k++) right[p] -= gram[p][k] * right[k];
    right[p] /= gram[p][p];
  }
  for (let p = size - 1; p >= 0; p--) {
    for (let k = p + 1; k < size; k++) right[p] -= gram[k][p] * right[k];
    right[p] /= gram[p][p];
  }
  return [...right];
};

const penaltyOf = (position: number): number =>
  position === 0
    ? 0
    : position < FIRST_POWER
    ? PENALTY.measures
    : position < FIRST_BUCKET
    ? PENALTY.powers
    : position < FIRST_SUBJECT
    ? PENALTY.buckets
    : PENALTY.subjects;

const fitWeights = (
  rows: ReadonlyArray<Sparse>,
  gains: ReadonlyArray<number>,
  size: number,
): ReadonlyArray<number> => {
  const gram = Array.from({ length: size }, (_, p) => new Float64Array(p + 1));
  const right = new Float64Array(size);
  const seen = new Uint8Array(size);
  rows.forEach((row, i) => {
    for (const [p, x] of row) {
      seen[p] = 1;
      right[p] += x * gains[i];
      for (const [q, y] of row) if (q <= p) gram[p][q] += x * y;
    }
  });
  // A feature that never occurred has an empty row; a penalty of its own keeps the factor defined and its weight 0.
  for (let p = 0; p < size; p++) gram[p][p] += seen[p] === 1 ? penaltyOf(p) : 1;
  return solve(gram, right);
};

const dot = (weights: ReadonlyArray<number>, features: Sparse): number => {
  let sum = 0;
  for (const [position, value] of features) sum += weights[position] * value;
  return sum;
};

const enough = (count: number, least: number, of: string): void => {
  if (count >= least) return;
  throw badRequest({
    reason: `a router cannot be fitted to so few outcomes of ${of}`,
    expected: `at least ${least}`,
    actual: `${count}`,
  });
};

/** Questions as rows of features, with what made them so. */
const rowsOf = (questions: ReadonlyArray<Question>) => {
  const subjects = [...new Set(questions.flatMap(({ subject }) => subject === undefined ? [] : [subject]))].toSorted();
  const numbers = questions.map((question) => measured(question));
  const scaling = scalingOf(numbers);
  const places = new Map(subjects.map((subject, i) => [subject, i]));
  const rows = questions.map((question, i) => featuresOf(question, numbers[i], scaling, places));
  return { scaling, subjects, rows, size: FIRST_SUBJECT + subjects.length };
};

const fitted = (
  { scaling, subjects, rows }: ReturnType<typeof rowsOf>,
  weights: ReadonlyArray<number>,
): LearnedRouter => ({
  ...scaling,
  weights,
  subjects,
  scores: rows.map((row) => dot(weights, row)).toSorted((a, b) => b - a),
});

/** Fits a router to outcomes of both models on the same questions; throws `NORION_REQUEST` for too few. */
export const fitRouter = (observed: ReadonlyArray<Observed>): LearnedRouter => {
  enough(observed.length, LEAST_OBSERVED, "both models");
  const made = rowsOf(observed.map(({ question }) => question));
  return fitted(made, fitWeights(made.rows, observed.map(({ weak, strong }) => strong - weak), made.size));
};

/** A question with what became of it at the one model that answered it. */
export interface ObservedOne {
  /** The question. */
  readonly question: Question;
  /** Which model answered. */
  readonly by: "weak" | "strong";
  /** How well, 0..1. */
  readonly result: number;
}

/** Fewest observations of each model where no question was answered by both. */
export const LEAST_OBSERVED_EACH = 25;

/**
 * Fits a router to outcomes of either model on questions of its own: what each does is fitted by itself, and the gain is
 * the difference (a T-learner: Künzel et al., 2019). Throws `NORION_REQUEST` for too few.
 */
export const fitRouterApart = (observed: ReadonlyArray<ObservedOne>): LearnedRouter => {
  const made = rowsOf(observed.map(({ question }) => question));
  const weightsOf = (model: ObservedOne["by"]): ReadonlyArray<number> => {
    const at = observed.flatMap(({ by }, i) => by === model ? [i] : []);
    enough(at.length, LEAST_OBSERVED_EACH, `the ${model} model`);
    return fitWeights(at.map((i) => made.rows[i]), at.map((i) => observed[i].result), made.size);
  };
  const weak = weightsOf("weak");
  return fitted(made, weightsOf("strong").map((weight, i) => weight - weak[i]));
};

/** A function that says how much better the strong model is expected to answer. */
export const scorer = (router: LearnedRouter): (question: Question) => number => {
  const places = new Map(router.subjects.map((subject, i) => [subject, i]));
  return (question) => {
    const terms = questionTerms(question);
    return dot(router.weights, featuresOf(question, measured(question, terms), router, places, terms));
  };
};

/** The score from which questions go to the strong model, so that about `share` of them do. */
export const thresholdFor = ({ scores }: LearnedRouter, share: number): number => {
  const index = Math.round(Math.min(1, Math.max(0, share)) * scores.length);
  if (index === 0) return Infinity;
  return index >= scores.length ? -Infinity : (scores[index - 1] + scores[index]) / 2;
};

/**
 * Area under the share of the gap that is recovered, over the share of strong calls: 0.5 for chance.
 * Source: Ong et al., "RouteLLM", 2024.
 */
export const areaRecovered = (
  outcomes: ReadonlyArray<{ readonly weak: number; readonly strong: number; readonly score: number }>,
): number => {
  const ranked = outcomes.toSorted((a, b) => b.score - a.score);
  const gap = ranked.reduce((sum, { weak, strong }) => sum + strong - weak, 0);
  let recovered = 0;
  let area = 0;
  for (const { weak, strong } of ranked) {
    const before = recovered;
    recovered += (strong - weak) / gap;
    area += (before + recovered) / 2;
  }
  return area / ranked.length;
};
