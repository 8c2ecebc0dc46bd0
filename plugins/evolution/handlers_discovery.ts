/**
 * Handler of discovery: epochs on the workers, kept as a run, told as they go, answered as programs.
 *
 * Invariant: what is found depends on the points, the settings and the epochs, not on the workers or on interruptions;
 * every program that is answered has passed `check`, every scheme its identities.
 *
 * @module
 */
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import { CallContext } from "../../kernel/context.ts";
import { Disk } from "../../kernel/disk.ts";
import { type Digest, digestBytes, digestJson } from "../../kernel/digest.ts";
import { type Failure, failureToJson, type KernelFailure } from "../../kernel/failure.ts";
import type { Json, JsonObject } from "../../kernel/json.ts";
import { Budget } from "../../kernel/meter.ts";
import { withWorkers, Workers } from "../../kernel/workers.ts";
import { Artifacts } from "../../registry/contract.ts";
import type { NeuralFailure } from "../neural/library.ts";
import { attemptingWithData } from "./attempting_data.ts";
import { encodeProgram, parse } from "../rmil/library.ts";
import { type Described, EXACT } from "./discovery/describe.ts";
import { Workbench } from "./discovery/evaluate.ts";
import { encodeFormula, type Formula } from "./discovery/formula.ts";
import type { Task } from "./discovery/island.ts";
import {
  bestScheme,
  decodeMultiplying,
  encodeMultiplying,
  type Multiplying,
  multiplying,
  multiplyingStart,
  type MultiplyingState,
  toldWalks,
  WALK_STEPS,
  type WalkResult,
  walksOf,
} from "./discovery/multiplying.ts";
import { formulaProgram, formulaText } from "./discovery/notation.ts";
import { cellsOf, numbersOf, type Points, pointsFrom } from "./discovery/points.ts";
import { additionsOf, faultsOf, type Scheme, schemeProgram, schemeText } from "./discovery/scheme.ts";
import {
  beginning,
  decodeDiscovery,
  type DiscoveryState,
  encodeDiscovery,
  foundIn,
  type IslandResult,
  jobsOf,
  taskOf,
  toldEpoch,
} from "./discovery/search.ts";
import { badRun, badSetting, type EvolutionFailure } from "./failures.ts";
import { DEFAULT_EPOCHS, DEFAULT_HOLDOUT, DEFAULT_PATIENCE, type Discover, MATMUL } from "./operations_discovery.ts";
import { type OpenRun, openRun, type RunStep } from "./state/keeping.ts";
import type { LineageRow } from "./state/record.ts";

type Input = (typeof Discover)["input"]["Type"];
type Failing = EvolutionFailure | NeuralFailure | KernelFailure;
type Reason = "epochs" | "patience" | "wallMs" | "exact" | "reached";

/** Epochs between two saves. */
const SAVED_EVERY = 4;

const onWorkers = <I, O>(name: string, inputs: ReadonlyArray<I>) =>
  Effect.flatMap(Workers, (workers) =>
    Effect.forEach(
      inputs,
      (input) => workers.run({ module: import.meta.resolve("./discovery/jobs.ts"), name, input }),
      { concurrency: inputs.length },
    )) as Effect.Effect<ReadonlyArray<O>, KernelFailure, Workers>;

/** One kind of discovery, as the loop sees it. */
interface Discovery<S> {
  readonly start: S;
  readonly decode: (json: Json) => S;
  readonly epoch: (state: S) => number;
  /** What one epoch costs, of the fuel. */
  readonly fuel: number;
  readonly next: (state: S) => Effect.Effect<S, Failing, Workers>;
  /** Why it ends, besides its budget. */
  readonly done: (state: S) => Reason | undefined;
  /** What the caller is told after an epoch. */
  readonly event: (state: S) => object;
  /** What is kept of it, besides the lineage. */
  readonly step: (state: S) => Omit<RunStep, "rows" | "memory" | "failures">;
}

interface Ran<S> {
  readonly state: S;
  readonly reason: Reason;
  readonly digest: Digest;
}

