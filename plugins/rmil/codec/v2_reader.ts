/**
 * Reader: the parts of version 2: numbers, texts, sizes and types, read with bounds on everything.
 *
 * Not expressions (v2_expression.ts) and not the program around them (v2.ts). The format is described in wire.ts.
 * Invariant: nothing is read twice or beyond the end, and no count exceeds the bytes that are still to come.
 *
 * @module
 */
import { type Dtype, dtypeOf, DTYPES } from "../dtype.ts";
import { badSize, badTag, badText, notCanonical, tooDeep, truncated } from "../failures.ts";
import { type Dimension, fn, MAX_NESTING, scalar, sizeOf, SYMBOL, tensor, tuple, type Type, VOID } from "../types.ts";
import { MAX_NAME_BYTES, SizeLead, TypeLead } from "./wire.ts";

/** Largest symbol or id. */
export const MAX_U32 = 0xffffffff;
const GROUP = 0x80;
const GROUP_BITS = 7n;
const LONG_GROUPS = 10;
const DTYPE_BITS = 0x1f;

/** Thrown by a reader whose next bytes are announced and have not arrived. */
export const WAITING = Symbol("waiting for bytes");

/** Reads the parts that expressions and programs are made of. */
export class Reader {
  /** Where it reads: what has arrived. */
  bytes: Uint8Array;
  /** The next byte. */
  at = 0;
  /** How many bytes there will be. */
  readonly total: number;

  /** Reads bytes, of which more may arrive where `total` says so. */
  constructor(bytes: Uint8Array, total: number = bytes.length) {
    this.bytes = bytes;
    this.total = total;
  }

  /** Refuses to go on with fewer bytes to come; throws {@link WAITING} where they are only not there yet. */
  need(count: number): void {
    if (count <= this.bytes.length - this.at) return;
    this.#announced(count);
    throw WAITING;
  }

