/**
 * Losses: how far outputs are from targets, as rows of a table that emit primitives; gradients follow from those.
 *
 * Not metrics, which nobody differentiates (metrics.ts).
 * Invariant: outputs and targets fit exactly (nothing is broadcast or cut), and no finite input gives NaN: logarithms of
 * probabilities come from log-softmax, and 0·log 0 is 0.
 *
 * @module
 */
import type { TensorType } from "../ir/contract.ts";
import { type FunctionBuilder, isFloat, isInteger, printType, tensor, type Value } from "../ir/library.ts";
import { nearest } from "../../kernel/nearest.ts";
import { badSetting, lossMisfit } from "./failures.ts";

/** Names of the losses. */
export const LOSS_NAMES = [
  "mse",
  "l1",
  "smoothL1",
  "huber",
  "bce",
  "bceWithLogits",
  "crossEntropy",
  "nll",
  "klDiv",
  "focal",
  "hinge",
  "contrastive",
] as const;

/** Name of a loss. */
export type LossName = typeof LOSS_NAMES[number];

/** How the losses of elements or samples become one: `batchMean` divides their sum by the first size. */
export const REDUCTIONS = ["mean", "sum", "batchMean", "none"] as const;

/** How the losses of elements or samples become one. */
export type Reduction = typeof REDUCTIONS[number];

/** What is set of a loss. */
export interface LossSettings {
  /** How losses become one; `mean` where absent. */
  readonly reduction?: Reduction;
  /** Of smoothL1: where the line begins. */
  readonly beta?: number;
  /** Of huber: where the line begins. */
  readonly delta?: number;
  /** Of crossEntropy: share of the target spread over all classes. */
  readonly smoothing?: number;
  /** Of crossEntropy, nll, focal: a weight for each class. */
  readonly weights?: ReadonlyArray<number>;
  /** Of crossEntropy, nll, focal: a class whose samples do not count. */
  readonly ignoreIndex?: number;
  /** Of klDiv: whether the target is logarithms too. */
  readonly logTarget?: boolean;
  /** Of focal: how much what is known already counts less. */
  readonly gamma?: number;
  /** Of hinge and contrastive: how far apart is far enough. */
  readonly margin?: number;
}

/** A loss as data. */
export interface Loss {
  /** Its name. */
  readonly kind: LossName;
  /** What differs from its row's defaults. */
  readonly settings?: LossSettings;
}

/** Losses of elements or samples, and what a mean divides by where it is not their number. */
interface Each {
  readonly losses: Value;
  readonly weights?: Value;
}

/** What a row is given. */
interface Compared {
  readonly g: FunctionBuilder;
  readonly x: Value;
  readonly t: Value;
  readonly settings: Required<Omit<LossSettings, "weights" | "ignoreIndex">> & LossSettings;
}

/** One loss. */
export interface LossRow {
  /** What it measures, in one sentence. */
  readonly doc: string;
  /** What the target is: of the output's type, or a class for each sample. */
  readonly target: "same" | "class";
  /** Settings it has, with their defaults; those without a default are absent unless given. */
  readonly settings: LossSettings;
  /** Names of settings that have no default. */
  readonly optional?: ReadonlyArray<keyof LossSettings>;
  /** Losses of elements or samples. */
  readonly each: (compared: Compared) => Each;
}

/** Probabilities are kept this far from 0 and 1, as float32 has no more. */
const LEAST_PROBABILITY = 1e-7;

/** Stands for zero where a logarithm is taken or something is divided by. */
const LEAST = 1e-30;

const squares = ({ g, x, t }: Compared): Value => {
  const distance = g.sub(x, t);
  return g.mul(distance, distance);
};

const bce = ({ g, x, t }: Compared): Each => {
  // The gradient passes as if nothing had been cut, taken at the cut value.
  const cut = g.clamp(x, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY);
  const p = g.add(x, g.stopGradient(g.sub(cut, x)));
  const [yes, no] = [g.mul(t, g.log(p)), g.mul(g.sub(1, t), g.log(g.sub(1, p)))];
  return { losses: g.neg(g.add(yes, no)) };
};

