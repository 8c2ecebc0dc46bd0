/**
 * Parquet check: whether the pages of a group of rows can be what they say, before a reader that trusts them sees them.
 *
 * Source: Apache Parquet format (parquet.thrift, Encodings.md), Thrift compact protocol. Not a reader of values.
 * Invariant: no run and no count of a page that passed is larger than the group has rows, so what a reader makes is
 * bounded by the rows that were allowed.
 *
 * @module
 */
import { dataLimit, malformedData } from "../failures.ts";

/** Most values of a group of rows, all columns together. */
export const MAX_GROUP_VALUES = 67_108_864;

/** Encodings whose values take no more room than their number: plain, dictionaries, runs, split bytes. */
const ENCODINGS: ReadonlySet<number> = new Set([0, 2, 3, 8, 9]);
const DICTIONARIES: ReadonlySet<number> = new Set([2, 8]);
const RUNS = 3;

const DATA_PAGE = 0;
const DICTIONARY_PAGE = 2;
const DATA_PAGE_V2 = 3;

/** Deepest nesting of a header. */
const MAX_DEPTH = 8;

/** Values that a packed run may have past the last one: it is filled up to whole groups of eight. */
const FILLING = 512;

/** A column's part of a group. */
export interface ColumnChunk {
  /** Where its first page begins. */
  readonly from: number;
  /** Its bytes. */
  readonly size: number;
  /** Levels of a value that may be absent. */
  readonly optional: number;
  /** Levels of a value that may be repeated. */
  readonly repeated: number;
  /** Whether its values are yes and no. */
  readonly boolean: boolean;
  /** Values that it declares. */
  readonly values: number;
  /** Expands a page to as many bytes as its header says; absent where pages are not packed. */
  readonly expand?: (packed: Uint8Array, size: number) => Uint8Array;
}

const refuse = (at: number, reason: string) => malformedData({ format: "Parquet", at: `byte ${at}`, reason });

type Fields = Map<number, number | Fields>;

/** Reads small numbers and headers; every access is inside the bytes. */
class Reading {
  readonly #bytes: Uint8Array;
  readonly #base: number;
  at: number;

  constructor(bytes: Uint8Array, at = 0, base = 0) {
    this.#bytes = bytes;
    this.at = at;
    this.#base = base;
  }

