/**
 * Contraction: transposes, broadcasts and widening casts folded into dot products and reductions; equal sums merged.
 *
 * Invariant: every sum keeps its terms and their order, so results keep every bit.
 *
 * @module
 */
import type { Dimension } from "../dimension.ts";
import type { Attribute, Attributes, Node } from "../graph.ts";
import { isFloat, type TensorType } from "../types.ts";
import { embeds } from "./movement.ts";
import type { PassOptions } from "./pass.ts";
import type { Rule, Site } from "./rewriter.ts";
import { splatOf } from "./splat.ts";

const numbers = (value: Attribute): ReadonlyArray<number> => value as ReadonlyArray<number>;
const isSorted = (axes: ReadonlyArray<number>): boolean => axes.every((axis, i) => i === 0 || axes[i - 1] < axis);
const range = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, i) => i);

const SIDES = ["x", "y"] as const;

const freeOf = (type: TensorType, attributes: Attributes, side: "x" | "y"): ReadonlyArray<number> =>
  range(type.shape.length).filter((axis) =>
    !numbers(attributes[`${side}_batch`]).includes(axis) && !numbers(attributes[`${side}_contract`]).includes(axis)
  );

/** A dot whose operand on a side is replaced, its axes renumbered. */
const withSide = (
  site: Site,
  side: 0 | 1,
  operand: number,
  renumber: (axis: number) => number,
  more: Attributes = {},
): number => {
  const name = SIDES[side];
  const operands = site.operands.map((other, i) => i === side ? operand : other);
  return site.e.make("dot", operands, {
    ...site.attributes,
    [`${name}_batch`]: numbers(site.attributes[`${name}_batch`]).map(renumber),
    [`${name}_contract`]: numbers(site.attributes[`${name}_contract`]).map(renumber),
    ...more,
  });
};

const transposedOperand = (side: 0 | 1) => (site: Site): number | undefined => {
  const node = site.e.madeBy(site.operands[side], "transpose");
  if (node === undefined) return undefined;
  const permutation = numbers(node.attributes.permutation);
  // The free axes must stand in the same order in the source, or the result would be transposed.
  const free = freeOf(site.types[side], site.attributes, SIDES[side]).map((axis) => permutation[axis]);
  return isSorted(free) ? withSide(site, side, node.operands[0], (axis) => permutation[axis]) : undefined;
};

/** A dot whose operands were reshaped only by adding axes of one is left to backends; a broadcast batch is not. */
const broadcastBatch = (side: 0 | 1) => (site: Site): number | undefined => {
  const { e, attributes, operands, types } = site;
  const node = e.madeBy(operands[side], "broadcast");
  if (node === undefined) return undefined;
  const [mine, other] = [SIDES[side], SIDES[1 - side]];
  const source = e.types[node.operands[0]];
  const axes = numbers(node.attributes.axes);
  const repeated = range(types[side].shape.length).filter((axis) => !axes.includes(axis));
  const batch = numbers(attributes[`${mine}_batch`]);
  const dropped = batch.map((axis) => repeated.includes(axis));
  const onlyBatch = repeated.length > 0 && repeated.every((axis) => batch.includes(axis)) &&
    axes.every((axis, i) => e.solver.equal(source.shape[i], types[side].shape[axis]));
  if (!onlyBatch) return undefined;
  const kept = (list: Attribute) => numbers(list).filter((_, i) => !dropped[i]);
  const changed: Attributes = {
    ...attributes,
    [`${mine}_batch`]: kept(attributes[`${mine}_batch`]).map((axis) => axes.indexOf(axis)),
    [`${mine}_contract`]: numbers(attributes[`${mine}_contract`]).map((axis) => axes.indexOf(axis)),
    [`${other}_batch`]: kept(attributes[`${other}_batch`]),
  };
  const made = e.make("dot", operands.map((operand, i) => i === side ? node.operands[0] : operand), changed);
  const permutation = backInOrder(site, changed, side === 0 ? source : types[0], side === 1 ? source : types[1]);
  return e.make("transpose", [made], { permutation });
};