const bceWithLogits = ({ g, x, t }: Compared): Each => {
  // max(x, 0) as half of x and |x|, whose derivative at 0 is that of the loss.
  const size = g.abs(x);
  const bounded = g.sub(g.add(g.mul(x, 0.5), g.mul(size, 0.5)), g.mul(x, t));
  return { losses: g.add(bounded, g.log1p(g.exp(g.neg(size)))) };
};

/** The logarithm of each sample's class, and how much the sample counts. */
const picked = (
  { g, t, settings: { weights, ignoreIndex } }: Compared,
  logs: Value,
): { readonly own: Value; readonly counts: Value | undefined } => {
  const ignored = ignoreIndex === undefined ? undefined : g.compare("eq", t, ignoreIndex);
  const classes = ignored === undefined ? t : g.select(ignored, g.zerosLike(t), t);
  const { dtype } = logs.type;
  const own = g.reshape(g.takeAlong(logs, g.reshape(classes, [...t.type.shape, 1]), -1), t.type.shape);
  if (weights === undefined && ignored === undefined) return { own, counts: undefined };
  const weight = weights === undefined
    ? g.full({ dtype, shape: t.type.shape }, 1)
    : g.gather(g.constant(tensor(dtype, [weights.length], weights)), classes, 0);
  return { own, counts: ignored === undefined ? weight : g.select(ignored, g.zerosLike(weight), weight) };
};

const counted = (g: FunctionBuilder, losses: Value, counts: Value | undefined): Each =>
  counts === undefined ? { losses } : { losses: g.mul(losses, counts), weights: counts };

const crossEntropy = (compared: Compared): Each => {
  const { g, x, t, settings: { smoothing, weights } } = compared;
  const logs = g.logSoftmax(x, -1);
  const scaled = weights === undefined
    ? logs
    : g.mul(logs, g.constant(tensor(x.type.dtype, [weights.length], weights)));
  if (!isInteger(t.type.dtype)) {
    const own = g.neg(g.reduce("sum", g.mul(t, scaled), [-1]));
    if (smoothing === 0) return { losses: own };
    return { losses: g.add(g.mul(own, 1 - smoothing), g.mul(g.neg(g.mean(scaled, [-1])), smoothing)) };
  }
  const { own, counts } = picked(compared, logs);
  if (smoothing === 0) return counted(g, g.neg(own), counts);
  const spread = g.neg(g.mean(scaled, [-1]));
  const kept = counts === undefined ? g.neg(own) : g.neg(g.mul(own, counts));
  // A sample that does not count spreads nothing either.
  const shown = counts === undefined ? spread : g.select(g.compare("eq", counts, 0), g.zerosLike(spread), spread);
  const losses = g.add(g.mul(kept, 1 - smoothing), g.mul(shown, smoothing));
  return counts === undefined ? { losses } : { losses, weights: counts };
};

const nll = (compared: Compared): Each => {
  const { own, counts } = picked(compared, compared.x);
  return counted(compared.g, compared.g.neg(own), counts);
};

const focal = (compared: Compared): Each => {
  const { g, x, settings: { gamma } } = compared;
  const { own, counts } = picked(compared, g.logSoftmax(x, -1));
  // 1 − p as −expm1(log p), which keeps its digits where p is nearly 1.
  const missing = g.max(g.neg(g.expm1(own)), LEAST);
  const share = gamma === 0 ? undefined : g.exp(g.mul(g.log(missing), gamma));
  return counted(g, g.neg(share === undefined ? own : g.mul(share, own)), counts);
};

const klDiv = ({ g, x, t, settings: { logTarget } }: Compared): Each => {
  if (logTarget) return { losses: g.mul(g.exp(t), g.sub(t, x)) };
  const isPositive = g.compare("gt", t, 0);
  const logs = g.log(g.select(isPositive, t, 1));
  return { losses: g.select(isPositive, g.mul(t, g.sub(logs, x)), 0) };
};

