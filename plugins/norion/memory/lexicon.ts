/**
 * Lexicon: the items of one scope by their words (BM25) and by their spelling (hashed vectors), for plain scans.
 *
 * Not a store: it is derived from texts and can be thrown away.
 * Invariant: after any additions and removals it answers as one that was just made of the remaining texts.
 *
 * @module
 */
import { termsOf, VECTOR_SIZE, vectorOf } from "../text.ts";

/** Saturation of repeated words: the usual value, and SQLite's. */
const K1 = 1.2;
/** Weight of length: the usual value, and SQLite's. */
const B = 0.75;
/** What a word counts that stands in more than half of the texts; SQLite's value. */
const LEAST_IDF = 1e-6;

const START = 64;

/** An item with its score. */
export interface Hit {
  /** Where it lies in the lexicon. */
  readonly slot: number;
  /** Its score. */
  readonly score: number;
}

interface Posting {
  readonly slots: number[];
  readonly counts: number[];
  alive: number;
}

/** The best `limit` of some scores above 0, best first; ties by slot. */
const best = (scores: Float64Array, size: number, limit: number): ReadonlyArray<Hit> => {
  const hits: Array<{ slot: number; score: number }> = [];
  let least = 0;
  for (let slot = 0; slot < size; slot++) {
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

/** Words and vectors of the texts of one scope. */
export class Lexicon {
  readonly #slots = new Map<string, number>();
  readonly #ids: Array<string | undefined> = [];
  readonly #terms: Array<ReadonlyArray<string>> = [];
  readonly #postings = new Map<string, Posting>();
  #words = 0;
  #capacity = START;
  /** One column a dimension: a query touches only the columns where it is not 0. */
  #columns = Array.from({ length: VECTOR_SIZE }, () => new Float32Array(START));

  /** Texts in it. */
  get size(): number {
    return this.#slots.size;
  }

  /** Id of a slot. */
  idAt(slot: number): string {
    return this.#ids[slot]!;
  }

  /** Words of a slot, in order. */
  termsAt(slot: number): ReadonlyArray<string> {
    return this.#terms[slot];
  }

  /** Texts with a word. */
  frequency(term: string): number {
    return this.#postings.get(term)?.alive ?? 0;
  }

  /** Adds a text; one whose id is there already changes nothing. */
  add(id: string, text: string): void {
    if (this.#slots.has(id)) return;
    const slot = this.#ids.length;
    if (slot === this.#capacity) this.#grow();
    const terms = termsOf(text);
    this.#slots.set(id, slot);
    this.#ids.push(id);
    this.#terms.push(terms);
    this.#words += terms.length;
    const counts = new Map<string, number>();
    for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1);
    for (const [term, count] of counts) {
      const posting = this.#postings.get(term) ?? { slots: [], counts: [], alive: 0 };
      posting.slots.push(slot);
      posting.counts.push(count);
      posting.alive++;
      this.#postings.set(term, posting);
    }
    vectorOf(text).forEach((value, dimension) => this.#columns[dimension][slot] = value);
  }

  /** Takes a text away. */
  remove(id: string): void {
    const slot = this.#slots.get(id);
    if (slot === undefined) return;
    this.#slots.delete(id);
    this.#ids[slot] = undefined;
    this.#words -= this.#terms[slot].length;
    for (const term of new Set(this.#terms[slot])) {
      const posting = this.#postings.get(term)!;
      if (--posting.alive === 0) this.#postings.delete(term);
    }
    this.#terms[slot] = [];
    for (const column of this.#columns) column[slot] = 0;
  }

  /** The best texts by BM25 over some words. */
  byWords(terms: ReadonlyArray<string>, limit: number): ReadonlyArray<Hit> {
    const scores = new Float64Array(this.#ids.length);
    const average = this.#words / Math.max(1, this.size);
    for (const term of new Set(terms)) {
      const posting = this.#postings.get(term);
      if (posting === undefined) continue;
      const ratio = (this.size - posting.alive + 0.5) / (posting.alive + 0.5);
      const idf = Math.max(LEAST_IDF, Math.log(ratio));
      for (let i = 0; i < posting.slots.length; i++) {
        const slot = posting.slots[i];
        if (this.#ids[slot] === undefined) continue;
        const count = posting.counts[i];
        const length = this.#terms[slot].length;
        scores[slot] += idf * (count * (K1 + 1)) / (count + K1 * (1 - B + B * length / average));
      }
    }
    return best(scores, this.#ids.length, limit);
  }

  /** The best texts by the cosine of their vectors, which lie beside them. */
  byVector(vector: Float32Array, limit: number): { readonly hits: ReadonlyArray<Hit>; readonly cosines: Float64Array } {
    const size = this.#ids.length;
    const cosines = new Float64Array(size);
    vector.forEach((value, dimension) => {
      if (value === 0) return;
      const column = this.#columns[dimension];
      for (let slot = 0; slot < size; slot++) cosines[slot] += value * column[slot];
    });
    return { hits: best(cosines, size, limit), cosines };
  }

  #grow(): void {
    this.#capacity *= 2;
    this.#columns = this.#columns.map((column) => {
      const wider = new Float32Array(this.#capacity);
      wider.set(column);
      return wider;
    });
  }
}
