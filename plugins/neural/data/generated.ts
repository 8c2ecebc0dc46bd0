/**
 * Generated sets: small data whose answers are known, drawn from a seed.
 *
 * Invariant: a set is the same on every machine: its seed, its size and its splits are fixed here.
 *
 * @module
 */
import { type Random, random } from "../../../kernel/random.ts";
import { tensorOf } from "../../ir/library.ts";
import { unknownData } from "../failures.ts";
import { type Column, type MemoryDataset, memoryDataset, type Target, tensorColumn } from "./dataset.ts";
import { splitSamples } from "./splits.ts";

/** Samples of each generated set: 800 to learn from, 100 to choose by, 100 to judge on. */
export const GENERATED_SAMPLES = 1_000;

type Point = readonly [x: number, y: number];

/** Points no nearer than this to an axis, so that exclusive-or has a clear answer everywhere. */
const MARGIN = 0.1;

const MOON_NOISE = 0.1;
const SPIRAL_NOISE = 0.02;
const SPIRAL_TURNS = 1.5;

const awayFromAxis = (draw: Random): number => (MARGIN + (1 - MARGIN) * draw.float()) * (draw.below(2) === 0 ? -1 : 1);

/** A point of a class. */
const DRAWN: { readonly [name: string]: (draw: Random, kind: number) => Point } = {
  xor: (draw, kind) => {
    const x = awayFromAxis(draw);
    const y = Math.abs(awayFromAxis(draw));
    // The class is one where the signs differ.
    return [x, (x < 0) === (kind === 1) ? y : -y];
  },
  moons: (draw, kind) => {
    const angle = Math.PI * draw.float();
    const [x, y] = kind === 0 ? [Math.cos(angle), Math.sin(angle)] : [1 - Math.cos(angle), 0.5 - Math.sin(angle)];
    return [x + MOON_NOISE * draw.normal(), y + MOON_NOISE * draw.normal()];
  },
  spirals: (draw, kind) => {
    const along = Math.sqrt(draw.float());
    const angle = 2 * Math.PI * SPIRAL_TURNS * along + Math.PI * kind;
    return [
      along * Math.cos(angle) + SPIRAL_NOISE * draw.normal(),
      along * Math.sin(angle) + SPIRAL_NOISE * draw.normal(),
    ];
  },
};

/** Names of the generated sets. */
export const GENERATED_NAMES: ReadonlyArray<string> = Object.keys(DRAWN);

/** A column of class numbers. */
export const classColumn = (
  name: string,
  classes: Int32Array<ArrayBuffer>,
  labels: ReadonlyArray<string>,
): Column & { readonly feature: Target } => {
  const column = tensorColumn(name, tensorOf("i32", [classes.length], classes));
  return { ...column, feature: { ...column.feature, kind: "classification", classes: labels.length, labels } };
};

/**
 * A generated set: two numbers and one of two classes.
 *
 * @example
 * ```ts
 * import { generatedData } from "@rmi/rmi/neural";
 * import assert from "node:assert/strict";
 * const { schema, splits } = generatedData("spirals");
 * assert.deepEqual(schema.inputs[0].type.shape, [2]);
 * assert.equal(splits.train.length, 800);
 * ```
 */
export const generatedData = (name: string): MemoryDataset => {
  if (!Object.hasOwn(DRAWN, name)) throw unknownData({ name, suggestions: GENERATED_NAMES });
  const draw = random(`rmi-data/${name}/1`);
  const points = new Float32Array(2 * GENERATED_SAMPLES);
  const classes = new Int32Array(GENERATED_SAMPLES);
  for (let i = 0; i < GENERATED_SAMPLES; i++) {
    classes[i] = i % 2;
    points.set(DRAWN[name](draw, classes[i]), 2 * i);
  }
  return memoryDataset({
    name,
    inputs: [tensorColumn("point", tensorOf("f32", [GENERATED_SAMPLES, 2], points))],
    target: classColumn("class", classes, ["0", "1"]),
    length: GENERATED_SAMPLES,
    splits: splitSamples(GENERATED_SAMPLES, { seed: 1 }, classes),
  });
};
