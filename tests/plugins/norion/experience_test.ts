/** Experience over a ledger on disk: what is kept of a request, found again, looked over, mended and learned from. */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { join } from "node:path";
import type { LedgerShape } from "../../../effects/mod.ts";
import { digestJson } from "../../../kernel/mod.ts";
import { sharedTerms, shareOf, withEnglish } from "../../../plugins/norion/experience/bilingual.ts";
import {
  audit,
  capOf,
  type Lesson,
  mended,
  mendings,
  noiseOf,
  riskOf,
} from "../../../plugins/norion/experience/hygiene.ts";
import { hintOf, indexed, search } from "../../../plugins/norion/experience/retrieval.ts";
import { lessonOf, packed, topicOf } from "../../../plugins/norion/experience/texts.ts";
import { scopeDigest, scopeKey } from "../../../plugins/norion/memory/service.ts";
import { DEFAULT_POLICY as policy } from "../../../plugins/norion/policy.ts";
import { type ExperienceRecord, type RecordData, recordedEvent } from "../../../plugins/norion/state/experience.ts";
import { exchange, ME, withNorion } from "./answering.ts";

const NOWHERE = digestJson("nowhere");

const RECORD: ExperienceRecord = {
  request: "r1",
  scope: NOWHERE,
  profile: "coding",
  mode: "coding",
  prompt: NOWHERE,
  topic: NOWHERE,
  quality: 800,
  proven: true,
  contradictions: 0,
  issues: { info: 0, warning: 0, critical: 0 },
  drift: "stable",
  reward: 700,
  reinforcement: "hold",
  used: [],
  stored: [],
  noise: [],
  recursive: false,
  probation: false,
  pressure: 0,
  status: "kept",
  mark: "reuse",
  lesson: NOWHERE,
  duplicateOf: null,
  born: 1,
  applied: [],
};

const lessonAt = (request: string, topic: string, lesson: string, more: Partial<ExperienceRecord> = {}): Lesson => ({
  record: { ...RECORD, request, ...more },
  topic,
  lesson,
});

const PARSER = lessonAt(
  "r1",
  "compile error fix parser",
  "The compile error in the parser went away once the type of the token was narrowed.",
);
const COFFEE = lessonAt("r2", "coffee brew grind", "A finer grind makes the coffee stronger.", { profile: "general" });
const TRANSCRIPT =
  "$ git push origin main\nerror: failed to push some refs\n$ git pull --rebase\nwarning: merge conflict";

Deno.test("a record is found for a prompt about the same, and not for another", () => {
  const found = (prompt: string) =>
    search([PARSER, COFFEE].map(indexed), prompt, "coding", policy).map(({ record }) => record.request);
  assert.deepEqual(found("How do I fix the compile error in my parser?"), ["r1"]);
  assert.deepEqual(found("How fine should coffee be ground, which grind?"), ["r2"]);
  assert.deepEqual(found("What is the capital of Peru?"), []);
});

Deno.test("a Chinese prompt finds the English lesson of the same, and an English prompt the Chinese one (20.73)", () => {
  const chinese = lessonAt("r3", "内存泄漏 服务器 修复", "关闭监听器以后,服务器的内存泄漏就消失了。");
  const found = (prompt: string) =>
    search([PARSER, COFFEE, chinese].map(indexed), prompt, "coding", policy)[0]?.record.request;
  assert.equal(found("怎样修复解析器的编译错误?"), "r1");
  assert.equal(found("How do I fix a memory leak of the server?"), "r3");
  assert.equal(found("巴黎的天气怎么样?"), undefined);
});

Deno.test("phrases of the trade gain their English, other texts keep exactly their own words", () => {
  assert.equal(withEnglish("plain English"), "plain English");
  assert.equal(withEnglish("今天下雨"), "今天下雨");
  assert.match(withEnglish("修复编译错误"), /compile error.*fix/u);
  assert.ok(shareOf(sharedTerms("编译错误"), sharedTerms("a compiling errors page")) === 1);
  assert.equal(shareOf(new Set(), new Set(["a"])), 0);
});

