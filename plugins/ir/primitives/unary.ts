/**
 * Primitives of one operand, element by element.
 *
 * Invariant: a float result is computed in binary64 and rounded once; an integer result wraps; NaN gives NaN.
 *
 * @module
 */
import { erf } from "../erf.ts";
import { roundHalfEven } from "../float.ts";
import { type GradientRule, noFlops, type NoGradient, onePerElement, type Primitive, primitive } from "../primitive.ts";
import { Dtype, dtypeInfo, isFloat, tensorType } from "../types.ts";
import {
  elementCount,
  fromFloats,
  fromIntegers,
  integerBuffer,
  integerRange,
  integerToFloat,
  type Tensor,
  toFloats,
  toIntegers,
  zeros,
} from "../value.ts";

type Rules = {
  readonly float?: (x: number) => number;
  readonly integer?: (x: bigint, dtype: Dtype) => bigint;
};

const apply = (rules: Rules, input: Tensor): Tensor => {
  if (isFloat(input.dtype)) {
    const [x, rule, out] = [toFloats(input), rules.float!, new Float64Array(input.data.length)];
    for (let i = 0; i < out.length; i++) out[i] = rule(x[i]);
    return fromFloats(input.dtype, input.shape, out);
  }
  return fromIntegers(input.dtype, input.shape, toIntegers(input).map((x) => rules.integer!(x, input.dtype)));
};

type Takes = "float" | "number" | "bits";

const unary = (
  name: string,
  takes: Takes,
  doc: string,
  rules: Rules,
  gradient: GradientRule<unknown> | NoGradient,
  cost: Primitive["cost"] = onePerElement,
): Primitive =>
  primitive(name, {
    doc,
    operands: { x: takes },
    result: ({ types: [x] }) => [x],
    gradient: gradient as GradientRule<Record<never, never>>,
    cost,
    evaluate: ({ inputs: [x] }) => [apply(rules, x)],
    loop: "elementwise",
  });

const flat: NoGradient = { none: "it is piecewise constant: its derivative is zero wherever it exists", zero: true };

const discrete: NoGradient = { none: "its operands are not floats", zero: true };

const TWO_OVER_ROOT_PI = 2 / Math.sqrt(Math.PI);

/** The logistic function, without overflow on either side. */
export const logistic = (x: number): number => x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));

