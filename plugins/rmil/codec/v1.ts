/**
 * Codec, version 1: the original's wire format, byte for byte, with a decoder that refuses what the original lets pass.
 *
 * Not canonical across symbol tables (see canonicalise) and not compact (see version 2).
 * Invariant: `encode(decode(b)) = b` for every accepted `b`; decoding takes time and memory linear in the bytes, at any
 * input. Source: RMIL §6.
 *
 * @module
 */
import { type Dtype, dtypeOf, DTYPES } from "../dtype.ts";
import {
  app,
  block,
  call,
  cond,
  type Expression,
  lam,
  letIn,
  lit,
  par,
  type Parameter,
  ref,
  seq,
  Tag,
} from "../expression.ts";
import {
  badMagic,
  badSize,
  badTag,
  badText,
  notExpressible,
  tooDeep,
  trailingBytes,
  truncated,
  unknownOpcode,
  unknownSymbol,
  wrongVersion,
} from "../failures.ts";
import { Symbols } from "../symbols.ts";
import { type Dimension, fn, scalar, SYMBOL, tensor, tuple, type Type, TYPE_TAGS, VOID } from "../types.ts";
import { bool, f32Of, f64Of, i64Of, NIL, symbolValue, tensorValue, tupleValue, type Value } from "../value.ts";

/** This format's version number. */
export const VERSION = 1;

/** Deepest expression, value or type that version 1 holds. */
export const V1_MAX_DEPTH = 512;

/** Largest number of children, items or axes in a 16-bit count. */
export const V1_MAX_COUNT = 0xffff;

/** Largest size of an axis; the next number marks a dynamic one. */
export const V1_MAX_SIZE = 0xfffffffe;

const DYNAMIC_SIZE = 0xffffffff;
const MAGIC = [0x52, 0x4d, 0x49, 0x4c] as const;
const HEADER_BYTES = 16;

/** A program: a tree and the names its symbols stand for. */
export interface Program {
  /** Names. */
  readonly symbols: Symbols;
  /** The tree. */
  readonly root: Expression;
}

const cannot = (what: string) => notExpressible({ what, version: VERSION });

// ---- sizes, which are also the checks of what version 1 can say ----------------------------------------------------

const counted = (count: number, what: string): number => {
  if (count > V1_MAX_COUNT) throw cannot(`${count} ${what}`);
  return count;
};

const checkShape = (shape: ReadonlyArray<Dimension>): void => {
  counted(shape.length, "axes");
  for (const size of shape) {
    if (typeof size === "string") throw cannot(`the named size ${size}`);
    if (size !== null && size > V1_MAX_SIZE) throw cannot(`the size ${size}`);
  }
};

const typeBytes = (type: Type, depth: number): number => {
  if (depth > V1_MAX_DEPTH) throw cannot(`types nested deeper than ${V1_MAX_DEPTH}`);
  switch (type.k) {
    case "Scalar":
      return 2;
    case "Tensor":
      checkShape(type.shape);
      return 4 + 4 * type.shape.length;
    case "Fn":
      counted(type.inputs.length, "inputs");
      counted(type.outputs.length, "outputs");
      return [...type.inputs, ...type.outputs].reduce((size, item) => size + typeBytes(item, depth + 1), 5);
    case "Tuple":
    case "Union":
      counted(type.items.length, "items");
      return type.items.reduce((size, item) => size + typeBytes(item, depth + 1), 3);
    case "Var":
    case "Opaque":
      return 5;
    default:
      return 1;
  }
};

const valueBytes = (value: Value, depth: number): number => {
  if (depth > V1_MAX_DEPTH) throw cannot(`values nested deeper than ${V1_MAX_DEPTH}`);
  switch (value.k) {
    case "Nil":
      return 1;
    case "Bool":
      return 2;
    case "I64":
    case "F64":
      return 9;
    case "F32":
    case "Sym":
      return 5;
    case "Tensor":
      checkShape(value.shape);
      if (value.bytes.length > DYNAMIC_SIZE) throw cannot(`a tensor of ${value.bytes.length} bytes`);
      return 8 + 4 * value.shape.length + value.bytes.length;
    case "Tuple":
      counted(value.items.length, "items");
      return value.items.reduce((size, item) => size + valueBytes(item, depth + 1), 3);
  }
};

/** Fixed bytes of each variant: its tag and its own fields. */
const FIXED: ReadonlyArray<number> = [1, 5, 5, 1, 1, 1, 5, 3, 3, 5];

