/**
 * Targets: the languages a program can be printed in.
 *
 * Not ONNX, which is bytes (onnx/export.ts).
 * Invariant: what is printed compiles with the target's own tools and means what the program means; anything else is
 * refused by operation, node and target.
 *
 * @module
 */
import type { Program } from "../graph.ts";
import { emitC } from "./c.ts";
import { emitCuda } from "./cuda.ts";
import { emitMlir } from "./mlir.ts";
import { emitRust } from "./rust.ts";
import type { PrintOptions } from "./form.ts";

export type { PrintOptions } from "./form.ts";

/** The languages. */
export const TEXT_TARGETS = { c: emitC, rust: emitRust, cuda: emitCuda, mlir: emitMlir } as const satisfies {
  readonly [target: string]: (program: Program, options?: PrintOptions) => string;
};

/** A language. */
export type TextTarget = keyof typeof TEXT_TARGETS;

/** The text of a program in a language; throws `IR_EMIT_UNSUPPORTED`. */
export const emitText = (program: Program, target: TextTarget, options: PrintOptions = {}): string =>
  TEXT_TARGETS[target](program, options);
