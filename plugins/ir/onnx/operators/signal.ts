/**
 * ONNX operators of signals: windows, Fourier transforms, mel filters. Tables are computed here; transforms are products.
 *
 * @module
 */
import type { Value } from "../../operators.ts";
import { fromFloats, tensor, toFloats } from "../../value.ts";
import { onnx, type OnnxNode, type OnnxOperator } from "../operator.ts";
import { dtypeOf } from "../tensors.ts";

const TURN = 2 * Math.PI;

const window = (shape: (phase: number) => number) => (n: OnnxNode): Value => {
  const [size] = n.integers(0);
  const period = n.flag("periodic", true) ? size : size - 1;
  const dtype = n.hasAttribute("output_datatype") ? dtypeOf(n.int("output_datatype"), n.op, n.name) : "f32";
  return n.g.constant(
    fromFloats(dtype, [size], Float64Array.from({ length: size }, (_, i) => shape(TURN * i / period))),
  );
};

/** Cosines or sines of a transform: [results, elements]. */
const wave = (n: OnnxNode, results: number, length: number, of: (angle: number) => number, x: Value): Value =>
  n.g.constant(fromFloats(
    x.type.dtype,
    [results, length],
    // The product is reduced first, so that the angle keeps its digits.
    Float64Array.from(
      { length: results * length },
      (_, i) => of(TURN * ((Math.floor(i / length) * (i % length)) % length) / length),
    ),
  ));

/** The transform along the last axis of the real and imaginary parts; gives both along a new last axis. */
const transform = (
  n: OnnxNode,
  real: Value,
  imaginary: Value | undefined,
  { results, inverse }: { readonly results: number; readonly inverse: boolean },
): Value => {
  const { g } = n;
  const last = real.type.shape.length - 1;
  const length = n.number(real.type.shape[last], "a transformed axis");
  const axes = { x_batch: [], y_batch: [], x_contract: [last], y_contract: [1] };
  const cosines = wave(n, results, length, Math.cos, real);
  const sines = wave(n, results, length, inverse ? Math.sin : (angle) => -Math.sin(angle), real);
  const by = (x: Value, table: Value) => g.dot(x, table, axes);
  const first = imaginary === undefined ? by(real, cosines) : g.sub(by(real, cosines), by(imaginary, sines));
  const second = imaginary === undefined ? by(real, sines) : g.add(by(real, sines), by(imaginary, cosines));
  const parts = [first, second].map((part) => g.reshape(part, [...part.type.shape, 1]));
  const made = g.concat(parts, last + 1);
  return inverse ? g.div(made, length) : made;
};

const partsOf = (n: OnnxNode, x: Value): readonly [Value, Value | undefined] => {
  const rank = x.type.shape.length;
  const lead = x.type.shape.slice(0, -1);
  const part = (i: number) => n.g.reshape(n.g.sliceAxis(x, rank - 1, i, i + 1), lead);
  return [part(0), x.type.shape[rank - 1] === 2 ? part(1) : undefined];
};

const dft = (n: OnnxNode): Value => {
  const { g } = n;
  const x = n.in(0);
  const rank = x.type.shape.length;
  const axis = n.axis(n.version >= 20 ? (n.has(2) ? n.integers(2)[0] : -2) : n.int("axis", 1), rank);
  const order = [...x.type.shape.keys()].filter((i) => i !== axis && i !== rank - 1);
  const moved = g.transpose(x, [...order, axis, rank - 1]);
  const size = n.number(x.type.shape[axis], "the transformed axis");
  const length = n.has(1) ? n.integers(1)[0] : size;
  const at = rank - 2;
  const cut = length <= size ? g.sliceAxis(moved, at, 0, length) : g.pad(moved, 0, {
    low: moved.type.shape.map(() => 0),
    high: moved.type.shape.map((_, i) => i === at ? length - size : 0),
  });
  const [real, imaginary] = partsOf(n, cut);
  const results = n.flag("onesided") ? Math.floor(length / 2) + 1 : length;
  const made = transform(n, real, imaginary, { results, inverse: n.flag("inverse") });
  const back = [...x.type.shape.keys()].map((i) => i === axis ? at : i === rank - 1 ? rank - 1 : order.indexOf(i));
  return g.transpose(made, back);
};

const stft = (n: OnnxNode): Value => {
  const { g } = n;
  const x = n.in(0);
  const [step] = n.integers(1);
  const shaped = n.maybe(2);
  const length = n.has(3)
    ? n.integers(3)[0]
    : n.number(shaped?.type.shape[0] ?? n.refuse("neither window nor frame_length is given"), "the window");
  const [batch, size] = n.numbers(x.type.shape.slice(0, 2), "a signal's size");
  const frames = Math.floor((size - length) / step) + 1;
  const places = Array.from({ length: frames * length }, (_, i) => Math.floor(i / length) * step + i % length);
  const table = g.constant(tensor("i64", [frames, length], places));
  const whole = x.type.shape.length === 2 ? g.reshape(x, [batch, size, 1]) : x;
  const [real, imaginary] = partsOf(n, whole).map((part) => {
    if (part === undefined) return undefined;
    const framed = g.gather(part, table, 1);
    return shaped === undefined ? framed : g.mul(framed, shaped);
  });
  const results = n.flag("onesided", true) ? Math.floor(length / 2) + 1 : length;
  return transform(n, real!, imaginary, { results, inverse: false });
};

const MEL_SCALE = 2595;
const MEL_BREAK = 700;

const melWeights = (n: OnnxNode): Value => {
  const [bins, length, rate] = [0, 1, 2].map((i) => n.integers(i)[0]);
  const [low, high] = [3, 4].map((i) => MEL_SCALE * Math.log10(1 + toFloats(n.tensor(i))[0] / MEL_BREAK));
  const spectrum = Math.floor(length / 2) + 1;
  const step = (high - low) / (bins + 2);
  const edges = Array.from({ length: bins + 2 }, (_, i) => {
    const hertz = MEL_BREAK * (10 ** ((i * step + low) / MEL_SCALE) - 1);
    return Math.floor((length + 1) * hertz / rate);
  });
  const made = new Float64Array(spectrum * bins);
  for (let i = 0; i < bins; i++) {
    const [lower, centre, upper] = edges.slice(i, i + 3);
    if (centre === lower) made[centre * bins + i] = 1;
    for (let j = lower; j <= centre && centre > lower; j++) made[j * bins + i] = (j - lower) / (centre - lower);
    for (let j = centre; j < upper; j++) made[j * bins + i] = (upper - j) / (upper - centre);
  }
  const dtype = n.hasAttribute("output_datatype") ? dtypeOf(n.int("output_datatype"), n.op, n.name) : "f32";
  return n.g.constant(fromFloats(dtype, [spectrum, bins], made));
};

/** The rows. */
export const SIGNAL_OPERATORS: ReadonlyArray<OnnxOperator> = [
  onnx("HannWindow", 17, window((phase) => 0.5 - 0.5 * Math.cos(phase))),
  onnx("HammingWindow", 17, window((phase) => 25 / 46 - 21 / 46 * Math.cos(phase))),
  onnx("BlackmanWindow", 17, window((phase) => 0.42 - 0.5 * Math.cos(phase) + 0.08 * Math.cos(2 * phase))),
  onnx("DFT", 17, dft),
  onnx("STFT", 17, stft),
  onnx("MelWeightMatrix", 17, melWeights),
];
