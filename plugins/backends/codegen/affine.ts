/**
 * Affine: index arithmetic. An index is a constant plus multiples of atoms; atoms are loop axes, quotients, remainders
 * and computed integers.
 *
 * Not arithmetic on data (loops.ts has that): here is only what says where an element lies.
 * Invariant: two indices that this file can show to be equal have the same `key`. Division rounds down; what a quotient
 * or remainder divides is never negative, so every kind of hardware division agrees.
 *
 * @module
 */

/** One loop: a number that runs from 0 to below its extent. */
export interface Axis {
  /** Unique in its program. */
  readonly id: number;
  /** How many turns. */
  readonly extent: number;
}

/** What an index is made of besides constants. */
export type Atom =
  | { readonly kind: "axis"; readonly key: string; readonly low: number; readonly high: number; readonly axis: Axis }
  | {
    readonly kind: "quotient" | "remainder";
    readonly key: string;
    readonly low: number;
    readonly high: number;
    /** What is divided. */
    readonly of: Affine;
    /** The divisor, above 1. */
    readonly by: number;
  }
  | {
    /** An integer that is computed or loaded at run time. `value` is an expression of dtype i32. */
    readonly kind: "value";
    readonly key: string;
    readonly low: number;
    readonly high: number;
    readonly value: unknown;
  };

/** A multiple of an atom. */
export interface Term {
  /** The atom. */
  readonly atom: Atom;
  /** Its factor, not 0. */
  readonly step: number;
}

/** An index. Terms are sorted by the atoms' keys, and no atom stands twice. */
export interface Affine {
  /** Equal for equal indices. */
  readonly key: string;
  /** The constant. */
  readonly constant: number;
  /** The multiples. */
  readonly terms: ReadonlyArray<Term>;
}

const make = (constant: number, terms: ReadonlyArray<Term>): Affine => ({
  key: terms.length === 0
    ? String(constant)
    : `${terms.map(({ atom, step }) => `${step}${atom.key}`).join("+")}+${constant}`,
  constant,
  terms,
});

/** A number as an index. */
export const literal = (value: number): Affine => make(value, []);

/** 0. */
export const ZERO: Affine = literal(0);

/** The index that an axis is; 0 where it has one turn. */
export const axisIndex = (axis: Axis): Affine =>
  axis.extent === 1 ? ZERO : make(0, [{
    atom: { kind: "axis", key: `a${axis.id}`, low: 0, high: Math.max(0, axis.extent - 1), axis },
    step: 1,
  }]);

/** The index that a computed integer is, with what is known of its range. */
export const valueIndex = (value: unknown, id: number, low: number, high: number): Affine =>
  make(0, [{ atom: { kind: "value", key: `v${id}`, low, high, value }, step: 1 }]);

const divided = (kind: "quotient" | "remainder", of: Affine, by: number): Affine => {
  const [low, high] = kind === "remainder" ? [0, by - 1] : rangeOf(of).map((bound) => Math.floor(bound / by));
  return make(0, [{
    atom: { kind, key: `${kind === "quotient" ? "q" : "r"}${by}(${of.key})`, low, high, of, by },
    step: 1,
  }]);
};

/** Smallest and largest value. */
export const rangeOf = (index: Affine): readonly [low: number, high: number] => {
  let low = index.constant;
  let high = index.constant;
  for (const { atom, step } of index.terms) {
    low += step > 0 ? step * atom.low : step * atom.high;
    high += step > 0 ? step * atom.high : step * atom.low;
  }
  return [low, high];
};

/** Puts quotient and remainder of one index by one number together again: q·n·b + r·b is the index times b. */
const rejoin = (constant: number, terms: ReadonlyArray<Term>): Affine => {
  for (const term of terms) {
    const { atom, step } = term;
    if (atom.kind !== "remainder") continue;
    const quotient = single(divideIndex(atom.of, atom.by));
    if (quotient === undefined) continue;
    const partner = terms.find((other) => other.atom.key === quotient.key && other.step === step * atom.by);
    if (partner === undefined) continue;
    const rest = terms.filter((other) => other !== term && other !== partner);
    return addIndices(make(constant, rest), scaleIndex(atom.of, step));
  }
  return make(constant, terms);
};

