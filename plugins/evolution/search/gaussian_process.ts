/**
 * Gaussian process: what scores observed so far say of settings not tried, as a mean and a deviation.
 *
 * Sources: Rasmussen, Williams 2006 (regression, marginal likelihood and its gradient); Matérn 5/2 as in Snoek,
 * Larochelle, Adams 2012; Hvarfner, Hellsten, Nardi 2024 (lengths that grow with the square root of the number of
 * dimensions).
 * Not a search (bayesian.ts). Invariant: the belief depends on the observations and the traits alone.
 *
 * @module
 */
import { Factor } from "./factor.ts";

/** What is learnt of a function besides its values; plain numbers on logarithmic scales. */
export interface Traits {
  /** For each dimension the logarithm of one over its squared length. */
  readonly relevance: ReadonlyArray<number>;
  /** Logarithm of the variance of the noise, in shares of the signal's. */
  readonly noise: number;
}

/** Settings in coordinates. */
export interface Observations {
  /** For each dimension whether its coordinates are names. */
  readonly isChoice: ReadonlyArray<boolean>;
  /** A point for each observation. */
  readonly points: ReadonlyArray<Float64Array>;
  /** The values, about one deviation wide. */
  readonly values: ArrayLike<number>;
}

const ROOT5 = Math.sqrt(5);

/** Matérn 5/2 of a squared distance. */
const matern = (squared: number): number => {
  const r = ROOT5 * Math.sqrt(squared);
  return (1 + r + r * r / 3) * Math.exp(-r);
};

/** Its derivative by the squared distance. */
const maternSlope = (squared: number): number => {
  const r = ROOT5 * Math.sqrt(squared);
  return -(5 / 6) * (1 + r) * Math.exp(-r);
};

/** Squared difference of two coordinates of a dimension. */
const squaredGap = (isChoice: boolean, a: number, b: number): number =>
  isChoice ? (a === b ? 0 : 1) : (a - b) * (a - b);

const kernelOf = ({ relevance }: Traits, isChoice: ReadonlyArray<boolean>) => {
  const weights = Float64Array.from(relevance, Math.exp);
  const dimensions = weights.length;
  return (a: Float64Array, b: Float64Array): number => {
    let squared = 0;
    for (let d = 0; d < dimensions; d++) squared += weights[d] * squaredGap(isChoice[d], a[d], b[d]);
    return matern(squared);
  };
};

/** What is believed of a setting. */
export interface Belief {
  /** The expected value. */
  readonly mean: number;
  /** The deviation of the function there, noise left out. */
  readonly deviation: number;
}

/** A fitted process. */
export interface GaussianProcess {
  /** The belief at a point. */
  readonly at: (point: Float64Array) => Belief;
  /** The process after one more observation. */
  readonly and: (point: Float64Array, value: number) => GaussianProcess;
}

interface Solved {
  readonly mean: number;
  readonly variance: number;
  /** K⁻¹·(values − mean). */
  readonly weights: Float64Array;
}

/** Mean by generalised least squares, variance by likelihood. */
const solved = (factor: Factor, values: ArrayLike<number>): Solved => {
  const n = factor.size;
  const [y, ones] = [Float64Array.from(values), new Float64Array(n).fill(1)];
  factor.forward(y);
  const information = factor.forward(ones);
  let along = 0;
  for (let i = 0; i < n; i++) along += y[i] * ones[i];
  const mean = along / information;
  let squares = 0;
  for (let i = 0; i < n; i++) {
    y[i] -= mean * ones[i];
    squares += y[i] * y[i];
  }
  factor.backward(y);
  return { mean, variance: Math.max(squares / n, Number.MIN_VALUE), weights: y };
};

type Kernel = (a: Float64Array, b: Float64Array) => number;

const processOver = (
  kernel: Kernel,
  noise: number,
  factor: Factor,
  points: ReadonlyArray<Float64Array>,
  values: ReadonlyArray<number>,
): GaussianProcess => {
  const { mean, variance, weights } = solved(factor, values);
  const own = kernel(points[0], points[0]);
  const row = (point: Float64Array): Float64Array => {
    const made = new Float64Array(points.length);
    for (let i = 0; i < made.length; i++) made[i] = kernel(point, points[i]);
    return made;
  };
  return {
    at: (point) => {
      const covariances = row(point);
      let expected = mean;
      for (let i = 0; i < covariances.length; i++) expected += covariances[i] * weights[i];
      const known = factor.forward(covariances);
      return { mean: expected, deviation: Math.sqrt(variance * Math.max(0, own - known)) };
    },
    and: (point, value) => {
      const grown = factor.copy();
      grown.append(row(point), own + noise);
      return processOver(kernel, noise, grown, [...points, point], [...values, value]);
    },
  };
};

/** The process of some observations, of which there is at least one. */
export const gaussianProcess = ({ isChoice, points, values }: Observations, traits: Traits): GaussianProcess => {
  const kernel = kernelOf(traits, isChoice);
  const noise = Math.exp(traits.noise);
  const factor = new Factor(points.length);
  const row = new Float64Array(points.length);
  points.forEach((point, i) => {
    for (let j = 0; j < i; j++) row[j] = kernel(point, points[j]);
    factor.append(row, kernel(point, point) + noise);
  });
  return processOver(kernel, noise, factor, points, Array.from(values));
};

/** What is believed of a trait before anything is seen: a normal deviate. */
interface Prior {
  readonly mean: number;
  readonly deviation: number;
}

