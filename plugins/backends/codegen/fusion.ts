/**
 * Fusion: the statements of a kernel that computes several nodes.
 *
 * Not legality (forms.ts) and not the choice among what is allowed (grouping.ts).
 * Invariant: a group that `formOf` accepts and `isPointwise` confirms computes what its members say.
 *
 * @module
 */
import { type Affine, type Axis, splitIndex, stepOf } from "./affine.ts";
import { accumulatorOf, type Expressions } from "./expression.ts";
import { countOf, type Form, operandType, Space } from "./forms.ts";
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
import { identityOf, nested } from "./nest.ts";
import { isProduct, type Part, type Product, productOf } from "./products.ts";
import type { ConcreteNode } from "./specialise.ts";
import { type Place, placeIndex, type Values } from "./values.ts";

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
      ...(product.window === undefined ? {} : { window: product.window }),
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
