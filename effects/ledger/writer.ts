/**
 * Writer: joins appends of many fibers into one transaction and one acknowledgement.
 *
 * Not a queue that answers early: an append returns when its events are durable.
 * Invariant: appends are stored in the order in which they were made, each whole; one given up while it waited is not
 * stored, one that was stored is answered.
 *
 * @module
 */
import * as Clock from "effect/Clock";
import type * as Cause from "effect/Cause";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as Queue from "effect/Queue";
import type * as Scope from "effect/Scope";
import { type FailureOf, isFailure, type KernelFailure } from "../../kernel/mod.ts";
import { ledgerBusy, ledgerClosed, ledgerStore } from "../failures.ts";
import { isLocked } from "./file_lock.ts";
import { type EventStore, type Prepared, StoreBusy, type Stored } from "./store.ts";

/** Most events of one transaction, so that a transaction does not hold up other fibers for long. */
export const MAX_GROUP_EVENTS = 1_024;

/** How long a step waits for the ledger's lock in all. */
export const LOCK_WAIT_MS = 15_000;

/** Longest single wait between two tries for the lock. */
export const LOCK_RETRY_MS = 16;

/** Failures of a step on the store. */
export type StoreFailure =
  | FailureOf<"EFFECTS_LEDGER_TAMPERED">
  | FailureOf<"EFFECTS_LEDGER_BUSY">
  | FailureOf<"EFFECTS_LEDGER_STORE">
  | FailureOf<"EFFECTS_LEDGER_CLOSED">
  | KernelFailure;

/** Runs one step on the store; a lock held elsewhere is waited for. `step` answers `StoreBusy` by throwing it. */
export const onStore = <A>(action: string, step: (now: number) => A): Effect.Effect<A, StoreFailure> => {
  const attempt = Effect.flatMap(Clock.currentTimeMillis, (now) =>
    Effect.try({
      try: () => step(now),
      catch: (cause): StoreFailure | StoreBusy => {
        if (cause instanceof StoreBusy) return cause;
        if (isFailure(cause)) return cause as StoreFailure;
        // A reader meets a lock too, while another process recovers the log of one that was killed.
        if (isLocked(cause)) return new StoreBusy();
        return ledgerStore({ action, cause: cause instanceof Error ? cause.message : String(cause) });
      },
    }));
  return Effect.gen(function* () {
    for (let waited = 0, pause = 1;; waited += pause, pause = Math.min(pause * 2, LOCK_RETRY_MS)) {
      const result = yield* Effect.result(attempt);
      if (result._tag === "Success") return result.success;
      if (!(result.failure instanceof StoreBusy)) return yield* Effect.fail(result.failure);
      if (waited >= LOCK_WAIT_MS) return yield* ledgerBusy({ action, waitedMs: waited });
      yield* Effect.sleep(pause);
    }
  });
};

interface Waiting {
  readonly events: ReadonlyArray<Prepared>;
  readonly answer: (outcome: Effect.Effect<Stored, StoreFailure>) => void;
  abandoned: boolean;
}

/** Accepts prepared events. */
export type Submit = (events: ReadonlyArray<Prepared>) => Effect.Effect<Stored, StoreFailure>;

const groupsOf = (waiting: ReadonlyArray<Waiting>): ReadonlyArray<ReadonlyArray<Waiting>> => {
  const groups: Waiting[][] = [];
  let size = 0;
  for (const one of waiting) {
    if (groups.length === 0 || size + one.events.length > MAX_GROUP_EVENTS) {
      groups.push([]);
      size = 0;
    }
    groups[groups.length - 1].push(one);
    size += one.events.length;
  }
  return groups;
};

/** Starts the writer of a store; closing the scope stores what waits, then refuses. */
export const writer = (store: EventStore): Effect.Effect<Submit, never, Scope.Scope> =>
  Effect.gen(function* () {
    const queue = yield* Queue.make<Waiting, Cause.Done>();
    const storeGroup = (group: ReadonlyArray<Waiting>): Effect.Effect<void> => {
      let live = group;
      return onStore("append to", (now) => {
        live = group.filter((waiting) => !waiting.abandoned);
        return live.length === 0 ? [] : store.append(live.map((waiting) => waiting.events), now);
      }).pipe(
        Effect.matchEffect({
          onSuccess: (stored) => Effect.sync(() => live.forEach(({ answer }, i) => answer(Effect.succeed(stored[i])))),
          onFailure: (failure) => Effect.sync(() => group.forEach(({ answer }) => answer(Effect.fail(failure)))),
        }),
      );
    };
    const loop = Effect.gen(function* () {
      for (;;) {
        const first = yield* Queue.takeAll(queue);
        // Fibers that are ready to append now join this transaction.
        yield* Effect.yieldNow;
        yield* Effect.forEach(groupsOf([...first, ...(yield* Queue.clear(queue))]), storeGroup, { discard: true });
      }
    });
    const fiber = yield* Effect.forkDetach(Effect.ignore(loop));
    yield* Effect.addFinalizer(() => Effect.andThen(Queue.end(queue), Fiber.await(fiber)));
    return (events) =>
      Effect.callback<Stored, StoreFailure>((resume) => {
        const waiting: Waiting = { events, answer: resume, abandoned: false };
        if (!Queue.offerUnsafe(queue, waiting)) return resume(Effect.fail(ledgerClosed({ action: "append to" })));
        return Effect.sync(() => {
          waiting.abandoned = true;
        });
      });
  });
