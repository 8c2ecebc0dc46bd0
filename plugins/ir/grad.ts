/**
 * Grad: reverse-mode differentiation as a function from programs to programs.
 *
 * Not a tape at run time: the result is an ordinary program, so it can be checked, costed, compiled and differentiated
 * again. Calls are inlined; a cotangent that would have to pass `if`, `while` or `scan` is refused by name.
 * Invariant: cotangents follow the rules of the table and nothing else, and have the types of what they belong to.
 *
 * @module
 */
import { type FunctionBuilder, ProgramBuilder, type Value } from "./builder.ts";
import { bindCall, isControl } from "./control.ts";
import type { Bindings, Dimension } from "./dimension.ts";
import { badGradientTarget, noGradient } from "./failures.ts";
import { type Attributes, functionOf, type IrFunction, type Program, returnTypes } from "./graph.ts";
import { substituteAttributes } from "./infer.ts";
import type { NoGradient } from "./primitive.ts";
import { primitiveOf } from "./primitives.ts";
import { isFloat, printType, type TensorType } from "./types.ts";

/** What is differentiated by what. */
export interface GradOptions {
  /** Parameters, by name or position; all float ones where absent. */
  readonly wrt?: ReadonlyArray<string | number>;
  /** Position of the result that is differentiated; 0 where absent. */
  readonly result?: number;
  /** Whether the new program returns the results of the old one before the gradients. */
  readonly value?: boolean;
  /** Whether the new program takes the cotangent of the result as a last parameter; else the result is a scalar. */
  readonly cotangent?: boolean;
}

type Entry = {
  readonly op: string;
  readonly operands: ReadonlyArray<Value>;
  readonly results: ReadonlyArray<Value>;
  readonly attributes: Attributes;
  readonly location: string;
};

/** Emits the nodes of a function on given values, calls replaced by what they call. */
const inline = (
  program: Program,
  g: FunctionBuilder,
  fn: IrFunction,
  args: ReadonlyArray<Value>,
  bindings: Bindings,
  tape: Entry[],
): ReadonlyArray<Value> => {
  const values = [...args];
  fn.nodes.forEach((node, index) => {
    const operands = node.operands.map((operand) => values[operand]);
    const attributes = substituteAttributes(node.op, node.attributes, bindings);
    const location = node.location ?? `/functions/${fn.name}/nodes/${index}`;
    g.at(location, () => {
      if (node.op === "call") {
        const callee = functionOf(program, node.functions[0]);
        const sizes = attributes.sizes as ReadonlyArray<Dimension>;
        const bound = bindCall("call", callee, operands.map((operand) => operand.type), sizes, g.solver);
        values.push(...inline(program, g, callee, operands, bound, tape));
        return;
      }
      const results = g.emitNode(node.op, operands, attributes, node.functions);
      tape.push({ op: node.op, operands, results, attributes, location });
      values.push(...results);
    });
  });
  return fn.returns.map((value) => values[value]);
};

const CONTROL_REASON: NoGradient = { none: "a cotangent does not pass through structured control", zero: false };

const isNone = (gradient: unknown): gradient is NoGradient => typeof gradient !== "function";

const gradientOf = (op: string) => isControl(op) ? CONTROL_REASON : primitiveOf(op).gradient;

const stops = (op: string): boolean => {
  const gradient = gradientOf(op);
  return isNone(gradient) && gradient.zero;
};

/** Values that depend on the chosen parameters in a way that a derivative can see. */
const activeValues = (tape: ReadonlyArray<Entry>, chosen: ReadonlyArray<Value>): ReadonlySet<Value> => {
  const active = new Set(chosen);
  for (const { op, operands, results } of tape) {
    if (stops(op) || !operands.some((operand) => active.has(operand))) continue;
    results.forEach((result) => isFloat(result.type.dtype) && active.add(result));
  }
  return active;
};

