/**
 * Tests of formats/idx.ts by files written out by hand from the published format.
 */
import assert from "node:assert/strict";
import { toNested } from "../../../../plugins/ir/library.ts";
import { MAX_IDX_RANK, readIdx } from "../../../../plugins/neural/formats/idx.ts";
import { messageOf, survives } from "../hostile.ts";

const BYTES = Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 255);

Deno.test("bytes of two axes are read", () => {
  assert.deepEqual(toNested(readIdx(BYTES)), [[1, 2, 3], [4, 5, 255]]);
});

Deno.test("wider elements are big-endian", () => {
  assert.deepEqual(toNested(readIdx(Uint8Array.of(0, 0, 0x0b, 1, 0, 0, 0, 2, 0xff, 0xfe, 1, 0))), [-2, 256]);
  assert.deepEqual(toNested(readIdx(Uint8Array.of(0, 0, 0x0d, 1, 0, 0, 0, 1, 0x3f, 0xc0, 0, 0))), [1.5]);
});

Deno.test("each way to be wrong is refused and named", () => {
  const edit = (at: number, value: number) => BYTES.with(at, value) as Uint8Array;
  assert.match(messageOf(() => readIdx(edit(0, 1))), /two zeros/u);
  assert.match(messageOf(() => readIdx(edit(2, 7))), /element type 7/u);
  assert.match(messageOf(() => readIdx(edit(7, 3))), /take 9 bytes, and 6 follow/u);
  assert.match(messageOf(() => readIdx(edit(4, 255))), /bytes, and 6 follow/u);
  assert.match(messageOf(() => readIdx(BYTES.subarray(0, 9))), /cut off/u);
  assert.match(messageOf(() => readIdx(new Uint8Array())), /two zeros/u);
});

Deno.test("as many axes as the limit are read, one more refused", () => {
  const of = (rank: number) => Uint8Array.of(0, 0, 8, rank, ...Array(rank).fill([0, 0, 0, 1]).flat(), 9);
  assert.equal(readIdx(of(MAX_IDX_RANK)).shape.length, MAX_IDX_RANK);
  assert.match(messageOf(() => readIdx(of(MAX_IDX_RANK + 1))), /more than 8/u);
});

Deno.test("edited files are taken or refused, never worse", () => survives(BYTES, 1_000, "idx", readIdx));
