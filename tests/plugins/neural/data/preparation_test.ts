/**
 * Tests of data/preparation.ts and data/prepared_data.ts: expected numbers are worked out by hand or by plain loops.
 */
import * as Effect from "effect/Effect";
import * as Stream from "effect/Stream";
import assert from "node:assert/strict";
import { classesOf, gather, type MemoryDataset } from "../../../../plugins/neural/data/dataset.ts";
import { memoryFiles } from "../../../../plugins/neural/data/files.ts";
import { openData, openPrepared } from "../../../../plugins/neural/data/open.ts";
import { LEAST_IDENTIFIED, MAX_PLACES } from "../../../../plugins/neural/data/preparation.ts";
import { dataBy, LEAST_ROWS, preparedData } from "../../../../plugins/neural/data/prepared_data.ts";
import { LEAST_SPREAD, range, type SplitRule } from "../../../../plugins/neural/data/splits.ts";
import { GAP_CATEGORY, REST_CATEGORY, type Row, type TableOptions } from "../../../../plugins/neural/data/table.ts";

type Options = TableOptions & { readonly split?: SplitRule };
const ALL: SplitRule = { validation: 0, test: 0 };

const source = (names: ReadonlyArray<string>, rows: ReadonlyArray<Row>) =>
  Stream.fromIterable([{ names, rows: rows.slice(0, 3) }, { names, rows: rows.slice(3) }]);

const prepare = (names: ReadonlyArray<string>, rows: ReadonlyArray<Row>, options: Options = {}) =>
  Effect.runPromise(preparedData("t", source(names, rows), { split: ALL, ...options }));

const failing = (names: ReadonlyArray<string>, rows: ReadonlyArray<Row>, options: Options = {}) =>
  Effect.runPromise(Effect.flip(preparedData("t", source(names, rows), { split: ALL, ...options })));

const inputs = ({ inputs, length }: MemoryDataset): ReadonlyArray<number> =>
  [...gather(inputs[0], range(0, length)).data].map(Number);
const targets = ({ target, length }: MemoryDataset) => [...gather(target!, range(0, length)).data].map(Number);

/** One column of numbers beside answers that vary. */
const column = (cells: ReadonlyArray<string>) => cells.map((cell, i): Row => [cell, i % 2 === 0 ? "a" : "b"]);

const near = (found: ReadonlyArray<number>, expected: ReadonlyArray<number>) => {
  assert.equal(found.length, expected.length);
  found.forEach((value, i) => assert.ok(Math.abs(value - expected[i]) < 1e-6, `${i}: ${value} is not ${expected[i]}`));
};

Deno.test("numbers come at mean 0 and deviation 1, a gap as the median with a mark beside it", async () => {
  const cells = ["1", "2", "3", "10", "", "1", "2", "3", "10", "NA", "1", "2"];
  const { dataset } = await prepare(["n", "y"], column(cells));
  const known = cells.filter((cell) => cell !== "" && cell !== "NA").map(Number);
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  const deviation = Math.sqrt(known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / known.length);
  // Ten numbers, sorted 1 1 1 2 2 2 3 3 10 10: the middle is 2.
  const expected = cells.flatMap((cell) =>
    cell === "" || cell === "NA" ? [(2 - mean) / deviation, 1] : [(Number(cell) - mean) / deviation, 0]
  );
  near(inputs(dataset), expected);
  assert.deepEqual(dataset.table!.columns.map(({ name, fill, marks }) => [name, Math.fround(Number(fill)), marks]), [
    ["n", 2, true],
  ]);
});

Deno.test("large numbers lose no digits before they are scaled", async () => {
  const cells = Array.from({ length: 12 }, (_, i) => String(1_700_000_000 + i * i));
  const numbers = cells.map(Number);
  const mean = numbers.reduce((sum, value) => sum + value, 0) / 12;
  const deviation = Math.sqrt(numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 12);
  near(inputs((await prepare(["n", "y"], column(cells))).dataset), numbers.map((value) => (value - mean) / deviation));
});

