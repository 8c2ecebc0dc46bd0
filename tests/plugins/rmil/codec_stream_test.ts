/** Programs that arrive in pieces: parts as they complete, refusals as soon as they are certain. */
import assert from "node:assert/strict";
import { isFailure } from "../../../kernel/failure.ts";
import { random } from "../../../kernel/random.ts";
import { anyOpcode } from "../../../plugins/rmil/codec/v1.ts";
import { decodeProgram, encodeProgram, ProgramStream } from "../../../plugins/rmil/codec/v2.ts";
import { app, block, equalExpressions, type Expression, lit, seq, Tag } from "../../../plugins/rmil/expression.ts";
import { OPS } from "../../../plugins/rmil/opcodes.ts";
import { Symbols } from "../../../plugins/rmil/symbols.ts";
import { parse } from "../../../plugins/rmil/syntax/parser.ts";
import { print } from "../../../plugins/rmil/syntax/printer.ts";
import { tensorValue, tupleValue, type Value } from "../../../plugins/rmil/value.ts";
import { Trees } from "./trees.ts";

const ANY = { knows: anyOpcode };

const outcome = (run: () => Expression): Expression | string => {
  try {
    return run();
  } catch (thrown) {
    if (isFailure(thrown)) return thrown.code;
    throw thrown;
  }
};

const inChunks = (bytes: Uint8Array, size: number, stream: ProgramStream): Expression => {
  for (let at = 0; at < bytes.length; at += size) stream.push(bytes.subarray(at, at + size));
  return stream.end().root;
};

const weight = (count: number): Value =>
  tensorValue("u8", [count], Uint8Array.from({ length: count }, (_, i) => (i * 7 + count) % 256));

/** Every different object of a tree, parts first. */
const partsOf = (root: Expression): ReadonlyArray<Expression> => {
  const found = new Set<Expression>();
  const visit = (node: Expression): void => {
    if (found.has(node)) return;
    node.children.forEach(visit);
    found.add(node);
  };
  visit(root);
  return [...found];
};

Deno.test("every part is heard once, after its own parts, and the whole last", () => {
  const trees = new Trees("stream/parts");
  for (let i = 0; i < 200; i++) {
    const program = { symbols: trees.symbols, root: trees.expression(5) };
    const bytes = encodeProgram(program);
    const heard: Array<Expression> = [];
    const root = inChunks(
      bytes,
      1 + i % 9,
      new ProgramStream({ ...ANY, onExpression: (node) => void heard.push(node) }),
    );
    assert.ok(equalExpressions(root, program.root));
    assert.equal(heard.at(-1), root);
    // The short residual form brings an `identity` that was never sent.
    const sent = partsOf(root).filter((node) =>
      node.code !== OPS.identity.code || node.tag !== Tag.App || heard.includes(node)
    );
    assert.deepEqual(new Set(heard), new Set(sent));
    const place = new Map(heard.map((node, index) => [node, index]));
    assert.equal(place.size, heard.length);
    for (const node of heard) {
      for (const child of node.children) assert.ok((place.get(child) ?? -1) < place.get(node)!);
    }
  }
});

Deno.test("a definition is heard before the bytes of what follows it have come", () => {
  const source = "let f = \\(x: f32) -> add($x, 1.0) in let g = \\(y: f32) -> mul($y, 3.0) in f(2.0) >> linear(77)";
  const program = parse(source);
  const bytes = encodeProgram(program);
  const heard: Array<string> = [];
  const stream = new ProgramStream({ onExpression: (node) => void heard.push(print(node, program.symbols)) });
  const at: { [text: string]: number } = {};
  bytes.forEach((byte, index) => {
    stream.push(Uint8Array.of(byte));
    for (const text of heard) at[text] ??= index;
  });
  const [f, g, rest] = ["\\(x: f32) -> add($x, 1.0)", "\\(y: f32) -> mul($y, 3.0)", "linear(77)"].map((text) =>
    at[text]
  );
  assert.ok(f < g && g < rest && rest < bytes.length, JSON.stringify(at));
  assert.ok(f < bytes.length * 0.7, `${f} of ${bytes.length}`);
});

