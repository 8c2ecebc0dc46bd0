/** Looking back through the kernel: feedback, replay, repair, why, inspect. */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { type Actor, digestJson, type Json, type JsonObject, type Kernel } from "../../../kernel/mod.ts";
import type { LedgerEvent } from "../../../effects/mod.ts";
import { explain, MOST_LINES } from "../../../plugins/norion/review/why.ts";
import { mentionFold, mentionsOf, MOST_MENTIONS } from "../../../plugins/norion/state/mentions.ts";
import { jsonSchemaOf } from "../../../kernel/operation.ts";
import { Inspect, Why } from "../../../plugins/norion/operations_review.ts";
import { grammarOf } from "../../../plugins/surfaces/cli/grammar.ts";
import { callAs, inWorkspace, OPEN_POLICY } from "../../workspace.ts";

const call = (kernel: Kernel, operation: string, input: JsonObject) =>
  Effect.map(callAs(kernel, operation, input), (answer) => answer as JsonObject);

const SCOPE = { tenant: "acme", workspace: "lab" };

const as = (kernel: Kernel, actor: Actor, operation: string, input: JsonObject) =>
  Effect.map(kernel.invoke({ operation, input: { ...input, scope: SCOPE }, actor }), (answer) => answer as JsonObject);

Deno.test("why says in at most twenty lines what was decided and by which events, and repeats no word of prompt or answer", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      const { id } = yield* call(kernel, "norion.remember", { text: "Our quokka enclosure has 14 gates." });
      yield* call(kernel, "norion.ask", { prompt: "How many gates has our quokka enclosure?" });
      yield* call(kernel, "norion.feedback", { request: "r1", rating: 0.9 });
      yield* call(kernel, "norion.replay", {});
      const { request, lines, events } = yield* call(kernel, "norion.why", {});
      const told = lines as ReadonlyArray<string>;
      assert.equal(request, "r1");
      assert.ok(told.length <= MOST_LINES && told.length >= 10, told.join("\n"));
      const all = told.join("\n");
      for (
        const word of [
          "planned for user@tty",
          String(id),
          "answered by heuristic",
          "citation says 1.000",
          "user user@tty says 0.900",
          "learned: threshold of general",
          "recorded to reuse",
          "learned from again",
        ]
      ) {
        assert.ok(all.includes(word), `${word}\n${all}`);
      }
      assert.ok(!/quokka|enclosure/iu.test(all));
      const { events: ledger } = (yield* call(kernel, "ledger.events", { limit: 1000 })) as unknown as {
        events: ReadonlyArray<LedgerEvent>;
      };
      const ours = new Set(ledger.filter(({ type }) => type.startsWith("norion.")).map(({ seq }) => seq));
      assert.ok((events as ReadonlyArray<number>).every((step) => ours.has(step)));
      for (const line of told) {
        assert.ok((events as ReadonlyArray<number>).includes(Number(/^#(\d+) /u.exec(line)?.[1])));
      }
    })
  ));

Deno.test("an explanation of very many events is cut to twenty lines and says what is left out", () => {
  const hash = digestJson("event");
  const events = Array.from({ length: 40 }, (_, index): LedgerEvent => ({
    seq: index + 1,
    at: "2026-01-01T00:00:00.000Z",
    type: "norion.evidence.given",
    actor: "user@tty",
    data: { request: "r1", source: "user", witness: `w${index}`, result: 500 } as Json,
    hash,
    previous: hash,
  }));
  const lines = explain(events, "r1");
  assert.equal(lines.length, MOST_LINES);
  assert.equal(lines.at(-1), "and 21 more, to #40");
  assert.equal(explain(events.slice(0, MOST_LINES), "r1").length, MOST_LINES);
  const seen = (count: number) =>
    mentionsOf(events.slice(0, count).reduce(mentionFold.step, mentionFold.initial), "r1");
  assert.equal(seen(40).length, 40);
  const many = Array.from({ length: MOST_MENTIONS + 6 }, (_, at) => ({ ...events[0], seq: at + 1 }));
  const kept = mentionsOf(many.reduce(mentionFold.step, mentionFold.initial), "r1");
  assert.deepEqual([kept.length, kept[0], kept.at(-1)], [MOST_MENTIONS, 1, MOST_MENTIONS + 6]);
});

