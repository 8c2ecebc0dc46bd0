/**
 * Optimisation: equal to exhaustive search over a small signature, never worse than its input, careful with places.
 */
import assert from "node:assert/strict";
import { random } from "../../../kernel/random.ts";
import { COSTS, optimise } from "../../../plugins/rmil/egraph/optimise.ts";
import { treeCost } from "../../../plugins/rmil/egraph/terms.ts";
import { app, type Expression, lam, lit, nodeCount, ref, seq } from "../../../plugins/rmil/expression.ts";
import { type OpName, OPS } from "../../../plugins/rmil/opcodes.ts";
import { EXACT_LAWS } from "../../../plugins/rmil/rewriting/laws.ts";
import { scalar } from "../../../plugins/rmil/types.ts";
import { f32, f64, i64, tensorValue } from "../../../plugins/rmil/value.ts";
import { expressionOf, JUDGED_LAWS, leastSizes } from "./egraph_exhaustive.ts";
import { randomTerm } from "./small_terms.ts";

const op = (name: OpName, ...args: ReadonlyArray<Expression>): Expression => app(OPS[name].code, args);
const best = (root: Expression): Expression => optimise(root).expression;

const LARGEST = 6;

Deno.test(`as good as exhaustive search on every term of up to ${LARGEST} nodes`, () => {
  const laws = EXACT_LAWS.filter(({ name }) => JUDGED_LAWS.has(name));
  assert.equal(laws.length, JUDGED_LAWS.size);
  let improved = 0;
  for (const [text, { term, least }] of leastSizes(LARGEST)) {
    const { expression, costBefore, costAfter } = optimise(expressionOf(term), { laws, cost: COSTS.nodes });
    assert.equal(costAfter, least, text);
    assert.equal(nodeCount(expression), least, text);
    if (costAfter < costBefore) improved++;
  }
  assert.ok(improved > 300, `${improved}`);
});

Deno.test("never worse than its input, under either cost and whatever the limits", () => {
  for (let seed = 0; seed < 60; seed++) {
    const draw = random(`worse/${seed}`);
    const root = randomTerm(draw, 6);
    for (const cost of Object.values(COSTS)) {
      const limits = { nodes: 20 + draw.below(600), iterations: 1 + draw.below(6), fuel: 1 + draw.below(100_000) };
      const { expression, costAfter, costBefore } = optimise(root, { cost, limits });
      assert.equal(costBefore, treeCost(root, cost));
      assert.equal(costAfter, treeCost(expression, cost));
      assert.ok(costAfter <= costBefore);
    }
  }
});

Deno.test("finds what replacing step by step does not: a factor behind a reordered sum", () => {
  const x = op("exp", ref(1));
  const sum = op("max", op("add", ref(1), x), op("add", x, ref(1)));
  assert.equal(nodeCount(best(sum)), nodeCount(op("add", ref(1), x)));
});

Deno.test("a literal argument that binds to an attribute is not made of an operand, nor the other way", () => {
  const width = seq(op("identity"), lit(i64(3)));
  assert.equal(nodeCount(best(op("linear", width))), nodeCount(op("linear", width)));
  assert.equal(nodeCount(best(op("add", width, ref(1)))), 3);
});

Deno.test("the argument of a quoting op is what it spells", () => {
  const quoted = op("hash", seq(op("relu"), op("relu")));
  assert.equal(best(quoted), quoted);
});

Deno.test("a program that asks for itself is left as it is", () => {
  const root = seq(seq(op("relu"), op("relu")), op("self_ref"));
  assert.equal(best(root), root);
});

Deno.test("layers with parameters of their own are not taken for one another", () => {
  const twice = op("max", op("linear"), op("linear"));
  assert.equal(best(twice), twice);
  const unknown = op("max", ref(1), ref(1));
  assert.equal(best(unknown), unknown, "a name need not be a number");
  assert.equal(nodeCount(best(op("max", op("sigmoid"), op("sigmoid")))), 1);
});

Deno.test("messages keep their order", () => {
  const sends = op("add", op("recv"), op("neg", op("recv")));
  assert.equal(best(sends), sends);
});

Deno.test("a lambda in a function's place stays one", () => {
  const lambda = lam([{ sym: 2, type: scalar("f64") }], seq(op("relu"), op("relu")));
  const mapped = best(op("map", lambda, ref(1)));
  assert.equal(nodeCount(mapped), 4);
  assert.equal(mapped.children[0].parameters.length, 1);
});

Deno.test("equal weights are one term, and different ones are not", () => {
  const weights = (byte: number) => lit(tensorValue("f32", [25], new Uint8Array(100).fill(byte)));
  assert.equal(nodeCount(best(op("max", weights(1), weights(1)))), 1);
  assert.equal(nodeCount(best(op("max", weights(1), weights(2)))), 3);
  assert.equal(nodeCount(best(op("max", lit(f32(0)), lit(f64(0))))), 3);
});

Deno.test("a pipeline of a thousand stages ends within the limits", () => {
  const chain = Array.from({ length: 1000 }, (_, i) => op(i % 3 === 0 ? "identity" : "relu")).reduce(seq);
  const { nodes, costAfter, costBefore } = optimise(chain, { limits: { nodes: 4000, fuel: 300_000 } });
  assert.ok(nodes <= 4000 && costAfter <= costBefore);
});
