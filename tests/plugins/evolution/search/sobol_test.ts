import assert from "node:assert/strict";
import { random } from "../../../../kernel/random.ts";
import { DIRECTIONS, MAX_SOBOL_DIMENSIONS, sobol } from "../../../../plugins/evolution/search/sobol.ts";

/** The 9th to 16th points in eight dimensions, in units of 1/16, by SciPy 1.17 (`qmc.Sobol(8, scramble=False)`). */
const KNOWN = [
  [3, 5, 15, 7, 9, 5, 7, 15],
  [11, 13, 7, 15, 1, 13, 15, 7],
  [15, 1, 11, 3, 5, 9, 3, 3],
  [7, 9, 3, 11, 13, 1, 11, 11],
  [5, 3, 5, 9, 15, 7, 1, 1],
  [13, 11, 13, 1, 7, 15, 9, 9],
  [9, 7, 1, 13, 3, 11, 5, 13],
  [1, 15, 9, 5, 11, 3, 13, 5],
];

Deno.test("the first points are those of another implementation", () => {
  const points = sobol(8);
  assert.deepEqual([...sobol(3).at(0)], [0, 0, 0]);
  assert.deepEqual([...sobol(3).at(1)], [0.5, 0.5, 0.5]);
  assert.deepEqual([...sobol(3).at(2)], [0.75, 0.25, 0.25]);
  KNOWN.forEach((row, k) => assert.deepEqual([...points.at(8 + k)].map((x) => x * 16), row));
});

Deno.test("all dimensions together have the sums of another implementation", () => {
  const points = sobol(MAX_SOBOL_DIMENSIONS);
  const sum = Array.from({ length: 64 }, (_, k) => points.at(k)).reduce(
    (total, point, k) => point.reduce((rest, x, d) => rest + x * (k + 1) * (d + 1), total),
    0,
  );
  assert.equal(sum, 2163560.0);
});

/** Order of x in GF(2)[x] modulo a polynomial: 2^degree − 1 exactly where the polynomial is primitive. */
const orderOfX = (polynomial: number, degree: number): number => {
  let [power, order] = [2, 1];
  if (degree === 1) return 1;
  while (power !== 1 && order < 2 ** degree) {
    power <<= 1;
    if (power & (1 << degree)) power ^= polynomial;
    order++;
  }
  return order;
};

Deno.test("each polynomial is primitive and there once, each direction number odd and small enough", () => {
  assert.equal(new Set(DIRECTIONS.map(([polynomial]) => polynomial)).size, DIRECTIONS.length);
  for (const [polynomial, ...first] of DIRECTIONS) {
    const degree = first.length;
    assert.equal(Math.floor(Math.log2(polynomial)), degree);
    assert.equal(orderOfX(polynomial, degree), 2 ** degree - 1, String(polynomial));
    first.forEach((m, k) => assert.ok(m % 2 === 1 && m < 2 ** (k + 1), `${polynomial}: ${m}`));
  }
});

/** Whether 2^m points are a (t, m, s)-net in base 2: as many points in each elementary interval of volume 2^(t−m). */
const isNet = (points: ReadonlyArray<Float64Array>, t: number): boolean => {
  const m = Math.log2(points.length);
  const [{ length: s }] = points;
  const splits = (left: number, dimensions: number): ReadonlyArray<ReadonlyArray<number>> =>
    dimensions === 1
      ? [[left]]
      : Array.from({ length: left + 1 }, (_, k) => splits(left - k, dimensions - 1).map((rest) => [k, ...rest])).flat();
  return splits(m - t, s).every((digits) => {
    const counts = new Map<string, number>();
    for (const point of points) {
      const cell = digits.map((count, d) => Math.floor(point[d] * 2 ** count)).join();
      counts.set(cell, (counts.get(cell) ?? 0) + 1);
    }
    return counts.size === 2 ** (m - t) && [...counts.values()].every((count) => count === 2 ** t);
  });
};

/** Sobol's bound: degrees of the polynomials less one each, in sum; the first two dimensions have none. */
const boundOf = (dimensions: number): number =>
  DIRECTIONS.slice(0, dimensions - 1).reduce((sum, [, ...first]) => sum + first.length - 1, 0);

for (const shifted of [false, true]) {
  Deno.test(`the first 2^m points are a net of the quality that theory says${shifted ? ", shifted too" : ""}`, () => {
    for (let dimensions = 1; dimensions <= 5; dimensions++) {
      const points = sobol(dimensions, shifted ? random("net") : undefined);
      for (const m of [4, 7]) {
        const t = boundOf(dimensions);
        if (t > m) continue;
        const first = Array.from({ length: 2 ** m }, (_, k) => points.at(k));
        assert.ok(isNet(first, t), `${dimensions} dimensions, 2^${m} points, t = ${t}`);
      }
    }
  });
}

Deno.test("the net test finds points that are none", () => {
  const chance = random("no net");
  const drawn = Array.from({ length: 16 }, () => Float64Array.from({ length: 2 }, () => chance.float()));
  assert.equal(isNet(drawn, 0), false);
});

Deno.test("limits: so many dimensions and points, and one more", () => {
  assert.equal(sobol(MAX_SOBOL_DIMENSIONS).at(2 ** 32 - 1).length, MAX_SOBOL_DIMENSIONS);
  for (const dimensions of [0, 1.5, MAX_SOBOL_DIMENSIONS + 1]) {
    assert.throws(() => sobol(dimensions), { code: "EVOLUTION_LIMIT" });
  }
  for (const index of [-1, 0.5, 2 ** 32]) assert.throws(() => sobol(1).at(index), { code: "EVOLUTION_LIMIT" });
});
