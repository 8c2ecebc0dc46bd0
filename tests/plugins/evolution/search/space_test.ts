import assert from "node:assert/strict";
import { random } from "../../../../kernel/random.ts";
import {
  checkedSpace,
  decodeSetting,
  type Dimension,
  gridOf,
  gridSize,
  layoutOf,
  MAX_DIMENSIONS,
  MAX_OPTIONS,
  type Setting,
  settingAt,
  settingVariation,
  type Space,
  spaceSize,
} from "../../../../plugins/evolution/search/space.ts";

const CONDITIONAL: Space = [
  { kind: "choice", name: "optimizer", options: ["adam", "sgd"] },
  { kind: "float", name: "rate", low: 0.001, high: 1, log: true },
  { kind: "float", name: "momentum", low: 0, high: 0.9, when: { name: "optimizer", in: ["sgd"] } },
  { kind: "choice", name: "nesterov", options: [true, false], when: { name: "optimizer", in: ["sgd"] } },
  { kind: "int", name: "warm", low: 1, high: 3, when: { name: "nesterov", in: [true] } },
];

/** What a setting of the space above has to be, written out. */
const assertFits = (setting: Setting): void => {
  const { optimizer, rate, momentum, nesterov, warm } = setting;
  assert.ok(optimizer === "adam" || optimizer === "sgd");
  assert.ok(typeof rate === "number" && rate >= 0.001 && rate <= 1);
  assert.equal(momentum !== undefined, optimizer === "sgd");
  assert.equal(nesterov !== undefined, optimizer === "sgd");
  assert.equal(warm !== undefined, nesterov === true);
  if (momentum !== undefined) assert.ok(typeof momentum === "number" && momentum >= 0 && momentum <= 0.9);
  if (warm !== undefined) assert.ok([1, 2, 3].includes(warm as number));
};

Deno.test("drawn, mutated and crossed settings have what is active in them and nothing else", () => {
  const { random: draw, mutate, cross, key, encode, decode } = settingVariation(CONDITIONAL);
  const chance = random("space");
  let before = draw(chance);
  for (let round = 0; round < 500; round++) {
    const drawn = draw(chance);
    const mutated = mutate(before, chance);
    for (const setting of [drawn, mutated, ...cross(drawn, before, chance)]) {
      assertFits(setting);
      assert.equal(key(decode(encode(setting))), key(setting));
    }
    assert.notEqual(key(mutated), key(before), "a mutation changes something");
    before = mutated;
  }
});

Deno.test("ends of whole numbers are as likely as what lies between", () => {
  const counts = [0, 0, 0, 0];
  const chance = random("ends");
  for (let draw = 0; draw < 8_000; draw++) {
    const { n } = settingVariation([{ kind: "int", name: "n", low: 0, high: 3 }]).random(chance);
    counts[n as number]++;
  }
  for (const count of counts) assert.ok(Math.abs(count - 2_000) < 5 * Math.sqrt(1_500), counts.join());
});

Deno.test("of a logarithmic range every factor of ten is as likely", () => {
  const space: Space = [{ kind: "float", name: "rate", low: 1e-4, high: 1, log: true }];
  const counts = [0, 0, 0, 0];
  for (let k = 0; k < 1_000; k++) {
    counts[Math.floor(Math.log10(settingAt(space, [k / 1_000]).rate as number) + 4 + 1e-9)]++;
  }
  for (const count of counts) assert.ok(Math.abs(count - 250) <= 1, counts.join());
});

Deno.test("a grid has every setting once, the last dimension changing fastest", () => {
  const settings = [...gridOf(CONDITIONAL, 3)];
  // adam: 3 rates; sgd: 3 rates × 3 momenta × (true: 3 + false: 1).
  assert.equal(settings.length, 3 + 3 * 3 * 4);
  assert.equal(new Set(settings.map((setting) => JSON.stringify(setting))).size, settings.length);
  settings.forEach(assertFits);
  const rates = settings.slice(0, 3).map(({ rate }) => rate as number);
  assert.deepEqual(rates.map((rate) => Number(rate.toPrecision(12))), [
    0.001,
    Number(Math.sqrt(0.001).toPrecision(12)),
    1,
  ]);
  assert.equal(gridSize(CONDITIONAL, 3, 1_000), 39);
  assert.equal(gridSize(CONDITIONAL, 3, 5), 5, "counting stops at its limit");
});

