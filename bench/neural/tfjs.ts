/**
 * TensorFlow.js on its WebAssembly backend: its own layers and its own Adam.
 */
import * as tf from "@tensorflow/tfjs";
import "@tensorflow/tfjs-backend-wasm";
import { BATCH, CLASSES, type Measured, PIXELS, RATE, SIDE, type Trainer } from "./trainer.ts";

const modelOf = (network: Measured): tf.Sequential => {
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
  model.add(tf.layers.dense({ units: CLASSES }));
  return model;
};

/** TensorFlow.js's WebAssembly has no gradient of a convolution's kernel, so it trains no such network. */
const TRAINS: ReadonlySet<Measured> = new Set(["mlp"]);

/** Starts it; undefined where it cannot train such a network. */
export const startTfjs = async (network: Measured): Promise<Trainer | undefined> => {
  if (!TRAINS.has(network)) return undefined;
  await tf.setBackend("wasm");
  await tf.ready();
  const model = modelOf(network);
  const optimizer = tf.train.adam(RATE);
  const shape = network === "mlp" ? [BATCH, PIXELS] : [BATCH, SIDE, SIDE, 1];
  return {
    name: `tfjs wasm ${tf.version.tfjs}`,
    ready: (samples) => {
      const given = samples.map(({ x, y }) => ({
        x: tf.tensor(x, shape),
        y: tf.tidy(() => tf.oneHot(tf.tensor1d(y, "int32"), CLASSES)),
      }));
      return {
        pass: () => {
          let sum = 0;
          for (const { x, y } of given) {
            const loss = optimizer.minimize(
              () =>
                (model.apply(x, { training: true }) as tf.Tensor)
                  .logSoftmax().mul(y).sum().mul(-1 / BATCH) as tf.Scalar,
              true,
            )!;
            sum += loss.dataSync()[0];
            loss.dispose();
          }
          return sum / given.length;
        },
        free: () => given.forEach(({ x, y }) => tf.dispose([x, y])),
      };
    },
    close: () => {
      optimizer.dispose();
      model.dispose();
    },
  };
};
