/**
 * Recall: which remembered items answer a query, best first, or none.
 *
 * Not a store and not a writer: recalling changes nothing.
 * Invariant: only living items of the one scope are seen; the same items, query and step give the same answer. An item
 * is offered as an answer only where it speaks of enough of what is asked: else the answer is that nothing is known.
 *
 * @module
 */
import type { Recall, RecallOptions } from "../plan.ts";
import { type Policy, unit } from "../policy.ts";
import type { Candidate } from "../router.ts";
import { type ItemRow, memoryRows, type ScopeRows } from "../platform/memory_index.ts";
import { jaccard, termsOf } from "../text.ts";
import { lives, type MemoryItem, type Standing } from "../state/memory.ts";
import { type Embedder, HASHED, type Meaning } from "./embedder.ts";
import { Lexicon } from "./lexicon.ts";
import {
  asks,
  type Question,
  readQuestion,
  sameSubject,
  sameWord,
  speaksAround,
  statedSubject,
  type Subject,
} from "./question.ts";
import { mattersOf, relatedWords } from "./relations.ts";

/** An item with its text. */
export interface Remembered {
  /** The item. */
  readonly item: MemoryItem;
  /** Its text. */
  readonly text: string;
}

/** An item that answers. */
export interface Recalled extends Remembered {
  /** Likeness to the query, 0..1: by words and by spelling. */
  readonly similarity: number;
  /** Share of what is asked that it speaks of, rare words weighing more; by words alike where no item does otherwise. */
  readonly coverage: number;
  /** The same, where other words for it count fully. */
  readonly speaks: number;
  /** What it is ranked by. */
  readonly rank: number;
  /** Items that state another value of the same, in the order of truth. */
  readonly contradicts: ReadonlyArray<string>;
}

type Covering = (entry: Entry) => Pick<Recalled, "coverage" | "speaks">;

interface Entry extends Remembered {
  readonly subject: Subject | undefined;
  readonly words: ReadonlySet<string>;
  readonly matters: ReadonlySet<number>;
}

/** How far an item is trusted, by who stands for it. */
const TRUST: { readonly [S in Standing]: number } = { user: 0.9, validator: 1, self: 0.5 };

/** Idle steps after which age takes all it can take. */
const IDLE_STEPS = 256;
const IDLE_MOST = 0.35;
const LEAST_VALUE = 0.01;

/** What an item is worth at a step, whatever is asked: its strength, its record, its age. */
export const valueOf = (item: MemoryItem, now: number): number => {
  const idle = Math.max(0, now - item.used);
  const value = item.strength / 1000 - 0.08 * item.failures + 0.02 * item.hits - Math.min(idle / IDLE_STEPS, IDLE_MOST);
  return Math.max(LEAST_VALUE, value);
};

/** Compares by truth: who stands for it, then what was said later, then id. */
export const byTruth = (a: MemoryItem, b: MemoryItem): number =>
  TRUST[b.standing] - TRUST[a.standing] || b.born - a.born || (a.id < b.id ? -1 : 1);

const LIKENESS_WORDS = 0.6;
const SUBJECT_RANK = 2;
const VALUE_RANK = 0.2;

/** Entries that are kept at hand, with their words: a question looks at a few hundred. */
const MOST_ENTRIES = 4_096;

/** What statements of one subject are looked up by: spellings of a word begin alike, so none is missed. */
const subjectKey = ({ owner, attribute }: Subject): string =>
  JSON.stringify([owner, ...attribute.map((word) => word[0])]);

/** The items of one scope, ready to be asked. Changes are in its rows after `flush`. */
export class ScopeMemory {
  readonly #rows: ScopeRows;
  readonly #lexicon: Lexicon;
  readonly #meaning: Meaning | undefined;
  readonly #entries = new Map<number, Entry>();

  /** Reads the memory of a scope from its rows. */
  constructor(rows: ScopeRows = memoryRows().scope(""), embedder: Embedder = HASHED) {
    this.#rows = rows;
    this.#meaning = embedder.meaning;
    this.#lexicon = new Lexicon(rows, embedder);
  }

  /** Items in it. */
  get size(): number {
    return this.#lexicon.size;
  }

