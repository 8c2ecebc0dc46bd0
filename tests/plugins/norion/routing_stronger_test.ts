/** The choice between a cheap and a strong model: by stored routers, by own evidence, and not at all by too little. */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import type { Failure, Json, JsonObject } from "../../../kernel/mod.ts";
import { DEFAULT_POLICY } from "../../../plugins/norion/policy.ts";
import { fitRouter, fitRouterApart, scorer } from "../../../plugins/norion/routing/learned.ts";
import { readOutcomes, readRouter, writeRouter } from "../../../plugins/norion/routing/stored.ts";
import { type Choosing, explainRoute, pairOf, routeOf } from "../../../plugins/norion/routing/stronger.ts";
import { MOST_OUTCOMES, type Outcome, outcomeFold, type OutcomeState } from "../../../plugins/norion/state/outcomes.ts";
import { call, withPrograms } from "./program_models.ts";

const model = (id: string, quality: number, cost: number, kind: "http" | "heuristic" = "http") => ({
  id,
  kind,
  locality: "process" as const,
  quality,
  cost,
  window: 8192,
  latencyMs: 100,
});

const SMALL = model("small", 0.5, 1);
const LARGE = model("large", 0.9, 10);
const PAIR = { cheap: "small", strong: "large" };

/** Answers of a model with what a validator said of each. */
const judged = (by: string, results: ReadonlyArray<number>, work = "general/english-chat"): ReadonlyArray<Outcome> =>
  results.map((result, i) => ({
    request: `${by}${i}`,
    work,
    model: by,
    heard: [{ source: "validator", subject: "answer", witness: "arithmetic", result, digest: `sha256:${i}` }],
  }));

const some = (share: number, count: number): ReadonlyArray<number> =>
  Array.from({ length: count }, (_, i) => i < share * count ? 1 : 0);

const choosing = (more: Partial<Choosing> = {}): Choosing => ({
  models: [SMALL, LARGE],
  outcomes: [],
  work: "general/english-chat",
  prompt: "Why is the sky blue?",
  bound: 0.5,
  policy: DEFAULT_POLICY,
  ...more,
});

const LEAST = DEFAULT_POLICY["choice.evidence"];

Deno.test("there is a choice only between a cheaper model and a better one, and a template is neither", () => {
  assert.deepEqual([pairOf([SMALL, LARGE])?.cheap.id, pairOf([SMALL, LARGE])?.strong.id], ["small", "large"]);
  assert.equal(pairOf([SMALL]), undefined);
  assert.equal(pairOf([LARGE, model("heuristic", 0.05, 0, "heuristic")]), undefined);
  assert.equal(pairOf([SMALL, model("free", 0.9, 1)]), undefined);
  const three = pairOf([SMALL, model("middle", 0.7, 5), LARGE]);
  assert.deepEqual([three?.cheap.id, three?.strong.id], ["small", "large"]);
});

Deno.test("with one judged answer too few of either model nothing is decided, and the reason is said", () => {
  const enough = [...judged("small", some(0.4, LEAST)), ...judged("large", some(0.8, LEAST))];
  assert.ok(routeOf(choosing({ outcomes: enough }))?.learned);
  const few = routeOf(choosing({ outcomes: enough.slice(1) }))!;
  assert.equal(few.learned, undefined);
  assert.match(
    explainRoute(few),
    /^nothing learned: 19 and 20 judged answers of small and large, 20 each are needed$/u,
  );
});

Deno.test("the expected gain is the difference of both models' answers of that kind of work beside all of theirs", () => {
  const outcomes = [...judged("small", some(0.5, 20)), ...judged("large", some(0.75, 20))];
  const here = routeOf(choosing({ outcomes }))!.learned!;
  assert.ok(Math.abs(here.gain - 0.25) < 1e-12);
  assert.equal(here.asks, "strong");
  // Of work that was never seen, what they do on the whole is expected, and of work where they differ, nearly that.
  const apart = [
    ...outcomes,
    ...judged("small", some(1, 20), "coding/coding"),
    ...judged("large", some(1, 20), "coding/coding"),
  ];
  const coding = routeOf(choosing({ outcomes: apart, work: "coding/coding" }))!.learned!;
  const prior = DEFAULT_POLICY["choice.prior"];
  const expected = (mean: number) => (20 + prior * mean) / (20 + prior);
  assert.ok(Math.abs(coding.gain - (expected(0.875) - expected(0.75))) < 1e-12);
  assert.equal(coding.asks, "cheap");
});

