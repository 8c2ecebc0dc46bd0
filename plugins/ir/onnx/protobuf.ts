/**
 * Protobuf: the wire format, read and written by tables of fields.
 *
 * Not a schema compiler: a message is a table (schema.ts), and only what the table names is read.
 * Invariant: any bytes give a message or a typed failure; memory is bounded by the bytes given and `MAX_RECORDS`.
 *
 * @module
 */
import { badOnnx } from "../failures.ts";

/** An integer of the wire: a bigint only where a number would lose it. */
export type WireInteger = number | bigint;

/** How one field is written. */
export type FieldKind = "int" | "float" | "double" | "string" | "bytes" | { readonly message: () => MessageTable };

/** One field: its name, kind, and whether it repeats. */
export interface Field {
  /** Its name in the decoded object. */
  readonly name: string;
  /** How it is written. */
  readonly kind: FieldKind;
  /** Whether it repeats. */
  readonly repeated: boolean;
}

/** Fields of a message by number. */
export type MessageTable = ReadonlyMap<number, Field>;

/** A decoded message; every repeated field of its table is there. */
export type Message = { readonly [name: string]: unknown };

/** Deepest nesting of messages. */
export const MAX_MESSAGE_DEPTH = 128;

/** Most messages and list entries of one document. */
export const MAX_RECORDS: number = 2 ** 24;

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;

const WIRE_OF = { int: VARINT, float: FIXED32, double: FIXED64, string: LENGTH, bytes: LENGTH } as const;

const wireOf = (kind: FieldKind): number => typeof kind === "object" ? LENGTH : WIRE_OF[kind];

/** Puts two 32-bit halves of a signed integer together. */
const joinHalves = (low: number, high: number): WireInteger => {
  const signed = (high | 0) * 4294967296 + (low >>> 0);
  if (Number.isSafeInteger(signed)) return signed;
  return BigInt.asIntN(64, (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0));
};

class Reader {
  private position: number;
  private readonly view: DataView;
  private static readonly text = new TextDecoder("utf-8", { fatal: true });

  constructor(
    private readonly bytes: Uint8Array,
    private readonly start: number,
    private readonly end: number,
    private readonly budget: { records: number },
    private readonly depth: number,
  ) {
    this.position = start;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (depth > MAX_MESSAGE_DEPTH) this.refuse(`messages nest deeper than ${MAX_MESSAGE_DEPTH}`);
  }

  private refuse(reason: string): never {
    throw badOnnx({ reason: `${reason} at byte ${this.position}` });
  }

  private spend(): void {
    if (--this.budget.records < 0) this.refuse(`more than ${MAX_RECORDS} records`);
  }

  private take(count: number): number {
    const at = this.position;
    if (count > this.end - at) this.refuse(`${count} bytes are announced and ${this.end - at} are left`);
    this.position += count;
    return at;
  }

  private varint(): WireInteger {
    let [low, high] = [0, 0];
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.bytes[this.take(1)];
      const part = byte & 127;
      if (shift < 28) low |= part << shift;
      else if (shift === 28) {
        low |= part << 28;
        high |= part >> 4;
      } else if (shift < 63) high |= part << (shift - 32);
      else high |= (part & 1) << 31;
      if (byte < 128) return joinHalves(low, high);
    }
    return this.refuse("an integer takes more than 10 bytes");
  }

  private length(): number {
    const count = this.varint();
    if (typeof count === "bigint" || count < 0) return this.refuse("a length is negative or too large");
    return count;
  }

  private scalar(kind: FieldKind): unknown {
    this.spend();
    if (kind === "int") return this.varint();
    if (kind === "float") return this.view.getFloat32(this.take(4), true);
    if (kind === "double") return this.view.getFloat64(this.take(8), true);
    const count = this.length();
    const at = this.take(count);
    if (typeof kind === "object") {
      return new Reader(this.bytes, at, at + count, this.budget, this.depth + 1).message(kind.message());
    }
    const part = this.bytes.subarray(at, at + count);
    if (kind === "bytes") return part;
    try {
      return Reader.text.decode(part);
    } catch {
      return this.refuse("a text is not UTF-8");
    }
  }

  private packed(kind: FieldKind, into: unknown[]): void {
    const count = this.length();
    const end = this.take(count) + count;
    const inner = new Reader(this.bytes, end - count, end, this.budget, this.depth);
    while (inner.position < inner.end) into.push(inner.scalar(kind));
  }

  private skip(wire: number): void {
    if (wire === VARINT) this.varint();
    else if (wire === FIXED64) this.take(8);
    else if (wire === LENGTH) this.take(this.length());
    else if (wire === FIXED32) this.take(4);
    else this.refuse(`wire type ${wire} is unknown`);
  }

  message(table: MessageTable): Message {
    const made: Record<string, unknown> = {};
    for (const field of table.values()) if (field.repeated) made[field.name] = [];
    while (this.position < this.end) {
      const key = this.varint();
      if (typeof key === "bigint" || key < 0) return this.refuse("a field number is out of range");
      const [number, wire] = [Math.floor(key / 8), key % 8];
      const field = table.get(number);
      if (field === undefined) {
        this.skip(wire);
        continue;
      }
      const wanted = wireOf(field.kind);
      if (field.repeated && wire === LENGTH && wanted !== LENGTH) {
        this.packed(field.kind, made[field.name] as unknown[]);
      } else if (wire !== wanted) {
        return this.refuse(`field ${field.name} has wire type ${wire}, not ${wanted}`);
      } else if (field.repeated) (made[field.name] as unknown[]).push(this.scalar(field.kind));
      else made[field.name] = this.scalar(field.kind);
    }
    return made;
  }
}

