/**
 * onnxruntime, native and in WebAssembly, one thread: single operators as it has them, training steps as one graph.
 */
import type { Case } from "./cases.ts";
import { type Engine, type Prepared, type Started, starting } from "./engine.ts";
import { functionOf, returnTypes } from "../../plugins/ir/library.ts";
import { exportOnnx } from "../../plugins/ir/onnx/export.ts";
import { singleOperator } from "./onnx.ts";
import { programOf } from "./programs.ts";

type Tensor = { readonly data: unknown };
type Values = { readonly [name: string]: Tensor };

/** What both packages have in common, as far as it is used here. */
interface Runtime {
  readonly InferenceSession: {
    readonly create: (model: Uint8Array, options: object) => Promise<{
      readonly run: (feeds: never) => Promise<unknown>;
      readonly release: () => Promise<void>;
    }>;
  };
  readonly Tensor: new (type: "float32", data: Float32Array, dims: ReadonlyArray<number>) => unknown;
}

const OPTIONS = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: "sequential",
  graphOptimizationLevel: "all",
};

const prepareOn = (runtime: Runtime) => async (measured: Case): Promise<Prepared | undefined> => {
  const tensor = (data: Float32Array, shape: ReadonlyArray<number>) => new runtime.Tensor("float32", data, shape);
  const single = singleOperator(measured);
  if (single !== undefined) {
    const session = await runtime.InferenceSession.create(single.model, OPTIONS);
    const feeds = Object.fromEntries(single.inputs.map(({ data, shape }, i) => [`x${i}`, tensor(data, shape)]));
    return {
      run: async () => ((await session.run(feeds as never)) as Values).y.data as Float32Array,
      close: () => void session.release(),
    };
  }
  const graph = trainingGraph(measured);
  const session = await runtime.InferenceSession.create(graph.model, OPTIONS);
  const feeds: { [name: string]: unknown } = Object.fromEntries(
    graph.inputs.map(({ name, value }) => [name, tensor(value.data as Float32Array, value.shape)]),
  );
  return {
    run: async () => {
      const results = (await session.run(feeds as never)) as Values;
      for (const [result, input] of graph.carried) feeds[input] = results[result];
      return results[graph.loss].data as Float32Array;
    },
    close: () => void session.release(),
  };
};

/** A training step as one graph, exported from this project's program, which has the gradient. */
const trainingGraph = (measured: Case) => {
  const { program, values, state } = programOf(measured);
  const names = functionOf(program).parameters.map(({ name }) => name);
  const results = returnTypes(functionOf(program)).map((_, i) => `result${i}`);
  return {
    model: exportOnnx(program, { opset: 17, outputs: results }),
    inputs: names.map((name, i) => ({ name, value: values[i] })),
    carried: state.map(([result, parameter]) => [results[result], names[parameter]] as const),
    loss: results[0],
  };
};

/** Starts the native one. */
export const startOnnxNative = (): Promise<Started> =>
  starting("onnxruntime-node", async (): Promise<Engine> => {
    const runtime = await import("onnxruntime-node");
    return {
      name: "onnxruntime-node",
      version: "1.30.0",
      portable: false,
      prepare: prepareOn(runtime as unknown as Runtime),
    };
  });

/** Starts the one in WebAssembly. */
export const startOnnxWeb = (): Promise<Started> =>
  starting("onnxruntime-web", async (): Promise<Engine> => {
    const runtime = await import("onnxruntime-web");
    runtime.env.wasm.numThreads = 1;
    return {
      name: "onnxruntime-web",
      version: "1.30.0",
      portable: true,
      prepare: prepareOn(runtime as unknown as Runtime),
    };
  });
