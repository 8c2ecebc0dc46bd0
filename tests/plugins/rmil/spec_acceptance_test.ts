/**
 * The acceptance list of RMIL §23, item by item, for what no golden vector says already: symbols, types, ops, trees,
 * bytes, evaluation, tensors, patterns and syntax, each through the language as a user meets it.
 *
 * What the list asks of stubs (nil from a neural op, an error where the original has none) holds as the specification's
 * last line of §23 says: replaced by real behaviour.
 */
import assert from "node:assert/strict";
import * as Effect from "effect/Effect";
import { LocalAgents } from "../../../plugins/rmil/agent_port.ts";
import { decodeExpression, decodeProgram, encodeExpression, encodeProgram } from "../../../plugins/rmil/codec/v1.ts";
import { dtypeOf, DTYPES } from "../../../plugins/rmil/dtype.ts";
import { app, type Expression, lit, MAX_DEPTH, nodeCount, opcodesOf } from "../../../plugins/rmil/expression.ts";
import { equalExpressions } from "../../../plugins/rmil/expression.ts";
import { contentHash } from "../../../plugins/rmil/hash.ts";
import { run, runNow } from "../../../plugins/rmil/interpreter.ts";
import { OP_NAMES, opNamed, OPS } from "../../../plugins/rmil/opcodes.ts";
import { mlp, neurosymbolicHybrid, resnetBlock, transformerBlock } from "../../../plugins/rmil/patterns.ts";
import { rewrite } from "../../../plugins/rmil/rewriting/rewriter.ts";
import { Symbols } from "../../../plugins/rmil/symbols.ts";
import { parse, parseSource } from "../../../plugins/rmil/syntax/parser.ts";
import { print } from "../../../plugins/rmil/syntax/printer.ts";
import {
  byteSize,
  elementCount,
  fn,
  isDifferentiable,
  scalar,
  showType,
  tensor,
  VOID,
} from "../../../plugins/rmil/types.ts";
import { f32, f64, i64, NIL, toFloat32 } from "../../../plugins/rmil/value.ts";
import { close, failureOf, numbers, plain, runOn, shapeOf, tensor as tensorOf } from "./programs.ts";

const read = (source: string): Expression => parse(source).root;

const valueOf = (source: string, input?: Parameters<typeof runOn>[1]): unknown => plain(runOn(read(source), input));

Deno.test("symbols: one name, one index; nil is the empty name; two names make a table of three", () => {
  const table = new Symbols();
  assert.equal(table.intern("a"), table.intern("a"));
  table.intern("b");
  assert.deepEqual([table.nameOf(0), table.size], ["", 3]);
});

Deno.test("types: sizes, codes, counts, bytes, ranks, differentiability and texts", () => {
  assert.deepEqual((["b1", "f16", "f32", "f64"] as const).map((dtype) => DTYPES[dtype].bytes), [1, 2, 4, 8]);
  for (let code = 0; code < 13; code++) assert.notEqual(dtypeOf(code), undefined);
  assert.equal(dtypeOf(13), undefined);
  const cube = tensor("f32", [2, 3, 4]);
  assert.deepEqual([elementCount(cube), byteSize(cube), cube.k === "Tensor" && cube.shape.length], [24, 96, 3]);
  const open = tensor("f32", [2, null]);
  assert.deepEqual([elementCount(open), byteSize(open)], [undefined, undefined]);
  assert.deepEqual([scalar("f32"), cube, scalar("i64")].map(isDifferentiable), [true, true, false]);
  assert.deepEqual(
    [VOID, scalar("f32"), tensor("f32", [2, null, 768]), fn([scalar("f32")], [scalar("f64")])].map(showType),
    ["∅", "f32", "f32[2,?,768]", "(f32→f64)"],
  );
});

