/**
 * Tests of data/csv.ts beside the npm package csv-parse, and of data/csv_rows.ts.
 */
import { parse } from "csv-parse/sync";
import * as Effect from "effect/Effect";
import * as Stream from "effect/Stream";
import assert from "node:assert/strict";
import { random } from "../../../../kernel/random.ts";
import { CsvReader, delimiterOf, MAX_FIELD, MAX_FIELDS } from "../../../../plugins/neural/data/csv.ts";
import { type CsvOptions, csvRows } from "../../../../plugins/neural/data/csv_rows.ts";
import { isNeuralFailure } from "../../../../plugins/neural/failures.ts";
import { codeOf, messageOf } from "../hostile.ts";

const encode = (text: string) => new TextEncoder().encode(text);

const read = (bytes: Uint8Array, cuts: ReadonlyArray<number> = [], delimiter = ",") => {
  const reader = new CsvReader(delimiter);
  const ends = [...cuts, bytes.length];
  return [
    ...ends.flatMap((end, i) => reader.push(bytes.subarray(ends[i - 1] ?? 0, end))),
    ...reader.end(),
  ];
};

Deno.test("the standard's own examples are read", () => {
  assert.deepEqual(read(encode('aaa,"b\r\nbb",ccc\r\nzzz,yyy,xxx')), [["aaa", "b\r\nbb", "ccc"], [
    "zzz",
    "yyy",
    "xxx",
  ]]);
  assert.deepEqual(read(encode('"aaa","b""bb","ccc"\n')), [["aaa", 'b"bb', "ccc"]]);
  assert.deepEqual(read(encode(',\n\n\r\n""\n')), [["", ""], [""]]);
});

Deno.test("4,000 random texts, cut anywhere, are read or refused as another reader does", () => {
  const draw = random("csv");
  let refused = 0;
  for (let i = 0; i < 4_000; i++) {
    const text = Array.from(
      { length: draw.below(14) },
      () => draw.pick(["a", "b", ",", '"', "\n", "\r", "\r\n", '""', "é", " "]),
    ).join("");
    const bytes = encode(text);
    const cuts = [draw.below(bytes.length + 1), draw.below(bytes.length + 1)].sort((a, b) => a - b);
    let theirs: unknown = "refused";
    let ours: unknown = "refused";
    try {
      theirs = parse(text, {
        relax_column_count: true,
        record_delimiter: ["\r\n", "\n", "\r"],
        skip_empty_lines: true,
      });
    } catch {
      refused++;
    }
    try {
      ours = read(bytes, cuts);
    } catch (thrown) {
      if (!isNeuralFailure(thrown)) throw thrown;
    }
    assert.deepEqual(ours, theirs, JSON.stringify({ text, cuts }));
  }
  assert.ok(refused > 1_000 && refused < 3_500, String(refused));
});

Deno.test("what is wrong is named by row and column", () => {
  assert.match(messageOf(() => read(encode('a,b\nc,"d'))), /row 2, column 2: a quoted field is not closed/u);
  assert.match(messageOf(() => read(encode('a\n"b"c'))), /row 2, column 1: a quoted field goes on/u);
  assert.match(messageOf(() => read(encode('a,b"c'))), /row 1, column 2: a quote stands/u);
  assert.match(messageOf(() => read(Uint8Array.of(97, 0xff))), /row 1, column 1: it is not UTF-8/u);
  assert.equal(codeOf(() => new CsvReader('"')), "NEURAL_DATA_MALFORMED");
});

Deno.test("a field and a record at their limits are read, one past it refused", () => {
  assert.equal(read(encode("x".repeat(MAX_FIELD)))[0][0].length, MAX_FIELD);
  assert.equal(codeOf(() => read(encode("x".repeat(MAX_FIELD + 1)), [1_000])), "NEURAL_DATA_LIMIT");
  assert.equal(codeOf(() => read(encode(`"${"x".repeat(MAX_FIELD + 1)}"`), [1_000])), "NEURAL_DATA_LIMIT");
  assert.equal(read(encode(",".repeat(MAX_FIELDS - 1)))[0].length, MAX_FIELDS);
  assert.equal(codeOf(() => read(encode(",".repeat(MAX_FIELDS)))), "NEURAL_DATA_LIMIT");
});

Deno.test("the delimiter is what the first line has most of, outside quotes", () => {
  assert.equal(delimiterOf("a;b;c,d\n,,,,,"), ";");
  assert.equal(delimiterOf('"a;b;c";d,e,f'), ",");
  assert.equal(delimiterOf("a\tb"), "\t");
  assert.equal(delimiterOf("alone"), ",");
});

const rows = (text: string, options: CsvOptions = {}, cut = 3) =>
  Effect.runPromise(
    Stream.runCollect(
      csvRows(Stream.fromIterable([encode(text).subarray(0, cut), encode(text).subarray(cut)]), options),
    ),
  ).then((chunks) => ({ names: chunks[0].names, rows: chunks.flatMap((chunk) => chunk.rows) }));

const refusal = (text: string, options: CsvOptions = {}) =>
  Effect.runPromise(Effect.flip(Stream.runCollect(csvRows(Stream.make(encode(text)), options)))).then((failure) =>
    failure.message
  );

Deno.test("the first record holds names unless it is all numbers, and can be said to", async () => {
  assert.deepEqual(await rows("x,y\n1,2"), { names: ["x", "y"], rows: [["1", "2"]] });
  assert.deepEqual(await rows("1,2\n3,4"), { names: ["column 1", "column 2"], rows: [["1", "2"], ["3", "4"]] });
  assert.deepEqual(await rows("1,2\n3,4", { header: true }), { names: ["1", "2"], rows: [["3", "4"]] });
  assert.deepEqual(await rows(" x ,\n1,2"), { names: ["x", "column 2"], rows: [["1", "2"]] });
  assert.deepEqual((await rows("\ufeffx;y\n1;2")).names, ["x", "y"]);
});

Deno.test("a record of another length, and a text without records, are refused by name", async () => {
  assert.match(await refusal("a,b\n1,2\n3\n"), /record 3: it has 1 fields, and the first has 2/u);
  assert.match(await refusal("\n\n"), /no record/u);
});
