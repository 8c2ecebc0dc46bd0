/**
 * ONNX operators that work element by element.
 *
 * Invariant: operands broadcast by NumPy's rule from version 7 on, by the attributes `broadcast` and `axis` before.
 *
 * @module
 */
import type { Composites } from "../../composites.ts";
import type { Direction } from "../../primitives/binary.ts";
import { addDimensions, type Dimension, multiplyDimensions, quotientOf, subtractDimensions } from "../../dimension.ts";
import type { Value } from "../../operators.ts";
import { type Dtype, dtypeInfo, isFloat } from "../../types.ts";
import { dtypeOf } from "../tensors.ts";
import { like, onnx, type OnnxNode, type OnnxOperator } from "../operator.ts";

type Unary = (g: Composites, x: Value, node: OnnxNode) => Value;

// Rational approximation of (atan(x) - x) / x^3 in x^2 on |x| <= 0.66, to binary64 (Moshier, Cephes).
const ATAN_NUMERATOR = [
  -8.750608600031904122785e-1,
  -1.615753718733365076637e1,
  -7.500855792314704667340e1,
  -1.228866684490136173410e2,
  -6.485021904942025371773e1,
];
const ATAN_DENOMINATOR = [
  1,
  2.485846490142306297962e1,
  1.650270098316988542046e2,
  4.328810604912902668951e2,
  4.853903996359136964868e2,
  1.945506571482613964425e2,
];
const TAN_3PI_8 = 2.41421356237309504880;
const ATAN_DIRECT = 0.66;

const polynomial = (g: Composites, x: Value, coefficients: ReadonlyArray<number>): Value =>
  coefficients.slice(1).reduce<Value>(
    (sum, c) => g.add(g.mul(sum, x), c),
    g.full(x.type, coefficients[0]),
  );

/** Arc tangent, by range reduction to |x| ≤ 0.66. */
const atan = (g: Composites, x: Value): Value => {
  const magnitude = g.abs(x);
  const large = g.compare("gt", magnitude, TAN_3PI_8);
  const middle = g.compare("gt", magnitude, ATAN_DIRECT);
  const folded = g.div(g.sub(magnitude, 1), g.add(magnitude, 1));
  const inverse = g.neg(g.div(g.full(x.type, 1), g.select(large, magnitude, 1)));
  const reduced = g.select(large, inverse, g.select(middle, folded, magnitude));
  const base = g.select(
    large,
    g.full(x.type, Math.PI / 2),
    g.select(middle, g.full(x.type, Math.PI / 4), g.full(x.type, 0)),
  );
  const z = g.mul(reduced, reduced);
  const ratio = g.div(polynomial(g, z, ATAN_NUMERATOR), polynomial(g, z, ATAN_DENOMINATOR));
  const angle = g.add(base, g.add(reduced, g.mul(reduced, g.mul(z, ratio))));
  return g.select(g.compare("lt", x, 0), g.neg(angle), angle);
};

const asin: Unary = (g, x) => atan(g, g.div(x, g.sqrt(g.mul(g.sub(1, x), g.add(x, 1)))));

const SELU_ALPHA = 1.67326319217681884765625;
const SELU_GAMMA = 1.05070102214813232421875;

const elu = (g: Composites, x: Value, alpha: number): Value =>
  g.select(g.compare("gt", x, 0), x, g.mul(g.expm1(g.min(x, 0)), alpha));

const hardSigmoid = (g: Composites, x: Value, alpha: number, beta: number): Value =>
  g.clamp(g.add(g.mul(x, alpha), beta), 0, 1);

const shrink: Unary = (g, x, node) => {
  const [lambda, bias] = [node.float("lambd", 0.5), node.float("bias", 0)];
  const above = g.compare("gt", x, like(x, lambda));
  const below = g.compare("lt", x, like(x, -lambda));
  const inner = g.select(below, g.add(x, like(x, bias)), g.zerosLike(x));
  return g.select(above, g.sub(x, like(x, bias)), inner);
};

