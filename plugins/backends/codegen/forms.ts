/**
 * Forms: the iteration space that nodes share, and whether they may share one: the legality of fusion.
 *
 * Not the statements (fusion.ts) and not the choice among what is allowed (grouping.ts).
 * Legality: members have one iteration space — all elements, and (where they reduce) the rows that are left when the same
 * innermost axes are reduced; every member reads another one only at the element it is computing itself; a product may
 * have followers but nothing before it. Then running all members turn by turn is the same as one after the other.
 * Invariant: a form's axes refine the axes of all members, so each member's index is made of them.
 *
 * @module
 */
import type { ConcreteType } from "../../ir/library.ts";
import { type Affine, type Axis, axisIndex, flatIndex, splitIndex } from "./affine.ts";
import type { Expressions } from "./expression.ts";
import type { Expression } from "./loops.ts";
import { isProduct, type Part, productParts } from "./products.ts";
import type { ConcreteNode } from "./specialise.ts";
import type { Values } from "./values.ts";

/** The iteration space of a group: sizes, which of them are reduced, and for products which part each belongs to. */
export interface Form {
  /** Sizes, none of them 1. */
  readonly shape: ReadonlyArray<number>;
  /** Whether each is reduced. */
  readonly reduced: ReadonlyArray<boolean>;
  /** Parts of a product. */
  readonly parts?: ReadonlyArray<Part>;
}

/** Elements of a shape. */
export const countOf = (shape: ReadonlyArray<number>): number => shape.reduce((count, size) => count * size, 1);

/** Number of elements that follow each axis, from the outermost, for shapes without axes of 1. */
const boundaries = (shape: ReadonlyArray<number>): ReadonlyArray<number> => {
  const made: number[] = [];
  let step = 1;
  for (const size of shape.toReversed()) {
    if (size !== 1) made.push(step *= size);
  }
  return made;
};

/** The coarsest shape that every one of some shapes with equally many elements is a joining of. */
export const refine = (shapes: ReadonlyArray<ReadonlyArray<number>>): ReadonlyArray<number> | undefined => {
  const cuts = [...new Set(shapes.flatMap(boundaries))].sort((a, b) => a - b);
  const sizes: number[] = [];
  let before = 1;
  for (const cut of cuts) {
    if (cut % before !== 0) return undefined;
    sizes.push(cut / before);
    before = cut;
  }
  return sizes.reverse();
};

/** Axes that a reduction takes away; the innermost ones, or undefined where others are among them. */
const reducedAxes = (node: ConcreteNode): ReadonlyArray<number> => node.attributes.axes as ReadonlyArray<number>;

/** Type of the first operand of a node. */
export const operandType = (values: Values, node: ConcreteNode): ConcreteType => values.region.types[node.operands[0]];

/** Whether a reduction is of the innermost elements, so that rows are contiguous. */
export const reducesRows = (values: Values, node: ConcreteNode): boolean => {
  const { shape } = operandType(values, node);
  const axes = reducedAxes(node);
  const first = shape.findIndex((size, axis) => size !== 1 && axes.includes(axis));
  return shape.every((size, axis) => size === 1 || axis < first || axes.includes(axis));
};

const soloReduction = (values: Values, node: ConcreteNode): Form => {
  const { shape } = operandType(values, node);
  const kept = shape.flatMap((size, axis) => size === 1 ? [] : [{ size, reduced: reducedAxes(node).includes(axis) }]);
  return { shape: kept.map(({ size }) => size), reduced: kept.map(({ reduced }) => reduced) };
};

const productForm = (
  values: Values,
  node: ConcreteNode,
  others: ReadonlyArray<ReadonlyArray<number>>,
): Form | undefined => {
  const own = productParts(node, values);
  const shape = refine([own.shape, ...others]);
  if (shape === undefined) return undefined;
  const parts: Part[] = [];
  // Refined axes are inside one axis of the product each, as its boundaries are among theirs.
  const cuts: number[] = [];
  let step = 1;
  for (const size of own.shape.toReversed()) cuts.unshift(step *= size);
  step = countOf(own.shape);
  for (const size of shape) {
    const axis = cuts.findLastIndex((cut, at) => cut >= step && own.shape[at] !== 1);
    parts.push(own.parts[axis]);
    step /= size;
  }
  return { shape, reduced: shape.map(() => false), parts };
};

