/**
 * Batch: from the number of a chunk to batch indices, and from those to addresses.
 *
 * Not a loop: a chunk belongs to one batch.
 *
 * @module
 */
import type { Code, Local } from "./code.ts";

/** The batch indices of a chunk, from a flat one. */
export const batchIndices = (code: Code, flat: Local, sizes: ReadonlyArray<number>): ReadonlyArray<Local> => {
  let inner = 1;
  const indices: Local[] = [];
  for (let axis = sizes.length - 1; axis >= 0; axis--) {
    code.get(flat);
    if (inner > 1) code.i32(inner).op("i32.div_u");
    if (axis > 0) code.i32(sizes[axis]).op("i32.rem_u");
    indices.unshift(code.keep("i32"));
    inner *= sizes[axis];
  }
  return indices;
};

/** Leaves the address of an operand in one batch. */
export const batchBase = (
  code: Code,
  base: Local,
  indices: ReadonlyArray<Local>,
  strides: ReadonlyArray<number>,
  bytes: number,
): Local => {
  code.get(base);
  indices.forEach((index, axis) => {
    if (strides[axis] !== 0) code.get(index).times(strides[axis] * bytes).op("i32.add");
  });
  return code.keep("i32");
};
