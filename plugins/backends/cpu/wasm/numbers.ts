/**
 * Numbers: the kinds of number that tile kernels multiply and add, each with the instructions for a vector of them.
 *
 * Not dtypes: a dtype is read as one of these units when a panel is packed.
 * Invariant: a vector holds `lanes` units of `bytes` bytes.
 *
 * @module
 */
import type { Code, Local, MemoryInstruction, PlainInstruction, ValueType } from "./code.ts";

/** A kind of number in a tile kernel. */
export type UnitKind = "f32" | "f64" | "i32" | "i64" | "i16pair";

/** Instructions for one kind of number. */
export interface Unit {
  /** Its name. */
  readonly kind: UnitKind;
  /** Bytes of one. */
  readonly bytes: 4 | 8;
  /** How many a vector holds. */
  readonly lanes: 4 | 2;
  /** What one is on the stack. */
  readonly scalar: ValueType;
  /** Reads one into every lane. */
  readonly loadSplat: MemoryInstruction;
  /** Reads one. */
  readonly load: MemoryInstruction;
  /** Writes one. */
  readonly store: MemoryInstruction;
  /** Writes one lane of a vector. */
  readonly storeLane: "v128.store32_lane" | "v128.store64_lane";
  /** Puts the number on the stack into every lane. */
  readonly splat: PlainInstruction;
  /** Adds vectors. */
  readonly add: PlainInstruction;
  /** Multiplies vectors; for pairs, sums the two products of each lane. */
  readonly multiply: PlainInstruction;
  /** Multiplies, then adds, with one rounding. */
  readonly fused?: PlainInstruction;
}

const UNIT_4 = { bytes: 4, lanes: 4, loadSplat: "v128.load32_splat", storeLane: "v128.store32_lane" } as const;
const UNIT_8 = { bytes: 8, lanes: 2, loadSplat: "v128.load64_splat", storeLane: "v128.store64_lane" } as const;
const INTEGER_4 = { ...UNIT_4, scalar: "i32", load: "i32.load", store: "i32.store", splat: "i32x4.splat" } as const;

/**
 * Every kind. A unit of `i16pair` is two 16-bit integers that follow each other along the summed axis, in one 32-bit
 * word: operands of 8 and 16 bits are packed so, and sums are 32 bits wide and wrap.
 */
export const UNITS: { readonly [K in UnitKind]: Unit } = {
  f32: {
    ...UNIT_4,
    kind: "f32",
    scalar: "f32",
    load: "f32.load",
    store: "f32.store",
    splat: "f32x4.splat",
    add: "f32x4.add",
    multiply: "f32x4.mul",
    fused: "f32x4.relaxed_madd",
  },
  f64: {
    ...UNIT_8,
    kind: "f64",
    scalar: "f64",
    load: "f64.load",
    store: "f64.store",
    splat: "f64x2.splat",
    add: "f64x2.add",
    multiply: "f64x2.mul",
    fused: "f64x2.relaxed_madd",
  },
  i32: { ...INTEGER_4, kind: "i32", add: "i32x4.add", multiply: "i32x4.mul" },
  i64: {
    ...UNIT_8,
    kind: "i64",
    scalar: "i64",
    load: "i64.load",
    store: "i64.store",
    splat: "i64x2.splat",
    add: "i64x2.add",
    multiply: "i64x2.mul",
  },
  i16pair: { ...INTEGER_4, kind: "i16pair", add: "i32x4.add", multiply: "i32x4.dot_i16x8_s" },
};

/** sum := left × right + sum, where `left` and `right` are locals; one rounding where `fused` and the kind has it. */
export const multiplyAdd = (code: Code, unit: Unit, fused: boolean, at: {
  readonly left: Local;
  readonly right: Local;
  readonly sum: Local;
}): void => {
  if (fused && unit.fused !== undefined) {
    code.get(at.left).get(at.right).get(at.sum).op(unit.fused).set(at.sum);
  } else {
    code.get(at.left).get(at.right).op(unit.multiply).get(at.sum).op(unit.add).set(at.sum);
  }
};
