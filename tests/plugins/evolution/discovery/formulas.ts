/**
 * Twelve formulas to be found again from noisy points: stated before the search was tuned.
 *
 * Sources: Uy, Hoai, O'Neill, McKay, Galván-López 2011 (Nguyen); Keijzer 2003; Udrescu, Tegmark 2020 (Feynman's lectures).
 * Points are drawn uniformly from a box; the noise is normal, 1 % of the deviation of what is measured. A formula counts
 * as found when it agrees with the true one, noiseless, on fresh points inside the box and in a box half as wide again
 * (within what the formula is defined on): root mean square of the difference below 1 % of the deviation, each.
 */
import { random } from "../../../../kernel/random.ts";

/** A formula, and where it is sampled. */
export interface Formula {
  /** Its name in the literature. */
  readonly name: string;
  /** Names of its variables. */
  readonly variables: ReadonlyArray<string>;
  /** The box of samples, a row for each variable. */
  readonly box: ReadonlyArray<readonly [low: number, high: number]>;
  /** What it is defined on, where that is not everything. */
  readonly domain?: ReadonlyArray<readonly [low: number, high: number]>;
  /** The truth. */
  readonly of: (...x: ReadonlyArray<number>) => number;
}

const POSITIVE = [1e-3, Infinity] as const;

/** The formulas. */
export const FORMULAS: ReadonlyArray<Formula> = [
  {
    name: "Nguyen-3: x⁵ + x⁴ + x³ + x² + x",
    variables: ["x"],
    box: [[-1, 1]],
    of: (x) => x ** 5 + x ** 4 + x ** 3 + x ** 2 + x,
  },
  {
    name: "Nguyen-5: sin(x²)·cos(x) − 1",
    variables: ["x"],
    box: [[-1, 1]],
    of: (x) => Math.sin(x * x) * Math.cos(x) - 1,
  },
  {
    name: "Nguyen-6: sin(x) + sin(x + x²)",
    variables: ["x"],
    box: [[-1, 1]],
    of: (x) => Math.sin(x) + Math.sin(x + x * x),
  },
  {
    name: "Nguyen-7: log(x + 1) + log(x² + 1)",
    variables: ["x"],
    box: [[0, 2]],
    domain: [[-0.9, Infinity]],
    of: (x) => Math.log(x + 1) + Math.log(x * x + 1),
  },
  { name: "Nguyen-8: √x", variables: ["x"], box: [[0, 4]], domain: [[0, Infinity]], of: Math.sqrt },
  {
    name: "Keijzer-11: x·y + sin((x − 1)(y − 1))",
    variables: ["x", "y"],
    box: [[-3, 3], [-3, 3]],
    of: (x, y) => x * y + Math.sin((x - 1) * (y - 1)),
  },
  {
    name: "Keijzer-12: x⁴ − x³ + y²/2 − y",
    variables: ["x", "y"],
    box: [[-3, 3], [-3, 3]],
    of: (x, y) => x ** 4 - x ** 3 + y * y / 2 - y,
  },
  {
    name: "Keijzer-14: 8 / (2 + x² + y²)",
    variables: ["x", "y"],
    box: [[-3, 3], [-3, 3]],
    of: (x, y) => 8 / (2 + x * x + y * y),
  },
  {
    name: "Feynman I.6.20: exp(−(θ/σ)²/2) / (√(2π)·σ)",
    variables: ["sigma", "theta"],
    box: [[1, 3], [1, 3]],
    domain: [POSITIVE, [-Infinity, Infinity]],
    of: (sigma, theta) => Math.exp(-((theta / sigma) ** 2) / 2) / (Math.sqrt(2 * Math.PI) * sigma),
  },
  {
    name: "Feynman I.16.6: (u + v) / (1 + u·v/c²)",
    variables: ["c", "u", "v"],
    box: [[1, 5], [1, 5], [1, 5]],
    domain: [POSITIVE, POSITIVE, POSITIVE],
    of: (c, u, v) => (u + v) / (1 + u * v / (c * c)),
  },
  {
    name: "Feynman I.27.6: 1 / (1/d₁ + n/d₂)",
    variables: ["d1", "d2", "n"],
    box: [[1, 5], [1, 5], [1, 5]],
    domain: [POSITIVE, POSITIVE, POSITIVE],
    of: (d1, d2, n) => 1 / (1 / d1 + n / d2),
  },
  {
    name: "Feynman I.37.4: I₁ + I₂ + 2·√(I₁·I₂)·cos(δ)",
    variables: ["I1", "I2", "delta"],
    box: [[1, 5], [1, 5], [1, 5]],
    domain: [[0, Infinity], [0, Infinity], [-Infinity, Infinity]],
    of: (a, b, delta) => a + b + 2 * Math.sqrt(a * b) * Math.cos(delta),
  },
];

/** Points of a formula, a column for each variable. */
export interface Sampled {
  readonly columns: ReadonlyArray<Float64Array>;
  readonly target: Float64Array;
}

type Box = ReadonlyArray<readonly [low: number, high: number]>;

const drawn = (formula: Formula, box: Box, count: number, seed: string): Sampled => {
  const chance = random(seed);
  const columns = box.map(([low, high]) =>
    Float64Array.from({ length: count }, () => low + (high - low) * chance.float())
  );
  return { columns, target: Float64Array.from({ length: count }, (_, i) => formula.of(...columns.map((x) => x[i]))) };
};

/** The deviation of numbers from their mean. */
export const deviation = (values: Float64Array): number => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
};

/** Noisy points: what a search is given. */
export const noisyPoints = (formula: Formula, count: number, seed: number | string, noise = 0.01): Sampled => {
  const clean = drawn(formula, formula.box, count, `formulas/${formula.name}/${seed}`);
  const chance = random(`formulas/${formula.name}/${seed}/noise`);
  const size = noise * deviation(clean.target);
  return { columns: clean.columns, target: clean.target.map((value) => value + size * chance.normal()) };
};

const widened = ({ box, domain }: Formula): Box =>
  box.map(([low, high], i) => {
    const margin = (high - low) / 4;
    const [least, most] = domain?.[i] ?? [-Infinity, Infinity];
    return [Math.max(least, low - margin), Math.min(most, high + margin)] as const;
  });

/** Difference of a found function from the truth, in deviations of the truth: inside the box and around it. */
export const differences = (
  formula: Formula,
  found: (...x: ReadonlyArray<number>) => number,
  count = 500,
): { readonly inside: number; readonly around: number } => {
  const difference = (box: Box, seed: string): number => {
    const { columns, target } = drawn(formula, box, count, `formulas/${formula.name}/${seed}`);
    const square = target.reduce((sum, truth, i) => sum + (truth - found(...columns.map((x) => x[i]))) ** 2, 0);
    return Math.sqrt(square / count) / deviation(target);
  };
  return { inside: difference(formula.box, "inside"), around: difference(widened(formula), "around") };
};

/** Largest difference of a formula that counts as found. */
export const FOUND_BELOW = 0.01;
