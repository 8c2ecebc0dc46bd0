/**
 * Files that cannot be learned from: every way to be wrong is a typed failure in the terms of the call.
 */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import type { Failure } from "../../../../kernel/mod.ts";
import { columnsOf } from "../../../../plugins/evolution/tables/columns.ts";
import { askedOf, isTable, tableSource } from "../../../../plugins/evolution/tables/source.ts";
import { memoryFiles, openData, type TablePlan } from "../../../../plugins/neural/library.ts";

type Given = { readonly data: string; readonly target?: string; readonly task?: "classification" | "regression" };

const open = (bytes: Uint8Array | string, given: Given = { data: "rows.csv" }) =>
  openData(
    tableSource({ path: given.data }, given),
    memoryFiles({ "rows.csv": typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes }),
  );

const refused = (bytes: Uint8Array | string, given: Given = { data: "rows.csv" }): Promise<Failure> =>
  Effect.runPromise(
    Effect.map(Effect.flip(open(bytes, given)), (failure) => askedOf(failure as unknown as Failure, given)),
  );

const rows = (count: number) =>
  ["width,height,kind", ...Array.from({ length: count }, (_, i) => `${i * i % 7},${i % 5},${i % 2 ? "a" : "b"}`)]
    .join("\n");

const CASES: ReadonlyArray<readonly [what: string, bytes: Uint8Array | string, code: string, says: RegExp]> = [
  ["an empty file", "", "NEURAL_DATA_MALFORMED", /there is no record/u],
  ["a header alone", "a,b,c\n", "NEURAL_DATA_MALFORMED", /there are none/u],
  ["one row", rows(1), "NEURAL_DATA_FORMAT", /1 of its rows has an answer in "kind"/u],
  ["one row too few", rows(9), "NEURAL_DATA_FORMAT", /at least 10 are needed/u],
  ["a column without any value", rows(20).replaceAll(/,[ab]$/gmu, ","), "NEURAL_DATA_VALUES", /"kind": it is empty/u],
  ["one class", rows(20).replaceAll(/,b$/gmu, ",a"), "NEURAL_DATA_VALUES", /all its values are the same/u],
  ["a ragged row", `${rows(20)}\n1,2\n`, "NEURAL_DATA_MALFORMED", /record 22: it has 2 fields, and the first has 3/u],
  ["an open quote", `${rows(20)}\n"1,2,a`, "NEURAL_DATA_MALFORMED", /not closed/u],
  ["a name twice", rows(20).replace("height", "width"), "NEURAL_DATA_MALFORMED", /two columns are named "width"/u],
  ["a picture", Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0), "NEURAL_DATA_MALFORMED", /binary/u],
  [
    "text in UTF-16",
    new Uint8Array(new Uint16Array([..."a,b\n1,2"].map((c) => c.charCodeAt(0))).buffer),
    "NEURAL_DATA_MALFORMED",
    /zero byte/u,
  ],
  ["text in Latin-1", Uint8Array.of(97, 44, 98, 10, 0xe9, 44, 49), "NEURAL_DATA_MALFORMED", /not UTF-8/u],
  ["a field that is too long", `a,b\n${"x".repeat(1_048_577)},1`, "NEURAL_DATA_LIMIT", /1048576/u],
  ["too many columns", `${"a".repeat(1)}${",b".repeat(16_384)}\n`, "NEURAL_DATA_LIMIT", /16384/u],
];

for (const [what, bytes, code, says] of CASES) {
  Deno.test(`${what} is refused and says why`, async () => {
    const failure = await refused(bytes, { data: "rows.csv" });
    assert.equal(failure.code, code, failure.message);
    assert.match(failure.message, says);
  });
}

Deno.test("a misspelled target names the nearest columns, and its patch edits the member that the caller gave", async () => {
  const failure = await refused(rows(20), { data: "rows.csv", target: "knid" });
  assert.deepEqual([failure.code, failure.path], ["NEURAL_DATA_COLUMN", "/target"]);
  assert.deepEqual(failure.fix?.patch, [{ op: "replace", path: "/target", value: "kind" }]);
  assert.deepEqual((await refused(rows(20), { data: "absent.csv" })).path, "/data");
  assert.deepEqual((await refused(rows(20), { data: "rows.csv", target: "kind", task: "regression" })).path, "/task");
});

Deno.test("a table is made fit where the caller settles nothing else; other data are as they are", () => {
  assert.deepEqual(tableSource({ path: "a.csv" }), { path: "a.csv", prepare: true });
  assert.deepEqual(tableSource({ path: "a.TSV.gz" }, { target: "y" }), {
    path: "a.TSV.gz",
    prepare: true,
    target: "y",
  });
  assert.deepEqual(tableSource({ path: "a.csv", scale: "normalise" }), { path: "a.csv", scale: "normalise" });
  assert.deepEqual(tableSource({ path: "a.csv", missing: "drop" }), { path: "a.csv", missing: "drop" });
  assert.deepEqual(tableSource({ path: "a.csv", prepare: false }), { path: "a.csv", prepare: false });
  assert.deepEqual(tableSource({ name: "moons" }), { name: "moons" });
  assert.deepEqual([isTable({ path: "a" }), isTable({ path: "a", format: "csv" }), isTable({ path: "a.npy" })], [
    false,
    true,
    false,
  ]);
});

Deno.test("every column of a table is told: given, learned, or left out with its reason", async () => {
  const text = [
    "id,size,town,same,price",
    ...Array.from(
      { length: 40 },
      (_, i) =>
        `${i + 1},${i % 8 === 0 ? "" : i % 13},${["north", "south", ""][i % 3]},x,${1_000 + 10 * ((i * 7) % 40)}`,
    ),
  ].join("\n");
  const { plan } = await Effect.runPromise(open(text, { data: "rows.csv", target: "price" }));
  const told = columnsOf(plan as TablePlan);
  assert.deepEqual(told.map(({ name, kind }) => [name, kind]), [
    ["size", "number"],
    ["town", "category"],
    ["price", "number"],
    ["id", "left out"],
    ["same", "left out"],
  ]);
  assert.match(told[0].becomes, /^scaled by \(x − [\d.]+\) · [\d.]+; a gap is \d+ and marked$/u);
  assert.equal(told[1].becomes, "3 places: north, south, (missing)");
  assert.match(told[2].becomes, /^what is learned: a number, trained as \(y − [\d.]+\) \/ [\d.]+$/u);
  assert.equal(told[4].becomes, "a constant");
});
