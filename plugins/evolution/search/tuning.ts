/**
 * Tuning: a run that looks for the best setting of a program and its training, kept like every run of this room.
 *
 * Invariant: the search sees what is learned from and what is chosen by, never the held-out part, which the chosen
 * setting is judged on once, after the search has ended; trials do not depend on how many workers there are.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { CallContext } from "../../../kernel/context.ts";
import { type Digest, digestBytes, digestJson } from "../../../kernel/digest.ts";
import { isJsonObject, type Json, type JsonObject } from "../../../kernel/json.ts";
import { Budget } from "../../../kernel/meter.ts";
import { random } from "../../../kernel/random.ts";
import { Workers } from "../../../kernel/workers.ts";
import { toBytes } from "../../ir/library.ts";
import {
  attempting as attemptingNeural,
  fitProgram,
  type MemoryDataset,
  type Scores,
  TestGuard,
  type TrainingRequest,
} from "../../neural/library.ts";
import { parse } from "../../rmil/library.ts";
import { attempting } from "../attempting.ts";
import type { Candidate as Asked } from "../contract.ts";
import { badSetting } from "../failures.ts";
import { type Ended, runDurably, type Standing } from "../state/durable.ts";
import { openRun } from "../state/keeping.ts";
import { remember, warmStart } from "../meta/experience_store.ts";
import { candidateOf, checkReadable, spaceOf } from "./candidate.ts";
import { limited, type MethodName, type MethodSettings, type Tuner, tunerOf } from "./methods.ts";
import { heldOut, portable, type PortableData } from "./portable_data.ts";
import { checkedSpace, drawSetting, type Setting, type Space } from "./space.ts";
import type { NotTrained, Trained, TrainingTask } from "./training_job.ts";
import { experienceOf, experienceSpace, featuresOfData, SUGGESTED, warmSearch } from "./warm.ts";

const MODULE = new URL("./training_job.ts", import.meta.url).href;

/** Scores of which more is better. */
const LARGER: ReadonlySet<string> = new Set(["accuracy", "microF1", "macroF1", "r2"]);

/** What a run of tuning is: everything that its results depend on. */
export interface TuneAsked {
  /** The program, with places `?name` that settings fill. */
  readonly program: string;
  /** What is searched; the usual space where absent. */
  readonly space?: Space;
  /** How it is searched, by itself or with settings. */
  readonly method?: MethodName | { readonly kind: MethodName; readonly settings?: MethodSettings };
  /** Which score of the part to choose by decides; `loss` where absent. */
  readonly measure?: string;
  /** Passes over the data of a whole training; 5 where absent. */
  readonly epochs?: number;
  /** The seed; 0 where absent. */
  readonly seed?: number;
  /** Settings asked at once; 4 where absent. */
  readonly atOnce?: number;
  /** How exactly numbers are computed. */
  readonly numerics?: "fast" | "strict";
  /** Whether it begins with what did well on tasks like this one. */
  readonly warm?: boolean;
}

/** How far it is run. */
export interface TuneBudget {
  /** Trials. */
  readonly trials?: number;
  /** Operations after which no trial begins. */
  readonly flops?: number;
  /** Milliseconds after which none begins. */
  readonly wallMs?: number;
}

/** Settings asked at once where nothing is said. */
export const USUAL_AT_ONCE = 4;

/** Passes over the data where nothing is said. */
export const USUAL_EPOCHS = 5;

/** The best that was tried. */
export interface BestTrial {
  /** Its name in the lineage. */
  readonly id: string;
  /** What was set. */
  readonly setting: Setting;
  /** The share of a whole training that it got. */
  readonly share: number;
  /** What decided. */
  readonly objective: number;
  /** All judgements of the part to choose by. */
  readonly scores: Scores;
}

/** What a run remembers besides its search. */
interface Remembered {
  readonly flops: number;
  readonly best: BestTrial | null;
  /** Steps of those that may be promoted, by their names. */
  readonly steps: { readonly [id: string]: number };
  /** Settings that it began with. */
  readonly warm: ReadonlyArray<Json>;
}