Deno.test("the dearer model gets no greater share of the latest requests than it may, at the bound and past it", () => {
  const known = [...judged("small", some(0, 20)), ...judged("large", some(1, 20))];
  for (const bound of [0, 0.25, 0.5, 0.8, 1]) {
    let outcomes = known;
    let strong = 0;
    for (let i = 0; i < 120; i++) {
      const { asks } = routeOf(choosing({ outcomes, bound }))!.learned!;
      if (asks === "strong") strong++;
      outcomes = [...outcomes, { request: `r${i}`, work: "w", pair: PAIR, model: PAIR[asks], heard: [] }];
    }
    assert.ok(Math.abs(strong - 120 * bound) <= 2, `${bound}: ${strong}`);
  }
});

Deno.test("why a model is asked is said with its gain, its threshold and the share of late", () => {
  const known = [...judged("small", some(0, 20)), ...judged("large", some(1, 20))];
  const late = (count: number, by: "cheap" | "strong"): ReadonlyArray<Outcome> =>
    Array.from(
      { length: count },
      (_, i) => ({ request: `${by}-${i}`, work: "w", pair: PAIR, model: PAIR[by], heard: [] }),
    );
  const at = (...outcomes: ReadonlyArray<Outcome>) =>
    explainRoute(routeOf(choosing({ outcomes: [...known, ...outcomes] }))!);
  assert.equal(
    at(...late(6, "cheap"), ...late(4, "strong")),
    "asks large before small because gain 1.000 > threshold 0.100; 40 % of requests asked it lately, bound 50 % " +
      "(by evidence, 40 outcomes)",
  );
  assert.equal(
    at(...late(4, "cheap"), ...late(6, "strong")),
    "asks small before large though gain 1.000 > threshold 0.100, because 60 % of requests asked it lately, bound 50 % " +
      "(by evidence, 40 outcomes)",
  );
});

Deno.test("what a run says of itself teaches no routing, feedback replaces what the same person said, and old requests go", () => {
  const event = (type: string, data: Json) => ({ type, data, seq: 0 }) as never;
  const after = (...events: ReadonlyArray<[string, JsonObject]>): OutcomeState =>
    events.reduce((state, [type, data]) => outcomeFold.step(state, event(`norion.${type}`, data)), outcomeFold.initial);
  const planned: [string, JsonObject] = ["request.planned", { request: "r1", profile: "general", mode: "research" }];
  const said = (source: string, witness: string, result: number): [string, JsonObject] => [
    "evidence.given",
    { request: "r1", source, witness, result, subject: "answer", digest: "sha256:0" },
  ];
  const state = after(
    planned,
    ["request.answered", { request: "r1", model: "m" }],
    said("self", "self", 900),
    said("user", "ada", 1000),
    said("user", "ada", 0),
    said("validator", "proof", 1000),
  );
  const [{ model: by, work, heard }] = state.recent;
  assert.deepEqual([by, work], ["m", "general/research"]);
  assert.deepEqual(heard.map(({ witness, result }) => [witness, result]), [["ada", 0], ["proof", 1]]);
  const many = after(...Array.from({ length: MOST_OUTCOMES + 1 }, (_, i): [string, JsonObject] => [
    "request.planned",
    { request: `r${i}`, profile: "general", mode: "research" },
  ]));
  assert.deepEqual([many.recent.length, many.recent[0].request], [MOST_OUTCOMES, "r1"]);
  assert.deepEqual(after(planned, ["request.failed", { request: "r1" }]).recent, []);
});

