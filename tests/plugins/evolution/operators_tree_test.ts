/**
 * Tests of plugins/evolution/operators/tree.ts: types, depths and sizes of all that comes out, counted by hand, and what
 * each operator may and may not do.
 */
import assert from "node:assert/strict";
import { random } from "../../../kernel/random.ts";
import {
  foldTree,
  isEvolutionFailure,
  MAX_TREE_DEPTH,
  showTree,
  type Tree,
  TREE_MUTATIONS,
  treeDepth,
  type TreeMutation,
  type TreeSettings,
  treeSize,
  type TreeSymbol,
  treeVariation,
} from "../../../plugins/evolution/library.ts";

const refuses = (code: string, work: () => unknown): void =>
  assert.throws(work, (thrown: unknown) => isEvolutionFailure(thrown) && thrown.code === code, code);

/** Numbers and truths: a tree that mixes them up does not fold. */
const SYMBOLS: ReadonlyArray<TreeSymbol> = [
  { name: "add", result: "number", operands: ["number", "number"] },
  { name: "mul", result: "number", operands: ["number", "number"] },
  { name: "neg", result: "number", operands: ["number"] },
  { name: "if", result: "number", operands: ["truth", "number", "number"] },
  { name: "less", result: "truth", operands: ["number", "number"] },
  { name: "not", result: "truth", operands: ["truth"] },
  { name: "x", result: "number" },
  { name: "c", result: "number", constant: [-2, 2] },
];
const TYPES = new Map(SYMBOLS.map((symbol) => [symbol.name, symbol]));

/** The type of a tree by its symbols alone; throws where an operand is of another type or number. */
const typeOf = (tree: Tree): string =>
  foldTree<string>(tree, ({ name, value }, operands) => {
    const { result, operands: wanted = [], constant } = TYPES.get(name)!;
    assert.deepEqual(operands, wanted, showTree(tree));
    if (constant === undefined) assert.equal(value, undefined);
    else assert.ok(value! >= constant[0] && value! <= constant[1]);
    return result;
  });

const leaf = (name: string, value?: number): Tree => ({
  name,
  ...(value === undefined ? {} : { value }),
  operands: [],
});
const node = (name: string, ...operands: ReadonlyArray<Tree>): Tree => ({ name, operands });

const settings = (more: Partial<TreeSettings> = {}): TreeSettings => ({ symbols: SYMBOLS, result: "number", ...more });

Deno.test("size and depth count nodes and levels", () => {
  const tree = node("add", node("neg", leaf("x")), leaf("c", 1.5));
  assert.equal(treeSize(tree), 4);
  assert.equal(treeDepth(tree), 3);
  assert.equal(showTree(tree), "add(neg(x), c:1.5)");
});

Deno.test("whatever is drawn, crossed or mutated is typed and within depth and size", () => {
  const chance = random("trees");
  for (const [depth, nodes] of [[1, 1], [3, 9], [5, 20], [8, 200]]) {
    const variation = treeVariation(settings({ depth, nodes, mutationRate: 1, crossoverRate: 1 }));
    let parents = Array.from({ length: 20 }, () => variation.random(chance));
    for (let round = 0; round < 15; round++) {
      parents = parents.flatMap((own, k) => variation.cross(own, parents[(k + 1) % 20], chance).slice(0, 1))
        .map((child) => variation.mutate(child, chance));
      for (const tree of parents) {
        assert.equal(typeOf(tree), "number");
        assert.ok(treeDepth(tree) <= depth && treeSize(tree) <= nodes, `${showTree(tree)} within ${depth}, ${nodes}`);
      }
    }
    if (depth > 1) assert.ok(new Set(parents.map(variation.key)).size > 5, "a population does not collapse");
  }
});

Deno.test("half of the trees drawn are full: every way down ends at the depth that was asked", () => {
  const symbols = SYMBOLS.filter(({ name }) => ["add", "x"].includes(name));
  const variation = treeVariation({ symbols, result: "number", drawn: [4, 4] });
  const chance = random("full");
  const full = Array.from({ length: 400 }, () => treeSize(variation.random(chance)) === 15).filter(Boolean).length;
  // A grown tree is full with chance 2^−7.
  assert.ok(full > 160 && full < 245, String(full));
});

Deno.test("crossover exchanges two subtrees and nothing else", () => {
  const variation = treeVariation(settings({ crossoverRate: 1 }));
  const chance = random("cross");
  for (let round = 0; round < 200; round++) {
    const [a, b] = [variation.random(chance), variation.random(chance)];
    const [first, second] = variation.cross(a, b, chance);
    assert.equal(treeSize(first) + treeSize(second), treeSize(a) + treeSize(b));
    const leaves = (trees: ReadonlyArray<Tree>) =>
      trees.flatMap((tree) =>
        foldTree<ReadonlyArray<string>>(tree, ({ name, value }, own) => [`${name}${value ?? ""}`, ...own.flat()])
      ).sort();
    assert.deepEqual(leaves([first, second]), leaves([a, b]));
  }
});

