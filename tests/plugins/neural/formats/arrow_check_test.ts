/**
 * Tests of formats/arrow_check.ts on streams and files that the Rust and the JavaScript implementation wrote.
 */
import * as Effect from "effect/Effect";
import * as Stream from "effect/Stream";
import assert from "node:assert/strict";
import { arrowRows, parquetRows } from "../../../../plugins/neural/data/columnar.ts";
import { checkArrow } from "../../../../plugins/neural/formats/arrow_check.ts";
import { editsOf, fixture, messageOf, survives } from "../hostile.ts";

Deno.test("files and streams that others wrote pass", () => {
  checkArrow(fixture("table-stream.arrow"));
  checkArrow(fixture("table-file.arrow"));
});

Deno.test("what is no Arrow, and what is cut off anywhere, is refused", () => {
  const stream = fixture("table-stream.arrow");
  assert.match(messageOf(() => checkArrow(new Uint8Array())), /does not begin here/u);
  assert.match(messageOf(() => checkArrow(fixture("grey.png"))), /does not begin here/u);
  assert.match(messageOf(() => checkArrow(stream.slice(0, 100))), /is not there/u);
  assert.match(messageOf(() => checkArrow(stream.slice(0, -12))), /cut off|does not begin|is not there/u);
  const file = fixture("table-file.arrow");
  assert.match(messageOf(() => checkArrow(file.slice(0, -1))), /no directory/u);
  assert.match(messageOf(() => checkArrow(file.slice(0, 8))), /no directory/u);
});

Deno.test("edited files and streams are taken or refused, never worse", async () => {
  await survives(fixture("table-stream.arrow"), 1_500, "arrow-stream", checkArrow);
  await survives(fixture("table-file.arrow"), 1_500, "arrow-file", checkArrow);
});

Deno.test("edited files that pass the look are read or refused by the reader, never worse", async () => {
  const codes = new Set<string>();
  for (
    const [name, read] of [["table-stream.arrow", arrowRows], ["table-file.arrow", arrowRows], [
      "table-snappy.parquet",
      parquetRows,
    ], ["table-plain.parquet", parquetRows]] as const
  ) {
    for (const bytes of editsOf(fixture(name), 100, `whole/${name}`)) {
      codes.add(
        await Effect.runPromise(
          Effect.match(Stream.runCollect(read(bytes)), { onFailure: ({ code }) => code, onSuccess: () => "taken" }),
        ),
      );
    }
  }
  const expected = ["taken", "NEURAL_DATA_MALFORMED", "NEURAL_DATA_LIMIT", "NEURAL_DATA_FORMAT"];
  assert.deepEqual([...codes].filter((code) => !expected.includes(code)), []);
});