/** The permutation that puts the axes of a dot with fewer batch axes where they were. */
const backInOrder = (site: Site, changed: Attributes, x: TensorType, y: TensorType): ReadonlyArray<number> => {
  const axesOf = (attributes: Attributes, types: ReadonlyArray<TensorType>, side: 0 | 1): ReadonlyArray<string> =>
    freeOf(types[side], attributes, SIDES[side]).map((axis) => `${side}.${axis}`);
  const before: ReadonlyArray<TensorType> = site.types;
  const after: ReadonlyArray<TensorType> = [x, y];
  const narrow = before[0].shape.length === after[0].shape.length ? 1 : 0;
  const wide = 1 - narrow;
  const wideBatch = numbers(site.attributes[`${SIDES[wide]}_batch`]);
  const names = (attributes: Attributes, types: ReadonlyArray<TensorType>) => {
    const batch = numbers(attributes[`${SIDES[wide]}_batch`]).map((axis) => `${wide}.${axis}`);
    return [...batch, ...axesOf(attributes, types, 0), ...axesOf(attributes, types, 1)];
  };
  // Free axes of the narrow side are named by their rank among them, which the folding keeps.
  const ranked = (list: ReadonlyArray<string>): ReadonlyArray<string> => {
    let next = 0;
    return list.map((name) => name.startsWith(`${narrow}.`) ? `${narrow}#${next++}` : name);
  };
  const [wanted, given] = [ranked(names(site.attributes, before)), ranked(names(changed, after))];
  void wideBatch;
  return wanted.map((name) => given.indexOf(name));
};

const widenedOperands = (site: Site): number | undefined => {
  const { e, operands, attributes } = site;
  const [x, y] = operands.map((operand) => e.madeBy(operand, "cast"));
  if (x === undefined || y === undefined) return undefined;
  const [a, b] = [x, y].map((node) => e.types[node.operands[0]].dtype);
  const to = site.types[0].dtype;
  // Both kinds multiply the same numbers and round or wrap once, at the end.
  // Bools do not multiply.
  const isSame = a === b && a !== "bool" && embeds(a, to) && isFloat(a) === isFloat(to) &&
    embeds(a, attributes.accumulate as string);
  return isSame ? e.make(site.op, [x.operands[0], y.operands[0]], attributes) : undefined;
};

/** The transpose of a product is the product of the transposes' other way round. */
const transposedProduct = (site: Site): number | undefined => {
  const { e, operands, attributes } = site;
  const dot = e.madeBy(operands[0], "dot");
  if (dot === undefined || !e.isUsedOnce(operands[0])) return undefined;
  const [x, y] = dot.operands.map((operand) => e.types[operand]);
  const [xFree, yFree] = [freeOf(x, dot.attributes, "x").length, freeOf(y, dot.attributes, "y").length];
  const batch = numbers(dot.attributes.x_batch).length;
  const swapped = [
    ...range(batch),
    ...range(yFree).map((i) => batch + xFree + i),
    ...range(xFree).map((i) => batch + i),
  ];
  if (!swapped.every((axis, i) => numbers(attributes.permutation)[i] === axis)) return undefined;
  const { x_batch, y_batch, x_contract, y_contract, accumulate } = dot.attributes;
  return e.make("dot", dot.operands.toReversed(), {
    x_batch: y_batch,
    y_batch: x_batch,
    x_contract: y_contract,
    y_contract: x_contract,
    accumulate,
  });
};

/** Whether elements may be combined in any order. */
const isFreeOrder = (op: Attribute, { dtype }: TensorType): boolean => !isFloat(dtype) || op === "max" || op === "min";

const reduceOfTranspose = (site: Site): number | undefined => {
  const { e, operands, types, attributes } = site;
  const node = e.madeBy(operands[0], "transpose");
  if (node === undefined) return undefined;
  const permutation = numbers(node.attributes.permutation);
  const axes = numbers(attributes.axes);
  const [taken, kept] = [axes, range(permutation.length).filter((axis) => !axes.includes(axis))]
    .map((list) => list.map((axis) => permutation[axis]));
  if (!isSorted(taken) && !isFreeOrder(attributes.op, types[0])) return undefined;
  const made = e.make("reduce", node.operands, { op: attributes.op, axes: [...taken].sort((a, b) => a - b) });
  const order = [...kept].sort((a, b) => a - b);
  return e.make("transpose", [made], { permutation: kept.map((axis) => order.indexOf(axis)) });
};

const reduceOfReduce = (site: Site): number | undefined => {
  const { e, operands, types, attributes } = site;
  const node = e.madeBy(operands[0], "reduce");
  if (node === undefined || node.attributes.op !== attributes.op || !isFreeOrder(attributes.op, types[0])) {
    return undefined;
  }
  const inner = numbers(node.attributes.axes);
  const left = range(e.types[node.operands[0]].shape.length).filter((axis) => !inner.includes(axis));
  const axes = [...inner, ...numbers(attributes.axes).map((axis) => left[axis])].sort((a, b) => a - b);
  return e.make("reduce", node.operands, { op: attributes.op, axes });
};

