/**
 * Exit codes: what the shell learns of how a call ended.
 *
 * Invariant: one table from failure codes; in a batch the highest counts.
 *
 * @module
 */
import { type Failure, isJsonObject } from "../../../kernel/mod.ts";

/** The exit codes of the command line. */
export const EXIT = { ok: 0, failed: 1, usage: 2, denied: 3, interrupted: 130 } as const;

/** One exit code. */
export type ExitCode = typeof EXIT[keyof typeof EXIT];

const BY_CODE: { readonly [code: string]: ExitCode } = {
  KERNEL_INVALID_INPUT: EXIT.usage,
  KERNEL_UNKNOWN_OPERATION: EXIT.usage,
  SURFACE_COMMAND: EXIT.usage,
  SURFACE_DOCUMENT: EXIT.usage,
  SURFACE_DOCUMENT_SIZE: EXIT.usage,
  KERNEL_DENIED: EXIT.denied,
  KERNEL_APPROVAL_NEEDED: EXIT.denied,
  KERNEL_OUT_OF_REACH: EXIT.denied,
  KERNEL_INTERRUPTED: EXIT.interrupted,
};

/** A refusal or an interruption deep inside is still one; bad input between operations is a failure of the outer one. */
const THROUGH_SUBCALLS: ReadonlyArray<ExitCode> = [EXIT.denied, EXIT.interrupted];

/** Calls within calls that are followed to the failure that began it. */
const MAX_SUBCALLS = 16;

/** The exit code of a failure. */
export const exitCodeOf = (failure: Failure): ExitCode => {
  let code = failure.code;
  let actual: unknown = failure.actual;
  for (let depth = 0; code === "KERNEL_SUBCALL" && depth < MAX_SUBCALLS; depth++) {
    if (!isJsonObject(actual) || typeof actual.code !== "string") return EXIT.failed;
    code = actual.code;
    actual = actual.actual;
  }
  const exit = Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : EXIT.failed;
  return failure.code === code || THROUGH_SUBCALLS.includes(exit) ? exit : EXIT.failed;
};

/** The worse of two exit codes. */
export const worse = (a: ExitCode, b: ExitCode): ExitCode => a > b ? a : b;
