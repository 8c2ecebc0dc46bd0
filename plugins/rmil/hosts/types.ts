/**
 * Host types: whether a value is what a host function declares, and the value in the declared form.
 *
 * Not inference: values are concrete here.
 * Invariant: a type variable and a named size stand for one thing within one call.
 *
 * @module
 */
import type { Dtype } from "../dtype.ts";
import { DTYPES } from "../dtype.ts";
import { scalarTensor } from "../interpreter/run_value.ts";
import { showType, type Type } from "../types.ts";
import { f32, f64, toBigInt, toFloat32, toFloat64, tupleValue, type Value } from "../value.ts";

/** What type variables and named sizes stand for within one call. */
export interface Bindings {
  /** Types by variable, as text. */
  readonly types: Map<number, string>;
  /** Sizes by name. */
  readonly sizes: Map<string, number>;
}

/** No bindings yet. */
export const noBindings = (): Bindings => ({ types: new Map(), sizes: new Map() });

/** The type of a value, as text. */
export const showValueType = (value: Value): string => {
  switch (value.k) {
    case "Nil":
      return "nil";
    case "Bool":
      return "b1";
    case "Tensor":
      return showType(value);
    case "Tuple":
      return `(${value.items.map(showValueType).join("×")})`;
    default:
      return value.k.toLowerCase();
  }
};

/** Ranges of the integer dtypes. */
export const RANGES: { readonly [D in Dtype]?: readonly [bigint, bigint] } = {
  i8: [-(2n ** 7n), 2n ** 7n - 1n],
  i16: [-(2n ** 15n), 2n ** 15n - 1n],
  i32: [-(2n ** 31n), 2n ** 31n - 1n],
  i64: [-(2n ** 63n), 2n ** 63n - 1n],
  u8: [0n, 2n ** 8n - 1n],
  u16: [0n, 2n ** 16n - 1n],
  u32: [0n, 2n ** 32n - 1n],
  // Values are signed 64-bit words: the upper half of u64 has none.
  u64: [0n, 2n ** 63n - 1n],
};

const asScalar = (dtype: Dtype, value: Value): Value | undefined => {
  if (value.k === "Bool") return dtype === "b1" ? value : undefined;
  if (value.k === "I64") {
    const range = RANGES[dtype];
    const number = toBigInt(value);
    return range !== undefined && number >= range[0] && number <= range[1] ? value : undefined;
  }
  if (value.k === "F32") return DTYPES[dtype].float && dtype !== "f64" ? value : undefined;
  if (value.k === "F64") return dtype === "f64" ? value : dtype === "f32" ? f32(toFloat64(value)) : undefined;
  return undefined;
};

const isTensorOf = (type: Type & { readonly k: "Tensor" }, value: Value, bindings: Bindings): boolean => {
  if (value.k !== "Tensor" || value.dtype !== type.dtype || value.shape.length !== type.shape.length) return false;
  return type.shape.every((wanted, axis) => {
    const size = value.shape[axis];
    if (wanted === null) return true;
    if (typeof wanted !== "string" || typeof size !== "number") return size === wanted;
    const bound = bindings.sizes.get(wanted);
    if (bound === undefined) bindings.sizes.set(wanted, size);
    return bound === undefined || bound === size;
  });
};

/**
 * The value in the form of a declared type, or `undefined` where it is none of it. `nil` stands for an absent argument
 * of any type; void and opaque types take everything.
 */
export const conformed = (type: Type, value: Value, bindings: Bindings): Value | undefined => {
  if (value.k === "Nil") return value;
  switch (type.k) {
    case "Void":
    case "Opaque":
      return value;
    case "Scalar":
      return asScalar(type.dtype, value);
    case "Tensor": {
      // A scalar is a tensor without axes.
      const whole = type.shape.length === 0 ? scalarTensor(value) ?? value : value;
      return isTensorOf(type, whole, bindings) ? whole : undefined;
    }
    case "Sym":
      return value.k === "Sym" ? value : undefined;
    case "Tuple": {
      if (value.k !== "Tuple" || value.items.length !== type.items.length) return undefined;
      const items = value.items.map((item, index) => conformed(type.items[index], item, bindings));
      return items.some((item) => item === undefined) ? undefined : tupleValue(items as ReadonlyArray<Value>);
    }
    case "Union":
      return firstConformed(type.items, value, bindings);
    case "Var": {
      const found = showValueType(value);
      const bound = bindings.types.get(type.id);
      if (bound === undefined) bindings.types.set(type.id, found);
      return bound === undefined || bound === found ? value : undefined;
    }
    case "Fn":
      // Functions are no values of the language's data.
      return undefined;
  }
};

const firstConformed = (types: ReadonlyArray<Type>, value: Value, bindings: Bindings): Value | undefined => {
  for (const type of types) {
    // A member that does not fit must leave nothing bound.
    const attempt = { types: new Map(bindings.types), sizes: new Map(bindings.sizes) };
    const found = conformed(type, value, attempt);
    if (found === undefined) continue;
    for (const [id, bound] of attempt.types) bindings.types.set(id, bound);
    for (const [name, size] of attempt.sizes) bindings.sizes.set(name, size);
    return found;
  }
  return undefined;
};

/** The number of a float or small integer value, for host functions over numbers. */
export const numberOf = (value: Value): number => {
  switch (value.k) {
    case "F32":
      return toFloat32(value);
    case "F64":
      return toFloat64(value);
    case "I64":
      return Number(toBigInt(value));
    default:
      return NaN;
  }
};

/** A number as a 64-bit float. */
export const floatValue: (value: number) => Value = f64;
