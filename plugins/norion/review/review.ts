/**
 * Review: what an answer is worth by all that is known of it, and what may therefore be written.
 *
 * Not the writing (settling does it, all at once). Invariant: every kind of write is one entry of one table with the
 * reasons that hold it; who writes takes those without a reason, who answers names the others, so that no answer says
 * "held" of what was written.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { type Hierarchy, observeQuality } from "../hierarchy.ts";
import type { Plan } from "../plan.ts";
import { type Policy, unit } from "../policy.ts";
import { type Learned, observe, type RouterState } from "../router.ts";
import { type Chain, chainOf, keptChain } from "./chain.ts";
import { type Issue, selfQuality } from "./checks.ts";
import { asksForCode } from "./code.ts";
import { type Danger, dangersIn } from "./dangers.ts";
import { type DriftState, type DriftVerdict, judgeDrift, PERMISSIONS } from "./drift.ts";
import { type Statement, weigh, type Weighed } from "./evidence.ts";
import { type Reward, rewardOf } from "./reward.ts";
import { type Judges, statementOf, type Subject, validate, type Validation, type ValidatorName } from "./validators.ts";

/** An answer that is reviewed. */
export interface Reviewed extends Subject {
  /** What reflection saw in it. */
  readonly issues: ReadonlyArray<Issue>;
}

/** What is known of an answer. */
export interface Review extends Validation {
  /** What reflection saw. */
  readonly issues: ReadonlyArray<Issue>;
  /** What the run says of itself. */
  readonly self: Statement;
  /** What was said from outside, and by whom. */
  readonly given: ReadonlyArray<{ readonly statement: Statement; readonly witness: ValidatorName }>;
  /** What all of it comes to. */
  readonly weighed: Weighed;
  /** Contradictions: of remembered facts, and of the answer with itself. */
  readonly contradictions: number;
  /** Why quality is held down: reason codes. */
  readonly caps: ReadonlyArray<string>;
  /** The steps of the answer, where it has any. */
  readonly chain?: Chain;
}

/** What holds quality down, and to what. */
const CAPS: ReadonlyArray<{
  readonly code: string;
  readonly when: (reviewed: Reviewed, validation: Validation) => boolean;
  readonly most: (policy: Policy) => number;
}> = [
  {
    code: "validator-missing",
    when: (_, { missing }) => missing.length > 0,
    most: (policy) => policy["evidence.unproven"],
  },
  {
    code: "code-not-run",
    when: ({ prompt }, { findings }) =>
      asksForCode(prompt) && findings.every(({ validator, result }) => validator !== "command" || result === 0),
    most: (policy) => policy["review.unrun"],
  },
];

/** Reviews an answer: lets the validators speak and weighs what they say. */
export const review = <R>(
  reviewed: Reviewed,
  required: ReadonlyArray<ValidatorName>,
  judges: Judges<R>,
  policy: Policy,
): Effect.Effect<Review, never, R> =>
  Effect.map(validate(reviewed, required, judges, policy), (validation): Review => {
    const { issues, digest } = reviewed;
    const self: Statement = { source: "self", subject: "answer", result: selfQuality(issues, policy), digest };
    const given = validation.findings.map((finding) => statementOf(finding, reviewed));
    const weighed = weigh([self, ...given.map(({ statement }) => statement)], policy);
    const caps = CAPS.filter(({ when }) => when(reviewed, validation));
    const chain = chainOf(reviewed.prompt, reviewed.answer, reviewed.materials, judges.logic);
    return {
      ...validation,
      issues,
      self,
      given,
      weighed: {
        ...weighed,
        quality: Math.min(weighed.quality, ...caps.map(({ most }) => most(policy))),
        // Who had to speak and did not leaves success unproven; failure needs no further witness.
        proven: weighed.proven && (validation.missing.length === 0 || weighed.quality < policy["drift.block"]),
      },
      contradictions: validation.contradicts.length +
        issues.filter(({ check }) => check === "contradiction").length,
      caps: caps.map(({ code }) => code),
      ...(chain === undefined ? {} : { chain: keptChain(chain) }),
    };
  });

/** Kinds of writes that a request can lead to, besides the record of it. */
export const WRITES = ["memory", "cache", "learning", "reinforcement", "weakening"] as const;

/** A kind of write. */
export type WriteKind = typeof WRITES[number];

/** What a request learns of its own profile. */
export interface Lesson {
  /** The profile's threshold. */
  readonly router: Learned;
  /** The profile's weights. */
  readonly hierarchy: Hierarchy;
}

