/**
 * Rewriter: applies local rules to every node of a function, first node first, and to what the rules make.
 *
 * Invariant: an application is kept only where what it adds costs no more than what it makes superfluous, so rules may
 * propose freely; each rule application shrinks an order (its author's affair), and nesting is bounded besides.
 *
 * @module
 */
import type { Attributes, IrFunction, Node } from "../graph.ts";
import type { TensorType } from "../types.ts";
import { Emitter, liveUses, swept } from "./emitter.ts";
import { type Draft, eachFunction, type Pass, type PassOptions, type PassResult } from "./pass.ts";
import { nodePrice } from "./price.ts";

/** A node about to be made, as rules see it. */
export interface Site {
  /** Where rules build; its values are the operands. */
  readonly e: RuleEmitter;
  /** Primitive or control node. */
  readonly op: string;
  /** Operands. */
  readonly operands: ReadonlyArray<number>;
  /** Types of the operands. */
  readonly types: ReadonlyArray<TensorType>;
  /** Attributes. */
  readonly attributes: Attributes;
  /** Types of the results. */
  readonly results: ReadonlyArray<TensorType>;
}

/** A rule: what the node's results are instead; undefined where it does not apply. */
export interface Rule {
  /** Its name in reports. */
  readonly name: string;
  /** Ops whose nodes it looks at. */
  readonly ops: ReadonlyArray<string>;
  /** Proposes values for the node's results. */
  readonly apply: (site: Site, options: PassOptions) => ReadonlyArray<number> | number | undefined;
}

/** Deepest chain of rules applied to what rules made, and steps back that an application is judged over. */
const MAX_DEPTH = 16;

/** Most nodes that one application can count as superfluous. */
const MAX_FREED = 64;

/** Most values looked at to see what an application keeps. */
const MAX_REACHED = 512;

/** An emitter whose new nodes are looked at by the rules too. */
export class RuleEmitter extends Emitter {
  /** Names of the rules applied, in order. */
  readonly applied: string[] = [];
  private depth = 0;
  /** Uses of each value that was carried over from the function being rebuilt; 1 for new ones. */
  readonly uses: number[];

  /** Starts with the parameters of a function. */
  constructor(
    fn: IrFunction,
    lookup: (name: string) => IrFunction,
    private readonly rules: ReadonlyMap<string, ReadonlyArray<Rule>>,
    private readonly options: PassOptions,
  ) {
    super(fn, lookup);
    this.uses = [];
  }

  /** Whether a value has one use at most. */
  isUsedOnce(value: number): boolean {
    return (this.uses[value] ?? 1) <= 1;
  }

  /** What the rules make of a node; undefined where none applies. */
  reduce(node: Node, operands: ReadonlyArray<number>): ReadonlyArray<number> | undefined {
    const rules = this.rules.get(node.op);
    if (rules === undefined || this.depth >= MAX_DEPTH) return undefined;
    const site: Site = {
      e: this,
      op: node.op,
      operands,
      types: operands.map((operand) => this.types[operand]),
      attributes: node.attributes,
      results: node.results,
    };
    for (const rule of rules) {
      const [nodes, values, applied] = [this.nodes.length, this.types.length, this.applied.length];
      this.depth++;
      const answer = rule.apply(site, this.options);
      this.depth--;
      if (answer === undefined) {
        if (this.nodes.length > nodes) this.rewind(nodes, values);
        this.applied.length = applied;
        continue;
      }
      const made = typeof answer === "number" ? [answer] : answer;
      if (this.addedPrice(nodes) <= this.freedPrice(site, new Set(made))) {
        this.applied.push(rule.name);
        if (this.depth === 0) this.account(nodes, site);
        return made;
      }
      this.rewind(nodes, values);
      this.applied.length = applied;
    }
    return undefined;
  }

  /** Brings the uses up to date after a node has been replaced. */
  private account(from: number, site: Site): void {
    for (let i = from; i < this.nodes.length; i++) {
      if (this.forgotten.has(this.nodes[i])) continue;
      for (const operand of this.nodes[i].operands) this.uses[operand] = (this.uses[operand] ?? 0) + 1;
    }
    const release = (value: number): void => {
      this.uses[value] = Math.max(0, (this.uses[value] ?? 0) - 1);
      if (this.uses[value] === 0) pending.push(...this.madeBy(value)?.operands ?? []);
    };
    const pending = [...site.operands];
    while (pending.length > 0) release(pending.pop()!);
  }

  /** Makes a node of one result, or what the rules have instead. */
  make(op: string, operands: ReadonlyArray<number>, attributes: Attributes = {}): number {
    const first = this.emit(op, operands, attributes);
    const node = this.nodes.at(-1)!;
    const reduced = this.reduce(node, operands);
    if (reduced === undefined) return first;
    // The node itself stays behind, dead; it is swept with the rest.
    this.forgotten.add(node);
    return reduced[0];
  }

