/**
 * Price: the one number by which optimisation compares programs: flops, bytes moved and a little for every node.
 *
 * Not time: a backend that fuses pays less for bytes. It is `costOf` with unknown sizes taken as {@link NOMINAL_SIZE}
 * and a `while` counted as one turn; peak memory has no part in it.
 * Invariant: no pass makes the price of a program larger.
 *
 * @module
 */
import { costOf } from "../cost.ts";
import { type Dimension, substitute, symbolsOf } from "../dimension.ts";
import { functionOf, type Program } from "../graph.ts";
import { addDimensions } from "../dimension.ts";
import { typeBytes } from "../cost.ts";
import type { Attributes } from "../graph.ts";
import { primitiveOf } from "../primitives.ts";
import type { TensorType } from "../types.ts";
import { isControl } from "../control.ts";

/** What a size that nothing determines is taken as. */
export const NOMINAL_SIZE = 32;

/** What a node costs besides its flops and bytes. */
export const NODE_PRICE = 1;

/** What entering a call, a branch or a loop costs. */
export const CONTROL_PRICE = 8;

/** A dimension as a number, names taken as {@link NOMINAL_SIZE}. */
export const nominal = (size: Dimension): number => {
  if (typeof size === "number") return size;
  const bound = substitute(size, new Map(symbolsOf(size).map((name) => [name, NOMINAL_SIZE])));
  return typeof bound === "number" ? bound : Infinity;
};

/** The price of a node that is no control node. */
export const nodePrice = (
  op: string,
  types: ReadonlyArray<TensorType>,
  attributes: Attributes,
  results: ReadonlyArray<TensorType>,
): number => {
  if (isControl(op)) return CONTROL_PRICE;
  const { flops, bytes } = primitiveOf(op).cost({ types, attributes, results });
  const moved = bytes ?? addDimensions(...[...types, ...results].map(typeBytes));
  return nominal(flops) + nominal(moved) + NODE_PRICE;
};

/** The price of a program. */
export const priceOf = (program: Program): number => {
  const names = new Set<string>(functionOf(program).sizes);
  for (const { type } of functionOf(program).parameters) {
    for (const size of type.shape) symbolsOf(size).forEach((name) => names.add(name));
  }
  const sizes = Object.fromEntries([...names].map((name) => [name, NOMINAL_SIZE]));
  const { flops, bytes, nodes } = costOf(program, sizes);
  const control = [...program.functions.values()].flatMap((fn) => fn.nodes).filter(({ op }) => isControl(op)).length;
  return nominal(flops) + nominal(bytes) + nodes * NODE_PRICE + control * CONTROL_PRICE;
};
