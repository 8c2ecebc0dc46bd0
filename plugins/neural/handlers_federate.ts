/**
 * Handler of learning over clients: data spread over clients of this process, rounds run, the model judged once and kept.
 *
 * Invariant: clients see their own samples only, scores between rounds come from the validation part, and the test part is
 * read once, at the end.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Stream from "effect/Stream";
import { CallContext } from "../../kernel/context.ts";
import { Entropy } from "../../kernel/entropy.ts";
import { Budget } from "../../kernel/meter.ts";
import { random } from "../../kernel/random.ts";
import type { Tensor } from "../ir/contract.ts";
import { costOf } from "../ir/library.ts";
import { print, programFrom } from "../rmil/library.ts";
import { attempting } from "./attempting.ts";
import { BATCH, type Network } from "./contract.ts";
import { classesOf, type MemoryDataset, TestGuard } from "./data/dataset.ts";
import { nameOf } from "./data/source.ts";
import type { Scores } from "./events.ts";
import { notFederated } from "./failures.ts";
import type { Rule } from "./federated/aggregate.ts";
import { type Attack, type FederatedClient, hostileClient, localClient } from "./federated/client.ts";
import { type LocalTrainer, localTrainer, type Score } from "./federated/local.ts";
import { type Objective, objectiveOf, stepProgram } from "./federated/local_programs.ts";
import { type Partition, partition } from "./federated/partition.ts";
import { federate, type FederatedEvent, type Federation, learnedWeights } from "./federated/rounds.ts";
import { samplesOfDataset } from "./federated/samples.ts";
import { maskKeeper } from "./federated/secure.ts";
import type { ServerOptimiser } from "./federated/server.ts";
import type { FederatedSettings } from "./federated/settings.ts";
import { unflatten } from "./federated/weights.ts";
import { fitProgram } from "./fitted.ts";
import { keepModel, modelFrom, withEngine } from "./handlers_store.ts";
import { memoryData, scalesOf } from "./handlers_train.ts";
import { judge, makeAnswerer } from "./judge.ts";
import { initialValues } from "./layers/initialise.ts";
import type { Federate } from "./operations_federate.ts";
import type { Engine, Values } from "./stepper.ts";

type Input = (typeof Federate)["input"]["Type"];

/** What is taken where nothing is said. */
const DEFAULTS = { clients: 10, rounds: 10, epochs: 1, batch: 10, rate: 0.1, seed: 0 } as const;

const SECRET_BYTES = 32;

const named = <T extends { readonly kind: string }>(given: T["kind"] | T): T =>
  typeof given === "string" ? { kind: given } as T : given;

const firstValues = (network: Network, seed: number): ReadonlyArray<Tensor> => {
  const { parameters, state } = initialValues(network, seed);
  return [...parameters, ...state];
};

/** What is learned: a program with first values by the seed, or a stored model from where it stands. */
const startOf = (input: Input, dataset: MemoryDataset) =>
  Effect.gen(function* () {
    const { program, digest } = input;
    if ((program === undefined) === (digest === undefined)) {
      return yield* notFederated({
        reason: program === undefined ? "neither a program nor a model is given" : "a program and a model are given",
        path: program === undefined ? "/program" : "/digest",
        expected: "exactly one of program and digest",
      });
    }
    if (program !== undefined) {
      const given = yield* programFrom(program);
      const fitted = yield* attempting(() => fitProgram(given, dataset.schema));
      const { seed } = { ...DEFAULTS, ...input };
      return { ...fitted, first: yield* attempting(() => firstValues(fitted.network, seed)), parent: undefined };
    }
    const { model, info } = yield* modelFrom(digest!);
    const { network, values } = model;
    const first = [...network.parameters, ...network.state].map(({ path }) => values.get(path)!);
    return { program: model.program, network, first, parent: info.digest };
  });

/** The samples of each client, by their numbers in the data. */
const spread = (dataset: MemoryDataset, how: Partition, clients: number, seed: number): ReadonlyArray<Uint32Array> => {
  const own = dataset.splits.train;
  const isClassified = dataset.schema.target?.kind === "classification";
  if (!isClassified && (how.kind === "shards" || how.kind === "dirichlet")) {
    throw notFederated({
      reason: `${how.kind} spreads classes, and the data have none`,
      path: "/partition",
      expected: ["even", "amounts"],
      actual: how.kind,
    });
  }
  const labels = isClassified ? classesOf(dataset, own) : new Int32Array(own.length);
  return partition(labels, clients, how, seed).map((rows) => Uint32Array.from(rows, (row) => own[row]));
};

