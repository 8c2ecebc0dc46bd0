/**
 * Conforms: whether a value of a run has a type.
 *
 * @module
 */
import type { Shape, Type } from "../types.ts";
import { dtypeOfValue, type RunValue } from "./run_value.ts";

/** Whether a value has a type; names of sizes are bound, and the same name is the same size. */
export const conforms = (value: RunValue, type: Type, sizes: Map<string, number>): boolean => {
  switch (type.k) {
    case "Void":
      return value.k === "Nil";
    case "Scalar":
      return value.k !== "Tensor"
        ? dtypeOfValue(value) === type.dtype
        : value.shape.length === 0 && value.dtype === type.dtype;
    case "Tensor":
      if (dtypeOfValue(value) !== type.dtype) return false;
      return conformsShape(value.k === "Tensor" ? value.shape as ReadonlyArray<number> : [], type.shape, sizes);
    case "Sym":
      return value.k === "Sym";
    case "Fn":
      return value.k === "Function";
    case "Tuple":
      return value.k === "Tuple" && value.items.length === type.items.length &&
        value.items.every((item, i) => conforms(item, type.items[i], sizes));
    case "Union":
      return type.items.some((item) => conforms(value, item, sizes));
    default:
      return true;
  }
};

const conformsShape = (
  shape: ReadonlyArray<number>,
  wanted: Shape,
  sizes: Map<string, number>,
): boolean =>
  shape.length === wanted.length && shape.every((size, axis) => {
    const own = wanted[axis];
    if (own === null) return true;
    if (typeof own !== "string") return own === size;
    const known = sizes.get(own);
    if (known === undefined) sizes.set(own, size);
    return known === undefined || known === size;
  });
