/**
 * Arrow check: whether the messages of an Arrow stream can be what they say, before a reader that trusts them sees them.
 *
 * Source: Apache Arrow columnar format (Message.fbs, Schema.fbs), FlatBuffers binary format. Not a reader of values.
 * Invariant: every table, vector and buffer that a message names lies inside it, so what a reader makes is bounded by
 * the bytes that are there.
 *
 * @module
 */
import { dataLimit, malformedData } from "../failures.ts";

/** Most rows of a batch. */
export const MAX_BATCH_ROWS = 16_777_216;

/** Most tables of one message: they may be shared, so that following them all could go on for ever. */
const MAX_TABLES = 100_000;

const FILE_MAGIC = "ARROW1";
const BLOCK = 24;
const CONTINUATION = 0xffffffff;
const PREFIX = 8;
const ALIGNMENT = 8;
const PAIR = 16;

const refuse = (at: number, reason: string) => malformedData({ format: "Arrow", at: `byte ${at}`, reason });

/** What a field of a table is: bytes in place, text, a vector of elements of so many bytes, a table, several tables. */
type Kind =
  | { readonly kind: "inline"; readonly size: number }
  | { readonly kind: "text" }
  | { readonly kind: "vector"; readonly size: number }
  | { readonly kind: "table"; readonly of: () => Layout }
  | { readonly kind: "tables"; readonly of: () => Layout };

/** The fields of a table, in order; what is beyond them is not looked at by any reader. */
type Layout = ReadonlyArray<Kind>;

const inline = (size: number): Kind => ({ kind: "inline", size });
const text: Kind = { kind: "text" };
const vector = (size: number): Kind => ({ kind: "vector", size });
const table = (of: () => Layout): Kind => ({ kind: "table", of });
const tables = (of: () => Layout): Kind => ({ kind: "tables", of });

const KEY_VALUE: Layout = [text, text];
const INTEGER: Layout = [inline(4), inline(1)];
const DICTIONARY_ENCODING: Layout = [inline(8), table(() => INTEGER), inline(1), inline(2)];

/** Types whose tables hold more than numbers in place: by their number in the union. */
const TYPES: { readonly [type: number]: Layout } = {
  // Timestamp: unit, time zone. Union: mode, type ids.
  10: [inline(2), text],
  14: [inline(2), vector(4)],
};

/** Other types hold at most three numbers of at most four bytes. */
const PLAIN_TYPE: Layout = [];

const FIELD: Layout = [
  text,
  inline(1),
  inline(1),
  table(() => PLAIN_TYPE),
  table(() => DICTIONARY_ENCODING),
  tables(() => FIELD),
  tables(() => KEY_VALUE),
];
const SCHEMA: Layout = [inline(2), tables(() => FIELD), tables(() => KEY_VALUE), vector(8)];
const COMPRESSION: Layout = [inline(1), inline(1)];
const RECORD_BATCH: Layout = [inline(8), vector(PAIR), vector(PAIR), table(() => COMPRESSION), vector(8)];
const DICTIONARY_BATCH: Layout = [inline(8), table(() => RECORD_BATCH), inline(1)];

const FOOTER: Layout = [
  inline(2),
  table(() => SCHEMA),
  vector(BLOCK),
  vector(BLOCK),
  tables(() => KEY_VALUE),
];

const HEADERS: { readonly [type: number]: Layout } = { 1: SCHEMA, 2: DICTIONARY_BATCH, 3: RECORD_BATCH };

/** One message's flat buffer, every access of which is inside it. */
class Flat {
  readonly #view: DataView;
  readonly #base: number;
  #tables = 0;

  constructor(view: DataView, base: number) {
    this.#view = view;
    this.#base = base;
  }

