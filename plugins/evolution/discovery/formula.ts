/**
 * Formula: a tree of operators over variables and constants, in a canonical form, so that equal ones are found equal.
 *
 * Not its values on data (evaluate.ts) and not a program of the language (program.ts).
 * Invariant: trees are made by `constant`, `variable` and `applied` alone; `applied` computes what is constant, merges
 * neighbouring constants of sums and products, and orders operands that commute.
 *
 * @module
 */
import { isJsonObject, type Json } from "../../../kernel/json.ts";
import { badState } from "../failures.ts";
import { type Binary, primitive, PRIMITIVE_NAMES, type PrimitiveName, type Unary } from "./primitives.ts";

/** A tree. */
export interface Formula {
  /** An operator, a constant or a variable. */
  readonly op: PrimitiveName | "constant" | "variable";
  /** The constant, or the variable's place; 0 of an operator. */
  readonly value: number;
  /** First operand. */
  readonly a?: Formula;
  /** Second operand. */
  readonly b?: Formula;
  /** Nodes. */
  readonly size: number;
  /** Constants. */
  readonly constants: number;
}

/** A constant. There is one zero: a stored form has no other. */
export const constant = (value: number): Formula => ({ op: "constant", value: value + 0, size: 1, constants: 1 });

/** A variable. */
export const variable = (place: number): Formula => ({ op: "variable", value: place, size: 1, constants: 0 });

const node = (op: PrimitiveName, a: Formula, b?: Formula): Formula => ({
  op,
  value: 0,
  a,
  ...(b === undefined ? {} : { b }),
  size: 1 + a.size + (b?.size ?? 0),
  constants: a.constants + (b?.constants ?? 0),
});

const isConstant = (formula: Formula): boolean => formula.op === "constant";

/** The order of operands that commute: constants first, then by operator, place and operands. */
const rank = (formula: Formula): number =>
  formula.op === "constant" ? -2 : formula.op === "variable" ? -1 : PRIMITIVE_NAMES.indexOf(formula.op);

/** Order of trees that does not look at the values of constants, so that fitting them changes no tree's form. */
export const compareForms = (x: Formula, y: Formula): number => {
  const byRank = rank(x) - rank(y);
  if (byRank !== 0) return byRank;
  if (x.op === "constant") return 0;
  if (x.op === "variable") return x.value - y.value;
  const first = compareForms(x.a!, y.a!);
  return first !== 0 || x.b === undefined ? first : compareForms(x.b, y.b!);
};

/** Whether two trees are the same, constants included. */
const same = (x: Formula, y: Formula): boolean =>
  x === y ||
  (x.op === y.op && x.value === y.value && x.size === y.size && (x.a === undefined || same(x.a, y.a!)) &&
    (x.b === undefined || same(x.b, y.b!)));

type Rule = (a: Formula, b: Formula) => Formula | undefined;

const sum: Rule = (a, b) => {
  if (a.op === "constant" && a.value === 0) return b;
  // c + (d + x) is (c + d) + x.
  if (isConstant(a) && b.op === "add" && isConstant(b.a!)) return applied("add", constant(a.value + b.a!.value), b.b!);
  if (isConstant(a) && b.op === "sub" && isConstant(b.a!)) return applied("sub", constant(a.value + b.a!.value), b.b!);
  if (!isConstant(a) && b.op === "add" && isConstant(b.a!)) return applied("add", b.a!, applied("add", a, b.b!));
  if (a.op === "add" && isConstant(a.a!)) return applied("add", a.a!, applied("add", a.b!, b));
  if (!isConstant(a) && same(a, b)) return applied("mul", constant(2), a);
  return undefined;
};

const difference: Rule = (a, b) => {
  if (isConstant(b)) return applied("add", constant(-b.value), a);
  if (same(a, b)) return constant(0);
  if (isConstant(a) && b.op === "add" && isConstant(b.a!)) return applied("sub", constant(a.value - b.a!.value), b.b!);
  if (isConstant(a) && b.op === "sub" && isConstant(b.a!)) return applied("add", constant(a.value - b.a!.value), b.b!);
  if (!isConstant(a) && b.op === "add" && isConstant(b.a!)) {
    return applied("add", constant(-b.a!.value), applied("sub", a, b.b!));
  }
  if (a.op === "add" && isConstant(a.a!)) return applied("add", a.a!, applied("sub", a.b!, b));
  return undefined;
};

