/**
 * Structure: what the passes over functions and control nodes share: rebuilding, fresh names, functions with fewer or
 * reordered parameters, and the functions a program still needs.
 *
 * Invariant: functions are never changed in place; a changed one has a fresh name, and those nobody runs are dropped.
 *
 * @module
 */
import { MAX_NAME } from "../check.ts";
import type { IrFunction, Node } from "../graph.ts";
import { Emitter, liveUses, swept } from "./emitter.ts";
import type { Draft } from "./pass.ts";

/** What a node is replaced with: values for its results; undefined keeps it. */
export type Replace = (
  node: Node,
  operands: ReadonlyArray<number>,
  e: Emitter,
  live: ReadonlyArray<boolean>,
) => ReadonlyArray<number> | undefined;

/** A function with some nodes replaced, swept. */
export const rebuild = (
  fn: IrFunction,
  lookup: (name: string) => IrFunction,
  replace: Replace,
): { readonly fn: IrFunction; readonly changes: number } => {
  const e = new Emitter(fn, lookup);
  const uses = liveUses(fn);
  const values: number[] = fn.parameters.map((_, i) => i);
  let changes = 0;
  for (const node of fn.nodes) {
    const live = node.results.map((_, i) => uses[values.length + i] > 0);
    if (!live.includes(true)) {
      node.results.forEach(() => values.push(-1));
      continue;
    }
    const operands = node.operands.map((operand) => values[operand]);
    e.location = node.location;
    const made = replace(node, operands, e, live);
    if (made !== undefined) changes++;
    const first = made === undefined ? e.copy(node, operands) : 0;
    node.results.forEach((_, i) => values.push(made === undefined ? first + i : made[i]));
  }
  return { fn: swept({ ...fn, nodes: e.nodes, returns: fn.returns.map((value) => values[value]) }), changes };
};

/** Functions under construction. */
export class Functions {
  private readonly made: Map<string, IrFunction>;

  /** Starts with those of a program. */
  constructor(draft: Draft) {
    this.made = new Map(draft.functions);
  }

  /** A function by name. */
  readonly lookup = (name: string): IrFunction => this.made.get(name)!;

  /** Puts a function under its name. */
  put(fn: IrFunction): void {
    this.made.set(fn.name, fn);
  }

  /** Adds a changed function under a fresh name; the name. */
  add(fn: IrFunction): string {
    const base = fn.name.replace(/_[0-9]+$/u, "").slice(0, MAX_NAME - 8);
    let number = 1;
    while (this.made.has(`${base}_${number}`)) number++;
    const name = `${base}_${number}`;
    this.made.set(name, { ...fn, name });
    return name;
  }

  /** The functions that a program needs, each after those it runs. */
  draft(entry: string): Draft {
    const functions = new Map<string, IrFunction>();
    const visit = (name: string): void => {
      if (functions.has(name)) return;
      const fn = this.lookup(name);
      for (const node of fn.nodes) node.functions.forEach(visit);
      functions.set(name, fn);
    };
    visit(entry);
    return { entry, functions };
  }
}

/** A function with chosen parameters, in a chosen order, and chosen returns; dropped parameters must be unused. */
export const rearranged = (
  fn: IrFunction,
  parameters: ReadonlyArray<number>,
  returns: ReadonlyArray<number>,
): IrFunction => {
  const count = fn.parameters.length;
  const numberOf = (value: number): number =>
    value < count ? parameters.indexOf(value) : value - count + parameters.length;
  const kept = swept({ ...fn, returns: returns.map((place) => fn.returns[place]) });
  return {
    ...kept,
    parameters: parameters.map((place) => fn.parameters[place]),
    nodes: kept.nodes.map((node) => ({ ...node, operands: node.operands.map(numberOf) })),
    returns: kept.returns.map(numberOf),
  };
};

/** Which parameters of a function matter to some of its returns. */
export const neededParameters = (fn: IrFunction, returns: ReadonlyArray<number>): ReadonlyArray<boolean> => {
  const uses = liveUses({ ...fn, returns: returns.map((place) => fn.returns[place]) });
  return fn.parameters.map((_, i) => uses[i] > 0);
};

/** Numbers below a count. */
export const range = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, i) => i);