const clipAttributes: Unary = (g, x, node) => {
  const low = node.hasAttribute("min") ? g.max(x, node.float("min")) : x;
  return node.hasAttribute("max") ? g.min(low, node.float("max")) : low;
};

const clip: Unary = (g, x, node) => {
  const [low, high] = [node.maybe(1), node.maybe(2)];
  const raised = low === undefined ? x : g.max(x, low);
  return high === undefined ? raised : g.min(raised, high);
};

const isInf: Unary = (g, x, node) => {
  const [positive, negative] = [node.flag("detect_positive", true), node.flag("detect_negative", true)];
  if (positive && negative) return g.compare("eq", g.abs(x), Infinity);
  if (!positive && !negative) return g.full({ dtype: "bool", shape: x.type.shape }, 0);
  return g.compare("eq", x, positive ? Infinity : -Infinity);
};

const UNARY: { readonly [name: string]: Unary } = {
  Abs: (g, x) => g.abs(x),
  Neg: (g, x) => g.neg(x),
  Sign: (g, x) => g.sign(x),
  Exp: (g, x) => g.exp(x),
  Log: (g, x) => g.log(x),
  Sqrt: (g, x) => g.sqrt(x),
  Sin: (g, x) => g.sin(x),
  Cos: (g, x) => g.cos(x),
  Tan: (g, x) => g.div(g.sin(x), g.cos(x)),
  Asin: asin,
  Acos: (g, x) => g.mul(atan(g, g.sqrt(g.div(g.sub(1, x), g.add(x, 1)))), 2),
  Atan: atan,
  Sinh: (g, x) => g.mul(g.sub(g.expm1(x), g.expm1(g.neg(x))), 0.5),
  Cosh: (g, x) => g.mul(g.add(g.exp(x), g.exp(g.neg(x))), 0.5),
  Asinh: (g, x) => {
    const [m, s] = [g.abs(x), g.mul(x, x)];
    const made = g.log1p(g.add(m, g.div(s, g.add(g.sqrt(g.add(s, 1)), 1))));
    return g.select(g.compare("lt", x, 0), g.neg(made), made);
  },
  Acosh: (g, x) => g.log(g.add(x, g.sqrt(g.mul(g.sub(x, 1), g.add(x, 1))))),
  Atanh: (g, x) => g.mul(g.sub(g.log1p(x), g.log1p(g.neg(x))), 0.5),
  Tanh: (g, x) => g.tanh(x),
  Sigmoid: (g, x) => g.logistic(x),
  Erf: (g, x) => g.erf(x),
  Floor: (g, x) => g.floor(x),
  Ceil: (g, x) => g.ceil(x),
  Round: (g, x) => g.round(x),
  Reciprocal: (g, x) => g.div(1, x),
  Not: (g, x) => g.not(x),
  BitwiseNot: (g, x) => g.not(x),
  IsNaN: (g, x) => g.compare("ne", x, x),
  IsInf: isInf,
  Relu: (g, x) => g.max(x, 0),
  LeakyRelu: (g, x, n) => g.select(g.compare("ge", x, 0), x, g.mul(x, n.float("alpha", 0.01))),
  Elu: (g, x, n) => elu(g, x, n.float("alpha", 1)),
  Celu: (g, x, n) => {
    const alpha = n.float("alpha", 1);
    return g.select(g.compare("gt", x, 0), x, g.mul(g.expm1(g.div(g.min(x, 0), alpha)), alpha));
  },
  Selu: (g, x, n) => g.mul(elu(g, x, n.float("alpha", SELU_ALPHA)), n.float("gamma", SELU_GAMMA)),
  ThresholdedRelu: (g, x, n) => g.select(g.compare("gt", x, n.float("alpha", 1)), x, g.zerosLike(x)),
  HardSigmoid: (g, x, n) => hardSigmoid(g, x, n.float("alpha", 0.2), n.float("beta", 0.5)),
  HardSwish: (g, x) => g.mul(x, hardSigmoid(g, x, 1 / 6, 0.5)),
  Softplus: (g, x) => g.activation("softplus", x),
  Softsign: (g, x) => g.div(x, g.add(g.abs(x), 1)),
  Mish: (g, x) => g.activation("mish", x),
  Gelu: (g, x, n) =>
    g.activation(n.oneOf("approximate", ["none", "tanh"], "none") === "tanh" ? "gelu_tanh" : "gelu", x),
  Shrink: shrink,
};

