/**
 * Evolving: from what a caller asks for to a search, its scoring and its run, and back to an answer.
 *
 * Invariant: what a run is (its genome, objective, algorithm and seed) is apart from how far and how fast it is run, so
 * that a run may be gone on with under another budget, by other workers, to the same results.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { CallContext } from "../../../kernel/context.ts";
import { type Digest, digestJson } from "../../../kernel/digest.ts";
import type { KernelFailure } from "../../../kernel/failure.ts";
import type { Json, JsonObject } from "../../../kernel/json.ts";
import { withWorkers, type WorkerKind, Workers } from "../../../kernel/workers.ts";
import { encodeProgram, type Program } from "../../rmil/library.ts";
import { attempting } from "../attempting.ts";
import type { Search } from "../contract.ts";
import { badObjective, type EvolutionFailure } from "../failures.ts";
import { runDurably } from "../state/durable.ts";
import type { Ended, Generation, RunBudget } from "../state/durable.ts";
import { type KeepsRuns, leastOf, openRun } from "../state/keeping.ts";
import { type AlgorithmName, type IslandsGiven, searchNamed, usualAlgorithm } from "./algorithms.ts";
import { planSeeds } from "./examples.ts";
import { type GenomeGiven, type GenomePlan, planGenome, type SettingsGiven } from "./genomes.ts";
import {
  type ObjectiveGiven,
  type ObjectivePlan,
  ownGenome,
  planObjective,
  type ReadsObjective,
} from "./objectives.ts";
import { type Scores, scoring } from "./scoring.ts";

/** Generations where nothing is said. */
export const DEFAULT_GENERATIONS = 50;

/** Generations between two saves where nothing is said. */
export const DEFAULT_EVERY = 10;

/** What a run is. */
export interface EvolveAsked {
  /** The genome; a problem of the literature has its own. */
  readonly over?: GenomeGiven;
  /** What scores. */
  readonly objective: ObjectiveGiven;
  /** The algorithm, by itself or with settings. */
  readonly algorithm?: AlgorithmName | { readonly kind: AlgorithmName; readonly settings?: SettingsGiven };
  /** Settings of variation. */
  readonly variation?: SettingsGiven;
  /** Members of the population. */
  readonly population?: number;
  /** Islands. */
  readonly islands?: IslandsGiven;
  /** The seed; 0 where absent. */
  readonly seed?: number;
}

/** How far and how fast it is run. */
export interface RunAsked {
  /** Generations. */
  readonly generations?: number;
  /** What else ends it. */
  readonly budget?: Omit<RunBudget, "generations">;
  /** The objective at which it ends. */
  readonly goal?: number;
  /** Workers; those of the kernel where absent. */
  readonly workers?: number;
  /** What the workers are; those of the kernel where absent. */
  readonly isolation?: WorkerKind;
  /** Generations between two saves. */
  readonly every?: number;
}

/** A run ready to start. */
export interface PlannedRun {
  /** What asks. */
  readonly search: Search<unknown>;
  /** What is evolved. */
  readonly genome: GenomePlan;
  /** What scores. */
  readonly objective: ObjectivePlan;
  /** The algorithm's name. */
  readonly algorithm: AlgorithmName;
  /** What it is, as stored. */
  readonly spec: JsonObject;
}

const hexOf = (program: Program) => ({ hex: encodeProgram(program).toHex() });

