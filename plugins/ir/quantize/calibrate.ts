/**
 * Calibrate: the range that an activation's integers cover, from values seen on sample inputs.
 *
 * Not for weights, whose values are all known.
 * Invariant: the range holds zero, is finite, and lies within what was seen.
 *
 * @module
 */
import type { Calibration } from "./integers.ts";
import { rangeOf } from "./integers.ts";

/** How a range is chosen. */
export type CalibrationMethod = "max" | "percentile" | "entropy";

/** Names of the methods. */
export const CALIBRATION_METHODS: ReadonlyArray<CalibrationMethod> = ["max", "percentile", "entropy"];

/** Bins of the histogram that entropy calibration looks at. */
export const HISTOGRAM_BINS = 2048;

/** Magnitudes that an eighth bit leaves: levels of a quantised histogram. */
const LEVELS = 128;

/** Values kept of one tensor; of more, every n-th. */
export const MAX_SAMPLES: number = 2 ** 18;

/** Collects values of one tensor over several runs. */
export class Samples {
  private readonly parts: Float64Array[] = [];

  /** Adds what a run showed. */
  add(values: Float64Array): void {
    this.parts.push(values);
  }

  /** The values, thinned evenly where they are many. */
  values(): Float64Array {
    const total = this.parts.reduce((sum, part) => sum + part.length, 0);
    const step = Math.max(1, Math.ceil(total / MAX_SAMPLES));
    const kept = new Float64Array(Math.ceil(total / step));
    let [at, position] = [0, 0];
    for (const part of this.parts) {
      for (const value of part) if (position++ % step === 0) kept[at++] = value;
    }
    return kept;
  }
}

/** The first bins of a histogram, quantised to levels and spread again over the bins that are not empty. */
const quantised = (bins: Float64Array, count: number): Float64Array => {
  const made = new Float64Array(count);
  for (let level = 0; level < LEVELS; level++) {
    const start = Math.floor(level * count / LEVELS);
    const end = Math.floor((level + 1) * count / LEVELS);
    let [sum, filled] = [0, 0];
    for (let i = start; i < end; i++) {
      sum += bins[i];
      if (bins[i] > 0) filled++;
    }
    for (let i = start; i < end; i++) if (bins[i] > 0) made[i] = sum / filled;
  }
  return made;
};

/** Share that an empty bin of the second histogram counts as, so that a lone outlier is a small loss and not an endless one. */
const EMPTY_SHARE = 1e-9;

/** Kullback–Leibler divergence of two histograms. */
const divergence = (p: Float64Array, q: Float64Array): number => {
  const [ps, qs] = [p, q].map((bins) => bins.reduce((sum, x) => sum + x, 0));
  if (ps === 0 || qs === 0) return Infinity;
  let sum = 0;
  for (let i = 0; i < p.length; i++) {
    if (p[i] > 0) sum += p[i] / ps * Math.log((p[i] / ps) / Math.max(q[i] / qs, EMPTY_SHARE));
  }
  return sum;
};

/** The magnitude beyond which values are clamped so that the histogram loses least information (Migacz 2017). */
const entropyThreshold = (values: Float64Array): number => {
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  if (largest === 0) return 0;
  const bins = new Float64Array(HISTOGRAM_BINS);
  for (const value of values) {
    bins[Math.min(HISTOGRAM_BINS - 1, Math.floor(Math.abs(value) / largest * HISTOGRAM_BINS))]++;
  }
  // What is exactly zero is exact in any range and would hide the rest.
  bins[0] = bins[1];
  let [best, least] = [HISTOGRAM_BINS, Infinity];
  let outside = bins.slice(LEVELS).reduce((sum, x) => sum + x, 0);
  for (let count = LEVELS; count <= HISTOGRAM_BINS; count++) {
    const reference = bins.slice(0, count);
    const candidate = quantised(reference, count);
    reference[count - 1] += outside;
    const found = divergence(reference, candidate);
    if (found < least) [best, least] = [count, found];
    if (count < HISTOGRAM_BINS) outside -= bins[count];
  }
  return (best + 0.5) * largest / HISTOGRAM_BINS;
};

/** The range for values that were seen. */
export const calibrate = (
  values: Float64Array,
  method: CalibrationMethod,
  calibration: Calibration,
): readonly [number, number] => {
  if (values.length === 0) return [0, 0];
  if (method === "percentile") return rangeOf(values, calibration);
  const [low, high] = rangeOf(values, { ...calibration, percentile: 100 });
  if (method === "max") return [low, high];
  const threshold = Math.min(entropyThreshold(values), Math.max(high, -low));
  return [Math.max(low, -threshold), Math.min(high, threshold)];
};
