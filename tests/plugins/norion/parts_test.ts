import assert from "node:assert/strict";
import { random } from "../../../kernel/mod.ts";
import { planDevice, presetOf, PRESETS, pressureOf } from "../../../plugins/norion/device.ts";
import { normalised, TARGETS, towards } from "../../../plugins/norion/hierarchy.ts";
import { DEFAULT_POLICY, type Policy, THRESHOLDS } from "../../../plugins/norion/policy.ts";
import { profileOf, PROFILES, readPrompt } from "../../../plugins/norion/profile.ts";
import { schedule } from "../../../plugins/norion/recursion.ts";
import { initialRouter, observe } from "../../../plugins/norion/router.ts";
import { cosine, estimateTokens, scriptOf, vectorOf } from "../../../plugins/norion/text.ts";
import { deviceAt } from "./states.ts";

Deno.test("scripts are told apart, and a text of both is mixed", () => {
  assert.equal(scriptOf("How are you"), "en");
  assert.equal(scriptOf("今天天气怎么样"), "zh");
  assert.equal(scriptOf("请 review 这个 function"), "mixed");
  assert.equal(scriptOf("12 + 3"), "none");
});

Deno.test("vectors see order within words: an anagram is not the same text", () => {
  const a = vectorOf("listen to the silent night");
  assert.ok(Math.abs(cosine(a, a) - 1) < 1e-6);
  assert.ok(cosine(a, vectorOf("enlist ot teh tinsel thing")) < 0.4);
  assert.ok(cosine(vectorOf("退款政策是什么"), vectorOf("我们的退款政策")) > 0.3);
  assert.deepEqual([...new Set(vectorOf("…!"))], [0]);
});

Deno.test("chunks cover every character in order, and the predicted calls are within a tenth of the input's windows", () => {
  const words = random(7);
  let text = "";
  for (let i = 0; i < 40_000; i++) {
    text += `${"abcdefgh".slice(0, 1 + words.below(8))}${words.below(12) === 0 ? ". " : " "}`;
  }
  for (const window of [1024, 4096]) {
    const made = schedule(text, { window, overlap: 1 / 64, partial: 32, parallel: 3, maxCalls: 1000 });
    let reached = 0;
    for (const { from, to, tokens } of made.chunks) {
      assert.ok(from <= reached && to > reached, `gap before ${from}`);
      assert.ok(tokens <= window);
      reached = to;
    }
    assert.equal(reached, text.length);
    assert.deepEqual(made.waves.flat(), made.chunks.map(({ index }) => index));
    assert.ok(made.waves.every((wave) => wave.length <= 3));
    let left = made.chunks.length;
    for (const round of made.rounds) {
      assert.deepEqual(round.flatMap(({ inputs }) => inputs), Array.from({ length: left }, (_, i) => i));
      left = round.length;
    }
    assert.equal(left, 1);
    assert.equal(made.calls, made.chunks.length + made.rounds.flat().length);
    const windows = Math.ceil(estimateTokens(text) / window);
    assert.ok(made.calls <= Math.ceil(1.1 * windows), `${made.calls} calls for ${windows} windows`);
  }
});

Deno.test("a text of one window is one call, one token more is not, and more calls than allowed are refused beforehand", () => {
  const options = { window: 100, overlap: 0, partial: 10, parallel: 1, maxCalls: 3 };
  assert.equal(schedule("x ".repeat(100), options).calls, 1);
  assert.equal(schedule("x ".repeat(101), options).calls, 3);
  assert.throws(() => schedule("x ".repeat(201), options), { code: "NORION_REQUEST" });
});

Deno.test("surrogate pairs are never cut", () => {
  const text = "🙂".repeat(5000);
  for (
    const { from, to } of schedule(text, { window: 33, overlap: 0.03, partial: 8, parallel: 1, maxCalls: 9999 }).chunks
  ) {
    assert.ok(text.slice(from, to).isWellFormed());
  }
});

Deno.test("one request moves one profile's threshold by one bounded step, and what is not a number moves nothing", () => {
  const start = initialRouter(DEFAULT_POLICY);
  const worst = observe(start, "coding", { quality: 0, contradictions: 9 }, DEFAULT_POLICY);
  assert.ok(Math.abs(start.coding.threshold - worst.coding.threshold - DEFAULT_POLICY["route.step"]) < 1e-12);
  for (const profile of PROFILES) if (profile !== "coding") assert.equal(worst[profile], start[profile]);
  assert.equal(observe(start, "coding", { quality: NaN, contradictions: 0 }, DEFAULT_POLICY), start);
  assert.equal(
    observe(start, "coding", { quality: 1, contradictions: 1 }, DEFAULT_POLICY).coding.threshold,
    start.coding.threshold,
  );
  assert.ok(observe(start, "coding", { quality: 1, contradictions: 0 }, DEFAULT_POLICY).coding.threshold > 0.52);
});

