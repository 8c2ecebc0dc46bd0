/**
 * Recurrent: cells run over a sequence, in layers and in both directions.
 *
 * The cells are the language's; here are lengths, layers, directions, first and last states, and states that are kept from
 * run to run.
 * Invariant: what lies past a sample's length changes nothing: states stand still there and results are zeros.
 *
 * @module
 */
import type { Dimension } from "../../ir/contract.ts";
import { isFloat, printType, type Value } from "../../ir/library.ts";
import { type CellName, CELLS, type CellUse, OPS } from "../../rmil/library.ts";
import { unfitInput } from "../failures.ts";
import { featuresOf } from "./affine.ts";
import { CACHE_SETTING, keptPositions, keptState } from "./cache.ts";
import { type Building, type Layer, layerOf, type LayerRow, NONE, setting } from "./layer.ts";
import { STARTS, useOp } from "./op_row.ts";
import type { Scope } from "./scope.ts";
import { flagOf, numberOf } from "./settings.ts";

/** What a recurrent layer is told. */
export interface RecurrentSettings {
  /** Features of the state; the input's where absent. */
  readonly width?: number;
  /** Layers, each on the results of the one before; 1 where absent. */
  readonly layers?: number;
  /** Whether each layer runs in both directions, whose results stand side by side. */
  readonly bidirectional?: boolean;
  /** Whether it runs from the last step to the first. */
  readonly reverse?: boolean;
  /** Whether learned shifts are added; true where absent. */
  readonly bias?: boolean;
  /** Share of the elements dropped between layers while training. */
  readonly drop?: number;
  /** Whether the last states follow the results: [layers × directions, batch, width] of each kind. */
  readonly states?: boolean;
}

const settingsOf = (settings: RecurrentSettings & object): object => settings;

/** h = tanh(x·W + h·U + b), or relu, over a sequence. */
export const rnn = (settings: RecurrentSettings & { readonly activation?: "tanh" | "relu" } = {}): Layer =>
  layerOf("rnn", settingsOf(settings));

/** The bias that keeps an LSTM's cell at first. */
export const FORGET_BIAS = 1;

/**
 * LSTM over a sequence; lengths (integers, one a sample) and first states may follow it.
 *
 * @example
 * ```ts
 * import { lstm, networkOfLayers } from "@rmi/rmi/neural";
 * import assert from "node:assert/strict";
 * const network = networkOfLayers(lstm({ width: 6, bidirectional: true, states: true }), { x: "f32[B,9,4]" });
 * assert.deepEqual(network.outputs.map(({ type }) => type.shape), [["B", 9, 12], [2, "B", 6], [2, "B", 6]]);
 * ```
 */
export const lstm = ({ forgetBias = FORGET_BIAS, ...settings }: RecurrentSettings & {
  /** Added to the forget gate, so that a cell keeps what it holds at first; 1 where absent. */
  readonly forgetBias?: number;
} = {}): Layer => layerOf("lstm", { ...settingsOf(settings), forget_bias: forgetBias });

/** GRU over a sequence, the reset after the product. */
export const gru = (settings: RecurrentSettings = {}): Layer => layerOf("gru", settingsOf(settings));

const STEPS_FIRST = [1, 0, 2];
const FORGET_GATE = 1;

/** What all layers of one run share. */
interface Run {
  readonly name: CellName;
  readonly width: number;
  readonly batch: Dimension;
  readonly steps: Dimension;
  /** bool[steps, batch]: which steps are there; undefined where all are. */
  readonly there: Value | undefined;
}

/** One layer in one direction. */
interface Lane {
  readonly scope: Scope;
  readonly reverse: boolean;
  /** First values of what the cell carries, [batch, width] each. */
  readonly first: ReadonlyArray<Value>;
}

/** One where the forget gate's features stand. */
const forgetting = ({ g, settings }: Building, width: number, bias: Value): Value => {
  const amount = numberOf(settings, "forget_bias");
  if (amount === 0) return bias;
  const place = g.iota("i64", bias.type.shape, 0);
  const isForget = g.and(
    g.compare("ge", place, FORGET_GATE * width),
    g.compare("lt", place, (FORGET_GATE + 1) * width),
  );
  return g.add(bias, g.select(isForget, g.full(bias.type, amount), 0));
};

interface Weights extends CellUse {
  readonly input: Value;
  readonly bias: Value | undefined;
}

const weightsOf = (given: Building, { name, width }: Run, scope: Scope, features: number, dtype: "f32"): Weights => {
  const { settings, g } = given;
  const { gates } = CELLS[name];
  const size = gates * width;
  const start = STARTS.fanIn(width, size);
  const input = scope.parameter("input", [features, size], start, { dtype });
  const hidden = scope.parameter("hidden", [width, size], start, { dtype });
  const shift = (own: string): Value => scope.parameter(own, [size], { kind: "zeros" }, { dtype });
  const biased = flagOf(settings, "bias");
  const bias = biased ? shift("bias") : name === "lstm" ? g.full({ dtype, shape: [size] }, 0) : undefined;
  return {
    input,
    hidden,
    bias: name === "lstm" ? forgetting(given, width, bias!) : bias,
    hiddenBias: biased && name === "gru" ? shift("hidden_bias") : undefined,
    activation: settings.activation as CellUse["activation"],
  };
};

