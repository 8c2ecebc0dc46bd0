/**
 * Equality: the cheapest arithmetic among all that the laws make equal, found in an e-graph and taken out by price.
 *
 * Not greedy (algebra.ts): a law may be used that makes things worse at first. Element-by-element nodes and the moves
 * around them take part; every other value is a leaf.
 * Invariant: a function is replaced only by a cheaper one; bounded by nodes, rounds and fuel, and deterministic.
 *
 * @module
 */
import { EGraph } from "../egraph/egraph.ts";
import { saturate, type SaturationLimits, type TermPattern, type TermRule } from "../egraph/saturate.ts";
import { isIrFailure } from "../failures.ts";
import type { Attributes, IrFunction, Node } from "../graph.ts";
import { inferNode } from "../infer.ts";
import { isPrimitive, primitiveOf } from "../primitives.ts";
import { DimensionSolver } from "../solver.ts";
import { printType, type TensorType, tensorType } from "../types.ts";
import { type Element, isTensor, type Tensor } from "../value.ts";
import { firstLetter, literalElement } from "./algebra.ts";
import { Emitter, liveUses, nodeKey, swept, TensorKeys } from "./emitter.ts";
import { knowledgeOf } from "./knowledge.ts";
import { LAWS } from "./laws.ts";
import { type Draft, eachFunction, type PassOptions, type PassResult } from "./pass.ts";
import { CLASSES, type ClassName, CONSTANT_LETTERS, KNOWN, type Law, type Literal, type Pattern } from "./pattern.ts";
import { nodePrice } from "./price.ts";
import { splatOf } from "./splat.ts";

/** Bounds of one function's search, besides the nodes it starts with. */
export const EQUALITY_LIMITS: SaturationLimits = { iterations: 6, nodes: 3000, fuel: 400_000 };

/** Functions with more nodes are left alone. */
export const MAX_EQUALITY_NODES = 2000;

/** Most distinct ways of moving data that laws of motion are made for. */
const MAX_MOVES = 8;

const LITERALS: ReadonlyArray<Literal> = [0, -0, 1, -1, 2, 3, 0.5, "true", "false", "ones"];
const CLASS_NAMES = ["float", "integer", "signed", "unsigned", "signedNumber", "number", "bits", "bool"] as const;
const KNOWN_BITS = 4;
const LITERAL_SHIFT = KNOWN_BITS;
const CLASS_SHIFT = LITERAL_SHIFT + LITERALS.length;
const TYPE_SHIFT = CLASS_SHIFT + CLASS_NAMES.length;
const MAX_TYPES = 2 ** (31 - TYPE_SHIFT) - 1;
const KNOWN_MASK = 2 ** KNOWN_BITS - 1;

/** An operator of the e-graph. */
type Operator =
  | { readonly k: "value"; readonly value: number; readonly type: TensorType; readonly known: number }
  | { readonly k: "splat"; readonly element: Element; readonly type: TensorType }
  | { readonly k: "like"; readonly literal: Literal }
  | { readonly k: "node"; readonly op: string; readonly attributes: Attributes };

/** More types than facts have room for; the function is left as it is. */
class TooManyTypes extends Error {}

const literalBits = (element: Element, type: TensorType): number =>
  LITERALS.reduce<number>((bits, literal, i) => {
    const wanted = literalElement(literal, type);
    const same = typeof wanted === "bigint"
      ? typeof element !== "boolean" && Number.isFinite(Number(element)) && BigInt(element) === wanted
      : Object.is(wanted, element);
    return wanted !== undefined && same ? bits | (1 << (LITERAL_SHIFT + i)) : bits;
  }, 0);

const classBits = ({ dtype }: TensorType): number =>
  CLASS_NAMES.reduce((bits, name, i) => CLASSES[name](dtype) ? bits | (1 << (CLASS_SHIFT + i)) : bits, 0);

/** The terms of a function. */
class Terms {
  readonly operators: Operator[] = [];
  readonly graph: EGraph;
  private readonly byKey = new Map<string, number>();
  private readonly types: TensorType[] = [{ dtype: "bool", shape: [] }];
  private readonly typeNumbers = new Map<string, number>();
  private readonly inferred = new Map<string, TensorType | undefined>();
  private readonly keys = new TensorKeys();

  constructor(private readonly solver: DimensionSolver) {
    this.graph = new EGraph((operator, facts) => this.factsOf(operator, facts));
  }

  operator(key: string, make: () => Operator): number {
    const before = this.byKey.get(key);
    if (before !== undefined) return before;
    this.byKey.set(key, this.operators.length);
    return this.operators.push(make()) - 1;
  }

