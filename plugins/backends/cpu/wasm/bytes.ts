/**
 * Bytes: a growing buffer that writes what a WebAssembly binary is made of.
 *
 * Not a module (assembler.ts) and not instructions.
 * Invariant: `length` bytes of `buffer` are written; the rest is room.
 *
 * @module
 */

const encoder = new TextEncoder();
const scratch = new DataView(new ArrayBuffer(8));

/** A growing byte buffer. */
export class Bytes {
  /** Room and what is written. */
  buffer: Uint8Array<ArrayBuffer>;
  /** How much is written. */
  length = 0;

  /** A buffer with room for some bytes. */
  constructor(room = 256) {
    this.buffer = new Uint8Array(room);
  }

  /** Makes room for more bytes. */
  reserve(more: number): void {
    if (this.length + more <= this.buffer.length) return;
    const larger = new Uint8Array(Math.max(this.buffer.length * 2, this.length + more));
    larger.set(this.buffer.subarray(0, this.length));
    this.buffer = larger;
  }

  /** One byte. */
  byte(value: number): void {
    if (this.length === this.buffer.length) this.reserve(1);
    this.buffer[this.length++] = value;
  }

  /** An unsigned number below 2^32, in LEB128. */
  unsigned(value: number): void {
    this.reserve(5);
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.buffer[this.length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.buffer[this.length++] = rest;
  }

  /** A signed 32-bit number, in LEB128. */
  signed(value: number): void {
    this.reserve(5);
    let rest = value | 0;
    while (rest < -0x40 || rest > 0x3f) {
      this.buffer[this.length++] = (rest & 0x7f) | 0x80;
      rest >>= 7;
    }
    this.buffer[this.length++] = rest & 0x7f;
  }

  /** A signed 64-bit number, in LEB128. */
  signed64(value: bigint): void {
    let rest = BigInt.asIntN(64, value);
    while (rest < -0x40n || rest > 0x3fn) {
      this.byte(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.byte(Number(rest & 0x7fn));
  }

  /** A binary32, little-endian. */
  float32(value: number): void {
    scratch.setFloat32(0, value, true);
    this.reserve(4);
    for (let i = 0; i < 4; i++) this.buffer[this.length++] = scratch.getUint8(i);
  }

  /** A binary64, little-endian. */
  float64(value: number): void {
    scratch.setFloat64(0, value, true);
    this.reserve(8);
    for (let i = 0; i < 8; i++) this.buffer[this.length++] = scratch.getUint8(i);
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array | Bytes): void {
    const source = bytes instanceof Bytes ? bytes.buffer.subarray(0, bytes.length) : bytes;
    this.reserve(source.length);
    this.buffer.set(source, this.length);
    this.length += source.length;
  }

  /** A name or other bytes, after their length. */
  sized(content: string | Uint8Array | Bytes): void {
    const bytes = typeof content === "string" ? encoder.encode(content) : content;
    this.unsigned(bytes.length);
    this.raw(bytes);
  }

  /** A copy of what is written. */
  copy(): Uint8Array<ArrayBuffer> {
    return this.buffer.slice(0, this.length);
  }
}
