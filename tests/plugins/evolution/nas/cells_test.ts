import assert from "node:assert/strict";
import { cellDigits, cellFeatures, cellSearch } from "../../../../plugins/evolution/nas/cells.ts";
import type { Setting } from "../../../../plugins/evolution/search/space.ts";
import baselines from "../../../vectors/nas/baselines.json" with { type: "json" };
import { column, permuted, queriesToBest, type SetName, SETS } from "./table.ts";

const OPERATIONS = ["none", "skip", "conv1x1", "conv3x3", "pool3x3"];
const EDGES = ["0-1", "0-2", "1-2", "0-3", "1-3", "2-3"];

const cell = (digits: string): Setting =>
  Object.fromEntries(EDGES.map((edge, at) => [edge, OPERATIONS[Number(digits[at])]]));

Deno.test("cells are written with the digits of the benchmark, and the table has each of them", () => {
  assert.equal(cellDigits(cell("333123")), "333123");
  const accuracies = column("cifar10", "val");
  assert.equal(accuracies.size, 5 ** 6);
  assert.equal(Math.max(...accuracies.values()), baselines.optima.cifar10.val);
});

Deno.test("what nothing passes through changes no feature", () => {
  // Node 1 has no way on, so whatever comes to it is lost.
  const [one, other] = ["120304", "320304"].map((digits) => cellFeatures(cell(digits)));
  assert.deepEqual(cellFeatures(cell("330003")), cellFeatures(cell("030003")));
  assert.notDeepEqual(one, cellFeatures(cell("120334")));
  assert.deepEqual(one, other);
});

Deno.test("nodes that do the same may change places", () => {
  // Without an edge between them, nodes 1 and 2 are alike: edges 0-1 and 0-2, 1-3 and 2-3 change places.
  assert.deepEqual(cellFeatures(cell("320112")), cellFeatures(cell("230121")));
});

Deno.test("features of a cell counted by hand", () => {
  // Paths 0-3 (skip), 0-1-3 (conv3x3, none: closed), 0-2-3 and 0-1-2-3 (all conv3x3).
  const found = cellFeatures(cell("333103"));
  const expected = [3 / 4, 1 / 6, 0, 4 / 6, 0, 3 / 3, 0, (2 + 3) / 8, (2 + 3) / 8];
  assert.deepEqual(found, expected);
  assert.deepEqual(cellFeatures(cell("000000")), expected.map(() => 0));
});

const QUERIES = 200;
const SEEDS = 4;

for (const set of Object.keys(SETS) as ReadonlyArray<SetName>) {
  Deno.test(`on ${set} the search finds the best cell within ${QUERIES} of 15,625 queries more often than evolution`, () => {
    const accuracies = column(set, "val");
    const found = Array.from(
      { length: SEEDS },
      (_, seed) => queriesToBest(cellSearch({ seed: `test/${seed}` }), accuracies, QUERIES),
    ).filter((queries) => queries !== undefined);
    // Evolution finds it in 34 … 43 % of its runs; three of four is beyond what it does with this many seeds.
    assert.ok(found.length >= SEEDS - 1, `${found.length} of ${SEEDS}`);
  });
}

Deno.test("with accuracies at other cells the search finds no more than chance", () => {
  for (const set of Object.keys(SETS) as ReadonlyArray<SetName>) {
    const accuracies = permuted(column(set, "val"), 1);
    assert.equal(queriesToBest(cellSearch({ seed: "test/permuted" }), accuracies, 60), undefined);
  }
});
