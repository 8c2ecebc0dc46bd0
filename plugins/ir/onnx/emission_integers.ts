/**
 * Emission of integer arithmetic: division, powers, bits and shifts, which the primitives define for all operands.
 *
 * @module
 */
import { type Dtype, dtypeInfo, isFloat } from "../types.ts";
import { type Element, integerRange } from "../value.ts";
import type { EmissionRow, Emitted } from "./emission.ts";
import type { OnnxWriter, Wire } from "./writer.ts";

/** A row of one result. */
export const one = (build: (w: OnnxWriter, node: Emitted) => Wire): EmissionRow => (w, node) => [build(w, node)];

/** A number of a wire's type. */
export const like = (w: OnnxWriter, x: Wire, value: Element): Wire =>
  w.number(x.dtype, isFloat(x.dtype) ? value : BigInt(Math.trunc(Number(value))));

/** Whether carriers lose a type's order. */
export const unsigned64 = (dtype: Dtype): boolean => dtype === "u64";

/** An i64 whose order is that of the unsigned integer with the same bits. */
export const ordered = (w: OnnxWriter, x: Wire): Wire =>
  w.same("Add", [w.cast(x, "i64"), w.number("i64", integerRange("i64")[0])]);

/** A quotient that never divides by zero, nor the smallest integer by −1. */
const quotient = (w: OnnxWriter, x: Wire, y: Wire): Wire => {
  const zero = w.test("Equal", y, like(w, y, 0));
  const minus = w.test("Equal", y, like(w, y, -1));
  const safe = w.where(w.test("Or", zero, minus), like(w, y, 1), y);
  const plain = w.same("Div", [x, safe]);
  return w.where(zero, like(w, x, 0), w.where(minus, w.same("Neg", [x]), plain));
};

const refuseUnsigned64 = (w: OnnxWriter, { inputs: [x] }: Emitted): void => {
  if (unsigned64(x.dtype)) w.refuse("u64 has no such operator");
};

/** Writes `div`. */
export const div: EmissionRow = one((w, node) => {
  const { inputs: [x, y] } = node;
  if (isFloat(x.dtype)) return w.carrying(x.dtype, [x, y], (operands) => w.same("Div", operands));
  refuseUnsigned64(w, node);
  return w.carrying(x.dtype, [x, y], ([a, b]) => quotient(w, a, b));
});

/** Writes `rem`. */
export const rem: EmissionRow = one((w, node) => {
  const { inputs: [x, y] } = node;
  if (isFloat(x.dtype)) return w.carrying(x.dtype, [x, y], (operands) => w.same("Mod", operands, { fmod: 1 }));
  refuseUnsigned64(w, node);
  return w.carrying(x.dtype, [x, y], ([a, b]) => w.same("Sub", [a, w.same("Mul", [quotient(w, a, b), b])]));
});

const BITS_PER_EXPONENT = 64;

/** Integer power by squaring, which wraps as the primitive does; an exponent has at most 64 bits. */
const integerPower = (w: OnnxWriter, x: Wire, y: Wire): Wire => {
  const [zero, unit, two] = [0, 1, 2].map((value) => like(w, x, value));
  let [result, base, rest] = [w.same("Add", [w.same("Mul", [x, zero]), unit]), x, y];
  const rounds = Math.min(BITS_PER_EXPONENT, dtypeInfo(y.dtype).bits);
  for (let bit = 0; bit < rounds; bit++) {
    const half = quotient(w, rest, two);
    const odd = w.test("Equal", w.same("Sub", [rest, w.same("Mul", [half, two])]), unit);
    result = w.where(odd, w.same("Mul", [result, base]), result);
    base = w.same("Mul", [base, base]);
    rest = half;
  }
  // A negative exponent leaves 1 of 1, ±1 of −1, and 0 of all else.
  const even = w.test("Equal", w.same("Mod", [y, two]), zero);
  const sign = w.where(even, unit, like(w, x, -1));
  const minus = w.where(w.test("Equal", x, like(w, x, -1)), sign, zero);
  const inverse = w.where(w.test("Equal", x, unit), unit, minus);
  return w.where(w.test("Less", y, zero), inverse, result);
};

