/**
 * Programs: the cases as tensor programs of this project. Training steps return the loss and then the new parameters;
 * what stays on the device is `state`.
 */
import {
  buildProgram,
  type FunctionBuilder,
  functionOf,
  grad,
  type Program,
  ProgramBuilder,
  type Tensor,
  tensorOf,
  type Value,
} from "../../plugins/ir/library.ts";
import * as cases from "./cases.ts";
import type { Case, Data, Parameters } from "./cases.ts";

/** A case as a program, with what its parameters begin as. */
export interface Measured {
  /** The program. */
  readonly program: Program;
  /** First values of all parameters, in order. */
  readonly values: ReadonlyArray<Tensor>;
  /** Results that stay on the device, as [result, parameter]; result 0 is what comes back. */
  readonly state: ReadonlyArray<readonly [result: number, parameter: number]>;
}

type Values = { readonly [name: string]: Value };
type Loss = (g: FunctionBuilder, values: Values) => Value;

const typeOf = ({ shape }: Data) => ({ dtype: "f32", shape }) as const;
const tensorOfData = ({ shape, data }: Data): Tensor => tensorOf("f32", shape, data);

const mlpLoss: Loss = (g, p) => {
  const last = cases.MLP.widths.length - 2;
  let h = p.x;
  for (let i = 0; i <= last; i++) {
    h = g.add(g.matmul(h, p[`w${i}`]), p[`b${i}`]);
    if (i < last) h = g.activation("relu", h);
  }
  return g.mul(g.reduce("sum", g.mul(g.logSoftmax(h, -1), p.y)), -1 / cases.MLP.batch);
};

const layerNorm = (g: FunctionBuilder, x: Value, scale: Value, shift: Value, epsilon: number): Value =>
  g.add(g.mul(g.normalize(x, { axes: [-1], epsilon, centered: true }), scale), shift);

/** Rows times a matrix, whatever stands before the rows' last axis. */
const rowsTimes = (g: FunctionBuilder, x: Value, w: Value): Value =>
  g.dot(x, w, { x_batch: [], y_batch: [], x_contract: [x.type.shape.length - 1], y_contract: [0] });

const blockLoss: Loss = (g, p) => {
  const { batch, sequence, width, heads, epsilon } = cases.BLOCK;
  const split = (x: Value): Value => g.transpose(g.reshape(x, [batch, sequence, heads, width / heads]), [0, 2, 1, 3]);
  const n1 = layerNorm(g, p.x, p.g1, p.c1, epsilon);
  const [q, k, v] = [p.wq, p.wk, p.wv].map((w) => split(rowsTimes(g, n1, w)));
  const mixed = g.reshape(g.transpose(g.attention(q, k, v), [0, 2, 1, 3]), [batch, sequence, width]);
  const h = g.add(p.x, rowsTimes(g, mixed, p.wo));
  const n2 = layerNorm(g, h, p.g2, p.c2, epsilon);
  const f = g.add(rowsTimes(g, g.activation("relu", g.add(rowsTimes(g, n2, p.w1), p.b1)), p.w2), p.b2);
  const distance = g.sub(g.add(h, f), p.y);
  return g.mean(g.mul(distance, distance));
};

/** Loss and new parameters by gradient descent: the loss's program with its gradient, called and followed by the steps. */
export const descent = (
  loss: Loss,
  parameters: Parameters,
  batch: { readonly x: Data; readonly y: Data },
  rate: number,
): Measured => {
  const names = Object.keys(parameters);
  const types = Object.fromEntries(
    Object.entries({ ...parameters, ...batch }).map(([name, data]) => [name, typeOf(data)]),
  );
  const gradient = grad(buildProgram(types, loss as never), { wrt: names, value: true });
  const program = new ProgramBuilder();
  for (const fn of gradient.functions.values()) program.add(fn);
  program.function("step", types, (g, values) => {
    const order = functionOf(gradient).parameters.map(({ name }) => values[name]);
    const [value, ...slopes] = g.call(gradient.entry, order);
    return [value, ...names.map((name, i) => g.sub(values[name], g.mul(slopes[i], rate)))];
  });
  return {
    program: program.build("step"),
    values: [...Object.values(parameters), batch.x, batch.y].map(tensorOfData),
    state: names.map((_, i) => [i + 1, i] as const),
  };
};

/** A function of operands that stay on the device: each is returned as it came. */
const resident = (
  operands: ReadonlyArray<Data>,
  body: (g: FunctionBuilder, operands: ReadonlyArray<Value>) => Value,
): Measured => ({
  program: buildProgram(Object.fromEntries(operands.map((data, i) => [`x${i}`, typeOf(data)])), (g, values) => {
    const given = Object.values(values);
    return [body(g, given), ...given];
  }),
  values: operands.map(tensorOfData),
  state: operands.map((_, i) => [i + 1, i] as const),
});

/** A case as a program. */
export const programOf = ({ work }: Case): Measured => {
  const around = (cases.CONV.kernel - 1) / 2;
  switch (work.kind) {
    case "mlp":
      return descent(mlpLoss, cases.mlpParameters(), cases.mlpBatch(), cases.MLP.rate);
    case "block":
      return descent(blockLoss, cases.blockParameters(), cases.blockBatch(), cases.BLOCK.rate);
    case "conv":
      return resident(
        cases.operandsOf(work),
        (g, [x, w]) => g.conv(x, w, { low: [around, around], high: [around, around] }),
      );
    case "softmax":
      return resident(cases.operandsOf(work), (g, [x]) => g.softmax(x, -1));
    case "layer-norm":
      return resident(
        cases.operandsOf(work),
        (g, [x, scale, shift]) => layerNorm(g, x, scale, shift, cases.ROWS.epsilon),
      );
    default:
      return resident(cases.operandsOf(work), (g, [x, y]) => g.matmul(x, y));
  }
};
