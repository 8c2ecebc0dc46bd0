/**
 * Primitives: the one table of everything the IR computes. Gradient, cost, checks, reference and backends read it.
 *
 * Not control flow (control.ts), which is about functions and not about tensors.
 * Invariant: names are unique; every row has a gradient rule or the reason why it has none.
 *
 * @module
 */
import { nearest } from "../../kernel/nearest.ts";
import { unknownPrimitive } from "./failures.ts";
import type { Primitive } from "./primitive.ts";
import { BINARY } from "./primitives/binary.ts";
import { CONTRACTION } from "./primitives/contraction.ts";
import { CONVOLUTION } from "./primitives/convolution.ts";
import { CREATION } from "./primitives/creation.ts";
import { INDEXING } from "./primitives/indexing.ts";
import { MOVEMENT } from "./primitives/movement.ts";
import { REDUCTION } from "./primitives/reduction.ts";
import { UNARY } from "./primitives/unary.ts";
import { WINDOW } from "./primitives/window.ts";

/** Every row, by family. */
export const PRIMITIVES: ReadonlyArray<Primitive> = [
  ...UNARY,
  ...BINARY,
  ...CREATION,
  ...MOVEMENT,
  ...INDEXING,
  ...REDUCTION,
  ...WINDOW,
  ...CONTRACTION,
  ...CONVOLUTION,
];

const BY_NAME: ReadonlyMap<string, Primitive> = new Map(PRIMITIVES.map((row) => [row.name, row]));

/** Whether a name is a primitive's. */
export const isPrimitive = (name: string): boolean => BY_NAME.has(name);

const SUGGESTIONS = 3;

/** A row by name; throws `IR_UNKNOWN_PRIMITIVE` with the nearest names. */
export const primitiveOf = (name: string, path = ""): Primitive => {
  const row = BY_NAME.get(name);
  if (row === undefined) {
    throw unknownPrimitive({ name, path, suggestions: nearest(name, [...BY_NAME.keys()], SUGGESTIONS) });
  }
  return row;
};
