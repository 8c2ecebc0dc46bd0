/**
 * Tests of data/table.ts, data/table_rows.ts and data/table_data.ts.
 */
import * as Effect from "effect/Effect";
import * as Stream from "effect/Stream";
import assert from "node:assert/strict";
import { batchStream } from "../../../../plugins/neural/data/batch_stream.ts";
import { gather, type MemoryDataset } from "../../../../plugins/neural/data/dataset.ts";
import { range, type SplitRule } from "../../../../plugins/neural/data/splits.ts";
import {
  type ColumnProfile,
  GAP_CATEGORY,
  isGap,
  MAX_CATEGORIES,
  MAX_COLUMNS,
  MAX_INFERRED_CLASSES,
  numberOf,
  planTable,
  type Row,
  type TableOptions,
  TableProfile,
} from "../../../../plugins/neural/data/table.ts";
import { tableData, tableStream } from "../../../../plugins/neural/data/table_data.ts";
import { codeOf, messageOf } from "../hostile.ts";

const profile = (names: ReadonlyArray<string>, rows: ReadonlyArray<Row>): ReadonlyArray<ColumnProfile> => {
  const made = new TableProfile(names);
  for (const row of rows) made.add(row);
  return made.columns();
};

const source = (names: ReadonlyArray<string>, rows: ReadonlyArray<Row>) =>
  Stream.fromIterable([{ names, rows: rows.slice(0, 2) }, { names, rows: rows.slice(2) }]);

type Options = TableOptions & { readonly split?: SplitRule };
const ALL: SplitRule = { validation: 0, test: 0 };

const open = (names: ReadonlyArray<string>, rows: ReadonlyArray<Row>, options: Options = {}) =>
  Effect.runPromise(tableData("t", source(names, rows), { split: ALL, ...options }));

const failing = (names: ReadonlyArray<string>, rows: ReadonlyArray<Row>, options: Options = {}) =>
  Effect.runPromise(Effect.flip(tableData("t", source(names, rows), { split: ALL, ...options })));

const inputs = ({ inputs, length }: MemoryDataset, column = 0) => [...gather(inputs[column], range(0, length)).data];
const targets = ({ target, length }: MemoryDataset) => [...gather(target!, range(0, length)).data];

Deno.test("cells of text are numbers only where all of them is one", () => {
  const cases: ReadonlyArray<readonly [string, number]> = [
    ["1", 1],
    [" -2.5 ", -2.5],
    ["1e3", 1000],
    [".5", 0.5],
    ["5.", 5],
    ["+7", 7],
    ["", NaN],
    ["1,5", NaN],
    ["0x10", NaN],
    ["1 2", NaN],
    ["Infinity", NaN],
    ["e5", NaN],
    [".", NaN],
  ];
  for (const [text, number] of cases) assert.equal(numberOf(text), number, text);
  assert.deepEqual(["", " ", "NA", "?", "null", "0", "none"].map(isGap), [true, true, true, true, true, false, false]);
});

Deno.test("columns are told apart: numbers, yes and no, few texts, texts, nothing", () => {
  const many = Array.from(
    { length: MAX_CATEGORIES + 1 },
    (_, i): Row => [String(i / 2), "true", i % 2 ? "a" : "b", `t${i}`, ""],
  );
  const found = profile(["n", "b", "c", "t", "e"], many);
  assert.deepEqual(found.map(({ kind }) => kind), ["number", "boolean", "category", "text", "empty"]);
  assert.deepEqual(found[2].values, ["a", "b"]);
  assert.equal(found[3].values, undefined);
  assert.deepEqual([found[0].minimum, found[0].maximum, found[0].whole, found[4].missing], [0, 500, false, 1_001]);
  assert.equal(found[0].mean, 250);
});

Deno.test("as many different texts as the limit are categories, one more are texts", () => {
  const of = (count: number) => profile(["t"], Array.from({ length: count }, (_, i): Row => [`t${i}`]))[0].kind;
  assert.deepEqual([of(MAX_CATEGORIES), of(MAX_CATEGORIES + 1)], ["category", "text"]);
});