/** A trial that ended. */
export interface TrialEvent {
  /** Trials told so far, this one among them. */
  readonly trial: number;
  /** Its name. */
  readonly id: string;
  /** What was set. */
  readonly setting: Setting;
  /** The share of a whole training. */
  readonly share: number;
  /** Judgements; absent where it failed. */
  readonly scores?: Scores;
  /** Why it has none. */
  readonly failed?: string;
  /** The value of the measure of the best so far. */
  readonly best?: number;
}

/** A tuning ready to run. */
export interface PlannedTuning {
  /** What asks. */
  readonly tuner: Tuner;
  /** What is asked. */
  readonly space: Space;
  /** The method. */
  readonly method: MethodName;
  /** The deciding score. */
  readonly measure: string;
  /** What candidates learn from and are chosen by. */
  readonly data: PortableData;
  /** What is set of a training where a setting says nothing. */
  readonly training: TrainingRequest;
  /** What it is, as stored. */
  readonly spec: JsonObject;
}

/** Identity of what candidates learn from and are chosen by. */
const digestOfData = ({ name, inputs, target, train, validation }: PortableData): Digest => {
  const columns = [...inputs, ...(target === undefined ? [] : [target])];
  return digestJson({
    name,
    train,
    validation,
    columns: columns.map(({ name: column, stored, affine }) => ({
      column,
      stored: digestBytes(toBytes(stored)),
      ...(affine === undefined ? {} : { scale: [...affine.scale], offset: [...affine.offset] }),
    })),
  });
};

/** Settings that are drawn to see whether a program fits the data. */
const FITTING_DRAWS = 8;

/** Refuses a program that fits the data under none of some settings: it would fail in every trial. */
const someFits = (program: string, space: Space, { schema }: MemoryDataset) => {
  const chance = random("fits");
  const fits = attemptingNeural(() =>
    fitProgram(parse(candidateOf(program, drawSetting(space, chance), {}).program), schema)
  );
  return Effect.retry(fits, { times: FITTING_DRAWS - 1 });
};

/** Plans a tuning: what can be refused before a trial is refused here. */
export const planTuning = (asked: TuneAsked, dataset: MemoryDataset, budget: TuneBudget) =>
  Effect.gen(function* () {
    const { program, seed = 0, measure = "loss", epochs = USUAL_EPOCHS, atOnce = USUAL_AT_ONCE, numerics } = asked;
    const { kind, settings = {} } = typeof asked.method === "object"
      ? asked.method
      : { kind: asked.method ?? "bayesian" as const };
    const space = spaceOf(program, asked.space);
    const { trials } = budget;
    const tuner = yield* attempting(() => {
      checkedSpace(space);
      checkReadable(program, space);
      return tunerOf(kind, { space, seed, atOnce, settings, ...(trials === undefined ? {} : { trials }) });
    });
    const training: TrainingRequest = { epochs, seed };
    yield* someFits(program, space, dataset);
    if (dataset.splits.validation.length === 0) {
      return yield* badSetting({
        setting: "data",
        wanted: "split so that there is a part to choose by",
        found: `${dataset.name} with an empty validation part`,
        path: "/data",
      });
    }
    const data = portable(dataset);
    const spec = {
      program,
      space,
      method: { kind, settings },
      measure,
      epochs,
      seed,
      atOnce,
      data: digestOfData(data),
      ...(numerics === undefined ? {} : { numerics }),
      ...(asked.warm === true ? { warm: true } : {}),
    };
    const planned: PlannedTuning = {
      tuner,
      space,
      method: kind,
      measure,
      data,
      training,
      spec: spec as unknown as JsonObject,
    };
    return planned;
  });

/** Smaller is better. */
const objectiveOf = ({ scores }: Trained, measure: string): number | undefined => {
  const value = scores[measure];
  // Adding 0 turns −0, which canonical JSON refuses, into 0.
  return value === undefined ? undefined : (LARGER.has(measure) ? -value : value) + 0;
};

/** The measure of an objective. */
export const measureOf = (objective: number, measure: string): number =>
  (LARGER.has(measure) ? -objective : objective) + 0;

/** The better of two: the one trained further, then the one that scores better. */
const betterOf = (a: BestTrial | null, b: BestTrial): BestTrial =>
  a === null || b.share > a.share || (b.share === a.share && b.objective < a.objective) ? b : a;

const rememberedOf = (memory: Json | undefined): Remembered =>
  isJsonObject(memory ?? null) ? memory as unknown as Remembered : { flops: 0, best: null, steps: {}, warm: [] };

