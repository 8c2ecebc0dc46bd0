/**
 * Digest: the identity of bytes and of JSON values, SHA-256 written `sha256:<hex>`.
 *
 * Not the 64-bit RMIL hash (compatibility only) and not a password hash.
 * Invariant: one spelling; every digest in the system is made here.
 *
 * @module
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import * as Schema from "effect/Schema";
import { canonicalJson } from "./json.ts";

/** A SHA-256 digest, `sha256:` and 64 lower-case hexadecimal digits. */
export type Digest = `sha256:${string}`;

const DIGEST_PATTERN = /^sha256:[0-9a-f]{64}$/u;

/** Whether a text is spelled as a digest. */
export const isDigest = (text: string): text is Digest => DIGEST_PATTERN.test(text);

/** Schema of {@link Digest}. */
export const Digest: Schema.Codec<Digest, string> = Schema.String.check(
  Schema.isPattern(DIGEST_PATTERN, { expected: "sha256: and 64 lower-case hexadecimal digits" }),
).annotate({ description: "sha256: and 64 lower-case hexadecimal digits" }) as unknown as Schema.Codec<Digest, string>;

const spell = (hash: Uint8Array): Digest => `sha256:${bytesToHex(hash)}`;

/** Digest of bytes. */
export const digestBytes = (bytes: Uint8Array): Digest => spell(sha256(bytes));

/** The 32 raw bytes of a digest of bytes, for formats that store many. */
export const hashBytes = (bytes: Uint8Array): Uint8Array => sha256(bytes);

/** Spells 32 raw bytes as a digest. */
export const digestOfHash = (hash: Uint8Array): Digest => spell(hash);

/** The 32 raw bytes that a digest spells. */
export const hashOfDigest = (digest: Digest): Uint8Array => hexToBytes(digest.slice("sha256:".length));

/** Digest of a text's UTF-8 bytes. */
export const digestText = (text: string): Digest => digestBytes(utf8ToBytes(text));

/**
 * Digest of a JSON value by its canonical text; throws `NotCanonical` for values without one.
 *
 * @example
 * ```ts
 * import { digestJson } from "@rmi/rmi/kernel";
 * import assert from "node:assert/strict";
 * assert.equal(digestJson({ a: 1, b: 2 }), digestJson({ b: 2, a: 1 }));
 * ```
 */
export const digestJson = (value: unknown): Digest => digestText(canonicalJson(value));

/** Keyed digest (HMAC-SHA-256) for private blobs, whose plain digest would betray a guessed content. */
export const digestKeyed = (key: Uint8Array, bytes: Uint8Array): Digest => spell(hmac(sha256, key, bytes));
