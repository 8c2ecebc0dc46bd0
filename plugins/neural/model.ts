/**
 * Model: a trained network as one artifact: what it is, its tensors, what data it answers, how good it is, where it came
 * from.
 *
 * Not a checkpoint: the optimiser's state is not in it. The weights are a safetensors file's; the rest is its document.
 * Invariant: a model that was read back answers as it did, bit for bit, on the same backend; a file whose tensors do not
 * fit its network is refused.
 *
 * @module
 */
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import type { Json } from "../../kernel/json.ts";
import { isFailure } from "../../kernel/failure.ts";
import type { TensorType } from "../ir/contract.ts";
import { decodeProgram, encodeProgram, functionOf, parseType, printType, sameType } from "../ir/library.ts";
import { decodeProgram as decodeLanguage, encodeProgram as encodeLanguage, type Program } from "../rmil/library.ts";
import type { Initializer, Network, Port } from "./contract.ts";
import type { DataSchema, Target } from "./data/dataset.ts";
import { TablePreparation } from "./data/preparation.ts";
import type { Scores } from "./events.ts";
import { badModel } from "./failures.ts";
import { networkOfProgram } from "./program.ts";
import { readStored, type StoredKind, writeStored } from "./stored.ts";
import type { Values } from "./stepper.ts";

const KIND: StoredKind = { what: "model", format: "rmi-model", version: 1 };

/** Media type of a model. */
export const MODEL_MEDIA = "application/vnd.rmi.model+safetensors";

/** Where a model came from. */
export interface Lineage {
  /** How it was made: `train`, `import`. */
  readonly made: string;
  /** The data's name. */
  readonly data?: string;
  /** Where draws started. */
  readonly seed?: number;
  /** Steps taken. */
  readonly steps?: number;
  /** Operations, by count. */
  readonly flops?: number;
  /** Digest of the model it was trained on from. */
  readonly parent?: string;
}

/** Shift and scale that the data's inputs were given, feature by feature: stored value × scale + offset. */
export interface InputScale {
  /** Factors, one or one for each element. */
  readonly scale: ReadonlyArray<number>;
  /** Summands. */
  readonly offset: ReadonlyArray<number>;
}

/** A trained network. */
export interface Model {
  /** The program of the language that it is; absent where it came from elsewhere. */
  readonly program?: Program;
  /** It as a network. */
  readonly network: Network;
  /** Its parameters and state by path. */
  readonly values: Values;
  /** The data that it answers. */
  readonly schema?: DataSchema;
  /** What is done to raw inputs before they are answered, in the order of the inputs. */
  readonly scales?: ReadonlyArray<InputScale | null>;
  /** How rows of a table become its inputs, before they are shifted and scaled. */
  readonly table?: TablePreparation;
  /** What logits are divided by so that confidence is as often right as it says. */
  readonly temperature?: number;
  /** How good it is. */
  readonly metrics: Scores;
  /** Where it came from. */
  readonly lineage: Lineage;
}

const TypeText = Schema.String;
const FeatureSchema = { name: Schema.String, type: TypeText };
const PortSchema = Schema.Struct(FeatureSchema);
const SpecSchema = Schema.Struct({
  path: Schema.String,
  type: TypeText,
  initial: Schema.Json,
  decays: Schema.optionalKey(Schema.Boolean),
  trained: Schema.optionalKey(Schema.Boolean),
});

const Document = Schema.Struct({
  program: Schema.optionalKey(Schema.String),
  inputs: Schema.Array(PortSchema),
  network: Schema.optionalKey(Schema.Struct({
    outputs: Schema.Array(PortSchema),
    parameters: Schema.Array(SpecSchema),
    state: Schema.Array(SpecSchema),
    training: Schema.String,
    evaluation: Schema.String,
  })),
  schema: Schema.optionalKey(Schema.Struct({
    inputs: Schema.Array(PortSchema),
    target: Schema.optionalKey(Schema.Struct({
      ...FeatureSchema,
      kind: Schema.Literals(["classification", "regression", "tokens"]),
      classes: Schema.optionalKey(Schema.Int),
      vocabulary: Schema.optionalKey(Schema.Int),
      labels: Schema.optionalKey(Schema.Array(Schema.String)),
      unit: Schema.optionalKey(Schema.Struct({ scale: Schema.Finite, offset: Schema.Finite })),
    })),
  })),
  table: Schema.optionalKey(TablePreparation),
  scales: Schema.optionalKey(Schema.Array(Schema.NullOr(Schema.Struct({
    scale: Schema.Array(Schema.Finite),
    offset: Schema.Array(Schema.Finite),
  })))),
  temperature: Schema.optionalKey(Schema.Finite),
  metrics: Schema.Record(Schema.String, Schema.Finite),
  lineage: Schema.Struct({
    made: Schema.String,
    data: Schema.optionalKey(Schema.String),
    seed: Schema.optionalKey(Schema.Int),
    steps: Schema.optionalKey(Schema.Int),
    flops: Schema.optionalKey(Schema.Finite),
    parent: Schema.optionalKey(Schema.String),
  }),
});

type DocumentJson = typeof Document.Type;

interface Typed {
  readonly name: string;
  readonly type: TensorType;
}

const typed = ({ name, type }: Typed) => ({ name, type: printType(type) });
const untyped = <T extends { readonly type: string }>(row: T): Omit<T, "type"> & { readonly type: TensorType } => ({
  ...row,
  type: parseType(row.type),
});