  /** Whether a value stands for itself. */
  isLeaf(value: number): boolean {
    return this.byKey.has(`value ${value}`);
  }

  /** The operator of a primitive with attributes. */
  nodeOperator(op: string, attributes: Attributes): number {
    const key = nodeKey({ op, operands: [], attributes, functions: [] }, this.keys);
    return this.operator(key, () => ({ k: "node", op, attributes }));
  }

  typeOf(facts: number): TensorType {
    return this.types[facts >>> TYPE_SHIFT];
  }

  private typeNumber(type: TensorType): number {
    const normal = tensorType(type.dtype, type.shape.map((size) => this.solver.normal(size)));
    const key = printType(normal);
    const before = this.typeNumbers.get(key);
    if (before !== undefined) return before;
    if (this.types.length > MAX_TYPES) throw new TooManyTypes();
    this.typeNumbers.set(key, this.types.length);
    return this.types.push(normal) - 1;
  }

  private described(type: TensorType, known: number): number {
    return (this.typeNumber(type) << TYPE_SHIFT) | classBits(type) | known;
  }

  private factsOf(number: number, facts: ReadonlyArray<number>): number {
    const operator = this.operators[number];
    if (operator.k === "value") return this.described(operator.type, operator.known);
    if (operator.k === "splat") return this.described(operator.type, literalBits(operator.element, operator.type));
    if (operator.k === "like") {
      const type = likeType(operator.literal, this.typeOf(facts[0]));
      const element = literalElement(operator.literal, type);
      return element === undefined ? 0 : this.described(type, literalBits(element, type));
    }
    const types = facts.map((bits) => this.typeOf(bits));
    const result = this.resultOf(number, operator.op, operator.attributes, facts);
    if (result === undefined) return 0;
    const known = knowledgeOf(operator.op, {
      known: facts.map((bits) => bits & KNOWN_MASK),
      types,
      result,
      attributes: operator.attributes,
      same: false,
    });
    return this.described(result, known);
  }

  private resultOf(
    number: number,
    op: string,
    attributes: Attributes,
    facts: ReadonlyArray<number>,
  ): TensorType | undefined {
    const key = `${number} ${facts.map((bits) => bits >>> TYPE_SHIFT).join()}`;
    if (!this.inferred.has(key)) {
      this.inferred.set(
        key,
        this.infer(
          op,
          attributes,
          facts.map((bits) => this.typeOf(bits)),
        ),
      );
    }
    return this.inferred.get(key);
  }

  private infer(op: string, attributes: Attributes, types: ReadonlyArray<TensorType>): TensorType | undefined {
    try {
      return inferNode({ op, types, attributes, functions: [] }, this.solver).results[0];
    } catch (thrown) {
      if (isIrFailure(thrown)) return undefined;
      throw thrown;
    }
  }
}

const likeType = (literal: Literal, type: TensorType): TensorType =>
  literal === "true" || literal === "false" ? { dtype: "bool", shape: type.shape } : type;

const MOVES: ReadonlySet<string> = new Set(["broadcast", "reshape", "transpose", "reverse"]);

const takesPart = (node: Node): boolean =>
  isPrimitive(node.op) && node.results.length === 1 && node.operands.length > 0 &&
  (MOVES.has(node.op) || (primitiveOf(node.op).loop === "elementwise"));

/** A law's side as a pattern; literals on the left are letters with facts. */
class LawCompiler {
  readonly letters: string[] = [];
  readonly needs: Array<TermRule["needs"][number]> = [];
  constructor(private readonly terms: Terms) {}

  left(pattern: Pattern): TermPattern {
    if (pattern.k === "value") return { variable: this.letter(pattern.name) };
    if (pattern.k === "literal") {
      const variable = this.letters.push(` literal${this.letters.length}`) - 1;
      const bit = LITERALS.findIndex((literal) => Object.is(literal, pattern.literal));
      this.needs.push({ variable, facts: 1 << (LITERAL_SHIFT + bit) });
      return { variable };
    }
    return { operator: this.operatorOf(pattern), children: pattern.parts.map((part) => this.left(part)) };
  }

  right(pattern: Pattern, like: number): TermPattern {
    if (pattern.k === "value") return { variable: this.letter(pattern.name) };
    if (pattern.k === "literal") {
      const { literal } = pattern;
      const key = `like ${Object.is(literal, -0) ? "-0" : literal}`;
      return { operator: this.terms.operator(key, () => ({ k: "like", literal })), children: [{ variable: like }] };
    }
    return { operator: this.operatorOf(pattern), children: pattern.parts.map((part) => this.right(part, like)) };
  }

  letter(name: string): number {
    const before = this.letters.indexOf(name);
    return before >= 0 ? before : this.letters.push(name) - 1;
  }

