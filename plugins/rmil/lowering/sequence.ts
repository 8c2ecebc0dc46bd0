/**
 * Sequences: recurrent cells and position codes.
 *
 * @module
 */
import type { Dimension, Shape } from "../../ir/contract.ts";
import { type FunctionBuilder, multiplyDimensions, quotientOf, type Value } from "../../ir/library.ts";
import { wrongShape } from "../interpreter/failures.ts";
import { flag, type Lower, type Lowerings, number, size } from "./lowering.ts";

/** Names of recurrent cells. */
export type CellName = "rnn" | "lstm" | "gru";
type CodeName = "sinusoidal_pe" | "rope" | "learned_pe" | "alibi";

const STEPS_FIRST = [1, 0, 2];

/** Part `index` of features that hold several gates of one width. */
const gate = (g: FunctionBuilder, x: Value, index: number, width: Dimension): Value =>
  g.sliceAxis(x, -1, multiplyDimensions(index, width), multiplyDimensions(index + 1, width));

/** What a step of a recurrent cell learns and is told besides its inputs. */
export interface CellUse {
  /** Learned: from the state to all gates. */
  readonly hidden: Value;
  /** Learned: added to the state's part, in cells that have it. */
  readonly hiddenBias?: Value;
  /** Of `rnn`. */
  readonly activation?: "tanh" | "relu";
}

/** A recurrent cell. */
export interface Cell {
  /** What it carries from step to step; the first is the state that it shows. */
  readonly states: ReadonlyArray<string>;
  /** How many gates stand side by side in its tensors. */
  readonly gates: number;
  /** The next carried values from a row of mapped and shifted inputs. */
  readonly step: (
    g: FunctionBuilder,
    use: CellUse,
    carried: ReadonlyArray<Value>,
    row: Value,
  ) => ReadonlyArray<Value>;
}

/** Recurrent cells by name. */
export const CELLS: { readonly [name in CellName]: Cell } = {
  rnn: {
    states: ["state"],
    gates: 1,
    step: (g, { hidden, activation }, [state], row) => {
      const sum = g.add(row, g.matmul(state, hidden));
      return [activation === "relu" ? g.max(sum, 0) : g.tanh(sum)];
    },
  },
  lstm: {
    states: ["state", "cell"],
    gates: 4,
    step: (g, { hidden }, [state, cell], row) => {
      const width = hidden.type.shape[0];
      const gates = g.add(row, g.matmul(state, hidden));
      const [input, forget, output] = [0, 1, 3].map((index) => g.logistic(gate(g, gates, index, width)));
      const next = g.add(g.mul(forget, cell), g.mul(input, g.tanh(gate(g, gates, 2, width))));
      return [g.mul(output, g.tanh(next)), next];
    },
  },
  gru: {
    states: ["state"],
    gates: 3,
    step: (g, { hidden, hiddenBias }, [state], row) => {
      const width = hidden.type.shape[0];
      const product = g.matmul(state, hidden);
      const own = hiddenBias === undefined ? product : g.add(product, hiddenBias);
      const [reset, update] = [0, 1].map((index) =>
        g.logistic(g.add(gate(g, row, index, width), gate(g, own, index, width)))
      );
      const fresh = g.tanh(g.add(gate(g, row, 2, width), g.mul(reset, gate(g, own, 2, width))));
      return [g.add(g.mul(g.sub(1, update), fresh), g.mul(update, state))];
    },
  },
};

/** Runs a cell over the sequence and gives every state that it shows. */
const recur = (name: CellName): Lower => ({ g, operands, parameters, settings }) => {
  const { states, step } = CELLS[name];
  const { x } = operands;
  const [batch, length] = x.type.shape;
  const width = size(settings, "width");
  const mapped = g.matmul(g.transpose(x, STEPS_FIRST), parameters.input);
  const rows = parameters.bias === undefined ? mapped : g.add(mapped, parameters.bias);
  const start = states.map((state) => operands[state] ?? g.full({ dtype: x.type.dtype, shape: [batch, width] }, 0));
  const use: CellUse = {
    hidden: parameters.hidden,
    hiddenBias: parameters.hidden_bias,
    activation: settings.activation as CellUse["activation"],
  };
  const made = g.scan({ length, reverse: flag(settings, "reverse") }, start, [rows], (body, carried, [row]) => {
    const next = step(body, use, carried, row);
    return [...next, next[0]];
  });
  return g.transpose(made[states.length], STEPS_FIRST);
};

/** Recurrent cells. */
export const cellLowerings: Lowerings<CellName> = { rnn: recur("rnn"), lstm: recur("lstm"), gru: recur("gru") };

