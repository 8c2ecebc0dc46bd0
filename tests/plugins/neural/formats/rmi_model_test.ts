/**
 * Tests of formats/rmi_model.ts: bytes written out by hand from the original's layout; and of formats/load_into.ts.
 */
import assert from "node:assert/strict";
import { elements, tensor } from "../../../../plugins/ir/library.ts";
import { loadInto } from "../../../../plugins/neural/formats/load_into.ts";
import {
  MAX_MODEL_TENSORS,
  parameterName,
  readRmiModel,
  writeRmiModel,
} from "../../../../plugins/neural/formats/rmi_model.ts";
import { codeOf, messageOf, survives } from "../hostile.ts";

const text = (value: string) => [...new TextEncoder().encode(value)];
const u32 = (value: number) => [value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24];
const u64 = (value: number) => [...u32(value % 2 ** 32), ...u32(Math.floor(value / 2 ** 32))];

const METADATA = '{"name":"m","version":"0.1.0"}';
const model = (count: number, tensors: ReadonlyArray<number>): Uint8Array =>
  Uint8Array.from([...text("RMIMODEL"), ...u32(METADATA.length), ...text(METADATA), ...u32(count), ...tensors]);

const NAME = "layer_0.param_0";
const WEIGHT = [
  ...u32(NAME.length),
  ...text(NAME),
  ...u32(2),
  ...u64(1),
  ...u64(2),
  ...u64(8),
  0,
  0,
  128,
  63,
  0,
  0,
  0,
  192,
];
const GOOD = model(1, WEIGHT);

Deno.test("a file as the original lays it out is read", () => {
  const { tensors, metadata } = readRmiModel(GOOD);
  assert.deepEqual(metadata, { name: "m", version: "0.1.0" });
  assert.equal(parameterName(0, 0), NAME);
  assert.deepEqual(tensors.get(NAME)!.shape, [1, 2]);
  assert.deepEqual(elements(tensors.get(NAME)!), [1, -2]);
});

Deno.test("what is written is byte for byte that layout, history and own texts kept", () => {
  assert.deepEqual(writeRmiModel([[NAME, tensor("f32", [1, 2], [1, -2])]], { name: "m", version: "0.1.0" }), GOOD);
  const metadata = { name: "m", version: "1", history: { losses: [1, 0.5] }, custom: { a: "b" } };
  assert.deepEqual(readRmiModel(writeRmiModel([], metadata)), { tensors: new Map(), metadata });
});

Deno.test("four tensors of 58 parameters come back with names, shapes and values", () => {
  const tensors = ([[[4, 8], "layer_0.param_0"], [[8], "layer_0.param_1"], [[8, 2], "layer_1.param_0"], [
    [2],
    "layer_1.param_1",
  ]] as const)
    .map(([shape, name]) =>
      [
        name,
        tensor("f32", shape, Array.from({ length: shape.reduce<number>((a, b) => a * b, 1) }, (_, i) => i / 7)),
      ] as const
    );
  assert.equal(tensors.reduce((sum, [, { data }]) => sum + data.length, 0), 58);
  assert.deepEqual([...readRmiModel(writeRmiModel(tensors, {})).tensors], tensors.map((pair) => [...pair]));
});

Deno.test("each way to be wrong is refused and named, where the original's reader ran past the end", () => {
  const cases: ReadonlyArray<readonly [Uint8Array, RegExp]> = [
    [GOOD.with(0, 0x58), /begin with RMIMODEL/u],
    [GOOD.subarray(0, 4), /begin with RMIMODEL/u],
    [GOOD.subarray(0, 10), /length of the metadata takes 4 bytes, and 2 are left/u],
    [GOOD.subarray(0, 20), /metadata takes 30 bytes/u],
    [GOOD.subarray(0, GOOD.length - 1), /data of .* takes 8 bytes, and 7 are left/u],
    [Uint8Array.of(...GOOD, 0), /1 bytes follow/u],
    [GOOD.with(12, 0x5b), /not JSON/u],
    [model(2, [...WEIGHT, ...WEIGHT]), /name is taken/u],
    [model(2, WEIGHT), /length of a name takes 4 bytes, and 0 are left/u],
    [model(1, [...u32(1), 0xff]), /not UTF-8/u],
    [model(1, [...u32(1), 97, ...u32(17)]), /17 axes/u],
    [model(1, [...u32(1), 97, ...u32(1), ...u64(3), ...u64(8)]), /take 12 bytes, and 8 are declared/u],
    [model(1, [...u32(1), 97, ...u32(1), ...u64(2 ** 60), ...u64(8)]), /too large/u],
    [model(1, [...u32(1), 97, ...u32(2), ...u64(2 ** 40), ...u64(2 ** 40), ...u64(8)]), /are declared/u],
  ];
  for (const [bytes, says] of cases) assert.match(messageOf(() => readRmiModel(bytes)), says);
});

Deno.test("a count at the limit is believed as far as there are bytes, and one past it never", () => {
  assert.match(messageOf(() => readRmiModel(model(MAX_MODEL_TENSORS, []))), /takes 4 bytes, and 0/u);
  assert.match(messageOf(() => readRmiModel(model(MAX_MODEL_TENSORS + 1, []))), /exceed the limit/u);
});

Deno.test("another element type cannot be written", () => {
  assert.equal(codeOf(() => writeRmiModel([["a", tensor("f64", [1], [1])]], {})), "NEURAL_WEIGHTS");
});

Deno.test("edited files are taken or refused, never worse", () => survives(GOOD, 2_000, "rmi-model", readRmiModel));

const wanted = new Map([["a", tensor("f32", [2], [0, 0])], ["b", tensor("f32", [1], [0])]]);

Deno.test("tensors that fit take the place of those that are wanted", () => {
  const file = new Map([["b", tensor("f32", [1], [3])], ["a", tensor("f32", [2], [1, 2])]]);
  const { tensors, report } = loadInto(wanted, file);
  assert.deepEqual([...tensors].map(([name, value]) => [name, elements(value)]), [["a", [1, 2]], ["b", [3]]]);
  assert.deepEqual(report, { loaded: ["a", "b"], missing: [], unused: [], differing: [] });
});

Deno.test("missing, differing and unused tensors are refused, or reported where that was asked for", () => {
  const a = tensor("f32", [2], [1, 2]);
  const file = new Map([["a", tensor("f32", [3], [1, 2, 3])], ["c", a]]);
  assert.match(messageOf(() => loadInto(wanted, file)), /"b": it is missing/u);
  assert.match(messageOf(() => loadInto(new Map([["a", a]]), file)), /"a": it is differing/u);
  assert.match(messageOf(() => loadInto(new Map(), file)), /"a": it is unused/u);
  const { tensors, report } = loadInto(wanted, file, false);
  assert.deepEqual(report, { loaded: [], missing: ["b"], unused: ["c"], differing: ["a"] });
  assert.equal(tensors.get("a"), wanted.get("a"));
});
