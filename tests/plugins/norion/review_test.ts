import assert from "node:assert/strict";
import { random } from "../../../kernel/mod.ts";
import { REFLECTION_CHECKS } from "../../../plugins/norion/genome.ts";
import { DEFAULT_POLICY as policy } from "../../../plugins/norion/policy.ts";
import { type CheckName, type Draft, lookOver, selfQuality } from "../../../plugins/norion/review/checks.ts";
import { accumulate, type DriftState, judgeDrift, PERMISSIONS, STEADY } from "../../../plugins/norion/review/drift.ts";
import { type Statement, weigh } from "../../../plugins/norion/review/evidence.ts";

const GOOD: Draft = {
  prompt: "How many moons does Mars have, and how large are they?",
  answer: "Mars has 2 moons, Phobos and Deimos; the larger of the two moons is about 22 km across.",
  context: ["Mars has 2 moons, Phobos and Deimos.", "The larger moon of Mars, Phobos, is about 22 km across."],
};

const seen = (draft: Draft): ReadonlyArray<CheckName> =>
  lookOver(draft, REFLECTION_CHECKS, policy).map(({ check }) => check);

Deno.test("a good draft raises nothing, in English and in Chinese", () => {
  assert.deepEqual(seen(GOOD), []);
  assert.deepEqual(
    seen({
      prompt: "火星有几颗卫星?请介绍火星的卫星。",
      answer: "火星有两颗卫星,分别是火卫一和火卫二,火星的卫星都很小,形状也不规则。",
      context: [],
    }),
    [],
  );
});

const FAULTS: ReadonlyArray<readonly [CheckName, string]> = [
  ["empty", " \n "],
  ["too-short", "Two moons of Mars."],
  ["contradiction", "The moons of Mars are definitely large, or perhaps small, as far as moons of Mars go."],
  ["contradiction", "火星的卫星一定很大也可能很小,火星卫星的大小就是这样的情况。"],
  ["off-topic", "Bread rises because yeast turns sugar into gas, which the dough then holds in bubbles."],
  ["repetition", "moons of Mars moons of Mars moons of Mars moons of Mars moons of Mars moons of Mars"],
  ["repetition", "火星卫星火星卫星火星卫星火星卫星火星卫星火星卫星火星卫星"],
  ["unclosed-code", "How large the moons of Mars are:\n```ts\nconst moons = 2;\n"],
  ["unsupported-claim", "Mars has 7 moons, Phobos and Deimos among them, says the text about the moons of Mars."],
];

for (const [check, answer] of FAULTS) {
  Deno.test(`a draft is caught for: ${check} (${answer.slice(0, 24).trim()}…)`, () => {
    assert.ok(seen({ ...GOOD, answer }).includes(check), String(seen({ ...GOOD, answer })));
  });
}

Deno.test("an empty answer is critical, and so is certainty with doubt in one sentence (20.15)", () => {
  const severity = (answer: string) =>
    lookOver({ ...GOOD, answer, context: [] }, ["empty", "contradiction"], policy).map((issue) => issue.severity);
  assert.deepEqual(severity(" \t\n"), ["critical"]);
  assert.deepEqual(severity("It is certainly so, or maybe not."), ["critical"]);
  assert.deepEqual(severity("这一定是对的,也可能不对。"), ["critical"]);
  assert.deepEqual(severity(GOOD.answer), []);
});

Deno.test("short, off-topic, repetitive and uncertain answers raise the issue of their name (20.16)", () => {
  const only = (draft: Partial<Draft>) => seen({ ...GOOD, context: [], ...draft });
  assert.deepEqual(only({ answer: "Two moons of Mars." }), ["too-short"]);
  assert.deepEqual(
    only({ answer: "Bread rises because yeast turns sugar into gas, which dough then holds in bubbles." }),
    ["off-topic"],
  );
  assert.deepEqual(only({ answer: "moons of Mars ".repeat(9) }), ["repetition"]);
  const unsure = Array.from({ length: 20 }, () => ({ entropy: 3.2, logprob: -3 }));
  assert.deepEqual(only({ tokens: unsure }), ["uncertain"]);
  const sure = unsure.map(() => ({ entropy: 0.4, logprob: -0.2 }));
  assert.deepEqual(only({ tokens: sure }), []);
  assert.deepEqual(only({ tokens: [{ entropy: NaN }] }), []);
});

Deno.test("a step of low confidence is weak, one that is as good as guessed is critical, and nonsense is neither", () => {
  const issue = (...steps: ReadonlyArray<number>) =>
    lookOver({ ...GOOD, steps }, ["weak-step"], policy).map(({ severity }) => severity);
  assert.deepEqual(issue(0.9, 0.28), []);
  assert.deepEqual(issue(0.9, 0.2799), ["warning"]);
  assert.deepEqual(issue(0.14), ["warning"]);
  assert.deepEqual(issue(0.1399, 0.2), ["critical"]);
  assert.deepEqual(issue(NaN, Infinity), []);
});

