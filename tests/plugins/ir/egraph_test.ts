/**
 * The e-graph: exact counts of saturated sums, congruence, facts, limits.
 */
import assert from "node:assert/strict";
import { random } from "../../../kernel/mod.ts";
import { EGraph } from "../../../plugins/ir/egraph/egraph.ts";
import { type DEFAULT_LIMITS, saturate, type TermPattern, type TermRule } from "../../../plugins/ir/egraph/saturate.ts";
import vectors from "../../vectors/egraph/ac_saturation.json" with { type: "json" };

const PLUS = 0;
const LEAF = 100;

const v = (variable: number): TermPattern => ({ variable });
const plus = (a: TermPattern, b: TermPattern): TermPattern => ({ operator: PLUS, children: [a, b] });

const COMMUTE: TermRule = { name: "commute", left: plus(v(0), v(1)), right: plus(v(1), v(0)), variables: 2, needs: [] };
const ASSOCIATE: TermRule = {
  name: "associate",
  left: plus(plus(v(0), v(1)), v(2)),
  right: plus(v(0), plus(v(1), v(2))),
  variables: 3,
  needs: [],
};

const sumOf = (graph: EGraph, leaves: number): number => {
  let sum = graph.add(LEAF, []);
  for (let leaf = 1; leaf < leaves; leaf++) sum = graph.add(PLUS, [sum, graph.add(LEAF + leaf, [])]);
  return sum;
};

const PLENTY = { iterations: 100, nodes: 1_000_000, fuel: 100_000_000 };
const LARGEST_SUM = 8;

for (const { n, eclasses, enodes } of vectors.rows.filter((row) => row.n <= LARGEST_SUM)) {
  Deno.test(`a sum of ${n} leaves saturates to ${eclasses} classes and ${enodes} nodes`, () => {
    const graph = new EGraph();
    sumOf(graph, n);
    assert.equal(saturate(graph, [COMMUTE, ASSOCIATE], PLENTY).end, "saturated");
    assert.deepEqual([graph.classCount, graph.nodeCount], [eclasses, enodes]);
  });
}

Deno.test("equal children make equal parents, however far up, and whichever came first", () => {
  const graph = new EGraph();
  const [a, b] = [graph.add(1, []), graph.add(2, [])];
  const [fa, fb] = [graph.add(3, [a]), graph.add(3, [b])];
  const [ga, gb] = [graph.add(4, [fa, a]), graph.add(4, [fb, b])];
  assert.notEqual(graph.find(ga), graph.find(gb));
  graph.union(a, b);
  graph.rebuild();
  assert.equal(graph.find(fa), graph.find(fb));
  assert.equal(graph.find(ga), graph.find(gb));
  assert.deepEqual([graph.classCount, graph.nodeCount], [3, 4]);
});

/** Congruence closure by definition: unites until no two nodes with equal children are apart. */
const naiveClosure = (
  terms: ReadonlyArray<readonly [number, ...number[]]>,
  unions: ReadonlyArray<[number, number]>,
) => {
  const names = terms.map((_, index) => index);
  const unite = (a: number, b: number): boolean => {
    const [from, to] = [names[a], names[b]];
    names.forEach((name, index) => {
      if (name === from) names[index] = to;
    });
    return from !== to;
  };
  for (const [a, b] of unions) unite(a, b);
  for (let changed = true; changed;) {
    changed = false;
    for (let a = 0; a < terms.length; a++) {
      for (let b = 0; b < a; b++) {
        const [[f, ...x], [g, ...y]] = [terms[a], terms[b]];
        if (f === g && x.length === y.length && x.every((child, i) => names[child] === names[y[i]])) {
          changed = unite(a, b) || changed;
        }
      }
    }
  }
  return names;
};

Deno.test("classes are the congruence closure, on seeded random terms and unions", () => {
  for (let seed = 0; seed < 60; seed++) {
    const draw = random(`congruence/${seed}`);
    const terms: Array<readonly [number, ...number[]]> = [];
    for (let index = 0; index < 40; index++) {
      const arity = index < 4 ? 0 : draw.below(3);
      terms.push([arity * 10 + draw.below(3), ...Array.from({ length: arity }, () => draw.below(index))]);
    }
    const unions = Array.from({ length: 6 }, (): [number, number] => [draw.below(40), draw.below(40)]);
    const graph = new EGraph();
    const ids: Array<number> = [];
    for (const [operator, ...children] of terms) ids.push(graph.add(operator, children.map((child) => ids[child])));
    for (const [a, b] of unions) {
      graph.union(ids[a], ids[b]);
      if (draw.below(2) === 0) graph.rebuild();
    }
    graph.rebuild();
    const judge = naiveClosure(terms, unions);
    for (let a = 0; a < ids.length; a++) {
      for (let b = 0; b < a; b++) {
        assert.equal(graph.find(ids[a]) === graph.find(ids[b]), judge[a] === judge[b], `seed ${seed}: ${a} and ${b}`);
      }
    }
    assert.equal(graph.classCount, new Set(judge).size);
    const shapes = new Set(terms.map(([f, ...x]) => `${f}(${x.map((child) => judge[child])})`));
    assert.equal(graph.nodeCount, shapes.size);
    assert.equal(graph.classes().flatMap((id) => graph.nodesOf(id)).length, shapes.size);
  }
});