/** A length before anything is seen, in shares of a range, for one dimension. */
const USUAL_LENGTH = 0.5;

const priors = (dimensions: number): ReadonlyArray<Prior> => [
  ...Array.from(
    { length: dimensions },
    () => ({ mean: -2 * Math.log(USUAL_LENGTH) - Math.log(dimensions), deviation: 2 }),
  ),
  { mean: -6, deviation: 2 },
];

/** Where a trait may lie: beyond, the covariance has no accuracy left or says nothing. */
const LIMITS = { relevance: [-9, 9], noise: [-14, 1] } as const;

const limitsAt = (at: number, dimensions: number): readonly [number, number] =>
  at < dimensions ? LIMITS.relevance : LIMITS.noise;

/** Traits before anything is seen. */
export const usualTraits = (dimensions: number): Traits => traitsOf(priors(dimensions).map(({ mean }) => mean));

const traitsOf = (flat: ReadonlyArray<number>): Traits => ({
  relevance: flat.slice(0, -1),
  noise: flat[flat.length - 1],
});

/** Squared differences of all pairs of points, i > j, dimension by dimension. */
const gapsOf = ({ isChoice, points }: Observations): ReadonlyArray<Float64Array> =>
  isChoice.map((names, d) => {
    const gaps = new Float64Array(points.length * (points.length - 1) / 2);
    let at = 0;
    for (let i = 0; i < points.length; i++) {
      for (let j = 0; j < i; j++) gaps[at++] = squaredGap(names, points[i][d], points[j][d]);
    }
    return gaps;
  });

interface Likelihood {
  readonly loss: number;
  readonly slopes: Float64Array;
}

/** Minus the logarithm of the posterior of the traits, and its gradient. */
const likelihood = (
  gaps: ReadonlyArray<Float64Array>,
  values: ArrayLike<number>,
  flat: ReadonlyArray<number>,
): Likelihood => {
  const dimensions = gaps.length;
  const n = values.length;
  const relevance = Float64Array.from(flat.slice(0, dimensions), Math.exp);
  const noise = Math.exp(flat[dimensions]);
  const pairs = n * (n - 1) / 2;
  const squared = new Float64Array(pairs);
  gaps.forEach((gap, d) => {
    for (let p = 0; p < pairs; p++) squared[p] += relevance[d] * gap[p];
  });
  const factor = new Factor(n);
  const row = new Float64Array(n);
  for (let i = 0, p = 0; i < n; i++) {
    for (let j = 0; j < i; j++, p++) row[j] = matern(squared[p]);
    factor.append(row, 1 + noise);
  }
  const { variance, weights } = solved(factor, values);
  const inverse = factor.inverse();
  const slopes = new Float64Array(dimensions + 1);
  // ½·Σ M·dK with M = K⁻¹ − w·wᵀ/variance; each pair counts twice, so the half goes.
  const pull = new Float64Array(pairs);
  for (let i = 0, p = 0, at = 0; i < n; i++, at++) {
    for (let j = 0; j < i; j++, p++, at++) {
      pull[p] = inverse[at] - weights[i] * weights[j] / variance;
    }
    slopes[dimensions] += 0.5 * noise * (inverse[at] - weights[i] * weights[i] / variance);
  }
  const slope = squared.map(maternSlope);
  gaps.forEach((gap, d) => {
    let along = 0;
    for (let p = 0; p < pairs; p++) along += pull[p] * slope[p] * gap[p];
    slopes[d] += relevance[d] * along;
  });
  let loss = 0.5 * n * Math.log(variance) + factor.halfLogDeterminant;
  priors(dimensions).forEach(({ mean, deviation }, at) => {
    const off = (flat[at] - mean) / deviation;
    loss += 0.5 * off * off;
    slopes[at] += off / deviation;
  });
  return { loss, slopes };
};

/** Steps of the fit, on logarithmic scales: the first, the largest, how they grow and shrink, and their number. */
const FIT = { first: 0.3, most: 1.5, grow: 1.3, shrink: 0.5, steps: 30, least: 0.01 } as const;

/**
 * The traits under which the observations are likeliest, near the ones given; by signs of the gradient alone (Rprop,
 * Riedmiller, Braun 1993), which needs no scale of the steps.
 */
export const fitTraits = (observations: Observations, from: Traits): Traits => {
  const gaps = gapsOf(observations);
  const dimensions = gaps.length;
  let flat = [...from.relevance, from.noise];
  let best = { flat, loss: Infinity };
  const steps = flat.map(() => FIT.first as number);
  let before = flat.map(() => 0);
  for (let step = 0; step < FIT.steps && Math.max(...steps) >= FIT.least; step++) {
    const { loss, slopes } = likelihood(gaps, observations.values, flat);
    if (loss < best.loss) best = { flat, loss };
    const signs = Array.from(slopes, Math.sign);
    flat = flat.map((value, at) => {
      const turn = signs[at] * before[at];
      steps[at] = turn > 0 ? Math.min(FIT.most, steps[at] * FIT.grow) : turn < 0 ? steps[at] * FIT.shrink : steps[at];
      if (turn < 0) signs[at] = 0;
      const [low, high] = limitsAt(at, dimensions);
      return Math.min(high, Math.max(low, value - signs[at] * steps[at])) + 0;
    });
    before = signs;
  }
  return traitsOf(best.flat);
};
