/**
 * Features: what a task is like, as a fixed row of numbers, so that tasks can be compared without solving them.
 *
 * Sources: Rendell, Seshu, Tcheng 1987 (simple and statistical features); Pfahringer, Bensusan, Giraud-Carrier 2000
 * (landmarking: how well learners do that cost nearly nothing); Feurer, Springenberg, Hutter 2015 (as a warm start).
 * Invariant: every feature is finite and about 0 … 1, whatever the numbers; the same table gives the same row.
 *
 * @module
 */
import { type Random, random } from "../../../kernel/random.ts";
import { badSetting } from "../failures.ts";

/** A task: columns of numbers, and what is to be learned from them. */
export interface TaskTable {
  /** Columns of equal length; gaps are NaN. */
  readonly columns: ReadonlyArray<ArrayLike<number>>;
  /** Numbers, or classes as whole numbers from 0. */
  readonly target: ArrayLike<number>;
  /** Number of classes; absent where numbers are to be learned. */
  readonly classes?: number;
}

/** Names of the features, in their order. */
export const FEATURE_NAMES = [
  "samples",
  "columns",
  "samplesPerColumn",
  "isClassification",
  "classes",
  "evenness",
  "gaps",
  "distinct",
  "skewness",
  "tails",
  "correlation",
  "firstDirection",
  "targetCorrelation",
  "targetSkewness",
  "nearestNeighbour",
  "nearestMean",
  "stump",
  "linear",
] as const;

/** The name of a feature. */
export type FeatureName = typeof FEATURE_NAMES[number];

/** What a task is like. */
export type TaskFeatures = { readonly [name in FeatureName]: number };

/** Most samples and columns that are looked at: more are sampled. */
const LOOKED_AT = { samples: 300, columns: 40 } as const;

/** A table of numbers without gaps, each column with mean 0 and deviation 1. */
interface Standard {
  readonly count: number;
  readonly columns: ReadonlyArray<Float64Array>;
}

const meanOf = (values: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return values.length === 0 ? 0 : sum / values.length;
};

/** Values with mean 0 and deviation 1; gaps are the mean, and so is everything where nothing differs. */
const standardised = (values: ArrayLike<number>): Float64Array => {
  const known = Array.from(values).filter(Number.isFinite);
  const mean = meanOf(known);
  const deviation = Math.sqrt(meanOf(known.map((value) => (value - mean) ** 2)));
  const isFlat = !(deviation > 1e-12 * Math.abs(mean)) || !Number.isFinite(deviation);
  return Float64Array.from(values, (value) => isFlat || !Number.isFinite(value) ? 0 : (value - mean) / deviation);
};

const squashed = (value: number, scale: number): number => {
  const size = Math.abs(value) / scale;
  return Number.isFinite(size) ? size / (1 + size) : 1;
};

const momentOf = (values: Float64Array, power: number): number => meanOf(values.map((value) => value ** power));

const dot = (a: Float64Array, b: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
};

const averaged = (values: ReadonlyArray<number>): number => values.length === 0 ? 0 : meanOf(values);

/** The share of all variance that lies in one direction, by power iteration. */
const firstDirection = ({ count, columns }: Standard): number => {
  const width = columns.length;
  let direction = new Float64Array(width).fill(1 / Math.sqrt(width));
  let size = 0;
  for (let round = 0; round < 30; round++) {
    const along = new Float64Array(count);
    columns.forEach((column, c) => column.forEach((value, i) => along[i] += value * direction[c]));
    const next = Float64Array.from(columns, (column) => dot(column, along) / count);
    size = Math.sqrt(dot(next, next));
    if (!(size > 0)) return 0;
    direction = next.map((value) => value / size);
  }
  return size / width;
};

/** What a cheap learner is judged on: rows to learn from and rows to answer, as numbers of samples. */
interface Halves {
  readonly learn: ReadonlyArray<number>;
  readonly judge: ReadonlyArray<number>;
}

type Landmark = (table: Standard, target: ArrayLike<number>, halves: Halves, classes: number | undefined) => number;

const distance = ({ columns }: Standard, i: number, j: number): number => {
  let sum = 0;
  for (const column of columns) sum += (column[i] - column[j]) ** 2;
  return sum;
};