/** The dtype in which angles are computed: narrow ones would blur large positions. */
const angleDtype = (x: Value): "f64" | "f32" => x.type.dtype === "f64" ? "f64" : "f32";

/** Where a sequence begins: at position 0, or at one that is computed (an integer scalar). */
type First = Value | undefined;

/** Positions of the steps over a shape, the steps along an axis. */
const positionsOver = (g: FunctionBuilder, dtype: "f64" | "f32", shape: Shape, axis: number, first: First): Value => {
  const steps = g.iota(dtype, shape, axis);
  return first === undefined ? steps : g.add(steps, g.cast(first, dtype));
};

/** Position times base^(−2·⌊i/2⌋/n) over [s, count]; with `paired`, i runs over pairs. */
const angles = (
  g: FunctionBuilder,
  x: Value,
  { base, count, paired, first }: {
    readonly base: number;
    readonly count: Dimension;
    readonly paired: boolean;
    readonly first: First;
  },
): Value => {
  const dtype = angleDtype(x);
  const [steps, features] = [x.type.shape.at(-2)!, x.type.shape.at(-1)!];
  const shape = [steps, count];
  const index = g.iota(dtype, shape, 1);
  const pairs = paired ? index : g.floor(g.mul(index, 0.5));
  const share = typeof features === "number"
    ? g.mul(pairs, -2 / features)
    : g.div(g.mul(pairs, -2), g.dimension(features, dtype));
  return g.mul(positionsOver(g, dtype, shape, 0, first), g.exp(g.mul(share, Math.log(base))));
};

/** Sines at even features and cosines at odd ones, added to a sequence that begins at a position. */
export const withWaves = (g: FunctionBuilder, x: Value, base: number, first?: Value): Value => {
  const features = x.type.shape.at(-1)!;
  const angle = angles(g, x, { base, count: features, paired: false, first });
  const index = g.iota("i64", angle.type.shape, 1);
  const code = g.select(g.compare("eq", g.rem(index, 2), 0), g.sin(angle), g.cos(angle));
  return g.add(x, g.cast(code, x.type.dtype));
};

const sinusoidal: Lower = ({ g, operands: { x }, settings }) => withWaves(g, x, number(settings, "base"));

/** Pairs of features turned by angles that grow with the position; the features must be even. */
export const turned = (g: FunctionBuilder, x: Value, base: number, first?: Value): Value => {
  const { shape, dtype } = x.type;
  const pairs = quotientOf(shape.at(-1)!, 2);
  if (pairs === undefined) {
    throw wrongShape({ op: "rope", reason: `${shape.at(-1)} features are not even`, actual: shape.at(-1) });
  }
  const angle = angles(g, x, { base, count: pairs, paired: true, first });
  const [cosine, sine] = [g.cast(g.cos(angle), dtype), g.cast(g.sin(angle), dtype)];
  const split = g.reshape(x, [...shape.slice(0, -1), pairs, 2]);
  const half = (index: number): Value =>
    g.reshape(g.sliceAxis(split, -1, index, index + 1), [...shape.slice(0, -1), pairs]);
  const [even, odd] = [half(0), half(1)];
  const parts = [g.sub(g.mul(even, cosine), g.mul(odd, sine)), g.add(g.mul(even, sine), g.mul(odd, cosine))];
  const rows = parts.map((part) => g.reshape(part, [...shape.slice(0, -1), pairs, 1]));
  return g.reshape(g.concat(rows, -1), shape);
};

const rope: Lower = ({ g, operands: { x }, settings }) => turned(g, x, number(settings, "base"));

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

/** Attention scores [..., h, s, t] less distances [s, t], each head by a slope of its own. */
export const withDistances = (g: FunctionBuilder, x: Value, distance: Value): Value => {
  const { shape, dtype } = x.type;
  const heads = shape.at(-3)!;
  if (typeof heads !== "number") {
    throw wrongShape({ op: "alibi", reason: `the number of heads, ${heads}, must be known` });
  }
  const plane = [heads, ...shape.slice(-2)];
  const working = angleDtype(x);
  const exponent = g.mul(g.add(g.iota(working, plane, 0), 1), (-BIAS_SPAN / heads) * Math.LN2);
  return g.sub(x, g.cast(g.mul(g.broadcastTo(g.cast(distance, working), plane), g.exp(exponent)), dtype));
};

const alibi: Lower = ({ g, operands: { x } }) => {
  const plane = x.type.shape.slice(-2);
  const dtype = angleDtype(x);
  return withDistances(g, x, g.abs(g.sub(g.iota(dtype, plane, 0), g.iota(dtype, plane, 1))));
};

/** Position codes. */
export const codeLowerings: Lowerings<CodeName> = { sinusoidal_pe: sinusoidal, rope, learned_pe: learned, alibi };