/** What is decided on an answer. */
export interface Conclusion {
  /** How good it was. */
  readonly quality: number;
  /** Whether anybody from outside said so. */
  readonly proven: boolean;
  /** How things stand. */
  readonly drift: DriftVerdict;
  /** How quality stands after it. */
  readonly cusum: DriftState;
  /** What it is rewarded. */
  readonly reward: Reward;
  /** Why each kind of write is held; what has no reason is written. */
  readonly held: { readonly [W in WriteKind]: ReadonlyArray<string> };
  /** Memories to strengthen. */
  readonly helped: ReadonlyArray<string>;
  /** Memories to weaken. */
  readonly misled: ReadonlyArray<string>;
  /** What is learned; absent where nothing is. */
  readonly lesson?: Lesson;
  /** Dangers that were seen in prompt or answer. */
  readonly dangers: ReadonlyArray<Danger>;
}

/** What is concluded from. */
export interface Concluding {
  /** What was planned. */
  readonly plan: Plan;
  /** What was asked. */
  readonly prompt: string;
  /** What was answered. */
  readonly answer: string;
  /** What is known of the answer. */
  readonly review: Review;
  /** Ids of remembered items that came along. */
  readonly used: ReadonlyArray<string>;
  /** Whether the draft was asked for again and became better. */
  readonly repaired: boolean;
  /** Calls made. */
  readonly calls: number;
  /** Whether there is anything to remember of it. */
  readonly memorable: boolean;
  /** What was learned before. */
  readonly router: RouterState;
  /** Likewise. */
  readonly hierarchy: Hierarchy;
  /** How quality stood before. */
  readonly before: DriftState;
}

const codes = (...reasons: ReadonlyArray<readonly [code: string, holds: boolean]>): ReadonlyArray<string> =>
  reasons.flatMap(([code, holds]) => holds ? [code] : []);

const lessonOf = ({ plan: { profile }, review, router, hierarchy }: Concluding, policy: Policy): Lesson => ({
  router: observe(
    router,
    profile,
    { quality: review.weighed.quality, contradictions: review.contradictions },
    policy,
  )[profile],
  hierarchy: observeQuality(hierarchy, profile, review.weighed.quality, policy),
});

/** Decides on an answer; pure. */
export const conclude = (concluding: Concluding, policy: Policy): Conclusion => {
  const { plan, prompt, answer, review: known, used, before } = concluding;
  const { weighed, issues, contradictions } = known;
  const { verdict: drift, state: cusum } = judgeDrift(before, weighed, issues, policy);
  const may = PERMISSIONS[drift];
  const dangers = dangersIn(`${prompt}\n${answer}`, plan.holds);
  const unproven = !weighed.proven;
  const general = dangers.map((danger) => [`danger-${danger}`, true] as const);
  const byDrift = (allowed: boolean) => [`drift-${drift}`, !allowed] as const;
  const agreeing = known.agrees.filter((id) => used.includes(id));
  const against = known.contradicts.filter((id) => used.includes(id));
  const memory = codes(
    byDrift(may.memory),
    ["unproven", unproven],
    ["nothing-to-remember", !concluding.memorable],
    ...general,
  );
  const reward = rewardOf({
    weighed: { ...weighed, quality: unit(weighed.quality) },
    profile: plan.profile,
    attention: plan.attention,
    hierarchy: plan.hierarchy,
    used: used.length,
    agreeing: agreeing.length,
    contradictions,
    issues: issues.length,
    critical: issues.filter(({ severity }) => severity === "critical").length,
    repaired: concluding.repaired,
    extraCalls: Math.max(0, concluding.calls - plan.schedule.calls),
    stored: memory.length === 0,
    ...(known.tool === undefined ? {} : { tool: known.tool }),
    ...(known.chain === undefined ? {} : { steps: known.chain.rewards }),
  }, policy);
  // A failure that was found from outside speaks against what the answer was given to rest on; a contradiction of a fact
  // speaks against the answer, so the fact is only not strengthened.
  const failed = weighed.proven && !may.memory;
  const reinforcement = codes(
    [`reward-${reward.verdict}`, reward.verdict !== "reinforce"],
    ["nothing-agreed-with", agreeing.length === 0],
    ...general,
  );
  const weakening = codes(["no-failure-found", !failed], ["nothing-used", used.length === 0]);
  const learning = codes(byDrift(may.learning), ["unproven", unproven], ...general);
  return {
    quality: weighed.quality,
    proven: weighed.proven,
    drift,
    cusum,
    reward,
    held: {
      memory,
      cache: codes(byDrift(may.cache), ["unproven", unproven], ...general),
      learning,
      reinforcement,
      weakening,
    },
    helped: reinforcement.length === 0 ? agreeing : [],
    misled: weakening.length === 0 ? used.filter((id) => !against.includes(id)) : [],
    ...(learning.length === 0 ? { lesson: lessonOf(concluding, policy) } : {}),
    dangers,
  };
};