/** Sum. */
export const addIndices = (a: Affine, b: Affine): Affine => {
  if (b.terms.length === 0) return b.constant === 0 ? a : make(a.constant + b.constant, a.terms);
  if (a.terms.length === 0) return a.constant === 0 ? b : make(a.constant + b.constant, b.terms);
  const terms: Term[] = [];
  let divides = false;
  let [i, j] = [0, 0];
  while (i < a.terms.length || j < b.terms.length) {
    const [left, right] = [a.terms[i], b.terms[j]];
    if (right === undefined || (left !== undefined && left.atom.key < right.atom.key)) {
      terms.push(left);
      i++;
    } else if (left === undefined || right.atom.key < left.atom.key) {
      terms.push(right);
      j++;
    } else {
      const step = left.step + right.step;
      if (step !== 0) terms.push({ atom: left.atom, step });
      i++;
      j++;
    }
    divides ||= terms.at(-1)?.atom.kind === "remainder";
  }
  return divides ? rejoin(a.constant + b.constant, terms) : make(a.constant + b.constant, terms);
};

/** Multiple. */
export const scaleIndex = (index: Affine, factor: number): Affine =>
  factor === 1 ? index : factor === 0 ? ZERO : make(
    index.constant * factor,
    index.terms.map(({ atom, step }) => ({ atom, step: step * factor })),
  );

const floorMod = (a: number, n: number): number => ((a % n) + n) % n;

const gcd = (a: number, b: number): number => b === 0 ? Math.abs(a) : gcd(b, a % b);

/** Splits an index into what is a multiple of a number and the rest, whose constant is in [0, by). */
const splitBy = (index: Affine, by: number): readonly [whole: Affine, rest: Affine] => [
  make(
    Math.floor(index.constant / by),
    index.terms.filter(({ step }) => step % by === 0).map(({ atom, step }) => ({ atom, step: step / by })),
  ),
  make(floorMod(index.constant, by), index.terms.filter(({ step }) => step % by !== 0)),
];

const shared = (rest: Affine, by: number): number => rest.terms.reduce((common, { step }) => gcd(common, step), by);

/** The rest with a common factor of its terms and the divisor taken out; the constant rounds down. */
const reduced = (rest: Affine, common: number): Affine =>
  make(
    Math.floor(rest.constant / common),
    rest.terms.map(({ atom, step }) => ({ atom, step: step / common })),
  );

const single = (index: Affine): Atom | undefined =>
  index.constant === 0 && index.terms.length === 1 && index.terms[0].step === 1 ? index.terms[0].atom : undefined;

/** Quotient, rounded down. */
export const divideIndex = (index: Affine, by: number): Affine => {
  if (by === 1) return index;
  const [whole, rest] = splitBy(index, by);
  const [low, high] = rangeOf(rest);
  const floor = Math.floor(low / by);
  if (floor === Math.floor(high / by)) return addIndices(whole, literal(floor));
  const common = shared(rest, by);
  if (common > 1) return addIndices(whole, divideIndex(reduced(rest, common), by / common));
  const atom = single(rest);
  if (atom?.kind === "quotient") return addIndices(whole, divideIndex(atom.of, atom.by * by));
  if (atom?.kind === "remainder" && atom.by % by === 0) {
    return addIndices(whole, remainderIndex(divideIndex(atom.of, by), atom.by / by));
  }
  // What is divided must not be negative: whole divisors are added before and taken away after.
  return addIndices(addIndices(whole, literal(floor)), divided("quotient", addIndices(rest, literal(-floor * by)), by));
};

