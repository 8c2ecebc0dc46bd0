/**
 * Tests of plugins/evolution/archives.ts: cells by hand, elites against a record of all that was told, and novelty.
 */
import assert from "node:assert/strict";
import * as Effect from "effect/Effect";
import {
  type Axis,
  cellOf,
  decodeState,
  encodeState,
  isEvolutionFailure,
  mapElites,
  MAX_CELLS,
  novelty,
  noveltyOf,
  realVariation,
  run,
  stateDigest,
} from "../../../plugins/evolution/library.ts";

const refuses = (code: string, work: () => unknown): void =>
  assert.throws(work, (thrown: unknown) => isEvolutionFailure(thrown) && thrown.code === code, code);

const AXES: ReadonlyArray<Axis> = [{ least: 0, most: 1, cells: 4 }, { least: -1, most: 1, cells: 2 }];
const variation = realVariation({ lower: Float64Array.of(0, -1, 0), upper: Float64Array.of(1, 1, 1) });
const scored = (x: Float64Array) => ({ objectives: [x[2]], descriptor: [x[0], x[1]] });

Deno.test("descriptors fall into the cells of the grid, and what lies outside into those at the edge", () => {
  assert.equal(cellOf(AXES, [0, -1]), 0);
  assert.equal(cellOf(AXES, [0.24, 0]), 1);
  assert.equal(cellOf(AXES, [0.25, -0.01]), 2);
  assert.equal(cellOf(AXES, [1, 1]), 7);
  assert.equal(cellOf(AXES, [99, -99]), 6);
});

Deno.test("each cell holds the best that was ever told of it", async () => {
  const search = mapElites({ variation, seed: 1, axes: AXES, batch: 20 });
  const best = new Map<number, number>();
  const { members } = await Effect.runPromise(run(search, {
    generations: 15,
    evaluate: ({ genome }) =>
      Effect.sync(() => {
        const cell = cellOf(AXES, [genome[0], genome[1]]);
        best.set(cell, Math.min(best.get(cell) ?? Infinity, genome[2]));
        return scored(genome);
      }),
  }));
  assert.deepEqual(
    members.map(({ descriptor, objectives }) => [cellOf(AXES, descriptor!), objectives[0]]),
    [...best].sort(([a], [b]) => a - b),
  );
  assert.equal(best.size, 8);
});

Deno.test("what failed, is infeasible or has no fitting descriptor enters no archive", () => {
  const search = mapElites({ variation, seed: 2, axes: AXES, batch: 6 });
  const asked = search.ask(search.start);
  const state = search.tell(search.start, asked, [
    { failed: "no" },
    { objectives: [0], violation: 1, descriptor: [0, 0] },
    { objectives: [0] },
    { objectives: [0], descriptor: [0] },
    { objectives: [0], descriptor: [0, NaN] },
    { objectives: [7], descriptor: [0, 0] },
  ]);
  assert.deepEqual(state.members.map(({ objectives }) => objectives[0]), [7]);
  const none = search.tell(search.start, asked, asked.map(() => null));
  assert.deepEqual(decodeState(search, encodeState(search, none)), none, "an empty archive can be resumed");
  assert.deepEqual(search.ask(none).map(({ id }) => id)[0], "1.0", "an empty archive draws anew");
  assert.deepEqual(decodeState(search, JSON.parse(JSON.stringify(encodeState(search, state)))), state);
});

Deno.test("novelty is the mean distance to the nearest others", () => {
  const own = [0, 0];
  assert.equal(noveltyOf(own, [own, [3, 4], [0, 1], [0, 2]], 2), 1.5);
  assert.equal(noveltyOf(own, [own, [0, 0]], 1), 0, "another at the same place is no distance away");
  assert.equal(noveltyOf(own, [own], 3), 0);
});

Deno.test("novelty search spreads over behaviours that selection by the objective would leave", async () => {
  const search = novelty({ variation, seed: 3, descriptor: 2, size: 20, nearest: 5 });
  const evaluate = ({ genome }: { readonly genome: Float64Array }) => Effect.succeed(scored(genome));
  const state = await Effect.runPromise(run(search, { generations: 20, evaluate }));
  const seen = new Set<number>();
  for (let at = 0; at < state.memory.archive.length; at += 2) {
    seen.add(cellOf(AXES, state.memory.archive.slice(at, at + 2)));
  }
  assert.equal(seen.size, 8);
  const again = await Effect.runPromise(run(search, { generations: 20, evaluate, concurrency: 4 }));
  assert.equal(stateDigest(search, again), stateDigest(search, state));
});

Deno.test("settings outside their limits are refused", () => {
  const settings = { variation, seed: 1, axes: AXES };
  mapElites({ ...settings, axes: [{ least: 0, most: 1, cells: MAX_CELLS }] });
  refuses("EVOLUTION_LIMIT", () => mapElites({ ...settings, axes: [{ least: 0, most: 1, cells: MAX_CELLS + 1 }] }));
  refuses("EVOLUTION_SETTING", () => mapElites({ ...settings, axes: [] }));
  refuses("EVOLUTION_SETTING", () => mapElites({ ...settings, axes: [{ least: 1, most: 1, cells: 2 }] }));
  refuses("EVOLUTION_SETTING", () => mapElites({ ...settings, axes: [{ least: 0, most: 1, cells: 0 }] }));
  refuses("EVOLUTION_SETTING", () => mapElites({ ...settings, batch: 0 }));
  refuses("EVOLUTION_SETTING", () => novelty({ variation, seed: 1, descriptor: 0 }));
  refuses("EVOLUTION_SETTING", () => novelty({ variation, seed: 1, descriptor: 1, nearest: 0 }));
  refuses("EVOLUTION_SETTING", () => novelty({ variation, seed: 1, descriptor: 1, entering: 0 }));
});
