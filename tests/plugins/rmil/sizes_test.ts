/** Sizes up to what 64 bits hold: in types they may be any, in values they are what a machine can hold. */
import assert from "node:assert/strict";
import { isFailure } from "../../../kernel/failure.ts";
import { fromAst, toAst } from "../../../plugins/rmil/ast.ts";
import { check } from "../../../plugins/rmil/check.ts";
import * as v1 from "../../../plugins/rmil/codec/v1.ts";
import { decodeExpression, encodeExpression } from "../../../plugins/rmil/codec/v2.ts";
import { equalExpressions, lam, lit, ref } from "../../../plugins/rmil/expression.ts";
import { typeHash } from "../../../plugins/rmil/hash.ts";
import { runNow } from "../../../plugins/rmil/interpreter.ts";
import { nameOf } from "../../../plugins/rmil/opcodes.ts";
import { sipHash13 } from "../../../plugins/rmil/siphash.ts";
import { parse } from "../../../plugins/rmil/syntax/parser.ts";
import { print } from "../../../plugins/rmil/syntax/printer.ts";
import { type Dimension, isSize, MAX_SIZE, showType, sizeOf, tensor } from "../../../plugins/rmil/types.ts";
import { tensorValue } from "../../../plugins/rmil/value.ts";

const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (thrown) {
    if (isFailure(thrown)) return thrown.code;
    throw thrown;
  }
  return "accepted";
};

const taking = (size: Dimension) => lam([{ sym: 0, type: tensor("f32", [size]) }], ref(0));

const EDGES: ReadonlyArray<Dimension> = [
  0,
  127,
  2 ** 53 - 4,
  2 ** 53 - 3,
  2 ** 53 - 2,
  2 ** 53 - 1,
  2n ** 53n,
  MAX_SIZE,
];

Deno.test("every size has one form: a number while numbers are exact, a bigint beyond, up to 2^64 - 3", () => {
  assert.equal(sizeOf(2n ** 53n - 1n), 2 ** 53 - 1);
  assert.equal(sizeOf(2n ** 53n), 2n ** 53n);
  assert.equal(MAX_SIZE, 2n ** 64n - 3n);
  for (const size of EDGES) assert.ok(isSize(size as number | bigint), String(size));
  for (const size of [-1, 0.5, 2 ** 53, 5n, MAX_SIZE + 1n]) assert.ok(!isSize(size), String(size));
});

Deno.test("a type of any size passes through bytes, text and JSON, and shows its digits", () => {
  for (const size of EDGES) {
    const root = taking(size);
    const bytes = encodeExpression(root);
    assert.ok(equalExpressions(decodeExpression(bytes), root), String(size));
    const { symbols } = parse("1");
    const text = print(root, symbols);
    assert.ok(equalExpressions(parse(text).root, root), text);
    assert.ok(equalExpressions(fromAst(toAst(root, nameOf)), root), text);
    assert.equal(showType(root.parameters[0].type), `f32[${size}]`);
  }
});

Deno.test("the largest size takes ten bytes, and one more is refused by text, writer and reader", () => {
  const largest = encodeExpression(taking(MAX_SIZE)).toHex();
  // Ten bytes of 64 ones, then the reference.
  const at = largest.indexOf("ff".repeat(9) + "01");
  assert.ok(at > 0, largest);
  assert.equal(codeOf(() => parse(`\\(x: f32[${MAX_SIZE + 1n}]) -> $x`)), "RMIL_LITERAL");
  assert.equal(codeOf(() => encodeExpression(taking(MAX_SIZE + 1n))), "RMIL_SIZE");
  const past = largest.slice(0, at) + "80".repeat(9) + "02" + largest.slice(at + 20);
  assert.equal(codeOf(() => decodeExpression(Uint8Array.fromHex(past))), "RMIL_SIZE");
});

Deno.test("a large size in more bytes than it needs is refused", () => {
  const bytes = encodeExpression(taking(2n ** 53n)).toHex();
  const size = "8280808080808010";
  assert.ok(bytes.includes(size), bytes);
  assert.equal(
    codeOf(() => decodeExpression(Uint8Array.fromHex(bytes.replace(size, "828080808080809000")))),
    "RMIL_NOT_CANONICAL",
  );
});

Deno.test("the hash of a large size is over its eight bytes; version 1 cannot say it", () => {
  const preimage = new Uint8Array(32);
  const view = new DataView(preimage.buffer);
  // Tag of a tensor as a word, the dtype's code, the rank as a word, the size as a word: RMIL §5.2.
  view.setBigUint64(0, 2n, true);
  view.setUint8(8, 11);
  view.setBigUint64(9, 1n, true);
  view.setBigUint64(17, MAX_SIZE, true);
  assert.deepEqual(typeHash(tensor("f32", [MAX_SIZE])), sipHash13(new Int32Array(preimage.buffer), 25));
  assert.equal(codeOf(() => v1.encodeExpression(taking(MAX_SIZE))), "RMIL_NOT_EXPRESSIBLE");
});

Deno.test("no value has such a size: literals, checks and runs refuse it alike", () => {
  const literal = lit(tensorValue("f32", [2n ** 60n, 0], new Uint8Array()));
  assert.equal(codeOf(() => encodeExpression(literal)), "RMIL_SIZE");
  const { root, symbols } = parse(`let f = \\(x: f32[${2n ** 60n}]) -> $x in f(tensor<f32, [1]>[1.0])`);
  assert.equal(codeOf(() => check(root, symbols)), "RMIL_ARGUMENT_TYPE");
  assert.equal(codeOf(() => runNow(root, symbols)), "RMIL_ARGUMENT_TYPE");
});