const expressionBytes = (node: Expression): number => {
  const { tag, children } = node;
  let size = FIXED[tag];
  if (tag === Tag.Lit) return size + valueBytes(node.value, 1);
  if (tag === Tag.App || tag === Tag.Call) {
    counted(children.length, "arguments");
    if (node.attributes.length > 0) throw cannot(`the attribute ${node.attributes[0].name}`);
  }
  if (tag === Tag.Lam) {
    counted(node.parameters.length, "parameters");
    for (const { type } of node.parameters) size += 4 + typeBytes(type, 1);
  }
  for (let i = 0; i < children.length; i++) size += expressionBytes(children[i]);
  return size;
};

/** Largest program that is written. */
export const V1_MAX_BYTES: number = 2 ** 30;

/** Bytes of an expression without header. Throws `RMIL_NOT_EXPRESSIBLE` where version 1 cannot say it. */
export const wireSize = (root: Expression): number => {
  if (root.depth > V1_MAX_DEPTH) throw cannot(`a tree deeper than ${V1_MAX_DEPTH}`);
  const size = expressionBytes(root);
  if (size > V1_MAX_BYTES) throw cannot(`a program of ${size} bytes`);
  return size;
};

// ---- writing ---------------------------------------------------------------------------------------------------------

class Writer {
  readonly bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  u8(value: number): void {
    this.bytes[this.at++] = value;
  }

  u16(value: number): void {
    const bytes = this.bytes;
    bytes[this.at++] = value;
    bytes[this.at++] = value >>> 8;
  }

  u32(value: number): void {
    const bytes = this.bytes;
    let at = this.at;
    bytes[at++] = value;
    bytes[at++] = value >>> 8;
    bytes[at++] = value >>> 16;
    bytes[at++] = value >>> 24;
    this.at = at;
  }

  raw(data: Uint8Array): void {
    this.bytes.set(data, this.at);
    this.at += data.length;
  }

  shape(shape: ReadonlyArray<Dimension>): void {
    this.u16(shape.length);
    for (const size of shape) this.u32(size === null ? DYNAMIC_SIZE : size as number);
  }

  types(types: ReadonlyArray<Type>): void {
    this.u16(types.length);
    for (const type of types) this.type(type);
  }

  type(type: Type): void {
    this.u8(TYPE_TAGS.indexOf(type.k));
    switch (type.k) {
      case "Scalar":
        return this.u8(DTYPES[type.dtype].code);
      case "Tensor":
        this.u8(DTYPES[type.dtype].code);
        return this.shape(type.shape);
      case "Fn":
        this.types(type.inputs);
        return this.types(type.outputs);
      case "Tuple":
      case "Union":
        return this.types(type.items);
      case "Var":
      case "Opaque":
        return this.u32(type.id);
    }
  }

  value(value: Value): void {
    switch (value.k) {
      case "Nil":
        return this.u8(0);
      case "Bool":
        this.u8(1);
        return this.u8(value.v ? 1 : 0);
      case "I64":
        this.u8(2);
        this.u32(value.lo);
        return this.u32(value.hi);
      case "F32":
        this.u8(3);
        return this.u32(value.bits);
      case "F64":
        this.u8(4);
        this.u32(value.lo);
        return this.u32(value.hi);
      case "Tensor":
        this.u8(5);
        this.u8(DTYPES[value.dtype].code);
        this.shape(value.shape);
        this.u32(value.bytes.length);
        return this.raw(value.bytes);
      case "Sym":
        this.u8(6);
        return this.u32(value.sym);
      case "Tuple":
        this.u8(7);
        this.u16(value.items.length);
        for (const item of value.items) this.value(item);
    }
  }
}

const FIRST_ROOM = 4096;
/** More is given back after a large program. */
const KEPT_ROOM: number = 2 ** 20;
/** Most bytes of a node's own fields, lists and long literals aside. */
const OWN_ROOM = 16;

/** Bytes of the expression that is being written; it is copied before anybody sees it. */
let room = new Uint8Array(FIRST_ROOM);
let view = new DataView(room.buffer);

const grow = (size: number): void => {
  if (size > V1_MAX_BYTES) throw cannot(`a program of ${size} bytes`);
  const grown = new Uint8Array(Math.max(size, 2 * room.length));
  grown.set(room);
  room = grown;
  view = new DataView(grown.buffer);
};

const putU32 = (at: number, value: number): number => {
  view.setInt32(at, value, true);
  return at + 4;
};

