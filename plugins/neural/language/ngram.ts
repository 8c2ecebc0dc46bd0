/**
 * N-gram: what a byte costs under counts of the contexts before it: the peer that a language model has to beat.
 *
 * Not a neural model. Each order is interpolated with the one below by Witten and Bell's rule, the lowest with an even
 * share of all bytes, so that every byte of every text has a cost.
 * Invariant: the probabilities of the 256 bytes sum to one in every context.
 *
 * @module
 */

/** Longest context. */
export const MAX_ORDER = 5;

const BYTES = 256;

/** Counts of what followed one context. */
interface Followers {
  readonly counts: Map<number, number>;
  total: number;
}

/** Counts of contexts of up to so many bytes. */
export class NgramModel {
  /** By order, and then by the context's bytes as a number. */
  private readonly tables: ReadonlyArray<Map<number, Followers>>;

  /** Counts nothing yet. */
  constructor(readonly order: number) {
    if (!(Number.isInteger(order) && order >= 0 && order <= MAX_ORDER)) {
      throw new RangeError(`Cannot count contexts of ${order} bytes: from 0 to ${MAX_ORDER} can be`);
    }
    this.tables = Array.from({ length: order + 1 }, () => new Map());
  }

  /** Counts a text, whose beginning has no context. */
  count(text: Uint8Array): void {
    for (let at = 0; at < text.length; at++) {
      for (let length = 0; length <= Math.min(this.order, at); length++) {
        const table = this.tables[length];
        const key = keyOf(text, at, length);
        let followers = table.get(key);
        if (followers === undefined) table.set(key, followers = { counts: new Map(), total: 0 });
        followers.counts.set(text[at], (followers.counts.get(text[at]) ?? 0) + 1);
        followers.total++;
      }
    }
  }

  /** Probability of the byte at a place of a text, given the bytes before it. */
  probability(text: Uint8Array, at: number, byte: number = text[at]): number {
    let probability = 1 / BYTES;
    for (let length = 0; length <= Math.min(this.order, at); length++) {
      const followers = this.tables[length].get(keyOf(text, at, length));
      if (followers === undefined) break;
      const { counts, total } = followers;
      // As much is left to the order below as there were different followers.
      probability = ((counts.get(byte) ?? 0) + counts.size * probability) / (total + counts.size);
    }
    return probability;
  }

  /** Bits that a byte of some texts costs. */
  bitsPerByte(texts: ReadonlyArray<Uint8Array>): number {
    let [bits, bytes] = [0, 0];
    for (const text of texts) {
      for (let at = 0; at < text.length; at++) bits -= Math.log2(this.probability(text, at));
      bytes += text.length;
    }
    return bits / bytes;
  }
}

/** The bytes before a place as one number. */
const keyOf = (text: Uint8Array, at: number, length: number): number => {
  let key = 0;
  for (let back = length; back > 0; back--) key = key * BYTES + text[at - back];
  return key;
};
