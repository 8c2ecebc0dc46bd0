/**
 * Program source: a program given as text or bytes, read.
 *
 * Invariant: `kindsOf` bounds what any run of the program may ask for, since a run only ever evaluates parts of its tree.
 *
 * @module
 */
import { isFailure, type Kind } from "../../kernel/mod.ts";
import { decodeAny } from "./codec/any.ts";
import { opcodesOf } from "./expression.ts";
import type { Program } from "./codec/v1.ts";
import { badText } from "./failures.ts";
import { opOf } from "./opcodes.ts";
import { OP_EFFECTS } from "./ops/row.ts";
import { parse } from "./syntax/parser.ts";

/** A program as a caller gives it. */
export type GivenProgram = { readonly source: string } | { readonly hex: string };

/** Reads a program; throws the first failure. */
export const programOf = (given: GivenProgram): Program => {
  if ("source" in given) {
    const { root, symbols } = parse(given.source);
    return { root, symbols };
  }
  if (given.hex.length % 2 === 0 && /^[0-9a-fA-F]*$/u.test(given.hex)) return decodeAny(Uint8Array.fromHex(given.hex));
  throw badText({ what: "bytes", reason: "pairs of hexadecimal digits are expected", path: "/program/hex" });
};

/** Reads a program; `undefined` where it is none. */
export const readProgram = (given: GivenProgram): Program | undefined => {
  try {
    return programOf(given);
  } catch (thrown) {
    if (isFailure(thrown)) return undefined;
    throw thrown;
  }
};

/** The kinds that a run of the program may need: those of every op in its tree. */
export const kindsOf = (program: Program | undefined): ReadonlyArray<Kind> =>
  program === undefined ? [] : [
    ...new Set(
      opcodesOf(program.root).flatMap((code): ReadonlyArray<Kind> => OP_EFFECTS[opOf(code)?.effect ?? "pure"].kinds),
    ),
  ];
