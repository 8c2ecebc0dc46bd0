/**
 * Bind: parameters become constants, calls what they call, and what is computed from constants alone is computed.
 *
 * Not the optimiser's folding (passes/): only as much as shows which operands of products are known beforehand.
 * Invariant: results are those of the program on the bound values, bit for bit.
 *
 * @module
 */
import { type FunctionBuilder, ProgramBuilder, type Value } from "../builder.ts";
import { bindCall, isControl } from "../control.ts";
import type { Bindings, Dimension } from "../dimension.ts";
import { notQuantized } from "../failures.ts";
import { functionOf, type IrFunction, type Node, type Program } from "../graph.ts";
import { substituteAttributes } from "../infer.ts";
import { primitiveOf } from "../primitives.ts";
import { isConcrete, printType, sameType } from "../types.ts";
import { elementCount, type Tensor } from "../value.ts";
import { pruned } from "../variation/rebuild.ts";

/** Most elements of a folded constant. */
const MAX_FOLDED: number = 2 ** 24;

const folded = (node: Node, operands: ReadonlyArray<Tensor | undefined>): ReadonlyArray<Tensor> | undefined => {
  if (isControl(node.op) || operands.includes(undefined) || !node.results.every(isConcrete)) return undefined;
  if (node.op !== "constant" && node.operands.length === 0) return undefined;
  if (node.results.some(({ shape }) => elementCount(shape as ReadonlyArray<number>) > MAX_FOLDED)) return undefined;
  const { op, attributes, results } = node;
  return primitiveOf(op).evaluate({ op, inputs: operands as ReadonlyArray<Tensor>, attributes, results });
};

/** A value: known beforehand, emitted, or both. */
type Known = { readonly tensor?: Tensor; value?: Value };

const valueOf = (g: FunctionBuilder, known: Known): Value => known.value ??= g.constant(known.tensor!);

/** Emits the nodes of a function, calls replaced by what they call, and what is known beforehand left out. */
const emit = (
  program: Program,
  g: FunctionBuilder,
  fn: IrFunction,
  args: ReadonlyArray<Known>,
  bindings: Bindings,
): ReadonlyArray<Known> => {
  const values = [...args];
  fn.nodes.forEach((node) => {
    const operands = node.operands.map((operand) => values[operand]);
    const attributes = substituteAttributes(node.op, node.attributes, bindings);
    const given = () => operands.map((operand) => valueOf(g, operand));
    const build = (): ReadonlyArray<Known> => {
      const known = folded({ ...node, attributes }, operands.map(({ tensor }) => tensor));
      if (known !== undefined) return known.map((tensor) => ({ tensor }));
      if (node.op !== "call") {
        return g.emitNode(node.op, given(), attributes, node.functions).map((value) => ({ value }));
      }
      const callee = functionOf(program, node.functions[0]);
      const types = given().map((value) => value.type);
      const sizes = attributes.sizes as ReadonlyArray<Dimension>;
      return emit(program, g, callee, operands, bindCall("call", callee, types, sizes, g.solver));
    };
    values.push(...(node.location === undefined ? build() : g.at(node.location, build)));
  });
  return fn.returns.map((value) => values[value]);
};

/** Where a weight stands in what was asked, as a JSON Pointer. */
const pathOf = (name: string): string => `/weights/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;

/** The program with some parameters bound by name, and its calls inlined. */
export const bindParameters = (program: Program, bound: { readonly [name: string]: Tensor }): Program => {
  const fn = functionOf(program);
  const names = fn.parameters.map(({ name }) => name);
  const unknown = Object.keys(bound).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw notQuantized({
      reason: `there is no parameter ${unknown}`,
      path: pathOf(unknown),
      expected: names,
      fix: { summary: "Leave it out", patch: [{ op: "remove", path: pathOf(unknown) }] },
    });
  }
  const made = new ProgramBuilder();
  for (const each of program.functions.values()) if (each.name !== fn.name) made.add(each);
  const g = made.open(fn.name, { where: fn.constraints, sizes: fn.sizes });
  const args = fn.parameters.map(({ name, type }): Known => {
    const tensor = bound[name];
    if (tensor !== undefined && !sameType(tensor, type)) {
      throw notQuantized({
        reason: `parameter ${name} is ${printType(type)}, and ${printType(tensor)} was given`,
        path: pathOf(name),
      });
    }
    return tensor === undefined ? { value: g.parameter(name, type) } : { tensor };
  });
  const results = emit(program, g, fn, args, new Map());
  made.add(g.function(results.map((result) => valueOf(g, result)), { live: true }));
  return pruned(made.all(), fn.name);
};
