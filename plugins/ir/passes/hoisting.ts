/**
 * Hoisting: nodes of a loop's body that give the same in every turn, computed once before the loop.
 *
 * Invariant: only what cannot fail is moved out of a loop that may never turn; literals and sizes stay where they are,
 * for they cost nothing.
 *
 * @module
 */
import { bindCall, isControl, rowOf } from "../control.ts";
import type { Dimension } from "../dimension.ts";
import type { IrFunction, Node } from "../graph.ts";
import { substituteAttributes } from "../infer.ts";
import { primitiveOf } from "../primitives.ts";
import { isConcrete, type TensorType } from "../types.ts";
import type { Emitter } from "./emitter.ts";
import { swept } from "./emitter.ts";
import type { Draft, PassResult } from "./pass.ts";
import { Functions, rebuild } from "./structure.ts";

/** Nodes that are made again wherever they are needed: generators, and one number spread over a shape. */
const isGenerated = (node: Node, types: ReadonlyArray<TensorType>): boolean =>
  !isControl(node.op) &&
  (node.operands.length === 0 || (node.op === "broadcast" && types[node.operands[0]].shape.length === 0));

/** Whether running a node anywhere is safe: known sizes were checked with the program, element by element nothing can fail. */
const cannotFail = (node: Node, types: ReadonlyArray<TensorType>): boolean =>
  !isControl(node.op) &&
  (primitiveOf(node.op).loop === "elementwise" || [...types, ...node.results].every(isConcrete));

/** Values of a body that are the same in every turn, and the nodes that are worth computing before the loop. */
const invariants = (
  fn: IrFunction,
  from: number,
): { readonly nodes: ReadonlySet<Node>; readonly values: ReadonlyArray<boolean> } => {
  const values: boolean[] = fn.parameters.map((_, i) => i >= from);
  const types: TensorType[] = fn.parameters.map(({ type }) => type);
  const nodes = new Set<Node>();
  for (const node of fn.nodes) {
    const steady = node.operands.every((operand) => values[operand]) && cannotFail(node, types);
    if (steady && !isGenerated(node, types)) nodes.add(node);
    node.results.forEach((type) => {
      values.push(steady);
      types.push(type);
    });
  }
  return { nodes, values };
};

/** The values that leave the part of a body that is computed before the loop. */
const leaving = (fn: IrFunction, moved: ReadonlySet<Node>): ReadonlyArray<number> => {
  const wanted = new Set<number>(fn.returns);
  for (const node of fn.nodes) if (!moved.has(node)) node.operands.forEach((operand) => wanted.add(operand));
  const found: number[] = [];
  let value = fn.parameters.length;
  for (const node of fn.nodes) {
    node.results.forEach(() => {
      if (moved.has(node) && wanted.has(value)) found.push(value);
      value++;
    });
  }
  return found;
};

/** A body without the moved nodes, their values as new parameters after the others. */
const withoutMoved = (
  fn: IrFunction,
  moved: ReadonlySet<Node>,
  values: ReadonlyArray<number>,
  extra: ReadonlyArray<TensorType>,
  offset: number,
): IrFunction => {
  const count = fn.parameters.length;
  const numbers = new Map<number, number>();
  fn.parameters.forEach((_, i) => numbers.set(i, i));
  values.forEach((value, i) => numbers.set(value, count + offset + i));
  let [value, next] = [count, count + extra.length];
  for (const node of fn.nodes) {
    node.results.forEach(() => {
      if (!moved.has(node)) numbers.set(value, next++);
      value++;
    });
  }
  const numberOf = (old: number): number => numbers.get(old)!;
  return {
    ...fn,
    parameters: [...fn.parameters, ...extra.map((type, i) => ({ name: `hoisted${count + i}`, type }))],
    nodes: fn.nodes.filter((node) => !moved.has(node)).map((node) => ({
      ...node,
      operands: node.operands.map(numberOf),
    })),
    returns: fn.returns.map(numberOf),
  };
};

/** Emits the moved nodes of a body before the loop; the values that leave them. */
const emitMoved = (
  e: Emitter,
  node: Node,
  fn: IrFunction,
  operands: ReadonlyArray<number>,
  moved: ReadonlySet<Node>,
  wanted: ReadonlyArray<number>,
): ReadonlyArray<number> => {
  const { scanned = 0, carry } = node.attributes as { readonly scanned?: number; readonly carry: number };
  const args = operands.map((operand, i) =>
    i >= carry && i < carry + scanned ? rowOf(e.types[operand]) : e.types[operand]
  );
  const bindings = bindCall(node.op, fn, args, node.attributes.sizes as ReadonlyArray<Dimension>, e.solver);
  const values = new Map<number, number>();
  // Operands that change from turn to turn have no value before the loop.
  operands.forEach((operand, i) => i >= carry + scanned && values.set(i, operand));
  const types = fn.parameters.map(({ type }) => type);
  let value = fn.parameters.length;
  const outer = e.location;
  const emitNode = (inner: Node): number => {
    e.location = inner.location ?? outer;
    return e.emit(
      inner.op,
      inner.operands.map((operand) => values.get(operand)!),
      substituteAttributes(inner.op, inner.attributes, bindings),
    );
  };
  for (const inner of fn.nodes) {
    const known = inner.operands.every((operand) => values.has(operand));
    if (moved.has(inner) || (known && isGenerated(inner, types))) {
      const first = emitNode(inner);
      inner.results.forEach((_, i) => values.set(value + i, first + i));
    }
    types.push(...inner.results);
    value += inner.results.length;
  }
  e.location = outer;
  return wanted.map((old) => values.get(old)!);
};

const hoist = (
  node: Node,
  operands: ReadonlyArray<number>,
  e: Emitter,
  functions: Functions,
): ReadonlyArray<number> | undefined => {
  if (node.op !== "while" && node.op !== "scan") return undefined;
  if (node.op === "scan" && node.attributes.length === 0) return undefined;
  const carry = node.attributes.carry as number;
  const from = carry + (node.op === "scan" ? node.attributes.scanned as number : 0);
  const bodies = node.functions.map((name) => swept(functions.lookup(name)));
  const parts = bodies.map((fn) => {
    const { nodes } = invariants(fn, from);
    return { fn, nodes, wanted: leaving(fn, nodes) };
  });
  if (parts.every(({ wanted }) => wanted.length === 0)) return undefined;
  const made = parts.map(({ fn, nodes, wanted }) => emitMoved(e, node, fn, operands, nodes, wanted));
  const all = made.flat();
  const types = all.map((value) => e.types[value]);
  let offset = 0;
  const names = parts.map(({ fn, nodes, wanted }) => {
    const changed = withoutMoved(fn, wanted.length === 0 ? new Set() : nodes, wanted, types, offset);
    offset += wanted.length;
    return functions.add(changed);
  });
  const first = e.emit(node.op, [...operands, ...all], node.attributes, names);
  return node.results.map((_, i) => first + i);
};

/** Runs the pass. */
export const hoistInvariants = (draft: Draft): PassResult => {
  const functions = new Functions(draft);
  let changes = 0;
  for (const fn of draft.functions.values()) {
    if (!fn.nodes.some((node) => node.functions.length > 0)) continue;
    const made = rebuild(fn, functions.lookup, (node, operands, e) => hoist(node, operands, e, functions));
    changes += made.changes;
    if (made.changes > 0) functions.put(made.fn);
  }
  return changes === 0 ? { draft, changes } : { draft: functions.draft(draft.entry), changes };
};
