/**
 * Replay: which records are learned from again, and what they teach.
 *
 * Not asking again (a model is never called) and not the writing of it (service.ts appends what is planned here).
 * Invariant: pure; a record teaches once under the same evidence and policy, so that repetition moves nothing; records
 * that were set aside teach nothing; the same state gives the same plan, in the same order.
 *
 * @module
 */
import { type Hierarchy, observeQuality } from "../hierarchy.ts";
import type { Policy } from "../policy.ts";
import type { Profile } from "../profile.ts";
import { weigh, type Weighed } from "../review/evidence.ts";
import { type RewardVerdict, rewardVerdict } from "../review/reward.ts";
import { observe, type RouterState } from "../router.ts";
import { evidenceDigest, type Given } from "../state/evidence.ts";
import type { ExperienceRecord } from "../state/experience.ts";
import { isSpoilt } from "./hygiene.ts";
import { appliedKey } from "./record.ts";

/** A record with what was said of it. */
export interface Replayable {
  /** The record. */
  readonly record: ExperienceRecord;
  /** What was said, also since it was recorded. */
  readonly given: ReadonlyArray<Given>;
}

/** A record that is learned from. */
export interface ReplayItem {
  /** Its request. */
  readonly request: string;
  /** Its profile. */
  readonly profile: Profile;
  /** Whose memories it used. */
  readonly record: ExperienceRecord;
  /** What it calls for. */
  readonly verdict: RewardVerdict;
  /** How good it was, by what is known now. */
  readonly quality: number;
  /** How urgent it is. */
  readonly priority: number;
  /** Under which evidence and policy it is applied. */
  readonly key: string;
}

/** Why a record is not learned from. */
export type SkipReason =
  | "quarantined"
  | "duplicate"
  | "contaminated"
  | "unproven"
  | "applied"
  | "over-limit";

/** What a replay would do. */
export interface ReplayPlan {
  /** Records learned from, most urgent first. */
  readonly items: ReadonlyArray<ReplayItem>;
  /** The others, each with the reason. */
  readonly skipped: ReadonlyArray<{ readonly request: string; readonly reason: SkipReason }>;
}

const PRESSURE_WORTH = 0.1;
const SEVERITY_WORTH = { info: 0.01, warning: 0.04, critical: 0.12 } as const;
const MOST_SEVERITY = 0.28;
const HOLD_PRIORITY = 0;

/** How urgent a record is: the good by its reward, the bad by what it lacked; hold comes last. */
const priorityOf = (record: ExperienceRecord, verdict: RewardVerdict, reward: number): number => {
  const pressure = PRESSURE_WORTH * record.pressure / 1000;
  const { info, warning, critical } = record.issues;
  const severity = Math.min(
    MOST_SEVERITY,
    SEVERITY_WORTH.info * info + SEVERITY_WORTH.warning * warning + SEVERITY_WORTH.critical * critical,
  );
  if (verdict === "reinforce") return Math.max(0, reward - pressure);
  return verdict === "penalise" ? 1 - reward + severity + pressure : HOLD_PRIORITY;
};

/** The reward of a record by what is known now: what was said since weighs as it would have at once. */
const rewardNow = (record: ExperienceRecord, now: Weighed, policy: Policy): number => {
  const share = policy["reward.evidence"];
  const then = record.proven ? record.quality / 1000 : 0.5;
  return Math.min(1, Math.max(0, record.reward / 1000 + share * ((now.proven ? now.quality : 0.5) - then)));
};

/** What was said of a record. Who had to speak and did not holds it down, as it did then, until somebody says more. */
export const weighedNow = (record: ExperienceRecord, given: ReadonlyArray<Given>, policy: Policy): Weighed => {
  const weighed = weigh(given.map(({ statement }) => statement), policy);
  if (given.some(({ step }) => step > record.born)) return weighed;
  const quality = Math.min(weighed.quality, record.quality / 1000);
  return { ...weighed, quality, proven: weighed.proven && record.proven };
};

type Considered = ReplayItem | { readonly request: string; readonly reason: SkipReason };

const considered = ({ record, given }: Replayable, policy: Policy): Considered => {
  const { request } = record;
  if (record.status === "quarantined") return { request, reason: "quarantined" };
  if (record.duplicateOf !== null) return { request, reason: "duplicate" };
  if (record.noise.some(isSpoilt)) return { request, reason: "contaminated" };
  const weighed = weighedNow(record, given, policy);
  if (!weighed.proven) return { request, reason: "unproven" };
  const key = appliedKey(evidenceDigest(given), policy);
  if (record.applied.includes(key)) return { request, reason: "applied" };
  const reward = rewardNow(record, weighed, policy);
  const verdict = rewardVerdict(reward, true, policy);
  const priority = priorityOf(record, verdict, reward);
  return { request, profile: record.profile, record, verdict, quality: weighed.quality, priority, key };
};

const isItem = (one: Considered): one is ReplayItem => "key" in one;

/** Kinds of runs that are rare, and of which one is kept when there is one. */
const RARE: ReadonlyArray<(item: ReplayItem, all: ReadonlyArray<ReplayItem>) => boolean> = [
  ({ record }) => record.recursive,
  ({ record }) => record.probation,
  (item, all) => item.record.pressure > 0 && all.every(({ record }) => record.pressure <= item.record.pressure),
];

/** The most urgent items; of each rare kind one is among them when there is one, in place of the least urgent common one. */
const chosen = (items: ReadonlyArray<ReplayItem>, limit: number): ReadonlyArray<ReplayItem> => {
  const taken = items.slice(0, limit);
  const isNeeded = (item: ReplayItem): boolean =>
    RARE.some((rare) => rare(item, items) && taken.filter((one) => rare(one, items)).length === 1);
  for (const rare of RARE) {
    if (taken.some((item) => rare(item, items))) continue;
    const found = items.find((item) => rare(item, items));
    const place = taken.findLastIndex((item) => !isNeeded(item));
    if (found !== undefined && place >= 0) taken[place] = found;
  }
  return taken.toSorted(byUrgency);
};

const byUrgency = (a: ReplayItem, b: ReplayItem): number =>
  b.priority - a.priority || a.record.born - b.record.born || (a.request < b.request ? -1 : 1);

/** What a replay would do with some records. */
export const planReplay = (records: ReadonlyArray<Replayable>, limit: number, policy: Policy): ReplayPlan => {
  const all = records.map((one) => considered(one, policy));
  const items = all.filter(isItem).toSorted(byUrgency);
  const taken = chosen(items, limit);
  const left = items.filter((item) => !taken.includes(item)).map(({ request }): ReplayPlan["skipped"][number] => ({
    request,
    reason: "over-limit",
  }));
  const skipped = all.flatMap((one) => isItem(one) ? [] : [one]);
  return { items: taken, skipped: [...skipped, ...left] };
};

/** What profiles have learned. */
export interface Learnt {
  /** Thresholds. */
  readonly router: RouterState;
  /** Weights. */
  readonly hierarchy: { readonly [P in Profile]: Hierarchy };
}

/** What learned state is after some items, each of which moves it as its request would have. */
export const learnFrom = (learnt: Learnt, items: ReadonlyArray<ReplayItem>, policy: Policy): Learnt =>
  items.reduce(({ router, hierarchy }, { profile, quality, record }) => ({
    router: observe(router, profile, { quality, contradictions: record.contradictions }, policy),
    hierarchy: { ...hierarchy, [profile]: observeQuality(hierarchy[profile], profile, quality, policy) },
  }), learnt);
