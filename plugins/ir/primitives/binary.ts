/**
 * Primitives of several operands, element by element.
 *
 * Invariant: operands agree in dtype and shape (builders insert `cast` and `broadcast`); integer arithmetic wraps and is
 * defined everywhere: x / 0 is 0, x rem 0 is x, shifting out all bits gives 0 (or −1 for a negative shifted right).
 *
 * @module
 */
import * as Schema from "effect/Schema";
import {
  type GradientRule,
  needShape,
  noFlops,
  type NoGradient,
  onePerElement,
  type Primitive,
  primitive,
  sameDtype,
  sameShapes,
} from "../primitive.ts";
import { type Dtype, dtypeInfo, isFloat, printType, tensorType } from "../types.ts";
import { fromFloats, fromIntegers, type Tensor, toFloats, toIntegers, wrapInteger, zeros } from "../value.ts";

type Rules = {
  readonly float?: (x: number, y: number) => number;
  readonly integer?: (x: bigint, y: bigint, dtype: Dtype) => bigint;
};

const apply = (rules: Rules, x: Tensor, y: Tensor): Tensor => {
  if (isFloat(x.dtype)) {
    const [a, b, rule, out] = [toFloats(x), toFloats(y), rules.float!, new Float64Array(x.data.length)];
    for (let i = 0; i < out.length; i++) out[i] = rule(a[i], b[i]);
    return fromFloats(x.dtype, x.shape, out);
  }
  const right = toIntegers(y);
  return fromIntegers(x.dtype, x.shape, toIntegers(x).map((value, i) => rules.integer!(value, right[i], x.dtype)));
};

const binary = (
  name: string,
  takes: "float" | "number" | "bits" | "integer" | "any",
  doc: string,
  rules: Rules,
  gradient: GradientRule<unknown> | NoGradient,
  cost: Primitive["cost"] = onePerElement,
): Primitive =>
  primitive(name, {
    doc,
    operands: { x: takes, y: takes },
    result: (node) => {
      sameDtype(node);
      sameShapes(node);
      return [node.types[0]];
    },
    gradient: gradient as GradientRule<Record<never, never>>,
    cost,
    evaluate: ({ inputs: [x, y] }) => [apply(rules, x, y)],
    loop: "elementwise",
  });

const discrete: NoGradient = { none: "its operands are not floats", zero: true };

/** IEEE 754 pow: pow(1, y) and pow(x, 0) are 1 whatever the other is, and pow(−1, ±∞) is 1. */
export const power = (x: number, y: number): number => x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : x ** y;

/** Integer power, wrapped; a negative exponent gives the truncated quotient 1 / x^|y|, which is 0 for x = 0. */
const integerPower = (x: bigint, y: bigint, dtype: Dtype): bigint => {
  if (y < 0n) return x === 1n ? 1n : x === -1n ? (y % 2n === 0n ? 1n : -1n) : 0n;
  let result = 1n;
  for (let base = x, exponent = y; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = wrapInteger(result * base, dtype);
    base = wrapInteger(base * base, dtype);
  }
  return result;
};

const shift = (left: boolean) => (x: bigint, y: bigint, dtype: Dtype): bigint => {
  const out = y < 0n || y >= BigInt(dtypeInfo(dtype).bits);
  if (out) return left || x >= 0n ? 0n : -1n;
  return left ? x << y : x >> y;
};

const isTrue = (x: bigint): boolean => x !== 0n;

const logical = (bits: (x: bigint, y: bigint) => bigint) => (x: bigint, y: bigint, dtype: Dtype): bigint =>
  dtype === "bool" ? bits(isTrue(x) ? 1n : 0n, isTrue(y) ? 1n : 0n) : bits(x, y);

/** The operand that wins gets the cotangent; a tie goes to the second, so that max(x, 0) has derivative 0 at 0. */
const winner = (direction: "gt" | "lt"): GradientRule<unknown> => ({ g, cotangent, operands: [x, y] }) => {
  const first = g.compare(direction, x, y);
  const none = g.zerosLike(cotangent);
  return [g.select(first, cotangent, none), g.select(first, none, cotangent)];
};

const COMPARISONS = {
  eq: (x: number, y: number) => x === y,
  ne: (x: number, y: number) => x !== y,
  lt: (x: number, y: number) => x < y,
  le: (x: number, y: number) => x <= y,
  gt: (x: number, y: number) => x > y,
  ge: (x: number, y: number) => x >= y,
};

/** A comparison. */
export type Direction = keyof typeof COMPARISONS;

/** Names of the comparisons. */
export const DIRECTIONS: ReadonlyArray<Direction> = Object.keys(COMPARISONS) as ReadonlyArray<Direction>;

/** Elements in a form that compares rightly. */
export const comparable = (x: Tensor): ArrayLike<number> => isFloat(x.dtype) ? toFloats(x) : x.data as Int32Array;

const compareTensors = (direction: Direction, x: Tensor, y: Tensor): Tensor => {
  const made = zeros("bool", x.shape);
  const holds = COMPARISONS[direction];
  const [left, right] = [comparable(x), comparable(y)];
  for (let i = 0; i < made.data.length; i++) made.data[i] = holds(left[i], right[i]) ? 1 : 0;
  return made;
};

const selectTensors = (predicate: Tensor, x: Tensor, y: Tensor): Tensor => {
  const made = zeros(x.dtype, x.shape);
  for (let i = 0; i < made.data.length; i++) made.data[i] = (predicate.data[i] ? x : y).data[i] as never;
  return made;
};

