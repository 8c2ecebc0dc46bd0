/**
 * Writer of version 1: trees as the original's bytes.
 *
 * Not the program around it (v1.ts). Trees are written in one walk, without recursion but for callees; what cannot be
 * said is found on the way.
 * Invariant: the bytes are the original's. Source: RMIL §6.2.
 *
 * @module
 */
import { DTYPES } from "../dtype.ts";
import { type Expression, lit, MAX_NODES, type Parameter, Tag } from "../expression.ts";
import { type Dimension, type Type, TYPE_TAGS } from "../types.ts";
import { NIL, type Value } from "../value.ts";
import { LittleEndian, Room } from "./little_endian.ts";
import {
  cannot,
  counted,
  DYNAMIC_SIZE,
  typeBytes,
  V1_MAX_BYTES,
  V1_MAX_COUNT,
  V1_MAX_DEPTH,
  valueBytes,
} from "./v1_size.ts";

class Writer extends LittleEndian {
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

/** Most bytes of a node's own fields, lists and long literals aside. */
const OWN_BYTES = 16;

/** Tag of a literal, then that of a 32-bit float, as two bytes with the low one first. */
const LIT_F32 = Tag.Lit | (3 << 8);

const tooLong = (size: number) => cannot(`a program of ${size} bytes`);

const ROOM = new Room(V1_MAX_BYTES + OWN_BYTES * MAX_NODES, tooLong);

/** Nodes whose turn comes later: what follows the first child of those being written. */
const later: Array<Expression> = [];
/** How many places of it were used since it was last cleared. */
let used = 0;
const NOTHING = lit(NIL);
/** A longer list is given back. */
const KEPT_LATER = 4096;

/** Writes values and lists that may be long, and keeps `spare` bytes of room after them. */
const putValue = (value: Value, at: number, spare: number): number => {
  const end = at + valueBytes(value);
  ROOM.reserve(end + spare);
  new Writer(ROOM.bytes, at).value(value);
  return end;
};

const putParameters = (parameters: ReadonlyArray<Parameter>, at: number, spare: number): number => {
  counted(parameters.length, "parameters");
  const end = parameters.reduce((size, { type }) => size + 4 + typeBytes(type), at + 2);
  ROOM.reserve(end + spare);
  const writer = new Writer(ROOM.bytes, at);
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

/** Writes a node's fields up to its first child. */
const putFields = (node: Expression, at: number, top: number, spare: number): number => {
  const { tag, code, children } = node;
  const { view } = ROOM;
  view.setUint8(at, tag);
  switch (tag) {
    case Tag.Lit:
      return putValue(node.value, at + 1, spare);
    case Tag.Ref:
    case Tag.Let:
      view.setInt32(at + 1, code, true);
      return at + 5;
    case Tag.Lam:
      return putParameters(node.parameters, at + 1, spare);
    case Tag.Call: {
      counted(children.length - 1, "arguments");
      const end = put(children[0], at + 1, top, spare);
      ROOM.view.setInt16(end, children.length - 1, true);
      return end + 2;
    }
    case Tag.Block:
      view.setInt32(at + 1, children.length, true);
      return at + 5;
    default:
      return at + 1;
  }
};

/**
 * Writes a tree from a place on; gives the place after it. `bottom` is where its part of {@link later} begins, and at
 * every node there is room for `spare` bytes: the fields of all nodes that are left.
 */
const put = (root: Expression, start: number, bottom: number, spare: number): number => {
  let { view } = ROOM;
  let node = root;
  let at = start;
  let top = bottom;
  for (;;) {
    const { tag, children } = node;
    let first = 0;
    // The two most common nodes are written here, without a call.
    if (tag === Tag.App) {
      if (children.length > V1_MAX_COUNT || node.attributes.length > 0) checkApplication(node);
      view.setUint8(at, Tag.App);
      view.setInt16(at + 1, node.code, true);
      view.setInt16(at + 3, children.length, true);
      at += 5;
    } else if (tag === Tag.Lit && node.value.k === "F32") {
      view.setInt16(at, LIT_F32, true);
      view.setInt32(at + 2, node.value.bits, true);
      at += 6;
    } else {
      at = putFields(node, at, top, spare);
      // Long fields move the room.
      view = ROOM.view;
      if (tag === Tag.Call) first = 1;
    }
    if (children.length > first) {
      for (let i = children.length - 1; i > first; i--) later[top++] = children[i];
      if (top > used) used = top;
      node = children[first];
    } else {
      if (top === bottom) return at;
      node = later[--top];
    }
  }
};

/** The bytes of a tree. Throws `RMIL_NOT_EXPRESSIBLE` where version 1 cannot say it. */
export const treeBytes = (root: Expression): Uint8Array => {
  if (root.depth > V1_MAX_DEPTH) throw cannot(`a tree deeper than ${V1_MAX_DEPTH}`);
  const spare = OWN_BYTES * root.size;
  let end = 0;
  try {
    ROOM.reserve(spare);
    end = put(root, 0, 0, spare);
    if (end > V1_MAX_BYTES) throw tooLong(end);
    return ROOM.bytes.slice(0, end);
  } finally {
    ROOM.release();
    // What was written is not kept alive by having been written.
    if (used > KEPT_LATER) later.length = 0;
    else later.fill(NOTHING, 0, used);
    used = 0;
  }
};

/** The bytes of a type on its own. */
export const typeToBytes = (type: Type): Uint8Array => {
  const writer = new Writer(new Uint8Array(typeBytes(type)));
  writer.type(type);
  return writer.bytes;
};