/** Runs epochs until one of the reasons to end. */
const runEpochs = <S>(run: OpenRun, discovery: Discovery<S>, budget: NonNullable<Input["budget"]>) =>
  Effect.gen(function* () {
    const call = yield* CallContext;
    const account = yield* Budget;
    const began = yield* Clock.currentTimeMillis;
    const { epochs = DEFAULT_EPOCHS, wallMs = Infinity } = budget;
    let state = run.from === undefined
      ? discovery.start
      : yield* attemptingWithData(() => discovery.decode(run.from!.search));
    let waiting: ReadonlyArray<LineageRow> = [];
    const stepNow = (): RunStep => ({ ...discovery.step(state), failures: 0, memory: null, rows: waiting });
    for (;;) {
      const now = yield* Clock.currentTimeMillis;
      const reason = discovery.done(state) ??
        (discovery.epoch(state) >= epochs ? "epochs" as const : now - began >= wallMs ? "wallMs" as const : undefined);
      if (reason !== undefined) {
        if (run.from?.ended === reason && run.from.generation === discovery.epoch(state)) {
          return { state, reason, digest: run.stored! } satisfies Ran<S>;
        }
        const info = yield* run.end(stepNow(), reason);
        return { state, reason, digest: info.digest } satisfies Ran<S>;
      }
      yield* account.spend("fuel", discovery.fuel);
      state = yield* discovery.next(state);
      const epoch = discovery.epoch(state);
      // What was there before was told before, by the state alone: an interruption tells nothing twice.
      waiting = [...waiting, ...discovery.step(state).archive.filter(({ generation }) => generation === epoch)];
      yield* call.emit(discovery.event(state));
      yield* call.progress({ label: "discovering", done: epoch, total: epochs, unit: "epochs" });
      if (epoch % SAVED_EVERY === 0) {
        yield* run.save(stepNow());
        waiting = [];
      }
    }
  });

/** A row of the lineage for something found at the end of an epoch. */
const rowOf = (genome: Json, generation: number, objectives: ReadonlyArray<number>): LineageRow => {
  const key = digestJson(genome);
  return {
    id: key.slice("sha256:".length).slice(0, 12),
    generation,
    parents: [],
    key,
    edit: "found",
    genome,
    objectives,
  };
};

const pointsOf = (input: Input) =>
  Effect.gen(function* () {
    const { data, target, variables, holdout = DEFAULT_HOLDOUT, seed = 0 } = input;
    if (data === undefined) {
      return yield* badSetting({
        setting: "target",
        wanted: `${MATMUL}, or a column of data that are given`,
        found: JSON.stringify(target),
        path: "/data",
      });
    }
    const asked = { target, holdout, seed, ...(variables === undefined ? {} : { variables }) };
    if ("columns" in data) {
      const columns = new Map(Object.entries(data.columns).map(([name, values]) => [name, Float64Array.from(values)]));
      return yield* attemptingWithData(() => pointsFrom(columns, asked));
    }
    const disk = yield* Disk;
    const bytes = yield* disk.read(data.path);
    const { columns, leftOut } = yield* attemptingWithData(() => numbersOf(cellsOf(bytes, data.delimiter)));
    const points = yield* attemptingWithData(() => pointsFrom(columns, asked));
    return { ...points, leftOut: [...leftOut, ...points.leftOut] };
  });

/** The share of the variance of held-out points that a formula leaves; undefined where it is not finite on them. */
const heldOutError = (formula: Formula, { heldOut: { columns, target } }: Points): number | undefined => {
  if (target.length === 0) return undefined;
  const values = new Workbench(columns, target.length).evaluate(formula);
  const mean = target.reduce((sum, value) => sum + value, 0) / target.length;
  let [left, all] = [0, 0];
  for (let i = 0; i < target.length; i++) {
    left += (target[i] - values[i]) ** 2;
    all += (target[i] - mean) ** 2;
  }
  const share = left / (all > 0 ? all : target.length);
  return Number.isFinite(share) ? share : undefined;
};

