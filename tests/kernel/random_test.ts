import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { type Random, random, resumeRandom } from "../../kernel/mod.ts";

const draw = (stream: Random, count: number): ReadonlyArray<number> => Array.from({ length: count }, stream.uint32);

/** sfc32 as its author published it (PractRand), written a second time with big integers. */
const sfc32Judge = (seed: string, count: number): ReadonlyArray<number> => {
  const hash = createHash("sha256").update(`rmi-random/1\n${seed}`).digest();
  let [a, b, c] = [0, 4, 8].map((at) => BigInt(hash.readUInt32BE(at)));
  let counter = 1n;
  const word = (value: bigint): bigint => value & 0xffffffffn;
  const next = (): bigint => {
    const result = word(a + b + counter);
    counter = word(counter + 1n);
    a = b ^ (b >> 9n);
    b = word(c + (c << 3n));
    c = word(word((c << 21n) | (c >> 11n)) + result);
    return result;
  };
  for (let round = 0; round < 12; round++) next();
  return Array.from({ length: count }, () => Number(next()));
};

Deno.test("the stream is sfc32 seeded by SHA-256 of its label", () => {
  for (const seed of ["1", "a/b", "中文", ""]) assert.deepEqual(draw(random(seed), 200), sfc32Judge(seed, 200));
  assert.deepEqual(draw(random(1).split("x").split(2), 50), sfc32Judge("1/x/2", 50));
});

Deno.test("the same seed gives the same stream, another seed another", () => {
  assert.deepEqual(draw(random(7), 100), draw(random("7"), 100));
  assert.notDeepEqual(draw(random(7), 4), draw(random(8), 4));
});

Deno.test("drawing from a stream does not disturb its children, nor children their siblings", () => {
  const parent = random("parent");
  const before = draw(parent.split("child"), 20);
  draw(parent, 1000);
  draw(parent.split("sibling"), 1000);
  assert.deepEqual(draw(parent.split("child"), 20), before);
  assert.notDeepEqual(draw(parent.split("sibling"), 20), before);
  const untouched = random("parent");
  untouched.split("child").uint32();
  assert.deepEqual(draw(untouched, 5), draw(random("parent"), 5));
});

Deno.test("a saved stream resumes exactly, also through JSON", () => {
  const stream = random("save");
  draw(stream, 37);
  const state = JSON.parse(JSON.stringify(stream.save()));
  const ahead = draw(stream, 50);
  const resumed = resumeRandom(state);
  assert.deepEqual(draw(resumed, 50), ahead);
  assert.equal(resumed.label, "save");
  assert.deepEqual(draw(resumed.split("x"), 5), draw(stream.split("x"), 5));
});

/** Pearson's statistic of counts against an even spread. */
const chiSquare = (counts: ReadonlyArray<number>): number => {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
};

/** Bound that an even spread exceeds about once in a million: mean plus 5 standard deviations. */
const bound = (cells: number): number => (cells - 1) + 5 * Math.sqrt(2 * (cells - 1));

Deno.test("numbers below a limit are even, in range, and reach both ends", () => {
  for (const limit of [1, 2, 3, 6, 7, 10, 100, 255]) {
    const stream = random(`below-${limit}`);
    const counts = new Array<number>(limit).fill(0);
    for (let count = 0; count < limit * 200; count++) counts[stream.below(limit)]++;
    assert(counts.every((count) => count > 0), `limit ${limit} never reached`);
    assert(chiSquare(counts) <= bound(limit), `limit ${limit}: ${chiSquare(counts)}`);
  }
});

Deno.test("a limit at 2^32 is accepted, one past it, zero, fractions and NaN are refused", () => {
  const value = random(1).below(4294967296);
  assert(Number.isSafeInteger(value) && value >= 0 && value < 4294967296);
  for (const limit of [4294967297, 0, -1, 1.5, NaN, Infinity]) assert.throws(() => random(1).below(limit), RangeError);
});

Deno.test("a limit just above a power of two is not biased", () => {
  // Taking the remainder of a 32-bit word would give the lower half twice the weight.
  const limit = 3 * 2 ** 30;
  const stream = random("bias");
  const counts = [0, 0, 0];
  for (let count = 0; count < 30_000; count++) counts[Math.floor(stream.below(limit) / 2 ** 30)]++;
  assert(chiSquare(counts) <= bound(3), `${counts}`);
});

Deno.test("floats are in [0, 1), even, and use all 53 bits", () => {
  const stream = random("float");
  const counts = new Array<number>(64).fill(0);
  const last = new Set<number>();
  for (let count = 0; count < 20_000; count++) {
    const value = stream.float();
    assert(value >= 0 && value < 1);
    counts[Math.floor(value * 64)]++;
    last.add(Number(BigInt(value * 2 ** 53) % 4n));
  }
  assert(chiSquare(counts) <= bound(64));
  assert.equal(last.size, 4);
});

Deno.test("normal deviates have mean 0, variance 1, no skew, and kurtosis 3", () => {
  const stream = random("normal");
  const count = 40_000;
  const values = Array.from({ length: count }, stream.normal);
  const moment = (power: number): number => values.reduce((sum, value) => sum + value ** power, 0) / count;
  // Five standard errors of each moment of a normal distribution.
  assert(Math.abs(moment(1)) < 5 / Math.sqrt(count));
  assert(Math.abs(moment(2) - 1) < 5 * Math.sqrt(2 / count));
  assert(Math.abs(moment(3)) < 5 * Math.sqrt(15 / count));
  assert(Math.abs(moment(4) - 3) < 5 * Math.sqrt(96 / count));
  assert(values.every(Number.isFinite));
});

Deno.test("a shuffle keeps the items, leaves its argument, and reaches every order evenly", () => {
  const stream = random("shuffle");
  const items = [1, 2, 3, 4];
  const orders = new Map<string, number>();
  for (let count = 0; count < 24 * 300; count++) {
    const order = stream.shuffle(items);
    assert.deepEqual([...order].sort(), items);
    orders.set(order.join(), (orders.get(order.join()) ?? 0) + 1);
  }
  assert.deepEqual(items, [1, 2, 3, 4]);
  assert.equal(orders.size, 24);
  assert(chiSquare([...orders.values()]) <= bound(24));
});
