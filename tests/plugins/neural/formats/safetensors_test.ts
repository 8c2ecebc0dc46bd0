/**
 * Tests of formats/safetensors.ts: bytes written out from the published format, and another reader for what is written.
 */
import { safetensors } from "@jax-js/loaders";
import assert from "node:assert/strict";
import { DTYPE_NAMES, elements, tensor } from "../../../../plugins/ir/library.ts";
import {
  MAX_SAFETENSORS_HEADER,
  readSafetensors,
  writeSafetensors,
} from "../../../../plugins/neural/formats/safetensors.ts";
import { codeOf, messageOf, survives, USUAL_DTYPES } from "../hostile.ts";

const file = (header: string, data: ReadonlyArray<number> = []): Uint8Array<ArrayBuffer> => {
  const text = new TextEncoder().encode(header);
  const made = new Uint8Array(8 + text.length + data.length);
  new DataView(made.buffer).setBigUint64(0, BigInt(text.length), true);
  made.set(text, 8);
  made.set(data, 8 + text.length);
  return made;
};

const entry = (from: number, to: number, shape = [to - from], dtype = "U8") =>
  JSON.stringify({ dtype, shape, data_offsets: [from, to] });

Deno.test("the file of the format's own description is read", () => {
  // The layout that the format's page draws: one tensor F16 [1,16,256] is replaced by a smaller F32 [2,2].
  const bytes = file('{"test":{"dtype":"I32","shape":[2,2],"data_offsets":[0,16]}}       ', [
    1,
    0,
    0,
    0,
    2,
    0,
    0,
    0,
    255,
    255,
    255,
    255,
    0,
    0,
    0,
    128,
  ]);
  const { tensors, metadata } = readSafetensors(bytes);
  assert.deepEqual(elements(tensors.get("test")!), [1, 2, -1, -2147483648]);
  assert.deepEqual(metadata, {});
});

Deno.test("an empty file, an empty tensor, a scalar and metadata are read", () => {
  assert.equal(readSafetensors(file("{}")).tensors.size, 0);
  const { tensors, metadata } = readSafetensors(
    file(`{"__metadata__":{"format":"pt"},"e":${entry(0, 0, [0, 3])},"s":${entry(0, 1, [])}}`, [7]),
  );
  assert.deepEqual(metadata, { format: "pt" });
  assert.deepEqual(tensors.get("e")!.shape, [0, 3]);
  assert.deepEqual(elements(tensors.get("s")!), [7]);
});

