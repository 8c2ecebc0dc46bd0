/**
 * Statistics: what the part to learn from looks like, and data brought to mean 0 and deviation 1, or to 0 … 1, by it.
 *
 * Invariant: only the part to learn from is looked at, so nothing of what is judged on leaks into what is learned from.
 *
 * @module
 */
import { elementCount, isFloat, zeros } from "../../ir/library.ts";
import { badBatches } from "../failures.ts";
import { type Affine, applyAffine, type Column, type MemoryDataset, withAffine } from "./dataset.ts";

/** Numbers about the elements of a column. */
export interface ColumnStatistics {
  /** Mean. */
  readonly mean: Float64Array;
  /** Standard deviation. */
  readonly deviation: Float64Array;
  /** Smallest. */
  readonly minimum: Float64Array;
  /** Largest. */
  readonly maximum: Float64Array;
}

/** Whether numbers are about each element of a sample, or about all of them together. */
export type Grain = "element" | "column";

/** Samples looked at between two turns of the event loop. */
const SAMPLES_PER_TURN = 64;

/** Statistics of a column over samples, as it is given out (Welford 1962), yielding now and then. */
export function* statisticsSteps(
  column: Column,
  samples: ArrayLike<number>,
  grain: Grain,
): Generator<void, ColumnStatistics> {
  const { type } = column.feature;
  const size = elementCount(type.shape);
  const width = grain === "element" ? size : 1;
  const held = zeros(type.dtype, [size]);
  const made = {
    mean: new Float64Array(width),
    deviation: new Float64Array(width),
    minimum: new Float64Array(width).fill(Infinity),
    maximum: new Float64Array(width).fill(-Infinity),
  };
  const counts = new Float64Array(width);
  for (let i = 0; i < samples.length; i++) {
    column.read(samples[i], held.data, 0);
    if (column.affine !== undefined) applyAffine(column.affine, held.data, 0, size);
    for (let k = 0; k < size; k++) {
      const value = Number(held.data[k]);
      const at = grain === "element" ? k : 0;
      const before = value - made.mean[at];
      made.mean[at] += before / ++counts[at];
      made.deviation[at] += before * (value - made.mean[at]);
      if (value < made.minimum[at]) made.minimum[at] = value;
      if (value > made.maximum[at]) made.maximum[at] = value;
    }
    if (i % SAMPLES_PER_TURN === 0) yield;
  }
  for (let at = 0; at < width; at++) made.deviation[at] = Math.sqrt(made.deviation[at] / Math.max(counts[at], 1));
  return made;
}

/** Statistics of a column over samples, as it is given out. */
export const statisticsOf = (column: Column, samples: ArrayLike<number>, grain: Grain): ColumnStatistics => {
  const steps = statisticsSteps(column, samples, grain);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
};

/** How inputs are brought to one scale. */
export type Scaling = "standardise" | "normalise";

const scaled = (statistics: ColumnStatistics, scaling: Scaling, before: Affine | undefined): Affine => {
  const size = Math.max(statistics.mean.length, before?.scale.length ?? 1);
  const at = (values: Float64Array, i: number): number => values[values.length === 1 ? 0 : i];
  const scale = new Float64Array(size);
  const offset = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    const low = scaling === "standardise" ? at(statistics.mean, i) : at(statistics.minimum, i);
    const spread = scaling === "standardise"
      ? at(statistics.deviation, i)
      : at(statistics.maximum, i) - at(statistics.minimum, i);
    // What never varies is only moved: dividing by nothing would make it noise.
    const by = spread > 0 && Number.isFinite(spread) ? spread : 1;
    const [factor, summand] = before === undefined ? [1, 0] : [at(before.scale, i), at(before.offset, i)];
    scale[i] = factor / by;
    offset[i] = (summand - (Number.isFinite(low) ? low : 0)) / by;
  }
  return { scale, offset };
};

/**
 * Inputs of floats brought to one scale by the part to learn from: element by element, or pictures (two axes or more)
 * as a whole.
 */
export const rescale = (dataset: MemoryDataset, scaling: Scaling): MemoryDataset => {
  const { train } = dataset.splits;
  if (train.length === 0) {
    throw badBatches({ option: `"${scaling}" of "${dataset.name}"`, reason: "there is nothing to learn from" });
  }
  const inputs = dataset.inputs.map((column) => {
    const { dtype, shape } = column.feature.type;
    if (!isFloat(dtype)) return column;
    const statistics = statisticsOf(column, train, shape.length >= 2 ? "column" : "element");
    return withAffine(column, scaled(statistics, scaling, column.affine));
  });
  return { ...dataset, inputs };
};