/** Plans a run: everything that can be refused is refused here. */
export const planRun = (
  asked: EvolveAsked,
): Effect.Effect<PlannedRun, EvolutionFailure | KernelFailure, ReadsObjective> =>
  Effect.gen(function* () {
    const own = yield* ownGenome(asked.objective);
    const over = asked.over ?? own;
    if (over === undefined || (own !== undefined && asked.over !== undefined)) {
      return yield* badObjective({
        objective: own === undefined ? "the objective" : "a problem of the literature",
        reason: own === undefined ? "what is evolved is not said" : "it has a genome of its own",
        path: "/over",
        ...(own === undefined
          ? { expected: { reals: 2, lower: -1, upper: 1 } }
          : { fix: { summary: "Leave the genome out", patch: [{ op: "remove", path: "/over" }] } }),
      });
    }
    const examples = "examples" in asked.objective ? asked.objective.examples : undefined;
    const began = "programs" in over ? yield* planSeeds(examples, over.programs) : undefined;
    const genome = yield* attempting(() => planGenome(over, asked.variation, began));
    const objective = yield* planObjective(asked.objective, genome);
    const { algorithm: named, population, seed = 0 } = asked;
    const { kind, settings } = typeof named === "object"
      ? { kind: named.kind, settings: named.settings ?? {} }
      : { kind: named ?? usualAlgorithm({ genome, ...objective }), settings: {} };
    const search = yield* attempting(() =>
      searchNamed(
        kind,
        {
          genome,
          objectives: objective.objectives,
          descriptor: objective.descriptor,
          seed,
          ...(population === undefined ? {} : { size: population }),
        },
        settings,
        asked.islands,
      )
    );
    const spec = {
      ...(own !== undefined
        ? {}
        : { over: began === undefined ? over : { ...over, programs: began.seeds.map(hexOf) } }),
      objective: objective.spec,
      algorithm: { kind, settings },
      ...(asked.variation === undefined ? {} : { variation: asked.variation }),
      ...(population === undefined ? {} : { population }),
      ...(asked.islands === undefined ? {} : { islands: { ...asked.islands } }),
      seed,
    };
    return { search, genome, objective, algorithm: kind, spec: spec as unknown as JsonObject };
  });

/** What is told after every generation. */
export interface EvolveEvent {
  /** Generations told. */
  readonly generation: number;
  /** Candidates told. */
  readonly evaluations: number;
  /** Of these, how many failed. */
  readonly failures: number;
  /** The least value of each objective in the archive; absent while there is none. */
  readonly least?: ReadonlyArray<number>;
  /** How many the archive holds: 1, or the size of the front. */
  readonly front: number;
}

const eventOf = ({ state, failures, archive }: Generation<unknown>): EvolveEvent => {
  const least = leastOf(archive);
  return {
    generation: state.generation,
    evaluations: state.evaluations,
    failures,
    front: archive.length,
    ...(least === undefined ? {} : { least }),
  };
};

/** What a run remembers besides its search: how far it was asked to go. */
export const memoryOf = ({ generations = DEFAULT_GENERATIONS, budget = {}, goal, every }: RunAsked): Json => ({
  generations,
  budget: { ...budget },
  ...(goal === undefined ? {} : { goal }),
  ...(every === undefined ? {} : { every }),
});

/** A run that ended, with the name and the digests of what it left. */
export interface Evolved extends Ended<unknown> {
  /** The run's name. */
  readonly run: string;
  /** Digest of the archive: equal for equal runs. */
  readonly archiveDigest: Digest;
}

/** Runs a planned search to the end of its budget, kept under a name, telling the caller after every generation. */
export const evolve = (
  { search, genome, objective, spec }: PlannedRun,
  asked: RunAsked & { readonly name?: string },
): Effect.Effect<Evolved, EvolutionFailure | KernelFailure, KeepsRuns | Scores | ReadsObjective> => {
  const { generations = DEFAULT_GENERATIONS, budget = {}, goal, workers, isolation, every = DEFAULT_EVERY, name } =
    asked;
  const ran = Effect.gen(function* () {
    const call = yield* CallContext;
    const run = yield* openRun({ name, operation: "evolution.evolve", spec, path: "/name" });
    const ended = yield* runDurably({
      run,
      search,
      evaluate: scoring(objective, genome),
      budget: { ...budget, generations },
      every,
      ...(goal === undefined ? {} : { goal }),
      remember: () => ({ memory: memoryOf(asked) }),
      onGeneration: (told) =>
        Effect.andThen(
          call.emit(eventOf(told)),
          call.progress({ label: "evolving", done: told.state.generation, total: generations, unit: "generations" }),
        ),
    });
    return { ...ended, run: run.name, archiveDigest: digestJson(ended.archive) };
  });
  if (workers === undefined && isolation === undefined) return ran;
  return Effect.flatMap(
    Workers,
    ({ size, kind }) => withWorkers({ workers: workers ?? size, kind: isolation ?? kind }, ran),
  );
};
