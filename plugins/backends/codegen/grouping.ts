/**
 * Grouping: what is computed where it is used, what has a kernel, and which nodes share one.
 *
 * Not legality (forms.ts says what may be joined) and not the kernels (schedule.ts).
 * Policy: views, cheap values and values with one reader are computed where they are read. What is read by products,
 * windows, sorts or control is stored. Kernels are joined from the first node to the last, each with the kernels it
 * reads, wherever that is legal.
 * Invariant: units never depend on each other in a circle.
 *
 * @module
 */
import type { Tensor } from "../../ir/library.ts";
import { Expressions } from "./expression.ts";
import { countOf, formOf, isPointwise, reducesRows } from "./forms.ts";
import type { Buffer, Statement, Step } from "./loops.ts";
import { literal } from "./affine.ts";
import { densePlace } from "./nest.ts";
import { NESTS, READ_ONCE } from "./nests.ts";
import { isProduct } from "./products.ts";
import { type ConcreteNode, isRegionNode, type Region } from "./specialise.ts";
import { isElementwise, isUniform, isView, type Place, Values } from "./values.ts";

/** Work of an operation on one element, in additions; all others count 1. */
const WORK: { readonly [op: string]: number } = {
  div: 4,
  sqrt: 4,
  rem: 20,
  exp: 16,
  expm1: 20,
  log: 16,
  log1p: 20,
  sin: 20,
  cos: 20,
  tanh: 20,
  logistic: 20,
  erf: 24,
  pow: 40,
  random: 40,
  constant: 0,
  iota: 0,
  dimension: 0,
};

/** Up to this work a value with several readers is computed by each of them. */
const CHEAP = 3;

/** The same for bools, which take a byte in memory and slow vector loops down. */
const CHEAP_BOOL = 12;

/** From this work on, a value is stored before it is repeated along new axes. */
const DEAR_TO_REPEAT = 16;

/** Most nodes that the expressions of one kernel are made of together. */
const MAX_GROUP = 512;

/** Most nodes that one expression is made of. */
const MAX_TREE = 96;

/** Steps of a row-major shape. */
export const denseStrides = (shape: ReadonlyArray<number>): ReadonlyArray<number> =>
  densePlace({} as Buffer, shape).strides;

/** A set of nodes that become one kernel, or a nest or control node alone. */
export type Unit = { readonly nodes: ConcreteNode[]; readonly kind: "group" | "nest" | "control" };
/** Where a region's parameters lie and its results must. */
export type Frame = {
  readonly parameters: ReadonlyArray<Place>;
  readonly targets: ReadonlyArray<Place>;
  /** Results that overwrite a parameter. */
  readonly state: ReadonlyMap<number, number>;
};

/** Adds a copy of every returned value that no kernel of the region can put into its target itself. */
const withCopies = (
  region: Region,
  frame: Frame,
): { readonly region: Region; readonly copies: ReadonlySet<number> } => {
  const makers = new Map(region.nodes.flatMap((node) => node.results.map((_, i) => [node.first + i, node] as const)));
  const types = [...region.types];
  const nodes = [...region.nodes];
  const copies = new Set<number>();
  const claimed = new Set<number>();
  const returns = region.returns.map((value, at) => {
    const maker = makers.get(value);
    if (maker === undefined && frame.state.get(at) === value) return value;
    if (maker !== undefined && !isView(maker.op) && maker.op !== "constant" && !claimed.has(value)) {
      claimed.add(value);
      return value;
    }
    const first = types.length;
    types.push(types[value]);
    nodes.push({
      op: "stop_gradient",
      operands: [value],
      attributes: {},
      results: [types[value]],
      first,
      regions: [],
      path: "",
    });
    copies.add(first);
    return first;
  });
  return { region: { ...region, types, nodes, returns }, copies };
};
/** What the regions of one program share. */
export class Context {
  /** Makes expressions. */
  readonly pool = new Expressions();
  private readonly constants = new Map<Tensor, Place>();

  /** Where a constant lies. */
  constantPlace(tensor: Tensor): Place {
    const known = this.constants.get(tensor) ??
      densePlace(this.pool.buffer(tensor.dtype, tensor.data.length, "constant", tensor), tensor.shape);
    this.constants.set(tensor, known);
    return known;
  }

