/**
 * Price: the one number by which optimisation compares programs: flops, bytes moved and a little for every node.
 *
 * Not time: a backend that fuses pays less for bytes. It is `costOf` with unknown sizes taken as {@link NOMINAL_SIZE}
 * and a `while` counted as one turn; peak memory has no part in it.
 * Invariant: no pass makes the price of a program larger.
 *
 * @module
 */
import * as Result from "effect/Result";
import { isControl } from "../control.ts";
import { costOf, type ProgramCost, typeBytes } from "../cost.ts";
import { addDimensions, type Dimension, substitute, symbolsOf } from "../dimension.ts";
import { attempt } from "../failures.ts";
import { type Attributes, functionOf, type Program } from "../graph.ts";
import { primitiveOf } from "../primitives.ts";
import type { TensorType } from "../types.ts";

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
  const counted = attempt(() => {
    const { flops, bytes } = primitiveOf(op).cost({ types, attributes, results });
    const moved = bytes ?? addDimensions(...[...types, ...results].map(typeBytes));
    return nominal(flops) + nominal(moved);
  });
  return (Result.isSuccess(counted) ? counted.success : 0) + NODE_PRICE;
};

/** Sizes for all names that a program's entry mentions. */
const nominalSizes = (program: Program): { readonly [name: string]: number } => {
  const { sizes, parameters } = functionOf(program);
  const names = new Set<string>(sizes);
  for (const { type } of parameters) type.shape.forEach((size) => symbolsOf(size).forEach((name) => names.add(name)));
  return Object.fromEntries([...names].map((name) => [name, NOMINAL_SIZE]));
};

/** What a program costs; undefined where the numbers are beyond counting. */
export const countedCost = (program: Program, sizes?: { readonly [name: string]: number }): ProgramCost | undefined => {
  const counted = attempt(() => costOf(program, sizes));
  return Result.isSuccess(counted) ? counted.success : undefined;
};

/**
 * The price of a program. Equalities between its sizes may not hold for the nominal ones; then its cost is counted in
 * polynomials first, and where that is beyond counting too, nodes alone count.
 */
export const priceOf = (program: Program): number => {
  const fns = [...program.functions.values()];
  const control = fns.flatMap((fn) => fn.nodes).filter(({ op }) => isControl(op)).length * CONTROL_PRICE;
  const cost = countedCost(program, nominalSizes(program)) ?? countedCost(program);
  if (cost === undefined) return control + fns.reduce((count, fn) => count + fn.nodes.length, 0) * NODE_PRICE;
  return nominal(cost.flops) + nominal(cost.bytes) + cost.nodes * NODE_PRICE + control;
};
