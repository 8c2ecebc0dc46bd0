/**
 * Beginnings: what a language model of ours keeps of the beginnings that the prompts of one request share, as cache blocks.
 *
 * Not kept between requests: what a model makes of a prompt says what the prompt was.
 * Invariant: kept or not, the text goes on the same: numbers that are kept in few bits are gone on with in few bits also
 * where they were just read; what is kept in 32 bits goes on bit for bit as if it had been read.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Semaphore from "effect/Semaphore";
import { digestBytes } from "../../../kernel/mod.ts";
import { type KeptStretch, type KeptText, MAX_PIECE, type Writer } from "../../neural/library.ts";
import type { ModelTrouble, SharedBeginning } from "../contract.ts";
import {
  type CacheOrigin,
  type CacheShape,
  type KeptBlocks,
  planTakeIn,
  restoreBlocks,
  storeBlocks,
  type StoredBlock,
} from "./cache_blocks.ts";
import type { Begun } from "./decoding.ts";
import { trouble } from "./finished.ts";

/** Bytes of a stretch: the pieces in which a writer reads, so that a cut between two changes nothing. */
export const STRETCH: number = MAX_PIECE;

/** Beginnings of one model that are kept; the oldest gives way. */
export const MOST_BEGINNINGS = 4;

type Held = Omit<KeptText, "stretches"> & { readonly blocks: ReadonlyArray<StoredBlock> | ReadonlyArray<KeptStretch> };

/** A stretch of each head as blocks of `STRETCH` places. */
const cut = ({ from, to, keys, values, ...one }: KeptStretch): ReadonlyArray<KeptStretch> => {
  const width = keys.length / (to - from);
  return Array.from({ length: Math.ceil((to - from) / STRETCH) }, (_, i) => {
    const first = from + i * STRETCH;
    const last = Math.min(first + STRETCH, to);
    const rows = (all: Float32Array) => all.slice((first - from) * width, (last - from) * width);
    return { ...one, from: first, to: last, keys: rows(keys), values: rows(values) };
  });
};

/** What is kept of a text, in some bits. */
export const heldIn = ({ stretches, ...kept }: KeptText, shape: CacheShape, bits: SharedBeginning["bits"]): Held => {
  const blocks = stretches.flatMap(cut);
  return { ...kept, blocks: bits === 32 ? blocks : storeBlocks(blocks, shape, bits) };
};

/** What was kept, as numbers again. */
export const keptFrom = ({ blocks, ...kept }: Held, shape: CacheShape): KeptText => ({
  ...kept,
  stretches: blocks.every((block) => typeof block.keys[0] === "number")
    ? blocks as ReadonlyArray<KeptStretch>
    : restoreBlocks(blocks as ReadonlyArray<StoredBlock>, shape),
});

/** The stretches of a beginning as sets of blocks that may be taken in, the first of most worth. */
const setsOf = (bytes: number, origin: CacheOrigin): ReadonlyArray<KeptBlocks> =>
  Array.from({ length: Math.floor(bytes / STRETCH) }, (_, i) => ({
    id: String(i),
    origin,
    scope: "",
    strength: 1 / (1 + i),
    tier: "hot",
    tokens: STRETCH,
  }));

/** How many bytes of a beginning are kept under what a request may spend. */
export const bytesKept = (bytes: number, { prefetch }: SharedBeginning, origin: CacheOrigin): number =>
  STRETCH *
  planTakeIn(setsOf(bytes, origin), { allowed: true, origin, scope: "", prefetch, pressure: 0, leastStrength: 0 })
    .included.length;

const failed = ({ message }: { readonly message: string }): ModelTrouble => trouble("unavailable", message);

/** Beginnings of texts of one model. */
export class Beginnings {
  readonly #held = new Map<string, Held>();
  /** Of prompts that are read side by side, the first reads their beginning and the others wait for it. */
  readonly #turns = Semaphore.makeUnsafe(1);

  /** Keeps for the model of an origin. */
  constructor(private readonly origin: CacheOrigin, private readonly shape: CacheShape) {}

  /** Brings a writer that has read nothing behind as much of a beginning as may be kept. */
  begin(writer: Writer, tokens: ReadonlyArray<number>, shared: SharedBeginning): Effect.Effect<Begun, ModelTrouble> {
    return Effect.gen({ self: this }, function* () {
      const text = Uint8Array.from(tokens.slice(0, bytesKept(tokens.length, shared, this.origin)));
      if (text.length === 0) return { read: 0, kept: 0 };
      const key = `${shared.bits} ${digestBytes(text)}`;
      const held = this.#held.get(key);
      if (held !== undefined) {
        yield* writer.resume(text, keptFrom(held, this.shape));
        return { read: text.length, kept: text.length };
      }
      yield* writer.read(text);
      const now = heldIn(yield* writer.keep, this.shape, shared.bits);
      if (this.#held.size >= MOST_BEGINNINGS) this.#held.delete(this.#held.keys().next().value!);
      this.#held.set(key, now);
      if (shared.bits !== 32) yield* writer.resume(text, keptFrom(now, this.shape));
      return { read: text.length, kept: 0 };
    }).pipe(this.#turns.withPermit, Effect.mapError(failed));
  }
}
