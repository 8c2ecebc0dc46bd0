/**
 * State space: layers whose steps move a state by a diagonal linear map, fixed (S4) or chosen by each step (Mamba).
 *
 * Not a convolution over the whole sequence: a scan, whose last state can be kept, so that a sequence can be given in
 * pieces.
 * Invariant: every state fades, because the rates of its map are negative whatever is learned.
 *
 * @module
 */
import type { Dimension } from "../../ir/contract.ts";
import { type FunctionBuilder, printType, type Value } from "../../ir/library.ts";
import { unfitInput } from "../failures.ts";
import { featuresOf } from "./affine.ts";
import { CACHE_SETTING, keptPositions, keptState } from "./cache.ts";
import { type Building, builtRow, type Layer, layerOf, type LayerRow, setting } from "./layer.ts";
import { STARTS } from "./op_row.ts";
import { numberOf } from "./settings.ts";

/** A diagonal state space for each feature: x' = A·x + u, y = 2·Re(C·x) + D·u, in steps of learned length. */
export const s4 = (settings: { readonly states?: number } = {}): Layer => layerOf("s4", settings);

/** What a selective state space is told. */
export interface MambaSettings {
  /** Features inside; twice the input's where absent. */
  readonly inner?: number;
  /** Numbers of state for each feature inside; 16 where absent. */
  readonly states?: number;
  /** Steps that the convolution before it sees; 4 where absent. */
  readonly kernel?: number;
  /** Features that the length of a step is made from; a sixteenth of the input's where absent. */
  readonly rank?: number;
}

/** A gated state space whose map, input and output are chosen by each step. */
export const mamba = (settings: MambaSettings = {}): Layer => layerOf("mamba", settings);

const STATES = 16;
const RANK_SHARE = 16;
const SHORTEST_STEP = 1e-3;
const LONGEST_STEP = 1e-1;
const MIDDLE = (Math.log(SHORTEST_STEP) + Math.log(LONGEST_STEP)) / 2;
const SPREAD = (Math.log(LONGEST_STEP) - Math.log(SHORTEST_STEP)) / 2;
const HALF_RATE = Math.log(0.5);

/** Learned and first drawn so that lengths of steps are spread evenly by their logarithms. */
const logSteps = ({ g, parameter }: Building, name: string, count: number): Value =>
  g.add(parameter(name, [count], { kind: "uniform", bound: SPREAD }), MIDDLE);

const sequenceOf = (given: Building): { readonly batch: Dimension; readonly steps: Dimension } => {
  const { shape } = given.x.type;
  if (shape.length === 3) return { batch: shape[0], steps: shape[1] };
  const reason = "it takes [batch, steps, features]";
  throw unfitInput({ kind: given.layer.kind, found: printType(given.x.type), reason });
};

/** A first state of zeros, or the one kept. */
const firstState = (given: Building, name: string, shape: ReadonlyArray<Dimension>): Value => {
  const { dtype } = given.x.type;
  return keptPositions(given) > 0 ? keptState(given, name, shape, dtype) : given.g.full({ dtype, shape }, 0);
};

const STEPS_FIRST = [1, 0, 2];

/** [batch, n] as [batch, n, states]. */
const overStates = (g: FunctionBuilder, x: Value, states: number): Value =>
  g.broadcast(x, [...x.type.shape, states], [0, 1]);

/** A complex number. */
interface Complex {
  readonly re: Value;
  readonly im: Value;
}

const product = (g: FunctionBuilder, a: Complex, b: Complex): Complex => ({
  re: g.sub(g.mul(a.re, b.re), g.mul(a.im, b.im)),
  im: g.add(g.mul(a.re, b.im), g.mul(a.im, b.re)),
});

