/** Where parameters go when programs are rewritten, judged by running both programs on the same weights. */
import assert from "node:assert/strict";
import type { Json } from "../../../kernel/mod.ts";
import { check } from "../../../plugins/rmil/check.ts";
import { optimise } from "../../../plugins/rmil/egraph/optimise.ts";
import { block, type Expression, lit } from "../../../plugins/rmil/expression.ts";
import { runNow } from "../../../plugins/rmil/interpreter.ts";
import {
  marked,
  MAX_MARKED_NODES,
  type Moved,
  moveParameters,
  movesOf,
  unmarked,
} from "../../../plugins/rmil/rewriting/lineage.ts";
import { patternFromText } from "../../../plugins/rmil/rewriting/pattern_text.ts";
import type { Tmpl } from "../../../plugins/rmil/rewriting/pattern.ts";
import { rewrite } from "../../../plugins/rmil/rewriting/rewriter.ts";
import { parse } from "../../../plugins/rmil/syntax/parser.ts";
import { print } from "../../../plugins/rmil/syntax/printer.ts";
import { i64, type TensorValue } from "../../../plugins/rmil/value.ts";
import { callAs, inWorkspace } from "../../workspace.ts";
import { numbers, tensor, wave } from "./programs.ts";

const X = tensor("f32", [3, 4], wave(12));

type Rewritten = { readonly root: Expression; readonly moves: ReadonlyArray<Moved> };

const METHODS: { readonly [name: string]: (root: Expression) => Rewritten } = {
  search: (root) => {
    const start = marked(root)!;
    const { expression } = optimise(start.root);
    return { root: unmarked(expression), moves: movesOf(start, expression)! };
  },
  rules: (root) => {
    const start = marked(root)!;
    const { expression } = rewrite(start.root);
    return { root: unmarked(expression), moves: movesOf(start, expression)! };
  },
};

/** Weights that differ everywhere, so that two layers cannot be taken for one another. */
const weightsOf = (source: string): ReadonlyMap<string, TensorValue> => {
  const { root, symbols } = parse(source);
  const { parameters } = check(root, symbols, { inputs: { x: { k: "Tensor", dtype: "f32", shape: [3, 4] } } });
  return new Map(parameters.map(({ path, type }, i) => {
    assert.ok(type.k === "Tensor");
    const shape = type.shape as ReadonlyArray<number>;
    return [path, tensor("f32", shape, wave(shape.reduce((a, b) => a * b, 1), i + 1))];
  }));
};

/** Programs that laws change around their layers: stages fall away, factors move, layers change sides. */
const PROGRAMS: { readonly [title: string]: string } = {
  "stages before and after fall away": "identity >> linear >> relu >> relu >> linear(5) >> identity",
  "layers of one spelling keep their own weights": "linear >> identity >> linear >> abs >> abs >> linear",
  "a common first stage moves before the pair": "(tanh >> linear(3)) | (tanh >> linear(3))",
  "a common last stage moves behind the conditional": "if true then linear >> gelu else linear(4) >> gelu",
  "repeated turns keep their own weights": "identity >> repeat(identity >> linear >> relu >> relu, 3) >> linear(2)",
  "turns within turns": "repeat(repeat(linear >> identity, 2) >> abs >> abs, 2)",
  "a named function": "let f = \\(a: f32[3, 4]) -> linear($a) >> identity in identity >> f >> f",
  "a function in a map": "map(\\(row: f32[4]) -> linear(2) >> relu >> relu)",
  "layers inside blocks and arguments": "{ 1; 2; res_add(identity >> linear, identity >> linear >> identity) }",
};

for (const [title, source] of Object.entries(PROGRAMS)) {
  for (const [method, rewriting] of Object.entries(METHODS)) {
    Deno.test(`weights survive ${method}: ${title}`, () => {
      const { root, symbols } = parse(source);
      const before = weightsOf(source);
      const { root: after, moves } = rewriting(root);
      assert.ok(print(after, symbols).length < print(root, symbols).length, "the program has changed");
      const moved = moveParameters(moves, before);
      const result = (program: Expression, parameters: ReadonlyMap<string, TensorValue>) =>
        runNow(program, symbols, { inputs: { x: X }, parameters })!;
      const [old, made] = [result(root, before), result(after, moved)];
      assert.deepEqual(JSON.stringify(made.value), JSON.stringify(old.value));
      // The run met no parameter that it had to draw, and every layer that still runs was given its own.
      assert.deepEqual([...made.parameters.keys()].sort(), [...moved.keys()].sort());
    });
  }
}

