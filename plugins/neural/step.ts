/**
 * Step: one training step as one program: forward, loss, backward, clipping, optimiser, averages.
 *
 * Not the loop around it (fit.ts) and not the rate (schedules.ts), which is an input so that a schedule needs no second
 * compilation.
 * Invariant: parameters, running statistics and the optimiser's state stay on the device; a step whose loss or gradient
 * is not finite changes none of them and says so.
 *
 * @module
 */
import type { ConcreteType, Program, TensorType } from "../ir/contract.ts";
import {
  type FunctionBuilder,
  functionOf,
  grad,
  multiplyDimensions,
  ProgramBuilder,
  type Value,
} from "../ir/library.ts";
import { BATCH, type Network, type ParameterSpec, type Port } from "./contract.ts";
import { cannotTrain } from "./failures.ts";
import { groupOf, type GroupRule } from "./groups.ts";
import { emitLoss, type Loss, targetTypeOf } from "./losses.ts";
import { parameterName } from "./network.ts";
import { moveParameter, type Optimiser, optimiserOf, OPTIMISERS } from "./optimisers.ts";
import { autocast, type Narrow } from "./precision.ts";

/** Emits a loss from all outputs and all targets: a float scalar. */
export type LossFunction = (g: FunctionBuilder, outputs: ReadonlyArray<Value>, targets: ReadonlyArray<Value>) => Value;

/** Emits further scalars that a step returns, such as the number of right answers; nothing is differentiated by them. */
export type Measures = (
  g: FunctionBuilder,
  outputs: ReadonlyArray<Value>,
  targets: ReadonlyArray<Value>,
) => { readonly [name: string]: Value };

/** Bounds of gradients. */
export interface Clipping {
  /** Largest norm of all gradients together; larger ones are scaled down. */
  readonly norm?: number;
  /** Largest size of an element. */
  readonly value?: number;
}

/** Mixed precision: products in a narrow float, everything else as it is. */
export interface Precision {
  /** The narrow float. */
  readonly dtype: Narrow;
  /** First factor of the loss; 2¹⁵ for f16 and 1 (none is needed) for bf16 where absent. */
  readonly scale?: number;
  /** Steps without overflow after which the factor doubles. */
  readonly growEvery?: number;
}

/** What a step is made of. */
export interface StepOptions {
  /** What is trained. */
  readonly network: Network;
  /** What is made small: a loss of the first output, or a function of all. */
  readonly loss: Loss | LossFunction;
  /** Targets; of the loss's own kind and the first output's type where absent. A function needs them. */
  readonly targets?: ReadonlyArray<Port>;
  /** How parameters move. */
  readonly optimiser: Optimiser;
  /** Other rates or decays of some parameters; the first rule that fits counts. */
  readonly groups?: ReadonlyArray<GroupRule>;
  /** Bounds of gradients. */
  readonly clip?: Clipping;
  /** Share that a running average of the parameters keeps at every step; no average where absent. */
  readonly average?: number;
  /** Parts into which a batch is cut, one after another on the device, to save memory; 1 where absent. */
  readonly accumulate?: number;
  /** Products in a narrow float. */
  readonly precision?: Precision;
  /** What else a step returns. */
  readonly measures?: Measures;
}

/** What a tensor that stays on the device is. */
export type SlotRole = "parameter" | "state" | "optimiser" | "average" | "counter";

/** A tensor that stays on the device. */
export interface Slot {
  /** What it is. */
  readonly role: SlotRole;
  /** Its name: the path of what it belongs to, and for the optimiser's state the kind of it. */
  readonly name: string;
  /** The path of what it belongs to. */
  readonly path: string;
  /** Its type. */
  readonly type: ConcreteType;
}

