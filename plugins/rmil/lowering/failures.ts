/**
 * Failures of going between programs of the language and tensor programs of the IR.
 *
 * @module
 */
import { failure, type FailureDefinition } from "../../../kernel/failure.ts";

/** An expression is not a tensor program. */
export const notLowered: FailureDefinition<"RMIL_NOT_LOWERED", { what: string; reason: string }> = failure(
  "RMIL_NOT_LOWERED",
  {
    doc: "A part of a program is no tensor computation, so it has no place in a tensor program.",
    recoverable: true,
    says: (a) => `Cannot lower ${a.what}: ${a.reason}`,
    fix: (a) => ({ summary: `Run ${a.what} with rmil.run, or keep it outside of the part that is lowered` }),
  },
);

/** A node of the IR is not an op of the language. */
export const notLifted: FailureDefinition<"RMIL_NOT_LIFTED", { node: string; reason: string }> = failure(
  "RMIL_NOT_LIFTED",
  {
    doc: "A node of a tensor program is what no op of the language, and no lowering of one, computes.",
    recoverable: true,
    says: (a) => `Cannot lift ${a.node}: ${a.reason}`,
    fix: () => ({ summary: "Keep the program in the IR, where it runs and compiles as it is" }),
  },
);

/** Both. */
export const loweringFailures: readonly [typeof notLowered, typeof notLifted] = [notLowered, notLifted];
