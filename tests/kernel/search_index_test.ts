/**
 * Tests of kernel/search_index.ts: the formula against a hand computation, and the ways a ranking can be wrong.
 */
import assert from "node:assert/strict";
import { bm25, stem, termsOf } from "../../kernel/search_index.ts";

const one = (id: string, text: string) => ({ id, fields: [{ text, weight: 1 }] });
const ids = (hits: ReadonlyArray<{ id: string }>) => hits.map((hit) => hit.id);

Deno.test("the score of a word is the BM25 formula worked out by hand", () => {
  // Three documents of length 2, 2 and 2: length normalisation is 1, tf is 1, n = 1, N = 3.
  const index = bm25([one("a", "cat dog"), one("b", "dog fish"), one("c", "fish dog")]);
  const [hit] = index.search("cat", 5);
  assert.equal(hit.id, "a");
  const expected = Math.log(1 + (3 - 1 + 0.5) / (1 + 0.5)) * 1 * 2.2 / (1.2 + 1);
  assert.ok(Math.abs(hit.score - expected) < 1e-12);
});

Deno.test("a longer document counts the same word less", () => {
  const index = bm25([one("long", "cat one two three four five"), one("short", "cat")]);
  assert.deepEqual(ids(index.search("cat", 5)), ["short", "long"]);
});

Deno.test("a rare word outweighs a common one", () => {
  const index = bm25([one("a", "tensor zebra"), one("b", "tensor tensor"), one("c", "tensor plain")]);
  assert.equal(index.search("tensor zebra", 5)[0].id, "a");
});

Deno.test("a field with more weight wins over the same word in a lighter field", () => {
  const index = bm25([
    { id: "body", fields: [{ text: "other", weight: 3 }, { text: "verify", weight: 1 }] },
    { id: "name", fields: [{ text: "verify", weight: 3 }, { text: "other", weight: 1 }] },
  ]);
  assert.deepEqual(ids(index.search("verify", 5)), ["name", "body"]);
});

Deno.test("equal scores are ordered by id, whatever the order of the documents", () => {
  const forward = bm25([one("a", "x-ray"), one("b", "x-ray"), one("c", "x-ray")]);
  const backward = bm25([one("c", "x-ray"), one("b", "x-ray"), one("a", "x-ray")]);
  assert.deepEqual(forward.search("ray", 9), backward.search("ray", 9));
  assert.deepEqual(ids(forward.search("ray", 9)), ["a", "b", "c"]);
});

Deno.test("inflections of a word find each other", () => {
  for (
    const family of ["search searches searching searched", "program programs", "query queries", "run running runs"]
  ) {
    const stems = new Set(family.split(" ").map(stem));
    assert.equal(stems.size, 1, `${family} → ${[...stems]}`);
  }
});

Deno.test("a stem never joins two different words", () => {
  for (const [a, b] of [["class", "clasp"], ["bus", "but"], ["ring", "rate"], ["policy", "police"], ["bed", "bee"]]) {
    assert.notEqual(stem(a), stem(b), `${a} ${b}`);
  }
});

Deno.test("identifiers are split into words in every common spelling", () => {
  assert.deepEqual(termsOf("kernel.searchIndex_v2 HTTPServer"), ["kernel", "search", "index", "v2", "http", "server"]);
});

Deno.test("Chinese text is found by part of it", () => {
  const index = bm25([one("a", "检查程序的类型"), one("b", "账本校验")]);
  assert.deepEqual(ids(index.search("程序", 5)), ["a"]);
  assert.deepEqual(ids(index.search("校验", 5)), ["b"]);
});

Deno.test("a prefix of three letters finds the word, and the whole word ranks above a longer one", () => {
  const index = bm25([one("artifact", "artifact"), one("art", "art")]);
  assert.deepEqual(ids(index.search("art", 5)), ["art", "artifact"]);
  assert.deepEqual(ids(index.search("arti", 5)), ["artifact"]);
});

Deno.test("a misspelled word is repaired where nothing matches it", () => {
  const index = bm25([one("a", "manifest of plugins"), one("b", "ledger")]);
  assert.deepEqual(ids(index.search("manifets", 5)), ["a"]);
});

Deno.test("stop words do not count beside telling words, and are searched when alone", () => {
  const index = bm25([one("a", "how to be the what"), one("b", "gradient")]);
  assert.deepEqual(ids(index.search("what is the gradient", 5)), ["b"]);
  assert.deepEqual(ids(index.search("what", 5)), ["a"]);
});

Deno.test("an empty or meaningless query finds nothing", () => {
  const index = bm25([one("a", "manifest")]);
  assert.deepEqual(index.search("", 5), []);
  assert.deepEqual(index.search("   ... !!!", 5), []);
  assert.deepEqual(index.search("qqqqzzzz", 5), []);
  assert.deepEqual(bm25([]).search("manifest", 5), []);
});

Deno.test("documents that are not allowed never appear, and do not use up the limit", () => {
  const index = bm25(["a", "b", "c", "d"].map((id) => one(id, "secret plan")));
  assert.deepEqual(ids(index.search("plan", 2, (id) => id !== "a" && id !== "b")), ["c", "d"]);
});

Deno.test("words named like members of Object.prototype are ordinary words", () => {
  const index = bm25([one("a", "constructor __proto__ toString"), one("b", "other")]);
  assert.deepEqual(ids(index.search("constructor", 5)), ["a"]);
  assert.deepEqual(index.search("hasOwnProperty", 5), []);
});

Deno.test("a query of a million characters is answered within its bounds", () => {
  const index = bm25([one("a", "manifest"), one("b", "ledger")]);
  assert.deepEqual(ids(index.search("manifest " + "zq ".repeat(333_333), 5)), ["a"]);
});
