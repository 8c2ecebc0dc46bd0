/**
 * Positions: offsets in a text as the lines and characters of the language server protocol.
 *
 * Invariant: lines and characters count from 0, characters in UTF-16 code units; lines end with `\n`, `\r\n` or `\r`.
 * A position beyond a line or the text means its end.
 *
 * @module
 */
import type { Span } from "../../syntax/diagnostics.ts";

/** A place between two characters. */
export interface Position {
  /** Line, from 0. */
  readonly line: number;
  /** UTF-16 code units before it in the line. */
  readonly character: number;
}

/** A stretch of text. */
export interface Range {
  /** Its first position. */
  readonly start: Position;
  /** The position after it. */
  readonly end: Position;
}

/** The lines of a text. */
export class Lines {
  readonly #text: string;
  readonly #starts: ReadonlyArray<number>;

  /** Finds the lines of a text. */
  constructor(text: string) {
    this.#text = text;
    this.#starts = [0, ...Array.from(text.matchAll(/\r\n|\r|\n/gu), ({ index, 0: end }) => index + end.length)];
  }

  /** The position of an offset. */
  position(offset: number): Position {
    let [low, high] = [0, this.#starts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle] <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low, character: offset - this.#starts[low] };
  }

  /** The range of a span. */
  range({ start, end }: Span): Range {
    return { start: this.position(start), end: this.position(end) };
  }

  /** The offset of a position. */
  offset({ line, character }: Position): number {
    if (line >= this.#starts.length) return this.#text.length;
    const start = this.#starts[line];
    const next = this.#starts[line + 1] ?? this.#text.length;
    const end = start + this.#text.slice(start, next).replace(/[\r\n]+$/u, "").length;
    return Math.min(start + character, end);
  }

  /** The range of the whole text. */
  get whole(): Range {
    return this.range({ start: 0, end: this.#text.length });
  }
}
