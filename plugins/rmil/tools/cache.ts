/**
 * Cache: results of a pass over programs, kept by sub-expression, so that after an edit only the changed spine is done
 * again.
 *
 * Not for results that depend on anything beside the sub-expression, unless `context` names it.
 * Invariant: a result is answered only for a sub-expression that is equal to the one it was made for, by a comparison
 * of trees and not of digests alone; entries and weight stay within their limits; what is evicted depends on nothing
 * but the calls made so far (least recently used first).
 *
 * @module
 */
import { type Digest, digestText } from "../../../kernel/mod.ts";
import type { Program } from "../codec/v1.ts";
import type { Expression } from "../expression.ts";
import type { Symbols } from "../symbols.ts";
import { boundedCount, headKey, type Spelling, spellingOf } from "./key.ts";

/** Most entries, where nothing else is asked for. */
export const DEFAULT_MAX_ENTRIES = 10_000;

/** Most weight of all entries, where nothing else is asked for. */
export const DEFAULT_MAX_WEIGHT = 64_000_000;

/** What a cache holds results of. */
export interface CacheOptions<A> {
  /** Name of the pass; caches of different passes never answer for each other. */
  readonly pass: string;
  /** Version of the pass: a new one makes old results unreachable. */
  readonly version: number;
  /** Most entries. */
  readonly maxEntries?: number;
  /** Most weight of all results together. */
  readonly maxWeight?: number;
  /** What a result weighs, for instance its bytes; 1 by default. */
  readonly weigh?: (result: A) => number;
}

/** What a cache did. */
export interface CacheStats {
  /** Results held. */
  readonly entries: number;
  /** Their weight. */
  readonly weight: number;
  /** Look-ups that found a result. */
  readonly hits: number;
  /** Look-ups that did not. */
  readonly misses: number;
  /** Results that were found under a digest but for another tree. */
  readonly rejected: number;
  /** Results dropped for lack of room. */
  readonly evicted: number;
  /** Nodes that did not have to be done again. */
  readonly nodesSaved: number;
}

interface Entry<A> {
  readonly node: Expression;
  readonly spell: Spelling;
  readonly result: A;
  readonly weight: number;
  readonly nodes: number;
}

const sameByNames = (a: Expression, spellA: Spelling, b: Expression, spellB: Spelling): boolean => {
  if (a === b && spellA === spellB) return true;
  if (a.tag !== b.tag || a.depth !== b.depth || a.children.length !== b.children.length) return false;
  if (headKey(a, spellA) !== headKey(b, spellB)) return false;
  return a.children.every((child, index) => sameByNames(child, spellA, b.children[index], spellB));
};

/** Known digests and sizes of one table's nodes: a table never renames, so they never change. */
interface Known {
  readonly spell: Spelling;
  readonly keys: WeakMap<Expression, { readonly digest: Digest; readonly nodes: number }>;
}

/** A bounded cache of one pass. */
export class SubExpressionCache<A> {
  readonly #options: Required<CacheOptions<A>>;
  /** In order of use, the least recent first. */
  readonly #entries = new Map<string, Entry<A>>();
  readonly #known = new WeakMap<Symbols, Known>();
  #weight = 0;
  #hits = 0;
  #misses = 0;
  #rejected = 0;
  #evicted = 0;
  #nodesSaved = 0;

  /** An empty cache. */
  constructor(options: CacheOptions<A>) {
    this.#options = { maxEntries: DEFAULT_MAX_ENTRIES, maxWeight: DEFAULT_MAX_WEIGHT, weigh: () => 1, ...options };
  }

  /**
   * The result of a pass over a program: `step` is called for each sub-expression that has none yet, parts first, with
   * the results of its parts. `context` names whatever else the results depend on. Throws `RMIL_TOO_LARGE`.
   */
  compute(
    program: Program,
    step: (node: Expression, parts: ReadonlyArray<A>) => A,
    context = "",
  ): A {
    boundedCount(program.root, "program");
    const known = this.#knownOf(program.symbols);
    const prefix = `${JSON.stringify(this.#options.pass)}${this.#options.version};${JSON.stringify(context)}`;
    const visit = (node: Expression): A => {
      const { digest, nodes } = this.#keyOf(node, known);
      const key = prefix + digest;
      const entry = this.#find(key, node, known.spell);
      if (entry !== undefined) return entry.result;
      const result = step(node, node.children.map(visit));
      this.#keep(key, { node, spell: known.spell, result, weight: this.#options.weigh(result), nodes });
      return result;
    };
    return visit(program.root);
  }

  /** Counters since the start or the last `clear`. */
  get stats(): CacheStats {
    return {
      entries: this.#entries.size,
      weight: this.#weight,
      hits: this.#hits,
      misses: this.#misses,
      rejected: this.#rejected,
      evicted: this.#evicted,
      nodesSaved: this.#nodesSaved,
    };
  }

  /** Part of look-ups that found a result; 0 where there was none. */
  get hitRatio(): number {
    const all = this.#hits + this.#misses;
    return all === 0 ? 0 : this.#hits / all;
  }

  /** Forgets everything, counters too. */
  clear(): void {
    this.#entries.clear();
    this.#weight =
      this.#hits =
      this.#misses =
      this.#rejected =
      this.#evicted =
      this.#nodesSaved =
        0;
  }

  #knownOf(symbols: Symbols): Known {
    let known = this.#known.get(symbols);
    if (known === undefined) this.#known.set(symbols, known = { spell: spellingOf(symbols), keys: new WeakMap() });
    return known;
  }

  #keyOf(node: Expression, known: Known): { readonly digest: Digest; readonly nodes: number } {
    const found = known.keys.get(node);
    if (found !== undefined) return found;
    const parts = node.children.map((child) => this.#keyOf(child, known));
    const text = `${headKey(node, known.spell)}(${parts.map(({ digest }) => digest).join("")}`;
    const key = { digest: digestText(text), nodes: parts.reduce((sum, { nodes }) => sum + nodes, 1) };
    known.keys.set(node, key);
    return key;
  }

  #find(key: string, node: Expression, spell: Spelling): Entry<A> | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) {
      this.#misses++;
      return undefined;
    }
    this.#entries.delete(key);
    if (!sameByNames(entry.node, entry.spell, node, spell)) {
      this.#weight -= entry.weight;
      this.#rejected++;
      this.#misses++;
      return undefined;
    }
    this.#entries.set(key, entry);
    this.#hits++;
    this.#nodesSaved += entry.nodes;
    return entry;
  }

  #keep(key: string, entry: Entry<A>): void {
    const { maxEntries, maxWeight } = this.#options;
    // What could never stay must not push out what can.
    if (entry.weight > maxWeight || maxEntries < 1) return;
    this.#drop(key);
    while (this.#entries.size >= maxEntries || this.#weight + entry.weight > maxWeight) {
      this.#drop(this.#entries.keys().next().value!);
      this.#evicted++;
    }
    this.#entries.set(key, entry);
    this.#weight += entry.weight;
  }

  #drop(key: string): void {
    this.#weight -= this.#entries.get(key)?.weight ?? 0;
    this.#entries.delete(key);
  }
}
