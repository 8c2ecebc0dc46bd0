/**
 * Tests of the built-in sets: sizes, splits and numbers that others have published of them.
 */
import * as Effect from "effect/Effect";
import * as Stream from "effect/Stream";
import assert from "node:assert/strict";
import { digestBytes } from "../../../../kernel/digest.ts";
import { batches } from "../../../../plugins/neural/data/batches.ts";
import { sampleCorpus } from "../../../../plugins/neural/data/builtin.ts";
import { textOf } from "../../../../plugins/neural/data/corpus.ts";
import { classesOf, gather, type MemoryDataset, SPLITS } from "../../../../plugins/neural/data/dataset.ts";
import { DIGITS, digitsData, digitsOf } from "../../../../plugins/neural/data/digits.ts";
import { FASHION_FILES, fashionData, fashionOf } from "../../../../plugins/neural/data/fashion.ts";
import { type DataFiles, memoryFiles } from "../../../../plugins/neural/data/files.ts";
import { GENERATED_NAMES, generatedData } from "../../../../plugins/neural/data/generated.ts";
import { irisData } from "../../../../plugins/neural/data/iris.ts";
import { range } from "../../../../plugins/neural/data/splits.ts";
import { statisticsOf } from "../../../../plugins/neural/data/statistics.ts";
import { tensor, zeros } from "../../../../plugins/ir/library.ts";
import { codeOf } from "../hostile.ts";

const sizes = ({ splits }: MemoryDataset) => SPLITS.map((split) => splits[split].length);

const counts = (dataset: MemoryDataset, samples: ArrayLike<number> = range(0, dataset.length)) => {
  const made: Array<number> = [];
  for (const kind of classesOf(dataset, samples)) made[kind] = (made[kind] ?? 0) + 1;
  return made;
};

Deno.test("iris is Fisher's: its means and deviations are those that R prints", () => {
  const iris = irisData();
  assert.deepEqual([sizes(iris), counts(iris)], [[120, 15, 15], [50, 50, 50]]);
  assert.deepEqual(SPLITS.map((split) => counts(iris, iris.splits[split])), [[40, 40, 40], [5, 5, 5], [5, 5, 5]]);
  const { mean, deviation } = statisticsOf(iris.inputs[0], range(0, 150), "element");
  // colMeans(iris[1:4]) and sd * sqrt(149 / 150).
  const published = [[5.843333, 0.8280661], [3.057333, 0.4358663], [3.758, 1.7652982], [1.199333, 0.7622377]];
  published.forEach(([m, d], i) => {
    assert.ok(Math.abs(mean[i] - m) < 1e-5, `mean ${i}`);
    assert.ok(Math.abs(deviation[i] - d * Math.sqrt(149 / 150)) < 1e-5, `deviation ${i}`);
  });
});

Deno.test("generated sets have the shape that their names say, on every machine the same", () => {
  for (const name of GENERATED_NAMES) {
    const made = generatedData(name);
    assert.deepEqual([sizes(made), counts(made)], [[800, 100, 100], [500, 500]], name);
    const points = gather(made.inputs[0], range(0, 1_000)).data as Float32Array;
    const classes = classesOf(made, range(0, 1_000));
    const each = Array.from(classes, (kind, i) => [points[2 * i], points[2 * i + 1], kind] as const);
    if (name === "xor") {
      for (const [x, y, kind] of each) {
        assert.ok(Math.abs(x) >= 0.0999 && Math.abs(y) >= 0.0999 && Math.abs(x) <= 1 && Math.abs(y) <= 1);
        assert.equal(kind, (x < 0) === (y < 0) ? 0 : 1);
      }
    } else if (name === "moons") {
      // Distance from the half circle of the class: five deviations of the noise.
      for (const [x, y, kind] of each) {
        const away = kind === 0 ? Math.hypot(x, y) - 1 : Math.hypot(x - 1, y - 0.5) - 1;
        assert.ok(Math.abs(away) < 0.5, `${x} ${y}`);
      }
    } else for (const [x, y] of each) assert.ok(Math.hypot(x, y) < 1.2);
  }
  assert.equal(codeOf(() => generatedData("moon")), "NEURAL_DATA_UNKNOWN");
});

Deno.test("digits of another number of pixels are refused", () => {
  assert.equal(codeOf(() => digitsOf([])), "NEURAL_DATA_MALFORMED");
});

