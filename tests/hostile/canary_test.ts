/**
 * Canaries: secrets that callers put into texts of every kind are found nowhere on disk, by reading every byte.
 */
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import assert from "node:assert/strict";
import { isJsonObject, type Json, type JsonObject } from "../../kernel/mod.ts";
import { openRmi } from "../../plugins/open.ts";
import { canaries } from "../effects/redact_corpus.ts";

const CANARIES = 200;
/** How many calls may refuse a canary's text for its length or line breaks before the test proves too little. */
const FEWEST_KEPT = CANARIES * 2;

const filesIn = function* (folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory) yield* filesIn(`${folder}/${name}`);
    else yield `${folder}/${name}`;
  }
};

/** The example's change with another sentence and another metric; its ids stay those its patch touches. */
const draftOf = (submit: JsonObject, text: string, index: number): Json => ({
  ...submit,
  summary: `proposed by canary ${index}: ${text}`,
  expected: { metric: text, direction: "up", bound: index },
});

Deno.test(`${CANARIES} secrets in names, descriptions, requests and proposals are found nowhere on disk`, async () => {
  const workspace = Deno.makeTempDirSync({ prefix: "rmi-canary-" });
  const planted = canaries("disk", CANARIES);
  try {
    let kept = 0;
    await Effect.runPromise(Effect.scoped(Effect.gen(function* () {
      const kernel = yield* openRmi({ workspace });
      const submit = (yield* kernel.describe("proposals.submit", "user@tty")).examples[0].input;
      assert.ok(isJsonObject(submit));
      for (const [index, { text }] of planted.entries()) {
        const calls: ReadonlyArray<readonly [string, Json]> = [
          ["ledger.mark", { name: text }],
          ["artifacts.put", {
            kind: "dataset",
            text: `content ${index}`,
            description: `left by canary ${index}: ${text}`,
          }],
          ["proposals.submit", draftOf(submit, text, index)],
          ["ledger.rollback", { mark: text }],
          ["registry.look", { source: text }],
        ];
        for (const [operation, input] of calls) {
          const answer = yield* Effect.result(kernel.invoke({ operation, input, actor: "agent:canary" }));
          const stored = Result.isSuccess(answer) || answer.failure.code === "KERNEL_APPROVAL_NEEDED";
          if (stored) kept++;
        }
      }
    })));
    assert.ok(kept >= FEWEST_KEPT, `only ${kept} calls left anything`);
    const found: Array<string> = [];
    const [controls, seen] = [["left by canary 7", "proposed by canary 7"], new Set<string>()];
    for (const file of filesIn(workspace)) {
      const text = new TextDecoder().decode(Deno.readFileSync(file));
      for (const control of controls) if (text.includes(control)) seen.add(control);
      for (const { label, secret } of planted) {
        if (text.includes(secret)) found.push(`${label} in ${file.slice(workspace.length)}`);
      }
    }
    assert.deepEqual(found, []);
    assert.deepEqual([...seen].sort(), controls, "ordinary text is stored as it is, and this test would see it");
  } finally {
    Deno.removeSync(workspace, { recursive: true });
  }
});
