/**
 * Inlining: calls replaced by what they call, sizes put in.
 *
 * Invariant: bounded: a call stays where its body would make the program larger than {@link MAX_INLINED_NODES}.
 *
 * @module
 */
import { bindCall } from "../control.ts";
import type { Dimension } from "../dimension.ts";
import type { IrFunction, Node } from "../graph.ts";
import { substituteAttributes } from "../infer.ts";
import type { Emitter } from "./emitter.ts";
import type { Draft, PassResult } from "./pass.ts";
import { Functions, rebuild } from "./structure.ts";

/** Most nodes that a program has after calls in it were replaced. */
export const MAX_INLINED_NODES = 16_384;

/** Emits the nodes of a function on values; the values it returns. */
export const emitBody = (
  e: Emitter,
  node: Pick<Node, "op" | "attributes">,
  fn: IrFunction,
  operands: ReadonlyArray<number>,
): ReadonlyArray<number> => {
  const types = operands.map((operand) => e.types[operand]);
  const bindings = bindCall(node.op, fn, types, node.attributes.sizes as ReadonlyArray<Dimension>, e.solver);
  const outer = e.location;
  const values = [...operands];
  for (const inner of fn.nodes) {
    e.location = inner.location ?? outer;
    const attributes = substituteAttributes(inner.op, inner.attributes, bindings);
    const first = e.emit(inner.op, inner.operands.map((operand) => values[operand]), attributes, inner.functions);
    inner.results.forEach((_, i) => values.push(first + i));
  }
  e.location = outer;
  return fn.returns.map((value) => values[value]);
};

/** Runs the pass. */
export const inlineCalls = (draft: Draft): PassResult => {
  const functions = new Functions(draft);
  let changes = 0;
  let nodes = [...draft.functions.values()].reduce((count, fn) => count + fn.nodes.length, 0);
  for (const fn of draft.functions.values()) {
    const made = rebuild(fn, functions.lookup, (node, operands, e) => {
      if (node.op !== "call") return undefined;
      const callee = functions.lookup(node.functions[0]);
      if (nodes + callee.nodes.length > MAX_INLINED_NODES) return undefined;
      nodes += callee.nodes.length;
      return emitBody(e, node, callee, operands);
    });
    changes += made.changes;
    if (made.changes > 0) functions.put(made.fn);
  }
  return changes === 0 ? { draft, changes } : { draft: functions.draft(draft.entry), changes };
};
