/**
 * Layers that nobody would write: whatever a kind is told and given, it builds or refuses by a failure, at once.
 */
import assert from "node:assert/strict";
import { random } from "../../../../kernel/random.ts";
import { isFailure } from "../../../../kernel/failure.ts";
import {
  type Layer,
  LAYERS,
  linear,
  MAX_LAYER_DEPTH,
  networkOfLayers,
  networkOfProgram,
  portsOf,
  readLayer,
  repeated,
  residual,
  sequential,
  trainingStep,
} from "../../../../plugins/neural/library.ts";
import { MAX_NAME } from "../../../../plugins/ir/library.ts";
import { parse } from "../../../../plugins/rmil/library.ts";
import { KINDS } from "./kinds.ts";
import { failureOf } from "./support.ts";

const SETTINGS: ReadonlyArray<unknown> = [
  0,
  -1,
  1,
  3,
  7,
  1e9,
  2 ** 53,
  1.5,
  -0.5,
  0.999,
  NaN,
  Infinity,
  "",
  "x",
  "relu",
  "sequential",
  "toString",
  "__proto__",
  true,
  false,
  null,
  [],
  [0],
  [-1, 2],
  [3, 3],
  [1e9, 1e9],
  [1, 2, 3, 4],
  ["a"],
  {},
];

const TYPES = [
  "f32[]",
  "f32[B]",
  "f32[B,4]",
  "f32[B,0]",
  "f32[B,S,4]",
  "f32[B,4,S]",
  "f32[B,2,4,4]",
  "f32[B,2,H,W]",
  "f32[B,2,3,4,4]",
  "f64[B,3,4]",
  "f16[B,3,4]",
  "i64[B,4]",
  "i32[B]",
  "bool[B,3,4]",
  "u8[B,2,4,4]",
];

const outcome = (build: () => unknown): "built" | "refused" => {
  try {
    build();
    return "built";
  } catch (thrown) {
    if (isFailure(thrown)) return "refused";
    throw thrown;
  }
};

Deno.test("whatever settings and inputs a kind is given, it builds or refuses by a failure", () => {
  const draws = random("hostile layers");
  const pick = <A>(of: ReadonlyArray<A>): A => of[draws.below(of.length)];
  const count = { built: 0, refused: 0 };
  for (const [kind, { layer, types }] of KINDS) {
    const { settings } = LAYERS.get(layer.kind)!;
    for (let round = 0; round < 30; round++) {
      const told: { [name: string]: unknown } = { ...layer.settings };
      if (settings.length > 0) told[pick(settings).name] = pick(SETTINGS);
      if (round % 3 === 0) told[pick(["x", "constructor", "width", "toString"])] = pick(SETTINGS);
      const given = round % 2 === 0 ? types : Object.fromEntries(Object.keys(types).map((name) => [name, pick(TYPES)]));
      const made = { ...layer, settings: told } as Layer;
      try {
        count[outcome(() => networkOfLayers(made, given))]++;
      } catch (thrown) {
        assert.fail(`${kind} ${JSON.stringify(told)} on ${JSON.stringify(given)}: ${thrown}`);
      }
    }
  }
  assert.ok(count.built > 200 && count.refused > 500, JSON.stringify(count));
});

Deno.test("a layer is read from JSON, and what is none is refused by its path", () => {
  const layer = sequential(residual(linear({ width: 4 })), repeated(2, linear()));
  assert.deepEqual(readLayer(JSON.parse(JSON.stringify(layer))), layer);
  const refused = (json: unknown) => {
    const { code, path } = failureOf(() => readLayer(json)) as never as {
      readonly code: string;
      readonly path: string;
    };
    assert.equal(code, "NEURAL_FORM");
    return path;
  };
  for (const json of [null, 3, "linear", [], {}, { kind: 3, settings: {} }, { kind: "linear" }]) refused(json);
  assert.equal(
    refused({ kind: "sequential", settings: {}, parts: [layer, { kind: "linear", settings: 3 }] }),
    "/parts/1/settings",
  );
  assert.equal(refused({ ...linear(), parts: {} }), "/parts");
  assert.equal(refused({ ...linear(), shared: 3 }), "/shared");
  assert.equal(refused({ ...linear(), settings: { width: {} } }), "/settings/width");
  assert.equal(refused({ ...linear(), initial: { weight: { kind: "nothing" } } }), "/initial/weight/kind");
  assert.equal(
    refused({ ...linear(), initial: { weight: { kind: "normal", deviation: "1" } } }),
    "/initial/weight/deviation",
  );
  assert.equal(refused({ ...linear(), more: 3 }), "/more");
  assert.equal(refused(JSON.parse('{"kind":"linear","settings":{},"__proto__":{}}')), "/__proto__");
  const told = readLayer(JSON.parse('{"kind":"linear","settings":{"__proto__":3}}'));
  assert.equal(failureOf(() => networkOfLayers(told, { x: "f32[B,4]" })).code, "NEURAL_SETTING");
});

const nested = (depth: number): Layer =>
  Array.from({ length: depth - 1 }).reduce<Layer>((inner) => sequential(inner), linear());

Deno.test("layers may stand as deep as the limit, and one deeper is refused, built or read", () => {
  networkOfLayers(nested(MAX_LAYER_DEPTH), { x: "f32[B,4]" });
  readLayer(nested(MAX_LAYER_DEPTH));
  for (const deep of [MAX_LAYER_DEPTH + 1, 100_000]) {
    assert.equal(failureOf(() => networkOfLayers(nested(deep), { x: "f32[B,4]" })).code, "NEURAL_FORM");
    assert.equal(failureOf(() => readLayer(nested(deep))).code, "NEURAL_FORM");
  }
});

Deno.test("a layer repeated beyond reason is refused before it is made", () => {
  const { code } = failureOf(() => networkOfLayers(repeated(1e9, linear()), { x: "f32[B,4]" }));
  assert.equal(code, "NEURAL_FORM");
});

Deno.test("a program of many layers and layers in many layers have long paths, and train all the same", () => {
  const long = networkOfProgram(
    parse(Array.from({ length: 70 }, () => "linear").join(" >> ")),
    portsOf({ x: "f32[B,2]" }),
  );
  const deep = networkOfLayers(nested(80), { x: "f32[B,2]" });
  for (const network of [long, deep]) {
    assert.ok(network.parameters.some(({ path }) => path.length > MAX_NAME));
    const { slots } = trainingStep({ network, loss: { kind: "mse" }, optimiser: { kind: "adam" } });
    assert.deepEqual(slots.slice(0, 2).map(({ name }) => name), network.parameters.slice(0, 2).map(({ path }) => path));
  }
});
