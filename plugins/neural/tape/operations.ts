/**
 * Operations of variables: one row each, what it builds.
 *
 * Derivatives are not here: they follow from the primitives that a row emits.
 *
 * @module
 */
import type { FunctionBuilder, Value } from "../../ir/library.ts";
import { fromIntegers } from "../../ir/library.ts";
import { badVariable } from "../failures.ts";
import type { Variable } from "./variable.ts";

/** Settings of an operation, as data. */
export type Settings = { readonly [name: string]: unknown };

/** How a convolution goes. */
export interface ConvOptions {
  /** Distance between windows; 1 where absent. */
  readonly stride?: number | readonly [number, number];
  /** Border on each side; 0 where absent. */
  readonly padding?: number | readonly [number, number];
}

/** How a normalisation over the batch goes. */
export interface BatchNormOptions {
  /** Added to the variance; 1e-5 where absent. */
  readonly epsilon?: number;
  /** Share of this batch in the running statistics; 0.1 where absent. */
  readonly momentum?: number;
  /** Learned scale, [C]. */
  readonly scale?: Variable;
  /** Learned shift, [C]. */
  readonly shift?: Variable;
  /** Running mean so far, [C]. */
  readonly mean?: Variable;
  /** Running variance so far, [C]. */
  readonly variance?: Variable;
}

/** How a normalisation along the last axis goes. */
export interface LayerNormOptions {
  /** Added to the variance; 1e-5 where absent. */
  readonly epsilon?: number;
  /** Learned scale. */
  readonly scale?: Variable;
  /** Learned shift. */
  readonly shift?: Variable;
}

/** One operation. */
export interface OpRow {
  /** What it computes. */
  readonly doc: string;
  /** Emits it. */
  readonly build: (
    g: FunctionBuilder,
    operands: ReadonlyArray<Value>,
    settings: Settings,
  ) => Value | ReadonlyArray<Value>;
}

const EPSILON = 1e-5;
const MOMENTUM = 0.1;

const unary = (doc: string, emit: (g: FunctionBuilder, x: Value) => Value): OpRow => ({
  doc,
  build: (g, [x]) => emit(g, x),
});

const binary = (doc: string, emit: (g: FunctionBuilder, x: Value, y: Value) => Value): OpRow => ({
  doc,
  build: (g, [x, y]) => emit(g, x, y),
});

const sizes = ({ type }: Value): ReadonlyArray<number> => type.shape as ReadonlyArray<number>;

const reducing = (doc: string, emit: (g: FunctionBuilder, x: Value, axes: ReadonlyArray<number>) => Value): OpRow => ({
  doc,
  build: (g, [x], { axes, keep }) => {
    const rank = x.type.shape.length;
    const taken = (axes as ReadonlyArray<number> | undefined)?.map((axis) => axis < 0 ? axis + rank : axis) ??
      x.type.shape.map((_, axis) => axis);
    const made = emit(g, x, taken);
    return keep ? g.reshape(made, x.type.shape.map((size, axis) => taken.includes(axis) ? 1 : size)) : made;
  },
});

const pair = (value: unknown, usual: number): readonly [number, number] =>
  value === undefined ? [usual, usual] : typeof value === "number" ? [value, value] : value as [number, number];

const alongChannels = (g: FunctionBuilder, x: Value, vector: Value): Value =>
  g.reshape(vector, x.type.shape.map((_, axis) => axis === 1 ? vector.type.shape[0] : 1));

const givenBy = (operands: ReadonlyArray<Value>, settings: Settings): { readonly [name: string]: Value } =>
  Object.fromEntries((settings.given as ReadonlyArray<string>).map((name, i) => [name, operands[i + 1]]));

const batchNorm: OpRow["build"] = (g, operands, settings) => {
  const [x] = operands;
  const { scale, shift, mean, variance } = givenBy(operands, settings);
  const axes = x.type.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
  const [centre, spread] = [g.meanKeep(x, axes), g.varianceKeep(x, axes)];
  const normal = g.div(g.sub(x, centre), g.sqrt(g.add(spread, (settings.epsilon as number | undefined) ?? EPSILON)));
  const scaled = scale === undefined ? normal : g.mul(normal, alongChannels(g, x, scale));
  const output = shift === undefined ? scaled : g.add(scaled, alongChannels(g, x, shift));
  const momentum = (settings.momentum as number | undefined) ?? MOMENTUM;
  const moved = (before: Value | undefined, now: Value): Value => {
    const flat = g.reshape(now, [x.type.shape[1]]);
    return before === undefined ? flat : g.add(g.mul(before, 1 - momentum), g.mul(flat, momentum));
  };
  return [output, moved(mean, centre), moved(variance, spread)];
};

const layerNorm: OpRow["build"] = (g, operands, settings) => {
  const { scale, shift } = givenBy(operands, settings);
  const epsilon = (settings.epsilon as number | undefined) ?? EPSILON;
  const normal = g.normalize(operands[0], { axes: [-1], epsilon, centered: true });
  const scaled = scale === undefined ? normal : g.mul(normal, scale);
  return shift === undefined ? scaled : g.add(scaled, shift);
};

