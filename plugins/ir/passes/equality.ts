/**
 * Equality: the cheapest arithmetic among all that the laws make equal, found in an e-graph and taken out by price.
 *
 * Not greedy (algebra.ts): a law may be used that makes things worse at first. Element-by-element nodes and the moves
 * around them take part; every other value is a leaf.
 * Invariant: a function is replaced only by a cheaper one; bounded by nodes, rounds and fuel, and deterministic.
 *
 * @module
 */
import { saturate, type SaturationLimits } from "../egraph/saturate.ts";
import { type IrFunction, valueTypes } from "../graph.ts";
import { DimensionSolver } from "../solver.ts";
import { printType, type TensorType } from "../types.ts";
import { isTensor, type Tensor } from "../value.ts";
import { literalElement } from "./algebra.ts";
import { Emitter, liveUses, swept } from "./emitter.ts";
import { knowledgeOf } from "./knowledge.ts";
import { LAWS } from "./laws.ts";
import { type Draft, eachFunction, type PassOptions, type PassResult } from "./pass.ts";
import { nodePrice } from "./price.ts";
import { splatOf } from "./splat.ts";
import { commutations, lawRule, motions } from "./term_rules.ts";
import { takesPart, Terms, TooManyTypes, TYPE_SHIFT } from "./terms.ts";

/** Bounds of one function's search, besides the nodes it starts with. */
export const EQUALITY_LIMITS: SaturationLimits = { iterations: 6, nodes: 3000, fuel: 400_000 };

/** Functions with more nodes are left alone, and so are those that come after this many nodes were searched. */
export const MAX_EQUALITY_NODES = 2000;

/** The cheapest node of every class. */
const cheapest = (terms: Terms): { readonly cost: Float64Array; readonly node: Int32Array } => {
  const { graph } = terms;
  const cost = new Float64Array(graph.classBound).fill(Infinity);
  const node = new Int32Array(graph.classBound).fill(-1);
  const own = new Map<number, number>();
  const members = graph.classes().flatMap((id) => graph.nodesOf(id).map((member) => [id, member] as const));
  const ownPrice = (member: number, id: number): number => {
    const operator = terms.operators[graph.operatorOf(member)];
    const type = terms.typeOf(graph.facts(id));
    if (operator.k === "value") return 0;
    if (operator.k !== "node") return nodePrice("broadcast", [{ dtype: type.dtype, shape: [] }], {}, [type]);
    const types = Array.from(
      { length: graph.arityOf(member) },
      (_, i) => terms.typeOf(graph.facts(graph.childOf(member, i))),
    );
    return nodePrice(operator.op, types, operator.attributes, [type]);
  };
  for (let changed = true; changed;) {
    changed = false;
    for (const [id, member] of members) {
      let price = own.get(member);
      if (price === undefined) {
        price = graph.facts(id) >>> TYPE_SHIFT === 0 ? Infinity : ownPrice(member, id);
        own.set(member, price);
      }
      const isNode = terms.operators[graph.operatorOf(member)].k === "node";
      for (let i = 0; isNode && i < graph.arityOf(member); i++) price += cost[graph.childOf(member, i)];
      if (price < cost[id] || (price === cost[id] && member < node[id])) {
        cost[id] = price;
        node[id] = member;
        changed = true;
      }
    }
  }
  return { cost, node };
};

/** Puts a function's arithmetic into terms; the class of each value. */
const enter = (fn: IrFunction, terms: Terms, e: Emitter): ReadonlyArray<number> => {
  const classes: number[] = [];
  const leaf = (value: number, type: TensorType, known: number): number =>
    terms.graph.add(terms.operator(`value ${value}`, () => ({ k: "value", value, type, known })), []);
  fn.parameters.forEach(({ type }, value) => classes.push(leaf(value, type, 0)));
  for (const node of fn.nodes) {
    const first = e.push(node);
    const element = node.results.length === 1 ? splatOf(e, first) : undefined;
    if (element !== undefined) {
      const [type] = node.results;
      const key = `splat ${printType(type)} ${Object.is(element, -0) ? "-0" : String(element)}`;
      classes.push(terms.graph.add(terms.operator(key, () => ({ k: "splat", element, type })), []));
    } else if (takesPart(node)) {
      classes.push(
        terms.graph.add(
          terms.nodeOperator(node.op, node.attributes, e.types[node.operands[0]]),
          node.operands.map((value) => classes[value]),
        ),
      );
    } else {
      node.results.forEach((type, i) => {
        const value = isTensor(node.attributes.value) ? node.attributes.value as Tensor : undefined;
        const known = value === undefined
          ? 0
          : knowledgeOf("constant", { known: [], types: [], result: type, attributes: node.attributes, same: false });
        classes.push(leaf(first + i, type, known));
      });
    }
  }
  return classes;
};

