/**
 * Table data: a table's rows as a data set, held in memory or encoded as they pass.
 *
 * Invariant: both ways read the rows twice, first to plan and then to encode, and give the same numbers for a row.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Stream from "effect/Stream";
import type { KernelFailure } from "../../../kernel/mod.ts";
import { turn } from "../../../kernel/slices.ts";
import { type Tensor, tensorOf } from "../../ir/library.ts";
import { attemptEffect, dataLimit, malformedData, type NeuralFailure } from "../failures.ts";
import type { RowStream } from "./columnar.ts";
import {
  type Chunk,
  type Column,
  type MemoryDataset,
  memoryDataset,
  type StreamDataset,
  type Target,
  tensorColumn,
} from "./dataset.ts";
import { splitByDraw, type SplitRule, splitSamples } from "./splits.ts";
import { type Placed, planTable, type Row, type TableOptions, type TablePlan, TableProfile } from "./table.ts";
import { encoderOf, fillGaps } from "./table_rows.ts";

/** Most numbers of a table that is held in memory. */
export const MAX_TABLE_NUMBERS: number = 2 ** 28;

type Failing = NeuralFailure | KernelFailure;

/** Runs over all rows, a turn of the event loop between parts. */
export const eachRow = <R>(
  rows: RowStream<R>,
  take: (row: Row, number: number, names: ReadonlyArray<string>) => void,
): Effect.Effect<void, NeuralFailure | KernelFailure, R> => {
  let number = 0;
  return Stream.runForEach(rows, (chunk) =>
    Effect.andThen(
      attemptEffect(() => {
        for (const row of chunk.rows) take(row, number++, chunk.names);
      }),
      turn,
    ));
};

/** What the columns of a table hold; statistics are of the rows that are learned from. */
export const profileOf = <R>(
  rows: RowStream<R>,
  isLearned: (number: number) => boolean,
): Effect.Effect<TableProfile, Failing, R> =>
  Effect.gen(function* () {
    let profile: TableProfile | undefined;
    yield* eachRow(rows, (row, number, names) => {
      profile ??= new TableProfile(names);
      profile.add(row, isLearned(number));
    });
    if (profile !== undefined) return profile;
    return yield* malformedData({ format: "the table", at: "its rows", reason: "there are none" });
  });

/** Rows as they are encoded. */
export class Builder {
  readonly #plan: TablePlan;
  readonly #encoder: ReturnType<typeof encoderOf>;
  readonly features: Float32Array<ArrayBuffer>;
  readonly indexed: ReadonlyArray<Int32Array<ArrayBuffer>>;
  readonly classes: Int32Array<ArrayBuffer>;
  readonly numbers: Float32Array<ArrayBuffer>;
  length = 0;

  constructor(plan: TablePlan, capacity: number) {
    this.#plan = plan;
    this.#encoder = encoderOf(plan);
    this.features = new Float32Array(capacity * plan.width);
    this.indexed = plan.indexed.map(() => new Int32Array(capacity));
    const kind = plan.target?.feature.kind;
    this.classes = new Int32Array(kind === "classification" ? capacity : 0);
    this.numbers = new Float32Array(kind === "regression" ? capacity : 0);
  }

