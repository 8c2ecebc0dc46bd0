/**
 * Math ops: arithmetic and elementary functions of numbers and of tensors, element by element, with broadcasting.
 *
 * Integers are exact and refuse to overflow; a pair of kinds is promoted to the wider one.
 *
 * @module
 */
import { type Family, family, operand, type OpSpec } from "./row.ts";

/** Names of the math ops. */
export type MathName =
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "neg"
  | "abs"
  | "exp"
  | "log"
  | "sqrt"
  | "pow"
  | "max"
  | "min"
  | "clamp"
  | "sin"
  | "cos";

const over = (operands: ReadonlyArray<string>) => (code: number, doc: string): OpSpec => ({
  code,
  doc,
  operands: operands.map((name) => operand(name, "number")),
  result: "number",
  differentiable: true,
});

const unary = over(["x"]);
const binary = over(["x", "y"]);

/** Rows of the math ops. */
export const mathOps: Family<MathName> = family("Math", {
  add: binary(0x0600, "Sum of both."),
  sub: binary(0x0601, "The first less the second."),
  mul: binary(0x0602, "Product of both, element by element."),
  div: binary(0x0603, "Quotient; of integers truncated toward zero, and refused where the divisor is 0."),
  neg: unary(0x0604, "Minus x."),
  abs: unary(0x0605, "Magnitude."),
  exp: unary(0x0606, "e to the x."),
  log: unary(0x0607, "Natural logarithm."),
  sqrt: unary(0x0608, "Square root."),
  pow: binary(0x0609, "x to the y; of integers exact, and refused where the exponent is negative."),
  max: binary(0x060a, "The larger; a number wins over NaN."),
  min: binary(0x060b, "The smaller; a number wins over NaN."),
  clamp: over(["x", "low", "high"])(0x060c, "x within low and high, which must be in that order."),
  sin: unary(0x060d, "Sine of an angle in radians."),
  cos: unary(0x060e, "Cosine of an angle in radians."),
});
