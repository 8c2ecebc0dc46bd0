/** Norion's tour: every step is a real call, it needs no model, and its folder proves what it says. */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import type { Json, JsonObject } from "../../../kernel/mod.ts";
import { openRmi } from "../../../plugins/open.ts";
import { NORION_SCRIPT, SECRET } from "../../../plugins/norion/tour/script.ts";

Deno.test("the tour of reasoning control runs to its end, and the genome is at its end what it was at its beginning", async () => {
  const workspace = Deno.makeTempDirSync();
  try {
    const shown: JsonObject[] = [];
    await Effect.runPromise(Effect.scoped(Effect.gen(function* () {
      const kernel = yield* openRmi({ workspace });
      const answer = (yield* kernel.invoke({
        operation: "norion.tour",
        input: {},
        actor: "user@tty",
        onEvent: (event: Json) => Effect.sync(() => void shown.push(event as JsonObject)),
      })) as JsonObject;
      assert.equal(answer.steps, NORION_SCRIPT.length);
      assert.match(String(answer.text), /the secret of the tour is in none of them/u);
    })) as Effect.Effect<void>);
    assert.equal(shown.length, NORION_SCRIPT.length);
    const digests = shown.filter(({ operation }) =>
      ["norion.genome", "norion.apply", "norion.rollback"].includes(String(operation))
    ).map(({ answer }) => String((answer as JsonObject).digest));
    assert.equal(digests[0], digests[2]);
    assert.notEqual(digests[0], digests[1]);
    const refusals = shown.filter(({ ok }) => ok === false).map(({ answer }) => (answer as JsonObject).code);
    assert.deepEqual(refusals, ["NORION_EDIT", "EFFECTS_NOT_APPROVER"]);
    const stored = new Deno.Command("grep", { args: ["-r", "-c", "-a", SECRET, workspace] }).outputSync();
    assert.match(new TextDecoder().decode(stored.stdout), /^(?:[^\n]*:0\n)+$/u);
  } finally {
    Deno.removeSync(workspace, { recursive: true });
  }
});
