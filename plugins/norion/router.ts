/**
 * Router: how much of a request deserves attention, which context comes along, and what may be spent on it.
 *
 * Not the choice between models (routing/): here a request is weighed against the profile's learned threshold.
 * Invariant: pure; a request moves its own profile's threshold by at most one bounded step, and only `observe` does.
 *
 * @module
 */
import type { Hierarchy } from "./hierarchy.ts";
import { clamp, type Policy, unit } from "./policy.ts";
import { type Mode, type Profile, PROFILES } from "./profile.ts";
import { estimateTokens, jaccard, termsOf } from "./text.ts";

/** What the router has learned of one profile. */
export interface Learned {
  /** Score from which a term gets attention. */
  readonly threshold: number;
  /** Requests it was learned from. */
  readonly observations: number;
}

/** What the router has learned. */
export type RouterState = { readonly [P in Profile]: Learned };

/** What the router knows at first. */
export const initialRouter = (policy: Policy): RouterState =>
  Object.fromEntries(
    PROFILES.map((profile) => [profile, { threshold: policy["route.initial"], observations: 0 }]),
  ) as RouterState;

/** Where each mode pulls the threshold: low for work where a slip is costly, high for work that should be cheap. */
export const MODE_THRESHOLDS: { readonly [M in Mode]: number } = {
  "low-budget": 0.78,
  "compiler-fix": 0.39,
  "benchmark-analysis": 0.5,
  "code-review": 0.47,
  coding: 0.43,
  research: 0.46,
  "chinese-chat": 0.54,
  "english-chat": 0.56,
};

const MODE_PULL = 0.65;

/** The threshold of a request: its mode's, what was learned, and what genes add. */
export const thresholdOf = (learned: Learned, mode: Mode, delta: number, policy: Policy): number =>
  clamp(
    MODE_PULL * MODE_THRESHOLDS[mode] + (1 - MODE_PULL) * learned.threshold + delta,
    policy["route.low"],
    policy["route.high"],
  );

/** What makes a term worth attention besides its letters. */
export interface RouteSignals {
  /** Best similarity of what was recalled. */
  readonly cacheHit: number;
  /** How busy the device is. */
  readonly pressure: number;
  /** Longest the answer should take, ms. */
  readonly latencyMs?: number;
  /** Tokens of the prompt. */
  readonly contextTokens: number;
  /** Weights of the request. */
  readonly hierarchy: Hierarchy;
}

const LATENCY_COST: ReadonlyArray<readonly [ms: number, cost: number]> = [[150, 0.1], [500, 0.04]];
const PROFILE_BONUS: { readonly [P in Profile]: number } = {
  general: 0,
  coding: 0.05,
  writing: 0.08,
  "long-context": 0.1,
  "local-tool": 0.05,
};

/** How dense a term is: the seed's entropy proxy, where a term that was seen before counts less each time. */
const densityOf = (term: string, seen: number): number => {
  const characters = [...term];
  const share = (pattern: RegExp): number => characters.filter((c) => pattern.test(c)).length / characters.length;
  const mixed = /\p{Ll}/u.test(term) && /\p{Lu}/u.test(term) ? 1 : 0;
  return unit(
    0.52 / (1 + seen) + 0.16 * share(/[^\p{L}\p{N}]/u) + 0.12 * share(/\p{N}/u) + 0.08 * mixed +
      Math.min(characters.length / 24, 0.22),
  );
};

/** How much a term that was seen so often before deserves attention, 0..1. */
export const termScore = (term: string, seen: number, profile: Profile, signals: RouteSignals): number => {
  const { hierarchy } = signals;
  const latency = LATENCY_COST.find(([ms]) => signals.latencyMs !== undefined && signals.latencyMs <= ms)?.[1] ?? 0;
  return unit(
    0.72 * densityOf(term, seen) + PROFILE_BONUS[profile] + Math.min(signals.contextTokens / 32_000, 0.18) +
      0.05 * hierarchy.global + 0.03 * hierarchy.local + 0.04 * hierarchy.fused -
      0.1 * unit(signals.cacheHit) - latency - 0.16 * unit(signals.pressure),
  );
};

const RUN = /\p{Script=Han}|[^\s\p{Script=Han}]+/gu;

/** Share of a prompt's terms that gets attention: those that reach the threshold. */
export const attentionOf = (prompt: string, profile: Profile, threshold: number, signals: RouteSignals): number => {
  const seen = new Map<string, number>();
  let all = 0;
  let attended = 0;
  for (const [term] of prompt.matchAll(RUN)) {
    const before = seen.get(term) ?? 0;
    seen.set(term, before + 1);
    all++;
    if (termScore(term, before, profile, signals) >= threshold) attended++;
  }
  return all === 0 ? 0 : attended / all;
};

/** A piece of context that could come along. */
export interface Candidate {
  /** Its id; ties are broken by it. */
  readonly id: string;
  /** Where it comes from. */
  readonly source: "memory" | "gist" | "experience" | "file";
  /** Its text. */
  readonly text: string;
  /** Similarity to the request. */
  readonly similarity: number;
  /** How far it is trusted. */
  readonly trust: number;
  /** How new it is, 1 for newest. */
  readonly recency: number;
  /** How requests that used it fared. */
  readonly reward: number;
  /** Whether it must be kept where it can be. */
  readonly anchor: boolean;
}