  refuse(reason: string) {
    return refuse(this.#base + this.at, reason);
  }

  byte(): number {
    if (this.at >= this.#bytes.length) throw this.refuse("it is cut off");
    return this.#bytes[this.at++];
  }

  skip(length: number): void {
    if (!(length >= 0 && this.at + length <= this.#bytes.length)) throw this.refuse(`${length} bytes are not there`);
    this.at += length;
  }

  u32(): number {
    this.skip(4);
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + this.at - 4, 4).getUint32(0, true);
  }

  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 63; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw this.refuse("a number is too long");
  }

  signed(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** A structure of the compact protocol: its numbers and structures by the number of the field. */
  struct(depth = 0): Fields {
    if (depth > MAX_DEPTH) throw this.refuse("it is nested too deeply");
    const fields: Fields = new Map();
    let id = 0;
    for (;;) {
      const head = this.byte();
      if (head === 0) return fields;
      id = head >> 4 === 0 ? this.signed() : id + (head >> 4);
      const value = this.#value(head & 15, depth);
      if (value !== undefined) fields.set(id, value);
    }
  }

  #value(type: number, depth: number): number | Fields | undefined {
    switch (type) {
      case 1:
      case 2:
        return 2 - type;
      case 3:
        return this.byte();
      case 4:
      case 5:
      case 6:
        return this.signed();
      case 7:
        this.skip(8);
        return undefined;
      case 8:
        this.skip(this.varint());
        return undefined;
      case 9: {
        const head = this.byte();
        const size = head >> 4 === 15 ? this.varint() : head >> 4;
        for (let i = 0; i < size; i++) {
          if ((head & 15) <= 2) this.skip(1);
          else this.#value(head & 15, depth + 1);
        }
        return undefined;
      }
      case 12:
        return this.struct(depth + 1);
      default:
        throw this.refuse(`there is no type ${type}`);
    }
  }

  /** Runs of numbers of so many bits, at most so many numbers together. */
  runs(width: number, count: number): void {
    if (width > 32) throw this.refuse(`numbers of ${width} bits`);
    for (let seen = 0; seen < count;) {
      const head = this.varint();
      const values = head % 2 === 1 ? (head - 1) / 2 * 8 : head / 2;
      seen += values;
      if (values === 0 || seen > count + (head % 2 === 1 ? FILLING : 0)) {
        throw this.refuse(`a run of ${values}, and ${count} values are declared`);
      }
      if (head % 2 === 0) this.skip(Math.ceil(width / 8));
      // A last group may be cut short: what is missing of it is not read.
      else this.at = Math.min(this.at + values / 8 * width, this.#bytes.length);
    }
  }

  /** Runs whose length in bytes stands before them. */
  measuredRuns(width: number, count: number): void {
    const length = this.u32();
    const end = this.at + length;
    this.runs(width, count);
    this.at = end;
    this.skip(0);
  }
}

const bitsFor = (levels: number): number => 32 - Math.clz32(levels);

const numberOf = (fields: Fields | undefined, id: number): number => {
  const value = fields?.get(id);
  return typeof value === "number" ? value : 0;
};

const structOf = (fields: Fields, id: number): Fields | undefined => {
  const value = fields.get(id);
  return typeof value === "object" ? value : undefined;
};

const checkValues = (reading: Reading, encoding: number, count: number, column: ColumnChunk): void => {
  if (DICTIONARIES.has(encoding)) {
    const width = reading.byte();
    if (width > 0 && count > 0) reading.runs(width, count);
  } else if (encoding === RUNS) {
    if (!column.boolean) throw reading.refuse("runs of anything but yes and no");
    if (count > 0) reading.measuredRuns(1, count);
  }
};

/** Checks a page of values; how many there are. */
const checkPage = (page: Uint8Array, header: Fields, column: ColumnChunk, at: number): number => {
  const second = numberOf(header, 1) === DATA_PAGE_V2;
  const fields = structOf(header, second ? 8 : 5);
  const count = numberOf(fields, 1);
  const encoding = numberOf(fields, second ? 4 : 2);
  if (fields === undefined || count < 0 || count > column.values) {
    throw refuse(at, `a page of ${count} values in a column of ${column.values}`);
  }
  if (!ENCODINGS.has(encoding)) throw refuse(at, `values of encoding ${encoding} are not read`);
  const { expand } = column;
  if (!second) {
    const reading = new Reading(expand === undefined ? page : expand(page, numberOf(header, 2)), 0, at);
    for (const levels of [column.repeated, column.optional]) {
      if (levels > 0 && count > 0) reading.measuredRuns(bitsFor(levels), count);
    }
    checkValues(reading, encoding, count, column);
    return count;
  }
  const [optional, repeated] = [numberOf(fields, 5), numberOf(fields, 6)];
  if (!(optional >= 0 && repeated >= 0 && optional + repeated <= page.length)) {
    throw refuse(at, "its levels are cut off");
  }
  const gaps = numberOf(fields, 2);
  if (!(gaps >= 0 && gaps <= count)) throw refuse(at, `${gaps} of ${count} values are absent`);
  if (column.repeated > 0) new Reading(page.subarray(0, repeated), 0, at).runs(bitsFor(column.repeated), count);
  if (column.optional > 0) {
    new Reading(page.subarray(repeated, repeated + optional), 0, at).runs(bitsFor(column.optional), count);
  }
  const packed = page.subarray(repeated + optional);
  const plain = expand === undefined || fields.get(7) === 0;
  const values = plain ? packed : expand(packed, numberOf(header, 2) - repeated - optional);
  checkValues(new Reading(values, 0, at), encoding, count - gaps, column);
  return count;
};

/** Looks at the pages of a column's part of a group; refuses what cannot be what it says. */
export const checkColumn = (bytes: Uint8Array, column: ColumnChunk): void => {
  const { from, size, values } = column;
  if (!(from >= 0 && size >= 0 && from + size <= bytes.length)) throw refuse(from, "a column lies outside the file");
  const reading = new Reading(bytes.subarray(0, from + size), from);
  let seen = 0;
  while (seen < values && reading.at < from + size) {
    const at = reading.at;
    const header = reading.struct();
    const start = reading.at;
    reading.skip(numberOf(header, 3));
    const page = bytes.subarray(start, reading.at);
    const type = numberOf(header, 1);
    if (type === DICTIONARY_PAGE) {
      const count = numberOf(structOf(header, 7), 1);
      const room = numberOf(header, 2) * 8;
      if (!(count >= 0 && count <= room)) throw refuse(at, `a dictionary of ${count} values in ${room} bits`);
    } else if (type === DATA_PAGE || type === DATA_PAGE_V2) seen += checkPage(page, header, column, start);
    else throw refuse(at, `pages of kind ${type} are not read`);
  }
  if (seen !== values) throw refuse(from, `a column declares ${values} values, and ${seen} are there`);
};

/** Refuses a group of more values than may be held. */
export const checkGroup = (rows: number, columns: ReadonlyArray<ColumnChunk>): void => {
  const total = columns.reduce((sum, { values }) => sum + values, 0);
  if (total > MAX_GROUP_VALUES) throw dataLimit({ what: "a group of rows", limit: MAX_GROUP_VALUES, found: total });
  for (const { from, values, repeated } of columns) {
    if (repeated === 0 && values !== rows) {
      throw refuse(from, `a column of ${values} values in a group of ${rows} rows`);
    }
  }
};
