/** Feedback and replay: what is said of a request afterwards, and what is learned from it, once. */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { digestJson } from "../../../kernel/mod.ts";
import { appliedKey } from "../../../plugins/norion/experience/record.ts";
import { planReplay, type Replayable } from "../../../plugins/norion/experience/replay.ts";
import { scopeKey } from "../../../plugins/norion/memory/service.ts";
import { DEFAULT_POLICY as policy, type Policy } from "../../../plugins/norion/policy.ts";
import { norionOver } from "../../../plugins/norion/service.ts";
import { adaptiveFold } from "../../../plugins/norion/state/adaptive.ts";
import { evidenceDigest, evidenceFold, type Given, statementsOn } from "../../../plugins/norion/state/evidence.ts";
import type { ExperienceRecord } from "../../../plugins/norion/state/experience.ts";
import { itemOf, memoryFold } from "../../../plugins/norion/state/memory.ts";
import { exchange, ME, withNorion } from "./answering.ts";

const NOWHERE = digestJson("nowhere");
const ASKED = "Who was Ada Lovelace, and what did Ada Lovelace write?";
const TOLD = "Ada Lovelace was a mathematician; what Ada Lovelace wrote on the engine is read to this day.";

Deno.test("feedback is evidence from outside, once, and what the request used is judged by it", () =>
  withNorion((norion, ledger) =>
    Effect.gen(function* () {
      const { id } = yield* norion.memory.remember(
        { scope: ME, text: "Letters of Ada Lovelace are kept in Oxford." },
        "user@tty",
      );
      const { request, used } = yield* exchange(norion, ASKED, TOLD);
      assert.deepEqual(used, [id]);
      const { strength } = itemOf(yield* ledger.state(memoryFold), id)!;
      const said = yield* norion.experience.feedback(request, { scope: ME, rating: 0 }, "user@tty");
      assert.deepEqual([said.before.proven, said.after.proven, said.after.quality, said.written], [
        false,
        true,
        0,
        true,
      ]);
      const judged = itemOf(yield* ledger.state(memoryFold), id)!;
      assert.ok(judged.strength < strength && judged.failures === 1);
      const { count } = yield* ledger.head;
      const again = yield* norion.experience.feedback(request, { scope: ME, rating: 0 }, "user@tty");
      assert.deepEqual([again.written, (yield* ledger.head).count], [false, count]);
      // Another mind is another say; the same person's later word takes the place of the earlier.
      yield* norion.experience.feedback(request, { scope: ME, rating: 1 }, "user@tty");
      assert.equal(statementsOn(yield* ledger.state(evidenceFold), request).length, 1);
      yield* norion.experience.feedback(request, { scope: ME, rating: 1 }, "user@headless");
      assert.equal(statementsOn(yield* ledger.state(evidenceFold), request).length, 2);
    })
  ));

Deno.test("who rates an answer again and again moves what it used no further than by the first word", () =>
  withNorion((norion, ledger) =>
    Effect.gen(function* () {
      const { id } = yield* norion.memory.remember(
        { scope: ME, text: "Letters of Ada Lovelace are kept in Oxford." },
        "user@tty",
      );
      const { request } = yield* exchange(norion, ASKED, TOLD);
      const rate = (rating: number) => norion.experience.feedback(request, { scope: ME, rating }, "user@tty");
      assert.deepEqual((yield* rate(0)).memories, [id]);
      const { strength, failures, hits } = itemOf(yield* ledger.state(memoryFold), id)!;
      for (const rating of [0.1, 0.2, 1, 0, 1, 0.3, 0]) {
        const { memories, written } = yield* rate(rating);
        assert.deepEqual([memories, written], [[], true]);
      }
      const now = itemOf(yield* ledger.state(memoryFold), id)!;
      assert.deepEqual([now.strength, now.failures, now.hits], [strength, failures, hits]);
    })
  ));

