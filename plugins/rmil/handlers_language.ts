/**
 * Handlers of the operations on the language itself.
 *
 * Invariant: a failure found in bytes names the input's field, and the byte in its message.
 *
 * @module
 */
import { Failure, isFailure } from "../../kernel/failure.ts";
import { type Json, MAX_JSON_DEPTH } from "../../kernel/json.ts";
import { nearest } from "../../kernel/nearest.ts";
import { toAst } from "./ast.ts";
import { attempting } from "./attempting.ts";
import { type AnyProgram, decodeAny, decodeTree, encodeAny, type Form, type WireVersion } from "./codec/any.ts";
import * as v1 from "./codec/v1.ts";
import * as v2 from "./codec/v2.ts";
import type { Expression } from "./expression.ts";
import { badSize, badText, unknownArchitecture, unknownOp } from "./failures.ts";
import { contentHash } from "./hash.ts";
import { Interner } from "./intern.ts";
import { nameOf, nearestOps, OPS } from "./opcodes.ts";
import { ATTRIBUTE_KINDS, INITIALISERS, OP_EFFECTS, OPERAND_KINDS, type OpRow } from "./ops/row.ts";
import { PATTERNS } from "./patterns.ts";
import { showHash } from "./siphash.ts";
import type { Diagnostic } from "./syntax/diagnostics.ts";
import { format } from "./syntax/format.ts";
import { parse } from "./syntax/parser.ts";
import { print } from "./syntax/printer.ts";

/** Largest tree that is answered as JSON and text; shared parts are written out there. */
export const MAX_SHOWN_NODES = 100_000;

const given = <K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } =>
  (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: V };

/** The hash of a tree that version 1 can say. */
const hashOf = (root: Expression): { readonly hash?: string } => {
  try {
    return { hash: showHash(contentHash(root)) };
  } catch (thrown) {
    if (isFailure(thrown) && thrown.code === "RMIL_NOT_EXPRESSIBLE") return {};
    throw thrown;
  }
};

/** The same failure at a field of the input; where it named a byte, the message does. */
const inField = (field: string, failure: Failure): Failure => {
  const { code, recoverable, path, suggestions, docs } = failure;
  const byte = /^\/(\d+)$/u.exec(path)?.[1];
  const says = byte === undefined || failure.message.includes(`byte ${byte}`);
  return new Failure({
    code,
    recoverable,
    message: says ? failure.message : `${failure.message} (byte ${byte})`,
    path: `/${field}`,
    suggestions,
    docs,
    ...given("expected", failure.expected),
    ...given("actual", failure.actual),
    ...given("fix", failure.fix),
  });
};

const bytesOf = (hex: string): Uint8Array => {
  if (hex.length % 2 === 0 && /^[0-9a-fA-F]*$/u.test(hex)) return Uint8Array.fromHex(hex);
  throw badText({ what: "bytes", reason: "pairs of hexadecimal digits are expected", path: "/hex" });
};

const encode = (input: { readonly source: string; readonly version?: WireVersion; readonly form?: Form }) => {
  const { version = 1, form = "program" } = input;
  const program = parse(input.source, { dangling: form === "expression" });
  const bytes = encodeAny(program, version, form);
  return { hex: bytes.toHex(), bytes: bytes.length, ...hashOf(program.root), digest: v2.programDigest(program) };
};

const checkShown = (root: Expression): void => {
  const interner = new Interner();
  const size = interner.sizeOf(interner.numberOf(root));
  if (size <= MAX_SHOWN_NODES) return;
  throw badSize({ what: "a tree of nodes", size, reason: `at most ${MAX_SHOWN_NODES} are shown`, path: "/hex" });
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

const decode = (input: { readonly hex: string; readonly version?: WireVersion; readonly form?: Form }) => {
  const bytes = bytesOf(input.hex);
  let program: AnyProgram;
  try {
    program = input.form === "expression"
      ? decodeTree(bytes, input.version ?? 1)
      : decodeAny(bytes, input.version === undefined ? {} : { version: input.version });
  } catch (thrown) {
    throw isFailure(thrown) ? inField("hex", thrown) : thrown;
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

const briefOp = ({ name, code, family, doc }: OpRow) => ({
  name,
  code: `0x${code.toString(16).padStart(4, "0")}`,
  family,
  doc,
});

const opJson = (row: OpRow) => ({
  ...briefOp(row),
  operands: row.operands.map(({ takes, ...operand }) => ({ ...operand, takes: OPERAND_KINDS[takes] })),
  attributes: row.attributes.map(({ name, kind, doc, choices, named, default: preset }) => ({
    name,
    takes: choices === undefined ? ATTRIBUTE_KINDS[kind] : choices.map((choice) => `#${choice}`).join(" or "),
    ...given("default", preset as Json | undefined),
    ...given("named", named),
    doc,
  })),
  parameters: row.parameters.map(({ name, shape, init, when }) => ({
    name,
    shape,
    starts: INITIALISERS[init],
    ...given("when", when),
  })),
  result: row.result,
  differentiable: row.differentiable,
  effect: OP_EFFECTS[row.effect].doc,
  source: row.source,
});

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
  "rmil.encode": (input: Parameters<typeof encode>[0]) => attempting(() => encode(input)),
  "rmil.decode": (input: Parameters<typeof decode>[0]) => attempting(() => decode(input)),
  "rmil.format": ({ source }: { readonly source: string }) =>
    attempting(() => {
      const formatted = format(source);
      return { source: formatted.source, diagnostics: formatted.diagnostics.map(diagnosticJson) };
    }),
  "rmil.patterns": (input: Parameters<typeof patterns>[0]) => attempting(() => patterns(input)),
  "rmil.ops": (input: Parameters<typeof ops>[0]) => attempting(() => ops(input)),
};
