/**
 * Fusion: which nodes may be computed in one kernel, and the statements of such a kernel.
 *
 * Not the choice among what is allowed (schedule.ts).
 * Legality: members have one iteration space — all elements, and (where they reduce) the rows that are left when the same
 * innermost axes are reduced; every member reads another one only at the element it is computing itself; a product may
 * have followers but nothing before it. Then running all members turn by turn is the same as one after the other.
 * Invariant: a group that `formOf` accepts and `isPointwise` confirms computes what its members say.
 *
 * @module
 */
import { type ConcreteType, isFloat } from "../../ir/library.ts";
import { type Affine, type Axis, axisIndex, eachAxis, flatIndex, splitIndex, stepOf } from "./affine.ts";
import { accumulatorOf, type Expressions } from "./expression.ts";
import {
  type Contraction,
  eachExpression,
  eachStatement,
  type Expression,
  expressionsOf,
  type FoldKind,
  type Local,
  type Loops,
  type Statement,
} from "./loops.ts";
import { identityOf, nested } from "./nests.ts";
import { isProduct, type Part, type Product, productOf, productParts } from "./products.ts";
import type { ConcreteNode } from "./specialise.ts";
import { type Place, placeIndex, type Values } from "./values.ts";

/** The iteration space of a group: sizes, which of them are reduced, and for products which part each belongs to. */
export interface Form {
  /** Sizes, none of them 1. */
  readonly shape: ReadonlyArray<number>;
  /** Whether each is reduced. */
  readonly reduced: ReadonlyArray<boolean>;
  /** Parts of a product. */
  readonly parts?: ReadonlyArray<Part>;
}

const countOf = (shape: ReadonlyArray<number>): number => shape.reduce((count, size) => count * size, 1);

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

const operandType = (values: Values, node: ConcreteNode): ConcreteType => values.region.types[node.operands[0]];

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
class Space {
  readonly axes: ReadonlyArray<Axis>;
  readonly full: Affine;
  readonly row: Affine;
  readonly column: Affine;
  readonly rowCount: number;

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

  get hasRows(): boolean {
    return this.form.reduced.includes(true);
  }

  axesWhere(reduced: boolean): ReadonlyArray<Axis> {
    return this.axes.filter((_, axis) => this.form.reduced[axis] === reduced);
  }

