/**
 * Tests of data/columnar.ts on files that the Rust implementation of Parquet and Arrow wrote.
 */
import * as Effect from "effect/Effect";
import * as Stream from "effect/Stream";
import assert from "node:assert/strict";
import { arrowRows, parquetRows, type RowStream } from "../../../../plugins/neural/data/columnar.ts";
import { fixture } from "../hostile.ts";

const NAMES = ["whole", "big", "number", "name", "yes"];

/** The table that the fixtures hold: 25 rows, in groups of ten where the format has groups. */
const EXPECTED = Array.from({ length: 25 }, (_, i) => [
  i,
  i * 1_000,
  i / 4,
  i === 3 ? null : ["red", "green", "blue"][i % 3],
  i % 2 === 0,
]);

const collect = async (rows: RowStream) => {
  const chunks = await Effect.runPromise(Stream.runCollect(rows));
  return { names: chunks[0].names, rows: chunks.flatMap((chunk) => chunk.rows) };
};

for (const codec of ["plain", "snappy", "gzip", "zstd", "brotli", "lz4"]) {
  Deno.test(`a Parquet file packed by ${codec} is read`, async () => {
    assert.deepEqual(await collect(parquetRows(fixture(`table-${codec}.parquet`))), { names: NAMES, rows: EXPECTED });
  });
}

for (const form of ["stream", "file"]) {
  Deno.test(`an Arrow ${form} is read`, async () => {
    assert.deepEqual(await collect(arrowRows(fixture(`table-${form}.arrow`))), { names: NAMES, rows: EXPECTED });
  });
}

const outcome = (rows: RowStream): Promise<string> =>
  Effect.runPromise(
    Effect.match(Stream.runCollect(rows), { onFailure: ({ code }) => code, onSuccess: () => "taken" }),
  );

Deno.test("files that are none of theirs are refused", async () => {
  for (const bytes of [new Uint8Array(), new TextEncoder().encode("PAR1 nothing PAR1"), fixture("grey.png")]) {
    assert.equal(await outcome(parquetRows(bytes)), "NEURAL_DATA_MALFORMED");
  }
  assert.equal(await outcome(arrowRows(new TextEncoder().encode("ARROW1 nothing ARROW1"))), "NEURAL_DATA_MALFORMED");
});
