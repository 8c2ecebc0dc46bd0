/**
 * Program at: reading a program that stands somewhere in an operation's input.
 *
 * Invariant: a failure, and the patch that mends it, name that place.
 *
 * @module
 */
import { Failure, isFailure, type JsonPatch } from "../../../kernel/mod.ts";
import type { Symbols } from "../symbols.ts";
import { parse, type Parsed } from "../syntax/parser.ts";

const movedPatch = (patch: JsonPatch, to: string): JsonPatch => patch.map((edit) => ({ ...edit, path: to }));

/** The program of a text at a path of the input, over a table of names where one is given. */
export const programAt = (source: string, path: string, symbols?: Symbols): Parsed => {
  try {
    return parse(source, symbols === undefined ? {} : { symbols });
  } catch (thrown) {
    if (!isFailure(thrown)) throw thrown;
    const { code, recoverable, message, expected, actual, fix, suggestions, docs } = thrown;
    const patch = fix?.patch === undefined ? {} : { patch: movedPatch(fix.patch, path) };
    throw new Failure({
      code,
      recoverable,
      message,
      path,
      ...(expected === undefined ? {} : { expected }),
      ...(actual === undefined ? {} : { actual }),
      ...(fix === undefined ? {} : { fix: { ...fix, ...patch } }),
      suggestions,
      docs,
    });
  }
};
