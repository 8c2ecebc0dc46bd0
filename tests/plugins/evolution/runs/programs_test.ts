import assert from "node:assert/strict";
import type { JsonObject } from "../../../../kernel/mod.ts";
import { MAX_EXAMPLES } from "../../../../plugins/evolution/evolve/examples.ts";
import { MAX_SEEDS } from "../../../../plugins/evolution/evolve/genomes.ts";
import { lineageFaults } from "../../../../plugins/evolution/lineage/ancestry.ts";
import { type Answer, inRuns } from "./calls.ts";

const x = [-2, -1, 0, 1, 2, 3];
const y = [1, 3, 2, -1, 0, 2];
const product = { columns: { x, y }, output: x.map((value, k) => value * y[k]) };

const input = {
  over: { programs: ["add($x, $y)"], nodes: 20 },
  objective: { examples: product },
  population: 30,
  seed: 1,
} as const;

interface Ran {
  readonly value: { readonly values: ReadonlyArray<number> };
}

Deno.test("a sum becomes the product that the examples show; its text, run by the interpreter, gives what they ask", () =>
  inRuns(async ({ evolve, call }) => {
    const { front: [best], reason } = await evolve({ ...input, generations: 40, goal: 0, name: "product" });
    assert.equal(reason, "goal");
    const { text } = best as unknown as { readonly text: string };
    const column = (values: ReadonlyArray<number>) => ({ type: `f32[${values.length}]`, values });
    const { value } = await call<Ran>("rmil.run", { program: text, inputs: { x: column(x), y: column(y) } });
    assert.deepEqual(value.values.map((one) => one + 0), product.output.map((one) => one + 0), text);
  }));

Deno.test("with the size beside the error the front goes from small and wrong to large and right", () =>
  inRuns(async ({ evolve }) => {
    const { front, algorithm } = await evolve({
      ...input,
      objective: { examples: product, size: true },
      generations: 25,
      name: "sized",
    });
    assert.equal(algorithm, "nsga2");
    const sizes = front.map(({ objectives }) => objectives![1]);
    assert.deepEqual(sizes, [...sizes].sort((a, b) => b - a), "a larger error is only worth it where it is smaller");
    assert.ok(sizes.every((size) => size >= 1 && size <= 20));
  }));

Deno.test("programs are evolved to the same archive by one worker and two, and after a resumption", () =>
  inRuns(async ({ evolve, call, lineage }) => {
    const one = await evolve({ ...input, generations: 8, workers: 1, name: "one" });
    const two = await evolve({ ...input, generations: 8, workers: 2, name: "two" });
    await evolve({ ...input, generations: 3, name: "parts" });
    const parts = await call<Answer>("evolution.resume", { run: "parts", generations: 8 });
    assert.deepEqual([two.archive, parts.archive], [one.archive, one.archive]);
    const rows = await lineage("one");
    assert.deepEqual(lineageFaults(rows), []);
    assert.ok(rows.some(({ edit }) => edit.includes("mutated by ")), "edits have the names of what was done");
  }));

Deno.test("programs and examples that do not fit are refused with the place", () =>
  inRuns(async ({ failure }) => {
    const programs = (...sources: ReadonlyArray<string>) => ({ ...input, over: { programs: sources } });
    const examples = (columns: JsonObject, output: ReadonlyArray<number>) => ({
      ...input,
      objective: { examples: { columns, output } },
    });
    const rows = (count: number) => Array.from({ length: count }, (_, k) => k);
    const cases: ReadonlyArray<readonly [code: string, path: string, input: JsonObject]> = [
      ["EVOLUTION_OBJECTIVE", "/over", { ...input, objective: { problem: "ZDT1" } }],
      ["EVOLUTION_OBJECTIVE", "/objective", { ...input, objective: { program: "reduce(add)" } }],
      ["EVOLUTION_OBJECTIVE", "/over", { ...input, over: { bits: 3 } }],
      ["EVOLUTION_OBJECTIVE", "/over/programs/0", programs("linear(3)")],
      ["EVOLUTION_OBJECTIVE", "/over/programs/1", programs("$x", "gather($x, 0)")],
      ["EVOLUTION_OBJECTIVE", "/over/programs/0", programs("$x | $y")],
      ["EVOLUTION_OBJECTIVE", "/over/programs/0", programs("$z")],
      ["EVOLUTION_OBJECTIVE", "/over/programs/0", programs("add(")],
      ["EVOLUTION_OBJECTIVE", "/objective/examples/columns", examples({}, [1])],
      ["EVOLUTION_OBJECTIVE", "/objective/examples/columns/y", examples({ x: [1, 2], y: [1] }, [1, 2])],
      ["EVOLUTION_SETTING", "/over/nodes", {
        ...input,
        over: { programs: ["mul(add($x, $y), add($y, $x))"], nodes: 1 },
      }],
      ["EVOLUTION_SETTING", "/over/operators", { ...input, over: { programs: ["$x"], operators: ["addd"] } }],
      ["EVOLUTION_SETTING", "/variation/identity", { ...input, variation: { identity: "bytes" } }],
      ["KERNEL_INVALID_INPUT", "/over/programs", programs(...Array<string>(MAX_SEEDS + 1).fill("$x"))],
      [
        "EVOLUTION_LIMIT",
        "/objective/examples/output",
        examples(
          { x: rows(MAX_EXAMPLES + 1), y: rows(MAX_EXAMPLES + 1) },
          rows(MAX_EXAMPLES + 1),
        ),
      ],
    ];
    for (const [code, path, asked] of cases) {
      const refused = await failure("evolution.evolve", { ...asked, generations: 1 });
      assert.deepEqual(
        [refused.code, refused.path.startsWith(path)],
        [code, true],
        `${path}: ${refused.path}: ${refused.message}`,
      );
    }
  }));

Deno.test("as many programs and rows as are taken are taken", () =>
  inRuns(async ({ evolve }) => {
    const rows = Array.from({ length: MAX_EXAMPLES }, (_, k) => k % 7);
    const { evaluations, failures } = await evolve({
      over: { programs: Array.from({ length: MAX_SEEDS }, (_, k) => `add($x, ${k}.0)`) },
      objective: { examples: { columns: { x: rows }, output: rows } },
      population: 4,
      generations: 1,
    });
    assert.deepEqual([evaluations, failures], [4, 0]);
  }));
