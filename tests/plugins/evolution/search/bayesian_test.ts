import assert from "node:assert/strict";
import type { Search, SearchState } from "../../../../plugins/evolution/contract.ts";
import { decodeState, encodeState } from "../../../../plugins/evolution/run.ts";
import { bayesian, MAX_OBSERVATIONS } from "../../../../plugins/evolution/search/bayesian.ts";
import { randomSettings } from "../../../../plugins/evolution/search/sequences.ts";
import { type Setting, settingVariation, type Space } from "../../../../plugins/evolution/search/space.ts";
import { FUNCTIONS, type TestFunction } from "./functions.ts";

type Score = (setting: Setting) => unknown;

/** The state after so many evaluations. */
const after = (
  search: Search<Setting>,
  score: Score,
  evaluations: number,
  from = search.start,
): SearchState<Setting> => {
  let state = from;
  while (state.evaluations < evaluations) {
    const asked = search.ask(state);
    state = search.tell(state, asked, asked.map(({ genome }) => score(genome)));
  }
  return state;
};

const leastOf = ({ members }: SearchState<Setting>): number =>
  Math.min(...members.map(({ objectives }) => objectives[0] ?? Infinity));

const scoreOf = ({ at }: TestFunction): Score => (setting) => ({ objectives: [at(setting)] });

const SEEDS = [1, 2, 3];

for (
  const [name, made, budget, within] of [["Branin", FUNCTIONS.branin, 35, 0.02], [
    "Hartmann6",
    FUNCTIONS.hartmann6,
    60,
    0.35,
  ]] as const
) {
  Deno.test(`on ${name} the search comes near the known minimum, and nearer than random search in the same run`, () => {
    const regrets = SEEDS.map((seed) => ({
      bayesian: leastOf(after(bayesian({ space: made.space, seed }), scoreOf(made), budget)) - made.least,
      random: leastOf(after(randomSettings({ space: made.space, seed }), scoreOf(made), budget)) - made.least,
    }));
    const middle = (values: ReadonlyArray<number>) => [...values].sort((a, b) => a - b)[1];
    const found = middle(regrets.map((regret) => regret.bayesian));
    assert.ok(found < within, `${found}`);
    assert.ok(found * 3 < middle(regrets.map((regret) => regret.random)));
    assert.ok(regrets.every((regret) => regret.bayesian >= -1e-5), "nothing is below the minimum");
  });
}

const MIXED: Space = [
  { kind: "choice", name: "kind", options: ["round", "flat"] },
  { kind: "float", name: "x", low: -2, high: 2, when: { name: "kind", in: ["round"] } },
  { kind: "int", name: "n", low: 0, high: 40 },
  { kind: "float", name: "rate", low: 1e-4, high: 1, log: true },
];

const mixed = ({ kind, x, n, rate }: Setting): number =>
  (kind === "round" ? (x as number - 1) ** 2 : 2) + ((n as number) - 30) ** 2 / 100 +
  (Math.log10(rate as number) + 2) ** 2;

Deno.test("choices, conditions, whole numbers and logarithms are searched together", () => {
  const scored: Score = (setting) => ({ objectives: [mixed(setting)] });
  const [found, drawn] = [bayesian({ space: MIXED, seed: 5 }), randomSettings({ space: MIXED, seed: 5 })]
    .map((search) => after(search, scored, 40));
  assert.ok(leastOf(found) < 0.15 && leastOf(found) < leastOf(drawn) / 2, `${leastOf(found)}, ${leastOf(drawn)}`);
  const { key } = settingVariation(MIXED);
  assert.equal(new Set(found.members.map(({ genome }) => key(genome))).size, 40, "no setting is asked twice");
});

Deno.test("another unit of the objective asks for the same settings", () => {
  const [one, other] = [1, 4].map((unit) =>
    after(bayesian({ space: MIXED, seed: 2 }), (setting) => ({ objectives: [unit * mixed(setting)] }), 20)
  );
  assert.deepEqual(one.members.map(({ genome }) => genome), other.members.map(({ genome }) => genome));
});

