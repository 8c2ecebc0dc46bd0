/**
 * Codec, version 2: canonical, compact, with shared sub-expressions sent once, attributes, named sizes, and weights that
 * can arrive piece by piece.
 *
 * A program is: `RMIL`, version as two bytes, number of names and the names (the empty one left out), number of weights
 * and their dtypes and sizes, length of the expression and the expression, then the data of the weights. So sizes are
 * known before data comes, and a reader of version 1 stops at the version.
 *
 * Not the expression's bytes (v2_writer.ts, v2_reader.ts) and not version 1 (v1.ts).
 * Invariant: a program has one spelling, which is its identity; whatever decodes is written back to the same bytes.
 *
 * @module
 */
import { type Digest, digestBytes } from "../../../kernel/digest.ts";
import type { Failure } from "../../../kernel/failure.ts";
import { DTYPES } from "../dtype.ts";
import type { Expression } from "../expression.ts";
import { badMagic, badSize, badText, trailingBytes, truncated, wrongVersion } from "../failures.ts";
import { Symbols } from "../symbols.ts";
import { type TensorValue, tensorValue } from "../value.ts";
import type { DecodeOptions, Program } from "./v1.ts";
import { Reader, readExpression } from "./v2_reader.ts";
import { Bytes, Weights, writeExpression, writeShape } from "./v2_writer.ts";
import { INLINE_BYTES, VERSION_2 } from "./wire.ts";

const MAGIC = Uint8Array.of(0x52, 0x4d, 0x49, 0x4c);

/** Largest program. */
export const MAX_PROGRAM_BYTES: number = 2 ** 31;

/** Encodes an expression without header. */
export const encodeExpression = (root: Expression): Uint8Array => {
  const into = new Bytes();
  writeExpression(into, root);
  return into.take();
};

/** Encodes a program. */
export const encodeProgram = ({ symbols, root }: Program): Uint8Array => {
  const weights = new Weights();
  const code = new Bytes();
  writeExpression(code, root, weights);
  const into = new Bytes();
  into.raw(MAGIC);
  into.u16(VERSION_2);
  into.integer(symbols.size - 1);
  for (const name of symbols.names.slice(1)) into.text(name);
  into.integer(weights.tensors.length);
  for (const { dtype, shape } of weights.tensors) {
    into.u8(DTYPES[dtype].code);
    writeShape(into, shape);
  }
  const bytes = code.take();
  into.integer(bytes.length);
  into.raw(bytes);
  for (const tensor of weights.tensors) into.raw(tensor.bytes);
  return into.take();
};

/** The identity of a program: the digest of its version 2 bytes. */
export const programDigest = (program: Program): Digest => digestBytes(encodeProgram(program));

/** Decodes an expression without header. Throws a failure whose path is the byte offset. */
export const decodeExpression = (bytes: Uint8Array, options: DecodeOptions = {}): Expression => {
  const { root, end } = readExpression(bytes, options, { symbols: Infinity });
  if (end < bytes.length) throw trailingBytes({ offset: end, count: bytes.length - end, path: `/${end}` });
  return root;
};

/** What a stream accepts. */
export interface StreamOptions extends DecodeOptions {
  /** Most bytes of the program; default {@link MAX_PROGRAM_BYTES}. */
  readonly maxBytes?: number;
}

const FIRST_ROOM = 1024;

/** Bytes that have arrived and were not read yet. */
class Pending {
  #bytes = new Uint8Array(FIRST_ROOM);
  #start = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  add(chunk: Uint8Array): void {
    if (this.#end + chunk.length > this.#bytes.length) {
      const room = this.length + chunk.length > this.#bytes.length / 2
        ? new Uint8Array((this.length + chunk.length) * 2)
        : this.#bytes;
      room.set(this.view(this.length));
      this.#end -= this.#start;
      this.#start = 0;
      this.#bytes = room;
    }
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** The next bytes, valid until more are added. */
  view(count: number): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#start + count);
  }

  drop(count: number): void {
    this.#start += count;
  }
}

interface Head {
  readonly dtype: TensorValue["dtype"];
  readonly shape: TensorValue["shape"];
  readonly length: number;
}

/**
 * Decodes a program that arrives in chunks of any size. Memory is bounded by what has arrived.
 *
 * @example
 * ```ts
 * import { encodeProgram, ProgramStream } from "./v2.ts";
 * import { parse } from "../library.ts";
 * const stream = new ProgramStream();
 * for (const byte of encodeProgram(parse("linear(64) >> relu"))) stream.push(Uint8Array.of(byte));
 * const program = stream.end();
 * console.log(program.root.depth);
 * ```
 */
export class ProgramStream {
  readonly #options: StreamOptions;
  readonly #limit: number;
  readonly #pending = new Pending();
  readonly #symbols = new Symbols();
  readonly #heads: Array<Head> = [];
  readonly #weights: Array<TensorValue> = [];
  #code: Uint8Array | undefined;
  #codeLength = 0;
  #expected = 0;
  #taken = 0;
  #failed: Failure | undefined;
  #program: Program | undefined;
  /** What comes next; answers whether it was there. */
  #next: (() => boolean) | undefined = () => this.#header();

  /** A stream of which nothing has arrived. */
  constructor(options: StreamOptions = {}) {
    this.#options = options;
    this.#limit = options.maxBytes ?? MAX_PROGRAM_BYTES;
  }