/** The iteration space that some nodes share; undefined where they have none in common. */
export const formOf = (values: Values, members: ReadonlyArray<ConcreteNode>): Form | undefined => {
  const shapes = members.map((node) => node.results[0].shape);
  const product = members.find(({ op }) => isProduct(op));
  if (product !== undefined) {
    const count = countOf(product.results[0].shape);
    if (members.some(({ op }, i) => op === "reduce" || countOf(shapes[i]) !== count)) return undefined;
    if (members.filter(({ op }) => isProduct(op)).length > 1) return undefined;
    return productForm(values, product, shapes);
  }
  const reductions = members.filter(({ op }) => op === "reduce");
  if (reductions.length === 0) {
    const count = countOf(shapes[0]);
    if (shapes.some((shape) => countOf(shape) !== count)) return undefined;
    const shape = refine(shapes);
    return shape && { shape, reduced: shape.map(() => false) };
  }
  if (members.length === 1) return soloReduction(values, reductions[0]);
  const full = countOf(operandType(values, reductions[0]).shape);
  const rows = countOf(reductions[0].results[0].shape);
  if (full === rows || full === 0 || !reductions.every((node) => reducesRows(values, node))) return undefined;
  const all: Array<ReadonlyArray<number>> = [];
  for (const node of members) {
    const level = node.op === "reduce" ? operandType(values, node).shape : node.results[0].shape;
    const count = countOf(level);
    const isRow = node.op !== "reduce" && count === rows;
    if (node.op === "reduce" && countOf(node.results[0].shape) !== rows) return undefined;
    if (!isRow && count !== full) return undefined;
    all.push(isRow ? [...level, full / rows] : [rows, full / rows], isRow ? [full] : level);
  }
  const shape = refine(all);
  if (shape === undefined) return undefined;
  let step = full;
  const reduced = shape.map((size) => {
    const inside = step <= full / rows;
    step /= size;
    return inside;
  });
  return { shape, reduced };
};

/** The indices of an iteration space. */
export class Space {
  /** One axis for each size. */
  readonly axes: ReadonlyArray<Axis>;
  /** Position among all elements. */
  readonly full: Affine;
  /** Position among rows. */
  readonly row: Affine;
  /** Position within a row. */
  readonly column: Affine;
  /** How many rows. */
  readonly rowCount: number;

  /** New axes for a form. */
  constructor(pool: Expressions, readonly form: Form) {
    this.axes = form.shape.map((size) => pool.axis(size));
    const flat = (kept: (axis: number) => boolean): Affine => {
      const chosen = this.axes.filter((_, axis) => kept(axis));
      return flatIndex(chosen.map(axisIndex), chosen.map(({ extent }) => extent));
    };
    this.full = flat(() => true);
    this.row = flat((axis) => !form.reduced[axis]);
    this.column = flat((axis) => form.reduced[axis]);
    this.rowCount = countOf(form.shape.filter((_, axis) => !form.reduced[axis]));
  }

  /** Whether something is reduced. */
  get hasRows(): boolean {
    return this.form.reduced.includes(true);
  }

  /** Axes that are, or are not, reduced. */
  axesWhere(reduced: boolean): ReadonlyArray<Axis> {
    return this.axes.filter((_, axis) => this.form.reduced[axis] === reduced);
  }

  /** Whether a member is computed once a row. */
  isRow(node: ConcreteNode): boolean {
    return this.hasRows && countOf(node.results[0].shape) === this.rowCount;
  }

  /** Position of the element of a member that a turn computes. */
  flatOf(node: ConcreteNode): Affine {
    return this.isRow(node) ? this.row : this.full;
  }
}

/** Whether every member reads the others only at the element it is computing. */
export const isPointwise = (
  values: Values,
  members: ReadonlyArray<ConcreteNode>,
  form: Form,
  isOutside: (value: number) => boolean,
): boolean => {
  const space = new Space(values.pool, form);
  const byValue = new Map(members.map((node) => [node.first, node]));
  const stand = new Map<number, Expression>();
  let agrees = true;
  values.forget();
  values.hook = (value, index) => {
    const node = byValue.get(value);
    if (node === undefined) {
      return isOutside(value) ? values.pool.zero(values.region.types[value].dtype) : undefined;
    }
    agrees &&= flatIndex(index, node.results[0].shape).key === space.flatOf(node).key;
    const known = stand.get(value) ?? values.pool.get(values.pool.local(node.results[0].dtype));
    stand.set(value, known);
    return known;
  };
  for (const node of members) {
    if (!agrees || isProduct(node.op)) continue;
    if (node.op === "reduce") values.at(node.operands[0], splitIndex(space.full, operandType(values, node).shape));
    else values.computed(node.first, splitIndex(space.flatOf(node), node.results[0].shape));
  }
  values.hook = undefined;
  values.forget();
  return agrees;
};
