/**
 * Platform entropy: `crypto.getRandomValues`. One of the few files that may read chance from the machine.
 *
 * @module
 */
import * as Layer from "effect/Layer";
import { Entropy } from "../entropy.ts";

/** Entropy from the platform's generator. */
export const layerEntropy: Layer.Layer<Entropy> = Layer.succeed(Entropy, {
  bytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
});
