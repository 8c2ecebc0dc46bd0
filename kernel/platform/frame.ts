/**
 * Frame: reading from a sandbox child's output whether and how its candidate answered.
 *
 * Invariant: a value is accepted only from the one frame that carries the nonce and ends the output; everything a
 * candidate printed is its own affair.
 *
 * @module
 */
import { FRAME_MARK } from "./harness.ts";

/** How a candidate ended. */
export type SandboxAnswer =
  | { readonly ok: true; readonly value: unknown; readonly printed: string }
  | { readonly ok: false; readonly reason: SandboxReason; readonly detail: string };

/** Why there is no value. */
export type SandboxReason =
  /** Not finished within its time. */
  | "timeout"
  /** More memory than it was given. */
  | "memory"
  /** More output than it was given. */
  | "output"
  /** The process ended without an answer. */
  | "crash"
  /** It printed something that claims to be an answer. */
  | "forged"
  /** Its function threw. */
  | "threw"
  /** It is not a module with a function as default export, or its value is not JSON. */
  | "shape";

/** What is known when a child has ended. */
export interface Ending {
  /** Its standard output. */
  readonly printed: ReadonlyArray<Uint8Array>;
  /** The nonce of its frame. */
  readonly nonce: string;
  /** Why it was stopped, if it was. */
  readonly verdict: "timeout" | "memory" | "output" | undefined;
  /** Exit status. */
  readonly status: number | null;
  /** Signal that ended it. */
  readonly signal: string | null;
  /** End of its standard error. */
  readonly complaint: string;
}

const OUT_OF_MEMORY = /out of memory|allocation failed|memory limit|could not allocate|heap limit|Fatal JavaScript/iu;

/** Deepest nesting of an answer; deeper ones would overflow whoever walks them. */
export const MAX_ANSWER_DEPTH = 256;

/** Nesting of a JSON text, without building the value. */
const depthOf = (text: string): number => {
  let depth = 0;
  let deepest = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[{\]}]/gu)) {
    if (token === "[" || token === "{") deepest = Math.max(deepest, ++depth);
    else if (token === "]" || token === "}") depth--;
  }
  return deepest;
};

const concatenated = (chunks: ReadonlyArray<Uint8Array>): string => {
  const decoder = new TextDecoder();
  return chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join("") + decoder.decode();
};

const failed = (reason: SandboxReason, detail: string): SandboxAnswer => ({ ok: false, reason, detail });

const judged = (frame: Record<string, unknown>, printed: string): SandboxAnswer => {
  if (Object.hasOwn(frame, "value")) return { ok: true, value: frame.value, printed };
  if (frame.missing === true) return failed("shape", "the module has no function as default export");
  if (typeof frame.unserialisable === "string") return failed("shape", `a ${frame.unserialisable} is not JSON`);
  const threw = String(frame.threw);
  return failed(OUT_OF_MEMORY.test(threw) ? "memory" : "threw", threw);
};

/** Judges an ended child. */
export const judgeFrame = ({ printed, nonce, verdict, status, signal, complaint }: Ending): SandboxAnswer => {
  if (verdict !== undefined) return failed(verdict, complaint);
  const text = concatenated(printed);
  const start = `\n${FRAME_MARK}${nonce} `;
  const at = text.indexOf(start);
  const before = at < 0 ? text : text.slice(0, at);
  if (before.includes(FRAME_MARK)) return failed("forged", "it printed what only the harness writes");
  if (at < 0) {
    const reason = OUT_OF_MEMORY.test(complaint) ? "memory" : "crash";
    return failed(reason, complaint.trim() || `ended with ${signal ?? `status ${status}`} and no answer`);
  }
  const body = text.slice(at + start.length);
  const end = body.indexOf("\n");
  if (end < 0 || end !== body.length - 1) return failed("forged", "something follows its answer");
  // The frame itself is one level.
  if (depthOf(body) > MAX_ANSWER_DEPTH + 1) return failed("shape", `nested deeper than ${MAX_ANSWER_DEPTH} levels`);
  try {
    return judged(JSON.parse(body.slice(0, end)), before);
  } catch {
    return failed("forged", "its answer is not JSON");
  }
};
