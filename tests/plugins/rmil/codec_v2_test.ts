import assert from "node:assert/strict";
import { Failure } from "../../../kernel/failure.ts";
import * as v1 from "../../../plugins/rmil/codec/v1.ts";
import {
  decodeExpression,
  decodeProgram,
  encodeExpression,
  encodeProgram,
  programDigest,
  ProgramStream,
} from "../../../plugins/rmil/codec/v2.ts";
import { ATTRIBUTE_NAMES, INLINE_BYTES } from "../../../plugins/rmil/codec/wire.ts";
import {
  app,
  block,
  equalExpressions,
  type Expression,
  lam,
  lit,
  MAX_DEPTH,
  MAX_NODES,
  nodeCount,
  par,
  ref,
  seq,
} from "../../../plugins/rmil/expression.ts";
import { OPS } from "../../../plugins/rmil/opcodes.ts";
import { Symbols } from "../../../plugins/rmil/symbols.ts";
import { tensor } from "../../../plugins/rmil/types.ts";
import { f32, i64, i64Of, NIL, tensorValue, tupleValue, type Value } from "../../../plugins/rmil/value.ts";
import { Trees } from "./trees.ts";

const vectors = (name: string) =>
  JSON.parse(Deno.readTextFileSync(new URL(`../../vectors/rmil/${name}.json`, import.meta.url)));

const failureOf = (run: () => unknown): Failure => {
  try {
    run();
  } catch (cause) {
    assert.ok(cause instanceof Failure, String(cause));
    return cause;
  }
  return assert.fail("expected a failure");
};

const op = (name: keyof typeof OPS): Expression => app(OPS[name].code);
const chain = (...stages: ReadonlyArray<Expression>): Expression => stages.reduce((left, right) => seq(left, right));
const hex = (root: Expression): string => encodeExpression(root).toHex();
/** Of any table. */
const ANY = { knows: v1.anyOpcode };

const unhex = (text: string): Expression => decodeExpression(Uint8Array.fromHex(text), ANY);

const golden = (): ReadonlyArray<{ readonly name: string; readonly expr_hex: string }> =>
  vectors("codec").vectors.filter((vector: Record<string, string>) =>
    vector.decode_roundtrip === "equal" && vector.name !== "lit_tensor_len_mismatch"
  );

Deno.test("version 1 to 2 to 1 is the identity on every golden tree and program", () => {
  let judged = 0;
  for (const { name, expr_hex } of golden()) {
    const root = v1.decodeExpression(Uint8Array.fromHex(expr_hex), ANY);
    assert.equal(v1.encodeExpression(decodeExpression(encodeExpression(root), ANY)).toHex(), expr_hex, name);
    judged++;
  }
  for (const { program_hex } of vectors("codec").vectors) {
    if (program_hex === undefined) continue;
    const program = v1.decodeProgram(Uint8Array.fromHex(program_hex), ANY);
    assert.equal(v1.encodeProgram(decodeProgram(encodeProgram(program), ANY)).toHex(), program_hex);
    judged++;
  }
  assert.ok(judged >= 118, `${judged}`);
});

Deno.test("spelled out by hand: the bytes of small expressions", () => {
  // Places in the original's order: linear 1, relu 7, gelu 8, add 92, identity 63, res_add 61.
  const place = (name: string): number => vectors("ops").ops.findIndex((row: { name: string }) => row.name === name);
  const at = (name: string): string => place(name).toString(16).padStart(2, "0");
  const cases: ReadonlyArray<readonly [Expression, string]> = [
    [op("linear"), at("linear")],
    [chain(op("linear"), op("relu"), op("linear")), `81${at("linear")}${at("relu")}${at("linear")}`],
    [par(op("relu"), op("gelu")), `a0${at("relu")}${at("gelu")}`],
    [app(OPS.add.code, [lit(i64(3)), lit(i64(-2))]), `b1${at("add")}c5c0`],
    [app(OPS.res_add.code, [op("identity"), op("relu")]), `b9${at("relu")}`],
    [lit(NIL), "d0"],
    [lit(i64(13)), "cf"],
    [lit(i64(14)), "d31c"],
    [lit(i64(-3)), "d305"],
    [lit(i64Of(0, -0x80000000)), "d3ffffffffffffffffff01"],
    [lit(f32(1)), "d40000803f"],
    [ref(6), "e6"],
    [ref(7), "e700"],
    [app(OPS.linear.code, [], [{ name: "bias", value: { k: "Bool", v: false } }]), `b8020001${"02"}d1`],
    [app(0xbeef), "b800efbe0000"],
    // The second linear(64) is one expression ago, the first being the last that stood before.
    [par(app(OPS.linear.code, [lit(i64(64))]), app(OPS.linear.code, [lit(i64(64))])), `a0b0${at("linear")}d38001ed00`],
  ];
  for (const [root, expected] of cases) {
    assert.equal(hex(root), expected);
    assert.ok(equalExpressions(unhex(expected), root), expected);
  }
});

