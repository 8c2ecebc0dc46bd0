/**
 * Catalogue: the 44 primitives of networks, each bound to a kind of layer, with its counts as formulas.
 *
 * Not what a network is counted by (../describe.ts counts its program), and not networks (described.ts): the formulas are
 * written down beside it, over the entry's own sizes, and a test holds both against each other at random sizes.
 * Invariant: an entry is data; with sizes put in it is a network that runs.
 *
 * @module
 */
import type { AttributeValue } from "../../rmil/library.ts";
import { type Layer, layerOf } from "./layer.ts";

/** Groups of the catalogue. */
export const CATALOGUE_GROUPS = [
  "linear",
  "convolution",
  "attention",
  "normalisation",
  "activation",
  "pooling",
  "recurrent",
  "regularisation",
  "position",
  "residual",
] as const;

/** A group of the catalogue. */
export type CatalogueGroup = typeof CATALOGUE_GROUPS[number];

/** What can go wrong with numbers, and what is done about it. */
export interface Caution {
  /** How bad it is where nothing is done. */
  readonly severity: "info" | "warning" | "critical";
  /** When. */
  readonly when: string;
  /** What then happens. */
  readonly what: string;
  /** What this project does, or what a caller can do. */
  readonly remedy: string;
}

/** A primitive. */
export interface CatalogueEntry {
  /** Its name in the catalogue. */
  readonly name: string;
  /** Its group. */
  readonly group: CatalogueGroup;
  /** The kind of layer that it is. */
  readonly kind: string;
  /** Types of its inputs over named sizes; `B` is the batch. */
  readonly inputs: { readonly [name: string]: string };
  /** Settings; a text where a number is due is a formula over the sizes. */
  readonly settings?: { readonly [name: string]: AttributeValue | ReadonlyArray<string> };
  /** Layers inside it. */
  readonly parts?: ReadonlyArray<Layer>;
  /** Learned elements. */
  readonly parameters: string;
  /** Operations of one evaluation: products 2mnk, arithmetic and elementary functions 1 an element, comparisons 0. */
  readonly flops: string;
  /** Elements of the results, those that are kept for a gradient. */
  readonly results: string;
  /** What to heed. */
  readonly cautions?: ReadonlyArray<Caution>;
}

const ROWS = { x: "f32[B,n]" };
const STEPS = { x: "f32[B,s,n]" };
const IMAGE = { x: "f32[B,c,h,w]" };
const HEADS = { q: "f32[B,h,s,d]", k: "f32[B,h,t,d]", v: "f32[B,h,t,e]" };

const NARROW_SCORES: Caution = {
  severity: "warning",
  when: "scores are held in 16 bits and a head is wide",
  what: "sums of products of queries and keys pass 65,504",
  remedy: "queries are scaled by 1/√d, and products can be summed in f32",
};

const OVERFLOWING: Caution = {
  severity: "critical",
  when: "an element is above 88 in f32",
  what: "its exponential is infinite",
  remedy: "the largest element is taken away first",
};

const SMALL_VARIANCE: Caution = {
  severity: "info",
  when: "what is normalised is nearly constant",
  what: "the divisor is nearly zero",
  remedy: "epsilon is added to the variance, which is taken in two passes, so that it does not cancel",
};

type Given = Omit<CatalogueEntry, "name" | "group" | "kind" | "parameters" | "inputs"> & {
  readonly inputs?: CatalogueEntry["inputs"];
  readonly parameters?: string;
};

const grouped =
  (group: CatalogueGroup, inputs: CatalogueEntry["inputs"]) =>
  (name: string, kind: string, given: Given): CatalogueEntry => ({
    name,
    group,
    kind,
    inputs,
    parameters: "0",
    ...given,
  });

const linear = grouped("linear", STEPS);
const convolution = grouped("convolution", IMAGE);
const attention = grouped("attention", HEADS);
const norm = grouped("normalisation", IMAGE);
const activation = grouped("activation", ROWS);
const pool = grouped("pooling", IMAGE);
const recurrent = grouped("recurrent", STEPS);
const noise = grouped("regularisation", ROWS);
const position = grouped("position", STEPS);
const skip = grouped("residual", ROWS);