/** A training step as a program. */
export interface TrainingStep {
  /** `[…slots, seed, rate, …inputs, …targets] → [loss, norm, …measures, …slots]`. */
  readonly program: Program;
  /** What stays on the device, in the order of parameters and of `state`. */
  readonly slots: ReadonlyArray<Slot>;
  /** Results that become the next step's parameters, as [result, parameter]. */
  readonly state: ReadonlyArray<readonly [result: number, parameter: number]>;
  /** What a step takes besides the seed (an i64) and the rate (an f32). */
  readonly inputs: ReadonlyArray<Port>;
  /** What it is compared with. */
  readonly targets: ReadonlyArray<Port>;
  /** Names of the measures, in the order of the results. */
  readonly measures: ReadonlyArray<string>;
  /** Parts into which a batch is cut: the size that the program calls B is that of a part. */
  readonly parts: number;
}

/** Numbers for the sizes of a step's program by the samples of a batch. */
export const sizesOfStep = ({ parts }: Pick<TrainingStep, "parts">, batch: number): { readonly [BATCH]: number } => ({
  [BATCH]: batch / parts,
});

/** Largest float32: what is above it, or no number, is not finite. */
const LARGEST = 3.4028234663852886e38;

/** Added to a norm before it divides. */
const NORM_EPSILON = 1e-6;

const DEFAULT_GROW_EVERY = 2000;
const FIRST_SCALE = 2 ** 15;
const LARGEST_SCALE = 2 ** 24;

const isFinite = (g: FunctionBuilder, x: Value): Value => g.compare("le", g.abs(x), LARGEST);

/** The loss with everything that changes while it is computed, as a program that can be differentiated. */
const lossProgram = (
  { network, loss, measures, precision }: StepOptions,
  targets: ReadonlyArray<Port>,
): { readonly program: Program; readonly measures: ReadonlyArray<string> } => {
  const forward = precision === undefined ? network.training : autocast(network.training, precision.dtype);
  const builder = new ProgramBuilder();
  for (const fn of forward.functions.values()) builder.add(fn);
  const name = builder.fresh("loss");
  const entry = functionOf(forward);
  const g = builder.open(name, { where: entry.constraints, sizes: entry.sizes, lean: true });
  const given = entry.parameters.map((parameter) => g.parameter(parameter.name, parameter.type));
  const wanted = targets.map(({ name: target, type }) => g.parameter(`target.${target}`, type));
  const factor = precision === undefined ? undefined : g.parameter("scale", { dtype: "f32", shape: [] });
  const made = g.call(forward.entry, given);
  const outputs = made.slice(0, network.outputs.length);
  const changed = made.slice(outputs.length, outputs.length + network.state.length);
  // What layers add to the loss is state whose next value it is.
  const auxiliary = changed.filter((_, i) => network.state[i].auxiliary === true);
  const own = typeof loss === "function" ? loss(g, outputs, wanted) : emitLoss(g, loss, outputs[0], wanted[0]);
  if (own.type.shape.length > 0) throw cannotTrain({ reason: "its loss is no scalar", path: "/loss" });
  const whole = auxiliary.reduce((sum, value) => g.add(sum, g.cast(value, sum.type.dtype)), own);
  const scaled = factor === undefined ? whole : g.mul(whole, g.cast(factor, whole.type.dtype));
  const watched = measures?.(g, outputs, wanted) ?? {};
  builder.add(g.function([scaled, whole, ...Object.values(watched), ...changed], { live: true }));
  return { program: builder.build(name), measures: Object.keys(watched) };
};

/** What a part of a batch gives: sums over parts are divided at the end. */
interface Part {
  readonly loss: Value;
  readonly measures: ReadonlyArray<Value>;
  readonly state: ReadonlyArray<Value>;
  readonly gradients: ReadonlyArray<Value>;
}

/** Everything a step's program is written with. */
class StepWriter {
  readonly targets: ReadonlyArray<Port>;
  readonly trained: ReadonlyArray<ParameterSpec>;
  readonly measures: ReadonlyArray<string>;
  readonly slots: Slot[] = [];
  private readonly builder = new ProgramBuilder();
  private readonly gradient: string;
  private readonly optimiser: ReturnType<typeof optimiserOf>;

