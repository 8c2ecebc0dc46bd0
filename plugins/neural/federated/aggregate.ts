/**
 * Aggregate: rules that make one step of the clients' steps.
 *
 * A rule sees how far each client went from the round's weights and how many samples it has. Rules are in one table.
 * Not the server's optimiser, which decides how far to follow (server.ts), and not the check of single updates
 * (messages.ts).
 * Invariant: a rule answers a finite step or a failure that says what it lacks; the order of the updates does not matter
 * beyond rounding; no rule answers zeros because it threw everything away.
 *
 * @module
 */
import { nearest } from "../../../kernel/nearest.ts";
import { badSetting, notCombined } from "../failures.ts";
import { lengthOf } from "./weights.ts";

/** What one client went in a round. */
export interface ClientStep {
  /** Its weights less the round's. */
  readonly step: Float32Array;
  /** Its samples. */
  readonly samples: number;
}

/** The step of a round. */
export interface Combined {
  /** The step. */
  readonly step: Float32Array<ArrayBuffer>;
  /** Each client's share in it, where the rule weighs whole clients; shares sum to at most one. */
  readonly shares?: ReadonlyArray<number>;
}

/** Settings of rules; each rule reads its own. */
export interface RuleSettings {
  /** Of trimmedMean: share of the values of a coordinate that is cut at each end. */
  readonly ratio?: number;
  /** Of krum, multiKrum and clippedMean's warnings: clients that may be hostile. */
  readonly hostile?: number;
  /** Of multiKrum: clients that are kept. */
  readonly keep?: number;
}

/** Names of the rules. */
export const RULE_NAMES = [
  "mean",
  "trimmedMean",
  "median",
  "krum",
  "multiKrum",
  "geometricMedian",
  "clippedMean",
] as const;

/** Name of a rule. */
export type RuleName = typeof RULE_NAMES[number];

/** A rule with its settings, as data. */
export interface Rule extends RuleSettings {
  /** Its name. */
  readonly kind: RuleName;
}

type Steps = ReadonlyArray<ClientStep>;

/** One rule. */
export interface RuleRow {
  /** What it does, in one sentence, with its source. */
  readonly doc: string;
  /** Settings it has, with what they are where absent; a function of the number of clients. */
  readonly settings: (clients: number) => RuleSettings;
  /** Whether it withstands hostile clients. */
  readonly robust: boolean;
  /** Combines. */
  readonly combine: (steps: Steps, settings: Required<RuleSettings>) => Combined;
}

const refuse = (rule: string, reason: string): never => {
  throw notCombined({ rule, reason, path: "/rule" });
};

/** Σ share·step, with sums in binary64. */
const mixed = (steps: Steps, shares: ReadonlyArray<number>): Float32Array<ArrayBuffer> => {
  const sum = new Float64Array(steps[0].step.length);
  steps.forEach(({ step }, k) => {
    const share = shares[k];
    if (share === 0) return;
    for (let i = 0; i < sum.length; i++) sum[i] += share * step[i];
  });
  return new Float32Array(sum);
};

const bySamples = (steps: Steps): ReadonlyArray<number> => {
  const all = steps.reduce((sum, { samples }) => sum + samples, 0);
  return steps.map(({ samples }) => samples / all);
};

const mean = (steps: Steps): Combined => {
  const shares = bySamples(steps);
  return { step: mixed(steps, shares), shares };
};

/** For each coordinate the mean of its values from a rank to before another. */
const betweenRanks = (steps: Steps, from: number, to: number): Float32Array<ArrayBuffer> => {
  const made = new Float32Array(steps[0].step.length);
  const column = new Float64Array(steps.length);
  for (let i = 0; i < made.length; i++) {
    for (let k = 0; k < column.length; k++) column[k] = steps[k].step[i];
    column.sort();
    let sum = 0;
    for (let k = from; k < to; k++) sum += column[k];
    made[i] = sum / (to - from);
  }
  return made;
};

const trimmedMean = (steps: Steps, ratio: number): Combined => {
  const cut = Math.floor(steps.length * ratio);
  if (2 * cut >= steps.length) {
    refuse("trimmedMean", `cutting ${cut} of ${steps.length} values at each end leaves nothing`);
  }
  return { step: betweenRanks(steps, cut, steps.length - cut) };
};

