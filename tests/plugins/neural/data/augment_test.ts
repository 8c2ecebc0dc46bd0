/**
 * Tests of data/augment.ts and data/statistics.ts against hand derivations.
 */
import assert from "node:assert/strict";
import { tensor } from "../../../../plugins/ir/library.ts";
import { type Augmentation, changesOf, checkAugmentations } from "../../../../plugins/neural/data/augment.ts";
import { batches } from "../../../../plugins/neural/data/batches.ts";
import {
  gather,
  type MemoryDataset,
  memoryDataset,
  tensorColumn,
  uniformly,
} from "../../../../plugins/neural/data/dataset.ts";
import { classColumn } from "../../../../plugins/neural/data/generated.ts";
import { range } from "../../../../plugins/neural/data/splits.ts";
import { rescale, statisticsOf } from "../../../../plugins/neural/data/statistics.ts";
import { codeOf } from "../hostile.ts";

const TYPE = { dtype: "f32", shape: [1, 3, 4] } as const;
const IMAGE = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

const changed = (
  change: Augmentation,
  sample: number,
  image = IMAGE,
  type: { dtype: "f32"; shape: ReadonlyArray<number> } = TYPE,
) => {
  const pixels = Float32Array.from(image);
  changesOf([change], 1, 0, sample).stored(type, pixels, 0);
  return [...pixels];
};

const moved = (dx: number, dy: number) =>
  IMAGE.map((_, i) => {
    const [x, y] = [i % 4 + dx, Math.floor(i / 4) + dy];
    return x >= 0 && x < 4 && y >= 0 && y < 3 ? IMAGE[y * 4 + x] : 0;
  });

Deno.test("a shift moves whole pixels, every way of its range happens, and beyond the edge there is 0", () => {
  const ways = [-1, 0, 1].flatMap((dx) => [-1, 0, 1].map((dy) => JSON.stringify(moved(dx, dy))));
  const seen = new Set(
    Array.from({ length: 200 }, (_, sample) => JSON.stringify(changed({ kind: "shift", pixels: 1 }, sample))),
  );
  assert.deepEqual([...seen].filter((made) => !ways.includes(made)), []);
  assert.equal(seen.size, 9);
});

Deno.test("a flip mirrors about the middle, exactly, always at chance 1 and never at chance 0", () => {
  const horizontal = [4, 3, 2, 1, 8, 7, 6, 5, 12, 11, 10, 9];
  const vertical = [9, 10, 11, 12, 5, 6, 7, 8, 1, 2, 3, 4];
  assert.deepEqual(changed({ kind: "flip", axis: "horizontal", chance: 1 }, 0), horizontal);
  assert.deepEqual(changed({ kind: "flip", axis: "vertical", chance: 1 }, 0), vertical);
  assert.deepEqual(changed({ kind: "flip", axis: "vertical", chance: 0 }, 0), IMAGE);
  const times = Array.from({ length: 400 }, (_, i) => changed({ kind: "flip", axis: "vertical" }, i)[0] === 9).filter(
    Boolean,
  );
  assert.ok(Math.abs(times.length - 200) < 60);
});

Deno.test("all channels of an image are changed alike", () => {
  const type = { dtype: "f32", shape: [2, 3, 4] } as const;
  const made = changed({ kind: "flip", axis: "horizontal", chance: 1 }, 0, [...IMAGE, ...IMAGE.map((n) => -n)], type);
  assert.deepEqual(made.slice(12), made.slice(0, 12).map((n) => -n));
});

Deno.test("a rotation keeps the middle, keeps a round picture nearly as it is, and turns by no more than it says", () => {
  const side = 15;
  const at = (x: number, y: number) => Math.max(0, 5 - Math.hypot(x - 7, y - 7));
  const round = Array.from({ length: side * side }, (_, i) => at(i % side, Math.floor(i / side)));
  const type = { dtype: "f32", shape: [side, side] } as const;
  for (let sample = 0; sample < 5; sample++) {
    const made = changed({ kind: "rotate", degrees: 180 }, sample, round, type);
    assert.ok(Math.abs(made[7 * side + 7] - 5) < 1e-5);
    made.forEach((value, i) => assert.ok(Math.abs(value - round[i]) < 0.35, `${i}`));
  }
  assert.deepEqual(changed({ kind: "rotate", degrees: 0 }, 0), IMAGE);
});

