/**
 * Contexts: what came before a place in a text, as rows of tables: the last few bytes, or the word so far and the words
 * before it, each hashed into a table of its own.
 *
 * Not the tables (layers/tables.ts). A hash may put two contexts in one row; what is made of all rows together tells most
 * of them apart.
 * Invariant: a row depends on the bytes before its place alone, and on the same bytes it is the same row everywhere.
 *
 * @module
 */

/** One kind of context, and its table. */
export interface ContextTable {
  /** What is looked at: bytes, or words (the letters of the current word, and whole words before it). */
  readonly of: "bytes" | "words";
  /** How many bytes; how many whole words before the current one. */
  readonly span: number;
  /** Rows of the table. */
  readonly rows: number;
  /** Features of a row. */
  readonly width: number;
}

/** Most bytes, or words, that a context looks back. */
export const MAX_SPAN = 16;

/** Most rows of a table. */
export const MAX_ROWS: number = 2 ** 20;

/** What stands before the first byte of a text. */
const BEFORE = 0x0a;

const HISTORY = 32;
const MIX = 0x9e3779b1;
const LETTER_MIX = 0x01000193;
const LOWER = 0x20;

const mixed = (hash: number, next: number): number => {
  const h = Math.imul(hash ^ next, MIX);
  return h ^ (h >>> 15);
};

const letters = (): Uint8Array => {
  const found = new Uint8Array(256);
  const mark = (from: number, to: number) => found.fill(1, from, to + 1);
  mark(0x41, 0x5a);
  mark(0x61, 0x7a);
  mark(0x80, 0xff);
  found[0x27] = 1;
  found[0x2d] = 1;
  return found;
};

/** Bytes that words are made of: letters, apostrophe, hyphen, and all beyond ASCII. */
const IS_LETTER: Uint8Array = letters();

/** Reads a text byte by byte and says which rows its contexts are. */
export class ContextReader {
  private readonly history = new Uint8Array(HISTORY).fill(BEFORE);
  private readonly words: Uint32Array;
  private at = 0;
  private word = 0;
  private length = 0;

  /** Reads for some tables. */
  constructor(private readonly tables: ReadonlyArray<ContextTable>) {
    this.words = new Uint32Array(MAX_SPAN);
  }

  /** A new text begins. */
  reset(): void {
    this.history.fill(BEFORE);
    this.words.fill(0);
    this.word = 0;
    this.length = 0;
  }

  /** Takes the next byte. */
  push(byte: number): void {
    this.at = (this.at + 1) % HISTORY;
    this.history[this.at] = byte;
    if (IS_LETTER[byte] === 1) {
      const hash = Math.imul(this.word ^ ((byte | LOWER) + 1), LETTER_MIX) + MIX;
      this.word = hash ^ (hash >>> 15);
      this.length++;
      return;
    }
    if (this.length > 0) {
      this.words.copyWithin(1, 0);
      this.words[0] = this.word;
    }
    this.word = 0;
    this.length = 0;
  }

  /** Writes the row of every table for the place after the last byte. */
  write(into: { [index: number]: number }, from: number): void {
    this.tables.forEach((table, i) => {
      into[from + i] = table.of === "bytes" ? this.bytesRow(table) : this.wordsRow(table);
    });
  }

  /** The byte so many places back. */
  private byte(back: number): number {
    return this.history[(this.at - back + HISTORY) % HISTORY];
  }

  /** The row of the latest bytes. */
  private bytesRow({ span, rows }: ContextTable): number {
    if (span === 1) return this.byte(0) % rows;
    let hash = span;
    for (let back = 0; back < span; back++) hash = mixed(hash, this.byte(back));
    return (hash >>> 0) % rows;
  }

  /** The row of the latest words. */
  private wordsRow({ span, rows }: ContextTable): number {
    // Where a word begins, the byte before it tells a comma from a space.
    let hash = mixed(mixed(~span, this.word), this.length === 0 ? this.byte(0) : 0);
    for (let back = 0; back < span; back++) hash = mixed(hash, this.words[back]);
    return (hash >>> 0) % rows;
  }
}

/** The rows of all places of a text, one after another. */
export const contextsOf = (tables: ReadonlyArray<ContextTable>, text: Uint8Array): Int32Array<ArrayBuffer> => {
  const reader = new ContextReader(tables);
  const rows = new Int32Array(text.length * tables.length);
  for (let i = 0; i < text.length; i++) {
    reader.write(rows, i * tables.length);
    reader.push(text[i]);
  }
  return rows;
};
