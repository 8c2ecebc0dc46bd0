/**
 * Columnar: rows of Parquet and Arrow files, a group of rows at a time, by the optional packages that read them.
 *
 * Invariant: what a file declares is held against its size before it is believed; whatever its reader throws is a
 * malformed file, never a crash.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Stream from "effect/Stream";
import type { KernelFailure } from "../../../kernel/mod.ts";
import { loadOptional } from "../../../registry/optional.ts";
import { badData, dataLimit, isNeuralFailure, malformedData, type NeuralFailure } from "../failures.ts";
import { checkArrow } from "../formats/arrow_check.ts";
import { checkColumn, checkGroup, type ColumnChunk } from "../formats/parquet_check.ts";
import type { Cell, Row } from "./table.ts";

/** Some rows of a table, and the names of its columns. */
export interface RowChunk {
  /** Names, in the order of the rows' cells. */
  readonly names: ReadonlyArray<string>;
  /** Rows. */
  readonly rows: ReadonlyArray<Row>;
}

/** The rows of a table. */
export type RowStream<R = never> = Stream.Stream<RowChunk, NeuralFailure | KernelFailure, R>;

/** Most rows of a group. */
export const MAX_GROUP_ROWS = 16_777_216;

/** Most bytes that a page expands to. */
export const MAX_PAGE_BYTES = 536_870_912;

/** Most characters of the rows that are handed on together. */
export const MAX_CHUNK_TEXT = 134_217_728;

/** Rows that are handed on together. */
const CHUNK_ROWS = 4_096;

/** How much larger than its packed form a page may be. */
const MAX_RATIO = 4_096;

const cellOf = (value: unknown): Cell => {
  if (value === null || value === undefined) return null;
  if (typeof value === "number" || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Date) return value.getTime();
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  // Lists and records are no cells: a column of them counts as one without values.
  return null;
};

/** Rows of values as rows of cells, with no more text than may be held. */
const cellsOf = (rows: ReadonlyArray<ReadonlyArray<unknown>>): ReadonlyArray<Row> => {
  let characters = 0;
  return rows.map((row) =>
    row.map((value) => {
      const cell = cellOf(value);
      if (typeof cell === "string") characters += cell.length;
      if (characters > MAX_CHUNK_TEXT) {
        throw dataLimit({ what: "the text of some rows", limit: MAX_CHUNK_TEXT, found: characters });
      }
      return cell;
    })
  );
};

const misread = (format: string) => (thrown: unknown): NeuralFailure =>
  isNeuralFailure(thrown) ? thrown : malformedData({
    format,
    at: "its content",
    reason: thrown instanceof Error ? thrown.message.slice(0, 200) : String(thrown),
  });

const streamed = (format: string, chunks: () => AsyncIterable<RowChunk>): RowStream =>
  Stream.suspend(() => Stream.fromAsyncIterable(chunks(), misread(format)));

interface SchemaNode {
  readonly element: { readonly name: string; readonly repetition_type?: string };
  readonly children: ReadonlyArray<SchemaNode>;
}

interface ColumnMeta {
  readonly type: string;
  readonly codec: string;
  readonly path_in_schema: ReadonlyArray<string>;
  readonly num_values: bigint;
  readonly total_uncompressed_size: bigint;
  readonly total_compressed_size: bigint;
  readonly data_page_offset: bigint;
  readonly dictionary_page_offset?: bigint;
}

interface Hyparquet {
  readonly parquetMetadata: (buffer: ArrayBuffer) => {
    readonly row_groups: ReadonlyArray<{
      readonly num_rows: bigint;
      readonly columns: ReadonlyArray<{ readonly meta_data?: ColumnMeta }>;
    }>;
  };
  readonly parquetSchema: (metadata: unknown) => SchemaNode;
  readonly parquetRead: (options: {
    readonly file: { readonly byteLength: number; readonly slice: (from: number, to?: number) => ArrayBuffer };
    readonly metadata: unknown;
    readonly rowStart: number;
    readonly rowEnd: number;
    readonly compressors: Decompressors;
    readonly onComplete: (rows: ReadonlyArray<ReadonlyArray<unknown>>) => void;
  }) => Promise<void>;
  readonly snappyUncompress: (input: Uint8Array, output: Uint8Array) => void;
}

type Decompress = (input: Uint8Array, length: number) => Uint8Array;
type Decompressors = { readonly [codec: string]: Decompress };

/** A page is not given room for more than its packed form can hold. */
const bounded = (codec: string, decompress: Decompress): Decompress => (input, length) => {
  const limit = Math.min(MAX_PAGE_BYTES, input.length * MAX_RATIO);
  if (!(length >= 0 && length <= limit)) {
    throw dataLimit({ what: `a page packed by ${codec}`, limit, found: length });
  }
  return decompress(input, length);
};

/** Codecs that need a package of their own. */
const FURTHER_CODECS = ["GZIP", "BROTLI", "LZ4", "LZ4_RAW", "ZSTD"];

const decompressorsOf = (reader: Hyparquet, further: Decompressors): Decompressors => ({
  SNAPPY: bounded("snappy", (input, length) => {
    const output = new Uint8Array(length);
    reader.snappyUncompress(input, output);
    return output;
  }),
  ...Object.fromEntries(
    FURTHER_CODECS.filter((codec) => Object.hasOwn(further, codec))
      .map((codec) => [codec, bounded(codec, further[codec])]),
  ),
});

