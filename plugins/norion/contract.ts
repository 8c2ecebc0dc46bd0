/**
 * Contract: what a model is to norion: one port for everything that answers a prompt, whatever stands behind it.
 *
 * Not a choice between models (routing/choose.ts) and not a conversation: one request, one answer.
 * Invariant: what a backend can do is declared before it is asked, never found out by a failure; every answer says what
 * kind of thing gave it; a failure is one of a few faults, each with a known remedy.
 *
 * @module
 */
import type * as Effect from "effect/Effect";
import type * as Stream from "effect/Stream";
import type { Model, ModelFault } from "./routing/choose.ts";

export type { Locality, Model, ModelFault } from "./routing/choose.ts";

/** What stands behind a backend. */
export type ModelKind = "heuristic" | "language" | "command" | "http" | "onnx" | "recording";

/** What a backend can do. */
export interface ModelCapabilities {
  /** Pieces of the answer arrive while it is made; otherwise a stream is one piece. */
  readonly streaming: boolean;
  /** The same request with the same seed gives the same answer. */
  readonly deterministic: boolean;
  /** It counts the tokens itself; otherwise usage is norion's estimate. */
  readonly countsTokens: boolean;
  /** It gives out and takes in blocks of its key and value cache. */
  readonly cacheBlocks: boolean;
}

/** A backend as it is declared: what routing knows of it, and what it can do. */
export interface ModelDescription extends Model {
  /** What stands behind it. */
  readonly kind: ModelKind;
  /** What it can do. */
  readonly capabilities: ModelCapabilities;
  /** What a reader of its answers should know, one sentence each. */
  readonly notes: ReadonlyArray<string>;
}

/** The beginning of a prompt that other prompts of the same request have, too. */
export interface SharedBeginning {
  /** Characters of the prompt that belong to it; standing instructions always do. */
  readonly characters: number;
  /** Bits that a number is kept in; 32 keeps it as it is. */
  readonly bits: CacheBits;
  /** Stretches that may be kept for going on from. */
  readonly prefetch: number;
}

/** Bits that a number of a cache is kept in. */
export type CacheBits = 4 | 8 | 32;

/** A request to a model. */
export interface ModelRequest {
  /** The text to answer, with whatever context it needs. */
  readonly prompt: string;
  /** Standing instructions, where the backend keeps them apart. */
  readonly system?: string;
  /** Most tokens of the answer. */
  readonly maxTokens: number;
  /** Chance, for backends that sample. */
  readonly seed: number;
  /** How freely it samples; 0 takes the likeliest always. */
  readonly temperature: number;
  /** Texts at which the answer ends, not part of it. */
  readonly stop?: ReadonlyArray<string>;
  /** What a backend with cache blocks need not read again; others read the prompt whole. */
  readonly shared?: SharedBeginning;
}

/** Tokens of one call. */
export interface ModelUsage {
  /** Tokens read. */
  readonly input: number;
  /** Tokens written. */
  readonly output: number;
  /** Tokens of the input that were gone on from by what was kept of them, in the backend's own count; 0 where absent. */
  readonly kept?: number;
  /** Whether the backend counted them; otherwise they are norion's estimate. */
  readonly counted: boolean;
}

/** An answer. */
export interface ModelAnswer {
  /** Its text, never empty. */
  readonly text: string;
  /** The backend that gave it. */
  readonly model: string;
  /** What stands behind it. */
  readonly kind: ModelKind;
  /** Why it ended: by itself, or at the limit of tokens. */
  readonly finish: "stop" | "length";
  /** Tokens. */
  readonly usage: ModelUsage;
}

/** One step of a stream: pieces of text in order, and at the end the answer, whose text is all pieces together. */
export type ModelEvent =
  | { readonly type: "piece"; readonly text: string }
  | { readonly type: "answer"; readonly answer: ModelAnswer };

/** Why a model gave no answer. */
export interface ModelTrouble {
  /** Which kind of failure. */
  readonly fault: ModelFault;
  /** What happened, in words, without a word of the prompt. */
  readonly reason: string;
  /** How long the model asked to be left alone, milliseconds. */
  readonly retryAfterMs?: number;
}

/** A model. `R` is the authority its calls use; interrupting a call ends it wherever it runs. */
export interface ModelBackend<R = never> {
  /** What it is. */
  readonly describe: () => ModelDescription;
  /** The whole answer at once. */
  readonly generate: (request: ModelRequest) => Effect.Effect<ModelAnswer, ModelTrouble, R>;
  /** The answer as it is made; ends with an `answer` or with trouble. */
  readonly stream: (request: ModelRequest) => Stream.Stream<ModelEvent, ModelTrouble, R>;
}