/** An operand of an elementwise operator before version 7: its axes begin at `axis`. */
const legacyOperand = (node: OnnxNode, x: Value, y: Value): Value => {
  if (node.version >= 7 || !node.flag("broadcast")) return y;
  const [rank, own] = [x.type.shape.length, y.type.shape.length];
  const axis = node.hasAttribute("axis") ? node.axis(node.int("axis"), rank) : rank - own;
  return node.g.reshape(y, [...y.type.shape, ...Array.from({ length: rank - axis - own }, () => 1)]);
};

type Binary = (g: Composites, x: Value, y: Value, node: OnnxNode) => Value;

const modulo: Binary = (g, x, y, node) => {
  const rest = g.rem(x, y);
  if (node.flag("fmod") || isUnsigned(x.type.dtype)) return rest;
  const wrong = g.and(g.compare("ne", rest, 0), g.compare("ne", g.compare("lt", rest, 0), g.compare("lt", y, 0)));
  return g.select(wrong, g.add(rest, y), rest);
};

const isUnsigned = (dtype: Dtype): boolean => dtypeInfo(dtype).kind === "int" && !dtypeInfo(dtype).signed;

/** The base decides the result's type; a float exponent of an integer is computed in floats. */
const pow: Binary = (g, x, y) => {
  const [base, exponent] = [x.type.dtype, y.type.dtype];
  if (base === exponent) return g.pow(x, y);
  if (isFloat(base)) return g.pow(x, g.cast(y, base));
  if (!isFloat(exponent)) return g.pow(x, g.cast(y, base));
  return g.cast(g.pow(g.cast(x, "f64"), g.cast(y, "f64")), base);
};

const BINARY: { readonly [name: string]: Binary } = {
  Add: (g, x, y) => g.add(x, y),
  Sub: (g, x, y) => g.sub(x, y),
  Mul: (g, x, y) => g.mul(x, y),
  Div: (g, x, y) => g.div(x, y),
  Mod: modulo,
  Pow: pow,
  And: (g, x, y) => g.and(x, y),
  Or: (g, x, y) => g.or(x, y),
  Xor: (g, x, y) => g.xor(x, y),
  BitwiseAnd: (g, x, y) => g.and(x, y),
  BitwiseOr: (g, x, y) => g.or(x, y),
  BitwiseXor: (g, x, y) => g.xor(x, y),
  BitShift: (g, x, y, n) => n.oneOf("direction", ["LEFT", "RIGHT"]) === "LEFT" ? g.shiftLeft(x, y) : g.shiftRight(x, y),
};

const COMPARISONS: { readonly [name: string]: Direction } = {
  Equal: "eq",
  Less: "lt",
  Greater: "gt",
  LessOrEqual: "le",
  GreaterOrEqual: "ge",
};

const VARIADIC: { readonly [name: string]: (g: Composites, x: Value, y: Value) => Value } = {
  Max: (g, x, y) => g.max(x, y),
  Min: (g, x, y) => g.min(x, y),
  Sum: (g, x, y) => g.add(x, y),
};

type SizeRule = (x: Dimension, y: Dimension) => Dimension | undefined;

const SIZE_RULES: { readonly [name: string]: SizeRule } = {
  Add: (x, y) => addDimensions(x, y),
  Sub: (x, y) => subtractDimensions(x, y),
  Mul: (x, y) => multiplyDimensions(x, y),
  Div: (x, y) => typeof x === "number" && typeof y === "number" ? (y === 0 ? 0 : Math.trunc(x / y)) : quotientOf(x, y),
};

