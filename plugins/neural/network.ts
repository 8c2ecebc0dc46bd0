/**
 * Network: programs made from anything that builds in a scope, with the tensors it asked for.
 *
 * Not training. Invariant: both programs ask for the same tensors in the same order.
 *
 * @module
 */
import type { Program } from "../ir/contract.ts";
import { type FunctionBuilder, functionOf, MAX_NAME, ProgramBuilder, returnTypes, Value } from "../ir/library.ts";
import type { Network, ParameterSpec, Port, StateSpec } from "./contract.ts";
import { notOneNetwork } from "./failures.ts";
import { Registry, Scope } from "./layers/scope.ts";

/** Builds a network's forward pass. */
export type Forward = (scope: Scope, inputs: ReadonlyArray<Value>) => Value | ReadonlyArray<Value>;

interface Built {
  readonly program: Program;
  readonly parameters: ReadonlyArray<ParameterSpec>;
  readonly state: ReadonlyArray<StateSpec>;
  readonly outputs: number;
}

/** Name of the entry of a network's programs. */
export const FORWARD = "forward";

/**
 * What a program calls a tensor: its path, where it is no longer than a name may be. Consumers of a network go by position.
 */
export const parameterName = (path: string, index: number): string => path.length <= MAX_NAME ? path : `tensor${index}`;

const build = (forward: Forward, inputs: ReadonlyArray<Port>, training: boolean): Built => {
  const builder = new ProgramBuilder();
  const main: FunctionBuilder = builder.open(FORWARD, { lean: true });
  const seed = new Value(main, { dtype: "i64", shape: [] });
  const registry = new Registry(main, training, seed);
  const given = inputs.map(({ type }) => new Value(main, type));
  const made = forward(new Scope(registry, main, ""), given);
  const outputs = made instanceof Value ? [made] : made;
  const parameters = [...registry.parameters.values()];
  const state = [...registry.state.values()];
  [...parameters, ...state].forEach(({ spec, value }, i) => main.adopt(parameterName(spec.path, i), value));
  main.adopt("seed", seed);
  inputs.forEach(({ name }, i) => main.adopt(name, given[i]));
  const next = state.map(({ spec, value }) => registry.changed.get(spec.path) ?? value);
  builder.add(main.function([...outputs, ...next], { live: true }));
  return {
    program: builder.build(FORWARD),
    parameters: parameters.map(({ spec }) => spec),
    state: state.map(({ spec }) => spec),
    outputs: outputs.length,
  };
};

/**
 * A network from the function that builds its forward pass. Throws what building throws, and `NEURAL_NETWORK` where
 * the two programs do not ask for the same tensors.
 *
 * @example
 * ```ts
 * import { networkOf } from "@rmi/rmi/neural";
 * import assert from "node:assert/strict";
 * const linear = networkOf([{ name: "x", type: { dtype: "f32", shape: ["B", 4] } }], (scope, [x]) => {
 *   const weight = scope.parameter("weight", [4, 2], { kind: "kaimingUniform", fan: 4 });
 *   return scope.g.matmul(x, weight);
 * });
 * assert.deepEqual(linear.parameters.map(({ path }) => path), ["weight"]);
 * ```
 */
export const networkOf = (inputs: ReadonlyArray<Port>, forward: Forward): Network => {
  const training = build(forward, inputs, true);
  const evaluation = build(forward, inputs, false);
  const signature = ({ parameters, state, outputs }: Built): string => JSON.stringify([parameters, state, outputs]);
  if (signature(training) !== signature(evaluation)) {
    throw notOneNetwork({ reason: "training and evaluation ask for different tensors" });
  }
  const types = returnTypes(functionOf(evaluation.program)).slice(0, evaluation.outputs);
  return {
    inputs,
    outputs: types.map((type, i) => ({ name: types.length === 1 ? "output" : `output${i}`, type })),
    parameters: training.parameters,
    state: training.state,
    training: training.program,
    evaluation: evaluation.program,
  };
};

/** A program whose learned tensors and state stay on the device: the outputs come first, then what stays. */
export interface Resident {
  /** The program. */
  readonly program: Program;
  /** Results that stay, as [result, parameter]. */
  readonly state: ReadonlyArray<readonly [result: number, parameter: number]>;
}

/** The evaluation program of a network, with everything but its seed and its inputs on the device. */
export const resident = (network: Network): Resident => {
  const entry = functionOf(network.evaluation);
  const builder = new ProgramBuilder();
  for (const fn of network.evaluation.functions.values()) builder.add(fn);
  const g = builder.open(builder.fresh("answer"), { where: entry.constraints, sizes: entry.sizes });
  const given = entry.parameters.map(({ name, type }) => g.parameter(name, type));
  const made = g.call(network.evaluation.entry, given, entry.sizes);
  const [outputs, next] = [made.slice(0, network.outputs.length), made.slice(network.outputs.length)];
  const kept = [...given.slice(0, network.parameters.length), ...next.slice(0, network.state.length)];
  builder.add(g.function([...outputs, ...kept]));
  return { program: builder.build(g.name), state: kept.map((_, i) => [outputs.length + i, i] as const) };
};
