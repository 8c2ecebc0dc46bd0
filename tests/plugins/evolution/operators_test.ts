/**
 * Tests of plugins/evolution/operators: bounds, moments that the papers state, and refusals.
 */
import assert from "node:assert/strict";
import { random } from "../../../kernel/random.ts";
import { isEvolutionFailure } from "../../../plugins/evolution/failures.ts";
import {
  blend,
  type Bounds,
  latinHypercube,
  REAL_CROSSOVERS,
  REAL_MUTATIONS,
  realVariation,
  sbx,
} from "../../../plugins/evolution/operators/real.ts";

const refuses = (code: string, work: () => unknown): void =>
  assert.throws(work, (thrown: unknown) => isEvolutionFailure(thrown) && thrown.code === code, code);

const BOX: Bounds = { lower: Float64Array.of(-1, 0, 2), upper: Float64Array.of(1, 5, 2) };
const WIDE: Bounds = { lower: Float64Array.of(-1e9), upper: Float64Array.of(1e9) };

Deno.test("children of every crossover and mutation lie within the bounds, and parents stay as they are", () => {
  for (const crossover of REAL_CROSSOVERS) {
    for (const mutation of REAL_MUTATIONS) {
      const variation = realVariation(BOX, { crossover, mutation, crossoverRate: 1, mutationRate: 1 });
      const chance = random(`${crossover} ${mutation}`);
      for (let round = 0; round < 200; round++) {
        const parents = [variation.random(chance), variation.random(chance)];
        const copies = parents.map((parent) => parent.slice());
        for (const child of variation.cross(parents[0], parents[1], chance)) {
          for (const genome of [child, variation.mutate(child, chance)]) {
            assert.ok(genome.every((value, i) => value >= BOX.lower[i] && value <= BOX.upper[i]), String(genome));
          }
        }
        assert.deepEqual(parents, copies);
      }
    }
  }
});

Deno.test("SBX children have their parents' mean where bounds are far away", () => {
  const chance = random("mean");
  for (let round = 0; round < 100; round++) {
    const [first, second] = sbx(Float64Array.of(1), Float64Array.of(3), WIDE, 15, chance);
    assert.ok(Math.abs(first[0] + second[0] - 4) < 1e-9);
  }
});

Deno.test("half of SBX's spread factors are below one, and they follow the paper's distribution", () => {
  // P(β ≤ b) = b^(η+1) / 2 for b ≤ 1, where bounds are far away.
  const chance = random("spread");
  const [index, count] = [2, 20_000];
  const betas: number[] = [];
  while (betas.length < count) {
    const [first, second] = sbx(Float64Array.of(0), Float64Array.of(1), WIDE, index, chance);
    const beta = Math.abs(first[0] - second[0]);
    if (beta !== 1) betas.push(beta);
  }
  for (const b of [0.5, 0.8, 1]) {
    const share = betas.filter((beta) => beta <= b).length / count;
    assert.ok(Math.abs(share - b ** (index + 1) / 2) < 0.015, `${b}: ${share}`);
  }
});

Deno.test("BLX-α draws evenly from the interval widened by α of its length", () => {
  const chance = random("blend");
  const values = Array.from(
    { length: 5000 },
    () => blend(Float64Array.of(0), Float64Array.of(1), WIDE, 0.5, chance)[0][0],
  );
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  assert.ok(Math.min(...values) >= -0.5 && Math.max(...values) <= 1.5);
  assert.ok(Math.abs(mean - 0.5) < 0.03, String(mean));
  assert.ok(Math.abs(variance - 4 / 12) < 0.015, String(variance));
});

Deno.test("exchanging crossovers only exchange values at the same place", () => {
  const bounds = { lower: new Float64Array(8), upper: new Float64Array(8).fill(20) };
  const [a, b] = [Float64Array.from({ length: 8 }, (_, i) => i), Float64Array.from({ length: 8 }, (_, i) => i + 10)];
  const switches = { uniform: 7, onePoint: 1, twoPoint: 2 } as const;
  for (const [crossover, most] of Object.entries(switches) as Array<[keyof typeof switches, number]>) {
    const variation = realVariation(bounds, { crossover, crossoverRate: 1 });
    const chance = random(crossover);
    for (let round = 0; round < 100; round++) {
      const [first, second] = variation.cross(a, b, chance);
      const from = Array.from(first, (value, i) => value === a[i] ? 0 : 1);
      first.forEach((value, i) => assert.deepEqual([value, second[i]].sort((x, y) => x - y), [a[i], b[i]]));
      assert.ok(from.filter((side, i) => i > 0 && side !== from[i - 1]).length <= most);
    }
  }
});

Deno.test("a rate of zero changes nothing, a rate of one changes every variable that has room", () => {
  const still = realVariation(BOX, { crossoverRate: 0, mutationRate: 0 });
  const chance = random("rates");
  const [a, b] = [still.random(chance), still.random(chance)];
  assert.deepEqual(still.cross(a, b, chance), [a, b]);
  assert.deepEqual(still.mutate(a, chance), a);
  const changed = realVariation(BOX, { mutationRate: 1 }).mutate(a, chance);
  assert.deepEqual(Array.from(changed, (value, i) => value !== a[i]), [true, true, false]);
});

Deno.test("a Latin hypercube holds one vector in every slice of every variable", () => {
  const bounds = { lower: Float64Array.of(0, -10), upper: Float64Array.of(10, 10) };
  const rows = latinHypercube(bounds, 10, random("latin"));
  assert.deepEqual(rows.map((row) => Math.floor(row[0])).sort((a, b) => a - b), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.deepEqual(rows.map((row) => Math.floor((row[1] + 10) / 2)).sort((a, b) => a - b), [
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
  ]);
});

Deno.test("a vector's key tells vectors apart, and its JSON gives it back", () => {
  const variation = realVariation(BOX);
  const genome = variation.random(random("key"));
  const other = genome.slice();
  other[0] += 2 ** -52;
  assert.notEqual(variation.key(genome), variation.key(other));
  assert.deepEqual(variation.decode(JSON.parse(JSON.stringify(variation.encode(genome)))), genome);
});

Deno.test("settings and stored vectors outside their ranges are refused", () => {
  refuses("EVOLUTION_SETTING", () => realVariation({ lower: Float64Array.of(), upper: Float64Array.of() }));
  refuses("EVOLUTION_SETTING", () => realVariation({ lower: Float64Array.of(2), upper: Float64Array.of(1) }));
  refuses("EVOLUTION_SETTING", () => realVariation({ lower: Float64Array.of(0), upper: Float64Array.of(Infinity) }));
  refuses("EVOLUTION_SETTING", () => realVariation({ lower: Float64Array.of(0), upper: Float64Array.of(1, 2) }));
  for (const settings of [{ crossoverRate: 1.1 }, { mutationRate: -0.1 }, { spread: NaN }, { step: -1 }]) {
    refuses("EVOLUTION_SETTING", () => realVariation(BOX, settings));
  }
  for (const json of [null, [0, 0], [0, 0, 2, 2], [2, 0, 2], ["0", 0, 2], [NaN, 0, 2]]) {
    refuses("EVOLUTION_STATE", () => realVariation(BOX).decode(json));
  }
});
