/**
 * Newest: which embedding memory uses: the newest artifact of their kind that has a name and can be read, or none.
 *
 * Which one that is follows from a ledger alone, so that a history that is taken up again recalls as it did then.
 * Invariant: an artifact that cannot be read is passed over with its reason and stops nothing.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import type { LedgerFailure, LedgerShape } from "../../../../effects/mod.ts";
import { CallContext, caps, type CapsOf, type Digest } from "../../../../kernel/mod.ts";
import { artifactFold, type ArtifactInfo, type ArtifactState, infoOf } from "../../../../registry/artifact.ts";
import { attempting } from "../../failures.ts";
import { type Embedder, HASHED } from "../embedder.ts";
import { EMBEDDING_MEDIA, readEmbedding } from "./stored.ts";
import { wordEmbedder } from "./words.ts";

/** Reads the bytes of an artifact. */
export type ReadArtifact = (
  digest: Digest,
) => Effect.Effect<Uint8Array, { readonly message: string }, CallContext | CapsOf<"readLocal">>;

/** What memory makes texts comparable by. */
export interface Vectors {
  /** It. */
  readonly embedder: Embedder;
  /** Name of the artifact; absent for hashed n-grams. */
  readonly name?: string;
  /** Words that it knows. */
  readonly words?: number;
  /** Newer artifacts that cannot be read, each with the reason. */
  readonly passedOver: ReadonlyArray<{ readonly name: string; readonly reason: string }>;
}

/** What a ledger's memory makes texts comparable by. */
export type VectorsOf = (ledger: LedgerShape) => Effect.Effect<Vectors, LedgerFailure>;

/** Spelling alone. */
export const SPELLING: Vectors = { embedder: HASHED, passedOver: [] };

/** One embedder, whatever the ledger says. */
export const always = (embedder: Embedder): VectorsOf => () => Effect.succeed({ embedder, passedOver: [] });

/** Artifacts whose reading is kept at hand. */
const MOST_READ = 4;

/** The named embeddings, newest first. */
const embeddingsIn = (state: ArtifactState): ReadonlyArray<ArtifactInfo> =>
  Object.keys(state.artifacts).filter((digest) => state.artifacts[digest].media === EMBEDDING_MEDIA)
    .flatMap((digest) => infoOf(state, digest as Digest) ?? []).filter(({ names }) => names.length > 0)
    .sort((a, b) => a.at < b.at || (a.at === b.at && a.digest < b.digest) ? 1 : -1);

type Read = { readonly embedder: Embedder; readonly words: number } | { readonly reason: string };

/** Embeddings over a store of artifacts. Outside of calls, which nothing may be read by, it is spelling alone. */
export const newestEmbedding = (readBytes: ReadArtifact): VectorsOf => {
  const read = new Map<Digest, Read>();
  const found = new WeakMap<ArtifactState, Vectors>();

  const reading = (name: string, digest: Digest): Effect.Effect<Read, never, CallContext | CapsOf<"readLocal">> =>
    Effect.gen(function* () {
      const bytes = yield* readBytes(digest);
      const vectors = yield* attempting(() => readEmbedding(name, bytes));
      return { embedder: wordEmbedder(vectors, digest), words: vectors.words.length };
    }).pipe(Effect.catch(({ message }) => Effect.succeed<Read>({ reason: message })));

  const readOnce = (name: string, digest: Digest) =>
    Effect.gen(function* () {
      const held = read.get(digest);
      if (held !== undefined) return held;
      const made = yield* reading(name, digest);
      if (read.size === MOST_READ) read.clear();
      // What could not be read may be readable by the next call.
      if ("embedder" in made) read.set(digest, made);
      return made;
    });

  const choose = (state: ArtifactState) =>
    Effect.gen(function* () {
      const passedOver: Array<Vectors["passedOver"][number]> = [];
      for (const { digest, names } of embeddingsIn(state)) {
        const name = names[names.length - 1];
        const made = yield* readOnce(name, digest);
        if ("embedder" in made) return { ...made, name, passedOver };
        passedOver.push({ name, reason: made.reason });
      }
      return { ...SPELLING, passedOver };
    });

  return (ledger) =>
    Effect.gen(function* () {
      const state = yield* ledger.state(artifactFold);
      const held = found.get(state);
      if (held !== undefined) return held;
      const call = yield* Effect.serviceOption(CallContext);
      const may = yield* Effect.serviceOption(caps.readLocal);
      if (Option.isNone(call) || Option.isNone(may)) return SPELLING;
      const vectors: Vectors = yield* choose(state).pipe(
        Effect.provideService(CallContext, call.value),
        Effect.provideService(caps.readLocal, may.value),
      );
      if (vectors.passedOver.length === 0) found.set(state, vectors);
      return vectors;
    });
};
