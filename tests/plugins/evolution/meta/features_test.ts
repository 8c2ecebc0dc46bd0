import assert from "node:assert/strict";
import { random } from "../../../../kernel/random.ts";
import { FEATURE_NAMES, type TaskFeatures, taskFeatures } from "../../../../plugins/evolution/meta/features.ts";

const COUNT = 200;
const chance = random("features tests");
const normal = (label: string) => {
  const own = chance.split(label);
  return Float64Array.from({ length: COUNT }, () => own.normal());
};
const A = normal("a");
const B = normal("b");

const all = (features: TaskFeatures) => FEATURE_NAMES.map((name) => features[name]);

const hostile: ReadonlyArray<readonly [string, ReadonlyArray<ReadonlyArray<number>>, ReadonlyArray<number>, number?]> =
  [
    ["two rows", [[1, 2]], [1, 2]],
    ["nothing but gaps", [[NaN, NaN, NaN]], [1, 2, 3]],
    ["infinities", [[Infinity, -Infinity, 1, 2]], [1, 2, 3, 4]],
    ["a constant column and target", [[5, 5, 5]], [2, 2, 2]],
    ["huge numbers", [[1e308, -1e308, 1e308, 3]], [1e308, -1e308, 0, 1]],
    ["one class", [[1, 2, 3, 4]], [0, 0, 0, 0], 1],
    ["a class for every row", [[1, 2, 3, 4]], [0, 1, 2, 3], 4],
  ];

for (const [name, columns, target, classes] of hostile) {
  Deno.test(`features are numbers in 0 … 1.2 whatever the table: ${name}`, () => {
    const features = taskFeatures({ columns, target, ...(classes === undefined ? {} : { classes }) });
    for (const value of all(features)) assert.ok(Number.isFinite(value) && value >= 0 && value <= 1.2, `${value}`);
  });
}

Deno.test("shift and scale of columns and of a numeric target change no feature", () => {
  const target = A.map((a, i) => a * B[i] + a);
  const one = taskFeatures({ columns: [A, B], target });
  const other = taskFeatures({ columns: [A.map((a) => 1000 * a - 7), B], target: target.map((v) => 0.01 * v + 3) });
  FEATURE_NAMES.forEach((name) => assert.ok(Math.abs(one[name] - other[name]) < 1e-9, name));
});

Deno.test("known values: evenness of two equal classes is 1, of one is 0; gaps and distinct are shares", () => {
  const half = Float64Array.from({ length: COUNT }, (_, i) => i % 2);
  assert.ok(Math.abs(taskFeatures({ columns: [A], target: half, classes: 2 }).evenness - 1) < 1e-12);
  assert.equal(taskFeatures({ columns: [A], target: new Float64Array(COUNT), classes: 2 }).evenness, 0);
  const gaps = A.map((value, i) => i % 4 === 0 ? NaN : value);
  assert.ok(Math.abs(taskFeatures({ columns: [gaps, B], target: A }).gaps - 1 / 8) < 1e-12);
  assert.ok(Math.abs(taskFeatures({ columns: [half, B], target: A }).distinct - (2 / COUNT + 1) / 2) < 1e-12);
});

Deno.test("a linear target is explained by the linear landmark, a wave by the neighbours", () => {
  const linear = taskFeatures({ columns: [A, B], target: A.map((a, i) => 2 * a - B[i]) });
  assert.ok(linear.linear > 0.95, `${linear.linear}`);
  const x = Float64Array.from({ length: COUNT }, (_, i) => i / COUNT);
  const wave = taskFeatures({ columns: [x], target: x.map((v) => Math.sin(20 * v)) });
  assert.ok(wave.nearestNeighbour > 0.9 && wave.linear < 0.3, JSON.stringify(wave));
});

Deno.test("two clouds apart are told by means, a cut of one column by the stump, chance by none", () => {
  const group = Float64Array.from({ length: COUNT }, (_, i) => i % 2);
  const apart = taskFeatures({ columns: [A.map((a, i) => a + 8 * group[i]), B], target: group, classes: 2 });
  assert.ok(apart.nearestMean > 0.95 && apart.stump > 0.95);
  const none = taskFeatures({ columns: [A, B], target: group, classes: 2 });
  assert.ok(none.nearestMean < 0.65 && none.linear < 0.65 && none.nearestNeighbour < 0.65, JSON.stringify(none));
});

Deno.test("columns that say the same have one direction and are correlated", () => {
  const same = taskFeatures({ columns: [A, A.map((a) => -3 * a)], target: B });
  assert.ok(same.firstDirection > 0.999 && same.correlation > 0.999);
  const other = taskFeatures({ columns: [A, B], target: B });
  assert.ok(other.firstDirection < 0.65 && other.correlation < 0.2);
});

Deno.test("a large table is sampled, and the same every time", () => {
  const rows = 5000;
  const own = chance.split("large");
  const columns = Array.from({ length: 60 }, () => Float64Array.from({ length: rows }, () => own.float()));
  const task = { columns, target: columns[0] };
  assert.deepEqual(taskFeatures(task), taskFeatures(task));
});

for (
  const [name, task] of [
    ["no columns", { columns: [], target: [1, 2] }],
    ["one row", { columns: [[1]], target: [1] }],
    ["columns of another length", { columns: [[1, 2, 3]], target: [1, 2] }],
    ["no classes", { columns: [[1, 2]], target: [0, 1], classes: 0 }],
  ] as const
) {
  Deno.test(`a table is refused: ${name}`, () => {
    assert.throws(() => taskFeatures(task), { code: "EVOLUTION_SETTING" });
  });
}
