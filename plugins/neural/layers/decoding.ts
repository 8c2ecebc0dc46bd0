/**
 * Decoding: a layer whose sequences are given in pieces, each run going on where the last one ended.
 *
 * Not a sampler. Invariant: paths of learned tensors do not change, so that the weights of the layer are its weights.
 *
 * @module
 */
import { rowOf } from "./build.ts";
import { CACHE } from "./cache.ts";
import type { Layer } from "./layer.ts";

/**
 * The layer with every part that can keep something keeping the last positions. Its network must be made for a known
 * number of samples and of steps; its state begins at zeros with every new sequence.
 *
 * @example
 * ```ts
 * import { attention, decoding, networkOfLayers } from "@rmi/rmi/neural";
 * import assert from "node:assert/strict";
 * const layer = attention({ heads: 2, causal: true });
 * const step = networkOfLayers(decoding(layer, 128), { x: "f32[1,1,8]" });
 * assert.deepEqual(step.state.map(({ path }) => path), ["position", "keys", "values"]);
 * ```
 */
export const decoding = (layer: Layer, positions: number): Layer => {
  const keeps = rowOf(layer.kind).settings.some(({ name }) => name === CACHE);
  return {
    ...layer,
    ...(keeps ? { settings: { ...layer.settings, [CACHE]: positions } } : {}),
    ...(layer.parts === undefined ? {} : { parts: layer.parts.map((part) => decoding(part, positions)) }),
  };
};