const shown = (points: Points) => ({ formula, error, length }: Described) => {
  const { source, flops, bytes } = formulaProgram(formula, points.names);
  const heldOut = heldOutError(formula, points);
  return {
    formula: formulaText(formula, points.names),
    program: source,
    size: formula.size,
    flops,
    bytes: bytes.length,
    error,
    ...(heldOut === undefined ? {} : { heldOut }),
    length,
  };
};

const formulaDiscovery = (task: Task, points: Points, patience: number, islands: number): Discovery<DiscoveryState> => {
  const variables = points.names.length;
  const found = (state: DiscoveryState) => foundIn(state, variables);
  return {
    start: beginning(task, islands),
    decode: (json) => decodeDiscovery(json, task),
    epoch: ({ epoch }) => epoch,
    fuel: task.work * islands,
    next: (state) =>
      Effect.gen(function* () {
        const jobs = yield* attemptingWithData(() => jobsOf(task, state));
        const results = yield* onWorkers<unknown, IslandResult>("advanceIsland", jobs);
        const islands = results.map(({ island }) => island);
        const job = { task, islands, accounts: state.accounts, epoch: state.epoch + 1 };
        const [accounts] = yield* onWorkers<unknown, ReadonlyArray<Json>>("accountsOf", [job]);
        return toldEpoch(task, state, results, accounts);
      }),
    done: (state) =>
      (found(state).chosen?.error ?? 1) <= EXACT ? "exact" : state.still >= patience ? "patience" : undefined,
    event: (state) => {
      const { all, chosen } = found(state);
      return {
        epoch: state.epoch,
        tried: state.tried,
        ...(chosen === undefined ? {} : {
          best: formulaText(chosen.formula, points.names),
          size: chosen.formula.size,
          error: chosen.error,
        }),
        front: all.map(({ formula, error }) => [formula.size, error] as const),
      };
    },
    step: (state) => {
      const { all, chosen } = found(state);
      return {
        generation: state.epoch,
        evaluations: state.tried,
        search: encodeDiscovery(state),
        archive: all.map(({ formula, error, since }) => rowOf(encodeFormula(formula), since, [error, formula.size])),
        ...(chosen === undefined ? {} : { metrics: { error: chosen.error, size: chosen.formula.size } }),
      };
    },
  };
};

const kept = (bytes: Uint8Array, description: string, { name }: Input, metrics: { readonly [name: string]: number }) =>
  Effect.flatMap(Artifacts, (store) =>
    Effect.mapError(
      store.put(bytes, {
        kind: "program",
        media: "application/x-rmil",
        description,
        references: [],
        tags: ["discovered"],
        metrics,
      }, name),
      (failure: Failure): EvolutionFailure | KernelFailure =>
        failure.code.startsWith("KERNEL_")
          ? failure as KernelFailure
          : badRun({ run: "discovery", reason: failure.message, actual: failureToJson(failure) }),
    ));

const discoverFormula = (input: Input) =>
  Effect.gen(function* () {
    const { seed = 0, operators, largest, islands = 4, budget = {} } = input;
    const points = yield* pointsOf(input);
    const { columns, target } = points.fitted;
    const task = yield* attemptingWithData(() =>
      taskOf(columns, target, {
        seed,
        ...(operators === undefined ? {} : { operators }),
        ...(largest === undefined ? {} : { largest }),
        ...(budget.work === undefined ? {} : { epochWork: budget.work }),
      })
    );
    const { patience = DEFAULT_PATIENCE } = budget;
    const digests = [...columns, target].map((values) => digestBytes(new Uint8Array(values.buffer)));
    const spec = {
      target: input.target,
      variables: points.names,
      points: digests,
      operators: task.operators,
      largest: task.largest,
      work: task.work,
      islands,
      seed,
    } as unknown as JsonObject;
    const run = yield* openRun({ name: input.run, operation: "evolution.discover", spec, path: "/run" });
    const ran = yield* runEpochs(run, formulaDiscovery(task, points, patience, islands), budget);
    const { all, chosen } = foundIn(ran.state, points.names.length);
    const base = answered(run, ran, ran.state.epoch, ran.state.tried);
    if (chosen === undefined) return { ...base, names: [] };
    const best = shown(points)(chosen);
    const { bytes } = formulaProgram(chosen.formula, points.names);
    const info = yield* kept(bytes, `${input.target} = ${best.formula}`.slice(0, 400), input, { error: best.error });
    return {
      ...base,
      program: best.program,
      digest: info.digest,
      names: info.names,
      formula: {
        chosen: best,
        found: all.map(shown(points)),
        variables: points.names,
        leftOut: points.leftOut,
        points: { fitted: target.length, heldOut: points.heldOut.target.length, leftOut: points.gaps },
      },
    };
  });

