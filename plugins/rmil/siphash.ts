/**
 * SipHash-1-3 with zero keys, in 32-bit halves: the original's content hash, kept for compatibility only.
 *
 * Not an identity and not a defence against collisions made on purpose: zero keys are public.
 * Invariant: agrees with the published algorithm bit for bit. Source: RMIL §5.1; Aumasson & Bernstein 2012.
 *
 * @module
 */

/** A 64-bit hash, as signed halves. */
export interface Hash64 {
  /** Low 32 bits. */
  readonly lo: number;
  /** High 32 bits. */
  readonly hi: number;
}

const FINAL_ROUNDS = 3;

/**
 * Hashes `length` bytes given as little-endian 32-bit words. `words` must hold zeros from `length` up to the next
 * multiple of eight, and one more pair of words when `length` is a multiple of eight.
 */
export const sipHash13 = (words: Int32Array, length: number): Hash64 => {
  let v0l = 0x70736575, v0h = 0x736f6d65, v1l = 0x6e646f6d, v1h = 0x646f7261;
  let v2l = 0x6e657261, v2h = 0x6c796765, v3l = 0x79746573, v3h = 0x74656462;
  const whole = length >>> 3;
  // Absorbs every whole word, then the last one with the length in its top byte, then three closing rounds.
  for (let step = 0; step <= whole + FINAL_ROUNDS; step++) {
    let ml = 0, mh = 0;
    if (step <= whole) {
      ml = words[step * 2];
      mh = words[step * 2 + 1];
      if (step === whole) mh |= length << 24;
      v3l ^= ml;
      v3h ^= mh;
    } else if (step === whole + 1) {
      v2l ^= 0xff;
    }
    // One SipRound. Sums carry from the low half: the carry is read off the operands' and the sum's sign bits.
    let s = (v0l + v1l) | 0;
    v0h = (v0h + v1h + (((v0l & v1l) | ((v0l | v1l) & ~s)) >>> 31)) | 0;
    v0l = s;
    let t = (v1l << 13) | (v1h >>> 19);
    v1h = ((v1h << 13) | (v1l >>> 19)) ^ v0h;
    v1l = t ^ v0l;
    t = v0l;
    v0l = v0h;
    v0h = t;
    s = (v2l + v3l) | 0;
    v2h = (v2h + v3h + (((v2l & v3l) | ((v2l | v3l) & ~s)) >>> 31)) | 0;
    v2l = s;
    t = (v3l << 16) | (v3h >>> 16);
    v3h = ((v3h << 16) | (v3l >>> 16)) ^ v2h;
    v3l = t ^ v2l;
    s = (v0l + v3l) | 0;
    v0h = (v0h + v3h + (((v0l & v3l) | ((v0l | v3l) & ~s)) >>> 31)) | 0;
    v0l = s;
    t = (v3l << 21) | (v3h >>> 11);
    v3h = ((v3h << 21) | (v3l >>> 11)) ^ v0h;
    v3l = t ^ v0l;
    s = (v2l + v1l) | 0;
    v2h = (v2h + v1h + (((v2l & v1l) | ((v2l | v1l) & ~s)) >>> 31)) | 0;
    v2l = s;
    t = (v1l << 17) | (v1h >>> 15);
    v1h = ((v1h << 17) | (v1l >>> 15)) ^ v2h;
    v1l = t ^ v2l;
    t = v2l;
    v2l = v2h;
    v2h = t;
    if (step <= whole) {
      v0l ^= ml;
      v0h ^= mh;
    }
  }
  return { lo: v0l ^ v1l ^ v2l ^ v3l, hi: v0h ^ v1h ^ v2h ^ v3h };
};

/** The hash as `0x` and sixteen hexadecimal digits. */
export const showHash = ({ lo, hi }: Hash64): string =>
  `0x${(hi >>> 0).toString(16).padStart(8, "0")}${(lo >>> 0).toString(16).padStart(8, "0")}`;