Deno.test("parents whose every exchange is too deep come back as they are", () => {
  const chain = (length: number): Tree => length === 1 ? leaf("x") : node("neg", chain(length - 1));
  const symbols = SYMBOLS.filter(({ name }) => ["neg", "x"].includes(name));
  const variation = treeVariation({ symbols, result: "number", depth: 4, crossoverRate: 1 });
  const chance = random("deep");
  for (let round = 0; round < 50; round++) {
    for (const child of variation.cross(chain(4), chain(4), chance)) assert.ok(treeDepth(child) <= 4);
  }
});

Deno.test("hoist shrinks, point keeps the shape, subtree keeps what is outside; each says its name", () => {
  const chance = random("mutations");
  const shapeOf = (tree: Tree): string => foldTree<string>(tree, (_, own) => `(${own.join("")})`);
  const seen = new Set<string>();
  for (const by of TREE_MUTATIONS) {
    const variation = treeVariation(settings({ mutations: [by], mutationRate: 1, drawn: [3, 4] }));
    for (let round = 0; round < 200; round++) {
      const parent = variation.random(chance);
      const { genome, by: name } = variation.mutateBy!(parent, chance);
      assert.equal(name, by);
      if (variation.key(genome) !== variation.key(parent)) seen.add(by);
      if (by === "hoist") assert.ok(genome === parent || treeSize(genome) < treeSize(parent));
      if (by === "point") assert.equal(shapeOf(genome), shapeOf(parent));
    }
  }
  assert.equal(seen.size, TREE_MUTATIONS.length);
});

Deno.test("a rate of zero changes nothing", () => {
  const variation = treeVariation(settings({ mutationRate: 0, crossoverRate: 0 }));
  const chance = random("none");
  const [a, b] = [variation.random(chance), variation.random(chance)];
  assert.equal(variation.mutate(a, chance), a);
  assert.deepEqual(variation.cross(a, b, chance), [a, b]);
});

Deno.test("a tree's JSON gives it back, and JSON that is no such tree is refused", () => {
  const variation = treeVariation(settings({ depth: 4, nodes: 5 }));
  const chance = random("json");
  for (let round = 0; round < 50; round++) {
    const tree = variation.random(chance);
    assert.deepEqual(variation.decode(JSON.parse(JSON.stringify(variation.encode(tree)))), tree);
  }
  const x = { name: "x" };
  const neg = (operand: unknown) => ({ name: "neg", operands: [operand] });
  assert.equal(treeDepth(variation.decode(neg(neg(neg(x))) as never)), 4);
  const add = (a: unknown, b: unknown) => ({ name: "add", operands: [a, b] });
  assert.equal(treeSize(variation.decode(add(neg(x), neg(x)) as never)), 5);
  for (
    const wrong of [
      null,
      { name: "y" },
      { name: "less", operands: [x, x] },
      { name: "neg", operands: [] },
      { name: "neg", operands: [{ name: "not", operands: [x] }] },
      { name: "c" },
      { name: "c", value: 3 },
      { name: "x", value: 1 },
      neg(neg(neg(neg(x)))),
      add(neg(neg(x)), neg(x)),
    ]
  ) {
    refuses("EVOLUTION_STATE", () => variation.decode(wrong as never));
  }
});

Deno.test("settings of which no tree can be made are refused", () => {
  treeVariation(settings({ depth: 1, nodes: 1 }));
  treeVariation(settings({ depth: MAX_TREE_DEPTH }));
  // A truth needs two levels and three nodes.
  treeVariation(settings({ result: "truth", depth: 2, nodes: 3 }));
  for (
    const wrong of [
      { depth: 0 },
      { depth: MAX_TREE_DEPTH + 1 },
      { nodes: 0 },
      { result: "truth", depth: 1 },
      { result: "truth", nodes: 2 },
      { result: "colour" },
      { symbols: [] },
      { symbols: [{ name: "loop", result: "number", operands: ["number"] }] },
      { symbols: [...SYMBOLS, SYMBOLS[0]] },
      { symbols: [{ name: "c", result: "number", constant: [1, 0] as const }] },
      { drawn: [3, 2] as const },
      { drawn: [2, 9] as const },
      { mutations: [] as ReadonlyArray<TreeMutation> },
      { mutationRate: 2 },
    ]
  ) {
    refuses("EVOLUTION_SETTING", () => treeVariation(settings(wrong)));
  }
});
