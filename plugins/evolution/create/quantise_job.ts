/**
 * Quantise job: what a worker does with a trained model: its products in 8-bit integers, as a model again.
 *
 * Not a measurement of what that costs: whoever asked judges the model that comes back. Invariant: the answer depends on
 * the argument alone.
 *
 * @module
 */
import { isFailure } from "../../../kernel/failure.ts";
import type { Tensor } from "../../ir/contract.ts";
import { functionOf, ProgramBuilder, type QuantizedProgram, quantizeProgram } from "../../ir/library.ts";
import { answering, decodeModel, encodeModel, FORWARD, type Model, type Network } from "../../neural/library.ts";

/** What is to be quantised. */
export interface QuantiseTask {
  /** The bytes of a model. */
  readonly model: Uint8Array;
  /** Samples that ranges of activations are taken from. */
  readonly samples: Tensor;
}

/** What came of it. */
export interface Quantised {
  /** The bytes of the model in integers. */
  readonly model: Uint8Array;
  /** Products that compute with integers. */
  readonly products: number;
  /** Bytes of their weights before and after. */
  readonly weights: { readonly before: number; readonly after: number };
}

/** Why nothing came of it. */
export interface NotQuantised {
  /** The reason. */
  readonly failed: string;
}

/** A program without learned tensors as a network of the ports of another. */
const networkOver = ({ program }: QuantizedProgram, { inputs, outputs }: Network): Network => {
  const builder = new ProgramBuilder();
  for (const fn of program.functions.values()) builder.add(fn);
  const entry = functionOf(program);
  const g = builder.open(builder.fresh(FORWARD), { where: entry.constraints, sizes: entry.sizes });
  g.parameter("seed", { dtype: "i64", shape: [] });
  const given = entry.parameters.map(({ name, type }) => g.parameter(name, type));
  builder.add(g.function(g.call(program.entry, given, entry.sizes)));
  const whole = builder.build(g.name);
  return { inputs, outputs, parameters: [], state: [], training: whole, evaluation: whole };
};

const quantised = ({ model: bytes, samples }: QuantiseTask): Quantised => {
  const model = decodeModel(bytes);
  const { network, values } = model;
  const program = answering(network);
  const kept = [...network.parameters, ...network.state];
  const names = functionOf(program).parameters.map(({ name }) => name);
  const weights = Object.fromEntries(kept.map(({ path }, i) => [names[i], values.get(path)!]));
  const made = quantizeProgram(program, { weights, calibration: [[samples]] });
  const { program: _, ...rest } = model;
  const result: Model = {
    ...rest,
    network: networkOver(made, network),
    values: new Map(),
    lineage: { ...model.lineage, made: "quantise" },
  };
  const { report } = made;
  return {
    model: encodeModel(result),
    products: report.products,
    weights: { before: report.bytesBefore, after: report.bytesAfter },
  };
};

/** Turns a model's products into products of integers; a program that has no such form is an answer. */
export const quantise = (task: QuantiseTask): Quantised | NotQuantised => {
  try {
    return quantised(task);
  } catch (thrown) {
    if (isFailure(thrown)) return { failed: thrown.message };
    throw thrown;
  }
};
