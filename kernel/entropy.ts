/**
 * Entropy: unpredictable bytes for nonces, call ids and keys.
 *
 * Not for anything that must repeat (that is `Random`).
 * Invariant: the only implementation that reads the machine is kernel/platform/entropy.ts; tests bring a counted one.
 *
 * @module
 */
import { bytesToHex } from "@noble/hashes/utils.js";
import * as Context from "effect/Context";

/** What the entropy service offers. */
export interface EntropyShape {
  /** Fresh unpredictable bytes. */
  readonly bytes: (count: number) => Uint8Array;
}

const EntropyBase: Context.ServiceClass<Entropy, "rmi/Entropy", EntropyShape> = Context.Service<
  Entropy,
  EntropyShape
>()("rmi/Entropy");

/** The entropy service. */
export class Entropy extends EntropyBase {}

/** A fresh 128-bit identifier, 32 hexadecimal digits. */
export const freshId = (entropy: EntropyShape): string => bytesToHex(entropy.bytes(16));
