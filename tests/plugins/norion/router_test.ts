/** How a request is weighed: attention, candidates and weights (the acceptance list's items on router and hierarchy). */
import assert from "node:assert/strict";
import { TARGETS, towards } from "../../../plugins/norion/hierarchy.ts";
import { plan } from "../../../plugins/norion/plan.ts";
import { DEFAULT_POLICY } from "../../../plugins/norion/policy.ts";
import {
  attentionOf,
  type Candidate,
  type CandidateOptions,
  candidateScore,
  decideCandidates,
  initialRouter,
  observe,
  type RouteSignals,
  termScore,
} from "../../../plugins/norion/router.ts";
import { random } from "../../../kernel/mod.ts";
import { deviceAt, remembered, stateWith } from "./states.ts";

const PROMPT = "Refactor parseHTTP2Frame() so that RFC-9113 padding of 255 bytes is handled, then explain the change";

const QUIET: RouteSignals = { cacheHit: 0, pressure: 0, contextTokens: 100, hierarchy: TARGETS.coding };

const attention = (signals: Partial<RouteSignals> = {}, threshold = 0.5): number =>
  attentionOf(PROMPT, "coding", threshold, { ...QUIET, ...signals });

Deno.test("low quality lowers only that profile's threshold (20.1)", () => {
  const start = initialRouter(DEFAULT_POLICY);
  const after = observe(start, "coding", { quality: 0.3, contradictions: 0 }, DEFAULT_POLICY);
  assert.ok(after.coding.threshold < start.coding.threshold);
  assert.deepEqual({ ...after, coding: start.coding }, start);
});

Deno.test("very good quality raises the threshold, and any contradiction prevents it (20.2)", () => {
  const start = initialRouter(DEFAULT_POLICY);
  const at = (contradictions: number) =>
    observe(start, "writing", { quality: 0.95, contradictions }, DEFAULT_POLICY).writing.threshold;
  assert.ok(at(0) > start.writing.threshold);
  assert.equal(at(1), start.writing.threshold);
});

Deno.test("what is no number is ignored, and the bounds hold at their ends (20.3)", () => {
  const start = initialRouter(DEFAULT_POLICY);
  for (const quality of [NaN, Infinity, -Infinity]) {
    assert.equal(observe(start, "general", { quality, contradictions: 0 }, DEFAULT_POLICY), start);
  }
  const low = { ...start, general: { threshold: DEFAULT_POLICY["route.low"], observations: 1 } };
  const high = { ...start, general: { threshold: DEFAULT_POLICY["route.high"], observations: 1 } };
  assert.equal(observe(low, "general", { quality: 0, contradictions: 9 }, DEFAULT_POLICY).general.threshold, 0.18);
  assert.equal(observe(high, "general", { quality: 1, contradictions: 0 }, DEFAULT_POLICY).general.threshold, 0.88);
});

Deno.test("observing is a function: what a preview sees is what happens, and nothing it was given changes (20.4)", () => {
  const start = Object.freeze(initialRouter(DEFAULT_POLICY));
  const before = JSON.stringify(start);
  const once = observe(start, "coding", { quality: 0.2, contradictions: 1 }, DEFAULT_POLICY);
  assert.deepEqual(observe(start, "coding", { quality: 0.2, contradictions: 1 }, DEFAULT_POLICY), once);
  assert.equal(JSON.stringify(start), before);
});

Deno.test("a tight wait, a busy device and a strong recall each take attention away (20.5)", () => {
  const whole = attention();
  assert.ok(whole > 0 && whole <= 1);
  assert.ok(attention({ latencyMs: 100 }) < whole);
  assert.ok(attention({ pressure: 1 }) < whole);
  assert.ok(attention({ cacheHit: 1 }) < whole);
  for (const term of ["RFC-9113", "padding", "255"]) {
    assert.ok(termScore(term, 0, "coding", { ...QUIET, latencyMs: 100 }) < termScore(term, 0, "coding", QUIET));
  }
});

Deno.test("each weight of the hierarchy raises attention, global the most (20.6)", () => {
  const score = (hierarchy: RouteSignals["hierarchy"]) => termScore("padding", 0, "coding", { ...QUIET, hierarchy });
  const none = score({ global: 0, local: 0, fused: 0 });
  const [global, local, fused] = [
    { global: 1, local: 0, fused: 0 },
    { global: 0, local: 1, fused: 0 },
    { global: 0, local: 0, fused: 1 },
  ].map((weights) => score(weights) - none);
  assert.ok(global > fused && fused > local && local > 0);
});

const OPTIONS: CandidateOptions = { threshold: 0.5, pressure: 0, tokens: 1000, policy: DEFAULT_POLICY };

const candidate = (id: string, similarity: number, more: Partial<Candidate> = {}): Candidate => ({
  ...remembered(id, `${id} says something of its own about ${id}`),
  similarity,
  ...more,
});