const attackOf = ({ kind, scale, deviation = 1 }: NonNullable<Input["attackers"]>): Attack => {
  switch (kind) {
    case "flip":
      return { kind, ...(scale === undefined ? {} : { scale }) };
    case "noise":
      return { kind, deviation };
    case "idle":
      return { kind };
  }
};

/** The clients, some of which may lie. */
const clientsOf = (
  input: Input,
  trainer: LocalTrainer,
  network: Network,
  objective: Objective,
  dataset: MemoryDataset,
) =>
  Effect.gen(function* () {
    const { clients, seed } = { ...DEFAULTS, ...input };
    const how = named<Partition>(input.partition ?? "even");
    const parts = yield* attempting(() => spread(dataset, how, clients, seed));
    const hostile = Math.floor((input.attackers?.share ?? 0) * clients);
    const lot = random(`${seed}/hostile`).shuffle(parts.map((_, k) => k)).slice(0, hostile);
    const entropy = yield* Entropy;
    const made = yield* Effect.forEach(parts, (rows, k) =>
      Effect.gen(function* () {
        const keeper = input.secure === true ? yield* maskKeeper(entropy.bytes(SECRET_BYTES)) : undefined;
        const samples = yield* attempting(() => samplesOfDataset(dataset, rows, network, objective));
        const honest = localClient(`c${k}`, trainer, samples, keeper);
        return lot.includes(k) ? hostileClient(honest, attackOf(input.attackers!)) : honest;
      }));
    return { clients: made as ReadonlyArray<FederatedClient>, hostile, parts };
  });

const settingsOf = (input: Input): FederatedSettings => {
  const { epochs, batch, rate, rounds, seed } = { ...DEFAULTS, ...input };
  const { perRound, proximal, average, compression, privacy, secure, least, rollback } = input;
  return {
    epochs,
    batch,
    rate,
    rounds,
    seed,
    rule: named<Rule>(input.rule ?? "mean"),
    server: named<ServerOptimiser>(input.server ?? "plain"),
    ...(perRound === undefined ? {} : { perRound }),
    ...(proximal === undefined ? {} : { proximal }),
    ...(average === undefined ? {} : { average }),
    ...(compression === undefined ? {} : { compression }),
    ...(privacy === undefined ? {} : { privacy }),
    ...(secure === undefined ? {} : { secure }),
    ...(least === undefined ? {} : { least }),
    ...(rollback === undefined ? {} : { rollback: { minDelta: rollback } }),
  };
};

const scoreJson = (score: Score): { readonly [name: string]: number } => ({ ...score });

const roundJson = (event: Extract<FederatedEvent, { readonly kind: "round" }>) => {
  const { round, used, rejected, loss, skipped, rolledBack, stepLength, score, epsilon } = event;
  return {
    round,
    used: used.length,
    rejected,
    rolledBack,
    stepLength,
    ...(loss === undefined || !Number.isFinite(loss) ? {} : { loss }),
    ...(skipped === undefined ? {} : { skipped }),
    ...(score === undefined || !Number.isFinite(score.loss) ? {} : { score: scoreJson(score) }),
    ...(epsilon === undefined || !Number.isFinite(epsilon) ? {} : { epsilon }),
  };
};

const eventJson = (event: FederatedEvent) => {
  if (event.kind === "round") return { type: "round" as const, ...roundJson(event) };
  const samples = event.clients.map((client) => client.samples);
  return {
    type: "start" as const,
    clients: samples.length,
    smallest: Math.min(...samples),
    largest: Math.max(...samples),
    parameters: event.size,
    ...(event.score === undefined ? {} : { score: scoreJson(event.score) }),
  };
};

/** The tensors of a network whose learned ones are a vector's. */
const valuesOf = (
  network: Network,
  trainer: LocalTrainer,
  weights: Float32Array,
  first: ReadonlyArray<Tensor>,
): Values => {
  const specs = [...network.parameters, ...network.state];
  const values = new Map(first.map((tensor, i) => [specs[i].path, tensor]));
  const { layout } = trainer;
  unflatten(layout, weights).forEach((tensor, i) => values.set(layout.slots[i].path, tensor));
  return values;
};

const judgedBy = (engine: Engine, network: Network, dataset: MemoryDataset, values: Values, test: boolean) =>
  Effect.scoped(Effect.gen(function* () {
    const answerer = yield* makeAnswerer(engine, network);
    yield* answerer.write(values);
    const { validation, test: last } = dataset.splits;
    return {
      ...(validation.length === 0
        ? {}
        : { validation: (yield* judge(answerer, network, dataset, { split: "validation" })).scores }),
      ...(test && last.length > 0
        ? { test: (yield* judge(answerer, network, dataset, { split: "test", guard: new TestGuard() })).scores }
        : {}),
    };
  }));