  /** Names so far: all of them once `sizes` are known. */
  get symbols(): Symbols {
    return this.#symbols;
  }

  /** Dtypes and sizes of the weights announced so far. */
  get weights(): ReadonlyArray<Omit<TensorValue, "k" | "bytes">> {
    return this.#heads;
  }

  /** Takes the next bytes. Throws as soon as they cannot be the beginning of a program, and from then on always. */
  push(chunk: Uint8Array): void {
    if (this.#failed !== undefined) throw this.#failed;
    try {
      this.#bound(this.#taken + this.#pending.length + chunk.length);
      this.#pending.add(chunk);
      while (this.#next?.());
      if (this.#next === undefined && this.#pending.length > 0) {
        throw trailingBytes({ offset: this.#taken, count: this.#pending.length, path: `/${this.#taken}` });
      }
    } catch (failure) {
      this.#failed = failure as Failure;
      throw failure;
    }
  }

  /** The program, when all of it was pushed. */
  end(): Program {
    if (this.#failed !== undefined) throw this.#failed;
    if (this.#program !== undefined) return this.#program;
    const offset = this.#taken + this.#pending.length;
    throw truncated({ offset, wanted: 1, path: `/${this.#taken}` });
  }

  #bound(size: number): void {
    if (size <= this.#limit) return;
    const reason = `the limit is ${this.#limit} bytes`;
    throw badSize({ what: "a program of bytes", size, reason, path: `/${this.#taken}`, expected: this.#limit });
  }

  /** Reads one part from what is there; waits where it is not there yet. Offsets in failures are moved to the program. */
  #read(part: (reader: Reader) => void): boolean {
    const reader = new Reader(this.#pending.view(this.#pending.length));
    try {
      part(reader);
    } catch (failure) {
      if ((failure as Failure).code === "RMIL_TRUNCATED") return false;
      throw failure;
    }
    this.#pending.drop(reader.at);
    this.#taken += reader.at;
    return true;
  }

  #header(): boolean {
    const start = this.#pending.view(Math.min(MAGIC.length, this.#pending.length));
    if (start.some((byte, index) => byte !== MAGIC[index])) throw badMagic({ path: "/0" });
    return this.#read((reader) => {
      reader.raw(MAGIC.length);
      const found = reader.u16();
      if (found !== VERSION_2) {
        throw wrongVersion({ found, supported: VERSION_2, path: "/4", expected: VERSION_2, actual: found });
      }
      this.#next = () => this.#nameCount();
    });
  }

  #nameCount(): boolean {
    return this.#read((reader) => {
      const count = reader.integer();
      this.#bound(this.#taken + count);
      this.#next = count === 0 ? () => this.#weightCount() : () => this.#name(count);
    });
  }

  #name(count: number): boolean {
    return this.#read((reader) => {
      const name = reader.text();
      if (this.#symbols.indexOf(name) !== undefined) {
        throw badText({ what: "symbol table", reason: `"${name}" stands twice`, path: `/${this.#taken}` });
      }
      this.#symbols.intern(name);
      if (this.#symbols.size > count) this.#next = () => this.#weightCount();
    });
  }

  #weightCount(): boolean {
    return this.#read((reader) => {
      const count = reader.integer();
      this.#bound(this.#taken + count);
      this.#next = count === 0 ? () => this.#codeSize() : () => this.#weightHead(count);
    });
  }

  #weightHead(count: number): boolean {
    return this.#read((reader) => {
      const head = reader.tensorHead();
      if (head.length <= INLINE_BYTES) {
        const reason = `tensors of up to ${INLINE_BYTES} bytes stand in the expression`;
        throw badSize({ what: "weight length", size: head.length, reason, path: `/${this.#taken}` });
      }
      this.#expected += head.length;
      this.#bound(this.#taken + this.#expected);
      if (this.#heads.push(head) === count) this.#next = () => this.#codeSize();
    });
  }

  #codeSize(): boolean {
    return this.#read((reader) => {
      this.#codeLength = reader.integer();
      this.#bound(this.#taken + this.#codeLength + this.#expected);
      this.#next = () => this.#codeBytes();
    });
  }

  #take(count: number): Uint8Array {
    const bytes = this.#pending.view(count).slice();
    this.#pending.drop(count);
    this.#taken += count;
    return bytes;
  }

  #codeBytes(): boolean {
    if (this.#pending.length < this.#codeLength) return false;
    this.#code = this.#take(this.#codeLength);
    this.#next = () => this.#weight();
    return true;
  }

  #weight(): boolean {
    const head = this.#heads[this.#weights.length];
    if (head === undefined) return this.#finish();
    if (this.#pending.length < head.length) return false;
    this.#weights.push(tensorValue(head.dtype, head.shape, this.#take(head.length)));
    return true;
  }

  #finish(): boolean {
    const code = this.#code!;
    const { root, end } = readExpression(code, this.#options, { symbols: this.#symbols.size, weights: this.#weights });
    if (end < code.length) throw trailingBytes({ offset: end, count: code.length - end, path: `/${end}` });
    this.#program = { symbols: this.#symbols, root };
    this.#next = undefined;
    return false;
  }
}

/** Decodes a program. Throws a failure whose path is the byte offset, counted from the expression where it is in that. */
export const decodeProgram = (bytes: Uint8Array, options: StreamOptions = {}): Program => {
  const stream = new ProgramStream(options);
  stream.push(bytes);
  return stream.end();
};