Deno.test("a caller's word on what it asked for itself proves nothing, another's does", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      yield* as(kernel, "agent:a", "norion.ask", { prompt: "What is a monad?" });
      const own = yield* as(kernel, "agent:a", "norion.feedback", { request: "r1", rating: 1 });
      assert.deepEqual((own.after as JsonObject).proven, false);
      assert.deepEqual(own.memories, []);
      const other = yield* as(kernel, "agent:b", "norion.feedback", { request: "r1", rating: 1 });
      assert.deepEqual((other.after as JsonObject).proven, true);
    }), OPEN_POLICY));

Deno.test("inspection shows what is there, by scope, and as much of each list as was asked for", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      for (const text of ["Our bay has 3 cranes.", "Our bay has 9 piers.", "The harbour opens at 6."]) {
        yield* as(kernel, "user@tty", "norion.remember", { text });
      }
      const prompt = "How many cranes has our bay?";
      for (let turn = 0; turn < 3; turn++) yield* as(kernel, "user@tty", "norion.ask", { prompt });
      const seen = yield* as(kernel, "user@tty", "norion.inspect", { limit: 2 }) as Effect.Effect<never>;
      const { requests, memory, learned, experience, consistency } = seen as unknown as {
        [name: string]: { [name: string]: ReadonlyArray<JsonObject> & number };
      };
      assert.deepEqual([requests.count, requests.latest.length, requests.latest[0].id], [3, 2, "r3"]);
      assert.deepEqual([memory.living, memory.strongest.length], [3, 2]);
      assert.equal((learned as unknown as ReadonlyArray<JsonObject>).length, 5);
      assert.deepEqual([experience.latest.length, consistency.violations.length], [2, 0]);
      const other = yield* call(kernel, "norion.inspect", {});
      assert.deepEqual([(other.requests as JsonObject).count, (other.memory as JsonObject).living], [0, 0]);
      const unseen = yield* Effect.flip(call(kernel, "norion.why", { request: "r1" }));
      assert.equal(unseen.code, "NORION_UNKNOWN_REQUEST");
      const none = yield* Effect.flip(call(kernel, "norion.why", {}));
      assert.equal(none.code, "NORION_UNKNOWN_REQUEST");
    })
  ));

Deno.test("a preview of a replay and of a repair writes no event of norion", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      for (let turn = 0; turn < 2; turn++) yield* call(kernel, "norion.ask", { prompt: "What is 6 * 7 today?" });
      yield* call(kernel, "norion.feedback", { request: "r1", rating: 0.1 });
      const before = yield* call(kernel, "ledger.head", {});
      const preview = yield* call(kernel, "norion.replay", { preview: true });
      const looked = yield* call(kernel, "norion.repair", {});
      assert.deepEqual(yield* call(kernel, "ledger.head", {}), before);
      const applied = yield* call(kernel, "norion.replay", {});
      assert.deepEqual(applied, preview);
      const mended = yield* call(kernel, "norion.repair", { apply: true });
      assert.deepEqual(mended.edits, looked.edits);
      assert.ok((mended.edits as ReadonlyArray<Json>).length > 0);
      yield* call(kernel, "norion.repair", { undo: mended.event as number });
      assert.deepEqual((yield* call(kernel, "norion.repair", {})).edits, looked.edits);
    })
  ));

Deno.test("a command line takes the id of a request without its name", () => {
  const { positional } = grammarOf(jsonSchemaOf(Why.input));
  assert.deepEqual([positional?.field, positional?.required], ["request", false]);
  assert.equal(grammarOf(jsonSchemaOf(Inspect.input)).positional, undefined);
});
