/**
 * Grad: reverse-mode differentiation as a function from programs to programs.
 *
 * Not a tape at run time: the result is an ordinary program, so it can be checked, costed, compiled and differentiated
 * again. Structured control stays structured: each branch, loop and larger function gets a backward half.
 * Where a derivative does not exist: |x| and relu have 0 at 0; of equal operands max and min give the cotangent to the
 * second, reductions share it among the tied, windows and running extrema give it to one of them; rounding has 0.
 * Invariant: cotangents follow the rules of the table and nothing else, and have the types of what they belong to.
 *
 * @module
 */
import { ProgramBuilder } from "./builder.ts";
import { Reverse, type ReversePolicy } from "./differentiate/reverse.ts";
import { playBack, type Step } from "./differentiate/tape.ts";
import { badGradientTarget } from "./failures.ts";
import { functionOf, type IrFunction, type Program, returnTypes } from "./graph.ts";
import { isFloat, printType, type TensorType } from "./types.ts";

/** What is differentiated by what. */
export interface GradOptions extends ReversePolicy {
  /** Parameters, by name or position; all float ones where absent. */
  readonly wrt?: ReadonlyArray<string | number>;
  /** Position of the result that is differentiated; 0 where absent. */
  readonly result?: number;
  /** Whether the new program returns the results of the old one before the gradients. */
  readonly value?: boolean;
  /** Whether the new program takes the cotangent of the result as a last parameter; else the result is a scalar. */
  readonly cotangent?: boolean;
}

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

/** Positions of the parameters named; of all float ones where none are. */
export const parametersOf = (fn: IrFunction, wrt?: ReadonlyArray<string | number>): ReadonlyArray<number> =>
  wrt?.map((name) => parameterIndex(fn, name)) ??
    fn.parameters.flatMap(({ type }, index) => isFloat(type.dtype) ? [index] : []);

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
  const wrt = parametersOf(fn, options.wrt);
  const made = new ProgramBuilder();
  [...program.functions.keys()].forEach((name) => made.reserve(name));
  const g = made.open(fn.name, { where: fn.constraints, sizes: fn.sizes, lean: true });
  const args = fn.parameters.map(({ name, type }) => g.parameter(name, type));
  const seed = options.cotangent ? g.parameter("cotangent", target) : undefined;
  const reverse = new Reverse(program, made, options);
  const tape: Step[] = [];
  const chosen = wrt.map((index) => args[index]);
  chosen.forEach((value) => reverse.active.add(value));
  const wanted = fn.returns.map((_, i) => i === (options.result ?? 0));
  const results = reverse.emit(g, fn, args, new Map(), wanted, tape);
  const out = results[options.result ?? 0];
  const cotangents = playBack(g, tape, reverse.active, new Map([[out, seed ?? g.full(target, 1)]]));
  const gradients = chosen.map((value) => cotangents.get(value) ?? g.zerosLike(value));
  made.add(g.function([...(options.value ? results : []), ...gradients], { live: true }));
  return made.build(fn.name);
};
