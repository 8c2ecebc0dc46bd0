/**
 * Cases that gradient tests of both modes share: every differentiable primitive with its attributes, at points away from
 * kinks.
 */
import {
  buildProgram,
  type FunctionBuilder,
  type Program,
  type Tensor,
  tensor,
  type Value,
} from "../../../plugins/ir/library.ts";
import { f64, normals } from "./support.ts";

/** A primitive under a smooth body: what is differentiated and where. */
export type Case = {
  readonly primitive: string;
  readonly title?: string;
  readonly inputs: ReadonlyArray<Tensor>;
  readonly body: (g: FunctionBuilder, values: ReadonlyArray<Value>) => Value;
};

const x23 = normals("x", [2, 3]);
const y23 = normals("y", [2, 3]);
const positive = f64([2, 3], [0.3, 1.7, 0.9, 2.2, 0.6, 1.1]);
/** Rows, one of them twice and one outside. */
export const indices = tensor("i64", [4], [2n, 0n, 2n, 7n]);
const along = tensor("i64", [2, 4], [2n, 0n, 2n, -1n, 1n, 1n, 0n, 2n]);
const image = normals("image", [2, 4, 5, 6]);

const unaryCases: ReadonlyArray<Case> = ([
  ["neg", x23],
  ["abs", x23],
  ["exp", x23],
  ["expm1", x23],
  ["log", positive],
  ["log1p", positive],
  ["sqrt", positive],
  ["sin", x23],
  ["cos", x23],
  ["tanh", x23],
  ["logistic", x23],
  ["erf", x23],
] as const).map(([primitive, input]) => ({
  primitive,
  inputs: [input],
  body: (g, [x]) => g[primitive](x),
}));

const binaryCases: ReadonlyArray<Case> = ([
  ["add", x23, y23],
  ["sub", x23, y23],
  ["mul", x23, y23],
  ["div", x23, positive],
  ["rem", f64([3], [5.3, -4.1, 7.7]), f64([3], [2.1, 1.5, -3.2])],
  ["pow", positive, y23],
  ["max", x23, y23],
  ["min", x23, y23],
] as const).map(([primitive, a, b]) => ({
  primitive,
  inputs: [a, b],
  body: (g, [x, y]) => g[primitive](x, y),
}));

const window = {
  window: [1, 1, 3, 2],
  strides: [1, 1, 2, 3],
  low: [0, 0, 1, 0],
  high: [0, 0, 1, 1],
  dilation: [1, 1, 1, 2],
};

const movementCases: ReadonlyArray<Case> = [
  { primitive: "cast", inputs: [x23], body: (g, [x]) => g.cast(g.cast(x, "f64"), "f64") },
  {
    primitive: "select",
    inputs: [x23, y23],
    body: (g, [x, y]) => g.select(g.compare("gt", g.stopGradient(x), g.stopGradient(y)), x, g.mul(y, 3)),
  },
  { primitive: "broadcast", inputs: [normals("b", [3])], body: (g, [x]) => g.broadcast(x, [2, 3, 4], [1]) },
  {
    primitive: "broadcast",
    title: "of an axis of size one",
    inputs: [normals("b1", [1, 3])],
    body: (g, [x]) => g.broadcastTo(x, [4, 2, 3]),
  },
  { primitive: "reshape", inputs: [x23], body: (g, [x]) => g.reshape(x, [3, 2]) },
  { primitive: "transpose", inputs: [normals("t", [2, 3, 4])], body: (g, [x]) => g.transpose(x, [2, 0, 1]) },
  { primitive: "reverse", inputs: [x23], body: (g, [x]) => g.reverse(x, [1]) },
  {
    primitive: "slice",
    inputs: [normals("s", [7, 5])],
    body: (g, [x]) => g.slice(x, { start: [1, 0], limit: [6, 5], stride: [2, 3] }),
  },
  {
    primitive: "pad",
    inputs: [x23, f64([], [0.7])],
    body: (g, [x, v]) => g.pad(x, v, { low: [1, 0], high: [2, 1], interior: [0, 2] }),
  },
  {
    primitive: "pad",
    title: "with cropping",
    inputs: [normals("p", [5, 4]), f64([], [0.7])],
    body: (g, [x, v]) => g.pad(x, v, { low: [-1, 2], high: [1, -2], interior: [1, 0] }),
  },
  { primitive: "concat", inputs: [x23, normals("c", [2, 2])], body: (g, [x, y]) => g.concat([x, y, x], 1) },
  { primitive: "gather", inputs: [normals("g", [3, 2])], body: (g, [x]) => g.gather(x, g.constant(indices), 0) },
  {
    primitive: "scatter",
    title: "adding",
    inputs: [normals("sx", [3, 2]), normals("su", [4, 2])],
    body: (g, [x, u]) => g.scatter(x, g.constant(indices), u, 0, "add"),
  },
  {
    primitive: "scatter",
    title: "setting, with a place written twice and one outside",
    inputs: [normals("sx", [3, 2]), normals("su", [4, 2])],
    body: (g, [x, u]) => g.scatter(x, g.constant(indices), u, 0, "set"),
  },
  { primitive: "take_along", inputs: [x23], body: (g, [x]) => g.takeAlong(x, g.constant(along), 1) },
  {
    primitive: "put_along",
    title: "adding",
    inputs: [x23, normals("pu", [2, 4])],
    body: (g, [x, u]) => g.putAlong(x, g.constant(along), u, 1, "add"),
  },
  {
    primitive: "put_along",
    title: "setting",
    inputs: [x23, normals("pu", [2, 4])],
    body: (g, [x, u]) => g.putAlong(x, g.constant(along), u, 1, "set"),
  },
];

