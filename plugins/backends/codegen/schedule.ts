/**
 * Schedule: from a program to its loop-level form: what is computed where it is used, what is stored, which nodes share a
 * kernel, in which order kernels run, and which results overwrite the state they replace.
 *
 * Not legality (fusion.ts says what may be joined) and not addresses (memory.ts).
 * Policy: views, cheap values and values with one reader are computed where they are read. What is read by products,
 * windows, sorts or control is stored. The rest is stored only where another kernel reads it. Kernels are joined from
 * the first node to the last, each with the kernels it reads, wherever that is legal.
 * Invariant: a kernel comes after those whose results it reads, and before those that overwrite what it reads.
 *
 * @module
 */
import type { ConcreteType, Program, Tensor } from "../../ir/library.ts";
import { addIndices, axisIndex, literal, scaleIndex } from "./affine.ts";
import { Expressions } from "./expression.ts";
import { buildGroup, formOf, type Group, isPointwise, reducesRows } from "./fusion.ts";
import type { Buffer, Contraction, Kernel, LoopProgram, Loops, Port, Statement, Step } from "./loops.ts";
import { densePlace, NESTS, READ_ONCE } from "./nests.ts";
import { isProduct } from "./products.ts";
import { overwritesSafely } from "./reuse.ts";
import { type ConcreteNode, flopsOf, isRegionNode, type Region, specialise } from "./specialise.ts";
import { isElementwise, isUniform, isView, type Place, placeIndex, Values } from "./values.ts";

/** What a program is scheduled for. */
export interface ScheduleOptions {
  /** Numbers for named sizes. */
  readonly sizes?: { readonly [name: string]: number };
  /** Results that replace parameters, as [result, parameter]. */
  readonly state?: ReadonlyArray<readonly [result: number, parameter: number]>;
}

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

/** Most nodes that one expression is made of. */
const MAX_TREE = 96;

const countOf = (shape: ReadonlyArray<number>): number => shape.reduce((count, size) => count * size, 1);

const denseStrides = (shape: ReadonlyArray<number>): ReadonlyArray<number> => densePlace({} as Buffer, shape).strides;

/** A set of nodes that become one kernel, or a nest or control node alone. */
type Unit = { readonly nodes: ConcreteNode[]; readonly kind: "group" | "nest" | "control" };

