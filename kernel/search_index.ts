/**
 * Search index: ranked retrieval over short documents (BM25 with weighted fields), with prefixes, light stemming and
 * a repair of misspelled query words.
 *
 * Not a vector store, and not for spelling ids (kernel/nearest.ts). In memory; immutable once built.
 * Invariant: same documents and query give the same list, best score first, ties by id.
 * Formula: BM25F (Robertson & Zaragoza 2009) with k1 = 1.2, b = 0.75 and idf = ln(1 + (N − n + 0.5) / (n + 0.5)).
 *
 * @module
 */
import { nearest } from "./nearest.ts";

/** What is searched: an id, and texts that count more or less. */
export interface SearchDocument {
  /** What a hit names. */
  readonly id: string;
  /** Texts, each with its weight; words of an identifier in any common spelling are told apart. */
  readonly fields: ReadonlyArray<{ readonly text: string; readonly weight: number }>;
}

/** One result. */
export interface ScoredId {
  /** The document's id. */
  readonly id: string;
  /** Larger is better. */
  readonly score: number;
}

/** A built index. */
export interface SearchIndex {
  /** Documents for a query, best first; `allow` hides documents from this caller. */
  readonly search: (query: string, limit: number, allow?: (id: string) => boolean) => ReadonlyArray<ScoredId>;
}

const K1 = 1.2;
const B = 0.75;

/** A prefix says less than the word, a misspelled word less still. */
const PREFIX_FACTOR = 0.5;
const REPAIRED_FACTOR = 0.4;

/** Shorter beginnings match too much to mean anything. */
const MIN_PREFIX_LENGTH = 3;
const MIN_REPAIRED_LENGTH = 4;

/** Bounds the work of one query, whatever its text. */
const MAX_QUERY_TERMS = 32;
const MAX_PREFIX_TERMS = 64;
const MAX_REPAIRED_TERMS = 2;

/** Words that carry no meaning in a request; kept where a query holds nothing else. */
const STOP_WORDS: ReadonlySet<string> = new Set(
  "a an and are as at be by can do for from how i in is it me my of on or the this to what which with".split(" "),
);

const SUFFIXES: ReadonlyArray<readonly [RegExp, string]> = [
  [/(?:sses)$/u, "ss"],
  [/([^aeiou])ies$/u, "$1y"],
  [/(x|ch|sh)es$/u, "$1"],
  [/([^su])s$/u, "$1"],
];

const ENDINGS: ReadonlyArray<RegExp> = [/(?:izations?|isations?)$/u, /(?:ations?)$/u, /(?:ing)$/u, /(?:ed)$/u];

const MIN_STEM_LENGTH = 3;

/** The common form of a word's inflections: plural, -ing, -ed, -ation. Deliberately light: it never joins strangers. */
export const stem = (word: string): string => {
  if (word.length <= MIN_STEM_LENGTH) return word;
  const plural = SUFFIXES.find(([pattern]) => pattern.test(word));
  const singular = plural === undefined ? word : word.replace(plural[0], plural[1]);
  for (const ending of ENDINGS) {
    const base = singular.replace(ending, "");
    if (base !== singular && base.length >= MIN_STEM_LENGTH && /[aeiouy]/u.test(base)) {
      // "running" → "run", and "searching" and "searched" → "search".
      return base.replace(/([bdgmnprt])\1$/u, "$1").replace(/e$/u, "");
    }
  }
  return singular.length > MIN_STEM_LENGTH ? singular.replace(/e$/u, "") : singular;
};

const HAN = /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}/u;

/** Scripts without blanks between words are searched by pairs of characters. */
const pairs = (run: string): ReadonlyArray<string> => {
  const marks = [...run];
  return marks.length === 1 ? marks : marks.slice(1).map((mark, index) => marks[index] + mark);
};

const RUN = new RegExp(`(?:${HAN.source})+|[\\p{L}\\p{N}]+?(?=(?:${HAN.source})|[^\\p{L}\\p{N}]|$)`, "gu");

/** The words of a text, lower case: identifiers are split at case changes, dots, dashes and underscores. */
export const termsOf = (text: string): ReadonlyArray<string> => {
  const spaced = text.normalize("NFKC")
    .replace(/(\p{Ll}|\p{N})(\p{Lu})/gu, "$1 $2")
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, "$1 $2")
    .toLowerCase();
  return (spaced.match(RUN) ?? []).flatMap((run) => HAN.test(run) ? pairs(run) : [run]);
};

interface Postings {
  readonly documents: number[];
  readonly weights: number[];
}

const lowerBound = (sorted: ReadonlyArray<string>, text: string): number => {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] < text) low = middle + 1;
    else high = middle;
  }
  return low;
};

