/**
 * Quantised tensors: fewer bytes an element, with whatever is needed to read them back, and what that costs in accuracy.
 *
 * Not training-aware: ranges come from the values themselves.
 * Invariant: nothing is lost silently: a value that is not finite, and a target that is none, are refused.
 *
 * @module
 */
import {
  type Calibration,
  decodeNarrow,
  dequantizeOne,
  encodeNarrow,
  INTEGER_TARGETS,
  type IntegerTarget,
  type Mapping,
  mappingOf,
  packNibbles,
  quantizeOne,
  unpackNibbles,
} from "../../ir/library.ts";
import { DTYPES } from "../dtype.ts";
import { notQuantizable } from "../failures.ts";
import { type TensorValue, tensorValue } from "../value.ts";
import { widenBits } from "./narrow.ts";

/** Targets in the order of their size. */
export const TARGETS = ["i4", "i8", "i16", "f16", "bf16"] as const;

/** What a tensor is quantised to. */
export type Target = typeof TARGETS[number];

/** How to quantise to integers; narrow floats have no choices. */
export interface QuantizeOptions {
  /** Whether zero lies in the middle of the range; true by default. */
  readonly symmetric?: boolean;
  /** The axis along which each index has a scale of its own; one scale for all by default. Negative counts from the end. */
  readonly axis?: number;
  /** Share of values that the range covers, in percent, above 50; 100 by default. */
  readonly percentile?: number;
}

/** A quantised tensor: all that is needed to read it back. */
export interface QuantizedTensor {
  /** What it was quantised to. */
  readonly target: Target;
  /** Sizes. */
  readonly shape: ReadonlyArray<number>;
  /** Elements: little-endian; 4-bit ones two to a byte. */
  readonly bytes: Uint8Array;
  /** The axis with a scale an index, where there is one. */
  readonly axis?: number;
  /** Scales and zero points, one or as many as the axis has indices; none for narrow floats. */
  readonly mappings: ReadonlyArray<Mapping>;
  /** Whether its range is symmetric. */
  readonly symmetric: boolean;
  /** What it was, and is again when read back. */
  readonly source: "f32" | "f64";
}

/** How far a quantised tensor is from what it was. */
export interface ErrorReport {
  /** Number of elements. */
  readonly count: number;
  /** Largest difference. */
  readonly maxError: number;
  /** Root of the mean square difference. */
  readonly rmsError: number;
  /** Signal to noise in decibels; `Infinity` where nothing is lost. */
  readonly snrDb: number;
  /** Bytes before. */
  readonly bytesBefore: number;
  /** Bytes after, scales and zero points included. */
  readonly bytesAfter: number;
}

/** Whether a text is a target. */
export const isTarget = (text: string): text is Target => (TARGETS as ReadonlyArray<string>).includes(text);

const isInteger = (target: Target): target is IntegerTarget => Object.hasOwn(INTEGER_TARGETS, target);

const concreteShape = (shape: TensorValue["shape"]): ReadonlyArray<number> =>
  shape.map((size, axis) => {
    if (typeof size === "number") return size;
    throw notQuantizable({ what: "a tensor", reason: `axis ${axis} has no size` });
  });

/** Elements of an f32 or f64 tensor, all finite. */
const finiteElements = ({ dtype, bytes, shape }: TensorValue): Float64Array => {
  if (dtype !== "f32" && dtype !== "f64") {
    throw notQuantizable({
      what: `a tensor of ${dtype}`,
      reason: "its elements are neither f32 nor f64",
      actual: dtype,
    });
  }
  const size = DTYPES[dtype].bytes;
  const count = concreteShape(shape).reduce((product, length) => product * length, 1);
  if (count * size !== bytes.length) {
    throw notQuantizable({
      what: "a tensor",
      reason: `its shape needs ${count * size} bytes, and it has ${bytes.length}`,
    });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    values[i] = dtype === "f32" ? view.getFloat32(i * 4, true) : view.getFloat64(i * 8, true);
    if (!Number.isFinite(values[i])) {
      throw notQuantizable({ what: "a tensor", reason: `element ${i} is ${values[i]}`, actual: String(values[i]) });
    }
  }
  return values;
};

const axisOf = (axis: number | undefined, rank: number): number | undefined => {
  if (axis === undefined) return undefined;
  const positive = axis < 0 ? axis + rank : axis;
  if (Number.isInteger(positive) && positive >= 0 && positive < rank) return positive;
  throw notQuantizable({ what: `along axis ${axis}`, reason: `the tensor has ${rank} axes`, actual: axis });
};

const percentileOf = (percentile: number): number => {
  if (percentile > 50 && percentile <= 100) return percentile;
  throw notQuantizable({
    what: `to percentile ${percentile}`,
    reason: "it lies above 50, at most at 100",
    expected: "above 50, at most 100",
    actual: Number.isFinite(percentile) ? percentile : String(percentile),
  });
};

/** Which mapping each element uses: elements in one run of `inner` share it, and runs cycle through `channels`. */
const channelOf = (shape: ReadonlyArray<number>, axis: number | undefined) => {
  if (axis === undefined) return { channels: 1, of: () => 0 };
  const inner = shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const channels = shape[axis];
  return { channels, of: (index: number) => Math.floor(index / inner) % channels };
};

