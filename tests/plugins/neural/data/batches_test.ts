/**
 * Tests of data/batches.ts and data/batch.ts: order, resumption, guard, and what a batch holds.
 */
import assert from "node:assert/strict";
import { tensor } from "../../../../plugins/ir/library.ts";
import type { Augmentation } from "../../../../plugins/neural/data/augment.ts";
import { type Batch, type BatchOptions, MAX_BATCH } from "../../../../plugins/neural/data/batch.ts";
import { batches } from "../../../../plugins/neural/data/batches.ts";
import { type MemoryDataset, memoryDataset, tensorColumn, TestGuard } from "../../../../plugins/neural/data/dataset.ts";
import { classColumn, generatedData } from "../../../../plugins/neural/data/generated.ts";
import { splitSamples } from "../../../../plugins/neural/data/splits.ts";
import { codeOf, messageOf } from "../hostile.ts";

const COUNT = 50;

/** Sample i is the image full of i, of class i mod 3. */
const pictures = (): MemoryDataset => {
  const classes = Int32Array.from({ length: COUNT }, (_, i) => i % 3);
  return memoryDataset({
    name: "pictures",
    inputs: [
      tensorColumn("image", tensor("f32", [COUNT, 1, 4, 4], Array.from({ length: COUNT * 16 }, (_, i) => i >> 4))),
    ],
    target: classColumn("class", classes, ["a", "b", "c"]),
    length: COUNT,
    splits: splitSamples(COUNT, { validation: 0.2, test: 0.1, seed: 1 }),
  });
};

const TRAIN: BatchOptions = { split: "train", batch: 8, seed: 3 };
const samplesOf = (made: Iterable<Batch>) => [...made].flatMap((batch) => [...batch.samples]);
const bytesOf = (made: Iterable<Batch>) =>
  [...made].map(({ samples, inputs, target }) => [samples, inputs.map(({ data }) => [...data]), [...target!.data]]);

Deno.test("an epoch holds every sample of its part once, each with its own input and class", () => {
  const data = pictures();
  const epoch = batches(data, TRAIN);
  assert.equal(epoch.length, 5);
  assert.equal(epoch.samples, 35);
  assert.deepEqual(samplesOf(epoch).sort((a, b) => a - b), [...data.splits.train]);
  for (const batch of epoch) {
    batch.samples.forEach((sample, i) => {
      assert.equal(batch.inputs[0].data[i * 16 + 5], sample);
      assert.equal(batch.target!.data[i], sample % 3);
    });
  }
});

Deno.test("the last batch is the smaller one, or left out", () => {
  assert.deepEqual([...batches(pictures(), TRAIN)].map(({ size }) => size), [8, 8, 8, 8, 3]);
  const dropped = batches(pictures(), { ...TRAIN, drop: true });
  assert.deepEqual([[...dropped].length, dropped.samples], [4, 32]);
});

Deno.test("the same seed and epoch give the same bytes; another seed or epoch another order", () => {
  assert.deepEqual(bytesOf(batches(pictures(), TRAIN)), bytesOf(batches(pictures(), TRAIN)));
  const order = samplesOf(batches(pictures(), TRAIN));
  assert.notDeepEqual(samplesOf(batches(pictures(), { ...TRAIN, epoch: 1 })), order);
  assert.notDeepEqual(samplesOf(batches(pictures(), { ...TRAIN, seed: 4 })), order);
});

Deno.test("what is judged on comes in its own order, and training can", () => {
  const data = pictures();
  assert.deepEqual(samplesOf(batches(data, { split: "validation", batch: 4 })), [...data.splits.validation]);
  assert.deepEqual(samplesOf(batches(data, { ...TRAIN, shuffle: false })), [...data.splits.train]);
});

const CHANGES: ReadonlyArray<Augmentation> = [{ kind: "shift", pixels: 1 }, { kind: "noise", deviation: 0.1 }, {
  kind: "mixup",
  alpha: 0.4,
}];

Deno.test("resumed from any batch it goes on with the same bytes, changes of samples and all", () => {
  const options = { ...TRAIN, augment: CHANGES };
  const whole = bytesOf(batches(pictures(), options));
  for (let from = 0; from <= whole.length; from++) {
    assert.deepEqual(bytesOf(batches(pictures(), { ...options, from })), whole.slice(from));
  }
  assert.deepEqual(bytesOf([batches(pictures(), options).at(2)]), [whole[2]]);
});

Deno.test("how many samples stand in a batch does not change what becomes of a sample", () => {
  const byBatch = (batch: number) =>
    new Map(
      [...batches(pictures(), { ...TRAIN, batch, augment: CHANGES })].flatMap(({ samples, inputs, target }) =>
        samples.map((sample, i) =>
          [sample, [[...inputs[0].data.slice(i * 16, i * 16 + 16)], [...target!.data.slice(i * 3, i * 3 + 3)]]] as const
        )
      ),
    );
  assert.deepEqual(byBatch(7), byBatch(35));
});

Deno.test("classes as shares are one at their place", () => {
  const epoch = batches(pictures(), { ...TRAIN, oneHot: true });
  assert.deepEqual(epoch.features.target!.type, { dtype: "f32", shape: [3] });
  const [{ samples, target }] = epoch;
  samples.forEach((sample, i) =>
    assert.deepEqual([...target!.data.slice(i * 3, i * 3 + 3)], [0, 1, 2].map((k) => k === sample % 3 ? 1 : 0))
  );
});

Deno.test("the test part takes a guard, is read once, and the second reading is refused", () => {
  const options: BatchOptions = { split: "test", batch: 4 };
  assert.match(messageOf(() => batches(pictures(), options)), /guard/u);
  const guard = new TestGuard();
  assert.equal(samplesOf(batches(pictures(), { ...options, guard })).length, 5);
  assert.equal(codeOf(() => batches(pictures(), { ...options, guard })), "NEURAL_TEST_SPLIT");
  assert.equal(batches(pictures(), { ...options, guard: new TestGuard() }).length, 2);
});

Deno.test("sizes and positions that make no sense are refused; the largest batch is not", () => {
  for (const wrong of [{ batch: 0 }, { batch: 1.5 }, { batch: MAX_BATCH + 1 }, { epoch: -1 }, { from: -1 }]) {
    assert.equal(codeOf(() => batches(pictures(), { ...TRAIN, ...wrong })), "NEURAL_DATA_OPTION");
  }
  assert.equal(batches(pictures(), { ...TRAIN, batch: MAX_BATCH }).length, 1);
  assert.equal(codeOf(() => batches(pictures(), TRAIN).at(5)), "NEURAL_DATA_OPTION");
});

Deno.test("shares of classes are refused where there are no classes", () => {
  const { inputs, length, splits } = generatedData("moons");
  const unlabelled = memoryDataset({ name: "u", inputs, length, splits });
  assert.equal(codeOf(() => batches(unlabelled, { ...TRAIN, oneHot: true })), "NEURAL_DATA_OPTION");
  assert.equal(batches(unlabelled, TRAIN).at(0).target, undefined);
});
