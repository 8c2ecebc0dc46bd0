/**
 * Handlers of the operations on models.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as Stream from "effect/Stream";
import { Disk } from "../../kernel/disk.ts";
import type { Json } from "../../kernel/json.ts";
import { Budget } from "../../kernel/meter.ts";
import type { ConcreteType, Tensor, TensorType } from "../ir/contract.ts";
import {
  costOf,
  elementCount,
  fromFloats,
  isFloat,
  parseType,
  printType,
  tensorFromJson,
  tensorOf,
  tensorToJson,
  toFloats,
  zeros,
} from "../ir/library.ts";
import { print, type Program, programFrom } from "../rmil/library.ts";
import { attempting } from "./attempting.ts";
import { BATCH, type Network, type Port } from "./contract.ts";
import { applyAffine, type MemoryDataset, TestGuard } from "./data/dataset.ts";
import { openSourceBy } from "./data/opening.ts";
import { dataBy } from "./data/prepared_data.ts";
import { type DataSource, detailed } from "./data/source.ts";
import type { SplitRule } from "./data/splits.ts";
import { describeNetwork } from "./describe.ts";
import { exportModel, formatOf, importModel } from "./exchange.ts";
import { badModel, cannotTrain } from "./failures.ts";
import { presented, shown } from "./feed.ts";
import { fitProgram } from "./fitted.ts";
import { keepModel, modelFrom, withEngine } from "./handlers_store.ts";
import { memoryData } from "./handlers_train.ts";
import { inOwnUnit, judge, JUDGED_AT_ONCE, makeAnswerer } from "./judge.ts";
import { argMax } from "./metrics.ts";
import type { Model } from "./model.ts";
import type { Describe, Evaluate, Export, Import, Predict } from "./operations_models.ts";
import { networkOfProgram } from "./program.ts";
import type { Engine } from "./stepper.ts";

type InputOf<O extends { readonly input: unknown }> = O["input"] extends { readonly Type: infer T } ? T : never;

const fromBase64 = Schema.decodeSync(Schema.Uint8ArrayFromBase64);
const toBase64 = Schema.encodeSync(Schema.Uint8ArrayFromBase64);

/** Samples of a batch: what a network with a batch of its own takes, else what is there, up to a usual number. */
const batchOf = ({ inputs }: Network, samples: number): number => {
  const [first] = inputs[0]?.type.shape ?? [];
  return typeof first === "number" ? first : Math.max(1, Math.min(JUDGED_AT_ONCE, samples));
};

const paid = ({ evaluation }: Network, samples: number) =>
  Effect.gen(function* () {
    const account = yield* Budget;
    const { flops } = costOf(evaluation, { [BATCH]: 1 });
    yield* account.spend("fuel", Math.min(Number.MAX_SAFE_INTEGER, Math.ceil(Number(flops) || 1) * samples));
  });

/** Refuses data whose samples the network does not take. */
const checkFits = ({ inputs }: Network, { schema }: MemoryDataset) => {
  const misfit = inputs.length !== schema.inputs.length
    ? `it takes ${inputs.length} inputs, and the data have ${schema.inputs.length}`
    : inputs.map(({ type }, i) => {
      const own = elementCount(type.shape.slice(1).map(Number));
      const given = elementCount(schema.inputs[i].type.shape);
      return own === given && type.dtype === schema.inputs[i].type.dtype
        ? undefined
        : `it takes ${printType(type)}, and a sample is ${printType(schema.inputs[i].type)}`;
    }).find((reason) => reason !== undefined);
  return misfit === undefined ? Effect.void : Effect.fail(badModel({ what: "model", reason: misfit, path: "/data" }));
};

/** The data of a call; rows of a table become samples as the model's own did. */
const dataFor = ({ table, schema }: Model, data: DataSource, split: SplitRule | undefined) => {
  if (table === undefined || detailed(data).path === undefined) return memoryData(data);
  const target = schema?.target;
  return openSourceBy(data, { table, ...(target === undefined ? {} : { target }) }, split);
};

