/**
 * Terms: programs in an e-graph, and the cheapest program out of it.
 *
 * Invariant: what is taken out is equal to what was put in wherever the rules are true: arguments whose spelling binds
 * keep their syntactic kind, and quoted ones stand as they are.
 *
 * @module
 */
import { type Expression, Tag, withChildren } from "../expression.ts";
import { Interner, typeKey, valueKey } from "../intern.ts";
import { nodeFacts } from "../rewriting/facts.ts";
import { placeOf, type Syntax, SYNTAXES, syntaxOf } from "../rewriting/places.ts";
import { EGraph } from "../../ir/library.ts";

/** What an operator stands for: a node without its children. */
interface Operator {
  /** Any node that it was made from; its own fields are the operator's. */
  readonly node: Expression;
  /** A whole expression that nothing may change. */
  readonly quoted: boolean;
  /** Its syntactic kind. */
  readonly syntax: Syntax;
  /** Syntactic kinds that its children must keep; `undefined` for a child in a free place. */
  readonly kept: ReadonlyArray<Syntax | undefined>;
}

/** The cost of a node without its children; positive and finite. */
export type CostModel = (node: Expression) => number;

/** A program and what it costs. */
export interface Priced {
  /** The program. */
  readonly expression: Expression;
  /** Its cost: the sum over its tree. */
  readonly cost: number;
}

/** The cost of a tree. */
export const treeCost = (root: Expression, cost: CostModel): number => {
  const known = new Map<Expression, number>();
  const priceOf = (node: Expression): number => {
    const before = known.get(node);
    if (before !== undefined) return before;
    const price = node.children.reduce((sum, child) => sum + priceOf(child), cost(node));
    known.set(node, price);
    return price;
  };
  return priceOf(root);
};

const NO_NODE = -1;

/** The cheapest nodes of classes, by syntactic kind. */
class Prices {
  readonly #costs: Float64Array;
  readonly #nodes: Int32Array;

  constructor(classes: number) {
    this.#costs = new Float64Array(classes * SYNTAXES.length).fill(Infinity);
    this.#nodes = new Int32Array(classes * SYNTAXES.length).fill(NO_NODE);
  }

  /** Where the cheapest of a kind (of any kind without one) is written; −1 where there is none. */
  #at(id: number, syntax: Syntax | undefined): number {
    const base = id * SYNTAXES.length;
    if (syntax !== undefined) return base + SYNTAXES.indexOf(syntax);
    let best = base;
    for (let at = base + 1; at < base + SYNTAXES.length; at++) {
      const cheaper = this.#costs[at] < this.#costs[best] ||
        (this.#costs[at] === this.#costs[best] && this.#nodes[at] !== NO_NODE && this.#nodes[at] < this.#nodes[best]);
      if (cheaper) best = at;
    }
    return best;
  }

  cost(id: number, syntax?: Syntax): number {
    return this.#costs[this.#at(id, syntax)];
  }

  node(id: number, syntax?: Syntax): number {
    return this.#nodes[this.#at(id, syntax)];
  }

  /** Writes a node down where it is cheaper, or as cheap and older. */
  offer(id: number, syntax: Syntax, node: number, cost: number): boolean {
    const at = this.#at(id, syntax);
    const before = this.#costs[at];
    if (!(cost < before || (cost === before && node < this.#nodes[at]))) return false;
    this.#costs[at] = cost;
    this.#nodes[at] = node;
    return true;
  }
}

/** An e-graph of expressions. */
export class Terms {
  /** The graph; its facts are those of rewriting/facts.ts. */
  readonly graph: EGraph;
  readonly #operators: Array<Operator> = [];
  readonly #byKey = new Map<string, number>();
  readonly #quotes = new Interner();
  readonly #classes = new Map<Expression, number>();

  constructor() {
    this.graph = new EGraph((operator, children) => {
      const { node, quoted } = this.#operators[operator];
      return quoted ? 0 : nodeFacts(node, children);
    });
  }

  /** The operator of a node whose children are in free places: what a law may look for and make. */
  operatorOf(node: Expression): number {
    return this.#operator(node, node.children.map(() => undefined));
  }

  /** Puts an expression in; the class that holds it. */
  add(node: Expression): number {
    const known = this.#classes.get(node);
    if (known !== undefined) return known;
    const kept: Array<Syntax | undefined> = [];
    const children = node.children.map((child, index) => {
      const place = placeOf(node, index);
      kept.push(place === "kept" || place === "bound" ? syntaxOf(child) : undefined);
      return place === "quoted" ? this.graph.add(this.#quote(child), []) : this.add(child);
    });
    const id = this.graph.add(this.#operator(node, kept), children);
    this.#classes.set(node, id);
    return id;
  }

  #operator(node: Expression, kept: ReadonlyArray<Syntax | undefined>): number {
    let key = `${node.tag}:${node.code}/${kept.length}:${kept.map((syntax) => syntax ?? "").join()}`;
    if (node.tag === Tag.Lit) key += `=${valueKey(node.value)}`;
    for (const { name, value } of node.attributes) key += `;${JSON.stringify(name)}${valueKey(value)}`;
    for (const { sym, type } of node.parameters) key += `;${sym}:${typeKey(type)}`;
    return this.#named(key, { node, quoted: false, syntax: syntaxOf(node), kept });
  }

  #quote(node: Expression): number {
    return this.#named(`"${this.#quotes.numberOf(node)}`, { node, quoted: true, syntax: syntaxOf(node), kept: [] });
  }

  #named(key: string, operator: Operator): number {
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    this.#byKey.set(key, this.#operators.length);
    return this.#operators.push(operator) - 1;
  }

  #costOf(node: number, prices: Prices, cost: CostModel): number {
    const operator = this.#operators[this.graph.operatorOf(node)];
    if (operator.quoted) return treeCost(operator.node, cost);
    let sum = cost(operator.node);
    for (let i = 0; i < operator.kept.length; i++) sum += prices.cost(this.graph.childOf(node, i), operator.kept[i]);
    return sum;
  }

  #prices(cost: CostModel): Prices {
    const { graph } = this;
    const prices = new Prices(graph.classBound);
    const nodes = graph.classes().flatMap((id) => graph.nodesOf(id).map((node) => [id, node] as const));
    for (let changed = true; changed;) {
      changed = false;
      for (const [id, node] of nodes) {
        const price = this.#costOf(node, prices, cost);
        const { syntax } = this.#operators[graph.operatorOf(node)];
        if (price < Infinity && prices.offer(id, syntax, node, price)) changed = true;
      }
    }
    return prices;
  }

  /** The cheapest program of a class; of equally cheap ones the one whose nodes came first. */
  cheapest(id: number, cost: CostModel): Priced {
    const prices = this.#prices(cost);
    const built = new Map<number, Expression>();
    const build = (of: number, syntax: Syntax | undefined): Expression => {
      const node = prices.node(this.graph.find(of), syntax);
      const before = built.get(node);
      if (before !== undefined) return before;
      const operator = this.#operators[this.graph.operatorOf(node)];
      const made = operator.quoted || operator.kept.length === 0
        ? operator.node
        : withChildren(operator.node, operator.kept.map((kind, i) => build(this.graph.childOf(node, i), kind)));
      built.set(node, made);
      return made;
    };
    const root = this.graph.find(id);
    return { expression: build(root, undefined), cost: prices.cost(root) };
  }
}
