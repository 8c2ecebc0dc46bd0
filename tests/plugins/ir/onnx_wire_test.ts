/**
 * The wire format against published vectors of Protocol Buffers, and hostile bytes against the importer.
 */
import assert from "node:assert/strict";
import { random } from "../../../kernel/random.ts";
import { attempt, buildProgram, exportOnnx, importOnnx, tensor } from "../../../plugins/ir/library.ts";
import {
  type Field,
  type FieldKind,
  MAX_MESSAGE_DEPTH,
  type MessageTable,
  readMessage,
  writeMessage,
} from "../../../plugins/ir/onnx/protobuf.ts";
import { readOnnxTensor, writeOnnxTensor } from "../../../plugins/ir/onnx/tensors.ts";

const table = (fields: { readonly [name: string]: readonly [number, FieldKind, boolean] }): MessageTable =>
  new Map(
    Object.entries(fields).map((
      [name, [number, kind, repeated]],
    ): [number, Field] => [number, { name, kind, repeated }]),
  );

const NESTED: MessageTable = table({ a: [1, "int", false] });
const VECTORS: MessageTable = table({
  a: [1, "int", false],
  b: [2, "string", false],
  c: [3, { message: () => NESTED }, false],
  d: [4, "int", true],
  f: [5, "float", false],
  e: [6, "double", false],
});

const bytes = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../gu) ?? [], (pair) => parseInt(pair, 16));

// From the encoding page of Protocol Buffers: Test1 {a: 150}, Test2 {b: "testing"}, Test3 {c {a: 150}}, packed 3 270 86942.
const PUBLISHED: ReadonlyArray<readonly [string, object]> = [
  ["089601", { a: 150, d: [] }],
  ["120774657374696e67", { b: "testing", d: [] }],
  ["1a03089601", { c: { a: 150 }, d: [] }],
  ["2206038e029ea705", { d: [3, 270, 86942] }],
  ["08feffffffffffffffff01", { a: -2, d: [] }],
];

Deno.test("the published vectors of the wire format are read and written", () => {
  for (const [hex, value] of PUBLISHED) {
    assert.deepEqual(readMessage(bytes(hex), VECTORS), value);
    assert.deepEqual(writeMessage(value as never, VECTORS), bytes(hex));
  }
});

Deno.test("a repeated number may stand field by field instead of packed", () => {
  assert.deepEqual(readMessage(bytes("2003208e02209ea705"), VECTORS), { d: [3, 270, 86942] });
});

Deno.test("64-bit integers keep every bit", () => {
  for (
    const value of [
      0,
      1,
      127,
      128,
      2 ** 31,
      2 ** 32,
      2 ** 53 - 1,
      -1,
      -(2 ** 31),
      2n ** 63n - 1n,
      -(2n ** 63n),
      2n ** 53n,
    ]
  ) {
    assert.deepEqual(readMessage(writeMessage({ a: value }, VECTORS), VECTORS).a, value, String(value));
  }
});

Deno.test("unknown fields of every wire type are passed over", () => {
  assert.deepEqual(readMessage(bytes("7801" + "79" + "00".repeat(8) + "7a021234" + "7d00000000" + "089601"), VECTORS), {
    a: 150,
    d: [],
  });
});

const code = (run: () => unknown): string => {
  const made = attempt(run);
  return made._tag === "Failure" ? made.failure.code : "none";
};

const MALFORMED: { readonly [name: string]: string } = {
  "a length past the end": "1205746573",
  "an integer without an end": "08ffffffffffffffffffff01",
  "an unfinished field": "08",
  "a group": "0b",
  "the wrong wire type": "0a0161",
  "a text that is not UTF-8": "1201ff",
  "a length above 2^53": "12ffffffffffffffff7f",
};

for (const [name, hex] of Object.entries(MALFORMED)) {
  Deno.test(`${name} is refused`, () => assert.equal(code(() => readMessage(bytes(hex), VECTORS)), "IR_ONNX_FORMAT"));
}

Deno.test("messages nest to the limit and no deeper", () => {
  const DEEP: MessageTable = table({ c: [3, { message: () => DEEP }, false] });
  const nested = (depth: number): Uint8Array => {
    let made: object = {};
    for (let i = 0; i < depth; i++) made = { c: made };
    return writeMessage(made as never, DEEP);
  };
  assert.equal(code(() => readMessage(nested(MAX_MESSAGE_DEPTH), DEEP)), "none");
  assert.equal(code(() => readMessage(nested(MAX_MESSAGE_DEPTH + 1), DEEP)), "IR_ONNX_FORMAT");
});

Deno.test("tensors of every element type come back bit for bit", () => {
  for (
    const dtype of [
      "f64",
      "f32",
      "f16",
      "bf16",
      "i64",
      "i32",
      "i16",
      "i8",
      "i4",
      "u64",
      "u32",
      "u16",
      "u8",
      "bool",
    ] as const
  ) {
    const value = tensor(dtype, [3, 1], dtype === "bool" ? [true, false, true] : [1, 0, 3]);
    assert.deepEqual(readOnnxTensor(writeOnnxTensor(value)), value);
  }
});

const VALID = exportOnnx(buildProgram({ x: "f32[B,4]", w: "f32[4,2]" }, (g, { x, w }) => {
  const made = g.activation("relu", g.matmul(x, w));
  const [total] = g.scan({ length: "B" }, [g.full({ dtype: "f32", shape: [2] }, 0)], [made], (h, [sum], [row]) => [
    h.add(sum, row),
  ]);
  return [made, total, g.softmax(made, 1)];
}));

Deno.test("a model cut anywhere is a typed failure or a program", () => {
  for (let end = 0; end < VALID.length; end++) {
    assert.match(code(() => importOnnx(VALID.subarray(0, end))), /^(?:none|IR_)/u);
  }
});

const MUTANTS = 3000;

Deno.test(`${MUTANTS} mutated models are typed failures or programs`, () => {
  const draws = random("onnx/mutants");
  let refused = 0;
  for (let i = 0; i < MUTANTS; i++) {
    const mutant = VALID.slice();
    for (let flips = 1 + draws.below(4); flips > 0; flips--) mutant[draws.below(mutant.length)] = draws.below(256);
    // Anything but a failure of the catalogue would be thrown on by `attempt`.
    if (code(() => importOnnx(mutant)) !== "none") refused++;
  }
  assert.ok(refused > MUTANTS / 4, `${refused} refused`);
});

Deno.test("random bytes are typed failures", () => {
  const draws = random("onnx/noise");
  for (let i = 0; i < 500; i++) {
    const noise = Uint8Array.from({ length: draws.below(200) }, () => draws.below(256));
    assert.match(code(() => importOnnx(noise)), /^IR_/u);
  }
});