/** Reads a message; throws `IR_ONNX_FORMAT`. */
export const readMessage = (bytes: Uint8Array, table: MessageTable): Message =>
  new Reader(bytes, 0, bytes.length, { records: MAX_RECORDS }, 0).message(table);

/** Bytes in pieces, joined once at the end; a nested message's length is known only when it is done. */
class Writer {
  private readonly pieces: Uint8Array[] = [];
  private small: number[] = [];
  size = 0;
  private static readonly text = new TextEncoder();

  private flush(): void {
    if (this.small.length === 0) return;
    this.pieces.push(Uint8Array.from(this.small));
    this.small = [];
  }

  private varint(value: WireInteger): void {
    if (typeof value === "number" && value >= 0) {
      let rest = value;
      for (; rest > 127; rest = Math.floor(rest / 128)) this.byte((rest % 128) | 128);
      this.byte(rest);
      return;
    }
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest > 127n; rest >>= 7n) this.byte(Number(rest & 127n) | 128);
    this.byte(Number(rest));
  }

  private byte(value: number): void {
    this.small.push(value);
    this.size++;
  }

  private raw(bytes: Uint8Array): void {
    this.flush();
    this.pieces.push(bytes);
    this.size += bytes.length;
  }

  private append(other: Writer): void {
    other.flush();
    this.flush();
    for (const piece of other.pieces) this.pieces.push(piece);
    this.size += other.size;
  }

  private fixed(value: number, bytes: 4 | 8): void {
    const view = new DataView(new ArrayBuffer(bytes));
    if (bytes === 4) view.setFloat32(0, value, true);
    else view.setFloat64(0, value, true);
    for (let i = 0; i < bytes; i++) this.byte(view.getUint8(i));
  }

  private scalar(kind: FieldKind, value: unknown): void {
    if (kind === "int") return this.varint(value as WireInteger);
    if (kind === "float") return this.fixed(value as number, 4);
    if (kind === "double") return this.fixed(value as number, 8);
    if (typeof kind === "object") {
      const inner = new Writer();
      inner.message(kind.message(), value as Message);
      this.varint(inner.size);
      return this.append(inner);
    }
    const bytes = kind === "bytes" ? value as Uint8Array : Writer.text.encode(value as string);
    this.varint(bytes.length);
    this.raw(bytes);
  }

  message(table: MessageTable, message: Message): void {
    for (const [number, { name, kind, repeated }] of table) {
      const value = message[name];
      if (value === undefined) continue;
      const wire = wireOf(kind);
      if (!repeated) {
        this.varint(number * 8 + wire);
        this.scalar(kind, value);
        continue;
      }
      const items = value as ReadonlyArray<unknown>;
      if (items.length === 0) continue;
      if (wire === LENGTH) {
        for (const item of items) {
          this.varint(number * 8 + wire);
          this.scalar(kind, item);
        }
        continue;
      }
      const inner = new Writer();
      for (const item of items) inner.scalar(kind, item);
      this.varint(number * 8 + LENGTH);
      this.varint(inner.size);
      this.append(inner);
    }
  }

  bytes(): Uint8Array<ArrayBuffer> {
    this.flush();
    const made = new Uint8Array(this.size);
    let at = 0;
    for (const piece of this.pieces) {
      made.set(piece, at);
      at += piece.length;
    }
    return made;
  }
}

/** Writes a message; fields its table does not name are not written. */
export const writeMessage = (message: Message, table: MessageTable): Uint8Array<ArrayBuffer> => {
  const writer = new Writer();
  writer.message(table, message);
  return writer.bytes();
};
