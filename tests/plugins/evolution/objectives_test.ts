/**
 * Tests of plugins/evolution/objectives: closed forms, definitions written out, and the ways a measure can be wrong.
 */
import assert from "node:assert/strict";
import { random } from "../../../kernel/random.ts";
import { isEvolutionFailure } from "../../../plugins/evolution/failures.ts";
import { crowding, thin } from "../../../plugins/evolution/objectives/crowding.ts";
import {
  dasDennis,
  directionCount,
  MAX_DIRECTION_WIDTH,
  MAX_DIRECTIONS,
  twoLayers,
} from "../../../plugins/evolution/objectives/directions.ts";
import { generationalDistance, igd, igdPlus } from "../../../plugins/evolution/objectives/distance.ts";
import { compareDominance, fronts, nonDominated, ranks } from "../../../plugins/evolution/objectives/dominance.ts";
import {
  hypervolume,
  MAX_HYPERVOLUME_POINTS,
  MAX_HYPERVOLUME_WIDTH,
} from "../../../plugins/evolution/objectives/hypervolume.ts";
import { type Points, pointsOf, rowsOf } from "../../../plugins/evolution/objectives/points.ts";

const refuses = (code: string, work: () => unknown): void =>
  assert.throws(work, (thrown: unknown) => isEvolutionFailure(thrown) && thrown.code === code, code);

