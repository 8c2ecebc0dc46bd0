/** Seeded choices for the property tests of this folder: mulberry32 over a hashed name, independent of the kernel's. */

/** Choices that repeat for equal names. */
export interface Choices {
  /** A number in [0, 1). */
  readonly next: () => number;
  /** A whole number below a bound. */
  readonly below: (bound: number) => number;
  /** One of a list. */
  readonly pick: <A>(items: ReadonlyArray<A>) => A;
}

/** Choices for a name. */
export const randomFor = (name: string): Choices => {
  let state = 0x9e3779b9;
  for (const char of name) state = Math.imul(state ^ char.codePointAt(0)!, 0x85ebca6b) >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  const below = (bound: number): number => Math.floor(next() * bound);
  return { next, below, pick: (items) => items[below(items.length)] };
};