const isPositive = (size: Dimension): boolean => typeof size === "number" && size > 0;

/** An extremum over repeated elements is one over the elements, where there is one at all. */
const reduceOfBroadcast = (site: Site): number | undefined => {
  const { e, operands, types, attributes, results } = site;
  const node = e.madeBy(operands[0], "broadcast");
  const { op } = attributes;
  if (node === undefined || !["max", "min", "any", "all"].includes(op as string)) return undefined;
  const axes = numbers(node.attributes.axes);
  const source = e.types[node.operands[0]];
  const taken = numbers(attributes.axes);
  const isRepeated = (axis: number): boolean =>
    !axes.includes(axis) || (source.shape[axes.indexOf(axis)] === 1 && types[0].shape[axis] !== 1);
  if (!taken.every((axis) => isRepeated(axis) && isPositive(types[0].shape[axis]))) return undefined;
  const ones = axes.flatMap((axis, i) => taken.includes(axis) ? [i] : []);
  const narrow = ones.length === 0
    ? node.operands[0]
    : e.make("reshape", node.operands, { shape: source.shape.filter((_, i) => !ones.includes(i)) });
  const left = range(types[0].shape.length).filter((axis) => !taken.includes(axis));
  const into = axes.filter((axis) => !taken.includes(axis)).map((axis) => left.indexOf(axis));
  return e.make("broadcast", [narrow], { shape: results[0].shape, axes: into });
};

const negatedOperand = (site: Site): number | undefined => {
  const { e, operands, attributes } = site;
  const [x, y] = operands.map((operand): Node | undefined => e.madeBy(operand, "neg"));
  if (x === undefined || y === undefined || attributes.accumulate !== site.types[0].dtype) return undefined;
  return isFloat(site.types[0].dtype) ? e.make(site.op, [x.operands[0], y.operands[0]], attributes) : undefined;
};

const sumKinds = ({ op, attributes, types }: Site): boolean =>
  isFloat(types[0].dtype) && (op !== "reduce" || attributes.op === "sum");

/** A sum of negatives is the negative of the sum, but for the sign of zero. */
const sumOfNegatives = (site: Site, { fastMath }: PassOptions): number | undefined => {
  const { e, op, operands, attributes } = site;
  if (!fastMath || !sumKinds(site)) return undefined;
  const side = operands.findIndex((operand) => e.madeBy(operand, "neg") !== undefined);
  if (side < 0) return undefined;
  const plain = operands.map((operand, i) => i === side ? e.madeBy(operand)!.operands[0] : operand);
  return e.make("neg", [e.make(op, plain, attributes)]);
};

/** A sum of multiples is the multiple of the sum, but for rounding. */
const sumOfMultiples = (site: Site, { fastMath }: PassOptions): number | undefined => {
  const { e, operands, attributes, results: [type] } = site;
  const product = e.madeBy(operands[0], "mul");
  if (!fastMath || !sumKinds(site) || product === undefined) return undefined;
  const side = product.operands.findIndex((operand) => splatOf(e, operand) !== undefined);
  if (side < 0) return undefined;
  const factor = e.full(type, splatOf(e, product.operands[side])!);
  return e.make("mul", [e.make("reduce", [product.operands[1 - side]], attributes), factor]);
};

/** The rules. */
export const CONTRACTION_RULES: ReadonlyArray<Rule> = [
  { name: "dot with a transposed x", ops: ["dot"], apply: transposedOperand(0) },
  { name: "dot with a transposed y", ops: ["dot"], apply: transposedOperand(1) },
  { name: "dot with a broadcast x", ops: ["dot"], apply: broadcastBatch(0) },
  { name: "dot with a broadcast y", ops: ["dot"], apply: broadcastBatch(1) },
  { name: "dot or convolution of widened operands", ops: ["dot", "conv"], apply: widenedOperands },
  { name: "dot or convolution of two negatives", ops: ["dot", "conv"], apply: negatedOperand },
  { name: "transpose of a dot", ops: ["transpose"], apply: transposedProduct },
  { name: "sum of negatives", ops: ["reduce", "dot", "conv"], apply: sumOfNegatives },
  { name: "sum of multiples", ops: ["reduce"], apply: sumOfMultiples },
  { name: "reduction of a transpose", ops: ["reduce"], apply: reduceOfTranspose },
  { name: "reduction of a reduction", ops: ["reduce"], apply: reduceOfReduce },
  { name: "extremum of a broadcast", ops: ["reduce"], apply: reduceOfBroadcast },
];
