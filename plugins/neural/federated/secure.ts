/**
 * Secure: steps that a server can only read as a sum.
 *
 * Each two clients of a round agree on a secret by X25519; from it and the round comes a stream of 32-bit words that one
 * of them adds and the other takes away. Steps are whole numbers modulo 2³² (fixed point), so in the sum the masks cancel
 * exactly and nothing is lost but the fixed point's rounding (Bonawitz et al. 2017, without their second mask).
 * When a client does not answer, the others reveal the seeds they share with it for this round, once, and the server takes
 * those masks away. So a server that follows the protocol learns the sum of the survivors and nothing else; a server that
 * calls a client silent though it has its step could read that step: that is the trust that is left.
 * What is summed cannot be judged one by one: rules that withstand hostile clients need open steps.
 * Invariant: sealed steps of all clients of a round sum to the sum of their steps; fewer than two survivors are refused.
 *
 * @module
 */
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import * as KeyAgreement from "effect/crypto/KeyAgreement";
import * as SecureRandom from "effect/crypto/SecureRandom";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { clientFailed, type NeuralFailure } from "../failures.ts";

/** Bits behind the point of a fixed-point number: a resolution of 2⁻²² and sums within ±512. */
export const FRACTION_BITS = 22;

/** Largest element of a single step, so that a sum of clients' shares stays within its range. */
export const MOST_SEALED: number = 2 ** (31 - FRACTION_BITS - 1);

const SCALE = 2 ** FRACTION_BITS;
const SEED_BYTES = 32;
const WORDS_PER_HASH = 8;

/** Who takes part in a round of sealed steps, and how much a client counts in it. */
export interface Sealing {
  /** The clients and their public keys in hexadecimal, in one order for all. */
  readonly roster: ReadonlyArray<{ readonly id: string; readonly key: string }>;
  /** The client's share of the sum. */
  readonly share: number;
}

/** What a client keeps to seal its steps. */
export interface MaskKeeper {
  /** Its public key, in hexadecimal. */
  readonly key: string;
  /** Its step times its share, in fixed point, under the masks of a round. */
  readonly seal: (
    id: string,
    round: number,
    sealing: Sealing,
    step: Float32Array,
  ) => Effect.Effect<Uint32Array<ArrayBuffer>, NeuralFailure>;
  /** The seeds it shares in a round with clients that did not answer; once a round. */
  readonly reveal: (
    round: number,
    silent: ReadonlyArray<string>,
  ) => Effect.Effect<ReadonlyArray<string>, NeuralFailure>;
}

/** Whether a text is a seed in hexadecimal. */
export const isSeed = (text: string): boolean => /^[0-9a-f]{64}$/u.test(text);

/** The words of a seed. */
export const maskWords = (seed: Uint8Array, count: number): Uint32Array<ArrayBuffer> => {
  const words = new Uint32Array(Math.ceil(count / WORDS_PER_HASH) * WORDS_PER_HASH);
  const block = new Uint8Array(SEED_BYTES + 4);
  block.set(seed);
  const counter = new DataView(block.buffer, SEED_BYTES);
  for (let i = 0; i < words.length; i += WORDS_PER_HASH) {
    counter.setUint32(0, i / WORDS_PER_HASH, true);
    const hash = sha256(block);
    const view = new DataView(hash.buffer, hash.byteOffset);
    for (let word = 0; word < WORDS_PER_HASH; word++) words[i + word] = view.getUint32(4 * word, true);
  }
  return words.slice(0, count);
};

/** The seed of two clients for a round; the same for both. */
const seedOf = (secret: Uint8Array, round: number): Uint8Array =>
  hkdf(sha256, secret, undefined, utf8ToBytes(`rmi-masks/1 round ${round}`), SEED_BYTES);

const addMask = (words: Uint32Array, seed: Uint8Array, sign: 1 | -1): void => {
  const mask = maskWords(seed, words.length);
  for (let i = 0; i < words.length; i++) words[i] += sign * mask[i];
};

/** Of two clients the one whose name comes first adds. */
const signOf = (id: string, other: string): 1 | -1 => id < other ? 1 : -1;

const agreement = KeyAgreement.layerWebCrypto.pipe(Layer.provide(SecureRandom.layerWebCrypto));

const agreed = <A>(
  client: string,
  compute: Effect.Effect<A, unknown, KeyAgreement.KeyAgreement>,
): Effect.Effect<A, NeuralFailure> =>
  Effect.mapError(
    Effect.provide(compute, agreement),
    () => clientFailed({ client, reason: "a key of the round is no key" }),
  );

