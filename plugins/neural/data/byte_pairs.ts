/**
 * Byte pairs: tokens of text made by joining, again and again, the two neighbours that stand together most often.
 *
 * Source: Gage 1994; Sennrich, Haddow & Birch 2016; on bytes, so that any bytes can be told and come back exactly.
 * Joins never cross from one piece to the next; a piece is a run of letters, of digits or of signs, with one space
 * before it, or a run of white space.
 * Invariant: the same text and size give the same joins; of pairs that are equally frequent the one of the smaller
 * numbers is joined first.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { badData, dataLimit } from "../failures.ts";
import type { Tokens } from "./corpus.ts";

/** Tokens that are single bytes. */
const BYTES = 256;

/** Most tokens of a vocabulary. */
export const MAX_VOCABULARY = 65_536;

/** Longest text that joins are learned from, bytes. */
export const MAX_TRAINING_BYTES = 268_435_456;

/** A pair that stands together less often is not worth a token. */
const LEAST_COUNT = 2;

/** Most pieces whose tokens are remembered, and the longest: a longer part of a text would keep the whole text alive. */
const MAX_REMEMBERED = 65_536;
const MAX_REMEMBERED_BYTES = 12;

/** The two tokens that a token joins. */
export type Join = readonly [left: number, right: number];

/** What turns bytes into tokens and back. */
export interface BytePairs extends Tokens {
  /** The joins: the token 256 + i is the i-th. */
  readonly joins: ReadonlyArray<Join>;
  /** The tokens of bytes. */
  readonly encode: (bytes: Uint8Array) => Uint32Array<ArrayBuffer>;
  /** The bytes of tokens; a number that is no token is refused. */
  readonly decode: (tokens: ArrayLike<number>) => Uint8Array<ArrayBuffer>;
}

/** Joins as JSON. */
export interface BytePairsJson {
  /** The format's name. */
  readonly format: "rmi-byte-pairs";
  /** The format's version. */
  readonly version: 1;
  /** The joins, in order. */
  readonly joins: ReadonlyArray<Join>;
}

/** Schema of {@link BytePairsJson}. */
export const BytePairsJson: Schema.Codec<BytePairsJson> = Schema.Struct({
  format: Schema.Literal("rmi-byte-pairs"),
  version: Schema.Literal(1),
  joins: Schema.Array(Schema.Tuple([Schema.Int, Schema.Int])),
}) as unknown as Schema.Codec<BytePairsJson>;

const SPACE = 32;

const isWhite = (byte: number): boolean => byte === SPACE || (byte >= 9 && byte <= 13);
const isDigit = (byte: number): boolean => byte >= 48 && byte <= 57;
const isLetter = (byte: number): boolean => byte >= 128 || ((byte | 32) >= 97 && (byte | 32) <= 122);

const KINDS: ReadonlyArray<(byte: number) => boolean> = [isWhite, isDigit, isLetter];

/** The kind of every byte: white space, digit, letter, sign. */
const KIND = Uint8Array.from({ length: BYTES }, (_, byte) => {
  const found = KINDS.findIndex((is) => is(byte));
  return found < 0 ? KINDS.length : found;
});

/** Where each piece of a text ends. */
export const pieceEnds = (bytes: Uint8Array): ReadonlyArray<number> => {
  const ends: Array<number> = [];
  let at = 0;
  while (at < bytes.length) {
    const from = at;
    // A space goes with what it stands before, unless more white space does.
    if (bytes[at] === SPACE && at + 1 < bytes.length && KIND[bytes[at + 1]] !== 0) at++;
    const kind = KIND[bytes[at]];
    for (at++; at < bytes.length && KIND[bytes[at]] === kind; at++);
    // The last space of white space belongs to the word that follows it.
    if (kind === 0 && at < bytes.length && bytes[at - 1] === SPACE && at - 1 > from) at--;
    ends.push(at);
  }
  return ends;
};

const keyOf = (left: number, right: number): number => left * MAX_VOCABULARY + right;

const latin1 = new TextDecoder("latin1");

/** A text with a character for every byte, no two bytes the same: its parts are keys. */
const spell = (bytes: Uint8Array): string => latin1.decode(bytes);

/** Pairs by count, the most frequent on top; a count that has changed since is noticed when it comes up. */
class Frequent {
  readonly #counts: Array<number> = [];
  readonly #keys: Array<number> = [];

