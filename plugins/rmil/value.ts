/**
 * Values that a program can hold as literals and answer with: exact integers, floats by their bits, tensors by bytes.
 *
 * Not run-time closures and streams (interpreter). Floats are kept as bits so that NaN payloads and the sign of zero
 * survive whatever only moves values; 64-bit words are two signed 32-bit halves, which costs no allocation.
 * Invariant: equal values are equal bit for bit. Source: RMIL §4.1.
 *
 * @module
 */
import type { Dtype } from "./dtype.ts";
import type { Dimension } from "./types.ts";

/** A value. `k` is the variant's name, as in the JSON form of programs. */
export type Value =
  | { readonly k: "Nil" }
  | { readonly k: "Bool"; readonly v: boolean }
  | { readonly k: "I64"; readonly lo: number; readonly hi: number }
  | { readonly k: "F32"; readonly bits: number }
  | { readonly k: "F64"; readonly lo: number; readonly hi: number }
  | TensorValue
  | { readonly k: "Sym"; readonly sym: number }
  | { readonly k: "Tuple"; readonly items: ReadonlyArray<Value> };

/** A tensor: packed little-endian elements, row-major. `shape` is concrete except in decoded foreign data. */
export interface TensorValue {
  /** Variant name. */
  readonly k: "Tensor";
  /** Element type. */
  readonly dtype: Dtype;
  /** Sizes. */
  readonly shape: ReadonlyArray<Dimension>;
  /** Elements. Never written to after construction. */
  readonly bytes: Uint8Array;
}

/** Variants in tag order. */
export const VALUE_TAGS = ["Nil", "Bool", "I64", "F32", "F64", "Tensor", "Sym", "Tuple"] as const;

/** The absent value. */
export const NIL: Value = { k: "Nil" };

/** True and false. */
export const TRUE: Value = { k: "Bool", v: true };
/** True and false. */
export const FALSE: Value = { k: "Bool", v: false };

const words = new DataView(new ArrayBuffer(8));

/** A 64-bit integer from its two halves; both are signed 32-bit. */
export const i64Of = (lo: number, hi: number): Value => ({ k: "I64", lo: lo | 0, hi: hi | 0 });

/** A 64-bit integer; wraps beyond 64 bits, so check before if that matters. */
export const i64 = (value: bigint | number): Value => {
  if (typeof value === "number" && (value | 0) === value) return { k: "I64", lo: value, hi: value >> 31 };
  words.setBigInt64(0, BigInt(value));
  return { k: "I64", lo: words.getInt32(4), hi: words.getInt32(0) };
};

/** The integer of an I64 value. */
export const toBigInt = (value: { readonly lo: number; readonly hi: number }): bigint =>
  (BigInt(value.hi) << 32n) | BigInt(value.lo >>> 0);

/** A 32-bit float; the number is rounded to one. */
export const f32 = (value: number): Value => {
  words.setFloat32(0, value);
  return { k: "F32", bits: words.getUint32(0) };
};

/** A 32-bit float from its bits. */
export const f32Of = (bits: number): Value => ({ k: "F32", bits: bits >>> 0 });

/** The number of an F32 value. */
export const toFloat32 = (value: { readonly bits: number }): number => {
  words.setUint32(0, value.bits);
  return words.getFloat32(0);
};

/** A 64-bit float. */
export const f64 = (value: number): Value => {
  words.setFloat64(0, value);
  return { k: "F64", lo: words.getInt32(4), hi: words.getInt32(0) };
};

/** A 64-bit float from the two halves of its bits. */
export const f64Of = (lo: number, hi: number): Value => ({ k: "F64", lo: lo | 0, hi: hi | 0 });

/** The number of an F64 value. */
export const toFloat64 = (value: { readonly lo: number; readonly hi: number }): number => {
  words.setInt32(0, value.hi);
  words.setInt32(4, value.lo);
  return words.getFloat64(0);
};

/** A boolean. */
export const bool = (value: boolean): Value => value ? TRUE : FALSE;

/** A symbol as a value. */
export const symbolValue = (sym: number): Value => ({ k: "Sym", sym });

/** A tuple. */
export const tupleValue = (items: ReadonlyArray<Value>): Value => ({ k: "Tuple", items });

/** A tensor over packed bytes. */
export const tensorValue = (dtype: Dtype, shape: ReadonlyArray<Dimension>, bytes: Uint8Array): TensorValue => ({
  k: "Tensor",
  dtype,
  shape,
  bytes,
});

const equalBytes = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
};

/** Equality bit for bit: NaN equals the same NaN, +0 and −0 differ, F32 and F64 never equal. */
export const equalValues = (a: Value, b: Value): boolean => {
  if (a === b) return true;
  if (a.k !== b.k) return false;
  switch (a.k) {
    case "Nil":
      return true;
    case "Bool":
      return a.v === (b as typeof a).v;
    case "I64":
    case "F64":
      return a.lo === (b as typeof a).lo && a.hi === (b as typeof a).hi;
    case "F32":
      return a.bits === (b as typeof a).bits;
    case "Sym":
      return a.sym === (b as typeof a).sym;
    case "Tensor": {
      const other = b as typeof a;
      return a.dtype === other.dtype && a.shape.length === other.shape.length &&
        a.shape.every((size, axis) => size === other.shape[axis]) && equalBytes(a.bytes, other.bytes);
    }
    case "Tuple": {
      const { items } = b as typeof a;
      return a.items.length === items.length && a.items.every((item, index) => equalValues(item, items[index]));
    }
  }
};
