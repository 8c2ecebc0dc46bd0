/**
 * Signature: a program at known sizes as its caller sees it: which parameters are passed, which results come back, and
 * which stay on the device.
 *
 * Not a compiler: every backend begins here, so that all refuse the same inputs in the same words.
 * Invariant: each parameter is an input or state, each result an output or state, and state has the type of its
 * parameter.
 *
 * @module
 */
import type { ConcreteType, IrFailure, IrFunction, Program, Tensor } from "../ir/contract.ts";
import {
  attempt,
  bindCall,
  DimensionSolver,
  functionOf,
  isConcrete,
  printType,
  returnTypes,
  sameType,
  substituteType,
  symbolsOf,
  tensorOf,
} from "../ir/library.ts";
import * as Result from "effect/Result";
import type { CompileOptions } from "./contract.ts";
import { type BackendsFailure, wrongInput } from "./failures.ts";

/** Numbers for named sizes. */
export type Sizes = { readonly [name: string]: number };

/** A program at known sizes. */
export interface Signature {
  /** A number for every size of the entry function. */
  readonly sizes: Sizes;
  /** Types of all parameters. */
  readonly parameters: ReadonlyArray<ConcreteType>;
  /** Types of all results. */
  readonly results: ReadonlyArray<ConcreteType>;
  /** Positions of the parameters that are passed at each step. */
  readonly inputs: ReadonlyArray<number>;
  /** Positions of the results that come back from each step. */
  readonly outputs: ReadonlyArray<number>;
  /** What stays on the device, as [result, parameter]. */
  readonly state: ReadonlyArray<readonly [result: number, parameter: number]>;
}

const ASSUMING_NOTHING = new DimensionSolver();

type Answer<A> = Result.Result<A, BackendsFailure>;

const refuse = (reason: string, path: string, fix: Partial<Parameters<typeof wrongInput>[0]> = {}): Answer<never> =>
  Result.fail(wrongInput({ reason, path, ...fix }));

/** A failure of the IR as one of this room: what it says, where it says it. */
export const asInputFailure = (thrown: IrFailure, path = ""): BackendsFailure =>
  wrongInput({
    reason: thrown.message,
    path: thrown.path === "" ? path : thrown.path,
    ...(thrown.expected === undefined ? {} : { expected: thrown.expected }),
    ...(thrown.actual === undefined ? {} : { actual: thrown.actual }),
  });

const within = <A>(compute: () => A, path: string): Answer<A> =>
  Result.mapError(attempt(compute), (thrown) => asInputFailure(thrown, path));

/** Sizes that a caller names for a function: those of its parameters and those it asks for besides. */
const namesOf = (fn: IrFunction): ReadonlyArray<string> => [
  ...new Set([...fn.sizes, ...fn.parameters.flatMap(({ type }) => type.shape.flatMap(symbolsOf))]),
];

/**
 * The sizes that inputs of known types give a program, with those named besides.
 *
 * @example
 * ```ts
 * import { sizesOfInputs } from "@rmi/rmi/backends";
 * import { buildProgram } from "@rmi/rmi/ir";
 * import * as Result from "effect/Result";
 * import assert from "node:assert/strict";
 * const program = buildProgram({ x: "f32[B,4]" }, (g, { x }) => g.neg(x));
 * assert.deepEqual(Result.getOrThrow(sizesOfInputs(program, [{ dtype: "f32", shape: [8, 4] }])), { B: 8 });
 * ```
 */
export const sizesOfInputs = (
  program: Program,
  inputs: ReadonlyArray<ConcreteType>,
  sizes: Sizes = {},
): Answer<Sizes> => {
  const fn = functionOf(program);
  if (inputs.length !== fn.parameters.length) {
    return refuse(`it takes ${fn.parameters.length} inputs, and ${inputs.length} were given`, "/inputs", {
      expected: fn.parameters.length,
      actual: inputs.length,
    });
  }
  const missing = fn.sizes.find((name) => sizes[name] === undefined);
  if (missing !== undefined) return refuse(`size ${missing} is not given`, "/sizes", { expected: [...fn.sizes] });
  const bound = within(
    () => bindCall("run", fn, inputs, fn.sizes.map((name) => sizes[name]), ASSUMING_NOTHING),
    "/inputs",
  );
  return Result.flatMap(bound, (bindings) => {
    const found = Object.fromEntries([...bindings].map(([name, size]) => [name, Number(size)]));
    const other = Object.keys(sizes).find((name) => Object.hasOwn(found, name) && found[name] !== sizes[name]);
    if (other === undefined) return Result.succeed(found);
    return refuse(`size ${other} is ${found[other]} by the inputs and ${sizes[other]} by name`, `/sizes/${other}`, {
      expected: found[other],
      actual: sizes[other],
      fix: {
        summary: "Leave the size to the inputs",
        patch: [{ op: "remove", path: `/sizes/${other}` }],
      },
    });
  });
};