/** Writes `pow`. */
export const pow: EmissionRow = one((w, node) => {
  const { inputs: [x, y] } = node;
  if (isFloat(x.dtype)) return w.carrying(x.dtype, [x, y], (operands) => w.same("Pow", operands));
  refuseUnsigned64(w, node);
  return w.carrying(x.dtype, [x, y], ([a, b]) => integerPower(w, a, b));
});

const BITWISE_SINCE = 18;

/** A logical operator of bools, bit by bit of integers. */
export const bits = (logical: string, bitwise: string): EmissionRow =>
  one((w, { inputs }) => {
    if (inputs[0].dtype === "bool") return w.same(logical, inputs);
    if (w.opset < BITWISE_SINCE) w.refuse(`${bitwise} begins with version ${BITWISE_SINCE} of the operator set`);
    return w.carrying(inputs[0].dtype, inputs, (operands) => w.same(bitwise, operands));
  });

const UNSIGNED: { readonly [D in Dtype]?: Dtype } = {
  i64: "u64",
  i32: "u32",
  i16: "u16",
  i8: "u8",
};

/** A shift of u32 or u64, which runtimes have; narrower ones run in u32. */
const shiftUnsigned = (w: OnnxWriter, x: Wire, y: Wire, direction: string): Wire => {
  const wide = x.dtype === "u64" ? "u64" : "u32";
  return w.cast(w.same("BitShift", [w.cast(x, wide), w.cast(y, wide)], { direction }), x.dtype);
};

/** Writes `shift_left`. */
export const shiftLeft: EmissionRow = one((w, { inputs: [x, y] }) => {
  const { bits: width } = dtypeInfo(x.dtype);
  const to = UNSIGNED[x.dtype] ?? x.dtype;
  const [inside, count] = shiftCount(w, y, width);
  const made = w.cast(shiftUnsigned(w, w.cast(x, to), w.cast(count, to), "LEFT"), x.dtype);
  return w.where(inside, made, w.number(x.dtype, 0));
});

/** Whether a count is within the width, and a count that always is. */
const shiftCount = (w: OnnxWriter, y: Wire, width: number): readonly [Wire, Wire] => {
  // An unsigned count past the signed range is negative as i64, and outside either way.
  const wide = w.cast(y, "i64");
  const below = w.test("Less", wide, w.number("i64", width));
  const inside = w.test("And", below, w.test("GreaterOrEqual", wide, w.number("i64", 0)));
  return [inside, w.cast(w.where(inside, wide, w.number("i64", 0)), y.dtype)];
};

/** Writes `shift_right`. */
export const shiftRight: EmissionRow = one((w, { inputs: [x, y] }) => {
  const { bits: width, signed } = dtypeInfo(x.dtype);
  const [inside, count] = shiftCount(w, y, width);
  if (!signed) {
    return w.where(inside, shiftUnsigned(w, x, count, "RIGHT"), w.number(x.dtype, 0));
  }
  const to = UNSIGNED[x.dtype]!;
  const wide = w.carried(x);
  const negative = w.test("Less", wide, like(w, wide, 0));
  const flip = (value: Wire): Wire => w.same("Sub", [w.same("Neg", [value]), like(w, value, 1)]);
  // Of a negative number: shift the complement and complement again, so that ones come in.
  const plain = w.cast(w.where(negative, flip(wide), wide), x.dtype);
  const moved = w.carried(w.cast(shiftUnsigned(w, w.cast(plain, to), w.cast(count, to), "RIGHT"), x.dtype));
  const shifted = w.where(negative, flip(moved), moved);
  const out = w.where(negative, like(w, wide, -1), like(w, wide, 0));
  return w.cast(w.where(inside, shifted, out), x.dtype);
});
