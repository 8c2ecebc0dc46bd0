import assert from "node:assert/strict";
import { random } from "../../../../kernel/random.ts";
import { determinant, type Matrix, matrix, solve } from "../../../../plugins/linalg/library.ts";
import { Factor } from "../../../../plugins/evolution/search/factor.ts";
import {
  fitTraits,
  gaussianProcess,
  type Observations,
  type Traits,
  usualTraits,
} from "../../../../plugins/evolution/search/gaussian_process.ts";

const near = (found: number, expected: number, tolerance = 1e-9): void =>
  assert.ok(
    Math.abs(found - expected) <= tolerance * Math.max(1, Math.abs(expected)),
    `${found} instead of ${expected}`,
  );

const IS_CHOICE = [false, true, false];

const TRAITS: Traits = { relevance: [1.2, -0.3, 0.4], noise: -3 };

const observations = (count: number, value: (point: Float64Array) => number): Observations => {
  const chance = random(`points ${count}`);
  const points = Array.from({ length: count }, () => Float64Array.of(chance.float(), chance.below(3), chance.float()));
  return { isChoice: IS_CHOICE, points, values: points.map(value) };
};

const wavy = ([x, option, y]: Float64Array): number => Math.sin(6 * x) + 0.5 * option + 0.2 * y;

/** Matérn 5/2 with one length a dimension, from the definition. */
const kernel = (a: Float64Array, b: Float64Array, { relevance }: Traits): number => {
  const squares = relevance.map((log, d) => {
    const gap = IS_CHOICE[d] ? Number(a[d] !== b[d]) : a[d] - b[d];
    return gap * gap / Math.exp(-0.5 * log) ** 2;
  });
  const r = Math.sqrt(squares.reduce((sum, square) => sum + square, 0));
  return (1 + Math.sqrt(5) * r + 5 / 3 * r * r) * Math.exp(-Math.sqrt(5) * r);
};

/** Everything as dense matrices, by another room's factorisations. */
const dense = ({ points, values }: Observations, traits: Traits) => {
  const covariance = matrix(
    points.map((a, i) => points.map((b, j) => kernel(a, b, traits) + (i === j ? Math.exp(traits.noise) : 0))),
  );
  const column = (items: ReadonlyArray<number>): Matrix => matrix(items.map((item) => [item]));
  const inverseTimes = (items: ReadonlyArray<number>) => [...solve(covariance, column(items)).data];
  const dot = (a: ReadonlyArray<number>, b: ReadonlyArray<number>) => a.reduce((sum, x, i) => sum + x * b[i], 0);
  const ones = points.map(() => 1);
  const y = Array.from(values);
  const mean = dot(ones, inverseTimes(y)) / dot(ones, inverseTimes(ones));
  const rest = y.map((value) => value - mean);
  const variance = dot(rest, inverseTimes(rest)) / y.length;
  return {
    at: (point: Float64Array) => {
      const row = points.map((other) => kernel(point, other, traits));
      const known = dot(row, inverseTimes(row));
      return { mean: mean + dot(row, inverseTimes(rest)), deviation: Math.sqrt(variance * (1 - known)) };
    },
    /** Minus the logarithm of the likelihood, the variance at its best, without what is constant. */
    loss: () => 0.5 * y.length * Math.log(variance) + 0.5 * Math.log(Math.abs(determinantOf(covariance))),
  };
};

const determinantOf = (covariance: Matrix): number => {
  const { value } = determinant(covariance) as unknown as { readonly value: number };
  return value;
};

Deno.test("beliefs are those of dense algebra by another implementation", () => {
  const given = observations(25, wavy);
  const process = gaussianProcess(given, TRAITS);
  const expected = dense(given, TRAITS);
  for (const point of observations(7, wavy).points) {
    const [found, wanted] = [process.at(point), expected.at(point)];
    near(found.mean, wanted.mean);
    near(found.deviation, wanted.deviation, 1e-7);
  }
});