/** The primitives, by group. */
export const CATALOGUE: ReadonlyArray<CatalogueEntry> = [
  linear("MatMul", "matmul", {
    inputs: { x: "f32[B,m,k]", y: "f32[B,k,n]" },
    flops: "2*B*m*k*n",
    results: "B*m*n",
  }),
  linear("Linear", "linear", {
    settings: { width: "m" },
    parameters: "n*m + m",
    flops: "2*B*s*n*m + B*s*m",
    results: "B*s*m",
  }),
  linear("Bilinear", "bilinear", {
    inputs: { x: "f32[B,n]", z: "f32[B,k]" },
    settings: { width: "m" },
    parameters: "n*k*m + m",
    flops: "2*B*n*k*m + 2*B*k*m + B*m",
    results: "B*m",
  }),
  linear("Embedding", "embed", {
    inputs: { indices: "i64[B,s]" },
    settings: { vocabulary: "v", width: "m" },
    parameters: "v*m",
    flops: "0",
    results: "B*s*m",
  }),

  convolution("Conv1d", "conv1d", {
    inputs: { x: "f32[B,c,l]" },
    settings: { width: "o", kernel: "k" },
    parameters: "o*c*k + o",
    flops: "2*B*o*l*c*k + B*o*l",
    results: "B*o*l",
  }),
  convolution("Conv2d", "conv2d", {
    settings: { width: "o", kernel: "k" },
    parameters: "o*c*k*k + o",
    flops: "2*B*o*h*w*c*k*k + B*o*h*w",
    results: "B*o*h*w",
  }),
  convolution("Conv3d", "conv3d", {
    inputs: { x: "f32[B,c,d,h,w]" },
    settings: { width: "o", kernel: "k" },
    parameters: "o*c*k*k*k + o",
    flops: "2*B*o*d*h*w*c*k*k*k + B*o*d*h*w",
    results: "B*o*d*h*w",
  }),
  // Every element of the kernel counts at every position, though of four products at stride 2 three are by zero.
  convolution("ConvTranspose2d", "conv_transpose2d", {
    settings: { width: "o", kernel: "k", stride: 2 },
    parameters: "o*c*k*k + o",
    flops: "(2*o*c*k*k + o)*B*(2*h - 2 + k)*(2*w - 2 + k)",
    results: "B*o*(2*h - 2 + k)*(2*w - 2 + k)",
  }),
  convolution("DepthwiseSeparable", "separable_conv2d", {
    settings: { width: "o", kernel: "k" },
    parameters: "c*k*k + o*c + o",
    flops: "2*B*c*h*w*k*k + 2*B*o*h*w*c + B*o*h*w",
    results: "B*o*h*w",
  }),

  attention("ScaledDotProductAttention", "scaled_dot_product", {
    flops: "2*B*h*s*t*d + 5*B*h*s*t + 2*B*h*s*t*e",
    results: "B*h*s*e",
    cautions: [NARROW_SCORES, OVERFLOWING],
  }),
  attention("MultiHeadAttention", "attn", {
    inputs: { x: "f32[B,s,d*h]" },
    settings: { heads: "h" },
    parameters: "4*d*h*d*h",
    flops: "8*B*s*d*h*d*h + 4*B*s*s*d*h + 5*B*h*s*s",
    results: "B*s*d*h",
    cautions: [NARROW_SCORES, OVERFLOWING],
  }),
  attention("CrossAttention", "attn", {
    inputs: { x: "f32[B,s,d*h]", context: "f32[B,t,d*h]" },
    settings: { heads: "h" },
    parameters: "4*d*h*d*h",
    flops: "4*B*s*d*h*d*h + 4*B*t*d*h*d*h + 4*B*s*t*d*h + 5*B*h*s*t",
    results: "B*s*d*h",
  }),
  attention("SelfAttention", "attn", {
    inputs: { x: "f32[B,s,d*h]" },
    settings: { heads: "h", causal: true },
    parameters: "4*d*h*d*h",
    // What is hidden is added to the scores.
    flops: "8*B*s*d*h*d*h + 4*B*s*s*d*h + 6*B*h*s*s",
    results: "B*s*d*h",
  }),
  attention("LinearAttention", "linear_attention", {
    flops: "2*B*h*s*d + 2*B*h*t*d + 2*B*h*t*d*e + B*h*t*d + 2*B*h*s*d*e + 2*B*h*s*d + B*h*s*e",
    results: "B*h*s*e",
    cautions: [{
      severity: "info",
      when: "queries and keys are far below zero",
      what: "the divisor is nearly zero",
      remedy: "normalise queries and keys before",
    }],
  }),
  // Two blocks of b keys: each adds its positions to the count, and mends what the blocks before it made.
  attention("FlashAttention", "flash_attention", {
    inputs: { q: "f32[B,h,s,d]", k: "f32[B,h,2*b,d]", v: "f32[B,h,2*b,e]" },
    settings: { block: "b" },
    flops: "4*B*h*s*b*d + 8*B*h*s*b + 4*B*h*s*b*e + 2*s*b + 2 + 8*B*h*s + 4*B*h*s*e + B*h*s*e",
    results: "B*h*s*e",
    cautions: [NARROW_SCORES, OVERFLOWING],
  }),

  norm("LayerNorm", "layer_norm", {
    inputs: STEPS,
    parameters: "2*n",
    flops: "7*B*s*n + 4*B*s",
    results: "B*s*n",
    cautions: [SMALL_VARIANCE],
  }),
  norm("BatchNorm", "batch_norm", {
    parameters: "2*c",
    flops: "4*B*c*h*w + 2*c",
    results: "B*c*h*w",
    cautions: [SMALL_VARIANCE],
  }),
  norm("GroupNorm", "group_norm", {
    inputs: { x: "f32[B,2*c,h,w]" },
    settings: { groups: 2 },
    parameters: "4*c",
    flops: "14*B*c*h*w + 8*B",
    results: "2*B*c*h*w",
    cautions: [SMALL_VARIANCE],
  }),
  norm("RMSNorm", "rms_norm", {
    inputs: STEPS,
    parameters: "n",
    flops: "4*B*s*n + 3*B*s",
    results: "B*s*n",
  }),
  norm("InstanceNorm", "instance_norm", {
    parameters: "2*c",
    flops: "7*B*c*h*w + 4*B*c",
    results: "B*c*h*w",
    cautions: [SMALL_VARIANCE],
  }),

  activation("ReLU", "relu", { flops: "0", results: "B*n" }),
  activation("GeLU", "gelu", { flops: "5*B*n", results: "B*n" }),
  activation("SiLU", "silu", { flops: "2*B*n", results: "B*n" }),
  activation("Sigmoid", "sigmoid", { flops: "B*n", results: "B*n" }),
  activation("Tanh", "tanh", { flops: "B*n", results: "B*n" }),
  activation("Softmax", "softmax", { flops: "4*B*n", results: "B*n", cautions: [OVERFLOWING] }),
  activation("LogSoftmax", "log_softmax", {
    flops: "4*B*n + B",
    results: "B*n",
    cautions: [OVERFLOWING, {
      severity: "critical",
      when: "a softmax underflows to zero",
      what: "its logarithm is minus infinity, and a loss NaN",
      remedy: "the logarithm is computed without the softmax",
    }],
  }),
  activation("Softplus", "softplus", {
    flops: "8*B*n",
    results: "B*n",
    cautions: [{ ...OVERFLOWING, remedy: "the exponential is taken of −|x|" }],
  }),
  activation("Mish", "mish", { flops: "10*B*n", results: "B*n" }),

  pool("MaxPool2d", "max_pool", {
    inputs: { x: "f32[B,c,k*h,k*w]" },
    settings: { window: "k" },
    flops: "0",
    results: "B*c*h*w",
  }),
  pool("AvgPool2d", "avg_pool", {
    inputs: { x: "f32[B,c,k*h,k*w]" },
    settings: { window: "k" },
    flops: "B*c*h*w*k*k + B*c*h*w",
    results: "B*c*h*w",
  }),
  pool("AdaptiveAvgPool", "adaptive_pool", {
    inputs: { x: "f32[B,c,2*h,2*w]" },
    settings: { size: ["h", "w"] },
    flops: "4*B*c*h*w + 2*B*c*h*w + 2*B*c*h*w + B*c*h*w",
    results: "B*c*h*w",
  }),
  pool("GlobalAvgPool", "global_pool", { flops: "B*c*h*w + B*c", results: "B*c" }),

  recurrent("RNN", "rnn", {
    settings: { width: "m" },
    parameters: "n*m + m*m + m",
    flops: "2*B*s*n*m + 2*B*s*m*m + 3*B*s*m",
    results: "B*s*m",
    cautions: [{
      severity: "warning",
      when: "a sequence is long",
      what: "gradients vanish or grow with the steps",
      remedy: "clip the gradient's norm, or take a gated cell",
    }],
  }),
  recurrent("LSTM", "lstm", {
    settings: { width: "m" },
    parameters: "4*n*m + 4*m*m + 4*m",
    flops: "8*B*s*n*m + 8*B*s*m*m + 17*B*s*m",
    results: "B*s*m",
  }),
  recurrent("GRU", "gru", {
    settings: { width: "m" },
    parameters: "3*n*m + 3*m*m + 6*m",
    flops: "6*B*s*n*m + 6*B*s*m*m + 17*B*s*m",
    results: "B*s*m",
  }),

  noise("Dropout", "drop", { flops: "0", results: "B*n" }),
  noise("DropPath", "drop_path", { flops: "0", results: "B*n" }),

  position("Sinusoidal", "sinusoidal_pe", { flops: "B*s*n + 9*s*n", results: "B*s*n" }),
  position("Rotary", "rope", {
    inputs: { x: "f32[B,s,2*n]" },
    flops: "6*B*s*n + 6*s*n",
    results: "2*B*s*n",
    cautions: [{
      severity: "info",
      when: "a sequence is long and elements have 16 bits",
      what: "angles of late positions would blur",
      remedy: "angles are computed in f32 at least",
    }],
  }),
  position("Learned", "learned_pe", { parameters: "s*n", flops: "B*s*n", results: "B*s*n" }),
  position("ALiBi", "alibi", {
    inputs: { x: "f32[B,h,s,t]" },
    flops: "B*h*s*t + 4*h*s*t + 2*s*t",
    results: "B*h*s*t",
  }),

  skip("Residual", "residual", { parts: [layerOf("identity")], flops: "B*n", results: "B*n" }),
  skip("DenseSkip", "dense_skip", { parts: [layerOf("identity")], flops: "0", results: "2*B*n" }),
];