Deno.test("a pasted transcript about something else is neither recalled nor kept and caps quality; one the prompt is about is used (20.71)", () =>
  withNorion((norion, ledger) =>
    Effect.gen(function* () {
      const { request } = yield* exchange(norion, "How is coffee brewed at home, please?", TRANSCRIPT);
      const [kept] = yield* norion.experience.list(ME);
      assert.deepEqual([kept.record.request, kept.lesson, kept.record.noise], [request, "", ["transcript"]]);
      assert.ok(kept.record.quality <= 50);
      assert.deepEqual(yield* norion.experience.candidates(ME, "How is coffee brewed at home?", "general"), []);
      yield* stored(ledger, { ...RECORD, request: "r9" }, "git push error rebase merge conflict", TRANSCRIPT);
      const about = yield* norion.experience.find(
        ME,
        "Why does git push end with an error about a merge conflict?",
        "coding",
      );
      assert.deepEqual(about.map(({ record }) => record.request), ["r9"]);
      assert.match(about[0].hint, /git pull --rebase/u);
      const other = yield* norion.experience.find(ME, "Why does the espresso machine leak?", "coding");
      assert.deepEqual(other, []);
    })
  ));

/** Appends a record whose texts are what they are told to be. */
const stored = (
  ledger: LedgerShape,
  record: Omit<RecordData, "topic" | "lesson" | "scope">,
  topic: string,
  lesson: string,
) =>
  Effect.gen(function* () {
    const scope = yield* scopeDigest(ledger, ME);
    const put = (kind: "topic" | "lesson", text: string) =>
      ledger.putBlob(packed(record.request, kind, text), { private: true });
    const data = { ...record, scope, topic: yield* put("topic", topic), lesson: yield* put("lesson", lesson) };
    yield* ledger.append([recordedEvent(data, "user@tty")]);
  });

Deno.test("a lesson that is only figures is not shown; the words it was about are (20.72)", () => {
  const figures = lessonAt("r4", "benchmark loop", "quality=926 reward=761 tokens=134 sha256:abcdef0123456789 0.52");
  assert.equal(hintOf(figures, policy), "benchmark loop");
  assert.equal(hintOf(PARSER, policy), `Worked: ${PARSER.lesson}`);
  assert.match(hintOf({ ...PARSER, record: { ...RECORD, mark: "revise" } }, policy), /^Did not work: /u);
});

Deno.test("no prompt can be read off its record: only the words it was about are kept, redacted", () =>
  withNorion((norion, _ledger, folder) =>
    Effect.gen(function* () {
      const prompt = "Please tell Marzipanschwein that his door code is password=tangerine-socket and why it failed.";
      yield* exchange(norion, prompt, "The door code of the door fails because the door was moved last week.");
      const [{ topic }] = yield* norion.experience.list(ME);
      assert.ok(!prompt.includes(topic) && topic.includes("door") && !topic.includes("tangerine"));
      assert.deepEqual(filesWith(folder, "tangerine-socket"), []);
      assert.deepEqual(filesWith(folder, "Please tell Marzipanschwein"), []);
    })
  ));

const filesWith = (folder: string, text: string): ReadonlyArray<string> =>
  [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) => {
    const path = join(folder, name);
    if (isDirectory) return filesWith(path, text);
    return new TextDecoder("latin1").decode(Deno.readFileSync(path)).includes(text) ? [path] : [];
  });

Deno.test("topics and lessons are short, in any script", () => {
  const long = "排序函数的性能为什么在大数组上这么差呢? ".repeat(50) + "words and more words ".repeat(50);
  assert.ok(topicOf(long, policy).length <= policy["experience.topic"]);
  assert.ok(topicOf("排序函数的性能", policy).split(" ").includes("排序函数"));
  assert.ok([...lessonOf(long, policy)].length <= policy["experience.lesson"]);
  assert.equal(lessonOf("```ts\nonly code\n```", policy), "");
  assert.equal(topicOf("", policy), "");
});