const putU16 = (at: number, value: number): number => {
  view.setInt16(at, value, true);
  return at + 2;
};

const putValue = (value: Value, at: number): number => {
  const bytes = room;
  switch (value.k) {
    case "F32":
      bytes[at] = 3;
      return putU32(at + 1, value.bits);
    case "I64":
      bytes[at] = 2;
      return putU32(putU32(at + 1, value.lo), value.hi);
    default: {
      const end = at + valueBytes(value, 1);
      if (end > bytes.length) grow(end);
      new Writer(room, at).value(value);
      return end;
    }
  }
};

const putParameters = (parameters: ReadonlyArray<Parameter>, at: number): number => {
  counted(parameters.length, "parameters");
  const end = parameters.reduce((size, { type }) => size + 4 + typeBytes(type, 1), at + 2);
  if (end + OWN_ROOM > room.length) grow(end + OWN_ROOM);
  const writer = new Writer(room, at);
  writer.u16(parameters.length);
  for (const { sym, type } of parameters) {
    writer.u32(sym);
    writer.type(type);
  }
  return end;
};

const checkApplication = ({ children, attributes }: Expression): void => {
  if (children.length > V1_MAX_COUNT) counted(children.length, "arguments");
  if (attributes.length > 0) throw cannot(`the attribute ${attributes[0].name}`);
};

/** Writes an expression from a place on; gives the place after it. One walk: what cannot be said is found on the way. */
const put = (node: Expression, start: number): number => {
  if (start + OWN_ROOM > room.length) grow(start + OWN_ROOM);
  const { tag, children } = node;
  let at = start;
  room[at++] = tag;
  let first = 0;
  switch (tag) {
    case Tag.Lit:
      return putValue(node.value, at);
    case Tag.App:
      checkApplication(node);
      at = putU16(putU16(at, node.code), children.length);
      break;
    case Tag.Ref:
    case Tag.Let:
      at = putU32(at, node.code);
      break;
    case Tag.Lam:
      at = putParameters(node.parameters, at);
      break;
    case Tag.Call:
      counted(children.length - 1, "arguments");
      at = put(children[0], at);
      if (at + OWN_ROOM > room.length) grow(at + OWN_ROOM);
      at = putU16(at, children.length - 1);
      first = 1;
      break;
    case Tag.Block:
      at = putU32(at, children.length);
  }
  for (let i = first; i < children.length; i++) at = put(children[i], at);
  return at;
};

const written = (root: Expression): Uint8Array => {
  if (root.depth > V1_MAX_DEPTH) throw cannot(`a tree deeper than ${V1_MAX_DEPTH}`);
  try {
    const end = put(root, 0);
    return room.slice(0, end);
  } finally {
    if (room.length > KEPT_ROOM) {
      room = new Uint8Array(FIRST_ROOM);
      view = new DataView(room.buffer);
    }
  }
};

/** Encodes an expression without header. Throws `RMIL_NOT_EXPRESSIBLE` where version 1 cannot say it. */
export const encodeExpression = (root: Expression): Uint8Array => written(root);

const encodeName = (name: string): Uint8Array => {
  if (!name.isWellFormed()) throw badText({ what: "name", reason: "it holds half of a surrogate pair" });
  const bytes = new TextEncoder().encode(name);
  counted(bytes.length, "bytes in a name");
  return bytes;
};

/** Encodes a program. Throws `RMIL_NOT_EXPRESSIBLE` where version 1 cannot say it. */
export const encodeProgram = ({ symbols, root }: Program): Uint8Array => {
  const names = symbols.names.map(encodeName);
  const table = names.reduce((size, name) => size + 2 + name.length, 0);
  const expression = written(root);
  const writer = new Writer(new Uint8Array(HEADER_BYTES + table + expression.length));
  writer.raw(Uint8Array.from(MAGIC));
  writer.u16(VERSION);
  writer.u16(0);
  writer.u32(1);
  writer.u32(names.length);
  for (const name of names) {
    writer.u16(name.length);
    writer.raw(name);
  }
  writer.raw(expression);
  return writer.bytes;
};

// ---- reading ---------------------------------------------------------------------------------------------------------

/** What a decoder accepts. */
export interface DecodeOptions {
  /** Whether an opcode is known; absent: all are accepted. */
  readonly knows?: (opcode: number) => boolean;
}

class Reader {
  readonly bytes: Uint8Array;
  readonly knows: ((opcode: number) => boolean) | undefined;
  /** Symbols in the table; unlimited where there is none. */
  symbols = Infinity;
  at = 0;

