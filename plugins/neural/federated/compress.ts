/**
 * Compress: steps in fewer bytes, and the error that is carried over.
 *
 * A client keeps what a packed step leaves out and adds it to its next step (error feedback, Karimireddy et al. 2019),
 * so nothing is lost, only late.
 * Invariant: packed step + what is left = the step that was to be packed, up to rounding of f32.
 *
 * @module
 */
import { badSetting } from "../failures.ts";
import { difference } from "./weights.ts";

/** How a step is packed. */
export type Compression =
  /** As it is. */
  | { readonly kind: "none" }
  /** The largest elements, a share of all, with their places. */
  | { readonly kind: "topK"; readonly share: number }
  /** Eight bits an element, a scale for every {@link INT8_RUN} of them. */
  | { readonly kind: "int8" };

/** A packed step. */
export type Payload =
  /** Its elements. */
  | { readonly kind: "dense"; readonly size: number; readonly values: Float32Array }
  /** Some of its elements, places ascending; the others are 0. */
  | { readonly kind: "sparse"; readonly size: number; readonly indices: Uint32Array; readonly values: Float32Array }
  /** Codes times their run's scale. */
  | { readonly kind: "int8"; readonly size: number; readonly scales: Float32Array; readonly codes: Int8Array };

/** Elements that share a scale. */
export const INT8_RUN = 256;

const INT8_MOST = 127;

/** Most elements a sparse payload may stand for: what a model may have. */
const MAX_ELEMENTS: number = 2 ** 28;

/** Refuses a packing that would send nothing; throws `NEURAL_SETTING`. */
export const checkCompression = (how: Compression): void => {
  if (how.kind !== "topK" || (how.share > 0 && how.share <= 1)) return;
  throw badSetting({
    what: "share of topK",
    reason: `it is ${how.share}, and more than 0 up to 1 is needed`,
    path: "/compression/share",
  });
};

const topK = (step: Float32Array, share: number): Payload => {
  const kept = Math.min(step.length, Math.max(1, Math.round(step.length * share)));
  const places = Array.from(step, (_, i) => i).sort((a, b) => Math.abs(step[b]) - Math.abs(step[a]) || a - b);
  const indices = Uint32Array.from(places.slice(0, kept)).sort();
  return { kind: "sparse", size: step.length, indices, values: Float32Array.from(indices, (i) => step[i]) };
};

const int8 = (step: Float32Array): Payload => {
  const scales = new Float32Array(Math.ceil(step.length / INT8_RUN));
  const codes = new Int8Array(step.length);
  for (let run = 0; run < scales.length; run++) {
    const part = step.subarray(run * INT8_RUN, (run + 1) * INT8_RUN);
    const most = part.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
    scales[run] = most / INT8_MOST;
    if (scales[run] === 0) continue;
    part.forEach((value, i) => {
      codes[run * INT8_RUN + i] = Math.max(-INT8_MOST, Math.min(INT8_MOST, Math.round(value / scales[run])));
    });
  }
  return { kind: "int8", size: step.length, scales, codes };
};

const pack = (step: Float32Array, how: Compression): Payload => {
  switch (how.kind) {
    case "none":
      return { kind: "dense", size: step.length, values: step };
    case "topK":
      return topK(step, how.share);
    case "int8":
      return int8(step);
  }
};

/** The step of a payload; undefined where its parts do not fit each other. */
export const decompress = (payload: Payload): Float32Array<ArrayBuffer> | undefined => {
  const { size } = payload;
  if (!(size <= MAX_ELEMENTS)) return undefined;
  if (payload.kind === "dense") return payload.values.length === size ? new Float32Array(payload.values) : undefined;
  if (payload.kind === "sparse") {
    const { indices, values } = payload;
    if (indices.length !== values.length) return undefined;
    if (!indices.every((at, i) => at < size && (i === 0 || indices[i - 1] < at))) return undefined;
    const made = new Float32Array(size);
    indices.forEach((at, i) => made[at] = values[i]);
    return made;
  }
  const { scales, codes } = payload;
  if (codes.length !== size || scales.length !== Math.ceil(size / INT8_RUN)) return undefined;
  return Float32Array.from(codes, (code, i) => code * scales[Math.floor(i / INT8_RUN)]);
};

/** A step packed, with what earlier packing left out added to it, and what this packing leaves out. */
export const compress = (
  step: Float32Array,
  how: Compression,
  left?: Float32Array,
): { readonly payload: Payload; readonly left: Float32Array<ArrayBuffer> } => {
  checkCompression(how);
  const due = left === undefined ? new Float32Array(step) : step.map((value, i) => value + left[i]);
  const payload = pack(due as Float32Array<ArrayBuffer>, how);
  return { payload, left: difference(due as Float32Array, decompress(payload)!) };
};
