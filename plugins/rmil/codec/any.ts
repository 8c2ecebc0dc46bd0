/**
 * Any version: programs in whichever version of the format they are.
 *
 * Not the formats (v1.ts, v2.ts).
 * Invariant: a program's header decides its version; bytes without header need to be told.
 *
 * @module
 */
import type { Expression } from "../expression.ts";
import { wrongVersion } from "../failures.ts";
import { Symbols } from "../symbols.ts";
import * as v1 from "./v1.ts";
import * as v2 from "./v2.ts";

/** A version of the wire format. */
export type WireVersion = 1 | 2;

/** With header and names, or the tree alone. */
export type Form = "program" | "expression";

/** What bytes say, and in which version. */
export interface AnyProgram extends v1.Program {
  /** The version they are in. */
  readonly version: WireVersion;
}

const VERSION_OFFSET = 4;

const CODECS: { readonly [V in WireVersion]: typeof v1 | typeof v2 } = { 1: v1, 2: v2 };

/** The version that a header names; what is no header is left to the reader of version 1, which says what is wrong. */
const versionOf = (bytes: Uint8Array): WireVersion =>
  bytes[VERSION_OFFSET] === 2 && bytes[VERSION_OFFSET + 1] === 0 ? 2 : 1;

/** Encodes in a version and a form. */
export const encodeAny = (program: v1.Program, version: WireVersion, form: Form): Uint8Array =>
  form === "program" ? CODECS[version].encodeProgram(program) : CODECS[version].encodeExpression(program.root);

/** Decodes a program of any version, or of the one given. */
export const decodeAny = (
  bytes: Uint8Array,
  options: v1.DecodeOptions & { readonly version?: WireVersion } = {},
): AnyProgram => {
  const version = versionOf(bytes);
  const program = CODECS[version].decodeProgram(bytes, options);
  if (options.version === undefined || options.version === version) return { ...program, version };
  throw wrongVersion({ found: version, supported: options.version, expected: options.version, actual: version });
};

/** Decodes a tree without header, in the version given. */
export const decodeTree = (bytes: Uint8Array, version: WireVersion, options: v1.DecodeOptions = {}): AnyProgram => {
  const root: Expression = CODECS[version].decodeExpression(bytes, options);
  return { symbols: new Symbols(), root, version };
};