Deno.test("what is learned of a class reaches its parents, also through a later union", () => {
  const known = 1;
  const graph = new EGraph((operator, children) => operator === 1 || children[0] === known ? known : 0);
  const [yes, no] = [graph.add(1, []), graph.add(2, [])];
  const far = graph.add(3, [graph.add(3, [no])]);
  assert.equal(graph.facts(far), 0);
  graph.union(no, yes);
  graph.rebuild();
  assert.equal(graph.facts(far), known);
});

Deno.test("a rule needs the facts it names", () => {
  const small = (operator: number) => operator === LEAF ? 1 : 0;
  const rule: TermRule = { ...COMMUTE, needs: [{ variable: 0, facts: 1 }] };
  for (const [leaf, nodes] of [[LEAF, 4], [LEAF + 1, 3]]) {
    const graph = new EGraph(small);
    graph.add(PLUS, [graph.add(leaf, []), graph.add(LEAF + 2, [])]);
    saturate(graph, [rule], PLENTY);
    assert.equal(graph.nodeCount, nodes);
  }
});

Deno.test("a repeated variable matches one class only", () => {
  const twice: TermRule = { name: "twice", left: plus(v(0), v(0)), right: v(0), variables: 1, needs: [] };
  const graph = new EGraph();
  const [a, b] = [graph.add(LEAF, []), graph.add(LEAF + 1, [])];
  const [same, other] = [graph.add(PLUS, [a, a]), graph.add(PLUS, [a, b])];
  saturate(graph, [twice], PLENTY);
  assert.equal(graph.find(same), graph.find(a));
  assert.notEqual(graph.find(other), graph.find(a));
});

const saturated = (limits: Partial<typeof DEFAULT_LIMITS>, leaves = 6) => {
  const graph = new EGraph();
  sumOf(graph, leaves);
  return { graph, ...saturate(graph, [COMMUTE, ASSOCIATE], { ...PLENTY, ...limits }) };
};

Deno.test("the node limit is never exceeded, met below the final count, and enough a little above it", () => {
  const full = vectors.rows.find(({ n }) => n === 6)!.enodes;
  for (const nodes of [full >> 3, full >> 1, full - 1, full, full + 1]) {
    const { graph, end } = saturated({ nodes });
    assert.ok(graph.nodeCount <= nodes, `${graph.nodeCount} of ${nodes}`);
    if (nodes < full) assert.equal(end, "nodes");
  }
  // Nodes that turn out equal count until they do.
  assert.equal(saturated({ nodes: full + (full >> 2) }).end, "saturated");
});

Deno.test("the iteration limit is enough at the count that is needed, and met one below", () => {
  const { iterations } = saturated({});
  assert.equal(saturated({ iterations }).end, "saturated");
  assert.equal(saturated({ iterations: iterations - 1 }).end, "iterations");
});

Deno.test("the fuel limit is enough at the count that is needed, and met below", () => {
  const { fuelUsed } = saturated({});
  assert.equal(saturated({ fuel: fuelUsed + 1 }).end, "saturated");
  const short = saturated({ fuel: fuelUsed - 1 });
  assert.equal(short.end, "fuel");
  assert.ok(short.fuelUsed <= fuelUsed - 1);
});

Deno.test("a rule that never ends is stopped", () => {
  const grow: TermRule = {
    name: "grow",
    left: plus(v(0), v(1)),
    right: plus(plus(v(0), v(1)), v(1)),
    variables: 2,
    needs: [],
  };
  const forever: TermRule = {
    name: "wrap",
    left: { operator: 5, children: [v(0)] },
    right: { operator: 5, children: [{ operator: 6, children: [{ operator: 5, children: [v(0)] }] }] },
    variables: 1,
    needs: [],
  };
  const graph = new EGraph();
  graph.add(5, [sumOf(graph, 3)]);
  const { end } = saturate(graph, [grow, forever], { iterations: 50, nodes: 500, fuel: 50_000 });
  assert.ok(end === "iterations" || end === "nodes" || end === "fuel" || end === "saturated");
  assert.ok(graph.nodeCount <= 500);
});

Deno.test("the same work gives the same graph and the same report", () => {
  const [one, two] = [saturated({ nodes: 300 }), saturated({ nodes: 300 })];
  assert.deepEqual([one.graph.nodeCount, one.graph.classCount, one.unions], [
    two.graph.nodeCount,
    two.graph.classCount,
    two.unions,
  ]);
});