const networkDocument = ({ outputs, parameters, state, training, evaluation }: Network): DocumentJson["network"] => ({
  outputs: outputs.map(typed),
  parameters: parameters.map((spec) => ({
    ...spec,
    type: printType(spec.type),
    initial: spec.initial as unknown as Json,
  })),
  state: state.map((spec) => ({ ...spec, type: printType(spec.type), initial: spec.initial as unknown as Json })),
  training: encodeProgram(training).toBase64(),
  evaluation: encodeProgram(evaluation).toBase64(),
});

const schemaDocument = ({ inputs, target }: DataSchema): NonNullable<DocumentJson["schema"]> => ({
  inputs: inputs.map(typed),
  ...(target === undefined ? {} : { target: { ...target, type: printType(target.type) } }),
});

/** The bytes of a model. */
export const encodeModel = (model: Model): Uint8Array<ArrayBuffer> => {
  const { program, network, values, schema, scales, table, temperature, metrics, lineage } = model;
  const document: DocumentJson = {
    ...(program === undefined
      ? { network: networkDocument(network) }
      : { program: encodeLanguage(program).toBase64() }),
    inputs: network.inputs.map(typed),
    ...(schema === undefined ? {} : { schema: schemaDocument(schema) }),
    ...(scales === undefined ? {} : { scales }),
    ...(table === undefined ? {} : { table }),
    ...(temperature === undefined ? {} : { temperature }),
    metrics,
    lineage,
  };
  const own = new Set([...network.parameters, ...network.state].map(({ path }) => path));
  return writeStored(KIND, document as unknown as Json, new Map([...values].filter(([path]) => own.has(path))));
};

const specOf = (row: typeof SpecSchema.Type) => ({
  path: row.path,
  type: parseType(row.type) as TensorType as never,
  initial: row.initial as unknown as Initializer,
  decays: row.decays ?? true,
  trained: row.trained ?? true,
});

const networkOf = ({ program, inputs, network }: DocumentJson): { program?: Program; network: Network } => {
  const ports = inputs.map(untyped) as ReadonlyArray<Port>;
  if (program !== undefined) {
    const own = decodeLanguage(Uint8Array.fromBase64(program));
    return { program: own, network: networkOfProgram(own, ports) };
  }
  if (network === undefined) throw badModel({ what: KIND.what, reason: "it says no program" });
  const [training, evaluation] = [network.training, network.evaluation].map((text) =>
    decodeProgram(Uint8Array.fromBase64(text))
  );
  const made: Network = {
    inputs: ports,
    outputs: network.outputs.map(untyped) as ReadonlyArray<Port>,
    parameters: network.parameters.map(specOf),
    state: network.state.map(specOf),
    training,
    evaluation,
  };
  checkSignature(made);
  return { network: made };
};

/** Refuses programs that do not take what the network says. */
const checkSignature = ({ parameters, state, inputs, training, evaluation }: Network): void => {
  const wanted = [...parameters, ...state].map(({ type }) => type);
  for (const program of [training, evaluation]) {
    const types = functionOf(program).parameters.map(({ type }) => type);
    const fits = types.length === wanted.length + 1 + inputs.length &&
      wanted.every((type, i) => sameType(type, types[i])) &&
      inputs.every(({ type }, i) => sameType(type, types[wanted.length + 1 + i]));
    if (!fits) throw badModel({ what: KIND.what, reason: "its programs do not take the tensors it has" });
  }
};

const refusing = <A>(read: () => A): A => {
  try {
    return read();
  } catch (thrown) {
    if (isFailure(thrown) && thrown.code === "NEURAL_MODEL") throw thrown;
    const isExpected = isFailure(thrown) || thrown instanceof SyntaxError;
    if (!isExpected) throw thrown;
    throw badModel({ what: KIND.what, reason: thrown.message });
  }
};

/** Reads a model; throws `NEURAL_MODEL`. */
export const decodeModel = (bytes: Uint8Array): Model => {
  const { document, values } = readStored(KIND, bytes);
  const decoded = Schema.decodeUnknownResult(Document)(document);
  if (Result.isFailure(decoded)) {
    throw badModel({ what: KIND.what, reason: `its document is malformed: ${String(decoded.failure)}` });
  }
  const { schema, scales, table, temperature, metrics, lineage } = decoded.success;
  const made = refusing(() => networkOf(decoded.success));
  for (const { path, type } of [...made.network.parameters, ...made.network.state]) {
    const value = values.get(path);
    if (value !== undefined && sameType(value, type)) continue;
    const found = value === undefined ? "absent" : printType(value);
    throw badModel({ what: KIND.what, reason: `its tensor ${path} is ${found}, and ${printType(type)} is needed` });
  }
  return {
    ...made,
    values,
    ...(schema === undefined ? {} : { schema: schemaOf(schema) }),
    ...(scales === undefined ? {} : { scales }),
    ...(table === undefined ? {} : { table }),
    ...(temperature === undefined ? {} : { temperature }),
    metrics,
    lineage,
  };
};

const schemaOf = ({ inputs, target }: NonNullable<DocumentJson["schema"]>): DataSchema =>
  refusing(() => ({
    inputs: inputs.map(untyped) as DataSchema["inputs"],
    ...(target === undefined ? {} : { target: untyped(target) as unknown as Target }),
  }));
