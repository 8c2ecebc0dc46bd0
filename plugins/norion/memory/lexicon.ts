/**
 * Lexicon: the texts of one scope by their words (BM25) and by their vectors, for plain scans.
 *
 * Not a store: it is derived from texts and can be thrown away; its rows lie in the index of memory.
 * Invariant: after any additions and removals, and whenever its rows were written and read in between, it answers as one
 * that was just made of the remaining texts.
 *
 * @module
 */
import type { ScopeRows } from "../platform/memory_index.ts";
import { termsOf } from "../text.ts";
import { type Embedder, quantised } from "./embedder.ts";

/** Saturation of repeated words: the usual value, and SQLite's. */
const K1 = 1.2;
/** Weight of length: the usual value, and SQLite's. */
const B = 0.75;
/** What a word counts that stands in more than half of the texts; SQLite's value. */
const LEAST_IDF = 1e-6;

/** Slots whose vectors and lengths are kept together: what one new text writes anew. */
const PART = 256;

/** A text with its score. */
export interface Hit {
  /** Where it lies in the lexicon. */
  readonly slot: number;
  /** Its score. */
  readonly score: number;
}

/** What a scan of all vectors found. */
export interface Scan {
  /** The best. */
  readonly hits: ReadonlyArray<Hit>;
  /** The cosine of every slot. */
  readonly cosines: Float64Array;
}

/** The best `limit` of some scores above 0, best first; ties by slot. */
const best = (scores: Float64Array, limit: number): ReadonlyArray<Hit> => {
  const hits: Array<{ slot: number; score: number }> = [];
  let least = 0;
  for (let slot = 0; slot < scores.length; slot++) {
    const score = scores[slot];
    if (score <= least) continue;
    let at = hits.length;
    while (at > 0 && hits[at - 1].score < score) at--;
    hits.splice(at, 0, { slot, score });
    if (hits.length > limit) hits.pop();
    if (hits.length === limit) least = hits[limit - 1].score;
  }
  return hits;
};

/** Where a vector's numbers of spelling end, and those of meaning. */
type Ends = readonly [spelling: number, meaning: number];

const endsOf = ({ size, meaning }: Embedder): Ends => [size - (meaning?.size ?? 0), size];

/** Vectors of some slots, one column a dimension, with the sums of their squares by part and the words of each text. */
class Part {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly columns: Int8Array;
  readonly squares: Int32Array;
  readonly lengths: Int32Array;
  readonly meant: Int32Array;

  constructor([spelling, all]: Ends, bytes?: Uint8Array) {
    const size = all * PART;
    const sums = all > spelling ? PART : 0;
    this.bytes = new Uint8Array(size + 8 * PART + 4 * sums);
    if (bytes !== undefined) this.bytes.set(bytes);
    this.columns = new Int8Array(this.bytes.buffer, 0, size);
    this.squares = new Int32Array(this.bytes.buffer, size, PART);
    this.lengths = new Int32Array(this.bytes.buffer, size + 4 * PART, PART);
    this.meant = new Int32Array(this.bytes.buffer, size + 8 * PART, sums);
  }
}

/** Where a word stands in a part: slot and count, slot and count, by slot. */
type Entries = number[];

/** Words and vectors of the texts of one scope. Changes are in the rows after `flush`. */
export class Lexicon {
  readonly #rows: ScopeRows;
  readonly #embedder: Embedder;
  readonly #ends: Ends;
  readonly #postings = new Map<string, Map<number, Entries>>();
  readonly #changed = new Map<string, Set<number>>();
  readonly #written = new Set<number>();
  #parts: Part[] | undefined;
  #slots: number;
  #size: number;
  #words: number;