/** The likeness at which a candidate's score is a given one. */
const likeness = (wanted: number, options: CandidateOptions, more: Partial<Candidate> = {}): number => {
  const [at0, at1] = [0, 1].map((similarity) => candidateScore(candidate("x", similarity, more), options));
  return (wanted - at0) / (at1 - at0);
};

Deno.test("an anchor survives a score within the band below the threshold, any other item waits; below it both go (20.7)", () => {
  const inBand = likeness(OPTIONS.threshold - 0.1, OPTIONS);
  const poor = { trust: 0, recency: 0 };
  const below = likeness(OPTIONS.threshold - 0.27, OPTIONS, poor);
  const verdicts = (similarity: number, more: Partial<Candidate> = {}) =>
    [true, false].map((anchor) =>
      decideCandidates([candidate("x", similarity, { ...more, anchor })], OPTIONS)[0].verdict
    );
  assert.deepEqual(verdicts(inBand), ["compress", "defer"]);
  assert.ok(below > 0);
  assert.deepEqual(verdicts(below, poor), ["skip", "skip"]);
});

Deno.test("a busy device takes a dear item only in part or not at all, and a part is about a third (20.8)", () => {
  const text = "a long account of everything ".repeat(40);
  const options = { ...OPTIONS, threshold: 0.2, pressure: 0.9, tokens: 300 };
  const more = { text, trust: 1, recency: 1, reward: 1 };
  const [calm] = decideCandidates([candidate("x", 1, more)], { ...options, pressure: 0.1 });
  assert.equal(calm.verdict, "include");
  const [busy] = decideCandidates([candidate("x", 1, more)], options);
  assert.equal(busy.verdict, "compress");
  assert.ok(Math.abs(busy.tokens / calm.tokens - 0.34) < 0.02);
  assert.equal(decideCandidates([candidate("x", 0, more)], options)[0].verdict, "skip");
  assert.notEqual(decideCandidates([candidate("x", 0.4, { ...more, anchor: true })], options)[0].verdict, "skip");
});

Deno.test("the order of candidates is that of their scores, ties by id, whatever order they came in (20.9)", () => {
  const items = [candidate("b", 0.9), candidate("a", 0.9), candidate("c", 0.95), candidate("d", 0.1)];
  const order = decideCandidates(items, OPTIONS).map(({ id }) => id);
  const draw = random(7);
  for (let turn = 0; turn < 20; turn++) {
    assert.deepEqual(decideCandidates(draw.shuffle(items), OPTIONS).map(({ id }) => id), order);
  }
  assert.deepEqual(order.slice(0, 3), ["c", "a", "b"]);
});

Deno.test("low, normal and expanded budgets differ in what they give, within the caps even with anchors (20.10)", () => {
  const budget = (prompt: string, maxTokens?: number) =>
    plan(stateWith(), {
      prompt,
      profile: "general",
      scope: "s",
      ...(maxTokens === undefined ? {} : { maxTokens }),
    }, deviceAt("cpu")).budget;
  const [low, normal, expanded] = [
    budget("Say hello in one word"),
    budget("Explain how tides arise"),
    budget(`Explain how tides arise. ${"Consider the moon and the sun. ".repeat(120)}`),
  ];
  assert.deepEqual([low.class, normal.class, expanded.class], ["low", "normal", "expanded"]);
  assert.ok(low.answerTokens < normal.answerTokens && normal.answerTokens < expanded.answerTokens);
  const anchors = Array.from({ length: 60 }, (_, i) => ({ name: `f${i}`, text: `file ${i} `.repeat(50) }));
  const crowded = plan(
    stateWith(),
    { prompt: "Explain", profile: "general", scope: "s", files: anchors },
    deviceAt("cpu"),
  );
  assert.equal(crowded.budget.class, "normal");
  assert.ok(
    crowded.context.reduce((sum, { tokens }) => sum + tokens, 0) <=
      crowded.device.localTokens + crowded.device.globalTokens,
  );
});

Deno.test("a preview of weights moves none by more than 0.08 (20.13)", () => {
  const draw = random(11);
  for (let turn = 0; turn < 200; turn++) {
    const raw = [draw.float(), draw.float(), draw.float()];
    const sum = raw[0] + raw[1] + raw[2];
    const from = { global: raw[0] / sum, local: raw[1] / sum, fused: raw[2] / sum };
    for (const rate of [1, DEFAULT_POLICY["hierarchy.rate"]]) {
      const to = towards(from, "coding", { ...DEFAULT_POLICY, "hierarchy.rate": rate });
      assert.ok(Math.abs(to.global + to.local + to.fused - 1) < 1e-12);
      for (const part of ["global", "local", "fused"] as const) {
        assert.ok(Math.abs(to[part] - from[part]) <= 0.08 + 1e-12, `${from[part]} ${to[part]}`);
      }
    }
  }
});
