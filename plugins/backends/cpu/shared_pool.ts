/**
 * Shared pool: one pool of threads for all executables that ask for so many, started for the first and ended with the last.
 *
 * Not the threads themselves (threads.ts).
 * Invariant: a pool is open while some scope holds it, and closed when none does.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { type Pool, startPool } from "./threads.ts";

type Entry = { readonly pool: Promise<Pool>; holders: number };

const pools = new Map<number, Entry>();

const hold = (threads: number): Entry => {
  const entry = pools.get(threads) ?? { pool: startPool(threads), holders: 0 };
  pools.set(threads, entry);
  entry.holders++;
  return entry;
};

const letGo = (threads: number, entry: Entry): Promise<void> => {
  entry.holders--;
  if (entry.holders > 0) return Promise.resolve();
  pools.delete(threads);
  return entry.pool.then((pool) => pool.close());
};

/** The pool of so many threads, held by the scope. */
export const sharedPool = (threads: number): Effect.Effect<Pool, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => hold(threads)),
    (entry) => Effect.promise(() => letGo(threads, entry)),
  ).pipe(Effect.flatMap((entry) => Effect.promise(() => entry.pool)));
