/**
 * Cost: what a program takes before it runs: floating-point operations, bytes moved, and peak memory.
 *
 * Not a measurement: the convention is the project's (matmul 2mnk, elementwise 1, comparisons 0).
 * Invariant: with all sizes known, peak memory is what the reference evaluator holds, to the byte, except inside a
 * branch not taken; with symbolic sizes, flops and bytes are polynomials and the peak is left out.
 *
 * @module
 */
import { bindCall, isControl } from "./control.ts";
import {
  addDimensions,
  type Bindings,
  type Dimension,
  dimension,
  divideDimension,
  multiplyDimensions,
  substitute,
} from "./dimension.ts";
import { functionOf, type IrFunction, type Node, type Program } from "./graph.ts";
import { substituteAttributes } from "./infer.ts";
import { lastUses } from "./liveness.ts";
import { primitiveOf } from "./primitives.ts";
import { countOf } from "./shape.ts";
import { DimensionSolver } from "./solver.ts";
import { dtypeInfo, type TensorType } from "./types.ts";

/** What a program costs. */
export interface ProgramCost {
  /** Floating-point operations. */
  readonly flops: Dimension;
  /** Bytes read and written by nodes. */
  readonly bytes: Dimension;
  /** Most bytes of tensors alive at once; absent while a size is unknown. */
  readonly peakBytes?: number;
  /** Nodes that run, a loop's body counted once. */
  readonly nodes: number;
  /** False where a `while` (counted as one turn) or unequal branches (the dearer one counted) leave it open. */
  readonly exact: boolean;
}

/** Bytes of a type when packed. */
export const typeBytes = (type: TensorType): Dimension => {
  const { bits } = dtypeInfo(type.dtype);
  const count = countOf(type);
  return bits >= 8 ? multiplyDimensions(count, bits / 8) : divideDimension(addDimensions(count, 1), 8 / bits);
};

const totalBytes = (types: ReadonlyArray<TensorType>): Dimension => addDimensions(...types.map(typeBytes));

const plus = (a: number | undefined, b: Dimension | undefined): number | undefined =>
  a === undefined || typeof b !== "number" ? undefined : a + b;

const larger = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? undefined : Math.max(a, b);

const NOTHING: ProgramCost = { flops: 0, bytes: 0, peakBytes: 0, nodes: 0, exact: true };

const then = (a: ProgramCost, b: ProgramCost): ProgramCost =>
  withPeak({
    flops: addDimensions(a.flops, b.flops),
    bytes: addDimensions(a.bytes, b.bytes),
    nodes: a.nodes + b.nodes,
    exact: a.exact && b.exact,
  }, larger(a.peakBytes, b.peakBytes));

const withPeak = (cost: Omit<ProgramCost, "peakBytes">, peakBytes: number | undefined): ProgramCost =>
  peakBytes === undefined ? cost : { ...cost, peakBytes };

/** The dearer of two branches; where their flops cannot be compared, both. */
const either = (a: ProgramCost, b: ProgramCost): ProgramCost => {
  const same = a.flops === b.flops && a.bytes === b.bytes;
  if (same) return withPeak({ ...a, exact: a.exact && b.exact }, larger(a.peakBytes, b.peakBytes));
  if (typeof a.flops === "number" && typeof b.flops === "number") {
    const dearer = a.flops > b.flops || (a.flops === b.flops && Number(a.bytes) >= Number(b.bytes)) ? a : b;
    return { ...withPeak(dearer, larger(a.peakBytes, b.peakBytes)), exact: false };
  }
  return { ...then(a, b), exact: false };
};

const repeated = (cost: ProgramCost, times: Dimension): ProgramCost => ({
  ...cost,
  flops: multiplyDimensions(cost.flops, times),
  bytes: multiplyDimensions(cost.bytes, times),
});

class Accountant {
  private readonly known = new Map<string, ProgramCost>();
  constructor(private readonly program: Program) {}

  /** Cost of a function's body; its arguments are counted by its caller. */
  ofFunction(fn: IrFunction, bindings: Bindings): ProgramCost {
    const key = `${fn.name} ${[...bindings].map(([name, size]) => `${name}=${size}`).sort().join(" ")}`;
    const before = this.known.get(key);
    if (before !== undefined) return before;
    const uses = lastUses(fn);
    let total = NOTHING;
    let live: number | undefined = 0;
    const { types, nodes } = this.ofNodes(fn, bindings);
    nodes.forEach(({ results, cost }, index) => {
      live = plus(live, totalBytes(results));
      const { peakBytes: _own, ...rest } = cost;
      total = then(total, withPeak(rest, live === undefined ? undefined : plus(live, cost.peakBytes)));
      for (const value of uses[index]) {
        const size = typeBytes(types[value]);
        live = live === undefined || typeof size !== "number" ? undefined : live - size;
      }
    });
    this.known.set(key, total);
    return total;
  }

