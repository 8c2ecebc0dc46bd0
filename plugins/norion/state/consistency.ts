/**
 * Consistency: what norion's events must say of each other, checked over the whole ledger.
 *
 * Not the chain's own check (the ledger verifies hashes) and not a judgement of answers: here the story of every request
 * is compared with what was written.
 * Invariant: a fold, so that checking costs only what is new; a violation names an event and a code, never a text.
 *
 * @module
 */
import type { Fold, LedgerEvent } from "../../../effects/mod.ts";
import { isJsonObject, type JsonObject } from "../../../kernel/mod.ts";
import { THRESHOLDS } from "../policy.ts";
import { PERMISSIONS } from "../review/drift.ts";
import { adaptiveFold, type AdaptiveState } from "./adaptive.ts";
import { type Buckets, find, put } from "./buckets.ts";
import { EVIDENCE_GIVEN } from "./evidence.ts";
import { EXPERIENCE_EVENTS, type RecordData, type ReplayedData } from "./experience.ts";
import { MEMORY_EVENTS } from "./memory.ts";
import { REQUEST_EVENTS, type SettledData, sourceOf } from "./requests.ts";

/** What can be wrong between events. */
export type ViolationCode =
  | "planned-twice"
  | "answered-unplanned"
  | "answered-twice"
  | "settled-unanswered"
  | "settled-twice"
  | "held-but-written"
  | "written-unsaid"
  | "said-unwritten"
  | "written-after-settling"
  | "written-unproven"
  | "written-under-drift"
  | "lesson-too-large"
  | "recorded-unsettled"
  | "recorded-twice"
  | "record-differs"
  | "replayed-unrecorded"
  | "replayed-twice"
  | "evidence-of-nothing"
  | "claims-applied";

/** Something that does not hold. */
export interface Violation {
  /** Which event shows it. */
  readonly step: number;
  /** What is wrong. */
  readonly code: ViolationCode;
  /** The request it is about, where it is about one. */
  readonly request?: string;
}

/** Where a request stands in its story. */
interface Story {
  readonly answered: boolean;
  readonly settled?: Pick<SettledData, "quality" | "drift" | "stored">;
  readonly recorded: boolean;
  /** Memories that name it as their source. */
  readonly added: ReadonlyArray<string>;
  /** Under which evidence and policies it was learned from again. */
  readonly replayed: ReadonlyArray<string>;
}

/** What was seen so far. */
export interface ConsistencyState {
  /** Stories by request. */
  readonly stories: Buckets<Story>;
  /** Proposals that were applied. */
  readonly applied: Buckets<true>;
  /** What is learned, as the events say. */
  readonly adaptive: AdaptiveState;
  /** The first violations. */
  readonly violations: ReadonlyArray<Violation>;
  /** All of them. */
  readonly count: number;
  /** Events that were checked. */
  readonly checked: number;
}

/** Violations that are listed; all are counted. */
export const MOST_VIOLATIONS = 100;

const NEW: Story = { answered: false, recorded: false, added: [], replayed: [] };

/** Millionths of a step, for what rounding adds. */
const ROUNDING = 2e-6;

const when = (code: ViolationCode, holds: boolean): ReadonlyArray<ViolationCode> => holds ? [code] : [];

/** The state with a story changed and some violations of one event noted. */
const noted = (
  state: ConsistencyState,
  event: LedgerEvent,
  codes: ReadonlyArray<ViolationCode>,
  request: string | undefined,
  story?: Story,
): ConsistencyState => ({
  ...state,
  stories: story === undefined || request === undefined ? state.stories : put(state.stories, request, story),
  violations: [
    ...state.violations,
    ...codes.map((code) => ({ step: event.seq, code, ...(request === undefined ? {} : { request }) })),
  ].slice(0, MOST_VIOLATIONS),
  count: state.count + codes.length,
});

const settling = (state: ConsistencyState, event: LedgerEvent, data: JsonObject): ConsistencyState => {
  const settled = data as unknown as SettledData;
  const { request, profile, decision, drift, proven, lesson, stored, helped, misled } = settled;
  const story = find(state.stories, request) ?? NEW;
  const wrote = story.added.length > 0 || lesson !== undefined || helped.length > 0 || misled.length > 0;
  const learnedBefore = state.adaptive.router[profile]?.threshold;
  const moved = lesson === undefined || learnedBefore === undefined
    ? 0
    : Math.abs(lesson.threshold / 1e6 - learnedBefore);
  const may = PERMISSIONS[drift];
  const codes = [
    ...when("settled-unanswered", !story.answered),
    ...when("settled-twice", story.settled !== undefined),
    ...when("held-but-written", decision !== "stored" && wrote),
    ...when("written-unsaid", story.added.some((id) => !stored.includes(id))),
    ...when("said-unwritten", stored.some((id) => !story.added.includes(id))),
    ...when("written-unproven", !proven && (story.added.length > 0 || lesson !== undefined)),
    ...when(
      "written-under-drift",
      (!may.memory && story.added.length > 0) || (!may.learning && lesson !== undefined),
    ),
    ...when("lesson-too-large", moved > THRESHOLDS["route.step"].high + ROUNDING),
  ];
  const { quality } = settled;
  return noted(state, event, codes, request, { ...story, settled: { quality, drift, stored } });
};

