/**
 * ONNX operators of networks: products, convolutions, normalisations.
 *
 * @module
 */
import { type Dimension, multiplyDimensions, quotientOf } from "../../dimension.ts";
import type { Value } from "../../operators.ts";
import { dtypeInfo, isFloat, type Shape } from "../../types.ts";
import { alongAxis, like, onnx, type OnnxNode, type OnnxOperator } from "../operator.ts";

/** How a window moves over spatial axes: what convolutions and pools share. */
export interface Spatial {
  /** Sizes of the window. */
  readonly kernel: ReadonlyArray<number>;
  /** Steps between windows. */
  readonly strides: ReadonlyArray<number>;
  /** Steps between elements of a window. */
  readonly dilation: ReadonlyArray<number>;
  /** Places before. */
  readonly low: ReadonlyArray<number>;
  /** Places after. */
  readonly high: ReadonlyArray<number>;
}

const AUTO = ["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"] as const;

/** The window of a node over the spatial sizes it is given. */
export const spatialOf = (n: OnnxNode, sizes: Shape, kernel: ReadonlyArray<number>): Spatial => {
  const ones = kernel.map(() => 1);
  const strides = n.ints("strides") ?? ones;
  const dilation = n.ints("dilations") ?? ones;
  const auto = n.oneOf("auto_pad", AUTO, "NOTSET");
  const given = n.ints("pads") ?? kernel.flatMap(() => [0, 0]);
  if (auto === "NOTSET") {
    return { kernel, strides, dilation, low: given.slice(0, kernel.length), high: given.slice(kernel.length) };
  }
  if (auto === "VALID") return { kernel, strides, dilation, low: ones.map(() => 0), high: ones.map(() => 0) };
  const total = kernel.map((size, i) => {
    const extent = (size - 1) * dilation[i] + 1;
    if (strides[i] === 1) return extent - 1;
    const length = n.number(sizes[i], `a size padded as ${auto}`);
    return Math.max((Math.ceil(length / strides[i]) - 1) * strides[i] + extent - length, 0);
  });
  const [less, more] = [total.map((pad) => Math.floor(pad / 2)), total.map((pad) => Math.ceil(pad / 2))];
  return auto === "SAME_UPPER"
    ? { kernel, strides, dilation, low: less, high: more }
    : { kernel, strides, dilation, low: more, high: less };
};

/** A convolution by the node's attributes, with an accumulator as wide as asked. */
export const convolve = (n: OnnxNode, x: Value, w: Value): Value => {
  const kernel = n.ints("kernel_shape") ?? n.numbers(w.type.shape.slice(2), "a kernel's size");
  const { strides, dilation, low, high } = spatialOf(n, x.type.shape.slice(2), kernel);
  return n.g.conv(x, w, { strides, dilation, low, high, groups: n.int("group", 1) });
};

const conv = (n: OnnxNode): Value => {
  const made = convolve(n, n.in(0), n.in(1));
  const bias = n.maybe(2);
  return bias === undefined ? made : n.g.add(made, alongAxis(n.g, bias, 1, made.type.shape.length));
};

/** The kernel of a transposed convolution as the kernel of a plain one: [C, O/g, k] to [O, C/g, k], turned around. */
const turnedKernel = (n: OnnxNode, w: Value, groups: number): Value => {
  const { g } = n;
  const [inputs, outputs, ...kernel] = w.type.shape;
  const each = quotientOf(inputs, groups) ?? n.refuse(`${inputs} channels do not divide into ${groups} groups`);
  const axes = kernel.map((_, i) => i + 3);
  const split = g.transpose(g.reshape(w, [groups, each, outputs, ...kernel]), [0, 2, 1, ...axes]);
  const merged = g.reshape(split, [multiplyDimensions(groups, outputs), each, ...kernel]);
  return g.reverse(merged, kernel.map((_, i) => i + 2));
};