  constructor(bytes: Uint8Array, { knows }: DecodeOptions) {
    this.bytes = bytes;
    this.knows = knows;
  }

  need(count: number): void {
    const left = this.bytes.length - this.at;
    if (count > left) throw truncated({ offset: this.bytes.length, wanted: count - left, path: `/${this.at}` });
  }

  u8(): number {
    if (this.at >= this.bytes.length) this.need(1);
    return this.bytes[this.at++];
  }

  u16(): number {
    this.need(2);
    const bytes = this.bytes;
    return bytes[this.at++] | (bytes[this.at++] << 8);
  }

  i32(): number {
    this.need(4);
    const bytes = this.bytes;
    const at = this.at;
    this.at = at + 4;
    return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
  }

  u32(): number {
    return this.i32() >>> 0;
  }

  /** A count of items that take at least one byte each: it can never exceed what is left. */
  count(count: number): number {
    this.need(count);
    return count;
  }

  symbol(): number {
    const index = this.u32();
    if (index >= this.symbols) throw unknownSymbol({ index, count: this.symbols, path: `/${this.at - 4}` });
    return index;
  }

  tag(what: string): never {
    throw badTag({ what, byte: this.bytes[this.at - 1], offset: this.at - 1, path: `/${this.at - 1}` });
  }

  depth(depth: number, what: string): void {
    if (depth > V1_MAX_DEPTH) throw tooDeep({ what, limit: V1_MAX_DEPTH, path: `/${this.at}` });
  }

  dtype(): Dtype {
    return dtypeOf(this.u8()) ?? this.tag("dtype");
  }

  shape(): ReadonlyArray<Dimension> {
    const rank = this.u16();
    this.need(4 * rank);
    const shape: Array<Dimension> = [];
    for (let axis = 0; axis < rank; axis++) {
      const size = this.u32();
      shape.push(size === DYNAMIC_SIZE ? null : size);
    }
    return shape;
  }

  types(depth: number): ReadonlyArray<Type> {
    const count = this.count(this.u16());
    const types: Array<Type> = [];
    for (let i = 0; i < count; i++) types.push(this.type(depth + 1));
    return types;
  }

  type(depth: number): Type {
    this.depth(depth, "type");
    const tag = this.u8();
    switch (tag) {
      case 0:
        return VOID;
      case 1:
        return scalar(this.dtype());
      case 2:
        return tensor(this.dtype(), this.shape());
      case 3:
        return SYMBOL;
      case 4:
        return fn(this.types(depth), this.types(depth));
      case 5:
        return tuple(this.types(depth));
      case 6:
        return { k: "Union", items: this.types(depth) };
      case 7:
        return { k: "Var", id: this.u32() };
      case 8:
        return { k: "Opaque", id: this.u32() };
      default:
        return this.tag("type");
    }
  }

  tensorValue(): Value {
    const dtype = this.dtype();
    const shape = this.shape();
    const length = this.u32();
    const expected = shape.reduce<number>(
      (bytes, size) => typeof size === "number" ? bytes * size : NaN,
      DTYPES[dtype].bytes,
    );
    if (expected !== length) {
      throw badSize({
        what: "tensor length",
        size: length,
        reason: `its shape and dtype take ${expected} bytes`,
        path: `/${this.at - 4}`,
      });
    }
    this.need(length);
    const bytes = this.bytes.slice(this.at, this.at + length);
    this.at += length;
    return tensorValue(dtype, shape, bytes);
  }

  value(depth: number): Value {
    this.depth(depth, "value");
    const tag = this.u8();
    switch (tag) {
      case 0:
        return NIL;
      case 1: {
        const byte = this.u8();
        return byte > 1 ? this.tag("boolean") : bool(byte === 1);
      }
      case 2: {
        const lo = this.i32();
        return i64Of(lo, this.i32());
      }
      case 3:
        return f32Of(this.u32());
      case 4: {
        const lo = this.i32();
        return f64Of(lo, this.i32());
      }
      case 5:
        return this.tensorValue();
      case 6:
        return symbolValue(this.symbol());
      case 7: {
        const count = this.count(this.u16());
        const items: Array<Value> = [];
        for (let i = 0; i < count; i++) items.push(this.value(depth + 1));
        return tupleValue(items);
      }
      default:
        return this.tag("value");
    }
  }

  opcode(): number {
    const opcode = this.u16();
    if (this.knows !== undefined && !this.knows(opcode)) throw unknownOpcode({ opcode, path: `/${this.at - 2}` });
    return opcode;
  }

