/**
 * Align: which items of two lists belong together.
 *
 * Invariant: the regions are in order and disjoint, and what lies outside them is the same in both lists; work is
 * bounded by {@link MAX_CELLS} comparisons, beyond which a region is taken as a whole.
 *
 * @module
 */

/** Most comparisons for one pair of lists. */
export const MAX_CELLS = 1_000_000;

/** A region of the lists that differs. */
export interface Region {
  /** Where in the old list items go. */
  readonly at: number;
  /** How many old items go from there on. */
  readonly remove: number;
  /** First new item that comes. */
  readonly insertFrom: number;
  /** After the last new item that comes. */
  readonly insertTo: number;
  /** Old and new positions of items that stay, changed inside. */
  readonly pairs: ReadonlyArray<readonly [number, number]>;
}

/** A longest common subsequence of two ranges, as pairs of positions. */
const common = <A>(
  a: ReadonlyArray<A>,
  [fromA, toA]: readonly [number, number],
  b: ReadonlyArray<A>,
  [fromB, toB]: readonly [number, number],
  same: (x: A, y: A) => boolean,
): ReadonlyArray<readonly [number, number]> => {
  const pairs: Array<readonly [number, number]> = [];
  while (fromA < toA && fromB < toB && same(a[fromA], b[fromB])) pairs.push([fromA++, fromB++]);
  const tail: Array<readonly [number, number]> = [];
  while (fromA < toA && fromB < toB && same(a[toA - 1], b[toB - 1])) tail.push([--toA, --toB]);
  tail.reverse();
  const [rows, columns] = [toA - fromA, toB - fromB];
  if (rows > 0 && columns > 0 && rows * columns <= MAX_CELLS) {
    const width = columns + 1;
    const lengths = new Int32Array((rows + 1) * width);
    for (let i = rows - 1; i >= 0; i--) {
      for (let j = columns - 1; j >= 0; j--) {
        lengths[i * width + j] = same(a[fromA + i], b[fromB + j])
          ? lengths[(i + 1) * width + j + 1] + 1
          : Math.max(lengths[(i + 1) * width + j], lengths[i * width + j + 1]);
      }
    }
    for (let i = 0, j = 0; i < rows && j < columns;) {
      if (same(a[fromA + i], b[fromB + j])) pairs.push([fromA + i++, fromB + j++]);
      else if (lengths[(i + 1) * width + j] >= lengths[i * width + j + 1]) i++;
      else j++;
    }
  }
  return [...pairs, ...tail];
};

const plain = (at: number, toA: number, insertFrom: number, insertTo: number): Region => ({
  at,
  remove: toA - at,
  insertFrom,
  insertTo,
  pairs: [],
});

/** Between two kept items: equally many on both sides change in place, otherwise they go and come. */
const gap = (fromA: number, toA: number, fromB: number, toB: number): Region =>
  toA - fromA === toB - fromB
    ? {
      ...plain(fromA, fromA, fromB, fromB),
      pairs: Array.from({ length: toA - fromA }, (_, offset) => [fromA + offset, fromB + offset] as const),
    }
    : plain(fromA, toA, fromB, toB);

/** The regions between pairs of kept positions, both ends included. */
const between = <A>(
  pairs: ReadonlyArray<readonly [number, number]>,
  [fromA, toA]: readonly [number, number],
  [fromB, toB]: readonly [number, number],
  region: (fromA: number, toA: number, fromB: number, toB: number) => ReadonlyArray<A>,
): ReadonlyArray<A> => {
  const found: Array<A> = [];
  let [a, b] = [fromA, fromB];
  for (const [i, j] of [...pairs, [toA, toB] as const]) {
    if (i > a || j > b) found.push(...region(a, i, b, j));
    [a, b] = [i + 1, j + 1];
  }
  return found;
};

/**
 * How two lists differ: items that are the same are kept; between them, items that are alike are paired, to be changed
 * inside; the rest goes and comes.
 */
export const aligned = <A>(
  a: ReadonlyArray<A>,
  b: ReadonlyArray<A>,
  same: (x: A, y: A) => boolean,
  alike: (x: A, y: A) => boolean,
): ReadonlyArray<Region> => {
  const whole = [[0, a.length], [0, b.length]] as const;
  return between(common(a, whole[0], b, whole[1], same), whole[0], whole[1], (fromA, toA, fromB, toB) => {
    const kin = common(a, [fromA, toA], b, [fromB, toB], alike);
    const paired = kin.map(([i, j]): Region => ({ ...plain(i, i, j, j), pairs: [[i, j]] }));
    const others = between(kin, [fromA, toA], [fromB, toB], (...range) => [gap(...range)]);
    return [...paired, ...others];
  });
};