/** The rows. */
export const BINARY: ReadonlyArray<Primitive> = [
  binary(
    "add",
    "number",
    "Sum.",
    { float: (x, y) => x + y, integer: (x, y) => x + y },
    ({ cotangent }) => [cotangent, cotangent],
  ),
  binary(
    "sub",
    "number",
    "Difference.",
    { float: (x, y) => x - y, integer: (x, y) => x - y },
    ({ g, cotangent }) => [cotangent, g.neg(cotangent)],
  ),
  binary(
    "mul",
    "number",
    "Product.",
    { float: (x, y) => x * y, integer: (x, y) => x * y },
    ({ g, cotangent, operands: [x, y] }) => [g.mul(cotangent, y), g.mul(cotangent, x)],
  ),
  binary(
    "div",
    "number",
    "Quotient. Integers: towards zero, x / 0 is 0, the smallest by −1 wraps.",
    { float: (x, y) => x / y, integer: (x, y) => y === 0n ? 0n : x / y },
    ({ g, cotangent, operands: [, y], results: [z] }) => {
      const first = g.div(cotangent, y);
      return [first, g.neg(g.mul(first, z))];
    },
  ),
  binary(
    "rem",
    "number",
    "Remainder with the sign of the dividend. Integers: x rem 0 is x; floats: x rem 0 is NaN.",
    { float: (x, y) => x % y, integer: (x, y) => y === 0n ? x : x % y },
    ({ g, cotangent, operands: [x, y], results: [z] }) => [
      cotangent,
      g.neg(g.mul(cotangent, g.round(g.div(g.sub(x, z), y)))),
    ],
  ),
  binary(
    "pow",
    "number",
    "Power by IEEE 754 (x⁰ and 1ʸ are 1, also for NaN). Integers wrap; to a negative power they truncate.",
    { float: power, integer: integerPower },
    ({ g, cotangent, operands: [x, y], results: [z] }) => {
      const positive = g.compare("gt", x, 0);
      const logarithm = g.select(positive, g.log(g.select(positive, x, 1)), g.zerosLike(x));
      const slope = g.select(g.compare("eq", y, 0), g.zerosLike(x), g.mul(y, g.pow(x, g.sub(y, 1))));
      return [g.mul(cotangent, slope), g.mul(cotangent, g.mul(z, logarithm))];
    },
  ),
  binary(
    "max",
    "number",
    "The larger; NaN if either is, and +0 is above −0. Of equals, the second gets the gradient.",
    { float: Math.max, integer: (x, y) => x > y ? x : y },
    winner("gt"),
    noFlops,
  ),
  binary(
    "min",
    "number",
    "The smaller; NaN if either is, and −0 is below +0. Of equals, the second gets the gradient.",
    { float: Math.min, integer: (x, y) => x < y ? x : y },
    winner("lt"),
    noFlops,
  ),
  binary("and", "bits", "Conjunction, bit by bit.", { integer: logical((x, y) => x & y) }, discrete, noFlops),
  binary("or", "bits", "Disjunction, bit by bit.", { integer: logical((x, y) => x | y) }, discrete, noFlops),
  binary("xor", "bits", "Exclusive or, bit by bit.", { integer: logical((x, y) => x ^ y) }, discrete, noFlops),
  binary(
    "shift_left",
    "integer",
    "x · 2^y, wrapped; 0 where y is negative or not below the width.",
    { integer: shift(true) },
    discrete,
    noFlops,
  ),
  binary(
    "shift_right",
    "integer",
    "Floor of x / 2^y; 0 (−1 for a negative x) where y is negative or not below the width.",
    { integer: shift(false) },
    discrete,
    noFlops,
  ),
  primitive("compare", {
    doc:
      "Whether x stands to y as `direction` says. With NaN all are false but `ne`; −0 equals +0; false is below true.",
    operands: { x: "any", y: "any" },
    attributes: { direction: Schema.Literals(DIRECTIONS) as unknown as Schema.Codec<Direction> },
    result: (node) => {
      sameDtype(node);
      sameShapes(node);
      return [tensorType("bool", node.types[0].shape)];
    },
    gradient: { none: "its result is a bool", zero: true },
    cost: noFlops,
    evaluate: ({ inputs: [x, y], attributes }) => [compareTensors(attributes.direction, x, y)],
    loop: "elementwise",
  }),
  primitive("select", {
    doc:
      "x where the predicate is true, y where it is false. What is not chosen has no influence, also when it is NaN.",
    operands: { predicate: "bool", x: "any", y: "any" },
    result: (node) => {
      const [predicate, x, y] = node.types;
      sameDtype(node, [x, y]);
      sameShapes(node, [x, y]);
      needShape(
        node,
        node.solver.equalShapes(predicate.shape, x.shape),
        () => `predicate ${printType(predicate)} and ${printType(x)} differ in shape`,
      );
      return [x];
    },
    gradient: ({ g, cotangent, operands: [predicate] }) => {
      const none = g.zerosLike(cotangent);
      return [undefined, g.select(predicate, cotangent, none), g.select(predicate, none, cotangent)];
    },
    cost: noFlops,
    evaluate: ({ inputs: [predicate, x, y] }) => [selectTensors(predicate, x, y)],
    loop: "elementwise",
  }),
];