Deno.test("a process that takes one more observation is the process of all", () => {
  const given = observations(20, wavy);
  const { points, values } = given;
  let grown = gaussianProcess(
    { ...given, points: points.slice(0, 12), values: Array.from(values).slice(0, 12) },
    TRAITS,
  );
  for (let k = 12; k < 20; k++) grown = grown.and(points[k], values[k]);
  const whole = gaussianProcess(given, TRAITS);
  for (const point of observations(5, wavy).points) {
    near(grown.at(point).mean, whole.at(point).mean);
    near(grown.at(point).deviation, whole.at(point).deviation, 1e-7);
  }
});

Deno.test("without noise the belief at what was observed is what was observed", () => {
  const given = observations(15, wavy);
  const process = gaussianProcess(given, { ...TRAITS, noise: -14 });
  given.points.forEach((point, i) => {
    near(process.at(point).mean, given.values[i], 1e-3);
    assert.ok(process.at(point).deviation < 1e-2);
  });
});

Deno.test("one observation twice, and one alone, are no trouble", () => {
  const [point] = observations(1, wavy).points;
  const alone = gaussianProcess({ isChoice: IS_CHOICE, points: [point], values: [2] }, usualTraits(3));
  near(alone.at(point).mean, 2);
  const twice = gaussianProcess(
    { isChoice: IS_CHOICE, points: [point, point, point], values: [2, 2, 3] },
    { ...TRAITS, noise: -14 },
  );
  assert.ok(Number.isFinite(twice.at(point).mean) && Number.isFinite(twice.at(point).deviation));
});

/** The prior that the fit adds: relevance about a length of half a range times √dimensions, noise about e⁻⁶, both ± 2. */
const priorLoss = ({ relevance, noise }: Traits): number => {
  const usual = Math.log(1 / 0.5 ** 2 / relevance.length);
  return relevance.reduce((sum, log) => sum + 0.5 * ((log - usual) / 2) ** 2, 0) + 0.5 * ((noise + 6) / 2) ** 2;
};

Deno.test("fitted traits are a minimum of the loss that another implementation computes", () => {
  const noisy = random("noise");
  const given = observations(30, (point) => wavy(point) + 0.1 * noisy.normal());
  const fitted = fitTraits(given, usualTraits(3));
  const loss = (traits: Traits) => dense(given, traits).loss() + priorLoss(traits);
  const least = loss(fitted);
  assert.ok(least < loss(usualTraits(3)) - 1);
  const flat = [...fitted.relevance, fitted.noise];
  flat.forEach((_, at) => {
    for (const step of [-0.5, 0.5]) {
      const moved = flat.map((value, k) => k === at ? value + step : value);
      assert.ok(loss({ relevance: moved.slice(0, 3), noise: moved[3] }) > least - 0.01, `trait ${at} by ${step}`);
    }
  });
});

Deno.test("dimensions that change nothing are found to be of no relevance", () => {
  const given = observations(40, ([x]) => Math.sin(8 * x));
  const { relevance: [x, option, y] } = fitTraits(given, usualTraits(3));
  assert.ok(x > option + 2 && x > y + 2, `${x}, ${option}, ${y}`);
});

Deno.test("a factor that grew row by row gives determinant, solution and inverse of the whole", () => {
  const chance = random("factor");
  const base = Array.from({ length: 6 }, () => Array.from({ length: 6 }, () => chance.normal()));
  const rows = base.map((a, i) => base.map((b, j) => a.reduce((sum, x, k) => sum + x * b[k], 0) + (i === j ? 1 : 0)));
  const factor = new Factor(2);
  rows.forEach((row, i) => factor.append(Float64Array.from(row), row[i]));
  assert.equal(factor.size, 6);
  near(2 * factor.halfLogDeterminant, Math.log(determinantOf(matrix(rows))));
  const right = Float64Array.from({ length: 6 }, (_, i) => i + 1);
  const expected = solve(matrix(rows), matrix([...right].map((value) => [value]))).data;
  const kept = factor.copy();
  factor.append(new Float64Array(6), 1);
  kept.forward(right);
  kept.backward(right);
  right.forEach((value, i) => near(value, expected[i]));
  const inverse = kept.inverse();
  for (let i = 0, at = 0; i < 6; i++) {
    const unit = solve(matrix(rows), matrix(rows.map((_, k) => [Number(k === i)]))).data;
    for (let j = 0; j <= i; j++) near(inverse[at++], unit[j]);
  }
});
