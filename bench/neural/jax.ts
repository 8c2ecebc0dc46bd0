/**
 * jax-js on its WebAssembly device: loss, slopes and Adam under one `jit`.
 */
import { init, jit, lax, nn, numpy as np, valueAndGrad } from "@jax-js/jax";
import { BATCH, CLASSES, type Measured, PIXELS, RATE, SIDE, type Trainer } from "./trainer.ts";

type Arr = np.Array;
// A type, not an interface: the library maps over its members.
type Arrays = { [name: string]: Arr };

const SHAPES: { readonly [M in Measured]: { readonly [name: string]: readonly [shape: number[], fan: number] } } = {
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

const LOGITS: { readonly [M in Measured]: (p: Arrays, x: Arr) => Arr } = {
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

const trainingStep = (network: Measured) => {
  const loss = (p: Arrays, x: Arr, y: Arr): Arr =>
    nn.logSoftmax(LOGITS[network](p, x), -1).mul(y).sum().mul(-1 / BATCH);
  return jit((p: Arrays, m: Arrays, v: Arrays, x: Arr, y: Arr, c1: Arr, c2: Arr): [Arr, Arrays, Arrays, Arrays] => {
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
  });
};

/** Starts it. */
export const startJax = async (network: Measured): Promise<Trainer> => {
  await init("wasm");
  const step = trainingStep(network);
  let seed = 1;
  const uniform = (): number => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed / 1073741824 - 1;
  };
  const start = (scale: number): Arrays =>
    Object.fromEntries(
      Object.entries(SHAPES[network]).map(([name, [shape, fan]]) => {
        const count = shape.reduce((a, b) => a * b, 1);
        const data = Float32Array.from({ length: count }, () => fan === 0 ? 0 : scale * uniform() / Math.sqrt(fan));
        return [name, np.array(data).reshape(shape)];
      }),
    );
  let [p, m, v] = [start(1), start(0), start(0)];
  const shape = network === "mlp" ? [BATCH, PIXELS] : [BATCH, 1, SIDE, SIDE];
  let turn = 0;
  return {
    name: "jax-js 0.1.25",
    ready: (samples) => {
      const given = samples.map(({ x, y }) => {
        const hot = new Float32Array(BATCH * CLASSES);
        y.forEach((digit, row) => hot[row * CLASSES + digit] = 1);
        return { x: np.array(x).reshape(shape), y: np.array(hot).reshape([BATCH, CLASSES]) };
      });
      return {
        pass: () => {
          let sum = 0;
          for (const { x, y } of given) {
            turn++;
            const [c1, c2] = [np.array(1 / (1 - 0.9 ** turn)), np.array(1 / (1 - 0.999 ** turn))];
            const [value, ...next] = step(p, m, v, x.ref, y.ref, c1, c2);
            [p, m, v] = next;
            sum += (value.dataSync() as Float32Array)[0];
          }
          return sum / given.length;
        },
        free: () =>
          given.forEach(({ x, y }) => {
            x.dispose();
            y.dispose();
          }),
      };
    },
    close: () => [p, m, v].forEach((arrays) => Object.values(arrays).forEach((array) => array.dispose())),
  };
};
