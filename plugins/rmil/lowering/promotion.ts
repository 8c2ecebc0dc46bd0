/**
 * Promotion: the one dtype that operands of different dtypes meet in.
 *
 * Rules: floats win over integers; of floats the wider one, f16 with bf16 meet in f32; of integers the smallest that
 * holds both, and i64 for u64 with a signed one, where a value that does not fit is refused. A scalar does not widen a
 * tensor of its kind.
 *
 * @module
 */
import { type Dtype, DTYPES } from "../dtype.ts";

/** What promotion sees of an operand. */
export interface Promoted {
  /** Its dtype. */
  readonly dtype: Dtype;
  /** Whether it is a scalar, which gives way to tensors of its kind. */
  readonly weak: boolean;
}

const INTEGERS: { readonly [D in Dtype]?: { readonly bits: number; readonly signed: boolean } } = {
  i8: { bits: 8, signed: true },
  i16: { bits: 16, signed: true },
  i32: { bits: 32, signed: true },
  i64: { bits: 64, signed: true },
  u8: { bits: 8, signed: false },
  u16: { bits: 16, signed: false },
  u32: { bits: 32, signed: false },
  u64: { bits: 64, signed: false },
};

const SIGNED_OF: { readonly [bits: number]: Dtype } = { 8: "i8", 16: "i16", 32: "i32", 64: "i64" };

/** Whether a dtype is an integer's. */
export const isIntegerDtype = (dtype: Dtype): boolean => INTEGERS[dtype] !== undefined;

/** Whether a dtype is a float's. */
export const isFloatDtype = (dtype: Dtype): boolean => DTYPES[dtype].float;

/** Smallest and largest integer of an integer dtype. */
export const rangeOf = (dtype: Dtype): readonly [bigint, bigint] => {
  const { bits, signed } = INTEGERS[dtype]!;
  return signed ? [-(1n << BigInt(bits - 1)), (1n << BigInt(bits - 1)) - 1n] : [0n, (1n << BigInt(bits)) - 1n];
};

const meetIntegers = (a: Dtype, b: Dtype): Dtype => {
  const [left, right] = [INTEGERS[a]!, INTEGERS[b]!];
  if (left.signed === right.signed) return left.bits >= right.bits ? a : b;
  const [signed, unsigned] = left.signed ? [left, right] : [right, left];
  return SIGNED_OF[Math.min(64, Math.max(signed.bits, unsigned.bits * 2))];
};

const meetFloats = (a: Dtype, b: Dtype): Dtype =>
  a === b ? a : DTYPES[a].bytes === DTYPES[b].bytes ? "f32" : DTYPES[a].bytes > DTYPES[b].bytes ? a : b;

/** The dtype in which two meet; `undefined` for a boolean with a number. */
export const meet = (a: Dtype, b: Dtype): Dtype | undefined => {
  if (a === b) return a;
  if (a === "b1" || b === "b1") return undefined;
  if (isIntegerDtype(a) && isIntegerDtype(b)) return meetIntegers(a, b);
  if (isIntegerDtype(a)) return b;
  return isIntegerDtype(b) ? a : meetFloats(a, b);
};

const meetAll = (dtypes: ReadonlyArray<Dtype>): Dtype | undefined =>
  dtypes.reduce<Dtype | undefined>((sum, dtype) => sum === undefined ? undefined : meet(sum, dtype), dtypes[0]);

/** The dtype in which operands meet; `undefined` where there is none. */
export const promote = (operands: ReadonlyArray<Promoted>): Dtype | undefined => {
  const strong = operands.filter(({ weak }) => !weak).map(({ dtype }) => dtype);
  const weak = operands.filter((operand) => operand.weak).map(({ dtype }) => dtype);
  if (strong.length === 0) return meetAll(weak);
  const met = meetAll(strong);
  if (met === undefined || weak.length === 0) return met;
  const scalar = meetAll(weak);
  if (scalar === undefined) return undefined;
  const isSameKind = isFloatDtype(met) || (isIntegerDtype(met) && isIntegerDtype(scalar));
  return isSameKind && scalar !== "b1" ? met : meet(met, scalar);
};