  /** Types of a function's values, and what each node costs by itself. */
  ofNodes(fn: IrFunction, bindings: Bindings): {
    readonly types: ReadonlyArray<TensorType>;
    readonly nodes: ReadonlyArray<{ readonly results: ReadonlyArray<TensorType>; readonly cost: ProgramCost }>;
  } {
    const bound = (type: TensorType): TensorType => ({
      dtype: type.dtype,
      shape: type.shape.map((size) => substitute(size, bindings)),
    });
    const types = fn.parameters.map(({ type }) => bound(type));
    const solver = new DimensionSolver(
      fn.constraints.map(([a, b]) => [substitute(a, bindings), substitute(b, bindings)] as const),
    );
    const nodes = fn.nodes.map((node) => {
      const results = node.results.map(bound);
      const operands = node.operands.map((operand) => types[operand]);
      types.push(...results);
      return { results, cost: this.ofNode(node, operands, results, bindings, solver) };
    });
    return { types, nodes };
  }

  /** Cost of one node; its peak is what it holds besides its operands and results. */
  private ofNode(
    node: Node,
    types: ReadonlyArray<TensorType>,
    results: ReadonlyArray<TensorType>,
    bindings: Bindings,
    solver: DimensionSolver,
  ): ProgramCost {
    const attributes = substituteAttributes(node.op, node.attributes, bindings);
    if (!isControl(node.op)) {
      const cost = primitiveOf(node.op).cost({ types, attributes, results });
      const bytes = cost.bytes ?? totalBytes([...types, ...results]);
      return { flops: cost.flops, bytes, peakBytes: 0, nodes: 1, exact: true };
    }
    const functions = node.functions.map((name) => functionOf(this.program, name));
    const call = (fn: IrFunction, args: ReadonlyArray<TensorType>): ProgramCost =>
      this.ofFunction(fn, bindCall(node.op, fn, args, attributes.sizes as ReadonlyArray<Dimension>, solver));
    if (node.op === "call") return call(functions[0], types);
    if (node.op === "if") return either(call(functions[0], types.slice(1)), call(functions[1], types.slice(1)));
    if (node.op === "while") return { ...then(call(functions[0], types), call(functions[1], types)), exact: false };
    const { carry, scanned, length } = attributes as { carry: number; scanned: number; length: Dimension };
    const rows = types.map((type, i) =>
      i >= carry && i < carry + scanned ? { dtype: type.dtype, shape: type.shape.slice(1) } : type
    );
    return repeated(call(functions[0], rows), length);
  }
}

const bindingsOf = (sizes: { readonly [name: string]: number }): Bindings =>
  new Map(Object.entries(sizes).map(([name, size]) => [name, dimension(size)]));

/**
 * What each node of a program's entry costs by itself, in order, with the sizes that are known put in; a peak is what a
 * node holds besides its operands and results.
 */
export const nodeCosts = (
  program: Program,
  sizes: { readonly [name: string]: number } = {},
): ReadonlyArray<ProgramCost> =>
  new Accountant(program).ofNodes(functionOf(program), bindingsOf(sizes)).nodes.map(({ cost }) => cost);

/**
 * The cost of a program, with the sizes that are known put in.
 *
 * @example
 * ```ts
 * import { buildProgram, costOf } from "@rmi/rmi/ir";
 * import assert from "node:assert/strict";
 * const product = buildProgram({ x: "f32[B,4]", w: "f32[4,2]" }, (g, { x, w }) => g.matmul(x, w));
 * assert.equal(costOf(product).flops, "16*B");
 * assert.equal(costOf(product, { B: 8 }).flops, 128);
 * ```
 */
export const costOf = (program: Program, sizes: { readonly [name: string]: number } = {}): ProgramCost => {
  const fn = functionOf(program);
  const bindings = bindingsOf(sizes);
  const body = new Accountant(program).ofFunction(fn, bindings);
  const inputs = totalBytes(fn.parameters.map(({ type }) => ({
    dtype: type.dtype,
    shape: type.shape.map((size) => substitute(size, bindings)),
  })));
  const { peakBytes, ...rest } = body;
  return withPeak(rest, plus(peakBytes, inputs));
};