  #before(a: number, b: number): boolean {
    return this.#counts[a] > this.#counts[b] || (this.#counts[a] === this.#counts[b] && this.#keys[a] < this.#keys[b]);
  }

  #swap(a: number, b: number): void {
    [this.#counts[a], this.#counts[b]] = [this.#counts[b], this.#counts[a]];
    [this.#keys[a], this.#keys[b]] = [this.#keys[b], this.#keys[a]];
  }

  push(count: number, key: number): void {
    let at = this.#counts.push(count) - 1;
    this.#keys.push(key);
    for (let up = (at - 1) >> 1; at > 0 && this.#before(at, up); up = (at - 1) >> 1) {
      this.#swap(at, up);
      at = up;
    }
  }

  pop(): readonly [count: number, key: number] | undefined {
    if (this.#counts.length === 0) return undefined;
    const top = [this.#counts[0], this.#keys[0]] as const;
    const [count, key] = [this.#counts.pop()!, this.#keys.pop()!];
    const { length } = this.#counts;
    if (length > 0) {
      [this.#counts[0], this.#keys[0]] = [count, key];
      for (let at = 0;;) {
        let down = 2 * at + 1;
        if (down >= length) break;
        if (down + 1 < length && this.#before(down + 1, down)) down++;
        if (!this.#before(down, at)) break;
        this.#swap(at, down);
        at = down;
      }
    }
    return top;
  }
}

interface Piece {
  readonly tokens: Array<number>;
  count: number;
}

const countPieces = (text: Uint8Array): ReadonlyArray<Piece> => {
  const spelled = spell(text);
  const pieces = new Map<string, Piece>();
  let from = 0;
  for (const to of pieceEnds(text)) {
    const key = spelled.slice(from, to);
    const known = pieces.get(key);
    if (known === undefined) pieces.set(key, { tokens: [...text.subarray(from, to)], count: 1 });
    else known.count++;
    from = to;
  }
  return [...pieces.values()];
};

/** Learns joins, yielding after each. */
export function* trainSteps(text: Uint8Array, vocabulary: number): Generator<void, ReadonlyArray<Join>> {
  if (!(Number.isInteger(vocabulary) && vocabulary >= BYTES && vocabulary <= MAX_VOCABULARY)) {
    throw badData({
      what: `a vocabulary of ${vocabulary}`,
      reason: `it is a whole number from ${BYTES} to ${MAX_VOCABULARY}`,
      path: "/vocabulary",
    });
  }
  if (text.length > MAX_TRAINING_BYTES) {
    throw dataLimit({ what: "the text to learn tokens from", limit: MAX_TRAINING_BYTES, found: text.length });
  }
  const pieces = countPieces(text);
  const counts = new Map<number, number>();
  const places = new Map<number, Set<number>>();
  const frequent = new Frequent();
  const add = (left: number, right: number, by: number, piece: number): void => {
    const key = keyOf(left, right);
    counts.set(key, (counts.get(key) ?? 0) + by);
    const where = places.get(key);
    if (by > 0 && where === undefined) places.set(key, new Set([piece]));
    else if (by > 0) where!.add(piece);
  };
  pieces.forEach(({ tokens, count }, index) => {
    for (let i = 1; i < tokens.length; i++) add(tokens[i - 1], tokens[i], count, index);
  });
  for (const [key, count] of counts) frequent.push(count, key);
  yield;
  const joins: Array<Join> = [];
  while (BYTES + joins.length < vocabulary) {
    const top = frequent.pop();
    if (top === undefined) break;
    const [count, key] = top;
    const current = counts.get(key) ?? 0;
    if (current !== count) {
      if (current >= LEAST_COUNT && current < count) frequent.push(current, key);
      continue;
    }
    if (count < LEAST_COUNT) break;
    const [left, right] = [Math.floor(key / MAX_VOCABULARY), key % MAX_VOCABULARY];
    const made = BYTES + joins.push([left, right]) - 1;
    const touched = new Set<number>();
    for (const index of places.get(key) ?? []) {
      const { tokens, count: times } = pieces[index];
      for (let i = 1; i < tokens.length; i++) {
        if (tokens[i - 1] !== left || tokens[i] !== right) continue;
        const [before, next] = [tokens[i - 2], tokens[i + 1]];
        if (before !== undefined) {
          add(before, left, -times, index);
          add(before, made, times, index);
          touched.add(keyOf(before, made)).add(keyOf(before, left));
        }
        if (next !== undefined) {
          add(right, next, -times, index);
          add(made, next, times, index);
          touched.add(keyOf(made, next)).add(keyOf(right, next));
        }
        add(left, right, -times, index);
        tokens.splice(i - 1, 2, made);
      }
    }
    counts.delete(key);
    places.delete(key);
    for (const changed of touched) {
      const now = counts.get(changed) ?? 0;
      if (now >= LEAST_COUNT) frequent.push(now, changed);
    }
    yield;
  }
  return joins;
}

/** Joins the tokens of one piece, the earliest learned join first. */
const joinPiece = (tokens: Array<number>, ranks: ReadonlyMap<number, number>): ReadonlyArray<number> => {
  for (;;) {
    let best = Infinity;
    for (let i = 1; i < tokens.length; i++) {
      const rank = ranks.get(keyOf(tokens[i - 1], tokens[i]));
      if (rank !== undefined && rank < best) best = rank;
    }
    if (best === Infinity) return tokens;
    let kept = 0;
    for (let i = 0; i < tokens.length; i++) {
      const joined = i + 1 < tokens.length && ranks.get(keyOf(tokens[i], tokens[i + 1])) === best;
      tokens[kept++] = joined ? BYTES + best : tokens[i];
      if (joined) i++;
    }
    tokens.length = kept;
  }
};

/** What turns bytes into tokens by joins that were learned. */
export const bytePairs = (joins: ReadonlyArray<Join>): BytePairs => {
  const ranks = new Map<number, number>();
  const texts: Array<Uint8Array> = Array.from({ length: BYTES }, (_, byte) => Uint8Array.of(byte));
  if (joins.length > MAX_VOCABULARY - BYTES) {
    throw dataLimit({ what: "the joins of a tokenizer", limit: MAX_VOCABULARY - BYTES, found: joins.length });
  }
  let bytes = 0;
  joins.forEach(([left, right], index) => {
    const known = (token: number): boolean => Number.isInteger(token) && token >= 0 && token < BYTES + index;
    const key = keyOf(left, right);
    if (!known(left) || !known(right) || ranks.has(key)) {
      throw badData({
        what: "the tokenizer",
        reason: ranks.has(key) ? `join ${index} is there twice` : `join ${index} joins what is not made before it`,
        path: `/joins/${index}`,
      });
    }
    ranks.set(key, index);
    bytes += texts[left].length + texts[right].length;
    // Joins of joins double at every step: a few of them could ask for more than there is.
    if (bytes > MAX_TRAINING_BYTES) {
      throw dataLimit({ what: "the tokens of a tokenizer", limit: MAX_TRAINING_BYTES, found: bytes });
    }
    const text = new Uint8Array(texts[left].length + texts[right].length);
    text.set(texts[left]);
    text.set(texts[right], texts[left].length);
    texts.push(text);
  });
  const remembered = new Map<string, ReadonlyArray<number>>();
  const tokensOf = (key: string, piece: Uint8Array): ReadonlyArray<number> => {
    const known = remembered.get(key);
    if (known !== undefined) return known;
    const made = joinPiece([...piece], ranks);
    if (piece.length > MAX_REMEMBERED_BYTES) return made;
    if (remembered.size >= MAX_REMEMBERED) remembered.clear();
    remembered.set(key, made);
    return made;
  };
  return {
    joins,
    vocabulary: BYTES + joins.length,
    encode: (text) => {
      const spelled = spell(text);
      const made = new Uint32Array(text.length);
      let length = 0;
      let from = 0;
      for (const to of pieceEnds(text)) {
        const tokens = tokensOf(spelled.slice(from, to), text.subarray(from, to));
        for (let i = 0; i < tokens.length; i++) made[length++] = tokens[i];
        from = to;
      }
      return made.slice(0, length);
    },
    decode: (tokens) => {
      const parts = Array.from(tokens, (token) => {
        const text = texts[token];
        if (text !== undefined) return text;
        throw badData({ what: `token ${token}`, reason: `there are ${texts.length} tokens` });
      });
      const made = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
      let at = 0;
      for (const part of parts) {
        made.set(part, at);
        at += part.length;
      }
      return made;
    },
  };
};

/**
 * Learns tokens from a text.
 *
 * @example
 * ```ts
 * import { trainBytePairs } from "@rmi/rmi/neural";
 * import assert from "node:assert/strict";
 * const text = new TextEncoder().encode("low lower lowest");
 * const tokens = trainBytePairs(text, 260);
 * assert.deepEqual(tokens.decode(tokens.encode(text)), text);
 * ```
 */
export const trainBytePairs = (text: Uint8Array, vocabulary: number): BytePairs => {
  const steps = trainSteps(text, vocabulary);
  for (;;) {
    const step = steps.next();
    if (step.done) return bytePairs(step.value);
  }
};

/** Joins as JSON. */
export const bytePairsToJson = ({ joins }: BytePairs): BytePairsJson => ({
  format: "rmi-byte-pairs",
  version: 1,
  joins,
});

const decodeJson = Schema.decodeUnknownSync(BytePairsJson);

/** Joins from JSON; throws `NEURAL_DATA_FORMAT`. */
export const bytePairsFromJson = (json: unknown): BytePairs => {
  let read: BytePairsJson;
  try {
    read = decodeJson(json);
  } catch {
    throw badData({ what: "the tokenizer", reason: "it is no rmi-byte-pairs, version 1" });
  }
  return bytePairs(read.joins);
};
