/**
 * Codec, version 2: canonical, compact, with shared sub-expressions sent once, attributes, named sizes, and weights that
 * can arrive piece by piece.
 *
 * A program is: `RMIL`, version as two bytes, number of names and the names (the empty one left out), number of weights
 * and their dtypes and sizes, length of the expression and the expression, then the data of the weights. So sizes are
 * known before data comes, and a reader of version 1 stops at the version.
 *
 * Not the expression's bytes (v2_writer.ts, v2_expression.ts) and not version 1 (v1.ts).
 * Invariant: a program has one spelling, which is its identity; whatever decodes is written back to the same bytes.
 *
 * @module
 */
import { type Digest, digestBytes } from "../../../kernel/digest.ts";
import { DTYPES } from "../dtype.ts";
import type { Expression } from "../expression.ts";
import { trailingBytes } from "../failures.ts";
import type { DecodeOptions, Program } from "./v1.ts";
import { readExpression } from "./v2_expression.ts";
import { ProgramStream, type StreamOptions } from "./v2_stream.ts";
import { Bytes, Weights, writeExpression, writeShape } from "./v2_writer.ts";
import { MAGIC, VERSION_2 } from "./wire.ts";

export { MAX_PROGRAM_BYTES, ProgramStream, type StreamOptions } from "./v2_stream.ts";

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

/** Decodes a program. Throws a failure whose path is the byte offset, counted from the expression where it is in that. */
export const decodeProgram = (bytes: Uint8Array, options: StreamOptions = {}): Program => {
  const stream = new ProgramStream(options);
  stream.push(bytes);
  return stream.end();
};
