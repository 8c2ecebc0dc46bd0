/**
 * Stream: a program of version 2 that arrives in chunks of any size, with its parts as they complete.
 *
 * Not the format (v2.ts, wire.ts).
 * Invariant: memory is bounded by what has arrived; what cannot be the beginning of a program is refused at the byte
 * where that shows, and from then on always.
 *
 * @module
 */
import type { Failure } from "../../../kernel/failure.ts";
import { Expression } from "../expression.ts";
import { badMagic, badSize, badText, trailingBytes, truncated, wrongVersion } from "../failures.ts";
import { Symbols } from "../symbols.ts";
import { type TensorValue, tensorValue, tupleValue, type Value } from "../value.ts";
import type { DecodeOptions, Program } from "./v1.ts";
import { checkSpelling, ExpressionReader } from "./v2_expression.ts";
import { Reader } from "./v2_reader.ts";
import { INLINE_BYTES, MAGIC, VERSION_2 } from "./wire.ts";

/** Largest program. */
export const MAX_PROGRAM_BYTES: number = 2 ** 31;

/** What a stream accepts. */
export interface StreamOptions extends DecodeOptions {
  /** Most bytes of the program; default {@link MAX_PROGRAM_BYTES}. */
  readonly maxBytes?: number;
  /**
   * Hears every sub-expression when its last byte has arrived, its parts before it, each once however often it stands in
   * the program; those that hold weights when the weights have. Whether the program is well-formed shows at its end.
   */
  readonly onExpression?: (node: Expression) => void;
  /** Hears every weight when its data has arrived. */
  readonly onWeight?: (index: number, tensor: TensorValue) => void;
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
  readonly #collected = new Pending();
  /** Weights without data, which stand in the expression until the data is there. */
  #stand: ReadonlyArray<TensorValue> = [];
  /** Expressions that hold weights, in the order in which they were read. */
  readonly #held: Array<Expression> = [];
  #code: ExpressionReader | undefined;
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
    // What is there and was not worth reading yet may be wrong before it is too short.
    if (this.#code !== undefined) this.#isRead(this.#code, true);
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
      const length = reader.integer();
      this.#bound(this.#taken + length + this.#expected);
      this.#openCode(length);
    });
  }

  #take(count: number): Uint8Array {
    const bytes = this.#pending.view(count).slice();
    this.#pending.drop(count);
    this.#taken += count;
    return bytes;
  }

  /** Starts on the expression: what weights it refers to is known, their data is not. */
  #openCode(length: number): void {
    this.#stand = this.#heads.map(({ dtype, shape }) => tensorValue(dtype, shape, NO_DATA));
    const { onExpression } = this.#options;
    this.#code = new ExpressionReader(NO_DATA, this.#options, {
      symbols: this.#symbols.size,
      weights: this.#stand,
      ...(onExpression === undefined ? {} : {
        heard: (node: Expression, isWeighted: boolean) => {
          if (isWeighted) this.#held.push(node);
          else onExpression(node);
        },
      }),
    }, length);
    this.#next = () => this.#codeBytes();
  }

  /** Reads as much of the expression as is there. Its bytes are kept: its spelling is judged at the end. */
  #codeBytes(): boolean {
    const code = this.#code!;
    const arrived = code.bytes.length;
    const count = Math.min(this.#pending.length, code.total - arrived);
    if (count === 0 && code.total > 0) return false;
    this.#collected.add(this.#pending.view(count));
    this.#pending.drop(count);
    this.#taken += count;
    code.bytes = this.#collected.view(arrived + count);
    if (!this.#isRead(code, false)) return false;
    this.#next = () => this.#weight();
    return true;
  }

  /** Reads on in the expression; whether it is complete. Where there is more than the expression, that is refused. */
  #isRead(code: ExpressionReader, atOnce: boolean): boolean {
    if (code.advance(atOnce) === undefined) return false;
    const left = code.total - code.at;
    if (left > 0) throw trailingBytes({ offset: code.at, count: left, path: `/${code.at}` });
    return true;
  }

  #weight(): boolean {
    const index = this.#weights.length;
    const head = this.#heads[index];
    if (head === undefined) return this.#finish();
    if (this.#pending.length < head.length) return false;
    const tensor = tensorValue(head.dtype, head.shape, this.#take(head.length));
    this.#weights.push(tensor);
    this.#options.onWeight?.(index, tensor);
    return true;
  }

  #finish(): boolean {
    const code = this.#code!;
    const filled = filling(new Map(this.#stand.map((stand, index) => [stand, this.#weights[index]])));
    const root = filled(code.root!);
    checkSpelling(code, root, this.#weights);
    for (const node of this.#held) this.#options.onExpression!(filled(node));
    this.#program = { symbols: this.#symbols, root };
    this.#next = undefined;
    return false;
  }
}

const NO_DATA = new Uint8Array();

/** Puts the data of weights in the place of what stood for them; shared parts stay shared, others stay as they are. */
const filling = (data: ReadonlyMap<Value, TensorValue>): (node: Expression) => Expression => {
  if (data.size === 0) return (node) => node;
  const done = new Map<Expression, Expression>();
  const value = (own: Value): Value => {
    if (own.k === "Tensor") return data.get(own) ?? own;
    if (own.k !== "Tuple") return own;
    const items = own.items.map(value);
    return items.every((item, index) => item === own.items[index]) ? own : tupleValue(items);
  };
  const fill = (node: Expression): Expression => {
    const known = done.get(node);
    if (known !== undefined) return known;
    const children = node.children.map(fill);
    const attributes = node.attributes.map(({ name, value: own }) => ({ name, value: value(own) }));
    const own = value(node.value);
    const isSame = own === node.value && children.every((child, index) => child === node.children[index]) &&
      attributes.every((attribute, index) => attribute.value === node.attributes[index].value);
    const made = isSame ? node : new Expression(node.tag, node.code, own, children, node.parameters, attributes);
    done.set(node, made);
    return made;
  };
  return fill;
};
