/**
 * Primitives: the operators that formulas are made of: value, derivative, and the op of the language that each one is.
 *
 * Not protected arithmetic: a formula that divides by zero at a point of the data is not finite there, and is refused.
 * Invariant: every loop writes all points; the derivative adds to what is there.
 *
 * @module
 */

/** A column of numbers, one for each point. */
export type Column = Float64Array;

/** An operator of one operand. */
export interface Unary {
  /** Operands. */
  readonly arity: 1;
  /** What it does. */
  readonly doc: string;
  /** Its value at one number. */
  readonly at: (a: number) => number;
  /** Its values. */
  readonly values: (a: Column, out: Column, count: number) => void;
  /** Adds its derivative times what comes from above to the operand's. */
  readonly pull: (a: Column, out: Column, above: Column, toA: Column, count: number) => void;
  /** What a point costs, in additions. */
  readonly work: number;
  /** As text of the language, of its operand's text. */
  readonly text: (a: string) => string;
}

/** An operator of two operands. */
export interface Binary {
  /** Operands. */
  readonly arity: 2;
  /** What it does. */
  readonly doc: string;
  /** Whether the order of its operands means nothing. */
  readonly commutes: boolean;
  /** Its value at two numbers. */
  readonly at: (a: number, b: number) => number;
  /** Its values. */
  readonly values: (a: Column, b: Column, out: Column, count: number) => void;
  /** Adds its derivatives times what comes from above to the operands'. */
  readonly pull: (
    a: Column,
    b: Column,
    out: Column,
    above: Column,
    toA: Column,
    toB: Column,
    count: number,
  ) => void;
  /** What a point costs, in additions. */
  readonly work: number;
  /** As text of the language, of its operands' texts. */
  readonly text: (a: string, b: string) => string;
}

const called = (name: string) => (...operands: ReadonlyArray<string>): string => `${name}(${operands.join(", ")})`;

const add: Binary = {
  arity: 2,
  doc: "Sum.",
  commutes: true,
  work: 1,
  at: (a, b) => a + b,
  values: (a, b, out, count) => {
    for (let i = 0; i < count; i++) out[i] = a[i] + b[i];
  },
  pull: (_a, _b, _out, above, toA, toB, count) => {
    for (let i = 0; i < count; i++) {
      toA[i] += above[i];
      toB[i] += above[i];
    }
  },
  text: called("add"),
};

const sub: Binary = {
  arity: 2,
  doc: "Difference.",
  commutes: false,
  work: 1,
  at: (a, b) => a - b,
  values: (a, b, out, count) => {
    for (let i = 0; i < count; i++) out[i] = a[i] - b[i];
  },
  pull: (_a, _b, _out, above, toA, toB, count) => {
    for (let i = 0; i < count; i++) {
      toA[i] += above[i];
      toB[i] -= above[i];
    }
  },
  text: called("sub"),
};

const mul: Binary = {
  arity: 2,
  doc: "Product.",
  commutes: true,
  work: 1,
  at: (a, b) => a * b,
  values: (a, b, out, count) => {
    for (let i = 0; i < count; i++) out[i] = a[i] * b[i];
  },
  pull: (a, b, _out, above, toA, toB, count) => {
    for (let i = 0; i < count; i++) {
      toA[i] += above[i] * b[i];
      toB[i] += above[i] * a[i];
    }
  },
  text: called("mul"),
};

const div: Binary = {
  arity: 2,
  doc: "Quotient.",
  commutes: false,
  work: 2,
  at: (a, b) => a / b,
  values: (a, b, out, count) => {
    for (let i = 0; i < count; i++) out[i] = a[i] / b[i];
  },
  pull: (_a, b, out, above, toA, toB, count) => {
    for (let i = 0; i < count; i++) {
      const share = above[i] / b[i];
      toA[i] += share;
      toB[i] -= share * out[i];
    }
  },
  text: called("div"),
};

const sin: Unary = {
  arity: 1,
  doc: "Sine.",
  work: 12,
  at: Math.sin,
  values: (a, out, count) => {
    for (let i = 0; i < count; i++) out[i] = Math.sin(a[i]);
  },
  pull: (a, _out, above, toA, count) => {
    for (let i = 0; i < count; i++) toA[i] += above[i] * Math.cos(a[i]);
  },
  text: called("sin"),
};

