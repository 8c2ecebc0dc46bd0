/**
 * Framing: JSON-RPC messages in a stream of bytes, each after a header with its length.
 *
 * Not JSON: a body is text here.
 * Invariant: memory stays within the limits whatever arrives; a body that is too long or not UTF-8 costs no other
 * message; after a header that cannot be read nothing can be found again, and the stream ends with that fault.
 *
 * @module
 */

/** Longest body, in bytes. */
export const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** Longest header, in bytes. */
export const MAX_HEADER_BYTES = 4096;

/** A message's text, or why there is none; after `fatal` nothing follows. */
export type Frame =
  | { readonly text: string }
  | { readonly fault: string; readonly fatal: boolean };

const CR = 13;
const LF = 10;
const LENGTH = /^content-length:[ \t]*(\d{1,15})[ \t]*$/iu;

const lengthOf = (header: string): number | undefined => {
  const lengths = header.split("\r\n").map((line) => LENGTH.exec(line)?.[1]).filter((digits) => digits !== undefined);
  return lengths.length === 1 ? Number(lengths[0]) : undefined;
};

/** Cuts a stream into messages. */
export class Framer {
  #header = new Uint8Array(MAX_HEADER_BYTES);
  #headerSize = 0;
  #body: Uint8Array | undefined;
  #bodySize = 0;
  /** Bytes of a body that is too long, still to be skipped. */
  #skip = 0;
  #broken = false;

  /** Takes bytes as they come; gives the messages that are complete with them. */
  *push(chunk: Uint8Array): Generator<Frame> {
    let at = 0;
    while (at < chunk.length && !this.#broken) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, chunk.length - at);
        this.#skip -= skipped;
        at += skipped;
      } else if (this.#body !== undefined) {
        const part = chunk.subarray(at, at + this.#body.length - this.#bodySize);
        this.#body.set(part, this.#bodySize);
        this.#bodySize += part.length;
        at += part.length;
        if (this.#bodySize === this.#body.length) yield this.#finish(this.#body);
      } else {
        const frame = this.#headerByte(chunk[at++]);
        if (frame !== undefined) yield frame;
      }
    }
  }

  #finish(body: Uint8Array): Frame {
    this.#body = undefined;
    try {
      return { text: new TextDecoder("utf-8", { fatal: true }).decode(body) };
    } catch {
      return { fault: "the body is not UTF-8", fatal: false };
    }
  }

  #headerByte(byte: number): Frame | undefined {
    if (this.#headerSize === MAX_HEADER_BYTES) return this.#break(`a header is longer than ${MAX_HEADER_BYTES} bytes`);
    const header = this.#header;
    header[this.#headerSize++] = byte;
    const size = this.#headerSize;
    const ends = size >= 4 && byte === LF && header[size - 2] === CR && header[size - 3] === LF &&
      header[size - 4] === CR;
    if (!ends) return undefined;
    this.#headerSize = 0;
    const length = lengthOf(new TextDecoder("latin1").decode(header.subarray(0, size - 4)));
    if (length === undefined) return this.#break("a header has no single Content-Length");
    if (length > MAX_BODY_BYTES) {
      this.#skip = length;
      return { fault: `a body is longer than ${MAX_BODY_BYTES} bytes`, fatal: false };
    }
    if (length === 0) return { text: "" };
    this.#body = new Uint8Array(length);
    this.#bodySize = 0;
    return undefined;
  }

  #break(fault: string): Frame {
    this.#broken = true;
    return { fault, fatal: true };
  }
}

/** A message with its header. */
export const framed = (text: string): string => {
  const length = new TextEncoder().encode(text).length;
  return `Content-Length: ${length}\r\n\r\n${text}`;
};
