/**
 * Nearest: the known names that a misspelled one most likely meant.
 *
 * Not a search (kernel/search_index.ts finds by meaning): this repairs spelling, case, separators and word order.
 * Invariant: only plausible names are offered, best first, ties by name, so that the first may be applied blindly.
 *
 * @module
 */

/** Longest text that is compared; nobody misspells a longer name, and the work is quadratic in it. */
export const MAX_NAME_LENGTH = 128;

/** Edits that are plausible for a name of this length: one up to five characters, then one in three. */
const plausibleEdits = (length: number): number => Math.max(1, Math.floor(length / 3));

/** What reordering or leaving out words of a name costs, in edits. */
const WORD_EDIT = 1;

/**
 * Edits between two texts: insert, delete, replace, or swap two neighbours (Damerau–Levenshtein, optimal string
 * alignment). Answers `limit + 1` as soon as more than `limit` edits are certain.
 *
 * @example
 * ```ts
 * import { editDistance } from "@rmi/rmi/kernel";
 * import assert from "node:assert/strict";
 * assert.equal(editDistance("serach", "search", 3), 1);
 * ```
 */
export const editDistance = (from: string, to: string, limit: number): number => {
  const far = limit + 1;
  if (Math.abs(from.length - to.length) > limit) return far;
  let before = new Array<number>(to.length + 1).fill(0);
  let above = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const row = new Array<number>(to.length + 1);
    row[0] = i;
    let least = i;
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1];
      let best = Math.min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (same ? 0 : 1));
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]) {
        best = Math.min(best, before[j - 2] + 1);
      }
      row[j] = best;
      least = Math.min(least, best);
    }
    // A swap reaches two rows back, so a hopeless row is not proof until the next one is hopeless too.
    if (least > limit && Math.min(...above) > limit) return far;
    before = above;
    above = row;
  }
  return Math.min(above[to.length], far);
};

const wordsOf = (name: string): ReadonlyArray<string> =>
  name.replace(/([a-z0-9])([A-Z])/gu, "$1 $2").toLowerCase().split(/[^\p{L}\p{N}]+/u).filter((word) => word !== "");

/** Edits between two names, whatever their case, separators and word order. */
const nameDistance = (text: string, name: string): number => {
  const asked = text.toLowerCase();
  const limit = plausibleEdits(Math.min(asked.length, name.length));
  const plain = editDistance(asked, name.toLowerCase(), limit);
  if (plain === 0) return 0;
  const words = wordsOf(name);
  const askedWords = wordsOf(text);
  // A name without its namespace, or the namespace's words in another order.
  const tail = words.length > 1 && askedWords.length < words.length
    ? WORD_EDIT + editDistance(askedWords.join("."), words.slice(-askedWords.length).join("."), limit)
    : limit + 1;
  const reordered = WORD_EDIT +
    editDistance([...askedWords].sort().join("."), [...words].sort().join("."), limit);
  const joined = editDistance(askedWords.join(""), words.join(""), limit) || Math.min(plain, 1);
  const best = Math.min(plain, tail, reordered, joined);
  return best > limit ? Infinity : best;
};

/**
 * The candidates that `text` plausibly meant: fewest edits first whatever the case, then fewest with it, then by name.
 *
 * @example
 * ```ts
 * import { nearest } from "@rmi/rmi/kernel";
 * import assert from "node:assert/strict";
 * assert.deepEqual(nearest("Kernel.serach", ["kernel.search", "kernel.describe"], 3), ["kernel.search"]);
 * assert.deepEqual(nearest("teapot", ["kernel.search"], 3), []);
 * ```
 */
export const nearest = (text: string, candidates: Iterable<string>, limit: number): ReadonlyArray<string> => {
  const asked = text.trim();
  if (asked === "" || asked.length > MAX_NAME_LENGTH) return [];
  const found: Array<{ readonly name: string; readonly edits: number; readonly exact: number }> = [];
  for (const name of new Set(candidates)) {
    if (name.length > MAX_NAME_LENGTH) continue;
    const edits = nameDistance(asked, name);
    if (edits === Infinity) continue;
    found.push({ name, edits, exact: editDistance(asked, name, MAX_NAME_LENGTH) });
  }
  found.sort((a, b) => a.edits - b.edits || a.exact - b.exact || (a.name < b.name ? -1 : 1));
  return found.slice(0, limit).map((item) => item.name);
};