const LETTERS = "integral river apple stone cloud paper light garden".split(" ");

/** Outcomes where the strong model is better exactly at questions with the word `integral`. */
const outcomes = (count: number): ReadonlyArray<{ text: string; weak: number; strong: number }> =>
  Array.from({ length: count }, (_, i) => ({
    text: [0, 1, 2, 3].map((k) => LETTERS[1 + (i * 7 + k * 3) % 6]).concat(i % 2 === 0 ? ["integral"] : ["garden"])
      .join(" "),
    weak: i % 2 === 0 ? 0 : 1,
    strong: 1,
  }));

Deno.test("outcomes are read from lines of JSON and from comma-separated values, and a wrong row is named", () => {
  const lines = '{"prompt":"a b","weak":0,"strong":true}\n\n{"length":7,"subject":"law","weak":0.5,"strong":1}\n';
  const both = [
    { question: { text: "a b" }, weak: 0, strong: 1 },
    { question: { length: 7, subject: "law" }, weak: 0.5, strong: 1 },
  ];
  assert.deepEqual(readOutcomes(lines), both);
  assert.deepEqual(readOutcomes('text,weak,strong,prompt_chars,subject\r\n"a b",0,1,,\r\n,0.5,1,7,law\r\n'), both);
  assert.deepEqual(readOutcomes('text,weak,strong\n"say ""hi"",\nthen go",1,1')[0].question.text, 'say "hi",\nthen go');
  for (
    const [text, reason] of [
      ["{\n", /line 1 .* no JSON object/u],
      ['{"text":"a","weak":2,"strong":1}', /line 1 .* no number from 0 to 1/u],
      ['{"weak":1,"strong":1}', /line 1 .* nothing of its question/u],
      ["text,weak\na,1", /line 2 .* how weak and strong did/u],
      ['text,weak,strong\n"a,1,1', /line 2 .* not closed/u],
    ] as const
  ) {
    assert.throws(
      () => readOutcomes(text),
      (error: Failure) => error.code === "NORION_REQUEST" && reason.test(error.message),
    );
  }
});

Deno.test("a stored router scores as it did, and bytes that are none are refused", () => {
  const observed = outcomes(120).map(({ text, weak, strong }) => ({ question: { text, subject: "s" }, weak, strong }));
  const router = fitRouter(observed);
  const back = readRouter("own", writeRouter({ router, reads: "prompt", observed: 120, pair: PAIR }));
  assert.deepEqual([back.name, back.observed, back.pair], ["own", 120, PAIR]);
  for (const { question } of observed) assert.equal(scorer(back.router)(question), scorer(router)(question));
  const bytes = (router: unknown) => new TextEncoder().encode(JSON.stringify(router));
  const other = { format: 1, reads: "prompt", observed: 1, router: { ...router, weights: [1] } };
  for (const wrong of [{}, { ...other, format: 2 }, other]) {
    assert.throws(() => readRouter("x", bytes(wrong)), { code: "NORION_MODELS" });
  }
});

Deno.test("outcomes of questions that only one model answered teach the difference of what each does", () => {
  const rows = outcomes(400).flatMap(({ text, weak, strong }, i) => {
    // Who answered has nothing to do with what was asked.
    const by = (i >> 1) % 2 === 0 ? "weak" as const : "strong" as const;
    return [{ question: { text }, by, result: by === "weak" ? weak : strong }];
  });
  const score = scorer(fitRouterApart(rows));
  assert.ok(score({ text: "river stone integral" }) > score({ text: "river stone garden" }) + 0.05);
  assert.throws(() => fitRouterApart(rows.filter(({ by }, i) => by === "weak" || i < 40)), { code: "NORION_REQUEST" });
});

/** A workspace with two programs as models, one cheap and wrong, one dear and right. */
const withTwo = (body: Parameters<typeof withPrograms>[1]) =>
  withPrograms({
    cheap: { answer: "12 + 30 = 41", quality: 0.5, cost: 1 },
    strong: { answer: "12 + 30 = 42", quality: 0.6, cost: 9 },
  }, body);