/** Half the square up to a width, a line of slope `slope` beyond. */
const rounded = (
  { g, x, t }: Compared,
  width: number,
  slope: number,
): Each => {
  const distance = g.abs(g.sub(x, t));
  const square = g.mul(g.mul(distance, distance), slope / (2 * width));
  const line = g.mul(g.sub(distance, width / 2), slope);
  return { losses: g.select(g.compare("lt", distance, width), square, line) };
};

/** Every loss by name. */
export const LOSSES: { readonly [N in LossName]: LossRow } = {
  mse: { doc: "Squared difference.", target: "same", settings: {}, each: (c) => ({ losses: squares(c) }) },
  l1: {
    doc: "Absolute difference.",
    target: "same",
    settings: {},
    each: ({ g, x, t }) => ({ losses: g.abs(g.sub(x, t)) }),
  },
  smoothL1: {
    doc: "Half the squared difference over beta where it is below beta, the difference less half of beta beyond.",
    target: "same",
    settings: { beta: 1 },
    each: (c) => rounded(c, c.settings.beta, 1),
  },
  huber: {
    doc: "Half the squared difference where it is below delta, a line of slope delta beyond (Huber 1964).",
    target: "same",
    settings: { delta: 1 },
    each: (c) => rounded(c, c.settings.delta, c.settings.delta),
  },
  bce: { doc: "Binary cross-entropy of probabilities.", target: "same", settings: {}, each: bce },
  bceWithLogits: {
    doc: "Binary cross-entropy of logits, stable at any size.",
    target: "same",
    settings: {},
    each: bceWithLogits,
  },
  crossEntropy: {
    doc: "Negative log likelihood under the softmax of the last axis; targets are classes, or probabilities.",
    target: "class",
    settings: { smoothing: 0 },
    optional: ["weights", "ignoreIndex"],
    each: crossEntropy,
  },
  nll: {
    doc: "Minus the log probability of the target class.",
    target: "class",
    settings: {},
    optional: ["weights", "ignoreIndex"],
    each: nll,
  },
  klDiv: {
    doc: "Kullback–Leibler divergence of a target distribution from log probabilities: t·(log t − x), 0 where t is 0.",
    target: "same",
    settings: { logTarget: false },
    each: klDiv,
  },
  focal: {
    doc: "Cross-entropy times (1 − p)^gamma, so that what is known already counts less (Lin et al. 2017).",
    target: "class",
    settings: { gamma: 2 },
    optional: ["weights", "ignoreIndex"],
    each: focal,
  },
  hinge: {
    doc: "max(0, margin − t·x) for targets −1 and 1.",
    target: "same",
    settings: { margin: 1 },
    each: ({ g, x, t, settings: { margin } }) => ({ losses: g.max(g.sub(margin, g.mul(t, x)), 0) }),
  },
  contrastive: {
    doc: "Of distances of pairs: t·x² + (1 − t)·max(0, margin − x)², t is 1 where a pair belongs together " +
      "(Hadsell et al. 2006).",
    target: "same",
    settings: { margin: 1 },
    each: ({ g, x, t, settings: { margin } }) => {
      const near = g.max(g.sub(margin, x), 0);
      return { losses: g.add(g.mul(t, g.mul(x, x)), g.mul(g.sub(1, t), g.mul(near, near))) };
    },
  },
};

const refuseSetting = (kind: string, name: string, reason: string, path: string): never => {
  throw badSetting({ what: kind, reason, path: `${path}/${name}` });
};

const BOUNDS: { readonly [K in keyof LossSettings]?: readonly [text: string, holds: (value: number) => boolean] } = {
  beta: ["more than 0", (value) => value > 0],
  delta: ["more than 0", (value) => value > 0],
  smoothing: ["0 to below 1", (value) => value >= 0 && value < 1],
  gamma: ["0 or more", (value) => value >= 0],
  margin: ["more than 0", (value) => value > 0],
};

