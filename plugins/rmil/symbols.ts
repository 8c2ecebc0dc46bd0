/**
 * Symbols: the table of a program's names. Index 0 is NIL, the empty name.
 *
 * Invariant: an index never changes its name, and a name has one index. Source: RMIL §1.
 *
 * @module
 */

/** The empty name. */
export const NIL_SYMBOL = 0;

/** A growing table of names. */
export class Symbols {
  readonly #names: Array<string> = [""];
  readonly #indices = new Map<string, number>([["", NIL_SYMBOL]]);

  /** A table of these names in this order, the empty one first (it is added where missing). */
  static of(names: Iterable<string>): Symbols {
    const table = new Symbols();
    for (const name of names) table.intern(name);
    return table;
  }

  /** The index of a name; a new name gets the next index. */
  intern(name: string): number {
    const known = this.#indices.get(name);
    if (known !== undefined) return known;
    const index = this.#names.length;
    this.#names.push(name);
    this.#indices.set(name, index);
    return index;
  }

  /** The name at an index; `undefined` where there is none. */
  nameOf(index: number): string | undefined {
    return this.#names[index];
  }

  /** The index of a name; `undefined` where it is not in the table. */
  indexOf(name: string): number | undefined {
    return this.#indices.get(name);
  }

  /** Names in index order, the empty one first. */
  get names(): ReadonlyArray<string> {
    return this.#names;
  }

  /** Number of names, NIL included. */
  get size(): number {
    return this.#names.length;
  }
}