Deno.test("digits: 10,000 of known counts, 8,000 / 1,000 / 1,000, bytes as MNIST has them", async () => {
  const digits = await Effect.runPromise(digitsData);
  assert.deepEqual([digits.length, sizes(digits)], [DIGITS, [8_000, 1_000, 1_000]]);
  assert.deepEqual(counts(digits), [1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]);
  const [batch] = batches(digits, { split: "train", batch: 500, seed: 1 });
  assert.deepEqual(batch.inputs[0].shape, [500, 1, 28, 28]);
  for (const value of batch.inputs[0].data as Float32Array) {
    assert.ok(value >= 0 && value <= 1 && Math.abs(value * 255 - Math.round(value * 255)) < 1e-4);
  }
  // The mean brightness of MNIST is published as 0.1307.
  const { mean } = statisticsOf(digits.inputs[0], digits.splits.train, "column");
  assert.ok(Math.abs(mean[0] - 0.1307) < 0.003, String(mean[0]));
  // The split is fixed: its first samples are pinned.
  assert.equal(
    digestBytes(new Uint8Array(digits.splits.test.buffer.slice(0))),
    "sha256:f1afa693f55d1aab8debeb57875cd8150584c19a4aa35f13f1257f7aceb5be95",
  );
});

Deno.test("pictures and classes of clothes that do not belong together are refused", () => {
  const pictures = zeros("u8", [6_000, 1, 1]);
  const kinds = zeros("u8", [6_000]);
  assert.deepEqual(sizes(fashionOf([pictures, kinds, pictures, kinds])), [1_000, 5_000, 6_000]);
  assert.equal(codeOf(() => fashionOf([pictures, zeros("u8", [5_999]), pictures, kinds])), "NEURAL_DATA_MALFORMED");
  assert.equal(
    codeOf(() => fashionOf([pictures, tensor("u8", [6_000], Array(6_000).fill(10)), pictures, kinds])),
    "NEURAL_DATA_MALFORMED",
  );
  assert.equal(codeOf(() => fashionOf([pictures, kinds, zeros("u8", [6_000, 2, 1]), kinds])), "NEURAL_DATA_MALFORMED");
});

Deno.test("a folder without the files of the clothes is a failure", async () => {
  const failure = await Effect.runPromise(Effect.flip(fashionData(memoryFiles({}), "nowhere")));
  assert.equal(failure.code, "NEURAL_DATA_FILE");
});

const FOLDER = "/usr/share/datasets/fashion-mnist";
const CI = Deno.env.get("CI") === "true";
const isHere = (() => {
  try {
    return Deno.statSync(`${FOLDER}/${FASHION_FILES[0]}`).isFile;
  } catch {
    return false;
  }
})();
if (!isHere) console.log("dataset-fashion-mnist is not installed: its pictures are not read");

/** The machine's own files, read without a gate. */
const machine: DataFiles = {
  stat: (path) => Effect.sync(() => ({ kind: "file", size: Deno.statSync(path).size, modifiedMs: 0 })),
  read: (path) => Effect.sync(() => Deno.readFileSync(path)),
  parts: () => Stream.empty,
  list: () => Effect.succeed([]),
};

Deno.test({
  name: "fashion: 70,000 pictures, 7,000 of each class, mean and deviation as published",
  ignore: !isHere && !CI,
  fn: async () => {
    assert.ok(isHere, "install dataset-fashion-mnist");
    const fashion = await Effect.runPromise(fashionData(machine, FOLDER));
    assert.deepEqual([fashion.length, sizes(fashion)], [70_000, [55_000, 5_000, 10_000]]);
    assert.deepEqual(counts(fashion), Array(10).fill(7_000));
    // Published of the 60,000: mean 0.2860, deviation 0.3530.
    const { mean, deviation } = statisticsOf(fashion.inputs[0], range(0, 6_000), "column");
    assert.ok(Math.abs(mean[0] - 0.286) < 0.01 && Math.abs(deviation[0] - 0.353) < 0.01);
  },
});

Deno.test("the text that comes along is 20 chapters of less than 60 kB, and begins as it should", async () => {
  const corpus = await Effect.runPromise(sampleCorpus);
  assert.deepEqual(corpus.documents.map(({ name }) => name).slice(0, 5), [
    "Ruth 1",
    "Ruth 2",
    "Ruth 3",
    "Ruth 4",
    "Ecclesiastes 1",
  ]);
  const bytes = SPLITS.map((split) => textOf(corpus, split).length);
  assert.deepEqual(SPLITS.map((split) => corpus.splits[split].length), [16, 2, 2]);
  assert.equal(bytes.reduce((sum, size) => sum + size, 0), 47_997);
  assert.match(
    new TextDecoder().decode(textOf(corpus, "train")),
    /^Now it came to pass in the days when the judges ruled/u,
  );
});