const product: Rule = (a, b) => {
  if (a.op === "constant" && (a.value === 1 || a.value === 0)) return a.value === 1 ? b : a;
  if (isConstant(a) && b.op === "mul" && isConstant(b.a!)) return applied("mul", constant(a.value * b.a!.value), b.b!);
  if (isConstant(a) && b.op === "div" && isConstant(b.a!)) return applied("div", constant(a.value * b.a!.value), b.b!);
  if (!isConstant(a) && b.op === "mul" && isConstant(b.a!)) return applied("mul", b.a!, applied("mul", a, b.b!));
  if (a.op === "mul" && isConstant(a.a!)) return applied("mul", a.a!, applied("mul", a.b!, b));
  return undefined;
};

const quotient: Rule = (a, b) => {
  if (b.op === "constant" && b.value !== 0) return applied("mul", constant(1 / b.value), a);
  if (same(a, b)) return constant(1);
  if (isConstant(a) && b.op === "mul" && isConstant(b.a!) && b.a!.value !== 0) {
    return applied("div", constant(a.value / b.a!.value), b.b!);
  }
  if (!isConstant(a) && b.op === "mul" && isConstant(b.a!) && b.a!.value !== 0) {
    return applied("mul", constant(1 / b.a!.value), applied("div", a, b.b!));
  }
  if (a.op === "mul" && isConstant(a.a!)) return applied("mul", a.a!, applied("div", a.b!, b));
  return undefined;
};

type UnaryRule = (a: Formula) => Formula | undefined;

/** Of a constant times something, what the constant becomes outside the operator; undefined where it cannot leave. */
const drawnOut = (op: PrimitiveName, outside: (c: number) => number): UnaryRule => ({ op: inner, a, b }) => {
  if (inner !== "mul" || !isConstant(a!)) return undefined;
  const factor = outside(a!.value);
  return Number.isFinite(factor) ? applied("mul", constant(factor), applied(op, b!)) : undefined;
};

const UNARY_RULES: { readonly [op in PrimitiveName]?: UnaryRule } = {
  square: drawnOut("square", (c) => c * c),
  abs: drawnOut("abs", Math.abs),
  // The root of a negative constant is not a number, so it stays inside.
  sqrt: drawnOut("sqrt", Math.sqrt),
  exp: ({ op, a, b }) =>
    op === "add" && isConstant(a!) ? applied("mul", constant(Math.exp(a!.value)), applied("exp", b!)) : undefined,
  log: ({ op, a, b }) =>
    op === "mul" && a!.op === "constant" && a!.value > 0
      ? applied("add", constant(Math.log(a!.value)), applied("log", b!))
      : undefined,
};

const RULES: { readonly [op in PrimitiveName]?: Rule } = { add: sum, sub: difference, mul: product, div: quotient };

/** An operator applied, in canonical form. */
export const applied = (op: PrimitiveName, a: Formula, b?: Formula): Formula => {
  const row = primitive(op);
  if (b === undefined) {
    return isConstant(a) ? constant((row as Unary).at(a.value)) : UNARY_RULES[op]?.(a) ?? node(op, a);
  }
  if (isConstant(a) && isConstant(b)) return constant((row as Binary).at(a.value, b.value));
  const [first, second] = (row as Binary).commutes && compareForms(a, b) > 0 ? [b, a] : [a, b];
  return RULES[op]?.(first, second) ?? node(op, first, second);
};

/** The tree without a leading sum or product with a constant, which scaling brings anyway. */
export const bare = (formula: Formula): Formula => {
  const { op, a, b } = formula;
  if ((op === "add" || op === "mul" || op === "sub") && isConstant(a!) && !isConstant(b!)) return bare(b!);
  return formula;
};

/** A formula with a scale and an offset, as one tree: neither is there where it changes nothing. */
export const affine = (formula: Formula, scale: number, offset: number): Formula =>
  scale === -1 && offset !== 0
    ? applied("sub", constant(offset), formula)
    : applied("add", constant(offset), applied("mul", constant(scale), formula));

/** The form of a tree: its text with constants unnamed. */
export const formOf = ({ op, value, a, b }: Formula): string =>
  op === "constant"
    ? "c"
    : op === "variable"
    ? `v${value}`
    : b === undefined
    ? `${op}(${formOf(a!)})`
    : `${op}(${formOf(a!)},${formOf(b)})`;

/** The subtree at a place, counted in preorder. */
export const subtree = (formula: Formula, at: number): Formula => {
  if (at === 0) return formula;
  const inA = formula.a!.size;
  return at <= inA ? subtree(formula.a!, at - 1) : subtree(formula.b!, at - 1 - inA);
};

