/**
 * Every law's two sides have equal outcomes on random programs, values and inputs, by an evaluator of its own; so do a
 * program and what rewriting and saturation make of it.
 */
import assert from "node:assert/strict";
import { type Random, random } from "../../../kernel/mod.ts";
import { optimise } from "../../../plugins/rmil/egraph/optimise.ts";
import { type Expression, nodeCount } from "../../../plugins/rmil/expression.ts";
import { instanceOf } from "../../../plugins/rmil/rewriting/instance.ts";
import {
  EXACT_LAWS,
  EXPLORING_LAWS,
  type Law,
  REAL_LAWS,
  SHRINKING_LAWS,
  unboundNames,
} from "../../../plugins/rmil/rewriting/laws.ts";
import { type Binding, guardsHold, matchContext } from "../../../plugins/rmil/rewriting/match.ts";
import { namesIn, type Tmpl } from "../../../plugins/rmil/rewriting/pattern.ts";
import { rewrite } from "../../../plugins/rmil/rewriting/rewriter.ts";
import { STRATEGIES, type StrategyName } from "../../../plugins/rmil/rewriting/strategy.ts";
import { outcome, type Small } from "./small_evaluator.ts";
import { NAME, randomTerm } from "./small_terms.ts";

const SEEDS = 200;
const TRIES = 400;

const INPUTS: ReadonlyArray<Small> = [
  0n,
  -(2n ** 63n),
  5n,
  0,
  -0,
  -2.5,
  NaN,
  Infinity,
  { f32: 1.25 },
  { f32: -0 },
  true,
  [2, 3],
  [1n, { f32: 4 }],
];

const NAMED: ReadonlyArray<Small> = [3n, -1.5, true, { f32: 2 }, (input) => [input, 1n]];

const outcomes = (node: Expression): ReadonlyArray<string> =>
  INPUTS.flatMap((input) =>
    NAMED.flatMap((value) => [true, false].map((stage) => outcome(node, input, new Map([[NAME, value]]), stage)))
  );

/** Random bindings that a law's guards accept. */
const bindingsFor = (law: Law, draw: Random): ReadonlyMap<string, Binding> | undefined => {
  const context = matchContext();
  const bound = new Map<string, Binding>();
  for (const name of namesIn(law.left)) {
    if (name === "s") {
      bound.set(name, { k: "symbol", sym: 9 });
      continue;
    }
    const guards = law.guards.filter((guard) => guard.of === name);
    for (let attempt = 0;; attempt++) {
      if (attempt === TRIES) return undefined;
      const node = randomTerm(draw, 1 + draw.below(3));
      const isList = name === "before" || name === "after";
      bound.set(name, isList ? { k: "many", nodes: draw.below(2) === 0 ? [] : [node] } : { k: "one", node });
      if (guardsHold(guards, bound, context)) break;
    }
  }
  return bound;
};

/** Ops of the exploring laws that the small evaluator does not know: their laws are run by the interpreter's tests. */
const OUTSIDE = /^(?:gelu|silu|mish|softplus|softmax|global_pool|alibi)-/u;

for (const law of EXACT_LAWS.filter(({ name }) => !OUTSIDE.test(name))) {
  Deno.test(`law ${law.name}: ${law.statement}`, () => {
    let compared = 0;
    let valued = 0;
    for (let seed = 0; seed < SEEDS; seed++) {
      const bound = bindingsFor(law, random(`law/${law.name}/${seed}`));
      if (bound === undefined) continue;
      const left = instanceOf(law.left as Tmpl, bound)!;
      const right = instanceOf(law.right, bound)!;
      const [before, after] = [outcomes(left), outcomes(right)];
      assert.deepEqual(after, before, `seed ${seed}`);
      compared++;
      if (before.some((text) => text !== "no value")) valued++;
      if (law.shrinks) assert.ok(nodeCount(right) < nodeCount(left), "it shrinks");
    }
    assert.ok(compared >= SEEDS / 2 && valued >= SEEDS / 20, `${compared} compared, ${valued} with values`);
  });
}

/** A law that sounds right and is not: the test must see it. */
const refuted = (law: Law): boolean => {
  for (let seed = 0; seed < SEEDS; seed++) {
    const bound = bindingsFor(law, random(`false/${law.name}/${seed}`));
    if (bound === undefined) continue;
    const [left, right] = [instanceOf(law.left as Tmpl, bound)!, instanceOf(law.right, bound)!];
    if (outcomes(left).join() !== outcomes(right).join()) return true;
  }
  return false;
};

Deno.test("the laws of real numbers are refuted bit for bit, which is why they must be asked for", () => {
  assert.deepEqual(REAL_LAWS.filter((law) => !refuted(law)).map(({ name }) => name), []);
});

Deno.test("without its guards, a law that has any is refuted", () => {
  const NEED_TENSORS_OR_EFFECTS =
    /commutes$|^clamp-clamp|^par-factor|^max-self|^min-self|^cond-factor|^block-dead|-neg$/u;
  const bare = SHRINKING_LAWS.filter(({ name, guards }) => guards.length > 0 && !NEED_TENSORS_OR_EFFECTS.test(name));
  assert.ok(bare.length > 10);
  assert.deepEqual(bare.filter((law) => !refuted({ ...law, guards: [] })).map(({ name }) => name), []);
});

Deno.test("no law's template uses a name that its pattern does not bind, and no name stands twice", () => {
  const all = [...EXACT_LAWS, ...REAL_LAWS];
  assert.deepEqual(all.flatMap(unboundNames), []);
  assert.equal(new Set(all.map(({ name }) => name)).size, all.length);
  assert.ok(EXPLORING_LAWS.every(({ shrinks }) => !shrinks));
});

for (const strategy of Object.keys(STRATEGIES) as ReadonlyArray<StrategyName>) {
  Deno.test(`rewriting ${strategy} keeps every outcome, and ends within as many steps as the program has nodes`, () => {
    let fired = 0;
    for (let seed = 0; seed < SEEDS; seed++) {
      const program = randomTerm(random(`rewrite/${seed}`), 6);
      const { expression, firings, end } = rewrite(program, SHRINKING_LAWS, { strategy });
      fired += firings;
      assert.equal(end, "done");
      assert.ok(firings < nodeCount(program));
      assert.deepEqual(outcomes(expression), outcomes(program), `seed ${seed}`);
      if (strategy === "innermost" || strategy === "outermost") {
        assert.equal(rewrite(expression, SHRINKING_LAWS, { strategy }).firings, 0, `seed ${seed}: a normal form`);
      }
    }
    assert.ok(fired > SEEDS / 4, `${fired}`);
  });
}

Deno.test("saturation keeps every outcome", () => {
  let better = 0;
  for (let seed = 0; seed < SEEDS; seed++) {
    const program = randomTerm(random(`saturate/${seed}`), 5);
    const { expression, costAfter, costBefore } = optimise(program, { limits: { nodes: 600, iterations: 8 } });
    if (costAfter < costBefore) better++;
    assert.deepEqual(outcomes(expression), outcomes(program), `seed ${seed}`);
  }
  assert.ok(better > SEEDS / 8, `${better}`);
});