Deno.test("a crop of the whole is the whole; a smaller one stays within what was there", () => {
  assert.deepEqual(changed({ kind: "crop", share: 1 }, 0), IMAGE);
  for (let sample = 0; sample < 20; sample++) {
    const made = changed({ kind: "crop", share: 0.3 }, sample);
    assert.ok(Math.min(...made) >= 1 - 1e-6 && Math.max(...made) <= 12 + 1e-6);
    assert.ok(made[11] - made[0] < 11);
  }
});

Deno.test("what happens to a sample depends on seed, epoch and sample, and on nothing else", () => {
  const of = (seed: number, epoch: number, sample: number) => {
    const pixels = Float32Array.from(IMAGE);
    changesOf([{ kind: "shift", pixels: 2 }, { kind: "noise", deviation: 1 }], seed, epoch, sample).given(
      pixels,
      0,
      12,
    );
    return [...pixels];
  };
  assert.deepEqual(of(1, 2, 3), of(1, 2, 3));
  for (const other of [of(2, 2, 3), of(1, 3, 3), of(1, 2, 4)]) assert.notDeepEqual(other, of(1, 2, 3));
});

Deno.test("noise has mean 0 and the deviation asked for", () => {
  const size = 20_000;
  const pixels = new Float32Array(size);
  changesOf([{ kind: "noise", deviation: 0.5 }], 1, 0, 0).given(pixels, 0, size);
  const mean = pixels.reduce((sum, value) => sum + value, 0) / size;
  const deviation = Math.sqrt(pixels.reduce((sum, value) => sum + (value - mean) ** 2, 0) / size);
  assert.ok(Math.abs(mean) < 4 * 0.5 / Math.sqrt(size));
  assert.ok(Math.abs(deviation - 0.5) < 0.02);
});

Deno.test("shares of mixup have the mean and variance of Beta(alpha, alpha)", () => {
  for (const alpha of [0.2, 1, 4]) {
    const shares = Array.from(
      { length: 4_000 },
      (_, sample) => changesOf([{ kind: "mixup", alpha }], 1, 0, sample).mixing(10)!.share,
    );
    const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
    const variance = shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / shares.length;
    // Beta(a, a): mean 1/2, variance 1 / (4 (2a + 1)).
    assert.ok(Math.abs(mean - 0.5) < 0.03, `${alpha}: ${mean}`);
    assert.ok(Math.abs(variance - 1 / (4 * (2 * alpha + 1))) < 0.01, `${alpha}: ${variance}`);
  }
});

const plain = (): MemoryDataset => {
  const values = [1, 10, 2, 10, 3, 10, 4, 10, 100, 0];
  return memoryDataset({
    name: "plain",
    inputs: [tensorColumn("x", tensor("f32", [5, 2], values), "f32", uniformly(2, 1))],
    target: classColumn("y", Int32Array.of(0, 1, 0, 1, 0), ["a", "b"]),
    length: 5,
    splits: { train: range(0, 4), validation: new Uint32Array(), test: Uint32Array.of(4) },
  });
};

Deno.test("mixup mixes inputs and classes by the same share", () => {
  const data = plain();
  const [batch] = batches(data, { split: "train", batch: 4, seed: 2, augment: [{ kind: "mixup", alpha: 1 }] });
  const draws = batch.samples.map((sample) => changesOf([{ kind: "mixup", alpha: 1 }], 2, 0, sample).mixing(4)!);
  batch.samples.forEach((sample, i) => {
    const { other, share } = draws[i];
    const own = 2 * (sample + 1) + 1;
    const partner = 2 * (other + 1) + 1;
    assert.ok(Math.abs(Number(batch.inputs[0].data[2 * i]) - (share * own + (1 - share) * partner)) < 1e-5);
    const expected = [0, 0];
    expected[sample % 2] += share;
    expected[other % 2] += 1 - share;
    expected.forEach((value, k) => assert.ok(Math.abs(Number(batch.target!.data[2 * i + k]) - value) < 1e-6));
  });
});