Deno.test("several at once are asked for apart, and the search still finds", () => {
  const search = bayesian({ space: FUNCTIONS.branin.space, seed: 1, batch: 5 });
  const state = after(search, scoreOf(FUNCTIONS.branin), 33);
  assert.equal(search.ask(state).length, 5);
  const places = search.ask(state).map(({ genome: { x, y } }) => [x, y] as ReadonlyArray<number>);
  for (const [i, a] of places.entries()) {
    for (const b of places.slice(i + 1)) assert.ok(Math.hypot(a[0] - b[0], a[1] - b[1]) > 1e-3);
  }
  assert.ok(leastOf(state) - FUNCTIONS.branin.least < 0.3);
});

Deno.test("a search goes on from its stored state and asks for the same as one that never stopped", () => {
  const make = () => bayesian({ space: MIXED, seed: 9, batch: 3 });
  const scored: Score = (setting) => ({ objectives: [mixed(setting)] });
  const whole = after(make(), scored, 26);
  const half = after(make(), scored, 14);
  const again = make();
  const stored = decodeState(again, JSON.parse(JSON.stringify(encodeState(make(), half))));
  assert.deepEqual(after(again, scored, 26, stored), whole);
});

Deno.test("what fails is avoided, and a search in which all fails goes on", () => {
  const scored: Score = (setting) => setting.kind === "flat" ? { failed: "flat" } : { objectives: [mixed(setting)] };
  const { members } = after(bayesian({ space: MIXED, seed: 3 }), scored, 40);
  const late = members.slice(20);
  assert.ok(late.filter(({ failed }) => failed !== undefined).length <= 5);
  const none = after(bayesian({ space: MIXED, seed: 3 }), () => ({ objectives: [NaN] }), 14);
  assert.ok(none.members.every(({ failed }) => failed !== undefined));
});

Deno.test("a space with an end is asked through, each setting once, and then left", () => {
  const space: Space = [
    { kind: "choice", name: "c", options: [1, 2, 3] },
    { kind: "int", name: "n", low: 1, high: 4, when: { name: "c", in: [2] } },
  ];
  const search = bayesian({ space, seed: 1, initial: 2, batch: 3 });
  const state = after(search, ({ c }) => ({ objectives: [c as number] }), 6);
  assert.equal(new Set(state.members.map(({ genome }) => JSON.stringify(genome))).size, 6);
  assert.equal(state.members.length, 6);
  assert.deepEqual(search.ask(state), []);
  assert.equal(bayesian({ space, seed: 1, initial: 50 }).ask(search.start).length, 6);
});

Deno.test("what is known of a setting before it is tried is learnt from", () => {
  // The sum of digits decides; the feature says it, the dimensions are names.
  const space: Space = [0, 1, 2, 3].map((at) => ({ kind: "choice", name: `d${at}`, options: [7, 3, 9, 1, 5] }));
  const sum = (setting: Setting) =>
    Object.values(setting).reduce<number>((total, digit) => total + (digit as number), 0);
  const scored: Score = (setting) => ({ objectives: [(sum(setting) - 11) ** 2] });
  const search = bayesian({ space, seed: 4, features: (setting) => [sum(setting) / 36] });
  assert.ok(leastOf(after(search, scored, 20)) <= 1);
});

Deno.test("limits: settings that are no counts, and more than a state remembers", () => {
  const space = FUNCTIONS.branin.space;
  for (const [path, settings] of [["/initial", { initial: 0 }], ["/batch", { batch: 1.5 }]] as const) {
    assert.throws(() => bayesian({ space, seed: 1, ...settings }), { code: "EVOLUTION_SETTING", path });
  }
  const search = bayesian({ space, seed: 1, initial: MAX_OBSERVATIONS });
  const asked = search.ask(search.start);
  assert.equal(asked.length, MAX_OBSERVATIONS);
  const full = search.tell(search.start, asked, asked.map(() => ({ failed: "why" })));
  assert.throws(() => search.ask(full), { code: "EVOLUTION_LIMIT" });
});
