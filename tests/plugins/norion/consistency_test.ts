/** What norion's events must say of each other: real stories hold, and each way to tell a false one is named. */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import type { LedgerEvent } from "../../../effects/mod.ts";
import { digestJson, type Json, type JsonObject } from "../../../kernel/mod.ts";
import { adaptiveFold, cusumData, lessonData } from "../../../plugins/norion/state/adaptive.ts";
import {
  checkConsistency,
  consistencyFold,
  MOST_VIOLATIONS,
  type ViolationCode,
} from "../../../plugins/norion/state/consistency.ts";
import { exchange, ME, withNorion } from "./answering.ts";

const HASH = digestJson("event");

const told = (...drafts: ReadonlyArray<readonly [type: string, data: JsonObject]>): ReadonlyArray<LedgerEvent> =>
  drafts.map(([type, data], index) => ({
    seq: index + 1,
    at: "2026-01-01T00:00:00.000Z",
    type,
    actor: "user@tty",
    data,
    hash: HASH,
    previous: HASH,
  }));

const { router, hierarchy } = adaptiveFold.initial;
const lesson = (moved: number) =>
  lessonData(
    { threshold: router.general.threshold + moved, observations: 1 },
    hierarchy.general,
  ) as unknown as Json;

const PLANNED = ["norion.request.planned", { request: "r1" }] as const;
const ANSWERED = ["norion.request.answered", { request: "r1", breakers: {} }] as const;
const settled = (more: JsonObject = {}) =>
  [
    "norion.request.settled",
    {
      request: "r1",
      profile: "general",
      quality: 800,
      proven: true,
      drift: "stable",
      decision: "nothing",
      stored: [],
      helped: [],
      misled: [],
      cusum: cusumData({ sum: 0, run: 0 }) as unknown as Json,
      ...more,
    },
  ] as const;
const added = (id = "m1", source = "request:r1") => ["norion.memory.added", { item: { id, source } }] as const;
const recorded = (more: JsonObject = {}) =>
  ["norion.experience.recorded", { request: "r1", drift: "stable", quality: 800, stored: [], ...more }] as const;
const replayed = (key: string, request = "r1") =>
  ["norion.experience.replayed", { items: [{ request, key, verdict: "hold" }], lessons: [] }] as const;

type Drafts = ReadonlyArray<readonly [string, JsonObject]>;

const STORED = { decision: "stored", stored: ["m1"] };

const TRUE: ReadonlyArray<readonly [string, Drafts]> = [
  ["planned, answered, settled and recorded", [PLANNED, ANSWERED, settled(), recorded()]],
  ["what was stored is said", [PLANNED, ANSWERED, added(), settled(STORED)]],
  ["a lesson within its bound", [PLANNED, ANSWERED, settled({ decision: "stored", lesson: lesson(0.02) })]],
  ["a memory of a person's", [added("m1", "user@tty")]],
  ["broken off", [PLANNED, ["norion.request.failed", { request: "r1", breakers: {} }]]],
  ["learned from twice under two policies", [PLANNED, ANSWERED, settled(), recorded(), replayed("a"), replayed("b")]],
  ["applied as it says", [["proposal.applied", { proposal: "p" }], ["norion.note", { applied: true, proposal: "p" }]]],
  ["events of other rooms", [["demo.note", { applied: true }]]],
];

for (const [what, drafts] of TRUE) {
  Deno.test(`a story holds: ${what}`, () => {
    assert.deepEqual(checkConsistency(told(...drafts)).violations, []);
  });
}