Deno.test("certainty in one sentence and doubt in another do not contradict, and a word inside a word is no word", () => {
  const answer =
    "Mars certainly has moons, that much is known of Mars. Perhaps it once had a ring. Uncertainty remains.";
  assert.ok(!seen({ ...GOOD, answer, context: [] }).includes("contradiction"));
});

Deno.test("only the named checks are made, the worst comes first, and penalties are bounded", () => {
  assert.deepEqual(lookOver({ ...GOOD, answer: "" }, ["repetition"], policy), []);
  const issues = lookOver({ ...GOOD, answer: "Definitely maybe." }, REFLECTION_CHECKS, policy);
  assert.equal(issues[0].severity, "critical");
  const many = Array.from({ length: 9 }, () => ({ check: "empty", severity: "critical" }) as const);
  assert.ok(Math.abs(selfQuality(many, policy) - (1 - policy["review.mostPenalty"])) < 1e-12);
  assert.equal(selfQuality([], policy), 1);
});

const said = (source: Statement["source"], result: number, digest = "d"): Statement => ({
  source,
  subject: "answer",
  result,
  digest,
});

Deno.test("what a run says of itself proves nothing and lifts quality to at most 0.6 (20.25)", () => {
  assert.deepEqual(weigh([said("self", 1)], policy), { quality: 0.6, proven: false, outside: 0 });
  assert.deepEqual(weigh([], policy), { quality: 0, proven: false, outside: 0 });
  const failed = weigh([said("self", 1), said("validator", 0)], policy);
  assert.ok(failed.quality <= 0.2 && failed.proven);
});

Deno.test("the same statement twice counts once, and however often a run praises itself it weighs the same", () => {
  const once = weigh([said("self", 1), said("validator", 0.5)], policy);
  assert.deepEqual(weigh([said("self", 1), said("validator", 0.5), said("validator", 0.5)], policy), once);
  const praise = Array.from({ length: 50 }, (_, i) => said("self", 1, `p${i}`));
  assert.equal(weigh([...praise, said("validator", 0.5)], policy).quality, once.quality);
});

Deno.test("one bad request is blocked, only a sustained fall rolls back, and what each allows is the table's (20.20)", () => {
  const bad = { quality: 0.2, proven: true, outside: 1 };
  let state: DriftState = STEADY;
  const verdicts: string[] = [];
  for (let i = 0; i < 4; i++) {
    const judged = judgeDrift(state, bad, [], policy);
    verdicts.push(judged.verdict);
    state = judged.state;
  }
  assert.deepEqual(verdicts, ["block", "block", "block", "rollback"]);
  assert.deepEqual(state, STEADY);
  assert.equal(judgeDrift(STEADY, { ...bad, quality: 0.55 }, [], policy).verdict, "watch");
  assert.equal(judgeDrift(STEADY, { ...bad, quality: 0.9 }, [], policy).verdict, "stable");
  const critical = [{ check: "empty", severity: "critical" }] as const;
  assert.equal(judgeDrift(STEADY, { ...bad, quality: 0.9 }, critical, policy).verdict, "block");
  assert.ok(Object.entries(PERMISSIONS).every(([verdict, { restore }]) => restore === (verdict === "rollback")));
});

Deno.test("quality that nobody measured blocks where it is poor and never moves the sum, however long", () => {
  let state: DriftState = { sum: 1.2, run: 4 };
  for (let i = 0; i < 200; i++) {
    const judged = judgeDrift(state, { quality: 0.1, proven: false, outside: 0 }, [], policy);
    assert.equal(judged.verdict, "block");
    state = judged.state;
  }
  assert.deepEqual(state, { sum: 1.2, run: 4 });
});

/** Requests until the alarm, where quality is normal around a mean. */
const runLength = (mean: number, seed: number): number => {
  const draw = random(seed);
  let state: DriftState = STEADY;
  for (let i = 1;; i++) {
    state = accumulate(state, mean + 0.15 * draw.normal(), policy);
    if (state.sum >= policy["drift.alarm"] || i >= 20_000) return i;
  }
};

Deno.test("steady quality runs hundreds of requests without a false alarm, a fall of a fifth is seen within fifteen", () => {
  const mean = (quality: number) =>
    Array.from({ length: 40 }, (_, seed) => runLength(quality, seed)).reduce((sum, n) => sum + n, 0) / 40;
  assert.ok(mean(0.75) > 1000, String(mean(0.75)));
  assert.ok(mean(0.5) < 15, String(mean(0.5)));
});
