import assert from "node:assert/strict";
import { Failure } from "../../../kernel/failure.ts";
import { toAst } from "../../../plugins/rmil/ast.ts";
import { cond, flow, mapOver, op, residual, rmil } from "../../../plugins/rmil/builders.ts";
import { encodeExpression } from "../../../plugins/rmil/codec/v1.ts";
import { equalExpressions, type Expression, ref } from "../../../plugins/rmil/expression.ts";
import { contentHash } from "../../../plugins/rmil/hash.ts";
import { nameOf } from "../../../plugins/rmil/opcodes.ts";
import { PATTERNS } from "../../../plugins/rmil/patterns.ts";
import { showHash } from "../../../plugins/rmil/siphash.ts";

type Vector = { readonly name: string; readonly expr_hex: string; readonly content_hash: string };

const golden: ReadonlyArray<Vector> =
  JSON.parse(Deno.readTextFileSync(new URL("../../vectors/rmil/codec.json", import.meta.url))).vectors;
const vector = (name: string): Vector => golden.find((row) => row.name === name)!;
const hex = (root: Expression): string => encodeExpression(root).toHex();

Deno.test("every published pattern has the golden bytes and hash", () => {
  let judged = 0;
  for (const { name, expr_hex, content_hash } of golden) {
    const match = /^pattern_(\D+?)(?:_(\d+))?$/u.exec(name);
    if (match === null) continue;
    const root = PATTERNS[match[1]].build(Number(match[2]));
    assert.equal(hex(root), expr_hex, name);
    assert.equal(showHash(contentHash(root)), content_hash, name);
    judged++;
  }
  assert.ok(judged >= 17, `${judged}`);
});

Deno.test("builders desugar as the original's do", () => {
  assert.equal(hex(residual(op("linear"))), vector("sugar_residual_linear").expr_hex);
  assert.equal(hex(mapOver(op("relu"), ref(1))), vector("sugar_map_over").expr_hex);
  const predicate = rmil`true`.root;
  assert.equal(hex(cond(op("relu"), predicate, op("gelu"))), vector("sugar_cond").expr_hex);
});

Deno.test("the fluent form gives the same trees as the functions", () => {
  const block = flow("layer_norm").andThen("attn").andThen("drop").residual()
    .andThen(flow("layer_norm").andThen("linear").andThen("gelu").andThen("linear").andThen("drop").residual());
  assert.ok(equalExpressions(block.root, PATTERNS.transformer_block.build(0)));
  const backbone = flow("conv2d").andThen("batch_norm").andThen("relu").andThen("max_pool").repeat(4);
  assert.ok(equalExpressions(backbone.root, PATTERNS.conv_backbone.build(4)));
  const hybrid = flow("embed")
    .andThen(flow("linear").andThen("gelu").andThen("linear").par(flow("infer").andThen("resolve")))
    .andThen("concat");
  assert.ok(equalExpressions(hybrid.root, PATTERNS.neurosymbolic_hybrid.build(0)));
  assert.equal(String(flow("relu").cond(true, flow("gelu"))), "if true then relu else gelu");
});

Deno.test("arguments and attributes become literals: whole numbers, fractions, names, lists", () => {
  const text = String(flow("conv2d", 64, { kernel: [3, 5], bias: false }));
  assert.equal(text, "conv2d(64, bias: false, kernel: (3, 5))");
  assert.equal(String(flow("mse_loss", { reduction: "sum" })), "mse_loss(reduction: #sum)");
  assert.equal(String(flow("clamp", -0.5, 2)), "clamp(-0.5, 2)");
  assert.equal(String(flow("add", 2n ** 62n)), "add(4611686018427387904)");
});

Deno.test("a template joins programs by the names of their symbols", () => {
  const a = rmil`let y = 1 in add(y, $x)`;
  const b = rmil`$x >> f`;
  const both = rmil`${a} | ${b}`;
  // A let's name is numbered after its body, where y was met first.
  assert.deepEqual(both.symbols.names, ["", "y", "x", "f"]);
  assert.equal(String(both), "(let y = 1 in add($y, $x)) | ($x >> $f)");
  assert.deepEqual([a.symbols.names, b.symbols.names], [["", "y", "x"], ["", "x", "f"]]);
});

Deno.test("numbers in a template keep their kind", () => {
  const { root } = rmil`add(${1}, ${1.5})`;
  const { args } = toAst(root, nameOf) as unknown as { readonly args: ReadonlyArray<{ readonly val: { k: string } }> };
  assert.deepEqual(args.map(({ val }) => val.k), ["I64", "F32"]);
});

Deno.test("a template that is no program throws the failure with its place", () => {
  assert.throws(
    () => rmil`linear >> ${op("relu")} >>`,
    (thrown) => thrown instanceof Failure && thrown.code === "RMIL_SYNTAX",
  );
});

Deno.test("neither the library nor a program that grows is taken for a promise", async () => {
  const library = await import("../../../plugins/rmil/library.ts");
  assert.ok(!("then" in library));
  const grown = await Promise.resolve(library.flow("relu").andThen("gelu"));
  assert.equal(String(grown), "relu >> gelu");
});