Deno.test("a transformer block takes at most 24 bytes, mlp(3) at most 14", () => {
  const residual = (x: Expression) => app(OPS.res_add.code, [op("identity"), x]);
  const transformer = seq(
    residual(chain(op("layer_norm"), op("attn"), op("drop"))),
    residual(chain(op("layer_norm"), op("linear"), op("gelu"), op("linear"), op("drop"))),
  );
  assert.equal(v1.encodeExpression(transformer).length, 67);
  assert.ok(encodeExpression(transformer).length <= 24, hex(transformer));
  assert.ok(equalExpressions(decodeExpression(encodeExpression(transformer)), transformer));
  const mlp = chain(op("linear"), op("relu"), op("linear"), op("relu"), op("linear"));
  assert.ok(encodeExpression(mlp).length <= 14, hex(mlp));
});

Deno.test("whatever is written is read back equal, and written back the same", () => {
  const trees = new Trees("codec-v2");
  for (let i = 0; i < 1000; i++) {
    const root = trees.expression(5);
    const bytes = encodeExpression(root);
    const again = decodeExpression(bytes, ANY);
    assert.ok(equalExpressions(again, root), bytes.toHex());
    assert.equal(encodeExpression(again).toHex(), bytes.toHex());
    const program = { symbols: trees.symbols, root };
    const file = encodeProgram(program);
    const read = decodeProgram(file, ANY);
    assert.ok(equalExpressions(read.root, root));
    assert.deepEqual(read.symbols.names, trees.symbols.names);
    assert.equal(encodeProgram(read).toHex(), file.toHex());
  }
});

Deno.test("equal trees of different objects have one spelling, different trees different ones", () => {
  const spellings = new Map<string, Expression>();
  const one = new Trees("spelling");
  const other = new Trees("spelling");
  for (let i = 0; i < 500; i++) {
    const text = hex(one.expression(3));
    assert.equal(hex(other.expression(3)), text);
  }
  for (let i = 0; i < 500; i++) {
    const root = one.expression(2);
    const known = spellings.get(hex(root));
    if (known !== undefined) assert.ok(equalExpressions(known, root));
    spellings.set(hex(root), root);
  }
});

Deno.test("shared parts are sent once: a doubling tree of 2^19 leaves takes few bytes", () => {
  let root: Expression = app(OPS.linear.code, [lit(i64(64))]);
  const doublings = 18;
  for (let i = 0; i < doublings; i++) root = block([root, root]);
  const bytes = encodeExpression(root);
  assert.ok(bytes.length <= 5 + 4 * doublings, `${bytes.length}`);
  assert.equal(nodeCount(decodeExpression(bytes)), 2 ** doublings * 2 + 2 ** doublings - 1);
});

Deno.test("a pipeline's beginning that stands elsewhere is sent once", () => {
  const stages = [64, 65, 66, 67, 68, 69].map((width) => app(OPS.linear.code, [lit(i64(width))]));
  const common = chain(...stages);
  const both = par(seq(common, op("relu")), seq(common, op("gelu")));
  const alone = encodeExpression(seq(common, op("relu"))).length;
  assert.ok(encodeExpression(both).length <= alone + 6);
  assert.ok(equalExpressions(decodeExpression(encodeExpression(both)), both));
});

