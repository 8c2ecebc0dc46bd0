/**
 * Blobs: payloads too large or too private for an event, stored by digest, so that deleting one leaves the chain whole.
 *
 * Not redacted (bytes are opaque) and not named: events refer to blobs by digest; named things are registry artifacts.
 * Invariant: what `get` answers matches the digest asked for; a private blob's digest is keyed, so that nobody without
 * the key can test a guess of its content.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import {
  type Digest,
  digestBytes,
  digestKeyed,
  type DiskShape,
  type EntropyShape,
  type FailureOf,
  freshId,
  isDigest,
  type KernelFailure,
  malformedName,
} from "../kernel/mod.ts";
import { blobAbsent, blobDamaged, ledgerLimit, ledgerStore } from "./failures.ts";
import { confinedDisk } from "./ledger/confined.ts";
import { ensureKey, KEY_BYTES, readKey } from "./ledger/key_file.ts";

/** Most bytes of one blob. */
export const MAX_BLOB_BYTES = 67_108_864;

/** Folder of the blobs, below the state folder. */
export const BLOBS_FOLDER = "blobs";

/** File of the key, below the state folder. */
export const KEY_FILE = "blobs.key";

/** How a blob is stored. */
export interface BlobOptions {
  /** Whether its digest is keyed. */
  readonly private?: boolean;
}

/** Failures of blobs. */
export type BlobFailure =
  | FailureOf<"EFFECTS_BLOB_ABSENT">
  | FailureOf<"EFFECTS_BLOB_DAMAGED">
  | FailureOf<"EFFECTS_LEDGER_LIMIT">
  | FailureOf<"EFFECTS_LEDGER_STORE">
  | KernelFailure;

/** Bytes by digest. */
export interface Blobs {
  /** Stores bytes durably and answers their digest. */
  readonly put: (bytes: Uint8Array, options?: BlobOptions) => Effect.Effect<Digest, BlobFailure>;
  /** The digest that `put` would answer; stores no bytes. A fork names as what lies below it. */
  readonly name: (bytes: Uint8Array, options?: BlobOptions) => Effect.Effect<Digest, BlobFailure>;
  /** The bytes of a digest. */
  readonly get: (digest: Digest) => Effect.Effect<Uint8Array, BlobFailure>;
  /** Deletes; deleting what is not there is no error. */
  readonly drop: (digest: Digest) => Effect.Effect<void, BlobFailure>;
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index]);

const checkSize = (bytes: Uint8Array, limit: number): Effect.Effect<void, BlobFailure> =>
  bytes.length <= limit
    ? Effect.void
    : Effect.fail(ledgerLimit({ what: "a blob", amount: bytes.length, limit, unit: "bytes" }));

const checkDigest = (digest: string): Effect.Effect<void, BlobFailure> =>
  isDigest(digest) ? Effect.void : Effect.fail(
    malformedName({
      what: "a digest",
      text: digest.slice(0, 200),
      rule: "sha256: and 64 lower-case hexadecimal digits",
    }),
  );

const keyed = <A>(body: () => A): Effect.Effect<A, BlobFailure> =>
  Effect.try({
    try: body,
    catch: (cause) => ledgerStore({ action: "use the blob key of", cause: (cause as Error).message }),
  });

/** Blobs in a state folder. */
export const diskBlobs = (
  disk: DiskShape,
  entropy: EntropyShape,
  stateFolder: string,
  maxBytes: number = MAX_BLOB_BYTES,
): Blobs => {
  const files = confinedDisk(disk, stateFolder);
  const keyFile = `${stateFolder}/${KEY_FILE}`;
  const place = (digest: Digest): string => `${BLOBS_FOLDER}/${digest.slice(7, 9)}/${digest.slice(9)}`;
  const digestOf = (bytes: Uint8Array, options: BlobOptions): Effect.Effect<Digest, BlobFailure> =>
    options.private === true
      ? Effect.map(
        keyed(() => ensureKey(keyFile, entropy.bytes(KEY_BYTES), freshId(entropy))),
        (key) => digestKeyed(key, bytes),
      )
      : Effect.sync(() => digestBytes(bytes));
  const matches = (digest: Digest, bytes: Uint8Array): Effect.Effect<boolean, BlobFailure> =>
    digestBytes(bytes) === digest ? Effect.succeed(true) : Effect.map(
      keyed(() => readKey(keyFile)),
      (key) => key !== undefined && digestKeyed(key, bytes) === digest,
    );
  return {
    put: (bytes, options = {}) =>
      Effect.gen(function* () {
        yield* checkSize(bytes, maxBytes);
        const digest = yield* digestOf(bytes, options);
        const found = yield* files.stat(place(digest));
        // An equal file is left alone; a damaged one of this name is replaced.
        if (found?.size === bytes.length && sameBytes(yield* files.read(place(digest)), bytes)) return digest;
        yield* files.write(place(digest), bytes);
        return digest;
      }),
    name: (bytes, options = {}) => digestOf(bytes, options),
    get: (digest) =>
      Effect.gen(function* () {
        yield* checkDigest(digest);
        const found = yield* files.stat(place(digest));
        if (found === undefined) return yield* blobAbsent({ digest });
        if (found.size > maxBytes) return yield* blobDamaged({ digest });
        const bytes = yield* files.read(place(digest));
        return (yield* matches(digest, bytes)) ? bytes : yield* blobDamaged({ digest });
      }),
    drop: (digest) => Effect.andThen(checkDigest(digest), files.remove(place(digest))),
  };
};

/** Blobs in memory, above others or above nothing; what a fork uses. */
export const memoryBlobs = (entropy: EntropyShape, base?: Blobs, maxBytes: number = MAX_BLOB_BYTES): Blobs => {
  const key = entropy.bytes(KEY_BYTES);
  const held = new Map<string, Uint8Array | undefined>();
  return {
    put: (bytes, options = {}) =>
      Effect.map(checkSize(bytes, maxBytes), () => {
        const digest = options.private === true ? digestKeyed(key, bytes) : digestBytes(bytes);
        held.set(digest, bytes.slice());
        return digest;
      }),
    name: (bytes, options = {}) =>
      base === undefined
        ? Effect.sync(() => options.private === true ? digestKeyed(key, bytes) : digestBytes(bytes))
        : base.name(bytes, options),
    get: (digest) =>
      Effect.suspend((): Effect.Effect<Uint8Array, BlobFailure> => {
        const bytes = held.get(digest);
        if (bytes !== undefined) return Effect.succeed(bytes.slice());
        if (base !== undefined && !held.has(digest)) return base.get(digest);
        return Effect.andThen(checkDigest(digest), Effect.fail(blobAbsent({ digest })));
      }),
    drop: (digest) => Effect.map(checkDigest(digest), () => void held.set(digest, undefined)),
  };
};