  /** A buffer whose first element is a scalar's: its own, or a copy where it lies inside another. */
  scalar(place: Place, steps: Step[]): Buffer {
    if (place.base.key === "0") return place.buffer;
    const { pool } = this;
    const buffer = pool.buffer(place.buffer.dtype, 1, "temporary");
    const value = pool.load(place.buffer, place.base);
    const body: Statement[] = [{ kind: "store", buffer, index: literal(0), value }];
    steps.push({ kind: "kernel", name: "copy", nodes: 0, flops: 0, work: { kind: "loops", body } });
    return buffer;
  }
}
/** Groups the nodes of one region. */
export class Grouping {
  /** Elements of the values. */
  protected readonly values: Values;
  /** The region, copies of returned views added. */
  protected readonly region: Region;
  /** Nodes that read a value. */
  protected readonly readers = new Map<number, Set<ConcreteNode>>();
  /** Nodes that have a kernel: by first result. */
  protected readonly items = new Map<number, ConcreteNode>();
  /** The unit of each item. */
  protected readonly units = new Map<number, Unit>();
  /** Items that each item reads. */
  protected readonly needs = new Map<number, ReadonlySet<number>>();
  private readonly costs = new Map<number, number>();
  private readonly trees = new Map<number, number>();
  /** Nodes that only copy a returned value. */
  protected readonly copies: ReadonlySet<number>;
  /** Units that must run before a unit besides those it reads. */
  protected readonly before = new Map<Unit, Set<Unit>>();

  /** Looks at a region; nothing is grouped yet. */
  constructor(protected readonly context: Context, given: Region, protected readonly frame: Frame) {
    const { region, copies } = withCopies(given, frame);
    this.region = region;
    this.copies = copies;
    this.values = new Values(context.pool, region);
    frame.parameters.forEach((place, value) => this.values.places.set(value, place));
    for (const node of region.nodes) {
      for (const operand of node.operands) {
        const readers = this.readers.get(operand) ?? new Set();
        this.readers.set(operand, readers.add(node));
      }
      if (node.op !== "constant") continue;
      const tensor = node.attributes.value as Tensor;
      if (tensor.data.length > 0 && isUniform(tensor)) continue;
      this.values.places.set(node.first, context.constantPlace(tensor));
    }
  }

  /** A value below its views. */
  private base(value: number): number {
    for (let at = value;;) {
      const node = this.values.maker(at);
      if (node === undefined || !isView(node.op) || this.copies.has(at)) return at;
      at = node.operands[0];
    }
  }

  /** Nodes that read a value, views of it looked through. */
  private realReaders(value: number, found: Set<ConcreteNode> = new Set()): Set<ConcreteNode> {
    for (const node of this.readers.get(value) ?? []) {
      if (isView(node.op) && !this.copies.has(node.first)) this.realReaders(node.first, found);
      else found.add(node);
    }
    return found;
  }

  /** Whether some reader sees a value repeated along new axes or at computed places. */
  private isRepeated(value: number): boolean {
    const count = countOf(this.region.types[value].shape);
    const walk = (at: number): boolean =>
      [...this.readers.get(at) ?? []].some((node) => {
        if (node.op === "gather" || node.op === "take_along") return node.operands[0] === at;
        if (!isView(node.op)) return false;
        return countOf(node.results[0].shape) > count || walk(node.first);
      });
    return walk(value);
  }

  /** Work of a node itself on one element. */
  private ownWork(node: ConcreteNode): number {
    return isView(node.op) ? 0 : WORK[node.op] ?? 1;
  }

  /** Work to compute an element from what is stored. */
  protected costOf(value: number): number {
    return this.costs.get(value) ?? 0;
  }

  /** Notes the work and the size of an expression of a node. */
  private measure(node: ConcreteNode): void {
    const inner = (of: Map<number, number>, operand: number) =>
      this.items.has(operand) || this.values.places.has(operand) ? 0 : of.get(operand) ?? 0;
    const sum = (of: Map<number, number>, own: number) =>
      node.operands.reduce((total, operand) => total + inner(of, operand), own);
    this.costs.set(node.first, sum(this.costs, this.ownWork(node)));
    this.trees.set(node.first, sum(this.trees, 1));
  }

  /** Whether an elementwise node gets a kernel of its own, to be joined or not. */
  private isForced(node: ConcreteNode, stored: ReadonlySet<number>): boolean {
    if (this.copies.has(node.first) || stored.has(node.first)) return true;
    if (isView(node.op) || this.values.places.has(node.first)) return false;
    const cost = this.costOf(node.first);
    if (this.trees.get(node.first)! > MAX_TREE) return true;
    if (cost >= DEAR_TO_REPEAT && this.isRepeated(node.first)) return true;
    const limit = node.results[0].dtype === "bool" ? CHEAP_BOOL : CHEAP;
    return cost > limit && this.realReaders(node.first).size > 1;
  }

  /** Values that must be stored because of who reads them. */
  private storedValues(): ReadonlySet<number> {
    const stored = new Set<number>(this.region.returns);
    for (const node of this.region.nodes) {
      if (isElementwise(node.op) || node.op === "reduce") continue;
      node.operands.forEach((operand, i) => {
        if (!(READ_ONCE[node.op]?.includes(i) ?? false)) stored.add(this.base(operand));
      });
    }
    return stored;
  }

