/**
 * Content hash: the original's 64-bit hash of expressions, values and types.
 *
 * Not an identity (that is the SHA-256 of version 2 bytes).
 * Invariant: the bytes fed to the hash are exactly the original's on a 64-bit machine. Source: RMIL §5.2.
 *
 * @module
 */
import { DTYPES } from "./dtype.ts";
import { type Layout, typeSize, valueSize } from "./codec/layout.ts";
import { LittleEndian, Room } from "./codec/little_endian.ts";
import { type Expression, type Parameter, Tag } from "./expression.ts";
import { notExpressible } from "./failures.ts";
import { type Hash64, sipHash13 } from "./siphash.ts";
import { type Shape, type Type, TYPE_TAGS } from "./types.ts";
import { type Value, VALUE_TAGS } from "./value.ts";

const HASH_VERSION = 1;

const nameless = (what: string) => notExpressible({ what, version: HASH_VERSION });

const LAYOUT: Layout = {
  tensor: 18,
  axis: 8,
  tuple: 9,
  types: { scalar: 9, tensor: 17, fn: 24, list: 16, numbered: 12, plain: 8 },
};

/** The original's largest number, which stands for a size that is not known. */
const DYNAMIC = new Uint8Array(8).fill(0xff);

const feedShape = (into: LittleEndian, shape: Shape): void => {
  into.u64(shape.length);
  for (const size of shape) {
    if (size === null) into.raw(DYNAMIC);
    else if (typeof size === "number") into.u64(size);
    else if (typeof size === "bigint") into.long(size);
    else throw nameless(`the named size ${size}`);
  }
};

const feedValue = (into: LittleEndian, value: Value): void => {
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
      return into.raw(value.bytes);
    case "Tuple":
      into.u64(value.items.length);
      for (const item of value.items) feedValue(into, item);
  }
};

const feedTypes = (into: LittleEndian, types: ReadonlyArray<Type>): void => {
  into.u64(types.length);
  for (const type of types) feedType(into, type);
};

const feedType = (into: LittleEndian, type: Type): void => {
  into.u64(TYPE_TAGS.indexOf(type.k));
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

/** Most bytes hashed at once. */
const MAX_HASHED: number = 2 ** 30;
/** Most bytes of a node's own fields, lists and long literals aside; and the padding after the last one. */
const OWN_ROOM = 40;

/** What is being fed to the hash; nothing is read beyond what was written. */
const ROOM = new Room(MAX_HASHED, (size) => nameless(`a program of ${size} bytes to hash`));

/** A tag, count or other number below 2^32 as eight bytes. */
const putWord = (at: number, value: number): number => {
  const { view } = ROOM;
  view.setInt32(at, value, true);
  view.setInt32(at + 4, 0, true);
  return at + 8;
};

/** Writes what takes `size` bytes from a place on, with room after it. */
const putFed = (at: number, size: number, feedInto: (into: LittleEndian) => void): number => {
  ROOM.reserve(at + size + OWN_ROOM);
  feedInto(new LittleEndian(ROOM.bytes, at));
  return at + size;
};

const putValue = (value: Value, at: number): number => {
  const { view } = ROOM;
  switch (value.k) {
    case "F32":
      view.setUint8(at, 3);
      view.setInt32(at + 1, value.bits, true);
      return at + 5;
    case "I64":
      view.setUint8(at, 2);
      view.setInt32(at + 1, value.lo, true);
      view.setInt32(at + 5, value.hi, true);
      return at + 9;
    default:
      return putFed(at, valueSize(LAYOUT, value), (into) => feedValue(into, value));
  }
};

const putParameters = (parameters: ReadonlyArray<Parameter>, at: number): number => {
  const size = parameters.reduce((sum, { type }) => sum + 4 + typeSize(LAYOUT, type), 8);
  return putFed(at, size, (into) => {
    into.u64(parameters.length);
    for (const { sym, type } of parameters) {
      into.u32(sym);
      feedType(into, type);
    }
  });
};

/** Feeds an expression from a place on; gives the place after it. */
const put = (node: Expression, start: number): number => {
  ROOM.reserve(start + OWN_ROOM);
  const { tag, children } = node;
  let at = putWord(start, tag);
  let first = 0;
  switch (tag) {
    case Tag.Lit:
      return putValue(node.value, at);
    case Tag.App:
      if (node.attributes.length > 0) throw nameless(`the attribute ${node.attributes[0].name}`);
      ROOM.view.setUint16(at, node.code, true);
      at = putWord(at + 2, children.length);
      break;
    case Tag.Ref:
    case Tag.Let:
      ROOM.view.setInt32(at, node.code, true);
      at += 4;
      break;
    case Tag.Lam:
      at = putParameters(node.parameters, at);
      break;
    case Tag.Call:
      at = put(children[0], at);
      ROOM.reserve(at + OWN_ROOM);
      at = putWord(at, children.length - 1);
      first = 1;
      break;
    case Tag.Block:
      at = putWord(at, children.length);
  }
  for (let i = first; i < children.length; i++) at = put(children[i], at);
  return at;
};

/** Hash of an expression. Throws `RMIL_NOT_EXPRESSIBLE` for attributes and named sizes, which the original lacks. */
export const contentHash = (root: Expression): Hash64 => {
  try {
    const size = put(root, 0);
    ROOM.reserve(size + OWN_ROOM);
    // The hash reads whole words: what follows the last byte must be zero.
    putWord(putWord(size, 0), 0);
    return sipHash13(ROOM.words, size);
  } finally {
    ROOM.release();
  }
};

/** Hash of what takes `size` bytes. */
const hashOf = (size: number, feedInto: (into: LittleEndian) => void): Hash64 => {
  const words = new Int32Array(((size >>> 3) + 1) * 2);
  feedInto(new LittleEndian(new Uint8Array(words.buffer)));
  return sipHash13(words, size);
};

/** Hash of a value, as the `hash` op gives it. */
export const valueHash = (value: Value): Hash64 => hashOf(valueSize(LAYOUT, value), (into) => feedValue(into, value));

/** Hash of a type on its own. */
export const typeHash = (type: Type): Hash64 => hashOf(typeSize(LAYOUT, type), (into) => feedType(into, type));
