/**
 * Solver: equalities between symbolic dimensions, and what follows from them.
 *
 * Not complete: integer polynomial equations in general are undecidable. It is sound: what it calls equal is equal under
 * its assumptions, what it calls contradictory cannot hold. Sums and products with a lone unknown are always solved.
 * Invariant: every rule rewrites one monomial to a polynomial that does not contain it.
 *
 * @module
 */
import {
  addPolynomials,
  atomsOf,
  type Bindings,
  compareMonomials,
  type Dimension,
  divisionOf,
  fromPolynomial,
  multiplyPolynomials,
  type Polynomial,
  printPolynomial,
  substitute,
  symbolsOf,
  toPolynomial,
} from "./dimension.ts";
import { badDimension } from "./failures.ts";

/** An equality between two dimensions, as a function's `where` clause states it. */
export type Constraint = readonly [Dimension, Dimension];

/** Most rewriting steps for one normal form; reached only by equations that rewrite in circles. */
export const MAX_REWRITES = 256;

/** Most rounds of solving equations with one unknown; a chain of them in the worst order takes one round each. */
export const MAX_ROUNDS = 64;

/** Most equalities assumed at once. */
export const MAX_CONSTRAINTS = 64;

type Rule = { readonly monomial: string; readonly by: Polynomial };

const divides = (part: string, whole: string): string | undefined => {
  const rest = [...atomsOf(whole)];
  for (const atom of atomsOf(part)) {
    const index = rest.indexOf(atom);
    if (index < 0) return undefined;
    rest.splice(index, 1);
  }
  return rest.join("*");
};

const gcd = (a: number, b: number): number => b === 0 ? Math.abs(a) : gcd(b, a % b);

/** Assumed equalities, and the questions one can ask of them. */
export class DimensionSolver {
  private rules: Rule[] = [];
  /** Equations without a monomial to solve for; they answer only their own multiples. */
  private readonly residuals: Polynomial[] = [];

  /** Starts from equalities; throws `IR_DIMENSION` when they contradict each other. */
  constructor(constraints: ReadonlyArray<Constraint> = []) {
    for (const [a, b] of constraints) {
      if (!this.assume(a, b)) throw badDimension({ dimension: `${a} = ${b}`, reason: "the equality cannot hold" });
    }
  }

  /** The normal form of a polynomial under the rules. */
  private reduce(start: Polynomial): Polynomial {
    let polynomial = start;
    for (let step = 0; step < MAX_REWRITES; step++) {
      const hit = this.firstRewrite(polynomial);
      if (hit === undefined) return polynomial;
      const { monomial, rest, rule } = hit;
      const coefficient = polynomial.get(monomial)!;
      const replaced = multiplyPolynomials(rule.by, new Map([[rest, coefficient]]));
      polynomial = addPolynomials(addPolynomials(polynomial, new Map([[monomial, coefficient]]), -1), replaced);
    }
    return polynomial;
  }

  /** A monomial that a rule rewrites, if there is one. */
  private firstRewrite(polynomial: Polynomial): { monomial: string; rest: string; rule: Rule } | undefined {
    for (const monomial of polynomial.keys()) {
      for (const rule of this.rules) {
        const rest = divides(rule.monomial, monomial);
        if (rest !== undefined) return { monomial, rest, rule };
      }
    }
    return undefined;
  }

  /** Assumes that two dimensions are equal; false when that cannot hold. */
  assume(a: Dimension, b: Dimension): boolean {
    const difference = this.reduce(addPolynomials(toPolynomial(a), toPolynomial(b), -1));
    if (difference.size === 0) return true;
    const monomials = [...difference.keys()].filter((monomial) => monomial !== "").sort(compareMonomials);
    const rest = difference.get("") ?? 0;
    const divisor = monomials.reduce((sofar, monomial) => gcd(sofar, difference.get(monomial)!), 0);
    if (monomials.length === 0 || rest % divisor !== 0) return false;
    // Sizes are not negative, so terms of one sign cannot sum to a constant of the same sign.
    const signs = new Set(monomials.map((monomial) => Math.sign(difference.get(monomial)!)));
    if (signs.size === 1 && signs.has(Math.sign(rest))) return false;
    const reduced: Polynomial = new Map([...difference].map(([monomial, p]) => [monomial, p / divisor]));
    this.orient(reduced, monomials);
    return true;
  }