  /** Whether a member is computed once a row. */
  isRow(node: ConcreteNode): boolean {
    return this.hasRows && (node.op === "reduce" || countOf(node.results[0].shape) === this.rowCount) &&
      countOf(node.results[0].shape) === this.rowCount;
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

/** Work above which an element is kept for later passes over its row instead of being computed again. */
const KEEP_COST = 6;

/** What a group needs to know of its members. */
export interface Group {
  /** The members, each after what it uses. */
  readonly members: ReadonlyArray<ConcreteNode>;
  /** Places of the members that others use. */
  readonly places: ReadonlyMap<number, Place>;
  /** Work to compute an element of a value from what is stored. */
  readonly cost: (value: number) => number;
}

const lowerable = (node: ConcreteNode): FoldKind => node.attributes.op as FoldKind;

/** Builds the statements of a group over one iteration space. */
class GroupBuilder {
  private readonly space: Space;
  private readonly byValue: Map<number, ConcreteNode>;
  private readonly rowLocals = new Map<number, Local>();
  private readonly scratch = new Map<number, Place>();
  private readonly stages = new Map<number, number>();
  private stage = 0;
  private readonly pool: Expressions;

  constructor(private readonly values: Values, private readonly group: Group, form: Form) {
    this.pool = values.pool;
    this.space = new Space(values.pool, form);
    this.byValue = new Map(group.members.map((node) => [node.first, node]));
  }

  /** Members that a value's expression refers to directly. */
  private references(value: number, seen: Set<number> = new Set(), found: Set<number> = new Set()): Set<number> {
    const node = this.values.maker(value);
    for (const operand of node?.operands ?? []) {
      if (seen.has(operand)) continue;
      seen.add(operand);
      if (this.byValue.has(operand)) found.add(operand);
      else if (!this.values.places.has(operand)) this.references(operand, seen, found);
    }
    return found;
  }

  /** The pass in which a full member is computed, or before which a row member is known. */
  private assignStages(): number {
    let last = 0;
    for (const node of this.group.members) {
      let stage = 0;
      for (const value of this.references(node.first)) stage = Math.max(stage, this.stages.get(value)!);
      // A reduction is known one pass after the elements it folds.
      this.stages.set(node.first, node.op === "reduce" ? stage + 1 : stage);
      last = Math.max(last, stage);
    }
    return last;
  }

  private memberAt(value: number): Expression | undefined {
    const node = this.byValue.get(value);
    if (node === undefined) return undefined;
    const local = this.rowLocals.get(value);
    if (local !== undefined) return this.pool.get(local);
    const place = this.scratch.get(value) ?? this.keptPlace(node);
    if (place !== undefined && this.space.hasRows && this.stages.get(value)! < this.stage) {
      const at = place === this.scratch.get(value)
        ? this.space.column
        : placeIndex(place, splitIndex(this.space.full, node.results[0].shape));
      return this.pool.load(place.buffer, at);
    }
    return this.values.computed(value, splitIndex(this.space.flatOf(node), node.results[0].shape));
  }

  /** The place of a stored member that is dear enough to be read back. */
  private keptPlace(node: ConcreteNode): Place | undefined {
    return this.group.cost(node.first) > KEEP_COST ? this.group.places.get(node.first) : undefined;
  }

  private store(node: ConcreteNode, place: Place, value: Expression): Statement {
    const index = splitIndex(this.space.flatOf(node), node.results[0].shape);
    return { kind: "store", buffer: place.buffer, index: placeIndex(place, index), value };
  }

  /** Stores after all values are computed, where one of them overwrites what another reads. */
  private ordered(stores: ReadonlyArray<Statement>): ReadonlyArray<Statement> {
    const targets = new Set(stores.map((each) => each.kind === "store" ? each.buffer.id : -1));
    let overlaps = false;
    eachExpression(stores.flatMap(expressionsOf), (each) => {
      if (each.kind === "load") overlaps ||= targets.has(each.buffer.id);
    });
    if (!overlaps || stores.length === 1) return stores;
    const lets: Statement[] = [];
    const writes = stores.map((each): Statement => {
      if (each.kind !== "store") return each;
      const local = this.pool.local(each.value.dtype);
      lets.push({ kind: "let", local, value: each.value });
      return { ...each, value: this.pool.get(local) };
    });
    return [...lets, ...writes];
  }

  /** Stores of the elementwise members of one pass. */
  private passStores(nodes: ReadonlyArray<ConcreteNode>): ReadonlyArray<Statement> {
    return this.ordered(nodes.flatMap((node): ReadonlyArray<Statement> => {
      const place = this.group.places.get(node.first);
      const scratch = this.scratch.get(node.first);
      if (place === undefined && scratch === undefined) return [];
      const value = this.values.at(node.first, splitIndex(this.space.flatOf(node), node.results[0].shape));
      if (scratch !== undefined) {
        return [{ kind: "store", buffer: scratch.buffer, index: this.space.column, value }];
      }
      return [this.store(node, place!, value)];
    }));
  }

  private enter(stage: number): void {
    this.stage = stage;
    this.values.forget();
    this.values.hook = (value) => this.memberAt(value);
  }

  private leave(): void {
    this.values.hook = undefined;
    this.values.forget();
  }

  /** Elements that later passes need and that are too dear to compute twice get a row of their own. */
  private assignScratch(): void {
    for (const node of this.group.members) {
      if (this.space.isRow(node) || this.group.cost(node.first) <= KEEP_COST) continue;
      if (this.group.places.has(node.first)) continue;
      const stage = this.stages.get(node.first)!;
      const isLater = this.group.members.some((other) => {
        const uses = other.op === "reduce" ? this.stages.get(other.first)! - 1 : this.stages.get(other.first)!;
        return uses > stage && this.reaches(other.first, node.first);
      });
      if (!isLater) continue;
      const columns = countOf(this.space.form.shape.filter((_, axis) => this.space.form.reduced[axis]));
      const buffer = this.pool.buffer(node.results[0].dtype, columns, "scratch");
      this.scratch.set(node.first, { buffer, base: this.space.column, strides: [] });
    }
  }

  /** Whether a member's expression, members in between that are computed again included, comes to another. */
  private reaches(from: number, to: number, seen: Set<number> = new Set()): boolean {
    for (const value of this.references(from)) {
      if (value === to) return true;
      if (seen.has(value) || this.byValue.get(value)!.op === "reduce") continue;
      seen.add(value);
      if (this.reaches(value, to, seen)) return true;
    }
    return false;
  }

  private rowStatements(stage: number): ReadonlyArray<Statement> {
    const made: Statement[] = [];
    for (const node of this.group.members) {
      if (!this.space.isRow(node) || this.stages.get(node.first) !== stage) continue;
      const place = this.group.places.get(node.first);
      const { dtype } = node.results[0];
      if (node.op === "reduce") {
        const wide = this.rowLocals.get(node.first)!;
        if (wide.dtype !== dtype) {
          const local = this.pool.local(dtype);
          made.push({ kind: "let", local, value: this.pool.apply("cast", dtype, this.pool.get(wide)) });
          this.rowLocals.set(node.first, local);
        }
      } else {
        this.enter(stage);
        const local = this.pool.local(dtype);
        const value = this.values.computed(node.first, splitIndex(this.space.row, node.results[0].shape));
        made.push({ kind: "let", local, value });
        this.rowLocals.set(node.first, local);
        this.leave();
      }
      if (place !== undefined) made.push(this.store(node, place, this.pool.get(this.rowLocals.get(node.first)!)));
    }
    return made;
  }

  private pass(stage: number): ReadonlyArray<Statement> {
    const { members } = this.group;
    const full = members.filter((node) => !this.space.isRow(node) && this.stages.get(node.first) === stage);
    const folds = members.filter((node) => node.op === "reduce" && this.stages.get(node.first) === stage + 1);
    const lets: Statement[] = [];
    this.enter(stage);
    const accumulates = folds.map((node): Statement => {
      const { dtype, shape } = operandType(this.values, node);
      const value = this.values.at(node.operands[0], splitIndex(this.space.full, shape));
      const local = this.pool.local(accumulatorOf(dtype));
      const fold = lowerable(node);
      lets.push({ kind: "let", local, value: identityOf(this.pool, fold, local.dtype) });
      this.rowLocals.set(node.first, local);
      return { kind: "accumulate", local, fold, value: this.pool.apply("cast", local.dtype, value) };
    });
    const stores = this.passStores(full);
    this.leave();
    if (stores.length + accumulates.length === 0) return [];
    return [...lets, ...nested(this.space.axesWhere(true), "reduce", [...stores, ...accumulates])];
  }

  /** Loops over rows and, inside, one pass after the other over each row. */
  rows(): Loops {
    const last = this.assignStages();
    this.assignScratch();
    const body: Statement[] = [];
    for (let stage = 0; stage <= last; stage++) {
      body.push(...this.rowStatements(stage), ...this.pass(stage));
    }
    body.push(...this.rowStatements(last + 1));
    return { kind: "loops", body: nested(this.space.axesWhere(false), "parallel", body) };
  }

  /** One loop nest over all elements. */
  flat(): Loops {
    this.group.members.forEach((node) => this.stages.set(node.first, 0));
    this.enter(0);
    const stores = this.passStores(this.group.members);
    this.leave();
    return { kind: "loops", body: nested(this.space.axes, "parallel", stores) };
  }

  /** A product and what follows each of its elements. */
  product(): Contraction {
    const node = this.group.members.find(({ op }) => isProduct(op))!;
    const parts = this.space.form.parts!;
    const index = splitIndex(this.space.full, node.results[0].shape);
    const product: Product = productOf(this.values, node, index);
    const accumulator = this.pool.local(product.dtype);
    const { dtype } = node.results[0];
    const result = this.pool.apply("cast", dtype, this.pool.get(accumulator));
    this.group.members.forEach((member) => this.stages.set(member.first, 0));
    this.stage = 0;
    this.values.forget();
    this.values.hook = (value) => value === node.first ? result : this.memberAt(value);
    const epilogue = this.passStores(this.group.members);
    this.leave();
    const axes = (part: Part): ReadonlyArray<Axis> => this.space.axes.filter((_, axis) => parts[axis] === part);
    return {
      kind: "contraction",
      batch: axes("batch"),
      rows: axes("rows"),
      columns: axes("columns"),
      sum: product.sum.filter(({ extent }) => extent !== 1),
      left: product.left,
      right: product.right,
      accumulator,
      epilogue,
    };
  }

  build(): Loops | Contraction {
    if (this.space.form.parts !== undefined) return this.product();
    return this.space.hasRows ? this.rows() : this.flat();
  }

  get axes(): ReadonlyArray<Axis> {
    return this.space.axes;
  }
}

const indicesOf = (work: Loops | Contraction): ReadonlyArray<Affine> => {
  const found: Affine[] = [];
  const statements = work.kind === "loops" ? work.body : work.epilogue;
  const roots: Expression[] = work.kind === "loops" ? [] : [work.left, work.right];
  eachStatement(statements, (statement) => {
    if (statement.kind === "store") found.push(statement.index);
    roots.push(...expressionsOf(statement));
  });
  eachExpression(roots, (each) => {
    if (each.kind === "load" || each.kind === "index") found.push(each.index);
  });
  return found;
};

/** Whether two neighbouring axes always move as one. */
const canJoin = (indices: ReadonlyArray<Affine>, outer: Axis, inner: Axis): boolean =>
  indices.every((index) => {
    const [a, b] = [stepOf(index, outer), stepOf(index, inner)];
    return a !== undefined && b !== undefined && a === b * inner.extent;
  });

/** The same space with neighbouring axes joined where no index tells them apart. */
const joined = (form: Form, axes: ReadonlyArray<Axis>, indices: ReadonlyArray<Affine>): Form => {
  const shape: number[] = [];
  const reduced: boolean[] = [];
  const parts: Part[] = [];
  axes.forEach((axis, i) => {
    const sameKind = i > 0 && form.reduced[i] === form.reduced[i - 1] && form.parts?.[i] === form.parts?.[i - 1];
    if (sameKind && canJoin(indices, axes[i - 1], axis)) {
      shape[shape.length - 1] *= axis.extent;
      return;
    }
    shape.push(axis.extent);
    reduced.push(form.reduced[i]);
    if (form.parts !== undefined) parts.push(form.parts[i]);
  });
  return { shape, reduced, ...(form.parts === undefined ? {} : { parts }) };
};

/** The work of a group: axes are joined where possible. */
export const buildGroup = (values: Values, group: Group, form: Form): Loops | Contraction => {
  const builder = new GroupBuilder(values, group, form);
  const work = builder.build();
  const better = joined(form, builder.axes, indicesOf(work));
  if (better.shape.length === form.shape.length) return work;
  return new GroupBuilder(values, group, better).build();
};

/** Whether a sum of a dtype depends on the order of its terms. */
export const isOrdered = (work: Loops): boolean => {
  let found = false;
  eachStatement(work.body, (statement) => {
    if (statement.kind === "accumulate") found ||= isFloat(statement.local.dtype);
  });
  return found;
};

/** Axes that an expression depends on. */
export const axesOf = (expression: Expression): ReadonlySet<number> => {
  const found = new Set<number>();
  eachExpression([expression], (each) => {
    if (each.kind === "load" || each.kind === "index") eachAxis(each.index, ({ id }) => found.add(id));
  });
  return found;
};
