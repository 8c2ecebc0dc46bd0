/**
 * The n-gram peer against counts by hand.
 */
import assert from "node:assert/strict";
import { random } from "../../../../kernel/random.ts";
import { NgramModel } from "../../../../plugins/neural/library.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const near = (value: number, expected: number) =>
  assert.ok(Math.abs(value - expected) < 1e-12, `${value}, not ${expected}`);

Deno.test("without contexts a byte has its share of the counts, less what the unseen ones get", () => {
  const model = new NgramModel(0);
  model.count(encode("aab"));
  // Two different bytes were seen: two of five shares go to all 256.
  near(model.probability(encode("a"), 0), (2 + 2 / 256) / 5);
  near(model.probability(encode("b"), 0), (1 + 2 / 256) / 5);
  near(model.probability(encode("z"), 0), (2 / 256) / 5);
});

Deno.test("a context's counts are mixed with those of the shorter one", () => {
  const model = new NgramModel(1);
  model.count(encode("abab"));
  const lower = (2 + 2 / 256) / 6;
  // After a came b twice and nothing else.
  near(model.probability(encode("ab"), 1), (2 + lower) / 3);
  near(model.probability(encode("aa"), 1), lower / 3);
  // After a byte that was never seen, the shorter context alone counts.
  near(model.probability(encode("xa"), 1), lower);
});

Deno.test("what costs nothing to guess costs no bits, and a first look costs eight", () => {
  near(new NgramModel(3).bitsPerByte([encode("anything")]), 8);
  const model = new NgramModel(3);
  model.count(encode("a".repeat(100_000)));
  assert.ok(model.bitsPerByte([encode("a".repeat(1000))]) < 0.01);
});

Deno.test("the probabilities of all bytes sum to one in every context", () => {
  const draws = random("ngram");
  const text = Uint8Array.from({ length: 2000 }, () => draws.below(5));
  const model = new NgramModel(3);
  model.count(text);
  for (const at of [0, 1, 2, 3, 777]) {
    let sum = 0;
    for (let byte = 0; byte < 256; byte++) sum += model.probability(text, at, byte);
    near(sum, 1);
  }
});

Deno.test("orders from 0 to 5 can be counted", () => {
  for (const order of [0, 5]) assert.equal(new NgramModel(order).order, order);
  for (const order of [-1, 6, 1.5]) assert.throws(() => new NgramModel(order), RangeError);
});