const evaluated = (input: InputOf<typeof Evaluate>, engine: Engine) =>
  Effect.scoped(Effect.gen(function* () {
    const { model } = yield* modelFrom(input.digest);
    const { split = "test" } = input;
    const dataset = yield* dataFor(model, input.data, detailed(input.data).split ?? {});
    yield* checkFits(model.network, dataset);
    const count = dataset.splits[split].length;
    yield* paid(model.network, count);
    const answerer = yield* makeAnswerer(engine, model.network, { batch: batchOf(model.network, count) });
    yield* answerer.write(model.values);
    const { samples, scores, confusion } = yield* judge(answerer, model.network, dataset, {
      split,
      guard: new TestGuard(),
      ...(model.temperature === undefined ? {} : { temperature: model.temperature }),
    });
    const rows = confusion && Array.from(
      { length: confusion.classes },
      (_, row) => [...confusion.counts.subarray(row * confusion.classes, (row + 1) * confusion.classes)],
    );
    return { samples, scores, ...(rows === undefined ? {} : { confusion: rows }) };
  }));

/** Raw samples as the network takes them: scaled as its data were. */
const scaledBy = (model: Model, given: { readonly [name: string]: Tensor }): ReadonlyArray<Tensor> =>
  model.network.inputs.map((port, i) => {
    const name = model.schema?.inputs[i]?.name ?? port.name;
    const found = given[name] ?? given[port.name];
    if (found === undefined) {
      throw badModel({
        what: "model",
        reason: `its input ${name} is not given`,
        path: "/inputs",
        expected: model.network.inputs.map(({ name: known }) => known),
      });
    }
    const scale = model.scales?.[i];
    const raw = presented(found, port);
    if (scale === null || scale === undefined) return raw;
    const data = raw.data.slice();
    const size = elementCount(raw.shape.slice(1));
    const affine = { scale: Float64Array.from(scale.scale), offset: Float64Array.from(scale.offset) };
    for (let row = 0; row < raw.shape[0]; row++) applyAffine(affine, data, row * size, size);
    return tensorOf(raw.dtype, raw.shape, data);
  });

/** Rows of a tensor, filled up by zeros to a batch. */
const rowsOf = (tensor: Tensor, from: number, batch: number): Tensor => {
  const [rows, ...rest] = tensor.shape;
  const size = elementCount(rest);
  const made = zeros(tensor.dtype, [batch, ...rest]);
  made.data.set(tensor.data.subarray(from * size, Math.min(rows, from + batch) * size) as never);
  return made;
};

const joined = (parts: ReadonlyArray<Tensor>, rows: number): Tensor => {
  const [first] = parts;
  const [, ...rest] = first.shape;
  const made = zeros(first.dtype, [rows, ...rest]);
  const size = elementCount(rest);
  let at = 0;
  for (const part of parts) {
    const count = Math.min(part.shape[0], rows - at);
    made.data.set(part.data.subarray(0, count * size) as never, at * size);
    at += count;
  }
  return made;
};

/** Data to be answered: all rows of a table that the model is prepared for, unless a part is asked for. */
const askedData = ({ table, ...model }: Model, data: DataSource, split: string | undefined) => {
  if (table === undefined || detailed(data).path === undefined) return memoryData(data);
  const whole = split === undefined;
  const asked = whole ? { ...model, table, schema: { inputs: model.schema?.inputs ?? [] } } : { ...model, table };
  return dataFor(asked, data, whole ? undefined : detailed(data).split ?? {});
};

/** Rows that are given in the call. */
const rowsFor = ({ table }: Model, rows: NonNullable<InputOf<typeof Predict>["rows"]>) => {
  if (table === undefined) {
    return Effect.fail(badModel({ what: "model", reason: "it did not learn from a prepared table", path: "/rows" }));
  }
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cells = rows.map((row) => names.map((name) => row[name] ?? null));
  return dataBy("rows", Stream.succeed({ names, rows: cells }), { table }, undefined, "/rows");
};

