/** What the tests of training share: an engine, small networks and data, and programs run at once. */
import * as Effect from "effect/Effect";
import { cpuBackend } from "../../../../plugins/backends/cpu/mod.ts";
import {
  buildProgram,
  evaluate,
  type FunctionBuilder,
  type Tensor,
  tensor,
  toFloats,
  type Value,
} from "../../../../plugins/ir/library.ts";
import {
  type Engine,
  type Fed,
  type Feed,
  initialValues,
  type Network,
  networkOf,
  type Port,
  type Values,
} from "../../../../plugins/neural/library.ts";

/** The backend of the tests. */
export const engine: Engine = cpuBackend;

/** Runs an effect to its value. */
export const now = <A, E>(effect: Effect.Effect<A, E>): Promise<A> => Effect.runPromise(effect);

/** The failure of an effect. */
export const failing = <A, E>(effect: Effect.Effect<A, E>): Promise<E> => Effect.runPromise(Effect.flip(effect));

/** Results of a function of f64 vectors, by the reference evaluator. */
export const computed = (
  inputs: { readonly [name: string]: Tensor },
  build: (g: FunctionBuilder, values: { readonly [name: string]: Value }) => Value | ReadonlyArray<Value>,
): ReadonlyArray<ReadonlyArray<number>> => {
  const types = Object.fromEntries(
    Object.entries(inputs).map(([name, { dtype, shape }]) => [name, { dtype, shape }]),
  );
  const program = buildProgram(types, build as never);
  return evaluate(program, Object.values(inputs)).results.map((result) => [...toFloats(result)]);
};

/** A vector of f64. */
export const vector = (...values: ReadonlyArray<number>): Tensor => tensor("f64", [values.length], values);

/** One affine layer from `inputs` to `outputs` features. */
export const affine = (inputs: number, outputs: number, dtype: "f32" | "f64" = "f32"): Network =>
  networkOf([{ name: "x", type: { dtype, shape: ["B", inputs] } }], (scope, [x]) => {
    const start = { kind: "uniform", bound: 1 / Math.sqrt(inputs) } as const;
    const weight = scope.parameter("weight", [inputs, outputs], start, { dtype });
    const bias = scope.parameter("bias", [outputs], { kind: "zeros" }, { dtype });
    return scope.g.add(scope.g.matmul(x, weight), bias);
  });

/** Two layers with tanh between them. */
export const twoLayers = (inputs: number, hidden: number, outputs: number): Network =>
  networkOf([{ name: "x", type: { dtype: "f32", shape: ["B", inputs] } }], (scope, [x]) => {
    const { g } = scope;
    const weight = (name: string, from: number, to: number): Value =>
      scope.parameter(name, [from, to], { kind: "uniform", bound: 1 / Math.sqrt(from) });
    const bias = (name: string, of: number): Value => scope.parameter(name, [of], { kind: "zeros" });
    const h = g.tanh(g.add(g.matmul(x, weight("w0", inputs, hidden)), bias("b0", hidden)));
    return g.add(g.matmul(h, weight("w1", hidden, outputs)), bias("b1", outputs));
  });

/** First values of a network by path. */
export const startOf = (network: Network, seed = 1): Values => {
  const { parameters, state } = initialValues(network, seed);
  return new Map([
    ...network.parameters.map(({ path }, i) => [path, parameters[i]] as const),
    ...network.state.map(({ path }, i) => [path, state[i]] as const),
  ]);
};

/** The same batches in every epoch. */
export const fixedFeed = (batches: ReadonlyArray<Fed>): Feed => ({
  batch: batches[0].inputs[0].shape[0],
  length: batches.length,
  epoch: () => ({ length: batches.length, at: (index) => batches[index] }),
});

/** A target port of a network's one output. */
export const numberTarget = ({ outputs: [{ type }] }: Network): ReadonlyArray<Port> => [{ name: "target", type }];

/** Elements of a tensor as numbers. */
export const numbers = (of: Tensor): ReadonlyArray<number> => [...of.data as Float32Array];
