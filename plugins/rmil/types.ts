/**
 * Types of the language: structural, with dynamic and named dimensions.
 *
 * Not inference (check.ts). Types annotate lambda parameters and host functions, and are what `check` answers with.
 * Invariant: types are plain frozen data; two types are equal when their trees are. Source: RMIL §2.2, §2.3.
 *
 * @module
 */
import { type Dtype, DTYPES } from "./dtype.ts";

/** A size known only at run time. */
export const DYNAMIC = null;

/**
 * A size: known, dynamic, or named (the same name is the same size within a program). A known one is a number as far as
 * numbers are exact, and a bigint beyond ({@link sizeOf}): no value of this machine has such a size, but a type may.
 */
export type Dimension = number | bigint | null | string;

/** Sizes, outermost first. */
export type Shape = ReadonlyArray<Dimension>;

/** Largest size: two less than what 64 bits hold, since version 2 keeps two numbers for sizes that are not known. */
export const MAX_SIZE: bigint = 2n ** 64n - 3n;

/** A known size in its one form. */
export const sizeOf = (size: bigint): number | bigint => size <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(size) : size;

/** Whether a number or bigint is a size in its one form. */
export const isSize = (size: number | bigint): boolean =>
  typeof size === "number"
    ? Number.isSafeInteger(size) && size >= 0
    : size > BigInt(Number.MAX_SAFE_INTEGER) && size <= MAX_SIZE;

/** Deepest nesting of a type or of a value. */
export const MAX_NESTING = 512;

/** A type. `k` is the variant's name, as in the JSON form of programs. */
export type Type =
  | { readonly k: "Void" }
  | { readonly k: "Scalar"; readonly dtype: Dtype }
  | { readonly k: "Tensor"; readonly dtype: Dtype; readonly shape: Shape }
  | { readonly k: "Sym" }
  | { readonly k: "Fn"; readonly inputs: ReadonlyArray<Type>; readonly outputs: ReadonlyArray<Type> }
  | { readonly k: "Tuple"; readonly items: ReadonlyArray<Type> }
  | { readonly k: "Union"; readonly items: ReadonlyArray<Type> }
  | { readonly k: "Var"; readonly id: number }
  | { readonly k: "Opaque"; readonly id: number };

/** Variants in tag order. */
export const TYPE_TAGS = ["Void", "Scalar", "Tensor", "Sym", "Fn", "Tuple", "Union", "Var", "Opaque"] as const;

/** No value. */
export const VOID: Type = { k: "Void" };

/** A symbol. */
export const SYMBOL: Type = { k: "Sym" };

/** A scalar type. */
export const scalar = (dtype: Dtype): Type => ({ k: "Scalar", dtype });

/** A tensor type. */
export const tensor = (dtype: Dtype, shape: Shape): Type => ({ k: "Tensor", dtype, shape });

/** A tuple type. */
export const tuple = (items: ReadonlyArray<Type>): Type => ({ k: "Tuple", items });

/** A function type. */
export const fn = (inputs: ReadonlyArray<Type>, outputs: ReadonlyArray<Type>): Type => ({ k: "Fn", inputs, outputs });

const list = (types: ReadonlyArray<Type>, separator: string): string =>
  types.map((type) => type.k === "Union" ? `(${showType(type)})` : showType(type)).join(separator);

/** A type as the original displays it; unions inside others are bracketed. */
export const showType = (type: Type): string => {
  switch (type.k) {
    case "Void":
      return "∅";
    case "Scalar":
      return type.dtype;
    case "Tensor":
      return `${type.dtype}[${type.shape.map((size) => size ?? "?").join(",")}]`;
    case "Sym":
      return "sym";
    case "Fn":
      return `(${list(type.inputs, ",")}→${list(type.outputs, ",")})`;
    case "Tuple":
      return type.items.length === 0 ? "()" : `(${list(type.items, "×")})`;
    case "Union":
      return list(type.items, "|");
    case "Var":
      return `τ${type.id}`;
    case "Opaque":
      return `⊥${type.id}`;
  }
};

/** Whether gradients flow through values of the type: float scalars and tensors, and tuples of them. */
export const isDifferentiable = (type: Type): boolean =>
  type.k === "Scalar" || type.k === "Tensor"
    ? DTYPES[type.dtype].float
    : type.k === "Tuple" && type.items.every(isDifferentiable);

/** Number of elements; `undefined` where a size is not known or the type has none. */
export const elementCount = (type: Type): number | undefined => {
  if (type.k === "Scalar") return 1;
  if (type.k !== "Tensor") return undefined;
  let count = 1;
  for (const size of type.shape) {
    if (typeof size !== "number") return undefined;
    count *= size;
  }
  return count;
};

const SYMBOL_BYTES = 4;

/** Bytes of a value of the type; `undefined` where not known. */
export const byteSize = (type: Type): number | undefined => {
  if (type.k === "Void") return 0;
  if (type.k === "Sym") return SYMBOL_BYTES;
  const count = elementCount(type);
  return count === undefined || !("dtype" in type) ? undefined : count * DTYPES[type.dtype].bytes;
};

const same = <A>(a: ReadonlyArray<A>, b: ReadonlyArray<A>, equal: (a: A, b: A) => boolean): boolean =>
  a.length === b.length && a.every((item, index) => equal(item, b[index]));

/** Structural equality. */
export const equalTypes = (a: Type, b: Type): boolean => {
  if (a === b) return true;
  if (a.k !== b.k) return false;
  switch (a.k) {
    case "Scalar":
      return a.dtype === (b as typeof a).dtype;
    case "Tensor":
      return a.dtype === (b as typeof a).dtype && same(a.shape, (b as typeof a).shape, Object.is);
    case "Fn":
      return same(a.inputs, (b as typeof a).inputs, equalTypes) && same(a.outputs, (b as typeof a).outputs, equalTypes);
    case "Tuple":
    case "Union":
      return same(a.items, (b as typeof a).items, equalTypes);
    case "Var":
    case "Opaque":
      return a.id === (b as typeof a).id;
    default:
      return true;
  }
};
