/**
 * Positions against closed forms, and in pieces.
 */
import assert from "node:assert/strict";
import { type Tensor, tensor, toFloats } from "../../../../plugins/ir/library.ts";
import {
  distanceBias,
  learnedPositions,
  networkOfLayers,
  rotaryPositions,
  sinusoidalPositions,
} from "../../../../plugins/neural/library.ts";
import { inPieces } from "./pieces.ts";
import { agrees, differentiates, distance, normals, numbers, runLayer, runNetwork } from "./support.ts";

const [BATCH, STEPS, FEATURES] = [2, 6, 8];
const x = normals("placed", [BATCH, STEPS, FEATURES]);

const placed = (value: (step: number, feature: number, x: number, other: number) => number): Tensor => {
  const data = toFloats(x);
  return tensor(
    "f32",
    x.shape,
    data.map((own, i) => value(Math.floor(i / FEATURES) % STEPS, i % FEATURES, own, data[i ^ 1])),
  );
};

const wave = (step: number, feature: number, base = 10_000): number =>
  step * base ** (-2 * Math.floor(feature / 2) / FEATURES);

Deno.test("sinusoidal positions add sines at even features and cosines at odd ones", () => {
  const { outputs: [ours] } = runLayer(sinusoidalPositions(), { x });
  agrees(ours, placed((step, feature, own) => own + (feature % 2 === 0 ? Math.sin : Math.cos)(wave(step, feature))));
  const { outputs: [near] } = runLayer(sinusoidalPositions({ base: 100 }), { x });
  agrees(
    near,
    placed((step, feature, own) => own + (feature % 2 === 0 ? Math.sin : Math.cos)(wave(step, feature, 100))),
  );
});

Deno.test("rotary positions turn pairs of features, so that their products tell only how far apart they are", () => {
  const { outputs: [ours] } = runLayer(rotaryPositions(), { x });
  agrees(
    ours,
    placed((step, feature, own, other) => {
      const [cosine, sine] = [Math.cos(wave(step, feature)), Math.sin(wave(step, feature))];
      return feature % 2 === 0 ? own * cosine - other * sine : own * cosine + other * sine;
    }),
  );
  const same = tensor("f32", x.shape, toFloats(x).map((_, i) => Math.sin(1 + i % FEATURES)));
  const turned = toFloats(runLayer(rotaryPositions(), { x: same }).outputs[0]);
  const product = (a: number, b: number): number =>
    Array.from({ length: FEATURES }, (_, i) => turned[a * FEATURES + i] * turned[b * FEATURES + i]).reduce((sum, v) =>
      sum + v
    );
  assert.ok(Math.abs(product(0, 2) - product(3, 5)) < 1e-5);
  assert.ok(Math.abs(product(0, 2) - product(0, 3)) > 1e-3);
});

Deno.test("learned positions add the row of each step, and their gradient reaches the table", () => {
  const { outputs: [ours], tensors } = runLayer(learnedPositions({ positions: 9 }), { x });
  assert.deepEqual(tensors.table.shape, [9, FEATURES]);
  const rows = numbers(tensors.table);
  agrees(ours, placed((step, feature, own) => own + rows[step * FEATURES + feature]));
  differentiates(learnedPositions({ positions: 5 }), { x: normals("f64 placed", [2, 3, 4], "f64") });
});

Deno.test("distances lower scores of each head by a slope of its own", () => {
  const scores = normals("scores", [1, 4, 3, 3]);
  const { outputs: [ours] } = runLayer(distanceBias(), { x: scores });
  const data = toFloats(scores);
  agrees(
    ours,
    tensor(
      "f32",
      scores.shape,
      data.map((own, i) => {
        const [head, query, key] = [Math.floor(i / 9), Math.floor(i / 3) % 3, i % 3];
        return own - Math.abs(query - key) * 2 ** (-2 * (head + 1));
      }),
    ),
  );
});

Deno.test("positions in pieces go on counting where the last piece ended", () => {
  for (const layer of [sinusoidalPositions(), rotaryPositions({ base: 50 }), learnedPositions({ positions: STEPS })]) {
    for (const pieces of [[6], [1, 2, 3], [1, 1, 1, 1, 1, 1]]) {
      const [whole, made] = inPieces(layer, x, pieces);
      assert.ok(distance(made, whole) < 1e-6, layer.kind);
    }
  }
});

Deno.test("past the learned table every position has its last row", () => {
  const layer = { ...learnedPositions({ positions: 4 }), settings: { positions: 4, cache: 8 } };
  const zero = tensor("f32", [1, STEPS, FEATURES], Array.from({ length: STEPS * FEATURES }, () => 0));
  const network = networkOfLayers(layer, { x: "f32[1,6,8]" });
  const { outputs: [ours], tensors } = runNetwork(network, [zero]);
  const rows = numbers(tensors.table);
  agrees(
    ours,
    tensor(
      "f32",
      [1, STEPS, FEATURES],
      toFloats(zero).map((_, i) => rows[Math.min(Math.floor(i / FEATURES), 3) * FEATURES + i % FEATURES]),
    ),
  );
});
