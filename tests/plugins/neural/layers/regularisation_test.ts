/**
 * Dropout of elements, channels and samples: what is dropped, how often, and that a step can be repeated.
 */
import assert from "node:assert/strict";
import { filled, type Tensor } from "../../../../plugins/ir/library.ts";
import {
  dropChannels,
  dropout,
  dropPath,
  identity,
  type Layer,
  networkOfLayers,
  parallel,
  sequential,
} from "../../../../plugins/neural/library.ts";
import { failureOf, numbers, runLayer, typesOf } from "./support.ts";

const ones = (...shape: ReadonlyArray<number>): Tensor => filled("f32", shape, 1);
const trained = (layer: Layer, x: Tensor, seed = 1) =>
  numbers(runLayer(layer, { x }, { training: true, seed }).outputs[0]);
const zerosIn = (values: ReadonlyArray<number>): number => values.filter((value) => value === 0).length;

Deno.test("dropout drops its share and scales the others, so that the mean stays", () => {
  const y = trained(dropout({ rate: 0.25 }), ones(100, 100));
  const share = zerosIn(y) / y.length;
  // Five standard deviations of 10,000 draws.
  assert.ok(Math.abs(share - 0.25) < 5 * Math.sqrt(0.25 * 0.75 / 10_000), String(share));
  assert.deepEqual(new Set(y), new Set([0, Math.fround(1 / 0.75)]));
});

Deno.test("outside training, and at rate 0, nothing is dropped", () => {
  const x = ones(4, 4);
  for (const layer of [dropout({ rate: 0.5 }), dropPath({ rate: 0.5 })]) {
    assert.deepEqual(numbers(runLayer(layer, { x }).outputs[0]), numbers(x));
  }
  assert.deepEqual(trained(dropout({ rate: 0 }), x), numbers(x));
});

Deno.test("a step with the same seed drops the same, another seed other elements", () => {
  const [a, again, b] = [1, 1, 2].map((seed) => trained(dropout({ rate: 0.5 }), ones(8, 8), seed));
  assert.deepEqual(a, again);
  assert.notDeepEqual(a, b);
});

Deno.test("two dropouts of one network drop differently in the same step", () => {
  const both = parallel(dropout({ rate: 0.5 }), dropout({ rate: 0.5 }));
  const { outputs } = runLayer(both, { x: ones(8, 8) }, { training: true });
  assert.notDeepEqual(numbers(outputs[0]), numbers(outputs[1]));
});

Deno.test("the gradient of a dropped element is zero: no signal leaks through", () => {
  const twice = sequential(dropout({ rate: 0.5 }), identity());
  const y = trained(twice, ones(8, 8));
  const kept = y.filter((value) => value !== 0);
  assert.ok(kept.length > 10 && kept.length < 54);
  assert.ok(kept.every((value) => value === 2));
});

Deno.test("drop path drops whole samples, drop channels whole channels of a sample", () => {
  const samples = trained(dropPath({ rate: 0.5 }), ones(64, 2, 3));
  for (let sample = 0; sample < 64; sample++) {
    assert.equal(new Set(samples.slice(sample * 6, sample * 6 + 6)).size, 1);
  }
  assert.ok(zerosIn(samples) > 6 * 16 && zerosIn(samples) < 6 * 48);
  const channels = trained(dropChannels({ rate: 0.5 }), ones(8, 8, 3));
  const own = Array.from({ length: 64 }, (_, i) => new Set(channels.slice(i * 3, i * 3 + 3)));
  assert.ok(own.every(({ size }) => size === 1));
  assert.ok(new Set(own.slice(0, 8).flatMap((set) => [...set])).size === 2, "channels of one sample differ");
});

Deno.test("a rate of one would drop everything and is refused", () => {
  for (const rate of [1, -0.1, NaN]) {
    const { code } = failureOf(() => networkOfLayers(dropout({ rate }), typesOf({ x: ones(2, 2) })));
    assert.equal(code, "NEURAL_SETTING");
  }
});