Deno.test("before anybody rates it, a request stands as it was settled, a missing validator counted", () =>
  withNorion((norion) =>
    Effect.gen(function* () {
      yield* norion.memory.remember({ scope: ME, text: "Our codename is Heron." }, "user@tty");
      // Coding asks for a command; a citation alone is no proof there.
      const { request, settled } = yield* exchange(norion, "What is our codename?", "Our codename is Heron.", {
        profile: "coding",
      });
      assert.equal(settled.proven, false);
      const first = yield* norion.experience.feedback(request, { scope: ME, rating: 0.5 }, "user@tty");
      assert.deepEqual(
        [first.before.proven, Math.round(1000 * first.before.quality)],
        [settled.proven, settled.quality],
      );
      const second = yield* norion.experience.feedback(request, { scope: ME, rating: 1 }, "user@tty");
      assert.deepEqual(second.before, first.after);
    })
  ));

Deno.test("what was held for want of a validator is not learned by a replay either, until somebody says more", () =>
  withNorion((norion) =>
    Effect.gen(function* () {
      yield* norion.memory.remember({ scope: ME, text: "Our codename is Heron." }, "user@tty");
      const { request, settled } = yield* exchange(norion, "What is our codename?", "Our codename is Heron.", {
        profile: "coding",
      });
      assert.equal(settled.proven, false);
      const { items, skipped } = yield* norion.experience.replay({ scope: ME }, "user@tty");
      assert.deepEqual([items, skipped], [[], [{ request, reason: "unproven" }]]);
      assert.equal((yield* norion.experience.list(ME))[0].record.proven, false);
      yield* norion.experience.feedback(request, { scope: ME, rating: 1 }, "user@tty");
      assert.deepEqual(
        (yield* norion.experience.replay({ scope: ME }, "user@tty")).items.map(({ request }) => request),
        [
          request,
        ],
      );
    })
  ));

Deno.test("feedback on a request of another scope, on none, and beyond the range", () =>
  withNorion((norion, ledger) =>
    Effect.gen(function* () {
      const { request } = yield* exchange(norion, ASKED, TOLD);
      const other = scopeKey({ tenant: "you", workspace: "home" });
      const codes = yield* Effect.forEach([[request, other], ["r99", ME]] as const, ([id, scope]) =>
        Effect.map(Effect.flip(norion.experience.feedback(id, { scope, rating: 1 }, "user@tty")), ({ code }) =>
          code));
      assert.deepEqual(codes, ["NORION_UNKNOWN_REQUEST", "NORION_UNKNOWN_REQUEST"]);
      yield* norion.experience.feedback(request, { scope: ME, rating: 7 }, "user@tty");
      assert.equal(statementsOn(yield* ledger.state(evidenceFold), request)[0].statement.result, 1);
    })
  ));

const observations = (state: { readonly router: { readonly general: { readonly observations: number } } }) =>
  state.router.general.observations;

Deno.test("a replay teaches what was said since, once: repeated replays write nothing and move nothing", () =>
  withNorion((norion, ledger) =>
    Effect.gen(function* () {
      const { experience } = norion;
      const { request } = yield* exchange(norion, ASKED, TOLD);
      assert.deepEqual((yield* experience.replay({ scope: ME }, "user@tty")).skipped, [{
        request,
        reason: "unproven",
      }]);
      yield* experience.feedback(request, { scope: ME, rating: 1 }, "user@tty");
      const { count } = yield* ledger.head;
      const preview = yield* experience.previewReplay(ME);
      assert.equal((yield* ledger.head).count, count);
      assert.equal(observations(yield* ledger.state(adaptiveFold)), 0);
      const done = yield* experience.replay({ scope: ME }, "user@tty");
      assert.deepEqual(done, preview);
      assert.deepEqual(done.items.map((item) => [item.request, item.quality]), [[request, 1]]);
      const after = yield* ledger.state(adaptiveFold);
      assert.equal(observations(after), 1);
      for (let turn = 0; turn < 5; turn++) {
        assert.deepEqual((yield* experience.replay({ scope: ME }, "user@tty")).skipped, [{
          request,
          reason: "applied",
        }]);
      }
      assert.deepEqual(yield* ledger.state(adaptiveFold), after);
      assert.equal((yield* ledger.head).count, count + 1);
      // Another process sees the same.
      const other = norionOver(ledger, policy);
      assert.deepEqual((yield* other.experience.previewReplay(ME)).items, []);
    })
  ));

