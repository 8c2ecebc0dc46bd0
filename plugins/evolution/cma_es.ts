/**
 * CMA-ES: one objective of real variables; the covariance of the steps is learnt from the steps that paid.
 *
 * Sources: Hansen 2016, "The CMA Evolution Strategy: A Tutorial" (all constants, with negative weights); Auger, Hansen
 * 2005 (restarts with a doubled population). A sample outside the bounds is clamped, and learnt from as clamped; drawing
 * again instead would shrink the step before a minimum on the bounds is reached.
 * Invariant: only the order of the scores counts, so any increasing transformation of the objective asks for the same
 * candidates.
 *
 * @module
 */
import { digestText } from "../../kernel/digest.ts";
import { type Random, random } from "../../kernel/random.ts";
import { eigenSymmetric } from "../linalg/library.ts";
import type { Member, Search, SearchState } from "./contract.ts";
import { badSetting, overLimit } from "./failures.ts";
import { checkedSize, MAX_POPULATION } from "./nsga2.ts";
import { type Bounds, realVariation } from "./operators/real.ts";
import { beginning, byScore, judgedAll, named } from "./population/members.ts";

/** Settings of CMA-ES. */
export interface CmaEsSettings {
  /** Bounds of each variable, none empty; steps are measured in shares of their ranges. */
  readonly bounds: Bounds;
  /** The seed. */
  readonly seed: string | number;
  /** Candidates a generation before any restart; 4 + 3·ln n where absent. */
  readonly size?: number;
  /** The first step as a share of the ranges; 0.3 where absent. */
  readonly step?: number;
  /** Where the search begins; the middle of the bounds where absent. */
  readonly mean?: Float64Array;
  /** Most doublings of the candidates, one a restart; 9 where absent. */
  readonly doublings?: number;
}

/** Most variables: the covariance has the square of them. */
export const MAX_CMA_VARIABLES = 512;

/** A search whose largest step is a smaller share of the ranges has converged. */
const LEAST_STEP = 1e-12;

/** A search whose largest step is more of the ranges learns nothing: the objective is flat. */
const LARGEST_STEP = 1e3;

/** Beyond this ratio of its axes the covariance has no accuracy left. */
const MAX_CONDITION = 1e14;

/** What the tutorial derives from the number of variables and of candidates. */
interface Constants {
  readonly weights: Float64Array;
  readonly effective: number;
  readonly pathRate: number;
  readonly stepRate: number;
  readonly damping: number;
  readonly rankOne: number;
  readonly rankMany: number;
  readonly normLength: number;
}

/** What is learnt, in shares of the ranges. */
interface Belief {
  readonly mean: ReadonlyArray<number>;
  readonly step: number;
  readonly covariance: ReadonlyArray<number>;
  readonly path: ReadonlyArray<number>;
  readonly stepPath: ReadonlyArray<number>;
  readonly age: number;
  readonly restarts: number;
}

interface Axes {
  readonly lengths: Float64Array;
  /** Eigenvectors as columns. */
  readonly vectors: Float64Array;
}

const sumOf = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0);
const squaresOf = (values: Float64Array): number => values.reduce((sum, value) => sum + value * value, 0);

const constantsFor = (n: number, size: number): Constants => {
  const raw = Float64Array.from({ length: size }, (_, i) => Math.log((size + 1) / 2) - Math.log(i + 1));
  const parents = size >> 1;
  const [good, bad] = [raw.subarray(0, parents), raw.subarray(parents)];
  const effective = sumOf(good) ** 2 / squaresOf(good);
  const effectiveBad = sumOf(bad) ** 2 / squaresOf(bad);
  const rankOne = 2 / ((n + 1.3) ** 2 + effective);
  const rankMany = Math.min(1 - rankOne, 2 * (0.25 + effective + 1 / effective - 2) / ((n + 2) ** 2 + effective));
  const stepRate = (effective + 2) / (n + effective + 5);
  const badSum = Math.min(
    1 + rankOne / rankMany,
    1 + 2 * effectiveBad / (effective + 2),
    (1 - rankOne - rankMany) / (n * rankMany),
  );
  const [goodScale, badScale] = [sumOf(good), -sumOf(bad.filter((weight) => weight < 0)) || 1];
  return {
    weights: raw.map((weight) => weight >= 0 ? weight / goodScale : weight * badSum / badScale),
    effective,
    pathRate: (4 + effective / n) / (n + 4 + 2 * effective / n),
    stepRate,
    damping: 1 + 2 * Math.max(0, Math.sqrt((effective - 1) / (n + 1)) - 1) + stepRate,
    rankOne,
    rankMany,
    normLength: Math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n)),
  };
};