/** The tree with another subtree at a place. */
export const replaced = (formula: Formula, at: number, by: Formula): Formula => {
  if (at === 0) return by;
  const { op, a, b } = formula;
  const inA = a!.size;
  return at <= inA
    ? applied(op as PrimitiveName, replaced(a!, at - 1, by), b)
    : applied(op as PrimitiveName, a!, replaced(b!, at - 1 - inA, by));
};

/** The constants, in preorder. */
export const constantsOf = (formula: Formula, found: number[] = []): number[] => {
  if (formula.op === "constant") found.push(formula.value);
  if (formula.constants > 0) {
    if (formula.a !== undefined) constantsOf(formula.a, found);
    if (formula.b !== undefined) constantsOf(formula.b, found);
  }
  return found;
};

/** The same form with other constants, in preorder. The form stays what it is, whatever the constants are. */
export const withConstants = (formula: Formula, values: ArrayLike<number>): Formula => {
  let next = 0;
  const made = (from: Formula): Formula => {
    if (from.constants === 0) return from;
    if (from.op === "constant") return constant(values[next++]);
    const a = made(from.a!);
    const b = from.b === undefined ? undefined : made(from.b);
    return { ...from, a, ...(b === undefined ? {} : { b }) };
  };
  return made(formula);
};

const negative = (formula: Formula): boolean => isConstant(formula) && formula.value < 0;

/** A factor below zero at the front of a product. */
const isMinus = ({ op, a }: Formula): boolean => op === "mul" && negative(a!);

const turned = ({ a, b }: Formula): Formula => applied("mul", constant(-a!.value), b!);

/** An operator applied so that as few constants as can be are below zero: for readers, after everything is fitted. */
const signed = (op: PrimitiveName, a: Formula, b?: Formula): Formula => {
  if (b === undefined) return applied(op, a);
  if (op === "add" && isMinus(b)) return applied("sub", a, turned(b));
  if (op === "add" && isMinus(a)) return applied("sub", b, turned(a));
  if (op === "sub" && isMinus(b)) return applied("add", a, turned(b));
  if (op === "add" && negative(a)) {
    return b.op === "sub" && isConstant(b.a!) ? applied(op, a, b) : node("sub", b, constant(-a.value));
  }
  if ((op === "mul" || op === "div") && negative(a) && b.op === "sub") {
    return applied(op, constant(-a.value), node("sub", b.b!, b.a!));
  }
  return applied(op, a, b);
};

/** The tree once more through the rules: where constants have become 0 or 1, it shrinks. */
export const tidied = (formula: Formula): Formula =>
  formula.a === undefined
    ? formula
    : signed(formula.op as PrimitiveName, tidied(formula.a), formula.b === undefined ? undefined : tidied(formula.b));

/** The value at a point. */
export const valueAt = ({ op, value, a, b }: Formula, point: ArrayLike<number>): number =>
  op === "constant"
    ? value
    : op === "variable"
    ? point[value]
    : b === undefined
    ? (primitive(op) as Unary).at(valueAt(a!, point))
    : (primitive(op) as Binary).at(valueAt(a!, point), valueAt(b, point));

/** As JSON: a number, `{v: place}`, or `[operator, …operands]`. */
export const encodeFormula = ({ op, value, a, b }: Formula): Json =>
  op === "constant"
    ? value
    : op === "variable"
    ? { v: value }
    : b === undefined
    ? [op, encodeFormula(a!)]
    : [op, encodeFormula(a!), encodeFormula(b)];

/** Deepest tree that is read. */
const MAX_FORMULA_DEPTH = 200;

/** The tree of its JSON, as it was stored; throws EVOLUTION_STATE where it is none of so many variables. */
export const decodeFormula = (json: Json, variables: number, depth = 0): Formula => {
  const wrong = () => badState({ reason: `a formula is malformed: ${(JSON.stringify(json) ?? "").slice(0, 80)}` });
  if (depth > MAX_FORMULA_DEPTH) throw wrong();
  if (typeof json === "number") return constant(json);
  if (isJsonObject(json)) {
    const place = json.v;
    if (!Number.isSafeInteger(place) || (place as number) < 0 || (place as number) >= variables) throw wrong();
    return variable(place as number);
  }
  if (!Array.isArray(json) || !(PRIMITIVE_NAMES as ReadonlyArray<Json>).includes(json[0])) throw wrong();
  const op = json[0] as PrimitiveName;
  if (json.length !== 1 + primitive(op).arity) throw wrong();
  const [a, b] = json.slice(1).map((operand: Json) => decodeFormula(operand, variables, depth + 1));
  return node(op, a, b);
};
