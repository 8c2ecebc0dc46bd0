/**
 * Handlers of the operations on the language itself.
 *
 * Invariant: a failure found in bytes names the input's field, and the byte in its message.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { isFailure } from "../../kernel/failure.ts";
import { type Json, MAX_JSON_DEPTH } from "../../kernel/json.ts";
import { nearest } from "../../kernel/nearest.ts";
import { toAst } from "./ast.ts";
import { attempting } from "./attempting.ts";
import { type AnyProgram, decodeAny, decodeTree, encodeAny, type Form, type WireVersion } from "./codec/any.ts";
import * as v1 from "./codec/v1.ts";
import * as v2 from "./codec/v2.ts";
import type { Expression } from "./expression.ts";
import { badSize, unknownArchitecture, unknownOp } from "./failures.ts";
import { contentHash } from "./hash.ts";
import { Interner } from "./intern.ts";
import { nameOf, nearestOps, OPS } from "./opcodes.ts";
import { briefOp, opJson } from "./ops/described.ts";
import type { OpRow } from "./ops/row.ts";
import { PATTERNS } from "./patterns.ts";
import { bytesOfHex, failureAt, type GivenProgram, programFrom } from "./program_source.ts";
import { showHash } from "./siphash.ts";
import type { Diagnostic } from "./syntax/diagnostics.ts";
import { format } from "./syntax/format.ts";
import { readSource } from "./syntax/reading.ts";
import { print } from "./syntax/printer.ts";

/** Largest tree that is answered as JSON and text; shared parts are written out there. */
export const MAX_SHOWN_NODES = 100_000;

/** The hash of a tree that version 1 can say. */
const hashOf = (root: Expression): { readonly hash?: string } => {
  try {
    return { hash: showHash(contentHash(root)) };
  } catch (thrown) {
    if (isFailure(thrown) && thrown.code === "RMIL_NOT_EXPRESSIBLE") return {};
    throw thrown;
  }
};

interface EncodeInput {
  readonly source: GivenProgram;
  readonly version?: WireVersion;
  readonly form?: Form;
}

/** A program without header may name symbols by number only, so its text may name what it does not introduce. */
const programToEncode = ({ source, form }: EncodeInput) =>
  typeof source === "string"
    ? attempting(() => readSource(source, "/source", { dangling: form === "expression" }))
    : programFrom(source, "/source");

const encode = (input: EncodeInput) =>
  Effect.flatMap(programToEncode(input), (program) =>
    attempting(() => {
      const { version = 1, form = "program" } = input;
      const bytes = encodeAny(program, version, form);
      return { hex: bytes.toHex(), bytes: bytes.length, ...hashOf(program.root), digest: v2.programDigest(program) };
    }));

const checkShown = (root: Expression, path = "/hex"): void => {
  const interner = new Interner();
  const size = interner.sizeOf(interner.numberOf(root));
  if (size <= MAX_SHOWN_NODES) return;
  throw badSize({ what: "a tree of nodes", size, reason: `at most ${MAX_SHOWN_NODES} are shown`, path });
};

const jsonDepth = (json: Json): number => {
  if (typeof json !== "object" || json === null) return 0;
  return 1 + Object.values(json).reduce<number>((deepest, member) => Math.max(deepest, jsonDepth(member)), 0);
};

/** The tree as JSON, where an answer can nest as deeply as it does. */
const astOf = (root: Expression): { readonly ast?: Json } => {
  const ast = toAst(root, nameOf);
  return jsonDepth(ast) < MAX_JSON_DEPTH ? { ast } : {};
};

interface DecodeInput {
  readonly hex: string;
  readonly version?: WireVersion;
  readonly form?: Form;
  readonly anyOpcode?: boolean;
}

