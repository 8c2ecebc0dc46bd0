/**
 * Constructors: a function for each kind of layer, by which networks are written.
 *
 * Not checks: a setting is checked when the layer is built, wherever it came from.
 *
 * @module
 */
export {
  elu,
  gelu,
  leakyRelu,
  logSoftmax,
  mish,
  prelu,
  relu,
  sigmoid,
  silu,
  softmax,
  softplus,
  tanh,
} from "./activation.ts";
export {
  bilinear,
  embedding,
  type EmbeddingSettings,
  linear,
  type LinearSettings,
  product,
  unembedding,
} from "./affine.ts";
export { batchNorm, groupNorm, instanceNorm, layerNorm, type NormSettings, rmsNorm } from "./normalisation.ts";
export { dropChannels, dropout, dropPath, type DropSettings } from "./regularisation.ts";
export {
  added,
  concatenated,
  denseSkip,
  flatten,
  identity,
  parallel,
  patches,
  repeated,
  reshape,
  residual,
  residualBlock,
  type ResidualBlockSettings,
  sequential,
  transposed,
} from "./structure.ts";