/** What a step multiplies the state by, and what it reads of it: held inputs (zero-order hold). */
const heldMap = (
  given: Building,
  features: number,
  states: number,
): { readonly move: Complex; readonly read: Complex } => {
  const { g, x, parameter } = given;
  const { dtype } = x.type;
  const shape = [features, states];
  const rate = g.neg(g.exp(g.add(parameter("log_rate", shape, { kind: "zeros" }, { decays: false }), HALF_RATE)));
  const turns = g.mul(g.iota(dtype, shape, 1), Math.PI);
  const frequency = g.add(parameter("frequency", shape, { kind: "zeros" }, { decays: false }), turns);
  const length = g.broadcast(g.exp(logSteps(given, "log_step", features)), shape, [0]);
  const size = g.exp(g.mul(rate, length));
  const angle = g.mul(frequency, length);
  const move = { re: g.mul(size, g.cos(angle)), im: g.mul(size, g.sin(angle)) };
  const deviation = Math.sqrt(1 / (2 * states));
  const out = (name: string): Value => parameter(name, shape, { kind: "normal", deviation });
  // (Ā − 1)/A by the conjugate of A.
  const squared = g.add(g.mul(rate, rate), g.mul(frequency, frequency));
  const inverse = { re: g.div(rate, squared), im: g.neg(g.div(frequency, squared)) };
  const input = product(g, { re: g.sub(move.re, 1), im: move.im }, inverse);
  return { move, read: product(g, { re: out("output_real"), im: out("output_imaginary") }, input) };
};

const diagonal = (given: Building): Value => {
  const { g, x, settings, scope, parameter } = given;
  const { batch, steps } = sequenceOf(given);
  const [features, states] = [featuresOf("s4", x), numberOf(settings, "states")];
  const { move, read } = heldMap(given, features, states);
  const shape = [batch, features, states];
  const first = ["state_real", "state_imaginary"].map((name) => firstState(given, name, shape));
  const rows = g.transpose(x, STEPS_FIRST);
  const made = g.scan({ length: steps }, first, [rows], (body, [re, im], [row]) => {
    const next = product(body, { re, im }, move);
    const state = { re: body.add(next.re, overStates(body, row, states)), im: next.im };
    const shown = body.sub(body.mul(state.re, read.re), body.mul(state.im, read.im));
    return [state.re, state.im, body.mul(body.reduce("sum", shown, [2]), 2)];
  });
  if (keptPositions(given) > 0) {
    scope.update("state_real", made[0]);
    scope.update("state_imaginary", made[1]);
  }
  const through = parameter("through", [features], { kind: "ones" });
  return g.add(g.transpose(made[2], STEPS_FIRST), g.mul(x, through));
};

/** Each feature over its last steps: a causal convolution of its own. */
const recent = (given: Building, x: Value, features: number, kernel: number): Value => {
  const { g, scope, parameter } = given;
  const { shape } = x.type;
  const weight = parameter("kernel", [features, 1, kernel], STARTS.fanIn(kernel, kernel));
  const bias = parameter("kernel_bias", [features], { kind: "zeros" });
  const across = g.transpose(x, [0, 2, 1]);
  const keeps = keptPositions(given) > 0 && kernel > 1;
  const before = keeps ? keptState(given, "recent", [shape[0], features, kernel - 1], x.type.dtype) : undefined;
  const whole = before === undefined ? across : g.concat([before, across], 2);
  if (before !== undefined) {
    const end = whole.type.shape[2] as number;
    scope.update("recent", g.sliceAxis(whole, 2, end - (kernel - 1), end));
  }
  const low = [before === undefined ? kernel - 1 : 0];
  return g.add(g.transpose(g.conv(whole, weight, { groups: features, low, high: [0] }), [0, 2, 1]), bias);
};

/** What each step chooses. */
interface Chosen {
  /** Length of the step by feature, [batch, steps, inner]. */
  readonly length: Value;
  /** What goes into the states, [batch, steps, states]. */
  readonly into: Value;
  /** What is read of them. */
  readonly outOf: Value;
}