/** Takes a function out again, every class by its cheapest node; undefined where a leaf is asked for too early. */
const leave = (
  fn: IrFunction,
  terms: Terms,
  classes: ReadonlyArray<number>,
  lookup: (name: string) => IrFunction,
): IrFunction | undefined => {
  const { graph } = terms;
  const best = cheapest(terms);
  const e = new Emitter(fn, lookup);
  const made = new Map<number, number>();
  const leaves = new Map<number, number>(fn.parameters.map((_, i) => [i, i]));
  const build = (of: number): number | undefined => {
    const id = graph.find(of);
    const before = made.get(id);
    if (before !== undefined) return before;
    const member = best.node[id];
    const operator = terms.operators[graph.operatorOf(member)];
    const type = terms.typeOf(graph.facts(id));
    let value: number | undefined;
    if (operator.k === "value") value = leaves.get(operator.value);
    else if (operator.k === "splat") value = e.full(type, operator.element);
    else if (operator.k === "like") value = e.full(type, literalElement(operator.literal, type)!);
    else {
      const operands = Array.from({ length: graph.arityOf(member) }, (_, i) => build(graph.childOf(member, i)));
      if (operands.every((operand) => operand !== undefined)) {
        value = e.emit(operator.op, operands, operator.attributes);
      }
    }
    if (value !== undefined) made.set(id, value);
    return value;
  };
  let value = fn.parameters.length;
  for (const node of fn.nodes) {
    const first = value;
    value += node.results.length;
    e.location = node.location;
    if (!terms.isLeaf(first)) {
      // Made here, where its source is, unless something cheaper stands for it.
      if (build(classes[first]) === undefined) return undefined;
      continue;
    }
    const operands = node.operands.map((operand) => build(classes[operand]));
    if (!operands.every((operand) => operand !== undefined)) return undefined;
    const number = e.copy(node, operands);
    node.results.forEach((_, i) => leaves.set(first + i, number + i));
  }
  const returns = fn.returns.map((returned) => build(classes[returned]));
  if (!returns.every((returned) => returned !== undefined)) return undefined;
  return swept({ ...fn, nodes: e.nodes, returns });
};

const functionPrice = (fn: IrFunction): number => {
  const types = fn.parameters.map(({ type }) => type);
  const uses = liveUses(fn);
  let sum = 0;
  for (const node of fn.nodes) {
    const operands = node.operands.map((operand) => types[operand]);
    if (node.results.some((_, i) => uses[types.length + i] > 0)) {
      sum += nodePrice(node.op, operands, node.attributes, node.results);
    }
    types.push(...node.results);
  }
  return sum;
};

const search = (fn: IrFunction, draft: Draft, { fastMath }: PassOptions): IrFunction | undefined => {
  const taking = fn.nodes.filter(takesPart);
  if (taking.length < 2) return undefined;
  const lookup = (name: string): IrFunction => draft.functions.get(name)!;
  const terms = new Terms(new DimensionSolver(fn.constraints));
  const classes = enter(fn, terms, new Emitter(fn, lookup));
  const present = new Set(taking.map(({ op }) => op));
  const laws = LAWS.filter((law) => fastMath || !law.fast).flatMap((law) => lawRule(law, terms) ?? []);
  const rules = [...laws, ...motions(terms, taking, valueTypes(fn)), ...commutations(terms, present)];
  saturate(terms.graph, rules, { ...EQUALITY_LIMITS, nodes: terms.graph.nodeCount + EQUALITY_LIMITS.nodes });
  const made = leave(fn, terms, classes, lookup);
  return made !== undefined && functionPrice(made) < functionPrice(fn) ? made : undefined;
};

/** Runs the pass. */
export const searchEqual = (draft: Draft, options: PassOptions): PassResult => {
  let left = MAX_EQUALITY_NODES;
  return eachFunction(draft, (fn, sofar) => {
    left -= fn.nodes.length;
    if (left < 0) return { fn, changes: 0 };
    try {
      const made = search(fn, sofar, options);
      return made === undefined ? { fn, changes: 0 } : { fn: made, changes: 1 };
    } catch (thrown) {
      if (thrown instanceof TooManyTypes) return { fn, changes: 0 };
      throw thrown;
    }
  });
};
