/**
 * Fit: the constants of a formula, and the scale and offset that bring it to the target, by Levenberg–Marquardt.
 *
 * Sources: Marquardt 1963; Keijzer 2003 (linear scaling: a formula is judged by its best affine image).
 * Invariant: an accepted step never makes the error larger; a formula that is not finite at every point has no fit.
 *
 * @module
 */
import type { Workbench } from "./evaluate.ts";
import { constantsOf, type Formula, withConstants } from "./formula.ts";
import type { Column } from "./primitives.ts";

/** A formula with its constants, scale and offset. */
export interface Fitted {
  /** The formula, its constants fitted. */
  readonly formula: Formula;
  /** What it is multiplied with. */
  readonly scale: number;
  /** What is added then. */
  readonly offset: number;
  /** Mean square of what is left, over the target's variance. */
  readonly error: number;
}

/** What is fitted to. */
export class Target {
  /** Values. */
  readonly values: Column;
  /** Their mean. */
  readonly mean: number;
  /** Their variance; 1 of a constant target, so that errors stay finite. */
  readonly variance: number;

  /** A target of values. */
  constructor(values: Column) {
    this.values = values;
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += values[i];
    this.mean = sum / values.length;
    let square = 0;
    for (let i = 0; i < values.length; i++) square += (values[i] - this.mean) ** 2;
    this.variance = square === 0 ? 1 : square / values.length;
  }
}

/** Slope below which a formula counts as constant on the points, relative to its size. */
const FLAT = 1e-12;

/** The best scale and offset of values; undefined where they are not finite or all the same. */
const scaled = (values: Column, target: Target): Omit<Fitted, "formula"> | undefined => {
  const count = values.length;
  const y = target.values;
  let sum = 0;
  for (let i = 0; i < count; i++) sum += values[i];
  const mean = sum / count;
  let [own, cross] = [0, 0];
  for (let i = 0; i < count; i++) {
    const d = values[i] - mean;
    own += d * d;
    cross += d * (y[i] - target.mean);
  }
  if (!(own < Infinity) || !(own > FLAT * FLAT * mean * mean * count)) return undefined;
  const scale = cross / own;
  const offset = target.mean - scale * mean;
  let left = 0;
  for (let i = 0; i < count; i++) {
    const r = y[i] - offset - scale * values[i];
    left += r * r;
  }
  const error = left / count / target.variance;
  return Number.isFinite(error) && Number.isFinite(scale) && Number.isFinite(offset)
    ? { scale, offset, error }
    : undefined;
};

/** Solves a symmetric positive definite system in place by Cholesky; false where it is none. */
const solved = (matrix: Float64Array, right: Float64Array, n: number): boolean => {
  for (let j = 0; j < n; j++) {
    let d = matrix[j * n + j];
    for (let k = 0; k < j; k++) d -= matrix[j * n + k] ** 2;
    if (!(d > 0)) return false;
    const root = Math.sqrt(d);
    matrix[j * n + j] = root;
    for (let i = j + 1; i < n; i++) {
      let s = matrix[i * n + j];
      for (let k = 0; k < j; k++) s -= matrix[i * n + k] * matrix[j * n + k];
      matrix[i * n + j] = s / root;
    }
  }
  for (let i = 0; i < n; i++) {
    let s = right[i];
    for (let k = 0; k < i; k++) s -= matrix[i * n + k] * right[k];
    right[i] = s / matrix[i * n + i];
  }
  for (let i = n - 1; i >= 0; i--) {
    let s = right[i];
    for (let k = i + 1; k < n; k++) s -= matrix[k * n + i] * right[k];
    right[i] = s / matrix[i * n + i];
  }
  return true;
};

/** What scaling costs at a point, in additions. */
const SCALING_WORK = 8;

const FIRST_DAMPING = 1e-3;
const LEAST_DAMPING = 1e-9;
const MAX_DAMPING = 1e8;

/** How a fit goes. */
export interface FitOptions {
  /** Most steps tried. */
  readonly steps: number;
  /** Relative gain of a step below which it ends. */
  readonly least?: number;
  /** Which constants, in preorder, stay as they are. */
  readonly fixed?: ReadonlyArray<boolean>;
  /** An error that has to come near after a few steps for the fit to go on. */
  readonly hopeless?: number;
}

/** Normal equations. */
interface Equations {
  readonly matrix: Float64Array;
  readonly right: Float64Array;
  readonly n: number;
}

/** Normal equations of columns, one a parameter; the column of the offset, all ones, is `undefined`. */
const normal = (
  columns: ReadonlyArray<Column | undefined>,
  values: Column,
  current: Omit<Fitted, "formula" | "error">,
  target: Target,
): Equations => {
  const n = columns.length;
  const count = values.length;
  const matrix = new Float64Array(n * n);
  const right = new Float64Array(n);
  const rest = new Float64Array(count);
  for (let i = 0; i < count; i++) rest[i] = target.values[i] - current.offset - current.scale * values[i];
  for (let p = 0; p < n; p++) {
    const a = columns[p];
    for (let q = p; q < n; q++) {
      const b = columns[q];
      let sum = 0;
      if (a === undefined) {
        if (b === undefined) sum = count;
        else for (let i = 0; i < count; i++) sum += b[i];
      } else for (let i = 0; i < count; i++) sum += a[i] * b![i];
      matrix[p * n + q] = matrix[q * n + p] = sum;
    }
    let sum = 0;
    if (a === undefined) { for (let i = 0; i < count; i++) sum += rest[i]; }
    else for (let i = 0; i < count; i++) sum += a[i] * rest[i];
    right[p] = sum;
  }
  return { matrix, right, n };
};