/** How often a path of the schema may be absent or repeated on its way. */
const levelsOf = (schema: SchemaNode, path: ReadonlyArray<string>) => {
  let node = schema;
  let optional = 0;
  let repeated = 0;
  for (const name of path) {
    const next = node.children.find(({ element }) => element.name === name);
    if (next === undefined) throw malformedData({ format: "Parquet", at: "its schema", reason: `there is no ${name}` });
    if (next.element.repetition_type !== "REQUIRED") optional++;
    if (next.element.repetition_type === "REPEATED") repeated++;
    node = next;
  }
  return { optional, repeated };
};

const chunkOf = (meta: ColumnMeta | undefined, schema: SchemaNode, compressors: Decompressors): ColumnChunk => {
  if (meta === undefined) throw malformedData({ format: "Parquet", at: "a column", reason: "it lies in another file" });
  const { codec, data_page_offset: data, dictionary_page_offset: dictionary } = meta;
  if (codec !== "UNCOMPRESSED" && !Object.hasOwn(compressors, codec)) {
    throw badData({
      what: "the Parquet file",
      reason: `it is packed by ${codec}, which takes the package hyparquet-compressors`,
      fix: { summary: "Install it", command: "rmi install hyparquet-compressors" },
    });
  }
  return {
    // The dictionary, where there is one, stands before the values.
    from: Number(dictionary === undefined || dictionary === 0n || dictionary > data ? data : dictionary),
    size: Number(meta.total_compressed_size),
    values: Number(meta.num_values),
    boolean: meta.type === "BOOLEAN",
    ...levelsOf(schema, meta.path_in_schema),
    ...(codec === "UNCOMPRESSED" ? {} : { expand: compressors[codec] }),
  };
};

async function* parquetChunks(bytes: Uint8Array, reader: Hyparquet, further: Decompressors): AsyncIterable<RowChunk> {
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  const metadata = reader.parquetMetadata(buffer);
  const schema = reader.parquetSchema(metadata);
  const names = schema.children.map(({ element }) => element.name);
  const compressors = decompressorsOf(reader, further);
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rows = Number(group.num_rows);
    if (!(rows >= 0 && rows <= MAX_GROUP_ROWS)) {
      throw dataLimit({ what: "a group of rows", limit: MAX_GROUP_ROWS, found: rows });
    }
    const columns = group.columns.map(({ meta_data: meta }) => chunkOf(meta, schema, compressors));
    checkGroup(rows, columns);
    for (const column of columns) checkColumn(bytes, column);
    let read: ReadonlyArray<ReadonlyArray<unknown>> = [];
    await reader.parquetRead({
      file: { byteLength: buffer.byteLength, slice: (from, to) => buffer.slice(from, to) },
      metadata,
      rowStart,
      rowEnd: rowStart + rows,
      compressors,
      onComplete: (complete) => read = complete,
    });
    if (read.length !== rows) {
      throw malformedData({
        format: "Parquet",
        at: "a group",
        reason: `it declares ${rows} rows and has ${read.length}`,
      });
    }
    rowStart += rows;
    for (let from = 0; from < rows; from += CHUNK_ROWS) {
      yield { names, rows: cellsOf(read.slice(from, from + CHUNK_ROWS).map((row) => names.map((_, i) => row[i]))) };
    }
  }
  if (metadata.row_groups.length === 0) yield { names, rows: [] };
}

/** The rows of a Parquet file. */
export const parquetRows = (bytes: Uint8Array): RowStream =>
  Stream.unwrap(Effect.gen(function* () {
    const reader = yield* loadOptional<Hyparquet>("hyparquet");
    // Without it a file packed by another codec is refused by name.
    const further = yield* Effect.orElseSucceed(
      loadOptional<{ readonly compressors: Decompressors }>("hyparquet-compressors"),
      () => ({ compressors: {} }),
    );
    return streamed("Parquet", () => parquetChunks(bytes, reader, further.compressors));
  }));

interface Arrow {
  readonly tableFromIPC: (bytes: Uint8Array) => {
    readonly schema: { readonly fields: ReadonlyArray<{ readonly name: string }> };
    readonly batches: ReadonlyArray<{
      readonly numRows: number;
      readonly getChildAt: (index: number) => { readonly get: (row: number) => unknown } | null;
    }>;
  };
}

async function* arrowChunks(bytes: Uint8Array, { tableFromIPC }: Arrow): AsyncIterable<RowChunk> {
  checkArrow(bytes);
  const { schema, batches } = tableFromIPC(bytes);
  const names = schema.fields.map(({ name }) => name);
  let rows = 0;
  for (const batch of batches) {
    rows += batch.numRows;
    // A row takes a bit at least: more rows than that are declared, not there.
    const limit = Math.min(MAX_GROUP_ROWS, bytes.length * 8);
    if (!(batch.numRows >= 0 && rows <= limit)) throw dataLimit({ what: "the rows of a batch", limit, found: rows });
    const columns = names.map((_, i) => batch.getChildAt(i));
    for (let from = 0; from < batch.numRows; from += CHUNK_ROWS) {
      const length = Math.min(CHUNK_ROWS, batch.numRows - from);
      const values = (i: number) => columns.map((column) => column?.get(from + i));
      yield { names, rows: cellsOf(Array.from({ length }, (_, i) => values(i))) };
    }
  }
  if (rows === 0) yield { names, rows: [] };
}

/** The rows of an Arrow file or stream. */
export const arrowRows = (bytes: Uint8Array): RowStream =>
  Stream.unwrap(
    Effect.map(loadOptional<Arrow>("apache-arrow"), (arrow) => streamed("Arrow", () => arrowChunks(bytes, arrow))),
  );
