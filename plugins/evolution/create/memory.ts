/**
 * Memory: what a run remembers between its steps besides the search's state, as it is stored.
 *
 * Invariant: from a memory and the lineage a run goes on to the same model as if it had never stopped.
 *
 * @module
 */
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { Digest } from "../../../kernel/digest.ts";
import type { Json } from "../../../kernel/json.ts";
import { badState } from "../failures.ts";

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0));

const FinalistJson = Schema.Struct({
  id: Schema.String,
  error: Schema.optionalKey(Schema.Finite),
  failed: Schema.optionalKey(Schema.String),
  flops: Schema.Finite,
});

/** A candidate that was trained longer. */
export type Finalist = typeof FinalistJson.Type;

const MemoryJson = Schema.Struct({
  phase: Schema.Literals(["evolving", "choosing", "training", "trained"]),
  flops: Schema.Finite,
  wallMs: Count,
  finalists: Schema.Array(FinalistJson),
  epochs: Schema.optionalKey(Count),
  samples: Schema.optionalKey(Count),
  promoting: Schema.optionalKey(Schema.Boolean),
  result: Schema.optionalKey(Digest),
});

/** What a run remembers. */
export interface Memory {
  /** Where it is. */
  readonly phase: "evolving" | "choosing" | "training" | "trained";
  /** Operations so far, by count. */
  readonly flops: number;
  /** Milliseconds so far, where time is the budget; else 0, since no result may depend on it. */
  readonly wallMs: number;
  /** The finals. */
  readonly finalists: ReadonlyArray<Finalist>;
  /** Passes of the training of the chosen one, once that is decided. */
  readonly epochs?: number;
  /** Samples that the chosen one learns from, once that is decided. */
  readonly samples?: number;
  /** Whether it began to let its model serve: what it finds serving then is its own doing, and is undone. */
  readonly promoting?: boolean;
  /** What it found: an artifact, once all is done. */
  readonly result?: Digest;
}

/** Before anything was done. */
export const FIRST_MEMORY: Memory = { phase: "evolving", flops: 0, wallMs: 0, finalists: [] };

/** A memory as JSON. */
export const memoryJson = (memory: Memory): Json => memory as unknown as Json;

/** The memory of its JSON; throws EVOLUTION_STATE. */
export const memoryOf = (json: Json): Memory => {
  const decoded = Schema.decodeUnknownResult(MemoryJson)(json);
  if (Result.isSuccess(decoded)) return decoded.success;
  throw badState({ reason: "what the run remembers is malformed", path: "/memory" });
};