Deno.test("a tree of the most nodes is accepted on both sides, one more is refused on both", () => {
  // A block of two equal parts of n nodes has 2n + 1; a last leaf or two make the sum exact.
  let root: Expression = block([]);
  while (2 * nodeCountOf(root) + 1 <= MAX_NODES) root = twice(root);
  const missing = MAX_NODES - nodeCountOf(root) - 1;
  assert.ok(missing >= -1 && missing < 3, `${missing}`);
  const full = missing < 0 ? root : block([root, ...Array.from({ length: missing }, () => lit(NIL))]);
  assert.equal(nodeCount(full), MAX_NODES);
  const bytes = encodeExpression(full);
  assert.equal(nodeCount(decodeExpression(bytes)), MAX_NODES);
  assert.equal(failureOf(() => encodeExpression(block([full]))).code, "RMIL_SIZE");
  const more = Uint8Array.of(0xec, 1, ...bytes);
  assert.equal(failureOf(() => decodeExpression(more)).code, "RMIL_SIZE");
});

const counts = new WeakMap<Expression, number>();
const nodeCountOf = (root: Expression): number => counts.get(root) ?? nodeCount(root);
const twice = (root: Expression): Expression => {
  const made = block([root, root]);
  counts.set(made, 2 * nodeCountOf(root) + 1);
  return made;
};

Deno.test("a bomb of back references is refused without being unfolded", () => {
  let bytes = Uint8Array.fromHex("ec02d0d0");
  for (let i = 0; i < 900; i++) bytes = Uint8Array.of(0xec, 2, ...bytes, 0xed, 0);
  assert.equal(failureOf(() => decodeExpression(bytes)).code, "RMIL_SIZE");
});

Deno.test("depth 1024 passes, 1025 is refused: nested, and as a pipeline", () => {
  const nested = (depth: number) => Uint8Array.fromHex("ec01".repeat(depth - 1) + "d0");
  assert.equal(decodeExpression(nested(MAX_DEPTH)).depth, MAX_DEPTH);
  assert.equal(failureOf(() => decodeExpression(nested(MAX_DEPTH + 1))).code, "RMIL_DEPTH");
  const stages = (count: number) => {
    const rest = count - 2 - 31;
    return Uint8Array.of(0x9f, (rest & 0x7f) | 0x80, rest >> 7, ...new Array(count).fill(7));
  };
  assert.equal(decodeExpression(stages(MAX_DEPTH)).depth, MAX_DEPTH);
  assert.equal(failureOf(() => decodeExpression(stages(MAX_DEPTH + 1))).code, "RMIL_DEPTH");
});

Deno.test("second spellings are refused, each by name", () => {
  const second: ReadonlyArray<readonly [string, string, RegExp]> = [
    ["a small integer in the long form", "d302", /shorter form/u],
    ["an integer with a needless byte", "d38000", /more bytes/u],
    ["a symbol with a needless byte", "e78000", /more bytes/u],
    ["a residual in the long form", "b1" + "3d" + "3f" + "07", /shorter form/u],
    ["a pipeline nested on its left", "80" + "800707" + "07", /shorter form/u],
    ["a bare op in the general form", "b8080000", /shorter form/u],
    ["a known opcode by its number", "b80010000000", /shorter form/u],
    ["a part that stood before, spelled out", "a0b001cfb001cf", /stood before/u],
    ["attributes out of order", "b802000201d103d1", /./u],
    ["an attribute's name as text", "b80200010004626961" + "73d1", /shorter form/u],
  ];
  for (const [what, text, message] of second) {
    const failure = failureOf(() => unhex(text));
    assert.equal(failure.code, "RMIL_NOT_CANONICAL", what);
    assert.match(failure.message, message, what);
  }
});

