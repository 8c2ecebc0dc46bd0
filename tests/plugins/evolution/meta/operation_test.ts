import assert from "node:assert/strict";
import type { JsonObject } from "../../../../kernel/mod.ts";
import { cellsOf } from "../../../../plugins/evolution/discovery/points.ts";
import { KEPT_SETTINGS } from "../../../../plugins/evolution/meta/experience.ts";
import { taskTableOf } from "../../../../plugins/evolution/meta/task_table.ts";
import { type Calls, inRuns } from "../runs/calls.ts";

const table = (text: string) => cellsOf(new TextEncoder().encode(text));

const PETS = table("kind,weight,legs,name\ncat,4,4,Tom\ndog,20,4,\nbird,0.1,2,Tweety\ncat,,4,Tom\n,1,2,Nemo\n");

Deno.test("a target of text is classes, rows without a target are left out, text counts by its places", () => {
  const { columns, target, classes } = taskTableOf(PETS, "kind");
  assert.deepEqual([...target as Float64Array], [0, 1, 2, 0]);
  assert.equal(classes, 3);
  assert.deepEqual(columns.map((column) => [...column as Float64Array]), [
    [4, 20, 0.1, NaN],
    [4, 4, 2, 4],
    [0, NaN, 1, 0],
  ]);
});

Deno.test("a target of numbers is numbers, or classes where that is asked for", () => {
  assert.equal(taskTableOf(PETS, "legs").classes, undefined);
  assert.equal(taskTableOf(PETS, "legs", "classification").classes, 2);
});

Deno.test("a target of text cannot be a regression, and one that is not there is answered with the near one", () => {
  assert.throws(() => taskTableOf(PETS, "kind", "regression"), { code: "EVOLUTION_SETTING", path: "/task" });
  assert.throws(() => taskTableOf(PETS, "leg"), { code: "EVOLUTION_SETTING", path: "/target", suggestions: ["legs"] });
});

interface Suggested {
  readonly known: number;
  readonly features: { readonly [name: string]: number };
  readonly suggestions: ReadonlyArray<{ readonly setting: unknown; readonly distance: number; readonly rank: number }>;
}

const X = Array.from({ length: 40 }, (_, i) => i / 10);
const wave = (speed: number): JsonObject => ({
  data: { columns: { x: X, y: X.map((x) => Math.sin(speed * x)) } },
  target: "y",
  space: "kernel",
});

const rememberAll = async ({ call }: Calls) => {
  await call("evolution.remember", { ...wave(0.2), tried: [{ setting: "slow", score: 1 }] });
  await call("evolution.remember", { ...wave(9), tried: [{ setting: "fast", score: 1 }] });
  await call("evolution.remember", { ...wave(9), space: "other", tried: [{ setting: "other", score: 0 }] });
};

Deno.test("the settings of the nearest task come first, those of another space not at all", () =>
  inRuns(async (calls) => {
    await rememberAll(calls);
    const fast: Suggested = await calls.call("evolution.suggest", wave(8.5));
    assert.equal(fast.known, 2);
    assert.deepEqual(fast.suggestions.map(({ setting }) => setting), ["fast", "slow"]);
    assert.ok(fast.suggestions[0].distance < fast.suggestions[1].distance);
    const slow: Suggested = await calls.call("evolution.suggest", { ...wave(0.25), count: 1 });
    assert.deepEqual(slow.suggestions.map(({ setting }) => setting), ["slow"]);
  }));

Deno.test("only the best settings are kept, the same call twice is one experience, a name is given", () =>
  inRuns(async ({ call }) => {
    const tried = Array.from({ length: 30 }, (_, k) => ({ setting: { k }, score: 30 - k }));
    const first: { digest: string; kept: number } = await call("evolution.remember", { ...wave(1), tried });
    assert.equal(first.kept, KEPT_SETTINGS);
    const named: { digest: string; names: string[] } = await call(
      "evolution.remember",
      { ...wave(1), tried: [...tried].reverse(), name: "waves" },
    );
    assert.equal(named.digest, first.digest);
    assert.deepEqual(named.names, ["waves@1"]);
    const { known, suggestions }: Suggested = await call("evolution.suggest", { ...wave(1), count: 3 });
    assert.equal(known, 1);
    assert.deepEqual(suggestions.map(({ setting }) => setting), [{ k: 29 }, { k: 28 }, { k: 27 }]);
  }));

for (
  const [name, input, path] of [
    ["a target that is not there", { ...wave(1), target: "z" }, "/target"],
    ["columns of different lengths", { ...wave(1), data: { columns: { x: [1], y: [1, 2] } } }, "/data/columns"],
    ["no column but the target", { ...wave(1), data: { columns: { y: [1, 2] } } }, "/data"],
    ["one row", { ...wave(1), data: { columns: { x: [1], y: [1] } } }, "/data"],
  ] as const
) {
  Deno.test(`a task is refused: ${name}`, () =>
    inRuns(async ({ failure }) => {
      const found = await failure("evolution.suggest", input);
      assert.deepEqual([found.code, found.path], ["EVOLUTION_SETTING", path]);
    }));
}
