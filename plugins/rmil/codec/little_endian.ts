/**
 * Little endian: numbers written low byte first, into bytes of known length or into room that is kept between uses.
 *
 * Not a format (v1_writer.ts, ../hash.ts): this knows no fields.
 * Invariant: what was written is copied before anybody sees it; room that a large program needed is given back.
 *
 * @module
 */
import type { Failure } from "../../../kernel/mod.ts";

const U32 = 4294967296;

/** Writes into bytes that are long enough. */
export class LittleEndian {
  /** Where it writes. */
  readonly bytes: Uint8Array;
  /** The next byte. */
  at: number;

  /** Starts at a place. */
  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  /** One byte. */
  u8(value: number): void {
    this.bytes[this.at++] = value;
  }

  /** Two bytes. */
  u16(value: number): void {
    this.bytes[this.at++] = value;
    this.bytes[this.at++] = value >>> 8;
  }

  /** Four bytes, of the low 32 bits. */
  u32(value: number): void {
    this.u16(value);
    this.u16(value >>> 16);
  }

  /** Eight bytes of an integer from 0 to 2^53. */
  u64(value: number): void {
    this.u32(value % U32);
    this.u32(value / U32);
  }

  /** Eight bytes of an integer from 0 to below 2^64. */
  long(value: bigint): void {
    this.u32(Number(BigInt.asUintN(32, value)));
    this.u32(Number(value >> 32n));
  }

  /** Data as it is. */
  raw(data: Uint8Array): void {
    this.bytes.set(data, this.at);
    this.at += data.length;
  }
}

const FIRST_ROOM = 4096;
/** More is given back after a large program. */
const KEPT_ROOM: number = 2 ** 20;

/** Room for bytes whose number shows while they are written. */
export class Room {
  /** The room as bytes. */
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(FIRST_ROOM);
  /** The same as numbers. */
  view: DataView = new DataView(this.bytes.buffer);
  /** The same as 32-bit words. */
  words: Int32Array = new Int32Array(this.bytes.buffer);
  readonly #most: number;
  readonly #refuse: (size: number) => Failure;

  /** Room of at most so many bytes; `refuse` gives the failure for more. */
  constructor(most: number, refuse: (size: number) => Failure) {
    this.#most = most;
    this.#refuse = refuse;
  }

  /** Makes room for so many bytes in all; what was written stays, under new views. */
  reserve(size: number): void {
    if (size <= this.bytes.length) return;
    if (size > this.#most) throw this.#refuse(size);
    const grown = new Uint8Array(Math.ceil(Math.max(size, 2 * this.bytes.length) / 8) * 8);
    grown.set(this.bytes);
    this.#use(grown);
  }

  /** Gives back what only a large program needed. */
  release(): void {
    if (this.bytes.length > KEPT_ROOM) this.#use(new Uint8Array(FIRST_ROOM));
  }

  #use(bytes: Uint8Array<ArrayBuffer>): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
    this.words = new Int32Array(bytes.buffer);
  }
}
