/**
 * Schedule: from a program to its loop-level form: where every value lies, in which order kernels run, and which results
 * overwrite the state they replace.
 *
 * Not which nodes share a kernel (grouping.ts) and not addresses (memory.ts).
 * Invariant: a kernel comes after those whose results it reads, and before those that overwrite what it reads; a value
 * is stored only where another kernel, a result or control reads it.
 *
 * @module
 */
import type { ConcreteType, Program } from "../../ir/library.ts";
import { addIndices, axisIndex, literal, scaleIndex } from "./affine.ts";
import { countOf, formOf } from "./forms.ts";
import { buildGroup, type Group } from "./fusion.ts";
import { Context, denseStrides, Grouping, type Unit } from "./grouping.ts";
import type { Contraction, Kernel, LoopProgram, Loops, Port, Statement, Step } from "./loops.ts";
import { densePlace } from "./nest.ts";
import { NESTS } from "./nests.ts";
import { overwritesSafely } from "./reuse.ts";
import { type ConcreteNode, flopsOf, type Region, specialise } from "./specialise.ts";
import { isView, type Place, placeIndex } from "./values.ts";

/** What a program is scheduled for. */
export interface ScheduleOptions {
  /** Numbers for named sizes. */
  readonly sizes?: { readonly [name: string]: number };
  /** Results that replace parameters, as [result, parameter]. */
  readonly state?: ReadonlyArray<readonly [result: number, parameter: number]>;
}
/** Schedules one region. */
class RegionScheduler extends Grouping {
  private readonly finals: Step[] = [];

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

  /** For each item, the units that read it. */
  private readingUnits(): ReadonlyMap<number, ReadonlySet<Unit>> {
    const found = new Map<number, Set<Unit>>();
    for (const unit of new Set(this.units.values())) {
      for (const node of unit.nodes) {
        for (const need of this.needs.get(node.first)!) found.set(need, (found.get(need) ?? new Set()).add(unit));
      }
    }
    return found;
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
    const reading = this.readingUnits();
    const isRead = ({ first }: ConcreteNode, unit: Unit): boolean =>
      [...reading.get(first) ?? []].some((other) => other !== unit);
    for (const unit of new Set(this.units.values())) {
      for (const node of unit.nodes) {
        node.results.forEach((type, i) => {
          const value = node.first + i;
          if (this.values.places.has(value)) return;
          const isState = this.region.returns.some((returned, at) => returned === value && this.frame.state.has(at));
          if (unit.kind !== "group" || isState || isRead(node, unit)) {
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
      const holds = this.context.scalar(predicate, steps);
      return [...steps, { kind: "if", predicate: holds, then, otherwise }];
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
    const entered = new Set<Unit>();
    const open = [...all].reverse();
    for (let unit = open.at(-1); unit !== undefined; unit = open.at(-1)) {
      if (entered.has(unit)) {
        open.pop();
        if (!done.has(unit)) order.push(unit);
        done.add(unit);
        continue;
      }
      entered.add(unit);
      open.push(...[...this.unitsBelow(unit)].filter((below) => !entered.has(below)).sort((a, b) => last(b) - last(a)));
    }
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
