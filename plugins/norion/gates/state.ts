/**
 * State gates: whether memory and the record of requests contradict themselves.
 *
 * Not the ledger's own check (it proves that nothing was changed): here is whether what was written makes sense.
 * Invariant: pure over events and their folds; a claim counts only with the event that did what is claimed.
 *
 * @module
 */
import type { LedgerEvent } from "../../../effects/mod.ts";
import { isJsonObject } from "../../../kernel/mod.ts";
import { itemOf, itemsOf, lives, MAX_STRENGTH, MEMORY_EVENTS, type MemoryState } from "../state/memory.ts";
import { REQUEST_EVENTS, type SettledData, sourceOf } from "../state/requests.ts";
import { check, type GateReport } from "./check.ts";

const listed = (ids: ReadonlyArray<string>, all: number, what: string): string =>
  ids.length === 0
    ? `${all} ${what}`
    : ids.slice(0, 5).join(", ") + (ids.length > 5 ? ` and ${ids.length - 5} more` : "");

/** Looks at everything that is remembered. */
export const memoryGate = (state: MemoryState): GateReport => {
  const all = itemsOf(state);
  const failing = (wrong: (id: string) => boolean): ReadonlyArray<string> =>
    all.filter(({ id }) => wrong(id)).map(({ id }) => id);
  const rule = (name: string, wrong: (id: string) => boolean) => {
    const ids = failing(wrong);
    return check(name, ids.length === 0, listed(ids, all.length, "items"));
  };
  // An item replaces only what is of its own scope and kind; what else it names is left alone.
  const replaced = new Set(all.flatMap(({ supersedes, scope, namespace }) =>
    supersedes.filter((id) => {
      const old = itemOf(state, id);
      return old?.scope === scope && old.namespace === namespace;
    })
  ));
  return {
    checks: [
      rule("strengths are within their bounds", (id) => {
        const { strength } = itemOf(state, id)!;
        return !Number.isInteger(strength) || strength < 0 || strength > MAX_STRENGTH;
      }),
      rule("what was replaced lives no more", (id) => replaced.has(id) && lives(itemOf(state, id)!)),
      rule("what replaces is there, in the same scope and kind", (id) => {
        const item = itemOf(state, id)!;
        if (item.supersededBy === undefined) return false;
        const by = itemOf(state, item.supersededBy);
        return by === undefined || by.scope !== item.scope || by.namespace !== item.namespace;
      }),
      rule("nothing replaces itself, however far around", (id) => {
        const seen = new Set<string>();
        for (let at: string | undefined = id; at !== undefined; at = itemOf(state, at)?.supersededBy) {
          if (seen.has(at)) return true;
          seen.add(at);
        }
        return false;
      }),
    ],
    unchecked: ["whether what is remembered is true", "texts, which are private"],
  };
};

/** What a look at the record of requests gathers. */
interface Told {
  readonly planned: Set<string>;
  readonly answered: Set<string>;
  readonly settled: Set<string>;
  readonly added: Map<string, string>;
  readonly disordered: string[];
  readonly unfounded: string[];
  readonly contradicted: string[];
  readonly silent: string[];
}

const settledFaults = (told: Told, data: SettledData): void => {
  const { request, stored, decision } = data;
  if (!told.answered.has(request) || told.settled.has(request)) told.disordered.push(request);
  told.settled.add(request);
  if (stored.some((id) => !told.added.has(id))) told.unfounded.push(request);
  if (decision !== "stored" && (stored.length > 0 || data.lesson !== undefined)) told.contradicted.push(request);
  const left = [...told.added].filter(([, source]) => source === sourceOf(request)).map(([id]) => id);
  if (left.some((id) => !stored.includes(id))) told.silent.push(request);
};

/** Looks at the events of requests, in order, with those of memory between them. */
export const traceGate = (events: Iterable<LedgerEvent>): GateReport => {
  const told: Told = {
    planned: new Set(),
    answered: new Set(),
    settled: new Set(),
    added: new Map(),
    disordered: [],
    unfounded: [],
    contradicted: [],
    silent: [],
  };
  // What an append writes is written at once: claims are judged when all its events, up to the next request's, are in.
  const claims: SettledData[] = [];
  const settle = (): void => {
    for (const claim of claims.splice(0)) settledFaults(told, claim);
  };
  for (const { type, data } of events) {
    if (!isJsonObject(data)) continue;
    const request = String(data.request);
    if (type === REQUEST_EVENTS.planned) {
      settle();
      if (told.planned.has(request)) told.disordered.push(request);
      told.planned.add(request);
    } else if (type === REQUEST_EVENTS.answered || type === REQUEST_EVENTS.failed) {
      if (!told.planned.has(request) || told.answered.has(request)) told.disordered.push(request);
      if (type === REQUEST_EVENTS.answered) told.answered.add(request);
    } else if (type === REQUEST_EVENTS.settled) {
      claims.push(data as unknown as SettledData);
    } else if (type === MEMORY_EVENTS.added) {
      if (isJsonObject(data.item)) told.added.set(String(data.item.id), String(data.item.source));
    }
  }
  settle();
  const rule = (name: string, ids: ReadonlyArray<string>) =>
    check(name, ids.length === 0, listed([...new Set(ids)], told.planned.size, "requests"));
  return {
    checks: [
      rule("requests are planned, answered and settled once, in this order", told.disordered),
      rule("what a request claims to have stored was stored", told.unfounded),
      rule("a request that says hold wrote nothing", told.contradicted),
      rule("what a request stored, it says", told.silent),
    ],
    unchecked: ["whether the answers were right"],
  };
};