const REQUEST_SOURCE = sourceOf("");

const adding = (state: ConsistencyState, event: LedgerEvent, data: JsonObject): ConsistencyState => {
  const { id, source } = (data.item ?? {}) as { id?: string; source?: string };
  if (typeof source !== "string" || typeof id !== "string" || !source.startsWith(REQUEST_SOURCE)) return state;
  const request = source.slice(REQUEST_SOURCE.length);
  const story = find(state.stories, request) ?? NEW;
  const late = when("written-after-settling", story.settled !== undefined);
  return noted(state, event, late, request, { ...story, added: [...story.added, id] });
};

const recording = (state: ConsistencyState, event: LedgerEvent, data: JsonObject): ConsistencyState => {
  const record = data as unknown as RecordData;
  const story = find(state.stories, record.request) ?? NEW;
  const { settled } = story;
  const codes = [
    ...when("recorded-unsettled", settled === undefined),
    ...when("recorded-twice", story.recorded),
    ...when(
      "record-differs",
      settled !== undefined && (record.drift !== settled.drift || record.quality > settled.quality ||
        record.stored.join() !== settled.stored.join()),
    ),
  ];
  return noted(state, event, codes, record.request, { ...story, recorded: true });
};

const replaying = (state: ConsistencyState, event: LedgerEvent, data: JsonObject): ConsistencyState =>
  (data as unknown as ReplayedData).items.reduce((now, { request, key }) => {
    const story = find(now.stories, request) ?? NEW;
    const codes = [
      ...when("replayed-unrecorded", !story.recorded),
      ...when("replayed-twice", story.replayed.includes(key)),
    ];
    return noted(now, event, codes, request, { ...story, replayed: [...story.replayed, key] });
  }, state);

const STEPS: {
  readonly [type: string]: (state: ConsistencyState, event: LedgerEvent, data: JsonObject) => ConsistencyState;
} = {
  [REQUEST_EVENTS.planned]: (state, event, { request }) => {
    const story = find(state.stories, String(request));
    return noted(state, event, when("planned-twice", story !== undefined), String(request), story ?? NEW);
  },
  [REQUEST_EVENTS.answered]: (state, event, { request }) => {
    const story = find(state.stories, String(request));
    const codes = [
      ...when("answered-unplanned", story === undefined),
      ...when("answered-twice", story?.answered === true),
    ];
    return noted(state, event, codes, String(request), { ...(story ?? NEW), answered: true });
  },
  [REQUEST_EVENTS.settled]: settling,
  [MEMORY_EVENTS.added]: adding,
  [EXPERIENCE_EVENTS.recorded]: recording,
  [EXPERIENCE_EVENTS.replayed]: replaying,
  [EVIDENCE_GIVEN]: (state, event, { request }) =>
    noted(
      state,
      event,
      when("evidence-of-nothing", find(state.stories, String(request)) === undefined),
      String(request),
    ),
  "proposal.applied": (state, _event, { proposal }) => ({
    ...state,
    applied: put(state.applied, String(proposal), true),
  }),
};

const OURS = "norion.";

/** An event that says of a proposal that it was applied, or may be, needs the event that applied it. */
const claims = (state: ConsistencyState, event: LedgerEvent, data: JsonObject): ConsistencyState => {
  const isClaim = data.applied === true || data.writeAllowed === true;
  const known = typeof data.proposal === "string" && find(state.applied, data.proposal) === true;
  return noted(state, event, when("claims-applied", isClaim && !known), undefined);
};

const step = (state: ConsistencyState, event: LedgerEvent): ConsistencyState => {
  const { type, data } = event;
  const ours = type.startsWith(OURS);
  if (!isJsonObject(data) || (!ours && !Object.hasOwn(STEPS, type))) return state;
  const checked = Object.hasOwn(STEPS, type) ? STEPS[type](state, event, data) : state;
  const claimed = ours ? claims(checked, event, data) : checked;
  return { ...claimed, adaptive: adaptiveFold.step(state.adaptive, event), checked: claimed.checked + (ours ? 1 : 0) };
};

/** The fold that checks. */
export const consistencyFold: Fold<ConsistencyState> = {
  name: "norion.consistency",
  version: 1,
  initial: {
    stories: { buckets: {} },
    applied: { buckets: {} },
    adaptive: adaptiveFold.initial,
    violations: [],
    count: 0,
    checked: 0,
  },
  step,
};

/** Checks some events that begin where the ledger does. */
export const checkConsistency = (events: ReadonlyArray<LedgerEvent>): ConsistencyState =>
  events.reduce(step, consistencyFold.initial);
