import assert from "node:assert/strict";
import { Failure } from "../../../kernel/failure.ts";
import { fromAst, toAst, typeFromAst, valueFromAst } from "../../../plugins/rmil/ast.ts";
import {
  anyOpcode,
  decodeExpression,
  decodeProgram,
  encodeExpression,
  encodeProgram,
  encodeType,
  V1_MAX_DEPTH,
  wireSize,
} from "../../../plugins/rmil/codec/v1.ts";
import { type Dtype, DTYPES } from "../../../plugins/rmil/dtype.ts";
import {
  app,
  equalExpressions,
  type Expression,
  lit,
  nodeCount,
  opcodesOf,
  seq,
} from "../../../plugins/rmil/expression.ts";
import { contentHash, typeHash, valueHash } from "../../../plugins/rmil/hash.ts";
import { showHash, sipHash13 } from "../../../plugins/rmil/siphash.ts";
import { Symbols } from "../../../plugins/rmil/symbols.ts";
import { byteSize, elementCount, isDifferentiable, showType } from "../../../plugins/rmil/types.ts";
import { NIL } from "../../../plugins/rmil/value.ts";

const vectors = (name: string) =>
  JSON.parse(Deno.readTextFileSync(new URL(`../../vectors/rmil/${name}.json`, import.meta.url)));

const ops = new Map<number, string>(
  vectors("ops").ops.map(({ op, code, name }: Record<string, string>) => [parseInt(op ?? code, 16), name]),
);

const failureOf = (run: () => unknown): Failure => {
  try {
    run();
  } catch (cause) {
    assert.ok(cause instanceof Failure, String(cause));
    return cause;
  }
  return assert.fail("expected a failure");
};

Deno.test("every golden tree encodes to its bytes, decodes back, and hashes to its hash", () => {
  let judged = 0;
  for (const vector of vectors("codec").vectors) {
    const bytes = Uint8Array.fromHex(vector.expr_hex);
    if (vector.decode_roundtrip !== "equal" || vector.name === "lit_tensor_len_mismatch") continue;
    const decoded = decodeExpression(bytes, { knows: anyOpcode });
    assert.equal(encodeExpression(decoded).toHex(), vector.expr_hex, vector.name);
    assert.equal(wireSize(decoded), vector.wire_size, vector.name);
    assert.equal(showHash(contentHash(decoded)), vector.content_hash, vector.name);
    assert.equal(nodeCount(decoded), vector.node_count, vector.name);
    assert.equal(decoded.depth, vector.depth, vector.name);
    assert.deepEqual(
      opcodesOf(decoded).map((code) => `0x${code.toString(16).padStart(4, "0")}`),
      vector.opcodes,
      vector.name,
    );
    if (vector.ast !== null) {
      const built = fromAst(vector.ast);
      assert.ok(equalExpressions(built, decoded), vector.name);
      assert.equal(encodeExpression(built).toHex(), vector.expr_hex, vector.name);
      assert.deepEqual(toAst(decoded, (code) => ops.get(code)), vector.ast, vector.name);
    }
    judged++;
  }
  assert.ok(judged >= 110, `${judged} vectors judged`);
});

Deno.test("programs with symbol tables round-trip byte for byte", () => {
  let judged = 0;
  for (const vector of vectors("codec").vectors) {
    if (vector.program_hex === undefined) continue;
    const program = decodeProgram(Uint8Array.fromHex(vector.program_hex), { knows: anyOpcode });
    if (vector.symbols !== undefined) assert.deepEqual(program.symbols.names, vector.symbols);
    assert.equal(encodeProgram(program).toHex(), vector.program_hex, vector.name);
    judged++;
  }
  for (const vector of vectors("syntax").vectors) {
    if (!vector.ok) continue;
    const program = { symbols: Symbols.of(vector.symbols), root: fromAst(vector.ast) };
    const again = decodeProgram(encodeProgram(program), { knows: anyOpcode });
    assert.deepEqual(again.symbols.names, vector.symbols);
    assert.ok(equalExpressions(again.root, program.root));
    judged++;
  }
  assert.ok(judged > 50, `${judged} programs judged`);
});

/** The code of each of the original's errors. */
const CODES: ReadonlyArray<readonly [RegExp, string]> = [
  [/^Truncated/u, "RMIL_TRUNCATED"],
  [/^InvalidTag/u, "RMIL_TAG"],
  [/^BadMagic/u, "RMIL_MAGIC"],
  [/^VersionMismatch/u, "RMIL_VERSION"],
  [/^BadUtf8/u, "RMIL_TEXT"],
  [/^TooDeep/u, "RMIL_DEPTH"],
];

Deno.test("every malformed golden input is refused, with its own code where the original refuses it too", () => {
  for (const vector of vectors("codec_errors").vectors) {
    const decode = vector.mode === "program" ? decodeProgram : decodeExpression;
    const failure = failureOf(() => decode(Uint8Array.fromHex(vector.hex)));
    const error = vector.crate_result.error as string | undefined;
    if (error === undefined) assert.match(vector.strict_decoder_should, /reject/u);
    else assert.equal(failure.code, CODES.find(([pattern]) => pattern.test(error))?.[1], vector.name);
  }
});

