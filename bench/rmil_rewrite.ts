/**
 * What rewriting costs: the transformer block by rules and by search, saturated sums, quantisation, sparse products.
 * Run with `deno task bench`; the figures the README quotes come from `deno task acceptance rmil_rewrite`.
 */
import { random } from "../kernel/random.ts";
import { EGraph } from "../plugins/ir/egraph/egraph.ts";
import { optimise } from "../plugins/rmil/egraph/optimise.ts";
import { saturate, type TermPattern } from "../plugins/ir/egraph/saturate.ts";
import { quantizeTensor } from "../plugins/rmil/quantize/tensor.ts";
import { rewrite } from "../plugins/rmil/rewriting/rewriter.ts";
import { coordinates, type Entry } from "../plugins/rmil/sparse/coordinates.ts";
import { timesVector, toRows } from "../plugins/rmil/sparse/rows.ts";
import { parse } from "../plugins/rmil/syntax/parser.ts";
import { tensorValue } from "../plugins/rmil/value.ts";

const { root } = parse(
  "res_add(identity, layer_norm >> identity >> attn >> drop) >> " +
    "res_add(identity, layer_norm >> linear >> gelu >> linear >> drop >> identity)",
);

Deno.bench("rewrite a transformer block by rules", { group: "program", baseline: true }, () => void rewrite(root));

Deno.bench("the same by search", { group: "program" }, () => void optimise(root));

const v = (variable: number): TermPattern => ({ variable });
const plus = (a: TermPattern, b: TermPattern): TermPattern => ({ operator: 0, children: [a, b] });
const RULES = [
  { name: "commute", left: plus(v(0), v(1)), right: plus(v(1), v(0)), variables: 2, needs: [] },
  {
    name: "associate",
    left: plus(plus(v(0), v(1)), v(2)),
    right: plus(v(0), plus(v(1), v(2))),
    variables: 3,
    needs: [],
  },
];

Deno.bench("saturate a sum of 7 leaves (1,939 nodes)", () => {
  const graph = new EGraph();
  let sum = graph.add(1, []);
  for (let leaf = 1; leaf < 7; leaf++) sum = graph.add(0, [sum, graph.add(1 + leaf, [])]);
  saturate(graph, RULES, { iterations: 100, nodes: 100_000, fuel: 100_000_000 });
});

const COUNT = 65_536;
const draw = random("bench");
const weights = tensorValue(
  "f32",
  [256, 256],
  new Uint8Array(Float32Array.from({ length: COUNT }, () => draw.normal()).buffer),
);

for (const target of ["i4", "i8", "f16"] as const) {
  Deno.bench(`quantise 65,536 weights to ${target}`, () => void quantizeTensor(weights, target));
}

const SIZE = 2000;
const entries = Array.from({ length: 40_000 }, (): Entry => [draw.below(SIZE), draw.below(SIZE), draw.float()]);
const matrix = toRows(coordinates(SIZE, SIZE, entries));
const vector = new Float32Array(SIZE).fill(1);

Deno.bench("sparse times vector, 2,000 by 2,000 with 1 % filled", () => void timesVector(matrix, vector));