Deno.test("changes that do not suit the data are refused by their place", () => {
  const { schema } = plain();
  assert.equal(codeOf(() => checkAugmentations(schema, [{ kind: "shift", pixels: 1 }])), "NEURAL_DATA_OPTION");
  const tokens = { inputs: [{ name: "t", type: { dtype: "i32", shape: [4] } as const }] };
  assert.equal(codeOf(() => checkAugmentations(tokens, [{ kind: "noise", deviation: 1 }])), "NEURAL_DATA_OPTION");
  assert.equal(
    codeOf(() => checkAugmentations({ inputs: schema.inputs }, [{ kind: "mixup", alpha: 1 }])),
    "NEURAL_DATA_OPTION",
  );
  checkAugmentations(schema, [{ kind: "noise", deviation: 1 }, { kind: "mixup", alpha: 1 }]);
});

Deno.test("statistics are those of the samples named, as given out", () => {
  const [column] = plain().inputs;
  const { mean, deviation, minimum, maximum } = statisticsOf(column, [0, 1, 2, 3], "element");
  // 2 x + 1 of 1, 2, 3, 4 and of 10, 10, 10, 10.
  assert.deepEqual([...mean], [6, 21]);
  assert.ok(Math.abs(deviation[0] - Math.sqrt(5)) < 1e-12 && deviation[1] === 0);
  assert.deepEqual([[...minimum], [...maximum]], [[3, 21], [9, 21]]);
  const whole = statisticsOf(column, [0, 1, 2, 3], "column");
  assert.ok(Math.abs(whole.mean[0] - 13.5) < 1e-12);
});

Deno.test("standardising looks at the training part alone, and what never varies is only moved", () => {
  const [column] = rescale(plain(), "standardise").inputs;
  const made = gather(column, [0, 1, 2, 3, 4]).data as Float32Array;
  const first = [0, 2, 4, 6].map((i) => made[i]);
  assert.ok(Math.abs(first.reduce((a, b) => a + b, 0)) < 1e-5);
  assert.ok(Math.abs(first.reduce((a, b) => a + b * b, 0) / 4 - 1) < 1e-5);
  assert.deepEqual([1, 3, 5, 7].map((i) => made[i]), [0, 0, 0, 0]);
  // The sample to judge on, 100, is seen from the training part: (201 - 6) / sqrt(5).
  assert.ok(Math.abs(made[8] - 195 / Math.sqrt(5)) < 1e-3);
});

Deno.test("normalising brings the training part to 0 and 1", () => {
  const [column] = rescale(plain(), "normalise").inputs;
  const made = [...gather(column, [0, 1, 2, 3]).data].map(Number);
  [0, 0, 1 / 3, 0, 2 / 3, 0, 1, 0].forEach((value, i) => assert.ok(Math.abs(made[i] - value) < 1e-6));
});

Deno.test("there is nothing to rescale by without a training part", () => {
  const data = plain();
  assert.equal(
    codeOf(() => rescale({ ...data, splits: { ...data.splits, train: new Uint32Array() } }, "normalise")),
    "NEURAL_DATA_OPTION",
  );
});

Deno.test("two changes at once are one sampling: there and back again is where it was", () => {
  const flip: Augmentation = { kind: "flip", axis: "horizontal", chance: 1 };
  const pixels = Float32Array.from(IMAGE);
  changesOf([flip, flip], 1, 0, 0).stored(TYPE, pixels, 0);
  assert.deepEqual([...pixels], IMAGE);
});