const NOISY: ReadonlyArray<readonly [string, string]> = [
  ["transcript", TRANSCRIPT],
  ["control-header", "[norion route=0.52 gen=3] The answer follows."],
  ["backend-error", "The upstream said 429: rate limit exceeded, try again."],
  ["metadata", "quality=926 reward=761 tokens=134"],
  ["over-long", "word ".repeat(200)],
];

for (const [noise, text] of NOISY) {
  Deno.test(`a lesson is seen to be noise: ${noise}`, () => {
    assert.deepEqual(noiseOf(text, "coffee", policy), [noise]);
    assert.deepEqual(noiseOf(PARSER.lesson, "coffee", policy), []);
  });
}

Deno.test("noise caps quality, the worst cap counting, and an unknown name caps nothing", () => {
  assert.deepEqual(
    [capOf([]), capOf(["duplicate"]), capOf(["backend-error"]), capOf(["duplicate", "transcript"]), capOf(["moon"])],
    [1, 0.72, 0.62, 0.05, 1],
  );
});

Deno.test("index quality is one less what the worst noise and the shares of noise cost", () => {
  const clean = audit([PARSER, COFFEE], policy);
  assert.deepEqual([clean.quality, clean.risk, clean.noisy], [1, "clean", []]);
  const twin = { ...PARSER, record: { ...RECORD, request: "r5" } };
  const doubled = audit([PARSER, twin], policy);
  // Harm of a duplicate 0.15, half of the records are duplicates at 0.25.
  assert.ok(Math.abs(doubled.quality - (1 - 0.15 - 0.25 / 2)) < 1e-12);
  assert.deepEqual(doubled.noisy, [{ request: "r5", noises: ["duplicate"] }]);
  const spoilt = audit([PARSER, lessonAt("r6", "coffee", TRANSCRIPT)], policy);
  assert.ok(Math.abs(spoilt.quality - (1 - 0.5 - 0.35 / 2)) < 1e-12);
  assert.deepEqual([0.92, 0.75, 0.5, 0.4999].map((quality) => riskOf(quality, policy)), [
    "clean",
    "watch",
    "degraded",
    "blocked",
  ]);
});

Deno.test("mending projects the quality it reaches, and mending the mended finds nothing", () => {
  const all = [
    PARSER,
    { ...PARSER, record: { ...RECORD, request: "r5" } },
    lessonAt("r6", "coffee", TRANSCRIPT),
    lessonAt("r7", "loop", "quality=926 reward=761"),
    lessonAt("r8", "essay", `${"The essay is long. ".repeat(60)}`),
    lessonAt("r9", "door", "The door stays shut.", { drift: "block", mark: "reuse" }),
  ];
  const edits = mendings(all, policy);
  assert.deepEqual(edits.map(({ request, action }) => [request, action]), [
    ["r5", "refer"],
    ["r6", "quarantine"],
    ["r7", "clear"],
    ["r8", "shorten"],
    ["r9", "mark"],
  ]);
  const after = mended(all, edits);
  assert.ok(audit(after, policy).quality > audit(all, policy).quality);
  assert.equal(audit(after, policy).risk, "clean");
  assert.deepEqual(mendings(after, policy), []);
});