const axesOf = (covariance: ReadonlyArray<number>, n: number): Axes => {
  const { values, vectors } = eigenSymmetric({ rows: n, columns: n, data: Float64Array.from(covariance) });
  const largest = Math.max(...values);
  return {
    lengths: Float64Array.from(values, (value) => Math.sqrt(Math.max(value, largest / MAX_CONDITION / 1e2))),
    vectors: vectors.data,
  };
};

/** vectors · (scale ∘ (vectorsᵀ · y)): C^(−½)·y with the inverse lengths. */
const whitened = ({ lengths, vectors }: Axes, y: Float64Array): Float64Array => {
  const n = y.length;
  const result = new Float64Array(n);
  for (let k = 0; k < n; k++) {
    let along = 0;
    for (let i = 0; i < n; i++) along += vectors[i * n + k] * y[i];
    for (let i = 0; i < n; i++) result[i] += vectors[i * n + k] * along / lengths[k];
  }
  return result;
};

const sampled = ({ mean, step }: Belief, { lengths, vectors }: Axes, chance: Random): Float64Array => {
  const n = mean.length;
  const point = Float64Array.from(mean);
  for (let k = 0; k < n; k++) {
    const move = step * lengths[k] * chance.normal();
    for (let i = 0; i < n; i++) point[i] += vectors[i * n + k] * move;
  }
  return point.map((value) => Math.min(1, Math.max(0, value)));
};

/** The belief after a generation, whose steps are given best first, measured in the last step. */
const learnt = (belief: Belief, axes: Axes, steps: ReadonlyArray<Float64Array>, constants: Constants): Belief => {
  const n = belief.mean.length;
  const { weights, effective, pathRate, stepRate, damping, rankOne, rankMany, normLength } = constants;
  const move = new Float64Array(n);
  for (let k = 0; k < steps.length >> 1; k++) for (let i = 0; i < n; i++) move[i] += weights[k] * steps[k][i];
  const white = whitened(axes, move);
  const pull = Math.sqrt(stepRate * (2 - stepRate) * effective);
  const stepPath = belief.stepPath.map((value, i) => (1 - stepRate) * value + pull * white[i]);
  const length = Math.hypot(...stepPath);
  const settled = Math.sqrt(1 - (1 - stepRate) ** (2 * (belief.age + 1)));
  // A path that is too long says that the step is still too small to learn a direction from.
  const steady = length / settled < (1.4 + 2 / (n + 1)) * normLength ? 1 : 0;
  const drag = steady * Math.sqrt(pathRate * (2 - pathRate) * effective);
  const path = belief.path.map((value, i) => (1 - pathRate) * value + drag * move[i]);
  const kept = 1 + rankOne * (1 - steady) * pathRate * (2 - pathRate) - rankOne - rankMany * sumOf(weights);
  const covariance = Float64Array.from(belief.covariance, (value) => value * kept);
  addOuter(covariance, Float64Array.from(path), rankOne);
  steps.forEach((y, k) => {
    const weight = weights[k] >= 0 ? weights[k] : weights[k] * n / (squaresOf(whitened(axes, y)) || Infinity);
    addOuter(covariance, y, rankMany * weight);
  });
  return {
    ...belief,
    mean: belief.mean.map((value, i) => value + belief.step * move[i] + 0),
    step: belief.step * Math.exp(stepRate / damping * (length / normLength - 1)),
    covariance: Array.from(covariance, (value) => value + 0),
    path: path.map((value) => value + 0),
    stepPath: stepPath.map((value) => value + 0),
    age: belief.age + 1,
  };
};

/** Adds weight · y·yᵀ, the same number on both sides of the diagonal. */
const addOuter = (into: Float64Array, y: Float64Array, weight: number): void => {
  const n = y.length;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      into[i * n + j] += weight * y[i] * y[j];
      if (j < i) into[j * n + i] = into[i * n + j];
    }
  }
};

const fresh = (mean: ArrayLike<number>, step: number, restarts: number): Belief => {
  const n = mean.length;
  const none = new Array<number>(n).fill(0);
  return {
    mean: Array.from(mean),
    step,
    covariance: Array.from({ length: n * n }, (_, at) => at % (n + 1) === 0 ? 1 : 0),
    path: none,
    stepPath: none,
    age: 0,
    restarts,
  };
};

const hasConverged = ({ step, covariance, mean }: Belief, axes: Axes): boolean => {
  const longest = Math.max(...axes.lengths);
  return !Number.isFinite(step) || !covariance.every(Number.isFinite) || !mean.every(Number.isFinite) ||
    !(step * longest >= LEAST_STEP && step * longest <= LARGEST_STEP) ||
    (longest / Math.min(...axes.lengths)) ** 2 > MAX_CONDITION;
};