  refuse(at: number, reason: string) {
    return refuse(this.#base + at, reason);
  }

  room(at: number, size: number, what: string): void {
    if (!(at >= 0 && size >= 0 && at + size <= this.#view.byteLength)) throw this.refuse(at, `${what} lies outside`);
  }

  u8(at: number): number {
    this.room(at, 1, "a number");
    return this.#view.getUint8(at);
  }

  u32(at: number): number {
    this.room(at, 4, "a number");
    return this.#view.getUint32(at, true);
  }

  count(at: number, what: string): number {
    this.room(at, 8, what);
    const value = this.#view.getBigInt64(at, true);
    if (value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER)) throw this.refuse(at, `${what} is ${value}`);
    return Number(value);
  }

  /** Where a field of a table lies; `undefined` where the table has none. */
  field(at: number, index: number): number | undefined {
    this.room(at, 4, "a table");
    const fields = at - this.#view.getInt32(at, true);
    this.room(fields, 4, "the fields of a table");
    const size = this.#view.getUint16(fields, true);
    this.room(fields, size, "the fields of a table");
    if (4 + 2 * index + 2 > size) return undefined;
    const offset = this.#view.getUint16(fields + 4 + 2 * index, true);
    return offset === 0 ? undefined : at + offset;
  }

  /** What a field that holds an offset points to. */
  target(at: number): number {
    return at + this.u32(at);
  }

  /** Where the elements of a vector begin, and how many there are. */
  vector(at: number, size: number): readonly [first: number, count: number] {
    const start = this.target(at);
    const count = this.u32(start);
    this.room(start + 4, count * size, "a vector");
    return [start + 4, count];
  }

  /** Looks at a table and at all that it leads to. */
  check(at: number, layout: Layout): void {
    if (++this.#tables > MAX_TABLES) throw this.refuse(at, `it has more than ${MAX_TABLES} tables`);
    layout.forEach((kind, index) => {
      const place = this.field(at, index);
      if (place === undefined) return;
      switch (kind.kind) {
        case "inline":
          this.room(place, kind.size, "a field");
          break;
        case "text":
          this.vector(place, 1);
          break;
        case "vector":
          this.vector(place, kind.size);
          break;
        case "table":
          this.check(this.target(place), kind.of());
          break;
        case "tables": {
          const [first, count] = this.vector(place, 4);
          for (let i = 0; i < count; i++) this.check(this.target(first + 4 * i), kind.of());
        }
      }
    });
    if (layout === FIELD) this.#checkType(at);
  }

  #checkType(at: number): void {
    const type = this.field(at, 2);
    const place = this.field(at, 3);
    const layout = type === undefined ? undefined : TYPES[this.u8(type)];
    if (place !== undefined && layout !== undefined) this.check(this.target(place), layout);
  }
}

/** What a batch declares, against the body that follows it. */
const checkBatch = (flat: Flat, at: number, body: number): void => {
  const rows = (place: number, what: string): void => {
    const count = flat.count(place, what);
    if (count > MAX_BATCH_ROWS) throw dataLimit({ what: "the rows of a batch", limit: MAX_BATCH_ROWS, found: count });
  };
  const [length, nodes, buffers, compression] = [0, 1, 2, 3].map((index) => flat.field(at, index));
  if (compression !== undefined) throw flat.refuse(at, "compressed buffers are not read");
  if (length !== undefined) rows(length, "a number of rows");
  if (nodes !== undefined) {
    const [first, count] = flat.vector(nodes, PAIR);
    for (let i = 0; i < count; i++) {
      rows(first + PAIR * i, "a number of values");
      rows(first + PAIR * i + 8, "a number of gaps");
    }
  }
  if (buffers === undefined) return;
  const [first, count] = flat.vector(buffers, PAIR);
  for (let i = 0; i < count; i++) {
    const from = flat.count(first + PAIR * i, "a buffer's place");
    const size = flat.count(first + PAIR * i + 8, "a buffer's size");
    if (from + size > body) throw flat.refuse(first + PAIR * i, `a buffer of ${size} bytes lies outside the body`);
  }
};

/** Checks the message at a place; where its body ends, or `undefined` where it is the end of the stream. */
const checkMessage = (bytes: Uint8Array, at: number, wanted?: Layout): number | undefined => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (at + PREFIX > bytes.length || view.getUint32(at, true) !== CONTINUATION) {
    throw refuse(at, "a message does not begin here");
  }
  const size = view.getUint32(at + 4, true);
  if (size === 0) return undefined;
  const start = at + PREFIX;
  if (size % ALIGNMENT !== 0 || start + size > bytes.length) {
    throw refuse(at, `a message of ${size} bytes is not there`);
  }
  const flat = new Flat(new DataView(bytes.buffer, bytes.byteOffset + start, size), start);
  const root = flat.target(0);
  const [type, header, length] = [1, 2, 3].map((index) => flat.field(root, index));
  const body = length === undefined ? 0 : flat.count(length, "a body's size");
  const layout = type === undefined ? undefined : HEADERS[flat.u8(type)];
  if (layout === undefined || header === undefined) throw refuse(at, "a message is neither schema nor batch");
  if (wanted !== undefined && layout !== wanted) {
    throw refuse(at, "a message is of another kind than its directory says");
  }
  if (start + size + body > bytes.length) throw refuse(at, "a body is cut off");
  const content = flat.target(header);
  flat.check(content, layout);
  if (layout === RECORD_BATCH) checkBatch(flat, content, body);
  if (layout === DICTIONARY_BATCH) {
    const batch = flat.field(content, 1);
    if (batch !== undefined) checkBatch(flat, flat.target(batch), body);
  }
  return start + size + body;
};

/** Checks the directory at a file's end and every message that it names. */
const checkFile = (bytes: Uint8Array): void => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = bytes.length - FILE_MAGIC.length - 4;
  const size = end < FILE_MAGIC.length ? -1 : view.getInt32(end, true);
  const start = end - size;
  if (size < 0 || start < FILE_MAGIC.length || !isFile(bytes.subarray(end + 4))) {
    throw refuse(Math.max(end, 0), "there is no directory at its end");
  }
  const flat = new Flat(new DataView(bytes.buffer, bytes.byteOffset + start, size), start);
  const root = flat.target(0);
  flat.check(root, FOOTER);
  for (const [index, wanted] of [[2, DICTIONARY_BATCH], [3, RECORD_BATCH]] as const) {
    const blocks = flat.field(root, index);
    if (blocks === undefined) continue;
    const [first, count] = flat.vector(blocks, BLOCK);
    for (let i = 0; i < count; i++) {
      const place = flat.count(first + BLOCK * i, "a block's place");
      if (checkMessage(bytes, place, wanted) === undefined) throw refuse(place, "a block holds no message");
    }
  }
};

const isFile = (bytes: Uint8Array): boolean =>
  new TextDecoder("latin1").decode(bytes.subarray(0, FILE_MAGIC.length)) === FILE_MAGIC;

/** Looks at every message of an Arrow file or stream; refuses what cannot be what it says. */
export const checkArrow = (bytes: Uint8Array): void => {
  if (isFile(bytes)) return checkFile(bytes);
  let at: number | undefined = 0;
  while (at !== undefined && (at === 0 || at < bytes.length)) at = checkMessage(bytes, at);
};
