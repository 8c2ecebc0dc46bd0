/**
 * Reward: how well each step of a request went, and what that calls for.
 *
 * Not proof: the steps are judged by what the request itself shows. Invariant: what was found from outside has a share
 * of its own, and nothing is reinforced that nobody from outside found good.
 *
 * @module
 */
import { type Hierarchy, TARGETS } from "../hierarchy.ts";
import { type Policy, unit } from "../policy.ts";
import type { Profile } from "../profile.ts";
import type { Weighed } from "./evidence.ts";
import type { Judged, StepVerdict } from "./trace.ts";

/** Steps of a request that are rewarded. */
export const REWARDED = ["route", "memory", "hierarchy", "reflection", "spending", "admission"] as const;

/** A step of a request. */
export type RewardedStep = typeof REWARDED[number];

/** What a reward calls for. */
export type RewardVerdict = "reinforce" | "hold" | "penalise";

/** How a request went. */
export interface Deed {
  /** What the evidence comes to. */
  readonly weighed: Weighed;
  /** Kind of work. */
  readonly profile: Profile;
  /** Share of the prompt that got attention. */
  readonly attention: number;
  /** Weights of the request. */
  readonly hierarchy: Hierarchy;
  /** Remembered items that came along. */
  readonly used: number;
  /** Those that the answer agrees with. */
  readonly agreeing: number;
  /** Contradictions found: of remembered facts, and within the answer. */
  readonly contradictions: number;
  /** Issues of any severity. */
  readonly issues: number;
  /** Critical issues. */
  readonly critical: number;
  /** Whether the draft was asked for again and became better. */
  readonly repaired: boolean;
  /** Calls made beyond those the plan predicted. */
  readonly extraCalls: number;
  /** Whether anything of it was remembered. */
  readonly stored: boolean;
  /** How the tool did that was to judge it, where one was named. */
  readonly tool?: "failed" | "ready";
  /** Rewards of the steps of its answer, where that has any. */
  readonly steps?: ReadonlyArray<number>;
}

/** A reward. */
export interface Reward {
  /** By step. */
  readonly steps: { readonly [S in RewardedStep]: number };
  /** What was found from outside; the middle where nothing was. */
  readonly evidence: number;
  /** All of it. */
  readonly total: number;
  /** What it calls for. */
  readonly verdict: RewardVerdict;
}

/** What each step counts for among the steps: the seed's weights. */
const WEIGHTS: { readonly [S in RewardedStep]: number } = {
  route: 0.18,
  memory: 0.16,
  hierarchy: 0.15,
  reflection: 0.24,
  spending: 0.12,
  admission: 0.15,
};

const GOOD = 0.78;
const POOR = 0.5;
const WORTH_STORING = 0.6;
const UNKNOWN = 0.5;
const TOOL: { readonly [T in NonNullable<Deed["tool"]>]: number } = { failed: -0.18, ready: 0.04 };

/** Little attention is right where it was enough, much where it was not. */
const routeReward = (quality: number, attention: number): number => {
  if (quality >= GOOD) return 0.58 + 0.34 * (1 - attention) + 0.08 * attention;
  return quality < POOR ? 0.18 + 0.42 * attention : 0.42 + 0.28 * (1 - Math.abs(attention - 0.45));
};

/** Storing what is poor is the worst that admission can do; leaving out what is good is neither right nor wrong. */
const admissionReward = (quality: number, contradictions: number, stored: boolean): number => {
  const good = quality >= WORTH_STORING && contradictions === 0;
  if (good) return stored ? 0.72 + 0.18 * quality : 0.44;
  return stored ? 0.24 : 0.72;
};

const distance = (a: Hierarchy, b: Hierarchy): number =>
  Math.abs(a.global - b.global) + Math.abs(a.local - b.local) + Math.abs(a.fused - b.fused);

const mean = (values: ReadonlyArray<number>): number => values.reduce((sum, value) => sum + value, 0) / values.length;

const stepsOf = (deed: Deed): Reward["steps"] => {
  const { weighed: { quality }, contradictions, used, agreeing } = deed;
  const attention = unit(deed.attention);
  return {
    route: unit(routeReward(quality, attention)),
    memory: unit(
      0.34 + 0.34 * quality + 0.2 * (used === 0 ? 0 : agreeing / used) - Math.min(0.16 * contradictions, 0.48),
    ),
    hierarchy: unit(1 - distance(deed.hierarchy, TARGETS[deed.profile]) / 2),
    // What was not reasoned well was not reviewed well.
    reflection: unit(
      quality * mean(deed.steps ?? [1]) - Math.min(0.13 * contradictions, 0.45) - Math.min(0.04 * deed.issues, 0.2) -
        Math.min(0.18 * deed.critical, 0.5) + (deed.repaired ? 0.08 : 0),
    ),
    spending: unit(0.42 + 0.34 * (1 - attention) + 0.24 - Math.min(0.09 * deed.extraCalls, 0.6)),
    admission: admissionReward(quality, contradictions, deed.stored),
  };
};

/** What a total calls for; nothing is reinforced that nobody from outside found good. */
export const rewardVerdict = (total: number, proven: boolean, policy: Policy): RewardVerdict => {
  if (total >= policy["reward.reinforce"]) return proven ? "reinforce" : "hold";
  return total <= policy["reward.penalise"] ? "penalise" : "hold";
};

/** The reward of a request. */
export const rewardOf = (deed: Deed, policy: Policy): Reward => {
  const steps = stepsOf(deed);
  const evidence = deed.weighed.proven ? deed.weighed.quality : UNKNOWN;
  const inside = REWARDED.reduce((sum, step) => sum + WEIGHTS[step] * steps[step], 0);
  const share = policy["reward.evidence"];
  const tool = deed.tool === undefined ? 0 : TOOL[deed.tool];
  const total = unit((1 - share) * inside + share * evidence + tool);
  return { steps, evidence, total, verdict: rewardVerdict(total, deed.weighed.proven, policy) };
};

const STEP_REWARDS: { readonly [V in StepVerdict]: number } = { right: 1, unknown: UNKNOWN, wrong: 0 };

/**
 * The reward of each step of a chain of reasoning: a wrong step has none; what follows correctly from a wrong one earns
 * as much as what cannot be decided, because it leads nowhere, though by no fault of its own.
 */
export const chainRewards = ({ steps, blame }: Judged): ReadonlyArray<number> =>
  steps.map((verdict, at) =>
    blame !== undefined && at > blame ? Math.min(UNKNOWN, STEP_REWARDS[verdict]) : STEP_REWARDS[verdict]
  );