Deno.test("numbers, yes and no, and texts become one vector, texts a place each", async () => {
  const { dataset, plan } = await open(["n", "c", "b", "class"], [
    ["1.5", "red", "yes", "x"],
    ["2", "blue", "no", "y"],
    ["3", "red", "no", "x"],
  ]);
  assert.deepEqual(dataset.schema.inputs, [{ name: "features", type: { dtype: "f32", shape: [4] } }]);
  assert.deepEqual(plan.features.map(({ profile, at, size }) => [profile.name, at, size]), [["n", 0, 1], ["c", 1, 2], [
    "b",
    3,
    1,
  ]]);
  assert.deepEqual(inputs(dataset), [1.5, 0, 1, 1, 2, 1, 0, 0, 3, 0, 1, 0]);
  assert.deepEqual(targets(dataset), [0, 1, 0]);
  assert.deepEqual((dataset.schema.target as { labels?: unknown }).labels, ["x", "y"]);
});

Deno.test("texts can be inputs of their own, as numbers", async () => {
  const { dataset } = await open(["c", "n", "y"], [["b", "1", "1"], ["a", "2", "2"], ["b", "3", "1"]], {
    categories: "indices",
  });
  assert.deepEqual(dataset.schema.inputs.map(({ name, type }) => [name, type.dtype, type.shape]), [
    ["features", "f32", [1]],
    ["c", "i32", []],
  ]);
  assert.deepEqual(inputs(dataset, 1), [1, 0, 1]);
});

Deno.test("the target is the one named so, or the last, or the one asked for, or none", async () => {
  const rows: ReadonlyArray<Row> = [["1", "2", "3"], ["4", "5", "6"]];
  const nameOf = async (names: ReadonlyArray<string>, options: Options = {}) =>
    (await open(names, rows, options)).dataset.schema.target?.name;
  assert.equal(await nameOf(["a", "Label", "c"]), "Label");
  assert.equal(await nameOf(["a", "b", "c"]), "c");
  assert.equal(await nameOf(["a", "b", "c"], { target: "a" }), "a");
  assert.equal(await nameOf(["a", "b", "c"], { task: "none" }), undefined);
});

Deno.test("few whole numbers are classes in their order, others are numbers, and either can be asked for", async () => {
  const column = (values: ReadonlyArray<string>, options: Options = {}) =>
    open(["x", "y"], values.map((value, i): Row => [String(i), value]), options).then(({ dataset }) => dataset);
  const whole = await column(["10", "2", "2.0", "10"]);
  assert.deepEqual(targets(whole), [1, 0, 0, 1]);
  assert.deepEqual((whole.schema.target as { labels?: unknown }).labels, ["2", "10"]);
  assert.deepEqual(targets(await column(["10", "2", "2", "10"], { task: "regression" })), [10, 2, 2, 10]);
  assert.equal((await column(["0.5", "1", "2", "3"])).schema.target!.kind, "regression");
  assert.equal((await column(["0.5", "1"], { task: "classification" })).schema.target!.kind, "classification");
  const kind = async (count: number) =>
    (await column(Array.from({ length: count }, (_, i) => String(i)))).schema.target!.kind;
  assert.deepEqual([await kind(MAX_INFERRED_CLASSES), await kind(MAX_INFERRED_CLASSES + 1)], [
    "classification",
    "regression",
  ]);
});

Deno.test("a gap becomes the mean of what is learned from, or a text of its own; rows without an answer are left out", async () => {
  const rows: ReadonlyArray<Row> = [["1", "a", "0"], ["", "", "1"], ["4", "a", ""], ["3", "b", "1"]];
  const { dataset } = await open(["n", "c", "y"], rows);
  assert.equal(dataset.length, 3);
  // The mean of 1 and 3: the row of the 4 has no answer.
  assert.deepEqual(inputs(dataset), [1, 1, 0, 0, 2, 0, 0, 1, 3, 0, 1, 0]);
  const { plan } = await open(["n", "c", "y"], rows);
  assert.deepEqual(plan.features[1].vocabulary, ["a", "b", GAP_CATEGORY]);
});

Deno.test("the mean that fills a gap does not look at what is judged on", async () => {
  const rows = Array.from({ length: 100 }, (_, i): Row => [i === 0 ? "" : String(i), String(i % 2)]);
  const { dataset } = await open(["n", "y"], rows, { split: { validation: 0.2, test: 0.2, seed: 1 } });
  const learned = [...dataset.splits.train].filter((sample) => sample !== 0);
  const mean = learned.reduce((sum, sample) => sum + sample, 0) / learned.length;
  assert.ok(Math.abs(Number(inputs(dataset)[0]) - mean) < 1e-4);
  assert.notEqual(mean, 50);
});