  constructor(private readonly options: StepOptions) {
    const { network, groups = [], accumulate = 1 } = options;
    if (!Number.isSafeInteger(accumulate) || accumulate < 1) {
      throw cannotTrain({ reason: `a batch cannot be cut into ${accumulate} parts`, path: "/accumulate" });
    }
    this.targets = options.targets ?? defaultTargets(options);
    this.optimiser = optimiserOf(options.optimiser);
    this.trained = network.parameters.filter((spec) => spec.trained && groupOf(groups, spec).trained);
    if (this.trained.length === 0) throw cannotTrain({ reason: "nothing in the network is trained" });
    const { program, measures } = lossProgram(options, this.targets);
    this.measures = measures;
    const wrt = network.parameters.flatMap((spec, i) => this.trained.includes(spec) ? [i] : []);
    const derived = grad(program, { wrt, value: true });
    for (const fn of derived.functions.values()) this.builder.add(fn);
    this.gradient = derived.entry;
    this.declareSlots();
  }

  private declareSlots(): void {
    const { network, average, precision } = this.options;
    const of = (role: SlotRole, { path, type }: { readonly path: string; readonly type: ConcreteType }, kind = role) =>
      this.slots.push({ role, path, type, name: role === kind ? path : `${path}#${kind}` });
    network.parameters.forEach((spec) => of("parameter", spec));
    network.state.forEach((spec) => of("state", spec));
    const kinds = this.optimiser.row.slots(this.optimiser.settings);
    for (const spec of this.trained) for (const kind of kinds) of("optimiser", spec, kind as SlotRole);
    if (average !== undefined) this.trained.forEach((spec) => of("average", spec, "average#" as SlotRole));
    const counter = (name: string, dtype: "i64" | "f32"): void => {
      this.slots.push({ role: "counter", path: name, name: `#${name}`, type: { dtype, shape: [] } });
    };
    counter("turn", "i64");
    if (precision !== undefined) {
      counter("scale", "f32");
      counter("quiet", "i64");
    }
  }

  write(): TrainingStep {
    const { network } = this.options;
    const name = this.builder.fresh("step");
    const g = this.builder.open(name, { lean: true });
    const slots = new Map(
      this.slots.map(({ name: slot, type }, i) => [slot, g.parameter(parameterName(slot, i), type)]),
    );
    const seed = g.parameter("#seed", { dtype: "i64", shape: [] });
    const rate = g.parameter("#rate", { dtype: "f32", shape: [] });
    const ports = [
      ...network.inputs.map((port) => [`#input.${port.name}`, port] as const),
      ...this.targets.map((port) => [`#target.${port.name}`, port] as const),
    ];
    const given = ports.map(([parameter, { type }]) => g.parameter(parameter, this.wholeType(type)));
    const part = this.whole(g, slots, seed, given);
    const { next, norm } = this.update(g, slots, rate, part);
    const results = [part.loss, norm, ...part.measures];
    this.builder.add(g.function([...results, ...this.slots.map((slot) => next.get(slot.name)!)], { live: true }));
    return {
      program: this.builder.build(name),
      slots: this.slots,
      state: this.slots.map((_, i) => [results.length + i, i] as const),
      inputs: network.inputs,
      targets: this.targets,
      measures: this.measures,
      parts: this.options.accumulate ?? 1,
    };
  }

  /** The type of what is given for all parts together. */
  private wholeType({ dtype, shape }: TensorType): TensorType {
    const { accumulate = 1 } = this.options;
    return { dtype, shape: shape.map((size, axis) => axis === 0 ? multiplyDimensions(size, accumulate) : size) };
  }

