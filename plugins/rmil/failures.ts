/**
 * The language's failure catalogue.
 *
 * @module
 */
import { failure, type FailureDefinition, type FailureOf } from "../../kernel/failure.ts";

/** A tree, value or type nests too deeply. */
export const tooDeep: FailureDefinition<"RMIL_DEPTH", { what: string; limit: number }> = failure("RMIL_DEPTH", {
  doc: "A program, value or type nests more deeply than its limit.",
  recoverable: true,
  says: (a) => `Cannot use the ${a.what}: it nests deeper than ${a.limit}`,
  fix: () => ({ summary: "Name a part with let, or split the pipeline" }),
});

/** Bytes end too early. */
export const truncated: FailureDefinition<"RMIL_TRUNCATED", { offset: number; wanted: number }> = failure(
  "RMIL_TRUNCATED",
  {
    doc: "The bytes end before what they announce.",
    recoverable: false,
    says: (a) => `Cannot decode: byte ${a.offset} needs ${a.wanted} more bytes`,
  },
);

/** A tag, dtype code, flag or padding byte that is none. */
export const badTag: FailureDefinition<"RMIL_TAG", { what: string; byte: number; offset: number }> = failure(
  "RMIL_TAG",
  {
    doc: "A byte stands where only certain values are allowed.",
    recoverable: false,
    says: (a) => `Cannot decode: ${a.byte} at byte ${a.offset} is no ${a.what}`,
  },
);

/** The bytes are no program. */
export const badMagic: FailureDefinition<"RMIL_MAGIC", Record<never, never>> = failure("RMIL_MAGIC", {
  doc: "The bytes do not start as a program does.",
  recoverable: false,
  says: (_) => `Cannot decode: the bytes do not start with "RMIL"`,
});

/** The format's version is another. */
export const wrongVersion: FailureDefinition<"RMIL_VERSION", { found: number; supported: number }> = failure(
  "RMIL_VERSION",
  {
    doc: "The program is in a version of the wire format that this decoder does not read.",
    recoverable: true,
    says: (a) => `Cannot decode: the program has version ${a.found}, this reads ${a.supported}`,
  },
);

/** Text is not UTF-8, or not what a name may be. */
export const badText: FailureDefinition<"RMIL_TEXT", { what: string; reason: string }> = failure("RMIL_TEXT", {
  doc: "A name is not well-formed text, too long, or given twice.",
  recoverable: false,
  says: (a) => `Cannot use the ${a.what}: ${a.reason}`,
});

/** Bytes follow the end. */
export const trailingBytes: FailureDefinition<"RMIL_TRAILING", { offset: number; count: number }> = failure(
  "RMIL_TRAILING",
  {
    doc: "Bytes follow the end of what was to be decoded.",
    recoverable: false,
    says: (a) => `Cannot decode: ${a.count} bytes follow the end at byte ${a.offset}`,
  },
);

/** A count, size or length that cannot be. */
export const badSize: FailureDefinition<"RMIL_SIZE", { what: string; size: number | string; reason: string }> = failure(
  "RMIL_SIZE",
  {
    doc: "A count, size or length cannot be: it exceeds what remains, its limit, or disagrees with its shape.",
    recoverable: false,
    says: (a) => `Cannot use ${a.what} ${a.size}: ${a.reason}`,
  },
);

/** A symbol index that the table does not have. */
export const unknownSymbol: FailureDefinition<"RMIL_SYMBOL", { index: number; count: number }> = failure(
  "RMIL_SYMBOL",
  {
    doc: "A symbol index lies outside the program's symbol table.",
    recoverable: false,
    says: (a) => `Cannot resolve symbol ${a.index}: the table has ${a.count}`,
  },
);

/** An opcode that the table does not have. */
export const unknownOpcode: FailureDefinition<"RMIL_OPCODE", { opcode: number }> = failure("RMIL_OPCODE", {
  doc: "An opcode is not in the table of ops.",
  recoverable: false,
  says: (a) => `Cannot use opcode 0x${a.opcode.toString(16).padStart(4, "0")}: no op has it`,
});

/** Something this version of the wire format cannot say. */
export const notExpressible: FailureDefinition<"RMIL_NOT_EXPRESSIBLE", { what: string; version: number }> = failure(
  "RMIL_NOT_EXPRESSIBLE",
  {
    doc: "The program holds something that the requested version of the wire format cannot say.",
    recoverable: true,
    says: (a) => `Cannot encode as version ${a.version}: it cannot say ${a.what}`,
    fix: () => ({ summary: "Encode as version 2" }),
  },
);

/** Bytes that say something in another way than the one. */
export const notCanonical = failure("RMIL_NOT_CANONICAL", {
  doc: "The bytes say something in another way than the one that the format has for it.",
  recoverable: false,
  says: (a: { what: string; offset: number }) => `Cannot decode: at byte ${a.offset}, ${a.what}`,
});

/** Source text that is none of the language's. */
export const badSyntax = failure("RMIL_SYNTAX", {
  doc: "Source text is not a program: something else is expected at a place.",
  recoverable: true,
  says: (a: { line: number; column: number; wanted: string; found: string }) =>
    `Cannot read the program at ${a.line}:${a.column}: expected ${a.wanted}, found ${a.found}`,
});

/** A number, tensor or name that is begun right and ends wrong. */
export const badLiteral = failure("RMIL_LITERAL", {
  doc: "A literal or a name in source text is malformed or out of range.",
  recoverable: true,
  says: (a: { line: number; column: number; literal: string; reason: string }) =>
    `Cannot read ${a.literal} at ${a.line}:${a.column}: ${a.reason}`,
});

