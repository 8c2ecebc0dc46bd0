/**
 * Sizes in version 1: how many bytes a type, a value or a tree takes, and what version 1 cannot say.
 *
 * Invariant: whatever has a size here can be written; whatever cannot be said fails with `RMIL_NOT_EXPRESSIBLE`.
 *
 * @module
 */
import { type Expression, Tag } from "../expression.ts";
import { notExpressible } from "../failures.ts";
import type { Dimension, Type } from "../types.ts";
import type { Value } from "../value.ts";
import { type Judges, type Layout, typeSize, valueSize } from "./layout.ts";

/** This format's version number. */
export const VERSION = 1;

/** Deepest expression, value or type that version 1 holds. */
export const V1_MAX_DEPTH = 512;

/** Largest number of children, items or axes in a 16-bit count. */
export const V1_MAX_COUNT = 0xffff;

/** Largest size of an axis; the next number marks a dynamic one. */
export const V1_MAX_SIZE = 0xfffffffe;

/** What is written for a size that is not known. */
export const DYNAMIC_SIZE = 0xffffffff;

/** Largest program that is written. */
export const V1_MAX_BYTES: number = 2 ** 30;

/** The failure for what version 1 cannot say. */
export const cannot = (what: string) => notExpressible({ what, version: VERSION });

/** A count, where 16 bits hold it. */
export const counted = (count: number, what: string): number => {
  if (count > V1_MAX_COUNT) throw cannot(`${count} ${what}`);
  return count;
};

const checkShape = (shape: ReadonlyArray<Dimension>): void => {
  counted(shape.length, "axes");
  for (const size of shape) {
    if (typeof size === "string") throw cannot(`the named size ${size}`);
    if (size !== null && size > V1_MAX_SIZE) throw cannot(`the size ${size}`);
  }
};

const LAYOUT: Layout = {
  tensor: 8,
  axis: 4,
  tuple: 3,
  types: { scalar: 2, tensor: 4, fn: 5, list: 3, numbered: 5, plain: 1 },
};

const JUDGES: Judges = {
  value: (value, depth) => {
    if (depth > V1_MAX_DEPTH) throw cannot(`values nested deeper than ${V1_MAX_DEPTH}`);
    if (value.k === "Tuple") counted(value.items.length, "items");
    if (value.k !== "Tensor") return;
    checkShape(value.shape);
    if (value.bytes.length > DYNAMIC_SIZE) throw cannot(`a tensor of ${value.bytes.length} bytes`);
  },
  type: (type, depth) => {
    if (depth > V1_MAX_DEPTH) throw cannot(`types nested deeper than ${V1_MAX_DEPTH}`);
    if (type.k === "Tensor") checkShape(type.shape);
    if (type.k === "Tuple" || type.k === "Union") counted(type.items.length, "items");
    if (type.k !== "Fn") return;
    counted(type.inputs.length, "inputs");
    counted(type.outputs.length, "outputs");
  },
};

/** Bytes of a type. */
export const typeBytes = (type: Type): number => typeSize(LAYOUT, type, JUDGES);

/** Bytes of a value. */
export const valueBytes = (value: Value): number => valueSize(LAYOUT, value, JUDGES);

/** Fixed bytes of each variant: its tag and its own fields. */
const FIXED: ReadonlyArray<number> = [1, 5, 5, 1, 1, 1, 5, 3, 3, 5];

const expressionBytes = (node: Expression): number => {
  const { tag, children } = node;
  let size = FIXED[tag];
  if (tag === Tag.Lit) return size + valueBytes(node.value);
  if (tag === Tag.App || tag === Tag.Call) {
    counted(children.length, "arguments");
    if (node.attributes.length > 0) throw cannot(`the attribute ${node.attributes[0].name}`);
  }
  if (tag === Tag.Lam) {
    counted(node.parameters.length, "parameters");
    for (const { type } of node.parameters) size += 4 + typeBytes(type);
  }
  for (let i = 0; i < children.length; i++) size += expressionBytes(children[i]);
  return size;
};

/** Bytes of an expression without header. Throws `RMIL_NOT_EXPRESSIBLE` where version 1 cannot say it. */
export const wireSize = (root: Expression): number => {
  if (root.depth > V1_MAX_DEPTH) throw cannot(`a tree deeper than ${V1_MAX_DEPTH}`);
  const size = expressionBytes(root);
  if (size > V1_MAX_BYTES) throw cannot(`a program of ${size} bytes`);
  return size;
};
