/**
 * Loops: the loop-level form, the last one that all devices share. Plain data: buffers, and kernels that run in order.
 *
 * Not scheduling (schedule.ts makes it) and not a device's code (each device prints it). `printLoops` (print.ts) writes
 * it for people.
 * Invariant: sizes are numbers; a load or store that is reached is inside its buffer; an expression has one dtype, the
 * meaning of its operation is that of the IR primitive of the same name at that dtype, and expressions are shared:
 * equal ones are one object.
 *
 * How a device reads it:
 * - Steps run in order. A kernel's `parallel` axes may run in any order or at once; all others run upwards.
 * - A `Local` is a scalar of the iteration that declares it. `accumulate` folds a value into it by an associative
 *   operation, so the device may split the loops around it into lanes and join them at the end.
 * - f16 and bf16 arithmetic: compute in f32, round each result to the dtype. Locals of these dtypes hold rounded values.
 * - A `scratch` buffer belongs to one turn of the parallel axes: a device that runs several at once gives each its own.
 *
 * @module
 */
import type { ConcreteType, Dtype, Tensor } from "../../ir/library.ts";
import type { Affine, Axis } from "./affine.ts";
import type { Expressions } from "./expression.ts";

export type { Affine, Atom, Axis, Term } from "./affine.ts";

/** What a buffer is for. */
export type BufferRole = "input" | "output" | "state" | "constant" | "temporary" | "scratch";

/** Elements in a row. */
export interface Buffer {
  /** Position in {@link LoopProgram.buffers}. */
  readonly id: number;
  /** Element type. */
  readonly dtype: Dtype;
  /** How many. */
  readonly elements: number;
  /** What for. */
  readonly role: BufferRole;
  /** The elements of a constant. */
  readonly data?: Tensor;
}

/** A scalar variable. */
export interface Local {
  /** Unique in its program. */
  readonly id: number;
  /** Element type. */
  readonly dtype: Dtype;
}

/** Elementwise primitives of the IR that appear in expressions under their own names. */
export const ELEMENT_OPERATIONS = [
  "neg",
  "abs",
  "sign",
  "exp",
  "expm1",
  "log",
  "log1p",
  "sqrt",
  "sin",
  "cos",
  "tanh",
  "logistic",
  "erf",
  "floor",
  "ceil",
  "round",
  "not",
  "add",
  "sub",
  "mul",
  "div",
  "rem",
  "pow",
  "max",
  "min",
  "and",
  "or",
  "xor",
  "shift_left",
  "shift_right",
  "select",
  "cast",
] as const;

/** Comparisons: `compare` by direction; the operands' dtype decides how. */
export const COMPARISONS = ["eq", "ne", "lt", "le", "gt", "ge"] as const;

/** Draws of `random`: arguments are the seed (i64), the element's number (u64) and the stream (u32). */
export const DRAWS = ["random_uniform", "random_normal", "random_bits"] as const;

/** An operation of an expression. */
export type Operation = typeof ELEMENT_OPERATIONS[number] | typeof COMPARISONS[number] | typeof DRAWS[number];

/** What an expression computes; `id` numbers equal expressions equally. */
export type Expression =
  & {
    /** Equal for equal expressions of one program. */
    readonly id: number;
    /** Its element type. */
    readonly dtype: Dtype;
  }
  & (
    | {
      /** A literal. */
      readonly kind: "constant";
      /** A bigint for i64 and u64. */
      readonly value: number | bigint;
    }
    | {
      /** An index as a number. */
      readonly kind: "index";
      /** The index. */
      readonly index: Affine;
    }
    | {
      /** An element of a buffer. */
      readonly kind: "load";
      /** From where. */
      readonly buffer: Buffer;
      /** Which. */
      readonly index: Affine;
    }
    | {
      /** What a local holds. */
      readonly kind: "local";
      /** Which. */
      readonly local: Local;
    }
    | {
      /** An operation. */
      readonly kind: "apply";
      /** Which. */
      readonly op: Operation;
      /** On what. */
      readonly arguments: ReadonlyArray<Expression>;
    }
    | {
      /** `then` where the condition holds, else `otherwise`; what is not chosen must not be loaded. */
      readonly kind: "guard";
      /** A bool. */
      readonly condition: Expression;
      /** Where it holds. */
      readonly then: Expression;
      /** Where not. */
      readonly otherwise: Expression;
    }
  );

