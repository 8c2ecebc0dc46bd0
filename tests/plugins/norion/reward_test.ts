import assert from "node:assert/strict";
import { TARGETS } from "../../../plugins/norion/hierarchy.ts";
import { DEFAULT_POLICY as policy } from "../../../plugins/norion/policy.ts";
import { chainRewards, type Deed, REWARDED, rewardOf, rewardVerdict } from "../../../plugins/norion/review/reward.ts";
import { judgeArithmetic } from "../../../plugins/norion/review/trace.ts";

const DEED: Deed = {
  weighed: { quality: 0.9, proven: true, outside: 2 },
  profile: "general",
  attention: 0.4,
  hierarchy: TARGETS.general,
  used: 2,
  agreeing: 1,
  contradictions: 0,
  issues: 0,
  critical: 0,
  repaired: false,
  extraCalls: 0,
  stored: true,
};

const near = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-12, `${a} ${b}`);

Deno.test("the reward is the weighed sum of its steps and of the evidence, by the seed's formulas", () => {
  const { steps, evidence, total, verdict } = rewardOf(DEED, policy);
  near(steps.route, 0.58 + 0.34 * 0.6 + 0.08 * 0.4);
  near(steps.memory, 0.34 + 0.34 * 0.9 + 0.2 * 0.5);
  near(steps.hierarchy, 1);
  near(steps.reflection, 0.9);
  near(steps.spending, 0.42 + 0.34 * 0.6 + 0.24);
  near(steps.admission, 0.72 + 0.18 * 0.9);
  assert.equal(evidence, 0.9);
  const inside = 0.18 * steps.route + 0.16 * steps.memory + 0.15 + 0.24 * 0.9 + 0.12 * steps.spending +
    0.15 * steps.admission;
  near(total, 0.65 * inside + 0.35 * 0.9);
  assert.equal(verdict, "reinforce");
});

Deno.test("the bounds of what a reward calls for are exact (20.18)", () => {
  const step = 1e-9;
  assert.equal(rewardVerdict(0.72, true, policy), "reinforce");
  assert.equal(rewardVerdict(0.72 - step, true, policy), "hold");
  assert.equal(rewardVerdict(0.42, true, policy), "penalise");
  assert.equal(rewardVerdict(0.42 + step, true, policy), "hold");
});

Deno.test("a tool that failed lowers the reward, one that was ready raises it (20.18)", () => {
  const total = (tool?: Deed["tool"]) => rewardOf(tool === undefined ? DEED : { ...DEED, tool }, policy).total;
  near(total() - total("failed"), 0.18);
  near(total("ready") - total(), 0.04);
});

Deno.test("storing junk is rewarded least, leaving out what is good is neither right nor wrong (20.19)", () => {
  const admission = (quality: number, stored: boolean) =>
    rewardOf({ ...DEED, stored, weighed: { ...DEED.weighed, quality } }, policy).steps.admission;
  const [storedJunk, leftJunk, leftGood, storedGood] = [
    admission(0.3, true),
    admission(0.3, false),
    admission(0.9, false),
    admission(0.9, true),
  ];
  assert.ok(storedJunk < leftGood && leftGood < leftJunk && leftJunk < storedGood);
  assert.ok(Math.abs(leftGood - 0.44) < 1e-12 && leftGood > policy["reward.penalise"] && leftGood < 0.72);
});

Deno.test("nothing is reinforced that nobody from outside found good, however well it looks (20.25)", () => {
  const self = { quality: 1, proven: false, outside: 0 };
  const { verdict, evidence } = rewardOf({ ...DEED, weighed: self, agreeing: 2 }, policy);
  assert.equal(verdict, "hold");
  assert.equal(evidence, 0.5);
});

Deno.test("contradictions, issues and calls beyond the plan lower their steps, and no step leaves 0..1", () => {
  const base = rewardOf(DEED, policy).steps;
  assert.ok(rewardOf({ ...DEED, contradictions: 1 }, policy).steps.memory < base.memory);
  assert.ok(rewardOf({ ...DEED, issues: 2, critical: 1 }, policy).steps.reflection < base.reflection);
  assert.ok(rewardOf({ ...DEED, extraCalls: 2 }, policy).steps.spending < base.spending);
  assert.ok(rewardOf({ ...DEED, repaired: true, issues: 1 }, policy).steps.reflection > base.reflection - 0.04);
  const worst = rewardOf({
    ...DEED,
    weighed: { quality: NaN, proven: true, outside: 1 },
    contradictions: 99,
    issues: 99,
    critical: 99,
    extraCalls: 99,
    attention: Infinity,
  }, policy);
  for (const step of REWARDED) assert.ok(worst.steps[step] >= 0 && worst.steps[step] <= 1, step);
  assert.equal(worst.verdict, "penalise");
});

Deno.test("a wrong step of a chain earns nothing, what follows from it no more than what cannot be decided", () => {
  const judged = judgeArithmetic(["a = 2 + 3 = 5", "so we see", "b = a * 2 = 11", "c = b + 1 = 12"]);
  assert.deepEqual(judged.steps, ["right", "unknown", "wrong", "right"]);
  assert.deepEqual(chainRewards(judged), [1, 0.5, 0, 0.5]);
});
