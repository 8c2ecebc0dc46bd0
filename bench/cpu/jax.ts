/**
 * jax-js on its WebAssembly device: every case under `jit`, run on this thread by reading synchronously.
 */
import { init, jit, lax, nn, numpy as np, valueAndGrad } from "@jax-js/jax";
import * as cases from "./cases.ts";
import type { Case, Data, Parameters } from "./cases.ts";
import { type Engine, type Prepared, type Started, starting } from "./engine.ts";

type Arr = np.Array;
// A type, not an interface: the library maps over its members.
type Arrays = { [name: string]: Arr };

const array = ({ data, shape }: Data): Arr => np.array(data).reshape([...shape]);

const arrays = (parameters: Parameters): Arrays =>
  Object.fromEntries(Object.entries(parameters).map(([name, data]) => [name, array(data)]));

const layerNorm = (x: Arr, g: Arr, c: Arr, epsilon: number): Arr => {
  const centred = x.ref.sub(x.mean(-1, { keepdims: true }));
  const variance = np.square(centred.ref).mean(-1, { keepdims: true });
  return centred.div(np.sqrt(variance.add(epsilon))).mul(g).add(c);
};

const mlpLoss = (p: Arrays, x: Arr, y: Arr): Arr => {
  const last = cases.MLP.widths.length - 2;
  let h = x;
  for (let i = 0; i <= last; i++) {
    h = np.matmul(h, p[`w${i}`]).add(p[`b${i}`]);
    if (i < last) h = nn.relu(h);
  }
  return nn.logSoftmax(h, -1).mul(y).sum().mul(-1 / cases.MLP.batch);
};

const heads = (x: Arr): Arr =>
  x.reshape([cases.BLOCK.batch, cases.BLOCK.sequence, cases.BLOCK.heads, cases.BLOCK.width / cases.BLOCK.heads])
    .transpose([0, 2, 1, 3]);

const blockLoss = (p: Arrays, x: Arr, y: Arr): Arr => {
  const { batch, sequence, width, epsilon } = cases.BLOCK;
  const n1 = layerNorm(x.ref, p.g1, p.c1, epsilon);
  const q = heads(np.matmul(n1.ref, p.wq));
  const k = heads(np.matmul(n1.ref, p.wk));
  const v = heads(np.matmul(n1, p.wv));
  const scores = np.matmul(q, k.transpose([0, 1, 3, 2])).mul(1 / Math.sqrt(width / cases.BLOCK.heads));
  const mixed = np.matmul(nn.softmax(scores, -1), v).transpose([0, 2, 1, 3]).reshape([batch, sequence, width]);
  const h = x.add(np.matmul(mixed, p.wo));
  const n2 = layerNorm(h.ref, p.g2, p.c2, epsilon);
  const f = np.matmul(nn.relu(np.matmul(n2, p.w1).add(p.b1)), p.w2).add(p.b2);
  return np.square(h.add(f).sub(y)).mean();
};

/** A training step under one `jit`: loss and new parameters. */
const training = (
  loss: (p: Arrays, x: Arr, y: Arr) => Arr,
  first: Parameters,
  batch: { readonly x: Data; readonly y: Data },
  rate: number,
): Prepared => {
  const step = jit((p: Arrays, x: Arr, y: Arr): [Arr, Arrays] => {
    const kept = Object.fromEntries(Object.entries(p).map(([name, value]) => [name, value.ref]));
    const [value, gradient] = valueAndGrad(loss)(p, x, y) as unknown as [Arr, Arrays];
    return [value, Object.fromEntries(Object.keys(p).map((name) => [name, kept[name].sub(gradient[name].mul(rate))]))];
  });
  let parameters = arrays(first);
  const x = array(batch.x);
  const y = array(batch.y);
  return {
    run: () => {
      const [value, next] = step(parameters, x.ref, y.ref);
      parameters = next;
      return value.dataSync() as Float32Array;
    },
  };
};

const function_ = (data: ReadonlyArray<Data>, body: (...operands: Arr[]) => Arr): Prepared => {
  const compiled = jit(body) as unknown as (...operands: Arr[]) => Arr;
  const operands = data.map(array);
  return { run: () => compiled(...operands.map((operand) => operand.ref)).dataSync() as Float32Array };
};

const prepare = ({ work }: Case): Prepared => {
  switch (work.kind) {
    case "mlp":
      return training(mlpLoss, cases.mlpParameters(), cases.mlpBatch(), cases.MLP.rate);
    case "block":
      return training(blockLoss, cases.blockParameters(), cases.blockBatch(), cases.BLOCK.rate);
    case "conv": {
      const around = (cases.CONV.kernel - 1) / 2;
      return function_(
        cases.operandsOf(work),
        (x, w) => lax.convGeneralDilated(x, w, [1, 1], [[around, around], [around, around]]),
      );
    }
    case "softmax":
      return function_(cases.operandsOf(work), (x) => nn.softmax(x, -1));
    case "layer-norm":
      return function_(cases.operandsOf(work), (x, g, c) => layerNorm(x, g, c, cases.ROWS.epsilon));
    default:
      return function_(cases.operandsOf(work), (x, y) => np.matmul(x, y));
  }
};

/** Starts it. */
export const startJax = (): Promise<Started> =>
  starting("jax-js", async (): Promise<Engine> => {
    await init("wasm");
    return { name: "jax-js", version: "0.1.25", portable: true, prepare };
  });