const median = (steps: Steps): Combined => {
  const half = (steps.length - 1) >> 1;
  return { step: betweenRanks(steps, half, steps.length - half) };
};

const squaredDistance = (x: ArrayLike<number>, y: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += (x[i] - y[i]) ** 2;
  return sum;
};

/** For each client the sum of squared distances to the nearest others that an honest majority guarantees. */
const krumScores = (steps: Steps, hostile: number): ReadonlyArray<number> => {
  const neighbours = steps.length - hostile - 2;
  const distances = steps.map(() => new Float64Array(steps.length));
  for (let i = 0; i < steps.length; i++) {
    for (let j = 0; j < i; j++) distances[i][j] = distances[j][i] = squaredDistance(steps[i].step, steps[j].step);
  }
  return distances.map((row, i) =>
    row.filter((_, j) => j !== i).sort().subarray(0, neighbours).reduce((sum, distance) => sum + distance, 0)
  );
};

const krum = (rule: "krum" | "multiKrum", steps: Steps, hostile: number, keep: number): Combined => {
  if (steps.length < 2 * hostile + 3) {
    refuse(rule, `${hostile} hostile clients need ${2 * hostile + 3} updates at least, and there are ${steps.length}`);
  }
  if (keep > steps.length - hostile) {
    refuse(rule, `at most ${steps.length - hostile} of ${steps.length} updates can be kept beside ${hostile} hostile`);
  }
  const scores = krumScores(steps, hostile);
  const ranked = steps.map((_, i) => i).sort((a, b) => scores[a] - scores[b] || a - b);
  const kept = new Set(ranked.slice(0, keep));
  const shares = steps.map((_, i) => kept.has(i) ? 1 / keep : 0);
  return { step: mixed(steps, shares), shares };
};

/** Turns of Weiszfeld's iteration, and the relative change at which it ends. */
const WEISZFELD_TURNS = 100;
const WEISZFELD_END = 1e-7;

/** Distances below this share of the middle one count as it: a client on the median itself would get all the weight. */
const LEAST_DISTANCE = 1e-6;

/** A number whose inverse is finite. */
const SMALLEST = 1e-300;

const middle = (values: ReadonlyArray<number>): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};

const geometricMedian = (steps: Steps): Combined => {
  // Begins at the coordinates' medians, which hostile clients cannot move far, so that huge steps lose no digits.
  let point: Float32Array<ArrayBuffer> = median(steps).step;
  let shares: ReadonlyArray<number> = steps.map(() => 1 / steps.length);
  for (let turn = 0; turn < WEISZFELD_TURNS; turn++) {
    const distances = steps.map(({ step }) => Math.sqrt(squaredDistance(step, point)));
    const usual = middle(distances);
    // On half of the updates or more: no other point has a smaller sum of distances.
    if (usual === 0) break;
    const least = Math.max(usual * LEAST_DISTANCE, SMALLEST);
    const pulls = distances.map((distance) => 1 / Math.max(distance, least));
    const all = pulls.reduce((sum, pull) => sum + pull, 0);
    shares = pulls.map((pull) => pull / all);
    const next = mixed(steps, shares);
    const moved = Math.sqrt(squaredDistance(next, point));
    point = next;
    if (moved <= WEISZFELD_END * lengthOf(point)) break;
  }
  return { step: point, shares };
};

/** Turns of clipping around a better centre each. */
const CLIPPING_TURNS = 3;

const clippedMean = (steps: Steps): Combined => {
  let centre: Float32Array<ArrayBuffer> = median(steps).step;
  for (let turn = 0; turn < CLIPPING_TURNS; turn++) {
    const distances = steps.map(({ step }) => Math.sqrt(squaredDistance(step, centre)));
    const radius = middle(distances);
    const sum = new Float64Array(centre.length);
    steps.forEach(({ step }, k) => {
      const share = Math.min(1, radius / Math.max(distances[k], SMALLEST)) / steps.length;
      for (let i = 0; i < sum.length; i++) sum[i] += share * (step[i] - centre[i]);
    });
    centre = centre.map((value, i) => value + sum[i]);
  }
  return { step: centre };
};

