/**
 * CSV rows: the records of a text as the rows of a table, with names from its first record where that holds names.
 *
 * Invariant: every row has as many cells as the first; one that has not is named by its number.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import * as Stream from "effect/Stream";
import type { KernelFailure } from "../../../kernel/mod.ts";
import { attemptEffect, malformedData, type NeuralFailure } from "../failures.ts";
import type { RowChunk, RowStream } from "./columnar.ts";
import { CsvReader, delimiterOf } from "./csv.ts";
import { isGap, numberOf } from "./table.ts";

/** How a text of records is meant. */
export interface CsvOptions {
  /** What stands between fields; default: what the first line has most of. */
  readonly delimiter?: string;
  /** Whether the first record holds names; default: where not all of it are numbers. */
  readonly header?: boolean;
}

/** Fields of {@link CsvOptions}, for inputs of operations. */
export const CSV_FIELDS = {
  delimiter: Schema.optionalKey(
    Schema.String.annotate({ description: "between fields; default what line 1 has most" }),
  ),
  header: Schema.optionalKey(
    Schema.Boolean.annotate({ description: "whether the first record holds names; default unless it is all numbers" }),
  ),
} as const;

/** Bytes in which the first line, and with it the delimiter, is looked for. */
const SNIFFED = 65_536;

const LF = 10;
const CR = 13;

const joined = (one: Uint8Array, other: Uint8Array): Uint8Array => {
  const made = new Uint8Array(one.length + other.length);
  made.set(one);
  made.set(other, one.length);
  return made;
};

class Records {
  readonly #options: CsvOptions;
  #reader: CsvReader | undefined;
  #first: Uint8Array = new Uint8Array();
  #names: ReadonlyArray<string> | undefined;
  #record = 0;

  constructor(options: CsvOptions) {
    this.#options = options;
  }

  push(bytes: Uint8Array): ReadonlyArray<RowChunk> {
    if (this.#reader !== undefined) return this.#chunk(this.#reader.push(bytes));
    this.#first = joined(this.#first, bytes);
    const whole = this.#options.delimiter !== undefined || this.#first.length >= SNIFFED ||
      this.#first.some((byte) => byte === LF || byte === CR);
    return whole ? this.#chunk(this.#start()) : [];
  }

  end(): ReadonlyArray<RowChunk> {
    const first = this.#reader === undefined ? this.#start() : [];
    const made = this.#chunk([...first, ...this.#reader!.end()]);
    if (this.#names === undefined) throw malformedData({ format: "CSV", at: "row 1", reason: "there is no record" });
    return made;
  }

  /** Begins with the first line, which tells the delimiter. */
  #start(): ReadonlyArray<ReadonlyArray<string>> {
    const text = new TextDecoder().decode(this.#first.subarray(0, SNIFFED));
    this.#reader = new CsvReader(this.#options.delimiter ?? delimiterOf(text));
    return this.#reader.push(this.#first);
  }

  #chunk(records: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<RowChunk> {
    let rows = records;
    if (this.#names === undefined && records.length > 0) {
      const [first] = records;
      const header = this.#options.header ?? first.some((cell) => isGap(cell) || Number.isNaN(numberOf(cell)));
      this.#names = first.map((cell, i) => header && cell.trim() !== "" ? cell.trim() : `column ${i + 1}`);
      if (header) {
        rows = records.slice(1);
        this.#record = 1;
      }
    }
    for (const row of rows) {
      this.#record++;
      if (row.length === this.#names!.length) continue;
      throw malformedData({
        format: "CSV",
        at: `record ${this.#record}`,
        reason: `it has ${row.length} fields, and the first has ${this.#names!.length}`,
      });
    }
    return this.#names === undefined ? [] : [{ names: this.#names, rows }];
  }
}

/** Marks the end of the parts. */
const END = Symbol("end");

/** The rows of a text that comes in parts. */
export const csvRows = <R>(
  parts: Stream.Stream<Uint8Array, NeuralFailure | KernelFailure, R>,
  options: CsvOptions,
): RowStream<R> =>
  Stream.mapAccumEffect(
    Stream.concat(parts, Stream.succeed(END)),
    () => new Records(options),
    (records, part) =>
      attemptEffect(() =>
        [records, typeof part === "symbol" ? records.end() : records.push(part as Uint8Array)] as const
      ),
  );