Deno.test("ops: at least 95, each with a name; what has gradients and parameters, and what has not", () => {
  assert.ok(OP_NAMES.length >= 95);
  for (const name of OP_NAMES) assert.equal(opNamed(name)?.name, name);
  assert.ok(OPS.linear.differentiable && OPS.gelu.differentiable && OPS.add.differentiable);
  assert.ok(!OPS.send.differentiable && !OPS.unify.differentiable);
  assert.ok(OPS.linear.parameters.length > 0 && OPS.conv2d.parameters.length > 0);
  assert.ok(OPS.relu.parameters.length === 0 && OPS.add.parameters.length === 0);
  assert.ok(OPS.attn.parameters.length > 0 && OPS.attn.differentiable);
});

const holds = (root: Expression, ...names: ReadonlyArray<string>): boolean =>
  names.every((name) => opcodesOf(root).includes(opNamed(name)!.code));

Deno.test("trees: counts, depths, hashes, and what the published patterns hold", () => {
  assert.equal(nodeCount(read("linear >> relu >> linear")), 5);
  assert.equal(nodeCount(read("let x = 1 in $x")), 3);
  assert.deepEqual([lit(i64(1)).depth, read("linear >> relu >> linear").depth], [1, 3]);
  assert.deepEqual(contentHash(read("linear >> relu")), contentHash(read("linear >> relu")));
  assert.notDeepEqual(contentHash(read("linear >> relu")), contentHash(read("relu >> linear")));
  assert.ok(nodeCount(transformerBlock()) > 10 && holds(transformerBlock(), "attn", "layer_norm", "linear", "gelu"));
  assert.ok(nodeCount(mlp(3)) >= 7);
  assert.ok(holds(resnetBlock(), "conv2d", "batch_norm", "res_add"));
  assert.ok(holds(neurosymbolicHybrid(), "linear", "infer", "resolve"));
  const { k, bits } = f32(2.5) as { k: "F32"; bits: number };
  assert.deepEqual([k, toFloat32({ bits })], ["F32", 2.5]);
});

Deno.test("bytes: every form comes back equal, with its hash and its names; a transformer block takes under 200", () => {
  const sources = [
    "42",
    "linear >> relu",
    "if true then relu else gelu",
    "relu | gelu",
    "{ 1; 2; 3 }",
    "\\(a: f32, b: f32[3, 4]) -> $a",
  ];
  for (const source of sources) {
    const program = parse(source);
    const back = decodeProgram(encodeProgram(program));
    assert.ok(equalExpressions(back.root, program.root), source);
    assert.deepEqual(back.symbols.names, program.symbols.names);
  }
  const weights = lit(tensorOf("f32", [2, 2], [1, 2, 3, 4]));
  assert.ok(equalExpressions(decodeExpression(encodeExpression(weights)), weights));
  const block = encodeExpression(transformerBlock());
  assert.ok(block.length < 200);
  assert.deepEqual(contentHash(decodeExpression(block)), contentHash(transformerBlock()));
  assert.equal(failureOf(() => decodeProgram(Uint8Array.of(1, 2, 3, 4, 5, 6))).code, "RMIL_MAGIC");
  assert.equal(failureOf(() => decodeProgram(new Uint8Array())).code, "RMIL_TRUNCATED");
});

