/**
 * Prepared data: a table made fit to be learned from, and later rows made the same way.
 *
 * Not what becomes of a column (preparation.ts).
 * Invariant: what rows are judged on is looked at for their answers alone; a row that is encoded again, in another file
 * or alone, gives the same numbers.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type { KernelFailure } from "../../../kernel/failure.ts";
import { tensorOf } from "../../ir/library.ts";
import { attemptEffect, badColumn, badData, dataLimit, malformedData, type NeuralFailure } from "../failures.ts";
import type { RowStream } from "./columnar.ts";
import { type MemoryDataset, memoryDataset, type Splits, type Target, tensorColumn } from "./dataset.ts";
import { isDates, planOf, preparationOf, preparedPlan, type TablePreparation } from "./preparation.ts";
import { range, type SplitRule, splitSamples } from "./splits.ts";
import { columnAt, placedTarget, type TableOptions, type TablePlan, TableProfile, targetOf } from "./table.ts";
import { Builder, eachRow, MAX_TABLE_NUMBERS, profileOf, type TableDataset, targetColumn } from "./table_data.ts";
import { encoderOf, scaled } from "./table_rows.ts";

/** Fewest rows with an answer that can be learned from, chosen by and judged on. */
export const LEAST_ROWS = 10;

type Failing = NeuralFailure | KernelFailure;
type Answered = NonNullable<TablePlan["target"]>;

/** Options that say what `prepare` settles. */
const SETTLED = { missing: "impute", categories: "one-hot" } as const;

const checkOptions = (options: TableOptions, path: string): void => {
  for (const [name, usual] of Object.entries(SETTLED)) {
    const given = options[name as keyof typeof SETTLED];
    if (given === undefined || given === usual) continue;
    throw badData({
      what: `${name} "${given}"`,
      reason: "prepared columns mark their gaps and give texts places",
      path: `${path}/${name}`,
      fix: { summary: `Leave out ${name}`, patch: [{ op: "remove", path: `${path}/${name}` }] },
    });
  }
};

/** Which rows have an answer, and the answers. */
interface Answers {
  /** Rows in all. */
  readonly rows: number;
  /** The row of each sample. */
  readonly kept: Uint32Array;
  /** Class or number of each sample. */
  readonly values: Float64Array;
}

const answersOf = <R>(rows: RowStream<R>, count: number, target: Answered | undefined) =>
  Effect.gen(function* () {
    if (target === undefined) {
      return { rows: count, kept: range(0, count), values: new Float64Array(count) } satisfies Answers as Answers;
    }
    const only: TablePlan = { features: [], width: 0, indexed: [], inputs: [], unused: [], missing: "impute", target };
    const encoder = encoderOf(only);
    const kept: Array<number> = [];
    const values: Array<number> = [];
    yield* eachRow(rows, (row, number) => {
      if (!encoder.keeps(row)) return;
      kept.push(number);
      values.push(encoder.target(row, number));
    });
    return { rows: count, kept: Uint32Array.from(kept), values: Float64Array.from(values) };
  });

/** Refuses answers from which nothing can be learned. */
const checkAnswers = ({ feature }: Answered, { kept, values }: Answers, path: string): void => {
  const refuse = (reason: string): never => {
    throw badColumn({ column: feature.name, reason, path: `${path}/target` });
  };
  const different = new Set(values).size;
  if (kept.length < LEAST_ROWS) {
    throw badData({
      what: "the table",
      reason: `${kept.length} of its rows ${kept.length === 1 ? "has" : "have"} an answer in "${feature.name}", and ` +
        `at least ${LEAST_ROWS} are needed to learn from, choose by and judge on`,
      path,
    });
  }
  if (different === 1) refuse("all its values are the same, so there is nothing to learn");
  if (feature.kind === "classification" && different > kept.length / 2) {
    const task = values.length > 0 && feature.labels!.every((label) => Number.isFinite(Number(label)))
      ? "; ask for task regression where it is a number"
      : "";
    refuse(`it has ${different} different values in ${kept.length} rows, too few rows of each to be classes${task}`);
  }
};

const median = (sorted: Float64Array): number => {
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};

/** The same plan with what stands for absent numbers: their medians in the part to learn from. */
const settled = (plan: TablePlan, features: Float32Array, train: Uint32Array): TablePlan => ({
  ...plan,
  features: plan.features.map((placed) => {
    if (placed.vocabulary !== undefined) return placed;
    const known = Float64Array.from(train, (sample) => features[sample * plan.width + placed.at])
      .filter((value) => !Number.isNaN(value)).sort();
    const { shift = 0, scale = 1 } = placed;
    return { ...placed, fill: (known.length === 0 ? 0 : median(known) / scale) + shift };
  }),
});

/** Writes what stands for absent numbers, as an encoder of the settled plan does. */
const fill = ({ features: columns, width }: TablePlan, features: Float32Array): void => {
  for (const placed of columns) {
    if (placed.vocabulary !== undefined) continue;
    const value = scaled(placed, Number(placed.fill));
    for (let i = placed.at; i < features.length; i += width) if (Number.isNaN(features[i])) features[i] = value;
  }
};

const encoded = <R>(rows: RowStream<R>, plan: TablePlan, answers: Answers) =>
  Effect.gen(function* () {
    const size = answers.kept.length * (plan.width + 1);
    if (size > MAX_TABLE_NUMBERS) {
      return yield* dataLimit({ what: "a table in memory", limit: MAX_TABLE_NUMBERS, found: size });
    }
    const { target: _target, ...given } = plan;
    const builder = new Builder(given, answers.kept.length);
    let next = 0;
    yield* eachRow(rows, (row, number) => {
      if (answers.kept[next] !== number) return;
      next++;
      builder.add(row, number);
    });
    return builder.features;
  });