/** Cotangents of values, by the rules of the table, last node first. */
const backward = (
  g: FunctionBuilder,
  tape: ReadonlyArray<Entry>,
  active: ReadonlySet<Value>,
  seeds: ReadonlyMap<Value, Value>,
): ReadonlyMap<Value, Value> => {
  const cotangents = new Map(seeds);
  for (const { op, operands, results, attributes, location } of tape.toReversed()) {
    const reached = results.some((result) => cotangents.has(result));
    if (!reached || stops(op) || !operands.some((operand) => active.has(operand))) continue;
    const gradient = gradientOf(op);
    if (isNone(gradient)) throw noGradient({ op, reason: gradient.none, path: location });
    g.at(location, () => {
      const cotangent = cotangents.get(results[0]) ?? g.zerosLike(results[0]);
      gradient({ g, operands, results, cotangent, attributes }).forEach((part, i) => {
        const operand = operands[i];
        if (part === undefined || !active.has(operand)) return;
        const before = cotangents.get(operand);
        cotangents.set(operand, before === undefined ? part : g.add(before, part));
      });
    });
  }
  return cotangents;
};

const parameterIndex = (fn: IrFunction, name: string | number): number => {
  const index = typeof name === "number" ? name : fn.parameters.findIndex((parameter) => parameter.name === name);
  const parameter = fn.parameters[index];
  const names = fn.parameters.map((known) => known.name);
  if (parameter === undefined) {
    throw badGradientTarget({ reason: `there is no parameter ${name}`, path: "/wrt", expected: names, actual: name });
  }
  if (!isFloat(parameter.type.dtype)) {
    throw badGradientTarget({
      reason: `parameter ${parameter.name} is ${printType(parameter.type)}, and only floats have gradients`,
      path: "/wrt",
    });
  }
  return index;
};

const targetOf = (fn: IrFunction, options: GradOptions): TensorType => {
  const types = returnTypes(fn);
  const type = types[options.result ?? 0];
  if (type === undefined) {
    throw badGradientTarget({
      reason: `there is no result ${options.result ?? 0}`,
      path: "/result",
      expected: types.length,
    });
  }
  if (!isFloat(type.dtype) || (options.cotangent !== true && type.shape.length > 0)) {
    throw badGradientTarget({
      reason: `its result is ${printType(type)}, and ${options.cotangent ? "a float" : "a float scalar"} is needed`,
      path: "/result",
      expected: `${isFloat(type.dtype) ? type.dtype : "f32"}[]`,
      actual: printType(type),
    });
  }
  return type;
};

/** Functions that control nodes still run, in order, without the entry. */
const keptFunctions = (program: Program): ReadonlyArray<IrFunction> =>
  [...program.functions.values()].filter((fn) => fn.name !== program.entry);

/**
 * The program that computes the derivative of one result by some parameters: same parameters, and as results (the old
 * results where asked for and then) one gradient for each parameter named.
 *
 * @example
 * ```ts
 * import { buildProgram, evaluate, grad, tensor, toNested } from "@rmi/rmi/ir";
 * import assert from "node:assert/strict";
 * const square = buildProgram({ x: "f64[]" }, (g, { x }) => g.mul(x, x));
 * assert.equal(toNested(evaluate(grad(square), [tensor("f64", [], [3])]).results[0]), 6);
 * ```
 */
export const grad = (program: Program, options: GradOptions = {}): Program => {
  const fn = functionOf(program);
  const target = targetOf(fn, options);
  const floats = fn.parameters.flatMap(({ type }, index) => isFloat(type.dtype) ? [index] : []);
  const wrt = options.wrt?.map((name) => parameterIndex(fn, name)) ?? floats;
  const made = new ProgramBuilder();
  keptFunctions(program).forEach((kept) => made.add(kept));
  const g = made.open(fn.name, { where: fn.constraints, sizes: fn.sizes });
  const args = fn.parameters.map(({ name, type }) => g.parameter(name, type));
  const seed = options.cotangent ? g.parameter("cotangent", target) : undefined;
  const tape: Entry[] = [];
  const results = inline(program, g, fn, args, new Map(), tape);
  const out = results[options.result ?? 0];
  const chosen = wrt.map((index) => args[index]);
  const seeds = new Map([[out, seed ?? g.full(target, 1)]]);
  const cotangents = backward(g, tape, activeValues(tape, chosen), seeds);
  const gradients = chosen.map((value) => cotangents.get(value) ?? g.zerosLike(value));
  made.add(g.function([...(options.value ? results : []), ...gradients], { live: true }));
  return made.build(fn.name);
};
