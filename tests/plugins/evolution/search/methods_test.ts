import assert from "node:assert/strict";
import {
  limited,
  METHOD_NAMES,
  type MethodOptions,
  tunerOf,
  USUAL_TRIALS,
} from "../../../../plugins/evolution/search/methods.ts";
import { MAX_OBSERVATIONS } from "../../../../plugins/evolution/search/bayesian.ts";
import type { Space } from "../../../../plugins/evolution/search/space.ts";

const SPACE: Space = [{ kind: "float", name: "x", low: 0, high: 1 }, { kind: "choice", name: "c", options: [1, 2] }];

const options = (changes: Partial<MethodOptions> = {}): MethodOptions => ({
  space: SPACE,
  seed: 1,
  atOnce: 3,
  settings: {},
  ...changes,
});

for (const name of METHOD_NAMES) {
  Deno.test(`${name} asks for as many trials as it is given, each a setting with a share of its training`, () => {
    const { search: whole, tried, begin, trials } = tunerOf(name, options({ trials: 7 }));
    const search = limited(whole, trials);
    assert.equal(
      whole.variation.key(begin(tried(search.ask(search.start)[0].genome).setting)),
      whole.variation.key(search.ask(search.start)[0].genome),
    );
    let [state, told] = [search.start, 0];
    for (let generation = 0; generation < 20; generation++) {
      const asked = search.ask(state);
      for (const { genome } of asked) {
        const { setting, share } = tried(genome);
        assert.ok(share > 0 && share <= 1 && typeof setting.x === "number" && [1, 2].includes(setting.c as number));
      }
      told += asked.length;
      state = search.tell(state, asked, asked.map((_, at) => ({ objectives: [at] })));
    }
    assert.equal(told, 7);
  });
}

Deno.test("trials where nothing is said: a grid's size, one pass of the halvings, else the usual number", () => {
  const trials = Object.fromEntries(METHOD_NAMES.map((name) => [name, tunerOf(name, options()).trials]));
  assert.deepEqual(trials, {
    grid: 10,
    random: USUAL_TRIALS,
    sobol: USUAL_TRIALS,
    bayesian: USUAL_TRIALS,
    halving: 27 + 9 + 3 + 1,
    hyperband: (27 + 9 + 3 + 1) + (12 + 4 + 1) + (6 + 2) + 4,
  });
});

Deno.test("limits: as many trials as a Bayesian search remembers, and one more", () => {
  assert.equal(tunerOf("bayesian", options({ trials: MAX_OBSERVATIONS })).trials, MAX_OBSERVATIONS);
  assert.throws(() => tunerOf("bayesian", options({ trials: MAX_OBSERVATIONS + 1 })), {
    code: "EVOLUTION_LIMIT",
    path: "/budget/trials",
  });
});

Deno.test("a setting that a method does not have is refused, with its removal as the fix", () => {
  assert.throws(() => tunerOf("random", options({ settings: { levels: 3 } })), {
    code: "EVOLUTION_SETTING",
    path: "/method/settings/levels",
    fix: { summary: "Leave it out", patch: [{ op: "remove", path: "/method/settings/levels" }] },
  });
});
