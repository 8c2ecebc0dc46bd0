/**
 * Sequences: recurrent cells and position codes.
 *
 * @module
 */
import type { Dimension } from "../../ir/contract.ts";
import { type FunctionBuilder, multiplyDimensions, quotientOf, type Value } from "../../ir/library.ts";
import { wrongShape } from "../interpreter/failures.ts";
import { flag, type Lower, type Lowering, type Lowerings, number, size } from "./lowering.ts";

type CellName = "rnn" | "lstm" | "gru";
type CodeName = "sinusoidal_pe" | "rope" | "learned_pe" | "alibi";

const STEPS_FIRST = [1, 0, 2];

/** Part `index` of features that hold several gates of one width. */
const gate = (g: FunctionBuilder, x: Value, index: number, width: Dimension): Value =>
  g.sliceAxis(x, -1, multiplyDimensions(index, width), multiplyDimensions(index + 1, width));

type Step = (g: FunctionBuilder, carried: ReadonlyArray<Value>, row: Value) => ReadonlyArray<Value>;

/** Runs a step over the sequence; the first carried value is the state that every step shows. */
const recur = ({ g, operands, parameters, settings }: Lowering, states: ReadonlyArray<string>, step: Step): Value => {
  const { x } = operands;
  const [batch, length] = x.type.shape;
  const width = size(settings, "width");
  const mapped = g.matmul(g.transpose(x, STEPS_FIRST), parameters.input);
  const rows = parameters.bias === undefined ? mapped : g.add(mapped, parameters.bias);
  const start = states.map((name) => operands[name] ?? g.full({ dtype: x.type.dtype, shape: [batch, width] }, 0));
  const made = g.scan({ length, reverse: flag(settings, "reverse") }, start, [rows], (body, carried, [row]) => {
    const next = step(body, carried, row);
    return [...next, next[0]];
  });
  return g.transpose(made[states.length], STEPS_FIRST);
};

const rnn: Lower = (given) =>
  recur(given, ["state"], (g, [state], row) => {
    const sum = g.add(row, g.matmul(state, given.parameters.hidden));
    return [given.settings.activation === "relu" ? g.max(sum, 0) : g.tanh(sum)];
  });

const lstm: Lower = (given) =>
  recur(given, ["state", "cell"], (g, [state, cell], row) => {
    const width = size(given.settings, "width");
    const gates = g.add(row, g.matmul(state, given.parameters.hidden));
    const [input, forget, output] = [0, 1, 3].map((index) => g.logistic(gate(g, gates, index, width)));
    const next = g.add(g.mul(forget, cell), g.mul(input, g.tanh(gate(g, gates, 2, width))));
    return [g.mul(output, g.tanh(next)), next];
  });

const gru: Lower = (given) =>
  recur(given, ["state"], (g, [state], row) => {
    const width = size(given.settings, "width");
    const { hidden, hidden_bias } = given.parameters;
    const product = g.matmul(state, hidden);
    const own = hidden_bias === undefined ? product : g.add(product, hidden_bias);
    const [reset, update] = [0, 1].map((index) =>
      g.logistic(g.add(gate(g, row, index, width), gate(g, own, index, width)))
    );
    const fresh = g.tanh(g.add(gate(g, row, 2, width), g.mul(reset, gate(g, own, 2, width))));
    return [g.add(g.mul(g.sub(1, update), fresh), g.mul(update, state))];
  });

/** Recurrent cells. */
export const cellLowerings: Lowerings<CellName> = { rnn, lstm, gru };

/** The dtype in which angles are computed: narrow ones would blur large positions. */
const angleDtype = (x: Value): "f64" | "f32" => x.type.dtype === "f64" ? "f64" : "f32";

/** Position times base^(−2·⌊i/2⌋/n) over [s, count]; with `paired`, i runs over pairs. */
const angles = (g: FunctionBuilder, x: Value, base: number, count: Dimension, paired: boolean): Value => {
  const dtype = angleDtype(x);
  const [steps, features] = [x.type.shape.at(-2)!, x.type.shape.at(-1)!];
  const shape = [steps, count];
  const index = g.iota(dtype, shape, 1);
  const pairs = paired ? index : g.floor(g.mul(index, 0.5));
  const share = typeof features === "number"
    ? g.mul(pairs, -2 / features)
    : g.div(g.mul(pairs, -2), g.dimension(features, dtype));
  return g.mul(g.iota(dtype, shape, 0), g.exp(g.mul(share, Math.log(base))));
};

const sinusoidal: Lower = ({ g, operands: { x }, settings }) => {
  const features = x.type.shape.at(-1)!;
  const angle = angles(g, x, number(settings, "base"), features, false);
  const index = g.iota("i64", angle.type.shape, 1);
  const code = g.select(g.compare("eq", g.rem(index, 2), 0), g.sin(angle), g.cos(angle));
  return g.add(x, g.cast(code, x.type.dtype));
};

const rope: Lower = ({ op, g, operands: { x }, settings }) => {
  const { shape, dtype } = x.type;
  const pairs = quotientOf(shape.at(-1)!, 2);
  if (pairs === undefined) {
    throw wrongShape({ op, reason: `${shape.at(-1)} features are not even`, actual: shape.at(-1) });
  }
  const angle = angles(g, x, number(settings, "base"), pairs, true);
  const [cosine, sine] = [g.cast(g.cos(angle), dtype), g.cast(g.sin(angle), dtype)];
  const split = g.reshape(x, [...shape.slice(0, -1), pairs, 2]);
  const half = (index: number): Value =>
    g.reshape(g.sliceAxis(split, -1, index, index + 1), [...shape.slice(0, -1), pairs]);
  const [even, odd] = [half(0), half(1)];
  const turned = [g.sub(g.mul(even, cosine), g.mul(odd, sine)), g.add(g.mul(even, sine), g.mul(odd, cosine))];
  const rows = turned.map((part) => g.reshape(part, [...shape.slice(0, -1), pairs, 1]));
  return g.reshape(g.concat(rows, -1), shape);
};

const learned: Lower = ({ op, g, operands: { x }, parameters: { table }, settings }) => {
  const steps = x.type.shape.at(-2)!;
  const rows = size(settings, "positions");
  if (typeof rows === "number" && typeof steps === "number" && rows < steps) {
    throw wrongShape({
      op,
      reason: `its table has ${rows} positions, and there are ${steps} steps`,
      expected: steps,
      actual: rows,
    });
  }
  return g.add(x, rows === steps ? table : g.sliceAxis(table, 0, 0, steps));
};

const BIAS_SPAN = 8;

const alibi: Lower = ({ op, g, operands: { x } }) => {
  const { shape, dtype } = x.type;
  const heads = shape.at(-3)!;
  if (typeof heads !== "number") throw wrongShape({ op, reason: `the number of heads, ${heads}, must be known` });
  const plane = [heads, ...shape.slice(-2)];
  const working = angleDtype(x);
  const distance = g.abs(g.sub(g.iota(working, plane, 1), g.iota(working, plane, 2)));
  const exponent = g.mul(g.add(g.iota(working, plane, 0), 1), (-BIAS_SPAN / heads) * Math.LN2);
  return g.sub(x, g.cast(g.mul(distance, g.exp(exponent)), dtype));
};

/** Position codes. */
export const codeLowerings: Lowerings<CodeName> = { sinusoidal_pe: sinusoidal, rope, learned_pe: learned, alibi };