Deno.test("an opcode outside the table is refused, unless the decoder is told another table", () => {
  const [relu, foreign] = [Uint8Array.fromHex("0210000000"), Uint8Array.fromHex("02ff070000")];
  assert.equal(decodeExpression(relu).code, 0x0010);
  assert.equal(failureOf(() => decodeExpression(foreign)).code, "RMIL_OPCODE");
  assert.equal(decodeExpression(foreign, { knows: anyOpcode }).code, 0x07ff);
  assert.equal(failureOf(() => decodeExpression(relu, { knows: (code) => code !== 0x0010 })).code, "RMIL_OPCODE");
  for (const code of ops.keys()) assert.equal(decodeExpression(encodeExpression(app(code))).code, code);
});

Deno.test("inputs that crash the original are refused at once", () => {
  const repeat = (hex: string, times: number) => Uint8Array.fromHex(hex.repeat(times));
  const crashes: ReadonlyArray<readonly [Uint8Array, string]> = [
    [Uint8Array.fromHex("09ffffffff"), "RMIL_TRUNCATED"],
    [repeat("021200ffff", 512), "RMIL_TRUNCATED"],
    [Uint8Array.fromHex("00" + "070100".repeat(100_000) + "00"), "RMIL_DEPTH"],
    [Uint8Array.fromHex("07010001000000" + "050100".repeat(100_000) + "00"), "RMIL_DEPTH"],
  ];
  for (const [bytes, code] of crashes) assert.equal(failureOf(() => decodeExpression(bytes)).code, code);
});

const chain = (depth: number): Expression => {
  let root = app(0x0010);
  for (let i = 1; i < depth; i++) root = seq(root, app(0x0010));
  return root;
};

Deno.test("a tree of depth 512 encodes and decodes; one of 513 is refused on both sides", () => {
  const bytes = encodeExpression(chain(V1_MAX_DEPTH));
  assert.equal(decodeExpression(bytes).depth, V1_MAX_DEPTH);
  assert.equal(failureOf(() => encodeExpression(chain(V1_MAX_DEPTH + 1))).code, "RMIL_NOT_EXPRESSIBLE");
  const deeper = new Uint8Array(bytes.length + 6);
  deeper[0] = 3;
  deeper.set(bytes, 1);
  deeper.set([2, 0x10, 0, 0, 0], bytes.length + 1);
  assert.equal(failureOf(() => decodeExpression(deeper)).code, "RMIL_DEPTH");
});

Deno.test("what version 1 cannot say is refused by name", () => {
  const unsayable: ReadonlyArray<readonly [Expression, RegExp]> = [
    [app(2, [], [{ name: "bias", value: NIL }]), /attribute bias/],
    [lit({ k: "Tensor", dtype: "f32", shape: ["n"], bytes: new Uint8Array(0) }), /named size n/],
    [lit({ k: "Tensor", dtype: "f32", shape: [2 ** 32 - 1], bytes: new Uint8Array(0) }), /size 4294967295/],
    [app(2, new Array(65_536).fill(lit(NIL))), /65536 arguments/],
  ];
  for (const [root, message] of unsayable) {
    const failure = failureOf(() => encodeExpression(root));
    assert.equal(failure.code, "RMIL_NOT_EXPRESSIBLE");
    assert.match(failure.message, message);
  }
  assert.equal(encodeExpression(app(2, new Array(65_535).fill(lit(NIL)))).length, 5 + 65_535 * 2);
});

Deno.test("dtypes, types and values agree with their golden rows", () => {
  const { dtypes, types, values, siphash } = vectors("types_and_hash");
  for (const row of dtypes) {
    const dtype = DTYPES[row.display as Dtype];
    assert.deepEqual([dtype.code, dtype.bytes, dtype.float], [row.code, row.size, row.is_float]);
  }
  for (const row of types) {
    const type = typeFromAst(row.ty);
    assert.equal(showType(type), row.display);
    assert.equal(encodeType(type).toHex(), row.wire_hex);
    assert.equal(showHash(typeHash(type)), row.hash);
    assert.equal(elementCount(type) ?? null, row.numel);
    assert.equal(byteSize(type) ?? null, row.size_bytes);
    assert.equal(isDifferentiable(type), row.differentiable);
  }
  for (const row of values) assert.equal(showHash(valueHash(valueFromAst(row.val))), row.hash);
  for (const row of siphash) {
    const bytes = Uint8Array.fromHex(row.input_hex);
    const words = new Int32Array(((bytes.length >>> 3) + 1) * 2);
    new Uint8Array(words.buffer).set(bytes);
    assert.equal(showHash(sipHash13(words, bytes.length)), row.siphash13_key0);
  }
});
