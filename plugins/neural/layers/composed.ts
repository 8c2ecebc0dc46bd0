/**
 * Composed: text of the language for layers that are several of its ops.
 *
 * Invariant: literals have the dtype of what they meet, and a function names each of its inputs once.
 *
 * @module
 */
import type { Dtype, TensorType } from "../../ir/contract.ts";
import { printType } from "../../ir/library.ts";

/** A number as a literal beside floats of a dtype; a literal of f32 would blur those of f64. */
export const literalOf = (value: number, dtype: Dtype): string => {
  const digits = String(value).replace(/^(-?\d+)(?=e|$)/u, "$1.0");
  return dtype === "f64" ? `${digits}f64` : digits;
};

/** A function of inputs by name. */
export const functionText = (names: ReadonlyArray<string>, types: ReadonlyArray<TensorType>, body: string): string =>
  `(\\(${names.map((name, i) => `${name}: ${printType(types[i])}`).join(", ")}) -> ${body})`;

/** A function of two, over any number of inputs from the left. */
export const foldText = (op: string, types: ReadonlyArray<TensorType>): string => {
  if (types.length === 1) return "identity";
  if (types.length === 2) return op;
  const names = types.map((_, i) => `x${i}`);
  return functionText(names, types, names.reduce((left, right) => `${op}(${left}, ${right})`));
};
