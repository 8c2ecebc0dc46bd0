/**
 * Evaluation table: every op whose meaning is not a tensor program alone.
 *
 * @module
 */
import { agentEvaluations } from "./evaluation/agent.ts";
import { controlEvaluations } from "./evaluation/control.ts";
import { memoryEvaluations } from "./evaluation/memory.ts";
import { metaEvaluations } from "./evaluation/meta.ts";
import { symbolicEvaluations } from "./evaluation/symbolic.ts";
import type { OpCall } from "./interpreter/operands.ts";
import type { RunValue } from "./interpreter/run_value.ts";
import type { Steps } from "./interpreter/work.ts";

/** Runs one application: at once, or in steps where it runs functions, searches or waits. */
export type Evaluate = (call: OpCall) => RunValue | Steps;

/** Evaluations of some ops by name. */
export type Evaluations<Name extends string> = { readonly [N in Name]: Evaluate };

/** Evaluations by op name. */
export const EVALUATIONS: { readonly [op: string]: Evaluate } = {
  ...controlEvaluations,
  ...memoryEvaluations,
  ...metaEvaluations,
  ...symbolicEvaluations,
  ...agentEvaluations,
};
