/**
 * Epochs: one pass of training over the 8,000 digits in this project, TensorFlow.js (WebAssembly) and jax-js, one after
 * another in one process, again and again; the fastest pass of each counts, by CPU time of this thread.
 *
 * The same network, optimiser (Adam), batch and samples for all; batches are cut before the clock starts, so what is
 * compared is training alone.
 */
import * as tf from "@tensorflow/tfjs";
import "@tensorflow/tfjs-backend-wasm";
import { init, jit, lax, nn, numpy as np, valueAndGrad } from "@jax-js/jax";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Scope from "effect/Scope";
import { cpuBackend } from "../../plugins/backends/cpu/mod.ts";
import {
  batches,
  compileStep,
  firstCounters,
  initialValues,
  type MemoryDataset,
  networkOfProgram,
  trainingStep,
} from "../../plugins/neural/library.ts";
import { parse } from "../../plugins/rmil/library.ts";
import { cpuMs } from "../cpu/clock.ts";

/** A network of the measurement. */
export type Measured = "mlp" | "cnn";

/** Samples of a step. */
export const BATCH = 32;

/** Rate of Adam. */
const RATE = 0.001;

/** Programs of the language. */
export const PROGRAMS: { readonly [M in Measured]: string } = {
  mlp: "linear(128) >> relu >> linear(64) >> relu >> linear(10)",
  cnn: "conv2d(8, 5) >> relu >> max_pool >> conv2d(16, 5) >> relu >> max_pool >> reshape((-1, 784)) >> linear(10)",
};

const PIXELS = 784;
const SIDE = 28;

interface Samples {
  readonly x: Float32Array;
  readonly y: Int32Array;
}

/** One engine's epoch: runs it and gives the mean loss. */
interface Runner {
  readonly name: string;
  readonly epoch: () => Promise<number> | number;
}

const samplesOf = (dataset: MemoryDataset): ReadonlyArray<Samples> =>
  [...batches(dataset, { split: "train", batch: BATCH, seed: 1, drop: true })].map(({ inputs, target }) => ({
    x: inputs[0].data as Float32Array,
    y: target!.data as Int32Array,
  }));

const ours = async (network: Measured, samples: ReadonlyArray<Samples>, scope: Scope.Scope): Promise<Runner> => {
  const shape = network === "mlp" ? ["B", PIXELS] : ["B", 1, SIDE, SIDE];
  const made = networkOfProgram(parse(PROGRAMS[network]), [{ name: "x", type: { dtype: "f32", shape } }]);
  const step = trainingStep({ network: made, loss: { kind: "crossEntropy" }, optimiser: { kind: "adam" } });
  const { parameters } = initialValues(made, 1);
  const stepper = await Effect.runPromise(
    Effect.provideService(compileStep(cpuBackend, step, { batch: BATCH }), Scope.Scope, scope),
  );
  await Effect.runPromise(stepper.write(firstCounters(step)));
  await Effect.runPromise(stepper.write(new Map(made.parameters.map(({ path }, i) => [path, parameters[i]]))));
  const size = network === "mlp" ? [BATCH, PIXELS] : [BATCH, 1, SIDE, SIDE];
  const given = samples.map(({ x, y }) => ({
    x: { dtype: "f32", shape: size, data: x as Float32Array<ArrayBuffer> } as const,
    y: { dtype: "i32", shape: [BATCH], data: y as Int32Array<ArrayBuffer> } as const,
  }));
  const pass = Effect.gen(function* () {
    let sum = 0;
    for (const { x, y } of given) sum += (yield* stepper.step([x], [y], { seed: 1n, rate: RATE })).loss;
    return sum / given.length;
  });
  return { name: "this project", epoch: () => Effect.runPromise(pass) };
};

