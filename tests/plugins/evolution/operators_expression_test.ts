/**
 * Tests of plugins/evolution/operators/expression.ts: whatever comes of mutation and crossover is checked again here, and
 * run where it can be; equal programs are recognised by hand-made pairs.
 */
import assert from "node:assert/strict";
import * as Effect from "effect/Effect";
import { random } from "../../../kernel/random.ts";
import {
  EXPRESSION_MUTATIONS,
  type ExpressionMutation,
  expressionVariation,
  genetic,
  isEvolutionFailure,
  MAX_EXPRESSION_NODES,
  run,
  showProgram,
} from "../../../plugins/evolution/library.ts";
import { check, nodeCount, parse, type Program, programDigest } from "../../../plugins/rmil/library.ts";
import { scalar, showType, tensor } from "../../../plugins/rmil/types.ts";

const refuses = (code: string, work: () => unknown): void =>
  assert.throws(work, (thrown: unknown) => isEvolutionFailure(thrown) && thrown.code === code, code);

const programs = (...sources: ReadonlyArray<string>) => sources.map((source) => parse(source));

const inputs = { x: tensor("f32", [8, 16]) };
const NETWORKS = programs(
  "linear(32) >> relu >> linear(4)",
  "layer_norm >> linear(16) >> res_add(identity, gelu) >> drop(0.25) >> linear(4)",
);
const numbers = { x: scalar("f64"), y: scalar("f64") };
const FORMULAS = programs("add(mul(x, y), 1.5f64)", "sub(x, abs(y))");

Deno.test("every child of networks checks, gives the seeds' type, keeps to the limit and needs no more rights", () => {
  for (const [seeds, own, type] of [[NETWORKS, inputs, "f32[8,4]"], [FORMULAS, numbers, "f64"]] as const) {
    const variation = expressionVariation({ seeds, inputs: own, nodes: 25, crossoverRate: 1 });
    const chance = random(`expressions/${type}`);
    let parents = Array.from({ length: 8 }, () => variation.random(chance));
    const seen = new Set<string>();
    for (let round = 0; round < 8; round++) {
      parents = parents.flatMap((parent, k) => variation.cross(parent, parents[(k + 1) % 8], chance).slice(0, 1))
        .map((child) => variation.mutate(child, chance));
      for (const { root, symbols } of parents) {
        const judgement = check(root, symbols, { inputs: own });
        assert.equal(showType(judgement.type), type);
        assert.deepEqual([judgement.effects, judgement.kinds.filter((kind) => kind !== "random")], [[], []]);
        assert.ok(nodeCount(root) <= 25);
        seen.add(variation.key({ root, symbols }));
      }
    }
    assert.ok(seen.size > 25, `${seen.size} kinds of program`);
  }
});

Deno.test("every kind of mutation brings something new and says its name", () => {
  const chance = random("kinds");
  for (const by of EXPRESSION_MUTATIONS) {
    const variation = expressionVariation({
      seeds: NETWORKS,
      inputs,
      mutations: [by],
      operators: ["relu", "gelu", "tanh", "layer_norm"],
    });
    const made = NETWORKS.map((seed) => variation.mutateBy!(seed, chance));
    assert.ok(made.some((child) => child.by === by), by);
    made.forEach(({ genome, by: name }, k) => {
      assert.equal(name === by, variation.key(genome) !== variation.key(NETWORKS[k]));
    });
  }
});

Deno.test("a mutant never needs an effect that no seed needs", () => {
  const seeds = programs("add(x, 1.5f64)");
  const variation = expressionVariation({
    seeds,
    inputs: numbers,
    operators: ["add", "store", "load", "send", "spawn", "neg"],
    mutations: ["operator", "insert"],
  });
  const chance = random("rights");
  let program: Program = seeds[0];
  for (let round = 0; round < 40; round++) {
    program = variation.mutate(program, chance);
    assert.deepEqual(check(program.root, program.symbols, { inputs: numbers }).effects, [], showProgram(program));
  }
});

Deno.test("names of bound variables make no other program; the exact laws join more, and only under `class`", () => {
  const [byName, byClass] = (["names", "class"] as const).map((identity) =>
    expressionVariation({ seeds: FORMULAS, inputs: numbers, identity }).key
  );
  const same = ([a, b]: ReadonlyArray<ReturnType<typeof parse>>, key: (program: typeof a) => string) =>
    key(a) === key(b);
  const renamed = programs("let a = x in add(a, y)", "let b = x in add(b, y)");
  assert.ok(same(renamed, byName) && same(renamed, byClass));
  const nested = programs("x >> identity >> neg", "x >> neg");
  assert.ok(!same(nested, byName) && same(nested, byClass));
  const different = programs("sub(x, y)", "sub(y, x)");
  assert.ok(!same(different, byName) && !same(different, byClass));
});

Deno.test("a program comes back from its JSON; what is no genome of this search is refused", () => {
  const variation = expressionVariation({ seeds: FORMULAS, inputs: numbers, nodes: 7 });
  const program = variation.random(random("json"));
  const back = variation.decode(JSON.parse(JSON.stringify(variation.encode(program))));
  assert.equal(programDigest(back), programDigest(program));
  const encoded = (source: string) => variation.encode(parse(source));
  variation.decode(encoded("add(add(add(x, y), x), y)"));
  const tooLarge = encoded("add(add(add(add(x, y), x), y), x)");
  for (const wrong of [null, "", "*", "AAAA", encoded("less(x, y)"), encoded("add(x, z)"), tooLarge]) {
    refuses("EVOLUTION_STATE", () => variation.decode(wrong));
  }
});

Deno.test("programs evolve towards the fewest nodes of their type", async () => {
  const variation = expressionVariation({ seeds: NETWORKS, inputs });
  const state = await Effect.runPromise(run(genetic({ variation, seed: 1, size: 10 }), {
    generations: 8,
    evaluate: ({ genome }) => Effect.succeed({ objectives: [nodeCount(genome.root)] }),
  }));
  // linear(4) alone: an op and its literal.
  assert.equal(state.members[0].objectives[0], 2);
  assert.match(state.members[0].edit, /^(drawn|crossed|mutated)/u);
});

Deno.test("settings that fit no seed are refused", () => {
  const seeds = FORMULAS;
  const settings = { seeds, inputs: numbers };
  expressionVariation({ ...settings, nodes: MAX_EXPRESSION_NODES });
  for (
    const wrong of [
      { seeds: [] },
      { seeds: programs("add(x, z)") },
      { seeds: programs("add(x, y)", "x >> linear(3)") },
      { nodes: 2 },
      { nodes: MAX_EXPRESSION_NODES + 1 },
      { operators: ["no_such_op"] },
      { drift: -1 },
      { crossoverRate: 2 },
      { mutations: [] as ReadonlyArray<ExpressionMutation> },
      { operators: [], mutations: ["insert"] as const },
    ]
  ) {
    refuses("EVOLUTION_SETTING", () => expressionVariation({ ...settings, ...wrong }));
  }
});
