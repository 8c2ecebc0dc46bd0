/**
 * Link: a program over the modules that it needs, as one program: each module is a `let` around what needs it.
 *
 * Invariant: every module stands once, what it needs around it; the program itself is unchanged inside.
 *
 * @module
 */
import type { Program } from "../codec/v1.ts";
import { decodeProgram } from "../codec/v2.ts";
import { letIn } from "../expression.ts";
import { Symbols } from "../symbols.ts";
import { canonical, movedInto } from "./canonical.ts";
import type { Resolution } from "./resolution.ts";

/** Wraps a program in its modules. Throws `RMIL_DEPTH` where the result nests too deeply. */
export const linked = (program: Program, { order }: Resolution): Program => {
  const symbols = new Symbols();
  const root = order.reduceRight(
    (inner, module) => letIn(symbols.intern(module.name), movedInto(symbols, decodeProgram(module.bytes)), inner),
    movedInto(symbols, program),
  );
  return canonical({ symbols, root });
};
