/**
 * Gist: what is kept of a long text: a few short sentences of it, never the text.
 *
 * Not a summary by a model: sentences are chosen, not written.
 * Invariant: at most 1 gist of the document, 3 of sections and 3 of paragraphs, none longer than the policy allows; a
 * short or poor text has none.
 *
 * @module
 */
import { milli, type Policy, unit } from "../policy.ts";
import { contentTerms } from "../text.ts";

/** Which part of a text a gist stands for. */
export type GistLevel = "document" | "section" | "paragraph";

/** A gist. */
export interface Gist {
  /** What it stands for. */
  readonly level: GistLevel;
  /** Its words. */
  readonly text: string;
  /** How much it matters, thousandths. */
  readonly importance: number;
}

/** Importance of a gist before quality speaks, and most gists, by level. */
const LEVELS: { readonly [L in GistLevel]: { readonly base: number; readonly most: number } } = {
  document: { base: 0.48, most: 1 },
  section: { base: 0.38, most: 3 },
  paragraph: { base: 0.28, most: 3 },
};
const QUALITY_SHARE = 0.48;
const LATER_PENALTY = 0.04;

const SECTION = /\n(?=#{1,6} )|\n\s*\n\s*\n+/u;
const PARAGRAPH = /\n\s*\n/u;
const SENTENCE = /(?<=[.!?])\s+|(?<=[。！？])/u;

const clean = (text: string): string => text.replace(/\s+/gu, " ").trim();

/** Holds a text to a length, at a word's end where there is one. */
const cut = (text: string, most: number): string => {
  const characters = [...text];
  if (characters.length <= most) return text;
  const head = characters.slice(0, most - 1).join("");
  const space = head.lastIndexOf(" ");
  return `${space > most / 2 ? head.slice(0, space) : head}…`;
};

/** The sentence that shares the most terms with its text, held to a length; the first of equals. */
export const centralSentence = (text: string, most: number): string => {
  const counts = new Map<string, number>();
  const sentences = text.split(SENTENCE).map(clean).filter((sentence) => sentence !== "");
  const terms = sentences.map((sentence) => [...contentTerms(sentence)]);
  for (const own of terms) for (const term of own) counts.set(term, (counts.get(term) ?? 0) + 1);
  const scores = terms.map((own) =>
    own.reduce((sum, term) => sum + counts.get(term)!, 0) / Math.sqrt(Math.max(1, own.length))
  );
  const best = scores.reduce((top, score, index) => score > scores[top] ? index : top, 0);
  return cut(sentences[best] ?? "", most);
};

/** The gists of a text of some quality, the most important first. */
export const gistsOf = (text: string, quality: number, policy: Policy): ReadonlyArray<Gist> => {
  if (quality < policy["memory.gistQuality"] || [...text].length < policy["memory.gistShortest"]) return [];
  const parts: { readonly [L in GistLevel]: ReadonlyArray<string> } = {
    document: [text],
    section: text.split(SECTION),
    paragraph: text.split(PARAGRAPH),
  };
  const gists: Gist[] = [];
  for (const level of ["document", "section", "paragraph"] as const) {
    const { base, most } = LEVELS[level];
    const own = parts[level].map(clean).filter((part) => part !== "");
    if (level !== "document" && own.length < 2) continue;
    own.slice(0, most).forEach((part, index) => {
      const importance = unit(base + QUALITY_SHARE * unit(quality) - LATER_PENALTY * index);
      const words = centralSentence(part, policy["memory.gistLength"]);
      if (importance < policy["memory.gistImportance"] || gists.some((gist) => gist.text === words)) return;
      gists.push({ level, text: words, importance: milli(importance) });
    });
  }
  return gists;
};
