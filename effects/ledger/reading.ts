/**
 * Reading: events out of a store, checked, and what they say of history.
 *
 * Not an audit (effects/ledger/verify.ts): the first row that does not hold ends a reading.
 * Invariant: an event that does not hash to what it stores is never answered.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { type Digest, digestOfHash, isFailure } from "../../kernel/mod.ts";
import type { RawHead } from "./chain.ts";
import { type LedgerEvent, readEvent } from "./event.ts";
import { PAGE_EVENTS } from "./fold.ts";
import { liveMarks, liveStretches, MARKED, rollbackTarget, ROLLED_BACK, type Stretch } from "./history.ts";
import type { EventStore, Row, Span } from "./store.ts";
import { onStore, type StoreFailure } from "./writer.ts";

/** The chain's end. */
export interface Head {
  /** Events in the chain. */
  readonly count: number;
  /** Hash of the last event; all zeros for none. */
  readonly hash: Digest;
}

/** Spells a head. */
export const headOf = ({ count, hash }: RawHead): Head => ({ count, hash: digestOfHash(hash) });

const readRows = (rows: ReadonlyArray<Row>): ReadonlyArray<LedgerEvent> =>
  rows.map((row) => {
    const event = readEvent(row);
    if (isFailure(event)) throw event;
    return event;
  });

/** Events of a span, each checked against its hash. */
export const page = (store: EventStore, span: Span): Effect.Effect<ReadonlyArray<LedgerEvent>, StoreFailure> =>
  onStore("read", () => readRows(store.rows(span)));

/** Every event of a type, a page at a time. */
const everyOfType = (
  store: EventStore,
  type: string,
  to: number,
): Effect.Effect<ReadonlyArray<LedgerEvent>, StoreFailure> =>
  Effect.gen(function* () {
    const all: LedgerEvent[] = [];
    for (let from = 1;;) {
      const found = yield* page(store, { from, to, type, limit: PAGE_EVENTS });
      all.push(...found);
      if (found.length < PAGE_EVENTS) return all;
      from = found[found.length - 1].seq + 1;
    }
  });

/** The live stretches of the first `count` events. */
export const stretchesOf = (store: EventStore, count: number): Effect.Effect<ReadonlyArray<Stretch>, StoreFailure> =>
  Effect.map(everyOfType(store, ROLLED_BACK, count), (events) =>
    liveStretches(
      events.flatMap((event) => {
        const target = rollbackTarget(event);
        return target === undefined ? [] : [{ seq: event.seq, target }];
      }),
      count,
    ));

/** The named points of the live history, by name. */
export const historyOf = (store: EventStore): Effect.Effect<ReadonlyMap<string, number>, StoreFailure> =>
  Effect.gen(function* () {
    const { count } = yield* onStore("read", store.head);
    const stretches = yield* stretchesOf(store, count);
    return liveMarks(yield* everyOfType(store, MARKED, count), stretches);
  });
