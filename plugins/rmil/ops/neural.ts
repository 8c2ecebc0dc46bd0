/**
 * Neural ops: layers, activations, normalisations, pools, losses, optimiser steps, recurrent cells, position codes.
 *
 * Images are [batch, channels, height, width], sequences [batch, steps, features], and features stand last.
 *
 * @module
 */
import { losses, steps } from "./neural_training.ts";
import { attribute, type Family, family, operand, type OpSpec, parameter } from "./row.ts";

/** Names of the neural ops. */
export type NeuralName =
  | "matmul"
  | "linear"
  | "conv2d"
  | "attn"
  | "embed"
  | "drop"
  | "softmax"
  | "relu"
  | "gelu"
  | "silu"
  | "sigmoid"
  | "tanh"
  | "mish"
  | "softplus"
  | "layer_norm"
  | "batch_norm"
  | "rms_norm"
  | "group_norm"
  | "instance_norm"
  | "max_pool"
  | "avg_pool"
  | "adaptive_pool"
  | "global_pool"
  | "mse_loss"
  | "cross_entropy"
  | "bce_loss"
  | "nll_loss"
  | "huber_loss"
  | "kl_div"
  | "sgd_step"
  | "adam_step"
  | "adamw_step"
  | "rmsprop_step"
  | "rnn"
  | "lstm"
  | "gru"
  | "sinusoidal_pe"
  | "rope"
  | "learned_pe"
  | "alibi";

const BYTES = 256;
const EMBEDDING_WIDTH = 64;
const POSITION_BASE = 10_000;

const features = operand("x", "float", { shape: "[..., n]" });
const channels = operand("x", "float", { shape: "[b, c, ...]" });
const image = operand("x", "float", { shape: "[b, c, h, w]" });
const sequence = operand("x", "float", { shape: "[b, s, n]" });
const positions = operand("x", "float", { shape: "[..., s, n]" });

const named = { named: true } as const;
const width = (doc: string) => attribute("width", "size", doc, { default: "n" });
const bias = attribute("bias", "flag", "Whether a learned shift is added.", { default: true });
const epsilon = (value: number) => attribute("epsilon", "float", "Added to the variance.", { default: value });
const affine = attribute("affine", "flag", "Whether a learned scale and shift follow.", { default: true, ...named });
const scaleOf = (size: string) => parameter("scale", [size], "ones", { when: "affine" });
const shiftOf = (size: string) => parameter("shift", [size], "zeros", { when: "affine" });
const base = attribute("base", "float", "Base of the wavelengths.", { default: POSITION_BASE });

const activation = (code: number, doc: string): OpSpec => ({
  code,
  doc,
  operands: [operand("x", "number")],
  result: "number",
  differentiable: true,
});

const window = [
  attribute("window", "sizes", "Height and width of the window.", { default: 2 }),
  attribute("stride", "sizes", "Distance between windows; the window's size where absent."),
  attribute("padding", "sizes", "Border on each side.", { default: 0 }),
];

const recurrent = (code: number, doc: string, gates: number, more: Partial<OpSpec>): OpSpec => {
  const size = gates === 1 ? "width" : `${gates}*width`;
  return {
    code,
    doc,
    operands: [sequence, operand("state", "float", { shape: "[b, width]", optional: true })],
    attributes: [
      width("Features of the state."),
      attribute("bias", "flag", "Whether learned shifts are added.", { default: true, ...named }),
      attribute("reverse", "flag", "Whether it runs from the last step to the first.", { default: false, ...named }),
    ],
    parameters: [
      parameter("input", ["n", size], "fanIn", { fan: "width" }),
      parameter("hidden", ["width", size], "fanIn", { fan: "width" }),
      parameter("bias", [size], "zeros", { when: "bias" }),
    ],
    result: "float [b, s, width]",
    differentiable: true,
    ...more,
  };
};

