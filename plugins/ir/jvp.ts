/**
 * Jvp: forward-mode differentiation as a function from programs to programs, and products with the Hessian from it.
 *
 * Not dual numbers at run time: the result is an ordinary program, like that of grad.ts.
 * Invariant: ⟨cotangent, jvp⟩ equals ⟨gradient, tangent⟩: both modes read the same rules.
 *
 * @module
 */
import { ProgramBuilder } from "./builder.ts";
import { Forward } from "./differentiate/forward.ts";
import { grad, type GradOptions, parametersOf } from "./grad.ts";
import { functionOf, type Program } from "./graph.ts";
import { isFloat } from "./types.ts";

/** What moves, and what is returned. */
export interface JvpOptions {
  /** Parameters that move, by name or position; all float ones where absent. */
  readonly wrt?: ReadonlyArray<string | number>;
  /** Whether the new program returns the results of the old one before the tangents. */
  readonly value?: boolean;
}

/**
 * The program that computes how the results move when parameters do: same parameters, then a tangent for each parameter
 * named; and as results (the old results where asked for and then) a tangent for each float result.
 *
 * @example
 * ```ts
 * import { buildProgram, evaluate, jvp, tensor, toNested } from "@rmi/rmi/ir";
 * import assert from "node:assert/strict";
 * const square = buildProgram({ x: "f64[]" }, (g, { x }) => g.mul(x, x));
 * const [x, moved] = [tensor("f64", [], [3]), tensor("f64", [], [0.5])];
 * assert.equal(toNested(evaluate(jvp(square), [x, moved]).results[0]), 3);
 * ```
 */
export const jvp = (program: Program, options: JvpOptions = {}): Program => {
  const fn = functionOf(program);
  const wrt = parametersOf(fn, options.wrt);
  const made = new ProgramBuilder();
  [...program.functions.keys()].forEach((name) => made.reserve(name));
  const g = made.open(fn.name, { where: fn.constraints, sizes: fn.sizes, lean: true });
  const args = fn.parameters.map(({ name, type }) => g.parameter(name, type));
  const tangents = new Map(wrt.map((i) => [i, g.parameter(`${fn.parameters[i].name}.tangent`, args[i].type)]));
  const duals = args.map((value, i) => {
    const tangent = tangents.get(i);
    return tangent === undefined ? { value } : { value, tangent };
  });
  const out = new Forward(program, made).emit(g, fn, duals, new Map());
  const moved = out.filter(({ value }) => isFloat(value.type.dtype))
    .map(({ value, tangent }) => tangent ?? g.zerosLike(value));
  made.add(g.function([...(options.value ? out.map(({ value }) => value) : []), ...moved], { live: true }));
  return made.build(fn.name);
};

/**
 * The program that multiplies the Hessian of a scalar result with a vector: same parameters, then a vector for each
 * parameter named; and as results, for each of them, its part of the product. Forward over reverse.
 */
export const hessianVector = (program: Program, options: Omit<GradOptions, "value" | "cotangent"> = {}): Program =>
  jvp(grad(program, options), options.wrt === undefined ? {} : { wrt: options.wrt });
