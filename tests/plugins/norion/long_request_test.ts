/** Requests longer than the window, through the kernel, with no model but the embedded one; and what merges are told. */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import type { Json, JsonObject } from "../../../kernel/mod.ts";
import { readParts } from "../../../plugins/norion/reader.ts";
import { schedule } from "../../../plugins/norion/recursion.ts";
import { callAs, inWorkspace } from "../../workspace.ts";

const report = Array.from({ length: 200 }, (_, day) => `On day ${day} the gauge stood at ${day * 37 % 991} cm.`).join(
  " ",
);

const INPUT = {
  prompt: `${report}\n\nWhere stood the gauge on day 77?`,
  profile: "long-context",
  window: 512,
  device: "server",
};

Deno.test("a fact in a long input is found by the embedded backend, and its words are heard while they are made", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      const heard: Json[] = [];
      const made = (yield* kernel.invoke({
        operation: "norion.ask",
        input: INPUT,
        actor: "user@tty",
        onEvent: (event) => Effect.sync(() => void heard.push(event)),
      })) as JsonObject;
      assert.ok(String(made.answer).includes(`On day 77 the gauge stood at ${77 * 37 % 991} cm.`), String(made.answer));
      assert.deepEqual(made.issues, []);
      assert.equal(heard.map((event) => (event as JsonObject).text).join(""), made.answer);
      const planned = (yield* callAs(kernel, "norion.plan", INPUT)) as JsonObject;
      assert.equal(made.calls, planned.calls);
    })
  ));

Deno.test("only the last merge of many rounds is told that it gives the answer", async () => {
  const text = "a needle. ".repeat(200);
  const made = schedule(text, { window: 16, overlap: 0, partial: 8, parallel: 2, maxCalls: 999 });
  assert.ok(made.rounds.length > 2);
  const told: boolean[] = [];
  await Effect.runPromise(readParts(text, made, {
    read: () => Effect.succeed(1),
    merge: (notes, isLast) => Effect.sync(() => (told.push(isLast), notes.length)),
  }, { retries: 0 }));
  assert.deepEqual([told.filter(Boolean).length, told.at(-1)], [1, true]);
});