/** The damped step; undefined where the system is singular. */
const moveOf = ({ matrix, right, n }: Equations, damping: number): Float64Array | undefined => {
  const damped = matrix.slice();
  for (let p = 0; p < n; p++) damped[p * n + p] *= 1 + damping;
  const move = right.slice();
  return solved(damped, move, n) ? move : undefined;
};

/** Steps after which a fit that is far from hopeful ends. */
const PATIENCE = 3;

/** The formula with its constants fitted to a target; undefined where it is not finite, or constant, on the points. */
export const fit = (
  formula: Formula,
  bench: Workbench,
  target: Target,
  { steps, least = 1e-4, fixed, hopeless = Infinity }: FitOptions,
): Fitted | undefined => {
  let values = bench.evaluate(formula);
  bench.work += bench.count * SCALING_WORK;
  const first = scaled(values, target);
  if (first === undefined) return undefined;
  let current = first;
  let constants = constantsOf(formula);
  const free = constants.map((_, k) => k).filter((k) => fixed?.[k] !== true);
  if (free.length === 0 || steps === 0) return { formula, ...current };
  let damping = FIRST_DAMPING;
  let best = formula;
  let equations: Equations | undefined;
  for (let step = 0; step < steps && damping < MAX_DAMPING; step++) {
    if (step === PATIENCE && current.error > hopeless) break;
    if (equations === undefined) {
      const { scale } = current;
      const slopes = bench.derivatives((column) => column.fill(scale));
      bench.work += bench.count * (free.length + 2) ** 2;
      equations = normal([undefined, values, ...free.map((k) => slopes[k])], values, current, target);
    }
    const move = moveOf(equations, damping);
    const candidate = constants.slice();
    if (move !== undefined) free.forEach((k, p) => candidate[k] += move[p + 2]);
    let tried: Omit<Fitted, "formula"> | undefined;
    if (move !== undefined && candidate.every(Number.isFinite)) {
      const form = withConstants(best, candidate);
      values = bench.evaluate(form);
      bench.work += bench.count * SCALING_WORK;
      tried = scaled(values, target);
      if (tried !== undefined && tried.error < current.error) {
        const gain = 1 - tried.error / current.error;
        [current, constants, best, equations] = [tried, candidate, form, undefined];
        damping = Math.max(LEAST_DAMPING, damping / 10);
        if (gain < least) break;
        continue;
      }
    }
    damping *= 10;
  }
  return { formula: best, ...current };
};

/** Which parameters of a fit are free. */
export interface Free {
  /** The scale. */
  readonly scale: boolean;
  /** The offset. */
  readonly offset: boolean;
  /** The constants, in preorder. */
  readonly constants: ReadonlyArray<boolean>;
}

const leftOver = (values: Column, scale: number, offset: number, target: Target): number => {
  let square = 0;
  for (let i = 0; i < values.length; i++) square += (target.values[i] - offset - scale * values[i]) ** 2;
  return square / values.length / target.variance;
};

/** The fit with its free parameters fitted anew and the others as they are; undefined where it is not finite. */
export const refitted = (
  from: Omit<Fitted, "error">,
  free: Free,
  bench: Workbench,
  target: Target,
  steps: number,
): Fitted | undefined => {
  let values = bench.evaluate(from.formula);
  let current: Fitted = { ...from, error: leftOver(values, from.scale, from.offset, target) };
  if (!Number.isFinite(current.error)) return undefined;
  const open = free.constants.flatMap((isFree, k) => isFree ? [k] : []);
  const first = Number(free.offset) + Number(free.scale);
  if (first + open.length === 0) return current;
  let damping = FIRST_DAMPING;
  let equations: Equations | undefined;
  for (let step = 0; step < steps && damping < MAX_DAMPING; step++) {
    if (equations === undefined) {
      const { scale } = current;
      const slopes = open.length === 0 ? [] : bench.derivatives((column) => column.fill(scale));
      const columns = [
        ...(free.offset ? [undefined] : []),
        ...(free.scale ? [values] : []),
        ...open.map((k) => slopes[k]),
      ];
      bench.work += bench.count * columns.length ** 2;
      equations = normal(columns, values, current, target);
    }
    const move = moveOf(equations, damping);
    damping *= 10;
    if (move === undefined) continue;
    const constants = constantsOf(current.formula);
    open.forEach((k, p) => constants[k] += move[first + p]);
    const formula = withConstants(current.formula, constants);
    const offset = current.offset + (free.offset ? move[0] : 0);
    const scale = current.scale + (free.scale ? move[first - 1] : 0);
    values = bench.evaluate(formula);
    const error = leftOver(values, scale, offset, target);
    if (!(error < current.error)) continue;
    const gain = 1 - error / current.error;
    current = { formula, scale, offset, error };
    equations = undefined;
    damping = Math.max(LEAST_DAMPING, damping / 100);
    if (gain < LEAST_GAIN) break;
  }
  return current;
};

/** Relative gain of a step below which refitting ends. */
const LEAST_GAIN = 1e-6;
