import assert from "node:assert/strict";
import { applyPatch, type Json } from "../../../kernel/json.ts";
import { Failure } from "../../../kernel/failure.ts";
import { fromAst, toAst } from "../../../plugins/rmil/ast.ts";
import { contentHash } from "../../../plugins/rmil/hash.ts";
import {
  app,
  block,
  call,
  cond,
  equalExpressions,
  type Expression,
  lam,
  letIn,
  lit,
  MAX_DEPTH,
  par,
  ref,
  seq,
} from "../../../plugins/rmil/expression.ts";
import { nameOf, OPS } from "../../../plugins/rmil/opcodes.ts";
import { showHash } from "../../../plugins/rmil/siphash.ts";
import { Symbols } from "../../../plugins/rmil/symbols.ts";
import { applyEdit } from "../../../plugins/rmil/syntax/diagnostics.ts";
import { format, LINE_WIDTH } from "../../../plugins/rmil/syntax/format.ts";
import { parse, parseSource } from "../../../plugins/rmil/syntax/parser.ts";
import { print, printType } from "../../../plugins/rmil/syntax/printer.ts";
import { f32, f32Of, f64, f64Of, i64, NIL, symbolValue, tensorValue, tupleValue } from "../../../plugins/rmil/value.ts";
import { Trees } from "./trees.ts";

const vectors = JSON.parse(Deno.readTextFileSync(new URL("../../vectors/rmil/syntax.json", import.meta.url))).vectors;
const codec = JSON.parse(Deno.readTextFileSync(new URL("../../vectors/rmil/codec.json", import.meta.url))).vectors;

const failureOf = (source: string): Failure => {
  try {
    parse(source);
  } catch (cause) {
    assert.ok(cause instanceof Failure, String(cause));
    return cause;
  }
  return assert.fail(`expected a failure: ${source}`);
};

const op = (name: keyof typeof OPS, ...args: ReadonlyArray<Expression>): Expression => app(OPS[name].code, args);
const symbols = () => Symbols.of(["x", "y", "f"]);

/** A tree reads back from its text, to itself. */
const survives = (root: Expression, table = symbols()): string => {
  const text = print(root, table);
  const again = parseSource(text, { symbols: Symbols.of(table.names), dangling: true });
  assert.deepEqual(again.diagnostics.map(({ failure }) => failure.message), [], text);
  assert.ok(equalExpressions(again.root, root), text);
  assert.deepEqual(again.symbols.names, table.names, text);
  return text;
};

Deno.test("every golden text gives the golden tree, symbols and hash", () => {
  let judged = 0;
  for (const vector of vectors) {
    if (!vector.ok) continue;
    const { root, symbols } = parse(vector.src);
    assert.deepEqual(toAst(root, nameOf), vector.ast, vector.src);
    assert.deepEqual(symbols.names, vector.symbols, vector.src);
    assert.equal(showHash(contentHash(root)), vector.content_hash, vector.src);
    judged++;
  }
  for (const { surface, ast, name } of codec) {
    if (surface === undefined || surface === null || ast === undefined || ast === null) continue;
    assert.deepEqual(toAst(parse(surface).root, nameOf), ast, name);
    judged++;
  }
  assert.ok(judged > 100, `${judged}`);
});

/** What the original refuses and the larger language says. */
const LARGER: ReadonlySet<string> = new Set(["\\(x: i8) -> x"]);

Deno.test("every golden failure fails here too, at or before the original's offset, with a code", () => {
  for (const { ok, src, offset } of vectors) {
    if (ok || LARGER.has(src)) continue;
    const { diagnostics } = parseSource(src);
    const [first] = diagnostics.filter(({ severity }) => severity === "error");
    assert.ok(first !== undefined, src);
    assert.ok(first.span.start <= offset && first.span.end <= src.length, `${src}: ${first.span.start} ${offset}`);
    assert.match(first.failure.code, /^RMIL_(?:SYNTAX|LITERAL)$/u, src);
  }
});

Deno.test("printing agrees with the original wherever the original's text reads back", () => {
  let judged = 0;
  for (const vector of vectors) {
    if (vector.reparse_of_pretty_with_symbols !== "same tree") continue;
    const printed = print(fromAst(vector.ast), Symbols.of(vector.symbols));
    assert.equal(printed, vector.pretty_with_symbols, vector.src);
    judged++;
  }
  assert.ok(judged > 40, `${judged}`);
});

Deno.test("what is printed reads back to the same tree, for random trees of every kind", () => {
  const trees = new Trees("printer");
  for (let i = 0; i < 1500; i++) survives(trees.expression(5), trees.symbols);
});

