/**
 * Trees in formats of others, to be compared with: MessagePack of the JSON form, and protobuf by its wire rules.
 *
 * @module
 */
import { decode as unpackMessage, encode as packMessage } from "@msgpack/msgpack";
import { fromAst, toAst } from "../../../plugins/rmil/ast.ts";
import { type Expression, Tag } from "../../../plugins/rmil/expression.ts";
import { nameOf } from "../../../plugins/rmil/opcodes.ts";

/** The tree's JSON form as MessagePack. */
export const messagePackOf = (root: Expression): Uint8Array => packMessage(toAst(root, nameOf));

/** The tree back from MessagePack. */
export const fromMessagePack = (bytes: Uint8Array): Expression => fromAst(unpackMessage(bytes) as never);

const varint = (value: number): ReadonlyArray<number> => {
  const bytes: Array<number> = [];
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest];
};

const FIELDS = { op: (1 << 3) | 0, args: (2 << 3) | 2, float: (3 << 3) | 5 } as const;
const TAG_SHIFT = 16;

const message = (node: Expression): ReadonlyArray<number> => {
  if (node.tag === Tag.Lit && node.value.k === "F32") {
    const { bits } = node.value;
    return [FIELDS.float, bits & 0xff, (bits >>> 8) & 0xff, (bits >>> 16) & 0xff, bits >>> 24];
  }
  const parts = node.children.flatMap((child) => {
    const inner = message(child);
    return [FIELDS.args, ...varint(inner.length), ...inner];
  });
  return [FIELDS.op, ...varint(node.code | (node.tag << TAG_SHIFT)), ...parts];
};

/**
 * The tree as a protobuf message `Node { op = 1: uint32; args = 2: repeated Node; float = 3: fixed32 }`: a tag byte and
 * a varint, a tag byte, a length and a message, or a tag byte and four bytes. Float literals and plain nodes only.
 */
export const protobufOf = (root: Expression): Uint8Array => Uint8Array.from(message(root));
