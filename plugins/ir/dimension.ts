/**
 * Dimension: the size of an axis, a number or a polynomial over named sizes, kept in one canonical spelling.
 *
 * Not a constraint solver (see solver.ts): here two dimensions are equal when their polynomials are.
 * Invariant: a `Dimension` that is a string is canonical, so `===` is equality of polynomials, and it is never the text
 * of a constant. Atoms are names and `div(p, n)`, the floor of p divided by a positive number.
 *
 * @module
 */
import { badDimension, overLimit } from "./failures.ts";

/** A size: a non-negative integer, or the canonical text of a polynomial such as `2*B*S+1`. */
export type Dimension = number | string;

/** A polynomial: coefficient by monomial; a monomial is its sorted atoms joined by `*`, and the constant's is "". */
export type Polynomial = ReadonlyMap<string, number>;

/** Most terms in one dimension. */
export const MAX_TERMS = 64;

/** Most factors in one term. */
export const MAX_DEGREE = 32;

/** Longest text of one dimension. */
export const MAX_DIMENSION_TEXT = 1024;

/** Deepest nesting of `div` and parentheses in one dimension. */
export const MAX_DIMENSION_DEPTH = 16;

const NAME = /[A-Za-z_][A-Za-z0-9_]*/uy;
const NUMBER = /[0-9]+/uy;

const safe = (value: number): number => {
  // Adding zero makes −0 the 0 that it is as a size.
  if (Number.isSafeInteger(value)) return value + 0;
  throw overLimit({ what: "a dimension", limit: Number.MAX_SAFE_INTEGER, found: String(value) });
};

const tidy = (terms: Map<string, number>): Polynomial => {
  for (const [monomial, coefficient] of terms) if (coefficient === 0) terms.delete(monomial);
  if (terms.size > MAX_TERMS) throw overLimit({ what: "a dimension", limit: MAX_TERMS, found: `${terms.size} terms` });
  return terms;
};

/** Atoms of a monomial, at its top level: `div(B*S,2)` holds a `*` of its own. */
export const atomsOf = (monomial: string): ReadonlyArray<string> => {
  const atoms: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < monomial.length; i++) {
    if (monomial[i] === "(") depth++;
    else if (monomial[i] === ")") depth--;
    else if (monomial[i] === "*" && depth === 0) {
      atoms.push(monomial.slice(start, i));
      start = i + 1;
    }
  }
  return monomial === "" ? [] : [...atoms, monomial.slice(start)];
};

const joinAtoms = (atoms: ReadonlyArray<string>): string => [...atoms].sort().join("*");

const constant = (value: number): Polynomial => new Map(value === 0 ? [] : [["", value]]);

/** Sum of two polynomials, the second times a factor. */
export const addPolynomials = (a: Polynomial, b: Polynomial, factor = 1): Polynomial => {
  const terms = new Map(a);
  for (const [monomial, coefficient] of b) {
    terms.set(monomial, safe((terms.get(monomial) ?? 0) + safe(coefficient * factor)));
  }
  return tidy(terms);
};

/** Product of two polynomials. */
export const multiplyPolynomials = (a: Polynomial, b: Polynomial): Polynomial => {
  const terms = new Map<string, number>();
  for (const [left, p] of a) {
    for (const [right, q] of b) {
      const atoms = [...atomsOf(left), ...atomsOf(right)];
      if (atoms.length > MAX_DEGREE) {
        throw overLimit({ what: "a dimension", limit: MAX_DEGREE, found: `${atoms.length} factors` });
      }
      const monomial = joinAtoms(atoms);
      terms.set(monomial, safe((terms.get(monomial) ?? 0) + safe(p * q)));
    }
  }
  return tidy(terms);
};

const floorDivide = (a: Polynomial, divisor: number): Polynomial => {
  const whole = new Map<string, number>();
  const rest = new Map<string, number>();
  for (const [monomial, coefficient] of a) {
    // The whole part of every coefficient leaves the floor, so equal dividends have one spelling.
    const quotient = Math.floor(coefficient / divisor);
    if (quotient !== 0) whole.set(monomial, quotient);
    const remainder = coefficient - quotient * divisor;
    if (remainder !== 0) rest.set(monomial, remainder);
  }
  if (rest.size === 0 || (rest.size === 1 && rest.has(""))) return whole;
  return addPolynomials(whole, new Map([[`div(${printPolynomial(rest)},${divisor})`, 1]]));
};

