/**
 * Binary: programs as few bytes, one spelling each, and read back whatever the bytes are.
 *
 * Not the identity of a program (hash.ts: names and locations have no part in that) and not a text for people (text.ts).
 * Layout: magic, version, functions, entry. Numbers are varints (seven bits a byte, low first, no needless byte); a text or
 * a type is written once and then named by its place; operands and functions are counted back from where they are used.
 * Invariant: decode(encode(p)) has the same functions, types, constants, names and locations as p, and whatever decodes
 * encodes to the same bytes. Work and memory are bounded by the length of the input.
 *
 * @module
 */
import { makeProgram } from "./check.ts";
import type { Dimension } from "./dimension.ts";
import { badBinary, badValue, overLimit } from "./failures.ts";
import type { Attribute, Attributes, IrFunction, Node, Program } from "./graph.ts";
import type { Constraint } from "./solver.ts";
import { MAX_ATTRIBUTE_DEPTH } from "./text.ts";
import { isDtype, MAX_RANK, printType, type TensorType, tensorType } from "./types.ts";
import { elementCount, fromBytes, isTensor, packedBytes, type Tensor, toBytes } from "./value.ts";

/** Most bytes of an encoded program. */
export const MAX_PROGRAM_BYTES: number = 2 ** 28;

/** Most characters of all types of a program, each counted wherever it is used. */
export const MAX_TYPE_CHARACTERS: number = 2 ** 24;

const MAGIC: ReadonlyArray<number> = [0x52, 0x4d, 0x49, 0x52];

/** Version of the layout. */
export const BINARY_VERSION = 1;

/** Tags of attribute values. */
const TAG = { natural: 0, negative: 1, float: 2, text: 3, no: 4, yes: 5, list: 6, tensor: 7 } as const;

/** Tags of dimensions. */
const SIZE = { text: 0, natural: 1, negative: 2 } as const;

const FIRST_CAPACITY = 1024;
const FLOAT_BYTES = 8;

const isNatural = (value: number): boolean => Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0);

class ByteSink {
  private bytes = new Uint8Array(FIRST_CAPACITY);
  private length = 0;

  private room(count: number): void {
    if (this.length + count > MAX_PROGRAM_BYTES) {
      throw overLimit({ what: "a program's bytes", limit: MAX_PROGRAM_BYTES, found: this.length + count });
    }
    if (this.length + count <= this.bytes.length) return;
    const wider = new Uint8Array(Math.max(this.bytes.length * 2, this.length + count));
    wider.set(this.bytes.subarray(0, this.length));
    this.bytes = wider;
  }

  byte(value: number): void {
    this.room(1);
    this.bytes[this.length++] = value;
  }

  raw(part: Uint8Array): void {
    this.room(part.length);
    this.bytes.set(part, this.length);
    this.length += part.length;
  }

  varint(value: number): void {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.byte(rest % 128 + 128);
    this.byte(rest);
  }

  float(value: number): void {
    const part = new Uint8Array(FLOAT_BYTES);
    new DataView(part.buffer).setFloat64(0, value, true);
    this.raw(part);
  }

  whole(): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(0, this.length);
  }
}

class ProgramWriter {
  private readonly sink = new ByteSink();
  private readonly texts = new Map<string, number>();
  private readonly types = new Map<string, number>();
  private readonly functions = new Map<string, number>();
  private readonly encoder = new TextEncoder();
  private typeCharacters = 0;

  private list<A>(items: ReadonlyArray<A>, write: (item: A) => void): void {
    this.sink.varint(items.length);
    items.forEach(write);
  }

  private text(text: string): void {
    const known = this.texts.get(text);
    if (known !== undefined) return this.sink.varint(known + 1);
    if (!text.isWellFormed()) throw badValue({ type: "text", reason: "half a surrogate pair is no text" });
    this.sink.varint(0);
    this.texts.set(text, this.texts.size);
    const bytes = this.encoder.encode(text);
    this.sink.varint(bytes.length);
    this.sink.raw(bytes);
  }

  private size(size: Dimension): void {
    if (typeof size === "string") {
      this.sink.varint(SIZE.text);
      return this.text(size);
    }
    this.sink.varint(size < 0 ? SIZE.negative : SIZE.natural);
    this.sink.varint(Math.abs(size));
  }

  private type(type: TensorType): void {
    const key = printType(type);
    this.typeCharacters += key.length;
    if (this.typeCharacters > MAX_TYPE_CHARACTERS) {
      throw overLimit({ what: "the types of a program", limit: MAX_TYPE_CHARACTERS, found: this.typeCharacters });
    }
    const known = this.types.get(key);
    if (known !== undefined) return this.sink.varint(known + 1);
    this.sink.varint(0);
    this.types.set(key, this.types.size);
    this.text(type.dtype);
    this.list(type.shape, (size) => this.size(size));
  }

