/**
 * What the tests of layers share: running a layer on tensors, onnxruntime on a graph written by hand, and derivatives
 * against central differences.
 */
import assert from "node:assert/strict";
import { random } from "../../../../kernel/random.ts";
import {
  evaluate,
  functionOf,
  grad,
  isFloat,
  type Program,
  ProgramBuilder,
  scalar,
  type Tensor,
  tensor,
  toFloats,
} from "../../../../plugins/ir/library.ts";
import {
  BATCH,
  initialValues,
  type InputTypes,
  type Layer,
  type Network,
  networkOfLayers,
} from "../../../../plugins/neural/library.ts";
import { graph, modelBytes, node } from "../../ir/onnx_models.ts";
import { runOnnxRuntime } from "../../ir/onnx_runtime.ts";

/** A tensor of seeded normal numbers. */
export const normals = (seed: string, shape: ReadonlyArray<number>, dtype: "f32" | "f64" = "f32"): Tensor => {
  const draws = random(seed);
  return tensor(dtype, shape, Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => draws.normal()));
};

/** Types of inputs that are these tensors, the first size the batch's. */
export const typesOf = (inputs: { readonly [name: string]: Tensor }): InputTypes =>
  Object.fromEntries(
    Object.entries(inputs).map(([name, { dtype, shape }]) => [name, { dtype, shape: [BATCH, ...shape.slice(1)] }]),
  );

/** How a layer is run. */
export interface RunHow {
  /** Whether the training program runs. */
  readonly training?: boolean;
  /** The step's seed. */
  readonly seed?: number;
  /** The seed of the first values. */
  readonly start?: number;
  /** Tensors by path instead of their first values. */
  readonly tensors?: { readonly [path: string]: Tensor };
}

/** What a run gave. */
export interface Ran {
  readonly network: Network;
  /** The results. */
  readonly outputs: ReadonlyArray<Tensor>;
  /** State afterwards, by path. */
  readonly state: { readonly [path: string]: Tensor };
  /** Learned tensors and state before, by path. */
  readonly tensors: { readonly [path: string]: Tensor };
}

/** Tensors of a network by path: first values, or those given. */
export const tensorsOf = (network: Network, { start = 1, tensors = {} }: RunHow = {}): { [path: string]: Tensor } => {
  const { parameters, state } = initialValues(network, start);
  const specs = [...network.parameters, ...network.state];
  return Object.fromEntries(
    [...parameters, ...state].map((value, i) => [specs[i].path, tensors[specs[i].path] ?? value]),
  );
};

/** Runs a network on inputs, by the reference evaluator. */
export const runNetwork = (network: Network, inputs: ReadonlyArray<Tensor>, how: RunHow = {}): Ran => {
  const tensors = tensorsOf(network, how);
  const program = how.training === true ? network.training : network.evaluation;
  const { results } = evaluate(program, [
    ...Object.values(tensors),
    scalar("i64", BigInt(how.seed ?? 1)),
    ...inputs,
  ]);
  const count = network.outputs.length;
  return {
    network,
    outputs: results.slice(0, count),
    state: Object.fromEntries(network.state.map(({ path }, i) => [path, results[count + i]])),
    tensors,
  };
};

/** Runs a layer on inputs. */
export const runLayer = (layer: Layer, inputs: { readonly [name: string]: Tensor }, how: RunHow = {}): Ran =>
  runNetwork(networkOfLayers(layer, typesOf(inputs)), Object.values(inputs), how);

/** The elements of a tensor. */
export const numbers = (
  of: Tensor,
): ReadonlyArray<number> => [...isFloat(of.dtype) ? toFloats(of) : Float64Array.from(of.data as Float64Array, Number)];

/** The largest distance of two tensors, in units of 1 plus the size of the second. */
export const distance = (a: Tensor, b: Tensor): number => {
  assert.deepEqual(a.shape, b.shape);
  const [x, y] = [numbers(a), numbers(b)];
  return x.reduce((worst, value, i) => Math.max(worst, Math.abs(value - y[i]) / (1 + Math.abs(y[i]))), 0);
};

/** A node of an ONNX graph: op, inputs, attributes; its result is called by its place. */
export type OnnxNode = readonly [
  op: string,
  inputs: ReadonlyArray<string>,
  attributes?: Parameters<typeof node>[3],
  outputs?: ReadonlyArray<string>,
];

