/**
 * Activation: functions of each element, and those that share out one unit along an axis.
 *
 * @module
 */
import { multiplyDimensions, type Value } from "../../ir/library.ts";
import { notWritten } from "../failures.ts";
import { literalOf } from "./composed.ts";
import { builtRow, type Layer, layerOf, type LayerRow, type Properties, setting } from "./layer.ts";
import { opRow } from "./op_row.ts";
import { numberOf } from "./settings.ts";
import { reshapedTo } from "./structure.ts";

/** The larger of x and 0. */
export const relu = (): Layer => layerOf("relu");
/** x times the normal distribution function of x. */
export const gelu = (settings: { readonly approximate?: boolean } = {}): Layer => layerOf("gelu", settings);
/** x times its logistic. */
export const silu = (): Layer => layerOf("silu");
/** The logistic function. */
export const sigmoid = (): Layer => layerOf("sigmoid");
/** Hyperbolic tangent. */
export const tanh = (): Layer => layerOf("tanh");
/** The logarithm of 1 + eˣ. */
export const softplus = (): Layer => layerOf("softplus");
/** x times tanh of softplus of x. */
export const mish = (): Layer => layerOf("mish");
/** x where positive, a share of it elsewhere. */
export const leakyRelu = (settings: { readonly slope?: number } = {}): Layer => layerOf("leaky_relu", settings);
/** x where positive, scale·(eˣ − 1) elsewhere. */
export const elu = (settings: { readonly scale?: number } = {}): Layer => layerOf("elu", settings);
/** x where positive, a learned share of it elsewhere. */
export const prelu = (): Layer => layerOf("prelu");
/** Exponentials along an axis, normalised to sum 1. */
export const softmax = (settings: { readonly axis?: number } = {}): Layer => layerOf("softmax", settings);
/** The logarithm of the softmax. */
export const logSoftmax = (settings: { readonly axis?: number } = {}): Layer => layerOf("log_softmax", settings);

const LEAKY_SLOPE = 0.01;
const LEARNED_SLOPE = 0.25;
const ELEMENTWISE: Properties = { elementwise: true };
const RISING: Properties = { elementwise: true, monotonic: true };

const negativePart = (otherwise: (given: Parameters<LayerRow["build"]>[0]) => Value): LayerRow["build"] => (given) => {
  const { g, x } = given;
  return g.select(g.compare("gt", x, 0), x, otherwise(given));
};

/** Up to a slope of 1 the share lies below x where x is positive and above it elsewhere; beyond, the other way round. */
const leakyText: LayerRow["rmil"] = (_, { settings, types: [x] }) => {
  const slope = numberOf(settings, "slope");
  return `${slope <= 1 ? "max" : "min"}(identity, mul(identity, ${literalOf(slope, x.dtype)}))`;
};

/** Its exponential is 0 in every dtype. */
const FAR_BELOW_ZERO = -1000;

const eluText: LayerRow["rmil"] = (_, { settings, types: [{ dtype }] }) => {
  const [low, zero, one, scale] = [FAR_BELOW_ZERO, 0, 1, numberOf(settings, "scale")].map((value) =>
    literalOf(value, dtype)
  );
  // `clamp` lets NaN through, where `min` would prefer the number.
  return `add(relu, mul(sub(clamp(identity, ${low}, ${zero}) >> exp, ${one}), ${scale}))`;
};

/** x − max − log Σ exp(x − max); the language reduces by pools, so the axis stands for the rows of an image. */
const logSoftmaxText: LayerRow["rmil"] = (_, { settings, types: [{ dtype, shape }] }) => {
  const given = numberOf(settings, "axis");
  const axis = given < 0 ? given + shape.length : given;
  if (axis === 0) throw notWritten({ kind: "log_softmax", reason: "its axis is the batch" });
  const columns = multiplyDimensions(1, ...shape.slice(axis + 1));
  const image = reshapedTo([shape[0], multiplyDimensions(1, ...shape.slice(1, axis)), shape[axis], columns]);
  const pooled = (kind: string): string =>
    `${image} >> adaptive_pool(size: (1, ${columns}), kind: #${kind}) >> ${reshapedTo(shape.with(axis, 1))}`;
  const total = `exp >> ${pooled("mean")} >> mul(identity, ${literalOf(Number(shape[axis]), dtype)}) >> log`;
  return `(sub(identity, ${pooled("max")}) >> sub(identity, ${total}))`;
};

/** The rows. */
export const ACTIVATION: ReadonlyArray<LayerRow> = [
  opRow("relu", "activation", { properties: { ...RISING, range: [0, Infinity], idempotent: true } }),
  // Neither of these three is monotonic: each has a least value at a negative x.
  opRow("gelu", "activation", { properties: ELEMENTWISE }),
  opRow("silu", "activation", { properties: ELEMENTWISE }),
  opRow("mish", "activation", { properties: ELEMENTWISE }),
  opRow("sigmoid", "activation", { properties: { ...RISING, range: [0, 1] } }),
  opRow("tanh", "activation", { properties: { ...RISING, range: [-1, 1] } }),
  opRow("softplus", "activation", { properties: { ...RISING, range: [0, Infinity] } }),
  builtRow("leaky_relu", {
    family: "activation",
    doc: "x where it is positive, a share of it elsewhere.",
    settings: [setting("slope", "float", "The share.", { default: LEAKY_SLOPE })],
    rmil: leakyText,
    build: negativePart(({ g, x, settings }) => g.mul(x, numberOf(settings, "slope"))),
    properties: RISING,
    source: "Maas et al. 2013",
  }),
  builtRow("elu", {
    family: "activation",
    doc: "x where it is positive, scale·(eˣ − 1) elsewhere.",
    settings: [setting("scale", "float", "The limit far below zero, negated.", { default: 1 })],
    rmil: eluText,
    // The exponent is held below zero, so that where x is large neither the value nor the gradient overflows.
    build: negativePart(({ g, x, settings }) => g.mul(g.expm1(g.min(x, 0)), numberOf(settings, "scale"))),
    properties: RISING,
    source: "Clevert et al. 2016",
  }),
  builtRow("prelu", {
    family: "activation",
    doc: "x where it is positive, a learned share of it elsewhere.",
    build: negativePart(({ g, x, parameter }) =>
      g.mul(x, parameter("slope", [], { kind: "constant", value: LEARNED_SLOPE }))
    ),
    properties: ELEMENTWISE,
    source: "He et al. 2015",
  }),
  opRow("softmax", "activation", { properties: { range: [0, 1], sumsToOne: true } }),
  builtRow("log_softmax", {
    family: "activation",
    doc: "The logarithm of the softmax, computed without it.",
    settings: [setting("axis", "axis", "The axis along which the exponentials sum to 1.", { default: -1 })],
    rmil: logSoftmaxText,
    build: ({ g, x, settings }) => g.logSoftmax(x, numberOf(settings, "axis")),
    properties: { range: [-Infinity, 0], idempotent: true },
  }),
];
