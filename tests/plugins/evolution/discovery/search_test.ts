import assert from "node:assert/strict";
import { valueAt } from "../../../../plugins/evolution/discovery/formula.ts";
import type { PrimitiveName } from "../../../../plugins/evolution/discovery/primitives.ts";
import {
  accountsOf,
  advanceIsland,
  beginning,
  decodeDiscovery,
  type DiscoveryState,
  encodeDiscovery,
  foundIn,
  jobsOf,
  LEAST_POINTS,
  MAX_POINTS,
  MAX_VARIABLES,
  nextEpoch,
  taskOf,
  toldEpoch,
} from "../../../../plugins/evolution/discovery/search.ts";
import { differences, FORMULAS, FOUND_BELOW, noisyPoints } from "./formulas.ts";

const EPOCH = { epochWork: 8_000_000, kept: 8, largest: 16 };

const formulaNamed = (name: string) => FORMULAS.find((formula) => formula.name.startsWith(name))!;

const taskNamed = (name: string, seed = 1) => {
  const { columns, target } = noisyPoints(formulaNamed(name), 100, seed);
  return taskOf(columns, target, { seed, ...EPOCH });
};

const after = (task: ReturnType<typeof taskOf>, epochs: number, from = beginning(task, 3)): DiscoveryState => {
  let state = from;
  for (let k = 0; k < epochs; k++) state = nextEpoch(task, state);
  return state;
};

for (const name of ["Nguyen-8", "Feynman I.27.6", "Nguyen-5"]) {
  Deno.test(`a formula is found again from 100 noisy points, judged on fresh ones: ${name}`, () => {
    const formula = formulaNamed(name);
    const { chosen } = foundIn(after(taskNamed(name), 20), formula.variables.length);
    const { inside, around } = differences(formula, (...x) => valueAt(chosen!.formula, x));
    assert.ok(inside < FOUND_BELOW && around < FOUND_BELOW, `${inside} ${around}`);
  });
}

const SMALL = taskNamed("Keijzer-14", 2);

Deno.test("what is found gets smaller errors with size, or the shortest account", () => {
  const { all, chosen } = foundIn(after(SMALL, 2), 2);
  assert.ok(all.length > 3);
  const least = Math.min(...all.map(({ length }) => length));
  assert.equal(chosen!.length, least);
  for (let k = 1; k < all.length; k++) {
    assert.ok(all[k].formula.size >= all[k - 1].formula.size);
    const smaller = all.slice(0, k).filter(({ formula }) => formula.size < all[k].formula.size);
    assert.ok(
      smaller.every(({ error }) => all[k].error < error) ||
        smaller.every(({ length }) => all[k].length < length),
    );
  }
});

Deno.test("the same seed gives the same state, another seed another one", () => {
  const one = encodeDiscovery(after(SMALL, 2));
  assert.deepEqual(encodeDiscovery(after(SMALL, 2)), one);
  assert.notDeepEqual(encodeDiscovery(after({ ...SMALL, seed: 3 }, 2)), one);
});

Deno.test("a state that was stored and read back goes on to the same end", () => {
  const whole = after(SMALL, 3);
  const half = JSON.parse(JSON.stringify(encodeDiscovery(after(SMALL, 1))));
  assert.deepEqual(encodeDiscovery(after(SMALL, 2, decodeDiscovery(half, SMALL))), encodeDiscovery(whole));
});

Deno.test("the order in which islands are advanced changes nothing", () => {
  const state = after(SMALL, 1);
  const jobs = jobsOf(SMALL, state);
  const results = [...jobs].reverse().map((job) => advanceIsland(structuredClone(job))).reverse();
  const islands = results.map(({ island }) => island);
  const told = toldEpoch(
    SMALL,
    state,
    results,
    accountsOf({ task: SMALL, islands, accounts: state.accounts, epoch: state.epoch + 1 }),
  );
  assert.deepEqual(told, nextEpoch(SMALL, state));
});

