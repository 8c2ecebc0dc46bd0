import assert from "node:assert/strict";
import { random } from "../../../kernel/mod.ts";
import { hashed, measured } from "../../../plugins/norion/routing/features.ts";
import {
  areaRecovered,
  fitRouter,
  LEAST_OBSERVED,
  type Observed,
  scorer,
  thresholdFor,
} from "../../../plugins/norion/routing/learned.ts";
import { foldsOf, gsm8k, heldOutArea, mmlu, shuffledOutcomes } from "./routing_tables.ts";

Deno.test("area recovered: perfect order, worst order, and chance have their closed forms", () => {
  const rows = Array.from({ length: 100 }, (_, i) => ({ weak: 0, strong: i < 50 ? 1 : 0, score: -i }));
  assert.ok(Math.abs(areaRecovered(rows) - 0.75) < 1e-12);
  assert.ok(Math.abs(areaRecovered(rows.map((row) => ({ ...row, score: -row.score }))) - 0.25) < 1e-12);
});

Deno.test("on RouteLLM's MMLU table the router recovers more than means by subject do (0.6757)", async () => {
  const rows = await mmlu();
  const areas = [0, 1].map((seed) => heldOutArea(rows, seed));
  assert.ok((areas[0] + areas[1]) / 2 >= 0.676, String(areas));
});

Deno.test("on RouteLLM's GSM8K table the router recovers more than hashed n-grams did (0.6192)", async () => {
  const rows = await gsm8k();
  const areas = [0, 1].map((seed) => heldOutArea(rows, seed));
  assert.ok((areas[0] + areas[1]) / 2 >= 0.62, String(areas));
});

Deno.test("with outcomes dealt out anew there is nothing to learn", async () => {
  const rows = (await mmlu()).slice(0, 4000);
  const areas = Array.from({ length: 12 }, (_, seed) => heldOutArea(shuffledOutcomes(rows, seed), seed));
  const mean = areas.reduce((sum, area) => sum + area, 0) / areas.length;
  assert.ok(Math.abs(mean - 0.5) < 0.03, String(mean));
});

Deno.test("an asked share of strong calls is met on questions the router has not seen", async () => {
  const [{ fitted, judged }] = foldsOf(await mmlu(), 5);
  const router = fitRouter(fitted);
  const score = scorer(router);
  const scores = judged.map(({ question }) => score(question));
  for (const share of [0, 0.1, 0.25, 0.5, 0.75, 1]) {
    const threshold = thresholdFor(router, share);
    const met = scores.filter((value) => value >= threshold).length / scores.length;
    assert.ok(Math.abs(met - share) < 0.02, `${share}: ${met}`);
  }
});

Deno.test("a gain that hangs on one word is found", () => {
  const draw = random(11);
  const filler = ["river", "apple", "stone", "cloud", "paper", "light"];
  const rows: ReadonlyArray<Observed> = Array.from({ length: 600 }, (_, i) => {
    const words = Array.from({ length: 8 }, () => draw.pick(filler));
    if (i % 2 === 0) words[draw.below(8)] = "integral";
    return { question: { text: words.join(" ") }, weak: i % 2 === 0 ? 0 : 1, strong: 1 };
  });
  const score = scorer(fitRouter(rows));
  assert.ok(score({ text: "stone integral river" }) > score({ text: "stone paper river" }));
});

Deno.test("the fit does not hang on the order of subjects, and what it never saw is scored", () => {
  const rows: ReadonlyArray<Observed> = Array.from({ length: LEAST_OBSERVED }, (_, i) => ({
    question: { length: 100 + i, subject: i % 2 === 0 ? "law" : "physics" },
    weak: i % 2,
    strong: 1,
  }));
  const router = fitRouter(rows);
  assert.deepEqual(router.subjects, ["law", "physics"]);
  const score = scorer(router);
  assert.ok(score({ length: 120, subject: "law" }) > score({ length: 120, subject: "physics" }));
  assert.ok(Number.isFinite(score({ length: 120, subject: "history" })));
  assert.ok(Number.isFinite(score({ text: "" })));
  assert.throws(() => fitRouter(rows.slice(1)), { code: "NORION_REQUEST" });
});

Deno.test("features are numbers for every text", () => {
  for (const text of ["", "🙂", "3.5% of 1,200 每 ```", "a".repeat(100_000)]) {
    assert.ok(measured({ text }).every(Number.isFinite));
    for (const [bucket, value] of hashed({ text })) assert.ok(bucket >= 0 && bucket < 512 && Number.isFinite(value));
  }
});
