/**
 * Memory state: what is remembered, as a fold of the ledger's `norion.memory` events.
 *
 * Not the texts: an item names its text by a keyed digest, so that forgetting a text leaves the chain whole.
 * Invariant: nothing is overwritten. A retracted or superseded item stays as a tombstone and never lives again; an
 * event of one scope or namespace changes no item of another.
 *
 * @module
 */
import type { Fold, LedgerEvent } from "../../../effects/mod.ts";
import type { Digest, JsonObject } from "../../../kernel/mod.ts";
import { type Buckets, find, items, put } from "./buckets.ts";

/** Kinds of memory; no two are ever merged. */
export const NAMESPACES = ["fact", "semantic", "gist", "runtime-kv"] as const;

/** Kind of a memory. */
export type Namespace = typeof NAMESPACES[number];

/** What speaks for an item. */
export const STANDINGS = ["user", "validator", "self"] as const;

/** Who stands for an item: a person, a check from outside, or the run that wrote it. */
export type Standing = typeof STANDINGS[number];

/** One thing remembered. Shares are whole thousandths. */
export interface MemoryItem {
  /** Its id. */
  readonly id: string;
  /** Kind of memory. */
  readonly namespace: Namespace;
  /** Whose it is, as a keyed digest of the scope. */
  readonly scope: Digest;
  /** Where its text lies. */
  readonly text: Digest;
  /** Who said it. */
  readonly source: string;
  /** Who stands for it. */
  readonly standing: Standing;
  /** Worth, 0..3000. */
  readonly strength: number;
  /** Requests it helped. */
  readonly hits: number;
  /** Requests it misled. */
  readonly failures: number;
  /** Step at which it was stored. */
  readonly born: number;
  /** Step of its last use. */
  readonly used: number;
  /** Kept whatever its worth. */
  readonly protected: boolean;
  /** What it replaces. */
  readonly supersedes: ReadonlyArray<string>;
  /** What replaced it. */
  readonly supersededBy?: string;
  /** Step at which it was taken back. */
  readonly retractedAt?: number;
  /** Why it was taken back. */
  readonly reason?: string;
}

/** Everything remembered. */
export type MemoryState = Buckets<MemoryItem>;

/** Types of the events. */
export const MEMORY_EVENTS = {
  added: "norion.memory.added",
  retracted: "norion.memory.retracted",
  judged: "norion.memory.judged",
  kept: "norion.memory.kept",
} as const;

/** Greatest strength. */
export const MAX_STRENGTH = 3000;

/** The item of an id, dead or alive. */
export const itemOf = (state: MemoryState, id: string): MemoryItem | undefined => find(state, id);

/** A state of some items alone. */
export const stateOf = (some: ReadonlyArray<MemoryItem>): MemoryState =>
  some.reduce((state, item) => put(state, item.id, item), memoryFold.initial);

/** Whether an item may be recalled. */
export const lives = (item: MemoryItem): boolean => item.retractedAt === undefined && item.supersededBy === undefined;

/** Every item in the order of their steps, ties by id; of one scope where told. */
export const itemsOf = (state: MemoryState, scope?: Digest): ReadonlyArray<MemoryItem> =>
  items(state)
    .filter((item) => scope === undefined || item.scope === scope)
    .sort((a, b) => a.born - b.born || (a.id < b.id ? -1 : 1));

const change = (
  state: MemoryState,
  id: string,
  scope: unknown,
  edit: (item: MemoryItem) => MemoryItem,
): MemoryState => {
  const item = itemOf(state, id);
  return item === undefined || item.scope !== scope ? state : put(state, id, edit(item));
};

const held = (strength: number): number => Math.min(MAX_STRENGTH, Math.max(0, Math.round(strength)));

const added = (state: MemoryState, event: LedgerEvent, data: JsonObject): MemoryState => {
  const given = data.item as unknown as MemoryItem;
  if (itemOf(state, given.id) !== undefined) return state;
  // Items brought in from elsewhere carry their own steps.
  const item: MemoryItem = { ...given, born: given.born ?? event.seq, used: given.used ?? event.seq };
  return item.supersedes.reduce((now, old) => {
    const before = itemOf(now, old);
    return before === undefined || before.namespace !== item.namespace || !lives(before)
      ? now
      : change(now, old, item.scope, (one) => ({ ...one, supersededBy: item.id }));
  }, put(state, item.id, item));
};