/** Pays for all steps of all rounds before the first. */
const paid = (
  input: Input,
  network: Network,
  objective: Objective,
  parts: ReadonlyArray<ArrayLike<number>>,
) =>
  Effect.gen(function* () {
    const account = yield* Budget;
    const { batch, rounds, epochs } = { ...DEFAULTS, ...input };
    const perRound = Math.min(input.perRound ?? parts.length, parts.length);
    const stepsOfClient = parts.reduce((sum, rows) => sum + Math.ceil(rows.length / batch), 0) / parts.length;
    const flopsOfStep = yield* attempting(() =>
      Number(costOf(stepProgram(network, objective).program, { [BATCH]: batch }).flops)
    );
    const flops = Math.ceil(rounds * perRound * epochs * stepsOfClient * flopsOfStep);
    yield* account.spend("fuel", Math.min(Number.MAX_SAFE_INTEGER, flops));
    return flops;
  });

/** Runs the rounds and says what happens; gives what was learned and the rounds as they are answered. */
const roundsOf = (federation: Federation, settings: FederatedSettings, start: Float32Array<ArrayBuffer>) =>
  Effect.gen(function* () {
    const call = yield* CallContext;
    let weights = start;
    const done: Array<ReturnType<typeof roundJson>> = [];
    yield* Stream.runForEach(federate(federation, settings), (event) =>
      Effect.gen(function* () {
        if (event.kind === "round") {
          weights = learnedWeights(event.state);
          done.push(roundJson(event));
          yield* call.progress({ label: "rounds", done: event.round, total: settings.rounds, unit: "rounds" });
        }
        yield* call.emit(eventJson(event));
      }));
    return { weights, done };
  });

const metricsOf = (judged: { readonly [part: string]: Scores }): Scores =>
  Object.fromEntries(
    Object.entries(judged).flatMap(([part, scores]) =>
      Object.entries(scores).map(([name, value]) => [`${part}.${name}`, value] as const)
    ),
  );

const federated = (input: Input, engine: Engine) =>
  Effect.scoped(Effect.gen(function* () {
    const { batch, seed } = { ...DEFAULTS, ...input };
    const dataset = yield* memoryData(input.data);
    const { network, program, first, parent } = yield* startOf(input, dataset);
    const isNumber = dataset.schema.target?.kind === "regression";
    const objective = yield* attempting(() =>
      objectiveOf(network, { kind: input.loss ?? (isNumber ? "mse" : "crossEntropy") })
    );
    const trainer = yield* localTrainer(engine, network, objective, { batch, initial: () => first });
    const { clients, hostile, parts } = yield* clientsOf(input, trainer, network, objective, dataset);
    const flops = yield* paid(input, network, objective, parts);
    const { validation } = dataset.splits;
    const watched = validation.length === 0
      ? undefined
      : yield* attempting(() => samplesOfDataset(dataset, validation, network, objective));
    const start = trainer.initial(seed);
    const { weights, done } = yield* roundsOf(
      {
        clients,
        start,
        learned: trainer.layout.learned,
        ...(watched === undefined ? {} : { score: (now) => trainer.score(now, watched) }),
      },
      settingsOf(input),
      start,
    );
    const values = valuesOf(network, trainer, weights, first);
    const metrics = yield* judgedBy(engine, network, dataset, values, input.test ?? true);
    const info = yield* keepModel({
      ...(program === undefined ? {} : { program }),
      network,
      values,
      schema: dataset.schema,
      scales: scalesOf(dataset),
      metrics: metricsOf(metrics),
      lineage: { made: "federate", data: nameOf(input.data), seed, flops, ...(parent === undefined ? {} : { parent }) },
    }, {
      name: input.name,
      description: `learned over ${clients.length} clients in ${done.length} rounds`,
      references: parent === undefined ? [] : [parent],
    });
    const epsilon = done.at(-1)?.epsilon;
    return {
      digest: info.digest,
      names: info.names,
      ...(program === undefined ? {} : { program: print(program.root, program.symbols) }),
      parameters: trainer.layout.learned,
      clients: clients.length,
      hostile,
      rounds: done,
      rejected: done.reduce((sum, { rejected }) => sum + rejected.length, 0),
      flops,
      metrics,
      ...(epsilon === undefined ? {} : { epsilon }),
    };
  }));

/** The handler. */
export const federateHandlers = {
  "neural.federate": (input: Input) => withEngine(input, (engine) => federated(input, engine)),
} as const;
