/**
 * ONNX operators that run a cell over time: RNN, GRU, LSTM; every direction is one `scan`.
 *
 * Invariant: a sequence that has ended keeps its state, and its results after that are zero.
 *
 * @module
 */
import type { FunctionBuilder } from "../../builder.ts";
import type { Composites } from "../../composites.ts";
import { type Dimension, multiplyDimensions } from "../../dimension.ts";
import type { Value } from "../../operators.ts";
import { tensorType } from "../../types.ts";
import { onnx, type OnnxNode, type OnnxOperator } from "../operator.ts";

type Activation = (g: Composites, x: Value) => Value;

const ACTIVATIONS: { readonly [name: string]: Activation } = {
  relu: (g, x) => g.max(x, 0),
  tanh: (g, x) => g.tanh(x),
  sigmoid: (g, x) => g.logistic(x),
  softsign: (g, x) => g.div(x, g.add(g.abs(x), 1)),
  softplus: (g, x) => g.activation("softplus", x),
  hardsigmoid: (g, x) => g.clamp(g.add(g.mul(x, 0.2), 0.5), 0, 1),
  elu: (g, x) => g.select(g.compare("gt", x, 0), x, g.expm1(g.min(x, 0))),
  leakyrelu: (g, x) => g.select(g.compare("ge", x, 0), x, g.mul(x, 0.01)),
};

/** One direction's weights and what its cell needs, as they stand outside the scan. */
interface Weights {
  readonly r: Value;
  readonly rBias: Value | undefined;
  readonly peephole: Value | undefined;
  readonly hidden: Dimension;
  readonly activations: ReadonlyArray<Activation>;
  readonly clip: number | undefined;
  readonly node: OnnxNode;
}

/** One step: the row of input already multiplied by W and biased, and the state; gives the next state, output first. */
type Cell = (g: FunctionBuilder, input: Value, state: ReadonlyArray<Value>, weights: Weights) => ReadonlyArray<Value>;

const part = (g: Composites, x: Value, gate: number, hidden: Dimension): Value =>
  g.sliceAxis(x, x.type.shape.length - 1, multiplyDimensions(hidden, gate), multiplyDimensions(hidden, gate + 1));

const rows = (g: Composites, x: Value, gate: number, hidden: Dimension): Value =>
  g.sliceAxis(x, 0, multiplyDimensions(hidden, gate), multiplyDimensions(hidden, gate + 1));

/** x · rᵀ. */
const byRows = (g: Composites, x: Value, r: Value): Value =>
  g.dot(x, r, { x_batch: [], y_batch: [], x_contract: [1], y_contract: [1] });

const active = (g: Composites, x: Value, which: number, { activations, clip }: Weights): Value =>
  activations[which](g, clip === undefined ? x : g.clamp(x, -clip, clip));

const rnnCell: Cell = (g, input, [h], weights) => {
  const sum = g.add(input, byRows(g, h, weights.r));
  return [active(g, weights.rBias === undefined ? sum : g.add(sum, weights.rBias), 0, weights)];
};

const gruCell: Cell = (g, input, [h], weights) => {
  const { r, rBias, hidden, node } = weights;
  const bias = (gate: number) => rBias === undefined ? undefined : part(g, rBias, gate, hidden);
  const plus = (x: Value, y: Value | undefined) => y === undefined ? x : g.add(x, y);
  const gate = (at: number) =>
    active(g, plus(g.add(part(g, input, at, hidden), byRows(g, h, rows(g, r, at, hidden))), bias(at)), 0, weights);
  const [update, reset] = [gate(0), gate(1)];
  const last = rows(g, r, 2, hidden);
  const recurrent = node.flag("linear_before_reset")
    ? g.mul(reset, plus(byRows(g, h, last), bias(2)))
    : plus(byRows(g, g.mul(reset, h), last), bias(2));
  const candidate = active(g, g.add(part(g, input, 2, hidden), recurrent), 1, weights);
  return [g.add(g.mul(g.sub(1, update), candidate), g.mul(update, h))];
};

const lstmCell: Cell = (g, input, [h, c], weights) => {
  const { r, rBias, peephole, hidden, node } = weights;
  const products = g.add(input, byRows(g, h, r));
  const sums = rBias === undefined ? products : g.add(products, rBias);
  const peep = (x: Value, at: number, state: Value) =>
    peephole === undefined ? x : g.add(x, g.mul(part(g, peephole, at, hidden), state));
  const enter = active(g, peep(part(g, sums, 0, hidden), 0, c), 0, weights);
  const keep = node.flag("input_forget")
    ? g.sub(1, enter)
    : active(g, peep(part(g, sums, 2, hidden), 2, c), 0, weights);
  const cell = g.add(g.mul(keep, c), g.mul(enter, active(g, part(g, sums, 3, hidden), 1, weights)));
  const leave = active(g, peep(part(g, sums, 1, hidden), 1, cell), 0, weights);
  // The clip is on what goes into the gates, not on the state.
  return [g.mul(leave, weights.activations[2](g, cell)), cell];
};

