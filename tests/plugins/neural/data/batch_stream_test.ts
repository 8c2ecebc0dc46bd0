/**
 * Tests of data/batch_stream.ts: bounded, repeatable, resumable, and as slow as whoever reads it.
 */
import * as Effect from "effect/Effect";
import * as Stream from "effect/Stream";
import assert from "node:assert/strict";
import { tensor } from "../../../../plugins/ir/library.ts";
import type { Batch } from "../../../../plugins/neural/data/batch.ts";
import { batches } from "../../../../plugins/neural/data/batches.ts";
import { batchStream, MAX_PREFETCH, type StreamOptions } from "../../../../plugins/neural/data/batch_stream.ts";
import { type Chunk, type Dataset, type StreamDataset, TestGuard } from "../../../../plugins/neural/data/dataset.ts";
import { generatedData } from "../../../../plugins/neural/data/generated.ts";

const ROWS = 1_000;
const CHUNK = 37;

const passing = (made: (first: number) => void = () => {}): StreamDataset => ({
  kind: "stream",
  name: "passing",
  schema: {
    inputs: [{ name: "x", type: { dtype: "f32", shape: [2] } }],
    target: { name: "y", type: { dtype: "i32", shape: [] }, kind: "classification", classes: 5 },
  },
  chunks: Stream.unfold(0, (first) =>
    Effect.sync(() => {
      if (first >= ROWS) return undefined;
      made(first);
      const length = Math.min(CHUNK, ROWS - first);
      const samples = Array.from({ length }, (_, i) => first + i);
      const chunk: Chunk = {
        samples,
        inputs: [tensor("f32", [length, 2], samples.flatMap((sample) => [sample, -sample]))],
        target: tensor("i32", [length], samples.map((sample) => sample % 5)),
      };
      return [chunk, first + length] as const;
    })),
  splitOf: (sample) => sample % 10 === 3 ? "validation" : sample % 10 === 7 ? "test" : "train",
});

const collect = (dataset: Dataset, options: StreamOptions): Promise<ReadonlyArray<Batch>> =>
  Effect.runPromise(Stream.runCollect(batchStream(dataset, options)));

const codeOfStream = (dataset: Dataset, options: StreamOptions): Promise<string> =>
  Effect.runPromise(
    Effect.map(Effect.flip(Stream.runCollect(batchStream(dataset, options))), (failure) => failure.code),
  );

const TRAIN: StreamOptions = { split: "train", batch: 32, seed: 1, buffer: 100 };
const numbers = (made: ReadonlyArray<Batch>) => made.flatMap(({ samples }) => [...samples]);

Deno.test("an epoch of a stream holds every sample of its part once, each with its own input and class", async () => {
  const made = await collect(passing(), TRAIN);
  assert.deepEqual(made.map(({ size }) => size), Array(25).fill(32));
  const expected = Array.from({ length: ROWS }, (_, i) => i).filter((i) => i % 10 !== 3 && i % 10 !== 7);
  assert.deepEqual(numbers(made).sort((a, b) => a - b), expected);
  for (const { samples, inputs, target } of made) {
    samples.forEach((sample, i) => {
      assert.deepEqual([inputs[0].data[2 * i], inputs[0].data[2 * i + 1]], [sample, -sample]);
      assert.equal(target!.data[i], sample % 5);
    });
  }
});

Deno.test("the same seed gives the same order, another seed or epoch another, and it is no longer sorted", async () => {
  const order = numbers(await collect(passing(), TRAIN));
  assert.deepEqual(numbers(await collect(passing(), TRAIN)), order);
  assert.notDeepEqual(numbers(await collect(passing(), { ...TRAIN, seed: 2 })), order);
  assert.notDeepEqual(numbers(await collect(passing(), { ...TRAIN, epoch: 1 })), order);
  assert.notDeepEqual([...order].sort((a, b) => a - b), order);
});

Deno.test("without shuffling the order is that of the rows, and a last batch may be left out", async () => {
  const made = await collect(passing(), { split: "validation", batch: 30 });
  assert.deepEqual(numbers(made), Array.from({ length: 100 }, (_, i) => 10 * i + 3));
  assert.deepEqual(made.map(({ size }) => size), [30, 30, 30, 10]);
  assert.equal((await collect(passing(), { split: "validation", batch: 30, drop: true })).length, 3);
});

Deno.test("resumed from any batch it goes on with the same bytes", async () => {
  const options: StreamOptions = { ...TRAIN, augment: [{ kind: "noise", deviation: 0.5 }] };
  const whole = await collect(passing(), options);
  for (const from of [1, 7, 24, 25]) {
    assert.deepEqual(await collect(passing(), { ...options, from }), whole.slice(from));
  }
});

Deno.test("a set in memory gives as a stream what it gives as a sequence", async () => {
  const data = generatedData("moons");
  const options: StreamOptions = { split: "train", batch: 64, seed: 5 };
  assert.deepEqual(await collect(data, options), [...batches(data, options)]);
});

Deno.test("a slow reader holds the source back: no more is read than the buffer, one chunk and what is made ahead", async () => {
  let read = 0;
  const dataset = passing((first) => read = first);
  await Effect.runPromise(Stream.runDrain(Stream.take(batchStream(dataset, { ...TRAIN, prefetch: 0 }), 1)));
  assert.ok(read <= 100 + 32 + 4 * CHUNK, `${read} rows were read for one batch`);
  read = 0;
  await Effect.runPromise(
    Stream.runForEach(Stream.take(batchStream(dataset, { ...TRAIN, prefetch: 2 }), 3), () => Effect.sleep("2 millis")),
  );
  assert.ok(read < ROWS - 200, `${read} rows were read for three batches`);
});

Deno.test("one buffer's worth of room mixes only near rows: the first batch comes from the first rows", async () => {
  const [first] = await collect(passing(), TRAIN);
  assert.ok(Math.max(...first.samples) < 200);
});

Deno.test("options are refused as failures of the stream, and the test part is read once", async () => {
  assert.equal(await codeOfStream(passing(), { ...TRAIN, batch: 0 }), "NEURAL_DATA_OPTION");
  assert.equal(await codeOfStream(passing(), { ...TRAIN, prefetch: MAX_PREFETCH + 1 }), "NEURAL_DATA_OPTION");
  assert.equal(await codeOfStream(passing(), { ...TRAIN, buffer: 0 }), "NEURAL_DATA_OPTION");
  assert.equal((await collect(passing(), { ...TRAIN, prefetch: MAX_PREFETCH })).length, 25);
  const guard = new TestGuard();
  assert.equal((await collect(passing(), { split: "test", batch: 50, guard })).length, 2);
  assert.equal(await codeOfStream(passing(), { split: "test", batch: 50, guard }), "NEURAL_TEST_SPLIT");
});
