/**
 * Exchange: models in the formats of others, and theirs as models.
 *
 * Not the artifact (model.ts), which is the format among ourselves.
 * Invariant: what is exported answers as the model does when it is not trained; what is imported is checked as anything
 * that comes from outside.
 *
 * @module
 */
import type { Program as IrProgram, TensorType } from "../ir/contract.ts";
import {
  exportOnnx,
  functionOf,
  importOnnx,
  isConcrete,
  printType,
  ProgramBuilder,
  returnTypes,
  scalar,
  type Value,
  zeros,
} from "../ir/library.ts";
import { decodeAny, encodeProgram as encodeLanguage, type Program } from "../rmil/library.ts";
import { BATCH, type Network, type Port } from "./contract.ts";
import { badModel } from "./failures.ts";
import { loadInto } from "./formats/load_into.ts";
import { readSafetensors, writeSafetensors } from "./formats/safetensors.ts";
import { decodeModel, encodeModel, type Model } from "./model.ts";
import { FORWARD, parameterName } from "./network.ts";
import { networkOfProgram } from "./program.ts";
import { withWeights } from "./weighted_program.ts";

/** What a model can be exported to. */
export const EXPORTS = {
  onnx: "an ONNX model of the network when it is not trained",
  safetensors: "the tensors alone, by path",
  rmil: "version 2 bytes of the program with its weights in it",
  model: "the artifact itself: program, tensors, schema, metrics, lineage",
} as const;

/** What a model can be exported to. */
export type ExportFormat = keyof typeof EXPORTS;

/** What a network answers, without seed and state: `[…parameters, …state, …inputs] → outputs`. */
export const answering = (network: Network): IrProgram => {
  const entry = functionOf(network.evaluation);
  const builder = new ProgramBuilder();
  for (const fn of network.evaluation.functions.values()) builder.add(fn);
  const g = builder.open(builder.fresh("answer"), { where: entry.constraints, sizes: entry.sizes });
  const kept = network.parameters.length + network.state.length;
  const args = entry.parameters.map(({ name, type }, i): Value =>
    i === kept ? g.constant(scalar("i64", 0n)) : g.parameter(name, type)
  );
  const outputs = g.call(network.evaluation.entry, args, entry.sizes).slice(0, network.outputs.length);
  builder.add(g.function(outputs));
  return builder.build(g.name);
};

const onnxOf = ({ network, values }: Model): Uint8Array => {
  const weights = Object.fromEntries(
    [...network.parameters, ...network.state].map(({ path }) => [path, values.get(path)!]),
  );
  return exportOnnx(answering(network), { weights, outputs: network.outputs.map(({ name }) => name) });
};

/** A model in a format; throws what the format cannot say. */
export const exportModel = (model: Model, to: ExportFormat): Uint8Array => {
  switch (to) {
    case "onnx":
      return onnxOf(model);
    case "safetensors":
      return writeSafetensors(model.values);
    case "model":
      return encodeModel(model);
    case "rmil": {
      const { program, values } = model;
      if (program !== undefined) return encodeLanguage(withWeights(program, values));
      throw badModel({ what: "model", reason: "it was not made from a program of the language", path: "/to" });
    }
  }
};

/** The first size of an input as the size of a batch. */
const batched = ({ dtype, shape }: TensorType): TensorType => ({
  dtype,
  shape: shape.map((size, axis) => axis === 0 && typeof size === "string" ? BATCH : size),
});

/** An ONNX model as a network, its float literals as parameters. */
const networkOfOnnx = (bytes: Uint8Array): Pick<Model, "network" | "values"> => {
  const { program, inputs, outputs, weights } = importOnnx(bytes, { weights: "parameters" });
  const entry = functionOf(program);
  const builder = new ProgramBuilder();
  for (const fn of program.functions.values()) builder.add(fn);
  const g = builder.open(builder.fresh(FORWARD));
  const learned = [...weights].map(([name], i) => ({ name, type: entry.parameters[inputs.length + i].type }));
  const values = learned.map(({ name, type }, i) => g.parameter(parameterName(name, i), type));
  g.parameter("seed", { dtype: "i64", shape: [] });
  const ports = entry.parameters.slice(0, inputs.length).map(({ type }, i): Port => ({
    name: inputs[i],
    type: batched(type),
  }));
  const given = ports.map(({ name, type }) => g.parameter(name, type));
  const results = g.call(program.entry, [...given, ...values]);
  builder.add(g.function(results));
  const whole = builder.build(g.name);
  const types = returnTypes(functionOf(whole));
  return {
    network: {
      inputs: ports,
      outputs: outputs.map((name, i) => ({ name, type: types[i] })),
      parameters: learned.map(({ name, type }) => {
        if (!isConcrete(type)) throw badModel({ what: "model", reason: `its tensor ${name} is ${printType(type)}` });
        // A single number, such as the zero of a relu, is a constant that the format spells as any literal.
        const trained = type.shape.length > 0;
        return { path: name, type, initial: { kind: "zeros" }, decays: type.shape.length > 1, trained };
      }),
      state: [],
      training: whole,
      evaluation: whole,
    },
    values: weights,
  };
};

/** What can be imported. */
export const IMPORTS = {
  onnx: "an ONNX model; its float literals become parameters",
  model: "a model of this system",
  rmil: "bytes of a program of the language, of either version, with its weights in it",
  safetensors: "tensors by path, for a program that is given beside them",
} as const;

/** What can be imported. */
export type ImportFormat = keyof typeof IMPORTS;

/** Tensors by path as a model of a program; every one must have its place, and every place its tensor. */
const modelOfTensors = (bytes: Uint8Array, program: Program | undefined, inputs: ReadonlyArray<Port>): Model => {
  if (program === undefined) {
    throw badModel({ what: "model", reason: "the program that its tensors are for is not given", path: "/program" });
  }
  const network = networkOfProgram(program, inputs);
  const wanted = new Map(
    [...network.parameters, ...network.state].map(({ path, type: { dtype, shape } }) => [path, zeros(dtype, shape)]),
  );
  const { tensors } = loadInto(wanted, readSafetensors(bytes).tensors);
  return { program, network, values: tensors, metrics: {}, lineage: { made: "import" } };
};

/** The format that bytes look like; tensors alone look like a model, which says more. */
export const formatOf = (bytes: Uint8Array): ImportFormat => {
  const starts = (text: string, at = 0): boolean =>
    [...text].every((character, i) => bytes[at + i] === character.charCodeAt(0));
  return starts("RMIL") ? "rmil" : starts("{", 8) ? "model" : "onnx";
};

/** Bytes of a format as a model. `inputs` is what a program of the language takes, `program` what bare tensors are for. */
export const importModel = (
  bytes: Uint8Array,
  format: ImportFormat = formatOf(bytes),
  inputs: ReadonlyArray<Port> = [],
  program?: Program,
): Model => {
  switch (format) {
    case "model":
      return decodeModel(bytes);
    case "safetensors":
      return modelOfTensors(bytes, program, inputs);
    case "onnx":
      return { ...networkOfOnnx(bytes), metrics: {}, lineage: { made: "import" } };
    case "rmil": {
      if (inputs.length === 0) {
        throw badModel({ what: "program", reason: "the types of its inputs are not said", path: "/inputs" });
      }
      const own = decodeAny(bytes);
      const network = networkOfProgram(own, inputs);
      const [open] = network.parameters;
      if (open !== undefined) {
        throw badModel({ what: "program", reason: `its parameter ${open.path} is not in it`, path: "/file" });
      }
      return { program: own, network, values: new Map(), metrics: {}, lineage: { made: "import" } };
    }
  }
};
