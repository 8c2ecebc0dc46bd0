/**
 * Local programs: the compiled step and the compiled evaluation of a client.
 *
 * A batch that is not full is filled up with rows of weight 0, so one size is compiled and nothing is dropped.
 *
 * @module
 */
import type { Program, TensorType } from "../../ir/contract.ts";
import { type FunctionBuilder, grad, isInteger, ProgramBuilder, type Value } from "../../ir/library.ts";
import { BATCH, type Network, type Port } from "../contract.ts";
import { emitLoss, type Loss, targetTypeOf } from "../losses.ts";

/** What training descends, sample by sample. */
export interface Objective {
  /** The loss. */
  readonly loss: Loss;
  /** The type of the target of a batch. */
  readonly target: TensorType;
}

/** The objective of a network for a loss. Throws what the loss's settings are refused for. */
export const objectiveOf = ({ outputs }: Network, loss: Loss): Objective => ({
  loss,
  target: targetTypeOf(loss, outputs[0].type),
});

/** The loss of each sample, f32[B]: the mean over its elements where it has several. */
const eachLoss = (g: FunctionBuilder, { loss }: Objective, output: Value, target: Value): Value => {
  const each = emitLoss(g, { ...loss, settings: { ...loss.settings, reduction: "none" } }, output, target);
  const inner = each.type.shape.slice(1).map((_, i) => i + 1);
  return inner.length === 0 ? each : g.mean(each, inner);
};

/** Whether an objective has right answers to count. */
export const countsHits = ({ target }: Objective): boolean => isInteger(target.dtype) && target.shape.length === 1;

/** One for each sample whose largest output is its class, zero for the others. */
const eachHit = (g: FunctionBuilder, output: Value, target: Value): Value =>
  g.cast(g.compare("eq", g.cast(g.argReduce("max", output, -1), target.type.dtype), target), "f32");

/** A program and which of its results stay on the device. */
export interface Resident {
  /** The program. */
  readonly program: Program;
  /** Results that become the next call's parameters, as [result, parameter]. */
  readonly state: ReadonlyArray<readonly [result: number, parameter: number]>;
}

interface Named {
  readonly name: string;
  readonly type: TensorType;
}

const WEIGHTS: TensorType = { dtype: "f32", shape: [BATCH] };
const SCALAR: TensorType = { dtype: "f32", shape: [] };
const SEED: TensorType = { dtype: "i64", shape: [] };

const typesOf = (named: ReadonlyArray<Named>): { readonly [name: string]: TensorType } =>
  Object.fromEntries(named.map(({ name, type }) => [name, type]));

const tensorsOf = ({ parameters, state }: Network): ReadonlyArray<Named> =>
  [...parameters, ...state].map(({ type }, i) => ({ name: `w${i}`, type }));

const batchOf = (inputs: ReadonlyArray<Port>, objective: Objective): ReadonlyArray<Named> => [
  { name: "seed", type: SEED },
  ...inputs.map(({ type }, i) => ({ name: `x${i}`, type })),
  { name: "y", type: objective.target },
  { name: "share", type: WEIGHTS },
];

/** A program that holds a network's functions and one more that calls them. */
const around = (
  program: Program,
  entry: string,
  parameters: ReadonlyArray<Named>,
  body: (g: FunctionBuilder, values: ReadonlyArray<Value>) => ReadonlyArray<Value>,
): Program => {
  const made = new ProgramBuilder();
  for (const fn of program.functions.values()) made.add(fn);
  const name = made.fresh(entry);
  made.function(name, typesOf(parameters), (g, values) => body(g, parameters.map((one) => values[one.name])), {
    lean: true,
  });
  return made.build(name);
};

/** The weighted mean loss of a batch and the network's next state. */
const lossProgram = (network: Network, objective: Objective): Program => {
  const tensors = tensorsOf(network);
  const outputs = network.outputs.length;
  return around(network.training, "loss", [...tensors, ...batchOf(network.inputs, objective)], (g, values) => {
    const taken = values.slice(0, values.length - 2);
    const [target, share] = values.slice(-2);
    const made = g.call(network.training.entry, taken);
    const each = g.mul(eachLoss(g, objective, made[0], target), share);
    const next = made.slice(outputs);
    // A network may say what its training is charged for besides: a load balance, a penalty.
    const charged = next.filter((_, i) => network.state[i].auxiliary === true);
    return [charged.reduce((sum, value) => g.add(sum, value), g.reduceAll("sum", each)), ...next];
  });
};

/**
 * One step: parameters `[…tensors, …start, seed, …inputs, target, share, rate, proximal]`, results
 * `[loss, …tensors, …start]`. `start` are the trained tensors as the round began; `share` sums to one over a batch.
 */
export const stepProgram = (network: Network, objective: Objective): Resident => {
  const tensors = tensorsOf(network);
  const learned = network.parameters.flatMap(({ trained }, i) => trained ? [i] : []);
  const slopes = grad(lossProgram(network, objective), { wrt: learned, value: true });
  const start = learned.map((i) => ({ name: `s${i}`, type: tensors[i].type }));
  const batch = batchOf(network.inputs, objective);
  const parameters = [
    ...tensors,
    ...start,
    ...batch,
    { name: "rate", type: SCALAR },
    { name: "proximal", type: SCALAR },
  ];
  const program = around(slopes, "step", parameters, (g, values) => {
    const before = values.slice(0, tensors.length);
    const began = values.slice(tensors.length, tensors.length + start.length);
    const [rate, proximal] = values.slice(-2);
    const given = values.slice(tensors.length + start.length, -2);
    const [loss, ...rest] = g.call(slopes.entry, [...before, ...given]);
    const state = rest.slice(0, network.state.length);
    const gradients = rest.slice(network.state.length);
    const after = [...before.slice(0, network.parameters.length), ...state];
    learned.forEach((at, i) => {
      const pull = g.mul(g.sub(before[at], began[i]), proximal);
      after[at] = g.sub(before[at], g.mul(g.add(gradients[i], pull), rate));
    });
    return [loss, ...after, ...began];
  });
  const held = tensors.length + start.length;
  return { program, state: Array.from({ length: held }, (_, i) => [i + 1, i] as const) };
};

/** Evaluation of a batch: parameters `[…tensors, seed, …inputs, target, share]`, results `[loss, hits, …tensors]`. */
export const evaluationProgram = (network: Network, objective: Objective): Resident => {
  const tensors = tensorsOf(network);
  const parameters = [...tensors, ...batchOf(network.inputs, objective)];
  const program = around(network.evaluation, "score", parameters, (g, values) => {
    const taken = values.slice(0, values.length - 2);
    const [target, share] = values.slice(-2);
    const [output] = g.call(network.evaluation.entry, taken);
    const total = (each: Value): Value => g.reduceAll("sum", g.mul(each, share));
    const loss = total(eachLoss(g, objective, output, target));
    const hits = countsHits(objective) ? total(eachHit(g, output, target)) : g.full(SCALAR, 0);
    return [loss, hits, ...values.slice(0, tensors.length)];
  });
  return { program, state: tensors.map((_, i) => [i + 2, i] as const) };
};