/** The rows. */
export const UNARY: ReadonlyArray<Primitive> = [
  unary(
    "neg",
    "number",
    "Negation. Integers wrap: the smallest is its own negative.",
    { float: (x) => -x, integer: (x) => -x },
    ({ g, cotangent }) => [g.neg(cotangent)],
  ),
  unary(
    "abs",
    "number",
    "Magnitude. Integers wrap: the smallest signed one stays.",
    { float: Math.abs, integer: (x) => x < 0n ? -x : x },
    ({ g, cotangent, operands: [x] }) => [g.mul(cotangent, g.sign(x))],
  ),
  unary(
    "sign",
    "number",
    "−1, 0 or 1; ±0 stays itself.",
    { float: Math.sign, integer: (x) => x < 0n ? -1n : x > 0n ? 1n : 0n },
    flat,
    noFlops,
  ),
  unary(
    "exp",
    "float",
    "e to the x.",
    { float: Math.exp },
    ({ g, cotangent, results: [y] }) => [g.mul(cotangent, y)],
  ),
  unary(
    "expm1",
    "float",
    "e to the x, less one, accurate near zero.",
    { float: Math.expm1 },
    ({ g, cotangent, results: [y] }) => [g.mul(cotangent, g.add(y, 1))],
  ),
  unary(
    "log",
    "float",
    "Natural logarithm; of zero −∞, of a negative NaN.",
    { float: Math.log },
    ({ g, cotangent, operands: [x] }) => [g.div(cotangent, x)],
  ),
  unary(
    "log1p",
    "float",
    "Logarithm of one plus x, accurate near zero.",
    { float: Math.log1p },
    ({ g, cotangent, operands: [x] }) => [g.div(cotangent, g.add(x, 1))],
  ),
  unary(
    "sqrt",
    "float",
    "Square root; of a negative NaN, of −0 −0.",
    { float: Math.sqrt },
    ({ g, cotangent, results: [y] }) => [g.div(g.mul(cotangent, 0.5), y)],
  ),
  unary(
    "sin",
    "float",
    "Sine; of an infinity NaN.",
    { float: Math.sin },
    ({ g, cotangent, operands: [x] }) => [g.mul(cotangent, g.cos(x))],
  ),
  unary(
    "cos",
    "float",
    "Cosine; of an infinity NaN.",
    { float: Math.cos },
    ({ g, cotangent, operands: [x] }) => [g.neg(g.mul(cotangent, g.sin(x)))],
  ),
  unary(
    "tanh",
    "float",
    "Hyperbolic tangent.",
    { float: Math.tanh },
    ({ g, cotangent, results: [y] }) => [g.mul(cotangent, g.sub(1, g.mul(y, y)))],
  ),
  unary(
    "logistic",
    "float",
    "1 / (1 + e^−x), without overflow on either side.",
    { float: logistic },
    ({ g, cotangent, results: [y] }) => [g.mul(cotangent, g.mul(y, g.sub(1, y)))],
  ),
  unary(
    "erf",
    "float",
    "The error function, 2/√π ∫₀ˣ e^−t² dt.",
    { float: erf },
    ({ g, cotangent, operands: [x] }) => [
      g.mul(cotangent, g.mul(g.exp(g.neg(g.mul(x, x))), TWO_OVER_ROOT_PI)),
    ],
  ),
  unary("floor", "float", "Largest integer not above x.", { float: Math.floor }, flat),
  unary("ceil", "float", "Smallest integer not below x.", { float: Math.ceil }, flat),
  unary("round", "float", "Nearest integer, ties to even.", { float: roundHalfEven }, flat),
  unary(
    "not",
    "bits",
    "Complement: of a bool its negation, of an integer all bits.",
    { integer: (x, dtype) => dtype === "bool" ? 1n - x : ~x },
    discrete,
    noFlops,
  ),
  primitive("stop_gradient", {
    doc: "The operand itself; no cotangent passes.",
    operands: { x: "any" },
    result: ({ types: [x] }) => [x],
    gradient: { none: "it exists to stop cotangents", zero: true },
    cost: () => ({ flops: 0, bytes: 0 }),
    evaluate: ({ inputs: [x] }) => [x],
    loop: "view",
  }),
  primitive("cast", {
    doc:
      "Another dtype. To a narrower float: nearest, ties to even, past the largest ∞. Float to integer: towards zero, " +
      "clamped to the range, NaN to 0. Integer to integer: wraps. To bool: whether not zero (NaN is true).",
    operands: { x: "any" },
    attributes: { dtype: Dtype },
    result: ({ types: [x], attributes }) => [tensorType(attributes.dtype, x.shape)],
    gradient: (
      { g, cotangent, operands: [x] },
    ) => [isFloat(x.type.dtype) ? g.cast(cotangent, x.type.dtype) : undefined],
    cost: noFlops,
    evaluate: ({ inputs: [x], attributes }) => [castTensor(x, attributes.dtype)],
    loop: "elementwise",
  }),
];

const truncate = (x: number, dtype: Dtype): bigint => {
  if (Number.isNaN(x)) return 0n;
  const [low, high] = integerRange(dtype);
  if (x <= Number(low)) return low;
  if (x >= Number(high)) return high;
  return BigInt(Math.trunc(x));
};

const toBool = (x: Tensor): Tensor => {
  const made = zeros("bool", x.shape);
  const values: ArrayLike<number | bigint> = isFloat(x.dtype) ? toFloats(x) : x.data;
  // NaN differs from zero, so it is true; −0 is equal to zero, so it is false.
  for (let i = 0; i < values.length; i++) made.data[i] = values[i] == 0 ? 0 : 1;
  return made;
};

/** A tensor in another dtype, by the rules of `cast`. */
export const castTensor = (x: Tensor, dtype: Dtype): Tensor => {
  if (x.dtype === dtype) return x;
  if (dtype === "bool") return toBool(x);
  const from = isFloat(x.dtype);
  if (from && isFloat(dtype)) return fromFloats(dtype, x.shape, new Float64Array(toFloats(x)));
  if (from) {
    const [floats, integers] = [toFloats(x), integerBuffer(dtype, x.data.length)];
    for (let i = 0; i < floats.length; i++) integers[i] = truncate(floats[i], dtype);
    return fromIntegers(dtype, x.shape, integers);
  }
  if (!isFloat(dtype)) return fromIntegers(dtype, x.shape, toIntegers(x));
  const floats = new Float64Array(elementCount(x.shape));
  const exact = dtypeInfo(x.dtype).bits <= 32;
  toIntegers(x).forEach((value, i) => {
    floats[i] = exact ? Number(value) : integerToFloat(value, dtype);
  });
  return fromFloats(dtype, x.shape, floats);
};