const answered = <S>(run: OpenRun, { reason, digest }: Ran<S>, epochs: number, tried: number) => ({
  run: run.name,
  state: digest,
  resumed: run.from !== undefined,
  reproducible: reason !== "wallMs",
  reason,
  epochs,
  tried,
});

const schemeJson = (scheme: Scheme) => {
  const { sizes: [n, m, p], products } = scheme;
  return {
    sizes: [n, m, p],
    products: products.length,
    additions: additionsOf(scheme),
    identities: n * m * m * p * n * p,
    faults: faultsOf(scheme),
    text: schemeText(scheme),
    left: products.map(({ left }) => left),
    right: products.map(({ right }) => right),
    into: products.map(({ into }) => into),
  };
};

/** What a step of a walk costs, of the fuel. */
const FUEL_OF_STEP = 100;

const schemeDiscovery = (search: Multiplying, walks: number, patience: number): Discovery<MultiplyingState> => ({
  start: multiplyingStart(search, walks),
  decode: (json) => decodeMultiplying(json, search),
  epoch: ({ epoch }) => epoch,
  fuel: walks * FUEL_OF_STEP * WALK_STEPS,
  next: (state) =>
    Effect.map(
      onWorkers<unknown, WalkResult>("walked", walksOf(search, state)),
      (results) => toldWalks(search, state, results),
    ),
  done: (state) =>
    bestScheme(search, state).products.length <= search.wanted
      ? "reached"
      : state.still >= patience
      ? "patience"
      : undefined,
  event: (state) => ({
    epoch: state.epoch,
    tried: state.steps,
    products: bestScheme(search, state).products.length,
  }),
  step: (state) => {
    const best = bestScheme(search, state);
    const genome = { products: best.products.map(({ left, right, into }) => [left, right, into]) };
    return {
      generation: state.epoch,
      evaluations: state.steps,
      search: encodeMultiplying(state),
      archive: [rowOf(genome, state.epoch - state.still, [best.products.length, additionsOf(best)])],
      metrics: { products: best.products.length },
    };
  },
});

const discoverScheme = (input: Input) =>
  Effect.gen(function* () {
    const { size = [2, 2, 2], products, seed = 0, islands = 4, budget = {} } = input;
    const search = yield* attemptingWithData(() => multiplying(size, products, seed));
    const spec = { target: MATMUL, size: [...size], wanted: search.wanted, islands, seed };
    const run = yield* openRun({ name: input.run, operation: "evolution.discover", spec, path: "/run" });
    const { patience = DEFAULT_PATIENCE } = budget;
    const ran = yield* runEpochs(run, schemeDiscovery(search, islands, patience), budget);
    const scheme = bestScheme(search, ran.state);
    const source = schemeProgram(scheme);
    const described = schemeJson(scheme);
    const description = `product of ${size.join("×")} in ${described.products} products`;
    const info = yield* kept(encodeProgram(parse(source)), description, input, { products: described.products });
    return {
      ...answered(run, ran, ran.state.epoch, ran.state.steps),
      program: source,
      digest: info.digest,
      names: info.names,
      scheme: described,
    };
  });

const onOwnWorkers = <A, E, R>(workers: number | undefined, work: Effect.Effect<A, E, R>) =>
  workers === undefined ? work : withWorkers({ workers }, work);

const discovered = (input: Input) =>
  input.data === undefined && input.target === MATMUL
    ? onOwnWorkers(input.workers, discoverScheme(input))
    : onOwnWorkers(input.workers, discoverFormula(input));

/** The handlers. */
export const discoveryHandlers = { "evolution.discover": discovered } as const;