  /** Brings an item up to date: a changed one changes, a new one comes in, a dead one or one without a text is not found. */
  put(item: MemoryItem, text?: string): void {
    const before = this.#rows.item(item.id);
    const row = { id: item.id, item: JSON.stringify(item), digest: item.text };
    const words = text ?? before?.text;
    if (before?.slot !== undefined) this.#entries.delete(before.slot);
    if (!lives(item) || words === undefined) {
      this.#leave(before);
      return this.#rows.putItem(row);
    }
    const subject = statedSubject(words);
    const slot = before?.slot ?? this.#lexicon.add(words);
    this.#rows.putItem({
      ...row,
      slot,
      text: words,
      ...(subject === undefined ? {} : { subject: subjectKey(subject) }),
    });
  }

  /** Takes an item out, as if it had never been there. */
  drop(id: string): void {
    this.#leave(this.#rows.item(id));
    this.#rows.dropItem(id);
  }

  /** Brings the rows up to date. */
  flush(): void {
    this.#lexicon.flush();
  }

  /** A living item by its id. */
  get(id: string): Remembered | undefined {
    const row = this.#rows.item(id);
    return row?.slot === undefined ? undefined : this.#entryOf(row);
  }

  /** The living items. */
  all(): ReadonlyArray<Remembered> {
    return this.#rows.all().map(({ item, text }) => ({ item: JSON.parse(item), text: text! }));
  }

  /** Living items that state a value of the subject a text states, in the order of truth. */
  about(text: string): ReadonlyArray<Remembered> {
    const subject = statedSubject(text);
    if (subject === undefined) return [];
    return this.#rows.about(subjectKey(subject)).map((row) => this.#entryOf(row))
      .filter((entry) => entry.subject !== undefined && sameSubject(entry.subject, subject))
      .sort((a, b) => byTruth(a.item, b.item));
  }

  /** Every item like a query, best first. */
  like(query: string, now: number, policy: Policy): ReadonlyArray<Recalled> {
    const question = readQuestion(query);
    const limit = policy["memory.candidates"];
    const { hits, cosines } = this.#lexicon.byVector(query, limit);
    const spoken = this.#lexicon.byWords(question.terms, limit);
    const related = question.terms.flatMap(relatedWords).filter((word) => this.#lexicon.frequency(word) > 0);
    const otherwise = related.length === 0 ? [] : this.#lexicon.byWords([...question.terms, ...related], limit);
    const covers = this.#coverage(question);
    const recalledBy = (slot: number, cosine: number, covering: Covering): ReadonlyArray<Recalled> => {
      const entry = this.#at(slot);
      // Another process may have taken it out since.
      if (entry === undefined) return [];
      const { item, text, subject } = entry;
      const { coverage, speaks } = covering(entry);
      const similarity = unit(LIKENESS_WORDS * coverage + (1 - LIKENESS_WORDS) * Math.max(0, cosine));
      const same = question.subject !== undefined && subject !== undefined && sameSubject(question.subject, subject);
      const rank = similarity * (1 - VALUE_RANK + VALUE_RANK * unit(valueOf(item, now))) + (same ? SUBJECT_RANK : 0);
      const full = same ? { coverage: 1, speaks: 1 } : { coverage, speaks };
      return [{ item, text, similarity, ...full, rank, contradicts: [] }];
    };
    const slots = new Set([...spoken, ...otherwise, ...hits].map(({ slot }) => slot));
    const byWords = [...slots].flatMap((slot) => recalledBy(slot, cosines[slot], covers));
    const best = (some: ReadonlyArray<Recalled>): ReadonlyArray<Recalled> =>
      some.toSorted((a, b) => b.rank - a.rank || byTruth(a.item, b.item));
    const meaning = this.#meaning;
    const least = policy["memory.coverage"];
    // Likeness is no sameness: words alike are asked only where nothing speaks of it in its own words.
    if (meaning === undefined || byWords.some(({ coverage, text }) => coverage >= least && !asks(text))) {
      return best(byWords);
    }
    const alike = this.#lexicon.byMeaning(query, limit);
    const means = this.#coverage(question, (a, b) => meaning.likeness(a, b) >= policy["memory.alike"]);
    return best(
      [...new Set([...slots, ...alike.hits.map(({ slot }) => slot)])].flatMap((slot) =>
        recalledBy(slot, Math.max(cosines[slot], ALIKE * alike.cosines[slot]), means)
      ),
    );
  }

  /** The items that answer a question, best first; none where nothing known does. */
  answer(query: string, now: number, limit: number, policy: Policy): ReadonlyArray<Recalled> {
    const question = readQuestion(query);
    const speaking = this.like(query, now, policy).filter(({ item, text, coverage }) =>
      item.namespace !== "runtime-kv" && coverage >= policy["memory.coverage"] && !asks(text)
    );
    const subject = question.subject;
    const direct = subject === undefined ? [] : speaking.filter(({ text }) => {
      const stated = statedSubject(text);
      return stated !== undefined && sameSubject(stated, subject);
    });
    if (direct.length > 0) return this.#inTruth(direct).slice(0, limit);
    const most = speaking.reduce((best, { speaks }) => Math.max(best, speaks), 0);
    const { order, standing, names } = question;
    if (order === undefined && !standing) return speaking.slice(0, limit);
    const turn = order === "oldest" ? 1 : -1;
    const around = new Map(speaking.map(({ item, text }) => [item.id, speaksAround(text, names) ? 1 : 0]));
    const timely = speaking.filter(({ speaks }) => speaks >= most - NEARLY).sort((a, b) =>
      around.get(a.item.id)! - around.get(b.item.id)! || turn * (a.item.born - b.item.born) || byTruth(a.item, b.item)
    );
    // Asked for the first or last of something, the others of it answer; asked how things stand, all that speaks of it.
    const rest = order === undefined ? speaking.filter((one) => !timely.includes(one)) : [];
    return [...timely, ...rest].slice(0, limit);
  }

  /** Items that state the same subject, the most credible first, each naming those that state something else. */
  #inTruth(items: ReadonlyArray<Recalled>): ReadonlyArray<Recalled> {
    const ordered = items.toSorted((a, b) => byTruth(a.item, b.item));
    return ordered.map((one) => ({
      ...one,
      contradicts: ordered.filter(({ item, text }) => item.id !== one.item.id && text !== one.text)
        .map(({ item }) => item.id),
    }));
  }

  #leave(row: ItemRow | undefined): void {
    if (row?.slot === undefined) return;
    this.#entries.delete(row.slot);
    this.#lexicon.remove(row.slot, row.text!);
  }

  #at(slot: number): Entry | undefined {
    const held = this.#entries.get(slot);
    if (held !== undefined) return held;
    const row = this.#rows.at(slot);
    return row === undefined ? undefined : this.#entryOf(row);
  }

  #entryOf({ slot, item, text }: ItemRow): Entry {
    const held = this.#entries.get(slot!);
    if (held !== undefined) return held;
    const words = new Set(termsOf(text!));
    const entry = {
      item: JSON.parse(item),
      text: text!,
      subject: statedSubject(text!),
      words,
      matters: mattersOf(words),
    };
    if (this.#entries.size === MOST_ENTRIES) this.#entries.clear();
    this.#entries.set(slot!, entry);
    return entry;
  }

  /** How far entries speak of a question; `alike` says which words count a little where they are not the same. */
  #coverage({ terms, sort, names }: Question, alike?: (term: string, other: string) => boolean): Covering {
    const size = this.#lexicon.size;
    const weights = terms.map((term) => {
      const texts = this.#lexicon.frequency(term);
      return term === sort && texts === 0 ? 0 : Math.log(1 + size / (1 + texts));
    });
    const whole = weights.reduce((sum, weight) => sum + weight, 0);
    const matters = terms.map((term) => mattersOf([term]));
    const known = new Map<string, boolean>();
    const same = (term: string, other: string): boolean => {
      const key = `${term} ${other}`;
      let answer = known.get(key);
      if (answer === undefined) known.set(key, answer = sameWord(term, other));
      return answer;
    };
    const near = new Map<string, boolean>();
    const isNear = (term: string, other: string): boolean => {
      const key = `${term} ${other}`;
      let answer = near.get(key);
      if (answer === undefined) near.set(key, answer = alike!(term, other));
      return answer;
    };
    return ({ text, words, matters: own }) => {
      if (whole === 0) return { coverage: 0, speaks: 0 };
      let [said, otherwise, like] = [0, 0, 0];
      const mayBeLike = alike !== undefined && names.every((name) => text.includes(name));
      terms.forEach((term, index) => {
        if (words.has(term) || [...words].some((other) => other[0] === term[0] && same(term, other))) {
          said += weights[index];
        } else if (!matters[index].isDisjointFrom(own)) otherwise += weights[index];
        else if (mayBeLike && [...words].some((other) => isNear(term, other))) like += weights[index];
      });
      return {
        coverage: (said + OTHERWISE * otherwise + ALIKE * like) / whole,
        speaks: (said + otherwise + like) / whole,
      };
    };
  }
}

