/**
 * Folding: nodes whose operands are known are computed now, by the reference.
 *
 * Invariant: what is computed is what the run would compute, bit for bit; results and work are bounded, so folding never
 * makes a program much larger or takes long.
 *
 * @module
 */
import type { Attributes } from "../graph.ts";
import { nominal } from "./price.ts";
import { inferNode } from "../infer.ts";
import { primitiveOf } from "../primitives.ts";
import { DimensionSolver } from "../solver.ts";
import { type ConcreteType, isConcrete, type TensorType } from "../types.ts";
import { elementCount, type Tensor } from "../value.ts";
import type { Emitter } from "./emitter.ts";
import type { Rule, Site } from "./rewriter.ts";
import { literalOf, splatTensor } from "./splat.ts";
import { PRIMITIVES } from "../primitives.ts";

/** Most elements of a folded result. */
export const MAX_FOLDED_ELEMENTS = 256;

/** Most elements of an operand of a folded node. */
export const MAX_FOLDED_OPERAND = 4096;

/** Most scalar steps of one folding. */
export const MAX_FOLDED_STEPS = 65_536;

const NOTHING_ASSUMED = new DimensionSolver();

/** Runs a primitive on literals; undefined where it does not stay within the bounds. */
export const compute = (
  op: string,
  operands: ReadonlyArray<Tensor>,
  attributes: Attributes,
): ReadonlyArray<Tensor> | undefined => {
  const row = primitiveOf(op);
  const { attributes: checked, results } = inferNode(
    { op, types: operands, attributes, functions: [] },
    NOTHING_ASSUMED,
  );
  if (!results.every(isConcrete)) return undefined;
  const concrete = results as ReadonlyArray<ConcreteType>;
  const { flops, steps } = row.cost({ types: operands, attributes: checked, results });
  const touched = [...operands, ...concrete].reduce((sum, { shape }) => sum + elementCount(shape), 0);
  if (Math.max(nominal(flops), nominal(steps ?? 0), touched) > MAX_FOLDED_STEPS) return undefined;
  return row.evaluate({ op, inputs: operands, attributes: checked, results: concrete });
};

const elementsOf = (type: TensorType): number => isConcrete(type) ? elementCount(type.shape) : Infinity;

/** A value that is known, where it is small. */
export const knownTensor = (e: Emitter, value: number, depth = 0): Tensor | undefined => {
  const literal = literalOf(e, value);
  if (literal !== undefined) return literal.data.length <= MAX_FOLDED_OPERAND ? literal : undefined;
  const node = e.madeBy(value);
  if (node === undefined || !GENERATORS.has(node.op) || elementsOf(e.types[value]) > MAX_FOLDED_ELEMENTS) {
    return undefined;
  }
  if (depth >= 4) return undefined;
  const operands = node.operands.map((operand) => knownTensor(e, operand, depth + 1));
  return operands.every((operand) => operand !== undefined)
    ? compute(node.op, operands, node.attributes)?.[0]
    : undefined;
};

/** Nodes that are cheap to make anew wherever they are needed, so folding looks through them and leaves them alone. */
const GENERATORS: ReadonlySet<string> = new Set(["iota", "broadcast", "reshape"]);

const LEFT_ALONE: ReadonlySet<string> = new Set(["constant", "iota", "random", "broadcast", "stop_gradient"]);

const fold = (site: Site): ReadonlyArray<number> | undefined => {
  const { e, op, operands, attributes, results } = site;
  if (op === "dimension" && typeof attributes.of !== "number") return undefined;
  if (!results.every((type) => elementsOf(type) <= MAX_FOLDED_ELEMENTS)) return undefined;
  const known = operands.map((operand) => knownTensor(e, operand));
  if (!known.every((operand) => operand !== undefined)) return undefined;
  return compute(op, known, attributes)?.map((value) => e.constant(value));
};

/** An elementwise node over values that each consist of one element: one scalar, spread. */
const foldSplats = (site: Site): number | undefined => {
  const { e, op, operands, attributes, results: [type] } = site;
  if (operands.length === 0 || type.shape.length === 0 || primitiveOf(op).loop !== "elementwise") return undefined;
  const known = operands.map((operand) => splatTensor(e, operand));
  if (!known.every((operand) => operand !== undefined)) return undefined;
  const made = compute(op, known, attributes);
  return made === undefined ? undefined : e.emit("broadcast", [e.constant(made[0])], { shape: type.shape, axes: [] });
};

const FOLDED = PRIMITIVES.map(({ name }) => name).filter((name) => !LEFT_ALONE.has(name));

/** The rules. */
export const FOLDING: ReadonlyArray<Rule> = [
  { name: "known operands", ops: FOLDED, apply: fold },
  { name: "spread operands", ops: FOLDED, apply: foldSplats },
];
