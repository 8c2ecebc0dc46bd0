/**
 * Describe: how long the shortest account of the data is that uses a formula: the formula's own length, and what it leaves
 * unexplained. Constants that may as well be simple numbers become so.
 *
 * Source: Rissanen 1978 (minimum description length); Udrescu, Tan, Feng, Neto, Wu, Tegmark 2020 (simple constants).
 * Invariant: making constants simple never makes the account longer.
 *
 * @module
 */
import type { Workbench } from "./evaluate.ts";
import { type Fitted, type Free, refitted, type Target } from "./fit.ts";
import { affine, constantsOf, type Formula, tidied, withConstants } from "./formula.ts";

/** A formula with all its constants in it, and how well it does. */
export interface Described {
  /** The whole formula: scale and offset are in it. */
  readonly formula: Formula;
  /** Mean square of what is left on the points that it was fitted to, over the target's variance. */
  readonly error: number;
  /** Length of the account, in nats. */
  readonly length: number;
}

/** Denominators of simple numbers. */
const DENOMINATORS = [1, 2, 3, 4, 5, 6, 8, 10] as const;

/** Length of a whole number. */
const lengthOfWhole = (value: number): number => 1 + 2 * Math.log(1 + Math.abs(value));

/** Length of a number with a small denominator; undefined of any other. */
const lengthOfSimple = (value: number): number | undefined => {
  const denominator = DENOMINATORS.find((d) => Number.isInteger(Number((value * d).toPrecision(12))));
  return denominator === undefined
    ? undefined
    : lengthOfWhole(Math.round(value * denominator)) + 2 * Math.log(denominator);
};

/** Length of a fitted constant: its digits that the data can tell, and how large it is. */
const lengthOfFitted = (value: number, count: number): number =>
  3 + Math.log(count) / 2 + 2 * Math.abs(Math.log10(Math.abs(value) || 1));

const lengthOfConstant = (value: number, count: number): number =>
  Math.min(lengthOfSimple(value) ?? Infinity, lengthOfFitted(value, count));

/** Length of the whole formula. */
const lengthOfFormula = (formula: Formula, symbols: number, count: number): number =>
  formula.size * Math.log(symbols) +
  constantsOf(formula).reduce((sum, value) => sum + lengthOfConstant(value, count), 0);

/** Relative error below which data count as exact: rounding, not noise. */
export const EXACT = 1e-24;

/** Length of what is left. */
const lengthOfRest = (error: number, count: number): number => count / 2 * Math.log(Math.max(error, EXACT));

/** A fit as it stands, described. */
export const described = ({ formula, scale, offset, error }: Fitted, symbols: number, count: number): Described => {
  const whole = tidied(affine(formula, scale, offset));
  return { formula: whole, error, length: lengthOfFormula(whole, symbols, count) + lengthOfRest(error, count) };
};

const simpleNear = (value: number): ReadonlyArray<number> => {
  const near = DENOMINATORS.map((d) => Math.round(value * d) / d);
  return [...new Set(near)].filter((simple) => Math.abs(simple - value) <= NEAR * Math.max(Math.abs(value), NEAR));
};

/** How near a simple number has to be to be tried, relatively. */
const NEAR = 0.1;

const FIRST_STEPS = 30;
const STEPS = 6;

const parametersOf = ({ formula, scale, offset }: Fitted): ReadonlyArray<number> => [
  offset,
  scale,
  ...constantsOf(formula),
];

const setting = (fitted: Fitted, at: number, value: number): Fitted => {
  if (at === 0) return { ...fitted, offset: value };
  if (at === 1) return { ...fitted, scale: value };
  const constants = constantsOf(fitted.formula);
  constants[at - 2] = value;
  return { ...fitted, formula: withConstants(fitted.formula, constants) };
};

const freeOf = (fixed: ReadonlySet<number>, count: number): Free => ({
  offset: !fixed.has(0),
  scale: !fixed.has(1),
  constants: Array.from({ length: count }, (_, k) => !fixed.has(k + 2)),
});

/** The shortest account found by making constants simple, one after another, the others fitted anew each time. */
export const simplified = (from: Fitted, symbols: number, bench: Workbench, target: Target): Described => {
  const { count } = bench;
  const fixed = new Set<number>();
  const constants = from.formula.constants;
  const free = () => freeOf(fixed, constants);
  let fitted = refitted(from, free(), bench, target, FIRST_STEPS) ?? from;
  let best = described(fitted, symbols, count);
  for (;;) {
    let chosen: { readonly at: number; readonly fitted: Fitted; readonly described: Described } | undefined;
    for (const [at, value] of parametersOf(fitted).entries()) {
      if (fixed.has(at)) continue;
      for (const simple of simpleNear(value)) {
        // A scale of nothing would be no formula.
        if (at === 1 && simple === 0) continue;
        fixed.add(at);
        const tried = refitted(setting(fitted, at, simple), free(), bench, target, STEPS);
        fixed.delete(at);
        if (tried === undefined) continue;
        const account = described(tried, symbols, count);
        if (account.length < (chosen?.described.length ?? best.length)) {
          chosen = { at, fitted: tried, described: account };
        }
      }
    }
    if (chosen === undefined) return best;
    fixed.add(chosen.at);
    ({ fitted, described: best } = chosen);
  }
};