  /** One part of a batch. */
  private part(
    g: FunctionBuilder,
    slots: ReadonlyMap<string, Value>,
    state: ReadonlyArray<Value>,
    seed: Value,
    given: ReadonlyArray<Value>,
  ): Part {
    const { network, precision } = this.options;
    const inputs = given.slice(0, network.inputs.length);
    const made = g.call(this.gradient, [
      ...network.parameters.map(({ path }) => slots.get(path)!),
      ...state,
      seed,
      ...inputs,
      ...given.slice(inputs.length),
      ...(precision === undefined ? [] : [slots.get("#scale")!]),
    ]);
    const [, loss, ...rest] = made;
    const measures = rest.slice(0, this.measures.length);
    const after = this.measures.length + network.state.length;
    return { loss, measures, state: rest.slice(this.measures.length, after), gradients: rest.slice(after) };
  }

  /** The whole batch, in as many parts as asked for; gradients and the loss are means, measures are sums. */
  private whole(
    g: FunctionBuilder,
    slots: ReadonlyMap<string, Value>,
    seed: Value,
    given: ReadonlyArray<Value>,
  ): Part {
    const { network, accumulate = 1 } = this.options;
    const state = network.state.map(({ path }) => slots.get(path)!);
    if (accumulate === 1) return this.part(g, slots, state, seed, given);
    const ports = [...network.inputs, ...this.targets];
    const rows = given.map((value, i) => g.reshape(value, [accumulate, ...ports[i].type.shape]));
    const counts = g.iota("i64", [accumulate], 0);
    const zero = (dtype: "f32" | "f64"): Value => g.full({ dtype, shape: [] }, 0);
    const types = this.probe(g, slots, state, seed, rows);
    const first = [
      ...state,
      zero(types.loss.dtype as "f32"),
      ...types.measures.map((type) => g.full(type, 0)),
      ...this.trained.map(({ path }) => g.zerosLike(slots.get(path)!)),
    ];
    const made = g.scan({ length: accumulate }, first, [...rows, counts], (inner, carried, row) => {
      const turn = inner.add(inner.mul(seed, accumulate), row.at(-1)!);
      const one = this.part(inner, slots, carried.slice(0, state.length), turn, row.slice(0, -1));
      const sums = [one.loss, ...one.measures, ...one.gradients];
      return [...one.state, ...sums.map((value, i) => inner.add(carried[state.length + i], value))];
    });
    const [loss, ...rest] = made.slice(state.length);
    const share = (value: Value): Value => g.mul(value, 1 / accumulate);
    return {
      loss: share(loss),
      measures: rest.slice(0, this.measures.length),
      state: made.slice(0, state.length),
      gradients: rest.slice(this.measures.length).map(share),
    };
  }

  /** Types of the loss and the measures of a part. */
  private probe(
    g: FunctionBuilder,
    slots: ReadonlyMap<string, Value>,
    state: ReadonlyArray<Value>,
    seed: Value,
    rows: ReadonlyArray<Value>,
  ): { readonly loss: TensorType; readonly measures: ReadonlyArray<TensorType> } {
    const one = rows.map((row) => g.reshape(g.sliceAxis(row, 0, 0, 1), row.type.shape.slice(1)));
    // What is built here is needed by no result, so nothing of it stays in the program.
    const { loss, measures } = this.part(g, slots, state, seed, one);
    return { loss: loss.type, measures: measures.map(({ type }) => type) };
  }

