/**
 * Flip graph: a walk among schemes of matrix multiplication, each as right as the one before it, towards fewer products.
 *
 * Sources: Kauers, Moosbauer 2022 (flips and reductions); Arai, Ichikawa, Hukushima 2024 (plus transitions). Here over the
 * integers with coefficients −1, 0 and 1, so that nothing has to be lifted.
 * Two products with a common factor: u⊗v⊗w + u⊗v′⊗w′ = u⊗(v ± v′)⊗w + u⊗v′⊗(w′ ∓ w). What becomes zero is a product less.
 * Invariant: a step keeps the sum of all products; a walk is a function of its seed and of where it begins.
 *
 * @module
 */
import type { Random } from "../../../kernel/random.ts";
import type { Product, Scheme } from "./scheme.ts";

/** Coefficients −1, 0, 1 as two sets of bits: which are 1, and which are −1. */
const HALF = 16;

/** Most elements of a matrix. */
export const MAX_ELEMENTS: number = HALF;

const packed = (list: ReadonlyArray<number>): number =>
  list.reduce((bits, c, at) => bits | (c > 0 ? 1 << at : c < 0 ? 1 << (at + HALF) : 0), 0) >>> 0;

const unpacked = (bits: number, length: number): ReadonlyArray<number> =>
  Array.from({ length }, (_, at) => ((bits >>> at) & 1) - ((bits >>> (at + HALF)) & 1));

const negated = (bits: number): number => ((bits >>> HALF) | (bits << HALF)) >>> 0;

const MASK = 0xffff;

/** Nothing packs to this: an element cannot be 1 and −1. */
const TOO_LARGE = 0xffffffff;

/** The sum, or `TOO_LARGE` where a coefficient leaves −1 … 1. */
const sum = (x: number, y: number): number => {
  const [xp, xn, yp, yn] = [x & MASK, x >>> HALF, y & MASK, y >>> HALF];
  if ((xp & yp) !== 0 || (xn & yn) !== 0) return TOO_LARGE;
  const plus = (xp | yp) & ~(xn | yn);
  const minus = (xn | yn) & ~(xp | yp);
  return (plus | (minus << HALF)) >>> 0;
};

/** 1 where both are the same, −1 where one is the other's negative, else 0. */
const likeness = (x: number, y: number): number => x === y ? 1 : x === negated(y) ? -1 : 0;

/** A walk: products as three factors each. */
export class FlipWalk {
  private rank: number;
  private readonly factors: [Uint32Array, Uint32Array, Uint32Array];
  /** Steps since the number of products last fell, or a plus transition. */
  private still = 0;

  /**
   * A walk that begins at a scheme with coefficients −1, 0 and 1, goes up a product after `patience` steps without a gain,
   * and never has more than a few above `most`.
   */
  constructor(
    private readonly from: Scheme,
    private readonly chance: Random,
    private readonly patience: number,
    most: number = from.products.length,
  ) {
    const room = most + SPARE;
    this.rank = from.products.length;
    this.factors = [new Uint32Array(room), new Uint32Array(room), new Uint32Array(room)];
    from.products.forEach(({ left, right, into }, r) => {
      this.factors[0][r] = packed(left);
      this.factors[1][r] = packed(right);
      this.factors[2][r] = packed(into);
    });
  }

  /** Products now. */
  get products(): number {
    return this.rank;
  }

  /** The scheme now. */
  scheme(): Scheme {
    const [first] = this.from.products;
    return {
      sizes: this.from.sizes,
      products: Array.from({ length: this.rank }, (_, r): Product => ({
        left: unpacked(this.factors[0][r], first.left.length),
        right: unpacked(this.factors[1][r], first.right.length),
        into: unpacked(this.factors[2][r], first.into.length),
      })),
    };
  }

  /** Takes a number of steps, or fewer, where so few products are reached; gives how many. */
  walk(steps: number, wanted: number): number {
    for (let step = 0; step < steps; step++) {
      if (this.rank <= wanted) return step;
      const flipped = this.flip();
      this.still++;
      // A walk that found no flip or gained nothing for long goes one product up, to get round what it is stuck in.
      if ((!flipped || this.still >= this.patience) && this.rank + 1 < this.factors[0].length) {
        this.plus();
        this.still = 0;
      }
    }
    return steps;
  }

  /** Takes a product out; the last one takes its place. */
  private remove(r: number): void {
    this.rank--;
    for (const list of this.factors) list[r] = list[this.rank];
    this.still = 0;
  }

  /** A flip of two random products with a common factor; false where none was met. */
  private flip(): boolean {
    const { chance, factors } = this;
    for (let tries = 0; tries < TRIES; tries++) {
      const word = chance.uint32();
      const i = word % this.rank;
      const j = (word >>> 8) % this.rank;
      if (i === j) continue;
      const at = (word >>> 16) % 3;
      const like = likeness(factors[at][i], factors[at][j]);
      if (like === 0) continue;
      const turn = (word >>> 20) & 1;
      const v = factors[(at + 1 + turn) % 3];
      const w = factors[(at + 2 - turn) % 3];
      // The common factor's sign goes to w′, so that both have the same factor.
      const other = like > 0 ? w[j] : negated(w[j]);
      const minus = (word >>> 21) & 1;
      const joint = sum(v[i], minus === 0 ? v[j] : negated(v[j]));
      const rest = sum(other, minus === 0 ? negated(w[i]) : w[i]);
      if (joint === TOO_LARGE || rest === TOO_LARGE) continue;
      factors[at][j] = factors[at][i];
      v[i] = joint;
      w[j] = rest;
      if (rest === 0) this.remove(j);
      if (joint === 0) this.remove(i === this.rank && rest === 0 ? j : i);
      return true;
    }
    return false;
  }

  /** One product as two: u⊗v⊗w = u⊗(v + v′)⊗w − u⊗v′⊗w, v′ of another product. */
  private plus(): void {
    const { chance, factors } = this;
    for (let tries = 0; tries < TRIES; tries++) {
      const [i, j] = [chance.below(this.rank), chance.below(this.rank)];
      const at = chance.below(3);
      const v = factors[at];
      if (i === j || likeness(v[i], v[j]) !== 0) continue;
      const joint = sum(v[i], v[j]);
      if (joint === TOO_LARGE) continue;
      const next = this.rank++;
      for (const list of factors) list[next] = list[i];
      v[next] = negated(v[j]);
      v[i] = joint;
      return;
    }
  }
}

/** Products that a walk may have above the most. */
const SPARE = 4;

/** Draws of a pair before a walk counts as stuck. */
const TRIES = 20_000;