/** What answers are worth: the share that is right, or 1 less the share of variance that is left, at least 0. */
const worth = (
  answers: ReadonlyArray<number>,
  target: ArrayLike<number>,
  judge: ReadonlyArray<number>,
  classes: number | undefined,
): number => {
  if (judge.length === 0) return 0;
  if (classes !== undefined) return meanOf(judge.map((row, k) => Number(answers[k] === target[row])));
  const truth = judge.map((row) => target[row]);
  const mean = meanOf(truth);
  const all = meanOf(truth.map((value) => (value - mean) ** 2));
  const left = meanOf(truth.map((value, k) => (value - answers[k]) ** 2));
  return all > 0 ? Math.max(0, 1 - left / all) : 0;
};

const nearestNeighbour: Landmark = (table, target, { learn, judge }, classes) =>
  worth(
    judge.map((row) => {
      let [best, least] = [learn[0], Infinity];
      for (const other of learn) {
        const d = distance(table, row, other);
        if (d < least) [best, least] = [other, d];
      }
      return target[best];
    }),
    target,
    judge,
    classes,
  );

/** Groups of a target: its classes, or below and above its mean. */
const groupOf = (target: ArrayLike<number>, learn: ReadonlyArray<number>, classes: number | undefined) => {
  const middle = meanOf(learn.map((row) => target[row]));
  return (row: number): number => classes !== undefined ? target[row] : Number(target[row] > middle);
};

/** What each group answers: its class, or the mean of its targets. */
const answersOf = (
  target: ArrayLike<number>,
  groups: ReadonlyArray<ReadonlyArray<number>>,
  classes: number | undefined,
): ReadonlyArray<number> =>
  groups.map((rows) => {
    if (classes === undefined) return meanOf(rows.map((row) => target[row]));
    const counts = new Map<number, number>();
    for (const row of rows) counts.set(target[row], (counts.get(target[row]) ?? 0) + 1);
    return [...counts].reduce((best, one) => one[1] > best[1] ? one : best, [0, 0])[0];
  });

const nearestMean: Landmark = (table, target, { learn, judge }, classes) => {
  const group = groupOf(target, learn, classes);
  const groups = Array.from({ length: classes ?? 2 }, (_, g) => learn.filter((row) => group(row) === g))
    .filter((rows) => rows.length > 0);
  const means = groups.map((rows) => table.columns.map((column) => meanOf(rows.map((row) => column[row]))));
  const answers = answersOf(target, groups, classes);
  const nearest = (row: number): number => {
    const distances = means.map((mean) => mean.reduce((sum, m, c) => sum + (table.columns[c][row] - m) ** 2, 0));
    return distances.indexOf(Math.min(...distances));
  };
  return worth(judge.map((row) => answers[nearest(row)]), target, judge, classes);
};

/** The best single column, cut at its median. */
const stump: Landmark = (table, target, { learn, judge }, classes) =>
  Math.max(
    0,
    ...table.columns.map((column) => {
      const cut = [...learn].sort((a, b) => column[a] - column[b])[learn.length >> 1];
      const side = (row: number) => Number(column[row] > column[cut]);
      const groups = [0, 1].map((g) => learn.filter((row) => side(row) === g));
      const answers = answersOf(target, groups, classes);
      return worth(judge.map((row) => answers[side(row)]), target, judge, classes);
    }),
  );

/** Sweeps of coordinate descent of the linear landmark, and its ridge. */
const SWEEPS = 20;
const RIDGE = 0.1;

const linearAnswers = (
  { columns }: Standard,
  target: (row: number) => number,
  { learn, judge }: Halves,
): ReadonlyArray<number> => {
  const mean = meanOf(learn.map(target));
  const weights = new Float64Array(columns.length);
  const rest = Float64Array.from(learn, (row) => target(row) - mean);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    columns.forEach((column, c) => {
      let [cross, own] = [0, RIDGE * learn.length];
      learn.forEach((row, k) => {
        cross += column[row] * (rest[k] + weights[c] * column[row]);
        own += column[row] ** 2;
      });
      const next = cross / own;
      learn.forEach((row, k) => rest[k] += (weights[c] - next) * column[row]);
      weights[c] = next;
    });
  }
  return judge.map((row) => mean + columns.reduce((sum, column, c) => sum + weights[c] * column[row], 0));
};