Deno.test("evaluation: arithmetic, branches, names, pairs, pipelines and blocks", () => {
  const cases: { readonly [source: string]: unknown } = {
    "add(2, 3)": 5n,
    "add(2.5, 3.5)": 6,
    "mul(add(2, 3), 4)": 20n,
    "neg(5)": -5n,
    "abs(-7)": 7n,
    "if true then 1 else 2": 1n,
    "if false then 1 else 2": 2n,
    "let x = 10 in add($x, 5)": 15n,
    "let x = 10 in let y = 20 in add($x, $y)": 30n,
    "1 | 2": [1n, 2n],
    "1 >> 2": 2n,
    "relu(-3.0)": 0,
    "relu(3.0)": 3,
    "sigmoid(0.0)": 0.5,
    "{ 1; 2; 3 }": 3n,
    "identity(4)": 4n,
    "log(exp(1.0))": 1,
    "max(2, 9)": 9n,
    "min(2, 9)": 2n,
  };
  for (const [source, wanted] of Object.entries(cases)) {
    const found = valueOf(source);
    if (typeof wanted === "number") close([Number(found)], [wanted], 1e-6);
    else assert.deepEqual(found, wanted, source);
  }
  assert.equal(typeof valueOf("hash(1)"), "bigint");
  assert.equal(failureOf(() => runOn(read("div(10, 0)"))).code, "RMIL_DOMAIN");
  assert.equal(failureOf(() => runOn(read("$nobody"))).code, "RMIL_UNBOUND");
  const deep = Array.from({ length: MAX_DEPTH }).reduce<() => Expression>(
    (inner) => () => app(OPS.neg.code, [inner()]),
    () => lit(i64(1)),
  );
  assert.equal(failureOf(() => deep()).code, "RMIL_DEPTH");
  assert.notDeepEqual(runOn(read("linear(2)"), tensorOf("f32", [1, 3], [1, 2, 3])), NIL, "a layer is no stub");
});

Deno.test("evaluation: nested lets of f64 arithmetic in ±10⁶ never break", () => {
  for (let i = 0; i < 200; i++) {
    const [a, b] = [Math.sin(i) * 1e6, Math.cos(i * 1.3) * 1e6];
    for (const [op, of] of [["add", a + b], ["sub", a - b], ["mul", a * b], ["div", a / b]] as const) {
      const nested = `let a = $p in let b = $q in let c = $a in let d = $b in let e = ${op}($c, $d) in $e`;
      const { root, symbols } = parse(nested);
      assert.equal(plain(runNow(root, symbols, { inputs: { p: f64(a), q: f64(b) } })!.value), of);
    }
  }
});

Deno.test("tensors: round trips, elementwise maps, reductions by softmax and norm, shapes, products, refusals", () => {
  const x = tensorOf("f32", [2, 3], [1, 2, 3, 4, 5, 6]);
  const on = (source: string, input = x) => runOn(read(source), input);
  assert.deepEqual(numbers(on("identity")), [1, 2, 3, 4, 5, 6]);
  close(numbers(on("exp >> log")), [1, 2, 3, 4, 5, 6], 1e-6);
  close(numbers(on("sin", tensorOf("f32", [2], [0, Math.PI / 2]))), [0, 1], 1e-6);
  close(numbers(on("cos", tensorOf("f32", [2], [0, Math.PI / 2]))), [1, 0], 1e-6);
  close(numbers(on("gelu", tensorOf("f32", [2], [0, 1]))), [0, 0.8413447], 1e-6);
  close(numbers(on("silu", tensorOf("f32", [1], [0]))), [0]);
  close(numbers(on("tanh", tensorOf("f32", [1], [0]))), [0]);
  assert.deepEqual(shapeOf(on("reshape((3, 2))")), [3, 2]);
  assert.deepEqual(numbers(on("reshape((3, 2))")), [1, 2, 3, 4, 5, 6]);
  assert.equal(failureOf(() => on("reshape((4, 2))")).code, "RMIL_SHAPE");
  assert.deepEqual(numbers(on("transpose")), [1, 4, 2, 5, 3, 6]);
  const product = tensorOf("f32", [3, 2], [1, 2, 3, 4, 5, 6]);
  assert.deepEqual(
    numbers(runOn(read("matmul"), { k: "Tuple", items: [x, product] })),
    [22, 28, 49, 64],
  );
  const soft = numbers(on("softmax"));
  close([soft[0] + soft[1] + soft[2], soft[3] + soft[4] + soft[5]], [1, 1]);
  assert.ok(soft[0] < soft[1] && soft[1] < soft[2]);
  const normed = numbers(on("layer_norm"));
  close([normed[0] + normed[1] + normed[2]], [0], 1e-5);
  const other = tensorOf("f32", [2, 2], [1, 2, 3, 4]);
  const mismatch = failureOf(() => runOn(read("add"), { k: "Tuple", items: [x, other] }));
  assert.deepEqual([mismatch.code, /broadcast/u.test(mismatch.message)], ["RMIL_SHAPE", true]);
  assert.equal(failureOf(() => on("exp", tensorOf("i64", [1], [1n]))).code, "RMIL_OPERAND");
  assert.equal(failureOf(() => runOn(read("relu"), { k: "Sym", sym: 0 })).code, "RMIL_OPERAND");
});