Deno.test("each way to be wrong that the format forbids is refused and named", () => {
  const cases: ReadonlyArray<readonly [string, Uint8Array, RegExp]> = [
    ["shorter than its length", Uint8Array.of(1, 2), /length of the header is cut off/u],
    ["a header that is not there", file("{}").with(0, 200), /header of 200 bytes is not there/u],
    ["a header past the limit", file("{}").with(4, 1), /exceeds the limit/u],
    ["no brace", file(" {}"), /does not begin with \{/u],
    ["bad JSON", file("{nope}"), /not JSON/u],
    ["bad UTF-8", file("{}").with(9, 0xff), /not JSON in UTF-8/u],
    ["a tensor twice", file(`{"a":${entry(0, 1)},"a":${entry(0, 1)}}`, [1]), /two tensors are named "a"/u],
    ["the same name by an escape", file(`{"a":${entry(0, 1)},"\\u0061":${entry(0, 1)}}`, [1]), /two tensors/u],
    ["overlap", file(`{"a":${entry(0, 2)},"b":${entry(1, 3)}}`, [1, 2, 3]), /shares bytes/u],
    ["a hole between", file(`{"a":${entry(0, 1)},"b":${entry(2, 3)}}`, [1, 2, 3]), /hole/u],
    ["a hole before", file(`{"a":${entry(1, 2)}}`, [1, 2]), /hole/u],
    ["a tail", file(`{"a":${entry(0, 1)}}`, [1, 2]), /1 bytes belong to no tensor/u],
    ["out of range", file(`{"a":${entry(0, 5)}}`, [1]), /lie outside/u],
    ["backwards", file(`{"a":{"dtype":"U8","shape":[0],"data_offsets":[1,0]}}`, [1]), /lie outside/u],
    ["a wrong size", file(`{"a":${entry(0, 3, [2])}}`, [1, 2, 3]), /takes 2 bytes, and 3/u],
    ["a negative size", file(`{"a":${entry(0, 1, [-1])}}`, [1]), /shape is no list/u],
    ["a size that overflows", file(`{"a":${entry(0, 1, [2 ** 40, 2 ** 40])}}`, [1]), /takes \d/u],
    ["an unknown type", file(`{"a":${entry(0, 1, [1], "X8")}}`, [1]), /element type "X8"/u],
    ["a type by inheritance", file(`{"a":${entry(0, 1, [1], "toString")}}`, [1]), /element type/u],
    ["a member too many", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}}`, [1]), /member x/u],
    ["metadata that are no texts", file(`{"__metadata__":{"a":1}}`), /no object of texts/u],
    ["an array", file("[]"), /does not begin/u],
  ];
  for (const [what, bytes, says] of cases) assert.match(messageOf(() => readSafetensors(bytes)), says, what);
});

Deno.test("a header length at the limit is believed only if it is there, and one past it never", () => {
  const at = file("{}");
  new DataView(at.buffer).setBigUint64(0, BigInt(MAX_SAFETENSORS_HEADER), true);
  assert.match(messageOf(() => readSafetensors(at)), /is not there/u);
  new DataView(at.buffer).setBigUint64(0, BigInt(MAX_SAFETENSORS_HEADER + 1), true);
  assert.match(messageOf(() => readSafetensors(at)), /exceeds/u);
  new DataView(at.buffer).setBigUint64(0, 2n ** 64n - 1n, true);
  assert.match(messageOf(() => readSafetensors(at)), /exceeds/u);
});

Deno.test("every element type but i4 comes back as it was", () => {
  for (const dtype of DTYPE_NAMES.filter((name) => name !== "i4")) {
    const made = tensor(dtype, [2, 2], [1, 0, 0, 1]);
    assert.deepEqual(readSafetensors(writeSafetensors([["x", made]])).tensors.get("x"), made, dtype);
  }
  assert.equal(codeOf(() => writeSafetensors([["x", tensor("i4", [1], [1])]])), "NEURAL_WEIGHTS");
});

Deno.test("what is written is aligned, and the same whatever the order it was given in", () => {
  const tensors = [
    ["odd", tensor("u8", [3], [1, 2, 3])],
    ["wide", tensor("f64", [1], [0.5])],
    ["half", tensor("bf16", [1], [2])],
  ] as const;
  const bytes = writeSafetensors(tensors, { a: "b" });
  assert.deepEqual(writeSafetensors([...tensors].reverse(), { a: "b" }), bytes);
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  assert.equal((8 + length) % 8, 0);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  assert.deepEqual(header.wide.data_offsets, [0, 8]);
  assert.deepEqual(header.half.data_offsets, [8, 10]);
  assert.deepEqual(header.odd.data_offsets, [10, 13]);
});

Deno.test("a name that is taken cannot be written", () => {
  const one = tensor("u8", [1], [1]);
  assert.equal(codeOf(() => writeSafetensors([["a", one], ["a", one]])), "NEURAL_WEIGHTS");
  assert.equal(codeOf(() => writeSafetensors([["__metadata__", one]])), "NEURAL_WEIGHTS");
});

Deno.test("another reader of the format finds the same names, shapes, types and bytes", () => {
  // That reader knows no bf16.
  const tensors = USUAL_DTYPES.map((dtype, i) =>
    [`t.${dtype}`, tensor(dtype, [i % 3 + 1, 2], Array(2 * (i % 3 + 1)).fill(1))] as const
  );
  const bytes = writeSafetensors(tensors, { made: "by us" });
  const read = safetensors.parse(bytes);
  assert.deepEqual(Object.keys(read.tensors).sort(), tensors.map(([name]) => name).sort());
  for (const [name, { shape, data, dtype }] of tensors) {
    const other = read.tensors[name];
    assert.deepEqual(other.shape, shape, name);
    assert.equal(other.dtype.toLowerCase(), dtype, name);
    assert.deepEqual([...new Uint8Array(other.data.buffer, other.data.byteOffset, other.data.byteLength)], [
      ...new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    ], name);
  }
});

Deno.test("edited files are taken or refused, never worse", () => {
  const good = writeSafetensors([["a", tensor("f32", [2], [1, 2])], ["b", tensor("i8", [3], [1, 2, 3])]], { a: "b" });
  return survives(good, 3_000, "safetensors", readSafetensors);
});