Deno.test("a repair is projected without a write, is the same when applied, can be undone, and is not needed twice (20.74)", () =>
  withNorion((norion, ledger) =>
    Effect.gen(function* () {
      const { experience } = norion;
      yield* stored(ledger, { ...RECORD, request: "r1" }, PARSER.topic, PARSER.lesson);
      yield* stored(ledger, { ...RECORD, request: "r2" }, PARSER.topic, PARSER.lesson);
      yield* stored(ledger, { ...RECORD, request: "r3" }, "coffee", TRANSCRIPT);
      yield* stored(ledger, { ...RECORD, request: "r4" }, "essay", "The essay is long. ".repeat(60));
      const { count } = yield* ledger.head;
      const before = yield* experience.list(ME);
      const preview = yield* experience.previewRepair(ME);
      assert.equal((yield* ledger.head).count, count);
      const { event, ...applied } = yield* experience.repair(ME, "user@tty");
      assert.deepEqual(applied, preview);
      assert.equal((yield* experience.audit(ME)).quality, preview.after.quality);
      assert.equal((yield* experience.repair(ME, "user@tty")).event, undefined);
      assert.equal((yield* ledger.head).count, count + 1);
      assert.equal(yield* experience.undo(event!, ME, "user@tty"), 3);
      assert.deepEqual(yield* experience.list(ME), before);
      assert.equal(yield* experience.undo(event!, ME, "user@tty"), 0);
      const other = scopeKey({ tenant: "you", workspace: "home" });
      const refused = yield* Effect.flip(experience.undo(event!, other, "user@tty"));
      assert.equal(refused.code, "NORION_RECORD");
    })
  ));

Deno.test("an index that is too spoilt is not recalled from, until it is mended", () =>
  withNorion((norion, ledger) =>
    Effect.gen(function* () {
      const { experience } = norion;
      const ask = () => experience.find(ME, "How do I fix the compile error in my parser?", "coding");
      yield* stored(ledger, { ...RECORD, request: "r1" }, PARSER.topic, PARSER.lesson);
      assert.equal((yield* ask()).length, 1);
      yield* stored(ledger, { ...RECORD, request: "r2" }, "coffee", TRANSCRIPT);
      yield* stored(ledger, { ...RECORD, request: "r3" }, "tea", TRANSCRIPT);
      assert.equal((yield* experience.audit(ME)).risk, "blocked");
      assert.deepEqual(yield* ask(), []);
      yield* experience.repair(ME, "user@tty");
      assert.deepEqual((yield* ask()).map(({ record }) => record.request), ["r1"]);
    })
  ));

Deno.test("a record that is set aside is not recalled, is set aside once, and belongs to its scope alone", () =>
  withNorion((norion, ledger) =>
    Effect.gen(function* () {
      const { experience } = norion;
      yield* stored(ledger, { ...RECORD, request: "r1" }, PARSER.topic, PARSER.lesson);
      const other = scopeKey({ tenant: "you", workspace: "home" });
      const refused = yield* Effect.flip(experience.quarantine("r1", { scope: other, reason: "x" }, "user@tty"));
      assert.equal(refused.code, "NORION_UNKNOWN_REQUEST");
      yield* experience.quarantine("r1", { scope: ME, reason: "it is wrong" }, "user@tty");
      const { count } = yield* ledger.head;
      yield* experience.quarantine("r1", { scope: ME, reason: "it is wrong" }, "user@tty");
      assert.equal((yield* ledger.head).count, count);
      assert.deepEqual(yield* experience.find(ME, "How do I fix the compile error in my parser?", "coding"), []);
      assert.deepEqual(yield* experience.list(other), []);
    })
  ));

const PLANT = "Our plant in Turku has 14 turbines.";

Deno.test("a lesson dies with the memory it rests on: it is not offered, and its text is deleted", () =>
  withNorion((norion, ledger, folder) =>
    Effect.gen(function* () {
      const { id } = yield* norion.memory.remember({ scope: ME, text: PLANT }, "user@tty");
      const { request, settled } = yield* exchange(norion, "How many turbines has our plant in Turku?", PLANT);
      assert.ok(settled.proven);
      const offered = () => norion.experience.candidates(ME, "How many turbines has our plant in Turku?", "general");
      assert.deepEqual((yield* offered()).map((one) => one.id), [`experience:${request}`]);
      yield* norion.memory.retract(id, { scope: ME, reason: "wrong" }, "user@tty");
      assert.deepEqual(yield* offered(), []);
      assert.deepEqual(yield* norion.experience.forget(ME, "user@tty"), [request]);
      assert.deepEqual(yield* norion.experience.forget(ME, "user@tty"), []);
      assert.deepEqual(filesWith(folder, "14 turbines"), []);
      assert.equal((yield* ledger.verify).faults.length, 0);
    })
  ));