Deno.test("nothing of what is judged on is learned: not its numbers, not its texts", async () => {
  const rows = Array.from({ length: 200 }, (_, i): Row => [String(i % 7), `t${i % 3}`, i % 2 ? "a" : "b"]);
  const split = { validation: 0.2, test: 0.2, seed: 3 };
  const { dataset: before } = await prepare(["n", "c", "y"], rows, { split });
  const held = [...before.splits.test, ...before.splits.validation];
  const spoiled = rows.map((row, i): Row => held.includes(i) ? ["1000000", "new", row[2]] : row);
  const { dataset } = await prepare(["n", "c", "y"], spoiled, { split });
  assert.deepEqual(dataset.splits, before.splits);
  assert.deepEqual(dataset.table, before.table);
  for (const sample of dataset.splits.train) {
    assert.deepEqual(gather(dataset.inputs[0], [sample]), gather(before.inputs[0], [sample]));
  }
  // A text that was never seen is none of the three.
  assert.deepEqual([...gather(dataset.inputs[0], [held[0]]).data].slice(1), [0, 0, 0]);
});

Deno.test("frequent texts have places, the rest share one, and as many as the limit need no other", async () => {
  const table = (different: number, more: ReadonlyArray<string> = []) => {
    const texts = Array.from({ length: different * 2 }, (_, i) => `t${String(i >> 1).padStart(2, "0")}`);
    return prepare(["c", "y"], column([...texts, ...more]));
  };
  const vocabulary = async (made: ReturnType<typeof table>) => (await made).dataset.table!.columns[0].vocabulary!;
  assert.equal((await vocabulary(table(MAX_PLACES))).length, MAX_PLACES);
  assert.ok(!(await vocabulary(table(MAX_PLACES))).includes(REST_CATEGORY));
  const beyond = await vocabulary(table(MAX_PLACES + 1));
  assert.deepEqual([beyond.length, beyond.at(-1)], [MAX_PLACES + 1, REST_CATEGORY]);
  // A text that occurs once has no place of its own.
  assert.deepEqual(await vocabulary(table(5, ["once", ""])), [
    "t00",
    "t01",
    "t02",
    "t03",
    "t04",
    REST_CATEGORY,
    GAP_CATEGORY,
  ]);
});

Deno.test("constants, identifiers, empty columns and free texts are left out, each with its reason", async () => {
  const rows = Array.from(
    { length: 40 },
    (_, i): Row => [`u-${i}`, String(i + 5), "7", "", String((i * 17) % 101), String(i % 5), i % 2 ? "a" : "b"],
  );
  const { plan } = await prepare(["code", "n", "same", "none", "customer_id", "x", "y"], rows);
  assert.deepEqual(plan.features.map(({ profile }) => profile.name), ["x"]);
  assert.deepEqual(plan.unused.map(({ column, reason }) => [column, reason.slice(0, 13)]), [
    ["code", "an identifier"],
    ["n", "an identifier"],
    ["same", "a constant"],
    ["none", "no values, or"],
    ["customer_id", "an identifier"],
  ]);
  // Whoever asks for a column gets it.
  const { plan: asked } = await prepare(["code", "n", "same", "none", "customer_id", "x", "y"], rows, {
    inputs: ["n", "x"],
  });
  assert.deepEqual(asked.features.map(({ profile }) => profile.name), ["n", "x"]);
});