Deno.test("a part that holds weights is heard with their data, when that has come; one that holds none before", () => {
  const [a, b] = [weight(500), weight(300)];
  const relu = app(OPS.relu.code, [lit(tupleValue([weight(3)]))]);
  const root = block([seq(relu, lit(a)), app(OPS.linear.code, [], [{ name: "w", value: tupleValue([b, a]) }]), relu]);
  const bytes = encodeProgram({ symbols: new Symbols(), root });
  const heard: Array<readonly [Expression, number]> = [];
  const weights: Array<readonly [number, number]> = [];
  let taken = 0;
  const stream = new ProgramStream({
    onExpression: (node) => void heard.push([node, taken]),
    onWeight: (index) => void weights.push([index, taken]),
  });
  for (const byte of bytes) {
    taken++;
    stream.push(Uint8Array.of(byte));
  }
  const made = stream.end().root;
  assert.ok(equalExpressions(made, root));
  assert.deepEqual(weights, [[0, bytes.length - 300], [1, bytes.length]]);
  const early = heard.filter(([, when]) => when < bytes.length - 800);
  assert.ok(early.some(([node]) => equalExpressions(node, relu)));
  for (const [node, when] of heard) {
    if (partsOf(node).some(({ value, attributes }) => value === a || attributes.length > 0)) {
      assert.equal(when, bytes.length);
    }
  }
  // What stood twice is one object, and nothing that was heard lacks data.
  assert.equal(made.children[0].children[0], made.children[2]);
  assert.ok(heard.some(([node]) => node === made));
});

Deno.test("whole or in pieces, bytes give the same program or the same failure", () => {
  const draw = random("stream/mutations");
  const trees = new Trees("stream/trees");
  const sources = Array.from(
    { length: 60 },
    () => encodeProgram({ symbols: trees.symbols, root: trees.expression(4) }),
  );
  let accepted = 0;
  for (let i = 0; i < 3000; i++) {
    const bytes = draw.pick(sources).slice();
    for (let edits = draw.below(3); edits > 0; edits--) bytes[draw.below(bytes.length)] ^= 1 << draw.below(8);
    const whole = outcome(() => decodeProgram(bytes, ANY).root);
    const pieces = outcome(() => inChunks(bytes, 1 + draw.below(40), new ProgramStream(ANY)));
    if (typeof whole === "string" || typeof pieces === "string") assert.equal(pieces, whole, bytes.toHex());
    else {
      accepted++;
      assert.ok(equalExpressions(whole, pieces));
    }
  }
  assert.ok(accepted > 500 && accepted < 2900, `${accepted}`);
});

Deno.test("a byte that can begin nothing is refused while the rest of the program is still to come", () => {
  const many = block(
    Array.from({ length: 50 }, (_, i) => app(OPS.linear.code, [lit({ k: "I64", lo: i + 1000, hi: 0 })])),
  );
  const bytes = encodeProgram({ symbols: new Symbols(), root: many });
  // Magic, version, no names, no weights, the code's length in two bytes; then the block, its count, its first part.
  const at = 6 + 1 + 1 + 2 + 2;
  bytes[at] = 0xff;
  const stream = new ProgramStream();
  stream.push(bytes.subarray(0, at));
  assert.equal(outcome(() => (stream.push(bytes.subarray(at, at + 1)), stream.end().root)), "RMIL_TAG");
});

Deno.test("bytes after the expression are refused as soon as it is complete, whatever length was announced", () => {
  const bytes = encodeProgram({ symbols: new Symbols(), root: app(OPS.relu.code) });
  // The code's length stands before the one byte of the code.
  bytes[bytes.length - 2] = 100;
  const stream = new ProgramStream();
  assert.equal(outcome(() => (stream.push(bytes), stream.end().root)), "RMIL_TRAILING");
});

Deno.test("a long literal that comes in single bytes is one part, and does not take forever", () => {
  const items = tupleValue(Array.from({ length: 20_000 }, (_, i): Value => ({ k: "I64", lo: i, hi: 0 })));
  const bytes = encodeProgram({ symbols: new Symbols(), root: lit(items) });
  let heard = 0;
  const stream = new ProgramStream({ onExpression: () => void heard++ });
  for (let at = 0; at < bytes.length; at++) stream.push(bytes.subarray(at, at + 1));
  assert.ok(equalExpressions(stream.end().root, lit(items)));
  assert.equal(heard, 1);
});
