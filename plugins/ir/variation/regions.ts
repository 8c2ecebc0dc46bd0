/**
 * Regions: the parts of a function that compute one value from one other.
 *
 * Invariant: numbers of values grow along a function, so the nearest single source of a value is found by replacing the
 * largest number of a set by what it is computed from, until one is left.
 *
 * @module
 */
import { firstResults, type IrFunction, type Node } from "../graph.ts";
import { primitiveOf } from "../primitives.ts";
import { isControl } from "../control.ts";

/** A part of a function that computes `result` from `source` and from constants, or from other values too. */
export interface Region {
  /** The value it starts from. */
  readonly source: number;
  /** The value it makes. */
  readonly result: number;
  /** Its nodes, in order. */
  readonly nodes: ReadonlyArray<number>;
}

/** Which node makes each value; undefined for parameters. */
export const makers = (fn: IrFunction): ReadonlyArray<number | undefined> => {
  const made: Array<number | undefined> = fn.parameters.map(() => undefined);
  fn.nodes.forEach((node, index) => node.results.forEach(() => made.push(index)));
  return made;
};

/** Whether a node works element by element. */
export const isElementwise = (node: Node): boolean =>
  !isControl(node.op) && primitiveOf(node.op).loop === "elementwise";

/**
 * Regions that compute a value from one other value and constants alone, through nodes that are allowed; nearest first.
 */
export const regionsOf = (
  fn: IrFunction,
  makerOf: ReadonlyArray<number | undefined>,
  result: number,
  allowed: (node: Node) => boolean,
): ReadonlyArray<Region> => {
  const found: Region[] = [];
  const leaves = new Set([result]);
  const inside = new Set<number>();
  while (leaves.size > 0) {
    const largest = Math.max(...leaves);
    const maker = makerOf[largest];
    if (leaves.size === 1 && inside.size > 0) {
      found.push({ source: largest, result, nodes: [...inside].sort((a, b) => a - b) });
    }
    if (maker === undefined || !allowed(fn.nodes[maker])) return found;
    leaves.delete(largest);
    inside.add(maker);
    fn.nodes[maker].operands.forEach((operand) => leaves.add(operand));
  }
  return found;
};

/** The nodes on paths from one value to another; empty where there is no path. */
export const between = (fn: IrFunction, source: number, result: number): ReadonlyArray<number> => {
  const firsts = firstResults(fn);
  const reachable = new Set([source]);
  fn.nodes.forEach((node, index) => {
    if (node.operands.some((operand) => reachable.has(operand))) {
      node.results.forEach((_, i) => reachable.add(firsts[index] + i));
    }
  });
  const needed = new Set([result]);
  const nodes: number[] = [];
  for (let index = fn.nodes.length - 1; index >= 0; index--) {
    const node = fn.nodes[index];
    const made = node.results.map((_, i) => firsts[index] + i);
    if (made.includes(source) || !made.some((value) => needed.has(value) && reachable.has(value))) continue;
    node.operands.forEach((operand) => needed.add(operand));
    nodes.unshift(index);
  }
  return nodes;
};

/** Whether one value is computed from another. */
export const dependsOn = (fn: IrFunction, value: number, on: number): boolean => between(fn, on, value).length > 0;
