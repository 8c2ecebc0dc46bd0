/**
 * Tests of formats/npy.ts: files that NumPy wrote are read, and what is written is what NumPy writes.
 */
import assert from "node:assert/strict";
import { tensor, toNested } from "../../../../plugins/ir/library.ts";
import { MAX_NPY_HEADER, readNpy, writeNpy } from "../../../../plugins/neural/formats/npy.ts";
import { readZip } from "../../../../plugins/neural/formats/zip.ts";
import { codeOf, fixture, messageOf, survives, USUAL_DTYPES } from "../hostile.ts";

const SIX: ReadonlyArray<ReadonlyArray<number>> = [[0, 1, 2], [3, 4, 5]];

const npy = (header: string, data: Uint8Array, version = 1): Uint8Array => {
  const length = header.length;
  const size = version === 1 ? [length & 255, length >> 8] : [length & 255, length >> 8, 0, 0];
  return Uint8Array.of(
    0x93,
    ...new TextEncoder().encode("NUMPY"),
    version,
    0,
    ...size,
    ...new TextEncoder().encode(header),
    ...data,
  );
};

const GOOD = "{'descr': '<i4', 'fortran_order': False, 'shape': (2,), }\n";
const TWO = Uint8Array.of(1, 0, 0, 0, 2, 0, 0, 0);

Deno.test("versions 2 and 3 as NumPy wrote them are read", () => {
  for (const name of ["version2.npy", "version3.npy"]) {
    const read = readNpy(fixture(name));
    assert.equal(read.dtype, "f32");
    assert.deepEqual(toNested(read), SIX);
  }
});

Deno.test("a header is read as NumPy writes it, and with other spaces and order of members", () => {
  for (
    const header of [
      GOOD,
      "{'shape':(2,),'descr':'<i4','fortran_order':False}",
      " { 'fortran_order' : False , 'shape' : ( 2 , ) , 'descr' : '<i4' } ",
    ]
  ) {
    assert.deepEqual(toNested(readNpy(npy(header, TWO))), [1, 2]);
  }
});

Deno.test("what is written is byte for byte what NumPy wrote", async () => {
  const members = await readZip(fixture("arrays.npz"), 1_000_000);
  for (const [name, made] of [["vector", tensor("i32", [3], [0, 1, 2])], ["scalar", tensor("f32", [], [7])]] as const) {
    assert.deepEqual(writeNpy(made), members.get(`${name}.npy`));
  }
  const six = [0, 1, 2, 3, 4, 5];
  for (const dtype of ["f32", "f16", "i16", "u32", "u8"] as const) {
    assert.deepEqual(writeNpy(tensor(dtype, [2, 3], six)), members.get(`${dtype}.npy`), dtype);
  }
  assert.deepEqual(writeNpy(tensor("bool", [2, 3], [1, 0, 1, 0, 1, 0])), members.get("bool.npy"));
});

Deno.test("every element type that NumPy has comes back as it was", () => {
  for (const dtype of USUAL_DTYPES) {
    const made = tensor(dtype, [2, 2], [0, 1, 1, 0]);
    assert.deepEqual(readNpy(writeNpy(made)), made);
  }
  for (const shape of [[], [0], [1, 1], [2, 0, 3]]) {
    const made = tensor("f32", shape, Array(shape.reduce((a, b) => a * b, 1)).fill(1.5));
    assert.deepEqual(readNpy(writeNpy(made)), made);
  }
});

Deno.test("an element type that NumPy has not is refused", () => {
  assert.equal(codeOf(() => writeNpy(tensor("bf16", [1], [1]))), "NEURAL_DATA_MALFORMED");
});

Deno.test("each way to be wrong is refused and named", () => {
  const cases: ReadonlyArray<readonly [Uint8Array, RegExp]> = [
    [new TextEncoder().encode("PK"), /does not begin/u],
    [npy(GOOD, TWO, 9), /version 9/u],
    [npy(GOOD, TWO.subarray(0, 7)), /takes 8 bytes, and 7 follow/u],
    [npy(GOOD, Uint8Array.of(...TWO, 0)), /takes 8 bytes, and 9 follow/u],
    [npy(GOOD.replace("<i4", "|O"), TWO), /element type \|O/u],
    [npy(GOOD.replace("<i4", "<U1"), TWO), /element type <U1/u],
    [npy(GOOD.replace("(2,)", "(-2,)"), TWO), /no dictionary of/u],
    [npy(GOOD.replace("(2,)", "(9007199254740993,)"), TWO), /whole number/u],
    [npy(GOOD.replace("'shape': (2,)", "'shape': (2,), 'shape': (2,)"), TWO), /twice/u],
    [npy(GOOD.replace("'fortran_order': False, ", ""), TWO), /its members are/u],
    [npy(GOOD.replace("False", "__import__('os')"), TWO), /no dictionary of/u],
    [npy(GOOD.replace("(2,)", `(${"1, ".repeat(17)})`), TWO), /17 axes/u],
    [npy(GOOD.replace("<i4", "|b1"), Uint8Array.of(1, 2)), /truth value/u],
  ];
  for (const [bytes, says] of cases) assert.match(messageOf(() => readNpy(bytes)), says);
});

Deno.test("a header at the limit is read, and one past it refused", () => {
  const wide = (length: number) => {
    const header = GOOD.trimEnd().padEnd(length);
    return Uint8Array.of(
      0x93,
      ...new TextEncoder().encode("NUMPY"),
      2,
      0,
      length & 255,
      (length >> 8) & 255,
      length >> 16,
      0,
      ...new TextEncoder().encode(header),
      ...TWO,
    );
  };
  assert.deepEqual(toNested(readNpy(wide(MAX_NPY_HEADER))), [1, 2]);
  assert.match(messageOf(() => readNpy(wide(MAX_NPY_HEADER + 1))), /header of 65537 bytes/u);
});

Deno.test("a declared size of terabytes makes nothing", () => {
  assert.match(
    messageOf(() => readNpy(npy(GOOD.replace("(2,)", "(1000000, 1000000)"), TWO))),
    /takes 4000000000000 bytes/u,
  );
});

Deno.test("edited files are taken or refused, never worse", () =>
  survives(fixture("version2.npy"), 2_000, "npy", readNpy));
