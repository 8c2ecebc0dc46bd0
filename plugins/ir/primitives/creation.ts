/**
 * Primitives that make tensors from attributes, and seeded randomness.
 *
 * Invariant: randomness is a function of seed and position alone (Philox 4x32-10, Salmon et al. 2011): no state, any
 * element can be computed by itself, and every backend can give the same bits.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { badAttribute, wrongDtype } from "../failures.ts";
import { needShape, noFlops, type NoGradient, type Primitive, primitive, Size, Sizes } from "../primitive.ts";
import { aroundAxis, axisOf, countOf } from "../shape.ts";
import { multiplyDimensions } from "../dimension.ts";
import { type ConcreteType, Dtype, dtypeInfo, isFloat, printType, tensorType } from "../types.ts";
import {
  elementCount,
  fromFloats,
  fromIntegers,
  integerBuffer,
  isTensor,
  roundTo,
  scalar,
  type Tensor,
  toIntegers,
} from "../value.ts";

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;

/** Four 32-bit words. */
export type Words = readonly [number, number, number, number];

/** Upper half of the 64-bit product of two 32-bit words, by 16-bit halves. */
const upperProduct = (x: number, y: number): number => {
  const xh = x >>> 16;
  const xl = x & 0xffff;
  const yh = y >>> 16;
  const yl = y & 0xffff;
  const middle = xh * yl + ((xl * yl) >>> 16);
  return xh * yh + Math.floor(middle / 65536) + Math.floor(((middle % 65536) + xl * yh) / 65536);
};

/** Philox 4x32-10: four words from a counter and a key. */
export const philox = (counter: Words, key: readonly [number, number]): Words => {
  let [a, b, c, d] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < ROUNDS; round++) {
    const lower0 = Math.imul(MULTIPLIER_0, a) >>> 0;
    const lower1 = Math.imul(MULTIPLIER_1, c) >>> 0;
    const upper0 = upperProduct(MULTIPLIER_0, a);
    const upper1 = upperProduct(MULTIPLIER_1, c);
    a = (upper1 ^ b ^ k0) >>> 0;
    b = lower1;
    c = (upper0 ^ d ^ k1) >>> 0;
    d = lower0;
    k0 = (k0 + WEYL_0) >>> 0;
    k1 = (k1 + WEYL_1) >>> 0;
  }
  return [a, b, c, d];
};

const UNIT_53 = 2 ** -53;

/** A number in [0, 1) from two words, 53 bits. */
const unit = (high: number, low: number): number => ((high >>> 5) * 67108864 + (low >>> 6)) * UNIT_53;

/** A number in [0, 1) with as many bits as the dtype keeps, so that rounding never makes it 1. */
const uniform = (words: Words, dtype: Dtype): number => {
  const bits = dtypeInfo(dtype).mantissa! + 1;
  return bits > 32 ? unit(words[0], words[1]) : (words[0] >>> (32 - bits)) * 2 ** -bits;
};

/** Box–Muller; 1 − u is in (0, 1], so the logarithm is finite. */
const normal = (words: Words): number =>
  Math.sqrt(-2 * Math.log(1 - unit(words[0], words[1]))) * Math.cos(2 * Math.PI * unit(words[2], words[3]));

const draw = (type: ConcreteType, seed: bigint, stream: number, distribution: string): Tensor => {
  const key = [Number(BigInt.asUintN(32, seed)), Number(BigInt.asUintN(32, seed >> 32n))] as const;
  const count = elementCount(type.shape);
  const words = (i: number): Words => philox([i >>> 0, Math.floor(i / 4294967296), stream >>> 0, 0], key);
  if (distribution === "bits") {
    const raw = integerBuffer("u64", count);
    const kept = type.dtype === "bool" ? 1n : -1n;
    for (let i = 0; i < count; i++) {
      const [low, high] = words(i);
      raw[i] = ((BigInt(high) << 32n) | BigInt(low)) & kept;
    }
    return fromIntegers(type.dtype, type.shape, raw);
  }
  const sample = distribution === "normal" ? normal : (drawn: Words) => uniform(drawn, type.dtype);
  const floats = new Float64Array(count);
  for (let i = 0; i < count; i++) floats[i] = sample(words(i));
  return fromFloats(type.dtype, type.shape, floats);
};

const Distribution: Schema.Codec<"uniform" | "normal" | "bits"> = Schema.Literals(
  ["uniform", "normal", "bits"],
) as unknown as Schema.Codec<"uniform" | "normal" | "bits">;