/** What a word counts that is said in another one. */
const OTHERWISE = 0.8;

/** What a word counts beside which one stands that an embedding holds for alike. */
const ALIKE = 0.7;

/** Coverage that counts as equal when items are put in the order of time. */
const NEARLY = 0.05;

const candidateOf = ({ item, text, similarity }: Recalled, now: number): Candidate => ({
  id: item.id,
  source: item.namespace === "gist" ? "gist" : "memory",
  text,
  similarity,
  trust: TRUST[item.standing],
  recency: 1 - Math.min(1, Math.max(0, now - item.used) / IDLE_STEPS),
  reward: unit(0.5 + 0.1 * (item.hits - item.failures)),
  anchor: item.protected,
});

/** What a plan recalls from: the memory of scopes as it stands at a step. Unknown scopes are empty. */
export const recallOver = (
  scopes: (scope: string) => ScopeMemory | undefined,
  now: number,
  policy: Policy,
): Recall => ({
  recall: (prompt: string, { scope, limit, floor, gist }: RecallOptions): ReadonlyArray<Candidate> => {
    const found = scopes(scope)?.like(prompt, now, policy) ?? [];
    const weigh = (one: Recalled): number => one.rank + (one.item.namespace === "gist" ? gist : 0);
    const ranked = found.filter(({ similarity, item }) => similarity >= floor && item.namespace !== "runtime-kv")
      .toSorted((a, b) => weigh(b) - weigh(a) || byTruth(a.item, b.item));
    const taken: Array<{ readonly one: Recalled; readonly words: ReadonlySet<string> }> = [];
    for (const one of ranked) {
      if (taken.length === limit) break;
      const words = new Set(one.text.toLowerCase().split(/\s+/u));
      if (taken.every((other) => jaccard(other.words, words) < policy["memory.duplicate"])) taken.push({ one, words });
    }
    return taken.map(({ one }) => candidateOf(one, now));
  },
});