/** Where a region's parameters lie and its results must. */
type Frame = {
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

/** Schedules one region. */
class RegionScheduler {
  private readonly values: Values;
  private readonly region: Region;
  private readonly readers = new Map<number, Set<ConcreteNode>>();
  /** Nodes that have a kernel: by first result. */
  private readonly items = new Map<number, ConcreteNode>();
  private readonly units = new Map<number, Unit>();
  private readonly needs = new Map<number, ReadonlySet<number>>();
  private readonly costs = new Map<number, number>();
  private readonly trees = new Map<number, number>();
  private readonly copies: ReadonlySet<number>;
  /** Units that must run before a unit besides those it reads. */
  private readonly before = new Map<Unit, Set<Unit>>();
  private readonly finals: Step[] = [];

  constructor(private readonly context: Context, given: Region, private readonly frame: Frame) {
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

  private ownWork(node: ConcreteNode): number {
    return isView(node.op) ? 0 : WORK[node.op] ?? 1;
  }

  /** Work to compute an element from what is stored. */
  private costOf(value: number): number {
    return this.costs.get(value) ?? 0;
  }

  private measure(node: ConcreteNode): void {
    const inner = (of: Map<number, number>, operand: number) =>
      this.items.has(operand) || this.values.places.has(operand) ? 0 : of.get(operand) ?? 0;
    const sum = (of: Map<number, number>, own: number) =>
      node.operands.reduce((total, operand) => total + inner(of, operand), own);
    this.costs.set(node.first, sum(this.costs, this.ownWork(node)));
    this.trees.set(node.first, sum(this.trees, 1));
  }

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

  private chooseItems(): void {
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
  private readsParameter(unit: Unit, parameter: number): boolean {
    const seen = new Set<number>();
    const walk = (value: number): boolean => {
      if (value === parameter) return true;
      if (seen.has(value) || this.items.has(value)) return false;
      seen.add(value);
      return this.values.maker(value)?.operands.some(walk) ?? false;
    };
    return unit.nodes.some((node) => node.operands.some(walk));
  }

  private unitsBelow(unit: Unit): ReadonlySet<Unit> {
    const found = new Set<Unit>(this.before.get(unit));
    for (const node of unit.nodes) for (const need of this.needs.get(node.first)!) found.add(this.units.get(need)!);
    found.delete(unit);
    return found;
  }

  /** Whether one unit comes, over others, to depend on another. */
  private dependsOn(from: Unit, to: Unit, through: (unit: Unit) => boolean = () => true): boolean {
    const seen = new Set<Unit>();
    const walk = (unit: Unit): boolean => {
      for (const below of this.unitsBelow(unit)) {
        if (seen.has(below) || (unit === from && !through(below))) continue;
        seen.add(below);
        if (below === to || walk(below)) return true;
      }
      return false;
    };
    return walk(from);
  }

  /** Joins two units where that is legal and makes no circle. */
  private tryJoin(first: Unit, second: Unit): Unit | undefined {
    if (first.kind !== "group" || second.kind !== "group") return undefined;
    const nodes = [...first.nodes, ...second.nodes].sort((a, b) => a.first - b.first);
    if (nodes.some(({ results }) => countOf(results[0].shape) === 0)) return undefined;
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

  private joinUnits(): void {
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

  /** The one order in which all readers of a value see its axes, through any number of transpositions. */
  private readOrder(value: number): ReadonlyArray<number> | undefined {
    const readers = [...this.readers.get(value) ?? []];
    const [first] = readers;
    if (first?.op !== "transpose" || readers.length !== 1 || this.region.returns.includes(value)) return undefined;
    const order = first.attributes.permutation as ReadonlyArray<number>;
    const further = this.readOrder(first.first);
    return further === undefined ? order : further.map((axis) => order[axis]);
  }

  /** Strides by which the readers of a product see it in rows, where they all see it transposed the same way. */
  private strides(node: ConcreteNode, type: ConcreteType): ReadonlyArray<number> {
    const order = node.op === "dot" ? this.readOrder(node.first) : undefined;
    if (order === undefined) return denseStrides(type.shape);
    const moved = denseStrides(order.map((axis) => type.shape[axis]));
    return type.shape.map((_, axis) => moved[order.indexOf(axis)]);
  }

  private isRead(value: number, unit: Unit): boolean {
    const { first } = this.items.get(value)!;
    return [...new Set(this.units.values())].some((other) =>
      other !== unit && other.nodes.some((node) => this.needs.get(node.first)!.has(first))
    );
  }

  private temporary(type: ConcreteType, strides = denseStrides(type.shape)): Place {
    return {
      buffer: this.context.pool.buffer(type.dtype, countOf(type.shape), "temporary"),
      base: literal(0),
      strides,
    };
  }

  /** Gives places to everything that is read outside its own kernel. */
  private choosePlaces(): void {
    this.region.returns.forEach((value, at) => {
      if (this.items.has(value) && !this.frame.state.has(at)) this.values.places.set(value, this.frame.targets[at]);
    });
    for (const unit of new Set(this.units.values())) {
      for (const node of unit.nodes) {
        node.results.forEach((type, i) => {
          const value = node.first + i;
          if (this.values.places.has(value)) return;
          const isState = this.region.returns.some((returned, at) => returned === value && this.frame.state.has(at));
          if (unit.kind !== "group" || isState || this.isRead(value, unit)) {
            this.values.places.set(value, this.temporary(type, this.strides(node, type)));
          }
        });
      }
    }
  }

  /** Lets results overwrite the parameters they replace; where that cannot be, they are copied at the end. */
  private placeState(): void {
    for (const [at, parameter] of this.frame.state) {
      const value = this.region.returns[at];
      if (value === parameter && value < this.frame.parameters.length) continue;
      if (countOf(this.region.types[value].shape) === 0) continue;
      const target = this.frame.targets[at];
      const unit = this.units.get(this.items.get(value)!.first)!;
      const readers = [...new Set(this.units.values())].filter((other) =>
        other !== unit && this.readsParameter(other, parameter)
      );
      const before = this.values.places.get(value)!;
      this.values.places.set(value, target);
      const isSafe = unit.kind === "group" && !readers.some((reader) => this.dependsOn(reader, unit)) &&
        overwritesSafely(this.groupWork(unit), target.buffer);
      if (isSafe) {
        const earlier = this.before.get(unit) ?? new Set();
        readers.forEach((reader) => earlier.add(reader));
        this.before.set(unit, earlier);
      } else {
        this.values.places.set(value, before);
        this.finals.push(this.copy(this.region.types[value], before, target));
      }
    }
  }

  private copy(type: ConcreteType, from: Place, to: Place): Kernel {
    const { pool } = this.context;
    const axis = pool.axis(countOf(type.shape));
    const at = axisIndex(axis);
    const value = pool.load(from.buffer, addIndices(from.base, at));
    const body: Statement[] = [{ kind: "store", buffer: to.buffer, index: addIndices(to.base, at), value }];
    return {
      kind: "kernel",
      name: "copy",
      nodes: 0,
      flops: 0,
      work: { kind: "loops", body: [{ kind: "for", axis, loop: "parallel", body }] },
    };
  }

  private groupWork(unit: Unit): Loops | Contraction {
    const group: Group = {
      members: unit.nodes,
      places: new Map(unit.nodes.flatMap((node) => {
        const place = this.values.places.get(node.first);
        return place === undefined ? [] : [[node.first, place] as const];
      })),
      cost: (value) => this.costOf(value),
    };
    return buildGroup(this.values, group, formOf(this.values, unit.nodes)!);
  }

  /** All nodes a unit computes: its own, and those computed on the way. */
  private nodesOf(unit: Unit): ReadonlySet<ConcreteNode> {
    const found = new Set<ConcreteNode>(unit.nodes);
    const walk = (value: number): void => {
      const node = this.values.maker(value);
      if (node === undefined || this.items.has(value) || this.values.places.has(value) || found.has(node)) return;
      found.add(node);
      node.operands.forEach(walk);
    };
    unit.nodes.forEach((node) => node.operands.forEach(walk));
    return found;
  }

  private kernel(unit: Unit, work: Loops | Contraction): Kernel {
    const nodes = [...this.nodesOf(unit)].sort((a, b) => a.first - b.first);
    const named = nodes.filter(({ op }) => !isView(op) && op !== "constant");
    const names = (named.length === 0 ? nodes : named).map(({ op }) => op);
    const flops = nodes.reduce(
      (sum, node) => sum + flopsOf(node, node.operands.map((operand) => this.region.types[operand])),
      0,
    );
    const shown = this.copies.has(unit.nodes[0].first) && named.length === 0 ? ["copy"] : names;
    return { kind: "kernel", name: joinNames(shown), nodes: nodes.length, flops, work };
  }

  private unitSteps(unit: Unit): ReadonlyArray<Step> {
    const [node] = unit.nodes;
    if (unit.kind === "control") return this.control(node);
    if (unit.kind === "group") {
      const isEmpty = countOf(node.results[0].shape) === 0;
      return isEmpty ? [] : [this.kernel(unit, this.groupWork(unit))];
    }
    const places = node.results.map((_, i) => this.values.places.get(node.first + i)!);
    const bodies = NESTS[node.op]({ values: this.values, node, places }).filter((body) => body.length > 0);
    return bodies.map((body, i): Kernel => {
      const made = this.kernel(unit, { kind: "loops", body });
      return i === 0 ? made : { ...made, nodes: 0, flops: 0 };
    });
  }

  private place(value: number): Place {
    const known = this.values.places.get(value);
    if (known !== undefined) return known;
    throw new Error(`value ${value} is read by control and has no place`);
  }

  /** The place of an operand of a control node: of the value itself, or of a view of it made by strides. */
  private operandPlace(value: number, steps: Step[]): Place {
    const node = this.values.maker(value);
    const own = this.values.places.get(value);
    if (own !== undefined && (node === undefined || !isView(node.op) || this.copies.has(value))) return own;
    const type = this.region.types[value];
    const to = this.temporary(type);
    steps.push(this.fillFrom(value, type, to));
    return to;
  }

  /** A kernel that writes a value, computed as its node says, into a place. */
  private fillFrom(value: number, type: ConcreteType, to: Place): Kernel {
    const { pool } = this.context;
    const axes = type.shape.map((size) => pool.axis(size));
    const index = axes.map(axisIndex);
    const body = axes.reduceRight<ReadonlyArray<Statement>>(
      (inner, axis) => [{ kind: "for", axis, loop: "parallel", body: inner }],
      [{ kind: "store", buffer: to.buffer, index: placeIndex(to, index), value: this.values.at(value, index) }],
    );
    return { kind: "kernel", name: "copy", nodes: 0, flops: 0, work: { kind: "loops", body } };
  }

  private run(region: Region, parameters: ReadonlyArray<Place>, targets: ReadonlyArray<Place>, carry = 0): Step[] {
    const state = new Map(Array.from({ length: carry }, (_, i) => [i, i] as const));
    return new RegionScheduler(this.context, region, { parameters, targets, state }).steps();
  }

  private control(node: ConcreteNode): ReadonlyArray<Step> {
    const steps: Step[] = [];
    const results = node.results.map((_, i) => this.place(node.first + i));
    if (node.op === "if") {
      const [predicate, ...args] = node.operands.map((operand) => this.operandPlace(operand, steps));
      const [then, otherwise] = node.regions.map((region) => this.run(region, args, results));
      return [...steps, { kind: "if", predicate: this.context.scalar(predicate, steps), then, otherwise }];
    }
    const carry = node.attributes.carry as number;
    node.operands.slice(0, carry).forEach((operand, i) =>
      steps.push(this.fillFrom(operand, node.results[i], results[i]))
    );
    const carried = results.slice(0, carry);
    const others = node.operands.slice(carry).map((operand) => this.operandPlace(operand, steps));
    if (node.op === "while") {
      const predicate = this.temporary({ dtype: "bool", shape: [] });
      const args = [...carried, ...others];
      const condition = this.run(node.regions[0], args, [predicate]);
      const body = this.run(node.regions[1], args, carried, carry);
      return [...steps, { kind: "while", condition, predicate: predicate.buffer, body }];
    }
    const { scanned, length, reverse } = node.attributes as { scanned: number; length: number; reverse: boolean };
    const axis = this.context.pool.axis(length);
    const turn = axisIndex(axis);
    const at = reverse ? addIndices(literal(length - 1), scaleIndex(turn, -1)) : turn;
    const row = (place: Place): Place => ({
      buffer: place.buffer,
      base: addIndices(place.base, scaleIndex(at, place.strides[0])),
      strides: place.strides.slice(1),
    });
    if (length === 0) return steps;
    const args = [...carried, ...others.slice(0, scanned).map(row), ...others.slice(scanned)];
    const body = this.run(node.regions[0], args, [...carried, ...results.slice(carry).map(row)], carry);
    return [...steps, { kind: "repeat", axis, body }];
  }

  /** Units in an order in which each comes after those it reads and those whose input it overwrites. */
  private ordered(): ReadonlyArray<Unit> {
    const all = [...new Set(this.units.values())];
    const last = (unit: Unit): number => unit.nodes.at(-1)!.first;
    all.sort((a, b) => last(a) - last(b));
    const done = new Set<Unit>();
    const order: Unit[] = [];
    const visit = (unit: Unit): void => {
      if (done.has(unit)) return;
      done.add(unit);
      [...this.unitsBelow(unit)].sort((a, b) => last(a) - last(b)).forEach(visit);
      order.push(unit);
    };
    all.forEach(visit);
    return order;
  }

  /** The steps of the region. */
  steps(): Step[] {
    this.chooseItems();
    this.joinUnits();
    this.choosePlaces();
    this.values.forget();
    this.placeState();
    this.values.forget();
    return [...this.ordered().flatMap((unit) => this.unitSteps(unit)), ...this.finals];
  }
}

const SHOWN_NAMES = 6;

const joinNames = (names: ReadonlyArray<string>): string =>
  names.length <= SHOWN_NAMES
    ? names.join("+")
    : `${names.slice(0, SHOWN_NAMES - 1).join("+")}+${names.length - SHOWN_NAMES + 1} more`;

/** What the regions of one program share. */
class Context {
  readonly pool = new Expressions();
  private readonly constants = new Map<Tensor, Place>();

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

/** The loop-level form of a program. */
export const loopProgram = (program: Program, options: ScheduleOptions = {}): LoopProgram => {
  const region = specialise(program, options.sizes);
  const context = new Context();
  const state = new Map(options.state ?? []);
  const replaced = new Set(state.values());
  const place = (type: ConcreteType, role: "input" | "state" | "output"): Place =>
    densePlace(context.pool.buffer(type.dtype, countOf(type.shape), role), type.shape);
  const parameters = region.parameters.map((type, i) => place(type, replaced.has(i) ? "state" : "input"));
  const targets = region.returns.map((value, at) => {
    const parameter = state.get(at);
    return parameter === undefined ? place(region.types[value], "output") : parameters[parameter];
  });
  const steps = new RegionScheduler(context, region, { parameters, targets, state }).steps();
  const port = (type: ConcreteType, { buffer }: Place): Port => ({ type, buffer });
  return {
    pool: context.pool,
    buffers: context.pool.buffers,
    steps,
    parameters: region.parameters.map((type, i) => port(type, parameters[i])),
    results: region.returns.map((value, at) => port(region.types[value], targets[at])),
  };
};
