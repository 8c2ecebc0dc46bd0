/**
 * Sensitivity: which of the golden decisions turn when a threshold moves by a tenth. What is not listed here does not hang
 * on the third digit of anybody's number.
 */
import assert from "node:assert/strict";
import type { Plan } from "../../../plugins/norion/plan.ts";
import {
  clamp,
  DEFAULT_POLICY,
  type Policy,
  type Threshold,
  type ThresholdName,
  THRESHOLDS,
} from "../../../plugins/norion/policy.ts";
import { judgeDrift, STEADY } from "../../../plugins/norion/review/drift.ts";
import { weigh } from "../../../plugins/norion/review/evidence.ts";
import { rewardOf } from "../../../plugins/norion/review/reward.ts";
import { PLAN_CASES, planOf } from "./plan_cases.ts";

/** What a person would call a decision of a plan: everything but its numbers. */
const decisionsOf = ({ schedule, device, budget, context, ...made }: Plan): unknown => ({
  mode: made.mode,
  parts: schedule.chunks.length,
  calls: schedule.calls,
  parallel: device.parallel,
  bits: device.cacheBits,
  hurry: device.latencyMs !== undefined,
  budget: budget.class,
  context: context.map(({ id, verdict }) => `${verdict} ${id}`),
  rest: [made.tools, made.languages, made.checks, made.validators, made.holds],
});

/** Answers as somebody from outside, or nobody, found them. */
const JUDGED: { readonly [name: string]: readonly [result: number | undefined, plan: Plan] } = {
  "right answer": [1, planOf(PLAN_CASES["coding-english"])],
  "middling answer": [0.62, planOf(PLAN_CASES["writing-chinese"])],
  "wrong answer": [0, planOf(PLAN_CASES["general-loaded"])],
  "answer nobody judged": [undefined, planOf(PLAN_CASES["general-brief"])],
};

/** What is decided on an answer: how things stand, and what its reward calls for. */
const verdictOn = (name: string, policy: Policy): unknown => {
  const [result, { profile, attention, hierarchy }] = JUDGED[name];
  const digest = "sha256:none";
  const self = { source: "self", subject: "answer", result: 0.9, digest } as const;
  const given = result === undefined ? [] : [{ source: "validator", subject: "answer", result, digest } as const];
  const weighed = weigh([self, ...given], policy);
  const used = { used: 2, agreeing: result === 1 ? 2 : 0, contradictions: result === 0 ? 1 : 0 };
  const issues = { issues: 0, critical: 0, repaired: false, extraCalls: 0, stored: result === 1 };
  const { verdict } = judgeDrift(STEADY, weighed, [], policy);
  return [verdict, rewardOf({ weighed, profile, attention, hierarchy, ...used, ...issues }, policy).verdict];
};

/** Every golden decision by name, as a function of the thresholds. */
const DECISIONS: { readonly [name: string]: (policy: Policy) => unknown } = {
  ...Object.fromEntries(
    Object.entries(PLAN_CASES).map(([name, one]) => [name, (policy: Policy) => decisionsOf(planOf(one, policy))]),
  ),
  ...Object.fromEntries(Object.keys(JUDGED).map((name) => [name, (policy: Policy) => verdictOn(name, policy)])),
};

/** The decisions that turn, as `<threshold> <direction>: <decision>`, each with what lies at its threshold. */
const TURNING: { readonly [flip: string]: string } = {
  "candidate.include up: edited-genome": "a memory scores 0.698 where 0.696 is taken whole",
  "drift.watch up: answer nobody judged": "what nobody judged is held to exactly what need not be watched",
  "evidence.unproven down: answer nobody judged": "the same from the other side",
  "reward.reinforce down: middling answer": "its reward lies between 0.648 and 0.72",
  "pressure.critical down: general-loaded": "the device is loaded to 0.8, and 0.792 counts as critical then",
};

/** The policy with one threshold moved by a tenth, by one where it counts whole things. */
const moved = (name: ThresholdName, direction: "up" | "down"): Policy => {
  const { value, low, high, unit }: Threshold = THRESHOLDS[name];
  const wanted = value * (direction === "up" ? 1.1 : 0.9);
  const isWhole = unit !== "share" && unit !== "ratio";
  return {
    ...DEFAULT_POLICY,
    [name]: clamp(!isWhole ? wanted : direction === "up" ? Math.ceil(wanted) : Math.floor(wanted), low, high),
  };
};

Deno.test("no golden decision but those listed turns when a threshold moves by a tenth", () => {
  const before = Object.entries(DECISIONS).map(([name, decide]) => [name, JSON.stringify(decide(DEFAULT_POLICY))]);
  const turned: string[] = [];
  for (const threshold of Object.keys(THRESHOLDS) as ReadonlyArray<ThresholdName>) {
    for (const direction of ["up", "down"] as const) {
      const policy = moved(threshold, direction);
      for (const [name, golden] of before) {
        if (JSON.stringify(DECISIONS[name](policy)) !== golden) turned.push(`${threshold} ${direction}: ${name}`);
      }
    }
  }
  assert.deepEqual(turned.toSorted(), Object.keys(TURNING).toSorted());
});

Deno.test("the golden decisions do hang on thresholds: far enough moved, each of these turns one", () => {
  const far: ReadonlyArray<readonly [ThresholdName, number]> = [
    ["candidate.include", 0.5],
    ["pressure.medium", 1],
    ["pressure.high", 0.3],
    ["candidate.defer", 0],
    ["drift.block", 1],
    ["reward.reinforce", 1],
  ];
  for (const [name, value] of far) {
    const policy = { ...DEFAULT_POLICY, [name]: value };
    const turns = Object.values(DECISIONS).some((decide) =>
      JSON.stringify(decide(policy)) !== JSON.stringify(decide(DEFAULT_POLICY))
    );
    assert.ok(turns, name);
  }
});