  /** Keeps an equation as a rule for one of its monomials, or as it is. */
  private orient(equation: Polynomial, monomials: ReadonlyArray<string>): void {
    const lead = monomials.find((monomial) =>
      Math.abs(equation.get(monomial)!) === 1 &&
      monomials.every((other) => other === monomial || divides(monomial, other) === undefined) &&
      !monomials.some((other) => mentionsInside(other, monomial))
    );
    if (lead === undefined) {
      this.residuals.push(equation);
      return;
    }
    const by = addPolynomials(new Map(), addPolynomials(equation, new Map([[lead, equation.get(lead)!]]), -1), -1);
    const sign = equation.get(lead)!;
    this.rules.push({ monomial: lead, by: new Map([...by].map(([monomial, p]) => [monomial, p * sign])) });
    this.rules = this.rules.map((rule) => rule.monomial === lead ? rule : { ...rule, by: this.reduce(rule.by) });
  }

  /** The normal form of a dimension under the assumptions. */
  normal(of: Dimension): Dimension {
    return typeof of === "number" || this.rules.length === 0 ? of : fromPolynomial(this.reduce(toPolynomial(of)));
  }

  /** Whether two dimensions are equal under the assumptions; false also where that cannot be told. */
  equal(a: Dimension, b: Dimension): boolean {
    if (a === b) return true;
    if (typeof a === "number" && typeof b === "number") return false;
    const difference = this.reduce(addPolynomials(toPolynomial(a), toPolynomial(b), -1));
    return difference.size === 0 || this.residuals.some((residual) => isMultiple(difference, residual));
  }

  /** Whether two dimensions are known to differ. */
  differ(a: Dimension, b: Dimension): boolean {
    const difference = this.reduce(addPolynomials(toPolynomial(a), toPolynomial(b), -1));
    return difference.size === 1 && difference.has("");
  }

  /** Whether two shapes are equal, axis by axis. */
  equalShapes(a: ReadonlyArray<Dimension>, b: ReadonlyArray<Dimension>): boolean {
    return a.length === b.length && a.every((size, axis) => this.equal(size, b[axis]));
  }

  /** The assumptions that remain, as equalities; empty when there are none. */
  equations(): ReadonlyArray<Constraint> {
    return [
      ...this.rules.map((rule): Constraint => [rule.monomial, fromPolynomial(rule.by)]),
      ...this.residuals.map((residual): Constraint => [printPolynomial(residual), 0]),
    ];
  }
}

const mentionsInside = (monomial: string, name: string): boolean =>
  atomsOf(monomial).some((atom) => divisionOf(atom) !== undefined && symbolsOf(atom).includes(name));

const isMultiple = (a: Polynomial, b: Polynomial): boolean => {
  const [first] = b;
  const factor = (a.get(first[0]) ?? 0) / first[1];
  return Number.isInteger(factor) && factor !== 0 && addPolynomials(a, b, -factor).size === 0;
};

const solveFor = (equation: Polynomial): readonly [string, Dimension] | undefined => {
  const names = symbolsOf(fromPolynomial(equation));
  if (names.length !== 1) return undefined;
  const coefficient = equation.get(names[0]);
  if (coefficient === undefined || [...equation.keys()].some((key) => key !== "" && key !== names[0])) return undefined;
  const size = -(equation.get("") ?? 0) / coefficient;
  return Number.isInteger(size) && size >= 0 ? [names[0], size] : undefined;
};

/**
 * Finds sizes for names so that every pattern equals what it is matched with; undefined when none exist or when an
 * equation has more than one unknown left. Patterns that are single names are bound first, then equations with one
 * unknown are solved until nothing changes. Sizes in `given` are taken as they are.
 */
export const matchDimensions = (
  pairs: ReadonlyArray<readonly [pattern: Dimension, actual: Dimension]>,
  solver: DimensionSolver = new DimensionSolver(),
  given: Bindings = new Map(),
): Bindings | undefined => {
  const bindings = new Map<string, Dimension>(given);
  const isName = (pattern: Dimension): pattern is string =>
    typeof pattern === "string" && /^[A-Za-z_][A-Za-z0-9_]*$/u.test(pattern);
  for (const [pattern, actual] of pairs) {
    if (isName(pattern) && !bindings.has(pattern)) bindings.set(pattern, actual);
  }
  for (let round = 0, changed = true; changed && round < MAX_ROUNDS; round++) {
    changed = false;
    for (const [pattern, actual] of pairs) {
      const open = symbolsOf(pattern).filter((name) => !bindings.has(name));
      if (open.length !== 1 || typeof actual !== "number") continue;
      const solved = solveFor(addPolynomials(toPolynomial(substitute(pattern, bindings)), toPolynomial(actual), -1));
      if (solved === undefined) continue;
      bindings.set(...solved);
      changed = true;
    }
  }
  const holds = pairs.every(([pattern, actual]) =>
    symbolsOf(pattern).every((name) => bindings.has(name)) && solver.equal(substitute(pattern, bindings), actual)
  );
  return holds ? bindings : undefined;
};