const startingWith = (vocabulary: ReadonlyArray<string>, prefix: string): ReadonlyArray<string> => {
  const found: string[] = [];
  for (let i = lowerBound(vocabulary, prefix); i < vocabulary.length && found.length < MAX_PREFIX_TERMS; i++) {
    if (!vocabulary[i].startsWith(prefix)) break;
    found.push(vocabulary[i]);
  }
  return found;
};

/** Field lengths average over the documents that have the field, by position in the list. */
const averageLengths = (termLists: ReadonlyArray<ReadonlyArray<ReadonlyArray<string>>>): ReadonlyArray<number> => {
  const totals: number[] = [];
  const counts: number[] = [];
  for (const lists of termLists) {
    lists.forEach((terms, field) => {
      totals[field] = (totals[field] ?? 0) + terms.length;
      counts[field] = (counts[field] ?? 0) + 1;
    });
  }
  return totals.map((total, field) => Math.max(1, total / counts[field]));
};

const postingsOf = (documents: ReadonlyArray<SearchDocument>): Map<string, Postings> => {
  const termLists = documents.map((document) => document.fields.map((field) => termsOf(field.text).map(stem)));
  const averages = averageLengths(termLists);
  const postings = new Map<string, Postings>();
  documents.forEach((document, at) => {
    const weights = new Map<string, number>();
    document.fields.forEach((field, index) => {
      const terms = termLists[at][index];
      const share = field.weight / (1 - B + B * terms.length / averages[index]);
      for (const term of terms) weights.set(term, (weights.get(term) ?? 0) + share);
    });
    for (const [term, weight] of weights) {
      const list = postings.get(term) ?? { documents: [], weights: [] };
      list.documents.push(at);
      list.weights.push(weight);
      postings.set(term, list);
    }
  });
  return postings;
};

const queryTerms = (query: string): ReadonlyArray<string> => {
  const terms = [...new Set(termsOf(query))];
  const telling = terms.filter((term) => !STOP_WORDS.has(term));
  return (telling.length === 0 ? terms : telling).slice(0, MAX_QUERY_TERMS);
};

/**
 * Builds an index.
 *
 * @example
 * ```ts
 * import { bm25 } from "@rmi/rmi/kernel";
 * import assert from "node:assert/strict";
 * const index = bm25([
 *   { id: "rmil.check", fields: [{ text: "rmil.check", weight: 3 }, { text: "Infer types of a program", weight: 1 }] },
 *   { id: "ledger.verify", fields: [{ text: "ledger.verify", weight: 3 }, { text: "Check the chain", weight: 1 }] },
 * ]);
 * assert.equal(index.search("checking programs", 5)[0].id, "rmil.check");
 * ```
 */
export const bm25 = (documents: ReadonlyArray<SearchDocument>): SearchIndex => {
  const postings = postingsOf(documents);
  const vocabulary = [...postings.keys()].sort();
  const inverseFrequency = (list: Postings): number =>
    Math.log(1 + (documents.length - list.documents.length + 0.5) / (list.documents.length + 0.5));

  /** The index terms one query word stands for, each with how much it counts. */
  const matches = (word: string): ReadonlyArray<readonly [string, number]> => {
    const whole = stem(word);
    const found = new Map<string, number>();
    if (postings.has(whole)) found.set(whole, 1);
    if (word.length >= MIN_PREFIX_LENGTH) {
      for (const term of startingWith(vocabulary, whole)) {
        if (!found.has(term)) found.set(term, PREFIX_FACTOR * whole.length / term.length);
      }
    }
    if (found.size === 0 && word.length >= MIN_REPAIRED_LENGTH) {
      for (const term of nearest(whole, vocabulary, MAX_REPAIRED_TERMS)) found.set(term, REPAIRED_FACTOR);
    }
    return [...found];
  };

  return {
    search: (query, limit, allow) => {
      const scores = new Map<number, number>();
      for (const word of queryTerms(query)) {
        // Of all terms a word stands for, a document counts its best one: a prefix must not outvote the word.
        const best = new Map<number, number>();
        for (const [term, factor] of matches(word)) {
          const list = postings.get(term) as Postings;
          const idf = inverseFrequency(list) * factor;
          list.documents.forEach((document, index) => {
            const weight = list.weights[index];
            const score = idf * weight * (K1 + 1) / (K1 + weight);
            if (score > (best.get(document) ?? 0)) best.set(document, score);
          });
        }
        for (const [document, score] of best) scores.set(document, (scores.get(document) ?? 0) + score);
      }
      const hits: ScoredId[] = [];
      for (const [document, score] of scores) {
        const id = documents[document].id;
        if (allow === undefined || allow(id)) hits.push({ id, score });
      }
      hits.sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
      return hits.slice(0, Math.max(0, limit));
    },
  };
};
