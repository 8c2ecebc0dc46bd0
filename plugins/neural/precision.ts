/**
 * Precision: a program whose products take narrow floats and sum in the wide one, everything else as it was.
 *
 * Not quantisation (plugins/ir/quantize), and not a promise of speed: a device without narrow products only loses digits.
 * Invariant: parameters and results keep their types, so that a master copy in float32 is what is trained.
 *
 * @module
 */
import type { IrFunction, Node, Program } from "../ir/contract.ts";
import { makeProgram, valueTypes } from "../ir/library.ts";

/** A narrow float. */
export type Narrow = "f16" | "bf16";

/** Nodes whose operands become narrow. */
const PRODUCTS: ReadonlySet<string> = new Set(["dot", "conv"]);

const narrowed = (fn: IrFunction, dtype: Narrow): IrFunction => {
  const types = valueTypes(fn);
  const nodes: Node[] = [];
  const renamed = new Map<number, number>();
  let next = fn.parameters.length;
  for (let i = 0; i < next; i++) renamed.set(i, i);
  let old = next;
  const push = (node: Node): number => {
    const first = next;
    nodes.push(node);
    next += node.results.length;
    return first;
  };
  for (const node of fn.nodes) {
    const operands = node.operands.map((value) => renamed.get(value)!);
    const isProduct = PRODUCTS.has(node.op) && node.operands.every((value) => types[value].dtype === "f32");
    const taken = isProduct
      ? operands.map((value, i) =>
        push({
          op: "cast",
          operands: [value],
          attributes: { dtype },
          functions: [],
          results: [{ dtype, shape: types[node.operands[i]].shape }],
        })
      )
      : operands;
    // A product that sums in the wide float gives the wide float.
    const attributes = isProduct ? { ...node.attributes, accumulate: "f32" } : node.attributes;
    const made = push({ ...node, operands: taken, attributes });
    node.results.forEach((_, i) => renamed.set(old++, made + i));
  }
  return { ...fn, nodes, returns: fn.returns.map((value) => renamed.get(value)!) };
};

/** The program with products in a narrow float. */
export const autocast = (program: Program, dtype: Narrow): Program =>
  makeProgram([...program.functions.values()].map((fn) => narrowed(fn, dtype)), program.entry);
