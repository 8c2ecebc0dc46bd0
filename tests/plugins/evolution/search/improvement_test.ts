import assert from "node:assert/strict";
import type { Member } from "../../../../plugins/evolution/contract.ts";
import { logImprovement, merits } from "../../../../plugins/evolution/search/improvement.ts";

/** The mean of max(0, x − best) over a normal x, summed by Simpson's rule. */
const improvementBySum = (mean: number, deviation: number, best: number): number => {
  const [from, to, steps] = [
    Math.max(best, mean - 12 * deviation),
    Math.max(best, mean + 12 * deviation) + 6 * deviation,
    20_000,
  ];
  const width = (to - from) / steps;
  let sum = 0;
  for (let k = 0; k <= steps; k++) {
    const x = from + k * width;
    const density = Math.exp(-0.5 * ((x - mean) / deviation) ** 2) / (deviation * Math.sqrt(2 * Math.PI));
    sum += (k === 0 || k === steps ? 1 : k % 2 === 1 ? 4 : 2) * (x - best) * density;
  }
  return sum * width / 3;
};

Deno.test("expected improvement is the integral that it is meant to be, near and far from the best", () => {
  for (const z of [-12, -8, -5.01, -4.99, -3, -1, 0, 0.5, 2, 6]) {
    for (const deviation of [0.1, 1, 7]) {
      const expected = Math.log(improvementBySum(1 + z * deviation, deviation, 1));
      const found = logImprovement(1 + z * deviation, deviation, 1);
      assert.ok(
        Math.abs(found - expected) < 1e-6,
        `z ${z}: ${found}, ${expected}`,
      );
    }
  }
});

Deno.test("expected improvement grows with the mean without a step where its series takes over", () => {
  let before = -Infinity;
  for (let z = -8; z < 3; z += 0.001) {
    const now = logImprovement(z, 1, 0);
    assert.ok(now > before && now - before < 0.02 || before === -Infinity, `at ${z}: ${before}, ${now}`);
    before = now;
  }
});

Deno.test("what is known for certain is worth its distance, or nothing", () => {
  assert.equal(logImprovement(3, 0, 1), Math.log(2));
  assert.equal(logImprovement(1, 0, 1), -Infinity);
});

const member = (objective: number | undefined, violation = 0): Member<null> => ({
  id: "m",
  genome: null,
  parents: [],
  edit: "drawn",
  objectives: objective === undefined ? [] : [objective],
  violation,
  ...(objective === undefined ? { failed: "why" } : {}),
});

const meritsOf = (...objectives: ReadonlyArray<number | undefined>): ReadonlyArray<number> => [
  ...merits(objectives.map((objective) => member(objective))),
];

const moments = (values: ReadonlyArray<number>): readonly [number, number] => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return [mean, values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length];
};

Deno.test("merits fall as objectives grow, with mean 0 and variance 1", () => {
  const found = meritsOf(5, 1, 2, 9, 1e6, 3);
  const order = [1, 2, 5, 0, 3, 4];
  for (let k = 1; k < order.length; k++) assert.ok(found[order[k]] < found[order[k - 1]]);
  const [mean, variance] = moments(found);
  assert.ok(Math.abs(mean) < 1e-12 && Math.abs(variance - 1) < 1e-12);
});

Deno.test("between the best and the middle merits are straight, beyond it they are logarithms", () => {
  const [best, half, middle] = meritsOf(0, 5, 10, 20);
  assert.ok(Math.abs((best - half) - (half - middle)) < 1e-12);
  // From the middle as far as the best is, ln 2 of that distance is left.
  const found = meritsOf(0, 10, 10, 20, 10);
  assert.ok(Math.abs((found[1] - found[3]) / (found[0] - found[1]) - Math.log(2)) < 1e-12);
});

Deno.test("the unit and the zero of the objective change no merit", () => {
  const values = [3, 1, 4, 1.5, 9, 2.5];
  assert.deepEqual(meritsOf(...values.map((value) => value * 4)), meritsOf(...values));
  assert.deepEqual(meritsOf(...values.map((value) => value - 8)), meritsOf(...values));
});

Deno.test("what failed or is infeasible is as bad as the worst", () => {
  const found = merits([member(1), member(undefined), member(7), member(0, 2), member(2)]);
  assert.equal(found[1], found[2]);
  assert.equal(found[3], found[2]);
});

Deno.test("where half share the best score or nothing is scored, the order decides", () => {
  const [a, b, c] = meritsOf(1, 1, 5);
  assert.equal(a, b);
  assert.ok(c < a);
  assert.deepEqual(meritsOf(undefined, undefined), [0, 0].map((zero) => -zero + 0));
  assert.ok(meritsOf(-1.7e308, 1.7e308).every(Number.isFinite));
});