Deno.test("a space without ranges has a size, one with them has none", () => {
  const choices: Space = [0, 1, 2].map((at) => ({ kind: "choice", name: `c${at}`, options: [1, 2, 3, 4] }));
  assert.equal(spaceSize(choices, 1_000), 64);
  assert.equal(spaceSize([...choices, { kind: "float", name: "x", low: 0, high: 1 }], 1_000), 1_000);
});

Deno.test("coordinates: shares of ranges, numbers of options, the middle for what is not there", () => {
  const { isChoice, coordinates } = layoutOf(CONDITIONAL);
  assert.deepEqual(isChoice, [true, false, false, true, false]);
  const near = (found: Float64Array, expected: ReadonlyArray<number>) =>
    found.forEach((value, at) => assert.ok(Math.abs(value - expected[at]) < 1e-12, `${found} instead of ${expected}`));
  near(coordinates({ optimizer: "adam", rate: 0.001 }), [0, 0, 0.5, -1, 0.5]);
  const all = { optimizer: "sgd", rate: 1, momentum: 0.45, nesterov: true, warm: 3 };
  near(coordinates(all), [1, 1, 0.5, 0, 1]);
});

Deno.test("what is no setting of the space is refused by name", () => {
  const wrong: ReadonlyArray<readonly [unknown, RegExp]> = [
    [null, /not an object/u],
    [{ optimizer: "adam" }, /rate is undefined/u],
    [{ optimizer: "lamb", rate: 0.1 }, /optimizer is "lamb"/u],
    [{ optimizer: "adam", rate: 2 }, /rate is 2/u],
    [{ optimizer: "adam", rate: 0.1, momentum: 0.5 }, /has momentum/u],
    [{ optimizer: "sgd", rate: 0.1, momentum: 0.5, nesterov: true, warm: 1.5 }, /warm is 1.5/u],
  ];
  for (const [json, says] of wrong) {
    assert.throws(() => decodeSetting(CONDITIONAL, json as never), { code: "EVOLUTION_STATE", message: says });
  }
});

const float = (changes: object): Space => [{ kind: "float", name: "x", low: 0, high: 1, ...changes } as Dimension];

const REFUSED: ReadonlyArray<readonly [title: string, space: Space, path: string, code?: string]> = [
  ["none", [], "/space"],
  ["a range without width", float({ high: 0 }), "/space/0/high"],
  ["an end that is no number", float({ low: NaN }), "/space/0/low"],
  ["a range wider than numbers go", float({ low: -1.7e308, high: 1.7e308 }), "/space/0/high"],
  ["ratios from zero", float({ log: true }), "/space/0/low"],
  ["whole numbers with a fraction", [{ kind: "int", name: "n", low: 0.5, high: 3 }], "/space/0/low"],
  ["a choice of nothing", [{ kind: "choice", name: "c", options: [] }], "/space/0/options"],
  ["an option twice", [{ kind: "choice", name: "c", options: [1, 1] }], "/space/0/options"],
  ["a name twice", [...float({}), ...float({})], "/space/1/name"],
  ["a condition on what comes later", [
    { kind: "float", name: "x", low: 0, high: 1, when: { name: "c", in: ["a"] } },
    { kind: "choice", name: "c", options: ["a"] },
  ], "/space/0/when"],
  ["a condition on a range", [...float({}), {
    kind: "float",
    name: "y",
    low: 0,
    high: 1,
    when: { name: "x", in: [1] },
  }], "/space/1/when"],
  ["a condition on no option", [
    { kind: "choice", name: "c", options: ["a"] },
    { kind: "float", name: "x", low: 0, high: 1, when: { name: "c", in: ["b"] } },
  ], "/space/1/when"],
];

for (const [title, space, path] of REFUSED) {
  Deno.test(`a space is refused: ${title}`, () => {
    assert.throws(() => checkedSpace(space), { code: "EVOLUTION_SETTING", path });
  });
}

Deno.test("limits: so many dimensions and options, and one more", () => {
  const dimensions = (count: number): Space =>
    Array.from({ length: count }, (_, at) => ({ kind: "float", name: `x${at}`, low: 0, high: 1 }));
  assert.equal(checkedSpace(dimensions(MAX_DIMENSIONS)).length, MAX_DIMENSIONS);
  assert.throws(() => checkedSpace(dimensions(MAX_DIMENSIONS + 1)), { code: "EVOLUTION_LIMIT" });
  const options = (
    count: number,
  ): Space => [{ kind: "choice", name: "c", options: Array.from({ length: count }, (_, k) => k) }];
  assert.equal(checkedSpace(options(MAX_OPTIONS)).length, 1);
  assert.throws(() => checkedSpace(options(MAX_OPTIONS + 1)), { code: "EVOLUTION_SETTING" });
});
