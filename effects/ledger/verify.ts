/**
 * Verify: the audit of a whole store against the acknowledged head.
 *
 * Not a repair: what is found stays as it is.
 * Invariant: other fibers run between pages, and events appended meanwhile are not taken for faults.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { ledgerStore } from "../failures.ts";
import { audit, type Fault, GENESIS } from "./chain.ts";
import { PAGE_EVENTS } from "./fold.ts";
import { type Head, headOf } from "./reading.ts";
import { type EventStore, HIGHEST, LOWEST } from "./store.ts";
import { onStore, type StoreFailure } from "./writer.ts";

/** What `verify` found. */
export interface Verification {
  /** Whether every row holds and the chain is the acknowledged one. */
  readonly ok: boolean;
  /** Rows seen. */
  readonly events: number;
  /** The chain's end. */
  readonly head: Head;
  /** The acknowledged head; absent when it cannot be read. */
  readonly acknowledged?: Head;
  /** Faults in all. */
  readonly found: number;
  /** The first faults by position. */
  readonly faults: ReadonlyArray<Fault>;
}

const auditRows = (store: EventStore): Effect.Effect<Verification, StoreFailure> =>
  Effect.gen(function* () {
    const anchor = yield* onStore("verify", store.anchor);
    const check = audit(anchor.acknowledged);
    anchor.faults.forEach(check.report);
    for (let from = LOWEST;;) {
      const rows = yield* Effect.result(onStore("verify", () => store.rawRows(from, PAGE_EVENTS)));
      if (rows._tag === "Failure") {
        check.report({ kind: "unreadable", seq: Math.max(1, Number(from)), detail: rows.failure.message });
        break;
      }
      // Events appended since the anchor was taken are another audit's.
      const mine = rows.success.filter((row) => row.seq <= anchor.count);
      mine.forEach(check.take);
      if (mine.length < PAGE_EVENTS || mine[mine.length - 1].seq === HIGHEST) break;
      from = mine[mine.length - 1].seq + 1n;
      yield* Effect.yieldNow;
    }
    const { events, head, found, faults } = check.finish();
    return {
      ok: found === 0,
      events,
      head: headOf(head),
      ...(anchor.acknowledged === undefined ? {} : { acknowledged: headOf(anchor.acknowledged) }),
      found,
      faults,
    };
  });

const unreadable = (failure: StoreFailure): Verification => ({
  ok: false,
  events: 0,
  head: headOf({ count: 0, hash: GENESIS }),
  found: 1,
  faults: [{ kind: "unreadable", seq: 0, detail: failure.message }],
});

/** Checks every row of a store and locates what is wrong; a store that cannot be read is itself a fault. */
export const verifyStore = (store: EventStore): Effect.Effect<Verification, StoreFailure> =>
  Effect.catch(
    auditRows(store),
    (failure) => failure.code === ledgerStore.code ? Effect.succeed(unreadable(failure)) : Effect.fail(failure),
  );
