/**
 * Graph: programs as data. A program is named functions; a function is typed values in SSA form, one node after another.
 *
 * Not the way to write one by hand (builder.ts) and not its meaning (primitives/, evaluate.ts).
 * Invariant: a `Program` has passed the structural checks (check.ts) and is frozen; whoever holds one need not check again.
 * Values of a function are numbered: parameters first, then the results of each node in order. Structured control names
 * closed functions of the same program; functions never call in a circle.
 *
 * @module
 */
import type { Dimension } from "./dimension.ts";
import { unknownFunction } from "./failures.ts";
import type { Constraint } from "./solver.ts";
import type { TensorType } from "./types.ts";
import type { Tensor } from "./value.ts";

/** An attribute's value; dimensions are numbers or canonical text. */
export type Attribute = number | string | boolean | Tensor | ReadonlyArray<Attribute>;

/** Attributes by name. */
export type Attributes = { readonly [name: string]: Attribute };

/** One operation of a function. */
export interface Node {
  /** A primitive's name, or `call`, `if`, `while`, `scan`. */
  readonly op: string;
  /** Numbers of the values it takes. */
  readonly operands: ReadonlyArray<number>;
  /** What else it is told. */
  readonly attributes: Attributes;
  /** Functions that control nodes run; empty for primitives. */
  readonly functions: ReadonlyArray<string>;
  /** Types of the values it makes. */
  readonly results: ReadonlyArray<TensorType>;
  /** Path of the source expression it came from. */
  readonly location?: string;
}

/** A parameter of a function. */
export interface Parameter {
  /** What callers call it; not part of the program's identity. */
  readonly name: string;
  /** Its type. */
  readonly type: TensorType;
}

/** A function: closed, typed, straight-line apart from its control nodes. */
export interface IrFunction {
  /** Unique in its program. */
  readonly name: string;
  /** Symbolic sizes that callers pass because no parameter's shape determines them. */
  readonly sizes: ReadonlyArray<string>;
  /** Parameters. */
  readonly parameters: ReadonlyArray<Parameter>;
  /** Equalities between sizes that callers must satisfy. */
  readonly constraints: ReadonlyArray<Constraint>;
  /** Nodes, each after what it uses. */
  readonly nodes: ReadonlyArray<Node>;
  /** Numbers of the values it returns. */
  readonly returns: ReadonlyArray<number>;
}

/** Types of all values of a function, by number. */
export const valueTypes = (fn: IrFunction): ReadonlyArray<TensorType> => [
  ...fn.parameters.map((parameter) => parameter.type),
  ...fn.nodes.flatMap((node) => node.results),
];

/** Types a function returns. */
export const returnTypes = (fn: IrFunction): ReadonlyArray<TensorType> => {
  const types = valueTypes(fn);
  return fn.returns.map((value) => types[value]);
};

/** The number of the first value each node makes. */
export const firstResults = (fn: IrFunction): ReadonlyArray<number> => {
  let next = fn.parameters.length;
  return fn.nodes.map((node) => {
    const first = next;
    next += node.results.length;
    return first;
  });
};

/** A checked program. */
export interface Program {
  /** The function that running the program runs. */
  readonly entry: string;
  /** Functions by name, each after those it uses. */
  readonly functions: ReadonlyMap<string, IrFunction>;
}

/** A function of a program by name; throws `IR_UNKNOWN_FUNCTION`. */
export const functionOf = (program: Program, name: string = program.entry): IrFunction => {
  const found = program.functions.get(name);
  if (found === undefined) throw unknownFunction({ name, suggestions: [...program.functions.keys()] });
  return found;
};

/** Names of dimensions bound by a function's sizes, its parameters or both. */
export type SizeBindings = ReadonlyMap<string, Dimension>;
