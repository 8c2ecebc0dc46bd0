import assert from "node:assert/strict";
import { VERSION } from "../../kernel/mod.ts";
import { QUOTED, quoted } from "../../tasks/figures.ts";
import { updated } from "../../tasks/testing.ts";

const root = new URL("../../", import.meta.url);
const read = (path: string): string => Deno.readTextFileSync(new URL(path, root));

Deno.test("TESTING.md holds the counts of the tests as they are", () => {
  const page = read("TESTING.md");
  assert.equal(page, updated(page), "run deno task docs");
});

Deno.test("deno.json and the code name the same version", () => {
  assert.equal(JSON.parse(read("deno.json")).version, VERSION);
});

Deno.test("every figure the README quotes is in the results files, with that value", () => {
  const page = read("README.md");
  assert.ok([...page.matchAll(QUOTED)].length >= 10, "the README quotes figures");
  assert.equal(page, quoted(page), "run deno task docs");
});

Deno.test("every area of acceptance was measured, and reached its goals", () => {
  const areas = [...Deno.readDirSync(new URL("tests/acceptance/", root))].map(({ name }) => name.replace(/\.ts$/u, ""))
    .filter((name) => !["run", "figure", "faults"].includes(name));
  for (const area of areas) {
    const { figures } = JSON.parse(read(`bench/results/${area}.json`)) as {
      readonly figures: ReadonlyArray<{ readonly name: string; readonly ok: boolean }>;
    };
    assert.ok(figures.length > 0, area);
    assert.deepEqual(figures.filter(({ ok }) => !ok).map(({ name }) => name), [], area);
  }
});

Deno.test("the README's commands name tasks that exist", () => {
  const { tasks } = JSON.parse(read("deno.json")) as { readonly tasks: Record<string, string> };
  const named = [...read("README.md").matchAll(/deno(?:@\S+)? task (\w+)/gu)].map(([, name]) => name);
  assert.ok(named.includes("start") && named.includes("test"));
  for (const name of named) assert.ok(name in tasks, `task ${name}`);
});