Deno.test("every golden tree reads back from its text", () => {
  for (const { ast, name } of codec) {
    if (ast === undefined || ast === null || name === "lit_tensor_len_mismatch") continue;
    const root = fromAst(ast);
    if (root.value.k === "Tensor" && root.value.shape.includes(null)) continue;
    survives(root, new Symbols());
  }
});

Deno.test("what the original's printer loses survives", () => {
  const [a, b, c] = [op("relu"), op("gelu"), op("silu")];
  const condition = cond(ref(1), a, b);
  const cases: ReadonlyArray<readonly [Expression, string]> = [
    [seq(a, seq(b, c)), "relu >> (gelu >> silu)"],
    [par(a, par(b, c)), "relu | (gelu | silu)"],
    [seq(condition, c), "(if $x then relu else gelu) >> silu"],
    [seq(c, condition), "silu >> if $x then relu else gelu"],
    [seq(seq(c, condition), c), "silu >> (if $x then relu else gelu) >> silu"],
    [par(condition, c), "(if $x then relu else gelu) | silu"],
    [call(condition, [c]), "(if $x then relu else gelu)(silu)"],
    [call(a, [lit(i64(1))]), "(relu)(1)"],
    [call(call(ref(3), [a]), [b]), "($f(relu))(gelu)"],
    [block([a]), "{ relu; }"],
    [block([block([])]), "{ {  }; }"],
    [lit(f64(1.5)), "1.5f64"],
    [lit(f32(1.5)), "1.5"],
    [lit(f32(NaN)), "nan.f32"],
    [lit(f32Of(0xff800001)), "0xff800001.f32"],
    [lit(f64(-Infinity)), "-inf.f64"],
    [lit(f64Of(1, 0x7ff80000)), "0x7ff8000000000001.f64"],
    [lit(f64(1e-7)), "0.0000001f64"],
    [lit(f64(5e-324)), `0.${"0".repeat(323)}5f64`],
    [lit(symbolValue(2)), "#y"],
    [lit(symbolValue(99)), "#@99"],
    [ref(99), "$@99"],
    [ref(0), "$``"],
    [lit(tupleValue([])), "()"],
    [lit(tupleValue([NIL])), "(nil,)"],
    [lit(tupleValue([i64(1), tupleValue([f32(2)])])), "(1, (2.0,))"],
    [lit(tensorValue("i16", [2], Uint8Array.of(0xff, 0xff, 1, 0))), "tensor<i16, [2]>[-1, 1]"],
    [lit(tensorValue("f16", [1], Uint8Array.of(0, 0x3c))), 'tensor<f16, [1]>"003c"'],
    [lit(tensorValue("b1", [2], Uint8Array.of(1, 0))), "tensor<b1, [2]>[true, false]"],
    [lit(tensorValue("b1", [1], Uint8Array.of(2))), 'tensor<b1, [1]>"02"'],
    [lit(tensorValue("f32", [1], Uint8Array.of(1, 0, 0xc0, 0x7f))), 'tensor<f32, [1]>"0100c07f"'],
    [lit(tensorValue("f64", [0], new Uint8Array(0))), "tensor<f64, [0]>[]"],
    [app(0xbeef, [NIL].map(lit)), "op<48879>(nil)"],
    [
      app(OPS.linear.code, [lit(i64(64))], [{ name: "bias", value: { k: "Bool", v: false } }]),
      "linear(64, bias: false)",
    ],
  ];
  for (const [root, text] of cases) assert.equal(survives(root), text);
});

Deno.test("types of every kind are written and read", () => {
  const cases: ReadonlyArray<readonly [string, string]> = [
    ["bool", "bool"],
    ["tensor<F32, 3, 4>", "f32[3, 4]"],
    ["tensor<f32>", "f32[]"],
    ["f32[2, ?, batch, `n*2`]", "f32[2, ?, batch, `n*2`]"],
    ["(f32, i64) -> (f64)", "(f32, i64) -> (f64)"],
    ["() -> ()", "() -> ()"],
    ["(f32)", "f32"],
    ["(f32,)", "(f32,)"],
    ["union<f32, union<void>>", "union<f32, union<void>>"],
    ["var<7>", "var<7>"],
    ["opaque<4294967295>", "opaque<4294967295>"],
  ];
  for (const [source, shown] of cases) {
    const { root } = parse(`\\(x: ${source}) -> x`);
    assert.equal(printType(root.parameters[0].type), shown);
  }
});