const compareText = (a: string, b: string): number => a < b ? -1 : a > b ? 1 : 0;

/** Orders monomials by degree, higher first, then by text: the graded order that rewriting uses. */
export const compareMonomials = (a: string, b: string): number =>
  atomsOf(b).length - atomsOf(a).length || compareText(a, b);

const printTerm = (monomial: string, coefficient: number): string =>
  monomial === "" ? String(coefficient) : coefficient === 1 ? monomial : `${coefficient}*${monomial}`;

/** Canonical text of a polynomial. */
export const printPolynomial = (polynomial: Polynomial): string => {
  const monomials = [...polynomial.keys()].sort(compareMonomials);
  if (monomials.length === 0) return "0";
  return monomials.map((monomial, index) => {
    const coefficient = polynomial.get(monomial)!;
    if (coefficient < 0) return `-${printTerm(monomial, -coefficient)}`;
    return `${index > 0 ? "+" : ""}${printTerm(monomial, coefficient)}`;
  }).join("");
};

/** The dimension a polynomial is: a number where it is constant. */
export const fromPolynomial = (polynomial: Polynomial): Dimension => {
  if (polynomial.size === 0) return 0;
  if (polynomial.size === 1 && polynomial.has("")) return polynomial.get("")!;
  const text = printPolynomial(polynomial);
  if (text.length > MAX_DIMENSION_TEXT) {
    throw overLimit({ what: "a dimension's text", limit: MAX_DIMENSION_TEXT, found: text.length });
  }
  return text;
};

class DimensionReader {
  private position = 0;
  constructor(private readonly text: string) {}

  private refuse(reason: string): never {
    throw badDimension({ dimension: `"${this.text.slice(0, 80)}"`, reason: `${reason} at ${this.position}` });
  }

  private take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.position;
    const match = pattern.exec(this.text);
    if (match === null) return undefined;
    this.position += match[0].length;
    return match[0];
  }

  private accept(symbol: string): boolean {
    while (this.text[this.position] === " ") this.position++;
    if (this.text[this.position] !== symbol) return false;
    this.position++;
    while (this.text[this.position] === " ") this.position++;
    return true;
  }

  private factor(depth: number): Polynomial {
    if (depth > MAX_DIMENSION_DEPTH) return this.refuse(`nesting exceeds ${MAX_DIMENSION_DEPTH}`);
    if (this.accept("(")) {
      const inner = this.sum(depth + 1);
      return this.accept(")") ? inner : this.refuse('expected ")"');
    }
    const digits = this.take(NUMBER);
    if (digits !== undefined) return constant(safe(Number(digits)));
    const name = this.take(NAME);
    if (name === undefined) return this.refuse("expected a number or a name");
    if (name !== "div" || !this.accept("(")) return new Map([[name, 1]]);
    const inner = this.sum(depth + 1);
    if (!this.accept(",")) return this.refuse('expected ","');
    const divisor = safe(Number(this.take(NUMBER) ?? "0"));
    if (divisor < 1) return this.refuse("expected a positive divisor");
    return this.accept(")") ? floorDivide(inner, divisor) : this.refuse('expected ")"');
  }

  private product(depth: number): Polynomial {
    let result = this.factor(depth);
    while (this.accept("*")) result = multiplyPolynomials(result, this.factor(depth));
    return result;
  }

  private sum(depth: number): Polynomial {
    let result = this.accept("-")
      ? addPolynomials(constant(0), this.product(depth), -1)
      : (this.accept("+"), this.product(depth));
    for (;;) {
      if (this.accept("+")) result = addPolynomials(result, this.product(depth));
      else if (this.accept("-")) result = addPolynomials(result, this.product(depth), -1);
      else return result;
    }
  }

  whole(): Polynomial {
    this.accept(" ");
    const result = this.sum(0);
    return this.position === this.text.length ? result : this.refuse("unexpected text");
  }
}

/** The polynomial of a dimension. */
export const toPolynomial = (dimension: Dimension): Polynomial => {
  if (typeof dimension === "number") return constant(safe(dimension));
  if (dimension.length > MAX_DIMENSION_TEXT) {
    throw overLimit({ what: "a dimension's text", limit: MAX_DIMENSION_TEXT, found: dimension.length });
  }
  return new DimensionReader(dimension).whole();
};