const grid = tensor("i64", [2, 2], [1n, 0n, 3n, 1n]);

const indexingCases: ReadonlyArray<Case> = [
  {
    primitive: "gather",
    title: "along the last axis by a table of indices",
    inputs: [normals("g2", [3, 2, 2])],
    body: (g, [x]) => g.gather(x, g.constant(grid), 2),
  },
  ...(["add", "set"] as const).map((mode): Case => ({
    primitive: "scatter",
    title: `${mode} along the last axis by a table of indices`,
    inputs: [normals("g3", [3, 4]), normals("g4", [3, 2, 2])],
    body: (g, [x, u]) => g.scatter(x, g.constant(grid), u, 1, mode),
  })),
  {
    primitive: "take_along",
    title: "the first axis",
    inputs: [normals("g5", [3, 2])],
    body: (g, [x]) => g.takeAlong(x, g.constant(grid), 0),
  },
];

const zeros = f64([2, 4], [1.5, 0, -2, 0.5, 0, 3, 0, 0.7]);

const reductionCases: ReadonlyArray<Case> = [
  ...(["sum", "max", "min", "prod"] as const).map((op): Case => ({
    primitive: "reduce",
    title: op,
    inputs: [normals("r", [2, 3, 4])],
    body: (g, [x]) => g.reduce(op, x, [0, 2]),
  })),
  { primitive: "reduce", title: "prod with zeros", inputs: [zeros], body: (g, [x]) => g.reduce("prod", x, [1]) },
  ...[true, false].map((descending): Case => ({
    primitive: "sort",
    title: `descending=${descending}`,
    inputs: [normals("sort", [2, 5])],
    body: (g, [x]) => g.sort(x, 1, descending)[0],
  })),
  ...(["sum", "prod", "max", "min"] as const).flatMap((op) =>
    [false, true].flatMap((reverse) =>
      [false, true].map((exclusive): Case => ({
        primitive: "cumulative",
        title: `${op} reverse=${reverse} exclusive=${exclusive}`,
        inputs: [normals(`cumulative ${op}`, [2, 4, 2])],
        body: (g, [x]) => {
          const made = g.cumulative(op, x, { axis: 1, reverse, exclusive });
          // An exclusive extremum starts at an infinity, which no weight can sum.
          return g.select(g.compare("lt", g.abs(made), 1e9), made, 0);
        },
      }))
    )
  ),
  {
    primitive: "cumulative",
    title: "prod with zeros",
    inputs: [zeros],
    body: (g, [x]) => g.cumulative("prod", x, { axis: 1 }),
  },
  ...(["sum", "max", "min"] as const).map((op): Case => ({
    primitive: "reduce_window",
    title: op,
    inputs: [image],
    body: (g, [x]) => g.reduceWindow(op, x, window),
  })),
];

const overlapping = { window: [1, 3], strides: [1, 2], low: [0, 2], high: [0, 1], dilation: [1, 1] };
const outside = { window: [2], strides: [2], low: [3], high: [4], dilation: [1] };

const scatteringCases: ReadonlyArray<Case> = (["max", "min"] as const).flatMap((op): ReadonlyArray<Case> => [
  {
    primitive: "select_and_scatter",
    title: op,
    inputs: [image, normals("source", [2, 4, 3, 2])],
    body: (g, [x, s]) => g.selectAndScatter(op, x, s, window),
  },
  {
    primitive: "select_and_scatter",
    title: `${op} of overlapping windows with ties`,
    inputs: [f64([2, 6], [1, 1, 2, 2, 0, 1, -3, -3, -3, -3, -3, -3]), normals("source2", [2, 4])],
    body: (g, [x, s]) => g.selectAndScatter(op, g.stopGradient(g.round(x)), s, overlapping),
  },
  {
    primitive: "select_and_scatter",
    title: `${op} of windows that cover nothing`,
    inputs: [normals("few", [3]), normals("source3", [5])],
    body: (g, [x, s]) => g.selectAndScatter(op, x, s, outside),
  },
]);

const conv = (title: string, x: Tensor, w: Tensor, how: Parameters<FunctionBuilder["conv"]>[2]): Case => ({
  primitive: "conv",
  title,
  inputs: [x, w],
  body: (g, [a, b]) => g.conv(a, b, how),
});

