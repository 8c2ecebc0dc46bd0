/**
 * Rebuild: emits one function of a program again, with an edit on the way.
 *
 * Not an in-place change: programs are frozen, and every node is typed again.
 * Invariant: whatever the edit does, each value keeps its original type and the function its signature (new parameters
 * come last), so all users and callers stay valid; nodes that no result needs any longer are dropped.
 *
 * @module
 */
import { type FunctionBuilder, ProgramBuilder, type Value } from "../builder.ts";
import { firstResults, functionOf, type IrFunction, type Node, type Program, valueTypes } from "../graph.ts";
import type { TensorType } from "../types.ts";
import { fit } from "./fit.ts";

/** What happens while a function is emitted again. Values are those of the original function, by number. */
export interface Edit {
  /** What it does, in words. */
  readonly detail: string;
  /** The node it is about; absent where it is about a parameter or the whole function. */
  readonly node?: number;
  /** Emits something else in place of a node; undefined leaves the node. */
  readonly replace?: (
    index: number,
    g: FunctionBuilder,
    operands: ReadonlyArray<Value>,
    values: ReadonlyArray<Value>,
  ) => ReadonlyArray<Value> | undefined;
  /** Gives values others in their place, for all that follow node `index` (−1: the parameters). */
  readonly after?: (index: number, g: FunctionBuilder, values: ReadonlyArray<Value>) => ReadonlyMap<number, Value>;
  /** Another order of the nodes. */
  readonly order?: ReadonlyArray<number>;
  /** A new parameter, added after the others; its number is that of the first value without one. */
  readonly parameter?: { readonly name: string; readonly type: TensorType };
}

/** The nodes that the results of a function need. */
export const liveNodes = (fn: IrFunction): ReadonlyArray<number> => {
  const firsts = firstResults(fn);
  const needed = new Set(fn.returns);
  const live: number[] = [];
  for (let index = fn.nodes.length - 1; index >= 0; index--) {
    const node = fn.nodes[index];
    if (!node.results.some((_, i) => needed.has(firsts[index] + i))) continue;
    node.operands.forEach((operand) => needed.add(operand));
    live.unshift(index);
  }
  return live;
};

/** Emits a node as it was. */
export const again = (g: FunctionBuilder, node: Node, operands: ReadonlyArray<Value>): ReadonlyArray<Value> => {
  const emit = () => g.emitNode(node.op, operands, node.attributes, node.functions);
  return node.location === undefined ? emit() : g.at(node.location, emit);
};

const editFunction = (made: ProgramBuilder, fn: IrFunction, edit: Edit): IrFunction => {
  const g = made.open(fn.name, { where: fn.constraints, sizes: fn.sizes });
  const types = valueTypes(fn);
  const firsts = firstResults(fn);
  const values: Value[] = new Array(types.length + 1);
  fn.parameters.forEach(({ name, type }, i) => values[i] = g.parameter(name, type));
  if (edit.parameter !== undefined) values[types.length] = g.parameter(edit.parameter.name, edit.parameter.type);
  const settle = (index: number): void =>
    edit.after?.(index, g, values).forEach((value, number) => values[number] = fit(g, value, types[number]));
  settle(-1);
  for (const index of edit.order ?? fn.nodes.keys()) {
    const node = fn.nodes[index];
    const operands = node.operands.map((operand) => values[operand]);
    const replace = () => edit.replace?.(index, g, operands, values);
    const replaced = node.location === undefined ? replace() : g.at(node.location, replace);
    const results = replaced?.map((value, i) => fit(g, value, types[firsts[index] + i])) ?? again(g, node, operands);
    results.forEach((result, i) => values[firsts[index] + i] = result);
    settle(index);
  }
  return g.function(fn.returns.map((value) => values[value]), { live: true });
};

/** Functions that the entry reaches. */
const reached = (program: Program): ReadonlySet<string> => {
  const found = new Set<string>();
  const visit = (name: string): void => {
    if (found.has(name)) return;
    found.add(name);
    functionOf(program, name).nodes.forEach((node) => node.functions.forEach(visit));
  };
  visit(program.entry);
  return found;
};

/** The program of some functions, without those that its entry does not reach. */
export const pruned = (functions: ReadonlyArray<IrFunction>, entry: string): Program => {
  const builder = new ProgramBuilder();
  functions.forEach((fn) => builder.add(fn));
  const whole = builder.build(entry);
  const kept = reached(whole);
  if (kept.size === functions.length) return whole;
  const least = new ProgramBuilder();
  for (const fn of whole.functions.values()) if (kept.has(fn.name)) least.add(fn);
  return least.build(entry);
};

const NOTHING: Edit = { detail: "nothing" };

/** A program whose functions hold only nodes that their results need, and that holds only functions it runs. */
export const withoutDead = (program: Program): Program => {
  const made = new ProgramBuilder();
  for (const fn of program.functions.values()) made.add(editFunction(made, fn, NOTHING));
  return pruned([...made.all()], program.entry);
};

/** A program with one function edited; throws the failure of the checks where the edit makes something ill-typed. */
export const rebuild = (program: Program, name: string, edit: Edit): Program => {
  const made = new ProgramBuilder();
  for (const fn of program.functions.values()) made.add(fn.name === name ? editFunction(made, fn, edit) : fn);
  return pruned([...made.all()], program.entry);
};

/** Functions of a program that hold nodes to edit, those that are run by control nodes included. */
export const editable = (program: Program): ReadonlyArray<IrFunction> =>
  [...program.functions.values()].filter((fn) => liveNodes(fn).length > 0);