Deno.test("every island but the first is peopled anew after its time, one after another", () => {
  const task = { ...SMALL, work: 50_000 };
  const ages: Array<ReadonlyArray<number>> = [];
  let state = beginning(task, 3);
  for (let epoch = 0; epoch < 24; epoch++) {
    state = nextEpoch(task, state);
    ages.push(state.islands.map((island) => (island as { age: number }).age));
  }
  assert.equal(ages.at(-1)![0], 24);
  const renewed = (number: number) => ages.flatMap((row, epoch) => epoch > 0 && row[number] === 1 ? [epoch] : []);
  assert.ok(renewed(1).length >= 2 && renewed(2).length >= 2);
  assert.ok(renewed(1).every((epoch) => !renewed(2).includes(epoch)));
});

Deno.test("operators that are not allowed are in nothing that is found", () => {
  const allowed: ReadonlyArray<PrimitiveName> = ["add", "mul"];
  const { columns, target } = noisyPoints(formulaNamed("Nguyen-3"), 60, 1);
  const task = taskOf(columns, target, { seed: 1, operators: allowed, ...EPOCH });
  const text = JSON.stringify(after(task, 1).islands);
  const used = new Set([...text.matchAll(/"(sin|cos|exp|log|sqrt|square|div|sub|tanh|abs)"/gu)].map(([, op]) => op));
  assert.deepEqual([...used], []);
});

const column = (length: number) => Float64Array.from({ length }, (_, i) => i / length);

Deno.test("the least number of points is taken, and one fewer is not", () => {
  taskOf([column(LEAST_POINTS)], column(LEAST_POINTS), { seed: 1 });
  assert.throws(() => taskOf([column(LEAST_POINTS - 1)], column(LEAST_POINTS - 1), { seed: 1 }), {
    code: "EVOLUTION_SETTING",
    path: "/data",
  });
});

Deno.test("the most points and variables are taken, and one more is not", () => {
  taskOf([column(MAX_POINTS)], column(MAX_POINTS), { seed: 1 });
  assert.throws(() => taskOf([column(MAX_POINTS + 1)], column(MAX_POINTS + 1), { seed: 1 }), {
    code: "EVOLUTION_LIMIT",
  });
  const many = (count: number) => Array.from({ length: count }, () => column(10));
  taskOf(many(MAX_VARIABLES), column(10), { seed: 1 });
  assert.throws(() => taskOf(many(MAX_VARIABLES + 1), column(10), { seed: 1 }), { code: "EVOLUTION_LIMIT" });
});

for (
  const [name, settings] of [
    ["no operators", { operators: [] }],
    ["an operator that is none", { operators: ["pow"] }],
    ["a size of zero", { largest: 0 }],
    ["too large a size", { largest: 129 }],
    ["nothing kept", { kept: 0 }],
    ["no work", { epochWork: 1 }],
  ] as const
) {
  Deno.test(`settings are refused: ${name}`, () => {
    assert.throws(() => taskOf([column(20)], column(20), { seed: 1, ...settings as object }), {
      code: "EVOLUTION_SETTING",
    });
  });
}

Deno.test("no islands, and one more than the most, are refused", () => {
  assert.throws(() => beginning(SMALL, 0), { code: "EVOLUTION_SETTING" });
  assert.equal(beginning(SMALL, 16).islands.length, 16);
  assert.throws(() => beginning(SMALL, 17), { code: "EVOLUTION_SETTING" });
});

// deno-lint-ignore no-explicit-any -- damage is done to parts of any shape
const broken: ReadonlyArray<readonly [string, (state: any) => void]> = [
  ["no object", () => {}],
  ["a count below zero", (state) => state.epoch = -1],
  ["no islands", (state) => delete state.islands],
  ["islands out of order", (state) => state.islands.reverse()],
  ["an island with rows of other sizes", (state) => state.islands[0].sizes.pop()],
  ["a formula in the row of another size", (state) => state.islands[0].sizes[0].push([["sin", { v: 0 }], 1, 0, 1])],
  ["a fit without numbers", (state) => state.islands[0].sizes[0].push([{ v: 0 }, null, 0, 1])],
  ["an account that is none", (state) => state.accounts.push([1])],
];

for (const [name, damage] of broken) {
  Deno.test(`a stored state is refused: ${name}`, () => {
    const state = name === "no object" ? [] : structuredClone(encodeDiscovery(beginning(SMALL, 3)));
    damage(state);
    assert.throws(() => decodeDiscovery(state as never, SMALL), { code: "EVOLUTION_STATE" });
  });
}