const convTranspose = (n: OnnxNode): Value => {
  const { g } = n;
  const [x, w] = [n.in(0), n.in(1)];
  const kernel = n.ints("kernel_shape") ?? n.numbers(w.type.shape.slice(2), "a kernel's size");
  const groups = n.int("group", 1);
  const ones = kernel.map(() => 1);
  const strides = n.ints("strides") ?? ones;
  const dilation = n.ints("dilations") ?? ones;
  const extra = n.ints("output_padding") ?? ones.map(() => 0);
  const auto = n.oneOf("auto_pad", AUTO, "NOTSET");
  const given = n.ints("pads") ?? kernel.flatMap(() => [0, 0]);
  const wanted = n.ints("output_shape")?.slice(-kernel.length);
  const extent = kernel.map((size, i) => (size - 1) * dilation[i] + 1);
  const pads = kernel.map((_, i): readonly [number, number] => {
    if (wanted === undefined && auto === "NOTSET") return [given[i], given[i + kernel.length]];
    if (wanted === undefined && auto === "VALID") return [0, 0];
    const size = n.number(x.type.shape[i + 2], "a size");
    const length = wanted?.[i] ?? size * strides[i];
    const total = Math.max(strides[i] * (size - 1) + extra[i] + extent[i] - length, 0);
    const half = Math.floor(total / 2);
    return auto === "SAME_UPPER" ? [half, total - half] : [total - half, half];
  });
  // A wanted size beyond what the windows reach is filled with zeros at the end.
  const missing = kernel.map((_, i) => {
    if (wanted === undefined && !auto.startsWith("SAME")) return 0;
    const size = n.number(x.type.shape[i + 2], "a size");
    const length = wanted?.[i] ?? size * strides[i];
    return Math.max(length - (strides[i] * (size - 1) + extra[i] + extent[i]), 0);
  });
  const made = g.conv(x, turnedKernel(n, w, groups), {
    input_dilation: strides,
    dilation,
    low: kernel.map((_, i) => extent[i] - 1 - pads[i][0]),
    high: kernel.map((_, i) => extent[i] - 1 - pads[i][1] + extra[i] + missing[i]),
    groups,
  });
  const bias = n.maybe(2);
  return bias === undefined ? made : g.add(made, alongAxis(g, bias, 1, made.type.shape.length));
};

const swapLast = (n: OnnxNode, x: Value): Value => n.g.transpose(x, [1, 0]);

/** A factor on any element type; integers are scaled in f64. */
const scaled = (n: OnnxNode, x: Value, factor: number): Value => {
  if (factor === 1) return x;
  if (isFloat(x.type.dtype)) return n.g.mul(x, factor);
  if (Number.isInteger(factor)) return n.g.mul(x, like(x, factor));
  return n.g.cast(n.g.mul(n.g.cast(x, "f64"), factor), x.type.dtype);
};

const gemm = (n: OnnxNode): Value => {
  const [a, b] = [n.in(0), n.in(1)];
  const product = n.g.matmul(n.flag("transA") ? swapLast(n, a) : a, n.flag("transB") ? swapLast(n, b) : b);
  const made = scaled(n, product, n.float("alpha", 1));
  const c = n.maybe(2);
  return c === undefined ? made : n.g.add(made, scaled(n, c, n.float("beta", 1)));
};

type Normalizing = { readonly mean: Value; readonly variance: Value; readonly epsilon: number };

const affine = (n: OnnxNode, x: Value, { mean, variance, epsilon }: Normalizing, scale: Value, bias: Value): Value => {
  const rank = x.type.shape.length;
  const along = (value: Value) => n.g.cast(alongAxis(n.g, value, 1, rank), x.type.dtype);
  const inverse = n.g.div(along(scale), n.g.sqrt(n.g.add(along(variance), epsilon)));
  return n.g.add(n.g.mul(n.g.sub(x, along(mean)), inverse), along(bias));
};

