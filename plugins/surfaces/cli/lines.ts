/**
 * Lines: cuts a stream of bytes into lines of UTF-8 text, within a bound.
 *
 * Invariant: memory stays below the limit whatever arrives, and one bad line costs no other line.
 *
 * @module
 */

/** Longest line that is read, in bytes. */
export const MAX_LINE_BYTES = 16 * 1024 * 1024;

/** A line, or why it is none. */
export type Line =
  | { readonly text: string }
  | { readonly fault: "too long" | "not UTF-8" };

const NEWLINE = 0x0a;

const joined = (parts: ReadonlyArray<Uint8Array>, size: number): Uint8Array => {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
};

const decoded = (bytes: Uint8Array): Line => {
  try {
    return { text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes) };
  } catch {
    return { fault: "not UTF-8" };
  }
};

/** The lines of a stream, without their ends; lines of white space alone are left out. */
export async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
  limit: number = MAX_LINE_BYTES,
): AsyncGenerator<Line> {
  let parts: Array<Uint8Array> = [];
  let size = 0;
  const take = (part: Uint8Array): void => {
    size += part.length;
    if (size > limit) parts = [];
    else if (part.length > 0) parts.push(part.slice());
  };
  const finish = (): Line | undefined => {
    const line: Line = size > limit ? { fault: "too long" } : decoded(joined(parts, size));
    parts = [];
    size = 0;
    return "text" in line && line.text.trim() === "" ? undefined : line;
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      take(chunk.subarray(from, end));
      const line = finish();
      if (line !== undefined) yield line;
      from = end + 1;
    }
    take(chunk.subarray(from));
  }
  const last = finish();
  if (last !== undefined) yield last;
}