  /** Takes a row; whether it became a sample. */
  add(row: Row, number: number): boolean {
    if (!this.#encoder.keeps(row)) return false;
    const at = this.length++;
    this.#encoder.features(row, this.features, at * this.#plan.width, number);
    this.indexed.forEach((column, i) => column[at] = this.#encoder.index(row, i));
    if (this.classes.length > 0) this.classes[at] = this.#encoder.target(row, number);
    if (this.numbers.length > 0) this.numbers[at] = this.#encoder.target(row, number);
    return true;
  }

  inputs(): ReadonlyArray<Tensor> {
    const { length } = this;
    const { width } = this.#plan;
    return [
      ...(width === 0 ? [] : [tensorOf("f32", [length, width], this.features.slice(0, length * width))]),
      ...this.indexed.map((column) => tensorOf("i32", [length], column.slice(0, length))),
    ];
  }

  target(): Tensor | undefined {
    if (this.classes.length > 0) return tensorOf("i32", [this.length], this.classes.slice(0, this.length));
    if (this.numbers.length > 0) return tensorOf("f32", [this.length], this.numbers.slice(0, this.length));
    return undefined;
  }
}

/** A data set of a table, and how its rows became samples. */
export interface TableDataset {
  /** The samples. */
  readonly dataset: MemoryDataset;
  /** The plan. */
  readonly plan: TablePlan;
}

/** The answers of samples as a column. */
export const targetColumn = (feature: Target, answers: Tensor): Column & { readonly feature: Target } => ({
  ...tensorColumn(feature.name, answers),
  feature,
});

/** Means of a column over some samples, gaps left out. */
const meanOver = (features: Float32Array, width: number, samples: ArrayLike<number>) => ({ at }: Placed): number => {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < samples.length; i++) {
    const value = features[samples[i] * width + at];
    if (Number.isNaN(value)) continue;
    sum += value;
    count++;
  }
  return count === 0 ? 0 : sum / count;
};

/** Reads a table into memory; `path` is where its options stand in the input. */
export const tableData = <R>(
  name: string,
  rows: RowStream<R>,
  options: TableOptions & { readonly split?: SplitRule },
  path = "/data",
): Effect.Effect<TableDataset, Failing, R> =>
  Effect.gen(function* () {
    const profile = yield* profileOf(rows, () => true);
    const plan = yield* attemptEffect(() => planTable(profile.columns(), options, path));
    const size = profile.rows * (plan.width + plan.indexed.length + 1);
    if (size > MAX_TABLE_NUMBERS) {
      return yield* dataLimit({ what: "a table in memory", limit: MAX_TABLE_NUMBERS, found: size });
    }
    const builder = yield* attemptEffect(() => new Builder(plan, profile.rows));
    yield* eachRow(rows, (row, number) => void builder.add(row, number));
    const { length } = builder;
    return yield* attemptEffect(() => {
      const target = builder.target();
      const classes = plan.target?.feature.kind === "classification" ? (target!.data as Int32Array) : undefined;
      const splits = splitSamples(length, options.split ?? {}, classes);
      const inputs = builder.inputs();
      if (plan.width > 0) {
        const features = inputs[0].data as Float32Array;
        fillGaps(plan, features, meanOver(features, plan.width, splits.train));
      }
      const dataset = memoryDataset({
        name,
        inputs: inputs.map((tensor, i) => tensorColumn(plan.inputs[i].name, tensor)),
        ...(target === undefined ? {} : { target: targetColumn(plan.target!.feature, target) }),
        length,
        splits,
      });
      return { dataset, plan };
    });
  });

/** A data set that is encoded as it passes, and how. */
export interface TableStream<R> {
  /** The samples. */
  readonly dataset: StreamDataset<R>;
  /** The plan. */
  readonly plan: TablePlan;
}

/** Plans a table by reading it once, and encodes its rows whenever they are wanted. */
export const tableStream = <R>(
  name: string,
  rows: RowStream<R>,
  options: TableOptions & { readonly split?: SplitRule },
  path = "/data",
): Effect.Effect<TableStream<R>, Failing, R> =>
  Effect.gen(function* () {
    const splitOf = yield* attemptEffect(() => splitByDraw(options.split ?? {}));
    const profile = yield* profileOf(rows, (number) => splitOf(number) === "train");
    const plan = yield* attemptEffect(() => planTable(profile.columns(), options, path));
    const chunks = Stream.mapAccumEffect(
      rows,
      () => 0,
      (first, chunk) =>
        Effect.andThen(
          turn,
          attemptEffect(() => {
            const builder = new Builder(plan, chunk.rows.length);
            const samples: Array<number> = [];
            chunk.rows.forEach((row, i) => {
              if (builder.add(row, first + i)) samples.push(first + i);
            });
            const inputs = builder.inputs();
            if (plan.width > 0) fillGaps(plan, inputs[0].data as Float32Array);
            const target = builder.target();
            const made: Chunk = { samples, inputs, ...(target === undefined ? {} : { target }) };
            return [first + chunk.rows.length, samples.length === 0 ? [] : [made]] as const;
          }),
        ),
    );
    const { target } = plan;
    const dropped = plan.missing === "drop" || (target?.profile.missing ?? 0) > 0;
    return {
      plan,
      dataset: {
        kind: "stream",
        name,
        schema: { inputs: plan.inputs, ...(target === undefined ? {} : { target: target.feature }) },
        ...(dropped ? {} : { length: profile.rows }),
        chunks,
        splitOf,
      },
    };
  });