Deno.test("a layer that a rule drops has no place, one that it doubles has two, one that it brings has no origin", () => {
  const { root, symbols } = parse("linear(2) >> gelu >> linear(3)");
  const apply = (left: string, right: string): ReadonlyArray<Moved> => {
    const start = marked(root)!;
    const rule = { name: "own", left: patternFromText(left), right: patternFromText(right) as Tmpl, guards: [] };
    const { expression } = rewrite(start.root, [rule], { shrinking: false, maxFirings: 1, strategy: "once" });
    assert.notEqual(print(unmarked(expression), symbols), print(root, symbols));
    return movesOf(start, expression)!;
  };
  assert.deepEqual(apply("x >> gelu >> y", "y"), [{ from: "/a/a" }, { from: "/b", to: "" }]);
  assert.deepEqual(apply("x >> gelu >> y", "x >> x >> y"), [
    { from: "/a/a", to: "/a/a" },
    { from: "/a/a", to: "/a/b" },
    { from: "/b", to: "/b" },
  ]);
  assert.deepEqual(apply("gelu", "layer_norm"), [
    { from: "/a/a", to: "/a/a" },
    { from: "/b", to: "/b" },
    { to: "/a/b" },
  ]);
});

Deno.test("a rule may look for a layer rule by rule: marks are seen by no rule", () => {
  const { root, symbols } = parse("linear >> relu");
  const start = marked(root)!;
  const rule = {
    name: "own",
    left: patternFromText("linear >> relu"),
    right: patternFromText("linear >> gelu") as Tmpl,
    guards: [],
  };
  const { expression } = rewrite(start.root, [rule], { shrinking: false, maxFirings: 1 });
  assert.equal(print(unmarked(expression), symbols), "linear >> gelu");
});

Deno.test("parameters of functions that nest otherwise than before are not guessed at", () => {
  const weights = new Map([["/args/0[1]/weight", 1], ["/b/weight", 2]]);
  const moves = [{ from: "/args/0[*]", to: "/a" }, { from: "/b", to: "/c" }];
  assert.deepEqual([...moveParameters(moves, weights)], [["/c/weight", 2]]);
  assert.deepEqual([...moveParameters([{ from: "/args/0[*]", to: "/b/args/0[*]/a" }], weights)], [
    ["/b/args/0[1]/a/weight", 1],
  ]);
});

Deno.test("a program as large as allowed is marked, a larger one is not", () => {
  // Shared sub-trees stand as often as they are used: doubling makes large programs of few nodes.
  const sized = (nodes: number): Expression => {
    let root = block([]);
    while (root.size * 2 + 1 <= nodes) root = block([root, root]);
    return block([...Array.from({ length: nodes - root.size - 1 }, () => lit(i64(1))), root]);
  };
  assert.equal(sized(MAX_MARKED_NODES).size, MAX_MARKED_NODES);
  assert.notEqual(marked(sized(MAX_MARKED_NODES)), undefined);
  assert.equal(marked(sized(MAX_MARKED_NODES + 1)), undefined);
  assert.equal(movesOf({ root: block([]), paths: [] }, sized(MAX_MARKED_NODES + 1)), undefined);
});

Deno.test("the operation says where layers went, by search and rule by rule", async () => {
  const ask = (input: Json) =>
    inWorkspace((kernel) => callAs(kernel, "rmil.rewrite", input)) as Promise<
      { readonly moved?: Json; source: string }
    >;
  const program = { source: "identity >> repeat(linear >> identity, 2) >> linear" };
  for (const method of ["search", "rules"]) {
    const { source, moved } = await ask({ program, method });
    assert.equal(source, "repeat(linear, 2) >> linear");
    assert.deepEqual(moved, [{ from: "/a/b/args/0[*]/a", to: "/a/args/0[*]" }, { from: "/b", to: "/b" }]);
  }
  const rules = [{ name: "own", left: "linear >> relu", right: "linear >> gelu" }];
  const searched = await ask({ program: { source: "linear >> relu" }, rules, cost: "nodes" });
  assert.equal(Object.hasOwn(searched, "moved"), false);
  const { source, moved } = await ask({
    program: { source: "linear >> relu" },
    rules,
    method: "rules",
    growing: true,
    strategy: "once",
  });
  assert.deepEqual([source, moved], ["linear >> gelu", [{ from: "/a" }, { to: "/a" }]]);
});

Deno.test("weights of the same numbers give the same numbers", () => {
  // The judge of this file tells weights apart: with two layers swapped the result differs.
  const { root, symbols } = parse("linear >> linear");
  const weights = weightsOf("linear >> linear");
  const swapped = new Map(
    [...weights].map(([path, value]) => [path.replace(/^\/(a|b)/u, (own) => own === "/a" ? "/b" : "/a"), value]),
  );
  const run = (parameters: ReadonlyMap<string, TensorValue>) =>
    numbers(runNow(root, symbols, { inputs: { x: X }, parameters })!.value);
  assert.notDeepEqual(run(weights), run(swapped));
});