  private operatorOf({ op, direction }: Extract<Pattern, { readonly k: "node" }>): number {
    return this.terms.nodeOperator(op, direction === undefined ? {} : { direction });
  }
}

const mentionsConstant = (pattern: Pattern): boolean =>
  pattern.k === "value"
    ? CONSTANT_LETTERS.has(pattern.name)
    : pattern.k === "node" && pattern.parts.some(mentionsConstant);

const lawRule = (law: Law, terms: Terms): TermRule | undefined => {
  if (mentionsConstant(law.left)) return undefined;
  const compiler = new LawCompiler(terms);
  const left = compiler.left(law.left);
  const name = firstLetter(law.left)!;
  const first = compiler.letter(name);
  const right = compiler.right(law.right, first);
  const needs = [...compiler.needs];
  const place = CLASS_NAMES.indexOf(law.of as Exclude<ClassName, "any">);
  if (place >= 0) needs.push({ variable: first, facts: 1 << (CLASS_SHIFT + place) });
  for (const [letter, known] of Object.entries(law.needs)) {
    needs.push({ variable: compiler.letter(letter), facts: known.reduce((bits, one) => bits | KNOWN[one], 0) });
  }
  return { name: law.name, left, right, variables: compiler.letters.length, needs };
};

const COMMUTING = ["add", "mul", "max", "min", "and", "or", "xor"];

const commutations = (terms: Terms, present: ReadonlySet<string>): ReadonlyArray<TermRule> => {
  const [x, y]: ReadonlyArray<TermPattern> = [{ variable: 0 }, { variable: 1 }];
  return COMMUTING.filter((op) => present.has(op)).map((op) => {
    const operator = terms.nodeOperator(op, {});
    return {
      name: `${op} commutes`,
      left: { operator, children: [x, y] },
      right: { operator, children: [y, x] },
      variables: 2,
      needs: [],
    };
  });
};

/** Laws of motion: arithmetic before or after each way of moving data that occurs. */
const motions = (terms: Terms, nodes: ReadonlyArray<Node>): ReadonlyArray<TermRule> => {
  const moves = new Map<number, string>();
  const arithmetic = new Map<number, readonly [string, number]>();
  for (const node of nodes) {
    const operator = terms.nodeOperator(node.op, node.attributes);
    if (!MOVES.has(node.op)) arithmetic.set(operator, [node.op, node.operands.length]);
    else if (moves.size < MAX_MOVES) moves.set(operator, node.op);
  }
  return [...moves].flatMap(([move, moveName]) =>
    [...arithmetic].flatMap(([operator, [name, arity]]) => {
      const letters = Array.from({ length: arity }, (_, variable): TermPattern => ({ variable }));
      const before: TermPattern = {
        operator,
        children: letters.map((letter) => ({ operator: move, children: [letter] })),
      };
      const after: TermPattern = { operator: move, children: [{ operator, children: letters }] };
      const said = { variables: arity, needs: [] };
      return [
        { name: `${moveName} after ${name}`, left: before, right: after, ...said },
        { name: `${moveName} before ${name}`, left: after, right: before, ...said },
      ];
    })
  );
};

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
        terms.graph.add(terms.nodeOperator(node.op, node.attributes), node.operands.map((value) => classes[value])),
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
  if (taking.length < 2 || fn.nodes.length > MAX_EQUALITY_NODES) return undefined;
  const lookup = (name: string): IrFunction => draft.functions.get(name)!;
  const terms = new Terms(new DimensionSolver(fn.constraints));
  const classes = enter(fn, terms, new Emitter(fn, lookup));
  const present = new Set(taking.map(({ op }) => op));
  const laws = LAWS.filter((law) => fastMath || !law.fast).flatMap((law) => lawRule(law, terms) ?? []);
  const rules = [...laws, ...motions(terms, taking), ...commutations(terms, present)];
  saturate(terms.graph, rules, { ...EQUALITY_LIMITS, nodes: terms.graph.nodeCount + EQUALITY_LIMITS.nodes });
  const made = leave(fn, terms, classes, lookup);
  return made !== undefined && functionPrice(made) < functionPrice(fn) ? made : undefined;
};

/** Runs the pass. */
export const searchEqual = (draft: Draft, options: PassOptions): PassResult =>
  eachFunction(draft, (fn, sofar) => {
    try {
      const made = search(fn, sofar, options);
      return made === undefined ? { fn, changes: 0 } : { fn: made, changes: 1 };
    } catch (thrown) {
      if (thrown instanceof TooManyTypes) return { fn, changes: 0 };
      throw thrown;
    }
  });
