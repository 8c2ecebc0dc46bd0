import assert from "node:assert/strict";
import { VERSION } from "../../kernel/mod.ts";
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

interface Results {
  readonly figures: ReadonlyArray<{ readonly name: string; readonly value: number; readonly unit: string }>;
}

/** A quoted figure: `value unit` followed by a comment that names its area and figure. */
const QUOTED = /([\d.,]+)\s*([^<|]*?)\s*<!-- figure (\S+): (.+?) -->/gu;

Deno.test("every figure the README quotes is in the results files, with that value", () => {
  const quotes = [...read("README.md").matchAll(QUOTED)];
  assert.ok(quotes.length > 0, "the README quotes at least one figure");
  for (const [, value, , area, name] of quotes) {
    const { figures } = JSON.parse(read(`bench/results/${area}.json`)) as Results;
    const figure = figures.find((one) => one.name === name);
    assert.ok(figure, `${area}: ${name} is not measured`);
    assert.equal(Number(value.replaceAll(",", "")), figure.value, `${area}: ${name}`);
  }
});

Deno.test("the README's commands name tasks that exist", () => {
  const { tasks } = JSON.parse(read("deno.json")) as { readonly tasks: Record<string, string> };
  const named = [...read("README.md").matchAll(/deno(?:@\S+)? task (\w+)/gu)].map(([, name]) => name);
  assert.ok(named.includes("start") && named.includes("test"));
  for (const name of named) assert.ok(name in tasks, `task ${name}`);
});