const layers = {
  matmul: {
    code: 0x0001,
    doc: "Matrix product over the last two axes; leading axes broadcast.",
    operands: [
      operand("x", "number", { shape: "[..., m, k]" }),
      operand("y", "number", { shape: "[..., k, n]" }),
    ],
    result: "number [..., m, n]",
    differentiable: true,
  },
  linear: {
    code: 0x0002,
    doc: "Affine map over the last axis: y = x·W + b.",
    operands: [features],
    attributes: [width("Features of the result."), bias],
    parameters: [
      parameter("weight", ["n", "width"], "fanIn", { fan: "n" }),
      parameter("bias", ["width"], "zeros", { when: "bias" }),
    ],
    result: "float [..., width]",
    differentiable: true,
  },
  conv2d: {
    code: 0x0003,
    doc: "Two-dimensional convolution (cross-correlation) of images.",
    operands: [image],
    attributes: [
      attribute("width", "size", "Channels of the result.", { default: "c" }),
      attribute("kernel", "sizes", "Height and width of the kernel.", { default: 3 }),
      attribute("stride", "sizes", "Distance between windows.", { default: 1 }),
      attribute("padding", "sizes", "Border on each side; as much as keeps the size at stride 1 where absent."),
      attribute("dilation", "sizes", "Distance between the kernel's elements.", { default: 1, ...named }),
      attribute("groups", "size", "Groups of channels that do not mix.", { default: 1, ...named }),
      { ...bias, named: true },
    ],
    parameters: [
      parameter("weight", ["width", "c/groups", "kernel0", "kernel1"], "fanIn", { fan: "c/groups*kernel0*kernel1" }),
      parameter("bias", ["width"], "zeros", { when: "bias" }),
    ],
    result: "float [b, width, h', w']",
    differentiable: true,
  },
  attn: {
    code: 0x0004,
    doc: "Multi-head scaled dot-product attention of a sequence to itself, or to a context where one is given.",
    operands: [
      positions,
      operand("context", "float", { shape: "[..., t, n]", optional: true }),
      operand("mask", "flag", { shape: "[..., s, t]", optional: true }),
    ],
    attributes: [
      attribute("heads", "size", "Heads; must divide the width.", { default: 1 }),
      attribute("causal", "flag", "Whether a step sees only itself and earlier ones.", { default: false }),
      { ...width("Features of queries, keys and values of all heads together."), named: true },
      attribute("bias", "flag", "Whether learned shifts are added.", { default: false, ...named }),
    ],
    parameters: [
      ...["query", "key", "value"].map((name) =>
        parameter(name, ["n", "width"], "glorot", { fan: "n", fanOut: "width" })
      ),
      parameter("output", ["width", "n"], "glorot", { fan: "width", fanOut: "n" }),
      ...["query", "key", "value"].map((name) => parameter(`${name}_bias`, ["width"], "zeros", { when: "bias" })),
      parameter("output_bias", ["n"], "zeros", { when: "bias" }),
    ],
    result: "float [..., s, n]",
    differentiable: true,
    source: "Vaswani et al. 2017",
  },
  embed: {
    code: 0x0005,
    doc: "Rows of a learned table by index. Gradients reach the table, not the indices.",
    operands: [operand("indices", "index", { shape: "[...]" })],
    attributes: [
      attribute("width", "size", "Features of a row.", { default: EMBEDDING_WIDTH }),
      attribute("vocabulary", "size", "Rows of the table; indices lie below it.", { default: BYTES }),
    ],
    parameters: [parameter("table", ["vocabulary", "width"], "normal", { fan: "1" })],
    result: "float [..., width]",
    differentiable: true,
  },
  drop: {
    code: 0x0006,
    doc: "While training, zeroes elements at random and scales the others by 1/(1 − rate); otherwise the identity.",
    operands: [operand("x", "float")],
    attributes: [attribute("rate", "rate", "Share of elements zeroed.", { default: 0.1 })],
    result: "float",
    differentiable: true,
    effect: "random",
  },
  softmax: {
    code: 0x0007,
    doc: "Exponentials along an axis, normalised to sum 1.",
    operands: [operand("x", "float")],
    attributes: [attribute("axis", "axis", "The axis that sums to 1.", { default: -1 })],
    result: "float",
    differentiable: true,
  },
} as const satisfies { readonly [name: string]: OpSpec };