const tfModel = (network: Measured): tf.Sequential => {
  const model = tf.sequential();
  if (network === "mlp") {
    model.add(tf.layers.dense({ units: 128, activation: "relu", inputShape: [PIXELS] }));
    model.add(tf.layers.dense({ units: 64, activation: "relu" }));
  } else {
    const conv = (filters: number, more = {}) =>
      model.add(tf.layers.conv2d({ filters, kernelSize: 5, padding: "same", activation: "relu", ...more }));
    conv(8, { inputShape: [SIDE, SIDE, 1] });
    model.add(tf.layers.maxPooling2d({ poolSize: 2 }));
    conv(16);
    model.add(tf.layers.maxPooling2d({ poolSize: 2 }));
    model.add(tf.layers.flatten());
  }
  model.add(tf.layers.dense({ units: 10 }));
  return model;
};

/** TensorFlow.js's WebAssembly has no gradient of a convolution's kernel, so it trains no such network. */
const TFJS_TRAINS: ReadonlySet<Measured> = new Set(["mlp"]);

const tfjs = async (network: Measured, samples: ReadonlyArray<Samples>): Promise<Runner | undefined> => {
  if (!TFJS_TRAINS.has(network)) return undefined;
  await tf.setBackend("wasm");
  await tf.ready();
  const model = tfModel(network);
  const optimizer = tf.train.adam(RATE);
  const size = network === "mlp" ? [BATCH, PIXELS] : [BATCH, SIDE, SIDE, 1];
  const given = samples.map(({ x, y }) => ({ x: tf.tensor(x, size), y: tf.oneHot(tf.tensor1d(y, "int32"), 10) }));
  return {
    name: `tfjs wasm ${tf.version.tfjs}`,
    epoch: () => {
      let sum = 0;
      for (const { x, y } of given) {
        const loss = optimizer.minimize(
          () =>
            (model.apply(x, { training: true }) as tf.Tensor).logSoftmax().mul(y).sum().mul(-1 / BATCH) as tf.Scalar,
          true,
        )!;
        sum += loss.dataSync()[0];
        loss.dispose();
      }
      return sum / given.length;
    },
  };
};

type Arr = np.Array;
// A type, not an interface: the library maps over its members.
type Arrays = { [name: string]: Arr };

const jaxShapes: { readonly [M in Measured]: { readonly [name: string]: readonly [shape: number[], fan: number] } } = {
  mlp: {
    w0: [[PIXELS, 128], PIXELS],
    b0: [[128], 0],
    w1: [[128, 64], 128],
    b1: [[64], 0],
    w2: [[64, 10], 64],
    b2: [[10], 0],
  },
  cnn: {
    k0: [[8, 1, 5, 5], 25],
    c0: [[8, 1, 1], 0],
    k1: [[16, 8, 5, 5], 200],
    c1: [[16, 1, 1], 0],
    w: [[PIXELS, 10], PIXELS],
    b: [[10], 0],
  },
};

const halved = (x: Arr): Arr => {
  const [b, c, h, w] = x.shape;
  return x.reshape([b, c, h / 2, 2, w / 2, 2]).max([3, 5]);
};

const same = (x: Arr, kernel: Arr): Arr => lax.convGeneralDilated(x, kernel, [1, 1], [[2, 2], [2, 2]]);

const jaxLogits: { readonly [M in Measured]: (p: Arrays, x: Arr) => Arr } = {
  mlp: (p, x) => {
    const h = nn.relu(np.matmul(x, p.w0).add(p.b0));
    return np.matmul(nn.relu(np.matmul(h, p.w1).add(p.b1)), p.w2).add(p.b2);
  },
  cnn: (p, x) => {
    const h = halved(nn.relu(same(x, p.k0).add(p.c0)));
    const k = halved(nn.relu(same(h, p.k1).add(p.c1)));
    return np.matmul(k.reshape([BATCH, PIXELS]), p.w).add(p.b);
  },
};

