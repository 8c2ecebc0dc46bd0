/**
 * Hierarchy: how a request's room is shared between the whole context, the neighbourhood, and neighbours read together.
 *
 * Invariant: the three weights are shares that sum to 1; what is not finite or negative becomes the profile's target.
 *
 * @module
 */
import type { Profile } from "./profile.ts";
import { clamp, type Policy } from "./policy.ts";

/** The three weights. */
export interface Hierarchy {
  /** Everything that is known. */
  readonly global: number;
  /** What is near the request. */
  readonly local: number;
  /** Neighbours folded into one. */
  readonly fused: number;
}

/** What each profile tends to. */
export const TARGETS: { readonly [P in Profile]: Hierarchy } = {
  general: { global: 0.36, local: 0.42, fused: 0.22 },
  coding: { global: 0.24, local: 0.58, fused: 0.18 },
  writing: { global: 0.56, local: 0.3, fused: 0.14 },
  "long-context": { global: 0.3, local: 0.22, fused: 0.48 },
  "local-tool": { global: 0.24, local: 0.58, fused: 0.18 },
};

/** Weights that sum to 1; the target where they cannot. */
export const normalised = (weights: Hierarchy, target: Hierarchy): Hierarchy => {
  const parts = [weights.global, weights.local, weights.fused];
  const sum = parts.reduce((total, part) => total + part, 0);
  if (!parts.every((part) => Number.isFinite(part) && part >= 0) || sum <= 0) return target;
  return { global: weights.global / sum, local: weights.local / sum, fused: weights.fused / sum };
};

/** Moves weights a bounded step toward a profile's target: all in proportion, so that they stay shares of one. */
export const towards = (weights: Hierarchy, profile: Profile, policy: Policy): Hierarchy => {
  const target = TARGETS[profile];
  const from = normalised(weights, target);
  const far = Math.max(
    Math.abs(target.global - from.global),
    Math.abs(target.local - from.local),
    Math.abs(target.fused - from.fused),
  );
  const rate = far === 0 ? 0 : Math.min(policy["hierarchy.rate"], policy["hierarchy.preview"] / far);
  const step = (a: number, b: number): number => a + (b - a) * rate;
  return {
    global: step(from.global, target.global),
    local: step(from.local, target.local),
    fused: step(from.fused, target.fused),
  };
};

/**
 * What one judged request does to a profile's weights: they move toward the target, which leans to the profile's strongest
 * weight after a poor request, and to reading neighbours together after a good one.
 */
export const observeQuality = (weights: Hierarchy, profile: Profile, quality: number, policy: Policy): Hierarchy => {
  const target = TARGETS[profile];
  const from = normalised(weights, target);
  if (!Number.isFinite(quality)) return from;
  const names = ["global", "local", "fused"] as const;
  const strongest = names.reduce((best, name) => target[name] > target[best] ? name : best);
  const poor = quality < policy["hierarchy.poor"] ? policy["hierarchy.boost"] : 0;
  const good = quality > policy["hierarchy.good"] ? policy["hierarchy.fuse"] : 0;
  const gain = (name: keyof Hierarchy): number => (name === strongest ? poor : 0) + (name === "fused" ? good : 0);
  const leaning = normalised({
    global: target.global + gain("global"),
    local: target.local + gain("local"),
    fused: target.fused + gain("fused"),
  }, target);
  const rate = policy["hierarchy.learning"];
  const step = (name: keyof Hierarchy): number => from[name] + rate * (leaning[name] - from[name]);
  return normalised({ global: step("global"), local: step("local"), fused: step("fused") }, target);
};

/** A busy device reads near before it reads far. */
const PRESSURE_SHIFT = 0.2;

/** Weights of one request on a device: global gives way as pressure grows. */
export const underPressure = (weights: Hierarchy, pressure: number): Hierarchy => {
  const given = weights.global * PRESSURE_SHIFT * clamp(pressure, 0, 1);
  return { global: weights.global - given, local: weights.local + given / 2, fused: weights.fused + given / 2 };
};