  expressions(count: number, depth: number): ReadonlyArray<Expression> {
    this.count(count);
    const expressions: Array<Expression> = [];
    for (let i = 0; i < count; i++) expressions.push(this.expression(depth));
    return expressions;
  }

  parameters(): ReadonlyArray<Parameter> {
    const count = this.count(this.u16());
    const parameters: Array<Parameter> = [];
    for (let i = 0; i < count; i++) parameters.push({ sym: this.symbol(), type: this.type(1) });
    return parameters;
  }

  expression(depth: number): Expression {
    this.depth(depth, "program");
    const tag = this.u8();
    const below = depth + 1;
    switch (tag) {
      case Tag.Lit:
        return lit(this.value(1));
      case Tag.Ref:
        return ref(this.symbol());
      case Tag.App: {
        const opcode = this.opcode();
        return app(opcode, this.expressions(this.u16(), below));
      }
      case Tag.Seq: {
        const left = this.expression(below);
        return seq(left, this.expression(below));
      }
      case Tag.Par: {
        const left = this.expression(below);
        return par(left, this.expression(below));
      }
      case Tag.Cond: {
        const predicate = this.expression(below);
        const yes = this.expression(below);
        return cond(predicate, yes, this.expression(below));
      }
      case Tag.Let: {
        const sym = this.symbol();
        const bound = this.expression(below);
        return letIn(sym, bound, this.expression(below));
      }
      case Tag.Lam: {
        const parameters = this.parameters();
        return lam(parameters, this.expression(below));
      }
      case Tag.Call: {
        const callee = this.expression(below);
        return call(callee, this.expressions(this.u16(), below));
      }
      case Tag.Block:
        return block(this.expressions(this.u32(), below));
      default:
        return this.tag("expression");
    }
  }

  name(): string {
    const length = this.u16();
    this.need(length);
    const bytes = this.bytes.subarray(this.at, this.at + length);
    this.at += length;
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw badText({ what: "name", reason: "it is not UTF-8", path: `/${this.at - length}` });
    }
  }

  table(): Symbols {
    const count = this.u32();
    if (count === 0) {
      throw badSize({
        what: "symbol count",
        size: 0,
        reason: "the empty name is always there",
        path: `/${this.at - 4}`,
      });
    }
    this.need(2 * count);
    const symbols = new Symbols();
    for (let index = 0; index < count; index++) {
      const start = this.at;
      const name = this.name();
      if (index === 0 && name !== "") {
        throw badText({ what: "name of symbol 0", reason: "it is not empty", path: `/${start}` });
      }
      if (index > 0 && symbols.indexOf(name) !== undefined) {
        throw badText({ what: "symbol table", reason: `"${name}" stands twice`, path: `/${start}` });
      }
      symbols.intern(name);
    }
    return symbols;
  }

  end(): void {
    const left = this.bytes.length - this.at;
    if (left > 0) throw trailingBytes({ offset: this.at, count: left, path: `/${this.at}` });
  }
}

/** Decodes an expression without header. Throws a failure whose path is the byte offset. */
export const decodeExpression = (bytes: Uint8Array, options: DecodeOptions = {}): Expression => {
  const reader = new Reader(bytes, options);
  const root = reader.expression(1);
  reader.end();
  return root;
};

/** Decodes a program. Throws a failure whose path is the byte offset. */
export const decodeProgram = (bytes: Uint8Array, options: DecodeOptions = {}): Program => {
  const reader = new Reader(bytes, options);
  reader.need(MAGIC.length);
  if (MAGIC.some((byte) => reader.u8() !== byte)) throw badMagic({ path: "/0" });
  const version = reader.u16();
  if (version !== VERSION) {
    throw wrongVersion({ found: version, supported: VERSION, path: "/4", expected: VERSION, actual: version });
  }
  const flags = reader.u16();
  if (flags !== 0) throw badSize({ what: "flags", size: flags, reason: "version 1 has none", path: "/6" });
  const roots = reader.u32();
  if (roots !== 1) throw badSize({ what: "root count", size: roots, reason: "version 1 has one", path: "/8" });
  const symbols = reader.table();
  reader.symbols = symbols.size;
  const root = reader.expression(1);
  reader.end();
  return { symbols, root };
};

/** Encodes a type on its own. */
export const encodeType = (type: Type): Uint8Array => {
  const writer = new Writer(new Uint8Array(typeBytes(type, 1)));
  writer.type(type);
  return writer.bytes;
};
