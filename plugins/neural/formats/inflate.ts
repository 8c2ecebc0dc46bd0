/**
 * Inflate: what gzip and zip compress, expanded by the platform's own decompressor, never past a limit.
 *
 * Invariant: reading stops as soon as the limit is passed, so a bomb costs no more memory than the limit.
 *
 * @module
 */
import { dataLimit, malformedData } from "../failures.ts";

/** How bytes are compressed: with gzip's header and checksum, with zlib's, or bare. */
export type Compression = "gzip" | "deflate" | "deflate-raw";

/** Expands bytes to at most so many. */
export const inflate = async (
  bytes: Uint8Array,
  compression: Compression,
  limit: number,
  format: string,
): Promise<Uint8Array<ArrayBuffer>> => {
  const source = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream();
  const reader = source.pipeThrough(new DecompressionStream(compression)).getReader();
  const parts: Array<Uint8Array> = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.length;
      if (length > limit) throw dataLimit({ what: `the expanded ${format}`, limit, found: length });
      parts.push(value);
    }
  } catch (cause) {
    await reader.cancel().catch(() => undefined);
    if (!(cause instanceof TypeError)) throw cause;
    throw malformedData({ format, at: "its compressed part", reason: cause.message });
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
};

/** Compresses bytes. */
export const deflate = async (bytes: Uint8Array, compression: Compression): Promise<Uint8Array<ArrayBuffer>> => {
  const source = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream();
  return new Uint8Array(await new Response(source.pipeThrough(new CompressionStream(compression))).arrayBuffer());
};

/** Whether bytes begin as gzip does. */
export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;
