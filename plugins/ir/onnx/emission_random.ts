/**
 * Emission of randomness: Philox 4x32-10 in 64-bit integer operators, so that every runtime draws the same bits.
 *
 * Invariant: words are i64 numbers from 0 to 2^32 − 1.
 *
 * @module
 */
import { type Dtype, dtypeInfo, isFloat } from "../types.ts";
import type { Emitted } from "./emission.ts";
import { type OnnxWriter, productOf, type Wire } from "./writer.ts";

const MULTIPLIERS = [0xd2511f53n, 0xcd9e8d57n] as const;
const WEYL = [0x9e3779b9n, 0xbb67ae85n] as const;
const ROUNDS = 10;
const WORD = 0xffffffffn;
const BITWISE_SINCE = 18;

const low = (w: OnnxWriter, x: Wire): Wire => w.same("BitwiseAnd", [x, w.number("i64", WORD)]);

/** x shifted right as an unsigned number. */
const shifted = (w: OnnxWriter, x: Wire, count: number): Wire => {
  const bits = w.same("BitShift", [w.cast(x, "u64"), w.number("u64", BigInt(count))], { direction: "RIGHT" });
  return w.cast(bits, "i64");
};

type Words = readonly [Wire, Wire, Wire, Wire];

const philox = (w: OnnxWriter, counter: Words, key: readonly [Wire, Wire]): Words => {
  let [a, b, c, d] = counter;
  let [k0, k1] = key;
  const xor = (x: Wire, y: Wire) => w.same("BitwiseXor", [x, y]);
  for (let round = 0; round < ROUNDS; round++) {
    const [first, second] = [a, c].map((word, i) => w.same("Mul", [word, w.number("i64", MULTIPLIERS[i])]));
    [a, b, c, d] = [
      xor(xor(shifted(w, second, 32), b), k0),
      low(w, second),
      xor(xor(shifted(w, first, 32), d), k1),
      low(w, first),
    ];
    k0 = low(w, w.same("Add", [k0, w.number("i64", WEYL[0])]));
    k1 = low(w, w.same("Add", [k1, w.number("i64", WEYL[1])]));
  }
  return [a, b, c, d];
};

const scaled = (w: OnnxWriter, x: Wire, factor: number): Wire =>
  w.same("Mul", [w.cast(x, "f64"), w.number("f64", factor)]);

/** A number in [0, 1) from two words, 53 bits. */
const unit = (w: OnnxWriter, high: Wire, rest: Wire): Wire => {
  const upper = w.same("Mul", [shifted(w, high, 5), w.number("i64", 67108864)]);
  return scaled(w, w.same("Add", [upper, shifted(w, rest, 6)]), 2 ** -53);
};

const uniform = (w: OnnxWriter, words: Words, dtype: Dtype): Wire => {
  const bits = dtypeInfo(dtype).mantissa! + 1;
  return bits > 32 ? unit(w, words[0], words[1]) : scaled(w, shifted(w, words[0], 32 - bits), 2 ** -bits);
};

const normal = (w: OnnxWriter, words: Words): Wire => {
  const number = (value: number) => w.number("f64", value);
  const logarithm = w.same("Log", [w.same("Sub", [number(1), unit(w, words[0], words[1])])]);
  const radius = w.same("Sqrt", [w.same("Mul", [logarithm, number(-2)])]);
  return w.same("Mul", [radius, w.same("Cos", [w.same("Mul", [unit(w, words[2], words[3]), number(2 * Math.PI)])])]);
};

/** Writes `random`. */
export const emitRandom = (
  w: OnnxWriter,
  { inputs: [seed], results: [{ dtype, shape }], attributes }: Emitted,
): Wire => {
  if (w.opset < BITWISE_SINCE) w.refuse(`its bit operators begin with version ${BITWISE_SINCE} of the operator set`);
  const place = w.range(productOf(shape));
  const of = (value: bigint) => w.expand(w.number("i64", value), place.shape);
  const counter: Words = [low(w, place), shifted(w, place, 32), of(BigInt(attributes.stream as number)), of(0n)];
  const words = philox(w, counter, [low(w, seed), shifted(w, seed, 32)]);
  if (!isFloat(dtype)) {
    const whole = w.same("Add", [w.same("Mul", [words[1], w.number("i64", 1n << 32n)]), words[0]]);
    const kept = dtype === "bool" ? w.same("BitwiseAnd", [whole, w.number("i64", 1)]) : whole;
    return w.reshape(w.cast(kept, dtype), shape);
  }
  const drawn = attributes.distribution === "normal" ? normal(w, words) : uniform(w, words, dtype);
  return w.reshape(w.cast(drawn, dtype), shape);
};
