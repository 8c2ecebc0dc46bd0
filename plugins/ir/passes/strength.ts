/**
 * Strength: operations with a known operand, made cheaper.
 *
 * Invariant: exact for every operand; a division becomes a product only where the reciprocal is exact.
 *
 * @module
 */
import { dtypeInfo, isFloat, isInteger } from "../types.ts";
import { roundTo } from "../value.ts";
import type { Rule, Site } from "./rewriter.ts";
import { splatOf } from "./splat.ts";

const powerOfTwo = (value: bigint): number | undefined => {
  if (value <= 1n || (value & (value - 1n)) !== 0n) return undefined;
  return value.toString(2).length - 1;
};

const integerOf = (site: Site, operand: number): bigint | undefined => {
  const element = splatOf(site.e, site.operands[operand]);
  return element === undefined || typeof element === "boolean" || !isInteger(site.types[operand].dtype)
    ? undefined
    : BigInt(element);
};

const reciprocal = (site: Site): number | undefined => {
  const { e, operands, types: [type] } = site;
  const by = splatOf(e, operands[1]);
  if (!isFloat(type.dtype) || typeof by !== "number" || !Number.isFinite(by) || by === 0) return undefined;
  const mantissa = Math.abs(by) / 2 ** Math.floor(Math.log2(Math.abs(by)));
  const inverse = 1 / by;
  const { minExponent } = dtypeInfo(type.dtype);
  const isExact = mantissa === 1 && Number.isFinite(inverse) && roundTo(inverse, type.dtype) === inverse &&
    Math.abs(inverse) >= 2 ** minExponent!;
  return isExact ? e.make("mul", [operands[0], e.full(type, inverse)]) : undefined;
};

const shiftProduct = (site: Site): number | undefined => {
  const { e, operands, types: [type] } = site;
  for (const side of [0, 1]) {
    const shift = powerOfTwo(integerOf(site, side) ?? 0n);
    if (shift === undefined) continue;
    return e.make("shift_left", [operands[1 - side], e.full(type, BigInt(shift))]);
  }
  return undefined;
};

const isUnsigned = (site: Site): boolean => isInteger(site.types[0].dtype) && !dtypeInfo(site.types[0].dtype).signed;

const shiftQuotient = (site: Site): number | undefined => {
  const shift = powerOfTwo(integerOf(site, 1) ?? 0n);
  if (shift === undefined || !isUnsigned(site)) return undefined;
  return site.e.make("shift_right", [site.operands[0], site.e.full(site.types[0], BigInt(shift))]);
};

const maskRemainder = (site: Site): number | undefined => {
  const by = integerOf(site, 1);
  if (by === undefined || powerOfTwo(by) === undefined || !isUnsigned(site)) return undefined;
  return site.e.make("and", [site.operands[0], site.e.full(site.types[0], by - 1n)]);
};

/** The rules. */
export const STRENGTH: ReadonlyArray<Rule> = [
  { name: "division by a power of two", ops: ["div"], apply: reciprocal },
  { name: "integer product by a power of two", ops: ["mul"], apply: shiftProduct },
  { name: "unsigned quotient by a power of two", ops: ["div"], apply: shiftQuotient },
  { name: "unsigned remainder by a power of two", ops: ["rem"], apply: maskRemainder },
];