/** What becomes of a candidate. */
export type Verdict = "include" | "compress" | "defer" | "skip";

/** A candidate that was decided on. */
export interface Decided {
  /** Which one. */
  readonly id: string;
  /** What becomes of it. */
  readonly verdict: Verdict;
  /** Its score. */
  readonly score: number;
  /** Tokens it takes in the context. */
  readonly tokens: number;
  /** Why, in a few words. */
  readonly reason: string;
}

/** What candidates are decided by. */
export interface CandidateOptions {
  /** The request's threshold. */
  readonly threshold: number;
  /** How busy the device is. */
  readonly pressure: number;
  /** Tokens for all of them. */
  readonly tokens: number;
  /** The policy. */
  readonly policy: Policy;
}

const HEAVY_PRESSURE = 0.82;
const HEAVY_COST = 0.7;
const HEAVY_MARGIN = 0.25;

/** What a candidate scores before it is compared with the threshold. */
export const candidateScore = (candidate: Candidate, options: CandidateOptions): number => {
  const cost = unit(estimateTokens(candidate.text) / Math.max(options.tokens, 1));
  return 0.42 * unit(candidate.similarity) + 0.26 * unit(candidate.trust) + 0.14 * unit(candidate.recency) +
    0.18 * unit(candidate.reward) - 0.18 * cost - 0.15 * unit(options.pressure) -
    0.5 * Math.max(0.4 - unit(candidate.reward), 0);
};

const verdictOf = (candidate: Candidate, score: number, cost: number, options: CandidateOptions): Verdict => {
  const { threshold, policy } = options;
  if (options.pressure >= HEAVY_PRESSURE && cost >= HEAVY_COST && !candidate.anchor) {
    return score >= threshold + HEAVY_MARGIN ? "compress" : "skip";
  }
  if (score >= threshold + policy["candidate.include"]) return "include";
  if (score >= threshold) return "compress";
  if (score < threshold - policy["candidate.defer"]) return "skip";
  return candidate.anchor ? "compress" : "defer";
};

/** Decides on candidates, best first, until the room is full; what says the same as a better one is skipped. */
export const decideCandidates = (
  candidates: ReadonlyArray<Candidate>,
  options: CandidateOptions,
): ReadonlyArray<Decided> => {
  const ranked = candidates
    .map((candidate) => ({ candidate, score: candidateScore(candidate, options) }))
    .toSorted((a, b) => b.score - a.score || (a.candidate.id < b.candidate.id ? -1 : 1));
  const taken: Array<ReadonlySet<string>> = [];
  let left = options.tokens;
  return ranked.map(({ candidate, score }) => {
    const whole = estimateTokens(candidate.text);
    const terms = new Set(termsOf(candidate.text));
    const skip = (reason: string): Decided => ({ id: candidate.id, verdict: "skip", score, tokens: 0, reason });
    if (taken.some((other) => jaccard(terms, other) >= options.policy["memory.duplicate"])) {
      return skip("says the same as a better one");
    }
    const verdict = verdictOf(candidate, score, unit(whole / Math.max(options.tokens, 1)), options);
    if (verdict === "skip") return skip("scores too low");
    if (verdict === "defer") {
      return { id: candidate.id, verdict, score, tokens: 0, reason: "waits for a better reason" };
    }
    const kept = verdict === "include" ? whole : Math.ceil(whole * options.policy["candidate.keep"]);
    if (kept > left) return skip(`needs ${kept} tokens, ${left} are left`);
    left -= kept;
    taken.push(terms);
    return {
      id: candidate.id,
      verdict,
      score,
      tokens: kept,
      reason: candidate.anchor ? "must be kept" : "scores well",
    };
  });
};

/** How a request turned out, for the router. */
export interface Outcome {
  /** Quality by evidence from outside, 0..1. */
  readonly quality: number;
  /** Contradictions found. */
  readonly contradictions: number;
}

/** What one outcome does to a profile's threshold: one step, at most `route.step` wide; the same state where it says nothing. */
export const observe = (state: RouterState, profile: Profile, outcome: Outcome, policy: Policy): RouterState => {
  const { quality, contradictions } = outcome;
  if (!Number.isFinite(quality) || !Number.isFinite(contradictions)) return state;
  const learned = state[profile];
  const poor = policy["route.poor"] - unit(quality);
  const good = unit(quality) - policy["route.good"];
  const wanted = poor > 0
    ? -(policy["route.rate"] * poor + Math.min(0.025 * contradictions, 0.12))
    : good > 0 && contradictions === 0
    ? policy["route.rate"] * good
    : 0;
  const step = clamp(wanted, -policy["route.step"], policy["route.step"]);
  const threshold = clamp(learned.threshold + step, policy["route.low"], policy["route.high"]);
  return { ...state, [profile]: { threshold, observations: learned.observations + 1 } };
};