/** Mean and deviation of numbers. */
const spreadOf = (values: Float64Array): { readonly mean: number; readonly deviation: number } => {
  const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length);
  return { mean, deviation: squares > 0 ? Math.sqrt(squares) : 1 };
};

/** A target of numbers with the unit that brings them to mean 0 and deviation 1 by the part to learn from. */
const inUnit = (feature: Target, values: Float64Array, train: Uint32Array): Target => {
  if (feature.kind !== "regression") return feature;
  const { mean, deviation } = spreadOf(Float64Array.from(train, (sample) => values[sample]));
  return { ...feature, unit: { scale: deviation, offset: mean } };
};

const answerColumn = (feature: Target, values: Float64Array) => {
  if (feature.kind !== "regression") {
    return targetColumn(feature, tensorOf("i32", [values.length], Int32Array.from(values)));
  }
  const { scale, offset } = feature.unit ?? { scale: 1, offset: 0 };
  const scaled = Float32Array.from(values, (value) => (value - offset) / scale);
  return targetColumn(feature, tensorOf("f32", [values.length], scaled));
};

const splitsOf = (target: Answered | undefined, values: Float64Array, rule: SplitRule): Splits =>
  splitSamples(values.length, rule, target?.feature.kind === "classification" ? values : undefined, true);

/** Reads a table into memory, made fit to be learned from; `path` is where its options stand in the input. */
export const preparedData = <R>(
  name: string,
  rows: RowStream<R>,
  options: TableOptions & { readonly split?: SplitRule },
  path = "/data",
): Effect.Effect<TableDataset, Failing, R> =>
  Effect.gen(function* () {
    yield* attemptEffect(() => checkOptions(options, path));
    const whole = yield* profileOf(rows, () => true);
    const all = whole.columns();
    const target = yield* attemptEffect(() => {
      const learned = targetOf(all.map((column) => column.name), options);
      if (learned === undefined) return undefined;
      const at = columnAt(all, learned, `${path}/target`);
      return placedTarget(all[at], at, options, path);
    });
    const answers = yield* answersOf(rows, whole.rows, target);
    const splits = yield* attemptEffect(() => {
      if (target !== undefined) checkAnswers(target, answers, path);
      return splitsOf(target, answers.values, options.split ?? {});
    });
    const inTrain = new Uint8Array(whole.rows);
    for (const sample of splits.train) inTrain[answers.kept[sample]] = 1;
    const dates = new Set([...all.keys()].filter((i) => isDates(all[i])));
    const learned = yield* profileRows(rows, all.map(({ name }) => name), dates, (number) => inTrain[number] === 1);
    const open = yield* attemptEffect(() => preparedPlan(all, learned, whole.rows, target, options, path));
    const features = yield* encoded(rows, open, answers);
    const plan = settled(open, features, splits.train);
    fill(plan, features);
    const { length } = answers.kept;
    const feature = target && inUnit(target.feature, answers.values, splits.train);
    const dataset = memoryDataset({
      name,
      inputs: [tensorColumn("features", tensorOf("f32", [length, plan.width], features))],
      ...(feature === undefined ? {} : { target: answerColumn(feature, answers.values) }),
      length,
      splits,
      table: preparationOf(plan),
    });
    return { dataset, plan: target && feature ? { ...plan, target: { ...target, feature } } : plan };
  });

const profileRows = <R>(
  rows: RowStream<R>,
  names: ReadonlyArray<string>,
  dates: ReadonlySet<number>,
  isLearned: (row: number) => boolean,
) =>
  Effect.gen(function* () {
    const profile = new TableProfile(names, dates);
    yield* eachRow(rows, (row, number) => {
      if (isLearned(number)) profile.add(row);
    });
    return profile.columns();
  });

/** What a model says of the rows that it answers. */
export interface Prepared {
  /** How rows become samples. */
  readonly table: TablePreparation;
  /** What it learned; where rows have it, it is read, unless only answers are wanted. */
  readonly target?: Target;
}

/** Rows that came later as samples, by what a model keeps; without `split` all of them are in the part `test`. */
export const dataBy = <R>(
  name: string,
  rows: RowStream<R>,
  { table, target }: Prepared,
  split?: SplitRule,
  path = "/data",
): Effect.Effect<MemoryDataset, Failing, R> =>
  Effect.gen(function* () {
    let count = 0;
    let names: ReadonlyArray<string> | undefined;
    yield* eachRow(rows, (_, number, given) => {
      names = given;
      count = number + 1;
    });
    if (names === undefined) {
      return yield* malformedData({ format: "the table", at: "its rows", reason: "there are none" });
    }
    const known = names;
    const plan = yield* attemptEffect(() => planOf(table, known, target, path));
    const answers = yield* answersOf(rows, count, plan.target);
    const features = yield* encoded(rows, plan, answers);
    const { length } = answers.kept;
    return yield* attemptEffect(() => {
      const wrong = answers.values.findIndex(Number.isNaN);
      if (wrong >= 0) {
        const reason = `row ${answers.kept[wrong]} holds no number`;
        throw badColumn({ column: plan.target!.feature.name, reason, path });
      }
      const none = new Uint32Array();
      const splits = split === undefined
        ? { train: none, validation: none, test: range(0, length) }
        : splitsOf(plan.target, answers.values, split);
      return memoryDataset({
        name,
        inputs: [tensorColumn("features", tensorOf("f32", [length, plan.width], features))],
        ...(plan.target === undefined ? {} : { target: answerColumn(plan.target.feature, answers.values) }),
        length,
        splits,
        table,
      });
    });
  });