/** Inputs of a call, in batches of one size, and how many samples they are. */
const askedOf = (input: InputOf<typeof Predict>, model: Model) =>
  Effect.gen(function* () {
    const { network } = model;
    const { inputs, data, rows, split = "test", limit = 100 } = input;
    const ways = Object.entries({ inputs, data, rows }).filter(([, given]) => given !== undefined).map(([way]) => way);
    if (ways.length !== 1) {
      return yield* badModel({
        what: "call",
        reason: ways.length === 0 ? "neither inputs nor rows nor data are given" : `${ways.join(" and ")} are given`,
        path: ways.length === 0 ? "/inputs" : `/${ways[0]}`,
        expected: "exactly one of inputs, rows and data",
      });
    }
    if (inputs !== undefined) {
      return yield* attempting(() => {
        const given = Object.fromEntries(
          Object.entries(inputs).map(([name, json]) => [name, tensorFromJson(json, `/inputs/${name}`)]),
        );
        const scaled = scaledBy(model, given);
        const samples = scaled[0]?.shape[0] ?? 0;
        const batch = batchOf(network, samples);
        const batches = Array.from(
          { length: Math.ceil(samples / batch) },
          (_, i) => scaled.map((tensor) => rowsOf(tensor, i * batch, batch)),
        );
        return { batch, samples, batches };
      });
    }
    const dataset = rows === undefined ? yield* askedData(model, data!, input.split) : yield* rowsFor(model, rows);
    yield* checkFits(network, dataset);
    const samples = Math.min(rows === undefined ? limit : rows.length, dataset.splits[split].length);
    const batch = batchOf(network, samples);
    return yield* attempting(() => {
      const batches: ReadonlyArray<Tensor>[] = [];
      const options = { split, batch, inputs: network.inputs, guard: new TestGuard() };
      for (const { inputs: one } of shown(dataset, options)) {
        if (batches.length * batch >= samples) break;
        batches.push(one);
      }
      return { batch, samples, batches };
    });
  });

/** What answers mean, where they are classes. */
const readClasses = ({ schema, temperature = 1 }: Model, outputs: Tensor) => {
  const target = schema?.target;
  if (target?.kind !== "classification" || !isFloat(outputs.dtype) || outputs.shape.length !== 2) return {};
  const logits = toFloats(outputs);
  const [rows, count] = outputs.shape;
  const classes = Array.from({ length: rows }, (_, row) => argMax(logits, row * count, count));
  const confidence = classes.map((answer, row) => {
    let sum = 0;
    for (let i = 0; i < count; i++) {
      sum += Math.exp((logits[row * count + i] - logits[row * count + answer]) / temperature);
    }
    return 1 / sum;
  });
  const { labels } = target;
  return { classes, confidence, ...(labels === undefined ? {} : { labels: classes.map((answer) => labels[answer]) }) };
};

/** Numbers in the unit of what was learned. */
const inUnit = ({ schema }: Model, outputs: Tensor): Tensor => {
  const target = schema?.target;
  if (target?.kind !== "regression" || target.unit === undefined || !isFloat(outputs.dtype)) return outputs;
  return fromFloats(outputs.dtype, outputs.shape, Float64Array.from(inOwnUnit(target, toFloats(outputs))));
};

const predicted = (input: InputOf<typeof Predict>, engine: Engine) =>
  Effect.scoped(Effect.gen(function* () {
    const { model } = yield* modelFrom(input.digest);
    const { batch, samples, batches } = yield* askedOf(input, model);
    if (samples === 0) return yield* badModel({ what: "call", reason: "no samples are given", path: "/inputs" });
    yield* paid(model.network, samples);
    const answerer = yield* makeAnswerer(engine, model.network, { batch });
    yield* answerer.write(model.values);
    const answers = yield* Effect.forEach(batches, (one) => Effect.map(answerer.answer(one), ([first]) => first));
    const outputs = inUnit(model, joined(answers, samples));
    return { outputs: tensorToJson(outputs), ...readClasses(model, outputs) };
  }));

const portsOf = (inputs: { readonly [name: string]: string }): ReadonlyArray<Port> =>
  Object.entries(inputs).map(([name, text]) => ({ name, type: parseType(text) }));