Deno.test("rows with gaps can be left out, or refused by their number", async () => {
  const rows: ReadonlyArray<Row> = [["1", "0"], ["", "1"], ["3", "1"]];
  assert.deepEqual(inputs((await open(["n", "y"], rows, { missing: "drop" })).dataset), [1, 3]);
  assert.match((await failing(["n", "y"], rows, { missing: "refuse" })).message, /column "n": row 1 has no value/u);
  assert.match((await failing(["n", "y"], [["1", "0"], ["2", ""]], { missing: "refuse" })).message, /"y": row 1/u);
});

Deno.test("columns that cannot be used are left out with the reason, or refused where they were asked for", async () => {
  const rows = Array.from({ length: MAX_CATEGORIES + 1 }, (_, i): Row => [String(i), `t${i}`, "", String(i % 2)]);
  const { plan } = await open(["n", "t", "e", "y"], rows);
  assert.deepEqual(plan.unused.map(({ column }) => column), ["t", "e"]);
  assert.equal((await failing(["n", "t", "e", "y"], rows, { inputs: ["t"] })).code, "NEURAL_DATA_VALUES");
  assert.equal((await failing(["n", "t", "e", "y"], rows, { target: "t" })).code, "NEURAL_DATA_VALUES");
  assert.equal((await failing(["n", "t", "e", "y"], rows, { target: "e" })).code, "NEURAL_DATA_VALUES");
  assert.equal((await failing(["n", "t", "e", "y"], rows, { inputs: ["y"] })).code, "NEURAL_DATA_VALUES");
  assert.equal((await failing(["e", "y"], rows.map((row) => [row[2], row[3]]))).code, "NEURAL_DATA_FORMAT");
});

Deno.test("a misspelled column is refused with a patch that works", async () => {
  const rows: ReadonlyArray<Row> = [["1", "2", "0"], ["2", "3", "1"]];
  const failure = await failing(["width", "height", "y"], rows, { inputs: ["widht"] });
  assert.equal(failure.code, "NEURAL_DATA_COLUMN");
  assert.deepEqual(failure.fix?.patch, [{ op: "replace", path: "/data/inputs/0", value: "width" }]);
  assert.equal((await failing(["width", "y"], [["1", "2"]], { target: "Y" })).path, "/data/target");
});

Deno.test("texts are no numbers to regress on", async () => {
  assert.match((await failing(["x", "y"], [["1", "a"], ["2", "b"]], { task: "regression" })).message, /holds texts/u);
});

Deno.test("a header that names a column twice, too many columns and a table without rows are refused", async () => {
  assert.equal(codeOf(() => new TableProfile(["a", "a"])), "NEURAL_DATA_MALFORMED");
  const names = (count: number) => Array.from({ length: count }, (_, i) => `c${i}`);
  assert.equal(new TableProfile(names(MAX_COLUMNS)).rows, 0);
  assert.equal(codeOf(() => new TableProfile(names(MAX_COLUMNS + 1))), "NEURAL_DATA_LIMIT");
  assert.match((await failing(["a"], [])).message, /there are none/u);
  assert.match(messageOf(() => planTable(profile(["a"], [["1"]]), {})), /no column is left/u);
});

Deno.test("read as it passes, a table gives the same numbers for a row as held in memory", async () => {
  const rows = Array.from(
    { length: 60 },
    (_, i): Row => [String(i), ["a", "b", "c"][i % 3], i % 7 === 0 ? "" : String(i % 5), String(i % 2)],
  );
  const names = ["n", "c", "g", "y"];
  const { dataset: held } = await open(names, rows);
  const split: SplitRule = { validation: 0, test: 0 };
  const { dataset } = await Effect.runPromise(tableStream("t", source(names, rows), { split }));
  assert.equal(dataset.length, 60);
  const made = await Effect.runPromise(
    Stream.runCollect(batchStream(dataset, { split: "train", batch: 16, shuffle: false })),
  );
  assert.deepEqual(made.flatMap(({ inputs: [{ data }] }) => [...data]), inputs(held));
  assert.deepEqual(made.flatMap(({ target }) => [...target!.data]), targets(held));
});

Deno.test("rows that are left out keep the numbers of the others, and then only reading tells how many there are", async () => {
  const rows: ReadonlyArray<Row> = [["1", "0"], ["2", ""], ["3", "1"]];
  const { dataset } = await Effect.runPromise(tableStream("t", source(["n", "y"], rows), { split: ALL }));
  assert.equal(dataset.length, undefined);
  const [batch] = await Effect.runPromise(
    Stream.runCollect(batchStream(dataset, { split: "train", batch: 9, shuffle: false })),
  );
  assert.deepEqual(batch.samples, [0, 2]);
});
