/**
 * Batch stream: the batches of one epoch as they are wanted, also of data that are never held as a whole.
 *
 * Invariant: a stream never holds more than its shuffle buffer, one chunk and the batches made ahead; the same options
 * give the same bytes.
 *
 * @module
 */
import * as Stream from "effect/Stream";
import type { KernelFailure } from "../../../kernel/failure.ts";
import { type Random, random } from "../../../kernel/random.ts";
import { elementCount, type Tensor, zeros } from "../../ir/library.ts";
import { attemptEffect, type NeuralFailure } from "../failures.ts";
import {
  type Batch,
  type BatchOptions,
  enterTest,
  makeBatch,
  MAX_BATCH,
  type Rows,
  settle,
  type Settled,
  wholeNumber,
} from "./batch.ts";
import { batches } from "./batches.ts";
import type { Chunk, DataSchema, Dataset, Feature, SplitName, StreamDataset } from "./dataset.ts";

/** How batches of a stream are made. */
export interface StreamOptions extends BatchOptions {
  /** Samples among which the next one is drawn. Default {@link SHUFFLE_BUFFER}. */
  readonly buffer?: number;
  /** Batches made ahead of the one in use. Default 1. */
  readonly prefetch?: number;
}

/** Samples among which the next one of a stream is drawn. */
export const SHUFFLE_BUFFER = 4_096;

/** Most batches made ahead. */
export const MAX_PREFETCH = 64;

/** What a stream holds: rows in fixed room, some of them chosen for the next batch. */
class Pool {
  readonly #schema: DataSchema;
  readonly #stores: ReadonlyArray<Tensor>;
  readonly #sizes: ReadonlyArray<number>;
  readonly #samples: Float64Array;
  readonly #free: Array<number>;
  /** Rows that wait. */
  readonly waiting: Array<number> = [];
  /** Rows of the next batch. */
  chosen: Array<number> = [];

  constructor(schema: DataSchema, capacity: number) {
    const features: ReadonlyArray<Feature> = schema.target === undefined
      ? schema.inputs
      : [...schema.inputs, schema.target];
    this.#schema = schema;
    this.#stores = features.map(({ type }) => zeros(type.dtype, [capacity, ...type.shape]));
    this.#sizes = features.map(({ type }) => elementCount(type.shape));
    this.#samples = new Float64Array(capacity);
    this.#free = Array.from({ length: capacity }, (_, i) => capacity - 1 - i);
  }

  /** Takes a row of a chunk in. */
  take(chunk: Chunk, row: number): void {
    const slot = this.#free.pop()!;
    const columns = chunk.target === undefined ? chunk.inputs : [...chunk.inputs, chunk.target];
    columns.forEach(({ data }, column) => {
      const size = this.#sizes[column];
      this.#stores[column].data.set(data.subarray(row * size, (row + 1) * size) as never, slot * size);
    });
    this.#samples[slot] = chunk.samples[row];
    this.waiting.push(slot);
  }

  /** Chooses a waiting row for the next batch. */
  choose(place: number): void {
    const last = this.waiting.pop()!;
    if (place === this.waiting.length) this.chosen.push(last);
    else {
      this.chosen.push(this.waiting[place]);
      this.waiting[place] = last;
    }
  }

  /** Gives the room of the chosen rows back. */
  release(): void {
    this.#free.push(...this.chosen.reverse());
    this.chosen = [];
  }

  rows(): Rows {
    return {
      schema: this.#schema,
      affines: [],
      read: (row, column, into, at) => {
        const size = this.#sizes[column];
        into.set(this.#stores[column].data.subarray(row * size, (row + 1) * size) as never, at);
      },
      sampleOf: (row) => this.#samples[row],
    };
  }
}

/** What makes batches of chunks as they come. */
class Batcher {
  readonly #pool: Pool;
  readonly #rows: Rows;
  readonly #settled: Settled;
  readonly #splitOf: (sample: number) => SplitName;
  readonly #buffer: number;
  readonly #draw: Random;
  #index = 0;

  constructor(dataset: StreamDataset<unknown>, settled: Settled, buffer: number) {
    this.#settled = settled;
    this.#splitOf = dataset.splitOf;
    this.#buffer = settled.shuffle ? Math.max(buffer, settled.batch) : settled.batch;
    this.#pool = new Pool(dataset.schema, this.#buffer + settled.batch);
    this.#rows = this.#pool.rows();
    this.#draw = random(`${settled.seed}/order/${settled.epoch}`);
  }

  push(chunk: Chunk): ReadonlyArray<Batch> {
    const made: Array<Batch> = [];
    for (let row = 0; row < chunk.samples.length; row++) {
      if (this.#splitOf(chunk.samples[row]) !== this.#settled.split) continue;
      this.#pool.take(chunk, row);
      if (this.#pool.waiting.length >= this.#buffer) this.#choose(made);
    }
    return made;
  }

  end(): ReadonlyArray<Batch> {
    const made: Array<Batch> = [];
    while (this.#pool.waiting.length > 0) this.#choose(made);
    if (this.#pool.chosen.length > 0 && !this.#settled.drop) this.#emit(made);
    return made;
  }

  #choose(made: Array<Batch>): void {
    const { waiting, chosen } = this.#pool;
    if (this.#settled.shuffle) this.#pool.choose(this.#draw.below(waiting.length));
    // In order: everything that waits becomes the next batch.
    else chosen.push(...waiting.splice(0));
    if (this.#pool.chosen.length === this.#settled.batch) this.#emit(made);
  }

  #emit(made: Array<Batch>): void {
    const index = this.#index++;
    if (index >= this.#settled.from) {
      const { chosen } = this.#pool;
      made.push(makeBatch(this.#rows, chosen, index, chosen, this.#settled));
    }
    this.#pool.release();
  }
}

/** Batches of one epoch as a stream, of a set in memory or of one that is read as it passes. */
export const batchStream = <R = never>(
  dataset: Dataset<R>,
  options: StreamOptions,
): Stream.Stream<Batch, NeuralFailure | KernelFailure, R> => {
  const prefetch = options.prefetch ?? 1;
  const made = (): Stream.Stream<Batch, NeuralFailure | KernelFailure, R> => {
    wholeNumber("prefetch", prefetch, 0, MAX_PREFETCH);
    wholeNumber("buffer", options.buffer ?? SHUFFLE_BUFFER, 1, MAX_BATCH);
    if (dataset.kind === "memory") return Stream.fromIterable(batches(dataset, options), { chunkSize: 1 });
    const settled = settle(dataset, options);
    enterTest(dataset.name, settled);
    return Stream.mapAccum(
      dataset.chunks,
      () => new Batcher(dataset, settled, options.buffer ?? SHUFFLE_BUFFER),
      (batcher, chunk) => [batcher, batcher.push(chunk)] as const,
      { onHalt: (batcher) => batcher.end() },
    );
  };
  const opened = Stream.unwrap(attemptEffect(made));
  return prefetch === 0 ? opened : Stream.buffer(opened, { capacity: prefetch });
};