/** A row by name, with its settings complete; throws `NEURAL_SETTING`. */
export const lossOf = (
  { kind, settings = {} }: Loss,
  path = "/loss",
): { readonly row: LossRow; readonly settings: LossSettings } => {
  const row = LOSSES[kind];
  if (row === undefined) {
    throw badSetting({
      what: "loss",
      reason: `there is no ${kind}`,
      path,
      expected: [...LOSS_NAMES],
      actual: kind,
      suggestions: nearest(kind, LOSS_NAMES, 3),
    });
  }
  const known = new Set<string>(["reduction", ...Object.keys(row.settings), ...row.optional ?? []]);
  for (const [name, value] of Object.entries(settings)) {
    if (!known.has(name)) refuseSetting(kind, name, `it has no setting ${name}`, path);
    const [text, holds] = BOUNDS[name as keyof LossSettings] ?? [];
    if (holds !== undefined && !(typeof value === "number" && Number.isFinite(value) && holds(value))) {
      refuseSetting(kind, name, `${name} is ${value}, and it takes ${text}`, path);
    }
  }
  return { row, settings: { reduction: "mean", ...row.settings, ...settings } };
};

/** The type of the target that a loss compares an output with. */
export const targetTypeOf = (loss: Loss, output: TensorType): TensorType =>
  lossOf(loss).row.target === "class" ? { dtype: "i32", shape: output.shape.slice(0, -1) } : output;

const misfit = (g: FunctionBuilder, { kind, settings = {} }: Loss, row: LossRow, x: Value, t: Value): string | void => {
  if (!isFloat(x.type.dtype)) return `its output is ${printType(x.type)}, and floats are needed`;
  const isClasses = row.target === "class" && isInteger(t.type.dtype);
  if (row.target === "class" && !isClasses && kind !== "crossEntropy") return "its target is no class indices";
  const shape = isClasses ? x.type.shape.slice(0, -1) : x.type.shape;
  if (isClasses && x.type.shape.length === 0) return "its output has no axis of classes";
  if (!g.solver.equalShapes(shape, t.type.shape) || (!isClasses && t.type.dtype !== x.type.dtype)) {
    const wanted = printType({ dtype: isClasses ? t.type.dtype : x.type.dtype, shape });
    return `its output is ${printType(x.type)}, and its target ${printType(t.type)} where ${wanted} is needed`;
  }
  const { weights } = settings;
  const classes = x.type.shape.at(-1);
  if (weights !== undefined && weights.length !== classes) {
    return `it has ${weights.length} class weights for ${classes} classes`;
  }
};

/**
 * Emits a loss: a scalar, or with `reduction: "none"` one for each element or sample. Throws `NEURAL_LOSS` where output
 * and target do not fit, `NEURAL_SETTING` where a setting does not.
 */
export const emitLoss = (g: FunctionBuilder, loss: Loss, x: Value, t: Value): Value => {
  const { row, settings } = lossOf(loss);
  const reason = misfit(g, loss, row, x, t);
  if (reason !== undefined) throw lossMisfit({ loss: loss.kind, reason, path: "/target" });
  const { losses, weights } = row.each({ g, x, t, settings: settings as Compared["settings"] });
  switch (settings.reduction) {
    case "none":
      return losses;
    case "sum":
      return g.reduce("sum", losses);
    case "batchMean": {
      const [first = 1] = losses.type.shape;
      const sum = g.reduce("sum", losses);
      return typeof first === "number" ? g.div(sum, first) : g.div(sum, g.dimension(first, sum.type.dtype));
    }
    default:
      if (weights === undefined) return g.mean(losses);
      // No sample that counts: a mean over nothing is no loss.
      return g.div(g.reduce("sum", losses), g.max(g.reduce("sum", weights), LEAST));
  }
};