  /** Next values of all slots, and the norm of the gradients before clipping. */
  private update(
    g: FunctionBuilder,
    slots: ReadonlyMap<string, Value>,
    rate: Value,
    part: Part,
  ): { readonly next: ReadonlyMap<string, Value>; readonly norm: Value } {
    const { network, precision, average } = this.options;
    const scale = slots.get("#scale");
    const gradients = scale === undefined
      ? part.gradients
      : part.gradients.map((value) => g.mul(value, g.cast(g.div(1, scale), value.type.dtype)));
    const squares = gradients.map((value) => g.cast(g.reduce("sum", g.mul(value, value)), "f32"));
    const norm = g.sqrt(squares.reduce((sum, value) => g.add(sum, value)));
    const ok = g.and(isFinite(g, norm), isFinite(g, g.cast(part.loss, "f32")));
    const clipped = this.clipped(g, gradients, norm);
    const turn = g.add(slots.get("#turn")!, 1);
    const moved = new Map<string, Value>([["#turn", turn]]);
    network.state.forEach(({ path }, i) => moved.set(path, part.state[i]));
    this.trained.forEach((spec, i) => this.move(g, { spec, gradient: clipped[i], rate, turn, slots, moved }));
    if (average !== undefined) {
      for (const { path } of this.trained) {
        const name = `${path}#average#`;
        // The first step begins the average with the parameter itself, so that it never leans to zero.
        const kept = g.select(g.compare("eq", turn, 1), 0, g.full({ dtype: "f32", shape: [] }, average));
        const share = g.cast(kept, moved.get(path)!.type.dtype);
        moved.set(name, g.add(g.mul(slots.get(name)!, share), g.mul(moved.get(path)!, g.sub(1, share))));
      }
    }
    const next = new Map([...slots].map(([name, old]) => {
      const value = moved.get(name);
      return [name, value === undefined ? old : g.select(ok, value, old)] as const;
    }));
    if (precision !== undefined) this.rescale(g, slots, ok, next, precision);
    return { next, norm };
  }

  /** One parameter and its state. */
  private move(
    g: FunctionBuilder,
    { spec, gradient, rate, turn, slots, moved }: {
      readonly spec: ParameterSpec;
      readonly gradient: Value;
      readonly rate: Value;
      readonly turn: Value;
      readonly slots: ReadonlyMap<string, Value>;
      readonly moved: Map<string, Value>;
    },
  ): void {
    const { row, settings } = this.optimiser;
    const rule = groupOf(this.options.groups ?? [], spec);
    const { dtype } = spec.type;
    const own = Object.fromEntries(row.slots(settings).map((kind) => [kind, slots.get(`${spec.path}#${kind}`)!]));
    const factor = rule.rate === 1 ? rate : g.mul(rate, rule.rate);
    const correction = (beta: number): Value => {
      const power = g.mul(g.cast(turn, "f64"), Math.log(beta === 0 ? Number.MIN_VALUE : beta));
      return g.cast(g.neg(g.expm1(power)), dtype);
    };
    const decay = rule.decay ?? (spec.decays ? Number(settings.decay) : 0);
    const made = moveParameter(row, {
      g,
      parameter: slots.get(spec.path)!,
      gradient,
      slots: own,
      rate: g.cast(factor, dtype),
      correction,
      settings,
    }, decay);
    moved.set(spec.path, made.parameter);
    for (const [kind, value] of Object.entries(made.slots)) moved.set(`${spec.path}#${kind}`, value);
  }

  private clipped(g: FunctionBuilder, gradients: ReadonlyArray<Value>, norm: Value): ReadonlyArray<Value> {
    const { norm: largest, value: bound } = this.options.clip ?? {};
    const bounded = bound === undefined ? gradients : gradients.map((value) => g.clamp(value, -bound, bound));
    if (largest === undefined) return bounded;
    // Clipping by value first makes the norm another one.
    const own = bound === undefined ? norm : g.sqrt(
      bounded.map((value) => g.cast(g.reduce("sum", g.mul(value, value)), "f32")).reduce((sum, value) =>
        g.add(sum, value)
      ),
    );
    const share = g.min(g.div(largest, g.add(own, NORM_EPSILON)), 1);
    return bounded.map((value) => g.mul(value, g.cast(share, value.type.dtype)));
  }

