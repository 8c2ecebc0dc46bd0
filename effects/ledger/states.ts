/**
 * States: the folds of one ledger with their caches, in memory and, where there is a folder, on disk.
 *
 * Not the folding itself (effects/ledger/fold.ts).
 * Invariant: a snapshot that cannot be read or written costs time, never a result.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { digestOfHash } from "../../kernel/mod.ts";
import { GENESIS } from "./chain.ts";
import type { ConfinedDisk } from "./confined.ts";
import {
  type Fold,
  foldFrom,
  type FoldSource,
  PAGE_EVENTS,
  readSnapshot,
  type Snapshot,
  SNAPSHOT_EVERY,
  snapshotName,
  writeSnapshot,
} from "./fold.ts";
import { headOf, page, stretchesOf } from "./reading.ts";
import type { EventStore } from "./store.ts";
import { onStore, type StoreFailure } from "./writer.ts";

/** Folder of the snapshots, below the state folder. */
export const SNAPSHOTS_FOLDER = "snapshots";

const sourceOf = (store: EventStore): FoldSource<StoreFailure> => ({
  head: onStore("read", () => headOf(store.head())),
  hashAt: (seq) =>
    onStore("read", () => {
      if (seq === 0) return digestOfHash(GENESIS);
      const [row] = store.rows({ from: seq, to: seq, limit: 1 });
      return row === undefined ? undefined : digestOfHash(row.hash);
    }),
  page: (from, to) => page(store, { from, to, limit: PAGE_EVENTS }),
  stretches: (count) => stretchesOf(store, count),
});

/** A fold's state with its caches: in memory for this ledger, on disk now and then. */
export const statesOf = (
  store: EventStore,
  files: ConfinedDisk | undefined,
  known: ReadonlyMap<string, Snapshot>,
): {
  readonly state: <S>(fold: Fold<S>) => Effect.Effect<S, StoreFailure>;
  readonly cached: ReadonlyMap<string, Snapshot>;
} => {
  const source = sourceOf(store);
  const cached = new Map(known);
  const storedAt = new Map<string, number>();
  const load = <S>(fold: Fold<S>): Effect.Effect<Snapshot<S> | undefined> =>
    files === undefined ? Effect.succeed(undefined) : files.read(`${SNAPSHOTS_FOLDER}/${snapshotName(fold)}`).pipe(
      Effect.map((bytes) => readSnapshot<S>(fold.name, new TextDecoder().decode(bytes))),
      Effect.orElseSucceed(() => undefined),
    );
  const keep = (fold: Fold<never>, snapshot: Snapshot): Effect.Effect<void> => {
    const text = files === undefined || snapshot.seq - (storedAt.get(fold.name) ?? 0) < SNAPSHOT_EVERY
      ? undefined
      : writeSnapshot(fold.name, snapshot);
    if (text === undefined || files === undefined) return Effect.void;
    storedAt.set(fold.name, snapshot.seq);
    return Effect.ignore(files.write(`${SNAPSHOTS_FOLDER}/${snapshotName(fold)}`, text));
  };
  const state = <S>(fold: Fold<S>): Effect.Effect<S, StoreFailure> =>
    Effect.gen(function* () {
      let before = cached.get(fold.name) as Snapshot<S> | undefined;
      if (before === undefined) {
        before = yield* load(fold);
        if (before !== undefined) storedAt.set(fold.name, before.seq);
      }
      const after = yield* foldFrom(source, fold, before);
      cached.set(fold.name, after);
      yield* keep(fold as never, after);
      return after.state;
    });
  return { state, cached };
};
