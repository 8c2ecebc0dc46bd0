/** Requests longer than the window, through the kernel, with no model but the embedded one; and what merges are told. */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import type { Json, JsonObject } from "../../../kernel/mod.ts";
import type { ModelBackend } from "../../../plugins/norion/contract.ts";
import { finished, inOnePiece, inputTokens, tooLong } from "../../../plugins/norion/models/finished.ts";
import { symbolicDefault } from "../../../plugins/rmil/library.ts";
import { ME, saying, withNorion } from "./answering.ts";
import { deviceAt } from "./states.ts";
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

/** A model that reads no more than its window, and answers as long as it may. */
const strict = (window: number): ModelBackend & { readonly most: () => number } => {
  let most = 0;
  const description = { ...saying("").describe(), id: "strict", window };
  return {
    ...inOnePiece({
      describe: () => description,
      generate: (request) => {
        const tokens = inputTokens(request);
        most = Math.max(most, tokens);
        if (tokens > window) return Effect.fail(tooLong(tokens, window));
        return finished(description, request, { text: "gauge ".repeat(request.maxTokens).trim() });
      },
    }),
    most: () => most,
  };
};

Deno.test("whatever is told beside a part, a note or a request, no call reads more than the model's window", async () => {
  for (const window of [256, 2048]) {
    for (const [sentences, facts] of [[500, 0], [window / 16, 12]]) {
      const model = strict(window);
      const text = Array.from({ length: sentences }, (_, day) => `Day ${day}: ${day * 37 % 991} cm at the old pier.`);
      const { draft } = await withNorion((norion) =>
        Effect.gen(function* () {
          for (let i = 0; i < facts; i++) {
            const text = `The gauge of pier ${i} at the old harbour stood at ${i * 7 % 90} cm on a day like that.`;
            yield* norion.memory.remember({ scope: ME, text }, "user@tty");
          }
          return yield* norion.ask({
            prompt: `${text.join(" ")}\n\nAt which day stood the gauge of the old pier highest, and why was it so?`,
            profile: "long-context",
            scope: ME,
            window,
            materials: {},
            device: deviceAt("server", 0),
            models: [model],
            demand: { privacy: "process" },
            temperature: 0,
            seed: 1,
            judges: { logic: symbolicDefault },
          }, "user@tty");
        })
      );
      assert.equal(draft.model, "strict");
      assert.deepEqual(draft.unread, []);
      assert.ok(model.most() <= window && model.most() > 0.5 * window, `${model.most()} of ${window}`);
    }
  }
});