const near = (actual: number, expected: number, tolerance: number): void =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not within ${tolerance} of ${expected}`);

const cloud = (seed: string, count: number, width: number): Points => {
  const chance = random(seed);
  return { count, width, data: Float64Array.from({ length: count * width }, () => Math.round(chance.float() * 8) / 8) };
};

const dominatesByDefinition = (a: ReadonlyArray<number>, b: ReadonlyArray<number>): boolean =>
  a.every((value, m) => value <= b[m]) && a.some((value, m) => value < b[m]);

Deno.test("dominance is at least as good everywhere and better somewhere", () => {
  const points = pointsOf([[1, 2], [1, 3], [2, 1], [1, 2]]);
  assert.equal(compareDominance(points, 0, 1), -1);
  assert.equal(compareDominance(points, 1, 0), 1);
  assert.equal(compareDominance(points, 0, 2), 0);
  assert.equal(compareDominance(points, 0, 3), 0, "equal points do not dominate one another");
});

Deno.test("fronts are what peeling off the undominated points by definition gives", () => {
  for (const [seed, width] of [["a", 1], ["b", 2], ["c", 3], ["d", 5]] as const) {
    const points = cloud(seed, 60, width);
    const rows = rowsOf(points);
    let left = rows.map((_, i) => i);
    for (const front of fronts(points)) {
      const best = left.filter((i) => !left.some((j) => dominatesByDefinition(rows[j], rows[i])));
      assert.deepEqual(front, best);
      left = left.filter((i) => !best.includes(i));
    }
    assert.deepEqual(left, []);
  }
});

Deno.test("every feasible point comes before every infeasible one, and those by their violation alone", () => {
  const points = pointsOf([[0, 0], [5, 5], [6, 6], [9, 9], [1, 1]]);
  assert.deepEqual(fronts(points, [2, 0, 0, 1, 2]), [[1], [2], [3], [0, 4]]);
  assert.deepEqual([...ranks(points, [2, 0, 0, 1, 2])], [3, 0, 1, 2, 3]);
});

Deno.test("a violation of infinity or NaN ranks last", () => {
  const points = pointsOf([[0, 0], [1, 1], [2, 2]]);
  assert.deepEqual(fronts(points, [Infinity, 3, 0]), [[2], [1], [0]]);
  assert.deepEqual(fronts(points, [NaN, 0, 0]).at(-1), [0]);
});

Deno.test("no points have no fronts", () => {
  assert.deepEqual(fronts(pointsOf([])), []);
  assert.deepEqual(nonDominated(pointsOf([])), []);
});

Deno.test("points that no order has a place for are refused", () => {
  refuses("EVOLUTION_POINTS", () => pointsOf([[1, 2], [1]]));
  refuses("EVOLUTION_POINTS", () => fronts(pointsOf([[1, NaN]])));
  refuses("EVOLUTION_POINTS", () => fronts(pointsOf([[1, 1]]), [0, 0]));
});

Deno.test("crowding is the half perimeter to the neighbours over the spans, and infinite at the ends", () => {
  const points = pointsOf([[0, 10], [4, 5], [1, 8], [10, 0]]);
  const distances = crowding(points, [0, 1, 2, 3]);
  assert.equal(distances[0], Infinity);
  assert.equal(distances[3], Infinity);
  near(distances[1], (10 - 1) / 10 + (8 - 0) / 10, 1e-15);
  near(distances[2], (4 - 0) / 10 + (10 - 5) / 10, 1e-15);
});

Deno.test("an objective that is the same everywhere says nothing about crowding", () => {
  const distances = crowding(pointsOf([[0, 7], [1, 7], [3, 7], [4, 7]]), [0, 1, 2, 3]);
  assert.deepEqual([...distances], [Infinity, 0.75, 0.75, Infinity]);
});

Deno.test("pruning one by one keeps a cluster's representative, where crowding at once drops it whole", () => {
  // Three points in a heap in the middle: each has little room until the others are gone.
  const points = pointsOf([[0, 1], [0.49, 0.51], [0.5, 0.5], [0.51, 0.49], [0.8, 0.2], [0.9, 0.1], [1, 0]]);
  const rows = [0, 1, 2, 3, 4, 5, 6];
  const kept = thin(points, rows, 4, "pruning");
  assert.equal(kept.filter((row) => row >= 1 && row <= 3).length, 1);
  assert.ok(kept.includes(0) && kept.includes(6));
});

Deno.test("thinning by area leaves out the point that alone dominates least, each time", () => {
  const points = cloud("area", 40, 2);
  const front = fronts(pointsOf(rowsOf(points).map(([x], k) => [x + k / 64, 1 - (x + k / 64) ** 2])))[0];
  const curve = pointsOf(rowsOf(points).map(([x], k) => [x + k / 64, 1 - (x + k / 64) ** 2]));
  const inner = front.filter((row) => {
    const xs = front.map((other) => curve.data[other * 2]);
    const x = curve.data[row * 2];
    return x > Math.min(...xs) && x < Math.max(...xs);
  });
  const volume = (rows: ReadonlyArray<number>) =>
    hypervolume(pointsOf(rows.map((row) => [curve.data[row * 2], curve.data[row * 2 + 1]])), [3, 3]);
  const best = Math.max(...inner.map((row) => volume(front.filter((other) => other !== row))));
  near(volume(thin(curve, front, front.length - 1, "area")), best, 1e-12);
});

Deno.test("thinning keeps all that fit, keeps none of none, and refuses a count below none", () => {
  const points = pointsOf([[0, 1], [1, 0]]);
  for (const how of ["crowding", "pruning", "area"] as const) {
    assert.deepEqual(thin(points, [0, 1], 2, how), [0, 1]);
    assert.deepEqual(thin(points, [0, 1], 0, how), []);
    assert.equal(thin(points, [0, 1], 1, how).length, 1);
  }
  refuses("EVOLUTION_SETTING", () => thin(points, [0, 1], -1));
});

Deno.test("hypervolume of one point is its box, in every dimension", () => {
  for (let width = 1; width <= MAX_HYPERVOLUME_WIDTH; width++) {
    const point = Array.from({ length: width }, (_, m) => 0.1 * (m + 1));
    const box = point.reduce((product, value) => product * (1 - value), 1);
    near(hypervolume(pointsOf([point]), point.map(() => 1)), box, 1e-15);
  }
});

Deno.test("hypervolume agrees with inclusion and exclusion over all subsets to 1e-9", () => {
  for (let width = 2; width <= MAX_HYPERVOLUME_WIDTH; width++) {
    const rows = rowsOf(cloud(`boxes ${width}`, 10, width));
    let expected = 0;
    for (let subset = 1; subset < 1 << rows.length; subset++) {
      const chosen = rows.filter((_, i) => subset >> i & 1);
      const box = Array.from({ length: width }, (_, m) => 1.1 - Math.max(...chosen.map((row) => row[m])))
        .reduce((product, side) => product * Math.max(0, side), 1);
      expected += chosen.length % 2 === 1 ? box : -box;
    }
    near(hypervolume(pointsOf(rows), Array(width).fill(1.1)), expected, 1e-9);
  }
});

Deno.test("hypervolume of a staircase on the simplex is its closed form to 1e-9, up to five objectives", () => {
  // Points (k1/p, …, kM/p) with Σk = p dominate all cells k with Σk ≥ p of the grid of p^M cells of side 1/p in [0, 1]^M.
  for (const [width, steps] of [[2, 40], [3, 10], [4, 6], [5, 4]] as const) {
    let cells = 0;
    for (let cell = 0; cell < steps ** width; cell++) {
      let sum = 0;
      for (let rest = cell, m = 0; m < width; m++, rest = Math.floor(rest / steps)) sum += rest % steps;
      if (sum >= steps) cells++;
    }
    near(hypervolume(dasDennis(width, steps), Array(width).fill(1)), cells / steps ** width, 1e-9);
  }
});

Deno.test("hypervolume does not see the order of points, copies, dominated points or points beyond the reference", () => {
  const points = cloud("order", 20, 4);
  const rows = rowsOf(points);
  const volume = hypervolume(points, [1, 1, 1, 1]);
  const more = [...random("shuffle").shuffle(rows), ...rows, [0.99, 0.99, 0.99, 0.99], [0, 0, 0, 2], [
    0,
    0,
    0,
    Infinity,
  ]];
  near(hypervolume(pointsOf(more), [1, 1, 1, 1]), volume, 1e-12);
  assert.equal(hypervolume(pointsOf([]), [1]), 0);
  assert.equal(hypervolume(pointsOf([[1, 0]]), [1, 1]), 0);
});

Deno.test("hypervolume takes its limits and nothing past them", () => {
  assert.equal(hypervolume(dasDennis(5, 1), Array(5).fill(2)) > 0, true);
  refuses("EVOLUTION_LIMIT", () => hypervolume(dasDennis(6, 1), Array(6).fill(2)));
  const line = (count: number): Points => ({ count, width: 1, data: new Float64Array(count) });
  assert.equal(hypervolume(line(MAX_HYPERVOLUME_POINTS), [1]), 1);
  refuses("EVOLUTION_LIMIT", () => hypervolume(line(MAX_HYPERVOLUME_POINTS + 1), [1]));
  refuses("EVOLUTION_POINTS", () => hypervolume(pointsOf([[0, 0]]), [1]));
  refuses("EVOLUTION_POINTS", () => hypervolume(pointsOf([[0, 0]]), [1, Infinity]));
  refuses("EVOLUTION_POINTS", () => hypervolume(pointsOf([[0, -Infinity]]), [1, 1]));
  refuses("EVOLUTION_POINTS", () => hypervolume(pointsOf([[0, NaN]]), [1, 1]));
});

Deno.test("IGD is the mean distance to the nearest point, IGD+ counts only what is lacking", () => {
  const targets = pointsOf([[0, 1], [1, 0]]);
  const points = pointsOf([[0, 1], [1, 0.5], [0.5, 0]]);
  near(igd(points, targets), (0 + 0.5) / 2, 1e-15);
  near(igdPlus(points, targets), 0, 1e-15);
  near(generationalDistance(points, targets), (0 + 0.5 + 0.5) / 3, 1e-15);
  assert.equal(igd(targets, targets), 0);
  assert.equal(igd(pointsOf([]), targets), Infinity);
  refuses("EVOLUTION_POINTS", () => igd(points, pointsOf([])));
  refuses("EVOLUTION_POINTS", () => igd(points, pointsOf([[1, 2, 3]])));
});

Deno.test("reference directions are all compositions once: 91 for three objectives and 12 partitions", () => {
  const directions = dasDennis(3, 12);
  assert.equal(directions.count, 91);
  assert.equal(new Set(rowsOf(directions).map(String)).size, 91);
  for (const row of rowsOf(directions)) {
    near(row[0] + row[1] + row[2], 1, 1e-15);
    assert.ok(row.every((value) => value >= 0));
  }
  assert.deepEqual(rowsOf(dasDennis(2, 2)), [[0, 1], [0.5, 0.5], [1, 0]]);
  assert.equal(dasDennis(1, 5).count, 1);
});

Deno.test("the inner layer of directions lies halfway to the centre", () => {
  const directions = rowsOf(twoLayers(4, 2, 1));
  assert.equal(directions.length, directionCount(4, 2) + 4);
  assert.deepEqual(directions.at(-1), [0.625, 0.125, 0.125, 0.125]);
});

Deno.test("directions take their limits and nothing past them", () => {
  assert.equal(dasDennis(MAX_DIRECTION_WIDTH, 1).count, MAX_DIRECTION_WIDTH);
  refuses("EVOLUTION_LIMIT", () => dasDennis(MAX_DIRECTION_WIDTH + 1, 1));
  assert.equal(dasDennis(2, MAX_DIRECTIONS - 1).count, MAX_DIRECTIONS);
  refuses("EVOLUTION_LIMIT", () => dasDennis(2, MAX_DIRECTIONS));
  refuses("EVOLUTION_SETTING", () => dasDennis(3, 0));
  refuses("EVOLUTION_SETTING", () => dasDennis(0, 3));
  refuses("EVOLUTION_SETTING", () => dasDennis(2.5, 3));
});