Deno.test("no sequence of outcomes drives a threshold out of its range", () => {
  const draw = random(3);
  let state = initialRouter(DEFAULT_POLICY);
  for (let i = 0; i < 2000; i++) {
    const quality = draw.below(3) === 0 ? draw.float() * 3 - 1 : i % 2000 < 1000 ? 0 : 1;
    state = observe(state, "general", { quality, contradictions: draw.below(3) }, DEFAULT_POLICY);
    assert.ok(state.general.threshold >= 0.18 && state.general.threshold <= 0.88);
  }
});

Deno.test("weights always sum to one and move toward the target", () => {
  for (const profile of PROFILES) {
    const from = { global: 1, local: 0, fused: 0 };
    const to = towards(from, profile, DEFAULT_POLICY);
    assert.ok(Math.abs(to.global + to.local + to.fused - 1) < 1e-12);
    assert.ok(to.global < 1 && to.global >= 1 - 0.08 - 1e-12);
    assert.equal(normalised({ global: NaN, local: 1, fused: 0 }, TARGETS[profile]), TARGETS[profile]);
    assert.equal(normalised({ global: -1, local: 1, fused: 1 }, TARGETS[profile]), TARGETS[profile]);
  }
});

Deno.test("every preset and alias names one device, and an unknown one is refused", () => {
  for (const device of PRESETS) {
    for (const name of [device.name, ...device.aliases]) assert.equal(presetOf(name), device);
  }
  assert.equal(
    new Set(PRESETS.flatMap(({ name, aliases }) => [name, ...aliases])).size,
    PRESETS.flatMap(({ aliases }) => aliases).length + PRESETS.length,
  );
  assert.throws(() => presetOf("quantum"), { code: "NORION_DEVICE" });
});

Deno.test("loads above one are percent, and a busier device never allows more", () => {
  for (const { name } of PRESETS) {
    assert.ok(Math.abs(pressureOf(deviceAt(name, 0.4)) - pressureOf(deviceAt(name, 40))) < 1e-12);
    let before = planDevice(deviceAt(name, 0), 10, DEFAULT_POLICY);
    for (let load = 0.1; load <= 1; load += 0.1) {
      const now = planDevice(deviceAt(name, load), 10, DEFAULT_POLICY);
      assert.ok(now.localTokens <= before.localTokens && now.globalTokens <= before.globalTokens);
      assert.ok(now.parallel <= before.parallel && now.parallel >= 1 && now.cacheBits <= before.cacheBits);
      before = now;
    }
  }
});

Deno.test("profiles are named in two languages, and an unknown one is refused with the nearest", () => {
  assert.equal(profileOf("编程"), "coding");
  assert.equal(profileOf(" Long-Document "), "long-context");
  assert.throws(
    () => profileOf("codng"),
    (thrown: { readonly suggestions: ReadonlyArray<string> }) => thrown.suggestions.includes("coding"),
  );
});

Deno.test("a mode is read off the text in two languages, and a failing compiler beats mere code (20.11)", () => {
  const mode = (prompt: string, maxTokens?: number) => readPrompt(prompt, "general", maxTokens).mode;
  assert.equal(mode("error[E0308] in this function"), "compiler-fix");
  assert.equal(mode("这个函数编译失败"), "compiler-fix");
  assert.equal(mode("Implement a function"), "coding");
  assert.equal(mode("Explain monads briefly"), "low-budget");
  assert.equal(mode("Implement a function", 96), "low-budget");
  assert.equal(mode("Implement a function", 97), "coding");
  assert.equal(mode("今天好吗"), "chinese-chat");
  assert.equal(mode("How are you"), "english-chat");
});

Deno.test("every threshold lies in its own range and is used by name", () => {
  for (const [name, { value, low, high, reason }] of Object.entries(THRESHOLDS)) {
    assert.ok(value >= low && value <= high, name);
    assert.ok(reason.length > 10, name);
    assert.equal(DEFAULT_POLICY[name as keyof Policy], value);
  }
});