const cos: Unary = {
  arity: 1,
  doc: "Cosine.",
  work: 12,
  at: Math.cos,
  values: (a, out, count) => {
    for (let i = 0; i < count; i++) out[i] = Math.cos(a[i]);
  },
  pull: (a, _out, above, toA, count) => {
    for (let i = 0; i < count; i++) toA[i] -= above[i] * Math.sin(a[i]);
  },
  text: called("cos"),
};

const exp: Unary = {
  arity: 1,
  doc: "e to the operand.",
  work: 8,
  at: Math.exp,
  values: (a, out, count) => {
    for (let i = 0; i < count; i++) out[i] = Math.exp(a[i]);
  },
  pull: (_a, out, above, toA, count) => {
    for (let i = 0; i < count; i++) toA[i] += above[i] * out[i];
  },
  text: called("exp"),
};

const log: Unary = {
  arity: 1,
  doc: "Natural logarithm.",
  work: 8,
  at: Math.log,
  values: (a, out, count) => {
    for (let i = 0; i < count; i++) out[i] = Math.log(a[i]);
  },
  pull: (a, _out, above, toA, count) => {
    for (let i = 0; i < count; i++) toA[i] += above[i] / a[i];
  },
  text: called("log"),
};

const sqrt: Unary = {
  arity: 1,
  doc: "Square root.",
  work: 3,
  at: Math.sqrt,
  values: (a, out, count) => {
    for (let i = 0; i < count; i++) out[i] = Math.sqrt(a[i]);
  },
  pull: (_a, out, above, toA, count) => {
    for (let i = 0; i < count; i++) toA[i] += above[i] / (2 * out[i]);
  },
  text: called("sqrt"),
};

const square: Unary = {
  arity: 1,
  doc: "The operand times itself.",
  work: 1,
  at: (a) => a * a,
  values: (a, out, count) => {
    for (let i = 0; i < count; i++) out[i] = a[i] * a[i];
  },
  pull: (a, _out, above, toA, count) => {
    for (let i = 0; i < count; i++) toA[i] += 2 * above[i] * a[i];
  },
  // An exponent that is a whole number would make the power of integers exact and of negative ones refused.
  text: (a) => `pow(${a}, 2.0f64)`,
};

const abs: Unary = {
  arity: 1,
  doc: "Magnitude.",
  work: 1,
  at: Math.abs,
  values: (a, out, count) => {
    for (let i = 0; i < count; i++) out[i] = Math.abs(a[i]);
  },
  pull: (a, _out, above, toA, count) => {
    for (let i = 0; i < count; i++) toA[i] += above[i] * Math.sign(a[i]);
  },
  text: called("abs"),
};

const tanh: Unary = {
  arity: 1,
  doc: "Hyperbolic tangent.",
  work: 16,
  at: Math.tanh,
  values: (a, out, count) => {
    for (let i = 0; i < count; i++) out[i] = Math.tanh(a[i]);
  },
  pull: (_a, out, above, toA, count) => {
    for (let i = 0; i < count; i++) toA[i] += above[i] * (1 - out[i] * out[i]);
  },
  text: called("tanh"),
};

/** The name of an operator. */
export type PrimitiveName =
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "sin"
  | "cos"
  | "exp"
  | "log"
  | "sqrt"
  | "square"
  | "abs"
  | "tanh";

/** The operators by name. */
export const PRIMITIVES: { readonly [Name in PrimitiveName]: Unary | Binary } = {
  add,
  sub,
  mul,
  div,
  sin,
  cos,
  exp,
  log,
  sqrt,
  square,
  abs,
  tanh,
};

/** The names of the operators. */
export const PRIMITIVE_NAMES: ReadonlyArray<PrimitiveName> = Object.keys(PRIMITIVES) as ReadonlyArray<PrimitiveName>;

/** The operators of a search that names none. */
export const USUAL_PRIMITIVES: ReadonlyArray<PrimitiveName> = [
  "add",
  "sub",
  "mul",
  "div",
  "sin",
  "cos",
  "exp",
  "log",
  "sqrt",
  "square",
];

/** The operator of a name. */
export const primitive = (name: PrimitiveName): Unary | Binary => PRIMITIVES[name];
