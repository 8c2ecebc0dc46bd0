/**
 * Memory store: rows on top of another store, or of nothing; what a fork and a dry run use.
 *
 * Not durable: closing it loses what was appended to it.
 * Invariant: it reads its base as the base stood at the fork and never writes to it.
 *
 * @module
 */
import { GENESIS, type RawHead } from "./chain.ts";
import { type EventStore, fieldsOf, hashOf, type Prepared, type Row, type Span } from "./store.ts";

/** The end of a store's first rows. */
const headAt = (base: EventStore, count: number): RawHead => {
  const [row] = base.rows({ from: count, to: count, limit: 1 });
  return row === undefined ? { count: 0, hash: GENESIS } : { count, hash: row.hash };
};

/** Rows in memory above `base`, as it stands now, or as it stood after its first `count` rows. */
export const memoryStore = (base?: EventStore, count?: number): EventStore => {
  const root: RawHead = base === undefined
    ? { count: 0, hash: GENESIS }
    : count === undefined
    ? base.head()
    : headAt(base, count);
  const above: Row[] = [];
  const head = (): RawHead => {
    const last = above.at(-1);
    return last === undefined ? root : { count: last.seq, hash: last.hash };
  };
  const add = (event: Prepared): void => {
    const { count, hash } = head();
    above.push({ ...event, seq: count + 1, previous: hash, hash: hashOf(hash, count + 1, event) });
  };
  return {
    head,
    rows: (span: Span) => {
      const below = base === undefined || span.from > root.count
        ? []
        : base.rows({ ...span, to: Math.min(span.to, root.count) });
      const own = above.filter((row) =>
        row.seq >= span.from && row.seq <= span.to && (span.type === undefined || row.type === span.type)
      );
      return [...below, ...own].slice(0, span.limit);
    },
    append: (groups) =>
      groups.map((events) => {
        const first = head().count + 1;
        events.forEach(add);
        return { first, last: head().count, head: head() };
      }),
    anchor: () => ({ acknowledged: head(), count: head().count, faults: base?.anchor().faults ?? [] }),
    rawRows: (from, limit) => {
      const below = base === undefined || from > BigInt(root.count)
        ? []
        : base.rawRows(from, limit).filter((row) => row.seq <= BigInt(root.count));
      const own = above.filter((row) => BigInt(row.seq) >= from).slice(0, limit - below.length);
      return [...below, ...own.map((row) => ({ ...fieldsOf(row, row.seq), hash: row.hash, misfits: [] }))];
    },
    checkpoint: () => {},
    close: () => {},
  };
};
