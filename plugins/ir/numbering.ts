/**
 * Numbering: the key under which a node equals another of the same function: op, attributes, functions, operands.
 *
 * Not an optimiser pass (passes/): what builders of derived programs use so as not to emit a node twice.
 * Invariant: nodes of equal keys compute the same; all primitives are pure, randomness included, being keyed by its seed.
 *
 * @module
 */
import type { Attribute, Attributes } from "./graph.ts";
import { elements, isTensor, type Tensor } from "./value.ts";

/** Constants with more elements are not compared. */
export const MAX_COMPARED_ELEMENTS = 64;

const attributeKey = (value: Attribute): string | undefined => {
  if (Array.isArray(value)) {
    const parts = value.map(attributeKey);
    return parts.includes(undefined) ? undefined : `[${parts.join()}]`;
  }
  if (!isTensor(value)) return JSON.stringify(value);
  const { dtype, shape, data } = value as Tensor;
  if (data.length > MAX_COMPARED_ELEMENTS) return undefined;
  return `${dtype}[${shape}](${elements(value).map((x) => Object.is(x, -0) ? "-0" : String(x)).join()})`;
};

/** The key of a node; empty where it holds a constant too large to compare. */
export const nodeKey = (
  op: string,
  attributes: Attributes,
  functions: ReadonlyArray<string>,
  operands: ReadonlyArray<number>,
): string => {
  const parts = Object.keys(attributes).sort().map((name) => [name, attributeKey(attributes[name])] as const);
  if (parts.some(([, key]) => key === undefined)) return "";
  return `${op}(${operands.join()}){${parts.map(([name, key]) => `${name}=${key}`).join()}}${functions.join()}`;
};