const stateFault = (
  state: Signature["state"],
  parameters: ReadonlyArray<ConcreteType>,
  results: ReadonlyArray<ConcreteType>,
): string | undefined => {
  for (const [result, parameter] of state) {
    if (results[result] === undefined) return `state names result ${result}, and there are ${results.length}`;
    if (parameters[parameter] === undefined) {
      return `state names parameter ${parameter}, and there are ${parameters.length}`;
    }
    if (!sameType(results[result], parameters[parameter])) {
      const [from, to] = [printType(results[result]), printType(parameters[parameter])];
      return `result ${result} is ${from}, and the parameter ${parameter} it replaces is ${to}`;
    }
  }
  for (const side of [0, 1] as const) {
    if (new Set(state.map((pair) => pair[side])).size < state.length) {
      return `state names one ${side === 0 ? "result" : "parameter"} twice`;
    }
  }
  return undefined;
};

/** A program at the sizes of its options. */
export const signatureOf = (program: Program, options: CompileOptions = {}): Answer<Signature> => {
  const fn = functionOf(program);
  const sizes = options.sizes ?? {};
  const missing = namesOf(fn).filter((name) => sizes[name] === undefined);
  if (missing.length > 0) {
    return refuse(`size ${missing.join(", ")} is not given`, "/sizes", { expected: [...missing] });
  }
  const typed = within(() => {
    const given = new Map(Object.entries(sizes));
    const parameters = fn.parameters.map(({ type }) => substituteType(type, given));
    const bindings = bindCall("compile", fn, parameters, fn.sizes.map((name) => sizes[name]), ASSUMING_NOTHING);
    return {
      parameters: parameters.filter(isConcrete),
      results: returnTypes(fn).map((type) => substituteType(type, bindings)).filter(isConcrete),
    };
  }, "/sizes");
  return Result.flatMap(typed, ({ parameters, results }) => {
    const state = options.state ?? [];
    const fault = stateFault(state, parameters, results);
    if (fault !== undefined) return refuse(fault, "/state");
    const [resultsKept, parametersKept] = [state.map(([result]) => result), state.map(([, parameter]) => parameter)];
    return Result.succeed({
      sizes: Object.fromEntries(namesOf(fn).map((name) => [name, sizes[name]])),
      parameters,
      results,
      inputs: parameters.map((_, i) => i).filter((i) => !parametersKept.includes(i)),
      outputs: results.map((_, i) => i).filter((i) => !resultsKept.includes(i)),
      state,
    });
  });
};

/** What is wrong with a tensor for a parameter; undefined when it fits. */
const misfitOf = (wanted: ConcreteType, given: Tensor, path: string): BackendsFailure | undefined => {
  const checked = within(() => tensorOf(given.dtype, given.shape, given.data), path);
  if (Result.isFailure(checked)) return checked.failure;
  if (sameType(wanted, given)) return undefined;
  const [expected, actual] = [printType(wanted), printType(given)];
  return wrongInput({ reason: `it takes ${expected} here, and ${actual} was given`, path, expected, actual });
};

/** Why the inputs of a step do not fit; undefined when they do. */
export const inputsFault = (
  { parameters, inputs }: Pick<Signature, "parameters" | "inputs">,
  given: ReadonlyArray<Tensor>,
): BackendsFailure | undefined => {
  if (given.length !== inputs.length) {
    return wrongInput({
      reason: `a step takes ${inputs.length} inputs, and ${given.length} were given`,
      path: "/inputs",
      expected: inputs.length,
      actual: given.length,
    });
  }
  for (const [i, parameter] of inputs.entries()) {
    const fault = misfitOf(parameters[parameter], given[i], `/inputs/${i}`);
    if (fault !== undefined) return fault;
  }
  return undefined;
};

/** Why a position of the state does not exist, or a value does not fit it; undefined when it does. */
export const stateMisfit = (
  { parameters, state }: Pick<Signature, "parameters" | "state">,
  index: number,
  value?: Tensor,
): BackendsFailure | undefined => {
  if (state[index] === undefined) {
    return wrongInput({ reason: `there is no state ${index}: there are ${state.length}`, path: `/state/${index}` });
  }
  return value === undefined ? undefined : misfitOf(parameters[state[index][1]], value, `/state/${index}`);
};