const dropout: OpRow["build"] = (g, [x], settings) => {
  const probability = settings.probability as number;
  if (!(probability >= 0 && probability < 1)) {
    throw badVariable({ op: "dropout", reason: `its probability is ${probability}, and 0 up to below 1 is needed` });
  }
  const seed = g.constant(fromIntegers("i64", [], [BigInt(settings.seed as number)]));
  const draw = g.random(seed, x.type, { distribution: "uniform" });
  return g.select(g.compare("ge", draw, probability), g.div(x, 1 - probability), 0);
};

const squeeze: OpRow["build"] = (g, [x], { axis }) => {
  const at = axis === undefined
    ? undefined
    : (axis as number) < 0
    ? (axis as number) + sizes(x).length
    : axis as number;
  if (at !== undefined && sizes(x)[at] !== 1) {
    throw badVariable({ op: "squeeze", reason: `axis ${axis} has size ${sizes(x)[at] ?? "none"}, not 1` });
  }
  return g.reshape(x, sizes(x).filter((size, i) => at === undefined ? size !== 1 : i !== at));
};

const unsqueeze: OpRow["build"] = (g, [x], { axis }) => {
  const rank = sizes(x).length;
  const at = (axis as number) < 0 ? (axis as number) + rank + 1 : axis as number;
  if (!(at >= 0 && at <= rank)) {
    throw badVariable({ op: "unsqueeze", reason: `there is no place ${axis} among ${rank} axes` });
  }
  return g.reshape(x, [...sizes(x).slice(0, at), 1, ...sizes(x).slice(at)]);
};

const transpose: OpRow["build"] = (g, [x], { permutation }) => {
  const rank = sizes(x).length;
  if (permutation !== undefined) return g.transpose(x, permutation as ReadonlyArray<number>);
  if (rank < 2) return x;
  return g.transpose(x, sizes(x).map((_, axis) => axis < rank - 2 ? axis : 2 * rank - 3 - axis));
};

/** Names of the operations. */
export const OP_NAMES = [
  "add",
  "sub",
  "mul",
  "div",
  "matmul",
  "neg",
  "exp",
  "log",
  "sqrt",
  "abs",
  "relu",
  "sigmoid",
  "tanh",
  "gelu",
  "softmax",
  "sum",
  "mean",
  "max",
  "reshape",
  "transpose",
  "squeeze",
  "unsqueeze",
  "clone",
  "pow",
  "linear",
  "conv2d",
  "batchNorm",
  "layerNorm",
  "dropout",
] as const;

/** Name of an operation. */
export type OpName = typeof OP_NAMES[number];

/** The operations by name. */
export const OPS: { readonly [N in OpName]: OpRow } = {
  add: binary("x + y.", (g, x, y) => g.add(x, y)),
  sub: binary("x − y.", (g, x, y) => g.sub(x, y)),
  mul: binary("x · y.", (g, x, y) => g.mul(x, y)),
  div: binary("x / y.", (g, x, y) => g.div(x, y)),
  matmul: binary("Matrix product.", (g, x, y) => g.matmul(x, y)),
  neg: unary("−x.", (g, x) => g.neg(x)),
  exp: unary("eˣ.", (g, x) => g.exp(x)),
  log: unary("Natural logarithm.", (g, x) => g.log(x)),
  sqrt: unary("Square root.", (g, x) => g.sqrt(x)),
  abs: unary("|x|.", (g, x) => g.abs(x)),
  relu: unary("max(x, 0).", (g, x) => g.activation("relu", x)),
  sigmoid: unary("1 / (1 + e⁻ˣ).", (g, x) => g.activation("sigmoid", x)),
  tanh: unary("Hyperbolic tangent.", (g, x) => g.tanh(x)),
  gelu: unary("x·Φ(x).", (g, x) => g.activation("gelu", x)),
  softmax: {
    doc: "Normalised exponentials along an axis.",
    build: (g, [x], { axis }) => g.softmax(x, axis as number),
  },
  sum: reducing("Sum along axes.", (g, x, axes) => g.reduce("sum", x, axes)),
  mean: reducing("Mean along axes.", (g, x, axes) => g.mean(x, axes)),
  max: reducing("Largest along axes.", (g, x, axes) => g.reduce("max", x, axes)),
  reshape: {
    doc: "The same elements under another shape.",
    build: (g, [x], { shape }) => g.reshape(x, shape as ReadonlyArray<number>),
  },
  transpose: { doc: "Axes in another order.", build: transpose },
  squeeze: { doc: "Without axes of size 1.", build: squeeze },
  unsqueeze: { doc: "With an axis of size 1 more.", build: unsqueeze },
  clone: unary("The same.", (_, x) => x),
  pow: { doc: "x to a power.", build: (g, [x], { exponent }) => g.pow(x, exponent as number) },
  linear: {
    doc: "x·W + b over the last axis.",
    build: (g, [x, weight, bias]) => bias === undefined ? g.matmul(x, weight) : g.add(g.matmul(x, weight), bias),
  },
  conv2d: {
    doc: "Two-dimensional convolution.",
    build: (g, [x, kernel, bias], { stride, padding }) => {
      const border = pair(padding, 0);
      const made = g.conv(x, kernel, { strides: pair(stride, 1), low: border, high: border });
      return bias === undefined ? made : g.add(made, alongChannels(g, made, bias));
    },
  },
  batchNorm: { doc: "Each channel standardised over the batch.", build: batchNorm },
  layerNorm: { doc: "The last axis standardised.", build: layerNorm },
  dropout: { doc: "Some elements zero, by a seed.", build: dropout },
};