/** Associative ways to fold. `any` and `all` are max and min of bools. */
export type FoldKind = "sum" | "prod" | "max" | "min" | "any" | "all";

/** How a loop's turns may run. */
export type LoopKind = "parallel" | "reduce" | "serial";

/** What a kernel does. */
export type Statement =
  | {
    /** A loop. `reduce`: turns meet only in accumulated locals. */
    readonly kind: "for";
    readonly axis: Axis;
    readonly loop: LoopKind;
    readonly body: ReadonlyArray<Statement>;
  }
  | {
    /** Declares a local and gives it its first value. */
    readonly kind: "let";
    readonly local: Local;
    readonly value: Expression;
  }
  | {
    /** Gives a local another value. */
    readonly kind: "assign";
    readonly local: Local;
    readonly value: Expression;
  }
  | {
    /** Folds a value into a local. */
    readonly kind: "accumulate";
    readonly local: Local;
    readonly fold: FoldKind;
    readonly value: Expression;
  }
  | {
    /** Writes an element; the value has the buffer's dtype. */
    readonly kind: "store";
    readonly buffer: Buffer;
    readonly index: Affine;
    readonly value: Expression;
  }
  | {
    /** Runs the body where the condition holds. */
    readonly kind: "when";
    readonly condition: Expression;
    readonly body: ReadonlyArray<Statement>;
  };

/**
 * How the right side of a convolution is made, for devices that have a kernel for it; others read `right`. Lists have one
 * entry a spatial axis.
 */
export interface Window {
  /** Axes of the input: image, channel, then the spatial ones. */
  readonly axes: ReadonlyArray<Axis>;
  /** The element of the input at the axes. */
  readonly input: Expression;
  /** Groups of channels. */
  readonly groups: number;
  /** Sizes of the kernel. */
  readonly kernel: ReadonlyArray<number>;
  /** Steps between windows. */
  readonly strides: ReadonlyArray<number>;
  /** Zeros before the input; negative to crop. */
  readonly low: ReadonlyArray<number>;
  /** Zeros after the input; negative to crop. */
  readonly high: ReadonlyArray<number>;
  /** Steps between kernel elements. */
  readonly dilation: ReadonlyArray<number>;
  /** Steps between input elements. */
  readonly inputDilation: ReadonlyArray<number>;
}

/**
 * Tile product: for all batch, row and column axes, accumulator = Σ over the sum axes of left · right, then the epilogue
 * with the accumulator in it. `left` does not depend on the columns, `right` not on the rows. A convolution is one whose
 * right side is a guarded load of the window.
 */
export interface Contraction {
  /** Which kind of work. */
  readonly kind: "contraction";
  /** Axes both sides run along. */
  readonly batch: ReadonlyArray<Axis>;
  /** Axes of the left side alone. */
  readonly rows: ReadonlyArray<Axis>;
  /** Axes of the right side alone. */
  readonly columns: ReadonlyArray<Axis>;
  /** Axes that are summed, outermost first. */
  readonly sum: ReadonlyArray<Axis>;
  /** Left factor. */
  readonly left: Expression;
  /** Right factor. */
  readonly right: Expression;
  /** Holds the sum in the epilogue. */
  readonly accumulator: Local;
  /** What is done with each sum: `let`s and `store`s. */
  readonly epilogue: ReadonlyArray<Statement>;
  /** The window, where it is a convolution: batch axes are images, then groups; columns are windows, row-major. */
  readonly window?: Window;
}

/** Nested loops. */
export interface Loops {
  /** Which kind of work. */
  readonly kind: "loops";
  /** Statements. */
  readonly body: ReadonlyArray<Statement>;
}

/** One unit of work. */
export interface Kernel {
  /** Which kind of step. */
  readonly kind: "kernel";
  /** For people: the operations it joins. */
  readonly name: string;
  /** How many nodes of the IR it computes. */
  readonly nodes: number;
  /** Floating-point operations, by the project's convention. */
  readonly flops: number;
  /** What it does. */
  readonly work: Loops | Contraction;
}