/** A name that is most likely a misspelled op. */
export const misspelledOp = failure("RMIL_NAME", {
  doc: "A name is bound nowhere and looks like an op's name; it is read as a reference to an input.",
  recoverable: true,
  says: (a: { line: number; column: number; name: string }) =>
    `At ${a.line}:${a.column}, ${a.name} is no op and bound nowhere`,
});

/** An op is given more arguments than it has places for. */
export const tooManyArguments = failure("RMIL_ARGUMENTS", {
  doc: "An op is applied to more arguments than it has places for.",
  recoverable: true,
  says: (a: { op: string; given: number; places: number }) =>
    `Cannot apply ${a.op} to ${a.given} arguments: it has places for ${a.places}`,
  fix: (a) => ({ summary: `Leave out ${a.given - a.places}` }),
});

/** An attribute that an op does not have, or of a value it does not take. */
export const badAttribute = failure("RMIL_ATTRIBUTE", {
  doc: "An attribute is not one of the op's, is given twice, or has a value that it does not take.",
  recoverable: true,
  says: (a: { op: string; attribute: string; reason: string }) =>
    `Cannot apply ${a.op} with attribute ${a.attribute}: ${a.reason}`,
  fix: (a) => ({
    summary: a.suggestions?.[0] ? `Did you mean ${a.suggestions[0]}?` : "See rmil.ops for its attributes",
  }),
});

/** A pattern, template or rule that cannot be read. */
export const badPattern: FailureDefinition<"RMIL_PATTERN", { reason: string }> = failure("RMIL_PATTERN", {
  doc: "A pattern, a template or a rule of rewriting is malformed.",
  recoverable: true,
  says: (a) => `Cannot use the rule: ${a.reason}`,
  fix: (a) => ({
    summary: a.suggestions?.[0] ? `Did you mean ${a.suggestions[0]}?` : "See the examples of rmil.rewrite",
  }),
});

/** Something cannot be quantised, or not that way. */
export const notQuantizable: FailureDefinition<"RMIL_QUANTIZE", { what: string; reason: string }> = failure(
  "RMIL_QUANTIZE",
  {
    doc: "A tensor or program cannot be quantised to that target, or not with these options.",
    recoverable: true,
    says: (a) => `Cannot quantise ${a.what}: ${a.reason}`,
    fix: (a) => ({ summary: a.suggestions?.[0] ? `Use ${a.suggestions[0]}` : "See the options of rmil.quantize" }),
  },
);

/** A sparse matrix or an operand that does not fit. */
export const badSparse: FailureDefinition<"RMIL_SPARSE", { what: string; reason: string }> = failure("RMIL_SPARSE", {
  doc: "A sparse matrix is malformed, or an operand does not fit it.",
  recoverable: true,
  says: (a) => `Cannot use the sparse ${a.what}: ${a.reason}`,
  fix: () => ({ summary: "Check rows, columns and lengths" }),
});

/** A stored program cannot be read. */
export const notStored: FailureDefinition<"RMIL_STORED", { digest: string; reason: string }> = failure("RMIL_STORED", {
  doc: "A program in the store of artifacts cannot be read or written; `actual` holds the store's failure.",
  recoverable: true,
  says: (a) => `Cannot use the stored program ${a.digest}: ${a.reason}`,
  fix: () => ({ summary: "Store the program again with rmil.store" }),
});

/** A stored program needs what its caller did not allow. */
export const notAllowed: FailureDefinition<"RMIL_ALLOW", { kind: string }> = failure("RMIL_ALLOW", {
  doc: "A program given by its digest needs a kind of authority that the call did not allow it.",
  recoverable: true,
  says: (a) => `Cannot run the stored program: it needs ${a.kind}, which the call does not allow`,
  fix: (a) => ({
    summary: `Allow ${a.kind}, if the gate agrees`,
    patch: [{ op: "add", path: "/allow", value: a.expected ?? [a.kind] }],
  }),
});

/** No op has this name. */
export const unknownOp: FailureDefinition<"RMIL_UNKNOWN_OP", { name: string }> = failure("RMIL_UNKNOWN_OP", {
  doc: "No op has this name.",
  recoverable: true,
  says: (a) => `Cannot show op "${a.name}": there is none of that name`,
  fix: (a) => ({ summary: a.suggestions?.[0] ? `Did you mean ${a.suggestions[0]}?` : "List them with rmil.ops" }),
});

/** No published architecture has this name. */
export const unknownArchitecture: FailureDefinition<"RMIL_UNKNOWN_PATTERN", { name: string }> = failure(
  "RMIL_UNKNOWN_PATTERN",
  {
    doc: "No published architecture has this name.",
    recoverable: true,
    says: (a) => `Cannot build pattern "${a.name}": there is none of that name`,
    fix: (a) => ({
      summary: a.suggestions?.[0] ? `Did you mean ${a.suggestions[0]}?` : "List them with rmil.patterns",
    }),
  },
);

/** Codes of this room. */
export type RmilCode = `RMIL_${string}`;

/** A failure of this room. */
export type RmilFailure = FailureOf<RmilCode>;

/** Every failure of the language. */
export const rmilFailures: ReadonlyArray<FailureDefinition<RmilCode, never>> = [
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
  notCanonical,
  badSyntax,
  badLiteral,
  misspelledOp,
  tooManyArguments,
  badAttribute,
  badPattern,
  notQuantizable,
  badSparse,
  notStored,
  notAllowed,
  unknownOp,
  unknownArchitecture,
];