const chosen = (given: Building, u: Value, inner: number, states: number): Chosen => {
  const { g, x, settings, parameter } = given;
  const rank = numberOf(settings, "rank", Math.ceil(featuresOf("mamba", x) / RANK_SHARE));
  const made = g.matmul(u, parameter("select", [inner, rank + 2 * states], STARTS.fanIn(inner, rank)));
  const part = (from: number, to: number): Value => g.sliceAxis(made, -1, from, to);
  // softplus is its argument's exponential where that is small, so logarithms of lengths are shifts here.
  const raw = g.matmul(part(0, rank), parameter("length", [rank, inner], STARTS.fanIn(rank, inner)));
  const length = g.activation("softplus", g.add(raw, logSteps(given, "length_bias", inner)));
  return { length, into: part(rank, rank + states), outOf: part(rank + states, rank + 2 * states) };
};

const scanned = (given: Building, u: Value, inner: number, states: number): Value => {
  const { g, scope, parameter } = given;
  const { batch, steps } = sequenceOf(given);
  const { length, into, outOf } = chosen(given, u, inner, states);
  const place = g.add(g.iota(u.type.dtype, [inner, states], 1), 1);
  const rate = g.neg(g.mul(g.exp(parameter("log_rate", [inner, states], { kind: "zeros" }, { decays: false })), place));
  const rows = [u, length, into, outOf].map((value) => g.transpose(value, STEPS_FIRST));
  const first = firstState(given, "state", [batch, inner, states]);
  const [last, shown] = g.scan({ length: steps }, [first], rows, (body, [state], [x, dt, b, c]) => {
    const { shape } = state.type;
    const [own, each] = [
      (value: Value) => overStates(body, value, states),
      (v: Value) => body.broadcast(v, shape, [0, 2]),
    ];
    const kept = body.mul(state, body.exp(body.mul(own(dt), rate)));
    const next = body.add(kept, body.mul(own(body.mul(dt, x)), each(b)));
    return [next, body.reduce("sum", body.mul(next, each(c)), [2])];
  });
  if (keptPositions(given) > 0) scope.update("state", last);
  return g.add(g.transpose(shown, STEPS_FIRST), g.mul(u, parameter("through", [inner], { kind: "ones" })));
};

const selective = (given: Building): Value => {
  const { g, x, settings, parameter } = given;
  sequenceOf(given);
  const features = featuresOf("mamba", x);
  const [inner, states] = [numberOf(settings, "inner", 2 * features), numberOf(settings, "states")];
  const both = g.matmul(x, parameter("input", [features, 2 * inner], STARTS.fanIn(features, inner)));
  const own = g.sliceAxis(both, -1, 0, inner);
  const gate = g.sliceAxis(both, -1, inner, 2 * inner);
  const u = g.activation("silu", recent(given, own, inner, numberOf(settings, "kernel")));
  const made = g.mul(scanned(given, u, inner, states), g.activation("silu", gate));
  return g.matmul(made, parameter("output", [inner, features], STARTS.fanIn(inner, features)));
};

const statesSetting = (doc: string) => setting("states", "size", doc, { default: STATES });

/** The rows. */
export const STATE_SPACE: ReadonlyArray<LayerRow> = [
  builtRow("s4", {
    family: "recurrent",
    doc: "A diagonal linear state space for each feature, in steps of learned length.",
    settings: [statesSetting("Complex numbers of state for each feature."), CACHE_SETTING],
    build: diagonal,
    properties: { linear: true },
    source: "Gu et al. 2022 (S4D)",
  }),
  builtRow("mamba", {
    family: "recurrent",
    doc: "A gated state space whose map, input and output are chosen by each step, after a short convolution.",
    settings: [
      setting("inner", "size", "Features inside; twice the input's where absent."),
      statesSetting("Numbers of state for each feature inside."),
      setting("kernel", "size", "Steps that the convolution before it sees.", { default: 4 }),
      setting("rank", "size", "Features that the length of a step is made from; a sixteenth where absent."),
      CACHE_SETTING,
    ],
    build: selective,
    source: "Gu & Dao 2023",
  }),
];