  private attribute(value: Attribute): void {
    if (Array.isArray(value)) {
      this.sink.varint(TAG.list);
      return this.list(value as ReadonlyArray<Attribute>, (item) => this.attribute(item));
    }
    if (isTensor(value)) {
      this.sink.varint(TAG.tensor);
      this.type(value as Tensor);
      return this.sink.raw(toBytes(value as Tensor));
    }
    if (typeof value === "string") {
      this.sink.varint(TAG.text);
      return this.text(value);
    }
    if (typeof value === "boolean") return this.sink.varint(value ? TAG.yes : TAG.no);
    const number = value as number;
    if (isNatural(Math.abs(number)) && !Object.is(number, -0)) {
      this.sink.varint(number < 0 ? TAG.negative : TAG.natural);
      return this.sink.varint(Math.abs(number));
    }
    this.sink.varint(TAG.float);
    this.sink.float(Number.isNaN(number) ? NaN : number);
  }

  private node(node: Node, values: number): void {
    this.text(node.op);
    this.list(node.operands, (operand) => this.sink.varint(values - operand - 1));
    this.list(node.functions, (name) => this.sink.varint(this.functions.size - this.functions.get(name)! - 1));
    this.list(Object.keys(node.attributes).sort(), (name) => {
      this.text(name);
      this.attribute(node.attributes[name]);
    });
    this.list(node.results, (type) => this.type(type));
    this.list(node.location === undefined ? [] : [node.location], (location) => this.text(location));
  }

  private function(fn: IrFunction): void {
    this.text(fn.name);
    this.list(fn.sizes, (name) => this.text(name));
    this.list(fn.parameters, ({ name, type }) => {
      this.text(name);
      this.type(type);
    });
    this.list(fn.constraints, ([a, b]) => {
      this.size(a);
      this.size(b);
    });
    let values = fn.parameters.length;
    this.list(fn.nodes, (node) => {
      this.node(node, values);
      values += node.results.length;
    });
    this.list(fn.returns, (value) => this.sink.varint(value));
    this.functions.set(fn.name, this.functions.size);
  }

  program({ entry, functions }: Program): Uint8Array<ArrayBuffer> {
    MAGIC.forEach((byte) => this.sink.byte(byte));
    this.sink.varint(BINARY_VERSION);
    this.list([...functions.values()], (fn) => this.function(fn));
    this.sink.varint(this.functions.get(entry)!);
    return this.sink.whole();
  }
}

class ProgramReader {
  private at = 0;
  private readonly texts: string[] = [];
  private readonly types: Array<{ readonly type: TensorType; readonly characters: number }> = [];
  private readonly names: string[] = [];
  private readonly decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  private typeCharacters = 0;

  constructor(private readonly bytes: Uint8Array) {}

  private refuse(reason: string): never {
    throw badBinary({ offset: this.at, reason, path: "/bytes" });
  }

  private byte(): number {
    return this.at < this.bytes.length ? this.bytes[this.at++] : this.refuse("it ends too early");
  }

