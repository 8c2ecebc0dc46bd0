/**
 * Cases: what is measured, with the data every engine gets. Sizes are those of the goals; data follows from the names.
 */
import { random } from "../../kernel/random.ts";

/** Sizes of the perceptron: layer widths and rows of a batch. */
export const MLP = { widths: [784, 256, 128, 10], batch: 64, rate: 0.1 } as const;

/** Sizes of the transformer block. */
export const BLOCK = { width: 128, sequence: 64, batch: 8, heads: 4, hidden: 512, rate: 0.1, epsilon: 1e-5 } as const;

/** Sizes of the convolution: channels in and out, and the side of the image. */
export const CONV = { channels: 64, side: 56, kernel: 3 } as const;

/** Sizes of row kernels. */
export const ROWS = { rows: 1024, columns: 1024, epsilon: 1e-5 } as const;

/** Sides of the square products. */
export const GEMM_SIDES = [64, 128, 256, 512, 1024] as const;

/** Side of the matrix that a vector is multiplied with. */
export const GEMV_SIDE = 4096;

/** Steps over which losses are compared. */
export const STEPS = 10;

/** What a case computes. */
export type Work =
  | { readonly kind: "gemm"; readonly side: number }
  | { readonly kind: "gemv"; readonly side: number }
  | { readonly kind: "mlp" | "block" | "conv" | "softmax" | "layer-norm" };

/** One case. */
export interface Case {
  /** Its name. */
  readonly id: string;
  /** What it computes. */
  readonly work: Work;
  /** Multiplications and additions of its products; undefined where time is the figure. */
  readonly flops?: number;
  /** Whether it is a training step. */
  readonly training?: true;
}

const blockFlops = (): number => {
  const { width, sequence, batch, hidden } = BLOCK;
  const rows = batch * sequence;
  const forward = 2 * rows * width * (4 * width + 2 * hidden) + 4 * rows * sequence * width;
  return 3 * forward;
};

const mlpFlops = (): number => {
  const { widths, batch } = MLP;
  const products = widths.slice(1).map((width, i) => 2 * batch * widths[i] * width);
  // Nobody asks for the gradient of the data.
  return 3 * products.reduce((sum, each) => sum + each, 0) - products[0];
};

/** Every case. */
export const CASES: ReadonlyArray<Case> = [
  ...GEMM_SIDES.map((side): Case => ({ id: `gemm ${side}`, work: { kind: "gemm", side }, flops: 2 * side ** 3 })),
  { id: `gemv ${GEMV_SIDE}`, work: { kind: "gemv", side: GEMV_SIDE }, flops: 2 * GEMV_SIDE ** 2 },
  { id: "mlp step", work: { kind: "mlp" }, flops: mlpFlops(), training: true },
  { id: "block step", work: { kind: "block" }, flops: blockFlops(), training: true },
  {
    id: "conv 3x3",
    work: { kind: "conv" },
    flops: 2 * CONV.channels ** 2 * CONV.kernel ** 2 * CONV.side ** 2,
  },
  { id: "softmax", work: { kind: "softmax" } },
  { id: "layer norm", work: { kind: "layer-norm" } },
];

/** A named array with its shape. */
export interface Data {
  /** Sizes. */
  readonly shape: ReadonlyArray<number>;
  /** Elements, row-major. */
  readonly data: Float32Array<ArrayBuffer>;
}

const drawn = new Map<string, Data>();

/** Elements of a normal distribution, always the same for a name; drawn once, so that no engine is charged for it. */
export const normal = (name: string, shape: ReadonlyArray<number>, scale = 1, shift = 0): Data => {
  const key = `${name} ${shape} ${scale} ${shift}`;
  const known = drawn.get(key);
  if (known !== undefined) return known;
  const chance = random(`bench/cpu/${name}`);
  const count = shape.reduce((product, size) => product * size, 1);
  const made = { shape, data: Float32Array.from({ length: count }, () => shift + scale * chance.normal()) };
  drawn.set(key, made);
  return made;
};

const fixed = (shape: ReadonlyArray<number>, value: number): Data => normal("", shape, 0, value);

/** Parameters by name, in the order every engine uses. */
export type Parameters = { readonly [name: string]: Data };

/** First parameters of the perceptron. */
export const mlpParameters = (): Parameters =>
  Object.fromEntries(
    MLP.widths.slice(1).flatMap((width, i) => [
      [`w${i}`, normal(`mlp/w${i}`, [MLP.widths[i], width], Math.sqrt(2 / MLP.widths[i]))],
      [`b${i}`, fixed([width], 0)],
    ]),
  );

/** Data and one-hot labels of the perceptron. */
export const mlpBatch = (): { readonly x: Data; readonly y: Data } => {
  const classes = MLP.widths.at(-1)!;
  const labels = new Float32Array(MLP.batch * classes);
  for (let row = 0; row < MLP.batch; row++) labels[row * classes + (row * 7) % classes] = 1;
  return { x: normal("mlp/x", [MLP.batch, MLP.widths[0]]), y: { shape: [MLP.batch, classes], data: labels } };
};

/** First parameters of the block: two norms, attention with one output product, and two layers. */
export const blockParameters = (): Parameters => {
  const { width, hidden } = BLOCK;
  const square = (name: string): Data => normal(`block/${name}`, [width, width], 1 / Math.sqrt(width));
  return {
    g1: fixed([width], 1),
    c1: fixed([width], 0),
    wq: square("wq"),
    wk: square("wk"),
    wv: square("wv"),
    wo: square("wo"),
    g2: fixed([width], 1),
    c2: fixed([width], 0),
    w1: normal("block/w1", [width, hidden], 1 / Math.sqrt(width)),
    b1: fixed([hidden], 0),
    w2: normal("block/w2", [hidden, width], 1 / Math.sqrt(hidden)),
    b2: fixed([width], 0),
  };
};

/** Data and wanted output of the block. */
export const blockBatch = (): { readonly x: Data; readonly y: Data } => {
  const { width, sequence, batch } = BLOCK;
  return {
    x: normal("block/x", [batch, sequence, width]),
    y: normal("block/y", [batch, sequence, width]),
  };
};

/** Operands of the cases that are no training steps. */
export const operandsOf = (work: Work): ReadonlyArray<Data> => {
  switch (work.kind) {
    case "gemm":
      return [normal("gemm/a", [work.side, work.side]), normal("gemm/b", [work.side, work.side])];
    case "gemv":
      return [normal("gemv/x", [1, work.side]), normal("gemv/w", [work.side, work.side])];
    case "conv":
      return [
        normal("conv/x", [1, CONV.channels, CONV.side, CONV.side]),
        normal("conv/w", [CONV.channels, CONV.channels, CONV.kernel, CONV.kernel], 1 / 24),
      ];
    case "layer-norm":
      return [
        normal("rows/x", [ROWS.rows, ROWS.columns]),
        normal("rows/g", [ROWS.columns], 0.1, 1),
        normal("rows/c", [ROWS.columns], 0.1),
      ];
    default:
      return [normal("rows/x", [ROWS.rows, ROWS.columns])];
  }
};

/** Draws the data of a case, so that the first engine is not charged for it. */
export const draw = ({ work }: Case): void => {
  if (work.kind === "mlp") return void [mlpParameters(), mlpBatch()];
  if (work.kind === "block") return void [blockParameters(), blockBatch()];
  operandsOf(work);
};