  /** Reads a lexicon from its rows. */
  constructor(rows: ScopeRows, embedder: Embedder) {
    this.#rows = rows;
    this.#embedder = embedder;
    this.#ends = endsOf(embedder);
    ({ slots: this.#slots, size: this.#size, words: this.#words } = rows.totals());
  }

  /** Texts in it. */
  get size(): number {
    return this.#size;
  }

  /** Texts with a word. */
  frequency(term: string): number {
    let texts = 0;
    for (const entries of this.#posting(term).values()) texts += entries.length / 2;
    return texts;
  }

  /** Adds a text and answers with its slot. */
  add(text: string): number {
    const slot = this.#slots++;
    const number = Math.floor(slot / PART);
    const terms = termsOf(text);
    this.#size++;
    this.#words += terms.length;
    const counts = new Map<string, number>();
    for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1);
    for (const [term, count] of counts) {
      const posting = this.#posting(term);
      const entries = posting.get(number);
      if (entries === undefined) posting.set(number, [slot, count]);
      else entries.push(slot, count);
      this.#touch(term, number);
    }
    this.#write(slot, terms.length, this.#vectorOf(text));
    return slot;
  }

  /** Takes a text away. */
  remove(slot: number, text: string): void {
    const number = Math.floor(slot / PART);
    const terms = termsOf(text);
    this.#size--;
    this.#words -= terms.length;
    for (const term of new Set(terms)) {
      const entries = this.#posting(term).get(number);
      const at = entries?.findIndex((value, index) => index % 2 === 0 && value === slot) ?? -1;
      if (at >= 0) entries!.splice(at, 2);
      this.#touch(term, number);
    }
    this.#write(slot, 0, new Int8Array(this.#embedder.size));
  }

  /** Brings the rows up to date. */
  flush(): void {
    for (const [term, parts] of this.#changed) {
      const posting = this.#posting(term);
      for (const part of parts) {
        const entries = posting.get(part)!;
        const none = entries.length === 0;
        this.#rows.setPosting(term, part, none ? undefined : new Uint8Array(Uint32Array.from(entries).buffer));
        if (none) posting.delete(part);
      }
    }
    for (const part of this.#written) this.#rows.setPart(part, this.#allParts()[part].bytes);
    this.#changed.clear();
    this.#written.clear();
    this.#rows.setTotals({ slots: this.#slots, size: this.#size, words: this.#words });
  }

  /** The best texts by BM25 over some words. */
  byWords(terms: ReadonlyArray<string>, limit: number): ReadonlyArray<Hit> {
    const scores = new Float64Array(this.#slots);
    const average = this.#words / Math.max(1, this.#size);
    const parts = this.#allParts();
    for (const term of new Set(terms)) {
      const texts = this.frequency(term);
      const idf = Math.max(LEAST_IDF, Math.log((this.#size - texts + 0.5) / (texts + 0.5)));
      for (const [number, entries] of this.#posting(term)) {
        const { lengths } = parts[number];
        for (let i = 0; i < entries.length; i += 2) {
          const slot = entries[i];
          const count = entries[i + 1];
          const length = lengths[slot % PART];
          scores[slot] += idf * (count * (K1 + 1)) / (count + K1 * (1 - B + B * length / average));
        }
      }
    }
    return best(scores, limit);
  }

  /** The best texts by spelling: the cosines of their vectors, which lie beside them. */
  byVector(text: string, limit: number): Scan {
    return this.#scan(this.#vectorOf(text).subarray(0, this.#ends[0]), 0, ({ squares }) => squares, limit);
  }

  /** The same by meaning, where the embedder sees any. */
  byMeaning(text: string, limit: number): Scan {
    const [from] = this.#ends;
    return this.#scan(this.#vectorOf(text).subarray(from), from, ({ meant }) => meant, limit);
  }

  /** A vector as it is kept: each of its parts in whole numbers of its own. */
  #vectorOf(text: string): Int8Array {
    const vector = this.#embedder.embed(text);
    const [spelling, all] = this.#ends;
    if (spelling === all) return quantised(vector);
    const whole = new Int8Array(all);
    whole.set(quantised(vector.subarray(0, spelling)));
    whole.set(quantised(vector.subarray(spelling)), spelling);
    return whole;
  }

  #scan(query: Int8Array, from: number, squaresOf: (part: Part) => Int32Array, limit: number): Scan {
    const squares = query.reduce((sum, value) => sum + value * value, 0);
    const cosines = new Float64Array(this.#slots);
    const products = new Int32Array(PART);
    this.#allParts().forEach((part, number) => {
      products.fill(0);
      for (let dimension = 0; dimension < query.length; dimension++) {
        const value = query[dimension];
        if (value === 0) continue;
        const column = (from + dimension) * PART;
        for (let slot = 0; slot < PART; slot++) products[slot] += value * part.columns[column + slot];
      }
      const own = squaresOf(part);
      const first = number * PART;
      const last = Math.min(PART, this.#slots - first);
      for (let slot = 0; slot < last; slot++) {
        if (products[slot] !== 0) cosines[first + slot] = products[slot] / Math.sqrt(squares * own[slot]);
      }
    });
    return { hits: best(cosines, limit), cosines };
  }

  #posting(term: string): Map<number, Entries> {
    let posting = this.#postings.get(term);
    if (posting === undefined) {
      const read = this.#rows.postings(term).map(([part, bytes]): [number, Entries] => [
        part,
        [...new Uint32Array(bytes.slice().buffer)],
      ]);
      this.#postings.set(term, posting = new Map(read));
    }
    return posting;
  }

  #touch(term: string, part: number): void {
    const parts = this.#changed.get(term);
    if (parts === undefined) this.#changed.set(term, new Set([part]));
    else parts.add(part);
  }

  #allParts(): Part[] {
    return this.#parts ??= this.#rows.parts().map(([, bytes]) => new Part(this.#ends, bytes));
  }

  #write(slot: number, words: number, vector: Int8Array): void {
    const number = Math.floor(slot / PART);
    const parts = this.#allParts();
    const part = parts[number] ??= new Part(this.#ends);
    const at = slot % PART;
    const [spelling] = this.#ends;
    let [squares, meant] = [0, 0];
    vector.forEach((value, dimension) => {
      part.columns[dimension * PART + at] = value;
      if (dimension < spelling) squares += value * value;
      else meant += value * value;
    });
    part.squares[at] = squares;
    if (part.meant.length > 0) part.meant[at] = meant;
    part.lengths[at] = words;
    this.#written.add(number);
  }
}
