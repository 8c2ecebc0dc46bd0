import assert from "node:assert/strict";
import type { Search, SearchState } from "../../../../plugins/evolution/contract.ts";
import { decodeState, encodeState } from "../../../../plugins/evolution/run.ts";
import {
  gridSettings,
  MAX_GRID,
  randomSettings,
  sobolSettings,
} from "../../../../plugins/evolution/search/sequences.ts";
import { gridOf, type Setting, settingAt, type Space } from "../../../../plugins/evolution/search/space.ts";
import { sobol } from "../../../../plugins/evolution/search/sobol.ts";

const SMALL: Space = [
  { kind: "choice", name: "letter", options: ["a", "b"] },
  { kind: "int", name: "n", low: 1, high: 3 },
  { kind: "float", name: "x", low: -1, high: 1, when: { name: "letter", in: ["b"] } },
];

const WHOLE: Space = SMALL.slice(0, 2);

const asked = (search: Search<Setting>, generations: number): ReadonlyArray<Setting> => {
  const all: Array<Setting> = [];
  let state = search.start;
  for (let generation = 0; generation < generations; generation++) {
    const candidates = search.ask(state);
    all.push(...candidates.map(({ genome }) => genome));
    state = search.tell(state, candidates, candidates.map(({ genome }) => ({ objectives: [genome.n as number] })));
  }
  return all;
};

Deno.test("a grid is asked in its order and once, whatever is asked at once", () => {
  const expected = [...gridOf(SMALL, 2)];
  assert.equal(expected.length, 2 + 2 * 2);
  for (const batch of [1, 4, 100]) {
    assert.deepEqual(asked(gridSettings({ space: SMALL, levels: 2, batch }), 12), expected);
  }
});

Deno.test("limits: a grid as large as may be, and larger", () => {
  const space = (count: number): Space => [
    { kind: "int", name: "a", low: 1, high: 256 },
    { kind: "int", name: "b", low: 1, high: count },
  ];
  assert.equal(gridSettings({ space: space(MAX_GRID / 256), levels: 1_000 }).objectives, 1);
  assert.throws(() => gridSettings({ space: space(MAX_GRID / 256 + 1), levels: 1_000 }), { code: "EVOLUTION_LIMIT" });
  assert.throws(() => gridSettings({ space: SMALL, levels: 0 }), { code: "EVOLUTION_SETTING", path: "/levels" });
  assert.throws(() => gridSettings({ space: SMALL, batch: 0 }), { code: "EVOLUTION_SETTING", path: "/batch" });
});

Deno.test("random settings of a space with an end are all of them, each once, in an order of the seed", () => {
  const all = asked(randomSettings({ space: WHOLE, seed: 1 }), 10);
  const texts = (settings: Iterable<Setting>) => Array.from(settings, (setting) => JSON.stringify(setting));
  assert.deepEqual(texts(all).sort(), texts(gridOf(WHOLE, Infinity)).sort());
  assert.deepEqual(asked(randomSettings({ space: WHOLE, seed: 1 }), 10), all);
  const orders = new Set([1, 2, 3, 4].map((seed) => texts(asked(randomSettings({ space: WHOLE, seed }), 10)).join()));
  assert.ok(orders.size > 1);
});

Deno.test("random settings of a space without an end do not depend on what is asked at once", () => {
  const one = asked(randomSettings({ space: SMALL, seed: "s" }), 12);
  assert.deepEqual(asked(randomSettings({ space: SMALL, seed: "s", batch: 4 }), 3), one);
});

Deno.test("Sobol settings are the points of the sequence, without those that are the same setting", () => {
  const space: Space = [{ kind: "float", name: "n", low: 0, high: 1 }, { kind: "float", name: "y", low: 0, high: 1 }];
  const found = asked(sobolSettings({ space, seed: 1 }), 16);
  // A shift keeps that of 16 points each sixteenth of a side holds one.
  for (const side of ["n", "y"]) {
    assert.equal(new Set(found.map((setting) => Math.floor(setting[side] as number * 16))).size, 16);
  }
  assert.notDeepEqual(found[0], settingAt(space, sobol(2).at(0)), "shifted by the seed");
  assert.equal(asked(sobolSettings({ space: WHOLE, seed: 1 }), 50).length, 6, "six settings there are");
});

Deno.test("a sequence goes on from its stored state", () => {
  for (
    const make of [
      () => gridSettings({ space: SMALL, levels: 4, batch: 2 }),
      () => randomSettings({ space: SMALL, seed: 3, batch: 2 }),
      () => sobolSettings({ space: SMALL, seed: 3, batch: 2 }),
    ]
  ) {
    const search = make();
    const told = (state: SearchState<Setting>): SearchState<Setting> => {
      const candidates = search.ask(state);
      return search.tell(state, candidates, candidates.map(() => ({ failed: "why" })));
    };
    const state = told(told(search.start));
    const again = make();
    const stored = decodeState(again, JSON.parse(JSON.stringify(encodeState(search, state))));
    assert.deepEqual(again.ask(stored), search.ask(state));
  }
});
