import assert from "node:assert/strict";
import { decodeState, encodeState } from "../../../../plugins/evolution/run.ts";
import type { SearchState } from "../../../../plugins/evolution/contract.ts";
import {
  hyperband,
  hyperbandBrackets,
  MAX_BRACKET,
  successiveHalving,
  type Trial,
} from "../../../../plugins/evolution/search/halving.ts";
import type { Space } from "../../../../plugins/evolution/search/space.ts";

const SPACE: Space = [{ kind: "float", name: "x", low: 0, high: 1 }];

const SETTINGS = { space: SPACE, seed: 1, least: 1, most: 81 };

Deno.test("the brackets of Hyperband are those of the paper's table for 81 by 3", () => {
  const begins = hyperbandBrackets(SETTINGS).map(([{ count, resource }]) => [count, resource]);
  assert.deepEqual(begins, [[81, 1], [34, 3], [15, 9], [8, 27], [5, 81]]);
  assert.deepEqual(hyperbandBrackets(SETTINGS)[1], [
    { count: 34, resource: 3 },
    { count: 11, resource: 9 },
    { count: 3, resource: 27 },
    { count: 1, resource: 81 },
  ]);
});

Deno.test("exact powers lose no rung to rounding", () => {
  for (const factor of [2, 3, 5, 10]) {
    for (let times = 0; times <= 3; times++) {
      const brackets = hyperbandBrackets({ space: SPACE, seed: 1, least: 1, most: factor ** times, factor });
      assert.equal(brackets.length, times + 1, `${factor}^${times}`);
      assert.ok(brackets.every((bracket) => bracket.at(-1)!.resource === factor ** times));
    }
  }
});

/** One generation, x itself being the score; what is above `limit` fails. */
const told = (search: ReturnType<typeof hyperband>, state: SearchState<Trial>, limit = Infinity) => {
  const asked = search.ask(state);
  const scores = asked.map(({ genome: { setting } }) => {
    const x = setting.x as number;
    return x > limit ? { failed: "too large" } : { objectives: [x] };
  });
  return { asked, state: search.tell(state, asked, scores) };
};

Deno.test("the best third is promoted with its lineage, and gets three times as much", () => {
  const search = successiveHalving({ ...SETTINGS, most: 9, count: 9 });
  let { asked, state } = told(search, search.start);
  assert.deepEqual(asked.map(({ genome: { resource } }) => resource), new Array(9).fill(1));
  for (const [count, resource] of [[3, 3], [1, 9]]) {
    const before = asked;
    ({ asked, state } = told(search, state));
    const best = [...before].sort((a, b) => (a.genome.setting.x as number) - (b.genome.setting.x as number));
    assert.deepEqual(
      asked.map(({ genome }) => genome.setting),
      best.slice(0, count).map(({ genome }) => genome.setting),
    );
    assert.deepEqual(asked.map(({ parents: [parent] }) => parent), best.slice(0, count).map(({ id }) => id));
    assert.ok(asked.every(({ genome, edit }) => genome.resource === resource && edit === `promoted to ${resource}`));
  }
  const again = told(search, state).asked;
  assert.equal(again.length, 9);
  assert.ok(
    again.every(({ parents, genome }) => parents.length === 0 && genome.resource === 1),
    "a new bracket is drawn",
  );
});

Deno.test("what failed is never promoted, and a rung of failures is followed by the next bracket", () => {
  const search = hyperband({ ...SETTINGS, most: 9 });
  const first = told(search, search.start, 0.05);
  const good = first.asked.filter(({ genome }) => (genome.setting.x as number) <= 0.05).length;
  assert.ok(good < 3, "few are good");
  assert.equal(search.ask(first.state).length, good);
  let state = told(search, search.start, -1).state;
  const sizes: Array<number> = [];
  for (let generation = 1; generation < 6; generation++) {
    const next = told(search, state, -1);
    sizes.push(next.asked.length);
    state = next.state;
  }
  // Brackets of 9 by 3: [9, 3, 1], [5, 1], [3].
  assert.deepEqual(sizes, [0, 0, 5, 0, 3]);
});

Deno.test("a halving goes on from its stored state in the middle of a bracket", () => {
  const search = hyperband({ ...SETTINGS, most: 27 });
  const { state } = told(search, told(search, search.start).state);
  const again = hyperband({ ...SETTINGS, most: 27 });
  const stored = decodeState(again, JSON.parse(JSON.stringify(encodeState(search, state))));
  assert.deepEqual(again.ask(stored), search.ask(state));
  const { genome, ...rest } = (encodeState(search, state) as { members: ReadonlyArray<{ genome: object }> }).members[0];
  const damaged = {
    ...encodeState(search, state) as object,
    members: [{ ...rest, genome: { ...genome, resource: 0 } }],
  };
  assert.throws(() => decodeState(again, damaged as never), { code: "EVOLUTION_STATE" });
});

Deno.test("with the same budget Hyperband finds better settings than random search where early scores tell", () => {
  // A score of 1 − (1 − x)·share: it falls with training, faster where x is small.
  const bySeed = Array.from({ length: 5 }, (_, seed) => {
    const search = hyperband({ space: SPACE, seed, least: 1, most: 27 });
    let [state, spent, best] = [search.start, 0, Infinity];
    while (state.generation < 10) {
      const asked = search.ask(state);
      const scores = asked.map(({ genome: { setting, resource } }) => 1 - (1 - (setting.x as number)) * resource / 27);
      spent += asked.reduce((sum, { genome }) => sum + genome.resource, 0);
      best = Math.min(best, ...scores);
      state = search.tell(state, asked, scores.map((score) => ({ objectives: [score] })));
    }
    // The mean of the least of n even draws is 1 / (n + 1).
    return { best, expected: 1 / (spent / 27 + 1) };
  });
  const mean = (values: ReadonlyArray<number>) => values.reduce((sum, value) => sum + value, 0) / values.length;
  assert.ok(mean(bySeed.map(({ best }) => best)) < mean(bySeed.map(({ expected }) => expected)) / 2);
});

const REFUSED: ReadonlyArray<readonly [path: string, changes: object]> = [
  ["/least", { least: 0 }],
  ["/least", { least: 1.5 }],
  ["/most", { most: 0 }],
  ["/factor", { factor: 1 }],
  ["/factor", { factor: 17 }],
];

for (const [path, changes] of REFUSED) {
  Deno.test(`Hyperband refuses ${JSON.stringify(changes)}`, () => {
    assert.throws(() => hyperband({ ...SETTINGS, ...changes }), { code: "EVOLUTION_SETTING", path });
  });
}

Deno.test("limits: as many settings as a bracket takes, and one more", () => {
  const made = (count: number) => successiveHalving({ ...SETTINGS, most: 1, count });
  assert.equal(made(MAX_BRACKET).ask(made(MAX_BRACKET).start).length, MAX_BRACKET);
  assert.throws(() => made(MAX_BRACKET + 1), { code: "EVOLUTION_LIMIT" });
  assert.throws(() => made(0), { code: "EVOLUTION_SETTING", path: "/count" });
});
