/**
 * Diagnostic: a failure on one line of quoted pairs, for logs and for agents that read line by line.
 *
 * Not the full record (that is the JSON form): patches and suggestions beyond the first are left out.
 * Invariant: `parseDiagnostic(diagnostic(f))` gives back every pair exactly, whatever the texts hold.
 *
 * @module
 */
import type { Failure } from "./failure.ts";

/** The pairs of a diagnostic line, in the order they are written. */
export interface Diagnostic {
  /** The stable code. */
  readonly code: string;
  /** Whether the same caller can expect success after the fix. */
  readonly recoverable: boolean;
  /** The message. */
  readonly message: string;
  /** The fix in words, empty where none is known. */
  readonly fix: string;
  /** JSON Pointer to the offending part of the input, empty for the whole. */
  readonly path: string;
}

/** One line: the word `error` and five `key="value"` pairs; quotes, backslashes and control characters are escaped. */
export const diagnostic = (failure: Failure): string => {
  const pairs: Diagnostic = {
    code: failure.code,
    recoverable: failure.recoverable,
    message: failure.message,
    fix: failure.fix?.command ?? failure.fix?.summary ?? "",
    path: failure.path,
  };
  // U+2028 and U+2029 end a line for some readers and are legal in JSON text.
  const quote = (value: unknown) =>
    JSON.stringify(String(value)).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
  return `error ${Object.entries(pairs).map(([key, value]) => `${key}=${quote(value)}`).join(" ")}`;
};

const PAIR = /([a-z]+)=("(?:[^"\\]|\\.)*")(?: |$)/uy;
const KEYS = ["code", "recoverable", "message", "fix", "path"] as const;

/** Reads a diagnostic line back; `undefined` when the line is not one. */
export const parseDiagnostic = (line: string): Diagnostic | undefined => {
  if (!line.startsWith("error ")) return undefined;
  const values: string[] = [];
  PAIR.lastIndex = "error ".length;
  for (const key of KEYS) {
    const match = PAIR.exec(line);
    if (match === null || match[1] !== key) return undefined;
    try {
      values.push(JSON.parse(match[2]) as string);
    } catch {
      return undefined;
    }
  }
  if (PAIR.lastIndex !== line.length || line.endsWith(" ")) return undefined;
  const [code, recoverable, message, fix, path] = values;
  if (recoverable !== "true" && recoverable !== "false") return undefined;
  return { code, recoverable: recoverable === "true", message, fix, path };
};