/**
 * Reads a dimension into its canonical spelling.
 *
 * @example
 * ```ts
 * import { dimension } from "@rmi/rmi/ir";
 * import assert from "node:assert/strict";
 * assert.equal(dimension("S*B + B*S"), "2*B*S");
 * assert.equal(dimension("2 + 3"), 5);
 * ```
 */
export const dimension = (text: Dimension): Dimension => {
  const made = fromPolynomial(toPolynomial(text));
  if (typeof made === "number" && made < 0) {
    throw badDimension({ dimension: String(text), reason: "a size is not negative" });
  }
  return made;
};

/** Sum of dimensions. */
export const addDimensions = (...dimensions: ReadonlyArray<Dimension>): Dimension =>
  dimensions.every((d) => typeof d === "number")
    ? safe(dimensions.reduce<number>((sum, d) => sum + (d as number), 0))
    : fromPolynomial(dimensions.map(toPolynomial).reduce((sum, d) => addPolynomials(sum, d), constant(0)));

/** Difference of two dimensions; may be negative. */
export const subtractDimensions = (a: Dimension, b: Dimension): Dimension =>
  fromPolynomial(addPolynomials(toPolynomial(a), toPolynomial(b), -1));

/** Product of dimensions; of none, 1. */
export const multiplyDimensions = (...dimensions: ReadonlyArray<Dimension>): Dimension =>
  dimensions.every((d) => typeof d === "number")
    ? safe(dimensions.reduce<number>((product, d) => product * (d as number), 1))
    : fromPolynomial(dimensions.map(toPolynomial).reduce((product, d) => multiplyPolynomials(product, d), constant(1)));

/** Floor of a dimension divided by a positive integer. */
export const divideDimension = (a: Dimension, divisor: number): Dimension =>
  fromPolynomial(floorDivide(toPolynomial(a), divisor));

/** The exact quotient of two dimensions where one exists as a polynomial and the divisor is one term. */
export const quotientOf = (a: Dimension, b: Dimension): Dimension | undefined => {
  const divisor = [...toPolynomial(b)];
  if (divisor.length !== 1) return a === b && a !== 0 ? 1 : undefined;
  const [monomial, coefficient] = divisor[0];
  const terms = new Map<string, number>();
  for (const [numerator, p] of toPolynomial(a)) {
    const rest = [...atomsOf(numerator)];
    for (const atom of atomsOf(monomial)) {
      const index = rest.indexOf(atom);
      if (index < 0) return undefined;
      rest.splice(index, 1);
    }
    if (p % coefficient !== 0) return undefined;
    terms.set(joinAtoms(rest), p / coefficient);
  }
  return fromPolynomial(terms);
};

const DIVISION = /^div\((.*),([0-9]+)\)$/u;

/** The parts of a `div(p,n)` atom, or undefined for a name. */
export const divisionOf = (atom: string): { readonly of: string; readonly by: number } | undefined => {
  const match = DIVISION.exec(atom);
  return match === null ? undefined : { of: match[1], by: Number(match[2]) };
};

/** Names a dimension mentions, in order of first mention, without repeats. */
export const symbolsOf = (dimension: Dimension): ReadonlyArray<string> => {
  if (typeof dimension === "number") return [];
  const names = [...toPolynomial(dimension).keys()].flatMap(atomsOf).flatMap((atom) => {
    const division = divisionOf(atom);
    return division === undefined ? [atom] : symbolsOf(division.of);
  });
  return [...new Set(names)];
};

/** Sizes or polynomials for names. */
export type Bindings = ReadonlyMap<string, Dimension>;

/** A dimension with names replaced by what they are bound to; unbound names stay. */
export const substitute = (dimension: Dimension, bindings: Bindings): Dimension => {
  if (typeof dimension === "number" || bindings.size === 0) return dimension;
  const direct = bindings.get(dimension);
  if (direct !== undefined) return direct;
  let result = constant(0);
  for (const [monomial, coefficient] of toPolynomial(dimension)) {
    let term = constant(coefficient);
    for (const atom of atomsOf(monomial)) {
      const division = divisionOf(atom);
      const factor = division === undefined
        ? toPolynomial(bindings.get(atom) ?? atom)
        : floorDivide(toPolynomial(substitute(division.of, bindings)), division.by);
      term = multiplyPolynomials(term, factor);
    }
    result = addPolynomials(result, term);
  }
  return fromPolynomial(result);
};