Deno.test("several faults are found in one run, each at its place", () => {
  const source = "linear(64 >> @ relu;\nlet = 3 in { 1. }";
  const { ok, diagnostics } = parseSource(source);
  assert.equal(ok, false);
  const found = diagnostics.map(({ span, failure }) => [source.slice(span.start, span.end), failure.code]);
  assert.ok(found.length >= 4, JSON.stringify(found));
  assert.ok(found.some(([text]) => text === "@"));
  assert.ok(found.some(([text, code]) => text === "=" && code === "RMIL_SYNTAX"));
  assert.ok(found.some(([text, code]) => text === "1." && code === "RMIL_LITERAL"));
});

Deno.test("applying the fix of a failure, where it carries one, makes the text a program", () => {
  const cases = ["add(3 4)", "add(3, 4", "( relu", "{ relu; gelu", "1.", "2.0e", "\\(x) -> x", "let in = 1 in 2"];
  for (
    const source of [...cases, "let x 1 in 2", "let x = 1 add(x, 1)", "if true then 1 2", "\\(x: f23) -> x", "$if"]
  ) {
    const { fix } = failureOf(source);
    assert.ok(fix?.patch !== undefined, source);
    const mended = applyPatch(fix.patch, { source }) as { readonly source: string };
    assert.ok(parseSource(mended.source).ok || source === "if true then 1 2", `${source} → ${mended.source}`);
  }
});

Deno.test("a free name that is nearly an op's is a warning with the op's name; a bound one is not", () => {
  const { ok, diagnostics } = parseSource("lineer(64) >> relu");
  assert.ok(ok);
  const [{ severity, failure, edit, span }] = diagnostics;
  assert.deepEqual([severity, failure.code, failure.suggestions[0]], ["warning", "RMIL_NAME", "linear"]);
  assert.deepEqual(span, { start: 0, end: 6 });
  assert.equal(applyEdit("lineer(64) >> relu", edit!), "linear(64) >> relu");
  assert.deepEqual(parseSource("let lineer = relu in lineer(1)").diagnostics, []);
  assert.deepEqual(parseSource("\\(lineer: f32) -> lineer").diagnostics, []);
  assert.deepEqual(parseSource("my_input >> x1").diagnostics, []);
});

Deno.test("every node has its exact place", () => {
  const source = "let w = 64 in // width\n  (linear(w, 2) | if p then a else {b;}) >> $relu";
  const { root, spans } = parse(source);
  const texts: Array<string> = [];
  const visit = (node: Expression): void => {
    const span = spans.get(node);
    assert.ok(span !== undefined);
    texts.push(source.slice(span.start, span.end));
    node.children.forEach(visit);
  };
  visit(root);
  assert.deepEqual(texts, [
    source,
    "64",
    source.slice(source.indexOf("(linear")),
    "linear(w, 2) | if p then a else {b;}",
    "linear(w, 2)",
    "w",
    "2",
    "if p then a else {b;}",
    "p",
    "a",
    "{b;}",
    "b",
    "$relu",
  ]);
});

Deno.test("names are listed with what they do", () => {
  const { names } = parse("let w = \\(x: f32) -> linear(x, width: 2) in w(#tag)");
  assert.deepEqual(names.map(({ name, role }) => [name, role]), [
    ["w", "let"],
    ["x", "parameter"],
    ["linear", "op"],
    ["x", "reference"],
    ["width", "attribute"],
    ["w", "reference"],
    ["tag", "symbol"],
  ]);
});

Deno.test("brackets 1000 deep are read, 2000 deep are a fault of depth, and so is a long pipeline", () => {
  const nested = (depth: number) => "(".repeat(depth) + "relu" + ")".repeat(depth);
  assert.ok(parseSource(nested(1000)).ok);
  for (const source of [nested(2000), "(".repeat(100_000), "identity(".repeat(20_000), "{".repeat(50_000)]) {
    const { ok, diagnostics } = parseSource(source);
    assert.equal(ok, false);
    assert.equal(diagnostics.at(-1)!.failure.code, "RMIL_DEPTH");
  }
  const stages = (count: number) => new Array(count).fill("relu").join(" >> ");
  assert.equal(parse(stages(MAX_DEPTH)).root.depth, MAX_DEPTH);
  assert.equal(failureOf(stages(MAX_DEPTH + 1)).code, "RMIL_DEPTH");
  assert.equal(failureOf(`\\(x: ${"(".repeat(3000)}f32`).code, "RMIL_DEPTH");
});

