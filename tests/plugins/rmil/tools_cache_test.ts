import assert from "node:assert/strict";
import { random } from "../../../kernel/mod.ts";
import { app, type Expression, lit, nodeCount, ref, seq, withChildren } from "../../../plugins/rmil/expression.ts";
import { Symbols } from "../../../plugins/rmil/symbols.ts";
import { SubExpressionCache } from "../../../plugins/rmil/tools/cache.ts";
import { i64 } from "../../../plugins/rmil/value.ts";
import { mutated, table, tree } from "./tools_trees.ts";

const symbols = table();
const ADD = 0x0600;
const one = lit(i64(1));
const count = (_: Expression, parts: ReadonlyArray<number>): number => parts.reduce((sum, part) => sum + part, 1);
const cacheOf = (maxEntries?: number) => new SubExpressionCache<number>({ pass: "count", version: 1, maxEntries });

Deno.test("a result is the same with and without the cache, over a thousand edits", () => {
  const draw = random("cache");
  const cache = new SubExpressionCache<number>({ pass: "count", version: 1, maxEntries: 50 });
  let root = tree(draw, 60);
  for (let round = 0; round < 1000; round++) {
    root = round % 50 === 0 ? tree(draw, 60) : mutated(draw, root);
    assert.equal(cache.compute({ symbols: table(), root }, count), nodeCount(root));
    assert.ok(cache.stats.entries <= 50);
  }
  assert.ok(cache.stats.hits > 0 && cache.stats.evicted > 0);
});

Deno.test("after an edit only the changed spine is done again", () => {
  const chain = (first: number) =>
    Array.from({ length: 100 }, (_, index) => app(ADD, [lit(i64(index === 0 ? first : index)), one])).reduce(seq);
  const cache = cacheOf();
  let steps = 0;
  const counted = (node: Expression, parts: ReadonlyArray<number>) => (steps++, count(node, parts));
  cache.compute({ symbols, root: chain(500) }, counted);
  steps = 0;
  // The last stage changes: its literal, itself and the pipeline's last node.
  const root = chain(500);
  const last = withChildren(root, [root.children[0], app(ADD, [lit(i64(9999)), one])]);
  assert.equal(cache.compute({ symbols, root: last }, counted), nodeCount(last));
  assert.equal(steps, 3);
  assert.ok(cache.stats.nodesSaved >= nodeCount(root) - 4);
});

Deno.test("equal trees made apart share one result, equal names in other tables too", () => {
  const cache = cacheOf();
  cache.compute({ symbols: Symbols.of(["x", "y"]), root: app(ADD, [ref(2), one]) }, count);
  const misses = cache.stats.misses;
  cache.compute({ symbols: Symbols.of(["y"]), root: app(ADD, [ref(1), one]) }, count);
  assert.equal(cache.stats.misses, misses);
  cache.compute({ symbols: Symbols.of(["x", "y"]), root: app(ADD, [ref(1), one]) }, count);
  assert.equal(cache.stats.misses, misses + 2, "another name is another tree");
});

Deno.test("another context or another version never answers", () => {
  const cache = cacheOf();
  const program = { symbols, root: one };
  assert.equal(cache.compute(program, () => 1, "inputs f32"), 1);
  assert.equal(cache.compute(program, () => 2, "inputs f64"), 2);
  assert.equal(cache.compute(program, () => 3, "inputs f32"), 1);
});

Deno.test("the least recently used result goes first, and only it", () => {
  const cache = cacheOf(2);
  const done: Array<string> = [];
  const use = (n: number) =>
    cache.compute({ symbols, root: lit(i64(n)) }, () => {
      done.push(`${n}`);
      return n;
    });
  use(1);
  use(2);
  use(1);
  use(3); // 2 goes
  use(1);
  use(2); // 3 goes
  use(1);
  use(3);
  assert.deepEqual(done, ["1", "2", "3", "2", "3"]);
  assert.equal(cache.stats.entries, 2);
  assert.equal(cache.stats.evicted, 3);
});

Deno.test("the same calls leave the same cache", () => {
  const run = () => {
    const draw = random("same");
    const cache = cacheOf(20);
    for (let round = 0; round < 100; round++) cache.compute({ symbols: table(), root: tree(draw, 20) }, count);
    return cache.stats;
  };
  assert.deepEqual(run(), run());
});

Deno.test("weight stays within its limit, and what could never stay pushes nothing out", () => {
  const cache = new SubExpressionCache<string>({
    pass: "text",
    version: 1,
    maxWeight: 10,
    weigh: (text) => text.length,
  });
  const use = (n: number, text: string) => cache.compute({ symbols, root: lit(i64(n)) }, () => text);
  use(1, "aaaaa");
  use(2, "bbbbb");
  assert.equal(cache.stats.weight, 10);
  use(3, "c".repeat(11));
  assert.deepEqual([cache.stats.entries, cache.stats.weight], [2, 10]);
  use(4, "d");
  assert.deepEqual([cache.stats.entries, cache.stats.weight], [2, 6]);
});

Deno.test("counters and ratio, and clear forgets both", () => {
  const cache = cacheOf();
  assert.equal(cache.hitRatio, 0);
  cache.compute({ symbols, root: one }, count);
  cache.compute({ symbols, root: one }, count);
  assert.equal(cache.hitRatio, 0.5);
  cache.clear();
  assert.deepEqual([cache.hitRatio, cache.stats.entries, cache.stats.weight], [0, 0, 0]);
});