  /** Decides which nodes have kernels. */
  protected chooseItems(): void {
    const stored = this.storedValues();
    for (const node of this.region.nodes) {
      this.measure(node);
      const isItem = isElementwise(node.op) ? this.isForced(node, stored) : true;
      if (!isItem || (this.values.places.has(node.first) && isElementwise(node.op))) continue;
      this.items.set(node.first, node);
      node.results.forEach((_, i) => this.items.set(node.first + i, node));
      const kind = isRegionNode(node.op) ? "control" : Object.hasOwn(NESTS, node.op) ? "nest" : "group";
      this.units.set(node.first, { nodes: [node], kind });
      this.needs.set(node.first, this.itemsBelow(node));
    }
  }

  /** First results of the items a node reads, through what is computed on the way. */
  private itemsBelow(node: ConcreteNode): ReadonlySet<number> {
    const found = new Set<number>();
    const seen = new Set<number>();
    const walk = (value: number): void => {
      if (seen.has(value)) return;
      seen.add(value);
      const item = this.items.get(value);
      if (item !== undefined) found.add(item.first);
      else this.values.maker(value)?.operands.forEach(walk);
    };
    node.operands.forEach(walk);
    return found;
  }

  /** Whether a unit reads a parameter of the region. */
  protected readsParameter(unit: Unit, parameter: number): boolean {
    const seen = new Set<number>();
    const walk = (value: number): boolean => {
      if (value === parameter) return true;
      if (seen.has(value) || this.items.has(value)) return false;
      seen.add(value);
      return this.values.maker(value)?.operands.some(walk) ?? false;
    };
    return unit.nodes.some((node) => node.operands.some(walk));
  }

  /** Units that must run before a unit. */
  protected unitsBelow(unit: Unit): ReadonlySet<Unit> {
    const found = new Set<Unit>(this.before.get(unit));
    for (const node of unit.nodes) for (const need of this.needs.get(node.first)!) found.add(this.units.get(need)!);
    found.delete(unit);
    return found;
  }

  /** Whether one unit comes, over others, to depend on another; the first step may be restricted. */
  protected dependsOn(from: Unit, to: Unit, through: (unit: Unit) => boolean = () => true): boolean {
    // Nodes read earlier ones only, so nothing before the first node of `to` leads there, unless an order was added.
    const first = this.before.size > 0 ? -1 : to.nodes[0].first;
    const seen = new Set<Unit>();
    const open = [...this.unitsBelow(from)].filter(through);
    for (let unit = open.pop(); unit !== undefined; unit = open.pop()) {
      if (unit === to) return true;
      if (seen.has(unit) || unit.nodes[unit.nodes.length - 1].first < first) continue;
      seen.add(unit);
      open.push(...this.unitsBelow(unit));
    }
    return false;
  }

  /** Joins two units where that is legal and makes no circle. */
  private tryJoin(first: Unit, second: Unit): Unit | undefined {
    if (first.kind !== "group" || second.kind !== "group") return undefined;
    const nodes = [...first.nodes, ...second.nodes].sort((a, b) => a.first - b.first);
    if (nodes.some(({ results }) => countOf(results[0].shape) === 0)) return undefined;
    if (nodes.reduce((sum, node) => sum + this.trees.get(node.first)!, 0) > MAX_GROUP) return undefined;
    const folds = nodes.filter(({ op }) => op === "reduce");
    if (nodes.length > 1 && folds.some((node) => !reducesRows(this.values, node))) return undefined;
    const members = new Set(nodes.map((node) => node.first));
    const isFed = nodes.some((node) =>
      isProduct(node.op) && [...this.needs.get(node.first)!].some((need) => members.has(need))
    );
    const form = isFed ? undefined : formOf(this.values, nodes);
    if (form === undefined) return undefined;
    const isAround = this.dependsOn(second, first, (below) => below !== first) ||
      this.dependsOn(first, second, (below) => below !== second);
    if (isAround || !isPointwise(this.values, nodes, form, (value) => this.items.has(value))) return undefined;
    const joined: Unit = { nodes, kind: "group" };
    nodes.forEach((node) => this.units.set(node.first, joined));
    return joined;
  }

  /** Joins units wherever that is legal, from the first node to the last. */
  protected joinUnits(): void {
    for (const node of this.region.nodes) {
      if (!this.units.has(node.first) || !this.items.has(node.first)) continue;
      const tried = new Set<Unit>();
      for (;;) {
        const unit = this.units.get(node.first)!;
        const candidates = [...this.needs.get(node.first)!].sort((a, b) => b - a).map((need) => this.units.get(need)!);
        const next = candidates.find((candidate) => candidate !== unit && !tried.has(candidate));
        if (next === undefined) break;
        tried.add(next);
        this.tryJoin(next, unit);
      }
    }
  }
}
