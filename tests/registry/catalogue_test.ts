/**
 * Tests of registry/catalogue.ts and its operations: recipes, search over everything, and the budget of tokens.
 */
import assert from "node:assert/strict";
import type { PolicyFile } from "../../effects/policy_file.ts";
import { rmi } from "../../plugins/open.ts";
import { type Entry, findEntries } from "../../registry/catalogue.ts";
import { ALLOW, inFolder } from "./world.ts";

const entry = (id: string, text: string, kind: Entry["kind"] = "operation"): Entry => ({ kind, id, text });

Deno.test("a word of the id outweighs the same word in the text, and ties are ordered by id", () => {
  const entries = [entry("b.store", "x"), entry("a.store", "x"), entry("c.other", "store things")];
  assert.deepEqual(findEntries(entries, "store").hits.map(({ id }) => id), ["a.store", "b.store", "c.other"]);
  assert.deepEqual(findEntries([...entries].reverse(), "store"), findEntries(entries, "store"));
});

Deno.test("the answer stays within its budget of tokens and says how much it left out", () => {
  const entries = Array.from({ length: 200 }, (_, at) => entry(`n${at}.store`, "store a thing in a place"));
  for (const tokens of [20, 50, 200, 1_000]) {
    const { hits, left } = findEntries(entries, "store", tokens);
    assert.ok(JSON.stringify(hits).length / 4 <= tokens + hits.length, `${tokens}`);
    assert.equal(hits.length + left, 200);
  }
  assert.equal(findEntries(entries, "store", 20).hits.length < 2, true);
});

Deno.test("recipes name operations that exist, and are found by their task", async () => {
  await inFolder(async (folder) => {
    await using system = rmi({ workspace: folder, policy: ALLOW });
    const ask = async (input: Record<string, string>) =>
      (await system.call("registry.recipes", input) as {
        recipes: ReadonlyArray<{ task: string; steps: ReadonlyArray<string> }>;
      }).recipes;
    const recipes = await ask({});
    assert.ok(recipes.length >= 4);
    for (const step of recipes.flatMap(({ steps }) => steps)) assert.equal((await system.describe(step)).id, step);
    assert.equal((await ask({ task: "hand over an artifact" }))[0].task, "hand an artifact to somebody else");
  });
});

Deno.test("a recipe or a hit with a hidden operation is not shown", async () => {
  const policy: PolicyFile = {
    format: 1,
    rules: [{ name: "hidden", operation: "artifacts.*", decision: "deny" }, { name: "rest", decision: "allow" }],
  };
  await inFolder(async (folder) => {
    await using system = rmi({ workspace: folder, policy });
    for (
      const [id, input] of [["registry.recipes", {}], ["registry.find", { query: "artifact export store" }]] as const
    ) {
      assert.doesNotMatch(JSON.stringify(await system.call(id, input)), /artifacts\.[a-z]/u, id);
    }
  });
});
