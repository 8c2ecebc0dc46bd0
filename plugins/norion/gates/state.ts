/**
 * State gates: whether memory and the record of requests contradict themselves.
 *
 * Not the ledger's own check (it proves that nothing was changed): here is whether what was written makes sense.
 * Invariant: pure over folds of events; a claim counts only with the event that did what is claimed.
 *
 * @module
 */
import type { ConsistencyState, ViolationCode } from "../state/consistency.ts";
import { itemOf, itemsOf, lives, MAX_STRENGTH, type MemoryState } from "../state/memory.ts";
import { check, type GateReport } from "./check.ts";

/** Ids or violations that a reason names. */
const MOST_SHOWN = 5;

const listed = (ids: ReadonlyArray<string>, all: number, what: string): string =>
  ids.length === 0
    ? `${all} ${what}`
    : ids.slice(0, MOST_SHOWN).join(", ") + (ids.length > MOST_SHOWN ? ` and ${ids.length - MOST_SHOWN} more` : "");

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

/** What the record of requests is checked for, and the violations that speak against each. */
const STORIES: ReadonlyArray<readonly [name: string, codes: ReadonlyArray<ViolationCode>]> = [
  [
    "requests are planned, answered and settled once, in this order",
    ["planned-twice", "answered-unplanned", "answered-twice", "settled-unanswered", "settled-twice"],
  ],
  ["what is said to be written or applied was", ["said-unwritten", "claims-applied"]],
  ["what was written is said", ["written-unsaid", "written-after-settling"]],
  ["a request that says hold wrote nothing", ["held-but-written"]],
  ["nothing was written without proof or under drift", ["written-unproven", "written-under-drift"]],
  ["lessons are within their bounds", ["lesson-too-large"]],
  ["records are of settled requests, once, and agree with them", [
    "recorded-unsettled",
    "recorded-twice",
    "record-differs",
  ]],
  ["replays are of records, once a version", ["replayed-unrecorded", "replayed-twice"]],
  ["evidence is about something", ["evidence-of-nothing"]],
];

/** Looks at what the events of norion say of each other. */
export const traceGate = ({ violations, count, checked }: ConsistencyState): GateReport => ({
  checks: STORIES.map(([name, codes]) => {
    const found = violations.filter(({ code }) => codes.includes(code));
    const shown = found.slice(0, MOST_SHOWN).map(({ code, request, step }) =>
      `${code} at ${step}${request === undefined ? "" : ` (${request})`}`
    );
    const more = found.length > MOST_SHOWN ? [`${count} in all`] : [];
    return check(name, found.length === 0, found.length === 0 ? `${checked} events` : [...shown, ...more].join(", "));
  }),
  unchecked: ["whether the answers were right"],
});