Deno.test("what a request taught at once is not taught again, unless the evidence or the policy is another", () =>
  withNorion((norion, ledger) =>
    Effect.gen(function* () {
      const { request } = yield* exchange(norion, "What is 17 * 3?", "It is 17 * 3 = 51, three times seventeen.");
      assert.equal(observations(yield* ledger.state(adaptiveFold)), 1);
      const reasons = Effect.map(norion.experience.previewReplay(ME), ({ skipped }) => skipped);
      assert.deepEqual(yield* reasons, [{ request, reason: "applied" }]);
      const stricter: Policy = { ...policy, "route.good": 0.9 };
      const { items } = yield* norionOver(ledger, stricter).experience.previewReplay(ME);
      assert.deepEqual(items.map((item) => item.request), [request]);
      yield* norion.experience.feedback(request, { scope: ME, rating: 0 }, "user@tty");
      assert.deepEqual((yield* norion.experience.previewReplay(ME)).items.map((item) => item.request), [request]);
    })
  ));

const RECORD: ExperienceRecord = {
  request: "r1",
  scope: NOWHERE,
  profile: "general",
  mode: "english-chat",
  prompt: NOWHERE,
  topic: NOWHERE,
  quality: 600,
  proven: false,
  contradictions: 0,
  issues: { info: 0, warning: 0, critical: 0 },
  drift: "stable",
  reward: 600,
  reinforcement: "hold",
  used: [],
  stored: [],
  noise: [],
  recursive: false,
  probation: false,
  pressure: 0,
  status: "kept",
  mark: "reuse",
  lesson: null,
  duplicateOf: null,
  born: 1,
  applied: [],
};

const said = (result: number): ReadonlyArray<Given> => [
  { statement: { source: "user", subject: "answer", result, digest: "d" }, witness: "user@tty", step: 99 },
];

const recordAt = (request: string, result: number | undefined, more: Partial<ExperienceRecord> = {}): Replayable => ({
  record: { ...RECORD, request, born: Number(request.slice(1)), ...more },
  given: result === undefined ? [] : said(result),
});

Deno.test("the good are chosen by their reward, the bad by what they lack, and what was set aside is never chosen (20.75)", () => {
  const { items, skipped } = planReplay(
    [
      recordAt("r1", 1, { reward: 700 }),
      recordAt("r2", 0, { reward: 300 }),
      recordAt("r3", undefined),
      recordAt("r4", 0.6),
      recordAt("r5", 1, { status: "quarantined" }),
      recordAt("r6", 1, { duplicateOf: "r1" }),
      recordAt("r7", 1, { noise: ["transcript"] }),
      recordAt("r8", 1, { applied: [appliedKey(evidenceDigest(said(1)), policy)] }),
    ],
    8,
    policy,
  );
  // r1: 0.7 + 0.35 * (1 - 0.5) = 0.875 reinforces; r2: 0.3 - 0.175 = 0.125 is to be penalised, so 0.875 urgent; r4 holds.
  assert.deepEqual(items.map(({ request, verdict }) => [request, verdict]), [
    ["r1", "reinforce"],
    ["r2", "penalise"],
    ["r4", "hold"],
  ]);
  assert.ok(Math.abs(items[0].priority - 0.875) < 1e-9 && Math.abs(items[1].priority - 0.875) < 1e-9);
  assert.deepEqual(Object.fromEntries(skipped.map(({ request, reason }) => [request, reason])), {
    r3: "unproven",
    r5: "quarantined",
    r6: "duplicate",
    r7: "contaminated",
    r8: "applied",
  });
});

Deno.test("of each rare kind one record stays within the limit, and the same records give the same plan (20.75)", () => {
  const common = Array.from({ length: 12 }, (_, i) => recordAt(`r${i + 1}`, 1, { reward: 900 }));
  const rare = [
    recordAt("r20", 1, { reward: 560, recursive: true }),
    recordAt("r21", 1, { reward: 560, probation: true }),
    recordAt("r22", 1, { reward: 560, pressure: 900 }),
  ];
  const plan = (limit: number) => planReplay([...common, ...rare], limit, policy).items.map(({ request }) => request);
  assert.deepEqual(plan(5), ["r1", "r2", "r20", "r21", "r22"]);
  assert.deepEqual(plan(15).length, 15);
  assert.deepEqual(plan(0), []);
  assert.deepEqual(plan(2).length, 2);
  assert.deepEqual(plan(5), plan(5));
  const { skipped } = planReplay(common, 5, policy);
  assert.deepEqual(skipped.map(({ reason }) => reason), Array(7).fill("over-limit"));
});
