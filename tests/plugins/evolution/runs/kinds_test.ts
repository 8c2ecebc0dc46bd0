/** Runs that keep many kinds, runs over trees, and where their evaluations run. */
import assert from "node:assert/strict";
import type { JsonObject } from "../../../../kernel/mod.ts";
import { lineageFaults } from "../../../../plugins/evolution/lineage/ancestry.ts";
import { type Answer, inRuns } from "./calls.ts";

interface Kinds {
  readonly kinds?: {
    readonly size: number;
    readonly shown: Answer["front"];
  };
}

const CELLS = 5;

/** The least of 1 − x for every fifth of y: nothing is better than 0, and every fifth can be reached. */
const ridge = {
  over: { reals: 2, lower: 0, upper: 1 },
  objective: { program: "sub(1.0, gather(identity, 0))", descriptor: "slice(identity, 1, 2)" },
  algorithm: { kind: "mapElites", settings: { cells: CELLS } },
  population: 30,
  seed: 1,
} as const;

Deno.test("the best of each cell is the best that the lineage has of that cell, and every cell comes near to the optimum", () =>
  inRuns(async ({ evolve, call, lineage }) => {
    const ran = await evolve({ ...ridge, generations: 30, name: "ridge" }) as Answer & Kinds;
    const { size, shown } = ran.kinds!;
    assert.equal(size, CELLS);
    const rows = await lineage("ridge");
    assert.deepEqual(lineageFaults(rows), []);
    const cellOf = (y: number) => Math.min(CELLS - 1, Math.floor(y * CELLS));
    for (const { objectives, descriptor } of shown) {
      const same = rows.filter((row) => cellOf(row.descriptor![0]) === cellOf(descriptor![0]));
      assert.equal(objectives![0], Math.min(...same.map((row) => row.objectives![0])));
      assert.ok(objectives![0] < 0.05, String(objectives));
    }
    for (const { genome, objectives, descriptor } of rows) {
      const [x, y] = genome as ReadonlyArray<number>;
      assert.deepEqual([objectives, descriptor], [[1 - x], [y]]);
    }
    const { detail } = await call<{ readonly detail: Kinds }>("evolution.status", { run: "ridge" });
    assert.deepEqual(detail.kinds, ran.kinds);
  }));

Deno.test("novelty spreads over what cannot be told by the objective, and a module says what kind a candidate is", () =>
  inRuns(async ({ evolve }) => {
    const input = {
      over: { bits: 16 },
      objective: { program: "mul(0.0) >> reduce(add)", descriptor: "reduce(add)" },
      population: 20,
      generations: 25,
      seed: 1,
    } as const;
    const counts = ({ kinds }: Kinds) => new Set(kinds!.shown.map(({ descriptor }) => descriptor![0]));
    const spread = counts(await evolve({ ...input, algorithm: "novelty" }) as Answer & Kinds);
    // Sums of 16 fair bits lie within 8 ± 6 in all but one of a thousand draws.
    assert.ok(Math.max(...spread) - Math.min(...spread) > 12, [...spread].join());
    const counting = "({ objectives: [0], descriptor: [x.reduce((a, b) => a + b, 0)] })";
    const grid = await evolve({
      ...input,
      objective: { module: `export default (all) => all.map((x) => ${counting})`, descriptor: 1 },
      algorithm: { kind: "mapElites", settings: { most: 17, cells: 17 } },
      generations: 6,
    });
    assert.ok((grid as Answer & Kinds).kinds!.size > 8);
  }));

Deno.test("what says no kind has no place, and what needs kinds is refused where nothing says them", () =>
  inRuns(async ({ evolve, failure, lineage }) => {
    const silent = await evolve({
      over: { bits: 3 },
      objective: {
        module: "export default (all) => all.map(([x]) => x ? 1 : { objectives: [1], descriptor: [0, 1] })",
        descriptor: 2,
      },
      population: 8,
      generations: 1,
      name: "silent",
    }) as Answer & Kinds;
    assert.equal(silent.algorithm, "mapElites");
    for (const { genome, failed } of await lineage("silent")) {
      assert.equal(failed !== undefined, (genome as string)[0] === "1", failed);
    }
    const { descriptor: _, ...plain } = ridge.objective;
    const cases: ReadonlyArray<readonly [path: string, JsonObject]> = [
      ["/algorithm", { ...ridge, objective: plain }],
      ["/algorithm", { ...ridge, objective: { ...plain, program: "identity", descriptor: "identity" } }],
      ["/algorithm/settings", { ...ridge, algorithm: { kind: "mapElites", settings: { least: 1, most: 0 } } }],
      ["/algorithm/settings/nearest", { ...ridge, algorithm: { kind: "novelty", settings: { nearest: 0 } } }],
    ];
    for (const [path, input] of cases) {
      const refused = await failure("evolution.evolve", { ...input, generations: 1 });
      assert.deepEqual([refused.code, refused.path], ["EVOLUTION_SETTING", path], refused.message);
    }
  }));

