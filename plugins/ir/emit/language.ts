/**
 * Language: what differs between the curly languages that loops are printed in (C, CUDA, Rust), as data and small texts.
 *
 * Not the walk over statements (curly.ts).
 * Invariant: every operation of an expression is one call or one infix text in the language; operations whose meaning
 * the language does not have are helpers, printed once before the kernels that use them.
 *
 * @module
 */
import type { Buffer, Dtype, Expression, LoopProgram, Operation } from "./form.ts";

/** A helper function of the printed text. */
export interface Helper {
  /** Its name. */
  readonly name: string;
  /** Its definition. */
  readonly text: string;
  /** Helpers it calls. */
  readonly needs?: ReadonlyArray<Helper>;
}

/** How an operation is written: an expression text, with the helpers it calls. */
export interface Spelled {
  /** The text. */
  readonly text: string;
  /** What must be defined before it. */
  readonly helpers: ReadonlyArray<Helper>;
}

/** An operand in text. */
export interface Operand {
  /** Its text. */
  readonly text: string;
  /** Its element type. */
  readonly dtype: Dtype;
}

/** One curly language. */
export interface Language {
  /** The target's name. */
  readonly target: string;
  /** Element types it has. */
  readonly dtypes: ReadonlySet<Dtype>;
  /** Text of an element type. */
  readonly type: (dtype: Dtype) => string;
  /** A literal. */
  readonly literal: (dtype: Dtype, value: number | bigint) => string;
  /** An operation. */
  readonly apply: (op: Operation, dtype: Dtype, operands: ReadonlyArray<Operand>) => Spelled;
  /** Quotient and remainder of indices that may be negative, rounded down. */
  readonly floorDivide: (kind: "quotient" | "remainder", of: string, by: number) => Spelled;
  /** An index as a number of a type. */
  readonly fromIndex: (dtype: Dtype, index: string) => string;
  /** A number as an index. */
  readonly toIndex: (value: string) => string;
  /** An element of a buffer. */
  readonly element: (buffer: string, index: string) => string;
  /** Declares a scalar. */
  readonly declare: (name: string, dtype: Dtype, value: string | undefined, changes: boolean) => string;
  /** Opens a loop. */
  readonly loop: (name: string, extent: number) => string;
  /** Opens a branch. */
  readonly branch: (condition: string) => string;
  /** One of two texts. */
  readonly choose: (condition: string, then: string, otherwise: string) => string;
  /** A bool of an expression as a condition. */
  readonly condition: (value: string) => string;
}

export type { Buffer, Expression, LoopProgram };