  private raw(count: number): Uint8Array {
    if (count > this.bytes.length - this.at) return this.refuse("it ends too early");
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  private varint(): number {
    let value = 0;
    for (let scale = 1;; scale *= 128) {
      const byte = this.byte();
      value += (byte % 128) * scale;
      if (!Number.isSafeInteger(value)) return this.refuse("a number is too large");
      if (byte < 128) return byte === 0 && scale > 1 ? this.refuse("a number has a needless byte") : value;
    }
  }

  private list<A>(read: () => A): A[] {
    const count = this.varint();
    // Every item takes a byte at least.
    if (count > this.bytes.length - this.at) return this.refuse("a list is longer than what is left");
    const items: A[] = [];
    for (let i = 0; i < count; i++) items.push(read());
    return items;
  }

  private text(): string {
    const place = this.varint();
    if (place > this.texts.length) return this.refuse("a text is named before it is written");
    if (place > 0) return this.texts[place - 1];
    const bytes = this.raw(this.varint());
    let text: string;
    try {
      text = this.decoder.decode(bytes);
    } catch {
      return this.refuse("a text is not UTF-8");
    }
    this.texts.push(text);
    return text;
  }

  private size(): Dimension {
    const tag = this.varint();
    if (tag === SIZE.text) return this.text();
    if (tag === SIZE.natural) return this.varint();
    return tag === SIZE.negative ? -this.varint() : this.refuse("there is no such kind of size");
  }

  private type(): TensorType {
    const place = this.varint();
    if (place > this.types.length) return this.refuse("a type is named before it is written");
    const known = place > 0 ? this.types[place - 1] : this.newType();
    this.typeCharacters += known.characters;
    if (this.typeCharacters > MAX_TYPE_CHARACTERS) {
      throw overLimit({ what: "the types of a program", limit: MAX_TYPE_CHARACTERS, found: this.typeCharacters });
    }
    return known.type;
  }

  private newType(): { readonly type: TensorType; readonly characters: number } {
    const dtype = this.text();
    if (!isDtype(dtype)) return this.refuse(`there is no dtype ${JSON.stringify(dtype.slice(0, 20))}`);
    const shape = this.list(() => this.size());
    if (shape.length > MAX_RANK) return this.refuse(`a shape has ${shape.length} axes`);
    const type = tensorType(dtype, shape);
    const made = { type, characters: printType(type).length };
    this.types.push(made);
    return made;
  }

  private tensor(): Tensor {
    const { dtype, shape } = this.type();
    if (!shape.every((size) => typeof size === "number")) return this.refuse("a literal has a size that is not known");
    const sizes = shape as ReadonlyArray<number>;
    return fromBytes(dtype, sizes, this.raw(packedBytes(dtype, elementCount(sizes))));
  }

  private attribute(depth: number): Attribute {
    if (depth > MAX_ATTRIBUTE_DEPTH) return this.refuse(`lists nest deeper than ${MAX_ATTRIBUTE_DEPTH}`);
    switch (this.varint()) {
      case TAG.natural:
        return this.varint();
      case TAG.negative:
        return -this.varint();
      case TAG.float: {
        const part = this.raw(FLOAT_BYTES);
        return new DataView(part.buffer, part.byteOffset).getFloat64(0, true);
      }
      case TAG.text:
        return this.text();
      case TAG.no:
        return false;
      case TAG.yes:
        return true;
      case TAG.list:
        return this.list(() => this.attribute(depth + 1));
      case TAG.tensor:
        return this.tensor();
      default:
        return this.refuse("there is no such kind of attribute");
    }
  }

  private attributes(): Attributes {
    const pairs = this.list(() => [this.text(), this.attribute(0)] as const);
    const inOrder = pairs.every(([name], i) => i === 0 || pairs[i - 1][0] < name);
    return inOrder ? Object.fromEntries(pairs) : this.refuse("attributes are not in order");
  }

  /** A number counted back from the end of what there is. */
  private back(count: number): number {
    const place = count - 1 - this.varint();
    return place >= 0 ? place : this.refuse("something is used before it is defined");
  }

  private node(values: number): Node {
    const op = this.text();
    const operands = this.list(() => this.back(values));
    const functions = this.list(() => this.names[this.back(this.names.length)]);
    const attributes = this.attributes();
    const results = this.list(() => this.type());
    const location = this.list(() => this.text());
    if (location.length > 1) return this.refuse("a node has one location at most");
    return {
      op,
      operands,
      attributes,
      functions,
      results,
      ...(location.length === 0 ? {} : { location: location[0] }),
    };
  }

  private function(): IrFunction {
    const name = this.text();
    const sizes = this.list(() => this.text());
    const parameters = this.list(() => ({ name: this.text(), type: this.type() }));
    const constraints = this.list((): Constraint => [this.size(), this.size()]);
    let values = parameters.length;
    const nodes = this.list(() => {
      const node = this.node(values);
      values += node.results.length;
      return node;
    });
    const returns = this.list(() => this.varint());
    this.names.push(name);
    return { name, sizes, parameters, constraints, nodes, returns };
  }

  program(): Program {
    if (!MAGIC.every((byte) => this.byte() === byte)) return this.refuse("it does not begin like a program");
    const version = this.varint();
    if (version !== BINARY_VERSION) return this.refuse(`it is of version ${version}, and ${BINARY_VERSION} is known`);
    const functions = this.list(() => this.function());
    const entry = this.names[this.varint()];
    if (entry === undefined) return this.refuse("the entry is none of the functions");
    if (this.at < this.bytes.length) return this.refuse("something follows the program");
    return makeProgram(functions, entry);
  }
}

/** The bytes of a program. */
export const encodeProgram = (program: Program): Uint8Array<ArrayBuffer> => new ProgramWriter().program(program);

/**
 * A program from its bytes; throws `IR_BINARY` for bytes that are none, and what the checks refuse.
 *
 * @example
 * ```ts
 * import { buildProgram, decodeProgram, encodeProgram, programDigest } from "@rmi/rmi/ir";
 * import assert from "node:assert/strict";
 * const square = buildProgram({ x: "f32[]" }, (g, { x }) => g.mul(x, x));
 * assert.equal(programDigest(decodeProgram(encodeProgram(square))), programDigest(square));
 * ```
 */
export const decodeProgram = (bytes: Uint8Array): Program => {
  if (bytes.length > MAX_PROGRAM_BYTES) {
    throw overLimit({ what: "a program's bytes", limit: MAX_PROGRAM_BYTES, found: bytes.length, path: "/bytes" });
  }
  const program = new ProgramReader(bytes).program();
  const again = encodeProgram(program);
  const differs = again.findIndex((byte, i) => byte !== bytes[i]);
  if (differs >= 0 || again.length !== bytes.length) {
    const offset = differs < 0 ? again.length : differs;
    throw badBinary({ offset, reason: "there is a shorter or other spelling of the same program", path: "/bytes" });
  }
  return program;
};