  /** The factor of the loss: halved by an overflow, doubled after many steps without. */
  private rescale(
    g: FunctionBuilder,
    slots: ReadonlyMap<string, Value>,
    ok: Value,
    next: Map<string, Value>,
    { growEvery = DEFAULT_GROW_EVERY, dtype }: Precision,
  ): void {
    if (dtype === "bf16") return;
    const [scale, quiet] = [slots.get("#scale")!, g.add(slots.get("#quiet")!, 1)];
    const grows = g.compare("ge", quiet, growEvery);
    const larger = g.select(grows, g.min(g.mul(scale, 2), LARGEST_SCALE), scale);
    next.set("#scale", g.select(ok, larger, g.max(g.mul(scale, 0.5), 1)));
    next.set("#quiet", g.select(ok, g.select(grows, g.zerosLike(quiet), quiet), g.zerosLike(quiet)));
  }
}

const defaultTargets = ({ network, loss }: StepOptions): ReadonlyArray<Port> => {
  if (typeof loss === "function") throw cannotTrain({ reason: "a loss that is a function says no targets" });
  return [{ name: "target", type: targetTypeOf(loss, network.outputs[0].type) }];
};

/** The outputs, the loss and the gradients of a step, for who wants to look at them. */
export const gradientProgram = (
  options: StepOptions,
): {
  /** `[…parameters, …state, seed, …inputs, …targets] → results`. */
  readonly program: Program;
  /** What the results are, in words. */
  readonly results: ReadonlyArray<string>;
} => {
  const { network, groups = [] } = options;
  const targets = options.targets ?? defaultTargets(options);
  const { precision: _, ...wide } = options;
  const looking: Measures = (_g, outputs) =>
    Object.fromEntries(outputs.map((value, i) => [network.outputs[i].name, value]));
  const { program, measures } = lossProgram({ ...wide, measures: looking }, targets);
  const trained = network.parameters.map((spec) => spec.trained && groupOf(groups, spec).trained);
  const wrt = trained.flatMap((is, i) => is ? [i] : []);
  const derived = grad(program, { wrt, value: true });
  const builder = new ProgramBuilder();
  for (const fn of derived.functions.values()) builder.add(fn);
  const entry = functionOf(derived);
  const g = builder.open(builder.fresh("look"), { where: entry.constraints, sizes: entry.sizes, lean: true });
  const made = g.call(derived.entry, entry.parameters.map(({ name, type }) => g.parameter(name, type)), entry.sizes);
  const [, loss, ...rest] = made;
  const gradients = rest.slice(measures.length + network.state.length);
  builder.add(g.function([...rest.slice(0, measures.length), loss, ...gradients], { live: true }));
  return {
    program: builder.build(g.name),
    results: [...measures, "loss", ...wrt.map((i) => `gradient of ${network.parameters[i].path}`)],
  };
};

/** First value of the factor of the loss. */
export const firstScale = ({ dtype, scale }: Precision): number => scale ?? (dtype === "f16" ? FIRST_SCALE : 1);

/** The usual rate of an optimiser. */
export const usualRate = ({ kind }: Optimiser): number => OPTIMISERS[kind].rate;

/**
 * The training step of a network as one program. Throws `NEURAL_TRAINING`, `NEURAL_SETTING` and `NEURAL_LOSS`.
 *
 * @example
 * ```ts
 * import { networkOf, trainingStep } from "@rmi/rmi/neural";
 * import assert from "node:assert/strict";
 * const network = networkOf([{ name: "x", type: { dtype: "f32", shape: ["B", 4] } }], (scope, [x]) =>
 *   scope.g.matmul(x, scope.parameter("weight", [4, 2], { kind: "kaimingUniform", fan: 4 })));
 * const step = trainingStep({ network, loss: { kind: "crossEntropy" }, optimiser: { kind: "adam" } });
 * assert.deepEqual(step.slots.map(({ name }) => name), ["weight", "weight#first", "weight#second", "#turn"]);
 * ```
 */
export const trainingStep = (options: StepOptions): TrainingStep => new StepWriter(options).write();
