/**
 * Vary: formulas drawn at random, and children of one or two formulas.
 *
 * Invariant: what is given back is canonical and no larger than asked for, or undefined where a draw came to nothing.
 *
 * @module
 */
import type { Random } from "../../../kernel/random.ts";
import { applied, bare, constant, type Formula, replaced, subtree, variable } from "./formula.ts";
import { primitive, type PrimitiveName } from "./primitives.ts";

/** What formulas are made of. */
export interface Alphabet {
  /** Operators of one operand. */
  readonly unary: ReadonlyArray<PrimitiveName>;
  /** Operators of two. */
  readonly binary: ReadonlyArray<PrimitiveName>;
  /** Number of variables. */
  readonly variables: number;
}

/** The alphabet of some operators and variables. */
export const alphabetOf = (operators: ReadonlyArray<PrimitiveName>, variables: number): Alphabet => ({
  unary: operators.filter((name) => primitive(name).arity === 1),
  binary: operators.filter((name) => primitive(name).arity === 2),
  variables,
});

/** Share of leaves that are constants. */
const CONSTANT_SHARE = 0.25;

const leaf = ({ variables }: Alphabet, chance: Random): Formula =>
  chance.float() < CONSTANT_SHARE ? constant(drawnConstant(chance)) : variable(chance.below(variables));

/** Small whole numbers and normal ones, evenly. */
const drawnConstant = (chance: Random): number => chance.float() < 0.5 ? chance.below(5) - 2 || 1 : 2 * chance.normal();

/** A formula of about so many nodes. */
export const grown = (alphabet: Alphabet, size: number, chance: Random): Formula => {
  const { unary, binary } = alphabet;
  if (size <= 1 || (unary.length === 0 && size < 3)) return leaf(alphabet, chance);
  if (unary.length > 0 && (size === 2 || binary.length === 0 || chance.float() < 1 / 3)) {
    return applied(chance.pick(unary), grown(alphabet, size - 1, chance));
  }
  if (binary.length === 0) return leaf(alphabet, chance);
  const left = 1 + chance.below(size - 2);
  return applied(chance.pick(binary), grown(alphabet, left, chance), grown(alphabet, size - 1 - left, chance));
};

/** Largest formula that is grafted or drawn. */
const GRAFT_SIZE = 5;

type Edit = (parent: Formula, other: Formula, alphabet: Alphabet, chance: Random) => Formula | undefined;

const pickNode = (formula: Formula, chance: Random): number => chance.below(formula.size);

/** Ways to make a child, each with how often it is tried. */
const EDITS: { readonly [name: string]: readonly [weight: number, edit: Edit] } = {
  crossed: [
    6,
    (parent, other, _alphabet, chance) =>
      replaced(parent, pickNode(parent, chance), subtree(other, pickNode(other, chance))),
  ],
  joined: [3, (parent, other, { binary }, chance) => {
    if (binary.length === 0) return undefined;
    const part = subtree(other, pickNode(other, chance));
    return chance.float() < 0.5
      ? applied(chance.pick(binary), parent, part)
      : applied(chance.pick(binary), part, parent);
  }],
  grafted: [
    4,
    (parent, _other, alphabet, chance) =>
      replaced(parent, pickNode(parent, chance), grown(alphabet, 1 + chance.below(GRAFT_SIZE), chance)),
  ],
  wrapped: [4, (parent, _other, alphabet, chance) => {
    const at = pickNode(parent, chance);
    const inner = subtree(parent, at);
    const { unary, binary } = alphabet;
    if (binary.length === 0 || (unary.length > 0 && chance.float() < 0.4)) {
      return unary.length === 0 ? undefined : replaced(parent, at, applied(chance.pick(unary), inner));
    }
    const beside = grown(alphabet, 1 + chance.below(GRAFT_SIZE - 2), chance);
    const op = chance.pick(binary);
    return replaced(parent, at, chance.float() < 0.5 ? applied(op, inner, beside) : applied(op, beside, inner));
  }],
  changed: [4, (parent, _other, { unary, binary, variables }, chance) => {
    const at = pickNode(parent, chance);
    const { op, value, a, b } = subtree(parent, at);
    if (op === "constant" || op === "variable") {
      const next = op === "constant" || chance.float() < CONSTANT_SHARE;
      if (!next) return replaced(parent, at, variable(chance.below(variables)));
      return replaced(
        parent,
        at,
        op === "constant" && chance.float() < 0.5
          ? constant(value * (1 + 0.5 * chance.normal()) + 0.1 * chance.normal())
          : chance.float() < 0.5
          ? variable(chance.below(variables))
          : constant(drawnConstant(chance)),
      );
    }
    const same = b === undefined ? unary : binary;
    return same.length === 0 ? undefined : replaced(parent, at, applied(chance.pick(same), a!, b));
  }],
  hoisted: [2, (parent, _other, _alphabet, chance) => {
    const at = pickNode(parent, chance);
    const { a, b } = subtree(parent, at);
    if (a === undefined) return undefined;
    return replaced(parent, at, b !== undefined && chance.float() < 0.5 ? b : a);
  }],
  swapped: [1, (parent, _other, { variables }, chance) => {
    const [from, to] = [chance.below(variables), chance.below(variables)];
    const exchanged = (formula: Formula): Formula =>
      formula.op === "variable"
        ? variable(formula.value === from ? to : formula.value === to ? from : formula.value)
        : formula.a === undefined
        ? formula
        : applied(formula.op as PrimitiveName, exchanged(formula.a), formula.b && exchanged(formula.b));
    return from === to ? undefined : exchanged(parent);
  }],
};

const WHEEL: ReadonlyArray<Edit> = Object.values(EDITS).flatMap(([weight, edit]) => Array(weight).fill(edit));

/** Whether every constant of a formula is a finite number. */
const isFinite = ({ op, value, a, b }: Formula): boolean =>
  op === "constant" ? Number.isFinite(value) : (a === undefined || isFinite(a)) && (b === undefined || isFinite(b));

/** Operators that say little when they stand in one another, and how many of a kind may lie on one path to a leaf. */
const NESTING: ReadonlyArray<{ readonly operators: ReadonlyArray<string>; readonly most: number }> = [
  { operators: ["sin", "cos", "tanh"], most: 1 },
  { operators: ["exp", "log"], most: 2 },
  { operators: ["sqrt", "square", "abs"], most: 2 },
];

const deepest = ({ op, a, b }: Formula, operators: ReadonlyArray<string>): number =>
  Number(operators.includes(op)) +
  Math.max(a === undefined ? 0 : deepest(a, operators), b === undefined ? 0 : deepest(b, operators));

/** Whether operators lie in one another more often than is sensible. */
const isOvernested = (formula: Formula): boolean =>
  NESTING.some(({ operators, most }) => deepest(formula, operators) > most);

/** The formula without what scaling brings anyway, where it is one that may live. */
export const viable = (made: Formula, limit: number): Formula | undefined => {
  const formula = bare(made);
  return formula.size > limit || formula.op === "constant" || !isFinite(formula) || isOvernested(formula)
    ? undefined
    : formula;
};

/** A child of a formula, and for some edits of another one too. */
export const child = (
  parent: Formula,
  other: Formula,
  alphabet: Alphabet,
  limit: number,
  chance: Random,
): Formula | undefined => {
  const made = chance.pick(WHEEL)(parent, other, alphabet, chance);
  if (made === undefined) return undefined;
  return viable(made, limit);
};