const packIntegers = (values: Int16Array, target: IntegerTarget): Uint8Array => {
  if (target === "i4") return packNibbles(values);
  if (target === "i8") return new Uint8Array(Int8Array.from(values).buffer);
  const bytes = new Uint8Array(values.length * 2);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => view.setInt16(i * 2, value, true));
  return bytes;
};

const unpackIntegers = (bytes: Uint8Array, target: IntegerTarget, count: number): Int16Array => {
  if (target === "i4") return unpackNibbles(bytes, count);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Int16Array.from(
    { length: count },
    (_, i) => target === "i8" ? view.getInt8(i) : view.getInt16(i * 2, true),
  );
};

const toIntegers = (
  values: Float64Array,
  target: IntegerTarget,
  shape: ReadonlyArray<number>,
  axis: number | undefined,
  calibration: Calibration,
): Pick<QuantizedTensor, "bytes" | "mappings"> => {
  const { channels, of } = channelOf(shape, axis);
  const byChannel = Array.from({ length: channels }, (): Array<number> => []);
  if (channels > 1) values.forEach((value, i) => byChannel[of(i)].push(value));
  const mappings = byChannel.map((own) =>
    mappingOf(channels === 1 ? values : Float64Array.from(own), target, calibration)
  );
  const integers = Int16Array.from(values, (value, i) => quantizeOne(value, mappings[of(i)], target, calibration));
  return { bytes: packIntegers(integers, target), mappings };
};

const word = new DataView(new ArrayBuffer(4));

const isInfinite = (bits: number, target: "f16" | "bf16"): boolean => !Number.isFinite(decodeNarrow(bits, target));

const toNarrow = (values: Float64Array, target: "f16" | "bf16"): Uint8Array => {
  const bytes = new Uint8Array(values.length * 2);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => {
    // From f64 at once: rounding to f32 on the way could round a second time.
    const bits = encodeNarrow(value, target);
    if (isInfinite(bits, target)) {
      throw notQuantizable({ what: `a tensor to ${target}`, reason: `element ${i} is ${value}, beyond its range` });
    }
    view.setUint16(i * 2, bits, true);
  });
  return bytes;
};

/** Quantises an f32 or f64 tensor; throws `RMIL_QUANTIZE` for anything that would be lost. */
export const quantizeTensor = (
  tensor: TensorValue,
  target: Target,
  options: QuantizeOptions = {},
): QuantizedTensor => {
  const values = finiteElements(tensor);
  const shape = concreteShape(tensor.shape);
  const source = tensor.dtype as "f32" | "f64";
  if (!isInteger(target)) {
    return { target, shape, bytes: toNarrow(values, target), mappings: [], symmetric: true, source };
  }
  const { symmetric = true, percentile = 100 } = options;
  const axis = axisOf(options.axis, shape.length);
  const calibration = { symmetric, percentile: percentileOf(percentile), single: source === "f32" };
  const made = toIntegers(values, target, shape, axis, calibration);
  return { target, shape, ...made, symmetric, source, ...(axis === undefined ? {} : { axis }) };
};

/** The tensor that a quantised one stands for, in the dtype it had. */
export const dequantizeTensor = (quantized: QuantizedTensor): TensorValue => {
  const { target, shape, bytes, mappings, source } = quantized;
  const count = shape.reduce((product, size) => product * size, 1);
  const size = DTYPES[source].bytes;
  const out = new Uint8Array(count * size);
  const view = new DataView(out.buffer);
  const read = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const write = (i: number, value: number): void =>
    source === "f32" ? view.setFloat32(i * 4, value, true) : view.setFloat64(i * 8, value, true);
  if (isInteger(target)) {
    const { of } = channelOf(shape, quantized.axis);
    unpackIntegers(bytes, target, count).forEach((q, i) =>
      write(i, dequantizeOne(q, mappings[of(i)], source === "f32"))
    );
  } else {
    for (let i = 0; i < count; i++) {
      word.setUint32(0, widenBits(read.getUint16(i * 2, true), target));
      write(i, word.getFloat32(0));
    }
  }
  return tensorValue(source, shape, out);
};

const ZERO_POINT_BYTES = 2;

/** How far a quantised tensor is from the original. */
export const errorOf = (original: TensorValue, quantized: QuantizedTensor): ErrorReport => {
  const before = finiteElements(original);
  const view = dequantizeTensor(quantized);
  const read = new DataView(view.bytes.buffer);
  let [largest, noise, signal] = [0, 0, 0];
  before.forEach((value, i) => {
    const after = quantized.source === "f32" ? read.getFloat32(i * 4, true) : read.getFloat64(i * 8, true);
    const error = Math.abs(value - after);
    largest = Math.max(largest, error);
    noise += error * error;
    signal += value * value;
  });
  const perMapping = DTYPES[quantized.source].bytes + (quantized.symmetric ? 0 : ZERO_POINT_BYTES);
  return {
    count: before.length,
    maxError: largest,
    rmsError: before.length === 0 ? 0 : Math.sqrt(noise / before.length),
    snrDb: noise === 0 ? Infinity : 10 * Math.log10(signal / noise),
    bytesBefore: original.bytes.length,
    bytesAfter: quantized.bytes.length + quantized.mappings.length * perMapping,
  };
};