const contractionCases: ReadonlyArray<Case> = [
  { primitive: "dot", inputs: [x23, normals("m", [3, 4])], body: (g, [x, y]) => g.matmul(x, y) },
  {
    primitive: "dot",
    title: "with batch axes out of order",
    inputs: [normals("d1", [3, 2, 4, 5]), normals("d2", [5, 4, 3, 2, 2])],
    body: (g, [x, y]) => g.dot(x, y, { x_batch: [1, 0], y_batch: [4, 2], x_contract: [3, 2], y_contract: [0, 1] }),
  },
  {
    primitive: "dot",
    title: "of broadcast batches",
    inputs: [normals("d3", [2, 1, 2, 3]), normals("d4", [4, 3, 2])],
    body: (g, [x, y]) => g.matmul(x, y),
  },
  conv("plain", image, normals("w", [3, 4, 3, 2]), {}),
  conv("strided and padded", image, normals("w", [3, 4, 3, 2]), { strides: [2, 3], low: [1, 2], high: [2, 0] }),
  conv("dilated", image, normals("w", [3, 4, 2, 2]), { dilation: [3, 2], low: [1, 0], high: [1, 3] }),
  conv("transposed", image, normals("w", [3, 4, 3, 2]), {
    input_dilation: [2, 3],
    low: [2, 1],
    high: [2, 2],
    strides: [1, 2],
  }),
  conv("grouped", image, normals("w", [6, 2, 3, 2]), { groups: 2, strides: [2, 1], low: [1, 1], high: [1, 1] }),
  conv("depthwise in one dimension", normals("i1", [2, 3, 7]), normals("w1", [3, 1, 3]), { groups: 3, low: [2] }),
  conv("cropping", normals("i1", [2, 3, 7]), normals("w1", [2, 3, 2]), { low: [-1], high: [-2] }),
  conv("in three dimensions", normals("i3", [1, 2, 3, 4, 3]), normals("w3", [2, 2, 2, 2, 2]), { strides: [1, 2, 1] }),
];

/** Every differentiable primitive, with its attributes. */
export const CASES: ReadonlyArray<Case> = [
  ...unaryCases,
  ...binaryCases,
  ...movementCases,
  ...indexingCases,
  ...reductionCases,
  ...scatteringCases,
  ...contractionCases,
];

/** A scalar of a result: its elements weighted by fixed numbers. */
export const scalarOf = ({ inputs, body }: Pick<Case, "inputs" | "body">): Program =>
  buildProgram(
    Object.fromEntries(inputs.map(({ dtype, shape }, i) => [`x${i}`, { dtype, shape }])),
    (g, values) => {
      const out = body(g, Object.values(values));
      const weights = normals("weights", out.type.shape as ReadonlyArray<number>);
      return g.reduce("sum", g.mul(out, g.constant(weights)));
    },
  );

/** Bodies whose second derivatives count. */
export const SMOOTH: ReadonlyArray<Case> = [
  { primitive: "softmax", inputs: [x23], body: (g, [x]) => g.softmax(x, -1) },
  { primitive: "gelu", inputs: [x23], body: (g, [x]) => g.activation("gelu", x) },
  { primitive: "mish", inputs: [x23], body: (g, [x]) => g.activation("mish", x) },
  { primitive: "pow", inputs: [positive, y23], body: (g, [x, y]) => g.pow(x, y) },
  { primitive: "product", inputs: [zeros], body: (g, [x]) => g.reduce("prod", x, [1]) },
  {
    primitive: "normalisation",
    inputs: [x23],
    body: (g, [x]) => g.normalize(x, { axes: [1], epsilon: 1e-3, centered: true }),
  },
  {
    primitive: "attention",
    inputs: [normals("q", [3, 2]), normals("k", [3, 2]), normals("v", [3, 2])],
    body: (g, [q, k, v]) => g.attention(q, k, v),
  },
  {
    primitive: "convolution",
    inputs: [normals("i2", [1, 2, 5]), normals("k2", [2, 1, 3])],
    body: (g, [x, w]) => g.exp(g.mul(g.conv(x, w, { groups: 2, strides: [2], low: [1] }), 0.1)),
  },
  {
    primitive: "indexing",
    inputs: [normals("gx", [3, 2])],
    body: (g, [x]) => g.exp(g.scatter(x, g.constant(indices), g.mul(g.gather(x, g.constant(indices), 0), 2), 0, "add")),
  },
  {
    primitive: "maximum pooling",
    inputs: [normals("pooled", [1, 1, 4, 4])],
    body: (g, [x]) =>
      g.exp(g.reduceWindow("max", g.mul(x, x), {
        window: [1, 1, 2, 3],
        strides: [1, 1, 1, 2],
        low: [0, 0, 1, 1],
        high: [0, 0, 0, 1],
        dilation: [1, 1, 1, 1],
      })),
  },
  {
    primitive: "running extrema and sorting",
    inputs: [normals("run", [2, 4])],
    body: (g, [x]) => g.mul(g.exp(g.cumulative("max", x, { axis: 1 })), g.sort(g.mul(x, x), 1)[0]),
  },
];
