/**
 * Budgets of the main job: shares at their limits and past them, passes that are left for, and what is scaled.
 */
import assert from "node:assert/strict";
import { random } from "../../../../kernel/mod.ts";
import { architectureSpace } from "../../../../plugins/evolution/architectures/space.ts";
import {
  affordable,
  epochsOf,
  hasRoom,
  LEAST_SEEN,
  leastBudget,
  scaled,
  TRAINING,
  trainingLeft,
  TRIAL,
} from "../../../../plugins/evolution/create/budget.ts";
import { memoryOf } from "../../../../plugins/evolution/create/memory.ts";
import { recipes, trainingOf } from "../../../../plugins/evolution/create/recipe.ts";
import { nameOfRun } from "../../../../plugins/evolution/create/request.ts";

const FLOPS = { kind: "flops", value: 1_000 } as const;
const TIME = { kind: "time", value: 1_000 } as const;

Deno.test("a share of operations has room up to its limit and not one operation past it", () => {
  const used = { flops: 300, wallMs: 1e9 };
  assert.equal(hasRoom(FLOPS, 0.5, used, 200), true);
  assert.equal(hasRoom(FLOPS, 0.5, used, 201), false);
});

Deno.test("a share of time has room until it is used", () => {
  assert.equal(hasRoom(TIME, 0.5, { flops: 1e18, wallMs: 499 }, 1e18), true);
  assert.equal(hasRoom(TIME, 0.5, { flops: 0, wallMs: 500 }, 0), false);
});

Deno.test("the training takes what is left, but never less than it was chosen with, nor more than is of use", () => {
  const bounds = { train: 1_000, least: 2_500, workers: 2 };
  const whole = (epochs: number) => ({ samples: 1_000, epochs });
  assert.deepEqual(trainingLeft(FLOPS, { flops: 400, wallMs: 0 }, 100, bounds), whole(6));
  assert.deepEqual(trainingLeft(FLOPS, { flops: 990, wallMs: 0 }, 100, bounds), whole(3));
  assert.deepEqual(trainingLeft(FLOPS, { flops: 0, wallMs: 0 }, 0.001, bounds), whole(epochsOf(TRAINING, 1_000)));
  // 800 operations in 400 ms of two workers are one a millisecond each: 600 are left in 600 ms.
  assert.deepEqual(trainingLeft(TIME, { flops: 800, wallMs: 400 }, 100, bounds), whole(6));
});

Deno.test("where less than one pass is left for, the training takes a part of the samples", () => {
  const bounds = { train: 1_000, least: 100, workers: 1 };
  assert.deepEqual(trainingLeft(FLOPS, { flops: 0, wallMs: 0 }, 1_000, bounds), { samples: 1_000, epochs: 1 });
  assert.deepEqual(trainingLeft(FLOPS, { flops: 1, wallMs: 0 }, 1_000, bounds), { samples: 999, epochs: 1 });
  assert.deepEqual(trainingLeft(FLOPS, { flops: 990, wallMs: 0 }, 1_000, bounds), { samples: 100, epochs: 1 });
});

Deno.test("operations of one answer are affordable up to the least budget for them, and not past it", () => {
  const least = leastBudget(20);
  assert.equal(affordable({ kind: "flops", value: least }), 20);
  assert.equal(affordable({ kind: "flops", value: least - 1 }), 19);
  assert.equal(affordable(TIME), Infinity);
});

Deno.test("what a candidate sees shrinks with the budget, and no further than the least", () => {
  assert.deepEqual(scaled(TRIAL, 2), TRIAL);
  assert.equal(scaled(TRIAL, 0.5).seen, TRIAL.seen / 2);
  assert.equal(scaled(TRIAL, 0).seen, LEAST_SEEN);
  assert.equal(epochsOf(scaled(TRIAL, 0), 10 * LEAST_SEEN), 1);
});

Deno.test("a recipe goes through JSON, its key tells recipes apart, and every change is within the tables", () => {
  const space = architectureSpace({ shape: [4], outputs: 2, limits: { parameters: 5_000, flops: 20_000, bytes: 200 } });
  const variation = recipes(space, false);
  const chance = random("recipes");
  let recipe = variation.random(chance);
  for (let turn = 0; turn < 40; turn++) {
    const changed = variation.mutate(recipe, chance);
    assert.deepEqual(variation.decode(JSON.parse(JSON.stringify(variation.encode(changed)))), changed);
    assert.equal(changed.augment, "none");
    recipe = changed;
  }
  assert.notEqual(variation.key({ ...recipe, batch: 16 }), variation.key({ ...recipe, batch: 64 }));
  for (const json of [null, {}, { ...recipe, rate: 0.5 } as never]) {
    assert.throws(() => variation.decode(json), (thrown: { code?: string }) => thrown.code === "EVOLUTION_STATE");
  }
});

Deno.test("gradient descent with momentum takes ten times the rate", () => {
  const settings = { rate: 0.002, batch: 32, augment: "none" } as const;
  assert.equal(trainingOf({ ...settings, optimiser: "nesterov" }).rate, 0.02);
  assert.equal(trainingOf({ ...settings, optimiser: "adam" }).rate, 0.002);
});

Deno.test("a run is named by its data and its settings; a memory that is none is refused", () => {
  const spec = { seed: 1 };
  assert.match(nameOfRun("My Prices.csv", spec), /^create-my-prices-[0-9a-f]{10}$/u);
  assert.notEqual(nameOfRun("a", spec), nameOfRun("a", { seed: 2 }));
  assert.throws(() => memoryOf({ phase: "asleep" }), (thrown: { code?: string }) => thrown.code === "EVOLUTION_STATE");
});