  private readonly forgotten = new Set<Node>();

  /** The price of a node made here. */
  private priceOf(node: Node): number {
    return nodePrice(node.op, node.operands.map((operand) => this.types[operand]), node.attributes, node.results);
  }

  /** The price of what was made since a moment. */
  private addedPrice(from: number): number {
    let sum = 0;
    for (let i = from; i < this.nodes.length; i++) {
      if (!this.forgotten.has(this.nodes[i])) sum += this.priceOf(this.nodes[i]);
    }
    return sum;
  }

  /**
   * The price of the node and of what only it needed, as far as the answer does not use it. Looking has bounds; what lies
   * beyond them counts as kept.
   */
  private freedPrice(site: Site, kept: ReadonlySet<number>): number {
    let sum = nodePrice(site.op, site.types, site.attributes, site.results);
    const stillUsed = this.reachedFrom(kept);
    if (stillUsed === undefined) return sum;
    let left = MAX_FREED;
    const visit = (value: number): void => {
      const node = this.madeBy(value);
      if (node === undefined || stillUsed.has(value) || !this.isUsedOnce(value) || left-- <= 0) return;
      sum += this.priceOf(node);
      node.operands.forEach(visit);
    };
    new Set(site.operands).forEach((operand) => {
      const here = site.operands.filter((other) => other === operand).length;
      if (here === this.usesOf(operand)) this.visitOnce(operand, visit);
    });
    return sum;
  }

  /** Uses of a value, at least one. */
  private usesOf(value: number): number {
    return Math.max(1, this.uses[value] ?? 1);
  }

  /** Visits an operand all of whose uses are at the site. */
  private visitOnce(operand: number, visit: (value: number) => void): void {
    const before = this.uses[operand];
    this.uses[operand] = 1;
    visit(operand);
    if (before === undefined) delete this.uses[operand];
    else this.uses[operand] = before;
  }

  /** Values that some values are made of, a few steps back: what an answer keeps alive. Undefined where they are many. */
  private reachedFrom(values: ReadonlySet<number>): ReadonlySet<number> | undefined {
    const reached = new Set<number>();
    const visit = (value: number, depth: number): void => {
      if (reached.has(value) || depth > MAX_DEPTH || reached.size > MAX_REACHED) return;
      reached.add(value);
      this.madeBy(value)?.operands.forEach((operand) => visit(operand, depth + 1));
    };
    values.forEach((value) => visit(value, 0));
    return reached.size > MAX_REACHED ? undefined : reached;
  }
}

/** Rules by the ops they look at. */
export const byOp = (rules: ReadonlyArray<Rule>): ReadonlyMap<string, ReadonlyArray<Rule>> => {
  const found = new Map<string, Rule[]>();
  for (const rule of rules) {
    for (const op of rule.ops) found.set(op, [...found.get(op) ?? [], rule]);
  }
  return found;
};

/** Rebuilds a function by rules. */
export const rewriteFunction = (
  fn: IrFunction,
  draft: Draft,
  rules: ReadonlyMap<string, ReadonlyArray<Rule>>,
  options: PassOptions,
): { readonly fn: IrFunction; readonly changes: number; readonly rules: ReadonlyArray<string> } => {
  const e = new RuleEmitter(fn, (name) => draft.functions.get(name)!, rules, options);
  const uses = liveUses(fn);
  const values: number[] = fn.parameters.map((_, i) => i);
  values.forEach((value) => e.uses[value] = uses[value]);
  for (const node of fn.nodes) {
    const operands = node.operands.map((operand) => values[operand]);
    e.location = node.location;
    const old = values.length;
    if (!node.results.some((_, i) => uses[old + i] > 0)) {
      // A dead node gets numbers that nothing asks for.
      node.results.forEach(() => values.push(-1));
      continue;
    }
    const reduced = e.reduce(node, operands);
    if (reduced === undefined) {
      const first = e.copy(node, operands);
      node.results.forEach((_, i) => {
        e.uses[first + i] = uses[old + i];
        values.push(first + i);
      });
      continue;
    }
    reduced.forEach((value, i) => {
      // Its former uses, less the one that this node was, and those of the node it now stands for.
      e.uses[value] = (e.uses[value] ?? 0) + uses[old + i];
      values.push(value);
    });
  }
  const made = swept({ ...fn, nodes: e.nodes, returns: fn.returns.map((value) => values[value]) });
  return { fn: made, changes: e.applied.length, rules: e.applied };
};

/** A pass made of rules. */
export const rulePass = (rules: ReadonlyArray<Rule>): Pass["run"] => {
  const table = byOp(rules);
  return (draft: Draft, options: PassOptions): PassResult =>
    eachFunction(draft, (fn, sofar) => rewriteFunction(fn, sofar, table, options));
};
