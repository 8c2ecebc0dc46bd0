/**
 * The table of NAS-Bench-201: validation accuracies of all cells after 12 epochs, and a search that asks it.
 *
 * The search is told what it asked for and nothing else.
 */
import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { CELL_OPERATIONS, CELL_SPACE, cellDigits } from "../../../../plugins/evolution/nas/cells.ts";
import type { Search, Variation } from "../../../../plugins/evolution/contract.ts";
import { type Setting, settingVariation } from "../../../../plugins/evolution/search/space.ts";
import { random } from "../../../../kernel/random.ts";

/** Data sets, as the baselines name them, and the table's columns. */
export const SETS = { "cifar10": "cifar10", "cifar100": "cifar100", "imagenet16-120": "imagenet" } as const;

/** The name of a data set. */
export type SetName = keyof typeof SETS;

/** Accuracies of one column by a cell's digits. */
export type Column = ReadonlyMap<string, number>;

const FILE = new URL("../../../vectors/nas/nas_bench_201_12epoch.csv.gz", import.meta.url);

const [header, ...rows] = new TextDecoder().decode(gunzipSync(Deno.readFileSync(FILE))).trim().split(/\r?\n/u)
  .map((line) => line.split(","));
assert.equal(rows.length, 15_625);

/** A column of the table. */
export const column = (set: SetName, part: "val" | "test"): Column => {
  const at = header.indexOf(`${SETS[set]}-${part}`);
  return new Map(rows.map((row) => [row[1], Number(row[at])]));
};

/** The same accuracies at other cells: nothing can be learned of one from another. */
export const permuted = (accuracies: Column, seed: number): Column => {
  const values = random(`permuted/${seed}`).shuffle([...accuracies.values()]);
  return new Map([...accuracies.keys()].map((cell, at) => [cell, values[at]]));
};

/** Runs a search until it has asked for the best cell or for so many cells; gives the number asked, or nothing. */
export const queriesToBest = (search: Search<Setting>, accuracies: Column, most: number): number | undefined => {
  const best = Math.max(...accuracies.values());
  let state = search.start;
  while (state.evaluations < most) {
    const asked = search.ask(state);
    const found = asked.map(({ genome }) => accuracies.get(cellDigits(genome))!);
    const at = found.indexOf(best);
    const count = state.evaluations + at + 1;
    if (at >= 0) return count <= most ? count : undefined;
    state = search.tell(state, asked, found.map((accuracy) => ({ objectives: [-accuracy] })));
  }
  return undefined;
};

/** Regularised evolution's variation on the benchmark: another operation on one edge. */
export const oneEdge: Variation<Setting> = {
  ...settingVariation(CELL_SPACE),
  name: "one edge",
  mutate: (parent, chance) => {
    const edge = chance.pick(CELL_SPACE).name;
    return { ...parent, [edge]: chance.pick(CELL_OPERATIONS.filter((operation) => operation !== parent[edge])) };
  },
};
