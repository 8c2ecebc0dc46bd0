/**
 * Bind: parameters become constants, and what is computed from constants alone is computed.
 *
 * Not the optimiser's folding (passes/): only as much as shows which operands of products are known beforehand.
 * Invariant: results are those of the program on the bound values, bit for bit.
 *
 * @module
 */
import { ProgramBuilder, type Value } from "../builder.ts";
import { isControl } from "../control.ts";
import { notQuantized } from "../failures.ts";
import { functionOf, type Node, type Program } from "../graph.ts";
import { primitiveOf } from "../primitives.ts";
import { isConcrete, printType, sameType } from "../types.ts";
import { elementCount, type Tensor } from "../value.ts";

/** Most elements of a folded constant. */
const MAX_FOLDED: number = 2 ** 24;

const folded = (node: Node, operands: ReadonlyArray<Tensor | undefined>): ReadonlyArray<Tensor> | undefined => {
  if (isControl(node.op) || operands.includes(undefined) || !node.results.every(isConcrete)) return undefined;
  if (node.op !== "constant" && node.operands.length === 0) return undefined;
  if (node.results.some(({ shape }) => elementCount(shape as ReadonlyArray<number>) > MAX_FOLDED)) return undefined;
  const { op, attributes, results } = node;
  return primitiveOf(op).evaluate({ op, inputs: operands as ReadonlyArray<Tensor>, attributes, results });
};

/** Where a weight stands in what was asked, as a JSON Pointer. */
const pathOf = (name: string): string => `/weights/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;

/** The program with some parameters bound by name. */
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
  const tensors: Array<Tensor | undefined> = [];
  const values: Array<Value | undefined> = [];
  fn.parameters.forEach(({ name, type }) => {
    const tensor = bound[name];
    if (tensor !== undefined && !sameType(tensor, type)) {
      throw notQuantized({
        reason: `parameter ${name} is ${printType(type)}, and ${printType(tensor)} was given`,
        path: pathOf(name),
      });
    }
    tensors.push(tensor);
    values.push(tensor === undefined ? g.parameter(name, type) : undefined);
  });
  const valueOf = (number: number): Value => values[number] ??= g.constant(tensors[number]!);
  for (const node of fn.nodes) {
    const known = folded(node, node.operands.map((operand) => tensors[operand]));
    if (known !== undefined) {
      known.forEach((tensor) => {
        tensors.push(tensor);
        values.push(undefined);
      });
      continue;
    }
    const emit = () => g.emitNode(node.op, node.operands.map(valueOf), node.attributes, node.functions);
    (node.location === undefined ? emit() : g.at(node.location, emit)).forEach((value) => {
      tensors.push(undefined);
      values.push(value);
    });
  }
  made.add(g.function(fn.returns.map(valueOf), { live: true }));
  return made.build(fn.name);
};
