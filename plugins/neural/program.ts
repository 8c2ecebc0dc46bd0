/**
 * Program: a program of the language as a network: its learned parameters, running statistics and both of its programs.
 *
 * Not the choice of sizes that a program leaves open (fitted.ts). What the language lowers is what is trained, so that
 * `rmil.run` with trained parameters gives what the network gives.
 * Invariant: a parameter's path is the path of its application in the program, then its name.
 *
 * @module
 */
import type { Dimension, Program as IrProgram, TensorType } from "../ir/contract.ts";
import { functionOf, optimise, ProgramBuilder, returnTypes, type Value } from "../ir/library.ts";
import {
  type Dtype,
  type LoweredParameter,
  type LoweredProgram,
  lowerProgram,
  type Program,
  SEED_NAME,
  type Type,
} from "../rmil/library.ts";
import type { Initializer, Network, ParameterSpec, Port, StateSpec } from "./contract.ts";
import { notOneNetwork } from "./failures.ts";
import { STARTS } from "./layers/op_row.ts";
import { FORWARD, parameterName } from "./network.ts";

/** Dtypes of the evaluator by those of the language, where they differ. */
const OWN_DTYPES: { readonly [dtype: string]: Dtype } = { bool: "b1" };

/** A tensor type as the language has it. */
export const languageType = ({ dtype, shape }: TensorType): Type => ({
  k: "Tensor",
  dtype: OWN_DTYPES[dtype] ?? (dtype as Dtype),
  shape,
});

const known = (size: Dimension, path: string): number => {
  if (typeof size === "number") return size;
  throw notOneNetwork({ reason: `the size ${size} of ${path} is not known`, path });
};

const initializerOf = ({ needed: { row, fan, fanOut } }: LoweredParameter, path: string): Initializer =>
  STARTS[row.init](known(fan, path), row.fanOut === undefined ? 1 : known(fanOut, path));

/** A path of the language, `/a/b/weight`, as a path of a network. */
const pathOf = ({ path }: LoweredParameter): string => path.slice(1);

interface Learned {
  readonly parameters: ReadonlyArray<ParameterSpec>;
  readonly state: ReadonlyArray<StateSpec>;
}

const learnedOf = (lowered: LoweredProgram): Learned => {
  const types = new Map(functionOf(lowered.program).parameters.map(({ name, type }) => [name, type]));
  const specs = lowered.parameters.map((parameter) => {
    const path = pathOf(parameter);
    const { dtype, shape } = types.get(parameter.name)!;
    const type = { dtype, shape: shape.map((size) => known(size, path)) };
    return { parameter, spec: { path, type, initial: initializerOf(parameter, path) } };
  });
  return {
    parameters: specs.filter(({ parameter }) => parameter.needed.row.running !== true).map(({ spec }) => ({
      ...spec,
      decays: spec.type.shape.length > 1,
      trained: true,
    })),
    state: specs.filter(({ parameter }) => parameter.needed.row.running === true).map(({ spec }) => spec),
  };
};

/** The lowered program with the parameters and results of a network, in their order. */
const arranged = (
  lowered: LoweredProgram,
  inputs: ReadonlyArray<Port>,
  { parameters, state }: Learned,
): IrProgram => {
  const entry = functionOf(lowered.program);
  const builder = new ProgramBuilder();
  for (const fn of lowered.program.functions.values()) builder.add(fn);
  const g = builder.open(builder.fresh(FORWARD), { where: entry.constraints, sizes: entry.sizes });
  const learned = new Map<string, Value>(
    [...parameters, ...state].map(({ path, type }, i) => [path, g.parameter(parameterName(path, i), type)]),
  );
  const seed = g.parameter(SEED_NAME, { dtype: "i64", shape: [] });
  const given = new Map(inputs.map(({ name, type }) => [name, g.parameter(name, type)]));
  const paths = new Map(lowered.parameters.map((parameter) => [parameter.name, pathOf(parameter)]));
  const args = entry.parameters.map(({ name }) =>
    given.get(name) ?? (paths.has(name) ? learned.get(paths.get(name)!)! : seed)
  );
  const made = g.call(lowered.program.entry, args, entry.sizes);
  const outputs = made.slice(0, lowered.dtypes.length);
  const running = new Map(
    lowered.running.map((path, i) => [path.slice(1), made[outputs.length + i]] as const),
  );
  const next = state.map(({ path }) => running.get(path) ?? learned.get(path)!);
  builder.add(g.function([...outputs, ...next]));
  return optimise(builder.build(g.name), { passes: ["inlining", "trimming"] }).program;
};

/**
 * A network from a program of the language and the types of what it takes. Throws the failures of the language, and
 * `NEURAL_NETWORK` where a size of a parameter is not known.
 *
 * @example
 * ```ts
 * import { networkOfProgram } from "@rmi/rmi/neural";
 * import { parse } from "../rmil/library.ts";
 * import assert from "node:assert/strict";
 * const inputs = [{ name: "x", type: { dtype: "f32", shape: ["B", 4] } }] as const;
 * const network = networkOfProgram(parse("linear(8) >> relu >> linear(3)"), inputs);
 * assert.deepEqual(network.outputs[0].type.shape, ["B", 3]);
 * assert.deepEqual(network.parameters.map(({ path }) => path), ["a/a/weight", "a/a/bias", "b/weight", "b/bias"]);
 * ```
 */
export const networkOfProgram = ({ root, symbols }: Program, inputs: ReadonlyArray<Port>): Network => {
  const named = inputs.find(({ name }) => name === SEED_NAME);
  if (named !== undefined) throw notOneNetwork({ reason: `no input can have the name ${SEED_NAME}` });
  const types = Object.fromEntries(inputs.map(({ name, type }) => [name, languageType(type)]));
  const [training, evaluation] = [true, false].map((isTraining) =>
    lowerProgram(root, symbols, { inputs: types, training: isTraining })
  );
  const learned = learnedOf(evaluation);
  const programs = [training, evaluation].map((lowered) => arranged(lowered, inputs, learned));
  const outputs = returnTypes(functionOf(programs[1])).slice(0, evaluation.dtypes.length);
  return {
    inputs,
    outputs: outputs.map((type, i) => ({ name: outputs.length === 1 ? "output" : `output${i}`, type })),
    ...learned,
    training: programs[0],
    evaluation: programs[1],
  };
};