Deno.test("what cannot be is refused by its code", () => {
  const wrong: ReadonlyArray<readonly [string, string, string]> = [
    ["nothing", "", "RMIL_TRUNCATED"],
    ["an op byte past the table", "6b", "RMIL_TAG"],
    ["an unused lead byte", "ba", "RMIL_TAG"],
    ["an unused last byte", "ff", "RMIL_TAG"],
    ["a cycle: a reference to what encloses it", "ec01ed00", "RMIL_SIZE"],
    ["a reference ahead", "edffffffff07", "RMIL_SIZE"],
    ["a count beyond the bytes", "ecffffff7f", "RMIL_TRUNCATED"],
    ["a pipeline beyond the bytes", "9fffffff7f", "RMIL_TRUNCATED"],
    ["a weight without sections", "d700", "RMIL_SIZE"],
    ["a tensor larger than the bytes", "d60b01" + "82808008", "RMIL_TRUNCATED"],
    ["a tensor of too many bytes to count", "d60b03" + "ffffffffffffff0f".repeat(3), "RMIL_SIZE"],
    ["a tensor of unknown size", "d60b0100", "RMIL_SIZE"],
    ["a tensor of a named size", "d60b0101016e", "RMIL_SIZE"],
    ["an integer of 65 bits", "d3ffffffffffffffffff7f", "RMIL_SIZE"],
    ["an id of 33 bits", "ea0101458080808010d0", "RMIL_SIZE"],
    ["a name that is not UTF-8", "b80200010001ffd0", "RMIL_TEXT"],
    ["two parameters of one name", "ea0201400140d0", "RMIL_TEXT"],
    ["two attributes of one name", "b802000202d102d1", "RMIL_TEXT"],
    ["a type's dtype past the table", "ea01012dd0", "RMIL_TAG"],
    ["trailing bytes", "d000", "RMIL_TRAILING"],
    ["tuples nested too deeply", "d901".repeat(600) + "d0", "RMIL_DEPTH"],
    ["types nested too deeply", "ea0101" + "4301".repeat(600) + "40d0", "RMIL_DEPTH"],
  ];
  for (const [what, text, code] of wrong) assert.equal(failureOf(() => unhex(text)).code, code, what);
  const foreign = Uint8Array.fromHex("b800efbe0000");
  assert.equal(failureOf(() => decodeExpression(foreign)).code, "RMIL_OPCODE");
  assert.equal(decodeExpression(foreign, ANY).code, 0xbeef);
});

const weights = (count: number): Value =>
  tensorValue("f32", [count], Uint8Array.from({ length: 4 * count }, (_, index) => index));

Deno.test("large tensors are sections of a program, each once; small ones stand in the expression", () => {
  const edge = INLINE_BYTES / 4;
  const root = (value: Value) => block([lit(value), app(OPS.relu.code, [lit(value)])]);
  const small = encodeProgram({ symbols: new Symbols(), root: root(weights(edge)) });
  const large = encodeProgram({ symbols: new Symbols(), root: root(weights(edge + 1)) });
  assert.ok(large.length < small.length + 4 + 10);
  assert.deepEqual([...large.subarray(6, 12)], [0, 1, 11, 1, edge + 1 + 2, large[11]]);
  assert.deepEqual(large.slice(-4 * (edge + 1)), (weights(edge + 1) as { bytes: Uint8Array }).bytes);
  assert.ok(equalExpressions(decodeProgram(large).root, root(weights(edge + 1))));
});

Deno.test("weights that are not used, stand twice or are small are refused", () => {
  const symbols = new Symbols();
  const good = encodeProgram({ symbols, root: lit(weights(17)) });
  const [head, data] = [[11, 1, 19], [...good.slice(-68)]];
  const file = (
    heads: ReadonlyArray<number>,
    count: number,
    code: ReadonlyArray<number>,
    body: ReadonlyArray<number>,
  ) => Uint8Array.of(0x52, 0x4d, 0x49, 0x4c, 2, 0, 0, count, ...heads, code.length, ...code, ...body);
  assert.equal(file(head, 1, [0xd7, 0], data).toHex(), good.toHex());
  const refused: ReadonlyArray<readonly [Uint8Array, string]> = [
    [file(head, 1, [0xd0], data), "RMIL_NOT_CANONICAL"],
    [file([...head, ...head], 2, [0xd9, 2, 0xd7, 0, 0xd7, 1], [...data, ...data]), "RMIL_NOT_CANONICAL"],
    [file([11, 1, 18], 1, [0xd7, 0], data.slice(4)), "RMIL_SIZE"],
    [file(head, 1, [0xd7, 1], data), "RMIL_SIZE"],
    [file(head, 1, [0xd7, 0], [...data, 0]), "RMIL_TRAILING"],
    [file(head, 1, [0xd7, 0], data.slice(1)), "RMIL_TRUNCATED"],
    [file(head, 1, [0xd7, 0, 0], data), "RMIL_TRAILING"],
  ];
  for (const [bytes, code] of refused) assert.equal(failureOf(() => decodeProgram(bytes)).code, code);
});

