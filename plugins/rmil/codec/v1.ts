/**
 * Codec, version 1: the original's wire format, byte for byte, with a decoder that refuses what the original lets pass.
 *
 * Not canonical across symbol tables (see canonicalise) and not compact (see version 2).
 * Invariant: `encode(decode(b)) = b` for every accepted `b`; decoding takes time and memory linear in the bytes, at any
 * input. Source: RMIL §6.
 *
 * @module
 */
import type { Expression } from "../expression.ts";
import { badMagic, badSize, badText, wrongVersion } from "../failures.ts";
import type { Symbols } from "../symbols.ts";
import type { Type } from "../types.ts";
import { LittleEndian } from "./little_endian.ts";
import { type DecodeOptions, Reader } from "./v1_reader.ts";
import { counted, VERSION } from "./v1_size.ts";
import { treeBytes, typeToBytes } from "./v1_writer.ts";

export { anyOpcode, type DecodeOptions } from "./v1_reader.ts";
export { V1_MAX_BYTES, V1_MAX_COUNT, V1_MAX_DEPTH, V1_MAX_SIZE, VERSION, wireSize } from "./v1_size.ts";

const MAGIC = [0x52, 0x4d, 0x49, 0x4c] as const;
const HEADER_BYTES = 16;

/** A program: a tree and the names its symbols stand for. */
export interface Program {
  /** Names. */
  readonly symbols: Symbols;
  /** The tree. */
  readonly root: Expression;
}

/** Encodes an expression without header. Throws `RMIL_NOT_EXPRESSIBLE` where version 1 cannot say it. */
export const encodeExpression = (root: Expression): Uint8Array => treeBytes(root);

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
  const expression = treeBytes(root);
  const writer = new LittleEndian(new Uint8Array(HEADER_BYTES + table + expression.length));
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
export const encodeType = (type: Type): Uint8Array => typeToBytes(type);