/** Trials of a run: trained by workers, remembered as long as they may be promoted. */
class Trials {
  /** Checkpoints of candidates that may be promoted, by their names. A run that was interrupted trains without them. */
  private checkpoints = new Map<string, Uint8Array>();
  private steps: { readonly [id: string]: number };
  /** Operations of all trials: the same whether they went on from checkpoints or not. */
  flops: number;
  /** The best so far. */
  best: BestTrial | null;
  /** Whether the search had nothing more to ask. */
  isThrough = false;

  constructor(
    private readonly asked: TuneAsked,
    private readonly planned: PlannedTuning,
    remembered: Remembered,
    private told: number,
    private readonly warm: ReadonlyArray<Json>,
  ) {
    ({ flops: this.flops, best: this.best, steps: this.steps } = remembered);
  }

  private task({ genome, parents }: Asked<unknown>): TrainingTask {
    const { tuner, data, training } = this.planned;
    const { setting, share } = tuner.tried(genome);
    const from = parents.length === 1 ? this.checkpoints.get(parents[0]) : undefined;
    const { numerics, program } = this.asked;
    return {
      ...candidateOf(program, setting, training),
      data,
      share,
      keep: share < 1,
      ...(numerics === undefined ? {} : { numerics }),
      ...(from === undefined ? {} : { from }),
    };
  }

  private train(candidate: Asked<unknown>) {
    const input = this.task(candidate);
    return Effect.gen(function* () {
      const workers = yield* Workers;
      // What breaks a worker is the candidate's failure, not the run's.
      return yield* Effect.match(workers.run({ module: MODULE, name: "trainCandidate", input }), {
        onSuccess: (value) => value as Trained | NotTrained,
        onFailure: (failure): NotTrained => ({ failed: failure.message, flops: 0 }),
      });
    });
  }

  /** Operations from where its parent stopped, whether or not that checkpoint was at hand. */
  private costOf({ parents }: Asked<unknown>, result: Trained | NotTrained): number {
    const [parent] = parents;
    if ("failed" in result || !Object.hasOwn(this.steps, parent ?? "")) return result.flops;
    const taken = result.steps - (this.checkpoints.has(parent) ? this.steps[parent] : 0);
    return taken === 0 ? 0 : result.flops / taken * (result.steps - this.steps[parent]);
  }

  private tell(candidate: Asked<unknown>, result: Trained | NotTrained): unknown {
    const { tuner, measure } = this.planned;
    const { setting, share } = tuner.tried(candidate.genome);
    if ("failed" in result) return { failed: result.failed };
    const objective = objectiveOf(result, measure);
    if (objective === undefined) {
      return { failed: `it has no score ${measure}, but ${Object.keys(result.scores).join(", ")}` };
    }
    const scores = Object.fromEntries(Object.entries(result.scores).map(([name, value]) => [name, value + 0]));
    this.best = betterOf(this.best, { id: candidate.id, setting, share, objective, scores });
    return { objectives: [objective] };
  }

  private event(candidate: Asked<unknown>, result: Trained | NotTrained): TrialEvent {
    const { tuner, measure } = this.planned;
    this.told++;
    return {
      trial: this.told,
      id: candidate.id,
      ...tuner.tried(candidate.genome),
      ...("failed" in result ? { failed: result.failed } : { scores: result.scores }),
      ...(this.best === null ? {} : { best: measureOf(this.best.objective, measure) }),
    };
  }

  /** Scores a generation, telling of each trial in the order asked. */
  score(asked: ReadonlyArray<Asked<unknown>>) {
    return Effect.gen({ self: this }, function* () {
      const call = yield* CallContext;
      const account = yield* Budget;
      const { size } = yield* Workers;
      if (asked.length === 0) {
        this.isThrough = true;
        return [];
      }
      const results = yield* Effect.forEach(asked, (candidate) => this.train(candidate), { concurrency: size });
      const spent = asked.reduce((sum, candidate, at) => sum + this.costOf(candidate, results[at]), 0);
      this.flops += spent;
      yield* account.spend("fuel", Math.ceil(spent));
      const scores = asked.map((candidate, at) => this.tell(candidate, results[at]));
      const kept = asked.flatMap(({ id }, at) => {
        const result = results[at];
        return "failed" in result || result.checkpoint === undefined ? [] : [{ id, ...result }];
      });
      this.checkpoints = new Map(kept.map(({ id, checkpoint }) => [id, checkpoint!]));
      this.steps = Object.fromEntries(kept.map(({ id, steps }) => [id, steps]));
      for (const [at, candidate] of asked.entries()) {
        yield* call.emit(this.event(candidate, results[at]));
        yield* call.progress({ label: "tuning", done: this.told, total: this.planned.tuner.trials, unit: "trials" });
      }
      return scores;
    });
  }