const batchNormalization = (n: OnnxNode): ReadonlyArray<Value> => {
  const { g } = n;
  const [x, scale, bias, mean, variance] = [0, 1, 2, 3, 4].map((i) => n.in(i));
  const epsilon = n.float("epsilon", 1e-5);
  const training = n.version >= 14 ? n.flag("training_mode") : n.version < 7 && !n.flag("is_test");
  if (n.version < 9 && !n.flag("spatial", true)) n.refuse("statistics of every place are not kept");
  if (!training) return [affine(n, x, { mean, variance, epsilon }, scale, bias)];
  const axes = x.type.shape.flatMap((_, axis) => axis === 1 ? [] : [axis]);
  const flat = (value: Value) => g.reshape(value, [x.type.shape[1]]);
  const [own, spread] = [flat(g.meanKeep(x, axes)), flat(g.varianceKeep(x, axes))];
  const momentum = n.float("momentum", 0.9);
  const running = (before: Value, now: Value) =>
    g.add(g.mul(before, momentum), g.mul(g.cast(now, before.type.dtype), 1 - momentum));
  return [
    affine(n, x, { mean: own, variance: spread, epsilon }, scale, bias),
    running(mean, own),
    running(variance, spread),
  ];
};

const instanceNormalization = (n: OnnxNode): Value => {
  const { g } = n;
  const x = n.in(0);
  const rank = x.type.shape.length;
  const axes = x.type.shape.flatMap((_, axis) => axis < 2 ? [] : [axis]);
  const middle = g.normalize(x, { axes, epsilon: n.float("epsilon", 1e-5), centered: true });
  return g.add(g.mul(middle, alongAxis(g, n.in(1), 1, rank)), alongAxis(g, n.in(2), 1, rank));
};

const groupNormalization = (n: OnnxNode): Value => {
  const { g } = n;
  const x = n.in(0);
  const [batch, channels, ...rest] = x.type.shape;
  const groups = n.int("num_groups");
  const each = quotientOf(channels, groups) ?? n.refuse(`${channels} channels do not divide into ${groups} groups`);
  const parts = g.reshape(x, [batch, groups, multiplyDimensions(each, ...rest)]);
  const middle = g.reshape(
    g.normalize(parts, { axes: [2], epsilon: n.float("epsilon", 1e-5), centered: true }),
    x.type.shape,
  );
  // Before version 21 scale and bias have an entry a group.
  const perChannel = (value: Value): Value =>
    n.version >= 21 ? value : g.reshape(g.broadcast(value, [groups, each], [0]), [channels]);
  const rank = x.type.shape.length;
  const along = (value: Value) => alongAxis(g, perChannel(value), 1, rank);
  return g.add(g.mul(middle, along(n.in(1))), along(n.in(2)));
};

const layerNormalization = (n: OnnxNode): ReadonlyArray<Value> => {
  const { g } = n;
  const x = n.in(0);
  const { shape, dtype } = x.type;
  const axis = n.axis(n.int("axis", -1), shape.length);
  const axes = shape.flatMap((_, i) => i >= axis ? [i] : []);
  // Statistics are computed in f32 where the operand is narrower.
  const wide = n.int("stash_type", 1) === 1 && dtypeInfo(dtype).bits < 32 ? g.cast(x, "f32") : x;
  const mean = g.meanKeep(wide, axes);
  const centered = g.sub(wide, mean);
  const variance = g.meanKeep(g.mul(centered, centered), axes);
  const inverse = g.div(1, g.sqrt(g.add(variance, n.float("epsilon", 1e-5))));
  const scaledBy = g.mul(g.cast(g.mul(centered, inverse), dtype), n.in(1));
  const bias = n.maybe(2);
  return [bias === undefined ? scaledBy : g.add(scaledBy, bias), mean, inverse];
};

const meanVariance = (n: OnnxNode): Value => {
  const { g } = n;
  const x = n.in(0);
  const axes = n.axes(n.ints("axes") ?? [0, 2, 3], x.type.shape.length);
  const middle = g.sub(x, g.meanKeep(x, axes));
  // The reference adds its epsilon to the deviation, not to the variance.
  return g.div(middle, g.add(g.sqrt(g.varianceKeep(x, axes)), 1e-9));
};