const TensorAttribute: Schema.Codec<Tensor> = Schema.declare(isTensor, {
  description: "a tensor literal",
}) as unknown as Schema.Codec<Tensor>;

const noOperands: NoGradient = { none: "it depends on no float operand", zero: true };

const iotaTensor = (type: ConcreteType, axis: number): Tensor => {
  const [, size, inner] = aroundAxis(type.shape, axis);
  const count = elementCount(type.shape);
  if (isFloat(type.dtype)) {
    const floats = new Float64Array(count);
    for (let i = 0; i < count; i++) floats[i] = Math.floor(i / inner) % size;
    return fromFloats(type.dtype, type.shape, floats);
  }
  const integers = integerBuffer(type.dtype, count);
  for (let i = 0; i < count; i++) integers[i] = BigInt(Math.floor(i / inner) % size);
  return fromIntegers(type.dtype, type.shape, integers);
};

const sizeScalar = (size: number, dtype: Dtype): Tensor =>
  isFloat(dtype) ? scalar(dtype, roundTo(size, dtype)) : fromIntegers(dtype, [], [BigInt(size)]);

/** The rows. */
export const CREATION: ReadonlyArray<Primitive> = [
  primitive("constant", {
    doc: "A literal tensor.",
    operands: {},
    attributes: { value: TensorAttribute },
    result: ({ attributes: { value } }) => [tensorType(value.dtype, value.shape)],
    gradient: noOperands,
    cost: () => ({ flops: 0, bytes: 0 }),
    evaluate: ({ attributes: { value } }) => [value],
    loop: "generator",
  }),
  primitive("iota", {
    doc: "0, 1, 2 … along one axis; integers wrap, floats round.",
    operands: {},
    attributes: { dtype: Dtype, shape: Sizes, axis: Schema.Int as unknown as Schema.Codec<number> },
    sizes: ["shape"],
    result: (node) => {
      const { dtype, shape, axis } = node.attributes;
      if (axis !== axisOf(node.op, axis, shape.length)) throw badAttribute({ op: node.op, reason: "axis is negative" });
      if (dtype === "bool") {
        throw wrongDtype({ op: node.op, operand: "bool[]", reason: "it counts, and a bool does not" });
      }
      return [tensorType(dtype, shape)];
    },
    gradient: noOperands,
    cost: noFlops,
    evaluate: ({ results: [type], attributes: { axis } }) => [iotaTensor(type, axis)],
    loop: "generator",
  }),
  primitive("dimension", {
    doc: "The size of a dimension, as a scalar.",
    operands: {},
    attributes: { dtype: Dtype, of: Size },
    sizes: ["of"],
    result: ({ attributes: { dtype } }) => {
      if (dtype === "bool") throw badAttribute({ op: "dimension", reason: "a bool holds no size" });
      return [tensorType(dtype)];
    },
    gradient: noOperands,
    cost: () => ({ flops: 0, bytes: 0 }),
    evaluate: ({ attributes: { dtype, of } }) => [sizeScalar(of as number, dtype)],
    loop: "generator",
  }),
  primitive("random", {
    doc:
      "Elements drawn by Philox 4x32-10 with the seed as key and element number and `stream` as counter. `uniform`: " +
      "[0, 1) with the bits the dtype keeps; `normal`: mean 0, variance 1; `bits`: all bits, for integers and bool.",
    operands: { seed: "integer" },
    attributes: {
      dtype: Dtype,
      shape: Sizes,
      distribution: Distribution,
      stream: Schema.Int.check(
        Schema.isGreaterThanOrEqualTo(0),
        Schema.isLessThanOrEqualTo(4294967295),
      ) as unknown as Schema.Codec<number>,
    },
    sizes: ["shape"],
    result: (node) => {
      const [seed] = node.types;
      const { dtype, shape, distribution } = node.attributes;
      needShape(
        node,
        seed.shape.length === 0 && seed.dtype === "i64",
        () => `the seed is i64[], not ${printType(seed)}`,
      );
      if (isFloat(dtype) === (distribution === "bits")) {
        throw badAttribute({ op: node.op, reason: `${distribution} does not make ${dtype}` });
      }
      return [tensorType(dtype, shape)];
    },
    gradient: noOperands,
    cost: ({ results: [type] }) => ({ flops: 0, steps: multiplyDimensions(10, countOf(type)) }),
    evaluate: ({ inputs: [seed], results: [type], attributes }) => [
      draw(type, toIntegers(seed)[0], attributes.stream, attributes.distribution),
    ],
    loop: "generator",
  }),
];
