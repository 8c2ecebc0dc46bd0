/**
 * Values: inputs that find mistakes. For every dtype the numbers at which arithmetic changes its ways, and ordinary ones.
 *
 * Invariant: values follow from a seed; a tensor of edges begins with all of them, in order, as far as it reaches.
 *
 * @module
 */
import { type Random, random } from "../../../kernel/random.ts";
import type { Dtype, Tensor } from "../../ir/contract.ts";
import { dtypeInfo, type Element, elementCount, elements, isFloat, tensor } from "../../ir/library.ts";

/** What a tensor is filled with. */
export type Filling = "edges" | "ordinary" | "unit";

const FLOAT_EDGES: ReadonlyArray<number> = [
  NaN,
  Infinity,
  -Infinity,
  -0,
  0,
  1,
  -1,
  0.5,
  -0.5,
  1.5,
  2.5,
  -2.5,
  1e-45,
  -1e-45,
  1e-40,
  6e-8,
  1.1754943508222875e-38,
  5e-324,
  2.2250738585072014e-308,
  1e-5,
  88.8,
  -103.9,
  709.7,
  -745.2,
  65504,
  65520,
  3.4028234663852886e38,
  -3.4028234663852886e38,
  1.7976931348623157e308,
  16777217,
  2147483648,
  -2147483649,
  9223372036854775808,
  3.141592653589793,
  -1.5707963267948966,
  1e4,
  -20,
  0.1,
];

const integerEdges = (dtype: Dtype): ReadonlyArray<bigint> => {
  const { bits, signed } = dtypeInfo(dtype);
  const [low, high] = signed
    ? [-(1n << BigInt(bits - 1)), (1n << BigInt(bits - 1)) - 1n]
    : [0n, (1n << BigInt(bits)) - 1n];
  const small = [0n, 1n, -1n, 2n, -2n, 3n, low, high, low + 1n, high - 1n, 7n, -7n, 31n, 32n, 63n, 64n, 1n << 24n];
  // Where the halves of a 64-bit integer disagree about its sign or order.
  const halves = [1n << 31n, -(1n << 31n), 1n << 32n, (1n << 32n) + 5n, -(1n << 32n), -(1n << 32n) - 5n, 1n << 53n];
  const wanted = [...new Set([...small, ...halves])];
  return wanted.filter((value) => value >= low && value <= high);
};

/** The values of a dtype at which something changes. */
export const edgesOf = (dtype: Dtype): ReadonlyArray<Element> => {
  if (dtype === "bool") return [false, true];
  return isFloat(dtype) ? FLOAT_EDGES : integerEdges(dtype);
};

const ordinary = (chance: Random, dtype: Dtype): Element => {
  if (dtype === "bool") return chance.below(2) === 1;
  if (isFloat(dtype)) return chance.normal() * 2;
  const { signed } = dtypeInfo(dtype);
  return signed ? BigInt(chance.below(15)) - 7n : BigInt(chance.below(8));
};

const element = (chance: Random, dtype: Dtype, filling: Filling): Element => {
  if (filling === "unit" && isFloat(dtype)) return chance.float() * 2 - 1;
  if (filling === "edges" && chance.below(3) > 0) return chance.pick(edgesOf(dtype));
  return ordinary(chance, dtype);
};

/** A tensor of a filling. The first operand of a case holds every edge in order; `turn` shifts where they begin. */
export const filledTensor = (
  seed: string,
  dtype: Dtype,
  shape: ReadonlyArray<number>,
  filling: Filling,
  turn = 0,
): Tensor => {
  const chance = random(`conformance/${seed}`);
  const edges = edgesOf(dtype);
  const values = Array.from(
    { length: elementCount(shape) },
    (_, i): Element =>
      filling === "edges" && turn === 0 && i < edges.length ? edges[i] : element(chance, dtype, filling),
  );
  return tensor(dtype, shape, values);
};

/** The magnitudes of a float tensor in its own dtype, nothing for what is not finite: they bound a sum. */
export const magnitudesOf = (given: Tensor): Tensor =>
  isFloat(given.dtype)
    ? tensor("f64", given.shape, elements(given).map((value) => Number.isFinite(value) ? Math.abs(Number(value)) : 0))
    : given;