const linear: Landmark = (table, target, halves, classes) => {
  if (classes === undefined) {
    return worth(linearAnswers(table, (row) => target[row], halves), target, halves.judge, classes);
  }
  const present = [...new Set(halves.learn.map((row) => target[row]))];
  const scores = present.map((c) => linearAnswers(table, (row) => Number(target[row] === c), halves));
  const answers = halves.judge.map((_, k) => {
    const own = scores.map((score) => score[k]);
    return present[own.indexOf(Math.max(...own))];
  });
  return worth(answers, target, halves.judge, classes);
};

const checked = ({ columns, target, classes }: TaskTable): void => {
  const isWrong = target.length < 2 || columns.length === 0 ||
    columns.some(({ length }) => length !== target.length) ||
    (classes !== undefined && !(Number.isSafeInteger(classes) && classes >= 1));
  if (isWrong) {
    throw badSetting({
      setting: "task",
      wanted: "columns as long as the target, two rows or more",
      found: `${columns.length} columns for ${target.length} rows`,
      path: "/data",
    });
  }
};

const picked = (count: number, most: number, chance: Random): ReadonlyArray<number> => {
  const all = Array.from({ length: count }, (_, i) => i);
  return count <= most ? all : chance.shuffle(all).slice(0, most).sort((a, b) => a - b);
};

const evenness = (target: ArrayLike<number>, classes: number): number => {
  const counts = new Map<number, number>();
  for (let i = 0; i < target.length; i++) counts.set(target[i], (counts.get(target[i]) ?? 0) + 1);
  if (classes < 2) return 0;
  const shares = [...counts.values()].map((count) => count / target.length);
  return shares.reduce((sum, p) => sum + p * Math.log(1 / p), 0) / Math.log(classes);
};

/** What a task is like. Throws EVOLUTION_SETTING for a table that is none. */
export const taskFeatures = (task: TaskTable): TaskFeatures => {
  checked(task);
  const { classes } = task;
  const rowsOfAll = task.target.length;
  const chance = random("features");
  const rows = picked(rowsOfAll, LOOKED_AT.samples, chance.split("rows"));
  const places = picked(task.columns.length, LOOKED_AT.columns, chance.split("columns"));
  const raw = places.map((c) => rows.map((row) => task.columns[c][row]));
  const table: Standard = { count: rows.length, columns: raw.map(standardised) };
  const target: ArrayLike<number> = classes === undefined
    ? standardised(rows.map((row) => task.target[row]))
    : rows.map((row) => task.target[row]);
  const order = chance.split("halves").shuffle(Array.from({ length: rows.length }, (_, i) => i));
  const halves: Halves = { learn: order.slice(0, rows.length >> 1), judge: order.slice(rows.length >> 1) };
  const { columns, count } = table;
  const own = classes === undefined ? (target as Float64Array) : standardised(target);
  const pairs = columns.flatMap((column, c) =>
    columns.slice(c + 1).map((other) => Math.abs(dot(column, other)) / count)
  );
  const landmark = (of: Landmark): number => of(table, target, halves, classes);
  return {
    samples: Math.log10(rowsOfAll) / 6,
    columns: Math.log10(task.columns.length) / 3,
    samplesPerColumn: squashed(rowsOfAll / task.columns.length, 100),
    isClassification: Number(classes !== undefined),
    classes: classes === undefined ? 0 : squashed(classes, 10),
    evenness: classes === undefined ? 0 : evenness(target, classes),
    gaps: averaged(raw.map((column) => averaged(column.map((value) => Number(!Number.isFinite(value)))))),
    distinct: averaged(raw.map((column) => new Set(column).size / count)),
    skewness: averaged(columns.map((column) => squashed(momentOf(column, 3), 2))),
    tails: averaged(columns.map((column) => squashed(momentOf(column, 4), 6))),
    correlation: averaged(pairs),
    firstDirection: firstDirection(table),
    targetCorrelation: Math.max(0, ...columns.map((column) => Math.abs(dot(column, own)) / count)),
    targetSkewness: squashed(momentOf(own, 3), 2),
    nearestNeighbour: landmark(nearestNeighbour),
    nearestMean: landmark(nearestMean),
    stump: landmark(stump),
    linear: landmark(linear),
  };
};
