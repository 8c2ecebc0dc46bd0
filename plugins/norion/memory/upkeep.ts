/**
 * Upkeep: what fades, what goes, what is merged, and how warm an item is. Decided here, written by the memory service.
 *
 * Invariant: pure, so a preview and the upkeep itself are the same; protected items stay, and items of different
 * namespaces or scopes are never merged.
 *
 * @module
 */
import type { Policy } from "../policy.ts";
import { MAX_STRENGTH, type MemoryItem, type Upkeep } from "../state/memory.ts";
import { cosine, vectorOf } from "../text.ts";
import { byTruth, type Remembered, valueOf } from "./recall.ts";
import { statedSubject } from "./question.ts";

/** How warm an item is: derived, never stored. */
export type Tier = "hot" | "warm" | "cold" | "retire";

/** How warm an item is at a step. */
export const tierOf = (item: MemoryItem, now: number, policy: Policy): Tier => {
  const value = valueOf(item, now);
  if (item.protected || value >= policy["memory.hot"]) return "hot";
  if (value >= policy["memory.warm"]) return "warm";
  return value >= policy["memory.cold"] ? "cold" : "retire";
};

interface Faded {
  readonly strength: number;
  readonly gone: boolean;
}

/** What became of an item's strength by disuse; undefined for one in use. */
const fadedOf = (item: MemoryItem, now: number, policy: Policy): Faded | undefined => {
  if (item.protected) return undefined;
  const idle = Math.max(0, now - item.used);
  const periods = Math.floor(idle / policy["memory.stale"]);
  const strength = periods === 0
    ? item.strength
    : Math.floor(item.strength * Math.max(0, 1 - policy["memory.fade"] * periods));
  const weak = periods > 0 && strength <= 1000 * policy["memory.weak"] && item.failures >= item.hits;
  const gone = weak || (item.hits === 0 && item.failures >= policy["memory.hurt"]);
  return periods === 0 && !gone ? undefined : { strength, gone };
};

const mergeable = (a: Remembered, b: Remembered): boolean =>
  a.item.scope === b.item.scope && a.item.namespace === b.item.namespace &&
  // Two values of one subject are a contradiction, however alike they are spelled.
  (a.text === b.text || (statedSubject(a.text) === undefined && !/\d/u.test(a.text + b.text)));

/** Share of a merged item's strength that the other gains. */
const INHERITED = 0.35;

/** What goes because there is no more room: the least worth first, protected items last. */
const evictedOf = (items: ReadonlyArray<Remembered>, now: number, policy: Policy): ReadonlyArray<string> =>
  items.map(({ item }) => item)
    .toSorted((a, b) => Number(a.protected) - Number(b.protected) || valueOf(a, now) - valueOf(b, now) || byTruth(b, a))
    .slice(0, Math.max(0, items.length - policy["memory.capacity"]))
    .map(({ id }) => id);

/** What becomes of an item, in one word: it goes into another, fades, is taken away, or gives way. */
export type Verdict = "merge" | "decay" | "tombstone" | "evict";

/** The verdict on each item that does not simply stay. */
export const verdictsOf = (
  { strengths, removed, merged, evicted = [] }: Upkeep,
): ReadonlyArray<{ readonly id: string; readonly verdict: Verdict; readonly into?: string }> => {
  const gone = new Set([...removed, ...evicted, ...merged.map(([, from]) => from)]);
  return [
    ...removed.map((id) => ({ id, verdict: "tombstone" as const })),
    ...evicted.map((id) => ({ id, verdict: "evict" as const })),
    ...merged.map(([into, id]) => ({ id, verdict: "merge" as const, into })),
    ...Object.keys(strengths).filter((id) => !gone.has(id) && !merged.some(([into]) => into === id))
      .map((id) => ({ id, verdict: "decay" as const })),
  ];
};

/** What upkeep changes among some living items at a step. */
export const planUpkeep = (items: ReadonlyArray<Remembered>, now: number, policy: Policy): Upkeep => {
  const strengths: { [id: string]: number } = {};
  const removed: string[] = [];
  const left: Remembered[] = [];
  for (const one of items) {
    const faded = fadedOf(one.item, now, policy);
    if (faded?.gone) removed.push(one.item.id);
    else left.push(one);
    if (faded !== undefined && !faded.gone && faded.strength !== one.item.strength) {
      strengths[one.item.id] = faded.strength;
    }
  }
  const merged: Array<readonly [string, string]> = [];
  const candidates = left
    .toSorted((a, b) => Number(b.item.protected) - Number(a.item.protected) || byTruth(a.item, b.item))
    .slice(0, policy["memory.compacted"])
    .map((one) => ({ ...one, vector: vectorOf(one.text) }));
  const gone = new Set<string>();
  for (const [index, into] of candidates.entries()) {
    if (gone.has(into.item.id)) continue;
    for (const from of candidates.slice(index + 1)) {
      if (merged.length === policy["memory.compactions"]) break;
      if (gone.has(from.item.id) || from.item.protected || !mergeable(into, from)) continue;
      if (cosine(into.vector, from.vector) < policy["memory.fuse"]) continue;
      gone.add(from.item.id);
      merged.push([into.item.id, from.item.id]);
      const before = strengths[into.item.id] ?? into.item.strength;
      const gain = (strengths[from.item.id] ?? from.item.strength) * INHERITED;
      strengths[into.item.id] = Math.min(MAX_STRENGTH, Math.round(before + gain));
    }
  }
  const staying = left.filter(({ item }) => !gone.has(item.id));
  return { strengths, removed, merged, evicted: evictedOf(staying, now, policy) };
};