Deno.test("trees of depth 1024 of every kind read back from their text", () => {
  const leaf = op("relu");
  const deeper: ReadonlyArray<(inner: Expression) => Expression> = [
    (inner) => op("identity", inner),
    (inner) => seq(leaf, inner),
    (inner) => seq(inner, leaf),
    (inner) => par(leaf, inner),
    (inner) => cond(inner, leaf, leaf),
    (inner) => cond(leaf, leaf, inner),
    (inner) => letIn(1, inner, leaf),
    (inner) => letIn(1, leaf, inner),
    (inner) => lam([], inner),
    (inner) => call(inner, []),
    (inner) => call(ref(1), [inner]),
    (inner) => block([inner]),
    (inner) => inner.depth % 2 === 0 ? seq(inner, leaf) : lam([], inner),
  ];
  for (const make of deeper) {
    let root = leaf;
    while (root.depth < MAX_DEPTH) root = make(root);
    survives(root);
  }
});

Deno.test("a symbol by an index that the table lacks is a fault, unless the text stands for an expression alone", () => {
  assert.equal(failureOf("$@3").code, "RMIL_SYMBOL");
  assert.equal(parse("$@3", { dangling: true }).root.code, 3);
  assert.equal(parse("let a = 1 in $@1").root.children[1].code, 1);
});

Deno.test("formatting is idempotent, keeps comments and meaning, and fits the width where it can", () => {
  const sources = [
    "relu",
    "",
    "// only a comment",
    "let x=42 in add( x,1 )",
    "// first\nrelu // tail\n>> linear(64, bias:false) // last\n// end",
    "{ // open\n a; // one\n // two\n b }",
    "{relu linear{a;}}",
    "f( // why\n1)",
    "res_add(identity, layer_norm >> attn >> drop) >> res_add(identity, layer_norm >> linear >> gelu >> linear >> drop)",
    "\\(x:union<f32,union<void>>,y:(f32)->(f64))->if x then(a)else tensor<f32,[2]>[1.0,2.0]",
    `let y = ${"a | ".repeat(50)}b in y`,
    "concat(" + "identity(relu >> gelu), ".repeat(20) + "1)",
  ];
  for (const source of sources) {
    const { source: once, diagnostics } = format(source);
    if (source.replace(/\/\/.*/gu, "").trim() !== "") {
      assert.deepEqual(diagnostics.filter(({ severity }) => severity === "error"), [], source);
      const [before, after] = [parse(source), parse(once)];
      assert.ok(equalExpressions(before.root, after.root), once);
      assert.deepEqual(after.comments.map(({ text }) => text), before.comments.map(({ text }) => text));
    }
    assert.equal(format(once).source, once);
  }
  assert.equal(format(sources[3]).source, "let x = 42 in add(x, 1)\n");
  for (const line of format(sources[8]).source.split("\n")) assert.ok(line.length <= LINE_WIDTH);
  for (const line of format(sources[11]).source.split("\n")) assert.ok(line.length <= LINE_WIDTH, line);
});

Deno.test("formatting random programs changes white space only", () => {
  const trees = new Trees("format");
  for (let i = 0; i < 300; i++) {
    const root = trees.expression(4);
    const text = print(root, trees.symbols);
    const { source } = format(text);
    const again = parse(source, { symbols: Symbols.of(trees.symbols.names), dangling: true });
    assert.ok(equalExpressions(again.root, root), text);
    assert.equal(format(source).source, source);
    const [bare, was] = [source, text].map((part) => part.replace(/\s/gu, ""));
    assert.equal(bare, was);
  }
});

Deno.test("a text that is no program is given back as it was, with what is wrong", () => {
  const { source, diagnostics } = format("add( 3 4 )");
  assert.equal(source, "add( 3 4 )");
  assert.equal(diagnostics[0].failure.code, "RMIL_SYNTAX");
});

Deno.test("what is thrown at it, the reader answers: random tokens, each run ends with a tree and an answer", () => {
  const words =
    'relu linear f ( ) { } , ; = $ \\ | >> -> if then else let in 1 -2 1.5 nil # @1 ` " [ ] < > ? : op tensor var é 0x'
      .split(" ");
  let seed = 1;
  const next = (below: number) => (seed = (seed * 48271) % 2147483647) % below;
  for (let i = 0; i < 3000; i++) {
    const source = Array.from({ length: next(30) }, () => words[next(words.length)]).join(next(2) === 0 ? " " : "");
    const { ok, diagnostics } = parseSource(source, { dangling: true });
    assert.equal(ok, !diagnostics.some(({ severity }) => severity === "error"), source);
    for (const { span } of diagnostics) assert.ok(span.start <= span.end && span.end <= source.length, source);
  }
});

Deno.test("the failure of an operation names the place in words", () => {
  const failure = failureOf("relu >>\n  add(3,");
  assert.equal(failure.message, "Cannot read the program at 2:9: expected an expression, found the end");
  assert.deepEqual(failure.expected as Json, "an expression");
});