const localResponse = (n: OnnxNode): Value => {
  const { g } = n;
  const x = n.in(0);
  const size = n.int("size");
  const squares = g.mul(x, x);
  const ones = x.type.shape.map(() => 1);
  const at1 = (value: number) => x.type.shape.map((_, axis) => axis === 1 ? value : 0);
  const sum = g.reduceWindow("sum", squares, {
    window: x.type.shape.map((_, axis) => axis === 1 ? size : 1),
    strides: ones,
    dilation: ones,
    low: at1(Math.floor((size - 1) / 2)),
    high: at1(Math.ceil((size - 1) / 2)),
  });
  const alpha = n.float("alpha", 1e-4) / size;
  return g.div(x, g.pow(g.add(g.mul(sum, alpha), n.float("bias", 1)), n.float("beta", 0.75)));
};

const lpNormalization = (n: OnnxNode): Value => {
  const { g } = n;
  const x = n.in(0);
  const axes = [n.axis(n.int("axis", -1), x.type.shape.length)];
  const norm = n.int("p", 2) === 1
    ? g.reduceKeep("sum", g.abs(x), axes)
    : g.sqrt(g.reduceKeep("sum", g.mul(x, x), axes));
  return g.div(x, norm);
};

const globalPool = (build: (n: OnnxNode, x: Value, axes: ReadonlyArray<number>) => Value) => (n: OnnxNode): Value => {
  const x = n.in(0);
  return build(n, x, x.type.shape.flatMap((_, axis) => axis < 2 ? [] : [axis]));
};

const globalLp = (n: OnnxNode, x: Value, axes: ReadonlyArray<number>): Value => {
  const p = n.int("p", 2);
  const sum = n.g.reduceKeep("sum", n.g.pow(n.g.abs(x), p), axes);
  return n.g.pow(sum, 1 / p);
};

const MAX_DETERMINANT = 5;

/** Determinant by expansion along the first row. */
const determinant = (n: OnnxNode, x: Value): Value => {
  const { g } = n;
  const rank = x.type.shape.length;
  const size = n.number(x.type.shape[rank - 1], "a matrix's size");
  const lead: ReadonlyArray<Dimension> = x.type.shape.slice(0, -2);
  if (size > MAX_DETERMINANT) n.refuse(`matrices above ${MAX_DETERMINANT}×${MAX_DETERMINANT} have no primitive`);
  const element = (row: number, column: number) =>
    g.reshape(g.sliceAxis(g.sliceAxis(x, rank - 2, row, row + 1), rank - 1, column, column + 1), lead);
  const minor = (row: number, columns: ReadonlyArray<number>): Value => {
    if (row === size) return g.full({ dtype: x.type.dtype, shape: lead }, 1);
    return columns.map((column, i): Value => {
      const term = g.mul(element(row, column), minor(row + 1, columns.filter((other) => other !== column)));
      return i % 2 === 0 ? term : g.neg(term);
    }).reduce((a, b) => g.add(a, b));
  };
  return minor(0, Array.from({ length: size }, (_, i) => i));
};

/** The rows. */
export const NEURAL_OPERATORS: ReadonlyArray<OnnxOperator> = [
  onnx("MatMul", 1, (n) => n.g.matmul(n.in(0), n.in(1))),
  onnx("Gemm", 1, gemm),
  onnx("Conv", 1, conv),
  onnx("ConvTranspose", 1, convTranspose),
  onnx("BatchNormalization", 1, batchNormalization),
  onnx("InstanceNormalization", 1, instanceNormalization),
  onnx("GroupNormalization", 18, groupNormalization),
  onnx("LayerNormalization", 17, layerNormalization),
  onnx("MeanVarianceNormalization", 9, meanVariance),
  onnx("LRN", 1, localResponse),
  onnx("LpNormalization", 1, lpNormalization),
  onnx("GlobalAveragePool", 1, globalPool((n, x, axes) => n.g.meanKeep(x, axes))),
  onnx("GlobalMaxPool", 1, globalPool((n, x, axes) => n.g.reduceKeep("max", x, axes))),
  onnx("GlobalLpPool", 2, globalPool(globalLp)),
  onnx("Det", 11, (n) => determinant(n, n.in(0))),
];
