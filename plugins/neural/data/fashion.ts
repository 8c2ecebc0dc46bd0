/**
 * Fashion: 70,000 pictures of clothes in ten classes (Xiao, Rasul & Vollgraf 2017), from Debian's package.
 *
 * Invariant: samples are numbered in the order of the files; the last 5,000 of the 60,000 to learn from are chosen by,
 * the 10,000 of the second file judged on.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type { KernelFailure } from "../../../kernel/mod.ts";
import { type Tensor, tensorOf } from "../../ir/library.ts";
import { inflate } from "../formats/inflate.ts";
import { readIdx } from "../formats/idx.ts";
import { attemptEffect, attemptPromise, malformedData, type NeuralFailure } from "../failures.ts";
import { type MemoryDataset, memoryDataset, tensorColumn, uniformly } from "./dataset.ts";
import { type DataFiles, readWhole } from "./files.ts";
import { classColumn } from "./generated.ts";
import { range } from "./splits.ts";

/** Its files, in this order: pictures and classes to learn from, pictures and classes to judge on. */
export const FASHION_FILES = [
  "train-images-idx3-ubyte.gz",
  "train-labels-idx1-ubyte.gz",
  "t10k-images-idx3-ubyte.gz",
  "t10k-labels-idx1-ubyte.gz",
] as const;

const LABELS = [
  "T-shirt/top",
  "Trouser",
  "Pullover",
  "Dress",
  "Coat",
  "Sandal",
  "Shirt",
  "Sneaker",
  "Bag",
  "Ankle boot",
];

const CHOSEN_BY = 5_000;
const BYTE = 255;

/** Most bytes of one expanded file. */
const MAX_EXPANDED = 64 * 1024 * 1024;

const joined = (first: Tensor, second: Tensor): Uint8Array<ArrayBuffer> => {
  const whole = new Uint8Array(first.data.length + second.data.length);
  whole.set(first.data as Uint8Array);
  whole.set(second.data as Uint8Array, first.data.length);
  return whole;
};

/** The set of the four files' tensors. */
export const fashionOf = ([train, trainClasses, test, testClasses]: ReadonlyArray<Tensor>): MemoryDataset => {
  const count = train.shape[0];
  const length = count + test.shape[0];
  const [, height, width] = train.shape;
  const bytes = [train, trainClasses, test, testClasses].every(({ dtype }) => dtype === "u8");
  const classes = joined(trainClasses, testClasses);
  if (
    !bytes || train.shape.length !== 3 || test.shape.length !== 3 || test.shape[1] !== height ||
    test.shape[2] !== width || trainClasses.data.length !== count || classes.length !== length ||
    classes.some((kind) => kind >= LABELS.length) || count <= CHOSEN_BY
  ) {
    throw malformedData({
      format: "the set of clothes",
      at: "its four files",
      reason: "pictures and classes do not belong together",
    });
  }
  const pixels = tensorOf("u8", [length, 1, height, width], joined(train, test));
  return memoryDataset({
    name: "fashion",
    inputs: [tensorColumn("image", pixels, "f32", uniformly(1 / BYTE))],
    target: classColumn("class", Int32Array.from(classes), LABELS),
    length,
    splits: {
      train: range(0, count - CHOSEN_BY),
      validation: range(count - CHOSEN_BY, count),
      test: range(count, length),
    },
  });
};

/** The set of clothes in a folder. */
export const fashionData = <R>(
  files: DataFiles<R>,
  folder: string,
): Effect.Effect<MemoryDataset, NeuralFailure | KernelFailure, R> =>
  Effect.gen(function* () {
    const tensors = yield* Effect.forEach(FASHION_FILES, (name) =>
      Effect.gen(function* () {
        const packed = yield* readWhole(files, `${folder}/${name}`, MAX_EXPANDED);
        const bytes = yield* attemptPromise(() => inflate(packed, "gzip", MAX_EXPANDED, name));
        return yield* attemptEffect(() => readIdx(bytes));
      }));
    return yield* attemptEffect(() => fashionOf(tensors));
  });