const activations = {
  relu: activation(0x0010, "The larger of x and 0."),
  gelu: {
    ...activation(0x0011, "x times the normal distribution function of x."),
    attributes: [
      attribute("approximate", "flag", "Whether the tanh approximation is used.", { default: false, ...named }),
    ],
  },
  silu: activation(0x0012, "x times its logistic."),
  sigmoid: activation(0x0013, "The logistic function 1/(1 + e⁻ˣ)."),
  tanh: { ...activation(0x0014, "Hyperbolic tangent."), constant: "TANH_ACT" },
  mish: activation(0x0015, "x times tanh of softplus of x."),
  softplus: activation(0x0016, "The logarithm of 1 + eˣ."),
} as const satisfies { readonly [name: string]: OpSpec };

const normalisations = {
  layer_norm: {
    code: 0x0020,
    doc: "Normalises the last axis to mean 0 and variance 1, then scales and shifts.",
    operands: [features],
    attributes: [epsilon(1e-5), affine],
    parameters: [scaleOf("n"), shiftOf("n")],
    result: "float [..., n]",
    differentiable: true,
    source: "Ba et al. 2016",
  },
  batch_norm: {
    code: 0x0021,
    doc: "Normalises each channel over the batch and all positions while training, by running statistics otherwise.",
    operands: [channels],
    attributes: [
      epsilon(1e-5),
      attribute("momentum", "float", "Share of a batch in the running statistics.", { default: 0.1, ...named }),
      affine,
    ],
    parameters: [
      scaleOf("c"),
      shiftOf("c"),
      parameter("mean", ["c"], "zeros", { running: true }),
      parameter("variance", ["c"], "ones", { running: true }),
    ],
    result: "float [b, c, ...]",
    differentiable: true,
    effect: "statistics",
    source: "Ioffe & Szegedy 2015",
  },
  rms_norm: {
    code: 0x0022,
    doc: "Divides the last axis by its root mean square, then scales.",
    operands: [features],
    attributes: [epsilon(1e-6), affine],
    parameters: [scaleOf("n")],
    result: "float [..., n]",
    differentiable: true,
    source: "Zhang & Sennrich 2019",
  },
  group_norm: {
    code: 0x0023,
    doc: "Normalises groups of channels of each sample over all positions, then scales and shifts each channel.",
    operands: [channels],
    attributes: [
      attribute("groups", "size", "Groups; must divide the channels.", { default: 1 }),
      epsilon(1e-5),
      affine,
    ],
    parameters: [scaleOf("c"), shiftOf("c")],
    result: "float [b, c, ...]",
    differentiable: true,
    source: "Wu & He 2018",
  },
  instance_norm: {
    code: 0x0024,
    doc: "Normalises each channel of each sample over all positions, then scales and shifts it.",
    operands: [channels],
    attributes: [epsilon(1e-5), affine],
    parameters: [scaleOf("c"), shiftOf("c")],
    result: "float [b, c, ...]",
    differentiable: true,
  },
} as const satisfies { readonly [name: string]: OpSpec };