/** Remainder, from 0 to below the divisor. */
export const remainderIndex = (index: Affine, by: number): Affine => {
  if (by === 1) return ZERO;
  const [, rest] = splitBy(index, by);
  const [low, high] = rangeOf(rest);
  const floor = Math.floor(low / by);
  if (floor === Math.floor(high / by)) return addIndices(rest, literal(-floor * by));
  const common = shared(rest, by);
  if (common > 1) {
    const inner = scaleIndex(remainderIndex(reduced(rest, common), by / common), common);
    return addIndices(inner, literal(floorMod(rest.constant, common)));
  }
  const atom = single(rest);
  if (atom?.kind === "remainder" && atom.by % by === 0) return remainderIndex(atom.of, by);
  return divided("remainder", addIndices(rest, literal(-floor * by)), by);
};

/** An index with axes replaced by indices. */
export const replaceAxes = (index: Affine, by: ReadonlyMap<number, Affine>): Affine => {
  let made = literal(index.constant);
  for (const { atom, step } of index.terms) {
    let part: Affine;
    if (atom.kind === "axis") part = by.get(atom.axis.id) ?? axisIndex(atom.axis);
    else if (atom.kind === "quotient") part = divideIndex(replaceAxes(atom.of, by), atom.by);
    else if (atom.kind === "remainder") part = remainderIndex(replaceAxes(atom.of, by), atom.by);
    else part = make(0, [{ atom, step: 1 }]);
    made = addIndices(made, scaleIndex(part, step));
  }
  return made;
};

/** Calls `visit` with every axis that an index depends on directly or through division; computed integers are skipped. */
export const eachAxis = (index: Affine, visit: (axis: Axis) => void): void => {
  for (const { atom } of index.terms) {
    if (atom.kind === "axis") visit(atom.axis);
    else if (atom.kind !== "value") eachAxis(atom.of, visit);
  }
};

/** Row-major position of an index in a shape. */
export const flatIndex = (index: ReadonlyArray<Affine>, shape: ReadonlyArray<number>): Affine => {
  let made = ZERO;
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    made = addIndices(made, scaleIndex(index[axis], step));
    step *= shape[axis];
  }
  return made;
};

/** The index in a shape that a row-major position has. */
export const splitIndex = (flat: Affine, shape: ReadonlyArray<number>): ReadonlyArray<Affine> => {
  const made = new Array<Affine>(shape.length);
  let rest = flat;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = Math.max(1, shape[axis]);
    made[axis] = axis === 0 ? rest : remainderIndex(rest, size);
    if (shape[axis] <= 1) made[axis] = ZERO;
    rest = divideIndex(rest, size);
  }
  return made;
};

/** The factor of one axis in an index; undefined where it also stands inside a division or a computed integer may hide it. */
export const stepOf = (index: Affine, axis: Axis): number | undefined => {
  let found = 0;
  for (const { atom, step } of index.terms) {
    if (atom.kind === "axis") {
      if (atom.axis.id === axis.id) found = step;
    } else if (atom.kind !== "value") {
      let inside = false;
      eachAxis(atom.of, (other) => inside ||= other.id === axis.id);
      if (inside) return undefined;
    }
  }
  return found;
};

/** Text of an index; axes and computed integers are printed by the caller. */
export const printIndex = (index: Affine, axis: (of: Axis) => string, value: (of: unknown) => string): string => {
  const parts = index.terms.map(({ atom, step }) => {
    const inner = atom.kind === "axis"
      ? axis(atom.axis)
      : atom.kind === "value"
      ? value(atom.value)
      : `(${printIndex(atom.of, axis, value)}) ${atom.kind === "quotient" ? "/" : "%"} ${atom.by}`;
    const text = atom.kind === "quotient" || atom.kind === "remainder" ? `(${inner})` : inner;
    return step === 1 ? text : `${step}*${text}`;
  });
  if (index.constant !== 0 || parts.length === 0) parts.push(String(index.constant));
  return parts.join(" + ").replaceAll("+ -", "- ");
};