Deno.test("with fewer rows than can tell, nothing is taken for an identifier", async () => {
  const rows = (count: number) => column(Array.from({ length: count }, (_, i) => String(i)));
  assert.equal((await prepare(["n", "y"], rows(LEAST_IDENTIFIED - 1))).plan.features.length, 1);
  const failure = await failing(["n", "y"], rows(LEAST_IDENTIFIED));
  assert.match(failure.message, /no column is left to learn from \("n" is an identifier/u);
});

Deno.test("a few words among numbers are gaps, many of them make texts", async () => {
  const cells = (words: number) => Array.from({ length: 100 }, (_, i) => i < words ? "unknown" : String(i * i));
  const kindOf = async (words: number) => (await prepare(["n", "y"], column(cells(words)))).dataset.table!.columns[0];
  assert.deepEqual([(await kindOf(5)).kind, (await kindOf(5)).marks], ["number", true]);
  assert.equal((await kindOf(6)).kind, "category");
});

Deno.test("dates are days, whatever else is in the column is a gap, and they identify nothing", async () => {
  const days = Array.from({ length: 60 }, (_, i) => i * 11 + (i % 4));
  const text = (day: number) => new Date(day * 86_400_000).toISOString().slice(0, 10);
  const cells = days.map((day, i) => i === 7 ? "unknown" : text(day));
  const { dataset, plan } = await prepare(["when", "y"], column(cells));
  assert.deepEqual(plan.features.map(({ profile }) => profile.kind), ["date"]);
  const known = days.filter((_, i) => i !== 7);
  const mean = known.reduce((sum, day) => sum + day, 0) / known.length;
  const deviation = Math.sqrt(known.reduce((sum, day) => sum + (day - mean) ** 2, 0) / known.length);
  const found = inputs(dataset).filter((_, i) => i % 2 === 0);
  near(found.filter((_, i) => i !== 7), known.map((day) => (day - mean) / deviation));
  const later = await Effect.runPromise(
    dataBy("one", Stream.succeed({ names: ["when"], rows: [["1971-01-01"]] }), { table: dataset.table! }),
  );
  near(inputs(later), [(365 - mean) / deviation, 0]);
});

Deno.test("numbers to be learned come at one scale, and their unit gives them back", async () => {
  const prices = Array.from({ length: 30 }, (_, i) => 250_000 + 1_000 * ((i * 7) % 30));
  const rows = prices.map((price, i): Row => [String(i % 4), String(price)]);
  const { dataset } = await prepare(["rooms", "price"], rows);
  const { target } = dataset.schema;
  assert.ok(target?.kind === "regression" && target.unit !== undefined);
  const found = targets(dataset);
  assert.ok(Math.abs(found.reduce((sum, value) => sum + value, 0)) < 1e-5);
  near(found.map((value) => (value * target.unit!.scale + target.unit!.offset) / 1e6), prices.map((p) => p / 1e6));
});

Deno.test("a rare class is in every part where it has enough rows, and only learned from where it has not", async () => {
  const rows = (rare: number) =>
    Array.from({ length: 60 + rare }, (_, i): Row => [String((i * 7) % 13), i < 60 ? "often" : "rare"]);
  const parts = async (rare: number) => {
    const { dataset } = await prepare(["n", "y"], rows(rare), { split: { validation: 0.1, test: 0.1 } });
    return (["train", "validation", "test"] as const).map((part) =>
      classesOf(dataset, dataset.splits[part]).filter((kind) => kind === 1).length
    );
  };
  assert.deepEqual(await parts(LEAST_SPREAD), [LEAST_SPREAD - 2, 1, 1]);
  assert.deepEqual(await parts(LEAST_SPREAD - 1), [LEAST_SPREAD - 1, 0, 0]);
});

Deno.test("a row that is encoded later, alone and with its columns in another order, gives the same numbers", async () => {
  const rows = Array.from(
    { length: 60 },
    (
      _,
      i,
    ): Row => [i % 9 === 0 ? "" : String(i * i), ["red", "blue", ""][i % 3], i % 4 ? "yes" : "no", i % 2 ? "a" : "b"],
  );
  const { dataset } = await prepare(["n", "c", "b", "y"], rows);
  const { table } = dataset;
  const stored = JSON.parse(JSON.stringify(table));
  const turned = rows.map(([n, c, b, y]): Row => [y, b, c, n]);
  const later = await Effect.runPromise(
    dataBy("later", source(["y", "b", "c", "n"], turned), { table: stored, target: dataset.schema.target! }, ALL),
  );
  assert.deepEqual(inputs(later), inputs(dataset));
  assert.deepEqual(targets(later), targets(dataset));
  for (const i of [0, 1, 9]) {
    const alone = await Effect.runPromise(
      dataBy("one", Stream.succeed({ names: ["n", "c", "b"], rows: [rows[i].slice(0, 3)] }), { table: stored }),
    );
    assert.deepEqual(inputs(alone), inputs(dataset).slice(i * 6, (i + 1) * 6), `row ${i}`);
    assert.deepEqual([...alone.splits.test], [0]);
  }
});

Deno.test("later rows may hold anything: new texts, no numbers, gaps where there were none", async () => {
  const rows = Array.from({ length: 24 }, (_, i): Row => [String(i % 5), i % 3 ? "red" : "blue", i % 2 ? "a" : "b"]);
  const { dataset } = await prepare(["n", "c", "y"], rows);
  const one = async (...cells: Row) =>
    inputs(
      await Effect.runPromise(
        dataBy("one", Stream.succeed({ names: ["n", "c"], rows: [cells] }), { table: dataset.table! }),
      ),
    );
  const [median, red, none] = [await one("2", "red"), [0, 1], [0, 0]];
  assert.deepEqual(median.slice(1), red);
  assert.deepEqual((await one("2", "green")).slice(1), none);
  // 24 numbers 0 … 4: the middle is 2; the most frequent text is red.
  assert.deepEqual(await one(null, null), median);
  assert.deepEqual(await one("many", "red"), median);
});

Deno.test("later rows without a column that was learned from are refused by its name and the nearest", async () => {
  const { dataset } = await prepare(["width", "y"], column(Array.from({ length: 12 }, (_, i) => String(i * i))));
  const failure = await Effect.runPromise(Effect.flip(
    dataBy("later", Stream.succeed({ names: ["widht"], rows: [["1"]] }), { table: dataset.table! }),
  ));
  assert.equal(failure.code, "NEURAL_DATA_VALUES");
  assert.match(failure.message, /column "width"/u);
  assert.deepEqual(failure.suggestions, ["widht"]);
});

Deno.test("an answer that is no class of the model, or no number, is refused by its row", async () => {
  const cells = Array.from({ length: 12 }, (_, i) => String(i * i));
  const { dataset } = await prepare(["n", "y"], column(cells));
  const later = (y: string, target = dataset.schema.target!, table = dataset.table!) =>
    Effect.runPromise(Effect.flip(
      dataBy("later", Stream.succeed({ names: ["n", "y"], rows: [["1", y]] }), { table, target }),
    ));
  assert.match((await later("c")).message, /"c" was not there/u);
  const { dataset: numbers } = await prepare(["n", "y"], cells.map((cell, i): Row => [cell, String(i / 2)]));
  assert.match((await later("x", numbers.schema.target!, numbers.table!)).message, /row 0 holds no number/u);
});

Deno.test("too few rows, one class, one value and classes that are none are refused", async () => {
  const enough = column(Array.from({ length: LEAST_ROWS }, (_, i) => String(i * i)));
  assert.equal((await prepare(["n", "y"], enough)).dataset.length, LEAST_ROWS);
  assert.match((await failing(["n", "y"], enough.slice(1))).message, /9 of its rows have an answer in "y"/u);
  assert.match((await failing(["n", "y"], enough.slice(0, 1))).message, /1 of its rows has an answer/u);
  assert.match((await failing(["n", "y"], enough.map(([n]): Row => [n, "a"]))).message, /all its values are the same/u);
  assert.match(
    (await failing(["n", "y"], enough.map(([n], i): Row => [n, `t${i}`]))).message,
    /10 different values in 10 rows/u,
  );
  assert.match(
    (await failing(["n", "y"], enough.map(([n], i): Row => [n, String(i)]))).message,
    /ask for task regression/u,
  );
  assert.equal((await failing(["n", "y"], enough, { target: "x" })).path, "/data/target");
  assert.match((await failing(["n", "y"], enough.map(([n]): Row => [n, ""]))).message, /"y": it is empty/u);
});

Deno.test("options that preparing settles are refused with a patch that takes them out", async () => {
  const rows = column(Array.from({ length: 12 }, (_, i) => String(i * i)));
  for (const options of [{ missing: "drop" }, { missing: "refuse" }, { categories: "indices" }] as const) {
    const [name] = Object.keys(options);
    const failure = await failing(["n", "y"], rows, options);
    assert.deepEqual([failure.code, failure.fix?.patch], ["NEURAL_DATA_FORMAT", [{
      op: "remove",
      path: `/data/${name}`,
    }]]);
  }
  const bytes = new TextEncoder().encode("n,y\n" + rows.map((row) => row.join(",")).join("\n"));
  const files = memoryFiles({ "a.csv": bytes });
  const open = (more: { readonly scale?: "standardise"; readonly stream?: boolean }) =>
    Effect.runPromise(Effect.flip(openData({ path: "a.csv", prepare: true, ...more }, files)));
  assert.equal((await open({ scale: "standardise" })).path, "/data/scale");
  assert.equal((await open({ stream: true })).path, "/data/prepare");
});

Deno.test("a file is opened by what a model keeps, and is no other than a table that is there", async () => {
  const rows = column(Array.from({ length: 12 }, (_, i) => String(i * i)));
  const text = "n,y\n" + rows.map((row) => row.join(",")).join("\n");
  const files = memoryFiles({ "a.csv": new TextEncoder().encode(text), "b.npy": new Uint8Array(4) });
  const { dataset } = await Effect.runPromise(openData({ path: "a.csv", prepare: true }, files)) as {
    readonly dataset: MemoryDataset;
  };
  const prepared = { table: dataset.table!, target: dataset.schema.target! };
  const again = await Effect.runPromise(openPrepared({ path: "a.csv" }, files, prepared, {}));
  assert.deepEqual(again.splits, dataset.splits);
  assert.deepEqual(inputs(again), inputs(dataset));
  const refused = (path: string) => Effect.runPromise(Effect.flip(openPrepared({ path }, files, prepared)));
  assert.equal((await refused("c.csv")).code, "NEURAL_DATA_FILE");
  assert.equal((await refused("b.npy")).code, "NEURAL_DATA_FORMAT");
});
