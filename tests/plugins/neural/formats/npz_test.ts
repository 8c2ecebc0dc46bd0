/**
 * Tests of formats/npz.ts and formats/zip.ts: archives that NumPy wrote, and archives of our own.
 */
import assert from "node:assert/strict";
import { tensor, toNested } from "../../../../plugins/ir/library.ts";
import { inflate } from "../../../../plugins/neural/formats/inflate.ts";
import { readNpz, writeNpz } from "../../../../plugins/neural/formats/npz.ts";
import { crc32, readZip, writeZip } from "../../../../plugins/neural/formats/zip.ts";
import { fixture, survives } from "../hostile.ts";

const MANY = 1_000_000;

const refusal = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await promise;
  } catch (thrown) {
    return (thrown as Error).message;
  }
  return assert.fail("nothing was refused");
};

Deno.test("every array of an archive that NumPy saved is read: types, byte orders, Fortran order, scalars", async () => {
  const arrays = await readNpz(fixture("arrays.npz"));
  const six = [[0, 1, 2], [3, 4, 5]];
  const expected: { readonly [name: string]: readonly [string, unknown] } = {
    f64: ["f64", [[0, 0.25, 0.5], [0.75, 1, 1.25]]],
    f32: ["f32", six],
    f16: ["f16", six],
    i64: ["i64", six.map((row) => row.map((n) => BigInt(n) * -(2n ** 40n)))],
    i32: ["i32", six],
    i16: ["i16", six],
    i8: ["i8", six.map((row) => row.map((n) => 0 - n))],
    u64: ["u64", six.map((row) => row.map((n) => BigInt(n) + 2n ** 63n))],
    u32: ["u32", six],
    u16: ["u16", six],
    u8: ["u8", six],
    bool: ["bool", [[true, false, true], [false, true, false]]],
    big: ["f32", six],
    fortran: ["i32", six],
    scalar: ["f32", 7],
    vector: ["i32", [0, 1, 2]],
    cube: ["i16", [0, 1].map((i) => [0, 1, 2].map((j) => [0, 1, 2, 3].map((k) => 12 * i + 4 * j + k)))],
  };
  assert.deepEqual([...arrays.keys()].sort(), Object.keys(expected).sort());
  for (const [name, [dtype, nested]] of Object.entries(expected)) {
    assert.equal(arrays.get(name)!.dtype, dtype, name);
    assert.deepEqual(toNested(arrays.get(name)!), nested, name);
  }
});

Deno.test("an archive that NumPy compressed is read", async () => {
  const arrays = await readNpz(fixture("packed.npz"));
  assert.deepEqual(arrays.get("x")!.shape, [100, 10]);
  assert.deepEqual((toNested(arrays.get("y")!) as ReadonlyArray<bigint>).slice(0, 4), [0n, 1n, 2n, 0n]);
});

Deno.test("what is written is read back, stored and packed, and is the same every time", async () => {
  const arrays = [["a", tensor("f32", [2], [1, 2])], ["b", tensor("i64", [1], [3n])]] as const;
  for (const packed of [false, true]) {
    const bytes = await writeNpz(arrays, packed);
    assert.deepEqual([...await readNpz(bytes)], arrays.map((pair) => [...pair]));
    assert.deepEqual(await writeNpz(arrays, packed), bytes);
  }
});

Deno.test("the checksum is that of the standard's own example", () => {
  assert.equal(crc32(new TextEncoder().encode("123456789")), 0xcbf43926);
});

Deno.test("a wrong checksum, a member cut off and a size that lies are refused", async () => {
  const good = await writeZip([["a", new TextEncoder().encode("hello")]]);
  const edit = (at: number, value: number) => {
    const made = new Uint8Array(good);
    made[at] = value;
    return made;
  };
  assert.match(await refusal(readZip(edit(31, 0x48), MANY)), /checksum/u);
  const entry = 30 + 1 + 5;
  assert.match(await refusal(readZip(edit(entry + 24, 6), MANY)), /has 5 bytes and declares 6/u);
  assert.match(await refusal(readZip(edit(entry + 20, 200), MANY)), /cut off/u);
  assert.match(await refusal(readZip(edit(entry + 10, 12), MANY)), /method 12/u);
  assert.match(await refusal(readZip(edit(entry + 8, 1), MANY)), /encrypted/u);
  assert.match(await refusal(readZip(good.slice(0, -1), MANY)), /no directory/u);
});

Deno.test("two members of one name are refused", async () => {
  const bytes = await writeZip([["a", Uint8Array.of(1)], ["a", Uint8Array.of(2)]]);
  assert.match(await refusal(readZip(bytes, MANY)), /two members/u);
});

Deno.test("a bomb costs no more than the limit: at the limit it opens, one past it is refused", async () => {
  const bytes = await writeZip([["zeros", new Uint8Array(100_000)]], true);
  assert.ok(bytes.length < 1_000);
  assert.equal((await readZip(bytes, 100_000)).get("zeros")!.length, 100_000);
  assert.match(await refusal(readZip(bytes, 99_999)), /limit of 99999/u);
  // A directory that lies about the size is found out while expanding.
  const lying = new Uint8Array(bytes);
  const at = bytes.length - 22 - 46 - 5;
  new DataView(lying.buffer).setUint32(at + 24, 10, true);
  assert.match(await refusal(readZip(lying, 1_000)), /exceeds the limit of 10/u);
});

Deno.test("bytes that are no compressed stream are a failure", async () => {
  assert.match(await refusal(inflate(Uint8Array.of(1, 2, 3), "gzip", MANY, "x")), /its compressed part/u);
});

Deno.test("edited archives are taken or refused, never worse", async () => {
  await survives(fixture("arrays.npz"), 400, "npz", readNpz);
  await survives(fixture("packed.npz"), 400, "npz-packed", readNpz);
});
