/**
 * History: which events count after rollbacks. A rollback is an inverse event: the chain keeps everything, and folds of
 * the live history pass over what lies between the mark and the rollback.
 *
 * Not a deletion, and not for events that must never be undone (approvals used, calls made): their folds read all.
 * Invariant: the live history is a function of the events alone.
 *
 * @module
 */
import { isJsonObject, type Json } from "../../kernel/mod.ts";
import type { LedgerEvent } from "./event.ts";

/** The event that names a point. */
export const MARKED = "ledger.marked";

/** The event that returns to a named point. */
export const ROLLED_BACK = "ledger.rolled-back-to";

/** Positions from one to another, inclusive. */
export interface Stretch {
  /** First position. */
  readonly from: number;
  /** Last position. */
  readonly to: number;
}

/** The position a rollback event returns to; undefined for other events. */
export const rollbackTarget = (event: { readonly type: string; readonly data: Json }): number | undefined =>
  event.type === ROLLED_BACK && isJsonObject(event.data) && typeof event.data.seq === "number"
    ? event.data.seq
    : undefined;

/**
 * The live stretches of a chain of `count` events, given its rollbacks in order. A rollback event is itself live, so
 * that reducers see it.
 */
export const liveStretches = (
  rollbacks: ReadonlyArray<{ readonly seq: number; readonly target: number }>,
  count: number,
): ReadonlyArray<Stretch> => {
  let stretches: Stretch[] = [];
  let start = 1;
  for (const { seq, target } of rollbacks) {
    stretches = [...stretches, { from: start, to: seq - 1 }]
      .filter(({ from }) => from <= target)
      .map(({ from, to }) => ({ from, to: Math.min(to, target) }))
      .filter(({ from, to }) => from <= to);
    start = seq;
  }
  return [...stretches, { from: start, to: count }].filter(({ from, to }) => from <= to);
};

/** Whether a position lies in the live history. */
export const isLive = (stretches: ReadonlyArray<Stretch>, seq: number): boolean =>
  stretches.some(({ from, to }) => from <= seq && seq <= to);

/** The named points of the live history, latest position of each name. */
export const liveMarks = (
  marks: ReadonlyArray<LedgerEvent>,
  stretches: ReadonlyArray<Stretch>,
): ReadonlyMap<string, number> => {
  const named = new Map<string, number>();
  for (const { seq, data } of marks) {
    if (isJsonObject(data) && typeof data.name === "string" && isLive(stretches, seq)) named.set(data.name, seq);
  }
  return named;
};