/** Runs nodes written by hand with onnxruntime; results are called `0`, `1` …, or as they are named. */
export const onnx = async (
  nodes: ReadonlyArray<OnnxNode>,
  inputs: { readonly [name: string]: Tensor },
  literals: { readonly [name: string]: Tensor } = {},
  outputs: ReadonlyArray<string> = [String(nodes.length - 1)],
  opset = 20,
): Promise<ReadonlyArray<Tensor>> => {
  const types = Object.fromEntries(
    Object.entries(inputs).map(([name, { dtype, shape }]) => [name, `${dtype}[${shape.join(",")}]`]),
  );
  const model = modelBytes(
    graph(
      types,
      outputs,
      nodes.map(([op, from, attributes = {}, to], i) => node(op, from, to ?? [String(i)], attributes)),
      literals,
    ),
    opset,
    { irVersion: 9 },
  );
  const ran = await runOnnxRuntime(model, new Map(Object.entries(inputs)));
  assert.ok("results" in ran, "unsupported" in ran ? ran.unsupported : "");
  return ran.results;
};

/** What onnxruntime computes and what the layer computes are as near as f32 allows. */
export const agrees = (ours: Tensor, theirs: Tensor, tolerance = 2e-6): void => {
  const gap = distance(ours, theirs);
  assert.ok(gap <= tolerance, `${gap} apart`);
};

/** A network's program as one number: its results, each place weighted in its own way. */
export const weighted = (network: Network, program: Program): Program => {
  const p = new ProgramBuilder();
  for (const fn of program.functions.values()) p.add(fn);
  const parameters = Object.fromEntries(functionOf(program).parameters.map(({ name, type }) => [name, type]));
  p.function(
    "scalar",
    parameters,
    (g, values) =>
      g.call(program.entry, Object.values(values)).slice(0, network.outputs.length)
        .filter(({ type }) => isFloat(type.dtype))
        .map((value) => {
          const places = g.iota(value.type.dtype, value.type.shape, value.type.shape.length - 1);
          // Weights that differ by place, so that sums which must be zero do not hide a wrong gradient.
          return g.reduce("sum", g.mul(g.sin(value), g.add(g.mul(places, 0.3), 0.7)));
        })
        .reduce((sum, part) => g.add(sum, part)),
  );
  return p.build("scalar");
};

const STEP = 1e-6;

/**
 * The largest relative gap between the gradient of a network's training program and central differences, over all float
 * tensors (learned ones and inputs), each along a random direction, in binary64.
 */
export const gradientGap = (layer: Layer, inputs: { readonly [name: string]: Tensor }, how: RunHow = {}): number => {
  const network = networkOfLayers(layer, typesOf(inputs));
  const program = weighted(network, network.training);
  const args = [
    ...Object.values(tensorsOf(network, how)),
    scalar("i64", BigInt(how.seed ?? 1)),
    ...Object.values(inputs),
  ];
  const { parameters } = functionOf(program);
  const state = new Set(network.state.map(({ path }) => path));
  const wrt = parameters.map(({ name, type }, i) => ({ name, type, i }))
    .filter(({ name, type }) => type.dtype === "f64" && !state.has(name));
  assert.ok(wrt.length > 0, "nothing to differentiate by");
  const slopes = evaluate(grad(program, { wrt: wrt.map(({ name }) => name) }), args).results;
  const valueAt = (at: ReadonlyArray<Tensor>): number => toFloats(evaluate(program, at).results[0])[0];
  return Math.max(...wrt.map(({ name, i }, k) => {
    const direction = normals(`direction of ${name}`, args[i].shape, "f64");
    const way = toFloats(direction);
    const moved = (step: number): number =>
      valueAt(
        args.map((value, j) =>
          j === i
            ? { ...value, data: Float64Array.from(toFloats(value), (x, at) => x + step * way[at]) } as Tensor
            : value
        ),
      );
    const measured = (moved(STEP) - moved(-STEP)) / (2 * STEP);
    const claimed = toFloats(slopes[k]).reduce((sum, slope, at) => sum + slope * way[at], 0);
    return Math.abs(claimed - measured) / (1 + Math.abs(measured));
  }));
};

/** The gradient of a network's training program is the one that central differences measure. */
export const differentiates = (layer: Layer, inputs: { readonly [name: string]: Tensor }, how: RunHow = {}): void => {
  const gap = gradientGap(layer, inputs, how);
  assert.ok(gap < 1e-7, `the gradient is ${gap} from central differences`);
};

/** Types of results, as text. */
export const resultTypes = (layer: Layer, types: InputTypes): ReadonlyArray<string> =>
  networkOfLayers(layer, types).outputs.map(({ type }) => `${type.dtype}[${type.shape.join(",")}]`);

/** Code, message and path of the failure that a computation throws. */
export const failureOf = (body: () => unknown): { readonly code: string; readonly path: string; message: string } => {
  try {
    body();
  } catch (thrown) {
    return thrown as never;
  }
  assert.fail("nothing was thrown");
};
