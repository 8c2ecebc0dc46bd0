/**
 * Tests of codec/anatomy.ts: the format as its page says it, and what the printer makes of the same program.
 */
import assert from "node:assert/strict";
import { anatomy, encodeProgram, OP_NAMES, parse } from "../../../plugins/rmil/library.ts";
import { random } from "../../../kernel/random.ts";

const of = (text: string) => anatomy(encodeProgram(parse(text)));
const says = (text: string) => of(text).map((part) => part.says);

/** Without the header: magic, version, names, weights, length. */
const body = (text: string) => says(text).slice(5);

Deno.test("a program's bytes are told one by one, from the magic to the last stage", () => {
  assert.deepEqual(says("linear(width: 64) >> relu >> linear(width: 10)"), [
    '"RMIL": a program of the language',
    "version 2",
    "0 names",
    "0 weights",
    `an expression of ${encodeProgram(parse("linear(width: 64) >> relu >> linear(width: 10)")).length - 9} bytes`,
    "a pipeline of 3 stages",
    "linear: width 64",
    "relu",
    "linear: width 10",
  ]);
});

const CASES: ReadonlyArray<readonly [program: string, says: ReadonlyArray<string>]> = [
  ["relu | tanh", ["2 branches side by side", "relu", "tanh"]],
  ["if true then 1 else 2.5", ["a choice: condition, then, else", "true", "1", "2.5"]],
  ["add(3, 300)", ["add, 2 arguments", "3", "300"]],
];

for (const [program, expected] of CASES) {
  Deno.test(`what the bytes of ${program} say`, () => assert.deepEqual(body(program), expected));
}

Deno.test("what stood before is said to stand again", () => {
  const parts = body("(linear(width: 64) >> relu) | (linear(width: 64) >> relu)");
  assert.ok(parts.some((part) => part.startsWith("the expression that stood")), parts.join("; "));
});

Deno.test("names are said by name", () => {
  const parts = says("let x = 300 in add(x, x)");
  assert.ok(parts.includes('name 1: "x"'), parts.join("; "));
  assert.ok(parts.includes("let x be the first in the second"));
  assert.ok(parts.includes("the value of x"));
});

Deno.test("2,000 random pipelines: parts follow without gaps to the last byte, and every op is named", () => {
  const draw = random("anatomy");
  const plain = OP_NAMES.filter((name) => ["relu", "tanh", "sigmoid", "gelu", "softmax"].includes(name));
  for (let i = 0; i < 2_000; i++) {
    const stages = Array.from(
      { length: 1 + draw.below(9) },
      () => draw.below(2) === 0 ? draw.pick(plain) : `linear(width: ${1 + draw.below(2_000)})`,
    );
    const bytes = encodeProgram(parse(stages.join(" >> ")));
    const parts = anatomy(bytes);
    let at = 0;
    for (const part of parts) {
      assert.equal(part.at, at);
      assert.ok(part.length > 0);
      at += part.length;
    }
    assert.equal(at, bytes.length);
  }
});

Deno.test("what is no program is refused as the decoder refuses it", () => {
  const bytes = encodeProgram(parse("linear(width: 64) >> relu"));
  assert.throws(() => anatomy(bytes.subarray(0, bytes.length - 1)), { code: "RMIL_TRUNCATED" });
  assert.throws(() => anatomy(Uint8Array.of(1, 2, 3)), { code: "RMIL_MAGIC" });
});
