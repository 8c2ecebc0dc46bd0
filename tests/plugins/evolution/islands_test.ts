/**
 * Tests of plugins/evolution/islands.ts: islands alone are the searches they are made of, and the best wander.
 */
import assert from "node:assert/strict";
import {
  bitVariation,
  decodeState,
  encodeState,
  genetic,
  isEvolutionFailure,
  islands,
  MAX_ISLANDS,
  type Search,
  type SearchState,
  stateDigest,
} from "../../../plugins/evolution/library.ts";

const refuses = (code: string, work: () => unknown): void =>
  assert.throws(work, (thrown: unknown) => isEvolutionFailure(thrown) && thrown.code === code, code);

const variation = bitVariation(40);
const make = (seed: string): Search<Uint8Array> => genetic({ variation, seed, size: 8 });
const zerosIn = (bits: Uint8Array): number => bits.reduce((count, bit) => count + 1 - bit, 0);

const step = (search: Search<Uint8Array>, state: SearchState<Uint8Array>): SearchState<Uint8Array> => {
  const asked = search.ask(state);
  return search.tell(state, asked, asked.map(({ genome }) => ({ objectives: [zerosIn(genome)] })));
};

const textsOf = (members: SearchState<Uint8Array>["members"]) => members.map(({ genome }) => genome.join(""));

Deno.test("until members wander, each island is its search alone", () => {
  const search = islands({ make, count: 3, seed: 1, interval: 100 });
  let state = search.start;
  let alone = [0, 1, 2].map((island) => make(`1/island ${island}`)).map((search) => ({ search, state: search.start }));
  for (let round = 0; round < 5; round++) {
    state = step(search, state);
    alone = alone.map(({ search, state }) => ({ search, state: step(search, state) }));
  }
  assert.deepEqual(textsOf(state.members), alone.flatMap(({ state }) => textsOf(state.members)));
  assert.equal(state.evaluations, alone.reduce((sum, { state }) => sum + state.evaluations, 0));
  assert.equal(new Set(search.ask(state).map(({ id }) => id)).size, search.ask(state).length);
});

Deno.test("the best of each island takes the place of the worst of the next", () => {
  const quiet = islands({ make, count: 3, seed: 2, interval: 100, migrants: 1 });
  const moving = islands({ make, count: 3, seed: 2, interval: 4, migrants: 1 });
  let [before, after] = [quiet.start, moving.start];
  for (let round = 0; round < 4; round++) [before, after] = [step(quiet, before), step(moving, after)];
  const [home, arrived] = [textsOf(before.members), textsOf(after.members)];
  for (let island = 0; island < 3; island++) {
    const source = (island + 2) % 3;
    // A genetic search's members lie best first, so the newcomer stands where the last stood.
    assert.deepEqual(arrived.slice(island * 8, island * 8 + 7), home.slice(island * 8, island * 8 + 7));
    assert.equal(arrived[island * 8 + 7], home[source * 8]);
  }
});

Deno.test("islands stored at any generation go on to the same digest", () => {
  const search = islands({ make, count: 2, seed: 3, interval: 2 });
  let [state, resumed] = [search.start, search.start];
  for (let round = 0; round < 7; round++) {
    state = step(search, state);
    resumed = step(search, decodeState(search, JSON.parse(JSON.stringify(encodeState(search, resumed)))));
    assert.equal(stateDigest(search, resumed), stateDigest(search, state));
  }
});

Deno.test("settings outside their limits are refused", () => {
  islands({ make, count: MAX_ISLANDS, seed: 1, migrants: 7 });
  refuses("EVOLUTION_SETTING", () => islands({ make, count: MAX_ISLANDS + 1, seed: 1 }));
  refuses("EVOLUTION_SETTING", () => islands({ make, count: 1, seed: 1 }));
  refuses("EVOLUTION_SETTING", () => islands({ make, count: 2, seed: 1, migrants: 8 }));
  refuses("EVOLUTION_SETTING", () => islands({ make, count: 2, seed: 1, interval: 0 }));
  const search = islands({ make, count: 2, seed: 1 });
  refuses("EVOLUTION_SCORES", () => search.tell(search.start, search.ask(search.start), []));
});
