/**
 * ONNX operators over quantised tensors: integers with a scale and a zero point.
 *
 * Invariant: products accumulate in i32, rounding is to even, results saturate.
 *
 * @module
 */
import type { Value } from "../../operators.ts";
import { type Dtype, dtypeInfo, isFloat } from "../../types.ts";
import { alongAxis, onnx, type OnnxNode, type OnnxOperator } from "../operator.ts";
import { dtypeOf } from "../tensors.ts";
import { convolve } from "./neural.ts";

/** A scale or zero point as it stands against an operand: one number, one a slice of an axis, or one a block. */
const against = (n: OnnxNode, part: Value, x: Value, otherwise = 1): Value => {
  const { shape } = part.type;
  if (shape.length === 0 || (shape.length === 1 && shape[0] === 1)) return n.g.reshape(part, []);
  const rank = x.type.shape.length;
  const axis = n.axis(n.int("axis", otherwise), rank);
  if (shape.length === 1 && rank > 1) return alongAxis(n.g, part, axis, rank);
  const block = n.int("block_size", 0);
  if (block === 0) return part;
  const spread = n.g.broadcast(part, [...shape.slice(0, axis + 1), block, ...shape.slice(axis + 1)], [
    ...shape.map((_, i) => i <= axis ? i : i + 1),
  ]);
  const repeated = n.g.reshape(
    spread,
    shape.map((size, i) => i === axis ? n.number(size, "a block count") * block : size),
  );
  return n.g.slice(repeated, { start: shape.map(() => 0), limit: x.type.shape });
};

const saturated = (n: OnnxNode, x: Value, zero: Value | undefined, to: Dtype): Value => {
  const rounded = n.g.round(x);
  return n.g.cast(zero === undefined ? rounded : n.g.add(rounded, n.g.cast(zero, rounded.type.dtype)), to);
};

const quantize = (n: OnnxNode): Value => {
  const { g } = n;
  const x = n.in(0);
  const wide = isFloat(x.type.dtype) ? x : g.cast(x, "f32");
  const zero = n.maybe(2);
  const to = zero?.type.dtype ?? (n.hasAttribute("output_dtype") ? dtypeOf(n.int("output_dtype"), n.op, n.name) : "u8");
  if (isFloat(to)) n.refuse(`${to} is no quantised type`);
  const ratio = g.div(wide, g.cast(against(n, n.in(1), x), wide.type.dtype));
  return saturated(n, ratio, zero === undefined ? undefined : against(n, zero, x), to);
};

const dequantize = (n: OnnxNode): Value => {
  const { g } = n;
  const x = n.in(0);
  const scale = n.in(1);
  const zero = n.maybe(2);
  // Differences of 8- and 16-bit integers are exact in i32.
  const wide = g.cast(x, "i32");
  const centered = zero === undefined ? wide : g.sub(wide, g.cast(against(n, zero, x), "i32"));
  return g.mul(g.cast(centered, scale.type.dtype), against(n, scale, x));
};

const dynamicQuantize = (n: OnnxNode): ReadonlyArray<Value> => {
  const { g } = n;
  const x = n.in(0);
  const [low, high] = [g.min(g.reduceAll("min", x), 0), g.max(g.reduceAll("max", x), 0)];
  const scale = g.div(g.sub(high, low), 255);
  const zero = g.cast(g.round(g.clamp(g.neg(g.div(low, scale)), 0, 255)), "u8");
  return [saturated(n, g.div(x, scale), zero, "u8"), scale, zero];
};

/** An operand less its zero point, in i32. */
const centered = (n: OnnxNode, x: Value, zero: Value | undefined): Value => {
  const wide = n.g.cast(x, "i32");
  return zero === undefined ? wide : n.g.sub(wide, n.g.cast(zero, "i32"));
};

/** Zero points of the rows of a matrix stand against its columns. */
const perRow = (n: OnnxNode, zero: Value | undefined): Value | undefined =>
  zero === undefined || zero.type.shape.length !== 1 ? zero : n.g.reshape(zero, [zero.type.shape[0], 1]);

const scalarLike = (n: OnnxNode, zero: Value | undefined): Value | undefined =>
  zero !== undefined && zero.type.shape.length === 1 && zero.type.shape[0] === 1 ? n.g.reshape(zero, []) : zero;

const matMulInteger = (n: OnnxNode): Value =>
  n.g.matmul(
    centered(n, n.in(0), perRow(n, scalarLike(n, n.maybe(2)))),
    centered(n, n.in(1), scalarLike(n, n.maybe(3))),
  );

const perKernel = (n: OnnxNode, part: Value | undefined, rank: number): Value | undefined =>
  part === undefined ? undefined : alongAxis(n.g, part, 0, rank);

const convInteger = (n: OnnxNode): Value => {
  const w = n.in(1);
  const zero = perKernel(n, n.maybe(3), w.type.shape.length);
  return convolve(n, centered(n, n.in(0), scalarLike(n, n.maybe(2))), centered(n, w, zero));
};

/** Sums of integer products at the scale of the result. */
const rescaled = (n: OnnxNode, sums: Value, [a, b, to]: readonly [Value, Value, Value], zero: Value): Value => {
  const { g } = n;
  const ratio = g.div(g.mul(g.cast(a, "f32"), g.cast(b, "f32")), g.cast(to, "f32"));
  return saturated(
    n,
    g.mul(g.cast(sums, "f32"), ratio),
    zero,
    dtypeInfo(zero.type.dtype).kind === "int" ? zero.type.dtype : "u8",
  );
};

const qLinearMatMul = (n: OnnxNode): Value => {
  const [a, aScale, aZero, b, bScale, bZero, scale, zero] = n.all();
  const sums = n.g.matmul(
    centered(n, a, perRow(n, scalarLike(n, aZero))),
    centered(n, b, scalarLike(n, bZero)),
  );
  const plain = (part: Value) => scalarLike(n, part)!;
  return rescaled(n, sums, [perRow(n, plain(aScale))!, plain(bScale), plain(scale)], plain(zero));
};

const qLinearConv = (n: OnnxNode): Value => {
  const { g } = n;
  const [x, xScale, xZero, w, wScale, wZero, scale, zero] = n.all();
  const rank = w.type.shape.length;
  const plain = (part: Value) => scalarLike(n, part)!;
  const sums = convolve(n, centered(n, x, plain(xZero)), centered(n, w, perKernel(n, plain(wZero), rank)));
  const bias = n.maybe(8);
  const biased = bias === undefined ? sums : g.add(sums, alongAxis(g, bias, 1, rank));
  return rescaled(n, biased, [plain(xScale), alongAxis(g, plain(wScale), 1, rank), plain(scale)], plain(zero));
};

/** The rows. */
export const QUANTIZED_OPERATORS: ReadonlyArray<OnnxOperator> = [
  onnx("QuantizeLinear", 10, quantize),
  onnx("DequantizeLinear", 10, dequantize),
  onnx("DynamicQuantizeLinear", 11, dynamicQuantize),
  onnx("MatMulInteger", 10, matMulInteger),
  onnx("ConvInteger", 10, convInteger),
  onnx("QLinearMatMul", 10, qLinearMatMul),
  onnx("QLinearConv", 10, qLinearConv),
];