/** Shape arithmetic: two lists of one length, or one number against a list. */
const sizesBy = (rule: SizeRule | undefined) => (node: OnnxNode): ReadonlyArray<Dimension> | undefined => {
  if (rule === undefined) return undefined;
  const [x, y] = [node.sizes(0), node.sizes(1)];
  const length = x.length === 1 ? y.length : x.length;
  if (y.length !== length && y.length !== 1) return undefined;
  const made = Array.from({ length }, (_, i) => rule(x[x.length === 1 ? 0 : i], y[y.length === 1 ? 0 : i]));
  return made.every((size) => size !== undefined) ? made : undefined;
};

const variadic = (name: string, fold: (g: Composites, x: Value, y: Value) => Value): OnnxOperator =>
  onnx(name, 1, (n) => n.all().reduce((x, y) => fold(n.g, x, y)));

const prelu = (n: OnnxNode): Value => {
  const [x, slope] = [n.in(0), n.in(1)];
  const rank = x.type.shape.length;
  // Before version 7 a list of slopes stands along axis 1.
  const aligned = n.version < 7 && slope.type.shape.length === 1 && slope.type.shape[0] !== 1
    ? n.g.reshape(slope, [slope.type.shape[0], ...Array.from({ length: rank - 2 }, () => 1)])
    : slope;
  return n.g.select(n.g.compare("lt", x, n.g.zerosLike(x)), n.g.mul(x, aligned), x);
};

const dropoutMask = (n: OnnxNode): Value => {
  const x = n.in(0);
  return n.g.full({ dtype: n.version >= 10 ? "bool" : x.type.dtype, shape: x.type.shape }, 1);
};

const dropout = (n: OnnxNode): ReadonlyArray<Value> => {
  const training = n.version < 7
    ? !n.flag("is_test")
    : n.version >= 12 && n.has(2) && Number(n.tensor(2).data[0]) !== 0;
  const ratio = n.version >= 12 ? (n.has(1) ? Number(n.tensor(1).data[0]) : 0.5) : n.float("ratio", 0.5);
  if (training && ratio !== 0) n.refuse("ONNX does not define its generator, so its results cannot be reproduced");
  return [n.in(0), dropoutMask(n)];
};

/** The rows. */
export const ELEMENTWISE_OPERATORS: ReadonlyArray<OnnxOperator> = [
  ...Object.entries(UNARY).map(([name, build]) => onnx(name, 1, (n) => build(n.g, n.in(0), n))),
  ...Object.entries(BINARY).map(([name, build]) =>
    onnx(name, 1, (n) => build(n.g, n.in(0), legacyOperand(n, n.in(0), n.in(1)), n), {
      sizes: sizesBy(SIZE_RULES[name]),
    })
  ),
  ...Object.entries(COMPARISONS).map(([name, direction]) =>
    onnx(name, 1, (n) => n.g.compare(direction, n.in(0), legacyOperand(n, n.in(0), n.in(1))))
  ),
  ...Object.entries(VARIADIC).map(([name, fold]) => variadic(name, fold)),
  onnx("Mean", 1, (n) => n.g.div(n.all().reduce((x, y) => n.g.add(x, y)), n.count)),
  onnx("Clip", 1, (n) => clipAttributes(n.g, n.in(0), n)),
  onnx("Clip", 11, (n) => clip(n.g, n.in(0), n)),
  onnx("PRelu", 1, prelu),
  onnx("Where", 9, (n) => n.g.select(n.in(0), n.in(1), n.in(2))),
  onnx("Identity", 1, (n) => [n.item(0)], { sizes: (n) => n.sizes(0) }),
  onnx("Cast", 6, (n) => n.g.cast(n.in(0), dtypeOf(n.int("to"), n.op, n.name)), {
    // Only an i64 list is kept as sizes: shape operands have that type.
    sizes: (n) => dtypeOf(n.int("to"), n.op, n.name) === "i64" ? n.sizes(0) : undefined,
  }),
  onnx("CastLike", 15, (n) => n.g.cast(n.in(0), n.type(1).dtype)),
  onnx("Dropout", 1, dropout),
];
