/**
 * Adaptive state: what norion has learned of its own work, as a fold of the requests that were settled.
 *
 * Not memory and not genes. Invariant: only settled requests and replays of them move it, each by what its event says; a
 * request whose verdict is `rollback` puts back what stood when quality was last as it should be, to the byte, and stays
 * recorded.
 *
 * @module
 */
import type { Fold } from "../../../effects/mod.ts";
import { type Hierarchy, TARGETS } from "../hierarchy.ts";
import { DEFAULT_POLICY } from "../policy.ts";
import { type Profile, PROFILES } from "../profile.ts";
import type { DriftState } from "../review/drift.ts";
import type { Breaker } from "../routing/breaker.ts";
import { initialRouter, type Learned, type RouterState } from "../router.ts";
import { EXPERIENCE_EVENTS, type ReplayedData } from "./experience.ts";
import { type AnsweredData, REQUEST_EVENTS, type SettledData } from "./requests.ts";

/** What is learned of all profiles. */
export interface Lessons {
  /** Thresholds. */
  readonly router: RouterState;
  /** Weights. */
  readonly hierarchy: { readonly [P in Profile]: Hierarchy };
}

/** Everything that adapts. */
export interface AdaptiveState extends Lessons {
  /** How far quality lies below its reference. */
  readonly drift: DriftState;
  /** What was learned when drift was last at rest: where a rollback returns to. */
  readonly mark: Lessons;
  /** How models stand, by id. */
  readonly breakers: { readonly [model: string]: Breaker };
}

/**
 * What a request taught, as its event holds it: whole millionths, so that small steps are kept and replay is the same
 * on every machine.
 */
export interface LessonData {
  /** The profile's threshold. */
  readonly threshold: number;
  /** Requests it was learned from. */
  readonly observations: number;
  /** The profile's weights. */
  readonly global: number;
  /** Likewise. */
  readonly local: number;
  /** Likewise. */
  readonly fused: number;
}

/** How far quality lies below its reference, as an event holds it: the sum in whole millionths. */
export interface CusumData {
  /** The sum. */
  readonly sum: number;
  /** Requests since it was last 0. */
  readonly run: number;
}

const MILLION = 1e6;
const micro = (value: number): number => Math.round(value * MILLION);

/** A lesson as an event holds it. */
export const lessonData = (router: Learned, hierarchy: Hierarchy): LessonData => ({
  threshold: micro(router.threshold),
  observations: router.observations,
  global: micro(hierarchy.global),
  local: micro(hierarchy.local),
  fused: micro(hierarchy.fused),
});

/** How quality stands, as an event holds it. */
export const cusumData = ({ sum, run }: DriftState): CusumData => ({ sum: micro(sum), run });

const FIRST: Lessons = { router: initialRouter(DEFAULT_POLICY), hierarchy: TARGETS };

const withLesson = ({ router, hierarchy }: Lessons, profile: Profile, lesson: LessonData): Lessons => ({
  router: {
    ...router,
    [profile]: { threshold: lesson.threshold / MILLION, observations: lesson.observations },
  },
  hierarchy: {
    ...hierarchy,
    [profile]: {
      global: lesson.global / MILLION,
      local: lesson.local / MILLION,
      fused: lesson.fused / MILLION,
    },
  },
});

const settle = (state: AdaptiveState, data: SettledData): AdaptiveState => {
  const drift = { sum: data.cusum.sum / MILLION, run: data.cusum.run };
  if (data.drift === "rollback") return { ...state, ...state.mark, drift };
  if (data.lesson === undefined || !PROFILES.includes(data.profile)) return { ...state, drift };
  const lessons = withLesson(state, data.profile, data.lesson);
  return { ...state, ...lessons, drift, mark: drift.sum === 0 ? lessons : state.mark };
};

const replay = (state: AdaptiveState, { lessons }: ReplayedData): AdaptiveState => {
  const known = lessons.filter(({ profile }) => PROFILES.includes(profile));
  const after = known.reduce<Lessons>((now, { profile, lesson }) => withLesson(now, profile, lesson), state);
  const learnt: Lessons = { router: after.router, hierarchy: after.hierarchy };
  return { ...state, ...learnt, mark: state.drift.sum === 0 ? learnt : state.mark };
};

/** The fold of what adapts. */
export const adaptiveFold: Fold<AdaptiveState> = {
  name: "norion.adaptive",
  version: 1,
  initial: { ...FIRST, drift: { sum: 0, run: 0 }, mark: FIRST, breakers: {} },
  step: (state, { type, data }) => {
    if (type === REQUEST_EVENTS.settled) return settle(state, data as unknown as SettledData);
    if (type === EXPERIENCE_EVENTS.replayed) return replay(state, data as unknown as ReplayedData);
    if (type !== REQUEST_EVENTS.answered && type !== REQUEST_EVENTS.failed) return state;
    const { breakers } = data as unknown as Pick<AnsweredData, "breakers">;
    return { ...state, breakers: { ...state.breakers, ...breakers } };
  },
};
