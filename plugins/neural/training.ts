/**
 * Training: what a caller asks for, with what it leaves open filled in, as the plan of a run on data.
 *
 * Not the run (fit.ts). Invariant: the plan depends on what is asked and on the data alone; `runDigest` names both, so a
 * checkpoint is only gone on from by the same training.
 *
 * @module
 */
import { type Digest, digestJson } from "../../kernel/digest.ts";
import type { Json } from "../../kernel/json.ts";
import type { Value } from "../ir/library.ts";
import { programDigest } from "../ir/library.ts";
import type { FunctionBuilder } from "../ir/library.ts";
import type { FitBudget } from "./budget.ts";
import { BATCH, type Network, type Port } from "./contract.ts";
import type { Augmentation } from "./data/augment.ts";
import type { DataSchema, MemoryDataset, Target } from "./data/dataset.ts";
import { cannotTrain } from "./failures.ts";
import { type Feed, feedOf } from "./feed.ts";
import type { FitPlan } from "./fit.ts";
import type { GroupRule } from "./groups.ts";
import { emitLoss, type Loss, type LossName, type LossSettings } from "./losses.ts";
import type { Optimiser, OptimiserName, OptimiserSettings } from "./optimisers.ts";
import type { Schedule, ScheduleName } from "./schedules.ts";
import type { Clipping, LossFunction, Measures } from "./step.ts";

/** What a training is asked for, besides what it trains and on what. */
export interface TrainingRequest {
  /** The loss. */
  readonly loss?: LossName | { readonly kind: LossName; readonly settings?: LossSettings };
  /** The optimiser. */
  readonly optimizer?: OptimiserName | { readonly kind: OptimiserName; readonly settings?: OptimiserSettings };
  /** The rate. */
  readonly rate?: number;
  /** The schedule. */
  readonly schedule?: ScheduleName | Schedule;
  /** Passes over the data. */
  readonly epochs?: number;
  /** Samples of a step. */
  readonly batch?: number;
  /** Where draws start. */
  readonly seed?: number;
  /** Changes of samples. */
  readonly augment?: ReadonlyArray<Augmentation>;
  /** Rules for some parameters. */
  readonly groups?: ReadonlyArray<GroupRule>;
  /** Bounds of gradients. */
  readonly clip?: Clipping;
  /** Share that a running average keeps. */
  readonly average?: number;
  /** Parts of a batch. */
  readonly accumulate?: number;
  /** Narrow products. */
  readonly precision?: "f16" | "bf16";
  /** What it may use. */
  readonly budget?: FitBudget;
}

/** What is taken where nothing is said. */
export const TRAINING_DEFAULTS = { epochs: 5, batch: 32, seed: 0, optimizer: "adam", schedule: "oneCycle" } as const;

/** Rate of Adam where nothing is said: with one cycle it is its peak. */
export const ADAM_RATE = 0.004;

/** Images of at least this many pixels a side are shifted by a pixel where nothing is said. */
const SHIFTED_FROM = 16;

const usualAugmentation = ({ inputs }: DataSchema): ReadonlyArray<Augmentation> => {
  const [only, ...others] = inputs;
  const isImage = others.length === 0 && only.type.dtype === "f32" && only.type.shape.length === 3 &&
    only.type.shape.slice(1).every((side) => side >= SHIFTED_FROM);
  return isImage ? [{ kind: "shift", pixels: 1 }] : [];
};

const named = <K extends string, T extends { readonly kind: K }>(given: K | T): T | { readonly kind: K } =>
  typeof given === "string" ? { kind: given } : given;

const usualLoss = ({ kind }: Target): Loss => ({ kind: kind === "regression" ? "mse" : "crossEntropy" });

/** The loss of the first output and the target, which may differ in axes of size one. */
const aligned = (loss: Loss, target: Target): LossFunction => (g, [output], [wanted]) => {
  const isNumber = target.kind === "regression" && output.type.shape.length !== wanted.type.shape.length;
  return emitLoss(g, loss, output, isNumber ? g.reshape(wanted, output.type.shape) : wanted);
};

/** How many answers of a batch are right, as a share. */
const rightShare: Measures = (g: FunctionBuilder, [output]: ReadonlyArray<Value>, [wanted]: ReadonlyArray<Value>) => {
  const answers = g.argReduce("max", output, -1);
  const right = g.compare("eq", answers, g.cast(wanted, answers.type.dtype));
  return { accuracy: g.mean(g.cast(right, "f32")) };
};

/** A training on data, ready to be run. */
export interface PlannedTraining {
  /** The plan, without what looks at it and saves it. */
  readonly plan: FitPlan;
  /** Identity of the training: the same one goes on from its checkpoints. */
  readonly run: Digest;
}

/** What is asked with what was left open. Throws the failures of its parts. */
export const planTraining = (
  network: Network,
  dataset: MemoryDataset,
  request: TrainingRequest,
): PlannedTraining => {
  const { schema } = dataset;
  const { target } = schema;
  if (target === undefined) throw cannotTrain({ reason: "the data have no target", path: "/data" });
  const { epochs, batch, seed, optimizer, schedule } = { ...TRAINING_DEFAULTS, ...request };
  const optimiser: Optimiser = named<OptimiserName, Optimiser>(optimizer);
  const loss = request.loss === undefined ? usualLoss(target) : named<LossName, Loss>(request.loss);
  const targets: ReadonlyArray<Port> = [{
    name: target.name,
    type: { dtype: target.type.dtype, shape: [BATCH, ...target.type.shape] },
  }];
  const augment = request.augment ?? usualAugmentation(schema);
  const rate = request.rate ?? (optimiser.kind === "adam" || optimiser.kind === "adamw" ? ADAM_RATE : undefined);
  const feed: Feed = feedOf(dataset, { batch, seed, augment, inputs: network.inputs, targets });
  const { groups, clip, average, accumulate, precision, budget } = request;
  const settings = {
    optimiser,
    epochs,
    seed,
    schedule: named<ScheduleName, Schedule>(schedule),
    ...(rate === undefined ? {} : { rate }),
    ...(groups === undefined ? {} : { groups }),
    ...(clip === undefined ? {} : { clip }),
    ...(average === undefined ? {} : { average }),
    ...(accumulate === undefined ? {} : { accumulate }),
    ...(precision === undefined ? {} : { precision: { dtype: precision } }),
  };
  const isClass = target.kind !== "regression";
  const plan: FitPlan = {
    ...settings,
    network,
    targets,
    loss: aligned(loss, target),
    feed,
    ...(isClass ? { measures: rightShare } : {}),
    ...(budget === undefined ? {} : { budget }),
  };
  const identity = {
    ...settings,
    loss,
    augment,
    batch: feed.batch,
    program: programDigest(network.training),
    data: {
      name: dataset.name,
      length: dataset.length,
      splits: Object.values(dataset.splits).map((split) => split.length),
    },
  };
  return { plan, run: digestJson(identity as unknown as Json) };
};
