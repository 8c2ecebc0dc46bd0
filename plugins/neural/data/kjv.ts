/**
 * KJV: the text of the King James Bible in the packed file of Debian's `bible-kjv-text`, by chapters.
 *
 * The file is a directory of blocks, each a stream of LZW codes as Unix `compress` writes them, without its header.
 * Invariant: every read and every block is bounded by what the file declares and by what a block may hold.
 *
 * @module
 */
import { dataLimit, malformedData } from "../failures.ts";
import { type Corpus, type Document, documentSplits } from "./corpus.ts";

const FORMAT = "the Bible's text file";
const MAGIC = "EC02";
const BLOCK_SIZE_AT = 0x54;
const BLOCKS_AT = 0x58;
const OFFSETS_AT = 0x5c;
const MAX_BLOCK = 1_048_576;
const MAX_BLOCKS = 4_096;

/** Every how many chapters one is kept back, and which: to judge on, and to choose by. */
const PERIOD = 20;
const HELD_OUT = 7;
const CHOSEN_BY = 17;

const malformed = (at: number | string, reason: string) =>
  malformedData({ format: FORMAT, at: typeof at === "number" ? `byte ${at}` : at, reason });

const CLEAR = 256;
const FIRST_FREE = 257;
const FIRST_WIDTH = 9;
const LAST_WIDTH = 16;

/** Codes of `compress`, least significant bit first, in groups of eight of one width. */
const codesOf = (bytes: Uint8Array) => {
  let width = FIRST_WIDTH;
  let group = 0;
  let taken = 0;
  return {
    /** Starts the next group: after a change of width the rest of a group is skipped. */
    widen: (to: number): void => {
      if (taken > 0) group += width;
      taken = 0;
      width = to;
    },
    next: (): number | undefined => {
      const first = group * 8 + taken * width;
      if (first + width > bytes.length * 8) return undefined;
      let code = 0;
      for (let bit = 0; bit < width; bit++) {
        const place = first + bit;
        code |= ((bytes[place >> 3] >> (place & 7)) & 1) << bit;
      }
      if (++taken === 8) {
        group += width;
        taken = 0;
      }
      return code;
    },
  };
};

/** Expands the codes of `compress` (block mode, at most 16 bits) into at most so many bytes. */
export const expandLzw = (bytes: Uint8Array, limit: number): Uint8Array => {
  const codes = codesOf(bytes);
  const prefix = new Uint16Array(1 << LAST_WIDTH);
  const suffix = new Uint8Array(1 << LAST_WIDTH);
  const stack = new Uint8Array(1 << LAST_WIDTH);
  const out = new Uint8Array(limit);
  let length = 0;
  let width = FIRST_WIDTH;
  let free = FIRST_FREE;
  let previous = -1;
  let head = 0;
  for (let code = codes.next(); code !== undefined; code = codes.next()) {
    if (code === CLEAR) {
      width = FIRST_WIDTH;
      free = FIRST_FREE;
      previous = -1;
      codes.widen(width);
      continue;
    }
    if (previous < 0 ? code > 255 : code > free || (code === free && free > 0xffff)) {
      throw malformed(`code ${code}`, "it stands for nothing yet");
    }
    let at = 0;
    let walk = code;
    // The one code that may be used before it is known: the previous text and its own first byte.
    if (code === free && previous >= 0) {
      stack[at++] = head;
      walk = previous;
    }
    for (; walk > 255; walk = prefix[walk]) stack[at++] = suffix[walk];
    head = walk;
    stack[at++] = head;
    if (length + at > limit) throw malformed(`code ${code}`, `a block has at most ${limit} bytes`);
    while (at > 0) out[length++] = stack[--at];
    if (previous >= 0 && free <= 0xffff) {
      prefix[free] = previous;
      suffix[free] = head;
      free++;
    }
    previous = code;
    if (free >= 1 << width && width < LAST_WIDTH) codes.widen(++width);
  }
  return out.subarray(0, length);
};

/** The whole text of the packed file. */
export const unpackKjv = (file: Uint8Array): Uint8Array => {
  if (file.length < OFFSETS_AT || new TextDecoder().decode(file.subarray(0, MAGIC.length)) !== MAGIC) {
    throw malformed(0, `it does not begin with ${MAGIC}`);
  }
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const size = view.getUint32(BLOCK_SIZE_AT);
  const count = view.getUint32(BLOCKS_AT);
  if (size > MAX_BLOCK) throw dataLimit({ what: "a block of the Bible's text", limit: MAX_BLOCK, found: size });
  if (count > MAX_BLOCKS) throw dataLimit({ what: "the Bible's text", limit: MAX_BLOCKS, found: count });
  if (OFFSETS_AT + 4 * (count + 1) > file.length) throw malformed(OFFSETS_AT, "the directory is cut off");
  const blocks = Array.from({ length: count }, (_, i) => {
    const from = view.getUint32(OFFSETS_AT + 4 * i);
    const to = view.getUint32(OFFSETS_AT + 4 * (i + 1));
    if (!(from <= to && to <= file.length)) throw malformed(OFFSETS_AT + 4 * i, `block ${i} lies outside the file`);
    return expandLzw(file.subarray(from, to), size);
  });
  const whole = new Uint8Array(blocks.reduce((sum, block) => sum + block.length, 0));
  let at = 0;
  for (const block of blocks) {
    whole.set(block, at);
    at += block.length;
  }
  return whole;
};

const VERSE = /^(\d?[A-Za-z]+)(\d+):(\d+) (.*)$/u;

/** The chapters of the text: the verses of each, a line each, without their references. */
export const chaptersOf = (text: string): ReadonlyArray<Document> => {
  const chapters = new Map<string, Array<string>>();
  // The first line is the title.
  text.split("\n").slice(1).forEach((line, index) => {
    if (line === "") return;
    const found = VERSE.exec(line);
    if (found === null) throw malformed(`line ${index + 2}`, "it is not a verse with its reference");
    const name = `${found[1]} ${found[2]}`;
    const verses = chapters.get(name);
    if (verses === undefined) chapters.set(name, [found[4]]);
    else verses.push(found[4]);
  });
  const encoder = new TextEncoder();
  return [...chapters].map(([name, verses]) => ({ name, bytes: encoder.encode(`${verses.join("\n")}\n`) }));
};

/** The corpus of a packed file: of every 20 chapters the one numbered 7 is judged on and the one numbered 17 chosen by. */
export const kjvCorpus = (file: Uint8Array): Corpus => {
  const documents = chaptersOf(new TextDecoder("utf-8").decode(unpackKjv(file)));
  return {
    name: "kjv",
    documents,
    splits: documentSplits(
      documents.length,
      (index) => index % PERIOD === HELD_OUT ? "test" : index % PERIOD === CHOSEN_BY ? "validation" : "train",
    ),
  };
};
