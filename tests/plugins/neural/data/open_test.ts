/**
 * Tests of data/open.ts, data/builtin.ts, data/source.ts and data/arrays.ts.
 */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { applyPatch, outOfReach } from "../../../../kernel/mod.ts";
import { tensor } from "../../../../plugins/ir/library.ts";
import { arraysDataset } from "../../../../plugins/neural/data/arrays.ts";
import { builtinSet, DATASETS, presenceOf } from "../../../../plugins/neural/data/builtin.ts";
import { classesOf, gather, type MemoryDataset } from "../../../../plugins/neural/data/dataset.ts";
import { memoryFiles, readWhole } from "../../../../plugins/neural/data/files.ts";
import { openData } from "../../../../plugins/neural/data/open.ts";
import { dataAuthorities, type DataSource, FORMATS } from "../../../../plugins/neural/data/source.ts";
import { range } from "../../../../plugins/neural/data/splits.ts";
import { deflate } from "../../../../plugins/neural/formats/inflate.ts";
import { writeNpy } from "../../../../plugins/neural/formats/npy.ts";
import { writeNpz } from "../../../../plugins/neural/formats/npz.ts";
import { codeOf, fixture } from "../hostile.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const ALL = { validation: 0, test: 0 };

const IDX = Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4);
const X = tensor("f64", [4, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
const Y = tensor("i64", [4], [5n, 3n, 5n, 3n]);

const files = memoryFiles({
  "a.csv": "x,y\n1,a\n2,b\n",
  "a.csv.gz": await deflate(encode("x,y\n1,a\n2,b\n"), "gzip"),
  "a.tsv": "x\ty\n1\ta\n2\tb\n",
  "a.parquet": fixture("table-snappy.parquet"),
  "a.arrow": fixture("table-file.arrow"),
  "x.npy": writeNpy(X),
  "y.npy": writeNpy(Y),
  "both.npz": await writeNpz([["x", X], ["y", Y], ["other", tensor("f32", [4], [0, 0, 0, 0])]]),
  "images-ubyte": IDX,
  "labels-ubyte": Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 9, 8),
  "pets/cat/1.png": fixture("grey.png"),
  "pets/dog/1.png": fixture("grey.png"),
  "t.txt": "some text\n".repeat(40),
  "odd.bin": "?",
});

const open = (source: DataSource) => Effect.runPromise(openData(source, files));
const held = async (source: DataSource): Promise<MemoryDataset> => {
  const { dataset } = await open(source);
  assert.ok(dataset.kind === "memory");
  return dataset;
};
const failing = (source: DataSource) => Effect.runPromise(Effect.flip(openData(source, files)));
const numbers = (
  dataset: MemoryDataset,
  column = 0,
) => [...gather(dataset.inputs[column], range(0, dataset.length)).data];

Deno.test("every format is told by the end of the name, packed by gzip too, and opened", async () => {
  for (const path of ["a.csv", "a.csv.gz", "a.tsv"]) {
    const made = await held({ path, split: ALL });
    assert.deepEqual([numbers(made), [...classesOf(made, [0, 1])]], [[1, 2], [0, 1]], path);
  }
  for (const path of ["a.parquet", "a.arrow"]) {
    const made = await held({ path, target: "yes", split: ALL, inputs: ["whole", "number"] });
    assert.deepEqual(numbers(made).slice(0, 6), [0, 0, 1, 0.25, 2, 0.5], path);
    assert.deepEqual([...classesOf(made, [0, 1, 2])], [1, 0, 1]);
  }
  assert.deepEqual(numbers(await held({ path: "images-ubyte", split: ALL })), [1, 2, 3, 4]);
  assert.deepEqual((await held({ path: "pets" })).schema.inputs[0].type.shape, [1, 5, 7]);
  assert.equal((await open({ path: "t.txt", window: 4 })).corpus!.name, "t.txt");
});

Deno.test("arrays take their answers from a second file, or from the same archive", async () => {
  const made = await held({ path: "x.npy", labels: "y.npy", split: ALL });
  assert.deepEqual(numbers(made), [1, 2, 3, 4, 5, 6, 7, 8]);
  assert.deepEqual([...classesOf(made, [0, 1, 2, 3])], [1, 0, 1, 0]);
  assert.deepEqual((made.schema.target as { labels?: unknown }).labels, ["3", "5"]);
  const digits = await held({ path: "images-ubyte", labels: "labels-ubyte", split: ALL });
  assert.deepEqual([...classesOf(digits, [0, 1])], [1, 0]);
  const both = await held({ path: "both.npz", inputs: ["x"], split: ALL });
  assert.deepEqual([both.schema.inputs.length, both.schema.target!.name], [1, "y"]);
  assert.equal((await held({ path: "both.npz" })).schema.inputs.length, 2);
  assert.equal((await held({ path: "both.npz", task: "none" })).schema.target, undefined);
  assert.equal((await failing({ path: "both.npz", target: "z" })).code, "NEURAL_DATA_COLUMN");
});

Deno.test("answers that are whole numbers of an integer type are classes, others numbers, and either can be asked for", () => {
  const kind = (target: Parameters<typeof arraysDataset>[2], task?: "classification" | "regression") =>
    arraysDataset("a", [["x", X]], target, task === undefined ? {} : { task }).schema.target!.kind;
  assert.equal(kind(["y", Y]), "classification");
  assert.equal(kind(["y", Y], "regression"), "regression");
  const floats = tensor("f32", [4], [1, 2, 1, 2]);
  assert.deepEqual([kind(["y", floats]), kind(["y", floats], "classification")], ["regression", "classification"]);
  assert.equal(kind(["y", X]), "regression");
  const wrong = (target: Parameters<typeof arraysDataset>[2], task?: "classification") =>
    codeOf(() => arraysDataset("a", [["x", X]], target, task === undefined ? {} : { task }));
  assert.equal(wrong(["y", tensor("i32", [3], [1, 2, 3])]), "NEURAL_DATA_VALUES");
  assert.equal(wrong(["y", tensor("i32", [], [1])]), "NEURAL_DATA_VALUES");
  assert.equal(wrong(["y", tensor("f32", [4], [0.5, 1, 1, 1])], "classification"), "NEURAL_DATA_VALUES");
  assert.equal(wrong(["y", X], "classification"), "NEURAL_DATA_VALUES");
  assert.equal(codeOf(() => arraysDataset("a", [], undefined, {})), "NEURAL_DATA_FORMAT");
});

Deno.test("rescaling is by what is learned from, and not for what is read as it passes", async () => {
  const made = await held({ path: "x.npy", labels: "y.npy", split: ALL, scale: "normalise" });
  assert.deepEqual(numbers(made).map((value) => Math.round(Number(value) * 3)), [0, 0, 1, 1, 2, 2, 3, 3]);
  const failure = await failing({ path: "a.csv", stream: true, scale: "normalise" });
  assert.deepEqual([failure.code, failure.fix?.patch], ["NEURAL_DATA_FORMAT", [{
    op: "remove",
    path: "/data/stream",
  }]]);
  assert.equal((await open({ path: "a.csv", stream: true })).dataset.kind, "stream");
});

Deno.test("what cannot be opened is refused by the member it is about", async () => {
  const cases: ReadonlyArray<readonly [DataSource, string, string]> = [
    [{}, "NEURAL_DATA_FORMAT", "/data"],
    ["digit", "NEURAL_DATA_UNKNOWN", "/data"],
    [{ name: "digit" }, "NEURAL_DATA_UNKNOWN", "/data/name"],
    [{ path: "absent.csv" }, "NEURAL_DATA_FILE", "/data/path"],
    [{ path: "odd.bin" }, "NEURAL_DATA_FORMAT", "/data/format"],
    [{ path: "a.csv", target: "z" }, "NEURAL_DATA_COLUMN", "/data/target"],
    [{ path: "a.csv", split: { validation: 0.6, test: 0.6 } }, "NEURAL_DATA_OPTION", "/split"],
    [{ path: "a.csv", format: "npy" }, "NEURAL_DATA_MALFORMED", ""],
    [{ path: "a.csv", format: "images" }, "NEURAL_DATA_FILE", ""],
  ];
  for (const [source, code, path] of cases) {
    const failure = await failing(source);
    assert.deepEqual([failure.code, failure.path], [code, path], JSON.stringify(source));
  }
  assert.deepEqual((await failing("digit")).fix?.patch, [{ op: "replace", path: "/data", value: "digits" }]);
});

Deno.test("a set whose files are not here is a described absence with the command that brings them", async () => {
  for (const [name, command] of [["fashion", /dataset-fashion-mnist/u], ["kjv", /bible-kjv-text/u]] as const) {
    const failure = await failing(name);
    assert.equal(failure.code, "NEURAL_DATA_ABSENT");
    assert.match(failure.fix!.command!, command);
    const presence = await Effect.runPromise(presenceOf(builtinSet(name), files));
    assert.deepEqual([presence.present, command.test(presence.command!)], [false, true]);
  }
});

Deno.test("a set whose place may not be looked at is refused with the place to name, and naming it is what is asked for", async () => {
  const hidden = { ...files, stat: () => Effect.fail(outOfReach({ action: "inspect", file: "x" })) };
  for (const source of ["kjv", { name: "kjv" }] as const) {
    const failure = await Effect.runPromise(Effect.flip(openData(source, hidden)));
    assert.equal(failure.code, "NEURAL_DATA_ABSENT");
    assert.deepEqual(applyPatch(failure.fix!.patch!, { data: source }), {
      data: { name: "kjv", path: "/usr/lib/bible.data" },
    });
  }
});

Deno.test("a file too large to be held is refused before it is read", async () => {
  assert.equal((await Effect.runPromise(readWhole(files, "a.csv", 12))).length, 12);
  const failure = await Effect.runPromise(Effect.flip(readWhole(files, "a.csv", 11)));
  assert.equal(failure.code, "NEURAL_DATA_LIMIT");
});

Deno.test("reading takes authority where files are read, and none for what comes along", () => {
  assert.deepEqual(dataAuthorities("iris", "digits", { name: "sample-text" }).effects, []);
  assert.deepEqual(dataAuthorities("iris", "kjv").effects, ["readLocal"]);
  assert.deepEqual(dataAuthorities({ path: "a.csv" }).effects, ["readLocal"]);
});

Deno.test("every row of the table says all there is, and every format can be asked for", () => {
  for (const { name, summary, licence, source, splits, size, place, witness, command } of DATASETS) {
    assert.ok([name, summary, licence, source, splits].every((text) => text !== "") && size > 0, name);
    assert.equal(place === undefined, witness === undefined, name);
    if (place !== undefined) assert.ok(command !== undefined, name);
  }
  assert.equal(new Set(DATASETS.map(({ name }) => name)).size, DATASETS.length);
  assert.equal(FORMATS.length, 9);
});