  #announced(count: number): void {
    const left = this.total - this.at;
    if (count > left) throw truncated({ offset: this.total, wanted: count - left, path: `/${this.at}` });
  }

  /** One byte. */
  u8(): number {
    if (this.at >= this.bytes.length) this.need(1);
    return this.bytes[this.at++];
  }

  /** Two bytes, the low one first. */
  u16(): number {
    const low = this.u8();
    return low | (this.u8() << 8);
  }

  /** Four bytes, the low one first, signed. */
  i32(): number {
    const low = this.u16();
    return low | (this.u16() << 16);
  }

  /** An integer from 0. */
  integer(): number {
    const start = this.at;
    let byte = this.u8();
    if (byte < GROUP) return byte;
    let value = byte - GROUP;
    let unit = GROUP;
    do {
      byte = this.u8();
      value += (byte % GROUP) * unit;
      unit *= GROUP;
      if (!Number.isSafeInteger(value)) {
        throw badSize({ what: "integer", size: "of more than 53 bits", reason: "none needs them", path: `/${start}` });
      }
    } while (byte >= GROUP && unit <= Number.MAX_SAFE_INTEGER);
    if (byte === 0 || byte >= GROUP) this.otherwise(start, "an integer takes more bytes than it needs");
    return value;
  }

  /** A signed 64-bit integer. */
  signed(): bigint {
    const value = this.long();
    return (value >> 1n) ^ -(value & 1n);
  }

  /** A 64-bit integer from 0. */
  long(): bigint {
    const start = this.at;
    let value = 0n;
    for (let group = 0; group < LONG_GROUPS; group++) {
      const byte = this.u8();
      value |= BigInt(byte % GROUP) << (GROUP_BITS * BigInt(group));
      if (byte >= GROUP) continue;
      if (group > 0 && byte === 0) this.otherwise(start, "an integer takes more bytes than it needs");
      if (value !== BigInt.asUintN(64, value)) break;
      return value;
    }
    throw badSize({ what: "integer", size: "of more than 64 bits", reason: "none has them", path: `/${start}` });
  }

  /** A count of things that take at least one byte each. */
  count(): number {
    const count = this.integer();
    this.#announced(count);
    return count;
  }

  /** A number that lies in low bits, or in them and after them. */
  low(byte: number, low: number): number {
    const value = byte & low;
    return value < low ? value : low + this.integer();
  }

  /** A copy of the next bytes. */
  raw(length: number): Uint8Array {
    this.need(length);
    this.at += length;
    return this.bytes.slice(this.at - length, this.at);
  }

  /** A text. */
  text(): string {
    const start = this.at;
    const length = this.integer();
    if (length > MAX_NAME_BYTES) {
      throw badSize({ what: "name length", size: length, reason: `the limit is ${MAX_NAME_BYTES}`, path: `/${start}` });
    }
    this.need(length);
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.raw(length));
    } catch {
      throw badText({ what: "name", reason: "it is not UTF-8", path: `/${start}` });
    }
  }

  /** Refuses the byte that was read last. */
  tag(what: string): never {
    throw badTag({ what, byte: this.bytes[this.at - 1], offset: this.at - 1, path: `/${this.at - 1}` });
  }

  /** Refuses a second way to say something. */
  otherwise(offset: number, what: string): never {
    throw notCanonical({ what, offset, path: `/${offset}` });
  }

  /** A dtype's code. */
  dtype(): Dtype {
    return dtypeOf(this.u8()) ?? this.tag("dtype");
  }

  /** Sizes. */
  shape(): ReadonlyArray<Dimension> {
    const rank = this.count();
    const shape: Array<Dimension> = [];
    for (let axis = 0; axis < rank; axis++) {
      const size = this.long();
      if (size >= SizeLead.known) shape.push(sizeOf(size - BigInt(SizeLead.known)));
      else shape.push(Number(size) === SizeLead.dynamic ? null : this.text());
    }
    return shape;
  }

  /** The dtype, sizes and data length of a tensor. */
  tensorHead(): { readonly dtype: Dtype; readonly shape: ReadonlyArray<Dimension>; readonly length: number } {
    const start = this.at;
    const dtype = this.dtype();
    const shape = this.shape();
    const length = shape.reduce<number>(
      (total, size) => typeof size === "number" ? total * size : NaN,
      DTYPES[dtype].bytes,
    );
    if (Number.isSafeInteger(length)) return { dtype, shape, length };
    throw badSize({
      what: "tensor length",
      size: String(length),
      reason: "its sizes must be known",
      path: `/${start}`,
    });
  }

  #types(nesting: number): ReadonlyArray<Type> {
    const count = this.count();
    const types: Array<Type> = [];
    for (let i = 0; i < count; i++) types.push(this.type(nesting + 1));
    return types;
  }

  #id(): number {
    const start = this.at;
    const id = this.integer();
    if (id <= MAX_U32) return id;
    throw badSize({ what: "id", size: id, reason: "it does not fit 32 bits", path: `/${start}` });
  }

  /** A type. */
  type(nesting: number): Type {
    if (nesting > MAX_NESTING) throw tooDeep({ what: "type", limit: MAX_NESTING, path: `/${this.at}` });
    const lead = this.u8();
    switch (lead) {
      case TypeLead.void:
        return VOID;
      case TypeLead.symbol:
        return SYMBOL;
      case TypeLead.fn:
        return fn(this.#types(nesting), this.#types(nesting));
      case TypeLead.tuple:
        return tuple(this.#types(nesting));
      case TypeLead.union:
        return { k: "Union", items: this.#types(nesting) };
      case TypeLead.variable:
        return { k: "Var", id: this.#id() };
      case TypeLead.opaque:
        return { k: "Opaque", id: this.#id() };
    }
    const dtype = dtypeOf(lead & DTYPE_BITS);
    if (dtype === undefined || lead > TypeLead.void) return this.tag("type");
    return lead < TypeLead.tensor ? scalar(dtype) : tensor(dtype, this.shape());
  }
}