  /** What the run remembers. */
  get remembered(): Remembered {
    return { flops: this.flops, best: this.best, steps: this.steps, warm: this.warm };
  }
}

/** How a tuning ended. */
export interface Tuned extends Ended<unknown> {
  /** The run's name. */
  readonly run: string;
  /** The best trial; absent where all failed. */
  readonly best: BestTrial | null;
  /** Operations of all trials, by count. */
  readonly flops: number;
  /** Settings that were known when it began, of which the first generation took some. */
  readonly warm: number;
}

/** Settings that did well on tasks like this one, in this space. */
const suggested = ({ space, data }: PlannedTuning) =>
  Effect.gen(function* () {
    const features = yield* attempting(() => featuresOfData(data));
    if (features === undefined) return [];
    const found = yield* warmStart({ space: experienceSpace(space), features, count: SUGGESTED });
    return found.map(({ setting }) => setting);
  });

/** Leaves what was found for later runs. */
const left = ({ tuner, space, data }: PlannedTuning, { state, best }: Pick<Tuned, "state" | "best">) =>
  Effect.gen(function* () {
    const features = yield* attempting(() => featuresOfData(data));
    if (features !== undefined && best !== null) yield* remember(experienceOf(tuner, space, features, state));
  });

/** Runs a tuning to the end of its budget, kept under a name. */
export const tune = (
  asked: TuneAsked,
  planned: PlannedTuning,
  { budget, name }: { readonly budget: TuneBudget; readonly name?: string | undefined },
) =>
  Effect.gen(function* () {
    const { tuner, space, spec } = planned;
    const run = yield* openRun({ name, operation: "evolution.tune", spec, path: "/name" });
    const known = rememberedOf(run.from?.memory);
    // A run that goes on begins with what it began with, whatever was learnt since.
    const warm = run.from !== undefined ? known.warm : asked.warm === true ? yield* suggested(planned) : [];
    const trials = new Trials(asked, planned, known, run.from?.evaluations ?? 0, warm);
    const ended = yield* runDurably({
      run,
      search: limited(yield* attempting(() => warmSearch(tuner, space, warm)), tuner.trials),
      evaluate: (generation) => trials.score(generation),
      budget: { evaluations: tuner.trials, ...(budget.wallMs === undefined ? {} : { wallMs: budget.wallMs }) },
      stop: (_: Standing<unknown>) => {
        if (trials.isThrough) return "exhausted";
        return trials.flops >= (budget.flops ?? Infinity) ? "flops" : undefined;
      },
      remember: () => ({ memory: trials.remembered as unknown as Json }),
    });
    const result: Tuned = { ...ended, run: run.name, best: trials.best, flops: trials.flops, warm: warm.length };
    yield* left(planned, result);
    return result;
  });

/** Trains the best setting in full and judges it on the part that was held back, which nothing has seen until now. */
export const judgeHeldOut = (asked: TuneAsked, planned: PlannedTuning, best: BestTrial, dataset: MemoryDataset) =>
  Effect.gen(function* () {
    if (dataset.splits.test.length === 0) return undefined;
    const { training } = planned;
    const { numerics } = asked;
    const data = yield* attemptingNeural(() => heldOut(dataset, new TestGuard()));
    const task: TrainingTask = {
      ...candidateOf(asked.program, best.setting, training),
      data,
      ...(numerics === undefined ? {} : { numerics }),
    };
    const workers = yield* Workers;
    const account = yield* Budget;
    const result = (yield* workers.run({ module: MODULE, name: "trainCandidate", input: task })) as
      | Trained
      | NotTrained;
    yield* account.spend("fuel", Math.ceil(result.flops));
    return result;
  });
