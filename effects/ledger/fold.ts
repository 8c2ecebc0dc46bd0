/**
 * Fold: state as a pure function of events, with snapshots as a cache of it.
 *
 * Not stored state: deleting every snapshot changes nothing but time.
 * Invariant: a snapshot is used only for the fold, version and chain it was made from; anything else is ignored.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { canonicalJson, type Digest, digestJson, isJsonObject, type Json, NotCanonical } from "../../kernel/mod.ts";
import type { LedgerEvent } from "./event.ts";
import { rollbackTarget, type Stretch } from "./history.ts";

/** Format of a stored snapshot. */
export const SNAPSHOT_FORMAT = 1;

/** Events after which a fold's snapshot is stored again. */
export const SNAPSHOT_EVERY = 256;

/** Events read at a time; between pages other fibers run. */
export const PAGE_EVENTS = 256;

/** A reducer with its identity. `step` neither changes its arguments nor reads anything else. */
export interface Fold<S> {
  /** Names the fold; one name, one meaning. */
  readonly name: string;
  /** Raised whenever `step` or `initial` changes meaning. */
  readonly version: number;
  /** State before any event. A JSON value, where snapshots are to outlive the process. */
  readonly initial: S;
  /** State after an event. */
  readonly step: (state: S, event: LedgerEvent) => S;
  /** `live` (default) passes over what was rolled back; `all` sees every event, for what must never be undone. */
  readonly history?: "live" | "all";
}

/** State at a position of one chain. */
export interface Snapshot<S = unknown> {
  /** The fold's version. */
  readonly version: number;
  /** Which events it saw. */
  readonly history: "live" | "all";
  /** The last position it covers. */
  readonly seq: number;
  /** The chain's hash there. */
  readonly hash: Digest;
  /** The state. */
  readonly state: S;
}

/** What folding needs of a ledger. */
export interface FoldSource<E> {
  /** The chain's end. */
  readonly head: Effect.Effect<{ readonly count: number; readonly hash: Digest }, E>;
  /** The chain's hash at a position; undefined past its end. */
  readonly hashAt: (seq: number) => Effect.Effect<Digest | undefined, E>;
  /** Events in a stretch, at most `PAGE_EVENTS`. */
  readonly page: (from: number, to: number) => Effect.Effect<ReadonlyArray<LedgerEvent>, E>;
  /** The live stretches up to a position. */
  readonly stretches: (count: number) => Effect.Effect<ReadonlyArray<Stretch>, E>;
}

const stepOver = <S, E>(
  source: FoldSource<E>,
  fold: Fold<S>,
  stretches: ReadonlyArray<Stretch>,
  start: S,
  stopAtRollback: boolean,
): Effect.Effect<{ readonly state: S; readonly stopped: boolean }, E> =>
  Effect.gen(function* () {
    let state = start;
    for (const { from, to } of stretches) {
      for (let next = from; next <= to;) {
        const events = yield* source.page(next, to);
        if (events.length === 0) break;
        for (const event of events) {
          if (stopAtRollback && rollbackTarget(event) !== undefined) return { state, stopped: true };
          state = fold.step(state, event);
        }
        next = events[events.length - 1].seq + 1;
        yield* Effect.yieldNow;
      }
    }
    return { state, stopped: false };
  });

/** Folds up to the present end, from a snapshot where that still holds. */
export const foldFrom = <S, E>(
  source: FoldSource<E>,
  fold: Fold<S>,
  cached: Snapshot<S> | undefined,
): Effect.Effect<Snapshot<S>, E> =>
  Effect.gen(function* () {
    const history = fold.history ?? "live";
    const head = yield* source.head;
    const finish = (state: S): Snapshot<S> => ({
      version: fold.version,
      history,
      seq: head.count,
      hash: head.hash,
      state,
    });
    const fits = cached !== undefined && cached.version === fold.version && cached.history === history &&
      cached.seq <= head.count && (yield* source.hashAt(cached.seq)) === cached.hash;
    if (fits) {
      if (cached.seq === head.count) return cached;
      const ahead = [{ from: cached.seq + 1, to: head.count }];
      const { state, stopped } = yield* stepOver(source, fold, ahead, cached.state, history === "live");
      if (!stopped) return finish(state);
    }
    const all = history === "all" ? [{ from: 1, to: head.count }] : yield* source.stretches(head.count);
    return finish((yield* stepOver(source, fold, all, fold.initial, false)).state);
  });

/** Where the snapshot of a fold is stored, below the snapshots folder. */
export const snapshotName = (fold: { readonly name: string }): string => `${digestJson(fold.name).slice(7, 39)}.json`;

/** Text of a stored snapshot; undefined for a state that is not JSON. */
export const writeSnapshot = (name: string, snapshot: Snapshot): string | undefined => {
  try {
    const body = { ...snapshot, format: SNAPSHOT_FORMAT, name };
    return canonicalJson({ body, checksum: digestJson(body) });
  } catch (cause) {
    if (cause instanceof NotCanonical) return undefined;
    throw cause;
  }
};

/** Reads a stored snapshot; undefined for anything but an intact one of this format and name. */
export const readSnapshot = <S>(name: string, text: string): Snapshot<S> | undefined => {
  try {
    const { body, checksum } = JSON.parse(text) as { body: Json; checksum: Json };
    if (!isJsonObject(body) || body.format !== SNAPSHOT_FORMAT || body.name !== name) return undefined;
    return checksum === digestJson(body) ? body as unknown as Snapshot<S> : undefined;
  } catch {
    return undefined;
  }
};
