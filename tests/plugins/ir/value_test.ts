/**
 * Values: packed bytes, JSON, and what is refused.
 */
import assert from "node:assert/strict";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { failureToJson } from "../../../kernel/failure.ts";
import { random } from "../../../kernel/random.ts";
import {
  attempt,
  attemptEffect,
  DTYPE_NAMES,
  dtypeInfo,
  elements,
  evaluate,
  fromBytes,
  IR_FAILURES,
  packedBytes,
  parseProgram,
  tensor,
  tensorFromJson,
  TensorJson,
  tensorOf,
  tensorToJson,
  toBytes,
  toNested,
} from "../../../plugins/ir/library.ts";
import { codeOf } from "./support.ts";

Deno.test("packed bytes are little-endian, and two i4 share a byte, low half first", () => {
  assert.deepEqual([...toBytes(tensor("i16", [2], [1, -2]))], [1, 0, 0xfe, 0xff]);
  assert.deepEqual([...toBytes(tensor("f32", [1], [1]))], [0, 0, 0x80, 0x3f]);
  assert.deepEqual([...toBytes(tensor("bf16", [1], [1]))], [0x80, 0x3f]);
  assert.deepEqual([...toBytes(tensor("f16", [1], [1]))], [0, 0x3c]);
  assert.deepEqual([...toBytes(tensor("i4", [3], [1, -1, -8]))], [0xf1, 0x08]);
  assert.deepEqual([...toBytes(tensor("i64", [1], [-1n]))], new Array(8).fill(255));
  assert.equal(packedBytes("i4", 5), 3);
});

Deno.test("random bytes of every dtype read and write back, NaN becoming one NaN", () => {
  const draws = random("bytes");
  for (const dtype of DTYPE_NAMES) {
    const count = 257;
    const bytes = Uint8Array.from({ length: packedBytes(dtype, count) }, () => draws.below(256));
    const once = fromBytes(dtype, [count], bytes);
    const again = fromBytes(dtype, [count], toBytes(once));
    assert.deepEqual(elements(again), elements(once), dtype);
    assert.deepEqual(toBytes(again), toBytes(once));
    if (dtypeInfo(dtype).kind === "int" && dtype !== "i4") assert.deepEqual(toBytes(once), bytes);
  }
});

Deno.test("tensors go through JSON unchanged, with what JSON has no number for", () => {
  const values: { readonly [dtype: string]: ReadonlyArray<number | bigint | boolean> } = {
    f64: [NaN, Infinity, -Infinity, -0, 0.1, 5e-324],
    i64: [-(2n ** 63n), 2n ** 63n - 1n],
    bool: [true, false],
  };
  for (const dtype of DTYPE_NAMES) {
    const special = values[dtype] ?? [1, 2];
    const made = tensor(dtype, [special.length], special);
    const json = JSON.parse(JSON.stringify(Schema.encodeSync(TensorJson)(tensorToJson(made))));
    assert.deepEqual(elements(tensorFromJson(Schema.decodeUnknownSync(TensorJson)(json))), elements(made), dtype);
  }
});

Deno.test("elements outside the dtype, wrong counts and unknown sizes are refused with their path", () => {
  const refused = (type: string, values: ReadonlyArray<number | string | boolean>) =>
    codeOf(() => tensorFromJson({ type, values }));
  assert.equal(refused("u8[1]", [255]), "no failure");
  assert.equal(refused("u8[1]", [256]), "IR_VALUE");
  assert.equal(refused("i4[1]", [-8]), "no failure");
  assert.equal(refused("i4[1]", [-9]), "IR_VALUE");
  assert.equal(refused("i64[1]", ["9223372036854775807"]), "no failure");
  assert.equal(refused("i64[1]", ["9223372036854775808"]), "IR_VALUE");
  assert.equal(refused("i32[1]", [1.5]), "IR_VALUE");
  assert.equal(refused("i32[1]", ["nan"]), "IR_VALUE");
  assert.equal(refused("bool[1]", [2]), "IR_VALUE");
  assert.equal(refused("f32[2]", [1]), "IR_VALUE");
  assert.equal(refused("f32[N]", [1]), "IR_VALUE");
  assert.equal(refused("f32[999999999]", []), "IR_VALUE");
});

Deno.test("data of another storage or length is refused, also as an input", () => {
  assert.equal(codeOf(() => tensorOf("f32", [2], new Float64Array(2))), "IR_VALUE");
  assert.equal(codeOf(() => tensorOf("f32", [2], new Float32Array(3))), "IR_VALUE");
  assert.equal(codeOf(() => tensorOf("f32", [2], new Float32Array(2))), "no failure");
  const program = parseProgram("program @main func @main(%0 x: f32[2]) { %1: f32[2] = neg(%0) return %1 }");
  assert.equal(codeOf(() => evaluate(program, [{ dtype: "f32", shape: [2], data: new Float32Array(1) }])), "IR_VALUE");
});

Deno.test("a scalar nests as its element, and empty shapes as empty arrays", () => {
  assert.equal(toNested(tensor("f32", [], [5])), 5);
  assert.deepEqual(toNested(tensor("f32", [2, 0], [])), [[], []]);
  assert.deepEqual(toNested(tensor("f32", [0, 2], [])), []);
});

Deno.test("failures come as values where asked, and anything else thrown passes", async () => {
  const refused = attempt(() => parseProgram("no"));
  assert.equal(refused._tag, "Failure");
  assert.throws(() => attempt(() => JSON.parse("no")), SyntaxError);
  const failed = await Effect.runPromise(Effect.flip(attemptEffect(() => parseProgram("no"))));
  assert.equal(failed.code, "IR_SYNTAX");
  assert.equal((failureToJson(failed) as { code: string }).code, "IR_SYNTAX");
});

Deno.test("codes of the catalogue are unique and carry the room's prefix", () => {
  const codes = IR_FAILURES.map(({ code }) => code);
  assert.equal(new Set(codes).size, codes.length);
  for (const code of codes) assert.match(code, /^IR_[A-Z_]+$/u);
});