const decode = (input: DecodeInput) => {
  const bytes = bytesOfHex(input.hex, "/hex");
  const options = input.anyOpcode === true ? { knows: v1.anyOpcode } : {};
  let program: AnyProgram;
  try {
    program = input.form === "expression"
      ? decodeTree(bytes, input.version ?? 1, options)
      : decodeAny(bytes, input.version === undefined ? options : { ...options, version: input.version });
  } catch (thrown) {
    throw isFailure(thrown) ? failureAt(thrown, "/hex") : thrown;
  }
  const { root, symbols, version } = program;
  checkShown(root);
  return {
    source: print(root, symbols),
    ...astOf(root),
    symbols: symbols.names,
    ...hashOf(root),
    bytes: bytes.length,
    version,
  };
};

const diagnosticJson = ({ severity, span, failure, edit }: Diagnostic) => ({
  severity,
  code: failure.code,
  message: failure.message,
  start: span.start,
  end: span.end,
  ...(failure.fix === undefined ? {} : { fix: failure.fix.summary }),
  ...(edit === undefined ? {} : { edit }),
});

/** Text is set anew with its comments; a program without text gets one. */
const formatted = ({ source }: { readonly source: GivenProgram }) =>
  typeof source === "string"
    ? attempting(() => {
      const made = format(source);
      return { source: made.source, diagnostics: made.diagnostics.map(diagnosticJson) };
    })
    : Effect.flatMap(programFrom(source, "/source"), ({ root, symbols }) =>
      attempting(() => {
        checkShown(root, "/source");
        return { source: format(print(root, symbols)).source, diagnostics: [] };
      }));

const patternJson = (name: string, asked: number | undefined) => {
  const { doc, size, build } = PATTERNS[name];
  const root = build(asked ?? size?.default ?? 0);
  return {
    name,
    doc,
    ...(size === undefined ? {} : { size: size.doc }),
    source: print(root),
    bytes: { v1: v1.wireSize(root), v2: v2.encodeExpression(root).length },
    hash: showHash(contentHash(root)),
  };
};

const patterns = ({ name, size }: { readonly name?: string; readonly size?: number }) => {
  if (name === undefined) return { patterns: Object.keys(PATTERNS).map((each) => patternJson(each, size)) };
  if (Object.hasOwn(PATTERNS, name)) return { patterns: [patternJson(name, size)] };
  const names = Object.keys(PATTERNS);
  const containing = name === "" ? [] : names.filter((each) => each.includes(name));
  const suggestions = [...new Set([...nearest(name, names, 3), ...containing])];
  const fix = suggestions.length === 0 ? {} : {
    fix: {
      summary: `Did you mean ${suggestions[0]}?`,
      patch: [{ op: "replace" as const, path: "/name", value: suggestions[0] }],
    },
  };
  throw unknownArchitecture({ name, path: "/name", suggestions, ...fix });
};

const rowOf = (name: string, index: number): OpRow => {
  const rows: ReadonlyArray<OpRow> = Object.values(OPS);
  const found = rows.find((row) => row.name === name || row.constant === name);
  if (found !== undefined) return found;
  const suggestions = nearestOps(name, 3);
  const path = `/names/${index}`;
  const fix = suggestions.length === 0 ? {} : {
    fix: {
      summary: `Did you mean ${suggestions[0]}?`,
      patch: [{ op: "replace" as const, path, value: suggestions[0] }],
    },
  };
  throw unknownOp({ name, path, suggestions, ...fix });
};

const ops = ({ names, family }: { readonly names?: ReadonlyArray<string>; readonly family?: string }) => {
  const inFamily = (row: OpRow): boolean => family === undefined || row.family === family;
  if (names === undefined) return { ops: Object.values(OPS).filter(inFamily).map(briefOp) };
  return { ops: names.map(rowOf).filter(inFamily).map(opJson) };
};

/** Handlers by operation id. */
export const languageHandlers = {
  "rmil.encode": encode,
  "rmil.decode": (input: Parameters<typeof decode>[0]) => attempting(() => decode(input)),
  "rmil.format": formatted,
  "rmil.patterns": (input: Parameters<typeof patterns>[0]) => attempting(() => patterns(input)),
  "rmil.ops": (input: Parameters<typeof ops>[0]) => attempting(() => ops(input)),
};
