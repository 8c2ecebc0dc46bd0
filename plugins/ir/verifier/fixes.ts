/**
 * Fixes of the verifier: for a finding that says what would be right, the program with that put in.
 *
 * Invariant: a mended program differs from the given one at the place of the finding and nowhere else.
 *
 * @module
 */
import { nearest } from "../../../kernel/nearest.ts";
import { CONTROL, isControl } from "../control.ts";
import type { IrFunction, Node } from "../graph.ts";
import { isPrimitive, PRIMITIVES } from "../primitives.ts";
import type { UncheckedProgram } from "../text.ts";
import { printTypes, type TensorType } from "../types.ts";

/** A finding, as far as mending it goes. */
export type Repair =
  & {
    /** The function it is in. */
    readonly function: string;
    /** Path of the node. */
    readonly path: string;
  }
  & (
    | { readonly kind: "result"; readonly results: ReadonlyArray<TensorType> }
    | { readonly kind: "op"; readonly op: string }
    | { readonly kind: "function"; readonly name: string; readonly known: ReadonlyArray<string> }
    | { readonly kind: "entry"; readonly name: string; readonly known: ReadonlyArray<string> }
    | { readonly kind: "size"; readonly name: string }
  );

/** A mended program. */
export interface Mended {
  /** What was done, in one sentence. */
  readonly summary: string;
  /** The program. */
  readonly program: UncheckedProgram;
}

const pathOf = (fn: IrFunction, node: Node, index: number): string =>
  node.location ?? `/functions/${fn.name}/nodes/${index}`;

const inFunction = (
  program: UncheckedProgram,
  name: string,
  change: (fn: IrFunction) => IrFunction,
): UncheckedProgram => ({
  ...program,
  functions: program.functions.map((fn) => fn.name === name ? change(fn) : fn),
});

const inNode = (
  program: UncheckedProgram,
  { function: name, path }: Repair,
  change: (node: Node) => Node,
): UncheckedProgram =>
  inFunction(program, name, (fn) => {
    // Locations may repeat; the first node there that is not what it should be is the one.
    let done = false;
    const nodes = fn.nodes.map((node, index) => {
      if (done || pathOf(fn, node, index) !== path) return node;
      const changed = change(node);
      done = changed !== node;
      return changed;
    });
    return { ...fn, nodes };
  });

const OPS: ReadonlyArray<string> = [...PRIMITIVES.map(({ name }) => name), ...Object.keys(CONTROL)];

/** The program with a finding mended; undefined where that is not known. */
export const findFixes = (program: UncheckedProgram, repair: Repair): Mended | undefined => {
  if (repair.kind === "result") {
    const summary = `Declare ${printTypes(repair.results)}`;
    return { summary, program: inNode(program, repair, (node) => ({ ...node, results: repair.results })) };
  }
  if (repair.kind === "size") {
    const add = (fn: IrFunction) => ({ ...fn, sizes: [...fn.sizes, repair.name] });
    return { summary: `Ask callers for ${repair.name}`, program: inFunction(program, repair.function, add) };
  }
  if (repair.kind === "op") {
    if (isPrimitive(repair.op) || isControl(repair.op)) return undefined;
    const [best] = nearest(repair.op, OPS, 1);
    if (best === undefined) return undefined;
    const rename = (node: Node) => node.op === repair.op ? { ...node, op: best } : node;
    return { summary: `Use ${best}`, program: inNode(program, repair, rename) };
  }
  const [best] = nearest(repair.name, repair.known.filter((name) => name !== repair.function), 1);
  if (best === undefined) return undefined;
  if (repair.kind === "entry") return { summary: `Run @${best}`, program: { ...program, entry: best } };
  const rename = (node: Node) =>
    node.functions.includes(repair.name)
      ? { ...node, functions: node.functions.map((name) => name === repair.name ? best : name) }
      : node;
  return { summary: `Use @${best}`, program: inNode(program, repair, rename) };
};
