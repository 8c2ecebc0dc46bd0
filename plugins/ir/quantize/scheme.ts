/**
 * Scheme: how a program is quantised, as data, and what is reported about it.
 *
 * @module
 */
import { notQuantized } from "../failures.ts";
import { CALIBRATION_METHODS, type CalibrationMethod } from "./calibrate.ts";

/** Forms of a quantised program. */
export const QUANTIZED_FORMS = {
  integer: "Products of integers with an integer sum, scaled back.",
  weights: "Weights are stored as integers and restored before each product; activations stay floats.",
  fake:
    "Everything stays float and is rounded to what the integers would be; gradients pass straight through, so it trains.",
} as const;

/** A form of a quantised program. */
export type QuantizedForm = keyof typeof QUANTIZED_FORMS;

/** How a program is quantised. */
export interface QuantizeScheme {
  /** What the result computes with. */
  readonly form: QuantizedForm;
  /** Integers of the weights. */
  readonly weights: "i8" | "i4";
  /** Whether each output channel of the weights has a scale of its own. */
  readonly granularity: "tensor" | "channel";
  /** Whether zero lies in the middle of activations' ranges. */
  readonly symmetric: boolean;
  /** How ranges of activations are chosen. */
  readonly calibration: CalibrationMethod;
  /** Share of values in percent that percentile calibration covers. */
  readonly percentile: number;
  /** Elements along the summed axis that share a scale where weights are i4; the last group may be shorter. */
  readonly group: number;
}

/** What holds where nothing is said. */
export const DEFAULT_SCHEME: QuantizeScheme = {
  form: "integer",
  weights: "i8",
  granularity: "channel",
  symmetric: false,
  calibration: "max",
  percentile: 99.9,
  group: 32,
};

/** How far numbers are from what they were. */
export interface Deviation {
  /** Largest difference. */
  readonly max: number;
  /** Mean difference. */
  readonly mean: number;
  /** Signal to quantisation noise in decibels; `Infinity` where nothing is lost. */
  readonly sqnrDb: number;
}

/** What became of one tensor. */
export interface QuantizedTensorReport {
  /** Place of the product it is an operand of. */
  readonly location: string;
  /** Which operand. */
  readonly operand: number;
  /** Whether it is known beforehand. */
  readonly role: "weight" | "activation";
  /** Its integers. */
  readonly target: "i8" | "i4";
  /** Number of scales. */
  readonly scales: number;
  /** The integer that stands for zero. */
  readonly zero: number;
  /** How far it is from what it was, on the calibration inputs. */
  readonly error: Deviation;
}

/** What was done to a program. */
export interface QuantizeReport {
  /** Products that became integer, restored or rounded ones. */
  readonly products: number;
  /** Each quantised operand. */
  readonly tensors: ReadonlyArray<QuantizedTensorReport>;
  /** Products that were left, and why. */
  readonly skipped: ReadonlyArray<{ readonly location: string; readonly reason: string }>;
  /** Bytes of quantised weights before. */
  readonly bytesBefore: number;
  /** Bytes of quantised weights after, scales included. */
  readonly bytesAfter: number;
  /** Difference of each result on inputs that were held out; on the calibration inputs where none were. */
  readonly results: ReadonlyArray<Deviation>;
}

/** A whole scheme from what was said; throws `IR_QUANTIZE` where it does not hold together. */
export const schemeOf = (said: Partial<QuantizeScheme> = {}): QuantizeScheme => {
  const scheme = { ...DEFAULT_SCHEME, ...said };
  if (!Object.hasOwn(QUANTIZED_FORMS, scheme.form)) throw notQuantized({ reason: `there is no form ${scheme.form}` });
  if (!CALIBRATION_METHODS.includes(scheme.calibration)) {
    throw notQuantized({ reason: `there is no calibration ${scheme.calibration}`, path: "/scheme/calibration" });
  }
  if (!(scheme.percentile > 50 && scheme.percentile <= 100)) {
    throw notQuantized({
      reason: `percentile ${scheme.percentile} is not above 50 and at most 100`,
      path: "/scheme/percentile",
      fix: {
        summary: "Cover 99.9 percent",
        patch: [{ op: "replace", path: "/scheme/percentile", value: DEFAULT_SCHEME.percentile }],
      },
    });
  }
  if (!(Number.isInteger(scheme.group) && scheme.group >= 1)) {
    throw notQuantized({
      reason: `a group of ${scheme.group} elements is none`,
      path: "/scheme/group",
      fix: {
        summary: "Use groups of 32",
        patch: [{ op: "replace", path: "/scheme/group", value: DEFAULT_SCHEME.group }],
      },
    });
  }
  return scheme;
};

/** How far numbers are from what they were; elements that are not finite before count as no signal. */
export const deviationOf = (before: Float64Array, after: Float64Array): Deviation => {
  let [max, sum, noise, signal] = [0, 0, 0, 0];
  before.forEach((value, i) => {
    if (Object.is(value, after[i])) {
      if (Number.isFinite(value)) signal += value * value;
      return;
    }
    const error = Math.abs(value - after[i]);
    max = Number.isNaN(error) ? Infinity : Math.max(max, error);
    sum += error;
    noise += error * error;
    signal += value * value;
  });
  return {
    max,
    mean: before.length === 0 ? 0 : sum / before.length,
    sqnrDb: noise === 0 ? Infinity : 10 * Math.log10(signal / noise),
  };
};