Deno.test("rewriting: identities go, repeats become one, constants choose, everywhere, until nothing more applies", () => {
  const cases: { readonly [source: string]: readonly [string, number] } = {
    "identity >> relu": ["relu", 1],
    "relu >> identity": ["relu", 1],
    "relu >> relu >> relu": ["relu", 2],
    "if true then relu else gelu": ["relu", 1],
    "if false then relu else gelu": ["gelu", 1],
    "linear >> gelu": ["linear >> gelu", 0],
    "identity >> (identity >> (identity >> linear))": ["linear", 3],
    "(identity >> relu) | gelu": ["relu | gelu", 1],
    // The original removes the inner path of a trivial residual; that is not so.
    "res_add(identity, linear)": ["res_add(identity, linear)", 0],
  };
  for (const [source, [wanted, firings]] of Object.entries(cases)) {
    const made = rewrite(read(source));
    assert.deepEqual([print(made.expression), made.end], [wanted, "done"], source);
    assert.ok(made.firings >= firings, source);
  }
});

Deno.test("syntax: every form reads as the list says, and reads back from what is printed", () => {
  const forms = [
    "linear >> relu >> gelu",
    "relu | sigmoid",
    "add(1, mul(2, 3))",
    "if true then relu else gelu",
    "let x = 1 in add($x, 2)",
    "\\(x: f32) -> $x",
    "{ 1; 2; 3 }",
    "(linear >> relu) | gelu",
    "layer_norm >> attn >> drop >> layer_norm >> linear >> gelu >> linear >> drop",
    "nil",
    "true",
    "-7",
  ];
  for (const source of forms) {
    const { root, symbols } = parse(source);
    const again = parse(print(root, symbols));
    assert.ok(equalExpressions(again.root, root), source);
  }
  assert.equal(read("relu | sigmoid >> linear").tag, read("a >> b").tag, "a pair binds tighter than a pipeline");
  assert.equal(read("3.15").value.k, "F32");
  assert.equal(parse("relu // a comment").root.code, OPS.relu.code);
  assert.ok(!parseSource("@@@").ok && !parseSource("add(3,").ok);
  for (const name of OP_NAMES) assert.equal(read(name).code, opNamed(name)!.code);
});

Deno.test("agents: direct messages, broadcasts but not to oneself, topics to their followers, unknown ones refused", async () => {
  const agents = new LocalAgents();
  const [a, b] = [agents.port("a"), agents.port("b")];
  const own = (source: string) => {
    const { root, symbols } = parse(source);
    return Effect.runPromise(run(root, symbols, { agents: agents.port("main") }));
  };
  const next = (port: typeof a) => Effect.runPromise(port.receive());
  assert.equal(await next(a), undefined, "an empty box gives nothing");
  await own("send(#a, 1)");
  assert.deepEqual([(await next(a))?.from, (await next(b))?.from], ["main", undefined]);
  await own("broadcast(2)");
  assert.deepEqual([(await next(a))?.message, (await next(b))?.message], [i64(2), i64(2)]);
  assert.deepEqual(plain((await own("recv")).value), null, "not to oneself");
  await Effect.runPromise(a.subscribe("news"));
  await own("publish(#news, 3)");
  assert.deepEqual([(await next(a))?.message, await next(b)], [i64(3), undefined]);
  assert.equal(
    (await Effect.runPromise(Effect.flip(run(parse("send(#z, 1)").root, parse("send(#z, 1)").symbols)))).code,
    "RMIL_AGENT",
  );
});
