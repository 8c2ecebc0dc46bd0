/**
 * Evidence: what is known of how well something did, by who says so.
 *
 * Not the evidence of a proposal (effects/proposal.ts): here it is weighed to one quality.
 * Invariant: what a run says of itself weighs at most `evidence.self` and never makes anything proven; without evidence
 * from outside, quality is not above `evidence.unproven`.
 *
 * @module
 */
import { type Policy, unit } from "../policy.ts";

/** Who says so. */
export type EvidenceSource = "validator" | "user" | "benchmark" | "verifier" | "self";

/** One statement about a subject. */
export interface Statement {
  /** Who says so. */
  readonly source: EvidenceSource;
  /** What it is about. */
  readonly subject: string;
  /** How well it did, 0..1; 0 and 1 for failed and passed. */
  readonly result: number;
  /** Digest of what it was read off. */
  readonly digest: string;
}

/** What statements come to. */
export interface Weighed {
  /** How well it did. */
  readonly quality: number;
  /** Whether anybody from outside said so. */
  readonly proven: boolean;
  /** Statements from outside. */
  readonly outside: number;
}

/** How much each source from outside counts. */
const WEIGHTS: { readonly [S in Exclude<EvidenceSource, "self">]: number } = {
  validator: 1,
  verifier: 1,
  benchmark: 0.8,
  user: 0.8,
};

/** Weighs statements; the same statement twice counts once. */
export const weigh = (statements: ReadonlyArray<Statement>, policy: Policy): Weighed => {
  const distinct = [...new Map(statements.map((one) => [`${one.source} ${one.subject} ${one.digest}`, one])).values()];
  const own = distinct.filter(({ source }) => source === "self");
  const outside = distinct.filter(({ source }) => source !== "self");
  const self = own.length === 0 ? 0 : own.reduce((sum, { result }) => sum + unit(result), 0) / own.length;
  if (outside.length === 0) {
    return { quality: Math.min(self, policy["evidence.unproven"]), proven: false, outside: 0 };
  }
  let weight = own.length === 0 ? 0 : policy["evidence.self"];
  let sum = weight * self;
  for (const { source, result } of outside) {
    weight += WEIGHTS[source as keyof typeof WEIGHTS];
    sum += WEIGHTS[source as keyof typeof WEIGHTS] * unit(result);
  }
  return { quality: sum / weight, proven: true, outside: outside.length };
};
