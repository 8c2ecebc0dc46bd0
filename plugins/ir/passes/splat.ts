/**
 * Splat: values whose elements are known to be all the same, and small values known entirely.
 *
 * Invariant: what is said of a value holds bit for bit (all NaN being one).
 *
 * @module
 */
import type { Emitter } from "./emitter.ts";
import type { Attribute } from "../graph.ts";
import { isFloat } from "../types.ts";
import { type Element, elementAt, scalar, type Tensor } from "../value.ts";

const uniform = new WeakMap<Tensor, boolean>();

const isUniform = (tensor: Tensor): boolean => {
  const before = uniform.get(tensor);
  if (before !== undefined) return before;
  const first = tensor.data[0];
  const found = tensor.data.length > 0 && (tensor.data as Float64Array).every((x) => Object.is(x, first));
  uniform.set(tensor, found);
  return found;
};

const MOVES: ReadonlySet<string> = new Set(["broadcast", "reshape", "transpose", "reverse", "slice", "stop_gradient"]);
const MAX_STEPS = 16;

/** The literal of a node that is one. */
export const literalOf = (e: Emitter, value: number): Tensor | undefined =>
  e.madeBy(value, "constant")?.attributes.value as Attribute as Tensor | undefined;

/** The one element that a value consists of, where it is known. */
export const splatOf = (e: Emitter, value: number): Element | undefined => {
  for (let step = 0, at = value; step < MAX_STEPS; step++) {
    const node = e.madeBy(at);
    if (node === undefined) return undefined;
    if (node.op === "constant") {
      const tensor = node.attributes.value as Tensor;
      return isUniform(tensor) ? elementAt(tensor, 0) : undefined;
    }
    if (!MOVES.has(node.op)) return undefined;
    at = node.operands[0];
  }
  return undefined;
};

/** The same as a scalar tensor. */
export const splatTensor = (e: Emitter, value: number): Tensor | undefined => {
  const element = splatOf(e, value);
  return element === undefined ? undefined : scalar(e.types[value].dtype, element);
};

/** Whether an element is a number written in a law: `-0` is not `0`, and integers compare as integers. */
export const isNumber = (element: Element, wanted: number): boolean => {
  if (typeof element === "number") return Object.is(element, wanted);
  if (typeof element === "boolean") return false;
  return !Object.is(wanted, -0) && Number.isInteger(wanted) && element === BigInt(wanted);
};

/** Whether an element is what {@link isNumber} says, for integers kept as numbers too. */
export const elementIs = (e: Emitter, value: number, wanted: number): boolean => {
  const element = splatOf(e, value);
  if (element === undefined) return false;
  if (!isFloat(e.types[value].dtype) && typeof element === "number") {
    return !Object.is(wanted, -0) && element === wanted;
  }
  return isNumber(element, wanted);
};