interface Kind {
  readonly gates: number;
  readonly states: number;
  readonly defaults: ReadonlyArray<string>;
  readonly cell: Cell;
}

const activationsOf = (n: OnnxNode, direction: number, { defaults }: Kind): ReadonlyArray<Activation> => {
  const names = n.texts("activations");
  if (n.hasAttribute("activation_alpha") || n.hasAttribute("activation_beta")) {
    n.refuse("activations with parameters of their own");
  }
  const own = names?.slice(direction * defaults.length, (direction + 1) * defaults.length) ?? defaults;
  return own.map((name) => ACTIVATIONS[name.toLowerCase()] ?? n.refuse(`there is no activation ${name}`));
};

/** A slice of the first axis, which disappears. */
const at = (g: Composites, x: Value, index: number): Value =>
  g.reshape(g.sliceAxis(x, 0, index, index + 1), x.type.shape.slice(1));

const runDirection = (
  n: OnnxNode,
  kind: Kind,
  x: Value,
  direction: number,
  reverse: boolean,
): ReadonlyArray<Value> => {
  const { g } = n;
  const [length, batch, width] = x.type.shape;
  const w = at(g, n.in(1), direction);
  const r = at(g, n.in(2), direction);
  const hidden = r.type.shape[1];
  const bias = n.has(3) ? at(g, n.in(3), direction) : undefined;
  const gatesWide = multiplyDimensions(hidden, kind.gates);
  const half = (which: number) =>
    bias === undefined
      ? undefined
      : g.sliceAxis(bias, 0, multiplyDimensions(gatesWide, which), multiplyDimensions(gatesWide, which + 1));
  const peephole = kind.states === 2 && n.has(7) ? at(g, n.in(7), direction) : undefined;
  const clip = n.hasAttribute("clip") ? n.float("clip") : undefined;
  const weights: Weights = {
    r,
    rBias: half(1),
    peephole,
    hidden,
    clip,
    activations: activationsOf(n, direction, kind),
    node: n,
  };
  const flat = byRows(g, g.reshape(x, [multiplyDimensions(length, batch), width]), w);
  const inputBias = half(0);
  const inputs = g.reshape(inputBias === undefined ? flat : g.add(flat, inputBias), [length, batch, gatesWide]);
  const initial = Array.from(
    { length: kind.states },
    (_, i) =>
      n.has(5 + i) ? at(g, batchFirst(n) ? g.transpose(n.in(5 + i), [1, 0, 2]) : n.in(5 + i), direction) : g.full(
        tensorType(x.type.dtype, [batch, hidden]),
        0,
      ),
  );
  const lengths = n.has(4) ? g.cast(n.in(4), "i64") : undefined;
  const time = g.iota("i64", [length], 0);
  const made = g.scan({ length, reverse }, initial, [inputs, time], (inner, state, [input, now]) => {
    const next = kind.cell(inner, input, state, weights);
    if (lengths === undefined) return [...next, next[0]];
    const shape = state[0].type.shape;
    const alive = inner.broadcast(inner.compare("lt", inner.broadcastTo(now, [batch]), lengths), shape, [0]);
    const kept = next.map((value, i) => inner.select(alive, value, state[i]));
    return [...kept, inner.select(alive, next[0], inner.zerosLike(next[0]))];
  });
  return [made[kind.states], ...made.slice(0, kind.states)];
};

const batchFirst = (n: OnnxNode): boolean => n.flag("layout");

const recurrent = (kind: Kind) => (n: OnnxNode): ReadonlyArray<Value> => {
  const { g } = n;
  const x = batchFirst(n) ? g.transpose(n.in(0), [1, 0, 2]) : n.in(0);
  const direction = n.oneOf("direction", ["forward", "reverse", "bidirectional"], "forward");
  const ways = direction === "bidirectional" ? [false, true] : [direction === "reverse"];
  const made = ways.map((reverse, i) => runDirection(n, kind, x, i, reverse));
  const stack = (which: number, axis: number) =>
    g.concat(
      made.map((results) => {
        const { shape } = results[which].type;
        return g.reshape(results[which], [...shape.slice(0, axis), 1, ...shape.slice(axis)]);
      }),
      axis,
    );
  const whole = stack(0, 1);
  const states = Array.from({ length: kind.states }, (_, i) => stack(i + 1, 0));
  if (!batchFirst(n)) return [whole, ...states];
  return [g.transpose(whole, [2, 0, 1, 3]), ...states.map((state) => g.transpose(state, [1, 0, 2]))];
};

/** The rows. */
export const RECURRENT_OPERATORS: ReadonlyArray<OnnxOperator> = [
  onnx("RNN", 7, recurrent({ gates: 1, states: 1, defaults: ["Tanh"], cell: rnnCell })),
  onnx("GRU", 7, recurrent({ gates: 3, states: 1, defaults: ["Sigmoid", "Tanh"], cell: gruCell })),
  onnx("LSTM", 7, recurrent({ gates: 4, states: 2, defaults: ["Sigmoid", "Tanh", "Tanh"], cell: lstmCell })),
];