/** What runs in order: kernels and structured control over them. */
export type Step =
  | Kernel
  | {
    /** Runs one of two sequences by the bool in element 0 of a buffer. */
    readonly kind: "if";
    readonly predicate: Buffer;
    readonly then: ReadonlyArray<Step>;
    readonly otherwise: ReadonlyArray<Step>;
  }
  | {
    /** Runs `condition`, and while the bool it leaves in element 0 of a buffer holds, `body`. */
    readonly kind: "while";
    readonly condition: ReadonlyArray<Step>;
    readonly predicate: Buffer;
    readonly body: ReadonlyArray<Step>;
  }
  | {
    /** Runs the body once for each turn of an axis, upwards; the body's kernels may use the axis in indices. */
    readonly kind: "repeat";
    readonly axis: Axis;
    readonly body: ReadonlyArray<Step>;
  };

/** A parameter or result of a loop program: its type and where it lies. */
export interface Port {
  /** Its type. */
  readonly type: ConcreteType;
  /** Where it lies. */
  readonly buffer: Buffer;
}

/** A program in loop-level form. */
export interface LoopProgram {
  /** What made its expressions, for those who make more of them. */
  readonly pool: Expressions;
  /** All buffers. */
  readonly buffers: ReadonlyArray<Buffer>;
  /** What runs. */
  readonly steps: ReadonlyArray<Step>;
  /** All parameters, in order; state parameters among them. */
  readonly parameters: ReadonlyArray<Port>;
  /** All results, in order; a state result lies in its parameter's buffer. */
  readonly results: ReadonlyArray<Port>;
}

/** Calls `visit` with every kernel, in the order of the text. */
export const eachKernel = (steps: ReadonlyArray<Step>, visit: (kernel: Kernel) => void): void => {
  for (const step of steps) {
    if (step.kind === "kernel") visit(step);
    else if (step.kind === "if") {
      eachKernel(step.then, visit);
      eachKernel(step.otherwise, visit);
    } else if (step.kind === "while") {
      eachKernel(step.condition, visit);
      eachKernel(step.body, visit);
    } else eachKernel(step.body, visit);
  }
};

/** Calls `visit` with every statement of a list and inside it. */
export const eachStatement = (body: ReadonlyArray<Statement>, visit: (statement: Statement) => void): void => {
  for (const statement of body) {
    visit(statement);
    if (statement.kind === "for" || statement.kind === "when") eachStatement(statement.body, visit);
  }
};

/** Calls `visit` once with every expression that some expressions are made of, parts first, computed indices included. */
export const eachExpression = (
  roots: ReadonlyArray<Expression>,
  visit: (expression: Expression) => void,
): void => {
  const seen = new Set<number>();
  const inIndex = (index: Affine): void => {
    for (const { atom } of index.terms) {
      if (atom.kind === "value") walk(atom.value as Expression);
      else if (atom.kind !== "axis") inIndex(atom.of);
    }
  };
  const walk = (expression: Expression): void => {
    if (seen.has(expression.id)) return;
    seen.add(expression.id);
    if (expression.kind === "apply") expression.arguments.forEach(walk);
    else if (expression.kind === "guard") {
      walk(expression.condition);
      walk(expression.then);
      walk(expression.otherwise);
    } else if (expression.kind === "load" || expression.kind === "index") inIndex(expression.index);
    visit(expression);
  };
  roots.forEach(walk);
};

/** The expressions a statement holds itself, those in its store index included. */
export const expressionsOf = (statement: Statement): ReadonlyArray<Expression> => {
  if (statement.kind === "for") return [];
  if (statement.kind === "when") return [statement.condition];
  if (statement.kind !== "store") return [statement.value];
  const inIndex = (index: Affine): ReadonlyArray<Expression> =>
    index.terms.flatMap(({ atom }) =>
      atom.kind === "value" ? [atom.value as Expression] : atom.kind === "axis" ? [] : inIndex(atom.of)
    );
  return [statement.value, ...inIndex(statement.index)];
};