const symbols = [
  { name: "x", result: "number" },
  { name: "c", result: "number", constant: [-2, 2] },
  { name: "add", result: "number", operands: ["number", "number"] },
  { name: "mul", result: "number", operands: ["number", "number"] },
  { name: "less", result: "truth", operands: ["number", "number"] },
  { name: "if", result: "number", operands: ["truth", "number", "number"] },
] as const;

/** The squared error of x² + x at eleven points, and the nodes. */
const module = `const of = ({ name, value, operands = [] }, x) => {
  const [a, b, c] = operands.map((operand) => of(operand, x));
  switch (name) {
    case "x": return x;
    case "c": return value;
    case "add": return a + b;
    case "mul": return a * b;
    case "less": return a < b;
    case "if": return a ? b : c;
  }
};
const points = Array.from({ length: 11 }, (_, k) => k / 5 - 1);
export default (trees) => trees.map((tree) => points.reduce((sum, x) => sum + (of(tree, x) - x * x - x) ** 2, 0));`;

Deno.test("typed trees are evolved to a formula that is known, also after a resumption", () =>
  inRuns(async ({ evolve, call, lineage }) => {
    const trees = {
      over: { tree: { symbols, result: "number", depth: 5, nodes: 25 } },
      objective: { module },
      population: 60,
      seed: 1,
    } as unknown as JsonObject;
    const whole = await evolve({ ...trees, generations: 30, goal: 1e-20, name: "whole" });
    assert.equal(whole.reason, "goal", JSON.stringify(whole.front));
    const [best] = whole.front as ReadonlyArray<Answer["front"][number] & { readonly text: string }>;
    assert.match(best.text, /^(?:add|mul)\(/u);
    await evolve({ ...trees, generations: 2, name: "parts" });
    const parts = await call<Answer>("evolution.resume", { run: "parts", generations: 30, goal: 1e-20 });
    assert.deepEqual([parts.archive, parts.generation], [whole.archive, whole.generation]);
    const rows = await lineage("parts");
    assert.deepEqual(lineageFaults(rows), []);
    assert.ok(rows.some(({ edit }) => edit.includes("subtree exchange")));
  }));

Deno.test("trees that cannot be, and scoring that is not for them, are refused with the place", () =>
  inRuns(async ({ failure }) => {
    const tree = { symbols, result: "number" };
    const cases: ReadonlyArray<readonly [code: string, path: string, JsonObject]> = [
      ["EVOLUTION_SETTING", "/over/tree/symbols", {
        over: { tree: { ...tree, result: "text" } },
        objective: { module },
      }],
      ["EVOLUTION_SETTING", "/over/tree/depth", { over: { tree: { ...tree, depth: 65 } }, objective: { module } }],
      ["EVOLUTION_SETTING", "/over/tree/nodes", { over: { tree: { ...tree, nodes: 0 } }, objective: { module } }],
      ["EVOLUTION_OBJECTIVE", "/objective", { over: { tree }, objective: { program: "identity" } }],
      ["EVOLUTION_SETTING", "/algorithm", { over: { tree }, objective: { module }, algorithm: "cmaEs" }],
    ] as never;
    for (const [code, path, input] of cases) {
      const refused = await failure("evolution.evolve", { ...input, generations: 1 });
      assert.deepEqual([refused.code, refused.path], [code, path], refused.message);
    }
  }));

Deno.test("evaluations in threads and in processes come to the same archive and the same state", () =>
  inRuns(async ({ evolve, lineage }) => {
    const answers = [];
    for (const [workers, isolation] of [[1, "thread"], [1, "process"], [2, "process"]] as const) {
      const name = `${isolation}-${workers}`;
      const { archive, state } = await evolve({ ...ridge, generations: 4, workers, isolation, name });
      answers.push([archive, state, await lineage(name)]);
    }
    assert.deepEqual(answers[1], answers[0]);
    assert.deepEqual(answers[2], answers[0]);
  }));
