/**
 * Liveness: when each value of a function is needed for the last time.
 *
 * Invariant: a value is listed once, at the node after which nothing reads it; parameters and returned values never.
 *
 * @module
 */
import { firstResults, type IrFunction } from "./graph.ts";

/** For each node, the values that are not needed after it; those that nothing reads end where they are made. */
export const lastUses = (fn: IrFunction): ReadonlyArray<ReadonlyArray<number>> => {
  const firsts = firstResults(fn);
  const last = new Map<number, number>();
  fn.nodes.forEach((node, index) => {
    node.results.forEach((_, i) => last.set(firsts[index] + i, index));
    node.operands.forEach((operand) => last.set(operand, index));
  });
  const returned = new Set(fn.returns);
  const ends: number[][] = fn.nodes.map(() => []);
  for (const [value, index] of last) {
    if (value >= fn.parameters.length && !returned.has(value)) ends[index].push(value);
  }
  return ends;
};
