/**
 * Patterns: the published architectures as programs, byte for byte as the original builds them.
 *
 * They carry no sizes: widths, heads and vocabularies follow from the ops' defaults and the input's shape.
 * Invariant: version 1 bytes and content hashes agree with the golden vectors. Source: RMIL §21.
 *
 * @module
 */
import { andThen, op, par, repeat, residual } from "./builders.ts";
import type { Expression } from "./expression.ts";

const FEWEST_LAYERS = 2;

/** Attention and a feed-forward part, each residual. */
export const transformerBlock = (): Expression =>
  andThen(
    residual(andThen(op("layer_norm"), op("attn"), op("drop"))),
    residual(andThen(op("layer_norm"), op("linear"), op("gelu"), op("linear"), op("drop"))),
  );

/** `layers` linear layers with relu between them; at least two. */
export const mlp = (layers: number): Expression => {
  const stages = Array.from({ length: Math.max(FEWEST_LAYERS, layers) - 1 }, () => [op("relu"), op("linear")]);
  return andThen(op("linear"), ...stages.flat());
};

/** Two convolutions with batch norm, residual, then relu. */
export const resnetBlock = (): Expression =>
  andThen(
    residual(andThen(op("conv2d"), op("batch_norm"), op("relu"), op("conv2d"), op("batch_norm"))),
    op("relu"),
  );

/** A sequence of indices to features by an LSTM. */
export const rnnModel = (): Expression => andThen(op("embed"), op("lstm"), op("drop"), op("linear"));

/** From feature maps to classes. */
export const classifierHead = (): Expression =>
  andThen(op("global_pool"), op("linear"), op("relu"), op("drop"), op("linear"));

/** Convolution, norm, relu and pooling, `blocks` times. */
export const convBackbone = (blocks: number): Expression =>
  repeat(andThen(op("conv2d"), op("batch_norm"), op("relu"), op("max_pool")), blocks);

/** A backbone and a head. */
export const imageClassifier = (blocks: number): Expression => andThen(convBackbone(blocks), classifierHead());

/** A neural and a symbolic branch over one embedding, concatenated. */
export const neurosymbolicHybrid = (): Expression =>
  andThen(
    op("embed"),
    par(andThen(op("linear"), op("gelu"), op("linear")), andThen(op("infer"), op("resolve"))),
    op("concat"),
  );

/** A pattern as it is listed. */
export interface PatternRow {
  /** One line. */
  readonly doc: string;
  /** What `size` means, and what it is where not given; absent where there is none. */
  readonly size?: { readonly doc: string; readonly default: number };
  /** Builds it. */
  readonly build: (size: number) => Expression;
}

/** Largest size of a pattern: deeper trees are refused anyway. */
export const MAX_PATTERN_SIZE = 500;

/** Every pattern by its published name. */
export const PATTERNS: { readonly [name: string]: PatternRow } = {
  transformer_block: { doc: "Attention and feed-forward, each residual.", build: transformerBlock },
  mlp: { doc: "Linear layers with relu between them.", size: { doc: "number of layers", default: 3 }, build: mlp },
  resnet_block: { doc: "Two convolutions with batch norm, residual, then relu.", build: resnetBlock },
  rnn_model: { doc: "Embedding, LSTM, dropout, linear.", build: rnnModel },
  classifier_head: { doc: "From feature maps to classes.", build: classifierHead },
  conv_backbone: {
    doc: "Convolution, norm, relu and pooling, repeated.",
    size: { doc: "number of blocks", default: 4 },
    build: convBackbone,
  },
  image_classifier: {
    doc: "A convolutional backbone and a head.",
    size: { doc: "number of blocks", default: 4 },
    build: imageClassifier,
  },
  neurosymbolic_hybrid: { doc: "A neural and a symbolic branch over one embedding.", build: neurosymbolicHybrid },
};