const toMemory = (
  { mean, step, covariance, path, stepPath, age, restarts }: Belief,
): SearchState<unknown>["memory"] => ({
  mean,
  covariance,
  path,
  stepPath,
  scalars: [step, age, restarts],
});

const fromMemory = (memory: SearchState<unknown>["memory"]): Belief => {
  const [step, age, restarts] = memory.scalars;
  const { mean, covariance, path, stepPath } = memory;
  return { mean, covariance, path, stepPath, step, age, restarts };
};

const checked = ({ bounds, mean, step = 0.3, doublings = 9 }: CmaEsSettings): void => {
  const n = bounds.lower.length;
  if (n > MAX_CMA_VARIABLES) throw overLimit({ what: "variables", limit: MAX_CMA_VARIABLES, found: n });
  const complain = (setting: string, wanted: string, found: string) => {
    throw badSetting({ setting, wanted, found, path: `/${setting}` });
  };
  if (bounds.lower.some((low, i) => low === bounds.upper[i])) complain("bounds", "wider than one value", "empty");
  if (!(step > 0 && step <= 1)) complain("step", "above 0 and up to 1", String(step));
  if (!(Number.isSafeInteger(doublings) && doublings >= 0)) complain("doublings", "a count", String(doublings));
  const inside = mean?.length === n && mean.every((value, i) => value >= bounds.lower[i] && value <= bounds.upper[i]);
  if (mean !== undefined && !inside) complain("mean", `${n} numbers within the bounds`, `[${mean.join(", ")}]`);
};

/** CMA-ES; the members of its states are the best ever and those of the last generation, best first. */
export const cmaEs = (settings: CmaEsSettings): Search<Float64Array> => {
  const variation = realVariation(settings.bounds);
  checked(settings);
  const { bounds: { lower, upper }, seed, step = 0.3, doublings = 9 } = settings;
  const n = lower.length;
  const size = checkedSize(settings.size ?? 4 + Math.floor(3 * Math.log(n)), 4);
  const root = random(`${seed}/cma-es`);
  const toShare = (x: Float64Array) => x.map((value, i) => (value - lower[i]) / (upper[i] - lower[i]));
  const toReal = (u: Float64Array) =>
    u.map((share, i) => Math.min(upper[i], Math.max(lower[i], lower[i] + share * (upper[i] - lower[i]))) + 0);
  const first = fresh(settings.mean === undefined ? new Float64Array(n).fill(0.5) : toShare(settings.mean), step, 0);
  const sizeOf = ({ restarts }: Belief) => Math.min(MAX_POPULATION, size * 2 ** restarts);
  // Axes depend on the covariance alone, so that keeping the last changes no answer.
  let last: { readonly of: ReadonlyArray<number>; readonly axes: Axes } | undefined;
  const axesFor = (covariance: ReadonlyArray<number>): Axes => {
    if (last?.of !== covariance) last = { of: covariance, axes: axesOf(covariance, n) };
    return last.axes;
  };
  const next = (belief: Belief, born: ReadonlyArray<Member<Float64Array>>, generation: number): Belief => {
    const steps = born.map(({ genome }) => toShare(genome).map((share, i) => (share - belief.mean[i]) / belief.step));
    const axes = axesFor(belief.covariance);
    const after = learnt(belief, axes, steps, constantsFor(n, born.length));
    const over = !after.covariance.every(Number.isFinite) || hasConverged(after, axesFor(after.covariance));
    if (!over) return after;
    const again = variation.random(root.split(`${generation}/restart`));
    return fresh(toShare(again), step, Math.min(doublings, belief.restarts + 1));
  };
  return {
    name: `cma-es(${size}, ${step}, ${doublings}, ${seed}, ${digestText(first.mean.join())}) ${variation.name}`,
    objectives: 1,
    variation,
    fewest: size,
    start: { ...beginning<Float64Array>(), memory: toMemory(first) },
    ask: ({ generation, memory }) => {
      const belief = fromMemory(memory);
      const axes = axesFor(belief.covariance);
      const chance = root.split(generation);
      const born = Array.from({ length: sizeOf(belief) }, () => ({
        genome: toReal(sampled(belief, axes, chance)),
        parents: [],
        edit: "drawn by cma-es",
      }));
      return named(generation, born);
    },
    tell: (state, asked, scores) => {
      const born = [...judgedAll(asked, scores, 1)].sort(byScore);
      const [best] = [...state.members.slice(0, 1), born[0]].sort(byScore);
      const isTold = born.some(({ failed }) => failed === undefined);
      const belief = fromMemory(state.memory);
      return {
        generation: state.generation + 1,
        evaluations: state.evaluations + asked.length,
        members: best === born[0] ? born : [best, ...born],
        // Where all failed there is no order to learn from.
        memory: isTold ? toMemory(next(belief, born, state.generation)) : state.memory,
      };
    },
  };
};