const pools = {
  max_pool: {
    code: 0x0030,
    doc: "Largest element of each window of an image; the border never wins.",
    operands: [image],
    attributes: window,
    result: "float [b, c, h', w']",
    differentiable: true,
  },
  avg_pool: {
    code: 0x0031,
    doc: "Mean of each window of an image.",
    operands: [image],
    attributes: [
      ...window,
      attribute("count_padding", "flag", "Whether the border counts as zeros.", { default: false, ...named }),
    ],
    result: "float [b, c, h', w']",
    differentiable: true,
  },
  adaptive_pool: {
    code: 0x0032,
    doc: "Pools an image to a given size: window i of n covers floor(i·h/n) to ceil((i+1)·h/n).",
    operands: [image],
    attributes: [
      attribute("size", "sizes", "Height and width of the result.", { default: 1 }),
      attribute("kind", "choice", "What a window gives.", { choices: ["mean", "max"], default: "mean", ...named }),
    ],
    result: "float [b, c, size0, size1]",
    differentiable: true,
  },
  global_pool: {
    code: 0x0033,
    doc: "Mean over all positions.",
    operands: [channels],
    result: "float [b, c]",
    differentiable: true,
  },
} as const satisfies { readonly [name: string]: OpSpec };

const cells = {
  rnn: recurrent(0x0060, "Recurrent cell over a sequence: h = f(x·W + h·U + b); gives every state.", 1, {
    attributes: [
      width("Features of the state."),
      attribute("activation", "choice", "f.", { choices: ["tanh", "relu"], default: "tanh", ...named }),
      attribute("bias", "flag", "Whether a learned shift is added.", { default: true, ...named }),
      attribute("reverse", "flag", "Whether it runs from the last step to the first.", { default: false, ...named }),
    ],
  }),
  lstm: recurrent(
    0x0061,
    "LSTM over a sequence, gates in the order input, forget, cell, output; gives every state.",
    4,
    {
      operands: [
        sequence,
        operand("state", "float", { shape: "[b, width]", optional: true }),
        operand("cell", "float", { shape: "[b, width]", optional: true }),
      ],
      source: "Hochreiter & Schmidhuber 1997",
    },
  ),
  gru: recurrent(0x0062, "GRU over a sequence, gates in the order reset, update, new; gives every state.", 3, {
    parameters: [
      parameter("input", ["n", "3*width"], "fanIn", { fan: "width" }),
      parameter("hidden", ["width", "3*width"], "fanIn", { fan: "width" }),
      parameter("bias", ["3*width"], "zeros", { when: "bias" }),
      parameter("hidden_bias", ["3*width"], "zeros", { when: "bias" }),
    ],
    source: "Cho et al. 2014, reset after the product",
  }),
} as const satisfies { readonly [name: string]: OpSpec };

const codes = {
  sinusoidal_pe: {
    code: 0x0070,
    doc: "Adds sines to even features and cosines to odd ones, of wavelengths from 2π to base·2π.",
    operands: [positions],
    attributes: [base],
    result: "float [..., s, n]",
    differentiable: true,
    source: "Vaswani et al. 2017",
  },
  rope: {
    code: 0x0071,
    doc: "Rotates feature pairs (2i, 2i + 1) by angles that grow with the position; the features must be even.",
    operands: [positions],
    attributes: [base],
    result: "float [..., s, n]",
    differentiable: true,
    source: "Su et al. 2021",
  },
  learned_pe: {
    code: 0x0072,
    doc: "Adds a learned row for each position.",
    operands: [positions],
    attributes: [attribute("positions", "size", "Rows of the table; at least the steps.", { default: "s" })],
    parameters: [parameter("table", ["positions", "n"], "normal", { fan: "n" })],
    result: "float [..., s, n]",
    differentiable: true,
  },
  alibi: {
    code: 0x0073,
    doc: "Adds to attention scores minus the distance of key and query times 2^(−8·(head + 1)/heads).",
    operands: [operand("x", "float", { shape: "[..., h, s, t]" })],
    result: "float [..., h, s, t]",
    differentiable: true,
    source: "Press et al. 2022",
  },
} as const satisfies { readonly [name: string]: OpSpec };

/** Rows of the neural ops. */
export const neuralOps: Family<NeuralName> = family("Neural", {
  ...layers,
  ...activations,
  ...normalisations,
  ...pools,
  ...losses,
  ...steps,
  ...cells,
  ...codes,
});