const linesOf = (answer: JsonObject): string => (answer.lines as ReadonlyArray<string>).join("\n");

Deno.test("a router that was learned from a file decides which model a request asks, and why says so", () =>
  withTwo((kernel, folder) =>
    Effect.gen(function* () {
      Deno.writeTextFileSync(
        `${folder}/outcomes.jsonl`,
        outcomes(300).map((row) => JSON.stringify(row)).join("\n"),
      );
      const hard = { prompt: "river stone apple cloud integral", reach: "machine" };
      const easy = { prompt: "river stone apple cloud garden", reach: "machine" };
      const before = yield* call(kernel, "norion.ask", hard);
      assert.equal(before.model, "command:cheap");
      const learned = yield* call(kernel, "norion.learnRouting", { name: "lab", file: `${folder}/outcomes.jsonl` });
      assert.deepEqual([learned.observed, learned.weak, learned.strong, learned.used], [300, 500, 1000, true]);
      // A router that knows the one word recovers all of the gap: its area is that of the perfect order, three quarters.
      assert.ok(Math.abs(Number(learned.area) - 750) <= 5, String(learned.area));
      assert.equal((yield* call(kernel, "norion.ask", hard)).model, "command:strong");
      const why = linesOf(yield* call(kernel, "norion.why", {}));
      assert.match(
        why,
        /models: asks command:strong before command:cheap because gain 1\.000 > threshold 0\.\d+; 0 %/u,
      );
      assert.match(why, /by the router lab@1, 300 outcomes/u);
      assert.equal((yield* call(kernel, "norion.ask", easy)).model, "command:cheap");
      assert.equal((yield* call(kernel, "norion.ask", { ...hard, router: "none" })).model, "command:cheap");
      const none = yield* Effect.flip(call(kernel, "norion.ask", { ...hard, router: "nobody" }));
      assert.deepEqual([none.code, none.path], ["NORION_REQUEST", "/router"]);
    })
  ));

Deno.test("requests that were judged teach which model to ask, once there are enough of them", () =>
  withTwo((kernel) =>
    Effect.gen(function* () {
      const asked = { prompt: "What is 12 + 30?", reach: "machine" };
      const planned = () => Effect.map(call(kernel, "norion.plan", asked), linesOf);
      assert.match(yield* planned(), /models {4}nothing learned: 0 and 0 judged answers/u);
      for (const by of ["command:cheap", "command:strong"]) {
        for (let i = 0; i < LEAST; i++) yield* call(kernel, "norion.ask", { ...asked, model: by });
      }
      assert.match(
        yield* planned(),
        /asks command:strong before command:cheap because gain 1\.000 > threshold 0\.100/u,
      );
      const made = yield* call(kernel, "norion.ask", asked);
      assert.deepEqual([made.model, made.answer], ["command:strong", "12 + 30 = 42"]);
      const request = String(made.request);
      const again = yield* call(kernel, "norion.retrace", { ...asked, request });
      assert.equal(again.samePlan, true);
      // A request that was asked of one model alone chose nothing; the one above did, so the share is all of one.
      assert.match(
        yield* planned(),
        /asks command:cheap .* though .* because 100 % of requests asked it lately, bound 50 %/u,
      );
      const models = { cheap: "command:cheap", strong: "command:strong" };
      const few = yield* Effect.flip(call(kernel, "norion.learnRouting", { name: "own", models }));
      assert.deepEqual([few.code, few.expected, few.actual], ["NORION_REQUEST", "at least 25", "20"]);
      for (let i = 0; i < 5; i++) {
        for (const by of Object.values(models)) yield* call(kernel, "norion.ask", { ...asked, model: by });
      }
      const own = yield* call(kernel, "norion.learnRouting", { name: "own", models });
      assert.deepEqual([own.observed, own.weak, own.strong, own.used, own.area], [51, 0, 1000, true, undefined]);
      assert.match(yield* planned(), /by the router own@1, 51 outcomes/u);
    })
  ));
