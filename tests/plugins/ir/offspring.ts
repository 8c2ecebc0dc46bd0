/**
 * Judges an offspring by what does not depend on how it was made: its signature, its text, the checks, the verifier.
 */
import {
  functionOf,
  makeProgram,
  parseProgram,
  printProgram,
  printTypes,
  type Program,
  programDigest,
  returnTypes,
  verify,
} from "../../../plugins/ir/library.ts";

/** Types of a program's parameters and results, and the sizes it asks for. */
export const signatureOf = (program: Program): string => {
  const fn = functionOf(program);
  return `${printTypes(fn.parameters.map(({ type }) => type))} ${printTypes(returnTypes(fn))} ${fn.sizes}`;
};

/** Checks a program again from nothing: its text is read, its functions are checked as if new, the verifier sees no error. */
export const isVerified = (program: Program): boolean =>
  programDigest(parseProgram(printProgram(program))) === programDigest(program) &&
  programDigest(makeProgram([...program.functions.values()], program.entry)) === programDigest(program) &&
  verify(program).diagnostics.every(({ severity }) => severity !== "error");