/** What a call describes. */
const subjectOf = (input: InputOf<typeof Describe>) =>
  Effect.gen(function* () {
    const { digest: stored, program, data, inputs } = input;
    if ((program === undefined) === (stored === undefined)) {
      return yield* cannotTrain({
        reason: program === undefined ? "neither a digest nor a program is given" : "a digest and a program are given",
        path: "/program",
        expected: "exactly one of digest and program",
      });
    }
    if (stored !== undefined) {
      const { model } = yield* modelFrom(stored);
      const { network, program: own, metrics, lineage } = model;
      return { network, program: own, more: { metrics, lineage: { ...lineage } as { readonly [name: string]: Json } } };
    }
    const given: Program = yield* programFrom(program!);
    if (data !== undefined) {
      const dataset = yield* memoryData(data);
      const fitted = yield* attempting(() => fitProgram(given, dataset.schema));
      return { network: fitted.network, program: fitted.program as Program | undefined, more: {} };
    }
    const network = yield* attempting(() => networkOfProgram(given, portsOf(inputs ?? {})));
    return { network, program: given as Program | undefined, more: {} };
  });

const described = (input: InputOf<typeof Describe>) =>
  Effect.gen(function* () {
    const { network, program, more } = yield* subjectOf(input);
    const found = yield* attempting(() =>
      describeNetwork(network, input.batch === undefined ? {} : { batch: input.batch })
    );
    return {
      ...(program === undefined ? {} : { program: print(program.root, program.symbols) }),
      ...found,
      ...more,
    };
  });

const exported = (input: InputOf<typeof Export>) =>
  Effect.gen(function* () {
    const { model } = yield* modelFrom(input.digest);
    const { to, file } = input;
    const bytes = yield* attempting(() => exportModel(model, to));
    const answer = { to, bytes: bytes.length };
    if (file === undefined) return { ...answer, base64: toBase64(bytes) };
    yield* (yield* Disk).write(file, bytes);
    return { ...answer, file };
  });

const bytesOf = ({ file, base64 }: InputOf<typeof Import>) =>
  Effect.gen(function* () {
    if ((file === undefined) === (base64 === undefined)) {
      return yield* badModel({
        what: "call",
        reason: file === undefined ? "neither a file nor base64 is given" : "a file and base64 are given",
        path: file === undefined ? "/file" : "/base64",
        expected: "exactly one of file and base64",
      });
    }
    if (file !== undefined) return yield* (yield* Disk).read(file);
    return yield* attempting(() => {
      try {
        return fromBase64(base64!);
      } catch (thrown) {
        throw badModel({
          what: "call",
          reason: `its base64 is malformed: ${(thrown as Error).message}`,
          path: "/base64",
        });
      }
    });
  });

const portJson = ({ name, type }: { readonly name: string; readonly type: TensorType | ConcreteType }) => ({
  name,
  type: printType(type),
});

const imported = (input: InputOf<typeof Import>) =>
  Effect.gen(function* () {
    const bytes = yield* bytesOf(input);
    const program = input.program === undefined ? undefined : yield* programFrom(input.program);
    const format = input.format ?? (program === undefined ? formatOf(bytes) : "safetensors");
    const model = yield* attempting(() => importModel(bytes, format, portsOf(input.inputs ?? {}), program));
    const info = yield* keepModel(model, { name: input.name, description: "imported" });
    return {
      digest: info.digest,
      names: info.names,
      inputs: model.network.inputs.map(portJson),
      outputs: model.network.outputs.map(portJson),
      parameters: model.network.parameters.filter(({ trained }) => trained).reduce(
        (sum, { type }) => sum + elementCount(type.shape),
        0,
      ),
    };
  });

/** The handlers. */
export const modelHandlers = {
  "neural.evaluate": (input: InputOf<typeof Evaluate>) => withEngine(input, (engine) => evaluated(input, engine)),
  "neural.predict": (input: InputOf<typeof Predict>) => withEngine(input, (engine) => predicted(input, engine)),
  "neural.describe": described,
  "neural.export": exported,
  "neural.import": imported,
} as const;
