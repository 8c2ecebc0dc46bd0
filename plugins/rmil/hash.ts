/**
 * Content hash: the original's 64-bit hash of expressions, values and types.
 *
 * Not an identity (that is the SHA-256 of version 2 bytes).
 * Invariant: the bytes fed to the hash are exactly the original's on a 64-bit machine. Source: RMIL §5.2.
 *
 * @module
 */
import { DTYPES } from "./dtype.ts";
import { type Expression, Tag } from "./expression.ts";
import { notExpressible } from "./failures.ts";
import { type Hash64, sipHash13 } from "./siphash.ts";
import { type Type, TYPE_TAGS } from "./types.ts";
import { type Value, VALUE_TAGS } from "./value.ts";

const HASH_VERSION = 1;

/** Bytes to be hashed: sized first, then written, so that nothing is copied. */
class Preimage {
  readonly words: Int32Array;
  readonly #bytes: Uint8Array;
  at = 0;

  constructor(size: number) {
    this.words = new Int32Array(((size >>> 3) + 1) * 2);
    this.#bytes = new Uint8Array(this.words.buffer);
  }

  u8(value: number): void {
    this.#bytes[this.at++] = value;
  }

  u16(value: number): void {
    const bytes = this.#bytes;
    bytes[this.at++] = value;
    bytes[this.at++] = value >>> 8;
  }

  u32(value: number): void {
    const bytes = this.#bytes;
    let at = this.at;
    bytes[at++] = value;
    bytes[at++] = value >>> 8;
    bytes[at++] = value >>> 16;
    bytes[at++] = value >>> 24;
    this.at = at;
  }

  /** A small non-negative number as eight bytes; the upper ones are already zero. */
  small(value: number): void {
    const bytes = this.#bytes;
    bytes[this.at] = value;
    bytes[this.at + 1] = value >>> 8;
    bytes[this.at + 2] = value >>> 16;
    bytes[this.at + 3] = value >>> 24;
    this.at += 8;
  }

  u64(value: number): void {
    this.u32(value % 4294967296);
    this.u32(value / 4294967296);
  }

  dynamic(): void {
    this.u32(0xffffffff);
    this.u32(0xffffffff);
  }

  bytes(data: Uint8Array): void {
    this.#bytes.set(data, this.at);
    this.at += data.length;
  }
}

const nameless = (what: string) => notExpressible({ what, version: HASH_VERSION });

const valueSize = (value: Value): number => {
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
      return 18 + 8 * value.shape.length + value.bytes.length;
    case "Tuple":
      return value.items.reduce((size, item) => size + valueSize(item), 9);
  }
};

const typeSize = (type: Type): number => {
  switch (type.k) {
    case "Scalar":
      return 9;
    case "Tensor":
      return 17 + 8 * type.shape.length;
    case "Fn":
      return [...type.inputs, ...type.outputs].reduce((size, item) => size + typeSize(item), 24);
    case "Tuple":
    case "Union":
      return type.items.reduce((size, item) => size + typeSize(item), 16);
    case "Var":
    case "Opaque":
      return 12;
    default:
      return 8;
  }
};

/** Fixed bytes of each variant: its tag and its own fields. */
const FIXED: ReadonlyArray<number> = [8, 12, 18, 8, 8, 8, 12, 16, 16, 16];

const expressionSize = (node: Expression): number => {
  let size = FIXED[node.tag];
  if (node.tag === Tag.Lit) return size + valueSize(node.value);
  for (const { type } of node.parameters) size += 4 + typeSize(type);
  for (let i = 0; i < node.children.length; i++) size += expressionSize(node.children[i]);
  return size;
};

const feedShape = (into: Preimage, shape: ReadonlyArray<number | null | string>): void => {
  into.small(shape.length);
  for (const size of shape) {
    if (size === null) into.dynamic();
    else if (typeof size === "number") into.u64(size);
    else throw nameless(`the named size ${size}`);
  }
};

const feedValue = (into: Preimage, value: Value): void => {
  into.u8(VALUE_TAGS.indexOf(value.k));
  switch (value.k) {
    case "Nil":
      return;
    case "Bool":
      return into.u8(value.v ? 1 : 0);
    case "I64":
    case "F64":
      into.u32(value.lo);
      return into.u32(value.hi);
    case "F32":
      return into.u32(value.bits);
    case "Sym":
      return into.u32(value.sym);
    case "Tensor":
      into.u8(DTYPES[value.dtype].code);
      feedShape(into, value.shape);
      into.u64(value.bytes.length);
      return into.bytes(value.bytes);
    case "Tuple":
      into.small(value.items.length);
      for (const item of value.items) feedValue(into, item);
  }
};

const feedTypes = (into: Preimage, types: ReadonlyArray<Type>): void => {
  into.small(types.length);
  for (const type of types) feedType(into, type);
};

const feedType = (into: Preimage, type: Type): void => {
  into.small(TYPE_TAGS.indexOf(type.k));
  switch (type.k) {
    case "Scalar":
      return into.u8(DTYPES[type.dtype].code);
    case "Tensor":
      into.u8(DTYPES[type.dtype].code);
      return feedShape(into, type.shape);
    case "Fn":
      feedTypes(into, type.inputs);
      return feedTypes(into, type.outputs);
    case "Tuple":
    case "Union":
      return feedTypes(into, type.items);
    case "Var":
    case "Opaque":
      return into.u32(type.id);
  }
};

const feed = (into: Preimage, node: Expression): void => {
  const { tag, children } = node;
  into.small(tag);
  let first = 0;
  switch (tag) {
    case Tag.Lit:
      return feedValue(into, node.value);
    case Tag.Ref:
    case Tag.Let:
      into.u32(node.code);
      break;
    case Tag.App:
      if (node.attributes.length > 0) throw nameless(`the attribute ${node.attributes[0].name}`);
      into.u16(node.code);
      into.small(children.length);
      break;
    case Tag.Lam:
      into.small(node.parameters.length);
      for (const { sym, type } of node.parameters) {
        into.u32(sym);
        feedType(into, type);
      }
      break;
    case Tag.Call:
      feed(into, children[0]);
      into.small(children.length - 1);
      first = 1;
      break;
    case Tag.Block:
      into.small(children.length);
  }
  for (let i = first; i < children.length; i++) feed(into, children[i]);
};

/** Hash of an expression. Throws `RMIL_NOT_EXPRESSIBLE` for attributes and named sizes, which the original lacks. */
export const contentHash = (root: Expression): Hash64 => {
  const size = expressionSize(root);
  const preimage = new Preimage(size);
  feed(preimage, root);
  return sipHash13(preimage.words, size);
};

/** Hash of a value, as the `hash` op gives it. */
export const valueHash = (value: Value): Hash64 => {
  const size = valueSize(value);
  const preimage = new Preimage(size);
  feedValue(preimage, value);
  return sipHash13(preimage.words, size);
};

/** Hash of a type on its own. */
export const typeHash = (type: Type): Hash64 => {
  const size = typeSize(type);
  const preimage = new Preimage(size);
  feedType(preimage, type);
  return sipHash13(preimage.words, size);
};
