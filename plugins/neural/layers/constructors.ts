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
export { lora, LORA_RANK, type LoraSettings, mergedLora } from "./adapter.ts";
export { attention, type AttentionSettings } from "./attention.ts";
export {
  bilinear,
  embedding,
  type EmbeddingSettings,
  linear,
  type LinearSettings,
  matmul,
  unembedding,
} from "./affine.ts";
export { flashAttention, type FormSettings, linearAttention, scaledDotProduct } from "./attention_forms.ts";
export {
  conv1d,
  conv2d,
  conv3d,
  type ConvSettings,
  convTranspose1d,
  convTranspose2d,
  type PerAxis,
  separableConv2d,
  type SeparableSettings,
  type TransposedSettings,
} from "./convolution.ts";
export { experts, type ExpertsSettings } from "./experts.ts";
export { feedForward, type FeedForwardSettings } from "./feed_forward.ts";
export {
  adaptivePool,
  adaptivePool1d,
  type AdaptivePoolSettings,
  avgPool,
  avgPool1d,
  globalMaxPool,
  globalPool,
  maxPool,
  maxPool1d,
  type MeanPoolSettings,
  type PoolSettings,
} from "./pooling.ts";
export { distanceBias, learnedPositions, rotaryPositions, sinusoidalPositions } from "./position.ts";
export { FORGET_BIAS, gru, lstm, type RecurrentSettings, rnn } from "./recurrent.ts";
export { mamba, type MambaSettings, s4 } from "./state_space.ts";
export { tables, type TablesSettings } from "./tables.ts";
export { type BlockSettings, decoderBlock, encoderBlock, transformer } from "./transformer.ts";
export { batchNorm, groupNorm, instanceNorm, layerNorm, type NormSettings, rmsNorm } from "./normalisation.ts";
export { dropChannels, dropout, dropPath, type DropSettings } from "./regularisation.ts";
export {
  added,
  concatenated,
  denseSkip,
  flatten,
  identity,
  multiplied,
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