const retracted = (state: MemoryState, event: LedgerEvent, data: JsonObject): MemoryState =>
  change(
    state,
    String(data.id),
    data.scope,
    (item) =>
      item.retractedAt !== undefined
        ? item
        : { ...item, retractedAt: event.seq, ...(data.reason === undefined ? {} : { reason: String(data.reason) }) },
  );

const REWARD = 180;
const PENALTY = 240;

const judged = (state: MemoryState, event: LedgerEvent, data: JsonObject): MemoryState =>
  (data.ids as ReadonlyArray<string>).reduce((now, id) =>
    change(now, id, data.scope, (item) =>
      data.helped === true
        // Each further hit adds less, so that an item cannot make itself the only one.
        ? { ...item, hits: item.hits + 1, strength: held(item.strength + REWARD / (1 + item.hits)), used: event.seq }
        : { ...item, failures: item.failures + 1, strength: held(item.strength - PENALTY), used: event.seq }), state);

/** What upkeep decided: new strengths, items taken away, items merged into others. */
export interface Upkeep {
  /** Strength by id. */
  readonly strengths: { readonly [id: string]: number };
  /** Ids of items taken away. */
  readonly removed: ReadonlyArray<string>;
  /** Pairs of an item that stays and one that went into it. */
  readonly merged: ReadonlyArray<readonly [into: string, from: string]>;
  /** Ids of items that gave way because there is no more room. */
  readonly evicted?: ReadonlyArray<string>;
}

const kept = (state: MemoryState, event: LedgerEvent, data: JsonObject): MemoryState => {
  const { strengths, removed, merged, evicted = [] } = data as unknown as Upkeep;
  const buried = [...removed.map((id) => [id, "faded"] as const), ...evicted.map((id) => [id, "evicted"] as const)];
  const weighed = Object.entries(strengths).reduce(
    (now, [id, strength]) => change(now, id, data.scope, (item) => ({ ...item, strength: held(strength) })),
    state,
  );
  const thinned = buried.reduce(
    (now, [id, reason]) =>
      change(now, id, data.scope, (item) => lives(item) ? { ...item, retractedAt: event.seq, reason } : item),
    weighed,
  );
  return merged.reduce((now, [into, from]) => {
    const target = itemOf(now, into);
    return target === undefined || target.scope !== data.scope ? now : change(
      now,
      from,
      data.scope,
      (item) => item.namespace === target.namespace && lives(item) ? { ...item, supersededBy: into } : item,
    );
  }, thinned);
};

const STEPS: {
  readonly [type: string]: (state: MemoryState, event: LedgerEvent, data: JsonObject) => MemoryState;
} = {
  [MEMORY_EVENTS.added]: added,
  [MEMORY_EVENTS.retracted]: retracted,
  [MEMORY_EVENTS.judged]: judged,
  [MEMORY_EVENTS.kept]: kept,
};

/** The item that an event adds, as it stands in it: its steps may be missing. */
export const addedItem = ({ data }: LedgerEvent): MemoryItem => (data as JsonObject).item as unknown as MemoryItem;

const MENTIONS: { readonly [type: string]: (event: LedgerEvent, data: JsonObject) => ReadonlyArray<string> } = {
  [MEMORY_EVENTS.added]: (event) => [addedItem(event).id, ...addedItem(event).supersedes],
  [MEMORY_EVENTS.retracted]: (_, { id }) => [String(id)],
  [MEMORY_EVENTS.judged]: (_, { ids }) => ids as ReadonlyArray<string>,
  [MEMORY_EVENTS.kept]: (_, data) => {
    const { strengths, removed, merged, evicted = [] } = data as unknown as Upkeep;
    return [...Object.keys(strengths), ...removed, ...merged.flat(), ...evicted];
  },
};

/** The ids of all items whose present state decides what an event changes. */
export const mentionedBy = (event: LedgerEvent): ReadonlyArray<string> =>
  Object.hasOwn(MENTIONS, event.type) ? MENTIONS[event.type](event, event.data as JsonObject) : [];

/** The fold of memory. */
export const memoryFold: Fold<MemoryState> = {
  name: "norion.memory",
  version: 1,
  initial: { buckets: {} },
  step: (state, event) =>
    Object.hasOwn(STEPS, event.type) ? STEPS[event.type](state, event, event.data as JsonObject) : state,
};
