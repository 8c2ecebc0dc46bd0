/**
 * Tests of data/splits.ts and of the promises of data/dataset.ts.
 */
import assert from "node:assert/strict";
import { tensor } from "../../../../plugins/ir/library.ts";
import {
  classesOf,
  gather,
  memoryDataset,
  tensorColumn,
  TestGuard,
  uniformly,
  withSplits,
} from "../../../../plugins/neural/data/dataset.ts";
import { cut, permutation, range, splitByDraw, splitSamples } from "../../../../plugins/neural/data/splits.ts";
import { generatedData } from "../../../../plugins/neural/data/generated.ts";
import { codeOf, messageOf } from "../hostile.ts";

const members = (splits: { readonly [name: string]: Uint32Array }) =>
  Object.values(splits).flatMap((part) => [...part]).sort((a, b) => a - b);

Deno.test("every sample is in one part, whatever the shares", () => {
  for (const rule of [{}, { validation: 0, test: 0 }, { validation: 0.3, test: 0.6 }, { seed: 7 }]) {
    assert.deepEqual(members(splitSamples(97, rule)), [...range(0, 97)]);
  }
});

Deno.test("shares are kept, of the whole and of each class", () => {
  const { train, validation, test } = splitSamples(1_000, { validation: 0.2, test: 0.1 });
  assert.deepEqual([train.length, validation.length, test.length], [700, 200, 100]);
  const classes = Int32Array.from({ length: 1_000 }, (_, i) => i < 100 ? 0 : 1);
  const strata = splitSamples(1_000, { validation: 0.2, test: 0.1 }, classes);
  assert.deepEqual(members(strata), [...range(0, 1_000)]);
  for (const [part, wanted] of [[strata.train, 70], [strata.validation, 20], [strata.test, 10]] as const) {
    assert.equal([...part].filter((sample) => classes[sample] === 0).length, wanted);
  }
});

Deno.test("the same seed gives the same split, another one another", () => {
  assert.deepEqual(splitSamples(500, { seed: 1 }), splitSamples(500, { seed: 1 }));
  assert.notDeepEqual(splitSamples(500, { seed: 1 }), splitSamples(500, { seed: 2 }));
});

Deno.test("shares that leave nothing to learn from are refused", () => {
  assert.equal(codeOf(() => splitSamples(10, { validation: 0.5, test: 0.5 })), "NEURAL_DATA_OPTION");
  assert.equal(codeOf(() => splitSamples(10, { validation: -0.1 })), "NEURAL_DATA_OPTION");
  assert.equal(splitSamples(10, { validation: 0.5, test: 0.4 }).train.length, 1);
});

Deno.test("a split by draw keeps its shares on average and does not depend on how many samples there are", () => {
  const splitOf = splitByDraw({ validation: 0.2, test: 0.1, seed: 3 });
  const counts = { train: 0, validation: 0, test: 0 };
  for (let i = 0; i < 20_000; i++) counts[splitOf(i)]++;
  // Three deviations of a binomial share.
  assert.ok(Math.abs(counts.validation / 20_000 - 0.2) < 3 * Math.sqrt(0.2 * 0.8 / 20_000));
  assert.ok(Math.abs(counts.test / 20_000 - 0.1) < 3 * Math.sqrt(0.1 * 0.9 / 20_000));
  assert.equal(splitOf(17), splitByDraw({ validation: 0.2, test: 0.1, seed: 3 })(17));
});

Deno.test("a permutation holds every number once, and every order of three is as likely", () => {
  assert.deepEqual([...permutation(257, "x")].sort((a, b) => a - b), [...range(0, 257)]);
  const seen = new Map<string, number>();
  for (let i = 0; i < 3_000; i++) {
    const order = permutation(3, `draw/${i}`).join("");
    seen.set(order, (seen.get(order) ?? 0) + 1);
  }
  assert.equal(seen.size, 6);
  for (const count of seen.values()) assert.ok(Math.abs(count - 500) < 4 * Math.sqrt(3_000 / 6 * 5 / 6), String(count));
});

const column = tensorColumn("x", tensor("u8", [3, 2], [0, 51, 102, 153, 204, 255]), "f32", uniformly(1 / 51, 1));

Deno.test("a column gives its samples in any order, shifted and scaled, in the element type asked for", () => {
  assert.deepEqual(column.feature, { name: "x", type: { dtype: "f32", shape: [2] } });
  assert.deepEqual([...gather(column, [2, 0]).data], [5, 6, 1, 2]);
  const half = tensorColumn("h", tensor("f16", [2], [0.5, 2]));
  assert.deepEqual(half.feature.type, { dtype: "f32", shape: [] });
  assert.deepEqual([...gather(half, [1]).data], [2]);
  assert.equal(codeOf(() => tensorColumn("w", tensor("i64", [1], [1n]), "f32")), "NEURAL_DATA_OPTION");
  assert.equal(codeOf(() => tensorColumn("w", tensor("f32", [1], [1]), "i32")), "NEURAL_DATA_OPTION");
});

Deno.test("splits that share a sample, or name one that is not there, are refused", () => {
  const of = (train: ReadonlyArray<number>, test: ReadonlyArray<number>) => () =>
    memoryDataset({
      name: "d",
      inputs: [column],
      length: 3,
      splits: { train: Uint32Array.from(train), validation: new Uint32Array(), test: Uint32Array.from(test) },
    });
  assert.match(messageOf(of([0, 1], [1])), /sample 1 is in two places/u);
  assert.match(messageOf(of([0, 0], [])), /sample 0 is in two places/u);
  assert.match(messageOf(of([0], [3])), /no sample 3/u);
  assert.equal(of([0, 1], [2])().length, 3);
});

Deno.test("a part of a set has the same samples in splits of its own", () => {
  const part = withSplits(generatedData("xor"), { train: Uint32Array.of(5, 9) }, "client 1");
  assert.deepEqual([part.name, part.splits.train.length, part.splits.test.length], ["client 1", 2, 0]);
  assert.deepEqual(classesOf(part, [5, 9]), classesOf(generatedData("xor"), [5, 9]));
});

Deno.test("a guard lets a test split in once, and each set apart", () => {
  const guard = new TestGuard();
  assert.deepEqual([guard.enter("a"), guard.enter("a"), guard.enter("b")], [true, false, true]);
  assert.equal(guard.hasRead("a") && !guard.hasRead("c"), true);
});

Deno.test("parts are cut in the order test, validation, train, each ascending", () => {
  const { test, validation, train } = cut(Uint32Array.of(9, 3, 7, 1, 5), 2, 1);
  assert.deepEqual([[...test], [...validation], [...train]], [[9], [3, 7], [1, 5]]);
});
