/**
 * An arithmetic coder (Witten, Neal & Cleary 1987): a text as few bits as the probabilities of its bytes say, and back.
 *
 * The judge of what a model claims a text to cost: whoever decodes knows nothing but the bytes decoded before.
 */

const BITS = 32;
const WHOLE = 2 ** BITS;
const [QUARTER, HALF, THREE_QUARTERS] = [WHOLE / 4, WHOLE / 2, 3 * WHOLE / 4];
const SCALE = 2 ** 20;

/** Bounds of every byte on a scale of whole numbers; each byte has at least one. */
const boundsOf = (probabilities: Float64Array): Float64Array => {
  const bounds = new Float64Array(257);
  for (let byte = 0; byte < 256; byte++) {
    bounds[byte + 1] = bounds[byte] + Math.max(1, Math.floor(probabilities[byte] * (SCALE - 256)));
  }
  return bounds;
};

/** Writes bits. */
export class Encoder {
  /** The bits so far. */
  readonly bits: number[] = [];
  private low = 0;
  private high = WHOLE - 1;
  private pending = 0;

  private put(bit: number): void {
    this.bits.push(bit);
    for (; this.pending > 0; this.pending--) this.bits.push(1 - bit);
  }

  /** Writes a byte under the probabilities of all bytes. */
  write(byte: number, probabilities: Float64Array): void {
    const bounds = boundsOf(probabilities);
    const range = this.high - this.low + 1;
    this.high = this.low + Math.floor(range * bounds[byte + 1] / bounds[256]) - 1;
    this.low += Math.floor(range * bounds[byte] / bounds[256]);
    for (;;) {
      if (this.high < HALF) this.put(0);
      else if (this.low >= HALF) {
        this.put(1);
        this.low -= HALF;
        this.high -= HALF;
      } else if (this.low >= QUARTER && this.high < THREE_QUARTERS) {
        this.pending++;
        this.low -= QUARTER;
        this.high -= QUARTER;
      } else return;
      this.low *= 2;
      this.high = this.high * 2 + 1;
    }
  }

  /** Ends. */
  end(): ReadonlyArray<number> {
    this.pending++;
    this.put(this.low < QUARTER ? 0 : 1);
    return this.bits;
  }
}

/** Reads bits. */
export class Decoder {
  private low = 0;
  private high = WHOLE - 1;
  private value = 0;
  private at = 0;

  /** Begins. */
  constructor(private readonly bits: ReadonlyArray<number>) {
    for (let i = 0; i < BITS; i++) this.take();
  }

  private take(): void {
    this.value = this.value * 2 + (this.bits[this.at++] ?? 0);
  }

  /** The next byte, under the probabilities of all bytes. */
  read(probabilities: Float64Array): number {
    const bounds = boundsOf(probabilities);
    const range = this.high - this.low + 1;
    let byte = 0;
    while (this.value >= this.low + Math.floor(range * bounds[byte + 1] / bounds[256])) byte++;
    this.high = this.low + Math.floor(range * bounds[byte + 1] / bounds[256]) - 1;
    this.low += Math.floor(range * bounds[byte] / bounds[256]);
    for (;;) {
      const shift = this.high < HALF
        ? 0
        : this.low >= HALF
        ? HALF
        : this.low >= QUARTER && this.high < THREE_QUARTERS
        ? QUARTER
        : undefined;
      if (shift === undefined) return byte;
      this.low = (this.low - shift) * 2;
      this.high = (this.high - shift) * 2 + 1;
      this.value -= shift;
      this.take();
    }
  }
}