const FALSE: ReadonlyArray<readonly [ViolationCode, Drafts]> = [
  ["planned-twice", [PLANNED, PLANNED]],
  ["answered-unplanned", [ANSWERED]],
  ["answered-twice", [PLANNED, ANSWERED, ANSWERED]],
  ["settled-unanswered", [PLANNED, settled()]],
  ["settled-twice", [PLANNED, ANSWERED, settled(), settled()]],
  ["held-but-written", [PLANNED, ANSWERED, added(), settled({ stored: ["m1"], decision: "held" })]],
  ["held-but-written", [PLANNED, ANSWERED, settled({ lesson: lesson(0.01), decision: "nothing" })]],
  ["held-but-written", [PLANNED, ANSWERED, settled({ helped: ["m1"], decision: "held" })]],
  ["written-unsaid", [PLANNED, ANSWERED, added(), settled({ decision: "stored" })]],
  ["said-unwritten", [PLANNED, ANSWERED, settled(STORED)]],
  ["written-after-settling", [PLANNED, ANSWERED, settled(), added()]],
  ["written-unproven", [PLANNED, ANSWERED, added(), settled({ ...STORED, proven: false })]],
  ["written-under-drift", [PLANNED, ANSWERED, added(), settled({ ...STORED, drift: "block" })]],
  ["written-under-drift", [
    PLANNED,
    ANSWERED,
    settled({ decision: "stored", lesson: lesson(0.01), drift: "rollback" }),
  ]],
  ["lesson-too-large", [PLANNED, ANSWERED, settled({ decision: "stored", lesson: lesson(0.2) })]],
  ["recorded-unsettled", [PLANNED, ANSWERED, recorded()]],
  ["recorded-twice", [PLANNED, ANSWERED, settled(), recorded(), recorded()]],
  ["record-differs", [PLANNED, ANSWERED, settled(), recorded({ quality: 801 })]],
  ["record-differs", [PLANNED, ANSWERED, settled(), recorded({ stored: ["m9"] })]],
  ["replayed-unrecorded", [PLANNED, ANSWERED, settled(), replayed("a")]],
  ["replayed-twice", [PLANNED, ANSWERED, settled(), recorded(), replayed("a"), replayed("a")]],
  ["evidence-of-nothing", [["norion.evidence.given", { request: "r1" }]]],
];

for (const [index, [code, drafts]] of FALSE.entries()) {
  Deno.test(`a false story is named: ${code} (${index + 1})`, () => {
    const { violations } = checkConsistency(told(...drafts));
    assert.deepEqual(violations.map((one) => [one.code, one.step, one.request]), [[code, drafts.length, "r1"]]);
  });
}

Deno.test("an event that claims that a proposal was applied, with no event that applied it, is named (20.83)", () => {
  const codes = (...drafts: Drafts) => checkConsistency(told(...drafts)).violations.map(({ code }) => code);
  const claims: ReadonlyArray<JsonObject> = [
    { applied: true },
    { applied: true, proposal: "p" },
    { writeAllowed: true, proposal: "p" },
  ];
  for (const claim of claims) {
    assert.deepEqual(codes(["norion.genome.expressed", claim]), ["claims-applied"]);
  }
  assert.deepEqual(codes(["norion.note", { applied: true, proposal: "p" }], ["proposal.applied", { proposal: "p" }]), [
    "claims-applied",
  ]);
});

Deno.test("the first violations are listed, all are counted", () => {
  const many = checkConsistency(told(...Array.from({ length: MOST_VIOLATIONS + 5 }, () => ANSWERED)));
  assert.equal(many.violations.length, MOST_VIOLATIONS);
  // The first answer is of no plan, every other one a second.
  assert.equal(many.count, MOST_VIOLATIONS + 5);
});

Deno.test("the story of real requests holds: answers held, stored, judged, contradicted, learned from again (20.83)", () =>
  withNorion((norion, ledger) =>
    Effect.gen(function* () {
      yield* norion.memory.remember({ scope: ME, text: "Our plant in Turku has 14 turbines." }, "user@tty");
      const prompt = "How many turbines has our plant in Turku, and what else is known of it?";
      const long =
        "Our plant in Turku has 14 turbines. It stands by the river and was built in stages, each of which " +
        "added some of the turbines that are there today.";
      const first = yield* exchange(norion, prompt, long);
      assert.ok(first.settled.stored.length > 0 && first.settled.decision === "stored");
      yield* exchange(norion, prompt, "Our plant in Turku has 9 turbines.");
      yield* exchange(norion, "Who was Ada Lovelace?", "Ada Lovelace was a poet's daughter and much more than that.");
      yield* exchange(norion, "What is 17 * 3?", "It is 17 * 3 = 54, three times seventeen.");
      yield* norion.experience.feedback("r3", { scope: ME, rating: 1 }, "user@tty");
      yield* norion.experience.replay({ scope: ME, limit: 9 }, "user@tty");
      const state = yield* ledger.state(consistencyFold);
      assert.deepEqual(state.violations, []);
      assert.ok(state.checked >= 16);
    })
  ));