const secretWith = (own: Uint8Array, key: string): Effect.Effect<Uint8Array, unknown, KeyAgreement.KeyAgreement> =>
  Effect.gen(function* () {
    const { deriveSharedSecret } = yield* KeyAgreement.KeyAgreement;
    const bytes = yield* Effect.try(() => hexToBytes(key));
    const mine = yield* KeyAgreement.privateKey(KeyAgreement.x25519, own);
    return yield* deriveSharedSecret(mine, yield* KeyAgreement.publicKey(KeyAgreement.x25519, bytes));
  });

/** A keeper of masks over 32 unpredictable bytes, which never leave it. */
export const maskKeeper = (entropy: Uint8Array): Effect.Effect<MaskKeeper, NeuralFailure> =>
  Effect.map(
    agreed(
      "keeper",
      Effect.gen(function* () {
        const { publicKeyOf } = yield* KeyAgreement.KeyAgreement;
        const mine = yield* KeyAgreement.privateKey(KeyAgreement.x25519, entropy);
        return bytesToHex(yield* KeyAgreement.toBytes(yield* publicKeyOf(mine)));
      }),
    ),
    (key) => {
      let last:
        | { readonly round: number; readonly seeds: ReadonlyMap<string, Uint8Array>; revealed: boolean }
        | undefined;
      const refuse = (client: string, reason: string) => Effect.fail(clientFailed({ client, reason }));
      return {
        key,
        seal: (id, round, { roster, share }, step) =>
          Effect.gen(function* () {
            const isFair = roster.length >= 2 && new Set(roster.map((one) => one.id)).size === roster.length &&
              roster.some((one) => one.id === id && one.key === key) && share > 0 && share <= 1;
            if (!isFair) return yield* refuse(id, "the round is not one its step can be sealed for");
            // A second step under the same masks would tell the difference of the two.
            if (last !== undefined && round <= last.round) return yield* refuse(id, `round ${round} has been sealed`);
            const at = step.findIndex((value) => !(Math.abs(value) <= MOST_SEALED));
            if (at >= 0) return yield* refuse(id, `element ${at} of its step, ${step[at]}, is beyond ±${MOST_SEALED}`);
            const others = roster.filter((one) => one.id !== id);
            const seeds = new Map<string, Uint8Array>();
            for (const other of others) {
              seeds.set(other.id, seedOf(yield* agreed(id, secretWith(entropy, other.key)), round));
            }
            last = { round, seeds, revealed: false };
            const words = Uint32Array.from(step, (value) => Math.round(value * share * SCALE));
            for (const [other, seed] of seeds) addMask(words, seed, signOf(id, other));
            return words;
          }),
        reveal: (round, silent) =>
          Effect.suspend(() => {
            if (last === undefined || last.round !== round || last.revealed) {
              return refuse("keeper", `nothing is revealed of round ${round}`);
            }
            const { seeds } = last;
            const unknown = silent.find((id) => !seeds.has(id));
            if (unknown !== undefined) return refuse("keeper", `${unknown} is not in round ${round}`);
            if (silent.length > seeds.size - 1) {
              return refuse("keeper", "with nobody else left, the sum would be its own step");
            }
            last.revealed = true;
            return Effect.succeed(silent.map((id) => bytesToHex(seeds.get(id)!)));
          }),
      };
    },
  );

/** A sealed step and whose it is. */
export interface SealedStep {
  /** The client. */
  readonly id: string;
  /** Its sealed step. */
  readonly words: Uint32Array;
}

/** What a survivor revealed: its seeds with silent clients. */
export interface Revealed {
  /** The survivor. */
  readonly id: string;
  /** The silent clients and the seeds, in hexadecimal. */
  readonly seeds: ReadonlyArray<readonly [silent: string, seed: string]>;
}

/** The sum of the survivors' steps times their shares. */
export const unseal = (
  steps: ReadonlyArray<SealedStep>,
  revealed: ReadonlyArray<Revealed>,
): Float32Array<ArrayBuffer> => {
  const sum = new Uint32Array(steps[0].words.length);
  for (const { words } of steps) for (let i = 0; i < sum.length; i++) sum[i] += words[i];
  for (const { id, seeds } of revealed) {
    for (const [silent, seed] of seeds) addMask(sum, hexToBytes(seed), signOf(id, silent) === 1 ? -1 : 1);
  }
  return Float32Array.from(sum, (word) => (word | 0) / SCALE);
};
