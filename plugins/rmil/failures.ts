/**
 * The language's failure catalogue.
 *
 * @module
 */
import { type AnyFailureDefinition, failure } from "../../kernel/mod.ts";

/** A tree, value or type nests too deeply. */
export const tooDeep = failure("RMIL_DEPTH", {
  doc: "A program, value or type nests more deeply than its limit.",
  recoverable: true,
  says: (a: { what: string; limit: number }) => `Cannot use the ${a.what}: it nests deeper than ${a.limit}`,
  fix: () => ({ summary: "Name a part with let, or split the pipeline" }),
});

/** Bytes end too early. */
export const truncated = failure("RMIL_TRUNCATED", {
  doc: "The bytes end before what they announce.",
  recoverable: false,
  says: (a: { offset: number; wanted: number }) => `Cannot decode: byte ${a.offset} needs ${a.wanted} more bytes`,
});

/** A tag, dtype code, flag or padding byte that is none. */
export const badTag = failure("RMIL_TAG", {
  doc: "A byte stands where only certain values are allowed.",
  recoverable: false,
  says: (a: { what: string; byte: number; offset: number }) =>
    `Cannot decode: ${a.byte} at byte ${a.offset} is no ${a.what}`,
});

/** The bytes are no program. */
export const badMagic = failure("RMIL_MAGIC", {
  doc: "The bytes do not start as a program does.",
  recoverable: false,
  says: (_: Record<never, never>) => `Cannot decode: the bytes do not start with "RMIL"`,
});

/** The format's version is another. */
export const wrongVersion = failure("RMIL_VERSION", {
  doc: "The program is in a version of the wire format that this decoder does not read.",
  recoverable: true,
  says: (a: { found: number; supported: number }) =>
    `Cannot decode: the program has version ${a.found}, this reads ${a.supported}`,
});

/** Text is not UTF-8, or not what a name may be. */
export const badText = failure("RMIL_TEXT", {
  doc: "A name is not well-formed text, too long, or given twice.",
  recoverable: false,
  says: (a: { what: string; reason: string }) => `Cannot use the ${a.what}: ${a.reason}`,
});

/** Bytes follow the end. */
export const trailingBytes = failure("RMIL_TRAILING", {
  doc: "Bytes follow the end of what was to be decoded.",
  recoverable: false,
  says: (a: { offset: number; count: number }) => `Cannot decode: ${a.count} bytes follow the end at byte ${a.offset}`,
});

/** A count, size or length that cannot be. */
export const badSize = failure("RMIL_SIZE", {
  doc: "A count, size or length cannot be: it exceeds what remains, its limit, or disagrees with its shape.",
  recoverable: false,
  says: (a: { what: string; size: number | string; reason: string }) => `Cannot use ${a.what} ${a.size}: ${a.reason}`,
});

/** A symbol index that the table does not have. */
export const unknownSymbol = failure("RMIL_SYMBOL", {
  doc: "A symbol index lies outside the program's symbol table.",
  recoverable: false,
  says: (a: { index: number; count: number }) => `Cannot resolve symbol ${a.index}: the table has ${a.count}`,
});

/** An opcode that the table does not have. */
export const unknownOpcode = failure("RMIL_OPCODE", {
  doc: "An opcode is not in the table of ops.",
  recoverable: false,
  says: (a: { opcode: number }) => `Cannot use opcode 0x${a.opcode.toString(16).padStart(4, "0")}: no op has it`,
});

/** Something this version of the wire format cannot say. */
export const notExpressible = failure("RMIL_NOT_EXPRESSIBLE", {
  doc: "The program holds something that the requested version of the wire format cannot say.",
  recoverable: true,
  says: (a: { what: string; version: number }) => `Cannot encode as version ${a.version}: it cannot say ${a.what}`,
  fix: () => ({ summary: "Encode as version 2" }),
});

/** Every failure of the language. */
export const rmilFailures: ReadonlyArray<AnyFailureDefinition> = [
  tooDeep,
  truncated,
  badTag,
  badMagic,
  wrongVersion,
  badText,
  trailingBytes,
  badSize,
  unknownSymbol,
  unknownOpcode,
  notExpressible,
];