const jax = async (network: Measured, samples: ReadonlyArray<Samples>): Promise<Runner> => {
  await init("wasm");
  const loss = (p: Arrays, x: Arr, y: Arr): Arr =>
    nn.logSoftmax(jaxLogits[network](p, x), -1).mul(y).sum().mul(-1 / BATCH);
  const step = jit(
    (p: Arrays, m: Arrays, v: Arrays, x: Arr, y: Arr, c1: Arr, c2: Arr): [Arr, Arrays, Arrays, Arrays] => {
      const kept: Arrays = Object.fromEntries(Object.entries(p).map(([name, value]) => [name, value.ref]));
      const [value, slopes] = valueAndGrad(loss)(p, x, y) as unknown as [Arr, Arrays];
      const [parameters, first, second]: [Arrays, Arrays, Arrays] = [{}, {}, {}];
      for (const name of Object.keys(slopes)) {
        first[name] = m[name].mul(0.9).add(slopes[name].ref.mul(0.1));
        second[name] = v[name].mul(0.999).add(np.square(slopes[name]).mul(0.001));
        const root = np.sqrt(second[name].ref.mul(c2.ref)).add(1e-8);
        parameters[name] = kept[name].sub(first[name].ref.mul(c1.ref).div(root).mul(RATE));
      }
      c1.dispose();
      c2.dispose();
      return [value, parameters, first, second];
    },
  );
  let seed = 1;
  const uniform = (): number => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed / 1073741824 - 1;
  };
  const start = (scale: number): Arrays =>
    Object.fromEntries(
      Object.entries(jaxShapes[network]).map(([name, [shape, fan]]) => {
        const count = shape.reduce((a, b) => a * b, 1);
        const data = Float32Array.from({ length: count }, () => fan === 0 ? 0 : scale * uniform() / Math.sqrt(fan));
        return [name, np.array(data).reshape(shape)];
      }),
    );
  let [p, m, v] = [start(1), start(0), start(0)];
  const size = network === "mlp" ? [BATCH, PIXELS] : [BATCH, 1, SIDE, SIDE];
  const given = samples.map(({ x, y }) => {
    const hot = new Float32Array(BATCH * 10);
    y.forEach((digit, row) => hot[row * 10 + digit] = 1);
    return { x: np.array(x as Float32Array<ArrayBuffer>).reshape(size), y: np.array(hot).reshape([BATCH, 10]) };
  });
  let turn = 0;
  return {
    name: "jax-js 0.1.25",
    epoch: () => {
      let sum = 0;
      for (const { x, y } of given) {
        turn++;
        const [value, ...next] = step(
          p,
          m,
          v,
          x.ref,
          y.ref,
          np.array(1 / (1 - 0.9 ** turn)),
          np.array(1 / (1 - 0.999 ** turn)),
        );
        [p, m, v] = next;
        sum += (value.dataSync() as Float32Array)[0];
      }
      return sum / given.length;
    },
  };
};

/** What an engine took. */
export interface EpochTime {
  /** Its name. */
  readonly name: string;
  /** Milliseconds of the fastest pass, CPU time of this thread. */
  readonly cpuMs: number;
  /** Mean loss of its first and its last pass: all learn. */
  readonly losses: readonly [first: number, last: number];
}

/**
 * Times passes over the digits of all engines that train such a network, interleaved; a pass has so many steps, all where
 * nothing is said.
 */
export const timeEpochs = async (
  network: Measured,
  dataset: MemoryDataset,
  { rounds, steps = Infinity }: { readonly rounds: number; readonly steps?: number },
): Promise<ReadonlyArray<EpochTime>> => {
  const samples = samplesOf(dataset).slice(0, steps);
  const scope = Scope.makeUnsafe();
  try {
    const made = [await ours(network, samples, scope), await tfjs(network, samples), await jax(network, samples)];
    const runners = made.filter((runner) => runner !== undefined);
    const times = runners.map(({ name }) => ({ name, cpuMs: Infinity, losses: [] as number[] }));
    for (let round = 0; round < rounds; round++) {
      for (const [i, { epoch }] of runners.entries()) {
        const before = cpuMs();
        const loss = await epoch();
        times[i].cpuMs = Math.min(times[i].cpuMs, cpuMs() - before);
        times[i].losses.push(loss);
      }
    }
    return times.map(({ name, cpuMs, losses }) => ({ name, cpuMs, losses: [losses[0], losses.at(-1)!] }));
  } finally {
    await Effect.runPromise(Scope.close(scope, Exit.void));
  }
};
