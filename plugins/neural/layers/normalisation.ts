/**
 * Normalisation: to mean 0 and variance 1 over some of a sample's axes, or over the batch.
 *
 * Invariant: the running statistics of batch norm move while training and are what it uses otherwise.
 *
 * @module
 */
import { type Layer, layerOf, type LayerRow } from "./layer.ts";
import { opRow } from "./op_row.ts";

/** What a norm is told. */
export interface NormSettings {
  /** Added to the variance. */
  readonly epsilon?: number;
  /** Whether a learned scale and shift follow; true where absent. */
  readonly affine?: boolean;
}

/** Over the last axis. */
export const layerNorm = (settings: NormSettings = {}): Layer => layerOf("layer_norm", settings);

/** By the root mean square of the last axis. */
export const rmsNorm = (settings: NormSettings = {}): Layer => layerOf("rms_norm", settings);

/** Each channel over the batch and all positions; by running statistics outside training. */
export const batchNorm = (settings: NormSettings & { readonly momentum?: number } = {}): Layer =>
  layerOf("batch_norm", settings);

/** Groups of channels of each sample over all positions. */
export const groupNorm = (settings: NormSettings & { readonly groups?: number } = {}): Layer =>
  layerOf("group_norm", settings);

/** Each channel of each sample over all positions. */
export const instanceNorm = (settings: NormSettings = {}): Layer => layerOf("instance_norm", settings);

/** The rows. */
export const NORMALISATION: ReadonlyArray<LayerRow> = [
  opRow("layer_norm", "normalisation", { properties: { shiftInvariant: true, scaleInvariant: true } }),
  opRow("rms_norm", "normalisation", { properties: { scaleInvariant: true } }),
  opRow("batch_norm", "normalisation"),
  opRow("group_norm", "normalisation", { properties: { shiftInvariant: true, scaleInvariant: true } }),
  opRow("instance_norm", "normalisation", { properties: { shiftInvariant: true, scaleInvariant: true } }),
];
