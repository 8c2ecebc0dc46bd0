/**
 * Types: element types and tensor types, with their one text spelling.
 *
 * Not values (value.ts) and not shape arithmetic (shape.ts).
 * Invariant: every dtype is a row of `DTYPES`; nothing elsewhere lists them again.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { type Bindings, type Dimension, dimension, substitute } from "./dimension.ts";
import { badType, overLimit } from "./failures.ts";

/** The families of element types. */
export type DtypeKind = "float" | "int" | "bool";

/** What is known of an element type. */
export interface DtypeInfo {
  /** Its family. */
  readonly kind: DtypeKind;
  /** Bits an element takes in packed bytes. */
  readonly bits: number;
  /** Whether negative numbers exist. */
  readonly signed: boolean;
  /** For floats: bits of the significand after the leading one. */
  readonly mantissa?: number;
  /** For floats: exponent of the smallest normal number. */
  readonly minExponent?: number;
  /** One line. */
  readonly doc: string;
}

/** Every element type. */
export const DTYPES = {
  f64: { kind: "float", bits: 64, signed: true, mantissa: 52, minExponent: -1022, doc: "IEEE binary64" },
  f32: { kind: "float", bits: 32, signed: true, mantissa: 23, minExponent: -126, doc: "IEEE binary32" },
  f16: { kind: "float", bits: 16, signed: true, mantissa: 10, minExponent: -14, doc: "IEEE binary16" },
  bf16: { kind: "float", bits: 16, signed: true, mantissa: 7, minExponent: -126, doc: "bfloat16, with subnormals" },
  i64: { kind: "int", bits: 64, signed: true, doc: "two's complement, wraps" },
  i32: { kind: "int", bits: 32, signed: true, doc: "two's complement, wraps" },
  i16: { kind: "int", bits: 16, signed: true, doc: "two's complement, wraps" },
  i8: { kind: "int", bits: 8, signed: true, doc: "two's complement, wraps" },
  i4: { kind: "int", bits: 4, signed: true, doc: "two's complement, wraps; two to a byte, low half first" },
  u64: { kind: "int", bits: 64, signed: false, doc: "unsigned, wraps" },
  u32: { kind: "int", bits: 32, signed: false, doc: "unsigned, wraps" },
  u16: { kind: "int", bits: 16, signed: false, doc: "unsigned, wraps" },
  u8: { kind: "int", bits: 8, signed: false, doc: "unsigned, wraps" },
  bool: { kind: "bool", bits: 8, signed: false, doc: "0 or 1, one byte" },
} as const satisfies { readonly [name: string]: DtypeInfo };

/** An element type. */
export type Dtype = keyof typeof DTYPES;

/** Names of the element types. */
export const DTYPE_NAMES: ReadonlyArray<Dtype> = Object.keys(DTYPES) as ReadonlyArray<Dtype>;

/** What is known of one element type. */
export const dtypeInfo = (dtype: Dtype): DtypeInfo => DTYPES[dtype];

/** Whether a text names an element type. */
export const isDtype = (text: unknown): text is Dtype => typeof text === "string" && Object.hasOwn(DTYPES, text);

/** Whether an element type is floating point. */
export const isFloat = (dtype: Dtype): boolean => DTYPES[dtype].kind === "float";

/** Whether an element type is an integer. */
export const isInteger = (dtype: Dtype): boolean => DTYPES[dtype].kind === "int";

/** Schema of {@link Dtype}. */
export const Dtype: Schema.Codec<Dtype> = Schema.Literals(DTYPE_NAMES) as unknown as Schema.Codec<Dtype>;

/** A shape: its dimensions, outermost first; none for a scalar. */
export type Shape = ReadonlyArray<Dimension>;

/** A tensor type. */
export interface TensorType {
  /** Element type. */
  readonly dtype: Dtype;
  /** Sizes. */
  readonly shape: Shape;
}

/** A tensor type whose sizes are all known. */
export interface ConcreteType extends TensorType {
  /** Sizes, all numbers. */
  readonly shape: ReadonlyArray<number>;
}

/** Most axes of a tensor. */
export const MAX_RANK = 16;

/** Most elements of one tensor. */
export const MAX_ELEMENTS: number = 2 ** 40;

/** Longest text of one type. */
export const MAX_TYPE_TEXT = 8192;

/** Makes a tensor type; dimensions are put in canonical spelling. */
export const tensorType = (dtype: Dtype, shape: Shape = []): TensorType => {
  if (shape.length > MAX_RANK) throw overLimit({ what: "a shape", limit: MAX_RANK, found: `${shape.length} axes` });
  const sizes = shape.map((size) => typeof size === "number" && size >= 0 ? dimension(size) : dimension(String(size)));
  let elements = 1;
  for (const size of sizes) if (typeof size === "number" && size > 0) elements *= size;
  if (elements > MAX_ELEMENTS) throw overLimit({ what: "a tensor", limit: MAX_ELEMENTS, found: elements });
  return { dtype, shape: sizes };
};

/** Text of a type: `f32[B,64]`, `i32[]`. */
export const printType = (type: TensorType): string => `${type.dtype}[${type.shape.join(",")}]`;

/** Text of several types: `(f32[2], i32[])`. */
export const printTypes = (types: ReadonlyArray<TensorType>): string => `(${types.map(printType).join(", ")})`;

const splitDimensions = (text: string): ReadonlyArray<string> => {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "(") depth++;
    else if (text[i] === ")") depth--;
    else if (text[i] === "," && depth === 0) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  return text.trim() === "" ? [] : [...parts, text.slice(start)];
};

const TYPE = /^\s*([a-z0-9]+)\s*\[([^\]]*)\]\s*$/u;

/**
 * Reads a type.
 *
 * @example
 * ```ts
 * import { parseType, printType } from "@rmi/rmi/ir";
 * import assert from "node:assert/strict";
 * assert.equal(printType(parseType("f32[ S*B, 4 ]")), "f32[B*S,4]");
 * ```
 */
export const parseType = (text: string): TensorType => {
  if (text.length > MAX_TYPE_TEXT) {
    throw overLimit({ what: "a type's text", limit: MAX_TYPE_TEXT, found: text.length });
  }
  const match = TYPE.exec(text);
  if (match === null) throw badType({ text: text.slice(0, 80), reason: "it is not a dtype and [dimensions]" });
  if (!isDtype(match[1])) {
    throw badType({ text, reason: `there is no dtype ${match[1]}`, expected: [...DTYPE_NAMES], actual: match[1] });
  }
  return tensorType(match[1], splitDimensions(match[2]).map((part) => dimension(part.trim())));
};

/** Whether two types are the same. */
export const sameType = (a: TensorType, b: TensorType): boolean =>
  a.dtype === b.dtype && a.shape.length === b.shape.length && a.shape.every((size, axis) => size === b.shape[axis]);

/** A type with names of dimensions replaced. */
export const substituteType = (type: TensorType, bindings: Bindings): TensorType =>
  tensorType(type.dtype, type.shape.map((size) => substitute(size, bindings)));

/** Whether all sizes of a type are known. */
export const isConcrete = (type: TensorType): type is ConcreteType =>
  type.shape.every((size) => typeof size === "number");