/** The rules. */
export const RULES: { readonly [N in RuleName]: RuleRow } = {
  mean: {
    doc: "Mean weighted by samples (FedAvg, McMahan et al. 2017).",
    settings: () => ({}),
    robust: false,
    combine: mean,
  },
  trimmedMean: {
    doc: "Mean of each coordinate without its extremes (Yin et al. 2018).",
    settings: () => ({ ratio: 0.2 }),
    robust: true,
    combine: (steps, { ratio }) => trimmedMean(steps, ratio),
  },
  median: {
    doc: "Median of each coordinate (Yin et al. 2018).",
    settings: () => ({}),
    robust: true,
    combine: median,
  },
  krum: {
    doc: "The update nearest to its neighbours (Blanchard et al. 2017).",
    settings: (clients) => ({ hostile: Math.max(0, Math.floor((clients - 3) / 2)) }),
    robust: true,
    combine: (steps, { hostile }) => krum("krum", steps, hostile, 1),
  },
  multiKrum: {
    doc: "Mean of the updates nearest to their neighbours (Blanchard et al. 2017).",
    settings: (clients) => {
      const hostile = Math.max(0, Math.floor((clients - 3) / 2));
      return { hostile, keep: Math.max(1, clients - hostile) };
    },
    robust: true,
    combine: (steps, { hostile, keep }) => krum("multiKrum", steps, hostile, keep),
  },
  geometricMedian: {
    doc: "The point with the least sum of distances to the updates (RFA, Pillutla et al. 2022); nothing to tune.",
    settings: () => ({}),
    robust: true,
    combine: geometricMedian,
  },
  clippedMean: {
    doc: "Mean of updates cut to the middle distance from their centre (Karimireddy et al. 2021, with a radius that " +
      "adapts); nothing to tune.",
    settings: () => ({}),
    robust: true,
    combine: clippedMean,
  },
};

const SETTING_RANGES: { readonly [K in keyof RuleSettings]-?: readonly [string, (value: number) => boolean] } = {
  ratio: ["a number from 0 to below 1", (value) => value >= 0 && value < 1],
  hostile: ["a whole number from 0", (value) => Number.isInteger(value) && value >= 0],
  keep: ["a whole number from 1", (value) => Number.isInteger(value) && value >= 1],
};

/** The row of a rule; throws `NEURAL_SETTING` where there is none or it has no such setting. */
export const ruleRow = ({ kind, ...given }: Rule): RuleRow => {
  if (!Object.hasOwn(RULES, kind)) {
    const suggestions = nearest(kind, RULE_NAMES, 3);
    throw badSetting({
      what: "rule",
      reason: `there is no rule ${kind}`,
      path: "/rule/kind",
      expected: [...RULE_NAMES],
      actual: kind,
      suggestions,
    });
  }
  const row: RuleRow = RULES[kind];
  const known = Object.keys(row.settings(1));
  for (const [name, value] of Object.entries(given)) {
    const [range, holds] = SETTING_RANGES[name as keyof RuleSettings] ?? ["", () => false];
    if (known.includes(name) && holds(value)) continue;
    throw badSetting({
      what: `${name} of ${kind}`,
      reason: known.includes(name) ? `it is ${value}, and ${range} is needed` : `the rule has no such setting`,
      path: `/rule/${name}`,
    });
  }
  return row;
};

/**
 * One step of the clients' steps, by a rule. Throws `NEURAL_AGGREGATE` where the rule has too little to work with, and
 * `NEURAL_SETTING` on settings that are not the rule's.
 *
 * @example
 * ```ts
 * import { aggregate } from "@rmi/rmi/neural";
 * import assert from "node:assert/strict";
 * const steps = [1, 2, 90].map((value) => ({ step: Float32Array.of(value), samples: 1 }));
 * assert.equal(aggregate(steps, { kind: "median" }).step[0], 2);
 * ```
 */
export const aggregate = (steps: ReadonlyArray<ClientStep>, rule: Rule): Combined => {
  const row = ruleRow(rule);
  const { kind, ...given } = rule;
  if (steps.length === 0) refuse(kind, "there are no updates");
  const size = steps[0].step.length;
  steps.forEach(({ step, samples }, k) => {
    if (step.length !== size) refuse(kind, `update ${k} has ${step.length} elements, and the first has ${size}`);
    if (!(samples > 0)) refuse(kind, `update ${k} stands for ${samples} samples`);
    if (!step.every(Number.isFinite)) refuse(kind, `update ${k} is not finite`);
  });
  return row.combine(steps, { ...row.settings(steps.length), ...given } as Required<RuleSettings>);
};