Deno.test("a stream of chunks of any size gives the same program, and its sizes before its data", () => {
  const trees = new Trees("stream");
  const root = block([trees.expression(4), lit(weights(5000)), lit(weights(17))]);
  const bytes = encodeProgram({ symbols: trees.symbols, root });
  for (const size of [1, 2, 3, 7, 64, 1000, bytes.length]) {
    const stream = new ProgramStream();
    let announced = 0;
    for (let at = 0; at < bytes.length; at += size) {
      stream.push(bytes.subarray(at, at + size));
      if (stream.weights.length === 2 && announced === 0) announced = at + size;
    }
    assert.ok(equalExpressions(stream.end().root, root));
    assert.ok(size > 1000 || announced < 2000, `${announced}`);
  }
});

Deno.test("a stream refuses at the first byte that cannot be, stays refused, and knows when it is too early", () => {
  const stream = new ProgramStream();
  stream.push(Uint8Array.of(0x52));
  assert.equal(failureOf(() => stream.end()).code, "RMIL_TRUNCATED");
  assert.equal(failureOf(() => stream.push(Uint8Array.of(0x4e))).code, "RMIL_MAGIC");
  assert.equal(failureOf(() => stream.push(Uint8Array.of(0x4d))).code, "RMIL_MAGIC");
  assert.equal(failureOf(() => stream.end()).code, "RMIL_MAGIC");
  const announced = new ProgramStream({ maxBytes: 1000 });
  const head = encodeProgram({ symbols: new Symbols(), root: lit(weights(5000)) }).slice(0, 12);
  assert.equal(failureOf(() => announced.push(head)).code, "RMIL_SIZE");
});

Deno.test("a reader of version 1 stops at the version, and so does one of version 2", () => {
  const program = { symbols: Symbols.of(["x"]), root: ref(1) };
  const old = failureOf(() => v1.decodeProgram(encodeProgram(program)));
  assert.deepEqual([old.code, old.path, old.expected, old.actual], ["RMIL_VERSION", "/4", 1, 2]);
  assert.equal(failureOf(() => decodeProgram(v1.encodeProgram(program))).code, "RMIL_VERSION");
});

Deno.test("version 2 says what version 1 cannot, and version 1 refuses it by name", () => {
  const only: ReadonlyArray<readonly [Expression, RegExp]> = [
    [app(OPS.linear.code, [], [{ name: "width", value: i64(64) }]), /attribute width/u],
    [lam([{ sym: 1, type: tensor("f32", ["batch", 64]) }], ref(1)), /named size batch/u],
    [lam([{ sym: 1, type: tensor("f32", [2 ** 40]) }], ref(1)), /size 1099511627776/u],
    [chain(...new Array(600).fill(op("relu"))), /deeper/u],
    [app(OPS.concat.code, new Array(65_536).fill(lit(NIL))), /65536 arguments/u],
    [lit(tupleValue(new Array(65_536).fill(NIL))), /65536 items/u],
  ];
  for (const [root, message] of only) {
    assert.ok(equalExpressions(decodeExpression(encodeExpression(root)), root));
    const failure = failureOf(() => v1.encodeExpression(root));
    assert.equal(failure.code, "RMIL_NOT_EXPRESSIBLE");
    assert.match(failure.message, message);
  }
});

Deno.test("a program's identity is the digest of its bytes: the same for equal trees, another for other names", () => {
  const digest = (name: string) => programDigest({ symbols: Symbols.of([name]), root: ref(1) });
  assert.equal(digest("x"), digest("x"));
  assert.notEqual(digest("x"), digest("y"));
  assert.match(digest("x"), /^sha256:[0-9a-f]{64}$/u);
});

Deno.test("every attribute of the table has a number on the wire", () => {
  const rows = Object.values(OPS);
  const names = new Set(rows.flatMap(({ attributes }) => attributes.map(({ name }) => name)));
  assert.deepEqual([...names].filter((name) => !ATTRIBUTE_NAMES.includes(name)), []);
  assert.equal(new Set(ATTRIBUTE_NAMES).size, ATTRIBUTE_NAMES.length);
});
