/**
 * Writer: version 2 bytes of an expression.
 *
 * Not the program around it (program.ts). The format is described in wire.ts.
 * Invariant: one expression has one spelling, whatever objects it is made of; work is linear in distinct nodes.
 *
 * @module
 */
import { DTYPES } from "../dtype.ts";
import { type Attribute, type Expression, Tag } from "../expression.ts";
import { badSize, badText, tooDeep } from "../failures.ts";
import { Interner, valueKey } from "../intern.ts";
import { type Dimension, isSize, MAX_NESTING, MAX_SIZE, type Type } from "../types.ts";
import { type TensorValue, toBigInt, type Value } from "../value.ts";
import {
  byteOfOp,
  INLINE_BYTES,
  isResidual,
  isShared,
  isSmall,
  Lead,
  Low,
  MAX_NAME_BYTES,
  numberOfAttribute,
  SizeLead,
  SMALLEST,
  TypeLead,
} from "./wire.ts";

const FIRST_BYTES = 64;
const GROUP = 0x80;

/** Bytes that grow as they are written. */
export class Bytes {
  #bytes = new Uint8Array(FIRST_BYTES);
  #at = 0;

  #room(count: number): void {
    if (this.#at + count <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + count));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }

  /** One byte. */
  u8(value: number): void {
    if (this.#at === this.#bytes.length) this.#room(1);
    this.#bytes[this.#at++] = value;
  }

  /** Two bytes, the low one first. */
  u16(value: number): void {
    this.u8(value);
    this.u8(value >>> 8);
  }

  /** Four bytes, the low one first. */
  u32(value: number): void {
    if (this.#at + 4 > this.#bytes.length) this.#room(4);
    const bytes = this.#bytes;
    bytes[this.#at++] = value;
    bytes[this.#at++] = value >>> 8;
    bytes[this.#at++] = value >>> 16;
    bytes[this.#at++] = value >>> 24;
  }

  /** An integer from 0 in as few bytes as hold it. */
  integer(value: number): void {
    let rest = value;
    while (rest >= GROUP) {
      this.u8((rest % GROUP) | GROUP);
      rest = Math.floor(rest / GROUP);
    }
    this.u8(rest);
  }

  /** A signed 64-bit integer, its sign in the lowest bit. */
  signed(value: bigint): void {
    this.long(BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)));
  }

  /** A 64-bit integer from 0 in as few bytes as hold it. */
  long(value: bigint): void {
    let rest = value;
    while (rest >= BigInt(GROUP)) {
      this.u8(Number(rest & 0x7fn) | GROUP);
      rest >>= 7n;
    }
    this.u8(Number(rest));
  }

  /** A lead byte with a number in its low bits, and the rest of the number where they do not hold it. */
  lead(lead: number, low: number, value: number): void {
    if (value < low) return this.u8(lead | value);
    this.u8(lead | low);
    this.integer(value - low);
  }

  /** Data as it is. */
  raw(data: Uint8Array): void {
    this.#room(data.length);
    this.#bytes.set(data, this.#at);
    this.#at += data.length;
  }

  /** A text's length and UTF-8 bytes. Throws `RMIL_TEXT`. */
  text(text: string): void {
    const what = "name";
    if (!text.isWellFormed()) throw badText({ what, reason: "it holds half of a surrogate pair" });
    const bytes = new TextEncoder().encode(text);
    if (bytes.length > MAX_NAME_BYTES) throw badText({ what, reason: `it is longer than ${MAX_NAME_BYTES} bytes` });
    this.integer(bytes.length);
    this.raw(bytes);
  }

  /** What was written. */
  take(): Uint8Array {
    return this.#bytes.slice(0, this.#at);
  }
}

/** Writes sizes. Throws `RMIL_SIZE`. */
export const writeShape = (into: Bytes, shape: ReadonlyArray<Dimension>): void => {
  into.integer(shape.length);
  for (const size of shape) {
    if (size === null) into.integer(SizeLead.dynamic);
    else if (typeof size === "string") {
      into.integer(SizeLead.named);
      into.text(size);
    } else if (!isSize(size)) {
      throw badSize({ what: "size", size: String(size), reason: `sizes are integers from 0 to ${MAX_SIZE}` });
    } else if (typeof size === "number" && size < Number.MAX_SAFE_INTEGER - SizeLead.known) {
      into.integer(size + SizeLead.known);
    } else into.long(BigInt(size) + BigInt(SizeLead.known));
  }
};

const writeTypes = (into: Bytes, types: ReadonlyArray<Type>, nesting: number): void => {
  into.integer(types.length);
  for (const type of types) writeType(into, type, nesting + 1);
};

/** Writes a type. Throws `RMIL_DEPTH` or `RMIL_SIZE`. */
export const writeType = (into: Bytes, type: Type, nesting = 1): void => {
  if (nesting > MAX_NESTING) throw tooDeep({ what: "type", limit: MAX_NESTING });
  switch (type.k) {
    case "Void":
      return into.u8(TypeLead.void);
    case "Scalar":
      return into.u8(TypeLead.scalar | DTYPES[type.dtype].code);
    case "Tensor":
      into.u8(TypeLead.tensor | DTYPES[type.dtype].code);
      return writeShape(into, type.shape);
    case "Sym":
      return into.u8(TypeLead.symbol);
    case "Fn":
      into.u8(TypeLead.fn);
      writeTypes(into, type.inputs, nesting);
      return writeTypes(into, type.outputs, nesting);
    case "Tuple":
    case "Union":
      into.u8(type.k === "Tuple" ? TypeLead.tuple : TypeLead.union);
      return writeTypes(into, type.items, nesting);
    case "Var":
    case "Opaque":
      into.u8(type.k === "Var" ? TypeLead.variable : TypeLead.opaque);
      return into.integer(type.id);
  }
};

/** Refuses a tensor whose data is not what its type takes. */
const checkTensor = ({ dtype, shape, bytes }: TensorValue): void => {
  const expected = shape.reduce<number>(
    (total, size) => typeof size === "number" ? total * size : NaN,
    DTYPES[dtype].bytes,
  );
  if (expected === bytes.length) return;
  throw badSize({ what: "tensor length", size: bytes.length, reason: `its shape and dtype take ${expected} bytes` });
};

/** Large tensors, each once, in the order in which they first stand in the expression. */
export class Weights {
  /** The tensors. */
  readonly tensors: Array<TensorValue> = [];
  readonly #numbers = new Map<string, number>();

  /** The number of a tensor. */
  numberOf(tensor: TensorValue): number {
    const key = valueKey(tensor);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#numbers.set(key, this.tensors.length);
    return this.tensors.push(tensor) - 1;
  }
}

class ExpressionWriter {
  readonly #into: Bytes;
  readonly #weights: Weights | undefined;
  readonly #interner = new Interner();
  /** Places of those that stood before, by interned number; and how many they are. */
  readonly #places: Array<number | undefined> = [];
  #stood = 0;

  constructor(into: Bytes, weights: Weights | undefined) {
    this.#into = into;
    this.#weights = weights;
  }

  value(value: Value): void {
    const into = this.#into;
    switch (value.k) {
      case "Nil":
        return into.u8(Lead.nil);
      case "Bool":
        return into.u8(value.v ? Lead.yes : Lead.no);
      case "I64":
        if (isSmall(value)) return into.u8(Lead.small | (value.lo - SMALLEST));
        into.u8(Lead.integer);
        return into.signed(toBigInt(value));
      case "F32":
        into.u8(Lead.float32);
        return into.u32(value.bits);
      case "F64":
        into.u8(Lead.float64);
        into.u32(value.lo);
        return into.u32(value.hi);
      case "Tensor":
        return this.tensor(value);
      case "Sym":
        into.u8(Lead.symbol);
        return into.integer(value.sym);
      case "Tuple":
        into.u8(Lead.tuple);
        into.integer(value.items.length);
        for (const item of value.items) this.value(item);
    }
  }

  tensor(tensor: TensorValue): void {
    checkTensor(tensor);
    if (this.#weights !== undefined && tensor.bytes.length > INLINE_BYTES) {
      this.#into.u8(Lead.weight);
      return this.#into.integer(this.#weights.numberOf(tensor));
    }
    this.#into.u8(Lead.tensor);
    this.#into.u8(DTYPES[tensor.dtype].code);
    writeShape(this.#into, tensor.shape);
    this.#into.raw(tensor.bytes);
  }

  attributes(attributes: ReadonlyArray<Attribute>): void {
    for (const { name, value } of attributes) {
      const number = numberOfAttribute(name);
      if (number === undefined) {
        this.#into.integer(0);
        this.#into.text(name);
      } else this.#into.integer(number + 1);
      this.value(value);
    }
  }

  application(node: Expression): void {
    const into = this.#into;
    const { code, children, attributes } = node;
    if (isResidual(node)) {
      into.u8(Lead.residual);
      return this.expression(children[1]);
    }
    const byte = byteOfOp(code);
    if (byte !== undefined && attributes.length === 0) {
      if (children.length > 0) into.lead(Lead.applied, Low.applied, children.length - 1);
      into.u8(byte);
    } else {
      into.u8(Lead.application);
      into.integer(byte === undefined ? 0 : byte + 1);
      if (byte === undefined) into.u16(code);
      into.integer(children.length);
      into.integer(attributes.length);
      this.attributes(attributes);
    }
    for (const child of children) this.expression(child);
  }

  /** The place of an expression that stood before. */
  placeOf(node: Expression): number | undefined {
    return this.#places[this.#interner.numberOf(node)];
  }

  /** Records that a node that is worth referring to has been written. */
  done(node: Expression): void {
    const number = this.#interner.numberOf(node);
    this.#places[number] ??= this.#stood++;
  }

  /** A left-leaning chain, down to a part that stood before. */
  chain(node: Expression, lead: number, low: number): void {
    const spine = [node];
    let [first] = node.children;
    while (first.tag === node.tag && this.placeOf(first) === undefined) {
      spine.push(first);
      [first] = first.children;
    }
    this.#into.lead(lead, low, spine.length - 1);
    this.expression(first);
    for (const link of spine.toReversed()) {
      this.expression(link.children[1]);
      this.done(link);
    }
  }

  fields(node: Expression): void {
    const into = this.#into;
    const { code, children } = node;
    switch (node.tag) {
      case Tag.Lit:
        return this.value(node.value);
      case Tag.Ref:
        return into.lead(Lead.reference, Low.reference, code);
      case Tag.Cond:
        into.u8(Lead.branch);
        break;
      case Tag.Let:
        into.u8(Lead.binding);
        into.integer(code);
        break;
      case Tag.Lam:
        into.u8(Lead.lambda);
        into.integer(node.parameters.length);
        for (const { sym, type } of node.parameters) {
          into.integer(sym);
          writeType(into, type);
        }
        break;
      case Tag.Call:
        into.u8(Lead.call);
        into.integer(children.length - 1);
        break;
      case Tag.Block:
        into.u8(Lead.block);
        into.integer(children.length);
    }
    for (const child of children) this.expression(child);
  }

  expression(node: Expression): void {
    const isWorth = isShared(node);
    const place = isWorth ? this.placeOf(node) : undefined;
    if (place !== undefined) {
      this.#into.u8(Lead.again);
      return this.#into.integer(this.#stood - 1 - place);
    }
    if (node.tag === Tag.Seq) return this.chain(node, Lead.pipeline, Low.pipeline);
    if (node.tag === Tag.Par) return this.chain(node, Lead.parallel, Low.parallel);
    if (node.tag === Tag.App) this.application(node);
    else this.fields(node);
    if (isWorth) this.done(node);
  }
}

/**
 * Writes an expression; with `weights`, large tensors go there. Throws `RMIL_SIZE`, `RMIL_DEPTH` or `RMIL_TEXT` for
 * what no program may hold.
 */
export const writeExpression = (into: Bytes, root: Expression, weights?: Weights): void =>
  new ExpressionWriter(into, weights).expression(root);
