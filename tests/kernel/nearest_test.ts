/**
 * Tests of kernel/nearest.ts: the distance against a plain recursive definition, and what must and must not be offered.
 */
import assert from "node:assert/strict";
import { random } from "../../kernel/random.ts";
import { editDistance, MAX_NAME_LENGTH, nearest } from "../../kernel/nearest.ts";

/** Optimal string alignment by its recursive definition. */
const judge = (a: string, b: string): number => {
  const memo = new Map<string, number>();
  const walk = (i: number, j: number): number => {
    if (i === 0 || j === 0) return i + j;
    const key = `${i},${j}`;
    const known = memo.get(key);
    if (known !== undefined) return known;
    const options = [walk(i - 1, j) + 1, walk(i, j - 1) + 1, walk(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)];
    if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) options.push(walk(i - 2, j - 2) + 1);
    const best = Math.min(...options);
    memo.set(key, best);
    return best;
  };
  return walk(a.length, b.length);
};

Deno.test("the distance agrees with its recursive definition, and stops at the limit", () => {
  const draw = random("nearest");
  const word = () => Array.from({ length: draw.below(8) }, () => draw.pick(["a", "b", "c"])).join("");
  for (let i = 0; i < 3000; i++) {
    const [a, b, limit] = [word(), word(), draw.below(6)];
    assert.equal(editDistance(a, b, limit), Math.min(judge(a, b), limit + 1), `${a} ${b} ${limit}`);
  }
});

const IDS = ["kernel.describe", "kernel.manifest", "kernel.search", "ledger.verify", "rmil.check", "rmil.run"];

Deno.test("a misspelled id finds the id", () => {
  for (
    const [wrong, right] of [
      ["kernel.serach", "kernel.search"],
      ["kernel.serch", "kernel.search"],
      ["KERNEL.SEARCH", "kernel.search"],
      ["kernel search", "kernel.search"],
      ["kernel-search", "kernel.search"],
      ["kernelSearch", "kernel.search"],
      ["kernelsearch", "kernel.search"],
      ["search", "kernel.search"],
      ["verify", "ledger.verify"],
      ["verify.ledger", "ledger.verify"],
      ["rmi.check", "rmil.check"],
      ["kernel.manifst", "kernel.manifest"],
    ]
  ) assert.equal(nearest(wrong, IDS, 3)[0], right, wrong);
});

Deno.test("the same name in another case comes before a different name", () => {
  assert.equal(nearest("Name", ["fame", "name", "NAME"], 3)[0], "name");
});

Deno.test("nothing is offered for a name unlike all of them", () => {
  for (const wrong of ["teapot", "", "   ", "x", "zzzzzzzzzzzz"]) assert.deepEqual(nearest(wrong, IDS, 3), [], wrong);
});

Deno.test("ties are ordered by name, doubles count once, and the limit holds", () => {
  assert.deepEqual(nearest("cat", ["cut", "bat", "car", "bat"], 2), ["bat", "car"]);
});

Deno.test("names of the greatest length are compared and longer ones are not", () => {
  const long = "a".repeat(MAX_NAME_LENGTH);
  assert.deepEqual(nearest(long.slice(1) + "b", [long], 1), [long]);
  assert.deepEqual(nearest(long + "b", [long], 1), []);
  assert.deepEqual(nearest(long, [long + "b"], 1), []);
});