/** Runs a cell over rows [steps, batch, n]: results [steps, batch, width], and the last of what it carries. */
const ran = (given: Building, run: Run, rows: Value, lane: Lane) => {
  const { g } = given;
  const weights = weightsOf(given, run, lane.scope, Number(rows.type.shape[2]), rows.type.dtype as "f32");
  const mapped = g.matmul(rows, weights.input);
  const shifted = weights.bias === undefined ? mapped : g.add(mapped, weights.bias);
  const { states, step } = CELLS[run.name];
  const scanned = run.there === undefined ? [shifted] : [shifted, run.there];
  const made = g.scan(
    { length: run.steps, reverse: lane.reverse },
    lane.first,
    scanned,
    (body, carried, [row, there]) => {
      const next = step(body, weights, carried, row);
      if (there === undefined) return [...next, next[0]];
      const wide = body.broadcast(there, next[0].type.shape, [0]);
      const kept = next.map((value, i) => body.select(wide, value, carried[i]));
      return [...kept, body.select(wide, next[0], 0)];
    },
  );
  return { shown: made[states.length], last: made.slice(0, states.length) };
};

/** Part `index` along the first axis. */
const partOf = ({ g }: Building, stack: Value, index: number): Value =>
  stack.type.shape.length === 2 ? stack : g.reshape(g.sliceAxis(stack, 0, index, index + 1), stack.type.shape.slice(1));

/** bool[steps, batch] of lengths. */
const thereOf = ({ g }: Building, lengths: Value, steps: Dimension): Value => {
  const plane: ReadonlyArray<Dimension> = [steps, lengths.type.shape[0]];
  return g.compare("lt", g.iota(lengths.type.dtype, plane, 0), g.broadcast(lengths, plane, [1]));
};

const runOf = (given: Building, name: CellName, lengths: Value | undefined): Run => {
  const { x, settings } = given;
  const { shape } = x.type;
  const unfit = (reason: string) => unfitInput({ kind: name, found: printType(x.type), reason });
  if (shape.length !== 3) throw unfit("it takes [batch, steps, features]");
  if (keptPositions(given) > 0) {
    const isBackward = flagOf(settings, "bidirectional") || flagOf(settings, "reverse");
    if (isBackward) throw unfit("what runs from the end cannot be given in pieces");
    if (given.inputs.length > 1) throw unfit("what keeps its states is given neither lengths nor states");
  }
  const [batch, steps] = shape;
  const width = numberOf(settings, "width", featuresOf(name, x));
  return { name, width, batch, steps, there: lengths === undefined ? undefined : thereOf(given, lengths, steps) };
};

const recurrent = (name: CellName) => (given: Building): ReadonlyArray<Value> => {
  const { g, x, inputs, settings, scope } = given;
  const lengths = inputs.slice(1).find(({ type }) => !isFloat(type.dtype));
  const firsts = inputs.slice(1).filter((value) => value !== lengths);
  const run = runOf(given, name, lengths);
  const layers = numberOf(settings, "layers", 1);
  const both = flagOf(settings, "bidirectional");
  const directions = both ? [false, true] : [flagOf(settings, "reverse")];
  const { states } = CELLS[name];
  const lasts: Array<ReadonlyArray<Value>> = [];
  const keeps = keptPositions(given) > 0;
  const stacked: ReadonlyArray<Dimension> = [layers * directions.length, run.batch, run.width];
  const held = keeps ? states.map((state) => keptState(given, state, stacked, x.type.dtype)) : firsts;
  let rows = g.transpose(x, STEPS_FIRST);
  for (let layer = 0; layer < layers; layer++) {
    const made = directions.map((reverse, i) => {
      const index = layer * directions.length + i;
      const place = layers === 1 ? scope : scope.child(layer);
      return ran(given, run, rows, {
        scope: both ? place.child(reverse ? "reverse" : "forward") : place,
        reverse,
        first: states.map((_, s) =>
          held[s] === undefined
            ? g.full({ dtype: x.type.dtype, shape: [run.batch, run.width] }, 0)
            : partOf(given, held[s], index)
        ),
      });
    });
    lasts.push(...made.map(({ last }) => last));
    rows = both ? g.concat(made.map(({ shown }) => shown), -1) : made[0].shown;
    const rate = numberOf(settings, "drop");
    if (rate > 0 && layer + 1 < layers) rows = useOp(given, "drop", [rows], { rate });
  }
  const last = states.map((_, s) =>
    g.concat(lasts.map((values) => g.reshape(values[s], [1, run.batch, run.width])), 0)
  );
  if (keeps) states.forEach((state, s) => scope.update(state, last[s]));
  const shown = g.transpose(rows, STEPS_FIRST);
  return flagOf(settings, "states") ? [shown, ...last] : [shown];
};

const MORE: LayerRow["settings"] = [
  setting("layers", "size", "Layers, each on the results of the one before.", { default: 1 }),
  setting("bidirectional", "flag", "Whether each layer runs in both directions.", { default: false }),
  setting("drop", "rate", "Share of the elements dropped between layers while training.", { default: 0 }),
  setting("states", "flag", "Whether the last states follow the results.", { default: false }),
  CACHE_SETTING,
];

const row = (name: CellName, more: LayerRow["settings"] = []): LayerRow => ({
  kind: name,
  family: "recurrent",
  doc: OPS[name].doc,
  settings: [...OPS[name].attributes, ...MORE, ...more],
  inputs: { least: 1, most: 2 + CELLS[name].states.length },
  parts: NONE,
  op: name,
  build: recurrent(name),
  source: OPS[name].source,
});

/** The rows. */
export const RECURRENT: ReadonlyArray<LayerRow> = [
  row("rnn"),
  row("lstm", [setting("forget_bias", "float", "Added to the forget gate.", { default: 0 })]),
  row("gru"),
];
